//! What the running agent's owner can ask it, on a socket in its directory.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portlama_control_socket::Question;
use portlama_model::{Domain, Hostname, Timestamp, TunnelPort};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::run::RENEWAL_ANSWER_TIMEOUT;

/// How long one answer may take.
pub const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take to hear from the panel. An owner is waiting.
pub const REFRESH_QUESTION_TIMEOUT: Duration = Duration::from_secs(12);

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
pub enum Ask {
    /// How it is; answered with an [`AgentReport`](crate::AgentReport).
    Status,
    /// To read the allow-list again at once; answered with [`Reloaded`].
    Reload,
    /// To renew its certificate at once; answered with [`Renewed`].
    Renew,
    /// To ask the panel at once for domain and tunnels; answered with [`Refreshed`].
    Refresh,
}

/// The answer to [`Ask::Refresh`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshed {
    /// Why the panel did not tell; then nothing is different.
    pub error: Option<String>,
    /// What is different from what the agent knew.
    pub changes: Vec<ConfigChange>,
}

/// Something that the panel has otherwise than the agent knew it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "changed", rename_all = "camelCase")]
pub enum ConfigChange {
    /// The base domain.
    Domain {
        /// Before, if known.
        from: Option<Domain>,
        /// Now.
        to: Domain,
    },
    /// Where the tunnel is dialled.
    TunnelServer {
        /// Before, if known.
        from: Option<String>,
        /// Now.
        to: String,
    },
    /// A tunnel is new.
    TunnelAdded {
        /// Its port.
        port: TunnelPort,
        /// Its host name.
        fqdn: Hostname,
    },
    /// A tunnel is gone.
    TunnelRemoved {
        /// Its port.
        port: TunnelPort,
        /// Its host name.
        fqdn: Hostname,
    },
}

impl Question for Ask {
    fn time_limit(&self) -> Duration {
        match self {
            Self::Status | Self::Reload => QUESTION_TIMEOUT,
            Self::Renew => QUESTION_TIMEOUT + RENEWAL_ANSWER_TIMEOUT,
            Self::Refresh => REFRESH_QUESTION_TIMEOUT,
        }
    }
}

/// The answer to [`Ask::Reload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Open streams that were cut.
    pub cut: usize,
}

/// The answer to [`Ask::Renew`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Renewed {
    /// When the certificate ends that is in use.
    pub expires_at: Timestamp,
    /// When it is renewed by itself.
    pub renews_at: Timestamp,
    /// Why the renewal failed, if it did.
    pub failure: Option<String>,
}

/// Why the running agent did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens: the agent is not running.
    #[error("the agent is not running: start it with `portlama agent run`")]
    NotRunning,
    /// It listens and does not answer well.
    #[error("the running agent does not answer at `{}`", .path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

impl From<portlama_control_socket::AskError> for AskError {
    fn from(error: portlama_control_socket::AskError) -> Self {
        use portlama_control_socket::AskError as Of;
        match error {
            Of::NotRunning { .. } => Self::NotRunning,
            Of::NoAnswer { path, source } => Self::NoAnswer { path, source },
        }
    }
}

/// Asks the agent that listens at `path`.
///
/// # Errors
/// When none does, or it gives no answer of this form.
pub async fn ask<A: DeserializeOwned>(path: &Path, question: Ask) -> Result<A, AskError> {
    Ok(portlama_control_socket::ask(path, &question).await?)
}
