//! GROUP: the conversation of a few named people (docs/decisions/0011-groups.md). Ours; `JOIN #+bob+carol` does the same.

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{GroupRow, Query};
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "GROUP",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "GROUP [<name>{,<name>}]\n\
           Opens the group conversation of you and these people, 3 to 10 in all, each with an account, here or not: the one \
           that you have, or a new one. JOIN #+bob+carol does the same. Nobody owns a group: INVITE brings someone in, \
           RENAME gives it a name that begins with #+, PART leaves it. Without names: shows your groups and who is in each. \
           With the capability parlor/groups: GROUP <room> :<name>{ <name>}, of all in a batch parlor/groups.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let names = line.param(0).unwrap_or_default();
    if names.is_empty() {
        return turn.ask(Command::Ask(Query::Groups));
    }
    let with: Vec<_> = targets::list(names).map(|name| targets::person(turn, name)).collect();
    turn.await_with(Awaiting::About(targets::shown(names).into()));
    turn.ask(Command::OpenGroup { with });
}

pub(crate) fn write(turn: &mut Turn<'_>, group: &GroupRow) {
    if turn.has(Capability::ParlorGroups) {
        turn.server_line("GROUP").param(&group.name).trailing_cut(&group.members.join(" "));
    } else {
        let nick = turn.nick().to_owned();
        let text = format!("{}: {}", group.name, group.members.join(", "));
        turn.server_line("NOTICE").param(&nick).trailing_cut(&text);
    }
}

