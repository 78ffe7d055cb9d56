//! Hosts on one network: a network namespace each, joined by a bridge in a namespace of its own, so that nothing of this
//! machine's own network is touched.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// For whatever is waited for.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Which addresses the hosts have: host `n` (from 1) is 192.168.77.n and fd77::n.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Both,
    V6,
}

/// Removed when dropped, with everything that runs in them.
pub struct Hosts {
    names: Vec<String>,
    bridge: String,
    /// What the programs write, and read: a home for each host.
    pub folder: TempDir,
}

impl Hosts {
    /// `None`, and a line that says why: this machine does not let us.
    pub fn new(count: usize, family: Family) -> Option<Hosts> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let unique = format!("parlor-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let bridge = format!("{unique}-bridge");
        if let Err(why) = ip(&["netns", "add", &bridge]) {
            assert!(std::env::var_os("CI").is_none(), "CI must be able to make network namespaces: {why}");
            eprintln!("skipped: no network namespaces can be made here ({why}); run this test as root, with iproute2");
            return None;
        }
        let mut hosts = Hosts { names: Vec::new(), bridge, folder: TempDir::new().expect("a folder") };
        hosts.lay_cables(count, family, &unique).expect("a network of namespaces");
        Some(hosts)
    }

    fn lay_cables(&mut self, count: usize, family: Family, unique: &str) -> Result<(), String> {
        let bridge = self.bridge.clone();
        ip(&["-n", &bridge, "link", "add", "bridge", "type", "bridge"])?;
        ip(&["-n", &bridge, "link", "set", "bridge", "up"])?;
        for number in 1..=count {
            let name = format!("{unique}-{number}");
            ip(&["netns", "add", &name])?;
            self.names.push(name.clone());
            let port = format!("port{number}");
            ip(&["-n", &bridge, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            ip(&["-n", &bridge, "link", "set", &port, "master", "bridge", "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
            if family == Family::Both {
                ip(&["-n", &name, "addr", "add", &format!("192.168.77.{number}/24"), "dev", "eth0"])?;
            }
            ip(&["-n", &name, "addr", "add", &format!("fd77::{number}/64"), "dev", "eth0", "nodad"])?;
            ip(&["-n", &name, "link", "set", "eth0", "up"])?;
        }
        Ok(())
    }

    /// Pulls the cable of a host (from 1).
    pub fn unplug(&self, host: usize) {
        ip(&["-n", &self.bridge, "link", "set", &format!("port{host}"), "down"]).expect("the cable is pulled");
    }

    /// And puts it back.
    pub fn plug_in(&self, host: usize) {
        ip(&["-n", &self.bridge, "link", "set", &format!("port{host}"), "up"]).expect("the cable is put back");
    }

    /// `ip` on a host (from 1): its addresses, interfaces and ways.
    #[track_caller]
    pub fn ip(&self, host: usize, arguments: &[&str]) {
        ip(&[&["-n", &self.names[host - 1]], arguments].concat()).expect("ip");
    }

    /// The address of a host that is good on its cable only.
    pub fn link_local(&self, host: usize) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let arguments =
                ["-n", &self.names[host - 1], "-o", "-6", "address", "show", "dev", "eth0", "scope", "link"];
            let output = Command::new("ip").args(arguments).output().expect("ip");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let address = text.split_whitespace().find_map(|word| word.strip_suffix("/64"));
            // Until it is sure that nobody else has it, it is tentative.
            if let Some(address) = address.filter(|_| !text.contains("tentative")) {
                return address.to_owned();
            }
            assert!(Instant::now() < deadline, "no link-local address: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What programs on a host see as this file of `/etc`; `ip netns exec` puts it there.
    pub fn etc(&self, host: usize, file: &str, text: &str) {
        let folder = etc_of(&self.names[host - 1]);
        std::fs::create_dir_all(&folder).expect("a folder for /etc");
        std::fs::write(folder.join(file), text).expect("a file for /etc");
    }

    /// A DNS server on a host, which knows what these options of dnsmasq say.
    pub fn serve_dns(&self, host: usize, options: &[&str]) -> Program {
        let all = ["--conf-file=/dev/null", "--keep-in-foreground", "--no-hosts", "--no-resolv", "--log-facility=-"];
        let own = ["--user=root", "--pid-file=", "--local-ttl=77", "--local=/example/"];
        let arguments = [&all[..], &own, options].concat();
        let server = self.start_any(host, Path::new("dnsmasq"), &arguments);
        server.complains("started, version");
        server
    }

    /// Starts a program of ours on a host (from 1), as a person who has nothing there yet.
    pub fn start(&self, host: usize, program: &str, arguments: &[&str]) -> Program {
        self.start_with(host, program, arguments, &[])
    }

    /// With these variables in its environment.
    pub fn start_with(&self, host: usize, program: &str, arguments: &[&str], variables: &[(&str, &Path)]) -> Program {
        self.start_program(host, &beside_the_server(program), arguments, variables)
    }

    /// Starts any program there.
    pub fn start_any(&self, host: usize, program: &Path, arguments: &[&str]) -> Program {
        self.start_program(host, program, arguments, &[])
    }

    fn start_program(&self, host: usize, program: &Path, arguments: &[&str], variables: &[(&str, &Path)]) -> Program {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let mut command = self.command(host, program);
        let complaints = self.home(host).join(format!("{name}.complaints"));
        let mut child = command
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints).expect("a file for complaints"))
            .spawn()
            .expect("ip netns exec");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Program { child, lines, complaints }
    }

    /// To be run on a host (from 1).
    pub fn command(&self, host: usize, program: &Path) -> Command {
        let home = self.home(host);
        std::fs::create_dir_all(&home).expect("a home");
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.names[host - 1]])
            .arg(program)
            .current_dir(&home)
            .env("HOME", &home)
            .env("XDG_DATA_HOME", &home)
            .env("XDG_CONFIG_HOME", &home)
            .env("USER", format!("host{host}"));
        command
    }

    pub fn home(&self, host: usize) -> PathBuf {
        self.folder.path().join(format!("host{host}"))
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in self.names.iter().chain([&self.bridge]) {
            let _ = std::fs::remove_dir_all(etc_of(name));
            if let Err(why) = ip(&["netns", "delete", name]) {
                eprintln!("the namespace {name} is left behind: {why}");
            }
        }
    }
}

/// A program that runs on a host; killed when dropped.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    complaints: PathBuf,
}

