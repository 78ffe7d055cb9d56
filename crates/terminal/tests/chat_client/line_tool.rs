//! The real program against a scripted server over real sockets.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use crate::scripted_peer::{Certificate, Peer, chat_client, ended, run};

/// A guest comes into #tea of a plain server.
const ENTERS: &str = "
    > CAP LS 302
    < :s CAP * LS :
    > NICK :alice
    > USER alice 0 * :alice
    > CAP END
    < :s 001 alice :Welcome
    > PING :1
    > JOIN #tea
    < :s PONG s :1
    < :alice!a@h JOIN #tea
";

/// The account alice comes into #tea of a server like ours.
const LOGS_IN: &str = "
    > CAP LS 302
    < :s CAP * LS :message-tags server-time echo-message labeled-response batch sasl=PLAIN account-tag parlor/identity parlor/once
    > CAP REQ :account-tag batch echo-message labeled-response message-tags sasl server-time parlor/identity parlor/once
    < :s CAP * ACK :account-tag batch echo-message labeled-response message-tags sasl server-time parlor/identity parlor/once
    > AUTHENTICATE PLAIN
    < AUTHENTICATE +
    > AUTHENTICATE AGFsaWNlAHNlc2FtZQ==
    < :s 900 * * alice :You are now logged in
    < :s 903 * :SASL authentication successful
    > NICK :alice
    > USER alice 0 * :alice
    > CAP END
    < :s 001 alice :Welcome
    > PING :1
    > JOIN #tea
    < :s PONG s :1
    < @parlor/room-id=r1 :alice!a@h JOIN #tea
";

const LEAVES: &str = "
    > QUIT
    < ERROR :Goodbye
    close
";

fn script(parts: &[&str]) -> String {
    parts.concat()
}

fn guest(peer: &Peer, folder: &tempfile::TempDir) -> Command {
    let mut command = chat_client(folder.path());
    command.args(["--plain", "--guest", &format!("alice@{}", peer.address), "tea"]);
    command
}

fn account(peer: &Peer, folder: &tempfile::TempDir) -> Command {
    let mut command = chat_client(folder.path());
    command.env("PARLOR_PASSWORD", "sesame").args(["--plain", &format!("alice@{}", peer.address), "#tea"]);
    command
}

#[test]
fn piped_lines_are_posted_and_the_end_waits_for_every_echo() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        LOGS_IN,
        "
        > @label=m1;parlor/once=$ONE PRIVMSG #tea :one
        > @label=m2;parlor/once=$TWO PRIVMSG #tea :\u{1}ACTION waves\u{1}
        < :bob!b@h JOIN #tea
        < :bob!b@h PRIVMSG #tea :hello \u{1b}[31malice
        < @label=m1;msgid=x1 :alice!a@h PRIVMSG #tea :one
        < :bob!b@h QUIT :bye
        < @label=m2;msgid=x2 :alice!a@h PRIVMSG #tea :\u{1}ACTION waves\u{1}
        ",
        LEAVES,
    ]));
    let outcome = run(&mut account(&peer, &folder), "one\n\n/me waves\n");
    peer.finished();
    assert_eq!(
        outcome.said(),
        [
            "* you are in #tea",
            "* bob joined",
            "bob: hello ␛[31malice",
            "alice: one",
            "* bob left the server (bye)",
            "* alice waves"
        ]
    );
    assert!(outcome.complaints.contains("logged in as alice"), "{}", outcome.complaints);
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn an_input_that_is_empty_only_visits() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[ENTERS, LEAVES]));
    let outcome = run(&mut guest(&peer, &folder), "");
    peer.finished();
    assert_eq!((outcome.code, outcome.said()), (Some(0), vec!["* you are in #tea"]));
}

