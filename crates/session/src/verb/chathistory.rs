//! CHATHISTORY: reading what was said (IRCv3 draft chathistory). The hub says what may be read, a reader of the store
//! reads it ([`Work::ReadHistory`]), and it is written here.

use super::{Awaiting, Phase, Verb};
use crate::render::{self, ACTION};
use crate::targets;
use crate::time_text::{parse_time, time_text};
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::event::Event;
use chat::history::{Grant, Item, Kept, Mark, Stretch, View};
use chat::id::{ClientId, MessageId, Timestamp};
use chat::message::{Message, MessageState};
use chat::query::{Answer, Conversation, Query};
use compact_str::CompactString;
use std::sync::Arc;
use wire::{Capability, Line, MAX_BODY};

pub(crate) const VERB: Verb = Verb {
    name: "CHATHISTORY",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "CHATHISTORY LATEST|BEFORE|AFTER|AROUND <room or nick> <*|timestamp=…|msgid=…> <limit>\n\
           Shows what was said. BETWEEN takes two references; TARGETS <timestamp=…> <timestamp=…> <limit> lists\n\
           the conversations whose last message lies between. AROUND * msgid=… finds the conversation too.",
};

/// What was asked, for when the hub has said whether it may be read.
#[derive(Debug)]
pub(crate) struct Asked {
    subcommand: &'static str,
    target: CompactString,
    what: What,
    limit: usize,
}

#[derive(Debug)]
enum What {
    Messages(Stretch),
    /// AROUND a message of whichever conversation; the batch is named after it.
    Anywhere(MessageId),
    /// TARGETS: the conversations that may be read, once the hub has named them.
    Targets {
        from: Timestamp,
        to: Timestamp,
        among: Vec<Grant>,
    },
}

const SUBCOMMANDS: [&str; 6] = ["AFTER", "AROUND", "BEFORE", "BETWEEN", "LATEST", "TARGETS"];

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let word = line.param(0).unwrap_or_default();
    let Some(subcommand) = SUBCOMMANDS.into_iter().find(|known| known.eq_ignore_ascii_case(word)) else {
        let word = if word.is_empty() { "*" } else { targets::shown(word) };
        return turn.fail("CHATHISTORY", "INVALID_PARAMS", &[word], "Unknown command");
    };
    if let Err(problem) = ask(turn, subcommand, line) {
        match problem {
            Problem::Parameters(text) => turn.fail("CHATHISTORY", "INVALID_PARAMS", &[subcommand], text),
            Problem::Parameter(which, text) => {
                turn.fail("CHATHISTORY", "INVALID_PARAMS", &[subcommand, targets::shown(&which)], text);
            }
            Problem::Target(target) => invalid_target(turn, subcommand, &target),
        }
    }
}

