//! What one does to one's own account only with its password, though one is logged in already (OWASP ASVS 5.0, 7.5.1):
//! whoever finds a device unlocked shall not take the account away from its owner.
//!
//! The password is checked as at a login, with the same bounds. It stands in no command and no answer.

use crate::login::{self, PASSWORD_BYTES};
use crate::refusal_numeric;
use crate::turn::Turn;
use crate::verb::Awaiting;
use crate::verb::register::current_account;
use crate::work::{Work, WorkResult};
use chat::command::{AccountChange, Command};
use chat::name::Username;
use chat::query::{Answer, Query};
use zeroize::Zeroizing;

/// What is to be done once the password has been checked.
#[derive(Debug)]
pub(crate) enum Wish {
    Password { new: Zeroizing<String> },
    Name(Username),
    Deletion,
}

/// A wish on its way.
#[derive(Debug)]
pub(crate) struct Confirmation {
    account: Username,
    wish: Wish,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Asking { password: Zeroizing<String> },
    Checking,
    Hashing,
    Doing,
}

impl Wish {
    fn verb(&self) -> &'static str {
        match self {
            Wish::Password { .. } => "PASSWORD",
            Wish::Name(_) | Wish::Deletion => "ACCOUNT",
        }
    }
}

const WRONG: &str = "The password is wrong: nothing was changed";

pub(crate) fn begin(turn: &mut Turn<'_>, password: &str, wish: Wish) {
    let verb = wish.verb();
    let Some(account) = current_account(turn) else {
        return turn.fail(verb, "ACCOUNT_REQUIRED", &[], "You must be logged in to an account to do that");
    };
    let link = &turn.session.link;
    let (address, exempt) = (link.address, link.exempt);
    if !(link.is_private() || turn.facts.login.plaintext) {
        let text = "Passwords are taken over TLS only: connect to the port for TLS";
        return turn.fail(verb, "TEMPORARILY_UNAVAILABLE", &[], text);
    }
    if !login::may_try(turn) {
        return turn.fail(verb, "TOO_MANY_ATTEMPTS", &[], "Too many attempts, wait a minute");
    }
    if password.len() > PASSWORD_BYTES {
        return turn.fail(verb, "INVALID_CREDENTIALS", &[], WRONG);
    }
    let password = Zeroizing::new(password.to_owned());
    let account = Username::lookup(&account, &turn.facts.name_rules);
    turn.ask(Command::Ask(Query::Credentials { name: account.clone(), address, exempt }));
    wait(turn, Confirmation { account, wish, step: Step::Asking { password } });
}

fn wait(turn: &mut Turn<'_>, confirmation: Confirmation) {
    turn.await_with(Awaiting::Confirmation(Box::new(confirmation)));
    turn.barrier();
}

pub(crate) fn answer(turn: &mut Turn<'_>, confirmation: Confirmation, answer: &Answer) {
    let verb = confirmation.wish.verb();
    let Confirmation { account, wish, step } = confirmation;
    match (step, answer) {
        (Step::Asking { password }, Answer::Credentials(credentials)) => {
            let hash = credentials.account.as_ref().and_then(|account| account.password_hash.clone());
            turn.work(|ticket| Work::CheckPassword { ticket, hash, password });
            wait(turn, Confirmation { account, wish, step: Step::Checking });
        }
        (Step::Doing, Answer::AccountChanged { account }) => match wish {
            Wish::Password { .. } => {
                let text = "Your password is changed; your other sessions have ended";
                turn.note(verb, "PASSWORD_CHANGED", &[account], text);
            }
            _ => turn.note(verb, "NAME_CHANGED", &[account], "Your account has this name from now on"),
        },
        (Step::Doing, Answer::AccountDeleted { account }) => {
            turn.note(verb, "ACCOUNT_DELETED", &[account], "Your account is deleted");
        }
        (_, Answer::Refused(chat::refusal::Refusal::TooManyAttempts { retry_after_seconds })) => {
            let text = format!("Too many attempts: try again in {retry_after_seconds} seconds");
            turn.fail(verb, "TOO_MANY_ATTEMPTS", &[], &text);
        }
        (_, Answer::Refused(refusal)) => refusal_numeric::write(turn, verb, about(&wish), refusal),
        // Something else that it led to.
        (step, other) => {
            crate::answer::dispatch(turn, None, other);
            turn.put_awaiting(Box::new(Awaiting::Confirmation(Box::new(Confirmation { account, wish, step }))));
        }
    }
}

fn about(wish: &Wish) -> &str {
    match wish {
        Wish::Name(name) => name.text(),
        Wish::Password { .. } | Wish::Deletion => "",
    }
}

/// The password was checked, or the new one has become a hash.
pub(crate) fn worked(turn: &mut Turn<'_>, confirmation: Confirmation, result: WorkResult) {
    let Confirmation { account, wish, step } = confirmation;
    let verb = wish.verb();
    match (step, result) {
        (Step::Checking, WorkResult::Checked { matches: true }) => match wish {
            Wish::Password { new } => {
                let scram = turn.facts.login.scram_sha_256;
                turn.work(|ticket| Work::HashPassword { ticket, password: new.clone(), scram });
                wait(turn, Confirmation { account, wish: Wish::Password { new }, step: Step::Hashing });
            }
            Wish::Name(name) => {
                let change = AccountChange::Name(name.clone());
                turn.ask(Command::ChangeAccount { account: account.clone(), change });
                wait(turn, Confirmation { account, wish: Wish::Name(name), step: Step::Doing });
            }
            Wish::Deletion => {
                turn.ask(Command::DeleteAccount { account: account.clone() });
                wait(turn, Confirmation { account, wish, step: Step::Doing });
            }
        },
        (Step::Checking, WorkResult::Checked { .. }) => {
            login::count_failure(turn);
            turn.fail(verb, "INVALID_CREDENTIALS", &[], WRONG);
        }
        (Step::Hashing, WorkResult::Hashed { hash, scram }) => {
            let change = AccountChange::Password { hash, scram };
            turn.ask(Command::ChangeAccount { account: account.clone(), change });
            wait(turn, Confirmation { account, wish, step: Step::Doing });
        }
        (Step::Hashing, WorkResult::Weak { why }) => turn.fail(verb, "WEAK_PASSWORD", &[], why),
        // Busy; nothing else comes of checking and hashing.
        _ => turn.fail(verb, "TEMPORARILY_UNAVAILABLE", &[], "The server is busy, try again"),
    }
}
