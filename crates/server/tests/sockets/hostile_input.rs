//! Bytes that no honest client sends: A5 to A7 of the reliability plan and its bug classes T4, T6, T10 and T11, over real
//! sockets. The rules themselves are tested where they stand; here it is that the whole holds.

use crate::support::{self, DEADLINE, Daemon, Irc, Link, dial};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Writes all, as far as the server takes it, and gives everything that it says until it closes.
fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = dial(address);
    // Whoever is closed in the middle has its answer all the same.
    let _ = stream.write_all(bytes);
    read_to_end(&mut stream)
}

fn read_to_end(stream: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => {}
        Err(error) => panic!("neither an answer nor an end: {error}; so far {:?}", String::from_utf8_lossy(&all)),
    }
    all
}

#[test]
fn t11_http_and_tls_on_a_plain_port_end_at_once() {
    let daemon = Daemon::start("");
    let post = b"POST / HTTP/1.1\r\nHost: parlor.test\r\nContent-Type: text/plain\r\n\r\nNICK evil\r\nUSER evil 0 * :evil\r\nJOIN #tea\r\n";
    for verb in ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE"] {
        let request = String::from_utf8_lossy(post).replacen("POST", verb, 1);
        let begun = Instant::now();
        let answer = exchange(daemon.irc(), request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        assert!(begun.elapsed() < Duration::from_secs(1), "{verb} was listened to for {:?}", begun.elapsed());
        assert!(!answer.contains("evil") && !answer.contains(" 001 "), "{verb}: {answer}");
    }
    let begun = Instant::now();
    let hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 500]].concat();
    let answer = exchange(daemon.irc(), &hello);
    assert!(answer.is_empty(), "{:?}", String::from_utf8_lossy(&answer));
    assert!(begun.elapsed() < Duration::from_secs(1), "a TLS hello was listened to for {:?}", begun.elapsed());
    // A verb after registration is only an unknown command.
    let mut alice = Irc::register(daemon.irc(), "alice");
    alice.send("GET / HTTP/1.1");
    alice.expect(" 421 ");
}

#[test]
fn a5_what_is_too_long_is_refused_and_takes_no_memory() {
    let daemon = Daemon::start("[limits]\nregister_seconds = 60\n");
    let mut alice = Irc::register_with(daemon.irc(), "alice", "message-tags echo-message");
    alice.join("#tea");
    // 512 bytes with the line's end are a line, 513 are not.
    let line = |length: usize| format!("{:x<1$}", "PRIVMSG #tea :", length - 2);
    let room_for_all = |line: &str, irc: &mut Irc| {
        irc.send(line);
        irc.send("PING :next");
        irc.expect_any(&[" 417 ", "PONG"])
    };
    assert!(room_for_all(&line(513), &mut alice).contains(" 417 "));
    alice.expect("PONG");
    // Tags: 4,094 bytes of a client are taken, one more is not.
    let tagged = |length: usize| format!("@{:a<1$} PRIVMSG #tea :tagged", "+x=", length);
    alice.send(&tagged(4_094));
    alice.expect("PRIVMSG #tea :tagged");
    alice.send(&tagged(4_095));
    alice.expect(" 417 ");
    alice.send(&format!("@{:a<8191} PRIVMSG #tea :tagged", "+x="));
    alice.expect(" 417 ");

    // What the receive queue holds is refused, and the line after is heard; what it does not hold ends the connection.
    let mut carol = Irc::register(daemon.irc(), "carol");
    carol.send(&format!("PRIVMSG #tea :{}", "x".repeat(16_000)));
    carol.expect(" 417 ");
    carol.send("PING :next");
    carol.expect("PONG");
    carol.send(&format!("PRIVMSG #tea :{}", "x".repeat(16_384)));
    carol.expect("ERROR :Closing link: (A line of more than 16384 bytes)");

    // Ten mebibytes without an end, before and after registration: nothing is kept of it.
    let before = daemon.resident_kib();
    let mut crowd: Vec<TcpStream> = (0..8).map(|_| dial(daemon.irc())).collect();
    let mebibyte = vec![b'x'; 1 << 20];
    for _ in 0..10 {
        for stranger in &mut crowd {
            // Those who are closed for it are as well treated.
            let _ = stranger.write_all(&mebibyte);
        }
    }
    let mut bob = Irc::register(daemon.irc(), "bob");
    bob.send_bytes(&vec![b'x'; 17_000]);
    bob.expect("ERROR :Closing link: (A line of more than 16384 bytes)");
    let grown = daemon.resident_kib().saturating_sub(before);
    assert!(grown < 4 * 1024, "{grown} KiB are kept of lines without an end");
    alice.send("PRIVMSG #tea :still here");
    alice.expect("PRIVMSG #tea :still here");
}

