//! Real servers and real connections for the tests: everything waits for its event, with a deadline.

pub mod chance;
pub mod whereabouts;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Error as WebSocketError, HandshakeError, Message, WebSocket};

/// Nothing that works takes so long; what does has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A running `chat_server` with a data folder of its own, ended when dropped.
pub struct Daemon {
    child: Child,
    pub folder: TempDir,
    /// `scheme`, address: as printed at start.
    pub listening: Vec<(String, SocketAddr)>,
    pub output: Receiver<String>,
}

/// Listeners on free ports, cheap passwords, no throttles for loopback.
pub const TEST_CONFIG: &str = r#"
[server]
name = "parlor.test"
network = "testnet"

[[listener]]
address = "127.0.0.1:0"
protocol = "irc"

[[listener]]
address = "127.0.0.1:0"
protocol = "irc"
tls = true

[[listener]]
address = "127.0.0.1:0"
protocol = "http"

[accounts]
password_cost = "test"
"#;

pub const EXEMPT: &str = "[flood]\nexempt = [\"127.0.0.0/8\", \"::1\"]\n";

impl Daemon {
    /// With [`TEST_CONFIG`], loopback exempt from throttles, and `more` of the configuration.
    pub fn start(more: &str) -> Daemon {
        Daemon::start_with(&format!("{TEST_CONFIG}\n{EXEMPT}\n{more}"))
    }

    /// With exactly this configuration; the data is put beside it.
    pub fn start_with(config: &str) -> Daemon {
        let folder = TempDir::new().expect("a temporary folder");
        std::fs::write(folder.path().join("config.toml"), config).expect("the configuration");
        Daemon::start_in(folder)
    }

    /// With exactly this configuration, and no more open files than this.
    pub fn start_limited(config: &str, open_files: u64) -> Daemon {
        Daemon::start_under(config, &format!("-n {open_files}"))
    }

    /// With exactly this configuration, under a limit of the shell (`ulimit`).
    pub fn start_under(config: &str, limit: &str) -> Daemon {
        let folder = TempDir::new().expect("a temporary folder");
        std::fs::write(folder.path().join("config.toml"), config).expect("the configuration");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit {limit}; exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_chat_server"));
        let started = spawn_as(shell, folder.path(), Stdio::null());
        Daemon::ready(started, folder)
    }

    /// In a folder with a `config.toml`, and perhaps with data of an earlier run.
    pub fn start_in(folder: TempDir) -> Daemon {
        Daemon::start_reading(folder, Stdio::null())
    }

    /// The same with this standard input, such as a terminal.
    pub fn start_reading(folder: TempDir, stdin: Stdio) -> Daemon {
        let program = Command::new(env!("CARGO_BIN_EXE_chat_server"));
        let started = spawn_as(program, folder.path(), stdin);
        Daemon::ready(started, folder)
    }

    fn ready((child, output): (Child, Receiver<String>), folder: TempDir) -> Daemon {
        let mut daemon = Daemon { child, folder, listening: Vec::new(), output };
        daemon.listens_again();
        daemon
    }

