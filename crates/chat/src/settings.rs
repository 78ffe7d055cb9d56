//! What the configuration says about people and rooms. Given at start and again on a reload.

use crate::name::NameRules;
use crate::refusal::Rights;
use compact_str::CompactString;

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub name_rules: NameRules,
    /// Rooms that exist from the start (`rooms.auto_join`); they can't vanish.
    pub standing_rooms: Vec<CompactString>,
    pub room_creation: RoomCreation,
    /// Guests may use the server.
    pub guests: bool,
    pub registration_open: bool,
    /// Guests may write to accounts that are not here.
    pub guests_reach_absent: bool,
    pub nick_protection: bool,
    pub nick_follows_account: bool,
    pub always_on: AlwaysOn,
    /// Accounts that may stay without a device.
    pub always_on_accounts: usize,
    /// For how long, in milliseconds; `None`: for ever.
    pub always_on_ms: Option<u64>,
    /// How long a broken connection of an account stays unannounced, in milliseconds.
    pub grace_ms: u64,
    /// Failed password checks allowed in a minute for one account from one address, and for one address.
    pub login_attempts_per_account: u32,
    pub login_attempts_per_address: u32,
    /// New rooms start with these.
    pub rooms_per_client: usize,
    pub list_entries: usize,
    pub monitor_entries: usize,
    /// Metadata keys of one person or room.
    pub metadata_keys: usize,
    pub whowas_entries: usize,
    /// How long messages are kept, in milliseconds; `None`: for ever. A room may keep its own for a shorter time.
    pub retention_ms: Option<u64>,
    /// Recent messages held in memory, a room.
    pub recent_messages: usize,
    /// Rights of each configured operator, by name: an operator login names one of them.
    pub operators: Vec<OperatorRule>,
    /// Answers of WHO, LIST and the like stop after so many rows.
    pub answer_rows: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OperatorRule {
    pub name: CompactString,
    pub rights: Rights,
    /// How WHOIS describes such a person.
    pub title: CompactString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomCreation {
    Anyone,
    Accounts,
    Operators,
}

/// Who stays when all her devices are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlwaysOn {
    Disabled,
    OptIn,
    OptOut,
    Mandatory,
}

impl AlwaysOn {
    /// Whether someone stays who says so herself, or with `None` says nothing.
    pub fn holds_for(self, choice: Option<bool>) -> bool {
        match self {
            AlwaysOn::Disabled => false,
            AlwaysOn::OptIn => choice == Some(true),
            AlwaysOn::OptOut => choice != Some(false),
            AlwaysOn::Mandatory => true,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            name_rules: NameRules::default(),
            standing_rooms: vec!["#lobby".into()],
            room_creation: RoomCreation::Anyone,
            guests: true,
            registration_open: true,
            guests_reach_absent: true,
            nick_protection: true,
            nick_follows_account: false,
            always_on: AlwaysOn::OptIn,
            always_on_accounts: 10_000,
            always_on_ms: Some(365 * 86_400_000),
            grace_ms: 30_000,
            login_attempts_per_account: 5,
            login_attempts_per_address: 20,
            rooms_per_client: 200,
            list_entries: 100,
            monitor_entries: 100,
            metadata_keys: 20,
            whowas_entries: 100,
            retention_ms: None,
            recent_messages: 50,
            operators: Vec::new(),
            answer_rows: 5_000,
        }
    }
}
