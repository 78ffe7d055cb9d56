//! PINS: the pinned messages of a room or a direct conversation, as they are now. Ours.

use super::{Awaiting, Phase, Verb, chathistory};
use crate::lookup;
use crate::render;
use crate::targets::{self, shown};
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::history::Kept;
use chat::id::MessageId;
use chat::message::{Message, MessageState};
use chat::pin::Pin;
use chat::query::{PinsView, Query};
use compact_str::CompactString;
use std::sync::Arc;
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "PINS",
    parameters: 1,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "PINS <room or nick>\n\
           Shows the pinned messages, each with its number. With the capability parlor/pins: a batch parlor/pins of \
           PIN <room or nick> <msgid> from whoever pinned it, and the message behind it.",
};

/// What is pinned, until the messages are found.
#[derive(Debug)]
pub(crate) struct Asked {
    name: CompactString,
    pins: Vec<(usize, Pin)>,
}

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let target = line.param(0).unwrap_or_default();
    let Some(of) = lookup::conversation(turn, target) else {
        return lookup::invalid_target(turn, target);
    };
    turn.await_with(Awaiting::About(target.into()));
    turn.ask(Command::Ask(Query::Pins { of }));
}

/// The hub has said what is pinned.
pub(crate) fn answer(turn: &mut Turn<'_>, awaiting: Option<&Awaiting>, view: Option<&PinsView>) {
    let target = match awaiting {
        Some(Awaiting::About(target)) => target.clone(),
        _ => CompactString::default(),
    };
    let Some(PinsView { history, pins }) = view else {
        return write(turn, &target, &[]);
    };
    // A room by its own name; a person as the asker calls her.
    let name = if targets::is_room(&target) { history.name.clone() } else { target };
    if pins.is_empty() {
        return write(turn, &name, &[]);
    }
    let which = pins.iter().map(|(_, pin)| (pin.position, pin.message)).collect();
    let grant = Box::new(history.clone());
    turn.work(|ticket| Work::FindMessages { ticket, grant, which });
    turn.await_with(Awaiting::Pins(Box::new(Asked { name, pins: pins.clone() })));
}

/// The messages have been read.
pub(crate) fn found(turn: &mut Turn<'_>, asked: &Asked, result: &WorkResult) {
    let WorkResult::FoundAll(messages) = result else {
        let text = "The pinned messages could not be read just now; repeat it later";
        return turn.fail("PINS", "TRY_AGAIN", &[shown(&asked.name)], text);
    };
    let found: Vec<_> = asked
        .pins
        .iter()
        .zip(messages)
        .filter_map(|((number, pin), found)| match found {
            Some((message, state @ (MessageState::AsSaid | MessageState::Edited))) => {
                Some((*number, pin, message, *state))
            }
            _ => None,
        })
        .collect();
    write(turn, &asked.name, &found);
}

type Found<'f> = (usize, &'f Pin, &'f Arc<Message>, MessageState);

fn write(turn: &mut Turn<'_>, name: &str, found: &[Found<'_>]) {
    let name = shown(name);
    if turn.has(Capability::ParlorPins) {
        return turn.batch("parlor/pins", &[name], |turn| {
            for found in found {
                write_for_programs(turn, name, found);
            }
        });
    }
    for (number, pin, message, state) in found {
        let time = time_text(message.timestamp);
        let (time, edited) = (str::from_utf8(&time).unwrap_or_default(), edited(*state));
        let by = pin.by.split('!').next().unwrap_or_default();
        let sender = &message.sender.name;
        turn.notice(&format!("{name} {number}: pinned by {by}, said {time} by {sender}{edited}:"));
        turn.notice(&render::in_words(message));
    }
    let count = match found.len() {
        0 => "nothing is pinned".to_owned(),
        1 => "1 pinned message".to_owned(),
        count => format!("{count} pinned messages"),
    };
    turn.notice(&format!("{name}: {count}"));
}

fn edited(state: MessageState) -> &'static str {
    if state == MessageState::Edited { chathistory::EDITED } else { "" }
}

/// The tag of a message that has another text than it was said with, for those who know of edits; others see it in the text.
const EDITED: &str = "parlor/edited";

fn write_for_programs(turn: &mut Turn<'_>, name: &str, (_, pin, message, state): &Found<'_>) {
    let mut lines = Vec::new();
    let form = turn.session.form();
    let mut id = [0; 36];
    let id = id_text(pin.message, &mut id);
    render::timed(&mut lines, form, pin.at).source(&pin.by).verb("PIN").param(name).param(id).end();
    turn.lines_of_batch(&lines, None);
    lines.clear();
    let knows_edits = turn.has(Capability::MessageEdit);
    let kept = Kept::Said { message: (*message).clone(), state: *state };
    render::render(&chathistory::event_of(&kept, knows_edits), form, turn.facts, &mut lines);
    turn.lines_of_batch(&lines, (knows_edits && *state == MessageState::Edited).then_some(EDITED));
}

fn id_text(id: MessageId, text: &mut [u8; 36]) -> &str {
    id.0.hyphenated().encode_lower(text)
}

