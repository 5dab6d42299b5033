//! The running agent: connected for ever, following its list, answering its owner.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use portlama_api::client::PanelClient;
use portlama_model::{Subdomain, Timestamp, TunnelPort};
use portlama_tunnel::{
    Connector, ConnectorConfig, ConnectorStatus, DEFAULT_CARRIERS, Recheck, Transport,
};
use rustls::pki_types::ServerName;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::carrier_tls;
use crate::dialer::Dialer;
use crate::directory::{AgentConfig, AgentDir, TunnelServer};
use crate::files::FileError;
use crate::gate::Gate;
use crate::identity::Identity;
use crate::panel::{self, PanelError};
use crate::proxy::ProxySettings;
use crate::setup::in_one_line;
use crate::socket::{Answer, Ask, ControlSocket, Reloaded};
use crate::status::{AgentReport, ConnectionReport, TunnelReport, certificate_warning};

/// How often `allowed.json` is looked at. A denial must act within a moment, also one that was
/// written with an editor.
pub const LIST_POLL: Duration = Duration::from_secs(1);
/// How often the panel is asked for names and addresses while all is well. Ports come by the
/// tunnel at once; this is for what seldom changes.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(600);
/// The first pause before the panel is asked again, while the tunnel's address is unknown.
pub const REFRESH_RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause: an owner who has just finished the server's set-up is waiting.
pub const REFRESH_RETRY_LONGEST: Duration = Duration::from_secs(15);
/// How long one question to the panel may take.
pub const REFRESH_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a certificate near its end is warned about.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// How an agent is run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Which way carriers take.
    pub transport: Transport,
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
    let running = Arc::new(Running::load(agent, options)?);
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
    let result = running.stay_connected(&shutdown).await;
    tasks.shutdown().await;
    result
}

struct Running {
    agent: AgentDir,
    identity: Identity,
    options: RunOptions,
    panel: PanelClient,
    gate: Arc<Gate>,
    started_at: Timestamp,
    now: Mutex<Present>,
    refresh: Notify,
    server_changed: Notify,
}

/// What changes while the agent runs.
struct Present {
    config: AgentConfig,
    names: BTreeMap<TunnelPort, Subdomain>,
    loopback: bool,
    list_seen: Option<ListStamp>,
    connector: Option<(watch::Receiver<ConnectorStatus>, Recheck)>,
    panel_error: Option<String>,
}

/// Tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ListStamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Running {
    fn load(agent: AgentDir, options: RunOptions) -> Result<Self, RunError> {
        let config = agent.config()?;
        let identity = panel::load(&agent)?;
        let panel =
            panel::client(&agent, &identity, options.proxy.as_ref())?.with_timeout(REFRESH_TIMEOUT);
        let present = Present {
            config,
            names: BTreeMap::new(),
            loopback: false,
            list_seen: None,
            connector: None,
            panel_error: None,
        };
        Ok(Self {
            agent,
            identity,
            options,
            panel,
            gate: Arc::new(Gate::default()),
            started_at: wall_clock(),
            now: Mutex::new(present),
            refresh: Notify::new(),
            server_changed: Notify::new(),
        })
    }

    async fn stay_connected(&self, shutdown: &CancellationToken) -> Result<(), RunError> {
        let dialer = Arc::new(Dialer::new(self.gate.clone()));
        while !shutdown.is_cancelled() {
            let Some(server) = self.now.lock().config.tunnel_server.clone() else {
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = self.server_changed.notified() => continue,
                }
            };
            info!(server = %server.host, "connecting");
            self.learn_server_addresses();
            let connector = Connector::new(self.connector_config(&server)?, dialer.clone());
            let status = connector.status();
            self.now.lock().connector = Some((status.clone(), connector.recheck()));
            let stop = shutdown.child_token();
            let mut connected = Box::pin(connector.run(stop.clone()));
            tokio::select! {
                () = &mut connected => {}
                () = self.follow_status(status) => {}
                () = self.server_changed.notified() => info!("the server's address changed"),
            }
            stop.cancel();
            connected.await;
        }
        Ok(())
    }

    fn connector_config(&self, server: &TunnelServer) -> Result<ConnectorConfig, RunError> {
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| RunError::ServerName(server.host.clone()))?;
        let mut addresses = vec![(server.host.clone(), server.port)];
        // Before DNS knows the domain, the panel's bare address leads to the same machine.
        if self.panel.url().host().parse::<IpAddr>().is_ok() {
            addresses.push((self.panel.url().host().to_owned(), server.port));
        }
        let websocket = match self.options.transport {
            Transport::Tls => None,
            Transport::Auto | Transport::WebSocket => Some(carrier_tls::websocket(&self.identity)?),
        };
        Ok(ConnectorConfig {
            addresses,
            last_good: self.now.lock().config.last_good_address,
            server_name: name,
            tls: carrier_tls::carrier(&self.identity)?,
            websocket,
            transport: self.options.transport,
            proxy: self
                .options
                .proxy
                .as_ref()
                .and_then(|proxy| proxy.for_tunnel(&server.host)),
            carriers: DEFAULT_CARRIERS,
            software: env!("CARGO_PKG_VERSION").to_owned(),
        })
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
        let panel = self.panel.url().host().parse().ok();
        let reached = self
            .now
            .lock()
            .config
            .last_good_address
            .map(|address| address.ip());
        // Behind a proxy the address reached is the proxy's, which is no more the agent's
        // business than the server is.
        self.gate
            .set_server(panel.into_iter().chain(reached).collect());
    }

    /// Looks at the list once a second.
    async fn follow_list(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LIST_POLL).await;
            if self.list_stamp() != self.now.lock().list_seen {
                self.reload();
            }
        }
    }

    /// Reads the list and goes by it. A list that cannot be read shuts everything.
    fn reload(&self) -> usize {
        // One reader at a time, so that none puts an older list in place of a newer one; and the
        // stamp first, so that the next look sees a change in between.
        let mut now = self.now.lock();
        let stamp = self.list_stamp();
        let list = self.agent.allowed().read();
        now.list_seen = stamp;
        now.loopback = list.as_ref().is_ok_and(|list| list.loopback());
        let cut = match list {
            Ok(list) => self.gate.replace(list),
            Err(error) => {
                let error = in_one_line(&error);
                warn!(%error, "the allow-list cannot be believed: nothing is forwarded");
                self.gate.shut(error)
            }
        };
        if let Some((_, recheck)) = &now.connector {
            recheck.now();
        }
        if cut > 0 {
            info!(streams = cut, "cut what the list no longer allows");
        }
        cut
    }

    fn list_stamp(&self) -> Option<ListStamp> {
        let data = std::fs::metadata(self.agent.allowed().path()).ok()?;
        Some(ListStamp {
            inode: data.ino(),
            bytes: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
        })
    }

    /// Keeps names and the tunnel's address as the panel has them.
    async fn follow_panel(self: Arc<Self>) {
        let mut retry = REFRESH_RETRY_FIRST;
        let mut warned_at = tokio::time::Instant::now();
        loop {
            self.ask_panel().await;
            let pause = if self.now.lock().config.tunnel_server.is_some() {
                retry = REFRESH_RETRY_FIRST;
                REFRESH_INTERVAL
            } else {
                retry = (retry * 2).min(REFRESH_RETRY_LONGEST);
                retry
            };
            // Being asked for names never makes the panel busier than one question a second.
            tokio::time::sleep(REFRESH_RETRY_FIRST).await;
            let _ = timeout(
                pause.saturating_sub(REFRESH_RETRY_FIRST),
                self.refresh.notified(),
            )
            .await;
            if warned_at.elapsed() >= WARNING_INTERVAL {
                warned_at = tokio::time::Instant::now();
                self.warn_about_certificate();
            }
        }
    }

    async fn ask_panel(&self) {
        let found = match self.panel.agent_config().await {
            Ok(found) => found,
            Err(error) => {
                let error = in_one_line(&error);
                let mut now = self.now.lock();
                if now.config.tunnel_server.is_none() && now.panel_error.as_ref() != Some(&error) {
                    info!(%error, "waiting for the panel to tell where to connect");
                }
                debug!(%error, "the panel gave no configuration");
                now.panel_error = Some(error);
                return;
            }
        };
        let server = TunnelServer::from(found.tunnel_server);
        let changed = {
            let mut now = self.now.lock();
            now.panel_error = None;
            now.names = found
                .tunnels
                .into_iter()
                .map(|tunnel| (tunnel.port, tunnel.subdomain))
                .collect();
            now.config.tunnel_server.as_ref() != Some(&server)
                || now.config.domain.as_ref() != Some(&found.domain)
        };
        if changed {
            self.change_config(|config| {
                config.domain = Some(found.domain.clone());
                config.tunnel_server = Some(server.clone());
            });
            self.server_changed.notify_one();
        }
    }

    /// Changes the configuration here and on the disk. A disk that fails is logged and no more:
    /// what is in memory serves.
    fn change_config(&self, change: impl Fn(&mut AgentConfig)) {
        change(&mut self.now.lock().config);
        if let Err(error) = self.agent.change_config(wall_clock(), change) {
            warn!(
                error = in_one_line(&error),
                "the configuration could not be saved"
            );
        }
    }

    fn warn_about_certificate(&self) {
        if let Some(warning) = self.certificate_warning() {
            warn!("{warning}");
        }
    }

    fn certificate_warning(&self) -> Option<String> {
        certificate_warning(self.agent.label(), self.identity.expires_at(), wall_clock())
    }

    fn report(&self) -> AgentReport {
        let now = self.now.lock();
        let status = now
            .connector
            .as_ref()
            .map(|(status, _)| status.borrow().clone())
            .unwrap_or_default();
        let mut connection = ConnectionReport::from(&status);
        if now.config.tunnel_server.is_none() {
            connection.last_error.clone_from(&now.panel_error);
        }
        let tunnels = status.routes.iter().map(|(port, route)| TunnelReport {
            subdomain: now.names.get(port).cloned(),
            target: self.gate.target(*port).map(|target| target.to_string()),
            streams: self.gate.streams(*port),
            ..TunnelReport::of(*port, route)
        });
        AgentReport {
            label: now.config.label.clone(),
            agent_label: now.config.agent_label.clone(),
            panel_url: now.config.panel_url.clone(),
            domain: now.config.domain.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            connection,
            certificate_expires_at: self.identity.expires_at(),
            certificate_warning: self.certificate_warning(),
            allow_list_error: self.gate.error(),
            allow_loopback: now.loopback,
            tunnels: tunnels.collect(),
        }
    }
}

impl Answer for Running {
    fn answer(&self, question: Ask) -> io::Result<Vec<u8>> {
        Ok(match question {
            Ask::Status => serde_json::to_vec(&self.report())?,
            Ask::Reload => serde_json::to_vec(&Reloaded { cut: self.reload() })?,
        })
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
