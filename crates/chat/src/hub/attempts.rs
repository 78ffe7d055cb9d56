//! How often passwords may be tried, so that nobody guesses long and no stranger locks anyone out. Not part of the state that
//! is taken back: an attempt stays an attempt.
//!
//! Each address has its attempts, whatever it tries them at. Each account has three lanes; an attempt takes the first that is
//! open to it:
//! - *home*: from where a login to it succeeded before. Each such place has its own allowance, which nobody else spends.
//! - *first tries*: any other place has a few that nobody else spends, unless hundreds of places spend theirs at once.
//! - *shared*: what all places that have used up theirs have together.
//!
//! So an account's owner gets in from home always, from elsewhere at once, and after a slip of the finger too, however hard
//! others are guessing; SECURITY.md has the arithmetic of what they reach. Names without an account are counted alike, so
//! that nothing here tells whether there is one.

use crate::id::Timestamp;
use crate::query::Counted;
use crate::server_ban::AddressRange;
use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::hash::Hash;
use std::net::IpAddr;

/// Places and accounts remembered, in each list. Beyond that the one known longest is forgotten.
const REMEMBERED: usize = 65_536;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What each place has for an account that it never logged in to.
const FIRST_TRIES: Rate = Rate { burst: 3, window_ms: DAY_MS };
/// What all places have of these together, for one account.
const ALL_FIRST_TRIES: Rate = Rate { burst: 300, window_ms: HOUR_MS };
/// How long a place is home after a login from there. The address of the last login is kept with the account for good.
const HOME: Rate = Rate { burst: 1, window_ms: 30 * DAY_MS };

/// So many in so long, all at once or spread. A burst of 0: no limit.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: u32,
    window_ms: u64,
}

impl Rate {
    fn a_minute(burst: u32) -> Rate {
        Rate { burst, window_ms: MINUTE_MS }
    }

    fn cost_ms(self) -> u64 {
        self.window_ms / u64::from(self.burst.max(1))
    }
}

/// An account by its folded name, whether or not there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried<'a> {
    pub name: &'a CompactString,
    /// A minute. 0: none.
    pub limit: u32,
    /// From where its owner came last.
    pub last_address: Option<IpAddr>,
}

/// An address and how often it may try, a minute. 0: no limit.
pub(super) type From = (IpAddr, u32);

/// An account and a network.
type Place = (CompactString, u128);

#[derive(Debug)]
pub(super) struct Attempts {
    by_address: Buckets<u128>,
    shared: Buckets<CompactString>,
    first_tries: Buckets<Place>,
    all_first_tries: Buckets<CompactString>,
    home: Buckets<Place>,
    /// Where logins succeeded.
    known: Buckets<Place>,
}

impl Attempts {
    pub fn new(hasher: FixedState) -> Attempts {
        Attempts {
            by_address: Buckets::new(hasher.clone()),
            shared: Buckets::new(hasher.clone()),
            first_tries: Buckets::new(hasher.clone()),
            all_first_tries: Buckets::new(hasher.clone()),
            home: Buckets::new(hasher.clone()),
            known: Buckets::new(hasher),
        }
    }

