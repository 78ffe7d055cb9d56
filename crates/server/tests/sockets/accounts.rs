//! Accounts over real sockets: what ends with them (T19 of the reliability plan), and what is kept of them.

use crate::support::{self, Carrier, Daemon, Irc, Link, Upgrade, dial};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// `chat_server account …` on the running server: its output, or what it complains of.
fn console(daemon: &Daemon, arguments: &[&str]) -> Result<String, String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chat_server"))
        .args(["--config".as_ref(), daemon.folder.path().join("config.toml").as_os_str()])
        .args(["--data".as_ref(), daemon.data().as_os_str()])
        .arg("account")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // Whoever wants no password has closed this already.
    let _ = child.stdin.take().expect("piped").write_all(b"another good one\n");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn register(irc: &mut Irc, name: &str) {
    irc.send(&format!("NICK {name}\r\nREGISTER * * :four words of it\r\nUSER a 0 * :a"));
    irc.expect("REGISTER SUCCESS");
    irc.greeted(name);
}

fn log_in(mut irc: Irc, name: &str) -> Irc {
    irc.send(&format!("PASS :{name}:four words of it\r\nNICK {name}\r\nUSER a 0 * :a"));
    irc.greeted(name);
    irc
}

/// A device of each kind.
fn devices(daemon: &Daemon, name: &str) -> Vec<Irc> {
    vec![
        log_in(Irc::connect(daemon.irc()), name),
        log_in(Irc::connect_tls(daemon.address("ircs")), name),
        log_in(Upgrade::default().open(daemon.address("http")).expect("a WebSocket"), name),
    ]
}

/// How something ends: by her own line on the first device, or on the command line.
enum End {
    Said(&'static str),
    Console(&'static [&'static str]),
}

#[test]
fn t19_no_device_outlives_its_account_or_its_password_by_a_second() {
    let daemon = Daemon::start("");
    let mut root = Irc::connect(daemon.irc());
    register(&mut root, "root");
    root.join("#tea");
    let ends = [
        ("alice", End::Said("PASSWORD :/four words of it/another good one/"), "the password was changed", true),
        ("bob", End::Said("ACCOUNT DELETE :four words of it"), "the account was deleted", false),
        ("carol", End::Console(&["disable", "carol"]), "the account was disabled", false),
        ("dave", End::Console(&["delete", "dave"]), "the account was deleted", false),
        ("erin", End::Console(&["set-password", "erin", "--password-stdin"]), "the password was changed", false),
    ];
    for (name, end, words, first_stays) in ends {
        let mut maker = Irc::connect(daemon.irc());
        register(&mut maker, name);
        maker.send("QUIT");
        maker.until_closed();
        let mut all = devices(&daemon, name);
        // Logged in, and not arrived: registration is not complete.
        let mut waiting = Irc::connect(daemon.irc());
        waiting.send("CAP REQ sasl");
        waiting.expect(" ACK ");
        assert!(sasl(&mut waiting, name, "four words of it"));
        all.push(waiting);
        all[0].join("#tea");
        root.expect(&format!(":{name}!"));
        let begun = Instant::now();
        match end {
            End::Said(line) => all[0].send(line),
            End::Console(arguments) => drop(console(&daemon, arguments).expect("done")),
        }
        let first_stays = if first_stays { 1 } else { 0 };
        for device in &mut all[first_stays..] {
            let last = device.until_closed().unwrap_or_default();
            assert!(last.ends_with(&format!("ERROR :Closing link: ({words})")), "{name}: {last:?}");
        }
        let took = begun.elapsed();
        assert!(took <= Duration::from_secs(1), "{name}: {took:?}");
        if first_stays == 1 {
            all[0].drain();
        } else {
            root.expect(&format!(" QUIT :{words}"));
        }
        // What opened it before opens nothing now.
        let mut late = Irc::connect(daemon.irc());
        late.send(&format!("PASS :{name}:four words of it\r\nNICK {name}x\r\nUSER a 0 * :a"));
        late.expect(" 464 ");
    }
}

