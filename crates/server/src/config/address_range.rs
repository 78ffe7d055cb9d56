//! A range of IP addresses as configuration files write it: `127.0.0.0/8`, `::1`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A CIDR range (RFC 4632, RFC 4291 section 2.3). A bare address is the range of that one address.
///
/// IPv4-mapped IPv6 addresses are the IPv4 addresses that they carry, on both sides of the comparison: a dual-stack
/// socket reports a peer as `::ffff:192.0.2.1`, and nobody writes it like that in a configuration file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressRange {
    pub network: IpAddr,
    pub prefix: u8,
}

impl AddressRange {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                masked_v4(address, self.prefix) == masked_v4(network, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                masked_v6(address, self.prefix) == masked_v6(network, self.prefix)
            }
            _ => false,
        }
    }
}

/// Whether any of `ranges` contains `address`.
pub fn any_contains(ranges: &[AddressRange], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(address))
}

fn masked_v4(address: Ipv4Addr, prefix: u8) -> u32 {
    u32::from(address) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn masked_v6(address: Ipv6Addr, prefix: u8) -> u128 {
    u128::from(address) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

/// Not an address range; the text says why and shows how one looks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAnAddressRange(String);

impl fmt::Display for NotAnAddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AddressRange {
    type Err = NotAnAddressRange;

    fn from_str(text: &str) -> Result<AddressRange, NotAnAddressRange> {
        let wrong =
            || NotAnAddressRange(format!("{text:?} is no address range; write one like \"192.168.0.0/16\" or \"::1\""));
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let network = written.to_canonical();
        let longest: u8 = if written.is_ipv4() { 32 } else { 128 };
        let mut prefix = match prefix {
            Some(digits) => digits.trim().parse::<u8>().map_err(|_| wrong())?,
            None => longest,
        };
        if prefix > longest {
            return Err(NotAnAddressRange(format!("{text:?}: the prefix of this address is at most /{longest}")));
        }
        if written.is_ipv6() && network.is_ipv4() {
            // ::ffff:a.b.c.d/n covers IPv4 addresses only from /96 on.
            prefix = prefix.checked_sub(96).ok_or_else(wrong)?;
        }
        Ok(AddressRange { network, prefix })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_what_they_say() {
        let check = |range: &str, address: &str, inside: bool| {
            let parsed: AddressRange = range.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), inside, "{address} in {range}");
        };
        check("127.0.0.0/8", "127.0.0.1", true);
        check("127.0.0.0/8", "127.255.255.255", true);
        check("127.0.0.0/8", "128.0.0.0", false);
        check("127.0.0.0/8", "::1", false);
        check("127.0.0.0/8", "::ffff:127.0.0.9", true);
        check("10.1.2.3/8", "10.200.0.1", true);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.6", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
        check("::1", "::1", true);
        check("::1", "::2", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::ffff:10.0.0.0/104", "10.9.9.9", true);
        check("::ffff:10.0.0.0/104", "11.9.9.9", false);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["", "localhost", "10.0.0.0/33", "::1/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "::ffff:1.2.3.4/8"]
        {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
