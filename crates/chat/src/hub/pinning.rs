//! What a room keeps in view. A pin holds no text: what a message says is read where it is kept, so a pinned one is shown
//! as it was edited, and not at all when it is gone.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::event::{Event, What};
use crate::history::Grant;
use crate::id::{MessageId, RoomNumber};
use crate::message::{Message, MessageKind};
use crate::permission::{Act, permit};
use crate::pin::{PINS, Pin, PinRecord, WhichPin};
use crate::query::{Answer, Conversation, PinsView};
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::sync::Arc;

impl Hub {
    /// The message is one that the asker may read, as a reader of the store found it.
    pub(super) fn pin(&mut self, asker: Asker, message: Arc<Message>, turn: &mut Turn) {
        self.state.touch(asker.slot, asker.session, turn.now);
        if let Err(refusal) = self.try_pin(asker, message, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_pin(&mut self, asker: Asker, message: Arc<Message>, turn: &mut Turn) -> Result<(), Refusal> {
        let found = self.state.client(asker.slot).zip(self.state.room(message.room));
        let (client, room) = found.ok_or(Refusal::NoSuchMessage)?;
        match room.kind {
            ChatroomKind::Named | ChatroomKind::Group => {
                permit(&Hub::actor(client, room), Act::Pin, &Hub::rules_of(room))?;
            }
            ChatroomKind::Direct(one, other) if [one, other].contains(&client.id) => {}
            ChatroomKind::Direct(..) => return Err(Refusal::NoSuchMessage),
        }
        // A signal says nothing; and someone may have taken the message away since it was read.
        if message.kind == MessageKind::Signal || self.state.was_redacted(message.id) {
            return Err(Refusal::NoSuchMessage);
        }
        if message.audience.is_some() {
            return Err(Refusal::CannotPin);
        }
        if room.pins().iter().any(|pin| pin.message == message.id) {
            return Err(Refusal::AlreadyPinned);
        }
        // Those that are not kept any more make room.
        let kept_since = self.grant(client, room, CompactString::default(), turn).since.time;
        let over = |pin: &&Pin| pin.message.time() < kept_since;
        let over: Vec<MessageId> = room.pins().iter().filter(over).map(|pin| pin.message).collect();
        if room.pins().len() - over.len() >= PINS {
            return Err(Refusal::TooManyPins { limit: PINS });
        }
        let (number, target) = (room.number, message.id);
        let pin = Pin {
            message: target,
            position: message.position,
            pinned: turn.position,
            by: client.person.mask().into(),
            at: turn.now,
        };
        let what = |message: Option<Arc<Message>>| |room, _| What::Pinned { room, target, on: true, message };
        let event = self.event_about(client, room, &message, what(None), turn);
        let told = self.event_about(client, room, &message, what(Some(message.clone())), turn);
        for message in over {
            self.state.unpin(number, message);
            turn.keep(Change::Unpinned { room: number, message });
        }
        turn.keep(Change::Pinned(Box::new(PinRecord { room: number, pin: pin.clone() })));
        self.state.pin(number, pin);
        turn.keep(Change::Happened(event));
        self.tell_about(asker, &message, &Event::Happened(told.happening.clone()), turn);
        self.audit_pin(number, target, "pinned", turn);
        Ok(())
    }

    /// In a room; what people do in their own conversations is nobody else's business.
    fn audit_pin(&mut self, number: RoomNumber, target: MessageId, what: &str, turn: &mut Turn) {
        let room = self.state.room(number).filter(|room| room.kind == ChatroomKind::Named);
        if let Some(name) = room.map(|room| room.name.clone()) {
            self.audit(AuditAction::Pin, Some(&name), &target.to_string(), what, turn);
        }
    }

    pub(super) fn unpin(&mut self, asker: Asker, of: &Conversation, which: WhichPin, turn: &mut Turn) {
        self.state.touch(asker.slot, asker.session, turn.now);
        if let Err(refusal) = self.try_unpin(asker, of, which, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_unpin(&mut self, asker: Asker, of: &Conversation, which: WhichPin, turn: &mut Turn) -> Result<(), Refusal> {
        let grant = match self.history_answer(of, Act::Pin, turn)? {
            Answer::HistoryGranted(Some(grant)) => grant,
            _ => return Err(Refusal::NotPinned),
        };
        let found = self.state.client(asker.slot).zip(self.state.room(grant.room));
        let (client, room) = found.ok_or(Refusal::NotPinned)?;
        let target = match which {
            WhichPin::Of(message) => room.pins().iter().find(|pin| pin.message == message),
            WhichPin::Number(number) => number.checked_sub(1).and_then(|place| room.pins().get(place)),
        };
        let target = target.ok_or(Refusal::NotPinned)?.message;
        let what = |room, _| What::Pinned { room, target, on: false, message: None };
        let event = self.event_for(client, room, None, &grant.name, what, turn);
        self.state.unpin(grant.room, target);
        turn.keep(Change::Unpinned { room: grant.room, message: target });
        turn.keep(Change::Happened(event.clone()));
        self.tell_conversation(asker, grant.room, None, &Event::Happened(event.happening.clone()), turn);
        self.audit_pin(grant.room, target, "unpinned", turn);
        Ok(())
    }

    pub(super) fn pins_answer(&self, of: &Conversation, turn: &Turn) -> Result<Answer, Refusal> {
        let Answer::HistoryGranted(Some(grant)) = self.history_answer(of, Act::ReadHistory, turn)? else {
            return Ok(Answer::Pins(None));
        };
        let pins = self.state.room(grant.room).map(|room| readable_pins(room, &grant));
        let pins = pins.into_iter().flatten().map(|(number, pin)| (number, pin.clone())).collect();
        Ok(Answer::Pins(Some(Box::new(PinsView { history: *grant, pins }))))
    }
}

/// The pins of messages that are there for someone with this grant, with their numbers in the whole list.
pub(super) fn readable_pins<'r>(room: &'r Chatroom, grant: &Grant) -> impl Iterator<Item = (usize, &'r Pin)> {
    let since = grant.since;
    let pins = room.pins().iter().enumerate().map(|(place, pin)| (place + 1, pin));
    pins.filter(move |(_, pin)| pin.position >= since.position && pin.message.time() >= since.time)
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn moderators_pin_what_was_said() {
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
            > bob says #tea one
            [op bob*] bob -> #tea: one
            keep: post one
            > bob says #tea two
            [op bob*] bob -> #tea: two
            keep: post two
            > bob pins one
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > op pins one
            [op* bob] op pinned one in #tea
            keep: pin of one
            keep: op pinned something in #tea
            > op pins one
            op: refused: AlreadyPinned
            > op mode #tea +h bob
            [op* bob] op changed #tea: +h:bob
            > bob pins two
            [op bob*] bob pinned two in #tea
            keep: pin of two
            keep: bob pinned something in #tea
            > op asks pins #tea
            op: pins of #tea: 1:one 2:two
            > eve arrives
            eve: welcome eve
            > eve asks pins #tea
            eve: refused: NotMember { room: \"#tea\" }
            > eve joins #tea
            [op bob eve*] eve joined #tea
            eve: entered #tea @op %bob eve, pins 2
            > eve unpins #tea one
            eve: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > op unpins #tea 1
            [op* bob eve] op unpinned something in #tea
            keep: no pin of one
            keep: op unpinned something in #tea
            > op unpins #tea one
            op: refused: NotPinned
            > op unpins #tea 0
            op: refused: NotPinned
            > op unpins #tea 2
            op: refused: NotPinned
            > eve asks pins #tea
            eve: pins of #tea: 1:two
            > bob says @#tea quietly
            [op bob*] bob -> @#tea: quietly
            keep: post quietly
            > op pins quietly
            op: refused: CannotPin
            > op pins never said
            op: refused: NoSuchMessage
            > storage fails
            > op unpins #tea two
            op: refused: StorageFull
            > op pins one
            op: refused: StorageFull
            > storage works
            > op redacts two
            [op* bob eve] op redacted something in #tea
            keep: no pin of two
            keep: nothing of two
            keep: op redacted something in #tea
            > op pins two
            op: refused: NoSuchMessage
            > eve asks pins #tea
            eve: pins of #tea: 
            ",
        );
    }

    #[test]
    fn either_pins_in_a_direct_conversation() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice asks pins bob
            alice: nothing was ever said there
            > alice unpins bob 1
            alice: refused: NotPinned
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            > bob pins hi
            [alice] bob pinned hi in alice
            [bob*] bob pinned hi in alice
            > alice asks pins bob
            alice: pins of bob: 1:hi
            > eve arrives
            eve: welcome eve
            > eve pins hi
            eve: refused: NoSuchMessage
            > eve asks pins alice
            eve: nothing was ever said there
            > alice unpins bob hi
            [bob] alice unpinned something in bob
            [alice*] alice unpinned something in bob
            > alice unpins nobody 1
            alice: refused: NoSuchClient { name: \"nobody\" }
            ",
        );
    }

    #[test]
    fn everyone_pins_in_a_group() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > console registers carol
            console: account carol created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > alice joins #+bob+carol
            alice: #+bob+carol is called #+alice+bob+carol
            [alice*] alice (alice) joined #+alice+bob+carol
            alice: entered #+alice+bob+carol alice
            [alice* bob] bob (bob) joined #+alice+bob+carol
            bob (unasked): entered #+alice+bob+carol alice bob
            > alice says #+alice+bob+carol hi
            [alice* bob] alice -> #+alice+bob+carol: hi
            > bob pins hi
            [alice bob*] bob pinned hi in #+alice+bob+carol
            > alice unpins #+alice+bob+carol 1
            [alice* bob] alice unpinned something in #+alice+bob+carol
            ",
        );
    }

