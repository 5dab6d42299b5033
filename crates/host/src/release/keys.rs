//! Whom this program believes.

use minisign_verify::PublicKey;

/// Two keys, so that a new one is known everywhere before the old one is put away. A file without
/// a key in it counts for none.
const FILES: &[&str] = &[
    include_str!("../../../../packaging/release-keys/current.pub"),
    include_str!("../../../../packaging/release-keys/next.pub"),
    #[cfg(feature = "test-release-key")]
    include_str!("test-key.pub"),
];

/// What a file has above its key (minisign(1)).
const COMMENT: &str = "untrusted comment:";

/// The keys by which releases are known.
#[derive(Debug, Clone)]
pub struct ReleaseKeys(Vec<PublicKey>);

impl ReleaseKeys {
    /// Those that were compiled in.
    #[must_use]
    pub fn compiled_in() -> Self {
        // A test reads every file, so a build that passed it has no broken one.
        Self(FILES.iter().filter_map(|text| read(text).ok()?).collect())
    }

    /// Whether there is none, so that no release is believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn all(&self) -> &[PublicKey] {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn of(texts: &[&str]) -> Self {
        let keys = texts.iter().map(|text| read(text).expect("a key"));
        Self(keys.map(|key| key.expect("no comment")).collect())
    }
}

/// The key of a file; `None` when nobody has put one in.
fn read(text: &str) -> Result<Option<PublicKey>, minisign_verify::Error> {
    let mut lines = text.lines().map(str::trim);
    let key = lines.find(|line| !line.is_empty() && !line.starts_with(COMMENT));
    key.map(PublicKey::from_base64).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_keys_holds_one_or_says_that_there_is_none() {
        for text in FILES {
            let key = read(text).expect("a key or none");
            assert!(key.is_some() || text.starts_with(COMMENT), "{text:?}");
        }
    }

    #[test]
    fn the_key_of_the_tests_is_known_to_test_builds_alone() {
        let test = read(include_str!("test-key.pub"))
            .expect("read")
            .expect("a key");
        let known = ReleaseKeys::compiled_in().all().contains(&test);
        assert_eq!(known, cfg!(feature = "test-release-key"));
    }
}
