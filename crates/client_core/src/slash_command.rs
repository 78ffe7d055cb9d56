//! What a person types: text, or a command that begins with a slash.

/// One typed line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Said in the present room.
    Say(String),
    /// `/me`: done in the present room.
    Me(String),
    /// Said to a person or in another room.
    Message {
        to: String,
        text: String,
    },
    Notice {
        to: String,
        text: String,
    },
    Join {
        rooms: Vec<String>,
        key: Option<String>,
    },
    /// `None`: the present room.
    Part {
        room: Option<String>,
        reason: Option<String>,
    },
    Nick(String),
    /// `None` asks for the topic.
    Topic(Option<String>),
    /// `None`: back again.
    Away(Option<String>),
    Names(Option<String>),
    Who(Option<String>),
    Whois(String),
    List,
    /// The group conversation with these people; of nobody: which groups there are.
    Group(Vec<String>),
    /// What the server is to look for, as it was typed.
    Search(String),
    /// Keeps the last message of this person in view for everyone.
    Pin(String),
    /// By its number among the pinned ones.
    Unpin(String),
    Pins,
    /// Tells those who moderate of the last message of this person.
    Report {
        who: String,
        reason: String,
    },
    Invite {
        who: String,
        room: Option<String>,
    },
    Kick {
        who: String,
        reason: Option<String>,
    },
    /// What stands after `/mode`.
    Mode(String),
    /// A line sent as it stands.
    Quote(String),
    Quit(Option<String>),
    Help,
    /// Only spaces, or nothing: nothing is done.
    Nothing,
}

/// A command's line of help.
#[derive(Debug, Clone, Copy)]
pub struct Help {
    pub name: &'static str,
    pub usage: &'static str,
    pub about: &'static str,
}

/// All commands, in the order in which help shows them.
pub const COMMANDS: &[Help] = &[
    Help { name: "join", usage: "/join ROOM [KEY]", about: "enter a room (or several, with commas) and talk there" },
    Help { name: "part", usage: "/part [ROOM] [REASON]", about: "leave a room" },
    Help { name: "msg", usage: "/msg NAME TEXT", about: "write to one person, or into another room" },
    Help { name: "notice", usage: "/notice NAME TEXT", about: "the same, for what needs no answer" },
    Help { name: "me", usage: "/me TEXT", about: "say what you do: * alice waves" },
    Help { name: "nick", usage: "/nick NAME", about: "be called something else" },
    Help { name: "topic", usage: "/topic [TEXT]", about: "show or change the room's topic" },
    Help { name: "away", usage: "/away [TEXT]", about: "say that you are away; without text: back again" },
    Help { name: "names", usage: "/names [ROOM]", about: "who is here" },
    Help { name: "who", usage: "/who [ROOM|NAME]", about: "who is here, with more about each" },
    Help { name: "whois", usage: "/whois NAME", about: "more about one person" },
    Help { name: "list", usage: "/list", about: "the rooms of this server" },
    Help { name: "group", usage: "/group [NAME NAME...]", about: "talk among a few people; alone: your groups" },
    Help {
        name: "search",
        usage: "/search WORDS [in:ROOM]",
        about: "find what was said; also \"a phrase\", begin*, from:NAME, before:DAY, after:DAY",
    },
    Help { name: "pins", usage: "/pins", about: "what this room keeps in view" },
    Help { name: "pin", usage: "/pin NAME", about: "keep the last message of someone in view, for everyone" },
    Help { name: "unpin", usage: "/unpin NUMBER", about: "keep it in view no longer; /pins has the numbers" },
    Help { name: "report", usage: "/report NAME REASON", about: "tell those who moderate of someone's last message" },
    Help { name: "invite", usage: "/invite NAME [ROOM]", about: "ask someone in" },
    Help { name: "kick", usage: "/kick NAME [REASON]", about: "put someone out of the room" },
    Help { name: "mode", usage: "/mode [ROOM|NAME] [CHANGES]", about: "show or change settings" },
    Help { name: "quote", usage: "/quote LINE", about: "send a line of the protocol as it stands" },
    Help { name: "quit", usage: "/quit [REASON]", about: "say goodbye and end" },
    Help { name: "help", usage: "/help", about: "this list" },
];

