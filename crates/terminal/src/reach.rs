//! From a typed name to an open socket: which machine offers the service (RFC 2782), which addresses it has, and which of
//! them lets us in first (RFC 8305). What is tried when the race decides (`discovery::race`); here are the questions, the
//! sockets and the clock.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use discovery::announcement::{IRC, IRC_OVER_TLS};
use discovery::race::{Family, Race, Turn};
use discovery::srv::{self, Service, Srv};
use discovery::steps::{Answer, Question, RecordKind, Step, Via};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::address::Target;
use crate::link_failure::{Attempt, LinkFailure, Outcome};
use crate::lookup::{self, Asked, Dns};
use crate::plan::random;
use crate::zone::endpoint;

/// For the answer about a service, once the name itself has addresses: there are routers that throw such questions away, and
/// most servers have no such record.
const SERVICE_PATIENCE: Duration = Duration::from_secs(2);

/// Opens a socket to the server. The certificate is none of its business, whoever is reached: it is held to the name that
/// was typed.
pub fn reach(
    target: &Target,
    deadline: Instant,
    report: &mut dyn FnMut(Step),
) -> Result<(TcpStream, SocketAddr), LinkFailure> {
    let system = |error: std::io::Error| LinkFailure::System { why: error.to_string() };
    // For this thread and the time of the search only; when it is dropped, so is every question and attempt.
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let search = Search::new(target, deadline, report)?;
    let (stream, address) = runtime.block_on(search.run())?;
    let stream = stream.into_std().map_err(system)?;
    stream.set_nonblocking(false).map_err(system)?;
    // Single lines must not wait for each other's acknowledgements; a failure only costs time.
    let _ = stream.set_nodelay(true);
    Ok((stream, address))
}

/// A machine that may be the server.
struct Machine {
    /// A name as DNS has it, or an address as it was typed.
    name: String,
    port: u16,
    is_asked_about: bool,
    /// Of each family; `None`: not known yet.
    v6: Option<Vec<SocketAddr>>,
    v4: Option<Vec<SocketAddr>>,
    /// Questions about both families at once that are under way.
    pending: usize,
    /// The system's own lookup was asked too.
    asked_system: bool,
    /// What was answered instead of addresses.
    answers: Vec<(Via, Answer)>,
}

impl Machine {
    fn new(name: String, port: u16) -> Machine {
        Machine {
            name,
            port,
            is_asked_about: false,
            v6: None,
            v4: None,
            pending: 0,
            asked_system: false,
            answers: Vec::new(),
        }
    }

    fn side(&mut self, family: Family) -> &mut Option<Vec<SocketAddr>> {
        match family {
            Family::V6 => &mut self.v6,
            Family::V4 => &mut self.v4,
        }
    }

    fn has_addresses(&self) -> bool {
        [&self.v6, &self.v4].into_iter().flatten().any(|addresses| !addresses.is_empty())
    }

    fn set(&mut self, addresses: Vec<SocketAddr>) {
        let (v6, v4) = addresses.into_iter().partition(SocketAddr::is_ipv6);
        (self.v6, self.v4) = (Some(v6), Some(v4));
    }
}

/// A question or an attempt that is over.
enum Done {
    Service {
        question: Question,
        took: Duration,
        answer: Answer,
        records: Vec<Srv>,
    },
    /// Of one family; `None`: of both.
    Addresses {
        machine: usize,
        family: Option<Family>,
        via: Via,
        question: Question,
        took: Duration,
        answer: Answer,
        addresses: Vec<SocketAddr>,
    },
    Attempt {
        address: SocketAddr,
        took: Duration,
        result: std::io::Result<tokio::net::TcpStream>,
    },
}

