//! What people and rooms say of themselves (IRCv3 draft metadata-2 and metadata-3), who hears of it, and the marks that
//! people put on their own conversations.

use super::state::{Keeper, MetadataOf};
use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::chatroom::Chatroom;
use crate::event::What;
use crate::id::{RoomNumber, SessionId, Timestamp};
use crate::metadata::{
    DISPLAY_NAME, METADATA_CHANGES, Mark, Marks, MetadataKey, SUBSCRIPTIONS, SYNC_MEMBERS, display_name,
    seen_of_display_name,
};
use crate::name::{ChatroomName, Username};
use crate::permission::Act;
use crate::personal::{CONVERSATIONS, CONVERSATIONS_OF_GUEST, ConversationKey};
use crate::query::{Answer, Conversation, MetadataRow, MetadataTarget};
use crate::refusal::{Refusal, Right};
use crate::snapshot::{MarksRecord, MetadataOwner, MetadataRecord};
use compact_str::CompactString;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Seconds that [`METADATA_CHANGES`] are counted over.
const CHANGES_SECONDS: u64 = 60;

/// What is spoken of.
struct Subject {
    of: MetadataOf,
    /// What it is called now.
    name: CompactString,
    /// Whoever asks.
    is_oneself: bool,
}

impl Hub {
    // Changing

    pub(super) fn set_metadata(
        &mut self,
        asker: Asker,
        of: &MetadataTarget,
        key: MetadataKey,
        value: Option<Box<str>>,
        exempt: bool,
        turn: &mut Turn,
    ) {
        let done = match key.mark() {
            Some(mark) => self.set_mark(asker, of, mark, value.as_deref(), turn),
            None => self.try_set_metadata(asker, of, key, value.map(Arc::from), exempt, turn),
        };
        if let Err(refusal) = done {
            turn.refuse(refusal);
        }
    }

    fn try_set_metadata(
        &mut self,
        asker: Asker,
        of: &MetadataTarget,
        key: MetadataKey,
        value: Option<Arc<str>>,
        exempt: bool,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let subject = self.subject_to_change(asker, of, turn)?;
        let value = self.check_value(subject.of, &key, value)?;
        let known = self.state.metadata(subject.of);
        let before = known.and_then(|metadata| metadata.of(&key)).cloned();
        let is_full = known.map_or(0, |metadata| metadata.len()) >= self.settings.metadata_keys;
        if value.is_some() && before.is_none() && is_full {
            return Err(Refusal::TooMuchMetadata { of: subject.name });
        }
        if value != before {
            if !exempt {
                self.count_change(asker.slot, &subject.name, turn)?;
            }
            self.keep_metadata(subject.of, key.clone(), value.clone(), turn);
            self.tell_metadata(&subject, &key, value.clone(), asker.session, turn);
        }
        let row = MetadataRow { of: subject.name, key, value, is_private: false };
        turn.answer(Answer::MetadataSet { row, was_set: before.is_some() });
        Ok(())
    }

    /// A value as it is kept. What is shown as someone's name must not pass her off as somebody else.
    fn check_value(
        &self,
        of: MetadataOf,
        key: &MetadataKey,
        value: Option<Arc<str>>,
    ) -> Result<Option<Arc<str>>, Refusal> {
        let Some(text) = value.as_deref().filter(|_| key.as_str() == DISPLAY_NAME) else { return Ok(value) };
        let shown = display_name(text).map_err(|error| Refusal::DisplayNameInvalid { error })?;
        if let MetadataOf::Person(keeper) = of {
            let name = Username::lookup(&seen_of_display_name(&shown), &self.settings.name_rules);
            let account = match keeper {
                Keeper::Account(slot) => Some(slot),
                Keeper::Guest(_) => None,
            };
            let client = self.state.client_of(keeper);
            let is_another = |found: Option<u32>, own: Option<u32>| found.is_some() && found != own;
            if is_another(self.state.account_named(name.key()), account)
                || is_another(self.state.client_named(name.key()), client)
                || self.state.account_looking_like(&name, account).is_some()
                || self.state.client_looking_like(&name, client).is_some()
            {
                return Err(Refusal::DisplayNameInUse { name: (&*shown).into() });
            }
        }
        Ok(Some(shown.into()))
    }

