//! What tests look at: all of the tables as text, and whether they agree with each other.

use super::{Stage, State, StateCounts};
use crate::chatroom::{ChatroomKind, Member};
use crate::client::Client;
use crate::command::PersonalMode;
use crate::membership::{Role, Roles};
use std::collections::BTreeSet;
use std::sync::Arc;

impl State {
    /// Everything that counts, as text: two states are the same when their dumps are.
    pub fn dump(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for (slot, client) in self.clients.iter() {
            let account = client.account.as_ref().map(|account| (account.slot, &account.record));
            let Client { id, username, ip_address, person, sessions, rooms, modes, signed_on, rare, .. } = client;
            let _ = writeln!(
                text,
                "client {slot} {id} {username:?} {ip_address} {account:?} {person:?} {sessions:?} {rooms:?} {modes:?} \
                 {signed_on:?} {rare:?}"
            );
        }
        let _ = writeln!(text, "free clients {:?} of {}", self.clients.free, self.clients.entries.len());
        for (shard, places) in self.sessions.iter().enumerate() {
            for (slot, place) in places.iter().enumerate() {
                // A place that was never taken and one that is free again are the same.
                if !matches!(place.stage, Stage::Vacant) {
                    let _ = writeln!(text, "session {shard} {slot} {} {:?}", place.generation, place.stage);
                }
            }
        }
        for room in self.rooms() {
            let members: Vec<_> = room
                .members
                .iter()
                .map(|member| (member.client, member.roles, member.since, member.position))
                .collect();
            let messages: Vec<_> = room.messages.iter().map(|message| (message.id, &message.payload)).collect();
            let sessions: Vec<u32> = (0..self.sessions.len()).map(|shard| room.sessions_on(shard)).collect();
            let (kind, rules, has_history) = (&room.kind, &room.rules, (room.has_history, room.last_said));
            let _ = writeln!(
                text,
                "room {:?} {:?} {} {} {kind:?} {rules:?} {has_history:?} {members:?} {messages:?} {sessions:?} \
                 {:?} {:?}",
                room.number, room.id, room.name, room.key, room.metadata, room.pins
            );
        }
        let _ = writeln!(text, "next room {}", self.next_room);
        for (slot, account) in self.accounts.iter() {
            let _ = writeln!(text, "account {slot} {account:?}");
        }
        let _ = writeln!(text, "free accounts {:?} of {}", self.accounts.free, self.accounts.entries.len());
        let mut watchers: Vec<_> = self.watchers.iter().collect();
        watchers.sort();
        let _ = writeln!(text, "watchers {watchers:?}");
        for entry in &self.whowas {
            let _ = writeln!(text, "was here {entry:?}");
        }
        let _ = writeln!(text, "returning {:?}", self.returning);
        let _ = writeln!(text, "reports {:?}", self.reports);
        let _ = writeln!(text, "redacted {:?}", self.redacted);
        let _ = writeln!(text, "server bans {:?}", self.server_bans);
        let _ = writeln!(text, "deadlines {:?}", self.deadlines);
        let _ = writeln!(text, "counts {:?}", StateCounts { most_clients: 0, ..self.counts });
        text
    }

    /// What outlives a restart, in an order of its own.
    pub fn durable(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for room in self.rooms() {
            // Conversations among guests are not taken up again.
            let goes_on = match room.kind {
                ChatroomKind::Named | ChatroomKind::Group => true,
                ChatroomKind::Direct(one, other) => {
                    let accounts = [one, other].iter().filter(|id| self.account_of(**id).is_some()).count();
                    accounts == 2 || (accounts == 1 && !room.name.is_empty())
                }
            };
            if goes_on {
                let last_said = Some(room.last_said).filter(|_| !room.is_direct());
                lines.push(format!("{:?} {:?} {:?} {last_said:?}", room.record(), room.metadata, room.pins));
            }
        }
        for (_, account) in self.accounts.iter() {
            lines.push(format!("{:?}", account.record));
            if let Some(client) = account.client.filter(|_| account.is_always_on).and_then(|slot| self.client(slot)) {
                lines.push(format!("{:?}", client.presence(account.record.id)));
            }
            for (room, membership) in &account.rooms {
                lines.push(format!("{:?} {room:?} {membership:?}", account.record.id));
            }
            lines.extend(account.personal.iter().map(|personal| format!("{:?} {personal:?}", account.record.id)));
        }
        lines.extend(self.reports.values().map(|(report, _)| format!("{report:?}")));
        lines.extend(self.server_bans.iter().map(|ban| format!("{ban:?}")));
        lines.sort();
        lines.join("\n")
    }

