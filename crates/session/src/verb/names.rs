//! NAMES (RFC 2812 section 3.2.5; multi-prefix; userhost-in-names).

use super::{Awaiting, Phase, Verb};
use crate::mode_letters::prefixes;
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::name::ChatroomName;
use chat::query::{MemberRow, Query, RoomMembers, Visibility};
use compact_str::CompactString;
use wire::{Capability, Line, Numeric, truncate_at_char_boundary};

pub(crate) const VERB: Verb = Verb {
    name: "NAMES",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "NAMES <room>{,<room>}\nShows who is connected in a room, with their ranks.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let mut list = line.param(0).unwrap_or_default();
    let most = targets::most("NAMES");
    if let Some(beyond) = targets::list(list).nth(most) {
        targets::one_too_many(turn, beyond, format_args!("Not shown: at most {most} at once"));
        // What is left out is not among what the end speaks of.
        let begin = beyond.as_ptr() as usize - list.as_ptr() as usize;
        list = &list[..begin - 1];
    }
    let rooms: Vec<ChatroomName> = targets::list(list)
        .take(most)
        .filter_map(|name| ChatroomName::parse(name, &turn.facts.name_rules).ok())
        .collect();
    // Without a room everyone's names would be asked for: LIST and WHO do that better, so it ends at once (Modern IRC
    // "NAMES message" leaves it to the server). A room that cannot be is no error either.
    if rooms.is_empty() {
        write_end(turn, if list.is_empty() { "*" } else { list });
        return;
    }
    // One end for all, named as they were asked for; where that would not fit into it, one for each.
    let asked = if list.len() <= MOST_ASKED { list } else { "" };
    turn.await_with(Awaiting::Names { asked: asked.into(), left: rooms.len() });
    for room in rooms {
        turn.ask(Command::Ask(Query::Members { room }));
    }
}

/// Bytes of what was asked for that 366 has room for beside the longest names of server and client.
const MOST_ASKED: usize = 300;

/// One of the rooms asked for has been answered, with names or without; behind the last one comes the end.
pub(crate) fn answered(turn: &mut Turn<'_>, asked: &CompactString, left: usize, room: &str) {
    if asked.is_empty() {
        write_end(turn, room);
    } else if left <= 1 {
        write_end(turn, asked);
    } else {
        turn.await_with(Awaiting::Names { asked: asked.clone(), left: left - 1 });
    }
}

/// 353: as many lines as the names need.
pub(crate) fn write(turn: &mut Turn<'_>, members: &RoomMembers) {
    let multi_prefix = turn.has(Capability::MultiPrefix);
    let with_hosts = turn.has(Capability::UserhostInNames);
    let symbol = match members.visibility {
        Visibility::Public => "=",
        Visibility::Unlisted => "*",
        Visibility::Secret => "@",
    };
    let mut rows = members.members.iter();
    let mut item = String::new();
    let mut next = rows.next();
    while next.is_some() {
        let mut names = turn.numeric(Numeric::RPL_NAMREPLY).param(symbol).param(&members.room).open_trailing();
        while let Some(row) = next {
            compose(&mut item, row, multi_prefix, with_hosts);
            if !names.try_item(' ', &item) {
                // A name that fits on no line is sent all the same, rather than for ever tried again.
                if names.is_empty() {
                    names = names.text(&item);
                    next = rows.next();
                }
                break;
            }
            next = rows.next();
        }
        names.end();
    }
}

/// 366.
pub(crate) fn write_end(turn: &mut Turn<'_>, room: &str) {
    turn.numeric(Numeric::RPL_ENDOFNAMES)
        .param(truncate_at_char_boundary(room, MOST_ASKED))
        .trailing("End of NAMES list");
}

fn compose(item: &mut String, row: &MemberRow, multi_prefix: bool, with_hosts: bool) {
    item.clear();
    item.extend(prefixes(row.roles, multi_prefix));
    item.push_str(&row.person.name);
    if with_hosts {
        item.push('!');
        item.push_str(&row.person.ident);
        item.push('@');
        item.push_str(&row.person.host);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn who_is_here() {
        check(
            "alice=
             alice> JOIN #tea,#milk
             alice<<
             bob= multi-prefix userhost-in-names
             bob> JOIN #tea
             bob<<
             alice<<
             alice> MODE #tea +v alice
             alice<<
             bob<<
             bob> NAMES #tea
             bob< :irc.example 353 bob = #tea :@+alice!…@… bob!…@…
             bob< :irc.example 366 bob #tea :End of NAMES list
             alice> NAMES #TEA
             alice< :irc.example 353 alice = #tea :@alice bob
             alice< :irc.example 366 alice #TEA :End of NAMES list
             alice> MODE #tea +s
             alice<<
             bob<<
             alice> NAMES #tea,#milk
             alice< :irc.example 353 alice @ #tea :@alice bob
             alice< :irc.example 353 alice = #milk :@alice
             alice< :irc.example 366 alice #tea,#milk :End of NAMES list",
        );
    }

    #[test]
    fn what_is_not_there_has_nobody_in_it() {
        check(
            "alice=
             alice> JOIN #tea
             alice> MODE #tea +s
             alice<<
             bob=
             bob> NAMES #tea
             bob< :irc.example 366 bob #tea :End of NAMES list
             bob> NAMES #nowhere
             bob< :irc.example 366 bob #nowhere :End of NAMES list
             bob> NAMES nonsense
             bob< :irc.example 366 bob nonsense :End of NAMES list
             bob> NAMES
             bob< :irc.example 366 bob * :End of NAMES list
             bob> NAMES #1,#2,#3,#4,#5,#6,#7,,#8,#9,#10
             bob< :irc.example 407 bob #9 :Not shown: at most 8 at once
             bob< :irc.example 366 bob #1,#2,#3,#4,#5,#6,#7,,#8 :End of NAMES list",
        );
    }

    #[test]
    fn many_names_make_several_lines() {
        let mut transcript = String::from("alice=\nalice> JOIN #tea\nalice<<\n");
        let name = |n: usize| format!("{}{n}", "n".repeat(28));
        for n in 10..40 {
            transcript += &format!("{0}=\n{0}> JOIN #tea\n{0}<<\n", name(n));
        }
        for n in 10..40 {
            transcript += &format!("{}<<\n", name(n));
        }
        transcript += "alice<<\nalice> NAMES #tea\n";
        // The world checks that none is longer than 512 bytes.
        transcript += "alice< :irc.example 353 alice = #tea :@alice n…\n";
        transcript += "alice< :irc.example 353 alice = #tea :n…\n";
        transcript += "alice< :irc.example 366 alice #tea :End of NAMES list\n";
        check(&transcript);
    }

    #[test]
    fn too_long_a_list_for_one_end_has_one_for_each() {
        let rooms: Vec<String> = (0..7).map(|n| format!("#{}{n}", "r".repeat(50))).collect();
        let ends: String =
            rooms.iter().map(|room| format!("alice< :irc.example 366 alice {room} :End of NAMES list\n")).collect();
        check(&format!("alice=\nalice> NAMES {}\n{ends}", rooms.join(",")));
    }
}
