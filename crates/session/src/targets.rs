//! What the targets of a line name: rooms, people, this server; and the answers for what names nothing.

use crate::isupport;
use crate::turn::Turn;
use chat::mask::glob;
use chat::name::{ChatroomName, Username};
use wire::Numeric;

/// How many targets a line of this verb may have: what `TARGMAX` announces.
pub(crate) fn most(verb: &str) -> usize {
    match verb {
        "PRIVMSG" | "NOTICE" | "TAGMSG" => isupport::MESSAGE_TARGETS,
        "KICK" => isupport::KICK_TARGETS,
        "NAMES" => isupport::NAMES_TARGETS,
        "WHOIS" => isupport::WHOIS_TARGETS,
        "WHOWAS" => isupport::WHOWAS_TARGETS,
        // RFC 2812 section 4.8.
        "USERHOST" | "USERIP" => 5,
        _ => usize::MAX,
    }
}

/// The parts of a list with commas; empty ones mean nothing.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|part| !part.is_empty())
}

/// The room of that name; 403 when no room can have it.
pub(crate) fn room(turn: &mut Turn<'_>, text: &str) -> Option<ChatroomName> {
    let room = ChatroomName::parse(text, &turn.facts.name_rules).ok();
    if room.is_none() {
        no_such_room(turn, text);
    }
    room
}

/// The person of that name. Any text will do: if nobody can be called so, nobody is found.
pub(crate) fn person(turn: &Turn<'_>, text: &str) -> Username {
    Username::lookup(text, &turn.facts.name_rules)
}

/// Whether a name is meant for a room.
pub(crate) fn is_room(text: &str) -> bool {
    text.starts_with('#')
}

/// Whether it is the client's own name.
pub(crate) fn is_own_name(turn: &Turn<'_>, text: &str) -> bool {
    let rules = &turn.facts.name_rules;
    text == turn.nick()
        || Username::lookup(text, rules).key() == Username::lookup(turn.nick(), rules).key()
}

/// Whether the server that a line asks is this one, which is the only one: by its name, a mask of it, or the name of
/// someone on it, which the client itself is. Else 402.
pub(crate) fn is_this_server(turn: &mut Turn<'_>, asked: Option<&str>) -> bool {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return true;
    };
    if glob(asked, &turn.facts.server_name) || is_own_name(turn, asked) {
        return true;
    }
    turn.numeric(Numeric::ERR_NOSUCHSERVER)
        .param(asked)
        .trailing("There is no such server here");
    false
}

pub(crate) fn no_such_room(turn: &mut Turn<'_>, text: &str) {
    turn.numeric(Numeric::ERR_NOSUCHCHANNEL)
        .param(text)
        .trailing("There is no such room");
}

pub(crate) fn no_such_person(turn: &mut Turn<'_>, text: &str) {
    turn.numeric(Numeric::ERR_NOSUCHNICK)
        .param(text)
        .trailing("Nobody of this name is here");
}

/// Whether a text is within a limit of bytes that the configuration sets; else 417. Texts are refused, never shortened.
pub(crate) fn fits(turn: &mut Turn<'_>, what: &str, text: &str, limit: usize) -> bool {
    if text.len() <= limit {
        return true;
    }
    turn.numeric(Numeric::ERR_INPUTTOOLONG)
        .trailing_fmt(format_args!(
            "{what} has {} bytes, at most {limit} are possible: make it shorter",
            text.len()
        ));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_no_empty_parts() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(list(text).collect::<Vec<_>>(), expected, "{text:?}")
        };
        check("#a,#b", &["#a", "#b"]);
        check(",#a,,#b,", &["#a", "#b"]);
        check("", &[]);
        check(",", &[]);
    }
}
