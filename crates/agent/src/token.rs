//! The token that the admin hands over, as people type it.

use portlama_model::{CaFingerprint, EnrollmentToken, SetupToken};

/// A token and the authority it belongs to. There is no token without the authority: it must
/// not be shown to whoever answers at the address.
#[derive(Debug, Clone)]
pub struct SetupSecret {
    pub(crate) token: EnrollmentToken,
    pub(crate) fingerprint: CaFingerprint,
}

/// Why a text is no use for setting an agent up. The text itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing was given.
    #[error("no enrolment token was given: copy it from the panel, Certificates, Enrollment Token")]
    Missing,
    /// It has another form.
    #[error(
        "the enrolment token must look like ptl1.<token>.<CA fingerprint>: copy it whole from the panel"
    )]
    Form,
    /// A bare token says nothing about the authority.
    #[error(
        "this token does not name the certificate authority: add --fingerprint as the panel shows it"
    )]
    NeedsFingerprint,
    /// The fingerprint in the token is not the one given.
    #[error(
        "the fingerprint in the token is {in_token}, and --fingerprint is {given}: one of them is of another server"
    )]
    Contradiction {
        /// From the token.
        in_token: CaFingerprint,
        /// From the flag.
        given: CaFingerprint,
    },
    /// The fingerprint has another form.
    #[error("the fingerprint must be 64 hexadecimal digits")]
    Fingerprint,
}

impl SetupSecret {
    /// Reads `ptl1.<token>.<fingerprint>`, or a bare token where `fingerprint` is given.
    ///
    /// # Errors
    /// [`TokenError`], which never repeats the text.
    pub fn parse(text: &str, fingerprint: Option<&CaFingerprint>) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenError::Missing);
        }
        if let Ok(SetupToken {
            token,
            fingerprint: in_token,
        }) = text.parse()
        {
            return match fingerprint {
                Some(given) if *given != in_token => Err(TokenError::Contradiction {
                    in_token,
                    given: given.clone(),
                }),
                _ => Ok(Self {
                    token,
                    fingerprint: in_token,
                }),
            };
        }
        let token = text.parse().map_err(|_| TokenError::Form)?;
        let fingerprint = fingerprint.ok_or(TokenError::NeedsFingerprint)?.clone();
        Ok(Self { token, fingerprint })
    }
}

/// Reads a fingerprint as people copy it: any case, with or without colons.
///
/// # Errors
/// [`TokenError::Fingerprint`].
pub fn parse_fingerprint(text: &str) -> Result<CaFingerprint, TokenError> {
    let digits = text.trim().replace(':', "").to_ascii_lowercase();
    digits.parse().map_err(|_| TokenError::Fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn pin(digit: char) -> CaFingerprint {
        hex(digit).parse().expect("a fingerprint")
    }

    #[test]
    fn a_setup_token_names_its_authority() {
        let text = format!(" ptl1.{}.{}\n", hex('a'), hex('b'));
        let secret = SetupSecret::parse(&text, None).expect("whole");
        assert_eq!(secret.token.expose(), hex('a'));
        assert_eq!(secret.fingerprint, pin('b'));
        assert!(SetupSecret::parse(&text, Some(&pin('b'))).is_ok());
    }

    #[test]
    fn a_bare_token_needs_a_fingerprint() {
        let bare = SetupSecret::parse(&hex('a'), None);
        assert!(matches!(bare, Err(TokenError::NeedsFingerprint)));
        let secret = SetupSecret::parse(&hex('a'), Some(&pin('c'))).expect("whole");
        assert_eq!(secret.fingerprint, pin('c'));
    }

    #[test]
    fn two_fingerprints_must_agree() {
        let text = format!("ptl1.{}.{}", hex('a'), hex('b'));
        let error = SetupSecret::parse(&text, Some(&pin('c')));
        assert!(matches!(error, Err(TokenError::Contradiction { .. })));
    }

    #[test]
    fn a_wrong_token_is_not_repeated() {
        for bad in [
            "",
            "  ",
            "secret-thing",
            "ptl1.secret-thing.x",
            &format!("ptl2.{}.{}", hex('a'), hex('b')),
        ] {
            let error = SetupSecret::parse(bad, Some(&pin('c')))
                .expect_err("refused")
                .to_string();
            assert!(
                !error.contains("secret-thing") && !error.contains(&hex('a')),
                "{error}"
            );
        }
        let secret = SetupSecret::parse(&hex('a'), Some(&pin('c'))).expect("whole");
        assert!(!format!("{secret:?}").contains(&hex('a')));
    }

    #[test]
    fn a_fingerprint_may_have_colons_and_capitals() {
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(
            parse_fingerprint(&colons).expect("valid").as_str(),
            "ab".repeat(32)
        );
        assert!(parse_fingerprint("abc").is_err());
    }
}
