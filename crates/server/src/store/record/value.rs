//! Values: ids, times and words as columns hold them, and what a column says that holds none.

use chat::id::Timestamp;
use compact_str::CompactString;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use uuid::Uuid;

pub(super) fn bytes(id: &Uuid) -> &[u8] {
    id.as_bytes()
}

pub(in crate::store) fn time(time: Timestamp) -> i64 {
    time.0 as i64
}

pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

pub(in crate::store) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn some_uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
}

pub(super) fn some_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let time: Option<i64> = row.get(column)?;
    time.map(|_| unsigned(row, column).map(Timestamp)).transpose()
}

pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<CompactString> {
    Ok(CompactString::from(row.get_ref(column)?.as_str().map_err(|error| wrong(row, column, error))?))
}

pub(super) fn some_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<CompactString>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|error| wrong(row, column, error))?;
    Ok(text.map(CompactString::from))
}

pub(super) fn long_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Box<str>>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|error| wrong(row, column, error))?;
    Ok(text.map(Box::from))
}

pub(super) fn parsed<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    match some_text(row, column)? {
        None => Ok(None),
        Some(text) => {
            parse(&text).map(Some).ok_or_else(|| broken(column, Type::Text, format!("not understood: {text}")))
        }
    }
}

pub(super) fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

pub(super) fn from_words<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Vec<T>> {
    let read = |word| parse(word).ok_or_else(|| broken(column, Type::Text, format!("not understood: {word}")));
    text(row, column)?.split_ascii_whitespace().map(read).collect()
}

pub(super) fn numbered<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    number: impl Fn(T) -> i64,
) -> rusqlite::Result<T> {
    let found: i64 = row.get(column)?;
    let value = all.iter().copied().find(|value| number(*value) == found);
    value.ok_or_else(|| broken(column, Type::Integer, format!("not understood: {found}")))
}

pub(super) fn wrong(row: &Row<'_>, column: usize, error: FromSqlError) -> rusqlite::Error {
    let kind = row.get_ref(column).map_or(Type::Null, |value| value.data_type());
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

pub(super) fn broken(column: usize, kind: Type, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, what.into())
}
