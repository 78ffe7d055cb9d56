//! The full screen: the terminal, the links' threads and the clock around an [`App`] for each server, which decides what
//! is seen.

mod app;
mod commands;
mod composer;
mod direction;
mod disputed_widths;
mod draw;
mod emoji;
mod flow;
mod fuzzy;
mod hostile;
mod keyboard;
pub mod keys;
mod look;
mod server;
mod servers;
mod timeline;
mod wire_view;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use client_core::{Password, Timestamp};
use crossterm::event as terminal_event;
use crossterm::execute;
use jiff::tz::TimeZone;
use ratatui::DefaultTerminal;

use crate::address::{Address, Encryption};
use crate::capture::Capture;
use crate::disk::Disk;
use crate::exit_code::Exit;
use crate::kept_passwords::Kept;
use crate::known_servers::KnownServers;
use crate::network::NetworkEvent;
use crate::plan::Plan;
use crate::preferences::{Notify, Preferences};
use crate::remembered_servers;
use crate::signals;
use app::App;
use disputed_widths::DisputedWidths;
pub use hostile::play as play_hostile_server;
use keyboard::{Keyboard, Wait};
use keys::Keymap;
use look::Look;
use server::{Server, Surroundings};
use servers::Wish;

/// Events that wait for the loop; a thread that has one more waits.
const MOST_EVENTS: usize = 256;
/// What came meanwhile is drawn at once, but no later than after so many events.
const MOST_AT_ONCE: usize = 512;
/// A text that is put into the clipboard through the terminal is not longer: some drop what is.
const MOST_COPIED: usize = 70_000;
/// Servers at once.
const MOST_SERVERS: usize = 20;

/// Everything that can wake the loop.
#[derive(Debug)]
pub enum Event {
    /// With the number of the link, since a link that was given up may still talk.
    Network(u64, NetworkEvent),
    Terminal(terminal_event::Event),
    /// To the server of this address and name: what became of its password.
    Password((String, String), Result<Kept, String>),
    /// To the same: what the keyring has.
    PasswordFound((String, String), Option<Password>),
    /// Something cannot be put on the disk: a sentence.
    DiskRefuses(String),
    TerminalLost,
    Signal,
}

/// Plays the whole conversation on the whole screen.
pub fn run(plans: Vec<Plan>, preferences: Preferences, capture: Option<Arc<Capture>>) -> Exit {
    let (events, received) = mpsc::sync_channel(MOST_EVENTS);
    let told = events.clone();
    let started =
        signals::watch(move || drop(told.send(Event::Signal)), restore_at_once).and_then(|()| ratatui::try_init());
    let terminal = match started {
        Ok(terminal) => terminal,
        Err(error) => {
            eprintln!("The screen cannot be used ({error}); use --lines, or another terminal.");
            return Exit::Usage;
        }
    };
    // Ratatui's own hook gives the screen back; what was asked of the terminal besides is given back before.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        hook(panic);
    }));
    let exit = match FullScreen::new(plans, preferences, capture, terminal, events) {
        Ok(mut full_screen) => full_screen.run(&received),
        Err(error) => Err((
            Exit::NoConnection,
            format!("This machine cannot run the program just now ({error}); close other programs and try again."),
        )),
    };
    restore();
    match exit {
        Ok(()) => Exit::Fine,
        Err((exit, sentence)) => {
            eprintln!("{sentence}");
            exit
        }
    }
}

/// Keeps the title that the window has, and gives it back (xterm "Window manipulation").
const KEEP_TITLE: &[u8] = b"\x1b[22;2t";
const GIVE_TITLE_BACK: &[u8] = b"\x1b[23;2t";

fn restore() {
    let mut output = io::stdout();
    let _ = output.write_all(&[GIVE_TITLE_BACK, direction::TERMINAL_ORDERS].concat());
    let _ = execute!(
        io::stdout(),
        terminal_event::DisableMouseCapture,
        terminal_event::DisableBracketedPaste,
        terminal_event::DisableFocusChange
    );
    ratatui::restore();
}

/// From another thread, while the one that draws may be stuck in a write to a terminal that takes nothing.
fn restore_at_once() {
    // The mouse in all its protocols, pasting, focus; then the cursor, and the screen that was there before.
    const SEQUENCE: &[u8] =
        b"\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?1004l\x1b[?25h\x1b[?1049l";
    signals::write_to_terminal(&[SEQUENCE, GIVE_TITLE_BACK, direction::TERMINAL_ORDERS].concat());
    let _ = crossterm::terminal::disable_raw_mode();
}

