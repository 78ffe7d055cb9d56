//! Accounts, who of them stays without a device, and their devices.

use super::value::{broken, bytes, from_words, long_text, parsed, some_text, text, time, unsigned, uuid, words};
use chat::command::PersonalMode;
use chat::device_login::{DeviceLogin, SecretHash};
use chat::id::{ClientId, Timestamp};
use chat::refusal::{Right, Rights};
use chat::snapshot::{AccountRecord, DeviceRecord, FormerName, PresenceRecord, ScramKeys};
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Row, params};
use std::net::IpAddr;

pub(in crate::store) const KEEP_ACCOUNT: &str = "INSERT INTO account
    (id, username, password_hash, scram_iterations, scram_salt, scram_stored_key, scram_server_key, email, created,
     last_seen, last_address, rights, owner, disabled, proofs_since, always_on)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT DO UPDATE SET username = ?2, password_hash = ?3, scram_iterations = ?4, scram_salt = ?5,
     scram_stored_key = ?6, scram_server_key = ?7, email = ?8, created = ?9, last_seen = ?10, last_address = ?11,
     rights = ?12, owner = ?13, disabled = ?14, proofs_since = ?15, always_on = ?16";
pub(in crate::store) const ACCOUNTS: &str =
    "SELECT id, username, password_hash, scram_iterations, scram_salt, scram_stored_key,
    scram_server_key, email, created, last_seen, last_address, rights, owner, disabled, proofs_since, always_on
    FROM account ORDER BY id";
pub(in crate::store) const FORGET_ACCOUNT: &str = "DELETE FROM account WHERE id = ?1";
pub(in crate::store) const KEEP_CERTIFICATE: &str =
    "INSERT INTO certificate (account, place, fingerprint) VALUES (?1, ?2, ?3)";
pub(in crate::store) const CERTIFICATES: &str = "SELECT account, fingerprint FROM certificate ORDER BY account, place";
pub(in crate::store) const FORGET_CERTIFICATES: &str = "DELETE FROM certificate WHERE account = ?1";

pub(in crate::store) fn keep_account(
    statement: &mut CachedStatement<'_>,
    account: &AccountRecord,
) -> rusqlite::Result<()> {
    let scram = account.scram.as_deref();
    statement.execute(params![
        bytes(&account.id.0),
        account.username.as_str(),
        account.password_hash.as_deref(),
        scram.map(|keys| keys.iterations),
        scram.map(|keys| &keys.salt),
        scram.map(|keys| &keys.stored_key[..]),
        scram.map(|keys| &keys.server_key[..]),
        account.email.as_deref(),
        time(account.created),
        time(account.last_seen),
        account.last_address.map(|address| address.to_string()),
        words(Right::ALL.into_iter().filter(|right| account.rights.holds(*right)).map(Right::word)),
        account.owner,
        account.disabled,
        time(account.proofs_since),
        account.always_on,
    ])?;
    Ok(())
}

/// Without its certificates and former names.
pub(in crate::store) fn account(row: &Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        id: ClientId(uuid(row, 0)?),
        username: text(row, 1)?,
        password_hash: long_text(row, 2)?,
        scram: match row.get(3)? {
            None => None,
            Some(iterations) => Some(Box::new(ScramKeys {
                iterations,
                salt: row.get(4)?,
                stored_key: row.get(5)?,
                server_key: row.get(6)?,
            })),
        },
        certificates: Vec::new(),
        email: long_text(row, 7)?,
        created: Timestamp(unsigned(row, 8)?),
        last_seen: Timestamp(unsigned(row, 9)?),
        last_address: parsed(row, 10, |address| address.parse::<IpAddr>().ok())?,
        rights: from_words(row, 11, Right::from_word)?
            .into_iter()
            .fold(Rights::NONE, |rights, right| rights.with(right)),
        owner: row.get(12)?,
        disabled: row.get(13)?,
        proofs_since: Timestamp(unsigned(row, 14)?),
        always_on: row.get(15)?,
        former_names: Vec::new(),
    })
}

pub(in crate::store) const KEEP_FORMER_USERNAME: &str =
    "INSERT INTO former_username (account, place, name, until) VALUES (?1, ?2, ?3, ?4)";
pub(in crate::store) const FORMER_USERNAMES: &str =
    "SELECT account, name, until FROM former_username ORDER BY account, place";
pub(in crate::store) const FORGET_FORMER_USERNAMES: &str = "DELETE FROM former_username WHERE account = ?1";

pub(in crate::store) fn keep_former_username(
    statement: &mut CachedStatement<'_>,
    account: ClientId,
    place: usize,
    former: &FormerName,
) -> rusqlite::Result<()> {
    statement.execute(params![bytes(&account.0), place as i64, former.name.as_str(), time(former.until)])?;
    Ok(())
}

