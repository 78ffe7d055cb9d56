//! Logging in to an account: the steps between what a client shows and what the hub is told.
//!
//! An unknown name, a wrong password and a disabled account are one and the same to the outside: the same text, the
//! same code, and the same work, since a dummy is checked where there is nothing to check.

use crate::registration;
use crate::sasl::{self, ScramStart};
use crate::session::Count;
use crate::turn::Turn;
use crate::verb::Awaiting;
use crate::work::{Work, WorkResult};
use chat::command::Command;
use chat::device_login::LoginClaim;
use chat::name::Username;
use chat::query::{Answer, Counted, Query};
use chat::refusal::Refusal;
use chat::snapshot::SharedAccount;
use compact_str::{CompactString, format_compact};
use wire::Numeric;
use zeroize::Zeroizing;

pub(crate) const WRONG: &str = "SASL authentication failed: wrong name or password";
pub(crate) const TOO_MANY: &str = "SASL authentication failed: too many attempts, wait a minute";
const BUSY: &str = "SASL authentication failed: the server is busy, try again";

/// Bytes of a password. RFC 4616 section 2 wants 255 at least.
pub(crate) const PASSWORD_BYTES: usize = 1_024;

/// What a login is for, which decides how its outcome is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Sasl,
    /// `PASS username:password`
    Pass,
    /// What the device has shown.
    Device,
}

/// A login under way.
#[derive(Debug)]
pub(crate) struct Attempt {
    purpose: Purpose,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// Credentials are asked for, to check this password.
    Password(Zeroizing<String>),
    /// The password is being checked against this account's.
    Checking {
        account: Option<SharedAccount>,
        counted: Option<Counted>,
    },
    Certificate {
        claimed: Option<Username>,
    },
    Scram(ScramStart),
    LoggingIn,
}

/// Bytes of what a device calls itself.
const DEVICE_BYTES: usize = 32;

/// `alice@phone` is the account alice, from a device that calls itself phone (the custom of bouncers, soju and Ergo
/// among them). No account's name has an `@`.
pub(crate) fn account_in(name: &str) -> &str {
    name.split_once('@').map_or(name, |(account, _)| account)
}

/// Notes what the device calls itself, for its arrival.
pub(crate) fn note_device(turn: &mut Turn<'_>, name: &str) {
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        let device = name.split_once('@').map(|(_, device)| device);
        let device = device.map(|device| wire::truncate_at_char_boundary(device, DEVICE_BYTES));
        registration.device =
            device.filter(|device| !device.is_empty() && !device.contains(char::is_control)).map(CompactString::from);
    }
}

/// Checks a name and a password.
pub(crate) fn with_password(turn: &mut Turn<'_>, purpose: Purpose, name: &str, password: Zeroizing<String>) {
    let link = &turn.session.link;
    if !turn.facts.login.plain || !(link.is_private() || turn.facts.login.plaintext) {
        return refuse(turn, purpose, "Passwords are taken over TLS only: connect to the port for TLS");
    }
    if !may_try(turn) {
        return refuse(turn, purpose, TOO_MANY);
    }
    if password.len() > PASSWORD_BYTES {
        return refuse(turn, purpose, WRONG);
    }
    note_device(turn, name);
    let name = Username::lookup(account_in(name), &turn.facts.name_rules);
    ask_credentials(turn, purpose, name, Step::Password(password));
}

/// Asks whose certificate this is.
pub(crate) fn with_certificate(turn: &mut Turn<'_>, certificate: [u8; 32], claimed: &str) {
    note_device(turn, claimed);
    let claimed = Some(account_in(claimed)).filter(|claimed| !claimed.is_empty());
    let claimed = claimed.map(|claimed| Username::lookup(claimed, &turn.facts.name_rules));
    turn.ask(Command::Ask(Query::CertificateAccount { certificate }));
    wait(turn, Purpose::Sasl, Step::Certificate { claimed });
}

