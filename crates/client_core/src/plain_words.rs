//! What the protocol says in numbers and codes, as sentences for people: what is wrong, where, and the mend.
//!
//! One table for numerics, one for standard replies (FAIL, WARN, NOTE). A code in neither is shown in the server's own
//! words. Names follow the Modern IRC Client Protocol and the IRCv3 specifications.

/// What a numeric is for, and so where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something asked for was not done.
    Refusal,
    /// An answer worth showing.
    Information,
    /// Carries nothing that a person has to read: ends of lists, counters, and what is shown in another way.
    Silent,
}

/// A numeric's sentence. `{1}`, `{2}` … are its parameters after the reader's own nick, `{text}` is the last one.
#[derive(Debug, Clone, Copy)]
pub struct NumericWords {
    pub code: u16,
    pub tone: Tone,
    pub words: &'static str,
}

/// A standard reply's sentence. `command` is `*` where the code means the same everywhere. `{1}` … are the context
/// parameters, `{command}` the command, `{text}` the server's description.
#[derive(Debug, Clone, Copy)]
pub struct ReplyWords {
    pub command: &'static str,
    pub code: &'static str,
    pub words: &'static str,
}

/// The sentence for a numeric, with its tone. `params` are all its parameters, the reader's nick first. A code that
/// the table does not have is a refusal from 400 to 599 and information otherwise, in the server's own words.
pub fn numeric(code: u16, params: &[&str]) -> (Tone, String) {
    let own = params.get(1..).unwrap_or_default();
    match NUMERICS.binary_search_by_key(&code, |entry| entry.code) {
        Ok(index) => (NUMERICS[index].tone, filled(NUMERICS[index].words, "", own)),
        Err(_) => {
            let tone = if (400..600).contains(&code) { Tone::Refusal } else { Tone::Information };
            (tone, as_sentence(&own.join(" ")))
        }
    }
}

/// The sentence for a standard reply (IRCv3 standard-replies): `FAIL <command> <code> [<context>...] :<description>`.
/// `context` ends with the description.
pub fn standard_reply(command: &str, code: &str, context: &[&str]) -> String {
    let exact = STANDARD_REPLIES.iter().find(|entry| entry.code == code && entry.command == command);
    let general = || STANDARD_REPLIES.iter().find(|entry| entry.code == code && entry.command == "*");
    match exact.or_else(general) {
        Some(entry) => filled(entry.words, command, context),
        None => as_sentence(context.last().copied().unwrap_or(code)),
    }
}

/// Puts the parameters into their places. A missing one leaves "it", which reads better than a hole.
fn filled(words: &str, command: &str, params: &[&str]) -> String {
    let mut sentence = String::with_capacity(words.len() + 32);
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        sentence.push_str(before);
        sentence.push_str(match place {
            "text" => params.last().copied().unwrap_or("no reason given"),
            "command" => command,
            number => number
                .parse::<usize>()
                .ok()
                .and_then(|number| params.get(number.wrapping_sub(1)))
                .copied()
                .unwrap_or("it"),
        });
        rest = after;
    }
    sentence.push_str(rest);
    as_sentence(&sentence)
}

/// With a full stop, unless it ends with a mark already.
fn as_sentence(text: &str) -> String {
    let text = text.trim();
    match text.chars().last() {
        None => "The server refused, and gave no reason.".to_owned(),
        Some('.' | '!' | '?' | '…' | ')' | ':') => text.to_owned(),
        Some(_) => format!("{text}."),
    }
}

use Tone::{Information, Refusal, Silent};

const fn words(code: u16, tone: Tone, words: &'static str) -> NumericWords {
    NumericWords { code, tone, words }
}

