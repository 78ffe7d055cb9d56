//! How often passwords may be tried: by account, so that one password is not guessed from many places, and by address, so
//! that one place does not guess many. Not part of the state that is taken back: an attempt stays an attempt.

use crate::id::Timestamp;
use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::hash::Hash;
use std::net::IpAddr;

/// Accounts and addresses remembered, each. Beyond that the one known longest is forgotten.
const REMEMBERED: usize = 65_536;
/// The limits are for so many milliseconds.
const WINDOW_MS: u64 = 60_000;

#[derive(Debug)]
pub(super) struct Attempts {
    by_account: Buckets<CompactString>,
    by_address: Buckets<u128>,
}

impl Attempts {
    pub fn new(hasher: FixedState) -> Attempts {
        Attempts { by_account: Buckets::new(hasher.clone()), by_address: Buckets::new(hasher) }
    }

    /// Notes an attempt at the account of this folded name, whether or not there is one (`None`: not counted by
    /// account). `Err`: too many; try again after so many seconds. Limits are a minute's; 0 is none.
    pub fn note(
        &mut self,
        account: Option<(&CompactString, u32)>,
        address: (IpAddr, u32),
        now: Timestamp,
    ) -> Result<(), u32> {
        let (address, address_limit) = (network(address.0), address.1);
        let wait_for_address = self.by_address.wait_ms(&address, address_limit, now);
        let wait_for_account = account.map_or(0, |(name, limit)| self.by_account.wait_ms(name, limit, now));
        let wait_ms = wait_for_address.max(wait_for_account);
        if wait_ms > 0 {
            return Err(wait_ms.div_ceil(1000) as u32);
        }
        self.by_address.take(address, address_limit, now);
        if let Some((name, limit)) = account {
            self.by_account.take(name.clone(), limit, now);
        }
        Ok(())
    }

    /// The attempt was good: it does not count.
    pub fn give_back(&mut self, account: (&CompactString, u32), address: (IpAddr, u32)) {
        self.by_account.give_back(account.0, account.1);
        self.by_address.give_back(&network(address.0), address.1);
    }
}

/// One customer's network: a whole IPv6 /64 is one place (RFC 6177), an IPv4 address another.
pub(super) fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64 | 1 << 63,
    }
}

/// Token buckets, each kept as the time at which it will be full again (the generic cell rate algorithm).
#[derive(Debug)]
struct Buckets<K> {
    full_at: HashMap<K, u64, FixedState>,
    /// In the order in which they came.
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(hasher: FixedState) -> Buckets<K> {
        Buckets { full_at: HashMap::with_hasher(hasher), order: VecDeque::new() }
    }

    fn cost_ms(limit: u32) -> u64 {
        WINDOW_MS / u64::from(limit.max(1))
    }

    fn wait_ms(&self, key: &K, limit: u32, now: Timestamp) -> u64 {
        if limit == 0 {
            return 0;
        }
        let full_at = self.full_at.get(key).copied().unwrap_or(0).max(now.0);
        (full_at + Self::cost_ms(limit)).saturating_sub(now.0.saturating_add(WINDOW_MS))
    }

    fn take(&mut self, key: K, limit: u32, now: Timestamp) {
        if limit == 0 {
            return;
        }
        if !self.full_at.contains_key(&key) {
            self.make_room(now);
            self.order.push_back(key.clone());
        }
        let full_at = self.full_at.entry(key).or_insert(0);
        *full_at = (*full_at).max(now.0).saturating_add(Self::cost_ms(limit));
    }

    fn give_back(&mut self, key: &K, limit: u32) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = full_at.saturating_sub(Self::cost_ms(limit));
        }
    }

    /// Forgets those at the front that are full again, and one more if there are too many.
    fn make_room(&mut self, now: Timestamp) {
        while let Some(first) = self.order.front() {
            let is_full = self.full_at.get(first).is_none_or(|full_at| *full_at <= now.0);
            if !is_full && self.order.len() < REMEMBERED {
                break;
            }
            self.full_at.remove(first);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts() -> Attempts {
        Attempts::new(FixedState::with_seed(1))
    }
    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_account_can_be_tried_so_often_a_minute() {
        let mut attempts = attempts();
        let name = CompactString::new("alice");
        let mut note = |from: &str, second: u64| {
            attempts.note(Some((&name, 5)), (address(from), 20), Timestamp(1_000_000 + second * 1000))
        };
        for from in ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"] {
            assert_eq!(note(from, 0), Ok(()));
        }
        assert_eq!(note("10.0.0.6", 0), Err(12));
        assert_eq!(note("10.0.0.6", 11), Err(1));
        assert_eq!(note("10.0.0.6", 12), Ok(()));
        assert_eq!(note("10.0.0.6", 12), Err(12));
    }

    #[test]
    fn an_address_can_try_so_often_a_minute_and_a_success_counts_not() {
        let mut attempts = attempts();
        let now = Timestamp(5_000);
        for number in 0..20 {
            let name = CompactString::from(format!("n{number}"));
            assert_eq!(attempts.note(Some((&name, 5)), (address("2001:db8::1"), 20), now), Ok(()));
        }
        let name = CompactString::new("alice");
        assert_eq!(attempts.note(Some((&name, 5)), (address("2001:db8::2"), 20), now), Err(3));
        assert_eq!(attempts.note(Some((&name, 5)), (address("2001:db8:0:1::1"), 20), now), Ok(()));
        attempts.give_back((&name, 5), (address("2001:db8::7"), 20));
        assert_eq!(attempts.note(Some((&name, 5)), (address("2001:db8::2"), 20), now), Ok(()));
    }

    #[test]
    fn without_limits_nothing_is_refused() {
        let mut attempts = attempts();
        for _ in 0..1000 {
            assert_eq!(attempts.note(None, (address("10.0.0.1"), 0), Timestamp(0)), Ok(()));
        }
    }

    #[test]
    fn it_remembers_no_more_than_it_says() {
        let mut attempts = attempts();
        for number in 0..REMEMBERED as u32 + 1000 {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits(number));
            let name = CompactString::from(format!("n{number}"));
            assert_eq!(attempts.note(Some((&name, 5)), (from, 20), Timestamp(0)), Ok(()));
        }
        assert!(attempts.by_account.full_at.len() <= REMEMBERED);
        assert_eq!(attempts.by_account.full_at.len(), attempts.by_account.order.len());
        assert_eq!(attempts.by_address.full_at.len(), attempts.by_address.order.len());
    }
}
