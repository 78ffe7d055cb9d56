//! Listening sockets of the IRC protocol: one thread accepts for all shards and deals connections out in turn.

use crate::admission::Admission;
use crate::config::{AddressRange, Listener, Protocol, any_contains};
use crate::current::Current;
use crate::limits::{self, AdmissionRefusal};
use crate::logging::RepeatedComplaint;
use crate::metrics::ListenerMetrics;
use crate::shard::{Accepted, ShardHandle, ShardInput};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol as Transport, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A socket that listens, before anyone accepts from it.
#[derive(Debug)]
pub struct Bound {
    pub socket: TcpListener,
    pub address: SocketAddr,
    pub settings: Listener,
}

/// Binds and listens. The error is a sentence with the mend.
pub fn bind(settings: &Listener, send_buffer: usize) -> Result<Bound, String> {
    let make = || -> io::Result<Bound> {
        let socket = Socket::new(Domain::for_address(settings.address), Type::STREAM, Some(Transport::TCP))?;
        // A server that was just stopped leaves connections in TIME_WAIT; they shall not keep the next one out.
        socket.set_reuse_address(true)?;
        if settings.address.is_ipv6() {
            socket.set_only_v6(settings.v6_only)?;
        }
        // Accepted connections inherit it: the kernel shall not hide a stuck reader behind megabytes.
        socket.set_send_buffer_size(send_buffer)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(settings.address))?;
        socket.listen(limits::LISTEN_BACKLOG)?;
        let socket = TcpListener::from(socket);
        let address = socket.local_addr()?;
        Ok(Bound { socket, address, settings: settings.clone() })
    };
    make().map_err(|error| {
        let (address, scheme) = (settings.address, settings.scheme());
        match error.kind() {
            ErrorKind::AddrInUse => format!(
                "{address} is already taken by another program (perhaps a parlor that runs already): stop that one, or \
                 listen elsewhere, for example with --listen {scheme}://{}:{}",
                address.ip(),
                address.port().wrapping_add(1000).max(1024)
            ),
            ErrorKind::PermissionDenied => format!(
                "no right to listen on {address}: ports below 1024 are the system's, so choose a higher one, for example \
                 with --listen {scheme}://{}:{}",
                address.ip(),
                if settings.protocol == Protocol::Http { 8080 } else { 6667 }
            ),
            ErrorKind::AddrNotAvailable => {
                format!("{address} is not an address of this machine: choose one that it has, or 0.0.0.0 for all")
            }
            _ => format!("could not listen on {address}: {error}"),
        }
    })
}

/// What accepting needs to know.
#[derive(Debug)]
pub struct Acceptance {
    pub admission: Arc<Admission>,
    pub shards: Vec<Arc<ShardHandle>>,
    pub tls: Arc<Current<Option<Arc<rustls::ServerConfig>>>>,
    pub trusted_proxies: Arc<Current<Vec<AddressRange>>>,
    /// From where WEBIRC may come.
    pub gateways: Arc<Current<Vec<AddressRange>>>,
    pub stopping: Arc<AtomicBool>,
    pub metrics: Arc<ListenerMetrics>,
}

/// Connections taken from one listener before the others have their turn.
const ACCEPTS_AT_ONCE: usize = 256;
/// Connections taken in one go while the server is full: enough for an operator to come through.
const ACCEPTS_WHEN_FULL: usize = 16;

pub struct Acceptor {
    poll: Poll,
    listeners: Vec<(mio::net::TcpListener, Listener)>,
    acceptance: Acceptance,
    next_shard: usize,
    /// Until when nothing is accepted: no descriptor was left, or no place.
    paused_until: Option<Instant>,
    complaint: RepeatedComplaint,
}

impl Acceptor {
    pub fn new(bound: Vec<Bound>, acceptance: Acceptance) -> io::Result<(Acceptor, mio::Waker)> {
        let poll = Poll::new()?;
        let mut listeners = Vec::new();
        for (at, bound) in bound.into_iter().enumerate() {
            let mut listener = mio::net::TcpListener::from_std(bound.socket);
            poll.registry().register(&mut listener, Token(at), Interest::READABLE)?;
            listeners.push((listener, bound.settings));
        }
        let waker = mio::Waker::new(poll.registry(), Token(usize::MAX))?;
        let acceptor = Acceptor {
            poll,
            listeners,
            acceptance,
            next_shard: 0,
            paused_until: None,
            complaint: RepeatedComplaint::new(),
        };
        Ok((acceptor, waker))
    }

