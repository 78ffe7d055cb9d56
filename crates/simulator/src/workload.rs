//! What people say: anything, at any time, often nonsense, never twice the same.

use crate::client::{Answer, Client};
use crate::invariants::{Keyed, Ledger};
use crate::random::Random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::device_login::{NewDevice, SecretHash};
use chat::id::Timestamp;
use session::Peer;
use session::time_text::time_text;
use std::net::IpAddr;
use wire::Capability;

/// No two of them look alike.
pub const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
pub const ROOMS: [&str; 6] = ["#lobby", "#tea", "#milk", "#green", "#café", "#cup"];

/// Those that a client may ask for and lay down at any time.
const CAPABILITIES: [Capability; 30] = [
    Capability::EchoMessage,
    Capability::LabeledResponse,
    Capability::Batch,
    Capability::MessageTags,
    Capability::ServerTime,
    Capability::AccountTag,
    Capability::AccountNotify,
    Capability::AwayNotify,
    Capability::ExtendedJoin,
    Capability::Setname,
    Capability::Chghost,
    Capability::MultiPrefix,
    Capability::UserhostInNames,
    Capability::InviteNotify,
    Capability::NoImplicitNames,
    Capability::StandardReplies,
    Capability::ExtendedMonitor,
    Capability::ParlorIdentity,
    Capability::ChannelRename,
    Capability::Multiline,
    Capability::ReadMarker,
    Capability::MessageEdit,
    Capability::MessageRedaction,
    Capability::ParlorPins,
    Capability::ParlorOnce,
    Capability::Chathistory,
    Capability::EventPlayback,
    Capability::Relaymsg,
    Capability::ParlorUnread,
    Capability::ParlorDevices,
];

/// Where a device of this person comes from.
pub fn peer(who: usize, random: &mut Random) -> Peer {
    let address: IpAddr = [10, 0, 0, who as u8 + 1].into();
    let secure = !random.happens(100);
    Peer {
        address,
        port_local: if secure { 6697 } else { 6667 },
        secure,
        loopback: false,
        certificate: None,
        login: None,
        transport: if secure { "TLS" } else { "TCP" },
        exempt: !random.happens(250),
    }
}

/// What the page's browsers are called.
pub const BROWSER: &str = "a browser";

/// How the browser of this person logs in to an account.
pub fn browser_login(who: usize, secret: u64) -> NewDevice {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&secret.to_be_bytes());
    NewDevice {
        name: Some(BROWSER.into()),
        transport: "WebSocket".into(),
        address: [10, 0, 0, who as u8 + 1].into(),
        secret: SecretHash(hash),
    }
}

fn password_of(who: usize) -> String {
    format!("password-of-{}", PEOPLE[who])
}

/// A name as someone else might type it.
fn in_some_case(name: &str, random: &mut Random) -> String {
    match random.below(6) {
        0 => name.to_uppercase(),
        1 => name.chars().enumerate().map(|(at, c)| if at == 1 { c.to_ascii_uppercase() } else { c }).collect(),
        _ => name.to_owned(),
    }
}

impl Client {
    /// The first lines of a connection, all at once.
    pub fn introduce(&mut self, random: &mut Random) -> Vec<String> {
        let mut lines = Vec::new();
        if random.happens(30) {
            // Says half of it, and waits.
            return vec![format!("NICK {}", PEOPLE[self.who])];
        }
        let negotiates = random.happens(800);
        if negotiates {
            if random.happens(500) {
                lines.push("CAP LS 302".to_owned());
            }
            let share = *random.one_of(&[200, 500, 900]);
            let wanted: Vec<Capability> = CAPABILITIES.into_iter().filter(|_| random.happens(share)).collect();
            if !wanted.is_empty() {
                let names: Vec<&str> = wanted.iter().map(|capability| capability.name()).collect();
                lines.push(format!("CAP REQ :{}", names.join(" ")));
                wanted.into_iter().for_each(|capability| self.capabilities.insert(capability));
            } else if lines.is_empty() {
                lines.push("CAP LS".to_owned());
            }
        }
        let logs_in = random.happens(500);
        if logs_in {
            self.wants_account = true;
            let password = if random.happens(50) { "wrong".to_owned() } else { password_of(self.who) };
            lines.push(format!("PASS {}:{password}", in_some_case(PEOPLE[self.who], random)));
        }
        let name = match random.below(8) {
            0 => format!("{}_", PEOPLE[self.who]),
            1 => PEOPLE[random.below(PEOPLE.len())].to_owned(),
            _ => in_some_case(PEOPLE[self.who], random),
        };
        lines.push(format!("NICK {name}"));
        lines.push(format!("USER u{} 0 * :{} Real", self.who, PEOPLE[self.who]));
        if negotiates {
            lines.push("CAP END".to_owned());
        }
        lines
    }

