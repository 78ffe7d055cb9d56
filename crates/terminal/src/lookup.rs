//! Questions for the addresses of a name, and whom each goes to: the hosts file, DNS, this network, the system.
//!
//! Every question ends within [`LOOKUP_PATIENCE`], so that a DNS server that is dead costs that and no more.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;

use discovery::race::Family;
use discovery::srv::Srv;
use discovery::steps::{Answer, Record, RecordKind};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{self, Name, RData, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use mdns_sd::{HostnameResolutionEvent, ScopedIp, ServiceDaemon};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// For an answer to one question, however often it is sent.
pub const LOOKUP_PATIENCE: Duration = Duration::from_secs(5);
/// Of a DNS server, before it is asked again or another one is.
const SERVER_PATIENCE: Duration = Duration::from_millis(1_500);
/// One after the other, until a service is found; a circle ends there.
const MOST_ALIASES: usize = 8;
/// For the other addresses of a machine of this network, when the first has come: each kind has an answer of its own.
const GATHERING: Duration = Duration::from_millis(50);

/// Who is asked about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nobody: it means this machine (RFC 6761 section 6.3).
    Loopback,
    /// The machines of this network (RFC 6762 section 3).
    Network,
    Dns,
}

/// A name of a host as DNS has it: internationalised names in their ASCII form, lower case, no dot at the end. `None`: it is
/// no name of a host.
pub fn ascii_name(host: &str) -> Option<String> {
    let name = Name::from_utf8(host).ok().filter(|name| !name.is_root())?;
    Some(name.to_ascii().trim_end_matches('.').to_ascii_lowercase())
}

pub fn asked_about(name: &str) -> Asked {
    match name.rsplit('.').next() {
        Some("localhost") => Asked::Loopback,
        Some("local") if name.contains('.') => Asked::Network,
        _ => Asked::Dns,
    }
}

/// IPv6 first: where nothing listens there the refusal comes at once.
pub fn loopback() -> Vec<IpAddr> {
    vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
}

/// An address that needs no lookup: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0` (RFC 4007 section 11). The error is what is
/// wrong with its zone.
pub fn literal(host: &str, port: u16) -> Option<Result<SocketAddr, String>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        if let IpAddr::V6(v6) = ip
            && v6.is_unicast_link_local()
        {
            return Some(Err(format!(
                "an address that begins with fe80 also needs the interface to use; write it as [{v6}%eth0]"
            )));
        }
        return Some(Ok(SocketAddr::new(ip, port)));
    }
    let (ip, zone) = host.split_once('%')?;
    let ip: Ipv6Addr = ip.parse().ok()?;
    if let Ok(number) = zone.parse() {
        return Some(Ok(SocketAddrV6::new(ip, port, 0, number).into()));
    }
    // Only the system knows its interfaces by name; with an address there is nothing to ask anyone for.
    let read = (host, port).to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    Some(read.ok_or_else(|| format!("this machine has no network interface {zone}")))
}

/// What stands in the hosts file, which comes before every question.
pub fn in_hosts_file(name: &str) -> Vec<IpAddr> {
    let (Ok(hosts), Ok(name)) = (Hosts::from_system(), Name::from_ascii(name)) else { return Vec::new() };
    let of = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let found = [RecordType::AAAA, RecordType::A].into_iter().filter_map(of);
    found
        .flat_map(|lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
        .collect()
}

/// The DNS servers of this machine.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
    pub servers: Vec<IpAddr>,
}

impl Dns {
    /// As the system is set up now: who carries a machine from one network to another gets other servers. `None`: it has
    /// none.
    pub fn of_system() -> Option<Dns> {
        let mut builder = TokioResolver::builder_tokio().ok()?;
        let options = builder.options_mut();
        options.timeout = options.timeout.min(SERVER_PATIENCE);
        options.attempts = options.attempts.clamp(1, 3);
        // Looked at before, so that it can be told.
        options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
        options.preserve_intermediates = true;
        let (config, _) = hickory_resolver::system_conf::read_system_conf().ok()?;
        let servers = config.name_servers().iter().map(|server| server.ip).collect();
        Some(Dns { resolver: builder.build().ok()?, servers })
    }

