//! WEBIRC: a gateway names the address of the person it speaks for (IRCv3 webirc).

use super::{Phase, Verb};
use crate::facts::{Gateway, Password};
use crate::registration::same;
use crate::session::{Work, WorkResult};
use crate::turn::Turn;
use crate::verb::Awaiting;
use compact_str::CompactString;
use std::net::IpAddr;
use wire::Line;
use zeroize::Zeroizing;

/// What a gateway says, until its password has been checked.
#[derive(Debug)]
pub struct Claim {
    address: IpAddr,
    host: CompactString,
    secure: bool,
}

pub(crate) const VERB: Verb = Verb {
    name: "WEBIRC",
    parameters: 4,
    phase: Phase::Unregistered,
    cost: 1,
    receive,
    help: "WEBIRC <password> <gateway> <host> <address> [<options>]\nA gateway says for whom it connects.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let [password, gateway, host, address, ..] = *line.params() else { return };
    let facts = turn.facts;
    let from = turn.session.link.address;
    let found = facts.gateways.iter().find(|known| {
        known.name.as_deref().is_none_or(|name| name == gateway) && is_from(known, from)
    });
    let again = turn.session.registration.as_deref().is_none_or(|registration| registration.gateway);
    let Some(gateway) = found.filter(|_| !again) else { return refuse(turn) };
    // An IPv6 address that begins with a colon cannot be a middle parameter: gateways put a 0 before it.
    let Ok(address) = address.parse::<IpAddr>() else { return refuse(turn) };
    let options = line.param(4).unwrap_or_default();
    let secure = options.split(' ').any(|option| option.split('=').next() == Some("secure"));
    let claim = Claim { address, host: host.into(), secure };
    match &gateway.password {
        Password::Plain(expected) if same(expected, password) => accept(turn, claim),
        Password::Plain(_) => refuse(turn),
        Password::Hash(hash) => {
            let password = Zeroizing::new(password.to_owned());
            turn.work(|ticket| Work::CheckPassword { ticket, hash: Some(hash.clone()), password });
            turn.await_with(Awaiting::Gateway(Box::new(claim)));
        }
    }
}

pub(crate) fn checked(turn: &mut Turn<'_>, claim: Claim, result: WorkResult) {
    match result {
        WorkResult::Checked { matches: true } => accept(turn, claim),
        _ => refuse(turn),
    }
}

fn accept(turn: &mut Turn<'_>, claim: Claim) {
    let facts = turn.facts;
    let link = &mut turn.session.link;
    // webirc "Options": secure says that the client's own connection to the gateway is encrypted; it counts only if the
    // gateway's to us is so too.
    let private = link.is_private();
    link.secure = claim.secure && private;
    link.loopback = false;
    link.moved_to(claim.address, &facts.exempt);
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.gateway = true;
        registration.host = Some(claim.host);
    }
}

fn refuse(turn: &mut Turn<'_>) {
    turn.close("Closing link: (WEBIRC refused: unknown gateway, address or password)");
}

fn is_from(gateway: &Gateway, address: IpAddr) -> bool {
    gateway.addresses.iter().any(|range| range.contains(address))
}
