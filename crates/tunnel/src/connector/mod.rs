//! The agent's end: keeps carriers up, for ever, and serves the streams the server asks for.

mod backoff;
mod config;
mod serve;
mod shared;
mod slot;
mod survey;

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::dial::{Dial, NetDialer};
use crate::{ConnectorStatus, OriginDialer};

pub use config::{ConnectorConfig, Transport, WebSocketConfig};
use shared::Shared;

/// Keeps the agent connected and serves its streams.
pub struct Connector {
    shared: Arc<Shared>,
    network: Option<Arc<NetDialer>>,
}

impl Connector {
    /// A connector over the network, not yet running. Its instance id is new: two connectors
    /// are two processes for the server.
    #[must_use]
    pub fn new(config: ConnectorConfig, origins: Arc<dyn OriginDialer>) -> Self {
        let dialer = Arc::new(NetDialer::new(&config));
        let (transport, carriers) = (config.transport, config.carriers);
        let software = &config.software;
        Self {
            network: Some(dialer.clone()),
            ..Self::with_dial(dialer, transport, carriers, software, origins)
        }
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
        Self {
            shared: Arc::new(Shared::new(dial, transport, carriers, software, origins)),
            network: None,
        }
    }

    /// The status, live.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<ConnectorStatus> {
        self.shared.status.subscribe()
    }

    /// Asks for a new measurement of all services, for when the agent's own list changed.
    #[must_use]
    pub fn recheck(&self) -> Recheck {
        Recheck(self.shared.recheck.clone())
    }

    /// Lets a running connector show another certificate.
    #[must_use]
    pub fn renewal(&self) -> Renewal {
        Renewal {
            shared: self.shared.clone(),
            network: self.network.clone(),
        }
    }

    /// Runs until `shutdown`, then lets open streams end for
    /// [`AGENT_GRACE`](crate::limits::AGENT_GRACE).
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.shared;
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

/// Lets a running connector show another certificate, and cuts nothing.
#[derive(Clone)]
pub struct Renewal {
    shared: Arc<Shared>,
    network: Option<Arc<NetDialer>>,
}

impl Renewal {
    /// Shows this from here on, as [`redial`](Self::redial) says.
    pub fn show(&self, tls: &Arc<ClientConfig>, websocket: Option<&WebSocketConfig>) {
        if let Some(network) = &self.network {
            network.show(tls, websocket);
        }
        self.redial();
    }

    /// Replaces all carriers. Those that stand serve until the first new one lives; from then on
    /// they take no new streams, and each ends with its last one.
    pub fn redial(&self) {
        self.shared.redial();
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
