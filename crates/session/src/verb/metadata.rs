//! METADATA: what people and rooms say of themselves (IRCv3 draft metadata-2, and its successor metadata-3, which tells
//! changes as numerics and has other codes; both work side by side).

use super::{Awaiting, Phase, Verb};
use crate::facts::Configured;
use crate::refusal_numeric;
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::metadata::{DISPLAY_NAME, METADATA_KEY_BYTES, MetadataKey, SUBSCRIPTIONS, display_name};
use chat::name::ChatroomName;
use chat::query::{MetadataRow, MetadataTarget, Query};
use chat::refusal::Refusal;
use compact_str::CompactString;
use std::sync::Arc;
use wire::{Capability, Line, MAX_BODY, Numeric, ParamWriter};

pub(crate) const VERB: Verb = Verb {
    name: "METADATA",
    parameters: 2,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "METADATA <*, nick or room> GET <key>{ <key>}, LIST, SET <key> [:<value>], CLEAR or SYNC\n\
           METADATA * SUB <key>{ <key>}, UNSUB <key>{ <key>} or SUBS\n\
           What you, other people and rooms say of themselves, such as avatar, display-name, status, pronouns; SUB: to be\n\
           told of changes. Under soju.im/muted, soju.im/pinned and soju.im/blocked you mark a room or a person with 1 or 0,\n\
           for your own devices alone; what someone whom you have blocked says to you directly does not reach you.",
};

/// Bytes of a value, whatever the names of server, room and client: a line has 512.
const VALUE_BYTES: usize = 300;

/// How long a value may be so that every line that shows it is whole.
pub(crate) fn most_value_bytes(facts: &Configured) -> usize {
    let names = facts.name_rules.max_name + facts.name_rules.max_name.max(facts.name_rules.max_room_name);
    let fixed = facts.server_name.len() + names + METADATA_KEY_BYTES + ":  761    private :".len();
    VALUE_BYTES.min(MAX_BODY.saturating_sub(fixed))
}

/// What was asked, for when the hub has answered.
#[derive(Debug)]
pub(crate) struct Asked {
    /// As they were written, those that are none included.
    keys: Vec<CompactString>,
    /// The one key that a change is about.
    about: CompactString,
}

impl Asked {
    pub(crate) fn about(&self) -> &str {
        &self.about
    }
}

fn is_newer(turn: &Turn<'_>) -> bool {
    turn.has(Capability::Metadata3)
}

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let is_registered = turn.session.is_registered();
    if !is_registered && !is_newer(turn) && !turn.has(Capability::Metadata2) {
        turn.numeric(Numeric::ERR_NOTREGISTERED).trailing("You have not registered");
        return;
    }
    let (target, word) = (line.param(0).unwrap_or_default(), line.param(1).unwrap_or_default());
    let rest = line.params().get(2..).unwrap_or_default();
    let subcommand = word.to_ascii_uppercase();
    let needs = match subcommand.as_str() {
        "GET" | "SET" | "SUB" | "UNSUB" => 1,
        "LIST" | "CLEAR" | "SYNC" | "SUBS" => 0,
        _ => {
            let code = if is_newer(turn) { "INVALID_PARAMS" } else { "SUBCOMMAND_INVALID" };
            let word = if word.is_empty() { "*" } else { targets::shown(word) };
            turn.fail("METADATA", code, &[word], "METADATA has GET, LIST, SET, CLEAR, SYNC, SUB, UNSUB and SUBS");
            return;
        }
    };
    if rest.len() < needs {
        turn.need_more_params();
        return;
    }
    if matches!(subcommand.as_str(), "SUB" | "UNSUB" | "SUBS") {
        if target != "*" && !targets::is_own_name(turn, target) {
            return invalid_target(turn, target);
        }
        return subscriptions(turn, &subcommand, rest);
    }
    let Some(of) = target_of(turn, target, is_registered) else {
        return invalid_target(turn, target);
    };
    match subcommand.as_str() {
        "SET" => set(turn, of, rest),
        _ if !is_registered => before_connect(turn, &subcommand, rest),
        "GET" => {
            let keys = rest.iter().filter_map(|key| MetadataKey::parse(key)).collect();
            let asked = Asked { keys: rest.iter().map(|key| CompactString::from(*key)).collect(), about: first(rest) };
            turn.await_with(Awaiting::Metadata(Box::new(asked)));
            turn.ask(Command::Ask(Query::Metadata { of, keys: Some(keys) }));
        }
        other => {
            turn.await_with(Awaiting::Metadata(Box::new(Asked { keys: Vec::new(), about: "*".into() })));
            turn.ask(match other {
                "LIST" => Command::Ask(Query::Metadata { of, keys: None }),
                "CLEAR" => Command::ClearMetadata { of },
                _ => Command::Ask(Query::MetadataSync { of }),
            });
        }
    }
}

