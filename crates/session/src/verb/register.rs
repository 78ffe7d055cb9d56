//! REGISTER: a new account (IRCv3 draft/account-registration). No account is left waiting for a code.

use super::{Phase, Verb};
use crate::invite_token;
use crate::login::{self, PASSWORD_BYTES};
use crate::refusal_numeric;
use crate::turn::Turn;
use crate::verb::Awaiting;
use crate::work::{Work, WorkResult};
use chat::command::{Command, NewAccount};
use chat::invite_link::LinkHash;
use chat::name::Username;
use chat::query::{Answer, Query};
use compact_str::CompactString;
use wire::{Line, truncate_at_char_boundary};
use zeroize::Zeroizing;

/// Bytes of an address for mail (RFC 5321 section 4.5.3.1.3: a path has 256 with its brackets).
const EMAIL_BYTES: usize = 254;

/// What is to become an account.
#[derive(Debug)]
pub struct Application {
    name: Username,
    email: Option<Box<str>>,
    link: Option<LinkHash>,
}

pub(crate) const VERB: Verb = Verb {
    name: "REGISTER",
    parameters: 3,
    phase: Phase::Any,
    cost: 4,
    receive,
    help: "REGISTER <account or *> <email or *> <password> [<invite link>]\n\
           Makes an account; with an invite link also where registration is closed, and a member of its room.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let [account, email, password, ..] = *line.params() else {
        return;
    };
    let given_link = line.param(3).filter(|link| !link.is_empty());
    let invite = given_link.and_then(invite_token::hash);
    let facts = turn.facts;
    let registered = turn.session.is_registered();
    let shown = truncate_at_char_boundary(account, 64);
    let mut fail = |code: &'static str, account: &str, text: &str| turn.fail("REGISTER", code, &[account], text);
    if given_link.is_some() && invite.is_none() {
        return fail(
            "TEMPORARILY_UNAVAILABLE",
            shown,
            "This is not a whole invite link: copy it once more, or ask for another one",
        );
    }
    if !facts.login.registration_open && invite.is_none() {
        let text = "Accounts are made by the administrators of this server, or with an invite link behind the password";
        return fail("TEMPORARILY_UNAVAILABLE", shown, text);
    }
    if !registered && !facts.login.register_before_connect {
        return fail("COMPLETE_CONNECTION_REQUIRED", shown, "Connect first, then register");
    }
    // "this functionality cannot be used to bypass any authentication restrictions", such as a server password: the
    // account is of no use without it.
    if let Some(account) = current_account(turn) {
        return turn.fail("REGISTER", "ALREADY_AUTHENTICATED", &[&account], "You are logged in to an account already");
    }
    let nick = turn.nick().to_owned();
    if nick == "*" {
        return turn.fail("REGISTER", "NEED_NICK", &["*"], "Choose a nickname first (NICK)");
    }
    let wanted = if account == "*" { nick.as_str() } else { account };
    let mut fail = |code: &'static str, account: &str, text: &str| turn.fail("REGISTER", code, &[account], text);
    let name = match Username::parse(wanted, &facts.name_rules) {
        Ok(name) => name,
        Err(error) => {
            return fail("BAD_ACCOUNT_NAME", shown, &format!("Not a name for an account: {error}"));
        }
    };
    if facts.login.nick_follows_account && name.key() != Username::lookup(&nick, &facts.name_rules).key() {
        return fail("ACCOUNT_NAME_MUST_BE_NICK", shown, "The account must have the name that you go by now");
    }
    let email = match email {
        "*" | "" if facts.login.email_required => {
            return fail("INVALID_EMAIL", name.text(), "An address for mail is required");
        }
        "*" | "" => None,
        email if is_email(email) => Some(email.into()),
        _ => {
            return fail("INVALID_EMAIL", name.text(), "This is not an address for mail");
        }
    };
    if password.is_empty() || password == "*" {
        return fail("WEAK_PASSWORD", name.text(), "The password is empty");
    }
    if password.len() > PASSWORD_BYTES || password.contains('\0') {
        return fail("UNACCEPTABLE_PASSWORD", name.text(), "The password is too long");
    }
    let link = &turn.session.link;
    if !link.is_private() && !facts.login.plaintext {
        let text = "Passwords are taken over TLS only: connect to the port for TLS";
        return turn.fail("REGISTER", "TEMPORARILY_UNAVAILABLE", &[name.text()], text);
    }
    if !login::may_try(turn) {
        return turn.fail("REGISTER", "TEMPORARILY_UNAVAILABLE", &[name.text()], "Too many attempts, wait a minute");
    }
    let password = Zeroizing::new(password.to_owned());
    let scram = facts.login.scram_sha_256;
    turn.work(|ticket| Work::HashPassword { ticket, password, scram });
    turn.await_with(Awaiting::Register(Box::new(Application { name, email, link: invite })));
}

