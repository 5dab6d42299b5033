//! The running agent: connected for ever, following its list, answering its owner.

mod list;
mod panel;
mod program;
mod renewal;
mod report;
mod waiting;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use portlama_api::client::PanelClient;
use portlama_control_socket::ControlSocket;
use portlama_model::{Hostname, Timestamp, TunnelPort};
use portlama_tunnel::{
    Connector, ConnectorConfig, ConnectorStatus, DEFAULT_CARRIERS, Recheck, Renewal, Transport,
    WebSocketConfig,
};
use rustls::pki_types::ServerName;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::carrier_tls;
use crate::dialer::Dialer;
use crate::directory::{AgentConfig, AgentDir, TunnelServer};
use crate::gate::Gate;
use crate::identity::{Beginning, Identity};
use crate::panel::{self as panel_client, PanelError};
use crate::proxy::ProxySettings;
use crate::status::certificate_warning;
use portlama_files::FileError;

pub use list::LIST_POLL;
pub use panel::{
    REFRESH_INTERVAL, REFRESH_RETRY_FIRST, REFRESH_RETRY_LONGEST, REFRESH_TIMEOUT, WARNING_INTERVAL,
};
pub use renewal::RENEWAL_ANSWER_TIMEOUT;
pub use report::{MEASURE_TIMEOUT, MEASUREMENTS};
pub use waiting::{KEY_RETRY_FIRST, KEY_RETRY_LONGEST};

/// How an agent is run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Which way carriers take; as the agent's configuration says when absent.
    pub transport: Option<Transport>,
    /// The proxy on the way, if any.
    pub proxy: Option<ProxySettings>,
}

/// Why an agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file, or the lock.
    #[error(transparent)]
    File(#[from] FileError),
    /// The identity, or the panel's address.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// The cryptographic library refused.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The server's name in the configuration.
    #[error("`{0}` in the configuration is not a host name")]
    ServerName(String),
}

/// Runs an agent until `shutdown`: keeps it connected, forwards what its list allows, and
/// answers on its socket. Being offline is no error; it is told in log and status.
///
/// # Errors
/// When it cannot begin.
pub async fn run(
    agent: AgentDir,
    options: RunOptions,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let _lock = agent.lock()?;
    let Some(running) = waiting::load(agent, options, &shutdown).await? else {
        return Ok(());
    };
    let running = Arc::new(running);
    running.reload();
    running.warn_about_certificate();
    let mut tasks = JoinSet::new();
    match ControlSocket::bind(&running.agent.socket_path()) {
        Ok(socket) => drop(tasks.spawn(socket.serve(running.clone(), shutdown.clone()))),
        Err(error) => {
            warn!(%error, "`portlama agent status` will not work: its socket cannot be made")
        }
    }
    tasks.spawn(running.clone().follow_list());
    tasks.spawn(running.clone().follow_panel());
    tasks.spawn(running.clone().keep_certificate());
    let result = running.stay_connected(&shutdown).await;
    tasks.shutdown().await;
    result
}

struct Running {
    agent: AgentDir,
    transport: Transport,
    proxy: Option<ProxySettings>,
    gate: Arc<Gate>,
    dialer: Arc<Dialer>,
    started_at: Timestamp,
    program: program::Program,
    now: Mutex<Present>,
    refresh: Notify,
    server_changed: Notify,
    /// Wakes the renewal of the certificate.
    renew: Notify,
    /// Counts attempts to renew it.
    renewed: watch::Sender<u64>,
}

/// What changes while the agent runs.
struct Present {
    config: AgentConfig,
    identity: Arc<Identity>,
    panel: Arc<PanelClient>,
    renewing: renewal::Renewing,
    names: BTreeMap<TunnelPort, Hostname>,
    loopback: bool,
    list_seen: Option<list::Stamp>,
    link: Option<Link>,
    panel_error: Option<String>,
}

/// A running connector.
struct Link {
    status: watch::Receiver<ConnectorStatus>,
    recheck: Recheck,
    renewal: Renewal,
}

impl Present {
    fn certificate_warning(&self) -> Option<String> {
        certificate_warning(&self.config.label, self.identity.expires_at(), wall_clock())
    }
}

impl Running {
    fn load(agent: AgentDir, options: RunOptions) -> Result<Self, RunError> {
        let config = agent.config()?;
        let RunOptions { transport, proxy } = options;
        let transport = transport.unwrap_or(config.transport);
        let Beginning {
            identity,
            next,
            asks_again,
        } = panel_client::begin(&agent)?;
        let panel = panel_client::client(&agent, &identity, proxy.as_ref())?;
        let present = Present {
            config,
            identity: Arc::new(identity),
            panel: Arc::new(panel.with_timeout(REFRESH_TIMEOUT)),
            renewing: renewal::Renewing::with(next, asks_again),
            names: BTreeMap::new(),
            loopback: false,
            list_seen: None,
            link: None,
            panel_error: None,
        };
        let gate = Arc::new(Gate::default());
        Ok(Self {
            agent,
            transport,
            proxy,
            dialer: Arc::new(Dialer::new(gate.clone())),
            gate,
            started_at: wall_clock(),
            program: program::Program::of_this_process(),
            now: Mutex::new(present),
            refresh: Notify::new(),
            server_changed: Notify::new(),
            renew: Notify::new(),
            renewed: watch::Sender::new(0),
        })
    }

