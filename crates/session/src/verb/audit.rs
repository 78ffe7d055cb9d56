//! AUDIT: who did what to whom. Our own; read from the store beside the hub, which says who may.

use super::{Awaiting, Phase, Verb};
use crate::targets::shown;
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use crate::{duration, refusal_numeric};
use chat::audit::{AuditAction, AuditEntry, AuditFilter};
use chat::command::Command;
use chat::id::Timestamp;
use chat::query::{Answer, Query};
use wire::Line;

/// Entries of one answer, if nothing else is said, and at most.
const ENTRIES: usize = 50;
const MOST_ENTRIES: usize = 500;

pub(crate) const VERB: Verb = Verb {
    name: "AUDIT",
    parameters: 0,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "AUDIT {by=<mask>|target=<mask>|room=<mask>|action=<action>|since=<duration>|limit=<n>}\n\
           Shows who did what to whom, the newest last. Actions: kick, list (bans and mutes), role, mode, rename, redact, \
           topic, pin, invite-link, report, kill, server-ban, account, operator. For operators of the server.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let mut filter = AuditFilter { limit: ENTRIES, ..AuditFilter::default() };
    for word in line.params().iter().flat_map(|param| param.split(' ')).filter(|word| !word.is_empty()) {
        if let Err(why) = add(&mut filter, word, turn.now.wall) {
            return turn.fail("AUDIT", "INVALID_FILTER", &[shown(word)], &why);
        }
    }
    turn.ask(Command::Ask(Query::Audit));
    turn.await_with(Awaiting::Audit(Box::new(filter)));
}

fn add(filter: &mut AuditFilter, word: &str, now: Timestamp) -> Result<(), String> {
    let (key, value) = word.split_once('=').ok_or("A filter is one of by= target= room= action= since= limit=")?;
    match key {
        "by" => filter.by = Some(value.into()),
        "target" => filter.target = Some(value.into()),
        "room" => filter.room = Some(value.into()),
        "action" => {
            let action = AuditAction::from_word(value);
            filter.action = Some(action.ok_or("There is no such action; HELP AUDIT names all")?);
        }
        "since" => {
            let lasts = duration::parse(value).ok_or(duration::EXPECTED)?;
            filter.since = Some(Timestamp(now.0.saturating_sub(lasts)));
        }
        "limit" => {
            let limit = value.parse::<usize>().ok().filter(|limit| (1..=MOST_ENTRIES).contains(limit));
            filter.limit = limit.ok_or_else(|| format!("A limit is a number, 1 to {MOST_ENTRIES}"))?;
        }
        _ => return Err("A filter is one of by= target= room= action= since= limit=".to_owned()),
    }
    Ok(())
}

pub(crate) fn answer(turn: &mut Turn<'_>, filter: Box<AuditFilter>, answer: &Answer) {
    match answer {
        Answer::AuditGranted => {
            turn.work(|ticket| Work::ReadAudit { ticket, filter: filter.clone() });
            turn.put_awaiting(Box::new(Awaiting::Audit(filter)));
        }
        Answer::Refused(refusal) => refusal_numeric::write(turn, "AUDIT", "", refusal),
        other => crate::answer::dispatch(turn, None, other),
    }
}

pub(crate) fn read(turn: &mut Turn<'_>, result: &WorkResult) {
    let WorkResult::Audit(entries) = result else {
        return turn.fail("AUDIT", "TRY_AGAIN", &[], "It could not be read just now; repeat it later");
    };
    for entry in entries.iter().rev() {
        write(turn, entry);
    }
    turn.note("AUDIT", "END_OF_AUDIT", &[], "End of AUDIT");
}

/// `NOTE AUDIT ENTRY <time> <action> <by> <account or *> <room or *> <target or *> :<detail>`
fn write(turn: &mut Turn<'_>, entry: &AuditEntry) {
    let time = time_text(entry.at);
    let star = |text: &str| if text.is_empty() { "*".to_owned() } else { text.replace(' ', "\u{a0}") };
    let (account, room) = (entry.account.as_deref().unwrap_or_default(), entry.room.as_deref().unwrap_or_default());
    let context = [
        &*String::from_utf8_lossy(&time),
        entry.action.word(),
        &entry.by,
        &star(account),
        &star(room),
        &star(&entry.target),
    ];
    turn.note("AUDIT", "ENTRY", &context, if entry.detail.is_empty() { "-" } else { &entry.detail });
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn who_did_what() {
        check_with(
            with_operator,
            "alice=
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice> MODE #tea +bk *!*@bad sesame
             alice> KICK #tea bob :loud
             alice<<
             bob<<
             bob> AUDIT
             bob< :irc.example 481 bob :…
             alice> OPER root sesame
             alice<<
             alice> AUDIT
             alice< :irc.example NOTE AUDIT ENTRY 2023-11-14T22:13:20.000Z list alice!… * #tea *!*@bad :+ban
             alice< :irc.example NOTE AUDIT ENTRY 2023-11-14T22:13:20.000Z mode alice!… * #tea * :set a key
             alice< :irc.example NOTE AUDIT ENTRY 2023-11-14T22:13:20.000Z kick alice!… * #tea bob :loud
             alice< :irc.example NOTE AUDIT ENTRY 2023-11-14T22:13:20.000Z operator alice!… * * alice :root
             alice< :irc.example NOTE AUDIT END_OF_AUDIT :…
             alice> AUDIT target=b* action=kick since=1d limit=1
             alice< :irc.example NOTE AUDIT ENTRY 2023-11-14T22:13:20.000Z kick alice!… * #tea bob :loud
             alice< :irc.example NOTE AUDIT END_OF_AUDIT :…
             alice> AUDIT room=#pot
             alice< :irc.example NOTE AUDIT END_OF_AUDIT :…",
        );
    }

    #[test]
    fn every_refusal() {
        check_with(
            with_operator,
            "alice=
             alice> AUDIT nonsense
             alice< :irc.example FAIL AUDIT INVALID_FILTER nonsense :…
             alice> AUDIT what=ever
             alice< :irc.example FAIL AUDIT INVALID_FILTER what=ever :…
             alice> AUDIT action=dance
             alice< :irc.example FAIL AUDIT INVALID_FILTER action=dance :…
             alice> AUDIT since=soon
             alice< :irc.example FAIL AUDIT INVALID_FILTER since=soon :…
             alice> AUDIT limit=0
             alice< :irc.example FAIL AUDIT INVALID_FILTER limit=0 :…
             alice> AUDIT
             alice< :irc.example 481 alice :…",
        );
    }
}
