//! What happened while servers were looked for and one was reached: questions of DNS and multicast DNS with their answers,
//! attempts, encryption. For people who want to see it (`connect --explain`, the view of the wire), and for sentences that
//! say which step failed.

use crate::srv::Srv;
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Whom a question went to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Via {
    /// The file that comes before all questions, `/etc/hosts`.
    HostsFile,
    /// Servers of DNS.
    Dns(Vec<IpAddr>),
    /// Everyone on this network (RFC 6762).
    Multicast,
    /// What else this machine's own lookup knows.
    System,
}

/// The kinds of records that are asked for or shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    A,
    Aaaa,
    Cname,
    Ptr,
    Srv,
    Txt,
}

impl RecordKind {
    pub fn word(self) -> &'static str {
        match self {
            RecordKind::A => "A",
            RecordKind::Aaaa => "AAAA",
            RecordKind::Cname => "CNAME",
            RecordKind::Ptr => "PTR",
            RecordKind::Srv => "SRV",
            RecordKind::Txt => "TXT",
        }
    }
}

/// An address and a port. The zone of a link-local one is a number to the system; people write the interface's name
/// (RFC 4007 section 11), which only the system knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// `None`: there is no zone, or nobody knows what it is called.
    pub interface: Option<String>,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint { address, interface: None }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.interface, self.address) {
            (Some(interface), SocketAddr::V6(v6)) => write!(out, "[{}%{interface}]:{}", v6.ip(), v6.port()),
            (_, address) => address.fmt(out),
        }
    }
}

/// As DNS has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub name: String,
    pub kind: RecordKind,
    /// Seconds for which it may be kept; `None`: whoever answered does not tell.
    pub ttl: Option<u32>,
    pub data: String,
}

/// What was asked: records of one or more kinds of one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    pub name: String,
    pub kinds: Vec<RecordKind>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Records(Vec<Record>),
    NoSuchName,
    /// The name is there, but has no record of that kind.
    NoRecords,
    NobodyAnswered,
    Failed(String),
}

/// How a certificate came to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Belief {
    /// The system knows who issued it, and it is for the name that was typed.
    KnownIssuer,
    /// It is the one that was seen before.
    SeenBefore,
    /// It was never seen; from now on it is what the server is held to.
    FirstUse,
    /// It is the one that a join code promised.
    Promised,
}

impl Belief {
    /// What stands in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Belief::KnownIssuer => "known-issuer",
            Belief::SeenBefore => "seen-before",
            Belief::FirstUse => "first-use",
            Belief::Promised => "join-code",
        }
    }
}

/// One thing that happened. `Display` tells it in a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    Asked {
        via: Via,
        question: Question,
    },
    Answered {
        via: Via,
        question: Question,
        took: Duration,
        answer: Answer,
    },
    /// Said on this network by a server of itself, asked or not.
    Announced {
        records: Vec<Record>,
    },
    /// A server of this network said goodbye, or was not heard of for its time to live.
    Gone {
        name: String,
    },
    /// The machines of a service, in the order in which they are tried (RFC 2782).
    ServiceChosen {
        service: String,
        machines: Vec<Srv>,
    },
    /// The domain says that it does not offer the service.
    ServiceDenied {
        service: String,
    },
    /// The addresses in the order in which they are tried, as far as they are known (RFC 8305).
    Ordered {
        addresses: Vec<Endpoint>,
    },
    Trying {
        address: Endpoint,
    },
    NotReached {
        address: Endpoint,
        took: Duration,
        why: String,
    },
    Reached {
        address: Endpoint,
        local: Option<Endpoint>,
        took: Duration,
    },
    /// Another attempt was faster; this one was ended.
    Outrun {
        address: Endpoint,
    },
    Encrypted {
        version: String,
        suite: String,
        took: Duration,
    },
    Certificate {
        sha256: String,
        names: Vec<String>,
        belief: Belief,
    },
    /// The first line that the server sent.
    Greeted {
        line: String,
        took: Duration,
    },
}

