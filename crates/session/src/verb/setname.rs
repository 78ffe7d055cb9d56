//! SETNAME: another realname (IRCv3 setname).

use super::{Phase, Verb};
use crate::isupport::REALNAME_LENGTH;
use crate::turn::Turn;
use chat::command::Command;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "SETNAME",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "SETNAME :<realname>\nChanges the realname that others see.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let to = line.param(0).unwrap_or_default();
    if to.trim().is_empty() {
        turn.fail("SETNAME", "INVALID_REALNAME", &[], "The realname is empty: give at least one letter");
    } else if to.len() > REALNAME_LENGTH {
        let text =
            format!("The realname has {} bytes, at most {REALNAME_LENGTH} are possible: make it shorter", to.len());
        turn.fail("SETNAME", "INVALID_REALNAME", &[], &text);
    } else {
        turn.ask(Command::SetRealname { to: to.into() });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn another_realname() {
        let long = "x".repeat(129);
        check(&format!(
            "alice= setname
             bob= setname
             carol=
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             alice<<
             bob<<
             carol<<
             alice> SETNAME :Alice Liddell
             alice< :alice!… SETNAME :Alice Liddell
             bob< :alice!… SETNAME :Alice Liddell
             alice> SETNAME :
             alice< :irc.example FAIL SETNAME INVALID_REALNAME :…
             alice> SETNAME {long}
             alice< :irc.example FAIL SETNAME INVALID_REALNAME :…
             alice> SETNAME
             alice< :irc.example 461 alice SETNAME :Not enough parameters"
        ));
    }
}
