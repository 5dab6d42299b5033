//! The one shape of every refusal.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// `error` of a body whose fields are wrong. Clients match on it.
pub const VALIDATION_FAILED: &str = "Validation failed";
/// `error` of an unknown API path. Clients match on it.
pub const NOT_FOUND: &str = "Not found";
/// `error` of the first set-up's routes after its end. Clients match on it.
pub const ONBOARDING_COMPLETE: &str = "Onboarding already completed";
/// `error` of management before the first set-up's end. Clients match on it.
pub const ONBOARDING_INCOMPLETE: &str = "Onboarding not complete";
/// `error` for the admin who has not shown the second factor; the whole body. Clients match on it.
pub const SECOND_FACTOR_REQUIRED: &str = "2fa_required";
/// `error` of an enrolment with a token that is unknown, used or expired. Clients match on it.
pub const INVALID_ENROLLMENT_TOKEN: &str = "Invalid enrollment token";

/// The member of `details` that says what is wrong with the client's certificate. Its presence
/// tells programs that no other request will fare better.
const CERTIFICATE: &str = "certificate";

/// The body of every answer with a status of 400 or more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A sentence for a person.
    pub error: String,
    /// More, for programs and people: an object or a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Further members of some refusals, such as `onboardingStatus`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl PartialSchema for ErrorBody {
    fn schema() -> RefOr<Schema> {
        documented::ErrorBody::schema()
    }
}

impl ToSchema for ErrorBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        documented::ErrorBody::schemas(schemas);
    }
}

/// What [`ErrorBody`] may hold, member by member, for the OpenAPI document. Clients find in it
/// whatever a newer server adds.
#[allow(dead_code, reason = "described, never made")]
mod documented {
    use serde::Serialize;
    use utoipa::ToSchema;

    use super::Issue;
    use crate::{Tunnel, formats};

    /// The body of every answer with a status of 400 or more.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct ErrorBody {
        /// A sentence for a person. Some are fixed, and clients match on them.
        #[schema(min_length = 1, example = "Validation failed")]
        error: String,
        /// More, for programs and people.
        #[schema(required = false, nullable = false)]
        details: Option<ErrorDetails>,
        /// How far the first set-up has come, where that is in the way.
        #[schema(value_type = formats::OnboardingStatus, required = false)]
        onboarding_status: Option<String>,
        /// After how many seconds wrong codes are counted anew.
        #[schema(value_type = u64, required = false)]
        retry_after: Option<u64>,
        /// What is there already.
        #[schema(value_type = Tunnel, required = false)]
        tunnel: Option<()>,
    }

    /// A sentence or its parts.
    #[derive(Serialize, ToSchema)]
    #[serde(untagged)]
    enum ErrorDetails {
        /// The step that failed, or the words of the part that did.
        Text(String),
        /// What is wrong, and the way out.
        Members(ErrorMembers),
    }

    /// What is wrong, and the way out.
    #[derive(Serialize, ToSchema)]
    struct ErrorMembers {
        /// Everything that is wrong with the body, the path or the query.
        #[schema(value_type = Vec<Issue>, required = false)]
        issues: Option<Vec<Issue>>,
        /// The way out, in a sentence.
        #[schema(value_type = String, required = false)]
        hint: Option<String>,
        /// What is wrong with the client's certificate; no other request will fare better.
        #[schema(value_type = CertificateProblem, required = false)]
        certificate: Option<CertificateProblem>,
        /// The roles that may, or the capability that is missing.
        #[schema(value_type = Required, required = false)]
        required: Option<Required>,
        /// The role that asked.
        #[schema(value_type = Role, required = false)]
        current: Option<Role>,
        /// The capabilities of the agent that asked.
        #[schema(value_type = Vec<formats::Capability>, required = false)]
        granted: Option<Vec<String>>,
    }

    /// What is wrong with a certificate.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    enum CertificateProblem {
        /// There is none.
        Missing,
        /// This server did not issue it.
        Untrusted,
        /// Its time has not come.
        NotYetValid,
        /// Its time is over.
        Expired,
        /// It was revoked.
        Revoked,
        /// Its holder is nobody here.
        Nobody,
    }

    /// Who would have been let in.
    #[derive(Serialize, ToSchema)]
    #[serde(untagged)]
    enum Required {
        /// One of these roles.
        Roles(Vec<Role>),
        /// An agent with this capability.
        #[schema(value_type = formats::Capability)]
        Capability(String),
    }

    /// What a certificate makes of its holder.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    enum Role {
        /// The admin.
        Admin,
        /// An agent.
        Agent,
    }
}

