//! The letters of MODE and what each stands for in the domain: the one table of them, and the strings made from it
//! (`CHANMODES`, `PREFIX`, RPL_MYINFO).
//!
//! Letters: Modern IRC "Channel Modes" and "User Modes"; C, M, P, R as in the libera/InspIRCd/Ergo tradition; B by
//! IRCv3 bot-mode; p as RFC 1459 section 4.2.3.1 has it (private); f as in Charybdis; T (no CTCP), U (op-moderated) and u
//! (auditorium) as in Ergo. Our own, since what other servers
//! call so varies: A (announcements), J (history since one's Join), W (wait between messages).

use chat::chatroom::RoomFlag;
use chat::command::PersonalMode;
use chat::mask::canonical;
use chat::membership::{Role, Roles};
use chat::refusal::ListKind;
use compact_str::CompactString;
use std::borrow::Cow;
use wire::ModeKind;

/// Value of `CHANMODES`: lists; always with a parameter; with one when set; flags.
pub const CHANMODES: &str = "Ibe,k,HWfl,ACJMPRUimnpstu";
/// Value of `PREFIX`, highest first.
pub const PREFIX: &str = "(qaohv)~&@%+";
/// Value of `STATUSMSG`: what may stand before a room's name to reach only members of that rank and above.
pub const STATUSMSG: &str = "~&@%+";
/// `MODES`: changes with a parameter on one line, either way. With target and letters they are fourteen parameters, and
/// a line has fifteen.
pub const MODES_PER_LINE: usize = 12;
/// RPL_MYINFO: all personal modes.
pub const USER_MODES: &str = "BRTZiow";
/// RPL_MYINFO: all room modes.
pub const CHANNEL_MODES: &str = "ACHIJMPRUWabefhiklmnopqstuv";
/// RPL_MYINFO: the room modes that take a parameter.
pub const CHANNEL_MODES_WITH_PARAMETER: &str = "HIWabefhkloqv";
/// The room's password.
pub const KEY: char = 'k';
/// How many people may be in the room.
pub const MEMBER_LIMIT: char = 'l';
/// Slow mode: how many seconds pass between two messages of one member.
pub const SLOW_MODE: char = 'W';
/// Where those go who are kept out.
pub const FORWARD: char = 'f';
/// How long messages are kept, such as `30d` (InspIRCd and UnrealIRCd: how much history, by a time among others).
pub const RETENTION: char = 'H';

/// What a letter in a room's MODE stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomLetter {
    Flag(RoomFlag),
    Key,
    MemberLimit,
    SlowMode,
    Forward,
    Retention,
    List(ListKind),
    Role(Role),
}

pub const fn flag_letter(flag: RoomFlag) -> char {
    match flag {
        RoomFlag::Moderated => 'm',
        RoomFlag::MembersSpeak => 'n',
        RoomFlag::Secret => 's',
        RoomFlag::TopicLocked => 't',
        RoomFlag::InviteOnly => 'i',
        RoomFlag::NoCtcp => 'C',
        RoomFlag::AccountsJoin => 'R',
        RoomFlag::AccountsSpeak => 'M',
        RoomFlag::Registered => 'P',
        RoomFlag::HistorySinceJoin => 'J',
        RoomFlag::Announcements => 'A',
        RoomFlag::Unlisted => 'p',
        RoomFlag::OpModerated => 'U',
        RoomFlag::Auditorium => 'u',
    }
}

pub const fn list_letter(list: ListKind) -> char {
    match list {
        ListKind::Ban => 'b',
        ListKind::Exception => 'e',
        ListKind::Invitation => 'I',
    }
}

pub const fn role_letter(role: Role) -> char {
    match role {
        Role::Owner => 'q',
        Role::Admin => 'a',
        Role::Operator => 'o',
        Role::HalfOperator => 'h',
        Role::Voice => 'v',
    }
}

/// What stands before the name of someone with this role.
pub const fn role_prefix(role: Role) -> char {
    match role {
        Role::Owner => '~',
        Role::Admin => '&',
        Role::Operator => '@',
        Role::HalfOperator => '%',
        Role::Voice => '+',
    }
}

