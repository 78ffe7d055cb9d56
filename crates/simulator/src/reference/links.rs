//! Links into rooms.

use super::*;

/// Links that a room has at once.
const MOST: usize = 20;

impl Link {
    fn is_usable(&self, at: u64) -> bool {
        self.expires.is_none_or(|expires| expires > at) && self.uses_left != Some(0)
    }
}

impl Reference {
    fn may_manage_links(&self, who: Who, name: &str) -> Result<String, String> {
        let key = self.insider(who, name)?;
        self.ranks(who, &key, Role::Operator)?;
        Ok(key)
    }

    pub(super) fn create_link(&mut self, who: Who, name: &str, link: &NewLink, line: &Applied<'_>) -> Permission {
        let key = self.may_manage_links(who, name)?;
        let links = &mut self.room_mut(&key).links;
        links.retain(|link| link.is_usable(line.at));
        if links.len() >= MOST {
            return no("TooManyLinks");
        }
        let expires = link.lasts_ms.map(|lasts| line.at + lasts);
        links.push(Link { hash: link.hash, expires, uses_left: link.uses });
        Ok(())
    }

    pub(super) fn revoke_link(&mut self, who: Who, name: &str, id: &str, line: &Applied<'_>) -> Permission {
        let key = self.may_manage_links(who, name)?;
        let links = &mut self.room_mut(&key).links;
        let is_it = |link: &Link| link.hash.id() == id && link.is_usable(line.at);
        if !links.iter().any(is_it) {
            return no("NoSuchLink");
        }
        links.retain(|link| !is_it(link));
        let serial = self.rooms[&key].serial;
        let is_other = |way: &WayBack| way.serial != serial || way.hash.id() != id;
        self.returning.retain(|(_, _, way, _)| is_other(way));
        for person in self.people.values_mut() {
            person.ways_back.retain(|(_, way)| is_other(way));
        }
        Ok(())
    }

    pub(super) fn ask_links(&self, who: Who, name: &str, line: &Applied<'_>) -> Result<Vec<String>, String> {
        let key = match self.may_manage_links(who, name) {
            Ok(key) => key,
            Err(reason) => return Ok(vec![reason]),
        };
        let links = self.rooms[&key].links.iter().filter(|link| link.is_usable(line.at));
        let expected: Vec<(LinkHash, Option<u64>, Option<u32>)> =
            links.map(|link| (link.hash, link.expires, link.uses_left)).collect();
        for answer in line.answers {
            let Answer::InviteLinks { links, .. } = answer else { continue };
            let links = links.iter().map(|link| (link.hash, link.expires.map(|at| at.0), link.uses_left));
            if !links.eq(expected.iter().copied()) {
                return Err(format!("is told of {answer:?}, and there are {expected:?}"));
            }
        }
        Ok(Vec::new())
    }

    /// Whether a link opens this room now.
    pub(super) fn opens(&self, key: &str, hash: LinkHash, at: u64) -> bool {
        self.rooms[key].links.iter().any(|link| link.hash == hash && link.is_usable(at))
    }

    /// Someone comes in who has this link, whether she needs it or not.
    pub(super) fn count_link(&mut self, who: Who, key: &str, hash: LinkHash, line: &Applied<'_>) {
        let serial = self.rooms[key].serial;
        let back = self.comes_back(who, key, hash, line);
        let used = self.room_mut(key).links.iter_mut().find(|link| link.hash == hash && link.is_usable(line.at));
        let way = match (used, back) {
            (Some(Link { uses_left: Some(left), expires, .. }), _) => {
                *left -= 1;
                WayBack { hash, serial, expires: *expires }
            }
            (None, Some(at)) => self.returning.remove(at).2,
            _ => return,
        };
        let address = self.addresses[&line.session];
        let person = self.person_mut(who);
        if person.account.is_none() {
            person.ways_back.retain(|(_, known)| known.serial != serial);
            person.ways_back.push((address, way));
        }
    }

    /// A guest comes back by the link that she came by, under her name and from where she was, within a day.
    pub(super) fn comes_back(&self, who: Who, key: &str, hash: LinkHash, line: &Applied<'_>) -> Option<usize> {
        let (person, address) = (&self.people[&who], self.addresses[&line.session]);
        let (name, serial) = (person.name.to_lowercase(), self.rooms[key].serial);
        let is_she = |(known, from, way, until): &(String, IpAddr, WayBack, u64)| {
            (known, *from, way.hash, way.serial) == (&name, address, hash, serial) && line.at < *until
        };
        self.returning.iter().position(is_she).filter(|_| person.account.is_none())
    }

    /// She goes, from rooms that she came into by links.
    pub(super) fn note_ways_back(&mut self, who: Who, at: u64) {
        let person = &self.people[&who];
        if person.account.is_some() {
            return;
        }
        let is_in = |way: &WayBack| {
            self.rooms.values().any(|room| room.serial == way.serial && room.members.contains_key(&who))
        };
        let name = person.name.to_lowercase();
        let gone: Vec<_> = person
            .ways_back
            .iter()
            .filter(|(_, way)| is_in(way))
            .map(|(address, way)| {
                let until = at + 86_400_000;
                (name.clone(), *address, way.clone(), way.expires.map_or(until, |expires| expires.min(until)))
            })
            .collect();
        self.returning.extend(gone);
    }
}
