//! The running server's writer.

use std::path::Path;
use std::sync::Arc;

use portlama_model::CaFingerprint;
use portlama_tunnel::Hub;

use crate::{Clock, DataPlane, HostCertificate, Live, StartError, Upstreams};

/// What the server is told at its start and cannot find in its state.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The port of `https://<host>`, as visitors type it; left out of addresses when 443.
    pub https_port: u16,
    /// The port of `https://<ip>`, as the admin types it.
    pub panel_port: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            https_port: 443,
            panel_port: 9292,
        }
    }
}

/// The only writer of the state, and everything that can be done to a server.
pub struct Control {
    live: Arc<Live>,
}

impl Control {
    /// Opens the state directory, takes its lock, and serves what the state says.
    ///
    /// # Errors
    /// When the directory is in use, broken or newer than this program, or cannot be served.
    pub async fn start(
        state_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        make_plane: impl FnOnce(Arc<Live>) -> Arc<dyn DataPlane>,
    ) -> Result<Arc<Self>, StartError> {
        let _ = (state_dir, settings, clock, make_plane);
        std::future::ready(Err(StartError::Certificate("not there yet".into()))).await
    }

    /// What requests are judged against.
    #[must_use]
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The server's end of all tunnels.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        unimplemented!()
    }

    /// The ways through the tunnels.
    #[must_use]
    pub fn upstreams(&self) -> Arc<dyn Upstreams> {
        unimplemented!()
    }

    /// What our own programs pin.
    #[must_use]
    pub fn ca_fingerprint(&self) -> CaFingerprint {
        unimplemented!()
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        unimplemented!()
    }

    /// The certificate of our own authority for the server's address, `panel.` and `tunnel.`,
    /// shown to programs that pin it.
    #[must_use]
    pub fn panel_certificate(&self) -> Arc<HostCertificate> {
        unimplemented!()
    }

    /// Stops background tasks and writes down what is still in memory.
    pub async fn shutdown(&self) {
        std::future::ready(()).await;
    }
}
