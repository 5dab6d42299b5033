//! A running agent between a hub and real services.

use std::sync::Arc;
use std::time::Duration;

use portlama_agent::{
    AgentDir, AgentReport, Ask, AskError, FileError, Home, Reloaded, RunError, RunOptions, Target,
    TunnelState, ask,
};
use portlama_model::{AgentLabel, HostHeader, Origin, OriginScheme, TunnelKey};
use portlama_tunnel::{OpenError, RouteAnnouncement, TunnelStream};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::dialer::echo;
use crate::panel::{Mood, Panel};
use crate::setup::{home, port, set_up};

const PATIENCE: Duration = Duration::from_secs(20);
const ORIGIN: Origin = Origin {
    scheme: OriginScheme::Http,
    host_header: HostHeader::Public,
    tls_verify: true,
};

/// An agent that was set up and runs.
struct Running {
    panel: Arc<Panel>,
    agent: AgentDir,
    task: JoinHandle<Result<(), RunError>>,
    stop: DropGuard,
    _dir: TempDir,
}

impl Running {
    async fn start(panel: Arc<Panel>) -> Self {
        let (dir, home): (TempDir, Home) = home();
        let agent = set_up(&home, panel.request()).await.expect("set up").agent;
        let stop = CancellationToken::new();
        let run = portlama_agent::run(agent.clone(), RunOptions::default(), stop.clone());
        Self {
            panel,
            agent,
            task: tokio::spawn(run),
            stop: stop.drop_guard(),
            _dir: dir,
        }
    }

    /// Connected, with one port wanted and allowed.
    async fn serving(target: u16) -> Self {
        let running = Self::start(Panel::start(Mood::Honest).await).await;
        running.allow(target);
        let route = RouteAnnouncement {
            port: port(8400),
            scheme: OriginScheme::Http,
        };
        running.panel.hub.set_routes(&label(), vec![route]);
        running
            .report_when(|report| report.connection.connected && !report.tunnels.is_empty())
            .await;
        running
    }

    fn allow(&self, target: u16) {
        let target = Target::localhost(target);
        self.agent
            .allowed()
            .change(|list| list.allow(port(8400), target))
            .expect("changed");
    }

    async fn open(&self) -> Result<TunnelStream, OpenError> {
        let key = TunnelKey {
            agent: label(),
            port: port(8400),
        };
        self.panel.hub.open(&key, ORIGIN).await
    }

    async fn reload(&self) -> Reloaded {
        ask(&self.agent.socket_path(), Ask::Reload)
            .await
            .expect("answered")
    }

    async fn report(&self) -> Result<AgentReport, AskError> {
        ask(&self.agent.socket_path(), Ask::Status).await
    }