    async fn stay_connected(&self, shutdown: &CancellationToken) -> Result<(), RunError> {
        while !shutdown.is_cancelled() {
            let Some(server) = self.server() else {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = self.server_changed.notified() => {}
                }
                continue;
            };
            info!(server = %server.host, "connecting");
            self.learn_server_addresses();
            let connector = self.connector(&server)?;
            let status = connector.status();
            let stop = shutdown.child_token();
            let mut connected = Box::pin(connector.run(stop.clone()));
            tokio::select! {
                () = &mut connected => continue,
                () = self.follow_status(status) => {}
                () = self.server_other_than(&server) => info!("the server's address changed"),
            }
            stop.cancel();
            connected.await;
        }
        Ok(())
    }

    fn server(&self) -> Option<TunnelServer> {
        self.now.lock().config.tunnel_server.clone()
    }

    async fn server_other_than(&self, server: &TunnelServer) {
        while self.server().as_ref() == Some(server) {
            self.server_changed.notified().await;
        }
    }

    /// A connector as whoever the agent is at this moment, known to whoever renews that.
    fn connector(&self, server: &TunnelServer) -> Result<Connector, RunError> {
        let mut present = self.now.lock();
        let config = self.connector_config(server, &present)?;
        let connector = Connector::new(config, self.dialer.clone());
        present.link = Some(Link {
            status: connector.status(),
            recheck: connector.recheck(),
            renewal: connector.renewal(),
        });
        Ok(connector)
    }

    fn connector_config(
        &self,
        server: &TunnelServer,
        present: &Present,
    ) -> Result<ConnectorConfig, RunError> {
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| RunError::ServerName(server.host.clone()))?;
        let mut addresses = vec![(server.host.clone(), server.port)];
        // Before DNS knows the domain, the panel's bare address leads to the same machine.
        let panel = present.panel.url().host();
        if panel.parse::<IpAddr>().is_ok() {
            addresses.push((panel.to_owned(), server.port));
        }
        Ok(ConnectorConfig {
            addresses,
            last_good: present.config.last_good_address,
            server_name: name,
            tls: carrier_tls::carrier(&present.identity)?,
            websocket: self.websocket(&present.identity)?,
            transport: self.transport,
            proxy: self
                .proxy
                .as_ref()
                .and_then(|proxy| proxy.on_the_way_to(&server.host)),
            carriers: DEFAULT_CARRIERS,
            software: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    fn websocket(&self, identity: &Identity) -> Result<Option<WebSocketConfig>, rustls::Error> {
        match self.transport {
            Transport::Tls => Ok(None),
            Transport::Auto | Transport::WebSocket => carrier_tls::websocket(identity).map(Some),
        }
    }

    /// Tells the log what the connection does, keeps the address that worked, and asks the panel
    /// for the names of new ports.
    async fn follow_status(&self, mut status: watch::Receiver<ConnectorStatus>) {
        let mut before = ConnectorStatus::default();
        loop {
            let now = status.borrow_and_update().clone();
            log_change(&before, &now);
            if now.last_good.is_some() && now.last_good != self.now.lock().config.last_good_address
            {
                self.change_config(|config| config.last_good_address = now.last_good);
                self.learn_server_addresses();
            }
            if now
                .routes
                .keys()
                .any(|port| !self.now.lock().names.contains_key(port))
                && before.routes != now.routes
            {
                self.refresh.notify_one();
            }
            before = now;
            if status.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    fn learn_server_addresses(&self) {
        let (panel, reached) = {
            let present = self.now.lock();
            let reached = present.config.last_good_address;
            (
                present.panel.url().host().parse().ok(),
                reached.map(|address| address.ip()),
            )
        };
        // Behind a proxy the address reached is the proxy's, which is no more the agent's
        // business than the server is.
        self.gate
            .set_server(panel.into_iter().chain(reached).collect());
    }

    fn warn_about_certificate(&self) {
        let warning = self.now.lock().certificate_warning();
        if let Some(warning) = warning {
            warn!("{warning}");
        }
    }
}

fn log_change(before: &ConnectorStatus, now: &ConnectorStatus) {
    match (before.connected_since, now.connected_since) {
        (None, Some(_)) => {
            let transport = now
                .transport
                .map(|kind| kind.to_string())
                .unwrap_or_default();
            info!(
                transport,
                server_version = now.server_version.as_deref(),
                "connected"
            );
        }
        (Some(_), None) => info!(error = now.last_error.as_deref(), "connection lost"),
        (None, None) if before.last_error != now.last_error => {
            if let Some(error) = &now.last_error {
                info!(error, "not connected; trying again");
            }
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
}

/// The one place of this crate that reads the wall clock.
fn wall_clock() -> Timestamp {
    SystemTime::now().into()
}
