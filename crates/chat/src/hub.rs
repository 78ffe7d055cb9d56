//! The one writer: everything that changes who is here, which rooms there are and what was said happens in
//! [`Hub::apply`], one entry after the other. This file only hands each command to its family.

mod absent_members;
mod accepting;
mod account_names;
mod accounts;
mod always_on;
mod announcing;
mod answers;
mod arriving;
mod attempts;
mod audit;
mod away;
mod delivery;
mod departed;
mod device_logins;
mod devices;
mod direct_messages;
mod editing;
mod forwarding;
mod groups;
mod history;
mod invite_links;
mod inviting;
mod joining;
mod kicking;
mod logging_in;
mod metadata;
mod name_index;
mod naming;
mod own_modes;
mod parting;
mod pinning;
mod posting;
mod quitting;
mod read_markers;
mod redaction;
mod renaming;
mod reporting;
mod room_changes;
mod rooms;
mod server_bans;
mod state;
mod timed_entries;
mod topics;
mod turn;
mod watching;

#[cfg(test)]
mod robustness;
#[cfg(test)]
mod transcript;

use crate::chatroom::{Chatroom, ChatroomKind, Flags, RoomFlag, Rules};
use crate::command::{Command, Origin, Request};
use crate::effect::Effects;
use crate::id::{ChatroomId, ClientId, Position, SessionId, Timestamp, uuid_v7};
use crate::log::StorageFailure;
use crate::name::{ChatroomName, Username};
use crate::person::Person;
use crate::query::Counts;
use crate::refusal::{Refusal, Right, Rights};
use crate::sequencer::refusal_of;
use crate::settings::Settings;
use crate::snapshot::{FormerName, MetadataOwner, RoomKind, RoomRecord, Snapshot};
use attempts::Attempts;
use compact_str::CompactString;
use editing::Text;
use foldhash::fast::FixedState;
use state::{Account, Keeper, MetadataOf, State};
use std::sync::Arc;
use turn::Turn;
use uuid::Uuid;

/// A request with its place and time in the one order.
#[derive(Debug)]
pub struct Entry {
    pub position: Position,
    pub timestamp: Timestamp,
    pub request: Request,
}

/// Whether the log takes changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StorageState {
    Working,
    /// What needs the disk is refused; the rest goes on.
    Failing(StorageFailure),
}

/// How much there is, for statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauges {
    /// Present, on any number of devices.
    pub clients: usize,
    pub sessions: usize,
    /// Named rooms, empty ones too.
    pub rooms: usize,
    /// Conversations of two, and groups.
    pub direct_rooms: usize,
    pub accounts: usize,
    /// Before-images held for batches that the log has not answered.
    pub journal: usize,
}

/// The state, and the rules by which it changes. Pure: no clock, no chance, no I/O; never panics.
#[derive(Debug)]
pub struct Hub {
    state: State,
    settings: Settings,
    storage: StorageState,
    /// Ids are made from it.
    seed: u64,
    attempts: Attempts,
    /// Rooms of the settings may be missing: looked after with the next entry.
    check_standing_rooms: bool,
    /// Who does what the server does by itself: a person with an empty name.
    server: Arc<Person>,
    /// For each client the last time (`epoch`) it was counted in, so that nobody is told twice.
    seen: Vec<u32>,
    epoch: u32,
}

/// A session that has arrived, and its client.
#[derive(Clone, Copy, Debug)]
struct Asker {
    session: SessionId,
    slot: u32,
}

