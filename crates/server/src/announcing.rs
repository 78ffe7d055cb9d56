//! Announcing the server on the local network: DNS-SD over multicast DNS (RFC 6763, RFC 6762).
//!
//! Only what other machines can reach is announced, and only what is true of it; the records are hints. The library has a
//! thread of its own, watches the interfaces, defends the names, and changes them where someone else has them already. Names
//! differ from the beginning all the same: in a class room machines are copies of each other and start at the same moment, and
//! two that probe for one name at once can both fall silent (seen with mdns-sd 0.21).

use crate::config::{Config, Listener, Protocol, Registration};
use discovery::announcement::{IRC, IRC_OVER_TLS, PAGE, PAGE_OVER_TLS, host_label, instance_name};
use discovery::{Announcement, Fingerprint, JoinPolicy};
use mdns_sd::{DaemonEvent, IfKind, ServiceDaemon, ServiceInfo, UnregisterStatus};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// For the goodbyes of all services together: whoever misses them learns by the records' time to live.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

/// One way in, as the network is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    pub kind: &'static str,
    /// `Room 12 (07a3)`. What people are shown stands in the text.
    pub instance: String,
    /// `raspberrypi-07a3.local.`
    pub host: String,
    pub address: SocketAddr,
    /// On all addresses, of IPv4 and of IPv6.
    pub is_of_both_families: bool,
    pub says: Announcement,
}

/// What to announce: every listener that is not for this machine alone. One that is open for IPv4 and IPv6 on the same port
/// is one service.
pub fn services(
    config: &Config,
    listening: &[(Listener, SocketAddr)],
    fingerprint: Option<&Fingerprint>,
) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    let mark = mark(config, fingerprint);
    let instance = format!("{} ({mark})", instance_name(&config.server.network, mark.len() + 3));
    let host = format!("{}-{mark}.local.", host_label(&machine_name(), mark.len() + 1));
    for (listener, address) in listening.iter().filter(|(_, address)| !address.ip().is_loopback()) {
        let (kind, path) = match (listener.protocol, listener.tls) {
            (Protocol::Irc, true) => (IRC_OVER_TLS, None),
            (Protocol::Irc, false) => (IRC, None),
            (Protocol::Http, true) => (PAGE_OVER_TLS, Some("/".to_owned())),
            (Protocol::Http, false) => (PAGE, Some("/".to_owned())),
        };
        let says = Announcement {
            network: Some(config.server.network.clone()),
            fingerprint: fingerprint.filter(|_| listener.tls).copied(),
            policy: Some(policy(config)),
            path,
        };
        let service = Service {
            kind,
            instance: instance.clone(),
            host: host.clone(),
            address: *address,
            is_of_both_families: false,
            says,
        };
        let is_of_all = |address: &SocketAddr| address.ip().is_unspecified();
        let same = |other: &&mut Service| {
            other.kind == kind
                && other.address.port() == address.port()
                && is_of_all(&other.address)
                && is_of_all(address)
        };
        match services.iter_mut().find(same) {
            Some(other) => other.is_of_both_families |= other.address.is_ipv4() != address.is_ipv4(),
            // Without `v6_only` it takes those of IPv4 as well.
            None => services.push(Service {
                is_of_both_families: is_of_all(address) && address.is_ipv6() && !listener.v6_only,
                ..service
            }),
        }
    }
    services
}

/// What sets this server apart from others with the same names: the same at every start. Where a machine was copied with its
/// data folder, the certificate is the same too; the network cards are not.
fn mark(config: &Config, fingerprint: Option<&Fingerprint>) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    digest.update(fingerprint.map_or_else(|| config.server.name.as_bytes(), |fingerprint| fingerprint.as_slice()));
    digest.update(network_cards().concat().as_bytes());
    digest.finish().as_ref().iter().take(2).map(|byte| format!("{byte:02x}")).collect()
}

