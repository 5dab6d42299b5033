//! Enrolment: a token for an agent, and the certificate it is exchanged for.

use portlama_access::Identity;
use portlama_model::{AgentLabel, Capability, EnrollmentToken, Serial, SetupToken, Timestamp};

use crate::{Control, OperationError};

/// A token that was made for an agent.
#[derive(Debug, Clone)]
pub struct Enrollment {
    /// The bare token, shown once.
    pub token: EnrollmentToken,
    /// The token with the authority's fingerprint, shown once.
    pub setup_token: SetupToken,
    /// For whom.
    pub label: AgentLabel,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The certificate an agent received.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// The certificate, PEM.
    pub cert: String,
    /// The authority's certificate, PEM.
    pub ca_cert: String,
    /// Whose it is.
    pub label: AgentLabel,
    /// Its serial.
    pub serial: Serial,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Control {
    /// Makes an enrolment token; one that is pending for the label dies.
    ///
    /// # Errors
    /// When a live agent has the label.
    pub async fn create_enrollment(
        &self,
        by: &Identity,
        label: AgentLabel,
        capabilities: Vec<Capability>,
        allowed_sites: Vec<String>,
    ) -> Result<Enrollment, OperationError> {
        let _ = (by, label, capabilities, allowed_sites);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Takes back a pending token; `false` when none was pending.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn cancel_enrollment(
        &self,
        by: &Identity,
        label: &AgentLabel,
    ) -> Result<bool, OperationError> {
        let _ = (by, label);
        std::future::ready(Err(OperationError::Busy)).await
    }

    /// Exchanges a token and a certificate request for a certificate.
    ///
    /// # Errors
    /// When the request is not acceptable (the token stays good), the token is not good, or a
    /// live agent has the label.
    pub async fn enroll(&self, token: &str, csr: &str) -> Result<Enrolled, OperationError> {
        let _ = (token, csr);
        std::future::ready(Err(OperationError::Busy)).await
    }
}
