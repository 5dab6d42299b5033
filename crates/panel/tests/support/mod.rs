//! A panel over a real control in a throw-away directory, and callers of every kind.
#![allow(dead_code, reason = "each test file uses its part")]

mod contract;
pub(crate) mod sites;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use portlama_access::{Identity, Presented};
use portlama_auth::{PanelSession, PanelSessionKey, TotpSeed};
use portlama_control::http::{ClientInfo, Handler as _, RequestBody, WebsocketOffer};
use portlama_control::logs::PartLogs;
use portlama_control::setup::{Setup, initialise};
use portlama_control::{
    Activation, Clock, Control, DataPlane, HostCertificates, PrepareError, Settings, Surroundings,
};
use portlama_host::Host;
use portlama_model::{
    AgentLabel, Capability, CertificateAuthority, Desired, Secret, Serial, Timestamp,
};
use portlama_panel::Panel;
use portlama_pki::{AgentKey, Authority};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The origin under which the panel is served in tests.
pub(crate) const ORIGIN: &str = "https://panel.lab.example.org";

/// 2027-02-02T08:00:00Z, thirty days after the server was made.
const NOW: i64 = 1_801_555_200;
const DAY: i64 = 86_400;

/// The seed and the session key of a server that asks the admin for codes.
pub(crate) const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SESSION_KEY: [u8; 32] = [0x5a; 32];

/// A panel, its control and its authority.
pub(crate) struct TestApp {
    pub(crate) control: Arc<Control>,
    panel: Panel,
    dir: TempDir,
    admin: Presented,
    next_address: AtomicU32,
    clock: Arc<TestClock>,
}

impl TestApp {
    /// A server whose first set-up is complete, with the domain `lab.example.org`.
    pub(crate) async fn completed() -> Self {
        Self::with(nowhere_in_particular()).await
    }

    /// A server where nothing was decided.
    pub(crate) async fn fresh() -> Self {
        Self::start_at(None, |_| {}, nowhere_in_particular(), Settings::default()).await
    }

    /// The same, looking names up at a resolver.
    pub(crate) async fn fresh_asking(resolver: SocketAddr) -> Self {
        let settings = Settings {
            resolvers: vec![resolver.into()],
            ..Settings::default()
        };
        Self::start_at(None, |_| {}, nowhere_in_particular(), settings).await
    }

    /// A finished server that does not listen at the usual ports.
    pub(crate) async fn at_ports(https_port: u16, panel_port: u16) -> Self {
        let settings = Settings {
            https_port,
            panel_port,
            ..Settings::default()
        };
        let domain = Some("lab.example.org");
        Self::start_at(domain, |_| {}, nowhere_in_particular(), settings).await
    }

    /// A finished server on another machine.
    pub(crate) async fn with(around: Surroundings) -> Self {
        Self::start_at(Some("lab.example.org"), |_| {}, around, Settings::default()).await
    }

    /// A finished server on another machine, which knows where releases are.
    pub(crate) async fn with_releases(around: Surroundings) -> Self {
        let change = |panel: &mut Value| {
            panel["releases"] = json!({ "url": "https://releases.example.org/v{version}" });
        };
        Self::start_at(Some("lab.example.org"), change, around, Settings::default()).await
    }

    /// A server with two-factor sign-in to the panel.
    pub(crate) async fn locked(domain: Option<&str>) -> Self {
        Self::start(domain, |panel| {
            panel["panel2fa"] = json!({ "enabled": true, "secret": SEED, "setupComplete": true });
            panel["sessionSecret"] = json!(key().to_hex());
        })
        .await
    }

    /// A server whose `panel.json` was changed before its first start.
    pub(crate) async fn start(domain: Option<&str>, change: impl FnOnce(&mut Value)) -> Self {
        Self::start_at(domain, change, nowhere_in_particular(), Settings::default()).await
    }

