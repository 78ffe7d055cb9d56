//! VERIFY: the code that was sent to a new account's address (IRCv3 draft/account-registration). This server sends none:
//! every account is complete when REGISTER says so.

use super::{Phase, Verb};
use crate::turn::Turn;
use crate::verb::register::current_account;
use wire::{Line, truncate_at_char_boundary};

pub(crate) const VERB: Verb = Verb {
    name: "VERIFY",
    parameters: 2,
    phase: Phase::Any,
    cost: 4,
    receive,
    help: "VERIFY <account> <code>\nCompletes an account with a code that was sent to its owner.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if let Some(account) = current_account(turn) {
        return turn.fail("VERIFY", "ALREADY_AUTHENTICATED", &[&account], "You are logged in to an account already");
    }
    let account = truncate_at_char_boundary(line.param(0).unwrap_or_default(), 64);
    if !turn.session.is_registered() && !turn.facts.login.register_before_connect {
        return turn.fail("VERIFY", "COMPLETE_CONNECTION_REQUIRED", &[account], "Connect first, then register");
    }
    turn.fail("VERIFY", "INVALID_CODE", &[account], "No account is waiting for a code here");
}
