//! A hub, agents and their services in one process, over links that can be cut, silenced and
//! made to split what they carry.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

pub mod pki;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portlama_model::{AgentLabel, HostHeader, Origin, OriginScheme, TunnelKey, TunnelPort};
use portlama_tunnel::{
    AgentIdentity, AgentStatus, BoxFuture, CarrierEnd, CarrierKind, Connector, ConnectorStatus,
    Detail, Dial, DialError, Dialed, Hub, HubConfig, OpenError, OriginDialer, OriginIo, OriginSpec,
    PortState, Refusal, RefusalReason, RouteAnnouncement, Transport, TunnelStream,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How a link treats what it should carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Flows,
    /// Carries nothing and tells nobody.
    Silent,
    /// Ends all connections and refuses new ones.
    Cut,
}

/// The network between one agent and a hub.
pub struct Network {
    hub: Mutex<Arc<Hub>>,
    identity: AgentIdentity,
    link: watch::Sender<Link>,
    /// Cuts all connections authenticated by it.
    pub authorised: CancellationToken,
    pub ends: Mutex<Vec<CarrierEnd>>,
}

impl Network {
    pub fn new(hub: &Arc<Hub>, label: &str) -> Arc<Self> {
        Arc::new(Self {
            hub: Mutex::new(hub.clone()),
            identity: identity(label),
            link: watch::Sender::new(Link::Flows),
            authorised: CancellationToken::new(),
            ends: Mutex::default(),
        })
    }

    pub fn set(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// New connections lead to another hub.
    pub fn lead_to(&self, hub: &Arc<Hub>) {
        *self.hub.lock() = hub.clone();
    }

    /// The agent's end of a new connection, served by the hub.
    pub fn connect(self: &Arc<Self>) -> DuplexStream {
        let (agent, near) = duplex(256 * 1024);
        let (far, server) = duplex(256 * 1024);
        tokio::spawn(carry(near, far, self.link.subscribe()));
        let (network, hub) = (self.clone(), self.hub.lock().clone());
        tokio::spawn(async move {
            let closed = network.authorised.clone();
            let end = hub
                .serve_carrier(server, network.identity.clone(), closed)
                .await;
            network.ends.lock().push(end);
        });
        agent
    }
}

/// A way to the hub over [`Network`].
pub struct NetworkDial(pub Arc<Network>);

impl Dial for NetworkDial {
    fn dial(&self, kind: CarrierKind) -> BoxFuture<'_, Result<Dialed, DialError>> {
        Box::pin(async move {
            let mut link = self.0.link.subscribe();
            if *link.borrow() == Link::Cut {
                return Err(DialError::Timeout("server"));
            }
            let reachable = timeout(Duration::from_secs(5), link.wait_for(|l| *l == Link::Flows));
            reachable
                .await
                .map_err(|_| DialError::Timeout("server"))?
                .unwrap();
            Ok(Dialed {
                io: Box::new(self.0.connect()),
                kind,
                address: None,
            })
        })
    }
}

async fn carry(near: DuplexStream, far: DuplexStream, link: watch::Receiver<Link>) {
    let ((near_read, near_write), (far_read, far_write)) = (split(near), split(far));
    tokio::select! {
        () = carry_one_way(near_read, far_write, link.clone()) => {}
        () = carry_one_way(far_read, near_write, link) => {}
    }
}

async fn carry_one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut link: watch::Receiver<Link>,
) {
    // An odd size, so that frames are split at ever other places.
    let mut buffer = vec![0; 24_593];
    loop {
        let count = tokio::select! {
            biased;
            _ = link.wait_for(|l| *l == Link::Cut) => return,
            count = from.read(&mut buffer) => count.unwrap_or(0),
        };
        if link.wait_for(|l| *l != Link::Silent).await.is_err() || count == 0 {
            return;
        }
        if *link.borrow() == Link::Cut || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// What a service does.
#[derive(Debug, Clone)]
pub enum Service {
    /// Sends back what it gets, and ends when that ends.
    Echo,
    /// Sends so many octets of [`pattern`], then ends.
    Send(usize),
    /// Reads to the end, then answers how many octets that were.
    Count,
    /// Reads nothing and says nothing.
    Mute,
    /// Accepts after this time.
    Late(Duration),
    Refuses(RefusalReason),
}

/// The agent's services by port.
#[derive(Default)]
pub struct Services(pub Mutex<BTreeMap<u16, Service>>);

impl OriginDialer for Services {
    fn open(
        &self,
        port: TunnelPort,
        _origin: OriginSpec,
    ) -> BoxFuture<'_, Result<Box<dyn OriginIo>, Refusal>> {
        let service = self.0.lock().get(&port.get()).cloned();
        Box::pin(async move {
            let service = match service {
                None => return Err(Refusal::new(RefusalReason::NotAllowed, "not on the list")),
                Some(Service::Refuses(reason)) => return Err(Refusal::new(reason, "as told")),
                Some(Service::Late(pause)) => {
                    tokio::time::sleep(pause).await;
                    Service::Echo
                }
                Some(service) => service,
            };
            let (agent, origin) = duplex(64 * 1024);
            tokio::spawn(serve(service, origin));
            Ok(Box::new(agent) as Box<dyn OriginIo>)
        })
    }

    fn probe(&self, port: TunnelPort, _: OriginScheme) -> BoxFuture<'_, (PortState, Detail)> {
        let state = match self.0.lock().get(&port.get()) {
            None => PortState::NotAllowed,
            Some(Service::Refuses(_)) => PortState::OriginRefused,
            Some(_) => PortState::Ready,
        };
        Box::pin(async move { (state, Detail::new("measured")) })
    }
}

