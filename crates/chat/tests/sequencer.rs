//! The sequencer over a log that does what a test tells it: commits late, fails, recovers.

use chat::change::Change;
use chat::command::{Arrival, Command, Departure, NewAccount, Origin, Post, Recipient, Request};
use chat::effect::{Effect, Effects};
use chat::event::{Event, What};
use chat::hub::Hub;
use chat::id::{ClientId, Position, SessionId, Timestamp};
use chat::log::{Batch, Log, Outcome, StorageFailure};
use chat::message::MessageKind;
use chat::name::{ChatroomName, NameRules, Username};
use chat::query::{Answer, Conversation, Query};
use chat::sequencer::Sequencer;
use chat::settings::Settings;
use chat::snapshot::Snapshot;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Keeps what it is given until the test says what becomes of it.
#[derive(Debug, Default)]
struct Script {
    appended: Vec<Batch>,
    outcomes: VecDeque<Outcome>,
}

impl Log for Script {
    fn append(&mut self, batch: Batch) {
        self.appended.push(batch);
    }
    fn committed(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }
}

struct Bench {
    sequencer: Sequencer<Script>,
    now: u64,
    numbers: [u32; 4],
    alice: ClientId,
    proofs_since: Timestamp,
}

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

fn id(who: usize) -> SessionId {
    SessionId { shard: 0, slot: who as u32, generation: 1 }
}
fn rules() -> NameRules {
    NameRules::default()
}
fn address() -> IpAddr {
    IpAddr::from([192, 0, 2, 1])
}

impl Bench {
    /// Alice, an account, and Bob, a guest, are in #tea; all of that is committed.
    fn new() -> Bench {
        let hub = Hub::restore(Snapshot::default(), Settings::default(), 7, 1);
        let sequencer = Sequencer::new(hub, Script::default(), 1, Position(0), Timestamp(0));
        let mut bench = Bench {
            sequencer,
            now: 1_000_000,
            numbers: [0; 4],
            alice: ClientId(uuid::Uuid::nil()),
            proofs_since: Timestamp(0),
        };
        bench.ask(ALICE, register("alice"));
        bench.commit();
        bench.ask(ALICE, arrive("alice"));
        bench.ask(BOB, arrive("bob"));
        bench.ask(ALICE, join("#tea"));
        bench.ask(BOB, join("#tea"));
        bench.commit();
        let appended: Vec<Batch> = std::mem::take(&mut bench.sequencer.log_mut().appended);
        (bench.alice, bench.proofs_since) = appended
            .iter()
            .flat_map(|batch| &batch.changes)
            .find_map(|change| match change {
                Change::Account(account) => Some((account.id, account.proofs_since)),
                _ => None,
            })
            .unwrap();
        assert!(bench.sequencer.is_settled());
        bench
    }

    fn request(&mut self, who: usize, command: Command) -> Request {
        self.numbers[who] += 1;
        Request { origin: Origin::Session { id: id(who), number: self.numbers[who], last: true }, command }
    }

    /// Submits one command in a turn of its own; what may be seen at once.
    fn ask(&mut self, who: usize, command: Command) -> Vec<String> {
        let request = self.request(who, command);
        self.turn(vec![request])
    }

    fn turn(&mut self, requests: Vec<Request>) -> Vec<String> {
        self.now += 1;
        let mut out = Effects::for_shards(1);
        self.sequencer.submit(Timestamp(self.now), requests, &mut out);
        lines(out)
    }

    /// Commits what is under way, and what gathers behind it, until all is settled.
    fn commit(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while !self.sequencer.is_settled() {
            let batch = self.last_batch();
            seen.extend(self.tell(Outcome::Committed { batch }));
        }
        seen
    }

    fn tell(&mut self, outcome: Outcome) -> Vec<String> {
        self.now += 1;
        self.sequencer.log_mut().outcomes.push_back(outcome);
        let mut out = Effects::for_shards(1);
        self.sequencer.collect(Timestamp(self.now), &mut out);
        lines(out)
    }