    /// Recomputes what is derived, and panics where it differs.
    pub fn check(&self) {
        let mut counts = StateCounts { most_clients: self.counts.most_clients, ..StateCounts::default() };
        let mut deadlines = BTreeSet::new();
        for (slot, client) in self.clients.iter() {
            counts.clients += 1;
            counts.invisible += usize::from(client.has(PersonalMode::Invisible));
            counts.operators += usize::from(client.has(PersonalMode::Operator));
            deadlines.extend(client.leaving().map(|leaving| (leaving.deadline, slot)));
            assert_eq!(self.client_named(client.username.key()), Some(slot));
            assert_eq!(client.person.name, client.username.text());
            assert_eq!(client.person.id, client.id);
            assert_eq!(client.person.account, client.account.as_ref().map(|account| account.record.username.clone()));
            for place in &client.rooms {
                assert_eq!(self.member(*place).map(|member| member.client), Some(slot));
            }
            for id in &client.sessions {
                assert_eq!(self.session(*id).map(|session| session.client), Some(slot));
            }
            if let Some(account) = &client.account {
                let kept = self.accounts.at(account.slot).unwrap();
                assert_eq!(kept.client, Some(slot));
                assert!(Arc::ptr_eq(&kept.record, &account.record));
                let present: BTreeSet<u32> = client.rooms.iter().map(|place| place.room.0).collect();
                let durable: BTreeSet<u32> = kept.rooms.iter().map(|(room, _)| room.0).collect();
                assert_eq!(present, durable, "an account that is here is in all of its rooms");
                for place in &client.rooms {
                    let roles = self.member(*place).map(|member| member.roles);
                    let kept = self.kept_membership(account.slot, place.room).map(|kept| kept.roles);
                    assert_eq!(roles, kept, "roles of an account are kept");
                }
            }
        }
        for (id, session) in self.sessions() {
            counts.sessions += 1;
            assert!(self.clients.at(session.client).unwrap().sessions.contains(&id));
            for name in session.watching() {
                assert!(self.watchers(name.key()).contains(&id));
            }
        }
        for (key, sessions) in &self.watchers {
            assert!(!sessions.is_empty());
            for id in sessions {
                let session = self.session(*id).unwrap();
                assert!(session.watching().iter().any(|name| name.key() == key));
            }
        }
        self.posted_once.check();
        let ends: BTreeSet<_> = self.rooms().filter_map(|room| Some((room.rules.first_end()?, room.number))).collect();
        assert_eq!(self.entry_ends, ends, "ends of list entries");
        let links = self.rooms().flat_map(|room| &room.rules.links).count();
        assert_eq!(self.links.len(), links, "links");
        let former: Vec<_> =
            self.rooms().flat_map(|room| room.former_names().map(|(key, _)| (key, room.number))).collect();
        assert!(former.iter().all(|(key, number)| self.former_names.get(*key) == Some(number)), "former names");
        assert_eq!(former.len(), self.former_names.len(), "former names");
        let former: Vec<_> = self
            .accounts()
            .flat_map(|(slot, account)| account.record.former_names.iter().map(move |former| (&former.name, slot)))
            .collect();
        assert!(former.iter().all(|(key, slot)| self.former_usernames.get(*key) == Some(slot)), "former usernames");
        assert_eq!(former.len(), self.former_usernames.len(), "former usernames");
        for room in self.rooms() {
            match room.kind {
                ChatroomKind::Named => {
                    counts.rooms += 1;
                    assert_eq!(self.room_named(&room.key), Some(room.number));
                }
                ChatroomKind::Group => {
                    counts.direct_rooms += 1;
                    assert_eq!(self.room_named(&room.key), Some(room.number));
                    assert!(!room.accounts.is_empty(), "a group that everyone has left is gone");
                    let is_account = |member: &Member| self.client(member.client).unwrap().is_account();
                    assert!(room.members.iter().all(|member| is_account(member) && member.roles == Roles::NONE));
                }
                ChatroomKind::Direct(one, other) => {
                    counts.direct_rooms += 1;
                    assert_eq!(self.direct(other, one), Some(room.number));
                    for client in [one, other] {
                        assert!(self.directs_of(client).any(|direct| direct.number == room.number));
                    }
                    let accounts = [one, other].iter().filter(|id| self.account_of(**id).is_some()).count();
                    assert_eq!(accounts == 1, !room.name.is_empty(), "{} is what a guest is called", room.name);
                }
            }
            let mut sessions = vec![0; self.sessions.len()];
            for (index, member) in room.members.iter().enumerate() {
                let client = self.clients.at(member.client).unwrap();
                assert_eq!(client.place(room.number).map(|place| place.member), Some(index as u32));
                client.sessions.iter().for_each(|id| sessions[id.shard as usize] += 1);
            }
            for (shard, count) in sessions.into_iter().enumerate() {
                assert_eq!(room.sessions_on(shard), count, "sessions in {}", room.name);
            }
            let kept = || self.accounts.iter().filter_map(|(slot, _)| self.kept_membership(slot, room.number));
            let is_kept = |slot: &u32| self.kept_membership(*slot, room.number).is_some();
            let members = self.accounts.iter().map(|(slot, _)| slot).filter(is_kept);
            assert!(members.eq(room.accounts.iter().copied()), "members of {}", room.name);
            let operators = kept().filter(|membership| membership.roles.at_least(Role::Operator)).count();
            assert_eq!(room.rules.operators as usize, operators);
        }
        for (slot, account) in self.accounts.iter() {
            counts.accounts += 1;
            assert_eq!(self.account_named(account.username.key()), Some(slot));
            assert_eq!(self.account_of(account.record.id), Some(slot));
            assert!(account.client.is_some() || !account.is_always_on, "who stays is here");
            counts.always_on += usize::from(account.is_always_on);
            if let Some(client) = account.client {
                assert_eq!(self.clients.at(client).unwrap().account.as_ref().map(|account| account.slot), Some(slot));
            }
        }
        assert_eq!(self.counts, counts);
        assert_eq!(self.deadlines, deadlines);
    }
}
