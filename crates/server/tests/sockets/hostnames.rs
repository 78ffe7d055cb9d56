//! `[server] lookup_hostnames`: the name of an address in place of its cloak, through the system's own resolver. The only
//! address with a name everywhere is 127.0.0.1, which the hosts file calls localhost.

use crate::support::{Daemon, Irc, dial};
use std::io::{Read, Write};
use std::net::Shutdown;

const ON: &str = "[server]\nname = \"parlor.test\"\nlookup_hostnames = true\n";
const OFF: &str = "[server]\nname = \"parlor.test\"\n";

fn config(server: &str) -> String {
    format!(
        "{server}[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.1:0\"\ntls = true\n\
         [accounts]\npassword_cost = \"test\"\n"
    )
}

/// The last word of the welcome, `nick!user@host`.
fn welcomed_as(mut irc: Irc, name: &str) -> String {
    irc.send(&format!("NICK {name}"));
    irc.send(&format!("USER {name} 0 * :{name}"));
    let welcome = irc.expect(" 001 ");
    welcome.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn people_are_shown_with_the_names_of_their_addresses() {
    let server = Daemon::start_with(&config(ON));
    let mut bob = Irc::register(server.irc(), "bob");
    bob.join("#tea");
    assert_eq!(welcomed_as(Irc::connect_tls(server.address("ircs")), "carol"), "carol!~carol@localhost");

    // Everything at once and the end of input, as from `printf … | nc -N`: what is behind USER waits for the name.
    let mut alice = dial(server.irc());
    alice.write_all(b"NICK alice\r\nUSER alice 0 * :Alice\r\nJOIN #tea\r\n").unwrap();
    alice.shutdown(Shutdown::Write).unwrap();
    let mut seen = String::new();
    alice.read_to_string(&mut seen).unwrap();
    assert!(seen.contains(" 001 alice :") && seen.contains("alice!~alice@localhost JOIN"), "{seen}");
    assert!(!seen.contains(" 451 "), "{seen}");
    let joined = bob.expect(" JOIN ");
    assert!(joined.starts_with(":alice!~alice@localhost JOIN"), "{joined}");
}

#[test]
fn it_is_off_by_default_and_turned_on_by_a_reload() {
    let server = Daemon::start_with(&config(OFF));
    let cloaked = welcomed_as(Irc::connect(server.irc()), "alice");
    assert!(cloaked.ends_with(".ip"), "{cloaked}");
    std::fs::write(server.folder.path().join("config.toml"), config(ON)).unwrap();
    server.signal("HUP");
    server.logs("the configuration was read again");
    assert_eq!(welcomed_as(Irc::connect(server.irc()), "bob"), "bob!~bob@localhost");
}
