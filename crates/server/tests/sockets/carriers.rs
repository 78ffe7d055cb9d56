//! Every way to talk: plain TCP, TLS and WebSocket carry the same conversation.

use crate::support::{Carrier, DEADLINE, Daemon, Irc, Link, Person, Upgrade, dial, tag};
use std::io::{Read, Write};
use std::time::Instant;

/// [`crate::support::TEST_CONFIG`] has no page over TLS.
const PAGE_OVER_TLS: &str = "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\ntls = true\n";

/// Each says something to a room that all are in; all the others hear it once, in one order.
fn talk_together(people: &mut [Irc]) {
    for person in people.iter_mut() {
        person.join("#tea");
    }
    for person in people.iter_mut() {
        person.drain();
    }
    let names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    for speaker in 0..people.len() {
        people[speaker].send(&format!("PRIVMSG #tea :{} pours a cup ☕", names[speaker]));
        let said = format!("PRIVMSG #tea :{} pours a cup ☕", names[speaker]);
        for (listener, person) in people.iter_mut().enumerate() {
            if listener != speaker {
                let line = person.expect(&said);
                assert!(line.starts_with(&format!(":{}!", names[speaker])), "{line}");
            }
        }
    }
    for person in people.iter_mut() {
        let more = person.drain();
        assert!(!more.iter().any(|line| line.contains("PRIVMSG")), "{}: {more:?}", person.name);
    }
}

