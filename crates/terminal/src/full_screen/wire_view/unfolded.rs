//! One line of the wire layer by layer, and the connection around it: what is shown, in rows, each with a term of the lesson.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use discovery::steps::{Milliseconds, Step, TimedStep, Via};
use layers::{Direction, Known, Layer, Link, Path, RecordProtection, Term};
use socket_facts::{Interface, InterfaceKind, TcpInfo};

use super::{LinkFacts, WireLine, WireView};

/// Answers of DNS that are shown in detail.
const MOST_ANSWERS: usize = 8;

/// One thing that is known, or that nobody told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub term: &'static Term,
    pub value: String,
    pub known: Known,
    /// Behind the mark; mostly empty.
    pub remark: String,
    /// What it is made of.
    pub details: Vec<String>,
    /// These happened one after the other, the latest first.
    pub is_log: bool,
}

impl Row {
    pub fn words(&self) -> String {
        format!("{}{}{}", self.value, mark(self.known), self.remark)
    }
}

impl WireView {
    /// Of the line that so many others came after.
    pub fn rows(&self, scrolled: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let Some(facts) = &self.facts else { return rows };
        if let Some(line) = self.lines.iter().nth_back(scrolled) {
            rows.extend(self.layers_of(line, facts).iter().map(layer_row));
            // What carries the line is shown as if it carried nothing else.
            let carrier = rows.iter_mut().find(|row| row.known != Known::Seen);
            if let (Some(carrier), 1..) = (carrier, line.beside) {
                let s = if line.beside == 1 { "" } else { "s" };
                carrier.remark = format!("; shared with {} other line{s}", line.beside);
                carrier.details.insert(0, "counted as if it carried this line alone".to_owned());
            }
        }
        self.connection_rows(facts, &mut rows);
        self.question_rows(&mut rows);
        rows
    }

    fn layers_of(&self, line: &WireLine, facts: &LinkFacts) -> Vec<Layer> {
        let direction = if line.sent { Direction::ToServer } else { Direction::ToClient };
        layers::unfold(&line.text[..line.clear], line.hidden, direction, &self.path(direction, facts)).layers
    }

    fn path(&self, direction: Direction, facts: &LinkFacts) -> Path {
        let tcp = self.tcp();
        let own = tcp.and_then(|tcp| usize::try_from(tcp.segment_bytes).ok());
        // What the server sends is cut by the server.
        let theirs = self.told("TCP", "segment").and_then(|bytes| bytes.parse().ok());
        let nowhere = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
        Path {
            client: facts.local.as_ref().map_or(nowhere, |local| local.address),
            server: facts.remote.address,
            websocket: false,
            tls: facts.tls.as_ref().and_then(|tls| RecordProtection::of_suite(&tls.suite)),
            segment_bytes: if direction == Direction::ToClient { theirs.or(own) } else { own },
            timestamps: tcp.map(|tcp| tcp.options.timestamps),
            link: self.link(),
        }
    }

    fn link(&self) -> Link {
        let Some(interface) = self.interface() else { return Link::Unknown };
        match interface.kind {
            InterfaceKind::Loopback => Link::Loopback,
            InterfaceKind::Ethernet | InterfaceKind::WiFi => Link::Ethernet {
                own: interface.mac.map(|mac| mac.to_string()),
                next: self
                    .looked
                    .as_ref()
                    .and_then(|looked| looked.seen.next_hop.as_ref()?.mac)
                    .map(|mac| mac.to_string()),
            },
            InterfaceKind::Other => Link::Other,
        }
    }

    fn tcp(&self) -> Option<&TcpInfo> {
        self.looked.as_ref()?.seen.tcp.as_ref()
    }

    fn interface(&self) -> Option<&Interface> {
        self.looked.as_ref()?.seen.interface.as_ref()
    }