/// By what the connection's device has shown.
pub(crate) fn with_device(turn: &mut Turn<'_>, claim: LoginClaim) {
    let address = turn.session.link.address;
    turn.session.known_to_hub = true;
    turn.ask(Command::LogInAgain { claim, address });
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        // Its name is told with the answer.
        registration.account = Some((claim.account, CompactString::default()));
    }
    wait(turn, Purpose::Device, Step::LoggingIn);
}

/// Asks for the keys that SCRAM needs.
pub(crate) fn for_scram(turn: &mut Turn<'_>, name: Username, start: ScramStart) {
    ask_credentials(turn, Purpose::Sasl, name, Step::Scram(start));
}

/// Tells the hub of a login that has been checked.
pub(crate) fn log_in(turn: &mut Turn<'_>, purpose: Purpose, account: &SharedAccount, counted: Option<Counted>) {
    turn.session.known_to_hub = true;
    let address = turn.session.link.address;
    let proofs_since = account.proofs_since;
    turn.ask(Command::LogIn { account: account.id, verified: true, address, counted, proofs_since });
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        // Whatever the device has shown, this is the later word.
        registration.login = None;
        registration.account = Some((account.id, account.username.clone()));
    }
    wait(turn, purpose, Step::LoggingIn);
}

fn ask_credentials(turn: &mut Turn<'_>, purpose: Purpose, name: Username, step: Step) {
    let (address, exempt) = (turn.session.link.address, turn.session.link.exempt);
    turn.ask(Command::Ask(Query::Credentials { name, address, exempt }));
    wait(turn, purpose, step);
}

fn wait(turn: &mut Turn<'_>, purpose: Purpose, step: Step) {
    turn.await_with(Awaiting::Login(Box::new(Attempt { purpose, step })));
    turn.barrier();
}

/// What the hub says in the middle of a login.
pub(crate) fn answer(turn: &mut Turn<'_>, attempt: Attempt, answer: &Answer) {
    let Attempt { purpose, step } = attempt;
    match (step, answer) {
        (Step::Password(password), Answer::Credentials(credentials)) => {
            let account = credentials.account.clone();
            let hash = account.as_ref().and_then(|account| account.password_hash.clone());
            turn.work(|ticket| Work::CheckPassword { ticket, hash, password });
            wait(turn, purpose, Step::Checking { account, counted: credentials.counted });
        }
        (Step::Scram(start), Answer::Credentials(credentials)) => sasl::scram_challenge(turn, start, credentials),
        (Step::Certificate { claimed }, Answer::Credentials(credentials)) => match &credentials.account {
            Some(account) if is_claimed(turn, account, claimed.as_ref()) => log_in(turn, purpose, account, None),
            _ => refuse(turn, purpose, "SASL authentication failed: no account has this certificate"),
        },
        (Step::LoggingIn, Answer::LoggedIn { account, .. }) => succeed(turn, purpose, account),
        (step, Answer::Refused(refusal)) => {
            if matches!(step, Step::LoggingIn)
                && let Some(registration) = turn.session.registration.as_deref_mut()
            {
                registration.account = None;
            }
            refuse_for(turn, purpose, refusal);
        }
        // Something else that the login led to.
        (step, other) => {
            crate::answer::dispatch(turn, None, other);
            turn.put_awaiting(Box::new(Awaiting::Login(Box::new(Attempt { purpose, step }))));
        }
    }
}

fn is_claimed(turn: &Turn<'_>, account: &SharedAccount, claimed: Option<&Username>) -> bool {
    claimed.is_none_or(|claimed| Username::lookup(&account.username, &turn.facts.name_rules).key() == claimed.key())
}

/// A password has been checked.
pub(crate) fn checked(turn: &mut Turn<'_>, attempt: Attempt, result: WorkResult) {
    let Attempt { purpose, step } = attempt;
    match (step, result) {
        (Step::Checking { account: Some(account), counted }, WorkResult::Checked { matches: true }) => {
            log_in(turn, purpose, &account, counted);
        }
        (_, WorkResult::Busy) => refuse(turn, purpose, BUSY),
        _ => refuse(turn, purpose, WRONG),
    }
}

