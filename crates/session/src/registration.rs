//! From the first line to the welcome: what a connection says of itself, in any order, and what has to be checked.

use crate::facts::{Password, ServerFacts};
use crate::host::Lookup;
use crate::session::Moment;
use crate::turn::Turn;
use crate::verb::{self, Awaiting};
use crate::work::{Work, WorkResult};
use crate::{greeting, host, login, refusal_numeric};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use chat::command::{Arrival, Command};
use chat::device_login::LoginClaim;
use chat::id::ClientId;
use chat::metadata::MetadataKey;
use chat::name::Username;
use chat::query::{Answer, Welcome};
use chat::refusal::Refusal;
use compact_str::CompactString;
use wire::Numeric;
use zeroize::Zeroizing;

/// What is known so far. Dropped when the session has arrived.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) deadline_ms: u64,
    pub(crate) name: Option<Username>,
    pub(crate) ident: Option<CompactString>,
    pub(crate) realname: CompactString,
    /// The name of the address, as looked up or as a gateway says.
    pub(crate) host: Option<CompactString>,
    pub(crate) lookup: Lookup,
    /// Between CAP LS or REQ and CAP END.
    pub(crate) negotiating: bool,
    pub(crate) password: Option<Zeroizing<String>>,
    server_password: Check,
    account_password: Check,
    /// What its device has shown.
    pub(crate) login: Option<LoginClaim>,
    login_check: Check,
    /// Logged in to it already.
    pub(crate) account: Option<(ClientId, CompactString)>,
    /// What the device calls itself: the name of the login behind its `@`.
    pub(crate) device: Option<CompactString>,
    /// AWAY before the welcome (pre-away).
    pub(crate) away: Option<Box<str>>,
    /// What is to be said of the client when it is here, and the keys that it wants to be told of.
    pub(crate) metadata: Vec<(MetadataKey, Option<Box<str>>)>,
    pub(crate) subscriptions: Vec<MetadataKey>,
    /// A gateway of this name spoke for this connection; it may not do so again.
    pub(crate) gateway: Option<CompactString>,
    arriving: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Check {
    ToDo,
    UnderWay,
    Passed,
}

impl Registration {
    pub(crate) fn new(now: Moment, login: Option<LoginClaim>, facts: &ServerFacts) -> Registration {
        Registration {
            deadline_ms: now.monotonic_ms + facts.limits.register_seconds * 1000,
            name: None,
            ident: None,
            realname: CompactString::default(),
            host: None,
            lookup: Lookup::ToDo,
            negotiating: false,
            password: None,
            server_password: if facts.password.is_some() { Check::ToDo } else { Check::Passed },
            account_password: Check::ToDo,
            login_check: if login.is_some() { Check::ToDo } else { Check::Passed },
            login,
            account: None,
            device: None,
            away: None,
            metadata: Vec::new(),
            subscriptions: Vec::new(),
            gateway: None,
            arriving: false,
        }
    }

    pub(crate) fn nick(&self) -> &str {
        self.name.as_ref().map_or("*", |name| name.text())
    }
}

/// Goes on as far as what is known allows. Called after every line, answer and result before the welcome.
pub(crate) fn advance(turn: &mut Turn<'_>) {
    if turn.session.person.is_some() || turn.session.closing || turn.is_waiting() {
        return;
    }
    host::look_up(turn);
    let Some(registration) = turn.session.registration.as_deref_mut() else {
        return;
    };
    let complete = registration.name.is_some()
        && registration.ident.is_some()
        && !registration.negotiating
        && !registration.arriving;
    if !complete {
        return;
    }
    // Labels are for the answer to a line. The welcome answers everything that was said so far.
    turn.end_label();
    if turn.session.take_sasl().is_some() {
        // sasl-3.1: "If the client completes registration while the SASL authentication is still in progress, the server
        // SHOULD abort it and send a 906 numeric, then register the client without authentication."
        turn.numeric(Numeric::ERR_SASLABORTED).trailing("SASL authentication aborted");
    }
    if !check_server_password(turn) || !check_login(turn) || !check_account_password(turn) {
        return;
    }
    arrive(turn);
}

/// Whether the server's password (PASS) is out of the way.
fn check_server_password(turn: &mut Turn<'_>) -> bool {
    let facts = turn.facts;
    let Some(registration) = turn.session.registration.as_deref_mut() else {
        return false;
    };
    let Some(expected) = facts.password.as_ref().filter(|_| registration.server_password != Check::Passed) else {
        return true;
    };
    if registration.server_password == Check::UnderWay {
        return false;
    }
    let given = registration.password.take();
    match (given, expected) {
        (None, _) => refuse_password(turn),
        (Some(given), Password::Plain(expected)) => {
            if !same(&given, expected) {
                refuse_password(turn);
                return false;
            }
            registration.server_password = Check::Passed;
            registration.account_password = Check::Passed;
            return true;
        }
        (Some(given), Password::Hash(hash)) => {
            registration.server_password = Check::UnderWay;
            turn.work(|ticket| Work::CheckPassword { ticket, hash: Some(hash.clone()), password: given });
            turn.await_with(Awaiting::ServerPassword);
        }
    }
    false
}

