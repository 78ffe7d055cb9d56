//! The local network: the servers that announce themselves there (DNS-SD over multicast DNS, RFC 6763 and 6762), as they
//! appear and go.
//!
//! What is found is a hint. It says where to knock; whom one has reached the certificate tells.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;

use discovery::announcement::{IRC, IRC_OVER_TLS, IRC_OVER_TLS_REGISTERED};
use discovery::{Announcement, Fingerprint, JoinPolicy};
use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};

use crate::address::Target;

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
    pub addresses: Vec<IpAddr>,
    pub fingerprint: Option<Fingerprint>,
    pub policy: Option<JoinPolicy>,
}

impl Announced {
    /// The first of its addresses.
    pub fn target(&self) -> Target {
        let host = self.addresses.first().map_or_else(|| self.host.clone(), IpAddr::to_string);
        Target { host, port: self.port, tls: self.tls }
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
        for (kind, tls) in [(IRC_OVER_TLS, true), (IRC_OVER_TLS_REGISTERED, true), (IRC, false)] {
            let events = daemon.browse(&format!("{kind}.local.")).map_err(cannot)?;
            let sender = sender.clone();
            std::thread::Builder::new()
                .name("network".to_owned())
                .spawn(move || forward(&events, tls, &sender))
                .map_err(|error| format!("The local network cannot be listened to ({error}); close other programs."))?;
        }
        Ok(Listening { daemon, changes })
    }

    pub fn changes(&self) -> &mpsc::Receiver<NetworkChange> {
        &self.changes
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Its threads end with their channels; with the process at the latest.
        let _ = self.daemon.shutdown();
    }
}

fn forward(events: &Receiver<ServiceEvent>, tls: bool, sender: &mpsc::Sender<NetworkChange>) {
    for event in events.iter() {
        let change = match event {
            ServiceEvent::ServiceResolved(service) => {
                announced(&service, tls).map(|found| NetworkChange::There(service.get_fullname().to_owned(), found))
            }
            ServiceEvent::ServiceRemoved(_, name) => Some(NetworkChange::Gone(name)),
            _ => None,
        };
        if change.is_some_and(|change| sender.send(change).is_err()) {
            return;
        }
    }
}

/// `None`: it tells no address, so there is nowhere to go.
fn announced(service: &ResolvedService, tls: bool) -> Option<Announced> {
    let texts = service.get_properties().iter().map(|property| (property.key(), property.val().unwrap_or_default()));
    let says = Announcement::from_txt(texts);
    // A link-local IPv6 address is good for one interface only; whoever has another one is reached there.
    let mut addresses: Vec<IpAddr> = service
        .get_addresses()
        .iter()
        .map(|address| address.to_ip_addr())
        .filter(|address| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .collect();
    addresses.sort_by_key(|address| (address.is_ipv6(), *address));
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
                let hidden = !found.tls && self.known.values().any(|other| other.tls && other.host == found.host);
                (!hidden).then_some(Seen::There(key, found))
            }
            NetworkChange::Gone(key) => self.known.remove(&key).map(|was| Seen::Gone(key, was)),
        }
    }
}

/// `192.168.1.5:6697`, and what is worth knowing before one goes there.
pub fn in_words(found: &Announced) -> String {
    let address = SocketAddr::new(found.addresses.first().copied().unwrap_or([0, 0, 0, 0].into()), found.port);
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
            addresses: vec!["192.168.1.5".parse().unwrap()],
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
        // The same machine without TLS is nothing new.
        assert_eq!(neighbours.note(there("b", found("A", false))), None);
        assert_eq!(neighbours.note(there("a", found("B", true))), Some(Seen::There("a".to_owned(), found("B", true))));
        assert_eq!(neighbours.note(gone("a")), Some(Seen::Gone("a".to_owned(), found("B", true))));
        assert_eq!(neighbours.note(gone("a")), None);
    }

    #[test]
    fn a_server_in_words() {
        assert_eq!(in_words(&found("Room 12", true)), "Room 12  192.168.1.5:6697, guests may come in");
        assert_eq!(in_words(&found("Room 12", false)), "Room 12  192.168.1.5:6667, not encrypted, guests may come in");
        assert_eq!(found("Room 12", true).target().to_string(), "192.168.1.5:6697");
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(instance_of(r"St\. Mary's._ircs._tcp.local."), "St. Mary's");
        assert_eq!(instance_of("Room 12._irc._tcp.local."), "Room 12");
    }
}
