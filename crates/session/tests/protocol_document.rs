//! The tables of docs/protocol.md, made from the program's own: between a pair of markers
//!
//! ```text
//! <!-- commands -->
//! <!-- /commands -->
//! ```
//!
//! stands what is made here. A table that is out of date fails the test; with `PARLOR_WRITE=1` in the environment it is
//! written anew. Texts are the program's too: HELP's for commands, and comments of the source for the rest.

#![expect(clippy::disallowed_methods, reason = "the crate does no I/O; this test reads and writes its document")]

use chat::refusal::Right;
use session::isupport::tokens;
use session::mode_letters::{CHANNEL_MODES, RoomLetter, USER_MODES, personal_of, role_prefix, room_kind, room_letter};
use session::negotiation::OFFERED;
use session::verb::{Phase, VERBS};
use session::{Configured, mode_letters};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use wire::Capability;

#[test]
fn the_tables_are_the_program_s() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    let found = std::fs::read_to_string(&path).expect("docs/protocol.md");
    let mut expected = found.clone();
    for (name, table) in [
        ("commands", commands()),
        ("capabilities", capabilities()),
        ("room modes", room_modes()),
        ("user modes", user_modes()),
        ("isupport", isupport()),
        ("rights", rights()),
        ("limits", limits()),
    ] {
        expected = with_table(&expected, name, &table);
    }
    if expected != found && std::env::var_os("PARLOR_WRITE").is_some() {
        std::fs::write(&path, &expected).expect("written");
        return;
    }
    let differ = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(
        expected == found,
        "docs/protocol.md is out of date ({differ:?}); write it with\n\
         PARLOR_WRITE=1 cargo test -p session --test protocol_document"
    );
}

fn with_table(document: &str, name: &str, table: &str) -> String {
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = document.find(&start).unwrap_or_else(|| panic!("docs/protocol.md has no {start}")) + start.len();
    let to = document.find(&end).unwrap_or_else(|| panic!("docs/protocol.md has no {end}"));
    format!("{}{table}{}", &document[..from], &document[to..])
}

fn row(table: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").trim().to_owned()).collect();
    let _ = writeln!(table, "| {} |", cells.join(" | "));
}

fn head(titles: &[&str]) -> String {
    let mut table = String::new();
    row(&mut table, titles);
    row(&mut table, &vec!["---"; titles.len()]);
    table
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

// ---- The tables

fn commands() -> String {
    let mut table = head(&["Command", "When", "What it does"]);
    for verb in VERBS {
        let (usage, text) = verb.help.split_once('\n').unwrap_or((verb.help, ""));
        let when = match verb.phase {
            Phase::Any => "always",
            Phase::Registered => "after the welcome",
            Phase::Unregistered => "before the welcome",
        };
        row(&mut table, &[&code(usage), when, &text.split_whitespace().collect::<Vec<_>>().join(" ")]);
    }
    table
}

fn capabilities() -> String {
    let mut table = head(&["Capability", "Has an effect together with"]);
    for capability in Capability::ALL.iter().filter(|capability| OFFERED.contains(**capability)) {
        let needs: Vec<String> = capability.requires().iter().map(|needed| code(needed.name())).collect();
        row(&mut table, &[&code(capability.name()), &needs.join(", ")]);
    }
    table
}

fn room_modes() -> String {
    let flags = comments(include_str!("../../chat/src/chatroom.rs"), "pub enum RoomFlag {");
    let own = comments(include_str!("../src/mode_letters.rs"), "pub const MODES_PER_LINE");
    let mut table = head(&["Mode", "Parameter", "Meaning"]);
    for letter in CHANNEL_MODES.chars() {
        let Some(meant) = room_letter(letter) else { panic!("{letter} is no mode") };
        let constant = |name: &str| own.get(name).cloned().unwrap_or_default();
        let meaning = match meant {
            RoomLetter::Flag(flag) => flags.get(&format!("{flag:?}")).cloned().unwrap_or_default(),
            RoomLetter::Role(role) => {
                let prefix = role_prefix(role);
                format!("{}, shown as `{prefix}`.", in_words(&format!("{role:?}")))
            }
            RoomLetter::List(list) => format!("The list of {}s.", in_words(&format!("{list:?}")).to_lowercase()),
            RoomLetter::Key => constant("KEY"),
            RoomLetter::MemberLimit => constant("MEMBER_LIMIT"),
            other => constant(&constant_of(&format!("{other:?}"))),
        };
        let meaning = if meaning.is_empty() { in_words(&format!("{meant:?}")) } else { meaning };
        row(&mut table, &[&code(&format!("+{letter}")), parameter(letter), &meaning]);
    }
    table
}

fn parameter(letter: char) -> &'static str {
    match room_kind(letter) {
        wire::ModeKind::Flag => "",
        wire::ModeKind::ParamWhenSet => "when set",
        wire::ModeKind::List => "a mask; none: the list is shown",
        _ => "always",
    }
}

