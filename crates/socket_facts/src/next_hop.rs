//! Where packets to an address leave this machine, and who gets them: three questions of rtnetlink(7).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::net::Protocol;

use crate::netlink::{ask, attributes, number, push_attribute};
use crate::{Interface, InterfaceKind, Mac, NextHop};

/// NETLINK_ROUTE is protocol 0, the one without a name.
const ROUTE: Option<Protocol> = None;
const RTM_GETROUTE: u16 = 26;
const RTM_GETLINK: u16 = 18;
const RTM_GETNEIGH: u16 = 30;
/// `struct rtmsg`, `struct ifinfomsg`, `struct ndmsg`: attributes stand behind them.
const ROUTE_MESSAGE: usize = 12;
const LINK_MESSAGE: usize = 16;
const NEIGHBOUR_MESSAGE: usize = 12;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
/// A gateway of the other family (RFC 8950): family in two bytes, then the address.
const RTA_VIA: u16 = 18;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const ARPHRD_ETHER: u16 = 1;
const ARPHRD_LOOPBACK: u16 = 772;

pub fn towards(local: SocketAddr, remote: SocketAddr) -> io::Result<(Option<Interface>, Option<NextHop>)> {
    let scope = match (local, remote) {
        (_, SocketAddr::V6(remote)) if remote.scope_id() != 0 => remote.scope_id(),
        (SocketAddr::V6(local), _) => local.scope_id(),
        _ => 0,
    };
    let Some(route) = ask(ROUTE, RTM_GETROUTE, &route_question(remote.ip(), scope))? else { return Ok((None, None)) };
    let Some((index, gateway)) = read_route(&route) else { return Ok((None, None)) };
    let interface = ask(ROUTE, RTM_GETLINK, &link_question(index))?.as_deref().and_then(read_link);
    let has_frames = |interface: &Interface| matches!(interface.kind, InterfaceKind::Ethernet | InterfaceKind::WiFi);
    if !interface.as_ref().is_some_and(has_frames) {
        return Ok((interface, None));
    }
    let address = gateway.unwrap_or(remote.ip());
    // An older kernel answers only questions about all neighbours; then the address is not known here.
    let mac = ask(ROUTE, RTM_GETNEIGH, &neighbour_question(address, index)).ok().flatten();
    let mac = mac.as_deref().and_then(read_neighbour);
    Ok((interface, Some(NextHop { address, is_router: gateway.is_some(), mac })))
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { 2 } else { 10 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => Some(Ipv4Addr::from(number::<4>(octets, 0)?).into()),
        16 => Some(Ipv6Addr::from(number::<16>(octets, 0)?).into()),
        _ => None,
    }
}

fn route_question(towards: IpAddr, scope: u32) -> Vec<u8> {
    let octets = octets(towards);
    let bits = u8::try_from(octets.len() * 8).unwrap_or(0);
    let mut question = vec![family(towards), bits];
    question.resize(ROUTE_MESSAGE, 0);
    push_attribute(&mut question, RTA_DST, &octets);
    if scope != 0 {
        push_attribute(&mut question, RTA_OIF, &scope.to_ne_bytes());
    }
    question
}

/// The interface's number, and the router if there is one.
fn read_route(answer: &[u8]) -> Option<(u32, Option<IpAddr>)> {
    let (mut index, mut gateway) = (None, None);
    for (kind, value) in attributes(answer.get(ROUTE_MESSAGE..)?) {
        match kind {
            RTA_OIF => index = number(value, 0).map(u32::from_ne_bytes),
            RTA_GATEWAY => gateway = address(value),
            RTA_VIA => gateway = value.get(2..).and_then(address),
            _ => {}
        }
    }
    Some((index?, gateway))
}

fn link_question(index: u32) -> Vec<u8> {
    let mut question = vec![0; LINK_MESSAGE];
    question[4..8].copy_from_slice(&index.to_ne_bytes());
    question
}

