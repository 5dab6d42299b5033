//! Everything that goes wrong, with its status and its sentence.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER as RETRY_AFTER_HEADER};
use http::{HeaderValue, StatusCode};
use portlama_control::SignInError;
use serde_json::json;

use crate::pages;
use crate::texts::{Refused, TEXTS};

/// When to try again if the server cannot check a sign-in: a hash takes less than a second,
/// so the queue has moved by then.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why a request is not answered as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A field is missing, doubled or of the wrong kind.
    Malformed,
    /// Another website may have made the browser ask.
    CrossOrigin,
    NotFound,
    Method,
    TooLarge,
    /// The body took too long.
    Slow,
    MediaType,
    /// This address asks for too much; how long to wait.
    TooManyRequests(Duration),
    /// This address asks for too many invitations; how long to wait.
    TooManyTries(Duration),
    /// Too many sign-ins at once.
    Busy,
    /// Sign-ins cannot be checked.
    Unavailable,
    /// Our own mistake.
    Internal,
}

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests(_) | Self::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// As people see it.
    pub(crate) fn page(self, site: &str) -> Response {
        self.with_retry((self.status(), pages::refused(site, self.words())).into_response())
    }

    /// As programs see it.
    pub(crate) fn json(self) -> Response {
        self.with_retry(ko(self.status(), self.words().text))
    }

    fn words(self) -> &'static Refused {
        match self {
            Self::Malformed => &TEXTS.malformed,
            Self::CrossOrigin => &TEXTS.cross_origin,
            Self::NotFound => &TEXTS.not_found,
            Self::Method => &TEXTS.method,
            Self::TooLarge => &TEXTS.too_large,
            Self::Slow => &TEXTS.slow,
            Self::MediaType => &TEXTS.media_type,
            Self::TooManyRequests(_) => &TEXTS.too_many_requests,
            Self::TooManyTries(_) => &TEXTS.too_many_tries,
            Self::Busy => &TEXTS.busy,
            Self::Unavailable => &TEXTS.unavailable,
            Self::Internal => &TEXTS.internal,
        }
    }

    fn with_retry(self, mut response: Response) -> Response {
        let wait = match self {
            Self::Busy | Self::Unavailable => RETRY_AFTER,
            Self::TooManyRequests(wait) | Self::TooManyTries(wait) => wait,
            _ => return response,
        };
        // Rounded up: whoever waits that long has waited enough.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER_HEADER, HeaderValue::from(seconds));
        response
    }
}

/// Why a factor was not accepted, as far as the outside may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAccepted {
    /// Wrong, unknown or held up: one answer for all of them.
    Wrong,
    /// The session in which the password was right is gone.
    StartAgain,
    /// Nothing was checked.
    Refused(Refusal),
}

impl From<SignInError> for NotAccepted {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong | SignInError::Banned => Self::Wrong,
            SignInError::FirstFactorRequired => Self::StartAgain,
            SignInError::Busy => Self::Refused(Refusal::Busy),
            SignInError::Unavailable => Self::Refused(Refusal::Unavailable),
        }
    }
}

/// Authelia's shape of a refusal.
pub(crate) fn ko(status: StatusCode, message: &str) -> Response {
    let body = json!({ "status": "KO", "message": message }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_says_when_to_try_again() {
        for (error, expected) in [
            (SignInError::Busy, Refusal::Busy),
            (SignInError::Unavailable, Refusal::Unavailable),
        ] {
            let NotAccepted::Refused(refusal) = NotAccepted::from(error) else {
                panic!("{error} tells whether the sign-in was right");
            };
            assert_eq!(refusal, expected);
            for answer in [refusal.page("auth.lab.example.org"), refusal.json()] {
                assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
                assert_eq!(answer.headers()[RETRY_AFTER_HEADER], "5");
            }
        }
    }

    #[test]
    fn a_ban_looks_like_a_wrong_try() {
        assert_eq!(NotAccepted::from(SignInError::Banned), NotAccepted::Wrong);
        assert_eq!(NotAccepted::from(SignInError::Wrong), NotAccepted::Wrong);
    }
}
