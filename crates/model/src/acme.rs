//! How a public certificate authority is reached.

use serde::{Deserialize, Serialize};

/// The directory of Let's Encrypt (RFC 8555 §7.1.1), the authority unless another one is set.
pub const LETS_ENCRYPT_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// `acme` of `panel.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcmeSettings {
    /// The authority's directory, an `https` address.
    #[serde(default = "lets_encrypt")]
    pub directory: String,
    /// A PEM file with the authority that certifies the directory's own address; the system's
    /// authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// How names are shown to be ours.
    #[serde(default)]
    pub challenge: ChallengeType,
}

impl Default for AcmeSettings {
    fn default() -> Self {
        Self {
            directory: lets_encrypt(),
            ca_file: None,
            challenge: ChallengeType::default(),
        }
    }
}

fn lets_encrypt() -> String {
    LETS_ENCRYPT_DIRECTORY.to_owned()
}

/// How a name is shown to be ours.
///
/// The file and the flag use the names of the registry (RFC 8555 §9.7.8). Files of earlier builds
/// have them without the last hyphen and are still read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengeType {
    /// By a handshake on port 443 (RFC 8737): nothing but 443 is open.
    #[default]
    #[serde(rename = "tls-alpn-01", alias = "tls-alpn01")]
    TlsAlpn01,
    /// By a record below `_acme-challenge` (RFC 8555 §8.4); the way to wildcards.
    #[serde(rename = "dns-01", alias = "dns01")]
    Dns01,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_takes_the_names_that_flags_and_errors_say() {
        for (name, challenge) in [
            ("tls-alpn-01", ChallengeType::TlsAlpn01),
            ("dns-01", ChallengeType::Dns01),
        ] {
            let read: AcmeSettings =
                serde_json::from_value(json!({ "challenge": name })).expect("settings");
            assert_eq!(read.challenge, challenge);
            let written = serde_json::to_value(&read).expect("JSON");
            assert_eq!(written["challenge"], name);
        }
    }

    #[test]
    fn the_file_takes_the_names_of_earlier_builds() {
        for (name, challenge) in [
            ("tls-alpn01", ChallengeType::TlsAlpn01),
            ("dns01", ChallengeType::Dns01),
        ] {
            let read: ChallengeType = serde_json::from_value(json!(name)).expect("a challenge");
            assert_eq!(read, challenge);
        }
    }
}