    /// The first report of which `wanted` holds.
    async fn report_when(&self, wanted: impl Fn(&AgentReport) -> bool) -> AgentReport {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let report = self.report().await;
            match report {
                Ok(report) if wanted(&report) => return report,
                other => assert!(Instant::now() < deadline, "not in time: {other:?}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn label() -> AgentLabel {
    "attic".parse().expect("a label")
}

async fn says_back(stream: &mut TunnelStream, text: &[u8]) {
    stream.write_all(text).await.expect("sent");
    stream.flush().await.expect("sent");
    let mut back = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .expect("in time")
        .expect("received");
    assert_eq!(back, text);
}

async fn is_cut(stream: &mut TunnelStream) {
    let mut buffer = [0; 16];
    let end = timeout(PATIENCE, stream.read(&mut buffer))
        .await
        .expect("in time");
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test]
async fn an_allowed_service_is_reached_through_the_tunnel() {
    let service = echo([127, 0, 0, 1]).await;
    let running = Running::serving(service.port()).await;
    running.reload().await;
    says_back(&mut running.open().await.expect("opened"), b"through").await;
}

#[tokio::test]
async fn a_port_that_is_not_allowed_is_refused_through_the_tunnel() {
    let service = echo([127, 0, 0, 1]).await;
    let running = Running::serving(service.port()).await;
    running
        .agent
        .allowed()
        .change(|list| list.deny(port(8400)))
        .expect("changed");
    running.reload().await;
    let refused = running.open().await.map(drop);
    assert!(
        matches!(refused, Err(OpenError::NotAllowed(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_status_tells_connection_names_and_services() {
    let service = echo([127, 0, 0, 1]).await;
    let running = Running::serving(service.port()).await;
    let report = running
        .report_when(|report| report.tunnels.iter().all(|tunnel| tunnel.fqdn.is_some()))
        .await;
    assert_eq!(report.connection.transport.as_deref(), Some("tls"));
    assert_eq!(
        report.domain.as_ref().map(|domain| domain.as_str()),
        Some("lab.localhost")
    );
    let tunnel = report.tunnels.first().expect("one tunnel");
    assert_eq!(
        tunnel.fqdn.as_ref().map(|name| name.as_str()),
        Some("wiki.lab.localhost")
    );
    assert_eq!(tunnel.target, Some(format!("localhost:{}", service.port())));
    assert_eq!(tunnel.state, TunnelState::Ready);
    assert!(report.certificate_warning.is_none());
}

#[tokio::test]
async fn a_service_that_stopped_shows_in_the_next_status() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let at = listener.local_addr().expect("bound").port();
    let running = Running::serving(at).await;
    running.reload().await;
    let state = |report: &AgentReport| report.tunnels.first().map(|tunnel| tunnel.state);
    assert_eq!(
        state(&running.report().await.expect("answered")),
        Some(TunnelState::Ready)
    );
    drop(listener);
    assert_eq!(
        state(&running.report().await.expect("answered")),
        Some(TunnelState::OriginRefused)
    );
}

#[tokio::test]
async fn a_change_of_the_file_alone_cuts_what_is_denied() {
    let service = echo([127, 0, 0, 1]).await;
    let running = Running::serving(service.port()).await;
    running.reload().await;
    let mut stream = running.open().await.expect("opened");
    says_back(&mut stream, b"before").await;
    running
        .agent
        .allowed()
        .change(|list| list.deny(port(8400)))
        .expect("changed");
    is_cut(&mut stream).await;
}

#[tokio::test]
async fn a_broken_list_shuts_everything_and_shows() {
    let service = echo([127, 0, 0, 1]).await;
    let running = Running::serving(service.port()).await;
    running.reload().await;
    let mut stream = running.open().await.expect("opened");
    std::fs::write(running.agent.allowed().path(), "{").expect("written");
    is_cut(&mut stream).await;
    let report = running
        .report_when(|report| report.allow_list_error.is_some())
        .await;
    assert_eq!(
        report.tunnels.first().map(|tunnel| tunnel.state),
        Some(TunnelState::NotAllowedAtHome)
    );
}

#[tokio::test]
async fn asking_to_reload_says_how_many_streams_were_cut() {
    let service = echo([127, 0, 0, 1]).await;
    let running = Running::serving(service.port()).await;
    running.reload().await;
    let mut stream = running.open().await.expect("opened");
    says_back(&mut stream, b"before").await;
    running
        .agent
        .allowed()
        .change(|list| list.deny(port(8400)))
        .expect("changed");
    assert_eq!(running.reload().await, Reloaded { cut: 1 });
    is_cut(&mut stream).await;
}

#[tokio::test]
async fn a_second_process_of_an_agent_is_refused() {
    let running = Running::start(Panel::start(Mood::Honest).await).await;
    running.report_when(|_| true).await;
    let again = portlama_agent::run(
        running.agent.clone(),
        RunOptions::default(),
        CancellationToken::new(),
    );
    let refused = Box::pin(again).await;
    assert!(
        matches!(refused, Err(RunError::File(FileError::Locked { .. }))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_agent_without_a_domain_waits_for_it_and_says_so() {
    let running = Running::start(Panel::start(Mood::NoDomain).await).await;
    let report = running
        .report_when(|report| report.connection.last_error.is_some())
        .await;
    assert!(!report.connection.connected);
    assert!(
        report
            .connection
            .last_error
            .as_ref()
            .is_some_and(|e| e.contains("Domain not configured"))
    );
    running.panel.set_mood(Mood::Honest);
    running
        .report_when(|report| report.connection.connected)
        .await;
}

#[tokio::test]
async fn the_address_that_worked_is_kept() {
    let running = Running::start(Panel::start(Mood::Honest).await).await;
    running
        .report_when(|report| report.connection.connected)
        .await;
    let kept = running
        .agent
        .config()
        .expect("a configuration")
        .last_good_address;
    assert_eq!(
        kept.map(|address| address.port()),
        Some(running.panel.tunnel_port)
    );
}

#[tokio::test]
async fn an_agent_stops_when_asked_and_takes_its_socket_along() {
    let running = Running::start(Panel::start(Mood::Honest).await).await;
    running
        .report_when(|report| report.connection.connected)
        .await;
    drop(running.stop);
    let ended = timeout(PATIENCE, running.task)
        .await
        .expect("in time")
        .expect("joined");
    assert!(ended.is_ok(), "{ended:?}");
    assert!(!running.agent.socket_path().exists());
    running.agent.lock().expect("free again");
}