#[test]
fn json_has_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        LOGS_IN,
        "
        < @msgid=x1;time=2026-11-22T11:13:00.123Z;account=robert;parlor/sender-id=c2;parlor/room-id=r1 :bob!b@h PRIVMSG #tea :hi \u{9b}
        > @label=m1;parlor/once=$ONE PRIVMSG #tea :hello
        < @label=m1;msgid=x2;time=2026-11-22T11:13:01.000Z;account=alice;parlor/sender-id=c1;parlor/room-id=r1 :alice!a@h PRIVMSG #tea :hello
        ",
        LEAVES,
    ]));
    let outcome = run(account(&peer, &folder).arg("--json"), "hello\n");
    peer.finished();
    assert_eq!(outcome.code, Some(0));
    assert!(!outcome.output.contains('\u{9b}'));
    let objects: Vec<serde_json::Value> =
        outcome.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<_> = objects.iter().filter(|object| object["type"] == "message").collect();
    assert_eq!(
        *messages[0],
        serde_json::json!({
            "type": "message", "message_id": "x1", "sender_id": "c2", "sender_name": "bob", "account": "robert", "payload": "hi \u{9b}",
            "timestamp": "2026-11-22T11:13:00.123Z", "room_id": "r1", "room_name": "#tea", "kind": "text", "own": false, "direct": false,
        })
    );
    assert_eq!(
        (&messages[1]["message_id"], &messages[1]["own"], &messages[1]["sender_id"]),
        (&"x2".into(), &true.into(), &"c1".into())
    );
    let types: Vec<&str> = objects.iter().map(|object| object["type"].as_str().unwrap()).collect();
    assert_eq!(types.iter().filter(|kind| **kind == "posted").count(), 1);
    assert_eq!(types.last(), Some(&"closed"));
}

#[test]
fn send_ends_well_only_after_the_echo() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        LOGS_IN,
        "
        > @label=m1;parlor/once=$ONE PRIVMSG #tea :/backup done
        tell posted
        wait look
        < @label=m1;msgid=x1 :alice!a@h PRIVMSG #tea :/backup done
        ",
        LEAVES,
    ]));
    let mut child = account(&peer, &folder).args(["--send", "/backup done"]).spawn().unwrap();
    peer.reached("posted");
    assert!(child.try_wait().unwrap().is_none(), "still waits for the echo");
    peer.waited.send("look".to_owned()).unwrap();
    peer.finished();
    let outcome = ended(child);
    // Who is where is of no interest to whoever posts one message.
    assert_eq!(outcome.said(), ["alice: /backup done"]);
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn standard_input_can_be_one_message() {
    let offers = LOGS_IN
        .replace(" account-tag ", " account-tag draft/multiline=max-bytes=4096,max-lines=64 ")
        .replace("server-time parlor", "server-time draft/multiline parlor");
    let check = |logs_in: &str, arguments: &[&str], transcript: &str, said: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let peer = Peer::plain(&script(&[logs_in, transcript, LEAVES]));
        let outcome = run(account(&peer, &folder).args(arguments), "one\r\n\n/two\n");
        peer.finished();
        assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
        assert_eq!(outcome.said(), said);
    };
    let batch = "
        > @label=m1;parlor/once=$ONE BATCH +m1 draft/multiline #tea
        > @batch=m1 PRIVMSG #tea :one
        > @batch=m1 PRIVMSG #tea :
        > @batch=m1 PRIVMSG #tea :/two
        > BATCH -m1
        < @label=m1 :alice!a@h BATCH +9 draft/multiline #tea
        < @batch=9 :alice!a@h PRIVMSG #tea :one
        < @batch=9 :alice!a@h PRIVMSG #tea :
        < @batch=9 :alice!a@h PRIVMSG #tea :/two
        < :s BATCH -9
        ";
    check(&offers, &["--multiline"], batch, &["alice: one", "     ", "     /two"]);
    let lines = "
        > @label=m1;parlor/once=$ONE PRIVMSG #tea :one
        > @label=m2;parlor/once=$TWO PRIVMSG #tea :/two
        < @label=m1 :alice!a@h PRIVMSG #tea :one
        < @label=m2 :alice!a@h PRIVMSG #tea :/two
        ";
    check(LOGS_IN, &["--multiline"], lines, &["alice: one", "alice: /two"]);
}

