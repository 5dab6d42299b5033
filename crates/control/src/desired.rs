//! The data plane that should be, as a pure function of the state.

use std::sync::Arc;

use portlama_model::{
    AccessMode, AppRoute, Desired, HostMap, HostService, Hostname, OnboardingStatus, Origin, Site,
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

fn hosts(state: &State) -> HostMap<HostService> {
    let mut hosts = HostMap::new();
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
        set(&mut hosts, &tunnel.fqdn, tunnel_service(state, tunnel));
    }
    hosts.insert(domain.panel(), HostService::Panel);
    hosts.insert(domain.auth(), HostService::Portal);
    hosts.insert(domain.tunnel(), HostService::Tunnel);
    hosts
}

/// Derives the data plane from `state`, when `desired` is that of `before`: what stays is shared,
/// so that a change among thousands of tunnels costs little to derive, and little to compare.
#[must_use]
pub fn desired_after(desired: &Desired, before: &State, state: &State) -> Desired {
    let same_rules = before.panel == state.panel
        && before.registry == state.registry
        && before.sites == state.sites;
    if !same_rules || desired.hosts.is_empty() {
        return self::desired(state);
    }
    let Some(changed) = changed_tunnels(before, state) else {
        return self::desired(state);
    };
    let mut next = desired.clone();
    for host in changed {
        let is_ours = matches!(
            next.hosts.get(host),
            Some(HostService::Panel | HostService::Portal | HostService::Tunnel)
        );
        if !is_ours {
            set(&mut next.hosts, host, service(state, host));
        }
    }
    next
}

/// What was derived last, and from what.
pub(crate) struct Derived {
    pub(crate) state: Arc<State>,
    pub(crate) desired: Arc<Desired>,
}

impl Derived {
    /// What follows from another state.
    pub(crate) fn next(&self, state: &State) -> Desired {
        desired_after(&self.desired, &self.state, state)
    }
}

/// Up to how many changed tunnels are derived one by one.
const SINGLE_LOOKS: usize = 16;

/// The names of tunnels that differ between two states; `None` when they are many. Tunnels keep
/// their order, so one walk through both finds them.
fn changed_tunnels<'a>(before: &'a State, after: &'a State) -> Option<Vec<&'a Hostname>> {
    let mut changed = Vec::new();
    let mut rest = after.tunnels.iter().peekable();
    for old in &before.tunnels {
        if rest.next_if(|new| Arc::ptr_eq(new, old)).is_some() {
            continue;
        }
        changed.push(&old.fqdn);
        changed.extend(rest.next_if(|new| new.id == old.id).map(|new| &new.fqdn));
        if changed.len() > SINGLE_LOOKS {
            return None;
        }
    }
    changed.extend(rest.take(SINGLE_LOOKS + 1).map(|new| &new.fqdn));
    (changed.len() <= SINGLE_LOOKS).then_some(changed)
}

fn set(hosts: &mut HostMap<HostService>, host: &Hostname, service: Option<HostService>) {
    match service {
        Some(service) => hosts.insert(host.clone(), service),
        None => hosts.remove(host),
    };
}

/// What stands behind a name that is not Portlama's own.
fn service(state: &State, host: &Hostname) -> Option<HostService> {
    let mut tunnels = state.tunnels.iter();
    if let Some(tunnel) = tunnels.find(|tunnel| tunnel.fqdn == *host) {
        return tunnel_service(state, tunnel);
    }
    let mut sites = state.sites.iter().filter(|site| site.dns_verified);
    let site = sites.find(|site| site.fqdn == *host)?;
    Some(HostService::Site(Arc::new(site_route(site))))
}

fn tunnel_service(state: &State, tunnel: &Tunnel) -> Option<HostService> {
    let route = || Arc::new(route(state, tunnel));
    match tunnel.kind {
        TunnelType::App => Some(HostService::App(route())),
        TunnelType::Panel => Some(HostService::AgentPanel(route())),
        TunnelType::Plugin => None,
    }
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
