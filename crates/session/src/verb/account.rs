//! ACCOUNT: what one does with one's own account as a whole. Ours; the line of that name that account-notify sends goes
//! the other way.

use super::{Phase, Verb};
use crate::confirmation::{self, Wish};
use crate::turn::Turn;
use chat::name::Username;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "ACCOUNT",
    parameters: 2,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "ACCOUNT RENAME <new name> :<password>\n\
           Gives your account another name; what you said, your rooms and your rights stay yours.\n\
           ACCOUNT DELETE :<password>\n\
           Deletes your account for good and ends all your sessions; what you said stays.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let action = line.params()[0];
    if action.eq_ignore_ascii_case("DELETE") {
        confirmation::begin(turn, line.params()[1], Wish::Deletion);
    } else if action.eq_ignore_ascii_case("RENAME") {
        let [_, name, password, ..] = *line.params() else {
            return turn.need_more_params();
        };
        match Username::parse(name, &turn.facts.name_rules) {
            Ok(name) => confirmation::begin(turn, password, Wish::Name(name)),
            Err(error) => {
                let shown = wire::truncate_at_char_boundary(name, 64);
                let text = format!("Not a name for an account: {error}");
                turn.fail("ACCOUNT", "BAD_ACCOUNT_NAME", &[crate::targets::shown(shown)], &text);
            }
        }
    } else {
        let shown = wire::truncate_at_char_boundary(action, 64);
        let text = "This is not something to do with an account: HELP ACCOUNT shows what is";
        turn.fail("ACCOUNT", "UNKNOWN_SUBCOMMAND", &[crate::targets::shown(shown)], text);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    #[test]
    fn another_name_and_all_else_stays() {
        check(
            "root= \n root> REGISTER * * sesame \n root<<
             alice= account-notify account-tag
             alice> REGISTER * * sesame
             alice<<
             alice> JOIN #tea
             alice<<
             bob= account-notify account-tag
             bob> JOIN #tea
             bob<<
             alice<<
             alice> ACCOUNT RENAME ally :wrong
             alice< :irc.example FAIL ACCOUNT INVALID_CREDENTIALS :…
             alice> ACCOUNT RENAME ally :sesame
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED ally :…
             bob< @account=alice :alice!… ACCOUNT ally
             alice> MODE #tea +t
             alice<<
             bob<<
             alice> PRIVMSG #tea :still me
             bob< @account=ally :alice!… PRIVMSG #tea :still me
             carol+
             carol> PASS ally:sesame
             carol> NICK ally
             carol> USER a 0 * :a
             carol< :irc.example 900 ally … ally :You are now logged in as ally
             carol<<
             eve+
             eve> PASS alice:sesame
             eve> NICK eve
             eve> USER a 0 * :a
             eve< :irc.example 464 eve :…
             eve< ERROR :…",
        );
    }

    #[test]
    fn the_nick_follows_where_it_has_to() {
        check_with(
            |configured, settings| {
                configured.login.nick_follows_account = true;
                settings.nick_follows_account = true;
            },
            "root= \n root> REGISTER * * sesame \n root<<
             alice=
             alice> REGISTER * * sesame
             alice<<
             alice> ACCOUNT RENAME ally :sesame
             alice< :alice!… NICK ally
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED ally :…",
        );
    }

    #[test]
    fn deletion_is_at_once_and_for_good() {
        check(
            "root= \n root> REGISTER * * sesame \n root<<
             alice=
             alice> REGISTER * * sesame
             alice<<
             alice> JOIN #tea
             alice<<
             alice/phone+
             alice/phone> PASS alice:sesame
             alice/phone> NICK alice
             alice/phone> USER a 0 * :a
             alice/phone<<
             bob=
             bob> JOIN #tea
             bob<<
             alice<<
             alice/phone<<
             alice> ACCOUNT DELETE :wrong
             alice< :irc.example FAIL ACCOUNT INVALID_CREDENTIALS :…
             alice> ACCOUNT DELETE :sesame
             alice< :irc.example NOTE ACCOUNT ACCOUNT_DELETED alice :…
             alice< ERROR :Closing link: (the account was deleted)
             alice!
             alice/phone< ERROR :Closing link: (the account was deleted)
             bob< :alice!… QUIT :the account was deleted
             eve+
             eve> PASS alice:sesame
             eve> NICK eve
             eve> USER a 0 * :a
             eve< :irc.example 464 eve :…
             eve< ERROR :…",
        );
    }

    #[test]
    fn refusals() {
        check(
            "root=
             root> ACCOUNT DELETE
             root< :irc.example 461 root ACCOUNT :Not enough parameters
             root> ACCOUNT DELETE :sesame
             root< :irc.example FAIL ACCOUNT ACCOUNT_REQUIRED :…
             root> REGISTER * * sesame
             root<<
             root> ACCOUNT RENAME other
             root< :irc.example 461 root ACCOUNT :Not enough parameters
             root> ACCOUNT RENAME not@name :sesame
             root< :irc.example FAIL ACCOUNT BAD_ACCOUNT_NAME not@name :…
             root> ACCOUNT FLY high
             root< :irc.example FAIL ACCOUNT UNKNOWN_SUBCOMMAND FLY :…
             root> ACCOUNT DELETE :sesame
             root< :irc.example FAIL ACCOUNT OWNS_SERVER root :…
             alice=
             alice> REGISTER * * sesame
             alice<<
             bob=
             alice> ACCOUNT RENAME ROOT :sesame
             alice< :irc.example FAIL ACCOUNT ACCOUNT_EXISTS ROOT :…
             alice> ACCOUNT RENAME bob :sesame
             alice< :irc.example FAIL ACCOUNT ACCOUNT_EXISTS bob :…
             alice> ACCOUNT RENAME ALICE :sesame
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED ALICE :…
             store fails
             alice> ACCOUNT RENAME ally :sesame
             alice< :irc.example FAIL ACCOUNT STORAGE_FULL …
             alice> ACCOUNT DELETE :sesame
             alice< :irc.example FAIL ACCOUNT STORAGE_FULL …",
        );
    }
}
