//! `parlor/once`: a message whose fate its sender does not know is sent again, and is posted once.
//!
//! People with accounts talk in a room and to someone who is away, each message under a key. Connections break in the
//! middle of it: by themselves, and with the server, which is killed. Everyone comes back over another kind of connection,
//! sometimes while the old one still hangs, and sends again what she does not know the fate of, with some of which she
//! knows it. In the end each message is on disk once, under the id that every answer gave it.

use crate::support::chance::{self, Chance};
use crate::support::whereabouts::Whereabouts;
use crate::support::{self, Carrier, Daemon, Irc, Link, Upgrade, tag, try_dial};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OpenFlags};
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SENDERS: usize = 12;
/// For every submission. `PARLOR_KILLS=200 cargo test -p server --test sockets once:: -- --nocapture` is the form of
/// docs/performance.md.
const CYCLES: usize = 8;
/// Lines that a sender has on the way at once.
const BURST: usize = 20;
/// Messages of each sender that are sent again in the end, in doubt or not.
const LAST: usize = 200;
const PASSWORD: &str = "correct horse";
const ABSENT: &str = "keeper";

/// The server's doors.
#[derive(Clone, Copy)]
struct Doors {
    plain: SocketAddr,
    tls: SocketAddr,
    web: SocketAddr,
}

impl Doors {
    fn of(daemon: &Daemon) -> Doors {
        Doors { plain: daemon.irc(), tls: daemon.address("ircs"), web: daemon.address("http") }
    }

    fn enter(self, which: usize) -> io::Result<Irc> {
        Ok(match which % 3 {
            0 => Irc::over(Carrier::lines(Link::Plain(try_dial(self.plain)?))),
            1 => Irc::over(Carrier::lines(Link::tls(try_dial(self.tls)?))),
            _ => {
                let link = Link::Plain(try_dial(self.web)?);
                Upgrade::default().try_over(link)?.map_err(|status| io::Error::other(format!("HTTP {status}")))?
            }
        })
    }
}

/// A message as far as its sender knows.
#[derive(Default)]
struct Said {
    /// As every answer must say.
    id: Option<String>,
    /// When it was sent last before this connection, in milliseconds since 1970; 0: never.
    tried: u64,
}

#[derive(Default)]
struct Count {
    connections: usize,
    /// Connections that broke by themselves in the middle of sending.
    broken: usize,
    again: usize,
    /// Repetitions of what its sender knew nothing of, and which had been posted.
    were_posted: usize,
    /// The same that had not.
    were_not: usize,
}

struct Sender {
    name: String,
    chance: Chance,
    said: Vec<Said>,
    count: Count,
    /// A connection that broke for the sender and not for the server: nobody reads from it any more.
    hanging: Option<Irc>,
}

impl Sender {
    fn live(mut self, whereabouts: &Whereabouts<Doors>) -> Sender {
        while let Some(doors) = whereabouts.find() {
            // The error is the server's death; whoever waits in vain times out and is told.
            if let Err(error) = self.converse(doors, whereabouts) {
                let expected = !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                assert!(expected, "{}: no answer came from a server that lives: {error}", self.name);
            }
        }
        self
    }

    fn converse(&mut self, doors: Doors, whereabouts: &Whereabouts<Doors>) -> io::Result<()> {
        let mut irc = self.come(doors)?;
        let mut again: Vec<usize> = (0..self.said.len()).filter(|number| self.said[*number].id.is_none()).collect();
        for _ in 0..3.min(self.said.len()) {
            again.push(self.chance.below(self.said.len()));
        }
        // In whatever order.
        for at in (1..again.len()).rev() {
            again.swap(at, self.chance.below(at + 1));
        }
        self.repeat(&mut irc, &again)?;
        // The old connection is gone for the server as well.
        self.hanging = None;
        while !whereabouts.is_over() {
            let burst = 1 + self.chance.below(BURST);
            for _ in 0..burst {
                self.said.push(Said::default());
                self.send(&mut irc, self.said.len() - 1)?;
            }
            if self.chance.below(6) == 0 {
                // The connection breaks, with any number of answers under way.
                let heard = self.chance.below(burst + 1);
                self.hear(&mut irc, heard)?;
                self.count.broken += 1;
                self.hanging = (self.chance.below(2) == 0).then_some(irc);
                return Ok(());
            }
            self.hear(&mut irc, burst)?;
        }
        Ok(())
    }