    /// Whatever comes to mind. Most of it is one line.
    pub fn speak(&mut self, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        const WEIGHTS: [usize; 43] = [
            300, 70, 25, 25, 20, 110, 45, 55, 45, 60, 25, 30, 25, 25, 25, 20, 35, 90, 90, 15, 12, 18, 20, 20, 10, 4, 3,
            12, 40, 25, 25, 60, 15, 12, 15, 10, 35, 12, 14, 20, 20, 25, 180,
        ];
        let room = self.some_room(random);
        let person = self.some_person(random);
        match random.weighted(&WEIGHTS) {
            0 => self.say("PRIVMSG", &room, random, ledger, out),
            1 => self.say("PRIVMSG", &person, random, ledger, out),
            2 => {
                let to = if random.happens(500) { room } else { person };
                self.say("NOTICE", &to, random, ledger, out);
            }
            3 => {
                // To ranks only.
                let prefix = random.one_of(&["@", "+", "%", "~", "&"]);
                self.say("PRIVMSG", &format!("{prefix}{room}"), random, ledger, out);
            }
            4 => {
                let number = ledger.new_number();
                let other = self.some_room(random);
                let targets = if other.to_lowercase() == room.to_lowercase() {
                    format!("{room},{person}")
                } else {
                    format!("{room},{other},{person}")
                };
                self.line(&format!("PRIVMSG {targets} :m{number} to many"), random, ledger, out);
            }
            5 => match random.below(8) {
                0 => self.line(&format!("JOIN {room} {}", random.one_of(&["k1", "k2"])), random, ledger, out),
                1 => {
                    let other = self.some_room(random);
                    if other.to_lowercase() != room.to_lowercase() {
                        self.line(&format!("JOIN {room},{other} k1,k1"), random, ledger, out);
                    }
                }
                _ => self.line(&format!("JOIN {room}"), random, ledger, out),
            },
            6 => {
                let reason = random.one_of(&["", " :bye", " :m words"]);
                self.line(&format!("PART {room}{reason}"), random, ledger, out);
            }
            7 => {
                let modes = random.one_of(&[
                    "+m",
                    "-m",
                    "+n",
                    "-n",
                    "-n",
                    "+i",
                    "-i",
                    "+s",
                    "-s",
                    "+t",
                    "-t",
                    "+C",
                    "-C",
                    "+R",
                    "-R",
                    "+M",
                    "-M",
                    "+J",
                    "-J",
                    "+P",
                    "-P",
                    "+A",
                    "-A",
                    "-A",
                    "+p",
                    "-p",
                    "+U",
                    "-U",
                    "-U",
                    "+nt-imsCRM",
                    "-ntimsCRMklApUWf *",
                ]);
                self.line(&format!("MODE {room} {modes}"), random, ledger, out);
            }
            8 => {
                let sign = random.one_of(&["+", "+", "-"]);
                let list = random.one_of(&["b", "b", "b", "e", "I"]);
                let mask = match random.below(9) {
                    0 => "*!*@*".to_owned(),
                    1 => "b*".to_owned(),
                    2 => format!("a:{person}"),
                    3 => format!("m:{person}"),
                    4 => format!("m:a:{person}"),
                    5 => format!("*!~u{}@*", random.below(PEOPLE.len())),
                    6 => format!("r:{}*", PEOPLE[random.below(PEOPLE.len())]),
                    _ => person,
                };
                self.line(&format!("MODE {room} {sign}{list} {mask}"), random, ledger, out);
            }
            9 => {
                let change = random.one_of(&["+o", "+o", "-o", "+v", "+v", "-v", "+h", "-h", "+a", "+q", "-q"]);
                if random.happens(150) {
                    let other = self.some_person(random);
                    self.line(&format!("MODE {room} +ov-h {person} {other} {person}"), random, ledger, out);
                } else {
                    self.line(&format!("MODE {room} {change} {person}"), random, ledger, out);
                }
            }
            10 => {
                let modes = random.one_of(&[
                    "+k k1", "+k k2", "-k *", "-k *", "+l 2", "+l 3", "-l", "-l", "+kl k1 4", "+H 1h", "+lH 3 2m",
                    "-H", "+W 1", "+W 20", "-W", "-W", "-f", "+f",
                ]);
                let to = if *modes == "+f" { format!(" {}", self.some_room(random)) } else { String::new() };
                self.line(&format!("MODE {room} {modes}{to}"), random, ledger, out);
            }
            11 => {
                let topic = random.one_of(&["", " :", " :words", " :other words", " :naïve ☕"]);
                self.line(&format!("TOPIC {room}{topic}"), random, ledger, out);
            }
            12 => self.line(&format!("KICK {room} {person} :out"), random, ledger, out),
            13 => self.line(&format!("INVITE {person} {room}"), random, ledger, out),
            14 => {
                let name = match random.below(4) {
                    0 => format!("{}_", PEOPLE[self.who]),
                    1 => person,
                    _ => in_some_case(PEOPLE[self.who], random),
                };
                self.line(&format!("NICK {name}"), random, ledger, out);
            }
            15 => {
                let away = random.one_of(&["AWAY", "AWAY :lunch", "AWAY :tea"]);
                self.line(away, random, ledger, out);
            }
            16 => {
                let other = self.some_room(random);
                let rooms = if other.to_lowercase() == room.to_lowercase() { room } else { format!("{room},{other}") };
                self.line(&format!("NAMES {rooms}"), random, ledger, out);
            }
            17 => {
                let question = random.one_of(&[
                    "WHO R",
                    "WHO R %tcuihsnfdlaor,42",
                    "WHO P",
                    "WHOIS P",
                    "WHOWAS P",
                    "LIST",
                    "LIST >1",
                    "LUSERS",
                    "MODE R",
                    "MODE R b",
                    "MODE R I",
                    "TOPIC R",
                    "ISON P",
                    "USERHOST P",
                    "MOTD",
                    "VERSION",
                    "TIME",
                    "INVITE",
                    "KNOCK R",
                    "MONITOR + P",
                    "MONITOR - P",
                    "MONITOR S",
                    "MONITOR L",
                    "MONITOR C",
                    "HELP",
                    "ADMIN",
                    "INFO",
                    "STATS u",
                    "LINKS",
                    "MODE P",
                    "PING",
                    "PRIVMSG",
                    "PRIVMSG R",
                    "JOIN",
                    "NICK",
                    "CAP LIST",
                    "ISUPPORT",
                    "NOTICE $* :hello",
                ]);
                let line = question.replace('R', &room).replace('P', &person);
                // The letters of verbs are not meant.
                let verb = question.split(' ').next().unwrap_or_default();
                let rest = line.split_once(' ').map_or(String::new(), |(_, rest)| format!(" {rest}"));
                self.line(&format!("{verb}{rest}"), random, ledger, out);
            }
            18 => self.fence(random, ledger, out),
            19 => self.line(&format!("SETNAME :{} Really", PEOPLE[self.who]), random, ledger, out),
            20 if random.happens(300) => {
                let change = random.one_of(&["", "", "-"]);
                let person = self.some_person(random);
                self.line(&format!("ACCEPT {change}{person}"), random, ledger, out);
            }
            20 => {
                let modes =
                    random.one_of(&["+R", "-R", "+Z", "-Z", "+i", "-i", "+wB", "-B", "+T", "-T", "+o", "+o", "-o"]);
                let nick = self.nick.clone();
                self.line(&format!("MODE {nick} {modes}"), random, ledger, out);
            }
            21 => self.nonsense(random, ledger, out),
            22 => {
                let capability = *random.one_of(&CAPABILITIES);
                let on = random.happens(600);
                let sign = if on { "" } else { "-" };
                self.line(&format!("CAP REQ :{sign}{}", capability.name()), random, ledger, out);
                if on {
                    self.capabilities.insert(capability);
                } else {
                    self.capabilities.remove(capability);
                }
            }
            23 => {
                let line = if self.has(Capability::MessageTags) { "@+typing=active TAGMSG" } else { "TAGMSG" };
                let to = if random.happens(700) { room } else { person };
                push_line(out, &format!("{line} {to}"), random);
            }
            // Never twice: whoever is logged in becomes someone else then, of a name that is the hub's to choose.
            24 if !self.wants_account => {
                self.wants_account = true;
                if random.happens(500) {
                    let who = self.who;
                    let account = if random.happens(800) { "*" } else { PEOPLE[who] };
                    self.line(&format!("REGISTER {account} * {}", password_of(who)), random, ledger, out);
                } else {
                    let response = format!("\0{}\0{}", PEOPLE[self.who], password_of(self.who));
                    push_line(out, "AUTHENTICATE PLAIN", random);
                    push_line(out, &format!("AUTHENTICATE {}", STANDARD.encode(response)), random);
                }
            }
            25 => self.line("JOIN 0", random, ledger, out),
            27 => {
                let to = match random.below(10) {
                    0..=2 => in_some_case("#urn", random),
                    3 => "#+plans".to_owned(),
                    _ => self.some_room(random),
                };
                let reason = random.one_of(&["", " :better"]);
                self.line(&format!("RENAME {room} {to}{reason}"), random, ledger, out);
            }
            28 => {
                let of = if random.happens(800) { room } else { person };
                // Past and future, by the clock that the simulation begins with.
                let at = Timestamp(1_700_000_000_000 + random.below(200_000) as u64);
                let at = String::from_utf8_lossy(&time_text(at)).into_owned();
                let time = if random.happens(800) { format!(" timestamp={at}") } else { String::new() };
                self.line(&format!("MARKREAD {of}{time}"), random, ledger, out);
            }
            29 | 30 | 41 if self.heard.is_empty() => self.fence(random, ledger, out),
            29 => {
                let (room, id) = self.heard[random.below(self.heard.len())].clone();
                let reason = random.one_of(&["", " :a mistake"]);
                self.line(&format!("REDACT {room} {id}{reason}"), random, ledger, out);
            }
            30 => {
                let (room, id) = self.heard[random.below(self.heard.len())].clone();
                let text = random.one_of(&["better", "\u{1}VERSION\u{1}", "two\\nlines"]);
                push_line(out, &format!("@draft/target-msgid={id};draft/edit-text={text} EDIT {room}"), random);
            }
            39 => {
                let line = random.one_of(&["SET ON", "SET ON", "SET OFF", "SET DEFAULT", "GET"]);
                self.line(&format!("PERSISTENCE {line}"), random, ledger, out);
            }
            40 => {
                let (one, other) = (self.some_person(random), self.some_person(random));
                let line = match random.below(6) {
                    0 => format!("JOIN #+{one}+{other}"),
                    1 => format!("GROUP {one},{other},{person}"),
                    2 => "GROUP".to_owned(),
                    3 => format!("JOIN #+{one}"),
                    _ => format!("GROUP {one},{other}"),
                };
                self.line(&line, random, ledger, out);
            }
            41 => {
                let in_rooms: Vec<&(String, String)> =
                    self.heard.iter().filter(|(of, _)| of.starts_with('#')).collect();
                let verb = random.one_of(&["PIN", "PIN", "UNPIN"]);
                match in_rooms.is_empty() {
                    true => self.fence(random, ledger, out),
                    false => {
                        let (room, id) = random.one_of(&in_rooms);
                        self.line(&format!("{verb} {room} {id}"), random, ledger, out);
                    }
                }
            }
            42 => self.say_once(&room, &person, random, ledger, out),
            26 => self.line(&format!("KILL {person} :enough"), random, ledger, out),
            31 => self.ask_history(&room, &person, random, ledger, out),
            32 => {
                let number = ledger.new_number();
                let text = if random.happens(100) { "\u{1}VERSION\u{1}" } else { "from elsewhere" };
                let line = format!("RELAYMSG {room} {}/net :m{number} {text}", random.one_of(&["bob", "zoe"]));
                match self.line_with_label(&line, random, ledger, out) {
                    Some(label) => ledger.labelled(&label, number, &room.to_lowercase()),
                    None if self.has(Capability::EchoMessage) => self.awaits(Answer::Echo(number)),
                    None => {}
                }
            }
            33 => {
                let lasts = random.one_of(&["1s", "5s", "30s", "2m"]);
                let mask = random.one_of(&["", "m:", "a:"]);
                self.line(&format!("TBAN {room} {lasts} {mask}{person}"), random, ledger, out);
            }
            34 if random.happens(500) => self.line("UNREAD", random, ledger, out),
            34 => self.line(&format!("MEMBERS {room}"), random, ledger, out),
            35 => match self.heard.front().cloned() {
                Some((to, id)) => self.line(&format!("EDITS {to} {id}"), random, ledger, out),
                None => self.fence(random, ledger, out),
            },
            36 => {
                let known = (!ledger.links.is_empty()).then(|| random.one_of(&ledger.links).clone());
                let line = match (known, random.below(8)) {
                    (Some(link), 0..3) => format!("JOIN {} {}", link.room, link.token),
                    (Some(link), 3) => format!("INVITELINK REVOKE {} {}", link.room, link.id),
                    (_, 4) => format!("INVITELINK LIST {room}"),
                    _ => {
                        let lasts = random.one_of(&["10s", "2m", "never"]);
                        let uses = random.one_of(&["", " 1", " 2"]);
                        format!("INVITELINK CREATE {room} {lasts}{uses}")
                    }
                };
                self.line(&line, random, ledger, out);
            }
            37 => {
                let line = match (self.devices.pop(), random.below(3)) {
                    (Some(id), 0 | 1) => format!("DEVICES END {id}"),
                    (_, 0) => "DEVICES END 0123456789abcdef".to_owned(),
                    _ => "DEVICES".to_owned(),
                };
                self.line(&line, random, ledger, out);
            }
            38 => {
                let whom = match random.below(3) {
                    0 => person,
                    1 => format!("a:{person}"),
                    _ => format!("10.0.0.{}", random.below(PEOPLE.len()) + 1),
                };
                let line = match random.below(6) {
                    0 => "STATS k".to_owned(),
                    1 => format!("UNKLINE {whom}"),
                    2 => format!("UNDLINE 10.0.0.0/{}", random.one_of(&[29, 31])),
                    3 => format!("DLINE 10.0.0.0/{} :all of you", random.one_of(&[7, 29, 31])),
                    _ => format!("KLINE {} {whom} :enough", random.one_of(&["1s", "5s", "1m"])),
                };
                self.line(&line, random, ledger, out);
            }
            _ => self.fence(random, ledger, out),
        }
    }

