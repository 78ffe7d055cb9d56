//! The join code: an address and the beginning of a certificate's fingerprint, short enough to be written on a board.
//!
//! Where multicast is blocked a person carries it; what she types is then also what the certificate is held to, before a
//! password is sent. 72 bits of the fingerprint are in it: to make another certificate with the same takes 2^72 tries.
//!
//! Layout, the most significant bit first: what kind of address (2 bits), whether a port follows (1 bit; else 6697), the
//! address, the port (16 bits), 72 bits of SHA-256, a CRC-8 of all that, and zeros to a whole character. Of an address in a
//! private range (RFC 1918) only what the range leaves open is written. Characters are Crockford's base 32: no I, L, O, U;
//! who types them all the same is understood.

use crate::Fingerprint;
use data_encoding::{Encoding, Specification};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::LazyLock;

/// The port of IRC over TLS (RFC 7194).
pub const DEFAULT_PORT: u16 = 6697;
/// Of the fingerprint.
pub const FINGERPRINT_BYTES: usize = 9;
/// Characters of a group; groups are set apart by hyphens.
const GROUP: usize = 5;

static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzOoIiLl");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.ignore.push_str("- ");
    specification.check_trailing_bits = false;
    specification.encoding().expect("the specification above is sound")
});

const CHECK: crc::Crc<u8> = crc::Crc::<u8>::new(&crc::CRC_8_SMBUS);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JoinCode {
    pub address: SocketAddr,
    /// The first bytes of the certificate's SHA-256.
    pub fingerprint: [u8; FINGERPRINT_BYTES],
}

/// Why a text is no join code; a sentence for the one who typed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinCodeError {
    /// A character that is in no code.
    Character(char),
    TooShort,
    TooLong,
    /// All characters are good, but not together.
    Mistyped,
}

impl fmt::Display for JoinCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinCodeError::Character(c) => write!(f, "{c:?} is in no join code; compare it with the one on the server"),
            JoinCodeError::TooShort => f.write_str("the join code is too short; type all of its groups"),
            JoinCodeError::TooLong => f.write_str("the join code is too long; type it without anything behind it"),
            JoinCodeError::Mistyped => {
                f.write_str("a character of the join code is wrong; compare it with the one on the server")
            }
        }
    }
}

impl std::error::Error for JoinCodeError {}

impl JoinCode {
    pub fn new(address: SocketAddr, fingerprint: &Fingerprint) -> JoinCode {
        let mut start = [0; FINGERPRINT_BYTES];
        start.copy_from_slice(&fingerprint[..FINGERPRINT_BYTES]);
        JoinCode { address, fingerprint: start }
    }

    pub fn fits(&self, fingerprint: &Fingerprint) -> bool {
        fingerprint.starts_with(&self.fingerprint)
    }

    /// Whether a text can only be meant as a join code: no host name or address looks like it. Typed from a board it may have
    /// spaces in place of the hyphens, or neither.
    pub fn is_meant(text: &str) -> bool {
        let is_gap = |c: char| c == '-' || c == ' ';
        let characters = text.chars().filter(|c| !is_gap(*c)).count();
        let in_groups = || text.split(is_gap).rev().skip(1).all(|group| group.len() == GROUP);
        // A name of so many letters without a hyphen or a dot is conceivable, with digits among them hardly.
        let in_one_piece = || !text.contains(is_gap) && text.contains(|c: char| c.is_ascii_digit());
        (18..=50).contains(&characters)
            && text.chars().all(|c| is_gap(c) || c.is_ascii_alphanumeric())
            && (text.contains(is_gap) && in_groups() || in_one_piece())
    }
}

