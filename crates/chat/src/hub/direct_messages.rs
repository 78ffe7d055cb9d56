//! Talking from one to another, who may be elsewhere.

use super::posting::{Place, Said};
use super::turn::Turn;
use super::{Asker, Hub};
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::command::PersonalMode;
use crate::event::Event;
use crate::id::{ClientId, RoomNumber};
use crate::membership::Role;
use crate::message::MessageKind;
use crate::name::Username;
use crate::query::Answer;
use crate::refusal::Refusal;
use compact_str::CompactString;
use smallvec::SmallVec;

/// What the sender is told of someone who has no device here.
const ABSENT: &str = "is not connected; the message is kept and shown on return";

impl Hub {
    pub(super) fn post_to_person(
        &mut self,
        asker: Asker,
        name: &Username,
        said: Said,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient { name: name.text().clone() };
        // An account is itself under whatever name it is here, and under the one that it had before.
        let account = || self.state.account_called(name.key(), turn.now).and_then(|slot| self.state.account(slot));
        let Some(to) = self.state.client_named(name.key()).or_else(|| account()?.client) else {
            return self.post_to_absent(asker, name, said, turn);
        };
        let (sender, recipient) = self.state.client(asker.slot).zip(self.state.client(to)).ok_or_else(missing)?;
        let conversation = self.state.direct(sender.id, recipient.id).and_then(|number| self.state.room(number));
        if conversation.is_some_and(|room| self.is_repeated(sender, room, recipient.username.text(), &said, turn)) {
            return Ok(());
        }
        self.check_recipient(asker, sender, recipient, &said)?;
        let (one, other) = (sender.id, recipient.id);
        let accepts = sender.has(PersonalMode::AccountsOnly)
            && said.kind != MessageKind::Signal
            && !recipient.is_account()
            && one != other
            && !sender.accepts(other);
        let answers_away = said.kind == MessageKind::Text && to != asker.slot;
        let away = recipient.away().filter(|_| answers_away).map(Box::<str>::from);
        let room = match self.state.direct(one, other) {
            Some(number) => number,
            None => {
                // It ends with a guest who takes part, and not with an account that comes back.
                let mut guests: SmallVec<[u32; 2]> = SmallVec::new();
                for (slot, client) in [(asker.slot, sender), (to, recipient)] {
                    if !client.is_account() && !guests.contains(&slot) {
                        guests.push(slot);
                    }
                }
                let guest = guests.iter().find_map(|slot| self.state.client(*slot)).map(|guest| guest.username.clone());
                let account =
                    [sender, recipient].into_iter().find(|client| client.is_account()).map(|client| client.id);
                let number = self.add_direct(one, other, account.zip(guest), turn);
                guests.into_iter().for_each(|slot| self.remember_direct(slot, number));
                number
            }
        };
        // Whoever is written to may answer.
        if accepts {
            self.accept(asker.slot, other);
        }
        let (_, recipient) = self.state.client(asker.slot).zip(self.state.client(to)).ok_or_else(missing)?;
        let recipient_name = recipient.username.text().clone();
        self.say_directly(asker, room, (other, recipient_name), Some(to), away, said, turn).ok_or_else(missing)
    }

    /// Tells both sides and keeps it. `to`: the recipient's client, if there is one here; `away`: what the sender is told
    /// of the recipient. `None`: sender or conversation are not there.
    #[expect(clippy::too_many_arguments, reason = "what two ways of finding a recipient have in common")]
    fn say_directly(
        &mut self,
        asker: Asker,
        room: RoomNumber,
        (recipient, name): (ClientId, CompactString),
        to: Option<u32>,
        away: Option<Box<str>>,
        said: Said,
        turn: &mut Turn,
    ) -> Option<()> {
        let sender = self.state.client(asker.slot)?.id;
        let is_blocked = sender != recipient && self.has_blocked(to, self.state.account_of(recipient), sender);
        let place = Place {
            room,
            room_id: self.state.room(room)?.id,
            addressed_to: name.clone(),
            // What a blocked person says is hers alone, now and in history: she is not told that nobody hears it.
            audience: is_blocked.then_some(Role::Owner),
            recipient_id: Some(recipient),
        };
        let message = self.message(self.state.client(asker.slot)?, place, said, turn);
        let event = Event::Posted(message.clone());
        let others_of = |slot| {
            let mut sessions = self.sessions_of(slot);
            sessions.retain(|id| *id != asker.session);
            sessions
        };
        if let Some(to) = to.filter(|_| !is_blocked) {
            turn.tell_sessions(&others_of(to), &event, None);
        }
        if to != Some(asker.slot) {
            turn.mirror(&others_of(asker.slot), &event);
        }
        let origin = if away.is_some() { turn.event_origin() } else { turn.finishing_origin() };
        turn.tell_sessions(&[asker.session], &event, origin);
        if let Some(message) = away {
            turn.answer(Answer::RecipientAway { name, message });
        }
        self.keep_message(message, turn);
        Some(())
    }

