//! One connection as this end of it is: for whoever asks with CONNECTION.

use super::socket::Socket;
use super::{Shard, ShardInput};
use chat::id::SessionId;
use discovery::Fingerprint;
use session::{ConnectionSeen, Fact, WorkResult};
use socket_facts::{InterfaceKind, Seen, TcpInfo};

impl Shard {
    /// The kernel answers at once; it is four system calls for each question, for which the asker's allowance pays.
    pub(super) fn see_connection(&mut self, session: SessionId, ticket: u32) {
        let Some(connection) = self.connections.find(session) else { return };
        let seen = seen(&connection.socket, self.around.rules.certificate.as_ref());
        let result = WorkResult::Connection(Box::new(seen));
        self.handle.inputs.push(ShardInput::WorkDone { session, ticket, result });
    }
}

fn seen(socket: &Socket, certificate: Option<&Fingerprint>) -> ConnectionSeen {
    let ends = socket.stream.peer_addr().and_then(|peer| Ok((peer, socket.stream.local_addr()?))).ok();
    let Some((peer, local)) = ends else { return ConnectionSeen::default() };
    let facts = socket_facts::look(local, peer);
    ConnectionSeen {
        ends,
        tls: socket.tls.as_deref().map_or_else(Vec::new, |connection| tls(connection, certificate)),
        tcp: facts.tcp.as_ref().map_or_else(Vec::new, tcp),
        link: link(&facts),
    }
}

/// `certificate`: the one that the server shows now. A connection from before a reload was shown the one of then, which
/// is not known any more.
fn tls(tls: &rustls::ServerConnection, certificate: Option<&Fingerprint>) -> Vec<Fact> {
    let version = tls.protocol_version().map(|version| ("version", format!("{version:?}").replace('_', ".")));
    let suite = tls.negotiated_cipher_suite().map(|suite| ("suite", format!("{:?}", suite.suite())));
    let exchange = tls.negotiated_key_exchange_group().map(|group| ("key-exchange", format!("{:?}", group.name())));
    let resumed = matches!(tls.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    let certificate = certificate.map(|fingerprint| ("certificate", discovery::fingerprint_text(fingerprint)));
    version.into_iter().chain(suite).chain(exchange).chain([("resumed", yes(resumed))]).chain(certificate).collect()
}

fn tcp(tcp: &TcpInfo) -> Vec<Fact> {
    let mut facts = vec![
        ("state", tcp.state.to_owned()),
        ("rtt-us", tcp.round_trip.as_micros().to_string()),
        ("rtt-variance-us", tcp.round_trip_variance.as_micros().to_string()),
        ("retransmits", tcp.retransmits.to_string()),
        ("unconfirmed", tcp.unconfirmed.to_string()),
        ("window", tcp.congestion_window.to_string()),
        ("congestion", tcp.congestion_control.clone()),
        ("segment", tcp.segment_bytes.to_string()),
        ("acknowledged", tcp.bytes_acknowledged.to_string()),
        ("received", tcp.bytes_received.to_string()),
        ("options", tcp.options.to_string()),
    ];
    facts.extend(tcp.bytes_sent.map(|bytes| ("sent", bytes.to_string())));
    facts
}

/// Who is on the same link sees this machine's card in every frame, and is told how the server sees theirs. To others
/// only what their packets are bound by.
fn link(facts: &Seen) -> Vec<Fact> {
    let Some(interface) = &facts.interface else { return Vec::new() };
    let mut link = vec![("kind", interface.kind.word().to_owned()), ("mtu", interface.mtu.to_string())];
    match &facts.next_hop {
        Some(hop) if !hop.is_router => {
            link.extend(interface.mac.map(|mac| ("server-mac", mac.to_string())));
            link.extend(hop.mac.map(|mac| ("your-mac", mac.to_string())));
        }
        Some(_) => link.push(("next", "router".to_owned())),
        None if interface.kind == InterfaceKind::Loopback => link.push(("next", "same-machine".to_owned())),
        None => {}
    }
    link
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}
