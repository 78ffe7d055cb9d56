//! The line tool: input lines are posted, what happens is printed. One loop owns everything; the threads of input, link
//! and signals only tell it what came.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client_core::rooms::Presence;
use client_core::{
    Change, Connection, LinkSecurity, LinkState, Login, MessageKind, Moment, Password, Timestamp, Typed, slash_command,
};
use jiff::tz::TimeZone;

use crate::capture::Capture;
use crate::exit_code::Exit;
use crate::input::{self, InputEvent};
use crate::json_lines;
use crate::known_servers::KnownServers;
use crate::line_editor::KeyOutcome;
use crate::link_failure::{LinkFailure, other_protocol};
use crate::network::{Link, NetworkEvent};
use crate::plain_text::{self, Circumstances, PlainText, Stream};
use crate::plan::{PasswordFrom, Plan, random};
use crate::remembered_servers::{self, Remembered};
use crate::screen::Screen;
use crate::signals;

/// Events that wait for the loop; a thread that has one more waits.
const MOST_EVENTS: usize = 256;
/// Piped lines under way at once; further ones are left in the pipe.
const MOST_PIPED: usize = 64;
/// A wrong password is asked for again so many times; then the program ends. Servers take few attempts a minute.
const MOST_REPEATS: usize = 3;

/// Everything that can wake the loop.
#[derive(Debug)]
enum Event {
    /// With the number of the link, since a link that was given up may still talk.
    Network(u64, NetworkEvent),
    Input(InputEvent),
    Signal,
}

/// Plays the whole conversation.
pub fn run(plan: Plan, capture: Option<Arc<Capture>>) -> Exit {
    match LineMode::new(plan, capture) {
        Ok((mut line_mode, events)) => line_mode.run(&events),
        Err(error) => {
            eprintln!("This machine cannot run the program just now ({error}); close other programs and try again.");
            Exit::NoConnection
        }
    }
}

struct LineMode {
    plan: Plan,
    connection: Connection,
    screen: Screen,
    plain_text: PlainText,
    known_servers: Arc<KnownServers>,
    capture: Option<Arc<Capture>>,
    started: Instant,
    events: SyncSender<Event>,
    link: Option<Link>,
    link_number: u64,
    link_opened: Instant,
    /// Bytes have come on this link.
    heard: bool,
    /// The room that one talks in.
    present: Option<String>,
    /// Rooms asked for with /join: one talks in them when they let one in.
    followed: BTreeSet<String>,
    /// Rooms whose first list of names is the server's own idea, which only a person wants to read.
    names_expected: BTreeSet<String>,
    /// Rooms that one was in when the link dropped, with their topics: coming back to them is no news.
    returning: BTreeMap<String, Option<String>>,
    /// What went wrong last, since the link was up: said once, however often it is tried.
    last_failure: Option<String>,
    /// Piped lines that wait for the link and for the rooms asked for, so that every line, a command too, is carried
    /// out where it would be if a person had typed it. At most as many as there are permits.
    held: VecDeque<String>,
    permits: Option<SyncSender<()>>,
    permits_owed: usize,
    input_ended: bool,
    ever_joined: bool,
    /// When something last moved for those that wait for it to end.
    last_progress: Instant,
    /// Something was refused or may be lost: a script has to know.
    exit: Exit,
    /// The password was wrong; it is asked for again when the link has ended.
    password_wrong: bool,
    /// How often it was asked for again.
    repeats: usize,
    done: bool,
}

