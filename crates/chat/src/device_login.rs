//! What a device shows in the place of a password once someone has logged in with it: a secret, of which the server knows
//! the hash. A browser keeps it as a cookie.
//!
//! A secret is replaced every day that it is used, so that one that was taken is of use for a short time. The answer that
//! brings the new one can get lost; so the old one stays good until the new one is first seen, and a minute more for what was
//! under way then.

use crate::id::{ClientId, Timestamp};
use compact_str::CompactString;
use std::net::IpAddr;

/// For so long a secret is good, unless it is replaced before: a device that stays away longer has to log in again.
pub const LIFE_MS: u64 = 30 * 24 * 3600 * 1000;

/// A secret of this age is to be replaced.
pub const RENEW_AFTER_MS: u64 = 12 * 3600 * 1000;

/// How long the one before is good after the new one was first seen; and how long a new one has to be seen before its place
/// is given to another.
pub const OVERLAP_MS: u64 = 60 * 1000;

/// SHA-256 of a secret of 256 bits of chance: of no use to whoever reads it on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SecretHash(pub [u8; 32]);

/// What a device shows: an account, and the hash of its secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginClaim {
    pub account: ClientId,
    pub secret: SecretHash,
}

/// What makes a device stay logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceLogin {
    pub secret: SecretHash,
    pub made: Timestamp,
    /// The one before, and until when it is good.
    pub before: Option<(SecretHash, Timestamp)>,
}

/// A device that is to stay logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDevice {
    /// What its owner knows it by.
    pub name: Option<CompactString>,
    pub transport: CompactString,
    pub address: IpAddr,
    pub secret: SecretHash,
}

/// Which of its secrets a device has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    Newest,
    Before,
}

impl DeviceLogin {
    pub fn new(secret: SecretHash, now: Timestamp) -> DeviceLogin {
        DeviceLogin { secret, made: now, before: None }
    }

    /// Which of its secrets this is; `None`: none that is good.
    pub fn recognise(&self, secret: SecretHash, now: Timestamp) -> Option<Shown> {
        if secret == self.secret {
            return (now < self.end()).then_some(Shown::Newest);
        }
        self.before.filter(|(before, until)| *before == secret && now < *until).map(|_| Shown::Before)
    }

    /// Whether whoever shows this is to be given a new one. One that was given a moment ago may be on its way still.
    pub fn is_due(&self, shown: Shown, now: Timestamp) -> bool {
        let age = match shown {
            Shown::Newest => RENEW_AFTER_MS,
            Shown::Before => OVERLAP_MS,
        };
        now >= self.made.later(age)
    }

    /// With a new secret, given to whoever has shown this one.
    pub fn renewed(&self, shown: Shown, to: SecretHash, now: Timestamp) -> DeviceLogin {
        let before = match shown {
            Shown::Newest => Some((self.secret, self.end())),
            // The newest never reached the device.
            Shown::Before => self.before,
        };
        DeviceLogin { secret: to, made: now, before }
    }

    /// The newest was shown: the one before goes. `None`: nothing changes by that.
    pub fn settled(&self, now: Timestamp) -> Option<DeviceLogin> {
        let (before, until) = self.before?;
        let end = now.later(OVERLAP_MS);
        (until > end).then(|| DeviceLogin { before: Some((before, end)), ..self.clone() })
    }

    fn end(&self) -> Timestamp {
        self.made.later(LIFE_MS)
    }
}

impl Timestamp {
    fn later(self, by_ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(by_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600 * 1000;
    const ONE: SecretHash = SecretHash([1; 32]);
    const TWO: SecretHash = SecretHash([2; 32]);
    const THREE: SecretHash = SecretHash([3; 32]);

    #[test]
    fn a_secret_is_replaced_daily_and_ends_by_itself() {
        let login = DeviceLogin::new(ONE, Timestamp(0));
        assert_eq!(login.recognise(ONE, Timestamp(LIFE_MS - 1)), Some(Shown::Newest));
        assert_eq!(login.recognise(ONE, Timestamp(LIFE_MS)), None);
        assert_eq!(login.recognise(TWO, Timestamp(1)), None);
        assert!(!login.is_due(Shown::Newest, Timestamp(RENEW_AFTER_MS - 1)));
        assert!(login.is_due(Shown::Newest, Timestamp(RENEW_AFTER_MS)) && RENEW_AFTER_MS <= DAY);
    }

    #[test]
    fn the_one_before_is_good_until_the_new_one_was_seen_and_a_minute_more() {
        let login = DeviceLogin::new(ONE, Timestamp(0)).renewed(Shown::Newest, TWO, Timestamp(DAY));
        // The answer was lost: a week later the device comes with what it has, and is given another.
        let later = Timestamp(8 * DAY);
        assert_eq!(login.recognise(ONE, later), Some(Shown::Before));
        assert!(login.is_due(Shown::Before, later) && !login.is_due(Shown::Before, Timestamp(DAY + OVERLAP_MS - 1)));
        let login = login.renewed(Shown::Before, THREE, later);
        assert_eq!(login.recognise(TWO, later), None);
        assert_eq!(login.recognise(ONE, later), Some(Shown::Before));
        let login = login.settled(Timestamp(9 * DAY)).expect("it was seen");
        assert_eq!(login.recognise(ONE, Timestamp(9 * DAY + OVERLAP_MS - 1)), Some(Shown::Before));
        assert_eq!(login.recognise(ONE, Timestamp(9 * DAY + OVERLAP_MS)), None);
        assert_eq!(login.recognise(THREE, Timestamp(10 * DAY)), Some(Shown::Newest));
        // Seen again: nothing more changes.
        assert_eq!(login.settled(Timestamp(10 * DAY)), None);
    }

    #[test]
    fn the_one_before_lives_no_longer_than_it_would_have() {
        let login = DeviceLogin::new(ONE, Timestamp(0)).renewed(Shown::Newest, TWO, Timestamp(DAY));
        assert_eq!(login.recognise(ONE, Timestamp(LIFE_MS)), None);
    }
}