pub(in crate::store) fn former_username(row: &Row<'_>) -> rusqlite::Result<(ClientId, FormerName)> {
    Ok((ClientId(uuid(row, 0)?), FormerName { name: text(row, 1)?, until: Timestamp(unsigned(row, 2)?) }))
}

pub(in crate::store) const KEEP_PRESENCE: &str = "INSERT OR REPLACE INTO presence
    (account, name, ident, host, realname, modes, away, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(in crate::store) const PRESENCES: &str =
    "SELECT account, name, ident, host, realname, modes, away, since FROM presence ORDER BY account";
pub(in crate::store) const FORGET_PRESENCE: &str = "DELETE FROM presence WHERE account = ?1";

pub(in crate::store) fn keep_presence(
    statement: &mut CachedStatement<'_>,
    record: &PresenceRecord,
) -> rusqlite::Result<()> {
    statement.execute(params![
        bytes(&record.account.0),
        record.name.as_str(),
        record.ident.as_str(),
        record.host.as_str(),
        record.realname.as_str(),
        words(record.modes.iter().map(|mode| personal_word(*mode))),
        record.away.as_deref(),
        time(record.since),
    ])?;
    Ok(())
}

pub(in crate::store) fn presence(row: &Row<'_>) -> rusqlite::Result<PresenceRecord> {
    let from_word = |word: &str| PersonalMode::ALL.into_iter().find(|mode| personal_word(*mode) == word);
    Ok(PresenceRecord {
        account: ClientId(uuid(row, 0)?),
        name: text(row, 1)?,
        ident: text(row, 2)?,
        host: text(row, 3)?,
        realname: text(row, 4)?,
        modes: from_words(row, 5, from_word)?,
        away: long_text(row, 6)?,
        since: Timestamp(unsigned(row, 7)?),
    })
}

pub(super) fn personal_word(mode: PersonalMode) -> &'static str {
    match mode {
        PersonalMode::Invisible => "invisible",
        PersonalMode::Wallops => "wallops",
        PersonalMode::Bot => "bot",
        PersonalMode::AccountsOnly => "accounts-only",
        PersonalMode::SecureOnly => "secure-only",
        PersonalMode::Operator => "operator",
        PersonalMode::NoCtcp => "no-ctcp",
    }
}

pub(in crate::store) const KEEP_DEVICE: &str = "INSERT OR REPLACE INTO device
    (account, id, name, transport, address, came, seen, secret, secret_made, secret_before, secret_before_until)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
pub(in crate::store) const DEVICES: &str =
    "SELECT account, id, name, transport, address, came, seen, secret, secret_made,
    secret_before, secret_before_until FROM device ORDER BY account, id";
pub(in crate::store) const FORGET_DEVICE: &str = "DELETE FROM device WHERE account = ?1 AND id = ?2";
pub(in crate::store) const FORGET_DEVICES: &str = "DELETE FROM device WHERE account = ?1";

pub(in crate::store) fn keep_device(
    statement: &mut CachedStatement<'_>,
    device: &DeviceRecord,
) -> rusqlite::Result<()> {
    let login = device.login.as_deref();
    let before = login.and_then(|login| login.before.as_ref());
    statement.execute(params![
        bytes(&device.account.0),
        device.id.cast_signed(),
        device.name.as_deref(),
        device.transport.as_str(),
        device.address.to_string(),
        time(device.came),
        time(device.seen),
        login.map(|login| &login.secret.0[..]),
        login.map(|login| time(login.made)),
        before.map(|(secret, _)| &secret.0[..]),
        before.map(|(_, until)| time(*until)),
    ])?;
    Ok(())
}

pub(in crate::store) fn device(row: &Row<'_>) -> rusqlite::Result<DeviceRecord> {
    let address = parsed(row, 4, |address| address.parse::<IpAddr>().ok())?;
    Ok(DeviceRecord {
        account: ClientId(uuid(row, 0)?),
        id: row.get::<_, i64>(1)?.cast_unsigned(),
        name: some_text(row, 2)?,
        transport: text(row, 3)?,
        address: address.ok_or_else(|| broken(4, Type::Null, "no address".to_owned()))?,
        came: Timestamp(unsigned(row, 5)?),
        seen: Timestamp(unsigned(row, 6)?),
        login: device_login(row)?,
    })
}

fn device_login(row: &Row<'_>) -> rusqlite::Result<Option<Box<DeviceLogin>>> {
    let hash = |column| row.get::<_, Option<[u8; 32]>>(column).map(|hash| hash.map(SecretHash));
    let Some(secret) = hash(7)? else { return Ok(None) };
    let before = match hash(9)? {
        Some(before) => Some((before, Timestamp(unsigned(row, 10)?))),
        None => None,
    };
    Ok(Some(Box::new(DeviceLogin { secret, made: Timestamp(unsigned(row, 8)?), before })))
}
