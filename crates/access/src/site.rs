//! May this caller see and change the files of this static site?

use portlama_model::{AgentEntry, SiteName};

use crate::Identity;

/// An agent asked for a site that is not among its own. Whether the site exists is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this agent may touch only the sites it was given")]
pub struct SiteDenied;

/// Decides whether `identity` may touch the site of this name: the admin every one, an agent
/// those whose name the admin gave it.
///
/// An agent that names a site which does not exist (`None`) gets the same answer as for a site
/// of others, so that it does not learn which ones there are.
///
/// # Errors
/// When the site is not the caller's.
pub fn may_touch_site(identity: &Identity, site: Option<&SiteName>) -> Result<(), SiteDenied> {
    match identity.agent() {
        None => Ok(()),
        Some(agent) => is_given(agent.allowed_sites(), site),
    }
}

/// The same for the agent as the registry has it at this moment, for checks under the writer's
/// lock.
///
/// # Errors
/// When the site is not the agent's.
pub fn entry_may_touch_site(agent: &AgentEntry, site: Option<&SiteName>) -> Result<(), SiteDenied> {
    is_given(&agent.allowed_sites, site)
}

fn is_given(allowed: &[String], site: Option<&SiteName>) -> Result<(), SiteDenied> {
    match site {
        Some(site) if allowed.iter().any(|name| name == site.as_str()) => Ok(()),
        _ => Err(SiteDenied),
    }
}