pub(crate) fn write_all(turn: &mut Turn<'_>, groups: &[GroupRow]) {
    if turn.has(Capability::ParlorGroups) {
        return turn.batch("parlor/groups", &[], |turn| groups.iter().for_each(|group| write(turn, group)));
    }
    groups.iter().for_each(|group| write(turn, group));
    if groups.is_empty() {
        let nick = turn.nick().to_owned();
        turn.server_line("NOTICE").param(&nick).trailing("You are in no group: GROUP <name>,<name> opens one");
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    /// Alice knows of everything, bob of nothing, carol of invitations; erin is a guest.
    const PEOPLE: &str = "
        alice= batch labeled-response parlor/groups draft/channel-rename
        bob=
        carol= invite-notify
        dave=
        erin=
        alice> REGISTER * * sesame77
        alice<<
        bob> REGISTER * * sesame77
        bob<<
        carol> REGISTER * * sesame77
        carol<<
        dave> REGISTER * * sesame77
        dave<<";

    #[test]
    fn a_group_is_a_room_that_its_members_are_brought_into() {
        check(&format!(
            "{PEOPLE}
             alice> @label=1 GROUP bob,carol
             alice< @label=1 :irc.example BATCH +1 labeled-response
             alice< @batch=1 :alice!… JOIN #+alice+bob+carol
             alice< @batch=1 :irc.example 353 alice @ #+alice+bob+carol :alice
             alice< @batch=1 :irc.example 366 alice #+alice+bob+carol :End of NAMES list
             alice< @batch=1 :bob!… JOIN #+alice+bob+carol
             alice< @batch=1 :carol!… JOIN #+alice+bob+carol
             alice< @batch=1 :irc.example GROUP #+alice+bob+carol :alice bob carol
             alice< :irc.example BATCH -1
             bob< :bob!… JOIN #+alice+bob+carol
             bob< :irc.example 353 bob @ #+alice+bob+carol :alice bob
             bob< :irc.example 366 bob #+alice+bob+carol :End of NAMES list
             bob< :carol!… JOIN #+alice+bob+carol
             carol< :carol!… JOIN #+alice+bob+carol
             carol< :irc.example 353 carol @ #+alice+bob+carol :alice bob carol
             carol< :irc.example 366 carol #+alice+bob+carol :End of NAMES list
             bob> PRIVMSG #+alice+bob+carol :hi both
             alice< :bob!… PRIVMSG #+alice+bob+carol :hi both
             carol< :bob!… PRIVMSG #+alice+bob+carol :hi both
             bob> JOIN #+carol+alice
             bob< :irc.example 470 bob #+carol+alice #+alice+bob+carol :…
             bob> INVITE dave #+alice+bob+carol
             carol< :bob!… INVITE dave #+alice+bob+carol
             carol< :dave!… JOIN #+alice+bob+carol
             alice< :dave!… JOIN #+alice+bob+carol
             bob< :dave!… JOIN #+alice+bob+carol
             bob< :irc.example 341 bob dave #+alice+bob+carol
             dave< :dave!… JOIN #+alice+bob+carol
             dave<<
             alice> GROUP
             alice< :irc.example BATCH +2 parlor/groups
             alice< @batch=2 :irc.example GROUP #+alice+bob+carol :alice bob carol dave
             alice< :irc.example BATCH -2
             carol> MODE #+alice+bob+carol
             carol< :irc.example 324 carol #+alice+bob+carol +nsiJp
             carol<<
             carol> RENAME #+alice+bob+carol #+Plans :we plan
             alice< :carol!… RENAME #+alice+bob+carol #+Plans :we plan
             bob< :bob!… PART #+alice+bob+carol :we plan
             bob< :bob!… JOIN #+Plans
             bob<<
             carol<<
             dave<<
             dave> PART #+plans :bye
             dave< :dave!… PART #+Plans :bye
             alice< :dave!… PART #+Plans :bye
             bob<<
             carol<<
             bob> GROUP
             bob< :irc.example NOTICE bob :#+Plans: alice, bob, carol
             dave> GROUP
             dave< :irc.example NOTICE dave :You are in no group: …
             carol> GROUP alice,bob
             carol< :irc.example NOTICE carol :#+Plans: alice, bob, carol"
        ));
    }

    #[test]
    fn every_refusal() {
        check(&format!(
            "{PEOPLE}
             erin> GROUP alice,bob
             erin< :irc.example FAIL GROUP ACCOUNT_REQUIRED :…
             erin> GROUP
             erin< :irc.example FAIL GROUP ACCOUNT_REQUIRED :…
             erin> JOIN #+alice+bob
             erin< :irc.example FAIL JOIN ACCOUNT_REQUIRED :…
             alice> GROUP bob
             alice< :irc.example FAIL GROUP INVALID_MEMBERS bob :A group is 3 to 10 people, you included
             alice> GROUP ,,
             alice< :irc.example FAIL GROUP INVALID_MEMBERS ,, :…
             alice> GROUP bob,erin
             alice< :irc.example FAIL GROUP GUEST erin :…
             alice> GROUP bob,nobody
             alice< :irc.example 401 alice nobody :…
             alice> JOIN #+bob
             alice< :irc.example 403 alice #+bob :…
             bob> METADATA alice SET soju.im/blocked :1
             bob<<
             alice> GROUP bob,carol
             alice< :irc.example FAIL GROUP CANNOT_ADD bob :…
             store fails
             alice> GROUP carol,dave
             alice< :irc.example FAIL GROUP STORAGE_FULL carol,dave :…
             store works
             alice> GROUP carol,dave
             alice<<
             carol<<
             dave<<
             bob> PRIVMSG #+alice+carol+dave :hi
             bob< :irc.example 403 bob #+alice+carol+dave :…
             bob> INVITE erin #+alice+carol+dave
             bob< :irc.example 403 bob #+alice+carol+dave :…
             bob> NAMES #+alice+carol+dave
             bob< :irc.example 366 bob #+alice+carol+dave :…
             bob> LIST #+alice+carol+dave
             bob< :irc.example 321 bob Channel :Users  Name
             bob< :irc.example 323 bob :End of LIST
             alice> INVITE bob #+alice+carol+dave
             alice< :irc.example FAIL INVITE CANNOT_ADD bob :…
             alice> INVITE carol #+alice+carol+dave
             alice< :irc.example 443 alice carol #+alice+carol+dave :…
             alice> MODE #+alice+carol+dave +m
             alice< :irc.example 482 alice #+alice+carol+dave :…
             alice> KICK #+alice+carol+dave carol
             alice< :irc.example 482 alice #+alice+carol+dave :…
             alice> RENAME #+alice+carol+dave #plans
             alice< :irc.example FAIL RENAME CANNOT_RENAME #+alice+carol+dave #plans :…"
        ));
    }
}
