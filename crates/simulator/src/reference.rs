//! A second opinion: rooms, members, bans and accounts once more, as small as they can be and written apart from the
//! hub. It is told every command in the order of the hub, with whether the store took anything, and says what must have
//! come of it.

use chat::chatroom::RoomFlag;
use chat::command::{Arrival, Command, Departure, PersonalMode, Post, Recipient, RoomChange};
use chat::event::{Event, What};
use chat::id::{ClientId, MessageId, SessionId};
use chat::membership::{Role, Roles};
use chat::message::{Message, MessageKind, MessageState};
use chat::pin::{PINS, WhichPin};
use chat::query::Conversation;
use chat::refusal::{ListKind, Refusal};
use chat::settings::{AlwaysOn, Settings};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::invariants::number_in;
use crate::shard::room_of;

/// Everyone and everything, by names in small letters.
#[derive(Debug)]
pub struct Reference {
    pub accounts: BTreeMap<String, Account>,
    pub rooms: BTreeMap<String, Room>,
    pub people: BTreeMap<Who, Person>,
    pub sessions: BTreeMap<SessionId, Place>,
    /// What was said in rooms and told to someone.
    pub said: BTreeMap<MessageId, Said>,
    /// Entries that one list of a room can have.
    list_entries: usize,
    rooms_per_client: usize,
    grace_ms: u64,
    always_on: AlwaysOn,
    always_on_accounts: usize,
    next: u32,
}

/// What is known of a message.
#[derive(Debug)]
pub struct Said {
    /// By its serial.
    room: u32,
    speaker: String,
    pub state: MessageState,
    is_pinned: bool,
}

/// Someone who is here; never the same for two.
pub type Who = u32;

#[derive(Debug)]
pub struct Account {
    pub name: String,
    owns_the_server: bool,
    /// The rooms that it is a member of, here or not.
    pub kept: BTreeMap<String, Roles>,
    /// Up to when it has read what.
    markers: BTreeMap<Marked, u64>,
    /// In the order of their making.
    serial: u32,
    /// What it says of staying without a device, ...
    always_on: Option<bool>,
    /// ... what is so, ...
    stays: bool,
    /// ... and what the store has of it.
    kept_as: Option<Kept>,
}

/// How someone who stays is shown again.
#[derive(Clone, Debug)]
struct Kept {
    name: String,
    ident: String,
    host: String,
    realname: String,
    modes: BTreeSet<u8>,
    away: Option<String>,
}

#[derive(Debug)]
pub struct Room {
    /// Another one for another room of the same name.
    serial: u32,
    pub name: String,
    /// The conversation of those who keep it.
    pub is_group: bool,
    pub flags: BTreeSet<u16>,
    pub key: Option<String>,
    pub limit: Option<u32>,
    pub slow: Option<u32>,
    /// The serial of the room for those who are kept out.
    forward: Option<u32>,
    /// Who spoke when in slow mode: accounts by their names, guests by what they are.
    spoke: BTreeMap<String, u64>,
    /// Seconds that messages are kept.
    pub retention: Option<u32>,
    pub has_topic: bool,
    /// In the order in which they came.
    pub lists: Vec<(ListKind, String)>,
    pub members: BTreeMap<Who, Roles>,
    /// When it was last given another name, in this run.
    renamed: Option<u64>,
    /// Something was said here, or it was here before the last start.
    has_past: bool,
}

#[derive(Debug)]
pub struct Person {
    pub name: String,
    account: Option<String>,
    ident: String,
    host: String,
    realname: String,
    sessions: BTreeSet<SessionId>,
    invited_to: VecDeque<u32>,
    /// Without that of an operator.
    modes: BTreeSet<u8>,
    /// In words.
    away: Option<String>,
    /// Who may write to her without an account ([`Reference::speaker`]).
    accepted: BTreeSet<String>,
    /// A guest's; those of an account are with the account.
    markers: BTreeMap<Marked, u64>,
    /// Shows the rank of the server's owner.
    shows_rank: bool,
    /// Groups opened and people brought in, in which hour.
    group_changes: (u64, u32),
    /// Without a device since then; told to the others at this time.
    gone_at: Option<u64>,
}

/// A conversation that someone has read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Marked {
    /// By its serial.
    Room(u32),
    Account(String),
    Guest(Who),
}

/// How far a session has come.
#[derive(Clone, Debug)]
pub enum Place {
    /// Has logged in to this account and not arrived.
    Proved(String),
    Present {
        who: Who,
        secure: bool,
    },
}

/// A line's commands, and what was seen of their outcome.
#[derive(Debug)]
pub struct Applied<'a> {
    pub session: SessionId,
    pub commands: &'a [Command],
    pub refusals: &'a [Refusal],
    pub events: &'a [Event],
    /// The store took nothing.
    pub failing: bool,
    /// Applied a second time, since the store took nothing.
    pub again: bool,
    /// Milliseconds.
    pub at: u64,
}

/// A message that a session must be told.
#[derive(Debug, PartialEq)]
pub struct Telling {
    pub session: SessionId,
    /// The name that it is addressed to.
    pub to: String,
    pub number: u64,
    /// Said by this session itself: told to those who asked for echoes.
    pub own: bool,
}

/// A message that must have been refused.
#[derive(Debug, PartialEq)]
pub struct Unsaid {
    pub to: String,
    pub number: u64,
}

/// What must come of a line.
#[derive(Debug, Default)]
pub struct Consequences {
    pub tellings: Vec<Telling>,
    pub unsaid: Vec<Unsaid>,
}

/// "No", with the name of the reason.
type Permission = Result<(), String>;

fn no<T>(reason: &str) -> Result<T, String> {
    Err(reason.to_owned())
}

impl Reference {
    pub fn new(settings: &Settings) -> Reference {
        let mut reference = Reference {
            list_entries: settings.list_entries,
            rooms_per_client: settings.rooms_per_client,
            grace_ms: settings.grace_ms,
            always_on: settings.always_on,
            always_on_accounts: settings.always_on_accounts,
            accounts: BTreeMap::new(),
            rooms: BTreeMap::new(),
            people: BTreeMap::new(),
            sessions: BTreeMap::new(),
            said: BTreeMap::new(),
            next: 0,
        };
        reference.add_room("#lobby").flags.insert(RoomFlag::Registered as u16);
        reference
    }

    /// The process started again: what is on disk is as it was, nobody is here but those who stay. `position`: how far the
    /// order had come.
    pub fn restart(&mut self, position: u64) {
        self.people.clear();
        self.sessions.clear();
        for room in self.rooms.values_mut() {
            room.members.clear();
            room.renamed = None;
            room.spoke.clear();
            room.has_past = true;
        }
        let mut accounts: Vec<(u32, String)> =
            self.accounts.iter().map(|(key, account)| (account.serial, key.clone())).collect();
        accounts.sort();
        self.accounts.values_mut().for_each(|account| account.stays = false);
        for (_, account) in accounts {
            if let Some(kept) = self.accounts[&account].kept_as.clone() {
                self.bring_back(&account, kept, position);
            }
        }
    }

    fn bring_back(&mut self, account: &str, kept: Kept, position: u64) {
        if !self.may_stay(account) {
            return;
        }
        let own_name = self.accounts[account].name.clone();
        let free = [kept.name, own_name].into_iter().find(|name| self.check_name(name, None, Some(account)).is_ok());
        let name = free.unwrap_or_else(|| {
            let numbers = position % 100_000..;
            let mut names = numbers.map(|number| format!("guest{number}"));
            names.find(|name| self.check_name(name, None, None).is_ok()).expect("numbers do not end")
        });
        let who = self.add_person(Person {
            name,
            account: Some(account.to_owned()),
            ident: kept.ident,
            host: kept.host,
            realname: kept.realname,
            sessions: BTreeSet::new(),
            invited_to: VecDeque::new(),
            modes: kept.modes,
            away: kept.away,
            accepted: BTreeSet::new(),
            markers: BTreeMap::new(),
            shows_rank: false,
            group_changes: (0, 0),
            gone_at: None,
        });
        self.account_mut(account).stays = true;
        for (key, roles) in self.accounts[account].kept.clone() {
            if let Some(room) = self.rooms.get_mut(&key) {
                room.members.insert(who, roles);
            }
        }
    }

    /// Those who are here without a device, and may be.
    pub fn staying(&self) -> usize {
        let stays = |person: &&Person| {
            person.sessions.is_empty() && person.account.as_ref().is_some_and(|account| self.accounts[account].stays)
        };
        self.people.values().filter(stays).count()
    }

    // ---- Staying without a device

