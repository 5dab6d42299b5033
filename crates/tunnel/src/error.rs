//! Why a stream could not be had, and how a carrier ended.

use portlama_tunnel_proto::{CloseCode, Detail, RefusalReason};

/// Why there is no stream to the service. Nothing of a request was delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No session of the agent lives.
    #[error("the agent is offline")]
    AgentOffline,
    /// The agent's own list does not contain the port: `portlama agent allow <port>` at home.
    #[error("the agent does not allow this port: {0}")]
    NotAllowed(Detail),
    /// Nothing answers at the service's address.
    #[error("the service refused the connection: {0}")]
    OriginRefused(Detail),
    /// The service, or the agent, did not answer in time.
    #[error("the service did not accept in time")]
    OriginTimeout,
    /// The TLS handshake between agent and service failed.
    #[error("the TLS handshake with the service failed: {0}")]
    TlsFailed(Detail),
    /// As many streams are open as may be.
    #[error("too many open streams to this agent")]
    Limit,
    /// The carrier broke, or the agent failed, while the stream was opened.
    #[error("the connection to the agent was lost")]
    Lost,
}

impl OpenError {
    /// What a refusal of the agent means here.
    #[must_use]
    pub fn from_refusal(reason: RefusalReason, detail: Detail) -> Self {
        match reason {
            RefusalReason::NotAllowed => Self::NotAllowed(detail),
            RefusalReason::OriginRefused => Self::OriginRefused(detail),
            RefusalReason::OriginTimeout => Self::OriginTimeout,
            RefusalReason::TlsFailed => Self::TlsFailed(detail),
            RefusalReason::Limit => Self::Limit,
            RefusalReason::Internal => Self::Lost,
        }
    }
}

/// How a carrier came to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarrierEnd {
    /// The other end closed it and said why.
    #[error("closed by the other end: {code}{}", text_after(.detail))]
    ClosedByPeer {
        /// The reason.
        code: CloseCode,
        /// Its explanation.
        detail: Detail,
    },
    /// This end closed it: a violation, an eviction, a refusal, silence.
    #[error("closed: {0}")]
    Closed(CloseCode),
    /// The connection broke.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The caller's token was cancelled.
    #[error("cancelled")]
    Cancelled,
}

fn text_after(detail: &Detail) -> String {
    if detail.as_str().is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}
