//! Answers to questions: nothing changes here, but who may see what is decided.

use super::Hub;
use super::turn::Turn;
use crate::chatroom::{Chatroom, Member, RoomFlag};
use crate::client::Client;
use crate::command::PersonalMode;
use crate::id::Timestamp;
use crate::mask::glob;
use crate::membership::Roles;
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, permit};
use crate::query::{
    Answer, ConnectionRow, MemberRow, PresentRow, Profile, Query, RoomFilter, RoomRow, RoomSettingsView, WhoRow,
    WhoTarget, WhowasRow,
};
use crate::refusal::{ListKind, Refusal, Right};
use compact_str::CompactString;
use std::net::IpAddr;

/// Who asks, and how far she sees.
#[derive(Clone, Copy)]
pub(super) struct Viewer {
    /// Her client; `None`: a session that has not arrived, or the server's own command line.
    slot: Option<u32>,
    /// Hidden rooms and people, and addresses.
    sees_all: bool,
}

impl Hub {
    pub(super) fn answer(&mut self, query: Query, turn: &mut Turn) {
        match query {
            Query::Nothing => {}
            // These two count attempts, and need no client.
            Query::Credentials { name, address, exempt } => self.credentials(&name, address, exempt, turn),
            Query::CertificateAccount { certificate } => self.certificate_account(&certificate, turn),
            other => match self.answer_to(other, turn) {
                Ok(answer) => turn.answer(answer),
                Err(refusal) => turn.refuse(refusal),
            },
        }
    }

    fn answer_to(&mut self, query: Query, turn: &Turn) -> Result<Answer, Refusal> {
        let viewer =
            Viewer { slot: self.asker(turn).map(|asker| asker.slot), sees_all: self.rights(turn).holds(Right::SeeAll) };
        match query {
            Query::Nothing | Query::Credentials { .. } | Query::CertificateAccount { .. } => Err(Refusal::NotYours),
            Query::Account { name } => self.account_answer(&name, viewer, turn),
            Query::Accounts => {
                self.require(Right::Accounts, turn)?;
                Ok(Answer::Accounts(self.state.accounts().map(|(_, account)| account.record.clone()).collect()))
            }
            Query::Topic { room } => {
                let room = self.visible_room(&room, viewer)?;
                Ok(Answer::Topic { room: room.name.clone(), topic: room.rules.topic.as_deref().cloned() })
            }
            Query::Members { room } => self.members_answer(&room, viewer),
            Query::AbsentMembers { room } => self.absent_members_answer(&room, viewer, turn),
            Query::RoomSettings { room } => self.room_settings_answer(&room, viewer),
            Query::RoomList { room, list } => self.room_list_answer(&room, list, viewer),
            Query::InviteLinks { room } => self.links_answer(&room, turn),
            Query::InviteLink { hash } => self.link_answer(hash, turn),
            Query::Rooms(filter) => Ok(Answer::Rooms(self.room_rows(&filter, viewer, turn))),
            Query::OwnInvitations => {
                let invitations = self.viewing_client(viewer).map_or(&[][..], |client| client.invitations());
                let rooms = invitations.iter().filter_map(|number| self.state.room(*number));
                Ok(Answer::OwnInvitations(rooms.map(|room| room.name.clone()).collect()))
            }
            Query::Groups => self.groups_answer(turn),
            Query::OwnModes => {
                let modes = self.viewing_client(viewer).map(|client| client.modes.list()).unwrap_or_default();
                Ok(Answer::OwnModes { modes })
            }
            Query::Accepted => Ok(self.accepted_answer(viewer.slot)),
            Query::Who { of, operators_only } => Ok(self.who_answer(of, operators_only, viewer, turn)),
            Query::Whois { name } => self.whois_answer(&name, viewer, turn),
            Query::Whowas { name, count } => self.whowas_answer(&name, count, viewer),
            Query::Present { names } => Ok(Answer::Present(self.present_rows(&names, viewer))),
            Query::Watched => Ok(Answer::Watched(turn.session().map(|id| self.watched_names(id)).unwrap_or_default())),
            Query::WatchedStatus => Ok(match turn.session() {
                Some(id) => self.watched_status(id),
                None => Answer::WatchedStatus { online: Vec::new(), offline: Vec::new() },
            }),
            Query::History { of } => {
                let named = self.history_answer(&of, Act::ReadHistory, turn);
                named.or_else(|refusal| self.history_by_former_name(&of, turn).ok_or(refusal))
            }
            Query::EarlierTexts { of } => self.history_answer(&of, Act::ReadEarlierTexts, turn),
            Query::Reports { room } => self.reports_answer(room.as_ref(), turn),
            Query::Pins { of } => self.pins_answer(&of, turn),
            Query::Metadata { of, keys } => self.metadata_answer(&of, keys.as_deref(), turn),
            Query::MetadataSync { of } => self.sync_answer(&of, turn),
            Query::Subscriptions => Ok(Answer::Subscriptions(
                turn.session().map(|id| self.state.subscriptions(id).to_vec()).unwrap_or_default(),
            )),
            Query::Unread => self.unread_answer(turn),
            Query::Missed => self.missed_answer(turn),
            Query::AlwaysOn => self.always_on_answer(turn),
            Query::Devices => self.devices_answer(turn),
            Query::ReadMarker { of } => self.marker_answer(&of, turn),
            Query::Conversations => self.conversations_answer(turn),
            Query::Counts => Ok(Answer::Counts(Box::new(self.counts()))),
            Query::Connections => {
                self.require(Right::SeeAll, turn)?;
                Ok(Answer::Connections(self.connection_rows(turn)))
            }
            Query::Audit => {
                self.require(Right::SeeAll, turn)?;
                Ok(Answer::AuditGranted)
            }
            Query::ServerBans => self.server_bans_answer(turn),
            Query::Operators => Ok(Answer::Operators(
                self.state
                    .clients()
                    .filter(|(_, client)| client.has(PersonalMode::Operator))
                    .map(|(_, client)| client.person.clone())
                    .take(self.settings.answer_rows)
                    .collect(),
            )),
        }
    }

