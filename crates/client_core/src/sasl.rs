//! Proving who one is: SASL PLAIN (RFC 4616) and SCRAM-SHA-256 (RFC 5802, RFC 7677), and how IRC carries them
//! (IRCv3 sasl-3.1: base64 in pieces of 400).

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;
use zeroize::Zeroizing;

/// RFC 7677 section 4: a server must ask for at least this many rounds; fewer would make a stolen exchange cheap to
/// search.
const LEAST_ROUNDS: u32 = 4_096;
/// More rounds than this (seconds of work) are an attack on the client, not a protection.
const MOST_ROUNDS: u32 = 4_000_000;
/// IRCv3 sasl-3.1: a full piece of this length says that another follows.
const PIECE: usize = 400;
/// All pieces of one challenge together; no mechanism here needs more than a few hundred bytes.
const LONGEST_CHALLENGE: usize = 16 * 1024;

/// A secret: never shown by `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    pub fn new(text: impl Into<String>) -> Password {
        Password(Zeroizing::new(text.into()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a front end that keeps it for the person.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(…)")
    }
}

/// The mechanisms this client speaks, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password never travels, and the server proves that it knows it too.
    ScramSha256,
    /// The password travels as it is, so only where nobody can listen.
    Plain,
}

impl Mechanism {
    /// The name in `AUTHENTICATE` and in the capability's value.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::Plain => "PLAIN",
        }
    }
}

/// Why an exchange cannot go on. `Display` is the sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaslError {
    /// The challenge is not what the mechanism allows here; the text says what.
    BadChallenge(&'static str),
    /// RFC 7677: too few rounds, or so many that the client would stand still.
    UnreasonableRounds(u32),
    /// The server's signature is wrong or was never sent: it does not know the account's keys.
    ServerNotProven,
    /// The server said why (`e=` of RFC 5802).
    ServerRefused(String),
}

impl fmt::Display for SaslError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SaslError::BadChallenge(what) => write!(
                out,
                "The login stopped because the server's answer makes no sense ({what}); tell the server's administrator."
            ),
            SaslError::UnreasonableRounds(rounds) => write!(
                out,
                "The login stopped because the server asks for {rounds} rounds of SCRAM, outside {LEAST_ROUNDS} to {MOST_ROUNDS}; tell the server's administrator."
            ),
            SaslError::ServerNotProven => write!(
                out,
                "The login stopped because the server could not prove that it knows this account; it may not be the server that it claims to be."
            ),
            SaslError::ServerRefused(why) => {
                write!(out, "The server refused the login ({why}); check the name and the password.")
            }
        }
    }
}

/// One login attempt: challenges in, responses out.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    state: State,
    pieces: String,
}

#[derive(Debug)]
enum State {
    Plain { account: String, password: Password },
    ClientFirst(Scram),
    ClientFinal { scram: Scram, first_bare: String },
    AwaitServerFinal { server_signature: [u8; digest::SHA256_OUTPUT_LEN] },
    Proven,
    Spent,
}

#[derive(Debug)]
struct Scram {
    account: String,
    password: Password,
    nonce: String,
}

impl Exchange {
    /// `nonce` are fresh random bytes; only SCRAM uses them.
    pub fn new(mechanism: Mechanism, account: &str, password: &Password, nonce: [u8; 18]) -> Exchange {
        let state = match mechanism {
            Mechanism::Plain => State::Plain { account: account.to_owned(), password: password.clone() },
            Mechanism::ScramSha256 => State::ClientFirst(Scram {
                account: account.to_owned(),
                password: password.clone(),
                nonce: BASE64.encode(nonce),
            }),
        };
        Exchange { mechanism, state, pieces: String::new() }
    }

    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The parameter of one `AUTHENTICATE` from the server: the parameters to send back, none while pieces are
    /// missing.
    pub fn receive(&mut self, piece: &str) -> Result<Vec<Zeroizing<String>>, SaslError> {
        if piece != "+" {
            self.pieces.push_str(piece);
        }
        if self.pieces.len() > LONGEST_CHALLENGE {
            return Err(SaslError::BadChallenge("it is too long"));
        }
        if piece.len() == PIECE {
            return Ok(Vec::new());
        }
        let challenge =
            BASE64.decode(std::mem::take(&mut self.pieces)).map_err(|_| SaslError::BadChallenge("it is not base64"))?;
        let response = self.respond(&challenge)?;
        Ok(in_pieces(&response))
    }

