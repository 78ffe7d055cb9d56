//! Coming, going, names and accounts.

use super::*;

impl Reference {
    pub(super) fn arrive(
        &mut self,
        session: SessionId,
        arrival: &Arrival,
        line: &Applied<'_>,
        username: &impl Fn(ClientId) -> Option<String>,
    ) -> Permission {
        let proved = match self.sessions.get(&session) {
            Some(Place::Present { .. }) => return Ok(()),
            Some(Place::Proved(account)) => Some(account.clone()),
            None => None,
        };
        let claimed = arrival.account.map(|id| username(id).unwrap_or_default().to_lowercase());
        if claimed.is_some() && claimed != proved {
            return no("WrongCredentials");
        }
        self.not_banned(Some(arrival.address), proved.as_deref(), line.at)?;
        if let Some(claim) = &arrival.login {
            self.is_logged_in_by(proved.as_deref(), claim.secret, line.at)?;
        }
        let secure = arrival.secure;
        self.addresses.insert(session, arrival.address);
        let note_browser = |reference: &mut Reference| {
            if let Some(claim) = &arrival.login {
                reference.browsers.insert(session, claim.secret.0);
            }
        };
        if let Some(account) = &proved
            && let Some(who) = self.present_as(account)
        {
            note_browser(self);
            self.person_mut(who).sessions.insert(session);
            self.person_mut(who).gone_at = None;
            self.sessions.insert(session, Place::Present { who, secure });
            return Ok(());
        }
        self.check_name(arrival.name.text(), None, proved.as_deref())?;
        note_browser(self);
        let who = self.add_person(Person {
            name: arrival.name.text().to_string(),
            account: proved.clone(),
            ident: arrival.ident.to_string(),
            host: arrival.host.to_string(),
            realname: arrival.realname.to_string(),
            sessions: BTreeSet::from([session]),
            ways_back: Vec::new(),
            invited_to: VecDeque::new(),
            modes: BTreeSet::new(),
            away: None,
            accepted: BTreeSet::new(),
            markers: BTreeMap::new(),
            shows_rank: false,
            gone_at: None,
        });
        self.sessions.insert(session, Place::Present { who, secure });
        self.begin_to_stay(who, line);
        if let Some(account) = proved {
            self.return_to_rooms(who, &account, line);
        }
        Ok(())
    }

    pub(super) fn depart(&mut self, session: SessionId, departure: &Departure, line: &Applied<'_>) {
        let Some(Place::Present { who, .. }) = self.sessions.remove(&session) else { return };
        let grace = line.at + self.grace_ms;
        let person = self.person_mut(who);
        person.sessions.remove(&session);
        if !person.sessions.is_empty() {
            return;
        }
        if self.remains(who, line) {
            return;
        }
        let person = self.person_mut(who);
        if person.account.is_some() && matches!(departure, Departure::Broken { .. }) {
            person.gone_at = Some(grace);
        } else {
            self.quit(who, line);
        }
    }

    pub(super) fn deadline(&mut self, line: &Applied<'_>) {
        let gone = |person: &Person| person.gone_at.is_some_and(|at| at <= line.at);
        let gone: Vec<Who> = self.people.iter().filter(|(_, person)| gone(person)).map(|(who, _)| *who).collect();
        for who in gone {
            self.quit(who, line);
        }
        self.end_timed_entries(line);
        self.end_bans(line);
    }

