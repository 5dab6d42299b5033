//! What may be done to tunnels, by whom: pure, in the documented order of checks.

use portlama_access::Identity;
use portlama_model::{
    AccessMode, AgentLabel, Capability, Description, ParseError, Site, SiteType, State, Subdomain,
    Timestamp, Tunnel, TunnelPort, TunnelType,
};
use uuid::Uuid;

use crate::operations::{forbidden, still_may};
use crate::{Issue, NewTunnel, OperationError, Refusal, TunnelChange};

/// The most tunnels of a server. What a small server can still list within a second.
pub const MAX_TUNNELS: usize = 10_000;

/// Whether `by` may see and touch this tunnel as its own.
pub(crate) fn belongs_to(tunnel: &Tunnel, by: &Identity) -> bool {
    match by.agent() {
        None => true,
        Some(agent) => tunnel.agent_label.as_ref() == Some(agent.label()),
    }
}

/// The tunnel with this id, if `by` may change it.
pub(crate) fn own_tunnel<'a>(
    state: &'a State,
    by: &Identity,
    id: Uuid,
) -> Result<&'a Tunnel, OperationError> {
    let tunnel = state.tunnels.iter().find(|tunnel| tunnel.id == id);
    let tunnel = tunnel.ok_or(OperationError::NotFound { what: "Tunnel" })?;
    if !belongs_to(tunnel, by) {
        return Err(forbidden("this tunnel belongs to another agent"));
    }
    let may_expose = by
        .agent()
        .is_none_or(|agent| agent.capabilities().contains(Capability::PanelExpose));
    if tunnel.kind == TunnelType::Panel && !may_expose {
        return Err(forbidden(NEEDS_PANEL_EXPOSE));
    }
    if tunnel.kind == TunnelType::Panel {
        still_may(state, by, Some(Capability::PanelExpose))?;
    }
    Ok(tunnel)
}

/// The checks of a new tunnel, in the documented order.
pub(crate) fn new_tunnel(
    state: &State,
    by: &Identity,
    new: NewTunnel,
    now: Timestamp,
) -> Result<Tunnel, OperationError> {
    let description = description(new.description)?;
    if new.subdomain.is_reserved() {
        return Err(Refusal::ReservedSubdomain.into());
    }
    if new.subdomain.has_agent_prefix() && new.kind != TunnelType::Panel {
        return Err(Refusal::AgentPrefix.into());
    }
    if new.access_mode == Some(AccessMode::Public) {
        may_choose(by, AccessMode::Public)?;
    }
    let access_mode = match new.kind {
        TunnelType::App => {
            let mode = new.access_mode.unwrap_or(AccessMode::Authenticated);
            may_choose(by, mode)?;
            Some(mode)
        }
        TunnelType::Panel => {
            may_make_panel(state, by, &new.subdomain)?;
            None
        }
        TunnelType::Plugin => return Err(Refusal::UnsupportedType.into()),
    };
    if state
        .tunnels
        .iter()
        .any(|tunnel| tunnel.subdomain == new.subdomain)
    {
        return Err(Refusal::SubdomainTaken.into());
    }
    if state
        .sites
        .iter()
        .any(|site| is_named(site, &new.subdomain))
    {
        return Err(Refusal::HostTaken { by: "site" }.into());
    }
    let agent_label = serving_agent(state, by, new.agent_label)?;
    if new.kind == TunnelType::Panel {
        is_panel_name_of(&new.subdomain, agent_label.as_ref())?;
    }
    is_free(state, agent_label.as_ref(), new.port, None)?;
    let domain = state.panel.domain.as_ref().ok_or(Refusal::DomainMissing)?;
    let fqdn = domain.host(&new.subdomain);
    if state.tunnels.iter().any(|tunnel| tunnel.fqdn == fqdn) {
        return Err(Refusal::SubdomainTaken.into());
    }
    if state.sites.iter().any(|site| site.fqdn == fqdn) {
        return Err(Refusal::HostTaken { by: "site" }.into());
    }
    has_room(state)?;
    Ok(Tunnel {
        id: Uuid::new_v4(),
        subdomain: new.subdomain,
        fqdn,
        port: new.port,
        description,
        kind: new.kind,
        access_mode,
        agent_label,
        enabled: true,
        created_at: now,
        origin_scheme: new.origin_scheme,
        host_header: new.host_header,
        origin_tls_verify: new.origin_tls_verify,
        // A certificate goes along with whatever a page makes the browser send.
        allow_cross_site: new.allow_cross_site && new.kind == TunnelType::App,
        extra: serde_json::Map::new(),
    })
}

