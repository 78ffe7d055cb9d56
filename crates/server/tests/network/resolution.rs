//! From a typed name to the server: SRV records of a real DNS server, races of addresses, certificates that must be of the
//! name, and networks in which nobody answers.

use crate::hosts::{Family, Hosts, Program};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Whoever asks, on host 2; the server is on host 1, and DNS on host 3.
const ASKS: usize = 2;
const DNS: usize = 3;

/// With a name server on host 3 that says this; `None`: skipped.
fn with_dns(options: &[&str]) -> Option<(Hosts, Program)> {
    if let Err(why) = Command::new("dnsmasq").arg("--version").output() {
        assert!(std::env::var_os("CI").is_none(), "CI must have dnsmasq: {why}");
        eprintln!("skipped: there is no dnsmasq here ({why}); install it (`apt-get install dnsmasq-base`)");
        return None;
    }
    let hosts = Hosts::new(3, Family::Both)?;
    let dns = hosts.serve_dns(DNS, options);
    hosts.etc(ASKS, "resolv.conf", "nameserver 192.168.77.3\n");
    Some((hosts, dns))
}

/// An authority, and a certificate of its for these names: the files of the authority, the certificate and the key.
fn certified(hosts: &Hosts, names: &[&str]) -> (PathBuf, PathBuf, PathBuf) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let authority_certificate = authority.self_signed(&authority_key).expect("an authority");
    let issuer = Issuer::new(authority, authority_key);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = hosts.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    (
        write("authority.pem", authority_certificate.pem()),
        write("certificate.pem", certificate.pem()),
        write("key.pem", key.serialize_pem()),
    )
}

/// On host 1, for the network: TLS on 6697, plain text on 6667 as well, and more of the configuration.
fn serve(hosts: &Hosts, more: &str) -> Program {
    let config = hosts.folder.path().join("server.toml");
    std::fs::write(&config, format!("{more}\n[accounts]\npassword_cost = \"standard\"\n")).expect("a configuration");
    let listeners =
        ["--listen", "ircs://[::]:6697", "--listen", "ircs://0.0.0.0:6697", "--listen", "irc://0.0.0.0:6667"];
    let config = ["--config", config.to_str().expect("UTF-8")];
    let server = hosts.start(1, "chat_server", &[&listeners[..], &config].concat());
    server.says("Ready.");
    server
}

/// What `connect --json` tells, step by step, and how it ended.
struct Told {
    steps: Vec<Value>,
    code: Option<i32>,
}

impl Told {
    #[track_caller]
    fn of(mut program: Program) -> Told {
        let steps = program.rest().iter().map(|line| serde_json::from_str(line).expect("an object")).collect();
        Told { steps, code: program.ends().0.code() }
    }

    fn all(&self, word: &str) -> Vec<&Value> {
        self.steps.iter().filter(|step| step["step"] == word).collect()
    }

    #[track_caller]
    fn one(&self, word: &str) -> &Value {
        self.all(word).first().copied().unwrap_or_else(|| panic!("no {word} in {:#?}", self.steps))
    }

    fn at(&self, word: &str) -> f64 {
        self.one(word)["at_ms"].as_f64().expect("a time")
    }

    fn sentence(&self) -> &str {
        self.one("result")["sentence"].as_str().expect("a sentence")
    }

    /// Which records were asked for, and of whom.
    fn questions(&self) -> Vec<String> {
        let asked = self.all("asked").into_iter();
        asked
            .map(|step| format!("{} {}", step["question"]["kinds"][0], step["question"]["name"]).replace('"', ""))
            .collect()
    }
}

#[track_caller]
fn connect(hosts: &Hosts, arguments: &[&str]) -> Told {
    Told::of(hosts.start(ASKS, "chat_client", &[&["connect", "--json"], arguments].concat()))
}

