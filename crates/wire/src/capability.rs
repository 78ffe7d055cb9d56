//! The capabilities, in one table, and sets of them.
//!
//! Values (`sasl=PLAIN`, `sts=…`) are what a server says of itself on the day and are not here.

use std::fmt;

/// Declares the enum and everything that needs the whole list.
macro_rules! capabilities {
    ($($(#[$note:meta])* $variant:ident = $name:literal,)+) => {
        /// What a client and a server can agree on with `CAP` (IRCv3 capability-negotiation).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Capability {
            $($(#[$note])* $variant,)+
        }

        impl Capability {
            /// Every capability, in the order in which a server lists them.
            pub const ALL: &[Capability] = &[$(Capability::$variant),+];

            /// The name on the wire. Names are case-sensitive.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Capability::$variant => $name,)+
                }
            }

            pub fn from_name(name: &str) -> Option<Capability> {
                match name {
                    $($name => Some(Capability::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

capabilities! {
    AccountNotify = "account-notify",
    AccountTag = "account-tag",
    AwayNotify = "away-notify",
    Batch = "batch",
    CapNotify = "cap-notify",
    Chghost = "chghost",
    EchoMessage = "echo-message",
    ExtendedJoin = "extended-join",
    ExtendedMonitor = "extended-monitor",
    InviteNotify = "invite-notify",
    LabeledResponse = "labeled-response",
    /// Also brings `msgid` (message-ids has no capability of its own).
    MessageTags = "message-tags",
    MultiPrefix = "multi-prefix",
    NoImplicitNames = "no-implicit-names",
    Sasl = "sasl",
    ServerTime = "server-time",
    Setname = "setname",
    StandardReplies = "standard-replies",
    /// Announced only, never requested (sts "Mechanism").
    Sts = "sts",
    UserhostInNames = "userhost-in-names",
    AccountRegistration = "draft/account-registration",
    ChannelRename = "draft/channel-rename",
    Chathistory = "draft/chathistory",
    EventPlayback = "draft/event-playback",
    ExtendedIsupport = "draft/extended-isupport",
    MessageEdit = "draft/message-edit",
    MessageRedaction = "draft/message-redaction",
    Metadata2 = "draft/metadata-2",
    /// The open proposal after it (ircv3-specifications #613): changes are told as numerics, and other codes.
    Metadata3 = "draft/metadata-3",
    Multiline = "draft/multiline",
    /// Proposal persistence (ircv3-specifications pull request 503).
    Persistence = "draft/persistence",
    PreAway = "draft/pre-away",
    ReadMarker = "draft/read-marker",
    Relaymsg = "draft/relaymsg",
    Search = "soju.im/search",
    /// Ours: UNREAD answers in lines for programs.
    ParlorUnread = "parlor/unread",
    /// Ours: PIN and UNPIN are told as such, and PINS answers in lines for programs.
    ParlorPins = "parlor/pins",
    /// Ours: REPORT and REPORTS answer, and tell, in lines for programs.
    ParlorReports = "parlor/reports",
    /// Ours: DEVICES answers in lines for programs.
    ParlorDevices = "parlor/devices",
    /// Ours: CONNECTION answers in lines for programs.
    ParlorConnection = "parlor/connection",
    /// Ours: the tag `parlor/activity` on the rooms that LIST shows, when something was last said there.
    ParlorActivity = "parlor/activity",
    /// Ours: GROUP answers in lines for programs.
    ParlorGroups = "parlor/groups",
    /// Ours: MEMBERS answers in lines for programs.
    ParlorMembers = "parlor/members",
    /// Ours: the tags `parlor/sender-id` and `parlor/room-id` on every message.
    ParlorIdentity = "parlor/identity",
    /// Ours: the tag `parlor/once` on a client's message, its key against posting twice.
    ParlorOnce = "parlor/once",
}

impl Capability {
    /// The capabilities that must be on too for this one to be used. Order does not matter and no request is refused
    /// for it: until they are there, this one has no effect ([`CapabilitySet::effective`]).
    pub const fn requires(self) -> CapabilitySet {
        match self {
            // "depends on the batch capability which MUST be negotiated to use" it: labeled-response, multiline and
            // metadata, each in its introduction.
            Capability::LabeledResponse | Capability::Multiline | Capability::Metadata2 | Capability::Metadata3 => {
                CapabilitySet::of(&[Capability::Batch])
            }
            Capability::ParlorPins => CapabilitySet::of(&[Capability::Batch, Capability::MessageTags]),
            // message-redaction and message-edit "Dependencies": they speak of messages by their msgid.
            Capability::MessageRedaction | Capability::MessageEdit => CapabilitySet::of(&[Capability::MessageTags]),
            _ => CapabilitySet::EMPTY,
        }
    }

    /// Whether a client may name it in `CAP REQ`; a server answers NAK otherwise.
    pub const fn is_requestable(self) -> bool {
        !matches!(self, Capability::Sts)
    }

    /// Whether it puts tags on lines to the client, message-tags "Capabilities" (and labeled-response's `label`).
    pub const fn uses_tags(self) -> bool {
        matches!(
            self,
            Capability::AccountTag
                | Capability::Batch
                | Capability::LabeledResponse
                | Capability::MessageTags
                | Capability::ParlorActivity
                | Capability::ServerTime
        )
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of capabilities, one bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CapabilitySet(u64);

const _: () = assert!(Capability::ALL.len() <= 64, "CapabilitySet has 64 bits");

impl CapabilitySet {
    pub const EMPTY: CapabilitySet = CapabilitySet(0);

    pub const fn of(capabilities: &[Capability]) -> CapabilitySet {
        let mut set = CapabilitySet::EMPTY;
        let mut at = 0;
        while at < capabilities.len() {
            set = set.with(capabilities[at]);
            at += 1;
        }
        set
    }

    pub const fn with(self, capability: Capability) -> CapabilitySet {
        CapabilitySet(self.0 | 1 << capability as u8)
    }

    pub const fn without(self, capability: Capability) -> CapabilitySet {
        CapabilitySet(self.0 & !(1 << capability as u8))
    }

    pub const fn insert(&mut self, capability: Capability) {
        *self = self.with(capability);
    }

    pub const fn remove(&mut self, capability: Capability) {
        *self = self.without(capability);
    }

    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u8 != 0
    }

    pub const fn contains_all(self, other: CapabilitySet) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn union(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 | other.0)
    }

    pub const fn intersection(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & other.0)
    }

    pub const fn difference(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & !other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The members, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |&capability| self.contains(capability))
    }

    /// Those members whose requirements are members too: what is really in force.
    pub fn effective(self) -> CapabilitySet {
        self.iter().filter(|capability| self.contains_all(capability.requires())).collect()
    }

    /// The set as a number, for a key of a cache of rendered lines.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> CapabilitySet {
        capabilities.into_iter().fold(CapabilitySet::EMPTY, CapabilitySet::with)
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_capability_is_found_by_its_name_and_no_two_share_one() {
        let mut names = BTreeSet::new();
        for &capability in Capability::ALL {
            let name = capability.name();
            assert_eq!(Capability::from_name(name), Some(capability));
            assert!(names.insert(name), "{name} twice");
            // capability-negotiation: a name has no space, `=` or control character, and does not begin with `-`.
            assert!(name.bytes().all(|b| b.is_ascii_graphic() && b != b'='), "{name}");
            assert!(!name.starts_with('-'), "{name}");
        }
        for unknown in ["", "BATCH", "batch=", "draft/batch", "msgid"] {
            assert_eq!(Capability::from_name(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn each_has_its_own_bit() {
        for (place, &capability) in Capability::ALL.iter().enumerate() {
            assert_eq!(capability as usize, place);
            let alone = CapabilitySet::of(&[capability]);
            assert_eq!(alone.len(), 1);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [capability]);
            assert!(alone.without(capability).is_empty());
        }
        let all: CapabilitySet = Capability::ALL.iter().copied().collect();
        assert_eq!(all.len(), Capability::ALL.len());
        assert!(all.iter().eq(Capability::ALL.iter().copied()));
    }

    #[test]
    fn sets() {
        const TAGGED: CapabilitySet = CapabilitySet::of(&[Capability::MessageTags, Capability::ServerTime]);
        let mut set = CapabilitySet::EMPTY;
        set.insert(Capability::ServerTime);
        assert!(set.contains(Capability::ServerTime) && !set.contains(Capability::MessageTags));
        assert!(TAGGED.contains_all(set) && !set.contains_all(TAGGED));
        assert_eq!(TAGGED.intersection(set), set);
        assert_eq!(TAGGED.difference(set), CapabilitySet::of(&[Capability::MessageTags]));
        assert_eq!(set.union(TAGGED), TAGGED);
        set.remove(Capability::ServerTime);
        assert!(set.is_empty());
        assert_eq!(format!("{TAGGED:?}"), "{MessageTags, ServerTime}");
    }

    #[test]
    fn a_capability_has_no_effect_without_what_it_requires() {
        for &capability in Capability::ALL {
            let requires = capability.requires();
            assert!(!requires.contains(capability));
            let alone = CapabilitySet::of(&[capability]);
            assert_eq!(alone.effective().contains(capability), requires.is_empty(), "{capability}");
            let together = alone.union(requires);
            assert_eq!(together.effective(), together, "{capability}");
        }
    }
}
