//! One seed: some thousand steps of people, a server that fails and starts again, and the model beside it.

use crate::client::{Client, Page};
use crate::defect::Defect;
use crate::faulty_log::Faults;
use crate::invariants::{Ledger, lines_of};
use crate::random::Random;
use crate::reference::{Applied, Place, Reference};
use crate::shard::Sent;
use crate::transcript::Transcript;
use crate::workload::{PEOPLE, browser_login, peer, push_line};
use crate::world::{MOST_TURNS, Released, SHARDS, World, configuration, name_of};
use chat::command::Command;
use chat::device_login::LoginClaim;
use chat::event::What;
use chat::history::{Item, Kept};
use chat::hub::Gauges;
use chat::id::{ClientId, SessionId};
use chat::membership::Roles;
use chat::message::MessageState;
use chat::name::ChatroomName;
use chat::query::{Answer, Query};
use chat::refusal::{ListKind, Refusal};
use chat::settings::{AlwaysOn, Settings};
use session::Peer;
use session::facts::Limits;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Connections at a time.
const MOST_CONNECTIONS: usize = 14;
/// Browsers of one person that stay logged in at a time: fewer than there is room for devices.
const MOST_BROWSERS: usize = 3;
/// Bytes that a shard reads of a connection in a turn, when it reads little.
const SMALL_READ: usize = 40;
/// Steps between two rests, on average: at a rest everything is compared with the model.
const STEPS_BETWEEN_RESTS: u64 = 120;

/// What went wrong, and when.
#[derive(Debug)]
pub struct Violation {
    pub step: usize,
    pub what: String,
}

/// What happened, in numbers: whether the seeds reach what they are meant to reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reached {
    pub steps: usize,
    pub messages: usize,
    pub restarts: usize,
    pub failures: usize,
    pub rests: usize,
    pub lines: usize,
    pub pages: usize,
}

struct Simulation {
    random: Random,
    world: World,
    reference: Reference,
    ledger: Ledger,
    clients: BTreeMap<SessionId, Client>,
    faults: Faults,
    usernames: BTreeMap<ClientId, String>,
    /// What each one's browsers show, the last one last. The server may not know them.
    browsers: [Vec<LoginClaim>; PEOPLE.len()],
    reached: Reached,
    transcript: Transcript,
}

/// Plays a seed to its end. `defect`: what is wrong with the server on purpose. `step`: how far it has come.
pub fn run(
    seed: u64,
    steps: usize,
    defect: Option<Defect>,
    transcript: Transcript,
    step: &Cell<usize>,
) -> Result<Reached, Violation> {
    let mut simulation = Simulation::new(seed, defect, transcript);
    for at in 0..steps {
        step.set(at);
        simulation.step().map_err(|what| Violation { step: at, what })?;
    }
    step.set(steps);
    simulation.end().map_err(|what| Violation { step: steps, what })?;
    simulation.reached.steps = steps;
    simulation.reached.messages = simulation.world.store().messages();
    Ok(simulation.reached)
}

impl Simulation {
    fn new(seed: u64, defect: Option<Defect>, transcript: Transcript) -> Simulation {
        let mut random = Random::new(seed);
        let (mut configured, settings) = configuration();
        configured.limits = Limits { list_modes: 4, rooms_per_client: 5, ..configured.limits };
        let always_on = *random.one_of(&[
            AlwaysOn::Disabled,
            AlwaysOn::OptIn,
            AlwaysOn::OptIn,
            AlwaysOn::OptOut,
            AlwaysOn::Mandatory,
        ]);
        let settings = Settings {
            list_entries: 4,
            rooms_per_client: 5,
            recent_messages: 3,
            always_on,
            always_on_accounts: *random.one_of(&[2, 1_000]),
            ..settings
        };
        // Some seeds have a disk that never fails, some one that hardly works.
        let faults = *random.one_of(&[
            Faults::default(),
            Faults { dawdles: 700, ..Faults::default() },
            Faults { begins_to_fail: 10, recovers: 100, dawdles: 500 },
            Faults { begins_to_fail: 50, recovers: 50, dawdles: 200 },
        ]);
        let reference = Reference::new(&settings);
        let world = World::new(configured, settings, random.number(), transcript.clone(), defect);
        Simulation {
            random,
            world,
            reference,
            ledger: Ledger::default(),
            clients: BTreeMap::new(),
            faults,
            usernames: BTreeMap::new(),
            browsers: Default::default(),
            reached: Reached::default(),
            transcript,
        }
    }

