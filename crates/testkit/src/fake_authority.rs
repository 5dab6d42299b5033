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
use rcgen::{CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::CertificateSigningRequestDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::local_tls::{authority_params, issuer, local_tls};

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityFault {
    /// Nothing.
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
    /// A certificate of another name.
    WrongName,
    /// A certificate of one name too many.
    MoreNames,
    /// A certificate of another key.
    WrongKey,
    /// No certificate but the leaf.
    MissingChain,
    /// The leaf is not signed by what follows it.
    BrokenChain,
    /// A certificate that has ended.
    Expired,
    /// A certificate for clients.
    NotForServers,
    /// A certificate that is none.
    GarbageCertificate,
    /// An order that is a page.
    GarbageOrder,
    /// An answer of so many octets.
    HugeAnswer(usize),
    /// An answer with a header field of so many octets.
    EndlessHead(usize),
    /// The order is taken elsewhere.
    Redirect,
    /// Connections are accepted and never served.
    Silence,
    /// Every address but the directory's is plain http.
    PlainAddresses,
}

/// A running fake.
pub struct FakeAuthority {
    /// Its directory, to be asked first.
    pub directory: String,
    /// The authority of its own address, PEM.
    pub ca_file: PathBuf,
    shared: Arc<Shared>,
    _folder: tempfile::TempDir,
    _server: AbortOnDropHandle<()>,
}

struct Shared {
    base: String,
    fault: Mutex<AuthorityFault>,
    orders: Mutex<Vec<Order>>,
    asked: AtomicUsize,
    redirected: AtomicUsize,
    time: Mutex<Option<SystemTime>>,
}

#[derive(Clone)]
struct Order {
    host: String,
    proved: bool,
    chain: Option<String>,
}

impl FakeAuthority {
    /// A fake that does `fault` wrong.
    ///
    /// # Panics
    /// When there is no port or folder for it.
    pub async fn start(fault: AuthorityFault) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (acceptor, ca_pem) = local_tls("The fake's own");
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca_pem).expect("written");
        let shared = Arc::new(Shared {
            base: format!("https://localhost:{port}"),
            fault: Mutex::new(fault),
            orders: Mutex::default(),
            asked: AtomicUsize::new(0),
            redirected: AtomicUsize::new(0),
            time: Mutex::default(),
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
    pub fn turn(&self, fault: AuthorityFault) {
        *self.shared.fault.lock().expect("unpoisoned") = fault;
    }

    /// The time of its certificates from now on, instead of the machine's.
    pub fn set_time(&self, time: SystemTime) {
        *self.shared.time.lock().expect("unpoisoned") = Some(time);
    }

    /// Orders that it took.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.shared.orders.lock().expect("unpoisoned").len()
    }

    /// Orders that it was asked for, taken or not.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// Requests that followed its redirect.
    #[must_use]
    pub fn redirected(&self) -> usize {
        self.shared.redirected.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        connections.spawn(async move {
            if shared.fault() == AuthorityFault::Silence {
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
    fn fault(&self) -> AuthorityFault {
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
            "/order" => self.new_order(&payload),
            "/elsewhere" => {
                self.redirected.fetch_add(1, Ordering::Relaxed);
                plain(200, String::new())
            }
            path => {
                let mut parts = path.trim_start_matches('/').splitn(2, '/');
                let what = parts.next().unwrap_or_default();
                let number = parts.next().and_then(|number| number.parse().ok());
                number
                    .and_then(|number| self.about_order(what, number, &payload))
                    .unwrap_or_else(|| plain(404, String::new()))
            }
        }
    }

    /// The answer about the order with this number.
    fn about_order(&self, what: &str, number: usize, payload: &Value) -> Option<Answer> {
        let mut orders = self.orders.lock().expect("unpoisoned");
        let order = orders.get_mut(number)?;
        Some(match what {
            "order" => self.order_answer(number, order),
            "authz" => json_answer(200, &self.authorization(number, order)),
            "chal" => {
                order.proved = self.fault() != AuthorityFault::EndlessPending;
                json_answer(200, &self.challenge(number, "processing"))
            }
            "finalize" => {
                let csr = payload["csr"].as_str().unwrap_or_default();
                let csr = URL_SAFE_NO_PAD.decode(csr).expect("base64");
                order.chain = Some(self.certify(&csr, &order.host));
                self.order_answer(number, order)
            }
            "cert" => plain(200, order.chain.clone().unwrap_or_default()),
            _ => return None,
        })
    }

    fn directory(&self) -> Value {
        let base = match self.fault() {
            AuthorityFault::PlainAddresses => self.base.replace("https:", "http:"),
            _ => self.base.clone(),
        };
        json!({
            "newNonce": format!("{base}/nonce"),
            "newAccount": format!("{base}/acct"),
            "newOrder": format!("{base}/order"),
        })
    }

    fn new_order(&self, payload: &Value) -> Answer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let limited = json!({
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many certificates (50) already issued for \"example.org\"",
            "status": 429,
        });
        match self.fault() {
            AuthorityFault::RateLimited => with("retry-after", "120", json_answer(429, &limited)),
            AuthorityFault::Failing => with(
                "retry-after",
                "30",
                plain(503, "<html>maintenance</html>".to_owned()),
            ),
            AuthorityFault::GarbageOrder => plain(201, "<html>hello</html>".to_owned()),
            AuthorityFault::HugeAnswer(octets) => plain(201, "x".repeat(octets)),
            AuthorityFault::EndlessHead(octets) => {
                with("x-padding", &"x".repeat(octets), plain(201, String::new()))
            }
            AuthorityFault::Redirect => {
                let to = format!("{}/elsewhere", self.base);
                with("location", &to, plain(307, String::new()))
            }
            _ => {
                let host = payload["identifiers"][0]["value"].as_str();
                let order = Order {
                    host: host.unwrap_or_default().to_owned(),
                    proved: false,
                    chain: None,
                };
                let mut orders = self.orders.lock().expect("unpoisoned");
                let number = orders.len();
                orders.push(order.clone());
                let state = self.order_state(number, &order);
                located(&format!("{}/order/{number}", self.base), &state)
            }
        }
    }

    fn order_answer(&self, number: usize, order: &Order) -> Answer {
        let answer = json_answer(200, &self.order_state(number, order));
        match self.fault() {
            AuthorityFault::LongProcessing => with("retry-after", "3600", answer),
            _ => answer,
        }
    }

    fn order_state(&self, number: usize, order: &Order) -> Value {
        let endless = matches!(
            self.fault(),
            AuthorityFault::EndlessProcessing | AuthorityFault::LongProcessing
        );
        let status = match (order.proved, &order.chain) {
            (_, Some(_)) if endless => "processing",
            (_, Some(_)) => "valid",
            (true, None) => "ready",
            (false, None) => "pending",
        };
        json!({
            "status": status,
            "identifiers": [{"type": "dns", "value": order.host}],
            "authorizations": [format!("{}/authz/{number}", self.base)],
            "finalize": format!("{}/finalize/{number}", self.base),
            "certificate": format!("{}/cert/{number}", self.base),
        })
    }

    fn authorization(&self, number: usize, order: &Order) -> Value {
        let host = match self.fault() {
            AuthorityFault::AnotherProof => "bank.example.com",
            _ => order.host.as_str(),
        };
        json!({
            "status": "pending",
            "identifier": {"type": "dns", "value": host},
            "challenges": [self.challenge(number, "pending")],
        })
    }

    fn challenge(&self, number: usize, status: &str) -> Value {
        let kind = match self.fault() {
            AuthorityFault::NoChallenge => "http-01",
            _ => "tls-alpn-01",
        };
        json!({
            "type": kind,
            "url": format!("{}/chal/{number}", self.base),
            "token": "a-token",
            "status": status,
        })
    }

    /// The chain for a request, with the fault in it.
    fn certify(&self, csr: &[u8], host: &str) -> String {
        let fault = self.fault();
        if fault == AuthorityFault::GarbageCertificate {
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
            AuthorityFault::WrongName => &["other.example.org"],
            AuthorityFault::MoreNames => &[host, "other.example.org"],
            _ => &[host],
        };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        let day = Duration::from_secs(24 * 60 * 60);
        let time = *self.time.lock().expect("unpoisoned");
        let now = time.unwrap_or_else(SystemTime::now);
        params.not_before = (now - 3 * day).into();
        params.not_after = match fault {
            AuthorityFault::Expired => (now - day).into(),
            _ => (now + 90 * day).into(),
        };
        params.extended_key_usages = vec![match fault {
            AuthorityFault::NotForServers => rcgen::ExtendedKeyUsagePurpose::ClientAuth,
            _ => rcgen::ExtendedKeyUsagePurpose::ServerAuth,
        }];
        let leaf = match fault {
            AuthorityFault::WrongKey => {
                let other = KeyPair::generate().expect("a key");
                params.signed_by(&other, &intermediate)
            }
            AuthorityFault::BrokenChain => {
                params.signed_by(&request.public_key, &issuer("Intermediate"))
            }
            _ => params.signed_by(&request.public_key, &intermediate),
        };
        let leaf = leaf.expect("a leaf").pem();
        match fault {
            AuthorityFault::MissingChain => leaf,
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