    /// Waits until it says that it is ready, and takes down where it listens.
    pub fn listens_again(&mut self) {
        self.listening.clear();
        let begun = Instant::now();
        loop {
            match self.output.recv_timeout(DEADLINE.saturating_sub(begun.elapsed())) {
                Ok(line) if line.starts_with("Ready") => return,
                Ok(line) => self.listening.extend(line.split_whitespace().filter_map(address_of)),
                Err(_) => panic!("chat_server did not get ready ({:?})", self.child.try_wait()),
            }
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn address(&self, scheme: &str) -> SocketAddr {
        let found = self.listening.iter().find(|(of, _)| of == scheme);
        found.unwrap_or_else(|| panic!("no {scheme} listener in {:?}", self.listening)).1
    }

    pub fn irc(&self) -> SocketAddr {
        self.address("irc")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line for it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Processor time used so far, of all threads.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it runs");
        // Behind the program's name, which may hold anything: user and system time are the 12th and 13th field.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// The page of /metrics or another path, header and all.
    pub fn fetch(&self, path: &str) -> String {
        let mut stream = dial(self.address("http"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    /// The sum of a metric over all its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.fetch("/metrics");
        let values: Vec<f64> = page
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        assert!(!values.is_empty(), "no metric {name} in {page}");
        values.iter().sum()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name} failed");
    }

    /// Waits for a line of its output that contains this.
    pub fn logs(&self, part: &str) -> String {
        self.logs_up_to(part).pop().unwrap_or_default()
    }

    /// The same, with all lines before it.
    pub fn logs_up_to(&self, part: &str) -> Vec<String> {
        let begun = Instant::now();
        let mut lines = Vec::new();
        loop {
            match self.output.recv_timeout(DEADLINE.saturating_sub(begun.elapsed())) {
                Ok(line) => lines.push(line),
                Err(_) => panic!("the server did not print {part:?}"),
            }
            if lines.last().is_some_and(|line| line.contains(part)) {
                return lines;
            }
        }
    }

    /// Ends at once, as by a power switch for the process; gives the folder back.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
        self.into_folder()
    }

    pub fn wait_for_exit(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return Some(status);
            }
            // There is no event to wait for on a child without a thread of its own; this only paces the looking.
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// SIGTERM, and the exit status.
    pub fn stop(mut self) -> (ExitStatus, TempDir) {
        self.signal("TERM");
        let status = self.wait_for_exit(DEADLINE).expect("the server did not end after SIGTERM");
        (status, self.into_folder())
    }

    pub fn into_folder(mut self) -> TempDir {
        std::mem::replace(&mut self.folder, TempDir::new().expect("a temporary folder"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `chat_server` on the folder's `config.toml`; its output, both kinds, comes line by line.
pub fn spawn(folder: &Path) -> (Child, Receiver<String>) {
    spawn_as(Command::new(env!("CARGO_BIN_EXE_chat_server")), folder, Stdio::null())
}

fn spawn_as(mut program: Command, folder: &Path, stdin: Stdio) -> (Child, Receiver<String>) {
    let mut child = program
        .arg("--config")
        .arg(folder.join("config.toml"))
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chat_server starts");
    let (sender, receiver) = channel();
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    for source in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
        let sender = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                if std::env::var_os("PARLOR_TEST_SHOW").is_some() {
                    eprintln!("server: {line}");
                }
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    (child, receiver)
}

fn address_of(word: &str) -> Option<(String, SocketAddr)> {
    let (scheme, rest) = word.split_once("://")?;
    let rest = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
    Some((scheme.to_owned(), rest.parse().ok()?))
}

/// A connection that speaks IRC: lines over TCP as from netcat, over TLS, or as messages of a WebSocket.
pub struct Irc {
    carrier: Carrier,
    pub name: String,
}

impl Irc {
    pub fn connect(address: SocketAddr) -> Irc {
        Irc::over(Carrier::lines(Link::Plain(dial(address))))
    }

    /// TLS with whatever certificate is shown.
    pub fn connect_tls(address: SocketAddr) -> Irc {
        Irc::over(Carrier::lines(Link::tls(dial(address))))
    }

    pub fn over(carrier: Carrier) -> Irc {
        Irc { carrier, name: "*".to_owned() }
    }

    /// Connects and registers under this name, past the message of the day.
    pub fn register(address: SocketAddr, name: &str) -> Irc {
        Irc::connect(address).registered(name)
    }

    /// Registers a connection under this name.
    pub fn registered(mut self, name: &str) -> Irc {
        self.send(&format!("NICK {name}"));
        self.send(&format!("USER {name} 0 * :{name}"));
        self.greeted(name);
        self
    }

    /// Registers with these capabilities.
    pub fn register_with(address: SocketAddr, name: &str, capabilities: &str) -> Irc {
        Irc::connect(address).registered_with(name, capabilities)
    }

    pub fn registered_with(mut self, name: &str, capabilities: &str) -> Irc {
        self.send("CAP LS 302");
        self.send(&format!("NICK {name}"));
        self.send(&format!("USER {name} 0 * :{name}"));
        self.send(&format!("CAP REQ :{capabilities}"));
        self.expect(" ACK ");
        self.send("CAP END");
        self.greeted(name);
        self
    }

    pub fn greeted(&mut self, name: &str) {
        self.name = name.to_owned();
        self.expect(" 001 ");
        self.expect_any(&[" 376 ", " 422 "]);
    }

    pub fn stream(&self) -> &TcpStream {
        self.carrier.stream()
    }

    /// SHA-256 is not needed to tell two certificates apart: this is the one that the server showed, whole.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        match &self.carrier {
            Carrier::Lines(reader) => reader.get_ref().certificate(),
            Carrier::Messages(socket) => socket.get_ref().certificate(),
        }
    }

    pub fn send(&mut self, line: &str) {
        self.try_send(line).unwrap_or_else(|error| panic!("{}: {line:?} could not be sent: {error}", self.name));
    }

    pub fn try_send(&mut self, line: &str) -> io::Result<()> {
        match &mut self.carrier {
            Carrier::Lines(reader) => reader.get_mut().write_all(format!("{line}\r\n").as_bytes()),
            Carrier::Messages(socket) => socket.send(Message::text(line)).map_err(io_error),
        }
    }

    /// Bytes as they are, over TCP or TLS.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.carrier {
            Carrier::Lines(reader) => reader.get_mut().write_all(bytes),
            Carrier::Messages(_) => panic!("a WebSocket has messages, not bytes"),
        }
    }

    /// The next line, without its ending; `None`: the server closed.
    pub fn line(&mut self) -> Option<String> {
        self.try_line().unwrap_or_else(|error| panic!("{}: no line came: {error}", self.name))
    }

    /// The next line, a PING too.
    pub fn try_line_unanswered(&mut self) -> io::Result<Option<String>> {
        let Some(line) = self.carrier.read_line()? else { return Ok(None) };
        if std::env::var_os("PARLOR_TEST_SHOW").is_some() {
            eprintln!("{:>8}< {line}", self.name);
        }
        Ok(Some(line))
    }

    pub fn try_line(&mut self) -> io::Result<Option<String>> {
        let Some(line) = self.try_line_unanswered()? else { return Ok(None) };
        if let Some(token) = line.strip_prefix("PING ") {
            self.try_send(&format!("PONG {token}"))?;
            return self.try_line();
        }
        Ok(Some(line))
    }

    /// Reads on to a line that contains this.
    pub fn expect(&mut self, part: &str) -> String {
        self.expect_any(&[part])
    }

    pub fn expect_any(&mut self, parts: &[&str]) -> String {
        let begun = Instant::now();
        let mut seen = Vec::new();
        while begun.elapsed() < DEADLINE {
            match self.try_line() {
                Ok(Some(line)) if parts.iter().any(|part| line.contains(part)) => return line,
                Ok(Some(line)) => seen.push(line),
                Ok(None) => panic!("{}: the server closed before {parts:?} came; it said {seen:#?}", self.name),
                Err(error) => panic!("{}: {parts:?} did not come ({error}); the server said {seen:#?}", self.name),
            }
        }
        panic!("{}: {parts:?} did not come; the server said {seen:#?}", self.name)
    }

    /// Reads on until each of these has come, in whatever order.
    pub fn expect_all(&mut self, parts: &[&str]) {
        let mut missing = parts.to_vec();
        while !missing.is_empty() {
            let line = self.expect_any(&missing);
            missing.retain(|part| !line.contains(part));
        }
    }

    /// Everything up to the answer of a PING sent now: what is not there yet will not come of what was said before.
    pub fn drain(&mut self) -> Vec<String> {
        self.try_drain().unwrap_or_else(|| panic!("{}: the server closed", self.name))
    }

    /// The same; `None`: the server has closed.
    pub fn try_drain(&mut self) -> Option<Vec<String>> {
        self.try_send("PING :drained").ok()?;
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            if line.contains("PONG") && line.ends_with("drained") {
                return Some(lines);
            }
            lines.push(line);
        }
    }

    /// Reads to the end, and gives the last line.
    pub fn until_closed(&mut self) -> Option<String> {
        let mut last = None;
        while let Some(line) = self.line() {
            last = Some(line);
        }
        last
    }

    pub fn join(&mut self, room: &str) {
        self.send(&format!("JOIN {room}"));
        self.expect(" 366 ");
    }
}

/// A running `chat_client`, as a person at a pipe would use it.
pub struct Person {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
}

impl Person {
    pub fn start(daemon: &Daemon, arguments: &[&str]) -> Person {
        let mut child = Command::new(program("chat_client"))
            .args(arguments)
            .env("PARLOR_PASSWORD", "correct horse battery")
            .env("XDG_DATA_HOME", daemon.folder.path().join("client"))
            .env("XDG_CONFIG_HOME", daemon.folder.path().join("client"))
            .env("HOME", daemon.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("chat_client starts");
        let (sender, output) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Person { child, input, output }
    }

    pub fn says(&mut self, text: &str) {
        let input = self.input.as_mut().expect("still talking");
        writeln!(input, "{text}").expect("written");
        input.flush().expect("flushed");
    }

    pub fn sees(&mut self, part: &str) -> String {
        self.sees_any(&[part])
    }

    pub fn sees_any(&mut self, parts: &[&str]) -> String {
        let begun = Instant::now();
        let mut seen = Vec::new();
        loop {
            match self.output.recv_timeout(DEADLINE.saturating_sub(begun.elapsed())) {
                Ok(line) if parts.iter().any(|part| line.contains(part)) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("{parts:?} was not printed; printed was {seen:#?}"),
            }
        }
    }

    /// Each of these, in whatever order.
    pub fn sees_all(&mut self, parts: &[&str]) {
        let mut missing = parts.to_vec();
        while !missing.is_empty() {
            let line = self.sees_any(&missing);
            missing.retain(|part| !line.contains(part));
        }
    }

    /// Ends its input, as Ctrl-D does, and gives the exit code.
    pub fn leaves(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().expect("chat_client ends").code()
    }
}

/// `loadgen proxy`, a network that misbehaves as it is told.
pub struct BadNetwork {
    child: Child,
    orders: ChildStdin,
    says: Receiver<String>,
    pub address: SocketAddr,
}

impl BadNetwork {
    pub fn start(to: SocketAddr, options: &[&str]) -> BadNetwork {
        let mut child = Command::new(program("loadgen"))
            .args(["proxy", "--listen", "127.0.0.1:0", "--to", &to.to_string()])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("loadgen starts");
        let orders = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, says) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let first: String = says.recv_timeout(DEADLINE).expect("it says where it listens");
        let address = first.split(' ').nth(2).and_then(|word| word.parse().ok()).expect("an address");
        says.recv_timeout(DEADLINE).expect("it says how it is");
        BadNetwork { child, orders, says, address }
    }

    /// Waits until it has been carried out.
    #[track_caller]
    pub fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("it listens");
        self.says("now: ");
    }

    #[track_caller]
    pub fn says(&self, part: &str) {
        while !self.says.recv_timeout(DEADLINE).expect("it says something").contains(part) {}
    }
}

impl Drop for BadNetwork {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a tag of a line as it came, unescaped only where nothing needs it.
pub fn tag<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let tags = line.strip_prefix('@')?.split(' ').next()?;
    tags.split(';').find_map(|tag| tag.strip_prefix(key)?.strip_prefix('='))
}

/// A program of this build that is not of this package: it is there when the whole workspace was built, as
/// `cargo xtask test` does first.
pub fn program(name: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_chat_server")).with_file_name(name);
    assert!(beside.exists(), "{} is missing: run `cargo build --workspace --bins` first", beside.display());
    beside
}

/// How lines travel.
pub enum Carrier {
    Lines(BufReader<Link>),
    Messages(Box<WebSocket<Link>>),
}

impl Carrier {
    pub fn lines(link: Link) -> Carrier {
        Carrier::Lines(BufReader::new(link))
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Carrier::Lines(reader) => reader.get_ref().stream(),
            Carrier::Messages(socket) => socket.get_ref().stream(),
        }
    }