async fn serve(service: Service, mut io: DuplexStream) {
    match service {
        Service::Echo | Service::Late(_) => {
            let (mut read, mut write) = split(io);
            let _ = tokio::io::copy(&mut read, &mut write).await;
            let _ = write.shutdown().await;
        }
        Service::Send(length) => {
            let _ = io.write_all(&pattern(length)).await;
            let _ = io.shutdown().await;
            let _ = io.read_to_end(&mut Vec::new()).await;
        }
        Service::Count => {
            let mut all = Vec::new();
            if io.read_to_end(&mut all).await.is_ok() {
                let _ = io.write_all(all.len().to_string().as_bytes()).await;
            }
        }
        Service::Mute | Service::Refuses(_) => std::future::pending().await,
    }
}

/// One agent's process.
pub struct AgentProcess {
    pub services: Arc<Services>,
    pub status: watch::Receiver<ConnectorStatus>,
    pub recheck: portlama_tunnel::Recheck,
    pub renewal: portlama_tunnel::Renewal,
    pub stop: CancellationToken,
    task: JoinHandle<()>,
}

impl AgentProcess {
    pub fn start(network: &Arc<Network>, services: &[(u16, Service)]) -> Self {
        let services = Arc::new(Services(Mutex::new(services.iter().cloned().collect())));
        let dial = Arc::new(NetworkDial(network.clone()));
        let connector =
            Connector::with_dial(dial, Transport::Tls, 2, "agent/1.0", services.clone());
        let (status, recheck, stop) = (
            connector.status(),
            connector.recheck(),
            CancellationToken::new(),
        );
        let renewal = connector.renewal();
        let task = tokio::spawn(connector.run(stop.clone()));
        Self {
            services,
            status,
            recheck,
            renewal,
            stop,
            task,
        }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    pub async fn until(&mut self, what: &str, holds: impl FnMut(&ConnectorStatus) -> bool) {
        let waited = timeout(Duration::from_secs(60), self.status.wait_for(holds)).await;
        assert!(waited.is_ok(), "the agent never saw: {what}");
    }
}

pub fn hub() -> Arc<Hub> {
    Hub::new(HubConfig {
        software: "server/1.0".to_owned(),
    })
}

/// A hub with one connected agent.
pub async fn connected(services: &[(u16, Service)]) -> (Arc<Hub>, Arc<Network>, AgentProcess) {
    let hub = hub();
    let network = Network::new(&hub, "attic");
    let mut agent = AgentProcess::start(&network, services);
    agent
        .until("two carriers", |status| status.carriers == 2)
        .await;
    until(&hub, "two carriers", |status| status.carriers == 2).await;
    (hub, network, agent)
}

/// Waits until the hub's view of the agent is so.
pub async fn until(hub: &Hub, what: &str, mut holds: impl FnMut(&AgentStatus) -> bool) {
    let mut changes = hub.subscribe();
    let waited = timeout(Duration::from_secs(60), async {
        while !holds(&hub.status(&label("attic"))) {
            changes.changed().await.unwrap();
        }
    });
    assert!(
        waited.await.is_ok(),
        "the hub never saw: {what}: {:?}",
        hub.status(&label("attic"))
    );
}

pub async fn open(hub: &Hub, port: u16) -> Result<TunnelStream, OpenError> {
    hub.open(&key(port), origin()).await
}

pub fn label(label: &str) -> AgentLabel {
    label.parse().unwrap()
}

pub fn identity(name: &str) -> AgentIdentity {
    AgentIdentity {
        label: label(name),
        serial: "0A1B".parse().unwrap(),
    }
}

pub fn key(number: u16) -> TunnelKey {
    TunnelKey {
        agent: label("attic"),
        port: port(number),
    }
}

pub fn port(port: u16) -> TunnelPort {
    port.try_into().unwrap()
}

pub fn origin() -> Origin {
    Origin {
        scheme: OriginScheme::Http,
        host_header: HostHeader::Public,
        tls_verify: true,
    }
}

pub fn route(number: u16) -> RouteAnnouncement {
    RouteAnnouncement {
        port: port(number),
        scheme: OriginScheme::Http,
    }
}

/// Octets that tell where they belong.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| ((i * 31 + i / 251) % 251) as u8)
        .collect()
}
