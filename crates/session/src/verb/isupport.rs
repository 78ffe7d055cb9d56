//! ISUPPORT: the list of RPL_ISUPPORT on demand (IRCv3 draft/extended-isupport).

use super::{Phase, Verb};
use crate::isupport;
use crate::turn::Turn;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "ISUPPORT",
    parameters: 0,
    phase: Phase::Any,
    cost: 2,
    receive,
    help: "ISUPPORT\nShows what the server supports, and its limits.",
};

fn receive(turn: &mut Turn<'_>, _: &Line<'_>) {
    if turn.session.is_registered() || turn.has(Capability::ExtendedIsupport) {
        isupport::write(turn);
    } else {
        turn.numeric(Numeric::ERR_NOTREGISTERED).trailing("You have not registered");
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn early_only_for_those_who_asked() {
        check(
            "alice+
             alice> ISUPPORT
             alice< :irc.example 451 * :You have not registered
             alice> CAP REQ :batch draft/extended-isupport
             alice<<
             alice> ISUPPORT
             alice< :irc.example BATCH +1 draft/isupport
             alice< @batch=1 :irc.example 005 * ACCEPT=… :are supported by this server
             alice< @batch=1 :irc.example 005 * …
             alice< @batch=1 :irc.example 005 * …
             alice< :irc.example BATCH -1
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice> CAP END
             alice< :irc.example 001 …
             alice< :irc.example 002 …
             alice< :irc.example 003 …
             alice< :irc.example 004 …
             alice< :irc.example BATCH +2 draft/isupport
             alice<<
             bob=
             bob> ISUPPORT
             bob< :irc.example 005 bob …
             bob< :irc.example 005 bob …
             bob< :irc.example 005 bob …",
        );
    }
}
