//! What a client makes of the lines that it is sent, as far as it can judge them by itself: who is where, whose turn it
//! is to be answered, what it has seen already.

use crate::faulty_log::Store;
use crate::invariants::{InviteLink, Ledger, number_in};
use chat::id::{Position, SessionId};
use session::time_text::parse_time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wire::{Capability, CapabilitySet, Line, LineLimits};

/// One device of someone.
#[derive(Debug)]
pub struct Client {
    pub id: SessionId,
    /// Whose it is: a place in the list of people.
    pub who: usize,
    pub registered: bool,
    /// Is logged in, or has asked for it and not been refused.
    pub wants_account: bool,
    pub nick: String,
    /// As they will be when the server has read all that was sent.
    pub capabilities: CapabilitySet,
    /// Has said QUIT, or was told ERROR.
    pub leaving: bool,
    /// Answers no PING and says nothing.
    pub dead: bool,
    /// The rooms that it is in, and who else is: `None` until the names have come.
    pub rooms: BTreeMap<String, Option<BTreeSet<String>>>,
    naming: BTreeMap<String, BTreeSet<String>>,
    /// What it waits for, in the order of asking.
    awaited: VecDeque<Awaited>,
    /// What is to be told to it, for each room in small letters; direct messages under the empty name.
    expected: BTreeMap<String, VecDeque<Expected>>,
    last_seen: BTreeMap<String, (Position, String)>,
    /// What was said to her while none of her devices was here, as it is shown to those who cannot ask for it.
    missed: BTreeSet<u64>,
    takes_markers: bool,
    /// Up to when its person has read which room, as far as it was told.
    pub markers: BTreeMap<String, Option<u64>>,
    batches: BTreeSet<String>,
    /// Open batches that are pages of history, and batches within one.
    pages: BTreeMap<String, Page>,
    in_pages: BTreeSet<String>,
    /// The page whose batch has just been closed.
    pub finished: Option<Page>,
    /// Of open batches that are a message of several lines: its id and time.
    messages_of_lines: BTreeMap<String, (Option<String>, Option<String>)>,
    /// The last messages that it was told of: in which room, or with whom, and their ids.
    pub heard: VecDeque<(String, String)>,
    /// What it is logged in as, as far as it was told.
    pub account: Option<String>,
    /// Labels of what it says under keys.
    pub keyed: BTreeSet<String>,
    /// Other devices of hers, by what they are called.
    pub devices: Vec<String>,
    /// What it has to say next by the rules of the protocol.
    pub duties: VecDeque<String>,
}

/// A page of history as it is shown.
#[derive(Debug, Default)]
pub struct Page {
    /// The ids that its lines have, in their order.
    pub ids: Vec<String>,
    pub lines: usize,
}

/// A line of which the answer can be told from all others.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The label comes back.
    Label(String),
    Pong(String),
    /// A numeric that names this word.
    Numeric(&'static str, String),
    /// One's own message, if it is sent and echoed.
    Echo(u64),
}

#[derive(Clone, Debug)]
struct Awaited {
    answer: Answer,
    /// It must come, unless the connection ends.
    surely: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Expected {
    number: u64,
    /// Said on this connection: told to those who asked for echoes.
    own: bool,
}

impl Client {
    pub fn new(id: SessionId, who: usize) -> Client {
        Client {
            id,
            who,
            registered: false,
            wants_account: false,
            nick: "*".to_owned(),
            capabilities: CapabilitySet::EMPTY,
            leaving: false,
            dead: false,
            rooms: BTreeMap::new(),
            naming: BTreeMap::new(),
            awaited: VecDeque::new(),
            expected: BTreeMap::new(),
            last_seen: BTreeMap::new(),
            missed: BTreeSet::new(),
            takes_markers: false,
            markers: BTreeMap::new(),
            batches: BTreeSet::new(),
            pages: BTreeMap::new(),
            in_pages: BTreeSet::new(),
            finished: None,
            messages_of_lines: BTreeMap::new(),
            heard: VecDeque::new(),
            account: None,
            keyed: BTreeSet::new(),
            devices: Vec::new(),
            duties: VecDeque::new(),
        }
    }

    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.effective().contains(capability)
    }

    /// Notes that an answer is to come, behind all others that are.
    pub fn awaits(&mut self, answer: Answer) {
        let surely = !matches!(answer, Answer::Echo(_));
        self.awaited.push_back(Awaited { answer, surely });
    }

