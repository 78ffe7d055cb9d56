//! What the hub and the sessions are told of the configuration, in their own words.

use crate::config::{self, Config, OperatorPassword, PasswordCost, Registration, SaslMechanism};
use crate::{limits, password};
use chat::command::PersonalMode;
use chat::id::Timestamp;
use chat::name::NameRules;
use chat::refusal::{Right, Rights};
use chat::settings::{AlwaysOn, OperatorRule, RoomCreation, Settings};
use session::facts::{AddressRange, Admin, Configured, Flood, Gateway, Limits, Login, OperatorLogin, Password, Sts};
use std::time::Duration;
use zeroize::Zeroizing;

/// For the hub.
pub fn settings(config: &Config) -> Settings {
    Settings {
        name_rules: name_rules(config),
        standing_rooms: config.rooms.auto_join.iter().map(Into::into).collect(),
        room_creation: match config.rooms.creation {
            config::RoomCreation::Anyone => RoomCreation::Anyone,
            config::RoomCreation::Accounts => RoomCreation::Accounts,
            config::RoomCreation::Operators => RoomCreation::Operators,
        },
        guests: config.accounts.guests,
        registration_open: config.accounts.registration == Registration::Open,
        guests_reach_absent: !config.accounts.default_user_modes.contains('R'),
        nick_protection: config.accounts.nick_protection,
        nick_follows_account: config.accounts.nick_follows_account,
        always_on: match config.accounts.always_on {
            config::AlwaysOn::Disabled => AlwaysOn::Disabled,
            config::AlwaysOn::OptIn => AlwaysOn::OptIn,
            config::AlwaysOn::OptOut => AlwaysOn::OptOut,
            config::AlwaysOn::Mandatory => AlwaysOn::Mandatory,
        },
        always_on_accounts: config.limits.always_on,
        always_on_ms: config.accounts.always_on_for.map(|stay| stay.as_millis() as u64),
        grace_ms: config.accounts.grace.as_millis() as u64,
        login_attempts_per_account: config.accounts.login_attempts_per_account,
        login_attempts_per_address: config.accounts.login_attempts_per_address,
        rooms_per_client: config.limits.rooms_per_client,
        list_entries: config.limits.list_modes,
        monitor_entries: config.limits.monitor,
        metadata_keys: config.limits.metadata_keys,
        whowas_entries: config.limits.whowas,
        retention_ms: retention(config).map(|span| span.as_millis() as u64),
        operators: config.operators.iter().map(operator_rule).collect(),
        ..Settings::default()
    }
}