fn user_modes() -> String {
    let texts = comments(include_str!("../../chat/src/command.rs"), "pub enum PersonalMode {");
    let mut table = head(&["Mode", "Meaning"]);
    for letter in USER_MODES.chars() {
        let Some(mode) = personal_of(letter) else { panic!("{letter} is no mode") };
        let name = format!("{mode:?}");
        let text = texts.get(&name).cloned().unwrap_or_else(|| in_words(&name));
        row(&mut table, &[&code(&format!("+{letter}")), &text]);
    }
    assert_eq!(mode_letters::USER_MODES.len(), table.lines().count() - 2);
    table
}

fn isupport() -> String {
    let mut table = head(&["Token", "Value by default"]);
    for token in tokens(&Configured::default()) {
        let (name, value) = token.split_once('=').unwrap_or((&token, ""));
        row(&mut table, &[&code(name), &if value.is_empty() { String::new() } else { code(value) }]);
    }
    table
}

fn rights() -> String {
    let texts = comments(include_str!("../../chat/src/refusal.rs"), "pub enum Right {");
    let mut table = head(&["Right", "Meaning"]);
    for right in Right::ALL {
        let text = texts.get(&format!("{right:?}")).cloned().unwrap_or_default();
        row(&mut table, &[&code(right.word()), &text]);
    }
    table
}

fn limits() -> String {
    let source = include_str!("../../server/src/limits.rs");
    let (_, rows) = source.split_once("\nlimits! {\n").expect("the rows of limits.rs");
    let (rows, _) = rows.split_once("\n}").expect("their end");
    let mut table = head(&["Key of `[limits]`", "Default", "From, to", "What it bounds"]);
    let mut text = String::new();
    for line in rows.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            text.push_str(comment);
        } else if let Some((key, values)) = line.trim_end_matches(';').split_once(" = ") {
            let (default, range) = values.split_once(", ").expect("a default and a range");
            let (least, most) = range.split_once("..=").expect("a range");
            let range = format!("{} to {}", least.trim(), most.trim());
            row(&mut table, &[&code(key), default, &range, &std::mem::take(&mut text)]);
        }
    }
    table
}

// ---- The texts

/// The comment above each name that a source declares from `start` to the next brace at the margin (or, for constants, to
/// the first item of another kind).
fn comments(source: &str, start: &str) -> BTreeMap<String, String> {
    let (_, rest) = source.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    let mut found = BTreeMap::new();
    let mut text = String::new();
    for line in rest.lines().skip(1) {
        if line.starts_with('}') || line.starts_with("pub enum") || line.starts_with("pub fn") {
            break;
        }
        let line = line.trim();
        if let Some(comment) = line.strip_prefix("///") {
            text.push_str(comment);
        } else {
            let name = line.trim_start_matches("pub const ");
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let comment = std::mem::take(&mut text).trim().to_owned();
            if !name.is_empty() && !comment.is_empty() {
                found.insert(name, comment);
            }
        }
    }
    found
}

/// `MemberLimit` as `Member limit`.
fn in_words(name: &str) -> String {
    let name = name.split('(').next_back().unwrap_or(name).trim_end_matches(')');
    let mut words = String::new();
    for (at, c) in name.chars().enumerate() {
        if at > 0 && c.is_uppercase() {
            words.push(' ');
            words.extend(c.to_lowercase());
        } else {
            words.push(c);
        }
    }
    words
}

/// `SlowMode` as `SLOW_MODE`.
fn constant_of(name: &str) -> String {
    in_words(name).to_uppercase().replace(' ', "_")
}