    /// Says something under a key, or again what was said under one: here or on another device, before a restart or after.
    fn say_once(&mut self, room: &str, person: &str, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        let needed = [Capability::ParlorOnce, Capability::EchoMessage, Capability::LabeledResponse];
        let account = self.account.clone().unwrap_or_default();
        if account.is_empty() || !needed.into_iter().all(|capability| self.has(capability)) {
            return self.fence(random, ledger, out);
        }
        let hers: Vec<Keyed> = ledger.keyed.iter().filter(|keyed| keyed.account == account).cloned().collect();
        let keyed = match hers.is_empty() || random.happens(300) {
            true => {
                let to = if random.happens(750) { room } else { person };
                let keyed =
                    Keyed { account, key: ledger.new_word(), number: ledger.new_number(), to: to.to_lowercase() };
                ledger.keyed.push(keyed.clone());
                keyed
            }
            // The last ones most of all: they may be under way.
            false if random.happens(700) => hers[hers.len() - 1].clone(),
            false => random.one_of(&hers).clone(),
        };
        let label = ledger.new_word();
        let Keyed { key, number, to, .. } = keyed;
        push_line(out, &format!("@label={label};parlor/once={key} PRIVMSG {to} :m{number} once"), random);
        self.keyed.insert(label.clone());
        self.awaits(Answer::Label(label));
    }

