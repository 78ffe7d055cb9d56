//! Passwords: what is refused, how they are hashed, and what SCRAM keeps of them. Slow on purpose: for the pool's thread
//! and the command line only.
//!
//! An account keeps an Argon2id hash and, where SCRAM is on, SCRAM's keys. Whoever steals the database attacks the
//! weaker of the two, so SCRAM's work factor is chosen in SECURITY.md's terms: see [`scram_iterations`].

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use aws_lc_rs::{digest, hmac, pbkdf2};
use chat::snapshot::ScramKeys;
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use std::fmt;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Characters that a password has at least (OWASP ASVS 5.0 item 6.2.1; NIST SP 800-63B section 5.1.1.2).
pub const LEAST_CHARACTERS: usize = 8;
/// Bytes that a password has at most: enough for any passphrase, also for one whose SASL payload needs several
/// AUTHENTICATE lines (IRCv3 sasl-3.1), and hashing stays bounded. A longer one is refused, never cut.
pub const MOST_BYTES: usize = 1024;

/// Bytes of salt (RFC 9106 section 3.1 recommends 16).
const SALT_BYTES: usize = 16;

const COMMON: &str = include_str!("common_passwords.txt");

/// How much work a guess shall cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordCost {
    /// Argon2id with 19 MiB, two passes, one lane: the first choice of the OWASP cheat sheet.
    Standard,
    /// The cheapest that Argon2id allows. For tests.
    Test,
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Debug)]
pub struct Hashed {
    /// PHC string.
    pub hash: Box<str>,
    pub scram: Option<Box<ScramKeys>>,
}

/// Why no hash could be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordError {
    /// [`judge`] would have refused it.
    Unusable(&'static str),
    /// The system gives no random bytes, or not the memory that hashing takes.
    System,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PasswordError::Unusable(why) => why,
            PasswordError::System => {
                "the system gave no memory or no random bytes for hashing; free some memory and try again"
            }
        })
    }
}

impl std::error::Error for PasswordError {}

/// PBKDF2 rounds of new SCRAM keys.
///
/// 600,000 is the OWASP figure for PBKDF2-HMAC-SHA-256 (RFC 7677 section 4 asks for at least 4,096, written in 2015).
/// A client spends them once and may keep the result, so an honest login pays about a quarter of a second once.
pub fn scram_iterations(cost: PasswordCost) -> u32 {
    match cost {
        PasswordCost::Standard => 600_000,
        PasswordCost::Test => 4_096,
    }
}

/// Whether this may become someone's password; if not, one sentence for its owner. Where hashes are as cheap as they can
/// be, which is for tests on loopback alone, an easily guessed one is as good as any.
pub fn judge(password: &str, cost: PasswordCost) -> Result<(), &'static str> {
    if password.len() > MOST_BYTES {
        return Err("That password is longer than 1024 bytes; choose a shorter one");
    }
    if cost == PasswordCost::Standard && password.chars().count() < LEAST_CHARACTERS {
        return Err("That password is too short; choose one of at least 8 characters, such as a few words");
    }
    let Some(prepared) = prepared(password) else {
        return Err(match password {
            "" => "That password is empty; choose one of at least 8 characters, such as a few words",
            _ => "That password contains a character that can't be typed alike everywhere; leave it out",
        });
    };
    let folded = Zeroizing::new(prepared.to_lowercase());
    if cost == PasswordCost::Standard && is_common(&folded) {
        return Err("That password is one of the most used ones and is tried first by everyone; choose another");
    }
    Ok(())
}

/// Hashes a password with a new salt, and makes SCRAM's keys if `scram`.
pub fn hash(password: &str, scram: bool, cost: PasswordCost) -> Result<Hashed, PasswordError> {
    let prepared = prepared(password).filter(|_| password.len() <= MOST_BYTES);
    let Some(prepared) = prepared else {
        return Err(PasswordError::Unusable(judge(password, cost).err().unwrap_or("That password can't be used")));
    };
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| PasswordError::System)?;
    let hash = argon2(cost)
        .hash_password_with_salt(prepared.as_bytes(), &salt)
        .map_err(|_| PasswordError::System)?
        .to_string()
        .into_boxed_str();
    let scram = if scram {
        getrandom::fill(&mut salt).map_err(|_| PasswordError::System)?;
        Some(Box::new(scram_keys(&prepared, salt.to_vec(), scram_iterations(cost))))
    } else {
        None
    };
    Ok(Hashed { hash, scram })
}

/// Whether `password` is the one that `hash` (a PHC string) was made of. Without a hash, or with one that can't be read,
/// the same time is spent and the answer is no. `cost`: what hashes usually cost here.
pub fn verify(hash: Option<&str>, password: &str, cost: PasswordCost) -> bool {
    // Depends on what the asker sent alone, so it tells nothing about an account.
    let Some(prepared) = prepared(password).filter(|_| password.len() <= MOST_BYTES) else {
        return false;
    };
    match hash.and_then(|hash| PasswordHash::new(hash).ok()) {
        Some(hash) => argon2(cost).verify_password(prepared.as_bytes(), &hash).is_ok(),
        None => {
            let mut wasted = Zeroizing::new([0; 32]);
            let done = argon2(cost).hash_password_into(prepared.as_bytes(), &[0; SALT_BYTES], &mut *wasted);
            // Kept from being optimised away: an unknown name shall take as long as a known one.
            std::hint::black_box((done.is_ok(), &wasted));
            false
        }
    }
}

