//! The Secret Service of freedesktop.org, over the session's D-Bus (Secret Service API 0.2).

use std::collections::HashMap;

use client_core::Password;
use dbus_secret_service::{EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use super::{Owner, Waiting};

pub fn find(owner: &Owner, waiting: &Waiting<'_>) -> Option<Password> {
    let service = connect(waiting).ok()?;
    let item = item(&service, owner, waiting).ok()??;
    let secret = Zeroizing::new(item.get_secret().ok()?);
    str::from_utf8(&secret).ok().map(Password::new)
}

pub fn keep(owner: &Owner, password: &Password, waiting: &Waiting<'_>) -> bool {
    let kept = || -> Result<(), Error> {
        let service = connect(waiting)?;
        let collection = service.get_default_collection()?;
        if collection.is_locked()? {
            waiting.asks();
            collection.unlock()?;
        }
        let label = format!("parlor: {} on {}", owner.name, owner.address);
        // In place of an older one.
        collection.create_item(&label, attributes(owner), password.reveal().as_bytes(), true, "text/plain")?;
        Ok(())
    };
    kept().is_ok()
}

pub fn forget(owner: &Owner, waiting: &Waiting<'_>) {
    let forgotten = || -> Result<(), Error> {
        let service = connect(waiting)?;
        item(&service, owner, waiting)?.map_or(Ok(()), |item| item.delete())
    };
    // Nobody can be told anything that would be of use.
    drop(forgotten());
}

/// "Plain": what the bus carries is a Unix socket's, and whoever can read that may ask for the secret as well.
fn connect(waiting: &Waiting<'_>) -> Result<SecretService, Error> {
    SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, waiting.patience.as_secs())
}

/// The one of this owner, unlocked.
fn item<'s>(service: &'s SecretService, owner: &Owner, waiting: &Waiting<'_>) -> Result<Option<Item<'s>>, Error> {
    let found = service.search_items(attributes(owner))?;
    let item = found.unlocked.into_iter().chain(found.locked).next();
    if let Some(item) = &item
        && item.is_locked()?
    {
        waiting.asks();
        item.unlock()?;
    }
    Ok(item)
}

/// By which it is found: `secret-tool lookup service parlor server HOST:PORT account NAME`.
fn attributes(owner: &Owner) -> HashMap<&str, &str> {
    HashMap::from([("service", "parlor"), ("server", owner.address.as_str()), ("account", owner.name.as_str())])
}
