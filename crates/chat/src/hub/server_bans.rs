//! Bans from the whole server: set and lifted by operators, enforced at arrival and login and on those who are here. Whoever
//! owns the server is never kept out, and neither is the machine that it runs on.

use super::turn::Turn;
use super::{Hub, StorageState};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::effect::ServerEffect;
use crate::id::{ClientId, SessionId, Timestamp};
use crate::query::Answer;
use crate::refusal::{Refusal, Right};
use crate::server_ban::{AddressRange, BanTarget, Banned, ServerBan};
use compact_str::CompactString;
use std::net::IpAddr;
use std::sync::Arc;

/// Bans that there can be at once: each arrival is held against all of them.
const SERVER_BANS: usize = 2_000;

impl Hub {
    pub(super) fn ban_from_server(&mut self, who: &Banned, reason: Box<str>, lasts_ms: Option<u64>, turn: &mut Turn) {
        match self.try_ban_from_server(who, reason, lasts_ms, turn) {
            Ok((ban, sessions)) => {
                let closed = sessions.len();
                let words = format!("Banned from this server: {}", ban.reason);
                let account = self.account_name_of(&ban);
                let target = target_text(&ban, account.as_deref());
                self.audit(AuditAction::ServerBan, None, &target, &format!("set: {}", ban.reason), turn);
                let of = if let BanTarget::Account(id) = ban.target { self.state.account_of(id) } else { None };
                turn.answer(Answer::BannedFromServer { ban: Box::new(ban), account, closed });
                self.close_sessions(sessions, &words, turn);
                if let Some(account) = of {
                    // Who stays without a device, or has logged in and not arrived.
                    self.end_sessions_of_account(account, &words, turn);
                }
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    fn try_ban_from_server(
        &mut self,
        who: &Banned,
        reason: Box<str>,
        lasts_ms: Option<u64>,
        turn: &mut Turn,
    ) -> Result<(ServerBan, Vec<SessionId>), Refusal> {
        self.require(Right::Kill, turn)?;
        let target = self.ban_target(who)?;
        if let BanTarget::Range(range) | BanTarget::Door(range) = target
            && range.is_too_wide()
        {
            return Err(Refusal::RangeTooWide);
        }
        if let BanTarget::Account(id) = target
            && self.state.account_of(id).is_some_and(|slot| self.is_owner(slot))
        {
            return Err(Refusal::CannotBan);
        }
        let until = lasts_ms.map(|lasts| Timestamp(turn.now.0.saturating_add(lasts)));
        let by = match self.asker(turn).and_then(|asker| self.person(asker.slot)) {
            Some(person) => person.mask().into(),
            None => CompactString::const_new("*"),
        };
        let ban = ServerBan { target, reason, by, at: turn.now, until };
        let sessions = self.sessions_banned_by(&ban, turn.now);
        // At the door nobody is asked who she is: not even the owner.
        let locks_out = |asking: SessionId| {
            let here = self.state.session(asking);
            matches!(target, BanTarget::Door(_))
                && here.is_some_and(|session| concerns(&ban, session.address, None, None))
        };
        if turn.session().is_some_and(|asking| sessions.contains(&asking) || locks_out(asking)) {
            return Err(Refusal::CannotBan);
        }
        let mut bans = Vec::clone(self.state.server_bans());
        bans.retain(|other| other.target != target);
        if bans.len() >= SERVER_BANS {
            return Err(Refusal::TooManyServerBans { limit: SERVER_BANS });
        }
        bans.push(ban.clone());
        self.state.set_server_bans(Arc::new(bans));
        turn.keep(Change::ServerBan(Box::new(ban.clone())));
        if matches!(target, BanTarget::Door(_)) {
            turn.effects.server.push(ServerEffect::Doors(self.closed_doors()));
        }
        Ok((ban, sessions))
    }

    pub(super) fn lift_server_ban(&mut self, who: &Banned, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Kill, turn) {
            return turn.refuse(refusal);
        }
        let found = self.ban_target(who).and_then(|target| {
            let found = self.state.server_bans().iter().find(|ban| ban.target == target && ban.holds(turn.now));
            found.cloned().ok_or(Refusal::NoSuchServerBan)
        });
        match found {
            Ok(ban) => {
                let account = self.account_name_of(&ban);
                self.remove_bans(|other| other.target == ban.target, turn);
                let target = target_text(&ban, account.as_deref());
                self.audit(AuditAction::ServerBan, None, &target, "lifted", turn);
                turn.answer(Answer::ServerBanLifted { ban: Box::new(ban), account });
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    pub(super) fn server_bans_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        self.require(Right::Kill, turn)?;
        let bans = self.state.server_bans().iter().filter(|ban| ban.holds(turn.now));
        Ok(Answer::ServerBans(bans.map(|ban| (ban.clone(), self.account_name_of(ban))).collect()))
    }

    fn ban_target(&self, who: &Banned) -> Result<BanTarget, Refusal> {
        match who {
            Banned::Account(name) => {
                let account = self.state.account_named(name.key()).and_then(|slot| self.state.account(slot));
                account
                    .map(|account| BanTarget::Account(account.record.id))
                    .ok_or_else(|| Refusal::NoSuchAccount { name: name.text().clone() })
            }
            Banned::Person(name) => {
                let client = self.state.client_named(name.key()).and_then(|slot| self.state.client(slot));
                let client = client.ok_or_else(|| Refusal::NoSuchClient { name: name.text().clone() })?;
                Ok(match client.is_account() {
                    true => BanTarget::Account(client.id),
                    false => BanTarget::Range(AddressRange::of_one(client.ip_address)),
                })
            }
            Banned::Range(range) => Ok(BanTarget::Range(*range)),
            Banned::Door(range) => Ok(BanTarget::Door(*range)),
            Banned::Certificate(certificate) => Ok(BanTarget::Certificate(*certificate)),
        }
    }

    fn account_name_of(&self, ban: &ServerBan) -> Option<CompactString> {
        let BanTarget::Account(id) = ban.target else { return None };
        Some(self.state.account(self.state.account_of(id)?)?.username.text().clone())
    }

    fn is_owner(&self, account: u32) -> bool {
        self.state.account(account).is_some_and(|account| account.record.owner)
    }

    // Enforcement

    /// Whether someone may be here who comes from this address, with this certificate, as this account.
    pub(super) fn check_server_bans(
        &self,
        address: IpAddr,
        certificate: Option<&[u8; 32]>,
        account: Option<u32>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let bans = self.state.server_bans();
        if bans.is_empty() || account.is_some_and(|slot| self.is_owner(slot)) {
            return Ok(());
        }
        let id = account.and_then(|slot| self.state.account(slot)).map(|account| account.record.id);
        match bans.iter().find(|ban| ban.holds(now) && concerns(ban, address, certificate, id)) {
            Some(ban) => Err(Refusal::ServerBanned { reason: ban.reason.clone(), until: ban.until }),
            None => Ok(()),
        }
    }

    pub(super) fn check_account_ban(&self, account: u32, now: Timestamp) -> Result<(), Refusal> {
        // No ban is of the machine itself: only the account counts.
        self.check_server_bans(IpAddr::from([127, 0, 0, 1]), None, Some(account), now)
    }

    fn sessions_banned_by(&self, ban: &ServerBan, now: Timestamp) -> Vec<SessionId> {
        let is_banned = |session: &super::state::Session| {
            let account = self.state.client(session.client).and_then(|client| client.account.as_ref());
            let is_owner = account.is_some_and(|account| account.record.owner);
            let id = account.map(|account| account.record.id);
            ban.holds(now) && !is_owner && concerns(ban, session.address, session.certificate.as_deref(), id)
        };
        self.state.sessions().filter(|(_, session)| is_banned(session)).map(|(id, _)| id).collect()
    }

    /// Closes these devices; whoever has no other is gone.
    fn close_sessions(&mut self, sessions: Vec<SessionId>, words: &str, turn: &mut Turn) {
        for id in sessions {
            let Some(slot) = self.state.session(id).map(|session| session.client) else { continue };
            self.close_session_of(slot, id, words, turn);
            if self.state.client(slot).is_some_and(|client| client.sessions.is_empty()) {
                self.quit(slot, words.into(), turn);
            }
        }
    }

    /// From where nobody may connect.
    pub fn closed_doors(&self) -> Vec<AddressRange> {
        let doors = self.state.server_bans().iter().filter_map(|ban| match ban.target {
            BanTarget::Door(range) => Some(range),
            BanTarget::Account(_) | BanTarget::Range(_) | BanTarget::Certificate(_) => None,
        });
        doors.collect()
    }

    // The end of a ban

    pub(super) fn next_ban_end(&self) -> Option<Timestamp> {
        self.state.server_bans().iter().filter_map(|ban| ban.until).min()
    }

    pub(super) fn end_server_bans(&mut self, turn: &mut Turn) {
        let now = turn.now;
        if self.storage == StorageState::Working && self.next_ban_end().is_some_and(|end| end <= now) {
            self.remove_bans(|ban| !ban.holds(now), turn);
        }
    }

    pub(super) fn forget_ban_of_account(&mut self, account: ClientId, turn: &mut Turn) {
        self.remove_bans(|ban| ban.target == BanTarget::Account(account), turn);
    }

    fn remove_bans(&mut self, is_over: impl Fn(&ServerBan) -> bool, turn: &mut Turn) {
        let (over, left): (Vec<ServerBan>, Vec<ServerBan>) =
            self.state.server_bans().iter().cloned().partition(|ban| is_over(ban));
        if over.is_empty() {
            return;
        }
        self.state.set_server_bans(Arc::new(left));
        if over.iter().any(|ban| matches!(ban.target, BanTarget::Door(_))) {
            turn.effects.server.push(ServerEffect::Doors(self.closed_doors()));
        }
        for ban in over {
            turn.keep(Change::ServerBanRemoved(ban.target));
        }
    }
}

/// For the audit.
fn target_text(ban: &ServerBan, account: Option<&str>) -> String {
    match &ban.target {
        BanTarget::Account(_) => format!("account {}", account.unwrap_or_default()),
        BanTarget::Range(range) => format!("range {range}"),
        BanTarget::Door(range) => format!("door {range}"),
        // Enough to tell one from another.
        BanTarget::Certificate(certificate) => {
            certificate[..8].iter().fold("certificate ".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        }
    }
}

fn concerns(ban: &ServerBan, address: IpAddr, certificate: Option<&[u8; 32]>, account: Option<ClientId>) -> bool {
    match &ban.target {
        BanTarget::Account(id) => account == Some(*id),
        BanTarget::Range(range) | BanTarget::Door(range) => {
            !address.to_canonical().is_loopback() && range.contains(address)
        }
        BanTarget::Certificate(banned) => certificate == Some(banned),
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};

    #[test]
    fn a_ban_at_the_door_is_told_to_those_who_keep_it() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > root arrives account root
            root: logged in to root as nobody yet
            root: welcome root
            > console bars d:198.51.100.0/24 spam
            server: doors 198.51.100.0/24
            console: banned d:198.51.100.0/24, closed 0
            > console bars 198.51.100.0/24 spam
            console: banned 198.51.100.0/24, closed 0
            > console bars d:203.0.113.0/24 for 60 spam
            server: doors 198.51.100.0/24 203.0.113.0/24
            console: banned d:203.0.113.0/24, closed 0
            > time 61
            server: doors 198.51.100.0/24
            > console unbars d:198.51.100.0/24
            server: doors
            console: ban of d:198.51.100.0/24 lifted
            ",
        );
    }

    #[test]
    fn whoever_is_banned_goes_and_stays_out() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers bob
            console: account bob created
            > root arrives account root
            root: logged in to root as nobody yet
            root: welcome root
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            [eve*] eve joined #tea @
            eve: entered #tea @eve
            > bob joins #tea
            [bob* eve] bob (bob) joined #tea
            bob: entered #tea @eve bob
            > eve bars bob spam
            eve: refused: NotOperator
            > root bars a:bob spam
            root: banned bob, closed 1
            bob: closed: Banned from this server: spam
            [eve] bob quit (Banned from this server: spam)
            > bob/2 arrives account bob
            bob/2: refused: ServerBanned { reason: \"spam\", until: None }
            bob/2: refused: WrongCredentials
            > root asks server bans
            root: server bans bob
            > eve asks server bans
            eve: refused: NotOperator
            > root unbars a:bob
            root: ban of bob lifted
            > root unbars a:bob
            root: refused: NoSuchServerBan
            > bob/3 arrives account bob
            bob/3: logged in to bob as nobody yet
            bob/3: welcome bob
            [eve bob/3] bob (bob) joined #tea
            bob/3: entered #tea @eve bob
            > root bars eve flood 60
            root: banned 192.0.2.212/32, closed 1
            eve: closed: Banned from this server: flood
            [bob/3] eve quit (Banned from this server: flood)
            > eve arrives as eva
            eve: refused: ServerBanned { reason: \"flood\", until: Some(Timestamp(1700000060000)) }
            > time 60
            > eve arrives as eva
            eve: welcome eva
            > root bars a:root oops
            root: refused: CannotBan
            > root bars a:nobody oops
            root: refused: NoSuchAccount { name: \"nobody\" }
            > root bars 0.0.0.0/0 all
            root: refused: RangeTooWide
            > root bars 192.0.2.0/24 all
            root: banned 192.0.2.0/24, closed 2
            eve: closed: Banned from this server: all
            bob/3: closed: Banned from this server: all
            > root/2 arrives account root
            root/2: logged in to root as nobody yet
            root/2: welcome again root
            > console deletes bob
            console: account bob deleted
            ",
        );
    }

    #[test]
    fn nobody_bans_herself_and_a_ban_outlives_the_process() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        world.run("console registers root");
        world.check(
            "
            > admin arrives
            admin: welcome admin
            > admin opers admin
            [admin*] admin has modes +o
            admin: operator: is an admin
            > admin bars 192.0.2.0/24 all
            admin: refused: CannotBan
            > admin bars c:7 stolen
            admin: banned c:7, closed 0
            > storage fails
            > admin bars c:8 stolen
            admin: refused: StorageFull
            > storage works
            ",
        );
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "
            > admin arrives
            admin: welcome admin
            > admin opers admin
            [admin*] admin has modes +o
            admin: operator: is an admin
            > admin asks server bans
            admin: server bans c:7
            ",
        );
    }
}
