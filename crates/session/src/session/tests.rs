//! A session against lines, answers, events and clocks.

use super::*;
use crate::testing::{World, check, check_with};

#[test]
fn labels_have_their_limit() {
    let (longest, escaped, too_long) = ("x".repeat(64), "\\:".repeat(64), "x".repeat(65));
    check(&format!(
        "alice= batch labeled-response
         alice> @label={longest} PING a
         alice< @label={longest} :irc.example PONG irc.example :a
         alice> @label={escaped} PING a
         alice< @label={escaped} :irc.example PONG irc.example :a
         alice> @label={too_long} JOIN #tea
         alice< :irc.example FAIL JOIN INVALID_LABEL :…
         bob=
         bob> @label={too_long} PING a
         bob< :irc.example PONG irc.example :a"
    ));
}

#[test]
fn a_registered_session_is_small() {
    assert!(size_of::<Session>() <= 256, "{} bytes", size_of::<Session>());
}

#[test]
fn labels_come_back_with_the_answer() {
    check(
        "alice= batch labeled-response
         bob=
         alice> @label=1 PING x
         alice< @label=1 :irc.example PONG irc.example :x
         alice> @label=2 PONG x
         alice< @label=2 :irc.example ACK
         alice> @label=3\\s\\:;+a=b NONSENSE
         alice< @label=3\\s\\: :irc.example 421 alice NONSENSE :Unknown command
         alice> @label=4 NICK
         alice< @label=4 :irc.example 431 alice :No nickname given
         alice> @label=5 NICK alicia
         alice< @label=5 :alice!~alice@….ip NICK alicia
         alice> @label=6 JOIN #tea
         alice< @label=6 :irc.example BATCH +1 labeled-response
         alice< @batch=1 :alicia!~alice@….ip JOIN #tea
         alice< @batch=1 …
         alice< @batch=1 :irc.example 353 …
         alice< @batch=1 :irc.example 366 …
         alice< :irc.example BATCH -1
         alice> @label= PING x
         alice< :irc.example PONG irc.example :x
         bob> @label=7 PING x
         bob< :irc.example PONG irc.example :x",
    );
}

#[test]
fn a_labelled_echo_is_the_answer() {
    check(
        "alice= batch labeled-response echo-message server-time
         alice> JOIN #tea
         alice<<
         alice> @label=1 PRIVMSG #tea :hi
         alice< @label=1;time=2023-11-14T22:13:20.000Z :alice!~alice@….ip PRIVMSG #tea :hi
         alice> PRIVMSG #tea :again
         alice< @time=2023-11-14T22:13:20.000Z :alice!~alice@….ip PRIVMSG #tea :again
         alice> CAP REQ -echo-message
         alice<<
         alice> @label=2 PRIVMSG #tea :hi
         alice< @label=2;time=2023-11-14T22:13:20.000Z :irc.example ACK
         alice> PRIVMSG #tea :hi
         alice> PRIVMSG alice :myself
         alice< @time=… :alice!~alice@….ip PRIVMSG alice :myself
         alice> CAP REQ echo-message
         alice<<
         alice> @label=3 PRIVMSG alice :myself
         alice< @time=… :alice!~alice@….ip PRIVMSG alice :myself
         alice< @label=3;time=… :alice!~alice@….ip PRIVMSG alice :myself",
    );
}

/// Limnoria labels everything as soon as it may.
#[test]
fn labels_before_the_welcome() {
    check(
        "alice+
         alice> CAP REQ :batch labeled-response
         alice<<
         alice> @label=1 NICK alice
         alice< @label=1 :irc.example ACK
         alice> USER alice 0 * :Alice
         alice> @label=2 AUTHENTICATE PLAIN
         alice< @label=2 AUTHENTICATE +
         alice> @label=3 AUTHENTICATE *
         alice< @label=3 :irc.example 906 alice :SASL authentication aborted
         alice> @label=4 CAP END
         alice< @label=4 :irc.example ACK
         alice< :irc.example 001 alice :…
         alice<<",
    );
}

#[test]
fn a_batch_within_a_labelled_batch() {
    check(
        "alice= batch labeled-response draft/extended-isupport
         alice> @label=1 ISUPPORT
         alice< @label=1 :irc.example BATCH +3 labeled-response
         alice< @batch=3 :irc.example BATCH +2 draft/isupport
         alice< @batch=2 :irc.example 005 alice …
         alice< @batch=2 :irc.example 005 alice …
         alice< @batch=2 :irc.example 005 alice …
         alice< @batch=3 :irc.example BATCH -2
         alice< :irc.example BATCH -3",
    );
}

