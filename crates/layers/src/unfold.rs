//! From the text down to the frame. Every layer carries all of the one above it and adds something of its own.
//!
//! A line is shown as if it travelled alone. Lines that are written at the same moment share a record and a segment, and
//! each then costs less than is shown; a repeated segment costs it again.

use std::net::IpAddr;

use crate::path::{Direction, Link, Path, RecordProtection};
use crate::{Known, Part, irc_line};

/// RFC 8446 section 5.1, RFC 5246 section 6.2.1: what one record carries at most.
const RECORD_BYTES: usize = 1 << 14;
const RECORD_HEADER: usize = 5;
/// RFC 9293 section 3.1, without options.
const TCP_HEADER: usize = 20;
/// RFC 7323 section 3.2 and appendix A: two bytes of padding, then kind, length and two times.
const TIMESTAMPS_OPTION: usize = 12;
/// RFC 791 without options; RFC 8200.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// IEEE 802.3: two addresses and a type, the checksum, and the least that stands between them.
const ETHERNET_HEADER: usize = 14;
const ETHERNET_CHECKSUM: usize = 4;
const ETHERNET_LEAST: usize = 46;
/// What an Ethernet's packet may be long where nobody told.
const USUAL_MTU: usize = 1500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The name of its [`crate::Term`].
    pub name: &'static str,
    /// Of the OSI model.
    pub osi: u8,
    /// All of it: what it carries and what it adds.
    pub bytes: usize,
    /// What it adds.
    pub own: usize,
    /// Records, segments, packets, frames that it takes.
    pub pieces: usize,
    pub known: Known,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfolded {
    /// From the text down; layers that the path does not have are left out.
    pub layers: Vec<Layer>,
}

impl Unfolded {
    /// What crosses the network, and how much of it is the text.
    pub fn total(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bytes)
    }

    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

/// `line` is without its ending. So many bytes more are `hidden`: a secret, or what is too long to be kept.
pub fn unfold(line: &str, hidden: usize, direction: Direction, path: &Path) -> Unfolded {
    let mut layers = Vec::new();
    let mut carried = 0;
    if hidden == 0
        && let Some(text) = irc_line::text(line)
    {
        carried = text.len();
        let letters = text.chars().count();
        let value = format!("{letters} characters");
        let parts = vec![Part { name: "UTF-8".to_owned(), value, bytes: carried, known: Known::Seen }];
        layers.push(Layer { name: "Text", osi: 7, bytes: carried, own: carried, pieces: 1, known: Known::Seen, parts });
    }
    let mut parts = irc_line::parts(line);
    if hidden > 0 {
        parts.push(part("not shown", "", hidden, Known::Seen));
    }
    // A WebSocket message is a line without its ending (IRCv3 WebSocket).
    let ending = if path.websocket { 0 } else { 2 };
    if ending > 0 {
        parts.push(part("end of line", "CR LF", ending, Known::Seen));
    }
    let bytes = line.len() + hidden + ending;
    layers.push(Layer { name: "IRC line", osi: 7, bytes, own: bytes - carried, pieces: 1, known: Known::Seen, parts });
    let mut payload = bytes;
    if path.websocket {
        payload = push(&mut layers, payload, websocket_frame(payload, direction));
    }
    if let Some(protection) = path.tls {
        payload = push(&mut layers, payload, tls_record(payload, protection));
    }
    let segments = tcp_segment(payload, direction, path);
    let sizes = segments.sizes.clone();
    push(&mut layers, payload, segments.layer);
    let (bytes, version) = ip_packet(&sizes, direction, path, &mut layers);
    match &path.link {
        Link::Loopback | Link::Other => {}
        link @ (Link::Ethernet { .. } | Link::Unknown) => {
            let added = ethernet_frame(&sizes, version, direction, link);
            push(&mut layers, bytes, added);
        }
    }
    Unfolded { layers }
}

/// A layer without the sums, which follow from what it carries.
struct Added {
    name: &'static str,
    osi: u8,
    pieces: usize,
    known: Known,
    parts: Vec<Part>,
}

fn push(layers: &mut Vec<Layer>, carried: usize, added: Added) -> usize {
    let Added { name, osi, pieces, known, parts } = added;
    let own = parts.iter().map(|part| part.bytes).sum();
    layers.push(Layer { name, osi, bytes: carried + own, own, pieces, known, parts });
    carried + own
}

fn websocket_frame(payload: usize, direction: Direction) -> Added {
    // RFC 6455 section 5.2.
    let length = match payload {
        0..=125 => 0,
        126..=65_535 => 2,
        _ => 8,
    };
    let mut parts = vec![
        part("kind", "text, the last frame of its message", 1, Known::Computed),
        part("length", &payload.to_string(), 1 + length, Known::Computed),
    ];
    if direction == Direction::ToServer {
        parts.push(part("mask", "random", 4, Known::Computed));
    }
    Added { name: "WebSocket frame", osi: 7, pieces: 1, known: Known::Computed, parts }
}