    fn viewing_client(&self, viewer: Viewer) -> Option<&Client> {
        self.state.client(viewer.slot?)
    }

    fn account_answer(&self, name: &Username, viewer: Viewer, turn: &Turn) -> Result<Answer, Refusal> {
        let slot = self.state.account_named(name.key());
        let own = self.viewing_client(viewer).and_then(|client| client.account.as_ref()).map(|account| account.slot);
        if slot.is_none() || slot != own {
            self.require(Right::Accounts, turn)?;
        }
        match slot.and_then(|slot| self.state.account(slot)) {
            Some(account) => Ok(Answer::Account(account.record.clone())),
            None => Err(Refusal::NoSuchAccount { name: name.text().clone() }),
        }
    }

    // Rooms

    fn visible_room(&self, name: &ChatroomName, viewer: Viewer) -> Result<&Chatroom, Refusal> {
        self.state
            .room_named(name.key())
            .and_then(|number| self.state.room(number))
            .filter(|room| self.can_see(viewer.slot, room, viewer.sees_all))
            .ok_or_else(|| Refusal::NoSuchRoom { name: name.text().clone() })
    }

    pub(super) fn sees_everyone_in(&self, room: &Chatroom, viewer: Viewer) -> bool {
        let slot = viewer.slot.filter(|_| self.is_member(room, viewer));
        viewer.sees_all || slot.is_some_and(|slot| !self.is_of_the_audience(slot, room))
    }

    /// Whether someone who does not see everyone in a room sees this member there.
    fn can_see_member(&self, viewer: Viewer, room: &Chatroom, member: &Member, client: &Client) -> bool {
        !room.hides(member.roles)
            && (self.is_member(room, viewer) || self.can_see_client(viewer, member.client, client))
    }

    fn is_member(&self, room: &Chatroom, viewer: Viewer) -> bool {
        self.viewing_client(viewer).is_some_and(|client| client.place(room.number).is_some())
    }

