//! The socket by which the command line reaches a running server: a Unix domain socket in the data folder, for its owner
//! alone. A request is one line of JSON, and so is its answer.
//!
//! One connection at a time is served, by a thread of its own that keeps a file descriptor in reserve: when the process
//! has none left, operators still get in.

use crate::account_command::AccountAction;
use crate::current::Current;
use crate::data_folder::DataFolder;
use crate::machine_addresses::machine_addresses;
use crate::ways_in::WaysIn;
use chat::command::Command;
use chat::name::NameRules;
use chat::query::Answer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const NAME: &str = "control.sock";

/// Bytes of one request. A longer one ends the connection.
const REQUEST_BYTES: u64 = 65_536;

/// For one connection, from its first byte to its last: others wait meanwhile.
const CONNECTION_LIFE: Duration = Duration::from_secs(5);

/// For the hub's answer, which can wait for the disk.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// After an accept that failed although a descriptor was set free for it: someone else was faster.
const ACCEPT_PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// What the command line asks of the server beside [`AccountAction`].
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    ShowWaysIn {},
}

/// Gives a command to the hub, and where to send the answer to.
pub type Submit = Arc<dyn Fn(Command, Sender<Answer>) + Send + Sync>;

/// The listening socket and its thread. Dropping it ends both.
#[derive(Debug)]
pub struct ControlSocket {
    path: PathBuf,
    /// Closing it wakes the thread for good.
    end: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    /// It was done; what to tell.
    Done(Vec<String>),
    /// It was not; why, in one sentence.
    Refused(String),
}

impl ControlSocket {
    /// Listens in `folder`, which this process has for itself. `rules`: how names are read, as of now.
    ///
    /// # Errors
    /// One sentence, when the socket can't be made.
    pub fn open(
        folder: &DataFolder,
        rules: Arc<Current<NameRules>>,
        ways_in: Arc<Current<WaysIn>>,
        submit: Submit,
    ) -> Result<ControlSocket, String> {
        let path = folder.path().join(NAME);
        let failed = |error: io::Error| {
            format!("{} can't be made ({error}); check the permissions of its folder", path.display())
        };
        let listener = listen(folder.path()).map_err(failed)?;
        let (end, ended) = UnixStream::pair().map_err(failed)?;
        let desk = Desk { listener, ended, reserve: reserve(), rules, ways_in, submit };
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(|| desk.run()).map_err(failed)?;
        Ok(ControlSocket { path, end: Some(end), thread: Some(thread) })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// Asks the server that runs on this data folder. `None`: none does.
///
/// # Errors
/// A sentence: the server's refusal, or what came in between.
pub fn ask(folder: &Path, request: &impl Serialize) -> Result<Option<Vec<String>>, String> {
    let failed = |error: io::Error| format!("the server on {} does not answer ({error})", folder.display());
    let stream = match connect(folder) {
        Ok(stream) => stream,
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => return Ok(None),
            ErrorKind::PermissionDenied => {
                let path = folder.join(NAME);
                return Err(format!("{} belongs to another user; run this as that user", path.display()));
            }
            _ => return Err(failed(error)),
        },
    };
    let patience = Some(ANSWER_PATIENCE + 2 * CONNECTION_LIFE);
    stream.set_read_timeout(patience).and_then(|()| stream.set_write_timeout(patience)).map_err(failed)?;
    let mut line = serde_json::to_string(request).map_err(|error| failed(error.into()))?;
    line.push('\n');
    (&stream).write_all(line.as_bytes()).map_err(failed)?;
    let mut reply = String::new();
    BufReader::new(&stream).read_line(&mut reply).map_err(failed)?;
    match serde_json::from_str(&reply) {
        Ok(Reply::Done(lines)) => Ok(Some(lines)),
        Ok(Reply::Refused(sentence)) => Err(sentence),
        Err(_) if reply.is_empty() => Err(failed(ErrorKind::UnexpectedEof.into())),
        Err(_) => Err("the running server is of another version; use its own chat_server for this".to_owned()),
    }
}

struct Desk {
    listener: UnixListener,
    ended: UnixStream,
    /// Closed when no other descriptor is to be had, so that one connection can be accepted.
    reserve: Option<File>,
    rules: Arc<Current<NameRules>>,
    ways_in: Arc<Current<WaysIn>>,
    submit: Submit,
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Desk {
    fn run(mut self) {
        loop {
            let mut waited = [PollFd::new(&self.listener, PollFlags::IN), PollFd::new(&self.ended, PollFlags::IN)];
            match poll(&mut waited, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!("the control socket is out of order until the next start: {error}");
                    return;
                }
            }
            if !waited[1].revents().is_empty() {
                return;
            }
            if !waited[0].revents().is_empty() {
                self.accept();
            }
            self.reserve = self.reserve.take().or_else(reserve);
        }
    }

