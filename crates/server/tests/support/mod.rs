//! Real servers and real connections for the tests: everything waits for its event, with a deadline.
#![allow(dead_code, reason = "each test program uses its part")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

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

    /// In a folder with a `config.toml`, and perhaps with data of an earlier run.
    pub fn start_in(folder: TempDir) -> Daemon {
        let (mut child, output) = spawn(folder.path());
        let mut listening = Vec::new();
        let begun = Instant::now();
        loop {
            match output.recv_timeout(DEADLINE.saturating_sub(begun.elapsed())) {
                Ok(line) => {
                    listening.extend(line.split_whitespace().filter_map(address_of));
                    if line.starts_with("Ready") {
                        break;
                    }
                }
                Err(_) => {
                    // Reaped so that its message is complete.
                    let status = child.try_wait();
                    panic!("chat_server did not get ready ({status:?})");
                }
            }
        }
        Daemon { child, folder, listening, output }
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

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name} failed");
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

    fn into_folder(mut self) -> TempDir {
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
    let mut child = Command::new(env!("CARGO_BIN_EXE_chat_server"))
        .arg("--config")
        .arg(folder.join("config.toml"))
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
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

/// A plain IRC connection, as from netcat.
pub struct Irc {
    reader: BufReader<TcpStream>,
    pub name: String,
}

impl Irc {
    pub fn connect(address: SocketAddr) -> Irc {
        let stream = TcpStream::connect_timeout(&address, DEADLINE).expect("connect");
        stream.set_read_timeout(Some(DEADLINE)).expect("timeout");
        stream.set_write_timeout(Some(DEADLINE)).expect("timeout");
        stream.set_nodelay(true).expect("nodelay");
        Irc { reader: BufReader::new(stream), name: "*".to_owned() }
    }

    /// Connects and registers under this name, past the message of the day.
    pub fn register(address: SocketAddr, name: &str) -> Irc {
        let mut irc = Irc::connect(address);
        irc.send(&format!("NICK {name}"));
        irc.send(&format!("USER {name} 0 * :{name}"));
        irc.greeted(name);
        irc
    }

    /// Registers with these capabilities.
    pub fn register_with(address: SocketAddr, name: &str, capabilities: &str) -> Irc {
        let mut irc = Irc::connect(address);
        irc.send("CAP LS 302");
        irc.send(&format!("NICK {name}"));
        irc.send(&format!("USER {name} 0 * :{name}"));
        irc.send(&format!("CAP REQ :{capabilities}"));
        irc.expect(" ACK ");
        irc.send("CAP END");
        irc.greeted(name);
        irc
    }

    pub fn greeted(&mut self, name: &str) {
        self.name = name.to_owned();
        self.expect(" 001 ");
        self.expect_any(&[" 376 ", " 422 "]);
    }

    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    pub fn send(&mut self, line: &str) {
        self.try_send(line).unwrap_or_else(|error| panic!("{}: {line:?} could not be sent: {error}", self.name));
    }

    pub fn try_send(&mut self, line: &str) -> io::Result<()> {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes())
    }

    /// The next line, without its ending; `None`: the server closed.
    pub fn line(&mut self) -> Option<String> {
        self.try_line().unwrap_or_else(|error| panic!("{}: no line came: {error}", self.name))
    }

    pub fn try_line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        match self.reader.read_until(b'\n', &mut bytes) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error),
        }
        let line = String::from_utf8(bytes).expect("a line of the server is UTF-8");
        let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?} does not end with CR LF"));
        if std::env::var_os("PARLOR_TEST_SHOW").is_some() {
            eprintln!("{:>8}< {line}", self.name);
        }
        if let Some(token) = line.strip_prefix("PING ") {
            self.try_send(&format!("PONG {token}"))?;
            return self.try_line();
        }
        Ok(Some(line.to_owned()))
    }

    /// Reads on to a line that contains this.
    pub fn expect(&mut self, part: &str) -> String {
        self.expect_any(&[part])
    }

    pub fn expect_any(&mut self, parts: &[&str]) -> String {
        let begun = Instant::now();
        let mut seen = Vec::new();
        while begun.elapsed() < DEADLINE {
            match self.line() {
                Some(line) if parts.iter().any(|part| line.contains(part)) => return line,
                Some(line) => seen.push(line),
                None => panic!("{}: the server closed before {parts:?} came; it said {seen:#?}", self.name),
            }
        }
        panic!("{}: {parts:?} did not come; the server said {seen:#?}", self.name)
    }

    /// Everything up to the answer of a PING sent now: what is not there yet will not come of what was said before.
    pub fn drain(&mut self) -> Vec<String> {
        self.send("PING :drained");
        let mut lines = Vec::new();
        loop {
            match self.line() {
                Some(line) if line.contains("PONG") && line.ends_with("drained") => return lines,
                Some(line) => lines.push(line),
                None => return lines,
            }
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