    fn members_answer(&mut self, name: &ChatroomName, viewer: Viewer) -> Result<Answer, Refusal> {
        let room = self.visible_room(name, viewer)?;
        let (number, sees_everyone) = (room.number, self.sees_everyone_in(room, viewer));
        let mut members = self.members_of(number).ok_or_else(|| Refusal::NoSuchRoom { name: name.text().clone() })?;
        if !sees_everyone && let Some(room) = self.state.room(number) {
            members.members = room
                .members
                .iter()
                .filter_map(|member| Some((member, self.state.client(member.client)?)))
                .filter(|(member, client)| self.can_see_member(viewer, room, member, client))
                .map(|(member, client)| MemberRow { person: client.person.clone(), roles: member.roles })
                .collect();
        }
        Ok(Answer::Members(Box::new(members)))
    }

    fn room_settings_answer(&self, name: &ChatroomName, viewer: Viewer) -> Result<Answer, Refusal> {
        let room = self.visible_room(name, viewer)?;
        let knows_key = viewer.sees_all || self.is_member(room, viewer);
        Ok(Answer::RoomSettings(Box::new(RoomSettingsView {
            room: room.name.clone(),
            id: room.id,
            flags: room.rules.flags.iter().collect(),
            key: room.rules.key.clone().filter(|_| knows_key),
            key_set: room.rules.key.is_some(),
            member_limit: room.rules.member_limit,
            slow_seconds: room.rules.slow_seconds,
            forward: self
                .forward_of(room.number)
                .and_then(|to| self.state.room(to))
                .filter(|to| self.can_see(viewer.slot, to, viewer.sees_all))
                .map(|to| to.name.clone()),
            retention: room.rules.retention,
            created: room.created,
        })))
    }

    fn room_list_answer(&self, name: &ChatroomName, list: ListKind, viewer: Viewer) -> Result<Answer, Refusal> {
        let room = self.visible_room(name, viewer)?;
        if !viewer.sees_all {
            let client = self.viewing_client(viewer).ok_or(Refusal::NotYours)?;
            permit(&Hub::actor(client, room), Act::SeeList { list }, &Hub::rules_of(room))
                .map_err(|refusal| refusal.of_room(name.text()))?;
        }
        Ok(Answer::RoomList { room: room.name.clone(), list, entries: room.rules.list(list).cloned().collect() })
    }

    fn room_rows(&self, filter: &RoomFilter, viewer: Viewer, turn: &Turn) -> Vec<RoomRow> {
        let row = |room: &Chatroom| RoomRow {
            name: room.name.clone(),
            members: room.members.len(),
            topic: room.rules.topic.as_ref().map(|topic| topic.text.clone()),
            last_said: self.last_said(room, turn),
        };
        let is_wanted = |room: &&Chatroom| {
            !room.is_direct()
                && self.passes(filter, room, turn)
                && self.can_see(viewer.slot, room, viewer.sees_all)
                && (!room.has(RoomFlag::Unlisted)
                    || !filter.names.is_empty()
                    || viewer.sees_all
                    || self.is_member(room, viewer))
        };
        if !filter.names.is_empty() {
            return filter
                .names
                .iter()
                .filter_map(|name| self.state.room(self.state.room_named(name.key())?))
                .filter(is_wanted)
                .map(row)
                .take(self.settings.answer_rows)
                .collect();
        }
        self.state.rooms().filter(is_wanted).map(row).take(self.settings.answer_rows).collect()
    }

    /// What is not kept any more was not said, as far as anyone can know.
    fn last_said(&self, room: &Chatroom, turn: &Turn) -> Option<Timestamp> {
        let at = Some(room.last_said).filter(|at| at.0 > 0)?;
        (at >= self.kept_since(room, turn.now)).then_some(at)
    }