struct Search<'a> {
    target: &'a Target,
    report: &'a mut dyn FnMut(Step),
    began: Instant,
    deadline: Instant,
    dns: Option<Dns>,
    /// The first is what was typed; those that DNS names for its service follow.
    machines: Vec<Machine>,
    /// Among the machines, the first of the race.
    first: usize,
    /// `None`: it is still being asked who offers the service.
    race: Option<Race>,
    /// Until when that is waited for.
    service_deadline: Option<Instant>,
    /// As it was told last, less what has been tried.
    order: Vec<SocketAddr>,
    tasks: JoinSet<Done>,
    attempts: Vec<Attempt>,
}

impl<'a> Search<'a> {
    fn new(target: &'a Target, deadline: Instant, report: &'a mut dyn FnMut(Step)) -> Result<Search<'a>, LinkFailure> {
        let not_found = |why: String| LinkFailure::NameNotFound { host: target.host.clone(), why };
        let name = match lookup::literal(&target.host, target.port) {
            Some(Ok(_)) => target.host.clone(),
            Some(Err(why)) => return Err(not_found(why)),
            None => lookup::ascii_name(&target.host).ok_or_else(|| not_found("it is no name of a host".to_owned()))?,
        };
        Ok(Search {
            target,
            report,
            began: Instant::now(),
            deadline,
            dns: None,
            machines: vec![Machine::new(name, target.port)],
            first: 0,
            race: None,
            service_deadline: None,
            order: Vec::new(),
            tasks: JoinSet::new(),
            attempts: Vec::new(),
        })
    }

    fn tell(&mut self, step: Step) {
        (self.report)(step);
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    async fn run(mut self) -> Result<(tokio::net::TcpStream, SocketAddr), LinkFailure> {
        self.look_up(0);
        // Without a port it is the domain that was named, and DNS may say where its server is.
        match (self.target.by_name && !self.machines[0].has_addresses()).then(|| self.dns.clone()).flatten() {
            Some(dns) => self.ask_for_service(dns),
            None => self.begin_race(),
        }
        loop {
            let wake = self.take_turns()?;
            let now = Instant::now();
            if now >= self.deadline {
                return Err(self.out_of_time());
            }
            if self.race.is_none() && self.service_deadline.is_some_and(|deadline| now >= deadline) {
                self.begin_race();
                continue;
            }
            tokio::select! {
                Some(done) = self.tasks.join_next() => {
                    // A task that panicked has nothing to say.
                    let Ok(done) = done else { continue };
                    if let Some(reached) = self.take_in(done)? {
                        return Ok(reached);
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    /// Does all that can be done now; until when nothing else can.
    fn take_turns(&mut self) -> Result<Instant, LinkFailure> {
        loop {
            let now = self.now();
            let Some(race) = &mut self.race else {
                return Ok(self.service_deadline.map_or(self.deadline, |deadline| deadline.min(self.deadline)));
            };
            match race.turn(now) {
                Turn::LookUp(place) => {
                    let machine = self.first + place;
                    if !self.machines[machine].is_asked_about {
                        self.look_up(machine);
                    }
                    self.tell_race(machine);
                }
                Turn::Start(place, address) => {
                    let mut order = vec![address];
                    order.extend(race.order(place));
                    // What was told before and has been tried is no news.
                    if self.order.iter().position(|known| *known == address).is_none_or(|at| self.order[at..] != order)
                    {
                        let addresses = order.iter().copied().map(endpoint).collect();
                        self.tell(Step::Ordered { addresses });
                    }
                    self.order = order;
                    self.start(address);
                }
                Turn::WaitUntil(until) => return Ok((self.began + until).min(self.deadline)),
                Turn::Wait => return Ok(self.deadline),
                Turn::Over => return Err(self.failure()),
            }
        }
    }

    /// Asks whoever knows the machine's addresses.
    fn look_up(&mut self, place: usize) {
        let machine = &mut self.machines[place];
        machine.is_asked_about = true;
        let (name, port) = (machine.name.clone(), machine.port);
        if let Some(Ok(address)) = lookup::literal(&name, port) {
            return machine.set(vec![address]);
        }
        let known = lookup::in_hosts_file(&name);
        if !known.is_empty() {
            let addresses: Vec<SocketAddr> = known.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
            let answer = Answer::Records(lookup::records_of(&name, &addresses));
            machine.set(addresses);
            return self.tell(Step::Answered {
                via: Via::HostsFile,
                question: about_both(name),
                took: Duration::ZERO,
                answer,
            });
        }
        match lookup::asked_about(&name) {
            Asked::Loopback => {
                machine.set(lookup::loopback().into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
            }
            Asked::Network => {
                let question = name.clone();
                self.ask_about_both(place, Via::Multicast, async move { lookup::on_network(question, port).await });
                // Some networks have names like this in their DNS, and some systems ask the network by themselves.
                self.ask_system(place);
            }
            Asked::Dns => {
                self.dns = self.dns.take().or_else(Dns::of_system);
                match self.dns.clone() {
                    Some(dns) => {
                        self.ask_dns(place, &dns, Family::V6);
                        self.ask_dns(place, &dns, Family::V4);
                    }
                    None => self.ask_system(place),
                }
            }
        }
    }

    fn ask_dns(&mut self, machine: usize, dns: &Dns, family: Family) {
        let (name, port) = (self.machines[machine].name.clone(), self.machines[machine].port);
        let kind = if family == Family::V6 { RecordKind::Aaaa } else { RecordKind::A };
        let question = Question { name: name.clone(), kinds: vec![kind] };
        let via = Via::Dns(dns.servers.clone());
        self.tell(Step::Asked { via: via.clone(), question: question.clone() });
        let (dns, began) = (dns.clone(), Instant::now());
        self.tasks.spawn(async move {
            let (answer, ips) = dns.addresses(name, family).await;
            let addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
            Done::Addresses { machine, family: Some(family), via, question, took: began.elapsed(), answer, addresses }
        });
    }

    fn ask_system(&mut self, place: usize) {
        let machine = &mut self.machines[place];
        machine.asked_system = true;
        let (name, port) = (machine.name.clone(), machine.port);
        self.ask_about_both(place, Via::System, async move { lookup::of_system(name, port).await });
    }

    fn ask_about_both(
        &mut self,
        machine: usize,
        via: Via,
        asking: impl Future<Output = (Answer, Vec<SocketAddr>)> + Send + 'static,
    ) {
        self.machines[machine].pending += 1;
        let question = about_both(self.machines[machine].name.clone());
        self.tell(Step::Asked { via: via.clone(), question: question.clone() });
        let began = Instant::now();
        self.tasks.spawn(async move {
            let (answer, addresses) = asking.await;
            Done::Addresses { machine, family: None, via, question, took: began.elapsed(), answer, addresses }
        });
    }

    fn ask_for_service(&mut self, dns: Dns) {
        let (kind, name) = (self.service_kind(), self.machines[0].name.clone());
        let question = Question { name: format!("{kind}.{name}"), kinds: vec![RecordKind::Srv] };
        self.tell(Step::Asked { via: Via::Dns(dns.servers.clone()), question: question.clone() });
        let began = Instant::now();
        self.tasks.spawn(async move {
            let (answer, records) = dns.service(kind, name).await;
            Done::Service { question, took: began.elapsed(), answer, records }
        });
    }

    /// Plain text is asked for only by whoever wants it: a record of `_irc._tcp` must talk nobody out of encryption.
    fn service_kind(&self) -> &'static str {
        if self.target.tls { IRC_OVER_TLS } else { IRC }
    }

    /// Over the machines that are known now.
    fn begin_race(&mut self) {
        self.race = Some(Race::new(self.machines.len() - self.first));
    }

    fn start(&mut self, address: SocketAddr) {
        self.tell(Step::Trying { address: endpoint(address) });
        let began = Instant::now();
        self.tasks.spawn(async move {
            let result = tokio::net::TcpStream::connect(address).await;
            Done::Attempt { address, took: began.elapsed(), result }
        });
    }

    fn take_in(&mut self, done: Done) -> Result<Option<(tokio::net::TcpStream, SocketAddr)>, LinkFailure> {
        match done {
            Done::Service { question, took, answer, records } => {
                let via = Via::Dns(self.dns.as_ref().map(|dns| dns.servers.clone()).unwrap_or_default());
                self.tell(Step::Answered { via, question, took, answer });
                if self.race.is_none() {
                    self.choose_machines(records)?;
                }
            }
            Done::Addresses { machine, family, via, question, took, answer, addresses } => {
                self.tell(Step::Answered { via: via.clone(), question, took, answer: answer.clone() });
                self.take_in_addresses(machine, family, via, answer, addresses);
            }
            Done::Attempt { address, took, result: Err(error) } => {
                let outcome = Outcome::of(&error);
                let tried = endpoint(address);
                self.tell(Step::NotReached { address: tried.clone(), took, why: outcome.to_string() });
                self.attempts.push(Attempt { address: tried, outcome });
                let now = self.now();
                if let Some(race) = &mut self.race {
                    race.failed(now, address);
                }
            }
            Done::Attempt { address, took, result: Ok(stream) } => {
                let local = stream.local_addr().ok().map(endpoint);
                self.tell(Step::Reached { address: endpoint(address), local, took });
                let outrun: Vec<SocketAddr> = self.race.iter().flat_map(Race::running).collect();
                for address in outrun.into_iter().filter(|other| *other != address) {
                    self.tell(Step::Outrun { address: endpoint(address) });
                }
                return Ok(Some((stream, address)));
            }
        }
        Ok(None)
    }

    /// Which machines the race is over, now that DNS has said something of the service, or nothing.
    fn choose_machines(&mut self, records: Vec<Srv>) -> Result<(), LinkFailure> {
        let service = format!("{}.{}", self.service_kind(), self.machines[0].name);
        // Without chance the order within a priority is the one by name.
        let chance = |most: u32| random::<4>().map_or(0, |bytes| u32::from_ne_bytes(bytes) % most.saturating_add(1));
        match srv::choose(records, chance) {
            Service::Denied => {
                self.tell(Step::ServiceDenied { service: service.clone() });
                return Err(LinkFailure::NoService { host: self.target.host.clone(), service });
            }
            Service::Offered(machines) if machines.is_empty() => {}
            Service::Offered(machines) => {
                self.tell(Step::ServiceChosen { service, machines: machines.clone() });
                self.first = self.machines.len();
                self.machines.extend(machines.into_iter().map(|srv| Machine::new(srv.target, srv.port)));
            }
        }
        self.begin_race();
        Ok(())
    }

    fn take_in_addresses(
        &mut self,
        place: usize,
        family: Option<Family>,
        via: Via,
        answer: Answer,
        addresses: Vec<SocketAddr>,
    ) {
        let machine = &mut self.machines[place];
        let is_empty = addresses.is_empty();
        if is_empty {
            machine.answers.push((via, answer));
        }
        match family {
            Some(family) => *machine.side(family) = Some(addresses),
            None => {
                machine.pending -= 1;
                // Whoever answered first was believed.
                if machine.has_addresses() || (is_empty && machine.pending > 0) {
                    return;
                }
                machine.set(addresses);
            }
        }
        let both_are_empty =
            machine.v6.as_ref().zip(machine.v4.as_ref()).is_some_and(|(v6, v4)| v6.is_empty() && v4.is_empty());
        let nobody_answered = machine.answers.iter().any(|(_, answer)| *answer == Answer::NobodyAnswered);
        if both_are_empty && !machine.asked_system && !nobody_answered {
            // DNS does not know the name; the system may.
            (machine.v6, machine.v4) = (None, None);
            self.ask_system(place);
            return;
        }
        if self.race.is_none() && machine.has_addresses() && self.service_deadline.is_none() {
            self.service_deadline = Some(Instant::now() + SERVICE_PATIENCE);
        }
        self.tell_race(place);
    }

    /// What is known of a machine's addresses and was not told before.
    fn tell_race(&mut self, place: usize) {
        let now = self.now();
        let (Some(race), Some(in_race)) = (&mut self.race, place.checked_sub(self.first)) else { return };
        let machine = &mut self.machines[place];
        for family in [Family::V6, Family::V4] {
            if let Some(addresses) = machine.side(family).as_ref() {
                race.found(now, in_race, family, addresses.clone());
            }
        }
    }

    /// Nothing is left to try.
    fn failure(&mut self) -> LinkFailure {
        if self.attempts.is_empty() {
            let machines = &self.machines[self.first..];
            let answers: Vec<&(Via, Answer)> = machines.iter().flat_map(|machine| &machine.answers).collect();
            let (mut why, is_unanswered) = why_not_found(&answers, self.dns.as_ref());
            if self.first > 0 {
                let names: Vec<&str> = machines.iter().map(|machine| machine.name.as_str()).collect();
                why = format!("DNS names {} as its server, and of that: {why}", names.join(" or "));
            }
            let host = self.target.host.clone();
            return match is_unanswered {
                true => LinkFailure::NoNameServer { host, why },
                false => LinkFailure::NameNotFound { host, why },
            };
        }
        let target = match self.machines.get(self.first) {
            Some(machine) if self.first > 0 => {
                format!("{}, the server of {}", Target::key(&machine.name, machine.port), self.target.host)
            }
            _ => self.target.to_string(),
        };
        LinkFailure::NotConnected { target, attempts: std::mem::take(&mut self.attempts) }
    }

    fn out_of_time(&mut self) -> LinkFailure {
        let running: Vec<SocketAddr> = self.race.iter().flat_map(Race::running).collect();
        for address in running {
            let (tried, took) = (endpoint(address), self.now());
            self.tell(Step::NotReached { address: tried.clone(), took, why: Outcome::NoAnswer.to_string() });
            self.attempts.push(Attempt { address: tried, outcome: Outcome::NoAnswer });
        }
        self.failure()
    }
}

fn about_both(name: String) -> Question {
    Question { name, kinds: vec![RecordKind::Aaaa, RecordKind::A] }
}

/// And whether it is DNS that fails, rather than the name.
fn why_not_found(answers: &[&(Via, Answer)], dns: Option<&Dns>) -> (String, bool) {
    let servers = || {
        let servers: Vec<String> = dns.iter().flat_map(|dns| &dns.servers).map(ToString::to_string).collect();
        servers.join(", ")
    };
    let is_of = |wanted: &Via, via: &Via| std::mem::discriminant(wanted) == std::mem::discriminant(via);
    let of = |wanted: Via| answers.iter().filter(move |(via, _)| is_of(&wanted, via)).map(|(_, answer)| answer);
    let patience = lookup::LOOKUP_PATIENCE.as_secs();
    if of(Via::Multicast).next().is_some() {
        return (format!("no machine of this network answered to that name within {patience} s"), false);
    }
    if let Some(Answer::Failed(why)) = of(Via::Dns(Vec::new())).find(|answer| matches!(answer, Answer::Failed(_))) {
        return (format!("{why}: {}", servers()), true);
    }
    if of(Via::Dns(Vec::new())).any(|answer| *answer == Answer::NobodyAnswered) {
        return (format!("no DNS server answered within {patience} s: {}", servers()), true);
    }
    if of(Via::Dns(Vec::new())).any(|answer| *answer == Answer::NoSuchName) {
        return ("DNS says that there is no such name".to_owned(), false);
    }
    if of(Via::Dns(Vec::new())).next().is_some() {
        return ("DNS knows the name, but no address of it".to_owned(), false);
    }
    match of(Via::System).next() {
        Some(_) => ("this machine is set up with no DNS server, and knows no such name".to_owned(), true),
        None => ("nobody answered in time".to_owned(), true),
    }
}
