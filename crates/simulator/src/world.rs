//! The server as a whole: shards, the sequencer with its hub and log, the password pool, and the queues between them,
//! in which things wait as long as whoever drives the world lets them.

use crate::defect::{Defect, Spoiler};
use crate::faulty_log::{Faults, FaultyLog, Store};
use crate::page;
use crate::random::Random;
use crate::shard::{Sent, Shard};
use crate::transcript::Transcript;
use chat::command::{Command, Origin, Request};
use chat::effect::{Effect, Effects, ServerEffect};
use chat::event::{Event, Place};
use chat::history::{Item, Kept};
use chat::hub::Hub;
use chat::id::{ClientId, MessageId, RequestNumber, SessionId, Timestamp};
use chat::log::Outcome;
use chat::query::{Answer, Query};
use chat::refusal::{Refusal, Rights};
use chat::sequencer::Sequencer;
use chat::settings::{OperatorRule, Settings};
use session::facts::{Login, OperatorLogin, Password};
use session::{Configured, Moment, Peer, ServerFacts, Work, WorkResult};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use wire::Capability;

pub const SHARDS: usize = 2;

/// Far more turns than anything takes to come to rest: a conversation that never ends is a fault.
pub const MOST_TURNS: usize = 100_000;

/// A session that is never there: what it asks comes back as a mark in the order of the effects.
const MARK: SessionId = SessionId { shard: 0, slot: 1 << 19, generation: 1 };

/// Everything but the people.
pub struct World {
    pub facts: Rc<ServerFacts>,
    pub now: Moment,
    pub shards: Vec<Shard>,
    pub transcript: Transcript,
    settings: Settings,
    sequencer: Sequencer<FaultyLog>,
    spoiler: Option<Spoiler>,
    to_hub: VecDeque<Request>,
    to_shards: Vec<VecDeque<Effect>>,
    /// What the hub was asked and has not answered for good, in order.
    in_flight: VecDeque<Asked>,
    heard: BTreeMap<(SessionId, RequestNumber), Heard>,
    pool: VecDeque<(SessionId, Work)>,
    /// What was read for whom, and is not yet written to her.
    pages: BTreeMap<SessionId, VecDeque<Vec<Item>>>,
    /// Devices that were ended from others, until the model knows.
    pub ended: Vec<SessionId>,
    /// What happened in rooms while the store took nothing: it is in no history.
    pub unnoted: Vec<MessageId>,
    /// The first thing that was read and must not have been, or was left out.
    pub wrong: Option<String>,
    tokens: u64,
    marks: RequestNumber,
    clock: Timestamp,
}

/// The commands of one line, or of the server itself.
#[derive(Debug)]
pub struct Asked {
    pub session: SessionId,
    pub number: RequestNumber,
    pub commands: Vec<Command>,
    /// When it was applied; when the last time, where the store took nothing.
    pub at: Timestamp,
    /// When for the first time.
    pub first_at: Timestamp,
}

/// What came of it so far.
#[derive(Debug, Default)]
struct Heard {
    refusals: Vec<Refusal>,
    answers: Vec<Answer>,
    events: Vec<Event>,
    done: bool,
}

/// Something asked of which all effects are out.
#[derive(Debug)]
pub struct Released {
    pub asked: Asked,
    pub refusals: Vec<Refusal>,
    /// Of those that the model has an opinion about.
    pub answers: Vec<Answer>,
    /// Those that it caused, as far as its session is told of them.
    pub events: Vec<Event>,
    /// It was applied to a hub that knew that the store takes nothing.
    pub failing: bool,
    /// It was applied before, and taken back.
    pub again: bool,
}

/// What the sessions are told of their server.
pub fn configuration() -> (Configured, Settings) {
    let password = Password::Plain("sesame".to_owned().into());
    let configured = Configured {
        server_name: "irc.example".into(),
        network: "Example".into(),
        login: Login { scram_iterations: 16, ..Login::default() },
        operators: vec![OperatorLogin { name: "root".into(), password }],
        ..Configured::default()
    };
    let settings = Settings {
        name_rules: configured.name_rules,
        operators: vec![OperatorRule { name: "root".into(), rights: Rights::ALL, title: "is a server admin".into() }],
        ..Settings::default()
    };
    (configured, settings)
}