    fn connection_rows(&self, facts: &LinkFacts, rows: &mut Vec<Row>) {
        let own = facts.local.as_ref().map(|local| (local.address.ip().to_canonical(), local.address.port()));
        let theirs = (facts.remote.address.ip().to_canonical(), facts.remote.address.port());
        if let Some((own, port)) = own {
            add(
                rows,
                "Address",
                format!("yours {own} ({}), the server's {} ({})", kind(own), theirs.0, kind(theirs.0)),
            );
            add(rows, "NAT", self.translation(own, port));
            add(rows, "Port", format!("yours {port}, the server's {}", theirs.1));
        }
        if let Some(tcp) = self.tcp() {
            self.tcp_rows(tcp, rows);
        } else if self.looked.is_some() {
            add(rows, "Socket", "this system does not tell".to_owned());
        }
        if let Some(interface) = self.interface() {
            add(rows, "Interface", format!("{} ({})", interface.name, interface.kind.word()));
            add(rows, "MTU", format!("{} bytes", interface.mtu));
            if let Some(mac) = interface.mac {
                add(rows, "MAC address", mac.to_string());
            }
        }
        if let Some(hop) = self.looked.as_ref().and_then(|looked| looked.seen.next_hop.as_ref()) {
            let who = if hop.is_router { "the router" } else { "the server itself" };
            let mac = hop.mac.map_or_else(|| "not told".to_owned(), |mac| mac.to_string());
            add(rows, "Next hop", format!("{who} {}, MAC {mac}", hop.address));
        }
        match &facts.tls {
            None => add(rows, "TLS", "none: everyone on the way can read along".to_owned()),
            Some(tls) => {
                let exchange = tls.key_exchange.as_ref().map_or_else(String::new, |exchange| format!(", {exchange}"));
                add(rows, "TLS", format!("{}, {}{exchange}", tls.version.replace('_', "."), tls.suite));
                if let Some(certificate) = tls.certificate {
                    let trust =
                        if tls.known_to_system { "signed by an authority that your system knows" } else { "pinned" };
                    add(rows, "Certificate", format!("{trust}, {certificate}"));
                }
            }
        }
    }

    /// What was asked for the sake of this link, by DNS and by everyone on this network.
    fn question_rows(&self, rows: &mut Vec<Row>) {
        for (term, is_it) in [
            ("DNS question", (|via| matches!(via, Via::Dns(_))) as fn(&Via) -> bool),
            ("mDNS question", |via| matches!(via, Via::Multicast)),
        ] {
            let answers = self.steps.iter().filter(|(_, step)| match &step.step {
                Step::Answered { via, .. } => is_it(via),
                Step::Announced { .. } | Step::Gone { .. } => is_it(&Via::Multicast),
                _ => false,
            });
            let answers: Vec<&TimedStep> = answers.map(|(_, step)| step).collect();
            let value = match answers.last() {
                None => "none was needed".to_owned(),
                Some(last) if answers.len() == 1 => last.step.to_string(),
                Some(last) => format!("{} answers; the last: {}", answers.len(), last.step),
            };
            let latest = answers.iter().rev().take(MOST_ANSWERS);
            let details = latest.map(|answer| format!("+{} {}", Milliseconds(answer.at), answer.step)).collect();
            rows.extend(row(term, value, details).map(|row| Row { is_log: true, ..row }));
        }
    }

    fn tcp_rows(&self, tcp: &TcpInfo, rows: &mut Vec<Row>) {
        let theirs = |name| self.told("TCP", name);
        let state = theirs("state").map_or_else(String::new, |state| format!("; the server's {state}"));
        add(rows, "Socket", format!("{}{state}", tcp.state));
        let trip = theirs("rtt-us").and_then(|micros| micros.parse::<f64>().ok());
        let trip = trip.map_or_else(String::new, |micros| format!("; the server measures {:.2} ms", micros / 1e3));
        let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        add(
            rows,
            "Round-trip time",
            format!("{:.2} ms ± {:.2} ms{trip}", millis(tcp.round_trip), millis(tcp.round_trip_variance)),
        );
        let repeated = theirs("retransmits").map_or_else(String::new, |count| format!("; the server's {count}"));
        add(rows, "Retransmits", format!("{}{repeated}", tcp.retransmits));
        add(rows, "Congestion window", format!("{} segments ({})", tcp.congestion_window, tcp.congestion_control));
        add(rows, "Segment size", format!("{} bytes; options {}", tcp.segment_bytes, tcp.options));
        let sent = tcp.bytes_sent.map_or_else(String::new, |sent| format!("{sent} sent, "));
        add(rows, "Bytes", format!("{sent}{} confirmed, {} received", tcp.bytes_acknowledged, tcp.bytes_received));
        if tcp.bytes_sent.is_some_and(|sent| sent + 1 == tcp.bytes_acknowledged)
            && let Some(bytes) = rows.last_mut()
        {
            // RFC 9293 section 3.4: SYN has a number of its own.
            bytes.details.push(
                "one more is confirmed than was sent: the SYN that opened the connection counts as a byte".to_owned(),
            );
        }
    }

