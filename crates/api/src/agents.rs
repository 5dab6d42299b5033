//! `/api/certs/agent` and `/api/enroll`.

use portlama_model::{
    AgentLabel, Capability, CapabilitySet, EnrollmentMethod, Secret, Serial, SiteName, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fields, FromBody, formats};

/// An agent, live or revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its name; several entries may share it, at most one of them live.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// Its certificate's serial.
    #[schema(value_type = formats::Serial)]
    pub serial: Serial,
    /// What it may ask of the API.
    #[schema(value_type = Vec<formats::Capability>)]
    pub capabilities: CapabilitySet,
    /// Names of the sites it may touch.
    pub allowed_sites: Vec<String>,
    /// How its certificate came to be.
    #[schema(value_type = formats::EnrollmentMethod)]
    pub enrollment_method: EnrollmentMethod,
    /// When it was enrolled.
    #[schema(value_type = formats::Time)]
    pub created_at: Timestamp,
    /// When its certificate ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::Time>)]
    pub revoked_at: Option<Timestamp>,
    /// Live, and its certificate ends within 30 days.
    pub expiring_soon: bool,
    /// Whether its tunnel connection stands.
    #[serde(default)]
    pub connected: bool,
    /// Since when.
    #[serde(default)]
    #[schema(value_type = Option<formats::Time>)]
    pub connected_since: Option<Timestamp>,
    /// The version it says it runs; of the last connection since the server started.
    #[serde(default)]
    pub version: Option<String>,
    /// When a second process with the same certificate was last turned away.
    #[serde(default)]
    #[schema(value_type = Option<formats::Time>)]
    pub second_instance_refused_at: Option<Timestamp>,
}

/// `GET /api/certs/agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentList {
    /// All agents ever.
    pub agents: Vec<Agent>,
}

/// `POST /api/certs/agent` and `POST /api/certs/agent/enroll`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEnrollment {
    /// The name of the agent to be.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// What it will be allowed; holds `tunnels:read`.
    #[schema(value_type = Vec<formats::Capability>, max_items = 1000, required = false, default = json!(["tunnels:read"]))]
    pub capabilities: Vec<Capability>,
    /// Names of the sites it will be allowed to touch.
    #[schema(value_type = Vec<formats::SiteName>, max_items = 1000, required = false, default = json!([]))]
    pub allowed_sites: Vec<SiteName>,
}

/// Labels that `/api/certs/agent/{label}` could never address, as these words are routes there.
const ROUTE_WORDS: [&str; 3] = ["enroll", "revoke-self", "upgrade-cert"];

impl FromBody for NewEnrollment {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let label: Option<AgentLabel> = fields.required("label");
        if label
            .as_ref()
            .is_some_and(|label| ROUTE_WORDS.contains(&label.as_str()))
        {
            fields.issue("label", "must not be a word of the API's own paths");
        }
        let capabilities: Vec<Capability> = fields
            .optional("capabilities")
            .unwrap_or_else(|| vec![Capability::TunnelsRead]);
        if !capabilities.contains(&Capability::TunnelsRead) {
            fields.issue("capabilities", "must contain tunnels:read");
        }
        let allowed_sites = fields.optional("allowedSites").unwrap_or_default();
        Some(Self {
            label: label?,
            capabilities,
            allowed_sites,
        })
    }
}

/// A single-use token for one agent, shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enrollment {
    /// `true`.
    pub ok: bool,
    /// 64 hexadecimal digits.
    #[schema(value_type = formats::Token64)]
    pub token: Secret,
    /// `ptl1.<token>.<CA fingerprint>`: token and pin in one.
    #[schema(value_type = formats::SetupToken)]
    pub setup_token: Secret,
    /// The name of the agent to be.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// When the token ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
}

/// `DELETE /api/certs/agent/enroll/{label}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentCancelled {
    /// `true`.
    pub ok: bool,
    /// Whether there was a token to take back.
    pub revoked: bool,
}

/// `POST /api/enroll`, which needs no certificate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EnrollRequest {
    /// The enrolment token.
    #[schema(value_type = formats::Token64)]
    pub token: Secret,
    /// A PKCS#10 request in PEM; nothing but its public key counts.
    #[schema(value_type = formats::Csr)]
    pub csr: String,
}

impl FromBody for EnrollRequest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token: Option<Secret> = fields.required("token");
        let csr: Option<String> = fields.required("csr");
        if token
            .as_ref()
            .is_some_and(|token| token.expose().is_empty())
        {
            fields.issue("token", "must not be empty");
        }
        if csr
            .as_ref()
            .is_some_and(|csr| !csr.contains("-----BEGIN CERTIFICATE REQUEST-----"))
        {
            fields.issue("csr", "must hold a PEM block CERTIFICATE REQUEST");
        }
        Some(Self {
            token: token?,
            csr: csr?,
        })
    }
}

