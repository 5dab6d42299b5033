//! Keeping names and addresses as the panel has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portlama_model::{Hostname, TunnelPort};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::{Running, wall_clock};
use crate::directory::{AgentConfig, TunnelServer};
use crate::setup::in_one_line;
use crate::socket::{ConfigChange, REFRESH_QUESTION_TIMEOUT, Refreshed};

/// How often the panel is asked for names and addresses while all is well. Ports come by the
/// tunnel at once; this is for what seldom changes.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(600);
/// The first pause before the panel is asked again, while the tunnel's address is unknown.
pub const REFRESH_RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause: an owner who has just finished the server's set-up is waiting.
pub const REFRESH_RETRY_LONGEST: Duration = Duration::from_secs(15);
/// How long one question to the panel may take.
pub const REFRESH_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an owner waits for the panel: less than for the agent.
const OWNER_PATIENCE: Duration = REFRESH_QUESTION_TIMEOUT.saturating_sub(Duration::from_secs(2));
/// How often a certificate near its end is warned about.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 3600);

impl Running {
    /// Asks at once, then now and then, and whenever a port without a name appears.
    pub(super) async fn follow_panel(self: Arc<Self>) {
        let mut retry = REFRESH_RETRY_FIRST;
        let mut warned_at = Instant::now();
        loop {
            // What went wrong is told where it is found out.
            let _ = self.ask_panel().await;
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

    /// Asks because the owner wants to know, and says what is different.
    pub(super) async fn refresh_now(&self) -> Refreshed {
        let (error, changes) = match timeout(OWNER_PATIENCE, self.ask_panel()).await {
            Ok(Ok(changes)) => (None, changes),
            Ok(Err(error)) => (Some(error), Vec::new()),
            Err(_) => (
                Some("the panel has not answered yet".to_owned()),
                Vec::new(),
            ),
        };
        Refreshed { error, changes }
    }

    async fn ask_panel(&self) -> Result<Vec<ConfigChange>, String> {
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
                now.panel_error = Some(error.clone());
                return Err(error);
            }
        };
        let server = TunnelServer::from(found.tunnel_server);
        let names: BTreeMap<_, _> = found
            .tunnels
            .into_iter()
            .map(|tunnel| (tunnel.port, tunnel.fqdn))
            .collect();
        let (of_config, of_tunnels) = {
            let mut now = self.now.lock();
            now.panel_error = None;
            let of_tunnels = changed_tunnels(&now.names, &names);
            now.names = names;
            (now.config.differs_from(&found.domain, &server), of_tunnels)
        };
        if !of_config.is_empty() {
            self.change_config(|config| {
                config.domain = Some(found.domain.clone());
                config.tunnel_server = Some(server.clone());
            });
            self.server_changed.notify_one();
        }
        Ok([of_config, of_tunnels].concat())
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

fn changed_tunnels(
    before: &BTreeMap<TunnelPort, Hostname>,
    after: &BTreeMap<TunnelPort, Hostname>,
) -> Vec<ConfigChange> {
    let gone = before
        .iter()
        .filter(|(port, fqdn)| after.get(port) != Some(fqdn))
        .map(|(port, fqdn)| ConfigChange::TunnelRemoved {
            port: *port,
            fqdn: fqdn.clone(),
        });
    let new = after
        .iter()
        .filter(|(port, fqdn)| before.get(port) != Some(fqdn))
        .map(|(port, fqdn)| ConfigChange::TunnelAdded {
            port: *port,
            fqdn: fqdn.clone(),
        });
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_that_moved_is_gone_and_new() {
        let names = |pairs: &[(u16, &str)]| -> BTreeMap<TunnelPort, Hostname> {
            let pairs = pairs.iter().map(|(port, name)| {
                let port = TunnelPort::try_from(*port).expect("a port");
                (port, name.parse().expect("a name"))
            });
            pairs.collect()
        };
        let before = names(&[(8400, "wiki.lab.test"), (8401, "films.lab.test")]);
        assert_eq!(changed_tunnels(&before, &before), []);
        let after = names(&[(8400, "notes.lab.test"), (8401, "films.lab.test")]);
        let port = TunnelPort::try_from(8400).expect("a port");
        let (old, new) = (before[&port].clone(), after[&port].clone());
        assert_eq!(
            changed_tunnels(&before, &after),
            [
                ConfigChange::TunnelRemoved { port, fqdn: old },
                ConfigChange::TunnelAdded { port, fqdn: new },
            ]
        );
    }
}
