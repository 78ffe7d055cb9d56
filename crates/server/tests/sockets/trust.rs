//! Whose word counts for what: proxies and gateways that say for whom they speak, and web pages that open a WebSocket.
//! Spoofing is what a person of her own address gets by saying the same.

use crate::support::{Carrier, Daemon, Irc, Link, Upgrade, dial, dial_from};
use std::net::SocketAddr;

/// 127.0.0.1 is a proxy, 127.0.0.3 a gateway, everybody else is somebody.
const TRUST: &str = r#"
[server]
name = "parlor.test"

[[listener]]
address = "127.0.0.1:0"
protocol = "irc"
proxy_protocol = true

[[listener]]
address = "127.0.0.1:0"
protocol = "irc"
tls = true
proxy_protocol = true

[[listener]]
address = "127.0.0.1:0"
protocol = "http"

[accounts]
password_cost = "test"

[proxy]
trusted = ["127.0.0.1"]

[[proxy.webirc]]
name = "webchat"
addresses = ["127.0.0.3"]
password = "for-the-gateway-alone"

[http]
origins = ["https://chat.example.org"]
"#;

const PROXY_V1: &str = "PROXY TCP4 203.0.113.7 198.51.100.1 56324 6667\r\n";

/// Version 2 with IPv4 addresses.
fn proxy_v2(source: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend(source);
    header.extend([198, 51, 100, 1, 0xdc, 0x04, 0x1a, 0x0b]);
    header
}

fn over_plain(stream: std::net::TcpStream) -> Irc {
    Irc::over(Carrier::lines(Link::Plain(stream)))
}

fn from(source: &str, address: SocketAddr) -> Irc {
    over_plain(dial_from(source, address))
}

/// The address that the server takes this person to have.
fn address_of(irc: &mut Irc) -> String {
    irc.send(&format!("USERIP {}", irc.name.clone()));
    let line = irc.expect(" 340 ");
    line.rsplit('@').next().expect("an address").trim().to_owned()
}

#[test]
fn a_trusted_proxy_says_for_whom_it_speaks() {
    let daemon = Daemon::start_with(TRUST);
    let mut first = Irc::connect(daemon.irc());
    first.send_bytes(PROXY_V1.as_bytes());
    let mut first = first.registered("first");
    assert_eq!(address_of(&mut first), "203.0.113.7");

    let mut second = Irc::connect(daemon.irc());
    // In pieces, and with the first lines right behind it.
    let header = [&proxy_v2([203, 0, 113, 8])[..], b"NICK second\r\nUSER second 0 * :second\r\n"].concat();
    let (one, other) = header.split_at(7);
    second.send_bytes(one);
    second.send_bytes(other);
    second.greeted("second");
    assert_eq!(address_of(&mut second), "203.0.113.8");

    // Of its own connection to the proxy the server tells nobody anything.
    second.send("CONNECTION\r\nPING after");
    let told = second.expect_any(&["NOTICE second :"]);
    assert!(told.ends_with(":ADDRESS: yours=203.0.113.8 behind=proxy transport=tcp"), "{told}");
    assert!(second.expect_any(&["NOTICE second :", " PONG "]).contains(" PONG "));

    // Before TLS, where the proxy can say it.
    let mut stream = dial(daemon.address("ircs"));
    std::io::Write::write_all(&mut stream, &proxy_v2([203, 0, 113, 9])).expect("written");
    let mut third = Irc::over(Carrier::lines(Link::tls(stream))).registered("third");
    assert_eq!(address_of(&mut third), "203.0.113.9");

    // Through the proxy nobody is on this machine: no password in the clear.
    let mut distant = Irc::connect(daemon.irc());
    distant.send_bytes(PROXY_V1.as_bytes());
    distant.send("CAP LS 302");
    distant.send("NICK distant");
    distant.send("REGISTER * * :correct horse battery");
    distant.expect("FAIL REGISTER ");
}

#[test]
fn a_proxy_that_says_nothing_valid_is_closed() {
    let daemon = Daemon::start_with(TRUST);
    for bytes in
        [&b"NICK alice\r\n"[..], b"PROXY TCP4 203.0.113.7\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c", &[b'P'; 200]]
    {
        let mut irc = Irc::connect(daemon.irc());
        irc.send_bytes(bytes);
        assert_eq!(irc.until_closed(), None, "{bytes:?} was answered");
    }
    // However many they are, the log says it once a second.
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        let mut irc = Irc::connect(daemon.irc());
        irc.send_bytes(b"NICK alice\r\n");
        irc.until_closed();
    }
    daemon.signal("HUP");
    let said = daemon.logs_up_to("was read again");
    let complaints = said.iter().filter(|line| line.contains("no valid PROXY header")).count();
    let seconds = begun.elapsed().as_secs() as usize;
    assert!((1..=seconds + 2).contains(&complaints), "{complaints} in {seconds} s");
}