    /// The server says that the login succeeded. With SCRAM it must have proven itself first.
    pub fn succeeded(&self) -> Result<(), SaslError> {
        match (self.mechanism, &self.state) {
            (Mechanism::Plain, _) | (Mechanism::ScramSha256, State::Proven) => Ok(()),
            _ => Err(SaslError::ServerNotProven),
        }
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>, SaslError> {
        let text = || std::str::from_utf8(challenge).map_err(|_| SaslError::BadChallenge("it is not UTF-8"));
        match std::mem::replace(&mut self.state, State::Spent) {
            State::Plain { account, password } => {
                let mut response = Zeroizing::new(Vec::with_capacity(account.len() + password.reveal().len() + 2));
                // An empty authorisation identity means "as myself" (RFC 4616 section 2).
                response.push(0);
                response.extend_from_slice(account.as_bytes());
                response.push(0);
                response.extend_from_slice(password.reveal().as_bytes());
                Ok(response)
            }
            State::ClientFirst(scram) => {
                if !challenge.is_empty() {
                    return Err(SaslError::BadChallenge("it comes before the first message"));
                }
                let first_bare = format!("n={},r={}", escaped(&prepared(&scram.account)), scram.nonce);
                let response = format!("n,,{first_bare}");
                self.state = State::ClientFinal { scram, first_bare };
                Ok(Zeroizing::new(response.into_bytes()))
            }
            State::ClientFinal { scram, first_bare } => {
                let (response, server_signature) = scram.client_final(&first_bare, text()?)?;
                self.state = State::AwaitServerFinal { server_signature };
                Ok(Zeroizing::new(response.into_bytes()))
            }
            State::AwaitServerFinal { server_signature } => {
                let message = text()?;
                if let Some(why) = message.strip_prefix("e=") {
                    return Err(SaslError::ServerRefused(why.split(',').next().unwrap_or_default().to_owned()));
                }
                let signature = message
                    .strip_prefix("v=")
                    .and_then(|rest| rest.split(',').next())
                    .and_then(|value| BASE64.decode(value).ok());
                let signature = signature.ok_or(SaslError::BadChallenge("the server's signature is missing"))?;
                constant_time::verify_slices_are_equal(&signature, &server_signature)
                    .map_err(|_| SaslError::ServerNotProven)?;
                self.state = State::Proven;
                Ok(Zeroizing::new(Vec::new()))
            }
            State::Proven | State::Spent => Err(SaslError::BadChallenge("the exchange is over")),
        }
    }
}

impl Scram {
    /// RFC 5802 section 3: the client's last message, and the signature with which the server must answer it.
    fn client_final(
        &self,
        first_bare: &str,
        server_first: &str,
    ) -> Result<(String, [u8; digest::SHA256_OUTPUT_LEN]), SaslError> {
        let mut attributes = server_first.split(',');
        // An `m=` here would be a mandatory extension, which RFC 5802 section 5.1 has us refuse.
        let nonce = attributes
            .next()
            .and_then(|part| part.strip_prefix("r="))
            .ok_or(SaslError::BadChallenge("the nonce is missing"))?;
        let salt = attributes
            .next()
            .and_then(|part| part.strip_prefix("s="))
            .and_then(|value| BASE64.decode(value).ok())
            .ok_or(SaslError::BadChallenge("the salt is missing"))?;
        let rounds: u32 = attributes
            .next()
            .and_then(|part| part.strip_prefix("i="))
            .and_then(|value| value.parse().ok())
            .ok_or(SaslError::BadChallenge("the number of rounds is missing"))?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(SaslError::BadChallenge("its nonce does not continue ours"));
        }
        if !(LEAST_ROUNDS..=MOST_ROUNDS).contains(&rounds) {
            return Err(SaslError::UnreasonableRounds(rounds));
        }
        let rounds = NonZeroU32::new(rounds).ok_or(SaslError::UnreasonableRounds(rounds))?;

