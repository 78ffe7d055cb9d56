//! What a session must know of its server: configuration, limits, and texts prepared once for everybody.
//!
//! Made by the server at start and again on a reload; the same value serves all sessions of a shard.

use crate::greeting::Greeting;
use crate::isupport;
use chat::command::PersonalMode;
use chat::id::Timestamp;
use chat::name::NameRules;
use compact_str::CompactString;
use std::net::IpAddr;
use std::ops::Deref;
use wire::CapabilitySet;
use zeroize::Zeroizing;

/// The configuration as sessions need it, with everything that follows from it.
#[derive(Debug)]
pub struct ServerFacts {
    configured: Configured,
    /// Tokens of RPL_ISUPPORT, true to what is enforced.
    pub isupport: Vec<String>,
    pub(crate) greeting: Greeting,
}

impl ServerFacts {
    pub fn new(configured: Configured) -> ServerFacts {
        let isupport = isupport::tokens(&configured);
        let greeting = Greeting::prepare(&configured, &isupport);
        ServerFacts { configured, isupport, greeting }
    }
}

impl Deref for ServerFacts {
    type Target = Configured;
    fn deref(&self) -> &Configured {
        &self.configured
    }
}

/// What the configuration says, with the defaults of `chat_server config`.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The source of everything the server says by itself.
    pub server_name: CompactString,
    pub network: CompactString,
    pub description: String,
    /// Name and number of the program, without spaces (`parlor-0.1.0`).
    pub version: CompactString,
    /// When the process started.
    pub started: Timestamp,
    /// Lines; empty: there is no message of the day (422).
    pub motd: Vec<String>,
    pub admin: Admin,
    /// Also says how long names may be, and how they are compared (CASEMAPPING).
    pub name_rules: NameRules,
    pub limits: Limits,
    pub flood: Flood,
    /// Asked of every connection (PASS).
    pub password: Option<Password>,
    pub login: Login,
    pub operators: Vec<OperatorLogin>,
    pub gateways: Vec<Gateway>,
    pub sts: Option<Sts>,
    /// Addresses without flood control and login throttles; decides anew when a gateway names the true address.
    pub exempt: Vec<AddressRange>,
    /// Hosts are shown as looked up, where they are known; else, and by default, cloaked.
    pub show_hostnames: bool,
    /// Modes that everyone starts with.
    pub default_modes: Vec<PersonalMode>,
    /// What is offered, before it is cut down to what a connection may have.
    pub capabilities: CapabilitySet,
    /// 32 bytes that never leave the server and stay the same: cloaks, and the salts of accounts that do not exist, are
    /// made from them.
    pub secret: Zeroizing<[u8; 32]>,
}

#[derive(Debug, Clone, Default)]
pub struct Admin {
    pub name: String,
    pub location: String,
    pub email: String,
}

/// Bytes where nothing else is said.
#[derive(Debug, Clone)]
pub struct Limits {
    pub topic_length: usize,
    pub kick_length: usize,
    pub away_length: usize,
    /// Entries of each list of a room.
    pub list_modes: usize,
    /// Names on one MONITOR list.
    pub monitor: usize,
    pub rooms_per_client: usize,
    /// Metadata keys of one person or room.
    pub metadata_keys: usize,
    /// Messages of one answer to CHATHISTORY.
    pub history_page: usize,
    /// Messages shown on entering a room to a client that can't ask for them; 0: none.
    pub unread_replay: usize,
    /// Bytes of one message of several lines, its line feeds included.
    pub multiline_bytes: usize,
    pub multiline_lines: usize,
    pub register_seconds: u64,
    /// How long registration waits for the name of an address.
    pub lookup_seconds: u64,
    pub ping_seconds: u64,
}

#[derive(Debug, Clone)]
pub struct Flood {
    pub lines_per_second: u32,
    pub burst_lines: u32,
}