    /// Own and server's view of one's address.
    fn translation(&self, own: IpAddr, port: u16) -> String {
        let seen = self.told("ADDRESS", "yours");
        let seen_port = self.told("ADDRESS", "your-port").and_then(|port| port.parse::<u16>().ok());
        match (seen, seen_port) {
            (None, _) => "this server does not tell how it sees you".to_owned(),
            (Some(seen), None) => format!("a proxy stands between; the server was told that you are {seen}"),
            (Some(seen), Some(seen_port)) if seen.parse() == Ok(own) && seen_port == port => {
                "none: the server sees you under the same address and port".to_owned()
            }
            (Some(seen), Some(seen_port)) => {
                format!("yes: you are {own} port {port} here, and the server sees {seen} port {seen_port}")
            }
        }
    }
}

fn add(rows: &mut Vec<Row>, name: &str, value: String) {
    rows.extend(row(name, value, Vec::new()));
}

fn row(name: &str, value: String, details: Vec<String>) -> Option<Row> {
    Some(Row { term: Term::named(name)?, value, known: Known::Seen, remark: String::new(), details, is_log: false })
}

fn layer_row(layer: &Layer) -> Row {
    let pieces = if layer.pieces > 1 { format!(", {} pieces", layer.pieces) } else { String::new() };
    let carried = layer.bytes - layer.own;
    let value = if carried == 0 {
        format!("{}{pieces}", in_bytes(layer.bytes))
    } else {
        format!("{} = {carried} + {}{pieces}", in_bytes(layer.bytes), layer.own)
    };
    let details = layer.parts.iter().map(|part| {
        let mark = mark(part.known);
        let value = if part.value.is_empty() { String::new() } else { format!(" {}", part.value) };
        format!("{}{value} ({}{mark})", part.name, in_bytes(part.bytes))
    });
    // Every layer has a term of its name; a test holds that.
    let term = Term::named(layer.name).unwrap_or(&layers::TERMS[0]);
    Row { term, value, known: layer.known, remark: String::new(), details: details.collect(), is_log: false }
}

fn in_bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

/// Behind what was not seen.
fn mark(known: Known) -> &'static str {
    match known {
        Known::Seen => "",
        Known::Computed => ", computed",
        Known::Assumed => ", assumed",
    }
}

