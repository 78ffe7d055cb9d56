//! The local network: the servers that announce themselves there (DNS-SD over multicast DNS, RFC 6763 and 6762), as they
//! appear and go.
//!
//! What is found is a hint. It says where to knock; whom one has reached the certificate tells.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use discovery::announcement::{IRC, IRC_OVER_TLS, IRC_OVER_TLS_REGISTERED};
use discovery::steps::{Question, Record, RecordKind, Step, StepLog, TimedStep, Via};
use discovery::{Announcement, Fingerprint, JoinPolicy};
use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};

use crate::address::Target;
use crate::lookup;
use crate::zone::{endpoint, ip_text};

/// How often those that are known are asked whether they are still there: a server that was cut off says no goodbye, and its
/// records would live for two minutes.
const VERIFY_EVERY: Duration = Duration::from_secs(8);
/// For their answer (RFC 6762 section 10.4; shorter than its ten seconds, since what is doubted is asked for once more).
const VERIFY_PATIENCE: Duration = Duration::from_secs(4);
/// For one that did not answer to be found anew: multicast gets lost, over radio above all.
const DOUBT: Duration = Duration::from_secs(3);

/// For the other addresses of a server, before it is told of: IPv4 and IPv6 are answers of their own, and which comes first is
/// chance (RFC 6762 section 6: an answer may wait for 120 ms). One without TLS waits twice as long: beside the same server over
/// TLS it is nothing to choose.
const GATHERING: Duration = Duration::from_millis(250);

/// A server on the network, as it was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The instance's name, or the network's where it is told. Free of control characters.
    pub name: String,
    pub tls: bool,
    /// `raspberrypi.local`.
    pub host: String,
    pub port: u16,
    /// IPv4 first, since it needs no zone; never empty.
    pub addresses: Vec<SocketAddr>,
    pub fingerprint: Option<Fingerprint>,
    pub policy: Option<JoinPolicy>,
}

impl Announced {
    /// Its name on this network rather than one of its addresses: all of them are tried, and it is still the same server when
    /// the network gives it another address.
    pub fn target(&self) -> Target {
        let host = match self.addresses.first() {
            Some(address) if !self.host.to_ascii_lowercase().ends_with(".local") => ip_text(address),
            _ => self.host.clone(),
        };
        Target { host, port: self.port, tls: self.tls, by_name: false }
    }
}

/// What happens on the network. The first field names the announcement, whatever its words say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkChange {
    /// It is new, or says something else than before.
    There(String, Announced),
    Gone(String),
}

/// Listens until it is dropped.
pub struct Listening {
    daemon: ServiceDaemon,
    changes: mpsc::Receiver<NetworkChange>,
    steps: Arc<Mutex<StepLog>>,
}

impl Listening {
    /// # Errors
    /// A sentence: this machine has no socket for multicast.
    pub fn start() -> Result<Listening, String> {
        let cannot = |error: mdns_sd::Error| {
            format!("The local network cannot be listened to ({error}); name the server, or type its join code.")
        };
        let daemon = ServiceDaemon::new().map_err(cannot)?;
        let (sender, changes) = mpsc::channel();
        let (steps, began) = (Arc::new(Mutex::new(StepLog::default())), Instant::now());
        for (kind, tls) in [(IRC_OVER_TLS, true), (IRC_OVER_TLS_REGISTERED, true), (IRC, false)] {
            let kind = format!("{kind}.local.");
            let events = daemon.browse(&kind).map_err(cannot)?;
            let mut watch = Watch {
                daemon: daemon.clone(),
                kind,
                tls,
                sender: sender.clone(),
                steps: Arc::clone(&steps),
                began,
                known: BTreeSet::new(),
                gathering: BTreeMap::new(),
                doubted: BTreeMap::new(),
                verify_at: began + VERIFY_EVERY,
                verified_until: began,
            };
            std::thread::Builder::new()
                .name("network".to_owned())
                .spawn(move || watch.run(events))
                .map_err(|error| format!("The local network cannot be listened to ({error}); close other programs."))?;
        }
        Ok(Listening { daemon, changes, steps })
    }

