//! One link: a thread of its own that connects, speaks TLS, and moves bytes both ways. Nothing here waits for the
//! person, and the person never waits for a slow link.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;

use crate::address::Target;
use crate::capture::{Capture, CapturedLink, Tapped};
use crate::certificate_trust::{CertificateTrust, Verdict};
use crate::known_servers::{Expected, Fingerprint, KnownServers};

/// No address of a server is waited for longer than this while others are left to try.
const LONGEST_TRY: Duration = Duration::from_secs(5);
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// Full buffers read before it is looked again whether there is something to write.
const MOST_READS: usize = 16;

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

/// What two ends have agreed on, and whom we believe the other one to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// As rustls names them.
    pub version: String,
    pub suite: String,
    pub key_exchange: Option<String>,
    /// The fingerprint of the server's certificate.
    pub certificate: Option<Fingerprint>,
    /// The system knows who issued it; otherwise it is one that was seen before, or promised by a join code.
    pub known_to_system: bool,
}

/// What a link tells.
#[derive(Debug)]
pub enum NetworkEvent {
    /// Ready for bytes. `notes` are sentences for the person about the server's certificate.
    Connected {
        address: SocketAddr,
        local: Option<SocketAddr>,
        /// Of an encrypted link.
        tls: Option<TlsFacts>,
        notes: Vec<String>,
    },
    Received(Vec<u8>),
    /// It could not be opened, or is gone. The last event of a link.
    Ended(LinkFailure),
}

/// Why a link could not be opened, or ended. `Display` is the sentence, and says which step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFailure {
    NameNotFound {
        host: String,
        why: String,
    },
    NotConnected {
        target: String,
        tried: usize,
        why: String,
        timed_out: bool,
        refused: bool,
    },
    NotTls {
        target: String,
    },
    TlsFailed {
        target: String,
        why: String,
    },
    CertificateRefused {
        sentence: String,
    },
    /// The server, or something on the way, ended a link that was open.
    Dropped {
        why: String,
    },
    /// A system call of our own failed.
    System {
        why: String,
    },
}

impl fmt::Display for LinkFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkFailure::NameNotFound { host, why } => write!(
                out,
                "The address of \"{host}\" cannot be found ({why}); check the spelling and your network connection."
            ),
            LinkFailure::NotConnected { target, refused: true, .. } => write!(
                out,
                "The machine answers, but no server listens at {target}; check the port, or ask whether the server is running."
            ),
            LinkFailure::NotConnected { target, timed_out: true, tried, .. } => {
                let addresses =
                    if *tried == 1 { "1 address was".to_owned() } else { format!("{tried} addresses were") };
                write!(
                    out,
                    "Nobody answers at {target} ({addresses} tried); check the address, your network connection and any firewall."
                )
            }
            LinkFailure::NotConnected { target, why, .. } => {
                write!(out, "{target} cannot be reached ({why}); check the address and your network connection.")
            }
            LinkFailure::NotTls { target } => write!(
                out,
                "The server at {target} does not speak TLS on that port; use another port, or --plain if nobody may listen in."
            ),
            LinkFailure::TlsFailed { target, why } => {
                write!(out, "No encrypted link to {target} could be made ({why}); ask the server's administrator.")
            }
            LinkFailure::CertificateRefused { sentence } => out.write_str(sentence),
            LinkFailure::Dropped { why } => write!(out, "The link to the server was lost ({why})."),
            LinkFailure::System { why } => {
                write!(out, "This machine cannot open a link just now ({why}); close other programs and try again.")
            }
        }
    }
}

/// The other end of a link's thread. Dropping it closes the link, after what was sent has gone out.
#[derive(Debug)]
pub struct Link {
    outgoing: mpsc::Sender<Vec<u8>>,
    waker: Arc<Waker>,
}

