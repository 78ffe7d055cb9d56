//! PRIVMSG, and what NOTICE and TAGMSG share with it (RFC 2812 section 3.3; message-tags "TAGMSG").

use super::{Awaiting, Phase, Verb, batch};
use crate::facts::ServerFacts;
use crate::mode_letters::role_of_prefix;
use crate::render;
use crate::targets;
use crate::turn::Turn;
use crate::work::Work;
use chat::command::{Announcement, Command, Post, Recipient};
use chat::event::Event;
use chat::history::Grant;
use chat::id::MessageId;
use chat::mask::glob;
use chat::membership::Role;
use chat::message::{Lasting, Message, MessageKind, MessageState};
use chat::name::{ChatroomName, Username};
use chat::once::OnceKey;
use compact_str::CompactString;
use std::sync::Arc;
use wire::{Capability, Ctcp, Line, Numeric, Tags};

pub(crate) const VERB: Verb = Verb {
    name: "PRIVMSG",
    // Missing ones have numerics of their own: 411, 412.
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "PRIVMSG <room or name>{,<room or name>} :<text>\n\
           Says something in a room, or to one person. A prefix before a room's name (@#room) reaches only its \
           members of that rank and above.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    post(turn, line, MessageKind::Text);
}

/// Sends a line's text, or only its tags, to all its targets, or refuses it whole when it could not reach all of them
/// uncut.
pub(crate) fn post(turn: &mut Turn<'_>, line: &Line<'_>, kind: MessageKind) {
    // RFC 2812 section 3.3.2: nothing is ever answered to a NOTICE, not even by a server. What would lose text is: 417.
    let quiet = kind == MessageKind::Notice;
    let verb = turn.verb();
    let Some(list) = line.param(0).filter(|list| targets::list(list).next().is_some()) else {
        if !quiet {
            turn.numeric(Numeric::ERR_NORECIPIENT).trailing_fmt(format_args!("No recipient given ({verb})"));
        }
        return;
    };
    let text = match kind {
        MessageKind::Signal => "",
        MessageKind::Text | MessageKind::Notice => line.param(1).unwrap_or_default(),
    };
    if text.is_empty() && kind != MessageKind::Signal {
        if !quiet {
            turn.numeric(Numeric::ERR_NOTEXTTOSEND).trailing("No text to send");
        }
        return;
    }
    if batch::is_stray(turn, line) {
        return batch::refuse_stray(turn);
    }
    let Ok(once) = once_key(turn, line) else {
        let text = "A key is of 1 to 64 letters, digits, - and _; nothing was sent";
        return turn.fail(verb, "INVALID_KEY", &["parlor/once"], text);
    };
    let tags = client_only_tags(turn, line);
    if kind == MessageKind::Signal && tags.is_none() {
        return;
    }
    let lasting = match kind {
        MessageKind::Signal => lasting(line.tags),
        MessageKind::Text | MessageKind::Notice => Ok(None),
    };
    let lasting = match lasting {
        Ok(lasting) => lasting.map(Box::new),
        Err(why) => return turn.fail(verb, "INVALID_REACTION", &[targets::shown(list)], why),
    };
    let excess = excess_bytes(turn, list, text);
    if excess > 0 {
        turn.numeric(Numeric::ERR_INPUTTOOLONG).trailing_fmt(format_args!(
            "Not sent: with your name before it the line is {excess} bytes too long; send it in parts"
        ));
        return;
    }
    turn.await_with(Awaiting::About(list.into()));
    let between_programs = is_between_programs(text);
    let mut seen: Vec<CompactString> = Vec::new();
    let most = targets::most(verb);
    let several = list.contains(',');
    for (place, target) in targets::list(list).enumerate() {
        if place >= most {
            if !quiet {
                targets::one_too_many(turn, target, format_args!("Not sent to this one: at most {most} at once"));
            }
            return;
        }
        if kind != MessageKind::Signal
            && let Some(mask) = target.strip_prefix('$')
        {
            announce(turn, mask, text);
            continue;
        }
        let Some(to) = recipient(turn, target, quiet) else {
            continue;
        };
        if several {
            let key = key_of(&to);
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
        }
        turn.ask(Command::Post(Box::new(Post {
            to,
            kind,
            text: text.into(),
            relayed_as: None,
            seams: None,
            tags: tags.clone(),
            between_programs,
            once: once.clone(),
            lasting: lasting.clone(),
        })));
    }
}

