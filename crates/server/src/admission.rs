//! Who may connect: how many connections there are, in all and from one address, and how fast one address makes new ones.
//!
//! Shared by the listeners and the shards; a lock is taken once for a connection's beginning and once for its end.

use crate::config::AddressRange;
use crate::limits::{self, AdmissionRefusal, Limits};
use chat::server_ban::AddressRange as BannedRange;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Admission {
    inner: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    rules: AdmissionRules,
    /// From where nobody may connect; never this machine, nor an exempt address.
    doors: Vec<BannedRange>,
    open: usize,
    /// The networks of IPv6 that this machine was on at its start: their machines are this room's, one beside the other.
    own_networks: Vec<BannedRange>,
    /// By address, IPv6 by its /64 unless it is one of the local network ([`Table::party`]).
    addresses: HashMap<IpAddr, Address, RandomState>,
    last_sweep: Instant,
}

#[derive(Clone, Debug)]
pub struct AdmissionRules {
    /// Connections at a time; what the open-file limit leaves.
    pub most: usize,
    pub per_address: usize,
    pub per_minute: usize,
    /// Addresses without the last two bounds; they may also use the places kept back from everyone else.
    pub exempt: Vec<AddressRange>,
}

#[derive(Debug)]
struct Address {
    open: usize,
    /// Token bucket of new connections: how many are left, as of when.
    left: f64,
    at: Instant,
}

impl AdmissionRules {
    pub fn new(limits: &Limits, most: usize, per_minute: usize, exempt: Vec<AddressRange>) -> AdmissionRules {
        AdmissionRules { most, per_address: limits.connections_per_address, per_minute, exempt }
    }

    /// Places that need no privilege.
    fn for_everyone(&self) -> usize {
        self.most - limits::KEPT_PLACES.min(self.most / 4)
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|range| range.contains(address))
    }
}

impl Admission {
    /// `own`: this machine's addresses.
    pub fn new(rules: AdmissionRules, own: &[IpAddr]) -> Admission {
        let table = Table {
            rules,
            doors: Vec::new(),
            open: 0,
            own_networks: own.iter().filter(|own| own.is_ipv6()).map(|own| BannedRange::of_one(*own)).collect(),
            addresses: HashMap::default(),
            last_sweep: Instant::now(),
        };
        Admission { inner: Mutex::new(table) }
    }

    pub fn reconfigure(&self, rules: AdmissionRules) {
        self.table().rules = rules;
    }

    /// Nobody may connect from these from now on.
    pub fn close_doors(&self, doors: Vec<BannedRange>) {
        self.table().doors = doors;
    }

    /// Counts a new connection from this address, or says why not.
    pub fn enter(&self, address: IpAddr) -> Result<(), AdmissionRefusal> {
        self.enter_as(address, false)
    }

    /// The same for a proxy or a gateway that will say for whom it speaks: the bounds of an address are meant for people,
    /// so they are applied when it has ([`Admission::readmit`]).
    pub fn enter_for_others(&self, address: IpAddr) -> Result<(), AdmissionRefusal> {
        self.enter_as(address, true)
    }

    fn enter_as(&self, address: IpAddr, for_others: bool) -> Result<(), AdmissionRefusal> {
        let now = Instant::now();
        let mut table = self.table();
        table.sweep(now);
        let exempt = table.rules.is_exempt(address);
        if !exempt && table.is_banned(address) {
            return Err(AdmissionRefusal::Banned);
        }
        // A few places are kept for addresses that the operator has named, so that they get in when it is full.
        let most = if exempt { table.rules.most } else { table.rules.for_everyone() };
        if table.open >= most {
            return Err(AdmissionRefusal::TooManyConnections);
        }
        table.count(address, exempt || for_others, now)?;
        table.open += 1;
        Ok(())
    }