    pub fn changes(&self) -> &mpsc::Receiver<NetworkChange> {
        &self.changes
    }

    /// What was asked and heard so far.
    pub fn steps(&self) -> StepLog {
        self.steps.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Its threads end with their channels; with the process at the latest.
        let _ = self.daemon.shutdown();
    }
}

/// What one thread knows of one kind of service.
struct Watch {
    daemon: ServiceDaemon,
    /// `_ircs._tcp.local.`
    kind: String,
    tls: bool,
    sender: mpsc::Sender<NetworkChange>,
    steps: Arc<Mutex<StepLog>>,
    began: Instant,
    known: BTreeSet<String>,
    /// What is to be told of when its other addresses have had time to come.
    gathering: BTreeMap<String, Gathering>,
    /// Those that did not answer, and when that is believed.
    doubted: BTreeMap<String, Instant>,
    verify_at: Instant,
    /// Who goes before then may only not have answered in time.
    verified_until: Instant,
}

struct Gathering {
    due: Instant,
    found: Announced,
    records: Vec<Record>,
}

impl Watch {
    fn run(&mut self, mut events: Receiver<ServiceEvent>) {
        self.tell(Step::Asked {
            via: Via::Multicast,
            question: Question { name: self.kind.trim_end_matches('.').to_owned(), kinds: vec![RecordKind::Ptr] },
        });
        loop {
            let now = Instant::now();
            if now >= self.verify_at {
                self.verify(now);
            }
            let gone: Vec<String> =
                self.doubted.iter().filter(|(_, due)| **due <= now).map(|(name, _)| name.clone()).collect();
            for name in gone {
                if !self.gone(name) {
                    return;
                }
            }
            if !self.tell_gathered(now) {
                return;
            }
            let gathered = self.gathering.values().map(|gathering| gathering.due);
            let wake = self.doubted.values().copied().chain(gathered).fold(self.verify_at, Instant::min);
            let event = match events.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(event) => event,
                Err(_) if events.is_disconnected() => return,
                Err(_) => continue,
            };
            let is_wanted = match event {
                ServiceEvent::ServiceResolved(service) => {
                    self.there(&service);
                    true
                }
                ServiceEvent::ServiceRemoved(_, name) if Instant::now() < self.verified_until => {
                    self.doubted.insert(name, Instant::now() + DOUBT);
                    // Asking anew finds it if it is there.
                    match self.daemon.browse(&self.kind) {
                        Ok(anew) => events = anew,
                        Err(_) => return,
                    }
                    true
                }
                ServiceEvent::ServiceRemoved(_, name) => self.gone(name),
                _ => true,
            };
            if !is_wanted {
                return;
            }
        }
    }

    fn verify(&mut self, now: Instant) {
        self.verify_at = now + VERIFY_EVERY;
        // A little more than that: the flushing has a timer of its own.
        self.verified_until = now + VERIFY_PATIENCE + Duration::from_secs(1);
        for name in &self.known {
            // One that cannot be asked is told by its records' time to live.
            let _ = self.daemon.verify(name.clone(), VERIFY_PATIENCE);
        }
    }

    fn there(&mut self, service: &ResolvedService) {
        let name = service.get_fullname().to_owned();
        self.doubted.remove(&name);
        let Some(found) = announced(service, self.tls) else { return };
        let records = records_of(service, &self.kind);
        let due = Instant::now() + GATHERING * if self.tls { 1 } else { 2 };
        let due = self.gathering.get(&name).map_or(due, |gathering| gathering.due);
        self.gathering.insert(name, Gathering { due, found, records });
    }

    /// Whether anyone still listens.
    fn tell_gathered(&mut self, now: Instant) -> bool {
        let due = |gathering: &Gathering| gathering.due <= now;
        let names: Vec<String> =
            self.gathering.iter().filter(|(_, gathering)| due(gathering)).map(|(name, _)| name.clone()).collect();
        names.into_iter().all(|name| {
            let Some(Gathering { found, records, .. }) = self.gathering.remove(&name) else { return true };
            if self.known.insert(name.clone()) {
                self.tell(Step::Announced { records });
            }
            self.sender.send(NetworkChange::There(name, found)).is_ok()
        })
    }

    fn gone(&mut self, name: String) -> bool {
        self.doubted.remove(&name);
        self.gathering.remove(&name);
        self.known.remove(&name);
        self.tell(Step::Gone { name: name.trim_end_matches('.').to_owned() });
        self.sender.send(NetworkChange::Gone(name)).is_ok()
    }

    fn tell(&self, step: Step) {
        let step = TimedStep { at: self.began.elapsed(), step };
        self.steps.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(step);
    }
}

