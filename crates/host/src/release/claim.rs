//! What a release says of itself, in the comment that is signed with it.

use portlama_model::ReleaseVersion;

use super::ReleaseError;

/// Octets of a target's name. The longest in use has 13.
const MAX_TARGET_BYTES: usize = 32;
/// Digits of a SHA-256.
const DIGEST_DIGITS: usize = 64;

/// The signed comment: `portlama version=1.2.3 target=x86_64-linux sha256=<64 hex digits>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The version of the program.
    pub version: ReleaseVersion,
    /// What it runs on.
    pub target: String,
    /// The SHA-256 of the program, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Claim {
    /// Reads a comment, which has these words in this order and nothing else.
    ///
    /// # Errors
    /// [`ReleaseError::Claim`].
    pub fn read(comment: &str) -> Result<Self, ReleaseError> {
        let mut words = comment.split(' ');
        if words.next() != Some("portlama") {
            return Err(ReleaseError::Claim("it does not begin with `portlama`"));
        }
        let mut value = |name: &str| -> Option<&str> {
            let (found, value) = words.next()?.split_once('=')?;
            (found == name).then_some(value)
        };
        let version = value("version")
            .and_then(|text| text.parse().ok())
            .ok_or(ReleaseError::Claim("it names no version"))?;
        let target = value("target")
            .filter(|text| is_target(text))
            .ok_or(ReleaseError::Claim("it names no target"))?;
        let sha256 = value("sha256")
            .filter(|text| is_digest(text))
            .ok_or(ReleaseError::Claim("it has no digest"))?;
        if words.next().is_some() {
            return Err(ReleaseError::Claim("it says more than releases say"));
        }
        Ok(Self {
            version,
            target: target.to_owned(),
            sha256: sha256.to_owned(),
        })
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            version,
            target,
            sha256,
        } = self;
        write!(
            f,
            "portlama version={version} target={target} sha256={sha256}"
        )
    }
}

fn is_target(text: &str) -> bool {
    (1..=MAX_TARGET_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_comment_has_these_words_in_this_order_and_nothing_else() {
        let good = format!("portlama version=1.2.3 target=x86_64-linux sha256={DIGEST}");
        let claim = Claim::read(&good).expect("a claim");
        assert_eq!(claim.version.as_str(), "1.2.3");
        assert_eq!(claim.target, "x86_64-linux");
        assert_eq!(claim.to_string(), good);
        for bad in [
            String::new(),
            "portlama".to_owned(),
            good.replace("portlama ", ""),
            good.replace("portlama", "Portlama"),
            good.replace("1.2.3", "../1.2.3"),
            good.replace("x86_64-linux", "x86_64/linux"),
            good.replace(DIGEST, &DIGEST[1..]),
            good.replace(DIGEST, &DIGEST.to_uppercase()),
            good.replace(' ', "  "),
            format!("{good} "),
            format!("{good} version=9.9.9"),
            format!("portlama target=x86_64-linux version=1.2.3 sha256={DIGEST}"),
            format!("portlama version=1.2.3 version=1.2.3 target=x86_64-linux sha256={DIGEST}"),
        ] {
            assert!(Claim::read(&bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_says_itself_again(text in "\\PC{0,120}") {
            if let Ok(claim) = Claim::read(&text) {
                prop_assert_eq!(claim.to_string(), text);
            }
        }

        #[test]
        fn what_is_written_is_read_again(version in "[0-9]{1,9}\\.[0-9]{1,9}\\.[0-9]{1,9}", target in "[a-z0-9_-]{1,32}", sha256 in "[0-9a-f]{64}") {
            let claim = Claim { version: version.parse().expect("a version"), target, sha256 };
            prop_assert_eq!(Claim::read(&claim.to_string()).expect("a claim"), claim);
        }
    }
}
