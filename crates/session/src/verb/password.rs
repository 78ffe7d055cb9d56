//! PASSWORD: a new password for one's own account, for whoever knows the old one. Ours; no specification has it.

use super::{Phase, Verb};
use crate::confirmation::{self, Wish};
use crate::login::PASSWORD_BYTES;
use crate::turn::Turn;
use wire::Line;
use zeroize::Zeroizing;

pub(crate) const VERB: Verb = Verb {
    name: "PASSWORD",
    parameters: 1,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "PASSWORD <old password> :<new password>\n\
           PASSWORD :/<old password>/<new password>/\n\
           Changes the password of your account, and ends your sessions on all other devices. The second form is for an \
           old password with spaces; instead of / any character will do that neither password has.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let (old, new) = match *line.params() {
        [old, new] => (old, new),
        [both] => match delimited(both) {
            Some(parts) => parts,
            None => return turn.need_more_params(),
        },
        _ => {
            let text = "Too many words: HELP PASSWORD shows how to write a password with spaces";
            return turn.fail("PASSWORD", "INVALID_PARAMS", &[], text);
        }
    };
    if new.is_empty() {
        return turn.fail("PASSWORD", "WEAK_PASSWORD", &[], "The new password is empty");
    }
    if new.len() > PASSWORD_BYTES || new.contains('\0') {
        return turn.fail("PASSWORD", "UNACCEPTABLE_PASSWORD", &[], "The new password is too long");
    }
    confirmation::begin(turn, old, Wish::Password { new: Zeroizing::new(new.to_owned()) });
}

/// The two parts of `/one/other/`, or of the same with another character; the last one may be left out.
fn delimited(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|mark| !mark.is_alphanumeric())?;
    let rest = &text[mark.len_utf8()..];
    let (old, new) = rest.strip_suffix(mark).unwrap_or(rest).split_once(mark)?;
    (!old.is_empty() && !new.contains(mark)).then_some((old, new))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    #[test]
    fn the_old_one_is_asked_for_and_all_else_that_it_opened_ends() {
        check(
            "alice= standard-replies
             alice> REGISTER * * sesame
             alice<<
             alice/phone+
             alice/phone> PASS alice:sesame
             alice/phone> NICK alice
             alice/phone> USER a 0 * :a
             alice/phone<<
             alice> PASSWORD wrong :a new one
             alice< :irc.example FAIL PASSWORD INVALID_CREDENTIALS :…
             alice> PASSWORD sesame :password
             alice< :irc.example FAIL PASSWORD WEAK_PASSWORD :…
             alice> PASSWORD sesame :a new one
             alice< :irc.example NOTE PASSWORD PASSWORD_CHANGED alice :…
             alice/phone< ERROR :Closing link: (the password was changed)
             alice/phone!
             bob+
             bob> PASS alice:sesame
             bob> NICK bob
             bob> USER a 0 * :a
             bob< :irc.example 464 bob :…
             bob< ERROR :Closing link: (Bad password)
             carol+
             alice> PASSWORD :/wrong/another new one/
             alice< :irc.example FAIL PASSWORD INVALID_CREDENTIALS :…
             alice> PASSWORD :/a new one/another new one/
             alice< :irc.example NOTE PASSWORD PASSWORD_CHANGED alice :…
             alice> PASSWORD :|another new one|a new one
             alice< :irc.example NOTE PASSWORD PASSWORD_CHANGED alice :…
             carol> PASS :alice:a new one
             carol> NICK carol
             carol> USER a 0 * :a
             carol< :irc.example 900 …
             carol<<",
        );
    }

    #[test]
    fn refusals() {
        check(
            "bob=
             bob> PASSWORD sesame
             bob< :irc.example 461 bob PASSWORD :Not enough parameters
             bob> PASSWORD
             bob< :irc.example 461 bob PASSWORD :Not enough parameters
             bob> PASSWORD four words of it :a new one
             bob< :irc.example FAIL PASSWORD INVALID_PARAMS :…
             bob> PASSWORD sesame :a new one
             bob< :irc.example FAIL PASSWORD ACCOUNT_REQUIRED :…
             bob> REGISTER * * sesame
             bob<<
             bob> PASSWORD sesame :
             bob< :irc.example FAIL PASSWORD WEAK_PASSWORD :…
             store fails
             bob> PASSWORD sesame :a new one
             bob< :irc.example FAIL PASSWORD STORAGE_FULL :…
             dave+ plain
             dave> PASSWORD sesame :a new one
             dave< :irc.example 451 * :…",
        );
        // Over a connection that others can listen to, and by somebody who found a device that is logged in.
        check_with(
            |configured, _| configured.login.plaintext = false,
            "alice= \n alice> REGISTER alice * sesame \n alice<< \n alice> QUIT \n alice<<
             eve+ plain
             eve> NICK eve
             eve> USER e 0 * :e
             eve<<
             eve> PASSWORD sesame :a new one
             eve< :irc.example FAIL PASSWORD ACCOUNT_REQUIRED :…",
        );
        let wrong = "bob> PASSWORD wrong :a new one\n bob< :irc.example FAIL PASSWORD INVALID_CREDENTIALS :…\n";
        check(&format!(
            "bob+ throttled
             bob> NICK bob
             bob> USER b 0 * :b
             bob<<
             bob> REGISTER * * sesame
             bob<<
             {wrong}{wrong}{wrong}
             bob> PASSWORD sesame :a new one
             bob< :irc.example FAIL PASSWORD TOO_MANY_ATTEMPTS :…
             +61
             bob> PASSWORD sesame :a new one
             bob< :irc.example NOTE PASSWORD PASSWORD_CHANGED bob :…"
        ));
    }
}