struct FullScreen {
    servers: Vec<Server>,
    /// The one on the screen.
    front: usize,
    around: Surroundings,
    terminal: DefaultTerminal,
    mouse: bool,
    disputed_widths: DisputedWidths,
    /// What the window is called now.
    title: String,
    preferences: Preferences,
    timeout: Duration,
}

impl FullScreen {
    fn new(
        plans: Vec<Plan>,
        preferences: Preferences,
        capture: Option<Arc<Capture>>,
        terminal: DefaultTerminal,
        events: SyncSender<Event>,
    ) -> io::Result<FullScreen> {
        execute!(io::stdout(), terminal_event::EnableBracketedPaste, terminal_event::EnableFocusChange)?;
        io::stdout().write_all(KEEP_TITLE)?;
        if preferences.right_to_left {
            io::stdout().write_all(direction::PROGRAM_ORDERS)?;
        }
        let keys = events.clone();
        let read = move || {
            let next = |wait| match wait {
                Wait::No if !terminal_event::poll(Duration::ZERO)? => Ok(None),
                Wait::Yes | Wait::No => terminal_event::read().map(Some),
            };
            let mut keyboard = Keyboard::new(next);
            while let Ok(Some(event)) = keyboard.read() as io::Result<_> {
                if keys.send(Event::Terminal(event)).is_err() {
                    return;
                }
            }
            let _ = keys.send(Event::TerminalLost);
        };
        thread::Builder::new().name("keys".to_owned()).spawn(read)?;
        let told = events.clone();
        let disk = Disk::start(move |path, error| {
            let sentence = format!("{} cannot be written ({error}); check its folder.", path.display());
            // Nobody looks any more once the loop is over, and the thread must not wait for it then.
            let _ = told.try_send(Event::DiskRefuses(sentence));
        })?;
        let around = Surroundings {
            known_servers: Arc::new(KnownServers::open()),
            disk,
            capture,
            events,
            started: Instant::now(),
            last_link: 0,
            zone: TimeZone::system(),
            keyring: preferences.keyring,
            orders: preferences.right_to_left,
            look: Look::preferred(&preferences),
            keymap: Arc::new(Keymap::preferred(&preferences.keys).unwrap_or_default()),
        };
        let timeout = plans.first().map_or(Duration::from_secs(30), |plan| plan.timeout);
        let plans = plans.into_iter().take(MOST_SERVERS).enumerate();
        let mut servers: Vec<Server> = plans.map(|(place, plan)| Server::new(plan, place, &around)).collect();
        for (place, server) in servers.iter_mut().enumerate() {
            server.app.in_front = place == 0;
            server.app.mouse = preferences.mouse;
        }
        // The mouse is taken with the first picture, if it is wanted.
        Ok(FullScreen {
            servers,
            front: 0,
            around,
            terminal,
            mouse: false,
            disputed_widths: DisputedWidths::default(),
            title: String::new(),
            preferences,
            timeout,
        })
    }

    fn app(&mut self) -> &mut App {
        &mut self.servers[self.front].app
    }

