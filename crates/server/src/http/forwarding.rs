//! What a proxy's headers say about whom it speaks for. Believed of peers in `proxy.trusted` alone (ASVS 4.1.3).

use crate::config::{AddressRange, any_contains};
use hyper::HeaderMap;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Some proxy has handled this request, trusted or not.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    [FORWARDED_FOR, "forwarded", "via", "x-real-ip"].iter().any(|name| headers.contains_key(*name))
}

/// The client's own connection to the proxy was encrypted.
pub(super) fn is_https(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// The nearest address in X-Forwarded-For that is no trusted proxy: each proxy adds its own peer at the end, so everything
/// before an untrusted one is that one's invention.
pub(super) fn client_of(headers: &HeaderMap, trusted: &[AddressRange]) -> Option<IpAddr> {
    let mut client = None;
    let entries: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .collect();
    for entry in entries.iter().rev() {
        let Some(address) = address_of(entry.trim()) else {
            break;
        };
        client = Some(address);
        if !any_contains(trusted, address) {
            break;
        }
    }
    client
}

/// `192.0.2.1`, `2001:db8::1`; some proxies add brackets or a port.
fn address_of(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse::<IpAddr>().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn the_nearest_untrusted_address_is_the_client() {
        let trusted: Vec<AddressRange> = vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let check = |lists: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(list));
            }
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(client_of(&headers, &trusted), expected, "{lists:?}");
        };
        check(&[], None);
        check(&["192.0.2.1"], Some("192.0.2.1"));
        check(&["192.0.2.1:5555"], Some("192.0.2.1"));
        check(&["[2001:db8::1]"], Some("2001:db8::1"));
        check(&["[2001:db8::1]:443"], Some("2001:db8::1"));
        check(&["::ffff:192.0.2.1"], Some("192.0.2.1"));
        check(&["6.6.6.6, 192.0.2.1"], Some("192.0.2.1"));
        check(&["6.6.6.6, 192.0.2.1, 10.1.1.1"], Some("192.0.2.1"));
        check(&["6.6.6.6", "192.0.2.1, 10.1.1.1"], Some("192.0.2.1"));
        check(&["10.2.2.2, 10.1.1.1"], Some("10.2.2.2"));
        check(&["nonsense, 10.1.1.1"], Some("10.1.1.1"));
        check(&["unknown"], None);
    }
}