fn first(keys: &[&str]) -> CompactString {
    targets::shown(keys.first().copied().unwrap_or("*")).into()
}

fn target_of(turn: &Turn<'_>, target: &str, is_registered: bool) -> Option<MetadataTarget> {
    if target == "*" {
        return Some(MetadataTarget::Oneself);
    }
    if !is_registered || target.is_empty() {
        return None;
    }
    if targets::is_room(target) {
        return ChatroomName::parse(target, &turn.facts.name_rules).ok().map(MetadataTarget::Room);
    }
    Some(MetadataTarget::Person(targets::person(turn, target)))
}

fn invalid_target(turn: &mut Turn<'_>, target: &str) {
    let target = if target.is_empty() { "*" } else { targets::shown(target) };
    turn.fail("METADATA", "INVALID_TARGET", &[target], "There is nobody and no room of this name");
}

fn invalid_key(turn: &mut Turn<'_>, key: &str) {
    let code = if is_newer(turn) { "INVALID_KEY" } else { "KEY_INVALID" };
    let key = if key.is_empty() { "*" } else { targets::shown(key) };
    turn.fail("METADATA", code, &[key], "A key has a to z, 0 to 9 and _ . / - and at most 64 of them");
}

fn set(turn: &mut Turn<'_>, of: MetadataTarget, rest: &[&str]) {
    let Some(key) = MetadataKey::parse(rest[0]) else { return invalid_key(turn, rest[0]) };
    let value = rest.get(1).copied();
    let most = most_value_bytes(turn.facts);
    if value.is_some_and(|value| value.len() > most) {
        let text = format!("A value has at most {most} bytes: make it shorter");
        return match is_newer(turn) {
            true => turn.fail("METADATA", "INVALID_VALUE", &[key.as_str()], &text),
            false => turn.fail("METADATA", "VALUE_INVALID", &[], &text),
        };
    }
    if !turn.session.is_registered() {
        return set_before_connect(turn, key, value);
    }
    let exempt = turn.session.link.exempt;
    turn.await_with(Awaiting::Metadata(Box::new(Asked { keys: Vec::new(), about: key.as_str().into() })));
    turn.ask(Command::SetMetadata { of, key, value: value.map(Into::into), exempt });
}

// Before registration is complete

fn set_before_connect(turn: &mut Turn<'_>, key: MetadataKey, value: Option<&str>) {
    let most = turn.facts.limits.metadata_keys;
    if key.mark().is_some() {
        return turn.fail(
            "METADATA",
            "KEY_NO_PERMISSION",
            &["*", key.as_str()],
            "This key marks rooms and other people",
        );
    }
    // Whose name it may be is known when the hub knows who comes.
    let value = match value.filter(|_| key.as_str() == DISPLAY_NAME).map(display_name).transpose() {
        Ok(shown) => shown.or(value.map(Into::into)),
        Err(error) => {
            return refusal_numeric::write(turn, "METADATA", key.as_str(), &Refusal::DisplayNameInvalid { error });
        }
    };
    let Some(registration) = turn.session.registration.as_deref_mut() else { return };
    registration.metadata.retain(|(set, _)| *set != key);
    if registration.metadata.len() >= most {
        return turn.fail(
            "METADATA",
            "LIMIT_REACHED",
            &["*"],
            "There are as many keys as there may be: remove one first",
        );
    }
    let row =
        MetadataRow { of: "*".into(), key: key.clone(), value: value.as_deref().map(Arc::from), is_private: false };
    registration.metadata.push((key, value));
    write_set(turn, &row, true);
}