#[test]
fn what_is_kept_of_an_account_can_be_had() {
    let daemon = Daemon::start("");
    let mut root = Irc::connect(daemon.irc());
    register(&mut root, "root");
    let mut alice = Irc::connect(daemon.irc());
    register(&mut alice, "alice");
    alice.join("#tea");
    alice.send("PRIVMSG #tea :first");
    alice.send("ACCOUNT RENAME ally :four words of it");
    alice.expect("NOTE ACCOUNT NAME_CHANGED ally");
    alice.send("PRIVMSG #tea :second \u{1f600}");
    alice.send("PRIVMSG root :directly");
    root.expect("directly");
    root.send("PRIVMSG ally :not hers");
    alice.expect("not hers");
    let text = console(&daemon, &["export", "ally"]).expect("an export");
    let export: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(export["account"]["username"], "ally");
    assert_eq!(export["account"]["has_password"], true);
    assert_eq!(export["account"]["last_address"], "127.0.0.1");
    assert_eq!(export["memberships"][0]["room_name"], "#tea");
    assert_eq!(export["memberships"][0]["roles"], serde_json::json!(["owner"]));
    let said: Vec<&str> = export["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|said| said["text"].as_str().expect("a text"))
        .collect();
    assert_eq!(said, ["first", "second \u{1f600}", "directly"]);
    assert_eq!(export["messages"][0]["room_name"], "#tea");
    assert_eq!(export["messages"][2]["addressed_to"], "root");
    assert!(!text.contains("argon2"), "{text}");
    // The name is another's to have; the old one is unknown.
    assert!(console(&daemon, &["export", "alice"]).expect_err("unknown").contains("no account alice"));
    // After a restart the new name is all there is.
    let daemon = Daemon::start_in(daemon.kill());
    drop(log_in(Irc::connect(daemon.irc()), "ally"));
}

/// GET, with these headers more.
fn get(daemon: &Daemon, url: &str, headers: &str) -> (u16, String, String) {
    let path = &url[url.find("/export/").expect("a link to an export")..];
    let mut stream = std::net::TcpStream::connect(daemon.address("http")).expect("connected");
    stream.set_read_timeout(Some(support::DEADLINE)).expect("set");
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a header and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_owned(), body.to_owned())
}

fn link(irc: &mut Irc) -> String {
    irc.send("ACCOUNT EXPORT");
    let line = irc.expect("NOTE ACCOUNT EXPORT ");
    line.split(' ').nth(4).expect("a link").to_owned()
}