impl LineMode {
    fn new(plan: Plan, capture: Option<Arc<Capture>>) -> io::Result<(LineMode, Receiver<Event>)> {
        let (events, received) = mpsc::sync_channel(MOST_EVENTS);
        let report = |events: &SyncSender<Event>| {
            let events = events.clone();
            // The loop is gone when the program ends; nobody is left to tell.
            move |event: Event| drop(events.send(event))
        };
        let signalled = report(&events);
        signals::watch(move || signalled(Event::Signal), || drop(crossterm::terminal::disable_raw_mode()))?;
        let came_in = report(&events);
        let mut permits = None;
        let screen = if plan.interactive {
            let screen = Screen::of_terminal()?;
            input::read_keys(move |event| came_in(Event::Input(event)))?;
            screen
        } else {
            if plan.send.is_none() {
                let (grant, granted) = mpsc::sync_channel(MOST_PIPED);
                input::read_lines(granted, move |event| came_in(Event::Input(event)))?;
                permits = Some(grant);
            }
            Screen::of_streams()
        };
        let colours = plan.interactive
            && io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let now = Instant::now();
        let line_mode = LineMode {
            connection: Connection::new(plan.settings.clone()),
            plain_text: PlainText { colours, zone: TimeZone::system(), interactive: plan.interactive },
            present: plan.settings.rooms.first().cloned(),
            known_servers: Arc::new(KnownServers::open()),
            capture,
            screen,
            started: now,
            events,
            link: None,
            link_number: 0,
            link_opened: now,
            heard: false,
            followed: BTreeSet::new(),
            names_expected: BTreeSet::new(),
            returning: BTreeMap::new(),
            last_failure: None,
            held: VecDeque::new(),
            permits,
            permits_owed: MOST_PIPED,
            input_ended: plan.send.is_some(),
            ever_joined: false,
            last_progress: now,
            exit: Exit::Fine,
            password_wrong: false,
            repeats: 0,
            done: false,
            plan,
        };
        Ok((line_mode, received))
    }

