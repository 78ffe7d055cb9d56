//! KLINE, DLINE, UNKLINE, UNDLINE: bans from the whole server, under the names that operators of IRC servers know (hybrid
//! and its descendants). Hosts are cloaked here, so what is banned is an account, a range of addresses or a certificate.

use super::{Awaiting, Phase, Verb, stats};
use crate::turn::Turn;
use crate::{duration, targets};
use chat::command::Command;
use chat::server_ban::{AddressRange, BanTarget, Banned, ServerBan};
use compact_str::CompactString;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "KLINE",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "KLINE [<duration>] <whom> [:<reason>]\n\
           Keeps someone from this server, for ever or for some time (30m, 12h, 7d; a number is minutes), and ends the \
           connections that they have. Whom: an address or range (192.0.2.0/24), a:account, c:fingerprint of a \
           certificate, or the name of someone who is here (the account; of a guest the address). The owner and this \
           machine are never kept out. For operators; STATS k lists all, UNKLINE lifts one.",
};

/// The name for addresses that are turned away at the door.
pub(crate) const DLINE: Verb = Verb {
    name: "DLINE",
    help: "DLINE [<duration>] <address or range> [:<reason>]\n\
           Like KLINE, but connections from there are closed before anything is said, the owner's too.",
    ..VERB
};

pub(crate) const UNKLINE: Verb = Verb {
    name: "UNKLINE",
    receive: receive_lift,
    help: "UNKLINE <whom>\nLifts a ban from this server; STATS k lists all. For operators.",
    ..VERB
};

pub(crate) const UNDLINE: Verb =
    Verb { name: "UNDLINE", help: "UNDLINE <address or range>\nLifts what DLINE has set.", ..UNKLINE };

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let (lasts_ms, at) = match line.param(0).map(|first| (first, duration::parse(first))) {
        Some((_, Some(lasts))) if line.param(1).is_some() => (Some(lasts), 1),
        // For ever, as other servers have it.
        Some(("0", None)) if line.param(1).is_some() => (None, 1),
        _ => (None, 0),
    };
    let Some(name) = line.param(at) else { return };
    let Some(who) = whom(turn, name) else { return };
    let reason = line.param(at + 1).filter(|reason| !reason.is_empty()).unwrap_or("No reason given");
    let limit = turn.facts.limits.kick_length;
    if targets::fits(turn, "The reason", &[], reason, limit) {
        turn.await_with(Awaiting::About(name.into()));
        turn.ask(Command::BanFromServer { who, reason: reason.into(), lasts_ms });
    }
}

fn receive_lift(turn: &mut Turn<'_>, line: &Line<'_>) {
    let name = line.param(0).unwrap_or_default();
    if let Some(who) = whom(turn, name) {
        turn.await_with(Awaiting::About(name.into()));
        turn.ask(Command::LiftServerBan { who });
    }
}

/// What is named; what can be nothing is answered.
fn whom(turn: &mut Turn<'_>, text: &str) -> Option<Banned> {
    let invalid = |turn: &mut Turn<'_>, why: &str| {
        let verb = turn.verb();
        turn.fail(verb, "INVALID_TARGET", &[targets::shown(text)], why);
        None
    };
    if let Some(account) = text.strip_prefix("a:") {
        return Some(Banned::Account(targets::person(turn, account)));
    }
    if let Some(fingerprint) = text.strip_prefix("c:") {
        return match certificate(fingerprint) {
            Some(certificate) => Some(Banned::Certificate(certificate)),
            None => invalid(turn, "A fingerprint is the SHA-256 of a certificate: 64 digits 0-9 and a-f"),
        };
    }
    // `*@address`, as it is written elsewhere.
    let address = text.strip_prefix("*@").unwrap_or(text);
    if let Some(range) = range(address) {
        return Some(if turn.verb().ends_with("DLINE") { Banned::Door(range) } else { Banned::Range(range) });
    }
    if address.contains(['/', '@', '*', '!', '?']) || (turn.verb().ends_with("DLINE") && !address.is_empty()) {
        return invalid(
            turn,
            "Name an address or a range such as 192.0.2.0/24, a:account, c:fingerprint, or someone here",
        );
    }
    Some(Banned::Person(targets::person(turn, text)))
}

fn range(text: &str) -> Option<AddressRange> {
    match text.split_once('/') {
        Some((address, prefix)) => AddressRange::new(address.parse().ok()?, prefix.parse().ok()?),
        None => {
            let address: std::net::IpAddr = text.parse().ok()?;
            AddressRange::new(address, if address.to_canonical().is_ipv4() { 32 } else { 128 })
        }
    }
}