impl fmt::Display for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = Bits::default();
        let has_port = u128::from(self.address.port() != DEFAULT_PORT);
        match self.address.ip() {
            IpAddr::V4(ip) => {
                let number = u128::from(u32::from(ip));
                let (kind, width) = match ip.octets() {
                    [192, 168, ..] => (0, 16),
                    [10, ..] => (1, 24),
                    [172, 16..=31, ..] => (2, 20),
                    _ => (3, 33),
                };
                bits.push(kind, 2);
                bits.push(has_port, 1);
                bits.push(number & ((1 << width.min(32)) - 1), width);
            }
            IpAddr::V6(ip) => {
                bits.push(3, 2);
                bits.push(has_port, 1);
                bits.push(1, 1);
                bits.push(u128::from(ip), 128);
            }
        }
        if has_port == 1 {
            bits.push(self.address.port().into(), 16);
        }
        for byte in self.fingerprint {
            bits.push(byte.into(), 8);
        }
        bits.push(bits.check().into(), 8);
        let text = CROCKFORD.encode(&bits.into_bytes());
        // Whole bytes are more than whole characters: what is left over is nothing but zeros.
        let text = &text[..bits_of(&self.address).div_ceil(5)];
        for (place, character) in text.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

impl FromStr for JoinCode {
    type Err = JoinCodeError;

    fn from_str(text: &str) -> Result<JoinCode, JoinCodeError> {
        let mut bits = Bits::default();
        for character in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let wrong = JoinCodeError::Character(character);
            let mut buffer = [0; 4];
            // Two characters, since one alone is less than a byte.
            let pair = format!("{}0", character.encode_utf8(&mut buffer));
            let value = CROCKFORD.decode(pair.as_bytes()).map_err(|_| wrong)?;
            bits.push((value.first().copied().ok_or(wrong)? >> 3).into(), 5);
            if bits.length > 400 {
                return Err(JoinCodeError::TooLong);
            }
        }
        let mut reader = Reader { bits: &bits, at: 0 };
        let kind = reader.take(2)?;
        let has_port = reader.take(1)? == 1;
        let ip = match kind {
            0 => IpAddr::V4(Ipv4Addr::from(0xC0A8_0000 | reader.take(16)? as u32)),
            1 => IpAddr::V4(Ipv4Addr::from(0x0A00_0000 | reader.take(24)? as u32)),
            2 => IpAddr::V4(Ipv4Addr::from(0xAC10_0000 | reader.take(20)? as u32)),
            _ if reader.take(1)? == 0 => IpAddr::V4(Ipv4Addr::from(reader.take(32)? as u32)),
            _ => IpAddr::V6(Ipv6Addr::from(reader.take(128)?)),
        };
        let port = if has_port { reader.take(16)? as u16 } else { DEFAULT_PORT };
        let mut fingerprint = [0; FINGERPRINT_BYTES];
        for byte in &mut fingerprint {
            *byte = reader.take(8)? as u8;
        }
        let until = reader.at;
        let check = reader.take(8)? as u8;
        let address = SocketAddr::new(ip, port);
        match bits.length {
            length if length >= reader.at + 5 => Err(JoinCodeError::TooLong),
            _ if check != bits.check_of(until) || reader.rest() != 0 => Err(JoinCodeError::Mistyped),
            _ => Ok(JoinCode { address, fingerprint }),
        }
    }
}

/// How many bits the code of an address has, the check included.
fn bits_of(address: &SocketAddr) -> usize {
    let ip = match address.ip() {
        IpAddr::V4(ip) => match ip.octets() {
            [192, 168, ..] => 16,
            [10, ..] => 24,
            [172, 16..=31, ..] => 20,
            _ => 33,
        },
        IpAddr::V6(_) => 129,
    };
    let port = if address.port() == DEFAULT_PORT { 0 } else { 16 };
    3 + ip + port + 8 * FINGERPRINT_BYTES + 8
}

/// Bits, the most significant first.
#[derive(Clone, Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn push(&mut self, value: u128, width: usize) {
        for place in (0..width).rev() {
            if self.length.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if value >> place & 1 == 1
                && let Some(last) = self.bytes.last_mut()
            {
                *last |= 0x80 >> (self.length % 8);
            }
            self.length += 1;
        }
    }

    fn check(&self) -> u8 {
        self.check_of(self.length)
    }

    /// Of the first so many bits, with zeros to a whole byte before them: the check then follows what it checks without a
    /// gap, as it must for every burst of up to 8 wrong bits to be noticed.
    fn check_of(&self, length: usize) -> u8 {
        let mut aligned = Bits::default();
        aligned.push(0, length.wrapping_neg() % 8);
        let mut reader = Reader { bits: self, at: 0 };
        for _ in 0..length {
            aligned.push(reader.bit(), 1);
        }
        CHECK.checksum(&aligned.bytes)
    }

    fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