/// Whether a site below the base domain has this label.
fn is_named(site: &Site, label: &Subdomain) -> bool {
    site.kind == SiteType::Managed && site.name.as_str() == label.as_str()
}

const NEEDS_PANEL_EXPOSE: &str = "the panel of an agent needs the capability panel:expose";

/// An agent makes its own panel only, and only with the capability for it.
fn may_make_panel(
    state: &State,
    by: &Identity,
    subdomain: &Subdomain,
) -> Result<(), OperationError> {
    let Some(agent) = by.agent() else {
        return Ok(());
    };
    if !agent.capabilities().contains(Capability::PanelExpose) {
        return Err(forbidden(NEEDS_PANEL_EXPOSE));
    }
    still_may(state, by, Some(Capability::PanelExpose))?;
    if *subdomain != subdomain_of_panel(agent.label())? {
        return Err(forbidden("an agent exposes its own panel only"));
    }
    Ok(())
}

/// A name that promises an agent's panel leads to that agent.
fn is_panel_name_of(
    subdomain: &Subdomain,
    agent: Option<&AgentLabel>,
) -> Result<(), OperationError> {
    let theirs = agent.map(subdomain_of_panel).transpose()?;
    if subdomain.has_agent_prefix() && theirs.as_ref() != Some(subdomain) {
        return Err(Refusal::AgentPrefix.into());
    }
    Ok(())
}

/// `agent-<label>`.
pub(crate) fn subdomain_of_panel(label: &AgentLabel) -> Result<Subdomain, OperationError> {
    let name = format!("agent-{label}").parse();
    name.map_err(|_: ParseError| Refusal::NoHostForLabel(label.clone()).into())
}

/// Whether a tunnel or a site has the name.
pub(crate) fn is_name_taken(state: &State, subdomain: &Subdomain) -> bool {
    let host = state.panel.domain.as_ref().map(|d| d.host(subdomain));
    let tunnel =
        |tunnel: &Tunnel| tunnel.subdomain == *subdomain || Some(&tunnel.fqdn) == host.as_ref();
    let site = |site: &Site| is_named(site, subdomain) || Some(&site.fqdn) == host.as_ref();
    state.tunnels.iter().any(|t| tunnel(t)) || state.sites.iter().any(site)
}

/// Whether one more tunnel may be made.
pub(crate) fn has_room(state: &State) -> Result<(), OperationError> {
    if state.tunnels.len() >= MAX_TUNNELS {
        return Err(Refusal::TooManyTunnels.into());
    }
    Ok(())
}

