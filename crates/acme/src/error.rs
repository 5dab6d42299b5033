//! Why there is no certificate, with the authority's own words.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use instant_acme::Identifier;
use serde::{Deserialize, Serialize};

use crate::BoxError;
use portlama_dial::HttpsError;

use crate::wire::LastAnswer;

/// The longest text kept of an authority, characters: a few lines on a page.
pub const MAX_PROBLEM_CHARACTERS: usize = 1000;
/// Subproblems kept of one problem: our orders have one name.
pub const MAX_SUBPROBLEMS: usize = 8;

/// Whose turn it is after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The authority asks for fewer requests: wait, longer than after other failures.
    RateLimited,
    /// The authority looked and did not find the answer: the name does not lead here, or a
    /// CAA record forbids it. Counts as a failed validation.
    Refused,
    /// The authority does not take the order: a forbidden name, a bad request.
    Rejected,
    /// The account is unknown, closed, or must agree to something.
    Account,
    /// No connection, no trust in it, or the authority's own failure (5xx).
    Unreachable,
    /// The authority took too long. The order goes on where it stands.
    Timeout,
    /// The authority's answer makes no sense, or its certificate is not the one ordered.
    Malformed,
    /// A setting cannot be used.
    Settings,
    /// This side could not present the answer or keep a record.
    Local,
}

impl ErrorKind {
    /// The spelling of files and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Account => "account",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::Settings => "settings",
            Self::Local => "local",
        }
    }
}

/// What an authority says is wrong (RFC 7807, RFC 8555 §6.7). Texts are shortened and hold no
/// control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Such as `urn:ietf:params:acme:error:dns`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The authority's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The status of HTTP, in the document or of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Problems with single names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subproblems: Vec<Subproblem>,
}

/// A problem with one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subproblem {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Such as `urn:ietf:params:acme:error:caa`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The authority's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    fn of(problem: instant_acme::Problem, status: Option<StatusCode>) -> Self {
        let subproblems = problem.subproblems.into_iter().take(MAX_SUBPROBLEMS);
        Self {
            kind: problem.r#type.as_deref().map(tidy),
            detail: problem.detail.as_deref().map(tidy),
            status: problem.status.or(status.map(|status| status.as_u16())),
            subproblems: subproblems
                .map(|sub| Subproblem {
                    name: sub.identifier.map(|identifier| match identifier {
                        Identifier::Dns(name) => tidy(&name),
                        other => tidy(&other.authorized(false).to_string()),
                    }),
                    kind: sub.r#type.as_deref().map(tidy),
                    detail: sub.detail.as_deref().map(tidy),
                })
                .collect(),
        }
    }

    /// The last part of an ACME problem type: `dns` of `urn:ietf:params:acme:error:dns`.
    #[must_use]
    pub fn short_kind(&self) -> Option<&str> {
        self.kind
            .as_deref()?
            .strip_prefix("urn:ietf:params:acme:error:")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.detail.as_deref().unwrap_or("no details");
        write!(f, "{detail}")?;
        if let Some(kind) = &self.kind {
            write!(f, " ({kind})")?;
        }
        for sub in &self.subproblems {
            let name = sub.name.as_deref().unwrap_or("a name");
            let detail = sub.detail.as_deref().unwrap_or("no details");
            write!(f, "; {name}: {detail}")?;
        }
        Ok(())
    }
}

/// Why there is no certificate. The text is for the admin.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {reason}")]
pub struct AcmeError {
    kind: ErrorKind,
    doing: String,
    reason: String,
    problem: Option<Box<Problem>>,
    retry_after: Option<Duration>,
    #[source]
    source: Option<BoxError>,
}

impl AcmeError {
    pub(crate) fn new(kind: ErrorKind, doing: impl Into<String>, reason: impl AsRef<str>) -> Self {
        Self {
            kind,
            doing: doing.into(),
            reason: tidy(reason.as_ref()),
            problem: None,
            retry_after: None,
            source: None,
        }
    }

    pub(crate) fn local(doing: impl Into<String>, source: BoxError) -> Self {
        Self::new(ErrorKind::Local, doing, source.to_string()).caused_by(source)
    }

    pub(crate) fn timeout(doing: impl Into<String>, retry_after: Option<Duration>) -> Self {
        let reason = "the authority is not ready in time; the order goes on later";
        Self {
            retry_after,
            ..Self::new(ErrorKind::Timeout, doing, reason)
        }
    }

    /// A problem found in an object of the authority, so not the status of an answer.
    pub(crate) fn refused(doing: impl Into<String>, problem: instant_acme::Problem) -> Self {
        Self {
            kind: ErrorKind::Refused,
            ..Self::problem_of(doing, Problem::of(problem, None), LastAnswer::default())
        }
    }