impl Program {
    /// The next line of its output with this in it.
    #[track_caller]
    pub fn says(&self, part: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen.push(line),
                Err(why) => {
                    let why = if why == RecvTimeoutError::Timeout { "not in time" } else { "it ended" };
                    let complaints = std::fs::read_to_string(&self.complaints).unwrap_or_default();
                    panic!("{part:?} was not said ({why}); said was {seen:#?}, complained of {complaints}");
                }
            }
        }
    }

    /// All that is left of its output, until it closes it.
    pub fn rest(&self) -> Vec<String> {
        let deadline = Instant::now() + DEADLINE;
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            lines.push(line);
        }
        lines
    }

    /// As Ctrl-C does, or worse. The namespace's runner becomes the program itself, so this is its process.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Waits for this in its complaints.
    #[track_caller]
    pub fn complains(&self, part: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let complaints = std::fs::read_to_string(&self.complaints).unwrap_or_default();
            if complaints.contains(part) {
                return complaints;
            }
            assert!(Instant::now() < deadline, "{part:?} was not complained of: {complaints}");
            // A file tells nobody that it has grown; this only paces.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub fn ends(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return (status, std::fs::read_to_string(&self.complaints).unwrap_or_default());
            }
            assert!(Instant::now() < deadline, "it did not end");
            // The system tells the end of a process to who waits for it, and nobody can wait with a deadline; this only paces.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn beside_the_server(program: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_chat_server")).with_file_name(program);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

fn etc_of(namespace: &str) -> PathBuf {
    Path::new("/etc/netns").join(namespace)
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    match Command::new("ip").args(arguments).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("ip: {error}")),
    }
}