fn tls_record(payload: usize, protection: RecordProtection) -> Added {
    let pieces = payload.div_ceil(RECORD_BYTES).max(1);
    let mut parts = vec![part("header", "type, version, length", pieces * RECORD_HEADER, Known::Computed)];
    let mut add = |name, value, bytes| {
        if bytes > 0 {
            parts.push(part(name, value, pieces * bytes, Known::Computed));
        }
    };
    add("nonce", "sent with each record", protection.explicit_nonce);
    add("content type", "hidden within", protection.inner_type);
    add("tag", "shows that nobody changed it", protection.tag);
    Added { name: "TLS record", osi: 6, pieces, known: Known::Computed, parts }
}

struct Segments {
    layer: Added,
    /// Bytes of each, header and options included.
    sizes: Vec<usize>,
}

fn tcp_segment(payload: usize, direction: Direction, path: &Path) -> Segments {
    let timestamps = path.timestamps.unwrap_or(true);
    let options = if timestamps { TIMESTAMPS_OPTION } else { 0 };
    let header = ip_header(path).0;
    let most = path.segment_bytes.unwrap_or(USUAL_MTU - header - TCP_HEADER - options).max(1);
    let pieces = payload.div_ceil(most).max(1);
    let known = match path.segment_bytes {
        Some(_) => Known::Computed,
        None => Known::Assumed,
    };
    let (source, destination) = ends(direction, path);
    let mut parts = vec![
        part("source port", &source.port().to_string(), pieces * 2, Known::Seen),
        part("destination port", &destination.port().to_string(), pieces * 2, Known::Seen),
        part("numbers", "sequence, acknowledgement", pieces * 8, Known::Computed),
        part("flags, window, checksum", "", pieces * 8, Known::Computed),
    ];
    if options > 0 {
        let known = if path.timestamps.is_some() { Known::Seen } else { Known::Assumed };
        parts.push(part("options", "timestamps", pieces * options, known));
    }
    let mut sizes = vec![TCP_HEADER + options + most; pieces - 1];
    sizes.push(TCP_HEADER + options + payload - (pieces - 1) * most);
    Segments { layer: Added { name: "TCP segment", osi: 4, pieces, known, parts }, sizes }
}

/// Bytes of all packets together, and the header of each.
fn ip_packet(segments: &[usize], direction: Direction, path: &Path, layers: &mut Vec<Layer>) -> (usize, usize) {
    let (header, version) = ip_header(path);
    let pieces = segments.len();
    let (source, destination) = ends(direction, path);
    let address = if header == IPV4_HEADER { 4 } else { 16 };
    let parts = vec![
        part("version, length, hop limit", version, pieces * (header - 2 * address), Known::Computed),
        part("source address", &canonical(source.ip()).to_string(), pieces * address, Known::Seen),
        part("destination address", &canonical(destination.ip()).to_string(), pieces * address, Known::Seen),
    ];
    let carried = segments.iter().sum();
    let added = Added { name: "IP packet", osi: 3, pieces, known: Known::Computed, parts };
    (push(layers, carried, added), header)
}

fn ethernet_frame(segments: &[usize], header: usize, direction: Direction, link: &Link) -> Added {
    let pieces = segments.len();
    let padding: usize = segments.iter().map(|size| ETHERNET_LEAST.saturating_sub(size + header)).sum();
    let (own, next, known) = match link {
        Link::Ethernet { own, next } => (own.as_deref(), next.as_deref(), Known::Computed),
        _ => (None, None, Known::Assumed),
    };
    let (destination, source) = match direction {
        Direction::ToServer => (next, own),
        Direction::ToClient => (own, next),
    };
    let mac = |name, address: Option<&str>| {
        let known = if address.is_some() { Known::Seen } else { known };
        part(name, address.unwrap_or_default(), pieces * 6, known)
    };
    let mut parts = vec![
        mac("destination MAC", destination),
        mac("source MAC", source),
        part(
            "type",
            if header == IPV4_HEADER { "0x0800 (IPv4)" } else { "0x86DD (IPv6)" },
            pieces * (ETHERNET_HEADER - 12),
            known,
        ),
        part("checksum (FCS)", "made by the network card", pieces * ETHERNET_CHECKSUM, known),
    ];
    if padding > 0 {
        parts.push(part("padding", "to the least length", padding, known));
    }
    Added { name: "Ethernet frame", osi: 2, pieces, known, parts }
}

fn ip_header(path: &Path) -> (usize, &'static str) {
    if canonical(path.server.ip()).is_ipv4() { (IPV4_HEADER, "IPv4") } else { (IPV6_HEADER, "IPv6") }
}