    fn accept(&mut self) {
        let accepted = self.listener.accept().or_else(|error| {
            if is_out_of_descriptors(&error) {
                self.reserve = None;
                self.listener.accept()
            } else {
                Err(error)
            }
        });
        match accepted {
            Ok((stream, _)) => {
                if let Err(error) = self.serve(&stream) {
                    tracing::debug!("a connection to the control socket broke: {error}");
                }
            }
            Err(error) if is_out_of_descriptors(&error) => {
                // Ends early if the socket is closed.
                let _ = poll(&mut [PollFd::new(&self.ended, PollFlags::IN)], Some(&ACCEPT_PAUSE));
            }
            // The other side is gone again, or there was nobody.
            Err(error) => tracing::debug!("nobody was accepted on the control socket: {error}"),
        }
    }

    fn serve(&self, stream: &UnixStream) -> io::Result<()> {
        let begun = Instant::now();
        stream.set_nonblocking(false)?;
        let mut reader = BufReader::new(stream);
        loop {
            let Some(left) = CONNECTION_LIFE.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
                return Err(ErrorKind::TimedOut.into());
            };
            stream.set_read_timeout(Some(left))?;
            stream.set_write_timeout(Some(left))?;
            let mut line = Vec::new();
            reader.by_ref().take(REQUEST_BYTES).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
            let reply = match self.answer(&line) {
                Ok(lines) => Reply::Done(lines),
                Err(sentence) => Reply::Refused(sentence),
            };
            let mut text = serde_json::to_vec(&reply)?;
            text.push(b'\n');
            let mut stream = stream;
            stream.write_all(&text)?;
        }
    }

