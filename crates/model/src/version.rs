//! Versions of releases.

use std::sync::Arc;

use serde::Deserialize;

use crate::ParseError;
use crate::text::text_name;

/// Digits of one number of a version.
const MAX_VERSION_DIGITS: usize = 9;

/// The version of a release: three numbers with dots between them, and nothing else. What is
/// made of it ends up in names of files, so it is held to its form.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ReleaseVersion(Arc<str>);

text_name!(ReleaseVersion);

impl ReleaseVersion {
    /// The three numbers, by which versions are older and newer.
    #[must_use]
    pub fn numbers(&self) -> [u32; 3] {
        let mut numbers = self.0.split('.').map(|part| part.parse().unwrap_or(0));
        // Nine digits fit, and the form was checked.
        [(); 3].map(|()| numbers.next().unwrap_or(0))
    }

    fn check(text: &str) -> Result<(), ParseError> {
        let is_number = |part: &str| {
            (1..=MAX_VERSION_DIGITS).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_digit())
        };
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        if parts.len() == 3 && parts.into_iter().all(is_number) {
            Ok(())
        } else {
            Err(ParseError("must be a version such as 1.2.3"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        let numbers = |text: &str| text.parse::<ReleaseVersion>().expect("a version").numbers();
        assert_eq!(numbers("1.22.333"), [1, 22, 333]);
        assert_eq!(numbers("001.0.999999999"), [1, 0, 999_999_999]);
        assert!(numbers("1.10.0") > numbers("1.9.9"));
    }

    #[test]
    fn a_version_is_three_numbers_and_nothing_else() {
        for good in ["0.1.0", "1.22.333", "000.0.0"] {
            let version: ReleaseVersion = good.parse().expect("a version");
            assert_eq!(version.as_str(), good);
        }
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "v1.2.3",
            "1.2.3-rc1",
            "1.2.3\n",
            " 1.2.3",
            "1..3",
            "1.2.",
            "../../etc",
            "https://evil.example/1.2.3",
            "\u{ff11}.2.3",
            "1.2.1234567890",
            "-1.2.3",
            "+1.2.3",
        ] {
            assert!(bad.parse::<ReleaseVersion>().is_err(), "{bad:?}");
        }
    }
}