pub fn role_of_prefix(prefix: char) -> Option<Role> {
    Role::ALL.into_iter().find(|&role| role_prefix(role) == prefix)
}

/// The prefixes of a member: all of them, highest first, for those who know `multi-prefix`; the highest for others.
pub fn prefixes(roles: Roles, multi_prefix: bool) -> impl Iterator<Item = char> {
    let most = if multi_prefix { Role::ALL.len() } else { 1 };
    roles.iter().take(most).map(role_prefix)
}

pub const fn personal_letter(mode: PersonalMode) -> char {
    match mode {
        PersonalMode::Invisible => 'i',
        PersonalMode::Wallops => 'w',
        PersonalMode::Bot => 'B',
        PersonalMode::AccountsOnly => 'R',
        PersonalMode::SecureOnly => 'Z',
        PersonalMode::Operator => 'o',
        PersonalMode::NoCtcp => 'T',
    }
}

pub const fn personal_of(letter: char) -> Option<PersonalMode> {
    match letter {
        'i' => Some(PersonalMode::Invisible),
        'w' => Some(PersonalMode::Wallops),
        'B' => Some(PersonalMode::Bot),
        'R' => Some(PersonalMode::AccountsOnly),
        'Z' => Some(PersonalMode::SecureOnly),
        'o' => Some(PersonalMode::Operator),
        'T' => Some(PersonalMode::NoCtcp),
        _ => None,
    }
}

/// `None`: no such room mode (472).
pub fn room_letter(letter: char) -> Option<RoomLetter> {
    match letter {
        KEY => Some(RoomLetter::Key),
        MEMBER_LIMIT => Some(RoomLetter::MemberLimit),
        SLOW_MODE => Some(RoomLetter::SlowMode),
        FORWARD => Some(RoomLetter::Forward),
        RETENTION => Some(RoomLetter::Retention),
        'b' => Some(RoomLetter::List(ListKind::Ban)),
        'e' => Some(RoomLetter::List(ListKind::Exception)),
        'I' => Some(RoomLetter::List(ListKind::Invitation)),
        _ => {
            let flag = RoomFlag::ALL.into_iter().find(|&flag| flag_letter(flag) == letter).map(RoomLetter::Flag);
            flag.or_else(|| Role::ALL.into_iter().find(|&role| role_letter(role) == letter).map(RoomLetter::Role))
        }
    }
}

/// How a letter of a room's MODE takes its parameter, for [`wire::mode::parse`].
pub fn room_kind(letter: char) -> ModeKind {
    match room_letter(letter) {
        Some(RoomLetter::List(_)) => ModeKind::List,
        Some(RoomLetter::Role(_)) => ModeKind::Prefix,
        Some(RoomLetter::Key) => ModeKind::AlwaysParam,
        Some(RoomLetter::MemberLimit | RoomLetter::SlowMode | RoomLetter::Forward | RoomLetter::Retention) => {
            ModeKind::ParamWhenSet
        }
        Some(RoomLetter::Flag(_)) | None => ModeKind::Flag,
    }
}

/// A mask as a client writes it, in the domain's canonical form: extended bans have no prefix on the wire
/// (`EXTBAN=,amr`: `m:a:bob`), there each kind begins with `~` (`~m:~a:bob`). `None`: no mask.
pub fn mask_from_wire(text: &str) -> Option<CompactString> {
    if text.chars().any(char::is_whitespace) {
        return None;
    }
    canonical(&with_tildes(text))
}

/// A canonical mask as it is shown to clients.
pub fn mask_to_wire(mask: &str) -> Cow<'_, str> {
    match mask.strip_prefix('~') {
        Some(rest) => match rest.strip_prefix("m:") {
            Some(inner) => Cow::Owned(format!("m:{}", mask_to_wire(inner))),
            None => Cow::Borrowed(rest),
        },
        None => Cow::Borrowed(mask),
    }
}

