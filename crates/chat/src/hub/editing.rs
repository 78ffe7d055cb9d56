//! Giving what one said another text. As with redactions, the message is brought along as a reader of the store found it.

use super::redaction::authorship;
use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::chatroom::ChatroomKind;
use crate::event::{Event, What};
use crate::message::{EDIT_WINDOW_MS, Message, MessageKind};
use crate::permission::{Act, edit, permit};
use crate::refusal::Refusal;
use std::sync::Arc;

/// What a message is to say from now on: as of [`crate::command::Command::Edit`].
pub(super) struct Text {
    pub text: Box<str>,
    pub in_lines: bool,
    pub between_programs: bool,
}

impl Hub {
    pub(super) fn edit(&mut self, asker: Asker, message: &Message, new: Text, turn: &mut Turn) {
        self.state.touch(asker.slot, asker.session, turn.now);
        if let Err(refusal) = self.try_edit(asker, message, new, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_edit(&mut self, asker: Asker, message: &Message, new: Text, turn: &mut Turn) -> Result<(), Refusal> {
        let Text { text, in_lines, between_programs } = new;
        let found = self.state.client(asker.slot).zip(self.state.room(message.room));
        let (client, room) = found.ok_or(Refusal::NoSuchMessage)?;
        let of = authorship(client, message, EDIT_WINDOW_MS, turn.now);
        match room.kind {
            ChatroomKind::Named | ChatroomKind::Group => {
                let rules = Hub::rules_of(room);
                let mut actor = Hub::actor(client, room);
                permit(&actor, Act::Edit { of }, &rules)?;
                // Whoever may not speak now may not speak in this way either.
                actor.verdict = room.rules.verdict(&client.person);
                permit(&actor, Act::Speak { between_programs }, &rules)?;
            }
            ChatroomKind::Direct(one, other) if [one, other].contains(&client.id) => edit(of)?,
            ChatroomKind::Direct(..) => return Err(Refusal::NoSuchMessage),
        }
        // A signal has no text; and someone else may have been faster, since this one was read.
        if message.kind == MessageKind::Signal || self.state.was_redacted(message.id) {
            return Err(Refusal::NoSuchMessage);
        }
        let edited = Arc::new(message.edited(&text, in_lines));
        let (target, kind, audience) = (message.id, message.kind, message.audience);
        let what = |room, id| What::Edited { room, id, target, kind, audience, text };
        let event = self.event_about(client, room, message, what, turn);
        self.state.replace_message(edited);
        turn.keep(Change::Edited { position: message.position, in_lines, event: event.clone() });
        self.tell_about(asker, message, &Event::Happened(event.happening.clone()), turn);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn an_author_changes_her_words() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > show changes
            > bob says #tea helo
            [op bob*] bob -> #tea: helo
            keep: post helo
            > bob edits helo to hello all
            [op bob*] bob edited something in #tea: hello all
            keep: bob edited something in #tea: hello all
            > bob edits helo to hi
            [op bob*] bob edited something in #tea: hi
            keep: bob edited something in #tea: hi
            > op edits helo to nonsense
            op: refused: NotTheAuthor
            > op mode #tea +m
            [op* bob] op changed #tea: +m
            keep: room #tea mnt
            > bob edits helo to muted
            bob: refused: CannotSpeak { room: \"#tea\", why: Moderated }
            > op mode #tea -m+b bob
            [op* bob] op changed #tea: -m +b:bob!*@*
            keep: room #tea nt
            > bob edits helo to banned
            bob: refused: CannotSpeak { room: \"#tea\", why: Banned }
            > op mode #tea -b+C bob
            [op* bob] op changed #tea: -b:bob!*@* +C
            keep: room #tea ntC
            > bob edits helo to VERSION
            bob: refused: CannotSpeak { room: \"#tea\", why: NoCtcp }
            > storage fails
            > bob edits helo to lost
            bob: refused: StorageFull
            > storage works
            > op redacts helo
            [op* bob] op redacted something in #tea
            keep: nothing of helo
            keep: op redacted something in #tea
            > bob edits helo to too late
            bob: refused: NoSuchMessage
            > bob says #tea old
            [op bob*] bob -> #tea: old
            keep: post old
            > time 86401
            > bob edits old to new
            bob: refused: TooLate { window_seconds: 86400 }
            > bob parts #tea
            [op bob*] bob left #tea
            > bob edits old to new
            bob: refused: NotMember { room: \"#tea\" }
            > bob says op psst
            [op] bob -> op: psst
            [bob*] bob -> op: psst
            keep: direct room
            keep: post psst
            > bob edits psst to never mind
            [op] bob edited something in op: never mind
            [bob*] bob edited something in op: never mind
            keep: bob edited something in op: never mind
            > op edits psst to ha
            op: refused: NotTheAuthor
            ",
        );
    }
}
