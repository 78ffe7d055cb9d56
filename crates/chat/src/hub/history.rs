//! Who may read which conversation's past. Nothing is read here: a grant goes to a reader of the store.

use super::turn::Turn;
use super::{Hub, StorageState};
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::event::{Event, Happening, Place, What};
use crate::history::{Grant, HistoryEvent, Since};
use crate::id::{MessageId, Position, RoomNumber, Timestamp, uuid_v7};
use crate::membership::Role;
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, permit};
use crate::person::Person;
use crate::query::{Answer, Conversation};
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Hub {
    /// `act`: what she wants to read.
    pub(super) fn history_answer(&self, of: &Conversation, act: Act, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).and_then(|asker| self.state.client(asker.slot));
        let reader = asker.ok_or(Refusal::NotYours)?;
        match of {
            Conversation::Room(name) => self.room_grant(reader, name, act, turn),
            Conversation::With(name) => self.direct_grant(reader, name, turn),
        }
    }

    fn room_grant(&self, reader: &Client, name: &ChatroomName, act: Act, turn: &Turn) -> Result<Answer, Refusal> {
        let room = self
            .state
            .room_named(name.key())
            .and_then(|number| self.state.room(number))
            .ok_or_else(|| Refusal::NoSuchRoom { name: name.text().clone() })?;
        permit(&Hub::actor(reader, room), act, &Hub::rules_of(room)).map_err(|refusal| refusal.of_room(name.text()))?;
        Ok(Answer::HistoryGranted(Some(Box::new(self.grant(reader, room, room.name.clone(), turn)))))
    }

    /// Links of before a room got another name lead its members to what was said there; what others may learn of it, JOIN says.
    pub(super) fn history_by_former_name(&self, of: &Conversation, turn: &Turn) -> Option<Answer> {
        let Conversation::Room(name) = of else { return None };
        let reader = self.asker(turn).and_then(|asker| self.state.client(asker.slot))?;
        if self.state.room_named(name.key()).is_some() {
            return None;
        }
        let number = self.state.room_formerly_named(name.key(), turn.now)?;
        reader.place(number)?;
        let room = self.state.room(number)?;
        permit(&Hub::actor(reader, room), Act::ReadHistory, &Hub::rules_of(room)).ok()?;
        Some(Answer::HistoryGranted(Some(Box::new(self.grant(reader, room, room.name.clone(), turn)))))
    }

    fn direct_grant(&self, reader: &Client, name: &Username, turn: &Turn) -> Result<Answer, Refusal> {
        let here = self.state.client_named(name.key()).and_then(|slot| self.state.client(slot));
        let account = || self.state.account_called(name.key(), turn.now).and_then(|slot| self.state.account(slot));
        let found = here.map(|client| (client.id, &client.username));
        let found = found.or_else(|| account().map(|account| (account.record.id, &account.username)));
        let Some((other, username)) = found else {
            let departed = self.departed_named(reader.id, name);
            let (room, name) = departed.ok_or_else(|| Refusal::NoSuchClient { name: name.text().clone() })?;
            return Ok(Answer::HistoryGranted(Some(Box::new(self.grant(reader, room, name, turn)))));
        };
        let room = self.state.direct(reader.id, other).and_then(|number| self.state.room(number));
        Ok(Answer::HistoryGranted(room.map(|room| Box::new(self.grant(reader, room, username.text().clone(), turn)))))
    }

    /// Everything that the asker may read.
    pub(super) fn conversations_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).and_then(|asker| self.state.client(asker.slot));
        let reader = asker.ok_or(Refusal::NotYours)?;
        let rooms = reader.rooms.iter().filter_map(|place| self.state.room(place.room));
        let mut grants: Vec<Grant> = rooms
            .filter(|room| permit(&Hub::actor(reader, room), Act::ReadHistory, &Hub::rules_of(room)).is_ok())
            .map(|room| self.grant(reader, room, room.name.clone(), turn))
            .collect();
        grants.extend(self.direct_grants(reader, turn));
        grants.sort_by_key(|grant| grant.room);
        Ok(Answer::Conversations(grants))
    }

    /// Direct conversations, by the names that they can be asked for by.
    fn direct_grants(&self, reader: &Client, turn: &Turn) -> Vec<Grant> {
        let mut guests = Vec::new();
        let mut grants = Vec::new();
        for room in self.state.directs_of(reader.id) {
            let ChatroomKind::Direct(one, other) = room.kind else { continue };
            let other = if one == reader.id { other } else { one };
            match self.state.account_of(other).and_then(|slot| self.state.account(slot)) {
                Some(account) => {
                    let here = account.client.and_then(|slot| self.state.client(slot));
                    let name = here.map_or(&account.username, |client| &client.username);
                    grants.push(self.grant(reader, room, name.text().clone(), turn));
                }
                None => guests.push((other, room)),
            }
        }
        if !guests.is_empty() {
            let mut here = BTreeSet::new();
            // Guests stand in no table by their id: one look at everyone for all of them.
            for (_, client) in self.state.clients().filter(|(_, client)| !client.is_account()) {
                for (_, room) in guests.iter().filter(|(other, _)| *other == client.id) {
                    here.insert(room.number);
                    grants.push(self.grant(reader, room, client.username.text().clone(), turn));
                }
            }
            let departed = self.departed(reader.id, &here).into_iter();
            grants.extend(departed.map(|(room, name)| self.grant(reader, room, name, turn)));
        }
        grants
    }

    /// Something for the history of rooms ([`Hub::note`]).
    pub(super) fn happening(&self, by: &Arc<Person>, what: What, turn: &mut Turn) -> Event {
        let position = turn.next_position();
        let place = Place { id: MessageId(uuid_v7(turn.now, position.0, self.seed)), position };
        Event::Happened(Arc::new(Happening { at: turn.now, place: Some(place), by: by.clone(), what }))
    }

    /// Notes in a room's history what happened there: on disk before anyone sees it, as what is said. While the store takes
    /// nothing it is not noted, and goes on all the same: coming and going must depend on no disk.
    pub(super) fn note(&self, number: RoomNumber, event: &Event, turn: &mut Turn) {
        self.note_for(None, number, event, turn);
    }

    /// The same for what concerns a member, as far as others may know that she is there.
    pub(super) fn note_of_member(&self, slot: u32, number: RoomNumber, event: &Event, turn: &mut Turn) {
        self.note_for(self.audience_of(slot, number), number, event, turn);
    }

    fn note_for(&self, audience: Option<Role>, number: RoomNumber, event: &Event, turn: &mut Turn) {
        let Event::Happened(happening) = event else { return };
        let Some(place) = happening.place.filter(|_| self.storage == StorageState::Working) else { return };
        if self.state.room(number).is_some_and(|room| !room.is_direct()) {
            turn.keep(Change::Happened(Arc::new(HistoryEvent {
                id: place.id,
                room: number,
                position: place.position,
                happening: happening.clone(),
                audience,
                recipient_id: None,
            })));
        }
    }

    /// The same in all of someone's rooms: one note each, of which a person has no more than `rooms_per_client`.
    pub(super) fn note_everywhere(&self, slot: u32, event: &Event, turn: &mut Turn) {
        for place in self.state.client(slot).into_iter().flat_map(|client| &client.rooms) {
            self.note_of_member(slot, place.room, event, turn);
        }
    }

    /// Leave to read a conversation, for someone who may.
    pub(super) fn grant(&self, reader: &Client, room: &Chatroom, name: CompactString, turn: &Turn) -> Grant {
        let actor = Hub::actor(reader, room);
        // A direct conversation is its two persons', and has no members.
        let reads_all = room.is_direct() || permit(&actor, Act::ReadEarlierHistory, &Hub::rules_of(room)).is_ok();
        let role = actor.roles.unwrap_or_default().highest();
        let mut since = if reads_all { Since::default() } else { self.since_joining(reader, room) };
        // What is over is not read, whether or not the store has deleted it yet.
        since.time = since.time.max(self.kept_since(room, turn.now));
        let with = match room.kind {
            ChatroomKind::Direct(one, other) => Some(if one == reader.id { other } else { one }),
            _ => None,
        };
        Grant { room: room.number, name, with, reader: reader.id, role, since }
    }

    /// Leave to read one message that the reader has said herself, whenever that was.
    pub(super) fn grant_of_own(&self, reader: &Client, room: &Chatroom, name: CompactString, turn: &Turn) -> Grant {
        Grant { since: Since::default(), ..self.grant(reader, room, name, turn) }
    }

    /// From when on the room's messages are kept.
    pub(super) fn kept_since(&self, room: &Chatroom, now: Timestamp) -> Timestamp {
        let of_room = room.rules.retention.map(|seconds| u64::from(seconds) * 1000);
        let shortest = of_room.into_iter().chain(self.settings.retention_ms).min();
        shortest.map_or(Timestamp(0), |span| Timestamp(now.0.saturating_sub(span)))
    }

    /// An account's membership goes on while it is away. What was kept without a position has its time instead.
    fn since_joining(&self, reader: &Client, room: &Chatroom) -> Since {
        let place = reader.place(room.number).and_then(|place| self.state.member(place));
        let here = place.map(|member| (member.position, member.since));
        let account = reader.account.as_ref().and_then(|account| self.state.kept_membership(account.slot, room.number));
        let (position, time) =
            account.map(|kept| (kept.position, kept.since)).or(here).unwrap_or((Position(u64::MAX), Timestamp(0)));
        Since { position, time: if position == Position(0) { time } else { Timestamp(0) } }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check, check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn members_may_read_what_was_said_and_nobody_else() {
        check(
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice asks history #TEA
            alice: may read #tea as Operator
            > bob asks history #tea
            bob: refused: NotMember { room: \"#tea\" }
            > bob asks history #none
            bob: refused: NoSuchRoom { name: \"#none\" }
            > alice mode #tea +s
            [alice*] alice changed #tea: +s
            > bob asks history #tea
            bob: refused: NoSuchRoom { name: \"#tea\" }
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob asks history #tea
            bob: may read #tea
            > alice kicks #tea bob out
            [alice* bob] alice kicked bob from #tea (out)
            > bob asks history #tea
            bob: refused: NoSuchRoom { name: \"#tea\" }
            ",
        );
    }

    #[test]
    fn what_messages_said_before_is_for_moderators() {
        check(
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice asks earlier texts #tea
            alice: may read #tea as Operator
            > bob asks earlier texts #tea
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            > bob asks earlier texts alice
            bob: may read alice
            ",
        );
    }

    #[test]
    fn each_reads_her_own_direct_conversations() {
        check(
            "
            > console registers bob
            console: account bob created
            > alice arrives
            alice: welcome alice
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > alice asks history bob
            alice: nothing was ever said there
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            > alice asks history BOB
            alice: may read bob
            > bob asks history alice
            bob: may read alice
            > eve arrives
            eve: welcome eve
            > eve asks history bob
            eve: nothing was ever said there
            > bob joins #tea
            [bob*] bob (bob) joined #tea ~
            bob: entered #tea ~bob
            > bob asks conversations
            bob: conversations alice #tea
            > eve asks conversations
            eve: conversations
            > alice asks history nobody
            alice: refused: NoSuchClient { name: \"nobody\" }
            > bob quits
            > alice asks history bob
            alice: may read bob
            > bob/2 arrives account bob
            bob/2: logged in to bob as nobody yet
            bob/2: welcome bob
            [bob/2] bob (bob) joined #tea ~
            bob/2: entered #tea ~bob
            > bob/2 asks conversations
            bob/2: conversations alice #tea
            > alice quits
            > bob/2 asks conversations
            bob/2: conversations alice #tea
            ",
        );
    }

    /// A room that keeps what was said before from those who come (J): everyone reads from her joining on, whatever her
    /// rank, and anew after she left.
    #[test]
    fn a_room_may_keep_from_newcomers_what_was_said_before() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice mode #tea +J
            [alice*] alice changed #tea: +J
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob joins #tea
            [alice bob*] bob (bob) joined #tea
            bob: entered #tea ~alice bob
            > alice asks history #tea
            alice: may read #tea as Owner since command 5
            > bob asks history #tea
            bob: may read #tea since command 9
            > bob asks conversations
            bob: conversations #tea since command 9
            > bob quits
            [alice] bob quit ()
            > bob/2 arrives account bob
            bob/2: logged in to bob as nobody yet
            bob/2: welcome bob
            [alice bob/2] bob (bob) joined #tea
            bob/2: entered #tea ~alice bob
            > bob/2 asks history #tea
            bob/2: may read #tea since command 9
            > bob/2 parts #tea
            [alice bob/2*] bob left #tea
            > bob/2 asks history #tea
            bob/2: refused: NotMember { room: \"#tea\" }
            > bob/2 joins #tea
            [alice bob/2*] bob (bob) joined #tea
            bob/2: entered #tea ~alice bob
            > bob/2 asks history #tea
            bob/2: may read #tea since command 19
            > carol arrives
            carol: welcome carol
            > carol joins #tea
            [alice bob/2 carol*] carol joined #tea
            carol: entered #tea ~alice bob carol
            > carol asks history #tea
            carol: may read #tea since command 22
            > carol opers admin
            [carol*] carol has modes +o
            carol: operator: is an admin
            > carol asks history #tea
            carol: may read #tea
            > carol deopers
            [carol*] carol has modes -o
            > alice mode #tea -J
            [alice* bob/2 carol] alice changed #tea: -J
            > carol asks history #tea
            carol: may read #tea
            ",
        );
    }

    /// A guest who turns out to be a member for long reads what the account may; a ban alone shuts nobody out who is in.
    #[test]
    fn since_when_someone_is_a_member() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice mode #tea +J
            [alice*] alice changed #tea: +J
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob joins #tea
            [alice bob*] bob (bob) joined #tea
            bob: entered #tea ~alice bob
            > bob quits
            [alice] bob quit ()
            > bobby arrives
            bobby: welcome bobby
            > bobby joins #tea
            [alice bobby*] bobby joined #tea
            bobby: entered #tea ~alice bobby
            > bobby asks history #tea
            bobby: may read #tea since command 12
            > bobby logs in bob
            [alice bobby*] bobby is account bob
            bobby: logged in to bob as bobby
            > bobby asks history #tea
            bobby: may read #tea since command 9
            > alice mode #tea +b bobby!*@*
            [alice* bobby] alice changed #tea: +b:bobby!*@*
            > bobby asks history #tea
            bobby: may read #tea since command 9
            > alice kicks #tea bobby out
            [alice* bobby] alice kicked bobby from #tea (out)
            > bobby asks history #tea
            bobby: refused: NotMember { room: \"#tea\" }
            ",
        );
    }

    /// What is over is not read, whether or not it is deleted yet: the server's time, or the room's if that is shorter.
    #[test]
    fn what_is_over_is_not_read() {
        check_with(
            Settings { retention_ms: Some(7_200_000), ..settings() },
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice asks history #tea
            alice: may read #tea as Operator since 1699992800000
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob mode #tea +H 60
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            > alice mode #tea +H 7201
            alice: refused: RetentionTooLong { room: \"#tea\", seconds: 7201, most_seconds: 7200 }
            > alice mode #tea +H 3600
            [alice* bob] alice changed #tea: +H:3600
            > alice mode #tea +H 3600
            > bob asks history #tea
            bob: may read #tea since 1699996400000
            > alice mode #tea +J
            [alice* bob] alice changed #tea: +J
            > bob asks history #tea
            bob: may read #tea since command 5 and 1699996400000
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            > bob asks history alice
            bob: may read alice since 1699992800000
            > bob asks conversations
            bob: conversations #tea since command 5 and 1699996400000 alice since 1699992800000
            > alice mode #tea -H
            [alice* bob] alice changed #tea: -H
            > alice mode #tea -H
            > time 60
            > bob asks history alice
            bob: may read alice since 1699992860000
            ",
        );
    }

    /// What happens in a room is noted in its history, in each room that it concerns.
    #[test]
    fn what_happens_in_rooms_is_noted() {
        check_with(
            settings(),
            "
            > show notes
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            note in #tea: alice joined #tea @
            > alice joins #pot
            [alice*] alice joined #pot @
            alice: entered #pot @alice
            note in #pot: alice joined #pot @
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            note in #tea: bob joined #tea
            > alice topic #tea leaves
            [alice* bob] alice set topic of #tea: leaves
            note in #tea: alice set topic of #tea: leaves
            > alice mode #tea +v bob
            [alice* bob] alice changed #tea: +v:bob
            note in #tea: alice changed #tea: +v:bob
            > alice renames ally
            [alice* bob] alice is now ally
            note in #tea: alice is now ally
            note in #pot: alice is now ally
            > bob parts #tea
            [alice bob*] bob left #tea
            note in #tea: bob left #tea
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @ally bob
            note in #tea: bob joined #tea
            > alice kicks #tea bob out
            [alice* bob] ally kicked bob from #tea (out)
            note in #tea: ally kicked bob from #tea (out)
            > storage fails
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @ally bob
            > storage works
            > alice quits bye
            [bob] ally quit (bye)
            note in #tea: ally quit (bye)
            note in a room that is gone: ally quit (bye)
            ",
        );
    }
}
