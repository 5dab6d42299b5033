//! Every refusal and its answer, in one place.

use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, ALLOW, HeaderMap, RETRY_AFTER, UPGRADE};
use http::{HeaderValue, StatusCode};
use portlama_access::{Denied, NotIdentified};
use portlama_api::{
    ErrorBody, INVALID_ENROLLMENT_TOKEN, Issue, ONBOARDING_COMPLETE, ONBOARDING_INCOMPLETE,
    PathSegment, SECOND_FACTOR_REQUIRED,
};
use portlama_control::{OperationError, Refusal as BusinessRefusal};
use serde_json::json;

use crate::certificate_help::certificate_help;
use crate::handlers::tunnels;
use crate::headers::whole_seconds;
use crate::multipart::UploadFault;
use crate::pages;

/// How long clients wait before they try again when the server is busy.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `access` said no.
    Access(Denied),
    /// Another website may have made the browser ask.
    CrossOrigin,
    /// Too many requests; how long to wait.
    TooManyRequests(Duration),
    /// No such route, or no such thing; the sentence.
    NotFound(&'static str),
    /// The path has other methods: these.
    MethodNotAllowed(String),
    /// The path opens a WebSocket, and the request is no handshake for one.
    UpgradeRequired,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The body is longer than `MAX_JSON_BYTES`.
    TooLarge,
    /// The body did not arrive in time.
    SlowBody,
    /// The body is no JSON document; why.
    Malformed(String),
    /// The body is no form with files.
    NotMultipart,
    /// An upload cannot be read.
    Upload(UploadFault),
    /// Fields are wrong.
    Invalid(Vec<Issue>),
    /// `control` said no.
    Operation(OperationError),
    /// Our fault.
    Internal,
}

impl From<OperationError> for Refusal {
    fn from(error: OperationError) -> Self {
        Self::Operation(error)
    }
}

/// What of a request decides the form of a refusal.
pub(crate) struct Reader {
    in_api: bool,
    wants_page: bool,
}

impl Reader {
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let in_api = path == "/api" || path.starts_with("/api/");
        Self {
            in_api,
            wants_page: wants_page(request.headers(), in_api),
        }
    }

    /// Whether the path belongs to the API.
    pub(crate) fn in_api(&self) -> bool {
        self.in_api
    }
}

/// Pages are for those who name HTML, and outside the API for those who take anything.
fn wants_page(headers: &HeaderMap, in_api: bool) -> bool {
    let mut accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .peekable();
    if accepted.peek().is_none() {
        return !in_api;
    }
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let refused =
            parts.any(|part| part.starts_with("q=0") && part.trim_end_matches(['0', '.']) == "q=");
        let html = ["text/html", "application/xhtml+xml"]
            .iter()
            .any(|k| kind.eq_ignore_ascii_case(k));
        !refused && (html || (!in_api && matches!(kind, "*/*" | "text/*")))
    })
}

