//! MODE, of rooms and of oneself (RFC 2812 sections 3.1.5 and 3.2.3; Modern IRC "MODE message").

use super::{Awaiting, Phase, Verb};
use crate::isupport::KEY_LENGTH;
use crate::mode_letters::{
    FORWARD, KEY, MEMBER_LIMIT, MODES_PER_LINE, RETENTION, RoomLetter, SLOW_MODE, flag_letter, mask_from_wire,
    mask_to_wire, personal_letter, personal_of, room_kind, room_letter,
};
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::{duration, invite_token, targets};
use chat::command::{Command, PersonalMode, RoomChange};
use chat::name::ChatroomName;
use chat::query::{PresentRow, Query, RoomSettingsView};
use chat::refusal::ListKind;
use chat::snapshot::ListEntry;
use wire::mode::parse;
use wire::{Capability, Line, ModeChange, ModeKind, Numeric, Sign};

pub(crate) const VERB: Verb = Verb {
    name: "MODE",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "MODE <room> [<letters> {<parameter>}]\n\
           Shows or changes a room's modes: m moderated, A announcements (operators speak, all others read), n members \
           speak, s secret, p unlisted (not in LIST and WHOIS, but found by its name), t topic for operators, i by \
           invitation, C no CTCP, R accounts only, M accounts speak, P kept, J history since joining only, U what those without \
           a rank say reaches operators only, u they see only those who have one (an auditorium); k key, l limit, W slow mode (seconds \
           between two messages of one member), f the room for those who are kept out, H how long messages are kept (30d); b bans, e exceptions, I \
           invitations; q a o h v ranks.\n\
           MODE <your name> [<letters>]\n\
           Shows or changes yours: i invisible, w hear WALLOPS, B bot, R messages from accounts only (and from those \
           whom you ACCEPT), Z over TLS only, T no CTCP.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let Some((&target, letters_and_params)) = line.params().split_first() else {
        return;
    };
    if targets::is_room(target) {
        let Some(room) = targets::room(turn, target) else {
            return;
        };
        turn.await_with(Awaiting::About(target.into()));
        match letters_and_params {
            [] => turn.ask(Command::Ask(Query::RoomSettings { room })),
            _ => change_room(turn, room, letters_and_params),
        }
    } else if targets::is_own_name(turn, target) {
        match letters_and_params {
            [] => turn.ask(Command::Ask(Query::OwnModes)),
            _ => change_own(turn, letters_and_params),
        }
    } else {
        // 502 or 401: whether there is such a person, the hub knows.
        turn.await_with(Awaiting::About(target.into()));
        let names = vec![targets::person(turn, target)];
        turn.ask(Command::Ask(Query::Present { names }));
    }
}

/// Someone else's modes were asked for.
pub(crate) fn write_not_yours(turn: &mut Turn<'_>, target: &str, rows: &[PresentRow]) {
    if rows.is_empty() {
        targets::no_such_person(turn, target);
    } else {
        turn.numeric(Numeric::ERR_USERSDONTMATCH).trailing("You can change and see your own modes only");
    }
}

/// Six hours. Whoever wants more wants another mode.
const MOST_SLOW_SECONDS: u32 = 21_600;

// ---- Rooms

fn change_room(turn: &mut Turn<'_>, room: ChatroomName, letters_and_params: &[&str]) {
    let mut changes = Vec::new();
    let mut with_parameter = 0;
    let mut asked_lists: Vec<ListKind> = Vec::new();
    for change in parse(letters_and_params, room_kind) {
        let Some(letter) = room_letter(change.letter) else {
            turn.numeric(Numeric::ERR_UNKNOWNMODE)
                .param_fmt(format_args!("{}", change.letter))
                .trailing("is unknown mode char to me");
            continue;
        };
        // Without a mask a list is asked for.
        if let (RoomLetter::List(list), None) = (letter, change.param) {
            if !asked_lists.contains(&list) {
                asked_lists.push(list);
            }
            continue;
        }
        with_parameter += usize::from(change.param.is_some());
        // MODES: what is beyond it is passed over, as everywhere.
        if with_parameter > MODES_PER_LINE {
            break;
        }
        changes.extend(room_change(turn, room.text(), letter, &change));
    }
    if !changes.is_empty() {
        turn.ask(Command::ChangeRoom { room: room.clone(), changes });
    }
    for list in asked_lists {
        turn.ask(Command::Ask(Query::RoomList { room: room.clone(), list }));
    }
}

