//! One request to a service, sent at most once unless that is safe.

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use portlama_control::Upstreams;
use portlama_tunnel::OpenError;
use tokio::time::{Instant, sleep_until};

use super::pool::{Lease, Link, Pool, RequestEnd};
use crate::body::UpstreamBody;
use crate::gate::ResponseError;
use crate::limits::RESPONSE_HEAD_TIMEOUT;

/// Why a service did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// No agent is assigned.
    #[error("no agent serves this address")]
    NoAgent,
    /// The tunnel did not lead to the service.
    #[error(transparent)]
    Open(OpenError),
    /// Opening took longer than [`OPEN_TIMEOUT`](crate::limits::OPEN_TIMEOUT).
    #[error("no way to the service opened in time")]
    OpenTimedOut,
    /// A new connection closed before the request was sent.
    #[error("the service closed the connection at once")]
    Closed,
    /// No answer within [`RESPONSE_HEAD_TIMEOUT`].
    #[error("the service did not answer in time")]
    Silent,
    /// The connection broke, or the answer was malformed.
    #[error("the service broke off or answered wrongly")]
    Broken(#[source] hyper::Error),
    /// The service switched to another protocol than asked, or without being asked.
    #[error("the service switched protocols wrongly")]
    Switch,
}

impl ProxyError {
    /// Whether the client's own message is the cause.
    pub(crate) fn is_clients_fault(&self) -> bool {
        let Self::Broken(error) = self else {
            return false;
        };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if error.is::<crate::body::BodyError>() {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Whether the answer broke the rules of HTTP, as opposed to not coming.
    fn is_malformed_answer(error: &hyper::Error) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            let io = error.downcast_ref::<std::io::Error>();
            if io
                .and_then(|e| e.get_ref())
                .is_some_and(|e| e.is::<ResponseError>())
            {
                return true;
            }
            cause = error.source();
        }
        error.is_parse()
    }
}

/// A request ready to go, in the service's form.
pub(crate) struct Outgoing {
    pub(crate) request: Request<UpstreamBody>,
    /// How far the body has come; `None` without a body.
    pub(crate) progress: RequestEnd,
}

/// Sends a request and waits for the head of the answer.
///
/// A request goes out a second time only if hyper handed it back unsent, or if it is
/// idempotent, has no body, and went to a kept connection that closed without an octet of an
/// answer (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
///
/// # Errors
/// Says why there is no answer.
pub(crate) async fn forward(
    upstreams: &dyn Upstreams,
    pool: &Arc<Pool>,
    outgoing: Outgoing,
) -> Result<(Response<Incoming>, Lease), ProxyError> {
    let Outgoing {
        mut request,
        progress,
    } = outgoing;
    let may_repeat = progress.is_none() && is_idempotent(request.method());
    if let Some(mut link) = pool.take(may_repeat) {
        let copy = may_repeat.then(|| copy_of(&request));
        match send(&mut link, request, &progress).await {
            Ok(response) => return leased(pool, link, response, progress),
            Err(Unanswered::Unsent(unsent)) => request = *unsent,
            Err(Unanswered::Failed(ProxyError::Broken(error)))
                if !ProxyError::is_malformed_answer(&error) =>
            {
                request = copy.ok_or(ProxyError::Broken(error))?;
            }
            Err(Unanswered::Failed(error)) => return Err(error),
        }
    }
    let mut link = pool.open(upstreams).await?;
    match send(&mut link, request, &progress).await {
        Ok(response) => leased(pool, link, response, progress),
        Err(Unanswered::Unsent(_)) => Err(ProxyError::Closed),
        Err(Unanswered::Failed(error)) => Err(error),
    }
}

fn leased(
    pool: &Arc<Pool>,
    link: Link,
    response: Response<Incoming>,
    progress: RequestEnd,
) -> Result<(Response<Incoming>, Lease), ProxyError> {
    if response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
        return Err(ProxyError::Switch);
    }
    Ok((response, Lease::new(pool.clone(), link, progress)))
}

enum Unanswered {
    Unsent(Box<Request<UpstreamBody>>),
    Failed(ProxyError),
}

async fn send(
    link: &mut Link,
    request: Request<UpstreamBody>,
    progress: &RequestEnd,
) -> Result<Response<Incoming>, Unanswered> {
    link.head.arm();
    let answer = link.sender.try_send_request(request);
    let sent = tokio::select! {
        biased;
        sent = answer => sent,
        () = silence(progress) => return Err(Unanswered::Failed(ProxyError::Silent)),
    };
    sent.map_err(|mut error| match error.take_message() {
        Some(unsent) => Unanswered::Unsent(Box::new(unsent)),
        None => Unanswered::Failed(ProxyError::Broken(error.into_error())),
    })
}

/// Ready when the service was given enough time, counted from the last octet it took.
pub(crate) async fn silence(progress: &RequestEnd) {
    let mut since = Instant::now();
    loop {
        sleep_until(since + RESPONSE_HEAD_TIMEOUT).await;
        match progress.as_ref().map(|p| p.moved()) {
            Some(moved) if moved > since => since = moved,
            _ => return,
        }
    }
}

/// RFC 9110 §9.2.2.
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
    )
}

fn copy_of(request: &Request<UpstreamBody>) -> Request<UpstreamBody> {
    let mut copy = Request::new(UpstreamBody::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
