//! The host that others see behind the `@`: the cloak of the address or, where the configuration wants it, its name.
//!
//! The name is asked for with a connection's first line, unless a gateway speaks for it, and comes while the client
//! negotiates. Whoever is through with everything else before it has come waits: the host is in the welcome and in all that
//! others see. It waits for [`crate::facts::Limits::lookup_seconds`] at most, and then has its cloak.

use crate::cloak;
use crate::facts::ServerFacts;
use crate::isupport::HOST_LENGTH;
use crate::registration::Registration;
use crate::session::Link;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::id::RequestNumber;
use compact_str::CompactString;

/// How far asking for the address's name has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lookup {
    ToDo,
    UnderWay {
        ticket: RequestNumber,
        /// Monotonic; nobody waits longer.
        until_ms: u64,
        /// Registration lacks nothing else: no line is read before the name has come or patience has ended.
        awaited: bool,
    },
    Done,
}

impl Lookup {
    pub(crate) fn is_awaited(self) -> bool {
        matches!(self, Lookup::UnderWay { awaited: true, .. })
    }

    pub(crate) fn is_for(self, result: u32) -> bool {
        matches!(self, Lookup::UnderWay { ticket, .. } if ticket == result)
    }

    /// When patience ends.
    pub(crate) fn until_ms(self) -> Option<u64> {
        match self {
            Lookup::UnderWay { until_ms, .. } => Some(until_ms),
            Lookup::ToDo | Lookup::Done => None,
        }
    }
}

/// Asks for the name of the connection's address, once, where names are shown.
pub(crate) fn look_up(turn: &mut Turn<'_>) {
    let facts = turn.facts;
    let Some(registration) = turn.session.registration.as_deref() else {
        return;
    };
    if !facts.show_hostnames || registration.lookup != Lookup::ToDo {
        return;
    }
    let address = turn.session.link.address;
    let until_ms = turn.now.monotonic_ms + facts.limits.lookup_seconds * 1000;
    let ticket = turn.work_aside(|ticket| Work::LookUpHost { ticket, address });
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.lookup = Lookup::UnderWay { ticket, until_ms, awaited: false };
    }
}

/// The outcome; `None`: patience has ended.
pub(crate) fn looked_up(registration: &mut Registration, result: Option<WorkResult>) {
    registration.lookup = Lookup::Done;
    if let Some(WorkResult::Host(Some(name))) = result {
        registration.host = Some(name).filter(|name| is_host(name));
    }
}

/// A gateway has said whom it speaks for. If it knows no name for the address, we ask for it.
pub(crate) fn told_by_gateway(registration: &mut Registration, host: CompactString) {
    registration.host = Some(host).filter(|host| is_host(host));
    registration.lookup = if registration.host.is_some() { Lookup::Done } else { Lookup::ToDo };
}

/// The host to show; `None`: its name has not come yet, and is waited for from now on.
pub(crate) fn shown(registration: &mut Registration, link: &Link, facts: &ServerFacts) -> Option<CompactString> {
    if let Lookup::UnderWay { awaited, .. } = &mut registration.lookup {
        *awaited = true;
        return None;
    }
    let name = registration.host.clone().filter(|_| facts.show_hostnames);
    Some(name.unwrap_or_else(|| cloak::cloak(link.address, &facts.secret)))
}

