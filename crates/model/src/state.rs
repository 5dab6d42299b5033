//! The durable state: what the admin and the agents have decided.
//!
//! The shapes are those of the state files, so that an installation can be adopted and a
//! person can read them. Every document keeps the members it does not know (`extra`).
//! What the world does to us (an agent offline, a certificate pending) is observed, never
//! stored here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    AcmeSettings, AgentLabel, CapabilitySet, DisplayName, DnsSettings, Domain, Email, Group,
    HostHeader, Hostname, Invitation, OriginScheme, ReleaseSource, Secret, Serial, Site, Subdomain,
    Timestamp, TunnelPort, Username,
};

/// Everything durable that the data plane and the access decision follow from.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// `panel.json`.
    pub panel: PanelConfig,
    /// `tunnels.json`, in creation order.
    pub tunnels: Vec<Arc<Tunnel>>,
    /// `users.yml`.
    pub users: Users,
    /// `pki/agents/registry.json`.
    pub registry: Registry,
    /// `pki/revoked.json`.
    pub revoked: Revocations,
    /// `sites.json`, in creation order.
    pub sites: Vec<Site>,
    /// `invitations.json`, in creation order.
    pub invitations: Vec<Invitation>,
}

/// `panel.json`: the server itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PanelConfig {
    /// The server's public address.
    pub ip: IpAddr,
    /// The base domain, once it was chosen.
    pub domain: Option<Domain>,
    /// The address certificate authorities write to.
    pub email: Option<Email>,
    /// The state directory as it was written down; informative.
    pub data_dir: String,
    /// Identifies this server across moves.
    #[serde(default = "Uuid::new_v4")]
    pub server_id: Uuid,
    /// Bytes above which a static site is warned about.
    #[serde(default = "default_max_site_size")]
    pub max_site_size: u64,
    /// Whether the admin's key came as P12 or never left the admin's hardware.
    #[serde(default)]
    pub admin_auth_mode: AdminAuthMode,
    /// Which serials are the admin.
    #[serde(default)]
    pub admin: AdminIdentity,
    /// Who certifies the names visitors see.
    #[serde(default)]
    pub certificate_authority: CertificateAuthority,
    /// How a public authority is reached.
    #[serde(default)]
    pub acme: AcmeSettings,
    /// Where names are looked up.
    #[serde(default)]
    pub dns: DnsSettings,
    /// Where newer versions of the program are fetched; nowhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub releases: Option<ReleaseSource>,
    /// Two-factor sign-in to the panel.
    #[serde(default, rename = "panel2fa")]
    pub panel_2fa: PanelTwoFactor,
    /// Key of panel sessions, 64 hexadecimal digits.
    #[serde(default)]
    pub session_secret: Option<Secret>,
    /// How often this state was brought back from a backup. What was granted for a while in an
    /// earlier epoch, sessions and tokens, is void in this one.
    #[serde(default, skip_serializing_if = "is_first")]
    pub epoch: u64,
    /// How far the first set-up has come.
    pub onboarding: Onboarding,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn is_first(epoch: &u64) -> bool {
    *epoch == 0
}

fn default_max_site_size() -> u64 {
    524_288_000
}

/// The certificates that are the admin (CN `admin` and one of these serials).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminIdentity {
    /// Live serials, the newest last; two only while a rotation is under way.
    #[serde(default)]
    pub serials: Vec<Serial>,
    /// The newest serial while the one before it still lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingAdmin>,
    /// The SHA-256 of the public keys of `serials` in hexadecimal, as far as they are known:
    /// a key outlives its certificate only as one that is never certified again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub public_keys: BTreeMap<Serial, String>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A new admin certificate whose predecessor still lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingAdmin {
    /// Its serial.
    pub serial: Serial,
    /// When it was first used; the predecessor dies a little later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_used_at: Option<Timestamp>,
    /// When it is given up if nobody has used it by then; absent when its predecessor ends soon
    /// by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_until: Option<Timestamp>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How the admin authenticates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminAuthMode {
    /// With a key that Portlama made and handed over as PKCS#12.
    #[default]
    P12,
    /// With a key that Portlama never saw.
    HardwareBound,
}

/// Who certifies host names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateAuthority {
    /// A public authority by ACME.
    #[default]
    Acme,
    /// Portlama's own CA: for closed networks, tests and the demo. Visitors' browsers must
    /// be told to trust it.
    Internal,
}

/// Two-factor sign-in to the panel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PanelTwoFactor {
    /// Whether the admin must show a code.
    #[serde(default)]
    pub enabled: bool,
    /// The TOTP seed, base32.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Whether the seed was confirmed with a code.
    #[serde(default)]
    pub setup_complete: bool,
}

/// Progress of the first set-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Onboarding {
    /// The step reached.
    pub status: OnboardingStatus,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Steps of the first set-up, in order; there is no way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnboardingStatus {
    /// Nothing was decided.
    Fresh,
    /// Domain and e-mail are known.
    DomainSet,
    /// The domain resolves to this server.
    DnsReady,
    /// Certificates and parts are being set up.
    Provisioning,
    /// In service.
    Completed,
}