    fn check_recipient(&self, asker: Asker, sender: &Client, recipient: &Client, said: &Said) -> Result<(), Refusal> {
        if sender.id == recipient.id {
            return Ok(());
        }
        let name = || recipient.username.text().clone();
        if recipient.has(PersonalMode::AccountsOnly) && !sender.is_account() && !recipient.accepts(sender.id) {
            return Err(Refusal::RecipientWantsAccounts { name: name() });
        }
        let is_secure = self.state.session(asker.session).is_some_and(|session| session.secure);
        if recipient.has(PersonalMode::SecureOnly) && !is_secure {
            return Err(Refusal::RecipientWantsSecure { name: name() });
        }
        if said.between_programs && recipient.has(PersonalMode::NoCtcp) {
            return Err(Refusal::RecipientWantsNoCtcp { name: name() });
        }
        Ok(())
    }

    /// To an account without a device here: kept, to be read on its return.
    fn post_to_absent(&mut self, asker: Asker, name: &Username, said: Said, turn: &mut Turn) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient { name: name.text().clone() };
        let sender = self.state.client(asker.slot).ok_or_else(missing)?;
        let account = self.state.account_called(name.key(), turn.now).and_then(|slot| self.state.account(slot));
        let recipient = account.ok_or_else(missing)?;
        let (one, other, recipient_name) = (sender.id, recipient.record.id, recipient.username.text().clone());
        let conversation = self.state.direct(one, other).and_then(|number| self.state.room(number));
        // It may have been said by a guest, or to someone who is here under another name now.
        if conversation.is_some_and(|room| self.is_repeated(sender, room, &recipient_name, &said, turn)) {
            return Ok(());
        }
        let is_absent = recipient.client.is_none() && !recipient.record.disabled;
        if !is_absent || said.is_fleeting() {
            return Err(missing());
        }
        let guest = (!sender.is_account()).then(|| sender.username.clone());
        if guest.is_some() && !self.settings.guests_reach_absent {
            return Err(Refusal::RecipientWantsAccounts { name: recipient_name });
        }
        let room = match self.state.direct(one, other) {
            Some(number) => number,
            None => {
                let is_guest = guest.is_some();
                let number = self.add_direct(one, other, guest.map(|guest| (other, guest)), turn);
                if is_guest {
                    self.remember_direct(asker.slot, number);
                }
                number
            }
        };
        let away = (said.kind == MessageKind::Text).then(|| ABSENT.into());
        self.say_directly(asker, room, (other, recipient_name), None, away, said, turn).ok_or_else(missing)
    }

    /// The conversation of two who never talked before. `guest`: of an account and a guest, and what she is called.
    fn add_direct(
        &mut self,
        one: ClientId,
        other: ClientId,
        guest: Option<(ClientId, Username)>,
        turn: &mut Turn,
    ) -> RoomNumber {
        let number = self.state.next_room();
        let id = self.new_room_id(turn);
        let mut room = Chatroom::new(number, id, CompactString::default(), CompactString::default(), turn.now);
        room.kind = ChatroomKind::Direct(one.min(other), one.max(other));
        room.rules.flags = Default::default();
        self.state.add_room(room);
        match guest {
            Some((account, name)) => self.name_guest(number, account, &name, turn),
            None => self.keep_room(number, turn),
        }
        number
    }

    fn remember_direct(&mut self, slot: u32, number: RoomNumber) {
        let directs = self.state.client(slot).and_then(|client| client.rare.as_ref()).map(|rare| &rare.directs);
        // Those that ended with the other side are dropped now and then, so that the list is no longer than it must be.
        let ended: Vec<RoomNumber> = match directs {
            Some(directs) if directs.len().is_power_of_two() => {
                directs.iter().copied().filter(|number| self.state.room(*number).is_none()).collect()
            }
            _ => Vec::new(),
        };
        self.state.change_client(slot, |client| {
            let directs = &mut client.rare_mut().directs;
            // Both are in the order of their numbers.
            directs.retain(|number| ended.binary_search_by_key(&number.0, |ended| ended.0).is_err());
            directs.push(number);
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn what_is_said_to_an_absent_account_is_kept() {
        check_with(
            settings(),
            "
            > show changes
            > console registers alice
            console: account alice created
            keep: account alice
            > console registers bob
            console: account bob created
            keep: account bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            keep: account alice
            alice: welcome alice
            > alice says bob once:k are you there
            [alice*] alice -> bob: once:k are you there
            alice: bob is away: is not connected; the message is kept and shown on return
            keep: direct room
            keep: post once:k are you there
            > alice says bob once:k are you there
            alice: has said that in bob already
            > alice notices BOB psst
            [alice*] notice alice -> bob: psst
            keep: post psst
            > alice signals bob
            alice: refused: NoSuchClient { name: \"bob\" }
            > eve arrives
            eve: welcome eve
            > eve says bob hi
            [eve*] eve -> bob: hi
            eve: bob is away: is not connected; the message is kept and shown on return
            keep: direct room
            keep: post hi
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            keep: account bob
            bob: welcome bob
            > bob asks conversations
            bob: conversations alice eve
            > bob says alice yes
            [alice] bob -> alice: yes
            [bob*] bob -> alice: yes
            keep: post yes
            > bob renames robert
            [bob*] bob is now robert
            > alice says bob by the account of someone here
            [bob] alice -> robert: by the account of someone here
            [alice*] alice -> robert: by the account of someone here
            keep: post by the account of someone here
            > bob quits
            keep: account bob
            > console disables bob
            console: account bob changed
            keep: account bob
            > alice says bob hello
            alice: refused: NoSuchClient { name: \"bob\" }
            ",
        );
    }

    #[test]
    fn what_a_guest_said_was_said_though_the_account_has_gone() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers bob
            console: account bob created
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > eve arrives
            eve: welcome eve
            > eve says bob once:k hi
            [bob] eve -> bob: once:k hi
            [eve*] eve -> bob: once:k hi
            > bob renames robert
            [bob*] bob is now robert
            > eve says bob once:k hi
            eve: has said that in robert already
            > bob quits
            > eve says bob once:k hi
            eve: has said that in bob already
            > eve says bob once:n are you there
            [eve*] eve -> bob: once:n are you there
            eve: bob is away: is not connected; the message is kept and shown on return
            > console disables bob
            console: account bob changed
            > eve says bob once:k hi
            eve: has said that in bob already
            ",
        );
    }

    #[test]
    fn talking_to_one() {
        check_with(
            settings(),
            "
            > show changes
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            keep: direct room
            keep: post hi
            > bob says ALICE hello
            [alice] bob -> alice: hello
            [bob*] bob -> alice: hello
            keep: post hello
            > alice signals bob
            [bob] signal alice -> bob:
            [alice*] signal alice -> bob:
            > alice notices bob psst
            [bob] notice alice -> bob: psst
            [alice*] notice alice -> bob: psst
            keep: post psst
            > alice says nobody hi
            alice: refused: NoSuchClient { name: \"nobody\" }
            > alice says alice me
            [alice*] alice -> alice: me
            keep: direct room
            keep: post me
            > bob away lunch
            [bob*] bob is away: lunch
            bob: away true
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            alice: bob is away: lunch
            keep: post hi
            > alice notices bob hi
            [bob] notice alice -> bob: hi
            [alice*] notice alice -> bob: hi
            keep: post hi
            > alice signals bob
            [bob] signal alice -> bob:
            [alice*] signal alice -> bob:
            > bob says bob hm
            [bob*] bob -> bob: hm
            keep: direct room
            keep: post hm
            > bob quits
            > bob arrives
            bob: welcome bob
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            keep: direct room
            keep: post hi
            ",
        );
    }

    #[test]
    fn recipients_choose() {
        check_with(
            settings(),
            "
            > console registers carol
            console: account carol created
            > alice arrives
            alice: welcome alice
            > bob/tls arrives as bob
            bob/tls: welcome bob
            > bob/tls modes +RZ
            [bob/tls*] bob has modes +R+Z
            > alice says bob hi
            alice: refused: RecipientWantsAccounts { name: \"bob\" }
            > carol arrives account carol
            carol: logged in to carol as nobody yet
            carol: welcome carol
            > carol says bob hi
            carol: refused: RecipientWantsSecure { name: \"bob\" }
            > carol/tls arrives account carol
            carol/tls: logged in to carol as nobody yet
            carol/tls: welcome again carol
            > carol/tls says bob hi
            [bob/tls] carol -> bob: hi
            mirror [carol] carol -> bob: hi
            [carol/tls*] carol -> bob: hi
            > bob/tls says bob hi
            [bob/tls*] bob -> bob: hi
            > bob/tls modes -RZ+T
            [bob/tls*] bob has modes -R-Z+T
            > alice says bob VERSION
            alice: refused: RecipientWantsNoCtcp { name: \"bob\" }
            > alice says bob hi
            [bob/tls] alice -> bob: hi
            [alice*] alice -> bob: hi
            ",
        );
    }
}
