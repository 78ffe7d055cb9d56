//! AUTHENTICATE: collecting a client's chunks, and what each mechanism says (IRCv3 sasl-3.1 and 3.2, RFC 4422).

pub(crate) mod scram;

use crate::login::{self, Purpose};
use crate::negotiation::{self, Mechanism};
use crate::turn::Turn;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::name::Username;
use chat::query::{Counted, Credentials};
use chat::snapshot::SharedAccount;
use compact_str::CompactString;
use wire::Numeric;
use zeroize::Zeroizing;

/// Characters of one AUTHENTICATE parameter.
const CHUNK: usize = 400;

/// Characters of Base64 of one response. RFC 4616 section 2: each of the three parts of PLAIN is to be accepted up to
/// 255 octets, which makes 1,024 characters; four times as much lets long passwords through.
const RESPONSE: usize = 4_096;

/// An exchange between AUTHENTICATE with a mechanism and its outcome.
#[derive(Debug)]
pub(crate) struct Exchange {
    step: Step,
    /// Base64 of the response so far.
    response: Zeroizing<String>,
}

/// What the next response is.
#[derive(Debug)]
enum Step {
    Plain,
    External,
    ScramFirst,
    ScramFinal {
        challenge: Box<scram::Challenge>,
        counted: Option<Counted>,
    },
    /// The server's proof is sent; the client says that it has seen it. `None`: it was wrong.
    ScramSeen {
        account: SharedAccount,
        counted: Option<Counted>,
    },
}

/// A SCRAM exchange whose credentials are asked for.
#[derive(Debug)]
pub(crate) struct ScramStart {
    first: scram::ClientFirst,
    name: Username,
}

/// AUTHENTICATE with its parameter.
pub(crate) fn receive(turn: &mut Turn<'_>, parameter: &str) {
    match turn.session.take_sasl() {
        None if parameter == "*" => aborted(turn),
        None => begin(turn, parameter),
        Some(_) if parameter == "*" => aborted(turn),
        Some(_) if parameter.len() > CHUNK => too_long(turn),
        Some(mut exchange) => {
            if parameter != "+" {
                exchange.response.push_str(parameter);
            }
            if exchange.response.len() > RESPONSE {
                // 905 is for a parameter that is too long; what is too long as a whole fails.
                return turn.numeric(Numeric::ERR_SASLFAIL).trailing("SASL authentication failed: response too long");
            }
            if parameter.len() == CHUNK {
                turn.session.put_sasl(exchange);
                return;
            }
            let Exchange { step, response } = exchange;
            match STANDARD.decode(response.as_bytes()).map(Zeroizing::new) {
                Ok(message) => respond(turn, step, &message),
                Err(_) => failed(turn),
            }
        }
    }
}

fn begin(turn: &mut Turn<'_>, mechanism: &str) {
    let facts = turn.facts;
    let known = Mechanism::from_name(mechanism)
        .filter(|mechanism| negotiation::mechanisms(turn.session, facts).any(|allowed| allowed == *mechanism));
    let Some(mechanism) = known else {
        let list = negotiation::mechanism_list(turn.session, facts);
        turn.numeric(Numeric::RPL_SASLMECHS).param(&list).trailing("are available SASL mechanisms");
        return failed(turn);
    };
    if !login::may_try(turn) {
        return login::refuse(turn, Purpose::Sasl, login::TOO_MANY);
    }
    let step = match mechanism {
        Mechanism::Plain => Step::Plain,
        Mechanism::External => Step::External,
        Mechanism::ScramSha256 => Step::ScramFirst,
    };
    next(turn, step, b"");
}

/// Sends a challenge and waits for the response to it.
fn next(turn: &mut Turn<'_>, step: Step, challenge: &[u8]) {
    turn.session.put_sasl(Exchange { step, response: Zeroizing::new(String::new()) });
    let encoded = STANDARD.encode(challenge);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        turn.line("", "AUTHENTICATE").param(chunk).end();
        rest = after;
    }
    if encoded.len().is_multiple_of(CHUNK) {
        turn.line("", "AUTHENTICATE").param("+").end();
    }
}

fn respond(turn: &mut Turn<'_>, step: Step, message: &[u8]) {
    match step {
        Step::Plain => plain(turn, message),
        Step::External => external(turn, message),
        Step::ScramFirst => scram_first(turn, message),
        Step::ScramFinal { challenge, counted } => scram_final(turn, &challenge, counted, message),
        Step::ScramSeen { account, counted } if message.is_empty() => {
            login::log_in(turn, Purpose::Sasl, &account, counted);
        }
        Step::ScramSeen { .. } => failed(turn),
    }
}