    pub(super) fn clear_metadata(&mut self, asker: Asker, of: &MetadataTarget, turn: &mut Turn) {
        let subject = match self.subject_to_change(asker, of, turn) {
            Ok(subject) => subject,
            Err(refusal) => return turn.refuse(refusal),
        };
        let keys: Vec<MetadataKey> = self
            .state
            .metadata(subject.of)
            .map(|metadata| metadata.iter().map(|(key, _)| key.clone()).collect())
            .unwrap_or_default();
        let mut rows = Vec::new();
        for key in keys {
            self.keep_metadata(subject.of, key.clone(), None, turn);
            self.tell_metadata(&subject, &key, None, asker.session, turn);
            rows.push(MetadataRow { of: subject.name.clone(), key, value: None, is_private: false });
        }
        turn.answer(Answer::Metadata { of: subject.name, rows });
    }

    fn keep_metadata(&mut self, of: MetadataOf, key: MetadataKey, value: Option<Arc<str>>, turn: &mut Turn) {
        let owner = match of {
            MetadataOf::Room(number) => Some(MetadataOwner::Room(number)),
            MetadataOf::Person(Keeper::Account(slot)) => {
                self.state.account(slot).map(|account| MetadataOwner::Account(account.record.id))
            }
            // Ends with the connection.
            MetadataOf::Person(Keeper::Guest(_)) => None,
        };
        if let Some(owner) = owner {
            turn.keep(Change::Metadata(MetadataRecord { owner, key: key.clone(), value: value.clone() }));
        }
        self.state.set_metadata(of, key, value);
    }

    /// Each change goes to many: so many in a minute are enough for anyone.
    fn count_change(&mut self, slot: u32, name: &CompactString, turn: &Turn) -> Result<(), Refusal> {
        let minute = turn.now.0 / (CHANGES_SECONDS * 1000);
        let counted = self.state.client(slot).and_then(|client| client.rare.as_ref()).map(|rare| rare.metadata_changes);
        let changes = match counted {
            Some((of, changes)) if of == minute => changes,
            _ => 0,
        };
        if changes >= METADATA_CHANGES {
            let retry_after_seconds = CHANGES_SECONDS - turn.now.0 / 1000 % CHANGES_SECONDS;
            return Err(Refusal::MetadataTooOften { of: name.clone(), retry_after_seconds });
        }
        self.state.change_client(slot, |client| client.rare_mut().metadata_changes = (minute, changes + 1));
        Ok(())
    }

    /// A guest who turns out to be an account keeps what she has set, where the account says nothing else.
    pub(super) fn take_over_metadata(&mut self, guest: u32, account: u32, turn: &mut Turn) {
        let (from, to) = (MetadataOf::Person(Keeper::Guest(guest)), MetadataOf::Person(Keeper::Account(account)));
        let set: Vec<_> =
            self.state.metadata(from).map(|metadata| metadata.iter().cloned().collect()).unwrap_or_default();
        for (key, value) in set {
            self.state.set_metadata(from, key.clone(), None);
            let known = self.state.metadata(to);
            let is_known = known.is_some_and(|metadata| metadata.of(&key).is_some());
            if !is_known && known.map_or(0, |metadata| metadata.len()) < self.settings.metadata_keys {
                self.keep_metadata(to, key, Some(value), turn);
            }
        }
        let marks: Vec<_> = self.state.marked(Keeper::Guest(guest)).collect();
        for (conversation, marks) in marks {
            self.state.set_marks(Keeper::Guest(guest), conversation, Marks::default());
            let before = self.state.marks(Keeper::Account(account), conversation);
            if before.is_empty() {
                self.keep_marks(Keeper::Account(account), conversation, marks, turn);
            }
        }
    }

    /// What a device has said of its person before it arrived. It must not fail for that: what can't be kept is left out.
    pub(super) fn set_on_arrival(&mut self, slot: u32, set: Vec<(MetadataKey, Option<Box<str>>)>, turn: &mut Turn) {
        let Some(keeper) = self.state.keeper_of(slot) else { return };
        let of = MetadataOf::Person(keeper);
        let can_keep = matches!(keeper, Keeper::Guest(_)) || self.storage == super::StorageState::Working;
        for (key, value) in set {
            let Ok(value) = self.check_value(of, &key, value.map(Arc::from)) else { continue };
            let known = self.state.metadata(of);
            let before = known.and_then(|metadata| metadata.of(&key));
            let is_full = known.map_or(0, |metadata| metadata.len()) >= self.settings.metadata_keys;
            if !can_keep || before.map(|value| &**value) == value.as_deref() || (before.is_none() && is_full) {
                continue;
            }
            self.keep_metadata(of, key.clone(), value.clone(), turn);
            if let (Some(session), Some(person)) = (turn.session(), self.person(slot)) {
                let subject = Subject { of, name: person.name.clone(), is_oneself: true };
                self.tell_metadata(&subject, &key, value, session, turn);
            }
        }
    }

