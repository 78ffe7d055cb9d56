//! The names of people's addresses (`[server] lookup_hostnames`), off the threads that everyone waits for: a few threads
//! that wait for the system's resolver, behind a bounded queue. Where names are not looked up there is no thread.
//!
//! A name counts only if it resolves to the address again: whoever owns an address may call it anything, but not make
//! another's name point to it.
//!
//! The resolver cannot be told to hurry. A session stops waiting after [`limits::HOST_LOOKUP_PATIENCE`], whatever the
//! thread does; all that ask for one address at a time share one lookup, so that an address whose name servers never answer
//! occupies one thread.

use crate::limits;
use chat::id::SessionId;
use compact_str::{CompactString, ToCompactString};
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Names the address, or cannot. Takes its time.
type Resolve = Box<dyn Fn(IpAddr) -> Option<CompactString> + Send + Sync>;
/// Where outcomes go, with the ticket of who asked.
pub type Answer = Box<dyn Fn(SessionId, u32, Option<CompactString>) + Send + Sync>;

pub struct HostLookups {
    state: Mutex<State>,
    work: Condvar,
    resolve: Resolve,
    answer: Answer,
}

#[derive(Default)]
struct State {
    /// The oldest first.
    queued: VecDeque<Lookup>,
    /// One a busy thread.
    running: Vec<Lookup>,
    /// Of all lookups together.
    waiting: usize,
    threads: usize,
    idle: usize,
}

struct Lookup {
    address: IpAddr,
    asked: Instant,
    /// Session and ticket.
    waiting: Vec<(SessionId, u32)>,
}

impl HostLookups {
    /// With the system's resolver: its hosts file, DNS, and whatever else it is set up to ask.
    pub fn new(answer: Answer) -> Arc<HostLookups> {
        HostLookups::with(Box::new(|address| confirmed_name(address, reverse, forward)), answer)
    }

    fn with(resolve: Resolve, answer: Answer) -> Arc<HostLookups> {
        Arc::new(HostLookups { state: Mutex::default(), work: Condvar::new(), resolve, answer })
    }

    /// Asks for the name of an address; at the bound the answer is at once that there is none.
    pub fn submit(self: &Arc<Self>, session: SessionId, ticket: u32, address: IpAddr) {
        if !self.take(session, ticket, address) {
            (self.answer)(session, ticket, None);
        }
    }

    fn take(self: &Arc<Self>, session: SessionId, ticket: u32, address: IpAddr) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { queued, running, waiting, threads, idle } = &mut *state;
        if *waiting >= limits::HOST_LOOKUP_QUEUE {
            return false;
        }
        if let Some(lookup) = running.iter_mut().chain(&mut *queued).find(|lookup| lookup.address == address) {
            lookup.waiting.push((session, ticket));
            *waiting += 1;
            return true;
        }
        if queued.len() >= *idle && *threads < limits::HOST_LOOKUP_THREADS {
            let worker = self.clone();
            match std::thread::Builder::new().name("host lookup".to_owned()).spawn(move || worker.run()) {
                Ok(_) => *threads += 1,
                Err(error) => {
                    tracing::warn!("no thread to look up names of addresses with: {error}");
                    if *threads == 0 {
                        return false;
                    }
                }
            }
        }
        queued.push_back(Lookup { address, asked: Instant::now(), waiting: vec![(session, ticket)] });
        *waiting += 1;
        self.work.notify_one();
        true
    }

    fn run(&self) {
        loop {
            let address = self.next();
            let name = (self.resolve)(address);
            for (session, ticket) in self.finished(address) {
                (self.answer)(session, ticket, name.clone());
            }
        }
    }

    /// Waits for an address whose name someone still waits for.
    fn next(&self) -> IpAddr {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some(lookup) = state.queued.pop_front() {
                if lookup.asked.elapsed() < limits::HOST_LOOKUP_PATIENCE {
                    let address = lookup.address;
                    state.running.push(lookup);
                    return address;
                }
                // The sessions have gone on without.
                state.waiting -= lookup.waiting.len();
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn finished(&self, address: IpAddr) -> Vec<(SessionId, u32)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = state.running.iter().position(|lookup| lookup.address == address) else {
            return Vec::new();
        };
        let lookup = state.running.swap_remove(at);
        state.waiting -= lookup.waiting.len();
        lookup.waiting
    }
}

impl fmt::Debug for HostLookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostLookups").finish_non_exhaustive()
    }
}

/// The address's name, if it can be shown and resolves to the address again.
fn confirmed_name(
    address: IpAddr,
    reverse: impl Fn(IpAddr) -> Option<String>,
    forward: impl Fn(&str) -> Vec<IpAddr>,
) -> Option<CompactString> {
    let name = reverse(address)?;
    // Case says nothing in a name (RFC 4343), but would be one more way around a ban.
    let name = name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase();
    let confirmed = session::is_host(&name)
        && forward(&name).into_iter().any(|resolved| resolved.to_canonical() == address.to_canonical());
    confirmed.then(|| name.to_compact_string())
}

fn reverse(address: IpAddr) -> Option<String> {
    dns_lookup::lookup_addr(&address).ok()
}

