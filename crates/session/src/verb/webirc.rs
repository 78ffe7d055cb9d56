//! WEBIRC: a gateway names the address of the person it speaks for (IRCv3 webirc).

use super::{Phase, Verb};
use crate::facts::{Gateway, Password};
use crate::host;
use crate::registration::same;
use crate::turn::Turn;
use crate::verb::Awaiting;
use crate::work::{Work, WorkResult};
use compact_str::CompactString;
use std::net::IpAddr;
use wire::{Line, truncate_at_char_boundary};
use zeroize::Zeroizing;

/// What a gateway says, until its password has been checked.
#[derive(Debug)]
pub struct Claim {
    address: IpAddr,
    host: CompactString,
    secure: bool,
    certificate: Option<Box<[u8; 32]>>,
    /// As the gateway calls itself.
    gateway: CompactString,
}

/// Bytes of a gateway's name as it is shown.
const NAME: usize = 64;

pub(crate) const VERB: Verb = Verb {
    name: "WEBIRC",
    parameters: 4,
    phase: Phase::Unregistered,
    cost: 1,
    receive,
    help: "WEBIRC <password> <gateway> <host> <address> [<options>]\nA gateway says for whom it connects.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let [password, gateway, host, address, ..] = *line.params() else {
        return;
    };
    let facts = turn.facts;
    let from = turn.session.link.address;
    let found = facts
        .gateways
        .iter()
        .find(|known| known.name.as_deref().is_none_or(|name| name == gateway) && is_from(known, from));
    let again = turn.session.registration.as_deref().is_none_or(|registration| registration.gateway.is_some());
    let Some(found) = found.filter(|_| !again) else {
        return refuse(turn);
    };
    // An IPv6 address that begins with a colon cannot be a middle parameter: gateways put a 0 before it.
    let Ok(address) = address.parse::<IpAddr>() else {
        return refuse(turn);
    };
    let options = line.param(4).unwrap_or_default();
    let option = |name: &str| {
        options.split(' ').find_map(|option| match option.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (option == name).then_some(""),
        })
    };
    let claim = Claim {
        address,
        host: host.into(),
        secure: option("secure").is_some(),
        certificate: option("certfp-sha-256").and_then(fingerprint).map(Box::new),
        gateway: truncate_at_char_boundary(gateway, NAME).into(),
    };
    match &found.password {
        None => accept(turn, claim),
        Some(Password::Plain(expected)) if same(expected, password) => accept(turn, claim),
        Some(Password::Plain(_)) => refuse(turn),
        Some(Password::Hash(hash)) => {
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
    // The gateway's own certificate says nothing of the person.
    link.certificate = claim.certificate.filter(|_| link.secure);
    link.moved_to(claim.address, &facts.exempt);
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.gateway = Some(claim.gateway);
        host::told_by_gateway(registration, claim.host);
    }
}

fn refuse(turn: &mut Turn<'_>) {
    turn.close("webirc_refused", "Closing link: (WEBIRC refused: unknown gateway, address or password)");
}

/// SHA-256 in hexadecimal.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

fn is_from(gateway: &Gateway, address: IpAddr) -> bool {
    gateway.addresses.iter().any(|range| range.contains(address))
}

#[cfg(test)]
mod tests {
    use super::{Gateway, Password};
    use crate::facts::Configured;
    use crate::testing::{World, check_with, only, with_operator};
    use zeroize::Zeroizing;

    fn gateways(configured: &mut Configured) {
        let plain = Password::Plain(Zeroizing::new("sesame".to_owned()));
        for (name, password) in [("web", plain), ("hashed", Password::Hash("hash of sesame".into()))] {
            let (addresses, password) = (vec![only("192.0.2.1")], Some(password));
            configured.gateways.push(Gateway { name: Some(name.into()), addresses, password });
        }
        configured.gateways.push(Gateway { name: None, addresses: vec![only("192.0.2.3")], password: None });
    }

    #[test]
    fn a_gateway_speaks_for_someone() {
        for gateway in ["web", "hashed"] {
            let mut world = World::new(|configured, _| gateways(configured));
            let at = world.connect("alice", "");
            world.say(at, &format!("WEBIRC sesame {gateway} host.example 2001:db8::7 :secure")).unwrap();
            assert_eq!(world.session(at).address().to_string(), "2001:db8::7");
            world.say(at, "CAP LS 302").unwrap();
            assert!(world.received(at)[0].contains("sasl=PLAIN"));
            let at = world.connect("bob", "");
            world.say(at, &format!("WEBIRC sesame {gateway} host.example 0::7")).unwrap();
            world.say(at, "CAP LS 302").unwrap();
            assert!(!world.received(at)[0].contains("PLAIN"), "the way to the gateway is in the clear");
        }
    }

    #[test]
    fn the_gateways_certificate_is_not_the_persons() {
        let own = "aB".repeat(32);
        for (options, expected) in
            [("secure", "SHA-256 "), (&*format!("secure certfp-sha-256={own}"), "SHA-256,EXTERNAL ")]
        {
            let mut world = World::new(|configured, _| gateways(configured));
            let at = world.connect("alice", "certificate");
            world.say(at, &format!("WEBIRC sesame web host.example 198.51.100.1 :{options}")).unwrap();
            world.say(at, "CAP LS 302").unwrap();
            assert!(world.received(at)[0].contains(expected), "{options}");
        }
    }

    #[test]
    fn a_gateway_of_a_trusted_address_needs_no_password() {
        check_with(
            |configured, settings| {
                gateways(configured);
                with_operator(configured, settings);
            },
            "root=
             root> OPER root sesame
             root<<
             alice+ address=192.0.2.3
             alice> WEBIRC whatever kiwi host.example 198.51.100.1
             alice> NICK alice
             alice> USER a 0 * :a
             alice<<
             root> WHOIS alice
             root< :irc.example 311 root alice …
             root< :irc.example 312 root alice …
             root< :irc.example 338 root alice ~a@198.51.100.1 198.51.100.1 :…
             root< :irc.example 320 root alice :is connected through the gateway kiwi (WEBIRC)
             root< :irc.example 379 root alice :…
             root< :irc.example 317 root alice …
             root< :irc.example 318 root alice :…
             bob=
             bob> WHOIS alice
             bob< :irc.example 311 bob alice …
             bob< :irc.example 312 bob alice …
             bob< :irc.example 317 bob alice …
             bob< :irc.example 318 bob alice :…",
        );
    }

    #[test]
    fn nobody_else_does() {
        for (words, line) in [
            ("", "WEBIRC wrong web host.example 198.51.100.1"),
            ("", "WEBIRC wrong hashed host.example 198.51.100.1"),
            ("", "WEBIRC sesame other host.example 198.51.100.1"),
            ("", "WEBIRC sesame web host.example not-an-address"),
            ("address=192.0.2.2", "WEBIRC sesame web host.example 198.51.100.1"),
        ] {
            check_with(
                |configured, _| gateways(configured),
                &format!("alice+ {words}\n alice> {line}\n alice< ERROR :Closing link: (WEBIRC refused: …)\n alice!"),
            );
        }
        check_with(
            |configured, _| gateways(configured),
            "alice+
             alice> WEBIRC sesame web host.example
             alice< :irc.example 461 * WEBIRC :Not enough parameters
             bob=
             bob> WEBIRC sesame web host.example 198.51.100.1
             bob< :irc.example 462 bob :You may not reregister",
        );
    }
}
