//! The Credential Manager of Windows.

use std::sync::Arc;

use client_core::Password;
use keyring_core::{CredentialStore, Entry, Result};
use windows_native_keyring_store::Store;
use zeroize::Zeroizing;

use super::{Owner, Waiting};

const SERVICE: &str = "parlor chat_client";

pub fn find(owner: &Owner, _waiting: &Waiting<'_>) -> Option<Password> {
    let secret = Zeroizing::new(entry(owner).and_then(|entry| entry.get_password()).ok()?);
    Some(Password::new(secret.as_str()))
}

pub fn keep(owner: &Owner, password: &Password, _waiting: &Waiting<'_>) -> bool {
    entry(owner).and_then(|entry| entry.set_password(password.reveal())).is_ok()
}

pub fn forget(owner: &Owner, _waiting: &Waiting<'_>) {
    // Nobody can be told anything that would be of use.
    drop(entry(owner).and_then(|entry| entry.delete_credential()));
}

fn entry(owner: &Owner) -> Result<Entry> {
    let store: Arc<CredentialStore> = Store::new()?;
    Entry::new_in_store(&store, SERVICE, &format!("{}@{}", owner.name, owner.address))
}
