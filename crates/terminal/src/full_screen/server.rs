//! One server that one is on: what is seen of it, the link to it, and what of it is kept on disk.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use client_core::{Change, Connection, LinkSecurity, LinkState, Login, Moment, Password};
use jiff::tz::TimeZone;

use super::app::{App, Overlay, SERVER};
use super::keys::Keymap;
use super::look::Look;
use super::wire_view::{LinkFacts, Looked};
use super::{Event, wall_clock};
use crate::capture::Capture;
use crate::disk::Disk;
use crate::kept_conversations;
use crate::kept_outbox::KeptOutbox;
use crate::kept_passwords::{self, Kept, Owner};
use crate::known_servers::KnownServers;
use crate::link_failure::LinkFailure;
use crate::network::{Link, NetworkEvent};
use crate::plan::{PasswordFrom, Plan, random};
use crate::remembered_servers::{self, Remembered};
use crate::zone::endpoint;

/// Conversations are put on disk so often.
const KEEP_AGAIN: Duration = Duration::from_secs(60);
/// A keyring that has not answered by then is locked, as a rule: the person may type the password as well.
const KEYRING_QUICK: Duration = Duration::from_millis(500);

/// What all servers share.
pub struct Surroundings {
    pub known_servers: Arc<KnownServers>,
    pub disk: Disk,
    /// Where everything goes that goes over the links.
    pub capture: Option<Arc<Capture>>,
    pub events: SyncSender<Event>,
    pub started: Instant,
    /// Numbers of links, so that one that was given up is told from the next.
    pub last_link: u64,
    pub zone: TimeZone,
    /// Passwords are kept in the system's.
    pub keyring: bool,
    pub look: Look,
    /// Text from right to left is brought into order here.
    pub orders: bool,
    pub keymap: Arc<Keymap>,
}

impl Surroundings {
    pub fn moment(&self) -> Moment {
        Moment { since_start: self.started.elapsed(), wall: wall_clock() }
    }

    fn next_link(&mut self) -> u64 {
        self.last_link += 1;
        self.last_link
    }
}

/// What becomes of a kept password.
enum PasswordChange {
    Keep(Password),
    MoveToKeyring(Password),
    Forget,
}

pub struct Server {
    plan: Plan,
    pub app: App,
    link: Option<Link>,
    pub link_number: u64,
    link_opened: Instant,
    remembered: bool,
    kept_outbox: Option<KeptOutbox>,
    /// The revision of the outbox that is on disk.
    kept_revision: u64,
    /// When the conversations were put on disk last.
    conversations_kept: Duration,
    /// When the password is asked for, unless the keyring has answered by then.
    asks_person_at: Option<Duration>,
    /// Everything of it has been put away.
    pub leaving: bool,
}

impl Server {
    pub fn new(mut plan: Plan, place: usize, around: &Surroundings) -> Server {
        let now = around.moment();
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
        let mut app = App::new(connection, plan.target.to_string(), around.zone.clone(), around.look, now);
        app.place = place;
        app.keymap = Arc::clone(&around.keymap);
        app.orders = around.orders;
        app.hint = complaint;
        if let (Login::Account { password }, PasswordFrom::Person) = (&plan.settings.login, plan.password_from) {
            app.answered_password = Some(password.clone());
        }
        app.asks_login = plan.password_from == PasswordFrom::ToBeFound;
        for step in std::mem::take(&mut plan.heard).into_steps() {
            app.wire.stepped(now.wall, step);
        }
        // Shown until the server tells the end.
        app.conversations.restore(kept_conversations::read(&plan.target.to_string(), &plan.settings.name));
        let mut server = Server {
            plan,
            app,
            link: None,
            link_number: 0,
            link_opened: around.started,
            remembered: false,
            kept_outbox,
            kept_revision,
            conversations_kept: Duration::ZERO,
            asks_person_at: None,
            leaving: false,
        };
        if server.app.asks_login {
            server.find_password(around);
        }
        server
    }

    /// In the keyring, beside the screen: it may ask its owner first. Else the person is asked.
    fn find_password(&mut self, around: &Surroundings) {
        let (owner, key, events) = (self.owner(), self.key(), around.events.clone());
        let find = move || {
            let found = kept_passwords::find_in_keyring(&owner);
            drop(events.send(Event::PasswordFound(key, found)));
        };
        if around.keyring && thread::Builder::new().name("password".to_owned()).spawn(find).is_ok() {
            self.app.asks_keyring = true;
            self.asks_person_at = Some(self.app.now.since_start + KEYRING_QUICK);
        } else {
            self.ask_person();
        }
    }

    fn ask_person(&mut self) {
        self.asks_person_at = None;
        let sentence = if self.app.asks_keyring {
            "The keyring of this system does not answer yet; unlock it, or type the password here.".to_owned()
        } else {
            format!("{} wants to know who you are.", self.plan.target)
        };
        self.app.ask_login(sentence);
    }

