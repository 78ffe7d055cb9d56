//! The proxy between an echo server and a client: what each condition does to bytes, and who is told of what.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);

struct Proxy {
    process: Child,
    orders: ChildStdin,
    says: Receiver<String>,
    address: SocketAddr,
}

impl Proxy {
    fn start(to: SocketAddr, options: &[&str]) -> Proxy {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(["proxy", "--listen", "127.0.0.1:0", "--to", &to.to_string()])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the proxy starts");
        let orders = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, says) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let first = says.recv_timeout(DEADLINE).expect("it says where it listens");
        let address = first.split(' ').nth(2).expect("an address").parse().expect("an address");
        says.recv_timeout(DEADLINE).expect("it says how it is");
        Proxy { process, orders, says, address }
    }

    /// Says it, and waits until it has been carried out.
    #[track_caller]
    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("it listens");
        while !self.says.recv_timeout(DEADLINE).expect("it answers").starts_with("now: ") {}
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).expect("it accepts");
        client.set_read_timeout(Some(DEADLINE)).expect("a time-out");
        client
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says back what it hears; tells how each connection ended.
fn echo_server() -> (SocketAddr, Receiver<Result<(), ErrorKind>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (told, ends) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let told = told.clone();
            thread::spawn(move || {
                let mut stream = stream;
                let mut buffer = [0; 4096];
                let end = loop {
                    match stream.read(&mut buffer) {
                        Ok(0) => break Ok(()),
                        Ok(count) if stream.write_all(&buffer[..count]).is_ok() => {}
                        Ok(_) => break Err(ErrorKind::BrokenPipe),
                        Err(error) => break Err(error.kind()),
                    }
                };
                drop(stream);
                told.send(end)
            });
        }
    });
    (address, ends)
}

#[track_caller]
fn echoed(client: &mut TcpStream, text: &[u8]) -> Duration {
    let began = Instant::now();
    client.write_all(text).expect("it takes bytes");
    let mut heard = vec![0; text.len()];
    client.read_exact(&mut heard).expect("they come back");
    assert!(heard == text, "they come back as they were");
    began.elapsed()
}

/// Whether nothing comes: only that can be waited for which could come at once.
fn is_silent(client: &TcpStream) -> bool {
    client.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
    let heard = client.peek(&mut [0; 1]);
    client.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    heard.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn bytes_come_whole_later_and_slower() {
    let (server, _ends) = echo_server();
    let long: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
    let plain = Proxy::start(server, &[]);
    let mut client = plain.connect();
    let writing = client.try_clone().expect("another handle");
    let sent = long.clone();
    let writer = thread::spawn(move || (&writing).write_all(&sent).expect("it takes bytes"));
    let mut heard = vec![0; long.len()];
    client.read_exact(&mut heard).expect("they come back");
    assert!(heard == long, "they come back as they were");
    writer.join().expect("the writer ends");

    for (options, least) in [
        (&["--delay", "60"][..], 120),
        // 3,000 bytes there and back at 20,000 a second, and both ways at once.
        (&["--rate", "20000"], 150),
        // Every piece is lost until TCP would have given up on it.
        (&["--loss", "100"], 200),
    ] {
        let mut proxy = Proxy::start(server, options);
        if options[0] == "--loss" {
            let mut client = proxy.connect();
            client.write_all(b"x").expect("it takes bytes");
            assert!(is_silent(&client), "what is lost does not come at once");
            proxy.order("loss 0");
            continue;
        }
        let took = echoed(&mut proxy.connect(), &[b'x'; 3_000]);
        assert!(took >= Duration::from_millis(least), "{options:?}: {took:?}");
    }
}

#[test]
fn a_pulled_cable_keeps_what_waits() {
    let (server, ends) = echo_server();
    let mut proxy = Proxy::start(server, &["--jitter", "5"]);
    let mut client = proxy.connect();
    echoed(&mut client, b"before");
    proxy.order("pull");
    client.write_all(b"meanwhile").expect("the own system takes bytes");
    assert!(is_silent(&client));
    proxy.order("heal");
    let mut heard = [0; 9];
    client.read_exact(&mut heard).expect("it goes on");
    assert_eq!(&heard, b"meanwhile");
    drop(client);
    assert_eq!(ends.recv_timeout(DEADLINE), Ok(Ok(())), "a goodbye is carried like bytes");
}

#[test]
fn a_half_open_connection_is_over_at_one_end() {
    let (server, ends) = echo_server();
    let mut proxy = Proxy::start(server, &[]);
    let mut client = proxy.connect();
    echoed(&mut client, b"before");
    proxy.order("half-open");
    assert_eq!(ends.recv_timeout(DEADLINE), Ok(Ok(())), "the server is told");
    client.write_all(b"into the void").expect("the client is not");
    assert!(is_silent(&client));
    echoed(&mut proxy.connect(), b"another connection works");
    proxy.order("heal");
    let end = client.read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_cut_resets_both_ends() {
    let (server, ends) = echo_server();
    let mut proxy = Proxy::start(server, &["--delay", "10"]);
    let mut client = proxy.connect();
    echoed(&mut client, b"before");
    proxy.order("cut");
    let end = client.read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    assert_eq!(ends.recv_timeout(DEADLINE), Ok(Err(ErrorKind::ConnectionReset)));
    echoed(&mut proxy.connect(), b"after");
}

#[test]
fn wrong_orders_and_options_are_told() {
    let (server, _ends) = echo_server();
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["proxy", "--listen", "127.0.0.1:0", "--to", &server.to_string(), "--loss", "140"])
        .output()
        .expect("it starts");
    assert!(!output.status.success());
    let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(sentence.contains("140 is no share of a hundred"), "{sentence}");
}
