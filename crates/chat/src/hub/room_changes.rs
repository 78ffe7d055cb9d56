//! Changes of a room's modes, lists and roles, and which members they concern.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::chatroom::{Chatroom, RoomFlag};
use crate::client::Place;
use crate::command::RoomChange;
use crate::event::{RoomStep, What};
use crate::id::{RoomNumber, Timestamp};
use crate::mask;
use crate::membership::{Membership, Role, Roles};
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, Target, permit};
use crate::refusal::{ListKind, Refusal};
use crate::snapshot::ListEntry;
use compact_str::CompactString;

/// A member who is acted on: present, or an account whose membership goes on while it is away.
pub(super) enum Found {
    Present { slot: u32, place: Place, account: Option<u32> },
    Absent { account: u32, membership: Membership },
}

impl Hub {
    pub(super) fn change_room(&mut self, asker: Asker, name: &ChatroomName, changes: Vec<RoomChange>, turn: &mut Turn) {
        let number = match self.room_for(asker.slot, name, Act::See) {
            Ok(number) => number,
            Err(refusal) => {
                turn.refuse(refusal);
                return;
            }
        };
        let mut steps = Vec::new();
        for change in changes {
            match self.change_room_once(asker, number, change, turn) {
                Ok(step) => steps.extend(step),
                Err(refusal) => turn.refuse(refusal),
            }
        }
        // Roles are kept with the memberships, all else with the room.
        if steps.iter().any(|step| !matches!(step, RoomStep::Role { .. })) {
            self.keep_room(number, turn);
        }
        let Some((person, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return;
        };
        if !steps.is_empty() {
            self.audit_steps(&room.name, &steps, turn);
            let event = self.happening(&person, What::RoomChanged { room, steps }, turn);
            self.note(number, &event, turn);
            let origin = turn.event_origin();
            self.tell_room(number, event, origin, turn);
        }
    }

    /// One step. `Ok(None)`: it is so already.
    fn change_room_once(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        change: RoomChange,
        turn: &mut Turn,
    ) -> Result<Option<RoomStep>, Refusal> {
        match change {
            RoomChange::Flag { on, flag } => {
                self.permit_in(asker, number, Act::SetFlag { flag })?;
                self.set_flag(number, on, flag)
            }
            RoomChange::Key { key } => {
                self.permit_in(asker, number, Act::SetKey)?;
                Ok(self.set_key(number, key.filter(|key| !key.is_empty())))
            }
            RoomChange::MemberLimit { limit } => {
                self.permit_in(asker, number, Act::SetMemberLimit)?;
                let before = self.state.room(number).and_then(|room| room.rules.member_limit);
                if before == limit {
                    return Ok(None);
                }
                self.state.change_rules(number, |rules| rules.member_limit = limit);
                Ok(Some(RoomStep::MemberLimit { limit }))
            }
            RoomChange::SlowMode { seconds } => {
                self.permit_in(asker, number, Act::SetSlowMode)?;
                if self.state.room(number).is_none_or(|room| room.rules.slow_seconds == seconds) {
                    return Ok(None);
                }
                self.state.change_rules(number, |rules| rules.slow_seconds = seconds);
                Ok(Some(RoomStep::SlowMode { seconds }))
            }
            RoomChange::Forward { to } => {
                self.permit_in(asker, number, Act::SetForward)?;
                self.set_forward(asker, number, to.as_ref())
            }
            RoomChange::Retention { seconds } => {
                self.permit_in(asker, number, Act::SetRetention)?;
                self.set_retention(number, seconds)
            }
            RoomChange::Role { on, role, who } => self.change_role(asker, number, on, role, &who, turn),
            RoomChange::List { on, list, mask, lasts_ms } => {
                self.permit_in(asker, number, Act::ChangeList { list })?;
                let until = lasts_ms.map(|lasts| Timestamp(turn.now.0.saturating_add(lasts)));
                self.change_list(asker, number, on, list, &mask, until, turn)
            }
        }
    }

    pub(super) fn permit_in(&self, asker: Asker, number: RoomNumber, act: Act) -> Result<(), Refusal> {
        match self.state.client(asker.slot).zip(self.state.room(number)) {
            Some((client, room)) => permit(&Hub::actor(client, room), act, &Hub::rules_of(room)),
            None => Err(Refusal::NotYours),
        }
    }

    fn set_flag(&mut self, number: RoomNumber, on: bool, flag: RoomFlag) -> Result<Option<RoomStep>, Refusal> {
        let Some(room) = self.state.room(number) else {
            return Ok(None);
        };
        if room.has(flag) == on {
            return Ok(None);
        }
        if flag == RoomFlag::Registered && !on && self.is_standing(room) {
            return Err(Refusal::FlagRefused { room: room.name.clone(), flag });
        }
        self.state.change_rules(number, |rules| {
            rules.flags = if on { rules.flags.with(flag) } else { rules.flags.without(flag) };
        });
        Ok(Some(RoomStep::Flag { on, flag }))
    }

    /// A room of the configuration stays, whatever its owner says.
    pub(super) fn is_standing(&self, room: &Chatroom) -> bool {
        let rules = &self.settings.name_rules;
        self.settings.standing_rooms.iter().any(|name| *ChatroomName::lookup(name, rules).key() == room.key)
    }

    fn set_key(&mut self, number: RoomNumber, key: Option<CompactString>) -> Option<RoomStep> {
        let before = self.state.room(number)?.rules.key.clone();
        if before == key {
            return None;
        }
        self.state.change_rules(number, |rules| rules.key = key.clone());
        match key {
            Some(key) => Some(RoomStep::Key { on: true, key }),
            None => before.map(|key| RoomStep::Key { on: false, key }),
        }
    }

    /// A room's messages may be kept for a shorter time than the server's, which its operator chose, never for a longer.
    fn set_retention(&mut self, number: RoomNumber, seconds: Option<u32>) -> Result<Option<RoomStep>, Refusal> {
        let Some(room) = self.state.room(number) else {
            return Ok(None);
        };
        if room.rules.retention == seconds {
            return Ok(None);
        }
        if let Some((seconds, most_ms)) = seconds.zip(self.settings.retention_ms)
            && u64::from(seconds) * 1000 > most_ms
        {
            let room = room.name.clone();
            return Err(Refusal::RetentionTooLong { room, seconds, most_seconds: most_ms / 1000 });
        }
        self.state.change_rules(number, |rules| rules.retention = seconds);
        Ok(Some(RoomStep::Retention { seconds }))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step")]
    fn change_list(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        on: bool,
        list: ListKind,
        mask: &str,
        until: Option<Timestamp>,
        turn: &Turn,
    ) -> Result<Option<RoomStep>, Refusal> {
        // What is no mask matches nobody, and is on no list.
        let Some(mask) = mask::canonical(mask) else {
            return Ok(None);
        };
        let Some((room, person)) = self.state.room(number).zip(self.person(asker.slot)) else {
            return Ok(None);
        };
        let is_same = |entry: &ListEntry| entry.mask.to_lowercase() == mask.to_lowercase();
        let listed = room.rules.list(list).find(|entry| is_same(entry)).map(|entry| entry.mask.clone());
        match (on, listed) {
            // Another end for what is there already.
            (true, Some(mask)) if until.is_some() => {
                self.state.change_rules(number, |rules| {
                    let entries = rules.lists.iter_mut().filter(|(kind, entry)| *kind == list && entry.mask == mask);
                    entries.for_each(|(_, entry)| entry.until = until);
                });
                Ok(Some(RoomStep::List { on, list, mask }))
            }
            (true, Some(_)) | (false, None) => Ok(None),
            (true, None) => {
                if room.rules.list(list).count() >= self.settings.list_entries {
                    return Err(Refusal::ListFull { room: room.name.clone(), mask, letter_of: list });
                }
                let entry = ListEntry { mask: mask.clone(), by: person.mask().into(), at: turn.now, until };
                self.state.change_rules(number, |rules| rules.lists.push((list, entry)));
                Ok(Some(RoomStep::List { on, list, mask }))
            }
            (false, Some(mask)) => {
                self.state.change_rules(number, |rules| {
                    rules.lists.retain(|(kind, entry)| *kind != list || entry.mask != mask);
                });
                Ok(Some(RoomStep::List { on, list, mask }))
            }
        }
    }

    fn change_role(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        on: bool,
        role: Role,
        who: &Username,
        turn: &mut Turn,
    ) -> Result<Option<RoomStep>, Refusal> {
        let found = self.find_member(number, who);
        let (name, roles) = match &found {
            Ok(found) => self.described(found),
            // Whoever may not give roles does not learn who is there.
            Err(_) => (who.text().clone(), Roles::NONE),
        };
        let is_oneself = matches!(&found, Ok(Found::Present { slot, .. }) if *slot == asker.slot);
        let of = Target { name: &name, roles, is_oneself };
        self.permit_in(asker, number, Act::ChangeRole { on, role, of })?;
        let found = found?;
        if roles.holds(role) == on {
            return Ok(None);
        }
        let roles = if on { roles.with(role) } else { roles.without(role) };
        let account = match found {
            Found::Present { place, account, .. } => {
                self.state.set_roles(place, roles);
                account
            }
            Found::Absent { account, .. } => Some(account),
        };
        if let Some(account) = account {
            let joined = Membership { roles, since: turn.now, position: turn.position };
            let kept = self.state.kept_membership(account, number).unwrap_or(joined);
            self.keep_member(number, account, Membership { roles, ..kept }, turn);
        }
        Ok(Some(RoomStep::Role { on, role, who: name }))
    }

    /// The member of this name, present, or an account that is away.
    pub(super) fn find_member(&self, number: RoomNumber, who: &Username) -> Result<Found, Refusal> {
        let present = self.state.client_named(who.key());
        if let Some((slot, client)) = present.and_then(|slot| Some((slot, self.state.client(slot)?)))
            && let Some(place) = client.place(number)
        {
            return Ok(Found::Present { slot, place, account: client.account.as_ref().map(|account| account.slot) });
        }
        let account = self.state.account_named(who.key());
        let is_away = |slot: &u32| self.state.account(*slot).is_some_and(|account| account.client.is_none());
        if let Some(account) = account.filter(is_away)
            && let Some(membership) = self.state.kept_membership(account, number)
        {
            return Ok(Found::Absent { account, membership });
        }
        match (present, self.state.room(number)) {
            (Some(_), Some(room)) => {
                Err(Refusal::TheyAreNotMember { name: who.text().clone(), room: room.name.clone() })
            }
            _ => Err(Refusal::NoSuchClient { name: who.text().clone() }),
        }
    }

    pub(super) fn described(&self, found: &Found) -> (CompactString, Roles) {
        match found {
            Found::Present { slot, place, .. } => {
                let name = self.state.client(*slot).map(|client| client.username.text().clone());
                let roles = self.state.member(*place).map(|member| member.roles);
                (name.unwrap_or_default(), roles.unwrap_or_default())
            }
            Found::Absent { account, membership } => {
                let name = self.state.account(*account).map(|account| account.username.text().clone());
                (name.unwrap_or_default(), membership.roles)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn roles_by_rank() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > console registers admin
            console: account admin created
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            [owner*] owner (owner) joined #tea ~
            owner: entered #tea ~owner
            > admin arrives account admin
            admin: logged in to admin as nobody yet
            admin: welcome admin
            > admin joins #tea
            [owner admin*] admin (admin) joined #tea
            admin: entered #tea ~owner admin
            > op arrives
            op: welcome op
            > op joins #tea
            [owner admin op*] op joined #tea
            op: entered #tea ~owner admin op
            > half arrives
            half: welcome half
            > half joins #tea
            [owner admin op half*] half joined #tea
            half: entered #tea ~owner admin op half
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [owner admin op half bob*] bob joined #tea
            bob: entered #tea ~owner admin op half bob
            > owner mode #tea +aoh admin op half
            [owner* admin op half bob] owner changed #tea: +a:admin +o:op +h:half
            > op mode #tea +a op
            op: refused: NeedsRole { room: \"#tea\", role: Owner }
            > op mode #tea -o admin
            op: refused: Outranked { room: \"#tea\", name: \"admin\" }
            > op mode #tea +v admin
            op: refused: Outranked { room: \"#tea\", name: \"admin\" }
            > half mode #tea +o half
            half: refused: NeedsRole { room: \"#tea\", role: Operator }
            > half mode #tea +v bob
            [owner admin op half* bob] half changed #tea: +v:bob
            > half mode #tea -o op
            half: refused: NeedsRole { room: \"#tea\", role: Operator }
            > half mode #tea +v nobody
            half: refused: NoSuchClient { name: \"nobody\" }
            > bob mode #tea -v bob
            [owner admin op half bob*] bob changed #tea: -v:bob
            > bob mode #tea +v bob
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > op mode #tea +vo bob bob
            [owner admin op* half bob] op changed #tea: +v:bob +o:bob
            > op mode #tea +o bob
            > op mode #tea -o op
            [owner admin op* half bob] op changed #tea: -o:op
            > admin mode #tea -o bob
            [owner admin* op half bob] admin changed #tea: -o:bob
            > eve arrives
            eve: welcome eve
            > op mode #tea +o eve
            op: refused: NeedsRole { room: \"#tea\", role: Operator }
            > eve mode #tea +o eve
            eve: refused: NotMember { room: \"#tea\" }
            ",
        );
    }

    #[test]
    fn roles_of_accounts_are_kept() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > console registers bob
            console: account bob created
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            [owner*] owner (owner) joined #tea ~
            owner: entered #tea ~owner
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob joins #tea
            [owner bob*] bob (bob) joined #tea
            bob: entered #tea ~owner bob
            > bob quits
            [owner] bob quit ()
            > show changes
            > owner mode #tea +o bob
            [owner*] owner changed #tea: +o:bob
            keep: member #tea @bob
            > owner mode #tea +v carol
            owner: refused: NoSuchClient { name: \"carol\" }
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            keep: account bob
            bob: welcome bob
            [owner bob] bob (bob) joined #tea @
            bob: entered #tea ~owner @bob
            > owner kicks #tea bob out
            [owner* bob] owner kicked bob from #tea (out)
            keep: no member #tea bob
            > bob quits
            keep: account bob
            > owner kicks #tea bob
            owner: refused: NoSuchClient { name: \"bob\" }
            ",
        );
    }

    #[test]
    fn switches() {
        check_with(
            settings(),
            "
            > show changes
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            keep: room #tea nt
            > op mode #tea +m+m-m+s
            [op*] op changed #tea: +m -m +s
            keep: room #tea nst
            > op mode #tea +P
            op: refused: NeedsRole { room: \"#tea\", role: Owner }
            > op mode #tea +k one
            [op*] op changed #tea: +k:one
            keep: room #tea nst
            > op mode #tea +k two
            [op*] op changed #tea: +k:two
            keep: room #tea nst
            > op mode #tea +k two
            > op mode #tea -k
            [op*] op changed #tea: -k:two
            keep: room #tea nst
            > op mode #tea -k
            > op mode #tea +l 5
            [op*] op changed #tea: +l:5
            keep: room #tea nst
            > op mode #tea +l 5
            > op mode #tea -l
            [op*] op changed #tea: -l
            keep: room #tea nst
            > bob arrives
            bob: welcome bob
            > bob mode #tea +m
            bob: refused: NoSuchRoom { name: \"#tea\" }
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > bob mode #tea +ml 3
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            > op mode #tea +mb-s eve
            [op* bob] op changed #tea: +m +b:eve!*@* -s
            keep: room #tea mnt
            > op mode #none +m
            op: refused: NoSuchRoom { name: \"#none\" }
            ",
        );
    }

    #[test]
    fn lists() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op mode #tea +bb eve EVE!*@*
            [op*] op changed #tea: +b:eve!*@*
            > op mode #tea +b ~account:bob
            [op*] op changed #tea: +b:~a:bob
            > op mode #tea +b ~z:x
            > op mode #tea +b a@b
            [op*] op changed #tea: +b:*!a@b
            > op mode #tea +b one.too.many
            op: refused: ListFull { room: \"#tea\", mask: \"one.too.many!*@*\", letter_of: Ban }
            > op mode #tea +e friend
            [op*] op changed #tea: +e:friend!*@*
            > op mode #tea -b Eve
            [op*] op changed #tea: -b:eve!*@*
            > op mode #tea -b Eve
            > op asks bans #tea
            op: list of #tea: ~a:bob *!a@b
            > bob arrives
            bob: welcome bob
            > bob asks bans #tea
            bob: list of #tea: ~a:bob *!a@b
            > bob asks exceptions #tea
            bob: refused: NotMember { room: \"#tea\" }
            > op asks exceptions #tea
            op: list of #tea: friend!*@*
            ",
        );
    }

    #[test]
    fn an_operator_of_the_server_acts_as_owner() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            [owner*] owner (owner) joined #tea ~
            owner: entered #tea ~owner
            > owner mode #tea +si
            [owner*] owner changed #tea: +s +i
            > root arrives
            root: welcome root
            > root opers admin
            [root*] root has modes +o
            root: operator: is an admin
            > root joins #tea
            [owner root*] root joined #tea
            root: entered #tea ~owner root
            > root mode #tea -i+o root
            [owner root*] root changed #tea: -i +o:root
            > root kicks #tea owner
            [owner root*] root kicked owner from #tea
            > root mode #tea +P-s
            [root*] root changed #tea: +P -s
            ",
        );
    }

    /// The first account owns the server; that alone lets it into no room.
    #[test]
    fn the_servers_owner_is_a_member_like_any_other_until_she_shows_the_rank() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > bob mode #tea +b ~a:owner
            [bob*] bob changed #tea: +b:~a:owner
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            owner: refused: Banned { room: \"#tea\" }
            > bob modes +o
            > owner modes +o
            [owner*] owner has modes +o
            > owner joins #tea
            [bob owner*] owner (owner) joined #tea
            owner: entered #tea @bob owner
            > owner kicks #tea bob
            [bob owner*] owner kicked bob from #tea
            ",
        );
    }

    #[test]
    fn a_rank_goes_with_the_rights_that_it_came_from() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > console registers bob
            console: account bob created
            > console grants bob rooms
            console: account bob changed
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob modes +o
            [bob*] bob has modes +o
            > console takes all rights from bob
            [bob] bob has modes -o
            console: account bob changed
            > bob modes +o
            ",
        );
    }
}
