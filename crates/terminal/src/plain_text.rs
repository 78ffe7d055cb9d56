//! Changes as lines for people: `12:34 #tea alice: hello`, `12:34 * bob joined`.

use std::borrow::Cow;
use std::fmt::Write as _;

use client_core::{Change, LinkState, Message, MessageKind, Person, Timestamp};
use jiff::tz::TimeZone;

use crate::printable::printable;

/// What stands before the second line of a message and those behind it: as wide as the time.
const CONTINUED: &str = "      ";

/// Names shown at once when a room is entered.
const MOST_NAMES: usize = 30;

/// Where a line goes when output is not a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// What is said, and who comes and goes.
    Output,
    /// The state of the link, and what was refused.
    Complaint,
}

/// How lines are to look.
#[derive(Debug)]
pub struct PlainText {
    pub colours: bool,
    pub zone: TimeZone,
    /// A person watches: greetings and names are shown too.
    pub interactive: bool,
}

/// What is true when a line is made.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    pub now: Timestamp,
    /// Lines say in which room.
    pub several_rooms: bool,
}

impl PlainText {
    /// The line for a change, if it has one. What comes from the network is harmless in it.
    pub fn line(&self, change: &Change, circumstances: Circumstances) -> Option<(Stream, String)> {
        use Stream::{Complaint, Output};
        let now = circumstances.now;
        let several = circumstances.several_rooms;
        let of = |room: &str, word: &str| {
            if several { format!(" {word}{}", printable(room)) } else { String::new() }
        };
        let event = |at: Timestamp, text: String| Some((Output, format!("{} * {text}", self.time(at))));
        let complaint = |text: &str| {
            Some((Complaint, format!("{} {}", self.time(now), self.alarmed(&format!("! {}", printable(text))))))
        };
        match change {
            Change::MessageAdded(message) => Some((Output, self.message(message, several))),
            Change::Found(message) => {
                Some((Output, format!("{} {}", self.day(message.timestamp), self.message(message, true))))
            }
            Change::SearchEnded { found: 0 } => event(now, "nothing was found".to_owned()),
            Change::SearchEnded { found: 1 } => event(now, "1 message found".to_owned()),
            Change::SearchEnded { found } => event(now, format!("{found} messages found")),
            Change::Joined { place, own: true, .. } => {
                event(place.timestamp, format!("you are in {}", printable(&place.room_name)))
            }
            Change::Joined { place, who, .. } => {
                event(place.timestamp, format!("{} joined{}", self.person(who), of(&place.room_name, "")))
            }
            Change::Left { place, own: true, .. } => {
                event(place.timestamp, format!("you left {}", printable(&place.room_name)))
            }
            Change::Left { place, who, reason, .. } => event(
                place.timestamp,
                format!("{} left{}{}", self.person(who), of(&place.room_name, ""), because(reason)),
            ),
            Change::Kicked { place, who, by, reason, own } => {
                let who = if *own { Cow::Borrowed("you were") } else { Cow::Owned(format!("{} was", self.name(who))) };
                event(
                    place.timestamp,
                    format!(
                        "{who} put out of {} by {}{}",
                        printable(&place.room_name),
                        self.person(by),
                        because(reason)
                    ),
                )
            }
            Change::Quit { who, reason, timestamp, .. } => {
                event(*timestamp, format!("{} left the server{}", self.person(who), because(reason)))
            }
            Change::Renamed { to, own: true, timestamp, .. } => {
                event(*timestamp, format!("you are now {}", self.name(to)))
            }
            Change::Renamed { from, to, timestamp, .. } => {
                event(*timestamp, format!("{} is now {}", self.name(from), self.name(to)))
            }
            Change::TopicChanged { place, by, topic } if topic.is_empty() => event(
                place.timestamp,
                format!("{} took away the topic{}", self.person(by), of(&place.room_name, "of ")),
            ),
            Change::TopicChanged { place, by, topic } => event(
                place.timestamp,
                format!("{} changed the topic{}: {}", self.person(by), of(&place.room_name, "of "), printable(topic)),
            ),
            Change::TopicIs { place, topic } => {
                event(now, format!("the topic{}: {}", of(&place.room_name, "of "), printable(topic)))
            }
            Change::Members { room_name, names } => {
                event(now, format!("here{}: {}", of(room_name, "in "), some_of(names)))
            }
            Change::ModesChanged { target, by, phrases, timestamp, .. } if !phrases.is_empty() => {
                let what = phrases.join(", ");
                event(*timestamp, format!("{} {}{}", self.person(by), printable(&what), of(target, "in ")))
            }
            Change::Invited { room_name, by, own: true, .. } => event(
                now,
                format!(
                    "{} invites you to {room}; enter it with /join {room}",
                    self.person(by),
                    room = printable(room_name)
                ),
            ),
            Change::Invited { room_name, who, by, .. } => {
                event(now, format!("{} invited {} to {}", self.person(by), self.name(who), printable(room_name)))
            }
            Change::Notice { from, text, timestamp } => {
                Some((Output, format!("{} -{}- {}", self.time(*timestamp), printable(from), printable(text))))
            }
            Change::MessageOfTheDay { text } if self.interactive => event(now, printable(text).into_owned()),
            Change::Information { sentence } => event(now, printable(sentence).into_owned()),
            Change::PostRefused { payload, sentence, .. } => {
                complaint(&format!("Not posted: \"{payload}\". {sentence}"))
            }
            Change::PostUnknown { payload, .. } => complaint(&format!(
                "The link was lost while this was being posted, so it may or may not have arrived: \"{payload}\"."
            )),
            Change::Refused { sentence }
            | Change::JoinRefused { sentence, .. }
            | Change::LoginRefused { sentence, .. }
            | Change::LinkDead { sentence } => complaint(sentence),
            // Shown by what comes of them, or of no interest to a reader of lines.
            Change::LinkState(_)
            | Change::Welcome { .. }
            | Change::PostAccepted { .. }
            | Change::MessageOfTheDay { .. }
            | Change::ModesChanged { .. }
            | Change::Away { .. }
            | Change::AccountChanged { .. }
            | Change::RealnameChanged { .. }
            | Change::Closed { .. }
            // The line tool does not ask for these.
            | Change::Conversation(_) => None,
        }
    }