    /// Notes that a message is to be told. `own`: if echoes are asked for when it comes.
    pub fn expects(&mut self, to: &str, number: u64, own: bool) {
        self.expected.entry(key_of(to)).or_default().push_back(Expected { number, own });
    }

    /// Echoes were not asked for when this one came.
    pub fn expects_no_echo(&mut self, to: &str, number: u64) {
        let Some(queue) = self.expected.get_mut(&key_of(to)) else { return };
        if let Some(at) = queue.iter().position(|expected| expected.number == number && expected.own) {
            queue.remove(at);
        }
    }

    /// Nothing is under way any more: all that must have come has.
    pub fn check_at_rest(&self, reads: bool) -> Result<(), String> {
        if let Some((to, queue)) = self.expected.iter().find(|(_, queue)| !queue.is_empty()) {
            return Err(format!("was never told m{} of {to:?}", queue[0].number));
        }
        if let Some(awaited) = self.awaited.iter().find(|awaited| awaited.surely)
            && reads
        {
            return Err(format!("was never answered: {:?}", awaited.answer));
        }
        match self.batches.first() {
            Some(batch) => Err(format!("batch {batch} was never closed")),
            None => Ok(()),
        }
    }

    /// Takes a line, and complains if it can't be.
    pub fn receive(&mut self, text: &str, ledger: &mut Ledger, store: &Store) -> Result<(), String> {
        let line = Line::parse(text.as_bytes(), LineLimits::FROM_SERVER).map_err(|error| error.to_string())?;
        if let Some(batch) = line.tags.raw_value("batch")
            && !self.batches.contains(batch)
        {
            return Err(format!("belongs to batch {batch}, which is not open"));
        }
        if let Some(label) = line.tags.raw_value("label") {
            self.answered(&Answer::Label(label.to_owned()))?;
            let is_no = line.verb == "FAIL" || line.verb.starts_with(['4', '5']);
            if is_no && line.verb != "BATCH" {
                ledger.refused_label(label)?;
            }
        }
        if self.is_of_page(&line) {
            return Ok(());
        }
        let first = line.param(0).unwrap_or_default();
        if let Some(id) = line.tags.raw_value("msgid")
            && ["JOIN", "PART", "KICK", "QUIT", "NICK", "TOPIC", "MODE"].contains(&line.verb)
            // What she does who is in no room is no room's history.
            && !(self.rooms.is_empty() && line.verb == "NICK")
        {
            ledger.happened(id, store)?;
        }
        let source = line.source_nick().unwrap_or_default();
        match line.verb {
            "BATCH" => self.batch(first, &line),
            "PING" => {
                if !self.dead {
                    self.duties.push_back(format!("PONG :{first}"));
                }
                Ok(())
            }
            "PONG" => self.answered(&Answer::Pong(line.param(1).unwrap_or_default().to_owned())),
            "ERROR" => {
                self.leaving = true;
                Ok(())
            }
            "001" => {
                if std::mem::replace(&mut self.registered, true) {
                    return Err("was welcomed twice".to_owned());
                }
                self.nick = first.to_owned();
                Ok(())
            }
            "433" | "432" if !self.registered => {
                self.duties.push_back(format!("NICK {}", ledger.new_word()));
                Ok(())
            }
            "900" => {
                self.account = line.param(2).map(str::to_lowercase);
                Ok(())
            }
            "901" => {
                self.account = None;
                Ok(())
            }
            "904" => {
                self.wants_account = false;
                Ok(())
            }
            "FAIL" if first == "REGISTER" => {
                self.wants_account = false;
                Ok(())
            }
            "403" | "421" | "318" => {
                let verb = ["403", "421", "318"].into_iter().find(|verb| *verb == line.verb).unwrap_or_default();
                let answer = Answer::Numeric(verb, line.param(1).unwrap_or_default().to_owned());
                if self.awaited.iter().any(|awaited| awaited.answer == answer) {
                    self.answered(&answer)
                } else {
                    Ok(())
                }
            }
            "353" => self.names(&line),
            "366" => self.end_of_names(line.param(1).unwrap_or_default()),
            "JOIN" => self.joined(source, first),
            "PART" => self.left(source, first, true),
            // Who owns the server can put someone out of a room from outside, and is told.
            "KICK" if source == self.nick && !self.rooms.contains_key(&first.to_lowercase()) => Ok(()),
            // An account that is away can be put out of a room that it is not shown in.
            "KICK" => self.left(line.param(1).unwrap_or_default(), first, false),
            "RENAME" => self.room_renamed(source, first, line.param(1).unwrap_or_default()),
            "QUIT" => self.gone(source),
            "NICK" if self.registered => self.renamed(source, first),
            "CAP" if line.param(1) == Some("ACK") => {
                self.agreed(line.params().last().copied().unwrap_or_default());
                Ok(())
            }
            // Browsers are logged out over HTTP, and what is gone the model does not know by its id.
            "DEVICE" if line.param(1) == Some("other") && line.param(2) != Some("gone") && line.param(7).is_none() => {
                self.devices.truncate(3);
                self.devices.push(first.to_owned());
                Ok(())
            }
            "NOTE" if first == "INVITELINK" && line.param(1) == Some("CREATED") => {
                let word = |at| line.param(at).unwrap_or_default().to_owned();
                ledger.links.truncate(9);
                ledger.links.insert(0, InviteLink { room: word(2), id: word(3), token: word(4) });
                Ok(())
            }
            "MARKREAD" => self.marker(first, line.param(1).unwrap_or_default()),
            "PRIVMSG" | "NOTICE" => self.message(&line, source, ledger, store),
            "MODE" | "TOPIC" | "TAGMSG" | "REDACT" | "EDIT" | "PIN" | "UNPIN" if self.room_in(first).is_some() => {
                let room = self.room_in(first).unwrap_or_default();
                let is_in = self.rooms.contains_key(&room) || source == self.nick;
                if is_in { Ok(()) } else { Err(format!("is told of {room} and is not in it")) }
            }
            _ => Ok(()),
        }
    }

