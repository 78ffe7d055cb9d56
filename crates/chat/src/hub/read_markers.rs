//! Up to when people have read their conversations (draft/read-marker): in step on all devices of a person, and nobody
//! else's business.

use super::redaction::other_side;
use super::state::Keeper;
use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::event::Place;
use crate::id::{ClientId, MessageId, RoomNumber, Timestamp, uuid_v7};
use crate::metadata::Mark;
use crate::personal::{ConversationKey, READ_MARKERS, READ_MARKERS_OF_GUEST};
use crate::query::{Answer, Conversation};
use crate::refusal::Refusal;
use crate::snapshot::ReadMarkerRecord;
use crate::unread::UnreadQuestion;
use compact_str::CompactString;
use std::collections::BTreeSet;

impl Hub {
    /// By what is kept about this conversation, and what it is called. Of a room: only if she is in it.
    pub(super) fn conversation_key(
        &self,
        slot: u32,
        of: &Conversation,
        now: Timestamp,
    ) -> Result<(ConversationKey, CompactString), Refusal> {
        match of {
            Conversation::Room(name) => {
                // Whether there is a room that she is not in is not told.
                let outside = || Refusal::NotMember { room: name.text().clone() };
                let number = self.state.room_named(name.key()).ok_or_else(outside)?;
                let (client, room) = self.state.client(slot).zip(self.state.room(number)).ok_or_else(outside)?;
                client.place(number).ok_or_else(outside)?;
                Ok((ConversationKey::Room(number), room.name.clone()))
            }
            Conversation::With(name) => {
                let here = self.state.client_named(name.key()).and_then(|slot| self.state.client(slot));
                if let Some(client) = here {
                    return Ok((ConversationKey::With(client.id), client.username.text().clone()));
                }
                let account = self.state.account_called(name.key(), now).and_then(|slot| self.state.account(slot));
                if let Some(account) = account {
                    let conversation = ConversationKey::With(account.record.id);
                    let shown = self.conversation_name(conversation);
                    return Ok((conversation, shown.unwrap_or_else(|| account.username.text().clone())));
                }
                let reader = self.state.client(slot).map(|client| client.id);
                let departed = reader.and_then(|reader| {
                    let (room, shown) = self.departed_named(reader, name)?;
                    Some((ConversationKey::With(other_side(room, reader)?), shown))
                });
                departed.ok_or_else(|| Refusal::NoSuchClient { name: name.text().clone() })
            }
        }
    }

    /// A marker never goes back, and not beyond now. All devices are told where it is.
    pub(super) fn mark_read(&mut self, asker: Asker, of: &Conversation, at: Timestamp, turn: &mut Turn) {
        let (conversation, shown) = match self.conversation_key(asker.slot, of, turn.now) {
            Ok(found) => found,
            Err(refusal) => return turn.refuse(refusal),
        };
        self.state.touch(asker.slot, asker.session, turn.now);
        let Some(keeper) = self.state.keeper_of(asker.slot) else { return };
        let at = at.min(turn.now);
        let before = self.state.marker(keeper, conversation);
        if before >= Some(at) {
            turn.answer(Answer::ReadMarker { of: shown, at: before });
            return;
        }
        self.move_marker(keeper, conversation, at, turn);
        self.tell_marker(asker.slot, &shown, at, turn);
    }

    fn tell_marker(&self, slot: u32, of: &CompactString, at: Timestamp, turn: &mut Turn) {
        for session in self.sessions_of(slot) {
            turn.tell(session, Answer::ReadMarker { of: of.clone(), at: Some(at) });
        }
    }