fn before_connect(turn: &mut Turn<'_>, subcommand: &str, rest: &[&str]) {
    let Some(registration) = turn.session.registration.as_deref_mut() else { return };
    let row = |key: &MetadataKey, value: Option<&str>| MetadataRow {
        of: "*".into(),
        key: key.clone(),
        value: value.map(Arc::from),
        is_private: false,
    };
    let set =
        if subcommand == "CLEAR" { std::mem::take(&mut registration.metadata) } else { registration.metadata.clone() };
    let rows: Vec<MetadataRow> = match subcommand {
        "GET" => rest
            .iter()
            .filter_map(|key| MetadataKey::parse(key))
            .map(|key| row(&key, set.iter().find(|(of, _)| *of == key).and_then(|(_, value)| value.as_deref())))
            .collect(),
        "CLEAR" => set.iter().map(|(key, _)| row(key, None)).collect(),
        "LIST" => set.iter().filter_map(|(key, value)| Some(row(key, Some(value.as_deref()?)))).collect(),
        // There is nothing that it could have missed.
        _ => Vec::new(),
    };
    let keys: Vec<CompactString> =
        if subcommand == "GET" { rest.iter().map(|key| (*key).into()).collect() } else { Vec::new() };
    write_batch(turn, "*", &keys, &rows);
}

fn subscriptions(turn: &mut Turn<'_>, subcommand: &str, rest: &[&str]) {
    let mut keys = Vec::new();
    for word in rest {
        match MetadataKey::parse(word) {
            Some(key) => keys.push(key),
            None => invalid_key(turn, word),
        }
    }
    if turn.session.is_registered() {
        return match subcommand {
            "SUBS" => turn.ask(Command::Ask(Query::Subscriptions)),
            _ if keys.is_empty() => {}
            "SUB" => turn.ask(Command::Subscribe { keys }),
            _ => turn.ask(Command::Unsubscribe { keys }),
        };
    }
    let Some(registration) = turn.session.registration.as_deref_mut() else { return };
    let subscribed = &mut registration.subscriptions;
    match subcommand {
        "SUBS" => {
            let keys = subscribed.clone();
            write_subscriptions(turn, &keys);
        }
        "SUB" => {
            let (mut taken, mut refused) = (Vec::new(), None);
            for key in keys {
                if subscribed.len() >= SUBSCRIPTIONS {
                    refused = Some(key);
                    break;
                }
                if !subscribed.contains(&key) {
                    subscribed.push(key.clone());
                }
                if !taken.contains(&key) {
                    taken.push(key);
                }
            }
            write_subscribed(turn, &taken, refused.as_ref());
        }
        _ => {
            subscribed.retain(|key| !keys.contains(key));
            write_keys(turn, Numeric::RPL_METADATAUNSUBOK, &keys);
        }
    }
}

// Answers

/// 761 or 766, behind what names the reader.
fn write_row(turn: &mut Turn<'_>, row: &MetadataRow) {
    match &row.value {
        Some(value) => {
            let line = turn.numeric(Numeric::RPL_KEYVALUE).param(targets::shown(&row.of)).param(row.key.as_str());
            line.param(visibility(row)).trailing_cut(value);
        }
        None => {
            let line = turn.numeric(Numeric::RPL_KEYNOTSET).param(targets::shown(&row.of)).param(row.key.as_str());
            line.trailing("key not set");
        }
    }
}

fn visibility(row: &MetadataRow) -> &'static str {
    if row.is_private { "private" } else { "*" }
}

/// GET, LIST and CLEAR.
pub(crate) fn write_rows(turn: &mut Turn<'_>, awaiting: Option<&Awaiting>, of: &str, rows: &[MetadataRow]) {
    let keys = match awaiting {
        Some(Awaiting::Metadata(asked)) => asked.keys.as_slice(),
        _ => &[],
    };
    write_batch(turn, of, keys, rows);
}

