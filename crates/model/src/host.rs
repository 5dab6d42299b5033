//! Host names: the base domain, the label below it, and whole names.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ParseError;
use crate::text::{is_dns_label, text_name};

/// Labels below the base domain that Portlama keeps for itself or that mail and web
/// conventions give a meaning.
pub const RESERVED_SUBDOMAINS: [&str; 7] = ["panel", "auth", "tunnel", "www", "mail", "ftp", "api"];

/// The longest host name in its text form, octets (RFC 1035 §2.3.4, less the root label).
const MAX_HOSTNAME_BYTES: usize = 253;

/// A fully qualified host name in lower case, without a trailing dot.
///
/// Two or more DNS labels, at most 253 octets. Parsing does not change case: callers that
/// take a name from a visitor use [`Hostname::normalise`].
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Hostname(Arc<str>);

text_name!(Hostname);

/// Copies share their text, and maps of thousands of hosts that are mostly the same are compared
/// after every change: what is shared is not read.
impl Ord for Hostname {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Hostname {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hostname {
    fn check(text: &str) -> Result<(), ParseError> {
        if text.len() > MAX_HOSTNAME_BYTES {
            return Err(ParseError("must be at most 253 characters"));
        }
        if !text.contains('.') || !text.split('.').all(is_dns_label) {
            return Err(ParseError(
                "must be a host name of two or more labels of a-z, 0-9 and inner hyphens",
            ));
        }
        Ok(())
    }

    /// Parses a name as visitors spell it: any case, and with or without one trailing dot.
    ///
    /// # Errors
    /// When what remains is not a host name.
    pub fn normalise(text: &str) -> Result<Self, ParseError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        text.to_ascii_lowercase().parse()
    }

    /// The first label, `wiki` of `wiki.example.org`.
    #[must_use]
    pub fn first_label(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }
}

/// The base domain below which Portlama makes its host names, such as `lab.example.org`.
///
/// Two or more labels, the last one of letters only and at least two of them, or the
/// ASCII form of an international one; kept in
/// lower case whatever was typed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(Hostname);

impl Domain {
    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The domain as a host name of its own.
    #[must_use]
    pub fn hostname(&self) -> &Hostname {
        &self.0
    }

    /// A name below the domain that nobody gives a record: what it resolves to, every name does
    /// that has no record of its own.
    #[must_use]
    pub fn wildcard_probe(&self) -> Hostname {
        Hostname(format!("test-portlama-check.{self}").into())
    }

    /// `<label>.<domain>`.
    #[must_use]
    pub fn host(&self, label: &Subdomain) -> Hostname {
        Hostname(format!("{label}.{self}").into())
    }

    /// `panel.<domain>`.
    #[must_use]
    pub fn panel(&self) -> Hostname {
        Hostname(format!("panel.{self}").into())
    }

    /// `auth.<domain>`, where visitors sign in.
    #[must_use]
    pub fn auth(&self) -> Hostname {
        Hostname(format!("auth.{self}").into())
    }

    /// `tunnel.<domain>`, where agents connect.
    #[must_use]
    pub fn tunnel(&self) -> Hostname {
        Hostname(format!("tunnel.{self}").into())
    }
}

impl std::str::FromStr for Domain {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let host: Hostname = text.to_ascii_lowercase().parse()?;
        // `<63 octets>.` must still fit before it.
        if text.len() > MAX_HOSTNAME_BYTES - 64 {
            return Err(ParseError("must be at most 189 characters"));
        }
        let last = host.as_str().rsplit('.').next().unwrap_or_default();
        // Of a top-level name in other letters than ASCII, what DNS holds (RFC 5890 §2.3.2.1).
        let is_international = last.starts_with("xn--");
        let letters = last.bytes().all(|b| b.is_ascii_lowercase());
        if last.len() < 2 || !(letters || is_international) {
            return Err(ParseError("must end in a label of two or more letters"));
        }
        Ok(Self(host))
    }
}

impl TryFrom<String> for Domain {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0.into()
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, f)
    }
}

/// The label of a tunnel below the base domain: one lower-case DNS label.
///
/// Whether it is [reserved](Subdomain::is_reserved) is a separate question, because the API
/// answers it with its own error.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Subdomain(Arc<str>);

text_name!(Subdomain);

impl Subdomain {
    fn check(text: &str) -> Result<(), ParseError> {
        if is_dns_label(text) {
            Ok(())
        } else {
            Err(ParseError(
                "must be 1 to 63 characters of a-z, 0-9 and inner hyphens",
            ))
        }
    }

    /// Whether this is one of [`RESERVED_SUBDOMAINS`].
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        RESERVED_SUBDOMAINS.contains(&self.as_str())
    }

    /// Whether only an agent's own panel tunnel may have this name.
    #[must_use]
    pub fn has_agent_prefix(&self) -> bool {
        self.0.starts_with("agent-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_is_kept_in_lower_case() {
        let domain: Domain = "Lab.Example.ORG".parse().expect("valid");
        assert_eq!(domain.as_str(), "lab.example.org");
        assert_eq!(domain.auth().as_str(), "auth.lab.example.org");
    }

    #[test]
    fn domain_needs_letters_at_the_end() {
        for bad in [
            "localhost",
            "example.1",
            "a..b",
            "-a.org",
            "a.o",
            "",
            "a.org.",
        ] {
            assert!(bad.parse::<Domain>().is_err(), "{bad}");
        }
    }

    #[test]
    fn hostname_normalises_case_and_one_trailing_dot() {
        let host = Hostname::normalise("WiKi.Example.org.").expect("valid");
        assert_eq!(host.as_str(), "wiki.example.org");
        assert!(Hostname::normalise("wiki.example.org..").is_err());
        assert!("WIKI.example.org".parse::<Hostname>().is_err());
    }

    #[test]
    fn subdomain_is_one_label_of_at_most_63_octets() {
        assert!("a".repeat(63).parse::<Subdomain>().is_ok());
        for bad in ["", "a.b", "A", "-a", "a-", "ä", "a_b", &"a".repeat(64)] {
            assert!(bad.parse::<Subdomain>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_round_trips(text in "\\PC{0,80}") {
            if let Ok(host) = Hostname::normalise(&text) {
                proptest::prop_assert_eq!(host.as_str().parse::<Hostname>(), Ok(host));
            }
            let _ = text.parse::<Domain>();
            let _ = text.parse::<Subdomain>();
        }
    }
}
