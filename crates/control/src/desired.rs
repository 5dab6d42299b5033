//! The data plane that should be, as a pure function of the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use portlama_model::{
    AccessMode, AppRoute, Desired, HostService, Hostname, OnboardingStatus, Origin, Site,
    SiteAccess, SiteRoute, State, Tunnel, TunnelKey, TunnelType,
};

/// Derives the data plane from the state.
///
/// Hosts exist once the first set-up is complete; a site of a foreign name, once the name was
/// seen to lead here. Plugin tunnels are kept for adopted installations only and never served.
/// A name that Portlama uses itself is never an app's, whatever an adopted file says; of a
/// tunnel and a site with one name the tunnel has it.
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
    for site in state.sites.iter().rev().filter(|site| site.dns_verified) {
        hosts.insert(
            site.fqdn.clone(),
            HostService::Site(Arc::new(site_route(site))),
        );
    }
    for tunnel in state.tunnels.iter().rev() {
        let route = || Arc::new(route(state, tunnel));
        match tunnel.kind {
            TunnelType::App => hosts.insert(tunnel.fqdn.clone(), HostService::App(route())),
            TunnelType::Panel => {
                hosts.insert(tunnel.fqdn.clone(), HostService::AgentPanel(route()))
            }
            TunnelType::Plugin => hosts.remove(&tunnel.fqdn),
        };
    }
    hosts.insert(domain.panel(), HostService::Panel);
    hosts.insert(domain.auth(), HostService::Portal);
    hosts.insert(domain.tunnel(), HostService::Tunnel);
    hosts
}

fn site_route(site: &Site) -> SiteRoute {
    let access = match (site.authelia_protected, site.allowed_users.as_slice()) {
        (false, _) => SiteAccess::Public,
        (true, []) => SiteAccess::SignedIn,
        (true, users) => SiteAccess::Users(users.to_vec()),
    };
    SiteRoute {
        site: site.id,
        host: site.fqdn.clone(),
        spa_mode: site.spa_mode,
        access,
    }
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
