//! Which address is tried when: Happy Eyeballs (RFC 8305), over the machines that DNS names for a service (RFC 2782).
//!
//! A state machine without a clock: whoever runs it says what came of its questions and attempts, and does what
//! [`Race::turn`] says. The first attempt that gets through wins; the others are closed by whoever runs them.
//!
//! Of one machine the families take turns, IPv6 first, [`ATTEMPT_DELAY`] apart, or as soon as the last attempt failed. Where
//! only the IPv4 addresses have come, those of IPv6 are waited for by [`RESOLUTION_DELAY`]. The next machine's turn comes
//! when none of this one's addresses got through, or none has answered for [`TARGET_PATIENCE`]: RFC 2782 wants the first one
//! that can be reached, not the fastest.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// RFC 8305 section 8: between two attempts.
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// RFC 8305 section 8: for the IPv6 addresses, when those of IPv4 are there.
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// For a machine of a service, before the next one is tried too.
pub const TARGET_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    V6,
    V4,
}

impl Family {
    pub fn of(address: &SocketAddr) -> Family {
        if address.is_ipv6() { Family::V6 } else { Family::V4 }
    }
}

/// What is to be done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The addresses of this machine are to be asked for, and each family's to be told ([`Race::found`]).
    LookUp(usize),
    /// An attempt at an address of this machine is to be begun.
    Start(usize, SocketAddr),
    /// Nothing before then (or before something is told).
    WaitUntil(Duration),
    /// Nothing before something is told.
    Wait,
    /// Everything has been tried, and nothing got through.
    Over,
}

/// The addresses of one family of a machine.
#[derive(Clone, Default, Debug)]
struct Side {
    /// `None`: not told yet.
    left: Option<VecDeque<SocketAddr>>,
    /// As they were told.
    all: Vec<SocketAddr>,
    told_at: Duration,
}

impl Side {
    fn next(&mut self) -> Option<SocketAddr> {
        self.left.as_mut()?.pop_front()
    }

    fn is_told(&self) -> bool {
        self.left.is_some()
    }

    fn has_some(&self) -> bool {
        self.left.as_ref().is_some_and(|left| !left.is_empty())
    }
}

#[derive(Clone, Default, Debug)]
struct Machine {
    asked: bool,
    v6: Side,
    v4: Side,
    /// Of the address that was started last.
    last: Option<Family>,
}

impl Machine {
    fn next(&mut self) -> Option<SocketAddr> {
        let address = match self.last {
            Some(Family::V6) => self.v4.next().or_else(|| self.v6.next()),
            Some(Family::V4) | None => self.v6.next().or_else(|| self.v4.next()),
        };
        self.last = address.as_ref().map(Family::of).or(self.last);
        address
    }
}

/// See the module.
#[derive(Debug)]
pub struct Race {
    machines: Vec<Machine>,
    /// Whose turn it is.
    current: usize,
    /// Attempts that have neither failed nor won, and of which machine.
    running: Vec<(usize, SocketAddr)>,
    tried: Vec<SocketAddr>,
    last_started: Duration,
    may_start: Duration,
}

impl Race {
    /// Over so many machines, in the order in which they are to be tried.
    pub fn new(machines: usize) -> Race {
        Race {
            machines: (0..machines).map(|_| Machine::default()).collect(),
            current: 0,
            running: Vec::new(),
            tried: Vec::new(),
            last_started: Duration::ZERO,
            may_start: Duration::ZERO,
        }
    }

    /// The addresses of one family of a machine are known; empty: there are none, or nobody could say. The same again is no
    /// news.
    pub fn found(&mut self, now: Duration, machine: usize, family: Family, addresses: Vec<SocketAddr>) {
        if let Some(machine) = self.machines.get_mut(machine) {
            let side = match family {
                Family::V6 => &mut machine.v6,
                Family::V4 => &mut machine.v4,
            };
            if !side.is_told() || side.all != addresses {
                *side = Side { left: Some(addresses.clone().into()), all: addresses, told_at: now };
            }
        }
    }

    /// An attempt came to nothing.
    pub fn failed(&mut self, now: Duration, address: SocketAddr) {
        self.running.retain(|(_, running)| *running != address);
        if self.tried.last() == Some(&address) {
            self.may_start = now;
        }
    }

