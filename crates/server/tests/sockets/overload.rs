//! Those who come to tie the server up, while others want to talk: A1 to A4 and A8 of the reliability plan, each as short
//! as it can be and still show something.

use crate::support::{self, Carrier, DEADLINE, Daemon, Irc, Link, TEST_CONFIG, Upgrade, dial, dial_from};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Someone who wants nothing but to come in, say something, and leave, again and again.
struct Probe {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Probe {
    fn start(address: SocketAddr) -> Probe {
        let over = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let over = over.clone();
            move || {
                let mut took = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let mut irc = Irc::register(address, &format!("probe{}", took.len()));
                    irc.join("#probe");
                    irc.send("PRIVMSG #probe :hello");
                    irc.drain();
                    took.push(begun.elapsed());
                    irc.send("QUIT");
                    irc.until_closed();
                    // Paces the probe; nothing is waited for.
                    std::thread::sleep(Duration::from_millis(50));
                }
                took
            }
        });
        Probe { over, thread }
    }

    /// How long the slowest of twenty took (the plan has p99 of many more), and how many there were.
    fn stop(self) -> (Duration, usize) {
        self.over.store(true, Ordering::Relaxed);
        let mut took = self.thread.join().expect("the probe got through");
        took.sort_unstable();
        println!("probe: {} logins, median {:?}, slowest {:?}", took.len(), took[took.len() / 2], took[took.len() - 1]);
        (took[took.len() * 19 / 20], took.len())
    }
}

/// The plan's bound for a login under attack.
const LOGIN: Duration = Duration::from_millis(200);

fn over_plain(stream: TcpStream) -> Irc {
    Irc::over(Carrier::lines(Link::Plain(stream)))
}

