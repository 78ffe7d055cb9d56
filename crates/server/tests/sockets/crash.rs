//! `kill -9` at random moments: nothing that anyone saw is gone, nothing is there twice, and everyone saw one order.

use crate::support::chance::{self, Chance};
use crate::support::whereabouts::Whereabouts;
use crate::support::{self, Carrier, Daemon, Irc, Link, tag, try_dial};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OpenFlags};
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SENDERS: usize = 64;
const ROOMS: usize = 3;
/// For every submission. PARLOR_KILLS=1000 is the form for a night.
const CYCLES: usize = 20;
/// Messages of one page of CHATHISTORY.
const PAGE: usize = 1_000;

/// Id and text of each message, by the name of its room.
type Rooms = HashMap<String, Vec<(String, String)>>;

const PASSWORD: &str = "correct horse battery";

/// What one person knows at the end.
#[derive(Default)]
struct Record {
    /// Id and text of every message whose echo came.
    confirmed: Vec<(String, String)>,
    /// Every message of the room, one list a connection, in the order in which they came.
    seen: Vec<Vec<Seen>>,
    /// Number of the last message that was tried, when each before it has been confirmed or sent again until it was.
    all_up_to: Option<usize>,
}

struct Seen {
    id: String,
    text: String,
    /// The answer to one's own repetition: what was posted before is shown again, out of its place.
    again: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Account {
    /// Has none and wants none.
    Guest,
    Wanted,
    /// The server died over the answer.
    Unknown,
    Confirmed,
}

struct Person {
    name: String,
    room: String,
    account: Account,
    /// Number of the last message that was tried.
    tried: usize,
    /// Its echo has not come.
    open: bool,
    record: Record,
}

impl Person {
    fn live(mut self, whereabouts: &Whereabouts<SocketAddr>) -> Record {
        while let Some(address) = whereabouts.find() {
            self.record.seen.push(Vec::new());
            // The error is the server's death, which is what this is about; whoever waits in vain times out and is told.
            if let Err(error) = self.converse(address, whereabouts) {
                let expected = !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                assert!(expected, "{}: no answer came from a server that lives: {error}", self.name);
            }
        }
        if self.account != Account::Guest && !self.open {
            self.record.all_up_to = Some(self.tried);
        }
        self.record
    }

    fn converse(&mut self, address: SocketAddr, whereabouts: &Whereabouts<SocketAddr>) -> io::Result<()> {
        let mut irc = Irc::over(Carrier::lines(Link::Plain(try_dial(address)?)));
        irc.name.clone_from(&self.name);
        irc.try_send("CAP REQ :message-tags echo-message batch labeled-response sasl parlor/once")?;
        irc.try_send(&format!("NICK {0}\r\nUSER {0} 0 * :{0}", self.name))?;
        self.hear(&mut irc, &[" ACK "])?;
        self.log_in(&mut irc)?;
        irc.try_send("CAP END")?;
        self.hear(&mut irc, &[" 376 ", " 422 "])?;
        irc.try_send(&format!("JOIN {}", self.room))?;
        self.hear(&mut irc, &[" 366 "])?;
        // Keys of accounts outlive the connection and the server: what may have been lost is sent again.
        if self.open && self.account == Account::Confirmed {
            self.post(&mut irc, "again")?;
        }
        while !whereabouts.is_over() {
            self.tried += 1;
            self.open = true;
            self.post(&mut irc, "")?;
        }
        irc.try_send("QUIT")?;
        while self.next(&mut irc).is_ok() {}
        Ok(())
    }

    /// Sends the message of the number under way, and takes down its echo.
    fn post(&mut self, irc: &mut Irc, mark: &str) -> io::Result<()> {
        let (number, text) = (self.tried, format!("{} says {}", self.name, self.tried));
        irc.try_send(&format!("@label={mark}{number};parlor/once=key-{number} PRIVMSG {} :{text}", self.room))?;
        let echo = self.hear(irc, &[&format!("label={mark}{number};"), &format!("label={mark}{number} ")])?;
        assert!(echo.ends_with(&text), "{}: {echo} came for {text}", self.name);
        self.record.confirmed.push((tag(&echo, "msgid").expect("an id").to_owned(), text));
        self.open = false;
        Ok(())
    }