/// An agent's new certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enrolled {
    /// `true`.
    pub ok: bool,
    /// The certificate, PEM.
    #[schema(value_type = formats::CertificatePem)]
    pub cert: String,
    /// The authority's certificate, PEM.
    #[schema(value_type = formats::CertificatePem)]
    pub ca_cert: String,
    /// The agent's name.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// The certificate's serial.
    #[schema(value_type = formats::Serial)]
    pub serial: Serial,
    /// When it ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
}

/// `PATCH /api/certs/agent/{label}/capabilities`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CapabilityChange {
    /// Replaces the list. A missing `tunnels:read` is put back at the front.
    #[schema(value_type = Vec<formats::Capability>, max_items = 1000)]
    pub capabilities: Vec<Capability>,
}

impl FromBody for CapabilityChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            capabilities: fields.required("capabilities")?,
        })
    }
}

/// The rights of an agent afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentCapabilities {
    /// `true`.
    pub ok: bool,
    /// The agent.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// Its rights.
    #[schema(value_type = Vec<formats::Capability>)]
    pub capabilities: CapabilitySet,
}

/// `PATCH /api/certs/agent/{label}/allowed-sites`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedSitesChange {
    /// Replaces the list. The sites need not exist.
    #[schema(value_type = Vec<formats::SiteName>, max_items = 1000)]
    pub allowed_sites: Vec<SiteName>,
}

impl FromBody for AllowedSitesChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            allowed_sites: fields.required("allowedSites")?,
        })
    }
}

/// The sites of an agent afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSites {
    /// `true`.
    pub ok: bool,
    /// The agent.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// Names of the sites it may touch.
    pub allowed_sites: Vec<String>,
}

/// An agent whose key the server made; its file is at
/// `GET /api/certs/agent/{label}/download`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentP12 {
    /// `true`.
    pub ok: bool,
    /// The agent.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
    /// The password of its P12 file, 32 hexadecimal digits; shown once and stored nowhere.
    #[schema(value_type = formats::P12Password)]
    pub p12_password: Secret,
    /// The certificate's serial.
    #[schema(value_type = formats::Serial)]
    pub serial: Serial,
    /// When it ends.
    #[schema(value_type = formats::Time)]
    pub expires_at: Timestamp,
}

/// `POST /api/certs/agent/revoke-self`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnRevocation {
    /// The calling agent's own label, so that nobody ends another's agent by a mix-up of files.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
}

impl FromBody for OwnRevocation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            label: fields.required("label")?,
        })
    }
}

/// `DELETE /api/certs/agent/{label}` and `POST /api/certs/agent/revoke-self`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentRevoked {
    /// `true`.
    pub ok: bool,
    /// The agent that was.
    #[schema(value_type = formats::AgentLabel)]
    pub label: AgentLabel,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Issue;

    #[test]
    fn an_enrolment_defaults_to_reading_tunnels() {
        let new = NewEnrollment::from_body(&json!({ "label": "attic" })).expect("valid");
        assert_eq!(new.capabilities, [Capability::TunnelsRead]);
        assert!(new.allowed_sites.is_empty());
    }

    #[test]
    fn an_enrolment_must_name_tunnels_read_and_known_rights() {
        let body = json!({ "label": "attic", "capabilities": ["tunnels:write"] });
        let issues = NewEnrollment::from_body(&body).expect_err("refused");
        assert_eq!(
            issues,
            [Issue::of("capabilities", "must contain tunnels:read")]
        );
        let body = json!({ "label": "attic", "capabilities": ["tunnels:read", "moon:land"] });
        assert_eq!(NewEnrollment::from_body(&body).map_err(|i| i.len()), Err(1));
    }

    #[test]
    fn an_agent_must_be_addressable() {
        for label in ["enroll", "revoke-self", "upgrade-cert", "-a", "A"] {
            assert!(
                NewEnrollment::from_body(&json!({ "label": label })).is_err(),
                "{label}"
            );
        }
    }

    #[test]
    fn a_request_to_enrol_holds_a_token_and_a_pem_block() {
        let issues = EnrollRequest::from_body(&json!({ "token": "", "csr": "x" }));
        assert_eq!(issues.map(|_| ()).map_err(|i| i.len()), Err(2));
        let issues = EnrollRequest::from_body(&json!({ "token": 5 }));
        assert_eq!(issues.map(|_| ()).map_err(|i| i.len()), Err(2));
    }
}