/// `$*`, `$$*`, `$server`: everyone on the servers that match (RFC 2812 section 3.3.1); the hub asks for the right.
fn announce(turn: &mut Turn<'_>, mask: &str, text: &str) {
    let mask = mask.strip_prefix('$').unwrap_or(mask);
    if glob(mask, &turn.facts.server_name) {
        turn.ask(Command::Announce { to: Announcement::Everyone, text: text.into() });
    } else {
        turn.numeric(Numeric::ERR_NOSUCHSERVER).param(targets::shown(mask)).trailing("There is no such server here");
    }
}

/// A question or answer of clients to each other (CTCP), but for the one that is talk: `/me`.
pub(super) fn is_between_programs(text: &str) -> bool {
    Ctcp::parse(text).is_some_and(|ctcp| !ctcp.is_action())
}

pub(super) fn recipient(turn: &mut Turn<'_>, target: &str, quiet: bool) -> Option<Recipient> {
    let (at_least, name) = split_status(target);
    if !targets::is_room(name) {
        return Some(Recipient::Person { name: targets::person(turn, target) });
    }
    match ChatroomName::parse(name, &turn.facts.name_rules) {
        Ok(name) => Some(Recipient::Room { name, at_least }),
        Err(_) => {
            if !quiet {
                targets::no_such_room(turn, target);
            }
            None
        }
    }
}

/// Whether `target`, written in another way, means the same recipient.
pub(super) fn reads_as(target: &str, to: &Recipient, facts: &ServerFacts) -> bool {
    let (at_least, name) = split_status(target);
    match to {
        Recipient::Room { name: room, at_least: role } => {
            targets::is_room(name)
                && at_least == *role
                && ChatroomName::parse(name, &facts.name_rules).is_ok_and(|name| name.key() == room.key())
        }
        Recipient::Person { name } => {
            !targets::is_room(target) && Username::lookup(target, &facts.name_rules).key() == name.key()
        }
    }
}

/// Parts STATUSMSG prefixes from a room's name. Of several the lowest counts: those above it are included.
pub(crate) fn split_status(target: &str) -> (Option<Role>, &str) {
    let name = target.trim_start_matches(|c| role_of_prefix(c).is_some());
    if !targets::is_room(name) {
        return (None, target);
    }
    let prefixes = &target[..target.len() - name.len()];
    (prefixes.chars().filter_map(role_of_prefix).min(), name)
}

fn key_of(to: &Recipient) -> CompactString {
    match to {
        Recipient::Room { name, at_least: None } => name.key().clone(),
        Recipient::Room { name, at_least: Some(role) } => {
            compact_str::format_compact!("{}{}", *role as u8, name.key())
        }
        Recipient::Person { name } => name.key().clone(),
    }
}

/// The tags to be relayed, as `+a=b;+c`: those for clients alone, if the sender knows tags at all.
pub(super) fn client_only_tags(turn: &Turn<'_>, line: &Line<'_>) -> Option<Box<str>> {
    if line.tags.is_empty() || !turn.has(Capability::MessageTags) {
        return None;
    }
    let mut tags = String::new();
    for (key, value) in line.tags.client_only() {
        if !tags.is_empty() {
            tags.push(';');
        }
        tags.push_str(key);
        if !value.is_empty() {
            tags.push('=');
            tags.push_str(value);
        }
    }
    (!tags.is_empty()).then(|| tags.into_boxed_str())
}

/// Bytes of a reaction: any emoji, and a word where there is none for it.
const REACTION_BYTES: usize = 64;

