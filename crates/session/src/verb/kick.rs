//! KICK (RFC 2812 section 3.2.8).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "KICK",
    parameters: 2,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "KICK <room> <name>{,<name>} [:<reason>]\nPuts people out of a room. For its operators.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let rooms: Vec<&str> = targets::list(line.param(0).unwrap_or_default()).collect();
    let people: Vec<&str> = targets::list(line.param(1).unwrap_or_default()).collect();
    // "There MUST be either one channel parameter and multiple user parameter, or as many channel parameters as there
    // are user parameters."
    if rooms.is_empty() || people.is_empty() || (rooms.len() != 1 && rooms.len() != people.len()) {
        turn.need_more_params();
        return;
    }
    let reason = line.param(2).filter(|reason| !reason.is_empty());
    let longest = [targets::longest(rooms.iter().copied()), targets::longest(people.iter().copied())];
    let limit = turn.facts.limits.kick_length;
    if !targets::fits(turn, "The reason", &longest, reason.unwrap_or_default(), limit) {
        return;
    }
    turn.await_with(Awaiting::About(line.param(0).unwrap_or_default().into()));
    let most = targets::most("KICK");
    for (place, &name) in people.iter().enumerate() {
        if place >= most {
            return targets::one_too_many(turn, name, format_args!("Not kicked: at most {most} at once"));
        }
        let room_name = if rooms.len() == 1 { rooms[0] } else { rooms[place] };
        let Some(room) = targets::room(turn, room_name) else {
            continue;
        };
        let who = targets::person(turn, name);
        turn.ask(Command::Kick { room, who, reason: reason.map(Into::into) });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn people_are_put_out() {
        check(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             alice<<
             bob<<
             carol<<
             alice> KICK #tea bob :too loud
             alice< :alice!… KICK #tea bob :too loud
             bob< :alice!… KICK #tea bob :too loud
             carol< :alice!… KICK #tea bob :too loud
             bob> JOIN #tea
             alice<<
             bob<<
             carol<<
             alice> KICK #tea bob,carol
             alice< :alice!… KICK #tea bob :alice
             alice< :alice!… KICK #tea carol :alice
             bob< :alice!… KICK #tea bob :alice
             carol< :alice!… KICK #tea bob :alice
             carol< :alice!… KICK #tea carol :alice",
        );
    }

    #[test]
    fn every_refusal() {
        check(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             bob> KICK #tea alice
             bob< :irc.example 482 bob #tea :…
             carol> KICK #tea alice
             carol< :irc.example 442 carol #tea :…
             alice> KICK #tea carol
             alice< :irc.example 441 alice carol #tea :…
             alice> KICK #tea nobody
             alice< :irc.example 401 alice nobody :…
             alice> KICK #nowhere bob
             alice< :irc.example 403 alice #nowhere :…
             alice> KICK #tea
             alice< :irc.example 461 alice KICK :Not enough parameters
             alice> KICK #tea,#milk bob
             alice< :irc.example 461 alice KICK :Not enough parameters
             alice> KICK #tea,#tea,#tea nobody,nothing,nowhere
             alice< :irc.example 401 alice nobody :…
             alice< :irc.example 401 alice nothing :…
             alice< :irc.example 401 alice nowhere :…
             alice> KICK #tea n1,n2,n3,n4,n5
             alice< :irc.example 407 alice n5 :…
             alice< :irc.example 401 alice n1 :…
             alice< :irc.example 401 alice n2 :…
             alice< :irc.example 401 alice n3 :…
             alice< :irc.example 401 alice n4 :…",
        );
    }
}