/// One change; `None` when its parameter is no good, which has been answered with 696.
fn room_change(turn: &mut Turn<'_>, room: &str, letter: RoomLetter, change: &ModeChange<'_>) -> Option<RoomChange> {
    let on = change.sign == Sign::Plus;
    let invalid = |turn: &mut Turn<'_>, shown: &str, text: &str| {
        turn.numeric(Numeric::ERR_INVALIDMODEPARAM)
            .param(room)
            .param_fmt(format_args!("{}", change.letter))
            .param(targets::shown(shown))
            .trailing(text);
    };
    match letter {
        RoomLetter::Flag(flag) => Some(RoomChange::Flag { on, flag }),
        RoomLetter::Key if !on => Some(RoomChange::Key { key: None }),
        RoomLetter::Key => match change.param.filter(|key| is_key(key)) {
            Some(key) => Some(RoomChange::Key { key: Some(key.into()) }),
            None => {
                // The key itself is not shown: it may be a password that was meant for somewhere else.
                let text =
                    format!("A key has 1 to {KEY_LENGTH} bytes, no spaces, no commas, and no colon at its start");
                invalid(turn, "*", &text);
                None
            }
        },
        RoomLetter::MemberLimit if !on => Some(RoomChange::MemberLimit { limit: None }),
        RoomLetter::MemberLimit => {
            let limit = change.param.and_then(|number| number.parse::<u32>().ok()).filter(|limit| *limit > 0);
            if limit.is_none() {
                invalid(turn, change.param.unwrap_or("*"), "A limit is a number of people, 1 or more");
                return None;
            }
            Some(RoomChange::MemberLimit { limit })
        }
        RoomLetter::SlowMode if !on => Some(RoomChange::SlowMode { seconds: None }),
        RoomLetter::SlowMode => {
            let seconds = change.param.and_then(|number| number.parse::<u32>().ok());
            let seconds = seconds.filter(|seconds| (1..=MOST_SLOW_SECONDS).contains(seconds));
            if seconds.is_none() {
                let text = format!("Slow mode is a number of seconds, 1 to {MOST_SLOW_SECONDS}");
                invalid(turn, change.param.unwrap_or("*"), &text);
                return None;
            }
            Some(RoomChange::SlowMode { seconds })
        }
        RoomLetter::Forward if !on => Some(RoomChange::Forward { to: None }),
        RoomLetter::Forward => {
            let to = change.param.and_then(|name| ChatroomName::parse(name, &turn.facts.name_rules).ok());
            if to.is_none() {
                invalid(turn, change.param.unwrap_or("*"), "Name the room for those who are kept out of this one");
                return None;
            }
            Some(RoomChange::Forward { to })
        }
        RoomLetter::Retention if !on => Some(RoomChange::Retention { seconds: None }),
        RoomLetter::Retention => {
            let ms = change.param.and_then(duration::parse_with_unit);
            let seconds = ms.and_then(|ms| u32::try_from(ms / 1000).ok());
            let seconds = seconds.filter(|seconds| *seconds >= SHORTEST_RETENTION);
            if seconds.is_none() {
                let text = "Write how long messages are kept: 1m or more, such as 12h, 30d or 1y";
                invalid(turn, change.param.unwrap_or("*"), text);
                return None;
            }
            Some(RoomChange::Retention { seconds })
        }
        RoomLetter::Role(role) => match change.param.filter(|name| !name.is_empty()) {
            Some(name) => Some(RoomChange::Role { on, role, who: targets::person(turn, name) }),
            None => {
                invalid(turn, "*", "Name the person whose rank is to change");
                None
            }
        },
        RoomLetter::List(list) => {
            let mask = change.param.and_then(mask_from_wire);
            if mask.is_none() {
                let shown = change.param.unwrap_or("*");
                invalid(turn, shown, "This is no mask: write name!ident@host with * and ?, or a:account");
            }
            Some(RoomChange::List { on, list, mask: mask?, lasts_ms: None })
        }
    }
}