    fn run(&mut self, events: &Receiver<Event>) -> Exit {
        if let Some(text) = self.plan.send.clone() {
            for room in self.plan.settings.rooms.clone() {
                let now = self.moment();
                if self.connection.post_together(now, &room, &text, MessageKind::Text).is_err() {
                    self.fail(Exit::Usage, Some("The text has too many lines; send it in parts."));
                }
            }
        }
        self.open_link();
        self.settle();
        while !self.done {
            let wait = self.next_wake().saturating_duration_since(Instant::now());
            match events.recv_timeout(wait) {
                Ok(event) => {
                    self.receive(event);
                    // What came meanwhile is shown in one go.
                    while !self.done
                        && let Ok(event) = events.try_recv()
                    {
                        self.receive(event);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // This loop holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.watch_time();
            self.settle();
        }
        self.finish()
    }

    fn receive(&mut self, event: Event) {
        match event {
            Event::Network(number, event) if number == self.link_number => self.network(event),
            Event::Network(..) => {}
            Event::Input(event) => self.input(event),
            Event::Signal => self.quit(None),
        }
    }

    fn network(&mut self, event: NetworkEvent) {
        let now = self.moment();
        match event {
            NetworkEvent::Step(_) => {}
            NetworkEvent::Connected { address, notes, .. } => {
                for note in notes {
                    self.remark(&note);
                }
                let security = match (self.plan.target.tls, address.ip().is_loopback()) {
                    (true, _) => LinkSecurity::Encrypted,
                    (false, true) => LinkSecurity::Loopback,
                    (false, false) => LinkSecurity::Open,
                };
                match random() {
                    Ok(nonce) => {
                        let changes = self.connection.link_up(now, security, nonce);
                        self.show(changes);
                    }
                    Err(sentence) => self.fail(Exit::NoConnection, Some(&sentence)),
                }
            }
            NetworkEvent::Received(bytes) => {
                if !self.heard
                    && let Some(sentence) = other_protocol(&self.plan.target, &bytes)
                {
                    self.give_up_or_retry(Some(&sentence));
                    return;
                }
                self.heard = true;
                let changes = self.connection.receive(now, &bytes);
                self.show(changes);
            }
            NetworkEvent::Ended(failure) => self.link_ended(failure),
        }
    }

    fn link_ended(&mut self, failure: LinkFailure) {
        let changed = matches!(failure, LinkFailure::CertificateRefused { .. });
        let mut sentence = failure.to_string();
        if !self.heard && !self.plan.target.tls && matches!(failure, LinkFailure::Dropped { .. }) {
            sentence = format!(
                "The server at {} hung up without a word; if that is a port for encrypted links, use --tls.",
                self.plan.target
            );
        }
        if self.connection.state() == LinkState::Closing {
            self.lose_link();
        } else if changed {
            self.fail(Exit::CertificateChanged, Some(&sentence));
        } else {
            self.give_up_or_retry(Some(&sentence));
        }
    }

    /// The link is gone or useless; the sentence says why, unless that has been said. A first link that comes to
    /// nothing ends the program, and so does any with --send.
    fn give_up_or_retry(&mut self, sentence: Option<&str>) {
        if !self.ever_joined {
            self.fail(Exit::NoConnection, sentence);
            return;
        }
        self.lose_link();
        if self.plan.send.is_some() {
            self.fail(Exit::NotPosted, sentence);
            return;
        }
        let retry_in = match self.connection.state() {
            LinkState::Down { retry_at } => retry_at.saturating_sub(self.started.elapsed()),
            _ => Duration::ZERO,
        };
        if self.plan.json {
            let line = json_lines::link_ended(sentence, Some(retry_in.as_secs_f64()));
            self.print(Stream::Output, &line);
            return;
        }
        let before = self.last_failure.replace(sentence.unwrap_or_default().to_owned());
        if before.as_deref() != sentence
            && let Some(sentence) = sentence
        {
            self.alarm(sentence);
        }
        if before.is_none() {
            self.remark("Trying again until it answers; what you type is sent then.");
        }
    }

    fn lose_link(&mut self) {
        let rooms = self.connection.rooms();
        let joined = rooms.iter().filter(|room| room.presence == Presence::Joined);
        self.returning.extend(joined.map(|room| (room.name.to_string(), room.topic.clone())));
        self.link = None;
        // Whatever the old link still says is not heard any more.
        self.link_number += 1;
        let chance = random::<4>().map_or(u32::MAX / 2, u32::from_ne_bytes);
        let changes = self.connection.link_down(self.moment(), chance);
        self.show(changes);
    }

    fn open_link(&mut self) {
        self.link_number += 1;
        self.link_opened = Instant::now();
        self.heard = false;
        let (number, events) = (self.link_number, self.events.clone());
        let report = move |event| drop(events.send(Event::Network(number, event)));
        let (target, known_servers) = (self.plan.target.clone(), Arc::clone(&self.known_servers));
        match Link::open(target, known_servers, self.capture.clone(), self.plan.timeout, report) {
            Ok(link) => self.link = Some(link),
            Err(error) => self.link_ended(LinkFailure::System { why: error.to_string() }),
        }
    }

    fn input(&mut self, event: InputEvent) {
        match event {
            InputEvent::Line(line) => self.held.push_back(line),
            InputEvent::Key(key) => match self.screen.key(key) {
                Ok(KeyOutcome::Entered(line)) if self.screen.asks_secret() => self.password_typed(line),
                Ok(KeyOutcome::Entered(line)) => self.typed(&line),
                Ok(KeyOutcome::Interrupted) => self.quit(None),
                Ok(KeyOutcome::InputEnded) => self.end_input(),
                Ok(KeyOutcome::Complete(beginning)) => self.complete(&beginning),
                Ok(KeyOutcome::Edited | KeyOutcome::ClearScreen | KeyOutcome::Nothing) => {}
                Err(_) => self.output_lost(),
            },
            InputEvent::Resized { columns } => self.screen.resized(columns),
            InputEvent::Ended(sentence) => {
                if let Some(sentence) = sentence {
                    self.exit = Exit::NotPosted;
                    self.alarm(&sentence);
                }
                self.end_input();
            }
        }
    }

    fn end_input(&mut self) {
        self.input_ended = true;
        self.last_progress = Instant::now();
        if self.screen.asks_secret() {
            self.quit(None);
        }
    }

    /// The link has ended over a wrong password: the person may type another one, below what has been said.
    fn ask_password_again(&mut self) {
        self.password_wrong = false;
        self.repeats += 1;
        self.link = None;
        // Whatever the old link still says is not heard any more.
        self.link_number += 1;
        self.screen.ask_secret();
    }

    /// The password again; nothing: as a guest, as with the first question.
    fn password_typed(&mut self, typed: String) {
        self.screen.secret_typed();
        self.exit = Exit::Fine;
        let password = Password::new(typed);
        let login = if password.is_empty() { Login::Guest } else { Login::Account { password } };
        let now = self.moment();
        let changes = self.connection.log_in_again(now, login);
        self.show(changes);
    }

    fn typed(&mut self, line: &str) {
        let typed = match slash_command::parse(line) {
            Ok(typed) => typed,
            Err(sentence) => return self.show(vec![Change::Refused { sentence }]),
        };
        match &typed {
            Typed::Quit(reason) => {
                // As with `exit` in a shell's script: what stands behind it was not meant to be said.
                self.held.clear();
                return self.quit(reason.as_deref());
            }
            Typed::Help => {
                for help in slash_command::COMMANDS {
                    self.remark(&format!("{:<28} {}", help.usage, help.about));
                }
                return;
            }
            Typed::Join { rooms, .. } => {
                self.followed.extend(rooms.iter().cloned());
                // One that we are in already lets us in no second time.
                if let Some(room) = rooms.iter().find_map(|room| self.connection.rooms().find(room)) {
                    self.present = Some(room.name.to_string());
                }
            }
            Typed::Names(room) => {
                let room = room.clone().or_else(|| self.present.clone());
                self.names_expected.retain(|expected| Some(expected) != room.as_ref());
            }
            _ => {}
        }
        let now = self.moment();
        let changes = self.connection.carry_out(now, typed, self.present.as_deref());
        self.show(changes);
    }

    fn complete(&mut self, beginning: &str) {
        let Some(room) = self.present.as_ref().and_then(|room| self.connection.rooms().find(room)) else {
            return;
        };
        let wanted = beginning.to_lowercase();
        let name = room
            .members()
            .map(|member| member.name.clone())
            .find(|name| !wanted.is_empty() && name.to_lowercase().starts_with(&wanted));
        if let Some(name) = name {
            self.screen.complete(&name);
        }
    }

    /// The person, or a signal, wants to leave. Asked twice: without goodbyes.
    fn quit(&mut self, reason: Option<&str>) {
        let connecting = !matches!(self.connection.state(), LinkState::Joined);
        if connecting {
            self.done = true;
            return;
        }
        let now = self.moment();
        let changes = self.connection.quit(now, reason);
        self.show(changes);
    }

    fn show(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.take_in(&change);
            let line = if self.plan.json {
                Some((Stream::Output, json_lines::line(&change)))
            } else if self.is_unasked(&change) {
                None
            } else {
                let several_rooms = self.connection.rooms().iter().count() > 1;
                let now = wall_clock();
                self.plain_text.line(&change, Circumstances { now, several_rooms })
            };
            if let Some((stream, line)) = line {
                self.print(stream, &line);
            }
            if let Change::LinkDead { .. } = &change {
                self.give_up_or_retry(None);
            }
        }
    }

    /// What a change means for this program, beyond being shown.
    fn take_in(&mut self, change: &Change) {
        match change {
            Change::Welcome { name, .. } => self.welcomed(name),
            Change::Joined { place, own: true, .. } => {
                self.last_progress = Instant::now();
                self.names_expected.insert(place.room_name.to_string());
                if self.present.is_none() || self.stop_following(&place.room_name) {
                    self.present = Some(place.room_name.to_string());
                }
            }
            Change::Left { place, own: true, .. } | Change::Kicked { place, own: true, .. } => {
                self.absent_from(&place.room_name)
            }
            Change::JoinRefused { room_name, .. } => {
                self.refused();
                self.stop_following(room_name);
                self.absent_from(room_name);
            }
            Change::PostAccepted { .. } => self.last_progress = Instant::now(),
            Change::PostRefused { .. } | Change::PostUnknown { .. } => {
                self.last_progress = Instant::now();
                self.refused();
            }
            Change::Refused { .. } => self.refused(),
            Change::LoginRefused { wrong_password, .. } => {
                self.exit = Exit::LoginRefused;
                let asked = self.plan.interactive && self.plan.password_from == PasswordFrom::Person;
                self.password_wrong = *wrong_password && asked && self.repeats < MOST_REPEATS;
            }
            Change::Closed { .. } if self.password_wrong && !self.input_ended => self.ask_password_again(),
            Change::Closed { .. } => self.done = true,
            _ => {}
        }
    }

    fn welcomed(&mut self, name: &str) {
        let wanted = self.plan.settings.name.clone();
        self.last_progress = Instant::now();
        let back = if self.last_failure.take().is_some() { "back " } else { "" };
        let standing = match (self.connection.account(), name == wanted.as_str()) {
            (Some(account), _) => format!("logged in as {account}"),
            (None, true) => format!("as {name}, a guest"),
            (None, false) => format!("as {name}, a guest, since the name {wanted} is taken"),
        };
        if !self.plan.json {
            self.remark(&format!("You are {back}on {}, {standing}.", self.plan.target));
        }
        if !self.ever_joined && self.plan.send.is_none() {
            let is_guest = self.connection.account().is_none();
            let rooms = self.plan.settings.rooms.clone();
            let remembered = Remembered::new(&self.plan.target, wanted, is_guest, rooms, false);
            if let Err(sentence) = remembered_servers::remember(remembered) {
                self.alarm(&sentence);
            }
        }
        self.ever_joined = true;
        self.repeats = 0;
    }

    /// Whether that room was asked for to talk in.
    fn stop_following(&mut self, room: &str) -> bool {
        let rooms = self.connection.rooms();
        let before = self.followed.len();
        self.followed.retain(|followed| !rooms.same(followed, room));
        self.followed.len() < before
    }

    /// One is not in that room any more. A person goes on in another; a script's lines must not end up elsewhere.
    fn absent_from(&mut self, room: &str) {
        let is_present = self.present.as_ref().is_some_and(|present| self.connection.rooms().same(present, room));
        if is_present {
            let next = self.connection.rooms().iter().next().map(|room| room.name.to_string());
            self.present = if self.plan.interactive { next } else { None };
        }
    }

    /// A person has seen the sentence; a script sees the exit code.
    fn refused(&mut self) {
        if !self.plan.interactive && self.exit == Exit::Fine {
            self.exit = Exit::NotPosted;
        }
    }

    fn is_unasked(&mut self, change: &Change) -> bool {
        // Whoever posts one message wants to know what becomes of that.
        let about_rooms = matches!(
            change,
            Change::Joined { .. } | Change::TopicIs { .. } | Change::Members { .. } | Change::ModesChanged { .. }
        );
        if about_rooms && self.plan.send.is_some() {
            return true;
        }
        match change {
            Change::Joined { place, own: true, .. } => self.returning.contains_key(place.room_name.as_str()),
            Change::TopicIs { place, topic } => {
                let before = self.returning.get(place.room_name.as_str());
                before.is_some_and(|before| before.as_ref() == Some(topic))
            }
            // Ranks that the server gives back.
            Change::ModesChanged { target, by, .. } => {
                by.name.contains('.') && self.returning.contains_key(target.as_str())
            }
            Change::Members { room_name, .. } => {
                let is_return = self.returning.remove(room_name.as_str()).is_some();
                let is_expected = self.names_expected.remove(room_name.as_str());
                is_return || (is_expected && !self.plan.interactive)
            }
            // Servers talk while they let one in; a pipe has no use for that.
            Change::Notice { .. } => !self.plan.interactive && self.connection.state() != LinkState::Joined,
            _ => false,
        }
    }

    /// What becomes due without anything having come.
    fn watch_time(&mut self) {
        if self.done {
            return;
        }
        let now = self.moment();
        let changes = self.connection.tick(now);
        self.show(changes);
        if self.done {
            return;
        }
        if let LinkState::Down { retry_at } = self.connection.state() {
            match self.link {
                // The link ends by itself in time; a machine that is too busy even for that is not waited for.
                Some(_) if self.link_opened.elapsed() >= self.plan.timeout + Duration::from_secs(1) => {
                    self.link_ended(LinkFailure::TookTooLong { target: self.plan.target.to_string() });
                }
                None if now.since_start >= retry_at => self.open_link(),
                _ => {}
            }
        }
        if self.is_draining() && self.last_progress.elapsed() >= self.plan.timeout {
            let waiting = self.connection.outbox().len() + self.held.len();
            let sentence = match waiting {
                0 => "The server let us into no room in time; try again later.".to_owned(),
                1 => format!(
                    "The server has not acknowledged a message within {} seconds; it may or may not have been posted.",
                    self.plan.timeout.as_secs()
                ),
                _ => format!(
                    "The server has not acknowledged {waiting} messages within {} seconds; they may or may not have been posted.",
                    self.plan.timeout.as_secs()
                ),
            };
            self.exit = Exit::NotPosted;
            self.alarm(&sentence);
            self.connection.give_up();
            self.quit(None);
        }
    }

    /// Nothing more will be typed, and what was typed is still under way.
    fn is_draining(&self) -> bool {
        self.input_ended && self.ever_joined && self.connection.state() != LinkState::Closing && !self.done
    }

    fn next_wake(&self) -> Instant {
        let at = |since_start: Duration| self.started + since_start;
        let mut wake = Instant::now() + Duration::from_secs(60);
        if let Some(deadline) = self.connection.next_deadline() {
            wake = wake.min(at(deadline));
        }
        if let LinkState::Down { retry_at } = self.connection.state() {
            wake = wake.min(match self.link {
                Some(_) => self.link_opened + self.plan.timeout + Duration::from_secs(1),
                None => at(retry_at.min(Duration::from_secs(86_400) + self.started.elapsed())),
            });
        }
        if self.is_draining() {
            wake = wake.min(self.last_progress + self.plan.timeout);
        }
        wake
    }

    /// After every event: bytes to the link, permits to the pipe, the screen up to date, the end when it has come.
    fn settle(&mut self) {
        self.release_held();
        let down = self.ever_joined && matches!(self.connection.state(), LinkState::Down { .. });
        if self.input_ended
            && !self.done
            && self.held.is_empty()
            && self.connection.outbox().is_empty()
            && (down || self.connection.rooms_settled())
        {
            self.quit(None);
        }
        if let Some(permits) = &self.permits {
            // Each try is one line more; the channel holds as many as may be under way.
            while self.permits_owed > 0 && self.connection.outbox().len() < MOST_PIPED && permits.try_send(()).is_ok() {
                self.permits_owed -= 1;
            }
        }
        let room = self.present.as_deref().unwrap_or("(no room)");
        let prompt = match plain_text::state_word(self.connection.state()) {
            _ if self.screen.asks_secret() => {
                format!("Password for {} (empty: come as a guest): ", self.plan.settings.name)
            }
            Some(word) => match self.connection.outbox().len() {
                0 => format!("{room} ({word})> "),
                waiting => format!("{room} ({word}, {waiting} waiting)> "),
            },
            None => format!("{room}> "),
        };
        self.screen.change_prompt(&crate::printable::printable(&prompt));
        if self.screen.flush().is_err() {
            self.output_lost();
        }
        self.send_output();
    }

    /// Carries out piped lines, up to one that asks for a room: those behind it wait until the server has answered.
    fn release_held(&mut self) {
        while !self.done && self.connection.rooms_settled() {
            let Some(line) = self.held.pop_front() else { return };
            self.permits_owed += 1;
            self.last_progress = Instant::now();
            self.typed(&line);
        }
    }

    fn send_output(&mut self) {
        let output = self.connection.take_output();
        if !output.is_empty()
            && let Some(link) = &self.link
        {
            link.send(output);
        }
    }

    /// Nobody reads what we print (`chat_client … | head`): there is nothing left to do here.
    fn output_lost(&mut self) {
        self.screen.discard_output();
        self.input_ended = true;
        self.quit(None);
    }

    fn finish(&mut self) -> Exit {
        // The goodbye itself may still have to go out.
        self.send_output();
        let left = self.connection.give_up();
        if !left.is_empty() && self.exit == Exit::Fine {
            self.exit = Exit::NotPosted;
            for post in left {
                self.alarm(&format!("Not acknowledged by the server: \"{}\".", post.payload));
            }
        }
        if !self.held.is_empty() {
            self.exit = if self.exit == Exit::Fine { Exit::NotPosted } else { self.exit };
            self.alarm(&format!("Lines of the input that were not posted: {}.", self.held.len()));
        }
        // Whoever reads it has gone, or sees it.
        let _ = self.screen.flush();
        self.exit
    }

    /// The end, and why, unless that has been said.
    fn fail(&mut self, exit: Exit, sentence: Option<&str>) {
        if self.plan.json {
            let line = json_lines::link_ended(sentence, None);
            self.print(Stream::Output, &line);
        }
        if let Some(sentence) = sentence {
            self.alarm(sentence);
        }
        self.exit = exit;
        self.done = true;
    }

    fn print(&mut self, stream: Stream, line: &str) {
        if self.screen.print(stream, line).is_err() && stream == Stream::Output && !self.done {
            self.output_lost();
        }
    }

    fn remark(&mut self, sentence: &str) {
        if self.plan.json {
            self.print(Stream::Output, &json_lines::remark(sentence));
        } else {
            let line = self.plain_text.remark(sentence, wall_clock());
            self.print(Stream::Complaint, &line);
        }
    }

    fn alarm(&mut self, sentence: &str) {
        let line = self.plain_text.alarm(sentence, wall_clock());
        self.print(Stream::Complaint, &line);
    }

    fn moment(&self) -> Moment {
        Moment { since_start: self.started.elapsed(), wall: wall_clock() }
    }
}

fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