    // Marks

    fn set_mark(
        &mut self,
        asker: Asker,
        of: &MetadataTarget,
        mark: Mark,
        value: Option<&str>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let (conversation, name) = self.conversation_of(asker, of, turn.now)?;
        let on = match value {
            Some("1") => true,
            // soju: what is taken away is 0.
            Some("0") | None => false,
            Some(_) => return Err(Refusal::MetadataValueInvalid { key: CompactString::const_new(mark.word()) }),
        };
        let Some(keeper) = self.state.keeper_of(asker.slot) else { return Ok(()) };
        let before = self.state.marks(keeper, conversation);
        let after = before.with(mark, on);
        let limit = match keeper {
            Keeper::Account(_) => CONVERSATIONS,
            Keeper::Guest(_) => CONVERSATIONS_OF_GUEST,
        };
        if before.is_empty() && on && self.state.marked(keeper).count() >= limit {
            return Err(Refusal::TooMuchMetadata { of: name });
        }
        let row = mark_row(name, mark, on);
        if before != after {
            self.keep_marks(keeper, conversation, after, turn);
            for session in self.sessions_of(asker.slot) {
                if session != asker.session && self.state.subscribes(session, &mark.key()) {
                    turn.tell(session, Answer::MetadataValues { of: None, rows: vec![row.clone()] });
                }
            }
        }
        turn.answer(Answer::MetadataSet { row, was_set: true });
        Ok(())
    }

    fn keep_marks(&mut self, keeper: Keeper, conversation: ConversationKey, marks: Marks, turn: &mut Turn) {
        if let Keeper::Account(slot) = keeper
            && let Some(account) = self.state.account(slot).map(|account| account.record.id)
        {
            turn.keep(Change::Marks(MarksRecord { account, conversation, marks }));
        }
        self.state.set_marks(keeper, conversation, marks);
    }

    fn conversation_of(
        &self,
        asker: Asker,
        of: &MetadataTarget,
        now: Timestamp,
    ) -> Result<(ConversationKey, CompactString), Refusal> {
        let missing = |name: &CompactString| Refusal::NoMetadataTarget { of: name.clone() };
        let (conversation, name) = match of {
            MetadataTarget::Oneself => return Err(missing(&CompactString::const_new("*"))),
            MetadataTarget::Person(name) => (Conversation::With(name.clone()), name.text()),
            MetadataTarget::Room(name) => (Conversation::Room(name.clone()), name.text()),
        };
        self.conversation_key(asker.slot, &conversation, now).map_err(|_| missing(name))
    }

    /// Whether this account or guest has blocked that person: what she says directly does not reach the one who did.
    pub(super) fn has_blocked(&self, slot: Option<u32>, account: Option<u32>, who: crate::id::ClientId) -> bool {
        let keeper = slot.and_then(|slot| self.state.keeper_of(slot)).or(account.map(Keeper::Account));
        keeper.is_some_and(|keeper| {
            self.state
                .personal(keeper)
                .is_some_and(|personal| personal.marks.of(ConversationKey::With(who)).has(Mark::Blocked))
        })
    }

    // Who may

    fn subject_to_change(&self, asker: Asker, of: &MetadataTarget, turn: &Turn) -> Result<Subject, Refusal> {
        if let MetadataTarget::Room(name) = of {
            let missing = || Refusal::NoMetadataTarget { of: name.text().clone() };
            let number = self.room_for(asker.slot, name, Act::SetMetadata).map_err(|refusal| match refusal {
                Refusal::NoSuchRoom { .. } => missing(),
                _ => Refusal::MetadataNotYours { of: name.text().clone() },
            })?;
            let room = self.state.room(number).ok_or_else(missing)?;
            return Ok(Subject { of: MetadataOf::Room(number), name: room.name.clone(), is_oneself: false });
        }
        let subject = self.person_subject(Some(asker), of)?;
        // Someone must be able to take away what nobody should have to see.
        if subject.is_oneself || self.rights(turn).holds(Right::Accounts) {
            Ok(subject)
        } else {
            Err(Refusal::MetadataNotYours { of: subject.name })
        }
    }

