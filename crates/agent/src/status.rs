//! What a running agent says about itself.

use std::net::SocketAddr;
use std::path::PathBuf;

use portlama_model::{AgentLabel, Domain, Hostname, OriginScheme, Timestamp, TunnelPort};
use portlama_tunnel::{ConnectorStatus, Detail, PortState, RouteStatus};
use serde::{Deserialize, Serialize};

/// How long before its end a certificate is warned about.
pub const CERTIFICATE_WARNING: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// The answer to [`Ask::Status`](crate::Ask::Status).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentReport {
    /// The agent's name on this machine.
    pub label: AgentLabel,
    /// Its name at the server.
    pub agent_label: AgentLabel,
    /// The server's panel.
    pub panel_url: String,
    /// The server's base domain, once known.
    pub domain: Option<Domain>,
    /// The process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Where the program was when it started.
    #[serde(default)]
    pub program: PathBuf,
    /// Whether another program lies there since.
    #[serde(default)]
    pub program_replaced: bool,
    /// Since when the process runs.
    pub started_at: Timestamp,
    /// The tunnel connection.
    pub connection: ConnectionReport,
    /// When the agent's certificate ends.
    pub certificate_expires_at: Timestamp,
    /// When it is renewed, or the renewal tried again; `None` when it has ended.
    #[serde(default)]
    pub certificate_renewal_at: Option<Timestamp>,
    /// Why the last attempt to renew it failed.
    #[serde(default)]
    pub certificate_failure: Option<String>,
    /// Where its key is kept: `file` or `system`.
    #[serde(default)]
    pub key_store: String,
    /// What to know about the certificate before it ends.
    pub certificate_warning: Option<String>,
    /// Why the allow-list cannot be believed, and so nothing is forwarded.
    pub allow_list_error: Option<String>,
    /// Whether every port of this machine is allowed.
    pub allow_loopback: bool,
    /// What the server wants from this agent, by port.
    pub tunnels: Vec<TunnelReport>,
}

/// The tunnel connection as the agent sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReport {
    /// Whether it stands.
    pub connected: bool,
    /// Since when.
    pub connected_since: Option<Timestamp>,
    /// `tls` or `websocket`.
    pub transport: Option<String>,
    /// Connections it consists of.
    pub carriers: usize,
    /// Round trip, milliseconds.
    pub rtt_ms: Option<f64>,
    /// The server's version.
    pub server_version: Option<String>,
    /// The address reached last.
    pub server_address: Option<SocketAddr>,
    /// Why the last attempt failed or the last connection ended.
    pub last_error: Option<String>,
}

/// One port the server wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelReport {
    /// The port.
    pub port: TunnelPort,
    /// The tunnel's host name, when the panel told it.
    pub fqdn: Option<Hostname>,
    /// How the service is spoken to.
    pub scheme: OriginScheme,
    /// Where the port leads at home; `None` when it is shut.
    pub target: Option<String>,
    /// How the service fares.
    pub state: TunnelState,
    /// Since when; `None` when it has just been found out.
    pub since: Option<Timestamp>,
    /// More about it, for people.
    pub detail: Option<String>,
    /// Open streams.
    pub streams: usize,
}

/// How a service behind the agent fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TunnelState {
    /// It answers.
    Ready,
    /// The agent's list does not hold the port.
    NotAllowedAtHome,
    /// It does not answer.
    OriginRefused,
    /// Not measured yet.
    Unknown,
}

impl From<PortState> for TunnelState {
    fn from(state: PortState) -> Self {
        match state {
            PortState::Ready => Self::Ready,
            PortState::NotAllowed => Self::NotAllowedAtHome,
            PortState::OriginRefused => Self::OriginRefused,
        }
    }
}

impl From<&ConnectorStatus> for ConnectionReport {
    fn from(status: &ConnectorStatus) -> Self {
        Self {
            connected: status.connected_since.is_some(),
            connected_since: status.connected_since,
            transport: status.transport.map(|kind| kind.to_string()),
            carriers: status.carriers,
            rtt_ms: status
                .rtt
                .map(|rtt| (rtt.as_secs_f64() * 100_000.0).round() / 100.0),
            server_version: status.server_version.clone(),
            server_address: status.last_good,
            last_error: status.last_error.clone(),
        }
    }
}

impl TunnelReport {
    /// Puts a fresh measurement in place of what was known.
    pub(crate) fn measured(&mut self, state: PortState, detail: &Detail) {
        let state = TunnelState::from(state);
        if self.state != state {
            self.state = state;
            self.since = None;
        }
        self.detail = Some(detail.to_string()).filter(|text| !text.is_empty());
    }

    /// What is known of one port from the connector; the rest is the caller's.
    pub(crate) fn of(port: TunnelPort, route: &RouteStatus) -> Self {
        let report = route.report.as_ref();
        let detail = report.map(|report| report.detail.to_string());
        Self {
            port,
            fqdn: None,
            scheme: route.scheme,
            target: None,
            state: report.map_or(TunnelState::Unknown, |report| report.state.into()),
            since: report.map(|report| report.since),
            detail: detail.filter(|text| !text.is_empty()),
            streams: 0,
        }
    }
}

/// What to tell the owner of a certificate that ends at `expires_at`; `None` while it is far
/// from its end.
#[must_use]
pub fn certificate_warning(
    label: &AgentLabel,
    expires_at: Timestamp,
    now: Timestamp,
) -> Option<String> {
    if expires_at <= now {
        return Some(format!(
            "the certificate of {label} ended at {expires_at}: revoke {label} in the panel, get a new token for it there and run `portlama agent setup` again"
        ));
    }
    let left = expires_at.since(now);
    (left < CERTIFICATE_WARNING).then(|| {
        let days = left.as_secs() / (24 * 3600);
        format!("the certificate of {label} ends in {days} days, at {expires_at}, and could not be renewed: the panel must be reachable from here before that day")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_certificate_is_warned_about_before_its_end_and_not_long_before() {
        let label: AgentLabel = "attic".parse().expect("valid");
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(certificate_warning(&label, now.plus(day * 31), now), None);
        let soon =
            certificate_warning(&label, now.plus(day * 29 + day / 2), now).expect("a warning");
        assert!(soon.contains("29 days"), "{soon}");
        let over = certificate_warning(&label, now.minus(day), now).expect("a warning");
        assert!(over.contains("ended"), "{over}");
    }
}