/// The password has become a hash.
pub(crate) fn hashed(turn: &mut Turn<'_>, application: Box<Application>, result: WorkResult) {
    let name = application.name.text().clone();
    match result {
        WorkResult::Hashed { hash, scram } => {
            let link = &turn.session.link;
            let new = NewAccount {
                username: application.name.clone(),
                password_hash: Some(hash),
                scram,
                email: application.email.clone(),
                certificate: link.certificate.as_deref().copied(),
                address: Some(link.address),
                link: application.link,
            };
            turn.session.known_to_hub = true;
            turn.ask(Command::CreateAccount(Box::new(new)));
            turn.await_with(Awaiting::Register(application));
            turn.barrier();
        }
        WorkResult::Weak { why } => turn.fail("REGISTER", "WEAK_PASSWORD", &[&name], why),
        // Busy; nothing else comes of hashing.
        _ => {
            turn.fail("REGISTER", "TEMPORARILY_UNAVAILABLE", &[&name], "The server is busy, try again");
        }
    }
}

pub(crate) fn answer(turn: &mut Turn<'_>, application: Box<Application>, answer: &Answer) {
    match answer {
        Answer::AccountCreated { account, .. } => {
            turn.server_line("REGISTER").param("SUCCESS").param(account).trailing("Account successfully registered");
        }
        Answer::LoggedIn { account, .. } => {
            login::logged_in(turn, account);
            if !turn.session.is_registered() {
                // The arrival has to name the account by its id. Nothing is checked by this: no attempt is counted.
                let (name, address) = (application.name.clone(), turn.session.link.address);
                turn.ask(Command::Ask(Query::Credentials { name, address, exempt: true }));
            }
        }
        Answer::Credentials(credentials) => {
            if let (Some(account), Some(registration)) =
                (&credentials.account, turn.session.registration.as_deref_mut())
            {
                registration.account = Some((account.id, account.username.clone()));
            }
        }
        Answer::Refused(refusal) => {
            // A hash was made for nothing: not too often from one connection.
            login::count_failure(turn);
            refusal_numeric::write(turn, "REGISTER", application.name.text(), refusal);
        }
        other => crate::answer::dispatch(turn, None, other),
    }
    turn.put_awaiting(Box::new(Awaiting::Register(application)));
}

/// The account that the session is logged in to.
pub(crate) fn current_account(turn: &Turn<'_>) -> Option<CompactString> {
    let session = &turn.session;
    match (&session.person, session.registration.as_deref()) {
        (Some(person), _) => person.account.clone(),
        (None, Some(registration)) => registration.account.as_ref().map(|(_, name)| name.clone()),
        (None, None) => None,
    }
}