    fn subject_to_read(&self, asker: Asker, of: &MetadataTarget) -> Result<Subject, Refusal> {
        let MetadataTarget::Room(name) = of else {
            return self.person_subject(Some(asker), of);
        };
        self.room_to_read(asker, name).map(|room| Subject {
            of: MetadataOf::Room(room.number),
            name: room.name.clone(),
            is_oneself: false,
        })
    }

    fn room_to_read(&self, asker: Asker, name: &ChatroomName) -> Result<&Chatroom, Refusal> {
        let missing = || Refusal::NoMetadataTarget { of: name.text().clone() };
        let number = self.room_for(asker.slot, name, Act::SeeMetadata).map_err(|refusal| match refusal {
            // To those outside, a secret room and none are the same.
            Refusal::NoSuchRoom { .. } => missing(),
            _ => Refusal::MetadataNotYours { of: name.text().clone() },
        })?;
        self.state.room(number).ok_or_else(missing)
    }

    /// Someone who is here, or an account that is not.
    fn person_subject(&self, asker: Option<Asker>, of: &MetadataTarget) -> Result<Subject, Refusal> {
        let own = asker.and_then(|asker| self.state.client(asker.slot).map(|client| (asker.slot, client)));
        let name = match of {
            MetadataTarget::Person(name) => name,
            _ => {
                let (slot, client) = own.ok_or(Refusal::NotYours)?;
                let keeper = self.state.keeper_of(slot).ok_or(Refusal::NotYours)?;
                let name = client.username.text().clone();
                return Ok(Subject { of: MetadataOf::Person(keeper), name, is_oneself: true });
            }
        };
        let missing = || Refusal::NoMetadataTarget { of: name.text().clone() };
        if let Some(slot) = self.state.client_named(name.key()) {
            let (client, keeper) = self.state.client(slot).zip(self.state.keeper_of(slot)).ok_or_else(missing)?;
            let is_oneself = own.is_some_and(|(own, _)| own == slot);
            return Ok(Subject { of: MetadataOf::Person(keeper), name: client.username.text().clone(), is_oneself });
        }
        let slot = self.state.account_named(name.key()).ok_or_else(missing)?;
        let account = self.state.account(slot).filter(|account| !account.record.disabled).ok_or_else(missing)?;
        let of = MetadataOf::Person(Keeper::Account(slot));
        Ok(Subject { of, name: account.username.text().clone(), is_oneself: false })
    }

    // Telling

    /// To whoever subscribes to the key and is in the room, or shares one with the person or watches for her; and to the
    /// person's own other devices.
    fn tell_metadata(
        &mut self,
        subject: &Subject,
        key: &MetadataKey,
        value: Option<Arc<str>>,
        except: SessionId,
        turn: &mut Turn,
    ) {
        let Some(by) = turn.session().and_then(|id| self.state.session(id)).map(|session| session.client) else {
            return;
        };
        let Some(by) = self.person(by) else { return };
        let mut sessions = match subject.of {
            MetadataOf::Room(number) => self.sessions_of_room(number),
            MetadataOf::Person(keeper) => match self.state.client_of(keeper) {
                Some(slot) => self.sessions_around(slot),
                None => Vec::new(),
            },
        };
        sessions.retain(|id| *id != except && self.state.subscribes(*id, key));
        if sessions.is_empty() {
            return;
        }
        let what = What::MetadataChanged { of: subject.name.clone(), key: key.clone(), value };
        let event = turn.event(&by, what);
        turn.tell_sessions(&sessions, &event, None);
    }

    /// Her own sessions, those of everyone who sees her in a room, and of those who watch for her; each once.
    fn sessions_around(&mut self, slot: u32) -> Vec<SessionId> {
        let mut sessions = self.sessions_of(slot);
        sessions.extend(self.sessions_of_peers(slot));
        if let Some(client) = self.state.client(slot) {
            sessions.extend_from_slice(self.state.watchers(client.username.key()));
        }
        sessions.sort_unstable();
        sessions.dedup();
        sessions
    }

