//! The reverse proxy: requests to services through tunnels.

mod forward;
mod pool;
mod websocket;

pub(crate) use forward::{Outgoing, ProxyError, forward};
pub(crate) use pool::{Lease, Pool};
pub(crate) use websocket::{Handshake, accept_of, is_websocket, open_websocket};