#[test]
fn srv_names_the_machine_and_the_certificate_is_of_what_was_typed() {
    // The first machine refuses: nothing listens at that port. The second is the one.
    let Some((hosts, _dns)) = with_dns(&[
        "--srv-host=_ircs._tcp.chat.example,irc2.example,6697,20,0",
        "--srv-host=_ircs._tcp.chat.example,irc1.example,7000,10,0",
        "--srv-host=_irc._tcp.chat.example,irc2.example,6667,0,0",
        "--host-record=irc1.example,192.168.77.1",
        "--host-record=irc2.example,192.168.77.1,fd77::1",
    ]) else {
        return;
    };
    let (authority, certificate, key) = certified(&hosts, &["chat.example"]);
    let tls = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}");
    let _server = serve(&hosts, &tls);

    let told = Told::of(hosts.start_with(
        ASKS,
        "chat_client",
        &["connect", "--json", "chat.example"],
        &[("SSL_CERT_FILE", &authority)],
    ));
    assert_eq!(told.code, Some(0), "{:#?}", told.steps);
    let machines = told.one("service-chosen")["machines"].as_array().expect("machines").clone();
    let machines: Vec<&Value> = machines.iter().map(|machine| &machine["target"]).collect();
    assert_eq!(machines, ["irc1.example", "irc2.example"]);
    assert_eq!(told.one("not-reached")["address"], "192.168.77.1:7000");
    assert_eq!(told.one("reached")["address"], "[fd77::1]:6697");
    assert_eq!(told.one("certificate")["belief"], "known-issuer");
    assert!(told.one("greeted")["line"].as_str().is_some_and(|line| line.contains(" CAP * LS ")));
    let answers = told.all("answered");
    let srv = answers.iter().find(|step| step["question"]["kinds"][0] == "SRV").expect("an answer");
    assert_eq!((&srv["records"][0]["ttl"], srv["records"].as_array().map(Vec::len)), (&77.into(), Some(2)));
    // Plain text was not asked for, so nobody is talked into it.
    assert!(!told.questions().iter().any(|question| question.contains("_irc._tcp")), "{:?}", told.questions());

    // A real conversation goes the same way.
    let mut joining = hosts.start_with(
        ASKS,
        "chat_client",
        &["--guest", "--send", "hello", "chat.example"],
        &[("SSL_CERT_FILE", &authority)],
    );
    let (status, complaints) = joining.ends();
    assert_eq!(status.code(), Some(0), "{complaints}");
    assert!(!complaints.contains("new to this machine"), "{complaints}");

    // Who asks for plain text gets that record. It listens on IPv4 only, so IPv6 refuses.
    let told = connect(&hosts, &["--plain", "chat.example"]);
    assert_eq!(
        (told.code, &told.one("reached")["address"]),
        (Some(0), &"192.168.77.1:6667".into()),
        "{:#?}",
        told.steps
    );
}

#[test]
fn a_port_that_was_typed_is_the_port() {
    let Some((hosts, _dns)) =
        with_dns(&["--srv-host=_ircs._tcp.chat.example,irc1.example,7000", "--host-record=chat.example,192.168.77.1"])
    else {
        return;
    };
    let _server = serve(&hosts, "");
    let told = connect(&hosts, &["chat.example:6697"]);
    assert_eq!(told.code, Some(0), "{:#?}", told.steps);
    assert_eq!(told.questions(), ["AAAA chat.example", "A chat.example"]);
}

#[test]
fn a_domain_may_say_that_it_has_no_server() {
    let Some((hosts, _dns)) =
        with_dns(&["--srv-host=_ircs._tcp.chat.example", "--host-record=chat.example,192.168.77.1"])
    else {
        return;
    };
    let _server = serve(&hosts, "");
    let told = connect(&hosts, &["chat.example"]);
    assert_eq!(told.code, Some(2), "{:#?}", told.steps);
    assert!(told.sentence().contains("says that it has no chat server"), "{}", told.sentence());
    assert!(told.all("trying").is_empty(), "{:#?}", told.steps);
}