/// What a newcomer is told: how many there are.
pub(crate) fn write_count(turn: &mut Turn<'_>, room: &str, count: usize) {
    if turn.has(Capability::ParlorPins) {
        return turn.server_line("PINS").param(room).param_fmt(format_args!("{count}")).end();
    }
    match count {
        0 => {}
        1 => turn.notice(&format!("{room} has a pinned message: PINS {room} shows it")),
        count => turn.notice(&format!("{room} has {count} pinned messages: PINS {room} shows them")),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const PINNED: &str = "
        alice= message-tags batch parlor/pins draft/message-redaction draft/message-edit
        bob= message-tags draft/message-edit
        alice> JOIN #tea
        bob> JOIN #tea
        bob> PRIVMSG #tea :one
        bob> PRIVMSG #tea :two
        bob> PRIVMSG #tea :three
        +1
        alice> PIN #tea {two}
        alice> PIN #tea {one}
        alice<<
        bob<<
        ";

    fn check_pinned(transcript: &str) {
        check(&format!("{PINNED}{transcript}"));
    }

    #[test]
    fn newcomers_see_what_is_pinned() {
        check_pinned(
            "plain=
             plain> JOIN #tea
             plain< :plain!… JOIN #tea
             plain< :irc.example 353 …
             plain< :irc.example 366 …
             plain< :irc.example NOTICE plain :#tea has 2 pinned messages: PINS #tea shows them
             plain> PINS #TEA
             plain< :irc.example NOTICE plain :#tea 1: pinned by alice, said 2023-11-14T22:13:20.000Z by bob:
             plain< :irc.example NOTICE plain :<bob> two
             plain< :irc.example NOTICE plain :#tea 2: pinned by alice, said 2023-11-14T22:13:20.000Z by bob:
             plain< :irc.example NOTICE plain :<bob> one
             plain< :irc.example NOTICE plain :#tea: 2 pinned messages
             carol= message-tags batch server-time parlor/pins
             carol> JOIN #tea
             carol< …:carol!… JOIN #tea
             carol< … 353 …
             carol< … 366 …
             carol< …:irc.example PINS #tea 2
             carol> PINS #tea
             carol< …BATCH +1 parlor/pins #tea
             carol< @batch=1;time=2023-11-14T22:13:21.000Z :alice!… PIN #tea {two}
             carol< @batch=1;time=2023-11-14T22:13:20.000Z;msgid={two} :bob!… PRIVMSG #tea :two
             carol< @batch=1;time=2023-11-14T22:13:21.000Z :alice!… PIN #tea {one}
             carol< @batch=1;time=2023-11-14T22:13:20.000Z;msgid={one} :bob!… PRIVMSG #tea :one
             carol< …BATCH -1
             alice<<
             bob<<
             plain<<",
        );
    }

    #[test]
    fn what_is_edited_is_shown_so_and_what_is_gone_is_not() {
        check_pinned(
            "bob> @draft/target-msgid={one};draft/edit-text=uno EDIT #tea
             alice<<
             bob<<
             bob> PINS #tea
             bob< :irc.example NOTICE bob :#tea 1: pinned by alice, said 2023-11-14T22:13:20.000Z by bob:
             bob< :irc.example NOTICE bob :<bob> two
             bob< :irc.example NOTICE bob :#tea 2: pinned by alice, said 2023-11-14T22:13:20.000Z by bob (edited):
             bob< :irc.example NOTICE bob :<bob> uno
             bob< :irc.example NOTICE bob :#tea: 2 pinned messages
             alice> REDACT #tea {two}
             alice<<
             bob< :alice!… NOTICE #tea :deleted a message by bob (2023-11-14 22:13:20 UTC)
             alice> PINS #tea
             alice< …BATCH +1 parlor/pins #tea
             alice< @batch=1 :alice!… PIN #tea {one}
             alice< @batch=1;parlor/edited;msgid={one} :bob!… PRIVMSG #tea :uno
             alice< …BATCH -1
             alice> CAP REQ -draft/message-edit
             alice<<
             alice> PINS #tea
             alice< …BATCH +2 parlor/pins #tea
             alice< @batch=2 :alice!… PIN #tea {one}
             alice< @batch=2;msgid={one} :bob!… PRIVMSG #tea :uno (edited)
             alice< …BATCH -2
             bob> UNPIN #tea 1
             bob< :irc.example 482 bob #tea :…
             alice> UNPIN #tea 1
             alice<<
             bob<<
             bob> PINS #tea
             bob< :irc.example NOTICE bob :#tea: nothing is pinned
             alice> PINS #tea
             alice< …BATCH +3 parlor/pins #tea
             alice< …BATCH -3",
        );
    }

    #[test]
    fn every_refusal() {
        check_pinned(
            "eve=
             eve> PINS
             eve< :irc.example 461 eve PINS :…
             eve> PINS #bad,name
             eve< :irc.example FAIL PINS INVALID_TARGET #bad,name :…
             eve> PINS #none
             eve< :irc.example 403 eve #none :…
             eve> PINS #tea
             eve< :irc.example 442 eve #tea :…
             eve> PINS nobody
             eve< :irc.example 401 eve nobody :…
             eve> PINS bob
             eve< :irc.example NOTICE eve :bob: nothing is pinned
             store unreadable
             bob> PINS #tea
             bob< :irc.example FAIL PINS TRY_AGAIN #tea :…",
        );
    }
}