    /// By the server's word and its own, and as there is room.
    fn may_stay(&self, account: &str) -> bool {
        let is_wanted = match self.always_on {
            AlwaysOn::Disabled => false,
            AlwaysOn::OptIn => self.accounts[account].always_on == Some(true),
            AlwaysOn::OptOut => self.accounts[account].always_on != Some(false),
            AlwaysOn::Mandatory => true,
        };
        let staying = self.accounts.values().filter(|account| account.stays).count();
        is_wanted && (self.accounts[account].stays || staying < self.always_on_accounts)
    }

    fn set_always_on(&mut self, who: Who, choice: Option<bool>, line: &Applied<'_>) -> Permission {
        let Some(account) = self.people[&who].account.clone() else { return no("NotLoggedIn") };
        let before = std::mem::replace(&mut self.account_mut(&account).always_on, choice);
        let is_full = choice == Some(true) && self.always_on != AlwaysOn::Disabled && !self.may_stay(&account);
        if is_full || (before != choice && line.failing) {
            self.account_mut(&account).always_on = before;
            return no(if is_full { "TooManyAlwaysOn" } else { "a storage refusal" });
        }
        if before != choice {
            self.begin_to_stay(who, line);
        }
        Ok(())
    }

    /// Stays from now on if she may, and not if she does not want to any more.
    fn begin_to_stay(&mut self, who: Who, line: &Applied<'_>) {
        let Some(account) = self.people[&who].account.clone() else { return };
        if self.may_stay(&account) {
            if !line.failing {
                self.account_mut(&account).stays = true;
                self.keep(who, line);
            }
        } else if self.accounts[&account].stays {
            self.stop_staying(who, line);
        }
    }

    fn stop_staying(&mut self, who: Who, line: &Applied<'_>) {
        let Some(account) = self.people[&who].account.clone() else { return };
        let account = self.account_mut(&account);
        if std::mem::replace(&mut account.stays, false) && !line.failing {
            account.kept_as = None;
        }
    }

    /// The store is told how someone who stays appears now.
    fn keep(&mut self, who: Who, line: &Applied<'_>) {
        let person = &self.people[&who];
        let Some(account) = person.account.clone().filter(|account| self.accounts[account].stays) else { return };
        if line.failing {
            return;
        }
        let kept = Kept {
            name: person.name.clone(),
            ident: person.ident.clone(),
            host: person.host.clone(),
            realname: person.realname.clone(),
            modes: person.modes.clone(),
            away: person.away.clone(),
        };
        self.account_mut(&account).kept_as = Some(kept);
    }

    /// Applies a line, and compares what was seen of it. `username`: of an account's id.
    pub fn apply(
        &mut self,
        line: &Applied<'_>,
        username: impl Fn(ClientId) -> Option<String>,
    ) -> Result<Consequences, String> {
        let mut consequences = Consequences::default();
        let mut refusals = line.refusals.iter().map(reason_of).peekable();
        for command in line.commands {
            if !is_known(command) {
                refusals = line.refusals[line.refusals.len()..].iter().map(reason_of).peekable();
                continue;
            }
            let storage = refusals.peek().is_some_and(|reason| reason.starts_with("Storage"));
            if storage && !line.failing {
                return Err(format!("{command:?} was refused for a disk that works"));
            }
            let is_post = matches!(command, Command::Post(_));
            if storage
                && !(line.commands.len() > 1 && self.has_come_about(command, line))
                && !self.is_there_already(command, line)
            {
                refusals.next();
                consequences.unsaid.extend(unsaid(command));
                continue;
            }
            // One of several may have been refused before the batch began.
            if is_post && line.again && !storage && line.commands.len() == 1 {
                return Err(format!("{command:?} was in the batch that failed, and was not refused"));
            }
            let reasons = self.carry_out(command, line, &mut consequences, &username)?;
            if is_post && !reasons.is_empty() {
                consequences.unsaid.extend(unsaid(command));
            }
            for expected in reasons {
                let found = refusals.next();
                if found.as_deref() != Some(&expected) {
                    return Err(format!("{command:?} must be refused ({expected}), and was: {found:?}"));
                }
            }
        }
        match refusals.next() {
            Some(reason) => Err(format!("{:?} must not be refused, and was: {reason}", line.commands)),
            None => Ok(consequences),
        }
    }

    /// Does it, and says with which words it is refused, step by step.
    fn carry_out(
        &mut self,
        command: &Command,
        line: &Applied<'_>,
        consequences: &mut Consequences,
        username: &impl Fn(ClientId) -> Option<String>,
    ) -> Result<Vec<String>, String> {
        let one = |done: Permission| done.err().into_iter().collect::<Vec<String>>();
        let session = line.session;
        match command {
            Command::Arrive(arrival) => return Ok(one(self.arrive(session, arrival, line, username))),
            Command::Depart(departure) => {
                self.depart(session, departure, line);
                return Ok(Vec::new());
            }
            Command::LogIn { account, verified, .. } => {
                let name = username(*account).filter(|_| *verified).map(|name| name.to_lowercase());
                return Ok(one(match name.filter(|name| self.accounts.contains_key(name)) {
                    Some(name) => {
                        self.be(session, &name, line);
                        Ok(())
                    }
                    None => no("WrongCredentials"),
                }));
            }
            Command::CreateAccount(new) => return Ok(one(self.create_account(session, new.username.text(), line))),
            Command::DeadlineReached => {
                self.deadline(line);
                return Ok(Vec::new());
            }
            Command::Kill { who, .. } => return Ok(one(self.kill(session, who.text(), line))),
            _ => {}
        }
        let Some(Place::Present { who, secure }) = self.sessions.get(&session).cloned() else {
            return Ok(vec!["NotYours".to_owned()]);
        };
        Ok(match command {
            Command::Join { room, .. } if is_of_group(room.text()) => {
                let is_in = self.room(room.text()).is_some_and(|room| room.members.contains_key(&who));
                let people = people_in(room.text());
                match (is_in, people.len()) {
                    (true, _) => Vec::new(),
                    (false, 0 | 1) => vec!["NoSuchRoom".to_owned()],
                    (false, _) => one(self.open_group(who, &people, line)?),
                }
            }
            Command::OpenGroup { with } => {
                let with: Vec<String> = with.iter().map(|name| name.text().to_string()).collect();
                one(self.open_group(who, &with, line)?)
            }
            Command::Join { room, key, .. } => {
                let way = self.way_into(who, room.text(), key.as_deref(), line);
                let seen = self.has_come_about(command, line);
                let is_new = matches!(way, Ok((_, false)));
                // One of several rooms may send people to another one of them.
                let is_clear = line.commands.len() == 1 || self.rooms.values().all(|room| room.forward.is_none());
                if seen != is_new && is_clear {
                    return Err(format!("{command:?}: expected {way:?}, joined: {seen}"));
                }
                one(way.map(|(key, already)| {
                    if !already {
                        self.join(who, room.text(), &key, line);
                    }
                }))
            }
            Command::Part { room, .. } => one(self.part(who, room.text(), line)),
            Command::PartAll { .. } => {
                for key in self.rooms_of(who) {
                    self.leave(who, &key, line);
                }
                Vec::new()
            }
            Command::SetTopic { room, text } => one(self.set_topic(who, room.text(), text)),
            Command::ChangeRoom { room, changes } => self.change_room(who, room.text(), changes),
            Command::Kick { room, who: whom, .. } => one(self.kick(who, room.text(), whom.text(), line)),
            Command::Invite { room, who: whom } => one(self.invite(who, room.text(), whom.text(), line)),
            Command::RenameRoom { room, to, .. } => one(self.rename_room(who, room.text(), to.text(), line)),
            Command::Rename { to } => one(self.rename(who, to.text(), line)),
            Command::SetAlwaysOn { choice } => one(self.set_always_on(who, *choice, line)),
            Command::SetRealname { to } => {
                if std::mem::replace(&mut self.person_mut(who).realname, to.to_string()) != *to {
                    self.keep(who, line);
                }
                Vec::new()
            }
            Command::SetAway { message } => {
                let words = message.as_deref().map(str::to_owned);
                if std::mem::replace(&mut self.person_mut(who).away, words.clone()) != words {
                    self.keep(who, line);
                }
                Vec::new()
            }
            Command::ChangeOwnModes { changes } => {
                let owns_the_server = self.owns_the_server(who);
                let person = self.person_mut(who);
                let mut has_changed = false;
                for (on, mode) in changes {
                    has_changed |= match (mode, on) {
                        (PersonalMode::Operator, on) => {
                            let shows = *on && owns_the_server;
                            std::mem::replace(&mut person.shows_rank, shows) != shows
                        }
                        (mode, true) => person.modes.insert(*mode as u8),
                        (mode, false) => person.modes.remove(&(*mode as u8)),
                    };
                }
                if has_changed {
                    self.keep(who, line);
                }
                Vec::new()
            }
            Command::ChangeAccepted { changes } => {
                changes.iter().filter_map(|(on, name)| self.change_accepted(who, *on, name.text()).err()).collect()
            }
            Command::MarkRead { of, at } => one(self.mark_read(who, of, at.0, line)),
            Command::Post(post) => {
                let permitted = match &post.to {
                    Recipient::Room { name, at_least } => {
                        self.post_to_room(who, line, name.text(), *at_least, post, consequences)
                    }
                    Recipient::Person { name } => {
                        self.post_to_person(who, session, secure, name.text(), post, consequences)
                    }
                };
                if permitted.is_ok() != has_happened(command, line.events) {
                    return Err(format!("{command:?}: expected {permitted:?}, and it was otherwise"));
                }
                if let (Ok(()), Recipient::Room { .. }) = (&permitted, &post.to) {
                    self.note_said(who, line.events);
                }
                if permitted.is_ok() && line.failing && post.kind != MessageKind::Signal {
                    return Err(format!("{command:?} went through while the store took nothing"));
                }
                one(permitted)
            }
            Command::Redact { message, .. } => {
                let permitted = self.redact(who, message.id);
                self.change(command, permitted, message.id, MessageState::Redacted, line)?
            }
            Command::Pin { message } => {
                let permitted = self.pin(who, message);
                self.set_pinned(command, permitted, message.id, true, line)?
            }
            Command::Unpin { of: Conversation::Room(room), which: WhichPin::Of(id) } => {
                let permitted = self.unpin(who, room.text(), *id);
                self.set_pinned(command, permitted, *id, false, line)?
            }
            Command::Edit { message, between_programs, .. } => {
                let permitted = self.edit(who, message.id, *between_programs, line);
                self.change(command, permitted, message.id, MessageState::Edited, line)?
            }
            _ => Vec::new(),
        })
    }

