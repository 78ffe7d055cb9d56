//! TIME (RFC 2812 section 3.4.6).

use super::{Phase, Verb};
use crate::targets;
use crate::time_text::date;
use crate::turn::Turn;
use chat::id::Timestamp;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "TIME",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "TIME [<server>]\nShows the server's time, in UTC.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if targets::is_this_server(turn, line.param(0)) {
        let words = in_words(turn.now.wall);
        let server = &turn.facts.server_name;
        turn.numeric(Numeric::RPL_TIME).param(server).trailing(&words);
    }
}

/// `Sunday, 22 November 2026, 11:32:07 UTC`
pub(crate) fn in_words(time: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let seconds = time.0 / 1000;
    let days = seconds / 86_400;
    let (year, month, day) = date(days);
    let weekday = DAYS[(days % 7) as usize];
    let month = MONTHS[(month - 1) as usize];
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day} {month} {year}, {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_words_names_the_day_of_the_week() {
        let check = |seconds: u64, expected: &str| assert_eq!(in_words(Timestamp(seconds * 1000)), expected);
        check(0, "Thursday, 1 January 1970, 00:00:00 UTC");
        check(951_782_400, "Tuesday, 29 February 2000, 00:00:00 UTC");
        check(1_795_347_127, "Sunday, 22 November 2026, 11:32:07 UTC");
    }
}
