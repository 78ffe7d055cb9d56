//! The tokens of invite links: `inv-` and 26 letters and digits, 128 bits of chance that were drawn outside.

use aws_lc_rs::digest::{SHA256, digest};
use chat::invite_link::LinkHash;
use zeroize::Zeroizing;

const PREFIX: &str = "inv-";
/// 128 bits, five at a time.
const LETTERS: usize = 26;
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The token of these bytes.
pub(crate) fn of(drawn: &[u8; 16]) -> Zeroizing<String> {
    let mut token = Zeroizing::new(String::with_capacity(PREFIX.len() + LETTERS));
    token.push_str(PREFIX);
    let mut number = u128::from_be_bytes(*drawn);
    for _ in 0..LETTERS {
        token.push(char::from(ALPHABET[(number & 31) as usize]));
        number >>= 5;
    }
    token
}

/// The hash of a text that can be a token.
pub fn hash(text: &str) -> Option<LinkHash> {
    let letters = text.strip_prefix(PREFIX)?;
    if letters.len() != LETTERS || !letters.bytes().all(|letter| ALPHABET.contains(&letter)) {
        return None;
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    Some(LinkHash(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts_and_nothing_else_is_a_token() {
        let token = of(&[7; 16]);
        assert_eq!(token.len(), PREFIX.len() + LETTERS);
        assert_eq!(hash(&token), hash(&of(&[7; 16])));
        for bit in 0..128 {
            let other = (u128::from_be_bytes([7; 16]) ^ (1 << bit)).to_be_bytes();
            assert_ne!(hash(&token), hash(&of(&other)), "bit {bit}");
            assert!(hash(&of(&other)).is_some());
        }
        for text in ["", "inv-", "sesame", &token[1..], &token[..token.len() - 1], &token.to_uppercase()] {
            assert_eq!(hash(text), None, "{text}");
        }
        assert_eq!(hash(&format!("{}x", *token)), None);
    }
}
