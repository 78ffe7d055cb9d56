//! Devices that stay logged in: the page's browsers, for which the server's own HTTP side asks.

use super::*;
use chat::device_login::{LIFE_MS, LoginClaim, NewDevice, SecretHash};

impl Reference {
    /// A device is logged in to this account, and stays so.
    pub(super) fn log_in_device(
        &mut self,
        account: Option<String>,
        device: &NewDevice,
        line: &Applied<'_>,
    ) -> Permission {
        let Some(account) = account.filter(|account| self.accounts.contains_key(account)) else {
            return no("WrongCredentials");
        };
        self.not_banned(Some(device.address), Some(&account), line.at)?;
        self.logins.insert((account, device.secret.0), line.at);
        Ok(())
    }

    /// Whether what a device shows is good.
    pub(super) fn is_logged_in_by(&self, account: Option<&str>, secret: SecretHash, at: u64) -> Permission {
        let made = account.and_then(|account| self.logins.get(&(account.to_owned(), secret.0)));
        match made.is_some_and(|made| at < made + LIFE_MS) {
            true => self.not_banned(None, account, at),
            false => no("LoginEnded"),
        }
    }

    pub(super) fn log_in_again(
        &mut self,
        session: SessionId,
        account: Option<String>,
        claim: &LoginClaim,
        line: &Applied<'_>,
    ) -> Permission {
        self.is_logged_in_by(account.as_deref(), claim.secret, line.at)?;
        if let Some(account) = account {
            self.be(session, &account, line);
        }
        Ok(())
    }

    /// The device logs out: all of its sessions go.
    pub(super) fn end_login(&mut self, account: Option<String>, claim: &LoginClaim, line: &Applied<'_>) -> Permission {
        self.is_logged_in_by(account.as_deref(), claim.secret, line.at)?;
        let Some(account) = account else { return Ok(()) };
        self.logins.remove(&(account.clone(), claim.secret.0));
        let Some(who) = self.present_as(&account) else { return Ok(()) };
        let ended: Vec<SessionId> = self.people[&who]
            .sessions
            .iter()
            .copied()
            .filter(|session| self.browsers.get(session) == Some(&claim.secret.0))
            .collect();
        for session in &ended {
            self.sessions.remove(session);
            self.person_mut(who).sessions.remove(session);
        }
        if !ended.is_empty() && self.people[&who].sessions.is_empty() && !self.remains(who, line) {
            self.quit(who, line);
        }
        Ok(())
    }

    /// How many devices she is told of: connected ones, browsers among them, and browsers that are gone.
    pub(super) fn device_counts(&self, who: Who) -> (usize, usize, usize) {
        let person = &self.people[&who];
        let secrets: BTreeSet<[u8; 32]> =
            person.sessions.iter().filter_map(|session| self.browsers.get(session)).copied().collect();
        let others = person.sessions.iter().filter(|session| !self.browsers.contains_key(session)).count();
        let account = person.account.as_deref();
        let gone =
            self.logins.keys().filter(|(of, secret)| Some(&**of) == account && !secrets.contains(secret)).count();
        (others + secrets.len(), secrets.len(), gone)
    }
}
