//! Tokens and fingerprints that people carry from one machine to another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::text::text_name;
use crate::{ParseError, Secret};

fn is_hex64(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The SHA-256 of the Portlama CA's public key (its DER `SubjectPublicKeyInfo`), 64
/// lower-case hexadecimal digits. What our own programs pin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct CaFingerprint(Arc<str>);

text_name!(CaFingerprint);

impl CaFingerprint {
    fn check(text: &str) -> Result<(), ParseError> {
        if is_hex64(text) {
            Ok(())
        } else {
            Err(ParseError("must be 64 lower-case hexadecimal digits"))
        }
    }

    /// From the 32 octets of the digest.
    #[must_use]
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(hex::encode(digest).into())
    }
}

/// An enrolment token: 32 random octets as 64 lower-case hexadecimal digits. Single use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnrollmentToken(Secret);

impl EnrollmentToken {
    /// From 32 random octets.
    #[must_use]
    pub fn from_random(octets: [u8; 32]) -> Self {
        Self(Secret::new(hex::encode(octets)))
    }

    /// The digits, for the one line that needs them.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl std::str::FromStr for EnrollmentToken {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_hex64(text) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(ParseError("must be 64 lower-case hexadecimal digits"))
        }
    }
}

impl TryFrom<String> for EnrollmentToken {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<EnrollmentToken> for String {
    fn from(token: EnrollmentToken) -> Self {
        token.expose().to_owned()
    }
}

/// The token of an invitation: 32 random octets as 64 lower-case hexadecimal digits. Single use.
#[derive(Clone, Debug)]
pub struct InvitationToken(Secret);

impl InvitationToken {
    /// From 32 random octets.
    #[must_use]
    pub fn from_random(octets: [u8; 32]) -> Self {
        Self(Secret::new(hex::encode(octets)))
    }

    /// The digits, for the one line that needs them.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl std::str::FromStr for InvitationToken {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_hex64(text) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(ParseError("must be 64 lower-case hexadecimal digits"))
        }
    }
}

/// What the admin hands to the person at the agent: `ptl1.<token>.<CA fingerprint>`, so that
/// the first contact can be checked against the right authority.
#[derive(Clone, Debug)]
pub struct SetupToken {
    /// The single-use token.
    pub token: EnrollmentToken,
    /// The authority whose certificates the agent will believe.
    pub fingerprint: CaFingerprint,
}

impl SetupToken {
    /// The text form, for the one line that needs it.
    #[must_use]
    pub fn expose(&self) -> Secret {
        Secret::new(format!("ptl1.{}.{}", self.token.expose(), self.fingerprint))
    }
}

impl std::str::FromStr for SetupToken {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = ParseError("must look like ptl1.<token>.<CA fingerprint>");
        let mut parts = text.trim().split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("ptl1"), Some(token), Some(fingerprint), None) => Ok(Self {
                token: token.parse().map_err(|_| error.clone())?,
                fingerprint: fingerprint.parse().map_err(|_| error)?,
            }),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_token_round_trips_and_does_not_print() {
        let token = SetupToken {
            token: EnrollmentToken::from_random([7; 32]),
            fingerprint: CaFingerprint::from_digest([9; 32]),
        };
        let text = token.expose();
        let back: SetupToken = text.expose().parse().expect("valid");
        assert_eq!(back.token.expose(), token.token.expose());
        assert_eq!(back.fingerprint, token.fingerprint);
        assert!(!format!("{token:?}").contains(token.token.expose()));
    }

    #[test]
    fn setup_token_refuses_other_shapes() {
        let hex = "0".repeat(64);
        for bad in [
            "",
            "ptl1",
            &hex,
            &format!("ptl2.{hex}.{hex}"),
            &format!("ptl1.{hex}.{hex}.x"),
        ] {
            assert!(bad.parse::<SetupToken>().is_err(), "{bad}");
        }
    }
}