    /// What a machine's addresses will be tried in, as far as they are known and have not been tried.
    pub fn order(&self, machine: usize) -> Vec<SocketAddr> {
        let Some(machine) = self.machines.get(machine) else { return Vec::new() };
        let mut copy = machine.clone();
        std::iter::from_fn(|| copy.next()).filter(|address| !self.tried.contains(address)).collect()
    }

    /// Attempts that have neither failed nor won.
    pub fn running(&self) -> impl Iterator<Item = SocketAddr> {
        self.running.iter().map(|(_, address)| *address)
    }

    /// What is to be done now. To be asked again after it was done, and whenever something was told.
    pub fn turn(&mut self, now: Duration) -> Turn {
        loop {
            let (place, is_last) = (self.current, self.current + 1 >= self.machines.len());
            let Some(machine) = self.machines.get_mut(place) else {
                return if self.running.is_empty() { Turn::Over } else { Turn::Wait };
            };
            if !std::mem::replace(&mut machine.asked, true) {
                return Turn::LookUp(place);
            }
            if machine.v6.has_some() || machine.v4.has_some() {
                let patience = machine.v4.told_at + RESOLUTION_DELAY;
                if machine.last.is_none() && !machine.v6.is_told() && now < patience {
                    return Turn::WaitUntil(patience);
                }
                if now < self.may_start {
                    return Turn::WaitUntil(self.may_start);
                }
                let address = machine.next();
                // Two names of one machine: once is enough.
                let Some(address) = address.filter(|address| !self.tried.contains(address)) else { continue };
                self.tried.push(address);
                self.running.push((place, address));
                (self.last_started, self.may_start) = (now, now + ATTEMPT_DELAY);
                return Turn::Start(place, address);
            }
            if !machine.v6.is_told() || !machine.v4.is_told() {
                return Turn::Wait;
            }
            let is_running = self.running.iter().any(|(of, _)| *of == place);
            let patience = self.last_started + TARGET_PATIENCE;
            match (is_running, is_last) {
                (true, true) => return Turn::Wait,
                (true, false) if now < patience => return Turn::WaitUntil(patience),
                _ => self.current += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a race: what is told at which millisecond, and everything that the race does, with its time.
    fn check(machines: usize, told: &[(u64, &str)], expected: &[&str]) {
        let mut race = Race::new(machines);
        let (mut now, mut done) = (0, Vec::new());
        let mut told = told.iter().peekable();
        loop {
            while let Some((_, what)) = told.next_if(|(at, _)| *at <= now) {
                tell(&mut race, Duration::from_millis(now), what);
            }
            let mut due = told.peek().map(|(at, _)| *at);
            match race.turn(Duration::from_millis(now)) {
                Turn::LookUp(machine) => {
                    done.push(format!("{now} look up {machine}"));
                    continue;
                }
                Turn::Start(_, address) => {
                    done.push(format!("{now} {}", address.ip()));
                    continue;
                }
                Turn::WaitUntil(until) => {
                    let until = u64::try_from(until.as_millis()).unwrap();
                    assert!(until > now, "a wait for what is over");
                    due = Some(due.map_or(until, |due| due.min(until)));
                }
                Turn::Wait => {}
                Turn::Over => {
                    done.push(format!("{now} over"));
                    break;
                }
            }
            match due {
                Some(due) => now = due,
                None => break,
            }
        }
        assert_eq!(done, expected, "{told:?}");
    }

    /// `0 v6 ::1 ::2`: machine 0 has these; `! ::1`: an attempt failed.
    fn tell(race: &mut Race, now: Duration, what: &str) {
        let socket = |text: &str| SocketAddr::new(text.parse().unwrap(), 6697);
        let words: Vec<&str> = what.split(' ').collect();
        match words.as_slice() {
            ["!", address] => race.failed(now, socket(address)),
            [machine, family, addresses @ ..] => {
                let family = if *family == "v6" { Family::V6 } else { Family::V4 };
                let addresses = addresses.iter().map(|text| socket(text)).collect();
                race.found(now, machine.parse().unwrap(), family, addresses);
            }
            _ => panic!("{what}"),
        }
    }

    #[test]
    fn families_take_turns() {
        check(
            1,
            &[(5, "0 v6 ::1 ::2 ::3"), (6, "0 v4 1.1.1.1")],
            &["0 look up 0", "5 ::1", "255 1.1.1.1", "505 ::2", "755 ::3"],
        );
        check(1, &[(5, "0 v4 1.1.1.1 2.2.2.2"), (6, "0 v6")], &["0 look up 0", "6 1.1.1.1", "256 2.2.2.2"]);
    }

    #[test]
    fn what_is_told_again_changes_nothing() {
        check(
            1,
            &[
                (1, "0 v6 ::1 ::2 ::3"),
                (1, "0 v4 1.1.1.1 2.2.2.2"),
                (300, "0 v6 ::1 ::2 ::3"),
                (300, "0 v4 1.1.1.1 2.2.2.2"),
            ],
            &["0 look up 0", "1 ::1", "251 1.1.1.1", "501 ::2", "751 2.2.2.2", "1001 ::3"],
        );
        // None of DNS, and then some of the system.
        check(1, &[(1, "0 v6"), (2, "0 v6 ::1"), (3, "0 v4")], &["0 look up 0", "2 ::1"]);
    }

    #[test]
    fn ipv6_is_waited_for_a_little() {
        check(1, &[(10, "0 v4 1.1.1.1"), (40, "0 v6 ::1")], &["0 look up 0", "40 ::1", "290 1.1.1.1"]);
        // It comes too late to be first, and is in its turn all the same.
        check(
            1,
            &[(10, "0 v4 1.1.1.1 2.2.2.2"), (100, "0 v6 ::1")],
            &["0 look up 0", "60 1.1.1.1", "310 ::1", "560 2.2.2.2"],
        );
        // IPv6 that is there first waits for nobody.
        check(1, &[(10, "0 v6 ::1"), (300, "0 v4 1.1.1.1")], &["0 look up 0", "10 ::1", "300 1.1.1.1"]);
    }

    #[test]
    fn a_failure_brings_the_next_at_once() {
        check(
            1,
            &[(1, "0 v6 ::1"), (1, "0 v4 1.1.1.1 2.2.2.2"), (2, "! ::1"), (100, "! 1.1.1.1"), (200, "! 2.2.2.2")],
            &["0 look up 0", "1 ::1", "2 1.1.1.1", "100 2.2.2.2", "200 over"],
        );
        // An older attempt's failure hurries nobody.
        check(
            1,
            &[(1, "0 v6 ::1 ::2"), (1, "0 v4 1.1.1.1"), (260, "! ::1")],
            &["0 look up 0", "1 ::1", "251 1.1.1.1", "501 ::2"],
        );
    }

    #[test]
    fn a_family_without_an_answer_is_waited_for_when_the_other_failed() {
        check(
            1,
            &[(1, "0 v4 1.1.1.1"), (60, "! 1.1.1.1"), (900, "0 v6 ::1"), (901, "! ::1")],
            &["0 look up 0", "51 1.1.1.1", "900 ::1", "901 over"],
        );
    }

    #[test]
    fn machines_come_in_their_order() {
        // The first has no address; the second's fails; the third is tried.
        check(
            3,
            &[
                (1, "0 v6"),
                (1, "0 v4"),
                (2, "1 v4 1.1.1.1"),
                (2, "1 v6"),
                (9, "! 1.1.1.1"),
                (10, "2 v6 ::1"),
                (11, "2 v4"),
            ],
            &["0 look up 0", "1 look up 1", "2 1.1.1.1", "9 look up 2", "10 ::1"],
        );
        // The first says nothing: the second gets its chance after a while, and the same address is not tried twice.
        check(
            2,
            &[(0, "0 v6"), (0, "0 v4 1.1.1.1"), (3001, "1 v6"), (3001, "1 v4 1.1.1.1 2.2.2.2")],
            &["0 look up 0", "0 1.1.1.1", "3000 look up 1", "3001 2.2.2.2"],
        );
    }

    #[test]
    fn nothing_to_try_is_the_end() {
        check(1, &[(5, "0 v6"), (6, "0 v4")], &["0 look up 0", "6 over"]);
        check(0, &[], &["0 over"]);
    }
}
