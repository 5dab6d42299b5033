//! A whole server in this process: control, edge, one agent with its tunnel, rooms that say
//! what they were told.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use portlama_access::{Agent, Identity, Presented};
use portlama_control::http::{
    AsyncReadWrite, CarrierSink, ClientInfo, Handler, RequestBody, ResponseBody, WebsocketOffer,
};
use portlama_control::setup::{Setup, initialise};
use portlama_control::{
    BoxFuture, Control, DataPlane, Farewell, NewTunnel, NewUser, Settings, SystemClock,
    TunnelChange,
};
use portlama_edge::{Edge, EdgeConfig, Parts};
use portlama_model::{
    AccessMode, AgentLabel, CertificateAuthority, HostHeader, OriginScheme, Secret, TunnelPort,
};
use portlama_pki::tls::PinnedVerifier;
use portlama_pki::{AgentKey, certificate_from_pem};
use portlama_tunnel::{
    AgentIdentity, Connector, ConnectorConfig, Detail, OriginDialer, OriginIo, OriginSpec,
    PortState, Refusal, RefusalReason, Transport,
};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::origin::Origin;

/// The host that everybody may visit.
pub(crate) const PUBLIC: &str = "open.lab.example.org";
/// The host for signed-in visitors.
pub(crate) const PRIVATE: &str = "wiki.lab.example.org";
/// The host that wants `Host: localhost`.
pub(crate) const LOCAL: &str = "dev.lab.example.org";
/// The host whose service does not run.
pub(crate) const DEAD: &str = "dead.lab.example.org";
/// The host whose port the agent does not allow.
pub(crate) const FORBIDDEN: &str = "not-allowed.lab.example.org";
/// A site for everybody.
pub(crate) const SITE: &str = "docs.lab.example.org";
/// A site that is an application of one page.
pub(crate) const APPLICATION: &str = "spa.lab.example.org";
/// A site for signed-in visitors.
pub(crate) const CLUB: &str = "club.lab.example.org";
/// A site of a foreign name, for signed-in visitors whom it lists.
pub(crate) const FOREIGN: &str = "www.example.net";
/// The panel of the agent, once it is exposed.
pub(crate) const AGENT_PANEL: &str = "agent-attic.lab.example.org";
/// The agent's port for it.
pub(crate) const PANEL_PORT: u16 = 8006;
pub(crate) const PANEL: &str = "panel.lab.example.org";
pub(crate) const PORTAL: &str = "auth.lab.example.org";
pub(crate) const TUNNEL: &str = "tunnel.lab.example.org";
const USER: &str = "mira";
const PASSWORD: &str = "correct horse battery";

/// A client's certificate and key.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Arc<PrivateKeyDer<'static>>,
}

pub(crate) struct House {
    pub(crate) control: Arc<Control>,
    pub(crate) https: SocketAddr,
    pub(crate) panel: SocketAddr,
    pub(crate) origin: Origin,
    pub(crate) authority: CertificateDer<'static>,
    pub(crate) admin: Identity,
    pub(crate) admin_credentials: Credentials,
    pub(crate) agent: AgentLabel,
    pub(crate) agent_credentials: Credentials,
    tunnels: HashMap<&'static str, uuid::Uuid>,
    shutdown: CancellationToken,
    dir: tempfile::TempDir,
}

