//! From an accepted socket to a session: PROXY header, TLS handshake, WebSocket, all under one deadline that no byte extends.

use super::connection::{Carrier, Class, Connection, Opening, Stage, WebSocket};
use super::outbox::Outbox;
use super::socket::Socket;
use super::timers::{tick, tick_from, ticks};
use super::{Accepted, Shard, Stopping};
use crate::http::UpgradedConnection;
use crate::limits::{self, AdmissionRefusal};
use crate::logging::RepeatedComplaint;
use crate::metrics::ConnectionKind;
use crate::proxy_protocol::{self, ProxyHeader};
use crate::websocket;
use chat::id::SessionId;
use mio::{Interest, Token};
use session::{Form, Moment, Peer, Session};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};

static UNWATCHED: RepeatedComplaint = RepeatedComplaint::new();
static NO_TLS: RepeatedComplaint = RepeatedComplaint::new();
static BAD_PROXY_HEADER: RepeatedComplaint = RepeatedComplaint::new();

/// Where a connection comes from, and since when.
#[derive(Clone, Copy)]
struct Origin {
    peer: SocketAddr,
    local: SocketAddr,
    accepted_ms: u64,
}

impl Origin {
    fn of(opening: &Opening) -> Origin {
        Origin { peer: opening.peer, local: opening.local, accepted_ms: opening.accepted_ms }
    }
}

/// Ticks that one who is turned away has to take the reason: five seconds.
const TURNING_AWAY_TICKS: u64 = ticks(5);

impl Shard {
    pub(super) fn accept(&mut self, accepted: Accepted) {
        let Accepted { stream, peer, local, tls, proxied } = accepted;
        let seconds = if proxied || tls.is_some() {
            self.around.rules.limits.handshake_seconds
        } else {
            self.around.rules.limits.register_seconds
        };
        let deadline = tick_from(self.now.monotonic_ms) + ticks(seconds as u64);
        let accepted_ms = self.now.monotonic_ms;
        let opening = Box::new(Opening { peer, local, tls, accepted_ms, deadline });
        let socket = Socket::plain(mio::net::TcpStream::from_std(stream));
        let stage = if proxied { Stage::Proxy { header: Vec::new(), opening } } else { Stage::Handshake { opening } };
        let Some(id) = self.admit(socket, stage, peer.ip()) else { return };
        self.watch(id, deadline);
        if !proxied {
            self.begin(id);
        }
        self.read(id);
    }

    /// A connection that the HTTP side has upgraded: from here on it is one of ours.
    pub(super) fn accept_websocket(&mut self, upgraded: UpgradedConnection) {
        let stream = mio::net::TcpStream::from_std(upgraded.stream);
        let socket = Socket { stream, tls: upgraded.tls };
        let address = upgraded.forwarded_for.unwrap_or(upgraded.peer.ip());
        let peer = Peer {
            address,
            port_local: upgraded.local.port(),
            secure: upgraded.secure,
            loopback: address.is_loopback(),
            certificate: upgraded.certificate_fingerprint,
            login: upgraded.login,
            transport: if upgraded.secure { "WebSocket over TLS" } else { "WebSocket" },
            exempt: self.is_exempt(address),
        };
        let accepted_ms = self.clock.milliseconds(upgraded.accepted);
        let until = tick_from(accepted_ms) + ticks(self.around.rules.limits.register_seconds as u64);
        let Some(id) = self.admit(socket, Stage::Ending { until, told: false }, upgraded.peer.ip()) else { return };
        let longest = self.around.rules.limits.recvq_bytes;
        if let Some(connection) = self.connections.find(id) {
            connection.websocket =
                Some(Box::new(WebSocket { decoder: websocket::Decoder::new(longest), unfinished: Vec::new() }));
            connection.class.carrier = if upgraded.text { Carrier::Text } else { Carrier::Binary };
        }
        self.open(id, peer, accepted_ms);
        let mut early = upgraded.early;
        self.take_bytes(id, &mut early);
        self.read(id);
    }

    /// Gives the connection a slot and has the kernel tell of it.
    fn admit(&mut self, socket: Socket, stage: Stage, address: IpAddr) -> Option<SessionId> {
        if self.stopping != Stopping::No {
            self.around.admission.leave(address);
            return None;
        }
        let id = self.connections.insert(|id| Connection {
            id,
            socket,
            stage,
            outbox: Outbox::default(),
            rooms: SmallVec::new(),
            class: Class { form: Form::PLAIN, carrier: Carrier::Lines },
            framer: wire::Framer::new(),
            websocket: None,
            address,
            next_check: 0,
            last_progress: 0,
            dirty: false,
            blocked: false,
            unread: false,
            caught_up: false,
            held: false,
            hung_up: false,
            kind: None,
            waiting: 0,
        });
        let connection = self.connections.find(id)?;
        let registered = self.poll.registry().register(
            &mut connection.socket.stream,
            Token(id.slot as usize),
            Interest::READABLE | Interest::WRITABLE,
        );
        self.handle.metrics.connections_opened();
        if let Err(error) = registered {
            UNWATCHED.say(|left_out| {
                tracing::warn!(
                    "a new connection from {address} could not be watched and was closed: {error}{left_out}"
                );
            });
            self.drop_connection(id.slot);
            return None;
        }
        Some(id)
    }