impl Refusal {
    /// The answer, fit for whoever reads it.
    pub(crate) fn into_response(self, reader: &Reader) -> Response {
        if let Self::Access(Denied::NotIdentified(reason)) = &self
            && reader.wants_page
        {
            return certificate_help(reason, self.status());
        }
        if matches!(self, Self::Access(Denied::SecondFactor)) && reader.wants_page && !reader.in_api
        {
            return pages::code();
        }
        self.log();
        let mut answer = (self.status(), Json(self.body())).into_response();
        if let Some(wait) = self.wait() {
            answer
                .headers_mut()
                .insert(RETRY_AFTER, whole_seconds(wait).into());
        }
        if matches!(self, Self::UpgradeRequired) {
            let websocket = HeaderValue::from_static("websocket");
            answer.headers_mut().insert(UPGRADE, websocket);
        }
        if let Self::MethodNotAllowed(methods) = &self
            && let Ok(methods) = HeaderValue::from_str(methods)
        {
            answer.headers_mut().insert(ALLOW, methods);
        }
        answer
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Access(denied) => denied_status(denied),
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::UnsupportedMediaType | Self::NotMultipart => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Upload(UploadFault::HeaderMissing) => StatusCode::FORBIDDEN,
            Self::Upload(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed(_) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Operation(error) => operation_status(error),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn body(&self) -> ErrorBody {
        match self {
            Self::Access(denied) => denied_body(denied),
            Self::CrossOrigin => {
                ErrorBody::new("The request did not come from the panel's own pages")
                    .with_hint("programs send neither Origin nor Sec-Fetch-Site")
            }
            Self::TooManyRequests(_) => ErrorBody::new("Too many requests, try again later"),
            Self::NotFound(sentence) => ErrorBody::new(*sentence),
            Self::MethodNotAllowed(methods) => ErrorBody::new("Method not allowed")
                .with_hint(&format!("this path answers {methods}")),
            Self::UpgradeRequired => ErrorBody::new("This path opens a WebSocket")
                .with_hint("send the opening handshake of RFC 6455 over HTTP/1.1"),
            Self::UnsupportedMediaType => ErrorBody::new("Unsupported content type")
                .with_hint("send JSON with `content-type: application/json`"),
            Self::NotMultipart => ErrorBody::new("Unsupported content type")
                .with_hint("send files with `content-type: multipart/form-data`, not compressed"),
            Self::Upload(fault) => ErrorBody::new(sentence(&fault.to_string())),
            Self::TooLarge => ErrorBody::new("The body is larger than 1 MiB"),
            Self::SlowBody => ErrorBody::new("The body did not arrive in time"),
            Self::Malformed(why) => ErrorBody::new("The body is not valid JSON").with_hint(why),
            Self::Invalid(issues) => ErrorBody::validation(issues),
            Self::Operation(error) => operation_body(error),
            Self::Internal => ErrorBody::new("Internal server error"),
        }
    }

    fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests(wait) => Some(*wait),
            Self::Operation(OperationError::Busy) => Some(BUSY_WAIT),
            Self::Operation(OperationError::RateLimited { retry_after, .. }) => Some(*retry_after),
            Self::Operation(OperationError::TooManyCodes { retry_after }) => Some(*retry_after),
            _ => None,
        }
    }

    /// What went wrong on our side belongs in the log, whole.
    fn log(&self) {
        match self {
            Self::Operation(OperationError::Failed { step, source }) => {
                tracing::error!(%step, error = %source, "an operation failed");
            }
            Self::Operation(error @ OperationError::NotDurable { .. }) => {
                tracing::error!(%error, "a denial is not durable");
            }
            Self::Operation(error @ OperationError::ServiceFailed { .. }) => {
                tracing::warn!(%error, "a service did not do as it was told");
            }
            Self::Operation(OperationError::DiskFull) => tracing::error!("the disk is full"),
            _ => {}
        }
    }
}

