//! What a person calls a server.

use serde::{Deserialize, Serialize};

/// The longest label, octets.
pub const MAX_LABEL_BYTES: usize = 64;
/// The longest host name of a machine that is a DNS label, too (RFC 1035 §2.3.4), octets.
pub const MAX_HOST_NAME_BYTES: usize = 63;
/// What the name of every droplet of ours begins with.
const PREFIX: &str = "portlama-";

/// A server's name on this machine: lower-case letters, digits and hyphens, a letter or digit at
/// both ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerLabel(String);

/// Why a text is no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a label has 1 to {MAX_LABEL_BYTES} lower-case letters, digits and hyphens, and a letter or digit at both ends"
)]
pub struct LabelError;

impl ServerLabel {
    /// The label for a server that nobody named.
    #[must_use]
    pub fn of_region(region: &crate::RegionSlug) -> Self {
        let mut text = format!("{PREFIX}{region}");
        text.truncate(MAX_LABEL_BYTES);
        Self(text.trim_end_matches('-').to_owned())
    }

    /// The label for a host that somebody adds: its name with hyphens for what else stands there.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        let fit = |c: char| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        };
        let mut text: String = host.chars().map(fit).collect();
        text.truncate(MAX_LABEL_BYTES);
        match text.trim_matches('-') {
            "" => Self("my-server".to_owned()),
            text => Self(text.to_owned()),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The droplet's name, which becomes the machine's host name.
    #[must_use]
    pub fn droplet_name(&self) -> String {
        let mut name = match self.0.starts_with(PREFIX) {
            true => self.0.clone(),
            false => format!("{PREFIX}{}", self.0),
        };
        name.truncate(MAX_HOST_NAME_BYTES);
        name.trim_end_matches('-').to_owned()
    }
}

impl std::str::FromStr for ServerLabel {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return Err(LabelError);
        };
        let inner = bytes.iter().all(|b| fits(*b) || *b == b'-');
        if bytes.len() > MAX_LABEL_BYTES || !inner || !fits(*first) || !fits(*last) {
            return Err(LabelError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ServerLabel {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, LabelError> {
        text.parse()
    }
}

impl From<ServerLabel> for String {
    fn from(label: ServerLabel) -> Self {
        label.0
    }
}

impl std::fmt::Display for ServerLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_label_has_letters_or_digits_at_both_ends() {
        for (text, fits) in [
            ("home", true),
            ("7", true),
            ("home-fra", true),
            ("", false),
            ("-home", false),
            ("home-", false),
            ("Home", false),
            ("ho me", false),
            ("höme", false),
        ] {
            assert_eq!(text.parse::<ServerLabel>().is_ok(), fits, "{text:?}");
        }
        assert!("a".repeat(64).parse::<ServerLabel>().is_ok());
        assert!("a".repeat(65).parse::<ServerLabel>().is_err());
    }

    #[test]
    fn the_prefix_stands_once_in_a_droplets_name() {
        let name = |text: &str| text.parse::<ServerLabel>().map(|l| l.droplet_name());
        assert_eq!(name("home"), Ok("portlama-home".to_owned()));
        assert_eq!(name("portlama-fra1"), Ok("portlama-fra1".to_owned()));
    }

    proptest! {
        #[test]
        fn every_droplets_name_is_a_host_name(text in "[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?") {
            let name = text.parse::<ServerLabel>().expect("a label").droplet_name();
            prop_assert!(name.len() <= MAX_HOST_NAME_BYTES && !name.ends_with('-'));
        }

        #[test]
        fn any_host_has_a_label(host in ".{0,90}") {
            let label = ServerLabel::of_host(&host);
            prop_assert!(label.as_str().parse::<ServerLabel>().is_ok());
        }
    }
}
