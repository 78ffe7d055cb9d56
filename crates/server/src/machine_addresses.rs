//! The addresses under which other machines reach this one: for the names in a certificate and the lines at start.

use std::net::{IpAddr, UdpSocket};

/// Addresses of this machine's interfaces, without loopback and link-local ones; IPv4 first, and of each family the one
/// towards the rest of the world: the others may belong to networks of containers. Empty if there is no network.
pub fn machine_addresses() -> Vec<IpAddr> {
    usable(interface_addresses(), &routed_addresses())
}

fn usable(mut addresses: Vec<IpAddr>, routed: &[IpAddr]) -> Vec<IpAddr> {
    addresses.extend(routed);
    let is_last_resort = |address: &IpAddr| matches!(address, IpAddr::V4(v4) if v4.is_link_local());
    // Two machines and a cable: IPv4's link-local addresses (RFC 3927) are all that they have. Those of IPv6 need a zone, which
    // is another one on each machine.
    let last_resort: Vec<IpAddr> = addresses.iter().copied().filter(is_last_resort).collect();
    addresses.retain(|address| is_reachable(*address));
    if addresses.is_empty() {
        addresses = last_resort;
    }
    addresses.sort_by_key(|address| (address.is_ipv6(), !routed.contains(address), *address));
    addresses.dedup();
    addresses
}

fn is_reachable(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
}

/// The address that the system would use towards the rest of the world. Connecting a UDP socket sends nothing; the targets
/// are documentation addresses (RFC 5737, RFC 3849). Without a default route, as in a room with no internet, there is none.
fn routed_addresses() -> Vec<IpAddr> {
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")]
        .into_iter()
        .filter_map(|(from, towards)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(towards).ok()?;
            Some(socket.local_addr().ok()?.ip())
        })
        .collect()
}

#[cfg(target_os = "linux")]
use linux::interface_addresses;

#[cfg(not(target_os = "linux"))]
fn interface_addresses() -> Vec<IpAddr> {
    Vec::new()
}

#[cfg(target_os = "linux")]
mod linux {
    //! All interfaces' addresses, from the kernel's own tables (proc(5)), since asking netlink needs more than they do.

    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    pub(super) fn interface_addresses() -> Vec<IpAddr> {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let mut addresses = ipv4_of(&read("/proc/net/fib_trie"));
        addresses.extend(ipv6_of(&read("/proc/net/if_inet6")));
        addresses
    }

    /// Leaves `|-- 192.168.1.5` that a line `/32 host LOCAL` follows.
    pub(super) fn ipv4_of(fib_trie: &str) -> Vec<IpAddr> {
        let mut leaf = None;
        let mut addresses = Vec::new();
        for line in fib_trie.lines().map(str::trim) {
            if let Some(address) = line.strip_prefix("|-- ") {
                leaf = address.parse::<Ipv4Addr>().ok();
            } else if line == "/32 host LOCAL" {
                addresses.extend(leaf.map(IpAddr::from));
            }
        }
        addresses
    }

    /// `20010db8000000000000000000000001 02 40 00 80 eth0`: the address in 32 hexadecimal digits comes first.
    pub(super) fn ipv6_of(if_inet6: &str) -> Vec<IpAddr> {
        if_inet6
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter_map(|digits| u128::from_str_radix(digits, 16).ok())
            .map(|bits| IpAddr::from(Ipv6Addr::from(bits)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_reach_is_told() {
        let check = |found: &[&str], routed: &[&str], expected: &[&str]| {
            let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
            assert_eq!(usable(parse(found), &parse(routed)), parse(expected), "{found:?}");
        };
        check(&["fd00::5", "192.168.1.5", "127.0.0.1", "::1"], &["192.168.1.5"], &["192.168.1.5", "fd00::5"]);
        check(&["169.254.7.7", "192.168.1.5", "fe80::1"], &[], &["192.168.1.5"]);
        check(&["169.254.7.7", "fe80::1", "127.0.0.1"], &[], &["169.254.7.7"]);
        check(&["fe80::1", "127.0.0.1"], &[], &[]);
        // A network of containers, whose address is the lesser number.
        check(&["172.17.0.1", "192.168.1.5"], &["192.168.1.5"], &["192.168.1.5", "172.17.0.1"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_s_tables_are_read() {
        let fib_trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 192.168.1.0\n        \
                        /24 link UNICAST\n     |-- 192.168.1.5\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        let expected: Vec<IpAddr> = vec!["192.168.1.5".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        assert_eq!(linux::ipv4_of(fib_trie), expected);
        let if_inet6 = "20010db8000000000000000000000001 02 40 00 80     eth0\n";
        assert_eq!(linux::ipv6_of(if_inet6), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
    }
}