fn denied_status(denied: &Denied) -> StatusCode {
    match denied {
        Denied::NotIdentified(reason) if is_certificate_problem(reason) => StatusCode::BAD_REQUEST,
        Denied::NotIdentified(_) | Denied::Role { .. } | Denied::Capability { .. } => {
            StatusCode::FORBIDDEN
        }
        Denied::SecondFactor => StatusCode::UNAUTHORIZED,
        Denied::OnboardingComplete => StatusCode::GONE,
        Denied::OnboardingIncomplete(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn denied_body(denied: &Denied) -> ErrorBody {
    match denied {
        Denied::NotIdentified(reason) => certificate_body(reason),
        Denied::SecondFactor => ErrorBody::new(SECOND_FACTOR_REQUIRED),
        Denied::OnboardingComplete => ErrorBody::new(ONBOARDING_COMPLETE),
        Denied::OnboardingIncomplete(status) => {
            ErrorBody::new(ONBOARDING_INCOMPLETE).with("onboardingStatus", json!(status))
        }
        Denied::Role { required, current } => ErrorBody::new("Insufficient role")
            .with_details(json!({ "required": required, "current": current })),
        Denied::Capability { required, granted } => ErrorBody::new("Insufficient capability")
            .with_details(json!({ "required": required, "granted": granted })),
    }
}

/// Whether another certificate, or the right clock, would help; else the certificate is good and
/// its holder is nobody.
fn is_certificate_problem(reason: &NotIdentified) -> bool {
    match reason {
        NotIdentified::NoCertificate
        | NotIdentified::Untrusted(_)
        | NotIdentified::NotYetValid
        | NotIdentified::Expired => true,
        NotIdentified::Revoked | NotIdentified::Nobody => false,
    }
}

/// Why a chain was not believed is for the log; strangers learn that it was not.
fn certificate_body(reason: &NotIdentified) -> ErrorBody {
    let (error, problem, hint) = match reason {
        NotIdentified::NoCertificate => (
            "A client certificate is required",
            "missing",
            "present the admin's or an agent's certificate",
        ),
        NotIdentified::Untrusted(_) => (
            "The client certificate is not trusted",
            "untrusted",
            "present a certificate that this server issued",
        ),
        NotIdentified::NotYetValid => (
            "The client certificate is not valid yet",
            "not_yet_valid",
            "check the clock of the server",
        ),
        NotIdentified::Expired => (
            "The client certificate has expired",
            "expired",
            "an agent enrols again; for the admin, `portlama server reset-admin` makes a new one",
        ),
        NotIdentified::Revoked => (
            "The client certificate was revoked",
            "revoked",
            "an agent enrols again; the admin uses the certificate that was issued last",
        ),
        NotIdentified::Nobody => (
            "The client certificate belongs to nobody on this server",
            "nobody",
            "enrol again, or use the certificate that was issued last",
        ),
    };
    ErrorBody::certificate(error, problem, hint)
}

fn operation_status(error: &OperationError) -> StatusCode {
    match error {
        OperationError::Invalid(_) | OperationError::Refused(_) => StatusCode::BAD_REQUEST,
        OperationError::InvalidToken | OperationError::WrongCode => StatusCode::UNAUTHORIZED,
        OperationError::TooManyCodes { .. } => StatusCode::TOO_MANY_REQUESTS,
        OperationError::Forbidden { .. } => StatusCode::FORBIDDEN,
        OperationError::NotFound { .. } => StatusCode::NOT_FOUND,
        OperationError::Gone { .. } => StatusCode::GONE,
        OperationError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        OperationError::Conflict { .. }
        | OperationError::WrongStage { .. }
        | OperationError::PanelExposed { .. } => StatusCode::CONFLICT,
        OperationError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        OperationError::NotFetched(_) => StatusCode::BAD_GATEWAY,
        OperationError::DiskFull
        | OperationError::NotDurable {
            disk_full: true, ..
        } => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn operation_body(error: &OperationError) -> ErrorBody {
    match error {
        OperationError::Invalid(issues) => {
            let issues: Vec<Issue> = issues.iter().map(issue).collect();
            ErrorBody::validation(&issues)
        }
        OperationError::InvalidToken => ErrorBody::new(INVALID_ENROLLMENT_TOKEN),
        OperationError::WrongStage { message, status } => {
            ErrorBody::new(sentence(message)).with("onboardingStatus", json!(status))
        }
        OperationError::TooManyCodes { retry_after } => {
            ErrorBody::new(sentence(&error.to_string()))
                .with("retryAfter", whole_seconds(*retry_after))
        }
        OperationError::Refused(BusinessRefusal::TwoFactorNeedsDomain) => {
            ErrorBody::new(sentence(&error.to_string()))
                .with_hint("finish the first set-up with a domain, then set two-factor sign-in up")
        }
        OperationError::Failed { step, .. } => {
            ErrorBody::new(format!("The {step} step failed, nothing was changed"))
                .with_details(step.to_string())
        }
        OperationError::ServiceFailed { what, details } => {
            ErrorBody::new(sentence(&format!("{what} failed"))).with_details(details.as_str())
        }
        OperationError::NotFetched(words) => {
            ErrorBody::new("The release was not fetched, and nothing was changed")
                .with_details(words.as_str())
        }
        OperationError::Authority(words) => {
            ErrorBody::new("There is no new certificate, and what was there stays")
                .with_details(words.as_str())
        }
        OperationError::RateLimited { message, .. } => {
            ErrorBody::new("The certificate authority wants to be left alone for a while")
                .with_details(message.as_str())
        }
        OperationError::NotDurable { .. } => {
            ErrorBody::new("Done, but it could not be written down and would not survive a restart")
                .with_details("state")
        }
        OperationError::PanelExposed { tunnel } => ErrorBody::new(sentence(&error.to_string()))
            .with("tunnel", json!(tunnels::tunnel((**tunnel).clone()))),
        error => ErrorBody::new(sentence(&error.to_string())),
    }
}

fn issue(of: &portlama_control::Issue) -> Issue {
    let segment = |text: &String| match text.parse() {
        Ok(index) => PathSegment::Index(index),
        Err(_) => PathSegment::Member(text.clone()),
    };
    Issue {
        path: of.path.iter().map(segment).collect(),
        message: of.message.clone(),
    }
}

/// Errors begin in lower case, as they stand behind a colon elsewhere; here they stand alone.
fn sentence(error: &str) -> String {
    let mut characters = error.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
