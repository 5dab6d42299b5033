//! The server's end: all agents' sessions, and streams to their services.

mod agent;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use portlama_model::{AgentLabel, Origin, OriginScheme, Serial, Timestamp, TunnelKey, TunnelPort};
use portlama_tunnel_proto::{
    Budget, Config, Connection, Event, GoAwayReason, Hello, OpenFault, OpenRequest, Route,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::carrier::{Carrier, drive, now};
use crate::limits::{LAST_WORDS_TIMEOUT, OPEN_TIMEOUT};
use crate::{AgentStatus, CarrierEnd, CloseCode, OpenError, TunnelStream};
use agent::Agent;

/// Who is at the other end of a carrier, judged by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// The agent.
    pub label: AgentLabel,
    /// The certificate it showed.
    pub serial: Serial,
}

/// One port the server wants from an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteAnnouncement {
    /// The port as the agent knows it.
    pub port: TunnelPort,
    /// How the service is spoken to.
    pub scheme: OriginScheme,
}

/// What a hub needs to know.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// The server's software version, told to agents.
    pub software: String,
}

/// The server's end of all tunnels; one in a process.
#[derive(Debug)]
pub struct Hub {
    config: HubConfig,
    budget: Budget,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    agents: BTreeMap<AgentLabel, Agent>,
    shutting_down: bool,
}