fn certificate(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let mut certificate = [0; 32];
    if digits.len() != 2 * certificate.len() {
        return None;
    }
    for (byte, pair) in certificate.iter_mut().zip(digits.chunks(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(certificate)
}

/// As it is given to UNKLINE.
fn target_text(ban: &ServerBan, account: Option<&str>) -> String {
    match &ban.target {
        BanTarget::Account(_) => format!("a:{}", account.unwrap_or("*")),
        BanTarget::Range(range) | BanTarget::Door(range) => range.to_string(),
        BanTarget::Certificate(certificate) => {
            certificate.iter().fold("c:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        }
    }
}

fn end_text(turn: &Turn<'_>, ban: &ServerBan) -> String {
    match ban.until {
        Some(until) => format!("for {}", duration::text(until.0.saturating_sub(turn.now.wall.0))),
        None => "for ever".to_owned(),
    }
}

pub(crate) fn write_banned(turn: &mut Turn<'_>, ban: &ServerBan, account: Option<&str>, closed: usize) {
    let (verb, target) = (turn.verb(), target_text(ban, account));
    let text = format!("{target} is banned {}; connections ended: {closed}", end_text(turn, ban));
    turn.note(verb, "BANNED", &[&target], &text);
}

pub(crate) fn write_lifted(turn: &mut Turn<'_>, ban: &ServerBan, account: Option<&str>) {
    let (verb, target) = (turn.verb(), target_text(ban, account));
    turn.note(verb, "BAN_LIFTED", &[&target], &format!("{target} may come again"));
}

/// 216: `K <whom> * <by> :<reason>`; `D` for one at the door.
pub(crate) fn write_list(turn: &mut Turn<'_>, letter: char, bans: &[(ServerBan, Option<CompactString>)]) {
    for (ban, account) in bans {
        let target = target_text(ban, account.as_deref());
        let text = format!("{} ({})", ban.reason, end_text(turn, ban));
        let kind = if matches!(ban.target, BanTarget::Door(_)) { "D" } else { "K" };
        turn.numeric(Numeric::RPL_STATSKLINE).param(kind).param(&target).param("*").param(&ban.by).trailing_cut(&text);
    }
    stats::write_end(turn, letter);
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn bans_from_the_server() {
        check_with(
            with_operator,
            "alice+ address=198.51.100.7
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice<<
             alice> OPER root sesame
             alice<<
             account first ## owns the server
             account carol
             carol+ address=203.0.113.5
             carol> PASS carol:sesame
             carol> NICK carol
             carol> USER carol 0 * :Carol
             carol<<
             dave+ address=203.0.113.6 certificate
             dave> NICK dave
             dave> USER dave 0 * :Dave
             dave<<
             alice> KLINE 1h a:carol :spam
             alice< :irc.example NOTE KLINE BANNED a:carol :a:carol is banned for 1h; connections ended: 1
             carol< ERROR :Closing link: (Banned from this server: spam)
             carol!
             carol+ address=203.0.113.5
             carol> PASS carol:sesame
             carol> NICK carol
             carol> USER carol 0 * :Carol
             carol< :irc.example 464 carol :you are banned from this server: spam
             carol< ERROR :…
             carol!
             alice> DLINE *@203.0.113.0/24 :flood
             alice< :irc.example NOTE DLINE BANNED 203.0.113.0/24 :…connections ended: 1
             dave< ERROR :Closing link: (Banned from this server: flood)
             eve+ address=203.0.113.9
             eve> NICK eve
             eve> USER eve 0 * :Eve
             eve< :irc.example 465 eve :You are banned from this server: flood
             eve< ERROR :Closing link: (Banned from this server: flood)
             eve!
             alice> STATS k
             alice< :irc.example 216 alice K a:carol * alice!… :spam (for 1h)
             alice< :irc.example 216 alice D 203.0.113.0/24 * alice!… :flood (for ever)
             alice< :irc.example 219 alice k :…
             alice> UNDLINE 203.0.113.0/24
             alice< :irc.example NOTE UNDLINE BAN_LIFTED 203.0.113.0/24 :…
             +3600
             alice<<
             alice> STATS k
             alice< :irc.example 219 alice k :…
             frank+ address=203.0.113.9
             frank> NICK frank
             frank> USER frank 0 * :Frank
             frank<<
             alice> KLINE frank
             alice< :irc.example NOTE KLINE BANNED 203.0.113.9/32 :…connections ended: 1
             frank< ERROR :Closing link: (Banned from this server: No reason given)",
        );
    }

    #[test]
    fn every_refusal() {
        check_with(
            with_operator,
            "alice=
             bob=
             bob> KLINE alice
             bob< :irc.example 481 bob :…
             bob> UNKLINE alice
             bob< :irc.example 481 bob :…
             bob> STATS k
             bob< :irc.example 481 bob :…
             bob< :irc.example 219 bob k :…
             alice> OPER root sesame
             alice<<
             alice> KLINE
             alice< :irc.example 461 alice KLINE :Not enough parameters
             alice> KLINE nobody
             alice< :irc.example 401 alice nobody :…
             alice> KLINE a:nobody
             alice< :irc.example FAIL KLINE NO_SUCH_ACCOUNT nobody :…
             alice> KLINE c:12
             alice< :irc.example FAIL KLINE INVALID_TARGET c:12 :…
             alice> KLINE *!*@host
             alice< :irc.example FAIL KLINE INVALID_TARGET *!*@host :…
             alice> DLINE bob
             alice< :irc.example FAIL DLINE INVALID_TARGET bob :…
             alice> KLINE 0.0.0.0/4
             alice< :irc.example FAIL KLINE RANGE_TOO_WIDE 0.0.0.0/4 :…
             alice> KLINE 192.0.2.0/24
             alice< :irc.example FAIL KLINE CANNOT_BAN 192.0.2.0/24 :…
             alice> UNKLINE 192.0.2.0/24
             alice< :irc.example FAIL UNKLINE NO_SUCH_BAN 192.0.2.0/24 :…
             store fails
             alice> KLINE 203.0.113.1
             alice< :irc.example FAIL KLINE STORAGE_FULL 203.0.113.1 :…",
        );
    }
}