/// Whether a name can stand in a mask and passes neither for an address nor for a cloak. Its last label begins with a
/// letter (RFC 3696 section 2), which also keeps out addresses in the forms that resolvers take for names, such as
/// `0x7f000001`.
pub fn is_host(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= HOST_LENGTH
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
        && !last.eq_ignore_ascii_case(cloak::SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::is_host;
    use crate::facts::{Configured, Gateway, Password};
    use crate::testing::{World, check_with, only};
    use chat::settings::Settings;

    fn names_shown(configured: &mut Configured, _: &mut Settings) {
        configured.show_hostnames = true;
        configured.limits.lookup_seconds = 2;
        let password = Password::Plain("sesame".to_owned().into());
        configured.gateways.push(Gateway { name: None, addresses: vec![only("192.0.2.9")], password: Some(password) });
    }

    #[test]
    fn names_that_can_be_shown() {
        let longest = format!("{}.example", "a".repeat(55));
        for (host, expected) in [
            ("a.example", true),
            ("localhost", true),
            ("192-0-2-1.pool.example", true),
            (&longest, true),
            (&format!("a{longest}"), false),
            ("", false),
            ("1.2.3.4", false),
            ("0x7f000001", false),
            ("a.0x1", false),
            ("2001:db8::1", false),
            ("a b", false),
            ("a!b@c", false),
            ("a_b.example", false),
            ("-a.example", false),
            ("a.-b", false),
            (".a", false),
            ("a..b", false),
            ("a.", false),
            ("pass-for.a.cloak.ip", false),
            ("pass-for.a.cloak.IP", false),
        ] {
            assert_eq!(is_host(host), expected, "{host}");
        }
    }

    #[test]
    fn a_name_that_comes_early_is_shown() {
        check_with(
            names_shown,
            "bob=
             bob> JOIN #tea
             bob<<
             alice+ host=h.example
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 001 alice :… alice!~alice@h.example
             alice<<
             alice> JOIN #tea
             alice<<
             bob< :alice!~alice@h.example JOIN #tea",
        );
    }

    #[test]
    fn registration_waits_for_a_name_that_comes_late() {
        check_with(
            names_shown,
            "alice+ host-late
             alice> CAP LS 302
             alice< :irc.example CAP * LS …
             alice<<
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice> CAP REQ batch
             alice< :irc.example CAP alice ACK :batch
             alice> CAP END
             +1
             alice~ h.example
             alice< :irc.example 001 alice :… alice!~alice@h.example
             alice<<
             alice> JOIN #tea
             alice< :alice!~alice@h.example JOIN #tea
             alice<<",
        );
    }

    #[test]
    fn nothing_is_read_while_only_the_name_is_missing() {
        let mut world = World::new(names_shown);
        let at = world.connect("alice", "host-late");
        for line in ["NICK alice", "USER alice 0 * :Alice"] {
            world.say(at, line).unwrap();
        }
        assert!(world.say(at, "JOIN #tea").is_err(), "it would be answered with 451");
        assert!(world.session(at).owes_answers(), "the end of input does not end it");
        world.name_comes(at, Some("h.example"));
        assert!(world.received(at)[0].ends_with("!~alice@h.example"));
        world.say(at, "JOIN #tea").unwrap();
        assert!(!world.session(at).owes_answers());
    }

    #[test]
    fn patience_with_a_name_that_never_comes_ends() {
        check_with(
            names_shown,
            "alice+ host-late
             alice> NICK alice
             alice> USER alice 0 * :Alice
             +1
             +1
             alice< :irc.example 001 alice :… alice!~alice@….ip
             alice<<
             alice~ h.example
             alice> PING x
             alice< :irc.example PONG irc.example :x
             bob+ host-late          ## who dawdles has waited already
             bob> NICK bob
             +2
             bob> USER bob 0 * :Bob
             bob< :irc.example 001 bob :… bob!~bob@….ip
             bob<<
             carol+ host-late        ## no name is known
             carol> NICK carol
             carol> USER carol 0 * :Carol
             carol~
             carol< :irc.example 001 carol :… carol!~carol@….ip
             carol<<",
        );
    }

    #[test]
    fn time_to_register_is_not_extended() {
        check_with(
            |configured, settings| {
                names_shown(configured, settings);
                configured.limits.register_seconds = 1;
            },
            "alice+ host-late
             alice> NICK alice
             alice> USER alice 0 * :Alice
             +1
             alice< ERROR :Closing link: (Registration timed out)
             alice!
             alice~ h.example",
        );
    }

    #[test]
    fn a_name_that_cannot_be_shown_is_not() {
        check_with(
            names_shown,
            "alice+ host=a_b.example
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 001 alice :… alice!~alice@….ip
             alice<<",
        );
    }

    #[test]
    fn another_nick_keeps_the_name() {
        check_with(
            names_shown,
            "bob=
             alice+ host-late
             alice> NICK bob
             alice> USER alice 0 * :Alice
             alice~ h.example
             alice< :irc.example 433 * bob :…
             alice> NICK alice
             alice< :irc.example 001 alice :… alice!~alice@h.example
             alice<<",
        );
    }

    #[test]
    fn a_gateways_word_goes_before_and_its_own_name_is_not_the_persons() {
        check_with(
            names_shown,
            "alice+ address=192.0.2.9 host-late        ## the gateway's name is not even asked for
             alice> WEBIRC sesame web h.example 198.51.100.1
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 001 alice :… alice!~alice@h.example
             alice<<
             bob+ address=192.0.2.9 host-late          ## it knows no name: the person's address is looked up
             bob> NICK bob
             bob> WEBIRC sesame web 198.51.100.2 198.51.100.2
             bob> USER bob 0 * :Bob
             bob~ gateway.example                      ## asked for before the gateway said for whom it speaks
             bob~ b.example
             bob< :irc.example 001 bob :… bob!~bob@b.example
             bob<<",
        );
    }

    #[test]
    fn off_costs_nothing() {
        check_with(
            |_, _| {},
            "alice+ host-late
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 001 alice :… alice!~alice@….ip
             alice<<",
        );
        let mut world = World::new(|_, _| {});
        let at = world.connect("alice", "host-late");
        for line in ["NICK alice", "USER alice 0 * :Alice"] {
            world.say(at, line).unwrap();
        }
        assert_eq!(world.lookups(at), 0);
    }
}