    /// What is in doubt, and the last of what is not, once more to a server that stays.
    fn settle(&mut self, doors: Doors) {
        let mut irc = self.come(doors).expect("a connection");
        let last = self.said.len().saturating_sub(LAST);
        let some: Vec<usize> =
            (0..self.said.len()).filter(|number| *number >= last || self.said[*number].id.is_none()).collect();
        self.repeat(&mut irc, &some).expect("answers");
    }

    fn come(&mut self, doors: Doors) -> io::Result<Irc> {
        self.count.connections += 1;
        let mut irc = doors.enter(self.chance.below(3))?;
        irc.name.clone_from(&self.name);
        irc.try_send("CAP REQ :message-tags echo-message batch labeled-response sasl parlor/once")?;
        until(&mut irc, " ACK ")?;
        irc.try_send("AUTHENTICATE PLAIN")?;
        until(&mut irc, "AUTHENTICATE +")?;
        irc.try_send(&format!("AUTHENTICATE {}", STANDARD.encode(format!("\0{}\0{PASSWORD}", self.name))))?;
        until(&mut irc, " 903 ")?;
        irc.try_send(&format!("NICK {0}\r\nUSER {0} 0 * :{0}\r\nCAP END", self.name))?;
        until(&mut irc, " 422 ")?;
        irc.try_send("JOIN #tea")?;
        // She may be in it still: then nothing comes of that.
        irc.try_send("PING :here")?;
        until(&mut irc, " PONG ")?;
        Ok(irc)
    }

    fn repeat(&mut self, irc: &mut Irc, numbers: &[usize]) -> io::Result<()> {
        let now = milliseconds();
        let doubtful: Vec<usize> = numbers
            .iter()
            .copied()
            .filter(|number| self.said[*number].id.is_none() && self.said[*number].tried > 0)
            .collect();
        for some in numbers.chunks(BURST) {
            for number in some {
                self.send(irc, *number)?;
            }
            self.hear(irc, some.len())?;
        }
        self.count.again += numbers.len();
        for number in doubtful {
            let Some(id) = &self.said[number].id else { continue };
            // An id begins with the time of the message.
            let id: uuid::Uuid = id.parse().expect("an id");
            let posted = u64::try_from(id.as_u128() >> 80).expect("48 bits");
            *(if posted < now { &mut self.count.were_posted } else { &mut self.count.were_not }) += 1;
        }
        Ok(())
    }

    fn send(&mut self, irc: &mut Irc, number: usize) -> io::Result<()> {
        self.said[number].tried = milliseconds();
        // A NOTICE: nobody is told that the recipient is away.
        let to = if number.is_multiple_of(4) { format!("NOTICE {ABSENT}") } else { "PRIVMSG #tea".to_owned() };
        irc.try_send(&format!("@label={number};parlor/once=key-{number} {to} :{}", self.text(number)))
    }

    fn text(&self, number: usize) -> String {
        format!("{} says {number}", self.name)
    }

    /// Reads so many answers, and takes down what they say.
    fn hear(&mut self, irc: &mut Irc, answers: usize) -> io::Result<()> {
        let mut left = answers;
        while left > 0 {
            let line = irc.try_line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let Some(number) = tag(&line, "label") else { continue };
            let number: usize = number.parse().expect("a number");
            assert!(line.ends_with(&self.text(number)), "{}: {line} came for {number}", self.name);
            let found = tag(&line, "msgid").unwrap_or_else(|| panic!("{line} has no id")).to_owned();
            let id = self.said[number].id.get_or_insert_with(|| found.clone());
            assert_eq!(*id, found, "{}: another message came for {number}: {line}", self.name);
            left -= 1;
        }
        Ok(())
    }
}

