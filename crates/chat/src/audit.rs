//! Who did what to whom: what operators of rooms and of the server do is noted for good, and can be asked for. No text of
//! a message, no key and no password is in it.

use crate::id::Timestamp;
use crate::mask::glob;
use compact_str::CompactString;

#[derive(Clone, PartialEq, Debug)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// `name!ident@host` of who did it; `console`: the server's own command line; `server`: the server by itself.
    pub by: CompactString,
    /// Her account.
    pub account: Option<CompactString>,
    pub action: AuditAction,
    pub room: Option<CompactString>,
    /// Whom or what it was done to; empty: the room as a whole.
    pub target: CompactString,
    pub detail: Box<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditAction {
    /// Someone was put out of a room.
    Kick,
    /// An entry of a room's lists: bans, mutes, exceptions, invitations.
    List,
    /// A rank in a room.
    Role,
    /// Anything else of a room's settings.
    Mode,
    /// What a room is about was said by its operators.
    Topic,
    /// A message was pinned in a room, or no longer.
    Pin,
    /// Another name for a room.
    Rename,
    /// Someone else's message was taken away.
    Redact,
    InviteLink,
    /// A report by a member, or what became of it.
    Report,
    /// Someone's connections were ended.
    Kill,
    /// A ban from the server.
    ServerBan,
    /// An account was made, changed or deleted by someone else.
    Account,
    /// Someone took the rank of an operator of the server with a password.
    Operator,
}

impl AuditAction {
    pub const ALL: [AuditAction; 14] = [
        AuditAction::Kick,
        AuditAction::List,
        AuditAction::Role,
        AuditAction::Mode,
        AuditAction::Topic,
        AuditAction::Pin,
        AuditAction::Rename,
        AuditAction::Redact,
        AuditAction::InviteLink,
        AuditAction::Report,
        AuditAction::Kill,
        AuditAction::ServerBan,
        AuditAction::Account,
        AuditAction::Operator,
    ];

    /// The word for it on disk, and where it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            AuditAction::Kick => "kick",
            AuditAction::List => "list",
            AuditAction::Role => "role",
            AuditAction::Mode => "mode",
            AuditAction::Topic => "topic",
            AuditAction::Pin => "pin",
            AuditAction::Rename => "rename",
            AuditAction::Redact => "redact",
            AuditAction::InviteLink => "invite-link",
            AuditAction::Report => "report",
            AuditAction::Kill => "kill",
            AuditAction::ServerBan => "server-ban",
            AuditAction::Account => "account",
            AuditAction::Operator => "operator",
        }
    }

    pub fn from_word(word: &str) -> Option<AuditAction> {
        AuditAction::ALL.into_iter().find(|action| action.word().eq_ignore_ascii_case(word))
    }
}

/// Which entries are asked for; all conditions hold at once. Masks have `*` and `?`.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct AuditFilter {
    /// Matched against who did it, against her name alone, and against her account.
    pub by: Option<CompactString>,
    /// Matched against the target, and of a ban from the server against whom alone (`bob` of `account bob`).
    pub target: Option<CompactString>,
    pub room: Option<CompactString>,
    pub action: Option<AuditAction>,
    pub since: Option<Timestamp>,
    /// The newest of them.
    pub limit: usize,
}

impl AuditFilter {
    pub fn admits(&self, entry: &AuditEntry) -> bool {
        let fits = |mask: &Option<CompactString>, text: Option<&str>| match mask {
            Some(mask) => text.is_some_and(|text| glob(mask, text)),
            None => true,
        };
        let name = entry.by.split_once('!').map(|(name, _)| name);
        let banned =
            entry.target.split_once(' ').map(|(_, whom)| whom).filter(|_| entry.action == AuditAction::ServerBan);
        let is_any = |mask, texts: [Option<&str>; 3]| texts.into_iter().any(|text| fits(mask, text));
        is_any(&self.by, [Some(&entry.by), name, entry.account.as_deref()])
            && is_any(&self.target, [Some(&entry.target), banned, None])
            && fits(&self.room, entry.room.as_deref())
            && self.action.is_none_or(|action| action == entry.action)
            && self.since.is_none_or(|since| entry.at >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let entry = AuditEntry {
            at: Timestamp(1_000),
            by: "alice!u@cloak".into(),
            account: Some("Alice".into()),
            action: AuditAction::Kick,
            room: Some("#tea".into()),
            target: "bob".into(),
            detail: "out".into(),
        };
        let all = AuditFilter::default();
        for (filter, admits) in [
            (all.clone(), true),
            (AuditFilter { by: Some("alice!*".into()), ..all.clone() }, true),
            (AuditFilter { by: Some("ALICE".into()), ..all.clone() }, true),
            (AuditFilter { by: Some("a?ice".into()), ..all.clone() }, true),
            (AuditFilter { by: Some("bob*".into()), ..all.clone() }, false),
            (AuditFilter { target: Some("b?b".into()), room: Some("#TEA".into()), ..all.clone() }, true),
            (AuditFilter { room: Some("#pot".into()), ..all.clone() }, false),
            (AuditFilter { action: Some(AuditAction::Kill), ..all.clone() }, false),
            (AuditFilter { since: Some(Timestamp(1_000)), ..all.clone() }, true),
            (AuditFilter { since: Some(Timestamp(1_001)), ..all.clone() }, false),
        ] {
            assert_eq!(filter.admits(&entry), admits, "{filter:?}");
        }
        let of_a_guest = AuditEntry { by: "eve!u@cloak".into(), account: None, ..entry.clone() };
        assert!(AuditFilter { by: Some("eve".into()), ..all.clone() }.admits(&of_a_guest));
        let ban = AuditEntry { action: AuditAction::ServerBan, target: "account bob".into(), ..entry.clone() };
        assert!(AuditFilter { target: Some("bob".into()), ..all.clone() }.admits(&ban));
        assert!(!AuditFilter { target: Some("bobby".into()), ..all }.admits(&ban));
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_word(action.word()), Some(action));
        }
    }
}
