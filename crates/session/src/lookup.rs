//! What a line does with a message that was said before: the hub says whether the conversation may be read, a reader of the
//! store finds the message ([`Work::FindMessage`]), and with what was found the hub is asked to do it. The refusals are
//! those of message-redaction "Errors" and of its like for edits.

use crate::targets;
use crate::turn::Turn;
use crate::verb::{Awaiting, edits, privmsg};
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::history::{Grant, Item, Kept, Stretch, View};
use chat::id::MessageId;
use chat::message::{Message, MessageState};
use chat::name::ChatroomName;
use chat::query::{Answer, Conversation, Query};
use compact_str::{CompactString, format_compact};
use std::sync::Arc;

/// What is to be done, until the message is found.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) target: CompactString,
    /// As the client wrote it.
    pub(crate) id: CompactString,
    pub(crate) then: Then,
}

#[derive(Debug)]
pub(crate) enum Then {
    Redact { reason: Option<Box<str>> },
    Edit { text: Box<str>, in_lines: bool, between_programs: bool },
    ReadEarlierTexts,
    Pin,
    Report { reason: Box<str> },
}

impl Then {
    /// In the place of an id there may be a name, for those whose clients know of no ids: the last message that someone of
    /// that name said there is meant. Not where more would be lost by a mistake than can be mended.
    fn takes_names(&self) -> bool {
        matches!(self, Then::Pin | Then::Report { .. })
    }
}

/// Messages among which one is looked for by the name of who said it.
const LOOKED_THROUGH: usize = 100;

/// Begins with what a line names.
pub(crate) fn begin(turn: &mut Turn<'_>, target: &str, id: &str, then: Then) {
    let Some(of) = conversation(turn, target) else {
        return invalid_target(turn, target);
    };
    let query = match then {
        Then::ReadEarlierTexts => Query::EarlierTexts { of },
        Then::Redact { .. } | Then::Edit { .. } | Then::Pin | Then::Report { .. } => Query::History { of },
    };
    turn.await_with(Awaiting::Lookup(Box::new(Asked { target: target.into(), id: id.into(), then })));
    turn.ask(Command::Ask(query));
}

/// What a target names; `None`: no room can have this name. What was said to a rank was said in the room.
pub(crate) fn conversation(turn: &Turn<'_>, target: &str) -> Option<Conversation> {
    let (_, name) = privmsg::split_status(target);
    if targets::is_room(name) {
        ChatroomName::parse(name, &turn.facts.name_rules).ok().map(Conversation::Room)
    } else {
        Some(Conversation::With(targets::person(turn, target)))
    }
}

/// The hub has said whether the conversation may be read.
pub(crate) fn answer(turn: &mut Turn<'_>, asked: Box<Asked>, answer: &Answer) {
    match answer {
        Answer::HistoryGranted(Some(grant)) => match asked.id.parse() {
            Ok(id) => {
                look_up(turn, grant.clone(), MessageId(id), &asked.then);
                turn.await_with(Awaiting::Lookup(asked));
            }
            Err(_) if asked.then.takes_names() => {
                let (grant, stretch, view) = (grant.clone(), Stretch::Latest { after: None }, View::default());
                turn.work(|ticket| Work::ReadHistory { ticket, grant, stretch, view, limit: LOOKED_THROUGH });
                turn.await_with(Awaiting::Lookup(asked));
            }
            Err(_) => unknown(turn, &asked),
        },
        Answer::HistoryGranted(None) => unknown(turn, &asked),
        Answer::Refused(refusal @ chat::refusal::Refusal::NeedsRole { .. }) => {
            crate::refusal_numeric::write(turn, turn.verb(), &asked.target, refusal);
        }
        // One answer for all other reasons: whether a room is there is nobody's business who may not read it.
        _ => invalid_target(turn, &asked.target),
    }
}

fn look_up(turn: &mut Turn<'_>, grant: Box<Grant>, id: MessageId, then: &Then) {
    turn.work(|ticket| match then {
        Then::ReadEarlierTexts => Work::ReadEarlierTexts { ticket, grant, id },
        Then::Redact { .. } | Then::Edit { .. } | Then::Pin | Then::Report { .. } => {
            Work::FindMessage { ticket, grant, id }
        }
    });
}

/// The store has been read.
pub(crate) fn found(turn: &mut Turn<'_>, asked: Box<Asked>, result: WorkResult) {
    let result = match result {
        WorkResult::Page { items, .. } => WorkResult::Found(last_by(turn, &asked.id, items)),
        other => other,
    };
    match result {
        WorkResult::Found(Some((message, MessageState::AsSaid | MessageState::Edited))) => {
            turn.await_with(Awaiting::About(format_compact!("{} {}", asked.target, asked.id)));
            turn.ask(command(message, asked.then));
        }
        WorkResult::EarlierTexts(Some(texts)) => edits::write(turn, &asked, &texts),
        WorkResult::Found(_) | WorkResult::EarlierTexts(None) => unknown(turn, &asked),
        _ => {
            let context = [targets::shown(&asked.target), targets::shown(&asked.id)];
            let text = "The message could not be looked up just now; repeat it later";
            turn.fail(turn.verb(), "TRY_AGAIN", &context, text);
        }
    }
}

fn last_by(turn: &Turn<'_>, name: &str, items: Vec<Item>) -> Option<(Arc<Message>, MessageState)> {
    let key = |name: &str| targets::person(turn, name).key().clone();
    let wanted = key(name);
    items.into_iter().rev().find_map(|item| match item.kept {
        Kept::Said { message, state } if key(&message.sender.name) == wanted => Some((message, state)),
        _ => None,
    })
}

fn command(message: Arc<Message>, then: Then) -> Command {
    match then {
        Then::Redact { reason } => Command::Redact { message, reason },
        Then::Edit { text, in_lines, between_programs } => Command::Edit { message, text, in_lines, between_programs },
        Then::Pin => Command::Pin { message },
        Then::Report { reason } => Command::Report { message, reason },
        // Answered with what was read.
        Then::ReadEarlierTexts => Command::Ask(Query::Nothing),
    }
}

pub(crate) fn invalid_target(turn: &mut Turn<'_>, target: &str) {
    let text = "There is no such conversation, or it is not yours to read";
    turn.fail(turn.verb(), "INVALID_TARGET", &[targets::shown(target)], text);
}

fn unknown(turn: &mut Turn<'_>, asked: &Asked) {
    let context = [targets::shown(&asked.target), targets::shown(&asked.id)];
    let text = "There is no such message here, or it was deleted already";
    turn.fail(turn.verb(), "UNKNOWN_MSGID", &context, text);
}
