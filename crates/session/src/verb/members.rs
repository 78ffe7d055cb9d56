//! MEMBERS: who belongs to a room and is not connected; NAMES shows those who are. Ours.

use super::{Phase, Verb};
use crate::mode_letters::prefixes;
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{AbsentMember, AbsentMembers, Query};
use compact_str::format_compact;
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "MEMBERS",
    parameters: 1,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "MEMBERS <room>\n\
           Shows the accounts that are members of a room and not connected, to its members; NAMES shows who is. With the\n\
           capability parlor/members: a batch parlor/members <room> <how many more there are> of MEMBERS <room> <account\n\
           with its rank as in NAMES> <its id> [:<display name>].",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let Some(room) = targets::room(turn, line.param(0).unwrap_or_default()) else { return };
    turn.ask(Command::Ask(Query::AbsentMembers { room }));
}

pub(crate) fn write(turn: &mut Turn<'_>, absent: &AbsentMembers) {
    let multi_prefix = turn.has(Capability::MultiPrefix);
    let name =
        |member: &AbsentMember| prefixes(member.roles, multi_prefix).chain(member.name.chars()).collect::<String>();
    if turn.has(Capability::ParlorMembers) {
        let more = format_compact!("{}", absent.more);
        return turn.batch("parlor/members", &[&absent.room, &more], |turn| {
            for member in &absent.members {
                let id = format_compact!("{}", member.id);
                let line = turn.server_line("MEMBERS").param(&absent.room).param(&name(member)).param(&id);
                match &member.display_name {
                    Some(shown) => line.trailing_cut(shown),
                    None => line.end(),
                }
            }
        });
    }
    let nick = turn.nick().to_owned();
    if absent.members.is_empty() {
        // Whoever sees only those who speak there is told of nobody: it must be true for her, too.
        let text = format_args!("{}: no member to show who is not here", absent.room);
        return turn.server_line("NOTICE").param(&nick).trailing_fmt(text);
    }
    let mut names = absent.members.iter().map(name).peekable();
    while let Some(first) = names.next() {
        let mut line = turn.server_line("NOTICE").param(&nick).open_trailing();
        line = line.text(&format_compact!("{}, not here: {first}", absent.room));
        while names.next_if(|name| line.try_item(' ', name)).is_some() {}
        line.end();
    }
    if absent.more > 0 {
        turn.server_line("NOTICE").param(&nick).trailing_fmt(format_args!("{}: and {} more", absent.room, absent.more));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn members_are_told_who_else_is_one_and_not_here() {
        check(
            "alice= batch parlor/members
             bob=
             carol=
             dave=
             alice> REGISTER * * sesame77
             bob> REGISTER * * sesame77
             carol> REGISTER * * sesame77
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             dave> JOIN #tea
             alice> MODE #tea +v bob
             alice<<
             bob<<
             carol<<
             dave<<
             alice> MEMBERS #tea
             alice< :irc.example BATCH +1 parlor/members #tea 0
             alice< :irc.example BATCH -1
             dave> MEMBERS #tea
             dave< :irc.example NOTICE dave :#tea: no member to show who is not here
             carol> METADATA * SET display-name :Carol C.
             alice<<
             carol<<
             bob> QUIT
             carol> QUIT
             alice<<
             dave<<
             alice> MEMBERS #TEA
             alice< :irc.example BATCH +2 parlor/members #tea 0
             alice< @batch=2 :irc.example MEMBERS #tea +bob …
             alice< @batch=2 :irc.example MEMBERS #tea carol …:Carol C.
             alice< :irc.example BATCH -2
             dave> MEMBERS #tea
             dave< :irc.example NOTICE dave :#tea, not here: +bob carol
             erin=
             erin> MEMBERS #tea
             erin< :irc.example 442 erin #tea :…
             erin> MEMBERS #none
             erin< :irc.example 403 erin #none :…
             erin> MEMBERS
             erin< :irc.example 461 erin MEMBERS :…
             alice> MODE #tea +s
             erin> MEMBERS #tea
             erin< :irc.example 403 erin #tea :…
             alice<<
             alice> MODE #tea +u
             dave<<
             dave> MEMBERS #tea
             dave< :irc.example NOTICE dave :#tea: no member to show who is not here
             alice<<
             bob<<
             carol<<",
        );
    }
}
