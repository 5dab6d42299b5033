//! Values that do not print.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that must not reach a log, an error or a `Debug` output: a password, a seed, a
/// token, a key. It is wiped from memory when dropped.
///
/// [`expose`](Secret::expose) is the one way to the content, so that every use can be found.
/// It serialises as plain text, because the state files hold such values with mode 0600.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The content, for the one line that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Every octet is looked at, so that how long it takes tells nothing but the length.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        let differences = a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b));
        a.len() == b.len() && std::hint::black_box(differences) == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_content() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn secrets_are_equal_when_their_texts_are() {
        for (a, b) in [("", ""), ("a", "a"), ("a", "b"), ("a", ""), ("ab", "a")] {
            assert_eq!(Secret::new(a) == Secret::new(b), a == b, "{a:?} {b:?}");
        }
    }
}
