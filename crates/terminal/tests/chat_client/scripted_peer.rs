//! A server that plays a transcript over a real socket, and the real program beside it.
//!
//! In a transcript `> ` is a line that the client must send, `< ` one that it is sent; other lines are
//!
//! - `<~ LINE`: the client is sent this line again and again, until it says something,
//! - `close`: the peer hangs up,
//! - `again`: the client must come with a new connection,
//! - `wait NAME`: until the test says NAME,
//! - `tell NAME`: the test learns that this point was reached.
//!
//! `…` at the end of an expected line stands for anything, `$NAME` for one word that must be the same each time.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// For everything that has to happen at all.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Peer {
    pub address: SocketAddr,
    thread: JoinHandle<()>,
    pub told: Receiver<String>,
    pub waited: Sender<String>,
}

impl Peer {
    pub fn plain(transcript: &str) -> Peer {
        Peer::start(transcript, None, TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub fn tls(transcript: &str, certificate: &Certificate) -> Peer {
        Peer::tls_on(transcript, certificate, TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// On a socket that was there before: the same server with another certificate.
    pub fn tls_on(transcript: &str, certificate: &Certificate, listener: TcpListener) -> Peer {
        Peer::start(transcript, Some(Arc::clone(&certificate.config)), listener)
    }

    fn start(transcript: &str, tls: Option<Arc<ServerConfig>>, listener: TcpListener) -> Peer {
        let address = listener.local_addr().unwrap();
        let transcript = transcript.to_owned();
        let (tell, told) = mpsc::channel();
        let (waited, wait) = mpsc::channel();
        let thread = thread::spawn(move || play(&transcript, tls, &listener, &tell, &wait));
        Peer { address, thread, told, waited }
    }

    /// The transcript was played to its end.
    pub fn finished(self) {
        let deadline = Instant::now() + DEADLINE;
        while !self.thread.is_finished() {
            assert!(Instant::now() < deadline, "the peer still waits");
            thread::park_timeout(Duration::from_millis(5));
        }
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }

    pub fn reached(&self, name: &str) {
        assert_eq!(self.told.recv_timeout(DEADLINE).as_deref(), Ok(name));
    }
}

fn play(
    transcript: &str,
    tls: Option<Arc<ServerConfig>>,
    listener: &TcpListener,
    tell: &Sender<String>,
    wait: &Receiver<String>,
) {
    let mut words = BTreeMap::new();
    let mut link = Some(accept(listener, tls.clone()));
    for step in transcript.lines().map(str::trim_start).filter(|step| !step.is_empty()) {
        match step.split_once(' ').unwrap_or((step, "")) {
            (">", expected) => {
                let link = link.as_mut().unwrap();
                let mut line = String::new();
                let count = link.read_line(&mut line).unwrap_or_else(|error| panic!("waiting for {expected}: {error}"));
                let line = line.trim_end_matches(['\r', '\n']);
                assert!(count > 0, "the client hung up instead of: {expected}");
                assert!(matches(expected, line, &mut words), "the client said:\n{line}\ninstead of:\n{expected}");
            }
            ("<", line) => {
                let line = words.iter().fold(line.to_owned(), |line, (name, value): (&String, &String)| {
                    line.replace(&format!("${name}"), value)
                });
                link.as_mut().unwrap().get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
            }
            ("<~", line) => {
                let link = link.as_mut().unwrap();
                let begun = Instant::now();
                link.get_ref().socket().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
                while link.fill_buf().is_err() {
                    assert!(begun.elapsed() < DEADLINE, "the client has nothing to say to: {line}");
                    link.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
                }
                link.get_ref().socket().set_read_timeout(Some(DEADLINE)).unwrap();
            }
            ("close", _) => link = None,
            ("again", _) => link = Some(accept(listener, tls.clone())),
            ("tell", name) => tell.send(name.to_owned()).unwrap(),
            ("wait", name) => assert_eq!(wait.recv_timeout(DEADLINE).as_deref(), Ok(name)),
            _ => panic!("not a step: {step}"),
        }
    }
}

/// Word by word.
fn matches(expected: &str, line: &str, words: &mut BTreeMap<String, String>) -> bool {
    let (mut expected, mut line) = (expected, line);
    loop {
        let Some(at) = expected.find(['$', '…']) else {
            return expected == line;
        };
        let Some(rest) = line.strip_prefix(&expected[..at]) else {
            return false;
        };
        if expected[at..].starts_with('…') {
            return true;
        }
        let name_end =
            expected[at + 1..].find(|c: char| !c.is_ascii_uppercase()).map_or(expected.len(), |end| at + 1 + end);
        let name = &expected[at + 1..name_end];
        expected = &expected[name_end..];
        let stop = expected.chars().next().unwrap_or(' ');
        let value_end = rest.find(stop).unwrap_or(rest.len());
        let (value, after) = rest.split_at(value_end);
        line = after;
        if words.entry(name.to_owned()).or_insert_with(|| value.to_owned()) != value {
            return false;
        }
    }
}

trait Link: Read + Write + Send {
    fn socket(&self) -> &TcpStream;
}

impl Link for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Link for Closing {
    fn socket(&self) -> &TcpStream {
        &self.0.sock
    }
}

fn accept(listener: &TcpListener, tls: Option<Arc<ServerConfig>>) -> BufReader<Box<dyn Link>> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    BufReader::new(match tls {
        None => Box::new(stream) as Box<dyn Link>,
        Some(config) => Box::new(Closing(StreamOwned::new(ServerConnection::new(config).unwrap(), stream))),
    })
}

/// Says goodbye as TLS wants it.
struct Closing(StreamOwned<ServerConnection, TcpStream>);

impl Read for Closing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.conn.send_close_notify();
        let _ = self.0.flush();
    }
}

pub struct Certificate {
    config: Arc<ServerConfig>,
    pub pem: String,
}

impl Certificate {
    pub fn self_signed() -> Certificate {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Certificate { config: Arc::new(config), pem: made.cert.pem() }
    }
}

/// The program, with nothing of this machine's own settings.
pub fn chat_client(data_folder: &Path) -> Command {
    with_own_settings(Command::new(env!("CARGO_BIN_EXE_chat_client")), data_folder)
}

/// The same, with its standard input as the terminal that it can ask for passwords on.
pub fn chat_client_of_terminal(data_folder: &Path) -> Command {
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_chat_client")]);
    with_own_settings(command, data_folder)
}

fn with_own_settings(mut command: Command, data_folder: &Path) -> Command {
    command.env("XDG_DATA_HOME", data_folder).env("HOME", data_folder).env("TZ", "UTC").env("USER", "tester");
    for variable in ["PARLOR_PASSWORD", "PARLOR_SERVER_PASSWORD", "NO_COLOR", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub struct Outcome {
    pub code: Option<i32>,
    pub output: String,
    pub complaints: String,
}

impl Outcome {
    /// Lines of standard output without their times.
    pub fn said(&self) -> Vec<&str> {
        self.output.lines().map(|line| line.split_once(' ').map_or(line, |(_, rest)| rest)).collect()
    }
}

/// Types `input`, closes it, and waits for the end.
pub fn run(command: &mut Command, input: &str) -> Outcome {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // The program may leave before it has read all; that is for the test to judge.
    let typing = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let outcome = ended(child);
    typing.join().unwrap();
    outcome
}

/// Waits for a running program.
pub fn ended(mut child: Child) -> Outcome {
    let collect = |stream: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stream) = stream {
                stream.read_to_end(&mut text).unwrap();
            }
            String::from_utf8(text).unwrap()
        })
    };
    let output = collect(child.stdout.take().map(|stream| Box::new(stream) as Box<_>));
    let complaints = collect(child.stderr.take().map(|stream| Box::new(stream) as Box<_>));
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                panic!("the program did not end: {}", complaints.join().unwrap());
            }
            None => thread::park_timeout(Duration::from_millis(5)),
        }
    };
    Outcome { code: status.code(), output: output.join().unwrap(), complaints: complaints.join().unwrap() }
}
