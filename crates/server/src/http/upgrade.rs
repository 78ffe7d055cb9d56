//! From HTTP to WebSocket: RFC 6455 section 4.2, and which pages may do it.

use super::{HttpRules, Visitor, forwarding, text};
use crate::websocket;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use std::net::IpAddr;

/// A WebSocket that was agreed on: the 101 answer, and how lines are sent in it.
pub(super) struct Terms {
    pub(super) response: Response<Full<Bytes>>,
    pub(super) text: bool,
}

pub(super) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, header::UPGRADE, "websocket")
}

/// What a 426 names: the protocol and its version.
pub(super) fn name_what_is_wanted(headers: &mut HeaderMap) {
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
}

/// The terms of the WebSocket that `request` asks for, or the answer that says why there is none.
pub(super) fn negotiate(
    request: &Request<Incoming>,
    rules: &HttpRules,
    visitor: Visitor,
) -> Result<Terms, Box<Response<Full<Bytes>>>> {
    let headers = request.headers();
    let wrong = |sentence| Err(Box::new(text(StatusCode::BAD_REQUEST, sentence)));
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return wrong("A WebSocket begins with GET and HTTP/1.1.");
    }
    if !has_token(headers, header::CONNECTION, "upgrade") {
        return wrong("The header Connection: Upgrade is missing.");
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut response = text(StatusCode::UPGRADE_REQUIRED, "Only version 13 of WebSocket is spoken here.");
        name_what_is_wanted(response.headers_mut());
        return Err(Box::new(response));
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().and_then(|key| key.to_str().ok()).and_then(websocket::accept_key);
    let (Some(accept), None) = (key, keys.next()) else {
        return wrong("The header Sec-WebSocket-Key must be 16 bytes in base64, once.");
    };
    if !is_origin_allowed(headers, rules, visitor) {
        let sentence = "This page may not open a WebSocket here; its origin can be allowed in [http] origins.";
        return Err(Box::new(text(StatusCode::FORBIDDEN, sentence)));
    }
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let subprotocol = websocket::choose_subprotocol(offered);
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::try_from(accept) {
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(subprotocol) = subprotocol {
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    Ok(Terms { response, text: subprotocol != Some(websocket::BINARY_SUBPROTOCOL) })
}

/// Browsers name the page that opens a WebSocket, and no page can lie about it; whoever names none is no browser. Our own
/// pages may, and those of `http.origins`.
///
/// Our own are those under the name by which this server was reached. One case is stricter: from this machine itself a page
/// may have had its own name point here for a moment (DNS rebinding) to reach what listens on loopback only. So there the
/// name must be one that nobody else can have: an address, localhost, or the server's own.
fn is_origin_allowed(headers: &HeaderMap, rules: &HttpRules, visitor: Visitor) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return true,
        (Some(origin), None) => origin,
        (Some(_), Some(_)) => return false,
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let origin = origin.to_ascii_lowercase();
    rules.origins.iter().any(|allowed| allowed == "*" || *allowed == origin) || is_our_page(headers, rules, visitor)
}

/// The request names a page of ours, which alone may bring the cookie that someone is logged in by.
pub(super) fn is_our_page(headers: &HeaderMap, rules: &HttpRules, visitor: Visitor) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(Ok(origin)), None) = (origins.next().map(HeaderValue::to_str), origins.next()) else {
        return false;
    };
    let origin = origin.to_ascii_lowercase();
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let usual_port = match scheme {
        "https" => 443,
        // A page that crossed the network in the clear may have been changed there; it does not speak for a TLS server.
        "http" if !visitor.tls => 80,
        _ => return false,
    };
    let (Some((page_host, page_port)), Some((host, port))) = (split_authority(authority), host_of(headers)) else {
        return false;
    };
    let is_ours = page_host == host && page_port.unwrap_or(usual_port) == port.unwrap_or(usual_port);
    let could_be_rebound = visitor.peer.ip().is_loopback()
        && !forwarding::is_forwarded(headers)
        && !is_loopback_name(&host)
        && bare_ip(&host).is_none()
        && !host.eq_ignore_ascii_case(&rules.page.server_name);
    is_ours && !could_be_rebound
}