    fn log_in(&mut self, irc: &mut Irc) -> io::Result<()> {
        if matches!(self.account, Account::Unknown | Account::Confirmed) {
            irc.try_send("AUTHENTICATE PLAIN")?;
            self.hear(irc, &["AUTHENTICATE +"])?;
            irc.try_send(&format!("AUTHENTICATE {}", STANDARD.encode(format!("\0{}\0{PASSWORD}", self.name))))?;
            if self.hear(irc, &[" 903 ", " 904 "])?.contains(" 903 ") {
                self.account = Account::Confirmed;
                return Ok(());
            }
            assert!(self.account == Account::Unknown, "{}: the account that was confirmed is gone", self.name);
        }
        if self.account != Account::Guest {
            self.account = Account::Unknown;
            irc.try_send(&format!("REGISTER * * :{PASSWORD}"))?;
            let answer = self.hear(irc, &["REGISTER "])?;
            assert!(answer.contains("REGISTER SUCCESS"), "{}: {answer}", self.name);
            self.account = Account::Confirmed;
        }
        Ok(())
    }

    /// Reads on to a line that contains one of these; what is said meanwhile is taken down.
    fn hear(&mut self, irc: &mut Irc, parts: &[&str]) -> io::Result<String> {
        loop {
            let line = self.next(irc)?;
            if parts.iter().any(|part| line.contains(part)) {
                return Ok(line);
            }
        }
    }