    async fn start_at(
        domain: Option<&str>,
        change: impl FnOnce(&mut Value),
        around: Surroundings,
        settings: Settings,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let state_dir = dir.path().join("state");
        let made = initialise(
            &state_dir,
            Setup {
                ip: Ipv4Addr::new(192, 0, 2, 10).into(),
                domain: domain.map(|domain| domain.parse().expect("a domain")),
                email: None,
                certificate_authority: CertificateAuthority::Internal,
                acme: Default::default(),
                dns: Default::default(),
                now: Timestamp::from_unix_seconds(NOW - 30 * DAY),
            },
        )
        .expect("a new server");
        let panel = state_dir.join("panel.json");
        let mut document = read_json(&panel);
        change(&mut document);
        std::fs::write(&panel, document.to_string()).expect("written");
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let control = Control::start(
            &state_dir,
            settings,
            Arc::clone(&clock) as Arc<dyn Clock>,
            |_| Arc::new(Nowhere),
        )
        .await
        .expect("starts");
        control.attach(around);
        let certificate = CertificateDer::from_pem_file(&made.admin_cert_path).expect("PEM");
        Self {
            admin: judged(&control, certificate),
            panel: Panel::new(Arc::clone(&control)),
            control,
            dir,
            next_address: AtomicU32::new(u32::from(Ipv4Addr::new(198, 18, 0, 0))),
            clock,
        }
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The code of a seed at present.
    pub(crate) fn code(&self, seed: &str) -> String {
        let code = seed_of(seed).code_at(self.now());
        code.expose().expose().to_owned()
    }

    /// The cookie of a two-factor session that begins at present, on a [`locked`](Self::locked)
    /// server, as its certificate's holder sends it.
    pub(crate) fn session(&self, serial: &Serial) -> String {
        let (seed, now) = (seed_of(SEED), self.now());
        let proof = seed.verify(&seed.code_at(now), None, now).expect("right");
        let session = PanelSession::begin(proof, serial.clone(), now);
        format!("__Host-portlama_2fa={}", key().seal(&session).expose())
    }

    /// `panel.json` as it is on the disk.
    pub(crate) fn panel_json(&self) -> Value {
        read_json(&self.state_dir().join("panel.json"))
    }

    /// The admin with their certificate.
    pub(crate) fn admin(&self) -> Presented {
        self.admin.clone()
    }

    /// Whom a certificate is.
    pub(crate) fn identity(&self, presented: &Presented) -> Identity {
        self.control.live().identify(presented).expect("somebody")
    }

    /// Enrols an agent as agents do, but for the network.
    pub(crate) async fn agent(&self, label: &str, capabilities: &[Capability]) -> Presented {
        self.agent_with_sites(label, capabilities, &[]).await
    }

    /// The same, with sites that it may touch.
    pub(crate) async fn agent_with_sites(
        &self,
        label: &str,
        capabilities: &[Capability],
        sites: &[&str],
    ) -> Presented {
        let label: AgentLabel = label.parse().expect("a label");
        let admin = self.identity(&self.admin);
        let sites = sites.iter().map(|name| (*name).to_owned()).collect();
        let enrollment = self
            .control
            .create_enrollment(&admin, label.clone(), capabilities.to_vec(), sites)
            .await
            .expect("a token");
        let key = AgentKey::generate().expect("a key");
        let csr = key.request(&label).expect("a request");
        let enrolled = self
            .control
            .enroll(enrollment.token.expose(), &csr)
            .await
            .expect("a certificate");
        let certificate = CertificateDer::from_pem_slice(enrolled.cert.as_bytes()).expect("PEM");
        judged(&self.control, certificate)
    }

    /// Revokes an agent.
    pub(crate) async fn revoke(&self, label: &str) {
        let admin = self.identity(&self.admin);
        let label = label.parse().expect("a label");
        self.control
            .revoke_agent(&admin, &label)
            .await
            .expect("revoked");
    }

    /// A certificate of this server's authority with any name, valid from and to so many days
    /// from the present.
    pub(crate) fn certificate(&self, common_name: &str, days: std::ops::Range<i64>) -> Presented {
        let read = |name: &str| {
            std::fs::read_to_string(self.state_dir().join("pki").join(name)).expect("readable")
        };
        let ca_key = KeyPair::from_pem(&read("ca.key")).expect("a key");
        let issuer = rcgen::Issuer::from_ca_cert_pem(&read("ca.crt"), ca_key).expect("a CA");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let at = |days: i64| Timestamp::from_unix_seconds(NOW + days * DAY).to_offset_date_time();
        (params.not_before, params.not_after) = (at(days.start), at(days.end));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &issuer).expect("signs");
        judged(&self.control, certificate.der().clone())
    }

    /// The admin of another server.
    pub(crate) fn foreign(&self) -> Presented {
        let (other, _) = Authority::create(now()).expect("an authority");
        let admin = other.issue_admin(now()).expect("issues");
        judged(&self.control, admin.certificate().der().clone())
    }

    /// Sends one request, each from an address of its own, so that no limit of one test is met
    /// in another.
    pub(crate) async fn send(&self, presented: &Presented, request: Ask) -> Answer {
        let address = Ipv4Addr::from(self.next_address.fetch_add(1, Ordering::Relaxed));
        self.send_from(address.into(), presented, request).await
    }

    /// Opens a WebSocket, as the edge does after an opening handshake. The answer, when it is
    /// not accepted.
    pub(crate) async fn open(
        &self,
        presented: &Presented,
        path: &str,
    ) -> Result<WebSocketStream<DuplexStream>, Answer> {
        self.open_with(presented, Ask::websocket(path)).await
    }

