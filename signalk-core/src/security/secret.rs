//! A text that nobody may see by accident: a password, a hash of one, a signing key, the file that holds them.

use std::fmt;

/// Prints nothing of what it holds. Compared by nobody: what is compared (hashes, signatures) is so in constant time,
/// where it is made.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for whoever works with it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
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
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret::from("pw"))), "Some((secret))");
    }
}
