//! Every bound of the server by name and unit, with what happens when it is reached.
//!
//! [`Limits`] holds those that the configuration may change (`[limits]`); the constants below are the ones that protocols
//! or measurements fix. A queue or buffer without a name in this file is a mistake.

use std::fmt;
use std::time::Duration;

/// One row of `[limits]`: its key, default, and the range that a configuration may choose from.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub key: &'static str,
    pub default: usize,
    pub least: usize,
    pub most: usize,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:literal, $least:literal ..= $most:literal;)+) => {
        /// The bounds that the configuration sets. Units are in the names where a bound is not a count; lengths are
        /// bytes of UTF-8.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct Limits { $($(#[doc = $doc])+ pub $name: usize,)+ }

        impl Default for Limits {
            fn default() -> Limits { Limits { $($name: $default,)+ } }
        }

        /// All rows of `[limits]`, in the order of the struct.
        pub const BOUNDS: &[Bound] =
            &[$(Bound { key: stringify!($name), default: $default, least: $least, most: $most },)+];

        impl Limits {
            /// Fills every bound from `value_of`, which gives the configured value of a row or `None` for its default.
            pub fn from_configured(mut value_of: impl FnMut(&Bound) -> Option<usize>) -> Limits {
                let mut rows = BOUNDS.iter();
                let mut next = || rows.next().map_or(0, |row| value_of(row).unwrap_or(row.default));
                Limits { $($name: next(),)+ }
            }
        }
    };
}

limits! {
    /// Bytes of a nick or username. A longer one is refused (432).
    nick_length = 32, 1..=255;
    /// Bytes of a room's name. A longer one is refused (476).
    channel_length = 64, 2..=255;
    /// Bytes of a topic. A longer one is refused (417); TOPICLEN announces it.
    topic_length = 390, 1..=480;
    /// Bytes of a reason of KICK. A longer one is refused (417); KICKLEN announces it.
    kick_length = 390, 1..=480;
    /// Bytes of an away text. A longer one is refused (417); AWAYLEN announces it.
    away_length = 200, 1..=480;
    /// Entries of each list mode (b, e, I) of one room. One more is refused (478).
    list_modes = 100, 1..=100_000;
    /// Names on one connection's MONITOR list. One more is refused (734).
    monitor = 100, 0..=100_000;
    /// Names that WHOWAS remembers, in the whole server. The oldest is forgotten.
    whowas = 100, 0..=1_000_000;
    /// Bytes of one multiline message. A longer one is refused (FAIL BATCH MULTILINE_MAX_BYTES).
    multiline_bytes = 4_096, 512..=1_048_576;
    /// Lines of one multiline message. A longer one is refused (FAIL BATCH MULTILINE_MAX_LINES).
    multiline_lines = 64, 1..=10_000;
    /// Metadata keys of one person or room. One more is refused (FAIL METADATA LIMIT_REACHED).
    metadata_keys = 20, 0..=10_000;
    /// Accounts that stay when all their devices are gone (`accounts.always_on`). One more goes with its last device
    /// (FAIL PERSISTENCE LIMIT_REACHED).
    always_on = 10_000, 0..=10_000_000;
    /// Rooms that one person may be in. One more is refused (405).
    rooms_per_client = 200, 1..=100_000;
    /// Bytes in one connection's outbox, not yet taken by the kernel. Over it the connection is closed; nobody waits.
    sendq_bytes = 1_048_576, 16_384..=1_073_741_824;
    /// Bytes of one line and its tags, or of one WebSocket message, that is under way. Over it the connection is closed
    /// (WebSocket: 1009); a line below it that is longer than IRC has them is refused (417).
    recvq_bytes = 16_384, 8_704..=1_048_576;
    /// Connections at a time, of all kinds; 0: what the process's limit on open files allows. At the limit, new
    /// ones are told so and closed, a few at a time, and the rest wait in the kernel's queue.
    connections = 0, 0..=10_000_000;
    /// Connections at a time from one address (one /64 of IPv6, on the local network one machine). One more is told so and closed.
    connections_per_address = 64, 1..=10_000_000;
    /// Seconds for a TLS hello, a PROXY header, an HTTP header with its WebSocket upgrade; from accept, and no byte
    /// extends it. Then the connection is closed.
    handshake_seconds = 10, 1..=600;
    /// Seconds from accept to the end of registration; absolute too. Then the connection is closed.
    register_seconds = 30, 1..=3_600;
    /// Seconds in which an outbox makes no progress at all. Then the connection is closed.
    stalled_seconds = 30, 1..=3_600;
    /// SO_SNDBUF of accepted sockets, so that the kernel does not hide a stuck reader; 0: the kernel's own choice.
    socket_send_buffer_bytes = 262_144, 0..=67_108_864;
    /// Seconds without a byte from a client until it is sent a PING; after as long again without an answer it is closed.
    ping_seconds = 120, 1..=86_400;
}