/// The name and port under which the client reached us, in lower case; `None` without exactly one well-formed Host.
pub(super) fn host_of(headers: &HeaderMap) -> Option<(String, Option<u16>)> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => split_authority(&host.to_str().ok()?.to_ascii_lowercase()),
        _ => None,
    }
}

/// `chat.example.org:8080`, `[::1]:80`, each without a port as well.
fn split_authority(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    let well_formed = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)),
    };
    well_formed.then(|| (host.to_string(), port))
}

/// A name that always means this machine (RFC 6761 section 6.3).
pub(super) fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || bare_ip(host).is_some_and(|address| address.is_loopback())
}

fn bare_ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether a list header has this token, in any of its lines.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Http, Server};

    #[test]
    fn our_own_pages_and_the_allowed_ones_may_open_a_websocket() {
        let defaults = Config::default();
        let config = Config {
            server: Server { name: "chat.example.org".to_string(), ..defaults.server.clone() },
            http: Http { origins: vec!["https://app.example.net".to_string()], metrics_token: None, url: None },
            ..defaults
        };
        let rules = HttpRules::new(&config, Vec::new());
        let check = |origin: Option<&str>, host: &str, peer: &str, tls: bool, allowed: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            let visitor = Visitor { peer: format!("{peer}:5000").parse().unwrap(), tls, from_proxy: false };
            assert_eq!(
                is_origin_allowed(&headers, &rules, visitor),
                allowed,
                "{origin:?} at {host} from {peer}, TLS {tls}"
            );
        };
        let (near, far) = ("127.0.0.1", "203.0.113.9");
        check(None, "chat.example.org", far, false, true);
        check(Some("http://chat.example.org"), "chat.example.org", far, false, true);
        check(Some("https://chat.example.org"), "chat.example.org", far, true, true);
        check(Some("https://CHAT.example.org"), "chat.EXAMPLE.org", far, true, true);
        check(Some("https://chat.example.org"), "chat.example.org:443", far, true, true);
        check(Some("http://chat.example.org"), "chat.example.org", far, true, false);
        check(Some("http://chat.example.org:8080"), "chat.example.org:8080", far, false, true);
        check(Some("http://chat.example.org:8081"), "chat.example.org:8080", far, false, false);
        check(Some("http://[2001:db8::1]:8080"), "[2001:db8::1]:8080", far, false, true);
        check(Some("https://app.example.net"), "chat.example.org", far, true, true);
        check(Some("https://evil.example"), "chat.example.org", far, true, false);
        check(Some("https://chat.example.org.evil.example"), "chat.example.org", far, true, false);
        check(Some("null"), "chat.example.org", far, false, false);
        check(Some(""), "chat.example.org", far, false, false);
        check(Some("file://"), "chat.example.org", far, false, false);
        check(Some("https://chat.example.org"), "chat example org", far, true, false);
        // A browser on this machine: any site can be opened in it, and any name can point to 127.0.0.1.
        check(Some("http://127.0.0.1:8080"), "127.0.0.1:8080", near, false, true);
        check(Some("http://localhost:8080"), "localhost:8080", near, false, true);
        check(Some("http://chat.example.org"), "chat.example.org", near, false, true);
        check(Some("http://evil.example:8080"), "127.0.0.1:8080", near, false, false);
        check(Some("http://evil.example:8080"), "evil.example:8080", near, false, false);
        check(Some("http://localhost.evil.example:8080"), "localhost.evil.example:8080", near, false, false);
    }

    #[test]
    fn hosts_are_split_or_refused() {
        let check = |authority: &str, expected: Option<(&str, Option<u16>)>| {
            let expected = expected.map(|(host, port)| (host.to_string(), port));
            assert_eq!(split_authority(authority), expected, "{authority}");
        };
        check("localhost", Some(("localhost", None)));
        check("localhost:8080", Some(("localhost", Some(8080))));
        check("[::1]", Some(("[::1]", None)));
        check("[::1]:80", Some(("[::1]", Some(80))));
        check("::1", None);
        check("a:b", None);
        check("", None);
        check("x<script>", None);
        check("user@host", None);
    }
}
