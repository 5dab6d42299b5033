//! How the running server is.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use portlama_control::{
    CertificateKind, CertificateStatus, CertificateView, ServiceName, ServiceStatus, ServiceView,
};
use portlama_model::{Domain, OnboardingStatus, Timestamp};
use serde::{Deserialize, Serialize};

use super::answer::Local;

/// Less room than this is told: half of what an upgrade with its snapshot and a day of logs take.
const LOW_DISK_BYTES: u64 = 256 * 1024 * 1024;

/// What `portlama server status` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Whether a server runs.
    pub(crate) running: bool,
    /// Whether it does its work: it answers at its own ports, and no part of it has failed.
    pub(crate) healthy: bool,
    /// The program's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    /// Since when it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
    /// Where its state lies.
    pub(crate) state_dir: PathBuf,
    /// The address it is known by.
    pub(crate) address: IpAddr,
    /// The base domain.
    pub(crate) domain: Option<Domain>,
    /// How far the first set-up has come.
    pub(crate) set_up: OnboardingStatus,
    /// Where it listens; each was asked and answered when it is healthy.
    pub(crate) listening: Vec<SocketAddr>,
    /// Its agents.
    pub(crate) agents: Agents,
    /// The certificate that ends first.
    pub(crate) next_expiry: Option<Expiry>,
    /// What somebody should look at.
    pub(crate) warnings: Vec<String>,
}

/// How many agents there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agents {
    /// With a connection.
    pub(crate) connected: usize,
    /// That may connect.
    pub(crate) enrolled: usize,
}

/// A certificate and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Expiry {
    /// Whose it is.
    pub(crate) name: String,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
}

impl Report {
    /// The present state of the running server.
    pub(super) async fn of(local: &Local) -> Self {
        let control = &local.control;
        let desired = control.live().desired();
        let agents = control.agents();
        let certificates = control.certificates().await;
        let services = control.services().await;

        let mut problems = failed_parts(&services);
        problems.extend(control.knock().await.err());
        if !control.make_durable().await {
            problems.push(
                "a revocation acts, but could not be written down: free some space on the disk"
                    .to_owned(),
            );
        }
        let healthy = problems.is_empty();
        let mut warnings = problems;
        warnings.extend(failed_units(&services));
        warnings.extend(certificates.iter().filter_map(ends_badly));
        if let Ok(stats) = control.machine_stats().await
            && stats.disk_free < LOW_DISK_BYTES
        {
            let mebibytes = stats.disk_free / (1024 * 1024);
            warnings.push(format!("only {mebibytes} MiB of the disk are free"));
        }
        Self {
            running: true,
            healthy,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            pid: Some(std::process::id()),
            since: Some(local.since),
            state_dir: local.state_dir.clone(),
            address: desired.ip,
            domain: desired.domain.clone(),
            set_up: desired.onboarding,
            listening: local.listening.clone(),
            agents: Agents {
                connected: agents.iter().filter(|agent| agent.connected).count(),
                enrolled: agents.iter().filter(|agent| !agent.entry.revoked).count(),
            },
            next_expiry: certificates.iter().find_map(expiry),
            warnings,
        }
    }
}

fn failed_parts(services: &[ServiceView]) -> Vec<String> {
    failed(services, |name| matches!(name, ServiceName::Part(_)))
}

fn failed_units(services: &[ServiceView]) -> Vec<String> {
    failed(services, |name| matches!(name, ServiceName::Unit(_)))
}

fn failed(services: &[ServiceView], of_kind: impl Fn(ServiceName) -> bool) -> Vec<String> {
    let failed = services
        .iter()
        .filter(|service| of_kind(service.name) && service.status == ServiceStatus::Failed);
    failed
        .map(|service| {
            let why = service.detail.as_deref().unwrap_or("it has failed");
            format!("{}: {why}", service.name.as_str())
        })
        .collect()
}

/// The certificates come in the order in which they end.
fn expiry(view: &CertificateView) -> Option<Expiry> {
    Some(Expiry {
        name: name_of(view),
        expires_at: view.expires_at?,
    })
}

fn name_of(view: &CertificateView) -> String {
    match (view.kind, &view.host) {
        (_, Some(host)) => host.to_string(),
        (CertificateKind::Admin, None) => "the admin's certificate".to_owned(),
        (_, None) => "the server's authority".to_owned(),
    }
}

/// What must be said of a certificate. Those of hosts renew themselves; the admin's does not.
fn ends_badly(view: &CertificateView) -> Option<String> {
    let name = name_of(view);
    match &view.state {
        Some(state) => {
            let why = state
                .failure
                .as_ref()
                .map(|failure| failure.message.as_str());
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            match state.status {
                CertificateStatus::Good => None,
                CertificateStatus::Failing => Some(format!("{name}: no new certificate{why}")),
                CertificateStatus::Expired => {
                    Some(format!("{name}: its certificate has ended{why}"))
                }
                CertificateStatus::Pending => Some(format!("{name}: no certificate yet{why}")),
            }
        }
        None if view.expiring_soon => Some(match view.kind {
            CertificateKind::Admin => {
                format!("{name} ends soon: rotate it in the panel")
            }
            CertificateKind::Authority | CertificateKind::Public | CertificateKind::Internal => {
                format!("{name} ends soon")
            }
        }),
        None => None,
    }
}
