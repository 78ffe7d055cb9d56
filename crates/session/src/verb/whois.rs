//! WHOIS (RFC 2812 section 3.6.2; Modern IRC "WHOIS message").

use super::{Phase, Verb};
use crate::mode_letters::{personal_letter, prefixes, role_prefix};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::membership::{Role, Roles};
use chat::query::{Profile, Query};
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "WHOIS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "WHOIS [<server>] <name>{,<name>}\nShows what can be known of someone.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    // `WHOIS server name`: any server that could be meant is this one. Clients write the name twice for an answer with
    // the idle time, which we give anyway.
    let names = match *line.params() {
        [] => "",
        [names] => names,
        [server, names, ..] => {
            if server != names && !targets::is_this_server(turn, Some(server)) {
                return;
            }
            names
        }
    };
    if targets::list(names).next().is_none() {
        turn.numeric(Numeric::ERR_NONICKNAMEGIVEN).trailing("No nickname given");
    }
    let most = targets::most("WHOIS");
    for (place, name) in targets::list(names).enumerate() {
        if place >= most {
            return targets::one_too_many(turn, name, format_args!("Not shown: at most {most} at once"));
        }
        let name = targets::person(turn, name);
        turn.ask(Command::Ask(Query::Whois { name }));
    }
}

pub(crate) fn write(turn: &mut Turn<'_>, profile: &Profile) {
    use Numeric as N;
    let facts = turn.facts;
    let person = &*profile.person;
    let name = &person.name;
    turn.numeric_about(N::RPL_WHOISUSER, person.id)
        .param(name)
        .param(&person.ident)
        .param(&person.host)
        .param("*")
        .trailing_cut(&person.realname);
    write_rooms(turn, profile);
    turn.numeric(N::RPL_WHOISSERVER).param(name).param(&facts.server_name).trailing_cut(&facts.description);
    if let Some(title) = &profile.operator {
        let title = if title.is_empty() { "is an operator of this server" } else { title };
        turn.numeric(N::RPL_WHOISOPERATOR).param(name).trailing(title);
    }
    if person.bot {
        turn.numeric(N::RPL_WHOISBOT).param(name).trailing_fmt(format_args!("is a bot on {}", facts.network));
    }
    if let Some(account) = &person.account {
        turn.numeric(N::RPL_WHOISACCOUNT).param(name).param(account).trailing("is logged in as");
    }
    if profile.secure {
        turn.numeric(N::RPL_WHOISSECURE).param(name).trailing("is using a secure connection");
    }
    if let Some(fingerprint) = &profile.certificate {
        let hex: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        turn.numeric(N::RPL_WHOISCERTFP)
            .param(name)
            .trailing_fmt(format_args!("has client certificate fingerprint {hex}"));
    }
    if let Some(address) = profile.address {
        // An address that begins with a colon would be read as the last parameter.
        let zero = if address.to_string().starts_with(':') { "0" } else { "" };
        // The longest of the three forms that Modern IRC knows, whose last parameter before the text is the address in all.
        turn.numeric(N::RPL_WHOISACTUALLY)
            .param(name)
            .param_fmt(format_args!("{}@{address}", person.ident))
            .param_fmt(format_args!("{zero}{address}"))
            .trailing("Actual user@host, actual address");
    }
    for gateway in &profile.gateways {
        turn.numeric(N::RPL_WHOISSPECIAL)
            .param(name)
            .trailing_fmt(format_args!("is connected through the gateway {gateway} (WEBIRC)"));
    }
    if let Some(modes) = &profile.modes {
        let letters: String = modes.iter().map(|mode| personal_letter(*mode)).collect();
        turn.numeric(N::RPL_WHOISMODES).param(name).trailing_fmt(format_args!("is using modes +{letters}"));
    }
    if let Some(message) = &profile.away {
        turn.numeric(N::RPL_AWAY).param(name).trailing_cut(message);
    }
    if turn.has(Capability::Metadata2) || turn.has(Capability::Metadata3) {
        for (key, value) in &profile.metadata {
            turn.numeric(N::RPL_WHOISKEYVALUE).param(name).param(key.as_str()).param("*").trailing_cut(value);
        }
    }
    turn.numeric(N::RPL_WHOISIDLE)
        .param(name)
        .param_fmt(format_args!("{}", profile.idle_seconds))
        .param_fmt(format_args!("{}", profile.signed_on.0 / 1000))
        .trailing("seconds idle, signon time");
    write_end(turn, name);
}

