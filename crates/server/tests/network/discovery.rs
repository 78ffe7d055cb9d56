//! A server that announces itself is found and joined from another host.

use crate::hosts::{Family, Hosts, Program};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// `--lan`, and named so.
pub fn serve(hosts: &Hosts, host: usize, network: &str) -> (Program, String) {
    let config = hosts.folder.path().join(format!("{host}.toml"));
    std::fs::write(&config, format!("[server]\nnetwork = \"{network}\"\n[accounts]\npassword_cost = \"standard\"\n"))
        .expect("a configuration");
    let server = hosts.start(host, "chat_server", &["--lan", "--config", config.to_str().expect("UTF-8")]);
    let code = server.says("the join code");
    server.says("Ready.");
    let code = code.split_whitespace().nth(1).expect("a code").to_owned();
    (server, code)
}

fn look(hosts: &Hosts, host: usize) -> Program {
    hosts.start(host, "chat_client", &["discover", "--json", "--seconds", "60"])
}

#[track_caller]
fn found(looking: &Program) -> Value {
    serde_json::from_str(&looking.says("\"there\"")).expect("an object")
}

/// As it is once all of its addresses are known: they come one after the other.
#[track_caller]
fn found_at(looking: &Program, address: &str) -> Value {
    loop {
        let there = found(looking);
        if there["addresses"][0] == address {
            return there;
        }
    }
}

#[test]
fn a_server_is_found_joined_and_seen_to_go() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    let looking = look(&hosts, 2);
    let (mut server, code) = serve(&hosts, 1, "Room 12");

    let there = found(&looking);
    assert_eq!(there["addresses"], serde_json::json!(["192.168.77.1", "fd77::1"]), "told once all of it is known");
    assert_eq!((&there["name"], &there["tls"], &there["join"]), (&"Room 12".into(), &true.into(), &"open".into()));
    assert_eq!(there["port"], 6697);
    let fingerprint = there["sha256"].as_str().expect("a fingerprint").replace(':', "").to_lowercase();

    // The code alone leads there, and holds the server to its certificate.
    let mut joining = hosts.start(2, "chat_client", &["--guest", "--send", "found you", &code, "lobby"]);
    let (status, complaints) = joining.ends();
    assert_eq!(status.code(), Some(0), "{complaints}");
    assert!(complaints.contains("is the one of the join code"), "{complaints}");
    let known = std::fs::read_to_string(hosts.home(2).join("parlor/known_servers")).expect("known servers");
    assert!(known.contains(&fingerprint), "{known}");

    server.signal("TERM");
    assert_eq!(server.ends().0.code(), Some(0));
    let gone: Value = serde_json::from_str(&looking.says("\"gone\"")).expect("an object");
    assert_eq!((&gone["id"], &gone["name"]), (&there["id"], &"Room 12".into()));
}

#[test]
fn a_code_of_another_server_sends_nothing() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    let (_server, code) = serve(&hosts, 1, "Room 12");
    let code: discovery::JoinCode = code.parse().expect("a code");
    let other = discovery::JoinCode { fingerprint: [7; discovery::join_code::FINGERPRINT_BYTES], ..code }.to_string();
    let mut joining = hosts.start(2, "chat_client", &["--guest", "--send", "secret", &other]);
    let (status, complaints) = joining.ends();
    assert_eq!(status.code(), Some(5), "{complaints}");
    assert!(
        complaints.contains("is not the one of the join code") && complaints.contains("Nothing was sent"),
        "{complaints}"
    );
}