#[test]
fn plain_tls_and_websocket_clients_share_a_room() {
    let daemon = Daemon::start(PAGE_OVER_TLS);
    let web = |subprotocol| Upgrade { path: "/ws", subprotocol, ..Upgrade::default() };
    let mut people = vec![
        Irc::register(daemon.irc(), "plain"),
        Irc::connect_tls(daemon.address("ircs")).registered("tls"),
        web(Some("text.ircv3.net")).open(daemon.address("http")).expect("a WebSocket").registered("text"),
        web(Some("binary.ircv3.net")).open(daemon.address("http")).expect("a WebSocket").registered("binary"),
        Upgrade::default()
            .over(Link::tls(dial(daemon.address("https"))))
            .expect("a WebSocket over TLS")
            .registered("both"),
    ];
    talk_together(&mut people);
    let (status, _folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    for person in &mut people {
        let last = person.until_closed().expect("a last line");
        assert!(last.starts_with("ERROR "), "{}: {last}", person.name);
    }
}

#[test]
fn long_talk_over_tls_and_websocket_comes_whole_and_in_order() {
    let daemon = Daemon::start(PAGE_OVER_TLS);
    let mut speaker = Irc::connect_tls(daemon.address("ircs")).registered_with("speaker", "echo-message");
    let mut tls = Irc::connect_tls(daemon.address("ircs")).registered("listener");
    let mut web =
        Upgrade::default().over(Link::tls(dial(daemon.address("https")))).expect("a WebSocket").registered("browser");
    for person in [&mut speaker, &mut tls, &mut web] {
        person.join("#tea");
    }
    for person in [&mut speaker, &mut tls, &mut web] {
        person.drain();
    }
    // More than the kernel's buffers and one TLS record take, so that both directions have to wait for each other.
    const LINES: usize = 8_000;
    let filling = "x".repeat(400);
    let reading = [tls, web].map(|mut listener| {
        std::thread::spawn(move || {
            for n in 0..LINES {
                let line = listener.line().unwrap_or_else(|| panic!("{}: closed before {n}", listener.name));
                assert!(line.contains(&format!("#tea :{n} ")), "{}: {line} came instead of {n}", listener.name);
            }
        })
    });
    // A window of lines that have not come back, as a bulk sender keeps one.
    let mut confirmed = 0;
    for n in 0..LINES {
        speaker.send(&format!("PRIVMSG #tea :{n} {filling}"));
        if n - confirmed >= 64 {
            speaker.expect(&format!("#tea :{confirmed} "));
            confirmed += 1;
        }
    }
    for n in confirmed..LINES {
        speaker.expect(&format!("#tea :{n} "));
    }
    for listener in reading {
        listener.join().expect("all lines came");
    }
}

/// The lines are in the same flight as the client's last handshake message, so the server reads both at once.
#[test]
fn lines_that_come_with_the_end_of_the_handshake_are_heard() {
    let daemon = Daemon::start("");
    for round in 0..20 {
        let name = format!("hasty{round}");
        let early = format!("NICK {name}\r\nUSER {name} 0 * :{name}\r\n");
        let link = Link::tls_with(dial(daemon.address("ircs")), early.as_bytes());
        Irc::over(Carrier::lines(link)).greeted(&name);
    }
}

#[test]
fn a_websocket_says_what_it_is_and_shows_the_tags_that_were_asked_for() {
    let daemon = Daemon::start("");
    let mut browser = Upgrade::default()
        .open(daemon.address("http"))
        .expect("a WebSocket")
        .registered_with("browser", "message-tags server-time batch echo-message labeled-response");
    browser.join("#tea");
    browser.send("@label=7;+draft/react=tea PRIVMSG #tea :hello");
    let echo = browser.expect("PRIVMSG #tea :hello");
    assert_eq!(tag(&echo, "label"), Some("7"), "{echo}");
    assert!(tag(&echo, "msgid").is_some() && tag(&echo, "time").is_some(), "{echo}");
    assert_eq!(tag(&echo, "+draft/react"), Some("tea"), "{echo}");
    browser.send("QUIT :enough");
    assert!(browser.until_closed().is_some_and(|last| last.contains(" ERROR :")));
}

/// The lesson's room with one of each: our own client, a bare socket as netcat has it, an ordinary IRC client over TLS that
/// says on the wire what irssi and WeeChat say, and a browser's WebSocket.
#[test]
fn four_ways_to_talk_share_a_room() {
    let daemon = Daemon::start("");
    let at = format!("alice@{}", daemon.irc());
    let mut alice = Person::start(&daemon, &["--guest", "--plain", "--json", &at, "#lobby"]);
    alice.sees("\"alice\"");

    let mut netcat = Irc::connect(daemon.irc());
    netcat.send("NICK nora");
    netcat.send("USER nora 0 * :Nora");
    netcat.greeted("nora");
    netcat.send("JOIN #lobby");
    netcat.expect(" 366 ");
    alice.sees("\"nora\"");

    let mut ordinary = Irc::connect_tls(daemon.address("ircs"));
    ordinary.send("CAP LS 302");
    ordinary.send("JOIN :");
    ordinary.expect(" CAP * LS ");
    ordinary.send("CAP REQ :multi-prefix extended-join account-notify away-notify server-time message-tags");
    ordinary.expect(" ACK ");
    ordinary.send("CAP END");
    ordinary.send("NICK otto");
    ordinary.send("USER otto localhost parlor.test :Otto");
    ordinary.greeted("otto");
    ordinary.send("MODE otto +i");
    ordinary.send("JOIN #lobby");
    ordinary.expect(" 366 ");
    for question in ["MODE #lobby", "MODE #lobby b", "WHO #lobby %tcuhnfdar,743"] {
        ordinary.send(question);
    }
    ordinary.expect(" 324 ");
    ordinary.expect(" 368 ");
    ordinary.expect(" 315 ");

    let mut browser = Upgrade::default().open(daemon.address("http")).expect("a WebSocket").registered("bea");
    browser.join("#lobby");
    for name in ["otto", "bea"] {
        alice.sees(&format!("\"{name}\""));
        netcat.expect(&format!(":{name}!"));
    }
    ordinary.expect(":bea!");

    alice.says("hello from our own client");
    for other in [&mut netcat, &mut ordinary, &mut browser] {
        other.expect("PRIVMSG #lobby :hello from our own client");
    }
    netcat.send("PRIVMSG #lobby :hello from a bare socket");
    ordinary.send("PRIVMSG #lobby :hello over TLS");
    browser.send("PRIVMSG #lobby :hello from a page");
    alice.sees_all(&["hello from a bare socket", "hello over TLS", "hello from a page"]);
    netcat.expect_all(&["hello over TLS", "hello from a page"]);
    ordinary.expect_all(&["hello from a bare socket", "hello from a page"]);
    browser.expect_all(&["hello from a bare socket", "hello over TLS"]);

    assert_eq!(alice.leaves(), Some(0));
    for other in [&mut netcat, &mut ordinary, &mut browser] {
        other.expect(":alice!");
    }
    ordinary.send("QUIT :bye");
    assert!(ordinary.until_closed().is_some_and(|last| last.contains("ERROR :")));
    netcat.expect(":otto!");
    browser.expect(":otto!");
}

/// Someone who pastes a lot before she reads the answers: her own words are still read while ours wait for her.
#[test]
fn what_is_said_while_answers_wait_is_heard() {
    let daemon = Daemon::start(&format!("{PAGE_OVER_TLS}[limits]\nsocket_send_buffer_bytes = 16_384\n"));
    // Kernels on both sides hold little of it, and the outbox all.
    let narrow = |address| {
        let stream = dial(address);
        socket2::SockRef::from(&stream).set_recv_buffer_size(65_536).expect("a small buffer");
        stream
    };
    let people = [
        Irc::over(Carrier::lines(Link::Plain(narrow(daemon.irc())))).registered("plain"),
        Irc::over(Carrier::lines(Link::tls(narrow(daemon.address("ircs"))))).registered("tls"),
        Upgrade::default().over(Link::Plain(narrow(daemon.address("http")))).expect("a WebSocket").registered("web"),
        Upgrade::default().over(Link::tls(narrow(daemon.address("https")))).expect("a WebSocket").registered("webtls"),
    ];
    // Few bytes that are answered with many: what she sends is through before the answers wait. Where both directions are
    // full, a kernel drops the other's acknowledgements with the data that it has no room for, and for seconds nothing moves.
    const QUESTIONS: usize = 600;
    const LINES: usize = 50;
    for mut person in people {
        person.send(&vec!["HELP"; QUESTIONS].join("\r\n"));
        let begun = Instant::now();
        while daemon.metric("parlor_outbox_bytes") == 0.0 {
            assert!(begun.elapsed() < DEADLINE, "{}: no answer has to wait", person.name);
        }
        let before = daemon.metric("parlor_lines_received_total");
        let rest: Vec<String> = (0..LINES).map(|n| format!("PING :{n} last")).collect();
        person.send(&rest.join("\r\n"));
        while daemon.metric("parlor_lines_received_total") < before + LINES as f64 {
            assert!(begun.elapsed() < DEADLINE, "{}: some lines are not read while answers wait", person.name);
        }
        for n in 0..QUESTIONS {
            while !person
                .line()
                .unwrap_or_else(|| panic!("{}: closed before answer {n}", person.name))
                .contains(" 706 ")
            {}
        }
        for n in 0..LINES {
            let line = person.line().unwrap_or_else(|| panic!("{}: closed before PONG {n}", person.name));
            assert!(line.ends_with(&format!(":{n} last")), "{}: {line} came instead of {n}", person.name);
        }
    }
}

/// `printf 'NICK …' | nc -N`: says everything, hangs up its half, and listens.
#[test]
fn what_was_said_before_hanging_up_is_heard_and_answered() {
    let daemon = Daemon::start("");
    let mut watcher = Irc::register(daemon.irc(), "watcher");
    watcher.join("#tea");
    for (name, farewell, is_at_once) in
        [("polite", "QUIT :done\r\n", false), ("brief", "", false), ("sudden", "", true), ("swift", "QUIT\r\n", true)]
    {
        let mut piped = Irc::connect(daemon.irc());
        if is_at_once {
            // All of it and its end are there before the server looks.
            piped.send("PING :accepted");
            piped.expect("PONG");
            daemon.signal("STOP");
        }
        let all =
            format!("NICK {name}\r\nUSER {name} 0 * :{name}\r\nJOIN #tea\r\nPRIVMSG #tea :last words\r\n{farewell}");
        piped.send_bytes(all.as_bytes());
        piped.stream().shutdown(std::net::Shutdown::Write).expect("hung up");
        if is_at_once {
            daemon.signal("CONT");
        }
        let heard = watcher.expect("PRIVMSG #tea :last words");
        assert!(heard.starts_with(&format!(":{name}!")), "{heard}");
        watcher.expect(" QUIT ");
        let mut answers = Vec::new();
        while let Some(line) = piped.line() {
            answers.push(line);
        }
        for part in [" 001 ", " 366 "] {
            assert!(answers.iter().any(|line| line.contains(part)), "{name}: {part} did not come: {answers:#?}");
        }
        let last = answers.last().map(String::as_str).unwrap_or_default();
        assert!(farewell.is_empty() || last.starts_with("ERROR :"), "{name}: {last}");
    }
}

#[test]
fn a_websocket_may_be_cut_into_frames_and_pinged_and_is_closed_in_form() {
    let daemon = Daemon::start("");
    let mut watcher = Irc::register(daemon.irc(), "watcher");
    watcher.join("#tea");
    let mut socket = dial(daemon.address("http"));
    let ask = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // The mask is zero, so what stands here is what goes over the wire. The first message comes with the request.
    let frame = |head: u8, text: &str| [&[head, 0x80 | text.len() as u8, 0, 0, 0, 0][..], text.as_bytes()].concat();
    let all = [
        ask.as_bytes().to_vec(),
        frame(0x81, "NICK browser\r\nUSER browser 0 * :browser"),
        frame(0x01, "JOIN "),
        frame(0x89, "between"),
        frame(0x00, "#t"),
        frame(0x80, "ea"),
        frame(0x81, "PRIVMSG #tea :in pieces"),
    ];
    // Byte by byte: no frame comes whole.
    for byte in all.concat() {
        socket.write_all(&[byte]).expect("written");
    }
    watcher.expect(":browser!~browser");
    watcher.expect("PRIVMSG #tea :in pieces");
    socket.write_all(b"\x88\x82\0\0\0\0\x03\xe8").expect("written");
    drop(watcher.expect(" QUIT "));
    let mut said = Vec::new();
    socket.read_to_end(&mut said).expect("closed");
    let holds = |part: &[u8]| said.windows(part.len()).any(|window| window == part);
    assert!(holds(b"\x8a\x07between"), "the ping was not answered");
    assert!(said.ends_with(b"\x88\x02\x03\xe8"), "there was no close frame: {:?}", String::from_utf8_lossy(&said));
}

/// Goodbye is the last word, though others still speak to whoever leaves while the hub does not know of it yet.
#[test]
fn nothing_comes_behind_the_goodbye() {
    let daemon = Daemon::start("");
    let mut talker = Irc::register(daemon.irc(), "talker");
    for round in 0..40 {
        let mut leaver = Irc::register(daemon.irc(), &format!("leaver{round}"));
        // In one piece, so that some of it reaches the hub before her end does, and some after it.
        let talk: String = (0..60).map(|n| format!("PRIVMSG leaver{round} :{n}\r\n")).collect();
        talker.send_bytes(talk.as_bytes());
        leaver.send("QUIT :enough");
        let last = leaver.until_closed();
        assert!(last.as_ref().is_some_and(|last| last.starts_with("ERROR :Closing link: (")), "{last:?}");
        talker.drain();
    }
}