/// Asked for over her own connection, had once over HTTP, as whole as on the command line.
#[test]
fn one_can_have_what_is_kept_of_oneself() {
    let daemon = Daemon::start("");
    let mut root = Irc::connect(daemon.irc());
    register(&mut root, "root");
    let mut former = Irc::connect(daemon.irc());
    register(&mut former, "alice");
    former.join("#cup");
    root.join("#cup");
    former.send("KICK #cup root\r\nACCOUNT DELETE :four words of it");
    former.until_closed();
    root.expect(" KICK ");
    let mut alice = Irc::connect(daemon.irc());
    alice.send("CAP REQ :message-tags echo-message draft/message-edit draft/metadata-2 batch draft/read-marker");
    alice.expect(" ACK ");
    alice.send("NICK alice\r\nUSER a 0 * :a\r\nCAP END");
    alice.greeted("alice");
    alice.send("REGISTER * * :four words of it");
    alice.expect("REGISTER SUCCESS");
    alice.join("#tea");
    alice.send("PRIVMSG #tea :first");
    let echo = alice.expect("PRIVMSG #tea :first");
    let id = echo.split(['@', ';', ' ']).find_map(|tag| tag.strip_prefix("msgid=")).expect("an id").to_owned();
    alice.send(&format!("@+draft/react=☕;+reply={id} TAGMSG #tea"));
    alice.expect("TAGMSG");
    alice.send(&format!("@draft/target-msgid={id};draft/edit-text=better EDIT #tea"));
    alice.expect("EDIT #tea");
    alice.send("METADATA * SET status :having tea");
    alice.expect(" 761 ");
    alice.send("METADATA #tea SET soju.im/pinned 1");
    alice.expect(" 761 ");
    alice.send("MARKREAD #tea timestamp=2026-01-01T00:00:00.000Z");
    alice.expect("MARKREAD #tea timestamp=");
    alice.send("TOPIC #tea :leaves");
    alice.expect(" TOPIC ");
    root.join("#tea");
    root.send("PRIVMSG #tea :what root says");
    let heard = alice.expect("PRIVMSG #tea :what root says");
    let other = heard.split(['@', ';', ' ']).find_map(|tag| tag.strip_prefix("msgid=")).expect("an id").to_owned();
    alice.send(&format!("PIN #tea {other}"));
    alice.expect("NOTICE #tea :pinned ");
    alice.send(&format!("REPORT #tea {other} :not kind"));
    alice.expect("Those who moderate have your report");
    let many = 3_000;
    for number in 0..many {
        alice.send(&format!("PRIVMSG #tea :number {number}"));
    }
    alice.expect(&format!("PRIVMSG #tea :number {}", many - 1));
    root.send("PRIVMSG alice :not hers\r\nPING done");
    root.expect(" PONG ");

    let url = link(&mut alice);
    // Another one ends it. Neither goes to someone whom others can listen to, nor to one who guesses.
    let (status, ..) = get(&daemon, &url.replace("/export/", "/export/0"), "");
    assert_eq!(status, 404);
    let (status, _, body) = get(&daemon, &url, "X-Forwarded-For: 192.0.2.1\r\n");
    assert_eq!(status, 403, "{body}");
    let earlier = url;
    let url = link(&mut alice);
    assert_eq!(get(&daemon, &earlier, "").0, 404);
    let (status, head, body) = get(&daemon, &url, "");
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("application/json") && head.contains("attachment") && head.contains("no-store"), "{head}");
    let export: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(export["account"]["username"], "alice");
    assert_eq!(export["memberships"][0]["room_name"], "#tea");
    assert_eq!(export["metadata"][0], serde_json::json!({"key": "status", "value": "having tea"}));
    assert_eq!(export["marks"][0]["room_name"], "#tea");
    assert_eq!(export["read_markers"][0]["read_until"], "2026-01-01T00:00:00Z");
    assert_eq!(export["devices"][0]["address"], "127.0.0.1");
    let said = export["messages"].as_array().expect("a list");
    assert_eq!(said.len(), many + 1);
    assert_eq!((&said[0]["text"], &said[many]["text"]), (&"better".into(), &format!("number {}", many - 1).into()));
    let events = export["events"].as_array().expect("a list");
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().expect("a word")).collect();
    assert_eq!(kinds, ["join", "reaction", "edit", "topic", "pin"], "{events:?}");
    assert_eq!(
        (&export["pins"][0]["message"], &export["pins"][0]["room_name"]),
        (&other.as_str().into(), &"#tea".into())
    );
    let report = &export["reports_made"][0];
    assert_eq!(
        (&report["message"], &report["reason"], &report["is_open"]),
        (&other.as_str().into(), &"not kind".into(), &true.into())
    );
    // What is done is noted by names, and this one was someone else's before.
    let done = export["done_by_account"].as_array().expect("a list");
    assert!(done.iter().all(|entry| entry["action"] != "kick"), "{done:?}");
    assert!(!body.contains("what root says"));
    assert_eq!(events[2]["earlier"], "first");
    assert!(!body.contains("argon2") && !body.contains("not hers"));
    assert_eq!(console(&daemon, &["export", "alice"]).expect("an export"), body, "the same as on the command line");
    // It was good once, and there is no other so soon.
    assert_eq!(get(&daemon, &url, "").0, 404);
    alice.send("ACCOUNT EXPORT");
    alice.expect("FAIL ACCOUNT TEMPORARILY_UNAVAILABLE");

    // What the old password asked for the new one does not give.
    let mut bob = Irc::connect(daemon.irc());
    register(&mut bob, "bob");
    let url = link(&mut bob);
    bob.send("PASSWORD :/four words of it/another good one/");
    bob.expect("PASSWORD_CHANGED");
    let mut stream = std::net::TcpStream::connect(daemon.address("http")).expect("connected");
    stream.set_read_timeout(Some(support::DEADLINE)).expect("set");
    let path = &url[url.find("/export/").expect("a link")..];
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).expect("asked");
    let mut answer = Vec::new();
    // Cut off, not ended: a client of HTTP knows that it is not whole.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("bob") && !answer.ends_with("0\r\n\r\n"), "{answer}");
}

/// What someone shows who wants to be let in.
struct Attempt<'a> {
    name: &'a str,
    password: &'a str,
    /// In the place of a password: with its key.
    certificate: &'a (Vec<u8>, Vec<u8>),
}