impl House {
    /// Where the server keeps what it knows.
    pub(crate) fn state_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    /// Builds everything and waits until the tunnel is up.
    pub(crate) async fn new() -> Self {
        // `RUST_LOG=debug` shows what a failing case met.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let dir = tempfile::tempdir().expect("a directory");
        let state_dir = dir.path().join("state");
        let made = initialise(
            &state_dir,
            Setup {
                ip: [127, 0, 0, 1].into(),
                domain: Some("lab.example.org".parse().expect("a domain")),
                email: None,
                certificate_authority: CertificateAuthority::Internal,
                acme: Default::default(),
                dns: Default::default(),
                now: std::time::SystemTime::now().into(),
            },
        )
        .expect("a new server");
        std::fs::write(state_dir.join("sites.json"), sites().to_string()).expect("the sites");
        let https = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let panel = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (https_at, panel_at) = (address(&https), address(&panel));
        let config = EdgeConfig {
            https_port: https_at.port(),
            panel_port: panel_at.port(),
            sites_dir: state_dir.join("sites"),
        };
        let settings = Settings {
            https_port: https_at.port(),
            panel_port: panel_at.port(),
            ..Settings::default()
        };
        let edge: OnceLock<Arc<Edge>> = OnceLock::new();
        let control = Control::start(&state_dir, settings, Arc::new(SystemClock), |live| {
            edge.get_or_init(|| Edge::new(live, config)).clone() as Arc<dyn DataPlane>
        })
        .await
        .expect("control starts");
        let edge = edge.get().expect("made above").clone();
        edge.attach(Parts {
            upstreams: control.upstreams(),
            panel: Arc::new(Room("panel", Arc::downgrade(&control))),
            portal: Arc::new(Room("portal", Arc::downgrade(&control))),
            carriers: Arc::new(Carriers(control.clone())),
            visits: control.clone(),
            challenges: None,
        });
        let shutdown = CancellationToken::new();
        tokio::spawn(edge.clone().serve_https(https, shutdown.clone()));
        tokio::spawn(edge.clone().serve_panel(panel, shutdown.clone()));

        let read = |path: &std::path::Path| std::fs::read(path).expect("a file of the set-up");
        let authority =
            CertificateDer::from_pem_slice(&read(&made.ca_path)).expect("a certificate");
        let admin_credentials = Credentials {
            chain: vec![CertificateDer::from_pem_slice(&read(&made.admin_cert_path)).expect("PEM")],
            key: Arc::new(PrivateKeyDer::from_pem_slice(&read(&made.admin_key_path)).expect("PEM")),
        };
        let admin = identity(&control, &admin_credentials);
        let agent: AgentLabel = "attic".parse().expect("a label");
        let agent_credentials = enroll(&control, &admin, &agent).await;
        let mut house = Self {
            control,
            https: https_at,
            panel: panel_at,
            origin: Origin::start().await,
            authority,
            admin,
            admin_credentials,
            agent,
            agent_credentials,
            tunnels: HashMap::new(),
            shutdown,
            dir,
        };
        house.open_tunnels().await;
        house.connect_agent().await;
        house
    }

    async fn open_tunnels(&mut self) {
        let tunnels = [
            (PUBLIC, 8001, AccessMode::Public, HostHeader::Public),
            (PRIVATE, 8002, AccessMode::Authenticated, HostHeader::Public),
            (LOCAL, 8003, AccessMode::Public, HostHeader::Local),
            (DEAD, 8004, AccessMode::Public, HostHeader::Public),
            (FORBIDDEN, 8005, AccessMode::Public, HostHeader::Public),
        ];
        for (host, port, access, host_header) in tunnels {
            let label = host.split('.').next().expect("a label");
            let mut new = NewTunnel::new(label.parse().expect("a label"), tunnel_port(port));
            new.access_mode = Some(access);
            new.agent_label = Some(self.agent.clone());
            new.host_header = host_header;
            let made = self
                .control
                .create_tunnel(&self.admin, new)
                .await
                .expect("a tunnel");
            self.tunnels.insert(host, made.tunnel.id);
        }
    }

    async fn connect_agent(&self) {
        let connector = Connector::new(
            ConnectorConfig {
                addresses: vec![("127.0.0.1".to_owned(), self.https.port())],
                last_good: None,
                server_name: ServerName::try_from(TUNNEL).expect("a name"),
                tls: Arc::new(self.tls(Some(&self.agent_credentials))),
                websocket: None,
                transport: Transport::Tls,
                proxy: None,
                carriers: 1,
                software: "test".to_owned(),
            },
            Arc::new(Services(self.origin.address())),
        );
        tokio::spawn(connector.run(self.shutdown.clone()));
        let mut changes = self.control.hub().subscribe();
        let up = async {
            while !self.control.hub().status(&self.agent).is_connected() {
                changes.changed().await.expect("the hub lives");
            }
        };
        tokio::time::timeout(Duration::from_secs(20), up)
            .await
            .expect("the agent connects");
    }