#[test]
fn verbs_have_their_time() {
    check(
        "alice+
         alice> JOIN #tea
         alice< :irc.example 451 * :You have not registered
         alice> NONSENSE
         alice< :irc.example 421 * NONSENSE :Unknown command
         alice> join
         alice< :irc.example 451 * :You have not registered
         bob=
         bob> nonsense_that_is_much_longer_than_any_verb_there_is x
         bob< :irc.example 421 bob nonsense_that_is_much_longer_tha :Unknown command
         bob> :source PING x
         bob< :irc.example PONG irc.example :x
         bob>
         bob> :source",
    );
}

fn session_with(words: &str) -> (World, usize) {
    let mut world = World::new(|_, _| {});
    let at = world.connect("alice", words);
    (world, at)
}

#[test]
fn another_protocol_is_closed_at_once() {
    for first in ["GET / HTTP/1.1", "POST /x HTTP/1.1", "Host: example.org", "OPTIONS * HTTP/1.1", "\u{16}\u{3}\u{1}"] {
        let (mut world, at) = session_with("");
        world.say(at, first).unwrap();
        assert!(world.received(at).is_empty() && world.is_closed(at), "{first}");
    }
    let (mut world, at) = session_with("");
    world.say(at, "PING x").unwrap();
    world.say(at, "GET / HTTP/1.1").unwrap();
    assert!(!world.is_closed(at) && world.received(at)[1].contains(" 421 "));
    assert!(speaks_something_else(&[22, 3, 1, 0]) && !speaks_something_else(b"GET"));
}

#[test]
fn malformed_lines_are_refused_and_said_so() {
    let long = format!("PING {}", "x".repeat(600));
    let tagged = format!("@label=1;+x={} PING x", "x".repeat(4_100));
    let labelled = format!("@label=1 {long}");
    let cases: [(&[u8], &str); 8] = [
        (long.as_bytes(), ":irc.example 417 * :Input line was too long"),
        (tagged.as_bytes(), ":irc.example 417 * :Input line was too long"),
        (labelled.as_bytes(), "@label=1 :irc.example 417 * :Input line was too long"),
        (b"privmsg #tea :\xff", ":irc.example FAIL PRIVMSG INVALID_UTF8 :…"),
        (b"\xff", ":irc.example FAIL * INVALID_UTF8 :…"),
        (b"PING \0", ":irc.example FAIL * INVALID_MESSAGE :…"),
        (b"@label=2 PING \xff", "@label=2 :irc.example FAIL PING INVALID_UTF8 :…"),
        (b"@label=3 ", ""),
    ];
    for (bytes, expected) in cases {
        let (mut world, at) = session_with("");
        world.say(at, "CAP REQ :batch labeled-response").unwrap();
        world.received(at);
        world.say_bytes(at, Ok(bytes));
        let received = world.received(at).join("\n");
        assert!(crate::testing::fits(expected, &received), "{received}");
    }
    let (mut world, at) = session_with("");
    world.say_bytes(at, Err(Overlong { head: b"@label=1 PRIVMSG #tea :xxx" }));
    assert_eq!(world.received(at), [":irc.example 417 * :Input line was too long"]);
}

#[test]
fn too_many_lines_before_the_welcome_end_it() {
    let (mut world, at) = session_with("");
    for _ in 0..LINES_BEFORE_REGISTRATION {
        world.say(at, "PONG x").unwrap();
    }
    world.say(at, "PONG x").unwrap();
    assert_eq!(world.received(at), ["ERROR :Closing link: (Too many lines before registration)"]);
    assert!(world.is_closed(at));
}

#[test]
fn two_devices_are_one_person() {
    check(
        "alice=
         alice> REGISTER alice * sesame
         alice<<
         alice> JOIN #tea
         alice<<
         phone+
         phone> CAP REQ echo-message
         phone<<
         phone> PASS alice:sesame
         phone> NICK another
         phone> USER phone 0 * :Phone
         phone> CAP END
         phone< :irc.example 900 another …
         phone< :another NICK alice
         phone< :irc.example 001 alice :…
         phone< :irc.example 002 …
         phone< :irc.example 003 …
         phone< :irc.example 004 …
         phone< :irc.example 005 …
         phone<<
         phone> PING x
         phone< :irc.example PONG irc.example :x
         alice> NICK alicia
         alice< :alice!~alice@….ip NICK alicia
         phone< :alice!~alice@….ip NICK alicia
         phone> PING
         phone< :irc.example 409 alicia :…
         alice> PRIVMSG #tea :hi
         phone< :alicia!~alice@….ip PRIVMSG #tea :hi
         phone> PRIVMSG #tea :ho
         phone< :alicia!~alice@….ip PRIVMSG #tea :ho
         alice< :alicia!~alice@….ip PRIVMSG #tea :ho",
    );
}