    /// Asks for what was said: here or there, from something that was heard or from some time on.
    fn ask_history(&mut self, room: &str, person: &str, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        if !self.has(Capability::Chathistory) || !self.has(Capability::Batch) {
            return self.fence(random, ledger, out);
        }
        let known = (!self.heard.is_empty()).then(|| random.one_of(&Vec::from(self.heard.clone())).clone());
        let of = match (&known, random.below(10)) {
            (Some((of, _)), 0..6) => of.clone(),
            (_, 6..9) => room.to_owned(),
            _ => person.to_owned(),
        };
        let mut mark = || match &self.heard {
            heard if !heard.is_empty() && random.happens(700) => {
                format!("msgid={}", heard[random.below(heard.len())].1)
            }
            _ => {
                let time = time_text(Timestamp(1_700_000_000_000 + random.below(200_000) as u64));
                format!("timestamp={}", String::from_utf8_lossy(&time))
            }
        };
        let (one, other) = (mark(), mark());
        let limit = random.one_of(&[1, 2, 3, 5, 10, 100]);
        let question = match random.below(8) {
            0 | 1 => format!("LATEST {of} * {limit}"),
            2 => format!("LATEST {of} {one} {limit}"),
            3 => format!("BEFORE {of} {one} {limit}"),
            4 => format!("AFTER {of} {one} {limit}"),
            5 => format!("AROUND {of} {one} {limit}"),
            6 => format!("BETWEEN {of} {one} {other} {limit}"),
            _ => format!("TARGETS timestamp=2023-11-14T22:13:20.000Z timestamp=2099-01-01T00:00:00.000Z {limit}"),
        };
        self.line(&format!("CHATHISTORY {question}"), random, ledger, out);
    }

