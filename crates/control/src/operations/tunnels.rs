//! Tunnels: list, create, change, delete, and what their agent is told.

use std::collections::HashMap;
use std::sync::Arc;

use portlama_access::Identity;
use portlama_model::{
    AccessMode, AgentLabel, Capability, Domain, HostHeader, Hostname, Origin, OriginScheme, State,
    Subdomain, Timestamp, Tunnel, TunnelPort, TunnelType,
};
use portlama_tunnel::AgentStatus;
use serde_json::Value;
use uuid::Uuid;

use crate::change::{Change, Forbids, audit_row};
use crate::control::Core;
use crate::observed::{Observation, observe};
use crate::operations::still_may;
use crate::operations::tunnel_rules::{belongs_to, changed, new_tunnel, own_tunnel, takes_away};
use crate::{Control, HostCertificates, OperationError, Refusal, TrafficTotals, TunnelStatus};

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
    /// Who may visit an app; `authenticated` when absent. Panels of agents have none.
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

impl TunnelChange {
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            enabled,
            access_mode,
            description,
            agent_label,
            origin_scheme,
            host_header,
            origin_tls_verify,
            allow_cross_site,
        } = self;
        enabled
            .or(*origin_tls_verify)
            .or(*allow_cross_site)
            .is_none()
            && access_mode.is_none()
            && description.is_none()
            && agent_label.is_none()
            && origin_scheme.is_none()
            && host_header.is_none()
    }
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
        let state = self.core.state.load();
        let mut look = Look::new(&self.core, &state, self.core.live.now());
        let mut views: Vec<_> = state
            .tunnels
            .iter()
            .rev()
            .map(|tunnel| look.view(tunnel))
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.tunnel.created_at));
        views
    }

    /// Makes a tunnel, and waits for its certificate for [`CREATE_WAIT`](crate::CREATE_WAIT) at
    /// most: it exists also when the authority refuses or takes longer.
    ///
    /// # Errors
    /// The first check of the documented order that fails.
    pub async fn create_tunnel(
        &self,
        by: &Identity,
        new: NewTunnel,
    ) -> Result<TunnelView, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        let now = core.live.now();
        still_may(&state, by, Some(Capability::TunnelsWrite))?;
        let tunnel = new_tunnel(&state, by, new, now)?;
        let mut next = State::clone(&state);
        next.tunnels.push(tunnel.clone().into());
        let audit = audit_row(
            now,
            by.audit_name(),
            "tunnel.create",
            &tunnel.fqdn,
            None,
            Some(described(&tunnel)),
        );
        core.apply(writer, Change::new(next, audit)).await?;
        core.await_certificate(&tunnel.fqdn).await;
        Ok(core.view(&tunnel, &core.state.load(), core.live.now()))
    }

    /// Changes a tunnel. Switching it off, shutting it for strangers and shutting it for other
    /// websites act at once.
    ///
    /// # Errors
    /// When it does not exist, is not the caller's, or the change breaks a rule.
    pub async fn change_tunnel(
        &self,
        by: &Identity,
        id: Uuid,
        change: TunnelChange,
    ) -> Result<TunnelView, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        let now = core.live.now();
        still_may(&state, by, Some(Capability::TunnelsWrite))?;
        let before = own_tunnel(&state, by, id)?;
        let after = changed(&state, by, before, change)?;
        let (old, new) = (described(before), described(&after));
        if old != new {
            let mut next = State::clone(&state);
            for tunnel in next.tunnels.iter_mut().filter(|tunnel| tunnel.id == id) {
                *tunnel = after.clone().into();
            }
            let forbids = Forbids {
                at_once: takes_away(before, &after),
                ..Forbids::default()
            };
            let audit = audit_row(
                now,
                by.audit_name(),
                "tunnel.change",
                &after.fqdn,
                Some(old),
                Some(new),
            );
            core.apply(writer, Change::new(next, audit).forbidding(forbids))
                .await?;
            if after.enabled && !before.enabled {
                core.await_certificate(&after.fqdn).await;
            }
        }
        Ok(core.view(&after, &core.state.load(), core.live.now()))
    }

    /// Deletes a tunnel; it is out of service at once.
    ///
    /// # Errors
    /// When it does not exist or is not the caller's.
    pub async fn delete_tunnel(&self, by: &Identity, id: Uuid) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, Some(Capability::TunnelsWrite))?;
        let tunnel = own_tunnel(&state, by, id)?;
        let mut next = State::clone(&state);
        next.tunnels.retain(|tunnel| tunnel.id != id);
        let now = core.live.now();
        let audit = audit_row(
            now,
            by.audit_name(),
            "tunnel.delete",
            &tunnel.fqdn,
            Some(described(tunnel)),
            None,
        );
        let forbids = Forbids {
            at_once: true,
            ..Forbids::default()
        };
        core.apply(writer, Change::new(next, audit).forbidding(forbids))
            .await
    }

    /// What the caller's agent serves.
    ///
    /// # Errors
    /// When no domain is configured.
    pub fn agent_config(&self, by: &Identity) -> Result<AgentConfigView, OperationError> {
        let state = self.core.state.load();
        let domain = state.panel.domain.clone().ok_or(Refusal::DomainMissing)?;
        let enabled = state
            .tunnels
            .iter()
            .filter(|tunnel| tunnel.enabled && tunnel.kind != TunnelType::Plugin);
        let tunnels = enabled
            .filter(|tunnel| belongs_to(tunnel, by))
            .map(|tunnel| AgentTunnel {
                id: tunnel.id,
                subdomain: tunnel.subdomain.clone(),
                fqdn: tunnel.fqdn.clone(),
                port: tunnel.port,
                origin: Origin {
                    scheme: tunnel.origin_scheme,
                    host_header: tunnel.host_header,
                    tls_verify: tunnel.origin_tls_verify,
                },
            });
        Ok(AgentConfigView {
            tunnel_host: domain.tunnel(),
            tunnel_port: self.core.settings.https_port,
            tunnels: tunnels.collect(),
            domain,
        })
    }
}

