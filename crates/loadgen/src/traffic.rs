//! Messages under way in rooms: senders post within their windows, every delivery is verified.

use std::time::{Duration, Instant};

use crate::arrival::{STALLED, answered_ping};
use crate::fault::Fault;
use crate::irc_bytes::{Line, shown};
use crate::swarm::{Conversation, Outgoing, Swarm};
use crate::verifier::{RoomPlan, Verifier};

/// When a sender may post its next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// At most so many of its messages have still to reach some member: a message is under way until the last one has it. The
    /// strictest reading, the same for servers with and without `echo-message`.
    Everyone(u64),
    /// At most so many that have not come back to itself; where the server has no `echo-message`, to the next member of the room.
    Echo(u64),
    /// Only when [`Traffic::post`] is called.
    Closed,
}

/// Echo windows leave room for members that lag behind the sender: so many messages of one sender may wait for a last reader.
const LAG: usize = 1024;

#[derive(Debug)]
pub struct Traffic {
    verifier: Verifier,
    window: Window,
    /// By room and slot: whose delivery moves the window, under [`Window::Echo`].
    witnesses: Vec<Vec<usize>>,
    /// Senders whose window moved in this turn, some perhaps twice.
    moved: Vec<(usize, usize)>,
    posting: bool,
    deliveries: u64,
    completed: u64,
    /// When each message reached its last reader; kept only under [`Window::Closed`].
    completions: Vec<Instant>,
    last_error: String,
    progress: (Instant, u64),
}

impl Traffic {
    /// `size`: bytes of a text.
    pub fn new(plans: &[RoomPlan], size: usize, window: Window) -> Traffic {
        let most_under_way = match window {
            Window::Everyone(messages) => messages as usize,
            Window::Echo(messages) => messages as usize + LAG,
            Window::Closed => 64 * LAG,
        };
        let witness = |plan: &RoomPlan, sender: usize| {
            let member = &plan.members[sender];
            match member.echo {
                true => member.client,
                false => plan.members[(sender + 1) % plan.members.len()].client,
            }
        };
        let witnesses = plans.iter().map(|plan| {
            let senders = plan.senders.iter();
            senders.map(|&sender| witness(plan, sender)).collect()
        });
        Traffic {
            verifier: Verifier::new(plans, size, most_under_way),
            window,
            witnesses: witnesses.collect(),
            moved: Vec::new(),
            posting: false,
            deliveries: 0,
            completed: 0,
            completions: Vec::new(),
            last_error: String::new(),
            progress: (Instant::now(), 0),
        }
    }

    /// Deliveries verified so far.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Messages that every member has.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// The moments at which messages reached their last reader, in order, since this was last asked.
    pub fn take_completions(&mut self) -> Vec<Instant> {
        std::mem::take(&mut self.completions)
    }

    /// Fills every sender's window; from now on they are kept full.
    pub fn start(&mut self, swarm: &mut Swarm) {
        self.posting = true;
        self.progress = (Instant::now(), self.deliveries);
        self.moved = self.verifier.senders().collect();
        self.fill_windows(swarm.outgoing());
    }

    /// Posts one message now. False if the server is so far behind that no more can be remembered.
    pub fn post(&mut self, swarm: &mut Swarm, room: usize, slot: usize) -> bool {
        let sender = self.verifier.sender(room, slot);
        self.verifier.post(room, slot, swarm.outgoing().of(sender))
    }

    /// Goes on for `duration`. `nap`: how long a turn sleeps at most when nothing comes; zero to spin.
    pub fn run_for(&mut self, swarm: &mut Swarm, duration: Duration, nap: Duration) -> Result<(), Fault> {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            self.turn(swarm, nap)?;
        }
        Ok(())
    }

    /// Posts nothing more and returns when everyone has everything.
    pub fn drain(&mut self, swarm: &mut Swarm) -> Result<(), Fault> {
        self.posting = false;
        while self.verifier.under_way() > 0 {
            self.turn(swarm, Duration::from_millis(10))?;
        }
        Ok(())
    }

    /// One turn of the swarm's loop.
    pub fn turn(&mut self, swarm: &mut Swarm, timeout: Duration) -> Result<(), Fault> {
        swarm.turn(self, timeout)?;
        self.fill_windows(swarm.outgoing());
        if self.deliveries > self.progress.1 || self.verifier.under_way() == 0 {
            self.progress = (Instant::now(), self.deliveries);
        } else if self.progress.0.elapsed() > STALLED {
            return Err(Fault::Stalled { seconds: STALLED.as_secs(), waiting_for: self.verifier.missing() });
        }
        Ok(())
    }

    fn fill_windows(&mut self, outgoing: &mut Outgoing) {
        if !self.posting {
            self.moved.clear();
            return;
        }
        while let Some((room, slot)) = self.moved.pop() {
            let (size, done) = match self.window {
                Window::Everyone(size) => (size, self.verifier.complete(room, slot)),
                Window::Echo(size) => {
                    let witness = self.witnesses[room][slot];
                    (size, self.verifier.seen_by(witness, slot))
                }
                Window::Closed => return,
            };
            let sender = self.verifier.sender(room, slot);
            while self.verifier.sent(room, slot) - done < size {
                if !self.verifier.post(room, slot, outgoing.of(sender)) {
                    break;
                }
            }
        }
    }

    /// Lines that are no delivery.
    #[cold]
    fn aside(&mut self, client: usize, line: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        let Some(parsed) = Line::parse(line) else {
            return Ok(());
        };
        if answered_ping(&parsed, outgoing.of(client)) {
            return Ok(());
        }
        match parsed.command {
            b"PRIVMSG" => Err(Fault::Misdelivered { client, what: self.verifier.altered(client, line) }),
            // An error numeric or a standard reply: the server did not take a message.
            [b'4' | b'5', _, _] | b"FAIL" => Err(Fault::Refused { client, line: shown(line) }),
            b"ERROR" => {
                self.last_error = shown(line);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Conversation for Traffic {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, lines: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        let mut rest = lines;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end + 1);
            rest = behind;
            let delivered = match self.verifier.check(client, line) {
                Ok(Some(delivered)) => delivered,
                Ok(None) => {
                    self.aside(client, line, outgoing)?;
                    continue;
                }
                Err(what) => return Err(Fault::Misdelivered { client, what }),
            };
            self.deliveries += 1;
            if delivered.complete {
                self.completed += 1;
                if self.window == Window::Closed {
                    self.completions.push(Instant::now());
                } else {
                    self.moved.push((delivered.room, delivered.slot));
                }
            } else if matches!(self.window, Window::Echo(_)) && self.witnesses[delivered.room][delivered.slot] == client
            {
                self.moved.push((delivered.room, delivered.slot));
            }
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.last_error.clone()
    }
}