    /// Takes a line that tells of the past.
    fn is_of_page(&mut self, line: &Line<'_>) -> bool {
        let first = line.param(0).unwrap_or_default();
        let Some(batch) = line.tags.raw_value("batch") else {
            // The end of a batch within one.
            let ended = first.strip_prefix('-').filter(|_| line.verb == "BATCH");
            return ended.is_some_and(|ended| self.in_pages.remove(ended) && self.batches.remove(ended));
        };
        if self.in_pages.contains(batch) {
            return true;
        }
        let Some(page) = self.pages.get_mut(batch) else { return false };
        page.lines += 1;
        page.ids.extend(line.tags.raw_value("msgid").map(str::to_owned));
        if line.verb == "BATCH" {
            if let Some(opened) = first.strip_prefix('+') {
                self.in_pages.insert(opened.to_owned());
                self.batches.insert(opened.to_owned());
            } else if let Some(closed) = first.strip_prefix('-') {
                self.in_pages.remove(closed);
                self.batches.remove(closed);
            }
        }
        true
    }

    fn answered(&mut self, answer: &Answer) -> Result<(), String> {
        let Some(at) = self.awaited.iter().position(|awaited| awaited.answer == *answer) else {
            return Err(format!("is answered {answer:?}, which it does not wait for (any more)"));
        };
        if let Some(before) = self.awaited.iter().take(at).find(|awaited| awaited.surely) {
            return Err(format!("is answered {answer:?} before {:?}", before.answer));
        }
        self.awaited.drain(..=at);
        Ok(())
    }

    fn batch(&mut self, reference: &str, line: &Line<'_>) -> Result<(), String> {
        let right = match (reference.strip_prefix('+'), reference.strip_prefix('-')) {
            (Some(opened), _) => {
                if line.param(1) == Some(Capability::Multiline.name()) {
                    let tag = |key| line.tags.raw_value(key).map(str::to_owned);
                    self.messages_of_lines.insert(opened.to_owned(), (tag("msgid"), tag("time")));
                }
                if line.param(1) == Some("chathistory") {
                    self.pages.insert(opened.to_owned(), Page::default());
                }
                self.batches.insert(opened.to_owned())
            }
            (_, Some(closed)) => {
                self.messages_of_lines.remove(closed);
                self.finished = self.pages.remove(closed);
                self.batches.remove(closed)
            }
            _ => false,
        };
        if right { Ok(()) } else { Err("opens a batch that is open, or closes one that is not".to_owned()) }
    }

