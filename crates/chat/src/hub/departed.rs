//! Direct conversations with someone who is gone for good: a guest who has left, an account that was deleted. Nobody can be
//! written to there, and the one who stays, who has an account, reads on what was said: under the name that the other one
//! had last, as long as nobody else goes by it, and else under that name and a number (`gustav/1044`).

use super::redaction::other_side;
use super::turn::Turn;
use super::{Hub, StorageState};
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::id::{ClientId, RoomNumber};
use crate::name::Username;
use compact_str::{CompactString, format_compact};
use std::collections::BTreeSet;

/// So many conversations with guests, here or gone, an account has; of one more the oldest is forgotten.
pub const CONVERSATIONS_WITH_GUESTS: usize = 100;

impl Hub {
    /// What a conversation of an account with a guest will be called when she has left; kept before, since leaving must
    /// depend on no disk. The oldest of too many makes way.
    pub(super) fn name_guest(&mut self, number: RoomNumber, account: ClientId, guest: &Username, turn: &mut Turn) {
        self.state.name_other_side(number, Some(guest));
        self.keep_room(number, turn);
        let oldest = self.with_guests(account).next().map(|room| room.number);
        if let Some(oldest) = oldest.filter(|_| self.with_guests(account).count() > CONVERSATIONS_WITH_GUESTS) {
            self.forget_direct(oldest, turn);
        }
    }

    /// An account's conversations with those who have none (any more), in the order of their making.
    fn with_guests(&self, account: ClientId) -> impl Iterator<Item = &Chatroom> {
        let is_account = self.state.account_of(account).is_some();
        self.state.directs_of(account).filter(move |room| is_account && !room.name.is_empty())
    }

    /// A conversation is no more, and what was said stays in the store.
    fn forget_direct(&mut self, number: RoomNumber, turn: &mut Turn) {
        self.state.name_other_side(number, None);
        self.keep_room(number, turn);
        self.state.remove_room(number);
    }

    /// A guest goes by another name. While the store takes nothing the old one stays: a name must depend on no disk.
    pub(super) fn rename_guest(&mut self, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot).filter(|_| self.storage == StorageState::Working) else { return };
        let (name, directs) = (client.username.clone(), self.directs_of_guest(client));
        for number in directs {
            if self.state.room(number).is_some_and(|room| !room.name.is_empty()) {
                self.state.name_other_side(number, Some(&name));
                self.keep_room(number, turn);
            }
        }
    }

    /// A guest is gone. Her conversations with others who have no account end with her.
    pub(super) fn leave_directs(&mut self, slot: u32) {
        let Some(client) = self.state.client(slot) else { return };
        let directs = self.directs_of_guest(client);
        if directs.is_empty() {
            return;
        }
        for number in directs {
            if self.state.room(number).is_some_and(|room| room.name.is_empty()) {
                self.state.remove_room(number);
            }
        }
        self.state.change_client(slot, |client| client.rare_mut().directs.clear());
    }

    fn directs_of_guest(&self, client: &Client) -> Vec<RoomNumber> {
        let directs = client.rare.as_ref().map(|rare| rare.directs.clone()).unwrap_or_default();
        let is_hers = |number: &RoomNumber| {
            let kind = self.state.room(*number).map(|room| &room.kind);
            matches!(kind, Some(ChatroomKind::Direct(one, other)) if [one, other].contains(&&client.id))
        };
        directs.into_iter().filter(is_hers).collect()
    }

    /// An account is about to be deleted: those who talked with it read on under its name.
    pub(super) fn leave_directs_of_account(&mut self, id: ClientId, name: &Username, turn: &mut Turn) {
        let all: Vec<(RoomNumber, ClientId)> =
            self.state.directs_of(id).filter_map(|room| Some((room.number, other_side(room, id)?))).collect();
        for (number, other) in all {
            if other != id && self.state.account_of(other).is_some() {
                self.name_guest(number, other, name, turn);
            } else {
                self.state.remove_room(number);
            }
        }
    }

    /// The reader's conversation with someone gone who was called so last, if nobody is any more; with a number, that one.
    pub(super) fn departed_named(&self, reader: ClientId, name: &Username) -> Option<(&Chatroom, CompactString)> {
        let numbered = name.text().rsplit_once('/').and_then(|(plain, number)| Some((plain, number.parse().ok()?)));
        let (plain, number) = match numbered {
            Some((plain, number)) => (Username::lookup(plain, &self.settings.name_rules), Some(RoomNumber(number))),
            None => (name.clone(), None),
        };
        let is_it = |room: &&Chatroom| room.key == *plain.key() && number.is_none_or(|number| number == room.number);
        let is_gone = |room: &&Chatroom| other_side(room, reader).is_some_and(|other| self.client_of(other).is_none());
        let room = self.with_guests(reader).filter(is_it).filter(is_gone).last()?;
        let name = match number {
            Some(_) => numbered_name(room),
            None => room.name.clone(),
        };
        Some((room, name))
    }

    /// What the reader's conversations with someone gone are called, for her to ask for them. `here`: guests of hers who are
    /// here still.
    pub(super) fn departed(&self, reader: ClientId, here: &BTreeSet<RoomNumber>) -> Vec<(&Chatroom, CompactString)> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let all: Vec<&Chatroom> = self.with_guests(reader).collect();
        // The newest first: it has the name.
        let named = all.into_iter().rev().filter(|room| !here.contains(&room.number)).map(|room| {
            let is_first = names.insert(&room.key);
            let is_free = self.state.client_named(&room.key).is_none() && self.state.account_named(&room.key).is_none();
            (room, if is_first && is_free { room.name.clone() } else { numbered_name(room) })
        });
        named.collect()
    }
}

