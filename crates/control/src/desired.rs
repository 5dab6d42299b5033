//! The data plane that should be, as a pure function of the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use portlama_model::{
    AccessMode, AppRoute, Desired, HostService, Hostname, OnboardingStatus, Origin, State, Tunnel,
    TunnelKey, TunnelType,
};

/// Derives the data plane from the state.
///
/// Hosts below the domain exist once the first set-up is complete. Tunnels whose type is not
/// `app` are not served: panels of agents come with their own access rule, and plugins are
/// kept for adopted installations only. A name that Portlama uses itself is never an app's,
/// whatever an adopted file says.
#[must_use]
pub fn desired(state: &State) -> Desired {
    let panel = &state.panel;
    Desired {
        ip: panel.ip,
        domain: panel.domain.clone(),
        onboarding: panel.onboarding.status,
        hosts: hosts(state),
    }
}

fn hosts(state: &State) -> BTreeMap<Hostname, HostService> {
    let mut hosts = BTreeMap::new();
    let Some(domain) = &state.panel.domain else {
        return hosts;
    };
    if state.panel.onboarding.status != OnboardingStatus::Completed {
        return hosts;
    }
    // Of two records with one name the first has it, whatever it is.
    for tunnel in state.tunnels.iter().rev() {
        let route = (tunnel.kind == TunnelType::App).then(|| route(state, tunnel));
        match route {
            Some(route) => hosts.insert(tunnel.fqdn.clone(), HostService::App(Arc::new(route))),
            None => hosts.remove(&tunnel.fqdn),
        };
    }
    hosts.insert(domain.panel(), HostService::Panel);
    hosts.insert(domain.auth(), HostService::Portal);
    hosts.insert(domain.tunnel(), HostService::Tunnel);
    hosts
}

fn route(state: &State, tunnel: &Tunnel) -> AppRoute {
    // An agent that was revoked serves nothing, also when its label is still written down.
    let agent = tunnel
        .agent_label
        .as_ref()
        .filter(|label| state.registry.live(label).is_some());
    AppRoute {
        tunnel: tunnel.id,
        host: tunnel.fqdn.clone(),
        // Adopted records may have no mode: they stay shut until the admin decides.
        access: tunnel.access_mode.unwrap_or(AccessMode::Authenticated),
        enabled: tunnel.enabled,
        allow_cross_site: tunnel.allow_cross_site,
        target: agent.map(|label| TunnelKey {
            agent: label.clone(),
            port: tunnel.port,
        }),
        origin: Origin {
            scheme: tunnel.origin_scheme,
            host_header: tunnel.host_header,
            tls_verify: tunnel.origin_tls_verify,
        },
    }
}
