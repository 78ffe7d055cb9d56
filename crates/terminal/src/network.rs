//! One link: a thread of its own that connects, speaks TLS, and moves bytes both ways. Nothing here waits for the
//! person, and the person never waits for a slow link.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use discovery::steps::{Step, TimedStep};
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;

use crate::address::Target;
use crate::capture::{Capture, CapturedLink, Tapped};
use crate::certificate_trust::{CertificateTrust, Verdict, names_of};
use crate::known_servers::{Expected, Fingerprint, KnownServers};
use crate::link_failure::LinkFailure;
use crate::lookup;
use crate::reach::reach;

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
    /// Something on the way to the server, for who wants to see it.
    Step(TimedStep),
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
    let began = Instant::now();
    let mut tell = |step| report(NetworkEvent::Step(TimedStep { at: began.elapsed(), step }));
    let opened = open(target, &known_servers, capture.as_ref(), began + timeout, &mut tell);
    let failure = match opened {
        Ok(Opened { stream, address, tls, captured }) => {
            let local = stream.local_addr().ok();
            let notes = tls.as_ref().map(|(_, verdict)| keep(verdict, target, &known_servers)).unwrap_or_default();
            let facts = tls.as_ref().map(|(tls, verdict)| facts_of(tls, *verdict == Verdict::Known));
            report(NetworkEvent::Connected { address, local, tls: facts, notes });
            move_bytes(stream, tls.map(|(tls, _)| tls), captured, poll, queue, &mut report)
        }
        Err(failure) => Some(failure),
    };
    if let Some(failure) = failure {
        report(NetworkEvent::Ended(failure));
    }
}

/// A socket that is ready for bytes.
pub struct Opened {
    pub stream: TcpStream,
    pub address: SocketAddr,
    /// `None`: not encrypted.
    pub tls: Option<(ClientConnection, Verdict)>,
    captured: Option<Arc<CapturedLink>>,
}

/// Finds the server, connects, and speaks TLS where that is wanted. Nothing is kept of the certificate.
pub fn open(
    target: &Target,
    known_servers: &Arc<KnownServers>,
    capture: Option<&Arc<Capture>>,
    deadline: Instant,
    tell: &mut dyn FnMut(Step),
) -> Result<Opened, LinkFailure> {
    let (mut stream, address) = reach(target, deadline, tell)?;
    let captured = capture.map(|capture| capture.link(stream.local_addr().ok(), address));
    let tls = match target.tls {
        true => Some(handshake(target, known_servers, captured.as_ref(), &mut stream, deadline, tell)?),
        false => None,
    };
    if let Some(captured) = &captured {
        captured.established();
    }
    Ok(Opened { stream, address, tls, captured })
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

fn handshake(
    target: &Target,
    known_servers: &Arc<KnownServers>,
    captured: Option<&Arc<CapturedLink>>,
    stream: &mut TcpStream,
    deadline: Instant,
    tell: &mut dyn FnMut(Step),
) -> Result<(ClientConnection, Verdict), LinkFailure> {
    let failed = |why: String| LinkFailure::TlsFailed { target: target.to_string(), why };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trust = Arc::new(CertificateTrust::new(target.to_string(), Arc::clone(known_servers), Arc::clone(&provider)));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&trust) as Arc<_>)
        .with_no_client_auth();
    if let Some(captured) = captured {
        config.key_log = Arc::clone(captured) as Arc<_>;
    }
    // The name that was typed, whatever machine DNS named for it; of an address its zone is ours alone.
    let name = lookup::ascii_name(&target.host).unwrap_or_default();
    let name = target
        .host
        .split('%')
        .next()
        .and_then(|host| host.parse::<IpAddr>().ok())
        .map_or_else(|| ServerName::try_from(name), |ip| Ok(ServerName::from(ip)));
    let name = name.map_err(|_| LinkFailure::NameNotFound {
        host: target.host.clone(),
        why: "it is no name of a host".to_owned(),
    })?;
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(|error| failed(error.to_string()))?;
    tls.set_buffer_limit(None);
    // Reading the system's authorities is none of the server's time.
    let began = Instant::now();
    while tls.is_handshaking() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(failed("it took too long".to_owned()));
        }
        let timeouts = stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)));
        timeouts.map_err(|error| LinkFailure::System { why: error.to_string() })?;
        if let Err(error) = tls.complete_io(&mut Tapped { stream, captured: captured.map(Arc::as_ref) }) {
            return Err(match (trust.verdict(), error.kind()) {
                (Some(Verdict::Changed(sentence) | Verdict::Undecided(sentence)), _) => {
                    LinkFailure::CertificateRefused { sentence }
                }
                (_, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => failed("it took too long".to_owned()),
                // What a server that expects plain text sends, or does, when it sees a TLS hello.
                (None, io::ErrorKind::InvalidData) => LinkFailure::NotTls { target: target.to_string() },
                (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                    LinkFailure::HungUp { target: target.to_string() }
                }
                _ => failed(error.to_string()),
            });
        }
    }
    let TlsFacts { version, suite, .. } = facts_of(&tls, false);
    tell(Step::Encrypted { version, suite, took: began.elapsed() });
    let certificate = tls.peer_certificates().and_then(<[_]>::first);
    let (Some(certificate), Some(verdict)) = (certificate, trust.verdict()) else {
        return Err(failed("the server showed no certificate".to_owned()));
    };
    if let Some(belief) = verdict.belief() {
        let sha256 = Fingerprint::of(certificate).to_string();
        tell(Step::Certificate { sha256, names: names_of(certificate), belief });
    }
    Ok((tls, verdict))
}

/// Keeps what a new certificate will be held to from now on; the sentences say so.
fn keep(verdict: &Verdict, target: &Target, known_servers: &KnownServers) -> Vec<String> {
    let (fingerprint, note) = match verdict {
        Verdict::FirstUse(fingerprint) => (
            fingerprint,
            format!(
                "The certificate of {target} is new to this machine and is trusted from now on: {fingerprint}. Compare it with what the administrator says."
            ),
        ),
        Verdict::Promised(fingerprint) => {
            (fingerprint, format!("The certificate of {target} is the one of the join code: {fingerprint}."))
        }
        _ => return Vec::new(),
    };
    let kept = known_servers.add(&target.to_string(), Expected::Whole(*fingerprint));
    std::iter::once(note).chain(kept.err()).collect()
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
        loop {
            match events.recv_timeout(Duration::from_secs(20)) {
                Ok(NetworkEvent::Ended(failure)) => return failure,
                Ok(NetworkEvent::Step(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn target(port: u16, tls: bool) -> Target {
        Target { host: "127.0.0.1".to_owned(), port, tls, by_name: false }
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
        let failure = opened(Target { host: "nowhere.invalid".to_owned(), port: 6667, tls: false, by_name: true });
        assert!(failure.to_string().starts_with("The address of \"nowhere.invalid\" cannot be found ("), "{failure}");
    }

    #[test]
    fn a_server_without_tls_is_told() {
        let check = |says: &'static [u8], expected: &str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(says).unwrap();
            });
            let sentence = opened(target(port, true)).to_string();
            let begin = format!("The server at 127.0.0.1:{port} {expected}");
            assert!(sentence.starts_with(&begin), "{sentence}");
            server.join().unwrap();
        };
        check(b"ERROR :What is that?\r\n", "does not speak TLS on that port; use another port, or --plain");
        check(b"", "hung up before it said anything: it may not speak TLS on that port");
    }
}