    // ---- What was said before

    /// The message has become this, if it may, and whoever asked for it was told.
    fn change(
        &mut self,
        command: &Command,
        permitted: Permission,
        id: MessageId,
        state: MessageState,
        line: &Applied<'_>,
    ) -> Result<Vec<String>, String> {
        let is_it = |what: &What| match what {
            What::Redacted { target, .. } => state == MessageState::Redacted && *target == id,
            What::Edited { target, .. } => state == MessageState::Edited && *target == id,
            _ => false,
        };
        let seen = line.events.iter().any(|event| matches!(event, Event::Happened(event) if is_it(&event.what)));
        if permitted.is_ok() != seen {
            return Err(format!("{command:?}: expected {permitted:?}, and it was otherwise"));
        }
        if let (Ok(()), Some(said)) = (&permitted, self.said.get_mut(&id)) {
            said.state = state;
            said.is_pinned &= state != MessageState::Redacted;
        }
        Ok(permitted.err().into_iter().collect())
    }

    /// The name of the room that a message was said in, as it is now, for someone who is in it; and whether she said it.
    fn place_of(&self, who: Who, id: MessageId) -> Result<(String, bool), String> {
        let said = self.said.get(&id).ok_or("NoSuchMessage")?;
        let room = self.rooms.values().find(|room| room.serial == said.room).ok_or("NoSuchMessage")?;
        let key = self.insider(who, &room.name)?;
        Ok((key, said.speaker == self.speaker(who)))
    }

    fn still_there(&self, id: MessageId) -> Permission {
        if self.said[&id].state == MessageState::Redacted { no("NoSuchMessage") } else { Ok(()) }
    }

    fn redact(&self, who: Who, id: MessageId) -> Permission {
        let (key, is_own) = self.place_of(who, id)?;
        if !is_own && self.ranks(who, &key, Role::HalfOperator).is_err() {
            return no("NotTheAuthor");
        }
        self.still_there(id)
    }

    // ---- Pins

    fn pin(&self, who: Who, message: &Message) -> Permission {
        let (key, _) = self.place_of(who, message.id)?;
        self.may_pin(who, &key)?;
        self.still_there(message.id)?;
        if message.audience.is_some() {
            return no("CannotPin");
        }
        if self.said[&message.id].is_pinned {
            return no("AlreadyPinned");
        }
        let room = self.said[&message.id].room;
        let pinned = self.said.values().filter(|said| said.room == room && said.is_pinned).count();
        if pinned >= PINS { no("TooManyPins") } else { Ok(()) }
    }

    fn unpin(&self, who: Who, room: &str, id: MessageId) -> Permission {
        let key = self.insider(who, room)?;
        self.may_pin(who, &key)?;
        let is_pinned = |said: &Said| said.room == self.rooms[&key].serial && said.is_pinned;
        if self.said.get(&id).is_some_and(is_pinned) { Ok(()) } else { no("NotPinned") }
    }

    fn may_pin(&self, who: Who, key: &str) -> Permission {
        if self.rooms[key].is_group { Ok(()) } else { self.ranks(who, key, Role::HalfOperator) }
    }

    /// Whoever asked was told, if she may, and else not.
    fn set_pinned(
        &mut self,
        command: &Command,
        permitted: Permission,
        id: MessageId,
        pinned: bool,
        line: &Applied<'_>,
    ) -> Result<Vec<String>, String> {
        let is_it = |what: &What| matches!(what, What::Pinned { target, on, .. } if *target == id && *on == pinned);
        let seen = line.events.iter().any(|event| matches!(event, Event::Happened(event) if is_it(&event.what)));
        if permitted.is_ok() != seen {
            return Err(format!("{command:?}: expected {permitted:?}, and it was otherwise"));
        }
        if let (Ok(()), Some(said)) = (&permitted, self.said.get_mut(&id)) {
            said.is_pinned = pinned;
        }
        Ok(permitted.err().into_iter().collect())
    }

    fn edit(&self, who: Who, id: MessageId, between_programs: bool, line: &Applied<'_>) -> Permission {
        let (key, is_own) = self.place_of(who, id)?;
        if !is_own {
            return no("NotTheAuthor");
        }
        if self.is_screened(who, &key) {
            return no("CannotSpeak Screened");
        }
        self.may_speak(who, &key, between_programs, None, line)?;
        self.still_there(id)
    }

    /// Who speaks: an account on any device, a guest in one stay.
    fn speaker(&self, who: Who) -> String {
        self.people[&who].account.clone().unwrap_or_else(|| format!("guest {who}"))
    }

    /// Enters a room that it is in: nothing is to be done, with or without a disk.
    fn is_there_already(&self, command: &Command, line: &Applied<'_>) -> bool {
        matches!(self.way_of(command, line), Some(Ok((_, true))))
    }

    /// Where a JOIN leads; `None`: it is none, or of nobody.
    fn way_of(&self, command: &Command, line: &Applied<'_>) -> Option<Result<(String, bool), String>> {
        match (command, self.sessions.get(&line.session)) {
            (Command::Join { room, .. }, Some(Place::Present { who, .. })) if is_of_group(room.text()) => {
                if self.room(room.text()).is_some_and(|room| room.members.contains_key(who)) {
                    return Some(Ok((room.text().as_str().to_lowercase(), true)));
                }
                let people = self.people_for_group(*who, &people_in(room.text()));
                Some(people.map(|people| match self.group_of(&people) {
                    Some(key) => (key, true),
                    None => (self.new_group(line.events).unwrap_or_default().to_lowercase(), false),
                }))
            }
            (Command::Join { room, key, .. }, Some(Place::Present { who, .. })) => {
                Some(self.way_into(*who, room.text(), key.as_deref(), line))
            }
            _ => None,
        }
    }

    /// Whether its session was told of it, in the room that it leads to.
    fn has_come_about(&self, command: &Command, line: &Applied<'_>) -> bool {
        match self.way_of(command, line) {
            Some(Ok((key, _))) => has_happened_in(&key, line.events),
            _ => has_happened(command, line.events),
        }
    }

    // ---- Read markers