/// The MAC addresses of this machine, in a fixed order: of its cards, or where it has none (in containers) of what stands in
/// for them. Empty where the kernel does not tell them as Linux does.
fn network_cards() -> Vec<String> {
    let of = |entry: &std::fs::DirEntry| std::fs::read_to_string(entry.path().join("address")).ok();
    let entries: Vec<_> = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten().collect();
    let (cards, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.path().join("device").exists());
    let shown = if cards.is_empty() { others } else { cards };
    let mut addresses: Vec<String> = shown.iter().filter_map(of).collect();
    addresses.sort();
    addresses
}

fn policy(config: &Config) -> JoinPolicy {
    match (config.accounts.guests, config.accounts.registration) {
        (true, _) => JoinPolicy::Open,
        (false, Registration::Open) => JoinPolicy::Account,
        (false, _) => JoinPolicy::Invitation,
    }
}

/// What is announced now. Dropped without [`Announcer::say_goodbye`] it is forgotten by the network after its time to live.
pub struct Announcer {
    daemon: ServiceDaemon,
    registered: Vec<(Service, String)>,
}

impl Announcer {
    /// # Errors
    /// A sentence: the system gives no socket for multicast, or the thread could not be started.
    pub fn start(services: Vec<Service>) -> Result<Announcer, String> {
        let cannot = |error: mdns_sd::Error| format!("the server cannot announce itself on the network: {error}");
        let daemon = ServiceDaemon::new().map_err(cannot)?;
        daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6]).map_err(cannot)?;
        let events = daemon.monitor().map_err(cannot)?;
        let watch = move || {
            for event in events.iter() {
                note(&event);
            }
        };
        std::thread::Builder::new()
            .name("announcing".to_owned())
            .spawn(watch)
            .map_err(|error| format!("the server cannot announce itself on the network: {error}"))?;
        let mut announcer = Announcer { daemon, registered: Vec::new() };
        announcer.announce(services)?;
        Ok(announcer)
    }

    /// From now on these. What stays the same is left alone, so that nobody sees it go and come.
    ///
    /// # Errors
    /// A sentence; what could be announced is.
    pub fn announce(&mut self, services: Vec<Service>) -> Result<(), String> {
        let (stay, go): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.registered).into_iter().partition(|(service, _)| services.contains(service));
        self.registered = stay;
        self.unregister(go);
        let mut failed = None;
        for service in services {
            if self.registered.iter().any(|(registered, _)| *registered == service) {
                continue;
            }
            match self.register(&service) {
                Ok(name) => self.registered.push((service, name)),
                Err(error) => {
                    failed = Some(format!("{} cannot be announced on the network: {error}", service.instance));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn register(&self, service: &Service) -> mdns_sd::Result<String> {
        let texts = service.says.to_txt();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let kind = format!("{}.local.", service.kind);
        let port = service.address.port();
        let info = match service.address.ip() {
            ip if ip.is_unspecified() => {
                let mut info = ServiceInfo::new(&kind, &service.instance, &service.host, "", port, &texts[..])?;
                info.set_interfaces(vec![match (service.is_of_both_families, ip) {
                    (true, _) => IfKind::All,
                    (false, IpAddr::V4(_)) => IfKind::IPv4,
                    (false, IpAddr::V6(_)) => IfKind::IPv6,
                }]);
                info.enable_addr_auto()
            }
            ip => {
                let mut info = ServiceInfo::new(&kind, &service.instance, &service.host, ip, port, &texts[..])?;
                info.set_interfaces(vec![IfKind::Addr(ip)]);
                info
            }
        };
        let name = info.get_fullname().to_owned();
        self.daemon.register(info)?;
        Ok(name)
    }

    /// Tells the network that all of it is over (RFC 6762 section 10.1).
    pub fn say_goodbye(mut self) {
        let all = std::mem::take(&mut self.registered);
        self.unregister(all);
        // The thread ends with its process at the latest.
        let _ = self.daemon.shutdown();
    }

    fn unregister(&self, services: Vec<(Service, String)>) {
        let deadline = Instant::now() + GOODBYE_PATIENCE;
        let answers: Vec<_> = services
            .iter()
            .filter_map(|(_, name)| self.daemon.unregister(name).ok().map(|answer| (name, answer)))
            .collect();
        for (name, answer) in answers {
            match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(UnregisterStatus::OK) => {}
                Ok(UnregisterStatus::NotFound) | Err(_) => {
                    tracing::debug!("the network was not told in time that {name} is over");
                }
            }
        }
    }
}

fn note(event: &DaemonEvent) {
    match event {
        DaemonEvent::NameChange(change) => {
            tracing::info!("{} is taken on this network; here it is {}", change.original, change.new_name);
        }
        // An interface that went, or a network without multicast: the join code is there for that.
        DaemonEvent::Error(error) => tracing::debug!("announcing: {error}"),
        other => tracing::debug!("announcing: {other:?}"),
    }
}

fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(urls: &[(Protocol, bool, &str)]) -> Vec<(Listener, SocketAddr)> {
        let listen = |(protocol, tls, address): &(Protocol, bool, &str)| {
            let address: SocketAddr = address.parse().unwrap();
            (Listener::new(address.ip(), address.port(), *protocol, *tls), address)
        };
        urls.iter().map(listen).collect()
    }

    #[test]
    fn only_what_others_can_reach_is_announced() {
        let check = |urls: &[(Protocol, bool, &str)], expected: &[(&str, &str)]| {
            let found = services(&Config::default(), &listening(urls), Some(&[7; 32]));
            let found: Vec<_> = found.iter().map(|service| (service.kind, service.address.to_string())).collect();
            let expected: Vec<_> = expected.iter().map(|(kind, address)| (*kind, (*address).to_owned())).collect();
            assert_eq!(found, expected);
        };
        check(&[(Protocol::Irc, true, "127.0.0.1:6697"), (Protocol::Http, false, "[::1]:8080")], &[]);
        check(
            &[
                (Protocol::Irc, false, "127.0.0.1:6667"),
                (Protocol::Irc, true, "0.0.0.0:6697"),
                (Protocol::Irc, true, "[::]:6697"),
                (Protocol::Http, true, "192.0.2.7:8443"),
            ],
            &[(IRC_OVER_TLS, "0.0.0.0:6697"), (PAGE_OVER_TLS, "192.0.2.7:8443")],
        );
        check(
            &[(Protocol::Irc, false, "0.0.0.0:6667"), (Protocol::Http, false, "0.0.0.0:8080")],
            &[(IRC, "0.0.0.0:6667"), (PAGE, "0.0.0.0:8080")],
        );
    }

    #[test]
    fn addresses_of_a_family_that_nothing_listens_on_are_not_announced() {
        let check = |urls: &[(Protocol, bool, &str)], expected: &[bool]| {
            let found = services(&Config::default(), &listening(urls), Some(&[7; 32]));
            let found: Vec<bool> = found.iter().map(|service| service.is_of_both_families).collect();
            assert_eq!(found, expected, "{urls:?}");
        };
        check(&[(Protocol::Irc, true, "0.0.0.0:6697"), (Protocol::Http, false, "192.0.2.7:8080")], &[false, false]);
        check(&[(Protocol::Irc, true, "0.0.0.0:6697"), (Protocol::Irc, true, "[::]:6697")], &[true]);
        // By itself it takes both.
        check(&[(Protocol::Irc, true, "[::]:6697")], &[true]);
    }

    #[test]
    fn each_service_says_what_is_true_of_it() {
        let mut config = Config::default();
        config.server.network = "Room 12".to_owned();
        config.accounts.guests = false;
        let found = services(
            &config,
            &listening(&[(Protocol::Irc, true, "0.0.0.0:6697"), (Protocol::Http, false, "0.0.0.0:8080")]),
            Some(&[7; 32]),
        );
        let mark = mark(&config, Some(&[7; 32]));
        assert_eq!((found[0].instance.as_str(), mark.len()), (format!("Room 12 ({mark})").as_str(), 4));
        assert!(found[0].host.ends_with(&format!("-{mark}.local.")), "{}", found[0].host);
        assert_eq!(
            found[0].says,
            Announcement {
                network: Some("Room 12".into()),
                fingerprint: Some([7; 32]),
                policy: Some(JoinPolicy::Account),
                path: None,
            }
        );
        assert_eq!((found[1].says.fingerprint, found[1].says.path.as_deref()), (None, Some("/")));
    }
}
