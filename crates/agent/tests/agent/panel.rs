//! A panel that speaks TLS and HTTP like the real one, and answers as each test wants.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use portlama_agent::{Credential, KeyStoreKind, SetupRequest, SetupSecret};
use portlama_model::{AgentLabel, CaFingerprint, Timestamp};
use portlama_pki::tls::{ClientCertificate, ClientVerifier};
use portlama_pki::{AgentKey, Authority, LeafName, ParsedRequest, Subject};
use portlama_tunnel::{AgentIdentity, Hub, HubConfig};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How the panel behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Honest,
    /// Its domain was not chosen yet.
    NoDomain,
    /// It takes no token.
    Refuses,
    /// It certifies a key of its own.
    AnotherKey,
    /// It breaks after enrolling.
    BreaksLater,
}

pub(crate) struct Panel {
    pub(crate) authority: Authority,
    mood: Mutex<Mood>,
    pub(crate) seen: Mutex<Vec<(String, Value)>>,
    url: String,
    pub(crate) tunnel_port: u16,
    pub(crate) hub: Arc<Hub>,
}

impl Panel {
    pub(crate) async fn start(mood: Mood) -> Arc<Self> {
        let (authority, _) = Authority::create(now()).expect("an authority");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
        let tunnel = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
        let tunnel_port = tunnel.local_addr().expect("bound").port();
        let url = format!(
            "https://127.0.0.1:{}",
            listener.local_addr().expect("bound").port()
        );
        let panel = Arc::new(Self {
            authority,
            mood: Mutex::new(mood),
            seen: Mutex::default(),
            url,
            tunnel_port,
            hub: Hub::new(HubConfig {
                software: "test".to_owned(),
            }),
        });
        tokio::spawn(panel.clone().serve_tunnel(tunnel));
        tokio::spawn(panel.clone().serve(listener));
        panel
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(self.tls()));
        while let Ok((stream, _)) = listener.accept().await {
            let (panel, acceptor) = (self.clone(), acceptor.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(move |request| panel.clone().answer(request));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    /// Serves carriers of agents whose certificate this panel issued.
    async fn serve_tunnel(self: Arc<Self>, listener: TcpListener) {
        let names = [LeafName::Host(
            "tunnel.lab.localhost".parse().expect("a name"),
        )];
        let config = self.tls_as(
            &names,
            ClientCertificate::Required,
            &[portlama_tunnel::ALPN],
        );
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let (panel, acceptor) = (self.clone(), acceptor.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let client = panel.authority.client_trust().verify(chain).expect("ours");
                let Subject::Agent(label) = client.subject().clone() else {
                    return;
                };
                let agent = AgentIdentity {
                    label,
                    serial: client.serial().clone(),
                };
                let closed = CancellationToken::new();
                panel.hub.serve_carrier(stream, agent, closed).await;
            });
        }
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn tls(&self) -> rustls::ServerConfig {
        let names = [LeafName::Ip([127, 0, 0, 1].into())];
        self.tls_as(
            &names,
            ClientCertificate::Optional,
            &[b"portlama-api/1", b"http/1.1"],
        )
    }

    fn tls_as(
        &self,
        names: &[LeafName],
        demand: ClientCertificate,
        alpn: &[&[u8]],
    ) -> rustls::ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let leaf = self
            .authority
            .issue_server(names, now(), Duration::from_secs(86_400))
            .expect("a leaf");
        let trust = self.authority.client_trust();
        let verifier = ClientVerifier::new(trust, demand, provider.clone());
        let chain = vec![
            leaf.certificate().der().clone(),
            self.authority.certificate_der().clone(),
        ];
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(chain, leaf.key_der())
            .expect("a server");
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let body = request
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        self.seen.lock().push((path.clone(), body.clone()));
        let mood = *self.mood.lock();
        let (status, answer) = match (path.as_str(), mood) {
            ("/api/enroll", Mood::Refuses) => (
                StatusCode::UNAUTHORIZED,
                json!({"error": "Invalid enrollment token"}),
            ),
            ("/api/enroll", _) => (StatusCode::OK, self.enroll(&body)),
            (_, Mood::BreaksLater) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                json!({"error": "broken"}),
            ),
            ("/api/health", _) => (StatusCode::OK, json!({"status": "ok", "version": "0"})),
            (_, Mood::NoDomain) => (
                StatusCode::BAD_REQUEST,
                json!({"error": "Domain not configured"}),
            ),
            (_, _) => (
                StatusCode::OK,
                json!({
                    "domain": "lab.localhost", "chiselServerUrl": "https://tunnel.lab.localhost", "chiselArgs": [],
                    "tunnelServer": {"host": "tunnel.lab.localhost", "port": self.tunnel_port},
                    "tunnels": [{"id": "a4d2c7b0-6f1e-4f4b-8f0a-5c9b7e1d3f05", "port": 8400, "subdomain": "wiki", "fqdn": "wiki.lab.localhost"}],
                }),
            ),
        };
        let mut response = Response::new(Full::new(answer.to_string().into()));
        *response.status_mut() = status;
        Ok(response)
    }

    fn enroll(&self, body: &Value) -> Value {
        let mut csr = body["csr"].as_str().expect("a request").to_owned();
        let label: AgentLabel = "attic".parse().expect("a label");
        if *self.mood.lock() == Mood::AnotherKey {
            csr = AgentKey::generate()
                .and_then(|key| key.request(&label))
                .expect("a request");
        }
        let request = ParsedRequest::parse(&csr).expect("a request");
        let key = request
            .admit(&self.authority, &BTreeSet::new())
            .expect("admitted");
        let issued = self
            .authority
            .sign_agent(&label, &key, now())
            .expect("signed");
        json!({
            "ok": true, "cert": issued.pem(), "caCert": self.authority.certificate_pem(), "label": label,
            "serial": issued.serial(), "expiresAt": issued.validity().not_after,
        })
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen
            .lock()
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    pub(crate) fn request(&self) -> SetupRequest {
        self.request_with_pin(&self.authority.fingerprint())
    }

    pub(crate) fn request_with_pin(&self, pin: &CaFingerprint) -> SetupRequest {
        SetupRequest {
            panel: self.url.parse().expect("an address"),
            credential: Credential::Token(
                SetupSecret::parse(&format!("ptl1.{TOKEN}.{pin}"), None).expect("a token"),
            ),
            key_store: KeyStoreKind::File,
            label: None,
            replace: false,
            allow_loopback: false,
            transport: None,
            proxy: None,
        }
    }
}

pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