    /// `None`: the server has closed.
    fn read_line(&mut self) -> io::Result<Option<String>> {
        match self {
            Carrier::Lines(reader) => {
                let mut bytes = Vec::new();
                match reader.read_until(b'\n', &mut bytes) {
                    Ok(0) => return Ok(None),
                    Ok(_) => {}
                    Err(error) if is_end(&error) => return Ok(None),
                    Err(error) => return Err(error),
                }
                let line = String::from_utf8(bytes).expect("a line of the server is UTF-8");
                if !line.ends_with('\n') {
                    // Cut in the middle by the death of the server.
                    return Ok(None);
                }
                let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?} does not end with CR LF"));
                Ok(Some(line.to_owned()))
            }
            Carrier::Messages(socket) => loop {
                match socket.read() {
                    Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                    Ok(Message::Binary(bytes)) => {
                        return Ok(Some(String::from_utf8(bytes.to_vec()).expect("a line of the server is UTF-8")));
                    }
                    Ok(Message::Close(_)) | Err(WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed) => {
                        return Ok(None);
                    }
                    Ok(_) => {}
                    Err(WebSocketError::Io(error)) if is_end(&error) => return Ok(None),
                    Err(error) => return Err(io_error(error)),
                }
            },
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
}

fn io_error(error: WebSocketError) -> io::Error {
    match error {
        WebSocketError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The bytes below: TCP, with TLS over it or not.
pub enum Link {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Link {
    pub fn tls(stream: TcpStream) -> Link {
        Link::tls_with(stream, b"")
    }

    /// Showing this certificate, which has this key (DER).
    pub fn tls_as(stream: TcpStream, (certificate, key): &(Vec<u8>, Vec<u8>)) -> Link {
        let key = PrivatePkcs8KeyDer::from(key.clone());
        let config = trusting().with_client_auth_cert(vec![certificate.clone().into()], key.into()).expect("a key");
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("TLS");
        Link::Tls(Box::new(StreamOwned::new(connection, stream)))
    }

    /// With these bytes to be sent as soon as the handshake allows it.
    pub fn tls_with(stream: TcpStream, early: &[u8]) -> Link {
        let name = ServerName::try_from("localhost").expect("a name");
        let mut connection = ClientConnection::new(trusting_all(), name).expect("TLS");
        connection.writer().write_all(early).expect("kept until the handshake is over");
        Link::Tls(Box::new(StreamOwned::new(connection, stream)))
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Link::Plain(stream) => stream,
            Link::Tls(tls) => &tls.sock,
        }
    }

    fn certificate(&self) -> Option<Vec<u8>> {
        match self {
            Link::Plain(_) => None,
            Link::Tls(tls) => tls.conn.peer_certificates()?.first().map(|certificate| certificate.to_vec()),
        }
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Plain(stream) => stream.read(buffer),
            Link::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Link::Plain(stream) => stream.write(bytes),
            Link::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Link::Plain(stream) => stream.flush(),
            Link::Tls(tls) => tls.flush(),
        }
    }
}

/// A TCP connection that waits for nothing longer than [`DEADLINE`].
pub fn dial(address: SocketAddr) -> TcpStream {
    try_dial(address).unwrap_or_else(|error| panic!("{address} could not be reached: {error}"))
}

/// The same from an address of this machine's own, such as 127.0.0.2.
pub fn dial_from(source: &str, address: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let source = SocketAddr::new(source.parse().expect("an address"), 0);
    socket.bind(&source.into()).expect("an address of this machine");
    socket.connect_timeout(&address.into(), DEADLINE).expect("connected");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
    stream.set_write_timeout(Some(DEADLINE)).expect("a time limit");
    stream.set_nodelay(true).expect("no delay");
    stream
}

pub fn try_dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How to open a WebSocket.
pub struct Upgrade<'a> {
    pub path: &'a str,
    pub subprotocol: Option<&'a str>,
    /// More header lines: name and value.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Default for Upgrade<'_> {
    fn default() -> Self {
        Upgrade { path: "/", subprotocol: Some("text.ircv3.net"), headers: &[] }
    }
}

impl Upgrade<'_> {
    /// The connection, or the HTTP status with which it was refused.
    pub fn over(&self, link: Link) -> Result<Irc, u16> {
        self.try_over(link).unwrap_or_else(|error| panic!("no WebSocket: {error}"))
    }

