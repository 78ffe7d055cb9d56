//! Watching for people: who asked to be told when a name comes and goes.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::event::What;
use crate::id::SessionId;
use crate::name::Username;
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::sync::Arc;

impl Hub {
    pub(super) fn watch(&mut self, asker: Asker, names: Vec<Username>, turn: &mut Turn) {
        let limit = self.settings.monitor_entries;
        let (mut online, mut offline, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut here = Vec::new();
        for name in names {
            let watched = self.watched(asker.session);
            let is_new = !watched.iter().any(|watched| watched.key() == name.key());
            if is_new && watched.len() >= limit {
                refused.push(name.text().clone());
                continue;
            }
            match self.person_named(&name) {
                Some(person) => {
                    online.push(person);
                    here.extend(self.state.client_named(name.key()));
                }
                None => offline.push(name.text().clone()),
            }
            if is_new {
                self.state.watch(asker.session, name);
            }
        }
        if !online.is_empty() || !offline.is_empty() {
            turn.answer(Answer::WatchedStatus { online, offline });
        }
        for slot in here {
            self.introduce_to_watchers(slot, &[asker.session], turn);
        }
        if !refused.is_empty() {
            turn.refuse(Refusal::MonitorListFull { limit, names: refused });
        }
    }

    pub(super) fn unwatch(&mut self, asker: Asker, names: &[Username]) {
        for name in names {
            self.state.unwatch(asker.session, name.key());
        }
    }

    pub(super) fn unwatch_all(&mut self, asker: Asker) {
        while let Some(key) = self.watched(asker.session).last().map(|name| name.key().clone()) {
            self.state.unwatch(asker.session, &key);
        }
    }

    pub(super) fn watched_names(&self, session: SessionId) -> Vec<CompactString> {
        self.watched(session).iter().map(|name| name.text().clone()).collect()
    }

    pub(super) fn watched_status(&self, session: SessionId) -> Answer {
        let (mut online, mut offline) = (Vec::new(), Vec::new());
        for name in self.watched(session) {
            match self.person_named(name) {
                Some(person) => online.push(person),
                None => offline.push(name.text().clone()),
            }
        }
        Answer::WatchedStatus { online, offline }
    }

    pub(super) fn tell_came_online(&self, slot: u32, turn: &mut Turn) {
        self.tell_those_who_watch(slot, What::CameOnline, turn);
    }

    pub(super) fn tell_went_offline(&self, slot: u32, turn: &mut Turn) {
        self.tell_those_who_watch(slot, What::WentOffline, turn);
    }

    fn tell_those_who_watch(&self, slot: u32, what: What, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let sessions = self.state.watchers(client.username.key());
        if !sessions.is_empty() {
            let has_come = matches!(what, What::CameOnline);
            let event = turn.event(&client.person, what);
            turn.tell_sessions(sessions, &event, None);
            if has_come {
                self.introduce_to_watchers(slot, sessions, turn);
            }
        }
    }

    fn watched(&self, session: SessionId) -> &[Username] {
        self.state.session(session).map_or(&[], |session| session.watching())
    }

    /// Those who are here of whom it watches.
    pub(super) fn watched_clients(&self, session: SessionId) -> Vec<u32> {
        self.watched(session).iter().filter_map(|name| self.state.client_named(name.key())).collect()
    }

    fn person_named(&self, name: &Username) -> Option<Arc<Person>> {
        self.person(self.state.client_named(name.key())?)
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn coming_and_going() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice watches bob,alice
            alice: online [alice] offline [bob]
            > alice watches carol
            alice: refused: MonitorListFull { limit: 2, names: [\"carol\"] }
            > alice watches BOB
            alice: online [] offline [BOB]
            > bob arrives
            bob: welcome bob
            [alice] bob is online
            > bob renames bobby
            [bob*] bob is now bobby
            [alice] bob is offline
            > bobby arrives
            bobby: refused: NameInUse { name: \"bobby\" }
            > bob renames bob
            [bob*] bobby is now bob
            [alice] bob is online
            > bob quits
            [alice] bob is offline
            > alice asks watched
            alice: watching bob alice
            > alice asks status
            alice: online [alice] offline [bob]
            > alice unwatches bob
            > alice asks watched
            alice: watching alice
            > bob arrives
            bob: welcome bob
            > alice unwatches all
            > alice unwatches all
            > alice asks watched
            alice: watching
            ",
        );
    }

    #[test]
    fn watchers_who_share_no_room_hear_of_changes() {
        check_with(
            settings(),
            "
            > console registers bob
            console: account bob created
            > alice arrives
            alice: welcome alice
            > alice watches bob
            alice: online [] offline [bob]
            > carol arrives
            carol: welcome carol
            > carol watches bob
            carol: online [] offline [bob]
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            [alice carol] bob is online
            > bob joins #tea
            [bob*] bob (bob) joined #tea ~
            bob: entered #tea ~bob
            > alice joins #tea
            [alice* bob] alice joined #tea
            alice: entered #tea ~bob alice
            > bob away lunch
            [alice bob*] bob is away: lunch
            watching [carol] bob is away: lunch
            bob: away true
            > bob realname Robert
            [alice bob*] bob has realname Robert
            watching [carol] bob has realname Robert
            > bob back
            [alice bob*] bob is back
            watching [carol] bob is back
            bob: away false
            ",
        );
    }

    #[test]
    fn a_session_that_is_gone_watches_nobody() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice watches bob
            alice: online [] offline [bob]
            > alice quits
            > bob arrives
            bob: welcome bob
            ",
        );
    }
}
