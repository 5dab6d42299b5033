//! The native data plane as the binary wires it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use portlama_control::http::{CarrierSink, Handler};
use portlama_control::{
    Activation, BoxFuture, ChallengeStore, Control, DataPlane, HostCertificates, Live,
    PrepareError, SessionToken, Upstreams,
};
use portlama_model::{Desired, Hostname};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::site::Sites;
use crate::table::{Prepared, Shared, Surroundings, Table};
use crate::tls::{self, Door};
use crate::{limits, listen};

/// What the edge is told and cannot find in the desire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeConfig {
    /// The port of `https://<host>` as visitors type it.
    pub https_port: u16,
    /// The port of `https://<ip>` as the admin types it.
    pub panel_port: u16,
    /// Where the files of static sites lie, each site's in a folder named by its id.
    pub sites_dir: PathBuf,
}

/// The sessions of visitors on app hosts, as far as the edge carries them. Control decides.
pub trait HostSessions: Send + Sync {
    /// Turns a sign-in code into a session of `host`; `nonce` is the cookie of the browser
    /// that began the sign-in.
    fn redeem<'a>(
        &'a self,
        code: &'a str,
        host: &'a Hostname,
        nonce: &'a str,
    ) -> BoxFuture<'a, Option<SessionToken>>;

    /// Ends the sign-in behind a session, everywhere.
    fn sign_out_host<'a>(&'a self, host: &'a Hostname, token: &'a str) -> BoxFuture<'a, ()>;
}

impl HostSessions for Control {
    fn redeem<'a>(
        &'a self,
        code: &'a str,
        host: &'a Hostname,
        nonce: &'a str,
    ) -> BoxFuture<'a, Option<SessionToken>> {
        Box::pin(Control::redeem(self, code, host, nonce))
    }

    fn sign_out_host<'a>(&'a self, host: &'a Hostname, token: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(Control::sign_out_host(self, host, token))
    }
}

/// What stands above and beside the edge, wired by the binary.
pub struct Parts {
    /// Ways through the tunnels.
    pub upstreams: Arc<dyn Upstreams>,
    /// Answers on the panel zone.
    pub panel: Arc<dyn Handler>,
    /// Answers on `auth.<domain>`.
    pub portal: Arc<dyn Handler>,
    /// Takes agents' connections.
    pub carriers: Arc<dyn CarrierSink>,
    /// Sessions on app hosts.
    pub visits: Arc<dyn HostSessions>,
    /// Answers to challenges, where an authority asks for them.
    pub challenges: Option<Arc<dyn ChallengeStore>>,
}

/// The native data plane.
pub struct Edge {
    live: Arc<Live>,
    config: EdgeConfig,
    provider: Arc<CryptoProvider>,
    shared: Arc<Shared>,
    admission: Arc<Admission>,
    parts: OnceLock<Parts>,
    zones: Zones,
    sites: Arc<Sites>,
    visits: TaskTracker,
    cutting: CancellationToken,
}

/// The standing TLS configurations.
pub(crate) struct Zones {
    pub(crate) public: Arc<ServerConfig>,
    pub(crate) panel: Arc<ServerConfig>,
    pub(crate) tunnel: Arc<ServerConfig>,
}

impl Edge {
    /// Makes an edge that serves nothing until a desire is activated.
    #[must_use]
    pub fn new(live: Arc<Live>, config: EdgeConfig) -> Arc<Self> {
        let provider = tls::provider();
        let shared = Arc::new(Shared::new(live.clone(), provider.clone()));
        let trust = live.client_trust();
        let zones = Zones {
            public: tls::public_config(provider.clone(), shared.clone()),
            panel: tls::panel_config(provider.clone(), (*trust).clone(), shared.clone()),
            tunnel: tls::tunnel_config(provider.clone(), (*trust).clone(), shared.clone()),
        };
        Arc::new(Self {
            live,
            sites: Arc::new(Sites::new(config.sites_dir.clone())),
            config,
            provider,
            shared,
            admission: Arc::default(),
            parts: OnceLock::new(),
            zones,
            visits: TaskTracker::new(),
            cutting: CancellationToken::new(),
        })
    }

    /// Connects the rooms. Until then every request is answered with 503; the first call counts.
    pub fn attach(&self, parts: Parts) {
        // A second set of rooms would be a mistake of the binary; the first keeps working.
        let _ = self.parts.set(parts);
    }

    /// Serves the public port until `shutdown`, then lets what is open end within
    /// [`SHUTDOWN_GRACE`](limits::SHUTDOWN_GRACE).
    pub async fn serve_https(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        let sweeper = sweep(self.shared.clone());
        tokio::select! {
            () = listen::serve(self, Door::Https, listener, shutdown) => {}
            () = sweeper => {}
        }
    }

    /// Serves the panel's own port until `shutdown`, like [`serve_https`](Self::serve_https).
    pub async fn serve_panel(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        listen::serve(self, Door::Panel, listener, shutdown).await;
    }

    /// Waits, after the stop, until no connection carries an answer of HTTP any more. What has
    /// become a WebSocket or carries a tunnel is not waited for.
    pub async fn visits_ended(&self) {
        self.visits.close();
        self.visits.wait().await;
    }

    /// Ends every connection that is left.
    pub fn cut(&self) {
        self.cutting.cancel();
    }

    pub(crate) fn visits(&self) -> &TaskTracker {
        &self.visits
    }

    pub(crate) fn cutting(&self) -> &CancellationToken {
        &self.cutting
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    pub(crate) fn config(&self) -> &EdgeConfig {
        &self.config
    }

    pub(crate) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    pub(crate) fn parts(&self) -> Option<&Parts> {
        self.parts.get()
    }

    pub(crate) fn sites(&self) -> &Arc<Sites> {
        &self.sites
    }

    pub(crate) fn zones(&self) -> &Zones {
        &self.zones
    }
}

impl DataPlane for Edge {
    fn prepare(
        &self,
        desired: Arc<Desired>,
        certificates: &Arc<HostCertificates>,
    ) -> Result<Box<dyn Activation>, PrepareError> {
        let surroundings = Surroundings {
            provider: &self.provider,
            live: &self.live,
            https_port: self.config.https_port,
        };
        let table = Table::of(desired, certificates, &self.shared.table(), &surroundings)?;
        Ok(Box::new(Prepared {
            shared: self.shared.clone(),
            table,
        }))
    }
}

/// Lets go of connections to services that nobody uses.
async fn sweep(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(limits::UPSTREAM_SWEEP);
    loop {
        tick.tick().await;
        for pool in shared.table().pools() {
            pool.sweep();
        }
    }
}
