//! REPORTS: the queue of those who moderate. Ours.

use super::{Awaiting, Phase, Verb};
use crate::targets::{self, shown};
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::message::Message;
use chat::query::Query;
use chat::report::{ClosedReports, Report, ReportNumber, ReportView, ReportedText};
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "REPORTS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 3,
    receive,
    help: "REPORTS [<room>]\n\
           Shows what is reported and not dealt with, the oldest first: in the rooms that you moderate (+h and above), and \
           for operators of the server in all rooms and of direct messages.\n\
           REPORTS RESOLVE <number> [:<note>]\n\
           REPORTS DISMISS <number> [:<note>]\n\
           Ends a report, and all others of the same message: something was done about it, or there was nothing to do.\n\
           With the capability parlor/reports in lines for programs.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let word = line.param(0).unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "" => turn.ask(Command::Ask(Query::Reports { room: None })),
        "RESOLVE" => close(turn, line, true),
        "DISMISS" => close(turn, line, false),
        _ if targets::is_room(word) => {
            if let Some(room) = targets::room(turn, word) {
                turn.await_with(Awaiting::About(word.into()));
                turn.ask(Command::Ask(Query::Reports { room: Some(room) }));
            }
        }
        _ => {
            let text = "This is no room, nor RESOLVE or DISMISS: HELP REPORTS shows how it is written";
            turn.fail("REPORTS", "INVALID_PARAMS", &[shown(word)], text);
        }
    }
}

fn close(turn: &mut Turn<'_>, line: &Line<'_>, resolved: bool) {
    let Some(which) = line.param(1) else {
        return turn.need_more_params();
    };
    let Ok(number) = which.parse() else {
        return turn.fail("REPORTS", "INVALID_PARAMS", &[shown(which)], "A report is named by its number: REPORTS");
    };
    let note = line.param(2).unwrap_or_default().trim();
    if !targets::fits(turn, "The note", &["CLOSED", which, "dismissed"], note, turn.facts.limits.kick_length) {
        return;
    }
    turn.await_with(Awaiting::About(which.into()));
    let note = (!note.is_empty()).then(|| note.into());
    turn.ask(Command::CloseReport { number: ReportNumber(number), resolved, note });
}

/// The hub has said which reports there are.
pub(crate) fn answer(turn: &mut Turn<'_>, views: &[ReportView]) {
    if views.is_empty() {
        return write_end(turn, 0);
    }
    let numbers = views.iter().map(|view| view.report.number).collect();
    turn.work(|ticket| Work::ReadReported { ticket, numbers });
    turn.await_with(Awaiting::Reports(views.to_vec()));
}

/// What the messages said has been read.
pub(crate) fn read(turn: &mut Turn<'_>, views: &[ReportView], result: &WorkResult) {
    let WorkResult::Reported(texts) = result else {
        return turn.fail("REPORTS", "TRY_AGAIN", &[], "The reports could not be read just now; repeat it later");
    };
    for (view, ReportedText { text, is_redacted }) in views.iter().zip(texts) {
        write_head(turn, view);
        write_text(turn, &view.report, text.as_deref());
        if *is_redacted {
            let number = view.report.number.0.to_string();
            let text = "The message was taken away since";
            note_or_notice(turn, "REPORTS", "REDACTED", &[&number], text, &format!("({text})"));
        }
    }
    write_end(turn, views.len());
}

fn write_end(turn: &mut Turn<'_>, count: usize) {
    let in_words = match count {
        0 => "No open reports".to_owned(),
        count => format!("{count} open: REPORTS RESOLVE <number> or REPORTS DISMISS <number> ends one"),
    };
    note_or_notice(turn, "REPORTS", "END_OF_REPORTS", &[&count.to_string()], "End of REPORTS", &in_words);
}

/// Someone has just reported it.
pub(crate) fn write_made(turn: &mut Turn<'_>, view: &ReportView, message: &Message) {
    write_head(turn, view);
    write_text(turn, &view.report, Some(&message.payload));
}

fn write_head(turn: &mut Turn<'_>, view: &ReportView) {
    let Report { number, message, at, said_by, said_to, reported_by, reason, .. } = &view.report;
    let time = time_text(*at);
    let time = str::from_utf8(&time).unwrap_or_default();
    let (number, id) = (number.0.to_string(), message.to_string());
    let place = match (&view.room, said_to) {
        (Some(room), _) => format!("in {room}"),
        (None, Some(group)) if targets::is_room(group) => format!("in {group}"),
        (None, Some(name)) => format!("in a direct message to {name}"),
        (None, None) => "in a room that is gone".to_owned(),
    };
    let room = view.room.as_deref().unwrap_or("*");
    let in_words = format!("Report {number}, {place}, {time}: {reported_by} reports {said_by} ({id}): {reason}");
    let context = [&*number, room, &id, time, said_by, reported_by];
    note_or_notice(turn, "REPORTS", "REPORT", &context, reason, &in_words);
}

