//! The reader against files, environments and flags; the sample against the reader.

use super::environment::TABLES;
use super::*;

/// Loads `text` as `parlor.toml` in a folder of its own, with the variables and flags given.
fn load(text: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.toml");
    std::fs::write(&file, text).unwrap();
    for name in ["cert.pem", "key.pem", "motd.txt"] {
        std::fs::write(folder.path().join(name), "Hello\nworld\n").unwrap();
    }
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let place = format!("{}/", folder.path().display());
    Config::load(&Sources { file: Some(file), environment, flags })
        .map_err(|error| error.to_string().replace(&place, ""))
}

fn of(text: &str) -> Config {
    load(text, &[], Flags::default()).unwrap()
}

/// The lines of the sample that `is_key` accepts without their `prefix`, all other comments left out.
fn uncommented(prefixes: &[&str]) -> String {
    let is_key = |line: &str| {
        line.starts_with('[')
            || line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    SAMPLE
        .lines()
        .map(|line| {
            prefixes.iter().filter_map(|prefix| line.strip_prefix(prefix)).find(|rest| is_key(rest)).unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_sample_is_the_defaults() {
    assert_eq!(of(SAMPLE).listeners, Config::default().listeners);
    assert_eq!(of(SAMPLE), Config::default());
    let all = of(&uncommented(&["#"]));
    let folder = &all.storage.path;
    assert!(folder.is_absolute() && folder.ends_with("parlor-data"), "{}", folder.display());
    let storage = Config::default().storage;
    assert_eq!(Config { storage, ..all }, Config::default());
}

#[test]
fn the_examples_of_the_sample_are_valid() {
    let text = uncommented(&["#", "# "]).replace("motd_file = ", "# ");
    let config = of(&text);
    assert_eq!(config.server.name, "chat.example.org");
    assert_eq!(config.server.motd, ["Welcome.", "Be kind."]);
    assert_eq!(config.tls.sts, Some(Sts { duration: Duration::from_secs(30 * 86_400), port: 6697, preload: false }));
    assert_eq!(config.proxy.webirc.len(), 1);
    assert_eq!(config.operators[0].rights, OPERATOR_RIGHTS);
    assert!(config.warnings.iter().any(|warning| warning.contains("in the clear")), "{:?}", config.warnings);
}

#[test]
fn every_key_stands_in_the_sample() {
    for table in TABLES {
        let (header, required) = match table {
            "listener" => ("[[listener]]".to_string(), "address = \"127.0.0.1:1\"\n"),
            "operator" => ("[[operator]]".to_string(), "name = \"a\"\npassword = \"b\"\n"),
            table => (format!("[{table}]"), ""),
        };
        let complaint = load(&format!("{header}\n{required}qqqqqqqq = 1\n"), &[], Flags::default()).unwrap_err();
        let (_, keys) = complaint.split_once("the keys here are ").unwrap();
        for key in keys.split(", ").map(str::trim) {
            let documented = SAMPLE.lines().any(|line| {
                line.trim_start_matches(['#', ' ']).strip_prefix(key).is_some_and(|rest| rest.starts_with(" = "))
                    || line.contains(&format!("[[{table}.{key}]]"))
            });
            assert!(documented, "{key} of [{table}]");
        }
    }
}

#[test]
fn the_contract_s_example_is_read() {
    let config = of(r##"
[server]
name = "parlor.example"
network = "parlor"
description = "A friendly parlor"
motd = "Welcome.\nBe kind."
casemapping = "precis"
lookup_hostnames = false
admin = { name = "…", location = "…", email = "…" }
[[listener]]
address = "127.0.0.1:6667"
protocol = "irc"
tls = false
proxy_protocol = false
[tls]
certificate = "cert.pem"
key = "key.pem"
[storage]
path = "parlor-data"
durability = "full"
[accounts]
registration = "open"
register_before_connect = true
email_required = false
sasl_mechanisms = ["PLAIN", "SCRAM-SHA-256", "EXTERNAL"]
password_cost = "test"
guests = true
nick_protection = true
nick_follows_account = false
default_user_modes = ""
always_on = "opt-in"
login_attempts = 3
[rooms]
auto_join = ["#lobby"]
creation = "anyone"
[history]
max_page = 100
retention = "90d"
unread_replay = 0
[limits]
nick_length = 32
channel_length = 64
topic_length = 390
kick_length = 390
away_length = 200
list_modes = 100
monitor = 100
whowas = 100
multiline_bytes = 4096
multiline_lines = 64
metadata_keys = 20
sendq_bytes = 1_048_576
recvq_bytes = 16_384
connections = 0
connections_per_address = 64
handshake_seconds = 10
register_seconds = 30
stalled_seconds = 30
socket_send_buffer_bytes = 262_144
ping_seconds = 120
[flood]
exempt = ["127.0.0.0/8", "::1"]
lines_per_second = 4
burst_lines = 40
connections_per_minute = 60
[proxy]
trusted = []
[http]
origins = []
[[operator]]
name = "admin"
password = "plain works with a warning"
rights = ["all"]
whois_line = "is a server admin"
[discovery]
mdns = false
[log]
level = "info"
"##);
    assert_eq!(config.server.name, "parlor.example");
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.accounts.password_cost, PasswordCost::Test);
    assert_eq!(config.history.retention, Retention::For(Duration::from_secs(90 * 86_400)));
    assert_eq!(config.limits, Limits::default());
    assert!(any_contains(&config.flood.exempt, "127.0.0.1".parse().unwrap()));
    // The operator's password in plain text.
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
}

#[test]
fn every_mistake_names_line_key_and_mend() {
    let check = |text: &str, expected: &str| {
        let complaints = load(text, &[], Flags::default()).map(|_| ()).unwrap_err();
        assert_eq!(complaints, expected, "for {text:?}");
    };
    // Not TOML, unknown, wrong kind, out of range.
    check(
        "[server\nname = 1",
        "parlor.toml:1: this is not TOML: unclosed table, expected `]`; write tables as [server], keys as \
         name = \"text\", numbers and true or false without quotes",
    );
    check(
        "[server]\nname = \"a\"\nname = \"b\"",
        "parlor.toml:3: name: it stands here a second time; keep one of the two",
    );
    check(
        "[server]\nname = \"a\"\n[server]\ndescription = \"b\"",
        "parlor.toml:3: server: it stands here a second time; keep one of the two",
    );
    check("\n[server]\nnam = \"x\"", "parlor.toml:3: [server] nam: there is no such key; did you mean \"name\"?");
    check("[severs]\n", "parlor.toml:1: severs: there is no such key; did you mean \"server\"?");
    check("[discovery]\nfoo = 1", "parlor.toml:2: [discovery] foo: there is no such key; the keys here are mdns");
    check(
        "[server]\nadmin = { nam = \"x\" }",
        "parlor.toml:2: [server] admin nam: there is no such key; did you mean \"name\"?",
    );
    check("[server]\nname = 7", "parlor.toml:2: [server] name: this is a number, and a text in quotes is wanted");
    check(
        "[limits]\nsendq_bytes = \"1 MB\"",
        "parlor.toml:2: [limits] sendq_bytes: this is a text, and a whole number (without quotes) is wanted",
    );
    check(
        "[accounts]\nguests = \"no\"",
        "parlor.toml:2: [accounts] guests: this is a text, and true or false (without quotes) is wanted",
    );
    check(
        "[limits]\nping_seconds = 0",
        "parlor.toml:2: [limits] ping_seconds: 0 is out of range; write a number from 1 to 86400",
    );
    check(
        "[accounts]\nalways_on = \"yes\"",
        "parlor.toml:2: [accounts] always_on: \"yes\" is none of \"disabled\", \"opt-in\", \"opt-out\", \"mandatory\"",
    );
    check(
        "[storage]\npath = \"key.pem\"",
        "parlor.toml:2: [storage] path: key.pem is a file, and a folder is wanted; name a folder",
    );
    check("server = 1", "parlor.toml:1: server: this is a number, and a table [server] is wanted");
    check(
        "[listener]\naddress = \"127.0.0.1:1\"",
        "parlor.toml:1: listener: this is a table, and a table [[listener]] with two brackets is wanted",
    );
    // Listeners.
    check(
        "[[listener]]\naddress = \"6667\"",
        "parlor.toml:2: [[listener]] address: \"6667\" is no address with a port; \
         write one like \"127.0.0.1:6667\", \"0.0.0.0:6697\" or \"[::]:6697\"",
    );
    check(
        "[[listener]]\nprotocol = \"irc\"",
        "parlor.toml:1: [[listener]] address: it is missing; write one like address = \"127.0.0.1:6667\"",
    );
    check(
        "[[listener]]\naddress = \"127.0.0.1:6667\"\n\n[[listener]]\naddress = \"127.0.0.1:6667\"",
        "parlor.toml:4: [[listener]] address: another listener has 127.0.0.1:6667 already; change the port, or remove one",
    );
    check(
        "[[listener]]\naddress = \"0.0.0.0:6667\"\n[[listener]]\naddress = \"127.0.0.1:6667\"",
        "parlor.toml:3: [[listener]] address: 0.0.0.0:6667 covers 127.0.0.1:6667 already; change the port, or remove one",
    );
    check(
        "[[listener]]\naddress = \"127.0.0.1:6667\"\nproxy_protocol = true",
        "parlor.toml:3: [[listener]] proxy_protocol: nobody may send a PROXY header, so nobody could connect; \
         name the proxy's address in [proxy] trusted",
    );
    // Contradictions.
    check(
        "[[listener]]\naddress = \"0.0.0.0:6667\"\n[accounts]\npassword_cost = \"test\"",
        "parlor.toml:4: [accounts] password_cost: \"test\" protects no password, and a listener is not on loopback; \
         write \"standard\"",
    );
    check(
        "[tls]\ncertificate = \"cert.pem\"",
        "parlor.toml:2: [tls] certificate: there is no key for it; set key as well",
    );
    check(
        "[tls]\ncertificate = \"cert.pem\"\nkey = \"missing.pem\"",
        "parlor.toml:3: [tls] key: missing.pem: there is no such file; name a readable PEM file",
    );
    check(
        "[server]\nmotd = \"a\"\nmotd_file = \"motd.txt\"",
        "parlor.toml:3: [server] motd_file: motd is set as well; keep one of the two",
    );
    check(
        "[tls]\nsts = { port = 6697 }",
        "parlor.toml:2: [tls] sts port: sts needs a duration as well, such as duration = \"30d\"",
    );
    check(
        "[accounts]\nguests = false\nregister_before_connect = false\nsasl_mechanisms = []",
        "parlor.toml:2: [accounts] guests: without guests, register_before_connect and sasl_mechanisms nobody could \
         come in; allow one of them",
    );
    check(
        "[[operator]]\nname = \"a\"\npassword = \"$argon2id$x\"",
        "parlor.toml:3: [[operator]] password: the hash is damaged; make a new one with `chat_server password`",
    );
    // Values that no type describes.
    check(
        "[server]\nname = \"my server\"",
        "parlor.toml:2: [server] name: \"my server\" is no server name; \
         write 1 to 63 letters, digits, dots and hyphens",
    );
    check(
        "[server]\ndescription = \"a\\nb\"",
        "parlor.toml:2: [server] description: control characters and line ends are not allowed here; write one plain line",
    );
    check(
        "[rooms]\nauto_join = [\n  \"#ok\",\n  \"lobby\",\n]",
        "parlor.toml:4: [rooms] auto_join: \"lobby\" is no room's name; \
         write # and up to 63 bytes without spaces and commas",
    );
    check(
        "[history]\nretention = \"soon\"",
        "parlor.toml:2: [history] retention: \"soon\" is neither \"forever\" nor a time such as \"90d\"",
    );
    check(
        "[flood]\nexempt = [\"localhost\"]",
        "parlor.toml:2: [flood] exempt: \"localhost\" is no address range; write one like \"192.168.0.0/16\" or \"::1\"",
    );
    check(
        "[http]\norigins = [\"chat.example.org\"]",
        "parlor.toml:2: [http] origins: \"chat.example.org\" is no origin; \
         write one like \"https://chat.example.org\", or \"*\" for any",
    );
    check(
        "[http]\nmetrics_token = \"short\"",
        "parlor.toml:2: [http] metrics_token: it can be guessed; write at least 16 characters",
    );
    check(
        "[[operator]]\nname = \"a\"\npassword = \"$argon2id$oops\"",
        "parlor.toml:3: [[operator]] password: the hash is damaged; make a new one with `chat_server password`",
    );
    check(
        "[[operator]]\nname = \"a\"\npassword = \"b\"\nrights = [\"all\", \"fly\"]",
        "parlor.toml:4: [[operator]] rights: \"fly\" is none of \"all\", \"kill\", \"rehash\", \"stop\", \"see-all\", \
         \"announce\", \"accounts\", \"rooms\", \"statistics\", \"relay\"",
    );
    check(
        "[[proxy.webirc]]\naddresses = [\"::1\"]",
        "parlor.toml:1: [[proxy.webirc]] password: it is missing; a gateway needs a password",
    );
    // All of them at once.
    check(
        "[log]\nlevel = 1\n[discovery]\nmdns = 1",
        "parlor.toml:4: [discovery] mdns: this is a number, and true or false (without quotes) is wanted\n\
         parlor.toml:2: [log] level: this is a number, and a text in quotes is wanted",
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let sources = Sources { file: Some("/nonexistent/parlor.toml".into()), ..Sources::default() };
    let complaint = Config::load(&sources).unwrap_err().to_string();
    assert_eq!(
        complaint,
        "/nonexistent/parlor.toml: there is no such file; \
         name an existing file with --config, or start without it for the defaults"
    );
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let file = "[server]\nnetwork = \"file\"\n[storage]\npath = \"from-file\"\n[[listener]]\naddress = \"127.0.0.1:1\"";
    let config = load(
        file,
        &[
            ("PARLOR_SERVER_NETWORK", "environment"),
            ("PARLOR_SERVER_ADMIN", "{ name = \"Ada\" }"),
            ("PARLOR_LIMITS_SENDQ_BYTES", "65_536"),
            ("PARLOR_ACCOUNTS_GUESTS", "false"),
            ("PARLOR_FLOOD_EXEMPT", "127.0.0.0/8, ::1"),
            ("PARLOR_STORAGE_PATH", "from-environment"),
            ("PARLOR_LISTENER", "irc://127.0.0.1:7000, ircs+proxy://[::1]:7001,http://localhost"),
            ("PARLOR_PROXY_TRUSTED", "10.0.0.0/8"),
            ("PARLOR_OPERATOR", "[{ name = \"root\", password = \"secret\", rights = [\"kill\"] }]"),
            ("PARLOR_PASSWORD", "of the client"),
        ],
        Flags { data: Some("from-flag".into()), log: Some("debug".into()), ..Flags::default() },
    )
    .unwrap();
    assert_eq!(config.server.network, "environment");
    assert_eq!(config.server.admin.name, "Ada");
    assert_eq!(config.limits.sendq_bytes, 65_536);
    assert!(!config.accounts.guests);
    assert_eq!(config.flood.exempt.len(), 2);
    assert_eq!(config.storage.path, PathBuf::from("from-flag"));
    assert_eq!(config.log.level, LogLevel::Debug);
    let listeners: Vec<String> =
        config.listeners.iter().map(|listener| format!("{}://{}", listener.scheme(), listener.address)).collect();
    assert_eq!(listeners, ["irc://127.0.0.1:7000", "ircs://[::1]:7001", "http://127.0.0.1:8080"]);
    assert!(config.listeners[1].proxy_protocol);
    assert_eq!(config.operators[0].rights, ["kill"]);

    // A list as the file has it.
    let config = load(
        "",
        &[("PARLOR_FLOOD_EXEMPT", "[\"127.0.0.0/8\", '::1']"), ("PARLOR_PROXY_TRUSTED", " []")],
        Flags::default(),
    );
    let config = config.unwrap();
    assert_eq!((config.flood.exempt.len(), config.proxy.trusted.len()), (2, 0));

    let flags = Flags { listen: vec!["irc://127.0.0.1:0".into()], ..Flags::default() };
    let config = load(file, &[("PARLOR_LISTENER", "irc://127.0.0.1:7000")], flags).unwrap();
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.listeners[0].address.port(), 0);
}

#[test]
fn mistakes_in_the_environment_and_flags_name_them() {
    let check = |name: &str, value: &str, expected: &str| {
        let complaint = load("", &[(name, value)], Flags::default()).map(|_| ()).unwrap_err();
        assert_eq!(complaint, expected);
    };
    check(
        "PARLOR_SERVER_NAEM",
        "x",
        "environment variable PARLOR_SERVER_NAEM: [server] naem: there is no such key; did you mean \"name\"?",
    );
    check(
        "PARLOR_LIMITS_MONITOR",
        "many",
        "environment variable PARLOR_LIMITS_MONITOR: [limits] monitor: this is a text, and a whole number \
         (without quotes) is wanted",
    );
    check(
        "PARLOR_LOG",
        "debug",
        "environment variable PARLOR_LOG: this names a table; name a key as well, as in PARLOR_LOG_KEY",
    );
    check(
        "PARLOR_LISTENER",
        "gopher://127.0.0.1:70",
        "environment variable PARLOR_LISTENER: \"gopher\" is none of irc, ircs, http, https; \
         write one like irc://127.0.0.1:6667, ircs://0.0.0.0:6697 or http://127.0.0.1:8080",
    );
    check(
        "PARLOR_LISTENER_ADDRESS",
        "127.0.0.1:1",
        "environment variable PARLOR_LISTENER_ADDRESS: one variable sets the whole list; name it PARLOR_LISTENER",
    );
    let flags = Flags { log: Some("loud".into()), ..Flags::default() };
    assert_eq!(
        load("", &[], flags).unwrap_err(),
        "flag --log: [log] level: \"loud\" is none of \"error\", \"warn\", \"info\", \"debug\", \"trace\""
    );
}

#[test]
fn lan_opens_tls_and_the_page_but_not_plain_irc() {
    let addresses = |config: &Config| -> Vec<String> {
        config.listeners.iter().map(|listener| format!("{}://{}", listener.scheme(), listener.address)).collect()
    };
    let lan = || Flags { lan: true, ..Flags::default() };
    let config = load("", &[], lan()).unwrap();
    assert_eq!(
        addresses(&config),
        [
            "irc://127.0.0.1:6667",
            "ircs://0.0.0.0:6697",
            "ircs://[::]:6697",
            "http://0.0.0.0:8080",
            "http://[::]:8080",
            "https://0.0.0.0:8443",
            "https://[::]:8443",
        ]
    );
    assert!(config.listeners.iter().all(|listener| listener.v6_only == listener.address.is_ipv6()));
    let may_be_missing = |listener: &Listener| listener.address.is_ipv6() || listener.scheme() == "https";
    assert!(config.listeners.iter().all(|listener| listener.optional == may_be_missing(listener)));
    // Whoever writes listeners has those.
    let config = load("[[listener]]\nprotocol = \"http\"\naddress = \"127.0.0.1:8000\"", &[], lan()).unwrap();
    assert_eq!(addresses(&config), ["http://0.0.0.0:8000", "http://[::]:8000"]);
    let config = load("[[listener]]\naddress = \"192.0.2.1:6697\"\ntls = true", &[], lan()).unwrap();
    assert_eq!(addresses(&config), ["ircs://192.0.2.1:6697"]);
}

#[test]
fn what_needs_a_restart_stays_as_it_was_and_is_listed() {
    let old = of("");
    let kept = |text: &str| {
        let mut new = of(text);
        let kept = new.keep_until_restart(&old);
        assert_eq!(new.keep_until_restart(&old), Vec::<&str>::new(), "{text}");
        (new, kept)
    };
    let check = |text: &str, expected: &[&str]| assert_eq!(kept(text).1, expected, "{text}");
    let storage = |rest: &str| format!("[storage]\npath = \"{}\"\n{rest}", std::env::temp_dir().display());
    check(&storage(""), &["storage.path"]);
    let (new, _) = kept("[server]\ncasemapping = \"ascii\"\nmotd = \"new\"\n[limits]\nnick_length = 9\nmonitor = 9");
    assert_eq!((new.server.casemapping, new.limits.nick_length), (Casemapping::Precis, 32));
    assert_eq!((new.server.motd, new.limits.monitor), (vec!["new".to_owned()], 9));
    check("[server]\nmotd = \"x\"\n[limits]\nsendq_bytes = 65536", &[]);
    check("[server]\nname = \"other.example\"", &["server.name"]);
    check(
        "[[listener]]\naddress = \"127.0.0.1:1\"\n[storage]\ndurability = \"relaxed\"",
        &["listener", "storage.durability"],
    );
}

#[test]
fn a_server_that_nobody_can_reach_is_not_announced() {
    let warnings = of("[discovery]\nmdns = true").warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with("[discovery] mdns: nothing is announced"), "{warnings:?}");
    assert_eq!(Config::default().warnings, Vec::<String>::new());
    let lan = load("", &[], Flags { lan: true, ..Flags::default() }).unwrap();
    assert!(lan.discovery.mdns && lan.warnings.is_empty(), "{:?}", lan.warnings);
}

#[test]
fn a_message_that_would_fill_everyone_s_outbox_is_warned_of() {
    let warned = |text: &str| of(text).warnings.iter().any(|warning| warning.starts_with("[limits] sendq_bytes: "));
    assert!(warned("[limits]\nmultiline_bytes = 1048576"));
    assert!(warned("[limits]\nmultiline_lines = 10000"));
    assert!(!warned("[limits]\nmultiline_bytes = 40000\nmultiline_lines = 100"));
}

#[test]
fn secrets_are_not_in_the_debug_form() {
    let config =
        of("[server]\npassword = \"marked-secret\"\n[[operator]]\nname = \"a\"\npassword = \"marked-secret\"\n\
                     [http]\nmetrics_token = \"marked-secret-token\"");
    assert!(!format!("{config:?}").contains("marked-secret"));
}
