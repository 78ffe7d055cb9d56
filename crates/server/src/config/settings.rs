//! What was written, where: the layers of a configuration (file, environment, flags) merged into sections, from which
//! `tables.rs` takes typed values. Every complaint knows the place and the key; nothing here knows what a key means.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::de::{DeTable, DeValue};

/// Where a value was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    File { path: Rc<Path>, line: usize },
    Environment(String),
    Flag(&'static str),
}

impl Origin {
    /// A relative path means: beside the file that names it; from the environment or a flag, in the working directory.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        match self {
            Origin::File { path: file, .. } => match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.join(path),
                _ => PathBuf::from(path),
            },
            Origin::Environment(_) | Origin::Flag(_) => PathBuf::from(path),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment variable {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// What is wrong, in one sentence that names the place, the key and the mend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint(String);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Complaints gather here while the reading goes on, so that one run reports them all.
#[derive(Clone, Default)]
pub(super) struct Complaints(Rc<RefCell<Vec<Complaint>>>);

impl Complaints {
    pub(super) fn add(&self, place: &Origin, key: &str, sentence: impl fmt::Display) {
        let text = if key.is_empty() { format!("{place}: {sentence}") } else { format!("{place}: {key}: {sentence}") };
        self.0.borrow_mut().push(Complaint(text));
    }

    /// A complaint about the configuration as a whole, which no single line is to blame for.
    pub(super) fn add_general(&self, sentence: impl fmt::Display) {
        self.0.borrow_mut().push(Complaint(sentence.to_string()));
    }

    pub(super) fn take(&self) -> Vec<Complaint> {
        self.0.take()
    }
}

/// One value as written, not yet asked what it should be.
#[derive(Clone, Debug)]
pub(super) struct Written {
    value: Value,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Written>),
    Table(BTreeMap<String, Written>),
    /// From the environment or a flag: its kind is known only when somebody asks for it.
    Untyped(String),
    /// A kind that no key takes; the text names it.
    Other(&'static str),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) | Value::Untyped(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
        }
    }
}

/// What is wrong with a file that is no TOML, and the mend. `at`: the text that is meant.
fn syntax_sentence(message: &str, at: Option<&str>) -> String {
    let name = at.map(|text| text.trim_matches(['[', ']', ' '])).filter(|name| !name.is_empty() && name.len() <= 64);
    match name {
        Some(name) if message == "duplicate key" => {
            format!("{name}: it stands here a second time; keep one of the two")
        }
        _ => format!(
            "this is not TOML: {message}; write tables as [server], keys as name = \"text\", numbers and true or false \
             without quotes"
        ),
    }
}

/// All that was written, table by table; later layers win key by key.
pub(super) struct Settings {
    root: Section,
}

impl Settings {
    pub(super) fn new(complaints: Complaints) -> Settings {
        let origin = Origin::Flag("");
        Settings {
            root: Section { name: String::new(), origin, written: BTreeMap::new(), known: Vec::new(), complaints },
        }
    }

    /// Reads a TOML text. A syntax error is a complaint, and then nothing of the file counts.
    pub(super) fn add_file(&mut self, path: &Path, text: &str) {
        let path: Rc<Path> = Rc::from(path);
        let lines = LineNumbers::new(text);
        match DeTable::parse(text) {
            Ok(document) => self.root.written = table_of(document.get_ref(), &path, &lines),
            Err(error) => {
                let line = error.span().map_or(1, |span| lines.line_of(span.start));
                let message = error.message().trim().replace('\n', ", ");
                let at = error.span().and_then(|span| text.get(span));
                self.root.complaints.add(&Origin::File { path, line }, "", syntax_sentence(&message, at));
            }
        }
    }

    /// Lays one value of the environment or of a flag over what the file says.
    pub(super) fn overlay(&mut self, table: &str, key: &str, text: String, origin: Origin) {
        let entry = self
            .root
            .written
            .entry(table.to_string())
            .or_insert_with(|| Written { value: Value::Table(BTreeMap::new()), origin: origin.clone() });
        if let Value::Table(keys) = &mut entry.value {
            keys.insert(key.to_string(), Written { value: Value::Untyped(text), origin });
        }
        // Otherwise the file has something else under the table's name, which the reader of that table complains about.
    }

    /// Lays a whole top-level value, such as a list of tables in TOML's notation, over what the file says.
    pub(super) fn overlay_whole(&mut self, key: &str, text: String, origin: Origin) {
        self.root.written.insert(key.to_string(), Written { value: Value::Untyped(text), origin });
    }

    pub(super) fn table(&mut self, key: &'static str) -> Section {
        self.root.table(key)
    }

    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Section> {
        self.root.tables(key)
    }

