//! INVITE (RFC 2812 section 3.2.7; Modern IRC "INVITE message" for the list of one's own invitations).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::Query;
use compact_str::CompactString;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "INVITE",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "INVITE [<name> <room>]\n\
           Invites someone into a room that you are in. Without parameters: shows which rooms you are invited to.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    match *line.params() {
        [] => turn.ask(Command::Ask(Query::OwnInvitations)),
        [_] => turn.need_more_params(),
        [name, room_name, ..] => {
            let Some(room) = targets::room(turn, room_name) else {
                return;
            };
            let who = targets::person(turn, name);
            turn.await_with(Awaiting::About(room_name.into()));
            turn.ask(Command::Invite { room, who });
        }
    }
}

/// The invitation is out.
pub(crate) fn write_invited(turn: &mut Turn<'_>, who: &str, room: &str, away: Option<&str>) {
    turn.numeric(Numeric::RPL_INVITING).param(who).param(room).end();
    if let Some(message) = away {
        turn.numeric(Numeric::RPL_AWAY).param(who).trailing_cut(message);
    }
}

/// 336 and 337.
pub(crate) fn write_own(turn: &mut Turn<'_>, rooms: &[CompactString]) {
    for room in rooms {
        turn.numeric(Numeric::RPL_INVITELIST).param(room).end();
    }
    turn.numeric(Numeric::RPL_ENDOFINVITELIST).trailing("End of the rooms that you are invited to");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn an_invitation_opens_the_door() {
        check(
            "alice=
             bob= server-time
             carol= invite-notify
             dave=
             alice> JOIN #tea
             carol> JOIN #tea
             dave> JOIN #tea
             alice> MODE #tea +i
             alice> MODE #tea +o carol
             alice<<
             carol<<
             dave<<
             alice> INVITE bob #tea
             bob< @time=2023-11-14T22:13:20.000Z :alice!… INVITE bob #tea
             carol< :alice!… INVITE bob #tea
             alice< :irc.example 341 alice bob #tea
             bob> INVITE
             bob< …:irc.example 336 bob #tea
             bob< …:irc.example 337 bob :…
             bob> JOIN #tea
             bob<<
             alice<<
             carol<<
             dave<<
             bob> INVITE
             bob< …:irc.example 337 bob :…",
        );
    }

    #[test]
    fn whoever_may_invite_hears_of_invitations() {
        check(
            "alice=
             carol= invite-notify
             dave=
             bob=
             alice> JOIN #tea
             carol> JOIN #tea
             dave> JOIN #tea
             alice<<
             carol<<
             dave<<
             alice> INVITE bob #tea
             bob< :alice!… INVITE bob #tea
             carol< :alice!… INVITE bob #tea
             alice< :irc.example 341 alice bob #tea
             alice> MODE #tea +i
             alice<<
             carol<<
             dave<<
             alice> INVITE bob #tea
             bob< :alice!… INVITE bob #tea
             alice< :irc.example 341 alice bob #tea
             alice> MODE #tea -i+u
             alice<<
             carol<<
             dave<<
             alice> INVITE bob #tea
             bob< :alice!… INVITE bob #tea
             alice< :irc.example 341 alice bob #tea",
        );
    }

    #[test]
    fn every_refusal() {
        check(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             alice<<
             bob> INVITE carol #tea
             bob< :irc.example 442 bob #tea :…
             alice> INVITE nobody #tea
             alice< :irc.example 401 alice nobody :…
             alice> INVITE bob #nowhere
             alice< :irc.example 403 alice #nowhere :…
             alice> INVITE bob
             alice< :irc.example 461 alice INVITE :Not enough parameters
             alice> INVITE bob nonsense
             alice< :irc.example 403 alice nonsense :…
             bob> JOIN #tea
             bob<<
             alice<<
             alice> INVITE bob #tea
             alice< :irc.example 443 alice bob #tea :…
             alice> MODE #tea +i
             alice<<
             bob<<
             bob> INVITE carol #tea
             bob< :irc.example 482 bob #tea :…
             carol> AWAY :gone
             carol<<
             alice> INVITE carol #tea
             carol< :alice!… INVITE carol #tea
             alice< :irc.example 341 alice carol #tea
             alice< :irc.example 301 alice carol :gone",
        );
    }
}