    /// Goodbye. Nothing is said behind it.
    pub fn quit(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        self.leaving = true;
        let goodbye = *random.one_of(&["QUIT", "QUIT :gone"]);
        push_line(out, goodbye, random);
    }

    fn some_room(&self, random: &mut Random) -> String {
        let known: Vec<&String> = self.rooms.keys().collect();
        let room = if !known.is_empty() && random.happens(750) {
            random.one_of(&known).as_str()
        } else {
            *random.one_of(&ROOMS)
        };
        in_some_case(room, random)
    }

    fn some_person(&self, random: &mut Random) -> String {
        if random.happens(60) {
            return self.nick.clone();
        }
        let name = *random.one_of(&PEOPLE);
        if random.happens(60) { format!("{name}_") } else { in_some_case(name, random) }
    }

    fn say(&mut self, verb: &str, to: &str, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        let number = ledger.new_number();
        let text = match random.below(12) {
            0 => format!("\u{1}ACTION waves m{number}\u{1}"),
            1 => format!("\u{1}VERSION m{number}\u{1}"),
            2 => format!("m{number} {}", "long ".repeat(random.below(95))),
            3 => format!("m{number} naïve ☕ {}", "é".repeat(random.below(200))),
            _ => format!("m{number} hello"),
        };
        let name = to.trim_start_matches(['@', '+', '%', '~', '&']).to_lowercase();
        let label = if self.has(Capability::Multiline) && random.happens(250) {
            self.say_lines(verb, to, &text, random, ledger, out)
        } else {
            self.line_with_label(&format!("{verb} {to} :{text}"), random, ledger, out)
        };
        match label {
            Some(label) => ledger.labelled(&label, number, &name),
            None if self.has(Capability::EchoMessage) => self.awaits(Answer::Echo(number)),
            None => {}
        }
    }

