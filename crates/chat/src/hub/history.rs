//! Who may read which conversation's past. Nothing is read here: a grant goes to a reader of the store.

use super::Hub;
use super::turn::Turn;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::history::Grant;
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, permit};
use crate::query::{Answer, Conversation};
use crate::refusal::Refusal;
use compact_str::CompactString;

impl Hub {
    pub(super) fn history_answer(&self, of: &Conversation, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).and_then(|asker| self.state.client(asker.slot));
        let reader = asker.ok_or(Refusal::NotYours)?;
        match of {
            Conversation::Room(name) => self.room_grant(reader, name),
            Conversation::With(name) => self.direct_grant(reader, name),
        }
    }

    fn room_grant(&self, reader: &Client, name: &ChatroomName) -> Result<Answer, Refusal> {
        let room = self
            .state
            .room_named(name.key())
            .and_then(|number| self.state.room(number))
            .ok_or_else(|| Refusal::NoSuchRoom { name: name.text().clone() })?;
        permit(&Hub::actor(reader, room), Act::ReadHistory, &Hub::rules_of(room))?;
        Ok(Answer::HistoryGranted(Some(Box::new(grant(reader, room, room.name.clone())))))
    }

    fn direct_grant(&self, reader: &Client, name: &Username) -> Result<Answer, Refusal> {
        let here = self.state.client_named(name.key()).and_then(|slot| self.state.client(slot));
        let (other, username) = match here {
            Some(client) => (client.id, &client.username),
            None => self
                .state
                .account_named(name.key())
                .and_then(|slot| self.state.account(slot))
                .map(|account| (account.record.id, &account.username))
                .ok_or_else(|| Refusal::NoSuchClient { name: name.text().clone() })?,
        };
        let room = self.state.direct(reader.id, other).and_then(|number| self.state.room(number));
        Ok(Answer::HistoryGranted(room.map(|room| Box::new(grant(reader, room, username.text().clone())))))
    }

    /// Everything that the asker may read.
    pub(super) fn conversations_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).and_then(|asker| self.state.client(asker.slot));
        let reader = asker.ok_or(Refusal::NotYours)?;
        let rooms = reader.rooms.iter().filter_map(|place| self.state.room(place.room));
        let mut grants: Vec<Grant> = rooms
            .filter(|room| permit(&Hub::actor(reader, room), Act::ReadHistory, &Hub::rules_of(room)).is_ok())
            .map(|room| grant(reader, room, room.name.clone()))
            .collect();
        grants.extend(self.direct_grants(reader));
        grants.sort_by_key(|grant| grant.room);
        Ok(Answer::Conversations(grants))
    }

    /// Direct conversations whose other person can be asked for by name: a guest who has left has none.
    fn direct_grants(&self, reader: &Client) -> Vec<Grant> {
        let mut guests = Vec::new();
        let mut grants = Vec::new();
        for room in self.state.directs_of(reader.id) {
            let ChatroomKind::Direct(one, other) = room.kind else { continue };
            let other = if one == reader.id { other } else { one };
            match self.state.account_of(other).and_then(|slot| self.state.account(slot)) {
                Some(account) => {
                    let here = account.client.and_then(|slot| self.state.client(slot));
                    let name = here.map_or(&account.username, |client| &client.username);
                    grants.push(grant(reader, room, name.text().clone()));
                }
                None => guests.push((other, room)),
            }
        }
        if !guests.is_empty() {
            // Guests stand in no table by their id: one look at everyone for all of them.
            for (_, client) in self.state.clients().filter(|(_, client)| !client.is_account()) {
                let hers = guests.iter().filter(|(other, _)| *other == client.id);
                grants.extend(hers.map(|(_, room)| grant(reader, room, client.username.text().clone())));
            }
        }
        grants
    }
}

pub(super) fn grant(reader: &Client, room: &Chatroom, name: CompactString) -> Grant {
    let roles = Hub::actor(reader, room).roles.unwrap_or_default();
    Grant { room: room.number, name, reader: reader.id, role: roles.highest() }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::check;

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
            ",
        );
    }
}