#[test]
fn nobody_else_is_believed_a_proxy_header() {
    let daemon = Daemon::start_with(TRUST);
    let mut spoofer = from("127.0.0.2", daemon.irc());
    spoofer.send_bytes(PROXY_V1.as_bytes());
    let mut spoofer = spoofer.registered("spoofer");
    assert_eq!(address_of(&mut spoofer), "127.0.0.2");
    // Version 2 begins with lines that an IRC server knows: QUIT.
    let mut binary = from("127.0.0.2", daemon.irc());
    binary.send_bytes(&proxy_v2([203, 0, 113, 8]));
    assert!(binary.until_closed().is_none_or(|last| last.contains("ERROR :")));
}

#[test]
fn a_gateway_names_its_people_by_webirc_and_nobody_else_does() {
    let daemon = Daemon::start_with(TRUST);
    let attempt = |source: &str, password: &str, gateway: &str| {
        let mut irc = from(source, daemon.irc());
        irc.send(&format!("WEBIRC {password} {gateway} host.example 203.0.113.7"));
        irc
    };
    let mut person = attempt("127.0.0.3", "for-the-gateway-alone", "webchat").registered("person");
    assert_eq!(address_of(&mut person), "203.0.113.7");
    for (source, password, gateway) in [
        ("127.0.0.3", "wrong", "webchat"),
        ("127.0.0.3", "for-the-gateway-alone", "other"),
        ("127.0.0.2", "for-the-gateway-alone", "webchat"),
    ] {
        let last = attempt(source, password, gateway).until_closed();
        assert!(
            last.is_some_and(|last| last.starts_with("ERROR :") && last.contains("WEBIRC")),
            "{source} {password} {gateway}"
        );
    }
    // Not afterwards either: who is registered stays who she is.
    let mut late = from("127.0.0.3", daemon.irc()).registered("late");
    late.send("WEBIRC for-the-gateway-alone webchat host.example 203.0.113.7");
    late.expect(" 462 ");
    assert_eq!(address_of(&mut late), "127.0.0.3");
}

#[test]
fn x_forwarded_for_counts_from_a_trusted_proxy_alone() {
    let daemon = Daemon::start_with(TRUST);
    let forwarded = Upgrade { headers: &[("x-forwarded-for", "6.6.6.6, 203.0.113.7")], ..Upgrade::default() };
    let mut relayed = forwarded.open(daemon.address("http")).expect("a WebSocket").registered("relayed");
    assert_eq!(address_of(&mut relayed), "203.0.113.7");
    let link = Link::Plain(dial_from("127.0.0.2", daemon.address("http")));
    let mut spoofer = forwarded.over(link).expect("a WebSocket").registered("spoofer");
    assert_eq!(address_of(&mut spoofer), "127.0.0.2");
    // What is for this machine alone is not for who comes through a proxy on it.
    assert!(daemon.fetch("/metrics").starts_with("HTTP/1.1 200 "));
    assert!(daemon.fetch("/metrics HTTP/1.1\r\nX-Forwarded-For: 203.0.113.7\r\nX-Rest:").starts_with("HTTP/1.1 403 "));
}

/// T20: any site can be open in a browser on this machine.
#[test]
fn t20_foreign_pages_open_no_websocket() {
    let daemon = Daemon::start_with(TRUST);
    let http = daemon.address("http");
    let own = format!("http://{http}");
    let other_port = format!("http://127.0.0.1:{}", http.port().wrapping_add(1).max(1));
    let attempt = |origin: Option<&str>| {
        let headers: Vec<(&str, &str)> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        Upgrade { headers: &headers, ..Upgrade::default() }.open(http).map(drop)
    };
    assert_eq!(attempt(None), Ok(()), "no browser");
    assert_eq!(attempt(Some(&own)), Ok(()), "our own page");
    assert_eq!(attempt(Some("https://chat.example.org")), Ok(()), "a page that the configuration allows");
    for foreign in [
        "https://evil.example",
        "http://chat.example.org",
        "https://chat.example.org.evil.example",
        "null",
        "file://",
        &other_port,
    ] {
        assert_eq!(attempt(Some(foreign)), Err(403), "{foreign}");
    }
    // Both paths, and a second Origin that might slip by.
    let twice =
        Upgrade { path: "/ws", headers: &[("origin", &own), ("origin", "https://evil.example")], ..Upgrade::default() };
    assert_eq!(twice.open(http).map(drop), Err(403));
}