#[test]
fn a_flood_is_held_back_not_punished() {
    let mut world = World::new(|configured, _| configured.flood.burst_lines = 10);
    let at = world.connect("alice", "throttled");
    let mut said = 0;
    while world.say(at, "PING x").is_ok() {
        said += 1;
    }
    assert_eq!(said, 10);
    assert_eq!(world.received(at).len(), 10);
    assert!(!world.is_closed(at));
}

#[test]
fn unanswered_requests_are_bounded() {
    let facts = ServerFacts::new(crate::Configured::default());
    let mut world = World::new(|_, _| {});
    let at = world.connect("alice", "");
    for line in ["NICK alice", "USER a 0 * :a"] {
        world.say(at, line).unwrap();
    }
    let session = world.session(at);
    let mut out = Output::default();
    let mut said = 0;
    while session.flood_wait_ms(Moment::default(), &facts) == 0 {
        session.receive(Moment::default(), &facts, Ok(b"TOPIC #tea"), &mut out);
        said += 1;
    }
    assert_eq!(said, MOST_PENDING);
    assert_eq!(session.flood_wait_ms(Moment::default(), &facts), WAIT_FOR_ANSWER);
    for request in out.requests.drain(..) {
        let Origin::Session { number, .. } = request.origin else { panic!() };
        session.done(Moment::default(), &facts, number, &mut Output::default());
    }
    assert_eq!(session.flood_wait_ms(Moment::default(), &facts), 0);
    session.receive(Moment::default(), &facts, Ok(b"TOPIC #tea"), &mut out);
    let mut said = 0;
    while session.flood_wait_ms(Moment::default(), &facts) == 0 {
        session.receive(Moment::default(), &facts, Ok(b"NONSENSE"), &mut out);
        said += 1;
    }
    assert!((500..10_000).contains(&said), "{said} replies held");
}

#[test]
fn the_server_says_goodbye() {
    let facts = ServerFacts::new(crate::Configured::default());
    for register in [false, true] {
        let mut world = World::new(|_, _| {});
        let at = world.connect("alice", "");
        if register {
            for line in ["NICK alice", "USER a 0 * :a"] {
                world.say(at, line).unwrap();
            }
        }
        let mut out = Output::default();
        let session = world.session(at);
        session.close(Moment::default(), &facts, "The server is stopping", &mut out);
        assert_eq!(out.bytes, b"ERROR :Closing link: (The server is stopping)\r\n");
        assert!(out.close && session.depart("gone").is_none());
    }
}

#[test]
fn changed_facts_are_told() {
    let mut world = World::new(|_, _| {});
    let (alice, bob) = (world.connect("alice", ""), world.connect("bob", ""));
    for line in ["CAP LS 302", "CAP REQ draft/account-registration", "NICK alice", "USER a 0 * :a", "CAP END"] {
        world.say(alice, line).unwrap();
    }
    for line in ["NICK bob", "USER b 0 * :b"] {
        world.say(bob, line).unwrap();
    }
    world.received(alice);
    world.received(bob);
    world.change_facts(|configured| {
        configured.login.registration_open = false;
        configured.login.plain = false;
        configured.limits.topic_length = 300;
    });
    assert_eq!(
        world.received(alice),
        [
            ":irc.example CAP alice DEL :draft/account-registration",
            ":irc.example CAP alice NEW :sasl=SCRAM-SHA-256",
            ":irc.example 005 alice TOPICLEN=300 :are supported by this server",
        ]
    );
    assert_eq!(world.received(bob), [":irc.example 005 bob TOPICLEN=300 :are supported by this server"]);
}

