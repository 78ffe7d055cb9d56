//! Agreeing on capabilities (IRCv3 capability-negotiation): what is offered to whom, and what is in force.

use crate::facts::{Configured, ServerFacts};
use crate::session::Session;
use crate::turn::Turn;
use crate::verb;
use chat::metadata::SUBSCRIPTIONS;
use chat::pin::PINS;
use compact_str::{CompactString, format_compact};
use std::fmt::Write as _;
use wire::{Capability, CapabilitySet};

/// Everything that this server can do.
pub const OFFERED: CapabilitySet = CapabilitySet::of(&[
    Capability::AccountNotify,
    Capability::AccountTag,
    Capability::AwayNotify,
    Capability::Batch,
    Capability::CapNotify,
    Capability::ChannelRename,
    Capability::Chghost,
    Capability::EchoMessage,
    Capability::ExtendedJoin,
    Capability::ExtendedMonitor,
    Capability::InviteNotify,
    Capability::LabeledResponse,
    Capability::MessageTags,
    Capability::MultiPrefix,
    Capability::NoImplicitNames,
    Capability::Sasl,
    Capability::ServerTime,
    Capability::Setname,
    Capability::StandardReplies,
    Capability::Sts,
    Capability::UserhostInNames,
    Capability::AccountRegistration,
    Capability::Chathistory,
    Capability::EventPlayback,
    Capability::ExtendedIsupport,
    Capability::MessageEdit,
    Capability::MessageRedaction,
    Capability::Multiline,
    Capability::Metadata2,
    Capability::Metadata3,
    Capability::Persistence,
    Capability::PreAway,
    Capability::ReadMarker,
    Capability::Relaymsg,
    Capability::ParlorDevices,
    Capability::ParlorConnection,
    Capability::ParlorGroups,
    Capability::ParlorMembers,
    Capability::ParlorActivity,
    Capability::ParlorUnread,
    Capability::ParlorPins,
    Capability::ParlorReports,
    Capability::Search,
    Capability::ParlorIdentity,
    Capability::ParlorOnce,
]);

/// Those without which a client is lost come first: some clients take the first line for the whole list.
const FIRST: [Capability; 8] = [
    Capability::Sasl,
    Capability::MessageTags,
    Capability::ServerTime,
    Capability::Batch,
    Capability::LabeledResponse,
    Capability::EchoMessage,
    Capability::MultiPrefix,
    Capability::AccountTag,
];

/// A mechanism of SASL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    Plain,
    ScramSha256,
    External,
}

impl Mechanism {
    pub const ALL: [Mechanism; 3] = [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::External];

    pub const fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::External => "EXTERNAL",
        }
    }

    pub fn from_name(name: &str) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

/// The mechanisms that a connection may use.
pub(crate) fn mechanisms(session: &Session, facts: &Configured) -> impl Iterator<Item = Mechanism> {
    let link = &session.link;
    let (login, private, certificate) = (&facts.login, link.is_private(), link.certificate.is_some());
    let allowed = [
        // A password in the clear goes only where nobody can read along.
        login.plain && (private || login.plaintext),
        login.scram_sha_256,
        login.external && certificate,
    ];
    Mechanism::ALL.into_iter().zip(allowed).filter_map(|(mechanism, allowed)| allowed.then_some(mechanism))
}

/// `PLAIN,SCRAM-SHA-256`
pub(crate) fn mechanism_list(session: &Session, facts: &Configured) -> CompactString {
    let mut list = CompactString::default();
    for mechanism in mechanisms(session, facts) {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(mechanism.name());
    }
    list
}

/// What a connection is offered.
pub(crate) fn offered(session: &Session, facts: &Configured) -> CapabilitySet {
    let mut offered = facts.capabilities;
    if mechanisms(session, facts).next().is_none() {
        offered.remove(Capability::Sasl);
    }
    let link = &session.link;
    if !facts.login.registration_open || !(link.is_private() || facts.login.plaintext) {
        offered.remove(Capability::AccountRegistration);
    }
    if facts.sts.is_none() {
        offered.remove(Capability::Sts);
    }
    offered
}

/// The value of a capability for those who know CAP version 302; empty: none.
fn value(capability: Capability, session: &Session, facts: &Configured) -> CompactString {
    match capability {
        Capability::Sasl => mechanism_list(session, facts),
        Capability::AccountRegistration => {
            let mut value = CompactString::const_new("");
            let keys = [
                (facts.login.register_before_connect, "before-connect"),
                (!facts.login.nick_follows_account, "custom-account-name"),
                (facts.login.email_required, "email-required"),
            ];
            for (_, key) in keys.into_iter().filter(|(said, _)| *said) {
                if !value.is_empty() {
                    value.push(',');
                }
                value.push_str(key);
            }
            value
        }
        Capability::Metadata2 | Capability::Metadata3 => format_compact!(
            "before-connect,max-subs={SUBSCRIPTIONS},max-keys={},max-value-bytes={}",
            facts.limits.metadata_keys,
            verb::metadata::most_value_bytes(facts)
        ),
        Capability::Sts => match &facts.sts {
            // sts: the port is for insecure connections, the duration for secure ones.
            Some(sts) if session.link.secure => {
                let preload = if sts.preload { ",preload" } else { "" };
                format_compact!("duration={}{preload}", sts.duration_seconds)
            }
            Some(sts) => format_compact!("port={}", sts.port),
            None => CompactString::default(),
        },
        Capability::ParlorPins => format_compact!("max={PINS}"),
        // What keeps names of people elsewhere apart from those here.
        Capability::Relaymsg => CompactString::const_new("/"),
        Capability::Multiline => {
            let limits = &facts.limits;
            format_compact!("max-bytes={},max-lines={}", limits.multiline_bytes, limits.multiline_lines)
        }
        _ => CompactString::default(),
    }
}