/// Reads a typed line. Text with a slash in front is written with two. The error is a sentence.
pub fn parse(line: &str) -> Result<Typed, String> {
    let line = line.trim_end_matches(['\r', '\n']);
    let Some(command) = line.strip_prefix('/') else {
        return Ok(if line.trim().is_empty() { Typed::Nothing } else { Typed::Say(line.to_owned()) });
    };
    if command.starts_with('/') {
        return Ok(Typed::Say(command.to_owned()));
    }
    let (name, rest) = word(command);
    let name = name.to_ascii_lowercase();
    let usage = || {
        let usage = COMMANDS.iter().find(|help| help.name == name).map_or("/help", |help| help.usage);
        format!("/{name} needs more than that; write it as {usage}.")
    };
    let text = |text: &str| {
        if text.is_empty() { None } else { Some(text.to_owned()) }
    };
    let needed = |value: &str| text(value).ok_or_else(usage);
    Ok(match name.as_str() {
        "join" | "j" => {
            let (rooms, key) = word(rest);
            let rooms: Vec<String> = rooms.split(',').filter(|room| !room.is_empty()).map(room_name).collect();
            if rooms.is_empty() {
                return Err(usage());
            }
            Typed::Join { rooms, key: text(key.trim_end()) }
        }
        "part" | "leave" => match word(rest) {
            (room, reason) if is_room(room) => Typed::Part { room: Some(room.to_owned()), reason: text(reason) },
            _ => Typed::Part { room: None, reason: text(rest) },
        },
        "msg" | "query" | "notice" => {
            let (to, what) = word(rest);
            let (to, what) = (needed(to)?, needed(what)?);
            if name == "notice" { Typed::Notice { to, text: what } } else { Typed::Message { to, text: what } }
        }
        "me" => Typed::Me(needed(rest)?),
        "nick" => Typed::Nick(needed(word(rest).0)?),
        "topic" => Typed::Topic(text(rest)),
        "away" => Typed::Away(text(rest)),
        "back" => Typed::Away(None),
        "names" => Typed::Names(text(word(rest).0)),
        "who" => Typed::Who(text(word(rest).0)),
        "whois" => Typed::Whois(needed(word(rest).0)?),
        "list" => Typed::List,
        "group" | "groups" => {
            let names = rest.split([' ', ',']).filter(|name| !name.is_empty());
            Typed::Group(names.map(str::to_owned).collect())
        }
        "search" | "find" => Typed::Search(needed(rest.trim_end())?),
        "pins" => Typed::Pins,
        "pin" => Typed::Pin(needed(word(rest).0)?),
        "unpin" => Typed::Unpin(needed(word(rest).0)?),
        "report" => {
            let (who, reason) = word(rest);
            Typed::Report { who: needed(who)?, reason: needed(reason.trim_end())? }
        }
        "invite" => {
            let (who, room) = word(rest);
            Typed::Invite { who: needed(who)?, room: text(word(room).0).map(|room| room_name(&room)) }
        }
        "kick" => {
            let (who, reason) = word(rest);
            Typed::Kick { who: needed(who)?, reason: text(reason) }
        }
        "mode" => Typed::Mode(rest.to_owned()),
        "quote" | "raw" => Typed::Quote(needed(rest)?),
        "quit" | "exit" | "bye" => Typed::Quit(text(rest)),
        "help" | "?" => Typed::Help,
        _ => {
            return Err(format!(
                "There is no command /{name}; /help lists those that exist, and text that begins with a slash is written with two."
            ));
        }
    })
}

/// A room's name as typed, with the `#` that people leave out.
pub fn room_name(typed: &str) -> String {
    if is_room(typed) { typed.to_owned() } else { format!("#{typed}") }
}