/// A step, and when it was: since the search began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimedStep {
    pub at: Duration,
    pub step: Step,
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::HostsFile => out.write_str("the hosts file"),
            Via::Dns(servers) if servers.is_empty() => out.write_str("DNS"),
            Via::Dns(servers) => {
                let servers: Vec<String> = servers.iter().map(IpAddr::to_string).collect();
                write!(out, "DNS ({})", servers.join(", "))
            }
            Via::Multicast => out.write_str("everyone on this network (mDNS)"),
            Via::System => out.write_str("this system"),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.word()).collect();
        write!(out, "{} {}", kinds.join("+"), self.name)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.name, self.kind.word(), self.data)?;
        match self.ttl {
            Some(ttl) => write!(out, " (TTL {ttl} s)"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Records(records) => {
                let records: Vec<String> = records.iter().map(Record::to_string).collect();
                out.write_str(&records.join("; "))
            }
            Answer::NoSuchName => out.write_str("there is no such name"),
            Answer::NoRecords => out.write_str("the name has no such record"),
            Answer::NobodyAnswered => out.write_str("nobody answered"),
            Answer::Failed(why) => write!(out, "it failed: {why}"),
        }
    }
}

/// Characters of a server's first line that are told in words; some say at length what they can do.
const GREETING_SHOWN: usize = 80;

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Asked { via, question } => write!(out, "ask {via} for {question}"),
            Step::Answered { via: Via::HostsFile, question, answer, .. } => {
                write!(out, "{question} stands in the hosts file: {answer}")
            }
            Step::Answered { question, took, answer, .. } => {
                write!(out, "{question} after {}: {answer}", Milliseconds(*took))
            }
            Step::Announced { records } => {
                let records: Vec<String> = records.iter().map(Record::to_string).collect();
                write!(out, "announced: {}", records.join("; "))
            }
            Step::Gone { name } => write!(out, "gone: {name}"),
            Step::ServiceChosen { service, machines } => {
                let machines: Vec<String> = machines
                    .iter()
                    .map(|machine| {
                        let Srv { priority, weight, port, target } = machine;
                        format!("{target}:{port} (priority {priority}, weight {weight})")
                    })
                    .collect();
                write!(out, "{service} is at {}", machines.join(", then "))
            }
            Step::ServiceDenied { service } => write!(out, "{service} is \".\": the domain has no such service"),
            Step::Ordered { addresses } => {
                let addresses: Vec<String> = addresses.iter().map(Endpoint::to_string).collect();
                write!(out, "order of the addresses: {}", addresses.join(", "))
            }
            Step::Trying { address } => write!(out, "try {address}"),
            Step::NotReached { address, took, why } => {
                write!(out, "{address} failed after {}: {why}", Milliseconds(*took))
            }
            Step::Reached { address, local, took } => {
                write!(out, "{address} answers after {}", Milliseconds(*took))?;
                local.as_ref().map_or(Ok(()), |local| write!(out, ", from {local}"))
            }
            Step::Outrun { address } => write!(out, "{address} was slower, and is closed"),
            Step::Encrypted { version, suite, took } => {
                write!(out, "encrypted after {}: {version}, {suite}", Milliseconds(*took))
            }
            Step::Certificate { sha256, names, belief } => {
                let belief = match belief {
                    Belief::KnownIssuer => "the system knows its issuer, and it is for this name",
                    Belief::SeenBefore => "the same as before",
                    Belief::FirstUse => "never seen before",
                    Belief::Promised => "the one of the join code",
                };
                let names = if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) };
                write!(out, "certificate{names}: {belief}; {sha256}")
            }
            Step::Greeted { line, took } => {
                let shown: String = line.chars().take(GREETING_SHOWN).collect();
                let more = if shown.len() < line.len() { " …" } else { "" };
                write!(out, "the server says after {}: {shown}{more}", Milliseconds(*took))
            }
        }
    }
}

/// `12 ms`; `0.4 ms` where a whole number says nothing.
pub struct Milliseconds(pub Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_secs_f64() * 1_000.0;
        let digits = usize::from(milliseconds < 9.95);
        write!(out, "{milliseconds:.digits$} ms")
    }
}

/// Steps that a log keeps; older ones are forgotten.
const MOST_STEPS: usize = 500;