    fn message(&mut self, line: &Line<'_>, source: &str, ledger: &mut Ledger, store: &Store) -> Result<(), String> {
        let [to, text, ..] = *line.params() else { return Err("a message without a text".to_owned()) };
        // What is pinned is told to plain clients in the words of whoever pinned it: nothing is said once more.
        if text.starts_with("pinned ") {
            return Ok(());
        }
        // What the server says is no message, even if it tells of one.
        let Some(number) = number_in(text).filter(|_| line.source.is_some_and(|source| source.contains('!'))) else {
            return Ok(());
        };
        let to = to.trim_start_matches(['~', '&', '@', '%', '+']).to_lowercase();
        let key = key_of(&to);
        // The echo of what was said before under the same key comes out of its place.
        let is_next = self.expected.get(&key).and_then(VecDeque::front).is_some_and(|next| next.number == number);
        if !is_next && line.tags.raw_value("label").is_some_and(|label| self.keyed.contains(label)) {
            return ledger.seen(number, &to, line.tags.raw_value("msgid"), store).map(|_| ());
        }
        // What was missed comes as it was said, before, after or among what is said now.
        // It may be of someone who had her name of today then, and was sent to a name that she had then.
        let is_of_others = source != self.nick || to == self.nick.to_lowercase();
        let account = self.account.as_deref().filter(|_| !is_next && key.is_empty() && is_of_others);
        if let Some(account) = account
            && self.missed.insert(number)
        {
            let sent_to = store.name_that_reached(number, account).unwrap_or(&to);
            return ledger.seen(number, sent_to, line.tags.raw_value("msgid"), store).map(|_| ());
        }
        let next = self.expected.get_mut(&key).and_then(VecDeque::pop_front);
        let next = match next {
            Some(next) if next.number == number => next,
            other => return Err(format!("is told m{number} of {to}, and should be told {other:?}")),
        };
        let is_direct = key.is_empty();
        // Said here or on another device of hers.
        // What was said for someone elsewhere comes back under her name.
        let is_own = source == self.nick || (next.own && source.contains('/'));
        if !is_direct && !is_own && !self.rooms.contains_key(&key) {
            return Err(format!("is told m{number} of {to} and is not in it"));
        }
        let of_lines = line.tags.raw_value("batch").and_then(|batch| self.messages_of_lines.get(batch));
        let (id, time) = match of_lines {
            Some((id, time)) => (id.as_deref(), time.as_deref()),
            None => (line.tags.raw_value("msgid"), line.tags.raw_value("time")),
        };
        let position = ledger.seen(number, &to, id, store)?;
        if let Some(id) = id {
            let with = if is_direct && !is_own { source.to_owned() } else { to.clone() };
            self.heard.truncate(15);
            self.heard.push_front((with, id.to_owned()));
        }
        let time = time.unwrap_or_default().to_owned();
        if let Some((last, last_time)) = self.last_seen.get(&key) {
            let is_again = *last == position && next.own;
            if *last >= position && !is_again {
                return Err(format!("is told m{number} of {to} out of its place"));
            }
            if !time.is_empty() && *last_time > time {
                return Err(format!("is told m{number} of {to} of a time before the last one's"));
            }
        }
        self.last_seen.insert(key, (position, time));
        if next.own && self.awaited.iter().any(|awaited| awaited.answer == Answer::Echo(number)) {
            self.answered(&Answer::Echo(number))?;
        }
        Ok(())
    }

    /// From here on it is told of markers, or no more.
    fn agreed(&mut self, words: &str) {
        for word in words.split(' ') {
            match word.strip_prefix('-') {
                Some("draft/read-marker") => {
                    self.takes_markers = false;
                    self.markers.clear();
                }
                None if word == "draft/read-marker" => self.takes_markers = true,
                _ => {}
            }
        }
    }

    fn marker(&mut self, of: &str, at: &str) -> Result<(), String> {
        let at = match at.strip_prefix("timestamp=") {
            Some(time) => Some(parse_time(time).ok_or("is told a time that is none")?.0),
            None if at == "*" => None,
            None => return Err("is told a marker without a time".to_owned()),
        };
        let key = of.to_lowercase();
        if !self.takes_markers || !self.rooms.contains_key(&key) {
            return Ok(());
        }
        match self.markers.insert(key, at) {
            Some(before) if before > at => Err(format!("is told that the marker of {of} has gone back")),
            _ => Ok(()),
        }
    }

    // ---- Who is where

    fn room_in(&self, target: &str) -> Option<String> {
        let name = target.trim_start_matches(['~', '&', '@', '%', '+']);
        name.starts_with('#').then(|| name.to_lowercase())
    }

