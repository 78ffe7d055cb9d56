//! Why a link could not be opened, or ended: the sentences, each of which says which step failed.

use std::fmt;
use std::io;

use discovery::steps::Endpoint;

use crate::address::Target;
use crate::zone::ip_text;

/// `Display` is the sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFailure {
    /// The lookup failed.
    NameNotFound {
        host: String,
        why: String,
    },
    /// Whoever was to be asked for the address did not answer, or could not.
    NoNameServer {
        host: String,
        why: String,
    },
    /// DNS says that the domain does not offer the service.
    NoService {
        host: String,
        service: String,
    },
    /// Each address was tried, and none let us in.
    NotConnected {
        /// As it was typed; where DNS names other machines for it, with the first of them.
        target: String,
        attempts: Vec<Attempt>,
    },
    NotTls {
        target: String,
    },
    /// Before it said anything: as servers do that expect plain text, and those that let nobody in just then.
    HungUp {
        target: String,
    },
    TlsFailed {
        target: String,
        why: String,
    },
    CertificateRefused {
        sentence: String,
    },
    /// It took longer than a person would wait.
    TookTooLong {
        target: String,
    },
    /// The server, or something on the way, ended a link that was open.
    Dropped {
        why: String,
    },
    /// A system call of our own failed.
    System {
        why: String,
    },
}

/// An address that was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub address: Endpoint,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The machine is there, and nothing listens at that port.
    Refused,
    NoAnswer,
    /// Nobody on its network says that the address is theirs.
    NoMachine,
    /// There is no way to it from here.
    NoRoute,
    Other(String),
}

impl Outcome {
    pub fn of(error: &io::Error) -> Outcome {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Outcome::Refused,
            io::ErrorKind::TimedOut => Outcome::NoAnswer,
            io::ErrorKind::HostUnreachable => Outcome::NoMachine,
            io::ErrorKind::NetworkUnreachable => Outcome::NoRoute,
            _ => Outcome::Other(error.to_string()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Refused => out.write_str("refused, nothing listens there"),
            Outcome::NoAnswer => out.write_str("no answer"),
            Outcome::NoMachine => out.write_str("no machine has that address"),
            Outcome::NoRoute => out.write_str("no way there from this machine"),
            Outcome::Other(why) => out.write_str(why),
        }
    }
}

impl fmt::Display for LinkFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkFailure::NameNotFound { host, why } => write!(
                out,
                "The address of \"{host}\" cannot be found ({why}); check the spelling and your network connection."
            ),
            LinkFailure::NoNameServer { host, why } => write!(
                out,
                "The address of \"{host}\" cannot be asked for ({why}); try again later or from another network, or give the \
                 server's address or its join code instead of its name."
            ),
            LinkFailure::NoService { host, service } => write!(
                out,
                "The domain {host} says that it has no chat server (its SRV record {service} is \".\"); check the name, or add \
                 the port of a server that you know of, as {host}:6697."
            ),
            LinkFailure::NotConnected { target, attempts } => not_connected(out, target, attempts),
            LinkFailure::NotTls { target } => write!(
                out,
                "The server at {target} does not speak TLS on that port; use another port, or --plain (irc:// before the address) if nobody can listen in."
            ),
            LinkFailure::HungUp { target } => write!(
                out,
                "The server at {target} hung up before it said anything: it may not speak TLS on that port (then use another port, or \
                 --plain if nobody can listen in), or have too many connections from here (then try again in a minute)."
            ),
            LinkFailure::TlsFailed { target, why } => {
                write!(out, "No encrypted link to {target} could be made ({why}); ask the server's administrator.")
            }
            LinkFailure::CertificateRefused { sentence } => out.write_str(sentence),
            LinkFailure::TookTooLong { target } => {
                write!(out, "{target} cannot be reached in time; check the address and your network connection.")
            }
            LinkFailure::Dropped { why } => write!(out, "The link to the server was lost ({why})."),
            LinkFailure::System { why } => {
                write!(out, "This machine cannot open a link just now ({why}); close other programs and try again.")
            }
        }
    }
}

