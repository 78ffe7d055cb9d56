//! CAP: what follows the subcommand is in `negotiation.rs`.

use super::{Phase, Verb};
use crate::negotiation;
use crate::turn::Turn;
use wire::{Line, Numeric, truncate_at_char_boundary};

pub(crate) const VERB: Verb = Verb {
    name: "CAP",
    parameters: 1,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "CAP <subcommand> [<capabilities>]\nAgrees with the server on extensions of the protocol.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let subcommand = line.param(0).unwrap_or_default();
    match subcommand.to_ascii_uppercase().as_str() {
        "LS" => negotiation::list_offered(turn, line.param(1)),
        "LIST" => negotiation::list_enabled(turn),
        // Some clients leave out the colon before several words.
        "REQ" => negotiation::request(turn, &line.params()[1..].join(" ")),
        "END" => negotiation::end(turn),
        _ => {
            let shown = truncate_at_char_boundary(subcommand, 32);
            turn.numeric(Numeric::ERR_INVALIDCAPCMD).param(shown).trailing("Invalid CAP command");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::Sts;
    use crate::negotiation::OFFERED;
    use crate::testing::{World, check, check_with};
    use chat::command::PersonalMode;
    use wire::{Capability, CapabilitySet};

    /// On as many lines as it takes, the first of which holds those without which a client is lost.
    #[test]
    fn the_list_says_all_that_is_offered_the_basics_first() {
        let mut world = World::new(|_, _| {});
        let alice = world.connect("alice", "");
        world.say(alice, "CAP LS 302").unwrap();
        let received = world.received(alice);
        let last = received.len() - 1;
        let lists = received.iter().enumerate().map(|(at, line)| {
            let start = if at < last { ":irc.example CAP * LS * :" } else { ":irc.example CAP * LS :" };
            line.strip_prefix(start).unwrap_or_else(|| panic!("{received:?}"))
        });
        let words: Vec<&str> = lists.flat_map(|list| list.split(' ')).collect();
        let basics =
            "sasl=PLAIN,SCRAM-SHA-256 message-tags server-time batch labeled-response echo-message multi-prefix";
        assert!(words.iter().take(7).copied().eq(basics.split(' ')), "{received:?}");
        let names = words.iter().map(|word| Capability::from_name(word.split('=').next().unwrap()).unwrap());
        // There is nothing that sts could say here.
        assert_eq!(names.collect::<CapabilitySet>(), OFFERED.without(Capability::Sts));
        for word in [
            "draft/account-registration=before-connect,custom-account-name",
            "draft/multiline=max-bytes=4096,max-lines=64",
        ] {
            assert!(words.contains(&word), "{word} in {received:?}");
        }
    }

    #[test]
    fn values_are_for_302_and_true_for_the_connection() {
        check(
            "alice+ certificate
             alice> CAP LS :302
             alice< :irc.example CAP * LS …:sasl=PLAIN,SCRAM-SHA-256,EXTERNAL …
             alice<<
             alice> CAP LS
             alice< :irc.example CAP * LS :sasl message-tags …
             bob+ plain
             bob> CAP LS 307
             bob< :irc.example CAP * LS …:sasl=SCRAM-SHA-256 …
             bob<<
             carol+ plain loopback
             carol> CAP LS 302
             carol< :irc.example CAP * LS …:sasl=PLAIN,SCRAM-SHA-256 …
             carol<<",
        );
        check_with(
            |configured, _| configured.login.scram_sha_256 = false,
            "bob+ plain
             bob> CAP LS 302
             bob< :irc.example CAP * LS …:message-tags …
             bob<<
             bob> CAP REQ sasl
             bob< :irc.example CAP * NAK :sasl
             bob> AUTHENTICATE PLAIN
             bob< :irc.example 908 * * :are available SASL mechanisms
             bob< :irc.example 904 * :…",
        );
        check_with(
            |configured, _| configured.sts = Some(Sts { port: 6697, duration_seconds: 300, preload: true }),
            "alice+
             alice> CAP LS 302
             alice< …setname standard-replies sts=duration=300,preload userhost-in-names…
             alice<<
             alice> CAP LS
             alice< …setname standard-replies userhost-in-names…
             alice<<
             alice> CAP REQ sts
             alice< :irc.example CAP * NAK :sts
             bob+ plain
             bob> CAP LS 302
             bob< …standard-replies sts=port=6697 userhost-in-names…
             bob<<",
        );
        check_with(
            |configured, settings| {
                configured.login.registration_open = false;
                configured.default_modes = vec![PersonalMode::Invisible];
                settings.registration_open = false;
            },
            "alice+
             alice> CAP LS 302
             alice< …userhost-in-names draft/channel-rename draft/chathistory draft/event-playback draft/extended-isupport…
             alice<<",
        );
    }

    #[test]
    fn requests_hold_as_a_whole_or_not_at_all() {
        check(
            "alice+
             alice> CAP LIST
             alice< :irc.example CAP * LIST :
             alice> CAP REQ :multi-prefix batch  \x20
             alice< :irc.example CAP * ACK :multi-prefix batch
             alice> CAP REQ multi-prefix sasl
             alice< :irc.example CAP * ACK :multi-prefix sasl
             alice> CAP REQ :server-time nonsense -batch
             alice< :irc.example CAP * NAK :server-time nonsense -batch
             alice> CAP REQ :server-time=1
             alice< :irc.example CAP * NAK :server-time=1
             alice> CAP LIST
             alice< :irc.example CAP * LIST :batch multi-prefix sasl
             alice> CAP REQ :-batch -setname
             alice< :irc.example CAP * ACK :-batch -setname
             alice> CAP LIST
             alice< :irc.example CAP * LIST :multi-prefix sasl
             alice> CAP REQ :
             alice< :irc.example CAP * ACK :
             alice> CAP NONSENSE
             alice< :irc.example 410 * NONSENSE :Invalid CAP command
             alice> CAP
             alice< :irc.example 461 * CAP :Not enough parameters",
        );
    }

    #[test]
    fn version_302_brings_cap_notify_for_good() {
        check(
            "alice+
             alice> CAP REQ cap-notify
             alice< :irc.example CAP * ACK :cap-notify
             alice> CAP REQ -cap-notify
             alice< :irc.example CAP * ACK :-cap-notify
             alice> CAP LS 302
             alice< …
             alice<<
             alice> CAP LIST
             alice< :irc.example CAP * LIST :cap-notify
             alice> CAP REQ -cap-notify
             alice< :irc.example CAP * NAK :-cap-notify",
        );
    }

    #[test]
    fn registration_waits_for_the_end() {
        check(
            "alice+
             alice> NICK alice
             alice> CAP LS
             alice< …
             alice> USER alice 0 * :Alice
             alice> CAP REQ server-time
             alice< :irc.example CAP alice ACK :server-time
             alice> CAP END
             alice< @time=2023-11-14T22:13:20.000Z :irc.example 001 alice :…
             alice<<
             alice> CAP END
             alice> CAP REQ -server-time
             alice< @time=… :irc.example CAP alice ACK :-server-time
             alice> PING x
             alice< :irc.example PONG irc.example :x",
        );
    }
}