        let mut salted_password = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            rounds,
            &salt,
            prepared(self.password.reveal()).as_bytes(),
            &mut *salted_password,
        );
        let client_key = hmac_sha256(&*salted_password, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, &*client_key);
        // "biws" is base64 of "n,,": no channel binding.
        let without_proof = format!("c=biws,r={nonce}");
        let auth_message = format!("{first_bare},{server_first},{without_proof}");
        let client_signature = hmac_sha256(stored_key.as_ref(), auth_message.as_bytes());
        let proof: Vec<u8> =
            client_key.iter().zip(client_signature.iter()).map(|(key, signature)| key ^ signature).collect();
        let server_key = hmac_sha256(&*salted_password, b"Server Key");
        let server_signature = hmac_sha256(&*server_key, auth_message.as_bytes());
        Ok((format!("{without_proof},p={}", BASE64.encode(proof)), *server_signature))
    }
}

/// A response as `AUTHENTICATE` parameters: pieces of 400, and `+` for nothing and after a last full piece.
fn in_pieces(response: &[u8]) -> Vec<Zeroizing<String>> {
    let encoded = Zeroizing::new(BASE64.encode(response));
    let mut pieces: Vec<Zeroizing<String>> = encoded
        .as_bytes()
        .chunks(PIECE)
        .map(|piece| Zeroizing::new(String::from_utf8_lossy(piece).into_owned()))
        .collect();
    if encoded.len().is_multiple_of(PIECE) {
        pieces.push(Zeroizing::new("+".to_owned()));
    }
    pieces
}

/// RFC 8265 OpaqueString, the successor of SASLprep: both ends must compare the same bytes however a keyboard composes
/// its letters. What the profile forbids (an empty text, control characters) goes as it is; the server then refuses it.
fn prepared(text: &str) -> Cow<'_, str> {
    OpaqueString::enforce(text).unwrap_or(Cow::Borrowed(text))
}