/// The tunnel after a change, if the change is allowed.
pub(crate) fn changed(
    state: &State,
    by: &Identity,
    before: &Tunnel,
    change: TunnelChange,
) -> Result<Tunnel, OperationError> {
    if change.is_empty() {
        let message = "must hold at least one member that can be changed".to_owned();
        return Err(OperationError::Invalid(vec![Issue {
            path: vec![],
            message,
        }]));
    }
    let names_app = change.access_mode.is_some()
        || change.agent_label.is_some()
        || change.allow_cross_site == Some(true);
    if before.kind != TunnelType::App && names_app {
        admin_only(by, "accessMode, agentLabel and allowCrossSite")?;
        return Err(Refusal::PanelByCertificate.into());
    }
    let mut after = before.clone();
    if let Some(text) = change.description {
        admin_only(by, "description")?;
        after.description = description(Some(text))?;
    }
    if let Some(mode) = change.access_mode {
        admin_only(by, "accessMode")?;
        may_choose(by, mode)?;
        after.access_mode = Some(mode);
    }
    if let Some(label) = change.agent_label {
        admin_only(by, "agentLabel")?;
        after.agent_label = serving_agent(state, by, Some(label))?;
        is_free(
            state,
            after.agent_label.as_ref(),
            before.port,
            Some(before.id),
        )?;
    }
    after.enabled = change.enabled.unwrap_or(before.enabled);
    after.origin_scheme = change.origin_scheme.unwrap_or(before.origin_scheme);
    after.host_header = change.host_header.unwrap_or(before.host_header);
    after.origin_tls_verify = change.origin_tls_verify.unwrap_or(before.origin_tls_verify);
    after.allow_cross_site = change.allow_cross_site.unwrap_or(before.allow_cross_site);
    Ok(after)
}

fn description(text: Option<String>) -> Result<Option<String>, OperationError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let note: Description = text
        .parse()
        .map_err(|error: ParseError| OperationError::invalid("description", error.to_string()))?;
    Ok(Some(note.into()))
}

/// Opening an app to everybody is the admin's alone, and nobody can pass `restricted` yet.
fn may_choose(by: &Identity, mode: AccessMode) -> Result<(), OperationError> {
    match mode {
        AccessMode::Public if !by.is_admin() => {
            Err(forbidden("only the admin may make an app public"))
        }
        AccessMode::Restricted => Err(Refusal::RestrictedUnavailable.into()),
        AccessMode::Public | AccessMode::Authenticated => Ok(()),
    }
}

/// The agent that serves a tunnel: one made by an agent is its own; the admin names one, or
/// means the only one there is; without any, the first that enrols gets it.
fn serving_agent(
    state: &State,
    by: &Identity,
    wanted: Option<AgentLabel>,
) -> Result<Option<AgentLabel>, OperationError> {
    if let Some(agent) = by.agent() {
        if wanted.is_some_and(|label| label != *agent.label()) {
            return Err(forbidden("an agent makes tunnels for itself only"));
        }
        return Ok(Some(agent.label().clone()));
    }
    if let Some(label) = wanted {
        return match state.registry.live(&label) {
            Some(_) => Ok(Some(label)),
            None => Err(Refusal::UnknownAgent(label).into()),
        };
    }
    let live = state.registry.agents.iter().filter(|agent| !agent.revoked);
    let labels: Vec<AgentLabel> = live.map(|agent| agent.label.clone()).collect();
    if labels.len() > 1 {
        return Err(Refusal::AgentRequired(labels).into());
    }
    Ok(labels.into_iter().next())
}

/// Whether no other tunnel of this agent has the port. Tunnels without an agent count as one
/// agent's, because one agent will get them.
pub(crate) fn is_free(
    state: &State,
    agent: Option<&AgentLabel>,
    port: TunnelPort,
    except: Option<Uuid>,
) -> Result<(), OperationError> {
    let mut others = state
        .tunnels
        .iter()
        .filter(|tunnel| Some(tunnel.id) != except);
    if others.any(|tunnel| tunnel.port == port && tunnel.agent_label.as_ref() == agent) {
        return Err(Refusal::PortTaken.into());
    }
    Ok(())
}

/// Whether somebody who may pass before may not pass after.
pub(crate) fn takes_away(before: &Tunnel, after: &Tunnel) -> bool {
    let shut =
        before.access_mode == Some(AccessMode::Public) && after.access_mode != before.access_mode;
    (before.enabled && !after.enabled)
        || shut
        || (before.allow_cross_site && !after.allow_cross_site)
}

fn admin_only(by: &Identity, field: &str) -> Result<(), OperationError> {
    if by.is_admin() {
        Ok(())
    } else {
        Err(forbidden(&format!("only the admin may change `{field}`")))
    }
}
