//! The server's end.

use std::sync::Arc;
use std::time::Duration;

use portlama_model::{AgentLabel, Origin, OriginScheme, Serial, TunnelKey, TunnelPort};
use portlama_tunnel_proto::CloseCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{AgentStatus, CarrierEnd, OpenError, TunnelStream};

/// Who is at the other end of a carrier, judged by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// The agent.
    pub label: AgentLabel,
    /// The certificate it showed.
    pub serial: Serial,
}

/// One port the server wants from an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteAnnouncement {
    /// The port as the agent knows it.
    pub port: TunnelPort,
    /// How the service is spoken to.
    pub scheme: OriginScheme,
}

/// What a hub needs to know.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// The server's software version, told to agents.
    pub software: String,
}

/// The server's end of all tunnels; one per process.
#[derive(Debug)]
pub struct Hub;

impl Hub {
    /// A hub without agents.
    #[must_use]
    pub fn new(_config: HubConfig) -> Arc<Self> {
        todo!()
    }
    /// Runs one carrier to its end. `agent` was authenticated by the caller; `closed` cuts it at once.
    pub async fn serve_carrier<IO>(
        self: &Arc<Self>,
        _io: IO,
        _agent: AgentIdentity,
        _closed: CancellationToken,
    ) -> CarrierEnd
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        todo!()
    }
    /// A byte stream to a service; waits for the agent's word (OPENED or REFUSED).
    pub async fn open(
        &self,
        _target: &TunnelKey,
        _origin: Origin,
    ) -> Result<TunnelStream, OpenError> {
        todo!()
    }
    /// A byte stream at once; a refusal shows as an `io::Error` around an [`OpenError`] at the first read or write.
    pub fn open_early(
        &self,
        _target: &TunnelKey,
        _origin: Origin,
    ) -> Result<TunnelStream, OpenError> {
        todo!()
    }
    /// The ports wanted from an agent, pushed live.
    pub fn set_routes(&self, _agent: &AgentLabel, _routes: Vec<RouteAnnouncement>) {
        todo!()
    }
    /// What is known about an agent.
    #[must_use]
    pub fn status(&self, _agent: &AgentLabel) -> AgentStatus {
        todo!()
    }
    /// Closes all carriers and streams of an agent at once.
    pub fn evict(&self, _agent: &AgentLabel, _code: CloseCode) {
        todo!()
    }
    /// A number that changes whenever any agent's status did.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        todo!()
    }
    /// GOAWAY to all, then waits until streams ended or `grace` passed, then closes.
    pub async fn shutdown(&self, _retry_after: Duration, _grace: Duration) {
        todo!()
    }
}