    /// TLS of a client that trusts the server's authority alone.
    pub(crate) fn tls(&self, credentials: Option<&Credentials>) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let pinned = PinnedVerifier::new(
            self.control.ca_fingerprint(),
            Some(self.authority.clone()),
            provider.clone(),
        );
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned));
        match credentials {
            None => config.with_no_client_auth(),
            Some(credentials) => config
                .with_client_auth_cert(credentials.chain.clone(), credentials.key.clone_key())
                .expect("key and certificate belong together"),
        }
    }

    /// `<host>:<port>` as a visitor types it.
    pub(crate) fn authority_of(&self, host: &str) -> String {
        format!("{host}:{}", self.https.port())
    }

    /// Changes a tunnel.
    pub(crate) async fn change(&self, host: &str, change: TunnelChange) {
        let id = self.tunnels[host];
        self.control
            .change_tunnel(&self.admin, id, change)
            .await
            .expect("the change");
    }

    /// The counters of a tunnel.
    pub(crate) fn traffic(&self, host: &str) -> portlama_control::TrafficTotals {
        self.control.live().traffic(self.tunnels[host]).totals()
    }

    /// The folder of a site's files.
    pub(crate) fn site_folder(&self, host: &str) -> std::path::PathBuf {
        let site = sites_by_host().find(|(known, ..)| *known == host);
        let (_, id, ..) = site.expect("a site");
        self.dir.path().join("state/sites").join(id)
    }

    /// Puts a file into a site, as an upload does: whole, by a rename.
    pub(crate) fn put(&self, host: &str, path: &str, content: impl AsRef<[u8]>) {
        let folder = self.site_folder(host);
        let place = folder.join(path);
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        let new = folder.join(".upload");
        std::fs::write(&new, content).expect("a file");
        std::fs::rename(new, place).expect("renamed");
    }

    /// Who the agent is at this moment.
    pub(crate) fn agent_identity(&self) -> Identity {
        identity(&self.control, &self.agent_credentials)
    }

    /// Enrols one more agent.
    pub(crate) async fn enroll(&self, label: &str) -> Credentials {
        let label = label.parse().expect("a label");
        enroll(&self.control, &self.admin, &label).await
    }

    /// Makes the user.
    pub(crate) async fn add_user(&self, displayname: &str) {
        let new = NewUser {
            username: USER.parse().expect("a name"),
            displayname: displayname.parse().expect("a name"),
            email: "mira@example.net".parse().expect("an address"),
            password: Secret::new(PASSWORD),
            groups: vec!["staff".parse().expect("a group")],
        };
        self.control
            .create_user(&self.admin, new)
            .await
            .expect("a user");
    }

    /// Signs the user in at the portal, as the portal does it: the token of the sign-in.
    pub(crate) async fn sign_in(&self) -> String {
        let name = USER.parse().expect("a name");
        let uri = self
            .control
            .reset_totp(&self.admin, &name)
            .await
            .expect("a seed");
        let from = [127, 0, 0, 1].into();
        let password = Secret::new(PASSWORD);
        let first = self
            .control
            .first_factor(None, USER, password, from)
            .await
            .expect("password");
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("now");
        let code = portlama_testkit::totp_code_at(uri.expose(), now.as_secs()).expect("a code");
        let second = self
            .control
            .second_factor(first.sso_token.expose(), &code, from)
            .await;
        second.expect("the code is right").expose().to_owned()
    }

    /// The code that leads from the portal back to a place.
    pub(crate) fn handover(&self, sso: &str, url: &str, nonce: &str) -> String {
        let target = self.control.return_target(url).expect("a place of ours");
        self.control
            .handover(sso, &target, nonce)
            .expect("a code")
            .expose()
            .to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Host, id, whether it is an application, whether it is protected, for whom.
type SiteRow = (
    &'static str,
    &'static str,
    bool,
    bool,
    &'static [&'static str],
);

fn sites_by_host() -> impl Iterator<Item = SiteRow> {
    [
        (
            SITE,
            "5b1c7d2e-0000-4000-8000-000000000001",
            false,
            false,
            &[][..],
        ),
        (
            APPLICATION,
            "5b1c7d2e-0000-4000-8000-000000000002",
            true,
            false,
            &[],
        ),
        (
            CLUB,
            "5b1c7d2e-0000-4000-8000-000000000003",
            false,
            true,
            &[],
        ),
        (
            FOREIGN,
            "5b1c7d2e-0000-4000-8000-000000000004",
            false,
            true,
            &["noor"],
        ),
    ]
    .into_iter()
}

/// `sites.json`.
fn sites() -> serde_json::Value {
    let site = |(host, id, spa, protected, users): SiteRow| {
        serde_json::json!({
            "id": id, "name": host.split('.').next(), "fqdn": host,
            "type": if host == FOREIGN { "custom" } else { "managed" },
            "spaMode": spa, "autheliaProtected": protected, "allowedUsers": users,
            "dnsVerified": true, "certIssued": true,
            "rootPath": format!("/var/www/portlama/{id}"),
            "createdAt": "2026-01-01T00:00:00.000Z", "totalSize": 0,
        })
    };
    sites_by_host().map(site).collect()
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("an address")
}

fn tunnel_port(port: u16) -> TunnelPort {
    port.try_into().expect("a port")
}

fn identity(control: &Control, credentials: &Credentials) -> Identity {
    let live = control.live();
    let client = live
        .client_trust()
        .verify(&credentials.chain)
        .expect("of our authority");
    live.identify(&Presented::Client(client)).expect("somebody")
}

async fn enroll(control: &Control, admin: &Identity, label: &AgentLabel) -> Credentials {
    let enrollment = control
        .create_enrollment(admin, label.clone(), vec![], vec![])
        .await
        .expect("a token");
    let key = AgentKey::generate().expect("a key");
    let csr = key.request(label).expect("a request");
    let enrolled = control
        .enroll(enrollment.token.expose(), &csr)
        .await
        .expect("a certificate");
    Credentials {
        chain: vec![certificate_from_pem(&enrolled.cert).expect("a certificate")],
        key: Arc::new(key.to_der()),
    }
}