/// `#` and `&` begin the names of rooms (Modern IRC "Channels"); a person's name begins with neither.
pub fn is_room(name: &str) -> bool {
    name.starts_with(['#', '&'])
}

/// The first word, and the rest without the spaces before it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim_start()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn typed_lines_are_understood() {
        let check = |line: &str, typed: Typed| assert_eq!(parse(line), Ok(typed), "{line}");
        let some = |text: &str| Some(text.to_owned());
        check("hello there", Typed::Say("hello there".to_owned()));
        check("  indented", Typed::Say("  indented".to_owned()));
        check("", Typed::Nothing);
        check("   \r\n", Typed::Nothing);
        check("//etc/hosts", Typed::Say("/etc/hosts".to_owned()));
        check("/me waves  twice", Typed::Me("waves  twice".to_owned()));
        check("/join tea", Typed::Join { rooms: vec!["#tea".to_owned()], key: None });
        check(
            "/JOIN #tea,coffee secret",
            Typed::Join { rooms: vec!["#tea".to_owned(), "#coffee".to_owned()], key: some("secret") },
        );
        check("/part", Typed::Part { room: None, reason: None });
        check("/part #tea bye now", Typed::Part { room: some("#tea"), reason: some("bye now") });
        check("/part bye now", Typed::Part { room: None, reason: some("bye now") });
        check("/msg bob hi there", Typed::Message { to: "bob".to_owned(), text: "hi there".to_owned() });
        check("/nick alicia", Typed::Nick("alicia".to_owned()));
        check("/topic", Typed::Topic(None));
        check("/topic Tea at 5", Typed::Topic(some("Tea at 5")));
        check("/away lunch", Typed::Away(some("lunch")));
        check("/back", Typed::Away(None));
        check("/group bob, carol", Typed::Group(vec!["bob".to_owned(), "carol".to_owned()]));
        check("/groups", Typed::Group(Vec::new()));
        check("/search \"green tea\" in:#tea", Typed::Search("\"green tea\" in:#tea".to_owned()));
        check("/pins", Typed::Pins);
        check("/pin bob", Typed::Pin("bob".to_owned()));
        check("/unpin 2", Typed::Unpin("2".to_owned()));
        check("/report bob be nice", Typed::Report { who: "bob".to_owned(), reason: "be nice".to_owned() });
        check("/invite bob tea", Typed::Invite { who: "bob".to_owned(), room: some("#tea") });
        check("/kick bob be nice", Typed::Kick { who: "bob".to_owned(), reason: some("be nice") });
        check("/mode #tea +m", Typed::Mode("#tea +m".to_owned()));
        check("/quote PING x", Typed::Quote("PING x".to_owned()));
        check("/quit", Typed::Quit(None));
        check("/quit see you", Typed::Quit(some("see you")));
    }

    #[test]
    fn mistakes_get_a_sentence() {
        let check = |line: &str, sentence: &str| assert_eq!(parse(line), Err(sentence.to_owned()));
        check(
            "/dance",
            "There is no command /dance; /help lists those that exist, and text that begins with a slash is written with two.",
        );
        check("/msg bob", "/msg needs more than that; write it as /msg NAME TEXT.");
        check("/join", "/join needs more than that; write it as /join ROOM [KEY].");
        check("/search", "/search needs more than that; write it as /search WORDS [in:ROOM].");
        check("/nick ", "/nick needs more than that; write it as /nick NAME.");
    }

    #[test]
    fn everything_in_the_help_exists() {
        for help in COMMANDS {
            let line = format!("/{} a b", help.name);
            assert!(parse(&line).is_ok(), "{line}");
            assert!(help.usage.starts_with(&format!("/{}", help.name)));
        }
    }

    proptest! {
        #[test]
        fn never_panics(line in ".*") {
            let _ = parse(&line);
            let _ = parse(&format!("/{line}"));
        }
    }
}