    /// Until the person leaves, or there is nothing to be done; then with a sentence.
    fn run(&mut self, events: &Receiver<Event>) -> Result<(), (Exit, String)> {
        let ended = loop {
            for server in &mut self.servers {
                server.tick(&mut self.around);
            }
            self.settle();
            if self.servers.is_empty() {
                return Ok(());
            }
            if let [only] = self.servers.as_slice()
                && let Some(sentence) = only.app.barred.clone().filter(|_| !only.was_let_in())
            {
                break Err((Exit::CertificateChanged, sentence));
            }
            let front = &mut self.servers[self.front].app;
            let disputed = &mut self.disputed_widths;
            let drawn = self.terminal.draw(|frame| {
                front.draw(frame);
                disputed.write_whole(frame.buffer_mut());
            });
            if drawn.is_err() {
                break Err((Exit::NoConnection, "The terminal is gone.".to_owned()));
            }
            let wake = self.servers.iter().map(|server| server.next_wake(&self.around)).min();
            let wait = wake.map_or(Duration::from_secs(60), |wake| wake.saturating_duration_since(Instant::now()));
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
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            }
        };
        for server in &mut self.servers {
            server.put_away(&self.around);
        }
        ended
    }

    fn receive(&mut self, event: Event) {
        let now = self.around.moment();
        for server in &mut self.servers {
            server.app.now = now;
        }
        match event {
            Event::Network(number, event) => {
                if let Some(server) = self.servers.iter_mut().find(|server| server.link_number == number) {
                    server.network(event, &mut self.around);
                }
            }
            Event::Terminal(event) => self.terminal_event(event),
            Event::Password(key, kept) => {
                if let Some(server) = self.servers.iter_mut().find(|server| server.key() == key) {
                    server.password_kept(kept);
                }
            }
            Event::PasswordFound(key, password) => {
                if let Some(server) = self.servers.iter_mut().find(|server| server.key() == key) {
                    server.password_found(password);
                }
            }
            Event::DiskRefuses(sentence) => self.app().hint = Some(sentence),
            Event::TerminalLost | Event::Signal => self.app().leave(None),
        }
        // What comes next may be meant for what this has put in front.
        self.grant_wish();
    }

    fn terminal_event(&mut self, event: terminal_event::Event) {
        match event {
            terminal_event::Event::Key(key) => {
                self.app().key(key);
                if std::mem::take(&mut self.app().redraw) {
                    let _ = self.terminal.clear();
                }
            }
            terminal_event::Event::Mouse(event) => self.app().mouse(event),
            terminal_event::Event::Paste(text) => self.app().paste(&text),
            terminal_event::Event::FocusGained | terminal_event::Event::FocusLost => {
                let focused = matches!(event, terminal_event::Event::FocusGained);
                for server in &mut self.servers {
                    server.app.focus_changed(focused);
                }
            }
            terminal_event::Event::Resize(..) => {}
        }
    }

    /// After every event: bytes to the links, and what only a terminal can do.
    fn settle(&mut self) {
        self.grant_wish();
        self.leave_together();
        let let_in = |servers: &[Server]| servers.iter().filter(|server| server.was_let_in()).count();
        let before = let_in(&self.servers);
        for server in &mut self.servers {
            server.settle(&self.around);
        }
        if let_in(&self.servers) != before {
            self.remember_which();
        }
        self.put_away_the_left();
        if self.servers.is_empty() {
            return;
        }
        self.introduce();
        if let Some(text) = self.app().copied.take() {
            self.copy(&text);
        }
        if let Some(link) = self.app().opened.take() {
            self.open(&link);
        }
        for place in 0..self.servers.len() {
            if let Some(about) = self.servers[place].app.alert.take() {
                self.alert(&about);
            }
        }
        let title = self.app().title();
        if self.title != title {
            let _ = execute!(io::stdout(), crossterm::terminal::SetTitle(&title));
            self.title = title;
        }
        let wanted = self.app().mouse;
        if self.mouse != wanted {
            self.mouse = wanted;
            let _ = if self.mouse {
                execute!(io::stdout(), terminal_event::EnableMouseCapture)
            } else {
                execute!(io::stdout(), terminal_event::DisableMouseCapture)
            };
        }
    }

    /// The one in front knows of the others.
    fn introduce(&mut self) {
        if self.servers.len() < 2 {
            return self.app().neighbours.clear();
        }
        for (place, server) in self.servers.iter_mut().enumerate() {
            server.app.place = place;
        }
        let others = self.servers.iter().filter(|server| !server.app.in_front);
        let neighbours = others.map(|server| servers::neighbour(&server.app)).collect();
        self.app().neighbours = neighbours;
    }

    fn grant_wish(&mut self) {
        if self.servers.is_empty() {
            return;
        }
        match self.app().wish.take() {
            None => {}
            Some(Wish::Show { server, name }) => self.show(server, name.as_deref()),
            Some(Wish::Connect { address, rooms }) => {
                if let Err(sentence) = self.connect(&address, rooms) {
                    self.app().hint = Some(sentence);
                }
            }
            Some(Wish::Disconnect) => {
                let server = &mut self.servers[self.front];
                server.leaving = true;
                server.app.part(None);
            }
            Some(Wish::Reconnect) => self.servers[self.front].reconnect(),
        }
    }

    fn show(&mut self, server: usize, name: Option<&str>) {
        if server == self.front || server >= self.servers.len() {
            return;
        }
        let front = std::mem::replace(&mut self.front, server);
        if let Ok([from, to]) = self.servers.get_disjoint_mut([front, server]) {
            servers::change_front(&mut from.app, &mut to.app);
        }
        if let Some(name) = name {
            self.app().go(name);
        }
        self.introduce();
    }

    /// As on the command line; the error is a sentence.
    fn connect(&mut self, address: &str, mut rooms: Vec<String>) -> Result<(), String> {
        let address = Address::parse(address)?;
        rooms.extend(address.room.clone());
        let (target, guest) = (address.target(Encryption::Choose), address.user.is_none());
        let own = self.servers[self.front].key().1;
        let key = (target.to_string(), address.user.unwrap_or(own));
        if let Some(known) = self.servers.iter().position(|server| server.key() == key) {
            self.show(known, None);
            return Ok(());
        }
        if self.servers.len() >= MOST_SERVERS {
            return Err(format!(
                "You are on {MOST_SERVERS} servers, and more there cannot be; leave one with /disconnect."
            ));
        }
        let plan = Plan::to_one_more(target, key.1, guest, rooms, self.timeout)?;
        let place = self.servers.len();
        let mut server = Server::new(plan, place, &self.around);
        server.app.in_front = false;
        self.servers.push(server);
        self.show(place, None);
        Ok(())
    }

    /// Who leaves, leaves all of them.
    fn leave_together(&mut self) {
        if self.servers.iter().any(|server| server.app.leaves) {
            for server in self.servers.iter_mut().filter(|server| !server.app.leaves) {
                server.app.leave(None);
            }
        }
    }

    /// Servers that have been said goodbye to.
    fn put_away_the_left(&mut self) {
        while let Some(gone) = self.servers.iter().position(|server| server.app.done) {
            self.servers[gone].put_away(&self.around);
            let left_for_good = self.servers[gone].leaving;
            if !self.servers[gone].app.leaves && self.servers.len() > 1 {
                let next = if gone == self.front { (gone + 1) % self.servers.len() } else { self.front };
                self.show(next, None);
            }
            self.servers.remove(gone);
            self.front = self.servers.iter().position(|server| server.app.in_front).unwrap_or(0);
            if let Some(server) = self.servers.get_mut(self.front) {
                server.app.in_front = true;
            }
            if left_for_good {
                self.remember_which();
            }
        }
    }

    /// The next time it is the same ones.
    fn remember_which(&mut self) {
        let open: Vec<(String, String)> = self.servers.iter().map(Server::key).collect();
        if let Err(sentence) = remembered_servers::open_are(&open)
            && let Some(server) = self.servers.first_mut()
        {
            server.app.hint = Some(sentence);
        }
    }

    /// Somebody wants something of a person who does not look.
    fn alert(&self, about: &str) {
        let local = jiff::Timestamp::from_millisecond(self.around.moment().wall.0).unwrap_or_default();
        let local = local.to_zoned(self.around.zone.clone());
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        if self.preferences.quiet.is_some_and(|quiet| quiet.contain(minute)) {
            return;
        }
        let mut output = io::stdout();
        if self.preferences.bell {
            let _ = output.write_all(b"\x07");
        }
        let about = crate::printable::printable(about);
        let _ = match self.preferences.notify {
            Notify::No => Ok(()),
            Notify::Osc9 => write!(output, "\x1b]9;{about}\x07"),
            // Title and text, between which a semicolon stands.
            Notify::Osc777 => {
                let (who, text) = about.split_once(": ").unwrap_or(("parlor", &about));
                write!(output, "\x1b]777;notify;{};{}\x07", who.replace(';', ","), text.replace(';', ","))
            }
        };
        let _ = output.flush();
    }

    /// Where a program shows pages, it does; elsewhere (over ssh, on a bare console) the link is copied.
    fn open(&mut self, link: &str) {
        let here = cfg!(any(windows, target_os = "macos"))
            || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        let opener = if cfg!(windows) {
            "explorer"
        } else if cfg!(target_os = "macos") {
            "open"
        } else {
            "xdg-open"
        };
        let none = std::process::Stdio::null;
        let mut command = std::process::Command::new(opener);
        let opened = command.arg(link).stdin(none()).stdout(none()).stderr(none());
        match if here { opened.spawn() } else { Err(io::ErrorKind::NotFound.into()) } {
            Ok(mut child) => {
                // Nobody else would take note of its end.
                let _ = thread::Builder::new().name("opener".to_owned()).spawn(move || child.wait());
            }
            Err(_) => {
                self.copy(link);
                self.app().hint =
                    Some("Nothing here opens links, so it was copied, if your terminal lets programs copy.".to_owned());
            }
        }
    }

    /// OSC 52: the terminal's clipboard, over ssh too.
    fn copy(&self, text: &str) {
        let text = &text[..text.floor_char_boundary(MOST_COPIED)];
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let mut output = io::stdout();
        let _ = write!(output, "\x1b]52;c;{encoded}\x07").and_then(|()| output.flush());
    }
}

fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
