//! A second opinion: rooms, members, bans and accounts once more, as small as they can be and written apart from the
//! hub. It is told every command in the order of the hub, with whether the store took anything, and says what must have
//! come of it.

mod bans;
mod browsers;
mod changes;
mod groups;
mod history;
mod links;
mod markers;
mod masks;
mod outcome;
mod permission;
mod pins;
mod presence;
mod rooms;
mod staying;
mod talking;

use chat::chatroom::RoomFlag;
use chat::command::{Arrival, Command, Departure, NewLink, PersonalMode, Post, Recipient, RoomChange};
use chat::event::{Event, What};
use chat::id::{ClientId, MessageId, RoomNumber, SessionId};
use chat::invite_link::LinkHash;
use chat::membership::{Role, Roles};
use chat::message::{Message, MessageKind, MessageState};
use chat::pin::{PINS, WhichPin};
use chat::query::{Answer, Conversation, Query};
use chat::refusal::{ListKind, Refusal};
use chat::server_ban::{AddressRange, Banned};
use chat::settings::{AlwaysOn, Settings};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use crate::invariants::number_in;
use crate::shard::room_of;
use groups::{is_of_group, people_in};
use masks::fits;
use outcome::{has_happened, has_happened_in, is_known, reason_of, unsaid};

/// Everyone and everything, by names in small letters.
#[derive(Debug)]
pub struct Reference {
    pub accounts: BTreeMap<String, Account>,
    pub rooms: BTreeMap<String, Room>,
    pub people: BTreeMap<Who, Person>,
    pub sessions: BTreeMap<SessionId, Place>,
    /// What was said, and told to someone.
    pub said: BTreeMap<MessageId, Said>,
    /// Direct conversations that were begun.
    /// Direct conversations: the room's number, and of an account's and a guest's what she is, or was, called.
    talks: BTreeMap<Talk, (RoomNumber, Option<String>)>,
    /// Since when someone is a member of a room, by its serial: her account, or the guest that she is.
    joined: BTreeMap<(u32, String), u64>,
    /// Commands so far.
    order: u64,
    /// From the whole server: whom, and until when.
    bans: Vec<(Target, Option<u64>)>,
    /// From where each session comes.
    addresses: BTreeMap<SessionId, IpAddr>,
    /// Guests who have gone: their names, where they came from, their links, and until when these bring them back.
    returning: Vec<(String, IpAddr, WayBack, u64)>,
    /// What keeps browsers logged in, by account and secret, and since when.
    logins: BTreeMap<(String, [u8; 32]), u64>,
    /// Sessions that come from one of them.
    browsers: BTreeMap<SessionId, [u8; 32]>,
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
    talk: Talk,
    speaker: String,
    audience: Option<Role>,
    /// The command that said it.
    order: u64,
    pub state: MessageState,
    is_pinned: bool,
    /// What its author has given it since.
    pub text: Option<String>,
    /// As the hub sees it.
    message: Arc<Message>,
}

/// Where something is said.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Talk {
    /// By its serial.
    Room(u32),
    /// Between these two speakers, in the order of their names.
    Direct(String, String),
}