/// What a WebSocket that was opened by hand is answered: the code of the close frame.
fn websocket_close(address: SocketAddr, frames: &[u8]) -> u16 {
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
    // Closed in the middle is what is wanted.
    let _ = socket.write_all(frames);
    let said = read_to_end(&mut socket);
    let at = said
        .windows(2)
        .position(|pair| pair[0] == 0x88 && pair[1] >= 2)
        .unwrap_or_else(|| panic!("no close: {said:?}"));
    u16::from_be_bytes([said[at + 2], said[at + 3]])
}

#[test]
fn a5_oversized_websocket_frames_and_http_headers_are_refused() {
    let daemon = Daemon::start("");
    let address = daemon.address("http");
    // A length of 2^63, which RFC 6455 section 5.2 forbids as such, and one of 2^40.
    assert_eq!(websocket_close(address, b"\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0"), 1002);
    assert_eq!(websocket_close(address, b"\x81\xff\0\0\x01\0\0\0\0\0\0\0\0\0"), 1009);
    // Fragments without an end.
    let mut fragments = vec![0x01, 0x80 | 100, 0, 0, 0, 0];
    fragments.extend([b'x'; 100]);
    for _ in 0..1_000 {
        fragments.extend([0x00, 0x80 | 100, 0, 0, 0, 0]);
        fragments.extend([b'x'; 100]);
    }
    assert_eq!(websocket_close(address, &fragments), 1009);
    // A frame without a mask, a reserved bit, an unknown kind, text that is no UTF-8.
    assert_eq!(websocket_close(address, b"\x81\x02hi"), 1002);
    assert_eq!(websocket_close(address, b"\xc1\x80\0\0\0\0"), 1002);
    assert_eq!(websocket_close(address, b"\x83\x80\0\0\0\0"), 1002);
    assert_eq!(websocket_close(address, b"\x81\x82\0\0\0\0\xff\xfe"), 1007);
    // 64 KiB of one header, and of many.
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", "a".repeat(65_536));
    assert!(exchange(address, long.as_bytes()).starts_with(b"HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "a: b\r\n".repeat(10_000));
    assert!(exchange(address, many.as_bytes()).starts_with(b"HTTP/1.1 431 "));
    // A body, which nothing takes, and its smuggled request.
    let body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let answer = exchange(address, body);
    assert_eq!(String::from_utf8_lossy(&answer).matches("HTTP/1.1 ").count(), 1, "two answers to one request");
    assert!(daemon.fetch("/healthz").starts_with("HTTP/1.1 200 "));
}

/// T10: whatever comes in, no line goes out that holds CR, LF or NUL, or that is no UTF-8. [`Irc`] reads every line of the
/// watcher and of the sender and insists on it.
#[test]
fn a6_t10_bytes_of_all_kinds_never_break_a_line() {
    let daemon = Daemon::start("");
    let mut watcher = Irc::register_with(daemon.irc(), "watcher", "message-tags");
    watcher.join("#tea");
    let piece = prop_oneof![
        Just(b"\r".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        // Overlong, a surrogate, beyond the last character, cut short.
        Just(b"\xc0\xaf".to_vec()),
        Just(b"\xed\xa0\x80".to_vec()),
        Just(b"\xf4\x90\x80\x80".to_vec()),
        Just(b"\xe2\x82".to_vec()),
        Just("\u{202e}\u{2066}\u{200b}\u{feff}".as_bytes().to_vec()),
        Just(b"\x01ACTION \x02\x03".to_vec()),
        Just(b":".to_vec()),
        Just(b" ".to_vec()),
        Just(b"@+a=\\:\\s\\r\\n ".to_vec()),
        Just(b"#tea".to_vec()),
        Just(b"watcher".to_vec()),
        proptest::collection::vec(any::<u8>().prop_filter("ends a line", |byte| *byte != b'\n'), 0..40),
        "[a-z]{0,12}".prop_map(String::into_bytes),
    ];
    let verb = prop::sample::select(vec![
        "PRIVMSG #tea :",
        "PRIVMSG watcher :",
        "NOTICE #tea :",
        "TOPIC #tea :",
        "NICK ",
        "SETNAME :",
        "AWAY :",
        "PART #tea :",
        "JOIN #tea",
        "KICK #tea watcher :",
        "MODE #tea +b ",
        "MODE #tea +k ",
        "INVITE watcher ",
        "KNOCK #",
        "WHOIS ",
        "WHO ",
        "LIST ",
        "MONITOR + ",
        "CAP REQ :",
        "CAP LS ",
        "AUTHENTICATE ",
        "TAGMSG #tea ",
        "USERHOST ",
        "PING ",
        "HELP ",
        "",
        "@",
        "@label=",
        "@+draft/reply=x PRIVMSG #tea :",
        "USER a b c :",
        "OPER a ",
        "PASS ",
        "REGISTER * * ",
        "WEBIRC a b c ",
    ]);
    let line = (verb, proptest::collection::vec(piece, 0..8)).prop_map(|(verb, pieces)| {
        let mut line = verb.as_bytes().to_vec();
        line.extend(pieces.concat());
        line.extend_from_slice(b"\r\n");
        line
    });
    let mut runner = TestRunner::new(Config::default());
    let mut next = || line.new_tree(&mut runner).expect("a line").current();
    let mut batches = 0;
    for round in 0..9 {
        // Two in three rounds speak as somebody, one before registration.
        let mut sender = Irc::connect(daemon.irc());
        if round % 3 > 0 {
            sender =
                sender.registered_with(&format!("sender{round}"), "message-tags echo-message batch labeled-response");
            sender.join("#tea");
        }
        for _ in 0..25 {
            let lines: Vec<u8> = (0..20).flat_map(|_| next()).collect();
            if sender.try_send_bytes(&lines).is_err() {
                break;
            }
            // Everything is read and looked at; who was closed for good reason comes back in the next round.
            if sender.try_drain().is_none() {
                break;
            }
            batches += 1;
        }
        // Whoever was put out comes in again.
        watcher.send("JOIN #tea");
        watcher.drain();
    }
    println!("{batches} batches of twenty lines");
    assert!(batches >= 60, "only {batches} batches of lines were listened to");
}

#[test]
fn a6_what_is_no_utf8_is_refused_by_name() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", "echo-message standard-replies");
    alice.join("#tea");
    alice.send_bytes(b"PRIVMSG #tea :caf\xe9\r\n");
    alice.expect("FAIL PRIVMSG INVALID_UTF8");
    alice.send("PRIVMSG #tea :café");
    alice.expect("PRIVMSG #tea :café");
}

/// T6: texts are texts, whatever a formatter would make of them.
#[test]
fn t6_format_characters_come_back_as_they_are() {
    let daemon = Daemon::start("");
    const TEXT: &str = "%s%n%d {} {0} {:?} $(id) ${x} \\x41 %00 <b>&amp;";
    let mut alice = Irc::connect(daemon.irc());
    alice.send("NICK alice");
    alice.send(&format!("USER alice 0 * :{TEXT}"));
    alice.greeted("alice");
    let mut bob = Irc::register(daemon.irc(), "bob");
    for person in [&mut alice, &mut bob] {
        person.join("#tea");
    }
    alice.expect(":bob!");
    let both_see = |line: &str, part: &str, alice: &mut Irc, bob: &mut Irc| {
        alice.send(line);
        let seen = bob.expect(part);
        assert!(seen.ends_with(TEXT), "{line}: {seen}");
    };
    both_see(&format!("PRIVMSG #tea :{TEXT}"), "PRIVMSG #tea", &mut alice, &mut bob);
    both_see(&format!("NOTICE bob :{TEXT}"), "NOTICE bob", &mut alice, &mut bob);
    both_see(&format!("TOPIC #tea :{TEXT}"), "TOPIC #tea", &mut alice, &mut bob);
    both_see(&format!("PART #tea :{TEXT}"), "PART #tea", &mut alice, &mut bob);
    alice.join("#tea");
    alice.send(&format!("AWAY :{TEXT}"));
    alice.expect(" 306 ");
    bob.send("PRIVMSG alice :hello");
    assert!(bob.expect(" 301 ").ends_with(TEXT));
    bob.send("WHOIS alice");
    assert!(bob.expect(" 311 ").ends_with(TEXT));
    bob.expect(" 318 ");
    bob.send("TOPIC #tea");
    assert!(bob.expect(" 332 ").ends_with(TEXT));
    both_see(&format!("QUIT :{TEXT}"), "QUIT :", &mut alice, &mut bob);
    // And in what the server makes of them itself.
    bob.send("%s%n{}");
    bob.expect(" 421 ");
}

/// T4: gone in the middle of the greeting, and of everything after it.
#[test]
fn t4_connections_that_are_reset_while_they_are_written_to_leave_no_trace() {
    let daemon = Daemon::start("");
    let mut watcher = Irc::register(daemon.irc(), "watcher");
    watcher.join("#tea");
    for many in 0..50 {
        let mut irc = Irc::connect(daemon.irc());
        // So that closing resets, whatever is unread or on its way.
        socket2::SockRef::from(irc.stream()).set_linger(Some(Duration::ZERO)).expect("linger");
        irc.send(&format!(
            "NICK brief{many}\r\nUSER brief 0 * :brief\r\nJOIN #tea\r\nNAMES #tea\r\nLIST\r\nWHO #tea{}",
            "\r\nVERSION".repeat(20)
        ));
        for _ in 0..many {
            if irc.line().is_none() {
                break;
            }
        }
    }
    // Each one's end is known when the last one's is; the server has done with all.
    let begun = Instant::now();
    loop {
        watcher.send("NAMES #tea");
        let names = watcher.expect(" 353 ");
        watcher.expect(" 366 ");
        if !names.contains("brief") {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "still there: {names}");
    }
    while daemon.metric("parlor_connections") > 1.0 {
        assert!(begun.elapsed() < DEADLINE, "connections are counted that are gone");
    }
    watcher.send("PRIVMSG #tea :all well");
    watcher.drain();
}

/// T8, A7: handshakes that are none, and every protocol at every other one's door.
#[test]
fn a7_garbage_at_every_door_costs_little_and_is_not_shouted_about() {
    let _alone = support::alone();
    let page = "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\ntls = true\n";
    let daemon = Daemon::start(page);
    let doors = [daemon.irc(), daemon.address("ircs"), daemon.address("http"), daemon.address("https")];
    let garbage: Vec<Vec<u8>> = vec![
        b"NICK a\r\nUSER a 0 * :a\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00".to_vec(),
        b"\x16\x03\x03\xff\xff".to_vec(),
        b"\x80\x2e\x01\x00\x02".to_vec(),
        b"\x15\x03\x03\x00\x02\x02\x28".to_vec(),
        b"\x17\x03\x03\x00\x10aaaaaaaaaaaaaaaa".to_vec(),
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        vec![0; 600],
        vec![0xff; 600],
        (0..=255).collect(),
    ];
    let (begun, used) = (Instant::now(), daemon.cpu_seconds());
    // 10,000 a minute for some seconds, as the plan has it, at an even pace.
    const COUNT: u32 = 700;
    for n in 0..COUNT {
        let mut stream = dial(doors[n as usize % doors.len()]);
        stream.write_all(&garbage[n as usize / doors.len() % garbage.len()]).expect("written");
        if n % 3 == 0 {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("linger");
        }
        let due = begun + Duration::from_millis(6) * (n + 1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let share = (daemon.cpu_seconds() - used) / begun.elapsed().as_secs_f64();
    println!("{:.1} % of a core for {COUNT} in {:?}", share * 100.0, begun.elapsed());
    assert!(share <= 0.2, "{:.1} % of a core", share * 100.0);
    let seconds = begun.elapsed().as_secs() as usize + 1;
    let lines: Vec<String> = daemon.output.try_iter().collect();
    assert!(lines.len() <= seconds, "{} lines of log in {seconds} s: {lines:#?}", lines.len());
    // All doors are open for those who knock properly.
    Irc::register(daemon.irc(), "alice").join("#tea");
    Irc::connect_tls(daemon.address("ircs")).registered("bob").join("#tea");
    support::Upgrade::default()
        .over(Link::tls(dial(daemon.address("https"))))
        .expect("a WebSocket")
        .registered("carol")
        .join("#tea");
}