    /// Takes the top-level `key` out if it came as plain text from the environment.
    pub(super) fn take_untyped(&mut self, key: &str) -> Option<(String, Origin)> {
        match self.root.written.get(key) {
            Some(Written { value: Value::Untyped(_), .. }) => match self.root.written.remove(key) {
                Some(Written { value: Value::Untyped(text), origin }) => Some((text, origin)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Complains about every top-level table that nobody asked for.
    pub(super) fn finish(self) {
        self.root.finish();
    }
}

/// One table: keys are taken out one after another, and `finish` complains about those that remain.
pub(super) struct Section {
    name: String,
    origin: Origin,
    written: BTreeMap<String, Written>,
    known: Vec<&'static str>,
    complaints: Complaints,
}

impl Section {
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn complain(&self, place: &Origin, key: &str, sentence: impl fmt::Display) {
        self.complaints.add(place, &self.qualified(key), sentence);
    }

    /// `[server] name`, `[[listener]] address`: how complaints call a key.
    fn qualified(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_string() } else { format!("{} {key}", self.name) }
    }

    fn take(&mut self, key: &'static str) -> Option<Written> {
        self.known.push(key);
        self.written.remove(key)
    }

    fn wrong_kind(&self, key: &str, written: &Written, wanted: &str) {
        self.complain(&written.origin, key, format!("this is {}, and {wanted} is wanted", written.value.kind()));
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<(String, Origin)> {
        let written = self.take(key)?;
        match written.value {
            Value::Text(text) | Value::Untyped(text) => Some((text, written.origin)),
            _ => {
                self.wrong_kind(key, &written, "a text in quotes");
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<(bool, Origin)> {
        let written = self.take(key)?;
        match &written.value {
            Value::Boolean(value) => Some((*value, written.origin)),
            Value::Untyped(text) if text == "true" || text == "1" => Some((true, written.origin)),
            Value::Untyped(text) if text == "false" || text == "0" => Some((false, written.origin)),
            _ => {
                self.wrong_kind(key, &written, "true or false (without quotes)");
                None
            }
        }
    }

    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<(i64, Origin)> {
        let written = self.take(key)?;
        let number = match &written.value {
            Value::Integer(number) => Some(*number),
            Value::Untyped(text) => text.trim().replace('_', "").parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            self.wrong_kind(key, &written, "a whole number (without quotes)");
            return None;
        };
        if range.contains(&number) {
            return Some((number, written.origin));
        }
        let (least, most) = range.into_inner();
        self.complain(&written.origin, key, format!("{number} is out of range; write a number from {least} to {most}"));
        None
    }

    /// A list of texts, each with its own place. From the environment: separated by commas, or as the
    /// file has it.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<(String, Origin)>> {
        let mut written = self.take(key)?;
        if matches!(&written.value, Value::Untyped(text) if text.trim_start().starts_with('[')) {
            written = as_toml(written);
        }
        match written.value {
            Value::List(items) => {
                let mut texts = Vec::with_capacity(items.len());
                for item in items {
                    match item.value {
                        Value::Text(text) => texts.push((text, item.origin)),
                        _ => self.wrong_kind(key, &item, "a list of texts in quotes"),
                    }
                }
                Some(texts)
            }
            Value::Untyped(text) => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| (part.to_string(), written.origin.clone()))
                    .collect(),
            ),
            _ => {
                self.wrong_kind(key, &written, "a list of texts such as [\"one\", \"two\"]");
                None
            }
        }
    }

    /// One of a closed list of words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<(T, Origin)> {
        let (word, origin) = self.text(key)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some((*value, origin));
        }
        let allowed: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        self.complain(&origin, key, format!("{word:?} is none of {}", allowed.join(", ")));
        None
    }

    /// A table under this one; an absent one is empty, with every key absent.
    pub(super) fn table(&mut self, key: &'static str) -> Section {
        let name = if self.name.is_empty() { format!("[{key}]") } else { self.qualified(key) };
        let absent = Section {
            name: name.clone(),
            origin: self.origin.clone(),
            written: BTreeMap::new(),
            known: Vec::new(),
            complaints: self.complaints.clone(),
        };
        let Some(written) = self.take(key).map(as_toml) else {
            return absent;
        };
        match written.value {
            Value::Table(keys) => Section { origin: written.origin, written: keys, ..absent },
            _ => {
                self.wrong_kind(key, &written, &format!("a table {name}"));
                absent
            }
        }
    }

    /// An array of tables, `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Section> {
        let inner = self.name.trim_matches(['[', ']']);
        let name = if inner.is_empty() { format!("[[{key}]]") } else { format!("[[{inner}.{key}]]") };
        let Some(written) = self.take(key).map(as_toml) else {
            return Vec::new();
        };
        let Value::List(items) = written.value else {
            let place = Written { value: written.value, origin: written.origin };
            self.wrong_kind(key, &place, &format!("a table {name} with two brackets"));
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(items.len());
        for item in items {
            match item.value {
                Value::Table(written) => sections.push(Section {
                    name: name.clone(),
                    origin: item.origin,
                    written,
                    known: Vec::new(),
                    complaints: self.complaints.clone(),
                }),
                _ => self.wrong_kind(key, &item, &format!("a table {name}")),
            }
        }
        sections
    }

    /// Complains about every key that nobody asked for, with the nearest one that exists.
    pub(super) fn finish(self) {
        for (key, written) in &self.written {
            let mend = match nearest(key, &self.known) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("the keys here are {}", self.known.join(", ")),
            };
            self.complain(&written.origin, key, format!("there is no such key; {mend}"));
        }
    }
}

/// Text from the environment where a table or list of tables is wanted is read as TOML's inline notation.
fn as_toml(written: Written) -> Written {
    let Value::Untyped(text) = &written.value else {
        return written;
    };
    let document = format!("value = {text}");
    let Ok(table) = DeTable::parse(&document) else {
        return written;
    };
    let lines = LineNumbers::new(&document);
    let mut keys = table_of(table.get_ref(), &Rc::from(Path::new("")), &lines);
    match keys.remove("value") {
        Some(parsed) => placed_at(parsed, &written.origin),
        None => written,
    }
}

fn placed_at(written: Written, origin: &Origin) -> Written {
    let value = match written.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| placed_at(item, origin)).collect()),
        Value::Table(keys) => {
            Value::Table(keys.into_iter().map(|(key, value)| (key, placed_at(value, origin))).collect())
        }
        other => other,
    };
    Written { value, origin: origin.clone() }
}

