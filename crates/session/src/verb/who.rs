//! WHO (RFC 2812 section 3.6.1) and its fields on demand (IRCv3 whox).

use super::{Awaiting, Phase, Verb};
use crate::mode_letters::prefixes;
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{Query, WhoRow, WhoTarget};
use compact_str::CompactString;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "WHO",
    parameters: 0,
    phase: Phase::Registered,
    cost: 3,
    receive,
    help: "WHO <room or mask> [o] [%<fields>[,<token>]]\n\
           Shows who is in a room, or everyone whose name, ident, host, account or realname matches; with o only \
           operators of the server.",
};

/// The fields asked for with whox, and the token that comes back with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whox {
    fields: u16,
    token: CompactString,
}

/// The standard fields, in the order in which they are sent (whox "RPL_WHOSPCRPL").
const FIELDS: &str = "tcuihsnfdlaor";
/// Digits of a token.
const MOST_TOKEN: usize = 3;

impl Whox {
    /// Reads what stands behind the percent sign. Unknown fields mean nothing.
    fn parse(text: &str) -> Whox {
        let (letters, token) = text.split_once(',').unwrap_or((text, ""));
        let fields = letters.chars().filter_map(|c| FIELDS.find(c)).fold(0, |fields, place| fields | 1 << place);
        let is_token = (1..=MOST_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_digit());
        let token = if is_token { token } else { "0" };
        Whox { fields, token: token.into() }
    }

    fn has(&self, field: char) -> bool {
        FIELDS.find(field).is_some_and(|place| self.fields & 1 << place != 0)
    }
}

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let mask = line.param(0).filter(|mask| !mask.is_empty()).unwrap_or("*");
    let options = line.param(1).unwrap_or_default();
    // Flags may stand before the percent sign; `o` is the one that means something (RFC 2812).
    let (flags, fields) = match options.split_once('%') {
        Some((flags, fields)) => (flags, Some(fields)),
        None => (options, None),
    };
    let of = if targets::is_room(mask) {
        match chat::name::ChatroomName::parse(mask, &turn.facts.name_rules) {
            Ok(room) => WhoTarget::Room(room),
            Err(_) => return write_end(turn, mask),
        }
    } else {
        // RFC 1459 section 4.5.1: "0" is everyone.
        WhoTarget::Mask(if mask == "0" { "*".into() } else { mask.into() })
    };
    turn.await_with(Awaiting::Who { mask: mask.into(), whox: fields.map(Whox::parse) });
    turn.ask(Command::Ask(Query::Who { of, operators_only: flags.contains('o') }));
}

pub(crate) fn write(turn: &mut Turn<'_>, mask: &str, whox: Option<&Whox>, rows: &[WhoRow]) {
    for row in rows {
        match whox {
            Some(whox) => write_fields(turn, whox, row),
            None => write_plain(turn, row),
        }
    }
    write_end(turn, mask);
}

/// 315. Also all there is for a room or a person that does not exist.
pub(crate) fn write_end(turn: &mut Turn<'_>, mask: &str) {
    turn.numeric(Numeric::RPL_ENDOFWHO).param(targets::shown(mask)).trailing("End of WHO list");
}

/// 352.
fn write_plain(turn: &mut Turn<'_>, row: &WhoRow) {
    let flags = flags_of(turn, row);
    let person = &row.person;
    let server = &turn.facts.server_name;
    turn.numeric_about(Numeric::RPL_WHOREPLY, person.id)
        .param(row.room.as_ref().map_or("*", |(room, _)| room))
        .param(&person.ident)
        .param(&person.host)
        .param(server)
        .param(&person.name)
        .param(&flags)
        .trailing_cut(&format!("0 {}", person.realname));
}

/// 354.
fn write_fields(turn: &mut Turn<'_>, whox: &Whox, row: &WhoRow) {
    let flags = flags_of(turn, row);
    let person = &row.person;
    let server = &turn.facts.server_name;
    let mut line = turn.numeric_about(Numeric::RPL_WHOSPCRPL, person.id);
    for field in FIELDS.chars().filter(|field| whox.has(*field)) {
        line = match field {
            't' => line.param(&whox.token),
            'c' => line.param(row.room.as_ref().map_or("*", |(room, _)| room)),
            'u' => line.param(&person.ident),
            'i' => match row.address {
                // An IPv6 address that begins with a colon would be read as the last parameter.
                Some(address) if address.to_string().starts_with(':') => line.param_fmt(format_args!("0{address}")),
                Some(address) => line.param_fmt(format_args!("{address}")),
                // whox: "when the server refuses to disclose the IP address".
                None => line.param("255.255.255.255"),
            },
            'h' => line.param(&person.host),
            's' => line.param(server),
            'n' => line.param(&person.name),
            'f' => line.param(&flags),
            'd' => line.param("0"),
            'l' => line.param_fmt(format_args!("{}", row.idle_seconds)),
            'a' => line.param(person.account.as_deref().unwrap_or("0")),
            'o' => line.param("n/a"),
            // `r` is the last.
            _ => return line.trailing_cut(&person.realname),
        };
    }
    line.end();
}