/// Rising codes. A refusal has two parts with `;` between them: what is wrong; the mend.
pub const NUMERICS: &[NumericWords] = &[
    words(1, Silent, "{text}"),
    words(2, Silent, "{text}"),
    words(3, Silent, "{text}"),
    words(4, Silent, "{text}"),
    words(5, Silent, "{text}"),
    words(8, Silent, "{text}"),
    words(10, Information, "The server asks you to use another one: {1}, port {2}."),
    words(42, Silent, "{text}"),
    words(105, Silent, "{text}"),
    words(219, Silent, "{text}"),
    words(221, Information, "Your own modes are {1}."),
    words(250, Silent, "{text}"),
    words(251, Silent, "{text}"),
    words(252, Silent, "{text}"),
    words(253, Silent, "{text}"),
    words(254, Silent, "{text}"),
    words(255, Silent, "{text}"),
    words(256, Information, "{text}"),
    words(257, Information, "{text}"),
    words(258, Information, "{text}"),
    words(259, Information, "{text}"),
    words(263, Refusal, "The server is too busy for {1}; wait a little and try again."),
    words(265, Silent, "{text}"),
    words(266, Silent, "{text}"),
    words(276, Information, "{1} {text}."),
    words(301, Information, "{1} is away: {text}"),
    words(302, Information, "{text}"),
    words(303, Information, "Of those you asked for, these are here: {text}"),
    words(305, Information, "You are no longer marked as away."),
    words(306, Information, "You are marked as away."),
    words(307, Information, "{1} is logged in."),
    words(311, Information, "{1} is {5} ({2}@{3})."),
    words(312, Information, "{1} is connected to {2} ({3})."),
    words(313, Information, "{1} is an operator of this server."),
    words(314, Information, "{1} was {5} ({2}@{3})."),
    words(315, Silent, "{text}"),
    words(317, Information, "{1} has said nothing for {2} seconds."),
    words(318, Silent, "{text}"),
    words(319, Information, "{1} is in {2}."),
    words(320, Information, "{1} {text}."),
    words(321, Silent, "{text}"),
    words(322, Information, "{1}: {2} here. {3}"),
    words(323, Silent, "{text}"),
    words(324, Information, "The modes of {1} are {2}."),
    words(329, Silent, "{text}"),
    words(330, Information, "{1} is logged in as {2}."),
    words(331, Information, "{1} has no topic."),
    words(332, Silent, "{text}"),
    words(333, Silent, "{text}"),
    words(335, Information, "{1} is a bot."),
    words(336, Information, "You are invited to {1}."),
    words(337, Silent, "{text}"),
    words(338, Information, "{1} connects from {2}."),
    words(341, Information, "{1} has been invited to {2}."),
    words(346, Information, "{2} may join {1} without an invitation."),
    words(347, Silent, "{text}"),
    words(348, Information, "{2} is exempt from the bans of {1}."),
    words(349, Silent, "{text}"),
    words(351, Information, "The server runs {1}."),
    words(352, Information, "{5} ({2}@{3}) is in {1}."),
    words(353, Silent, "{text}"),
    words(354, Silent, "{text}"),
    words(364, Information, "{1} is linked to {2}."),
    words(365, Silent, "{text}"),
    words(366, Silent, "{text}"),
    words(367, Information, "{2} is banned from {1}."),
    words(368, Silent, "{text}"),
    words(369, Silent, "{text}"),
    words(371, Information, "{text}"),
    words(372, Information, "{text}"),
    words(374, Silent, "{text}"),
    words(375, Silent, "{text}"),
    words(376, Silent, "{text}"),
    words(378, Information, "{1} {text}."),
    words(379, Information, "{1} {text}."),
    words(381, Information, "You are now an operator of this server."),
    words(382, Information, "The server reads {1} again."),
    words(391, Information, "It is {text} on the server's clock."),
    words(396, Information, "Others see your address as {1}."),
    words(
        400,
        Refusal,
        "The server could not carry out {1} ({text}); try again, and tell its administrator if it stays so.",
    ),
    words(401, Refusal, "Nobody called {1} is here; check the spelling, or see who is here with /names."),
    words(402, Refusal, "There is no server called {1}; leave the server's name out."),
    words(
        403,
        Refusal,
        "There is no room {1}; /list shows the rooms that exist, and the name of a room begins with #.",
    ),
    words(404, Refusal, "You may not post in {1}; join it first, or ask one of its operators to let you speak."),
    words(405, Refusal, "You are in too many rooms to join {1} as well; leave one with /part first."),
    words(406, Refusal, "Nobody called {1} was here lately; check the spelling."),
    words(407, Refusal, "That was for too many at once ({1}); send it to fewer."),
    words(408, Refusal, "There is no such service as {1}; check the spelling."),
    words(409, Refusal, "The server missed a part of a PING; connect again."),
    words(
        410,
        Refusal,
        "The server does not know a part of the negotiation ({1}); connect again, and tell its administrator if it stays so.",
    ),
    words(411, Refusal, "The message says nobody to send it to; use /msg NAME TEXT."),
    words(412, Refusal, "There was no text to send; type some after the name."),
    words(413, Refusal, "{1} reaches too many people; name a smaller group."),
    words(414, Refusal, "{1} reaches too many people; name a smaller group."),
    words(415, Refusal, "{1} is not a group that a message can be sent to; name a person or a room."),
    words(416, Refusal, "The answer to {1} would be too long; ask for less."),
    words(417, Refusal, "That line is too long for the server; send it as several shorter ones."),
    words(421, Refusal, "The server does not know the command {1}; type /help for those that you can use."),
    words(422, Silent, "{text}"),
    words(423, Refusal, "The server does not say who runs it; ask someone in a room."),
    words(424, Refusal, "The server could not read one of its files; tell its administrator."),
    words(431, Refusal, "No name was given; use /nick NAME."),
    words(
        432,
        Refusal,
        "{1} cannot be a name here; choose another of letters, digits, - and _ that does not begin with a digit.",
    ),
    words(433, Refusal, "The name {1} is taken; choose another one, or log in if it is yours."),
    words(435, Refusal, "You cannot be called {1} while you are banned from {2}; leave that room first."),
    words(436, Refusal, "The name {1} is taken; choose another one, or log in if it is yours."),
    words(437, Refusal, "{1} cannot be used just now; wait a little, or choose another name."),
    words(438, Refusal, "You have changed your name too often; wait a little and try again."),
    words(440, Refusal, "The server's services are away; try again later."),
    words(441, Refusal, "{1} is not in {2}; /names shows who is."),
    words(442, Refusal, "You are not in {1}; join it first with /join {1}."),
    words(443, Refusal, "{1} is in {2} already; no invitation is needed."),
    words(444, Refusal, "{1} is not logged in; ask for someone who is."),
    words(445, Refusal, "The server does not summon people; write to them with /msg."),
    words(446, Refusal, "The server does not list its users so; see who is here with /names."),
    words(447, Refusal, "Your name cannot be changed now ({text}); keep it, or ask the server's administrator."),
    words(451, Refusal, "You are not logged in yet; wait a moment and try again."),
    words(461, Refusal, "{1} needs more than that; type /help to see how it is used."),
    words(462, Refusal, "You are logged in already; leave with /quit to come as someone else."),
    words(463, Refusal, "The server does not let your address in; write to its administrator."),
    words(464, Refusal, "The server's own password is missing or wrong; ask its administrator for it."),
    words(465, Refusal, "You are banned from this server ({text}); write to its administrator if that is a mistake."),
    words(466, Refusal, "You are about to be banned from this server; write to its administrator."),
    words(467, Refusal, "{1} has a key already; take that one away first."),
    words(468, Refusal, "The server refuses the user name; choose another of letters and digits."),
    words(470, Refusal, "{1} sends its visitors on to {2}; go there, or ask in {2} why."),
    words(471, Refusal, "{1} is full; try again later."),
    words(472, Refusal, "The server does not know the mode {1}; /quote HELP MODE shows those that it knows."),
    words(473, Refusal, "{1} is by invitation only; ask someone inside to /invite you."),
    words(474, Refusal, "You are banned from {1}; ask one of its operators to lift the ban."),
    words(475, Refusal, "{1} asks for a key, and the one given is missing or wrong; use /join {1} KEY."),
    words(476, Refusal, "{1} cannot be the name of a room; begin it with # and use no spaces or commas."),
    words(477, Refusal, "{1} is for people with an account; log in, or register an account first."),
    words(478, Refusal, "A list of {1} is full, so {2} was not added; remove an entry first."),
    words(479, Refusal, "{1} cannot be the name of a room; begin it with # and use no spaces or commas."),
    words(480, Refusal, "You cannot knock at {1} ({text}); wait a little, or just join it."),
    words(481, Refusal, "Only operators of the server may do that; ask one of them."),
    words(482, Refusal, "Only operators of {1} may do that; ask one of them."),
    words(483, Refusal, "A server cannot be thrown out; name a person."),
    words(484, Refusal, "Your connection is restricted here ({text}); write to the server's administrator."),
    words(485, Refusal, "Only the founder of {1} may do that; ask that person."),
    words(486, Refusal, "{1} takes messages only from people with an account; log in first."),
    words(488, Refusal, "{1} takes messages only over encrypted connections; connect again with TLS."),
    words(489, Refusal, "{1} is for encrypted connections; connect again with TLS."),
    words(
        491,
        Refusal,
        "You may not become an operator from where you are; connect from an address that the server's administrator allows.",
    ),
    words(492, Refusal, "{1} takes no such messages; write plain text."),
    words(494, Refusal, "You would not see the answer, since you refuse messages from {1}; allow them first."),
    words(501, Refusal, "The server does not know that mode; /quote HELP UMODE shows those that it knows."),
    words(502, Refusal, "You can see and change only your own modes; use your own name."),
    words(504, Refusal, "{1} is not on this server; check the spelling."),
    words(511, Refusal, "Your list is full; remove an entry first."),
    words(512, Refusal, "{1} is not on your list; there is nothing to remove."),
    words(520, Refusal, "{1} is for operators of the server; ask one of them."),
    words(524, Refusal, "The server has no help on {1}; type /help for the commands of this program."),
    words(525, Refusal, "That cannot be a key of {1}; choose another one without spaces or commas."),
    words(530, Refusal, "You would see no difference ({text}); choose another value."),
    words(531, Refusal, "You cannot write to {1} ({text}); log in first, or ask in a room that you share."),
    words(671, Information, "{1} uses an encrypted connection."),
    words(691, Refusal, "The server could not start encryption ({text}); connect to its TLS port instead."),
    words(696, Refusal, "{3} is no value for the mode {2} of {1}; choose another one ({text})."),
    words(704, Information, "{text}"),
    words(705, Information, "{text}"),
    words(706, Silent, "{text}"),
    words(710, Information, "{2} knocks at {1} and asks to be invited."),
    words(711, Information, "You have knocked at {1}."),
    words(712, Refusal, "You have knocked at {1} too often; wait a little and try again."),
    words(713, Refusal, "{1} is open; join it with /join {1}."),
    words(714, Refusal, "You are in {1} already; no knocking is needed."),
    words(716, Refusal, "{1} takes messages only from people on a list; ask in a room that you share to be put on it."),
    words(717, Information, "{1} has been told that you want to write."),
    words(723, Refusal, "You lack the right to do that ({1}); ask an operator of the server."),
    words(728, Information, "{3} is quieted in {1}."),
    words(729, Silent, "{text}"),
    words(730, Information, "Now here: {1}."),
    words(731, Information, "Not here: {1}."),
    words(732, Information, "You watch {1}."),
    words(733, Silent, "{text}"),
    words(734, Refusal, "You watch {1} people, and no more is allowed; stop watching one first."),
    words(742, Refusal, "The mode {2} of {1} is fixed by the server; ask its administrator."),
    words(900, Silent, "{text}"),
    words(901, Information, "You are no longer logged in."),
    words(902, Refusal, "This account is closed to logging in; write to the server's administrator."),
    words(903, Silent, "{text}"),
    words(904, Refusal, "The name or the password is wrong; check both and try again."),
    words(905, Refusal, "The password is too long for this server; ask its administrator for another one."),
    words(906, Refusal, "The login was broken off; try again."),
    words(907, Refusal, "You are logged in already; leave with /quit to come as someone else."),
    words(908, Silent, "{text}"),
    words(926, Refusal, "The room {1} is closed by this server ({text}); join another one."),
    words(973, Refusal, "The mode {1} cannot be changed by you; ask an operator of the server."),
    words(974, Refusal, "The mode {1} cannot be changed now ({text}); ask an operator of the server."),
];