/// A way to log in: whether it let someone in as this account.
type Path = fn(&Daemon, &Attempt<'_>) -> bool;

/// The only way there is for guests alone.
const AS_GUEST: &str = "PLAIN as a guest who is here already";

fn sasl(irc: &mut Irc, name: &str, password: &str) -> bool {
    irc.send("AUTHENTICATE PLAIN");
    irc.expect("AUTHENTICATE +");
    irc.send(&format!("AUTHENTICATE {}", STANDARD.encode(format!("\0{name}\0{password}"))));
    irc.expect_any(&[" 903 ", " 904 "]).contains(" 903 ")
}

/// What WHOIS says of oneself, under whatever name one goes; whoever was not let in at all is logged in to nothing.
fn is_logged_in_as(irc: &mut Irc, name: &str) -> bool {
    if irc.try_send("VERSION").is_err() {
        return false;
    }
    while let Some(line) = irc.line() {
        if line.contains(" 351 ") {
            let nick = line.split(' ').nth(2).expect("a name").to_owned();
            irc.send(&format!("WHOIS {nick}"));
        } else if line.contains(" 330 ") {
            return line.contains(&format!(" {name} :"));
        } else if line.contains(" 318 ") {
            return false;
        }
    }
    false
}

/// A name that nobody bears, though others may not be gone yet.
fn fresh() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("someone{}", LAST.fetch_add(1, Ordering::Relaxed))
}

fn early(mut irc: Irc, Attempt { name, password, .. }: &Attempt<'_>) -> bool {
    irc.send("CAP REQ sasl");
    irc.expect(" ACK ");
    let told = sasl(&mut irc, name, password);
    let nick = fresh();
    irc.send(&format!("NICK {nick}\r\nUSER a 0 * :a\r\nCAP END"));
    assert_eq!(is_logged_in_as(&mut irc, name), told, "what it says is not so");
    told
}

fn with_pass(mut irc: Irc, Attempt { name, password, .. }: &Attempt<'_>) -> bool {
    let nick = fresh();
    irc.send(&format!("PASS :{name}:{password}\r\nNICK {nick}\r\nUSER a 0 * :a"));
    is_logged_in_as(&mut irc, name)
}

/// With the client's certificate in the place of a password, and the name of the account that it shall be.
fn external(daemon: &Daemon, Attempt { name, certificate, .. }: &Attempt<'_>) -> bool {
    let mut irc = showing(daemon, certificate);
    irc.send("CAP REQ sasl");
    irc.expect(" ACK ");
    irc.send("AUTHENTICATE EXTERNAL");
    irc.expect("AUTHENTICATE +");
    irc.send(&format!("AUTHENTICATE {}", STANDARD.encode(name)));
    let told = irc.expect_any(&[" 903 ", " 904 "]).contains(" 903 ");
    let nick = fresh();
    irc.send(&format!("NICK {nick}\r\nUSER a 0 * :a\r\nCAP END"));
    assert_eq!(is_logged_in_as(&mut irc, name), told, "what it says is not so");
    told
}

fn showing(daemon: &Daemon, certificate: &(Vec<u8>, Vec<u8>)) -> Irc {
    Irc::over(Carrier::lines(Link::tls_as(dial(daemon.address("ircs")), certificate)))
}

/// A certificate of nobody's, and its key.
fn certificate() -> (Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["someone".to_owned()]).expect("a certificate");
    (made.cert.der().to_vec(), made.signing_key.serialize_der())
}

fn as_guest(daemon: &Daemon, Attempt { name, password, .. }: &Attempt<'_>) -> bool {
    let mut irc = Irc::connect(daemon.irc());
    let nick = fresh();
    irc.send(&format!("CAP REQ sasl\r\nNICK {nick}\r\nUSER a 0 * :a\r\nCAP END"));
    if !irc.expect_any(&[" 376 ", " 422 ", "ERROR "]).contains(&nick) {
        // Guests are not let in at all.
        return false;
    }
    let told = sasl(&mut irc, name, password);
    assert_eq!(is_logged_in_as(&mut irc, name), told, "what it says is not so");
    told
}

