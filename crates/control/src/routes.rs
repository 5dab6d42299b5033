//! What the hub is told to want from each agent.

use std::collections::BTreeMap;

use portlama_model::{AgentLabel, State, TunnelPort, TunnelType};
use portlama_tunnel::{Hub, RouteAnnouncement};

/// The ports wanted from each agent: those of its enabled apps and panels. Every live agent is in it, so
/// that one without tunnels is told so.
pub(crate) fn of(state: &State) -> BTreeMap<AgentLabel, Vec<RouteAnnouncement>> {
    let live = state.registry.agents.iter().filter(|agent| !agent.revoked);
    let mut by_agent: BTreeMap<AgentLabel, BTreeMap<TunnelPort, RouteAnnouncement>> = live
        .map(|agent| (agent.label.clone(), BTreeMap::new()))
        .collect();
    let served = state
        .tunnels
        .iter()
        .filter(|tunnel| tunnel.enabled && tunnel.kind != TunnelType::Plugin);
    for tunnel in served {
        if let Some(ports) = tunnel
            .agent_label
            .as_ref()
            .and_then(|label| by_agent.get_mut(label))
        {
            let route = RouteAnnouncement {
                port: tunnel.port,
                scheme: tunnel.origin_scheme,
            };
            ports.entry(tunnel.port).or_insert(route);
        }
    }
    by_agent
        .into_iter()
        .map(|(label, ports)| (label, ports.into_values().collect()))
        .collect()
}

/// Tells the hub what changed between two states.
pub(crate) fn push(hub: &Hub, before: &State, after: &State) {
    let (before, after) = (of(before), of(after));
    for label in before.keys().filter(|label| !after.contains_key(*label)) {
        hub.set_routes(label, Vec::new());
    }
    for (label, wanted) in after {
        if before.get(&label) != Some(&wanted) {
            hub.set_routes(&label, wanted);
        }
    }
}