    fn mark_read(&mut self, who: Who, of: &Conversation, at: u64, line: &Applied<'_>) -> Permission {
        let mut read = None;
        let marked = match of {
            Conversation::Room(name) => {
                if !self.room(name.text()).is_some_and(|room| room.members.contains_key(&who)) {
                    return no("NotMember");
                }
                let room = self.room_mut(&name.text().as_str().to_lowercase());
                // What someone has read is not forgotten.
                let marked = Marked::Room(room.serial);
                read = Some(name.text().as_str().to_lowercase());
                marked
            }
            Conversation::With(name) => match self.named(name.text()) {
                Some(other) => match &self.people[&other].account {
                    Some(account) => Marked::Account(account.clone()),
                    None => Marked::Guest(other),
                },
                None if self.accounts.contains_key(&name.text().as_str().to_lowercase()) => {
                    Marked::Account(name.text().as_str().to_lowercase())
                }
                None => return no("NoSuchClient"),
            },
        };
        let account = self.people[&who].account.clone();
        let markers = match &account {
            Some(account) => &mut self.account_mut(account).markers,
            None => &mut self.person_mut(who).markers,
        };
        let at = at.min(line.at);
        if markers.get(&marked).is_some_and(|before| *before >= at) {
            return Ok(());
        }
        if account.is_some() && line.failing {
            return no("a storage refusal");
        }
        markers.insert(marked, at);
        if let Some(key) = read {
            self.room_mut(&key).has_past = true;
        }
        Ok(())
    }

    /// Up to when this person has read a room.
    pub fn marker_of_room(&self, who: Who, room: &str) -> Option<u64> {
        let person = &self.people[&who];
        let markers = person.account.as_ref().map_or(&person.markers, |account| &self.accounts[account].markers);
        markers.get(&Marked::Room(self.room(room)?.serial)).copied()
    }

    // ---- Coming and going

    fn arrive(
        &mut self,
        session: SessionId,
        arrival: &Arrival,
        line: &Applied<'_>,
        username: &impl Fn(ClientId) -> Option<String>,
    ) -> Permission {
        let proved = match self.sessions.get(&session) {
            Some(Place::Present { .. }) => return Ok(()),
            Some(Place::Proved(account)) => Some(account.clone()),
            None => None,
        };
        let claimed = arrival.account.map(|id| username(id).unwrap_or_default().to_lowercase());
        if claimed.is_some() && claimed != proved {
            return no("WrongCredentials");
        }
        let secure = arrival.secure;
        if let Some(account) = &proved
            && let Some(who) = self.present_as(account)
        {
            self.person_mut(who).sessions.insert(session);
            self.person_mut(who).gone_at = None;
            self.sessions.insert(session, Place::Present { who, secure });
            return Ok(());
        }
        self.check_name(arrival.name.text(), None, proved.as_deref())?;
        let who = self.add_person(Person {
            name: arrival.name.text().to_string(),
            account: proved.clone(),
            ident: arrival.ident.to_string(),
            host: arrival.host.to_string(),
            realname: arrival.realname.to_string(),
            sessions: BTreeSet::from([session]),
            invited_to: VecDeque::new(),
            modes: BTreeSet::new(),
            away: None,
            accepted: BTreeSet::new(),
            markers: BTreeMap::new(),
            shows_rank: false,
            group_changes: (0, 0),
            gone_at: None,
        });
        self.sessions.insert(session, Place::Present { who, secure });
        self.begin_to_stay(who, line);
        if let Some(account) = proved {
            self.return_to_rooms(who, &account, line);
        }
        Ok(())
    }

    fn depart(&mut self, session: SessionId, departure: &Departure, line: &Applied<'_>) {
        let Some(Place::Present { who, .. }) = self.sessions.remove(&session) else { return };
        let grace = line.at + self.grace_ms;
        let person = self.person_mut(who);
        person.sessions.remove(&session);
        if !person.sessions.is_empty() {
            return;
        }
        if self.remains(who, line) {
            return;
        }
        let person = self.person_mut(who);
        if person.account.is_some() && matches!(departure, Departure::Broken { .. }) {
            person.gone_at = Some(grace);
        } else {
            self.quit(who, line);
        }
    }

    /// Whether someone without a device is still here. Nobody shows a rank for her then.
    fn remains(&mut self, who: Who, line: &Applied<'_>) -> bool {
        self.begin_to_stay(who, line);
        let account = self.people[&who].account.as_ref();
        let remains = account.is_some_and(|account| self.accounts[account].stays);
        if remains {
            self.person_mut(who).shows_rank = false;
        }
        remains
    }

    fn deadline(&mut self, line: &Applied<'_>) {
        let gone = |person: &Person| person.gone_at.is_some_and(|at| at <= line.at);
        let gone: Vec<Who> = self.people.iter().filter(|(_, person)| gone(person)).map(|(who, _)| *who).collect();
        for who in gone {
            self.quit(who, line);
        }
    }