struct Reader<'a> {
    bits: &'a Bits,
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, width: usize) -> Result<u128, JoinCodeError> {
        if self.at + width > self.bits.length {
            return Err(JoinCodeError::TooShort);
        }
        let mut value = 0;
        for _ in 0..width {
            value = value << 1 | self.bit();
        }
        Ok(value)
    }

    /// What is left, as a number.
    fn rest(mut self) -> u128 {
        let mut value = 0;
        while self.at < self.bits.length {
            value = value << 1 | self.bit();
        }
        value
    }

    fn bit(&mut self) -> u128 {
        let byte = self.bits.bytes[self.at / 8];
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        bit.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(address: &str) -> JoinCode {
        let mut fingerprint = [0; 32];
        for (place, byte) in fingerprint.iter_mut().enumerate() {
            *byte = 0xA0 + place as u8;
        }
        JoinCode::new(address.parse().unwrap(), &fingerprint)
    }

    #[test]
    fn codes_are_short_and_read_back() {
        let check = |address: &str, characters: usize| {
            let code = code(address);
            let text = code.to_string();
            assert_eq!(text.chars().filter(|c| *c != '-').count(), characters, "{address}: {text}");
            for typed in [text.clone(), text.replace('-', " "), text.replace('-', "").to_lowercase()] {
                assert!(JoinCode::is_meant(&typed), "{typed}");
                assert_eq!(typed.parse(), Ok(code), "{typed}");
            }
            assert_eq!(text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l").parse(), Ok(code));
        };
        check("192.168.1.5:6697", 20);
        check("192.168.255.255:7000", 23);
        check("10.1.2.3:6697", 22);
        check("172.31.0.1:6697", 21);
        check("203.0.113.7:6697", 24);
        check("[fd00::5]:6697", 43);
        check("[2001:db8::1]:7000", 46);
    }

    #[test]
    fn what_is_no_code_is_said() {
        let text = code("192.168.1.5:6697").to_string();
        let check = |text: &str, expected: JoinCodeError| assert_eq!(text.parse::<JoinCode>(), Err(expected), "{text}");
        check("", JoinCodeError::TooShort);
        check(&text[..text.len() - 1], JoinCodeError::TooShort);
        check(&format!("{text}0"), JoinCodeError::TooLong);
        check(&"0".repeat(1000), JoinCodeError::TooLong);
        check(&text.replacen('A', "U", 1), JoinCodeError::Character('U'));
        check("ä", JoinCodeError::Character('ä'));
    }

    #[test]
    fn only_codes_look_like_codes() {
        for text in [
            "localhost",
            "chat.example.org",
            "192.168.1.5",
            "my-server",
            "::1",
            "a-b-c-d-e-f-g-h-i-j-k-l",
            "averyveryverylongname",
        ] {
            assert!(!JoinCode::is_meant(text), "{text}");
        }
    }

    #[test]
    fn a_code_fits_its_certificate_only() {
        let code = code("192.168.1.5:6697");
        let mut fingerprint = [0; 32];
        for (place, byte) in fingerprint.iter_mut().enumerate() {
            *byte = 0xA0 + place as u8;
        }
        assert!(code.fits(&fingerprint));
        fingerprint[8] ^= 1;
        assert!(!code.fits(&fingerprint));
    }

    proptest! {
        #[test]
        fn every_code_reads_back(ip: std::net::IpAddr, port: u16, fingerprint: [u8; 32]) {
            let code = JoinCode::new(SocketAddr::new(ip, port), &fingerprint);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }

        /// One character wrong, two that changed places: what typing does.
        #[test]
        fn slips_of_the_finger_are_noticed(at in 0usize..20, other in 0usize..32) {
            let text = code("192.168.1.5:6697").to_string().replace('-', "");
            let mut characters: Vec<char> = text.chars().collect();
            characters[at] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().nth(other).unwrap();
            let wrong: String = characters.iter().collect();
            prop_assert!(wrong == text || wrong.parse::<JoinCode>() != text.parse::<JoinCode>());
            if at < 19 && wrong != text {
                prop_assert!(wrong.parse::<JoinCode>().is_err(), "{}", wrong);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = text.parse::<JoinCode>();
            JoinCode::is_meant(&text);
        }
    }
}