    pub async fn addresses(self, name: String, family: Family) -> (Answer, Vec<IpAddr>) {
        let kind = match family {
            Family::V6 => RecordType::AAAA,
            Family::V4 => RecordType::A,
        };
        let (answer, records) = self.ask(&name, is_whole(&name), kind).await;
        (answer, records.iter().filter_map(|record| record.data.ip_addr()).collect())
    }

    /// `service`: such as `_ircs._tcp`.
    pub async fn service(self, service: &str, name: String) -> (Answer, Vec<Srv>) {
        let (answer, records) = self.services(format!("{service}.{name}"), is_whole(&name)).await;
        let records = records.iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: srv.target.to_ascii().trim_end_matches('.').to_ascii_lowercase(),
            }),
            _ => None,
        });
        (answer, records.collect())
    }

    /// The record may be an alias of another domain's (RFC 1034 section 3.6.2). hickory-resolver 0.26 follows it for addresses
    /// alone: of services it then says that there are none.
    async fn services(&self, mut name: String, mut is_whole: bool) -> (Answer, Vec<rr::Record>) {
        let mut followed: Vec<Record> = Vec::new();
        loop {
            let (answer, records) = self.ask(&name, is_whole, RecordType::SRV).await;
            if answer == Answer::NoRecords && followed.len() < MOST_ALIASES {
                let (_, aliases) = self.ask(&name, is_whole, RecordType::CNAME).await;
                let alias = aliases.iter().find_map(|record| match &record.data {
                    RData::CNAME(target) => {
                        Some((target.to_ascii().trim_end_matches('.').to_ascii_lowercase(), record))
                    }
                    _ => None,
                });
                if let Some((target, record)) = alias {
                    followed.extend(shown(record));
                    (name, is_whole) = (target, true);
                    continue;
                }
            }
            let answer = match answer {
                Answer::Records(records) => Answer::Records([followed, records].concat()),
                other => other,
            };
            return (answer, records);
        }
    }

    async fn ask(&self, name: &str, is_whole: bool, kind: RecordType) -> (Answer, Vec<rr::Record>) {
        let asked = if is_whole { format!("{name}.") } else { name.to_owned() };
        match timeout(LOOKUP_PATIENCE, self.resolver.lookup(asked, kind)).await {
            Ok(Ok(lookup)) => {
                let shown: Vec<Record> = lookup.answers().iter().filter_map(shown).collect();
                let answer = if shown.is_empty() { Answer::NoRecords } else { Answer::Records(shown) };
                (answer, lookup.answers().to_vec())
            }
            Ok(Err(error)) => (unanswered(&error), Vec::new()),
            Err(_) => (Answer::NobodyAnswered, Vec::new()),
        }
    }
}

/// A name without a dot is looked for in the domains of this machine.
fn is_whole(name: &str) -> bool {
    name.contains('.')
}

fn shown(record: &rr::Record) -> Option<Record> {
    let plain = |name: &Name| name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let (kind, data) = match &record.data {
        RData::A(ip) => (RecordKind::A, ip.to_string()),
        RData::AAAA(ip) => (RecordKind::Aaaa, ip.to_string()),
        RData::CNAME(name) => (RecordKind::Cname, plain(name)),
        RData::SRV(srv) => {
            let target = if srv.target.is_root() { ".".to_owned() } else { plain(&srv.target) };
            (RecordKind::Srv, format!("{} {} {} {target}", srv.priority, srv.weight, srv.port))
        }
        _ => return None,
    };
    Some(Record { name: plain(&record.name), kind, ttl: Some(record.ttl), data })
}

fn unanswered(error: &NetError) -> Answer {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => {
            Answer::NoSuchName
        }
        NetError::Dns(DnsError::NoRecordsFound(_)) => Answer::NoRecords,
        NetError::Dns(DnsError::ResponseCode(code)) => Answer::Failed(format!("the DNS server says \"{code}\"")),
        NetError::Timeout => Answer::NobodyAnswered,
        NetError::NoConnections => Answer::Failed("no DNS server can be reached".to_owned()),
        NetError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Answer::NobodyAnswered,
        NetError::Io(error) => Answer::Failed(format!("the DNS server cannot be reached: {error}")),
        other => Answer::Failed(other.to_string()),
    }
}

/// Ends its thread when dropped.
struct Daemon(ServiceDaemon);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.shutdown();
    }
}