    fn step(&mut self) -> Result<(), String> {
        let pause = self.random.below(50) as u64;
        self.pass(pause);
        let what = self.random.weighted(&[560, 40, 10, 6, 3, 1, 380, 20]);
        match what {
            0 => self.someone_speaks(),
            1 => self.someone_comes(),
            2 => self.someone_breaks_off(),
            3 => self.someone_quits(),
            4 => self.time_jumps(),
            5 => self.restart()?,
            7 => self.someone_is_at_the_page(),
            _ => {}
        }
        self.turns()?;
        if self.random.number().is_multiple_of(STEPS_BETWEEN_RESTS) {
            self.rest()?;
        }
        Ok(())
    }

    // ---- People

    fn someone_comes(&mut self) {
        if self.clients.len() >= MOST_CONNECTIONS {
            return;
        }
        let who = self.random.below(PEOPLE.len());
        let shard = self.random.below(SHARDS);
        let login = self.browsers[who].last().copied().filter(|_| self.random.happens(450));
        let id = self.world.open(shard, Peer { login, ..peer(who, &mut self.random) });
        let mut client = Client::new(id, who);
        client.dead = self.random.happens(20);
        let mut bytes = Vec::new();
        for line in client.introduce(&mut self.random) {
            push_line(&mut bytes, &line, &mut self.random);
        }
        self.clients.insert(id, client);
        self.transcript.note(format_args!("{} connects, {}", name_of(id), PEOPLE[who]));
        self.arrive(id, &bytes);
    }

    /// Someone logs in with a browser, or logs it out.
    fn someone_is_at_the_page(&mut self) {
        let who = self.random.below(PEOPLE.len());
        if self.browsers[who].len() >= MOST_BROWSERS || (!self.browsers[who].is_empty() && self.random.happens(300)) {
            let which = self.random.below(self.browsers[who].len());
            let claim = self.browsers[who].remove(which);
            self.transcript.note(format_args!("a browser of {} logs out", PEOPLE[who]));
            return self.world.visit(Command::EndLogin { claim });
        }
        let store = &self.world.log().store;
        let Some((account, proofs_since)) = store.proof_of(PEOPLE[who]) else { return };
        let device = Box::new(browser_login(who, self.random.number()));
        self.browsers[who].push(LoginClaim { account, secret: device.secret });
        self.transcript.note(format_args!("a browser of {} logs in", PEOPLE[who]));
        self.world.visit(Command::LogInDevice { account, counted: None, proofs_since, device });
    }

    fn someone_speaks(&mut self) {
        let Some(id) = self.someone(|client| client.registered && !client.leaving && !client.dead) else { return };
        let Some(client) = self.clients.get_mut(&id) else { return };
        let mut bytes = Vec::new();
        for _ in 0..=self.random.below(4) {
            client.speak(&mut self.random, &mut self.ledger, &mut bytes);
        }
        self.arrive(id, &bytes);
    }

    fn someone_breaks_off(&mut self) {
        let Some(id) = self.someone(|_| true) else { return };
        self.transcript.note(format_args!("{} breaks off", name_of(id)));
        self.clients.remove(&id);
        self.world.shard(id).break_off(id);
    }

    fn someone_quits(&mut self) {
        let Some(id) = self.someone(|client| !client.leaving) else { return };
        let mut bytes = Vec::new();
        if let Some(client) = self.clients.get_mut(&id) {
            client.quit(&mut self.random, &mut bytes);
        }
        self.arrive(id, &bytes);
    }

    fn someone(&mut self, is_meant: impl Fn(&Client) -> bool) -> Option<SessionId> {
        let all: Vec<SessionId> =
            self.clients.values().filter(|client| is_meant(client)).map(|client| client.id).collect();
        (!all.is_empty()).then(|| *self.random.one_of(&all))
    }

    fn arrive(&mut self, id: SessionId, bytes: &[u8]) {
        if self.transcript.is_on() {
            for line in String::from_utf8_lossy(bytes).lines() {
                self.transcript.note(format_args!("{} > {line}", name_of(id)));
            }
        }
        self.world.shard(id).arrive(id, bytes);
    }