#[test]
fn two_servers_of_one_name_are_two() {
    let Some(hosts) = Hosts::new(3, Family::Both) else { return };
    let (_one, _) = serve(&hosts, 1, "Room 12");
    let (_two, _) = serve(&hosts, 2, "Room 12");
    let looking = look(&hosts, 3);
    // Until the names and addresses are settled a server may be seen under the name that it gives up, or with one address.
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    while seen.values().collect::<BTreeSet<_>>()
        != BTreeSet::from([&"192.168.77.1".to_owned(), &"192.168.77.2".to_owned()])
    {
        let there = found(&looking);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        seen.insert(text(&there["id"]), text(&there["addresses"][0]));
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn copies_of_one_machine_are_two_servers() {
    let Some(hosts) = Hosts::new(3, Family::Both) else { return };
    // Its data folder too, and so its certificate.
    let (mut original, _) = serve(&hosts, 1, "Room 12");
    original.signal("TERM");
    assert_eq!(original.ends().0.code(), Some(0));
    std::fs::create_dir_all(hosts.home(2).join("parlor-data")).expect("a folder");
    for file in std::fs::read_dir(hosts.home(1).join("parlor-data")).expect("its data").flatten() {
        if file.path().is_file() {
            let copy = hosts.home(2).join("parlor-data").join(file.file_name());
            std::fs::copy(file.path(), copy).expect("a copy");
        }
    }
    let (_one, _) = serve(&hosts, 1, "Room 12");
    let (_two, _) = serve(&hosts, 2, "Room 12");
    let looking = look(&hosts, 3);
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    while seen.values().flatten().filter(|address| address.starts_with("192.")).count() < 2 {
        let there = found(&looking);
        let addresses = there["addresses"].as_array().expect("addresses").iter();
        let addresses = addresses.map(|address| address.as_str().expect("a text").to_owned());
        seen.entry(there["host"].as_str().expect("a name").to_owned()).or_default().extend(addresses);
    }
    // Each has its own name, and only its own addresses.
    let address_of = |host: usize| format!("192.168.77.{host}");
    let both: BTreeSet<String> = seen.values().flatten().cloned().collect();
    assert!(both.contains(&address_of(1)) && both.contains(&address_of(2)), "{seen:?}");
    assert!(!seen.values().any(|of| of.contains(&address_of(1)) && of.contains(&address_of(2))), "{seen:?}");
}

#[test]
fn what_listens_on_ipv4_alone_is_announced_there_alone() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    let server = hosts.start(1, "chat_server", &["--lan", "--listen", "ircs://0.0.0.0:6697"]);
    server.says("Ready.");
    assert_eq!(found(&look(&hosts, 2))["addresses"], serde_json::json!(["192.168.77.1"]));
}

#[test]
fn ipv6_alone_will_do() {
    let Some(hosts) = Hosts::new(2, Family::V6) else { return };
    let (_server, code) = serve(&hosts, 1, "Room 12");
    let there = found(&look(&hosts, 2));
    assert_eq!(there["addresses"], serde_json::json!(["fd77::1"]));
    let mut joining = hosts.start(2, "chat_client", &["--guest", "--send", "hello", &code]);
    let (status, complaints) = joining.ends();
    assert_eq!(status.code(), Some(0), "{complaints}");
}

#[test]
fn a_server_that_others_cannot_reach_is_not_announced() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    let server = hosts.start(1, "chat_server", &[]);
    server.says("Ready.");
    let mut looking = hosts.start(2, "chat_client", &["discover", "--seconds", "2"]);
    let (status, complaints) = looking.ends();
    assert_eq!(status.code(), Some(2), "{complaints}");
    assert!(complaints.contains("No server announced itself") && complaints.contains("join code"), "{complaints}");
}

#[test]
fn a_server_that_vanished_is_not_waited_for_without_end() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    let (_server, code) = serve(&hosts, 1, "Room 12");
    hosts.unplug(1);
    let mut joining = hosts.start(2, "chat_client", &["--guest", "--timeout", "2", "--send", "hello", &code]);
    let (status, complaints) = joining.ends();
    assert_eq!(status.code(), Some(2), "{complaints}");
    assert!(complaints.contains("192.168.77.1:6697"), "{complaints}");
}

#[test]
fn a_server_that_was_cut_off_leaves_the_list_and_comes_back() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    let (_server, _) = serve(&hosts, 1, "Room 12");
    let looking = look(&hosts, 2);
    let there = found_at(&looking, "192.168.77.1");
    hosts.unplug(1);
    let gone: Value = serde_json::from_str(&looking.says("\"gone\"")).expect("an object");
    assert_eq!(gone["id"], there["id"]);
    hosts.plug_in(1);
    assert_eq!(found_at(&looking, "192.168.77.1")["id"], there["id"]);
}

#[test]
fn interfaces_come_and_go() {
    let Some(hosts) = Hosts::new(2, Family::Both) else { return };
    hosts.ip(1, &["link", "set", "eth0", "down"]);
    let (_server, _) = serve(&hosts, 1, "Room 12");
    let looking = look(&hosts, 2);
    hosts.ip(1, &["link", "set", "eth0", "up"]);
    found_at(&looking, "192.168.77.1");
    // Another network takes the place of the first.
    hosts.ip(1, &["address", "del", "192.168.77.1/24", "dev", "eth0"]);
    hosts.ip(1, &["address", "add", "192.168.77.101/24", "dev", "eth0"]);
    let there = found_at(&looking, "192.168.77.101");
    let name = there["host"].as_str().expect("a name");
    let mut joining = hosts.start(2, "chat_client", &["--guest", "--send", "hello", name]);
    let (status, complaints) = joining.ends();
    assert_eq!(status.code(), Some(0), "{complaints}");
}

#[test]
fn a_cable_is_enough() {
    // No router, no DHCP: two machines have nothing but the addresses that they give themselves.
    let Some(hosts) = Hosts::new(2, Family::V6) else { return };
    for host in [1, 2] {
        hosts.ip(host, &["-6", "address", "flush", "dev", "eth0", "scope", "global"]);
        hosts.link_local(host);
    }
    // Such an address stands in no join code: its zone is another one on each machine.
    let server = hosts.start(1, "chat_server", &["--lan"]);
    server.says("Ready.");
    let there = found(&look(&hosts, 2));
    let address = there["addresses"][0].as_str().expect("an address");
    assert!(address.starts_with("fe80::") && address.contains('%'), "{address}");
    let by_address = format!("[{address}]:6697");
    for server in [there["host"].as_str().expect("a name"), &by_address] {
        let mut joining = hosts.start(2, "chat_client", &["--guest", "--send", "hello", server]);
        let (status, complaints) = joining.ends();
        assert_eq!(status.code(), Some(0), "{server}: {complaints}");
    }
}