    /// What a newcomer to a room is shown of it and of those who are there, and what these are shown of her. In a large room
    /// both must ask for it.
    pub(super) fn show_metadata(&mut self, id: SessionId, number: RoomNumber, turn: &mut Turn) {
        if self.state.subscriptions(id).is_empty() {
            return;
        }
        let Some(room) = self.state.room(number) else { return };
        if room.members.len() > SYNC_MEMBERS {
            turn.tell(id, Answer::MetadataSyncLater { of: room.name.clone() });
            return;
        }
        let rows = self.rows_of_room(id, room, false);
        if !rows.is_empty() {
            turn.tell(id, Answer::MetadataValues { of: None, rows });
        }
    }

    /// What the members of a room are shown of someone who has just entered it.
    pub(super) fn introduce(&mut self, slot: u32, number: RoomNumber, turn: &mut Turn) {
        let Some(keeper) = self.state.keeper_of(slot) else { return };
        let of = MetadataOf::Person(keeper);
        let has_any = self.state.metadata(of).is_some_and(|metadata| !metadata.is_empty());
        let is_small = self.state.room(number).is_some_and(|room| room.members.len() <= SYNC_MEMBERS);
        if !has_any || !is_small {
            return;
        }
        let own = self.sessions_of(slot);
        let seen_by = match self.audience_of(slot, number) {
            Some(role) => self.sessions_at_least(number, role),
            None => self.sessions_of_room(number),
        };
        for session in seen_by.into_iter().filter(|id| !own.contains(id)) {
            let rows = self.rows_of_person(session, slot);
            if !rows.is_empty() {
                turn.tell(session, Answer::MetadataValues { of: None, rows });
            }
        }
    }

    /// What those are shown who watch for someone who has come.
    pub(super) fn introduce_to_watchers(&self, slot: u32, sessions: &[SessionId], turn: &mut Turn) {
        for session in sessions {
            let rows = self.rows_of_person(*session, slot);
            if !rows.is_empty() {
                turn.tell(*session, Answer::MetadataValues { of: None, rows });
            }
        }
    }

    /// The keys that this session subscribes to, as a room and all who are in it have them.
    fn rows_of_room(&self, id: SessionId, room: &Chatroom, with_oneself: bool) -> Vec<MetadataRow> {
        let own = self.state.session(id).map(|session| session.client);
        let mut rows = self.rows_of(id, MetadataOf::Room(room.number), &room.name);
        let is_shown_all = own.is_none_or(|slot| !self.is_of_the_audience(slot, room));
        for member in &room.members {
            let is_oneself = Some(member.client) == own;
            if if is_oneself { with_oneself } else { is_shown_all || !room.hides(member.roles) } {
                rows.extend(self.rows_of_person(id, member.client));
            }
        }
        rows
    }

    fn rows_of_person(&self, id: SessionId, slot: u32) -> Vec<MetadataRow> {
        match self.state.keeper_of(slot).zip(self.state.client(slot)) {
            Some((keeper, client)) => self.rows_of(id, MetadataOf::Person(keeper), client.username.text()),
            None => Vec::new(),
        }
    }

    fn rows_of(&self, id: SessionId, of: MetadataOf, name: &CompactString) -> Vec<MetadataRow> {
        let Some(metadata) = self.state.metadata(of) else { return Vec::new() };
        metadata
            .iter()
            .filter(|(key, _)| self.state.subscribes(id, key))
            .map(|(key, value)| MetadataRow {
                of: name.clone(),
                key: key.clone(),
                value: Some(value.clone()),
                is_private: false,
            })
            .collect()
    }

    /// The marks that this session subscribes to, of all conversations that have a name.
    fn rows_of_marks(&self, id: SessionId, wanted: impl Fn(Mark) -> bool) -> Vec<MetadataRow> {
        let slot = self.state.session(id).map(|session| session.client);
        let Some(keeper) = slot.and_then(|slot| self.state.keeper_of(slot)) else { return Vec::new() };
        let mut rows = Vec::new();
        let mut of_guests = BTreeMap::new();
        for (conversation, marks) in self.state.marked(keeper) {
            let Some(name) = self.conversation_name(conversation) else {
                if let ConversationKey::With(id) = conversation {
                    of_guests.insert(id, marks);
                }
                continue;
            };
            let marks = marks.iter().filter(|mark| wanted(*mark));
            rows.extend(marks.map(|mark| mark_row(name.clone(), mark, true)));
        }
        for (id, name) in self.guests_named(&of_guests.keys().copied().collect()) {
            let marks = of_guests.get(&id).into_iter().flat_map(|marks| marks.iter()).filter(|mark| wanted(*mark));
            rows.extend(marks.map(|mark| mark_row(name.clone(), mark, true)));
        }
        rows
    }

