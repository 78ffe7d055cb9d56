//! USER: the device's own name for its user, and the person's real name. The two parameters between have no meaning.

use super::{Phase, Verb};
use crate::isupport::REALNAME_LENGTH;
use crate::registration::ident_of;
use crate::turn::Turn;
use wire::{Line, truncate_at_char_boundary};

pub(crate) const VERB: Verb = Verb {
    name: "USER",
    parameters: 4,
    phase: Phase::Unregistered,
    cost: 1,
    receive,
    help: "USER <user> 0 * <realname>\nSays who is connecting; with NICK, the first thing to say.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let (user, realname) = (line.param(0).unwrap_or_default(), line.param(3).unwrap_or_default());
    // Modern IRC "USER message": the minimum length of both is 1.
    if user.is_empty() || realname.is_empty() {
        return turn.need_more_params();
    }
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.ident = Some(ident_of(user));
        registration.realname = truncate_at_char_boundary(realname, REALNAME_LENGTH).into();
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn user_and_its_refusals() {
        check(
            "alice+
             alice> USER alice 0 *
             alice< :irc.example 461 * USER :Not enough parameters
             alice> USER alice 0 * :
             alice< :irc.example 461 * USER :Not enough parameters
             alice> USER al@ice irc.example irc.example Alice
             alice> JOIN :
             alice< :irc.example 451 * :You have not registered
             alice> NICK alice
             alice< :irc.example 001 alice :Welcome to the Example IRC network alice!~alice@….ip
             alice<<
             alice> USER alice 0 * :Alice
             alice< :irc.example 462 alice :You may not reregister",
        );
    }
}