    /// Forgets a connection that [`Admission::enter`] counted.
    pub fn leave(&self, address: IpAddr) {
        let mut table = self.table();
        table.open = table.open.saturating_sub(1);
        table.uncount(address);
    }

    /// A proxy's connection turns out to be someone else's: counts for that address from now on.
    pub fn readmit(&self, proxy: IpAddr, address: IpAddr) -> Result<(), AdmissionRefusal> {
        let mut table = self.table();
        let exempt = table.rules.is_exempt(address);
        if !exempt && table.is_banned(address) {
            return Err(AdmissionRefusal::Banned);
        }
        table.count(address, exempt, Instant::now())?;
        table.uncount(proxy);
        Ok(())
    }

    /// No place is left for those without a privilege: accepting can wait.
    pub fn is_full(&self) -> bool {
        let table = self.table();
        table.open >= table.rules.for_everyone()
    }

    pub fn open(&self) -> usize {
        self.table().open
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn is_banned(&self, address: IpAddr) -> bool {
        !address.to_canonical().is_loopback() && self.doors.iter().any(|range| range.contains(address))
    }

    fn count(&mut self, address: IpAddr, exempt: bool, now: Instant) -> Result<(), AdmissionRefusal> {
        let (per_address, per_minute) = (self.rules.per_address, self.rules.per_minute as f64);
        let party = self.party(address);
        let entry = self.addresses.entry(party).or_insert(Address { open: 0, left: per_minute, at: now });
        if !exempt {
            if entry.open >= per_address {
                return Err(AdmissionRefusal::TooManyFromAddress);
            }
            let earned = now.saturating_duration_since(entry.at).as_secs_f64() * per_minute / 60.0;
            entry.left = (entry.left + earned).min(per_minute);
            entry.at = now;
            if entry.left < 1.0 {
                return Err(AdmissionRefusal::TooFast);
            }
            entry.left -= 1.0;
        }
        entry.open += 1;
        Ok(())
    }

    /// Whoever the bounds of an address are meant for. It must stay the same for as long as a connection is counted.
    fn party(&self, address: IpAddr) -> IpAddr {
        let range = BannedRange::of_one(address);
        if self.own_networks.contains(&range) { address.to_canonical() } else { range.base() }
    }

    fn uncount(&mut self, address: IpAddr) {
        let party = self.party(address);
        if let Some(entry) = self.addresses.get_mut(&party) {
            entry.open = entry.open.saturating_sub(1);
        }
    }

    /// Once a minute, forgets addresses that have nothing open and a full allowance.
    fn sweep(&mut self, now: Instant) {
        const MINUTE: Duration = Duration::from_secs(60);
        if now.saturating_duration_since(self.last_sweep) >= MINUTE {
            self.last_sweep = now;
            self.addresses.retain(|_, entry| entry.open > 0 || now.saturating_duration_since(entry.at) < MINUTE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(most: usize, per_address: usize, per_minute: usize, exempt: &[&str]) -> Admission {
        let exempt = exempt.iter().map(|range| range.parse().expect("a range")).collect();
        let own = [ip("2001:db8:9::1"), ip("192.0.2.9")];
        Admission::new(AdmissionRules { most, per_address, per_minute, exempt }, &own)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_has_its_bounds_and_others_are_not_touched_by_them() {
        let admission = rules(1_000, 2, 3, &[]);
        assert_eq!(admission.enter(ip("10.0.0.1")), Ok(()));
        assert_eq!(admission.enter(ip("10.0.0.1")), Ok(()));
        assert_eq!(admission.enter(ip("10.0.0.1")), Err(AdmissionRefusal::TooManyFromAddress));
        admission.leave(ip("10.0.0.1"));
        assert_eq!(admission.enter(ip("10.0.0.1")), Ok(()));
        admission.leave(ip("10.0.0.1"));
        assert_eq!(admission.enter(ip("10.0.0.1")), Err(AdmissionRefusal::TooFast));
        assert_eq!(admission.enter(ip("10.0.0.2")), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let admission = rules(1_000, 1, 10, &[]);
        assert_eq!(admission.enter(ip("2001:db8::1")), Ok(()));
        assert_eq!(admission.enter(ip("2001:db8::2")), Err(AdmissionRefusal::TooManyFromAddress));
        assert_eq!(admission.enter(ip("2001:db8:0:1::2")), Ok(()));
    }

    #[test]
    fn a_room_of_machines_in_one_local_network_of_ipv6_are_many() {
        let admission = rules(1_000, 1, 10, &[]);
        for network in ["fd00:1", "fe80", "2001:db8:9"] {
            for host in 1..=30 {
                assert_eq!(admission.enter(ip(&format!("{network}::{host}"))), Ok(()), "{network}::{host}");
            }
            assert_eq!(admission.enter(ip(&format!("{network}::1"))), Err(AdmissionRefusal::TooManyFromAddress));
            admission.leave(ip(&format!("{network}::1")));
            assert_eq!(admission.enter(ip(&format!("{network}::1"))), Ok(()));
        }
    }

    #[test]
    fn exempt_addresses_get_in_when_it_is_full_for_others() {
        let check = |most: usize, for_everyone: usize| {
            let admission = rules(most, 100, 100, &["127.0.0.0/8"]);
            for _ in 0..for_everyone {
                assert!(!admission.is_full(), "of {most}");
                assert_eq!(admission.enter(ip("10.0.0.1")), Ok(()), "of {most}");
            }
            assert!(admission.is_full(), "of {most}");
            assert_eq!(admission.enter(ip("10.0.0.2")), Err(AdmissionRefusal::TooManyConnections), "of {most}");
            for _ in for_everyone..most {
                assert_eq!(admission.enter(ip("127.0.0.1")), Ok(()), "of {most}");
            }
            assert_eq!(admission.enter(ip("127.0.0.1")), Err(AdmissionRefusal::TooManyConnections), "of {most}");
        };
        check(100, 100 - limits::KEPT_PLACES);
        // A small house is not kept empty for them.
        check(8, 6);
        check(1, 1);
    }

    #[test]
    fn a_closed_door_is_closed_to_all_but_this_machine_and_the_exempt() {
        let admission = rules(100, 10, 100, &["10.9.0.0/16"]);
        let all = |base: &str| BannedRange::new(ip(base), 8).expect("a range");
        admission.close_doors(vec![all("10.0.0.0"), all("127.0.0.0")]);
        assert_eq!(admission.enter(ip("10.0.0.1")), Err(AdmissionRefusal::Banned));
        assert_eq!(admission.enter(ip("::ffff:10.0.0.1")), Err(AdmissionRefusal::Banned));
        for address in ["10.9.0.1", "127.0.0.1", "192.0.2.1"] {
            assert_eq!(admission.enter(ip(address)), Ok(()), "{address}");
        }
        assert_eq!(admission.readmit(ip("192.0.2.1"), ip("10.0.0.1")), Err(AdmissionRefusal::Banned));
        admission.close_doors(Vec::new());
        assert_eq!(admission.readmit(ip("192.0.2.1"), ip("10.0.0.1")), Ok(()));
    }

    #[test]
    fn a_proxys_connection_counts_for_whom_it_is_made() {
        let admission = rules(100, 1, 10, &[]);
        for host in 1..=20 {
            assert_eq!(admission.enter_for_others(ip("10.0.0.9")), Ok(()));
            assert_eq!(admission.readmit(ip("10.0.0.9"), ip(&format!("192.0.2.{host}"))), Ok(()));
        }
        assert_eq!(admission.enter(ip("10.0.0.9")), Ok(()), "the proxy's own bounds are untouched");
        assert_eq!(admission.enter(ip("192.0.2.1")), Err(AdmissionRefusal::TooManyFromAddress));
    }
}