const fn reply(command: &'static str, code: &'static str, words: &'static str) -> ReplyWords {
    ReplyWords { command, code, words }
}

pub const STANDARD_REPLIES: &[ReplyWords] = &[
    reply("*", "ACCOUNT_REQUIRED", "This server is for people with an account; log in, or register an account first."),
    reply(
        "*",
        "ACCOUNT_REQUIRED_TO_CONNECT",
        "This server is for people with an account; log in, or register an account first.",
    ),
    reply("*", "ALREADY_AUTHENTICATED", "You are logged in already; leave with /quit to come as someone else."),
    reply(
        "*",
        "COMPLETE_CONNECTION_REQUIRED",
        "That works only after the login is complete; wait a moment and try again.",
    ),
    reply("*", "DISABLED", "This server has {command} switched off; ask its administrator."),
    reply(
        "*",
        "INTERNAL_ERROR",
        "The server could not do that because of a fault of its own; try again, and tell its administrator if it stays so.",
    ),
    reply(
        "*",
        "INVALID_PARAMS",
        "The server does not understand the rest of {command} ({text}); type /help to see how it is used.",
    ),
    reply("*", "INVALID_TARGET", "There is no {1} that {command} could be for; check the name."),
    reply(
        "*",
        "INVALID_UTF8",
        "The text has bytes that are not UTF-8; set your terminal or file to UTF-8 and send it again.",
    ),
    reply(
        "*",
        "MESSAGE_ERROR",
        "The server could not read its messages; try again, and tell its administrator if it stays so.",
    ),
    reply("*", "NEED_MORE_PARAMS", "{command} needs more than that; type /help to see how it is used."),
    reply("*", "NEED_REGISTRATION", "That works only after the login is complete; wait a moment and try again."),
    reply("*", "NOT_LOGGED_IN", "That is for people with an account; log in first."),
    reply("*", "RATE_LIMITED", "That was too much at once; wait a little and try again."),
    reply("*", "SECURE_CONNECTION_REQUIRED", "That works only over an encrypted connection; connect again with TLS."),
    reply(
        "*",
        "STORAGE_ERROR",
        "The server could not write to its disk, so nothing was done; try again later, and tell its administrator.",
    ),
    reply(
        "*",
        "STORAGE_FULL",
        "The server's disk is full, so nothing was done; try again later, and tell its administrator.",
    ),
    reply("*", "TEMPORARILY_UNAVAILABLE", "The server cannot do that just now; wait a little and try again."),
    reply("*", "TOO_MANY_ATTEMPTS", "There were too many attempts; wait a minute and try again."),
    reply(
        "AUTHENTICATE",
        "SECURE_CONNECTION_REQUIRED",
        "The server takes passwords only over encrypted connections; connect again with TLS.",
    ),
    reply("BATCH", "MULTILINE_INVALID", "The server could not put the lines together ({text}); send them one by one."),
    reply("BATCH", "MULTILINE_INVALID_TARGET", "The lines were not all for the same room; send them again."),
    reply("BATCH", "MULTILINE_MAX_BYTES", "The message is longer than {1} bytes; send it in parts."),
    reply("BATCH", "MULTILINE_MAX_LINES", "The message has more than {1} lines; send it in parts."),
    reply("CHATHISTORY", "INVALID_MSGREFTYPE", "The server cannot find messages so; ask by time instead."),
    reply("CHATHISTORY", "INVALID_TARGET", "You cannot read the history of {2}; join it first."),
    reply("JOIN", "CHANNEL_RENAMED", "The room {1} is now called {2}; join it with /join {2}."),
    reply("METADATA", "KEY_INVALID", "{1} cannot be the name of an entry; use letters, digits, _ . : / and -."),
    reply("METADATA", "KEY_NO_PERMISSION", "You may not change {2} of {1}; ask one who may."),
    reply("METADATA", "KEY_NOT_SET", "{1} has no entry {2}; there is nothing to remove."),
    reply("METADATA", "LIMIT_REACHED", "There are too many entries already; remove one first."),
    reply("METADATA", "VALUE_INVALID", "That value cannot be kept; shorten it, and use valid UTF-8."),
    reply(
        "NICK",
        "NICKNAME_INVALID",
        "{1} cannot be a name here; choose another of letters, digits, - and _ that does not begin with a digit.",
    ),
    reply("NICK", "NICKNAME_IN_USE", "The name {1} is taken; choose another one, or log in if it is yours."),
    reply(
        "NICK",
        "NICKNAME_RESERVED",
        "The name {1} belongs to an account; log in if it is yours, or choose another one.",
    ),
    reply(
        "PRIVMSG",
        "STORAGE_ERROR",
        "The server could not write the message to its disk, so nobody has seen it; send it again later, and tell the administrator.",
    ),
    reply(
        "PRIVMSG",
        "STORAGE_FULL",
        "The server's disk is full, so nobody has seen the message; send it again later, and tell the administrator.",
    ),
    reply("PIN", "ALREADY_PINNED", "That message is kept in view already; there is nothing to do."),
    reply("PIN", "CANNOT_PIN", "That was said to a few alone and cannot be kept in view for all; pin another message."),
    reply("PIN", "TOO_MANY_PINS", "{1} keeps {3} messages in view already; unpin one of them first."),
    reply("PIN", "UNKNOWN_MSGID", "There is no such message; check the name of who said it."),
    reply("UNPIN", "NOT_PINNED", "That message is not kept in view; /pins shows what is."),
    reply("REPORT", "ALREADY_REPORTED", "You have reported this message already; those who moderate have seen it."),
    reply("REPORT", "CANNOT_REPORT", "What you said yourself cannot be reported; delete it instead."),
    reply("REPORT", "UNKNOWN_MSGID", "There is no such message; check the name of who said it."),
    reply("REDACT", "REDACT_FORBIDDEN", "You may not delete that message; ask an operator of the room."),
    reply("REDACT", "REDACT_WINDOW_EXPIRED", "That message is too old to be deleted; ask an operator of the room."),
    reply("REDACT", "UNKNOWN_MSGID", "There is no such message any more; look it up again."),
    reply(
        "REGISTER",
        "ACCOUNT_EXISTS",
        "The name {1} belongs to an account already; log in if it is yours, or choose another one.",
    ),
    reply(
        "REGISTER",
        "ACCOUNT_NAME_MUST_BE_NICK",
        "The account must have the name that you use now; change it first with /nick {1}.",
    ),
    reply(
        "REGISTER",
        "ALREADY_AUTHENTICATED",
        "You are logged in already, so no account was made; leave with /quit to come as someone else.",
    ),
    reply("REGISTER", "BAD_ACCOUNT_NAME", "{1} cannot be the name of an account; choose another one ({text})."),
    reply("REGISTER", "DISABLED", "This server takes no new accounts; ask its administrator for one."),
    reply("REGISTER", "INVALID_EMAIL", "The server cannot send to that e-mail address; check it and try again."),
    reply("REGISTER", "NEED_NICK", "An account needs a name first; choose one with /nick."),
    reply("REGISTER", "REGISTRATION_CLOSED", "This server takes no new accounts; ask its administrator for one."),
    reply("REGISTER", "TEMPORARILY_UNAVAILABLE", "The server makes no new account just now ({text}); try again later."),
    reply("REGISTER", "UNACCEPTABLE_EMAIL", "That e-mail address cannot be used here; give another one."),
    reply("REGISTER", "UNACCEPTABLE_PASSWORD", "That password cannot be used here; choose another one ({text})."),
    reply("REGISTER", "WEAK_PASSWORD", "That password is too easy to guess; choose a longer one."),
    reply(
        "REHASH",
        "CONFIG_BAD",
        "The server's configuration has a fault and was not taken over; correct it and try again ({text}).",
    ),
    reply("RENAME", "CANNOT_RENAME", "{1} cannot be called {2}; choose another name ({text})."),
    reply("RENAME", "CHANNEL_NAME_IN_USE", "There is a room {2} already; choose another name."),
    reply(
        "SETNAME",
        "CANNOT_CHANGE_REALNAME",
        "The name shown beside yours cannot be changed here; ask an operator of the server.",
    ),
    reply("SETNAME", "INVALID_REALNAME", "That cannot be shown beside your name; choose a shorter one."),
    reply("VERIFY", "INVALID_CODE", "The code is wrong or too old; ask for a new one."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numerics_stand_in_order_once_each() {
        assert!(NUMERICS.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn each_standard_reply_stands_once() {
        let mut keys: Vec<_> = STANDARD_REPLIES.iter().map(|entry| (entry.command, entry.code)).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    }

    /// What a person is told never needs the protocol to be understood, and always says what to do.
    #[test]
    fn every_refusal_is_a_plain_sentence_with_a_mend() {
        let check = |name: String, words: &str| {
            assert!(words.ends_with('.'), "{name}: {words}");
            assert_eq!(words.matches(';').count(), 1, "{name} says what is wrong; the mend: {words}");
            assert_eq!(words.matches('{').count(), words.matches('}').count(), "{name}: {words}");
            assert!(
                !words.contains("ERR_")
                    && !words.contains("RPL_")
                    && !words.contains("channel")
                    && !words.contains("nickname"),
                "{name}: {words}"
            );
            let first = words.chars().next().unwrap();
            assert!(first.is_uppercase() || first == '{', "{name}: {words}");
        };
        for entry in NUMERICS.iter().filter(|entry| entry.tone == Refusal) {
            check(entry.code.to_string(), entry.words);
        }
        for entry in STANDARD_REPLIES {
            check(format!("{} {}", entry.command, entry.code), entry.words);
        }
    }

    #[test]
    fn every_place_in_a_sentence_is_a_parameter() {
        for words in NUMERICS.iter().map(|entry| entry.words).chain(STANDARD_REPLIES.iter().map(|entry| entry.words)) {
            for place in words.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()) {
                assert!(matches!(place, "text" | "command" | "1" | "2" | "3" | "4" | "5"), "{words}");
            }
        }
    }

    #[test]
    fn parameters_come_into_their_places() {
        let check = |code: u16, params: &[&str], tone: Tone, sentence: &str| {
            assert_eq!(numeric(code, params), (tone, sentence.to_owned()));
        };
        check(
            473,
            &["alice", "#tea", "Cannot join channel (+i)"],
            Refusal,
            "#tea is by invitation only; ask someone inside to /invite you.",
        );
        check(
            433,
            &["*", "alice", "Nickname is already in use"],
            Refusal,
            "The name alice is taken; choose another one, or log in if it is yours.",
        );
        check(301, &["alice", "bob", "gone fishing"], Information, "bob is away: gone fishing.");
        check(
            465,
            &["alice"],
            Refusal,
            "You are banned from this server (no reason given); write to its administrator if that is a mistake.",
        );
        check(
            404,
            &["alice"],
            Refusal,
            "You may not post in it; join it first, or ask one of its operators to let you speak.",
        );
        check(399, &["alice", "Something", "new"], Information, "Something new.");
        check(599, &["alice"], Refusal, "The server refused, and gave no reason.");
        check(599, &[], Refusal, "The server refused, and gave no reason.");
        // A parameter that looks like a place is not filled in again.
        check(
            401,
            &["alice", "{1}{text}", "x"],
            Refusal,
            "Nobody called {1}{text} is here; check the spelling, or see who is here with /names.",
        );
    }

    #[test]
    fn standard_replies_know_their_command() {
        assert_eq!(
            standard_reply("PRIVMSG", "STORAGE_FULL", &["#tea", "Disk full"]),
            "The server's disk is full, so nobody has seen the message; send it again later, and tell the administrator."
        );
        assert_eq!(
            standard_reply("TOPIC", "STORAGE_FULL", &["Disk full"]),
            "The server's disk is full, so nothing was done; try again later, and tell its administrator."
        );
        assert_eq!(
            standard_reply("REGISTER", "BAD_ACCOUNT_NAME", &["a b", "No spaces please"]),
            "a b cannot be the name of an account; choose another one (No spaces please)."
        );
        assert_eq!(standard_reply("BOX", "BOXES_INVALID", &["STACK", "Not clear how high"]), "Not clear how high.");
        assert_eq!(standard_reply("BOX", "BOXES_INVALID", &[]), "BOXES_INVALID.");
    }
}