    /// One message of several lines. Returns the label.
    fn say_lines(
        &mut self,
        verb: &str,
        to: &str,
        text: &str,
        random: &mut Random,
        ledger: &mut Ledger,
        out: &mut Vec<u8>,
    ) -> Option<String> {
        let batch = ledger.new_word();
        let label = self.line_with_label(&format!("BATCH +{batch} draft/multiline {to}"), random, ledger, out);
        let lines = match random.below(5) {
            0 => vec![("", text)],
            1 => vec![("", ""), ("", text), ("", "")],
            2 => vec![("", text), ("", ""), ("", "more of it")],
            3 => vec![("", text), (";draft/multiline-concat", " and so on"), ("", "more of it")],
            _ => std::iter::once(("", text)).chain(std::iter::repeat_n(("", "more"), random.below(62))).collect(),
        };
        for (tag, text) in lines {
            push_line(out, &format!("@batch={batch}{tag} {verb} {to} :{text}"), random);
        }
        push_line(out, &format!("BATCH -{batch}"), random);
        label
    }

    /// A line, with a label now and then where one may have one.
    fn line(&mut self, text: &str, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        self.line_with_label(text, random, ledger, out);
    }

    /// The same; returns the label.
    fn line_with_label(
        &mut self,
        text: &str,
        random: &mut Random,
        ledger: &mut Ledger,
        out: &mut Vec<u8>,
    ) -> Option<String> {
        if !self.has(Capability::LabeledResponse) || !random.happens(400) {
            push_line(out, text, random);
            return None;
        }
        let label = ledger.new_word();
        let more = if random.happens(200) { ";+draft/reply=x\\s\\:" } else { "" };
        push_line(out, &format!("@label={label}{more} {text}"), random);
        self.awaits(Answer::Label(label.clone()));
        Some(label)
    }