    fn kill(&mut self, session: SessionId, name: &str, line: &Applied<'_>) -> Permission {
        let may = match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) => self.owns_the_server(*who),
            _ => false,
        };
        if !may {
            return no("NotOperator");
        }
        let Some(who) = self.named(name) else { return no("NoSuchClient") };
        for session in std::mem::take(&mut self.person_mut(who).sessions) {
            self.sessions.remove(&session);
        }
        self.quit(who, line);
        Ok(())
    }

    fn quit(&mut self, who: Who, line: &Applied<'_>) {
        let rooms = self.rooms_of(who);
        for key in &rooms {
            self.room_mut(key).members.remove(&who);
        }
        self.stop_staying(who, line);
        self.people.remove(&who);
        for key in rooms {
            self.settle(&key, line);
        }
    }

    fn check_name(&self, name: &str, who: Option<Who>, account: Option<&str>) -> Permission {
        let key = name.to_lowercase();
        if self.named(name).is_some_and(|holder| Some(holder) != who) {
            return no("NameInUse");
        }
        if self.accounts.contains_key(&key) && account != Some(&key) {
            return no("NameReserved");
        }
        Ok(())
    }

    fn rename(&mut self, who: Who, to: &str, line: &Applied<'_>) -> Permission {
        if self.people[&who].name == to {
            return Ok(());
        }
        let account = self.people[&who].account.clone();
        self.check_name(to, Some(who), account.as_deref())?;
        self.person_mut(who).name = to.to_owned();
        self.keep(who, line);
        Ok(())
    }

    // ---- Accounts

    fn create_account(&mut self, session: SessionId, name: &str, line: &Applied<'_>) -> Permission {
        let who = match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) => Some(*who),
            Some(Place::Proved(_)) => return no("AlreadyLoggedIn"),
            None => None,
        };
        if who.is_some_and(|who| self.people[&who].account.is_some()) {
            return no("AlreadyLoggedIn");
        }
        let key = name.to_lowercase();
        if self.accounts.contains_key(&key) {
            return no("AccountExists");
        }
        if self.named(name).is_some_and(|holder| Some(holder) != who) {
            return no("NameInUse");
        }
        let owns_the_server = self.accounts.is_empty();
        self.next += 1;
        let account = Account {
            name: name.to_owned(),
            owns_the_server,
            kept: BTreeMap::new(),
            markers: BTreeMap::new(),
            serial: self.next,
            always_on: None,
            stays: false,
            kept_as: None,
        };
        self.accounts.insert(key.clone(), account);
        self.be(session, &key, line);
        Ok(())
    }

    /// The session is this account's from now on. One that is another account's does not ask for this.
    fn be(&mut self, session: SessionId, account: &str, line: &Applied<'_>) {
        let who = match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) => *who,
            _ => {
                self.sessions.insert(session, Place::Proved(account.to_owned()));
                return;
            }
        };
        if self.people[&who].account.is_some() {
            return;
        }
        let read = std::mem::take(&mut self.person_mut(who).markers);
        for (marked, at) in read {
            let marker = self.account_mut(account).markers.entry(marked).or_default();
            *marker = at.max(*marker);
        }
        if let Some(other) = self.present_as(account) {
            // The guest goes, its session joins the others of the account.
            self.person_mut(who).sessions.remove(&session);
            self.quit(who, line);
            self.person_mut(other).sessions.insert(session);
            self.person_mut(other).gone_at = None;
            if let Some(Place::Present { who, .. }) = self.sessions.get_mut(&session) {
                *who = other;
            }
            return;
        }
        self.person_mut(who).account = Some(account.to_owned());
        self.begin_to_stay(who, line);
        for key in self.rooms_of(who) {
            let kept = self.accounts[account].kept.get(&key).map_or(0, |roles| roles.0);
            let roles = self.room_mut(&key).members.get_mut(&who);
            let Some(roles) = roles else { continue };
            roles.0 |= kept;
            let roles = *roles;
            self.account_mut(account).kept.insert(key, roles);
        }
        self.return_to_rooms(who, account, line);
    }

    fn return_to_rooms(&mut self, who: Who, account: &str, line: &Applied<'_>) {
        for (key, mut roles) in self.accounts[account].kept.clone() {
            if self.room(&key).is_none_or(|room| room.members.contains_key(&who)) {
                continue;
            }
            if self.is_abandoned(&key, line) {
                self.open_up(&key);
                roles = roles.with(Role::Operator);
                self.account_mut(account).kept.insert(key.clone(), roles);
            }
            self.room_mut(&key).members.insert(who, roles);
        }
    }

    // ---- Rooms

    /// The key of the room that someone comes into who wants to enter this one, and whether she is there already.
    fn way_into(&self, who: Who, name: &str, key: Option<&str>, line: &Applied<'_>) -> Result<(String, bool), String> {
        let mut at = name.to_lowercase();
        let is_in = |key: &str| self.rooms.get(key).is_some_and(|room| room.members.contains_key(&who));
        if is_in(&at) {
            return Ok((at, true));
        }
        let rooms = self.rooms_of(who);
        if rooms.iter().filter(|key| !self.rooms[*key].is_group).count() >= self.rooms_per_client {
            return no("TooManyRooms");
        }
        if !self.rooms.contains_key(&at) || self.is_abandoned(&at, line) {
            return Ok((at, false));
        }
        let Err(refusal) = self.may_join(who, &at, key) else { return Ok((at, false)) };
        let mut reason = refusal.clone();
        for _ in 0..8 {
            let sends_on = ["Banned", "InviteOnly", "RoomFull", "AccountsOnly"].contains(&reason.as_str());
            let Some(next) = self.forward_of(&at).filter(|_| sends_on) else { break };
            at = next;
            if is_in(&at) {
                return Ok((at, true));
            }
            if self.is_abandoned(&at, line) {
                return Ok((at, false));
            }
            match self.may_join(who, &at, None) {
                Ok(()) => return Ok((at, false)),
                Err(another) => reason = another,
            }
        }
        Err(refusal)
    }

    fn forward_of(&self, key: &str) -> Option<String> {
        let serial = self.rooms.get(key)?.forward?;
        self.rooms.iter().find(|(_, room)| room.serial == serial).map(|(key, _)| key.clone())
    }

    pub fn forward_name(&self, room: &Room) -> Option<&str> {
        self.rooms.values().find(|other| Some(other.serial) == room.forward).map(|other| other.name.as_str())
    }

    /// She may.
    fn join(&mut self, who: Who, name: &str, room_key: &str, line: &Applied<'_>) {
        let room_key = room_key.to_owned();
        let account = self.people[&who].account.clone();
        let roles = if self.rooms.contains_key(&room_key) {
            if self.is_abandoned(&room_key, line) {
                self.open_up(&room_key);
            }
            let serial = self.rooms[&room_key].serial;
            self.person_mut(who).invited_to.retain(|invited| *invited != serial);
            if self.is_nobodys(&room_key) { Roles::of(Role::Operator) } else { Roles::NONE }
        } else {
            self.add_room(name);
            Roles::of(if account.is_some() { Role::Owner } else { Role::Operator })
        };
        if let Some(account) = account {
            self.account_mut(&account).kept.insert(room_key.clone(), roles);
        }
        self.room_mut(&room_key).members.insert(who, roles);
    }

    fn may_join(&self, who: Who, room_key: &str, key: Option<&str>) -> Permission {
        let (room, person) = (&self.rooms[room_key], &self.people[&who]);
        if self.acts_as_owner(who) {
            return Ok(());
        }
        if room.has(RoomFlag::AccountsJoin) && person.account.is_none() {
            return no("AccountsOnly");
        }
        let invited = person.invited_to.contains(&room.serial);
        if !invited && room.silence_of(person) == Some("Banned") {
            return no("Banned");
        }
        let listed = || room.list(ListKind::Invitation).any(|mask| fits(mask, person));
        if !invited && room.has(RoomFlag::InviteOnly) && !listed() {
            return no("InviteOnly");
        }
        if room.key.is_some() && room.key.as_deref() != key {
            return no("WrongKey");
        }
        if !invited && room.limit.is_some_and(|limit| room.members.len() >= limit as usize) {
            return no("RoomFull");
        }
        Ok(())
    }

    fn part(&mut self, who: Who, name: &str, line: &Applied<'_>) -> Permission {
        let key = self.visible(who, name)?;
        if !self.rooms[&key].members.contains_key(&who) {
            return no("NotMember");
        }
        self.leave(who, &key, line);
        Ok(())
    }

    /// Out of the room for good.
    fn leave(&mut self, who: Who, key: &str, line: &Applied<'_>) {
        self.room_mut(key).members.remove(&who);
        if let Some(account) = self.people[&who].account.clone() {
            self.account_mut(&account).kept.remove(key);
        }
        self.settle(key, line);
    }

    fn set_topic(&mut self, who: Who, name: &str, text: &str) -> Permission {
        let key = self.insider(who, name)?;
        if self.rooms[&key].has(RoomFlag::TopicLocked) {
            self.ranks(who, &key, Role::HalfOperator)?;
        }
        self.room_mut(&key).has_topic = !text.is_empty();
        Ok(())
    }

    fn rename_room(&mut self, who: Who, name: &str, to: &str, line: &Applied<'_>) -> Permission {
        let key = self.insider(who, name)?;
        let room = &self.rooms[&key];
        if !room.is_group {
            self.ranks(who, &key, if room.has(RoomFlag::Registered) { Role::Owner } else { Role::Operator })?;
        }
        let to_key = to.to_lowercase();
        let is_other = to_key != key;
        if room.name == to
            || room.is_group != is_of_group(to)
            || (room.is_group && to.matches('+').count() > 1)
            || (is_other && (key == "#lobby" || self.rooms.contains_key(&to_key)))
            || room.renamed.is_some_and(|at| line.at < at + 60_000)
        {
            return no("NotRenamed");
        }
        if let Some(mut room) = self.rooms.remove(&key) {
            room.name = to.to_owned();
            room.renamed = Some(line.at);
            self.rooms.insert(to_key.clone(), room);
        }
        for account in self.accounts.values_mut() {
            if let Some(roles) = account.kept.remove(&key) {
                account.kept.insert(to_key.clone(), roles);
            }
        }
        Ok(())
    }

    fn invite(&mut self, who: Who, name: &str, whom: &str, line: &Applied<'_>) -> Permission {
        let key = self.insider(who, name)?;
        if self.rooms[&key].is_group {
            let account = self.account_for_group(whom)?;
            if self.accounts[&account].kept.contains_key(&key) {
                return no("AlreadyMember");
            }
            self.count_group_change(who, line)?;
            self.bring_in(&account, &key);
            return Ok(());
        }
        if self.rooms[&key].has(RoomFlag::InviteOnly) {
            self.ranks(who, &key, Role::HalfOperator)?;
        }
        let Some(whom) = self.named(whom) else { return no("NoSuchClient") };
        let room = &self.rooms[&key];
        if room.members.contains_key(&whom) {
            return no("AlreadyMember");
        }
        let serial = room.serial;
        let invited_to = &mut self.person_mut(whom).invited_to;
        invited_to.retain(|invited| *invited != serial);
        invited_to.push_back(serial);
        Ok(())
    }

    // ---- Groups

    /// The outer error: it was otherwise.
    fn open_group(&mut self, who: Who, with: &[String], line: &Applied<'_>) -> Result<Permission, String> {
        let people = match self.people_for_group(who, with) {
            Ok(people) => people,
            Err(reason) => return Ok(no(&reason)),
        };
        if self.group_of(&people).is_some() {
            return Ok(Ok(()));
        }
        if let Err(reason) = self.count_group_change(who, line) {
            return Ok(no(&reason));
        }
        let Some(name) = self.new_group(line.events) else {
            return Err(format!("{people:?} must have a new group, and have none"));
        };
        let room = self.add_room(&name);
        room.is_group = true;
        room.flags = ["MembersSpeak", "Secret", "InviteOnly", "HistorySinceJoin", "Unlisted"]
            .map(|word| {
                RoomFlag::ALL.into_iter().find(|flag| format!("{flag:?}") == word).map_or(99, |flag| flag as u16)
            })
            .into();
        for account in people {
            self.bring_in(&account, &name.to_lowercase());
        }
        Ok(Ok(()))
    }

    fn people_for_group(&self, who: Who, with: &[String]) -> Result<BTreeSet<String>, String> {
        let own = self.people[&who].account.clone().ok_or("NotLoggedIn")?;
        let mut people = BTreeSet::from([own]);
        for name in with {
            people.insert(self.account_for_group(name)?);
        }
        if (3..=10).contains(&people.len()) { Ok(people) } else { no("GroupSize") }
    }

    fn account_for_group(&self, name: &str) -> Result<String, String> {
        if let Some(who) = self.named(name) {
            return self.people[&who].account.clone().ok_or("GuestInGroup".to_owned());
        }
        let key = name.to_lowercase();
        if self.accounts.contains_key(&key) { Ok(key) } else { no("NoSuchClient") }
    }

    /// The oldest group of exactly these.
    fn group_of(&self, people: &BTreeSet<String>) -> Option<String> {
        let members = |key: &String| -> BTreeSet<String> {
            let keep = self.accounts.iter().filter(|(_, account)| account.kept.contains_key(key));
            keep.map(|(name, _)| name.clone()).collect()
        };
        let groups = self.rooms.iter().filter(|(key, room)| room.is_group && members(key) == *people);
        groups.min_by_key(|(_, room)| room.serial).map(|(key, _)| key.clone())
    }

    /// The name of a group that nobody knew of before, as its opener was told.
    fn new_group(&self, events: &[Event]) -> Option<String> {
        let names = events.iter().filter_map(room_of).filter(|name| is_of_group(name));
        names.filter(|name| self.room(name).is_none()).map(str::to_owned).next()
    }

    fn count_group_change(&mut self, who: Who, line: &Applied<'_>) -> Permission {
        let hour = line.at / 3_600_000;
        let counted = &mut self.person_mut(who).group_changes;
        if counted.0 != hour {
            *counted = (hour, 0);
        }
        if counted.1 >= 30 {
            return no("GroupsTooOften");
        }
        counted.1 += 1;
        Ok(())
    }

    /// For good; and if someone is here as it, now.
    fn bring_in(&mut self, account: &str, key: &str) {
        self.account_mut(account).kept.insert(key.to_owned(), Roles::NONE);
        if let Some(who) = self.present_as(account) {
            self.room_mut(key).members.insert(who, Roles::NONE);
        }
    }

    fn kick(&mut self, who: Who, name: &str, whom: &str, line: &Applied<'_>) -> Permission {
        let key = self.visible(who, name)?;
        let found = self.member_of(&key, whom);
        self.insider(who, name)?;
        self.ranks(who, &key, Role::HalfOperator)?;
        self.not_above(who, &key, &found)?;
        match found? {
            Member::Here(whom) => self.leave(whom, &key, line),
            Member::Away(account) => {
                self.account_mut(&account).kept.remove(&key);
            }
        }
        Ok(())
    }

    fn change_room(&mut self, who: Who, name: &str, changes: &[RoomChange]) -> Vec<String> {
        let key = match self.visible(who, name) {
            Ok(key) => key,
            Err(reason) => return vec![reason],
        };
        changes.iter().filter_map(|change| self.change_room_once(who, name, &key, change).err()).collect()
    }

    fn change_room_once(&mut self, who: Who, name: &str, key: &str, change: &RoomChange) -> Permission {
        let found = match change {
            RoomChange::Role { who: whom, .. } => self.member_of(key, whom.text()),
            _ => no(""),
        };
        self.insider(who, name)?;
        match change {
            RoomChange::Flag { on, flag } => {
                let needed = if *flag == RoomFlag::Registered { Role::Owner } else { Role::Operator };
                self.ranks(who, key, needed)?;
                let room = self.room_mut(key);
                let is_on = room.has(*flag);
                if is_on && !on && *flag == RoomFlag::Registered && key == "#lobby" {
                    return no("FlagRefused");
                }
                if *on {
                    room.flags.insert(*flag as u16);
                } else {
                    room.flags.remove(&(*flag as u16));
                }
            }
            RoomChange::Key { key: wanted } => {
                self.ranks(who, key, Role::Operator)?;
                self.room_mut(key).key = wanted.as_ref().map(ToString::to_string);
            }
            RoomChange::Retention { seconds } => {
                self.ranks(who, key, Role::Operator)?;
                self.room_mut(key).retention = *seconds;
            }
            RoomChange::MemberLimit { limit } => {
                self.ranks(who, key, Role::Operator)?;
                self.room_mut(key).limit = *limit;
            }
            RoomChange::SlowMode { seconds } => {
                self.ranks(who, key, Role::HalfOperator)?;
                self.room_mut(key).slow = *seconds;
            }
            RoomChange::Forward { to } => {
                self.ranks(who, key, Role::Operator)?;
                let target = match to {
                    None => None,
                    Some(to) => {
                        let Ok(to) = self.visible(who, to.text()) else { return no("NoForwardTarget") };
                        self.ranks(who, &to, Role::Operator)?;
                        let mut way = vec![to.clone()];
                        while let Some(next) = way.last().and_then(|last| self.forward_of(last)) {
                            way.push(next);
                            if way.len() > 8 {
                                break;
                            }
                        }
                        if way.len() >= 8 || way.iter().any(|room| room == key) {
                            return no("NotForwarded");
                        }
                        Some(self.rooms[&to].serial)
                    }
                };
                self.room_mut(key).forward = target;
            }
            RoomChange::List { on, list, mask, .. } => {
                let needed = if *list == ListKind::Ban { Role::HalfOperator } else { Role::Operator };
                self.ranks(who, key, needed)?;
                let most = self.list_entries;
                let room = self.room_mut(key);
                let at = room.lists.iter().position(|(of, listed)| of == list && listed.eq_ignore_ascii_case(mask));
                match (on, at) {
                    (true, None) if room.list(*list).count() >= most => return no("ListFull"),
                    (true, None) => room.lists.push((*list, mask.to_string())),
                    (false, Some(at)) => {
                        room.lists.remove(at);
                    }
                    _ => {}
                }
            }
            RoomChange::Role { on, role, .. } => {
                let oneself = matches!(&found, Ok(Member::Here(whom)) if *whom == who);
                if *on || !oneself {
                    let needed = match role {
                        Role::Voice => Role::HalfOperator,
                        Role::HalfOperator | Role::Operator => Role::Operator,
                        Role::Admin | Role::Owner => Role::Owner,
                    };
                    self.ranks(who, key, needed)?;
                    self.not_above(who, key, &found)?;
                }
                let member = found?;
                let before = self.roles_of(key, &member);
                let after = if *on { before.with(*role) } else { before.without(*role) };
                let account = match member {
                    Member::Here(whom) => {
                        self.room_mut(key).members.insert(whom, after);
                        self.people[&whom].account.clone()
                    }
                    Member::Away(account) => Some(account),
                };
                if let Some(account) = account {
                    self.account_mut(&account).kept.insert(key.to_owned(), after);
                }
            }
        }
        Ok(())
    }

    /// What becomes of a room that the last one has left.
    fn settle(&mut self, key: &str, line: &Applied<'_>) {
        if self.rooms[key].is_group && !self.accounts.values().any(|account| account.kept.contains_key(key)) {
            self.rooms.remove(key);
            return;
        }
        if !self.is_abandoned(key, line) {
            return;
        }
        let room = &self.rooms[key];
        let is_kept = self.accounts.values().any(|account| account.kept.contains_key(key));
        if room.has_past || room.has_topic || is_kept {
            self.open_up(key);
        } else {
            self.rooms.remove(key);
        }
    }

    /// Nobody is in it, and nobody will ever come back to it as its operator. A failing store lets that be for later.
    fn is_abandoned(&self, key: &str, line: &Applied<'_>) -> bool {
        !line.failing && self.is_nobodys(key)
    }

    fn is_nobodys(&self, key: &str) -> bool {
        let operates = |account: &Account| account.kept.get(key).is_some_and(|roles| roles.at_least(Role::Operator));
        let is_empty = |room: &Room| room.members.is_empty() && !room.has(RoomFlag::Registered) && !room.is_group;
        self.room(key).is_some_and(is_empty) && !self.accounts.values().any(operates)
    }

    fn open_up(&mut self, key: &str) {
        let room = self.room_mut(key);
        // Who reads the past is promised to those who spoke.
        let promised = room.has(RoomFlag::HistorySinceJoin);
        room.flags = new_flags();
        if promised {
            room.flags.insert(RoomFlag::HistorySinceJoin as u16);
        }
        room.key = None;
        room.limit = None;
        room.slow = None;
        room.forward = None;
        room.lists.clear();
    }

    // ---- Who may

    /// The key of a room that one may know of.
    fn visible(&self, who: Who, name: &str) -> Result<String, String> {
        let key = name.to_lowercase();
        let Some(room) = self.rooms.get(&key) else { return no("NoSuchRoom") };
        if room.has(RoomFlag::Secret) && !room.members.contains_key(&who) && !self.acts_as_owner_in(&key, who) {
            return no("NoSuchRoom");
        }
        Ok(key)
    }

    /// The same of a room that one is in.
    fn insider(&self, who: Who, name: &str) -> Result<String, String> {
        let key = self.visible(who, name)?;
        let may = self.rooms[&key].members.contains_key(&who) || self.acts_as_owner_in(&key, who);
        if may { Ok(key) } else { no("NotMember") }
    }

    fn ranks(&self, who: Who, key: &str, role: Role) -> Permission {
        if self.rooms[key].is_group {
            return no("NobodyRanks");
        }
        let has = self.rooms[key].members.get(&who).is_some_and(|roles| roles.at_least(role));
        if has || self.acts_as_owner(who) { Ok(()) } else { no("NeedsRole") }
    }

    fn not_above(&self, who: Who, key: &str, found: &Result<Member, String>) -> Permission {
        let rank = |roles: Roles| roles.highest().map_or(-1, |role| role as i32);
        let mine = self.rooms[key].members.get(&who).copied().unwrap_or_default();
        let (theirs, oneself) = match found {
            Ok(member) => (self.roles_of(key, member), matches!(member, Member::Here(whom) if *whom == who)),
            Err(_) => (Roles::NONE, false),
        };
        if oneself || self.acts_as_owner(who) || rank(theirs) <= rank(mine) { Ok(()) } else { no("Outranked") }
    }

    /// The member of that name: here, or an account that is away.
    fn member_of(&self, key: &str, name: &str) -> Result<Member, String> {
        let here = self.named(name);
        if let Some(who) = here.filter(|who| self.rooms[key].members.contains_key(who)) {
            return Ok(Member::Here(who));
        }
        let account = name.to_lowercase();
        let kept = self.accounts.get(&account).is_some_and(|account| account.kept.contains_key(key));
        if kept && self.present_as(&account).is_none() {
            return Ok(Member::Away(account));
        }
        no(if here.is_some() { "TheyAreNotMember" } else { "NoSuchClient" })
    }

    fn roles_of(&self, key: &str, member: &Member) -> Roles {
        match member {
            Member::Here(who) => self.rooms[key].members.get(who).copied(),
            Member::Away(account) => self.accounts[account].kept.get(key).copied(),
        }
        .unwrap_or_default()
    }

    /// Nobody is above the members of a group.
    fn acts_as_owner_in(&self, key: &str, who: Who) -> bool {
        self.acts_as_owner(who) && !self.rooms[key].is_group
    }

    fn acts_as_owner(&self, who: Who) -> bool {
        self.owns_the_server(who) && self.people[&who].shows_rank
    }

    fn owns_the_server(&self, who: Who) -> bool {
        let account = self.people.get(&who).and_then(|person| person.account.as_ref());
        account.is_some_and(|account| self.accounts[account].owns_the_server)
    }

    // ---- Talking

    /// `slow`: seconds between two messages, where that counts.
    fn may_speak(
        &self,
        who: Who,
        key: &str,
        between_programs: bool,
        slow: Option<u32>,
        line: &Applied<'_>,
    ) -> Permission {
        let (room, person) = (&self.rooms[key], &self.people[&who]);
        let roles = room.members.get(&who).copied();
        // Why not is told to those who may know that the room is there.
        let is_hidden = roles.is_none() && room.has(RoomFlag::Secret) && !self.acts_as_owner_in(key, who);
        let no = |why: &str| if is_hidden { no("NoSuchRoom") } else { no(why) };
        if roles.is_none() && room.has(RoomFlag::MembersSpeak) {
            return no("CannotSpeak NotMember");
        }
        if between_programs && room.has(RoomFlag::NoCtcp) {
            return no("CannotSpeak NoCtcp");
        }
        let is_half = self.acts_as_owner_in(key, who) || roles.is_some_and(|roles| roles.at_least(Role::HalfOperator));
        if room.has(RoomFlag::Announcements) && !is_half {
            return no("CannotSpeak Announcements");
        }
        if !self.acts_as_owner_in(key, who) && roles.is_none_or(|roles| roles == Roles::NONE) {
            if let Some(why) = room.silence_of(person) {
                return no(&format!("CannotSpeak {why}"));
            }
            if room.has(RoomFlag::Moderated) {
                return no("CannotSpeak Moderated");
            }
            if room.has(RoomFlag::AccountsSpeak) && person.account.is_none() {
                return no("CannotSpeak AccountsOnly");
            }
            if let Some((slow, last)) = slow.zip(room.spoke.get(&self.speaker(who))) {
                let left = (last + u64::from(slow) * 1000).saturating_sub(line.at);
                if left > 0 {
                    return no(&format!("CannotSpeak Slow {{ wait_seconds: {} }}", left.div_ceil(1000)));
                }
            }
        }
        Ok(())
    }

    /// What she says is for the moderators.
    fn is_screened(&self, who: Who, key: &str) -> bool {
        let room = &self.rooms[key];
        let roles = room.members.get(&who).copied().unwrap_or_default();
        room.has(RoomFlag::OpModerated) && roles == Roles::NONE && !self.acts_as_owner(who)
    }

    fn note_said(&mut self, who: Who, events: &[Event]) {
        for event in events {
            let Event::Posted(message) = event else { continue };
            if message.recipient_id.is_some() || message.kind == MessageKind::Signal {
                continue;
            }
            if let Some(room) = self.room(&message.addressed_to) {
                let said = Said {
                    room: room.serial,
                    speaker: self.speaker(who),
                    state: MessageState::AsSaid,
                    is_pinned: false,
                };
                self.said.entry(message.id).or_insert(said);
            }
        }
    }

    fn post_to_room(
        &mut self,
        who: Who,
        line: &Applied<'_>,
        name: &str,
        at_least: Option<Role>,
        post: &Post,
        consequences: &mut Consequences,
    ) -> Permission {
        let (session, key) = (line.session, name.to_lowercase());
        let Some(room) = self.rooms.get(&key) else { return no("NoSuchRoom") };
        let is_slow = room.slow.filter(|_| post.kind != MessageKind::Signal);
        self.may_speak(who, &key, post.between_programs, is_slow, line)?;
        let screened = self.is_screened(who, &key).then_some(Role::HalfOperator);
        let at_least = at_least.max(screened);
        let (person, speaker) = (&self.people[&who], self.speaker(who));
        let hears = |roles: &Roles| at_least.is_none_or(|role| roles.at_least(role));
        let hearers = room.members.iter().filter(|(_, roles)| hears(roles));
        let mut sessions: BTreeMap<SessionId, bool> = hearers
            .flat_map(|(hearer, _)| &self.people[hearer].sessions)
            .map(|hearer| (*hearer, *hearer == session))
            .collect();
        // Whoever speaks to a rank that is not hers hears it all the same, on all devices.
        if at_least.is_some() && !sessions.keys().any(|hearer| person.sessions.contains(hearer)) {
            sessions.extend(person.sessions.iter().map(|own| (*own, *own == session)));
        }
        sessions.entry(session).or_insert(true);
        let name = room.name.clone();
        self.tell(&sessions, &name, post, consequences);
        if is_slow.is_some() {
            self.room_mut(&key).spoke.insert(speaker, line.at);
        }
        if post.kind != MessageKind::Signal {
            self.room_mut(&key).has_past = true;
        }
        Ok(())
    }

    fn change_accepted(&mut self, who: Who, on: bool, name: &str) -> Permission {
        let Some(whom) = self.named(name) else { return no("NoSuchClient") };
        let whom = self.speaker(whom);
        let accepted = &mut self.person_mut(who).accepted;
        match on {
            true if !accepted.insert(whom.clone()) => no("AlreadyAccepted"),
            false if !accepted.remove(&whom) => no("NotAccepted"),
            _ => Ok(()),
        }
    }

    fn post_to_person(
        &mut self,
        who: Who,
        session: SessionId,
        secure: bool,
        name: &str,
        post: &Post,
        consequences: &mut Consequences,
    ) -> Permission {
        let own = |sender: &Person| -> BTreeMap<SessionId, bool> {
            sender.sessions.iter().map(|own| (*own, *own == session)).collect()
        };
        let Some(to) = self.named(name) else {
            // An account that is not here reads on its return what other accounts have said to it.
            let sender = &self.people[&who];
            let key = name.to_lowercase();
            let absent = self.accounts.get(&key).filter(|_| self.present_as(&key).is_none());
            let absent = absent.filter(|_| sender.account.is_some() && post.kind != MessageKind::Signal);
            let Some(absent) = absent else { return no("NoSuchClient") };
            self.tell(&own(sender), &absent.name, post, consequences);
            return Ok(());
        };
        let (sender, recipient) = (&self.people[&who], &self.people[&to]);
        let is_accepted = recipient.accepted.contains(&self.speaker(who));
        let takes = |mode: PersonalMode| recipient.modes.contains(&(mode as u8));
        if to != who && takes(PersonalMode::AccountsOnly) && sender.account.is_none() && !is_accepted {
            return no("RecipientWantsAccounts");
        }
        if to != who && recipient.modes.contains(&(PersonalMode::SecureOnly as u8)) && !secure {
            return no("RecipientWantsSecure");
        }
        if to != who && takes(PersonalMode::NoCtcp) && post.between_programs {
            return no("RecipientWantsNoCtcp");
        }
        // Whoever is written to may answer.
        let hers = sender.modes.contains(&(PersonalMode::AccountsOnly as u8));
        if to != who && hers && post.kind != MessageKind::Signal && recipient.account.is_none() {
            let answers = self.speaker(to);
            self.person_mut(who).accepted.insert(answers);
        }
        let (sender, recipient) = (&self.people[&who], &self.people[&to]);
        let mut sessions = own(sender);
        sessions.extend(recipient.sessions.iter().map(|theirs| (*theirs, false)));
        let name = recipient.name.clone();
        self.tell(&sessions, &name, post, consequences);
        if to == who {
            // What one says to oneself is received, and echoed.
            self.tell(&BTreeMap::from([(session, true)]), &name, post, consequences);
        }
        Ok(())
    }

    fn tell(&self, to: &BTreeMap<SessionId, bool>, name: &str, post: &Post, consequences: &mut Consequences) {
        let Some(number) = number_in(&post.text).filter(|_| post.kind != MessageKind::Signal) else { return };
        let telling =
            |(session, own): (&SessionId, &bool)| Telling { session: *session, to: name.to_owned(), number, own: *own };
        consequences.tellings.extend(to.iter().map(telling));
    }

    // ---- Looking up

    pub fn named(&self, name: &str) -> Option<Who> {
        let key = name.to_lowercase();
        self.people.iter().find(|(_, person)| person.name.to_lowercase() == key).map(|(who, _)| *who)
    }

    fn present_as(&self, account: &str) -> Option<Who> {
        self.people.iter().find(|(_, person)| person.account.as_deref() == Some(account)).map(|(who, _)| *who)
    }

    fn room(&self, name: &str) -> Option<&Room> {
        self.rooms.get(&name.to_lowercase())
    }

    /// The keys of all rooms that someone is in.
    pub fn rooms_of(&self, who: Who) -> Vec<String> {
        self.rooms.iter().filter(|(_, room)| room.members.contains_key(&who)).map(|(key, _)| key.clone()).collect()
    }

    fn room_mut(&mut self, key: &str) -> &mut Room {
        self.rooms.get_mut(key).expect("the room was found before")
    }

    fn person_mut(&mut self, who: Who) -> &mut Person {
        self.people.get_mut(&who).expect("the person was found before")
    }

    fn account_mut(&mut self, name: &str) -> &mut Account {
        self.accounts.get_mut(name).expect("the account was found before")
    }

    fn add_person(&mut self, person: Person) -> Who {
        self.next += 1;
        self.people.insert(self.next, person);
        self.next
    }

    fn add_room(&mut self, name: &str) -> &mut Room {
        self.next += 1;
        let room = Room {
            serial: self.next,
            name: name.to_owned(),
            is_group: false,
            flags: new_flags(),
            key: None,
            limit: None,
            slow: None,
            forward: None,
            spoke: BTreeMap::new(),
            retention: None,
            has_topic: false,
            lists: Vec::new(),
            members: BTreeMap::new(),
            renamed: None,
            has_past: false,
        };
        self.rooms.entry(name.to_lowercase()).or_insert(room)
    }
}

