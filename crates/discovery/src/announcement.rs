//! The service types, and the TXT record beside each (RFC 6763 sections 6 and 7).

use crate::Fingerprint;
use data_encoding::HEXLOWER_PERMISSIVE;

/// IRC over TLS. RFC 7194 calls the port `ircs-u`; the drafts for finding IRC servers, and those who look, say `ircs`.
pub const IRC_OVER_TLS: &str = "_ircs._tcp";
/// The registered name of the same port, which others may announce.
pub const IRC_OVER_TLS_REGISTERED: &str = "_ircs-u._tcp";
pub const IRC: &str = "_irc._tcp";
pub const PAGE_OVER_TLS: &str = "_https._tcp";
pub const PAGE: &str = "_http._tcp";

/// Bytes of an instance's name (RFC 6763 section 4.1.1).
pub const INSTANCE_BYTES: usize = 63;
/// Bytes of one `key=value` (RFC 6763 section 6.1: a length in one byte).
const TEXT_BYTES: usize = 255;

/// The layout of these keys.
const TXT_VERSION: &str = "1";

/// Who may come in. A hint for people; the server decides when they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinPolicy {
    /// Guests.
    Open,
    /// An account, which anyone may make.
    Account,
    /// An account, which takes an invitation or an administrator.
    Invitation,
}

impl JoinPolicy {
    const ALL: [JoinPolicy; 3] = [JoinPolicy::Open, JoinPolicy::Account, JoinPolicy::Invitation];

    pub fn word(self) -> &'static str {
        match self {
            JoinPolicy::Open => "open",
            JoinPolicy::Account => "account",
            JoinPolicy::Invitation => "invitation",
        }
    }
}

/// What a server says of itself. Hints: anyone on the network can say anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Announcement {
    pub network: Option<String>,
    /// Of the certificate that it shows.
    pub fingerprint: Option<Fingerprint>,
    pub policy: Option<JoinPolicy>,
    /// Of the page.
    pub path: Option<String>,
}

impl Announcement {
    /// The keys and values of the TXT record. What has no room is left out, rather than cut to something else.
    pub fn to_txt(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("txtvers", TXT_VERSION.to_owned())];
        pairs.extend(self.path.clone().map(|path| ("path", path)));
        pairs.extend(self.network.clone().map(|network| ("network", network)));
        pairs.extend(self.policy.map(|policy| ("join", policy.word().to_owned())));
        pairs.extend(self.fingerprint.map(|bytes| ("sha256", HEXLOWER_PERMISSIVE.encode(&bytes))));
        pairs.retain(|(key, value)| key.len() + 1 + value.len() <= TEXT_BYTES);
        pairs
    }

    /// Reads what anyone may have written: what is not understood is not there. Keys know no case (RFC 6763 section 6.4), the
    /// first of a kind counts.
    pub fn from_txt<'a>(pairs: impl Iterator<Item = (&'a str, &'a [u8])>) -> Announcement {
        let mut found = Announcement::default();
        for (key, value) in pairs {
            let Ok(text) = std::str::from_utf8(value) else { continue };
            match key.to_ascii_lowercase().as_str() {
                "network" if found.network.is_none() => found.network = shown(text),
                "path" if found.path.is_none() && text.starts_with('/') => found.path = shown(text),
                "join" if found.policy.is_none() => {
                    found.policy = JoinPolicy::ALL.into_iter().find(|policy| policy.word() == text);
                }
                "sha256" if found.fingerprint.is_none() => {
                    found.fingerprint = HEXLOWER_PERMISSIVE.decode(value).ok().and_then(|bytes| bytes.try_into().ok());
                }
                _ => {}
            }
        }
        found
    }
}

/// A text for a person's screen; a control character in it would be an attempt at something else.
fn shown(text: &str) -> Option<String> {
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// The beginning of an instance's name, for a network's name: at most [`INSTANCE_BYTES`] less what is to follow, cut between
/// characters.
pub fn instance_name(network: &str, following: usize) -> &str {
    network[..network.floor_char_boundary(INSTANCE_BYTES - following)].trim_end()
}

/// The beginning of a host's label for `.local` (RFC 1123: letters, digits, hyphens), with room for what is to follow;
/// `parlor` if nothing of the host's name can be used.
pub fn host_label(host: &str, following: usize) -> String {
    let label: String = host
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(INSTANCE_BYTES - following)
        .collect();
    match label.trim_matches('-') {
        "" => "parlor".to_owned(),
        label => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Announcement {
        Announcement::from_txt(pairs.iter().map(|(key, value)| (*key, value.as_bytes())))
    }

    #[test]
    fn what_is_announced_is_read_back() {
        let said = Announcement {
            network: Some("Räume für alle".into()),
            fingerprint: Some([0xAB; 32]),
            policy: Some(JoinPolicy::Account),
            path: Some("/".into()),
        };
        let pairs = said.to_txt();
        assert_eq!(pairs[0], ("txtvers", "1".to_owned()));
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(read(&pairs), said);
    }

    #[test]
    fn what_is_not_understood_is_not_there() {
        let check = |pairs: &[(&str, &str)], expected: Announcement| assert_eq!(read(pairs), expected, "{pairs:?}");
        check(&[], Announcement::default());
        check(&[("join", "perhaps"), ("sha256", "abc"), ("path", "no-slash")], Announcement::default());
        check(&[("network", "a\u{1b}[2Jb")], Announcement::default());
        check(
            &[("NETWORK", "first"), ("network", "second")],
            Announcement { network: Some("first".into()), ..Announcement::default() },
        );
        assert_eq!(Announcement::from_txt([("network", &[0xff_u8][..])].into_iter()), Announcement::default());
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let said = Announcement { network: Some("x".repeat(300)), ..Announcement::default() };
        assert_eq!(said.to_txt(), [("txtvers", "1".to_owned())]);
    }

    #[test]
    fn names_fit_their_records() {
        let check = |name: &str, expected: &str| assert_eq!(instance_name(name, 7), expected);
        check("Parlor", "Parlor");
        check(&"é".repeat(40), &"é".repeat(28));
        let check = |host: &str, expected: &str| assert_eq!(host_label(host, 5), expected);
        check("Raspberry Pi.example.org", "raspberry-pi");
        check("_-_", "parlor");
        check("", "parlor");
    }
}
