//! CONNECTION over real sockets: what the server says of one's own connection is what this end knows of it.

use crate::support::{Carrier, Daemon, Irc, Link, dial};
use std::collections::BTreeMap;

/// The facts of each group.
fn facts(irc: &mut Irc) -> BTreeMap<String, BTreeMap<String, String>> {
    irc.send("CONNECTION");
    irc.expect(" BATCH +");
    let mut found = BTreeMap::new();
    loop {
        let line = irc.expect_any(&[" CONNECTION ", " BATCH -"]);
        let Some((_, rest)) = line.split_once(" CONNECTION ") else { return found };
        let (group, facts) = rest.split_once(" :").expect("a group and its facts");
        let facts = facts.split(' ').map(|fact| fact.split_once('=').expect("a name and a value"));
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        found.insert(group.to_owned(), facts);
    }
}

fn come(mut irc: Irc) -> Irc {
    irc.send("CAP REQ :batch parlor/connection\r\nNICK alice\r\nUSER a 0 * :a\r\nCAP END");
    irc.greeted("alice");
    irc
}

#[test]
fn it_is_told_as_it_is() {
    let daemon = Daemon::start("");
    for transport in ["plain", "tls"] {
        let is_tls = transport == "tls";
        let stream = dial(daemon.address(if is_tls { "ircs" } else { "irc" }));
        let local = stream.local_addr().expect("an address");
        let link = if is_tls { Link::tls(stream) } else { Link::Plain(stream) };
        let mut irc = come(Irc::over(Carrier::lines(link)));
        let told = facts(&mut irc);
        let address = &told["ADDRESS"];
        assert_eq!((address["yours"].as_str(), &address["your-port"]), ("127.0.0.1", &local.port().to_string()));
        assert_eq!(address["server"], "127.0.0.1");
        assert_eq!(told.contains_key("TLS"), is_tls, "{told:?}");
        if is_tls {
            assert_eq!(told["TLS"]["version"], "TLSv1.3");
        }
        if cfg!(target_os = "linux") {
            let tcp = &told["TCP"];
            assert_eq!(tcp["state"], "ESTABLISHED");
            let number = |name: &str| tcp[name].parse::<u64>().expect("a number");
            assert!(number("received") > 50 && number("sent") > 500 && number("window") > 0, "{tcp:?}");
            assert_eq!((told["LINK"]["kind"].as_str(), told["LINK"]["next"].as_str()), ("loopback", "same-machine"));
        }
        irc.send("QUIT");
        irc.until_closed();
    }
}