fn table_of(table: &DeTable<'_>, path: &Rc<Path>, lines: &LineNumbers) -> BTreeMap<String, Written> {
    table
        .iter()
        .map(|(key, value)| {
            let line = lines.line_of(key.span().start);
            (key.get_ref().to_string(), written_of(value.get_ref(), line, path, lines))
        })
        .collect()
}

fn written_of(value: &DeValue<'_>, line: usize, path: &Rc<Path>, lines: &LineNumbers) -> Written {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("a number beyond 64 bits"),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| written_of(item.get_ref(), lines.line_of(item.span().start), path, lines))
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(table_of(table, path, lines)),
    };
    Written { value, origin: Origin::File { path: path.clone(), line } }
}

/// Byte offsets to line numbers, from 1.
struct LineNumbers {
    starts: Vec<usize>,
}

impl LineNumbers {
    fn new(text: &str) -> LineNumbers {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        LineNumbers { starts }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }
}

/// The known word that `word` most likely was meant to be: at most a third of its letters wrong, three at the most; or
/// the only one that begins or ends with it, as those do that have their unit in the name.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    let similar = known
        .iter()
        .map(|candidate| (edit_distance(&word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    similar.or_else(|| {
        let is_part =
            |candidate: &&&str| word.len() >= 3 && (candidate.starts_with(&word) || candidate.ends_with(&word));
        let mut longer = known.iter().filter(is_part);
        let only = longer.next().copied();
        only.filter(|_| longer.next().is_none())
    })
}

/// Levenshtein's distance, where two neighbours that have changed places are one mistake (optimal string alignment).
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = [vec![0; right.len() + 1], (0..=right.len()).collect(), vec![0; right.len() + 1]];
    for (i, letter) in left.iter().enumerate() {
        let [before, above, row] = &mut rows;
        row[0] = i + 1;
        for (j, other) in right.iter().enumerate() {
            let substituted = above[j] + usize::from(letter != other);
            row[j + 1] = substituted.min(row[j] + 1).min(above[j + 1] + 1);
            if i > 0 && j > 0 && *letter == right[j - 1] && left[i - 1] == *other {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested_only_when_near() {
        let known = ["name", "network", "description", "motd", "sendq_bytes"];
        let check = |word: &str, expected: Option<&str>| assert_eq!(nearest(word, &known), expected, "{word}");
        check("nmae", Some("name"));
        check("sendq", Some("sendq_bytes"));
        check("bytes", Some("sendq_bytes"));
        check("n", None);
        check("nam", Some("name"));
        check("netwrok", Some("network"));
        check("Network", Some("network"));
        check("descripton", Some("description"));
        check("sendq_byte", Some("sendq_bytes"));
        check("port", None);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines = LineNumbers::new("a\nbb\n\nc");
        let check = |offset, line| assert_eq!(lines.line_of(offset), line, "offset {offset}");
        check(0, 1);
        check(1, 1);
        check(2, 2);
        check(5, 3);
        check(6, 4);
    }
}
