//! Where the server listens: `[[listener]]`, `PARLOR_LISTENER` and `--listen`.

use super::settings::{Complaints, Origin, Section, Settings};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Of the page with TLS, if nothing else is said.
const HTTPS_PORT: u16 = 8443;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    /// Port 0: any free one, printed at start.
    pub address: SocketAddr,
    pub protocol: Protocol,
    pub tls: bool,
    /// A PROXY header from an address in `proxy.trusted` comes first.
    pub proxy_protocol: bool,
    /// IPV6_V6ONLY: an IPv4 listener has the same port, and both must fit beside each other.
    pub v6_only: bool,
    /// What `--lan` adds: a machine without IPv6, or whose port is taken, goes on without it.
    pub optional: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Irc,
    /// The page, WebSocket, /healthz and /metrics.
    Http,
}

impl Listener {
    pub fn new(ip: IpAddr, port: u16, protocol: Protocol, tls: bool) -> Listener {
        Listener {
            address: SocketAddr::new(ip, port),
            protocol,
            tls,
            proxy_protocol: false,
            v6_only: false,
            optional: false,
        }
    }

    /// `irc`, `ircs`, `http` or `https`: what people write before `://`.
    pub fn scheme(&self) -> &'static str {
        match (self.protocol, self.tls) {
            (Protocol::Irc, false) => "irc",
            (Protocol::Irc, true) => "ircs",
            (Protocol::Http, false) => "http",
            (Protocol::Http, true) => "https",
        }
    }
}

/// The listeners: those written, or the three defaults; opened to the network with `--lan`. And where the first of them
/// asks for a PROXY header.
pub(super) fn read(settings: &mut Settings, lan: bool, complaints: &Complaints) -> (Vec<Listener>, Option<Origin>) {
    let mut proxied = None;
    let mut written: Vec<(Listener, Option<Origin>)> = Vec::new();
    let mut any_written = false;
    match settings.take_untyped("listener") {
        Some((text, origin)) if !text.trim_start().starts_with('[') => {
            any_written = true;
            for url in text.split(',').map(str::trim).filter(|url| !url.is_empty()) {
                match parse_url(url) {
                    Ok(listener) => {
                        if listener.proxy_protocol {
                            proxied.get_or_insert(origin.clone());
                        }
                        written.push((listener, Some(origin.clone())));
                    }
                    Err(why) => complaints.add(&origin, "", why),
                }
            }
            // Known now, so that it is not taken for an unknown table.
            settings.tables("listener");
        }
        untyped => {
            if let Some((text, origin)) = untyped {
                settings.overlay_whole("listener", text, origin);
            }
            for mut section in settings.tables("listener") {
                any_written = true;
                if let Some(listener) = read_one(&mut section, &mut proxied) {
                    written.push((listener, Some(section.origin().clone())));
                }
                section.finish();
            }
        }
    }
    if !any_written {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        written = vec![
            (Listener::new(loopback, 6667, Protocol::Irc, false), None),
            (Listener::new(loopback, 6697, Protocol::Irc, true), None),
            (Listener::new(loopback, 8080, Protocol::Http, false), None),
        ];
    }
    if lan {
        if !any_written {
            written.push((encrypted_page(), None));
        }
        written = written.into_iter().flat_map(opened_to_the_network).collect();
    }
    complain_of_duplicates(&written, complaints);
    let mut listeners: Vec<Listener> = written.into_iter().map(|(listener, _)| listener).collect();
    let with_ipv4: Vec<u16> = listeners
        .iter()
        .filter(|listener| listener.address.is_ipv4())
        .map(|listener| listener.address.port())
        .collect();
    for listener in &mut listeners {
        listener.v6_only = listener.address.is_ipv6() && with_ipv4.contains(&listener.address.port());
    }
    (listeners, proxied)
}

