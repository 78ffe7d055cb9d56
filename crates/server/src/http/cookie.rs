//! The cookie by which a browser stays logged in: an account's id, and a secret of which the server keeps the hash.
//!
//! Only the page's own requests bring it (SameSite=Strict), no script reads it (HttpOnly), and by its name no other host can
//! have set it (`__Host-`, RFC 6265bis section 4.1.3.2). Browsers take that name over https alone; without TLS, which is for
//! this machine, there is another one.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::device_login::{LIFE_MS, LoginClaim, SecretHash};
use chat::id::ClientId;
use hyper::header::{self, HeaderMap, HeaderValue};
use uuid::Uuid;
use zeroize::Zeroizing;

const ACCOUNT_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// A secret that was drawn just now, of a device that is logged in with it.
pub(super) struct Drawn(Zeroizing<[u8; SECRET_BYTES]>);

impl Drawn {
    /// `None`: the system gives no random bytes.
    pub(super) fn new() -> Option<Drawn> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(&mut *secret).ok()?;
        Some(Drawn(secret))
    }

    pub(super) fn hash(&self) -> SecretHash {
        hash(&*self.0)
    }

    /// What is sent to the browser; `None` never comes, since all of it is ASCII.
    pub(super) fn set_for(&self, account: ClientId, is_https: bool) -> Option<HeaderValue> {
        let mut bytes = Zeroizing::new([0; ACCOUNT_BYTES + SECRET_BYTES]);
        bytes[..ACCOUNT_BYTES].copy_from_slice(account.0.as_bytes());
        bytes[ACCOUNT_BYTES..].copy_from_slice(&*self.0);
        let value = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
        set(&value, LIFE_MS / 1000, is_https)
    }
}

/// Takes the cookie away.
pub(super) fn clear(is_https: bool) -> Option<HeaderValue> {
    set("", 0, is_https)
}

fn set(value: &str, seconds: u64, is_https: bool) -> Option<HeaderValue> {
    let (name, secure) = (name(is_https), if is_https { "; Secure" } else { "" });
    let mut value =
        HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"))
            .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What the browser shows.
pub(super) fn claim_of(headers: &HeaderMap, is_https: bool) -> Option<LoginClaim> {
    values(headers, is_https).find_map(parse)
}

/// Whether it shows one, good or not.
pub(super) fn is_shown(headers: &HeaderMap, is_https: bool) -> bool {
    values(headers, is_https).next().is_some()
}

fn values(headers: &HeaderMap, is_https: bool) -> impl Iterator<Item = &str> {
    let name = name(is_https);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(of, _)| *of == name)
        .map(|(_, value)| value)
}

fn parse(value: &str) -> Option<LoginClaim> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(value).ok()?);
    let (account, secret) = bytes.split_at_checked(ACCOUNT_BYTES)?;
    if secret.len() != SECRET_BYTES {
        return None;
    }
    Some(LoginClaim { account: ClientId(Uuid::from_slice(account).ok()?), secret: hash(secret) })
}

fn hash(secret: &[u8]) -> SecretHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret).as_ref());
    SecretHash(hash)
}

fn name(is_https: bool) -> &'static str {
    if is_https { "__Host-parlor" } else { "parlor" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(list: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(list).unwrap())])
    }

    #[test]
    fn what_is_set_comes_back() {
        let account = ClientId(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        let drawn = Drawn::new().unwrap();
        for (is_https, start, end) in [
            (true, "__Host-parlor=", "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"),
            (false, "parlor=", "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"),
        ] {
            let set = drawn.set_for(account, is_https).unwrap();
            assert!(set.is_sensitive());
            let set = set.to_str().unwrap();
            assert!(set.starts_with(start) && set.ends_with(end), "{set}");
            let pair = set.split(';').next().unwrap();
            let claim = LoginClaim { account, secret: drawn.hash() };
            assert_eq!(claim_of(&cookies(&format!("a=b; {pair}; c=")), is_https), Some(claim));
            // What came without TLS counts for nothing with it, and the other way round.
            assert_eq!(claim_of(&cookies(pair), !is_https), None);
        }
        assert_ne!(Drawn::new().unwrap().hash(), drawn.hash());
    }

    #[test]
    fn nonsense_is_no_claim() {
        let long = "A".repeat(65);
        for value in ["", "=", "x", "AAAA", "....", &long, "%00", "\"quoted\""] {
            assert_eq!(claim_of(&cookies(&format!("parlor={value}")), false), None, "{value}");
        }
        assert!(claim_of(&cookies(&format!("parlor={}", "A".repeat(64))), false).is_some());
        assert_eq!(claim_of(&HeaderMap::new(), false), None);
    }
}