#[test]
fn send_fails_when_the_server_refuses_or_says_nothing_or_goes() {
    let check = |transcript: &[&str], sentence: &str, more: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let peer = Peer::plain(&script(transcript));
        let outcome = run(account(&peer, &folder).args(["--send", "done"]).args(more), "");
        peer.finished();
        assert!(outcome.complaints.contains(sentence), "{}", outcome.complaints);
        assert_eq!(outcome.code, Some(4), "{}", outcome.complaints);
    };
    let posts = "> @label=m1;parlor/once=$ONE PRIVMSG #tea :done\n";
    check(
        &[LOGS_IN, posts, "< @label=m1 :s FAIL PRIVMSG STORAGE_FULL #tea :Disk full\n", LEAVES],
        "Not posted: \"done\". The server's disk is full",
        &[],
    );
    check(
        &[LOGS_IN, posts, "< @label=m1 :s 404 alice #tea :Cannot send to channel\n", LEAVES],
        "Not posted: \"done\". You may not post in #tea",
        &[],
    );
    check(&[LOGS_IN, posts, LEAVES], "has not acknowledged a message within 1 seconds", &["--timeout", "1"]);
    check(&[LOGS_IN, posts, "close\n"], "The link to the server was lost", &[]);
    let refused =
        LOGS_IN.replace("< @parlor/room-id=r1 :alice!a@h JOIN #tea", "< :s 473 alice #tea :Cannot join channel (+i)");
    check(&[&refused, LEAVES], "#tea is by invitation only", &[]);
}

#[test]
fn logins_that_fail_are_told() {
    let check = |password: &str, more: &[&str], transcript: &str, sentence: &str| {
        let folder = tempfile::tempdir().unwrap();
        let peer = Peer::plain(transcript);
        let mut command = chat_client(folder.path());
        command.env("PARLOR_PASSWORD", password).args(["--plain", &format!("alice@{}", peer.address)]).args(more);
        let outcome = run(&mut command, "");
        peer.finished();
        assert!(outcome.complaints.contains(sentence), "{}", outcome.complaints);
        assert_eq!(outcome.code, Some(3));
    };
    check(
        "wrong",
        &[],
        "
        > CAP LS 302
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE PLAIN
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHdyb25n
        < :s 904 * :SASL authentication failed
        > QUIT
        < ERROR :Goodbye
        ",
        "The name or the password is wrong; check both and try again.",
    );
    check(
        "sesame",
        &["--register"],
        "
        > CAP LS 302
        < :s CAP * LS :draft/account-registration=before-connect
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :alice
        > REGISTER * * :sesame
        < :s FAIL REGISTER ACCOUNT_EXISTS alice :Exists
        > QUIT
        < ERROR :Goodbye
        ",
        "The name alice belongs to an account already",
    );
}

#[test]
fn a_password_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "sesame\nnot this\n").unwrap();
    let peer = Peer::plain(&script(&[LOGS_IN, LEAVES]));
    let mut command = chat_client(folder.path());
    command.args(["--plain", &format!("alice@{}", peer.address), "tea", "--password-file"]).arg(&file);
    let outcome = run(&mut command, "");
    peer.finished();
    assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
}

#[test]
fn certificates_are_trusted_on_first_use_and_a_change_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = || {
        let mut command = chat_client(folder.path());
        command.args(["--tls", "--guest", &format!("alice@{address}"), "tea"]);
        command
    };
    let (first, other) = (Certificate::self_signed(), Certificate::self_signed());
    let transcript = script(&[ENTERS, LEAVES]);
    let pins = folder.path().join("parlor/known_servers");

    let peer = Peer::tls_on(&transcript, &first, listener.try_clone().unwrap());
    let outcome = run(&mut client(), "");
    peer.finished();
    assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
    let kept = fs::read_to_string(&pins).unwrap();
    let fingerprint = kept.lines().nth(1).unwrap().strip_prefix(&format!("{address} ")).unwrap().to_owned();
    assert!(outcome.complaints.contains(&format!("is trusted from now on: {fingerprint}")), "{}", outcome.complaints);

    let peer = Peer::tls_on(&transcript, &first, listener.try_clone().unwrap());
    let outcome = run(&mut client(), "");
    peer.finished();
    assert_eq!(outcome.code, Some(0));
    assert!(!outcome.complaints.contains("trusted"), "{}", outcome.complaints);

    // The handshake fails, so the peer hears nothing at all.
    let peer = Peer::tls_on("tell accepted", &other, listener.try_clone().unwrap());
    let outcome = run(&mut client(), "");
    peer.finished();
    assert_eq!(outcome.code, Some(5), "{}", outcome.complaints);
    assert!(
        outcome.complaints.contains(&format!("The certificate of {address} has changed: it was {fingerprint}")),
        "{}",
        outcome.complaints
    );
    assert!(outcome.complaints.contains(&format!("delete line 2 of {}", pins.display())), "{}", outcome.complaints);
    assert_eq!(fs::read_to_string(&pins).unwrap(), kept);
}