/// Seconds. What is over sooner could be gone before it was read.
const SHORTEST_RETENTION: u32 = 60;

/// Whether JOIN could name this key: it stands there as one of a list of middle parameters, where the token of an invite
/// link can stand as well.
fn is_key(key: &str) -> bool {
    (1..=KEY_LENGTH).contains(&key.len())
        && !key.starts_with(':')
        && invite_token::hash(key).is_none()
        && !key.chars().any(|c| c == ',' || c.is_whitespace() || c.is_control())
}

/// 324 and 329.
pub(crate) fn write_settings(turn: &mut Turn<'_>, view: &RoomSettingsView) {
    let mut letters: String = view.flags.iter().map(|flag| flag_letter(*flag)).collect();
    let mut params: Vec<String> = Vec::new();
    if view.key_set || view.key.is_some() {
        letters.push(KEY);
        // The place of the key is kept for those who may not see it, so that what follows is not taken for it.
        params.push(view.key.as_ref().map_or("*".to_owned(), ToString::to_string));
    }
    if let Some(limit) = view.member_limit {
        letters.push(MEMBER_LIMIT);
        params.push(limit.to_string());
    }
    if let Some(seconds) = view.slow_seconds {
        letters.push(SLOW_MODE);
        params.push(seconds.to_string());
    }
    if let Some(to) = &view.forward {
        letters.push(FORWARD);
        params.push(to.to_string());
    }
    if let Some(seconds) = view.retention {
        letters.push(RETENTION);
        params.push(duration::text(u64::from(seconds) * 1000));
    }
    turn.numeric(Numeric::RPL_CHANNELMODEIS)
        .param(&view.room)
        .param_fmt(format_args!("+{letters}"))
        .params(params)
        .end();
    turn.numeric(Numeric::RPL_CREATIONTIME)
        .param(&view.room)
        .param_fmt(format_args!("{}", view.created.0 / 1000))
        .end();
}

/// 367 and 368, 348 and 349, 346 and 347.
pub(crate) fn write_list(turn: &mut Turn<'_>, room: &str, list: ListKind, entries: &[ListEntry]) {
    use Numeric as N;
    let (entry_numeric, end_numeric, end_text) = match list {
        ListKind::Ban => (N::RPL_BANLIST, N::RPL_ENDOFBANLIST, "End of channel ban list"),
        ListKind::Exception => (N::RPL_EXCEPTLIST, N::RPL_ENDOFEXCEPTLIST, "End of channel exception list"),
        ListKind::Invitation => (N::RPL_INVEXLIST, N::RPL_ENDOFINVEXLIST, "End of channel invite exception list"),
    };
    for entry in entries {
        let line = match entry.until.filter(|_| turn.has(Capability::MessageTags)) {
            Some(until) => {
                let until = time_text(until);
                turn.tagged_numeric(entry_numeric, "parlor/until", str::from_utf8(&until).unwrap_or_default())
            }
            None => turn.numeric(entry_numeric),
        };
        line.param(room)
            .param(&mask_to_wire(&entry.mask))
            .param(&entry.by)
            .param_fmt(format_args!("{}", entry.at.0 / 1000))
            .end();
    }
    turn.numeric(end_numeric).param(room).trailing(end_text);
}

// ---- Oneself

fn change_own(turn: &mut Turn<'_>, letters_and_params: &[&str]) {
    let mut changes = Vec::new();
    let mut unknown = false;
    for change in parse(letters_and_params, |_| ModeKind::Flag) {
        let on = change.sign == Sign::Plus;
        match personal_of(change.letter) {
            // RFC 2812 section 3.1.5: who tries to make himself an operator is ignored; by the hub, which knows whose
            // account has the rank.
            Some(mode) => changes.push((on, mode)),
            None => unknown = true,
        }
    }
    if unknown {
        turn.numeric(Numeric::ERR_UMODEUNKNOWNFLAG).trailing("Unknown MODE flag");
    }
    if !changes.is_empty() {
        turn.ask(Command::ChangeOwnModes { changes });
    }
}