#[test]
fn a_certificate_of_another_name_is_refused() {
    // What an attacker has who owns a domain of his own: DNS leads to him, and his certificate is in order.
    let Some((hosts, _dns)) = with_dns(&[
        "--srv-host=_ircs._tcp.chat.example,evil.example,6697",
        "--host-record=evil.example,192.168.77.1",
        "--host-record=chat.example,192.168.77.1",
    ]) else {
        return;
    };
    let (authority, certificate, key) = certified(&hosts, &["evil.example"]);
    let _server = serve(&hosts, &format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}"));
    let trusting = [("SSL_CERT_FILE", authority.as_path())];
    for server in ["chat.example", "chat.example:6697"] {
        let mut joining = hosts.start_with(ASKS, "chat_client", &["--guest", "--send", "secret", server], &trusting);
        let (status, complaints) = joining.ends();
        assert_eq!(status.code(), Some(5), "{complaints}");
        assert!(complaints.contains("is for evil.example, and not for the name that you typed"), "{complaints}");
    }
    // Under its own name it is believed.
    let told = Told::of(hosts.start_with(ASKS, "chat_client", &["connect", "--json", "evil.example"], &trusting));
    assert_eq!((told.code, &told.one("certificate")["belief"]), (Some(0), &"known-issuer".into()), "{:#?}", told.steps);
}

#[test]
fn broken_ipv6_costs_a_quarter_of_a_second() {
    // Nobody has the IPv6 address, so nobody answers there.
    let Some((hosts, _dns)) = with_dns(&["--host-record=chat.example,192.168.77.1,fd77::99"]) else { return };
    let _server = serve(&hosts, "");
    // A machine that is busy with other tests may be late by itself: of a few tries one tells what the program takes.
    let mut costs = Vec::new();
    while costs.len() < 5 && costs.iter().all(|cost| *cost > 300.0) {
        let told = connect(&hosts, &["chat.example:6697"]);
        assert_eq!(
            (told.code, &told.one("reached")["address"]),
            (Some(0), &"192.168.77.1:6697".into()),
            "{:#?}",
            told.steps
        );
        assert_eq!(told.one("outrun")["address"], "[fd77::99]:6697", "{:#?}", told.steps);
        costs.push(told.at("reached") - told.at("trying"));
    }
    assert!(costs.iter().any(|cost| *cost <= 300.0), "{costs:?}");
}

#[test]
fn dns_that_is_dead_delays_only_who_needs_it() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    // Nobody has that address.
    hosts.etc(ASKS, "resolv.conf", "nameserver 192.168.77.99\n");
    hosts.etc(ASKS, "hosts", "192.168.77.1 class\n");
    let _server = serve(&hosts, "[discovery]\nmdns = true");
    let looking = hosts.start(ASKS, "chat_client", &["discover", "--json", "--seconds", "60"]);
    let there: Value = serde_json::from_str(&looking.says("\"there\"")).expect("an object");
    let local = there["host"].as_str().expect("a name").to_owned();
    assert!(local.ends_with(".local"), "{local}");
    let zone = format!("[{}%eth0]", hosts.link_local(1));
    for server in ["192.168.77.1", "fd77::1", "class", local.as_str(), zone.as_str()] {
        let told = connect(&hosts, &[server]);
        assert_eq!(told.code, Some(0), "{server}: {:#?}", told.steps);
        let reached = told.at("reached");
        // The least that a question to the dead server would take is its 1.5 s.
        assert!(reached < 1_400.0, "{server} took {reached} ms: {:#?}", told.steps);
    }
    let began = Instant::now();
    let told = connect(&hosts, &["chat.example"]);
    assert_eq!(told.code, Some(2), "{:#?}", told.steps);
    assert!(told.sentence().contains("no DNS server answered within 5 s: 192.168.77.99"), "{}", told.sentence());
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}

#[test]
fn every_address_is_told_with_what_became_of_it() {
    let Some((hosts, _dns)) = with_dns(&["--host-record=chat.example,192.168.77.1,2001:db8::1"]) else { return };
    let told = connect(&hosts, &["chat.example"]);
    assert_eq!(told.code, Some(2));
    assert!(
        told.sentence().starts_with(
            "chat.example:6697 cannot be reached (2001:db8::1: no way there from this machine; 192.168.77.1: refused, nothing \
             listens there)"
        ),
        "{}",
        told.sentence()
    );
    let told = connect(&hosts, &["nowhere.example"]);
    assert!(told.sentence().contains("DNS says that there is no such name"), "{}", told.sentence());
    let told = connect(&hosts, &["[fe80::1]:6697"]);
    assert!(told.sentence().contains("[fe80::1%eth0]"), "{}", told.sentence());
}
