//! UNREAD: how much is unread in each of one's conversations, for a client that has just come. Ours.

use super::{Awaiting, Phase, Verb};
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::history::{Grant, Mark, Stretch, View};
use chat::id::{MessageId, Timestamp};
use chat::query::{Query, Welcome};
use chat::unread::{Unread, UnreadQuestion};
use compact_str::{CompactString, format_compact};
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "UNREAD",
    parameters: 0,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "UNREAD\n\
           Counts what others have said behind your read markers (MARKREAD), and how often that names you. With the\n\
           capability parlor/unread: a batch parlor/unread of UNREAD <room or nick> <messages> <mentions>, such as\n\
           UNREAD #tea 12 2, or UNREAD #tea 1000+ 3+ where there are more than were counted. Where all is read is left out.\n\
           The batch's parameter is an id: messages whose msgid sorts behind it came while it was counted, on top of it.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.ask(Command::Ask(Query::Unread));
}

/// The hub has said what is to be counted.
pub(crate) fn count(turn: &mut Turn<'_>, question: &UnreadQuestion) {
    let names = question.conversations.iter().map(|(grant, _)| grant.name.clone()).collect();
    let as_of = question.as_of.id;
    let question = Box::new(question.clone());
    turn.work(|ticket| Work::CountUnread { ticket, question });
    turn.await_with(Awaiting::Unread { names, as_of });
}

/// Direct conversations of which what was missed is shown, and lines of each.
const MISSED_CONVERSATIONS: usize = 20;
const MISSED_LINES: usize = 50;

/// Whoever can't ask for what was said to her while she was away (CHATHISTORY) is shown it on her return, as a room's last
/// lines are on entering.
pub(crate) fn ask_for_missed(turn: &mut Turn<'_>, welcome: &Welcome) {
    if welcome.person.account.is_some() && !turn.has(Capability::Chathistory) {
        turn.ask(Command::Ask(Query::Missed));
    }
}

pub(crate) fn count_missed(turn: &mut Turn<'_>, question: &UnreadQuestion) {
    if question.conversations.is_empty() {
        return;
    }
    let question = Box::new(question.clone());
    let counted = question.clone();
    turn.work(|ticket| Work::CountUnread { ticket, question: counted });
    turn.await_with(Awaiting::Missed(question));
}

/// The pages come one by one, each as a replay is (`chathistory::write_replay`).
pub(crate) fn read_missed(turn: &mut Turn<'_>, asked: &UnreadQuestion, result: &WorkResult) {
    let WorkResult::Unread(counts) = result else { return };
    let missed = || asked.conversations.iter().zip(counts).filter(|(_, count)| count.messages > 0);
    // What is said from now on comes by itself.
    let now = Mark::Time(Timestamp(turn.now.wall.0 + 1));
    for ((grant, until), count) in missed().take(MISSED_CONVERSATIONS) {
        let stretch = Stretch::Between(now, Mark::Time(until.unwrap_or_default()));
        let grant = Box::new(grant.clone());
        let limit = count.messages.min(MISSED_LINES);
        turn.work(|ticket| Work::ReadHistory { ticket, grant, stretch, view: View::default(), limit });
    }
    let is_cut = |((grant, _), count): (&(Grant, _), &Unread)| {
        (count.is_more || count.messages > MISSED_LINES).then(|| grant.name.clone())
    };
    let mut cut: Vec<CompactString> = missed().take(MISSED_CONVERSATIONS).filter_map(is_cut).collect();
    cut.extend(missed().skip(MISSED_CONVERSATIONS).map(|((grant, _), _)| grant.name.clone()));
    let nick = turn.nick().to_owned();
    for name in cut {
        let text = format_args!("{name} said more while you were away: CHATHISTORY LATEST {name} * 100 shows it");
        turn.server_line("NOTICE").param(&nick).trailing_fmt(text);
    }
}

