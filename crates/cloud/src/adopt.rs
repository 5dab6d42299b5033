//! A server that stands already, on its way into the list.
//!
//! Whoever gives the address may have been talked into it, so it must be public, also after the
//! name was looked up, and the connection goes to the very address that was checked.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use portlama_api::client::{ALPN, PanelUrl, UrlError};
use portlama_model::{CaFingerprint, Timestamp};
use portlama_pki::{ca_fingerprint, verify_server};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::Value;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use crate::ServerLabel;
use crate::address::{AddressError, check_name, check_public};
use crate::registry::{AuthMethod, ServerEntry};

/// How long looking at a server may take, looking its name up included.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, octets; that of a healthy server has 40.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why a server is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The address as it was written.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Where it leads.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name leads nowhere.
    #[error("`{host}` has no address: {reason}")]
    NoAddress {
        /// The name.
        host: String,
        /// Why.
        reason: String,
    },
    /// Nobody answers.
    #[error("{url} does not answer: {reason}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// Somebody answers who is no server of ours.
    #[error(
        "{url} answers, but not with a certificate of a Portlama server's own authority: is it the address of the panel?"
    )]
    NotOurs {
        /// What was asked.
        url: String,
    },
}

/// A server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its address as it was written.
    pub url: PanelUrl,
    /// The address that was checked and asked.
    pub address: SocketAddr,
    /// Its authority, for whoever adds it to compare with what the server itself shows.
    pub fingerprint: CaFingerprint,
    /// Its version; `None` when it answered, but not that it is well.
    pub version: Option<String>,
}

impl Candidate {
    /// The label that it gets unless another is chosen.
    #[must_use]
    pub fn default_label(&self) -> ServerLabel {
        ServerLabel::of_host(self.url.host())
    }

    /// Its line in the list. Who its admin is, is not known yet.
    #[must_use]
    pub fn entry(&self, label: ServerLabel, now: Timestamp) -> ServerEntry {
        ServerEntry {
            id: Uuid::new_v4(),
            label,
            panel_url: format!("https://{}", self.url.authority()),
            ip: self.address.ip().to_string(),
            domain: None,
            provider: None,
            provider_id: None,
            region: None,
            created_at: now,
            active: false,
            auth_method: AuthMethod::P12,
            p12_path: None,
            ca_fingerprint: Some(self.fingerprint.clone()),
            ssh_host_key: None,
            further: serde_json::Map::new(),
        }
    }
}

/// Looks at the server at an address that somebody wrote.
///
/// # Errors
/// [`AdoptError`].
pub async fn look(text: &str) -> Result<Candidate, AdoptError> {
    let url: PanelUrl = text.trim().parse()?;
    let looking = async {
        let addresses = public_addresses(&url).await?;
        ask(&url, &addresses).await
    };
    let no_answer = || AdoptError::NoAnswer {
        url: text.trim().to_owned(),
        reason: format!("silent for {} s", LOOK_TIMEOUT.as_secs()),
    };
    let looked = timeout(LOOK_TIMEOUT, looking).await;
    looked.map_err(|_| no_answer())?
}

