//! Every message of every member: once, in order, with the right text.
//!
//! A text of `size` bytes is `SS-NNNNNNNNNN-filler`: the sender's slot in its room (two hexadecimal digits), the message's number
//! from 0, and a filler that differs from one number to the next. The texts under way are kept as they were sent, so that the
//! check of one delivery is a comparison of `size` bytes with the one text this member must see next.

use std::fmt;

use crate::irc_bytes::{Line, shown};

/// Shorter texts could not carry slot and number.
pub const SMALLEST_TEXT: usize = 20;
/// Longer ones may not fit a line of 512 bytes with its source.
pub const LARGEST_TEXT: usize = 400;

/// Tags and source are read in full on every message whose number is a multiple of this; text and order on every one.
const FULL_CHECK_EVERY: u64 = 16;

const FILLER: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/";

/// Something other than the next message.
#[derive(Debug, PartialEq, Eq)]
pub enum Misdelivery {
    Duplicate { slot: usize, expected: u64, came: u64 },
    Gap { slot: usize, expected: u64, came: u64 },
    NeverSent { slot: usize, came: u64 },
    WrongText { line: String },
    WrongSource { line: String, expected: String },
    WrongTags { line: String, expected: bool },
    ForeignRoom { line: String },
}

impl fmt::Display for Misdelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misdelivery::Duplicate { slot, expected, came } => {
                write!(f, "message {came} of sender {slot} came again, or behind later ones ({expected} was next)")
            }
            Misdelivery::Gap { slot, expected, came } => {
                write!(f, "message {came} of sender {slot} came where {expected} was next: lost or out of order")
            }
            Misdelivery::NeverSent { slot, came } => {
                write!(f, "message {came} of sender {slot} came and was never sent")
            }
            Misdelivery::WrongText { line } => {
                write!(f, "a message with an altered text came: {line}")
            }
            Misdelivery::WrongSource { line, expected } => {
                write!(f, "a message of {expected} came under another name: {line}")
            }
            Misdelivery::WrongTags { line, expected: true } => {
                write!(f, "a message came without the time tag that was negotiated: {line}")
            }
            Misdelivery::WrongTags { line, expected: false } => {
                write!(f, "a message came with tags that were not negotiated: {line}")
            }
            Misdelivery::ForeignRoom { line } => {
                write!(f, "a message came to someone who is in no such room: {line}")
            }
        }
    }
}

/// A line that was checked and found right.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Delivered {
    pub room: usize,
    pub slot: usize,
    pub number: u64,
    /// This was the last of all members to get it.
    pub complete: bool,
}

/// Who is in a room and who speaks there.
#[derive(Debug)]
pub struct RoomPlan {
    pub name: String,
    pub members: Vec<Member>,
    /// Indices into `members`, at most 256; a sender's slot is its place in this list.
    pub senders: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub client: usize,
    pub nick: String,
    /// Negotiated `server-time`: lines must have a `time` tag. Otherwise they must have no tags at all.
    pub tagged: bool,
    /// Negotiated `echo-message`: gets its own messages too.
    pub echo: bool,
}

/// The messages under way and what each member must see next.
#[derive(Debug)]
pub struct Verifier {
    size: usize,
    rooms: Vec<Room>,
    /// By client number.
    readers: Vec<Option<Reader>>,
    /// Next number by reader and slot; a reader's first is at `Reader::first`.
    expected: Vec<u64>,
}

#[derive(Debug)]
struct Room {
    /// ` PRIVMSG #room :`, which stands between source and text.
    marker: Vec<u8>,
    feeds: Vec<Feed>,
}

/// One sender's messages in one room.
#[derive(Debug)]
struct Feed {
    client: usize,
    nick: String,
    /// Gets its own messages back.
    echo: bool,
    recipients: u32,
    sent: u64,
    complete: u64,
    /// Messages under way: number `n` stands at `n % under_way.len()`.
    under_way: Vec<UnderWay>,
}

#[derive(Debug, Clone)]
struct UnderWay {
    text: Vec<u8>,
    awaiting: u32,
}

#[derive(Debug, Clone, Copy)]
struct Reader {
    room: usize,
    first: usize,
    tagged: bool,
}