fn with_tildes(text: &str) -> Cow<'_, str> {
    let bare = text.strip_prefix('~').unwrap_or(text);
    // No name has a colon, so what has one is meant to be extended. An IPv6 host stands behind an @.
    match bare.split_once(':') {
        Some((kind @ ("m" | "mute"), inner)) => Cow::Owned(format!("~{kind}:{}", with_tildes(inner))),
        Some((kind, inner)) if kind.chars().all(|c| c.is_ascii_alphabetic()) => Cow::Owned(format!("~{kind}:{inner}")),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strings_say_what_the_table_says() {
        let lists = [ListKind::Ban, ListKind::Exception, ListKind::Invitation];
        let mut flags: Vec<char> = RoomFlag::ALL.into_iter().map(flag_letter).collect();
        flags.sort_unstable();
        let mut list_letters: Vec<char> = lists.into_iter().map(list_letter).collect();
        list_letters.sort_unstable();
        let chanmodes = format!(
            "{},{KEY},{RETENTION}{SLOW_MODE}{FORWARD}{MEMBER_LIMIT},{}",
            String::from_iter(&list_letters),
            String::from_iter(&flags)
        );
        assert_eq!(chanmodes, CHANMODES);

        let roles: String = Role::ALL.into_iter().map(role_letter).collect();
        let prefixes: String = Role::ALL.into_iter().map(role_prefix).collect();
        assert_eq!(format!("({roles}){prefixes}"), PREFIX);
        assert_eq!(prefixes, STATUSMSG);

        let mut with_parameter: Vec<char> = list_letters
            .iter()
            .copied()
            .chain(roles.chars())
            .chain([KEY, MEMBER_LIMIT, SLOW_MODE, FORWARD, RETENTION])
            .collect();
        with_parameter.sort_unstable();
        assert_eq!(String::from_iter(&with_parameter), CHANNEL_MODES_WITH_PARAMETER);
        let mut all = [with_parameter, flags].concat();
        all.sort_unstable();
        assert_eq!(String::from_iter(&all), CHANNEL_MODES);
    }

    #[test]
    fn masks_cross_the_wire() {
        let check = |wire: &str, domain: Option<&str>, shown: &str| {
            let mask = mask_from_wire(wire);
            assert_eq!(mask.as_deref(), domain, "{wire}");
            if let Some(mask) = mask {
                assert_eq!(mask_to_wire(&mask), shown, "{wire}");
                assert_eq!(mask_from_wire(shown).as_ref(), Some(&mask), "{wire}");
            }
        };
        check("bar", Some("bar!*@*"), "bar!*@*");
        check("*!*@::1", Some("*!*@::1"), "*!*@::1");
        check("a:bob", Some("~a:bob"), "a:bob");
        check("~a:bob", Some("~a:bob"), "a:bob");
        check("account:bob", Some("~a:bob"), "a:bob");
        check("m:bar!*@*", Some("~m:bar!*@*"), "m:bar!*@*");
        check("m:bar", Some("~m:bar!*@*"), "m:bar!*@*");
        check("mute:account:bob", Some("~m:~a:bob"), "m:a:bob");
        check("r:*cheap?pills*", Some("~r:*cheap?pills*"), "r:*cheap?pills*");
        check("z:what", None, "");
        check("a:", None, "");
        check("", None, "");
        check("with space", None, "");
    }

    #[test]
    fn every_letter_leads_back_to_what_it_stands_for() {
        for flag in RoomFlag::ALL {
            assert_eq!(room_letter(flag_letter(flag)), Some(RoomLetter::Flag(flag)));
        }
        for role in Role::ALL {
            assert_eq!(room_letter(role_letter(role)), Some(RoomLetter::Role(role)));
            assert_eq!(role_of_prefix(role_prefix(role)), Some(role));
        }
        for list in [ListKind::Ban, ListKind::Exception, ListKind::Invitation] {
            assert_eq!(room_letter(list_letter(list)), Some(RoomLetter::List(list)));
        }
        for letter in USER_MODES.chars() {
            assert_eq!(personal_of(letter).map(personal_letter), Some(letter));
        }
        assert_eq!(room_letter('z'), None);
        assert_eq!(personal_of('x'), None);
    }
}