/// The machine of that name on this network (RFC 6762).
pub async fn on_network(name: String, port: u16) -> (Answer, Vec<SocketAddr>) {
    match timeout(LOOKUP_PATIENCE, ask_network(&name, port)).await {
        Ok(Ok(addresses)) if !addresses.is_empty() => (Answer::Records(records_of(&name, &addresses)), addresses),
        Ok(Err(error)) => (Answer::Failed(error.to_string()), Vec::new()),
        Ok(Ok(_)) | Err(_) => (Answer::NobodyAnswered, Vec::new()),
    }
}

async fn ask_network(name: &str, port: u16) -> mdns_sd::Result<Vec<SocketAddr>> {
    let daemon = Daemon(ServiceDaemon::new()?);
    let events = daemon.0.resolve_hostname(&format!("{name}."), None)?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    loop {
        let event = if addresses.is_empty() {
            events.recv_async().await.ok()
        } else {
            timeout(GATHERING, events.recv_async()).await.ok().and_then(Result::ok)
        };
        match event {
            Some(HostnameResolutionEvent::AddressesFound(_, found)) => {
                let found: Vec<SocketAddr> = found.iter().map(|ip| socket_address(ip, port)).collect();
                addresses.extend(found.into_iter().filter(|address| !addresses.contains(address)).collect::<Vec<_>>());
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(of_this_network(addresses))
}

/// A link-local address is the last resort, for machines that have no other: servers tell those of all their interfaces on
/// each of them, and whoever tries one of another network waits for nothing.
pub fn of_this_network(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_link_local = |address: &SocketAddr| matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local());
    let (last_resort, mut addresses): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.into_iter().partition(is_link_local);
    if addresses.is_empty() {
        addresses = last_resort;
    }
    addresses.sort_by_key(|address| (address.is_ipv6(), *address));
    addresses
}

/// With its zone, where it has one.
pub fn socket_address(ip: &ScopedIp, port: u16) -> SocketAddr {
    match ip {
        ScopedIp::V6(v6) if v6.addr().is_unicast_link_local() => {
            SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index).into()
        }
        other => SocketAddr::new(other.to_ip_addr(), port),
    }
}

/// What the system's own lookup says, which knows more than DNS: names of containers and virtual machines, of other naming
/// services. It cannot be interrupted, so it has a thread of its own that nobody waits for.
pub async fn of_system(name: String, port: u16) -> (Answer, Vec<SocketAddr>) {
    let (tell, told) = oneshot::channel();
    let question = name.clone();
    let asking = move || drop(tell.send((question.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)));
    if let Err(error) = thread::Builder::new().name("lookup".to_owned()).spawn(asking) {
        return (Answer::Failed(error.to_string()), Vec::new());
    }
    match timeout(LOOKUP_PATIENCE, told).await {
        Ok(Ok(Ok(addresses))) if !addresses.is_empty() => (Answer::Records(records_of(&name, &addresses)), addresses),
        Ok(Ok(_)) => (Answer::NoSuchName, Vec::new()),
        Ok(Err(_)) | Err(_) => (Answer::NobodyAnswered, Vec::new()),
    }
}

/// Records of addresses whose time to live nobody tells.
pub fn records_of(name: &str, addresses: &[SocketAddr]) -> Vec<Record> {
    let record = |address: &SocketAddr| Record {
        name: name.to_owned(),
        kind: if address.is_ipv6() { RecordKind::Aaaa } else { RecordKind::A },
        ttl: None,
        data: address.ip().to_string(),
    };
    addresses.iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_dns_has_them() {
        let check = |host: &str, expected: Option<&str>| assert_eq!(ascii_name(host).as_deref(), expected, "{host}");
        check("Chat.Example.", Some("chat.example"));
        check("bücher.example", Some("xn--bcher-kva.example"));
        check("raspberrypi", Some("raspberrypi"));
        check("a..b", None);
        check(".", None);
        check(&"x".repeat(64), None);
    }

    #[test]
    fn link_local_addresses_are_the_last_resort() {
        let check = |found: &[&str], expected: &[&str]| {
            let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
            assert_eq!(of_this_network(parse(found)), parse(expected), "{found:?}");
        };
        check(&["[fe80::1%2]:1", "[fd00::1]:1", "192.0.2.1:1"], &["192.0.2.1:1", "[fd00::1]:1"]);
        check(&["[fe80::2%2]:1", "[fe80::1%2]:1"], &["[fe80::1%2]:1", "[fe80::2%2]:1"]);
    }

    #[test]
    fn who_is_asked() {
        let check = |name: &str, expected: Asked| assert_eq!(asked_about(name), expected, "{name}");
        check("localhost", Asked::Loopback);
        check("a.localhost", Asked::Loopback);
        check("pi.local", Asked::Network);
        check("local", Asked::Dns);
        check("local.example", Asked::Dns);
        check("pi", Asked::Dns);
    }

    #[test]
    fn addresses_need_no_lookup() {
        let check = |host: &str, expected: &str| {
            assert_eq!(literal(host, 1).unwrap().unwrap().to_string(), expected, "{host}");
        };
        check("192.0.2.1", "192.0.2.1:1");
        check("2001:db8::1", "[2001:db8::1]:1");
        check("fe80::1%7", "[fe80::1%7]:1");
        assert_eq!(literal("chat.example", 1), None);
        assert!(literal("fe80::1", 1).unwrap().unwrap_err().contains("[fe80::1%eth0]"));
        assert_eq!(
            literal("fe80::1%nowhere0", 1),
            Some(Err("this machine has no network interface nowhere0".to_owned()))
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn zones_are_interfaces() {
        assert_eq!(literal("fe80::1%lo", 1).unwrap().unwrap().to_string(), "[fe80::1%1]:1");
    }

    /// A DNS server on this machine that knows these records, and a resolver that asks it.
    async fn knowing(records: &'static [(&str, &str)]) -> Dns {
        use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
        use hickory_resolver::net::runtime::TokioRuntimeProvider;
        use hickory_resolver::proto::op::{Message, MessageType};
        use hickory_resolver::proto::rr::rdata;

        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut message = Message::from_vec(&buffer[..length]).unwrap();
                message.metadata.message_type = MessageType::Response;
                let question = message.queries[0].clone();
                let mut name = question.name().clone();
                // As servers do: an alias, and what stands under it.
                while let Some((_, data)) = records.iter().find(|(owner, _)| Name::from_ascii(owner).unwrap() == name) {
                    let data = match data.split_once(' ') {
                        Some((port, target)) => {
                            RData::SRV(rdata::SRV::new(1, 0, port.parse().unwrap(), Name::from_ascii(target).unwrap()))
                        }
                        None => RData::CNAME(rdata::CNAME(Name::from_ascii(data).unwrap())),
                    };
                    let is_asked = data.record_type() == question.query_type();
                    let next = if let RData::CNAME(alias) = &data { Some(alias.0.clone()) } else { None };
                    if is_asked || next.is_some() {
                        message.answers.push(rr::Record::from_rdata(name, 60, data));
                    }
                    match next {
                        Some(next) if !is_asked && message.answers.len() < 20 => name = next,
                        _ => break,
                    }
                }
                socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().preserve_intermediates = true;
        Dns { resolver: builder.build().unwrap(), servers: vec![address.ip()] }
    }

    #[tokio::test]
    async fn a_service_may_be_an_alias_of_anothers() {
        let dns = knowing(&[
            ("_ircs._tcp.one.example.", "_ircs._tcp.two.example."),
            ("_ircs._tcp.two.example.", "_ircs._tcp.three.example."),
            ("_ircs._tcp.three.example.", "6697 irc.example."),
            ("_ircs._tcp.circle.example.", "_ircs._tcp.circle.example."),
        ])
        .await;
        let of = |name: &str| dns.clone().service("_ircs._tcp", name.to_owned());
        for name in ["three.example", "two.example", "one.example"] {
            let (answer, records) = of(name).await;
            let targets: Vec<&str> = records.iter().map(|srv| srv.target.as_str()).collect();
            assert_eq!(targets, ["irc.example"], "{name}: {answer}");
        }
        let (answer, _) = of("one.example").await;
        assert!(answer.to_string().starts_with("_ircs._tcp.one.example CNAME _ircs._tcp.two.example"), "{answer}");
        assert_eq!(of("circle.example").await.1, []);
        assert_eq!(of("none.example").await.1, []);
    }
}