    fn last_batch(&mut self) -> u64 {
        self.sequencer.log_mut().appended.last().map_or(0, |batch| batch.number)
    }

    fn fail(&mut self) -> Vec<String> {
        let batch = self.last_batch();
        self.tell(Outcome::Failed { batch, failure: StorageFailure::Full })
    }

    fn members(&mut self) -> Vec<String> {
        self.ask(BOB, Command::Ask(Query::Members { room: room("#tea") }))
    }
}

fn room(name: &str) -> ChatroomName {
    ChatroomName::parse(name, &rules()).unwrap()
}
fn name(name: &str) -> Username {
    Username::parse(name, &rules()).unwrap()
}

fn register(username: &str) -> Command {
    Command::CreateAccount(Box::new(NewAccount {
        username: name(username),
        password_hash: Some("hash".into()),
        scram: None,
        email: None,
        certificate: None,
        address: Some(address()),
        link: None,
    }))
}

fn arrive(text: &str) -> Command {
    Command::Arrive(Box::new(Arrival {
        name: name(text),
        ident: "u".into(),
        realname: "r".into(),
        account: None,
        address: address(),
        host: "cloak".into(),
        secure: true,
        certificate: None,
        device: None,
        login: None,
        away: None,
        metadata: Vec::new(),
        subscriptions: Vec::new(),
        modes: Vec::new(),
        gateway: None,
        transport: "TLS",
        port: 6697,
    }))
}

fn join(name: &str) -> Command {
    Command::Join { room: room(name), key: None, link: None, follows: true }
}

fn say(text: &str) -> Command {
    Command::Post(Box::new(Post {
        to: Recipient::Room { name: room("#tea"), at_least: None },
        kind: MessageKind::Text,
        text: text.into(),
        relayed_as: None,
        seams: None,
        tags: None,
        between_programs: false,
        once: None,
        lasting: None,
    }))
}

/// What leaves the sequencer, briefly.
fn lines(effects: Effects) -> Vec<String> {
    let who = |id: SessionId| NAMES[id.slot as usize];
    let event_line = |event: &Event| match event {
        Event::Posted(message) => format!("{}: {}", message.sender.name, message.payload),
        Event::Happened(happening) => match &happening.what {
            What::Joined { room, .. } => format!("{} joined {}", happening.by.name, room.name),
            What::Left { room, .. } => format!("{} left {}", happening.by.name, room.name),
            What::Quit { reason } => format!("{} quit {reason}", happening.by.name),
            other => format!("{other:?}"),
        },
    };
    let mut lines = Vec::new();
    for effect in effects.shards.into_iter().flatten() {
        lines.push(match effect {
            Effect::Answer { to, answer, .. } => match answer {
                Answer::Refused(refusal) => format!("{} refused {refusal:?}", who(to)),
                Answer::Welcome(_) => format!("{} welcome", who(to)),
                Answer::Entered(view) => format!("{} entered {}", who(to), view.name),
                Answer::Members(members) => {
                    let names: Vec<&str> = members.members.iter().map(|row| row.person.name.as_str()).collect();
                    format!("members {}", names.join(" "))
                }
                Answer::HistoryGranted(_) => format!("{} may read", who(to)),
                other => format!("{} {other:?}", who(to)),
            },
            Effect::Done { to, .. } => format!("{} done", who(to)),
            Effect::ToRoom { event, .. } | Effect::ToSessions { event, .. } => event_line(&event),
            Effect::Enter { .. } | Effect::Leave { .. } => continue,
            other => format!("{other:?}"),
        });
    }
    assert!(effects.changes.is_empty(), "changes go to the log, not out");
    lines
}

#[test]
fn nobody_sees_a_message_before_it_is_on_disk() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(ALICE, say("hi")), [""; 0]);
    assert_eq!(bench.commit(), ["alice: hi"]);
}

#[test]
fn what_needs_no_disk_goes_at_once_when_nothing_waits() {
    let mut bench = Bench::new();
    assert_eq!(bench.members(), ["members alice bob", "bob done"]);
    assert_eq!(bench.sequencer.log_mut().appended.len(), 0);
}