/// The words of CAP LS, those first without which a client is lost.
fn words(session: &Session, facts: &Configured, set: CapabilitySet, values: bool) -> Vec<CompactString> {
    let rest = Capability::ALL.iter().copied().filter(|capability| !FIRST.contains(capability));
    FIRST
        .into_iter()
        .chain(rest)
        .filter(|capability| set.contains(*capability))
        // sts says nothing without its value.
        .filter(|capability| values || *capability != Capability::Sts)
        .map(|capability| {
            let mut word = CompactString::const_new(capability.name());
            let value = if values { value(capability, session, facts) } else { CompactString::default() };
            if !value.is_empty() {
                let _ = write!(word, "={value}");
            }
            word
        })
        .collect()
}

/// `CAP nick LS|LIST|ACK… :words`, on several lines if they must be. `continued`: all lines but the last are marked with
/// `*`, for clients that know CAP version 302.
fn write_words(turn: &mut Turn<'_>, subcommand: &str, words: &[CompactString], continued: bool) {
    let nick = turn.nick().to_owned();
    // The mark of continuation is counted in even where it is not written.
    let budget = wire::text_budget(&turn.facts.server_name, "CAP", &[&nick, subcommand, "*"]);
    let mut rest = words;
    loop {
        let mut used = 0;
        let count = rest
            .iter()
            .take_while(|word| {
                used += word.len() + 1;
                used <= budget + 1
            })
            .count()
            .max(1)
            .min(rest.len());
        let (line, after) = rest.split_at(count);
        rest = after;
        let mut writer = turn.server_line("CAP").param(&nick).param(subcommand);
        if continued && !rest.is_empty() {
            writer = writer.param("*");
        }
        writer.trailing(&line.join(" "));
        // "If a client has not indicated support for CAP LS 302 features, the server MUST NOT send these", such as a list
        // on several lines: the first one has to do.
        let cut = !continued && matches!(subcommand, "LS" | "LIST");
        if rest.is_empty() || cut {
            return;
        }
    }
}

/// CAP LS, with the version that the client gave.
pub(crate) fn list_offered(turn: &mut Turn<'_>, version: Option<&str>) {
    let version: u32 = version.and_then(|version| version.trim().parse().ok()).unwrap_or(301);
    let knows_302 = version >= 302;
    if knows_302 {
        turn.session.cap_302 = true;
        // "When CAP version 302 is enabled, the client also implicitly indicates support for cap-notify."
        turn.session.capabilities.insert(Capability::CapNotify);
    }
    suspend(turn);
    let facts = turn.facts;
    let words = words(turn.session, facts, offered(turn.session, facts), knows_302);
    write_words(turn, "LS", &words, knows_302);
}

/// CAP LIST: what is in force.
pub(crate) fn list_enabled(turn: &mut Turn<'_>) {
    let words: Vec<CompactString> =
        turn.session.capabilities.iter().map(|capability| CompactString::const_new(capability.name())).collect();
    let continued = turn.session.cap_302;
    write_words(turn, "LIST", &words, continued);
}

/// CAP REQ: all of it or nothing.
pub(crate) fn request(turn: &mut Turn<'_>, wanted: &str) {
    suspend(turn);
    let facts = turn.facts;
    let offered = offered(turn.session, facts);
    let words: Vec<CompactString> =
        wanted.split(' ').filter(|word| !word.is_empty()).map(CompactString::from).collect();
    let mut agreed = Some(turn.session.capabilities);
    for word in &words {
        let (name, on) = match word.strip_prefix('-') {
            Some(name) => (name, false),
            None => (word.as_str(), true),
        };
        let known = Capability::from_name(name).filter(|capability| capability.is_requestable());
        agreed = match (agreed, known) {
            (Some(set), Some(capability)) if on && offered.contains(capability) => Some(set.with(capability)),
            // "cap-notify MUST NOT be disabled by clients that use version 302 or later".
            (Some(_), Some(Capability::CapNotify)) if !on && turn.session.cap_302 => None,
            // What was offered once may be laid down later, even when it is offered no more.
            (Some(set), Some(capability)) if !on && facts.capabilities.contains(capability) => {
                Some(set.without(capability))
            }
            _ => None,
        };
    }
    match agreed {
        Some(set) => {
            // What is agreed holds from the line after this one.
            write_words(turn, "ACK", &words, false);
            turn.session.capabilities = set;
        }
        None => write_words(turn, "NAK", &words, false),
    }
}

/// CAP END.
pub(crate) fn end(turn: &mut Turn<'_>) {
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.negotiating = false;
    }
}

/// "The server MUST NOT complete registration until the client sends a CAP END."
fn suspend(turn: &mut Turn<'_>) {
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.negotiating = true;
    }
}

/// CAP NEW and CAP DEL after a reload, for those who asked to be told.
pub(crate) fn announce_changes(turn: &mut Turn<'_>, old: &ServerFacts, new: &ServerFacts) {
    let (before, after) = (offered(turn.session, old), offered(turn.session, new));
    // sts: "Servers MUST NOT send CAP DEL to disable this capability".
    let gone = before.difference(after).without(Capability::Sts);
    turn.session.capabilities = turn.session.capabilities.difference(gone);
    if !turn.session.capabilities.contains(Capability::CapNotify) {
        return;
    }
    let values = turn.session.cap_302;
    let gone = words(turn.session, old, gone, false);
    if !gone.is_empty() {
        write_words(turn, "DEL", &gone, false);
    }
    let was = words(turn.session, old, before, values);
    let mut is = words(turn.session, new, after, values);
    is.retain(|word| !was.contains(word));
    if !is.is_empty() {
        write_words(turn, "NEW", &is, false);
    }
}