/// What is said while it is being counted reaches her before the answer does, and is not in it: clients add it by `as_of`.
pub(crate) fn counted(turn: &mut Turn<'_>, names: &[CompactString], as_of: MessageId, result: &WorkResult) {
    let WorkResult::Unread(counts) = result else {
        return turn.fail("UNREAD", "INTERNAL_ERROR", &[], "The messages could not be counted: try again later");
    };
    let number = |count: usize, is_more: bool| format_compact!("{count}{}", if is_more { "+" } else { "" });
    let unread: Vec<_> = names
        .iter()
        .zip(counts)
        .filter(|(_, count)| count.messages > 0 || count.is_more)
        .map(|(name, count)| (name, number(count.messages, count.is_more), number(count.mentions, count.is_more)))
        .collect();
    if turn.has(Capability::ParlorUnread) {
        return turn.batch("parlor/unread", &[&as_of.to_string()], |turn| {
            for (name, messages, mentions) in &unread {
                turn.server_line("UNREAD").param(name).param(messages).param(mentions).end();
            }
        });
    }
    let nick = turn.nick().to_owned();
    for (name, messages, mentions) in &unread {
        let text = format_args!("{name}: {messages} unread, {mentions} of them for you");
        turn.server_line("NOTICE").param(&nick).trailing_fmt(text);
    }
    if unread.is_empty() {
        turn.server_line("NOTICE").param(&nick).trailing("Nothing is unread");
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const SAID: &str = "
        alice= batch parlor/unread
        alice> JOIN #tea
        alice> JOIN #cup
        alice<<
        bob=
        bob> JOIN #tea
        bob<<
        +1
        bob> PRIVMSG #tea :hi alice
        +1
        bob> NOTICE #tea :malice
        bob> PRIVMSG alice :psst
        alice> PRIVMSG #tea :hello
        alice<<
        bob<<\n";

    #[test]
    fn messages_of_others_behind_the_marker_count() {
        check(&format!(
            "{SAID}
             alice> UNREAD
             alice< :irc.example BATCH +1 parlor/unread …
             alice< @batch=1 :irc.example UNREAD #tea 2 1
             alice< @batch=1 :irc.example UNREAD bob 1 1
             alice< :irc.example BATCH -1
             alice> MARKREAD #tea timestamp=2023-11-14T22:13:21.000Z
             alice<<
             alice> UNREAD
             alice< :irc.example BATCH +2 parlor/unread …
             alice< @batch=2 :irc.example UNREAD #tea 1 0
             alice< @batch=2 :irc.example UNREAD bob 1 1
             alice< :irc.example BATCH -2
             alice> MARKREAD #tea timestamp=2023-11-14T22:13:22.000Z
             alice> MARKREAD bob timestamp=2023-11-14T22:13:22.000Z
             alice<<
             alice> UNREAD
             alice< :irc.example BATCH +3 parlor/unread …
             alice< :irc.example BATCH -3
             bob> UNREAD
             bob< :irc.example NOTICE bob :#tea: 1 unread, 0 of them for you"
        ));
    }

    #[test]
    fn plain_clients_and_a_store_that_cannot_be_read() {
        check(&format!(
            "{SAID}
             carol=
             carol> UNREAD
             carol< :irc.example NOTICE carol :Nothing is unread
             store unreadable
             carol> UNREAD
             carol< :irc.example FAIL UNREAD INTERNAL_ERROR :…"
        ));
    }

    const LOGIN: &str = "
        bob> PASS bob:sesame
        bob> NICK bob
        bob> USER b 0 * :b
        bob< :irc.example 900 …
        bob< :irc.example 001 …
        bob< :irc.example 002 …
        bob< :irc.example 003 …
        bob< :irc.example 004 …
        bob< :irc.example 005 …
        bob< :irc.example 005 …
        bob< :irc.example 005 …
        bob< :irc.example 251 …
        bob< :irc.example 252 …
        bob< :irc.example 254 …
        bob< :irc.example 255 …
        bob< :irc.example 265 …
        bob< :irc.example 266 …
        bob< :irc.example 422 …\n";

    #[test]
    fn who_cannot_ask_is_shown_what_was_said_to_her_while_she_was_away() {
        let other = LOGIN.replace("bob<", "phone<").replace("bob>", "phone>");
        check(&format!(
            "account root
             account bob
             alice=
             alice> REGISTER * * sesame
             alice<<
             +1
             alice> PRIVMSG bob :before
             alice< :irc.example 301 alice bob :…
             +1
             alice> NOTICE bob :and more
             eve=
             eve> REGISTER * * sesame
             eve<<
             eve> PRIVMSG bob :hello
             eve< :irc.example 301 eve bob :…
             +1
             bob+
             {LOGIN}
             bob< :alice!… PRIVMSG bob :[2023-11-14 22:13:21] before
             bob< :alice!… NOTICE bob :[2023-11-14 22:13:22] and more
             bob< :eve!… PRIVMSG bob :[2023-11-14 22:13:22] hello
             ## Another device comes while this one is here.
             phone+
             {other}
             phone> QUIT
             phone<<
             +1
             alice> PRIVMSG bob :live
             bob< :alice!… PRIVMSG bob :live
             +1
             bob> QUIT
             bob<<
             +1
             bob+
             {LOGIN}
             bob> QUIT
             bob<<
             +1
             alice> PRIVMSG bob :later
             alice<<
             bob+
             {LOGIN}
             bob< :alice!… PRIVMSG bob :[2023-11-14 22:13:27] later"
        ));
    }

    #[test]
    fn what_was_missed_is_said_to_the_name_of_today() {
        let renamed = LOGIN.replace("NICK bob", "NICK robert");
        check(&format!(
            "account root
             account bob
             alice=
             alice> REGISTER * * sesame
             alice<<
             +1
             alice> PRIVMSG bob :before
             alice<<
             bob+
             {renamed}
             bob< :alice!… PRIVMSG robert :[2023-11-14 22:13:21] before"
        ));
    }

    #[test]
    fn of_much_that_was_missed_the_last_is_shown() {
        let said: String = (0..60).map(|number| format!("alice> PRIVMSG bob :{number}\nalice<<\n")).collect();
        let shown: String =
            (10..60).map(|number| format!("bob< :alice!… PRIVMSG bob :[2023-11-14 22:13:21] {number}\n")).collect();
        check(&format!(
            "account root
             account bob
             alice=
             alice> REGISTER * * sesame
             alice<<
             +1
             {said}
             bob+
             {LOGIN}
             bob< :irc.example NOTICE bob :alice said more while you were away: CHATHISTORY LATEST alice * 100 shows it
             {shown}"
        ));
    }
}
