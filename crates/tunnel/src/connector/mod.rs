//! The agent's end: keeps carriers up, for ever, and serves the streams the server asks for.

mod backoff;
mod config;
mod serve;
mod shared;
mod slot;
mod survey;

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::dial::{Dial, NetDialer};
use crate::{ConnectorStatus, OriginDialer};

pub use config::{ConnectorConfig, Transport, WebSocketConfig};
use shared::Shared;

/// Keeps the agent connected and serves its streams.
pub struct Connector(Arc<Shared>);

impl Connector {
    /// A connector over the network, not yet running. Its instance id is new: two connectors
    /// are two processes for the server.
    #[must_use]
    pub fn new(config: ConnectorConfig, origins: Arc<dyn OriginDialer>) -> Self {
        let dialer = Arc::new(NetDialer::new(&config));
        let (transport, carriers) = (config.transport, config.carriers);
        Self::with_dial(dialer, transport, carriers, &config.software, origins)
    }

    /// A connector over any other way to the server.
    #[must_use]
    pub fn with_dial(
        dial: Arc<dyn Dial>,
        transport: Transport,
        carriers: usize,
        software: &str,
        origins: Arc<dyn OriginDialer>,
    ) -> Self {
        Self(Arc::new(Shared::new(
            dial, transport, carriers, software, origins,
        )))
    }

    /// The status, live.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<ConnectorStatus> {
        self.0.status.subscribe()
    }

    /// Asks for a new measurement of all services, for when the agent's own list changed.
    #[must_use]
    pub fn recheck(&self) -> Recheck {
        Recheck(self.0.recheck.clone())
    }

    /// Runs until `shutdown`, then lets open streams end for
    /// [`AGENT_GRACE`](crate::limits::AGENT_GRACE).
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.0;
        let mut tasks = JoinSet::new();
        for slot in 0..shared.carriers_wanted {
            tasks.spawn(slot::keep_up(shared.clone(), slot));
        }
        tasks.spawn(survey::keep_surveying(shared.clone()));
        shutdown.cancelled().await;
        tasks.shutdown().await;
        shared.say_goodbye().await;
    }
}

/// Asks a running connector to measure all services again.
#[derive(Debug, Clone)]
pub struct Recheck(Arc<Notify>);

impl Recheck {
    /// Asks for it.
    pub fn now(&self) {
        self.0.notify_one();
    }
}