#[derive(Debug)]
enum Member {
    Here(Who),
    Away(String),
}

impl Room {
    fn has(&self, flag: RoomFlag) -> bool {
        self.flags.contains(&(flag as u16))
    }

    fn list(&self, kind: ListKind) -> impl Iterator<Item = &str> {
        self.lists.iter().filter(move |(of, _)| *of == kind).map(|(_, mask)| mask.as_str())
    }

    /// Whether the lists keep someone out, or silent.
    fn silence_of(&self, person: &Person) -> Option<&'static str> {
        let matching = |kind| self.list(kind).filter(|mask| fits(mask, person)).collect::<Vec<&str>>();
        let (against, except) = (matching(ListKind::Ban), matching(ListKind::Exception));
        let is_mute = |mask: &&str| mask.starts_with("~m:");
        if except.iter().any(|mask| !is_mute(mask)) {
            return None;
        }
        if against.iter().any(|mask| !is_mute(mask)) {
            return Some("Banned");
        }
        (!against.is_empty() && except.is_empty()).then_some("Muted")
    }
}

/// Whether a room's name is of those that only groups have.
fn is_of_group(name: &str) -> bool {
    name.starts_with("#+")
}

/// Whom a group's name, entered like a room's, means.
fn people_in(name: &str) -> Vec<String> {
    name[2..].split('+').map(str::to_owned).collect()
}

