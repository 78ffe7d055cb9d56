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