    /// A sentence of this program's own about the link.
    pub fn remark(&self, sentence: &str, now: Timestamp) -> String {
        format!("{} * {}", self.time(now), printable(sentence))
    }

    /// The same about what went wrong.
    pub fn alarm(&self, sentence: &str, now: Timestamp) -> String {
        format!("{} {}", self.time(now), self.alarmed(&format!("! {}", printable(sentence))))
    }

    fn message(&self, message: &Message, several_rooms: bool) -> String {
        let mut line = self.time(message.timestamp);
        line.push(' ');
        let name = self.person(&message.sender);
        let addressee = match (message.direct, message.own) {
            (true, true) => format!(" (to {})", printable(&message.room_name)),
            (true, false) => " (to you)".to_owned(),
            (false, _) => String::new(),
        };
        if several_rooms && !message.direct {
            let _ = write!(line, "{} ", printable(&message.room_name));
        }
        let mut lines = message.payload.split('\n').map(printable);
        let payload = lines.next().unwrap_or_default();
        let _ = match message.kind {
            MessageKind::Text => write!(line, "{name}{addressee}: {payload}"),
            MessageKind::Action => write!(line, "* {name}{addressee} {payload}"),
            MessageKind::Notice => write!(line, "-{name}{addressee}- {payload}"),
        };
        for more in lines {
            // Under the text, where no time stands: nothing that someone says looks like a line of its own.
            let _ = write!(line, "\n{CONTINUED}{more}");
        }
        line
    }

    fn day(&self, timestamp: Timestamp) -> String {
        let local = jiff::Timestamp::from_millisecond(timestamp.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone());
        let day = local.date().to_string();
        if self.colours { format!("\x1b[2m{day}\x1b[0m") } else { day }
    }

    fn time(&self, timestamp: Timestamp) -> String {
        let local = jiff::Timestamp::from_millisecond(timestamp.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone());
        let time = format!("{:02}:{:02}", local.hour(), local.minute());
        if self.colours { format!("\x1b[2m{time}\x1b[0m") } else { time }
    }

    fn person(&self, person: &Person) -> String {
        self.name(&person.name)
    }

    /// With a colour of its own, the same on every day.
    fn name(&self, name: &str) -> String {
        let name = printable(name);
        if !self.colours {
            return name.into_owned();
        }
        const COLOURS: [u8; 12] = [31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96];
        // FNV-1a, for a hash that no other version of this program changes.
        let hash = name
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let colour = COLOURS[(hash % COLOURS.len() as u64) as usize];
        format!("\x1b[{colour}m{name}\x1b[0m")
    }