/// The latest steps, oldest first.
#[derive(Clone, Default, Debug)]
pub struct StepLog {
    steps: VecDeque<TimedStep>,
}

impl StepLog {
    pub fn push(&mut self, step: TimedStep) {
        if self.steps.len() >= MOST_STEPS {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &TimedStep> {
        self.steps.iter()
    }

    pub fn into_steps(self) -> impl Iterator<Item = TimedStep> {
        self.steps.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns() -> Via {
        Via::Dns(vec!["192.0.2.53".parse().unwrap()])
    }

    #[test]
    fn steps_in_words() {
        let check = |step: Step, expected: &str| assert_eq!(step.to_string(), expected);
        let question = |name: &str, kind| Question { name: name.to_owned(), kinds: vec![kind] };
        let record = |kind, data: &str, ttl| Record { name: "chat.example".into(), kind, ttl, data: data.into() };
        let ms = Duration::from_millis;
        let endpoint = |address: &str, interface: Option<&str>| Endpoint {
            address: address.parse().unwrap(),
            interface: interface.map(str::to_owned),
        };
        check(
            Step::Asked { via: dns(), question: question("_ircs._tcp.chat.example", RecordKind::Srv) },
            "ask DNS (192.0.2.53) for SRV _ircs._tcp.chat.example",
        );
        let answered = |via, answer| Step::Answered {
            via,
            question: question("chat.example", RecordKind::Aaaa),
            took: ms(12),
            answer,
        };
        check(
            answered(dns(), Answer::Records(vec![record(RecordKind::Aaaa, "2001:db8::1", Some(300))])),
            "AAAA chat.example after 12 ms: chat.example AAAA 2001:db8::1 (TTL 300 s)",
        );
        check(answered(dns(), Answer::NoSuchName), "AAAA chat.example after 12 ms: there is no such name");
        check(
            answered(Via::HostsFile, Answer::Records(vec![record(RecordKind::Aaaa, "::1", None)])),
            "AAAA chat.example stands in the hosts file: chat.example AAAA ::1",
        );
        let machine = |target: &str, priority| Srv { priority, weight: 5, port: 7000, target: target.into() };
        check(
            Step::ServiceChosen {
                service: "_ircs._tcp.chat.example".into(),
                machines: vec![machine("a.example", 1), machine("b.example", 2)],
            },
            "_ircs._tcp.chat.example is at a.example:7000 (priority 1, weight 5), then b.example:7000 (priority 2, weight 5)",
        );
        check(
            Step::Reached {
                address: endpoint("[2001:db8::1]:6697", None),
                local: Some(endpoint("[2001:db8::2]:50000", None)),
                took: Duration::from_micros(420),
            },
            "[2001:db8::1]:6697 answers after 0.4 ms, from [2001:db8::2]:50000",
        );
        check(Step::Trying { address: endpoint("[fe80::1%2]:6697", Some("eth0")) }, "try [fe80::1%eth0]:6697");
        check(Step::Trying { address: endpoint("[fe80::1%2]:6697", None) }, "try [fe80::1%2]:6697");
        check(
            Step::Certificate {
                sha256: "SHA256:00".into(),
                names: vec!["chat.example".into()],
                belief: Belief::KnownIssuer,
            },
            "certificate for chat.example: the system knows its issuer, and it is for this name; SHA256:00",
        );
    }

    #[test]
    fn a_long_greeting_is_cut() {
        let step = Step::Greeted { line: "é".repeat(100), took: Duration::from_millis(20) };
        assert_eq!(step.to_string(), format!("the server says after 20 ms: {} …", "é".repeat(GREETING_SHOWN)));
    }

    #[test]
    fn a_log_is_bounded() {
        let mut log = StepLog::default();
        for number in 0..2 * MOST_STEPS as u64 {
            let step = Step::Gone { name: number.to_string() };
            log.push(TimedStep { at: Duration::from_millis(number), step });
        }
        assert_eq!(log.steps().count(), MOST_STEPS);
        assert_eq!(log.steps().next().unwrap().at, Duration::from_millis(MOST_STEPS as u64));
    }
}
