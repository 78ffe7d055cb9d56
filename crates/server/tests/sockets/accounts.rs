//! Accounts over real sockets: what ends with them (T19 of the reliability plan), and what is kept of them.

use crate::support::{self, Daemon, Irc, Upgrade};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;
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
    root.send("PRIVMSG alice :not hers");
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

/// A way to log in: whether it let someone in as this account.
type Path = fn(&Daemon, &str, &str) -> bool;

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

fn early(mut irc: Irc, name: &str, password: &str) -> bool {
    irc.send("CAP REQ sasl");
    irc.expect(" ACK ");
    let told = sasl(&mut irc, name, password);
    let nick = fresh();
    irc.send(&format!("NICK {nick}\r\nUSER a 0 * :a\r\nCAP END"));
    assert_eq!(is_logged_in_as(&mut irc, name), told, "what it says is not so");
    told
}

fn with_pass(mut irc: Irc, name: &str, password: &str) -> bool {
    let nick = fresh();
    irc.send(&format!("PASS :{name}:{password}\r\nNICK {nick}\r\nUSER a 0 * :a"));
    is_logged_in_as(&mut irc, name)
}

fn with_client(daemon: &Daemon, name: &str, password: &str, mechanism: &str) -> bool {
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

const PATHS: [(&str, Path); 8] = [
    ("PLAIN before registration", |daemon, name, password| early(Irc::connect(daemon.irc()), name, password)),
    ("PLAIN over TLS", |daemon, name, password| early(Irc::connect_tls(daemon.address("ircs")), name, password)),
    ("PLAIN over a WebSocket", |daemon, name, password| {
        early(Upgrade::default().open(daemon.address("http")).expect("a WebSocket"), name, password)
    }),
    ("PASS", |daemon, name, password| with_pass(Irc::connect(daemon.irc()), name, password)),
    ("PASS over TLS", |daemon, name, password| with_pass(Irc::connect_tls(daemon.address("ircs")), name, password)),
    ("logging in anew as someone else", |daemon, name, password| {
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
    ("REGISTER", |daemon, name, password| {
        // Not a way into what is there, whatever the password.
        let mut irc = Irc::connect(daemon.irc());
        let nick = fresh();
        irc.send(&format!("NICK {nick}\r\nREGISTER {name} * :{password}"));
        let made = irc.expect_any(&["REGISTER SUCCESS", "FAIL REGISTER"]).contains("SUCCESS");
        assert!(!made, "{name} was registered anew");
        irc.send("USER a 0 * :a");
        is_logged_in_as(&mut irc, name)
    }),
    ("SCRAM-SHA-256 with chat_client", |daemon, name, password| with_client(daemon, name, password, "scram-sha-256")),
];

/// Each way to log in, with each state that an account can have, where guests are welcome and where they are not: the right
/// password of an account that may be used lets in, and nothing else does.
#[test]
fn t12_every_way_to_log_in_asks_for_the_same() {
    for policy in ["registration = \"open\"", "guests = false"] {
        let config = format!(
            "{}\n{}",
            support::TEST_CONFIG.replace("[accounts]", &format!("[accounts]\n{policy}")),
            support::EXEMPT
        );
        let daemon = Daemon::start_with(&config);
        for name in ["root", "good", "disabled", "deleted", "before"] {
            let mut maker = Irc::connect(daemon.irc());
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
                let expected = is_good && path != "REGISTER";
                assert_eq!(try_it(&daemon, name, password), expected, "{path}, {name} with {password:?}, {policy}");
            }
        }
    }
}
