//! `/api/onboarding`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use portlama_model::{Domain, Email, Hostname, OnboardingStatus, Secret, Timestamp, Username};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Field, Fields, FromBody, Issue, formats};

/// `GET /api/onboarding/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardingState {
    /// The step reached.
    #[schema(value_type = formats::OnboardingStatus)]
    pub status: OnboardingStatus,
    /// The base domain, once it was chosen.
    #[schema(value_type = Option<formats::Domain>)]
    pub domain: Option<Domain>,
    /// The server's public address.
    #[schema(value_type = formats::IpAddress)]
    pub ip: IpAddr,
    /// The port at which visitors reach every host below the domain: `https://<host>:<port>`,
    /// which browsers shorten when it is 443.
    #[schema(example = 443)]
    pub https_port: u16,
    /// The port at which the panel is open without a domain: `https://<ip>:<port>`.
    #[schema(example = 9292)]
    pub panel_port: u16,
    /// What the last run of the provisioning failed at; absent when nothing failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProvisionError>,
    /// Until when `GET /api/onboarding/result` tells the first account's password and one-time
    /// code; absent when there is nothing to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::Time>)]
    pub result_until: Option<Timestamp>,
}

/// `POST /api/onboarding/domain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NewDomain {
    /// The base domain: in any case, with or without the trailing dot, in letters of any
    /// language. It is kept in lower case and in its ASCII form.
    #[schema(value_type = formats::TypedDomain)]
    pub domain: Domain,
    /// Where the certificate authority may write to.
    #[schema(value_type = formats::Email)]
    pub email: Email,
}

impl FromBody for NewDomain {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let domain = fields.required::<TypedDomain>("domain");
        let email = fields.required("email");
        Some(Self {
            domain: domain?.0,
            email: email?,
        })
    }
}

/// The longest `domain` that is looked at, octets: 253 characters of up to four.
const MAX_TYPED_DOMAIN_BYTES: usize = 4 * 253;

/// A domain as people type it.
struct TypedDomain(Domain);

impl Field for TypedDomain {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        let typed = String::read(value)?;
        let wrong = |message: String| {
            Err(vec![Issue {
                path: vec![],
                message,
            }])
        };
        if typed.len() > MAX_TYPED_DOMAIN_BYTES {
            return wrong("must be at most 189 characters".to_owned());
        }
        let name = typed.strip_suffix('.').unwrap_or(&typed);
        // What is ASCII already needs no mapping, and gets the plain messages.
        let name = match name.is_ascii() {
            true => name.to_owned(),
            false => match idna::domain_to_ascii_strict(name) {
                Ok(ascii) => ascii,
                Err(_) => return wrong("is no name that DNS can hold".to_owned()),
            },
        };
        match name.parse() {
            Ok(domain) => Ok(Self(domain)),
            Err(error) => wrong(portlama_model::ParseError::to_string(&error)),
        }
    }
}

/// The domain that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainAnswer {
    /// `true`.
    pub ok: bool,
    /// The domain as it is kept.
    #[schema(value_type = formats::Domain)]
    pub domain: Domain,
    /// The address for the certificate authority.
    #[schema(value_type = formats::Email)]
    pub email: Email,
}

/// `POST /api/onboarding/verify-dns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsCheck {
    /// Whether the domain leads to this server and nowhere else by IPv6.
    pub ok: bool,
    /// The domain.
    #[schema(value_type = formats::Domain)]
    pub domain: Domain,
    /// The server's public address.
    #[schema(value_type = formats::IpAddress)]
    pub expected_ip: IpAddr,
    /// What the domain resolves to.
    #[schema(value_type = Vec<formats::IpAddress>)]
    pub resolved_ips: Vec<IpAddr>,
    /// What a name below it that has no record of its own resolves to.
    #[schema(value_type = Vec<formats::IpAddress>)]
    pub wildcard_resolved_ips: Vec<IpAddr>,
    /// Whether every name below the domain leads here, so that apps need no records of their own.
    pub wildcard_ok: bool,
    /// What is so and what to do about it.
    pub message: String,
    /// The three names that Portlama itself needs.
    pub names: Vec<NameCheck>,
    /// What each resolver says.
    pub resolvers: Vec<ResolverCheck>,
}

/// One of the names that Portlama itself needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NameCheck {
    /// The name.
    #[schema(value_type = formats::Hostname)]
    pub name: Hostname,
    /// Whether it leads here.
    pub ok: bool,
    /// What is so and what to do about it.
    pub message: String,
}

/// What one resolver says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResolverCheck {
    /// The resolver.
    #[schema(example = "203.0.113.1:53")]
    pub address: String,
    /// The domain's IPv4 addresses.
    #[schema(value_type = Vec<formats::IpAddress>)]
    pub a: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    #[schema(value_type = Vec<formats::IpAddress>)]
    pub aaaa: Vec<Ipv6Addr>,
    /// The addresses of a name below it that has no record of its own.
    #[schema(value_type = Vec<formats::IpAddress>)]
    pub wildcard: Vec<IpAddr>,
    /// Why it gave no answer.
    pub error: Option<String>,
}

