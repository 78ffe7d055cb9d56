//! Settings from environment variables.

use super::settings::{Complaints, Origin, Settings};
use std::ffi::OsString;

/// The top-level tables, as they may stand in a variable's name.
pub(super) const TABLES: [&str; 14] = [
    "server",
    "listener",
    "tls",
    "storage",
    "accounts",
    "rooms",
    "history",
    "limits",
    "flood",
    "proxy",
    "http",
    "operator",
    "discovery",
    "log",
];

/// `PARLOR_SERVER_NAME` is `name` of `[server]`; `PARLOR_LISTENER` and `PARLOR_OPERATOR` set the whole lists. Variables
/// that begin with no table's name belong to someone else (the build, the client).
pub(super) fn add_environment(settings: &mut Settings, variables: &[(OsString, OsString)], complaints: &Complaints) {
    let mut variables: Vec<_> = variables.iter().collect();
    variables.sort();
    for (name, value) in variables {
        let Some((name, table, rest)) = setting_of(name) else {
            continue;
        };
        let origin = Origin::Environment(name.to_string());
        let Some(value) = value.to_str() else {
            complaints.add(&origin, "", "the value is not UTF-8; write it in UTF-8");
            continue;
        };
        match rest[table.len()..].strip_prefix('_') {
            Some(key) if table != "listener" && table != "operator" => {
                settings.overlay(table, key, value.to_string(), origin);
            }
            None if table == "listener" || table == "operator" => {
                settings.overlay_whole(table, value.to_string(), origin);
            }
            Some(_) => complaints.add(
                &origin,
                "",
                format!("one variable sets the whole list; name it PARLOR_{}", table.to_ascii_uppercase()),
            ),
            None => complaints.add(&origin, "", format!("this names a table; name a key as well, as in {name}_KEY")),
        }
    }
}

/// The variable's name, the table that it is about, and all after `PARLOR_` in lower case.
pub(super) fn setting_of(name: &OsString) -> Option<(&str, &'static str, String)> {
    let name = name.to_str()?;
    let rest = name.strip_prefix("PARLOR_")?.to_ascii_lowercase();
    let is_of = |table: &&str| rest.strip_prefix(table).is_some_and(|after| after.is_empty() || after.starts_with('_'));
    let table = TABLES.into_iter().find(|table| is_of(table))?;
    Some((name, table, rest))
}

/// The names of those variables that set something.
pub fn variables_of(environment: &[(OsString, OsString)]) -> Vec<&str> {
    let mut names: Vec<&str> =
        environment.iter().filter_map(|(name, _)| setting_of(name).map(|(name, ..)| name)).collect();
    names.sort_unstable();
    names
}
