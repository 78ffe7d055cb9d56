//! ACCEPT: who may write to someone that takes messages from people with an account only (user mode R), as in Charybdis
//! and its descendants (`doc/modes`, "caller ID"). Whoever is written to is accepted without more ado.

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::Query;
use compact_str::CompactString;
use wire::{Line, Numeric};

/// Names that one line may add and remove.
const CHANGES: usize = 16;

pub(crate) const VERB: Verb = Verb {
    name: "ACCEPT",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "ACCEPT [<name>{,<name>}]\n\
           Lets these people write to you though they have no account (MODE +R), until you leave; -<name> takes it back, * \
           lists them. Whoever you write to is accepted by that.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let list = line.param(0).unwrap_or("*");
    let mut changes = Vec::new();
    let mut lists = false;
    for word in targets::list(list).take(CHANGES) {
        match (word, word.strip_prefix('-')) {
            ("*", _) => lists = true,
            (_, Some("")) => {}
            (_, Some(name)) => changes.push((false, targets::person(turn, name))),
            (name, None) => changes.push((true, targets::person(turn, name))),
        }
    }
    if !changes.is_empty() {
        turn.await_with(Awaiting::About(list.into()));
        turn.ask(Command::ChangeAccepted { changes });
    }
    if lists {
        turn.ask(Command::Ask(Query::Accepted));
    }
}

/// 281 and 282.
pub(crate) fn write(turn: &mut Turn<'_>, names: &[CompactString]) {
    for name in names {
        turn.numeric(Numeric::RPL_ACCEPTLIST).param(name).end();
    }
    turn.numeric(Numeric::RPL_ENDOFACCEPT).trailing("End of /ACCEPT list");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn whom_she_accepts() {
        check(
            "alice=
             bob=
             carol=
             alice> MODE alice +R
             alice< :alice!… MODE alice +R
             bob> PRIVMSG alice :hi
             bob< :irc.example 477 bob alice :They take messages from people with an account only (+R): …
             alice> ACCEPT
             alice< :irc.example 282 alice :End of /ACCEPT list
             alice> ACCEPT BOB,carol
             bob> PRIVMSG alice :hi
             alice< :bob!… PRIVMSG alice :hi
             alice> ACCEPT *
             alice< :irc.example 281 alice bob
             alice< :irc.example 281 alice carol
             alice< :irc.example 282 alice :…
             alice> ACCEPT -bob,*,carol,nobody,-dave
             alice< :irc.example 457 alice carol :…
             alice< :irc.example 401 alice nobody :…
             alice< :irc.example 401 alice dave :…
             alice< :irc.example 281 alice carol
             alice< :irc.example 282 alice :…
             bob> PRIVMSG alice :hi
             bob< :irc.example 477 bob alice :…
             alice> ACCEPT -bob
             alice< :irc.example 458 alice bob :…",
        );
    }
}