fn forward(name: &str) -> Vec<IpAddr> {
    (name, 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(20);
    const SESSION: SessionId = SessionId { shard: 0, slot: 0, generation: 1 };

    fn numbered(last: usize) -> IpAddr {
        IpAddr::from([198, 51, (last >> 8) as u8, last as u8])
    }

    #[test]
    fn names_that_do_not_lead_back_are_not_believed() {
        let check = |address: &str, name: Option<&str>, resolves_to: &[&str], expected: Option<&str>| {
            let resolved = resolves_to.iter().map(|address| address.parse().unwrap()).collect::<Vec<IpAddr>>();
            let found = confirmed_name(address.parse().unwrap(), |_| name.map(Into::into), |_| resolved.clone());
            assert_eq!(found.as_deref(), expected, "{address} {name:?}");
        };
        check("192.0.2.1", Some("a.example"), &["192.0.2.1"], Some("a.example"));
        check("192.0.2.1", Some("A.Example."), &["2001:db8::1", "192.0.2.1"], Some("a.example"));
        check("::ffff:192.0.2.1", Some("a.example"), &["192.0.2.1"], Some("a.example"));
        check("2001:db8::1", Some("a.example"), &["2001:db8::1"], Some("a.example"));
        check("192.0.2.1", Some("bank.example"), &["192.0.2.2"], None);
        check("192.0.2.1", Some("bank.example"), &[], None);
        check("192.0.2.1", None, &["192.0.2.1"], None);
        // What resolvers say when there is no name, and other addresses in disguise.
        check("192.0.2.1", Some("192.0.2.1"), &["192.0.2.1"], None);
        check("2001:db8::1", Some("2001:db8::1"), &["2001:db8::1"], None);
        check("127.0.0.1", Some("0x7f000001"), &["127.0.0.1"], None);
        check("192.0.2.1", Some("a b.example"), &["192.0.2.1"], None);
    }

    /// Lookups whose resolver says what it is asked, and answers only when told to.
    struct Held {
        lookups: Arc<HostLookups>,
        is_asked: Receiver<IpAddr>,
        release: Sender<()>,
        answers: Receiver<(u32, Option<String>)>,
    }

    fn held() -> Held {
        let (asked, is_asked) = channel();
        let (release, released) = channel();
        let released = Mutex::new(released);
        let (answer, answers) = channel();
        let lookups = HostLookups::with(
            Box::new(move |address| {
                asked.send(address).ok()?;
                released.lock().unwrap().recv().ok()?;
                Some(format!("host-{address}").replace('.', "-").into())
            }),
            Box::new(move |_, ticket, name| {
                // The test has seen enough.
                let _ = answer.send((ticket, name.map(Into::into)));
            }),
        );
        Held { lookups, is_asked, release, answers }
    }

    #[test]
    fn a_full_queue_answers_at_once_and_its_rest_is_answered_later() {
        let Held { lookups, is_asked, release, answers } = held();
        for number in 0..limits::HOST_LOOKUP_QUEUE {
            lookups.submit(SESSION, number as u32, numbered(number));
        }
        let busy: Vec<IpAddr> =
            (0..limits::HOST_LOOKUP_THREADS).map(|_| is_asked.recv_timeout(DEADLINE).unwrap()).collect();
        assert!((0..busy.len()).all(|number| busy.contains(&numbered(number))), "the oldest first: {busy:?}");
        lookups.submit(SESSION, 9_999, numbered(9_999));
        assert_eq!(answers.recv_timeout(DEADLINE), Ok((9_999, None)));
        assert!(answers.try_recv().is_err());
        release.send(()).unwrap();
        let (ticket, name) = answers.recv_timeout(DEADLINE).unwrap();
        assert_eq!(name, Some(format!("host-198-51-0-{ticket}")));
        // There is room for one again.
        lookups.submit(SESSION, 9_998, numbered(9_998));
        assert!(answers.try_recv().is_err());
    }

    #[test]
    fn an_address_is_asked_for_once_at_a_time() {
        let Held { lookups, is_asked, release, answers } = held();
        for ticket in 0..5 {
            lookups.submit(SESSION, ticket, numbered(1));
        }
        assert_eq!(is_asked.recv_timeout(DEADLINE), Ok(numbered(1)));
        lookups.submit(SESSION, 5, numbered(1));
        release.send(()).unwrap();
        let mut answered: Vec<_> = (0..6).map(|_| answers.recv_timeout(DEADLINE).unwrap()).collect();
        answered.sort();
        assert_eq!(answered, (0..6).map(|ticket| (ticket, Some("host-198-51-0-1".to_owned()))).collect::<Vec<_>>());
        assert!(is_asked.try_recv().is_err());
        assert_eq!(lookups.state.lock().unwrap().waiting, 0);
    }

    #[test]
    fn threads_are_started_as_they_are_needed() {
        let Held { lookups, is_asked, release, answers } = held();
        assert_eq!(lookups.state.lock().unwrap().threads, 0);
        for number in 0..3 {
            lookups.submit(SESSION, number, numbered(number as usize));
        }
        for _ in 0..3 {
            is_asked.recv_timeout(DEADLINE).unwrap();
        }
        assert_eq!(lookups.state.lock().unwrap().threads, 3);
        for _ in 0..3 {
            release.send(()).unwrap();
            answers.recv_timeout(DEADLINE).unwrap();
        }
    }
}