impl Verifier {
    /// `size`: bytes of a text, [`SMALLEST_TEXT`] to [`LARGEST_TEXT`]. `most_under_way`: messages of one sender that may wait for
    /// their last reader at any moment. A client is in one room at most.
    pub fn new(plans: &[RoomPlan], size: usize, most_under_way: usize) -> Verifier {
        let blank = UnderWay { text: vec![b' '; size], awaiting: 0 };
        let mut readers = Vec::new();
        let mut expected = Vec::new();
        let mut rooms = Vec::new();
        for (room, plan) in plans.iter().enumerate() {
            let feeds = plan.senders.iter().map(|&sender| {
                let member = &plan.members[sender];
                Feed {
                    client: member.client,
                    nick: member.nick.clone(),
                    echo: member.echo,
                    recipients: plan.members.len() as u32 - u32::from(!member.echo),
                    sent: 0,
                    complete: 0,
                    under_way: vec![blank.clone(); most_under_way.next_power_of_two()],
                }
            });
            rooms.push(Room { marker: format!(" PRIVMSG {} :", plan.name).into_bytes(), feeds: feeds.collect() });
            for member in &plan.members {
                if readers.len() <= member.client {
                    readers.resize(member.client + 1, None);
                }
                readers[member.client] = Some(Reader { room, first: expected.len(), tagged: member.tagged });
                expected.resize(expected.len() + plan.senders.len(), 0);
            }
        }
        Verifier { size, rooms, readers, expected }
    }

    /// Appends the next message of this sender to `out`, as the line it sends. False, and nothing appended, if as many as may be
    /// are under way.
    pub fn post(&mut self, room: usize, slot: usize, out: &mut Vec<u8>) -> bool {
        let Room { marker, feeds } = &mut self.rooms[room];
        let feed = &mut feeds[slot];
        let places = feed.under_way.len() as u64;
        if feed.sent - feed.complete >= places {
            return false;
        }
        let message = &mut feed.under_way[(feed.sent % places) as usize];
        write_text(&mut message.text, slot, feed.sent);
        message.awaiting = feed.recipients;
        feed.sent += 1;
        out.extend_from_slice(&marker[1..]);
        out.extend_from_slice(&message.text);
        out.extend_from_slice(b"\r\n");
        true
    }

    /// Checks one line that `client` got, line end included. `None`: no message of ours; the caller must look at it, and a
    /// PRIVMSG among such lines is for [`Verifier::altered`].
    #[inline]
    pub fn check(&mut self, client: usize, line: &[u8]) -> Result<Option<Delivered>, Misdelivery> {
        let Some(Some(reader)) = self.readers.get(client).copied() else {
            return Ok(None);
        };
        let Room { marker, feeds } = &mut self.rooms[reader.room];
        let Some(text_at) = line.len().checked_sub(self.size + 2) else {
            return Ok(None);
        };
        let (head, tail) = line.split_at(text_at);
        let Some(text) = tail.strip_suffix(b"\r\n") else {
            return Ok(None);
        };
        if !head.ends_with(marker) {
            return Ok(None);
        }
        let slot = match (hexadecimal(text[0]), hexadecimal(text[1])) {
            (Some(high), Some(low)) if high * 16 + low < feeds.len() => high * 16 + low,
            _ => return Err(Misdelivery::WrongText { line: shown(line) }),
        };
        let feed = &mut feeds[slot];
        let next = &mut self.expected[reader.first + slot];
        let number = *next;
        let places = feed.under_way.len() as u64;
        let message = &mut feed.under_way[(number % places) as usize];
        if number >= feed.sent || text != message.text {
            return Err(misdelivery(feed, slot, number, text, line));
        }
        if number.is_multiple_of(FULL_CHECK_EVERY) {
            check_head(line, &feed.nick, reader.tagged)?;
        } else if (line[0] == b'@') != reader.tagged {
            return Err(Misdelivery::WrongTags { line: shown(line), expected: reader.tagged });
        }
        *next += 1;
        message.awaiting -= 1;
        let complete = message.awaiting == 0;
        if complete {
            // Everyone reads in order, so the last reader of this message was the last reader of all earlier ones before.
            feed.complete = number + 1;
        }
        Ok(Some(Delivered { room: reader.room, slot, number, complete }))
    }

    /// What is wrong with a PRIVMSG that [`Verifier::check`] did not know.
    pub fn altered(&self, client: usize, line: &[u8]) -> Misdelivery {
        let in_a_room = self.readers.get(client).is_some_and(Option::is_some);
        let to_the_room = in_a_room && {
            let room = self.readers[client].map_or(0, |reader| reader.room);
            memchr::memmem::find(line, &self.rooms[room].marker).is_some()
        };
        match to_the_room {
            true => Misdelivery::WrongText { line: shown(line) },
            false => Misdelivery::ForeignRoom { line: shown(line) },
        }
    }

    pub fn sent(&self, room: usize, slot: usize) -> u64 {
        self.rooms[room].feeds[slot].sent
    }

    /// How many messages of this sender every member has.
    pub fn complete(&self, room: usize, slot: usize) -> u64 {
        self.rooms[room].feeds[slot].complete
    }

