//! The full screen: the terminal, the link's thread and the clock around an [`App`], which decides what is seen.

mod app;
mod composer;
mod draw;
mod emoji;
mod flow;
mod fuzzy;
mod keys;
mod look;
mod timeline;
mod wire_view;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use client_core::{Change, Connection, LinkSecurity, LinkState, Login, Moment, Password, Timestamp};
use crossterm::event as terminal_event;
use crossterm::execute;
use jiff::tz::TimeZone;
use ratatui::DefaultTerminal;

use crate::exit_code::Exit;
use crate::kept_conversations;
use crate::kept_outbox::KeptOutbox;
use crate::kept_passwords;
use crate::known_servers::KnownServers;
use crate::network::{Link, LinkFailure, NetworkEvent};
use crate::plan::{Plan, random};
use crate::preferences::Preferences;
use crate::remembered_servers::{self, Remembered};
use crate::signals;
use app::{App, SERVER};
use look::Look;
use wire_view::LinkFacts;

/// Events that wait for the loop; a thread that has one more waits.
const MOST_EVENTS: usize = 256;
/// What came meanwhile is drawn at once, but no later than after so many events.
const MOST_AT_ONCE: usize = 512;
/// A text that is put into the clipboard through the terminal is not longer: some drop what is.
const MOST_COPIED: usize = 70_000;

/// Conversations are put on disk so often.
const KEEP_AGAIN: Duration = Duration::from_secs(60);

/// Everything that can wake the loop.
#[derive(Debug)]
enum Event {
    /// With the number of the link, since a link that was given up may still talk.
    Network(u64, NetworkEvent),
    Terminal(terminal_event::Event),
    TerminalLost,
    Signal,
}

/// Plays the whole conversation on the whole screen.
pub fn run(plan: Plan, preferences: Preferences) -> Exit {
    let (events, received) = mpsc::sync_channel(MOST_EVENTS);
    let told = events.clone();
    let started = signals::watch(move || drop(told.send(Event::Signal))).and_then(|()| ratatui::try_init());
    let terminal = match started {
        Ok(terminal) => terminal,
        Err(error) => {
            eprintln!("The screen cannot be used ({error}); use --lines, or another terminal.");
            return Exit::Usage;
        }
    };
    let exit = match FullScreen::new(plan, preferences, terminal, events) {
        Ok(mut full_screen) => full_screen.run(&received),
        Err(error) => {
            restore();
            eprintln!("This machine cannot run the program just now ({error}); close other programs and try again.");
            return Exit::NoConnection;
        }
    };
    restore();
    exit
}

fn restore() {
    let _ = execute!(
        io::stdout(),
        terminal_event::DisableMouseCapture,
        terminal_event::DisableBracketedPaste,
        terminal_event::DisableFocusChange
    );
    ratatui::restore();
}

struct FullScreen {
    plan: Plan,
    app: App,
    terminal: DefaultTerminal,
    known_servers: Arc<KnownServers>,
    events: SyncSender<Event>,
    started: Instant,
    link: Option<Link>,
    link_number: u64,
    link_opened: Instant,
    remembered: bool,
    mouse: bool,
    preferences: Preferences,
    kept_outbox: Option<KeptOutbox>,
    /// The revision of the outbox that is on disk.
    kept_revision: u64,
    /// When the conversations were put on disk last.
    conversations_kept: Duration,
}

