//! Tokio ends of the tunnel protocol: the server's [`Hub`] and the agent's [`Connector`].
//!
//! A *carrier* is one standing connection between an agent and the server. It carries frames,
//! directly inside TLS or in [WebSocket messages](ws); the frames carry *streams*, one for each
//! connection of a visitor to a service. Several carriers make a *session*.
//!
//! The protocol itself, without sockets, is `portlama-tunnel-proto`; this crate moves the
//! octets, keeps agents connected, places streams on carriers and tells what it observes. Who
//! may connect, and what a service is, others decide: callers authenticate agents before
//! [`Hub::serve_carrier`], and the agent's [`OriginDialer`] refuses what its owner did not allow.
#![forbid(unsafe_code)]

mod carrier;
mod connector;
mod dial;
mod error;
mod hub;
pub mod limits;
mod origin;
mod read_ahead;
mod relay;
mod scratch;
mod socket;
mod status;
mod stream;
pub mod ws;

pub use connector::{Connector, ConnectorConfig, Recheck, Renewal, Transport, WebSocketConfig};
pub use dial::{CarrierIo, Dial, DialError, Dialed};
pub use error::{CarrierEnd, OpenError};
pub use hub::{AgentIdentity, Hub, HubConfig, RouteAnnouncement};
pub use limits::DEFAULT_CARRIERS;
pub use origin::{BoxFuture, OriginDialer, OriginIo, OriginSpec, Refusal};
pub use portlama_tunnel_proto::{CloseCode, Detail, PortState, RefusalReason};
pub use read_ahead::ReadAhead;
pub use socket::{tune_carrier, tune_local};
pub use status::{AgentStatus, CarrierKind, ConnectorStatus, PortReport, RouteStatus};
pub use stream::TunnelStream;

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"portlama-tunnel/1";
