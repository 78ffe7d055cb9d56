//! What the targets of a line name: rooms, people, this server; and the answers for what names nothing.

use crate::isupport;
use crate::turn::Turn;
use chat::mask::glob;
use chat::name::{ChatroomName, Username};
use chat::query::Conversation;
use wire::{MAX_BODY, Numeric, truncate_at_char_boundary};

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

/// A client's own word as an answer names it: whole, unless it is longer than any name could be.
pub(crate) fn shown(word: &str) -> &str {
    const MOST: usize = 200;
    truncate_at_char_boundary(word, MOST)
}

/// The first target beyond [`most`], which is not seen to, and none behind it (407, RFC 2812 section 5.2).
pub(crate) fn one_too_many(turn: &mut Turn<'_>, target: &str, what: std::fmt::Arguments<'_>) {
    turn.numeric(Numeric::ERR_TOOMANYTARGETS).param(shown(target)).trailing_fmt(what);
}

/// The longest of several names; empty when there is none.
pub(crate) fn longest<'t>(names: impl Iterator<Item = &'t str>) -> &'t str {
    names.max_by_key(|name| name.len()).unwrap_or_default()
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

/// The conversation that a target names; `None`: no room can be called so.
pub(crate) fn conversation(turn: &Turn<'_>, target: &str) -> Option<Conversation> {
    if is_room(target) {
        return ChatroomName::parse(target, &turn.facts.name_rules).ok().map(Conversation::Room);
    }
    Some(Conversation::With(person(turn, target)))
}

/// Whether it is the client's own name.
pub(crate) fn is_own_name(turn: &Turn<'_>, text: &str) -> bool {
    let rules = &turn.facts.name_rules;
    text == turn.nick() || Username::lookup(text, rules).key() == Username::lookup(turn.nick(), rules).key()
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
    turn.numeric(Numeric::ERR_NOSUCHSERVER).param(shown(asked)).trailing("There is no such server here");
    false
}

pub(crate) fn no_such_room(turn: &mut Turn<'_>, text: &str) {
    turn.numeric(Numeric::ERR_NOSUCHCHANNEL).param(shown(text)).trailing("There is no such room");
}

pub(crate) fn no_such_person(turn: &mut Turn<'_>, text: &str) {
    turn.numeric(Numeric::ERR_NOSUCHNICK).param(shown(text)).trailing("Nobody of this name is here");
}

/// Whether a text is within a limit of bytes that the configuration sets, and the line of this verb with these parameters
/// before it, as others are sent it, is not too long; else 417. Texts are refused, never shortened.
pub(crate) fn fits(turn: &mut Turn<'_>, what: &str, middles: &[&str], text: &str, limit: usize) -> bool {
    if text.len() > limit {
        turn.numeric(Numeric::ERR_INPUTTOOLONG).trailing_fmt(format_args!(
            "{what} has {} bytes, at most {limit} are possible: make it shorter",
            text.len()
        ));
        return false;
    }
    let excess = excess_when_relayed(turn, middles.iter().map(|middle| " ".len() + middle.len()).sum(), text);
    if excess > 0 {
        turn.numeric(Numeric::ERR_INPUTTOOLONG).trailing_fmt(format_args!(
            "{what} is {excess} bytes too long for one line with your name before it: make it shorter"
        ));
    }
    excess == 0
}

/// By how many bytes `:nick!ident@host VERB middles… :text` would be over what a line can have.
pub(crate) fn excess_when_relayed(turn: &Turn<'_>, middles: usize, text: &str) -> usize {
    let source = turn.session.person().map_or(0, |person| {
        ":".len() + person.name.len() + "!".len() + person.ident.len() + "@".len() + person.host.len() + " ".len()
    });
    let line = source + turn.verb().len() + middles + " :".len() + text.len() + "\r\n".len();
    line.saturating_sub(MAX_BODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_no_empty_parts() {
        let check = |text: &str, expected: &[&str]| assert_eq!(list(text).collect::<Vec<_>>(), expected, "{text:?}");
        check("#a,#b", &["#a", "#b"]);
        check(",#a,,#b,", &["#a", "#b"]);
        check("", &[]);
        check(",", &[]);
    }
}
