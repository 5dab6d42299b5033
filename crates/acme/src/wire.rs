//! What the ACME library asks over: HTTPS by `dial`, and what the last answer said beside its body.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt as _;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use parking_lot::Mutex;
use portlama_dial::{Https, HttpsError, HttpsLimits, retry_after};
use rustls::ClientConfig;

/// How long one request and its answer may take, connecting and all.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer accepted, octets: a chain of eight large certificates has about 30 KiB.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The longest wait an authority can ask for: the longest window of a rate limit in use.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const AGENT: &str = concat!("portlama/", env!("CARGO_PKG_VERSION"), " (instant-acme)");

/// What the last answer said beside its body.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LastAnswer {
    pub(crate) status: Option<StatusCode>,
    pub(crate) retry_after: Option<Duration>,
}

/// The connection of one order.
#[derive(Clone)]
pub(crate) struct AuthorityHttp(Arc<Shared>);

struct Shared {
    https: Https,
    limits: HttpsLimits,
    last: Mutex<LastAnswer>,
}

impl AuthorityHttp {
    pub(crate) fn new(tls: Arc<ClientConfig>, exchange: Duration) -> Self {
        Self(Arc::new(Shared {
            https: Https::new(tls),
            limits: HttpsLimits {
                exchange,
                body_bytes: MAX_ANSWER_BYTES,
            },
            last: Mutex::default(),
        }))
    }

    /// What the last answer said beside its body; nothing if there was none.
    pub(crate) fn last(&self) -> LastAnswer {
        *self.0.last.lock()
    }
}

impl HttpClient for AuthorityHttp {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            shared
                .ask(request)
                .await
                .map_err(|error| instant_acme::Error::Other(Box::new(error)))
        })
    }
}

impl Shared {
    async fn ask(&self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, HttpsError> {
        *self.last.lock() = LastAnswer::default();
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap_or_else(|never| match never {});
        let mut request = Request::from_parts(head, body.to_bytes());
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // The authority's words are shown beside ours (RFC 8555 §6.1).
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        let (parts, body) = self.https.ask(request, self.limits).await?.into_parts();
        *self.last.lock() = LastAnswer {
            status: Some(parts.status),
            retry_after: retry_after(&parts.headers, MAX_RETRY_AFTER),
        };
        Ok(BytesResponse {
            parts,
            body: Box::new(body),
        })
    }
}