/// Enough to see that it was meant as one: something, `@`, a host. Whether mail arrives only mail can tell.
pub fn is_email(text: &str) -> bool {
    text.len() <= EMAIL_BYTES
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && text.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    #[test]
    fn after_the_welcome() {
        check(
            "alice=
             alice> REGISTER * * sesame
             alice< :irc.example REGISTER SUCCESS alice :Account successfully registered
             alice< :irc.example 900 alice alice!~alice@….ip alice :You are now logged in as alice
             alice> REGISTER other * sesame
             alice< :irc.example FAIL REGISTER ALREADY_AUTHENTICATED alice :…
             alice> VERIFY alice 123
             alice< :irc.example FAIL VERIFY ALREADY_AUTHENTICATED alice :…
             bob=
             bob> REGISTER tea bob@example.org :four words of it
             bob< :irc.example REGISTER SUCCESS tea :Account successfully registered
             bob< :irc.example 900 bob bob!~bob@….ip tea :You are now logged in as tea",
        );
    }

    #[test]
    fn before_the_welcome() {
        check(
            "alice+
             alice> REGISTER * * sesame
             alice< :irc.example FAIL REGISTER NEED_NICK * :…
             alice> CAP REQ draft/account-registration
             alice<<
             alice> NICK alice
             alice> REGISTER * * sesame
             alice< :irc.example REGISTER SUCCESS alice :Account successfully registered
             alice< :irc.example 900 alice alice!*@* alice :You are now logged in as alice
             alice> USER alice 0 * :Alice
             alice> CAP END
             alice< :irc.example 001 alice :…
             alice<<
             alice> REGISTER * * sesame
             alice< :irc.example FAIL REGISTER ALREADY_AUTHENTICATED alice :…",
        );
        check_with(
            |configured, _| configured.login.register_before_connect = false,
            "alice+
             alice> NICK alice
             alice> REGISTER * * sesame
             alice< :irc.example FAIL REGISTER COMPLETE_CONNECTION_REQUIRED * :…
             alice> VERIFY alice 123
             alice< :irc.example FAIL VERIFY COMPLETE_CONNECTION_REQUIRED alice :…",
        );
    }

    #[test]
    fn refusals() {
        check(
            "alice=
             alice> REGISTER *
             alice< :irc.example 461 alice REGISTER :Not enough parameters
             alice> REGISTER not@name * sesame
             alice< :irc.example FAIL REGISTER BAD_ACCOUNT_NAME not@name :…
             alice> REGISTER * nonsense sesame
             alice< :irc.example FAIL REGISTER INVALID_EMAIL alice :…
             alice> REGISTER * * password
             alice< :irc.example FAIL REGISTER WEAK_PASSWORD alice :Everyone tries this password first
             alice> REGISTER * * :
             alice< :irc.example FAIL REGISTER WEAK_PASSWORD alice :…
             alice> VERIFY alice 123
             alice< :irc.example FAIL VERIFY INVALID_CODE alice :…
             alice> REGISTER * * sesame
             alice<<
             bob=
             bob> REGISTER ALICE * sesame
             bob< :irc.example FAIL REGISTER ACCOUNT_EXISTS ALICE :…
             carol=
             bob> REGISTER carol * sesame
             bob< :irc.example FAIL REGISTER ACCOUNT_EXISTS carol :…
             dave+ plain
             dave> NICK dave
             dave> REGISTER * * sesame
             dave< :irc.example FAIL REGISTER TEMPORARILY_UNAVAILABLE dave :…
             store fails
             bob> REGISTER bob * sesame
             bob< :irc.example FAIL REGISTER … :…",
        );
        check_with(
            |configured, settings| {
                configured.login.registration_open = false;
                settings.registration_open = false;
            },
            "alice=
             alice> REGISTER * * sesame
             alice< :irc.example FAIL REGISTER TEMPORARILY_UNAVAILABLE * :…",
        );
        check_with(
            |configured, _| configured.login.email_required = true,
            "alice=
             alice> REGISTER * * sesame
             alice< :irc.example FAIL REGISTER INVALID_EMAIL alice :…
             alice> REGISTER * alice@example.org sesame
             alice< :irc.example REGISTER SUCCESS alice :…
             alice< :irc.example 900 …",
        );
        check_with(
            |configured, settings| {
                configured.login.nick_follows_account = true;
                settings.nick_follows_account = true;
            },
            "alice=
             alice> REGISTER other * sesame
             alice< :irc.example FAIL REGISTER ACCOUNT_NAME_MUST_BE_NICK other :…",
        );
    }

    #[test]
    fn guests_may_be_kept_out() {
        check_with(
            |configured, settings| {
                configured.login.guests = false;
                settings.guests = false;
            },
            "bob+
             bob> NICK bob
             bob> USER bob 0 * :Bob
             bob< :irc.example FAIL * ACCOUNT_REQUIRED :…
             bob< ERROR :Closing link: (Account required)
             bob!
             alice+
             alice> CAP LS 302
             alice<<
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice> REGISTER * * sesame
             alice<<
             alice> CAP END
             alice< :irc.example 001 alice :…
             alice<<",
        );
    }
}
