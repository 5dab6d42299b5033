//! Static sites, as `sites.json` holds them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Hostname, SiteName, Timestamp, Username};

/// A static site: a host name and a folder of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Stable id; also the name of its folder.
    pub id: Uuid,
    /// Unique among sites; the subdomain of managed ones.
    pub name: SiteName,
    /// The whole host name.
    pub fqdn: Hostname,
    /// Below the base domain or anywhere.
    #[serde(rename = "type")]
    pub kind: SiteType,
    /// Whether unknown paths answer with `index.html`.
    #[serde(default)]
    pub spa_mode: bool,
    /// Whether visitors must sign in.
    #[serde(default)]
    pub authelia_protected: bool,
    /// Who may pass a protected site; empty means every signed-in user.
    #[serde(default)]
    pub allowed_users: Vec<Username>,
    /// Whether its name was seen to lead here; always true for managed ones.
    #[serde(default)]
    pub dns_verified: bool,
    /// Whether a certificate was issued for it once. Whether there is one *now* is observed.
    #[serde(default)]
    pub cert_issued: bool,
    /// The folder with its files, without a trailing slash; informative, as `id` decides.
    pub root_path: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Octets of its files, as of the last change of files.
    #[serde(default)]
    pub total_size: u64,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Where a site's name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteType {
    /// `<name>.<base domain>`.
    Managed,
    /// A name of the owner's, shown to lead here before it is served.
    Custom,
}