    /// The same with a handshake of the test's own.
    pub(crate) async fn open_with(
        &self,
        presented: &Presented,
        ask: Ask,
    ) -> Result<WebSocketStream<DuplexStream>, Answer> {
        let offer = WebsocketOffer::new(http::HeaderValue::from_static("accepted"));
        let address = Ipv4Addr::from(self.next_address.fetch_add(1, Ordering::Relaxed));
        let answer = self
            .exchange(address.into(), presented, ask, Some(offer.clone()))
            .await;
        let Some(run) = offer.take() else {
            return Err(answer);
        };
        assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS);
        let (ours, theirs) = tokio::io::duplex(1024);
        tokio::spawn(run(Box::new(theirs)));
        Ok(WebSocketStream::from_raw_socket(ours, Role::Client, None).await)
    }

    /// Sends one request from an address, and holds the answer against the OpenAPI document.
    pub(crate) async fn send_from(&self, from: IpAddr, presented: &Presented, ask: Ask) -> Answer {
        self.exchange(from, presented, ask, None).await
    }

    async fn exchange(
        &self,
        from: IpAddr,
        presented: &Presented,
        ask: Ask,
        offer: Option<WebsocketOffer>,
    ) -> Answer {
        let asked = (ask.method.clone(), ask.path.clone());
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path)
            .body(ask.body)
            .expect("a request");
        *request.headers_mut() = ask.headers;
        request.extensions_mut().insert(ClientInfo {
            address: SocketAddr::new(from, 40_000),
            presented: Arc::new(presented.clone()),
            served_origin: ORIGIN.into(),
            host: ORIGIN.trim_start_matches("https://").into(),
        });
        if let Some(offer) = offer {
            request.extensions_mut().insert(offer);
        }
        let (parts, body) = self.panel.call(request).await.into_parts();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a whole body").to_bytes(),
        };
        contract::check(&asked.0, &asked.1, &answer);
        answer
    }

    /// Every file of the durable state that requests may change, with its content.
    pub(crate) fn durable(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.state_dir(), &mut files);
        files.retain(|path, _| {
            let kind = path.extension().and_then(|kind| kind.to_str());
            // Certificates of the server's own hosts may be on their way.
            let is_record = path.ends_with("state/intent.json");
            matches!(kind, Some("json" | "yml")) && !is_record
        });
        files
    }

    /// The folder of all sites.
    pub(crate) fn sites_dir(&self) -> PathBuf {
        self.state_dir().join("sites")
    }

    fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }
}

/// This machine, of which the figures alone are known.
fn nowhere_in_particular() -> Surroundings {
    Surroundings {
        machine: Arc::new(Host::without_systemd()),
        logs: Arc::new(PartLogs::new(now())),
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(content) = std::fs::read(&path) {
            files.insert(path, content);
        }
    }
}

/// What the edge makes of the certificate of a connection.
fn judged(control: &Control, certificate: CertificateDer<'static>) -> Presented {
    match control.live().client_trust().verify(&[certificate]) {
        Ok(client) => Presented::Client(client),
        Err(reason) => Presented::Untrusted(reason),
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

/// Stands still until it is told otherwise; Unix seconds.
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::Relaxed))
    }
}

fn key() -> PanelSessionKey {
    PanelSessionKey::from_random(SESSION_KEY)
}

fn seed_of(base32: &str) -> TotpSeed {
    TotpSeed::from_base32(&Secret::new(base32)).expect("a seed")
}

fn read_json(path: &Path) -> Value {
    let text = std::fs::read(path).expect("readable");
    serde_json::from_slice(&text).expect("JSON")
}

/// A data plane that serves nobody.
struct Nowhere;

impl DataPlane for Nowhere {
    fn prepare(
        &self,
        _: Arc<Desired>,
        _: &Arc<HostCertificates>,
    ) -> Result<Box<dyn Activation>, PrepareError> {
        Ok(Box::new(Nowhere))
    }
}

impl Activation for Nowhere {
    fn activate(self: Box<Self>) {}
}

/// A request to be sent.
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: RequestBody,
}

impl Ask {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: whole(Bytes::new()),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// The handshake of a WebSocket (RFC 6455 §4.1).
    pub(crate) fn websocket(path: &str) -> Self {
        Self::get(path)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    pub(crate) fn patch(path: &str, body: &Value) -> Self {
        Self::new(Method::PATCH, path).json(body)
    }

    pub(crate) fn put(path: &str, body: &Value) -> Self {
        Self::new(Method::PUT, path).json(body)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .raw(body.to_string())
    }

    pub(crate) fn raw(mut self, body: impl Into<Bytes>) -> Self {
        self.body = whole(body.into());
        self
    }

    pub(crate) fn streamed(mut self, body: RequestBody) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .append(name, value.parse().expect("a header value"));
        self
    }
}

fn whole(body: Bytes) -> RequestBody {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// What the panel answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or(""))
    }

    /// The status and `error`, for comparisons.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let error = self.json()["error"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), error)
    }
}

/// A certificate request with a key of its own.
pub(crate) fn csr() -> String {
    let label = "whoever".parse().expect("a label");
    AgentKey::generate()
        .and_then(|key| key.request(&label))
        .expect("a request")
}
