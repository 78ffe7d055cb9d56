//! What is shown instead of an address: stable, the same for the same address, and of no use to whoever wants to find
//! the address, which takes the server's secret.
//!
//! A cloak has one label for each of three ranges that the address lies in, narrowest first, so that a ban can name
//! one device (`a.b.c.ip`), a small network (`*.b.c.ip`) or a large one (`*.c.ip`).

use aws_lc_rs::hmac;
use compact_str::CompactString;
use std::net::IpAddr;

/// What a cloak ends with: no name of the domain name system ends so.
pub(crate) const SUFFIX: &str = "ip";

/// The cloak of an address. IPv4: /32, /24, /16; IPv6: /128, /64, /48.
pub(crate) fn cloak(address: IpAddr, secret: &[u8; 32]) -> CompactString {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut cloak = CompactString::default();
    let prefixes = match address.to_canonical() {
        IpAddr::V4(address) => {
            let octets = address.octets();
            [(4, octets.to_vec()), (3, octets[..3].to_vec()), (2, octets[..2].to_vec())]
        }
        IpAddr::V6(address) => {
            let octets = address.octets();
            [(16, octets.to_vec()), (8, octets[..8].to_vec()), (6, octets[..6].to_vec())]
        }
    };
    for (length, prefix) in prefixes {
        let mut context = hmac::Context::with_key(&key);
        context.update(b"parlor cloak ");
        context.update(&[length]);
        context.update(&prefix);
        push_label(&mut cloak, context.sign().as_ref());
        cloak.push('.');
    }
    cloak.push_str(SUFFIX);
    cloak
}

/// Ten letters and digits, 50 bits: two of a million addresses share a label once in a thousand networks.
fn push_label(cloak: &mut CompactString, mac: &[u8]) {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    for byte in mac.iter().take(10) {
        cloak.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloak_of(address: &str, secret: u8) -> String {
        cloak(address.parse().unwrap(), &[secret; 32]).to_string()
    }

    #[test]
    fn neighbours_share_the_labels_of_their_networks() {
        // Two addresses, and how many of the labels from the right they share.
        let cases = [
            ("192.0.2.1", "192.0.2.1", 4),
            ("192.0.2.1", "::ffff:192.0.2.1", 4),
            ("192.0.2.1", "192.0.2.2", 3),
            ("192.0.2.1", "192.0.3.1", 2),
            ("192.0.2.1", "192.1.2.1", 1),
            ("2001:db8:1:2::1", "2001:db8:1:2::2", 3),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", 2),
            ("2001:db8:1:2::1", "2001:db8:2:2::1", 1),
        ];
        for (a, b, shared) in cases {
            let (a_cloak, b_cloak) = (cloak_of(a, 1), cloak_of(b, 1));
            let same = a_cloak.rsplit('.').zip(b_cloak.rsplit('.')).take_while(|(a, b)| a == b).count();
            assert_eq!(same, shared, "{a} {a_cloak} {b} {b_cloak}");
        }
    }

    #[test]
    fn another_secret_gives_another_cloak_and_none_shows_the_address() {
        assert_ne!(cloak_of("192.0.2.1", 1), cloak_of("192.0.2.1", 2));
        let cloak = cloak_of("192.0.2.1", 1);
        assert_eq!(cloak.len(), 35);
        assert!(cloak.ends_with(".ip") && !cloak.contains("192"));
    }
}