fn until(irc: &mut Irc, part: &str) -> io::Result<()> {
    while !irc.try_line()?.ok_or(io::ErrorKind::UnexpectedEof)?.contains(part) {}
    Ok(())
}

fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("later than 1970").as_millis() as u64
}

#[test]
fn what_is_sent_again_is_posted_once_through_kills() {
    let _alone = support::alone();
    let mut chance = Chance::new("connections and kills");
    let mut daemon = Daemon::start("");
    for name in (0..SENDERS).map(|number| format!("sender{number}")).chain([ABSENT.to_owned()]) {
        let mut maker = Irc::register(daemon.irc(), &name);
        maker.send(&format!("REGISTER * * :{PASSWORD}"));
        maker.expect("REGISTER SUCCESS");
        maker.send("QUIT");
        maker.until_closed();
    }
    let whereabouts = Arc::new(Whereabouts::new(Doors::of(&daemon)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| {
            let sender = Sender {
                name: format!("sender{number}"),
                chance: chance.apart(),
                said: Vec::new(),
                count: Count::default(),
                hanging: None,
            };
            let whereabouts = whereabouts.clone();
            std::thread::spawn(move || sender.live(&whereabouts))
        })
        .collect();
    let kills = chance::kills(CYCLES);
    for _ in 0..kills {
        // The moment of the kill is chance itself; nothing is waited for.
        std::thread::sleep(chance.moment(Duration::from_millis(30), Duration::from_secs(1)));
        whereabouts.set(None);
        daemon = Daemon::start_in(daemon.kill());
        whereabouts.set(Some(Doors::of(&daemon)));
    }
    whereabouts.end();
    let mut senders: Vec<Sender> = senders.into_iter().map(|sender| sender.join().expect("a sender")).collect();
    for sender in &mut senders {
        sender.settle(Doors::of(&daemon));
    }
    let (status, folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));

    let path = folder.path().join("data").join("parlor.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
    let mut kept: HashMap<String, Vec<String>> = HashMap::new();
    let mut statement = database.prepare("SELECT text, id FROM message").expect("the table");
    let mut rows = statement.query([]).expect("the messages");
    while let Some(row) = rows.next().expect("a message") {
        let (text, id): (String, [u8; 16]) = (row.get(0).expect("text"), row.get(1).expect("id"));
        kept.entry(text).or_default().push(uuid::Uuid::from_bytes(id).to_string());
    }
    let doubled: Vec<&String> = kept.iter().filter(|(_, ids)| ids.len() > 1).map(|(text, _)| text).collect();
    let mut lost = Vec::new();
    let mut tried = HashSet::new();
    for sender in &senders {
        for (number, said) in sender.said.iter().enumerate() {
            let text = sender.text(number);
            let id = said.id.as_ref().expect("nothing is in doubt at the end");
            if !kept.get(&text).is_some_and(|ids| ids.contains(id)) {
                lost.push(text.clone());
            }
            tried.insert(text);
        }
    }
    let sum = |of: fn(&Count) -> usize| senders.iter().map(|sender| of(&sender.count)).sum::<usize>();
    let (were_posted, were_not, broken) =
        (sum(|count| count.were_posted), sum(|count| count.were_not), sum(|count| count.broken));
    println!(
        "{kills} kills, {broken} broken connections of {}: {} messages of {SENDERS} senders, {} sent again; of those in doubt \
         {were_posted} had been posted and {were_not} had not; lost {}, doubled {}",
        sum(|count| count.connections),
        tried.len(),
        sum(|count| count.again),
        lost.len(),
        doubled.len()
    );
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
    assert_eq!(kept.len(), tried.len(), "something is there that nobody said");
    assert!(were_posted > 0 && were_not > 0 && broken > 0, "what this is about did not happen");
}
