//! SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677). No channel binding is offered.
//!
//! For a name without an account, or without SCRAM keys, the exchange runs all the same with a salt made from the
//! server's secret, the same each time, and fails at the end like any wrong password.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::snapshot::{ScramKeys, SharedAccount};

/// Bytes of a salt, of real accounts and of those that do not exist.
pub(crate) const SALT: usize = 16;

/// Characters of a client's nonce, so that the answer stays small.
const NONCE: usize = 256;

/// The client's first message.
#[derive(Debug)]
pub(crate) struct ClientFirst {
    /// Empty: none.
    pub(crate) authzid: String,
    pub(crate) username: String,
    /// The GS2 header with its last comma.
    gs2_header: String,
    bare: String,
    nonce: String,
}

/// The server's first message, and what is needed to check the answer to it.
#[derive(Debug)]
pub(crate) struct Challenge {
    first: ClientFirst,
    nonce: String,
    server_first: String,
    keys: Option<(SharedAccount, [u8; 32], [u8; 32])>,
    /// Keys that nothing fits, so that a check costs the same.
    no_key: [u8; 32],
}

impl ClientFirst {
    /// RFC 5802 section 7, `client-first-message`. `None`: not one, or one that asks for what is not offered.
    pub(crate) fn parse(message: &[u8]) -> Option<ClientFirst> {
        let message = std::str::from_utf8(message).ok()?;
        let (flag, rest) = message.split_once(',')?;
        // "n": the client knows no channel binding. "y": it does, and thinks that the server does not: which is so.
        // "p=…": it insists on one.
        if flag != "n" && flag != "y" {
            return None;
        }
        let (authzid, bare) = rest.split_once(',')?;
        let gs2_header = message[..message.len() - bare.len()].to_owned();
        let authzid = match authzid {
            "" => String::new(),
            given => saslname(given.strip_prefix("a=")?)?,
        };
        // "m=" announces an extension that must be understood; it would stand in the place of the name.
        let mut attributes = bare.split(',');
        let username = saslname(attributes.next()?.strip_prefix("n=")?)?;
        let nonce = attributes.next()?.strip_prefix("r=")?.to_owned();
        if username.is_empty() || !is_nonce(&nonce) || nonce.len() > NONCE {
            return None;
        }
        Some(ClientFirst { authzid, username, gs2_header, bare: bare.to_owned(), nonce })
    }
}

impl Challenge {
    /// `seed` must differ from exchange to exchange: the server's nonce is made from it and the secret.
    pub(crate) fn new(
        first: ClientFirst,
        name_key: &str,
        account: Option<&SharedAccount>,
        iterations: u32,
        secret: &[u8; 32],
        seed: &[u8],
    ) -> Challenge {
        let keyed = |purpose: &[u8], text: &[u8]| mac(secret, &[purpose, text]);
        let own_nonce = keyed(b"scram nonce ", &[seed, first.nonce.as_bytes()].concat());
        let nonce = format!("{}{}", first.nonce, STANDARD.encode(&own_nonce[..18]));
        let made_up = keyed(b"scram salt ", name_key.as_bytes());
        let found = account.and_then(|account| account.scram.as_deref().map(|keys| (account, keys)));
        let (iterations, salt): (u32, &[u8]) = match found {
            Some((_, ScramKeys { iterations, salt, .. })) => (*iterations, salt),
            None => (iterations, &made_up[..SALT]),
        };
        let server_first = format!("r={nonce},s={},i={iterations}", STANDARD.encode(salt));
        let keys = found.map(|(account, keys)| (account.clone(), keys.stored_key, keys.server_key));
        let no_key = keyed(b"scram key ", name_key.as_bytes());
        Challenge { first, nonce, server_first, keys, no_key }
    }