    fn passes(&self, filter: &RoomFilter, room: &Chatroom, turn: &Turn) -> bool {
        let minutes_since = |at: Timestamp| turn.now.0.saturating_sub(at.0) / 60_000;
        let members = room.members.len();
        let age = minutes_since(room.created);
        let topic_age = room.rules.topic.as_ref().map(|topic| minutes_since(topic.at));
        let silence = self.last_said(room, turn).map(minutes_since);
        let matches = |masks: &[CompactString]| masks.iter().any(|mask| glob(mask, &room.name));
        // A room that nobody is a member of any more is there, but nobody looks for it by chance. One whose members are all
        // away is as alive as before.
        let is_inhabited =
            members > 0 || !room.accounts.is_empty() || room.has(RoomFlag::Registered) || !filter.names.is_empty();
        is_inhabited
            && (filter.masks.is_empty() || matches(&filter.masks))
            && !matches(&filter.not_masks)
            && filter.more_members_than.is_none_or(|limit| members > limit)
            && filter.fewer_members_than.is_none_or(|limit| members < limit)
            && filter.created_more_than_ago.is_none_or(|minutes| age > minutes)
            && filter.created_less_than_ago.is_none_or(|minutes| age < minutes)
            && filter.topic_more_than_ago.is_none_or(|minutes| topic_age.is_some_and(|age| age > minutes))
            && filter.topic_less_than_ago.is_none_or(|minutes| topic_age.is_some_and(|age| age < minutes))
            && filter.said_more_than_ago.is_none_or(|minutes| silence.is_none_or(|silence| silence > minutes))
            && filter.said_less_than_ago.is_none_or(|minutes| silence.is_some_and(|silence| silence < minutes))
    }

    // People

    /// Whether she comes across this client without asking for it by name.
    fn can_see_client(&self, viewer: Viewer, slot: u32, client: &Client) -> bool {
        viewer.sees_all
            || !client.has(PersonalMode::Invisible)
            || viewer.slot.is_some_and(|viewer| viewer == slot || self.see_each_other(viewer, slot))
    }

    fn address_for(viewer: Viewer, slot: u32, address: IpAddr) -> Option<IpAddr> {
        (viewer.sees_all || viewer.slot == Some(slot)).then_some(address)
    }

    fn who_answer(&self, of: WhoTarget, operators_only: bool, viewer: Viewer, turn: &Turn) -> Answer {
        let is_wanted = |client: &Client| !operators_only || client.has(PersonalMode::Operator);
        let limit = self.settings.answer_rows;
        match of {
            WhoTarget::Room(name) => {
                let target = name.text().clone();
                let Ok(room) = self.visible_room(&name, viewer) else {
                    return Answer::Who { target, rows: Vec::new() };
                };
                let sees_everyone = self.sees_everyone_in(room, viewer);
                let rows = room
                    .members
                    .iter()
                    .filter_map(|member| Some((member, self.state.client(member.client)?)))
                    .filter(|(member, client)| {
                        is_wanted(client) && (sees_everyone || self.can_see_member(viewer, room, member, client))
                    })
                    .map(|(member, client)| {
                        let in_room = Some((room.name.clone(), member.roles));
                        self.who_row(member.client, client, in_room, viewer, turn)
                    })
                    .take(limit)
                    .collect();
                Answer::Who { target, rows }
            }
            WhoTarget::Mask(mask) => {
                let exact = Username::lookup(&mask, &self.settings.name_rules);
                // Asked for by her name she is found though invisible: the asker knows her.
                let rows = match self.state.client_named(exact.key()) {
                    Some(slot) => vec![slot],
                    None => self
                        .state
                        .clients()
                        .filter(|(slot, client)| {
                            matches_who(&mask, client, viewer.sees_all) && self.can_see_client(viewer, *slot, client)
                        })
                        .map(|(slot, _)| slot)
                        .collect(),
                };
                let rows = rows
                    .into_iter()
                    .filter_map(|slot| Some((slot, self.state.client(slot)?)))
                    .filter(|(_, client)| is_wanted(client))
                    .map(|(slot, client)| {
                        let in_room = self.room_to_show(slot, client, viewer);
                        self.who_row(slot, client, in_room, viewer, turn)
                    })
                    .take(limit)
                    .collect();
                Answer::Who { target: mask, rows }
            }
        }
    }

    fn who_row(
        &self,
        slot: u32,
        client: &Client,
        room: Option<(CompactString, Roles)>,
        viewer: Viewer,
        turn: &Turn,
    ) -> WhoRow {
        WhoRow {
            person: client.person.clone(),
            room,
            away: client.away().is_some(),
            operator: client.has(PersonalMode::Operator),
            idle_seconds: client.idle_seconds(turn.now),
            address: Hub::address_for(viewer, slot, client.ip_address),
        }
    }

