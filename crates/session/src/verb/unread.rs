//! UNREAD: how much is unread in each of one's conversations, for a client that has just come. Ours.

use super::{Awaiting, Phase, Verb};
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::query::Query;
use chat::unread::UnreadQuestion;
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
           UNREAD #tea 12 2, or UNREAD #tea 1000+ 3+ where there are more than were counted. Where all is read is left out.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.ask(Command::Ask(Query::Unread));
}

/// The hub has said what is to be counted.
pub(crate) fn count(turn: &mut Turn<'_>, question: &UnreadQuestion) {
    let names = question.conversations.iter().map(|(grant, _)| grant.name.clone()).collect();
    let question = Box::new(question.clone());
    turn.work(|ticket| Work::CountUnread { ticket, question });
    turn.await_with(Awaiting::Unread(names));
}

pub(crate) fn counted(turn: &mut Turn<'_>, names: &[CompactString], result: &WorkResult) {
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
        return turn.batch("parlor/unread", &[], |turn| {
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
             alice< :irc.example BATCH +1 parlor/unread
             alice< @batch=1 :irc.example UNREAD #tea 2 1
             alice< @batch=1 :irc.example UNREAD bob 1 1
             alice< :irc.example BATCH -1
             alice> MARKREAD #tea timestamp=2023-11-14T22:13:21.000Z
             alice<<
             alice> UNREAD
             alice< :irc.example BATCH +2 parlor/unread
             alice< @batch=2 :irc.example UNREAD #tea 1 0
             alice< @batch=2 :irc.example UNREAD bob 1 1
             alice< :irc.example BATCH -2
             alice> MARKREAD #tea timestamp=2023-11-14T22:13:22.000Z
             alice> MARKREAD bob timestamp=2023-11-14T22:13:22.000Z
             alice<<
             alice> UNREAD
             alice< :irc.example BATCH +3 parlor/unread
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
}
