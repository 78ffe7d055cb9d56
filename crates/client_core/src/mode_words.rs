//! Changes of a room's modes as words: what somebody did, for people who have never heard of modes.

use wire::mode::{ModeChange, ModeKind, Sign, parse};

/// What it is to set and to take away one mode; `{}` is its parameter.
struct ModeWords {
    letter: char,
    kind: ModeKind,
    set: &'static str,
    unset: &'static str,
}

const fn words(letter: char, kind: ModeKind, set: &'static str, unset: &'static str) -> ModeWords {
    ModeWords { letter, kind, set, unset }
}

use ModeKind::{AlwaysParam, Flag, List, ParamWhenSet, Prefix};

/// Ranks, where the server has a rank of that letter (`q` is an owner here and a list of the muted elsewhere).
const RANKS: &[ModeWords] = &[
    words('q', Prefix, "made {} an owner", "took ownership from {}"),
    words('a', Prefix, "made {} an admin", "took admin rights from {}"),
    words('o', Prefix, "made {} an operator", "took operator rights from {}"),
    words('h', Prefix, "made {} a half-operator", "took half-operator rights from {}"),
    words('v', Prefix, "gave {} a voice", "took the voice from {}"),
];

/// The Modern IRC Client Protocol's modes, and those that most servers have beside them.
const MODES: &[ModeWords] = &[
    words('b', List, "banned {}", "lifted the ban on {}"),
    words('e', List, "exempted {} from bans", "ended the exemption of {} from bans"),
    words('I', List, "let {} in without an invitation", "lets {} in only with an invitation again"),
    words('q', List, "muted {}", "unmuted {}"),
    words('k', AlwaysParam, "asks for the key {} from now on", "asks for no key any more"),
    words('l', ParamWhenSet, "allowed {} people at most", "allowed any number of people"),
    words('W', ParamWhenSet, "lets each member speak every {} seconds", "lets members speak as often as they like"),
    words('f', ParamWhenSet, "sends those who are kept out to {}", "sends nobody to another room any more"),
    words('A', Flag, "lets only operators speak", "lets others than operators speak"),
    words('p', Flag, "took the room off the lists", "put the room on the lists"),
    words('i', Flag, "closed the room to those who are not invited", "opened the room to those who are not invited"),
    words('m', Flag, "lets only those with a voice speak", "lets everybody speak"),
    words('n', Flag, "refuses messages from outside", "allows messages from outside"),
    words('s', Flag, "hid the room from lists", "shows the room in lists"),
    words('t', Flag, "lets only operators change the topic", "lets everybody change the topic"),
    words('C', Flag, "refuses requests between programs (CTCP)", "allows requests between programs (CTCP)"),
    words('M', Flag, "lets only people with an account speak", "lets people without an account speak"),
    words('P', Flag, "registered the room", "ended the registration of the room"),
    words('R', Flag, "lets only people with an account in", "lets people without an account in"),
];

/// One phrase for each change of a room's modes, to stand behind the name of who did it. `ranks`: the letters that are
/// ranks on this server. A mode that nobody here knows keeps its letter.
pub fn room_changes(letters_and_params: &[&str], ranks: &str) -> Vec<String> {
    let known = |letter: char| {
        let table = if ranks.contains(letter) { RANKS } else { MODES };
        table.iter().find(|words| words.letter == letter)
    };
    parse(letters_and_params, |letter| known(letter).map_or(Flag, |words| words.kind))
        .map(|change| match known(change.letter) {
            Some(words) => phrase(words, &change),
            None => format!("set {}{}", change.sign.symbol(), change.letter),
        })
        .collect()
}

fn phrase(words: &ModeWords, change: &ModeChange<'_>) -> String {
    let template = match change.sign {
        Sign::Plus => words.set,
        Sign::Minus => words.unset,
    };
    template.replace("{}", change.param.unwrap_or("someone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_put_into_words() {
        let check = |line: &str, ranks: &str, expected: &[&str]| {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(room_changes(&words, ranks), expected, "{line}");
        };
        check("+o bob", "qaohv", &["made bob an operator"]);
        check("-v+q bob ada", "qaohv", &["took the voice from bob", "made ada an owner"]);
        check("+q *!*@spam.example", "ov", &["muted *!*@spam.example"]);
        check("+m-t", "ov", &["lets only those with a voice speak", "lets everybody change the topic"]);
        check("+kl tea 12", "ov", &["asks for the key tea from now on", "allowed 12 people at most"]);
        check("-kl tea", "ov", &["asks for no key any more", "allowed any number of people"]);
        check("+zb *!*@x", "ov", &["set +z", "banned *!*@x"]);
        check("+o", "ov", &["made someone an operator"]);
    }

    #[test]
    fn each_letter_stands_once_in_its_table() {
        for table in [RANKS, MODES] {
            for (at, words) in table.iter().enumerate() {
                assert!(table[at + 1..].iter().all(|other| other.letter != words.letter), "{}", words.letter);
                assert_eq!(words.kind == Flag, !words.set.contains("{}"), "{}", words.letter);
            }
        }
    }
}