impl Limits {
    pub fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds as u64)
    }

    pub fn register(&self) -> Duration {
        Duration::from_secs(self.register_seconds as u64)
    }

    pub fn stalled(&self) -> Duration {
        Duration::from_secs(self.stalled_seconds as u64)
    }

    pub fn ping(&self) -> Duration {
        Duration::from_secs(self.ping_seconds as u64)
    }
}

/// Why a new connection is turned away before anything was read from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdmissionRefusal {
    /// `limits.connections`, or no free file descriptor but those kept for operators.
    TooManyConnections,
    /// `limits.connections_per_address`.
    TooManyFromAddress,
    /// `flood.connections_per_minute`.
    TooFast,
    /// The server is stopping.
    Stopping,
    /// The address is banned from connecting (DLINE).
    Banned,
}

impl AdmissionRefusal {
    pub const ALL: [AdmissionRefusal; 5] = [
        AdmissionRefusal::TooManyConnections,
        AdmissionRefusal::TooManyFromAddress,
        AdmissionRefusal::TooFast,
        AdmissionRefusal::Stopping,
        AdmissionRefusal::Banned,
    ];

    /// The label in metrics.
    pub fn word(self) -> &'static str {
        match self {
            AdmissionRefusal::TooManyConnections => "too_many_connections",
            AdmissionRefusal::TooManyFromAddress => "too_many_from_address",
            AdmissionRefusal::TooFast => "too_fast",
            AdmissionRefusal::Stopping => "stopping",
            AdmissionRefusal::Banned => "banned",
        }
    }
}

/// What the person who is turned away gets to read.
impl fmt::Display for AdmissionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdmissionRefusal::TooManyConnections => "The server is full; try again later",
            AdmissionRefusal::TooManyFromAddress => "Too many connections from your address; close one first",
            AdmissionRefusal::TooFast => "Too many new connections from your address; wait a minute",
            AdmissionRefusal::Stopping => "The server is stopping; try again in a moment",
            AdmissionRefusal::Banned => "Your address is banned from this server",
        })
    }
}

// ---- Listening and accepting

/// Connections that the kernel holds for us until they are accepted. More get no answer until there is room, and their
/// kernels try again after a second. Linux cuts it at net.core.somaxconn, which is 4096 since 5.4.
pub const LISTEN_BACKLOG: i32 = 4_096;

/// How long accepting pauses after EMFILE or ENFILE. Long enough to cost nothing, short enough that a freed descriptor is
/// used within the same second.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Descriptors that connections never take: listeners, the database and its readers, epoll and wakers of each thread,
/// log, backups. Connections beyond are not accepted. Where few are to be had it is half of them, but never less than
/// [`FEWEST_RESERVED_OPEN_FILES`] and those of the shards.
pub const RESERVED_OPEN_FILES: usize = 128;

/// What the server itself has open at the least, its shards aside, with some to spare for a backup and the command line.
pub const FEWEST_RESERVED_OPEN_FILES: usize = 48;

/// Descriptors of one shard: epoll and waker, and what its core adds elsewhere.
pub const OPEN_FILES_OF_A_SHARD: usize = 4;

/// Places for connections that only addresses in `flood.exempt` may take, so that an operator gets in when the server is
/// full for everyone else; of a server with few places, a quarter of them.
pub const KEPT_PLACES: usize = 16;

// ---- One line

/// Bytes of a line without its tags, CR LF included (RFC 1459 section 2.3). A longer one is refused with 417.
pub const LINE_BYTES: usize = 512;

/// Bytes of the tags that a client may send, `@` and the space included (message-tags: 4,094 of data). 417 beyond.
pub const CLIENT_TAG_BYTES: usize = 4_096;

/// Bytes of all tags of a line that we send, `@` and the space included (message-tags: 8,191).
pub const ALL_TAG_BYTES: usize = 8_191;

// ---- Queues between threads

/// Commands that one shard may have on their way to the hub. At the limit the shard stops reading from its sockets until
/// the hub has taken a batch, so the senders' kernels slow them down; nothing is lost.
pub const SHARD_TO_HUB_COMMANDS: usize = 16_384;

/// How long the hub works on commands before it hands out what follows from them, so that nobody waits for all of a crowd
/// that comes or goes at once. The rest has the next turn.
pub const HUB_TURN: Duration = Duration::from_millis(50);

/// A turn of the hub that takes more of the processor than this is a fault of ours, counted and complained of.
pub const HUB_TURN_AT_MOST: Duration = Duration::from_millis(100);

/// Commands between two looks at the clock.
pub const HUB_TURN_STEP_COMMANDS: usize = 32;

/// Effects that the hub may have on their way to one shard. At the limit the hub waits for that shard; it stays bounded
/// because a shard never waits for a socket.
pub const HUB_TO_SHARD_EFFECTS: usize = 262_144;

/// Commands in one commit of the log. More wait for the next commit, which starts as soon as this one is flushed.
pub const COMMIT_BATCH_COMMANDS: usize = 8_192;

/// Passwords waiting to be hashed. One more is refused at once as a failed attempt that may be repeated.
pub const PASSWORD_QUEUE: usize = 64;

/// History requests waiting for a reader. One more is refused (FAIL CHATHISTORY MESSAGE_ERROR).
pub const READER_QUEUE: usize = 256;