    pub(crate) fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Checks the client's final message: the account, and the server's proof that it knows the keys too.
    pub(crate) fn verify(&self, message: &[u8]) -> Option<(&SharedAccount, String)> {
        let message = std::str::from_utf8(message).ok()?;
        let (without_proof, proof) = message.rsplit_once(",p=")?;
        let proof: [u8; 32] = STANDARD.decode(proof).ok()?.try_into().ok()?;
        let mut attributes = without_proof.split(',');
        let binding = STANDARD.decode(attributes.next()?.strip_prefix("c=")?).ok()?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        // The header comes again, so that nobody on the way can have changed it.
        let as_begun = binding == self.first.gs2_header.as_bytes() && nonce == self.nonce;

        let auth_message = format!("{},{},{without_proof}", self.first.bare, self.server_first);
        let (stored_key, server_key) =
            self.keys.as_ref().map_or((&self.no_key, &self.no_key), |(_, stored, server)| (stored, server));
        let signature = mac(stored_key, &[auth_message.as_bytes()]);
        let mut client_key = proof;
        client_key.iter_mut().zip(&signature).for_each(|(byte, mask)| *byte ^= mask);
        let computed = digest::digest(&digest::SHA256, &client_key);
        let proven = verify_slices_are_equal(computed.as_ref(), stored_key).is_ok();
        let server_final = format!("v={}", STANDARD.encode(mac(server_key, &[auth_message.as_bytes()])));
        match &self.keys {
            Some((account, ..)) if proven && as_begun => Some((account, server_final)),
            _ => None,
        }
    }
}

/// `saslname`: `=2C` is a comma, `=3D` an equals sign, no other `=` may stand in it.
fn saslname(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    let mut pieces = text.split('=');
    name.push_str(pieces.next()?);
    for piece in pieces {
        let rest = if let Some(rest) = piece.strip_prefix("2C") {
            name.push(',');
            rest
        } else {
            name.push('=');
            piece.strip_prefix("3D")?
        };
        name.push_str(rest);
    }
    Some(name)
}