/// RFC 4616: `[authzid] NUL authcid NUL passwd`. The password goes on as it came: it is prepared (RFC 8265 OpaqueString) where
/// it is hashed and checked.
fn plain(turn: &mut Turn<'_>, message: &[u8]) {
    let Ok(text) = std::str::from_utf8(message) else {
        return failed(turn);
    };
    let mut parts = text.split('\0');
    let (Some(authzid), Some(authcid), Some(password), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return failed(turn);
    };
    if authcid.is_empty() || password.is_empty() || !may_act_as(turn, authzid, authcid) {
        return failed(turn);
    }
    login::with_password(turn, Purpose::Sasl, authcid, Zeroizing::new(password.to_owned()));
}

/// RFC 4422 appendix A: the response is the authorization identity, or empty.
fn external(turn: &mut Turn<'_>, message: &[u8]) {
    let Ok(authzid) = std::str::from_utf8(message) else {
        return failed(turn);
    };
    let Some(certificate) = turn.session.link.certificate.as_deref().copied() else {
        return failed(turn);
    };
    login::with_certificate(turn, certificate, authzid);
}

/// Nobody acts as somebody else: an authorization identity is empty or the same name.
fn may_act_as(turn: &Turn<'_>, authzid: &str, authcid: &str) -> bool {
    let rules = &turn.facts.name_rules;
    let key = |name| Username::lookup(login::account_in(name), rules).key().clone();
    authzid.is_empty() || key(authzid) == key(authcid)
}

fn scram_first(turn: &mut Turn<'_>, message: &[u8]) {
    let Some(first) = scram::ClientFirst::parse(message) else {
        return failed(turn);
    };
    if !may_act_as(turn, &first.authzid, &first.username) {
        return failed(turn);
    }
    login::note_device(turn, &first.username);
    let name = Username::lookup(login::account_in(&first.username), &turn.facts.name_rules);
    login::for_scram(turn, name.clone(), ScramStart { first, name });
}

/// The credentials of a SCRAM exchange have come: the server's first message.
pub(crate) fn scram_challenge(turn: &mut Turn<'_>, start: ScramStart, credentials: &Credentials) {
    let facts = turn.facts;
    let session = &turn.session;
    let seed = [
        session.id.slot.to_be_bytes().as_slice(),
        &session.id.generation.to_be_bytes(),
        &session.id.shard.to_be_bytes(),
        &turn.now.wall.0.to_be_bytes(),
        &turn.now.monotonic_ms.to_be_bytes(),
        &facts.started.0.to_be_bytes(),
        &turn.number().to_be_bytes(),
    ]
    .concat();
    let challenge = scram::Challenge::new(
        start.first,
        start.name.key(),
        credentials.account.as_ref(),
        facts.login.scram_iterations,
        &facts.secret,
        &seed,
    );
    let message = challenge.server_first().to_owned();
    let step = Step::ScramFinal { challenge: Box::new(challenge), counted: credentials.counted };
    next(turn, step, message.as_bytes());
}

fn scram_final(turn: &mut Turn<'_>, challenge: &scram::Challenge, counted: Option<Counted>, message: &[u8]) {
    match challenge.verify(message) {
        Some((account, server_final)) => {
            next(turn, Step::ScramSeen { account: account.clone(), counted }, server_final.as_bytes());
        }
        None => login::refuse(turn, Purpose::Sasl, login::WRONG),
    }
}

fn aborted(turn: &mut Turn<'_>) {
    turn.numeric(Numeric::ERR_SASLABORTED).trailing("SASL authentication aborted");
}

fn too_long(turn: &mut Turn<'_>) {
    turn.numeric(Numeric::ERR_SASLTOOLONG).trailing("SASL message too long");
}

/// The exchange makes no sense: not counted as an attempt at a password.
fn failed(turn: &mut Turn<'_>) {
    turn.numeric(Numeric::ERR_SASLFAIL).trailing(login::WRONG);
}

/// `nick!ident@host` for 900, with `*` for what is not known yet.
pub(crate) fn mask_of(turn: &Turn<'_>) -> CompactString {
    match (&turn.session.person, turn.session.registration.as_deref()) {
        (Some(person), _) => person.mask().into(),
        (None, Some(registration)) => {
            let ident = registration.ident.as_deref().unwrap_or("*");
            compact_str::format_compact!("{}!{ident}@*", registration.nick())
        }
        (None, None) => CompactString::const_new("*"),
    }
}