/// Bug class T1: any verb with any number of any parameters, in any phase, from anyone.
#[test]
fn no_line_makes_it_panic() {
    const PARAMETERS: [&str; 24] = [
        "",
        "*",
        "#tea",
        "alice",
        "bob",
        "+o",
        "-+b",
        "0",
        "-1",
        "99999999999999999999",
        ",",
        "#a,#b,",
        "!@*",
        "$a:x",
        "+",
        ":",
        "\u{1}ACTION x\u{1}",
        "é",
        "LS",
        "REQ",
        "END",
        "+bbb",
        "%tcuhsnfdlaor,1234",
        "C>1,U<9,T<1",
    ];
    let mut chance = 1_u64;
    let mut next = |below: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % below
    };
    for phase in 0..4 {
        let mut world = World::new(|_, _| {});
        let mut at = world.connect("alice", "certificate");
        for round in 0..6_000 {
            if world.is_closed(at) || round % 500 == 0 {
                at = world.connect("alice", "certificate");
                let lines: &[&str] = match phase {
                    0 => &[],
                    1 => &["NICK alice", "CAP LS 302"],
                    2 => &["NICK alice", "USER a 0 * :a", "JOIN #tea"],
                    _ => &["CAP REQ :batch labeled-response echo-message", "NICK bob", "USER a 0 * :a", "CAP END"],
                };
                lines.iter().for_each(|line| world.say_bytes(at, Ok(line.as_bytes())));
            }
            let verb = verb::VERBS[next(verb::VERBS.len())].name;
            let mut line = if next(4) == 0 { format!("@label=x;+y=z {verb}") } else { verb.to_owned() };
            for _ in 0..next(17) {
                line.push(' ');
                line.push_str(PARAMETERS[next(PARAMETERS.len())]);
            }
            if line.len() < 500 && verb != "QUIT" {
                world.say_bytes(at, Ok(line.as_bytes()));
            }
            world.received(at);
        }
    }
}

/// Bug class T1, one by one: every verb with none to one more than it reads, about rooms one is in or not, oneself,
/// members, others and nobody. Each line is answered once, and what is asked behind it is answered behind it.
#[test]
fn every_line_is_answered_once() {
    const WORDS: [&str; 8] = ["#tea", "#pot", "#none", "alice", "bob", "carol", "nobody", "+o"];
    const MOST_PARAMETERS: usize = 4;
    let mut lines = 0;
    for verb in verb::VERBS {
        let mut world = World::new(crate::testing::with_operator);
        let (mut at, mut said) = (0, 0);
        for (first, second, count, operator) in WORDS
            .iter()
            .flat_map(|first| WORDS.iter().map(move |second| (first, second)))
            .flat_map(|(first, second)| (0..=MOST_PARAMETERS).map(move |count| (first, second, count)))
            .flat_map(|(first, second, count)| [false, true].map(|operator| (first, second, count, operator)))
        {
            if (count == 0 && (*first, *second) != (WORDS[0], WORDS[0])) || (count == 1 && *second != WORDS[0]) {
                continue;
            }
            if said % 60 == 0 || world.is_closed(at) {
                // Bob is in the room, carol in another, alice in both.
                world = World::new(crate::testing::with_operator);
                world.arrive("bob", "").unwrap();
                world.arrive("carol", "").unwrap();
                at = 2;
                world.arrive("alice", "batch labeled-response standard-replies message-tags").unwrap();
            }
            world.say(at, if operator { "OPER root sesame" } else { "MODE alice -o" }).unwrap();
            for (who, line) in [(at, "JOIN #tea,#pot"), (0, "JOIN #tea"), (1, "JOIN #pot")] {
                if !world.is_closed(who) {
                    world.say(who, line).unwrap();
                }
            }
            world.received(at);
            let words = [first, second, second, first];
            let parameters: String = words[..count].iter().map(|word| format!(" {word}")).collect();
            let line = format!("@label=x {}{parameters}", verb.name);
            world.say(at, &line).unwrap();
            said += 1;
            lines += 1;
            let answer = world.received(at);
            let labelled = answer.iter().filter(|line| line.starts_with("@label=x")).count();
            let farewell = answer.last().is_some_and(|line| line.starts_with("ERROR :") || line.contains(" ERROR :"));
            assert!(labelled == 1 || world.is_closed(at) && farewell, "{line} is answered {answer:#?}");
            let opened = answer.iter().filter(|line| line.contains(" BATCH +")).count();
            let closed = answer.iter().filter(|line| line.contains(" BATCH -")).count();
            assert_eq!(opened, closed, "{line} is answered {answer:#?}");
            if !world.is_closed(at) {
                world.say(at, "PING behind").unwrap();
                let last = world.received(at);
                assert!(last.iter().any(|line| line.ends_with("PONG irc.example :behind")), "{line}, then: {last:#?}");
            }
        }
    }
    assert!(lines > 10_000, "{lines}");
}

#[test]
fn events_of_other_people_change_nothing_of_oneself() {
    check_with(
        |_, _| {},
        "alice=
         bob=
         alice> JOIN #tea
         bob> JOIN #tea
         alice<<
         bob<<
         bob> NICK bobby
         bob<<
         alice< :bob!~bob@….ip NICK bobby
         alice> PING
         alice< :irc.example 409 alice :…",
    );
}