impl Link {
    /// Begins to open a link and returns at once; `report` is called from the link's thread, which waits when it waits.
    pub fn open(
        target: Target,
        known_servers: Arc<KnownServers>,
        capture: Option<Arc<Capture>>,
        timeout: Duration,
        report: impl FnMut(NetworkEvent) + Send + 'static,
    ) -> io::Result<Link> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (outgoing, queue) = mpsc::channel();
        thread::Builder::new()
            .name("link".to_owned())
            .spawn(move || run(&target, known_servers, capture, timeout, poll, &queue, report))?;
        Ok(Link { outgoing, waker })
    }

    /// Queues bytes. How many can wait here is bounded by what the outbox lets onto the wire unacknowledged.
    pub fn send(&self, bytes: Vec<u8>) {
        // A link that has ended has said so; what is sent to it meanwhile is lost like on any wire.
        if self.outgoing.send(bytes).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The thread sees the sender gone only after this drop: exchange it for one whose receiver is gone already.
        self.outgoing = mpsc::channel().0;
        let _ = self.waker.wake();
    }
}

fn run(
    target: &Target,
    known_servers: Arc<KnownServers>,
    capture: Option<Arc<Capture>>,
    timeout: Duration,
    poll: Poll,
    queue: &mpsc::Receiver<Vec<u8>>,
    mut report: impl FnMut(NetworkEvent),
) {
    let deadline = Instant::now() + timeout;
    let opened = connect(target, deadline).and_then(|(stream, address)| {
        let captured = capture.map(|capture| capture.link(stream.local_addr().ok(), address));
        let (stream, tls, notes) = if target.tls {
            let (stream, tls, known_to_system, notes) =
                handshake(target, known_servers, captured.as_ref(), stream, deadline)?;
            (stream, Some((tls, known_to_system)), notes)
        } else {
            (stream, None, Vec::new())
        };
        if let Some(captured) = &captured {
            captured.established();
        }
        Ok((stream, address, tls, captured, notes))
    });
    let failure = match opened {
        Ok((stream, address, tls, captured, notes)) => {
            let local = stream.local_addr().ok();
            let facts = tls.as_ref().map(|(tls, known_to_system)| facts_of(tls, *known_to_system));
            report(NetworkEvent::Connected { address, local, tls: facts, notes });
            move_bytes(stream, tls.map(|(tls, _)| tls), captured, poll, queue, &mut report)
        }
        Err(failure) => Some(failure),
    };
    if let Some(failure) = failure {
        report(NetworkEvent::Ended(failure));
    }
}

fn facts_of(tls: &ClientConnection, known_to_system: bool) -> TlsFacts {
    TlsFacts {
        version: tls.protocol_version().map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}")),
        suite: tls.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
        key_exchange: tls.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())),
        certificate: tls.peer_certificates().and_then(|chain| chain.first()).map(|first| Fingerprint::of(first)),
        known_to_system,
    }
}

/// Tries every address of the host in turn, the two families alternating (in the spirit of RFC 8305), until one
/// answers.
fn connect(target: &Target, deadline: Instant) -> Result<(TcpStream, SocketAddr), LinkFailure> {
    let not_found = |why: String| LinkFailure::NameNotFound { host: target.host.clone(), why };
    let found: Vec<SocketAddr> =
        (target.host.as_str(), target.port).to_socket_addrs().map_err(|error| not_found(error.to_string()))?.collect();
    let addresses = alternating(found);
    let mut last_error = io::Error::from(io::ErrorKind::NotFound);
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = if index + 1 < addresses.len() { left.min(LONGEST_TRY) } else { left };
        if patience.is_zero() {
            last_error = io::Error::from(io::ErrorKind::TimedOut);
            break;
        }
        match TcpStream::connect_timeout(address, patience) {
            Ok(stream) => {
                // Single lines must not wait for each other's acknowledgements; a failure only costs time.
                let _ = stream.set_nodelay(true);
                return Ok((stream, *address));
            }
            Err(error) => last_error = error,
        }
    }
    if addresses.is_empty() {
        return Err(not_found("it has none".to_owned()));
    }
    Err(LinkFailure::NotConnected {
        target: target.to_string(),
        tried: addresses.len(),
        timed_out: last_error.kind() == io::ErrorKind::TimedOut,
        refused: last_error.kind() == io::ErrorKind::ConnectionRefused,
        why: last_error.to_string(),
    })
}

/// The resolver's order within each family, the families in turn, beginning with the resolver's first choice.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut others = other.into_iter();
    let mut order: Vec<SocketAddr> =
        preferred.into_iter().flat_map(|address| [Some(address), others.next()]).flatten().collect();
    order.extend(others);
    order
}