/// 319, on as many lines as the rooms need. Who has not asked for all prefixes is shown those of RFC 2812 section 5.1, which
/// older programs look for: `@` for whoever may do what an operator may, `+` for a voice.
fn write_rooms(turn: &mut Turn<'_>, profile: &Profile) {
    let multi_prefix = turn.has(Capability::MultiPrefix);
    let classic = |roles: Roles| {
        let ranks = [Role::Operator, Role::HalfOperator, Role::Voice];
        ranks.into_iter().find(|rank| roles.at_least(*rank)).map(role_prefix)
    };
    let rooms: Vec<String> = profile
        .rooms
        .iter()
        .map(|(room, roles)| {
            let all = prefixes(*roles, true).filter(|_| multi_prefix);
            let one = classic(*roles).filter(|_| !multi_prefix);
            all.chain(one).chain(room.chars()).collect()
        })
        .collect();
    let mut rest = rooms.as_slice();
    while !rest.is_empty() {
        let mut line = turn.numeric(Numeric::RPL_WHOISCHANNELS).param(&profile.person.name).open_trailing();
        let fitting = rest.iter().take_while(|room| line.try_item(' ', room)).count();
        line.end();
        rest = &rest[fitting.max(1)..];
    }
}

/// 318.
pub(crate) fn write_end(turn: &mut Turn<'_>, name: &str) {
    turn.numeric(Numeric::RPL_ENDOFWHOIS).param(targets::shown(name)).trailing("End of /WHOIS list");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    /// Not even from this machine itself is a plain connection called what it is not.
    #[test]
    fn secure_is_who_comes_over_tls() {
        check(
            "alice+ plain loopback
             alice> NICK alice
             alice> USER alice 0 * :alice
             alice<<
             bob=
             carol=
             bob> MODE bob +Z
             bob< :bob!… MODE bob +Z
             bob> WHOIS alice
             bob< :irc.example 311 bob alice …
             bob< :irc.example 312 bob alice …
             bob< :irc.example 317 bob alice …
             bob< :irc.example 318 bob alice …
             alice> PRIVMSG bob :in the clear
             alice< :irc.example 531 alice bob :…
             carol> PRIVMSG bob :hi
             bob< :carol!… PRIVMSG bob :hi",
        );
    }

    #[test]
    fn what_can_be_known() {
        check(
            "alice=
             bob= multi-prefix
             alice> JOIN #tea,#secret
             alice> MODE #tea +v alice
             alice> MODE #secret +s
             alice> MODE alice +B
             alice> AWAY :gone
             alice<<
             bob> WHOIS ALICE
             bob< :irc.example 311 bob alice ~alice … * :alice
             bob< :irc.example 319 bob alice :@+#tea
             bob< :irc.example 312 bob alice irc.example :A parlor
             bob< :irc.example 335 bob alice :is a bot on Example
             bob< :irc.example 671 bob alice :is using a secure connection
             bob< :irc.example 301 bob alice :gone
             bob< :irc.example 317 bob alice 0 1700000000 :seconds idle, signon time
             bob< :irc.example 318 bob alice :End of /WHOIS list
             bob> WHOIS irc.example nobody,none
             bob< :irc.example 401 bob nobody :…
             bob< :irc.example 318 bob nobody :End of /WHOIS list
             bob< :irc.example 401 bob none :…
             bob< :irc.example 318 bob none :End of /WHOIS list
             bob> WHOIS n1,n2,n3,n4,n5,n6
             bob< :irc.example 407 bob n5 :Not shown: at most 4 at once
             bob< :irc.example 401 bob n1 :…
             bob< :irc.example 318 bob n1 :…
             bob< :irc.example 401 bob n2 :…
             bob< :irc.example 318 bob n2 :…
             bob< :irc.example 401 bob n3 :…
             bob< :irc.example 318 bob n3 :…
             bob< :irc.example 401 bob n4 :…
             bob< :irc.example 318 bob n4 :…
             bob> WHOIS other.example alice
             bob< :irc.example 402 bob other.example :…
             bob> WHOIS
             bob< :irc.example 431 bob :No nickname given",
        );
    }

    #[test]
    fn an_owner_is_an_operator_to_those_who_know_two_prefixes() {
        check(
            "alice+
             alice> NICK alice
             alice> USER alice 0 * :alice
             alice<<
             alice> REGISTER * * sesame
             alice<<
             alice> JOIN #tea
             alice<<
             alice> MODE #tea -o alice
             alice<<
             bob=
             bob> WHOIS alice
             bob< :irc.example 311 bob alice …
             bob< :irc.example 319 bob alice :@#tea
             bob<<
             bob> CAP REQ multi-prefix
             bob<<
             bob> WHOIS alice
             bob< :irc.example 311 bob alice …
             bob< :irc.example 319 bob alice :~#tea
             bob<<",
        );
    }

    #[test]
    fn what_only_oneself_may_see() {
        check(
            "alice=
             alice> WHOIS alice alice
             alice< :irc.example 311 alice alice ~alice … * :alice
             alice< :irc.example 312 alice alice irc.example :A parlor
             alice< :irc.example 671 alice alice :…
             alice< :irc.example 338 alice alice ~alice@192.0.2.1 192.0.2.1 :Actual user@host, actual address
             alice< :irc.example 379 alice alice :is using modes +
             alice< :irc.example 317 alice alice 0 1700000000 :…
             alice< :irc.example 318 alice alice :End of /WHOIS list",
        );
    }
}
