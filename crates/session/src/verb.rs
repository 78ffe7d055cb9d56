//! The verbs that clients can say, in one table, one file each.

pub(crate) mod accept;
pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod authenticate;
pub(crate) mod away;
pub(crate) mod batch;
pub(crate) mod cap;
pub(crate) mod chathistory;
pub(crate) mod chghost;
pub(crate) mod connection;
pub(crate) mod devices;
pub(crate) mod die;
pub(crate) mod edit;
pub(crate) mod edits;
pub(crate) mod error;
pub(crate) mod group;
pub(crate) mod help;
pub(crate) mod info;
pub(crate) mod invite;
pub(crate) mod invitelink;
pub(crate) mod ison;
pub(crate) mod isupport;
pub(crate) mod join;
pub(crate) mod kick;
pub(crate) mod kill;
pub(crate) mod kline;
pub(crate) mod knock;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod lusers;
pub(crate) mod markread;
pub(crate) mod members;
pub(crate) mod metadata;
pub(crate) mod mode;
pub(crate) mod monitor;
pub(crate) mod motd;
pub(crate) mod names;
pub(crate) mod nick;
pub(crate) mod notice;
pub(crate) mod oper;
pub(crate) mod part;
pub(crate) mod pass;
pub(crate) mod password;
pub(crate) mod persistence;
pub(crate) mod pin;
pub(crate) mod ping;
pub(crate) mod pins;
pub(crate) mod pong;
pub(crate) mod privmsg;
pub(crate) mod quit;
pub(crate) mod redact;
pub(crate) mod register;
pub(crate) mod rehash;
pub(crate) mod relaymsg;
pub(crate) mod rename;
pub(crate) mod report;
pub(crate) mod reports;
pub(crate) mod restart;
pub(crate) mod search;
pub(crate) mod setname;
pub(crate) mod stats;
pub(crate) mod tagmsg;
pub(crate) mod tban;
pub(crate) mod time;
pub(crate) mod topic;
pub(crate) mod unread;
pub(crate) mod user;
pub(crate) mod userhost;
pub(crate) mod userip;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod wallops;
pub(crate) mod webirc;
pub(crate) mod who;
pub(crate) mod whois;
pub(crate) mod whowas;

use crate::confirmation::Confirmation;
use crate::login::Attempt;
use crate::turn::Turn;
use chat::audit::AuditFilter;
use chat::id::MessageId;
use chat::report::ReportView;
use chat::unread::UnreadQuestion;
use compact_str::CompactString;
use wire::Line;

/// One verb.
#[derive(Debug)]
pub struct Verb {
    /// Upper case.
    pub name: &'static str,
    /// Fewer parameters are answered with 461.
    pub parameters: usize,
    pub phase: Phase,
    /// How many lines it counts for against flooding.
    pub cost: u8,
    pub receive: fn(&mut Turn<'_>, &Line<'_>),
    /// Its parameters, and a sentence (HELP).
    pub help: &'static str,
}

/// When a verb may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before registration is complete; later 462.
    Unregistered,
    /// Afterwards; earlier 451.
    Registered,
    Any,
}

/// Bytes of the longest name, and some to spare.
const LONGEST: usize = 16;

impl Verb {
    /// The verb of that name, in any ASCII case.
    pub fn find(name: &str) -> Option<&'static Verb> {
        let mut upper = [0; LONGEST];
        let upper = upper.get_mut(..name.len())?;
        upper.copy_from_slice(name.as_bytes());
        upper.make_ascii_uppercase();
        let at = VERBS.binary_search_by(|verb| verb.name.as_bytes().cmp(upper)).ok()?;
        Some(&VERBS[at])
    }
}

/// What the answers of a request need to know of the line that asked. One a request.
///
/// Those of logins, registration and the verbs named here are worked on where they are made; all others are passed to
/// `answer.rs`.
#[derive(Debug)]
pub(crate) enum Awaiting {
    /// The session's own arrival.
    Arrival,
    /// The check of the server's password.
    ServerPassword,
    Login(Box<Attempt>),
    /// PASSWORD and ACCOUNT, from the check of the password on.
    Confirmation(Box<Confirmation>),
    /// OPER with this name.
    Operator {
        name: CompactString,
    },
    /// WEBIRC.
    Gateway(Box<webirc::Claim>),
    /// NICK.
    Rename,
    /// PING with this token.
    Ping {
        token: CompactString,
    },
    /// INVITELINK, until the link is there.
    InviteLink(Box<invitelink::Asked>),
    /// AUDIT, until it is read.
    Audit(Box<AuditFilter>),
    /// ACCOUNT EXPORT.
    Export,
    /// REGISTER.
    Register(Box<register::Application>),