impl FullScreen {
    fn new(
        plan: Plan,
        preferences: Preferences,
        terminal: DefaultTerminal,
        events: SyncSender<Event>,
    ) -> io::Result<FullScreen> {
        execute!(io::stdout(), terminal_event::EnableBracketedPaste, terminal_event::EnableFocusChange)?;
        let keys = events.clone();
        let read = move || {
            while let Ok(event) = terminal_event::read() {
                if keys.send(Event::Terminal(event)).is_err() {
                    return;
                }
            }
            let _ = keys.send(Event::TerminalLost);
        };
        thread::Builder::new().name("keys".to_owned()).spawn(read)?;
        let started = Instant::now();
        let now = Moment { since_start: Duration::ZERO, wall: wall_clock() };
        let mut connection = Connection::new(plan.settings.clone());
        let mut complaint = None;
        let kept_outbox = KeptOutbox::open(&plan.target.to_string(), &plan.settings.name);
        let kept_outbox = kept_outbox.unwrap_or_else(|sentence| {
            complaint = Some(sentence);
            None
        });
        // What cannot be read is left as it is, and nothing is written over it.
        let kept_outbox = kept_outbox.filter(|kept| match kept.read(now.wall) {
            Ok(posts) => {
                connection.restore_posts(now, posts);
                true
            }
            Err(sentence) => {
                complaint = Some(sentence);
                false
            }
        });
        let kept_revision = connection.outbox().revision();
        let mut app =
            App::new(connection, plan.target.to_string(), TimeZone::system(), Look::preferred(preferences.theme), now);
        app.mouse = preferences.mouse;
        app.hint = complaint;
        // Shown until the server tells the end.
        app.conversations.restore(kept_conversations::read(&plan.target.to_string(), &plan.settings.name));
        Ok(FullScreen {
            plan,
            app,
            terminal,
            known_servers: Arc::new(KnownServers::open()),
            events,
            started,
            link: None,
            link_number: 0,
            link_opened: started,
            remembered: false,
            // Taken with the first picture, if it is wanted.
            mouse: false,
            preferences,
            kept_outbox,
            kept_revision,
            conversations_kept: Duration::ZERO,
        })
    }