fn succeed(turn: &mut Turn<'_>, purpose: Purpose, account: &str) {
    logged_in(turn, account);
    turn.count(Count::Login(true));
    match purpose {
        Purpose::Sasl => turn.numeric(Numeric::RPL_SASLSUCCESS).trailing("SASL authentication successful"),
        Purpose::Pass => registration::account_password_passed(turn),
        Purpose::Device => {
            if let Some(registration) = turn.session.registration.as_deref_mut()
                && let Some((_, name)) = &mut registration.account
            {
                *name = account.into();
            }
            registration::login_passed(turn);
        }
    }
}

/// 900.
pub(crate) fn logged_in(turn: &mut Turn<'_>, account: &str) {
    let mask = sasl::mask_of(turn);
    turn.numeric(Numeric::RPL_LOGGEDIN)
        .param(&mask)
        .param(account)
        .trailing_fmt(format_args!("You are now logged in as {account}"));
}

fn refuse_for(turn: &mut Turn<'_>, purpose: Purpose, refusal: &Refusal) {
    match refusal {
        Refusal::TooManyAttempts { retry_after_seconds } => {
            let text = format_compact!(
                "SASL authentication failed: too many attempts, try again in {retry_after_seconds} seconds"
            );
            refuse(turn, purpose, &text);
        }
        Refusal::AlreadyLoggedIn if purpose == Purpose::Sasl => {
            turn.numeric(Numeric::ERR_SASLALREADY).trailing("You have already authenticated");
        }
        Refusal::ServerBanned { .. } if purpose == Purpose::Device => {
            crate::refusal_numeric::write(turn, "*", "", refusal);
            turn.close("banned", "Closing link: (Banned from this server)");
        }
        Refusal::ServerBanned { reason, .. } => {
            let text = format_compact!("SASL authentication failed: you are banned from this server: {reason}");
            refuse(turn, purpose, &text);
        }
        Refusal::StorageFull | Refusal::StorageError => {
            refuse(turn, purpose, "SASL authentication failed: the server cannot store anything, try again later");
        }
        _ => refuse(turn, purpose, WRONG),
    }
}

/// The login has failed: counted, and told.
pub(crate) fn refuse(turn: &mut Turn<'_>, purpose: Purpose, why: &str) {
    count_failure(turn);
    turn.count(Count::Login(false));
    match purpose {
        Purpose::Sasl => turn.numeric(Numeric::ERR_SASLFAIL).trailing_cut(why),
        Purpose::Pass => {
            let why = why.strip_prefix("SASL authentication failed: ").unwrap_or(why);
            turn.numeric(Numeric::ERR_PASSWDMISMATCH).trailing_cut(why);
            turn.close("bad_password", "Closing link: (Bad password)");
        }
        Purpose::Device => {
            turn.fail("*", "LOGIN_ENDED", &[], "This device is no longer logged in: log in again");
            turn.close("login_ended", "Closing link: (Login ended)");
        }
    }
}

/// Whether this connection may try a password now: `accounts.login_attempts` failures a minute.
pub(crate) fn may_try(turn: &mut Turn<'_>) -> bool {
    let minute_over = seconds(turn).wrapping_sub(turn.session.attempts_since) >= 60;
    if minute_over {
        turn.session.attempts = 0;
    }
    turn.session.link.exempt || u32::from(turn.session.attempts) < turn.facts.login.attempts.max(1)
}

pub(crate) fn count_failure(turn: &mut Turn<'_>) {
    if turn.session.attempts == 0 {
        turn.session.attempts_since = seconds(turn);
    }
    turn.session.attempts = turn.session.attempts.saturating_add(1);
}

fn seconds(turn: &Turn<'_>) -> u32 {
    (turn.now.monotonic_ms / 1000) as u32
}