fn with_client(daemon: &Daemon, Attempt { name, password, .. }: &Attempt<'_>, mechanism: &str) -> bool {
    let code = Command::new(support::program("chat_client"))
        .args([&format!("{name}@{}", daemon.irc()), "#tea", "--plain", "--sasl", mechanism, "--send", "hello"])
        .env("PARLOR_PASSWORD", password)
        .env("HOME", daemon.folder.path())
        .env("XDG_DATA_HOME", daemon.folder.path())
        .env("XDG_CONFIG_HOME", daemon.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it runs")
        .code();
    assert!(matches!(code, Some(0 | 3)), "{name}: exit code {code:?}");
    code == Some(0)
}

const PATHS: [(&str, Path); 10] = [
    ("PLAIN before registration", |daemon, attempt| early(Irc::connect(daemon.irc()), attempt)),
    ("PLAIN over TLS", |daemon, attempt| early(Irc::connect_tls(daemon.address("ircs")), attempt)),
    ("PLAIN over a WebSocket", |daemon, attempt| {
        early(Upgrade::default().open(daemon.address("http")).expect("a WebSocket"), attempt)
    }),
    (AS_GUEST, as_guest),
    ("EXTERNAL", external),
    ("PASS", |daemon, attempt| with_pass(Irc::connect(daemon.irc()), attempt)),
    ("PASS over TLS", |daemon, attempt| with_pass(Irc::connect_tls(daemon.address("ircs")), attempt)),
    ("logging in anew as someone else", |daemon, Attempt { name, password, .. }| {
        let mut irc = Irc::connect(daemon.irc());
        irc.send("CAP REQ sasl");
        irc.expect(" ACK ");
        assert!(sasl(&mut irc, "root", "four words of it"));
        let nick = fresh();
        irc.send(&format!("NICK {nick}\r\nUSER a 0 * :a\r\nCAP END"));
        irc.greeted(&nick);
        let told = sasl(&mut irc, name, password);
        assert!(is_logged_in_as(&mut irc, if told { name } else { "root" }), "{name}");
        told
    }),
    ("REGISTER", |daemon, Attempt { name, password, .. }| {
        // Not a way into what is there, whatever the password.
        let mut irc = Irc::connect(daemon.irc());
        let nick = fresh();
        irc.send(&format!("NICK {nick}\r\nREGISTER {name} * :{password}"));
        let made = irc.expect_any(&["REGISTER SUCCESS", "FAIL REGISTER"]).contains("SUCCESS");
        assert!(!made, "{name} was registered anew");
        irc.send("USER a 0 * :a");
        is_logged_in_as(&mut irc, name)
    }),
    ("SCRAM-SHA-256 with chat_client", |daemon, attempt| with_client(daemon, attempt, "scram-sha-256")),
];

const NO_GUESTS: &str = "guests = false";

/// Each way to log in, with each state that an account can have, where guests are welcome and where they are not: the right
/// password of an account that may be used lets in, and nothing else does.
#[test]
fn t12_every_way_to_log_in_asks_for_the_same() {
    for policy in ["registration = \"open\"", NO_GUESTS] {
        let config = format!(
            "{}\n{}",
            support::TEST_CONFIG.replace("[accounts]", &format!("[accounts]\n{policy}")),
            support::EXEMPT
        );
        let daemon = Daemon::start_with(&config);
        let shown = certificate();
        let certificates: HashMap<&str, (Vec<u8>, Vec<u8>)> =
            ["root", "good", "disabled", "deleted", "before"].map(|name| (name, certificate())).into();
        for name in ["root", "good", "disabled", "deleted", "before"] {
            let mut maker = showing(&daemon, &certificates[name]);
            register(&mut maker, name);
            if name == "before" {
                maker.send("ACCOUNT RENAME after :four words of it");
                maker.expect("NOTE ACCOUNT NAME_CHANGED after");
            }
            maker.send("QUIT");
            maker.until_closed();
        }
        console(&daemon, &["disable", "disabled"]).expect("disabled");
        console(&daemon, &["delete", "deleted"]).expect("deleted");
        for (path, try_it) in PATHS {
            for (name, password, is_good) in [
                ("good", "four words of it", true),
                ("good", "four words of", false),
                ("after", "four words of it", true),
                ("before", "four words of it", false),
                ("disabled", "four words of it", false),
                ("deleted", "four words of it", false),
                ("nobody", "four words of it", false),
            ] {
                let is_free = matches!(name, "before" | "deleted" | "nobody");
                if path == "REGISTER" && is_free {
                    // A name that nobody has is anybody's to take.
                    continue;
                }
                let is_hers = password == "four words of it";
                let made_as = if name == "after" { "before" } else { name };
                let certificate = certificates.get(made_as).filter(|_| is_hers).unwrap_or(&shown);
                let is_way = path != "REGISTER" && (path != AS_GUEST || policy != NO_GUESTS);
                let attempt = Attempt { name, password, certificate };
                let expected = is_good && is_way;
                assert_eq!(try_it(&daemon, &attempt), expected, "{path}, {name} with {password:?}, {policy}");
            }
        }
    }
}