    /// Sets a marker that lies further back or is not there, and makes room for it.
    fn move_marker(&mut self, keeper: Keeper, conversation: ConversationKey, at: Timestamp, turn: &mut Turn) {
        let limit = match keeper {
            Keeper::Account(_) => READ_MARKERS,
            Keeper::Guest(_) => READ_MARKERS_OF_GUEST,
        };
        let markers = self.state.personal(keeper).map(|personal| &personal.markers);
        let makes_way = markers
            .filter(|markers| markers.len() >= limit && markers.of(conversation).is_none())
            .and_then(|markers| markers.furthest_back());
        if let Some(oldest) = makes_way {
            self.keep_marker(keeper, oldest, None, turn);
        }
        self.keep_marker(keeper, conversation, Some(at), turn);
    }

    fn keep_marker(&mut self, keeper: Keeper, conversation: ConversationKey, at: Option<Timestamp>, turn: &mut Turn) {
        if let Keeper::Account(slot) = keeper
            && let Some(account) = self.state.account(slot).map(|account| account.record.id)
        {
            turn.keep(match at {
                Some(at) => Change::ReadMarker(ReadMarkerRecord { account, conversation, at }),
                None => Change::ReadMarkerRemoved { account, conversation },
            });
        }
        self.state.set_marker(keeper, conversation, at);
    }

    /// A guest who turns out to be an account has read what she has read. The account's other devices are told.
    pub(super) fn take_over_markers(&mut self, guest: u32, account: u32, turn: &mut Turn) {
        let personal = self.state.personal(Keeper::Guest(guest));
        let markers: Vec<_> = personal.map(|personal| personal.markers.iter().cloned().collect()).unwrap_or_default();
        let here = self.state.account(account).and_then(|account| account.client);
        for (conversation, at) in markers {
            self.state.set_marker(Keeper::Guest(guest), conversation, None);
            if self.state.marker(Keeper::Account(account), conversation) >= Some(at) {
                continue;
            }
            self.move_marker(Keeper::Account(account), conversation, at, turn);
            if let Some((shown, here)) = self.conversation_name(conversation).zip(here) {
                self.tell_marker(here, &shown, at, turn);
            }
        }
    }

    /// What a client has read in the rooms that it is in, for its devices: it has become another person.
    pub(super) fn show_markers(&self, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else { return };
        for room in client.rooms.iter().filter_map(|place| self.state.room(place.room)) {
            if let Some(at) = self.marker_of_room(slot, room.number) {
                self.tell_marker(slot, &room.name, at, turn);
            }
        }
    }

    /// What a conversation is called now. `None`: the room is not there, or the person was a guest, whom no table finds by her
    /// id ([`Hub::guests_named`]).
    pub(super) fn conversation_name(&self, conversation: ConversationKey) -> Option<CompactString> {
        match conversation {
            ConversationKey::Room(number) => self.state.room(number).map(|room| room.name.clone()),
            ConversationKey::With(id) => {
                let account = self.state.account_of(id).and_then(|slot| self.state.account(slot))?;
                let here = account.client.and_then(|slot| self.state.client(slot));
                Some(here.map_or(&account.username, |client| &client.username).text().clone())
            }
        }
    }

    /// What those of these people are called who are here without an account: one look at everyone for all of them.
    pub(super) fn guests_named(&self, ids: &BTreeSet<ClientId>) -> Vec<(ClientId, CompactString)> {
        if ids.is_empty() {
            return Vec::new();
        }
        let guests = self.state.clients().filter(|(_, client)| !client.is_account() && ids.contains(&client.id));
        guests.map(|(_, client)| (client.id, client.username.text().clone())).collect()
    }

    pub(super) fn marker_answer(&self, of: &Conversation, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let keeper = self.state.keeper_of(asker.slot);
        match self.conversation_key(asker.slot, of, turn.now) {
            Ok((conversation, shown)) => {
                let at = keeper.and_then(|keeper| self.state.marker(keeper, conversation));
                Ok(Answer::ReadMarker { of: shown, at })
            }
            // What she has read in a room that she has left she may still know; of others there is nothing to tell.
            Err(_) => {
                let (number, shown) = match of {
                    Conversation::Room(name) => (self.state.room_named(name.key()), name.text().clone()),
                    Conversation::With(name) => (None, name.text().clone()),
                };
                let at = keeper
                    .zip(number)
                    .and_then(|(keeper, number)| self.state.marker(keeper, ConversationKey::Room(number)));
                Ok(Answer::ReadMarker { of: shown, at })
            }
        }
    }

