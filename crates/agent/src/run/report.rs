//! Answering the owner.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use portlama_control_socket::{Answer, BoxFuture, Reply};
use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel::{Detail, OriginDialer, PortState};
use tokio::time::{Instant, timeout_at};

use super::{Running, wall_clock};
use crate::socket::{Ask, Reloaded};
use crate::status::{AgentReport, ConnectionReport, TunnelReport};

/// Services measured at the same time for one status.
pub const MEASUREMENTS: usize = 32;
/// How long measuring may hold up a status. What is not measured by then is told as it was
/// last known.
pub const MEASURE_TIMEOUT: Duration = Duration::from_secs(3);

impl Answer<Ask> for Running {
    fn answer(&self, question: Ask) -> BoxFuture<'_, io::Result<Reply>> {
        Box::pin(async move {
            match question {
                Ask::Status => Reply::of(&self.report().await),
                Ask::Reload => Reply::of(&Reloaded { cut: self.reload() }),
                Ask::Renew => Reply::of(&self.renew_now().await),
                Ask::Refresh => Reply::of(&self.refresh_now().await),
            }
        })
    }
}

impl Running {
    async fn report(&self) -> AgentReport {
        let mut report = self.report_as_known();
        let wanted = report
            .tunnels
            .iter()
            .map(|tunnel| (tunnel.port, tunnel.scheme));
        let measured = self.measure(wanted.collect()).await;
        for tunnel in &mut report.tunnels {
            if let Some((state, detail)) = measured.get(&tunnel.port) {
                tunnel.measured(*state, detail);
            }
        }
        report
    }

    async fn measure(
        &self,
        ports: Vec<(TunnelPort, OriginScheme)>,
    ) -> BTreeMap<TunnelPort, (PortState, Detail)> {
        let deadline = Instant::now() + MEASURE_TIMEOUT;
        let mut results = stream::iter(ports)
            .map(|(port, scheme)| async move { (port, self.dialer.probe(port, scheme).await) })
            .buffer_unordered(MEASUREMENTS);
        let mut measured = BTreeMap::new();
        while let Ok(Some((port, result))) = timeout_at(deadline, results.next()).await {
            measured.insert(port, result);
        }
        measured
    }

    fn report_as_known(&self) -> AgentReport {
        let renewal_at = self.next_attempt(wall_clock());
        let now = self.now.lock();
        let status = now
            .link
            .as_ref()
            .map(|link| link.status.borrow().clone())
            .unwrap_or_default();
        let mut connection = ConnectionReport::from(&status);
        if now.config.tunnel_server.is_none() {
            connection.last_error.clone_from(&now.panel_error);
        }
        let tunnels = status.routes.iter().map(|(port, route)| TunnelReport {
            fqdn: now.names.get(port).cloned(),
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
            program: self.program.path().to_owned(),
            program_replaced: self.program.is_replaced(),
            started_at: self.started_at,
            connection,
            certificate_expires_at: now.identity.expires_at(),
            certificate_renewal_at: renewal_at,
            certificate_failure: now.renewing.failure.clone(),
            certificate_warning: now.certificate_warning(),
            key_store: now.config.auth_method.clone(),
            allow_list_error: self.gate.error(),
            allow_loopback: now.loopback,
            tunnels: tunnels.collect(),
        }
    }
}
