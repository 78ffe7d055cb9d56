//! ACCOUNT: what one does with one's own account as a whole. Ours; the line of that name that account-notify sends goes
//! the other way.

use super::register::current_account;
use super::{Awaiting, Phase, Verb};
use crate::confirmation::{self, Wish};
use crate::refusal_numeric;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::name::Username;
use chat::query::{Answer, Query};
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "ACCOUNT",
    parameters: 1,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "ACCOUNT EXPORT\n\
           Gives you a link to all that is kept of your account and what you said, as JSON; for you alone, good once.\n\
           ACCOUNT RENAME <new name> :<password>\n\
           Gives your account another name; what you said, your rooms and your rights stay yours. If you are called as your account is, your nick follows.\n\
           ACCOUNT DELETE :<password>\n\
           Deletes your account for good and ends all your sessions; what you said stays.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let action = line.params()[0];
    if action.eq_ignore_ascii_case("EXPORT") {
        export(turn);
    } else if action.eq_ignore_ascii_case("DELETE") {
        let Some(password) = line.param(1) else { return turn.need_more_params() };
        confirmation::begin(turn, password, Wish::Deletion);
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

/// What is written is read beside the hub; that the account is hers, and still is one, the hub says.
fn export(turn: &mut Turn<'_>) {
    let Some(account) = current_account(turn) else {
        return turn.fail("ACCOUNT", "ACCOUNT_REQUIRED", &[], "You must be logged in to an account to do that");
    };
    if !(turn.session.link.is_private() || turn.facts.login.plaintext) {
        let text = "The link is given over TLS only: connect to the port for TLS";
        return turn.fail("ACCOUNT", "TEMPORARILY_UNAVAILABLE", &[], text);
    }
    let name = Username::lookup(&account, &turn.facts.name_rules);
    turn.ask(Command::Ask(Query::Account { name }));
    turn.await_with(Awaiting::Export);
}

pub(crate) fn answer(turn: &mut Turn<'_>, answer: &Answer) {
    match answer {
        Answer::Account(record) => {
            let (account, proofs_since) = (record.id, record.proofs_since);
            turn.work(|ticket| Work::OfferExport { ticket, account, proofs_since });
        }
        Answer::Refused(refusal) => refusal_numeric::write(turn, "ACCOUNT", "", refusal),
        other => crate::answer::dispatch(turn, None, other),
    }
    turn.put_awaiting(Box::new(Awaiting::Export));
}

pub(crate) fn offered(turn: &mut Turn<'_>, result: &WorkResult) {
    match result {
        WorkResult::Offered { url, seconds } => {
            let text =
                format!("Open it in a browser within {} minutes: it is good once, and for you alone", seconds / 60);
            turn.note("ACCOUNT", "EXPORT", &[url], &text);
        }
        WorkResult::Unavailable => {
            let text = "This server has no page: ask its admin for chat_server account export";
            turn.fail("ACCOUNT", "EXPORT_UNAVAILABLE", &[], text);
        }
        _ => turn.fail(
            "ACCOUNT",
            "TEMPORARILY_UNAVAILABLE",
            &[],
            "You had one a moment ago, or many have: try again later",
        ),
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
             alice< @account=ally :alice!… NICK ally
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED ally :…
             bob< @account=alice :alice!… ACCOUNT ally
             bob< @account=ally :alice!… NICK ally
             alice> MODE #tea +t
             alice<<
             bob<<
             alice> PRIVMSG #tea :still me
             bob< @account=ally :ally!… PRIVMSG #tea :still me
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
    fn the_nick_follows_on_all_devices_and_so_does_who_comes_back() {
        check(
            "alice=
             alice> REGISTER * * sesame
             alice<<
             alice/phone+
             alice/phone> PASS alice:sesame
             alice/phone> NICK alice
             alice/phone> USER a 0 * :a
             alice/phone<<
             alice> ACCOUNT RENAME ally :sesame
             alice< :alice!… NICK ally
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED ally :…
             alice/phone< :alice!… NICK ally
             alice/web+
             alice/web> PASS ally:sesame
             alice/web> NICK ally
             alice/web> USER a 0 * :a
             alice/web< :irc.example 900 ally … ally :You are now logged in as ally
             alice/web< :irc.example 001 ally :…
             alice/web<<
             alice> NICK al
             alice<<
             alice/phone<<
             alice/web<<
             alice> ACCOUNT RENAME alicia :sesame
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED alicia :…
             alice/phone> PRIVMSG al :a nick of one's own stays
             alice/phone<<
             alice< :al!… PRIVMSG al :a nick of one's own stays
             alice/web< :al!… PRIVMSG al :a nick of one's own stays",
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
    fn a_labelled_deletion_is_answered_before_the_end() {
        check(
            "root= \n root> REGISTER * * sesame \n root<<
             alice= batch labeled-response
             alice> REGISTER * * sesame
             alice<<
             alice> @label=1 ACCOUNT DELETE :sesame
             alice< @label=1 :irc.example NOTE ACCOUNT ACCOUNT_DELETED alice :…
             alice< ERROR :Closing link: (the account was deleted)
             alice!",
        );
    }

    #[test]
    fn what_is_kept_of_one_can_be_had() {
        check(
            "root= \n root> REGISTER * * sesame \n root<<
             alice=
             alice> ACCOUNT EXPORT
             alice< :irc.example FAIL ACCOUNT ACCOUNT_REQUIRED :…
             alice> REGISTER * * sesame
             alice<<
             alice> ACCOUNT export
             alice< :irc.example NOTE ACCOUNT EXPORT https://irc.example/export/0 :…
             store unreadable
             alice> ACCOUNT EXPORT
             alice< :irc.example FAIL ACCOUNT TEMPORARILY_UNAVAILABLE :…
             carol+ plain
             carol> NICK carol
             carol> USER c 0 * :c
             carol<<
             carol> ACCOUNT EXPORT
             carol< :irc.example FAIL ACCOUNT ACCOUNT_REQUIRED :…",
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
             alice< :alice!… NICK ALICE
             alice< :irc.example NOTE ACCOUNT NAME_CHANGED ALICE :…
             store fails
             alice> ACCOUNT RENAME ally :sesame
             alice< :irc.example FAIL ACCOUNT STORAGE_FULL …
             alice> ACCOUNT DELETE :sesame
             alice< :irc.example FAIL ACCOUNT STORAGE_FULL …",
        );
    }
}
