//! An authority that misbehaves as Pebble cannot. It verifies no signature: what it is asked is
//! the client's, what it answers is the test's.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateSigningRequestDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// The name that is ordered of a fake.
pub(crate) const HOST: &str = "app.example.org";

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// 429 with `Retry-After` at every new order.
    RateLimited,
    /// 503 with a page and `Retry-After` at every new order.
    Failing,
    /// The challenge is never judged.
    EndlessPending,
    /// The certificate is never made.
    EndlessProcessing,
    /// `Retry-After: 3600` beside an order that is processing.
    LongProcessing,
    /// The order asks for a proof of another name.
    AnotherProof,
    /// No challenge that is answered here.
    NoChallenge,
    WrongName,
    MoreNames,
    WrongKey,
    MissingChain,
    BrokenChain,
    Expired,
    NotForServers,
    GarbageCertificate,
    GarbageOrder,
    HugeAnswer,
    EndlessHead,
    Redirect,
    /// Connections are accepted and never served.
    Silence,
    /// Every address but the directory's is plain http.
    PlainAddresses,
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) directory: String,
    pub(crate) ca_file: PathBuf,
    shared: Arc<Shared>,
    _folder: tempfile::TempDir,
    _server: AbortOnDropHandle<()>,
}

struct Shared {
    base: String,
    fault: Mutex<Fault>,
    orders: AtomicUsize,
    redirected: AtomicUsize,
    order: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    proved: bool,
    chain: Option<String>,
}

impl Fake {
    pub(crate) async fn start(fault: Fault) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (acceptor, ca_pem) = tls();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca_pem).expect("written");
        let shared = Arc::new(Shared {
            base: format!("https://localhost:{port}"),
            fault: Mutex::new(fault),
            orders: AtomicUsize::new(0),
            redirected: AtomicUsize::new(0),
            order: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, acceptor, shared.clone()));
        Self {
            directory: format!("{}/dir", shared.base),
            ca_file,
            shared,
            _folder: folder,
            _server: AbortOnDropHandle::new(server),
        }
    }

    /// What it does wrong from now on.
    pub(crate) fn turn(&self, fault: Fault) {
        *self.shared.fault.lock().expect("unpoisoned") = fault;
    }

    pub(crate) fn orders(&self) -> usize {
        self.shared.orders.load(Ordering::Relaxed)
    }

    /// Requests that followed its redirect.
    pub(crate) fn redirected(&self) -> usize {
        self.shared.redirected.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        connections.spawn(async move {
            if shared.fault() == Fault::Silence {
                return std::future::pending::<()>().await;
            }
            let Ok(tls) = acceptor.accept(socket).await else {
                return;
            };
            let service = hyper::service::service_fn(|request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tls), service)
                .await;
        });
    }
}

