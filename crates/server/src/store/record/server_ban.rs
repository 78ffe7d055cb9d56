//! Bans from the server.

use super::value::{broken, parsed, some_time, text, time, unsigned};
use chat::id::{ClientId, Timestamp};
use chat::server_ban::{AddressRange, BanTarget, ServerBan};
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Row, params};

pub(in crate::store) const KEEP_BAN: &str = "INSERT INTO server_ban (target, reason, set_by, set_at, until)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET reason = ?2, set_by = ?3, set_at = ?4, until = ?5";
pub(in crate::store) const BANS: &str =
    "SELECT target, reason, set_by, set_at, until FROM server_ban ORDER BY set_at, target";
pub(in crate::store) const FORGET_BAN: &str = "DELETE FROM server_ban WHERE target = ?1";

pub(in crate::store) fn keep_ban(statement: &mut CachedStatement<'_>, ban: &ServerBan) -> rusqlite::Result<()> {
    let target = ban_target_text(&ban.target);
    statement.execute(params![target, &*ban.reason, ban.by.as_str(), time(ban.at), ban.until.map(time)])?;
    Ok(())
}

pub(in crate::store) fn ban(row: &Row<'_>) -> rusqlite::Result<ServerBan> {
    let target = parsed(row, 0, ban_target)?;
    Ok(ServerBan {
        target: target.ok_or_else(|| broken(0, Type::Null, "no target".to_owned()))?,
        reason: row.get::<_, Box<str>>(1)?,
        by: text(row, 2)?,
        at: Timestamp(unsigned(row, 3)?),
        until: some_time(row, 4)?,
    })
}

pub(in crate::store) fn ban_target_text(target: &BanTarget) -> String {
    match target {
        BanTarget::Account(id) => format!("account {}", id.0),
        BanTarget::Range(range) => format!("range {range}"),
        BanTarget::Door(range) => format!("door {range}"),
        BanTarget::Certificate(certificate) => {
            certificate.iter().fold("certificate ".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        }
    }
}

pub(super) fn ban_target(text: &str) -> Option<BanTarget> {
    let (kind, value) = text.split_once(' ')?;
    Some(match kind {
        "account" => BanTarget::Account(ClientId(value.parse().ok()?)),
        "range" | "door" => {
            let (address, prefix) = value.split_once('/')?;
            let range = AddressRange::new(address.parse().ok()?, prefix.parse().ok()?)?;
            if kind == "door" { BanTarget::Door(range) } else { BanTarget::Range(range) }
        }
        "certificate" => {
            let mut certificate = [0; 32];
            for (at, byte) in certificate.iter_mut().enumerate() {
                *byte = u8::from_str_radix(value.get(2 * at..2 * at + 2)?, 16).ok()?;
            }
            BanTarget::Certificate(certificate)
        }
        _ => return None,
    })
}
