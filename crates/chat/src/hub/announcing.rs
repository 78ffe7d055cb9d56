//! What operators of the server say to many, and to the server itself.

use super::Hub;
use super::turn::Turn;
use crate::command::{Announcement, Control, PersonalMode};
use crate::effect::{Effect, ServerEffect};
use crate::event::What;
use crate::id::SessionId;
use crate::refusal::Right;

impl Hub {
    pub(super) fn announce(&mut self, to: Announcement, text: Box<str>, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Announce, turn) {
            turn.refuse(refusal);
            return;
        }
        let by = self.person_or_server(turn);
        let wallops = to == Announcement::Wallops;
        let event = turn.event(&by, What::Announced { text, wallops });
        let taken_by = match to {
            Announcement::Wallops => PersonalMode::Wallops,
            Announcement::Operators => PersonalMode::Operator,
            Announcement::Everyone => {
                for list in &mut turn.effects.shards {
                    list.push(Effect::ToAll { event: event.clone() });
                }
                return;
            }
        };
        let sessions: Vec<SessionId> = self
            .state
            .clients()
            .filter(|(_, client)| client.has(taken_by))
            .flat_map(|(_, client)| client.sessions.iter().copied())
            .collect();
        turn.tell_sessions(&sessions, &event, None);
    }

    pub(super) fn control(&mut self, control: Control, turn: &mut Turn) {
        let right = match control {
            Control::Rehash => Right::Rehash,
            Control::Restart | Control::Stop => Right::Stop,
        };
        if let Err(refusal) = self.require(right, turn) {
            turn.refuse(refusal);
            return;
        }
        let by = self.person_or_server(turn);
        let by = if by.name.is_empty() { "the server".to_owned() } else { by.name.to_string() };
        turn.effects.server.push(ServerEffect::Control { control, by });
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn announcing_and_control() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice announces hi
            alice: refused: NotOperator
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice announces hi
            [everyone] alice announces: hi
            > alice wallops hi
            > alice modes +w
            [alice*] alice has modes +w
            > alice wallops hi
            [alice] alice wallops: hi
            > alice rehashes
            server: Rehash by alice
            > alice stops
            server: Stop by alice
            > console announces maintenance
            [everyone] server announces: maintenance
            > console tells operators look
            [alice] server announces: look
            > console stops
            server: Stop by the server
            > bob arrives
            bob: welcome bob
            > bob stops
            bob: refused: NotOperator
            ",
        );
    }

    #[test]
    fn rights_are_single() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers alice
            console: account alice created
            > console grants alice kill
            console: account alice changed
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice stops
            alice: refused: MissingRight { right: Stop }
            > alice announces hi
            alice: refused: MissingRight { right: Announce }
            > alice kills alice myself
            alice: killed alice
            alice: closed: Killed by alice: myself
            ",
        );
    }
}
