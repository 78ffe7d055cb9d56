//! What is too slow for a shard, as a session asks for it, and what comes of it.

use chat::audit::{AuditEntry, AuditFilter};
use chat::history::{EarlierText, FoundMessage, Grant, Item, Stretch, View};
use chat::id::{ClientId, MessageId, Position, Timestamp};
use chat::message::{Message, MessageState};
use chat::report::{ReportNumber, ReportedText};
use chat::search::Search;
use chat::snapshot::ScramKeys;
use chat::unread::{Unread, UnreadQuestion};
use compact_str::CompactString;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Something slow, to be done off the shard's thread. The result comes to [`crate::Session::work_done`] with the ticket.
#[derive(Debug)]
pub enum Work {
    CheckPassword {
        ticket: u32,
        /// `None`: there is nothing to check against; the same time is to be spent on a dummy, and the answer is no.
        hash: Option<Box<str>>,
        password: Zeroizing<String>,
    },
    HashPassword {
        ticket: u32,
        password: Zeroizing<String>,
        /// SCRAM keys are wanted too.
        scram: bool,
    },
    /// Old messages, from the store.
    ReadHistory { ticket: u32, grant: Box<Grant>, stretch: Stretch, view: View, limit: usize },
    /// One message, or a signal that was kept, by its id.
    FindMessage { ticket: u32, grant: Box<Grant>, id: MessageId },
    /// Messages of one conversation, each by its place and its id.
    FindMessages { ticket: u32, grant: Box<Grant>, which: Vec<(Position, MessageId)> },
    /// What is kept of the messages that these reports are about.
    ReadReported { ticket: u32, numbers: Vec<ReportNumber> },
    /// What a message said before it was edited.
    ReadEarlierTexts { ticket: u32, grant: Box<Grant>, id: MessageId },
    /// In which of these conversations a message stands, by its id alone.
    FindConversation { ticket: u32, grants: Vec<Grant>, id: MessageId },
    /// When something was last said in each of these conversations.
    ReadLatestTimes { ticket: u32, grants: Vec<Grant> },
    /// How much of each conversation is unread.
    CountUnread { ticket: u32, question: Box<UnreadQuestion> },
    /// What is noted of who did what.
    ReadAudit { ticket: u32, filter: Box<AuditFilter> },
    /// 128 bits of chance, for a secret that the client is given.
    DrawToken { ticket: u32 },
    /// A link to all that is kept of this account, as of whose record these are its proofs.
    OfferExport { ticket: u32, account: ClientId, proofs_since: Timestamp },
    /// Old messages of these conversations that are searched for.
    Search { ticket: u32, grants: Vec<Grant>, search: Box<Search>, limit: usize },
    /// That the hub has all that anyone's connection had to read by now.
    CatchUp { ticket: u32 },
    /// What the server's end of this connection looks like.
    SeeConnection { ticket: u32 },
    /// The name of an address, from the domain name system. Only while the session registers.
    LookUpHost { ticket: u32, address: IpAddr },
}

/// One connection as the server's end sees it. What is not known is left out.
#[derive(Debug, Default)]
pub struct ConnectionSeen {
    /// The two ends of the socket. With a proxy between them the person is elsewhere.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    pub tls: Vec<Fact>,
    pub tcp: Vec<Fact>,
    pub link: Vec<Fact>,
}

/// A name and what it is; neither has a space.
pub type Fact = (&'static str, String);

#[derive(Debug)]
pub enum WorkResult {
    Checked {
        matches: bool,
    },
    Hashed {
        hash: Box<str>,
        scram: Option<Box<ScramKeys>>,
    },
    /// The password is too easily guessed; one sentence that says so to its owner.
    Weak {
        why: &'static str,
    },
    Drawn(Zeroizing<[u8; 16]>),
    /// A link that is good once, for so long.
    Offered {
        url: String,
        seconds: u64,
    },
    /// There is nothing of the kind on this server.
    Unavailable,
    /// The newest first.
    Audit(Vec<AuditEntry>),
    /// The oldest first. `of`: the conversation's name.
    Page {
        of: CompactString,
        items: Vec<Item>,
    },
    /// `None`: there is none that the reader may see.
    Found(Option<(Arc<Message>, MessageState)>),
    /// `None`: in none of those that the reader may see.
    FoundIn(Option<Box<Grant>>),
    /// In the order in which they were asked for; `None`: there is none that the reader may see.
    FoundAll(Vec<Option<FoundMessage>>),
    /// In the order in which they were asked for.
    Reported(Vec<ReportedText>),
    /// The oldest first. `None`: there is no such message that the reader may see.
    EarlierTexts(Option<Vec<EarlierText>>),
    /// In the order of the grants; `None`: nothing was said there.
    LatestTimes(Vec<Option<Timestamp>>),
    /// In the order of the conversations.
    Unread(Vec<Unread>),
    /// The oldest first. Not complete: the time for it was over.
    Searched {
        messages: Vec<Arc<Message>>,
        complete: bool,
    },
    /// What was there to be read has been handed to the hub.
    CaughtUp,
    Connection(Box<ConnectionSeen>),
    /// A name that resolves to the address again; `None`: there is none, or it was not found in time.
    Host(Option<CompactString>),
    /// The store could not be read.
    Unreadable,
    /// The pool takes nothing more just now.
    Busy,
}
