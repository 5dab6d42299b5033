//! An agent's own web panel: expose it, retract it, say how it stands.

use portlama_access::Identity;
use portlama_model::{
    AgentLabel, Capability, HostHeader, Hostname, OriginScheme, State, Tunnel, TunnelPort,
    TunnelType,
};
use uuid::Uuid;

use crate::change::{Change, Forbids, audit_row};
use crate::operations::still_may;
use crate::operations::tunnel_rules::{has_room, is_free, is_name_taken, subdomain_of_panel};
use crate::operations::tunnels::described;
use crate::{Control, OperationError, Refusal, TunnelView};

/// How the panel of the caller's agent stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentPanelStatus {
    /// Whether it is exposed and switched on.
    pub enabled: bool,
    /// Its host name, while it is exposed.
    pub fqdn: Option<Hostname>,
    /// The agent's port, while it is exposed.
    pub port: Option<TunnelPort>,
}

impl Control {
    /// How the panel of the caller's agent stands; the admin has none.
    #[must_use]
    pub fn agent_panel(&self, by: &Identity) -> AgentPanelStatus {
        let state = self.core.state.load();
        let panel = by.agent().and_then(|agent| panel_of(&state, agent.label()));
        panel.map_or_else(AgentPanelStatus::default, |tunnel| AgentPanelStatus {
            enabled: tunnel.enabled,
            fqdn: Some(tunnel.fqdn.clone()),
            port: Some(tunnel.port),
        })
    }

    /// Serves a local port of the caller's agent at `agent-<label>.<domain>`, for the admin's
    /// certificate and that agent's own. Waits for the host's certificate like
    /// [`create_tunnel`](Self::create_tunnel).
    ///
    /// # Errors
    /// When the caller is no agent, or its panel, the name or the port is in use.
    pub async fn expose_agent_panel(
        &self,
        by: &Identity,
        port: TunnelPort,
    ) -> Result<TunnelView, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        let now = core.live.now();
        let label = own_label(by)?;
        still_may(&state, by, Some(Capability::PanelExpose))?;
        if let Some(present) = panel_of(&state, label) {
            return Err(OperationError::PanelExposed {
                tunnel: Box::new(core.view(present, &state, now)),
            });
        }
        let subdomain = subdomain_of_panel(label)?;
        if is_name_taken(&state, &subdomain) {
            return Err(OperationError::Conflict {
                message: format!("the subdomain `{subdomain}` is in use"),
            });
        }
        is_free(&state, Some(label), port, None)?;
        let domain = state.panel.domain.as_ref().ok_or(Refusal::DomainMissing)?;
        has_room(&state)?;
        let tunnel = Tunnel {
            id: Uuid::new_v4(),
            fqdn: domain.host(&subdomain),
            subdomain,
            port,
            description: None,
            kind: TunnelType::Panel,
            access_mode: None,
            agent_label: Some(label.clone()),
            enabled: true,
            created_at: now,
            origin_scheme: OriginScheme::Http,
            host_header: HostHeader::Public,
            origin_tls_verify: true,
            allow_cross_site: false,
            extra: serde_json::Map::new(),
        };
        let mut next = State::clone(&state);
        next.tunnels.push(tunnel.clone().into());
        let audit = audit_row(
            now,
            by.audit_name(),
            "agent-panel.expose",
            &tunnel.fqdn,
            None,
            Some(described(&tunnel)),
        );
        core.apply(writer, Change::new(next, audit)).await?;
        core.await_certificate(&tunnel.fqdn).await;
        Ok(core.view(&tunnel, &core.state.load(), core.live.now()))
    }

    /// Takes the panel of the caller's agent out of service, at once.
    ///
    /// # Errors
    /// When the caller is no agent, or its panel is not exposed.
    pub async fn retract_agent_panel(&self, by: &Identity) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        let label = own_label(by)?;
        still_may(&state, by, Some(Capability::PanelExpose))?;
        let what = "Agent panel";
        let tunnel = panel_of(&state, label).ok_or(OperationError::NotFound { what })?;
        let mut next = State::clone(&state);
        next.tunnels.retain(|other| other.id != tunnel.id);
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "agent-panel.retract",
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
}

fn own_label(by: &Identity) -> Result<&AgentLabel, OperationError> {
    let agent = by.agent().ok_or(Refusal::AgentCertificateRequired)?;
    Ok(agent.label())
}

/// The panel tunnel of an agent, switched on or not.
fn panel_of<'a>(state: &'a State, label: &AgentLabel) -> Option<&'a Tunnel> {
    let mut tunnels = state.tunnels.iter().map(|tunnel| &**tunnel);
    tunnels.find(|tunnel| {
        tunnel.kind == TunnelType::Panel && tunnel.agent_label.as_ref() == Some(label)
    })
}
