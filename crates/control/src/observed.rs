//! What the world does to a tunnel: seen, never stored.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use portlama_model::{AgentLabel, State, Timestamp, Tunnel};
use portlama_tunnel::{AgentStatus, PortState};
use uuid::Uuid;

use crate::certifier::Standing;

/// How a tunnel is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TunnelStatus {
    /// Visitors are served.
    Serving,
    /// Its agent has no connection.
    AgentOffline,
    /// The service behind the agent refuses connections.
    OriginRefused,
    /// The host waits for its certificate.
    CertificatePending,
    /// No agent is assigned.
    NoAgent,
    /// The agent's own list does not hold the port.
    NotAllowedAtHome,
    /// Switched off.
    Disabled,
}

impl TunnelStatus {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::AgentOffline => "agent_offline",
            Self::OriginRefused => "origin_refused",
            Self::CertificatePending => "certificate_pending",
            Self::NoAgent => "no_agent",
            Self::NotAllowedAtHome => "not_allowed_at_home",
            Self::Disabled => "disabled",
        }
    }
}

/// What was seen of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) status: TunnelStatus,
    /// When it became so, where the one who saw it knows.
    pub(crate) since: Option<Timestamp>,
    pub(crate) detail: Option<String>,
}

impl Observation {
    fn new(status: TunnelStatus, since: Option<Timestamp>, detail: impl Into<String>) -> Self {
        Self {
            status,
            since,
            detail: Some(detail.into()).filter(|text: &String| !text.is_empty()),
        }
    }
}

/// Judges a tunnel by what is known; the first reason why visitors are not served wins.
pub(crate) fn observe<'t, 'a>(
    tunnel: &'t Tunnel,
    state: &State,
    certificate: Standing,
    agent: impl FnOnce(&'t AgentLabel) -> &'a AgentStatus,
) -> Observation {
    if !tunnel.enabled {
        return Observation::new(TunnelStatus::Disabled, None, "");
    }
    if let Standing::None(failure) = certificate {
        let since = failure.as_ref().map(|failure| failure.since);
        let words = failure.map(|failure| failure.message).unwrap_or_default();
        return Observation::new(TunnelStatus::CertificatePending, since, words);
    }
    let Some(label) = &tunnel.agent_label else {
        return Observation::new(
            TunnelStatus::NoAgent,
            None,
            "the first agent that enrols will serve it",
        );
    };
    if state.registry.live(label).is_none() {
        let detail = format!("agent `{label}` is not enrolled any more: choose another one");
        return Observation::new(TunnelStatus::NoAgent, None, detail);
    }
    judge_agent(tunnel, label, agent(label))
}

fn judge_agent(tunnel: &Tunnel, label: &AgentLabel, agent: &AgentStatus) -> Observation {
    let Some(connected) = agent.connected_since else {
        let detail = format!("agent `{label}` has no connection");
        return Observation::new(TunnelStatus::AgentOffline, agent.offline_since, detail);
    };
    match agent.reports.get(&tunnel.port) {
        None => {
            let detail = "the agent has not said yet whether the service answers";
            Observation::new(TunnelStatus::Serving, Some(connected), detail)
        }
        Some(report) => match report.state {
            PortState::Ready => Observation::new(
                TunnelStatus::Serving,
                Some(report.since.max(connected)),
                report.detail.as_str(),
            ),
            PortState::NotAllowed => {
                let detail = format!("confirm at home: `portlama agent allow {}`", tunnel.port);
                Observation::new(TunnelStatus::NotAllowedAtHome, Some(report.since), detail)
            }
            PortState::OriginRefused => {
                let detail = match report.detail.as_str() {
                    "" => format!("nothing answers at port {} of `{label}`", tunnel.port),
                    detail => detail.to_owned(),
                };
                Observation::new(TunnelStatus::OriginRefused, Some(report.since), detail)
            }
        },
    }
}

/// Remembers since when each tunnel is as it is.
#[derive(Default)]
pub(crate) struct Observer(Mutex<HashMap<Uuid, (TunnelStatus, Timestamp)>>);

impl Observer {
    /// Since when `tunnel` is so: what the observation knows, or when it was first seen. A
    /// state that lasts keeps its beginning. Nothing is older than the tunnel itself.
    pub(crate) fn since(&self, tunnel: &Tunnel, seen: &Observation, now: Timestamp) -> Timestamp {
        let seen_since = seen.since.map(|since| since.max(tunnel.created_at));
        let mut known = self.0.lock();
        let first = match known.get(&tunnel.id) {
            None => tunnel.created_at.min(now),
            Some(_) => now,
        };
        let entry = known
            .entry(tunnel.id)
            .or_insert((seen.status, seen_since.unwrap_or(first)));
        if entry.0 != seen.status {
            *entry = (seen.status, seen_since.unwrap_or(now));
        }
        seen_since.unwrap_or(entry.1)
    }

    /// Forgets tunnels that are gone.
    pub(crate) fn keep(&self, state: &State) {
        let tunnels: HashSet<Uuid> = state.tunnels.iter().map(|tunnel| tunnel.id).collect();
        self.0.lock().retain(|id, _| tunnels.contains(id));
    }
}