#[test]
fn a_certificate_that_the_system_knows_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::self_signed();
    let authorities = folder.path().join("authorities.pem");
    fs::write(&authorities, &certificate.pem).unwrap();
    let peer = Peer::tls(&script(&[ENTERS, LEAVES]), &certificate);
    let mut command = chat_client(folder.path());
    // 127.0.0.1 with another port than 6667: TLS without being asked.
    command.env("SSL_CERT_FILE", &authorities).args(["--guest", &format!("alice@{}", peer.address), "tea"]);
    let outcome = run(&mut command, "");
    peer.finished();
    assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
    assert!(!folder.path().join("parlor/known_servers").exists());
}

#[test]
fn after_a_drop_every_line_is_posted_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        LOGS_IN,
        "
        > @label=m1;parlor/once=$ONE PRIVMSG #tea :one
        > @label=m2;parlor/once=$TWO PRIVMSG #tea :two
        < @label=m1;msgid=x1 :alice!a@h PRIVMSG #tea :one
        close
        again
        ",
        LOGS_IN,
        "
        > @label=m2;parlor/once=$TWO PRIVMSG #tea :two
        < @label=m2;msgid=x2 :alice!a@h PRIVMSG #tea :two
        ",
        LEAVES,
    ]));
    let outcome = run(&mut account(&peer, &folder), "one\ntwo\n");
    peer.finished();
    // Coming back to where one was is no news.
    assert_eq!(outcome.said(), ["* you are in #tea", "alice: one", "alice: two"]);
    assert!(
        outcome.complaints.contains("The link to the server was lost (the server closed it)."),
        "{}",
        outcome.complaints
    );
    assert!(outcome.complaints.contains("Trying again until it answers"), "{}", outcome.complaints);
    assert!(outcome.complaints.contains("You are back on"), "{}", outcome.complaints);
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn a_guests_line_under_way_at_a_drop_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        ENTERS,
        "
        > PRIVMSG #tea :one
        > PING :2
        close
        again
        ",
        ENTERS,
        LEAVES,
    ]));
    let mut command = guest(&peer, &folder);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
    // Input ends when it is back: an end before would not wait for a link that nothing needs.
    let mut seen = Vec::new();
    while seen.iter().filter(|line: &&String| line.contains("* You are ")).count() < 2 {
        seen.push(complaints.next().unwrap().unwrap());
    }
    drop(stdin);
    peer.finished();
    let outcome = ended(child);
    assert!(seen.iter().any(|line| line.contains("it may or may not have arrived: \"one\"")), "{seen:?}");
    assert_eq!(outcome.code, Some(4));
}

#[cfg(unix)]
#[test]
fn signals_leave_gracefully() {
    for signal in ["INT", "TERM", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let peer = Peer::plain(&script(&[ENTERS, "tell there\n", LEAVES]));
        let mut command = guest(&peer, &folder);
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        peer.reached("there");
        // Being told of the welcome is what a person would wait for too.
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        output.next().unwrap().unwrap();
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        peer.finished();
        assert_eq!(ended(child).code, Some(0), "{signal}");
        drop(stdin);
    }
}

