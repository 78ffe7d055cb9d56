//! Searches in what `talk` has left behind: how long each kind takes, one at a time.

use clap::Args;
use serde_json::json;

use super::asking::{Asking, Names, Taken, between, names};
use super::talk::room;
use super::{Figures, Report, ServerOptions};
use crate::arrival::{Dialect, Visitor};
use crate::chatter::{Chance, WORDS, han, word};
use crate::fault::Fault;

#[derive(Debug, Args)]
pub struct Search {
    #[command(flatten)]
    server: ServerOptions,
    /// Searches of each kind
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    searches: u64,
    /// Rooms that there are; the first client is in all of them, the second in the three quietest
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    rooms: u64,
    /// Only kinds whose name begins so
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

struct Kind {
    names: Names,
    /// The second client searches.
    quiet: bool,
    /// With a time in the middle of everything.
    make: fn(&mut Chance, &str) -> String,
}

macro_rules! kind {
    ($name:literal, $quiet:literal, $make:expr) => {
        Kind { names: names!($name), quiet: $quiet, make: $make }
    };
}

const KINDS: &[Kind] = &[
    kind!("rare_word", false, |chance, _| word(100_000 + chance.below(WORDS - 100_000))),
    kind!("common_word", false, |chance, _| word(chance.below(20))),
    kind!("two_words", false, |chance, _| format!(
        "{}\\s{}",
        word(chance.below(50)),
        word(1_000 + chance.below(9_000))
    )),
    kind!("phrase", false, |chance, _| format!("\"{}\\s{}\"", word(chance.below(30)), word(chance.below(300)))),
    kind!("beginning", false, |chance, _| format!("{}*", &word(7_000 + chance.below(100_000))[..5])),
    kind!("part", false, |chance, _| format!("*{}*", &word(7_000 + chance.below(100_000))[1..5])),
    kind!("chinese", false, |chance, _| [han(chance.rank(3_000)), han(chance.rank(3_000))].iter().collect()),
    kind!("one_character", false, |chance, _| han(chance.rank(3_000)).to_string()),
    kind!("from_before", false, |chance, middle| {
        format!("{};from=m{:05};before={middle}", word(chance.below(200)), chance.below(400))
    }),
    kind!("in_room", false, |chance, _| format!("{};in={}", word(chance.rank(5_000)), room(chance.below(200)))),
    kind!("quiet_common_word", true, |chance, _| word(chance.below(20))),
    kind!("quiet_rare_word", true, |chance, _| word(1_000 + chance.below(WORDS - 1_000))),
    // Beginnings of nearly every word, and what no message holds together.
    kind!("hostile_beginnings", true, |chance, _| {
        let letters = ["b", "d", "f", "g", "h", "j", "k", "l"].map(|letter| format!("{letter}*"));
        format!("{}\\szzzzz*\\s*{}*", letters.join("\\s"), &word(chance.below(80) + 80)[..3])
    }),
    kind!("hostile_common_words", false, |chance, _| {
        let words: Vec<String> = (0..30).map(|_| word(chance.below(40))).collect();
        words.join("\\s")
    }),
    kind!("hostile_phrase", false, |chance, _| {
        let words: Vec<String> = (0..8).map(|_| word(chance.below(4))).collect();
        format!("\"{}\"", words.join("\\s"))
    }),
    kind!("hostile_parts", true, |chance, _| {
        let parts: Vec<String> = (0..8).map(|_| format!("*{}*", &word(80 + chance.below(80))[..3])).collect();
        parts.join("\\s")
    }),
];

impl Search {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let rooms = |from: u64| (from..self.rooms).map(room).collect::<Vec<_>>();
        let visitor =
            |rooms: &[String]| Visitor { dialect: Dialect::Searching, wants_echo: false, room: rooms.first().cloned() };
        let (all, quiet) = (rooms(0), rooms(self.rooms.saturating_sub(3)));
        crowd.admit(vec![visitor(&all), visitor(&quiet)])?;
        let mut asking = Asking::of(&crowd, "search")?;
        for (client, rooms) in [(0, &all), (1, &quiet)] {
            for room in &rooms[1..] {
                crowd.swarm.outgoing().of(client).extend_from_slice(format!("JOIN {room}\r\n").as_bytes());
            }
        }
        // The first answers come when everything before them is done.
        asking.ask(&mut crowd, 1, "SEARCH limit=1")?;
        asking.ask(&mut crowd, 0, "SEARCH after=2000-01-01T00:00:00.000Z;limit=1")?;
        let first = asking.first_time.take().unwrap_or_default();
        asking.ask(&mut crowd, 0, "SEARCH limit=1")?;
        let last = asking.first_time.take().unwrap_or_default();
        let middle = between(&first, &last, 500);
        let mut chance = Chance::new(2);
        let mut figures = Figures::default();
        let mut done = 0;
        for kind in
            KINDS.iter().filter(|kind| self.only.as_ref().is_none_or(|only| kind.names.median.starts_with(only)))
        {
            let mut taken = Taken::default();
            for _ in 0..self.searches {
                let text = (kind.make)(&mut chance, &middle);
                let took = asking.ask(&mut crowd, usize::from(kind.quiet), &format!("SEARCH text={text}"))?;
                taken.note(took, &asking);
                done += 1;
            }
            taken.report(&kind.names, &mut figures);
        }
        if let Some(server) = crowd.server {
            figures.add("server_resident_kib", server.resident_kib()? as f64);
        }
        let mut settings = self.server.settings();
        settings.insert("rooms".to_owned(), json!(self.rooms));
        settings.insert("searches_of_a_kind".to_owned(), json!(self.searches));
        Ok(Report { scenario: "search", settings, rounds: vec![figures], verified: (done, "searches answered") })
    }
}
