//! SEARCH: finding what was said (soju.im/search, ircv3-specifications #496). The hub says what may be read, the store's
//! finder finds it ([`Work::Search`]), and it is written here.
//!
//! A person whose client has never heard of it types the words as they are (`/quote SEARCH green tea in:#tea`) and gets
//! notices that can be read; messages themselves would look as if they were said now.

use super::{Awaiting, Phase, Verb};
use crate::render;
use crate::search_words::{self, Asked, Wrong};
use crate::targets;
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::event::Event;
use chat::history::Grant;
use chat::message::Message;
use chat::query::{Answer, Conversation, Query};
use compact_str::CompactString;
use std::sync::Arc;
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "SEARCH",
    parameters: 1,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "SEARCH <words> [in:<room or nick>] [from:<nick>] [after:<day>] [before:<day>] [limit:<count>]\n\
           Shows the last messages with all these words that you may read. \"Words in quotation marks\" stand together,\n\
           begin* is the beginning of a word, *part* is within one. A day is written 2026-11-27.",
};

/// Messages when no limit is asked for.
const USUAL: usize = 50;
/// The same for a person who reads them as notices.
const USUAL_TO_READ: usize = 15;

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let mut asked = match search_words::parse(line.params()) {
        Ok(asked) => asked,
        Err(Wrong { which, why }) => return turn.fail("SEARCH", "INVALID_PARAMS", &[&which], why),
    };
    let usual = if turn.has(Capability::Search) { USUAL } else { USUAL_TO_READ };
    let most = turn.facts.limits.history_page;
    // 0 asks for as many as there may be.
    asked.limit = Some(match asked.limit {
        None => usual.min(most),
        Some(0) => most,
        Some(limit) => (limit as usize).min(most),
    } as u32);
    let query = match asked.within.as_deref() {
        None => Query::Conversations,
        Some(name) if targets::is_room(name) => match chat::name::ChatroomName::parse(name, &turn.facts.name_rules) {
            Ok(name) => Query::History { of: Conversation::Room(name) },
            Err(_) => return not_readable(turn),
        },
        Some(name) => Query::History { of: Conversation::With(targets::person(turn, name)) },
    };
    turn.await_with(Awaiting::Search(Box::new(asked)));
    turn.ask(Command::Ask(query));
}

/// One answer for all reasons: whether a room is there is nobody's business who may not read it.
fn not_readable(turn: &mut Turn<'_>) {
    turn.fail("SEARCH", "INVALID_PARAMS", &["in"], "There is no such conversation that you may read");
}

/// The hub has said what may be read.
pub(crate) fn answer(turn: &mut Turn<'_>, asked: Box<Asked>, answer: &Answer) {
    let grants: Vec<Grant> = match answer {
        Answer::HistoryGranted(grant) => grant.iter().map(|grant| Grant::clone(grant)).collect(),
        Answer::Conversations(grants) => grants.clone(),
        _ => return not_readable(turn),
    };
    if grants.is_empty() {
        return write(turn, &[]);
    }
    let limit = asked.limit.unwrap_or_default() as usize;
    let search = Box::new(asked.search.clone());
    turn.work(|ticket| Work::Search { ticket, grants, search, limit });
    turn.await_with(Awaiting::Search(asked));
}

/// The store has been searched.
pub(crate) fn found(turn: &mut Turn<'_>, result: &WorkResult) {
    const TIME_LIMIT: &str =
        "The time was over before everything was looked at; ask for more words, or for one room with in:";
    match result {
        WorkResult::Searched { messages, complete: true } => write(turn, messages),
        WorkResult::Searched { messages, complete: false } if messages.is_empty() => {
            turn.fail("SEARCH", "TIME_LIMIT", &[], TIME_LIMIT);
        }
        WorkResult::Searched { messages, .. } => {
            turn.warn("SEARCH", "TIME_LIMIT", &[], TIME_LIMIT);
            write(turn, messages);
        }
        WorkResult::Busy => {
            turn.fail("SEARCH", "INTERNAL_ERROR", &[], "Many people are searching just now; try again in a moment");
        }
        _ => turn.fail("SEARCH", "INTERNAL_ERROR", &[], "The search could not be run; try again later"),
    }
}

