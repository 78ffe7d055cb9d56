//! The Keychain of macOS.

use client_core::Password;
use security_framework::passwords::{delete_generic_password, get_generic_password, set_generic_password};
use zeroize::Zeroizing;

use super::{Owner, Waiting};

const SERVICE: &str = "parlor chat_client";

pub fn find(owner: &Owner, waiting: &Waiting<'_>) -> Option<Password> {
    // It asks whether this program may have it, and does not say that it asks.
    waiting.asks();
    let secret = Zeroizing::new(get_generic_password(SERVICE, &account(owner)).ok()?);
    str::from_utf8(&secret).ok().map(Password::new)
}

pub fn keep(owner: &Owner, password: &Password, waiting: &Waiting<'_>) -> bool {
    waiting.asks();
    set_generic_password(SERVICE, &account(owner), password.reveal().as_bytes()).is_ok()
}

pub fn forget(owner: &Owner, _waiting: &Waiting<'_>) {
    // Nobody can be told anything that would be of use.
    drop(delete_generic_password(SERVICE, &account(owner)));
}

fn account(owner: &Owner) -> String {
    format!("{}@{}", owner.name, owner.address)
}