/// `printable`: ASCII that is seen, without commas.
fn is_nonce(nonce: &str) -> bool {
    !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut mac = [0; 32];
    mac.copy_from_slice(context.sign().as_ref());
    mac
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use chat::id::{ClientId, Timestamp};
    use chat::refusal::Rights;
    use chat::snapshot::AccountRecord;
    use std::num::NonZeroU32;
    use std::sync::Arc;

    /// The keys of a password, as the server's password pool makes them.
    pub(crate) fn keys_of(password: &str, salt: &[u8], iterations: u32) -> ScramKeys {
        let salted = salted(password, salt, iterations);
        let client_key = mac(&salted, &[b"Client Key"]);
        let mut stored_key = [0; 32];
        stored_key.copy_from_slice(digest::digest(&digest::SHA256, &client_key).as_ref());
        let server_key = mac(&salted, &[b"Server Key"]);
        ScramKeys { iterations, salt: salt.to_vec(), stored_key, server_key }
    }

    fn salted(password: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
        let mut salted = [0; 32];
        let iterations = NonZeroU32::new(iterations).unwrap();
        aws_lc_rs::pbkdf2::derive(
            aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            password.as_bytes(),
            &mut salted,
        );
        salted
    }

    /// What a client answers to `server_first`, and the server's proof that it then expects.
    pub(crate) fn client_final(
        password: &str,
        gs2_header: &str,
        first_bare: &str,
        server_first: &str,
    ) -> (String, String) {
        let attribute = |key: &str| server_first.split(',').find_map(|part| part.strip_prefix(key)).unwrap();
        let salt = STANDARD.decode(attribute("s=")).unwrap();
        let salted = salted(password, &salt, attribute("i=").parse().unwrap());
        let client_key = mac(&salted, &[b"Client Key"]);
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        let without_proof = format!("c={},r={}", STANDARD.encode(gs2_header), attribute("r="));
        let auth_message = format!("{first_bare},{server_first},{without_proof}");
        let mut proof = mac(stored_key.as_ref(), &[auth_message.as_bytes()]);
        proof.iter_mut().zip(&client_key).for_each(|(byte, key)| *byte ^= key);
        let server_signature = mac(&mac(&salted, &[b"Server Key"]), &[auth_message.as_bytes()]);
        (format!("{without_proof},p={}", STANDARD.encode(proof)), format!("v={}", STANDARD.encode(server_signature)))
    }

    fn account(keys: ScramKeys) -> SharedAccount {
        Arc::new(AccountRecord {
            former_names: Vec::new(),
            id: ClientId(chat::id::uuid_v7(Timestamp(1), 1, 1)),
            username: "user".into(),
            password_hash: None,
            scram: Some(Box::new(keys)),
            certificates: Vec::new(),
            email: None,
            created: Timestamp(1),
            last_seen: Timestamp(1),
            last_address: None,
            rights: Rights::NONE,
            owner: false,
            disabled: false,
            proofs_since: Timestamp(1),
            always_on: None,
        })
    }

    /// RFC 7677 section 3, with the server's nonce put in the place of ours.
    #[test]
    fn the_vector_of_rfc_7677() {
        let first = ClientFirst::parse(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        assert_eq!((first.username.as_str(), first.gs2_header.as_str()), ("user", "n,,"));
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let account = account(keys_of("pencil", &salt, 4096));
        let mut challenge = Challenge::new(first, "user", Some(&account), 4096, &[0; 32], b"");
        challenge.nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned();
        challenge.server_first = format!("r={},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", challenge.nonce);
        let answer = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let (verified, server_final) = challenge.verify(answer).unwrap();
        assert_eq!(verified.username, "user");
        assert_eq!(server_final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn first_messages() {
        let good = [
            ("n,,n=alice,r=abc", "", "alice"),
            ("y,,n=alice,r=abc", "", "alice"),
            ("n,a=alice,n=alice,r=abc", "alice", "alice"),
            ("n,,n=a=2Cb=3Dc,r=abc,x=extension", "", "a,b=c"),
        ];
        for (message, authzid, username) in good {
            let first = ClientFirst::parse(message.as_bytes()).unwrap();
            assert_eq!((first.authzid.as_str(), first.username.as_str()), (authzid, username), "{message}");
        }
        let bad: [&[u8]; 12] = [
            b"",
            b"n",
            b"n,,",
            b"p=tls-unique,,n=a,r=b",
            b"n,,m=x,n=a,r=b",
            b"n,,n=,r=b",
            b"n,,n=a",
            b"n,,n=a,r=",
            b"n,,n=a=2,r=b",
            b"n,b=x,n=a,r=b",
            b"n,,r=b,n=a",
            b"\xff,,n=a,r=b",
        ];
        for message in bad {
            assert!(ClientFirst::parse(message).is_none(), "{}", String::from_utf8_lossy(message));
        }
    }

    #[test]
    fn right_and_wrong_proofs() {
        let account = account(keys_of("pencil", b"0123456789abcdef", 10));
        let challenge = |who: Option<&SharedAccount>| {
            let first = ClientFirst::parse(b"y,,n=user,r=abc").unwrap();
            Challenge::new(first, "user", who, 10, &[7; 32], b"seed")
        };
        let known = challenge(Some(&account));
        let (right, expected) = client_final("pencil", "y,,", "n=user,r=abc", known.server_first());
        assert_eq!(known.verify(right.as_bytes()).map(|(_, proof)| proof), Some(expected));
        let (wrong, _) = client_final("pen", "y,,", "n=user,r=abc", known.server_first());
        assert!(known.verify(wrong.as_bytes()).is_none());
        // Another header than in the first message: someone on the way has changed it.
        let (changed, _) = client_final("pencil", "n,,", "n=user,r=abc", known.server_first());
        assert!(known.verify(changed.as_bytes()).is_none());
        for bad in ["", "c=eSws", "c=eSws,r=abc,p=AAAA", ",p=", "c=!,r=abc,p=AAAA"] {
            assert!(known.verify(bad.as_bytes()).is_none(), "{bad}");
        }
        let unknown = challenge(None);
        assert_eq!(unknown.server_first(), challenge(None).server_first(), "the made-up salt stays the same");
        assert_eq!(unknown.server_first().len(), known.server_first().len(), "and looks like a real one");
        let (guess, _) = client_final("pencil", "y,,", "n=user,r=abc", unknown.server_first());
        assert!(unknown.verify(guess.as_bytes()).is_none());
    }
}