impl ErrorBody {
    /// A refusal with nothing but a sentence.
    #[must_use]
    pub fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            details: None,
            extra: Map::new(),
        }
    }

    /// A refusal of a body whose fields are wrong.
    #[must_use]
    pub fn validation(issues: &[Issue]) -> Self {
        Self::new(VALIDATION_FAILED).with_details(json!({ "issues": issues }))
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Value>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// The same with `details.hint`: the way out, in a sentence.
    #[must_use]
    pub fn with_hint(self, hint: &str) -> Self {
        self.with_details(json!({ "hint": hint }))
    }

    /// A refusal of the client's certificate, or of its absence: `problem` in a word, `hint` the
    /// way out.
    #[must_use]
    pub fn certificate(error: impl Into<String>, problem: &str, hint: &str) -> Self {
        Self::new(error).with_details(json!({ CERTIFICATE: problem, "hint": hint }))
    }

    /// Whether the client's certificate was refused, and not this one request.
    #[must_use]
    pub fn is_about_certificate(&self) -> bool {
        self.details
            .as_ref()
            .is_some_and(|details| details.get(CERTIFICATE).is_some())
    }

    /// The same with one more top-level member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The validation issues, if that is what the details hold.
    #[must_use]
    pub fn issues(&self) -> Vec<Issue> {
        self.details
            .as_ref()
            .and_then(|details| details.get("issues"))
            .and_then(|issues| serde_json::from_value(issues.clone()).ok())
            .unwrap_or_default()
    }

    /// The way out, if the details hold one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self.details.as_ref()? {
            Value::String(text) => Some(text),
            details => details.get("hint")?.as_str(),
        }
    }
}

/// What is wrong with one field of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// The way to the field from the top; empty for the body itself.
    pub path: Vec<PathSegment>,
    /// What is wrong, such as `must be a string`.
    pub message: String,
}

impl Issue {
    /// An issue of a top-level field.
    #[must_use]
    pub fn of(field: &str, message: impl Into<String>) -> Self {
        Self {
            path: vec![PathSegment::Member(field.to_owned())],
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Issue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, segment) in self.path.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            match segment {
                PathSegment::Member(name) => write!(f, "{dot}{name}")?,
                PathSegment::Index(index) => write!(f, "{dot}{index}")?,
            }
        }
        let space = if self.path.is_empty() { "" } else { " " };
        write!(f, "{space}{}", self.message)
    }
}

/// A step of the way to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PathSegment {
    /// A member of an object.
    Member(String),
    /// An item of a list, counted from 0.
    Index(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_error_details_and_extra_members() {
        let body = ErrorBody::new(ONBOARDING_INCOMPLETE).with("onboardingStatus", "FRESH");
        assert_eq!(
            serde_json::to_value(&body).ok(),
            Some(json!({ "error": "Onboarding not complete", "onboardingStatus": "FRESH" }))
        );
    }

    #[test]
    fn issues_survive_the_way_to_the_client() {
        let issue = Issue {
            path: vec![PathSegment::Member("groups".into()), PathSegment::Index(1)],
            message: "must be a string".into(),
        };
        let text = serde_json::to_string(&ErrorBody::validation(std::slice::from_ref(&issue)));
        let back: ErrorBody = serde_json::from_str(&text.expect("serialises")).expect("reads");
        assert_eq!(back.issues(), std::slice::from_ref(&issue));
        assert_eq!(issue.to_string(), "groups.1 must be a string");
    }
}