/// `H` here or `G` gone, `*` for an operator of the server, ranks in the room, and last `B` for a bot: in the order of Modern
/// IRC "RPL_WHOREPLY", where other letters come behind the ranks.
fn flags_of(turn: &Turn<'_>, row: &WhoRow) -> String {
    let mut flags = String::from(if row.away { "G" } else { "H" });
    if row.operator {
        flags.push('*');
    }
    if let Some((_, roles)) = &row.room {
        flags.extend(prefixes(*roles, turn.has(Capability::MultiPrefix)));
    }
    if row.person.bot {
        flags.push('B');
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn fields_and_tokens_are_read() {
        let check = |text: &str, fields: &str, token: &str| {
            let whox = Whox::parse(text);
            let found: String = FIELDS.chars().filter(|field| whox.has(*field)).collect();
            assert_eq!((found.as_str(), whox.token.as_str()), (fields, token), "{text}");
        };
        check("tcuihsnfdlaor,123", FIELDS, "123");
        check("roaldfnshiuct,1", FIELDS, "1");
        check("na", "na", "0");
        check("zqnt,99", "tn", "99");
        check("tn,1234", "tn", "0");
        check("tn,1x", "tn", "0");
        check("", "", "0");
    }

    #[test]
    fn rows_of_rooms_and_people() {
        check(
            "alice=
             bob= multi-prefix
             alice> JOIN #tea
             alice> MODE #tea +v alice
             alice> MODE alice +B
             alice> AWAY :gone
             alice<<
             bob> JOIN #tea
             bob<<
             alice<<
             bob> WHO #TEA
             bob< :irc.example 352 bob #tea ~alice … irc.example alice G@+B :0 alice
             bob< :irc.example 352 bob #tea ~bob … irc.example bob H :0 bob
             bob< :irc.example 315 bob #TEA :End of WHO list
             alice> WHO alice
             alice< :irc.example 352 alice #tea ~alice … irc.example alice G@B :0 alice
             alice< :irc.example 315 alice alice :End of WHO list
             bob> WHO ali*
             bob< :irc.example 352 bob #tea ~alice … alice G@+B :0 alice
             bob< :irc.example 315 bob ali* :End of WHO list
             bob> WHO alice o
             bob< :irc.example 315 bob alice :End of WHO list
             bob> WHO nobody
             bob< :irc.example 315 bob nobody :End of WHO list
             bob> WHO #nowhere
             bob< :irc.example 315 bob #nowhere :End of WHO list
             bob> WHO #a*
             bob< :irc.example 315 bob #a* :End of WHO list",
        );
    }

    #[test]
    fn people_are_known_by_their_ids_to_those_who_ask_for_them() {
        check(
            "alice=
             bob= parlor/identity
             bob> WHO alice
             bob< @parlor/sender-id=… :irc.example 352 bob * ~alice … irc.example alice H :0 alice
             bob< :irc.example 315 bob alice :End of WHO list
             bob> WHO alice %na
             bob< @parlor/sender-id=… :irc.example 354 bob alice 0
             bob< :irc.example 315 bob alice :End of WHO list
             bob> WHOIS alice
             bob< @parlor/sender-id=… :irc.example 311 bob alice ~alice … * :alice
             bob<<",
        );
    }

    #[test]
    fn fields_on_demand() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice<<
             bob> WHO alice %tcuihsnfdlaor,123
             bob< :irc.example 354 bob 123 #tea ~alice 255.255.255.255 … irc.example alice H@ 0 0 0 n/a :alice
             bob< :irc.example 315 bob alice :End of WHO list
             bob> WHO alice o%na
             bob< :irc.example 315 bob alice :End of WHO list
             bob> WHO alice %na
             bob< :irc.example 354 bob alice 0
             bob< :irc.example 315 bob alice :End of WHO list
             alice> WHO alice %ti,42
             alice< :irc.example 354 alice 42 192.0.2.1
             alice< :irc.example 315 alice alice :End of WHO list",
        );
    }
}
