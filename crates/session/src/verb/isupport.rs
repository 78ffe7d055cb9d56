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
