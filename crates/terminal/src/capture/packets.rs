//! The packets that a connection's bytes would have travelled in.

use std::net::{IpAddr, SocketAddr};

use etherparse::{PacketBuilder, TcpHeader, TcpOptionElement};
use socket_facts::Seen;

use super::pcapng::LinkType;

const WINDOW: u16 = 65_535;
const HOP_LIMIT: u8 = 64;
/// What a segment carries where nobody told, on Ethernet.
const USUAL_SEGMENT: usize = 1_448;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Client,
    Server,
}

/// One connection, and how far each end has counted.
#[derive(Debug)]
pub struct Stream {
    client: SocketAddr,
    server: SocketAddr,
    /// MAC addresses of the client and of whoever is next to it.
    macs: Option<([u8; 6], [u8; 6])>,
    segment_bytes: usize,
    timestamps: bool,
    client_sent: u32,
    server_sent: u32,
    client_ended: bool,
    server_ended: bool,
    /// Counts for the timestamps option.
    packets: u32,
}

impl Stream {
    pub fn of(client: SocketAddr, server: SocketAddr, seen: &Seen) -> (Stream, LinkType) {
        let own = seen.interface.as_ref().and_then(|interface| interface.mac);
        let next = seen.next_hop.as_ref().and_then(|hop| hop.mac);
        let macs = own.zip(next).map(|(own, next)| (own.0, next.0));
        let told = seen.tcp.as_ref();
        let segment_bytes = told.and_then(|tcp| usize::try_from(tcp.segment_bytes).ok()).filter(|bytes| *bytes > 0);
        let stream = Stream {
            client: canonical(client),
            server: canonical(server),
            macs,
            // A packet says its length in 16 bits; loopback's segments would not leave room for the headers.
            segment_bytes: segment_bytes.unwrap_or(USUAL_SEGMENT).min(65_000),
            timestamps: told.is_some_and(|tcp| tcp.options.timestamps),
            client_sent: 0,
            server_sent: 0,
            client_ended: false,
            server_ended: false,
            packets: 0,
        };
        (stream, if macs.is_some() { LinkType::Ethernet } else { LinkType::Raw })
    }

    /// The three packets that a connection begins with (RFC 9293 section 3.5).
    pub fn opened(&mut self) -> Vec<(Sender, Vec<u8>)> {
        let syn = self.packet(Sender::Client, &[], |header| (header.syn, header.ack) = (true, false));
        self.client_sent = 1;
        let answer = self.packet(Sender::Server, &[], |header| header.syn = true);
        self.server_sent = 1;
        let confirmed = self.packet(Sender::Client, &[], |_| {});
        vec![(Sender::Client, syn), (Sender::Server, answer), (Sender::Client, confirmed)]
    }

    pub fn said(&mut self, sender: Sender, bytes: &[u8]) -> Vec<(Sender, Vec<u8>)> {
        let pieces = bytes.chunks(self.segment_bytes);
        pieces
            .map(|piece| {
                let packet = self.packet(sender, piece, |header| header.psh = true);
                let sent = u32::try_from(piece.len()).unwrap_or(0);
                let counter = self.counter(sender);
                *counter = counter.wrapping_add(sent);
                (sender, packet)
            })
            .collect()
    }

    /// Once for each end.
    pub fn ended(&mut self, sender: Sender) -> Vec<(Sender, Vec<u8>)> {
        let ended = match sender {
            Sender::Client => &mut self.client_ended,
            Sender::Server => &mut self.server_ended,
        };
        if std::mem::replace(ended, true) {
            return Vec::new();
        }
        let packet = self.packet(sender, &[], |header| header.fin = true);
        let counter = self.counter(sender);
        *counter = counter.wrapping_add(1);
        vec![(sender, packet)]
    }

    fn counter(&mut self, sender: Sender) -> &mut u32 {
        match sender {
            Sender::Client => &mut self.client_sent,
            Sender::Server => &mut self.server_sent,
        }
    }

