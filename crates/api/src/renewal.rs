//! `/api/certs`: renewal, by hand and by itself.

use portlama_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::formats;

/// `POST /api/certs/{domain}/renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRenewed {
    /// `true`.
    pub ok: bool,
    /// The host.
    pub domain: String,
    /// When the new certificate ends.
    #[schema(value_type = Option<formats::Time>)]
    pub new_expiry: Option<Timestamp>,
    /// What is not as it should be, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// `GET /api/certs/auto-renew-status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutoRenewStatus {
    /// Whether certificates are renewed by themselves: always.
    pub active: bool,
    /// When hosts are looked through next.
    #[schema(value_type = Option<formats::Time>)]
    pub next_run: Option<Timestamp>,
    /// When they were last.
    #[schema(value_type = Option<formats::Time>)]
    pub last_run: Option<Timestamp>,
}