fn write(turn: &mut Turn<'_>, messages: &[Arc<Message>]) {
    if turn.has(Capability::Search) {
        return turn.batch("soju.im/search", &[], |turn| {
            let mut lines = Vec::new();
            for message in messages {
                render::render(&Event::Posted(message.clone()), turn.session.form(), turn.facts, &mut lines);
                turn.lines_of_batch(&lines, None);
                lines.clear();
            }
        });
    }
    for message in messages {
        notice(turn, &readable(message));
    }
    notice(
        turn,
        &match messages.len() {
            0 => "Nothing was found".to_owned(),
            1 => "1 message found".to_owned(),
            count => format!("{count} messages found"),
        },
    );
}

fn notice(turn: &mut Turn<'_>, text: &str) {
    let nick = CompactString::from(turn.nick());
    turn.server_line("NOTICE").param(&nick).trailing_cut(text);
}

/// `2026-11-27 08:30 #tea <alice> hello`
fn readable(message: &Message) -> String {
    let time = time_text(message.timestamp);
    let time = str::from_utf8(&time).unwrap_or_default();
    let (day, clock) = (time.get(..10).unwrap_or_default(), time.get(11..16).unwrap_or_default());
    let (place, sender) = (&message.addressed_to, &message.sender.name);
    // Of several lines one is made.
    let text = message.payload.replace(['\r', '\n'], " ");
    match text.strip_prefix(render::ACTION) {
        Some(act) => format!("{day} {clock} {place} * {sender} {}", act.trim_end_matches('\u{1}')),
        None => format!("{day} {clock} {place} <{sender}> {text}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    /// Said in #tea by alice, in #milk by carol, and between alice and carol; bob is in #tea, and can search.
    const SAID: &str = "
        alice=
        carol=
        alice> JOIN #tea
        alice<<
        carol> JOIN #milk
        carol<<
        alice> PRIVMSG #tea :green tea is ready
        +1
        alice> NOTICE #tea :no coffee today
        +1
        carol> PRIVMSG #milk :tea with milk
        +1
        alice> PRIVMSG carol :secret tea
        carol<<
        +1
        alice> PRIVMSG #tea :\u{1}ACTION drinks tea\u{1}
        bob= soju.im/search batch server-time message-tags
        bob> JOIN #tea
        bob<<
        alice<<\n";

    #[track_caller]
    fn check_said(transcript: &str) {
        check(&format!("{SAID}{transcript}"));
    }

    #[test]
    fn a_client_with_the_extension_gets_messages() {
        check_said(
            "bob> SEARCH text=tea
             bob< @time=… :irc.example BATCH +1 soju.im/search
             bob< @batch=1;time=2023-11-14T22:13:20.000Z;msgid=… :alice!… PRIVMSG #tea :green tea is ready
             bob< @batch=1;time=2023-11-14T22:13:24.000Z;msgid=… :alice!… PRIVMSG #tea :\u{1}ACTION drinks tea\u{1}
             bob< @time=… :irc.example BATCH -1
             bob> SEARCH in=#TEA;text=tea\\sgreen;limit=1
             bob< @time=… :irc.example BATCH +2 soju.im/search
             bob< @batch=2;time=…;msgid=… :alice!… PRIVMSG #tea :green tea is ready
             bob< @time=… :irc.example BATCH -2
             bob> SEARCH limit=1
             bob< @time=… :irc.example BATCH +3 soju.im/search
             bob< @batch=3;time=…;msgid=… :alice!… PRIVMSG #tea :\u{1}ACTION drinks tea\u{1}
             bob< @time=… :irc.example BATCH -3
             bob> SEARCH after=2023-11-14T22:13:21.000Z;limit=1
             bob< @time=… :irc.example BATCH +4 soju.im/search
             bob< @batch=4;time=…;msgid=… :alice!… NOTICE #tea :no coffee today
             bob< @time=… :irc.example BATCH -4
             bob> SEARCH from=Alice;before=2023-11-14T22:13:20.000Z
             bob< @time=… :irc.example BATCH +5 soju.im/search
             bob< @batch=5;time=…;msgid=… :alice!… PRIVMSG #tea :green tea is ready
             bob< @time=… :irc.example BATCH -5
             bob> SEARCH text=milk
             bob< @time=… :irc.example BATCH +6 soju.im/search
             bob< @time=… :irc.example BATCH -6",
        );
    }

    #[test]
    fn a_person_whose_client_cannot_search_reads_notices() {
        check_said(
            "alice> SEARCH tea
             alice< :irc.example NOTICE alice :2023-11-14 22:13 #tea <alice> green tea is ready
             alice< :irc.example NOTICE alice :2023-11-14 22:13 carol <alice> secret tea
             alice< :irc.example NOTICE alice :2023-11-14 22:13 #tea * alice drinks tea
             alice< :irc.example NOTICE alice :3 messages found
             alice> SEARCH \"tea is\" from:alice
             alice< :irc.example NOTICE alice :2023-11-14 22:13 #tea <alice> green tea is ready
             alice< :irc.example NOTICE alice :1 message found
             alice> SEARCH tea in:carol
             alice< :irc.example NOTICE alice :2023-11-14 22:13 carol <alice> secret tea
             alice< :irc.example NOTICE alice :1 message found
             alice> SEARCH cof* after:2023-11-14 before:2023-11-15
             alice< :irc.example NOTICE alice :2023-11-14 22:13 #tea <alice> no coffee today
             alice< :irc.example NOTICE alice :1 message found
             alice> SEARCH *offe*
             alice< :irc.example NOTICE alice :2023-11-14 22:13 #tea <alice> no coffee today
             alice< :irc.example NOTICE alice :1 message found
             alice> SEARCH before:2023-11-14
             alice< :irc.example NOTICE alice :Nothing was found",
        );
    }

    #[test]
    fn only_what_the_searcher_may_read_is_found() {
        let nothing = "bob< @time=… :irc.example BATCH +1 soju.im/search\n bob< @time=… :irc.example BATCH -1";
        let no_such =
            "bob< @time=… :irc.example FAIL SEARCH INVALID_PARAMS in :There is no such conversation that you may read";
        for (asked, answer) in [
            ("text=secret", nothing),
            ("text=milk", nothing),
            ("from=carol", nothing),
            ("text=secret;in=alice", nothing),
            ("text=tea;in=#milk", no_such),
            ("text=tea;in=#none", no_such),
            ("text=tea;in=#", no_such),
            ("text=tea;in=nobody", no_such),
        ] {
            check_said(&format!("bob> SEARCH {asked}\n {answer}"));
        }
        check_said(&format!(
            "alice> PRIVMSG @#tea :only among us
             bob> SEARCH text=among
             {nothing}
             bob> PART #tea
             bob<<
             alice<<
             bob> SEARCH text=green;in=#tea
             {no_such}
             bob> SEARCH text=green
             {}",
            nothing.replace("+1", "+2").replace("-1", "-2")
        ));
    }

    #[test]
    fn what_is_not_a_search() {
        for (asked, expected) in [
            ("", "461 bob SEARCH :Not enough parameters"),
            ("txt=tea", "FAIL SEARCH INVALID_PARAMS txt :There is no such attribute"),
            ("text=tea;limit=x", "FAIL SEARCH INVALID_PARAMS limit :It is no number"),
            ("text=tea;after=now", "FAIL SEARCH INVALID_PARAMS after :It is no time; write it as …"),
            ("text=", "FAIL SEARCH INVALID_PARAMS * :There is nothing in it that could be searched for"),
            (":?!", "FAIL SEARCH INVALID_PARAMS * :There is nothing in it that could be searched for"),
        ] {
            check_said(&format!("bob> SEARCH {asked}\n bob< @time=… :irc.example {expected}"));
        }
    }

    #[test]
    fn a_store_that_cannot_be_read_is_no_empty_one() {
        check_said(
            "store unreadable
             bob> SEARCH text=tea
             bob< @time=… :irc.example FAIL SEARCH INTERNAL_ERROR :The search could not be run; try again later",
        );
    }

    #[test]
    fn a_labelled_search_is_one_answer() {
        check_said(
            "bob> CAP REQ labeled-response
             bob<<
             bob> @label=x SEARCH text=green
             bob> PING later
             bob< @label=x;time=… :irc.example BATCH +2 labeled-response
             bob< @batch=2;time=… :irc.example BATCH +1 soju.im/search
             bob< @batch=1;time=…;msgid=… :alice!… PRIVMSG #tea :green tea is ready
             bob< @batch=2;time=… :irc.example BATCH -1
             bob< @time=… :irc.example BATCH -2
             bob< @time=… :irc.example PONG irc.example :later",
        );
    }

    #[test]
    fn without_batches_messages_come_by_themselves() {
        check_said(
            "dave= soju.im/search server-time
             dave> JOIN #tea
             dave<<
             alice<<
             bob<<
             dave> SEARCH text=green
             dave< @time=2023-11-14T22:13:20.000Z :alice!… PRIVMSG #tea :green tea is ready",
        );
    }
}