impl World {
    /// `defect`: what is wrong with the server, if anything.
    pub fn new(
        configured: Configured,
        settings: Settings,
        seed: u64,
        transcript: Transcript,
        defect: Option<Defect>,
    ) -> World {
        let now = Moment { wall: Timestamp(1_700_000_000_000), monotonic_ms: 1_000_000 };
        let mut world = World {
            facts: Rc::new(ServerFacts::new(configured)),
            now,
            shards: (0..SHARDS).map(|number| Shard::new(number as u16, 0)).collect(),
            transcript,
            sequencer: start(FaultyLog::with_defect(defect), &settings, seed),
            spoiler: defect.map(Spoiler::new),
            settings,
            to_hub: VecDeque::new(),
            to_shards: (0..SHARDS).map(|_| VecDeque::new()).collect(),
            in_flight: VecDeque::new(),
            heard: BTreeMap::new(),
            pool: VecDeque::new(),
            pages: BTreeMap::new(),
            ended: Vec::new(),
            unnoted: Vec::new(),
            wrong: None,
            tokens: 0,
            marks: 0,
            clock: now.wall,
        };
        // The rooms of the configuration are made with the first command.
        world.mark(None);
        world.settle(&mut |_| {});
        world
    }

    pub fn hub(&self) -> &Hub {
        self.sequencer.hub()
    }

    pub fn log(&mut self) -> &mut FaultyLog {
        self.sequencer.log_mut()
    }