    /// Notes an attempt, and says in which lane. `Err`: too many; try again after so many seconds.
    pub fn note(&mut self, tried: Tried<'_>, from: From, now: Timestamp) -> Result<Counted, u32> {
        let (address, party, by_address) = (network(from.0), party(from.0), Rate::a_minute(from.1));
        let name = tried.name;
        let per_minute = Rate::a_minute(tried.limit);
        let (place, site) = ((name.clone(), address), (name.clone(), site(from.0)));
        let is_home = tried.last_address.is_some_and(|last| network(last) == address)
            || self.known.wait_ms(&place, HOME, now) > 0;
        let (lane, wait_ms) = if tried.limit == 0 {
            (Counted::Home, 0)
        } else if is_home {
            (Counted::Home, self.home.wait_ms(&place, per_minute, now))
        } else {
            let first = self.first_tries.wait_ms(&site, FIRST_TRIES, now);
            let first = first.max(self.all_first_tries.wait_ms(name, ALL_FIRST_TRIES, now));
            let shared = self.shared.wait_ms(name, per_minute, now);
            if first == 0 { (Counted::First, 0) } else { (Counted::Shared, shared.min(first)) }
        };
        let wait_ms = wait_ms.max(self.by_address.wait_ms(&party, by_address, now));
        if wait_ms > 0 {
            return Err(wait_ms.div_ceil(1000) as u32);
        }
        self.by_address.take(party, by_address, now);
        match lane {
            Counted::Home => self.home.take(place, per_minute, now),
            Counted::First => {
                self.first_tries.take(site, FIRST_TRIES, now);
                self.all_first_tries.take(name.clone(), ALL_FIRST_TRIES, now);
            }
            Counted::Shared => self.shared.take(name.clone(), per_minute, now),
        }
        Ok(lane)
    }

    /// A login succeeded: its attempt, if one was counted, does not count, and where it came from is home.
    pub fn succeeded(&mut self, tried: Tried<'_>, from: From, counted: Option<Counted>, now: Timestamp) {
        let (address, name) = (network(from.0), tried.name);
        let per_minute = Rate::a_minute(tried.limit);
        let place = (name.clone(), address);
        if let Some(lane) = counted {
            self.by_address.give_back(&party(from.0), Rate::a_minute(from.1));
            match lane {
                Counted::Home => self.home.give_back(&place, per_minute),
                Counted::First => {
                    self.first_tries.give_back(&(name.clone(), site(from.0)), FIRST_TRIES);
                    self.all_first_tries.give_back(name, ALL_FIRST_TRIES);
                }
                Counted::Shared => self.shared.give_back(name, per_minute),
            }
        }
        self.known.fill(place, HOME, now);
    }

    /// How much is remembered, and by how many entries of its order.
    #[cfg(test)]
    fn lists(&self) -> [(usize, usize); 6] {
        [
            self.by_address.sizes(),
            self.shared.sizes(),
            self.first_tries.sizes(),
            self.all_first_tries.sizes(),
            self.home.sizes(),
            self.known.sizes(),
        ]
    }
}

/// One customer's network: a whole IPv6 /64 is one place (RFC 6177), an IPv4 address another.
pub(super) fn network(address: IpAddr) -> u128 {
    prefix(address, 64)
}

/// Who may try so often: a network, or on the local network, which a whole room shares, one machine.
fn party(address: IpAddr) -> u128 {
    let range = AddressRange::of_one(address);
    prefix(range.base(), range.prefix().max(64).into())
}

/// What one party can have many networks of: an IPv6 /48 (RFC 6177). Only what is free for newcomers goes by it.
fn site(address: IpAddr) -> u128 {
    prefix(address, 48)
}

