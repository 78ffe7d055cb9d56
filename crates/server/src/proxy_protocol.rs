//! The PROXY protocol, versions 1 and 2, receiving side: who really connected, told by a proxy in front of us.
//! Source: "The PROXY protocol", HAProxy Technologies, revision of 2020-03-05, sections 2.1 and 2.2.
//!
//! Pure: bytes in, an answer out. Whether the proxy may say so at all (`proxy.trusted`) is the caller's question.

use crate::limits::PROXY_HEADER_BYTES;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const V1_PREFIX: &[u8] = b"PROXY ";
/// "The maximum line lengths the receiver must support including the CRLF" of version 1.
const V1_LONGEST: usize = 107;
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyHeader {
    /// So far it may become a header; read more.
    Incomplete,
    /// A header of `length` bytes; the connection comes from `source`.
    Relayed { source: SocketAddr, length: usize },
    /// A header of `length` bytes without an address: the proxy's own connection (a health check) or an unknown family.
    /// The socket's own peer counts.
    Local { length: usize },
    /// No header, and none can come of it; the connection is to be closed.
    Invalid,
}

/// Reads the header at the start of `bytes`.
pub fn parse(bytes: &[u8]) -> ProxyHeader {
    if begins_like(bytes, V1_PREFIX) {
        parse_v1(bytes)
    } else if begins_like(bytes, V2_SIGNATURE) {
        parse_v2(bytes)
    } else {
        ProxyHeader::Invalid
    }
}