enum Problem {
    Parameters(&'static str),
    Parameter(String, &'static str),
    Target(String),
}

fn ask(turn: &mut Turn<'_>, subcommand: &'static str, line: &Line<'_>) -> Result<(), Problem> {
    let expected = match subcommand {
        "BETWEEN" => 5,
        _ => 4,
    };
    match line.params().len() {
        count if count < expected => return Err(Problem::Parameters("Insufficient parameters")),
        count if count > expected => return Err(Problem::Parameters("Too many parameters")),
        _ => {}
    }
    let param = |at| line.param(at).unwrap_or_default();
    let limit = match param(expected - 1).parse::<u32>() {
        // 0 asks for as many as there may be, as the token does where it says 0.
        Ok(0) => turn.facts.limits.history_page,
        Ok(limit) => (limit as usize).min(turn.facts.limits.history_page),
        Err(_) => return Err(Problem::Parameter(param(expected - 1).to_owned(), "Invalid limit")),
    };
    if subcommand == "TARGETS" {
        let (from, to) = (time_of(param(1))?, time_of(param(2))?);
        let what = What::Targets { from, to, among: Vec::new() };
        turn.await_with(Awaiting::History(Box::new(Asked { subcommand, target: "*".into(), what, limit })));
        turn.ask(Command::Ask(Query::Conversations));
        return Ok(());
    }
    let target = param(1);
    let stretch = match subcommand {
        "LATEST" if param(2) == "*" => Stretch::Latest { after: None },
        "LATEST" => Stretch::Latest { after: Some(mark(param(2))?) },
        "BEFORE" => Stretch::Before(mark(param(2))?),
        "AFTER" => Stretch::After(mark(param(2))?),
        "AROUND" => Stretch::Around(mark(param(2))?),
        _ => Stretch::Between(mark(param(2))?, mark(param(3))?),
    };
    // A link to a message is good for whoever may read it: the other person of a direct conversation knows it by another name,
    // and a room has changed its own since.
    if target == "*"
        && let Stretch::Around(Mark::Message(id)) = stretch
    {
        let what = What::Anywhere(id);
        turn.await_with(Awaiting::History(Box::new(Asked { subcommand, target: target.into(), what, limit })));
        turn.ask(Command::Ask(Query::Conversations));
        return Ok(());
    }
    let of = if targets::is_room(target) {
        let name = chat::name::ChatroomName::parse(target, &turn.facts.name_rules);
        Conversation::Room(name.map_err(|_| Problem::Target(target.to_owned()))?)
    } else {
        Conversation::With(targets::person(turn, target))
    };
    let what = What::Messages(stretch);
    turn.await_with(Awaiting::History(Box::new(Asked { subcommand, target: target.into(), what, limit })));
    turn.ask(Command::Ask(Query::History { of }));
    Ok(())
}

fn time_of(text: &str) -> Result<Timestamp, Problem> {
    text.strip_prefix("timestamp=")
        .and_then(parse_time)
        .ok_or_else(|| Problem::Parameter(text.to_owned(), "Invalid timestamp"))
}

fn mark(text: &str) -> Result<Mark, Problem> {
    match text.strip_prefix("msgid=") {
        Some(id) => id
            .parse()
            .map(|id| Mark::Message(MessageId(id)))
            .map_err(|_| Problem::Parameter(text.to_owned(), "Invalid msgid")),
        None => time_of(text).map(Mark::Time),
    }
}

/// The hub has said what may be read.
pub(crate) fn answer(turn: &mut Turn<'_>, mut asked: Box<Asked>, answer: &Answer) {
    match answer {
        Answer::HistoryGranted(None) => write_batch(turn, &asked.target, &[]),
        Answer::HistoryGranted(Some(grant)) => {
            if let What::Messages(stretch) = asked.what {
                // The canonical name (chathistory "CHATHISTORY Command"). A person's is what the asker calls her: whoever she
                // was then may be called otherwise now.
                if targets::is_room(&asked.target) {
                    asked.target = grant.name.clone();
                }
                read_messages(turn, asked, grant.clone(), stretch);
            }
        }
        Answer::Conversations(grants) => {
            match &mut asked.what {
                What::Targets { among, .. } => {
                    *among = grants.clone();
                    turn.work(|ticket| Work::ReadLatestTimes { ticket, grants: grants.clone() });
                }
                What::Anywhere(id) => {
                    let (grants, id) = (grants.clone(), *id);
                    turn.work(|ticket| Work::FindConversation { ticket, grants, id });
                }
                What::Messages(_) => return,
            }
            turn.await_with(Awaiting::History(asked));
        }
        // One answer for all reasons: whether a room is there is nobody's business who may not read it.
        _ => invalid_target(turn, asked.subcommand, &asked.target),
    }
}

fn read_messages(turn: &mut Turn<'_>, asked: Box<Asked>, grant: Box<Grant>, stretch: Stretch) {
    let (view, limit) = (view(turn), asked.limit);
    turn.work(|ticket| Work::ReadHistory { ticket, grant, stretch, view, limit });
    turn.await_with(Awaiting::History(asked));
}

/// The store has been read.
pub(crate) fn read(turn: &mut Turn<'_>, mut asked: Box<Asked>, result: WorkResult) {
    match (&asked.what, &result) {
        (&What::Anywhere(id), WorkResult::FoundIn(Some(grant))) => {
            let stretch = Stretch::Around(Mark::Message(id));
            asked.target = grant.name.clone();
            asked.what = What::Messages(stretch);
            read_messages(turn, asked, grant.clone(), stretch);
        }
        (What::Anywhere(_), WorkResult::FoundIn(None)) => invalid_target(turn, asked.subcommand, &asked.target),
        (What::Messages(_), WorkResult::Page { items, .. }) => write_batch(turn, &asked.target, items),
        (What::Targets { from, to, among }, WorkResult::LatestTimes(times)) => {
            write_targets(turn, among, times, *from, *to, asked.limit);
        }
        _ => {
            let context = [asked.subcommand, targets::shown(&asked.target)];
            turn.fail("CHATHISTORY", "MESSAGE_ERROR", &context, "Messages could not be retrieved; try again later");
        }
    }
}

/// What the client can be shown besides messages. The specification allows only lines that a capability of the client's
/// allows; redactions do not need event-playback (message-redaction "Chat history").
fn view(turn: &Turn<'_>) -> View {
    View {
        redactions: turn.has(Capability::MessageRedaction),
        // Clients that are not made for it would show an empty line (message-redaction: left out, or placeholder and REDACT).
        placeholders: turn.has(Capability::MessageRedaction) && turn.has(Capability::ParlorIdentity),
        edits: turn.has(Capability::MessageEdit),
        events: turn.has(Capability::EventPlayback),
        // To others it was a PART and a JOIN of their own, which is not what happened.
        renamings: turn.has(Capability::ChannelRename),
    }
}

fn write_batch(turn: &mut Turn<'_>, target: &str, items: &[Item]) {
    turn.batch("chathistory", &[target], |turn| {
        let mut lines = Vec::new();
        for item in items {
            let event = event_of(&item.kept, turn.has(Capability::MessageEdit));
            render::render(&event, turn.session.form(), turn.facts, &mut lines);
            turn.lines_of_batch(&lines, item.is_context.then_some(CONTEXT));
            lines.clear();
        }
    });
}

/// The tag of what is said of the message before it (chathistory "draft/chathistory-context tag").
const CONTEXT: &str = "draft/chathistory-context";

/// `sees_edits`: is told of an edit by itself, as the context of the message.
pub(super) fn event_of(kept: &Kept, sees_edits: bool) -> Event {
    match kept {
        Kept::Said { message, state: MessageState::Edited } if !sees_edits => Event::Posted(Arc::new(marked(message))),
        Kept::Said { message, .. } => Event::Posted(message.clone()),
        Kept::Happened(event) => Event::Happened(event.happening.clone()),
    }
}

/// Behind the newest text of a message that was edited.
pub(super) const EDITED: &str = " (edited)";

fn marked(message: &Message) -> Message {
    let text = &message.payload;
    let marked = match text.strip_suffix('\u{1}').filter(|_| text.starts_with(ACTION)) {
        Some(act) => format!("{act}{EDITED}\u{1}"),
        None => format!("{text}{EDITED}"),
    };
    message.with_payload(&marked)
}

/// With the semantics of BETWEEN: both ends are left out, and it is counted from the first towards the second.
fn write_targets(
    turn: &mut Turn<'_>,
    among: &[Grant],
    times: &[Option<Timestamp>],
    from: Timestamp,
    to: Timestamp,
    limit: usize,
) {
    let (low, high) = (from.min(to), from.max(to));
    let mut found: Vec<(Timestamp, &str, Option<ClientId>)> = among
        .iter()
        .zip(times)
        .filter_map(|(grant, time)| Some(((*time)?, grant.name.as_str(), grant.with)))
        .filter(|(time, ..)| *time > low && *time < high)
        .collect();
    found.sort();
    if from <= to {
        found.truncate(limit);
    } else {
        found.drain(..found.len().saturating_sub(limit));
    }
    turn.batch("draft/chathistory-targets", &[], |turn| {
        for (time, name, with) in found {
            let time = time_text(time);
            let time = str::from_utf8(&time).unwrap_or_default();
            turn.server_line_about("CHATHISTORY", with).param("TARGETS").param(name).param(time).end();
        }
    });
}

fn invalid_target(turn: &mut Turn<'_>, subcommand: &str, target: &str) {
    let target = if target.is_empty() { "*" } else { targets::shown(target) };
    turn.fail("CHATHISTORY", "INVALID_TARGET", &[subcommand, target], "Messages could not be retrieved");
}

/// The last messages of a room that was just entered (`history.unread_replay`), for a client that can't ask for them.
pub(crate) fn ask_for_replay(turn: &mut Turn<'_>, grant: &Grant) {
    let limit = turn.facts.limits.unread_replay;
    if limit == 0 || turn.has(Capability::Chathistory) {
        return;
    }
    // What is said from now on comes by itself.
    let stretch = Stretch::Before(Mark::Time(Timestamp(turn.now.wall.0 + 1)));
    let (grant, view) = (Box::new(grant.clone()), View::default());
    turn.work(|ticket| Work::ReadHistory { ticket, grant, stretch, view, limit });
}

/// What was read for a replay. Those who see no time tag see the time in the text: old words must not look new.
pub(crate) fn write_replay(turn: &mut Turn<'_>, room: &str, items: &[Item]) {
    // One's own words to someone would look like someone's words to oneself.
    let own = turn.session.person.as_ref().map(|person| person.id);
    let is_own = |kept: &Kept| matches!(kept, Kept::Said { message, .. } if message.recipient_id.is_some() && Some(message.sender_id) == own);
    let mut items: Vec<Item> = items.iter().filter(|item| !is_own(&item.kept)).cloned().collect();
    // And what was said to an earlier name of hers, said to a stranger.
    for item in &mut items {
        if let Kept::Said { message, .. } = &mut item.kept
            && message.recipient_id.is_some()
            && message.recipient_id == own
        {
            let addressed_to = turn.nick().into();
            let seams = message.seams.clone();
            *message = Arc::new(Message { addressed_to, seams, ..message.with_payload(&message.payload) });
        }
    }
    if turn.has(Capability::ServerTime) {
        return write_batch(turn, room, &items);
    }
    let mut lines = Vec::new();
    for item in &items {
        let Event::Posted(message) = event_of(&item.kept, false) else { continue };
        let time = time_text(message.timestamp);
        let time = str::from_utf8(&time).unwrap_or_default();
        // 2026-11-22T11:32:07.045Z
        let mark = format!("[{} {}]", time.get(..10).unwrap_or_default(), time.get(11..19).unwrap_or_default());
        let marked = match message.payload.strip_prefix(ACTION) {
            Some(act) => format!("{ACTION}{mark} {act}"),
            None => format!("{mark} {}", message.payload),
        };
        let mut render = |payload: &str| {
            let event = Event::Posted(Arc::new(message.with_payload(payload)));
            let before = lines.len();
            render::render(&event, turn.session.form(), turn.facts, &mut lines);
            // One of several lines is broken anew where it must be.
            let fits = message.seams.is_some() || lines.len() - before <= MAX_BODY;
            if !fits {
                lines.truncate(before);
            }
            fits
        };
        if !render(&marked) {
            render(&mark);
            render(&message.payload);
        }
    }
    turn.ready_lines().extend_from_slice(&lines);
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    /// Three messages in #tea, said a second apart by alice, who sees no echo; bob has read nothing yet.
    const SAID: &str = "
        alice=
        alice> JOIN #tea
        alice<<
        alice> PRIVMSG #tea :one
        +1
        alice> NOTICE #tea :two
        +1
        alice> PRIVMSG #tea :three
        bob= batch server-time message-tags draft/chathistory
        bob> JOIN #tea
        bob<<
        alice<<\n";

    #[track_caller]
    fn check_said(transcript: &str) {
        check(&format!("{SAID}{transcript}"));
    }

    fn batch(number: usize, texts: &[&str]) -> String {
        let mut expected =
            format!("bob< @time=…  :irc.example BATCH +{number} chathistory #tea\n").replace("…  ", "… ");
        for text in texts {
            expected.push_str(&format!("bob< @batch={number};time=…;msgid=… :alice!… #tea :{text}\n"));
        }
        expected.push_str(&format!("bob< @time=… :irc.example BATCH -{number}\n"));
        expected
    }

    #[test]
    fn each_way_to_ask() {
        let first = "timestamp=2023-11-14T22:13:20.000Z";
        let second = "timestamp=2023-11-14T22:13:21.000Z";
        let third = "timestamp=2023-11-14T22:13:22.000Z";
        let cases: [(String, &[&str]); 15] = [
            ("LATEST #tea * 10".into(), &["one", "two", "three"]),
            ("latest #TEA * 2".into(), &["two", "three"]),
            ("LATEST #tea * 0".into(), &["one", "two", "three"]),
            (format!("LATEST #tea {first} 10"), &["two", "three"]),
            (format!("LATEST #tea {first} 1"), &["three"]),
            (format!("BEFORE #tea {third} 10"), &["one", "two"]),
            (format!("BEFORE #tea {third} 1"), &["two"]),
            (format!("BEFORE #tea {first} 10"), &[]),
            (format!("AFTER #tea {first} 1"), &["two"]),
            (format!("AFTER #tea {third} 10"), &[]),
            (format!("AROUND #tea {second} 3"), &["one", "two", "three"]),
            (format!("AROUND #tea {second} 1"), &["two"]),
            (format!("BETWEEN #tea {first} {third} 10"), &["two"]),
            (format!("BETWEEN #tea {third} timestamp=2023-11-14T22:13:19.000Z 1"), &["two"]),
            (format!("BETWEEN #tea timestamp=2023-11-14T22:13:19.000Z {third} 1"), &["one"]),
        ];
        for (asked, expected) in cases {
            check_said(&format!("bob> CHATHISTORY {asked}\n{}", batch(1, expected)));
        }
    }

    #[test]
    fn what_is_not_a_question() {
        let cases = [
            ("", "INVALID_PARAMS * :Unknown command"),
            ("LATE #tea * 10", "INVALID_PARAMS LATE :Unknown command"),
            ("LATEST #tea", "INVALID_PARAMS LATEST :Insufficient parameters"),
            ("LATEST #tea * 10 20", "INVALID_PARAMS LATEST :Too many parameters"),
            ("LATEST #tea * many", "INVALID_PARAMS LATEST many :Invalid limit"),
            ("BEFORE #tea * 10", "INVALID_PARAMS BEFORE * :Invalid timestamp"),
            ("BEFORE #tea timestamp=yesterday 10", "INVALID_PARAMS BEFORE timestamp=yesterday :Invalid timestamp"),
            ("BEFORE #tea msgid=7 10", "INVALID_PARAMS BEFORE msgid=7 :Invalid msgid"),
            ("TARGETS msgid=7 * 10", "INVALID_PARAMS TARGETS msgid=7 :Invalid timestamp"),
            ("LATEST #none * 10", "INVALID_TARGET LATEST #none :Messages could not be retrieved"),
            ("LATEST no!name * 10", "INVALID_TARGET LATEST no!name :Messages could not be retrieved"),
        ];
        for (asked, expected) in cases {
            check_said(&format!("bob> CHATHISTORY {asked}\n bob< @time=… :irc.example FAIL CHATHISTORY {expected}"));
        }
    }

    #[test]
    fn a_store_that_cannot_be_read_is_no_empty_room() {
        check_said(
            "store unreadable
             bob> CHATHISTORY LATEST #tea * 10
             bob< @time=… :irc.example FAIL CHATHISTORY MESSAGE_ERROR LATEST #tea :…",
        );
    }

    #[test]
    fn only_members_read_a_room() {
        check_said(
            "bob> PART #tea
             bob<<
             alice<<
             bob> CHATHISTORY LATEST #tea * 10
             bob< @time=… :irc.example FAIL CHATHISTORY INVALID_TARGET LATEST #tea :Messages could not be retrieved",
        );
    }

    /// Mode J: what was said before bob joined is not his to read, by any door.
    #[test]
    fn a_room_may_keep_its_past_from_newcomers() {
        let replaying = |transcript: &str| {
            check_with(|configured, _| configured.limits.unread_replay = 2, &format!("{SAID}{transcript}"));
        };
        let latest = batch(1, &["four"]);
        replaying(&format!(
            "alice> MODE #tea +J
             alice< :alice!… MODE #tea +J
             bob< @time=… :alice!… MODE #tea +J
             +1
             alice> PRIVMSG #tea :four
             bob<<
             bob> CHATHISTORY LATEST #tea * 10
             {latest}
             bob> CHATHISTORY AFTER #tea timestamp=2023-11-14T22:13:19.000Z 10
             {}
             bob> CHATHISTORY BEFORE #tea timestamp=2023-11-14T22:13:23.000Z 10
             {}
             bob> CHATHISTORY TARGETS timestamp=2023-11-14T22:13:19.000Z timestamp=2023-11-14T22:20:00.000Z 10
             bob< @time=… :irc.example BATCH +4 draft/chathistory-targets
             bob< @batch=4;time=… :irc.example CHATHISTORY TARGETS #tea 2023-11-14T22:13:23.000Z
             bob< @time=… :irc.example BATCH -4
             bob> PART #tea
             bob> JOIN #tea
             bob<<
             alice<<
             bob> CHATHISTORY LATEST #tea * 10
             {}
             bob> CHATHISTORY TARGETS timestamp=2023-11-14T22:13:19.000Z timestamp=2023-11-14T22:20:00.000Z 10
             bob< @time=… :irc.example BATCH +6 draft/chathistory-targets
             bob< @time=… :irc.example BATCH -6
             plain=
             plain> JOIN #tea
             plain< :plain!… JOIN #tea
             plain< :irc.example 353 …
             plain< :irc.example 366 …
             alice<<
             bob<<
             alice> MODE #tea -J
             alice<<
             bob<<
             plain<<
             bob> CHATHISTORY LATEST #tea * 1
             {}",
            latest.replacen('1', "2", 1).replace("batch=1", "batch=2").replace("-1", "-2"),
            batch(3, &[]),
            batch(5, &[]),
            batch(7, &["four"]),
        ));
    }

    #[test]
    fn what_was_said_to_operators_is_theirs_to_read() {
        check_said(&format!(
            "alice> PRIVMSG @#tea :among us
             bob> CHATHISTORY LATEST #tea * 10
             {}
             alice> MODE #tea +o bob
             alice<<
             bob<<
             bob> CHATHISTORY LATEST #tea * 1
             bob< @time=… :irc.example BATCH +2 chathistory #tea
             bob< @batch=2;time=…;msgid=… :alice!… PRIVMSG @#tea :among us
             bob< @time=… :irc.example BATCH -2",
            batch(1, &["one", "two", "three"])
        ));
    }

    #[test]
    fn direct_conversations_are_found_and_read() {
        check_said(
            "alice> PRIVMSG bob :psst
             bob<<
             +1
             bob> PRIVMSG alice :yes?
             alice<<
             bob> CHATHISTORY TARGETS timestamp=2023-11-14T22:13:00.000Z timestamp=2023-11-14T22:20:00.000Z 10
             bob< @time=… :irc.example BATCH +1 draft/chathistory-targets
             bob< @batch=1;time=… :irc.example CHATHISTORY TARGETS #tea 2023-11-14T22:13:22.000Z
             bob< @batch=1;time=… :irc.example CHATHISTORY TARGETS alice 2023-11-14T22:13:23.000Z
             bob< @time=… :irc.example BATCH -1
             bob> CHATHISTORY TARGETS timestamp=2023-11-14T22:20:00.000Z timestamp=2023-11-14T22:13:00.000Z 1
             bob< @time=… :irc.example BATCH +2 draft/chathistory-targets
             bob< @batch=2;time=… :irc.example CHATHISTORY TARGETS alice 2023-11-14T22:13:23.000Z
             bob< @time=… :irc.example BATCH -2
             bob> CHATHISTORY LATEST ALICE * 10
             bob< @time=… :irc.example BATCH +3 chathistory ALICE
             bob< @batch=3;time=…;msgid=… :alice!… PRIVMSG bob :psst
             bob< @batch=3;time=…;msgid=… :bob!… PRIVMSG alice :yes?
             bob< @time=… :irc.example BATCH -3
             eve= batch draft/chathistory
             eve> CHATHISTORY LATEST alice * 10
             eve< :irc.example BATCH +1 chathistory alice
             eve< :irc.example BATCH -1",
        );
    }

    /// A link to a message leads whoever may read it to it, whatever they call the conversation, and whatever the room was
    /// called when the link was made.
    #[test]
    fn a_message_is_found_by_its_id_alone() {
        check(
            "alice= message-tags echo-message draft/channel-rename
             bob= batch message-tags draft/chathistory draft/channel-rename
             eve= batch message-tags draft/chathistory
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> PRIVMSG bob :psst
             alice<<
             bob< @msgid={psst} :alice!… PRIVMSG bob :psst
             alice> PRIVMSG #tea :hi
             alice<<
             bob< @msgid={hi} :alice!… PRIVMSG #tea :hi
             bob> CHATHISTORY AROUND * msgid={psst} 1
             bob< …BATCH +1 chathistory alice
             bob< @batch=1;msgid={psst} :alice!… PRIVMSG bob :psst
             bob< …BATCH -1
             alice> RENAME #tea #pot
             alice<<
             bob<<
             bob> CHATHISTORY AROUND * msgid={hi} 1
             bob< …BATCH +2 chathistory #pot
             bob< @batch=2;msgid={hi} :alice!… PRIVMSG #tea :hi
             bob< …BATCH -2
             bob> CHATHISTORY LATEST #tea * 1
             bob< …BATCH +3 chathistory #pot
             bob< @batch=3;msgid={hi} :alice!… PRIVMSG #tea :hi
             bob< …BATCH -3
             eve> CHATHISTORY AROUND * msgid={psst} 1
             eve< :irc.example FAIL CHATHISTORY INVALID_TARGET AROUND * :Messages could not be retrieved
             eve> CHATHISTORY AROUND * msgid={hi} 1
             eve< :irc.example FAIL CHATHISTORY INVALID_TARGET AROUND * :Messages could not be retrieved
             eve> CHATHISTORY LATEST #tea * 1
             eve< :irc.example FAIL CHATHISTORY INVALID_TARGET LATEST #tea :Messages could not be retrieved
             store unreadable
             bob> CHATHISTORY AROUND * msgid={hi} 1
             bob< :irc.example FAIL CHATHISTORY MESSAGE_ERROR AROUND * :…",
        );
    }

    #[test]
    fn a_labelled_page_is_one_answer() {
        check(&format!(
            "{SAID}
             bob> CAP REQ labeled-response
             bob<<
             bob> @label=x CHATHISTORY LATEST #tea * 1
             bob> PING later
             bob< @label=x;time=… :irc.example BATCH +2 labeled-response
             bob< @batch=2;time=… :irc.example BATCH +1 chathistory #tea
             bob< @batch=1;time=…;msgid=… :alice!… PRIVMSG #tea :three
             bob< @batch=2;time=… :irc.example BATCH -1
             bob< @time=… :irc.example BATCH -2
             bob< @time=… :irc.example PONG irc.example :later"
        ));
    }

    #[test]
    fn whoever_cannot_ask_is_shown_the_last_lines_on_entering() {
        let replaying = |transcript: &str| {
            check_with(|configured, _| configured.limits.unread_replay = 2, &format!("{SAID}{transcript}"));
        };
        replaying(
            "plain=
             plain> JOIN #tea
             alice<<
             bob<<
             plain< :plain!… JOIN #tea
             plain< :irc.example 353 …
             plain< :irc.example 366 …
             plain< :alice!… NOTICE #tea :[2023-11-14 22:13:21] two
             plain< :alice!… PRIVMSG #tea :[2023-11-14 22:13:22] three
             timed= server-time batch
             timed> JOIN #tea
             alice<<
             bob<<
             plain<<
             timed< @time=… :timed!… JOIN #tea
             timed< @time=… :irc.example 353 …
             timed< @time=… :irc.example 366 …
             timed< @time=… :irc.example BATCH +1 chathistory #tea
             timed< @batch=1;time=2023-11-14T22:13:21.000Z :alice!… NOTICE #tea :two
             timed< @batch=1;time=2023-11-14T22:13:22.000Z :alice!… PRIVMSG #tea :three
             timed< @time=… :irc.example BATCH -1",
        );
    }
}