#[test]
fn commands_join_other_rooms_and_quit() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        LOGS_IN,
        "
        > JOIN #coffee
        tell asked
        wait typed
        < :alice!a@h JOIN #coffee
        > @label=m1;parlor/once=$ONE PRIVMSG #coffee :hello
        < @label=m1 :alice!a@h PRIVMSG #coffee :hello
        < :bob!b@h PRIVMSG #tea :anyone?
        < :bob!b@h PRIVMSG alice :psst
        tell said
        > QUIT :see you
        < ERROR :Goodbye
        ",
    ]));
    let mut child = account(&peer, &folder).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap().split_once(' ').unwrap().1.to_owned());
    assert_eq!(output.next().as_deref(), Some("* you are in #tea"));
    stdin.write_all(b"/join coffee\n").unwrap();
    peer.reached("asked");
    peer.waited.send("typed".to_owned()).unwrap();
    assert_eq!(output.next().as_deref(), Some("* you are in #coffee"));
    stdin.write_all(b"hello\n").unwrap();
    peer.reached("said");
    let said: Vec<String> = output.by_ref().take(3).collect();
    assert_eq!(said, ["#coffee alice: hello", "#tea bob: anyone?", "bob (to you): psst"]);
    stdin.write_all(b"/quit see you\n").unwrap();
    peer.finished();
    assert_eq!(ended(child).code, Some(0));
}

#[test]
fn piped_commands_keep_their_place_among_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        LOGS_IN,
        "
        > @label=m1;parlor/once=$ONE PRIVMSG #tea :one
        > JOIN #coffee
        < :alice!a@h JOIN #coffee
        > @label=m2;parlor/once=$TWO PRIVMSG #coffee :two
        > JOIN #vip
        < :s 473 alice #vip :Cannot join channel (+i)
        > @label=m3;parlor/once=$THREE PRIVMSG #coffee :three
        > QUIT :see you
        < @label=m1 :alice!a@h PRIVMSG #tea :one
        < @label=m2 :alice!a@h PRIVMSG #coffee :two
        < @label=m3 :alice!a@h PRIVMSG #coffee :three
        < ERROR :Goodbye
        ",
    ]));
    let outcome = run(&mut account(&peer, &folder), "one\n/join coffee\ntwo\n/join vip\nthree\n/quit see you\nnever\n");
    peer.finished();
    // The room that let nobody in; the line behind the goodbye was not meant to be said.
    assert_eq!(outcome.code, Some(4));
    assert!(!outcome.complaints.contains("not posted"), "{}", outcome.complaints);
}

#[test]
fn a_reader_that_goes_is_no_mishap() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&script(&[
        ENTERS,
        "
        wait gone
        <~ :bob!b@h PRIVMSG #tea :one
        ",
        LEAVES,
    ]));
    let mut child = guest(&peer, &folder).spawn().unwrap();
    let stdin = child.stdin.take();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    // Another test that starts a program just now may have the pipe for a moment longer, hence the <~ above.
    drop(output);
    peer.waited.send("gone".to_owned()).unwrap();
    peer.finished();
    let outcome = ended(child);
    assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
    drop(stdin);
}

/// A server of its own, since nobody writes a transcript of a thousand lines: it echoes what it is told to post.
#[test]
fn a_long_pipe_arrives_whole_and_in_order() {
    const LINES: usize = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut say = stream.try_clone().unwrap();
        let mut say = move |line: &str| say.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let mut posted = Vec::new();
        let mut unanswered = Vec::new();
        let mut most_unanswered = 0;
        for line in BufReader::new(TcpStream::try_clone(&stream).unwrap()).lines() {
            let line = line.unwrap();
            if line.starts_with("CAP LS") {
                say(":s CAP * LS :echo-message labeled-response batch message-tags");
            } else if let Some(list) = line.strip_prefix("CAP REQ :") {
                say(&format!(":s CAP * ACK :{list}"));
            } else if line == "CAP END" {
                say(":s 001 alice :Welcome");
            } else if line == "JOIN #tea" {
                say(":alice!a@h JOIN #tea");
            } else if let Some((tags, text)) = line.split_once(" PRIVMSG #tea :") {
                posted.push(text.to_owned());
                unanswered.push(format!("{tags} :alice!a@h PRIVMSG #tea :{text}"));
                most_unanswered = most_unanswered.max(unanswered.len());
                // Ten at a time: a server that commits in groups.
                if unanswered.len() == 10 {
                    unanswered.drain(..).for_each(|line| say(&line));
                }
            } else if line == "QUIT" {
                say("ERROR :Goodbye");
                break;
            }
        }
        assert!(most_unanswered <= 32);
        posted
    });
    let lines: Vec<String> = (0..LINES).map(|number| format!("line {number}")).collect();
    let mut command = chat_client(folder.path());
    command.args(["--plain", "--guest", &format!("alice@{address}"), "tea"]);
    let outcome = run(&mut command, &lines.join("\n"));
    assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
    assert_eq!(server.join().unwrap(), lines);
    let said: Vec<String> = outcome.said().into_iter().skip(1).map(str::to_owned).collect();
    assert_eq!(said, lines.iter().map(|line| format!("alice: {line}")).collect::<Vec<_>>());
}

