//! Operators by configuration: `[[operator]]`, for OPER. The owner account needs none.

use super::secret::Secret;
use super::settings::Settings;
use argon2::password_hash::phc::PasswordHash;

/// The rights that `rights` may name, besides "all"; their meaning is with the chat's `Right`.
pub const OPERATOR_RIGHTS: [&str; 9] =
    ["kill", "rehash", "stop", "see-all", "announce", "accounts", "rooms", "statistics", "relay"];

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operator {
    pub name: String,
    pub password: OperatorPassword,
    /// Words of [`OPERATOR_RIGHTS`]; "all" is written out.
    pub rights: Vec<&'static str>,
    /// How WHOIS describes such a person, after the name.
    pub whois_line: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OperatorPassword {
    /// A hash of `chat_server password`, in PHC form: `$argon2id$…`.
    Hash(String),
    /// As it is typed; works, with a warning.
    Plain(Secret),
}

pub(super) fn read(settings: &mut Settings, warnings: &mut Vec<String>) -> Vec<Operator> {
    let mut operators: Vec<Operator> = Vec::new();
    for mut section in settings.tables("operator") {
        let place = section.origin().clone();
        let name = match section.text("name") {
            Some((name, place)) => {
                if name.is_empty() || name.len() > 64 || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
                    section.complain(&place, "name", format!("{name:?} cannot be typed after OPER; write one word"));
                }
                if operators.iter().any(|earlier| earlier.name == name) {
                    section.complain(&place, "name", format!("there are two operators {name:?}; rename one"));
                }
                name
            }
            None => {
                section.complain(&place, "name", "it is missing; write the word that is typed after OPER");
                String::new()
            }
        };
        let password = match section.text("password") {
            Some((text, place)) if text.starts_with("$argon2") => {
                if PasswordHash::new(&text).is_err() {
                    section.complain(
                        &place,
                        "password",
                        "the hash is damaged; make a new one with `chat_server password`",
                    );
                }
                OperatorPassword::Hash(text)
            }
            Some((text, place)) => {
                if text.is_empty() {
                    section.complain(&place, "password", "it is empty; make a hash with `chat_server password`");
                } else {
                    warnings.push(format!(
                        "{place}: [[operator]] password: it stands here in the clear; \
                         put a hash here instead, made with `chat_server password`"
                    ));
                }
                OperatorPassword::Plain(Secret::new(text))
            }
            None => {
                section.complain(&place, "password", "it is missing; make a hash with `chat_server password`");
                OperatorPassword::Plain(Secret::new(String::new()))
            }
        };
        let mut rights = Vec::new();
        let words = section.texts("rights");
        for (word, place) in words.unwrap_or_else(|| vec![("all".to_string(), place.clone())]) {
            if word == "all" {
                rights = OPERATOR_RIGHTS.to_vec();
            } else if let Some(right) = OPERATOR_RIGHTS.into_iter().find(|right| *right == word) {
                if !rights.contains(&right) {
                    rights.push(right);
                }
            } else {
                let known = OPERATOR_RIGHTS.map(|right| format!("{right:?}")).join(", ");
                section.complain(&place, "rights", format!("{word:?} is none of \"all\", {known}"));
            }
        }
        let whois_line =
            super::line(&mut section, "whois_line", 200).unwrap_or_else(|| "is a server admin".to_string());
        section.finish();
        operators.push(Operator { name, password, rights, whois_line });
    }
    operators
}
