//! QUIT: the clean exit. ERROR comes behind the answers to everything said before, then the connection is closed.

use super::{Phase, Verb};
use crate::turn::Turn;
use chat::command::{Command, Departure};
use wire::{Line, truncate_at_char_boundary};

/// Bytes of a reason.
const REASON: usize = 390;

pub(crate) const VERB: Verb = Verb {
    name: "QUIT",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "QUIT [<reason>]\nLeaves the server.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let reason = line.param(0).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| truncate_at_char_boundary(reason, REASON));
    if turn.session.known_to_hub {
        // Modern IRC "QUIT message": what others see says that it was the client's own word.
        let announced = reason.map(|reason| format!("Quit: {reason}").into_boxed_str());
        turn.tell(Command::Depart(Departure::Quit { reason: announced }));
    }
    turn.session.departed = true;
    turn.close("quit", &format!("Closing link: (Quit: {})", reason.unwrap_or(turn.nick())));
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, check};

    #[test]
    fn goodbye() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> QUIT :so long
             alice< ERROR :Closing link: (Quit: so long)
             alice!
             bob< :alice!~alice@….ip QUIT :Quit: so long
             carol=
             carol> JOIN #tea
             carol<<
             bob<<
             bob> QUIT
             bob< ERROR :Closing link: (Quit: bob)
             bob!
             carol< :bob!~bob@….ip QUIT…
             dave+
             dave> QUIT
             dave< ERROR :Closing link: (Quit: *)
             dave!",
        );
    }

    #[test]
    fn error_comes_behind_the_answers_to_what_was_said_before() {
        let mut world = World::new(|_, _| {});
        let alice = world.connect("alice", "");
        for line in ["CAP REQ echo-message", "NICK alice", "USER a 0 * :a", "CAP END", "JOIN #tea"] {
            world.say(alice, line).unwrap();
        }
        world.received(alice);
        world.say_at_once(alice, &["PRIVMSG #tea :last words", "QUIT", "PING x"]);
        let received = world.received(alice);
        let verbs: Vec<&str> = received.iter().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(received.len(), 2, "{received:?}");
        assert!(received[0].ends_with("PRIVMSG #tea :last words"));
        assert_eq!(verbs[1], "ERROR");
    }
}
