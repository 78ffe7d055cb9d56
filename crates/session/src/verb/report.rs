//! REPORT: tells those who moderate of a message. Ours; for plain clients too.

use super::{Awaiting, Phase, Verb, reports};
use crate::lookup::{self, Then};
use crate::targets::{self, shown};
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "REPORT",
    parameters: 3,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "REPORT <room or nick> <msgid, or nick> :<reason>\n\
           Tells those who moderate of a message, or with a nick of the last one that they said there: in a room its \
           moderators and the operators of the server, of a direct message the latter. They see this message, as it is now, \
           and who reports it; whoever said it does not.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let param = |at| line.param(at).unwrap_or_default();
    let (target, id, reason) = (param(0), param(1), param(2).trim());
    if reason.is_empty() {
        return turn.need_more_params();
    }
    if !targets::fits(turn, "The reason", &[target, id], reason, turn.facts.limits.kick_length) {
        return;
    }
    lookup::begin(turn, target, id, Then::Report { reason: reason.into() });
}

pub(crate) fn write_reported(turn: &mut Turn<'_>, awaiting: Option<&Awaiting>) {
    let about = match awaiting {
        Some(Awaiting::About(about)) => about.clone(),
        _ => return,
    };
    let context: Vec<&str> = about.split(' ').map(shown).collect();
    let text = "Those who moderate have your report";
    reports::note_or_notice(turn, "REPORT", "REPORTED", &context, text, text);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const ROOM: &str = "
        alice= parlor/reports message-tags
        bob= message-tags
        eve=
        dave= parlor/reports
        alice> JOIN #tea
        bob> JOIN #tea
        eve> JOIN #tea
        bob> PRIVMSG #tea :hi
        bob> PRIVMSG #tea :you fool
        alice<<
        bob<<
        eve<<
        ";

    fn check_room(transcript: &str) {
        check(&format!("{ROOM}{transcript}"));
    }

    #[test]
    fn those_who_moderate_are_told_and_nobody_else() {
        check_room(
            "eve> REPORT #TEA bob :rude
             alice< :irc.example NOTE REPORTS REPORT 11 #tea {you fool} 2023-11-14T22:13:20.000Z bob!… eve!… :rude
             alice< :irc.example NOTE REPORTS TEXT 11 :you fool
             eve< :irc.example NOTICE eve :Those who moderate have your report
             alice> MODE #tea +h eve
             alice<<
             bob<<
             eve<<
             alice> REPORT #tea {hi} :rude too
             alice< :irc.example NOTE REPORTS REPORT 14 #tea {hi} 2023-11-14T22:13:20.000Z bob!… alice!… :rude too
             alice< :irc.example NOTE REPORTS TEXT 14 :hi
             alice< :irc.example NOTE REPORT REPORTED #tea {hi} :…
             eve< :irc.example NOTICE eve :Report 14, in #tea, 2023-11-14T22:13:20.000Z: alice!… reports bob!…: rude too
             eve< :irc.example NOTICE eve :<bob> hi",
        );
    }

    #[test]
    fn every_refusal() {
        check_room(
            "eve> REPORT #tea bob
             eve< :irc.example 461 eve REPORT :…
             eve> REPORT #tea bob : 
             eve< :irc.example 461 eve REPORT :…
             eve> REPORT #none bob :rude
             eve< :irc.example FAIL REPORT INVALID_TARGET #none :…
             eve> REPORT #tea nobody :rude
             eve< :irc.example FAIL REPORT UNKNOWN_MSGID #tea nobody :…
             dave> REPORT #tea {hi} :rude
             dave< :irc.example FAIL REPORT INVALID_TARGET #tea :…
             bob> REPORT #tea {hi} :me
             bob< :irc.example FAIL REPORT CANNOT_REPORT #tea {hi} :…
             store unreadable
             eve> REPORT #tea {hi} :rude
             eve< :irc.example FAIL REPORT TRY_AGAIN #tea {hi} :…
             store works
             store fails
             eve> REPORT #tea {hi} :rude
             eve< :irc.example FAIL REPORT STORAGE_FULL #tea {hi} :…
             store works
             eve> REPORT #tea {hi} :rude
             eve<<
             alice<<
             eve> REPORT #tea {hi} :rude
             eve< :irc.example FAIL REPORT ALREADY_REPORTED #tea {hi} :…
             +60
             bob> PRIVMSG #tea :3
             bob> PRIVMSG #tea :4
             bob> PRIVMSG #tea :5
             bob> PRIVMSG #tea :6
             eve> REPORT #tea {3} :rude
             eve> REPORT #tea {4} :rude
             eve> REPORT #tea {5} :rude
             eve> REPORT #tea {you fool} :rude
             eve<<
             alice<<
             bob<<
             dave<<
             eve> REPORT #tea {6} :rude
             eve< :irc.example FAIL REPORT RATE_LIMITED #tea {6} 540 :…",
        );
    }
}