/// How people log in and get accounts.
#[derive(Debug, Clone)]
pub struct Login {
    pub plain: bool,
    pub scram_sha_256: bool,
    pub external: bool,
    /// Passwords in the clear are taken on an unencrypted connection that is not loopback.
    pub plaintext: bool,
    /// Failed checks a minute and connection.
    pub attempts: u32,
    /// Rounds of PBKDF2 in the SCRAM keys of new accounts; the same is said of accounts that do not exist.
    pub scram_iterations: u32,
    /// REGISTER makes accounts.
    pub registration_open: bool,
    pub register_before_connect: bool,
    pub email_required: bool,
    /// Connections without an account are let in.
    pub guests: bool,
    /// The shown name is the account's, always.
    pub nick_follows_account: bool,
}

/// A secret of the configuration file.
#[derive(Debug, Clone)]
pub enum Password {
    /// A PHC string, checked through [`crate::Work`].
    Hash(Box<str>),
    Plain(Zeroizing<String>),
}

/// What OPER is checked against.
#[derive(Debug, Clone)]
pub struct OperatorLogin {
    pub name: CompactString,
    pub password: Password,
}

/// Who may say WEBIRC.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// WEBIRC's second parameter; `None`: any.
    pub name: Option<CompactString>,
    pub addresses: Vec<AddressRange>,
    /// `None`: that it comes from there is enough.
    pub password: Option<Password>,
}

/// All addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    pub base: IpAddr,
    /// At most 32, or 128 for IPv6.
    pub prefix: u8,
}

impl AddressRange {
    pub fn contains(self, address: IpAddr) -> bool {
        fn same(a: u128, b: u128, bits: u8, prefix: u8) -> bool {
            let shift = u32::from(bits.saturating_sub(prefix));
            a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
        }
        match (self.base.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32, self.prefix),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

/// Strict transport security (sts).
#[derive(Debug, Clone)]
pub struct Sts {
    /// The port with TLS.
    pub port: u16,
    pub duration_seconds: u64,
    pub preload: bool,
}

impl Default for Configured {
    fn default() -> Configured {
        Configured {
            server_name: "parlor.local".into(),
            network: "parlor".into(),
            description: "A parlor".to_string(),
            version: concat!("parlor-", env!("CARGO_PKG_VERSION")).into(),
            started: Timestamp(0),
            motd: Vec::new(),
            admin: Admin::default(),
            name_rules: NameRules::default(),
            limits: Limits::default(),
            flood: Flood::default(),
            password: None,
            login: Login::default(),
            operators: Vec::new(),
            gateways: Vec::new(),
            sts: None,
            exempt: Vec::new(),
            show_hostnames: false,
            default_modes: Vec::new(),
            capabilities: crate::negotiation::OFFERED,
            secret: Zeroizing::new([0; 32]),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            topic_length: 390,
            kick_length: 390,
            away_length: 200,
            list_modes: 100,
            monitor: 100,
            rooms_per_client: 200,
            metadata_keys: 20,
            history_page: 100,
            unread_replay: 0,
            multiline_bytes: 4_096,
            multiline_lines: 64,
            register_seconds: 30,
            lookup_seconds: 2,
            ping_seconds: 120,
        }
    }
}

impl Default for Flood {
    fn default() -> Flood {
        Flood { lines_per_second: 4, burst_lines: 40 }
    }
}

impl Default for Login {
    fn default() -> Login {
        Login {
            plain: true,
            scram_sha_256: true,
            external: true,
            plaintext: false,
            attempts: 3,
            scram_iterations: 4_096,
            registration_open: true,
            register_before_connect: true,
            email_required: false,
            guests: true,
            nick_follows_account: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_ranges() {
        let cases = [
            ("127.0.0.0", 8, "127.255.0.1", true),
            ("127.0.0.0", 8, "128.0.0.1", false),
            ("0.0.0.0", 0, "9.9.9.9", true),
            ("10.1.2.3", 32, "10.1.2.3", true),
            ("10.1.2.3", 32, "::ffff:10.1.2.3", true),
            ("::1", 128, "::1", true),
            ("2001:db8::", 32, "2001:db8:1::9", true),
            ("2001:db8::", 32, "2001:db9::", false),
            ("::", 0, "10.1.2.3", false),
        ];
        for (base, prefix, address, expected) in cases {
            let range = AddressRange { base: base.parse().unwrap(), prefix };
            assert_eq!(range.contains(address.parse().unwrap()), expected, "{base}/{prefix} {address}");
        }
    }
}
