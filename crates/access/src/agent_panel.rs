//! May this certificate open this agent's own web panel?

use portlama_model::AppRoute;

use crate::{FetchSite, Identity, NotIdentified, VisitFacts};

/// Why an agent's panel stays shut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PanelRefused {
    /// Nobody was identified.
    #[error(transparent)]
    NotIdentified(#[from] NotIdentified),
    /// The certificate is another agent's.
    #[error("this panel is for the admin and for its own agent")]
    NotYours,
    /// The tunnel is disabled.
    #[error("this address is switched off")]
    SwitchedOff,
    /// Another website made the browser send this.
    #[error("another website may not make changes here")]
    CrossSite,
}

/// Decides whether a request may go to the panel behind `route`: with the admin's certificate,
/// or with that of the very agent that serves it. The route's access mode plays no part, and
/// nothing opens the panel to other websites: a client certificate goes along with whatever a
/// page makes the browser send.
///
/// # Errors
/// Says why not. Whether the panel is switched off is told to nobody else.
pub fn may_open_agent_panel(
    route: &AppRoute,
    who: Result<Identity, NotIdentified>,
    facts: VisitFacts,
) -> Result<(), PanelRefused> {
    let identity = who?;
    let owner = route.target.as_ref().map(|target| &target.agent);
    let is_its_own = identity
        .agent()
        .is_some_and(|agent| owner == Some(agent.label()));
    if !identity.is_admin() && !is_its_own {
        return Err(PanelRefused::NotYours);
    }
    if !route.enabled {
        return Err(PanelRefused::SwitchedOff);
    }
    let changes = facts.upgrade || !facts.safe_method;
    let foreign = matches!(facts.fetch_site, FetchSite::SameSite | FetchSite::CrossSite);
    if changes && foreign {
        return Err(PanelRefused::CrossSite);
    }
    Ok(())
}
