//! RPL_ISUPPORT: what this server supports and where its limits are, true to what is enforced.
//!
//! Modern IRC "RPL_ISUPPORT Parameters" and the IRCv3 specifications that define a token of their own.

use crate::facts::Configured;
use crate::mode_letters::{CHANMODES, MODES_PER_LINE, PREFIX, STATUSMSG};
use crate::turn::Turn;
use chat::client::ACCEPTED;
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
        token("ACCEPT", Some(&ACCEPTED.to_string())),
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
    use crate::testing::check_with;
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

    /// The most that a token allows is taken, one more is refused: for every token that is a limit.
    #[test]
    fn what_is_said_is_what_is_enforced() {
        let small = |configured: &mut Configured, settings: &mut chat::settings::Settings| {
            let limits = &mut configured.limits;
            (limits.topic_length, limits.kick_length, limits.away_length) = (11, 9, 7);
            (limits.list_modes, limits.monitor, limits.rooms_per_client) = (2, 3, 2);
            (configured.name_rules.max_name, configured.name_rules.max_room_name) = (6, 5);
            settings.rooms_per_client = 2;
            (settings.list_entries, settings.monitor_entries) = (2, 3);
        };
        let mut configured = Configured::default();
        small(&mut configured, &mut Default::default());
        let tokens = tokens(&configured);
        let says = |name: &str| -> String {
            let token = tokens.iter().find_map(|token| token.strip_prefix(name)?.strip_prefix('='));
            token.unwrap_or_else(|| panic!("{name} is not said")).to_owned()
        };
        let number = |name: &str| says(name).parse::<usize>().unwrap();
        let x = |count: usize| "x".repeat(count);

        // Lengths: what `n` characters lead to, and what one more does.
        let start = "alice= setname\n alice> JOIN #tea\n bob=\n bob> JOIN #tea\n bob<<\n alice<<\n";
        let lengths: [(&str, &str, &str, &str); 7] = [
            ("NICKLEN", "NICK …", ":alice!… NICK …", " 432 alice "),
            ("CHANNELLEN", "JOIN #…", ":alice!… JOIN #…", " 476 alice #"),
            ("TOPICLEN", "TOPIC #tea :…", ":alice!… TOPIC #tea :…", " 417 alice "),
            ("AWAYLEN", "AWAY :…", " 306 alice ", " 417 alice "),
            ("KICKLEN", "KICK #tea bob :…", ":alice!… KICK #tea bob :…", " 417 alice "),
            ("KEYLEN", "MODE #tea +k …", ":alice!… MODE #tea +k …", " 696 alice #tea k "),
            ("NAMELEN", "SETNAME :…", ":alice!… SETNAME :…", "FAIL SETNAME INVALID_REALNAME "),
        ];
        for (name, line, accepted, refused) in lengths {
            let most = number(name) - usize::from(name == "CHANNELLEN");
            for (length, expected) in [(most, accepted), (most + 1, refused)] {
                let text = x(length);
                // The first dots of an answer stand for the rest of a source.
                let expected = match expected.strip_prefix(":alice!… ") {
                    Some(rest) => format!(":alice!… {}", rest.replace('…', &text)),
                    None => format!(":irc.example {}…", expected.trim_start()),
                };
                let line = line.replace('…', &text);
                check_with(small, &format!("{start} alice> {line}\n alice< {expected}\n alice<<\n bob<<"));
            }
        }

        // Counts.
        let mut transcript = start.to_owned();
        let mut say = |line: String, expected: &str| {
            transcript.push_str(&format!("alice> {line}\n alice< {expected}\n alice<<\n"));
        };
        assert_eq!(says("MAXLIST"), "b:2,e:2,I:2");
        for letter in ["b", "e", "I"] {
            say(
                format!("MODE #tea +{letter}{letter} a b"),
                &format!(":alice!… MODE #tea +{letter}{letter} a!*@* b!*@*"),
            );
            say(format!("MODE #tea +{letter} c"), ":irc.example 478 alice #tea …");
        }
        assert_eq!(says("CHANLIMIT"), "#:2");
        say("JOIN #two".to_owned(), ":alice!… JOIN #two");
        say("JOIN #thr".to_owned(), ":irc.example 405 alice #thr :…");
        assert_eq!(number("MONITOR"), 3);
        say("MONITOR + a,b,c".to_owned(), ":irc.example 731 alice :a,b,c");
        say("MONITOR + d".to_owned(), ":irc.example 734 alice 3 d :…");
        // 407 for those beyond.
        assert_eq!((number("MAXTARGETS"), MESSAGE_TARGETS), (4, 4));
        for entry in says("TARGMAX").split(',') {
            let (verb, most) = entry.split_once(':').unwrap();
            assert_eq!(crate::targets::most(verb), most.parse().unwrap_or(usize::MAX), "{verb}");
        }
        assert_eq!(number("MODES"), MODES_PER_LINE);
        transcript.push_str("bob<<\n");
        check_with(small, &transcript);
    }

    #[test]
    fn changed_lists() {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(difference(&list("A=1 B C=2"), &list("A=2 B D")), list("A=2 D -C"));
        assert!(difference(&list("A B"), &list("A B")).is_empty());
    }
}
