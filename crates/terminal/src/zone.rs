//! What the zones of link-local addresses are called: the system has numbers for its interfaces, people have names
//! (RFC 4007 section 11).

use std::net::SocketAddr;

use discovery::steps::Endpoint;

/// With the interface's name, where it has a zone.
pub fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint { address, interface: interface(&address) }
}

/// Without its port, with its zone.
pub fn ip_text(address: &SocketAddr) -> String {
    match (interface(address), address) {
        (Some(interface), address) => format!("{}%{interface}", address.ip()),
        (None, SocketAddr::V6(v6)) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        (None, address) => address.ip().to_string(),
    }
}

/// Who has just unplugged it finds no name any more.
fn interface(address: &SocketAddr) -> Option<String> {
    let SocketAddr::V6(v6) = address else { return None };
    if v6.scope_id() == 0 {
        return None;
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.into_iter().find(|interface| interface.index == Some(v6.scope_id())).map(|interface| interface.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_zone_is_told_by_its_interface() {
        let check = |address: &str, shown: &str, ip: &str| {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!((endpoint(address).to_string().as_str(), ip_text(&address).as_str()), (shown, ip));
        };
        // The loopback interface is the first one of every network namespace.
        check("[fe80::1%1]:6697", "[fe80::1%lo]:6697", "fe80::1%lo");
        check("[fe80::1%4000000000]:6697", "[fe80::1%4000000000]:6697", "fe80::1%4000000000");
        check("[2001:db8::1]:6697", "[2001:db8::1]:6697", "2001:db8::1");
        check("192.0.2.1:6697", "192.0.2.1:6697", "192.0.2.1");
    }
}
