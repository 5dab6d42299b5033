//! Tokio ends of the tunnel protocol: the server's [`Hub`] and the agent's [`Connector`].
#![forbid(unsafe_code)]
#![allow(clippy::todo, clippy::unused_async)]

mod connector;
mod error;
mod hub;
mod origin;
mod status;
mod stream;
pub mod ws;

pub use connector::{
    Connector, ConnectorConfig, DEFAULT_CARRIERS, ProxyUrl, Recheck, Transport, WebSocketConfig,
};
pub use error::{CarrierEnd, OpenError};
pub use hub::{AgentIdentity, Hub, HubConfig, RouteAnnouncement};
pub use origin::{BoxFuture, OriginDialer, OriginIo, OriginSpec, Refusal};
pub use portlama_tunnel_proto::{CloseCode, Detail, PortState, RefusalReason};
pub use status::{AgentStatus, CarrierKind, ConnectorStatus, PortReport, RouteStatus};
pub use stream::TunnelStream;

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"portlama-tunnel/1";
