//! `/api/settings/2fa`.

use portlama_model::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Fields, FromBody, Issue, formats};

/// `GET /api/settings/2fa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwoFactorStatus {
    /// Whether the panel asks the admin for a code.
    pub enabled: bool,
    /// Whether a seed was confirmed with a code.
    pub setup_complete: bool,
}

/// `POST /api/settings/2fa/setup`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwoFactorSetup {
    /// What an authenticator app takes, shown once: `otpauth://totp/Portlama%20Panel:admin?…`.
    #[schema(value_type = formats::TotpUri)]
    pub uri: Secret,
    /// The seed as people type it, base32.
    #[schema(value_type = String, pattern = "^[A-Z2-7]{32}$", example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub manual_key: Secret,
}

/// `POST /api/settings/2fa/confirm`, `…/verify`, `…/disable`.
///
/// Reading it never fails: whether the code is one is said after the limit on wrong codes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TwoFactorCode {
    /// Six digits. `None` when it is not there or no text.
    #[schema(value_type = formats::TotpCode)]
    pub code: Option<Secret>,
}

impl FromBody for TwoFactorCode {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.optional("code");
        Some(Self { code })
    }

    fn from_body(body: &Value) -> Result<Self, Vec<Issue>> {
        let code = body.get("code").and_then(Value::as_str);
        Ok(Self {
            code: code.map(Secret::new),
        })
    }
}

/// Whether the panel asks the admin for a code from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TwoFactorSwitched {
    /// Whether it does.
    pub enabled: bool,
}

/// The code was right; the session is in the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TwoFactorVerified {
    /// `true`.
    pub verified: bool,
}
