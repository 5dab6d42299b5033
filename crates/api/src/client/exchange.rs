//! One request and its answer over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use portlama_dial::ProxyUrl;
use portlama_pki::ServerChainError;
use tokio_rustls::TlsConnector;

use super::dial::dial;
use super::{ClientError, PanelUrl};
use crate::ErrorBody;

/// How long an answer may take. The server waits up to 60 s for a certificate authority before it
/// answers that a certificate is pending.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);
/// The largest answer accepted, octets: a list of 10,000 tunnels has about 6 MiB.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The slowest connection that an upload gets time for beside [`ANSWER_TIMEOUT`], octets a second.
pub const SLOWEST_UPLOAD: u64 = 32 * 1024;

/// The body of a request.
pub(super) struct Content {
    pub(super) kind: HeaderValue,
    pub(super) octets: Bytes,
    /// Uploads say that they are meant, which a foreign page cannot.
    pub(super) is_upload: bool,
}

impl Content {
    pub(super) fn json(octets: Vec<u8>) -> Self {
        Self {
            kind: const_header("application/json"),
            octets: octets.into(),
            is_upload: false,
        }
    }

    /// How long it may be under way.
    fn time(&self) -> Duration {
        Duration::from_secs(self.octets.len() as u64 / SLOWEST_UPLOAD)
    }
}

/// Everything a request needs but itself.
pub(super) struct Exchange {
    pub(super) url: PanelUrl,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) proxy: Option<ProxyUrl>,
    pub(super) timeout: Duration,
}

impl Exchange {
    /// Sends `body` and gives back the answer's body when its status is below 400.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Content>,
    ) -> Result<Bytes, ClientError> {
        let limit = self.timeout + body.as_ref().map_or(Duration::ZERO, Content::time);
        let asking = self.ask_without_limit(method, path, body);
        let (status, body) = tokio::time::timeout(limit, Box::pin(asking))
            .await
            .map_err(|_| ClientError::TimedOut {
                address: self.url.authority(),
                seconds: limit.as_secs(),
            })??;
        if status.is_success() {
            return Ok(body);
        }
        Err(self.refusal(status, &body))
    }

    async fn ask_without_limit(
        &self,
        method: Method,
        path: &str,
        body: Option<Content>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let tcp = dial(&self.url, self.proxy.as_ref()).await?;
        let tls = TlsConnector::from(Arc::clone(&self.tls))
            .connect(self.url.server_name(), tcp)
            .await
            .map_err(|error| self.handshake_failed(error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
            .await
            .map_err(|error| self.failed(error))?;
        // Ends with the connection, which ends with `sender` and the answer's body.
        let connection = tokio::spawn(connection);
        let answer = sender
            .send_request(self.request(method, path, body))
            .await
            .map_err(|error| self.failed(error));
        let result = match answer {
            Ok(answer) => {
                let status = answer.status();
                Limited::new(answer.into_body(), MAX_ANSWER_BYTES)
                    .collect()
                    .await
                    .map(|body| (status, body.to_bytes()))
                    .map_err(|error| self.failed(error))
            }
            Err(error) => Err(error),
        };
        connection.abort();
        result
    }

    fn request(&self, method: Method, path: &str, body: Option<Content>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("paths are made of checked names");
        let headers = request.headers_mut();
        let authority = self.url.authority();
        headers.insert(
            HOST,
            authority.parse().expect("the URL was parsed from text"),
        );
        headers.insert(ACCEPT, const_header("application/json"));
        headers.insert(
            USER_AGENT,
            const_header(concat!("portlama/", env!("CARGO_PKG_VERSION"))),
        );
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, body.kind);
            if body.is_upload {
                headers.insert("x-portlama-upload", const_header("1"));
            }
            *request.body_mut() = Full::new(body.octets);
        }
        request
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        let Ok(body) = serde_json::from_slice::<ErrorBody>(body) else {
            return self.not_understood(format!("status {status} without a reason"));
        };
        if body.is_about_certificate() {
            let reason = match body.hint() {
                Some(hint) => format!("{}: {hint}", body.error),
                None => body.error,
            };
            return ClientError::NotAuthorised { reason };
        }
        ClientError::Api {
            status: status.as_u16(),
            body: Box::new(body),
        }
    }

    fn handshake_failed(&self, error: std::io::Error) -> ClientError {
        let address = self.url.authority();
        let reason = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match reason.and_then(chain_error) {
            Some(ServerChainError::AnotherAuthority { pinned }) => ClientError::WrongAuthority {
                address,
                expected: pinned.clone(),
            },
            Some(other) => ClientError::Certificate {
                address,
                source: other.clone(),
            },
            None => self.failed(error),
        }
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
        ClientError::Connection {
            address: self.url.authority(),
            source: source.into(),
        }
    }

    pub(super) fn not_understood(&self, what: String) -> ClientError {
        ClientError::NotUnderstood {
            address: self.url.authority(),
            what,
        }
    }
}

fn const_header(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn chain_error(error: &rustls::Error) -> Option<&ServerChainError> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref()
        }
        _ => None,
    }
}
