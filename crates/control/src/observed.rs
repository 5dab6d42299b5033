//! What the world does to a tunnel: seen, never stored.

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
