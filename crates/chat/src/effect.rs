//! What must be done now, shard by shard, in order. An effect leaves the hub only when all that it follows from is on disk.

use crate::change::Change;
use crate::command::Control;
use crate::event::Event;
use crate::id::{RequestNumber, RoomNumber, SessionId};
use crate::query::Answer;
use crate::server_ban::AddressRange;

/// For the shard that owns the sessions concerned.
#[derive(Debug, Clone)]
pub enum Effect {
    /// An answer to one session's request; number 0: told unasked (another device of the client asked).
    Answer {
        to: SessionId,
        number: RequestNumber,
        answer: Answer,
    },
    /// Everything that the request led to is out.
    Done {
        to: SessionId,
        number: RequestNumber,
    },
    /// The session is in the room from here on: it sees what the room sees.
    Enter {
        session: SessionId,
        room: RoomNumber,
    },
    Leave {
        session: SessionId,
        room: RoomNumber,
    },
    /// To every session of this shard in the room. `origin`: the session whose request caused it, told by its own
    /// rules (an echo or not, with its label); `finishes` it: as `Done` behind it.
    ToRoom {
        room: RoomNumber,
        event: Event,
        origin: Option<EventOrigin>,
    },
    /// To these sessions of this shard.
    ToSessions {
        sessions: Vec<SessionId>,
        event: Event,
        origin: Option<EventOrigin>,
    },
    /// To these sessions of this shard, which watch the person of the event and share no room with her: told if they
    /// asked to hear of those they watch (IRCv3 extended-monitor).
    ToWatchers {
        sessions: Vec<SessionId>,
        event: Event,
    },
    /// To other devices of the one who said it.
    Mirror {
        sessions: Vec<SessionId>,
        event: Event,
    },
    /// To every session of this shard.
    ToAll {
        event: Event,
    },
    /// Close the connection with these words; the hub has forgotten the session.
    Close {
        session: SessionId,
        reason: Box<str>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventOrigin {
    pub session: SessionId,
    pub number: RequestNumber,
    /// The request is complete with this event: no `Done` follows.
    pub finishes: bool,
}

/// For the server itself.
#[derive(Debug, Clone)]
pub enum ServerEffect {
    Control {
        control: Control,
        by: String,
    },
    /// The answer to a console's command.
    Console {
        number: u64,
        answer: Answer,
    },
    /// All ranges from which nobody may connect ([`crate::server_ban::BanTarget::Door`]), since they have changed.
    Doors(Vec<AddressRange>),
}

/// What applying commands leads to; the caller empties it.
#[derive(Debug, Default)]
pub struct Effects {
    /// One list a shard, in order.
    pub shards: Vec<Vec<Effect>>,
    pub server: Vec<ServerEffect>,
    /// What is to be committed before anyone is told of the above.
    pub changes: Vec<Change>,
    /// Places behind that of the command which were taken by what it led to.
    pub places: u64,
}

impl Effects {
    pub fn for_shards(count: usize) -> Effects {
        Effects { shards: (0..count).map(|_| Vec::new()).collect(), server: Vec::new(), changes: Vec::new(), places: 0 }
    }
    pub fn is_empty(&self) -> bool {
        self.server.is_empty() && self.changes.is_empty() && self.shards.iter().all(Vec::is_empty)
    }
    /// To the shard that owns `session`.
    pub fn to(&mut self, session: SessionId, effect: Effect) {
        if let Some(list) = self.shards.get_mut(session.shard as usize) {
            list.push(effect);
        }
    }
    /// Appends what `later` holds, leaving it empty with its allocations.
    pub fn take_from(&mut self, later: &mut Effects) {
        for (mine, theirs) in self.shards.iter_mut().zip(&mut later.shards) {
            mine.append(theirs);
        }
        self.server.append(&mut later.server);
        self.changes.append(&mut later.changes);
    }
}