/// Searches waiting for their turn. One more is refused (FAIL SEARCH INTERNAL_ERROR).
pub const SEARCH_QUEUE: usize = 64;

/// How long one search may take. Then it is ended, and what it has found by then is shown as not complete (FAIL or WARN
/// SEARCH TIME_LIMIT).
pub const SEARCH_TIME: Duration = Duration::from_millis(100);

/// Connections that wait for the name of their address at a time (`server.lookup_hostnames`). One more is not looked up:
/// its host is cloaked.
pub const HOST_LOOKUP_QUEUE: usize = 256;

/// Threads that wait for the resolver, started as they are needed. When all are busy, lookups wait in the queue.
pub const HOST_LOOKUP_THREADS: usize = 8;

/// Whole seconds that a registration waits for the name of its address; it is looked at once a second, so it may be one
/// more. Then it goes on, and the host is cloaked. What still stands in the queue then is not asked for any more.
pub const HOST_LOOKUP_PATIENCE: Duration = Duration::from_secs(2);

/// Bytes that one shard reads from a socket at a time. The rest waits in the kernel until the other sockets had their turn.
pub const READ_CHUNK_BYTES: usize = 16_384;

// ---- TLS

/// Bytes that rustls may hold of one connection in either direction on top of what our own outbox holds: a full record
/// and its overhead. Writers see a short write and keep the rest in the outbox.
pub const TLS_BUFFER_BYTES: usize = 32_768;

/// TLS 1.3 tickets sent after a handshake: one is enough for a client that reconnects one device at a time.
pub const TLS_TICKETS: usize = 1;

// ---- HTTP

/// Bytes of one HTTP request's header. More is answered with 431 and closed.
pub const HTTP_HEADER_BYTES: usize = 16_384;

/// Header lines of one HTTP request. More is answered with 431 and closed.
pub const HTTP_HEADER_LINES: usize = 64;

/// HTTP connections that are not (yet) a WebSocket, at a time, of all addresses; some 10 KiB each. More wait in the
/// kernel's queue. Enough that thousands who dawdle through their handshake keep nobody out.
pub const HTTP_CONNECTIONS: usize = 16_384;

/// Bytes of what is sent to log in: a password of the most bytes, with everything escaped. More is answered with 413 and closed.
pub const HTTP_BODY_BYTES: usize = 16_384;

/// How long a browser that logs in waits for the hub, or for the pool of passwords. Then it is answered 503.
pub const HTTP_ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// A plain HTTP connection, kept alive or not, ends after this long, so that a slow reader of the page holds nothing.
pub const HTTP_CONNECTION_LIFE: Duration = Duration::from_secs(60);

/// The same of one over which an account is exported, which can be long.
pub const EXPORT_LIFE: Duration = Duration::from_secs(1_800);

/// How long a link to an export is good. After that it is none.
pub const EXPORT_LINK_LIFE: Duration = Duration::from_secs(600);

/// Exports that are written at a time. One more is told to come again (503).
pub const EXPORTS: usize = 4;

/// How long a piece of an export may wait to be taken. Then it is cut off.
pub const EXPORT_STALL: Duration = Duration::from_secs(30);

/// Links that are good at a time. One more is refused (FAIL ACCOUNT TEMPORARILY_UNAVAILABLE).
pub const EXPORT_LINKS: usize = 1_024;

/// How long after an export was begun its account is given no other link.
pub const EXPORT_PAUSE: Duration = Duration::from_secs(600);

/// Bytes of a piece of an export, and pieces that wait for whoever reads it. Then reading waits too.
pub const EXPORT_CHUNK_BYTES: usize = 65_536;
pub const EXPORT_CHUNKS: usize = 4;

/// Bytes of a PROXY header (v1 has 107; v2 is as long as its fields). A longer one is no header, and the connection is
/// closed.
pub const PROXY_HEADER_BYTES: usize = 4_096;

// ---- The rest

/// Lines of the log about one cause: one in so long a time. The others are counted and the count is logged.
pub const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// How long a start waits for the data folder while another process has it: a command about accounts, or the server before
/// that is just ending. Then it is refused.
pub const FOLDER_PATIENCE: Duration = Duration::from_secs(2);

/// From SIGTERM to the end of the process, whatever happens.
pub const STOP_DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_in_order() {
        for bound in BOUNDS {
            assert!((bound.least..=bound.most).contains(&bound.default), "{}", bound.key);
        }
        assert_eq!(Limits::from_configured(|_| None), Limits::default());
        let chosen = Limits::from_configured(|bound| (bound.key == "ping_seconds").then_some(7));
        assert_eq!(chosen, Limits { ping_seconds: 7, ..Limits::default() });
    }

    #[test]
    fn a_line_with_all_its_tags_fits_the_smallest_receive_queue() {
        let least = BOUNDS.iter().find(|bound| bound.key == "recvq_bytes").map_or(0, |bound| bound.least);
        assert!(least >= CLIENT_TAG_BYTES + LINE_BYTES);
        assert!(least >= ALL_TAG_BYTES + LINE_BYTES);
    }
}
