//! What the wire view of `chat_client` shows of a line is what tshark sees on the cable, layer by layer; and what `capture`
//! puts together is the same.

use crate::discovery::serve;
use crate::hosts::{DEADLINE, Family, Hosts, beside_the_server};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const PORT: &str = "6697";

/// `chat_client` on the whole screen of a host.
struct Screen<'a> {
    hosts: &'a Hosts,
    host: usize,
}

impl<'a> Screen<'a> {
    /// With these arguments, until it is online.
    #[track_caller]
    fn start(hosts: &'a Hosts, host: usize, arguments: &str) -> Screen<'a> {
        let screen = Screen { hosts, host };
        let client = beside_the_server("chat_client");
        let command = format!("TZ=UTC '{}' {arguments}; echo ended with $?; read wait", client.display());
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "320", "-y", "50", &command]);
        screen.sees(|picture| picture.contains("online"), "online");
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.hosts.home(self.host).join("tmux");
        let mut command = self.hosts.command(self.host, Path::new("tmux"));
        let output = command.arg("-u").arg("-S").arg(socket).args(arguments).output().expect("ip netns exec");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    #[track_caller]
    fn sees(&self, is_so: impl Fn(&str) -> bool, what: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let picture = self.tmux(&["capture-pane", "-p"]);
            if is_so(&picture) {
                return picture;
            }
            assert!(Instant::now() < deadline, "not seen: {what}\n{picture}");
            // A terminal tells nobody that it has changed; this only paces the looking.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A frame with a line of IRC in it, as tshark reads it.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    /// Source and destination: MAC, address, port.
    ends: [[String; 3]; 2],
    line: usize,
    record: usize,
    segment: usize,
    packet: usize,
    /// Without the checksum, which no program sees.
    frame: usize,
}

fn frames(file: &Path, secrets: Option<&Path>, filter: &str) -> Vec<Frame> {
    let secrets = secrets.map(|path| format!("tls.keylog_file:{}", path.display()));
    let fields = [
        "eth.src",
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "eth.dst",
        "ip.dst",
        "ipv6.dst",
        "tcp.dstport",
        "data.len",
        "tls.record.length",
        "tcp.hdr_len",
        "tcp.len",
        "ip.len",
        "ipv6.plen",
        "frame.len",
    ];
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(secrets.iter().flat_map(|secrets| ["-o", secrets]))
        .args(["-d", "tcp.port==6697,tls", "-Y", filter, "-T", "fields", "-E", "separator=\t"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .output()
        .expect("tshark");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let frame = |line: &str| {
        let field: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| field[at].parse::<usize>().unwrap_or_else(|_| panic!("{} in {line:?}", fields[at]));
        // One of the two families is empty.
        let end = |from: usize| {
            let address = [field[from + 1], field[from + 2]].concat();
            [field[from].to_owned(), address, field[from + 3].to_owned()]
        };
        Frame {
            ends: [end(0), end(4)],
            line: number(8),
            record: number(9) + 5,
            segment: number(10) + number(11),
            // IPv6 tells the length without its header.
            packet: if field[12].is_empty() { number(13) + 40 } else { number(12) },
            frame: number(14),
        }
    };
    text.lines().map(frame).collect()
}

/// The lines of a key log that stand in a capture (blocks of kind 10, behind 16 bytes of head).
fn secrets_of(capture: &[u8]) -> Vec<u8> {
    let mut rest = capture;
    let mut secrets = Vec::new();
    while let Some(head) = rest.get(..8) {
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let length = number(4) as usize;
        if number(0) == 10 {
            let bytes = u32::from_le_bytes(rest[12..16].try_into().expect("four bytes")) as usize;
            secrets.extend_from_slice(&rest[16..16 + bytes]);
        }
        rest = &rest[length..];
    }
    secrets
}

/// What stands behind each name of the unfolded line.
fn rows(picture: &str) -> BTreeMap<String, String> {
    let rows = picture.lines().filter_map(|line| {
        let line = line.trim_matches(['│', ' ', '»']).trim();
        let (name, value) = line.split_once("  ")?;
        Some((name.to_owned(), value.trim().to_owned()))
    });
    rows.collect()
}

/// The lines, without what is below and changes by itself.
fn head(picture: &str) -> Vec<&str> {
    picture.lines().take(5).collect()
}

fn bytes(rows: &BTreeMap<String, String>, layer: &str) -> usize {
    let value = rows.get(layer).unwrap_or_else(|| panic!("no {layer} in {rows:#?}"));
    value.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{layer}: {value}"))
}

#[test]
fn the_wire_view_shows_what_tshark_sees() {
    compare(Family::Both);
}

#[test]
fn over_ipv6_too() {
    compare(Family::V6);
}

fn compare(family: Family) {
    if let Err(error) = Command::new("tshark").arg("--version").output() {
        return eprintln!("skipped: there is no tshark ({error}); install it, as `apt-get install tshark` does");
    }
    let Some(hosts) = Hosts::new(2, family) else { return };
    let (_server, code) = serve(&hosts, 1, "Room 12");
    let real = hosts.folder.path().join("real.pcapng");
    let real_name = real.to_str().expect("UTF-8");
    let filter = format!("tcp port {PORT}");
    let mut watching = hosts.start_any(2, Path::new("dumpcap"), &["-q", "-i", "eth0", "-f", &filter, "-w", real_name]);
    watching.complains("File:");

    let own = hosts.folder.path().join("own.pcapng");
    let capture = format!("capture --with-secrets '{}' --guest {code}", own.display());
    let screen = Screen::start(&hosts, 2, &capture);
    screen.keys(&["-l", "tshark sees this"]);
    screen.sees(
        |picture| picture.contains("> tshark sees this"),
        "what is typed, which others are told of before it is sent",
    );
    screen.keys(&["Enter"]);
    // Before a message that the server has not acknowledged stand dots; the echo is to be among the lines.
    let is_said = |picture: &str| picture.lines().any(|line| line.contains("tshark sees this") && !line.contains('…'));
    screen.sees(|picture| is_said(picture) && !picture.contains("> tshark"), "it has been acknowledged");
    screen.keys(&["F12"]);
    screen.keys(&["Enter"]);
    let mut shown = Vec::new();
    // What was said last is unfolded, as it was sent; its echo is further down.
    for (arrow, doing) in [("→", "you say something"), ("←", "says something")] {
        // The line that is unfolded is the third one on the screen, and its words the fourth.
        let is_it = |picture: &str| {
            let at = |row| picture.lines().nth(row).unwrap_or_default();
            at(3).contains(arrow) && at(3).contains(":tshark sees this") && at(4).contains(doing)
        };
        // The server has told how it sees the connection.
        screen.sees(|picture| picture.contains("the server's ESTABLISHED"), "what the server tells");
        let mut picture = screen.tmux(&["capture-pane", "-p"]);
        while !is_it(&picture) {
            screen.keys(&["Down"]);
            picture = screen.sees(|now| head(now) != head(&picture), "another line");
        }
        shown.push(rows(&screen.sees(is_it, doing)));
    }
    screen.keys(&["F12"]);
    screen.keys(&["-l", "/quit"]);
    screen.keys(&["Enter"]);
    screen.sees(|picture| picture.contains("ended with 0"), "a clean end");

    let secrets = hosts.folder.path().join("secrets");
    std::fs::write(&secrets, secrets_of(&std::fs::read(&own).expect("a capture"))).expect("written");
    let received = "tcp.srcport == 6697 && data.data contains \"PRIVMSG #lobby :tshark sees this\"";
    let sent = "tcp.dstport == 6697 && data.data contains \"PRIVMSG #lobby :tshark sees this\"";
    // What the kernel has collected for it is lost on whoever is ended before it was handed over.
    let deadline = Instant::now() + DEADLINE;
    for filter in [received, sent] {
        while frames(&real, Some(&secrets), filter).is_empty() {
            assert!(Instant::now() < deadline, "{filter}: not captured");
        }
    }
    watching.signal("INT");
    watching.ends();
    for (shown, filter, [source, destination]) in [(&shown[1], received, [1, 0]), (&shown[0], sent, [0, 1])] {
        let seen = frames(&real, Some(&secrets), filter);
        let [seen] = seen.as_slice() else { panic!("{filter}: {seen:#?}") };
        for (layer, expected) in [
            ("IRC line", seen.line),
            ("TLS record", seen.record),
            ("TCP segment", seen.segment),
            ("IP packet", seen.packet),
            ("Ethernet frame", seen.frame + 4),
        ] {
            assert_eq!(bytes(shown, layer), expected, "{filter}, {layer}: {shown:#?} {seen:#?}");
        }
        let (client, server) = (&seen.ends[source], &seen.ends[destination]);
        assert_eq!(shown["Port"], format!("yours {}, the server's {}", client[2], server[2]));
        assert_eq!(shown["Address"], format!("yours {} (private), the server's {} (private)", client[1], server[1]));
        assert_eq!(shown["MAC address"], client[0]);
        assert_eq!(shown["Next hop"], format!("the server itself {}, MAC {}", server[1], server[0]));
        assert_eq!(shown["NAT"], "none: the server sees you under the same address and port");
        // The capture that was put together needs no secrets besides, and has the same.
        assert_eq!(frames(&own, None, filter), std::slice::from_ref(seen), "{filter}");
    }
}

/// Does it on a host as its administrator would; `Err`: why not.
fn administer(hosts: &Hosts, host: usize, program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = hosts.command(host, Path::new(program)).args(arguments).output().map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{program} {}: {complaint}", arguments.join(" "))) }
}

#[test]
fn a_router_that_writes_over_addresses_is_seen() {
    let Some(hosts) = Hosts::new(3, Family::Both) else { return };
    // Host 3 is on a network of its own behind host 2, which lends it its address.
    if let Err(why) = administer(&hosts, 2, "nft", &["list", "ruleset"]) {
        return eprintln!("skipped: addresses cannot be translated here ({why}); this needs nftables");
    }
    for (host, program, arguments) in [
        (2, "sh", "-c|echo 1 >/proc/sys/net/ipv4/ip_forward"),
        (2, "nft", "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }"),
        (2, "nft", "add rule ip nat out ip saddr 10.77.0.0/24 masquerade"),
        (2, "ip", "addr|add|10.77.0.2/24|dev|eth0"),
        (3, "ip", "addr|flush|dev|eth0"),
        (3, "ip", "addr|add|10.77.0.3/24|dev|eth0"),
        (3, "ip", "route|add|default|via|10.77.0.2"),
    ] {
        let arguments: Vec<&str> = arguments.split('|').collect();
        administer(&hosts, host, program, &arguments).expect("a router");
    }
    let (_server, _) = serve(&hosts, 1, "Room 12");
    let screen = Screen::start(&hosts, 3, "--guest ann@192.168.77.1");
    screen.keys(&["F12"]);
    screen.keys(&["Enter"]);
    let shown = rows(&screen.sees(|picture| picture.contains("the server sees"), "what the server tells"));
    let port = shown["Port"].trim_start_matches("yours ").split(',').next().expect("a port").to_owned();
    let expected = format!("yes: you are 10.77.0.3 port {port} here, and the server sees 192.168.77.2 port ");
    assert!(shown["NAT"].starts_with(&expected), "{shown:#?}");
    assert!(shown["Next hop"].starts_with("the router 10.77.0.2, MAC "), "{shown:#?}");
}