    /// An error of the library, together with what the last answer said.
    pub(crate) fn of(
        doing: impl Into<String>,
        error: instant_acme::Error,
        last: LastAnswer,
    ) -> Self {
        match error {
            instant_acme::Error::Api(problem) => {
                Self::problem_of(doing, Problem::of(problem, last.status), last)
            }
            instant_acme::Error::Other(other) => match other.downcast::<HttpsError>() {
                Ok(http) => Self::http(doing, *http),
                Err(other) => {
                    Self::new(ErrorKind::Malformed, doing, other.to_string()).caused_by(other)
                }
            },
            instant_acme::Error::Crypto | instant_acme::Error::KeyRejected => Self::new(
                ErrorKind::Account,
                doing,
                "the account's key cannot be used",
            ),
            other => Self::nonsense(doing, other, last),
        }
    }

    fn problem_of(doing: impl Into<String>, problem: Problem, last: LastAnswer) -> Self {
        Self {
            retry_after: last.retry_after,
            reason: problem.to_string(),
            kind: kind_of(&problem),
            problem: Some(Box::new(problem)),
            ..Self::new(ErrorKind::Malformed, doing, "")
        }
    }

    fn http(doing: impl Into<String>, error: HttpsError) -> Self {
        let kind = match error {
            HttpsError::Redirect { .. } | HttpsError::Body { .. } | HttpsError::NotHttps(_) => {
                ErrorKind::Malformed
            }
            HttpsError::TimedOut { .. } => ErrorKind::Timeout,
            HttpsError::Connect(_) | HttpsError::Tls { .. } | HttpsError::Broken { .. } => {
                ErrorKind::Unreachable
            }
        };
        Self::new(kind, doing, error.to_string()).caused_by(Box::new(error))
    }

    /// An answer that is not of the protocol: its status tells what to make of it.
    fn nonsense(doing: impl Into<String>, error: instant_acme::Error, last: LastAnswer) -> Self {
        let failed = last.status.filter(|status| !status.is_success());
        let kind = failed.map_or(ErrorKind::Malformed, kind_of_status);
        let reason = match failed {
            Some(status) => format!("the authority answers {status} without a reason"),
            None => format!("the authority's answer makes no sense: {error}"),
        };
        Self {
            retry_after: last.retry_after,
            ..Self::new(kind, doing, reason).caused_by(Box::new(error))
        }
    }

    fn caused_by(self, source: BoxError) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// Whose turn it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The authority's own words, when it said something.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_deref()
    }

    /// How long the authority asks to wait, at most [`MAX_RETRY_AFTER`](crate::MAX_RETRY_AFTER).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// RFC 8555 §6.7, table of problem types.
fn kind_of(problem: &Problem) -> ErrorKind {
    match problem.short_kind() {
        Some("rateLimited") => ErrorKind::RateLimited,
        Some("accountDoesNotExist" | "externalAccountRequired" | "userActionRequired") => {
            ErrorKind::Account
        }
        Some("caa" | "connection" | "dns" | "incorrectResponse" | "tls") => ErrorKind::Refused,
        Some("serverInternal") => ErrorKind::Unreachable,
        _ => problem
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .map_or(ErrorKind::Rejected, kind_of_status),
    }
}

fn kind_of_status(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        StatusCode::REQUEST_TIMEOUT => ErrorKind::Unreachable,
        status if status.is_server_error() => ErrorKind::Unreachable,
        _ => ErrorKind::Rejected,
    }
}

/// A text from outside as it may be shown: one line, bounded.
fn tidy(text: &str) -> String {
    let mut tidied: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_PROBLEM_CHARACTERS)
        .collect();
    if text.chars().nth(MAX_PROBLEM_CHARACTERS).is_some() {
        tidied.push('…');
    }
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_are_one_bounded_line() {
        assert_eq!(tidy("a\r\nb\u{1b}[31mc"), "a  b [31mc");
        let long = "ä".repeat(MAX_PROBLEM_CHARACTERS + 1);
        assert_eq!(tidy(&long).chars().count(), MAX_PROBLEM_CHARACTERS + 1);
        assert!(tidy(&long).ends_with('…'));
    }

    #[test]
    fn a_status_without_a_reason_still_tells_whose_turn_it_is() {
        for (status, kind) in [
            (429, ErrorKind::RateLimited),
            (503, ErrorKind::Unreachable),
            (404, ErrorKind::Rejected),
            (200, ErrorKind::Malformed),
        ] {
            let last = LastAnswer {
                status: StatusCode::from_u16(status).ok(),
                retry_after: Some(Duration::from_secs(7)),
            };
            let error = AcmeError::of("x", instant_acme::Error::Str("none"), last);
            assert_eq!(error.kind(), kind, "{status}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        }
    }
}