    /// Whose messages are not kept any more, or not for a newcomer, are not shown; the first make room for others.
    #[test]
    fn pins_end_with_what_they_are_of() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op mode #tea +H 60
            [op*] op changed #tea: +H:60
            > op says #tea old
            [op*] op -> #tea: old
            > op pins old
            [op*] op pinned old in #tea
            > time 61
            > op says #tea new
            [op*] op -> #tea: new
            > op asks pins #tea
            op: pins of #tea: 
            > show changes
            > op pins new
            [op*] op pinned new in #tea
            keep: no pin of old
            keep: pin of new
            keep: op pinned something in #tea
            > op mode #tea +J
            [op*] op changed #tea: +J
            keep: room #tea ntJ
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            [op eve*] eve joined #tea
            eve: entered #tea @op eve
            > eve asks pins #tea
            eve: pins of #tea: 
            ",
        );
    }

    #[test]
    fn a_room_has_so_many_pins() {
        let mut script = String::from(
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            ",
        );
        for number in 1..=super::PINS {
            script += &format!(
                "> op says #tea {number}\n[op*] op -> #tea: {number}\n> op pins {number}\n[op*] op pinned {number} in #tea\n"
            );
        }
        script += "
            > op says #tea more
            [op*] op -> #tea: more
            > op pins more
            op: refused: TooManyPins { limit: 50 }
            > op unpins #tea 50
            [op*] op unpinned something in #tea
            > op pins more
            [op*] op pinned more in #tea
            ";
        check_with(settings(), &script);
    }
}
