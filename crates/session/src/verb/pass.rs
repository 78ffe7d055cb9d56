//! PASS: kept until registration is complete enough to check it (RFC 2812 section 3.1.1: the last one counts).

use super::{Phase, Verb};
use crate::login::PASSWORD_BYTES;
use crate::turn::Turn;
use wire::{Line, truncate_at_char_boundary};
use zeroize::Zeroizing;

pub(crate) const VERB: Verb = Verb {
    name: "PASS",
    parameters: 1,
    phase: Phase::Unregistered,
    cost: 1,
    receive,
    help: "PASS <password>\nGives the server's password, or username:password of an account, before NICK and USER.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let password = truncate_at_char_boundary(line.param(0).unwrap_or_default(), PASSWORD_BYTES);
    if password.is_empty() {
        return turn.need_more_params();
    }
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.password = Some(Zeroizing::new(password.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::{Configured, Password};
    use crate::testing::{check, check_with};
    use zeroize::Zeroizing;

    #[test]
    fn the_servers_password() {
        let plain = |configured: &mut Configured| {
            configured.password = Some(Password::Plain(Zeroizing::new("sesame".to_owned())));
        };
        let hash = |configured: &mut Configured| configured.password = Some(Password::Hash("hash of sesame".into()));
        for change in [plain as fn(&mut Configured), hash] {
            check_with(
                |configured, _| change(configured),
                "alice+
                 alice> PASS :wrong
                 alice> PASS sesame
                 alice> NICK alice
                 alice> USER alice 0 * :Alice
                 alice< :irc.example 001 alice :…
                 alice<<
                 alice> PASS sesame
                 alice< :irc.example 462 alice :You may not reregister
                 bob+
                 bob> PASS wrong
                 bob> NICK bob
                 bob> USER bob 0 * :Bob
                 bob< :irc.example 464 bob :Password incorrect
                 bob< ERROR :Closing link: (Bad password)
                 bob!
                 carol+
                 carol> NICK carol
                 carol> USER carol 0 * :Carol
                 carol< :irc.example 464 carol :Password incorrect
                 carol< ERROR :Closing link: (Bad password)
                 carol!",
            );
        }
    }

    #[test]
    fn a_login_for_clients_without_sasl() {
        check(
            "maker=
             maker> REGISTER alice * sesame
             maker<<
             maker> QUIT
             maker<<
             alice+
             alice> PASS alice:sesame
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 900 alice alice!~alice@* alice :You are now logged in as alice
             alice< :irc.example 001 alice :…
             alice<<
             alice> QUIT
             alice<<
             bob+
             bob> PASS alice:wrong
             bob> NICK bob
             bob> USER bob 0 * :Bob
             bob< :irc.example 464 bob :wrong name or password
             bob< ERROR :Closing link: (Bad password)
             bob!
             carol+ plain
             carol> PASS alice:sesame
             carol> NICK carol
             carol> USER carol 0 * :Carol
             carol< :irc.example 464 carol :Passwords are taken over TLS only: connect to the port for TLS
             carol< ERROR :Closing link: (Bad password)
             carol!",
        );
    }

    #[test]
    fn without_meaning_it_does_no_harm() {
        check(
            "alice+
             alice> PASS
             alice< :irc.example 461 * PASS :Not enough parameters
             alice> PASS :
             alice< :irc.example 461 * PASS :Not enough parameters
             alice> PASS something
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 001 alice :…
             alice<<",
        );
    }
}
