//! HTTPS to the authority: one connection for the requests of one order, every wait and every
//! size bounded, no redirects, nothing but https.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, DATE, HOST, LOCATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use parking_lot::Mutex;
use portlama_dial::{ConnectError, connect};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// How long one request and its answer may take, connecting and all.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer accepted, octets: a chain of eight large certificates has about 30 KiB.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The largest head of an answer, octets.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;
/// The longest wait an authority can ask for: the longest window of a rate limit in use.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const AGENT: &str = concat!("portlama/", env!("CARGO_PKG_VERSION"), " (instant-acme)");

/// Why an address of the authority gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("`{0}` is not an https address")]
    NotHttps(String),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no TLS with `{host}`: {source}")]
    Tls { host: String, source: io::Error },
    #[error("`{host}` breaks off: {source}")]
    Broken { host: String, source: hyper::Error },
    #[error("`{host}` does not answer within {} s", .limit.as_secs())]
    TimedOut { host: String, limit: Duration },
    #[error("`{host}` answers with more than {MAX_ANSWER_BYTES} octets, or breaks off")]
    Body { host: String },
    #[error("`{host}` answers with a redirect to `{to}`, which is not followed")]
    Redirect { host: String, to: String },
}

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
    tls: Arc<ClientConfig>,
    limit: Duration,
    last: Mutex<LastAnswer>,
    idle: Mutex<Option<Line>>,
}

/// An open connection and the task that drives it.
struct Line {
    target: Target,
    sender: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

#[derive(Clone, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
}

impl AuthorityHttp {
    pub(crate) fn new(tls: Arc<ClientConfig>, limit: Duration) -> Self {
        Self(Arc::new(Shared {
            tls,
            limit,
            last: Mutex::default(),
            idle: Mutex::default(),
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
    async fn ask(&self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, HttpError> {
        *self.last.lock() = LastAnswer::default();
        let target = Target::of(request.uri())?;
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap_or_else(|never| match never {});
        let request = Request::from_parts(head, Full::new(body.to_bytes()));
        let answer = tokio::time::timeout(self.limit, self.exchange(&target, request))
            .await
            .map_err(|_| HttpError::TimedOut {
                host: target.host.clone(),
                limit: self.limit,
            })??;
        let (parts, body) = answer.into_parts();
        *self.last.lock() = LastAnswer {
            status: Some(parts.status),
            retry_after: retry_after(&parts.headers),
        };
        if parts.status.is_redirection() {
            let to = parts.headers.get(LOCATION).map(HeaderValue::as_bytes);
            return Err(HttpError::Redirect {
                host: target.host,
                to: String::from_utf8_lossy(to.unwrap_or_default()).into_owned(),
            });
        }
        Ok(BytesResponse {
            parts,
            body: Box::new(body),
        })
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, HttpError> {
        let mut request = target.address(request);
        let idle = self
            .idle
            .lock()
            .take()
            .filter(|line| line.target == *target);
        if let Some(mut line) = idle
            && line.sender.ready().await.is_ok()
        {
            match line.sender.try_send_request(request).await {
                Ok(answer) => return self.read(line, answer).await,
                // Only what never left may be sent again: a signed request is accepted once.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(target.broken(failed.into_error())),
                },
            }
        }
        let mut line = self.open(target).await?;
        let answer = line
            .sender
            .send_request(request)
            .await
            .map_err(|error| target.broken(error))?;
        self.read(line, answer).await
    }

    async fn open(&self, target: &Target) -> Result<Line, HttpError> {
        let (tcp, _) = connect(&[(target.host.clone(), target.port)], None).await?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| HttpError::NotHttps(target.host.clone()))?;
        let tls = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tcp)
            .await
            .map_err(|source| HttpError::Tls {
                host: target.host.clone(),
                source,
            })?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(tls))
            .await
            .map_err(|error| target.broken(error))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the authority's connection ended");
            }
        });
        Ok(Line {
            target: target.clone(),
            sender,
            _driver: AbortOnDropHandle::new(driver),
        })
    }

    async fn read(
        &self,
        line: Line,
        answer: Response<hyper::body::Incoming>,
    ) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|_| HttpError::Body {
                host: line.target.host.clone(),
            })?
            .to_bytes();
        *self.idle.lock() = Some(line);
        Ok(Response::from_parts(parts, body))
    }
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, HttpError> {
        let refused = || HttpError::NotHttps(uri.to_string());
        let authority = uri.authority().ok_or_else(refused)?;
        if uri.scheme_str() != Some("https") || authority.as_str().contains('@') {
            return Err(refused());
        }
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(443),
        })
    }

    /// The request as it goes over a connection to this target.
    fn address(&self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        let uri = request.uri();
        let host = uri
            .authority()
            .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        let path = uri
            .path_and_query()
            .map_or(Uri::from_static("/"), |path| Uri::from(path.clone()));
        *request.uri_mut() = path;
        let headers = request.headers_mut();
        if let Some(host) = host {
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // The authority's words are shown beside ours (RFC 8555 §6.1).
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        request
    }

    fn broken(&self, source: hyper::Error) -> HttpError {
        HttpError::Broken {
            host: self.host.clone(),
            source,
        }
    }
}

/// How long the authority asks to wait: seconds, or a date, which is taken relative to the
/// answer's own date so that this machine's clock does not matter (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let then = httpdate::parse_http_date(text).ok()?;
            let date = headers.get(DATE)?.to_str().ok()?;
            then.duration_since(httpdate::parse_http_date(date).ok()?)
                .unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(retry: &str, date: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry).ok()?);
        headers.insert(DATE, HeaderValue::from_str(date).ok()?);
        retry_after(&headers)
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_after_the_answers_own() {
        let date = "Fri, 31 Dec 1999 23:59:00 GMT";
        assert_eq!(asked("120", date), Some(Duration::from_secs(120)));
        assert_eq!(
            asked("Fri, 31 Dec 1999 23:59:59 GMT", date),
            Some(Duration::from_secs(59))
        );
        assert_eq!(
            asked("Fri, 31 Dec 1999 23:00:00 GMT", date),
            Some(Duration::ZERO)
        );
        assert_eq!(asked(&u64::MAX.to_string(), date), Some(MAX_RETRY_AFTER));
        assert_eq!(asked("-3", date), None);
        assert_eq!(asked("Fri, 31 Dec 1999 23:59:59 GMT", "today"), None);
    }

    #[test]
    fn only_https_is_spoken() {
        for (uri, fits) in [
            ("https://acme.example.org/directory", true),
            ("https://[::1]:14000/dir", true),
            ("http://acme.example.org/directory", false),
            ("https://me@acme.example.org/directory", false),
            ("/directory", false),
        ] {
            let uri: Uri = uri.parse().expect("a URI");
            assert_eq!(Target::of(&uri).is_ok(), fits, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn any_wait_stays_within_bounds(retry in "[ -~]{0,40}", date in "[ -~]{0,40}") {
            prop_assert!(asked(&retry, &date).is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        }
    }
}