fn read_one(section: &mut Section, proxied: &mut Option<Origin>) -> Option<Listener> {
    let place = section.origin().clone();
    let address = match section.text("address") {
        Some((text, place)) => match parse_address(&text) {
            Ok(address) => Some(address),
            Err(why) => {
                section.complain(&place, "address", why);
                None
            }
        },
        None => {
            section.complain(&place, "address", "it is missing; write one like address = \"127.0.0.1:6667\"");
            None
        }
    };
    let protocol = section
        .choice("protocol", &[("irc", Protocol::Irc), ("http", Protocol::Http)])
        .map_or(Protocol::Irc, |(protocol, _)| protocol);
    let tls = section.boolean("tls").is_some_and(|(tls, _)| tls);
    let proxy_protocol = match section.boolean("proxy_protocol") {
        Some((true, place)) => {
            proxied.get_or_insert(place);
            true
        }
        _ => false,
    };
    let address = address?;
    Some(Listener { proxy_protocol, ..Listener::new(address.ip(), address.port(), protocol, tls) })
}

/// `ircs://0.0.0.0:6697`; `+proxy` after the scheme wants a PROXY header.
fn parse_url(url: &str) -> Result<Listener, String> {
    let example = "write one like irc://127.0.0.1:6667, ircs://0.0.0.0:6697 or http://127.0.0.1:8080";
    let Some((scheme, address)) = url.split_once("://") else {
        return Err(format!("{url:?} is no listener; {example}"));
    };
    let (scheme, proxy_protocol) = match scheme.strip_suffix("+proxy") {
        Some(scheme) => (scheme, true),
        None => (scheme, false),
    };
    let (protocol, tls, usual_port) = match scheme {
        "irc" => (Protocol::Irc, false, 6667),
        "ircs" => (Protocol::Irc, true, 6697),
        "http" => (Protocol::Http, false, 8080),
        "https" => (Protocol::Http, true, HTTPS_PORT),
        _ => {
            return Err(format!("{scheme:?} is none of irc, ircs, http, https; {example}"));
        }
    };
    let address = address.trim_end_matches('/');
    let address = match parse_address(address) {
        Ok(address) => address,
        Err(why) => match parse_address(&format!("{address}:{usual_port}")) {
            Ok(address) => address,
            Err(_) => return Err(why),
        },
    };
    Ok(Listener { proxy_protocol, ..Listener::new(address.ip(), address.port(), protocol, tls) })
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_string(),
    };
    numeric.parse().map_err(|_| {
        format!(
            "{text:?} is no address with a port; write one like \"127.0.0.1:6667\", \"0.0.0.0:6697\" or \"[::]:6697\""
        )
    })
}

/// `--lan`: beside the page that is opened to the network without encryption there is one with it, as passwords are taken nowhere
/// else (docs/decisions/0015-encryption-on-a-lan.md). Where its port is taken the server goes on without.
fn encrypted_page() -> Listener {
    let page = Listener::new(IpAddr::V4(Ipv4Addr::LOCALHOST), HTTPS_PORT, Protocol::Http, true);
    Listener { optional: true, ..page }
}

/// `--lan`: whatever speaks TLS, and the page, moves from loopback to all addresses of both families. Plain IRC stays.
fn opened_to_the_network((listener, place): (Listener, Option<Origin>)) -> Vec<(Listener, Option<Origin>)> {
    let to_open = (listener.tls || listener.protocol == Protocol::Http) && listener.address.ip().is_loopback();
    if !to_open {
        return vec![(listener, place)];
    }
    let on = |ip: IpAddr, optional| Listener {
        address: SocketAddr::new(ip, listener.address.port()),
        optional: optional || listener.optional,
        ..listener.clone()
    };
    vec![
        (on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), false), place.clone()),
        (on(IpAddr::V6(Ipv6Addr::UNSPECIFIED), true), place),
    ]
}

fn complain_of_duplicates(listeners: &[(Listener, Option<Origin>)], complaints: &Complaints) {
    for (at, (listener, place)) in listeners.iter().enumerate() {
        let address = listener.address;
        let earlier =
            listeners[..at].iter().map(|(earlier, _)| earlier.address).find(|earlier| overlap(*earlier, address));
        if let (Some(earlier), Some(place)) = (earlier, place) {
            let why = if earlier == address {
                format!("another listener has {address} already; change the port, or remove one")
            } else {
                format!("{earlier} covers {address} already; change the port, or remove one")
            };
            complaints.add(place, "[[listener]] address", why);
        }
    }
}

fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() != 0
        && one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}