fn not_connected(out: &mut fmt::Formatter<'_>, target: &str, attempts: &[Attempt]) -> fmt::Result {
    // An address that was typed need not be said twice.
    let typed = |attempt: &Attempt| attempt.address.to_string() == target;
    let addresses = attempts.iter().map(|attempt| ip_text(&attempt.address.address)).collect::<Vec<_>>().join(", ");
    let tried = if attempts.iter().all(typed) { String::new() } else { format!(" (tried: {addresses})") };
    if attempts.iter().all(|attempt| attempt.outcome == Outcome::Refused) {
        return write!(
            out,
            "The machine answers, but no server listens at {target}{tried}; check the port, or ask whether the server is running."
        );
    }
    let nobody = [Outcome::NoAnswer, Outcome::NoMachine];
    if attempts.iter().all(|attempt| nobody.contains(&attempt.outcome)) {
        return write!(
            out,
            "Nobody answers at {target}{tried}; check the address, your network connection and any firewall."
        );
    }
    let each: Vec<String> = attempts
        .iter()
        .map(|attempt| {
            if typed(attempt) {
                attempt.outcome.to_string()
            } else {
                format!("{}: {}", ip_text(&attempt.address.address), attempt.outcome)
            }
        })
        .collect();
    write!(out, "{target} cannot be reached ({}); check the address and your network connection.", each.join("; "))
}

/// Whether a server's first bytes are those of another protocol: the sentence that says so.
pub fn other_protocol(target: &Target, bytes: &[u8]) -> Option<String> {
    // RFC 8446 section 5.1: an alert of TLS, which is what its servers answer to plain text.
    if !target.tls && bytes.starts_with(&[0x15, 0x03]) {
        return Some(format!("The server at {target} speaks only TLS on that port; leave --plain out, or use --tls."));
    }
    bytes.starts_with(b"HTTP/").then(|| {
        format!("The server at {target} speaks HTTP, for browsers, on that port; use its port for IRC, such as 6697.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[test]
    fn each_address_is_told_with_what_became_of_it() {
        let check = |target: &str, attempts: &[(&str, Outcome)], expected: &str| {
            let attempts = attempts
                .iter()
                .map(|(ip, outcome)| Attempt {
                    address: SocketAddr::new(ip.parse().unwrap(), 6697).into(),
                    outcome: outcome.clone(),
                })
                .collect();
            let sentence = LinkFailure::NotConnected { target: target.to_owned(), attempts }.to_string();
            assert_eq!(sentence.split(';').next().unwrap(), expected);
        };
        check("192.0.2.1:6697", &[("192.0.2.1", Outcome::NoAnswer)], "Nobody answers at 192.0.2.1:6697");
        check(
            "192.0.2.1:6697",
            &[("192.0.2.1", Outcome::NoRoute)],
            "192.0.2.1:6697 cannot be reached (no way there from this machine)",
        );
        check("192.0.2.1:6697", &[("192.0.2.1", Outcome::NoMachine)], "Nobody answers at 192.0.2.1:6697");
        check(
            "chat.example:6697",
            &[("2001:db8::1", Outcome::Refused), ("192.0.2.1", Outcome::Refused)],
            "The machine answers, but no server listens at chat.example:6697 (tried: 2001:db8::1, 192.0.2.1)",
        );
        check(
            "chat.example:6697",
            &[("2001:db8::1", Outcome::NoAnswer)],
            "Nobody answers at chat.example:6697 (tried: 2001:db8::1)",
        );
        let address = |text: &str| text.parse::<SocketAddr>().unwrap().into();
        let sentence = LinkFailure::NotConnected {
            target: "chat.example:6697".to_owned(),
            attempts: vec![
                Attempt { address: address("[2001:db8::1]:6697"), outcome: Outcome::NoRoute },
                Attempt { address: address("192.0.2.1:6697"), outcome: Outcome::Refused },
            ],
        };
        assert_eq!(
            sentence.to_string(),
            "chat.example:6697 cannot be reached (2001:db8::1: no way there from this machine; 192.0.2.1: refused, nothing \
             listens there); check the address and your network connection."
        );
    }
}
