//! Keeping names and addresses as the panel has them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::{Running, wall_clock};
use crate::directory::{AgentConfig, TunnelServer};
use crate::setup::in_one_line;

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

impl Running {
    /// Asks at once, then now and then, and whenever a port without a name appears.
    pub(super) async fn follow_panel(self: Arc<Self>) {
        let mut retry = REFRESH_RETRY_FIRST;
        let mut warned_at = Instant::now();
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
            sleep(REFRESH_RETRY_FIRST).await;
            let _ = timeout(
                pause.saturating_sub(REFRESH_RETRY_FIRST),
                self.refresh.notified(),
            )
            .await;
            if warned_at.elapsed() >= WARNING_INTERVAL {
                warned_at = Instant::now();
                self.warn_about_certificate();
            }
        }
    }

    async fn ask_panel(&self) {
        let panel = self.now.lock().panel.clone();
        let found = match panel.agent_config().await {
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
                .map(|tunnel| (tunnel.port, tunnel.fqdn))
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
    pub(super) fn change_config(&self, change: impl Fn(&mut AgentConfig)) {
        change(&mut self.now.lock().config);
        if let Err(error) = self.agent.change_config(wall_clock(), change) {
            warn!(
                error = in_one_line(&error),
                "the configuration could not be saved"
            );
        }
    }
}