    // Subscriptions

    pub(super) fn subscribe(&mut self, asker: Asker, keys: Vec<MetadataKey>, turn: &mut Turn) {
        let (taken, refused, new) = self.take_subscriptions(asker.session, keys);
        turn.answer(Answer::Subscribed { keys: taken, refused });
        if !new.is_empty() {
            self.show_subscribed(asker.session, &new, turn);
        }
    }

    /// Those that were taken, the first for which there was no room, and those that are new.
    fn take_subscriptions(
        &mut self,
        session: SessionId,
        keys: Vec<MetadataKey>,
    ) -> (Vec<MetadataKey>, Option<MetadataKey>, Vec<MetadataKey>) {
        let mut subscriptions = self.state.subscriptions(session).to_vec();
        let (mut taken, mut new, mut refused) = (Vec::new(), Vec::new(), None);
        for key in keys {
            // "If the client has subscribed to too many keys, the server does not process any further keys."
            if subscriptions.len() >= SUBSCRIPTIONS {
                refused = Some(key);
                break;
            }
            if !subscriptions.contains(&key) {
                subscriptions.push(key.clone());
                new.push(key.clone());
            }
            if !taken.contains(&key) {
                taken.push(key);
            }
        }
        if !new.is_empty() {
            self.state.set_subscriptions(session, subscriptions);
        }
        (taken, refused, new)
    }

    pub(super) fn subscribe_on_arrival(&mut self, session: SessionId, keys: Vec<MetadataKey>) {
        if !keys.is_empty() {
            self.take_subscriptions(session, keys);
        }
    }

    pub(super) fn unsubscribe(&mut self, asker: Asker, keys: Vec<MetadataKey>, turn: &mut Turn) {
        let mut subscriptions = self.state.subscriptions(asker.session).to_vec();
        let before = subscriptions.len();
        subscriptions.retain(|key| !keys.contains(key));
        if subscriptions.len() != before {
            self.state.set_subscriptions(asker.session, subscriptions);
        }
        turn.answer(Answer::Unsubscribed { keys });
    }

    /// "When subscribing to a key, clients SHOULD receive the current value of that key for channels/users they are
    /// receiving updates for."
    fn show_subscribed(&mut self, id: SessionId, new: &[MetadataKey], turn: &mut Turn) {
        let Some(slot) = self.state.session(id).map(|session| session.client) else { return };
        let rooms: Vec<RoomNumber> = self
            .state
            .client(slot)
            .map_or_else(Vec::new, |client| client.rooms.iter().map(|place| place.room).collect());
        let mut rows = self.rows_of_marks(id, |mark| new.contains(&mark.key()));
        for number in rooms {
            let Some(room) = self.state.room(number) else { continue };
            if room.members.len() > SYNC_MEMBERS {
                turn.tell(id, Answer::MetadataSyncLater { of: room.name.clone() });
            } else {
                rows.extend(self.rows_of_room(id, room, false));
            }
        }
        let watched: Vec<u32> = self.watched_clients(id);
        for client in watched.into_iter().filter(|client| !self.see_each_other(slot, *client)) {
            rows.extend(self.rows_of_person(id, client));
        }
        rows.retain(|row| new.contains(&row.key));
        // Someone in several of the rooms is told of once.
        rows.sort();
        rows.dedup();
        if !rows.is_empty() {
            turn.tell(id, Answer::MetadataValues { of: None, rows });
        }
    }

    /// The marks that a device which has just come subscribes to.
    pub(super) fn show_marks(&self, id: SessionId, turn: &mut Turn) {
        let rows = self.rows_of_marks(id, |mark| self.state.subscribes(id, &mark.key()));
        if !rows.is_empty() {
            turn.tell(id, Answer::MetadataValues { of: None, rows });
        }
    }

    // Answers