impl Talk {
    fn between(one: String, other: String) -> Talk {
        if one <= other { Talk::Direct(one, other) } else { Talk::Direct(other, one) }
    }
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
    /// Of which hour, and how many.
    group_changes: (u64, u32),
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
    links: Vec<Link>,
    /// In the order in which they came, with their ends.
    pub lists: Vec<(ListKind, String, Option<u64>)>,
    pub members: BTreeMap<Who, Roles>,
    /// When its other names are paid for, a minute each.
    renames_paid_at: u64,
    /// Folded, and until when they lead to it; the newest first.
    former_names: Vec<(String, u64)>,
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
    /// Of a guest: where she came from, and by which links.
    ways_back: Vec<(IpAddr, WayBack)>,
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

/// A link by which a guest may come back.
#[derive(Clone, PartialEq, Debug)]
struct WayBack {
    hash: LinkHash,
    /// The room's.
    serial: u32,
    expires: Option<u64>,
}

/// A link into a room.
#[derive(Debug)]
struct Link {
    hash: LinkHash,
    expires: Option<u64>,
    uses_left: Option<u32>,
}

/// Whom a ban from the server keeps out.
#[derive(Clone, PartialEq, Debug)]
enum Target {
    Account(String),
    Range(AddressRange),
    Door(AddressRange),
    Certificate([u8; 32]),
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
    pub answers: &'a [Answer],
    pub events: &'a [Event],
    /// Connections that were closed by it.
    pub closed: &'a [SessionId],
    /// The store took nothing.
    pub failing: bool,
    /// Applied a second time, since the store took nothing.
    pub again: bool,
    /// Milliseconds.
    pub at: u64,
    /// When it was applied for the first time: what was refused then, of several commands, is not applied a second time.
    pub first_at: u64,
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
            talks: BTreeMap::new(),
            joined: BTreeMap::new(),
            order: 0,
            bans: Vec::new(),
            addresses: BTreeMap::new(),
            returning: Vec::new(),
            logins: BTreeMap::new(),
            browsers: BTreeMap::new(),
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
        self.addresses.clear();
        self.returning.clear();
        self.browsers.clear();
        for room in self.rooms.values_mut() {
            room.members.clear();
            room.renames_paid_at = 0;
            room.spoke.clear();
            room.has_past = true;
        }
        let mut accounts: Vec<(u32, String)> =
            self.accounts.iter().map(|(key, account)| (account.serial, key.clone())).collect();
        accounts.sort();
        for account in self.accounts.values_mut() {
            account.stays = false;
            account.group_changes = (0, 0);
        }
        for (_, account) in accounts {
            if let Some(kept) = self.accounts[&account].kept_as.clone() {
                self.bring_back(&account, kept, position);
            }
        }
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
        self.order += 1;
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
                    Some(name) => self.not_banned(None, Some(&name), line.at).map(|()| self.be(session, &name, line)),
                    None => no("WrongCredentials"),
                }));
            }
            Command::LogInDevice { account, device, .. } => {
                let account = username(*account).map(|name| name.to_lowercase());
                return Ok(one(self.log_in_device(account, device, line)));
            }
            Command::LogInAgain { claim, .. } => {
                let account = username(claim.account).map(|name| name.to_lowercase());
                return Ok(one(self.log_in_again(session, account, claim, line)));
            }
            Command::EndLogin { claim } => {
                let account = username(claim.account).map(|name| name.to_lowercase());
                return Ok(one(self.end_login(account, claim, line)));
            }
            Command::CreateAccount(new) => {
                return Ok(one(self.create_account(session, new.username.text(), new.address, line)));
            }
            Command::DeadlineReached => {
                self.deadline(line);
                return Ok(Vec::new());
            }
            Command::Kill { who, .. } => return Ok(one(self.kill(session, who.text(), line))),
            Command::BanFromServer { who, lasts_ms, .. } => return Ok(one(self.ban(session, who, *lasts_ms, line))),
            Command::LiftServerBan { who } => return Ok(one(self.lift_ban(session, who, line))),
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
            Command::Join { room, key, link, follows } => {
                let way = self.way_into(who, room.text(), key.as_deref(), *link, *follows, line);
                let seen = self.has_come_about(command, line);
                let is_new = matches!(way, Ok((_, false)));
                // One of several rooms may send people to another one of them, or be another one by now.
                let leads = |room: &Room| room.forward.is_some() || !room.former_names.is_empty();
                let is_clear = line.commands.len() == 1 || !self.rooms.values().any(leads);
                if seen != is_new && is_clear {
                    return Err(format!("{command:?}: expected {way:?}, joined: {seen}"));
                }
                one(way.map(|(key, already)| {
                    if !already {
                        self.join(who, room.text(), &key, *link, line);
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
            Command::ChangeRoom { room, changes } => self.change_room(who, room.text(), changes, line),
            Command::Kick { room, who: whom, .. } => one(self.kick(who, room.text(), whom.text(), line)),
            Command::Invite { room, who: whom } => one(self.invite(who, room.text(), whom.text(), line)),
            Command::CreateLink { room, link } => one(self.create_link(who, room.text(), link, line)),
            Command::RevokeLink { room, id } => one(self.revoke_link(who, room.text(), id, line)),
            Command::Ask(Query::InviteLinks { room }) => self.ask_links(who, room.text(), line)?,
            Command::Ask(Query::AbsentMembers { room }) => self.ask_absent(who, room.text(), line)?,
            Command::EndDevice { .. } => self.end_device(who, line)?,
            Command::Ask(Query::Devices) => self.ask_devices(who, line)?,
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
            Command::Post(post) if self.said_under(who, post, line.at).is_some() => {
                self.repeat(who, post, line)?;
                Vec::new()
            }
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
                if permitted.is_ok() {
                    self.note_said(who, &post.to, line.events);
                }
                if permitted.is_ok() && line.failing && post.kind != MessageKind::Signal {
                    return Err(format!("{command:?} went through while the store took nothing"));
                }
                one(permitted)
            }
            Command::Redact { message, .. } => {
                let permitted = self.redact(who, message.id, line);
                self.change(command, permitted, message.id, None, line)?
            }
            Command::Pin { message } => {
                let permitted = self.pin(who, message);
                self.set_pinned(command, permitted, message.id, true, line)?
            }
            Command::Unpin { of: Conversation::Room(room), which: WhichPin::Of(id) } => {
                let permitted = self.unpin(who, room.text(), *id);
                self.set_pinned(command, permitted, *id, false, line)?
            }
            Command::Edit { message, text, between_programs, .. } => {
                let permitted = self.edit(who, message.id, *between_programs, line);
                self.change(command, permitted, message.id, Some(text), line)?
            }
            Command::Ask(Query::History { of }) => self.ask_history(who, of, false, line)?,
            Command::Ask(Query::EarlierTexts { of }) => self.ask_history(who, of, true, line)?,
            Command::Ask(Query::Conversations) => self.ask_conversations(who, line)?,
            Command::Ask(Query::Unread) => self.ask_unread(who, line)?,
            _ => Vec::new(),
        })
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
            (Command::Join { room, key, link, follows }, Some(Place::Present { who, .. })) => {
                Some(self.way_into(*who, room.text(), key.as_deref(), *link, *follows, line))
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
            links: Vec::new(),
            lists: Vec::new(),
            members: BTreeMap::new(),
            renames_paid_at: 0,
            former_names: Vec::new(),
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

/// What a new room has: members speak (n), operators set the topic (t).
fn new_flags() -> BTreeSet<u16> {
    BTreeSet::from([RoomFlag::MembersSpeak as u16, RoomFlag::TopicLocked as u16])
}
