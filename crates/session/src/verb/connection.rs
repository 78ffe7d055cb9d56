//! CONNECTION: one's own connection as the server's end sees it, for whoever wants to know how the two ends differ. Ours.
//!
//! It is about nobody else's connection, so there is no permission to ask for: no parameter names another one. Of what is
//! between a proxy and the server nothing is told, nor of the server's own network to those who are not on it
//! (docs/decisions/0014-seeing-the-wire.md).

use super::{Phase, Verb};
use crate::turn::Turn;
use crate::work::{ConnectionSeen, Fact, Work};
use std::net::SocketAddr;
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "CONNECTION",
    parameters: 0,
    phase: Phase::Registered,
    // The kernel is asked four questions.
    cost: 2,
    receive,
    help: "CONNECTION\n\
           Shows your own connection as the server sees it: from which address and port you come (behind a router that \
           shares its address it is another one than your machine has), TLS, and the server's end of the TCP connection \
           with its round-trip time, repeats and bytes. With the capability parlor/connection: a batch parlor/connection \
           of CONNECTION <ADDRESS|TLS|TCP|LINK> :<name>=<value>{ <name>=<value>}.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.work(|ticket| Work::SeeConnection { ticket });
}

pub(crate) fn write(turn: &mut Turn<'_>, seen: &ConnectionSeen) {
    let link = &turn.session.link;
    let direct = seen.ends.filter(|(peer, _)| peer.ip().to_canonical() == link.address);
    let address = address(link.address.to_string(), link.transport, direct);
    let mut groups = vec![("ADDRESS", address.as_slice())];
    // Behind a proxy the rest is about its connection, not about the person's.
    if direct.is_some() {
        groups.extend([("TLS", &seen.tls[..]), ("TCP", &seen.tcp[..]), ("LINK", &seen.link[..])]);
    }
    groups.retain(|(_, facts)| !facts.is_empty());
    if turn.has(Capability::ParlorConnection) {
        return turn.batch("parlor/connection", &[], |turn| {
            for (group, facts) in groups {
                turn.server_line("CONNECTION").param(group).trailing_cut(&in_words(facts));
            }
        });
    }
    for (group, facts) in groups {
        turn.notice(&format!("{group}: {}", in_words(facts)));
    }
}

fn address(own: String, transport: &str, direct: Option<(SocketAddr, SocketAddr)>) -> Vec<Fact> {
    let mut facts = vec![("yours", own)];
    match direct {
        Some((peer, local)) => facts.extend([
            ("your-port", peer.port().to_string()),
            ("server", local.ip().to_canonical().to_string()),
            ("server-port", local.port().to_string()),
        ]),
        None => facts.push(("behind", "proxy".to_owned())),
    }
    facts.push(("transport", transport.replace(' ', "-").to_lowercase()));
    facts
}

fn in_words(facts: &[Fact]) -> String {
    facts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn one_s_own_connection_in_words_and_for_programs() {
        check(
            "alice=
             bob= batch parlor/connection labeled-response
             alice> CONNECTION
             alice< :irc.example NOTICE alice :ADDRESS: yours=192.0.2.1 your-port=50000 server=192.0.2.9 server-port=6697 \
             transport=tls
             alice< :irc.example NOTICE alice :TLS: version=TLSv1.3 suite=TLS13_AES_256_GCM_SHA384
             alice< :irc.example NOTICE alice :TCP: state=ESTABLISHED rtt-us=1500
             alice< :irc.example NOTICE alice :LINK: mtu=1500
             bob> CONNECTION
             bob< :irc.example BATCH +1 parlor/connection
             bob< @batch=1 :irc.example CONNECTION ADDRESS :yours=192.0.2.1 …
             bob< @batch=1 :irc.example CONNECTION TLS :version=…
             bob< @batch=1 :irc.example CONNECTION TCP :state=…
             bob< @batch=1 :irc.example CONNECTION LINK :mtu=1500
             bob< :irc.example BATCH -1
             carol+ address=192.0.2.3
             carol> NICK carol
             carol> USER c 0 * :c
             carol<<
             carol> CONNECTION
             carol< :irc.example NOTICE carol :ADDRESS: yours=192.0.2.3 behind=proxy transport=tls",
        );
    }
}