    pub(super) fn kill(&mut self, session: SessionId, name: &str, line: &Applied<'_>) -> Permission {
        let may = match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) => self.owns_the_server(*who),
            _ => false,
        };
        if !may {
            return no("NotOperator");
        }
        let Some(who) = self.named(name) else { return no("NoSuchClient") };
        for session in std::mem::take(&mut self.person_mut(who).sessions) {
            self.sessions.remove(&session);
        }
        self.quit(who, line);
        Ok(())
    }

    pub(super) fn quit(&mut self, who: Who, line: &Applied<'_>) {
        self.note_ways_back(who, line.at);
        let rooms = self.rooms_of(who);
        for key in &rooms {
            self.room_mut(key).members.remove(&who);
        }
        self.stop_staying(who, line);
        self.people.remove(&who);
        for key in rooms {
            self.settle(&key, line);
        }
    }

    pub(super) fn check_name(&self, name: &str, who: Option<Who>, account: Option<&str>) -> Permission {
        let key = name.to_lowercase();
        if self.named(name).is_some_and(|holder| Some(holder) != who) {
            return no("NameInUse");
        }
        if self.accounts.contains_key(&key) && account != Some(&key) {
            return no("NameReserved");
        }
        Ok(())
    }

    /// What a guest is called in her conversations with accounts, once she is gone.
    fn rename_guest(&mut self, who: Who, to: &str, line: &Applied<'_>) {
        let me = self.speaker(who);
        for (talk, (_, guest)) in &mut self.talks {
            let is_hers = matches!(talk, Talk::Direct(one, other) if [one, other].contains(&&me));
            if let Some(guest) = guest.as_mut().filter(|_| is_hers && !line.failing && me.starts_with("guest ")) {
                *guest = to.to_owned();
            }
        }
    }

    pub(super) fn rename(&mut self, who: Who, to: &str, line: &Applied<'_>) -> Permission {
        if self.people[&who].name == to {
            return Ok(());
        }
        let account = self.people[&who].account.clone();
        self.check_name(to, Some(who), account.as_deref())?;
        self.person_mut(who).name = to.to_owned();
        self.rename_guest(who, to, line);
        self.keep(who, line);
        Ok(())
    }

    pub(super) fn create_account(
        &mut self,
        session: SessionId,
        name: &str,
        address: Option<IpAddr>,
        line: &Applied<'_>,
    ) -> Permission {
        let who = match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) => Some(*who),
            Some(Place::Proved(_)) => return no("AlreadyLoggedIn"),
            None => None,
        };
        if who.is_some_and(|who| self.people[&who].account.is_some()) {
            return no("AlreadyLoggedIn");
        }
        let key = name.to_lowercase();
        if self.accounts.contains_key(&key) {
            return no("AccountExists");
        }
        if self.named(name).is_some_and(|holder| Some(holder) != who) {
            return no("NameInUse");
        }
        if address.is_some() {
            self.not_banned(address, None, line.at)?;
        }
        let owns_the_server = self.accounts.is_empty();
        self.next += 1;
        let account = Account {
            name: name.to_owned(),
            owns_the_server,
            kept: BTreeMap::new(),
            markers: BTreeMap::new(),
            serial: self.next,
            always_on: None,
            stays: false,
            kept_as: None,
            group_changes: (0, 0),
        };
        self.accounts.insert(key.clone(), account);
        self.be(session, &key, line);
        Ok(())
    }

    /// The session is this account's from now on. One that is another account's does not ask for this.
    pub(super) fn be(&mut self, session: SessionId, account: &str, line: &Applied<'_>) {
        let who = match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) => *who,
            _ => {
                self.sessions.insert(session, Place::Proved(account.to_owned()));
                return;
            }
        };
        if self.people[&who].account.is_some() {
            return;
        }
        let read = std::mem::take(&mut self.person_mut(who).markers);
        for (marked, at) in read {
            let marker = self.account_mut(account).markers.entry(marked).or_default();
            *marker = at.max(*marker);
        }
        if let Some(other) = self.present_as(account) {
            // The guest goes, its session joins the others of the account.
            self.person_mut(who).sessions.remove(&session);
            self.quit(who, line);
            self.person_mut(other).sessions.insert(session);
            self.person_mut(other).gone_at = None;
            if let Some(Place::Present { who, .. }) = self.sessions.get_mut(&session) {
                *who = other;
            }
            return;
        }
        // Where the account is no member yet it is one since the guest came.
        for serial in self.rooms_of(who).iter().map(|key| self.rooms[key].serial).collect::<Vec<u32>>() {
            if let Some(since) = self.joined.remove(&(serial, self.speaker(who))) {
                self.joined.entry((serial, account.to_owned())).or_insert(since);
            }
        }
        self.person_mut(who).account = Some(account.to_owned());
        self.begin_to_stay(who, line);
        for key in self.rooms_of(who) {
            let kept = self.accounts[account].kept.get(&key).map_or(0, |roles| roles.0);
            let roles = self.room_mut(&key).members.get_mut(&who);
            let Some(roles) = roles else { continue };
            roles.0 |= kept;
            let roles = *roles;
            self.account_mut(account).kept.insert(key, roles);
        }
        self.return_to_rooms(who, account, line);
    }

    pub(super) fn return_to_rooms(&mut self, who: Who, account: &str, line: &Applied<'_>) {
        for (key, mut roles) in self.accounts[account].kept.clone() {
            if self.room(&key).is_none_or(|room| room.members.contains_key(&who)) {
                continue;
            }
            if self.is_abandoned(&key, line) {
                self.open_up(&key);
                roles = roles.with(Role::Operator);
                self.account_mut(account).kept.insert(key.clone(), roles);
            }
            self.room_mut(&key).members.insert(who, roles);
        }
    }
}
