//! What goes over the wire, as much of it as is relied on. Further members are let pass.

use std::net::Ipv4Addr;

use portlama_model::Secret;
use serde::{Deserialize, Serialize};

use crate::RegionSlug;
use crate::region::ListedRegion;

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Where its owner is written to.
    #[serde(default)]
    pub email: String,
    /// `active`, `warning` or `locked`.
    #[serde(default)]
    pub status: String,
    /// Why it is not active.
    #[serde(default)]
    pub status_message: String,
    /// Whether the address was confirmed.
    #[serde(default)]
    pub email_verified: bool,
    /// How many droplets it may have; hidden from tokens without `droplet:read`.
    #[serde(default)]
    pub droplet_limit: Option<u64>,
}

/// What a token may.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenInfo {
    /// Its scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How long it holds; `None` for ever.
    #[serde(default)]
    pub expires_in_seconds: Option<i64>,
}

/// A public key in the account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SshKey {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The key in the form of `authorized_keys`.
    pub public_key: String,
}

/// A machine to create.
#[derive(Debug, Clone, Serialize)]
pub struct NewDroplet {
    /// Its host name.
    pub name: String,
    /// Where it stands.
    pub region: RegionSlug,
    /// How large it is.
    pub size: &'static str,
    /// The system on it.
    pub image: &'static str,
    /// Whose keys open it.
    pub ssh_keys: Vec<u64>,
    /// Its tags; unknown ones come into being.
    pub tags: Vec<String>,
    /// Whether it gets an IPv6 address.
    pub ipv6: bool,
    /// Whether DigitalOcean's own agent is installed.
    pub monitoring: bool,
    /// What cloud-init reads at the first start; it holds a key.
    pub user_data: Secret,
}

/// How a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropletStatus {
    /// It is being made.
    New,
    /// It is powered on.
    Active,
    /// It is powered off.
    Off,
    /// Nobody runs it any more.
    Archive,
    /// A word that came later.
    #[serde(other)]
    Other,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Droplet {
    /// Its number.
    pub id: u64,
    /// Its host name.
    pub name: String,
    /// How it is.
    pub status: DropletStatus,
    /// Its tags; empty when the token may not read tags.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    networks: Networks,
    /// When it was made, as DigitalOcean writes it.
    #[serde(default)]
    pub created_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
struct Networks {
    #[serde(default)]
    v4: Vec<Network>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Network {
    ip_address: Ipv4Addr,
    #[serde(rename = "type")]
    kind: String,
}

impl Droplet {
    /// The address under which the Internet reaches it, once it has one.
    #[must_use]
    pub fn public_address(&self) -> Option<Ipv4Addr> {
        let mut networks = self.networks.v4.iter();
        let public = networks.find(|network| network.kind == "public");
        public.map(|network| network.ip_address)
    }

    /// Whether it has this very tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

/// A list's page. Which list it is the type of its entries says.
pub(super) trait Page: for<'de> Deserialize<'de> {
    type Entry;

    fn into_entries(self) -> Vec<Self::Entry>;
    fn links(&self) -> &Links;
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Links {
    #[serde(default)]
    pages: Pages,
}

#[derive(Debug, Default, Deserialize)]
struct Pages {
    next: Option<String>,
}

impl Links {
    pub(super) fn has_next(&self) -> bool {
        self.pages.next.is_some()
    }
}

macro_rules! page {
    ($page:ident, $member:ident, $entry:ty) => {
        #[derive(Debug, Deserialize)]
        pub(super) struct $page {
            $member: Vec<$entry>,
            #[serde(default)]
            links: Links,
        }

        impl Page for $page {
            type Entry = $entry;

            fn into_entries(self) -> Vec<$entry> {
                self.$member
            }

            fn links(&self) -> &Links {
                &self.links
            }
        }
    };
}

page!(RegionsPage, regions, ListedRegion);
page!(KeysPage, ssh_keys, SshKey);
page!(DropletsPage, droplets, Droplet);

#[derive(Debug, Deserialize)]
pub(super) struct AccountAnswer {
    pub(super) account: Account,
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyAnswer {
    pub(super) ssh_key: SshKey,
}

#[derive(Debug, Deserialize)]
pub(super) struct DropletAnswer {
    pub(super) droplet: Droplet,
}

/// A refusal's body.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: &str = r#"{"id":4711000001,"name":"portlama-home","memory":512,"status":"new",
        "networks":{"v4":[],"v6":[]},"tags":["portlama:managed"],"new_member":[1]}"#;

    #[test]
    fn a_droplet_has_no_address_at_first_and_then_the_public_one() {
        let fresh: Droplet = serde_json::from_str(FRESH).expect("a droplet");
        assert_eq!((fresh.id, fresh.public_address()), (4_711_000_001, None));
        assert!(fresh.has_tag("portlama:managed") && !fresh.has_tag("portlama"));
        let network = |address: &str, kind: &str| {
            format!(r#"{{"ip_address":"{address}","netmask":"255.255.240.0","type":"{kind}"}}"#)
        };
        let (private, public) = (
            network("10.114.0.2", "private"),
            network("198.51.100.7", "public"),
        );
        for networks in [format!("{private},{public}"), format!("{public},{private}")] {
            let text = FRESH.replace(r#""v4":[]"#, &format!(r#""v4":[{networks}]"#));
            let droplet: Droplet = serde_json::from_str(&text).expect("a droplet");
            assert_eq!(droplet.public_address(), "198.51.100.7".parse().ok());
        }
    }

    #[test]
    fn a_status_that_came_later_is_no_mistake() {
        let text = FRESH.replace(r#""new","#, r#""hibernating","#);
        let droplet: Droplet = serde_json::from_str(&text).expect("a droplet");
        assert_eq!(droplet.status, DropletStatus::Other);
    }
}