    pub fn store(&mut self) -> &Store {
        &self.sequencer.log_mut().store
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    // ---- Connections

    pub fn open(&mut self, shard: usize, peer: Peer) -> SessionId {
        self.shards[shard].open(peer, self.now, &self.facts)
    }

    pub fn shard(&mut self, id: SessionId) -> &mut Shard {
        &mut self.shards[id.shard as usize]
    }

    pub fn is_open(&self, id: SessionId) -> bool {
        self.shards[id.shard as usize].is_open(id)
    }

    // ---- One turn of each part

    /// A shard's turn, its parts in the order of the production's: at most `effects` effects are carried out, and `bytes` of each connection read.
    pub fn shard_turn(&mut self, at: usize, effects: usize, mut bytes: impl FnMut() -> usize) -> Vec<Sent> {
        let (now, facts) = (self.now, self.facts.clone());
        let shard = &mut self.shards[at];
        for _ in 0..effects {
            let Some(effect) = self.to_shards[at].pop_front() else { break };
            if self.transcript.is_on() {
                self.transcript.note(format_args!("    shard {at}: {}", briefly(&effect)));
            }
            shard.carry_out(effect, now, &facts);
        }
        shard.resume(now, &facts);
        for id in shard.ids() {
            shard.read(id, bytes(), now, &facts);
        }
        shard.check_timers(now, &facts);
        self.to_hub.extend(shard.requests.drain(..));
        self.pool.append(&mut shard.work);
        shard.end_turn()
    }

    /// The pool comes to the end of one piece of work.
    pub fn pool_turn(&mut self) {
        let Some((id, work)) = self.pool.pop_front() else { return };
        let store = &self.sequencer.log_mut().store;
        if let Work::ReadHistory { grant, stretch, view, limit, .. } = &work {
            let items = store.past().read(grant, *stretch, *view, *limit);
            if let Err(what) = page::check(store.past().kept(), grant, *stretch, *view, *limit, &items) {
                self.wrong.get_or_insert(what);
            }
            self.note_page(id, grant.reader, items);
        }
        self.tokens += u64::from(matches!(work, Work::DrawToken { .. }));
        let (ticket, result) = result_of(work, &self.sequencer.log_mut().store, self.tokens);
        let (now, facts) = (self.now, self.facts.clone());
        self.shard(id).work_done(id, ticket, result, now, &facts);
    }

    /// Those who cannot ask for a page are shown what they missed, without their own words, and as a batch if they know both
    /// of batches and of times.
    fn note_page(&mut self, id: SessionId, reader: ClientId, mut items: Vec<Item>) {
        let Some(session) = self.shards[id.shard as usize].session(id) else { return };
        let asks = session.has(Capability::Chathistory);
        if !session.has(Capability::Batch) || !(asks || session.has(Capability::ServerTime)) {
            return;
        }
        let is_own = |kept: &Kept| matches!(kept, Kept::Said { message, .. } if message.recipient_id.is_some() && message.sender_id == reader);
        items.retain(|item| asks || !is_own(&item.kept));
        self.pages.entry(id).or_default().push_back(items);
    }

    /// The hub's thread: what the log has to say, then what the shards ask, then perhaps a commit.
    pub fn hub_turn(&mut self, commit: bool) -> Vec<Released> {
        let mut released = Vec::new();
        self.take_outcomes(&mut released);
        let mut effects = Effects::for_shards(SHARDS);
        let failing = self.sequencer.storage_fails();
        let requests: Vec<Request> = self.to_hub.drain(..).collect();
        let at = self.order_time();
        for request in &requests {
            self.note_asked(request, at);
        }
        self.sequencer.take_in(self.now.wall, requests, &mut effects);
        self.absorb(&mut effects, failing, false, &mut released);
        if self.sequencer.next_deadline().is_some_and(|deadline| deadline <= self.now.wall) {
            self.mark(Some(Command::DeadlineReached));
            self.transcript.note(format_args!("    the deadline is reached"));
            let requests: Vec<Request> = self.to_hub.drain(..).collect();
            for request in &requests {
                self.note_asked(request, at);
            }
            self.sequencer.take_in(self.now.wall, requests, &mut effects);
            self.absorb(&mut effects, failing, false, &mut released);
        }
        if commit {
            self.sequencer.commit();
        }
        released
    }

    /// The next page that was read for a session.
    pub fn next_page(&mut self, id: SessionId) -> Option<Vec<Item>> {
        self.pages.get_mut(&id)?.pop_front()
    }

    pub fn log_turn(&mut self, random: &mut Random, faults: Faults) {
        self.sequencer.log_mut().turn(random, faults);
    }

    /// Everything goes on until nothing is left to do, and nobody looks at what comes of it but those who are sent it.
    pub fn settle(&mut self, sent: &mut impl FnMut(Sent)) {
        for _ in 0..MOST_TURNS {
            self.log().finish_batches();
            self.hub_turn(true);
            // Before the shards, which send what comes of it.
            self.pool_turn();
            for at in 0..SHARDS {
                self.shard_turn(at, usize::MAX, || usize::MAX).into_iter().for_each(&mut *sent);
            }
            if self.is_still() {
                return;
            }
        }
        panic!("the server never comes to rest");
    }

    /// Nothing is under way.
    pub fn is_still(&mut self) -> bool {
        let deadline = self.sequencer.next_deadline().is_some_and(|deadline| deadline <= self.now.wall);
        self.to_hub.is_empty()
            && self.pool.is_empty()
            && self.to_shards.iter().all(VecDeque::is_empty)
            && self.shards.iter().all(|shard| shard.requests.is_empty() && shard.work.is_empty())
            && self.sequencer.is_settled()
            && self.sequencer.log_mut().is_idle()
            && !deadline
            && !self.shards.iter().any(Shard::can_read)
    }

    // ---- The process dies and starts again

    /// Everyone's connection is gone, and all that is not on disk. `flushed`: the last batch reached the disk, and nobody
    /// was told.
    pub fn restart(&mut self, seed: u64, flushed: bool) -> Vec<Released> {
        let mut released = Vec::new();
        self.sequencer.log_mut().crash(flushed);
        self.take_outcomes(&mut released);
        let log = self.sequencer.log_mut().restarted();
        self.sequencer = start(log, &self.settings, seed);
        self.clock = self.sequencer.log_mut().store.snapshot().timestamp;
        let shards = self.shards.iter().enumerate();
        self.shards = shards.map(|(number, old)| Shard::new(number as u16, old.generation())).collect();
        self.to_hub.clear();
        self.to_shards.iter_mut().for_each(VecDeque::clear);
        self.in_flight.clear();
        self.heard.clear();
        self.pool.clear();
        self.pages.clear();
        released
    }

    // ---- Questions from outside

    /// Asks the hub as its own command line does. Nothing may be waiting for the disk.
    pub fn ask(&mut self, query: Query) -> Option<Answer> {
        let mut effects = Effects::for_shards(SHARDS);
        let request = Request { origin: Origin::Console { number: 1 }, command: Command::Ask(query) };
        self.sequencer.take_in(self.now.wall, [request], &mut effects);
        match effects.server.pop() {
            Some(ServerEffect::Console { answer, .. }) => Some(answer),
            _ => None,
        }
    }

    // ---- The order

    /// The time that the sequencer gives to what it is asked now: it never goes back.
    fn order_time(&mut self) -> Timestamp {
        self.clock = self.clock.max(self.now.wall);
        self.clock
    }

    /// Has the server's HTTP side ask something for a visitor.
    pub fn visit(&mut self, command: Command) {
        self.marks += 1;
        let number = self.marks;
        self.to_hub.push_back(Request { origin: Origin::Console { number: u64::from(number) }, command });
        let origin = Origin::Session { id: MARK, number, last: true };
        self.to_hub.push_back(Request { origin, command: Command::Ask(Query::Counts) });
    }

    /// Has the server do something by itself, with a mark behind it by which its end is known.
    fn mark(&mut self, command: Option<Command>) {
        self.marks += 1;
        let number = self.marks;
        self.to_hub.extend(command.map(|command| Request { origin: Origin::Server, command }));
        let origin = Origin::Session { id: MARK, number, last: true };
        self.to_hub.push_back(Request { origin, command: Command::Ask(Query::Counts) });
    }

    fn note_asked(&mut self, request: &Request, at: Timestamp) {
        let (session, number) = match request.origin {
            Origin::Session { id, number, .. } => (id, number),
            Origin::Console { number } => (MARK, number as RequestNumber),
            _ => (MARK, self.marks),
        };
        if self.transcript.is_on() && session != MARK {
            let text = format!("{:?}", request.command);
            self.transcript.note(format_args!("    hub is asked by {}: {text}", name_of(session)));
        }
        match self.in_flight.back_mut() {
            Some(asked) if asked.session == session && asked.number == number => {
                asked.commands.push(request.command.clone());
            }
            _ => self.in_flight.push_back(Asked {
                session,
                number,
                commands: vec![request.command.clone()],
                at,
                first_at: at,
            }),
        }
    }

    fn take_outcomes(&mut self, released: &mut Vec<Released>) {
        let mut effects = Effects::for_shards(SHARDS);
        while let Some(outcome) = self.sequencer.log_mut().tell_one() {
            self.transcript.note(format_args!("    log: {outcome:?}"));
            let failed = matches!(outcome, Outcome::Failed { .. });
            if failed {
                let at = self.order_time();
                self.in_flight.iter_mut().for_each(|asked| asked.at = at);
            }
            self.sequencer.take_outcomes(self.now.wall, &mut effects);
            self.absorb(&mut effects, failed, failed, released);
        }
    }

    /// Notes what came out, and gives it to the shards.
    fn absorb(&mut self, effects: &mut Effects, failing: bool, again: bool, released: &mut Vec<Released>) {
        for (number, (list, queue)) in effects.shards.iter_mut().zip(&mut self.to_shards).enumerate() {
            for effect in list.drain(..) {
                if failing && let Some(place) = place_of(&effect) {
                    self.unnoted.push(place.id);
                }
                match &effect {
                    Effect::Answer { to, number, answer: Answer::Refused(refusal) } => {
                        self.heard.entry((*to, *number)).or_default().refusals.push(refusal.clone());
                    }
                    Effect::Answer { to, number, answer } if is_judged(answer) => {
                        self.heard.entry((*to, *number)).or_default().answers.push(answer.clone());
                    }
                    Effect::Close { session, reason } if &**reason == "ended from another device" => {
                        self.ended.push(*session);
                    }
                    Effect::Done { to, number } => self.heard.entry((*to, *number)).or_default().done = true,
                    Effect::ToRoom { event, origin: Some(origin), .. }
                    | Effect::ToSessions { event, origin: Some(origin), .. }
                        // The other shards may be told of it too.
                        if usize::from(origin.session.shard) == number =>
                    {
                        let heard = self.heard.entry((origin.session, origin.number)).or_default();
                        heard.done |= origin.finishes;
                        heard.events.push(event.clone());
                    }
                    _ => {}
                }
                match &mut self.spoiler {
                    Some(spoiler) => spoiler.queue(effect, queue),
                    None => queue.push_back(effect),
                }
            }
        }
        for effect in effects.server.drain(..) {
            if let ServerEffect::Console { number, answer: Answer::Refused(refusal) } = effect {
                self.heard.entry((MARK, number as RequestNumber)).or_default().refusals.push(refusal);
            }
        }
        while let Some(asked) = self.in_flight.front() {
            let key = (asked.session, asked.number);
            if !self.heard.get(&key).is_some_and(|heard| heard.done) {
                break;
            }
            let (Some(asked), Some(heard)) = (self.in_flight.pop_front(), self.heard.remove(&key)) else { break };
            let Heard { refusals, answers, events, .. } = heard;
            released.push(Released { asked, refusals, answers, events, failing, again });
        }
    }
}

fn start(log: FaultyLog, settings: &Settings, seed: u64) -> Sequencer<FaultyLog> {
    let snapshot = log.store.snapshot();
    let (position, timestamp) = (snapshot.position, snapshot.timestamp);
    let hub = Hub::restore(snapshot, settings.clone(), seed, SHARDS);
    Sequencer::new(hub, log, SHARDS, position, timestamp)
}

fn is_judged(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::HistoryGranted(_)
            | Answer::Conversations(_)
            | Answer::Unread(_)
            | Answer::InviteLinks { .. }
            | Answer::AbsentMembers(_)
            | Answer::Devices(_)
            | Answer::DeviceEnded { .. }
            | Answer::Repeated { .. }
    )
}