    /// Something whose answer can be told from all others.
    fn fence(&mut self, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        let word = ledger.new_word();
        let (line, answer) = match random.below(5) {
            0 => (format!("TOPIC #{word}"), Answer::Numeric("403", format!("#{word}"))),
            1 => (format!("X{word}"), Answer::Numeric("421", format!("X{word}"))),
            2 => (format!("WHOIS {word}"), Answer::Numeric("318", word)),
            _ => (format!("PING {word}"), Answer::Pong(word)),
        };
        push_line(out, &line, random);
        self.awaits(answer);
    }

    fn nonsense(&mut self, random: &mut Random, ledger: &mut Ledger, out: &mut Vec<u8>) {
        let long = "x".repeat(600);
        let lines: [&[u8]; 12] = [
            b"",
            b"   ",
            b"PRIVMSG #tea :\xff\xfe",
            b"\xff",
            b"PRIVMSG #tea :a\0b",
            b"PRIVMSG #tea :a\rb",
            b"@a=b",
            b":someone",
            b"@=;;=;a=\\ PING",
            b":alice!x@y PRIVMSG #tea :",
            long.as_bytes(),
            b"PRIVMSG #tea,,bob,#tea : ",
        ];
        match random.below(14) {
            12 => {
                self.line(&format!("PRIVMSG #tea :{long}"), random, ledger, out);
            }
            13 => {
                out.extend_from_slice(b"@+x=");
                out.extend_from_slice("y".repeat(5000).as_bytes());
                out.extend_from_slice(b" PRIVMSG #tea :too many tags\r\n");
            }
            at => {
                out.extend_from_slice(lines[at]);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

pub fn push_line(out: &mut Vec<u8>, line: &str, random: &mut Random) {
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(if random.happens(200) { b"\n" } else { b"\r\n" });
}