impl Hub {
    /// The state as it was kept, with nobody present. `seed`: chosen anew at each start; ids are made from it, and the
    /// places of names in tables.
    pub fn restore(snapshot: Snapshot, settings: Settings, seed: u64, shards: usize) -> Hub {
        let mut state = State::new(seed, shards);
        for record in snapshot.accounts {
            if state.account_of(record.id).is_some() {
                continue;
            }
            let username = Username::lookup(&record.username, &settings.name_rules);
            state.add_account(Account {
                record: Arc::new(record),
                username,
                rooms: Vec::new(),
                client: None,
                is_always_on: false,
                absent_since: None,
                group_changes: (0, 0),
                personal: None,
            });
        }
        for record in snapshot.rooms {
            restore_room(&mut state, record, &settings);
        }
        state.reserve_room_numbers(snapshot.next_room);
        for record in snapshot.pins {
            state.pin(record.room, record.pin);
        }
        for report in snapshot.reports {
            state.note_report(report, None);
        }
        for record in snapshot.memberships {
            if let Some(account) = state.account_of(record.account)
                && state.room(record.room).is_some()
            {
                state.keep_membership(account, record.room, Some(record.membership));
            }
        }
        for record in snapshot.metadata {
            let of = match record.owner {
                MetadataOwner::Room(number) => Some(MetadataOf::Room(number)),
                MetadataOwner::Account(id) => {
                    state.account_of(id).map(|slot| MetadataOf::Person(Keeper::Account(slot)))
                }
            };
            if let Some(of) = of {
                state.set_metadata(of, record.key, record.value);
            }
        }
        for record in snapshot.marks {
            if let Some(account) = state.account_of(record.account) {
                state.set_marks(Keeper::Account(account), record.conversation, record.marks);
            }
        }
        for record in snapshot.read_markers {
            if let Some(account) = state.account_of(record.account) {
                state.set_marker(Keeper::Account(account), record.conversation, Some(record.at));
            }
        }
        for record in snapshot.devices {
            if let Some(account) = state.account_of(record.account) {
                let mut devices = state.devices(account).to_vec();
                devices::add(&mut devices, record);
                state.set_devices(account, devices);
            }
        }
        for (posted, id) in snapshot.posted_once {
            state.note_once(posted, id);
        }
        for (room, at) in snapshot.last_said {
            state.set_last_said(room, at);
        }
        state.set_server_bans(Arc::new(snapshot.server_bans));
        let mut hub = Hub {
            state,
            settings,
            storage: StorageState::Working,
            seed,
            attempts: Attempts::new(FixedState::with_seed(seed)),
            check_standing_rooms: true,
            server: Arc::new(Person {
                id: ClientId(Uuid::nil()),
                name: CompactString::default(),
                ident: CompactString::default(),
                host: CompactString::default(),
                account: None,
                realname: CompactString::default(),
                bot: false,
            }),
            seen: Vec::new(),
            epoch: 0,
        };
        for record in snapshot.presences {
            hub.bring_back(record, snapshot.position, snapshot.timestamp);
        }
        hub.state.forget_all();
        hub
    }

    /// Applies one request. What it leads to is appended to `effects`.
    pub fn apply(&mut self, entry: Entry, effects: &mut Effects) {
        let before = match self.storage {
            StorageState::Working => None,
            StorageState::Failing(failure) => Some((failure, self.state.journal_length(), Lengths::of(effects))),
        };
        let Request { origin, command } = entry.request;
        let mut turn = Turn { effects, origin, now: entry.timestamp, position: entry.position, finished: false };
        // A question waits for no disk.
        if before.is_none() && !matches!(command, Command::Ask(_)) {
            self.audit_what_is_owed(&mut turn);
        }
        if self.check_standing_rooms && before.is_none() {
            self.create_standing_rooms(&mut turn);
        }
        self.dispatch(command, &mut turn);
        // While the store takes nothing, what came out as a change is taken back whole and refused.
        if let Some((failure, journal_length, lengths)) = before
            && turn.effects.changes.len() > lengths.changes
        {
            self.state.roll_back_to(journal_length);
            lengths.restore(turn.effects);
            turn.finished = false;
            turn.refuse(refusal_of(failure));
        }
        turn.finish();
    }

