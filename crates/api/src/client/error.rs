//! Why a call gave no answer, or a refusal.

use portlama_dial::ConnectError;
use portlama_model::CaFingerprint;
use portlama_pki::ServerChainError;

use crate::{ErrorBody, Issue};

/// Why a call failed. The messages are for the person at the keyboard.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error("cannot reach {address}: check the address, and that the server runs")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// Which step failed.
        #[source]
        source: ConnectError,
    },
    /// The server, or what lies between, was silent for too long.
    #[error("{address} did not answer within {seconds} s")]
    TimedOut {
        /// `host:port`.
        address: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The proxy did not connect.
    #[error("the proxy refused to connect to {address}: {reason}")]
    Proxy {
        /// `host:port`.
        address: String,
        /// What it answered.
        reason: String,
    },
    /// Somebody else answers at this address, or the fingerprint is of another server.
    #[error(
        "{address} does not belong to the pinned certificate authority {expected}: compare it with the fingerprint that `portlama server init` showed, and check the address"
    )]
    WrongAuthority {
        /// `host:port`.
        address: String,
        /// The pinned fingerprint.
        expected: CaFingerprint,
    },
    /// The right authority, but a certificate that does not hold.
    #[error("the certificate of {address} is not acceptable")]
    Certificate {
        /// `host:port`.
        address: String,
        /// Why.
        #[source]
        source: ServerChainError,
    },
    /// TLS or HTTP failed.
    #[error("speaking to {address} failed")]
    Connection {
        /// `host:port`.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is not one of a Portlama server.
    #[error("{address} gave an answer that is not understood ({what}): is it a Portlama server?")]
    NotUnderstood {
        /// `host:port`.
        address: String,
        /// What was wrong.
        what: String,
    },
    /// The server does not know this client's certificate, or no longer.
    #[error("the server does not accept this certificate: {reason}")]
    NotAuthorised {
        /// What the server said, with the way out.
        reason: String,
    },
    /// The server refused the request.
    #[error("{}", sentence(body))]
    Api {
        /// The status.
        status: u16,
        /// What the server said.
        body: Box<ErrorBody>,
    },
    /// The client's own certificate and key cannot be used.
    #[error("the client certificate and its key cannot be used")]
    Identity(#[source] rustls::Error),
}

impl ClientError {
    /// The status of a refusal by the API.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// One sentence with all that the server said.
fn sentence(body: &ErrorBody) -> String {
    let issues: Vec<_> = body.issues().iter().map(Issue::to_string).collect();
    if !issues.is_empty() {
        return format!("{}: {}", body.error, issues.join("; "));
    }
    match body.hint() {
        Some(hint) => format!("{}: {hint}", body.error),
        None => body.error.clone(),
    }
}