    /// `keys`: `None`: all that are set.
    pub(super) fn metadata_answer(
        &self,
        of: &MetadataTarget,
        keys: Option<&[MetadataKey]>,
        turn: &Turn,
    ) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let subject = self.subject_to_read(asker, of)?;
        let public = self.state.metadata(subject.of);
        let keeper = self.state.keeper_of(asker.slot);
        let marks = match (self.conversation_of(asker, of, turn.now), keeper) {
            (Ok((conversation, _)), Some(keeper)) => self.state.marks(keeper, conversation),
            _ => Marks::default(),
        };
        let name = &subject.name;
        let row = |key: &MetadataKey, value: Option<Arc<str>>| MetadataRow {
            of: name.clone(),
            key: key.clone(),
            value,
            is_private: false,
        };
        let rows = match keys {
            Some(keys) => keys
                .iter()
                .map(|key| match key.mark() {
                    Some(mark) => mark_row(name.clone(), mark, marks.has(mark)),
                    None => row(key, public.and_then(|metadata| metadata.of(key)).cloned()),
                })
                .collect(),
            None => {
                let public = public.into_iter().flat_map(|metadata| metadata.iter());
                let marks = marks.iter().map(|mark| mark_row(name.clone(), mark, true));
                public.map(|(key, value)| row(key, Some(value.clone()))).chain(marks).collect()
            }
        };
        Ok(Answer::Metadata { of: subject.name, rows })
    }

    /// All that the session subscribes to, of a room with its members or of a person.
    pub(super) fn sync_answer(&self, of: &MetadataTarget, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        if let MetadataTarget::Room(name) = of {
            let room = self.room_to_read(asker, name)?;
            let is_member = self.state.client(asker.slot).is_some_and(|client| client.place(room.number).is_some());
            let mut rows = if is_member {
                self.rows_of_room(asker.session, room, true)
            } else {
                // Who is in it is another question.
                self.rows_of(asker.session, MetadataOf::Room(room.number), &room.name)
            };
            rows.truncate(self.settings.answer_rows);
            return Ok(Answer::MetadataValues { of: Some(room.name.clone()), rows });
        }
        let subject = self.person_subject(Some(asker), of)?;
        let rows = self.rows_of(asker.session, subject.of, &subject.name);
        Ok(Answer::MetadataValues { of: Some(subject.name), rows })
    }

    /// What someone says of herself, for her profile.
    pub(super) fn metadata_of_client(&self, slot: u32) -> Vec<(MetadataKey, Arc<str>)> {
        let keeper = self.state.keeper_of(slot);
        let metadata = keeper.and_then(|keeper| self.state.metadata(MetadataOf::Person(keeper)));
        metadata.map(|metadata| metadata.iter().cloned().collect()).unwrap_or_default()
    }
}

