//! A room's topic.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::chatroom::ChatroomKind;
use crate::event::What;
use crate::id::RoomNumber;
use crate::membership::Role;
use crate::name::ChatroomName;
use crate::permission::Act;
use crate::snapshot::Topic;

impl Hub {
    pub(super) fn set_topic(&mut self, asker: Asker, name: &ChatroomName, text: Box<str>, turn: &mut Turn) {
        let number = match self.room_for(asker.slot, name, Act::SetTopic) {
            Ok(number) => number,
            Err(refusal) => {
                turn.refuse(refusal);
                return;
            }
        };
        let Some((person, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return;
        };
        let has_topic = self.state.room(number).is_some_and(|room| room.rules.topic.is_some());
        if text.is_empty() && !has_topic {
            return;
        }
        let topic =
            (!text.is_empty()).then(|| Box::new(Topic { text: text.clone(), by: person.mask().into(), at: turn.now }));
        self.state.change_rules(number, |rules| rules.topic = topic);
        self.keep_room(number, turn);
        self.audit_topic(asker, number, text.is_empty(), turn);
        let event = self.happening(&person, What::TopicChanged { room, text }, turn);
        self.note(number, &event, turn);
        let origin = turn.event_origin();
        self.tell_room(number, event, origin, turn);
    }

    /// That of people who are no operators is no operator's doing: the room's history has it.
    fn audit_topic(&mut self, asker: Asker, number: RoomNumber, is_gone: bool, turn: &mut Turn) {
        let Some((client, room)) = self.state.client(asker.slot).zip(self.state.room(number)) else { return };
        if room.kind == ChatroomKind::Named
            && Hub::actor(client, room).roles.unwrap_or_default().at_least(Role::HalfOperator)
        {
            let name = room.name.clone();
            self.audit(AuditAction::Topic, Some(&name), "", if is_gone { "removed" } else { "set" }, turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn topics() {
        check_with(
            settings(),
            "
            > show changes
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            keep: room #tea nt
            > bob arrives
            bob: welcome bob
            > bob topic #tea mine
            bob: refused: NotMember { room: \"#tea\" }
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > bob topic #tea mine
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > op topic #tea
            > op topic #tea Green tea
            [op* bob] op set topic of #tea: Green tea
            keep: room #tea nt
            > bob asks topic #tea
            bob: topic of #tea: Green tea by op!u@cloak
            > op mode #tea -t
            [op* bob] op changed #tea: -t
            keep: room #tea n
            > bob topic #tea
            [op bob*] bob set topic of #tea:
            keep: room #tea n
            > bob asks topic #tea
            bob: no topic of #tea
            > bob asks topic #none
            bob: refused: NoSuchRoom { name: \"#none\" }
            > bob topic #none x
            bob: refused: NoSuchRoom { name: \"#none\" }
            ",
        );
    }
}
