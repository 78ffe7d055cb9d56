//! PERSISTENCE: whether one stays here when all one's devices are gone (proposal persistence, ircv3-specifications pull
//! request 503, as Ergo has it).

use super::{Phase, Verb};
use crate::targets::shown;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{AlwaysOnStatus, Query};
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "PERSISTENCE",
    parameters: 1,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "PERSISTENCE GET\n\
           Shows whether you stay here, in your rooms and away, when all your devices are gone.\n\
           PERSISTENCE SET <ON, OFF or DEFAULT>\n\
           Says that you shall, that you shall not, or that it is as the server has it for everyone.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let action = line.param(0).unwrap_or_default();
    if action.eq_ignore_ascii_case("GET") {
        turn.ask(Command::Ask(Query::AlwaysOn));
    } else if action.eq_ignore_ascii_case("SET") {
        let Some(word) = line.param(1) else { return turn.need_more_params() };
        match choice(word) {
            Some(choice) => turn.ask(Command::SetAlwaysOn { choice }),
            None => turn.fail("PERSISTENCE", "INVALID_PARAMS", &[shown(word)], "Say ON, OFF or DEFAULT"),
        }
    } else {
        turn.fail("PERSISTENCE", "INVALID_PARAMS", &[shown(action)], "Say GET, or SET with ON, OFF or DEFAULT");
    }
}

/// TRUE and FALSE are what Ergo's NickServ takes.
fn choice(word: &str) -> Option<Option<bool>> {
    let words =
        [("ON", Some(true)), ("TRUE", Some(true)), ("OFF", Some(false)), ("FALSE", Some(false)), ("DEFAULT", None)];
    words.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, choice)| choice)
}

pub(crate) fn write(turn: &mut Turn<'_>, status: AlwaysOnStatus) {
    let word = |on: bool| if on { "ON" } else { "OFF" };
    let (said, is_so) = (status.choice.map_or("DEFAULT", word), word(status.is_on));
    if turn.has(Capability::Persistence) {
        turn.server_line("PERSISTENCE").param("STATUS").param(said).param(is_so).end();
    } else if turn.verb() == "PERSISTENCE" {
        let text = match status.is_on {
            true => "You stay here, in your rooms and away, when all your devices are gone",
            false => "You leave when all your devices are gone",
        };
        turn.note("PERSISTENCE", "STATUS", &[said, is_so], text);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};
    use chat::settings::AlwaysOn;

    #[test]
    fn one_says_whether_one_stays() {
        check(
            "root= \n root> REGISTER * * sesame \n root<<
             alice= draft/persistence away-notify
             alice> REGISTER * * sesame
             alice<<
             alice> JOIN #tea
             alice<<
             alice> PERSISTENCE GET
             alice< :irc.example PERSISTENCE STATUS DEFAULT OFF
             alice> persistence set on
             alice< :irc.example PERSISTENCE STATUS ON ON
             bob= away-notify
             bob> JOIN #tea
             bob<<
             alice<<
             alice> QUIT
             alice<<
             bob< :alice!… AWAY :*
             bob> PRIVMSG alice :are you there
             bob< :irc.example 301 bob alice :*
             eve+
             eve> NICK alice
             eve> USER e 0 * :e
             eve< :irc.example 433 * alice :…
             alice/2+
             alice/2> CAP REQ :draft/persistence
             alice/2<<
             alice/2> PASS alice:sesame
             alice/2> NICK alice
             alice/2> USER a 0 * :a
             alice/2> CAP END
             alice/2< :irc.example 900 …
             alice/2< :irc.example 001 …
             alice/2< :irc.example 002 …
             alice/2< :irc.example 003 …
             alice/2< :irc.example 004 …
             alice/2< :irc.example 005 …
             alice/2< :irc.example 005 …
             alice/2< :irc.example 005 …
             alice/2< :irc.example 251 …
             alice/2< :irc.example 252 …
             alice/2< :irc.example 254 …
             alice/2< :irc.example 255 …
             alice/2< :irc.example 265 …
             alice/2< :irc.example 266 …
             alice/2< :irc.example PERSISTENCE STATUS ON ON
             alice/2<<
             bob< :alice!… AWAY
             phone+
             phone> PASS alice:sesame
             phone> NICK alice
             phone> USER a 0 * :a
             phone<<
             phone> PERSISTENCE SET FALSE
             phone< :irc.example NOTE PERSISTENCE STATUS OFF OFF :You leave when all your devices are gone
             alice/2< :irc.example PERSISTENCE STATUS OFF OFF
             alice/2> PERSISTENCE SET DEFAULT
             alice/2< :irc.example PERSISTENCE STATUS DEFAULT OFF",
        );
    }

    #[test]
    fn refusals() {
        check_with(
            |_, settings| {
                settings.always_on = AlwaysOn::OptIn;
                settings.always_on_accounts = 0;
            },
            "bob=
             bob> PERSISTENCE
             bob< :irc.example 461 bob PERSISTENCE :…
             bob> PERSISTENCE SET
             bob< :irc.example 461 bob PERSISTENCE :…
             bob> PERSISTENCE GET
             bob< :irc.example FAIL PERSISTENCE ACCOUNT_REQUIRED :…
             bob> PERSISTENCE SET ON
             bob< :irc.example FAIL PERSISTENCE ACCOUNT_REQUIRED :…
             bob> REGISTER * * sesame
             bob<<
             bob> PERSISTENCE SET maybe
             bob< :irc.example FAIL PERSISTENCE INVALID_PARAMS maybe :…
             bob> PERSISTENCE FLY
             bob< :irc.example FAIL PERSISTENCE INVALID_PARAMS FLY :…
             bob> PERSISTENCE SET ON
             bob< :irc.example FAIL PERSISTENCE LIMIT_REACHED 0 :…
             store fails
             bob> PERSISTENCE SET OFF
             bob< :irc.example FAIL PERSISTENCE STORAGE_FULL …",
        );
    }
}