fn handshake(
    target: &Target,
    known_servers: Arc<KnownServers>,
    captured: Option<&Arc<CapturedLink>>,
    mut stream: TcpStream,
    deadline: Instant,
) -> Result<(TcpStream, ClientConnection, bool, Vec<String>), LinkFailure> {
    let failed = |why: String| LinkFailure::TlsFailed { target: target.to_string(), why };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trust = Arc::new(CertificateTrust::new(target.to_string(), Arc::clone(&known_servers), Arc::clone(&provider)));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&trust) as Arc<_>)
        .with_no_client_auth();
    if let Some(captured) = captured {
        config.key_log = Arc::clone(captured) as Arc<_>;
    }
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| LinkFailure::NameNotFound { host: target.host.clone(), why: "it is no host name".to_owned() })?;
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(|error| failed(error.to_string()))?;
    tls.set_buffer_limit(None);
    while tls.is_handshaking() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(failed("it took too long".to_owned()));
        }
        let timeouts = stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)));
        timeouts.map_err(|error| LinkFailure::System { why: error.to_string() })?;
        if let Err(error) = tls.complete_io(&mut Tapped { stream: &mut stream, captured: captured.map(Arc::as_ref) }) {
            return Err(match (trust.verdict(), error.kind()) {
                (Some(Verdict::Changed(sentence) | Verdict::Undecided(sentence)), _) => {
                    LinkFailure::CertificateRefused { sentence }
                }
                (_, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => failed("it took too long".to_owned()),
                // What a server that expects plain text sends, or does, when it sees a TLS hello.
                (None, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                    LinkFailure::NotTls { target: target.to_string() }
                }
                _ => failed(error.to_string()),
            });
        }
    }
    let notes = match trust.verdict() {
        Some(Verdict::FirstUse(fingerprint)) => {
            let mut notes = vec![format!(
                "The certificate of {target} is new to this machine and is trusted from now on: {fingerprint}. Compare it with what the administrator says."
            )];
            notes.extend(known_servers.add(&target.to_string(), Expected::Whole(fingerprint)).err());
            notes
        }
        Some(Verdict::Promised(fingerprint)) => {
            let mut notes = vec![format!("The certificate of {target} is the one of the join code: {fingerprint}.")];
            notes.extend(known_servers.add(&target.to_string(), Expected::Whole(fingerprint)).err());
            notes
        }
        _ => Vec::new(),
    };
    let known_to_system = trust.verdict() == Some(Verdict::Known);
    Ok((stream, tls, known_to_system, notes))
}

/// Until one side ends it. `None`: we did.
fn move_bytes(
    stream: TcpStream,
    tls: Option<ClientConnection>,
    captured: Option<Arc<CapturedLink>>,
    poll: Poll,
    queue: &mpsc::Receiver<Vec<u8>>,
    report: &mut impl FnMut(NetworkEvent),
) -> Option<LinkFailure> {
    match MovingBytes::new(stream, tls, captured, poll).and_then(|mut moving| moving.run(queue, report)) {
        Ok(()) => None,
        Err(error) => Some(LinkFailure::Dropped { why: plain_reason(&error) }),
    }
}

/// The words of `io::Error` for what happens to links, without the number of the system call's error.
fn plain_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            "it was reset".to_owned()
        }
        io::ErrorKind::TimedOut => "it timed out".to_owned(),
        _ => error.to_string(),
    }
}

struct MovingBytes {
    stream: mio::net::TcpStream,
    tls: Option<ClientConnection>,
    captured: Option<Arc<CapturedLink>>,
    poll: Poll,
    /// Not yet taken by the socket (of TLS: by the encryption).
    pending: Vec<u8>,
    buffer: Box<[u8]>,
}

impl MovingBytes {
    fn new(
        stream: TcpStream,
        tls: Option<ClientConnection>,
        captured: Option<Arc<CapturedLink>>,
        poll: Poll,
    ) -> io::Result<MovingBytes> {
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        poll.registry().register(&mut stream, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        Ok(MovingBytes {
            stream,
            tls,
            captured,
            poll,
            pending: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES].into_boxed_slice(),
        })
    }