/// A tunnel: a host name below the domain and where its requests go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tunnel {
    /// Stable id.
    pub id: Uuid,
    /// The label below the base domain.
    pub subdomain: Subdomain,
    /// The whole host name.
    pub fqdn: Hostname,
    /// The port as the agent knows it; unique among one agent's tunnels.
    pub port: TunnelPort,
    /// The admin's note; never empty.
    pub description: Option<String>,
    /// What kind of service stands behind.
    #[serde(rename = "type", default)]
    pub kind: TunnelType,
    /// Who may visit; absent on panel tunnels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<AccessMode>,
    /// The agent that serves it, and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_label: Option<AgentLabel>,
    /// Whether it is served at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// How the agent speaks to the service.
    #[serde(default)]
    pub origin_scheme: OriginScheme,
    /// Which `Host` the service sees.
    #[serde(default)]
    pub host_header: HostHeader,
    /// Whether the agent checks the certificate of an https service.
    #[serde(default = "yes")]
    pub origin_tls_verify: bool,
    /// Whether other websites may make a signed-in visitor's browser change things here.
    #[serde(default)]
    pub allow_cross_site: bool,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// What kind of service a tunnel leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TunnelType {
    /// A web application for visitors.
    #[default]
    App,
    /// An agent's own web panel, behind the admin's certificate.
    Panel,
    /// Kept when an installation is adopted; never served.
    Plugin,
}

/// Who may visit a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// Everybody on the Internet.
    Public,
    /// Signed-in users, with password and one-time code.
    Authenticated,
    /// Signed-in users with a grant. Grants do not exist yet, so nobody.
    Restricted,
}

/// `users.yml`, in the format of Authelia's file backend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Users {
    /// By user name.
    #[serde(default)]
    pub users: BTreeMap<Username, User>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A person who may sign in to apps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The name shown.
    pub displayname: DisplayName,
    /// Where to reach them.
    pub email: Email,
    /// Password hash: bcrypt `$2a$`, `$2b$`, `$2y$`, or an adopted argon2id.
    pub password: Secret,
    /// Groups, told to the app as `Remote-Groups`.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Set when the account is closed; absent means open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// `pki/agents/registry.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// All agents ever, revoked ones included.
    #[serde(default)]
    pub agents: Vec<AgentEntry>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Registry {
    /// The live entry of a label; there is at most one.
    #[must_use]
    pub fn live(&self, label: &AgentLabel) -> Option<&AgentEntry> {
        self.agents.iter().find(|a| !a.revoked && a.label == *label)
    }
}

/// One agent's certificate and rights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentEntry {
    /// The agent's name.
    pub label: AgentLabel,
    /// The one serial that is this agent.
    pub serial: Serial,
    /// What it may ask of the API.
    #[serde(default)]
    pub capabilities: CapabilitySet,
    /// Names of the sites it may touch.
    #[serde(default)]
    pub allowed_sites: Vec<String>,
    /// How its certificate came to be.
    #[serde(default)]
    pub enrollment_method: EnrollmentMethod,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When its certificate ends.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    #[serde(default)]
    pub revoked: bool,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The certificate that takes this one's place once the agent has used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<AgentSuccessor>,
    /// The certificate whose place this one took, for as long as it still lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<AgentPredecessor>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl AgentEntry {
    /// Every serial that is the agent's: its own first, then the newer and the older one while
    /// one certificate takes another's place.
    pub fn serials(&self) -> impl Iterator<Item = &Serial> {
        let next = self.successor.as_ref().map(|next| &next.serial);
        let before = self.predecessor.as_ref().map(|old| &old.serial);
        std::iter::once(&self.serial).chain(next).chain(before)
    }

    /// Whether this serial is the agent's at `now`: its own, or while one certificate takes
    /// another's place, that of either.
    #[must_use]
    pub fn has_serial(&self, serial: &Serial, now: Timestamp) -> bool {
        let next = self.successor.as_ref();
        let before = self.predecessor.as_ref().filter(|old| now < old.until);
        self.serial == *serial
            || next.is_some_and(|next| next.serial == *serial)
            || before.is_some_and(|old| old.serial == *serial)
    }
}

/// An agent's new certificate that it has not used yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSuccessor {
    /// Its serial.
    pub serial: Serial,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The SHA-256 of its public key in hexadecimal.
    #[serde(rename = "publicKeySha256")]
    pub public_key: String,
    /// When it is given up if nobody has used it by then; absent when the certificate before it
    /// ends soon by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_until: Option<Timestamp>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An agent's certificate whose place a newer one took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPredecessor {
    /// Its serial.
    pub serial: Serial,
    /// Until when it is still the agent's.
    pub until: Timestamp,
    /// The SHA-256 of its public key in hexadecimal, where it is known.
    #[serde(
        default,
        rename = "publicKeySha256",
        skip_serializing_if = "Option::is_none"
    )]
    pub public_key: Option<String>,
    /// How it came to be.
    #[serde(default)]
    pub enrollment_method: EnrollmentMethod,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How an agent's certificate came to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnrollmentMethod {
    /// The server made the key.
    #[default]
    P12,
    /// The agent made the key and sent a request.
    HardwareBound,
    /// Kept when an installation is adopted.
    Delegated,
}

/// `pki/revoked.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Revocations {
    /// In the order they happened; a serial appears once.
    #[serde(default)]
    pub revoked: Vec<Revocation>,
    /// Members of other versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A serial that is nobody any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// The serial.
    pub serial: Serial,
    /// What it was, for people: `agent:<label>`, `admin (…)`.
    pub label: String,
    /// When.
    pub revoked_at: Timestamp,
    /// The SHA-256 of its public key in hexadecimal, where it is known: the key is never
    /// certified again.
    #[serde(
        default,
        rename = "publicKeySha256",
        skip_serializing_if = "Option::is_none"
    )]
    pub public_key: Option<String>,
}