    fn answer(&self, line: &[u8]) -> Result<Vec<String>, String> {
        if let Ok(Question::ShowWaysIn {}) = serde_json::from_slice(line) {
            return Ok(self.ways_in.load().lines(&machine_addresses(), true));
        }
        let action: AccountAction =
            serde_json::from_slice(line).map_err(|error| format!("the server does not understand that: {error}"))?;
        let (answers, answered) = channel();
        (self.submit)(action.command(&self.rules.load())?, answers);
        match answered.recv_timeout(ANSWER_PATIENCE) {
            Ok(answer) => action.describe(&answer),
            Err(RecvTimeoutError::Timeout) => {
                Err("the server did not get that onto the disk within 10 seconds; see its log".to_owned())
            }
            Err(RecvTimeoutError::Disconnected) => Err("the server is stopping; try again in a moment".to_owned()),
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    Errno::from_io_error(error).is_some_and(|errno| errno == Errno::MFILE || errno == Errno::NFILE)
}

/// Bound, then closed to others, then listening: nobody else can connect in between.
fn listen(folder: &Path) -> io::Result<UnixListener> {
    let path = folder.join(NAME);
    // Left by a server that was killed; whoever has the folder may take its place.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = socket()?;
    with_address(folder, |address| rustix::net::bind(&socket, address))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, 16)?;
    let listener = UnixListener::from(socket);
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn connect(folder: &Path) -> io::Result<UnixStream> {
    let socket = socket()?;
    with_address(folder, |address| rustix::net::connect(&socket, address))?;
    Ok(UnixStream::from(socket))
}

#[cfg(target_os = "linux")]
fn socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

#[cfg(not(target_os = "linux"))]
fn socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// The socket's address. Its path may have some hundred bytes at most (`sun_path`); Linux knows a short one for every
/// folder that is open.
fn with_address<T>(folder: &Path, done: impl Fn(&SocketAddrUnix) -> rustix::io::Result<T>) -> io::Result<T> {
    match SocketAddrUnix::new(folder.join(NAME)) {
        Ok(address) => Ok(done(&address)?),
        Err(_) if cfg!(target_os = "linux") => {
            let open = File::open(folder)?;
            let short = format!("/proc/self/fd/{}/{NAME}", open.as_fd().as_raw_fd());
            Ok(done(&SocketAddrUnix::new(short)?)?)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Listener, Protocol};
    use tempfile::TempDir;

    /// Answers every question for accounts with none.
    fn opened(around: &TempDir, below: &str) -> (DataFolder, ControlSocket) {
        let folder = DataFolder::open(&around.path().join(below)).expect("a folder");
        let rules = Arc::new(Current::new(NameRules::default()));
        let submit = Arc::new(|_, answers: Sender<Answer>| _ = answers.send(Answer::Accounts(Vec::new())));
        let (any, socket) = ([192, 0, 2, 7].into(), ([192, 0, 2, 7], 6697).into());
        let listening = vec![(Listener::new(any, 6697, Protocol::Irc, true), socket)];
        let ways_in = Arc::new(Current::new(WaysIn { listening, fingerprint: None, self_signed: true }));
        let socket = ControlSocket::open(&folder, rules, ways_in, submit).expect("a socket");
        (folder, socket)
    }

    fn asked(folder: &DataFolder) -> Result<Option<Vec<String>>, String> {
        ask(folder.path(), &AccountAction::ListAccounts {})
    }

    fn answered() -> Result<Option<Vec<String>>, String> {
        Ok(Some(vec!["There are no accounts yet.".to_owned()]))
    }

    #[test]
    fn it_answers_while_it_is_there_for_its_owner_alone() {
        let around = tempfile::tempdir().expect("a folder");
        let (folder, socket) = opened(&around, "data");
        let mode = fs::metadata(folder.path().join(NAME)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for _ in 0..3 {
            assert_eq!(asked(&folder), answered());
        }
        let ways =
            ["From other machines:", "  chat_client --guest YOURNAME@192.0.2.7:6697 '#lobby'"].map(str::to_owned);
        assert_eq!(ask(folder.path(), &Question::ShowWaysIn {}), Ok(Some(ways.to_vec())));
        drop(socket);
        assert_eq!(asked(&folder), Ok(None));
        // What a killed server leaves behind.
        drop(UnixListener::bind(folder.path().join(NAME)).expect("bound"));
        assert_eq!(asked(&folder), Ok(None));
        drop(folder);
        let (folder, _socket) = opened(&around, "data");
        assert_eq!(asked(&folder), answered());
    }

    #[test]
    fn a_folder_may_have_a_long_name() {
        let around = tempfile::tempdir().expect("a folder");
        let (folder, _socket) = opened(&around, &"long/".repeat(60));
        assert_eq!(asked(&folder), answered());
    }

    #[test]
    fn what_it_does_not_understand_it_refuses() {
        let around = tempfile::tempdir().expect("a folder");
        let (folder, _socket) = opened(&around, "data");
        let mut stream = connect(folder.path()).expect("connected");
        stream.write_all(b"{\"do\":\"fly\"}\nnonsense\n{\"do\":\"list-accounts\"}\n").expect("written");
        stream.shutdown(std::net::Shutdown::Write).expect("ended");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("{\"refused\":\"the server does not understand that"), "{text}");
        assert!(lines[1].starts_with("{\"refused\":\"the server does not understand that"), "{text}");
        assert_eq!(lines[2..], ["{\"done\":[\"There are no accounts yet.\"]}"]);
    }

    #[test]
    fn a_flood_or_a_silent_one_keeps_the_others_waiting_for_a_bounded_time() {
        let around = tempfile::tempdir().expect("a folder");
        let (folder, _socket) = opened(&around, "data");
        let mut flood = connect(folder.path()).expect("connected");
        // Closed at the bound, so the rest can't be written.
        let written = flood.write_all(&vec![b'x'; 4 * REQUEST_BYTES as usize]);
        assert!(written.is_err());
        let _silent = connect(folder.path()).expect("connected");
        let begun = Instant::now();
        assert_eq!(asked(&folder), answered());
        assert!(begun.elapsed() < CONNECTION_LIFE + Duration::from_secs(5));
    }

    const CHILD: &str = "PARLOR_CONTROL_TEST_CHILD";

    /// Not a test of its own: what the next one starts. Serves with every descriptor taken until its input ends.
    #[test]
    fn a_process_without_a_free_descriptor() {
        let Some(path) = std::env::var_os(CHILD) else {
            return;
        };
        let around = tempfile::tempdir().expect("a folder");
        let (folder, _socket) = opened(&around, "data");
        fs::write(Path::new(&path), folder.path().to_str().expect("UTF-8")).expect("written");
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let few = rustix::process::Rlimit { current: Some(64), maximum: most.maximum };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).expect("a low limit");
        let mut taken = Vec::new();
        while let Some(another) = reserve() {
            taken.push(another);
        }
        println!("exhausted");
        let _ = io::stdin().read(&mut [0]);
    }

    #[test]
    fn it_answers_when_the_process_has_no_descriptor_left() {
        use std::process::{Command, Stdio};
        let around = tempfile::tempdir().expect("a folder");
        let note = around.path().join("where");
        let (_, module) = module_path!().split_once("::").expect("a module of the crate");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture", &format!("{module}::a_process_without_a_free_descriptor")])
            .env(CHILD, &note)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        // Kept open to the end: a test program that can't print fails.
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let exhausted = lines.any(|line| line.contains("exhausted"));
        assert!(exhausted, "the child did not get so far");
        let folder = fs::read_to_string(&note).expect("read");
        for _ in 0..5 {
            assert_eq!(ask(Path::new(&folder), &AccountAction::ListAccounts {}), answered());
        }
        drop(child.stdin.take());
        lines.for_each(drop);
        assert!(child.wait().expect("ended").success());
    }
}
