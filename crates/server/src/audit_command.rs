//! `chat_server audit`: what is noted of who did what, read from the database, whether the server runs or not.

use crate::command_line::AuditQuestion;
use crate::config::Config;
use crate::store;
use chat::audit::{AuditAction, AuditFilter};
use chat::id::Timestamp;
use session::duration;
use session::time_text::time_text;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// A line an entry, the newest last.
///
/// # Errors
/// One sentence: what of the question is not understood, or why the database can't be read.
pub fn execute(config: &Config, question: &AuditQuestion) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let filter = filter(question, now)?;
    let path = config.storage.path.join(store::DATABASE);
    let entries = store::audit::read(&path, &filter).map_err(|error| error.to_string())?;
    let mut report = String::new();
    for entry in entries.iter().rev() {
        let time = time_text(entry.at);
        let room = entry.room.as_deref().map(|room| format!(" {room}")).unwrap_or_default();
        let target = if entry.target.is_empty() { String::new() } else { format!(" {}", entry.target) };
        let account = entry.account.as_deref().map(|account| format!(" ({account})")).unwrap_or_default();
        let (time, action) = (String::from_utf8_lossy(&time), entry.action.word());
        // Writing to a string cannot fail.
        let _ = writeln!(report, "{time} {action}{room}{target} by {}{account}: {}", entry.by, entry.detail);
    }
    Ok(report)
}

fn filter(question: &AuditQuestion, now: u64) -> Result<AuditFilter, String> {
    let action = match &question.action {
        None => None,
        Some(word) => Some(AuditAction::from_word(word).ok_or_else(|| {
            let words: Vec<&str> = AuditAction::ALL.into_iter().map(AuditAction::word).collect();
            format!("--action {word}: there is no such action; there are {}", words.join(", "))
        })?),
    };
    let since = match &question.since {
        None => None,
        Some(text) => {
            let lasts = duration::parse(text).ok_or_else(|| format!("--since {text}: {}", duration::EXPECTED))?;
            Some(Timestamp(now.saturating_sub(lasts)))
        }
    };
    let mask = |text: &Option<String>| text.as_deref().map(Into::into);
    Ok(AuditFilter {
        by: mask(&question.by),
        target: mask(&question.target),
        room: mask(&question.room),
        action,
        since,
        limit: question.limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions() {
        let question = AuditQuestion {
            by: Some("alice*".to_owned()),
            action: Some("KICK".to_owned()),
            since: Some("1h".to_owned()),
            limit: 5,
            ..AuditQuestion::default()
        };
        let expected = AuditFilter {
            by: Some("alice*".into()),
            action: Some(AuditAction::Kick),
            since: Some(Timestamp(400_000)),
            limit: 5,
            ..AuditFilter::default()
        };
        assert_eq!(filter(&question, 4_000_000), Ok(expected));
        let wrong = AuditQuestion { action: Some("dance".to_owned()), ..question.clone() };
        assert!(filter(&wrong, 0).is_err_and(|why| why.contains("dance") && why.contains("server-ban")));
        let wrong = AuditQuestion { since: Some("soon".to_owned()), ..question };
        assert!(filter(&wrong, 0).is_err_and(|why| why.contains("soon")));
    }
}
