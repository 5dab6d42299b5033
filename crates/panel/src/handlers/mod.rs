//! What the routes do: read path and body, call `control`, answer.

pub(crate) mod agent_panel;
pub(crate) mod agents;
pub(crate) mod audit;
pub(crate) mod certificates;
pub(crate) mod invitations;
pub(crate) mod onboarding;
pub(crate) mod renewal;
pub(crate) mod server;
pub(crate) mod services;
pub(crate) mod sites;
pub(crate) mod system;
pub(crate) mod tunnels;
pub(crate) mod two_factor;
pub(crate) mod users;
