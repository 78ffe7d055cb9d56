//! Built without keyrings.

use client_core::Password;

use super::{Owner, Waiting};

pub fn find(_owner: &Owner, _waiting: &Waiting<'_>) -> Option<Password> {
    None
}

pub fn keep(_owner: &Owner, _password: &Password, _waiting: &Waiting<'_>) -> bool {
    false
}

pub fn forget(_owner: &Owner, _waiting: &Waiting<'_>) {}
