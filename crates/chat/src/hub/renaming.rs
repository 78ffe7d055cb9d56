//! A room's name changes and nothing else: its id, its members (here or not), its history, rules and lists go with it.
//! The old name leads to it for some time (IRCv3 channel-rename, "Channel redirection"), unless a room takes it.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::chatroom::{Chatroom, RoomFlag};
use crate::client::Client;
use crate::event::What;
use crate::id::{RoomNumber, Timestamp};
use crate::name::{ChatroomName, GROUP_PREFIX};
use crate::permission::Act;
use crate::query::{Answer, RoomRenaming};
use crate::refusal::{NotRenamed, Refusal};
use crate::snapshot::FormerName;
use compact_str::CompactString;
use std::sync::Arc;

/// How long another name of a room is paid for, in milliseconds: all of its members enter it anew if they know of no such
/// changes (IRCv3 channel-rename, "Security Considerations"). For another spelling of the same name they do not.
const RENAME_INTERVAL_MS: u64 = 60_000;
/// How long a former name leads to its room, or its account, in milliseconds: people come back from their holidays, and
/// clients enter the rooms that they know.
pub(super) const FORMER_NAME_MS: u64 = 30 * 24 * 3_600_000;
/// So many former names of one of them do; of one more the oldest is free.
pub(super) const FORMER_NAMES: usize = 5;
/// So many may be owed: someone mistypes.
const RENAMES_AT_ONCE: u64 = 3;