    fn alarmed(&self, text: &str) -> String {
        if self.colours { format!("\x1b[31m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Which word a state of the link has in a prompt; `None` when all is well.
pub fn state_word(state: LinkState) -> Option<&'static str> {
    match state {
        LinkState::Down { .. } => Some("no link"),
        LinkState::Negotiating | LinkState::Authenticating | LinkState::Registering => Some("connecting"),
        LinkState::Closing => Some("leaving"),
        LinkState::Joined => None,
    }
}

fn because(reason: &Option<String>) -> String {
    reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", printable(reason)))
}

fn some_of(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<Cow<'_, str>> = names.iter().take(MOST_NAMES).map(|name| printable(name.as_ref())).collect();
    let mut text = shown.join(", ");
    if names.len() > MOST_NAMES {
        let _ = write!(text, " and {} more", names.len() - MOST_NAMES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::Place;

    const NOON: Timestamp = Timestamp(12 * 3_600_000);

    fn plain() -> PlainText {
        PlainText { colours: false, zone: TimeZone::UTC, interactive: true }
    }

    fn alice() -> Person {
        Person { name: "alice".into(), id: None, account: None }
    }

    fn message(payload: &str) -> Message {
        Message {
            id: None,
            sender: alice(),
            payload: payload.to_owned(),
            timestamp: Timestamp(45_240_000),
            room_name: "#tea".into(),
            room_id: None,
            kind: MessageKind::Text,
            own: false,
            direct: false,
            reply_to: None,
        }
    }

    fn place() -> Place {
        Place { room_name: "#tea".into(), room_id: None, timestamp: NOON }
    }

    fn check(change: Change, one_room: &str, several_rooms: &str) {
        for (several_rooms, expected) in [(false, one_room), (true, several_rooms)] {
            let line = plain().line(&change, Circumstances { now: NOON, several_rooms });
            assert_eq!(line.map(|(_, line)| line).unwrap_or_default(), expected, "{change:?}");
        }
    }

    #[test]
    fn what_was_found_has_its_day_and_its_room() {
        let line = "1970-01-01 12:34 #tea alice: hi";
        check(Change::Found(message("hi")), line, line);
        check(Change::SearchEnded { found: 2 }, "12:00 * 2 messages found", "12:00 * 2 messages found");
        check(Change::SearchEnded { found: 0 }, "12:00 * nothing was found", "12:00 * nothing was found");
    }

    #[test]
    fn messages() {
        check(Change::MessageAdded(message("hi")), "12:34 alice: hi", "12:34 #tea alice: hi");
        check(
            Change::MessageAdded(Message { kind: MessageKind::Action, ..message("waves") }),
            "12:34 * alice waves",
            "12:34 #tea * alice waves",
        );
        check(
            Change::MessageAdded(Message { kind: MessageKind::Notice, ..message("beep") }),
            "12:34 -alice- beep",
            "12:34 #tea -alice- beep",
        );
        let direct = Message { direct: true, room_name: "alice".into(), ..message("psst") };
        check(Change::MessageAdded(direct.clone()), "12:34 alice (to you): psst", "12:34 alice (to you): psst");
        let to_bob = Message { own: true, room_name: "bob".into(), ..direct };
        check(Change::MessageAdded(to_bob), "12:34 alice (to bob): psst", "12:34 alice (to bob): psst");
        check(
            Change::MessageAdded(message("\u{1b}]0;gotcha\u{7}")),
            "12:34 alice: ␛]0;gotcha␇",
            "12:34 #tea alice: ␛]0;gotcha␇",
        );
    }

    #[test]
    fn comings_and_goings() {
        check(
            Change::Joined { place: place(), who: alice(), own: false },
            "12:00 * alice joined",
            "12:00 * alice joined #tea",
        );
        check(
            Change::Joined { place: place(), who: alice(), own: true },
            "12:00 * you are in #tea",
            "12:00 * you are in #tea",
        );
        check(
            Change::Left { place: place(), who: alice(), reason: Some("tired".to_owned()), own: false },
            "12:00 * alice left (tired)",
            "12:00 * alice left #tea (tired)",
        );
        check(
            Change::Quit { who: alice(), reason: None, rooms: vec![], timestamp: NOON },
            "12:00 * alice left the server",
            "12:00 * alice left the server",
        );
        check(
            Change::Kicked { place: place(), who: "bob".into(), by: alice(), reason: None, own: true },
            "12:00 * you were put out of #tea by alice",
            "12:00 * you were put out of #tea by alice",
        );
        check(
            Change::Renamed { from: "bob".into(), to: "robert".into(), own: false, rooms: vec![], timestamp: NOON },
            "12:00 * bob is now robert",
            "12:00 * bob is now robert",
        );
        check(
            Change::TopicIs { place: place(), topic: "Tea at five".to_owned() },
            "12:00 * the topic: Tea at five",
            "12:00 * the topic of #tea: Tea at five",
        );
        let names: Vec<_> = (0..33).map(|number| format!("n{number}").into()).collect();
        let line = plain()
            .line(
                &Change::Members { room_name: "#tea".into(), names },
                Circumstances { now: NOON, several_rooms: false },
            )
            .unwrap()
            .1;
        assert!(line.ends_with("n29 and 3 more"), "{line}");
    }

    #[test]
    fn complaints_go_to_the_other_stream() {
        let change = Change::Refused { sentence: "No such room; make one.".to_owned() };
        let line = plain().line(&change, Circumstances { now: NOON, several_rooms: false });
        assert_eq!(line, Some((Stream::Complaint, "12:00 ! No such room; make one.".to_owned())));
    }

    #[test]
    fn colours_are_the_names_own() {
        let coloured = PlainText { colours: true, ..plain() };
        assert_eq!(coloured.name("Alice").replace("Alice", "alice"), coloured.name("alice"));
        assert!(coloured.name("alice").starts_with("\x1b["));
        assert_eq!(plain().name("alice"), "alice");
    }
}
