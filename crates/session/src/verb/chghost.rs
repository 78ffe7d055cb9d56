//! CHGHOST <name> <ident> <host>: how someone is shown. For operators. The line that tells others of it is IRCv3 chghost.

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "CHGHOST",
    parameters: 3,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "CHGHOST <name> <ident> <host>\nChanges the ident and host that others see of someone. For operators.",
};

/// Bytes of a host, as DNS has it (RFC 1035 section 2.3.4, without the dots of the root).
const MOST_HOST: usize = 63;
/// Bytes of an ident, generous beside the usual ten.
const MOST_IDENT: usize = 20;

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let [name, ident, host, ..] = *line.params() else {
        return;
    };
    let is_part = |text: &str, most: usize| {
        (1..=most).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/:~".contains(&byte))
            && !text.starts_with(':')
    };
    if !is_part(ident, MOST_IDENT) || !is_part(host, MOST_HOST) {
        turn.fail(
            "CHGHOST",
            "INVALID_HOST",
            &[targets::shown(name)],
            "An ident or host has letters, digits and - . _ / : ~, at most 20 and 63 of them",
        );
        return;
    }
    let of = targets::person(turn, name);
    turn.await_with(Awaiting::About(name.into()));
    turn.ask(Command::ChangeHost { of, ident: ident.into(), host: host.into() });
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn operators_change_hosts() {
        check_with(
            with_operator,
            "alice=
             bob=
             carol= chghost
             bob> JOIN #tea
             carol> JOIN #tea
             bob<<
             carol<<
             bob> CHGHOST bob x y.example
             bob< :irc.example 481 bob :…
             alice> OPER root sesame
             alice<<
             alice> CHGHOST bob x y.example
             carol< :bob!~bob@… CHGHOST x y.example
             bob> PRIVMSG #tea :hi
             carol< :bob!x@y.example PRIVMSG #tea :hi
             alice> CHGHOST nobody x y.example
             alice< :irc.example 401 alice nobody :…
             alice> CHGHOST bob x :y z
             alice< :irc.example FAIL CHGHOST INVALID_HOST bob :…
             alice> CHGHOST bob x
             alice< :irc.example 461 alice CHGHOST :Not enough parameters",
        );
    }
}