/// No nick has a `/` in it.
fn numbered_name(room: &Chatroom) -> CompactString {
    format_compact!("{}/{}", room.name, room.number.0)
}

#[cfg(test)]
mod tests {
    use super::CONVERSATIONS_WITH_GUESTS;
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::Settings;

    const ALICE: &str = "
        > console registers alice
        console: account alice created
        > alice arrives account alice
        alice: logged in to alice as nobody yet
        alice: welcome alice
        ";

    #[test]
    fn what_a_guest_said_is_there_when_she_has_left() {
        check_with(
            settings(),
            &format!(
                "{ALICE}
                > gus arrives
                gus: welcome gus
                > gus says alice hi
                [alice] gus -> alice: hi
                [gus*] gus -> alice: hi
                > gus renames Gustav
                [gus*] gus is now Gustav
                > alice asks conversations
                alice: conversations Gustav
                > gus quits
                > alice asks conversations
                alice: conversations Gustav
                > alice asks history gustav
                alice: may read Gustav
                > alice asks history gus
                alice: refused: NoSuchClient {{ name: \"gus\" }}
                > alice reads gustav 1000
                alice: marker of Gustav: 1000
                > alice says gustav are you there
                alice: refused: NoSuchClient {{ name: \"gustav\" }}
                > alice asks unread
                alice: unread of alice without 0: Gustav:1000
                > gustav arrives
                gustav: welcome gustav
                > gustav asks conversations
                gustav: conversations
                > alice asks history gustav
                alice: nothing was ever said there
                > alice asks conversations
                alice: conversations Gustav/0
                > alice asks history gustav/0
                alice: may read Gustav/0
                > gustav asks history gustav/0
                gustav: refused: NoSuchClient {{ name: \"gustav/0\" }}
                > gustav says alice hello
                [alice] gustav -> alice: hello
                [gustav*] gustav -> alice: hello
                > gustav quits
                > alice asks conversations
                alice: conversations Gustav/0 gustav
                > alice asks history gustav
                alice: may read gustav
                "
            ),
        );
    }

    #[test]
    fn conversations_among_guests_end_with_one_of_them() {
        check_with(
            settings(),
            "
            > gus arrives
            gus: welcome gus
            > eve arrives
            eve: welcome eve
            > gus says eve hi
            [eve] gus -> eve: hi
            [gus*] gus -> eve: hi
            > gus quits
            > eve asks conversations
            eve: conversations
            > eve asks history gus
            eve: refused: NoSuchClient { name: \"gus\" }
            ",
        );
    }

    #[test]
    fn who_talked_with_a_deleted_account_reads_on() {
        check_with(
            settings(),
            &format!(
                "{ALICE}
                > console registers carol
                console: account carol created
                > carol arrives account carol
                carol: logged in to carol as nobody yet
                carol: welcome carol
                > gus arrives
                gus: welcome gus
                > carol says alice hi
                [alice] carol -> alice: hi
                [carol*] carol -> alice: hi
                > carol says gus hi
                [gus] carol -> gus: hi
                [carol*] carol -> gus: hi
                > alice quits
                > carol says alice are you there
                [carol*] carol -> alice: are you there
                carol: alice is away: is not connected; the message is kept and shown on return
                > console deletes carol
                carol: closed: the account was deleted
                console: account carol deleted
                > alice/2 arrives account alice
                alice/2: logged in to alice as nobody yet
                alice/2: welcome alice
                > alice/2 asks conversations
                alice/2: conversations carol
                > alice/2 asks history carol
                alice/2: may read carol
                > gus asks conversations
                gus: conversations
                > console registers carol
                console: account carol created
                > alice/2 asks history carol
                alice/2: nothing was ever said there
                > alice/2 asks conversations
                alice/2: conversations carol/0
                "
            ),
        );
    }

    #[test]
    fn guests_write_to_accounts_that_are_not_here() {
        let said = "
            > gus arrives
            gus: welcome gus
            > gus says alice hi
            [gus*] gus -> alice: hi
            gus: alice is away: is not connected; the message is kept and shown on return
            > gus quits
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice asks conversations
            alice: conversations gus
            ";
        check_with(settings(), &format!("> console registers alice\nconsole: account alice created\n{said}"));
        check_with(
            Settings { guests_reach_absent: false, ..settings() },
            "
            > console registers alice
            console: account alice created
            > gus arrives
            gus: welcome gus
            > gus says alice hi
            gus: refused: RecipientWantsAccounts { name: \"alice\" }
            ",
        );
    }

    /// A crash takes no time for goodbyes.
    #[test]
    fn they_outlive_the_process() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        for line in ["console registers alice", "alice arrives account alice", "gus arrives", "gus says alice hi"] {
            world.run(line);
        }
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice asks conversations
            alice: conversations gus
            ",
        );
    }

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let mut world = World::new(settings(), 1);
        world.run("console registers alice");
        world.run("alice arrives account alice");
        for number in 0..=CONVERSATIONS_WITH_GUESTS {
            for line in ["arrives", "says alice hi", "quits"] {
                world.run(&format!("gus{number} {line}"));
            }
        }
        world.check(
            "
            > alice asks history gus0
            alice: refused: NoSuchClient { name: \"gus0\" }
            > alice asks history gus1
            alice: may read gus1
            ",
        );
    }
}