/// `asked`: the keys in their order, with those that are none; empty: all rows as they are.
fn write_batch(turn: &mut Turn<'_>, of: &str, asked: &[CompactString], rows: &[MetadataRow]) {
    turn.batch("metadata", &[targets::shown(of)], |turn| {
        let mut rows = rows.iter();
        for key in asked {
            match MetadataKey::parse(key) {
                Some(_) => rows.next().into_iter().for_each(|row| write_row(turn, row)),
                None => invalid_key(turn, key),
            }
        }
        rows.for_each(|row| write_row(turn, row));
    });
}

pub(crate) fn write_set(turn: &mut Turn<'_>, row: &MetadataRow, was_set: bool) {
    if row.value.is_none() && !was_set && !is_newer(turn) {
        let context = [targets::shown(&row.of), row.key.as_str()];
        return turn.fail("METADATA", "KEY_NOT_SET", &context, "There is no such key");
    }
    write_row(turn, row);
}

/// Values that are told by themselves, or in answer to SYNC.
pub(crate) fn write_values(turn: &mut Turn<'_>, synced: Option<&str>, rows: &[MetadataRow]) {
    match synced {
        Some(of) => turn.batch("metadata", &[of], |turn| write_changes(turn, rows)),
        None if is_newer(turn) || turn.has(Capability::Metadata2) => write_changes(turn, rows),
        None => {}
    }
}

/// As changes are told.
fn write_changes(turn: &mut Turn<'_>, rows: &[MetadataRow]) {
    for row in rows {
        if is_newer(turn) {
            write_row(turn, row);
            continue;
        }
        let line = turn.server_line("METADATA").param(&row.of).param(row.key.as_str()).param(visibility(row));
        match &row.value {
            Some(value) => line.trailing_cut(value),
            None => line.end(),
        }
    }
}

/// What the client itself is known to say, when it arrives.
pub(crate) fn write_own(turn: &mut Turn<'_>, metadata: &[(MetadataKey, Arc<str>)]) {
    if !is_newer(turn) && !turn.has(Capability::Metadata2) {
        return;
    }
    let nick = CompactString::from(turn.nick());
    let rows: Vec<MetadataRow> = metadata
        .iter()
        .map(|(key, value)| MetadataRow {
            of: nick.clone(),
            key: key.clone(),
            value: Some(value.clone()),
            is_private: false,
        })
        .collect();
    turn.batch("metadata", &[&nick], |turn| write_changes(turn, &rows));
}

pub(crate) fn write_sync_later(turn: &mut Turn<'_>, of: &str) {
    if is_newer(turn) || turn.has(Capability::Metadata2) {
        turn.numeric(Numeric::RPL_METADATASYNCLATER).param(of).end();
    }
}

pub(crate) fn write_subscribed(turn: &mut Turn<'_>, keys: &[MetadataKey], refused: Option<&MetadataKey>) {
    write_keys(turn, Numeric::RPL_METADATASUBOK, keys);
    if let Some(key) = refused {
        let text = "You subscribe to as many keys as you may: lay down some first";
        match is_newer(turn) {
            true => turn.fail("METADATA", "LIMIT_REACHED", &["*", key.as_str()], text),
            false => turn.fail("METADATA", "TOO_MANY_SUBS", &[key.as_str()], text),
        }
    }
}

pub(crate) fn write_subscriptions(turn: &mut Turn<'_>, keys: &[MetadataKey]) {
    turn.batch("metadata-subs", &[], |turn| write_keys(turn, Numeric::RPL_METADATASUBS, keys));
}