/// The addresses of a host. All of them are public, or it has none.
///
/// # Errors
/// [`AdoptError::Address`], [`AdoptError::NoAddress`].
pub async fn public_addresses(url: &PanelUrl) -> Result<Vec<SocketAddr>, AdoptError> {
    let (host, port) = (url.host(), url.port());
    if let Ok(address) = host.parse::<IpAddr>() {
        check_public(address)?;
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    check_name(host)?;
    let none = |reason: String| AdoptError::NoAddress {
        host: host.to_owned(),
        reason,
    };
    let found = lookup_host((host, port)).await;
    let found: Vec<_> = found.map_err(|error| none(error.to_string()))?.collect();
    for address in &found {
        check_public(address.ip())?;
    }
    match found.is_empty() {
        true => Err(none("the name is not known".to_owned())),
        false => Ok(found),
    }
}

/// Asks a server at addresses that were checked: the first that takes a connection.
///
/// # Errors
/// [`AdoptError::NoAnswer`], [`AdoptError::NotOurs`].
pub async fn ask(url: &PanelUrl, addresses: &[SocketAddr]) -> Result<Candidate, AdoptError> {
    let written = format!("https://{}", url.authority());
    let no_answer = |reason: String| AdoptError::NoAnswer {
        url: written.clone(),
        reason,
    };
    let mut last = "it has no address".to_owned();
    for &address in addresses {
        let tcp = match TcpStream::connect(address).await {
            Ok(tcp) => tcp,
            Err(error) => {
                last = error.to_string();
                continue;
            }
        };
        let seen = Arc::new(Seen::new());
        let tls = tls_config(&seen).map_err(|error| no_answer(error.to_string()))?;
        let name = ServerName::try_from(url.host().to_owned());
        let name = name.map_err(|error| no_answer(error.to_string()))?;
        let connected = TlsConnector::from(tls).connect(name, tcp).await;
        let tls = match (connected, seen.is_refused()) {
            (Ok(tls), _) => tls,
            (Err(_), true) => return Err(AdoptError::NotOurs { url: written }),
            (Err(error), false) => return Err(no_answer(error.to_string())),
        };
        let fingerprint = seen.authority().ok_or_else(|| AdoptError::NotOurs {
            url: written.clone(),
        })?;
        let body = get_health(url, tls).await.map_err(no_answer)?;
        return Ok(Candidate {
            url: url.clone(),
            address,
            fingerprint,
            version: version(&body),
        });
    }
    Err(no_answer(last))
}

async fn get_health(
    url: &PanelUrl,
    tls: tokio_rustls::client::TlsStream<TcpStream>,
) -> Result<Bytes, String> {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(tls));
    let (mut sender, connection) = handshake.await.map_err(|error| error.to_string())?;
    let _driver = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
    let request = Request::get("/api/health")
        .header(HOST, url.authority())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("portlama/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect();
    let body = body.await.map_err(|error| error.to_string())?;
    Ok(body.to_bytes())
}

/// The version in the answer of a server that is well.
fn version(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let version = body["version"].as_str()?;
    (body["status"] == "ok").then(|| crate::plain::plain(version, 40))
}

/// Lets pass whoever sends an authority of their own along, and remembers it: the person who
/// adds the server compares its fingerprint.
#[derive(Debug)]
struct Seen {
    provider: Arc<CryptoProvider>,
    outcome: Mutex<Outcome>,
}

#[derive(Debug, Clone, Default)]
enum Outcome {
    #[default]
    Nothing,
    Refused,
    Authority(CaFingerprint),
}

impl Seen {
    fn new() -> Self {
        Self {
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            outcome: Mutex::default(),
        }
    }

    fn outcome(&self) -> Outcome {
        let outcome = self.outcome.lock();
        outcome.map(|outcome| outcome.clone()).unwrap_or_default()
    }

    fn is_refused(&self) -> bool {
        matches!(self.outcome(), Outcome::Refused)
    }

    fn authority(&self) -> Option<CaFingerprint> {
        match self.outcome() {
            Outcome::Authority(fingerprint) => Some(fingerprint),
            Outcome::Nothing | Outcome::Refused => None,
        }
    }
}

fn tls_config(seen: &Arc<Seen>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&seen.provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(seen) as _)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let now = Timestamp::from_unix_seconds(now);
        let mut chain = vec![end_entity.clone()];
        chain.extend(intermediates.iter().cloned());
        let holds = |fingerprint: &CaFingerprint| {
            verify_server(&chain, server_name, None, fingerprint, now).is_ok()
        };
        let mut authorities = intermediates
            .iter()
            .filter_map(|ca| ca_fingerprint(ca).ok());
        let authority = authorities.find(holds);
        let refused = rustls::Error::General("no authority of its own".to_owned());
        let mut outcome = self.outcome.lock().map_err(|_| refused.clone())?;
        match authority {
            Some(fingerprint) => {
                *outcome = Outcome::Authority(fingerprint);
                Ok(ServerCertVerified::assertion())
            }
            None => {
                *outcome = Outcome::Refused;
                Err(refused)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