fn read_link(answer: &[u8]) -> Option<Interface> {
    let hardware = number(answer, 2).map(u16::from_ne_bytes)?;
    let (mut name, mut mac, mut mtu) = (None, None, 0);
    for (kind, value) in attributes(answer.get(LINK_MESSAGE..)?) {
        match kind {
            IFLA_IFNAME => name = Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()),
            IFLA_ADDRESS if value.len() == 6 => mac = number(value, 0).map(Mac),
            IFLA_MTU => mtu = number(value, 0).map_or(0, u32::from_ne_bytes),
            _ => {}
        }
    }
    let name = name?;
    let kind = match hardware {
        ARPHRD_LOOPBACK => InterfaceKind::Loopback,
        ARPHRD_ETHER if is_wireless(&name) => InterfaceKind::WiFi,
        ARPHRD_ETHER => InterfaceKind::Ethernet,
        _ => InterfaceKind::Other,
    };
    // The loopback interface has an address of zeros.
    let mac = mac.filter(|_| kind != InterfaceKind::Loopback);
    Some(Interface { name, kind, mac, mtu })
}

/// The kernel calls both Ethernet; its description of the device (sysfs) tells.
fn is_wireless(name: &str) -> bool {
    !name.contains('/') && std::path::Path::new("/sys/class/net").join(name).join("phy80211").exists()
}

fn neighbour_question(of: IpAddr, index: u32) -> Vec<u8> {
    let mut question = vec![0; NEIGHBOUR_MESSAGE];
    question[0] = family(of);
    question[4..8].copy_from_slice(&index.to_ne_bytes());
    push_attribute(&mut question, NDA_DST, &octets(of));
    question
}

fn read_neighbour(answer: &[u8]) -> Option<Mac> {
    let mut attributes = attributes(answer.get(NEIGHBOUR_MESSAGE..)?);
    attributes
        .find(|(kind, value)| *kind == NDA_LLADDR && value.len() == 6)
        .and_then(|(_, value)| number(value, 0))
        .map(Mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_broken_ones_are_none() {
        let mut route = vec![0; ROUTE_MESSAGE];
        push_attribute(&mut route, RTA_OIF, &3_u32.to_ne_bytes());
        assert_eq!(read_route(&route), Some((3, None)));
        push_attribute(&mut route, RTA_GATEWAY, &[192, 0, 2, 1]);
        assert_eq!(read_route(&route), Some((3, Some("192.0.2.1".parse().unwrap()))));
        push_attribute(&mut route, RTA_VIA, &[10, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(read_route(&route), Some((3, Some("fe80::1".parse().unwrap()))));

        let mut link = vec![0; LINK_MESSAGE];
        link[2..4].copy_from_slice(&ARPHRD_ETHER.to_ne_bytes());
        push_attribute(&mut link, IFLA_IFNAME, b"eth0\0");
        push_attribute(&mut link, IFLA_ADDRESS, &[2, 0, 0, 0, 0, 9]);
        push_attribute(&mut link, IFLA_MTU, &1500_u32.to_ne_bytes());
        let read = read_link(&link).unwrap();
        assert_eq!((read.name.as_str(), read.kind, read.mtu), ("eth0", InterfaceKind::Ethernet, 1500));
        assert_eq!(read.mac.unwrap().to_string(), "02:00:00:00:00:09");

        let mut neighbour = vec![0; NEIGHBOUR_MESSAGE];
        assert_eq!(read_neighbour(&neighbour), None);
        push_attribute(&mut neighbour, NDA_LLADDR, &[2, 0, 0, 0, 0, 8]);
        assert_eq!(read_neighbour(&neighbour), Some(Mac([2, 0, 0, 0, 0, 8])));
        for length in 0..route.len() {
            let _ = (read_route(&route[..length]), read_link(&link[..length.min(link.len())]));
        }
    }
}