    /// The same; an error: the connection broke over it.
    pub fn try_over(&self, link: Link) -> io::Result<Result<Irc, u16>> {
        let address = link.stream().peer_addr()?;
        let scheme = if matches!(link, Link::Tls(_)) { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{address}{}", self.path).into_client_request().expect("a request");
        if let Some(subprotocol) = self.subprotocol {
            request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().expect("a subprotocol"));
        }
        for (name, value) in self.headers {
            let name = tungstenite::http::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
            request.headers_mut().append(name, value.parse().expect("a header value"));
        }
        match tungstenite::client(request, link) {
            Ok((socket, response)) => {
                let agreed = response.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
                assert_eq!(agreed, self.subprotocol);
                Ok(Ok(Irc::over(Carrier::Messages(Box::new(socket)))))
            }
            Err(HandshakeError::Failure(WebSocketError::Http(response))) => Ok(Err(response.status().as_u16())),
            Err(HandshakeError::Failure(error)) => Err(io_error(error)),
            Err(HandshakeError::Interrupted(_)) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    pub fn open(&self, address: SocketAddr) -> Result<Irc, u16> {
        self.over(Link::Plain(dial(address)))
    }
}

pub fn trusting_all() -> Arc<ClientConfig> {
    Arc::new(trusting().with_no_client_auth())
}

fn trusting() -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
}

/// The certificates of the tests are self-signed; what is tested is not trust.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

/// As many connections as wanted, or what the limit on open files leaves: the test has one end of each in its own process,
/// the server the other.
pub fn crowd(wanted: usize) -> usize {
    let files = server::open_files::raise_limit().unwrap_or(1_024);
    let crowd = wanted.min(files.saturating_sub(500));
    if crowd < wanted {
        println!("only {crowd} of {wanted} connections: the limit on open files is {files}");
    }
    crowd
}

/// Tests that measure times, or that fill the machine, have it for themselves: one at a time, whichever runner starts them.
pub fn alone() -> std::fs::File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alone.lock");
    let file = std::fs::File::create(path).expect("the lock's file");
    file.lock().expect("the lock");
    file
}
