//! `/api/certs`: the list, the admin's certificate, certificates for keys of one's own.

use portlama_model::{AdminAuthMode, Secret, Serial, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fields, FromBody, formats};

/// What a certificate is for, and who issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateType {
    /// For a host, by a public authority, whichever that is.
    #[serde(rename = "letsencrypt")]
    LetsEncrypt,
    /// For a host, by the server's own authority.
    Internal,
    /// The server's own authority.
    MtlsCa,
    /// The admin's.
    MtlsClient,
}

/// A certificate that the server keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: CertificateType,
    /// The host it speaks for; null for `mtls-ca` and `mtls-client`.
    pub domain: Option<String>,
    /// When it ends; null when the file is no certificate.
    #[schema(value_type = Option<formats::Time>)]
    pub expires_at: Option<Timestamp>,
    /// Whole days until then, rounded down; negative afterwards.
    pub days_until_expiry: Option<i64>,
    /// The file at the server.
    pub path: String,
    /// At most 30 days are left.
    pub expiring_soon: bool,
    /// Of a host's certificate: how it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CertificateStatus>,
    /// Why the last attempt at a new one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<CertificateFailure>,
    /// Of a host's certificate: how many validations of the name may still fail within the hour
    /// before the authority must be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_left: Option<u32>,
}

/// How a host's certificate is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateStatus {
    /// It holds.
    Good,
    /// It holds, but getting the next one fails.
    Failing,
    /// It has expired, and visitors are still shown it.
    Expired,
    /// There is none yet.
    Pending,
}

/// Why there is no new certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateFailure {
    /// What went wrong: the authority's own words where it spoke.
    pub message: String,
    /// Since when it has been failing.
    #[schema(value_type = formats::Time)]
    pub since: Timestamp,
    /// When the next attempt is made.
    #[schema(value_type = formats::Time)]
    pub next_try: Timestamp,
}

/// `GET /api/certs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateList {
    /// The first to end first.
    pub certs: Vec<Certificate>,
}

/// `POST /api/certs/mtls/rotate`; the body may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminRotation {
    /// Ends the present certificate with the answer, as it is in wrong hands. Otherwise it ends
    /// five minutes after the first use of the new one.
    pub revoke_now: bool,
}

impl FromBody for AdminRotation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let revoke_now = if fields.has("revokeNow") {
            fields.optional("revokeNow")?
        } else {
            false
        };
        Some(Self { revoke_now })
    }
}

/// The admin's new certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminRotated {
    /// `true`.
    pub ok: bool,
    /// Key and certificate as PKCS#12, in base64. The same file is at
    /// `GET /api/certs/mtls/download`.
    #[schema(value_type = String, format = Byte, min_length = 1)]
    pub p12: Secret,
    /// The file's password, 32 hexadecimal digits; shown once.
    #[schema(value_type = formats::P12Password)]
    pub p12_password: Secret,
    /// The certificate's serial.
    #[schema(value_type = formats::Serial)]
    pub serial: Serial,
    /// When it ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
    /// What becomes of the old certificate, for people.
    pub warning: String,
}

/// `GET /api/certs/admin/auth-mode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminAuth {
    /// `p12`: the server made the admin's key. `hardware-bound`: it never saw it.
    #[schema(value_type = formats::AdminAuthMode)]
    pub admin_auth_mode: AdminAuthMode,
}

/// A request for a certificate by whoever holds one: `POST
/// /api/certs/admin/upgrade-to-hardware-bound` and `POST /api/certs/agent/upgrade-cert`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CertificateRequest {
    /// A PKCS#10 request in PEM; nothing but its public key counts, and that must be new.
    #[schema(value_type = formats::Csr)]
    pub csr: String,
}

impl FromBody for CertificateRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let csr: String = fields.required("csr")?;
        if !csr.contains("-----BEGIN CERTIFICATE REQUEST-----") {
            fields.issue("csr", "must hold a PEM block CERTIFICATE REQUEST");
        }
        Some(Self { csr })
    }
}

/// A certificate for a key of the caller's own. This answer is its only copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSigned {
    /// `true`.
    pub ok: bool,
    /// The certificate, PEM.
    #[schema(value_type = formats::CertificatePem)]
    pub cert: String,
    /// The authority's certificate, PEM.
    #[schema(value_type = formats::CertificatePem)]
    pub ca_cert: String,
    /// The certificate's serial.
    #[schema(value_type = formats::Serial)]
    pub serial: Serial,
    /// When it ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rotation_spares_the_old_certificate_unless_told() {
        let read = |body| AdminRotation::from_body(&body).map(|rotation| rotation.revoke_now);
        assert_eq!(read(json!({})), Ok(false));
        assert_eq!(read(json!({ "revokeNow": true })), Ok(true));
        for bad in [json!("true"), json!(1), json!(null)] {
            assert!(read(json!({ "revokeNow": bad })).is_err());
        }
    }

    #[test]
    fn a_request_holds_a_pem_block() {
        for bad in [json!({}), json!({ "csr": 5 }), json!({ "csr": "x" })] {
            assert!(CertificateRequest::from_body(&bad).is_err(), "{bad}");
        }
    }
}