    fn run(&mut self, events: &Receiver<Event>) -> Exit {
        loop {
            self.tick();
            self.settle();
            if self.app.done {
                break;
            }
            if self.terminal.draw(|frame| self.app.draw(frame)).is_err() {
                return Exit::NoConnection;
            }
            let wait = self.next_wake().saturating_duration_since(Instant::now());
            match events.recv_timeout(wait) {
                Ok(event) => {
                    self.receive(event);
                    for _ in 0..MOST_AT_ONCE {
                        let Ok(event) = events.try_recv() else { break };
                        self.receive(event);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // This loop holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.keep_conversations();
        self.send_output();
        Exit::Fine
    }

    fn receive(&mut self, event: Event) {
        self.app.now = self.moment();
        match event {
            Event::Network(number, event) if number == self.link_number => self.network(event),
            Event::Network(..) => {}
            Event::Terminal(event) => match event {
                terminal_event::Event::Key(key) => {
                    let redraw = key.code == terminal_event::KeyCode::Char('l')
                        && key.modifiers.contains(terminal_event::KeyModifiers::CONTROL);
                    if redraw {
                        let _ = self.terminal.clear();
                    } else {
                        self.app.key(key);
                    }
                }
                terminal_event::Event::Mouse(event) => self.app.mouse(event),
                terminal_event::Event::Paste(text) => self.app.paste(&text),
                terminal_event::Event::FocusGained => self.app.focus_changed(true),
                terminal_event::Event::FocusLost => self.app.focus_changed(false),
                terminal_event::Event::Resize(..) => {}
            },
            Event::TerminalLost | Event::Signal => self.app.leave(None),
        }
    }

    fn network(&mut self, event: NetworkEvent) {
        let now = self.app.now;
        match event {
            NetworkEvent::Connected { address, local, tls, notes } => {
                self.app.opening = false;
                let local = local.map_or_else(|| "unknown".to_owned(), |local| local.to_string());
                self.app.wire.link_opened(LinkFacts { local, remote: address.to_string(), tls });
                for note in notes {
                    self.app.conversations.remark(SERVER, note, now.wall);
                }
                let security = match (self.plan.target.tls, address.ip().is_loopback()) {
                    (true, _) => LinkSecurity::Encrypted,
                    (false, true) => LinkSecurity::Loopback,
                    (false, false) => LinkSecurity::Open,
                };
                match random() {
                    Ok(nonce) => {
                        let changes = self.app.connection.link_up(now, security, nonce);
                        self.app.take_in(changes);
                    }
                    Err(sentence) => self.lose_link(Some(sentence)),
                }
            }
            NetworkEvent::Received(bytes) => {
                self.app.wire.received(now.wall, &bytes);
                let changes = self.app.connection.receive(now, &bytes);
                let is_dead = changes.iter().any(|change| matches!(change, Change::LinkDead { .. }));
                self.app.take_in(changes);
                if is_dead {
                    self.lose_link(None);
                }
            }
            NetworkEvent::Ended(failure) => self.lose_link(Some(failure.to_string())),
        }
    }

    fn lose_link(&mut self, why: Option<String>) {
        self.link = None;
        self.app.opening = false;
        self.app.wire.link_ended();
        // Whatever the old link still says is not heard any more.
        self.link_number += 1;
        if let Some(why) = why {
            // The same failure again is no news.
            if self.app.failure.as_ref() != Some(&why) && self.app.connection.state() != LinkState::Closing {
                self.app.conversations.remark(SERVER, why.clone(), self.app.now.wall);
            }
            self.app.failure = Some(why);
        }
        let chance = random::<4>().map_or(u32::MAX / 2, u32::from_ne_bytes);
        let changes = self.app.connection.link_down(self.app.now, chance);
        self.app.take_in(changes);
    }

    fn open_link(&mut self) {
        self.link_number += 1;
        self.link_opened = Instant::now();
        let (number, events) = (self.link_number, self.events.clone());
        let report = move |event| drop(events.send(Event::Network(number, event)));
        match Link::open(self.plan.target.clone(), Arc::clone(&self.known_servers), self.plan.timeout, report) {
            Ok(link) => {
                self.link = Some(link);
                self.app.opening = true;
            }
            Err(error) => self.lose_link(Some(LinkFailure::System { why: error.to_string() }.to_string())),
        }
    }

    /// What becomes due without anything having come.
    fn tick(&mut self) {
        self.app.now = self.moment();
        let now = self.app.now;
        let changes = self.app.connection.tick(now);
        let is_dead = changes.iter().any(|change| matches!(change, Change::LinkDead { .. }));
        self.app.take_in(changes);
        if is_dead {
            self.lose_link(None);
        }
        if let LinkState::Down { retry_at } = self.app.connection.state()
            && !self.app.done
        {
            match self.link {
                // Looking up a name cannot be interrupted, but it need not be waited for.
                Some(_) if self.link_opened.elapsed() >= self.patience() => {
                    self.lose_link(Some(format!("{} does not answer.", self.plan.target)));
                }
                // The conversation on it is over.
                Some(_) if !self.app.opening => {
                    self.link = None;
                    self.link_number += 1;
                }
                None if now.since_start >= retry_at => self.open_link(),
                _ => {}
            }
        }
    }

    fn patience(&self) -> Duration {
        self.plan.timeout + Duration::from_secs(1)
    }

    fn next_wake(&self) -> Instant {
        let at = |since_start: Duration| self.started + since_start.min(Duration::from_secs(100 * 86_400));
        let mut wake = Instant::now() + Duration::from_secs(60);
        for due in [self.app.connection.next_deadline(), self.app.next_change()].into_iter().flatten() {
            wake = wake.min(at(due));
        }
        if let LinkState::Down { retry_at } = self.app.connection.state() {
            wake = wake.min(match self.link {
                Some(_) => self.link_opened + self.patience(),
                None => at(retry_at),
            });
        }
        wake
    }

    /// After every event: bytes to the link, and what only a terminal can do.
    fn settle(&mut self) {
        self.app.settle();
        self.remember();
        self.keep_outbox();
        if self.app.now.since_start >= self.conversations_kept + KEEP_AGAIN {
            self.keep_conversations();
        }
        self.send_output();
        if let Some(text) = self.app.copied.take() {
            self.copy(&text);
        }
        if let Some(about) = self.app.alert.take() {
            self.alert(&about);
        }
        if self.mouse != self.app.mouse {
            self.mouse = self.app.mouse;
            let _ = if self.mouse {
                execute!(io::stdout(), terminal_event::EnableMouseCapture)
            } else {
                execute!(io::stdout(), terminal_event::DisableMouseCapture)
            };
        }
    }

    /// Somebody wants something of a person who does not look.
    fn alert(&self, about: &str) {
        let local = jiff::Timestamp::from_millisecond(self.app.now.wall.0).unwrap_or_default();
        let local = local.to_zoned(self.app.zone.clone());
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        if self.preferences.quiet.is_some_and(|quiet| quiet.contain(minute)) {
            return;
        }
        let mut output = io::stdout();
        if self.preferences.bell {
            let _ = output.write_all(b"\x07");
        }
        if self.preferences.notify {
            // OSC 9: a notification (iTerm2, kitty, WezTerm, Windows Terminal, foot).
            let _ = write!(output, "\x1b]9;{}\x07", crate::printable::printable(about));
        }
        let _ = output.flush();
    }

    /// OSC 52: the terminal's clipboard, over ssh too.
    fn copy(&self, text: &str) {
        let text = &text[..text.floor_char_boundary(MOST_COPIED)];
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let mut output = io::stdout();
        let _ = write!(output, "\x1b]52;c;{encoded}\x07").and_then(|()| output.flush());
    }

    /// The next time without arguments goes here at once.
    fn remember(&mut self) {
        if std::mem::take(&mut self.app.password_wrong)
            && let Err(sentence) = kept_passwords::forget(&self.plan.target.to_string(), &self.plan.settings.name)
        {
            self.app.hint = Some(sentence);
        }
        if self.remembered || self.app.connection.state() != LinkState::Joined {
            return;
        }
        self.remembered = true;
        let remembered = Remembered {
            address: self.plan.target.to_string(),
            tls: self.plan.target.tls,
            name: self.plan.settings.name.clone(),
            guest: self.app.connection.account().is_none(),
            rooms: self.plan.settings.rooms.clone(),
        };
        let is_guest = remembered.guest;
        if let Err(sentence) = remembered_servers::remember(remembered) {
            self.app.hint = Some(sentence);
        }
        let password = match (&self.app.typed_password, &self.plan.settings.login) {
            (Some(password), _) => Some(password.clone()),
            (None, Login::Account { password }) if self.plan.password_asked => Some(password.clone()),
            (None, Login::Register { password, .. }) => Some(password.clone()),
            (None, _) => None,
        };
        if let (false, Some(password)) = (is_guest, password) {
            self.keep_password(&password);
        }
    }

    /// So that the next time is without questions; and says so.
    fn keep_password(&mut self, password: &Password) {
        match kept_passwords::keep(&self.plan.target.to_string(), &self.plan.settings.name, password) {
            Ok(true) => {
                let path = kept_passwords::path().unwrap_or_default();
                self.app.hint = Some(format!("Your password is kept for you alone in {}.", path.display()));
            }
            Ok(false) => {}
            Err(sentence) => self.app.hint = Some(sentence),
        }
    }

    /// Now and then, and at the end; by the program that has the outbox, so that two do not write over each other.
    fn keep_conversations(&mut self) {
        self.conversations_kept = self.app.now.since_start;
        if self.kept_outbox.is_none() {
            return;
        }
        let kept = self.app.conversations.kept();
        let written = kept_conversations::write(&self.plan.target.to_string(), &self.plan.settings.name, kept);
        if let Err(sentence) = written {
            self.app.hint = Some(sentence);
        }
    }

    /// Before anything of it is sent.
    fn keep_outbox(&mut self) {
        let outbox = self.app.connection.outbox();
        let Some(kept) = &mut self.kept_outbox else { return };
        if outbox.revision() == self.kept_revision {
            return;
        }
        self.kept_revision = outbox.revision();
        if let Err(sentence) = kept.write(outbox.kept(self.app.now.since_start), self.app.now.wall) {
            self.app.hint = Some(sentence);
        }
    }

    fn send_output(&mut self) {
        let output = self.app.connection.take_output();
        if !output.is_empty()
            && let Some(link) = &self.link
        {
            self.app.wire.sent(self.app.now.wall, &output);
            link.send(output);
        }
    }

    fn moment(&self) -> Moment {
        Moment { since_start: self.started.elapsed(), wall: wall_clock() }
    }
}

fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