fn write_text(turn: &mut Turn<'_>, report: &Report, text: Option<&str>) {
    let number = report.number.0.to_string();
    let name = report.said_by.split('!').next().unwrap_or_default();
    let Some(text) = text else {
        let gone = "The message is not kept any more";
        return note_or_notice(turn, "REPORTS", "GONE", &[&number], gone, &format!("({gone})"));
    };
    // CTCP marks are none of a moderator's program's business.
    let text = text.replace('\u{1}', "");
    if !turn.has(Capability::ParlorReports) {
        return turn.notice(&format!("<{name}> {text}"));
    }
    let budget = wire::text_budget(&turn.facts.server_name, "NOTE", &["REPORTS", "TEXT", &number]).max(16);
    for mut rest in text.split('\n') {
        while !rest.is_empty() {
            let (part, more) = rest.split_at(rest.floor_char_boundary(budget));
            turn.note("REPORTS", "TEXT", &[&number], part);
            rest = more;
        }
    }
}

pub(crate) fn write_closed(turn: &mut Turn<'_>, closed: &ClosedReports) {
    let done = if closed.resolved { "resolved" } else { "dismissed" };
    let note = closed.note.as_deref();
    for number in &closed.numbers {
        let number = number.0.to_string();
        let in_words = match note {
            Some(note) => format!("Report {number} was {done} by {}: {note}", closed.by),
            None => format!("Report {number} was {done} by {}", closed.by),
        };
        let context = [&*number, done, &closed.by];
        note_or_notice(turn, "REPORTS", "CLOSED", &context, note.unwrap_or("-"), &in_words);
    }
}

/// What someone who moderates has to look at; `None`: on the whole server.
pub(crate) fn write_count(turn: &mut Turn<'_>, room: Option<&str>, count: usize) {
    let what = match count {
        0 => return,
        1 => "1 open report".to_owned(),
        count => format!("{count} open reports"),
    };
    let in_words = match room {
        Some(room) => format!("{room} has {what}: REPORTS {room}"),
        None => format!("There is or are {what}: REPORTS"),
    };
    let context = [room.unwrap_or("*"), &count.to_string()];
    note_or_notice(turn, "REPORTS", "OPEN", &context, &format!("{what} to look at"), &in_words);
}