#[test]
fn the_order_holds_for_what_needs_no_disk() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(ALICE, say("one")), [""; 0]);
    assert_eq!(bench.members(), [""; 0]);
    assert_eq!(bench.ask(BOB, say("two")), [""; 0]);
    let first = bench.last_batch();
    assert_eq!(
        bench.tell(Outcome::Committed { batch: first }),
        ["alice: one"],
        "the question waits with the message behind it"
    );
    assert_eq!(bench.commit(), ["members alice bob", "bob done", "bob: two"]);
}

#[test]
fn everything_that_comes_during_a_flush_shares_the_next_one() {
    let mut bench = Bench::new();
    bench.ask(ALICE, say("one"));
    for text in ["two", "three", "four"] {
        bench.ask(BOB, say(text));
    }
    assert_eq!(bench.commit(), ["alice: one", "bob: two", "bob: three", "bob: four"]);
    let posted = |batch: &Batch| batch.changes.iter().filter(|change| matches!(change, Change::Posted(_))).count();
    let sizes: Vec<usize> = bench.sequencer.log_mut().appended.iter().map(posted).collect();
    assert_eq!(sizes, [1, 3]);
}

#[test]
fn when_the_disk_is_full_senders_are_refused_and_the_rest_goes_on() {
    let mut bench = Bench::new();
    bench.ask(ALICE, say("lost"));
    assert_eq!(bench.ask(CAROL, arrive("carol")), [""; 0], "waits for its turn");
    assert_eq!(bench.ask(CAROL, join("#tea")), [""; 0]);
    assert_eq!(bench.ask(ALICE, join("#new")), [""; 0]);
    assert_eq!(
        bench.fail(),
        [
            "alice refused StorageFull",
            "alice done",
            "carol welcome",
            "carol done",
            "carol joined #tea",
            "carol entered #tea",
            "carol done",
            "alice refused StorageFull",
            "alice done",
        ]
    );
    // From here on at once, without asking the log.
    let batches = bench.sequencer.log_mut().appended.len();
    assert_eq!(bench.ask(ALICE, say("lost too")), ["alice refused StorageFull", "alice done"]);
    assert_eq!(bench.members(), ["members alice bob carol", "bob done"]);
    let quit = Command::Depart(Departure::Quit { reason: Some("bye".into()) });
    assert_eq!(bench.ask(CAROL, quit), ["carol quit bye", "carol done"]);
    assert_eq!(bench.sequencer.log_mut().appended.len(), batches);
    assert!(bench.sequencer.is_settled());
    // And by itself again when the store takes batches.
    bench.tell(Outcome::Recovered);
    assert_eq!(bench.ask(ALICE, say("kept")), [""; 0]);
    assert_eq!(bench.commit(), ["alice: kept"]);
}

#[test]
fn a_failed_batch_takes_the_gathering_one_back_with_it() {
    let mut bench = Bench::new();
    let before = bench.sequencer.hub().gauges();
    bench.ask(ALICE, join("#one"));
    bench.ask(ALICE, join("#two"));
    bench.ask(BOB, say("lost"));
    assert_eq!(bench.sequencer.hub().gauges().rooms, before.rooms + 2);
    assert_eq!(
        bench.fail(),
        [
            "alice refused StorageFull",
            "alice done",
            "alice refused StorageFull",
            "alice done",
            "bob refused StorageFull",
            "bob done",
        ]
    );
    assert_eq!(bench.sequencer.hub().gauges(), before);
    bench.tell(Outcome::Recovered);
    bench.ask(ALICE, join("#one"));
    assert_eq!(bench.commit(), ["alice joined #one", "alice entered #one", "alice done"]);
}

#[test]
fn a_failure_of_a_batch_that_is_not_under_way_changes_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.tell(Outcome::Failed { batch: 999, failure: StorageFailure::Error }), [""; 0]);
    bench.ask(ALICE, say("hi"));
    assert_eq!(bench.commit(), ["alice: hi"]);
}

