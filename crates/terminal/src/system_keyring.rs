//! The system's keyring: the Secret Service (GNOME Keyring, KWallet, KeePassXC), the Keychain on macOS, the Credential Manager
//! on Windows. It may be locked and ask its owner first, not answer at all, or not be there: whoever asks waits no longer than
//! they say (docs/decisions/0016-the-systems-keyring.md).

#[cfg(all(feature = "keyring", windows))]
#[path = "system_keyring/credential_manager.rs"]
mod keyring;
#[cfg(all(feature = "keyring", target_os = "macos"))]
#[path = "system_keyring/keychain.rs"]
mod keyring;
#[cfg(all(feature = "keyring", unix, not(target_os = "macos")))]
#[path = "system_keyring/secret_service.rs"]
mod keyring;

#[cfg(not(feature = "keyring"))]
#[path = "system_keyring/none.rs"]
mod keyring;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use client_core::Password;

/// Whose password it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `host:port`.
    pub address: String,
    pub name: String,
}

/// Until it answers, or begins to ask its owner.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// `patience`: how long it may have its owner unlock it, in a window of its own; nothing: it may not ask. `None`: it has none,
/// or there is no keyring that answers.
pub fn find(owner: &Owner, patience: Duration) -> Option<Password> {
    ask(owner, patience, keyring::find).flatten()
}

/// Whether it is there now.
pub fn keep(owner: &Owner, password: &Password, patience: Duration) -> bool {
    let password = password.clone();
    ask(owner, patience, move |owner, waiting| keyring::keep(owner, &password, waiting)) == Some(true)
}

/// What is not there need not be taken away; what stays is found to be wrong again.
pub fn forget(owner: &Owner, patience: Duration) {
    ask(owner, patience, keyring::forget);
}

/// What a keyring says to whoever waits for it.
enum Word<T> {
    AsksItsOwner,
    Done(T),
}

/// The keyring's side of waiting.
#[cfg_attr(
    not(all(feature = "keyring", unix, not(target_os = "macos"))),
    allow(dead_code, reason = "not every keyring says when it asks")
)]
struct Waiting<'w> {
    /// How long its owner may take; nothing: it may not ask.
    patience: Duration,
    tell: &'w dyn Fn(),
}

#[cfg_attr(
    not(all(feature = "keyring", unix, not(target_os = "macos"))),
    allow(dead_code, reason = "not every keyring says when it asks")
)]
impl Waiting<'_> {
    /// Before anything that may ask the owner.
    fn asks(&self) {
        (self.tell)();
    }
}

/// On a thread of its own, which is left to itself if it takes too long: a keyring can block whoever asks it.
fn ask<T: Send + 'static>(
    owner: &Owner,
    patience: Duration,
    question: impl FnOnce(&Owner, &Waiting<'_>) -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = mpsc::channel();
    let owner = owner.clone();
    let asking = move || {
        // Nobody listens any more, as a rule, when this cannot be told.
        let asks = || drop(tell.send(Word::AsksItsOwner));
        let answer = question(&owner, &Waiting { patience, tell: &asks });
        drop(tell.send(Word::Done(answer)));
    };
    thread::Builder::new().name("keyring".to_owned()).spawn(asking).ok()?;
    let mut limit = ANSWERS_WITHIN;
    loop {
        match told.recv_timeout(limit).ok()? {
            Word::Done(answer) => return Some(answer),
            Word::AsksItsOwner => limit = patience + ANSWERS_WITHIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { address: "a:1".to_owned(), name: "alice".to_owned() }
    }

    #[test]
    fn nobody_waits_for_a_keyring_that_says_nothing() {
        let (_open, silence) = mpsc::channel::<()>();
        assert_eq!(ask(&owner(), Duration::from_secs(3_600), move |_, _| silence.recv().ok()), None);
    }

    #[test]
    fn its_owner_is_waited_for_after_it_said_so() {
        let (answer, owners) = mpsc::channel();
        let asks = move |_: &Owner, waiting: &Waiting<'_>| {
            waiting.asks();
            owners.recv_timeout(waiting.patience).is_ok()
        };
        answer.send(()).unwrap();
        assert_eq!(ask(&owner(), Duration::from_secs(3_600), asks), Some(true));
    }
}