fn kind(address: IpAddr) -> &'static str {
    match address {
        _ if address.is_loopback() => "this machine itself",
        IpAddr::V4(address) if address.is_private() => "private",
        IpAddr::V4(address) if address.is_link_local() => "link-local",
        IpAddr::V6(address) if address.is_unicast_link_local() => "link-local",
        IpAddr::V6(address) if address.is_unique_local() => "private",
        _ => "public",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::full_screen::wire_view::Looked;
    use client_core::Timestamp;
    use socket_facts::{Mac, NextHop, Seen, TcpOptions};
    use std::time::Duration;

    fn view() -> WireView {
        let mut view = WireView::default();
        view.link_opened(LinkFacts {
            local: Some("192.168.1.7:50000".parse::<SocketAddr>().unwrap().into()),
            remote: "203.0.113.9:6697".parse::<SocketAddr>().unwrap().into(),
            tls: Some(crate::network::TlsFacts {
                version: "TLSv1_3".to_owned(),
                suite: "TLS13_AES_256_GCM_SHA384".to_owned(),
                key_exchange: None,
                certificate: None,
                known_to_system: true,
            }),
        });
        view.sent(Timestamp(0), b"PRIVMSG #tea :hi\r\n");
        view
    }

    fn shown(view: &WireView, name: &str) -> String {
        let rows = view.rows(0);
        let row = rows.iter().find(|row| row.term.name == name);
        row.map_or_else(|| "-".to_owned(), |row| row.words())
    }

    #[test]
    fn questions_are_told_and_what_shares_a_record_is() {
        use discovery::steps::{Answer, Question, RecordKind};
        let mut view = view();
        assert_eq!(shown(&view, "DNS question"), "none was needed");
        for (via, name, answer) in [
            (Via::Dns(Vec::new()), "one.example", Answer::NoSuchName),
            (Via::Multicast, "two.local", Answer::NobodyAnswered),
            (Via::Dns(Vec::new()), "three.example", Answer::NoRecords),
        ] {
            let question = Question { name: name.to_owned(), kinds: vec![RecordKind::A] };
            let step = Step::Answered { via, question, took: Duration::from_millis(12), answer };
            view.stepped(Timestamp(0), TimedStep { at: Duration::ZERO, step });
        }
        assert_eq!(
            shown(&view, "DNS question"),
            "2 answers; the last: A three.example after 12 ms: the name has no such record"
        );
        assert!(shown(&view, "mDNS question").starts_with("A two.local after 12 ms: "));
        let rows = view.rows(0);
        let log = rows.iter().find(|row| row.is_log).map(|row| row.details.clone());
        let expected = [
            "+0.0 ms A three.example after 12 ms: the name has no such record",
            "+0.0 ms A one.example after 12 ms: there is no such name",
        ];
        assert_eq!(log, Some(expected.map(str::to_owned).to_vec()), "the latest first");
        assert_eq!(shown(&view, "TLS record"), "40 bytes = 18 + 22, computed");
        view.sent(Timestamp(0), b"PING :a\r\nPING :b\r\n");
        let expected = "31 bytes = 9 + 22, computed; shared with 1 other line";
        assert_eq!(shown(&view, "TLS record"), expected);
    }

    #[test]
    fn every_layer_has_its_term() {
        let view = view();
        for row in view.rows(0).iter().take(6) {
            assert!(row.term.name == "Text" || row.term.name != layers::TERMS[0].name, "{row:?}");
        }
    }

    #[test]
    fn what_is_known_is_shown_and_what_is_not_is_assumed() {
        let mut view = view();
        for (name, expected) in [
            ("Text", "2 bytes"),
            ("IRC line", "18 bytes = 2 + 16"),
            ("TLS record", "40 bytes = 18 + 22, computed"),
            ("TCP segment", "72 bytes = 40 + 32, assumed"),
            ("Ethernet frame", "110 bytes = 92 + 18, assumed"),
            ("Address", "yours 192.168.1.7 (private), the server's 203.0.113.9 (public)"),
            ("NAT", "this server does not tell how it sees you"),
            ("Port", "yours 50000, the server's 6697"),
            ("TLS", "TLSv1.3, TLS13_AES_256_GCM_SHA384"),
            ("Interface", "-"),
        ] {
            assert_eq!(shown(&view, name), expected, "{name}");
        }
        let (_, local, remote) = view.next_look().expect("there is a link to look at");
        assert_eq!((local.port(), remote.port()), (50000, 6697));
        view.looked = Some(Looked {
            at: Duration::from_secs(5),
            seen: Seen {
                tcp: Some(TcpInfo {
                    state: "ESTABLISHED",
                    round_trip: Duration::from_micros(1_500),
                    round_trip_variance: Duration::from_micros(250),
                    retransmits: 3,
                    unconfirmed: 0,
                    congestion_window: 10,
                    congestion_control: "cubic".to_owned(),
                    segment_bytes: 1_460,
                    path_mtu: 1_500,
                    bytes_sent: Some(100),
                    bytes_acknowledged: 90,
                    bytes_received: 7,
                    options: TcpOptions::default(),
                }),
                interface: Some(Interface {
                    name: "eth0".to_owned(),
                    kind: InterfaceKind::Ethernet,
                    mac: Some(Mac([2, 0, 0, 0, 0, 7])),
                    mtu: 1_500,
                }),
                next_hop: Some(NextHop {
                    address: "192.168.1.1".parse().unwrap(),
                    is_router: true,
                    mac: Some(Mac([2, 0, 0, 0, 0, 1])),
                }),
            },
        });
        assert_eq!(view.next_look().map(|(due, ..)| due), Some(Duration::from_secs(6)));
        view.server_told(
            "ADDRESS".into(),
            vec![("yours".into(), "198.51.100.2".to_owned()), ("your-port".into(), "61000".to_owned())],
        );
        view.server_told(
            "TCP".into(),
            vec![("rtt-us".into(), "1600".to_owned()), ("retransmits".into(), "1".to_owned())],
        );
        for (name, expected) in [
            ("TCP segment", "60 bytes = 40 + 20, computed"),
            ("Ethernet frame", "98 bytes = 80 + 18, computed"),
            ("NAT", "yes: you are 192.168.1.7 port 50000 here, and the server sees 198.51.100.2 port 61000"),
            ("Round-trip time", "1.50 ms ± 0.25 ms; the server measures 1.60 ms"),
            ("Retransmits", "3; the server's 1"),
            ("Congestion window", "10 segments (cubic)"),
            ("Bytes", "100 sent, 90 confirmed, 7 received"),
            ("Interface", "eth0 (ethernet)"),
            ("Next hop", "the router 192.168.1.1, MAC 02:00:00:00:00:01"),
        ] {
            assert_eq!(shown(&view, name), expected, "{name}");
        }
        let same = vec![("yours".into(), "192.168.1.7".to_owned()), ("your-port".into(), "50000".to_owned())];
        view.server_told("ADDRESS".into(), same);
        assert_eq!(shown(&view, "NAT"), "none: the server sees you under the same address and port");
        view.link_ended();
        assert!(view.rows(0).is_empty() && view.next_look().is_none());
    }
}
