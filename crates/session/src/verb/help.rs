//! HELP and HELPOP (Modern IRC "HELP message"), from the table of verbs.

use super::{Phase, VERBS, Verb};
use crate::targets::shown;
use crate::turn::Turn;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "HELP",
    parameters: 0,
    phase: Phase::Any,
    cost: 2,
    receive,
    help: "HELP [<command>]\nShows all commands, or explains one.",
};

/// The older name.
pub(crate) const HELPOP: Verb = Verb { name: "HELPOP", help: "HELPOP [<command>]\nThe same as HELP.", ..VERB };

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    match line.param(0).filter(|subject| !subject.is_empty()) {
        None => write_index(turn),
        Some(subject) => match Verb::find(subject) {
            Some(verb) => write_verb(turn, verb),
            None => turn
                .numeric(Numeric::ERR_HELPNOTFOUND)
                .param(shown(subject))
                .trailing("There is no command of this name; HELP alone shows all of them"),
        },
    }
}

fn write_verb(turn: &mut Turn<'_>, verb: &'static Verb) {
    turn.numeric(Numeric::RPL_HELPSTART).param(verb.name).trailing_fmt(format_args!("Help for {}", verb.name));
    for text in verb.help.lines() {
        write_text(turn, verb.name, text);
    }
    turn.numeric(Numeric::RPL_ENDOFHELP).param(verb.name).trailing("End of HELP");
}

fn write_index(turn: &mut Turn<'_>) {
    const SUBJECT: &str = "index";
    turn.numeric(Numeric::RPL_HELPSTART).param(SUBJECT).trailing("All commands; HELP <command> explains one");
    const ON_A_LINE: usize = 8;
    for verbs in VERBS.chunks(ON_A_LINE) {
        let names: Vec<&str> = verbs.iter().map(|verb| verb.name).collect();
        write_text(turn, SUBJECT, &names.join(" "));
    }
    turn.numeric(Numeric::RPL_ENDOFHELP).param(SUBJECT).trailing("End of HELP");
}

/// 705, cut at spaces: a line of text that a client would have to wrap is wrapped here.
fn write_text(turn: &mut Turn<'_>, subject: &str, text: &str) {
    const WIDTH: usize = 80;
    let mut row = String::new();
    for word in text.split_whitespace() {
        if !row.is_empty() && row.len() + 1 + word.len() > WIDTH {
            turn.numeric(Numeric::RPL_HELPTXT).param(subject).trailing(&row);
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    turn.numeric(Numeric::RPL_HELPTXT).param(subject).trailing(&row);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, check};

    #[test]
    fn every_verb_is_explained() {
        check(
            "alice=
             alice> HELPOP privmsg
             alice< :irc.example 704 alice PRIVMSG :Help for PRIVMSG
             alice< :irc.example 705 alice PRIVMSG :PRIVMSG <room or name>{,<room or name>} :<text>
             alice< :irc.example 705 alice PRIVMSG :Says something …
             alice< :irc.example 705 alice PRIVMSG :…
             alice< :irc.example 706 alice PRIVMSG :End of HELP
             alice> HELP NONSENSE
             alice< :irc.example 524 alice NONSENSE :…",
        );
        let mut world = World::new(|_, _| {});
        world.arrive("alice", "").unwrap();
        world.say(0, "HELP").unwrap();
        let received = world.received(0);
        assert!(received[0].starts_with(":irc.example 704 alice index :"), "{received:?}");
        assert_eq!(received.last().map(String::as_str), Some(":irc.example 706 alice index :End of HELP"));
        let names = received.iter().filter_map(|line| line.strip_prefix(":irc.example 705 alice index :"));
        assert!(names.flat_map(|names| names.split(' ')).eq(VERBS.iter().map(|verb| verb.name)), "{received:?}");
        for verb in VERBS {
            let mut lines = verb.help.lines();
            let usage = lines.next().unwrap_or_default();
            assert!(usage.contains(verb.name), "{}: {usage}", verb.name);
            let text = lines.next().unwrap_or_default();
            assert!(text.ends_with(['.', ':', ',']) || text.contains(' '), "{}: {text}", verb.name);
        }
    }
}