#[test]
fn a_login_works_while_the_disk_is_full() {
    let mut bench = Bench::new();
    bench.ask(ALICE, say("lost"));
    bench.fail();
    let account = bench.alice;
    let proofs_since = bench.proofs_since;
    let login = Command::LogIn { account, verified: true, address: address(), counted: None, proofs_since };
    let seen = bench.ask(CAROL, login);
    assert!(seen[0].contains("LoggedIn"), "{seen:?}");
    let seen = bench.ask(CAROL, arrive("carol"));
    assert_eq!(seen, ["carol welcome", "alice joined #tea", "carol entered #tea", "carol done"]);
}

#[test]
fn the_clock_never_goes_back() {
    let mut bench = Bench::new();
    bench.ask(ALICE, say("one"));
    bench.commit();
    bench.now -= 500;
    bench.ask(ALICE, say("two"));
    bench.commit();
    let times: Vec<(Timestamp, Position)> = bench
        .sequencer
        .log_mut()
        .appended
        .iter()
        .flat_map(|batch| &batch.changes)
        .filter_map(|change| match change {
            Change::Posted(message) => Some((message.timestamp, message.position)),
            _ => None,
        })
        .collect();
    assert_eq!(times.len(), 2);
    assert!(times[0].0 <= times[1].0 && times[0].1 < times[1].1, "{times:?}");
}

/// How many comings and goings are in each batch that the log has been given.
fn noted(bench: &mut Bench) -> Vec<usize> {
    let happened = |batch: &Batch| batch.changes.iter().filter(|change| matches!(change, Change::Happened(_))).count();
    bench.sequencer.log_mut().appended.iter().map(happened).collect()
}

/// Coming and going is history too: whoever saw it finds it there, whatever becomes of the process.
#[test]
fn what_happens_in_a_room_is_on_disk_before_anyone_sees_it() {
    let mut bench = Bench::new();
    bench.ask(CAROL, arrive("carol"));
    bench.turn(Vec::new());
    assert_eq!(bench.ask(CAROL, join("#tea")), [""; 0]);
    assert_eq!(noted(&mut bench), [1]);
    // What comes meanwhile shares the next flush.
    assert_eq!(bench.ask(CAROL, Command::Part { room: room("#tea"), reason: None }), [""; 0]);
    assert_eq!(bench.ask(ALICE, say("hi")), [""; 0]);
    assert_eq!(
        bench.commit(),
        ["carol joined #tea", "carol entered #tea", "carol done", "carol left #tea", "carol done", "alice: hi"]
    );
    assert_eq!(noted(&mut bench), [1, 1]);
    assert!(bench.sequencer.is_settled());
}

#[test]
fn what_happens_in_a_room_goes_on_without_a_disk() {
    let mut bench = Bench::new();
    bench.ask(CAROL, arrive("carol"));
    assert_eq!(bench.ask(CAROL, join("#tea")), [""; 0]);
    assert_eq!(bench.fail(), ["carol joined #tea", "carol entered #tea", "carol done"]);
    assert!(bench.sequencer.storage_fails() && bench.sequencer.is_settled());
    assert_eq!(bench.ask(CAROL, Command::Part { room: room("#tea"), reason: None }), ["carol left #tea", "carol done"]);
    assert_eq!(bench.ask(ALICE, say("lost")), ["alice refused StorageFull", "alice done"]);
    let history = Command::Ask(Query::History { of: Conversation::Room(room("#tea")) });
    assert_eq!(bench.ask(BOB, history), ["bob may read", "bob done"]);
    assert_eq!(bench.sequencer.next_deadline(), None);
    bench.tell(Outcome::Recovered);
    assert_eq!(bench.ask(CAROL, join("#tea")), [""; 0]);
    assert_eq!(bench.commit(), ["carol joined #tea", "carol entered #tea", "carol done"]);
    assert_eq!(noted(&mut bench), [1, 1]);
}
