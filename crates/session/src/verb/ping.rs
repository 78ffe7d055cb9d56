//! PING: answered in its place, behind the answers to everything said before, and behind what anyone else had said by
//! then: whoever has the PONG has seen all that had reached the server before it. Others' connections may be read by other
//! threads, which may be behind: what they have to read is with the hub first ([`Work::CatchUp`]).

use super::{Phase, Verb};
use crate::turn::Turn;
use crate::verb::Awaiting;
use crate::work::Work;
use chat::command::Command;
use chat::query::Query;
use compact_str::CompactString;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "PING",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "PING <token>\nAsks for a PONG with the same token.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    match line.param(0) {
        None | Some("") => turn.numeric(Numeric::ERR_NOORIGIN).trailing("No origin specified"),
        // The hub doesn't know of this connection yet, nor does it see anything of what others say.
        Some(token) if !turn.session.is_registered() => write(turn, token),
        Some(token) => {
            turn.work(|ticket| Work::CatchUp { ticket });
            turn.await_with(Awaiting::Ping { token: token.into() });
        }
    }
}

pub(crate) fn caught_up(turn: &mut Turn<'_>, token: CompactString) {
    turn.lift_barrier();
    turn.ask(Command::Ask(Query::Nothing));
    turn.await_with(Awaiting::Ping { token });
}

/// The token comes back whole. Where there is no room for it behind the server's name it stands alone (RFC 2812 section
/// 3.7.3: one parameter will do), and a line without a source is the server's (section 2.3).
pub(crate) fn write(turn: &mut Turn<'_>, token: &str) {
    let facts = turn.facts;
    if token.len() <= wire::text_budget(&facts.server_name, "PONG", &[&facts.server_name]) {
        turn.server_line("PONG").param(&facts.server_name).trailing(token);
    } else if token.contains(' ') || token.starts_with(':') {
        turn.line("", "PONG").trailing(token);
    } else {
        turn.line("", "PONG").param(token).end();
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, check};

    #[test]
    fn ping_and_its_refusals() {
        check(
            "alice+
             alice> PING before
             alice< :irc.example PONG irc.example :before
             alice=
             alice> PING abcdef
             alice< :irc.example PONG irc.example :abcdef
             alice> PING :two words
             alice< :irc.example PONG irc.example :two words
             alice> PING a b
             alice< :irc.example PONG irc.example :a
             alice> PING
             alice< :irc.example 409 alice :No origin specified
             alice> PING :
             alice< :irc.example 409 alice :No origin specified
             alice> PONG
             alice> ERROR :whatever",
        );
    }

    #[test]
    fn the_longest_token_comes_back_whole() {
        let most = "x".repeat(wire::MAX_BODY - ":irc.example PONG irc.example :\r\n".len());
        let longest = "x".repeat(wire::MAX_BODY - "PING \r\n".len());
        let words = format!("a {}", "x".repeat(wire::MAX_BODY - "PING :a \r\n".len()));
        check(&format!(
            "alice=
             alice> PING {most}
             alice< :irc.example PONG irc.example :{most}
             alice> PING {most}x
             alice< PONG {most}x
             alice> PING {longest}
             alice< PONG {longest}
             alice> PING :{words}
             alice< PONG :{words}"
        ));
    }

    #[test]
    fn pong_comes_behind_the_answers_to_what_was_said_before() {
        let mut world = World::new(|_, _| {});
        let alice = world.connect("alice", "");
        for line in ["NICK alice", "USER a 0 * :a"] {
            world.say(alice, line).unwrap();
        }
        world.received(alice);
        world.say_at_once(alice, &["JOIN #tea", "PING 1", "NONSENSE", "TOPIC #tea", "PING 2", "PING 3"]);
        let received = world.received(alice);
        let verbs: Vec<&str> = received.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(verbs, ["JOIN", "MODE", "353", "366", "PONG", "421", "331", "PONG", "PONG"], "{received:?}");
    }

    #[test]
    fn labelled() {
        check(
            "alice= labeled-response batch
             alice> @label=1 PING x
             alice< @label=1 :irc.example PONG irc.example :x",
        );
    }

    /// Another connection's message waits for the disk; a PONG behind it comes behind it.
    #[test]
    fn pong_comes_behind_what_others_had_said_before() {
        let mut world = World::new(|_, _| {});
        let [alice, bob] = ["alice", "bob"].map(|name| {
            let at = world.connect(name, "");
            for line in [format!("NICK {name}"), format!("USER {name} 0 * :{name}"), "JOIN #tea".to_owned()] {
                world.say(at, &line).unwrap();
            }
            at
        });
        world.received(bob);
        world.log_waits(true);
        world.say(alice, "PRIVMSG #tea :hi").unwrap();
        world.say(bob, "PING 1").unwrap();
        assert_eq!(world.received(bob), Vec::<String>::new());
        world.log_waits(false);
        let received = world.received(bob);
        let verbs: Vec<&str> = received.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(verbs, ["PRIVMSG", "PONG"], "{received:?}");
    }

    #[test]
    fn silence_ends_in_a_timeout() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice<<
             bob> JOIN #tea
             bob<<
             alice<<
             +120
             alice< PING :irc.example
             bob< PING :irc.example
             +100
             alice> PONG irc.example
             +20
             bob< ERROR :Closing link: (Ping timeout: 240 seconds)
             bob!
             alice< :bob!~bob@….ip QUIT :Ping timeout: 240 seconds
             +100
             alice< PING :irc.example",
        );
    }

    #[test]
    fn registration_has_its_time() {
        check(
            "alice+
             alice> NICK alice
             +29
             alice> PING x
             alice< :irc.example PONG irc.example :x
             +1
             alice< ERROR :Closing link: (Registration timed out)
             alice!",
        );
    }
}
