//! What the kernel knows of a TCP connection: its state, times and counters (TCP_INFO), the interface that its packets leave
//! through, and who gets them next.
//!
//! Asked of Linux by netlink, which needs no right and no unsafe code (docs/decisions/0028-seeing-the-wire.md); other systems
//! tell nothing here. Nothing is read before [`look`] is called, and it waits for nothing.

#[cfg(target_os = "linux")]
mod netlink;
#[cfg(target_os = "linux")]
mod next_hop;
#[cfg(target_os = "linux")]
mod tcp_info;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What is known of a connection. `None`: this system does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub tcp: Option<TcpInfo>,
    pub interface: Option<Interface>,
    /// Who gets the frames; `None` also where there are none, as within a machine.
    pub next_hop: Option<NextHop>,
}

/// `struct tcp_info` of linux/tcp.h, what a person can make something of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpInfo {
    /// As netstat(8) calls it.
    pub state: &'static str,
    pub round_trip: Duration,
    pub round_trip_variance: Duration,
    /// Segments sent again since the connection began.
    pub retransmits: u32,
    /// Sent and not confirmed, in segments.
    pub unconfirmed: u32,
    /// In segments.
    pub congestion_window: u32,
    /// The algorithm that governs it.
    pub congestion_control: String,
    /// What one segment carries at most: the options that every segment has are taken off already.
    pub segment_bytes: u32,
    /// The longest packet that is believed to get through.
    pub path_mtu: u32,
    /// `None`: the kernel is older than 4.19.
    pub bytes_sent: Option<u64>,
    pub bytes_acknowledged: u64,
    pub bytes_received: u64,
    pub options: TcpOptions,
}

/// Agreed on in the first two packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpOptions {
    pub timestamps: bool,
    pub selective_acknowledgement: bool,
    /// By how many bits the windows of the two directions are shifted: what is sent, what is received.
    pub window_scale: Option<(u8, u8)>,
    pub explicit_congestion_notification: bool,
}

impl fmt::Display for TcpOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.timestamps {
            words.push("timestamps".to_owned());
        }
        if self.selective_acknowledgement {
            words.push("sack".to_owned());
        }
        words.extend(self.window_scale.map(|(sent, received)| format!("wscale:{sent}/{received}")));
        if self.explicit_congestion_notification {
            words.push("ecn".to_owned());
        }
        out.write_str(if words.is_empty() { "none" } else { "" })?;
        out.write_str(&words.join(","))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub kind: InterfaceKind,
    pub mac: Option<Mac>,
    pub mtu: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterfaceKind {
    Loopback,
    Ethernet,
    /// Its frames are shown to programs as Ethernet's.
    WiFi,
    /// A tunnel, a modem.
    Other,
}

impl InterfaceKind {
    pub fn word(self) -> &'static str {
        match self {
            InterfaceKind::Loopback => "loopback",
            InterfaceKind::Ethernet => "ethernet",
            InterfaceKind::WiFi => "wifi",
            InterfaceKind::Other => "other",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    pub address: IpAddr,
    /// A router, since the other end is on another network.
    pub is_router: bool,
    /// Once it has been asked for.
    pub mac: Option<Mac>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

/// Looks at the connection of this machine between these two addresses.
#[cfg(target_os = "linux")]
pub fn look(local: SocketAddr, remote: SocketAddr) -> Seen {
    let (local, remote) = (canonical(local), canonical(remote));
    // What cannot be asked is not known; there is nobody to whom an error would say more.
    let tcp = tcp_info::of(local, remote).ok().flatten();
    let (interface, next_hop) = next_hop::towards(local, remote).unwrap_or_default();
    Seen { tcp, interface, next_hop }
}

#[cfg(not(target_os = "linux"))]
pub fn look(local: SocketAddr, remote: SocketAddr) -> Seen {
    let _ = (canonical(local), canonical(remote));
    Seen::default()
}

/// A socket that takes both families shows IPv4 addresses in IPv6 ones (RFC 4291 section 2.5.5.2); the tables have them
/// as what they are.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(Mac([2, 0, 0, 0xAB, 0, 1]).to_string(), "02:00:00:ab:00:01");
        assert_eq!(TcpOptions::default().to_string(), "none");
        let all = TcpOptions {
            timestamps: true,
            selective_acknowledgement: true,
            window_scale: Some((7, 9)),
            explicit_congestion_notification: true,
        };
        assert_eq!(all.to_string(), "timestamps,sack,wscale:7/9,ecn");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_of_this_machine_is_seen() {
        use std::io::{Read as _, Write as _};
        use std::net::{TcpListener, TcpStream};

        // Linux shows an IPv4 client of the second listener as an IPv4 address in an IPv6 one.
        for (listens, connects) in [("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "127.0.0.1"), ("[::1]:0", "::1")] {
            let listener = match TcpListener::bind(listens) {
                Ok(listener) => listener,
                Err(error) => {
                    println!("no {listens} here ({error}): skipped");
                    continue;
                }
            };
            let port = listener.local_addr().unwrap().port();
            let mut client = TcpStream::connect((connects, port)).unwrap();
            let (mut served, _) = listener.accept().unwrap();
            client.write_all(b"hello").unwrap();
            served.read_exact(&mut [0; 5]).unwrap();
            let seen = look(client.local_addr().unwrap(), client.peer_addr().unwrap());
            let from_server = look(served.local_addr().unwrap(), served.peer_addr().unwrap());
            let tcp = seen.tcp.expect("the kernel tells");
            let other = from_server.tcp.expect("the kernel tells");
            assert_eq!((tcp.state, other.state), ("ESTABLISHED", "ESTABLISHED"));
            assert_eq!((tcp.bytes_sent, tcp.bytes_received, other.bytes_received), (Some(5), 0, 5), "{listens}");
            assert!(tcp.congestion_window > 0 && tcp.segment_bytes > 500 && !tcp.congestion_control.is_empty());
            assert_eq!(tcp.options.timestamps, other.options.timestamps);
            let interface = seen.interface.expect("a connection has an interface");
            assert_eq!((interface.name.as_str(), interface.kind), ("lo", InterfaceKind::Loopback));
            assert!(interface.mtu >= 1280);
            assert_eq!(seen.next_hop, None);
        }
        let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
        assert_eq!(look(nobody, nobody).tcp, None);
    }
}