/// Keys on as many lines as they need. A line of a client has room for fifteen; ours too.
pub(crate) fn write_keys(turn: &mut Turn<'_>, numeric: Numeric, keys: &[MetadataKey]) {
    const MOST: usize = 4;
    for keys in keys.chunks(MOST) {
        let line: ParamWriter<'_> = turn.numeric(numeric);
        line.params(keys.iter().map(MetadataKey::as_str)).end();
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    /// What is said to those who know metadata-2 or metadata-3, with one and the other.
    #[track_caller]
    fn check_both(transcript: &str, two: &[(&str, &str)], three: &[(&str, &str)]) {
        for (version, words) in [("2", two), ("3", three)] {
            let mut transcript = transcript.replace("CAPS", &format!("batch draft/metadata-{version}"));
            for (from, to) in words {
                transcript = transcript.replace(from, to);
            }
            check(&transcript);
        }
    }

    #[test]
    fn setting_and_getting() {
        check_both(
            "alice= CAPS
             alice> METADATA * GET avatar $url display-name
             alice< :irc.example BATCH +2 metadata alice
             alice< @batch=2 :irc.example 766 alice alice avatar :key not set
             alice< @batch=2 :irc.example FAIL METADATA BADKEY $url :…
             alice< @batch=2 :irc.example 766 alice alice display-name :key not set
             alice< :irc.example BATCH -2
             alice> METADATA * SET display-name :\u{200b}
             alice< :irc.example FAIL METADATA BADVALUE display-name :…
             alice> METADATA * SET display-name :Alice \u{202e}in Chains
             alice< :irc.example 761 alice alice display-name * :Alice in Chains
             bob= CAPS
             bob> METADATA Alice GET display-name
             bob< :irc.example BATCH +2 metadata alice
             bob< @batch=2 :irc.example 761 bob alice display-name * :Alice in Chains
             bob< :irc.example BATCH -2
             bob> WHOIS alice
             bob< :irc.example 311 bob alice …
             bob< :irc.example 312 bob alice …
             bob< :irc.example 671 bob alice :…
             bob< :irc.example 760 bob alice display-name * :Alice in Chains
             bob< :irc.example 317 bob alice …
             bob< :irc.example 318 bob alice :…
             alice> METADATA alice SET avatar :
             alice< :irc.example 761 alice alice avatar * :
             alice> METADATA * LIST
             alice< :irc.example BATCH +3 metadata alice
             alice< @batch=3 :irc.example 761 alice alice avatar * :
             alice< @batch=3 :irc.example 761 alice alice display-name * :Alice in Chains
             alice< :irc.example BATCH -3
             alice> METADATA * SET avatar
             alice< :irc.example 766 alice alice avatar :key not set
             alice> METADATA * SET avatar
             alice< NOTSET
             alice> METADATA * CLEAR
             alice< :irc.example BATCH +4 metadata alice
             alice< @batch=4 :irc.example 766 alice alice display-name :key not set
             alice< :irc.example BATCH -4",
            &[
                ("BADKEY", "KEY_INVALID"),
                ("BADVALUE", "VALUE_INVALID"),
                ("NOTSET", ":irc.example FAIL METADATA KEY_NOT_SET alice avatar :…"),
            ],
            &[
                ("BADKEY", "INVALID_KEY"),
                ("BADVALUE", "INVALID_VALUE"),
                ("NOTSET", ":irc.example 766 alice alice avatar :key not set"),
            ],
        );
    }

    #[test]
    fn those_hear_of_it_who_subscribe() {
        check_both(
            "alice= CAPS
             bob= CAPS
             carol=
             bob> METADATA * SUB avatar $x status
             bob< :irc.example FAIL METADATA BADKEY $x :…
             bob< :irc.example 770 bob avatar status
             bob> METADATA * SUBS
             bob< :irc.example BATCH +2 metadata-subs
             bob< @batch=2 :irc.example 772 bob avatar status
             bob< :irc.example BATCH -2
             alice> METADATA * SET status :from before
             alice< :irc.example 761 alice alice status * :from before
             alice> JOIN #tea
             alice<<
             alice> METADATA #tea SET avatar :https://tea.example/pot.png
             alice<<
             carol> JOIN #tea
             carol<<
             alice<<
             bob> JOIN #tea
             bob< :bob!… JOIN #tea
             bob< :irc.example 353 bob = #tea :…
             bob< :irc.example 366 bob #tea :…
             bob< VALUE #tea avatar * :https://tea.example/pot.png
             bob< VALUE alice status * :from before
             alice<<
             carol<<
             alice> METADATA * SET status :here
             alice< :irc.example 761 alice alice status * :here
             bob< CHANGE alice status * :here
             alice> METADATA * SET pronouns :she
             alice<<
             alice> METADATA #tea SET avatar
             alice<<
             bob< GONE
             bob> METADATA #tea SYNC
             bob< :irc.example BATCH +3 metadata #tea
             bob< @batch=3 VALUE alice status * :here
             bob< :irc.example BATCH -3
             bob> METADATA * UNSUB status other
             bob< :irc.example 771 bob status other
             alice> METADATA * SET status :gone
             alice<<
             bob> METADATA * SUB status
             bob< :irc.example 770 bob status
             bob< VALUE alice status * :gone",
            &[
                ("BADKEY", "KEY_INVALID"),
                ("VALUE", ":irc.example METADATA"),
                ("CHANGE", ":alice!… METADATA"),
                ("GONE", ":alice!… METADATA #tea avatar *"),
            ],
            &[
                ("BADKEY", "INVALID_KEY"),
                ("VALUE", ":irc.example 761 bob"),
                ("CHANGE", ":irc.example 761 *"),
                ("GONE", ":irc.example 766 * #tea avatar :key not set"),
            ],
        );
    }

    #[test]
    fn before_registration_is_complete() {
        check(
            "alice+
             alice> METADATA * SET avatar :x
             alice< :irc.example 451 * :…
             alice> CAP REQ :batch draft/metadata-3
             alice< :irc.example CAP * ACK :batch draft/metadata-3
             alice> METADATA * SUB avatar
             alice< :irc.example 770 * avatar
             alice> METADATA bob SET avatar :x
             alice< :irc.example FAIL METADATA INVALID_TARGET bob :…
             alice> METADATA * SET avatar :a b c
             alice< :irc.example 761 * * avatar * :a b c
             alice> METADATA * GET avatar
             alice< :irc.example BATCH +1 metadata *
             alice< @batch=1 :irc.example 761 * * avatar * :a b c
             alice< :irc.example BATCH -1
             alice> NICK alice
             alice> USER a 0 * :a
             alice> CAP END
             alice< :irc.example 001 …
             alice< :irc.example 002 …
             alice< :irc.example 003 …
             alice< :irc.example 004 …
             alice< :irc.example 005 …
             alice< :irc.example 005 …
             alice< :irc.example 005 …
             alice< :irc.example 251 …
             alice< :irc.example 252 …
             alice< :irc.example 254 …
             alice< :irc.example 255 …
             alice< :irc.example 265 …
             alice< :irc.example 266 …
             alice< :irc.example BATCH +2 metadata alice
             alice< @batch=2 :irc.example 761 alice alice avatar * :a b c
             alice< :irc.example BATCH -2
             alice< :irc.example 422 …
             alice> METADATA * SUBS
             alice< :irc.example BATCH +3 metadata-subs
             alice< @batch=3 :irc.example 772 alice avatar
             alice< :irc.example BATCH -3",
        );
    }

    #[test]
    fn what_is_refused() {
        let long = "x".repeat(301);
        check_with(
            |configured, settings| {
                configured.limits.metadata_keys = 1;
                settings.metadata_keys = 1;
            },
            &format!(
                "alice= batch draft/metadata-3
                 bob= batch draft/metadata-2
                 alice> JOIN #tea
                 bob> JOIN #tea
                 bob<<
                 alice<<
                 alice> METADATA * DESTROY
                 alice< :irc.example FAIL METADATA INVALID_PARAMS DESTROY :…
                 bob> METADATA * DESTROY
                 bob< :irc.example FAIL METADATA SUBCOMMAND_INVALID DESTROY :…
                 alice> METADATA * GET
                 alice< :irc.example 461 alice METADATA :…
                 alice> METADATA nobody LIST
                 alice< :irc.example FAIL METADATA INVALID_TARGET nobody :…
                 alice> METADATA bob SUB avatar
                 alice< :irc.example FAIL METADATA INVALID_TARGET bob :…
                 alice> METADATA * SET Avatar :x
                 alice< :irc.example FAIL METADATA INVALID_KEY Avatar :…
                 alice> METADATA * SET avatar :{long}
                 alice< :irc.example FAIL METADATA INVALID_VALUE avatar :…
                 bob> METADATA * SET avatar :{long}
                 bob< :irc.example FAIL METADATA VALUE_INVALID :…
                 alice> METADATA bob SET avatar :x
                 alice< :irc.example FAIL METADATA KEY_NO_PERMISSION bob avatar :…
                 alice> METADATA bob CLEAR
                 alice< :irc.example FAIL METADATA KEY_NO_PERMISSION bob * :…
                 bob> METADATA #tea SET avatar :x
                 bob< :irc.example FAIL METADATA KEY_NO_PERMISSION #tea avatar :…
                 alice> METADATA * SET avatar :x
                 alice<<
                 alice> METADATA * SET status :x
                 alice< :irc.example FAIL METADATA LIMIT_REACHED alice :…
                 alice> METADATA #tea SET soju.im/pinned :2
                 alice< :irc.example FAIL METADATA INVALID_VALUE soju.im/pinned :…
                 alice> METADATA * SET soju.im/pinned :1
                 alice< :irc.example FAIL METADATA INVALID_TARGET * :…"
            ),
        );
        let keys: Vec<String> = (0..12).map(|number| format!("k{number}")).collect();
        let keys = keys.join(" ");
        let mut transcript = "alice= batch draft/metadata-2\n".to_owned();
        for letter in ["a", "b", "c", "d"] {
            transcript.push_str(&format!("alice> METADATA * SUB {}\nalice<<\n", keys.replace('k', letter)));
        }
        transcript.push_str(
            "alice> METADATA * SUB x y z
             alice< :irc.example 770 alice x y
             alice< :irc.example FAIL METADATA TOO_MANY_SUBS z :…",
        );
        check(&transcript);
    }

    #[test]
    fn too_many_changes() {
        let mut transcript = "alice+ throttled
            alice> NICK alice
            alice> USER a 0 * :a
            alice<<\n"
            .to_owned();
        for number in 0..60 {
            transcript.push_str(&format!("+1\nalice> METADATA * SET status :{number}\nalice<<\n"));
        }
        // All of that was not within one minute of the clock.
        for number in 0..58 {
            transcript.push_str(&format!("alice> METADATA * SET status :again{number}\nalice<<\n"));
            if number % 4 == 3 {
                transcript.push_str("+1\n");
            }
        }
        transcript.push_str("alice> METADATA * GET status\nalice<<");
        check(&transcript);
    }

    /// T13: nothing of a room that one may not know of, or is kept out of.
    #[test]
    fn secret_and_closed_rooms_say_nothing_to_outsiders() {
        check(
            "alice= batch draft/metadata-3
             alice> JOIN #tea
             alice> METADATA #tea SET avatar :hidden
             alice<<
             bob= batch draft/metadata-3
             bob> METADATA * SUB avatar
             bob<<
             bob> METADATA #TEA GET avatar
             bob< :irc.example BATCH +2 metadata #tea
             bob< @batch=2 :irc.example 761 bob #tea avatar * :hidden
             bob< :irc.example BATCH -2
             alice> MODE #tea +i
             alice<<
             bob> METADATA #TEA GET avatar
             bob< :irc.example FAIL METADATA KEY_NO_PERMISSION #TEA avatar :…
             bob> METADATA #TEA LIST
             bob< :irc.example FAIL METADATA KEY_NO_PERMISSION #TEA * :…
             bob> METADATA #TEA SYNC
             bob< :irc.example FAIL METADATA KEY_NO_PERMISSION #TEA * :…
             alice> MODE #tea -i+s
             alice<<
             bob> METADATA #TEA LIST
             bob< :irc.example FAIL METADATA INVALID_TARGET #TEA :There is nobody and no room of this name
             bob> METADATA #NONE LIST
             bob< :irc.example FAIL METADATA INVALID_TARGET #NONE :There is nobody and no room of this name
             bob> METADATA #TEA SET avatar :x
             bob< :irc.example FAIL METADATA INVALID_TARGET #TEA :…
             bob> METADATA #TEA SET soju.im/muted :1
             bob< :irc.example FAIL METADATA INVALID_TARGET #TEA :…
             alice> METADATA #tea SET avatar :changed
             alice<<",
        );
    }

    #[test]
    fn marks_are_for_ones_own_devices() {
        check(
            "alice= batch draft/metadata-2
             alice> REGISTER * * sesame77
             alice<<
             bob= batch draft/metadata-2
             alice> METADATA * SUB soju.im/blocked soju.im/muted
             alice<<
             bob> METADATA * SUB soju.im/blocked soju.im/muted
             bob<<
             alice> METADATA bob SET soju.im/blocked 1
             alice< :irc.example 761 alice bob soju.im/blocked private :1
             bob> METADATA alice LIST
             bob< :irc.example BATCH +2 metadata alice
             bob< :irc.example BATCH -2
             bob> METADATA bob GET soju.im/blocked
             bob< :irc.example BATCH +3 metadata bob
             bob< @batch=3 :irc.example 761 bob bob soju.im/blocked private :0
             bob< :irc.example BATCH -3
             alice> METADATA bob LIST
             alice< :irc.example BATCH +2 metadata bob
             alice< @batch=2 :irc.example 761 alice bob soju.im/blocked private :1
             alice< :irc.example BATCH -2
             alice/2+
             alice/2> CAP REQ :batch draft/metadata-2
             alice/2> PASS alice:sesame77
             alice/2> NICK alice
             alice/2> USER a 0 * :a
             alice/2> CAP END
             alice/2<<
             alice/2> METADATA * SUB soju.im/blocked
             alice/2< :irc.example 770 alice soju.im/blocked
             alice/2< :irc.example METADATA bob soju.im/blocked private :1
             alice> METADATA bob SET soju.im/blocked
             alice< :irc.example 761 alice bob soju.im/blocked private :0
             alice/2< :irc.example METADATA bob soju.im/blocked private :0",
        );
    }

    /// Blocked: what she says directly is hers alone, and she is not told; rooms are for the clients to hide.
    #[test]
    fn whoever_is_blocked_does_not_reach_one() {
        check(
            "alice= message-tags
             alice> JOIN #tea
             alice> METADATA bob SET soju.im/blocked 1
             alice<<
             bob= echo-message batch message-tags draft/chathistory
             alice> METADATA bob SET soju.im/blocked 1
             alice<<
             bob> PRIVMSG alice :are you there
             bob< @msgid=… :bob!… PRIVMSG alice :are you there
             bob> @+typing=active TAGMSG alice
             bob< @msgid=…;+typing=active :bob!… TAGMSG alice
             bob> NOTICE alice :hello
             bob< @msgid=… :bob!… NOTICE alice :hello
             bob> JOIN #cup
             bob<<
             bob> INVITE alice #cup
             bob< :irc.example 341 bob alice #cup
             bob> CHATHISTORY LATEST alice * 10
             bob< :irc.example BATCH +1 chathistory alice
             bob< @batch=1;msgid=… :bob!… PRIVMSG alice :are you there
             bob< @batch=1;msgid=… :bob!… NOTICE alice :hello
             bob< :irc.example BATCH -1
             alice> CAP REQ :batch draft/chathistory
             alice<<
             alice> CHATHISTORY LATEST bob * 10
             alice< :irc.example BATCH +1 chathistory bob
             alice< :irc.example BATCH -1
             bob> JOIN #tea
             bob<<
             alice< …:bob!… JOIN #tea
             bob> PRIVMSG #tea :all hear this
             bob<<
             alice< @msgid=… :bob!… PRIVMSG #tea :all hear this
             alice> METADATA bob SET soju.im/blocked 0
             alice<<
             bob> PRIVMSG alice :and now
             bob<<
             alice< @msgid=… :bob!… PRIVMSG alice :and now",
        );
    }
}