impl Hub {
    /// A hub without agents.
    #[must_use]
    pub fn new(config: HubConfig) -> Arc<Self> {
        Arc::new(Self {
            config,
            budget: Budget::for_process(),
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Runs one carrier to its end.
    ///
    /// The caller has authenticated `agent`; cancelling `closed` cuts the carrier and its
    /// streams at once. To read and write TLS records in bulk, the TCP connection below should
    /// be wrapped in [`ReadAhead`](crate::ReadAhead) and tuned with
    /// [`tune_carrier`](crate::tune_carrier).
    pub async fn serve_carrier<IO>(
        self: &Arc<Self>,
        io: IO,
        agent: AgentIdentity,
        closed: CancellationToken,
    ) -> CarrierEnd
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let budget = self.with_agent(&agent.label, |entry| entry.budget(&self.budget));
        let config = Config::server(&self.config.software);
        let carrier = Carrier::new(Connection::new(config, budget, now()));
        let owner = |carrier: &Arc<Carrier>, event| self.act(&agent, carrier, event);
        let membership = Membership {
            hub: self,
            label: &agent.label,
            carrier: &carrier,
        };
        let end = drive(io, carrier.clone(), owner, closed, CloseCode::Revoked).await;
        drop(membership);
        tracing::info!(agent.label = %agent.label, reason = %end, "carrier ended");
        end
    }

    fn act(&self, agent: &AgentIdentity, carrier: &Arc<Carrier>, event: Event) {
        match event {
            Event::Hello(hello) => self.greet(agent, carrier, &hello),
            Event::Report(report) => {
                let changed =
                    self.with_agent(&agent.label, |entry| entry.record(report, wall_clock()));
                if changed {
                    self.changed();
                }
            }
            Event::GoAway { .. } => {
                tracing::debug!(agent.label = %agent.label, "the agent lets a carrier run out");
            }
            // Streams are woken by the carrier itself; the rest is never received by a server.
            Event::Readable(_)
            | Event::Writable(_)
            | Event::StreamRequested(..)
            | Event::Routes(_) => {}
        }
    }

    fn greet(&self, agent: &AgentIdentity, carrier: &Arc<Carrier>, hello: &Hello) {
        let mut state = self.state.lock();
        let shutting_down = state.shutting_down;
        let entry = state.agents.entry(agent.label.clone()).or_default();
        let verdict = if shutting_down {
            Err(CloseCode::Shutdown)
        } else {
            entry.join(hello, carrier, wall_clock())
        };
        match verdict {
            Ok(()) => {
                let routes = entry.wire_routes();
                carrier.with(|connection| {
                    connection.accept_hello(now());
                    connection.announce_routes(routes);
                });
            }
            Err(code) => carrier.close(code),
        }
        drop(state);
        match verdict {
            Ok(()) => tracing::info!(
                agent.label = %agent.label,
                agent.version = %hello.software,
                session = hello.session.0,
                "carrier joined"
            ),
            Err(code) => tracing::warn!(agent.label = %agent.label, %code, "carrier refused"),
        }
        self.changed();
    }

    /// A byte stream to a service, once the agent reached it.
    ///
    /// # Errors
    /// Why there is none. Nothing was delivered to the service.
    pub async fn open(
        &self,
        target: &TunnelKey,
        origin: Origin,
    ) -> Result<TunnelStream, OpenError> {
        let mut stream = self.open_early(target, origin)?;
        match timeout(OPEN_TIMEOUT, stream.opened()).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(OpenError::OriginTimeout),
        }
    }

    /// A byte stream that can be written before the agent answered, which saves a round trip.
    /// Whether there is a service shows at the first read, or by
    /// [`TunnelStream::opened`]; the caller bounds the wait.
    ///
    /// # Errors
    /// When no carrier takes a stream.
    pub fn open_early(
        &self,
        target: &TunnelKey,
        origin: Origin,
    ) -> Result<TunnelStream, OpenError> {
        let carrier = {
            let state = self.state.lock();
            let agent = state
                .agents
                .get(&target.agent)
                .ok_or(OpenError::AgentOffline)?;
            agent.least_loaded()?
        };
        let request = OpenRequest {
            port: target.port,
            scheme: origin.scheme,
            tls_verify: origin.tls_verify,
        };
        match carrier.with(|connection| connection.open(request)) {
            Ok(id) => Ok(TunnelStream::new(carrier, id)),
            Err(OpenFault::Limit) => Err(OpenError::Limit),
            Err(OpenFault::Unavailable) => Err(OpenError::AgentOffline),
        }
    }

    /// Sets the ports wanted from an agent. A connected agent hears of it at once, another
    /// when it connects. At most [`MAX_ROUTES`](portlama_tunnel_proto::MAX_ROUTES) are told.
    pub fn set_routes(&self, agent: &AgentLabel, routes: Vec<RouteAnnouncement>) {
        let told = self.with_agent(agent, |entry| entry.set_routes(routes));
        for (carrier, routes) in told {
            carrier.with(|connection| connection.announce_routes(routes));
        }
    }

    /// What is known about an agent.
    #[must_use]
    pub fn status(&self, agent: &AgentLabel) -> AgentStatus {
        self.state
            .lock()
            .agents
            .get(agent)
            .map(Agent::status)
            .unwrap_or_default()
    }

    /// Closes all carriers of an agent, with all streams, at once: it was revoked. It may
    /// connect again if the caller authenticates it again.
    pub fn evict(&self, agent: &AgentLabel, code: CloseCode) {
        let carriers = self
            .state
            .lock()
            .agents
            .get_mut(agent)
            .map(|entry| entry.dismiss(wall_clock()))
            .unwrap_or_default();
        for carrier in carriers {
            carrier.close(code);
        }
        self.changed();
    }

    /// A number that changes whenever the status of any agent did.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes no new streams, asks all agents to come back after `retry_after`, waits until the
    /// open streams end or `grace` passed, then closes. Without streams it returns at once.
    pub async fn shutdown(&self, retry_after: Duration, grace: Duration) {
        let mut changes = self.subscribe();
        let carriers = {
            let mut state = self.state.lock();
            state.shutting_down = true;
            state.carriers()
        };
        for carrier in carriers {
            carrier.with(|connection| connection.go_away(GoAwayReason::Restart, retry_after));
        }
        let _ = timeout(grace, self.wait_until_empty(&mut changes)).await;
        let carriers = self.state.lock().carriers();
        for carrier in carriers {
            carrier.close(CloseCode::Shutdown);
        }
        let _ = timeout(LAST_WORDS_TIMEOUT, self.wait_until_empty(&mut changes)).await;
    }

    async fn wait_until_empty(&self, changes: &mut watch::Receiver<u64>) {
        while !self.state.lock().carriers().is_empty() {
            // The sender lives in `self`.
            let _ = changes.changed().await;
        }
    }

    fn with_agent<R>(&self, label: &AgentLabel, act: impl FnOnce(&mut Agent) -> R) -> R {
        act(self.state.lock().agents.entry(label.clone()).or_default())
    }

    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Takes a carrier out of its agent's session when its task ends, in whatever way.
struct Membership<'a> {
    hub: &'a Hub,
    label: &'a AgentLabel,
    carrier: &'a Arc<Carrier>,
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        self.hub
            .with_agent(self.label, |entry| entry.leave(self.carrier, wall_clock()));
        self.hub.changed();
    }
}

impl State {
    fn carriers(&self) -> Vec<Arc<Carrier>> {
        self.agents.values().flat_map(Agent::carriers).collect()
    }
}

impl RouteAnnouncement {
    fn to_wire(self) -> Route {
        Route {
            port: self.port,
            scheme: self.scheme,
        }
    }
}

fn wall_clock() -> Timestamp {
    SystemTime::now().into()
}
