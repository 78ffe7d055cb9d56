//! One question at a time, each answered by a batch: how long until its end is there.

use std::time::{Duration, Instant};

use super::{Crowd, Figures};
use crate::arrival::{STALLED, answered_ping};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::measure::{Thread, median, percentile};
use crate::swarm::{Conversation, Outgoing};

/// What the question under way has brought.
#[derive(Debug, Default)]
pub struct Asking {
    /// Lines of the batch.
    pub found: usize,
    /// The server's time was over before all was looked at.
    pub cut_off: bool,
    /// Of the first line.
    pub first_time: Option<String>,
    answered: bool,
    last_error: String,
    /// The server's thread that answers.
    thread: Option<Thread>,
}

/// What a question took.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    wall: Duration,
    /// Of the thread that answers, where the server's process is known.
    cpu: Option<Duration>,
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
                (b"BATCH", _) => {
                    self.answered |= parsed.parameter(0).is_some_and(|reference| reference.starts_with(b"-"))
                }
                (b"WARN", Some(b"TIME_LIMIT")) => self.cut_off = true,
                (b"FAIL", Some(b"TIME_LIMIT")) => (self.cut_off, self.answered) = (true, true),
                (b"ERROR", _) => self.last_error = shown(line),
                (b"FAIL", _) | ([b'4', ..], _) => return Err(Fault::Refused { client, line: shown(line) }),
                _ if parsed.has_tag(b"batch") => {
                    self.found += 1;
                    if self.first_time.is_none() {
                        let tags = String::from_utf8_lossy(parsed.tags.unwrap_or_default()).into_owned();
                        self.first_time = tags.split(';').find_map(|tag| tag.strip_prefix("time=")).map(str::to_owned);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.last_error.clone()
    }
}

impl Asking {
    /// `thread`: the name of the server's thread that answers, as the server of this project calls it.
    pub fn of(crowd: &Crowd, thread: &str) -> Result<Asking, Fault> {
        let thread = crowd.server.map(|server| server.thread(thread)).transpose()?;
        Ok(Asking { thread, ..Asking::default() })
    }

    /// What comes before the question, such as JOINs, is not part of its time when another was asked behind it.
    pub fn ask(&mut self, crowd: &mut Crowd, client: usize, question: &str) -> Result<Took, Fault> {
        (self.found, self.cut_off, self.answered, self.first_time) = (0, false, false, None);
        crowd.swarm.outgoing().of(client).extend_from_slice(format!("{question}\r\n").as_bytes());
        let (began, cpu_before) = (Instant::now(), self.thread.as_ref().map(Thread::cpu_time));
        while !self.answered {
            crowd.swarm.turn(self, Duration::from_secs(1))?;
            if began.elapsed() > STALLED {
                let waiting_for = format!("the answer to {question}");
                return Err(Fault::Stalled { seconds: STALLED.as_secs(), waiting_for });
            }
        }
        let wall = began.elapsed();
        let cpu = self.thread.as_ref().map(Thread::cpu_time);
        Ok(Took { wall, cpu: cpu.zip(cpu_before).map(|(now, before)| now.saturating_sub(before)) })
    }
}

/// The names of a kind's figures.
#[derive(Debug)]
pub struct Names {
    pub median: &'static str,
    pub slow: &'static str,
    pub longest: &'static str,
    pub cpu_median: &'static str,
    pub cpu_slow: &'static str,
    pub found: &'static str,
    pub cut_off: &'static str,
}

macro_rules! names {
    ($name:literal) => {
        $crate::scenario::asking::Names {
            median: concat!($name, "_ms_median"),
            slow: concat!($name, "_ms_p99"),
            longest: concat!($name, "_ms_longest"),
            cpu_median: concat!($name, "_cpu_ms_median"),
            cpu_slow: concat!($name, "_cpu_ms_p99"),
            found: concat!($name, "_found_median"),
            cut_off: concat!($name, "_cut_off"),
        }
    };
}
pub(super) use names;

/// What questions of one kind took.
#[derive(Debug, Default)]
pub struct Taken {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    found: Vec<f64>,
    cut_off: u64,
}

impl Taken {
    pub fn note(&mut self, took: Took, asking: &Asking) {
        self.wall.push(took.wall.as_secs_f64() * 1e3);
        self.cpu.extend(took.cpu.map(|cpu| cpu.as_secs_f64() * 1e3));
        self.found.push(asking.found as f64);
        self.cut_off += u64::from(asking.cut_off);
    }

    pub fn report(mut self, names: &Names, figures: &mut Figures) {
        self.wall.sort_by(f64::total_cmp);
        figures.add(names.median, percentile(&self.wall, 50.0));
        figures.add(names.slow, percentile(&self.wall, 99.0));
        figures.add(names.longest, percentile(&self.wall, 100.0));
        if !self.cpu.is_empty() {
            self.cpu.sort_by(f64::total_cmp);
            figures.add(names.cpu_median, percentile(&self.cpu, 50.0));
            figures.add(names.cpu_slow, percentile(&self.cpu, 99.0));
        }
        figures.add(names.found, median(&self.found));
        figures.add(names.cut_off, self.cut_off as f64);
    }
}

/// About a thousandth of the way between two times of one day, as the protocol writes them; the later one where that can't
/// be said.
pub fn between(first: &str, last: &str, thousandth: u64) -> String {
    let milliseconds = |time: &str| -> Option<u64> {
        let mut parts = time.get(11..23)?.split([':', '.']).map(|part| part.parse::<u64>().ok());
        Some(((parts.next()?? * 60 + parts.next()??) * 60 + parts.next()??) * 1_000 + parts.next()??)
    };
    match (first.get(..11), milliseconds(first), milliseconds(last)) {
        (Some(day), Some(one), Some(other)) if last.starts_with(day) && one <= other => {
            let there = one + (other - one) * thousandth / 1_000;
            let (seconds, rest) = (there / 1_000, there % 1_000);
            format!("{day}{:02}:{:02}:{:02}.{rest:03}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
        _ => last.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_day() {
        let check = |one: &str, other: &str, at, expected: &str| assert_eq!(between(one, other, at), expected);
        check("2026-11-27T02:00:00.000Z", "2026-11-27T03:00:10.000Z", 500, "2026-11-27T02:30:05.000Z");
        check("2026-11-27T02:00:00.500Z", "2026-11-27T02:00:01.500Z", 250, "2026-11-27T02:00:00.750Z");
        check("2026-11-26T02:00:00.000Z", "2026-11-27T03:00:10.000Z", 500, "2026-11-27T03:00:10.000Z");
        check("", "", 1, "");
    }
}
