//! What the routes do: read path and body, call `control`, answer.

pub(crate) mod agents;
pub(crate) mod server;
pub(crate) mod tunnels;
pub(crate) mod users;
