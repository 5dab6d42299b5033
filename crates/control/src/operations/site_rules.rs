//! What may be done to static sites: pure, in the documented order of checks.

use portlama_access::{Identity, entry_may_touch_site};
use portlama_model::{
    Capability, Domain, Hostname, Site, SiteName, SiteType, State, Subdomain, Timestamp, Username,
};
use uuid::Uuid;

use crate::operations::{forbidden, still_may};
use crate::{NewSite, OperationError, Refusal, SiteChange};

/// The most sites of a server, as of tunnels: what a small server can still list within a second.
pub const MAX_SITES: usize = 10_000;

/// The site with this id, if `by` may still do with it what needs `right`.
///
/// An agent gets the same refusal for the sites of others and for those that do not exist.
pub(crate) fn site_for<'a>(
    state: &'a State,
    by: &Identity,
    id: Uuid,
    right: Capability,
) -> Result<&'a Site, OperationError> {
    still_may(state, by, Some(right))?;
    let site = state.sites.iter().find(|site| site.id == id);
    let entry = by
        .agent()
        .and_then(|agent| state.registry.live(agent.label()));
    if let Some(entry) = entry {
        entry_may_touch_site(entry, site.map(|site| &site.name))
            .map_err(|denied| forbidden(&denied.to_string()))?;
    }
    site.ok_or(OperationError::NotFound { what: "Site" })
}

/// The checks of a new site, in the documented order.
pub(crate) fn new_site(
    state: &State,
    new: NewSite,
    now: Timestamp,
    root_path: impl FnOnce(Uuid) -> String,
) -> Result<Site, OperationError> {
    let domain = state.panel.domain.as_ref().ok_or(Refusal::DomainMissing)?;
    let fqdn = match new.kind {
        SiteType::Managed => None,
        SiteType::Custom => Some(new.custom_domain.ok_or(Refusal::CustomDomainMissing)?),
    };
    if state.sites.iter().any(|site| site.name == new.name) {
        return Err(Refusal::SiteNameTaken.into());
    }
    let fqdn = match fqdn {
        None => managed_host(state, domain, &new.name)?,
        Some(fqdn) => custom_host(domain, fqdn)?,
    };
    if state.sites.iter().any(|site| site.fqdn == fqdn) {
        return Err(Refusal::HostTaken { by: "site" }.into());
    }
    if state.tunnels.iter().any(|tunnel| tunnel.fqdn == fqdn) {
        return Err(Refusal::HostTaken { by: "tunnel" }.into());
    }
    if state.sites.len() >= MAX_SITES {
        return Err(Refusal::TooManySites.into());
    }
    let id = Uuid::new_v4();
    Ok(Site {
        id,
        name: new.name,
        fqdn,
        kind: new.kind,
        spa_mode: new.spa_mode,
        authelia_protected: new.authelia_protected,
        allowed_users: vec![],
        dns_verified: new.kind == SiteType::Managed,
        cert_issued: false,
        root_path: root_path(id),
        created_at: now,
        total_size: 0,
        extra: serde_json::Map::new(),
    })
}

fn managed_host(
    state: &State,
    domain: &Domain,
    name: &SiteName,
) -> Result<Hostname, OperationError> {
    let label: Subdomain = name.as_str().parse().map_err(|_| {
        let message = "must be at most 63 characters for a site below the base domain";
        OperationError::invalid("name", message)
    })?;
    if label.is_reserved() {
        return Err(Refusal::ReservedSubdomain.into());
    }
    if label.has_agent_prefix() {
        return Err(Refusal::AgentPrefix.into());
    }
    if state.tunnels.iter().any(|tunnel| tunnel.subdomain == label) {
        return Err(Refusal::HostTaken { by: "tunnel" }.into());
    }
    Ok(domain.host(&label))
}

/// A name of the owner's is anything but the names Portlama serves itself and those it keeps for
/// the panels of agents.
fn custom_host(domain: &Domain, fqdn: Hostname) -> Result<Hostname, OperationError> {
    let own = [domain.panel(), domain.auth(), domain.tunnel()];
    if own.contains(&fqdn) {
        return Err(Refusal::ReservedSubdomain.into());
    }
    let below = fqdn.as_str().strip_suffix(domain.as_str());
    let label = below.and_then(|below| below.strip_suffix('.'));
    let label: Option<Subdomain> = label.and_then(|label| label.parse().ok());
    if label.is_some_and(|label| label.has_agent_prefix()) {
        return Err(Refusal::AgentPrefix.into());
    }
    Ok(fqdn)
}

/// The site after a change.
pub(crate) fn changed(before: &Site, change: SiteChange) -> Site {
    let mut after = before.clone();
    after.spa_mode = change.spa_mode.unwrap_or(before.spa_mode);
    after.authelia_protected = change
        .authelia_protected
        .unwrap_or(before.authelia_protected);
    if let Some(users) = change.allowed_users {
        after.allowed_users = once_each(users);
    }
    after
}

fn once_each(users: Vec<Username>) -> Vec<Username> {
    let mut kept: Vec<Username> = Vec::with_capacity(users.len());
    for user in users {
        if !kept.contains(&user) {
            kept.push(user);
        }
    }
    kept
}

/// Whether somebody who may read before may not read after.
pub(crate) fn takes_away(before: &Site, after: &Site) -> bool {
    if !after.authelia_protected {
        return false;
    }
    if !before.authelia_protected {
        return true;
    }
    // An empty list is everybody who is signed in.
    match (
        before.allowed_users.as_slice(),
        after.allowed_users.as_slice(),
    ) {
        (_, []) => false,
        ([], _) => true,
        (before, after) => before.iter().any(|user| !after.contains(user)),
    }
}
