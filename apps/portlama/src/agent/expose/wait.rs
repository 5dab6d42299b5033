//! Waiting until a tunnel serves.

use std::time::Duration;

use anyhow::Result;
use portlama_agent::{AgentDir, AgentReport, Ask, TunnelState, ask};
use portlama_api::client::PanelClient;
use portlama_api::{Tunnel, TunnelStatus};
use tokio::time::{Instant, sleep};

use crate::agent::tunnel::status;
use crate::output::Output;

/// How often the server is asked: it takes ten times as many questions from one caller.
const POLL: Duration = Duration::from_secs(1);
/// The first questions come closer together, because most tunnels serve at once.
const FIRST_POLL: Duration = Duration::from_millis(150);
/// How long a certificate is waited for; the server has waited a minute before it answered.
const CERTIFICATE_WAIT: Duration = Duration::from_secs(60);
/// How long a running agent may take to hear of its tunnel, also while it reconnects.
const AGENT_WAIT: Duration = Duration::from_secs(20);
/// How long a service may take to answer its agent.
const SERVICE_WAIT: Duration = Duration::from_secs(5);

/// The tunnel when it serves, or when waiting longer is of no use. A tunnel that is taken away
/// meanwhile stays as it was last seen.
pub(super) async fn wait_until_served(
    tunnel: Tunnel,
    panel: &PanelClient,
    agent: &AgentDir,
    agent_runs: bool,
    output: Output,
) -> Result<Tunnel> {
    let mut tunnel = seen_from_home(tunnel, agent).await;
    let mut since = Instant::now();
    let mut pause = FIRST_POLL;
    while since.elapsed() < patience(tunnel.status, agent_runs) {
        sleep(pause).await;
        pause = (pause * 2).min(POLL);
        let tunnels = panel.tunnels().await?;
        let Some(now) = tunnels.into_iter().find(|other| other.id == tunnel.id) else {
            return Ok(tunnel);
        };
        let now = seen_from_home(now, agent).await;
        if now.status != tunnel.status {
            since = Instant::now();
            if now.status != TunnelStatus::Serving {
                output.note(format_args!("waiting: {}", status(&now)));
            }
        }
        tunnel = now;
    }
    Ok(tunnel)
}

/// The server calls a tunnel served until its agent has told it of trouble. The agent of this
/// machine measures when it is asked.
async fn seen_from_home(tunnel: Tunnel, agent: &AgentDir) -> Tunnel {
    if tunnel.status != TunnelStatus::Serving {
        return tunnel;
    }
    let Ok(report) = ask::<AgentReport>(&agent.socket_path(), Ask::Status).await else {
        return tunnel;
    };
    let here = report
        .tunnels
        .into_iter()
        .find(|here| here.port == tunnel.port);
    let (status, status_detail) = match here {
        Some(here) => match here.state {
            TunnelState::Ready | TunnelState::Unknown => return tunnel,
            TunnelState::OriginRefused => (TunnelStatus::OriginRefused, here.detail),
            TunnelState::NotAllowedAtHome => (TunnelStatus::NotAllowedAtHome, here.detail),
        },
        // It has not heard of the tunnel yet.
        None => (TunnelStatus::AgentOffline, None),
    };
    Tunnel {
        status,
        status_detail,
        ..tunnel
    }
}

/// How long a status may last before it is told as it is.
fn patience(status: TunnelStatus, agent_runs: bool) -> Duration {
    match status {
        TunnelStatus::CertificatePending => CERTIFICATE_WAIT,
        TunnelStatus::AgentOffline | TunnelStatus::NotAllowedAtHome if agent_runs => AGENT_WAIT,
        TunnelStatus::OriginRefused => SERVICE_WAIT,
        TunnelStatus::Serving
        | TunnelStatus::AgentOffline
        | TunnelStatus::NotAllowedAtHome
        | TunnelStatus::NoAgent
        | TunnelStatus::Disabled
        | TunnelStatus::Unknown => Duration::ZERO,
    }
}