/// Why a signal is kept: a reaction to a message or its end (client-only tags react, reply), or because its sender asks
/// for it. What is no such thing passes and is gone, like typing.
fn lasting(tags: Tags<'_>) -> Result<Option<Lasting>, &'static str> {
    // The draft's name, and the one without for when it is ratified; reply is.
    let value = |draft: &str, ratified: &str| tags.get(draft).or_else(|| tags.get(ratified));
    let (on, value_of_it) = match (value("+draft/react", "+react"), value("+draft/unreact", "+unreact")) {
        (Some(_), Some(_)) => return Err("Not sent: a reaction cannot be made and taken back at once"),
        (Some(value), None) => (true, value),
        (None, Some(value)) => (false, value),
        (None, None) => {
            let asked = value("+draft/persist", "+persist").is_some();
            return Ok(asked.then_some(Lasting::Asked));
        }
    };
    if value_of_it.len() > REACTION_BYTES {
        return Err("Not sent: a reaction has at most 64 bytes; send longer texts as a message");
    }
    // Without a message that it is about it means nothing later.
    let to = value("+reply", "+draft/reply").and_then(|id| id.parse().ok()).map(MessageId);
    Ok(to.filter(|_| !value_of_it.is_empty()).map(|to| Lasting::Reaction { to, on, value: value_of_it.into() }))
}

/// The key against posting twice (`parlor/once`), for a client that knows of it.
pub(super) fn once_key(turn: &Turn<'_>, line: &Line<'_>) -> Result<Option<OnceKey>, ()> {
    if line.tags.is_empty() || !turn.has(Capability::ParlorOnce) {
        return Ok(None);
    }
    match line.tags.raw_value("parlor/once") {
        None => Ok(None),
        Some(key) => OnceKey::parse(key).map(Some).ok_or(()),
    }
}

/// That was said before: the message as it was said then is read, to be its echo.
pub(crate) fn answer_repeated(turn: &mut Turn<'_>, id: MessageId, grant: &Grant) {
    if turn.has(Capability::EchoMessage) {
        let grant = Box::new(grant.clone());
        turn.work(|ticket| Work::FindMessage { ticket, grant, id });
    }
}

/// The original's echo.
pub(crate) fn write_repeated(turn: &mut Turn<'_>, found: Option<(Arc<Message>, MessageState)>) {
    match found {
        Some((message, MessageState::AsSaid | MessageState::Edited)) => {
            let form = turn.session.form();
            let facts = turn.facts;
            render::render(&Event::Posted(message), form, facts, turn.ready_lines());
        }
        Some((_, MessageState::Redacted)) | None => {
            let verb = turn.verb();
            turn.fail(verb, "NOT_KEPT", &["parlor/once"], "This was posted before, and is not kept any more");
        }
    }
}

/// It was posted, but its echo can't be had now: a client that is not told would wait, or take an ACK for an answer.
pub(crate) fn write_unreadable(turn: &mut Turn<'_>) {
    let verb = turn.verb();
    turn.fail(verb, "TRY_AGAIN", &["parlor/once"], "This was posted before, but cannot be read now; repeat it later");
}

/// By how many bytes the line, as others are sent it, would be too long for the longest of its targets.
fn excess_bytes(turn: &Turn<'_>, list: &str, text: &str) -> usize {
    let shown = |target: &str| match target.strip_prefix('$') {
        // Announcements are shown with the server's whole name.
        Some(_) => "$$".len() + turn.facts.server_name.len(),
        None => target.len(),
    };
    let target = targets::list(list).map(shown).max().unwrap_or_default();
    targets::excess_when_relayed(turn, " ".len() + target, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_with};
    use wire::MAX_BODY;

    #[test]
    fn a_repeat_under_the_same_key_is_only_echoed() {
        check(
            "alice= batch labeled-response echo-message message-tags server-time parlor/once
             bob= message-tags
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> @label=1;parlor/once=k PRIVMSG #tea :hi
             alice< @label=1;time=2023-11-14T22:13:20.000Z;msgid=… :alice!… PRIVMSG #tea :hi
             bob< @msgid=… :alice!… PRIVMSG #tea :hi
             +5
             alice> @label=2;parlor/once=k PRIVMSG #tea :hi again
             alice< @label=2;time=2023-11-14T22:13:20.000Z;msgid=… :alice!… PRIVMSG #tea :hi
             alice> @parlor/once=k PRIVMSG #tea :hi
             alice< @time=2023-11-14T22:13:20.000Z;msgid=… :alice!… PRIVMSG #tea :hi
             alice> @label=3;parlor/once=k NOTICE #tea,bob :both
             alice< @label=3;time=… :irc.example BATCH +1 labeled-response
             alice< @batch=1;time=2023-11-14T22:13:20.000Z;msgid=… :alice!… PRIVMSG #tea :hi
             alice< @batch=1;time=…;msgid=… :alice!… NOTICE bob :both
             alice< @time=… :irc.example BATCH -1
             bob< @msgid=… :alice!… NOTICE bob :both
             alice> @label=4;parlor/once=bad.key PRIVMSG #tea :hi
             alice< @label=4;time=… :irc.example FAIL PRIVMSG INVALID_KEY parlor/once :…
             store unreadable
             alice> @label=6;parlor/once=k PRIVMSG #tea :hi
             alice< @label=6;time=… :irc.example FAIL PRIVMSG TRY_AGAIN parlor/once :…
             store works
             alice> CAP REQ -echo-message
             alice<<
             alice> @label=5;parlor/once=k PRIVMSG #tea :hi
             alice< @label=5;time=… :irc.example ACK
             bob> @parlor/once=k PRIVMSG #tea :I never agreed on keys
             bob> @parlor/once=k PRIVMSG #tea :I never agreed on keys
             alice< @…I never agreed on keys
             alice< @…I never agreed on keys",
        );
    }

    #[test]
    fn a_room_hears_what_is_said() {
        check(
            "alice=
             bob= message-tags account-tag
             carol= echo-message server-time
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             alice<<
             bob<<
             carol<<
             alice> PRIVMSG #TEA :hi all
             bob< @msgid=…-…-7…-…-… :alice!… PRIVMSG #tea :hi all
             carol< @time=2023-11-14T22:13:20.000Z :alice!… PRIVMSG #tea :hi all
             carol> @+x=y;label=7;plain PRIVMSG #tea hi
             alice< :carol!… PRIVMSG #tea :hi
             bob< @msgid=… :carol!… PRIVMSG #tea :hi
             carol< @time=… :carol!… PRIVMSG #tea :hi",
        );
    }

    #[test]
    fn tags_for_clients_are_passed_on() {
        check(
            "alice= message-tags
             bob= message-tags
             alice> @+x=y\\:;+a;label=7;plain=1;+x=z PRIVMSG bob :tagged
             bob< @msgid=…;+a;+x=z :alice!… PRIVMSG bob :tagged",
        );
    }

    #[test]
    fn labels_come_back_with_the_echo() {
        check(
            "alice= echo-message batch labeled-response
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> @label=a1 PRIVMSG #tea :hi
             alice< @label=a1 :alice!… PRIVMSG #tea :hi
             bob< :alice!… PRIVMSG #tea :hi
             alice> @label=a2 PRIVMSG #tea,bob :hi
             alice< @label=a2 :irc.example BATCH +1 labeled-response
             alice< @batch=1 :alice!… PRIVMSG #tea :hi
             alice< @batch=1 :alice!… PRIVMSG bob :hi
             alice< :irc.example BATCH -1
             bob< :alice!… PRIVMSG #tea :hi
             bob< :alice!… PRIVMSG bob :hi
             alice> @label=a3 PRIVMSG alice :me
             alice< :alice!… PRIVMSG alice :me
             alice< @label=a3 :alice!… PRIVMSG alice :me
             alice> @label=a4 PRIVMSG nobody :x
             alice< @label=a4 :irc.example 401 alice nobody :…",
        );
    }

    #[test]
    fn one_s_own_words_without_the_capability_for_echoes() {
        check(
            "alice= batch labeled-response
             bob=
             alice> @label=1 PRIVMSG bob :hi
             alice< @label=1 :irc.example ACK
             bob< :alice!… PRIVMSG bob :hi
             alice> PRIVMSG alice :me
             alice< :alice!… PRIVMSG alice :me",
        );
    }

    #[test]
    fn every_device_sees_what_another_says_to_someone() {
        check(
            "maker=
             maker> REGISTER maker * sesame
             maker<<
             phone+
             phone> PASS maker:sesame
             phone> NICK phone
             phone> USER phone 0 * :phone
             phone<<
             bob=
             maker> PRIVMSG bob :hi
             bob< :maker!… PRIVMSG bob :hi
             phone< :maker!… PRIVMSG bob :hi
             phone> PRIVMSG bob :again
             bob< :maker!… PRIVMSG bob :again
             maker< :maker!… PRIVMSG bob :again",
        );
    }

    #[test]
    fn several_targets_once_each() {
        check(
            "alice=
             bob=
             carol=
             alice> PRIVMSG bob,BOB,,carol,bob :hi
             bob< :alice!… PRIVMSG bob :hi
             carol< :alice!… PRIVMSG carol :hi
             alice> PRIVMSG bob,carol,n1,n2,n3,n4 :hi
             alice< :irc.example 407 alice n3 :…
             alice< :irc.example 401 alice n1 :…
             alice< :irc.example 401 alice n2 :…
             bob< :alice!… PRIVMSG bob :hi
             carol< :alice!… PRIVMSG carol :hi",
        );
    }

    #[test]
    fn ranks_can_be_spoken_to() {
        check(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             alice> MODE #tea +v bob
             alice<<
             bob<<
             carol<<
             carol> PRIVMSG @#tea :operators
             alice< :carol!… PRIVMSG @#tea :operators
             carol> PRIVMSG @+#tea :and voices
             alice< :carol!… PRIVMSG +#tea :and voices
             bob< :carol!… PRIVMSG +#tea :and voices",
        );
    }

    #[test]
    fn every_refusal() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice<<
             alice> PRIVMSG
             alice< :irc.example 411 alice :No recipient given (PRIVMSG)
             alice> PRIVMSG ,
             alice< :irc.example 411 alice :No recipient given (PRIVMSG)
             alice> PRIVMSG bob
             alice< :irc.example 412 alice :No text to send
             alice> PRIVMSG bob :
             alice< :irc.example 412 alice :No text to send
             alice> PRIVMSG #nowhere :hi
             alice< :irc.example 403 alice #nowhere :…
             alice> PRIVMSG #a* :hi
             alice< :irc.example 403 alice #a* :…
             alice> PRIVMSG no*body :hi
             alice< :irc.example 401 alice no*body :…
             bob> PRIVMSG #tea :hi
             bob< :irc.example 404 bob #tea :…
             alice> MODE #tea +m-n
             alice<<
             bob> JOIN #tea
             bob<<
             alice<<
             bob> PRIVMSG #tea :hi
             bob< :irc.example 404 bob #tea :…
             alice> MODE #tea -m+C
             alice<<
             bob<<
             bob> PRIVMSG #tea :\u{1}VERSION\u{1}
             bob< :irc.example 404 bob #tea :…
             bob> PRIVMSG #tea :\u{1}ACTION drinks\u{1}
             alice< :bob!… PRIVMSG #tea :\u{1}ACTION drinks\u{1}
             alice> MODE #tea -C+b m:bob
             alice<<
             bob<<
             bob> PRIVMSG #tea :hi
             bob< :irc.example 404 bob #tea :…
             alice> MODE #tea -b+M m:bob
             alice<<
             bob<<
             bob> PRIVMSG #tea :hi
             bob< :irc.example 404 bob #tea :…
             alice> MODE alice +R
             alice< :alice!… MODE alice +R
             bob> PRIVMSG alice :hi
             bob< :irc.example 477 bob alice :…
             alice> AWAY :gone
             alice<<
             alice> MODE alice -R
             alice<<
             bob> PRIVMSG alice :hi
             alice< :bob!… PRIVMSG alice :hi
             bob< :irc.example 301 bob alice :gone",
        );
    }

    #[test]
    fn the_store_s_failure_is_told_and_passes() {
        check(
            "alice= echo-message batch labeled-response
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             store fails
             alice> @label=1 PRIVMSG #tea :lost
             alice< @label=1 :irc.example FAIL PRIVMSG STORAGE_FULL #tea :…
             alice> PING x
             alice< :irc.example PONG irc.example :x
             store works
             alice> @label=2 PRIVMSG #tea :kept
             alice< @label=2 :alice!… PRIVMSG #tea :kept
             bob< :alice!… PRIVMSG #tea :kept",
        );
    }

    #[test]
    fn a_text_that_others_could_not_be_sent_whole_is_refused() {
        let most = MAX_BODY - ":alice!~alice@h.example PRIVMSG bob :\r\n".len();
        let (fits, over) = ("x".repeat(most), "x".repeat(most + 1));
        check_with(
            |configured, _| configured.show_hostnames = true,
            &format!(
                "bob=
                 alice+ host=h.example
                 alice> NICK alice
                 alice> USER alice 0 * :alice
                 alice<<
                 alice> PRIVMSG bob {fits}
                 bob< :alice!~alice@h.example PRIVMSG bob :{fits}
                 alice> PRIVMSG bob {over}
                 alice< :irc.example 417 alice :Not sent: with your name before it the line is 1 bytes too long; …"
            ),
        );
    }

    /// An account is reached by its name under whatever nick it has.
    #[test]
    fn what_fits_with_the_name_it_was_said_to_and_not_with_that_of_now_is_sent_in_two_lines() {
        let most = MAX_BODY - ":alice!~alice@h.example PRIVMSG bob :\r\n".len();
        let (fits, first) = ("x".repeat(most), "x".repeat(most - "by".len()));
        check_with(
            |configured, _| configured.show_hostnames = true,
            &format!(
                "bob=
                 bob> REGISTER * * sesame77
                 bob> NICK bobby
                 bob<<
                 alice+ host=h.example
                 alice> NICK alice
                 alice> USER alice 0 * :alice
                 alice<<
                 alice> PRIVMSG bob {fits}
                 bob< :alice!~alice@h.example PRIVMSG bobby :{first}
                 bob< :alice!~alice@h.example PRIVMSG bobby :xx"
            ),
        );
    }

    #[test]
    fn prefixes_of_ranks_are_parted() {
        let check = |target, expected| assert_eq!(split_status(target), expected, "{target}");
        check("#tea", (None, "#tea"));
        check("@#tea", (Some(Role::Operator), "#tea"));
        check("~@+#tea", (Some(Role::Voice), "#tea"));
        check("~&%#tea", (Some(Role::HalfOperator), "#tea"));
        check("@alice", (None, "@alice"));
        check("+", (None, "+"));
    }
}