/// What a server keeps for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677). `password`: prepared.
fn scram_keys(password: &str, salt: Vec<u8>, iterations: u32) -> ScramKeys {
    let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut *salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&key, b"Server Key");
    ScramKeys { iterations, salt, stored_key: bytes(stored_key.as_ref()), server_key: bytes(server_key.as_ref()) }
}

fn bytes(digest: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest);
    bytes
}

/// The same password however it was typed: RFC 8265 section 4.2 (OpaqueString), today's successor of the SASLprep that
/// RFC 5802 asks for; both leave ASCII alone. `None`: it holds a control character or one that is not assigned.
fn prepared(password: &str) -> Option<Zeroizing<String>> {
    if password.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return (!password.is_empty()).then(|| Zeroizing::new(password.to_owned()));
    }
    OpaqueString::enforce(password).ok().map(|password| Zeroizing::new(password.into_owned()))
}

fn argon2(cost: PasswordCost) -> Argon2<'static> {
    let params = match cost {
        PasswordCost::Standard => Params::new(19 * 1024, 2, 1, Some(32)),
        PasswordCost::Test => Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, Some(32)),
    };
    // Both are within what Argon2 allows, as the tests show; its own default is the first.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.unwrap_or_default())
}

fn is_common(folded: &str) -> bool {
    !folded.starts_with('#') && COMMON.lines().any(|common| common == folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password() {
        let check = |password: &str, expected: Option<&str>| match (judge(password, PasswordCost::Standard), expected) {
            (Ok(()), None) => {}
            (Err(why), Some(part)) if why.contains(part) => {}
            (found, _) => panic!("{password:?}: {found:?}, expected {expected:?}"),
        };
        check("correct horse", None);
        check("p4rlor-Tee", None);
        check("пароль-чай", None);
        check("日本語のお茶です", None);
        check("        ", None);
        check(&"x".repeat(1024), None);
        check(&"x".repeat(1025), Some("longer than 1024"));
        check("", Some("too short"));
        check("seven77", Some("too short"));
        check("日本語", Some("too short"));
        check("password", Some("most used"));
        check("PassWord", Some("most used"));
        check("123456789", Some("most used"));
        check("iloveyou", Some("most used"));
        check("tab\tinside it", Some("character"));
    }

    #[test]
    fn for_tests_an_easily_guessed_password_will_do() {
        for password in ["sesame", "password", "1"] {
            assert_eq!(judge(password, PasswordCost::Test), Ok(()), "{password}");
            assert!(judge(password, PasswordCost::Standard).is_err(), "{password}");
        }
        assert!(judge("", PasswordCost::Test).is_err_and(|why| why.contains("empty")));
        assert!(judge(&"x".repeat(1025), PasswordCost::Test).is_err());
    }

    #[test]
    fn the_list_holds_three_thousand_words_that_could_be_passwords() {
        let words: Vec<&str> = COMMON.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(words.len(), 3_000);
        for word in words {
            assert!(word.len() >= LEAST_CHARACTERS && word == word.to_lowercase(), "{word}");
        }
    }

    #[test]
    fn a_hash_matches_its_password_alone() {
        for cost in [PasswordCost::Test, PasswordCost::Standard] {
            let made = hash("correct horse", false, cost).expect("hashed");
            assert!(made.scram.is_none());
            assert!(verify(Some(&made.hash), "correct horse", cost));
            assert!(!verify(Some(&made.hash), "correct horse ", cost));
            assert!(!verify(Some(&made.hash), "", cost));
            assert!(!verify(Some("$argon2id$nonsense"), "correct horse", cost));
            assert!(!verify(None, "correct horse", cost));
            assert!(!verify(Some(&made.hash), &"x".repeat(1025), cost));
        }
    }

    #[test]
    fn a_hash_says_what_it_cost_and_no_two_are_alike() {
        let made = hash("correct horse", false, PasswordCost::Standard).expect("hashed").hash;
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        let cheap = || hash("correct horse", false, PasswordCost::Test).expect("hashed").hash;
        assert!(cheap().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert_ne!(cheap(), cheap());
    }

    #[test]
    fn a_password_typed_in_another_composition_is_the_same() {
        let made = hash("Zo\u{eb} und Tee", true, PasswordCost::Test).expect("hashed");
        assert!(verify(Some(&made.hash), "Zoe\u{308} und\u{a0}Tee", PasswordCost::Test));
        let keys = made.scram.expect("keys");
        let again = prepared("Zoe\u{308} und\u{a0}Tee").expect("prepared");
        assert_eq!(scram_keys(&again, keys.salt.clone(), keys.iterations), *keys);
    }

    /// The example of RFC 7677 section 3, from both ends: our keys must verify its proof and make its signature.
    #[test]
    fn scram_keys_fit_the_example_of_rfc_7677() {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD as BASE64;
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let keys = scram_keys("pencil", salt, 4096);
        let auth_message: &[u8] = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = |key: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), auth_message);
        let proof = BASE64.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").expect("base64");
        let client_key: Vec<u8> =
            proof.iter().zip(signature(&keys.stored_key).as_ref()).map(|(proof, signed)| proof ^ signed).collect();
        assert_eq!(digest::digest(&digest::SHA256, &client_key).as_ref(), keys.stored_key);
        let verifier = BASE64.encode(signature(&keys.server_key).as_ref());
        assert_eq!(verifier, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn the_work_of_scram_is_what_security_md_says() {
        assert_eq!(scram_iterations(PasswordCost::Standard), 600_000);
        let made = hash("correct horse", true, PasswordCost::Test).expect("hashed").scram.expect("keys");
        assert_eq!((made.iterations, made.salt.len()), (4_096, SALT_BYTES));
    }
}