/// The outcome of the check of the server's password.
pub(crate) fn password_checked(turn: &mut Turn<'_>, result: WorkResult) {
    let Some(registration) = turn.session.registration.as_deref_mut() else {
        return;
    };
    match result {
        WorkResult::Checked { matches: true } => {
            registration.server_password = Check::Passed;
            registration.account_password = Check::Passed;
        }
        _ => refuse_password(turn),
    }
}

fn refuse_password(turn: &mut Turn<'_>) {
    turn.numeric(Numeric::ERR_PASSWDMISMATCH).trailing("Password incorrect");
    turn.close("bad_password", "Closing link: (Bad password)");
}

/// Equal, in a time that does not tell where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

/// `PASS username:password` logs in where the server itself has no password: for clients that know no SASL.
fn check_account_password(turn: &mut Turn<'_>) -> bool {
    let Some(registration) = turn.session.registration.as_deref_mut() else {
        return false;
    };
    match registration.account_password {
        Check::Passed => return true,
        Check::UnderWay => return false,
        Check::ToDo => {}
    }
    let given = registration.password.take().filter(|_| registration.account.is_none());
    let Some((name, password)) = given.as_ref().and_then(|given| given.split_once(':')) else {
        registration.account_password = Check::Passed;
        return true;
    };
    registration.account_password = Check::UnderWay;
    login::with_password(turn, login::Purpose::Pass, name, Zeroizing::new(password.to_owned()));
    false
}

/// A browser whose page has logged in before is logged in here as well, as if by SASL.
fn check_login(turn: &mut Turn<'_>) -> bool {
    let Some(registration) = turn.session.registration.as_deref_mut() else {
        return false;
    };
    let claim = match (registration.login_check, registration.login) {
        (Check::ToDo, Some(claim)) => claim,
        (check, _) => return check != Check::UnderWay,
    };
    if registration.account.is_some() {
        // Somebody has logged in as somebody else since: this is no session of the device's account.
        registration.login = None;
        registration.login_check = Check::Passed;
        return true;
    }
    registration.login_check = Check::UnderWay;
    login::with_device(turn, claim);
    false
}

/// What the device has shown is good.
pub(crate) fn login_passed(turn: &mut Turn<'_>) {
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.login_check = Check::Passed;
    }
}

/// The account that PASS named is logged in to.
pub(crate) fn account_password_passed(turn: &mut Turn<'_>) {
    if let Some(registration) = turn.session.registration.as_deref_mut() {
        registration.account_password = Check::Passed;
    }
}

fn arrive(turn: &mut Turn<'_>) {
    let facts = turn.facts;
    let session = &mut *turn.session;
    let Some(registration) = session.registration.as_deref_mut() else {
        return;
    };
    let (Some(name), Some(ident)) = (registration.name.clone(), registration.ident.clone()) else {
        return;
    };
    if !facts.login.guests && registration.account.is_none() {
        return require_account(turn);
    }
    let link = &session.link;
    let Some(host) = host::shown(registration, link, facts) else {
        return;
    };
    let arrival = Arrival {
        name,
        ident,
        realname: registration.realname.clone(),
        account: registration.account.as_ref().map(|(id, _)| *id),
        address: link.address,
        host,
        // Over TLS in fact (671, +Z), not merely unheard: people and their clients take it at its word.
        secure: link.secure,
        certificate: link.certificate.as_deref().copied(),
        device: registration.device.clone(),
        login: registration.login,
        away: registration.away.clone(),
        metadata: registration.metadata.clone(),
        subscriptions: registration.subscriptions.clone(),
        modes: facts.default_modes.clone(),
        gateway: registration.gateway.clone(),
        transport: link.transport,
        port: link.port,
    };
    registration.arriving = true;
    session.known_to_hub = true;
    turn.ask(Command::Arrive(Box::new(arrival)));
    turn.await_with(Awaiting::Arrival);
    turn.barrier();
}

/// draft/account-registration: the answer "if connection registration cannot proceed unless the user logs into an
/// account with SASL".
fn require_account(turn: &mut Turn<'_>) {
    turn.fail("*", "ACCOUNT_REQUIRED", &[], "You must log in to an account to use this server");
    turn.close("account_required", "Closing link: (Account required)");
}

/// What the hub says to the arrival.
pub(crate) fn answer(turn: &mut Turn<'_>, answer: &Answer) {
    match answer {
        Answer::Welcome(welcome) => enter(turn, welcome),
        Answer::Refused(refusal) if turn.session.person.is_none() => refuse(turn, refusal),
        // The rooms of an account that comes back.
        Answer::Unread(question) => verb::unread::count_missed(turn, question),
        other => {
            crate::answer::dispatch(turn, None, other);
            turn.put_awaiting(Box::new(Awaiting::Arrival));
        }
    }
}

