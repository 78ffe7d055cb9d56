//! NICK: the name to go by, before the welcome and later.

use super::{Phase, Verb};
use crate::refusal_numeric;
use crate::turn::Turn;
use crate::verb::Awaiting;
use chat::command::Command;
use chat::name::{NameError, Username};
use chat::query::Answer;
use wire::{Line, Numeric, truncate_at_char_boundary};

pub(crate) const VERB: Verb = Verb {
    name: "NICK",
    parameters: 0,
    phase: Phase::Any,
    cost: 2,
    receive,
    help: "NICK <name>\nChooses the name to go by.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let wanted = line.param(0).unwrap_or_default();
    match Username::parse(wanted, &turn.facts.name_rules) {
        Ok(name) => match turn.session.registration.as_deref_mut() {
            Some(registration) => registration.name = Some(name),
            None => {
                turn.ask(Command::Rename { to: name });
                turn.await_with(Awaiting::Rename);
                // How long a text may be depends on the name before it.
                turn.barrier();
            }
        },
        Err(NameError::Empty) => turn.numeric(Numeric::ERR_NONICKNAMEGIVEN).trailing("No nickname given"),
        Err(error) => {
            let shown = truncate_at_char_boundary(wanted, 64);
            turn.numeric(Numeric::ERR_ERRONEUSNICKNAME)
                .param(shown)
                .trailing_fmt(format_args!("Erroneous nickname: {error}"));
        }
    }
}

pub(crate) fn answer(turn: &mut Turn<'_>, answer: &Answer) {
    match answer {
        Answer::Refused(refusal) => refusal_numeric::write(turn, "NICK", "", refusal),
        other => crate::answer::dispatch(turn, None, other),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, check, check_with};

    /// How long a text may be depends on the name before it.
    #[test]
    fn what_is_said_behind_it_is_said_under_the_new_name() {
        let mut world = World::new(|_, _| {});
        world.arrive("bob", "").unwrap();
        world.arrive("alice", "").unwrap();
        let host = world.session(1).person().unwrap().host.clone();
        let text = "x".repeat(512 - format!(":alice!~alice@{host} PRIVMSG bob :\r\n").len());
        world.say_at_once(1, &["NICK alice_in_wonderland", &format!("PRIVMSG bob :{text}")]);
        let answer = world.received(1);
        assert!(answer.iter().any(|line| line.contains(" 417 alice_in_wonderland ")), "{answer:?}");
        assert_eq!(world.received(0), Vec::<String>::new());
    }

    #[test]
    fn before_the_welcome() {
        check(
            "alice=
             bob+
             bob> NICK
             bob< :irc.example 431 * :No nickname given
             bob> NICK :
             bob< :irc.example 431 * :No nickname given
             bob> NICK not@name
             bob< :irc.example 432 * not@name :Erroneous nickname: …
             bob> NICK :two words
             bob< :irc.example 432 * * :Erroneous nickname: …
             bob> NICK alice
             bob> USER bob 0 * :Bob
             bob< :irc.example 433 * alice :…
             bob> NICK ALICE
             bob< :irc.example 433 * ALICE :…
             bob> NICK bob
             bob< :irc.example 001 bob :…
             bob<<",
        );
    }

    #[test]
    fn later() {
        check(
            "alice=
             bob=
             carol= server-time
             alice> JOIN #tea
             alice<<
             bob> JOIN #tea
             bob<<
             alice<<
             alice> NICK alicia
             alice< :alice!~alice@….ip NICK alicia
             bob< :alice!~alice@….ip NICK alicia
             alice> NICK bob
             alice< :irc.example 433 alicia bob :…
             alice> NICK a,b
             alice< :irc.example 432 alicia a,b :Erroneous nickname: …
             alice> NICK
             alice< :irc.example 431 alicia :No nickname given
             alice> PING x
             alice< :irc.example PONG irc.example :x
             alice> NICK ALICIA
             alice< :alicia!~alice@….ip NICK ALICIA
             bob< :alicia!~alice@….ip NICK ALICIA
             carol> NICK Carol
             carol< @time=2023-11-14T22:13:20.000Z :carol!~carol@….ip NICK Carol",
        );
    }

    #[test]
    fn an_accounts_name_is_its_own() {
        check(
            "alice=
             alice> REGISTER alice * sesame
             alice<<
             alice> QUIT
             alice<<
             bob=
             bob> NICK alice
             bob< :irc.example 433 bob alice :…",
        );
        check_with(
            |configured, settings| {
                configured.login.nick_follows_account = true;
                settings.nick_follows_account = true;
            },
            "alice=
             alice> REGISTER alice * sesame
             alice<<
             alice> NICK other
             alice< :irc.example … alice other :…
             alice> QUIT
             alice<<
             dev+
             dev> PASS alice:sesame
             dev> NICK whatever
             dev> USER dev 0 * :Dev
             dev< :irc.example 900 whatever …
             dev< :whatever NICK alice
             dev< :irc.example 001 alice :…
             dev<<",
        );
    }
}