fn begins_like(bytes: &[u8], prefix: &[u8]) -> bool {
    let common = bytes.len().min(prefix.len());
    bytes[..common] == prefix[..common]
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`
fn parse_v1(bytes: &[u8]) -> ProxyHeader {
    let window = &bytes[..bytes.len().min(V1_LONGEST)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < V1_LONGEST { ProxyHeader::Incomplete } else { ProxyHeader::Invalid };
    };
    let length = end + 2;
    let Ok(line) = std::str::from_utf8(&window[V1_PREFIX.len()..end]) else {
        return ProxyHeader::Invalid;
    };
    let mut words = line.split(' ');
    let family = words.next();
    if family == Some("UNKNOWN") {
        return ProxyHeader::Local { length };
    }
    let (Some(source), Some(destination), Some(source_port), Some(destination_port), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return ProxyHeader::Invalid;
    };
    let source: Option<IpAddr> = match family {
        Some("TCP4") if destination.parse::<Ipv4Addr>().is_ok() => source.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        Some("TCP6") if destination.parse::<Ipv6Addr>().is_ok() => source.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        _ => None,
    };
    match (source, port_of(source_port), port_of(destination_port)) {
        (Some(ip), Some(port), Some(_)) => {
            ProxyHeader::Relayed { source: SocketAddr::new(ip.to_canonical(), port), length }
        }
        _ => ProxyHeader::Invalid,
    }
}

/// Decimal digits alone; `u16::from_str` would take a plus sign.
fn port_of(digits: &str) -> Option<u16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn parse_v2(bytes: &[u8]) -> ProxyHeader {
    const FIXED: usize = 16;
    // Version and command are judged as soon as they are there, the length too, so that nobody holds memory with less.
    if bytes.get(12).is_some_and(|version| !matches!(version, 0x20 | 0x21)) {
        return ProxyHeader::Invalid;
    }
    let Some(&[version_command, family, high, low]) = bytes.get(12..FIXED) else {
        return ProxyHeader::Incomplete;
    };
    let addresses = usize::from(u16::from_be_bytes([high, low]));
    let length = FIXED + addresses;
    if length > PROXY_HEADER_BYTES {
        return ProxyHeader::Invalid;
    }
    let Some(addresses) = bytes.get(FIXED..length) else {
        return ProxyHeader::Incomplete;
    };
    if version_command == 0x20 {
        return ProxyHeader::Local { length };
    }
    // Address family in the high half, 1 in the low half is a stream. What follows the addresses (TLVs) is passed over.
    let source = match family {
        0x11 => take::<4>(addresses, 0).zip(take::<2>(addresses, 8)).map(|(ip, port)| (IpAddr::from(ip), port)),
        0x21 => take::<16>(addresses, 0).zip(take::<2>(addresses, 32)).map(|(ip, port)| (IpAddr::from(ip), port)),
        _ => return ProxyHeader::Local { length },
    };
    let whole = if family == 0x11 { 12 } else { 36 };
    match source {
        Some((ip, port)) if addresses.len() >= whole => {
            ProxyHeader::Relayed { source: SocketAddr::new(ip.to_canonical(), u16::from_be_bytes(port)), length }
        }
        _ => ProxyHeader::Invalid,
    }
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn relayed(source: &str, length: usize) -> ProxyHeader {
        ProxyHeader::Relayed { source: source.parse().unwrap(), length }
    }

    fn v2(version_command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = V2_SIGNATURE.to_vec();
        bytes.extend([version_command, family]);
        bytes.extend((addresses.len() as u16).to_be_bytes());
        bytes.extend(addresses);
        bytes
    }

    #[test]
    fn version_1() {
        let check = |header: &str, expected: ProxyHeader| assert_eq!(parse(header.as_bytes()), expected, "{header:?}");
        check("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nNICK a\r\n", relayed("192.0.2.1:56324", 45));
        check("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", relayed("[2001:db8::1]:56324", 38));
        check("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 443\r\n", relayed("192.0.2.1:1", 39));
        check("PROXY UNKNOWN\r\n", ProxyHeader::Local { length: 15 });
        check("PROXY UNKNOWN ff:: ff:: 1 2\r\n", ProxyHeader::Local { length: 29 });
        check("", ProxyHeader::Incomplete);
        check("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r", ProxyHeader::Incomplete);
        for invalid in [
            "NICK alice\r\n",
            "PROXX",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +1 443\r\n",
            "PROXY TCP4 2001:db8::1 ::1 56324 443\r\n",
            "PROXY TCP6 192.0.2.1 192.0.2.2 56324 443\r\n",
            "PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n",
            "PROXY tcp4 192.0.2.1 198.51.100.1 56324 443\r\n",
            "PROXY \r\n",
        ] {
            check(invalid, ProxyHeader::Invalid);
        }
        check(&format!("PROXY TCP4 {}", "1".repeat(200)), ProxyHeader::Invalid);
    }

    #[test]
    fn version_2() {
        let ipv4 = [192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];
        let with_tlv = [&ipv4[..], &[0x04, 0, 1, 0]].concat();
        let mut ipv6 = [0u8; 36];
        ipv6[..2].copy_from_slice(&[0x20, 0x01]);
        ipv6[15] = 7;
        ipv6[32..34].copy_from_slice(&[0x1f, 0x90]);
        assert_eq!(parse(&v2(0x21, 0x11, &ipv4)), relayed("192.0.2.1:56324", 28));
        assert_eq!(parse(&v2(0x21, 0x11, &with_tlv)), relayed("192.0.2.1:56324", 32));
        assert_eq!(parse(&v2(0x21, 0x21, &ipv6)), relayed("[2001::7]:8080", 52));
        assert_eq!(parse(&v2(0x20, 0x00, &[])), ProxyHeader::Local { length: 16 });
        assert_eq!(parse(&v2(0x21, 0x00, &[])), ProxyHeader::Local { length: 16 });
        assert_eq!(parse(&v2(0x21, 0x31, &[0; 216])), ProxyHeader::Local { length: 232 });
        assert_eq!(parse(&v2(0x21, 0x11, &ipv4[..11])), ProxyHeader::Invalid);
        assert_eq!(parse(&v2(0x21, 0x21, &ipv6[..35])), ProxyHeader::Invalid);
        assert_eq!(parse(&v2(0x11, 0x11, &ipv4)), ProxyHeader::Invalid);
        assert_eq!(parse(&v2(0x22, 0x11, &ipv4)), ProxyHeader::Invalid);
        assert_eq!(parse(&v2(0x21, 0x11, &[0; 60_000])), ProxyHeader::Invalid);
        let whole = v2(0x21, 0x11, &ipv4);
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), ProxyHeader::Incomplete, "{cut} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_a_header_is_within_them(bytes in proptest::collection::vec(any::<u8>(), 0..600), v2 in any::<bool>()) {
            let prefix: &[u8] = if v2 { V2_SIGNATURE } else { V1_PREFIX };
            let bytes = [prefix, &bytes].concat();
            match parse(&bytes) {
                ProxyHeader::Relayed { length, .. } | ProxyHeader::Local { length } => prop_assert!(length <= bytes.len()),
                ProxyHeader::Incomplete => prop_assert!(bytes.len() < PROXY_HEADER_BYTES),
                ProxyHeader::Invalid => {}
            }
        }
    }
}