/// For the sessions. `secret`: the data folder's own; `started`: when the process was.
pub fn configured(config: &Config, secret: &[u8; 32], started: Timestamp) -> Configured {
    let accounts = &config.accounts;
    let offers = |mechanism| accounts.sasl_mechanisms.contains(&mechanism);
    Configured {
        server_name: config.server.name.as_str().into(),
        network: config.server.network.as_str().into(),
        description: config.server.description.clone(),
        started,
        motd: config.server.motd.clone(),
        admin: Admin {
            name: config.server.admin.name.clone(),
            location: config.server.admin.location.clone(),
            email: config.server.admin.email.clone(),
        },
        name_rules: name_rules(config),
        limits: Limits {
            topic_length: config.limits.topic_length,
            kick_length: config.limits.kick_length,
            away_length: config.limits.away_length,
            list_modes: config.limits.list_modes,
            monitor: config.limits.monitor,
            rooms_per_client: config.limits.rooms_per_client,
            metadata_keys: config.limits.metadata_keys,
            history_page: config.history.max_page,
            unread_replay: config.history.unread_replay,
            multiline_bytes: config.limits.multiline_bytes,
            multiline_lines: config.limits.multiline_lines,
            register_seconds: config.limits.register_seconds as u64,
            lookup_seconds: limits::HOST_LOOKUP_PATIENCE.as_secs(),
            ping_seconds: config.limits.ping_seconds as u64,
        },
        flood: Flood { lines_per_second: config.flood.lines_per_second, burst_lines: config.flood.burst_lines },
        password: config.server.password.as_ref().map(|secret| secret_password(secret.reveal())),
        login: Login {
            plain: offers(SaslMechanism::Plain),
            scram_sha_256: offers(SaslMechanism::ScramSha256),
            external: offers(SaslMechanism::External),
            plaintext: accounts.plaintext_login,
            attempts: accounts.login_attempts,
            scram_iterations: password::scram_iterations(password_cost(config)),
            registration_open: accounts.registration == Registration::Open,
            register_before_connect: accounts.register_before_connect,
            email_required: accounts.email_required,
            guests: accounts.guests,
            nick_follows_account: accounts.nick_follows_account,
        },
        operators: config
            .operators
            .iter()
            .map(|operator| OperatorLogin {
                name: operator.name.as_str().into(),
                password: match &operator.password {
                    OperatorPassword::Hash(hash) => Password::Hash(hash.as_str().into()),
                    OperatorPassword::Plain(secret) => Password::Plain(Zeroizing::new(secret.reveal().to_owned())),
                },
            })
            .collect(),
        gateways: config
            .proxy
            .webirc
            .iter()
            .map(|gateway| Gateway {
                name: gateway.name.as_deref().map(Into::into),
                addresses: gateway.addresses.iter().map(range).collect(),
                password: Some(secret_password(gateway.password.reveal())),
            })
            // Whom the operator trusts to say for whom it speaks, and asks for no password.
            .chain(config.proxy.webirc.is_empty().then(|| Gateway {
                name: None,
                addresses: config.proxy.trusted.iter().map(range).collect(),
                password: None,
            }))
            .collect(),
        sts: config.tls.sts.as_ref().map(|sts| Sts {
            port: sts.port,
            duration_seconds: sts.duration.as_secs(),
            preload: sts.preload,
        }),
        exempt: config.flood.exempt.iter().map(range).collect(),
        show_hostnames: config.server.lookup_hostnames,
        default_modes: config.accounts.default_user_modes.chars().filter_map(personal_mode).collect(),
        secret: Zeroizing::new(*secret),
        ..Configured::default()
    }
}

/// How long messages are kept; `None`: for ever.
pub fn retention(config: &Config) -> Option<Duration> {
    match config.history.retention {
        config::Retention::Forever => None,
        config::Retention::For(span) => Some(span),
    }
}

pub fn password_cost(config: &Config) -> password::PasswordCost {
    match config.accounts.password_cost {
        PasswordCost::Standard => password::PasswordCost::Standard,
        PasswordCost::Test => password::PasswordCost::Test,
    }
}

pub fn name_rules(config: &Config) -> NameRules {
    NameRules {
        casemapping: match config.server.casemapping {
            config::Casemapping::Precis => chat::name::Casemapping::Precis,
            config::Casemapping::Ascii => chat::name::Casemapping::Ascii,
        },
        max_name: config.limits.nick_length,
        max_room_name: config.limits.channel_length,
    }
}

fn operator_rule(operator: &config::Operator) -> OperatorRule {
    let rights = operator
        .rights
        .iter()
        .filter_map(|word| Right::from_word(word))
        .fold(Rights::NONE, |rights, right| rights.with(right));
    OperatorRule { name: operator.name.as_str().into(), rights, title: operator.whois_line.as_str().into() }
}

fn range(range: &config::AddressRange) -> AddressRange {
    AddressRange { base: range.network, prefix: range.prefix }
}

/// A secret of the file: a hash of `chat_server password`, or plain text.
fn secret_password(text: &str) -> Password {
    if text.starts_with("$argon2") {
        Password::Hash(text.into())
    } else {
        Password::Plain(Zeroizing::new(text.to_owned()))
    }
}

fn personal_mode(letter: char) -> Option<PersonalMode> {
    session::mode_letters::personal_of(letter)
}