    /// CHATHISTORY, from the leave to read to what was read.
    History(Box<chathistory::Asked>),
    /// SEARCH, likewise.
    Search(Box<crate::search_words::Asked>),

    /// What concerns a message that was said before, from the leave to read to what was found.
    Lookup(Box<crate::lookup::Asked>),

    /// PINS, until the messages are found.
    Pins(Box<pins::Asked>),
    /// REPORTS, until the texts are read.
    Reports(Vec<ReportView>),
    /// UNREAD of these conversations, which are being counted.
    Unread {
        names: Vec<CompactString>,
        as_of: MessageId,
    },
    /// What one missed of these conversations, which is being counted.
    Missed(Box<UnreadQuestion>),
    /// METADATA.
    Metadata(Box<metadata::Asked>),

    /// What the line was about, as it was written there.
    About(CompactString),
    /// Nothing but being allowed, which the hub says by not refusing.
    Permission,
    /// NAMES of so many rooms that are not answered yet.
    Names {
        asked: CompactString,
        left: usize,
    },
    /// WHO of this mask, perhaps with fields on demand.
    Who {
        mask: CompactString,
        whox: Option<who::Whox>,
    },
    /// STATS with this letter.
    Stats {
        letter: char,
    },
}

/// No verb: for what comes unasked.
pub(crate) static NONE: Verb =
    Verb { name: "*", parameters: 0, phase: Phase::Any, cost: 1, receive: |_, _| {}, help: "" };

/// Sorted by name.
pub static VERBS: &[Verb] = &[
    accept::VERB,
    account::VERB,
    admin::VERB,
    audit::VERB,
    authenticate::VERB,
    away::VERB,
    batch::VERB,
    cap::VERB,
    chathistory::VERB,
    chghost::VERB,
    connection::VERB,
    devices::VERB,
    die::VERB,
    kline::DLINE,
    edit::VERB,
    edits::VERB,
    error::VERB,
    group::VERB,
    help::VERB,
    help::HELPOP,
    info::VERB,
    invite::VERB,
    invitelink::VERB,
    ison::VERB,
    isupport::VERB,
    join::VERB,
    kick::VERB,
    kill::VERB,
    kline::VERB,
    knock::VERB,
    links::VERB,
    list::VERB,
    lusers::VERB,
    markread::VERB,
    members::VERB,
    metadata::VERB,
    mode::VERB,
    monitor::VERB,
    motd::VERB,
    names::VERB,
    nick::VERB,
    notice::VERB,
    oper::VERB,
    part::VERB,
    pass::VERB,
    password::VERB,
    persistence::VERB,
    pin::VERB,
    ping::VERB,
    pins::VERB,
    pong::VERB,
    privmsg::VERB,
    quit::VERB,
    redact::VERB,
    register::VERB,
    rehash::VERB,
    relaymsg::VERB,
    rename::VERB,
    report::VERB,
    reports::VERB,
    restart::VERB,
    search::VERB,
    setname::VERB,
    stats::VERB,
    tagmsg::VERB,
    tban::VERB,
    time::VERB,
    topic::VERB,
    kline::UNDLINE,
    kline::UNKLINE,
    pin::UNPIN,
    unread::VERB,
    user::VERB,
    userhost::VERB,
    userip::VERB,
    verify::VERB,
    version::VERB,
    wallops::VERB,
    webirc::VERB,
    who::VERB,
    whois::VERB,
    whowas::VERB,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found() {
        for pair in VERBS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} stands before {}", pair[0].name, pair[1].name);
        }
        for verb in VERBS {
            assert!(verb.name.len() <= LONGEST && verb.name.bytes().all(|byte| byte.is_ascii_uppercase()));
            assert!(std::ptr::eq(Verb::find(&verb.name.to_ascii_lowercase()).unwrap(), verb));
            assert!(verb.parameters <= wire::MAX_PARAMS && verb.cost > 0 && !verb.help.is_empty());
        }
        assert!(Verb::find("").is_none() && Verb::find("NOSUCH").is_none());
    }
}
