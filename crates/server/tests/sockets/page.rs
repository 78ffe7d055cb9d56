//! The page's own requests over real sockets: how a browser logs in and stays so, what ends that, and what no other page gets
//! out of it.

use crate::support::{self, Daemon, Irc, Link, TEST_CONFIG, Upgrade, dial, dial_from, tag};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PAGE_OVER_TLS: &str = "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\ntls = true\n";
const PASSWORD: &str = "four words of it";
/// The house's rule for what ends a login (T19).
const AT_ONCE: Duration = Duration::from_secs(1);

/// What is answered to one request.
#[derive(Debug)]
struct Answered {
    status: u16,
    /// In lower case, each with its value.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answered {
    fn read(link: &mut impl Read) -> Answered {
        let mut bytes = Vec::new();
        // A connection that ends without TLS's goodbye has said all the same what it had to say.
        let _ = link.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole header");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let headers =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.into()));
        Answered { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A browser that has our page open.
struct Browser {
    address: SocketAddr,
    is_tls: bool,
    /// `name=value`.
    cookie: Option<String>,
    source: &'static str,
}

impl Browser {
    fn new(daemon: &Daemon) -> Browser {
        Browser { address: daemon.address("http"), is_tls: false, cookie: None, source: "127.0.0.1" }
    }

    fn over_tls(daemon: &Daemon) -> Browser {
        Browser { address: daemon.address("https"), is_tls: true, ..Browser::new(daemon) }
    }

    fn origin(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.address)
    }

    fn link(&self) -> Link {
        let stream = dial_from(self.source, self.address);
        if self.is_tls { Link::tls(stream) } else { Link::Plain(stream) }
    }

    /// Exactly this request, with the cookie.
    fn ask(&mut self, start: &str, headers: &str, body: &str) -> Answered {
        let cookie = self.cookie.as_ref().map_or(String::new(), |cookie| format!("Cookie: a=b; {cookie}\r\n"));
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let mut link = self.link();
        let request = format!(
            "{start} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{cookie}{headers}{length}\r\n{body}",
            self.address
        );
        link.write_all(request.as_bytes()).expect("asked");
        let answered = Answered::read(&mut link);
        if let Some(set) = answered.header("set-cookie") {
            let pair = set.split(';').next().expect("a pair");
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        answered
    }

    fn post(&mut self, path: &str, body: Value) -> Answered {
        let headers = format!(
            "Origin: {}\r\nContent-Type: application/json\r\nSec-Fetch-Site: same-origin\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n",
            self.origin()
        );
        self.ask(&format!("POST {path}"), &headers, &body.to_string())
    }

    fn log_in(&mut self, name: &str, password: &str) -> Answered {
        self.post("/login", json!({ "username": name, "password": password }))
    }

    fn register(&mut self, name: &str) {
        let answered = self.post("/register", json!({ "username": name, "password": PASSWORD }));
        assert_eq!(answered.status, 200, "{answered:?}");
        assert_eq!(answered.json()["username"], name);
    }

    fn session(&mut self) -> Value {
        let answered = self.ask("GET /session", "Sec-Fetch-Site: same-origin\r\n", "");
        assert_eq!(answered.status, 200, "{answered:?}");
        answered.json()
    }

    fn is_signed_in(&mut self) -> bool {
        self.session()["signedIn"] == true
    }

    fn websocket(&self, origin: Option<&str>) -> Result<Irc, u16> {
        let mut headers: Vec<(&str, &str)> = Vec::new();
        headers.extend(self.cookie.as_deref().map(|cookie| ("cookie", cookie)));
        headers.extend(origin.map(|origin| ("origin", origin)));
        Upgrade { path: "/ws", headers: &headers, ..Upgrade::default() }.over(self.link())
    }

    /// The page's conversation, from its first line to the welcome. `900` is part of it when someone is logged in.
    fn converse(&self, nick: &str) -> Irc {
        let mut irc = self.websocket(Some(&self.origin())).expect("a WebSocket");
        irc.send("CAP LS 302\r\nCAP REQ :batch labeled-response message-tags server-time parlor/devices");
        irc.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\nCAP END"));
        if self.cookie.is_some() {
            irc.expect(" 900 ");
        }
        irc.greeted(nick);
        irc
    }
}

/// `chat_server account …` on the running server.
fn console(daemon: &Daemon, arguments: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chat_server"))
        .args(["--config".as_ref(), daemon.folder.path().join("config.toml").as_os_str()])
        .args(["--data".as_ref(), daemon.data().as_os_str()])
        .arg("account")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    // Whoever wants no password has closed this already.
    let _ = child.stdin.take().expect("piped").write_all(b"another good one\n");
    assert!(child.wait().expect("it ends").success(), "{arguments:?}");
}

fn ends_at_once(irc: &mut Irc, words: &str) {
    let begun = Instant::now();
    let last = irc.until_closed().unwrap_or_default();
    assert!(last.contains("ERROR :") && last.contains(words), "{last} instead of {words}");
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[test]
fn a_browser_signs_up_comes_back_through_a_kill_and_logs_out() {
    let daemon = Daemon::start("");
    let mut owner = Browser::new(&daemon);
    let before = owner.session();
    assert_eq!(before["signedIn"], false);
    assert_eq!((&before["network"], &before["registration"]), (&json!("testnet"), &json!("open")));
    assert_eq!(
        before["addresses"][0],
        json!({
            "protocol": "irc", "host": "127.0.0.1", "port": daemon.irc().port(), "tls": false
        })
    );
    owner.register("root");
    assert!(owner.cookie.as_ref().is_some_and(|cookie| cookie.starts_with("parlor-")), "{:?}", owner.cookie);
    let mut alice = Browser::new(&daemon);
    alice.register("alice");
    let session = alice.session();
    assert_eq!((&session["signedIn"], &session["username"]), (&json!(true), &json!("alice")));
    assert!(
        session["id"].as_str().is_some_and(|id| id.len() == 36 && session["id"] != owner.session()["id"]),
        "{session}"
    );
    let mut irc = alice.converse("alice");
    irc.send("WHOIS alice");
    irc.expect(" 330 ");
    irc.send("DEVICES");
    let row = irc.expect(" DEVICE ");
    let id = session["device"].as_str().expect("an id");
    assert!(row.contains(&format!(" DEVICE {id} this here WebSocket ")) && row.ends_with(":Firefox on Linux"), "{row}");
    // A second window is the same person; a second login is a second device.
    let _window = alice.converse("alice");
    let mut phone = Browser::new(&daemon);
    assert_eq!(phone.log_in("Alice", PASSWORD).status, 200);
    assert_ne!(phone.cookie, alice.cookie);
    assert!(phone.is_signed_in());
    // Nothing is lost when the process dies, and nothing in its files opens the door.
    let shown = alice.cookie.clone().expect("a cookie");
    let (name, secret) = shown.split_once('=').expect("a value");
    let (data, address) = (daemon.data(), alice.address);
    let folder = daemon.kill();
    for file in std::fs::read_dir(&data).expect("its folder").flatten() {
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        for part in [secret, &secret[22..], PASSWORD] {
            let found = bytes.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!found, "{} has a secret", file.path().display());
        }
    }
    let daemon = Daemon::start_in(folder);
    for browser in [&mut alice, &mut phone] {
        browser.address = daemon.address("http");
        assert!(browser.is_signed_in(), "{address}");
    }
    let mut irc = alice.converse("alice");
    let mut window = alice.converse("alice");
    let mut other = phone.converse("alice");
    assert_eq!(alice.post("/logout", json!({})).status, 200);
    ends_at_once(&mut irc, "logged out");
    ends_at_once(&mut window, "logged out");
    assert_eq!(alice.cookie, None);
    other.send("PING still");
    other.expect("PONG");
    // What was copied before is worth nothing.
    alice.cookie = Some(format!("{name}={secret}"));
    let mut late = alice.websocket(Some(&alice.origin())).expect("a WebSocket");
    late.send("NICK alice\r\nUSER a 0 * :a");
    late.expect("FAIL * LOGIN_ENDED");
    assert!(!alice.is_signed_in());
    assert_eq!(alice.cookie, None, "the browser is told to forget it");
    // One device ends another.
    assert_eq!(alice.log_in("alice", PASSWORD).status, 200);
    let id = alice.session()["device"].as_str().expect("an id").to_owned();
    let mut irc = alice.converse("alice");
    other.drain();
    other.send(&format!("DEVICES END {id}"));
    other.expect(&format!("NOTE DEVICES ENDED {id}"));
    ends_at_once(&mut irc, "ended from another device");
    assert!(!alice.is_signed_in() && phone.is_signed_in());
}

#[test]
fn t19_no_cookie_outlives_its_account_or_its_password_by_a_second() {
    let operator = "[[operator]]\nname = \"ops\"\npassword = \"sesame77\"\nrights = [\"all\"]\n";
    let daemon = Daemon::start(operator);
    let mut root = Browser::new(&daemon);
    root.register("root");
    let mut ops = root.converse("root");
    for (name, arguments, words) in [
        ("disabled", &["disable", "disabled"][..], "the account was disabled"),
        ("deleted", &["delete", "deleted"], "the account was deleted"),
        ("changed", &["set-password", "changed", "--password-stdin"], "the password was changed"),
    ] {
        let mut browser = Browser::new(&daemon);
        browser.register(name);
        let mut irc = browser.converse(name);
        console(&daemon, arguments);
        ends_at_once(&mut irc, words);
        assert!(!browser.is_signed_in(), "{name}");
        assert_eq!(browser.cookie, None, "{name}");
    }
    // By her own hand: other devices go, the one that she sits at stays.
    let (mut here, mut there) = (Browser::new(&daemon), Browser::new(&daemon));
    here.register("alice");
    assert_eq!(there.log_in("alice", PASSWORD).status, 200);
    let (mut irc, mut other) = (here.converse("alice"), there.converse("alice"));
    irc.send(&format!("PASSWORD :/{PASSWORD}/another one of mine/"));
    ends_at_once(&mut other, "the password was changed");
    assert!(here.is_signed_in() && !there.is_signed_in());
    assert_eq!(there.log_in("alice", PASSWORD).status, 401);
    // A ban ends it for as long as it lasts.
    ops.send("KLINE a:alice :noise");
    ops.expect("NOTE KLINE BANNED");
    ends_at_once(&mut irc, "noise");
    let session = here.session();
    assert_eq!((&session["signedIn"], &session["banned"]), (&json!(false), &json!("noise")));
    assert!(here.cookie.is_some());
    ops.send("UNKLINE a:alice");
    ops.expect("NOTE UNKLINE BAN_LIFTED");
    assert!(here.is_signed_in());
}

#[test]
fn t20_what_changes_something_comes_from_our_own_page_alone() {
    let daemon = Daemon::start("[http]\norigins = [\"https://app.example.net\"]\n");
    let mut browser = Browser::new(&daemon);
    browser.register("root");
    browser.register("alice");
    let own = browser.origin();
    let form = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let cases = [
        ("Content-Type: application/json\r\n".to_owned(), 403, "no Origin"),
        ("Origin: https://evil.example\r\nContent-Type: application/json\r\n".to_owned(), 403, "a foreign page"),
        ("Origin: https://app.example.net\r\nContent-Type: application/json\r\n".to_owned(), 403, "an allowed page"),
        ("Origin: null\r\nContent-Type: application/json\r\n".to_owned(), 403, "a page in a sandbox"),
        (format!("Origin: {own}\r\nOrigin: {own}\r\nContent-Type: application/json\r\n"), 403, "two"),
        (
            format!("Origin: {own}\r\nSec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n"),
            403,
            "not from here",
        ),
        (
            format!("Origin: {own}\r\nSec-Fetch-Site: same-site\r\nContent-Type: application/json\r\n"),
            403,
            "a neighbour",
        ),
        (format!("Origin: {own}\r\nContent-Type: text/plain\r\n"), 415, "a form that says it is text"),
        (format!("Origin: {own}\r\nContent-Type: application/x-www-form-urlencoded\r\n"), 415, "a form"),
        (format!("Origin: {own}\r\n"), 415, "nothing said"),
    ];
    for path in ["/login", "/register", "/logout"] {
        for (headers, expected, what) in &cases {
            let cookie = browser.cookie.clone();
            let answered = browser.ask(&format!("POST {path}"), headers, &form);
            assert_eq!(answered.status, *expected, "{path}: {what}");
            assert!(answered.json()["error"].is_string() && answered.header("set-cookie").is_none(), "{answered:?}");
            assert_eq!(browser.cookie, cookie);
        }
        for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
            let answered = browser.ask(&format!("{method} {path}"), &cases[0].0, "");
            assert_eq!((answered.status, answered.header("allow")), (405, Some("POST")), "{method} {path}");
            assert!(answered.header("access-control-allow-origin").is_none());
        }
    }
    assert!(browser.is_signed_in());
    // Nobody else's page reads whom she is logged in as, or speaks for her.
    for headers in ["Sec-Fetch-Site: cross-site\r\n", "Origin: https://app.example.net\r\n"] {
        assert_eq!(browser.ask("GET /session", headers, "").json()["signedIn"], false, "{headers}");
    }
    assert_eq!(browser.websocket(Some("https://evil.example")).err(), Some(403));
    for origin in [None, Some("https://app.example.net")] {
        let guest = browser.websocket(origin).expect("a WebSocket");
        let mut guest = guest.registered("guest");
        guest.send("WHOIS guest\r\nPING x");
        let told = guest.drain().join("\n");
        assert!(!told.contains(" 330 "), "{origin:?}: {told}");
        guest.send("QUIT");
        guest.until_closed();
    }
}

#[test]
fn wrong_forms_are_refused_and_wrong_passwords_look_alike() {
    let daemon = Daemon::start("");
    let mut browser = Browser::new(&daemon);
    browser.register("root");
    browser.cookie = None;
    let headers = format!("Origin: {}\r\nContent-Type: application/json; charset=utf-8\r\n", browser.origin());
    for (path, body, expected, code) in [
        ("/login", "{}", 400, "BAD_REQUEST"),
        ("/login", "[]", 400, "BAD_REQUEST"),
        ("/login", "{\"username\":\"root\"", 400, "BAD_REQUEST"),
        ("/login", "{\"username\":\"root\",\"password\":7}", 400, "BAD_REQUEST"),
        ("/login", "{\"username\":\"root\",\"password\":\"x\",\"more\":1}", 400, "BAD_REQUEST"),
        ("/login", "{\"username\":\"\",\"password\":\"x\"}", 401, "WRONG_CREDENTIALS"),
        ("/login", "{\"username\":\"root\",\"password\":\"\"}", 401, "WRONG_CREDENTIALS"),
        ("/register", "{\"username\":\"not a name\",\"password\":\"four words of it\"}", 400, "BAD_ACCOUNT_NAME"),
        (
            "/register",
            "{\"username\":\"bob\",\"password\":\"four words of it\",\"email\":\"nonsense\"}",
            400,
            "INVALID_EMAIL",
        ),
        (
            "/register",
            "{\"username\":\"bob\",\"password\":\"four words of it\",\"invite\":\"nonsense\"}",
            400,
            "NO_INVITE_LINK",
        ),
        ("/register", "{\"username\":\"ROOT\",\"password\":\"four words of it\"}", 409, "ACCOUNT_EXISTS"),
        ("/register", "{\"username\":\"r00t\\u0430\",\"password\":\"\"}", 400, "WEAK_PASSWORD"),
    ] {
        let answered = browser.ask(&format!("POST {path}"), &headers, body);
        assert_eq!(answered.status, expected, "{path} {body}: {answered:?}");
        let told = answered.json();
        assert!(told["error"].is_string() && told["code"] == code, "{path} {body}: {told}");
    }
    let long = format!("{{\"username\":\"root\",\"password\":\"{}\"}}", "x".repeat(20_000));
    assert_eq!(browser.ask("POST /login", &headers, &long).status, 413);
    let chunked = format!("{headers}Transfer-Encoding: chunked\r\n");
    let endless = format!("POST /login HTTP/1.1\r\nHost: {}\r\n{chunked}\r\n", browser.address);
    let mut link = browser.link();
    link.write_all(endless.as_bytes()).expect("asked");
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    // It may be closed before all is said.
    let _ = (0..64).try_for_each(|_| link.write_all(chunk.as_bytes()));
    assert_eq!(Answered::read(&mut link).status, 413);
    // The answer tells nothing of who exists.
    let (wrong, unknown) = (browser.log_in("root", "guess"), browser.log_in("nobody", "guess"));
    assert_eq!((wrong.status, &wrong.body), (401, &unknown.body));
    assert_eq!(wrong.headers.len(), unknown.headers.len());
}

#[test]
fn a9_guesses_by_post_and_by_sasl_are_counted_together() {
    let daemon = Daemon::start_with(&format!("{TEST_CONFIG}\n[flood]\nconnections_per_minute = 1000\n"));
    let mut alice = Browser { source: "127.0.9.1", ..Browser::new(&daemon) };
    alice.register("root");
    alice.register("alice");
    let mut stranger = Browser { source: "127.0.3.1", ..Browser::new(&daemon) };
    for guess in 0..8 {
        assert_eq!(stranger.log_in("alice", &format!("guess {guess}")).status, 401, "{guess}");
    }
    let answered = stranger.log_in("alice", PASSWORD);
    assert_eq!(answered.status, 429, "{answered:?}");
    let wait: u64 = answered.header("retry-after").and_then(|wait| wait.parse().ok()).expect("how long");
    assert!((1..=60).contains(&wait), "{wait}");
    let mut irc = Irc::over(support::Carrier::lines(Link::Plain(dial_from("127.0.3.1", daemon.irc()))));
    irc.send(&format!("PASS :alice:{PASSWORD}\r\nNICK alice\r\nUSER a 0 * :a"));
    irc.expect("464");
    // The owner is kept out from nowhere that she has been, by page and by cookie.
    let mut owner = Browser { source: "127.0.9.1", ..Browser::new(&daemon) };
    assert_eq!(owner.log_in("alice", PASSWORD).status, 200);
    assert!(alice.is_signed_in());
}

#[test]
fn people_sign_up_with_an_invite_link_where_registration_is_closed() {
    let config = TEST_CONFIG.replace("password_cost", "registration = \"closed\"\npassword_cost");
    let daemon = Daemon::start_with(&format!("{config}\n{}", support::EXEMPT));
    console(&daemon, &["add", "root", "--password-stdin"]);
    let mut root = Browser::new(&daemon);
    assert_eq!(root.session()["registration"], "invite");
    assert_eq!(root.log_in("root", "another good one").status, 200);
    let mut irc = root.converse("root");
    irc.send("JOIN #tea\r\nMODE #tea +i\r\nINVITELINK CREATE #tea 1d 1");
    let created = irc.expect("NOTE INVITELINK CREATED ");
    let link = created.split(' ').find(|word| word.starts_with("inv-")).expect("its token").to_owned();
    // Its page answers like the page itself.
    let page = root.ask(&format!("GET /invite/tea/{link}"), "", "");
    assert_eq!(page.status, if web::IS_BUILT { 200 } else { 404 });
    // What it leads to is said before anybody takes it up, by the name of now; of what is none it is said that it is none.
    let mut leads = |link: &str| {
        let answered = root.ask(&format!("GET /session?invite={link}"), "", "");
        assert_eq!(answered.status, 200, "{answered:?}");
        answered.json()["room"].clone()
    };
    assert_eq!(leads(&link), "#tea");
    irc.send("RENAME #tea #pot");
    irc.expect(" JOIN #pot");
    assert_eq!(leads(&link), "#pot");
    for nothing in ["", "nonsense", &format!("inv-{}", "a".repeat(26))] {
        assert_eq!(leads(nothing), Value::Null, "{nothing}");
    }
    let mut alice = Browser::new(&daemon);
    let form = |invite: Option<&str>| json!({ "username": "alice", "password": PASSWORD, "invite": invite });
    assert_eq!(alice.post("/register", form(None)).status, 403);
    assert_eq!(alice.post("/register", form(Some(&format!("inv-{}", "a".repeat(26))))).status, 403);
    let answered = alice.post("/register", form(Some(&link)));
    assert_eq!(answered.status, 200, "{answered:?}");
    let mut irc = alice.converse("alice");
    irc.expect("JOIN #pot");
    assert_eq!(leads(&link), Value::Null);
    let mut late = Browser::new(&daemon);
    let form = json!({ "username": "late", "password": PASSWORD, "invite": link });
    assert_eq!(late.post("/register", form).status, 403, "it was for one");
}

#[test]
fn t26_every_route_has_its_headers_and_the_cookie_its_attributes() {
    let daemon = Daemon::start(PAGE_OVER_TLS);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
                  manifest-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
                  form-action 'self'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html parlor-worker";
    let script = web::ASSETS.iter().find(|asset| asset.immutable).map_or("/none", |asset| asset.path);
    for tls in [false, true] {
        let mut browser = if tls { Browser::over_tls(&daemon) } else { Browser::new(&daemon) };
        let json_post = format!("Origin: {}\r\nContent-Type: application/json\r\n", browser.origin());
        for (start, headers, caching) in [
            ("GET /", "", if web::IS_BUILT { "no-cache" } else { "no-store" }),
            ("HEAD /", "Accept-Encoding: br\r\n", if web::IS_BUILT { "no-cache" } else { "no-store" }),
            (
                &format!("GET {script}"),
                "",
                if web::IS_BUILT { "public, max-age=31536000, immutable" } else { "no-store" },
            ),
            ("GET /join", "", "no-store"),
            ("GET /style.css", "", "no-store"),
            ("GET /session", "", "no-store"),
            ("POST /login", &json_post, "no-store"),
            ("POST /login", "", "no-store"),
            ("POST /register", &json_post, "no-store"),
            ("POST /logout", "", "no-store"),
            ("DELETE /session", "", "no-store"),
            ("GET /healthz", "", "no-store"),
            ("GET /metrics", "", "no-store"),
            ("GET /ws", "", "no-store"),
            ("GET /ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n", "no-store"),
            ("GET /export/nothing", "", "no-store"),
            ("GET /nothing", "", "no-store"),
            ("POST /", "", "no-store"),
        ] {
            let answered = browser.ask(start, headers, if start.starts_with("POST /log") { "{}" } else { "" });
            let mut own: Vec<(&str, &str)> = answered
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .filter(|(name, _)| {
                    ![
                        "date",
                        "content-length",
                        "content-type",
                        "connection",
                        "etag",
                        "vary",
                        "allow",
                        "upgrade",
                        "sec-websocket-version",
                        "content-encoding",
                        "retry-after",
                    ]
                    .contains(name)
                })
                .collect();
            own.sort_unstable();
            let mut expected = vec![
                ("cache-control", caching),
                ("content-security-policy", policy),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
                ("referrer-policy", "no-referrer"),
                ("x-content-type-options", "nosniff"),
            ];
            if tls {
                expected.insert(6, ("strict-transport-security", "max-age=63072000"));
            }
            assert_eq!(own, expected, "{start} over TLS {tls}: {}", answered.status);
        }
        let name = if tls { "alice" } else { "root" };
        let answered = browser.post("/register", json!({ "username": name, "password": PASSWORD }));
        let set = answered.header("set-cookie").expect("a cookie");
        let (pair, attributes) = set.split_once("; ").expect("attributes");
        let (cookie, value) = pair.split_once('=').expect("a value");
        // 16 bytes that name the account, 32 of chance.
        assert_eq!(value.len(), 64);
        let plain = "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict";
        match tls {
            true => assert!(cookie.starts_with("__Host-parlor-") && attributes == format!("{plain}; Secure"), "{set}"),
            false => assert!(cookie.starts_with("parlor-") && attributes == plain, "{set}"),
        }
        assert!(browser.is_signed_in());
        browser.converse(name).send("QUIT");
    }
}

#[test]
fn t18_no_path_leads_out_of_the_page_and_no_ending_lies() {
    let daemon = Daemon::start("");
    let mut browser = Browser::new(&daemon);
    for path in [
        "/../config.toml",
        "/..%2fconfig.toml",
        "/%2e%2e/config.toml",
        "/assets/../../data/parlor.db",
        "/assets/..%5c..%5cdata",
        "//etc/passwd/",
        "/assets/",
        "/assets//",
        "/.vite/manifest.json",
        "/src/main.ts",
        "/package.json",
        "/data/parlor.db",
        "/index.html%00.png",
        "/assets/%00",
        "/INDEX.HTML",
        "/style.css/x",
        "/x?/../../config.toml",
        "http://127.0.0.1/../config.toml",
    ] {
        let answered = browser.ask(&format!("GET {path}"), "", "");
        let text = String::from_utf8_lossy(&answered.body);
        assert!(!text.contains("[[listener]]") && !text.contains("SQLite format"), "{path}");
        // `//` begins with the page's own first part, which is none.
        let is_page = path.starts_with("//") && web::IS_BUILT;
        assert_eq!(answered.status, if is_page { 200 } else { 404 }, "{path}");
    }
    for asset in web::ASSETS {
        let answered = browser.ask(&format!("GET {}", asset.path), "", "");
        assert_eq!(answered.status, 200, "{}", asset.path);
        assert_eq!(answered.header("content-type"), Some(asset.content_type));
        assert_eq!(answered.body, asset.plain);
        let etag = answered.header("etag").expect("an ETag").to_owned();
        let known = browser.ask(&format!("GET {}", asset.path), &format!("If-None-Match: {etag}\r\n"), "");
        assert_eq!((known.status, known.body.len()), (304, 0), "{}", asset.path);
        if let Some(compressed) = asset.brotli {
            let answered = browser.ask(&format!("GET {}", asset.path), "Accept-Encoding: gzip, br\r\n", "");
            assert_eq!((answered.header("content-encoding"), &answered.body[..]), (Some("br"), compressed));
        }
    }
}

/// T11, and the other way round: what an IRC client says is no HTTP, and what a form says is no IRC.
#[test]
fn t11_lines_in_a_form_are_nobodys_lines() {
    let daemon = Daemon::start("");
    let mut watcher = Irc::register(daemon.irc(), "watcher");
    watcher.join("#tea");
    let lines = "NICK evil\r\nUSER evil 0 * :evil\r\nJOIN #tea\r\nPRIVMSG #tea :from a form\r\n";
    for address in [daemon.irc(), daemon.address("http")] {
        let mut stream = dial(address);
        let form = format!(
            "POST /login HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Type: text/plain\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{lines}",
            lines.len()
        );
        stream.write_all(form.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        // The IRC port closes without a word, perhaps before all is read.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains(" 001 ") && !answer.contains("NICK"), "{answer}");
    }
    let heard = watcher.drain().join("\n");
    assert!(!heard.contains("evil"), "{heard}");
}

#[test]
fn a2_a_form_that_never_ends_is_closed_in_time() {
    let daemon = Daemon::start("[limits]\nhandshake_seconds = 1\n");
    let address = daemon.address("http");
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n"
    );
    let mut dawdlers: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = dial(address);
            stream.write_all(head.as_bytes()).expect("sent");
            stream.set_nonblocking(true).expect("set");
            stream
        })
        .collect();
    let begun = Instant::now();
    let mut answers: Vec<Vec<u8>> = vec![Vec::new(); dawdlers.len()];
    let mut open: Vec<usize> = (0..dawdlers.len()).collect();
    let mut last_byte = Instant::now();
    while !open.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(4), "{} are open still", open.len());
        // A byte each twentieth of a second: none of them buys time.
        let says = last_byte.elapsed() > Duration::from_millis(50);
        if says {
            last_byte = Instant::now();
        }
        open.retain(|place| {
            let stream = &mut dawdlers[*place];
            if says {
                let _ = stream.write(b" ");
            }
            let mut bytes = [0; 2_048];
            match stream.read(&mut bytes) {
                Ok(0) => false,
                Ok(read) => {
                    answers[*place].extend_from_slice(&bytes[..read]);
                    true
                }
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            }
        });
        std::thread::yield_now();
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    let told = answers.iter().filter(|answer| answer.starts_with(b"HTTP/1.1 408 ")).count();
    assert!(told > 0, "nobody is told why");
    let mut browser = Browser::new(&daemon);
    browser.register("root");
}