    fn run(&mut self, queue: &mpsc::Receiver<Vec<u8>>, report: &mut impl FnMut(NetworkEvent)) -> io::Result<()> {
        let mut events = Events::with_capacity(8);
        let mut closing = false;
        loop {
            loop {
                match queue.try_recv() {
                    Ok(bytes) => self.pending.extend_from_slice(&bytes),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        if !closing && let Some(tls) = &mut self.tls {
                            tls.writer().write_all(&std::mem::take(&mut self.pending))?;
                            tls.send_close_notify();
                        }
                        closing = true;
                        break;
                    }
                }
            }
            let all_written = self.write()?;
            if closing && all_written {
                // The server's own goodbye has been read already, or is not waited for.
                let _ = self.stream.shutdown(Shutdown::Both);
                return Ok(());
            }
            let more = self.read(report)?;
            // Reading may also have made something to write (a key update).
            if more || all_written && self.tls.as_ref().is_some_and(|tls| tls.wants_write()) {
                continue;
            }
            self.poll
                .poll(&mut events, None)
                .or_else(|error| if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) })?;
        }
    }

    /// Whether nothing is left.
    fn write(&mut self) -> io::Result<bool> {
        let mut stream = Tapped { stream: &mut self.stream, captured: self.captured.as_deref() };
        match &mut self.tls {
            None => {
                while !self.pending.is_empty() {
                    match stream.write(&self.pending) {
                        Ok(0) => return Err(io::ErrorKind::BrokenPipe.into()),
                        Ok(written) => drop(self.pending.drain(..written)),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            return Ok(false);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Some(tls) => {
                tls.writer().write_all(&self.pending)?;
                self.pending.clear();
                while tls.wants_write() {
                    match tls.write_tls(&mut stream) {
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            return Ok(false);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(true)
    }

    /// What is there, and whether there is more: what we say must not wait until a flood ends. The end of the stream is
    /// `UnexpectedEof`.
    fn read(&mut self, report: &mut impl FnMut(NetworkEvent)) -> io::Result<bool> {
        for _ in 0..MOST_READS {
            let mut stream = Tapped { stream: &mut self.stream, captured: self.captured.as_deref() };
            let read = match &mut self.tls {
                None => stream.read(&mut self.buffer),
                Some(tls) => read_decrypted(tls, &mut stream, &mut self.buffer),
            };
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => report(NetworkEvent::Received(self.buffer[..count].to_vec())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn read_decrypted(tls: &mut ClientConnection, stream: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match tls.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done,
        }
        if tls.read_tls(stream)? == 0 {
            return Ok(0);
        }
        tls.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn opened(target: Target) -> LinkFailure {
        let (told, events) = mpsc::channel();
        let known = Arc::new(KnownServers::open());
        let _link =
            Link::open(target, known, None, Duration::from_secs(5), move |event| drop(told.send(event))).unwrap();
        match events.recv_timeout(Duration::from_secs(20)) {
            Ok(NetworkEvent::Ended(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn target(port: u16, tls: bool) -> Target {
        Target { host: "127.0.0.1".to_owned(), port, tls }
    }

    #[test]
    fn a_port_without_a_server_is_told() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(
            opened(target(port, false)).to_string(),
            format!(
                "The machine answers, but no server listens at 127.0.0.1:{port}; check the port, or ask whether the server is running."
            )
        );
    }

    #[test]
    fn a_name_without_an_address_is_told() {
        let failure = opened(Target { host: "nowhere.invalid".to_owned(), port: 6667, tls: false });
        assert!(failure.to_string().starts_with("The address of \"nowhere.invalid\" cannot be found ("), "{failure}");
    }

    #[test]
    fn a_server_without_tls_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"ERROR :What is that?\r\n").unwrap();
        });
        assert_eq!(
            opened(target(port, true)).to_string(),
            format!(
                "The server at 127.0.0.1:{port} does not speak TLS on that port; use another port, or --plain if nobody may listen in."
            )
        );
        server.join().unwrap();
    }

    #[test]
    fn families_alternate() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert_eq!(
            alternating(parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"])),
            parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(
            alternating(parse(&["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"])),
            parse(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"])
        );
        assert!(alternating(Vec::new()).is_empty());
    }
}