    /// After the PROXY header, or without one: TLS where it is asked for, else the session.
    pub(super) fn begin(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id) else { return };
        let Stage::Handshake { opening } = &mut connection.stage else { return };
        match opening.tls.take() {
            None => {
                let origin = Origin::of(opening);
                self.open_from(id, origin, None, false);
            }
            Some(config) => match crate::tls::server_connection(config) {
                Ok(tls) => {
                    connection.socket.tls = Some(Box::new(tls));
                }
                Err(error) => {
                    NO_TLS.say(|left_out| {
                        tracing::error!(
                            "TLS could not be started for a connection: {error}; check [tls] in the configuration{left_out}"
                        );
                    });
                    self.drop_connection(id.slot);
                }
            },
        }
    }

    /// Bytes of a PROXY header, or the first part of one.
    pub(super) fn take_proxy_header(&mut self, id: SessionId, bytes: &[u8]) {
        let Some(connection) = self.connections.find(id) else { return };
        let Stage::Proxy { header, .. } = &mut connection.stage else { return };
        header.extend_from_slice(bytes);
        let header = std::mem::take(header);
        let (source, length) = match proxy_protocol::parse(&header) {
            ProxyHeader::Incomplete if header.len() < limits::PROXY_HEADER_BYTES => {
                if let Stage::Proxy { header: kept, .. } = &mut connection.stage {
                    *kept = header;
                }
                return;
            }
            ProxyHeader::Relayed { source, length } => (Some(source), length),
            ProxyHeader::Local { length } => (None, length),
            _ => {
                let from = connection.address;
                BAD_PROXY_HEADER.say(|left_out| {
                    tracing::warn!("{from}: no valid PROXY header came on a listener that asks for one{left_out}");
                });
                self.handle.metrics.closed_because("bad_proxy_header");
                self.drop_connection(id.slot);
                return;
            }
        };
        let Stage::Proxy { opening, .. } =
            std::mem::replace(&mut connection.stage, Stage::Ending { until: 0, told: false })
        else {
            return;
        };
        let mut opening = opening;
        if let Some(source) = source {
            // The bound per address is meant for people, not for their proxy.
            if let Err(refusal) = self.around.admission.readmit(connection.address, source.ip()) {
                return self.turn_away(id, refusal, opening.tls.is_some());
            }
            let Some(connection) = self.connections.find(id) else { return };
            connection.address = source.ip();
            opening.peer = source;
        }
        let Some(connection) = self.connections.find(id) else { return };
        connection.stage = Stage::Handshake { opening };
        let mut rest = header[length..].to_vec();
        self.begin(id);
        self.feed(id, &mut rest);
    }

    /// Says why, where that can be said without a handshake, and closes.
    fn turn_away(&mut self, id: SessionId, refusal: AdmissionRefusal, tls: bool) {
        self.handle.metrics.closed_because("turned_away");
        if tls {
            return self.drop_connection(id.slot);
        }
        self.send_raw(id, format!("ERROR :{refusal}\r\n").into_bytes());
        let until = tick(self.now.monotonic_ms) + TURNING_AWAY_TICKS;
        if let Some(connection) = self.connections.find(id) {
            connection.stage = Stage::Ending { until, told: false };
            self.watch(id, until);
        }
    }

    /// Bytes that came along with a PROXY header: for TLS as ciphertext, else as lines.
    fn feed(&mut self, id: SessionId, bytes: &mut [u8]) {
        let Some(connection) = self.connections.find(id) else { return };
        if connection.socket.tls.is_none() {
            self.take_bytes(id, bytes);
        } else if connection.socket.feed_tls(bytes).is_err() {
            self.drop_connection(id.slot);
        }
    }

    /// The session begins if a TLS handshake has just ended.
    pub(super) fn finish_handshake(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id) else { return };
        let (Stage::Handshake { opening }, Some(tls)) = (&connection.stage, &connection.socket.tls) else { return };
        if tls.is_handshaking() {
            return;
        }
        let certificate = tls.peer_certificates().and_then(|chain| chain.first()).map(crate::tls::fingerprint);
        let origin = Origin::of(opening);
        self.open_from(id, origin, certificate, true);
    }

    fn open_from(&mut self, id: SessionId, origin: Origin, certificate: Option<[u8; 32]>, secure: bool) {
        let Origin { peer, local, accepted_ms } = origin;
        let address = peer.ip();
        let peer = Peer {
            address,
            port_local: local.port(),
            secure,
            loopback: address.is_loopback(),
            certificate,
            login: None,
            transport: if secure { "TLS" } else { "TCP" },
            exempt: self.is_exempt(address),
        };
        self.open(id, peer, accepted_ms);
    }

    /// Its time to register began when it was accepted: no handshake extends it.
    fn open(&mut self, id: SessionId, peer: Peer, accepted_ms: u64) {
        let since = Moment { monotonic_ms: accepted_ms, ..self.now };
        let session = Box::new(Session::new(id, peer, since, &self.around.facts));
        let Some(connection) = self.connections.find(id) else { return };
        connection.class.form = session.form();
        connection.stage = Stage::Open(session);
        let kind = ConnectionKind::of(connection.websocket.is_some(), connection.socket.tls.is_some());
        connection.kind = Some(kind);
        self.handle.metrics.kind_begun(kind);
        let next = tick(self.now.monotonic_ms) + 1;
        self.watch(id, next);
    }

    /// Looks at the connection again at this tick, and not before.
    pub(super) fn watch(&mut self, id: SessionId, tick: u64) {
        if let Some(connection) = self.connections.find(id) {
            connection.next_check = tick;
            self.timers.add(tick, (id, tick));
        }
    }

    /// Looks at the connection again at this tick, unless that is to be done earlier anyway.
    pub(super) fn watch_no_later(&mut self, id: SessionId, tick: u64) {
        if self.connections.find(id).is_some_and(|connection| tick < connection.next_check) {
            self.watch(id, tick);
        }
    }

    pub(super) fn is_exempt(&self, address: IpAddr) -> bool {
        self.around.rules.exempt.iter().any(|range| range.contains(address))
    }
}
