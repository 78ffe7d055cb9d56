//! What the bytes of an event depend on: clients of one form are sent the same bytes.

use wire::{Capability, CapabilitySet};

/// The capabilities in force on a connection, as far as they change how an event looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Form(CapabilitySet);

impl Form {
    /// A client that negotiated nothing.
    pub const PLAIN: Form = Form(CapabilitySet::EMPTY);

    /// Everything that a form can consist of. Two clients that differ in anything else share their bytes.
    const RELEVANT: CapabilitySet = CapabilitySet::of(&[
        Capability::AccountNotify,
        Capability::AccountTag,
        Capability::AwayNotify,
        Capability::Chghost,
        Capability::ExtendedJoin,
        Capability::InviteNotify,
        Capability::MessageEdit,
        Capability::Metadata2,
        Capability::Metadata3,
        Capability::MessageRedaction,
        Capability::MessageTags,
        Capability::Multiline,
        Capability::Relaymsg,
        Capability::ServerTime,
        Capability::Setname,
        Capability::ParlorIdentity,
        Capability::ParlorPins,
    ]);

    pub fn of(capabilities: CapabilitySet) -> Form {
        Form(capabilities.effective().intersection(Form::RELEVANT))
    }

    pub const fn has(self, capability: Capability) -> bool {
        self.0.contains(capability)
    }

    /// A number that differs between forms, for a cache of rendered lines.
    pub const fn bits(self) -> u64 {
        self.0.bits()
    }
}