    /// Accepts until told to stop; then the sockets are closed.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(64);
        // Edge-triggered: a listener with more to give is remembered here.
        let mut ready = vec![false; self.listeners.len()];
        loop {
            let patience = match self.paused_until {
                Some(until) => Some(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))),
                None if ready.contains(&true) => Some(Duration::ZERO),
                None => None,
            };
            if let Err(error) = self.poll.poll(&mut events, patience)
                && error.kind() != ErrorKind::Interrupted
            {
                tracing::error!("waiting for connections failed: {error}");
                std::process::abort();
            }
            if self.acceptance.stopping.load(Ordering::Acquire) {
                return;
            }
            for event in &events {
                if let Some(ready) = ready.get_mut(event.token().0) {
                    *ready = true;
                }
            }
            if self.paused_until.is_some_and(|until| Instant::now() < until) {
                continue;
            }
            self.paused_until = None;
            for (at, ready) in ready.iter_mut().enumerate() {
                if *ready {
                    *ready = self.accept_from(at);
                }
            }
        }
    }

    /// Takes what waits at one listener; says whether there may be more.
    fn accept_from(&mut self, at: usize) -> bool {
        let most = if self.acceptance.admission.is_full() { ACCEPTS_WHEN_FULL } else { ACCEPTS_AT_ONCE };
        for _ in 0..most {
            match self.listeners[at].0.accept() {
                Ok((stream, peer)) => {
                    self.acceptance.metrics.accepted();
                    self.deal(at, stream.into(), peer);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if is_out_of_descriptors(&error) => {
                    self.complaint.say(|left_out| {
                        tracing::warn!(
                            "no open file is left for new connections: {error}; they wait (raise the limit on open files, \
                             or lower limits.connections){left_out}"
                        );
                    });
                    self.acceptance.metrics.paused();
                    self.paused_until = Some(Instant::now() + limits::ACCEPT_PAUSE);
                    return true;
                }
                // The one who connected is gone already, or the network says no: the next one is another matter.
                Err(_) => {}
            }
        }
        if most == ACCEPTS_WHEN_FULL {
            self.paused_until = Some(Instant::now() + limits::ACCEPT_PAUSE);
        }
        true
    }

    fn deal(&mut self, at: usize, stream: TcpStream, peer: SocketAddr) {
        let settings = &self.listeners[at].1;
        let address = peer.ip().to_canonical();
        let proxied = settings.proxy_protocol && any_contains(&self.acceptance.trusted_proxies.load(), address);
        let admission = &self.acceptance.admission;
        let entered = if proxied || any_contains(&self.acceptance.gateways.load(), address) {
            admission.enter_for_others(address)
        } else {
            admission.enter(address)
        };
        if let Err(refusal) = entered {
            self.acceptance.metrics.refused(refusal);
            return turn_away(stream, refusal, settings.tls);
        }
        let local = stream.local_addr().unwrap_or(settings.address);
        // Lines are small and waited for; a failure costs only delay.
        let _ = stream.set_nodelay(true);
        let tls = if settings.tls { (*self.acceptance.tls.load()).clone() } else { None };
        if settings.tls && tls.is_none() {
            self.acceptance.admission.leave(address);
            return;
        }
        let peer = SocketAddr::new(address, peer.port());
        let shard = &self.acceptance.shards[self.next_shard];
        self.next_shard = (self.next_shard + 1) % self.acceptance.shards.len();
        shard.inputs.push(ShardInput::Accepted(Accepted { stream, peer, local, tls, proxied }));
    }
}

/// Says why, as far as the kernel takes it at once, and closes.
fn turn_away(mut stream: TcpStream, refusal: AdmissionRefusal, tls: bool) {
    if !tls && stream.set_nonblocking(true).is_ok() {
        // Whoever is turned away and already gone is not told. What she said before is taken, since closing with something
        // unread resets the connection, and that can overtake the sentence (RFC 1122, 4.2.2.13).
        let _ = stream.write_all(format!("ERROR :{refusal}\r\n").as_bytes());
        let _ = stream.read(&mut [0; 1_024]);
    }
}

/// EMFILE or ENFILE.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}