/// `POST /api/onboarding/provision`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvisionStarted {
    /// `true`.
    pub ok: bool,
    /// Where to look on.
    pub message: String,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// Its turn has not come.
    Pending,
    /// It is being done.
    Running,
    /// It is done.
    Done,
    /// It failed.
    Error,
}

/// A task of the provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvisionTask {
    /// `install-chisel`, `install-authelia`, `issue-certs`, `configure-nginx`,
    /// `verify-services`, `finalize`.
    pub id: String,
    /// What happens, for a person.
    pub title: String,
    /// How far it is.
    pub status: TaskStatus,
    /// What happened last.
    pub message: Option<String>,
    /// Everything that happened, a line each.
    pub log: Option<String>,
}

/// What a run failed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvisionError {
    /// The task's id.
    pub task: String,
    /// Why; the certificate authority's own words where it was that.
    pub message: String,
}

/// What the admin is told at the end: `GET /api/onboarding/result`, and the last frame.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionResult {
    /// The account for the sign-in portal.
    #[schema(value_type = formats::Username)]
    pub admin_username: Username,
    /// Its password; null once acknowledged, or ten minutes after the end.
    #[schema(value_type = Option<String>)]
    pub admin_password: Option<Secret>,
    /// What an authenticator app takes; null likewise.
    #[schema(value_type = Option<formats::TotpUri>)]
    pub admin_totp_uri: Option<Secret>,
    /// Where the panel is.
    #[schema(example = "https://panel.lab.example.org")]
    pub panel_url: String,
    /// Where visitors sign in.
    #[schema(example = "https://auth.lab.example.org")]
    pub auth_url: String,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvisionProgress {
    /// Tasks that are done, and the one that runs.
    pub current: usize,
    /// All tasks.
    pub total: usize,
}

/// A text frame of `/api/onboarding/provision/stream`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ProvisionFrame {
    /// Where things stand: the first frame, and after frames that were not read in time.
    State(ProvisionState),
    /// A task went on.
    Progress(TaskProgress),
    /// A task failed, and the run ended.
    Failed(TaskFailed),
    /// The set-up is complete.
    Complete(ProvisionComplete),
}

/// Where things stand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionState {
    /// `state`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a run is under way.
    pub is_running: bool,
    /// The tasks in order.
    pub tasks: Vec<ProvisionTask>,
    /// What the last run failed at.
    pub error: Option<ProvisionError>,
    /// What the admin is told at the end.
    pub result: Option<ProvisionResult>,
}

/// A task went on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskProgress {
    /// The task's id.
    pub task: String,
    /// What happens.
    pub title: String,
    /// How far it is.
    pub status: TaskStatus,
    /// What happened last.
    pub message: Option<String>,
    /// Everything that happened, a line each.
    pub log: Option<String>,
    /// How far the run is.
    pub progress: ProvisionProgress,
}

/// A task failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskFailed {
    /// The task's id.
    pub task: String,
    /// `error`.
    pub status: TaskStatus,
    /// That it failed, for a person.
    pub message: String,
    /// Why.
    pub error: String,
    /// How far the run came.
    pub progress: ProvisionProgress,
}

/// The set-up is complete.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProvisionComplete {
    /// `complete`.
    pub task: String,
    /// `done`.
    pub status: TaskStatus,
    /// That it is complete, for a person.
    pub message: String,
    /// What the admin is told.
    pub result: ProvisionResult,
    /// All of them.
    pub progress: ProvisionProgress,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(domain: &str) -> Result<NewDomain, Vec<Issue>> {
        NewDomain::from_body(&json!({ "domain": domain, "email": "ops@example.org" }))
    }

    #[test]
    fn a_domain_is_kept_in_lower_case_ascii_without_the_dot() {
        for (typed, kept) in [
            ("Lab.Example.ORG", "lab.example.org"),
            ("lab.example.org.", "lab.example.org"),
            ("Bücher.example.org", "xn--bcher-kva.example.org"),
            ("xn--bcher-kva.example.org", "xn--bcher-kva.example.org"),
            ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
            // A full-width dot is a dot for people.
            ("lab。example。org", "lab.example.org"),
        ] {
            let read = read(typed).map(|new| new.domain.to_string());
            assert_eq!(read, Ok(kept.to_owned()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused_at_its_field() {
        for typed in [
            "",
            ".",
            "org",
            "lab.example.org..",
            "-lab.org",
            "lab_1.org",
            "192.0.2.1",
            "lab example.org",
            "lab.example.org\0",
            "https://lab.org",
            "*.lab.org",
            "ü..org",
            "\u{200b}",
            "a\u{202e}b.org",
            "lab.org/ü",
        ] {
            let issues = read(typed).expect_err(typed);
            assert_eq!(issues.len(), 1, "{typed}");
            assert!(
                issues
                    .iter()
                    .all(|issue| issue.to_string().starts_with("domain "))
            );
        }
        assert!(read(&"ü".repeat(5000)).is_err());
        assert!(read(&format!("{}.org", "a".repeat(64))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_becomes_a_domain_or_an_issue(typed in "\\PC{0,80}") {
            if let Ok(new) = read(&typed) {
                proptest::prop_assert_eq!(
                    read(new.domain.as_str()).map(|again| again.domain),
                    Ok(new.domain)
                );
            }
        }
    }
}