    /// The keyring has answered, unless the person was quicker.
    pub fn password_found(&mut self, password: Option<Password>) {
        self.asks_person_at = None;
        self.app.asks_keyring = false;
        if !self.app.asks_login {
            return;
        }
        match password {
            Some(password) => self.app.log_in(Login::Account { password }),
            // What was typed meanwhile stays.
            None if matches!(self.app.overlay, Some(Overlay::Login { .. })) => {}
            None => self.ask_person(),
        }
    }

    fn owner(&self) -> Owner {
        let (address, name) = self.key();
        Owner { address, name }
    }

    /// `host:port` and the name: what tells one server of ours from another.
    pub fn key(&self) -> (String, String) {
        (self.plan.target.to_string(), self.plan.settings.name.clone())
    }

    pub fn was_let_in(&self) -> bool {
        self.remembered
    }

    pub fn network(&mut self, event: NetworkEvent, around: &mut Surroundings) {
        let now = self.app.now;
        match event {
            NetworkEvent::Step(step) => self.app.wire.stepped(now.wall, step),
            NetworkEvent::Connected { address, local, tls, notes } => {
                self.app.opening = false;
                self.app.wire.link_opened(LinkFacts { local: local.map(endpoint), remote: endpoint(address), tls });
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
                    Err(sentence) => self.lose_link(Some(sentence), around),
                }
            }
            NetworkEvent::Received(bytes) => {
                self.app.wire.received(now.wall, &bytes);
                let changes = self.app.connection.receive(now, &bytes);
                let is_dead = changes.iter().any(|change| matches!(change, Change::LinkDead { .. }));
                self.app.take_in(changes);
                if is_dead {
                    self.lose_link(None, around);
                }
            }
            NetworkEvent::Ended(failure) => {
                // Whoever answers with another certificate will do so the next time too.
                if let LinkFailure::CertificateRefused { sentence } = &failure {
                    self.app.barred = Some(sentence.clone());
                    self.app.overlay =
                        Some(Overlay::Notice { title: "Not trusted".to_owned(), sentence: sentence.clone() });
                }
                self.lose_link(Some(failure.to_string()), around);
            }
        }
    }

    fn lose_link(&mut self, why: Option<String>, around: &mut Surroundings) {
        self.link = None;
        self.app.opening = false;
        self.app.wire.link_ended();
        // Whatever the old link still says is not heard any more.
        self.link_number = around.next_link();
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

    fn open_link(&mut self, around: &mut Surroundings) {
        self.link_number = around.next_link();
        self.link_opened = Instant::now();
        let (number, events) = (self.link_number, around.events.clone());
        let report = move |event| drop(events.send(Event::Network(number, event)));
        let (target, known_servers) = (self.plan.target.clone(), Arc::clone(&around.known_servers));
        match Link::open(target, known_servers, around.capture.clone(), self.plan.timeout, report) {
            Ok(link) => {
                self.link = Some(link);
                self.app.opening = true;
            }
            Err(error) => self.lose_link(Some(LinkFailure::System { why: error.to_string() }.to_string()), around),
        }
    }

    /// What becomes due without anything having come.
    pub fn tick(&mut self, around: &mut Surroundings) {
        self.app.now = around.moment();
        let now = self.app.now;
        let changes = self.app.connection.tick(now);
        let is_dead = changes.iter().any(|change| matches!(change, Change::LinkDead { .. }));
        self.app.take_in(changes);
        if is_dead {
            self.lose_link(None, around);
        }
        self.look_at_wire();
        if self.asks_person_at.is_some_and(|due| due <= now.since_start) {
            self.ask_person();
        }
        if let LinkState::Down { retry_at } = self.app.connection.state()
            && !self.app.done
            && !self.app.asks_login
            && self.app.barred.is_none()
        {
            match self.link {
                // The link ends by itself in time; a machine that is too busy even for that is not waited for.
                Some(_) if self.link_opened.elapsed() >= self.patience() => {
                    self.lose_link(Some(format!("{} does not answer.", self.plan.target)), around);
                }
                // The conversation on it is over.
                Some(_) if !self.app.opening => {
                    self.link = None;
                    self.link_number = around.next_link();
                }
                None if now.since_start >= retry_at => self.open_link(around),
                _ => {}
            }
        }
    }

    /// Asks the kernel about the connection while somebody has it on the screen.
    fn look_at_wire(&mut self) {
        let now = self.app.now.since_start;
        if let Some((due, local, remote)) = self.app.next_look()
            && due <= now
        {
            self.app.wire.looked = Some(Looked { at: now, seen: socket_facts::look(local, remote) });
        }
    }

    fn patience(&self) -> Duration {
        self.plan.timeout + Duration::from_secs(1)
    }

    pub fn next_wake(&self, around: &Surroundings) -> Instant {
        let at = |since_start: Duration| around.started + since_start.min(Duration::from_secs(100 * 86_400));
        let mut wake = Instant::now() + Duration::from_secs(60);
        let look = self.app.next_look().map(|(due, ..)| due);
        let dues = [self.app.connection.next_deadline(), self.app.next_change(), look, self.asks_person_at];
        for due in dues.into_iter().flatten() {
            wake = wake.min(at(due));
        }
        if let LinkState::Down { retry_at } = self.app.connection.state()
            && !self.app.asks_login
            && self.app.barred.is_none()
        {
            wake = wake.min(match self.link {
                Some(_) => self.link_opened + self.patience(),
                None => at(retry_at),
            });
        }
        wake
    }

    /// At once, whatever stood in the way.
    pub fn reconnect(&mut self) {
        self.app.barred = None;
        self.app.overlay = None;
        if self.app.asks_login {
            return self.ask_person();
        }
        let changes = self.app.connection.retry_now(self.app.now);
        self.app.take_in(changes);
    }

    /// After every event: what is to be on disk, then bytes to the link.
    pub fn settle(&mut self, around: &Surroundings) {
        self.app.settle();
        self.remember(around);
        self.keep_outbox(around);
        if self.app.now.since_start >= self.conversations_kept + KEEP_AGAIN {
            self.keep_conversations(around);
        }
        self.send_output();
    }

    /// The end, here or of the program.
    pub fn put_away(&mut self, around: &Surroundings) {
        self.keep_conversations(around);
        self.send_output();
    }

    /// The next time without arguments goes here at once.
    fn remember(&mut self, around: &Surroundings) {
        if std::mem::take(&mut self.app.password_wrong) {
            self.change_password(PasswordChange::Forget, around);
        }
        if self.remembered || self.app.connection.state() != LinkState::Joined {
            return;
        }
        self.remembered = true;
        let is_guest = self.app.connection.account().is_none();
        self.remember_as(is_guest, self.plan.settings.rooms.clone());
        let change = match (&self.app.typed_password, &self.plan.settings.login) {
            _ if is_guest => None,
            (Some(password), _) => Some(PasswordChange::Keep(password.clone())),
            (None, Login::Account { password }) => match self.plan.password_from {
                PasswordFrom::Person => Some(PasswordChange::Keep(password.clone())),
                PasswordFrom::File if around.keyring => Some(PasswordChange::MoveToKeyring(password.clone())),
                _ => None,
            },
            (None, Login::Register { password, .. }) => Some(PasswordChange::Keep(password.clone())),
            (None, Login::Guest) => None,
        };
        if let Some(change) = change {
            self.change_password(change, around);
        }
    }

    fn remember_as(&mut self, guest: bool, rooms: Vec<String>) {
        let name = self.plan.settings.name.clone();
        let remembered = Remembered::new(&self.plan.target, name, guest, rooms, true);
        if let Err(sentence) = remembered_servers::remember(remembered) {
            self.app.hint = Some(sentence);
        }
    }

    /// So that the next time is without questions. Beside the screen: a keyring may ask its owner first.
    fn change_password(&self, change: PasswordChange, around: &Surroundings) {
        let (owner, key, keyring, events) = (self.owner(), self.key(), around.keyring, around.events.clone());
        let change = move || {
            let changed = match change {
                PasswordChange::Keep(password) => kept_passwords::keep(&owner, &password, keyring),
                PasswordChange::MoveToKeyring(password) => kept_passwords::move_to_keyring(&owner, &password),
                PasswordChange::Forget => kept_passwords::forget(&owner, keyring).map(|()| Kept::Already),
            };
            drop(events.send(Event::Password(key, changed)));
        };
        // Without it the password is asked for again.
        let _ = thread::Builder::new().name("password".to_owned()).spawn(change);
    }

    /// Says so.
    pub fn password_kept(&mut self, kept: Result<Kept, String>) {
        self.app.hint = match kept {
            Ok(Kept::Already) => return,
            Ok(Kept::InKeyring) => Some("Your password is kept in the keyring of this system.".to_owned()),
            Ok(Kept::InFile(path)) => {
                let sentence = format!("Your password is kept for you alone in {}.", path.display());
                self.app.conversations.remark(SERVER, sentence, self.app.now.wall);
                Some("No keyring here: your password is in passwords.toml.".to_owned())
            }
            Err(sentence) => Some(sentence),
        };
    }

    /// Now and then, and at the end; by the program that has the outbox, so that two do not write over each other.
    fn keep_conversations(&mut self, around: &Surroundings) {
        self.conversations_kept = self.app.now.since_start;
        if self.kept_outbox.is_some() {
            let kept = self.app.conversations.kept();
            kept_conversations::write(&self.plan.target.to_string(), &self.plan.settings.name, kept, &around.disk);
        }
    }

    /// Before anything of it is sent.
    fn keep_outbox(&mut self, around: &Surroundings) {
        let outbox = self.app.connection.outbox();
        let Some(kept) = &mut self.kept_outbox else { return };
        if outbox.revision() == self.kept_revision {
            return;
        }
        self.kept_revision = outbox.revision();
        match kept.write(outbox.kept(self.app.now.since_start), self.app.now.wall) {
            Ok(()) => around.disk.flush(kept.path().to_owned()),
            Err(sentence) => self.app.hint = Some(sentence),
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
}
