//! What a certificate is for.

use std::fmt;
use std::str::FromStr;

use portlama_model::{Hostname, ParseError};
use serde::{Deserialize, Serialize};

/// The one name on a certificate: a host, or every host one label below it (`*.example.org`,
/// by DNS-01 only).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateName {
    host: Hostname,
    wildcard: bool,
}

impl CertificateName {
    /// The name of every host one label below `host`.
    #[must_use]
    pub fn wildcard(host: Hostname) -> Self {
        Self {
            host,
            wildcard: true,
        }
    }

    /// The host itself, or the one whose children are meant.
    #[must_use]
    pub fn host(&self) -> &Hostname {
        &self.host
    }

    /// Whether the children of the host are meant.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.wildcard
    }
}

impl From<Hostname> for CertificateName {
    fn from(host: Hostname) -> Self {
        Self {
            host,
            wildcard: false,
        }
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.wildcard { "*." } else { "" };
        write!(f, "{star}{}", self.host)
    }
}

impl FromStr for CertificateName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(match text.strip_prefix("*.") {
            Some(host) => Self::wildcard(host.parse()?),
            None => text.parse::<Hostname>()?.into(),
        })
    }
}

impl TryFrom<String> for CertificateName {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<CertificateName> for String {
    fn from(name: CertificateName) -> Self {
        name.to_string()
    }
}