type Answer = Response<Full<Bytes>>;

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().expect("unpoisoned")
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        if request.method() != Method::POST {
            return match path.as_str() {
                "/dir" => json_answer(200, &self.directory()),
                _ => json_answer(200, &json!({})),
            };
        }
        let body = request.into_body().collect().await.map(|b| b.to_bytes());
        let payload = payload(&body.unwrap_or_default());
        match path.as_str() {
            "/acct" => located(
                &format!("{}/acct/1", self.base),
                &json!({"status": "valid"}),
            ),
            "/order" => self.new_order(),
            "/order/1" => self.order_answer(),
            "/authz/1" => json_answer(200, &self.authorization()),
            "/chal/1" => {
                self.order.lock().expect("unpoisoned").proved =
                    self.fault() != Fault::EndlessPending;
                json_answer(200, &self.challenge("processing"))
            }
            "/finalize/1" => {
                let csr = payload["csr"].as_str().unwrap_or_default();
                let chain = self.certify(&URL_SAFE_NO_PAD.decode(csr).expect("base64"));
                self.order.lock().expect("unpoisoned").chain = Some(chain);
                self.order_answer()
            }
            "/cert/1" => {
                let chain = self.order.lock().expect("unpoisoned").chain.clone();
                plain(200, chain.unwrap_or_default())
            }
            "/elsewhere" => {
                self.redirected.fetch_add(1, Ordering::Relaxed);
                plain(200, String::new())
            }
            _ => plain(404, String::new()),
        }
    }

    fn directory(&self) -> Value {
        let base = match self.fault() {
            Fault::PlainAddresses => self.base.replace("https:", "http:"),
            _ => self.base.clone(),
        };
        json!({
            "newNonce": format!("{base}/nonce"),
            "newAccount": format!("{base}/acct"),
            "newOrder": format!("{base}/order"),
        })
    }

    fn new_order(&self) -> Answer {
        let limited = json!({
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many certificates (50) already issued for \"example.org\"",
            "status": 429,
        });
        match self.fault() {
            Fault::RateLimited => with("retry-after", "120", json_answer(429, &limited)),
            Fault::Failing => with(
                "retry-after",
                "30",
                plain(503, "<html>maintenance</html>".to_owned()),
            ),
            Fault::GarbageOrder => plain(201, "<html>hello</html>".to_owned()),
            Fault::HugeAnswer => plain(201, "x".repeat(portlama_acme::MAX_ANSWER_BYTES + 1)),
            Fault::EndlessHead => with(
                "x-padding",
                &"x".repeat(2 * portlama_acme::MAX_HEAD_BYTES),
                plain(201, String::new()),
            ),
            Fault::Redirect => {
                let to = format!("{}/elsewhere", self.base);
                with("location", &to, plain(307, String::new()))
            }
            _ => {
                self.orders.fetch_add(1, Ordering::Relaxed);
                *self.order.lock().expect("unpoisoned") = Progress::default();
                located(&format!("{}/order/1", self.base), &self.order_state())
            }
        }
    }

    fn order_answer(&self) -> Answer {
        let answer = json_answer(200, &self.order_state());
        match self.fault() {
            Fault::LongProcessing => with("retry-after", "3600", answer),
            _ => answer,
        }
    }

    fn order_state(&self) -> Value {
        let order = self.order.lock().expect("unpoisoned");
        let endless = matches!(
            self.fault(),
            Fault::EndlessProcessing | Fault::LongProcessing
        );
        let status = match (order.proved, &order.chain) {
            (_, Some(_)) if endless => "processing",
            (_, Some(_)) => "valid",
            (true, None) => "ready",
            (false, None) => "pending",
        };
        json!({
            "status": status,
            "identifiers": [{"type": "dns", "value": HOST}],
            "authorizations": [format!("{}/authz/1", self.base)],
            "finalize": format!("{}/finalize/1", self.base),
            "certificate": format!("{}/cert/1", self.base),
        })
    }

    fn authorization(&self) -> Value {
        let host = match self.fault() {
            Fault::AnotherProof => "bank.example.com",
            _ => HOST,
        };
        json!({
            "status": "pending",
            "identifier": {"type": "dns", "value": host},
            "challenges": [self.challenge("pending")],
        })
    }

    fn challenge(&self, status: &str) -> Value {
        let kind = match self.fault() {
            Fault::NoChallenge => "http-01",
            _ => "tls-alpn-01",
        };
        json!({
            "type": kind,
            "url": format!("{}/chal/1", self.base),
            "token": "a-token",
            "status": status,
        })
    }

    /// The chain for a request, with the fault in it.
    fn certify(&self, csr: &[u8]) -> String {
        let fault = self.fault();
        if fault == Fault::GarbageCertificate {
            return "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".repeat(2);
        }
        let root = issuer("Root");
        let intermediate = CertifiedIssuer::signed_by(
            authority_params("Intermediate"),
            KeyPair::generate().expect("a key"),
            &root,
        )
        .expect("an intermediate");
        let request =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr))
                .expect("a request");
        let names: &[&str] = match fault {
            Fault::WrongName => &["other.example.org"],
            Fault::MoreNames => &[HOST, "other.example.org"],
            _ => &[HOST],
        };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        let day = Duration::from_secs(24 * 60 * 60);
        let now = SystemTime::now();
        params.not_before = (now - 3 * day).into();
        params.not_after = match fault {
            Fault::Expired => (now - day).into(),
            _ => (now + 90 * day).into(),
        };
        params.extended_key_usages = vec![match fault {
            Fault::NotForServers => rcgen::ExtendedKeyUsagePurpose::ClientAuth,
            _ => rcgen::ExtendedKeyUsagePurpose::ServerAuth,
        }];
        let leaf = match fault {
            Fault::WrongKey => {
                let other = KeyPair::generate().expect("a key");
                params.signed_by(&other, &intermediate)
            }
            Fault::BrokenChain => params.signed_by(&request.public_key, &issuer("Intermediate")),
            _ => params.signed_by(&request.public_key, &intermediate),
        };
        let leaf = leaf.expect("a leaf").pem();
        match fault {
            Fault::MissingChain => leaf,
            _ => leaf + &intermediate.pem(),
        }
    }
}

/// What was signed.
fn payload(body: &[u8]) -> Value {
    let envelope: Value = serde_json::from_slice(body).unwrap_or_default();
    let payload = envelope["payload"].as_str().unwrap_or_default();
    let octets = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&octets).unwrap_or_default()
}

fn json_answer(status: u16, body: &Value) -> Answer {
    plain(status, body.to_string())
}

fn located(location: &str, body: &Value) -> Answer {
    with("location", location, json_answer(201, body))
}

fn plain(status: u16, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    with("replay-nonce", "a-nonce", answer)
}

fn with(header: &'static str, value: &str, mut answer: Answer) -> Answer {
    let value = value.parse().expect("a header");
    answer.headers_mut().insert(header, value);
    answer
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(authority_params(name), key).expect("an authority")
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}

/// TLS for `localhost`, and the authority that certifies it.
fn tls() -> (TlsAcceptor, String) {
    let authority = issuer("The fake's own");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &authority)
        .expect("a leaf");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}
