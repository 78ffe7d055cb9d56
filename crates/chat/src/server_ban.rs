//! Who may not use this server at all: accounts, ranges of addresses, certificates.

use crate::id::{ClientId, Timestamp};
use crate::name::Username;
use compact_str::CompactString;
use std::net::IpAddr;

/// A ban as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct ServerBan {
    pub target: BanTarget,
    /// What banned people are told.
    pub reason: Box<str>,
    /// `name!ident@host` of who set it; `*`: the server's own command line.
    pub by: CompactString,
    pub at: Timestamp,
    pub until: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BanTarget {
    Account(ClientId),
    Range(AddressRange),
    /// The same at the door: a connection from there is turned away before anything is said, so the owner's too.
    Door(AddressRange),
    /// SHA-256 of a client's certificate.
    Certificate([u8; 32]),
}

/// What an operator names.
#[derive(Clone, PartialEq, Debug)]
pub enum Banned {
    Account(Username),
    /// Someone who is here: the account, of a guest the address.
    Person(Username),
    Range(AddressRange),
    Door(AddressRange),
    Certificate([u8; 32]),
}

/// All addresses with the same first bits. An IPv4 address in IPv6 is the IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressRange {
    base: IpAddr,
    /// At most 32, or 128 for IPv6.
    prefix: u8,
}

impl AddressRange {
    /// `None`: the prefix is longer than the address. Bits behind the prefix do not count.
    pub fn new(address: IpAddr, prefix: u8) -> Option<AddressRange> {
        let base = match address.to_canonical() {
            IpAddr::V4(address) if prefix <= 32 => IpAddr::from(
                (address.to_bits() & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)).to_be_bytes(),
            ),
            IpAddr::V6(address) if prefix <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::from((address.to_bits() & mask).to_be_bytes())
            }
            _ => return None,
        };
        Some(AddressRange { base, prefix })
    }

    /// The address alone; of IPv6 its /64, since whoever has one address of it has them all (RFC 6177). Not so where the address
    /// is good on the local network only (RFC 4193, RFC 4291 section 2.5.6): there all machines of a room are in one /64.
    pub fn of_one(address: IpAddr) -> AddressRange {
        let address = address.to_canonical();
        let prefix = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => 128,
            IpAddr::V6(_) => 64,
        };
        AddressRange::new(address, prefix).unwrap_or(AddressRange { base: address, prefix })
    }

    pub fn base(self) -> IpAddr {
        self.base
    }
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// So wide that it is more likely a slip than meant: half of the internet.
    pub fn is_too_wide(self) -> bool {
        self.prefix < if self.base.is_ipv4() { 8 } else { 16 }
    }

    pub fn contains(self, address: IpAddr) -> bool {
        AddressRange::new(address, self.prefix).is_some_and(|range| range == self)
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl ServerBan {
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let range = |text: &str, prefix| AddressRange::new(text.parse().unwrap(), prefix);
        for (base, prefix, address, inside) in [
            ("192.0.2.77", 24, "192.0.2.1", true),
            ("192.0.2.77", 24, "::ffff:192.0.2.1", true),
            ("192.0.2.77", 24, "192.0.3.1", false),
            ("192.0.2.77", 32, "192.0.2.77", true),
            ("192.0.2.77", 32, "192.0.2.78", false),
            ("0.0.0.0", 0, "203.0.113.9", true),
            ("0.0.0.0", 0, "::1", false),
            ("2001:db8::1", 64, "2001:db8::2", true),
            ("2001:db8::1", 64, "2001:db8:0:1::2", false),
            ("::", 0, "2001:db8::1", true),
        ] {
            let found = range(base, prefix).unwrap().contains(address.parse().unwrap());
            assert_eq!(found, inside, "{address} in {base}/{prefix}");
        }
        assert_eq!(range("192.0.2.1", 33), None);
        assert_eq!(range("2001:db8::1", 129), None);
        assert_eq!(range("192.0.2.77", 24).unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(AddressRange::of_one("2001:db8::1:2:3:4".parse().unwrap()).to_string(), "2001:db8::/64");
        // One pupil's, and not the whole room's.
        assert_eq!(AddressRange::of_one("fd00:1::6".parse().unwrap()).to_string(), "fd00:1::6/128");
        assert_eq!(AddressRange::of_one("fe80::1:2".parse().unwrap()).to_string(), "fe80::1:2/128");
        assert!(range("10.0.0.0", 7).unwrap().is_too_wide() && !range("10.0.0.0", 8).unwrap().is_too_wide());
    }
}