#[test]
fn a_banned_address_is_turned_away_at_the_door() {
    let operator = "[[operator]]\nname = \"root\"\npassword = \"sesame\"\nrights = [\"kill\"]\n";
    let daemon = Daemon::start_with(&format!("{TRUST}\n{operator}"));
    let through_proxy = || {
        let mut irc = Irc::connect(daemon.irc());
        irc.send_bytes(PROXY_V1.as_bytes());
        irc
    };
    let mut root = from("127.0.0.2", daemon.irc()).registered("root");
    root.send("OPER root sesame");
    root.expect(" 381 ");
    let mut alice = through_proxy().registered("alice");
    root.send("DLINE 203.0.113.0/24 :flood");
    root.expect("NOTE DLINE BANNED 203.0.113.0/24 ");
    assert!(alice.until_closed().is_some_and(|last| last.contains("Banned from this server: flood")));
    let refused = through_proxy().until_closed();
    assert!(refused.as_ref().is_some_and(|last| last.contains("Your address is banned")), "{refused:?}");
    // So it is after a restart.
    let daemon = Daemon::start_in(daemon.kill());
    let through_proxy = || {
        let mut irc = Irc::connect(daemon.irc());
        irc.send_bytes(PROXY_V1.as_bytes());
        irc
    };
    let refused = through_proxy().until_closed();
    assert!(refused.as_ref().is_some_and(|last| last.contains("Your address is banned")), "{refused:?}");
    let mut root = from("127.0.0.2", daemon.irc()).registered("root");
    root.send("OPER root sesame");
    root.expect(" 381 ");
    root.send("UNDLINE 203.0.113.0/24");
    root.expect("NOTE UNDLINE BAN_LIFTED 203.0.113.0/24 ");
    through_proxy().registered("alice");
}

/// Bounds are for people; a proxy and a gateway speak for many, and each of these has the bounds of her own address.
#[test]
fn bounds_of_an_address_hold_for_people_and_not_for_their_proxy() {
    let bounds = "[limits]\nconnections_per_address = 2\n[flood]\nconnections_per_minute = 4\n";
    let daemon = Daemon::start_with(&format!("{TRUST}\n{bounds}"));
    let through_proxy = |host: u8| {
        let mut irc = Irc::connect(daemon.irc());
        irc.send_bytes(&proxy_v2([203, 0, 113, host]));
        irc
    };
    let through_gateway = |host: u8| {
        let mut irc = from("127.0.0.3", daemon.irc());
        irc.send(&format!("WEBIRC for-the-gateway-alone webchat host.example 198.51.100.{host}"));
        irc
    };
    let through_web = |host: u8| {
        let link = Link::Plain(dial_from("127.0.0.3", daemon.address("http")));
        let mut irc = Upgrade::default().over(link).expect("a WebSocket");
        irc.send(&format!("WEBIRC for-the-gateway-alone webchat host.example 192.0.2.{host}"));
        irc
    };
    let mut people = Vec::new();
    for host in 0..8 {
        people.push(through_web(host).registered(&format!("web{host}")));
        people.push(through_proxy(host).registered(&format!("proxied{host}")));
        people.push(through_gateway(host).registered(&format!("gateway{host}")));
    }
    // A second of each address is welcome, a third is one too many.
    let ways: [(&str, &dyn Fn(u8) -> Irc); 3] =
        [("proxied", &through_proxy), ("gateway", &through_gateway), ("web", &through_web)];
    for (way, through) in ways {
        people.push(through(1).registered(&format!("{way}again")));
        let refused = through(1).until_closed();
        assert!(refused.as_ref().is_some_and(|last| last.starts_with("ERROR :")), "{way}: {refused:?}");
        assert!(refused.is_some_and(|last| last.contains("Too many connections from your address")), "{way}");
    }
    // Who goes makes room. Her end is known to the others before.
    people[0].join("#tea");
    for way in ["proxied", "gateway", "web"] {
        let at = people.iter().position(|person| person.name == format!("{way}again")).expect("is here");
        let mut again = people.swap_remove(at);
        again.join("#tea");
        again.send("QUIT");
        again.until_closed();
        drop(again);
        people[0].expect(" QUIT ");
    }
    // The rate of an address is used up by now; these have never been here.
    people.push(through_proxy(100).registered("proxied100"));
    people.push(through_gateway(100).registered("gateway100"));
    people.push(through_web(100).registered("web100"));
}