fn enter(turn: &mut Turn<'_>, welcome: &Welcome) {
    turn.put_awaiting(Box::new(Awaiting::Arrival));
    let asked = turn.session.registration.take().and_then(|registration| registration.name);
    turn.session.person = Some(welcome.person.clone());
    if let Some(asked) = asked
        && *asked.text() != welcome.person.name
    {
        // The client has another name than it asked for: that of its other devices, or the one its account fixes.
        turn.line(asked.text(), "NICK").param(&welcome.person.name).end();
    }
    greeting::write(turn, welcome);
    verb::unread::ask_for_missed(turn, welcome);
}

fn refuse(turn: &mut Turn<'_>, refusal: &Refusal) {
    let Some(registration) = turn.session.registration.as_deref_mut() else {
        return;
    };
    registration.arriving = false;
    match refusal {
        Refusal::NameInUse { .. }
        | Refusal::NameReserved { .. }
        | Refusal::NameConfusable { .. }
        | Refusal::NameInvalid { .. }
        | Refusal::NameOfService { .. }
        | Refusal::NameFixed { .. } => {
            // It may try another one; until then it has none.
            registration.name = None;
            turn.session.known_to_hub = registration.account.is_some();
            refusal_numeric::write(turn, "NICK", "", refusal);
        }
        Refusal::AccountRequired => require_account(turn),
        Refusal::ServerBanned { reason, .. } => {
            refusal_numeric::write(turn, "*", "", refusal);
            turn.close("banned", &format!("Closing link: (Banned from this server: {reason})"));
        }
        Refusal::TooManyAttempts { .. } => {
            refusal_numeric::write(turn, "*", "", refusal);
            turn.close("too_many_attempts", "Closing link: (Try again later)");
        }
        _ => {
            refusal_numeric::write(turn, "*", "", refusal);
            turn.close("registration_failed", "Closing link: (Registration failed)");
        }
    }
}

/// The user name of USER as it is shown: its letters, digits and `-_.`, behind a `~`, since nobody has verified it.
pub(crate) fn ident_of(text: &str) -> CompactString {
    let mut ident = CompactString::const_new("~");
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    ident.extend(kept.take(crate::isupport::USER_LENGTH - 1));
    if ident.len() == 1 {
        ident.push('u');
    }
    ident
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_with};

    #[test]
    fn a_device_that_stays_logged_in_needs_no_password() {
        check(
            "account alice
             account bob
             device alice
             alice+ device=alice
             alice> CAP LS 302
             alice<<
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice> CAP END
             alice< :irc.example 900 alice alice!~alice@* alice :You are now logged in as alice
             alice< :irc.example 001 alice :…
             alice<<
             alice> DEVICES
             alice< :irc.example NOTICE alice :…: a browser, TLS from 192.0.2.1, …, this one
             tab+ device=alice
             tab> NICK another
             tab> USER a 0 * :a
             tab< :irc.example 900 another another!~a@* alice :You are now logged in as alice
             tab< :another NICK alice
             tab< :irc.example 001 alice :…
             tab<<
             bob+ device=alice                         ## what it says itself is the later word
             bob> CAP REQ sasl
             bob<<
             bob> AUTHENTICATE PLAIN
             bob<<
             bob> AUTHENTICATE AGJvYgBzZXNhbWU=
             bob< :irc.example 900 * *!*@* bob :…
             bob< :irc.example 903 …
             bob> NICK bob
             bob> USER b 0 * :b
             bob> CAP END
             bob< :irc.example 001 bob :…
             bob<<
             late+ device=alice
             device alice ends
             alice< ERROR :…logged out…
             alice!
             tab< ERROR :…logged out…
             tab!
             bob> PING x
             bob< :irc.example PONG irc.example :x
             late> NICK late
             late> USER l 0 * :l
             late< :irc.example FAIL * LOGIN_ENDED :…
             late< ERROR :Closing link: (Login ended)
             late!",
        );
    }

    #[test]
    fn a_device_is_asked_for_the_servers_password_like_anyone() {
        check_with(
            |configured, _| configured.password = Some(Password::Plain(Zeroizing::new("door".into()))),
            "account alice
             device alice
             alice+ device=alice
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 464 alice :…
             alice< ERROR :…
             alice!
             alice+ device=alice
             alice> PASS door
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice< :irc.example 900 …
             alice< :irc.example 001 …
             alice<<",
        );
    }

    #[test]
    fn idents() {
        let idents = [
            ("alice", "~alice"),
            ("~alice", "~alice"),
            ("a@b!c d*", "~abcd"),
            ("é", "~u"),
            ("abcdefghijklmnopqrstuvwxyz", "~abcdefghijklmnopq"),
        ];
        for (text, expected) in idents {
            assert_eq!(ident_of(text), expected, "{text}");
        }
    }
}
