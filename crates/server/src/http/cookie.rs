//! The cookie by which a browser stays logged in: an account's id, and a secret of which the server keeps the hash.
//!
//! Only the page's own requests bring it (SameSite=Strict), no script reads it (HttpOnly), and by its name no other host can
//! have set it (`__Host-`, RFC 6265bis section 4.1.3.2). Browsers take that name over https alone; without TLS, which is for
//! this machine, there is another one. Cookies know no ports (section 8.5 there): two servers of one machine would log each
//! other's people out, so each has a name of its own.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::device_login::{LIFE_MS, LoginClaim, SecretHash};
use chat::id::ClientId;
use compact_str::{CompactString, format_compact};
use hyper::header::{self, HeaderMap, HeaderValue};
use std::path::Path;
use uuid::Uuid;
use zeroize::Zeroizing;

const ACCOUNT_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// What the cookie is called.
pub(super) struct CookieName {
    text: CompactString,
    is_https: bool,
}

impl CookieName {
    /// `server`: as `HttpRules::cookie`.
    pub(super) fn new(server: &str, is_https: bool) -> CookieName {
        let start = if is_https { "__Host-parlor-" } else { "parlor-" };
        CookieName { text: format_compact!("{start}{server}"), is_https }
    }
}

/// What the cookies of the server that keeps its data there are told apart by. Not of its ports: whoever is logged in stays so
/// when it listens elsewhere.
pub(super) fn server_of(data: &Path) -> CompactString {
    let place = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let [a, b, c, d, ..] = hash(place.as_os_str().as_encoded_bytes()).0;
    format_compact!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

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
    pub(super) fn set_for(&self, account: ClientId, name: &CookieName) -> Option<HeaderValue> {
        let mut bytes = Zeroizing::new([0; ACCOUNT_BYTES + SECRET_BYTES]);
        bytes[..ACCOUNT_BYTES].copy_from_slice(account.0.as_bytes());
        bytes[ACCOUNT_BYTES..].copy_from_slice(&*self.0);
        let value = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
        set(&value, LIFE_MS / 1000, name)
    }
}

/// Takes the cookie away.
pub(super) fn clear(name: &CookieName) -> Option<HeaderValue> {
    set("", 0, name)
}

fn set(value: &str, seconds: u64, CookieName { text: name, is_https }: &CookieName) -> Option<HeaderValue> {
    let secure = if *is_https { "; Secure" } else { "" };
    let mut value =
        HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"))
            .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What the browser shows.
pub(super) fn claim_of(headers: &HeaderMap, name: &CookieName) -> Option<LoginClaim> {
    values(headers, name).find_map(parse)
}

/// Whether it shows one, good or not.
pub(super) fn is_shown(headers: &HeaderMap, name: &CookieName) -> bool {
    values(headers, name).next().is_some()
}

fn values<'a>(headers: &'a HeaderMap, name: &'a CookieName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(of, _)| name.text == *of)
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
            (true, "__Host-parlor-0123=", "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"),
            (false, "parlor-0123=", "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"),
        ] {
            let name = CookieName::new("0123", is_https);
            let set = drawn.set_for(account, &name).unwrap();
            assert!(set.is_sensitive());
            let set = set.to_str().unwrap();
            assert!(set.starts_with(start) && set.ends_with(end), "{set}");
            let pair = set.split(';').next().unwrap();
            let claim = LoginClaim { account, secret: drawn.hash() };
            assert_eq!(claim_of(&cookies(&format!("a=b; {pair}; c=")), &name), Some(claim));
            // What came without TLS counts for nothing with it, and the other way round; and another server's is not ours.
            assert_eq!(claim_of(&cookies(pair), &CookieName::new("0123", !is_https)), None);
            assert_eq!(claim_of(&cookies(pair), &CookieName::new("0124", is_https)), None);
        }
        assert_ne!(Drawn::new().unwrap().hash(), drawn.hash());
    }

    #[test]
    fn nonsense_is_no_claim() {
        let long = "A".repeat(65);
        let name = CookieName::new("0", false);
        for value in ["", "=", "x", "AAAA", "....", &long, "%00", "\"quoted\""] {
            assert_eq!(claim_of(&cookies(&format!("parlor-0={value}")), &name), None, "{value}");
        }
        assert!(claim_of(&cookies(&format!("parlor-0={}", "A".repeat(64))), &name).is_some());
        assert_eq!(claim_of(&HeaderMap::new(), &name), None);
    }

    #[test]
    fn two_servers_of_a_machine_have_two_names() {
        assert_eq!(server_of(Path::new("/srv/one")).len(), 8);
        assert_ne!(server_of(Path::new("/srv/one")), server_of(Path::new("/srv/two")));
    }
}