    /// When `Command::DeadlineReached` has something to do.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let gone = self.state.next_deadline().map(|(deadline, _)| deadline);
        // What must be written waits for a disk that takes it.
        let ends = self.state.next_entry_end().map(|(end, _)| end);
        let ends = ends.into_iter().chain(self.next_ban_end()).min();
        let ends = ends.filter(|_| self.storage == StorageState::Working);
        gone.into_iter().chain(ends).min()
    }

    pub fn set_storage(&mut self, storage: StorageState) {
        self.storage = storage;
        self.check_standing_rooms = true;
    }

    /// What was applied since the last mark belongs to this batch.
    pub fn mark(&mut self, batch: u64) {
        self.state.mark(batch);
    }

    /// Up to and with this batch nothing needs to be taken back any more.
    pub fn forget_until(&mut self, batch: u64) {
        self.state.forget_until(batch);
    }

    /// Nothing applied so far needs to be taken back.
    pub fn forget_all(&mut self) {
        self.state.forget_all();
    }

    /// Takes back everything that was not forgotten.
    pub fn roll_back(&mut self) {
        self.state.roll_back();
        self.check_standing_rooms = true;
    }

    pub fn counts(&self) -> Counts {
        let counts = &self.state.counts;
        Counts {
            clients: counts.clients,
            invisible: counts.invisible,
            operators: counts.operators,
            rooms: counts.rooms,
            most_clients: counts.most_clients,
        }
    }

    pub fn gauges(&self) -> Gauges {
        let counts = &self.state.counts;
        Gauges {
            clients: counts.clients,
            sessions: counts.sessions,
            rooms: counts.rooms,
            direct_rooms: counts.direct_rooms,
            accounts: counts.accounts,
            journal: self.state.journal_length(),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn dispatch(&mut self, command: Command, turn: &mut Turn) {
        match command {
            Command::Arrive(arrival) => self.arrive(*arrival, turn),
            Command::Depart(departure) => self.depart(departure, turn),
            Command::LogIn { account, verified, address, counted, proofs_since } => {
                let account =
                    self.usable_account(account).filter(|slot| verified && self.is_proof(*slot, proofs_since));
                self.log_in(account, address, counted, turn);
            }
            Command::LogInAgain { claim, address } => self.log_in_again(claim, address, turn),
            Command::LogInDevice { account, counted, proofs_since, device } => {
                self.log_in_device((account, proofs_since), counted, *device, turn);
            }
            Command::SignUp { account, device } => self.sign_up(*account, *device, turn),
            Command::ShowLogin { claim } => self.show_login(claim, turn),
            Command::RenewLogin { claim, to } => self.renew_login(claim, to, turn),
            Command::EndLogin { claim } => self.end_login(claim, turn),
            Command::LogOut => self.log_out(turn),
            Command::CreateAccount(new) => self.create_account(*new, turn),
            Command::ChangeAccount { account, change } => self.change_account(&account, change, turn),
            Command::DeleteAccount { account } => self.delete_account(&account, turn),
            Command::ChangeHost { of, ident, host } => self.change_host(&of, ident, host, turn),
            Command::Kill { who, reason } => self.kill(&who, &reason, turn),
            Command::BanFromServer { who, reason, lasts_ms } => self.ban_from_server(&who, reason, lasts_ms, turn),
            Command::LiftServerBan { who } => self.lift_server_ban(&who, turn),
            Command::Announce { to, text } => self.announce(to, text, turn),
            Command::Control(control) => self.control(control, turn),
            Command::Reconfigure(settings) => self.reconfigure(*settings, turn),
            Command::DeadlineReached => {
                self.announce_those_gone(turn);
                self.end_timed_entries(turn);
                self.end_server_bans(turn);
            }
            Command::Ask(query) => self.answer(query, turn),
            other => match self.asker(turn) {
                Some(asker) => self.dispatch_present(asker, other, turn),
                // The rest can only be done by someone who is here.
                None => turn.refuse(Refusal::NotYours),
            },
        }
    }

    fn dispatch_present(&mut self, asker: Asker, command: Command, turn: &mut Turn) {
        match command {
            Command::Post(post) => self.post(asker, *post, turn),
            Command::Edit { message, text, in_lines, between_programs } => {
                self.edit(asker, &message, Text { text, in_lines, between_programs }, turn);
            }
            Command::Report { message, reason } => self.report(asker, &message, reason, turn),
            Command::CloseReport { number, resolved, note } => self.close_report(asker, number, resolved, note, turn),
            Command::Pin { message } => self.pin(asker, message, turn),
            Command::Unpin { of, which } => self.unpin(asker, &of, which, turn),
            Command::Redact { message, reason } => self.redact(asker, &message, reason, turn),
            Command::Rename { to } => self.rename(asker, &to, turn),
            Command::SetRealname { to } => self.set_realname(asker, to, turn),
            Command::SetAway { message } => self.set_away(asker, message, turn),
            Command::ChangeOwnModes { changes } => self.change_own_modes(asker, &changes, turn),
            Command::ChangeAccepted { changes } => self.change_accepted(asker, changes, turn),
            Command::BecomeOperator { rule } => self.become_operator(asker, rule, turn),
            Command::Join { room, key, link, follows } => {
                self.join(asker, &room, key.as_deref(), link, follows, turn);
            }
            Command::CreateLink { room, link } => self.create_link(asker, &room, link, turn),
            Command::RevokeLink { room, id } => self.revoke_link(asker, &room, &id, turn),
            Command::Part { room, reason } => self.part(asker, &room, reason, turn),
            Command::PartAll { reason } => self.part_all(asker, reason, turn),
            Command::SetTopic { room, text } => self.set_topic(asker, &room, text, turn),
            Command::ChangeRoom { room, changes } => self.change_room(asker, &room, changes, turn),
            Command::RenameRoom { room, to, reason } => self.rename_room(asker, &room, &to, reason, turn),
            Command::Kick { room, who, reason } => self.kick(asker, &room, &who, reason, turn),
            Command::Invite { room, who } => self.invite(asker, &room, &who, turn),
            Command::Knock { room, text } => self.knock(asker, &room, text, turn),
            Command::OpenGroup { with } => self.open_group(asker, &with, turn),
            Command::SetMetadata { of, key, value, exempt } => {
                self.set_metadata(asker, &of, key, value, exempt, turn);
            }
            Command::ClearMetadata { of } => self.clear_metadata(asker, &of, turn),
            Command::Subscribe { keys } => self.subscribe(asker, keys, turn),
            Command::Unsubscribe { keys } => self.unsubscribe(asker, keys, turn),
            Command::SetAlwaysOn { choice } => self.set_always_on(asker, choice, turn),
            Command::EndDevice { id } => self.end_device(asker, &id, turn),
            Command::MarkRead { of, at } => self.mark_read(asker, &of, at, turn),
            Command::Watch { names } => self.watch(asker, names, turn),
            Command::Unwatch { names } => self.unwatch(asker, &names),
            Command::UnwatchAll => self.unwatch_all(asker),
            Command::Arrive(_)
            | Command::Depart(_)
            | Command::LogIn { .. }
            | Command::LogInAgain { .. }
            | Command::LogInDevice { .. }
            | Command::SignUp { .. }
            | Command::ShowLogin { .. }
            | Command::RenewLogin { .. }
            | Command::EndLogin { .. }
            | Command::LogOut
            | Command::CreateAccount(_)
            | Command::ChangeAccount { .. }
            | Command::DeleteAccount { .. }
            | Command::ChangeHost { .. }
            | Command::Kill { .. }
            | Command::BanFromServer { .. }
            | Command::LiftServerBan { .. }
            | Command::Announce { .. }
            | Command::Control(_)
            | Command::Reconfigure(_)
            | Command::DeadlineReached
            | Command::Ask(_) => {}
        }
    }

    fn reconfigure(&mut self, settings: Settings, turn: &mut Turn) {
        if turn.session().is_some() {
            turn.refuse(Refusal::NotYours);
            return;
        }
        // Names are folded already: another way of folding them begins with the next start.
        let casemapping = self.settings.name_rules.casemapping;
        self.settings = settings;
        self.settings.name_rules.casemapping = casemapping;
        self.check_standing_rooms = true;
        self.state.trim_messages(self.settings.recent_messages);
        self.let_those_go_who_may_not_stay(turn);
    }

    fn asker(&self, turn: &Turn) -> Option<Asker> {
        let session = turn.session()?;
        self.state.session(session).map(|found| Asker { session, slot: found.client })
    }

    /// What whoever asks may do on the whole server.
    fn rights(&self, turn: &Turn) -> Rights {
        match turn.origin {
            Origin::Console { .. } | Origin::Server => Rights::ALL,
            Origin::Session { .. } => self
                .asker(turn)
                .and_then(|asker| self.state.client(asker.slot))
                .map_or(Rights::NONE, |client| client.rights()),
        }
    }

    fn require(&self, right: Right, turn: &Turn) -> Result<(), Refusal> {
        let rights = self.rights(turn);
        if rights.holds(right) {
            Ok(())
        } else if rights.is_empty() {
            Err(Refusal::NotOperator)
        } else {
            Err(Refusal::MissingRight { right })
        }
    }

    /// Notes a change that may as well be lost: not while the store takes nothing.
    fn keep_if_working(&self, change: crate::change::Change, turn: &mut Turn) {
        if self.storage == StorageState::Working {
            turn.keep(change);
        }
    }

    fn new_client_id(&self, turn: &Turn) -> ClientId {
        ClientId(uuid_v7(turn.now, turn.position.0, self.seed.rotate_left(16)))
    }

    /// The id of the room that gets the next number.
    fn new_room_id(&self, turn: &Turn) -> ChatroomId {
        let number = u64::from(self.state.next_room().0);
        ChatroomId(uuid_v7(turn.now, number, self.seed.rotate_left(48)))
    }

    fn create_standing_rooms(&mut self, turn: &mut Turn) {
        self.check_standing_rooms = false;
        for name in self.settings.standing_rooms.clone() {
            let Ok(name) = ChatroomName::parse(&name, &self.settings.name_rules) else {
                continue;
            };
            if self.state.room_named(name.key()).is_some() {
                continue;
            }
            let number = self.add_named_room(&name, turn);
            self.state.change_rules(number, |rules| rules.flags = rules.flags.with(RoomFlag::Registered));
            self.keep_room(number, turn);
        }
    }
}

fn restore_room(state: &mut State, record: RoomRecord, settings: &Settings) {
    state.reserve_room_numbers(record.number.0.saturating_add(1));
    if state.room(record.number).is_some() {
        return;
    }
    let (name, key, kind) = match record.kind {
        RoomKind::Named { name } => {
            let name = ChatroomName::lookup(&name, &settings.name_rules);
            (name.text().clone(), name.key().clone(), ChatroomKind::Named)
        }
        RoomKind::Group { name } => {
            let name = ChatroomName::lookup(&name, &settings.name_rules);
            (name.text().clone(), name.key().clone(), ChatroomKind::Group)
        }
        RoomKind::Direct { between: (one, other), other: name } => {
            let (name, key) = match [one, other].iter().filter(|id| state.account_of(**id).is_some()).count() {
                2 => Default::default(),
                // A guest never comes back, and what was said is there for the other one to read (`hub/departed.rs`).
                1 => match name.map(|name| Username::lookup(&name, &settings.name_rules)) {
                    Some(name) => (name.text().clone(), name.key().clone()),
                    None => return,
                },
                _ => return,
            };
            (name, key, ChatroomKind::Direct(one, other))
        }
    };
    let mut room = Chatroom::new(record.number, record.id, name, key, record.created);
    room.kind = kind;
    room.has_history = true;
    let folded = |former: FormerName| (ChatroomName::lookup(&former.name, &settings.name_rules).key().clone(), former);
    let former_names: Vec<_> = record.former_names.into_iter().map(folded).collect();
    room.former_names = (!former_names.is_empty()).then(|| Box::new(former_names));
    room.rules = Rules {
        flags: record.flags.into_iter().collect::<Flags>(),
        topic: record.topic.map(Box::new),
        key: record.key,
        member_limit: record.member_limit,
        slow_seconds: record.slow_seconds,
        forward: record.forward,
        retention: record.retention,
        lists: record.lists,
        links: record.links,
        operators: 0,
    };
    state.add_room(room);
}

/// How long the lists of effects were.
struct Lengths {
    shards: Vec<usize>,
    server: usize,
    changes: usize,
}

impl Lengths {
    fn of(effects: &Effects) -> Lengths {
        Lengths {
            shards: effects.shards.iter().map(Vec::len).collect(),
            server: effects.server.len(),
            changes: effects.changes.len(),
        }
    }

    fn restore(self, effects: &mut Effects) {
        for (list, length) in effects.shards.iter_mut().zip(self.shards) {
            list.truncate(length);
        }
        effects.server.truncate(self.server);
        effects.changes.truncate(self.changes);
    }
}
