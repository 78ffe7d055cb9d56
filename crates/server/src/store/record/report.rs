//! Reports.

use super::message::audience;
use super::room::role_number;
use super::value::{bytes, long_text, some_text, text, time, unsigned, uuid};
use chat::id::{ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::report::{Report, ReportNumber, ReportedText};
use rusqlite::{CachedStatement, Row, params};

pub(in crate::store) const KEEP_REPORT: &str =
    "INSERT INTO report (number, room, message, position, audience, said_to, author, said_by,
    reporter, reported_by, reason, at, is_open, text)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?13)";
pub(in crate::store) const REPORTS: &str =
    "SELECT number, room, message, position, audience, said_to, author, said_by, reporter,
    reported_by, reason, at, is_open FROM report ORDER BY number";
/// What [`Report::closed`] leaves.
pub(in crate::store) const CLOSE_REPORT: &str =
    "UPDATE report SET text = NULL, reason = '', said_by = '', reported_by = '',
    said_to = iif(said_to IS NULL, NULL, ''), is_open = 0 WHERE number = ?1";
pub(in crate::store) const FORGET_REPORT: &str = "DELETE FROM report WHERE number = ?1";
/// What a message said when it was reported, and what has become of it.
pub(in crate::store) const REPORTED: &str = "SELECT text,
    (SELECT message.state FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = report.room
       AND run.position = (SELECT max(position) FROM run WHERE room = report.room AND position <= report.position)
       AND message.position = report.position AND message.id = report.message)
    FROM report WHERE number = ?1";

pub(in crate::store) fn keep_report(
    statement: &mut CachedStatement<'_>,
    report: &Report,
    text: &str,
) -> rusqlite::Result<()> {
    statement.execute(params![
        report.number.0 as i64,
        report.room.0,
        bytes(&report.message.0),
        report.position.0 as i64,
        report.audience.map(role_number),
        report.said_to.as_deref(),
        bytes(&report.author.0),
        report.said_by.as_str(),
        bytes(&report.reporter.0),
        report.reported_by.as_str(),
        &*report.reason,
        time(report.at),
        text,
    ])?;
    Ok(())
}

pub(in crate::store) fn report(row: &Row<'_>) -> rusqlite::Result<Report> {
    Ok(Report {
        number: ReportNumber(unsigned(row, 0)?),
        room: RoomNumber(row.get(1)?),
        message: MessageId(uuid(row, 2)?),
        position: Position(unsigned(row, 3)?),
        audience: audience(row, 4)?,
        said_to: some_text(row, 5)?,
        author: ClientId(uuid(row, 6)?),
        said_by: text(row, 7)?,
        reporter: ClientId(uuid(row, 8)?),
        reported_by: text(row, 9)?,
        reason: row.get::<_, Box<str>>(10)?,
        at: Timestamp(unsigned(row, 11)?),
        is_open: row.get(12)?,
    })
}

pub(in crate::store) fn reported(row: &Row<'_>) -> rusqlite::Result<ReportedText> {
    Ok(ReportedText { text: long_text(row, 0)?, is_redacted: row.get::<_, Option<i64>>(1)? == Some(2) })
}
