//! What the two ends observe about each other.

use std::collections::BTreeMap;
use std::time::Duration;

use portlama_model::{OriginScheme, Timestamp, TunnelPort};
use portlama_tunnel_proto::{Detail, PortState};

/// What the server knows about an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentStatus {
    /// Since when the present session lives; `None` while the agent is offline.
    pub connected_since: Option<Timestamp>,
    /// When the last session ended; `None` while connected and when there never was one.
    pub offline_since: Option<Timestamp>,
    /// Living connections of the session.
    pub carriers: usize,
    /// Open streams of the session.
    pub streams: usize,
    /// Smoothed round trip of the fastest carrier.
    pub rtt: Option<Duration>,
    /// The agent's software version, as it says itself.
    pub version: Option<String>,
    /// How the services behind the agent fare, as it says itself.
    pub reports: BTreeMap<TunnelPort, PortReport>,
    /// When a second process of the same agent was last turned away during this session.
    pub refused_second_instance: Option<Timestamp>,
}

impl AgentStatus {
    /// Whether the agent has a living session.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected_since.is_some()
    }
}

/// How one service behind the agent fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortReport {
    /// The state.
    pub state: PortState,
    /// Since when it is so.
    pub since: Timestamp,
    /// A short explanation, empty when there is nothing to add.
    pub detail: Detail,
}

/// Which way the frames take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarrierKind {
    /// Directly inside TLS.
    Tls,
    /// In WebSocket messages.
    WebSocket,
}

impl std::fmt::Display for CarrierKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tls => "tls",
            Self::WebSocket => "websocket",
        })
    }
}

/// What the agent knows about its connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectorStatus {
    /// Since when a carrier lives; `None` while offline.
    pub connected_since: Option<Timestamp>,
    /// Living carriers.
    pub carriers: usize,
    /// Why the last attempt failed or the last carrier ended; `None` while all is well.
    pub last_error: Option<String>,
    /// Smoothed round trip of the fastest carrier.
    pub rtt: Option<Duration>,
    /// How the present carriers travel.
    pub transport: Option<CarrierKind>,
    /// The server's software version, as it says itself.
    pub server_version: Option<String>,
    /// The address that was reached last; worth keeping for the day DNS fails.
    pub last_good: Option<std::net::SocketAddr>,
    /// The ports the server wants from this agent, each with its state here.
    pub routes: BTreeMap<TunnelPort, RouteStatus>,
}

/// One port the server wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteStatus {
    /// How the service is spoken to.
    pub scheme: OriginScheme,
    /// The last measured state; `None` before the first measurement.
    pub report: Option<PortReport>,
}