    // ---- Time and fate

    fn pass(&mut self, ms: u64) {
        self.world.now.wall.0 += ms;
        self.world.now.monotonic_ms += ms;
    }

    fn time_jumps(&mut self) {
        let seconds = *self.random.one_of(&[1, 5, 29, 31, 60, 119, 121, 500]);
        self.transcript.note(format_args!("{seconds} seconds pass"));
        self.pass(seconds * 1000);
        if self.random.happens(200) {
            // Someone sets the clock of the machine.
            self.transcript.note(format_args!("the clock is put back by an hour"));
            self.world.now.wall.0 -= 3_600_000;
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        let flushed = self.random.happens(500);
        self.transcript.note(format_args!("the server dies; the last batch is flushed: {flushed}"));
        self.clients.clear();
        let released = self.world.restart(self.random.number(), flushed);
        self.released(released)?;
        let position = self.world.store().snapshot().position;
        self.reference.restart(position.0);
        self.world.ended.clear();
        self.reached.restarts += 1;
        self.ledger.check(self.world.store())
    }

    // ---- The server's turns

    fn turns(&mut self) -> Result<(), String> {
        for at in 0..SHARDS {
            if self.random.happens(700) {
                self.shard_turn(at, false)?;
            }
        }
        if self.random.happens(700) {
            self.world.pool_turn();
        }
        if self.random.happens(700) {
            let commit = self.random.happens(800);
            let released = self.world.hub_turn(commit);
            self.released(released)?;
        }
        if self.random.happens(800) {
            self.world.log_turn(&mut self.random, self.faults);
        }
        self.check_store()
    }

    fn check_store(&mut self) -> Result<(), String> {
        let read = self.world.wrong.clone();
        match self.world.store().wrong.clone().or(read) {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// `all`: whatever there is to do; else as much as chance wants.
    fn shard_turn(&mut self, at: usize, all: bool) -> Result<(), String> {
        let Simulation { random, world, clients, .. } = self;
        let effects = if all || random.happens(600) { usize::MAX } else { random.below(4) };
        let sent = world.shard_turn(at, effects, || match random.below(4) {
            _ if all => usize::MAX,
            0 => 0,
            1 => random.below(SMALL_READ),
            _ => usize::MAX,
        });
        for echo in world.shards[at].echoes.drain(..) {
            if let Some(client) = clients.get_mut(&echo.session).filter(|_| !echo.told) {
                client.expects_no_echo(&echo.to, echo.number);
            }
        }
        sent.into_iter().try_for_each(|sent| self.deliver(sent))
    }

    fn deliver(&mut self, sent: Sent) -> Result<(), String> {
        let name = name_of(sent.id);
        self.ledger.unnoted.extend(self.world.unnoted.drain(..).map(|id| id.0.to_string()));
        let lines = lines_of(&sent.bytes).map_err(|what| format!("{name}: {what}"))?;
        for line in lines {
            self.transcript.note(format_args!("{name} < {line}"));
            self.reached.lines += 1;
            let store = &self.world.log().store;
            let Some(client) = self.clients.get_mut(&sent.id) else { continue };
            client.receive(line, &mut self.ledger, store).map_err(|what| format!("{name} {what}: {line}"))?;
            if let Some(page) = client.finished.take() {
                self.reached.pages += 1;
                let read = self.world.next_page(sent.id).unwrap_or_default();
                check_page(&page, &read).map_err(|what| format!("{name} {what}: {line}"))?;
            }
        }
        if sent.closed {
            self.transcript.note(format_args!("{name} is closed"));
            self.clients.remove(&sent.id);
        }
        let Some(client) = self.clients.get_mut(&sent.id) else { return Ok(()) };
        let mut bytes = Vec::new();
        while let Some(line) = client.duties.pop_front() {
            push_line(&mut bytes, &line, &mut self.random);
        }
        if !bytes.is_empty() && !client.leaving {
            self.arrive(sent.id, &bytes);
        }
        Ok(())
    }

    /// What came of lines, beside what the model says that must come of them.
    fn released(&mut self, released: Vec<Released>) -> Result<(), String> {
        for released in released {
            let Released { asked, refusals, answers, events, failing, again } = released;
            self.reached.failures += usize::from(again);
            self.learn_usernames();
            let applied = Applied {
                session: asked.session,
                commands: &asked.commands,
                refusals: &refusals,
                answers: &answers,
                events: &events,
                closed: &self.world.ended,
                failing,
                again,
                at: asked.at.0,
                first_at: asked.first_at.0,
            };
            let usernames = &self.usernames;
            let consequences = self
                .reference
                .apply(&applied, |id| usernames.get(&id).cloned())
                .map_err(|what| format!("{} {what}", name_of(asked.session)))?;
            self.world.ended.retain(|id| self.reference.sessions.contains_key(id));
            for telling in consequences.tellings {
                if let Some(client) = self.clients.get_mut(&telling.session)
                    && self.world.is_open(telling.session)
                {
                    client.expects(&telling.to, telling.number, telling.own);
                }
            }
            for unsaid in consequences.unsaid {
                self.ledger.refused(unsaid.number, &unsaid.to)?;
            }
        }
        Ok(())
    }

    /// Which accounts there are: their ids are the hub's to choose.
    fn learn_usernames(&mut self) {
        let store = &self.world.log().store;
        if store.accounts() != self.usernames.len() {
            self.usernames = store.usernames().collect();
        }
    }

    // ---- Rest

    /// Nothing new happens until all that is under way has come to its end.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..MOST_TURNS {
            self.world.log().finish_batches();
            let released = self.world.hub_turn(true);
            self.released(released)?;
            // Before the shards, which send what comes of it.
            self.world.pool_turn();
            for at in 0..SHARDS {
                self.shard_turn(at, true)?;
            }
            if self.world.is_still() {
                return self.check_store();
            }
        }
        Err("the server never comes to rest".to_owned())
    }

    fn rest(&mut self) -> Result<(), String> {
        self.settle()?;
        self.reached.rests += 1;
        self.transcript.note(format_args!("---- at rest"));
        for client in self.clients.values() {
            let reads = !self.world.shards[client.id.shard as usize].has_unread(client.id);
            client.check_at_rest(reads).map_err(|what| format!("{} {what}", name_of(client.id)))?;
            if self.world.is_open(client.id) {
                self.check_view(client).map_err(|what| format!("{} {what}", name_of(client.id)))?;
            }
        }
        let (now, facts) = (self.world.now, self.world.facts.clone());
        if let Some(id) = self.world.shards.iter_mut().find_map(|shard| shard.stuck(now, &facts)) {
            return Err(format!("{} has lines that wait for nothing", name_of(id)));
        }
        self.check_places()?;
        self.check_changed()?;
        self.check_hub()
    }

    /// What was taken back is gone, and what was edited has another text, whatever became of the process meanwhile.
    fn check_changed(&mut self) -> Result<(), String> {
        for kept in self.world.store().past().kept() {
            let Kept::Said { message, state } = kept else { continue };
            let Some(said) = self.reference.said.get(&message.id) else { continue };
            let is_right = match said.state {
                MessageState::AsSaid => true,
                MessageState::Edited => match *state {
                    MessageState::AsSaid => false,
                    MessageState::Edited => said.text.as_deref() == Some(&*message.payload),
                    MessageState::Redacted => true,
                },
                MessageState::Redacted => *state == MessageState::Redacted && message.payload.is_empty(),
            };
            if !is_right {
                return Err(format!("{} must be {:?}, and the store has {message:?}", message.id, said.state));
            }
        }
        Ok(())
    }

    /// No session outlives its place: whoever the hub knows has an open connection, and each place belongs to one.
    fn check_places(&self) -> Result<(), String> {
        let mut places = BTreeMap::new();
        for id in self.reference.sessions.keys() {
            if !self.world.is_open(*id) {
                return Err(format!("{} has no connection and is known to the hub", name_of(*id)));
            }
            if let Some(other) = places.insert((id.shard, id.slot), id) {
                return Err(format!("{} and {} have one place", name_of(*id), name_of(*other)));
            }
        }
        Ok(())
    }

    /// What a client believes is so.
    fn check_view(&self, client: &Client) -> Result<(), String> {
        let place = self.reference.sessions.get(&client.id);
        let Some(Place::Present { who, .. }) = place else {
            return if client.registered { Err("was welcomed and is not here".to_owned()) } else { Ok(()) };
        };
        if !client.registered {
            return Err("is here and was not welcomed".to_owned());
        }
        let person = &self.reference.people[who];
        if client.nick != person.name {
            return Err(format!("believes to be {}, and is {}", client.nick, person.name));
        }
        let rooms = self.reference.rooms_of(*who);
        if !client.rooms.keys().eq(rooms.iter()) {
            return Err(format!("believes to be in {:?}, and is in {rooms:?}", client.rooms.keys()));
        }
        for (room, told) in &client.markers {
            let marker = self.reference.marker_of_room(*who, room);
            if *told != marker {
                return Err(format!("believes to have read {room} up to {told:?}, and has up to {marker:?}"));
            }
        }
        for (key, members) in &client.rooms {
            let there = self.reference.rooms[key].members.keys();
            let there: BTreeSet<String> = there.map(|who| self.reference.people[who].name.to_lowercase()).collect();
            if members.as_ref().is_some_and(|members| *members != there) {
                return Err(format!("believes that {members:?} are in {key}, and there are {there:?}"));
            }
        }
        Ok(())
    }

    /// The hub's state is the model's.
    fn check_hub(&mut self) -> Result<(), String> {
        let reference = &self.reference;
        let names: BTreeSet<String> = reference.people.values().map(|person| person.name.to_lowercase()).collect();
        let present = reference.sessions.values().filter(|place| matches!(place, Place::Present { .. }));
        let gauges = self.world.hub().gauges();
        let expected = Gauges {
            clients: names.len(),
            sessions: present.count(),
            rooms: reference.rooms.values().filter(|room| !room.is_group).count(),
            direct_rooms: gauges.direct_rooms,
            accounts: reference.accounts.len(),
            journal: 0,
        };
        if gauges != expected || names.len() != reference.people.len() {
            return Err(format!("the hub counts {gauges:?}, the model {expected:?} of {}", reference.people.len()));
        }
        for (key, room) in &self.reference.rooms {
            let name = ChatroomName::lookup(&room.name, &self.world.settings().name_rules);
            let answer = self.world.ask(Query::Members { room: name.clone() });
            if room.is_group {
                // Its members believe what is so ([`Simulation::check_view`]); nobody else learns of it.
                match answer {
                    Some(Answer::Refused(Refusal::NoSuchRoom { .. })) => continue,
                    other => return Err(format!("{key} is shown to the server's own: {other:?}")),
                }
            }
            let Some(Answer::Members(found)) = answer else {
                return Err(format!("{key} is not there"));
            };
            let row = |name: &str, roles: Roles| (name.to_owned(), roles.0);
            let found: BTreeSet<(String, u8)> =
                found.members.iter().map(|member| row(&member.person.name, member.roles)).collect();
            let members = room.members.iter();
            let expected: BTreeSet<(String, u8)> =
                members.map(|(who, roles)| row(&self.reference.people[who].name, *roles)).collect();
            if found != expected {
                return Err(format!("in {key} are {found:?}, and should be {expected:?}"));
            }
            let Some(Answer::RoomSettings(view)) = self.world.ask(Query::RoomSettings { room: name.clone() }) else {
                return Err(format!("{key} has no settings"));
            };
            let flags: BTreeSet<u16> = view.flags.iter().map(|flag| *flag as u16).collect();
            if flags != room.flags
                || view.key.as_deref() != room.key.as_deref()
                || (view.member_limit, view.slow_seconds, view.retention) != (room.limit, room.slow, room.retention)
                || view.forward.as_deref() != self.reference.forward_name(room)
            {
                return Err(format!("{key} has the settings {view:?}, and should have those of {room:?}"));
            }
            for list in [ListKind::Ban, ListKind::Exception, ListKind::Invitation] {
                let query = Query::RoomList { room: name.clone(), list };
                let Some(Answer::RoomList { entries, .. }) = self.world.ask(query) else {
                    return Err(format!("{key} has no list {list:?}"));
                };
                let expected = room.lists.iter().filter(|(of, ..)| *of == list).map(|(_, mask, _)| mask.as_str());
                if !entries.iter().map(|entry| entry.mask.as_str()).eq(expected) {
                    return Err(format!("{key} has the list {list:?} {entries:?}, the model {:?}", room.lists));
                }
            }
        }
        Ok(())
    }

    /// Everyone goes, by and by the last ones too: then nothing of anyone is left.
    fn end(&mut self) -> Result<(), String> {
        self.rest()?;
        while let Some(id) = self.someone(|_| true) {
            let says_goodbye = self.random.happens(500) && !self.clients[&id].leaving;
            if says_goodbye && !self.world.shards[id.shard as usize].has_unread(id) {
                let mut bytes = Vec::new();
                if let Some(client) = self.clients.get_mut(&id) {
                    client.quit(&mut self.random, &mut bytes);
                }
                self.arrive(id, &bytes);
                self.settle()?;
                if self.clients.contains_key(&id) && !self.world.shards[id.shard as usize].has_unread(id) {
                    return Err(format!("{} said QUIT and is still connected", name_of(id)));
                }
            }
            if self.clients.remove(&id).is_some() {
                self.world.shard(id).break_off(id);
            }
        }
        self.settle()?;
        // Twice the grace: the clock may have been put back since someone's connection broke.
        self.pass(2 * self.world.settings().grace_ms + 3_600_000 * 24);
        self.settle()?;
        self.check_hub()?;
        let gauges = self.world.hub().gauges();
        let staying = self.reference.staying();
        if (gauges.clients, gauges.sessions, gauges.journal) != (staying, 0, 0) {
            return Err(format!("all have left but {staying}, and the hub counts {gauges:?}"));
        }
        if let Some(shard) = self.world.shards.iter().position(|shard| !shard.is_empty()) {
            return Err(format!("all have left, and shard {shard} still has someone in a room"));
        }
        self.ledger.check(self.world.store())
    }
}

/// A client is shown what was read for it, all of it in its order.
fn check_page(page: &Page, read: &[Item]) -> Result<(), String> {
    // A redaction has no id that is shown, and a pin only for those who know pins.
    let is_exempt = |kept: &&Kept| match kept {
        Kept::Happened(event) => matches!(event.happening.what, What::Redacted { .. } | What::Pinned { .. }),
        Kept::Said { .. } => false,
    };
    let kept = || read.iter().map(|item| &item.kept);
    let exempt: BTreeSet<String> = kept().filter(is_exempt).map(|kept| kept.id().0.to_string()).collect();
    let ids: Vec<String> = kept().filter(|kept| !is_exempt(kept)).map(|kept| kept.id().0.to_string()).collect();
    let shown: Vec<&String> = page.ids.iter().filter(|id| !exempt.contains(*id)).collect();
    // Who knows no tags sees no ids.
    let is_right = if page.ids.is_empty() { page.lines >= ids.len() } else { shown.into_iter().eq(&ids) };
    if is_right { Ok(()) } else { Err(format!("is shown {page:?}, and {ids:?} was read for it")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect;

    fn play(seed: u64, steps: usize, defect: Option<Defect>) -> Result<Reached, Violation> {
        run(seed, steps, defect, Transcript::off(), &Cell::new(0))
    }

    #[test]
    fn a_sound_server_passes_and_all_is_reached() {
        let mut restarts = 0;
        let mut taken_back = 0;
        for seed in 1..=12 {
            let reached = play(seed, 800, None).unwrap_or_else(|violation| panic!("seed {seed}: {violation:?}"));
            assert!(reached.messages > 0 && reached.rests > 0, "seed {seed} reaches little: {reached:?}");
            restarts += reached.restarts;
            taken_back += reached.failures;
        }
        assert!(restarts > 0 && taken_back > 0, "{restarts} restarts, {taken_back} commands taken back");
    }

    #[test]
    fn a_seed_goes_the_same_way_each_time() {
        let lines = || {
            let transcript = Transcript::of(100_000, false);
            let played = run(7, 500, None, transcript.clone(), &Cell::new(0));
            assert!(played.is_ok(), "{played:?}");
            transcript.kept()
        };
        assert!(lines() == lines(), "something is not bound to the seed");
    }

    /// What would be overlooked here would be overlooked in the production code as well.
    #[test]
    fn a_server_that_promises_too_much_is_found_out() {
        for defect in defect::ALL {
            let is_found = (1..=200).any(|seed| play(seed, 1500, Some(defect)).is_err());
            assert!(is_found, "{defect:?} is overlooked");
        }
    }
}
