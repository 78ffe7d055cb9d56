//! RPL_ISUPPORT: what this server supports and where its limits are, true to what is enforced.
//!
//! Modern IRC "RPL_ISUPPORT Parameters" and the IRCv3 specifications that define a token of their own.

use crate::facts::Configured;
use crate::mode_letters::{CHANMODES, MODES_PER_LINE, PREFIX, STATUSMSG};
use crate::turn::Turn;
use chat::name::Casemapping;
use wire::isupport::{SUPPORTED_TEXT, lines, token};
use wire::{Capability, CaseMapping, Numeric};

/// Bytes of an ident as shown, with its `~`.
pub const USER_LENGTH: usize = 18;
/// Bytes of a host as shown (RFC 1459: 63).
pub const HOST_LENGTH: usize = 63;
/// Bytes of a realname: USER cuts a longer one, SETNAME refuses it.
pub const REALNAME_LENGTH: usize = 128;
/// Bytes of a room's key.
pub const KEY_LENGTH: usize = 32;
/// Names that one line of these verbs may address; those beyond are refused with 407.
pub const MESSAGE_TARGETS: usize = 4;
pub const KICK_TARGETS: usize = 4;
pub const NAMES_TARGETS: usize = 8;
pub const WHOIS_TARGETS: usize = 4;
pub const WHOWAS_TARGETS: usize = 1;

/// All tokens, sorted by name.
pub fn tokens(configured: &Configured) -> Vec<String> {
    let limits = &configured.limits;
    let casemapping = match configured.name_rules.casemapping {
        Casemapping::Precis => CaseMapping::Precis,
        Casemapping::Ascii => CaseMapping::Ascii,
    };
    let mut tokens = vec![
        // account-extban: which extended bans match accounts.
        token("ACCOUNTEXTBAN", Some("a,account")),
        token("AWAYLEN", Some(&limits.away_length.to_string())),
        token("BOT", Some("B")),
        token("CASEMAPPING", Some(casemapping.token())),
        token("CHANLIMIT", Some(&format!("#:{}", limits.rooms_per_client))),
        token("CHANMODES", Some(CHANMODES)),
        token("CHANNELLEN", Some(&configured.name_rules.max_room_name.to_string())),
        token("CHANTYPES", Some("#")),
        token("CHATHISTORY", Some(&limits.history_page.to_string())),
        token("ELIST", Some("CMNTU")),
        token("EXCEPTS", Some("e")),
        // Account, mute, realname (chat::mask); without a prefix (mode_letters::mask_from_wire).
        token("EXTBAN", Some(",amr")),
        token("HOSTLEN", Some(&HOST_LENGTH.to_string())),
        token("INVEX", Some("I")),
        token("KEYLEN", Some(&KEY_LENGTH.to_string())),
        token("KICKLEN", Some(&limits.kick_length.to_string())),
        token("KNOCK", None),
        token("MAXLIST", Some(&format!("b:{0},e:{0},I:{0}", limits.list_modes))),
        token("MAXTARGETS", Some(&MESSAGE_TARGETS.to_string())),
        token("MODES", Some(&MODES_PER_LINE.to_string())),
        token("MONITOR", Some(&limits.monitor.to_string())),
        token("MSGREFTYPES", Some("msgid,timestamp")),
        token("NAMELEN", Some(&REALNAME_LENGTH.to_string())),
        token("NETWORK", Some(&configured.network)),
        token("NICKLEN", Some(&configured.name_rules.max_name.to_string())),
        token("PREFIX", Some(PREFIX)),
        token("SAFELIST", None),
        token("STATUSMSG", Some(STATUSMSG)),
        token(
            "TARGMAX",
            Some(&format!(
                "JOIN:,KICK:{KICK_TARGETS},LIST:,NAMES:{NAMES_TARGETS},NOTICE:{MESSAGE_TARGETS},PART:,\
                 PRIVMSG:{MESSAGE_TARGETS},TAGMSG:{MESSAGE_TARGETS},WHOIS:{WHOIS_TARGETS},WHOWAS:{WHOWAS_TARGETS}"
            )),
        ),
        token("TOPICLEN", Some(&limits.topic_length.to_string())),
        token("USERLEN", Some(&USER_LENGTH.to_string())),
        token("UTF8ONLY", None),
        token("WHOX", None),
    ];
    if !configured.login.guests {
        tokens.push(token("draft/ACCOUNTREQUIRED", None));
    }
    tokens
}

/// The whole list, as a batch for those who know it so (draft/extended-isupport).
pub(crate) fn write(turn: &mut Turn<'_>) {
    let facts = turn.facts;
    write_tokens(turn, &facts.isupport);
}

/// Some tokens: the whole list, or what changed.
pub(crate) fn write_tokens(turn: &mut Turn<'_>, tokens: &[String]) {
    if tokens.is_empty() {
        return;
    }
    let facts = turn.facts;
    let nick = turn.nick().to_owned();
    let write = |turn: &mut Turn<'_>| {
        for line in lines(tokens, &facts.server_name, &nick) {
            turn.numeric(Numeric::RPL_ISUPPORT).params(line).trailing(SUPPORTED_TEXT);
        }
    };
    if turn.has(Capability::ExtendedIsupport) {
        turn.batch("draft/isupport", &[], write);
    } else {
        write(turn);
    }
}

/// What to say of a changed list: new and changed tokens, and `-NAME` for those that are gone.
pub(crate) fn difference(old: &[String], new: &[String]) -> Vec<String> {
    let name = |token: &str| token.split('=').next().unwrap_or_default().to_owned();
    let mut difference: Vec<String> = new.iter().filter(|token| !old.contains(token)).cloned().collect();
    for token in old {
        if !new.iter().any(|other| name(other) == name(token)) {
            difference.push(format!("-{}", name(token)));
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use wire::IsupportToken;

    #[test]
    fn tokens_are_well_formed_and_said_once() {
        let mut configured = Configured::default();
        configured.login.guests = false;
        let tokens = tokens(&configured);
        let parsed: Vec<IsupportToken<'_>> = tokens.iter().map(|token| IsupportToken::parse(token).unwrap()).collect();
        let names: BTreeSet<&str> = parsed.iter().map(|token| token.name).collect();
        assert_eq!(names.len(), tokens.len());
        assert!(tokens.iter().all(|token| !token.contains(' ') && !token.starts_with(':')));
        assert!(names.contains("draft/ACCOUNTREQUIRED"));
    }

    #[test]
    fn changed_lists() {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(difference(&list("A=1 B C=2"), &list("A=2 B D")), list("A=2 D -C"));
        assert!(difference(&list("A B"), &list("A B")).is_empty());
    }
}