/// What a new room has: members speak (n), operators set the topic (t).
fn new_flags() -> BTreeSet<u16> {
    BTreeSet::from([RoomFlag::MembersSpeak as u16, RoomFlag::TopicLocked as u16])
}

/// Whether a mask means this person.
fn fits(mask: &str, person: &Person) -> bool {
    if let Some(inner) = mask.strip_prefix("~m:") {
        return fits(inner, person);
    }
    if let Some(account) = mask.strip_prefix("~a:") {
        return person.account.as_deref().is_some_and(|own| like(account, own));
    }
    if let Some(realname) = mask.strip_prefix("~r:") {
        return like(realname, &person.realname);
    }
    like(mask, &format!("{}!{}@{}", person.name, person.ident, person.host))
}

/// `*` is any text, `?` any character, letters are equal in any case. Slow and short.
fn like(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) if go(&pattern[1..], text) => true,
            (Some('*'), Some(_)) => go(pattern, &text[1..]),
            (Some(p), Some(t)) => (*p == '?' || p == t) && go(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    go(&letters(pattern), &letters(text))
}

/// Whether the model has an opinion about it.
fn is_known(command: &Command) -> bool {
    !matches!(
        command,
        Command::Ask(_)
            | Command::Watch { .. }
            | Command::Unwatch { .. }
            | Command::UnwatchAll
            | Command::Knock { .. }
            | Command::Announce { .. }
    )
}