impl Hub {
    pub(super) fn rename_room(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        to: &ChatroomName,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) {
        let checked = self
            .room_for(asker.slot, name, Act::Rename)
            .and_then(|number| self.check_renaming(asker, number, to, turn));
        match checked {
            Ok(number) => self.name_room(asker, number, to, reason, turn),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    fn check_renaming(
        &self,
        asker: Asker,
        number: RoomNumber,
        to: &ChatroomName,
        turn: &Turn,
    ) -> Result<RoomNumber, Refusal> {
        let Some((room, client)) = self.state.room(number).zip(self.state.client(asker.slot)) else {
            return Err(Refusal::NotYours);
        };
        let most = turn.now.0.saturating_add((RENAMES_AT_ONCE - 1) * RENAME_INTERVAL_MS);
        let is_over = |paid_at: Timestamp| paid_at.0 > most;
        let is_same = room.key == *to.key();
        let why = if room.name == *to.text() {
            NotRenamed::Unchanged
        } else if ChatroomName::parse(to.text(), &self.settings.name_rules).is_err() {
            NotRenamed::Invalid
        } else if to.is_of_group() != room.is_group() || (room.is_group() && names_people(to)) {
            NotRenamed::OfGroups
        } else if !is_same && self.is_standing(room) {
            NotRenamed::Standing
        } else if !is_same && self.state.room_named(to.key()).is_some() {
            NotRenamed::Taken
        } else if self.state.room_looking_like(to, Some(number)).is_some() {
            NotRenamed::LooksTaken
        } else if !is_same && !room.is_group() && !self.may_create_rooms(client) {
            NotRenamed::MayNotCreate
        } else if !is_same && room.renames_paid_at.is_some_and(is_over) {
            NotRenamed::RenamedJustNow
        } else {
            return Ok(number);
        };
        Err(Refusal::NotRenamed { room: room.name.clone(), to: to.text().clone(), why })
    }

    fn name_room(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        to: &ChatroomName,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) {
        let Some((old, by)) = self.state.room(number).map(|room| room.name.clone()).zip(self.person(asker.slot)) else {
            return;
        };
        let is_same = self.state.room(number).is_some_and(|room| room.key == *to.key());
        let paid_at = self.state.room(number).and_then(|room| room.renames_paid_at);
        let paid_at = if is_same {
            paid_at
        } else {
            Some(Timestamp(paid_at.unwrap_or_default().max(turn.now).0.saturating_add(RENAME_INTERVAL_MS)))
        };
        self.state.name_room(number, to, paid_at);
        if !is_same {
            self.note_former_name(number, &old, to, turn);
        }
        self.keep_room(number, turn);
        let Some((room, members)) = self.room_ref(number).zip(self.members_of(number)) else {
            return;
        };
        // What a few people call their own conversation is nobody else's business.
        if !self.state.room(number).is_some_and(Chatroom::is_group) {
            self.audit(AuditAction::Rename, Some(&room.name), "", &format!("was {old}"), turn);
        }
        let topic = self.state.room(number).and_then(|room| room.rules.topic.as_deref().cloned());
        let renamed = What::RoomRenamed { room: room.clone(), old: old.clone(), reason: reason.clone() };
        let event = self.happening(&by, renamed, turn);
        self.note(number, &event, turn);
        let renaming = Arc::new(RoomRenaming { event, room, old, reason, is_same, topic, members });
        // Made when the first of the audience is told.
        let mut to_the_audience: Option<Arc<RoomRenaming>> = None;
        let sessions = self.sessions_of_room(number);
        for session in &sessions {
            let client = self.state.session(*session).map(|session| session.client);
            let is_of_the_audience =
                client.zip(self.state.room(number)).is_some_and(|(slot, room)| self.is_of_the_audience(slot, room));
            let renaming = match is_of_the_audience {
                true => to_the_audience.get_or_insert_with(|| Arc::new(renaming.without_the_audience())),
                false => &renaming,
            };
            let read_marker = client.and_then(|slot| self.marker_of_room(slot, number));
            turn.tell(*session, Answer::RoomRenamed { renaming: renaming.clone(), is_member: true, read_marker });
        }
        if !sessions.contains(&asker.session) {
            turn.answer(Answer::RoomRenamed { renaming, is_member: false, read_marker: None });
        }
    }
}

impl Hub {
    /// What a group was called leads nowhere: its members are in it wherever they are, and others must not learn of it.
    fn note_former_name(&mut self, number: RoomNumber, old: &CompactString, to: &ChatroomName, turn: &mut Turn) {
        let Some(room) = self.state.room(number).filter(|room| !room.is_group()) else { return };
        let (now, key) = (turn.now, ChatroomName::lookup(old, &self.settings.name_rules).key().clone());
        let former = FormerName { name: old.clone(), until: Timestamp(now.0.saturating_add(FORMER_NAME_MS)) };
        let is_kept = |(before, former): &&(CompactString, FormerName)| {
            *before != key && before != to.key() && now < former.until
        };
        let others = room.former_names().filter(is_kept).take(FORMER_NAMES - 1).cloned();
        let names = std::iter::once((key.clone(), former)).chain(others).collect();
        // Another room had it before, and has it no more.
        if let Some(before) = self.state.last_formerly_named(&key).filter(|before| *before != number) {
            let others =
                self.state.room(before).map(|room| room.former_names().filter(|(name, _)| *name != key).cloned());
            let others = others.map(Iterator::collect).unwrap_or_default();
            self.state.set_former_names(before, others);
            self.keep_room(before, turn);
        }
        self.state.set_former_names(number, names);
    }

    /// The room that was called so until lately, for someone who may know what it is called now: who knows only a secret
    /// room's former name may not. Whoever is in it knows, and means another room by the name.
    pub(super) fn room_formerly_named(
        &self,
        client: &Client,
        name: &ChatroomName,
        now: Timestamp,
    ) -> Option<RoomNumber> {
        let number = self.state.room_formerly_named(name.key(), now)?;
        let room = self.state.room(number)?;
        let is_hidden = room.has(RoomFlag::Secret) || room.has(RoomFlag::Unlisted);
        (!is_hidden && client.place(number).is_none()).then_some(number)
    }
}

/// A group's first name says who is in it. Whoever could choose such a name would learn whether others have a group of
/// that name.
fn names_people(name: &ChatroomName) -> bool {
    name.key().strip_prefix(GROUP_PREFIX).is_some_and(|rest| rest.is_empty() || rest.contains('+'))
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::{RoomCreation, Settings};

    #[test]
    fn everything_but_the_name_stays() {
        check_with(
            settings(),
            "
            > show changes
            > console registers alice
            console: account alice created
            keep: account alice
            > console registers bob
            console: account bob created
            keep: account bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            keep: account alice
            alice: welcome alice
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            keep: account bob
            bob: welcome bob
            > carol arrives
            carol: welcome carol
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            keep: room #tea nt
            keep: member #tea ~alice
            > bob joins #tea
            [alice bob*] bob (bob) joined #tea
            bob: entered #tea ~alice bob
            keep: member #tea bob
            > alice mode #tea +ib *!*@bad
            [alice* bob] alice changed #tea: +i +b:*!*@bad
            keep: room #tea nti
            > alice invites carol #tea
            [carol] alice invited carol to #tea
            alice: carol is invited to #tea
            > bob quits
            [alice] bob quit ()
            keep: account bob
            > alice names #tea #Kettle it boils
            alice: alice renamed #tea to #Kettle (it boils): ~alice
            keep: room #Kettle nti
            > carol joins #kettle
            [alice carol*] carol joined #Kettle
            carol: entered #Kettle ~alice carol
            > bob/2 arrives account bob
            bob/2: logged in to bob as nobody yet
            keep: account bob
            bob/2: welcome bob
            [alice carol bob/2] bob (bob) joined #Kettle
            bob/2: entered #Kettle ~alice carol bob
            > alice asks bans #kettle
            alice: list of #Kettle: *!*@bad
            > alice says #kettle hot
            [alice* carol bob/2] alice -> #Kettle: hot
            keep: post hot
            > dave arrives
            dave: welcome dave
            > dave joins #tea
            dave: refused: RoomRenamed { room: \"#tea\", to: \"#Kettle\" }
            > dave follows #tea
            dave: #tea is called #Kettle
            dave: refused: InviteOnly { room: \"#Kettle\" }
            > carol joins #tea
            [carol*] carol joined #tea @
            carol: entered #tea @carol
            keep: room #tea nt
            ",
        );
    }

    #[test]
    fn every_refusal() {
        let standing = Settings { standing_rooms: vec!["#lobby".into()], ..settings() };
        check_with(
            standing.clone(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob names #tea #pot
            bob: refused: NotMember { room: \"#tea\" }
            > bob names #none #pot
            bob: refused: NoSuchRoom { name: \"#none\" }
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob names #tea #pot
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            > alice names #tea #tea
            alice: refused: NotRenamed { room: \"#tea\", to: \"#tea\", why: Unchanged }
            > alice names #tea pot
            alice: refused: NotRenamed { room: \"#tea\", to: \"pot\", why: Invalid }
            > alice names #tea #lobby
            alice: refused: NotRenamed { room: \"#tea\", to: \"#lobby\", why: Taken }
            > alice names #tea #lоbby
            alice: refused: NotRenamed { room: \"#tea\", to: \"#lоbby\", why: LooksTaken }
            > alice names #tea #TEA
            alice: alice renamed #tea to #TEA (same): @alice bob
            bob (unasked): alice renamed #tea to #TEA (same): @alice bob
            > alice names #tea #a
            alice: alice renamed #TEA to #a: @alice bob
            bob (unasked): alice renamed #TEA to #a: @alice bob
            > alice names #a #b
            alice: alice renamed #a to #b: @alice bob
            bob (unasked): alice renamed #a to #b: @alice bob
            > alice names #b #tea
            alice: alice renamed #b to #tea: @alice bob
            bob (unasked): alice renamed #b to #tea: @alice bob
            > alice names #tea #pot
            alice: refused: NotRenamed { room: \"#tea\", to: \"#pot\", why: RenamedJustNow }
            > alice names #tea #TEA
            alice: alice renamed #tea to #TEA (same): @alice bob
            bob (unasked): alice renamed #tea to #TEA (same): @alice bob
            > time 60
            > storage fails
            > alice names #tea #pot
            alice: refused: StorageFull
            > storage works
            > alice names #tea #pot
            alice: alice renamed #TEA to #pot: @alice bob
            bob (unasked): alice renamed #TEA to #pot: @alice bob
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice names #lobby #hall
            alice: refused: NotRenamed { room: \"#lobby\", to: \"#hall\", why: Standing }
            > alice names #lobby #Lobby
            alice: alice renamed #lobby to #Lobby (same) (outside):
            ",
        );
        check_with(
            Settings { room_creation: RoomCreation::Accounts, ..standing },
            "
            > console registers bob
            console: account bob created
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > alice arrives
            alice: welcome alice
            > bob joins #tea
            [bob*] bob (bob) joined #tea ~
            bob: entered #tea ~bob
            > alice joins #tea
            [bob alice*] alice joined #tea
            alice: entered #tea ~bob alice
            > bob mode #tea +oP alice
            [bob* alice] bob changed #tea: +o:alice +P
            > alice names #tea #pot
            alice: refused: NeedsRole { room: \"#tea\", role: Owner }
            > bob mode #tea -P
            [bob* alice] bob changed #tea: -P
            > alice names #tea #pot
            alice: refused: NotRenamed { room: \"#tea\", to: \"#pot\", why: MayNotCreate }
            ",
        );
    }

    #[test]
    fn a_name_outlives_the_process() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        for line in ["alice arrives", "alice joins #tea", "alice says #tea hi", "alice names #tea #pot"] {
            world.run(line);
        }
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "
            > alice arrives
            alice: welcome alice
            > alice joins #pot
            [alice*] alice joined #pot @
            alice: entered #pot @alice
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            bob: refused: RoomRenamed { room: \"#tea\", to: \"#pot\" }
            > bob follows #tea
            bob: #tea is called #pot
            [alice bob*] bob joined #pot
            bob: entered #pot @alice bob
            ",
        );
    }

    #[test]
    fn a_former_name_leads_to_the_room_for_a_month_unless_another_room_has_it() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #a
            [alice*] alice joined #a @
            alice: entered #a @alice
            > alice names #a #b
            alice: alice renamed #a to #b: @alice
            > alice names #b #c
            alice: alice renamed #b to #c: @alice
            > bob joins #A
            bob: refused: RoomRenamed { room: \"#A\", to: \"#c\" }
            > bob joins #b
            bob: refused: RoomRenamed { room: \"#b\", to: \"#c\" }
            > bob joins #d
            [bob*] bob joined #d @
            bob: entered #d @bob
            > bob names #d #a
            bob: bob renamed #d to #a: @bob
            > alice joins #a
            [alice* bob] alice joined #a
            alice: entered #a @bob alice
            > bob names #a #e
            bob: bob renamed #a to #e: @bob alice
            alice (unasked): bob renamed #a to #e: @bob alice
            > carol arrives
            carol: welcome carol
            > carol joins #a
            carol: refused: RoomRenamed { room: \"#a\", to: \"#e\" }
            > alice mode #c +s
            [alice*] alice changed #c: +s
            > bob joins #b
            [bob*] bob joined #b @
            bob: entered #b @bob
            > bob parts #b
            [bob*] bob left #b
            > alice mode #c -s+p
            [alice*] alice changed #c: -s +p
            > bob follows #b
            [bob*] bob joined #b @
            bob: entered #b @bob
            > time 2592000
            > alice parts #e
            [alice* bob] alice left #e
            > alice joins #a
            [alice*] alice joined #a @
            alice: entered #a @alice
            ",
        );
    }

    #[test]
    fn a_link_leads_to_its_room_under_whatever_name() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice mode #tea +is
            [alice*] alice changed #tea: +i +s
            > alice links #tea 7 1
            alice: link 07070707 into #tea
            > alice names #tea #pot
            alice: alice renamed #tea to #pot: @alice
            > bob joins #tea by 7
            bob: #tea is called #pot
            [alice bob*] bob joined #pot
            bob: entered #pot @alice bob
            ",
        );
    }
}
