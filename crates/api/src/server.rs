//! The server itself.

use std::net::IpAddr;

use portlama_model::{Domain, OnboardingStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: String,
    /// The server's version.
    #[schema(example = "0.1.0")]
    pub version: String,
}

/// `GET /api/onboarding/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OnboardingState {
    /// The step reached.
    #[schema(value_type = String, example = "COMPLETED")]
    pub status: OnboardingStatus,
    /// The base domain, once it was chosen.
    #[schema(value_type = Option<String>, example = "lab.example.org")]
    pub domain: Option<Domain>,
    /// The server's public address.
    #[schema(value_type = String, example = "192.0.2.10")]
    pub ip: IpAddr,
}

/// An answer with nothing to say but that it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// `true`.
    pub ok: bool,
}