/// Whether its session was told of it.
fn has_happened(command: &Command, events: &[Event]) -> bool {
    let in_room = |name: &str| has_happened_in(name, events);
    match command {
        Command::Join { room, .. } | Command::Part { room, .. } => in_room(room.text()),
        Command::Kick { room, .. } => in_room(room.text()),
        Command::Post(post) => match &post.to {
            Recipient::Room { name, .. } => in_room(name.text()),
            Recipient::Person { name } => in_room(name.text()),
        },
        _ => false,
    }
}

fn has_happened_in(name: &str, events: &[Event]) -> bool {
    let name = name.to_lowercase();
    events.iter().any(|event| room_of(event).is_some_and(|room| room.to_lowercase() == name))
}

fn unsaid(command: &Command) -> Option<Unsaid> {
    let Command::Post(post) = command else { return None };
    let number = number_in(&post.text).filter(|_| post.kind != MessageKind::Signal)?;
    let to = match &post.to {
        Recipient::Room { name, .. } => name.text(),
        Recipient::Person { name } => name.text(),
    };
    Some(Unsaid { to: to.to_lowercase().to_string(), number })
}

/// The name of a refusal, with what tells it from others of its name.
fn reason_of(refusal: &Refusal) -> String {
    if let Refusal::CannotSpeak { why, .. } = refusal {
        return format!("CannotSpeak {why:?}");
    }
    let text = format!("{refusal:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (pattern, text, result) in [
            ("*", "", true),
            ("a*c", "aXbC", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("b*", "abc", false),
        ] {
            assert_eq!(like(pattern, text), result, "{pattern} {text}");
        }
    }

    #[test]
    fn reasons() {
        let room = || "#tea".into();
        for (refusal, reason) in [
            (Refusal::Banned { room: room() }, "Banned"),
            (Refusal::StorageFull, "StorageFull"),
            (Refusal::CannotSpeak { room: room(), why: chat::refusal::Silence::Muted }, "CannotSpeak Muted"),
        ] {
            assert_eq!(reason_of(&refusal), reason);
        }
    }
}
