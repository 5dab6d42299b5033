//! Where releases of the program are fetched.

use serde::{Deserialize, Serialize};

use crate::ReleaseVersion;

/// What stands for the version in an address.
const VERSION: &str = "{version}";

/// `releases` of `panel.json`. What comes from there is believed by its signature alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSource {
    /// The folder of a release, an `https` address in which `{version}` stands for the version:
    /// `https://releases.example.org/v{version}`.
    pub url: String,
    /// A PEM file with the authorities that certify that address; the system's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

impl ReleaseSource {
    /// The address of the program of this version for `target`, such as `x86_64-linux`; its
    /// signature has `.minisig` after it.
    #[must_use]
    pub fn address(&self, version: &ReleaseVersion, target: &str) -> String {
        let folder = self.url.replace(VERSION, version.as_str());
        format!(
            "{}/portlama-{version}-{target}",
            folder.trim_end_matches('/')
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_lies_in_a_folder_that_may_name_its_version() {
        let address = |url: &str| {
            let source = ReleaseSource {
                url: url.to_owned(),
                ca_file: None,
            };
            source.address(&"1.2.3".parse().expect("a version"), "x86_64-linux")
        };
        let file = "portlama-1.2.3-x86_64-linux";
        assert_eq!(
            address("https://example.org/all/"),
            format!("https://example.org/all/{file}")
        );
        assert_eq!(
            address("https://example.org/v{version}"),
            format!("https://example.org/v1.2.3/{file}")
        );
    }
}
