//! The data plane that should be: a pure function of [`State`](crate::State).

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AccessMode, AgentLabel, Domain, HostMap, Hostname, OnboardingStatus, TunnelPort, Username,
};

/// Which hosts exist, who may visit them and where their requests go. It knows nothing of
/// sockets, of HTTP or of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The server's public address; a valid name of the panel.
    pub ip: IpAddr,
    /// The base domain, once it was chosen.
    pub domain: Option<Domain>,
    /// Management exists only when this is `Completed`.
    pub onboarding: OnboardingStatus,
    /// Every host served, by name. Absent means refused.
    pub hosts: HostMap<HostService>,
}

/// What stands behind a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostService {
    /// `panel.<domain>`.
    Panel,
    /// `auth.<domain>`: the sign-in portal.
    Portal,
    /// `tunnel.<domain>`: where agents connect.
    Tunnel,
    /// An application behind an agent.
    App(Arc<AppRoute>),
    /// A static site.
    Site(Arc<SiteRoute>),
    /// A web panel of an agent's own, behind the admin's or that agent's client certificate:
    /// the route's access mode plays no part.
    AgentPanel(Arc<AppRoute>),
}

/// A static site, and who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRoute {
    /// The site; names the folder with its files.
    pub site: Uuid,
    /// The host name visitors use.
    pub host: Hostname,
    /// Whether unknown paths answer with `index.html`.
    pub spa_mode: bool,
    /// Who may read it.
    pub access: SiteAccess,
}

/// Who may read a static site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteAccess {
    /// Everybody on the Internet.
    Public,
    /// Every signed-in user.
    SignedIn,
    /// These signed-in users, and those of the group `admins`.
    Users(Vec<Username>),
}

/// The way of a request to an application, and who may take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRoute {
    /// The tunnel this came from.
    pub tunnel: Uuid,
    /// The host name visitors use.
    pub host: Hostname,
    /// Who may visit.
    pub access: AccessMode,
    /// Disabled tunnels keep their name and answer that they are switched off.
    pub enabled: bool,
    /// Whether unsafe requests that other sites started may pass.
    pub allow_cross_site: bool,
    /// The agent and port behind; `None` while no agent is assigned.
    pub target: Option<TunnelKey>,
    /// How the agent speaks to the service.
    pub origin: Origin,
}

/// Names a service at an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelKey {
    /// The only agent that serves it.
    pub agent: AgentLabel,
    /// The port as the agent knows it.
    pub port: TunnelPort,
}

/// How the agent speaks to the service behind a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Plain or TLS.
    pub scheme: OriginScheme,
    /// Which `Host` the service sees.
    pub host_header: HostHeader,
    /// Whether the certificate of an https service is checked.
    pub tls_verify: bool,
}

/// Plain or TLS to the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginScheme {
    /// `http://`
    #[default]
    Http,
    /// `https://`
    Https,
}

/// Which `Host` the service sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostHeader {
    /// The name the visitor used.
    #[default]
    Public,
    /// `localhost:<port>`, for development servers that refuse other names.
    Local,
}
