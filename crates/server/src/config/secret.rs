//! A text that must not show up in logs, metrics or error messages.

use std::fmt;
use zeroize::Zeroizing;

/// A password or token from the configuration. Its `Debug` form hides it; memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text itself, for hashing; never for display.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `attempt` is this secret, in a time that depends on the lengths only.
    pub fn matches(&self, attempt: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), attempt).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_but_never_shown() {
        let secret = Secret::new("hunter2".to_string());
        assert!(secret.matches(b"hunter2"));
        for wrong in [&b""[..], b"hunter", b"hunter22", b"Hunter2"] {
            assert!(!secret.matches(wrong));
        }
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
