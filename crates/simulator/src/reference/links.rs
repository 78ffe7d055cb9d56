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
    pub(super) fn count_link(&mut self, key: &str, hash: LinkHash, at: u64) {
        let used = self.room_mut(key).links.iter_mut().find(|link| link.hash == hash && link.is_usable(at));
        if let Some(left) = used.and_then(|link| link.uses_left.as_mut()) {
            *left -= 1;
        }
    }
}