    /// The first of her rooms that the viewer may know she is in.
    fn room_to_show(&self, slot: u32, client: &Client, viewer: Viewer) -> Option<(CompactString, Roles)> {
        self.rooms_shown(slot, client, viewer).next()
    }

    fn rooms_shown(&self, slot: u32, client: &Client, viewer: Viewer) -> impl Iterator<Item = (CompactString, Roles)> {
        let is_oneself = viewer.slot == Some(slot);
        let is_invisible = client.has(PersonalMode::Invisible);
        client.rooms.iter().filter_map(move |place| {
            let room = self.state.room(place.room)?;
            let roles = room.members.get(place.member as usize)?.roles;
            let is_public = !room.has(RoomFlag::Secret) && !room.has(RoomFlag::Unlisted) && !is_invisible;
            let is_shown = is_oneself
                || (self.sees_everyone_in(room, viewer) && !room.is_group())
                || (!room.hides(roles) && (is_public || self.is_member(room, viewer)));
            is_shown.then(|| (room.name.clone(), roles))
        })
    }

    fn whois_answer(&self, name: &Username, viewer: Viewer, turn: &Turn) -> Result<Answer, Refusal> {
        let missing = || Refusal::NoSuchClient { name: name.text().clone() };
        let slot = self.state.client_named(name.key()).ok_or_else(missing)?;
        let client = self.state.client(slot).ok_or_else(missing)?;
        let sees_private = viewer.sees_all || viewer.slot == Some(slot);
        let mut sessions = client.sessions.iter().filter_map(|id| self.state.session(*id));
        let certificate = sessions.clone().find_map(|session| session.certificate.as_deref().copied());
        let mut gateways: Vec<CompactString> = sessions
            .clone()
            .filter(|_| sees_private)
            .filter_map(|session| session.rare.as_ref().and_then(|rare| rare.gateway.clone()))
            .collect();
        gateways.sort_unstable();
        gateways.dedup();
        Ok(Answer::Whois(Box::new(Profile {
            person: client.person.clone(),
            rooms: self.rooms_shown(slot, client, viewer).collect(),
            away: client.away().map(Box::from),
            operator: client
                .has(PersonalMode::Operator)
                .then(|| client.operator().map(|operator| operator.title.clone()).unwrap_or_default()),
            secure: !client.sessions.is_empty() && sessions.all(|session| session.secure),
            idle_seconds: client.idle_seconds(turn.now),
            signed_on: client.signed_on,
            address: Hub::address_for(viewer, slot, client.ip_address),
            certificate: certificate.filter(|_| sees_private),
            modes: sees_private.then(|| client.modes.list()),
            gateways,
            sessions: client.sessions.len(),
            metadata: self.metadata_of_client(slot),
        })))
    }

    fn whowas_answer(&self, name: &Username, count: usize, viewer: Viewer) -> Result<Answer, Refusal> {
        // None asked for: all of them (RFC 2812 section 3.6.3).
        let limit = if count == 0 { self.settings.answer_rows } else { count.min(self.settings.answer_rows) };
        let rows: Vec<WhowasRow> = self
            .state
            .whowas(name.key())
            .take(limit)
            .map(|entry| WhowasRow {
                person: entry.person.clone(),
                left: entry.left,
                address: viewer.sees_all.then_some(entry.address),
            })
            .collect();
        if rows.is_empty() {
            return Err(Refusal::NeverSeen { name: name.text().clone() });
        }
        Ok(Answer::Whowas { name: name.text().clone(), rows })
    }

    fn present_rows(&self, names: &[Username], viewer: Viewer) -> Vec<PresentRow> {
        names
            .iter()
            .filter_map(|name| {
                let slot = self.state.client_named(name.key())?;
                Some((slot, self.state.client(slot)?))
            })
            .map(|(slot, client)| PresentRow {
                person: client.person.clone(),
                away: client.away().is_some(),
                operator: client.has(PersonalMode::Operator),
                address: Hub::address_for(viewer, slot, client.ip_address),
            })
            .take(self.settings.answer_rows)
            .collect()
    }