/// A NOTE to a client that takes it for what it is, to all others a text in words.
pub(crate) fn note_or_notice(
    turn: &mut Turn<'_>,
    verb: &str,
    code: &str,
    context: &[&str],
    text: &str,
    in_words: &str,
) {
    if turn.has(Capability::ParlorReports) {
        turn.note(verb, code, context, text);
    } else {
        turn.notice(in_words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with, with_operator};

    const REPORTED: &str = "
        alice=
        bob= message-tags draft/message-redaction draft/message-edit
        eve=
        alice> JOIN #tea
        bob> JOIN #tea
        eve> JOIN #tea
        bob> PRIVMSG #tea :one
        bob> PRIVMSG #tea :two
        eve> REPORT #tea {one} :rude
        eve> REPORT #tea {two} :very rude
        alice<<
        bob<<
        eve<<
        ";

    #[test]
    fn the_queue_of_a_room() {
        check(&format!(
            "{REPORTED}
             bob> @draft/target-msgid={{one}};draft/edit-text=nothing EDIT #tea
             bob> REDACT #tea {{two}}
             alice<<
             bob<<
             eve<<
             alice> REPORTS
             alice< …:Report 10, in #tea, 2023-11-14T22:13:20.000Z: eve!… reports bob!…: rude
             alice< :irc.example NOTICE alice :<bob> one
             alice< …:Report 12, in #tea, 2023-11-14T22:13:20.000Z: eve!… reports bob!…: very rude
             alice< :irc.example NOTICE alice :<bob> two
             alice< :irc.example NOTICE alice :(The message was taken away since)
             alice< :irc.example NOTICE alice :2 open: REPORTS RESOLVE <number> or REPORTS DISMISS <number> ends one
             alice> MODE #tea +hh bob eve
             alice<<
             bob<<
             eve<<
             bob> REPORTS
             bob< :irc.example NOTICE bob :No open reports
             bob> REPORTS DISMISS 10
             bob< :irc.example FAIL REPORTS NO_SUCH_REPORT 10 :…
             alice> REPORTS RESOLVE 10 :asked him to stop
             alice< :irc.example NOTICE alice :Report 10 was resolved by alice: asked him to stop
             eve< :irc.example NOTICE eve :Report 10 was resolved by alice: asked him to stop
             alice> REPORTS resolve 10
             alice< :irc.example FAIL REPORTS NO_SUCH_REPORT 10 :…
             carol= parlor/reports
             carol> JOIN #tea
             alice> MODE #tea +o carol
             alice<<
             bob<<
             eve<<
             carol<<
             carol> REPORTS #TEA
             carol< :irc.example NOTE REPORTS REPORT 12 #tea {{two}} 2023-11-14T22:13:20.000Z bob!… eve!… :very rude
             carol< :irc.example NOTE REPORTS TEXT 12 :two
             carol< :irc.example NOTE REPORTS REDACTED 12 :…
             carol< :irc.example NOTE REPORTS END_OF_REPORTS 1 :…
             carol> REPORTS DISMISS 12
             carol< :irc.example NOTE REPORTS CLOSED 12 dismissed carol :-
             alice< :irc.example NOTICE alice :Report 12 was dismissed by carol
             eve< :irc.example NOTICE eve :Report 12 was dismissed by carol
             carol> REPORTS
             carol< :irc.example NOTE REPORTS END_OF_REPORTS 0 :…"
        ));
    }

    #[test]
    fn operators_of_the_server_see_all_and_are_told_when_they_come() {
        check_with(
            with_operator,
            &format!(
                "{REPORTED}
                 bob> PRIVMSG eve :you fool
                 eve> REPORT bob bob :rude to me
                 eve<<
                 dave= parlor/reports
                 dave> REPORTS
                 dave< :irc.example NOTE REPORTS END_OF_REPORTS 0 :…
                 dave> OPER root sesame
                 dave< …MODE dave +o
                 dave< :irc.example NOTE REPORTS OPEN * 3 :…
                 dave< :irc.example 381 dave :…
                 dave> JOIN #tea
                 dave< …JOIN #tea
                 dave< … 353 …
                 dave< … 366 …
                 dave< :irc.example NOTE REPORTS OPEN #tea 2 :…
                 dave> REPORTS
                 dave< …REPORTS REPORT 10 #tea …
                 dave< …REPORTS TEXT 10 :one
                 dave< …REPORTS REPORT 12 #tea …
                 dave< …REPORTS TEXT 12 :two
                 dave< …REPORTS REPORT 15 * {{you fool}} 2023-11-14T22:13:20.000Z bob!… eve!… :rude to me
                 dave< …REPORTS TEXT 15 :you fool
                 dave< …REPORTS END_OF_REPORTS 3 :…
                 alice<<
                 bob<<
                 eve<<
                 alice> REPORTS DISMISS 15
                 alice< :irc.example FAIL REPORTS NO_SUCH_REPORT 15 :…
                 dave> REPORTS RESOLVE 15 :banned
                 dave< …REPORTS CLOSED 15 resolved dave :banned
                 dave> AUDIT action=report
                 dave< …AUDIT ENTRY 2023-11-14T22:13:20.000Z report eve!… * #tea {{one}} :10: rude
                 dave< …AUDIT ENTRY 2023-11-14T22:13:20.000Z report eve!… * #tea {{two}} :12: very rude
                 dave< …AUDIT ENTRY 2023-11-14T22:13:20.000Z report eve!… * * {{you fool}} :15: rude to me
                 dave< …AUDIT ENTRY 2023-11-14T22:13:20.000Z report dave!… * * {{you fool}} :15 resolved: banned
                 dave< …AUDIT END_OF_AUDIT :…"
            ),
        );
    }

    #[test]
    fn every_refusal() {
        check(&format!(
            "{REPORTED}
             eve> REPORTS #tea
             eve< :irc.example 482 eve #tea :…
             eve> REPORTS #none
             eve< :irc.example 403 eve #none :…
             eve> REPORTS ME
             eve< :irc.example FAIL REPORTS INVALID_PARAMS ME :…
             eve> REPORTS RESOLVE
             eve< :irc.example 461 eve REPORTS :…
             eve> REPORTS RESOLVE one
             eve< :irc.example FAIL REPORTS INVALID_PARAMS one :…
             eve> REPORTS RESOLVE 10
             eve< :irc.example FAIL REPORTS NO_SUCH_REPORT 10 :…
             store unreadable
             alice> REPORTS
             alice< :irc.example FAIL REPORTS TRY_AGAIN :…
             store works
             store fails
             alice> REPORTS RESOLVE 10
             alice< :irc.example FAIL REPORTS STORAGE_FULL 10 :…"
        ));
    }
}
