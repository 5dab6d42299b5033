//! HTTPS to somebody else's service: every wait and every size bounded, no redirects, nothing
//! but https. The last connection is kept for the next request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HOST, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::{ConnectError, connect};

/// The largest head of an answer, octets.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Why an address gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// It is not one that is asked.
    #[error("`{0}` is not an https address")]
    NotHttps(String),
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No TLS, or a certificate that does not hold.
    #[error("no TLS with `{host}`: {source}")]
    Tls {
        /// The host.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The connection ended in the middle of a request or its answer. The request may have been
    /// carried out.
    #[error("`{host}` breaks off: {source}")]
    Broken {
        /// The host.
        host: String,
        /// Why.
        source: hyper::Error,
    },
    /// Silence. The request may have been carried out.
    #[error("`{host}` does not answer within {} s", .limit.as_secs())]
    TimedOut {
        /// The host.
        host: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The answer's body is too long, or ends early. The request was carried out or refused.
    #[error("`{host}` answers with more than {limit} octets, or breaks off")]
    Body {
        /// The host.
        host: String,
        /// The largest body accepted, octets.
        limit: usize,
    },
    /// The answer leads elsewhere.
    #[error("`{host}` answers with a redirect to `{to}`, which is not followed")]
    Redirect {
        /// The host.
        host: String,
        /// Where it leads.
        to: String,
    },
}

impl HttpsError {
    /// Whether the request may have reached the service, so that it may have been carried out.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::NotHttps(_) | Self::Connect(_) | Self::Tls { .. } => false,
            Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::Body { .. }
            | Self::Redirect { .. } => true,
        }
    }
}

/// How long and how large.
#[derive(Debug, Clone, Copy)]
pub struct HttpsLimits {
    /// How long one request and its answer may take, connecting and all.
    pub exchange: Duration,
    /// The largest body of an answer, octets.
    pub body_bytes: usize,
}

/// Asks services by https.
#[derive(Debug)]
pub struct Https {
    tls: Arc<ClientConfig>,
    idle: Mutex<Option<Line>>,
}

/// An open connection and the task that drives it.
#[derive(Debug)]
pub(super) struct Line {
    target: Target,
    sender: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    port: u16,
}

impl Https {
    /// Whom to trust is the caller's to say.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls,
            idle: Mutex::default(),
        }
    }

    /// Sends a request with a whole address and gives back the whole answer, whatever its status.
    ///
    /// # Errors
    /// When there is no answer, and when it is a redirect.
    pub async fn ask(
        &self,
        request: Request<Bytes>,
        limits: HttpsLimits,
    ) -> Result<Response<Bytes>, HttpsError> {
        let target = Target::of(request.uri())?;
        let limit = limits.exchange;
        let exchange = async {
            let (line, answer) = self.send(&target, request.map(Full::new)).await?;
            self.read(line, answer, limits.body_bytes).await
        };
        let answer =
            tokio::time::timeout(limit, exchange)
                .await
                .map_err(|_| HttpsError::TimedOut {
                    host: target.host.clone(),
                    limit,
                })??;
        if let Some(to) = leads_to(&answer) {
            return Err(HttpsError::Redirect {
                host: target.host,
                to,
            });
        }
        Ok(answer)
    }

    /// Sends a request over the idle connection, or else a new one. The answer is read from the
    /// connection that comes with it.
    pub(super) async fn send(
        &self,
        target: &Target,
        request: Request<Full<Bytes>>,
    ) -> Result<(Line, Response<Incoming>), HttpsError> {
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
                Ok(answer) => return Ok((line, answer)),
                // Only what never left may be sent again: it might be carried out twice.
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
        Ok((line, answer))
    }

    async fn open(&self, target: &Target) -> Result<Line, HttpsError> {
        let (tcp, _) = connect(&[(target.host.clone(), target.port)], None).await?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| HttpsError::NotHttps(target.host.clone()))?;
        let tls = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tcp)
            .await
            .map_err(|source| HttpsError::Tls {
                host: target.host.clone(),
                source,
            })?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(tls))
            .await
            .map_err(|error| target.broken(error))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told; between two requests nobody needs to know.
            let _ = connection.await;
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
        answer: Response<Incoming>,
        body_bytes: usize,
    ) -> Result<Response<Bytes>, HttpsError> {
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, body_bytes)
            .collect()
            .await
            .map_err(|_| HttpsError::Body {
                host: line.target.host.clone(),
                limit: body_bytes,
            })?
            .to_bytes();
        *self.idle.lock() = Some(line);
        Ok(Response::from_parts(parts, body))
    }
}

impl Target {
    pub(super) fn of(uri: &Uri) -> Result<Self, HttpsError> {
        let refused = || HttpsError::NotHttps(uri.to_string());
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
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host);
        }
        request
    }

    pub(super) fn broken(&self, source: hyper::Error) -> HttpsError {
        HttpsError::Broken {
            host: self.host.clone(),
            source,
        }
    }
}

/// Where an answer leads instead of being one.
pub(super) fn leads_to<B>(answer: &Response<B>) -> Option<String> {
    let to = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
    let to = String::from_utf8_lossy(to.unwrap_or_default()).into_owned();
    answer.status().is_redirection().then_some(to)
}

/// How long an answer asks to wait, at most `longest`: seconds, or a date, which is taken
/// relative to the answer's own date so that this machine's clock does not matter
/// (RFC 9110 §10.2.3).
#[must_use]
pub fn retry_after(headers: &HeaderMap, longest: Duration) -> Option<Duration> {
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
    Some(wait.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    fn asked(retry: &str, date: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry).ok()?);
        headers.insert(DATE, HeaderValue::from_str(date).ok()?);
        retry_after(&headers, LONGEST)
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
        assert_eq!(asked(&u64::MAX.to_string(), date), Some(LONGEST));
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
            prop_assert!(asked(&retry, &date).is_none_or(|wait| wait <= LONGEST));
        }
    }
}