/// RFC 5802 section 5.1: `=` and `,` cannot stand in a name.
fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Zeroizing<[u8; digest::SHA256_OUTPUT_LEN]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut bytes = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scram_with_nonce(nonce: &str, account: &str, password: &str) -> Exchange {
        let scram = Scram { account: account.to_owned(), password: Password::new(password), nonce: nonce.to_owned() };
        Exchange { mechanism: Mechanism::ScramSha256, state: State::ClientFirst(scram), pieces: String::new() }
    }

    fn receive(exchange: &mut Exchange, challenge: &str) -> Result<String, SaslError> {
        let piece = if challenge.is_empty() { "+".to_owned() } else { BASE64.encode(challenge) };
        let answer: String =
            exchange.receive(&piece)?.iter().map(|piece| piece.as_str()).filter(|piece| *piece != "+").collect();
        Ok(String::from_utf8(BASE64.decode(answer).unwrap()).unwrap())
    }

    const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    /// RFC 7677 section 3.
    #[test]
    fn the_vector_of_rfc_7677() {
        let mut exchange = scram_with_nonce("rOprNGfwEbeRWgbNEkqO", "user", "pencil");
        assert_eq!(receive(&mut exchange, "").unwrap(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert_eq!(
            receive(&mut exchange, SERVER_FIRST).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(exchange.succeeded(), Err(SaslError::ServerNotProven));
        assert_eq!(receive(&mut exchange, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap(), "");
        assert_eq!(exchange.succeeded(), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_keys_is_refused() {
        let check = |last: &str, error: SaslError| {
            let mut exchange = scram_with_nonce("rOprNGfwEbeRWgbNEkqO", "user", "pencil");
            receive(&mut exchange, "").unwrap();
            receive(&mut exchange, SERVER_FIRST).unwrap();
            assert_eq!(receive(&mut exchange, last), Err(error));
            assert_eq!(exchange.succeeded(), Err(SaslError::ServerNotProven));
        };
        check("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", SaslError::ServerNotProven);
        check("v=", SaslError::ServerNotProven);
        check("x=1", SaslError::BadChallenge("the server's signature is missing"));
        check("e=invalid-proof", SaslError::ServerRefused("invalid-proof".to_owned()));
    }

    #[test]
    fn a_first_message_that_breaks_the_rules_is_refused() {
        let check = |server_first: &str, error: SaslError| {
            let mut exchange = scram_with_nonce("abc", "user", "pencil");
            receive(&mut exchange, "").unwrap();
            assert_eq!(receive(&mut exchange, server_first), Err(error));
        };
        check("r=abc,s=W22Z,i=4096", SaslError::BadChallenge("its nonce does not continue ours"));
        check("r=xbcd,s=W22Z,i=4096", SaslError::BadChallenge("its nonce does not continue ours"));
        check("r=abcd,s=W22Z,i=4095", SaslError::UnreasonableRounds(4_095));
        check("r=abcd,s=W22Z,i=4000000000", SaslError::UnreasonableRounds(4_000_000_000));
        check("r=abcd,s=!,i=4096", SaslError::BadChallenge("the salt is missing"));
        check("r=abcd,s=W22Z", SaslError::BadChallenge("the number of rounds is missing"));
        check("m=ext,r=abcd,s=W22Z,i=4096", SaslError::BadChallenge("the nonce is missing"));
    }

    #[test]
    fn names_are_escaped_and_passwords_prepared() {
        let mut exchange = scram_with_nonce("abc", "a=b,c", "x");
        assert_eq!(receive(&mut exchange, "").unwrap(), "n,,n=a=3Db=2Cc,r=abc");
        // RFC 8265 section 4.2: composed, and other spaces become the ordinary one.
        assert_eq!(prepared("e\u{301}\u{a0}x"), "\u{e9} x");
        assert_eq!(prepared(""), "");
    }

    #[test]
    fn plain_is_one_message() {
        let mut exchange = Exchange::new(Mechanism::Plain, "alice", &Password::new("sesame"), [0; 18]);
        assert_eq!(receive(&mut exchange, "").unwrap(), "\0alice\0sesame");
        assert_eq!(exchange.succeeded(), Ok(()));
    }

    #[test]
    fn responses_and_challenges_come_in_pieces_of_400() {
        let lengths = |bytes: usize| in_pieces(&vec![b'x'; bytes]).iter().map(|piece| piece.len()).collect::<Vec<_>>();
        assert_eq!(lengths(0), [1]);
        assert_eq!(lengths(299), [400, 1], "base64 pads 299 bytes to 400");
        assert_eq!(lengths(300), [400, 1]);
        assert_eq!(lengths(301), [400, 4]);

        let mut exchange = scram_with_nonce("rOprNGfwEbeRWgbNEkqO", "user", "pencil");
        receive(&mut exchange, "").unwrap();
        let long = format!("r=rOprNGfwEbeRWgbNEkqO{},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "x".repeat(400));
        let encoded = BASE64.encode(long);
        assert!(exchange.receive(&encoded[..400]).unwrap().is_empty());
        assert!(!exchange.receive(&encoded[400..]).unwrap().is_empty());
    }

    #[test]
    fn endless_pieces_end() {
        let mut exchange = scram_with_nonce("abc", "user", "pencil");
        let piece = "A".repeat(400);
        let error = (0..100).find_map(|_| exchange.receive(&piece).err());
        assert_eq!(error, Some(SaslError::BadChallenge("it is too long")));
    }

    #[test]
    fn debug_shows_no_secret() {
        let exchange = Exchange::new(Mechanism::ScramSha256, "alice", &Password::new("sesame"), [0; 18]);
        assert!(!format!("{exchange:?}").contains("sesame"));
    }

    proptest! {
        #[test]
        fn never_panics(pieces in proptest::collection::vec("[ -~]{0,420}", 0..6), challenge in "[ -~]{0,80}") {
            let mut exchange = scram_with_nonce("abc", "user", "pencil");
            let _ = exchange.receive("+");
            let _ = exchange.receive(&BASE64.encode(challenge));
            for piece in pieces {
                let _ = exchange.receive(&piece);
            }
        }
    }
}