/// An IPv4 address that an IPv6 socket shows travels as IPv4 (RFC 4291 section 2.5.5.2).
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn ends(direction: Direction, path: &Path) -> (std::net::SocketAddr, std::net::SocketAddr) {
    match direction {
        Direction::ToServer => (path.client, path.server),
        Direction::ToClient => (path.server, path.client),
    }
}

fn part(name: &str, value: &str, bytes: usize, known: Known) -> Part {
    Part { name: name.to_owned(), value: value.to_owned(), bytes, known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(with: &str) -> Path {
        let words: Vec<&str> = with.split(' ').collect();
        let has = |word| words.contains(&word);
        let number = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.parse().ok());
        let suite = words.iter().find_map(|word| word.strip_prefix("tls="));
        let address = if has("v6") { "[2001:db8::1]" } else { "192.0.2.1" };
        Path {
            client: format!("{address}:50000").parse().unwrap(),
            server: format!("{address}:6697").parse().unwrap(),
            websocket: has("ws"),
            tls: suite.and_then(RecordProtection::of_suite),
            segment_bytes: number("mss="),
            timestamps: if has("ts") {
                Some(true)
            } else if has("no-ts") {
                Some(false)
            } else {
                None
            },
            link: if has("lo") {
                Link::Loopback
            } else if has("eth") {
                Link::Ethernet { own: Some("02:00:00:00:00:01".to_owned()), next: None }
            } else {
                Link::Unknown
            },
        }
    }

    /// The table that the page's tests read as well.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the table is shared with another language, so it is a file")]
    fn lines_unfold() {
        let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lines.json")).unwrap();
        let table: serde_json::Value = serde_json::from_str(&table).unwrap();
        for row in table.as_array().unwrap() {
            let (line, with) = (row["line"].as_str().unwrap(), row["path"].as_str().unwrap());
            let direction = if row["direction"] == "to server" { Direction::ToServer } else { Direction::ToClient };
            let line = line.replace("{5000 x}", &"x".repeat(5000));
            let hidden = usize::try_from(row["hidden"].as_u64().unwrap_or(0)).unwrap();
            let found: Vec<String> = unfold(&line, hidden, direction, &path(with))
                .layers
                .iter()
                .map(|layer| format!("{}: {} = +{}, {}", layer.name, layer.bytes, layer.own, layer.pieces))
                .collect();
            let expected: Vec<&str> =
                row["layers"].as_array().unwrap().iter().map(|layer| layer.as_str().unwrap()).collect();
            assert_eq!(found, expected, "{line:.60} over {with}");
        }
    }

    #[test]
    fn what_is_not_told_is_marked() {
        let unfolded = unfold("PRIVMSG #tea :hi", 0, Direction::ToServer, &path("v4"));
        let known = |name| unfolded.layer(name).unwrap().known;
        assert_eq!(
            [known("IRC line"), known("TCP segment"), known("IP packet"), known("Ethernet frame")],
            [Known::Seen, Known::Assumed, Known::Computed, Known::Assumed]
        );
        let unfolded = unfold("PRIVMSG #tea :hi", 0, Direction::ToClient, &path("v4 mss=1448 ts eth"));
        let frame = unfolded.layer("Ethernet frame").unwrap();
        let of = |name: &str| frame.parts.iter().find(|part| part.name == name).unwrap().clone();
        assert_eq!(
            (of("destination MAC").value.as_str(), of("destination MAC").known),
            ("02:00:00:00:00:01", Known::Seen)
        );
        assert_eq!((of("source MAC").value.as_str(), of("source MAC").known), ("", Known::Computed));
    }

    proptest! {
        #[test]
        fn each_layer_carries_all_of_the_one_above(
            line in "(:a!b@c )?(PRIVMSG|JOIN|PING) #[a-z]{1,9}( :.{0,3000})?",
            hidden in 0_usize..9000,
            websocket: bool,
            tls: bool,
            segment in 100_usize..2000,
            to_server: bool,
        ) {
            let mut path = path(if tls { "v6 tls=TLS13_AES_256_GCM_SHA384 ts eth" } else { "ts eth" });
            (path.websocket, path.segment_bytes) = (websocket, Some(segment));
            let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
            let layers = unfold(&line, hidden, direction, &path).layers;
            let mut carried = 0;
            for layer in &layers {
                prop_assert_eq!(layer.bytes, carried + layer.own);
                if layer.name != "IRC line" {
                    prop_assert_eq!(layer.parts.iter().map(|part| part.bytes).sum::<usize>(), layer.own);
                } else {
                    prop_assert_eq!(layer.parts.iter().map(|part| part.bytes).sum::<usize>(), layer.bytes);
                }
                carried = layer.bytes;
            }
        }
    }
}