/// PTR, SRV, TXT and the addresses: what DNS-SD is made of (RFC 6763 section 4).
fn records_of(service: &ResolvedService, kind: &str) -> Vec<Record> {
    let plain = |name: &str| name.trim_end_matches('.').chars().filter(|c| !c.is_control()).collect::<String>();
    let record = |name: &str, kind, data: String| Record { name: plain(name), kind, ttl: None, data };
    let (instance, host) = (service.get_fullname(), service.get_hostname());
    let texts: Vec<String> = service.get_properties().iter().map(|property| plain(&property.to_string())).collect();
    let mut records = vec![
        record(kind, RecordKind::Ptr, plain(instance)),
        record(instance, RecordKind::Srv, format!("0 0 {} {}", service.get_port(), plain(host))),
        record(instance, RecordKind::Txt, texts.join(" ")),
    ];
    let addresses: Vec<SocketAddr> = all_addresses(service).collect();
    records.extend(lookup::records_of(&plain(host), &addresses));
    records
}

fn all_addresses(service: &ResolvedService) -> impl Iterator<Item = SocketAddr> {
    service.get_addresses().iter().map(|ip| lookup::socket_address(ip, service.get_port()))
}

/// `None`: it tells no address, so there is nowhere to go.
fn announced(service: &ResolvedService, tls: bool) -> Option<Announced> {
    let texts = service.get_properties().iter().map(|property| (property.key(), property.val().unwrap_or_default()));
    let says = Announcement::from_txt(texts);
    let addresses = lookup::of_this_network(all_addresses(service).collect());
    addresses.first()?;
    let name = says.network.unwrap_or_else(|| instance_of(service.get_fullname()));
    Some(Announced {
        name: name.chars().filter(|c| !c.is_control()).collect(),
        tls,
        host: service.get_hostname().trim_end_matches('.').chars().filter(|c| !c.is_control()).collect(),
        port: service.get_port(),
        addresses,
        fingerprint: says.fingerprint,
        policy: says.policy,
    })
}

/// `Room 12` of `Room 12._ircs._tcp.local.`; dots and backslashes of a name are escaped (RFC 6763 section 4.3).
fn instance_of(fullname: &str) -> String {
    let instance = fullname.split_once("._").map_or(fullname, |(instance, _)| instance);
    instance.replace("\\.", ".").replace("\\\\", "\\")
}

/// What became different for whoever looks at the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    There(String, Announced),
    /// And what it was.
    Gone(String, Announced),
}

/// Who is there now: the one place that turns changes into a list. Those over TLS hide the same server without.
#[derive(Debug, Default)]
pub struct Neighbours {
    known: BTreeMap<String, Announced>,
    /// Those that whoever looks has been told of.
    told: BTreeSet<String>,
}