    fn joined(&mut self, who: &str, room: &str) -> Result<(), String> {
        let key = room.to_lowercase();
        if who == self.nick {
            return match self.rooms.insert(key, None) {
                None => Ok(()),
                Some(_) => Err(format!("enters {room} twice")),
            };
        }
        match self.rooms.get_mut(&key) {
            None => Err(format!("sees someone enter {room} and is not in it")),
            Some(None) => Ok(()),
            Some(Some(members)) => match members.insert(who.to_lowercase()) {
                true => Ok(()),
                false => Err(format!("sees {who} enter {room} twice")),
            },
        }
    }

    fn left(&mut self, who: &str, room: &str, must_be_there: bool) -> Result<(), String> {
        let key = room.to_lowercase();
        if who == self.nick {
            self.markers.remove(&key);
            return match self.rooms.remove(&key) {
                Some(_) => Ok(()),
                None => Err(format!("leaves {room} and was not in it")),
            };
        }
        match self.rooms.get_mut(&key) {
            None => Err(format!("sees someone leave {room} and is not in it")),
            Some(None) => Ok(()),
            Some(Some(members)) => match members.remove(&who.to_lowercase()) || !must_be_there {
                true => Ok(()),
                false => Err(format!("sees {who} leave {room}, who was not there")),
            },
        }
    }

    fn room_renamed(&mut self, who: &str, old: &str, new: &str) -> Result<(), String> {
        let (old_key, new_key) = (old.to_lowercase(), new.to_lowercase());
        if let Some(marker) = self.markers.remove(&old_key) {
            self.markers.insert(new_key.clone(), marker);
        }
        match self.rooms.remove(&old_key) {
            Some(members) => match self.rooms.insert(new_key, members) {
                None => Ok(()),
                Some(_) => Err(format!("sees {old} become {new}, and is in a room of that name")),
            },
            // Who owns the server can rename a room from outside, and is told.
            None if who == self.nick => Ok(()),
            None => Err(format!("sees {old} become {new} and is not in it")),
        }
    }

    fn gone(&mut self, who: &str) -> Result<(), String> {
        let mut shared = who == self.nick;
        for members in self.rooms.values_mut() {
            match members {
                Some(members) => shared |= members.remove(&who.to_lowercase()),
                None => shared = true,
            }
        }
        if shared { Ok(()) } else { Err(format!("sees {who} quit and shares no room with them")) }
    }

    fn renamed(&mut self, who: &str, to: &str) -> Result<(), String> {
        let is_oneself = who == self.nick;
        let mut shared = is_oneself;
        for members in self.rooms.values_mut() {
            match members {
                Some(members) => {
                    if members.remove(&who.to_lowercase()) {
                        shared = true;
                        if !members.insert(to.to_lowercase()) {
                            return Err(format!("sees {who} take the name of {to}, who is there"));
                        }
                    }
                }
                None => shared = true,
            }
        }
        if is_oneself {
            self.nick = to.to_owned();
        }
        if shared { Ok(()) } else { Err(format!("sees {who} renamed and shares no room with them")) }
    }

    fn names(&mut self, line: &Line<'_>) -> Result<(), String> {
        let [_, _, room, names, ..] = *line.params() else { return Err("no names in 353".to_owned()) };
        let naming = self.naming.entry(room.to_lowercase()).or_default();
        for name in names.split(' ') {
            let name = name.trim_start_matches(['~', '&', '@', '%', '+']);
            let name = name.split('!').next().unwrap_or_default().to_lowercase();
            if !naming.insert(name) {
                return Err(format!("sees someone twice among the names of {room}"));
            }
        }
        Ok(())
    }

    fn end_of_names(&mut self, rooms: &str) -> Result<(), String> {
        for room in rooms.split(',') {
            let key = room.to_lowercase();
            let named = self.naming.remove(&key).unwrap_or_default();
            match self.rooms.get_mut(&key) {
                None => {}
                Some(Some(known)) if *known != named => {
                    return Err(format!("saw {known:?} enter {room}, and NAMES says {named:?}"));
                }
                Some(members) => *members = Some(named),
            }
        }
        Ok(())
    }
}

/// Rooms have an order of their own each, direct messages one for all.
fn key_of(to: &str) -> String {
    if to.starts_with('#') { to.to_lowercase() } else { String::new() }
}