fn mark_row(of: CompactString, mark: Mark, on: bool) -> MetadataRow {
    MetadataRow { of, key: mark.key(), value: Some(Arc::from(if on { "1" } else { "0" })), is_private: true }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn whoever_shares_a_room_or_watches_hears_of_what_she_subscribes_to() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > bob arrives
            bob: welcome bob
            > carol arrives
            carol: welcome carol
            > dave arrives
            dave: welcome dave
            > alice/2 subscribes avatar
            alice/2: subscribed avatar
            > bob subscribes avatar,status
            bob: subscribed avatar status
            > carol subscribes avatar
            carol: subscribed avatar
            > dave subscribes avatar
            dave: subscribed avatar
            > alice joins #tea
            [alice* alice/2] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            alice/2 (unasked): entered #tea ~alice
            > bob joins #tea
            [alice alice/2 bob*] bob joined #tea
            bob: entered #tea ~alice bob
            > carol watches alice
            carol: online [alice] offline []
            > show changes
            > alice sets metadata * avatar cat
            [alice/2 bob carol] alice: alice/avatar=cat
            alice: set: alice/avatar=cat
            keep: metadata alice/avatar cat
            > alice sets metadata * avatar cat
            alice: set again: alice/avatar=cat
            > alice sets metadata * pronouns she
            alice: set: alice/pronouns=she
            keep: metadata alice/pronouns she
            > alice sets metadata #tea status leaves
            [bob] alice: #tea/status=leaves
            alice: set: #tea/status=leaves
            keep: metadata #tea/status leaves
            > dave asks metadata alice
            dave: metadata of alice: alice/avatar=cat alice/pronouns=she
            > dave watches alice
            dave: online [alice] offline []
            dave: values: alice/avatar=cat
            > dave joins #tea
            [alice alice/2 bob dave*] dave joined #tea
            dave: entered #tea ~alice bob dave
            dave: values: alice/avatar=cat
            > bob sets metadata * status guest
            bob: set: bob/status=guest
            ",
        );
    }

    #[test]
    fn limits_and_who_may() {
        check_with(
            Settings { metadata_keys: 1, ..settings() },
            "
            > console registers root
            console: account root created
            > root arrives account root
            root: logged in to root as nobody yet
            root: welcome root
            > bob arrives
            bob: welcome bob
            > bob sets metadata * avatar cat
            bob: set: bob/avatar=cat
            > bob sets metadata * status here
            bob: refused: TooMuchMetadata { of: \"bob\" }
            > bob sets metadata root avatar dog
            bob: refused: MetadataNotYours { of: \"root\" }
            > bob sets metadata nobody avatar dog
            bob: refused: NoMetadataTarget { of: \"nobody\" }
            > root sets metadata bob avatar
            root: set again: bob/avatar-
            > bob asks metadata * avatar,soju.im/muted
            bob: metadata of bob: bob/avatar- bob/soju.im/muted=0!
            > root joins #tea
            [root*] root (root) joined #tea ~
            root: entered #tea ~root
            > bob joins #tea
            [root bob*] bob joined #tea
            bob: entered #tea ~root bob
            > bob sets metadata #tea avatar pot
            bob: refused: MetadataNotYours { of: \"#tea\" }
            > root sets metadata #tea avatar pot
            root: set: #tea/avatar=pot
            > storage fails
            > root sets metadata * avatar crown
            root: refused: StorageFull
            > bob sets metadata * avatar hat
            bob: set: bob/avatar=hat
            > root sets metadata #tea avatar
            root: refused: StorageFull
            > bob asks metadata #tea
            bob: metadata of #tea: #tea/avatar=pot
            ",
        );
    }

    #[test]
    fn nobody_is_shown_under_the_name_of_someone_else() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice sets metadata * display-name Root
            alice: refused: DisplayNameInUse { name: \"Root\" }
            > alice sets metadata * display-name rооt
            alice: refused: DisplayNameInUse { name: \"rооt\" }
            > alice sets metadata * display-name ALICE
            alice: set: alice/display-name=ALICE
            > bob arrives
            bob: welcome bob
            > bob sets metadata * display-name \u{202e}alice\u{200d}
            bob: refused: DisplayNameInUse { name: \"alice\" }
            > bob sets metadata * display-name \u{202e}Alice  in\u{200b} Chains
            bob: set: bob/display-name=Alice in Chains
            > bob sets metadata * display-name \u{200b}
            bob: refused: DisplayNameInvalid { error: Invisible }
            > bob sets metadata * status \u{200b}
            bob: set: bob/status=\u{200b}
            > alice sets metadata * display-name Bob
            alice: refused: DisplayNameInUse { name: \"Bob\" }
            ",
        );
    }

    #[test]
    fn marks_are_kept_and_told_to_ones_own_devices() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > bob arrives
            bob: welcome bob
            > alice/2 subscribes soju.im/blocked
            alice/2: subscribed soju.im/blocked
            > show changes
            > alice sets metadata bob soju.im/blocked 1
            alice/2 (unasked): values: bob/soju.im/blocked=1!
            alice: set again: bob/soju.im/blocked=1!
            keep: marks someone of alice: soju.im/blocked
            > bob says alice hi
            [bob*] bob -> ~alice: hi
            keep: direct room
            keep: post hi
            > bob signals alice
            [bob*] signal bob -> ~alice:
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            keep: room #tea nt
            > bob invites alice #tea
            bob: alice is invited to #tea
            > alice/3 arrives account alice
            alice/3: logged in to alice as nobody yet
            keep: account alice
            alice/3: welcome again alice
            > alice/3 subscribes soju.im/blocked
            alice/3: subscribed soju.im/blocked
            alice/3: values: bob/soju.im/blocked=1!
            > alice/3 quits
            > alice asks invitations
            alice: invited to
            > alice sets metadata bob soju.im/blocked 0
            alice/2 (unasked): values: bob/soju.im/blocked=0!
            alice: set again: bob/soju.im/blocked=0!
            keep: marks someone of alice:
            > bob says alice hello
            [alice alice/2] bob -> alice: hello
            [bob*] bob -> alice: hello
            keep: post hello
            ",
        );
    }
}