impl Core {
    /// Notes how every tunnel is doing at this moment.
    pub(crate) fn observe_all(&self, now: Timestamp) {
        let state = self.state.load();
        let mut look = Look::new(self, &state, now);
        for tunnel in &state.tunnels {
            // The observer remembers it.
            look.observe(tunnel);
        }
    }

    /// A tunnel with what is observed of it.
    pub(crate) fn view(&self, tunnel: &Tunnel, state: &State, now: Timestamp) -> TunnelView {
        Look::new(self, state, now).view(tunnel)
    }
}

/// A look at tunnels at one moment. Each agent is asked once, because its answer tells of all its
/// ports.
struct Look<'a> {
    core: &'a Core,
    state: &'a State,
    now: Timestamp,
    certificates: Arc<HostCertificates>,
    agents: HashMap<&'a AgentLabel, AgentStatus>,
}

impl<'a> Look<'a> {
    fn new(core: &'a Core, state: &'a State, now: Timestamp) -> Self {
        Self {
            core,
            state,
            now,
            certificates: core.certificates.load_full(),
            agents: HashMap::new(),
        }
    }

    fn view(&mut self, tunnel: &'a Tunnel) -> TunnelView {
        let (seen, since) = self.observe(tunnel);
        TunnelView {
            tunnel: tunnel.clone(),
            status: seen.status,
            status_since: since,
            status_detail: seen.detail,
            traffic: self.core.live.traffic(tunnel.id).totals(),
        }
    }

    /// How a tunnel is doing, and since when.
    fn observe(&mut self, tunnel: &'a Tunnel) -> (Observation, Timestamp) {
        let Self {
            core,
            state,
            now,
            certificates,
            agents,
        } = self;
        let certificate = core.standing_among(certificates, &tunnel.fqdn, *now);
        let seen = observe(tunnel, state, certificate, |label| {
            agents
                .entry(label)
                .or_insert_with(|| core.hub.status(label))
        });
        let since = core.observer.since(tunnel, &seen, *now);
        (seen, since)
    }
}

/// A tunnel as the audit shows it; it holds no secrets.
pub(crate) fn described(tunnel: &Tunnel) -> Value {
    serde_json::to_value(tunnel).unwrap_or(Value::Null)
}