    /// How many messages of this sender that one client has.
    pub fn seen_by(&self, client: usize, slot: usize) -> u64 {
        match self.readers[client] {
            Some(reader) => self.expected[reader.first + slot],
            None => 0,
        }
    }

    pub fn sender(&self, room: usize, slot: usize) -> usize {
        self.rooms[room].feeds[slot].client
    }

    pub fn senders(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let rooms = self.rooms.iter().enumerate();
        rooms.flat_map(|(room, Room { feeds, .. })| (0..feeds.len()).map(move |slot| (room, slot)))
    }

    /// Messages that someone has still to get.
    pub fn under_way(&self) -> u64 {
        let feeds = self.rooms.iter().flat_map(|room| &room.feeds);
        feeds.map(|feed| feed.sent - feed.complete).sum()
    }

    /// One delivery that has not come, as a person would name it; empty if all have.
    pub fn missing(&self) -> String {
        for (client, reader) in self.readers.iter().enumerate() {
            let Some(reader) = reader else { continue };
            for (slot, feed) in self.rooms[reader.room].feeds.iter().enumerate() {
                let next = self.expected[reader.first + slot];
                let gets_it = feed.client != client || feed.echo;
                if gets_it && next < feed.sent {
                    return format!(
                        "message {next} of sender {slot} at client {client} ({} of {} messages are still under way)",
                        self.under_way(),
                        feed.sent
                    );
                }
            }
        }
        String::new()
    }
}

fn write_text(text: &mut [u8], slot: usize, number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text[0] = DIGITS[slot / 16 % 16];
    text[1] = DIGITS[slot % 16];
    text[2] = b'-';
    let mut left = number;
    for digit in text[3..13].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    text[13] = b'-';
    let mut filler = (number % FILLER.len() as u64) as usize;
    let mut rest = &mut text[14..];
    while !rest.is_empty() {
        let length = rest.len().min(FILLER.len() - filler);
        let (piece, behind) = rest.split_at_mut(length);
        piece.copy_from_slice(&FILLER[filler..filler + length]);
        rest = behind;
        filler = 0;
    }
}

/// Finds out what came instead of the next message.
#[cold]
fn misdelivery(feed: &Feed, slot: usize, expected: u64, text: &[u8], line: &[u8]) -> Misdelivery {
    let digits = std::str::from_utf8(&text[3..13]).ok();
    let Some(came) = digits.and_then(|digits| digits.parse::<u64>().ok()) else {
        return Misdelivery::WrongText { line: shown(line) };
    };
    let mut right = vec![b' '; text.len()];
    write_text(&mut right, slot, came);
    if text != right || came == expected && came < feed.sent {
        return Misdelivery::WrongText { line: shown(line) };
    }
    if came >= feed.sent {
        Misdelivery::NeverSent { slot, came }
    } else if came < expected {
        Misdelivery::Duplicate { slot, expected, came }
    } else {
        Misdelivery::Gap { slot, expected, came }
    }
}

fn check_head(line: &[u8], nick: &str, tagged: bool) -> Result<(), Misdelivery> {
    let Some(parsed) = Line::parse(line) else {
        return Err(Misdelivery::WrongText { line: shown(line) });
    };
    let tags_are_right = match tagged {
        true => parsed.has_tag(b"time"),
        false => parsed.tags.is_none(),
    };
    if !tags_are_right {
        return Err(Misdelivery::WrongTags { line: shown(line), expected: tagged });
    }
    if parsed.nick() != nick.as_bytes() || parsed.command != b"PRIVMSG" {
        return Err(Misdelivery::WrongSource { line: shown(line), expected: nick.to_owned() });
    }
    Ok(())
}