/// A room that answers with what it was told, and replaces the admin's certificate.
struct Room(&'static str, Weak<Control>);

impl Handler for Room {
    fn call(&self, request: Request<RequestBody>) -> BoxFuture<'static, Response<ResponseBody>> {
        if request.uri().path() == "/socket" {
            return Box::pin(std::future::ready(echoing(&request)));
        }
        if request.uri().path() == "/upgrade" {
            let control = self.1.upgrade().expect("the control runs");
            return Box::pin(upgrade(control, request));
        }
        let name = self.0;
        Box::pin(async move {
            let info = request
                .extensions()
                .get::<ClientInfo>()
                .expect("the edge says who")
                .clone();
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await.map(|b| b.to_bytes());
            let presented = match &*info.presented {
                Presented::None => "nothing",
                Presented::Untrusted(_) => "untrusted",
                Presented::Client(_) => "client",
            };
            let text = format!(
                "room={name} path={path} origin={} host={} presented={presented} body={}",
                info.served_origin,
                info.host,
                body.map_or_else(|e| format!("error:{e}"), |b| b.len().to_string()),
            );
            Response::new(
                Full::new(Bytes::from(text))
                    .map_err(|never| match never {})
                    .boxed_unsync(),
            )
        })
    }
}

/// Exchanges the calling admin's certificate for one of the key in the body.
async fn upgrade(control: Arc<Control>, request: Request<RequestBody>) -> Response<ResponseBody> {
    let extensions = request.extensions().clone();
    let info: &ClientInfo = extensions.get().expect("the edge says who");
    let farewell: &Farewell = extensions.get().expect("the edge knows the connection");
    let who = control.live().identify(&info.presented).expect("somebody");
    let csr = request.into_body().collect().await.expect("a whole body");
    let csr = String::from_utf8(csr.to_bytes().to_vec()).expect("text");
    let signed = control.upgrade_admin(&who, &csr, farewell).await;
    // The answer takes its time, so that the denial reaches the connection before it.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    Response::new(
        Full::new(Bytes::from(signed.expect("signed").cert))
            .map_err(|never| match never {})
            .boxed_unsync(),
    )
}

/// Accepts the WebSocket that is offered, and echoes its octets.
fn echoing(request: &Request<RequestBody>) -> Response<ResponseBody> {
    let offer = request.extensions().get::<WebsocketOffer>();
    let head = offer.expect("an offer").accept(Box::new(|io| {
        Box::pin(async move {
            let (mut reader, mut writer) = tokio::io::split(io);
            // It ends when the edge cuts it.
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        })
    }));
    head.map(|()| {
        Full::default()
            .map_err(|never| match never {})
            .boxed_unsync()
    })
}

struct Carriers(Arc<Control>);

impl CarrierSink for Carriers {
    fn carrier(
        &self,
        io: Box<dyn AsyncReadWrite>,
        agent: Agent,
        closed: CancellationToken,
    ) -> BoxFuture<'static, ()> {
        let hub = self.0.hub().clone();
        let identity = AgentIdentity {
            label: agent.label().clone(),
            serial: agent.serial().clone(),
        };
        Box::pin(async move {
            hub.serve_carrier(io, identity, closed).await;
        })
    }

    fn websocket(&self, mut io: Box<dyn AsyncReadWrite>, _: IpAddr) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            use tokio::io::AsyncWriteExt as _;
            io.write_all(b"carrier").await.expect("the client listens");
            let _ = io.shutdown().await;
        })
    }
}

/// The agent's services: the scripted origin, a port where nobody listens, one not allowed.
struct Services(SocketAddr);

impl OriginDialer for Services {
    fn open(
        &self,
        port: TunnelPort,
        _: OriginSpec,
    ) -> portlama_tunnel::BoxFuture<'_, Result<Box<dyn OriginIo>, Refusal>> {
        Box::pin(async move {
            match port.get() {
                8001..=8003 | PANEL_PORT => match TcpStream::connect(self.0).await {
                    Ok(tcp) => Ok(Box::new(tcp) as Box<dyn OriginIo>),
                    Err(e) => Err(Refusal::new(RefusalReason::OriginRefused, &e.to_string())),
                },
                8004 => Err(Refusal::new(
                    RefusalReason::OriginRefused,
                    "connection refused by 192.168.1.7",
                )),
                _ => Err(Refusal::new(RefusalReason::NotAllowed, "not on the list")),
            }
        })
    }

    fn probe(
        &self,
        _: TunnelPort,
        _: OriginScheme,
    ) -> portlama_tunnel::BoxFuture<'_, (PortState, Detail)> {
        Box::pin(async { (PortState::Ready, Detail::default()) })
    }
}