/// Who does nothing but wait for the end: when each of these sockets was closed by the server. `step` is called for every
/// open one each round, a tenth of a second long.
fn closings(sockets: &mut [TcpStream], mut step: impl FnMut(&mut TcpStream, usize)) -> Vec<Duration> {
    let begun = Instant::now();
    let mut closed: Vec<Option<Duration>> = vec![None; sockets.len()];
    for socket in sockets.iter() {
        socket.set_nonblocking(true).expect("non-blocking");
    }
    let mut round = 0;
    while closed.contains(&None) {
        assert!(begun.elapsed() < DEADLINE, "some are never closed: {closed:?}");
        for (socket, closed) in sockets.iter_mut().zip(&mut closed) {
            if closed.is_some() {
                continue;
            }
            step(socket, round);
            let mut bytes = [0; 512];
            match socket.read(&mut bytes) {
                Ok(0) => *closed = Some(begun.elapsed()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => *closed = Some(begun.elapsed()),
            }
        }
        round += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    closed.into_iter().flatten().collect()
}

fn check_closed_at(closed: &[Duration], seconds: u64, what: &str) {
    let (first, last) = (closed.iter().min().expect("some"), closed.iter().max().expect("some"));
    println!("{what}: closed after {first:?} to {last:?}");
    // Timers go by whole seconds, and are looked at once a second when nothing else happens.
    assert!(*first >= Duration::from_millis(seconds * 1000 - 1200), "{what}: closed too early, after {first:?}");
    assert!(*last <= Duration::from_millis(seconds * 1000 + 2200), "{what}: still open after {seconds} s: {last:?}");
}

const SHORT: &str = "[limits]\nhandshake_seconds = 2\nregister_seconds = 3\n";

#[test]
fn a1_those_who_say_nothing_are_closed_and_cost_little() {
    let _alone = support::alone();
    let daemon = Daemon::start(SHORT);
    drop(Irc::register(daemon.irc(), "before"));
    let before = daemon.resident_kib();
    let probe = Probe::start(daemon.irc());
    let silent = support::crowd(4_000) as u64;
    let mut sockets: Vec<TcpStream> = (0..silent).map(|_| dial(daemon.irc())).collect();
    // Accepted in the order of coming: whoever is served has all of them before her.
    drop(Irc::register(daemon.irc(), "behind"));
    let grown = daemon.resident_kib().saturating_sub(before);
    println!("{silent} silent connections: {grown} KiB");
    // The plan: 60 MB for 10,000. What the allocator takes for the first ones would be most of it with few.
    assert!(silent < 4_000 || grown <= silent * 6 + 6 * 1024, "{grown} KiB for {silent} silent connections");
    check_closed_at(&closings(&mut sockets, |_, _| {}), 3, "silent");
    let (slow, count) = probe.stop();
    assert!(slow <= LOGIN && count >= 20, "{count} logins, one in twenty took {slow:?}");
    let begun = Instant::now();
    while daemon.metric("parlor_connections") > 0.0 {
        assert!(begun.elapsed() < DEADLINE, "connections are counted that are gone");
    }
}

#[test]
fn a2_those_who_dawdle_are_closed_however_they_do_it() {
    let _alone = support::alone();
    let tls_page = "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\ntls = true\n";
    let daemon = Daemon::start(&format!("{SHORT}{tls_page}"));
    let probe = Probe::start(daemon.irc());
    let each = support::crowd(1_250) / 5;
    // A byte each tenth of a second: none of them extends a deadline.
    let dawdle = |address: SocketAddr, bytes: &'static [u8], seconds: u64, what: &'static str| {
        std::thread::spawn(move || {
            let mut sockets: Vec<TcpStream> = (0..each).map(|_| dial(address)).collect();
            let closed = closings(&mut sockets, |socket, round| {
                // Who is closed already is noticed by reading.
                let _ = socket.write(&[bytes[round % bytes.len()]]);
            });
            check_closed_at(&closed, seconds, what);
        })
    };
    let hello: &'static [u8] =
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let header: &'static [u8] =
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let dawdlers = [
        dawdle(daemon.irc(), b"NICK aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 3, "an IRC line"),
        dawdle(daemon.address("ircs"), hello, 2, "a TLS hello for IRC"),
        dawdle(daemon.address("https"), hello, 2, "a TLS hello for the page"),
        dawdle(daemon.address("http"), header, 2, "an HTTP header"),
    ];
    let frames = {
        let address = daemon.address("http");
        std::thread::spawn(move || {
            let mut sockets: Vec<TcpStream> = (0..each)
                .map(|_| {
                    let mut socket = dial(address);
                    let ask = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
                    socket.write_all(ask.as_bytes()).expect("asked");
                    let mut answer = Vec::new();
                    while !answer.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        socket.read_exact(&mut byte).expect("an answer");
                        answer.push(byte[0]);
                    }
                    assert!(answer.starts_with(b"HTTP/1.1 101 "));
                    socket
                })
                .collect();
            // A masked text frame of 100 bytes that never ends.
            let frame = b"\x81\xe4\0\0\0\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
            let closed = closings(&mut sockets, |socket, round| {
                let _ = socket.write(&[frame[round.min(frame.len() - 1)]]);
            });
            check_closed_at(&closed, 3, "a WebSocket frame");
        })
    };
    for dawdler in dawdlers {
        dawdler.join().expect("closed in time");
    }
    frames.join().expect("closed in time");
    let (slow, count) = probe.stop();
    assert!(slow <= LOGIN && count >= 20, "{count} logins, one in twenty took {slow:?}");
}

/// The time for registration runs from accept: a handshake that takes nearly all of its own does not add to it.
#[test]
fn a2_a_late_handshake_buys_no_time() {
    let daemon = Daemon::start("[limits]\nhandshake_seconds = 5\nregister_seconds = 5\n");
    let begun = Instant::now();
    let (over_tls, over_http) = (dial(daemon.address("ircs")), dial(daemon.address("http")));
    // The moment of the handshake is what this is about; nothing is waited for.
    std::thread::sleep(Duration::from_secs(4));
    let mut late = [
        Irc::over(Carrier::lines(Link::tls(over_tls))),
        Upgrade::default().over(Link::Plain(over_http)).expect("a WebSocket"),
    ];
    for irc in &mut late {
        irc.send("PING :there");
        irc.expect("PONG");
    }
    for mut irc in late {
        irc.until_closed();
        let took = begun.elapsed();
        assert!(took < Duration::from_millis(7_500), "closed {took:?} after accept, 5 s are allowed");
    }
}

/// Says `count` things one after the other, each when the last one has come back; how long that took each time.
fn talk(talker: &mut Irc, count: usize, text: &str) -> Vec<Duration> {
    let mut took: Vec<Duration> = (0..count)
        .map(|n| {
            let begun = Instant::now();
            talker.send(&format!("PRIVMSG #tea :{n} {text}"));
            talker.expect(&format!("#tea :{n} "));
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn p95(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() * 95 / 100]
}

#[test]
fn a3_those_who_stop_reading_are_closed_alone() {
    let _alone = support::alone();
    let daemon = Daemon::start(
        "[limits]\nsendq_bytes = 131_072\nsocket_send_buffer_bytes = 16_384\nstalled_seconds = 3\nregister_seconds = 60\n",
    );
    const MEMBERS: usize = 100;
    const STUCK: usize = 10;
    const LINES: usize = 1_500;
    let mut talker = Irc::register_with(daemon.irc(), "talker", "echo-message");
    talker.join("#tea");
    // However they are connected: the first ones, which will stop reading, include every kind.
    let connect = |number: usize| match number % 3 {
        0 => Irc::connect(daemon.irc()),
        1 => Irc::connect_tls(daemon.address("ircs")),
        _ => Upgrade::default().open(daemon.address("http")).expect("a WebSocket"),
    };
    let mut members: Vec<Irc> =
        (0..MEMBERS).map(|number| connect(number).registered(&format!("member{number}"))).collect();
    for member in &mut members {
        member.join("#tea");
    }
    for member in &mut members {
        member.drain();
    }
    talker.drain();
    // Nothing of theirs is read from here on.
    let stuck: Vec<Irc> = members.drain(..STUCK).collect();
    let reading: Vec<_> = members
        .into_iter()
        .map(|mut member| {
            std::thread::spawn(move || {
                let mut next = 0;
                let mut gone = 0;
                while next < LINES || gone < STUCK {
                    let line = member.line().unwrap_or_else(|| panic!("{} was closed at {next}", member.name));
                    if line.contains("PRIVMSG #tea :") {
                        assert!(
                            line.contains(&format!("#tea :{next} ")),
                            "{}: {line} came instead of {next}",
                            member.name
                        );
                        next += 1;
                    } else if line.contains(" QUIT ") {
                        assert!(line.contains("SendQ") || line.contains("Reading nothing"), "{line}");
                        gone += 1;
                    }
                }
                member
            })
        })
        .collect();
    let text = "x".repeat(400);
    let took = talk(&mut talker, LINES, &text);
    let reading: Vec<Irc> = reading
        .into_iter()
        .map(|member| member.join().expect("all was heard, and who stopped reading has gone"))
        .collect();
    println!("p95 {:?}, slowest {:?}", p95(&took), took[LINES - 1]);
    assert!(took[LINES - 1] <= Duration::from_secs(1), "someone waited {:?} for who reads nothing", took[LINES - 1]);
    assert_eq!(daemon.metric("parlor_connections"), (1 + reading.len()) as f64);
    drop(stuck);
}

/// Less than the outbox takes, and no progress: it is time that ends it.
#[test]
fn a3_who_takes_nothing_for_long_is_closed() {
    let daemon = Daemon::start("[limits]\nsocket_send_buffer_bytes = 16_384\nstalled_seconds = 2\n");
    let mut stuck = Irc::register(daemon.irc(), "stuck");
    let mut talker = Irc::register(daemon.irc(), "talker");
    for person in [&mut stuck, &mut talker] {
        person.join("#tea");
        person.drain();
    }
    // What both kernels hold is their affair: a megabyte would end it by the outbox, so less than that at a time.
    let text = "x".repeat(400);
    let begun = Instant::now();
    let quit = loop {
        for _ in 0..500 {
            talker.send(&format!("PRIVMSG #tea :{text}"));
        }
        if let Some(quit) = talker.drain().into_iter().find(|line| line.contains(" QUIT ")) {
            break quit;
        }
        assert!(begun.elapsed() < DEADLINE, "it is never closed");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert!(quit.starts_with(":stuck!"), "{quit}");
}

/// Seconds are seconds: what they bound ends within half of one.
#[test]
fn patience_ends_when_it_is_said_to() {
    let _alone = support::alone();
    let daemon = Daemon::start("[limits]\nregister_seconds = 2\nhandshake_seconds = 1\nping_seconds = 1\n");
    // The server begins to count somewhere between the two moments that are known here.
    let check = |what: &str, (not_before, not_after): (Instant, Instant), seconds: u64| {
        let (most, least) = (not_before.elapsed(), not_after.elapsed());
        // Whole milliseconds are counted, on its clock and on this one.
        assert!(most + Duration::from_millis(2) >= Duration::from_secs(seconds), "{what}: {seconds} s took {most:?}");
        assert!(least <= Duration::from_millis(seconds * 1_000 + 600), "{what}: {seconds} s took {least:?}");
    };
    let mut silent = Irc::register(daemon.irc(), "silent");
    let not_before = Instant::now();
    silent.drain();
    let heard = (not_before, Instant::now());
    loop {
        let line = silent.try_line_unanswered().expect("open").expect("a PING");
        if line.starts_with("PING") {
            break;
        }
    }
    check("a PING", heard, 1);
    let asked = Instant::now();
    while silent.try_line_unanswered().is_ok_and(|line| line.is_some()) {}
    check("a PING and no answer to it", (not_before, asked - Duration::from_secs(1)), 2);
    for (address, seconds, what) in [(daemon.irc(), 2, "registration"), (daemon.address("ircs"), 1, "a TLS hello")] {
        let not_before = Instant::now();
        let mut stream = dial(address);
        let connected = Instant::now();
        let mut said = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut said);
        check(what, (not_before, connected), seconds);
    }
}

#[test]
fn who_does_not_answer_is_closed_and_who_does_stays() {
    let daemon = Daemon::start("[limits]\nping_seconds = 1\n");
    let mut answers = Irc::register(daemon.irc(), "answers");
    let mut silent = Irc::register(daemon.irc(), "silent");
    for person in [&mut answers, &mut silent] {
        person.join("#tea");
    }
    // [`Irc`] answers by itself as it reads; the other one is not read.
    let quit = answers.expect(" QUIT ");
    assert!(quit.starts_with(":silent!") && quit.to_lowercase().contains("ping timeout"), "{quit}");
    answers.drain();
}

#[test]
fn a4_floods_are_throttled_and_the_room_goes_on() {
    let _alone = support::alone();
    // People come from 127.0.0.1 and are exempt; the flood comes from elsewhere.
    let flood =
        "[flood]\nexempt = [\"127.0.0.1\"]\nconnections_per_minute = 1_000\nlines_per_second = 4\nburst_lines = 40\n";
    let daemon = Daemon::start_with(&format!("{TEST_CONFIG}\n{flood}"));
    let mut talker = Irc::register_with(daemon.irc(), "talker", "echo-message");
    talker.join("#tea");
    let quiet = talk(&mut talker, 300, "before");
    const FLOODERS: usize = 50;
    const SECONDS: u64 = 3;
    let mut flooders: Vec<TcpStream> = (0..FLOODERS)
        .map(|number| {
            let stream = dial_from("127.0.0.2", daemon.irc());
            let mut irc =
                over_plain(stream.try_clone().expect("the same socket")).registered(&format!("flood{number}"));
            irc.join("#flood");
            stream.set_nonblocking(true).expect("non-blocking");
            stream
        })
        .collect();
    let mut watcher = Irc::register(daemon.irc(), "watcher");
    watcher.join("#flood");
    watcher.drain();
    let over = Arc::new(AtomicBool::new(false));
    let flooding = std::thread::spawn({
        let over = over.clone();
        move || {
            let lines = "PRIVMSG #flood :buy this\r\n".repeat(500);
            let (mut written, mut discarded) = (0, [0; 65_536]);
            while !over.load(Ordering::Relaxed) {
                for socket in &mut flooders {
                    written += socket.write(lines.as_bytes()).unwrap_or(0);
                    let _ = socket.read(&mut discarded);
                }
                // The flood is as fast as the kernel takes it; without a pause it would be the test that takes the core.
                std::thread::sleep(Duration::from_millis(5));
            }
            written
        }
    });
    let (begun, used) = (Instant::now(), daemon.cpu_seconds());
    let mut busy = Vec::new();
    while begun.elapsed() < Duration::from_secs(SECONDS) {
        busy.extend(talk(&mut talker, 50, "during"));
    }
    let cores = (daemon.cpu_seconds() - used) / begun.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    let written = flooding.join().expect("the flood");
    let heard = watcher.drain().iter().filter(|line| line.contains("PRIVMSG #flood")).count();
    busy.sort_unstable();
    println!(
        "p95 before {:?}, during {:?}; {} KiB of flood written, {heard} lines heard; {cores:.2} cores",
        p95(&quiet),
        p95(&busy),
        written / 1024
    );
    // Each has its burst and then its rate.
    let most = FLOODERS * (40 + 4 * (SECONDS as usize + 2));
    assert!(heard > FLOODERS && heard <= most, "{heard} lines of the flood came through, at most {most} may");
    assert!(cores <= 1.0, "the flood costs {cores:.2} cores");
    // Twice as before, and a flush that is shared with the flood's. By the median: what else the machine has to do shows in
    // the slowest ones first, and a room that waits for the flood shows in all.
    let (before, during) = (median(&quiet), median(&busy));
    assert!(during <= before * 2 + Duration::from_millis(5), "the room slows down from {before:?} to {during:?}");
    assert!(p95(&busy) <= Duration::from_millis(500), "some wait {:?}", p95(&busy));
}

/// The program with a limit on open files that a few connections reach: so many, and those of its shards.
fn with_few_files(files: u64) -> Daemon {
    let files = files + 4 * std::thread::available_parallelism().map_or(1, usize::from).min(64) as u64;
    let config = format!(
        "{TEST_CONFIG}\n[flood]\nexempt = [\"127.0.0.9\"]\nconnections_per_minute = 100_000\n[limits]\nconnections_per_address = 100_000\n"
    );
    Daemon::start_limited(&config, files)
}

#[test]
fn a8_the_limit_on_open_files_is_met_with_grace() {
    let _alone = support::alone();
    const FILES: u64 = 256;
    let daemon = with_few_files(FILES);
    // More than there is room for: those who got in, and those who wait or were turned away with a sentence.
    let mut inside = Vec::new();
    let refusal = loop {
        let mut irc = Irc::connect(daemon.irc());
        let name = format!("guest{}", inside.len());
        // Whoever is turned away before she says anything has her answer all the same.
        let sent = irc.try_send(&format!("NICK {name}\r\nUSER {name} 0 * :{name}"));
        match irc.try_line() {
            Ok(Some(line)) if line.starts_with("ERROR ") => break line,
            Ok(Some(_)) => inside.push(irc),
            nothing => panic!("no word for guest{}: {nothing:?}, sent: {sent:?}", inside.len()),
        }
        assert!(inside.len() < FILES as usize, "there is no limit");
    };
    println!("{} got in; the next was told {refusal:?}", inside.len());
    assert!(inside.len() >= 100, "only {} got in", inside.len());
    assert!(refusal.contains("full"), "{refusal}");
    // Many more wait at the door: no busy loop.
    let crowd: Vec<TcpStream> = (0..200).map(|_| dial(daemon.irc())).collect();
    let used = daemon.cpu_seconds();
    std::thread::sleep(Duration::from_secs(2));
    let share = (daemon.cpu_seconds() - used) / 2.0;
    println!("waiting costs {:.1} % of a core", share * 100.0);
    assert!(share <= 0.05, "{:.1} % of a core for those who wait", share * 100.0);
    drop(crowd);
    // An operator still gets in, from an address that the configuration names; so does the command line, and the page.
    let operator = over_plain(dial_from("127.0.0.9", daemon.irc())).registered("operator");
    let listed = Command::new(env!("CARGO_BIN_EXE_chat_server"))
        .args(["account", "list", "--data"])
        .arg(daemon.data())
        .output()
        .expect("the command line");
    assert!(listed.status.success(), "{listed:?}");
    // Those inside are served.
    inside[0].send("PING :inside");
    inside[0].expect("PONG parlor.test :inside");
    // A place that becomes free is taken within a second.
    inside.truncate(inside.len() - 5);
    let freed = Instant::now();
    loop {
        let mut irc = Irc::connect(daemon.irc());
        let sent = irc.try_send("NICK late\r\nUSER late 0 * :late");
        if sent.is_ok() && irc.try_line().is_ok_and(|line| line.is_some_and(|line| !line.starts_with("ERROR "))) {
            break;
        }
        assert!(freed.elapsed() <= Duration::from_secs(1), "nobody gets in a second after a place became free");
    }
    drop(operator);
}

/// A limit that leaves hardly anything: a few people are served rather than nobody.
#[test]
fn a8_few_open_files_are_for_people() {
    let daemon = with_few_files(88);
    let mut inside: Vec<Irc> =
        (0..28).map(|number| Irc::connect(daemon.irc()).registered(&format!("guest{number}"))).collect();
    // The kept places are still there, and so are files for the command line.
    let mut operator = over_plain(dial_from("127.0.0.9", daemon.irc())).registered("operator");
    operator.join("#tea");
    inside[0].join("#tea");
    let backup = Command::new(env!("CARGO_BIN_EXE_chat_server"))
        .args(["backup", "--data"])
        .arg(daemon.data())
        .arg(daemon.data().join("copy.db"))
        .output()
        .expect("the command line");
    assert!(backup.status.success(), "{backup:?}");
}

#[test]
fn a8_very_few_open_files_serve_a_few() {
    let daemon = with_few_files(56);
    let mut alice = Irc::connect_tls(daemon.address("ircs")).registered("alice");
    let mut operator = over_plain(dial_from("127.0.0.9", daemon.irc())).registered("operator");
    for person in [&mut alice, &mut operator] {
        person.join("#tea");
    }
    operator.send("PRIVMSG #tea :enough for two");
    alice.expect("PRIVMSG #tea :enough for two");
}

/// The same by way of the page: its connections are no less bounded, and WebSockets count as connections.
#[test]
fn a8_the_page_cannot_take_all_files() {
    let _alone = support::alone();
    let daemon = with_few_files(256);
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..300 {
        let mut socket = dial(daemon.address("http"));
        // Half a request each.
        if socket.write_all(b"GET / HTTP/1.1\r\nHost: ").is_ok() {
            open.push(socket);
        }
    }
    let used = daemon.cpu_seconds();
    std::thread::sleep(Duration::from_secs(1));
    let share = daemon.cpu_seconds() - used;
    assert!(share <= 0.05, "{:.1} % of a core for half requests", share * 100.0);
    let mut operator = over_plain(dial_from("127.0.0.9", daemon.irc())).registered("operator");
    operator.join("#tea");
    open.clear();
    let begun = Instant::now();
    let browser = loop {
        let attempt = Upgrade::default().open(daemon.address("http"));
        if let Ok(browser) = attempt {
            break browser;
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "no WebSocket a while after the page has room again");
    };
    let mut browser = browser.registered("browser");
    browser.join("#tea");
    operator.expect(":browser!");
}