fn hexadecimal(byte: u8) -> Option<usize> {
    match byte {
        b'0'..=b'9' => Some(usize::from(byte - b'0')),
        b'a'..=b'f' => Some(usize::from(byte - b'a') + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A room with sender 0 (no echo), a plain reader 1 and a tagged reader 2; four messages sent.
    fn room() -> (Verifier, Vec<String>) {
        let member = |client: usize, tagged| Member { client, nick: format!("m{client}"), tagged, echo: false };
        let plan = RoomPlan {
            name: "#tea".to_owned(),
            members: vec![member(0, false), member(1, false), member(2, true)],
            senders: vec![0],
        };
        let mut verifier = Verifier::new(&[plan], 100, 4);
        let mut sent = Vec::new();
        assert!((0..4).all(|_| verifier.post(0, 0, &mut sent)));
        let lines = String::from_utf8(sent).expect("ASCII");
        let lines = lines.lines().map(|line| format!(":m0!u@h {line}\r\n"));
        let lines = lines.collect();
        (verifier, lines)
    }

    /// Client 1 gets what `arrange` makes of the four right lines; the last line's fate is `expected`.
    #[track_caller]
    fn check(arrange: impl Fn(&[String]) -> Vec<String>, expected: impl Fn(&str) -> Result<Option<u64>, Misdelivery>) {
        let (mut verifier, lines) = room();
        let lines = arrange(&lines);
        let (last, before) = lines.split_last().expect("a line");
        for line in before {
            let delivered = verifier.check(1, line.as_bytes());
            assert!(matches!(delivered, Ok(Some(_))), "{line} {delivered:?}");
        }
        let outcome = verifier.check(1, last.as_bytes());
        let outcome = outcome.map(|delivered| delivered.map(|delivered| delivered.number));
        assert_eq!(outcome, expected(last.trim_end()));
    }

    #[test]
    fn the_right_messages_pass() {
        check(|lines| lines.to_vec(), |_| Ok(Some(3)));
    }

    #[test]
    fn a_duplicate_is_found() {
        check(
            |lines| vec![lines[0].clone(), lines[1].clone(), lines[1].clone()],
            |_| Err(Misdelivery::Duplicate { slot: 0, expected: 2, came: 1 }),
        );
    }

    #[test]
    fn a_lost_message_is_found() {
        check(
            |lines| vec![lines[0].clone(), lines[2].clone()],
            |_| Err(Misdelivery::Gap { slot: 0, expected: 1, came: 2 }),
        );
    }

    #[test]
    fn swapped_messages_are_found() {
        check(|lines| vec![lines[1].clone()], |_| Err(Misdelivery::Gap { slot: 0, expected: 0, came: 1 }));
    }

    #[test]
    fn an_altered_text_is_found() {
        check(
            |lines| vec![lines[0].replace("xyz", "xYz")],
            |line| Err(Misdelivery::WrongText { line: line.to_owned() }),
        );
        check(
            |lines| vec![lines[0].replace("00-0", "07-0")],
            |line| Err(Misdelivery::WrongText { line: line.to_owned() }),
        );
    }

    #[test]
    fn a_message_that_was_never_sent_is_found() {
        check(
            |lines| {
                let mut text = vec![b' '; 100];
                write_text(&mut text, 0, 4);
                let mut lines = lines.to_vec();
                let text = String::from_utf8(text).expect("ASCII");
                lines.push(format!(":m0!u@h PRIVMSG #tea :{text}\r\n"));
                lines
            },
            |_| Err(Misdelivery::NeverSent { slot: 0, came: 4 }),
        );
    }

    #[test]
    fn a_wrong_source_or_tag_is_found() {
        check(
            |lines| vec![lines[0].replace(":m0!", ":m9!")],
            |line| Err(Misdelivery::WrongSource { line: line.to_owned(), expected: "m0".to_owned() }),
        );
        check(
            |lines| vec![format!("@time=1 {}", lines[0])],
            |line| Err(Misdelivery::WrongTags { line: line.to_owned(), expected: false }),
        );
        check(
            |lines| vec![lines[0].clone(), format!("@time=1 {}", lines[1])],
            |line| Err(Misdelivery::WrongTags { line: line.to_owned(), expected: false }),
        );
    }

    #[test]
    fn other_lines_are_not_messages() {
        for line in ["PING :x\r\n", ":m2!u@h JOIN #tea\r\n", "", ":m0!u@h PRIVMSG #tea :short\r\n"] {
            check(|_| vec![line.to_owned()], |_| Ok(None));
        }
        let (verifier, _) = room();
        let short = b":m0!u@h PRIVMSG #tea :short\r\n";
        assert!(matches!(verifier.altered(1, short), Misdelivery::WrongText { .. }));
        assert!(matches!(verifier.altered(7, short), Misdelivery::ForeignRoom { .. }));
    }

    #[test]
    fn a_message_is_complete_with_its_last_reader() {
        let (mut verifier, lines) = room();
        let mut out = Vec::new();
        assert!(!verifier.post(0, 0, &mut out) && out.is_empty(), "four are under way");
        let first = verifier.check(1, lines[0].as_bytes()).expect("right");
        assert_eq!(first.map(|delivered| delivered.complete), Some(false));
        assert_eq!(verifier.complete(0, 0), 0);
        assert_eq!(verifier.missing(), "message 1 of sender 0 at client 1 (4 of 4 messages are still under way)");
        let tagged = format!("@time=1 {}", lines[0]);
        let last = verifier.check(2, tagged.as_bytes()).expect("right");
        assert_eq!(last.map(|delivered| delivered.complete), Some(true));
        assert_eq!((verifier.complete(0, 0), verifier.under_way()), (1, 3));
        assert!(verifier.post(0, 0, &mut out));
    }
}
