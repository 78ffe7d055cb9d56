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
