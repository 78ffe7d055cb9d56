//! Searches in what `talk` has left behind: how long each kind takes, one at a time.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::talk::room;
use super::{Figures, Report, ServerOptions};
use crate::arrival::{Dialect, STALLED, Visitor, answered_ping};
use crate::chatter::{Chance, WORDS, han, word};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::measure::percentile;
use crate::swarm::{Conversation, Outgoing};

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
}

/// The names of a kind's figures.
struct Kind {
    median: &'static str,
    slow: &'static str,
    longest: &'static str,
    found: &'static str,
    cut_off: &'static str,
    /// The second client searches.
    quiet: bool,
    make: fn(&mut Chance, &Asking) -> String,
}

macro_rules! kind {
    ($name:literal, $quiet:literal, $make:expr) => {
        Kind {
            median: concat!($name, "_ms_median"),
            slow: concat!($name, "_ms_p99"),
            longest: concat!($name, "_ms_longest"),
            found: concat!($name, "_found_median"),
            cut_off: concat!($name, "_cut_off"),
            quiet: $quiet,
            make: $make,
        }
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
    kind!("from_before", false, |chance, asking| {
        format!("{};from=m{:05};before={}", word(chance.below(200)), chance.below(400), asking.middle)
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

/// One search under way.
struct Asking {
    found: usize,
    cut_off: bool,
    answered: bool,
    /// A time in the middle of everything.
    middle: String,
    first_time: Option<String>,
    last_error: String,
}

impl Conversation for Asking {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            let Some(parsed) = Line::parse(line) else { continue };
            if answered_ping(&parsed, outgoing.of(client)) {
                continue;
            }
            match (parsed.command, parsed.parameter(1)) {
                (b"PRIVMSG", _) if parsed.has_tag(b"batch") => {
                    self.found += 1;
                    if self.first_time.is_none() {
                        let tags = String::from_utf8_lossy(parsed.tags.unwrap_or_default()).into_owned();
                        self.first_time = tags.split(';').find_map(|tag| tag.strip_prefix("time=")).map(str::to_owned);
                    }
                }
                (b"BATCH", _) => {
                    self.answered |= parsed.parameter(0).is_some_and(|reference| reference.starts_with(b"-"))
                }
                (b"WARN", Some(b"TIME_LIMIT")) => self.cut_off = true,
                (b"FAIL", Some(b"TIME_LIMIT")) => (self.cut_off, self.answered) = (true, true),
                (b"ERROR", _) => self.last_error = shown(line),
                (b"FAIL", _) | ([b'4', ..], _) => return Err(Fault::Refused { client, line: shown(line) }),
                _ => {}
            }
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.last_error.clone()
    }
}

impl Search {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let rooms = |from: u64| (from..self.rooms).map(room).collect::<Vec<_>>();
        let visitor =
            |rooms: &[String]| Visitor { dialect: Dialect::Searching, wants_echo: false, room: rooms.first().cloned() };
        let (all, quiet) = (rooms(0), rooms(self.rooms.saturating_sub(3)));
        crowd.admit(vec![visitor(&all), visitor(&quiet)])?;
        let mut asking = Asking {
            found: 0,
            cut_off: false,
            answered: false,
            middle: String::new(),
            first_time: None,
            last_error: String::new(),
        };
        for (client, rooms) in [(0, &all), (1, &quiet)] {
            for room in &rooms[1..] {
                crowd.swarm.outgoing().of(client).extend_from_slice(format!("JOIN {room}\r\n").as_bytes());
            }
        }
        // The first answers come when everything before them is done.
        self.ask(&mut crowd, &mut asking, 1, "limit=1")?;
        self.ask(&mut crowd, &mut asking, 0, "after=2000-01-01T00:00:00.000Z;limit=1")?;
        let first = asking.first_time.take().unwrap_or_default();
        self.ask(&mut crowd, &mut asking, 0, "limit=1")?;
        let last = asking.first_time.take().unwrap_or_default();
        asking.middle = between(&first, &last);
        let mut chance = Chance::new(2);
        let mut figures = Figures::default();
        let mut done = 0;
        for kind in KINDS {
            let (mut took, mut found, mut cut_off) = (Vec::new(), Vec::new(), 0);
            for _ in 0..self.searches {
                let text = (kind.make)(&mut chance, &asking);
                let client = usize::from(kind.quiet);
                let began = self.ask(&mut crowd, &mut asking, client, &format!("text={text}"))?;
                took.push(began.as_secs_f64() * 1e3);
                found.push(asking.found as f64);
                cut_off += u64::from(asking.cut_off);
                done += 1;
            }
            took.sort_by(f64::total_cmp);
            figures.add(kind.median, percentile(&took, 50.0));
            figures.add(kind.slow, percentile(&took, 99.0));
            figures.add(kind.longest, percentile(&took, 100.0));
            figures.add(kind.found, crate::measure::median(&found));
            figures.add(kind.cut_off, cut_off as f64);
        }
        let mut settings = self.server.settings();
        settings.insert("rooms".to_owned(), json!(self.rooms));
        settings.insert("searches_of_a_kind".to_owned(), json!(self.searches));
        Ok(Report { scenario: "search", settings, rounds: vec![figures], verified: (done, "searches answered") })
    }

    fn ask(
        &self,
        crowd: &mut super::Crowd,
        asking: &mut Asking,
        client: usize,
        attributes: &str,
    ) -> Result<Duration, Fault> {
        (asking.found, asking.cut_off, asking.answered, asking.first_time) = (0, false, false, None);
        crowd.swarm.outgoing().of(client).extend_from_slice(format!("SEARCH {attributes}\r\n").as_bytes());
        let began = Instant::now();
        while !asking.answered {
            crowd.swarm.turn(asking, Duration::from_secs(1))?;
            if began.elapsed() > STALLED {
                let waiting_for = format!("the answer to SEARCH {attributes}");
                return Err(Fault::Stalled { seconds: STALLED.as_secs(), waiting_for });
            }
        }
        Ok(began.elapsed())
    }
}

/// About half way between two times of one day, as the protocol writes them; the later one where that can't be said.
fn between(first: &str, last: &str) -> String {
    let seconds = |time: &str| -> Option<u64> {
        let mut parts = time.get(11..19)?.split(':').map(|part| part.parse::<u64>().ok());
        Some((parts.next()?? * 60 + parts.next()??) * 60 + parts.next()??)
    };
    match (first.get(..11), seconds(first), seconds(last)) {
        (Some(day), Some(one), Some(other)) if last.starts_with(day) && one <= other => {
            let middle = one.midpoint(other);
            format!("{day}{:02}:{:02}:{:02}.000Z", middle / 3_600, middle / 60 % 60, middle % 60)
        }
        _ => last.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_day() {
        let check = |one: &str, other: &str, expected: &str| assert_eq!(between(one, other), expected);
        check("2026-11-27T02:00:00.000Z", "2026-11-27T03:00:10.000Z", "2026-11-27T02:30:05.000Z");
        check("2026-11-26T02:00:00.000Z", "2026-11-27T03:00:10.000Z", "2026-11-27T03:00:10.000Z");
        check("", "", "");
    }
}
