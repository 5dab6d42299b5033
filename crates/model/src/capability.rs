//! What an agent may ask of the panel API.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ParseError;

macro_rules! capabilities {
    ($($variant:ident = $text:literal, $doc:literal;)*) => {
        /// A right of an agent. Rights live in the registry, never in the certificate, so a
        /// change acts on the next request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Capability {
            $(#[doc = $doc] $variant,)*
        }

        impl Capability {
            /// Every capability, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in files and answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

capabilities! {
    TunnelsRead = "tunnels:read", "Mandatory: see the tunnels and the agent's configuration.";
    TunnelsWrite = "tunnels:write", "Create, change and delete tunnels.";
    ServicesRead = "services:read", "List the server's services.";
    ServicesWrite = "services:write", "Start, stop and restart services.";
    SystemRead = "system:read", "Read the server's statistics.";
    SitesRead = "sites:read", "List assigned sites and their files.";
    SitesWrite = "sites:write", "Change the files of assigned sites.";
    PanelExpose = "panel:expose", "Expose, retract and inspect the agent's own panel tunnel.";
    IdentityRead = "identity:read", "Valid name without a route of its own.";
    IdentityQuery = "identity:query", "Valid name without a route of its own.";
}

impl std::str::FromStr for Capability {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.as_str() == text)
            .ok_or(ParseError("is not a known capability"))
    }
}

impl TryFrom<String> for Capability {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.as_str().to_owned()
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rights of one agent. Always holds [`Capability::TunnelsRead`].
///
/// Reading drops names that are not known today, as a stored list may come from another
/// version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct CapabilitySet(BTreeSet<Capability>);

impl CapabilitySet {
    /// Whether the set holds `capability`.
    #[must_use]
    pub fn contains(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    /// The rights in documentation order, `tunnels:read` first.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }
}

impl Default for CapabilitySet {
    fn default() -> Self {
        std::iter::empty().collect()
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        let mut set: BTreeSet<_> = capabilities.into_iter().collect();
        set.insert(Capability::TunnelsRead);
        Self(set)
    }
}

impl From<Vec<String>> for CapabilitySet {
    fn from(names: Vec<String>) -> Self {
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

impl From<CapabilitySet> for Vec<String> {
    fn from(set: CapabilitySet) -> Self {
        set.iter().map(String::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_read_is_always_there_and_first() {
        let set: CapabilitySet = [Capability::SitesWrite].into_iter().collect();
        assert_eq!(Vec::from(set), ["tunnels:read", "sites:write"]);
    }

    #[test]
    fn unknown_stored_names_are_dropped() {
        let set = CapabilitySet::from(vec!["tunnels:write".into(), "moon:land".into()]);
        assert_eq!(Vec::from(set), ["tunnels:read", "tunnels:write"]);
    }
}
