//! The token for DigitalOcean's API, and what it may.

mod examine;
mod scopes;
mod verdict;

use portlama_model::Secret;

pub use examine::{Examined, SOON_DAYS, examine};
pub use scopes::{REQUIRED_SCOPES, ScopeClass, classify};
pub use verdict::{MissingScope, Scopes, Verdict, judge};

/// The environment variable that scripts put the token into.
pub const TOKEN_VARIABLE: &str = "PORTLAMA_CLOUD_TOKEN";
/// Where a person makes a token.
pub const NEW_TOKEN_PAGE: &str = "https://cloud.digitalocean.com/account/api/tokens/new";
/// The longest token accepted, octets. DigitalOcean's have 71.
pub const MAX_TOKEN_BYTES: usize = 512;

/// A token as it was given. It is a secret: it has no text but for the one header that sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Token(Secret);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing was given.
    #[error("no token was given: make one at {NEW_TOKEN_PAGE}")]
    Empty,
    /// A refresh token opens nothing by itself.
    #[error("this is a refresh token (dor_v1_…): make a personal access token at {NEW_TOKEN_PAGE}")]
    Refresh,
    /// Something else.
    #[error("this does not look like a token: it is one word that begins with dop_v1_")]
    Malformed,
}

impl Token {
    /// Takes what a person pasted; blanks around it don't count.
    ///
    /// # Errors
    /// [`TokenError`]; the text stands in none of them.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.starts_with("dor_v1_") {
            return Err(TokenError::Refresh);
        }
        // Tokens from before 2022 are 64 hexadecimal digits without a beginning of their own.
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let is_known = ["dop_v1_", "doo_v1_"]
            .iter()
            .any(|kind| text.strip_prefix(kind).is_some_and(is_word));
        let is_old = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if text.len() > MAX_TOKEN_BYTES || !(is_known || is_old) {
            return Err(TokenError::Malformed);
        }
        Ok(Self(Secret::new(text)))
    }

    /// The text, for the header and the credential store.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_with_blanks_around_it() {
        let token = Token::parse(" dop_v1_0a1b\n").expect("a token");
        assert_eq!(token.secret().expose(), "dop_v1_0a1b");
        assert!(Token::parse("doo_v1_0a1b").is_ok());
        assert!(Token::parse(&"0a".repeat(32)).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        for (text, error) in [
            ("", TokenError::Empty),
            (" \n", TokenError::Empty),
            ("dor_v1_0a1b", TokenError::Refresh),
            ("dop_v1_", TokenError::Malformed),
            ("dop_v1_a b", TokenError::Malformed),
            ("dop_v1_a\r\nHost: x", TokenError::Malformed),
            ("hunter2", TokenError::Malformed),
        ] {
            assert_eq!(Token::parse(text), Err(error), "{text:?}");
        }
        assert!(!TokenError::Malformed.to_string().contains("hunter2"));
        assert_eq!(
            Token::parse(&format!("dop_v1_{}", "a".repeat(MAX_TOKEN_BYTES))),
            Err(TokenError::Malformed)
        );
    }

    #[test]
    fn a_token_does_not_print() {
        let token = Token::parse("dop_v1_0a1b").expect("a token");
        assert!(!format!("{token:?}").contains("0a1b"));
    }
}