impl Neighbours {
    /// `None`: for whoever looks at the list nothing became different.
    pub fn note(&mut self, change: NetworkChange) -> Option<Seen> {
        match change {
            NetworkChange::There(key, found) => {
                if self.known.get(&key) == Some(&found) {
                    return None;
                }
                self.known.insert(key.clone(), found.clone());
                let is_same = |other: &Announced| other.tls && (&other.host, &other.name) == (&found.host, &found.name);
                let hidden = !found.tls && self.known.values().any(is_same);
                if hidden {
                    return None;
                }
                self.told.insert(key.clone());
                Some(Seen::There(key, found))
            }
            NetworkChange::Gone(key) => {
                let was = self.known.remove(&key);
                was.filter(|_| self.told.remove(&key)).map(|was| Seen::Gone(key, was))
            }
        }
    }
}

/// `192.168.1.5:6697`, and what is worth knowing before one goes there.
pub fn in_words(found: &Announced) -> String {
    let address = found.addresses.first().map_or_else(|| found.host.clone(), |address| endpoint(*address).to_string());
    let encryption = if found.tls { "" } else { ", not encrypted" };
    let policy = match found.policy {
        Some(JoinPolicy::Open) => ", guests may come in",
        Some(JoinPolicy::Account) => ", with an account",
        Some(JoinPolicy::Invitation) => ", with an invitation",
        None => "",
    };
    format!("{}  {address}{encryption}{policy}", found.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, tls: bool) -> Announced {
        Announced {
            name: name.to_owned(),
            tls,
            host: "pi.local".to_owned(),
            port: if tls { 6697 } else { 6667 },
            addresses: vec![SocketAddr::new("192.168.1.5".parse().unwrap(), if tls { 6697 } else { 6667 })],
            fingerprint: None,
            policy: Some(JoinPolicy::Open),
        }
    }

    #[test]
    fn the_list_tells_what_is_different() {
        let mut neighbours = Neighbours::default();
        let there = |key: &str, found: Announced| NetworkChange::There(key.to_owned(), found);
        let gone = |key: &str| NetworkChange::Gone(key.to_owned());
        assert_eq!(neighbours.note(gone("a")), None);
        assert_eq!(neighbours.note(there("a", found("A", true))), Some(Seen::There("a".to_owned(), found("A", true))));
        assert_eq!(neighbours.note(there("a", found("A", true))), None);
        // The same server without TLS is nothing new.
        assert_eq!(neighbours.note(there("b", found("A", false))), None);
        // Another one on that machine is.
        let other = Seen::There("c".to_owned(), found("C", false));
        assert_eq!(neighbours.note(there("c", found("C", false))), Some(other));
        // When the one goes that nobody was told of, nobody is told.
        assert_eq!(neighbours.note(gone("b")), None);
        assert_eq!(neighbours.note(there("b", found("A", false))), None);
        assert_eq!(neighbours.note(there("a", found("B", true))), Some(Seen::There("a".to_owned(), found("B", true))));
        assert_eq!(neighbours.note(gone("a")), Some(Seen::Gone("a".to_owned(), found("B", true))));
        assert_eq!(neighbours.note(gone("a")), None);
    }

    #[test]
    fn a_server_in_words() {
        assert_eq!(in_words(&found("Room 12", true)), "Room 12  192.168.1.5:6697, guests may come in");
        assert_eq!(in_words(&found("Room 12", false)), "Room 12  192.168.1.5:6667, not encrypted, guests may come in");
    }

    #[test]
    fn a_server_is_gone_to_by_its_name() {
        assert_eq!(found("Room 12", true).target().to_string(), "pi.local:6697");
        let zoned: SocketAddr = "[fe80::1%3]:6697".parse().unwrap();
        let elsewhere = Announced { host: "pi.example".to_owned(), addresses: vec![zoned], ..found("Room 12", true) };
        assert_eq!(elsewhere.target().to_string(), "[fe80::1%3]:6697");
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(instance_of(r"St\. Mary's._ircs._tcp.local."), "St. Mary's");
        assert_eq!(instance_of("Room 12._irc._tcp.local."), "Room 12");
    }
}