/// T7 behind the login: each of these ends the one connection with its code, and nothing else.
#[test]
fn t7_frames_that_are_none_end_a_logged_in_page_alone() {
    let daemon = Daemon::start("");
    let mut browser = Browser::new(&daemon);
    browser.register("root");
    let mut other = browser.converse("root");
    let cases: [(&[u8], u16, &str); 14] = [
        (b"\xc1\x80\0\0\0\0", 1002, "a reserved bit"),
        (b"\x83\x80\0\0\0\0", 1002, "a reserved opcode"),
        (b"\x8b\x80\0\0\0\0", 1002, "a reserved control opcode"),
        (b"\x81\x01x", 1002, "no mask"),
        (b"\x09\x80\0\0\0\0", 1002, "a ping in pieces"),
        (b"\x89\xfe\0\x7e\0\0\0\0", 1002, "a long ping"),
        (b"\x80\x80\0\0\0\0", 1002, "nothing to continue"),
        (b"\x01\x81\0\0\0\0x\x81\x81\0\0\0\0y", 1002, "a message in a message"),
        (b"\x81\xfe\0\x05\0\0\0\0hello", 1002, "a length that is too long for what it says"),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1002, "the highest bit of a length"),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009, "a message of 2^63 bytes"),
        (b"\x81\x82\0\0\0\0\xc3\x28", 1007, "text that is none"),
        (b"\x88\x81\0\0\0\0x", 1002, "half a close code"),
        (b"\x88\x82\0\0\0\0\x03\xed", 1002, "a close code that is none"),
    ];
    for (frame, code, what) in cases {
        let mut stream = dial(browser.address);
        let ask = format!(
            "GET /ws HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Cookie: {1}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            browser.address,
            browser.cookie.as_deref().expect("a cookie")
        );
        stream.write_all(ask.as_bytes()).expect("asked");
        let line = |text: &str| [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
        stream.write_all(&[line("NICK root"), line("USER r 0 * :r")].concat()).expect("said");
        let mut received = Vec::new();
        let is_welcome = |received: &[u8]| received.windows(5).any(|part| part == b" 422 ");
        while !is_welcome(&received) {
            let mut bytes = [0; 4_096];
            let read = stream.read(&mut bytes).expect("a welcome");
            assert!(read > 0, "closed before the welcome: {:?}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&bytes[..read]);
        }
        assert!(received.windows(5).any(|part| part == b" 900 "), "{what}");
        stream.write_all(frame).expect("sent");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        let close = rest.windows(2).rposition(|two| two == code.to_be_bytes());
        let is_close = close.is_some_and(|at| at >= 2 && rest[at - 2] == 0x88);
        assert!(is_close, "{what}: {:?}", String::from_utf8_lossy(&rest));
    }
    other.send("@label=1 PING still");
    let pong = other.expect("PONG");
    assert_eq!(tag(&pong, "label"), Some("1"));
}