/// Where something that happened in a room stands in its history.
fn place_of(effect: &Effect) -> Option<Place> {
    match effect {
        Effect::ToRoom { event: Event::Happened(happening), .. }
        | Effect::ToSessions { event: Event::Happened(happening), .. } => happening.place,
        _ => None,
    }
}

/// The pools: of passwords, whose hashes can be read here, and of readers. `tokens`: another one for each that is drawn.
fn result_of(work: Work, store: &Store, tokens: u64) -> (u32, WorkResult) {
    let hash_of = |password: &str| format!("plain:{password}").into_boxed_str();
    match work {
        Work::CheckPassword { ticket, hash, password } => {
            (ticket, WorkResult::Checked { matches: hash == Some(hash_of(&password)) })
        }
        Work::HashPassword { ticket, password, .. } => {
            (ticket, WorkResult::Hashed { hash: hash_of(&password), scram: None })
        }
        Work::ReadHistory { ticket, grant, stretch, view, limit } => {
            let items = store.past().read(&grant, stretch, view, limit);
            (ticket, WorkResult::Page { of: grant.name.clone(), items })
        }
        Work::FindMessage { ticket, grant, id } => (ticket, WorkResult::Found(store.past().find(&grant, id))),
        Work::FindMessages { ticket, grant, which } => {
            (ticket, WorkResult::FoundAll(store.past().find_all(&grant, &which)))
        }
        Work::ReadReported { ticket, numbers } => (ticket, WorkResult::Reported(store.past().reported(&numbers))),
        Work::ReadEarlierTexts { ticket, grant, id } => {
            (ticket, WorkResult::EarlierTexts(store.past().earlier_texts(&grant, id)))
        }
        Work::Search { ticket, grants, search, limit } => {
            (ticket, WorkResult::Searched { messages: store.past().search(&grants, &search, limit), complete: true })
        }
        Work::CountUnread { ticket, question } => (ticket, WorkResult::Unread(store.past().unread(&question))),
        Work::FindConversation { ticket, grants, id } => {
            let found = grants.into_iter().find(|grant| store.past().find(grant, id).is_some());
            (ticket, WorkResult::FoundIn(found.map(Box::new)))
        }
        Work::ReadLatestTimes { ticket, grants } => {
            let times = grants.iter().map(|grant| store.past().latest_time(grant));
            (ticket, WorkResult::LatestTimes(times.collect()))
        }
        Work::ReadAudit { ticket, .. } => (ticket, WorkResult::Audit(Vec::new())),
        Work::OfferExport { ticket, .. } => (ticket, WorkResult::Unavailable),
        Work::DrawToken { ticket } => {
            let mut token = [7; 16];
            token[..8].copy_from_slice(&tokens.to_le_bytes());
            (ticket, WorkResult::Drawn(token.into()))
        }
        Work::CatchUp { ticket } => (ticket, WorkResult::CaughtUp),
        Work::SeeConnection { ticket } => (ticket, WorkResult::Connection(Box::default())),
        Work::LookUpHost { ticket, .. } => (ticket, WorkResult::Host(None)),
    }
}

/// `1/4.17`: shard, slot, generation.
pub fn name_of(id: SessionId) -> String {
    format!("{}/{}.{}", id.shard, id.slot, id.generation)
}

fn briefly(effect: &Effect) -> String {
    let mut text = format!("{effect:?}");
    if text.len() > 300 {
        text.truncate(wire::truncate_at_char_boundary(&text, 300).len());
        text.push('…');
    }
    text
}