    fn next(&mut self, irc: &mut Irc) -> io::Result<String> {
        let line = irc.try_line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some((_, text)) = line.split_once(&format!("PRIVMSG {} :", self.room)) {
            let id = tag(&line, "msgid").expect("an id").to_owned();
            let again = tag(&line, "label").is_some_and(|label| label.starts_with("again"));
            self.record.seen.last_mut().expect("a connection").push(Seen { id, text: text.to_owned(), again });
        }
        Ok(line)
    }
}

/// Everything that CHATHISTORY tells of each room from its beginning, in its order: id and text.
fn told(address: SocketAddr) -> Rooms {
    let mut reader = Irc::register_with(address, "reader", "batch message-tags server-time draft/chathistory");
    let mut rooms = Rooms::new();
    for room in (0..ROOMS).map(|number| format!("#room{number}")) {
        reader.join(&room);
        let mut from = "timestamp=1970-01-01T00:00:00.000Z".to_owned();
        let messages = rooms.entry(room.clone()).or_default();
        loop {
            reader.send(&format!("CHATHISTORY AFTER {room} {from} {PAGE}"));
            reader.expect(" BATCH +");
            let before = messages.len();
            loop {
                let line = reader.line().expect("an open connection");
                if line.contains(" BATCH -") {
                    break;
                }
                let (_, text) = line.split_once(&format!(" PRIVMSG {room} :")).expect("a message of the room");
                messages.push((tag(&line, "msgid").expect("an id").to_owned(), text.to_owned()));
            }
            match messages.last() {
                Some((id, _)) if messages.len() > before => from = format!("msgid={id}"),
                _ => break,
            }
        }
    }
    rooms
}

/// Everything that the database holds of a room, in its order: id and text.
fn kept(database: &Path) -> Rooms {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(verdict, "ok");
    let mut statement = connection
        .prepare(
            "SELECT room.name, message.id, message.text FROM message JOIN room ON room.number = message.room
             WHERE room.name IS NOT NULL ORDER BY message.room, message.position",
        )
        .expect("the tables");
    let mut rooms = Rooms::new();
    let mut rows = statement.query([]).expect("the messages");
    while let Some(row) = rows.next().expect("a message") {
        let (room, id, text): (String, [u8; 16], String) =
            (row.get(0).expect("room"), row.get(1).expect("id"), row.get(2).expect("text"));
        rooms.entry(room).or_default().push((uuid::Uuid::from_bytes(id).to_string(), text));
    }
    rooms
}

/// D1 of the reliability plan in the form for every submission.
#[test]
fn what_anyone_saw_survives_twenty_kills() {
    let _alone = support::alone();
    let mut chance = Chance::new("the moments");
    let mut daemon = Daemon::start(&format!("[history]\nmax_page = {PAGE}\n"));
    let whereabouts = Arc::new(Whereabouts::new(daemon.irc()));
    let people: Vec<_> = (0..SENDERS)
        .map(|number| {
            let person = Person {
                name: format!("person{number}"),
                room: format!("#room{}", number % ROOMS),
                account: if number % 2 == 0 { Account::Wanted } else { Account::Guest },
                tried: 0,
                open: false,
                record: Record::default(),
            };
            let whereabouts = whereabouts.clone();
            std::thread::spawn(move || person.live(&whereabouts))
        })
        .collect();

    let mut starts = Vec::new();
    for _ in 0..chance::kills(CYCLES) {
        // The moment of the kill is chance itself; nothing is waited for.
        std::thread::sleep(chance.moment(Duration::from_millis(50), Duration::from_secs(2)));
        whereabouts.set(None);
        let folder = daemon.kill();
        let begun = Instant::now();
        daemon = Daemon::start_in(folder);
        try_dial(daemon.irc()).expect("accepts");
        starts.push(begun.elapsed());
        whereabouts.set(Some(daemon.irc()));
    }
    std::thread::sleep(Duration::from_millis(500));
    whereabouts.end();
    let records: Vec<Record> = people.into_iter().map(|person| person.join().expect("a person")).collect();
    // What everyone knows is compared with what the server tells from the past after one more kill, and that with the disk.
    let daemon = Daemon::start_in(daemon.kill());
    let rooms = told(daemon.irc());
    let (status, folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rooms, kept(&folder.path().join("data").join("parlor.db")), "CHATHISTORY is not what is on disk");

    let places: HashMap<&str, (&str, usize, &str)> = rooms
        .iter()
        .flat_map(|(room, messages)| {
            messages
                .iter()
                .enumerate()
                .map(move |(place, (id, text))| (id.as_str(), (room.as_str(), place, text.as_str())))
        })
        .collect();
    let total: usize = rooms.values().map(Vec::len).sum();
    assert_eq!(places.len(), total, "two messages share an id");
    let texts: HashSet<&str> = rooms.values().flatten().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts.len(), total, "a message is there twice");
    let mut confirmed = 0;
    for (number, record) in records.iter().enumerate() {
        let room = format!("#room{}", number % ROOMS);
        for (id, text) in &record.confirmed {
            let (of, _, kept) = places.get(id.as_str()).unwrap_or_else(|| panic!("{text}: confirmed and lost"));
            assert_eq!((*of, *kept), (room.as_str(), text.as_str()));
            confirmed += 1;
        }
        for said in 1..=record.all_up_to.unwrap_or(0) {
            let text = format!("person{number} says {said}");
            assert!(texts.contains(text.as_str()), "{text:?} was sent until it was confirmed, and is lost");
        }
        for seen in &record.seen {
            let mut last: Option<usize> = None;
            for Seen { id, text, again } in seen {
                let (of, place, kept) = places.get(id.as_str()).unwrap_or_else(|| panic!("{text}: seen and lost"));
                assert_eq!((*of, *kept), (room.as_str(), text.as_str()));
                if *again && last.is_none_or(|last| *place != last + 1) {
                    continue;
                }
                if let Some(last) = last {
                    assert_eq!(*place, last + 1, "person{number} saw {text} behind the message at {last} of {room}");
                }
                last = Some(*place);
            }
        }
    }
    starts.sort_unstable();
    let (usual, slowest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    println!("{total} messages kept, {confirmed} confirmed; starts took {usual:?}, the slowest {slowest:?}");
    assert!(confirmed > SENDERS, "hardly anything was said");
    let again = records.iter().flat_map(|record| record.seen.iter().flatten()).filter(|seen| seen.again).count();
    let whole = records.iter().filter(|record| record.all_up_to.is_some()).count();
    println!("{again} repetitions, {whole} people without a gap");
    assert!(again > 0 && whole >= SENDERS / 4, "{again} repetitions, {whole} people without a gap");
    // The bound of the plan for the usual one; a single one may meet a machine that is busy with something else.
    assert!(
        usual <= Duration::from_secs(1) && slowest <= Duration::from_secs(4),
        "starts take {usual:?} to {slowest:?}"
    );
}