    fn connection_rows(&self, turn: &Turn) -> Vec<ConnectionRow> {
        self.state
            .sessions()
            .filter_map(|(_, session)| Some((session, self.state.client(session.client)?)))
            .map(|(session, client)| ConnectionRow {
                person: client.person.clone(),
                client: client.id,
                address: session.address,
                transport: session.transport,
                signed_on: session.signed_on,
                idle_seconds: client.idle_seconds(turn.now),
            })
            .take(self.settings.answer_rows)
            .collect()
    }
}

/// A mask of WHO is held against everything that is shown of a person; the address only for those who may see it.
fn matches_who(mask: &str, client: &Client, sees_all: bool) -> bool {
    let person = &client.person;
    glob(mask, &person.name)
        || glob(mask, &person.ident)
        || glob(mask, &person.host)
        || glob(mask, &person.realname)
        || person.account.as_ref().is_some_and(|account| glob(mask, account))
        || glob(mask, &person.mask())
        || (sees_all && glob(mask, &client.ip_address.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn secret_rooms_and_invisible_people() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op mode #tea +s
            [op*] op changed #tea: +s
            > bob arrives
            bob: welcome bob
            > bob modes +i
            [bob*] bob has modes +i
            > bob joins #pot
            [bob*] bob joined #pot @
            bob: entered #pot @bob
            > eve arrives
            eve: welcome eve
            > eve asks members #tea
            eve: refused: NoSuchRoom { name: \"#tea\" }
            > eve asks settings #tea
            eve: refused: NoSuchRoom { name: \"#tea\" }
            > eve asks bans #tea
            eve: refused: NoSuchRoom { name: \"#tea\" }
            > eve asks topic #tea
            eve: refused: NoSuchRoom { name: \"#tea\" }
            > eve asks who #tea
            eve: who #tea:
            > eve asks rooms
            eve: rooms #pot(1)
            > eve asks whois op
            eve: whois op in [] devices 1 idle 0
            > eve asks members #pot
            eve: members of #pot:
            > eve asks who *
            eve: who *: op() eve()!
            > eve asks who b*
            eve: who b*:
            > eve asks who bob
            eve: who bob: bob()
            > eve asks whois bob
            eve: whois bob in [] devices 1 idle 0
            > eve joins #pot
            [bob eve*] eve joined #pot
            eve: entered #pot @bob eve
            > eve asks who *
            eve: who *: op() bob(@#pot) eve(#pot)!
            > eve asks whois bob
            eve: whois bob in [@#pot] devices 1 idle 0
            > op asks rooms
            op: rooms #tea(1) #pot(2)
            > op asks whois op
            op: whois op in [@#tea] with address devices 1 idle 0
            > root arrives
            root: welcome root
            > root opers admin
            [root*] root has modes +o
            root: operator: is an admin
            > root asks members #tea
            root: members of #tea: @op
            > root asks who *
            root: who *: op(@#tea)! bob(@#pot)! eve(#pot)! root()!
            > root asks whois bob
            root: whois bob in [@#pot] with address devices 1 idle 0
            > root asks rooms
            root: rooms #tea(1) #pot(2)
            > root asks connections
            root: connections op bob eve root
            > eve asks connections
            eve: refused: NotOperator
            > eve asks operators *
            eve: who *: root()
            > console asks connections
            console: connections op bob eve root
            ",
        );
    }

    #[test]
    fn rooms_by_filter() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice joins #teapot
            [alice*] alice joined #teapot @
            alice: entered #teapot @alice
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > time 600
            > alice joins #new
            [alice*] alice joined #new @
            alice: entered #new @alice
            > alice topic #new fresh
            [alice*] alice set topic of #new: fresh
            > bob asks rooms >1
            bob: rooms #tea(2)
            > bob asks rooms <2
            bob: rooms #teapot(1) #new(1)
            > bob asks rooms #tea*
            bob: rooms #tea(2) #teapot(1)
            > bob asks rooms #tea*,!*pot
            bob: rooms #tea(2)
            > bob asks rooms #new,#none
            bob: rooms #new(1)
            > bob asks rooms C>5
            bob: rooms #tea(2) #teapot(1)
            > bob asks rooms T<5
            bob: rooms #new(1)
            ",
        );
    }

    /// Rooms are durable: those whose members are all away are found as before, a guest's that she has left are not.
    #[test]
    fn rooms_whose_members_are_away_are_listed() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > bob arrives
            bob: welcome bob
            > bob joins #milk
            [bob*] bob joined #milk @
            bob: entered #milk @bob
            > bob parts #milk
            [bob*] bob left #milk
            > alice quits
            > bob asks rooms
            bob: rooms #tea(0)
            ",
        );
    }

    #[test]
    fn those_who_were_here() {
        check_with(
            settings(),
            "
            > bob arrives
            bob: welcome bob
            > bob renames bobby
            [bob*] bob is now bobby
            > bob quits
            > eve arrives
            eve: welcome eve
            > eve asks whowas bob
            eve: whowas bob: bob-real
            > eve asks whowas bobby
            eve: whowas bobby: bob-real
            > eve asks whowas nobody
            eve: refused: NeverSeen { name: \"nobody\" }
            > root arrives
            root: welcome root
            > root opers admin
            [root*] root has modes +o
            root: operator: is an admin
            > root asks whowas BOB
            root: whowas BOB: bob-real!
            > a arrives
            a: welcome a
            > a quits
            > b arrives
            b: welcome b
            > b quits
            > eve asks whowas bob
            eve: refused: NeverSeen { name: \"bob\" }
            ",
        );
    }

    #[test]
    fn small_questions() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice modes +i
            [alice*] alice has modes +i
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice mode #tea +kl key 5
            [alice*] alice changed #tea: +k:key +l:5
            > time 90
            > bob asks present alice,nobody,BOB
            bob: present alice bob
            > bob asks settings #tea
            bob: settings of #tea: nt key hidden limit Some(5)
            > alice asks settings #tea
            alice: settings of #tea: nt key key limit Some(5)
            > bob asks counts
            bob: Counts { clients: 2, invisible: 1, operators: 0, rooms: 1, most_clients: 2 }
            > bob asks modes
            bob: modes
            > alice asks modes
            alice: modes i
            > alice asks whois alice
            alice: whois alice in [@#tea] with address devices 1 idle 90
            > bob asks whois nobody
            bob: refused: NoSuchClient { name: \"nobody\" }
            > bob asks status
            bob: online [] offline []
            > bob asks invitations
            bob: invited to
            ",
        );
    }

    #[test]
    fn when_something_was_last_said_in_a_room() {
        let mut world = World::new(Settings { retention_ms: Some(600_000), ..settings() }, 1);
        world.keep_changes();
        world.check(
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice joins #cup
            [alice*] alice joined #cup @
            alice: entered #cup @alice
            > alice asks rooms A<1
            alice: rooms
            ",
        );
        world.run("alice says #tea hi");
        let at = world.now;
        world.run("time 60");
        for line in ["alice says @#tea among us", "alice signals #tea", "alice topic #tea leaves"] {
            world.run(line);
        }
        // What could not be kept was not said.
        world.run("storage fails");
        world.run("alice says #tea lost");
        world.run("storage works");
        world.run("bob arrives");
        let script = "
            > bob asks rooms
            bob: rooms #tea(1 at AT) #cup(1)
            > bob asks rooms A<2
            bob: rooms #tea(1 at AT)
            > bob asks rooms A>0
            bob: rooms #tea(1 at AT) #cup(1)
            > bob asks rooms A<1
            bob: rooms
            ";
        world.check(&script.replace("AT", &at.to_string()));
        let mut restored = World::restore(world.kept(), world.hub.settings().clone(), 1);
        restored.run("time 70");
        restored.run("bob arrives");
        restored.check(&"\n> bob asks rooms #tea\nbob: rooms #tea(0 at AT)\n".replace("AT", &at.to_string()));
        restored.run("time 600");
        restored.check("\n> bob asks rooms #tea\nbob: rooms #tea(0)\n");
    }
}
