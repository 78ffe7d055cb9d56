//! How the network is, and who changes it.

use std::fmt;
use std::str::FromStr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What can be ordered while it runs.
pub const ORDERS: &str = "\
While it runs it takes orders on standard input, a line each:
  delay MILLISECONDS, jitter MILLISECONDS, rate BYTES, loss PERCENT
  pull       the cable is out: nothing passes and nobody is told
  heal       the cable is in again: what waited goes on
  half-open  the server is told that its clients are gone; they are not, and what they
             say goes nowhere, until heal tells them. New connections work
  cut        every connection is reset, at both ends
  quit";

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    Delay(Duration),
    Jitter(Duration),
    Rate(u64),
    /// A share of one.
    Loss(f64),
    Pull,
    Heal,
    HalfOpen,
    Cut,
    Quit,
}

impl FromStr for Order {
    type Err = String;

    /// The error is a sentence; an empty one for an empty line.
    fn from_str(line: &str) -> Result<Order, String> {
        let mut words = line.split_ascii_whitespace();
        let Some(word) = words.next() else { return Err(String::new()) };
        let value = words.next();
        let number = || {
            let number = value.and_then(|value| value.parse::<f64>().ok()).filter(|number| *number >= 0.0);
            number.filter(|number| *number < 1e12).ok_or_else(|| format!("{word} needs a number behind it."))
        };
        let time = || number().map(|millis| Duration::from_secs_f64(millis / 1_000.0));
        match word {
            "delay" => Ok(Order::Delay(time()?)),
            "jitter" => Ok(Order::Jitter(time()?)),
            "rate" => Ok(Order::Rate(number()? as u64)),
            "loss" => super::share(number()?).map(Order::Loss),
            "pull" => Ok(Order::Pull),
            "heal" => Ok(Order::Heal),
            "half-open" => Ok(Order::HalfOpen),
            "cut" => Ok(Order::Cut),
            "quit" => Ok(Order::Quit),
            _ => Err(format!("{word:?} is no order.\n{ORDERS}")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Conditions {
    pub delay: Duration,
    pub jitter: Duration,
    /// Bytes a second; 0: any number.
    pub rate: u64,
    /// A share of one.
    pub loss: f64,
    pub cable: Cable,
    /// A connection that began before the last cut is over.
    pub cuts: u64,
    /// One that began before the last of these is half-open.
    pub half_opens: u64,
    /// And over, if it began before the last of these.
    pub told: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cable {
    #[default]
    In,
    Out,
}

impl fmt::Display for Conditions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = if self.rate == 0 { "any rate".to_owned() } else { format!("{} bytes/s", self.rate) };
        let cable = match self.cable {
            Cable::In => "the cable is in",
            Cable::Out => "the cable is out",
        };
        let half_open = if self.told < self.half_opens { ", old connections are half-open" } else { "" };
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        write!(
            out,
            "delay {} ms, jitter {} ms, {rate}, loss {} %, {cable}{half_open}",
            millis(self.delay),
            millis(self.jitter),
            self.loss * 100.0
        )
    }
}

/// What all connections look at, and wait for.
#[derive(Debug)]
pub struct Controls {
    conditions: Mutex<Conditions>,
    changed: Condvar,
}

impl Controls {
    pub fn new(conditions: Conditions) -> Controls {
        Controls { conditions: Mutex::new(conditions), changed: Condvar::new() }
    }

    pub fn now(&self) -> Conditions {
        *self.lock()
    }

    /// Gives what it is like now.
    pub fn carry_out(&self, order: Order) -> Conditions {
        let mut now = self.lock();
        match order {
            Order::Delay(time) => now.delay = time,
            Order::Jitter(time) => now.jitter = time,
            Order::Rate(bytes) => now.rate = bytes,
            Order::Loss(share) => now.loss = share,
            Order::Pull => now.cable = Cable::Out,
            Order::Heal => {
                now.cable = Cable::In;
                now.told = now.half_opens;
            }
            Order::HalfOpen => now.half_opens += 1,
            Order::Cut => now.cuts += 1,
            Order::Quit => {}
        }
        self.changed.notify_all();
        *now
    }

    /// Waits for a change, no longer than that.
    pub fn wait(&self, most: Duration, until: impl Fn(&Conditions) -> bool) -> Conditions {
        let now = self.lock();
        let waited = self.changed.wait_timeout_while(now, most, |now| !until(now));
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Conditions> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_carried_out() {
        let controls = Controls::new(Conditions::default());
        for (line, expected) in [
            ("delay 200", "delay 200 ms, jitter 0 ms, any rate, loss 0 %, the cable is in"),
            ("jitter 1.5", "delay 200 ms, jitter 1.5 ms, any rate, loss 0 %, the cable is in"),
            ("rate 1000", "delay 200 ms, jitter 1.5 ms, 1000 bytes/s, loss 0 %, the cable is in"),
            ("loss 25", "delay 200 ms, jitter 1.5 ms, 1000 bytes/s, loss 25 %, the cable is in"),
            ("pull", "delay 200 ms, jitter 1.5 ms, 1000 bytes/s, loss 25 %, the cable is out"),
            (
                "half-open",
                "delay 200 ms, jitter 1.5 ms, 1000 bytes/s, loss 25 %, the cable is out, old connections are half-open",
            ),
            ("heal", "delay 200 ms, jitter 1.5 ms, 1000 bytes/s, loss 25 %, the cable is in"),
        ] {
            assert_eq!(controls.carry_out(line.parse().unwrap()).to_string(), expected, "{line}");
        }
        for wrong in ["delay", "delay soon", "loss 101", "loss -1", "explode", "rate 1e300", "delay NaN"] {
            assert!(wrong.parse::<Order>().is_err_and(|sentence| !sentence.is_empty()), "{wrong}");
        }
        assert_eq!("".parse::<Order>(), Err(String::new()));
    }
}