#[test]
fn mistakes_in_the_arguments_end_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], sentence: &str| {
        let outcome = run(chat_client(folder.path()).args(arguments), "");
        assert!(outcome.complaints.contains(sentence), "{arguments:?}: {}", outcome.complaints);
        assert_eq!((outcome.code, outcome.output.as_str()), (Some(1), ""), "{arguments:?}");
    };
    check(&[], "No server is named; write it as chat_client HOST ROOM");
    check(&["host:port"], "\"port\" in \"host:port\" is no port; use a number from 1 to 65535.");
    check(&["--guest", "host", "two words"], "\"#two words\" cannot be the name of a room");
    check(&["--guest", "host", "--send", " "], "There is no text to post");
    check(&["--register", "host"], "--register needs the name of the new account");
    check(&["alice@host", "--password-file", "/nowhere/at/all"], "The password file /nowhere/at/all cannot be read (");
    check(&["--unknown"], "unexpected argument '--unknown'");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    // A port that is taken, so that no other test listens there, and on which nobody does: the near end of a connection.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = TcpStream::connect(elsewhere.local_addr().unwrap()).unwrap();
    let address = taken.local_addr().unwrap();
    let outcome = run(chat_client(folder.path()).args(["--plain", "--guest", &address.to_string()]), "hello\n");
    assert!(outcome.complaints.contains("The machine answers, but no server listens at"), "{}", outcome.complaints);
    assert_eq!(outcome.code, Some(2));
}

#[test]
fn a_server_is_tried_without_a_login() {
    let folder = tempfile::tempdir().unwrap();
    let tried = |answer: &str, format: &str| {
        let script = format!("> CAP LS 302\n< {answer}\n> QUIT\nclose");
        let peer = Peer::tls(&script, &Certificate::self_signed());
        let outcome = run(chat_client(folder.path()).args(["connect", format, "--tls", &peer.address.to_string()]), "");
        peer.finished();
        outcome
    };
    let outcome = tried(":s CAP * LS :sasl", "--json");
    assert_eq!(outcome.code, Some(0), "{}", outcome.complaints);
    let steps = outcome.output.lines().map(|line| serde_json::from_str(line).unwrap());
    let steps: Vec<serde_json::Value> = steps.collect();
    let words: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(words, ["ordered", "trying", "reached", "encrypted", "certificate", "greeted", "result"]);
    assert_eq!((&steps[4]["belief"], &steps[6]["reached"]), (&"first-use".into(), &true.into()));
    // It was looked at, and is not trusted for that.
    assert!(!folder.path().join("parlor/known_servers").exists() && !folder.path().join("known_servers").exists());

    let outcome = tried("ERROR :Too many of you", "--explain");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.complaints.contains("turns us away (Too many of you)"), "{}", outcome.complaints);
    assert!(outcome.output.contains("certificate for"), "{}", outcome.output);
}

#[test]
fn a_port_for_something_else_is_told() {
    let check = |answer: &'static [u8], sentence: &str| {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || listener.accept().unwrap().0.write_all(answer).unwrap());
        let outcome = run(chat_client(folder.path()).args(["--plain", "--guest", &address.to_string()]), "hello\n");
        peer.join().unwrap();
        assert!(outcome.complaints.contains(sentence), "{}", outcome.complaints);
        assert_eq!(outcome.code, Some(2));
    };
    // The alert unexpected_message.
    check(&[0x15, 3, 3, 0, 2, 2, 10], "speaks only TLS on that port; leave --plain out");
    check(b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP, for browsers, on that port");
}

#[test]
fn help_is_help() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(chat_client(folder.path()).arg("--help"), "");
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.output.contains("Exit codes:\n  0  "));
    assert!(outcome.output.lines().all(|line| line.chars().count() <= 100));
}