    fn packet(&mut self, sender: Sender, bytes: &[u8], mark: impl FnOnce(&mut TcpHeader)) -> Vec<u8> {
        let (from, to, number, confirmed) = match sender {
            Sender::Client => (self.client, self.server, self.client_sent, self.server_sent),
            Sender::Server => (self.server, self.client, self.server_sent, self.client_sent),
        };
        let mut header = TcpHeader::new(from.port(), to.port(), number, WINDOW);
        (header.ack, header.acknowledgment_number) = (true, confirmed);
        mark(&mut header);
        if !header.ack {
            header.acknowledgment_number = 0;
        }
        if self.timestamps {
            self.packets += 1;
            let times = TcpOptionElement::Timestamp(self.packets, self.packets - 1);
            // Twelve bytes always fit.
            let _ = header.set_options(&[TcpOptionElement::Noop, TcpOptionElement::Noop, times]);
        }
        let framed = self.macs.map(|(own, next)| match sender {
            Sender::Client => PacketBuilder::ethernet2(own, next),
            Sender::Server => PacketBuilder::ethernet2(next, own),
        });
        let ip = match (framed, from.ip(), to.ip()) {
            (Some(frame), IpAddr::V4(from), IpAddr::V4(to)) => frame.ipv4(from.octets(), to.octets(), HOP_LIMIT),
            (None, IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOP_LIMIT),
            (Some(frame), from, to) => frame.ipv6(v6(from), v6(to), HOP_LIMIT),
            (None, from, to) => PacketBuilder::ipv6(v6(from), v6(to), HOP_LIMIT),
        };
        let builder = ip.tcp_header(header);
        let mut packet = Vec::with_capacity(builder.size(bytes.len()));
        // A vector takes everything, and no piece is longer than a packet may be.
        let _ = builder.write(&mut packet, bytes);
        packet
    }
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    use socket_facts::{Interface, InterfaceKind, Mac, NextHop, TcpInfo, TcpOptions};
    use std::time::Duration;

    fn seen() -> Seen {
        let tcp = TcpInfo {
            state: "ESTABLISHED",
            round_trip: Duration::ZERO,
            round_trip_variance: Duration::ZERO,
            retransmits: 0,
            unconfirmed: 0,
            congestion_window: 10,
            congestion_control: String::new(),
            segment_bytes: 10,
            path_mtu: 1_500,
            bytes_sent: None,
            bytes_acknowledged: 0,
            bytes_received: 0,
            options: TcpOptions { timestamps: true, ..TcpOptions::default() },
        };
        let interface =
            Interface { name: "eth0".to_owned(), kind: InterfaceKind::Ethernet, mac: Some(Mac([2; 6])), mtu: 1_500 };
        let hop = NextHop { address: "192.0.2.1".parse().unwrap(), is_router: false, mac: Some(Mac([4; 6])) };
        Seen { tcp: Some(tcp), interface: Some(interface), next_hop: Some(hop) }
    }

    #[test]
    fn packets_are_whole_and_count_on() {
        for (client, server, facts, link, header) in [
            ("192.0.2.7:50000", "192.0.2.1:6697", seen(), LinkType::Ethernet, 14 + 20 + 32),
            ("[::ffff:192.0.2.7]:50000", "192.0.2.1:6697", Seen::default(), LinkType::Raw, 20 + 20),
            ("[2001:db8::7]:50000", "[2001:db8::1]:6697", Seen::default(), LinkType::Raw, 40 + 20),
        ] {
            let (mut stream, link_type) = Stream::of(client.parse().unwrap(), server.parse().unwrap(), &facts);
            assert_eq!(link_type, link);
            let mut packets = stream.opened();
            packets.extend(stream.said(Sender::Client, b"0123456789abcde"));
            packets.extend(stream.said(Sender::Server, b"welcome"));
            packets.extend(stream.ended(Sender::Server));
            packets.extend(stream.ended(Sender::Client));
            packets.extend(stream.ended(Sender::Client));
            let mut said = Vec::new();
            for (sender, packet) in &packets {
                let sliced = match link {
                    LinkType::Ethernet => SlicedPacket::from_ethernet(packet),
                    LinkType::Raw => SlicedPacket::from_ip(packet),
                };
                let sliced = sliced.unwrap();
                let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { panic!("no TCP in {packet:?}") };
                let checksum = match sliced.net.unwrap() {
                    NetSlice::Ipv4(ip) => tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()),
                    NetSlice::Ipv6(ip) => tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination()),
                    other => panic!("{other:?}"),
                };
                assert_eq!(tcp.checksum(), checksum.unwrap());
                assert_eq!(packet.len(), header + tcp.payload().len());
                let flags = [(tcp.syn(), "S"), (tcp.ack(), "A"), (tcp.psh(), "P"), (tcp.fin(), "F")];
                let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, letter)| *letter).collect();
                let who = if *sender == Sender::Client { "c" } else { "s" };
                let (number, confirmed) = (tcp.sequence_number(), tcp.acknowledgment_number());
                said.push(format!("{who} {flags} {number} {confirmed} {}", String::from_utf8_lossy(tcp.payload())));
            }
            let cut = if link == LinkType::Ethernet {
                &["c AP 1 1 0123456789", "c AP 11 1 abcde"][..]
            } else {
                &["c AP 1 1 0123456789abcde"]
            };
            let begun = ["c S 0 0 ", "s SA 0 1 ", "c A 1 1 "];
            let ended = ["s AP 1 16 welcome", "s AF 8 16 ", "c AF 16 9 "];
            assert_eq!(said, [&begun[..], cut, &ended].concat());
        }
    }
}