    /// All conversations with what she has read of each: of a room without a marker, up to when she joined it.
    pub(super) fn unread_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let client = self.state.client(asker.slot).ok_or(Refusal::NotYours)?;
        let keeper = self.state.keeper_of(asker.slot).ok_or(Refusal::NotYours)?;
        let Answer::Conversations(grants) = self.conversations_answer(turn)? else {
            return Err(Refusal::NotYours);
        };
        let read_until = |number: RoomNumber| {
            let room = self.state.room(number)?;
            let conversation = match room.kind {
                ChatroomKind::Named | ChatroomKind::Group => ConversationKey::Room(number),
                ChatroomKind::Direct(one, other) => ConversationKey::With(if one == client.id { other } else { one }),
            };
            let since = client.place(number).and_then(|place| self.state.member(place)).map(|member| member.since);
            self.state.marker(keeper, conversation).or(since)
        };
        let groups = grants.iter().map(|grant| grant.room);
        let groups = groups.filter(|number| self.state.room(*number).is_some_and(Chatroom::is_group)).collect();
        let conversations = grants.into_iter().map(|grant| (grant.clone(), read_until(grant.room))).collect();
        let mut names = vec![client.username.text().clone()];
        names.extend(client.account.as_ref().map(|account| account.record.username.clone()));
        names.dedup();
        let blocked = self.state.marked(keeper).filter_map(|(conversation, marks)| match conversation {
            ConversationKey::With(id) if marks.has(Mark::Blocked) => Some(id),
            _ => None,
        });
        let blocked = blocked.collect();
        let as_of = Place { id: MessageId(uuid_v7(turn.now, turn.position.0, self.seed)), position: turn.position };
        Ok(Answer::Unread(Box::new(UnreadQuestion { conversations, names, blocked, groups, as_of })))
    }

    /// Of direct conversations what was said while none of her devices was here, and was not read elsewhere.
    pub(super) fn missed_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let Answer::Unread(mut question) = self.unread_answer(turn)? else {
            return Err(Refusal::NotYours);
        };
        let since = self.account_of(asker.slot).and_then(|slot| self.state.account(slot)?.absent_since);
        let is_direct =
            |number| matches!(self.state.room(number).map(|room| &room.kind), Some(ChatroomKind::Direct(..)));
        question.conversations.retain_mut(|(grant, read_until)| {
            *read_until = (*read_until).max(since);
            since.is_some() && is_direct(grant.room)
        });
        Ok(Answer::Unread(question))
    }

    /// The marker of a room for whoever is shown it.
    pub(super) fn marker_of_room(&self, slot: u32, number: RoomNumber) -> Option<Timestamp> {
        self.state.marker(self.state.keeper_of(slot)?, ConversationKey::Room(number))
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};
    use crate::personal::READ_MARKERS_OF_GUEST;

    const ALICE_TWICE: &str = "
        > console registers alice
        console: account alice created
        > alice arrives account alice
        alice: logged in to alice as nobody yet
        alice: welcome alice
        > alice/2 arrives account alice
        alice/2: logged in to alice as nobody yet
        alice/2: welcome again alice
        > alice joins #tea
        [alice* alice/2] alice (alice) joined #tea ~
        alice: entered #tea ~alice
        alice/2 (unasked): entered #tea ~alice
        ";

    #[test]
    fn a_marker_moves_forward_on_all_devices_and_is_kept() {
        check_with(
            settings(),
            &format!(
                "{ALICE_TWICE}
                > show changes
                > alice asks marker #tea
                alice: marker of #tea: none
                > alice reads #TEA 1000
                alice: marker of #tea: 1000
                alice/2 (unasked): marker of #tea: 1000
                keep: marker #tea of alice 1000
                > alice/2 reads #tea 900
                alice/2: marker of #tea: 1000
                > alice/2 reads #tea 1000
                alice/2: marker of #tea: 1000
                > alice/2 reads #tea 9999999999999
                alice (unasked): marker of #tea: 1700000000000
                alice/2: marker of #tea: 1700000000000
                keep: marker #tea of alice 1700000000000
                > alice parts #tea
                [alice* alice/2] alice left #tea
                keep: no member #tea alice
                > alice reads #tea 1
                alice: refused: NotMember {{ room: \"#tea\" }}
                > alice asks marker #tea
                alice: marker of #tea: 1700000000000
                > alice reads #none 1
                alice: refused: NotMember {{ room: \"#none\" }}
                > alice asks marker #none
                alice: marker of #none: none
                > storage fails
                > alice reads alice 1
                alice: refused: StorageFull
                > alice asks marker alice
                alice: marker of alice: none
                "
            ),
        );
    }

    #[test]
    fn direct_conversations_have_one_under_every_name() {
        check_with(
            settings(),
            &format!(
                "{ALICE_TWICE}
                > console registers bob
                console: account bob created
                > alice reads bob 5
                alice: marker of bob: 5
                alice/2 (unasked): marker of bob: 5
                > bob arrives account bob as robert
                bob: logged in to bob as nobody yet
                bob: welcome robert
                > alice asks marker robert
                alice: marker of robert: 5
                > bob asks marker alice
                bob: marker of alice: none
                > alice asks marker nobody
                alice: marker of nobody: none
                > alice reads nobody 5
                alice: refused: NoSuchClient {{ name: \"nobody\" }}
                > console asks marker alice
                console: refused: NotYours
                "
            ),
        );
    }

    #[test]
    fn what_a_guest_has_read_her_account_has_read() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > guest arrives
            guest: welcome guest
            > guest joins #tea
            [guest*] guest joined #tea @
            guest: entered #tea @guest
            > guest reads #tea 7
            guest: marker of #tea: 7
            > guest reads guest 7
            guest: marker of guest: 7
            > show changes
            > guest logs in alice
            [guest*] guest is account alice
            guest: marker of #tea: 7
            guest: logged in to alice as guest
            keep: account alice
            keep: marker #tea of alice 7
            keep: marker someone of alice 7
            keep: member #tea @alice
            > guest asks marker #tea
            guest: marker of #tea: 7
            > guest joins #tea
            ",
        );
    }

    #[test]
    fn the_marker_furthest_back_makes_way() {
        let mut world = World::new(settings(), 1);
        world.run("alice arrives");
        world.run("alice joins #tea");
        world.run("alice reads #tea 5");
        for number in 0..READ_MARKERS_OF_GUEST {
            world.run(&format!("b{number} arrives"));
            world.run(&format!("alice reads b{number} {}", 1000 + number));
        }
        world.check(
            "
            > alice asks marker #tea
            alice: marker of #tea: none
            > alice asks marker b0
            alice: marker of b0: 1000
            ",
        );
    }

    #[test]
    fn what_is_to_be_counted() {
        check_with(
            settings(),
            &format!(
                "{ALICE_TWICE}
                > bob arrives
                bob: welcome bob
                > bob says alice hi
                [alice alice/2] bob -> alice: hi
                [bob*] bob -> alice: hi
                > alice renames al
                [alice* alice/2] alice is now al
                > alice asks unread
                alice: unread of al alice without 0: #tea:1700000000000 bob:-
                > alice reads bob 1000
                alice: marker of bob: 1000
                alice/2 (unasked): marker of bob: 1000
                > alice sets metadata bob soju.im/blocked 1
                alice: set again: bob/soju.im/blocked=1!
                > alice asks unread
                alice: unread of al alice without 1: #tea:1700000000000 bob:1000
                "
            ),
        );
    }
}