fn prefix(address: IpAddr, bits: u32) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        // The last bit keeps `::/bits` apart from IPv4 addresses.
        IpAddr::V6(address) => address.to_bits() >> (128 - bits) << (128 - bits) | 1 << 63,
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

    fn wait_ms(&self, key: &K, rate: Rate, now: Timestamp) -> u64 {
        if rate.burst == 0 {
            return 0;
        }
        let full_at = self.full_at.get(key).copied().unwrap_or(0).max(now.0);
        (full_at + rate.cost_ms()).saturating_sub(now.0.saturating_add(rate.window_ms))
    }

    fn take(&mut self, key: K, rate: Rate, now: Timestamp) {
        if rate.burst > 0 {
            let full_at = self.full_at(key, now);
            *full_at = (*full_at).max(now.0).saturating_add(rate.cost_ms());
        }
    }

    /// As if all had been taken just now.
    fn fill(&mut self, key: K, rate: Rate, now: Timestamp) {
        *self.full_at(key, now) = now.0.saturating_add(rate.window_ms);
    }

    fn full_at(&mut self, key: K, now: Timestamp) -> &mut u64 {
        if !self.full_at.contains_key(&key) {
            self.make_room(now);
            self.order.push_back(key.clone());
        }
        self.full_at.entry(key).or_insert(0)
    }

    fn give_back(&mut self, key: &K, rate: Rate) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = full_at.saturating_sub(rate.cost_ms());
        }
    }

    #[cfg(test)]
    fn sizes(&self) -> (usize, usize) {
        (self.full_at.len(), self.order.len())
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

    /// Five a minute and account, twenty a minute and address.
    struct World {
        attempts: Attempts,
        now: Timestamp,
    }

    impl World {
        fn new() -> World {
            World { attempts: Attempts::new(FixedState::with_seed(1)), now: Timestamp(1_000_000_000) }
        }
        fn tries(&mut self, name: &str, from: &str) -> Result<Counted, u32> {
            self.tries_at(name, from, None)
        }
        fn tries_at(&mut self, name: &str, from: &str, home: Option<&str>) -> Result<Counted, u32> {
            let name = CompactString::new(name);
            let last_address = home.map(|home| home.parse().unwrap());
            let tried = Tried { name: &name, limit: 5, last_address };
            self.attempts.note(tried, (from.parse().unwrap(), 20), self.now)
        }
        fn gets_in(&mut self, name: &str, from: &str, counted: Option<Counted>) {
            let name = CompactString::new(name);
            let tried = Tried { name: &name, limit: 5, last_address: None };
            self.attempts.succeeded(tried, (from.parse().unwrap(), 20), counted, self.now);
        }
        fn passes(&mut self, seconds: u64) {
            self.now.0 += seconds * 1000;
        }
        /// How many of so many attempts from this address are let through.
        fn many(&mut self, name: &str, from: &str, count: usize) -> usize {
            (0..count).filter(|_| self.tries(name, from).is_ok()).count()
        }
    }

    #[test]
    fn each_place_has_three_first_tries_a_day_and_then_a_share_of_five_a_minute() {
        let mut world = World::new();
        for _ in 0..3 {
            assert_eq!(world.tries("alice", "10.0.0.1"), Ok(Counted::First));
        }
        for _ in 0..4 {
            assert_eq!(world.tries("alice", "10.0.0.1"), Ok(Counted::Shared));
        }
        assert_eq!(world.many("alice", "10.0.0.2", 3), 3);
        assert_eq!(world.tries("alice", "10.0.0.2"), Ok(Counted::Shared));
        assert_eq!(world.tries("alice", "10.0.0.1"), Err(12));
        assert_eq!(world.tries("alice", "10.0.0.2"), Err(12));
        world.passes(11);
        assert_eq!(world.tries("alice", "10.0.0.2"), Err(1));
        world.passes(1);
        assert_eq!(world.tries("alice", "10.0.0.2"), Ok(Counted::Shared));
        assert_eq!(world.tries("alice", "10.0.0.1"), Err(12));
        // Somebody new, and the same ones a third of a day later.
        assert_eq!(world.tries("alice", "10.0.0.3"), Ok(Counted::First));
        world.passes(8 * 3600);
        assert_eq!(world.tries("alice", "10.0.0.1"), Ok(Counted::First));
        assert_eq!(world.tries("alice", "10.0.0.1"), Ok(Counted::Shared));
    }

    #[test]
    fn strangers_keep_nobody_out() {
        let mut world = World::new();
        for number in 0..50 {
            world.many("alice", &format!("10.0.1.{number}"), 20);
        }
        assert!(world.tries("alice", "10.0.1.1").is_err());
        // From somewhere new, after two slips; from home, known from before the start; and from there again.
        assert_eq!(world.many("alice", "10.0.2.1", 2), 2);
        let counted = world.tries("alice", "10.0.2.1").unwrap();
        world.gets_in("alice", "10.0.2.1", Some(counted));
        assert_eq!(world.tries_at("alice", "10.0.2.2", Some("10.0.2.2")), Ok(Counted::Home));
        for number in 50..250 {
            world.many("alice", &format!("10.0.1.{number}"), 20);
        }
        // So many that first tries are used up for all: home is still home.
        assert!(world.tries("alice", "10.0.3.1").is_err());
        for _ in 0..5 {
            assert_eq!(world.tries("alice", "10.0.2.1"), Ok(Counted::Home));
        }
        assert_eq!(world.tries("alice", "10.0.2.1"), Err(12));
        world.passes(29 * 24 * 3600);
        assert_eq!(world.tries("alice", "10.0.2.1"), Ok(Counted::Home));
        world.passes(2 * 24 * 3600);
        assert_eq!(world.tries("alice", "10.0.2.1"), Ok(Counted::First));
    }

    /// The bound of SECURITY.md, for a guesser who never runs out of addresses.
    #[test]
    fn one_account_takes_fourteen_thousand_four_hundred_guesses_a_day_at_most() {
        let mut world = World::new();
        let mut guesses = 0;
        let mut address = 0_u32;
        // A day in steps of half a minute, each with more than all lanes take, from addresses never seen before and from a
        // hundred that were.
        for _ in 0..24 * 120 {
            for from in 0..12 {
                address += 1;
                let fresh = std::net::Ipv4Addr::from_bits(0x0b00_0000 + address).to_string();
                guesses += world.many("alice", &fresh, 1);
                guesses += world.many("alice", &format!("10.0.0.{}", from), 1);
            }
            world.passes(30);
        }
        let a_day = 24 * 60 * 5 + 24 * 300;
        assert!((a_day..=a_day + 305).contains(&guesses), "{guesses} guesses");
    }

    #[test]
    fn an_address_can_try_so_often_a_minute_and_a_success_counts_not() {
        let mut world = World::new();
        for number in 0..20 {
            assert_eq!(world.tries(&format!("n{number}"), "2001:db8::1"), Ok(Counted::First));
        }
        assert_eq!(world.tries("alice", "2001:db8::2"), Err(3));
        let counted = world.tries("alice", "2001:db8:0:1::1");
        assert_eq!(counted, Ok(Counted::First));
        // A login that was not counted, as one with a certificate, gives nothing back.
        world.gets_in("n1", "2001:db8::7", None);
        assert_eq!(world.tries("alice", "2001:db8::2"), Err(3));
        world.gets_in("n1", "2001:db8::7", Some(Counted::First));
        assert_eq!(world.tries("alice", "2001:db8::2"), Ok(Counted::First));
    }

    #[test]
    fn the_networks_of_one_site_are_one_newcomer() {
        let mut world = World::new();
        for network in 0..3 {
            assert_eq!(world.tries("alice", &format!("2001:db8:7:{network}::1")), Ok(Counted::First));
        }
        assert_eq!(world.tries("alice", "2001:db8:7:3::1"), Ok(Counted::Shared));
        assert_eq!(world.tries("alice", "2001:db8:8::1"), Ok(Counted::First));
    }

    #[test]
    fn without_limits_nothing_is_refused() {
        let mut attempts = Attempts::new(FixedState::with_seed(1));
        let name = CompactString::new("alice");
        for _ in 0..1000 {
            let tried = Tried { name: &name, limit: 0, last_address: None };
            assert!(attempts.note(tried, ("10.0.0.1".parse().unwrap(), 0), Timestamp(0)).is_ok());
        }
    }

    #[test]
    fn it_remembers_no_more_than_it_says() {
        let mut world = World::new();
        for number in 0..REMEMBERED as u32 + 1000 {
            let from = std::net::Ipv4Addr::from_bits(number).to_string();
            let counted = world.tries(&format!("n{number}"), &from).unwrap();
            if number % 2 == 0 {
                world.gets_in(&format!("n{number}"), &from, Some(counted));
            }
        }
        for (kept, ordered) in world.attempts.lists() {
            assert!(kept <= REMEMBERED);
            assert_eq!(kept, ordered);
        }
    }
}
