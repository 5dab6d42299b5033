//! Tunnels: list, create, change, delete, and what their agent is told.

use portlama_access::Identity;
use portlama_model::{
    AccessMode, AgentLabel, Domain, HostHeader, Hostname, Origin, OriginScheme, Subdomain,
    Timestamp, Tunnel, TunnelPort, TunnelType,
};
use uuid::Uuid;

use crate::{Control, OperationError, TrafficTotals, TunnelStatus};

/// A tunnel with what is observed of it.
#[derive(Debug, Clone)]
pub struct TunnelView {
    /// The record.
    pub tunnel: Tunnel,
    /// How it is doing.
    pub status: TunnelStatus,
    /// Since when.
    pub status_since: Timestamp,
    /// More about it, for the admin, with the way out where there is one.
    pub status_detail: Option<String>,
    /// What went through since the server started.
    pub traffic: TrafficTotals,
}

/// A tunnel to be made.
#[derive(Debug, Clone)]
pub struct NewTunnel {
    /// The label below the domain.
    pub subdomain: Subdomain,
    /// The port as the agent knows it.
    pub port: TunnelPort,
    /// A note; empty counts as none.
    pub description: Option<String>,
    /// The kind of service.
    pub kind: TunnelType,
    /// Who may visit; `authenticated` when absent.
    pub access_mode: Option<AccessMode>,
    /// Which agent serves it; see design decision 17 for the default.
    pub agent_label: Option<AgentLabel>,
    /// How the agent speaks to the service.
    pub origin_scheme: OriginScheme,
    /// Which `Host` the service sees.
    pub host_header: HostHeader,
    /// Whether the certificate of an https service is checked.
    pub origin_tls_verify: bool,
    /// Whether other websites may make a signed-in visitor's browser change things.
    pub allow_cross_site: bool,
}

impl NewTunnel {
    /// A tunnel with every default.
    #[must_use]
    pub fn new(subdomain: Subdomain, port: TunnelPort) -> Self {
        Self {
            subdomain,
            port,
            description: None,
            kind: TunnelType::App,
            access_mode: None,
            agent_label: None,
            origin_scheme: OriginScheme::Http,
            host_header: HostHeader::Public,
            origin_tls_verify: true,
            allow_cross_site: false,
        }
    }
}

/// What changes of a tunnel; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct TunnelChange {
    /// Switch on or off.
    pub enabled: Option<bool>,
    /// Who may visit (admin).
    pub access_mode: Option<AccessMode>,
    /// The note; empty removes it (admin).
    pub description: Option<String>,
    /// Which agent serves it (admin).
    pub agent_label: Option<AgentLabel>,
    /// How the agent speaks to the service.
    pub origin_scheme: Option<OriginScheme>,
    /// Which `Host` the service sees.
    pub host_header: Option<HostHeader>,
    /// Whether the certificate of an https service is checked.
    pub origin_tls_verify: Option<bool>,
    /// Whether other websites may make a signed-in visitor's browser change things.
    pub allow_cross_site: Option<bool>,
}

/// What an agent needs to serve its tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfigView {
    /// The base domain.
    pub domain: Domain,
    /// Where agents connect.
    pub tunnel_host: Hostname,
    /// On which port.
    pub tunnel_port: u16,
    /// The enabled tunnels: the caller's own, or all for the admin.
    pub tunnels: Vec<AgentTunnel>,
}

/// One tunnel as its agent sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTunnel {
    /// The tunnel.
    pub id: Uuid,
    /// The label below the domain.
    pub subdomain: Subdomain,
    /// The whole host name.
    pub fqdn: Hostname,
    /// The port.
    pub port: TunnelPort,
    /// How to speak to the service.
    pub origin: Origin,
}

impl Control {
    /// All tunnels, the newest first.
    #[must_use]
    pub fn tunnels(&self) -> Vec<TunnelView> {
        Vec::new()
    }

    /// Makes a tunnel.
    ///
    /// # Errors
    /// The first check of the documented order that fails.
    pub async fn create_tunnel(
        &self,
        by: &Identity,
        new: NewTunnel,
    ) -> Result<TunnelView, OperationError> {
        let _ = (by, new);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Changes a tunnel.
    ///
    /// # Errors
    /// When it does not exist, is not the caller's, or the change breaks a rule.
    pub async fn change_tunnel(
        &self,
        by: &Identity,
        id: Uuid,
        change: TunnelChange,
    ) -> Result<TunnelView, OperationError> {
        let _ = (by, id, change);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Deletes a tunnel.
    ///
    /// # Errors
    /// When it does not exist or is not the caller's.
    pub async fn delete_tunnel(&self, by: &Identity, id: Uuid) -> Result<(), OperationError> {
        let _ = (by, id);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// What the caller's agent serves.
    ///
    /// # Errors
    /// When no domain is configured.
    pub fn agent_config(&self, by: &Identity) -> Result<AgentConfigView, OperationError> {
        let _ = by;
        Err(OperationError::Busy)
    }
}