/// 221.
pub(crate) fn write_own(turn: &mut Turn<'_>, modes: &[PersonalMode]) {
    let letters: String = modes.iter().map(|mode| personal_letter(*mode)).collect();
    turn.numeric(Numeric::RPL_UMODEIS).param_fmt(format_args!("+{letters}")).end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode_letters::list_letter;
    use crate::testing::check;

    #[test]
    fn keys() {
        let check = |key: &str, expected: bool| assert_eq!(is_key(key), expected, "{key:?}");
        check("beer", true);
        check("a:b", true);
        check(&"x".repeat(KEY_LENGTH), true);
        check(&"x".repeat(KEY_LENGTH + 1), false);
        check("", false);
        check(" ", false);
        check("with space", false);
        check("a,b", false);
        check(":a", false);
        check("a\u{7}", false);
        check(&invite_token::of(&[7; 16]), false);
    }

    #[test]
    fn all_letters_of_lists_ask_for_their_list() {
        for list in [ListKind::Ban, ListKind::Exception, ListKind::Invitation] {
            assert_eq!(room_kind(list_letter(list)), ModeKind::List);
        }
    }

    #[test]
    fn slow_mode_announcements_and_unlisted_rooms() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> MODE #tea +Wp 5
             alice< :alice!… MODE #tea +Wp 5
             bob< :alice!… MODE #tea +Wp 5
             bob> PRIVMSG #tea :one
             alice< :bob!… PRIVMSG #tea :one
             bob> PRIVMSG #tea :two
             bob< :irc.example 404 bob #tea :Not sent: this room is in slow mode (+W): wait 5 seconds before your next message
             bob> NAMES #tea
             bob< :irc.example 353 bob * #tea :@alice bob
             bob< :irc.example 366 bob #tea :…
             alice> MODE #tea -W+A
             alice< :alice!… MODE #tea -W+A
             bob< :alice!… MODE #tea -W+A
             bob> PRIVMSG #tea :two
             bob< :irc.example 404 bob #tea :Not sent: only operators speak in this room, it is for announcements (+A)
             alice> MODE #tea
             alice< :irc.example 324 alice #tea +ntAp
             alice< :irc.example 329 alice #tea 1700000000
             alice> MODE #tea +W 0
             alice< :irc.example 696 alice #tea W 0 :…
             alice> MODE #tea +W
             alice< :irc.example 696 alice #tea W * :…
             carol=
             carol> LIST
             carol< :irc.example 321 carol Channel :Users  Name
             carol< :irc.example 322 carol #lobby 0 :
             carol< :irc.example 323 carol :End of LIST
             carol> LIST #tea
             carol< :irc.example 321 carol Channel :Users  Name
             carol< :irc.example 322 carol #tea 2 :
             carol< :irc.example 323 carol :End of LIST
             bob> LIST #t*
             bob< :irc.example 321 bob Channel :Users  Name
             bob< :irc.example 322 bob #tea 2 :
             bob< :irc.example 323 bob :End of LIST
             carol> WHOIS bob
             carol< :irc.example 311 carol bob …
             carol< :irc.example 312 carol bob …
             carol< :irc.example 671 carol bob :…
             carol< :irc.example 317 carol bob …
             carol< :irc.example 318 carol bob :…",
        );
    }

    #[test]
    fn rooms_that_are_screened_and_auditoriums() {
        check(
            "alice=
             bob= echo-message
             carol=
             alice> JOIN #tea
             alice<<
             alice> MODE #tea +uU
             alice< :alice!… MODE #tea +uU
             bob> JOIN #tea
             bob< :bob!… JOIN #tea
             bob< :irc.example 353 bob = #tea :@alice
             bob< :irc.example 366 bob #tea :…
             alice< :bob!… JOIN #tea
             carol> JOIN #tea
             carol<<
             alice< :carol!… JOIN #tea
             bob> PRIVMSG #tea :may I ask?
             bob< :bob!… PRIVMSG #tea :may I ask?
             alice< :bob!… PRIVMSG #tea :may I ask?
             bob> PRIVMSG +#tea :may I ask?
             bob< :bob!… PRIVMSG %#tea :may I ask?
             alice< :bob!… PRIVMSG %#tea :may I ask?
             alice> PRIVMSG #tea :you may
             bob< :alice!… PRIVMSG #tea :you may
             carol< :alice!… PRIVMSG #tea :you may
             carol> NAMES #tea
             carol< :irc.example 353 carol = #tea :@alice
             carol< :irc.example 366 carol #tea :…
             carol> WHO #tea
             carol< :irc.example 352 carol #tea … alice H@ :0 alice
             carol< :irc.example 315 carol #tea :…
             alice> NAMES #tea
             alice< :irc.example 353 alice = #tea :@alice bob carol
             alice< :irc.example 366 alice #tea :…
             bob> MODE #tea -u
             bob< :irc.example 482 bob #tea :…
             alice> MODE #tea
             alice< :irc.example 324 alice #tea +ntUu
             alice< :irc.example 329 alice #tea 1700000000
             bob> QUIT
             bob<<
             alice< :bob!… QUIT…
             bob!",
        );
    }

    #[test]
    fn a_room_for_those_who_are_kept_out() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice> JOIN #hall
             alice<<
             alice> MODE #tea +if #hall
             alice< :alice!… MODE #tea +if #hall
             alice> MODE #tea
             alice< :irc.example 324 alice #tea +ntif #hall
             alice< :irc.example 329 alice #tea 1700000000
             bob> JOIN #tea
             bob< :irc.example 470 bob #tea #hall :…
             bob< :bob!… JOIN #hall
             bob< :irc.example 353 bob = #hall :@alice bob
             bob< :irc.example 366 bob #hall :…
             alice<<
             alice> MODE #tea +f #tea
             alice< :irc.example 696 alice #tea f #tea :…
             alice> MODE #tea +f #none
             alice< :irc.example 696 alice #tea f #none :…
             alice> MODE #tea +f none
             alice< :irc.example 696 alice #tea f none :…
             alice> MODE #tea -f
             alice< :alice!… MODE #tea -f
             bob> JOIN #tea
             bob< :irc.example 473 bob #tea :…
             bob> JOIN #cup
             bob<<
             alice> MODE #tea +f #cup
             alice< :irc.example 482 alice #cup :…",
        );
    }

    #[test]
    fn a_room_s_modes() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> MODE #tea +imkl-n green 7
             alice< :alice!… MODE #tea +imkl… green 7
             bob< :alice!… MODE #tea +imkl… green 7
             alice> MODE #TEA
             alice< :irc.example 324 alice #tea +… green 7
             alice< :irc.example 329 alice #tea 1700000000
             carol=
             carol> MODE #tea
             carol< :irc.example 324 carol #tea +… * 7
             carol< :irc.example 329 carol #tea 1700000000
             alice> MODE #tea -k-l whatever
             alice< :alice!… MODE #tea -kl green
             bob< :alice!… MODE #tea -kl green
             alice> MODE #tea +ov bob bob
             alice< :alice!… MODE #tea +ov bob bob
             bob< :alice!… MODE #tea +ov bob bob",
        );
    }

    #[test]
    fn a_room_s_lists() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice<<
             alice> MODE #tea +beI bob m:a:eve r:*pills*
             alice< :alice!… MODE #tea +beI bob!*@* m:a:eve r:*pills*
             alice> MODE #tea b
             alice< :irc.example 367 alice #tea bob!*@* alice!… 1700000000
             alice< :irc.example 368 alice #tea :End of channel ban list
             alice> MODE #tea +e-I
             alice< :irc.example 348 alice #tea m:a:eve alice!… 1700000000
             alice< :irc.example 349 alice #tea :End of channel exception list
             alice< :irc.example 346 alice #tea r:*pills* alice!… 1700000000
             alice< :irc.example 347 alice #tea :End of channel invite exception list
             alice> MODE #tea -b bob!*@*
             alice< :alice!… MODE #tea -b bob!*@*
             alice> MODE #tea +bb
             alice< :irc.example 368 alice #tea :End of channel ban list",
        );
    }

    #[test]
    fn every_refusal_of_a_room() {
        check(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             bob> MODE #tea +i
             bob< :irc.example 482 bob #tea :…
             carol> MODE #tea +i
             carol< :irc.example 442 carol #tea :…
             alice> MODE #tea +xX
             alice< :irc.example 472 alice x :is unknown mode char to me
             alice< :irc.example 472 alice X :is unknown mode char to me
             alice> MODE #tea +k :with space
             alice< :irc.example 696 alice #tea k * :…
             alice> MODE #tea +k
             alice< :irc.example 696 alice #tea k * :…
             alice> MODE #tea +l many
             alice< :irc.example 696 alice #tea l many :…
             alice> MODE #tea +l 0
             alice< :irc.example 696 alice #tea l 0 :…
             alice> MODE #tea +l
             alice< :irc.example 696 alice #tea l * :…
             alice> MODE #tea +b z:what
             alice< :irc.example 696 alice #tea b z:what :…
             alice> MODE #tea +o
             alice< :irc.example 696 alice #tea o * :…
             alice> MODE #tea +o nobody
             alice< :irc.example 401 alice nobody :…
             alice> MODE #tea +o carol
             alice< :irc.example 441 alice carol #tea :…
             alice> MODE #nowhere
             alice< :irc.example 403 alice #nowhere :…
             alice> MODE #nowhere +o alice
             alice< :irc.example 403 alice #nowhere :…
             alice> MODE #a*
             alice< :irc.example 403 alice #a* :…
             alice> MODE
             alice< :irc.example 461 alice MODE :Not enough parameters",
        );
    }

    #[test]
    fn one_s_own_modes() {
        check(
            "alice=
             alice> MODE ALICE
             alice< :irc.example 221 alice +
             alice> MODE alice +iB-w+o
             alice< :alice!… MODE alice +iB
             alice> MODE alice
             alice< :irc.example 221 alice +iB
             alice> MODE alice +y-i
             alice< :irc.example 501 alice :Unknown MODE flag
             alice< :alice!… MODE alice -i
             bob=
             alice> MODE bob
             alice< :irc.example 502 alice :…
             alice> MODE bob +i
             alice< :irc.example 502 alice :…
             alice> MODE nobody +i
             alice< :irc.example 401 alice nobody :…",
        );
    }

    #[test]
    fn how_long_messages_are_kept() {
        crate::testing::check_with(
            |_, settings| settings.retention_ms = Some(90 * 86_400_000),
            "alice=
             alice> JOIN #tea
             alice<<
             alice> MODE #tea +H 2w
             alice< :alice!… MODE #tea +H 14d
             alice> MODE #tea
             alice< :irc.example 324 alice #tea +ntH 14d
             alice< :irc.example 329 …
             alice> MODE #tea +H
             alice< :irc.example 696 alice #tea H * :Write how long messages are kept: 1m or more, such as 12h, 30d or 1y
             alice> MODE #tea +H soon
             alice< :irc.example 696 alice #tea H soon :…
             alice> MODE #tea +H 59s
             alice< :irc.example 696 alice #tea H 59s :…
             alice> MODE #tea +H 91d
             alice< :irc.example 696 alice #tea H 91d :This server keeps messages for 90d: a room may keep its own shorter
             alice> MODE #tea +lH-H 5 90s
             alice< :alice!… MODE #tea +lH-H 5 1m30s
             alice> MODE #tea
             alice< :irc.example 324 alice #tea +ntl 5
             alice< :irc.example 329 …",
        );
    }
}
