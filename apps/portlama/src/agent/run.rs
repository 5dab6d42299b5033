//! `portlama agent run`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use portlama_agent::{AgentDir, RunOptions};
use portlama_tunnel::Transport;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use tracing_appender::non_blocking::WorkerGuard;

use super::{Agents, proxy};
use crate::{logging, signals};

/// Arguments of `portlama agent run`.
#[derive(Debug, Args)]
#[command(after_help = "\
The way out may lead through a proxy: it is taken from HTTPS_PROXY and NO_PROXY.

Examples:
  portlama agent run
      keep the current agent connected
  portlama agent run --label attic --transport websocket
      another agent, in a network that opens TLS connections")]
pub(super) struct RunArguments {
    /// How frames travel [default: as the set-up was told, else `auto`].
    #[arg(long, value_enum)]
    transport: Option<Way>,
    /// Where the log goes.
    #[arg(long, value_enum, default_value_t = LogTo::Auto)]
    log_to: LogTo,
    /// Stop when standard input closes, so that the agent ends with the program that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogTo {
    /// Standard error, and files of the agent unless that is a journal.
    Auto,
    /// Standard error alone.
    Stderr,
    /// Files of the agent alone.
    Files,
}

/// How frames travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    /// Over TLS, and in a WebSocket where the network opens TLS connections.
    Auto,
    /// Over TLS alone.
    Tls,
    /// In a WebSocket alone.
    Websocket,
}

impl From<Way> for Transport {
    fn from(way: Way) -> Self {
        match way {
            Way::Auto => Self::Auto,
            Way::Tls => Self::Tls,
            Way::Websocket => Self::WebSocket,
        }
    }
}

/// A log that cannot be written is no reason not to run.
fn start_log(to: LogTo, agent: &AgentDir) -> WorkerGuard {
    let into_files = match to {
        LogTo::Auto => !logging::writes_to_journal(),
        LogTo::Stderr => false,
        LogTo::Files => true,
    };
    let files = into_files.then(|| agent.logs().write());
    let error = match files {
        Some(Ok(files)) => return logging::start_agent(Some(files), to != LogTo::Files),
        Some(Err(error)) => Some(error),
        None => None,
    };
    let guard = logging::start_agent(None, true);
    if let Some(error) = error {
        let path = agent.logs().path();
        warn!(%error, path = %path.display(), "the log cannot be kept in files");
    }
    guard
}

/// Keeps the agent connected. A second signal ends the wait for open streams.
pub(super) async fn run(arguments: RunArguments, agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    let _log = start_log(arguments.log_to, &agent);
    let options = RunOptions {
        transport: arguments.transport.map(Transport::from),
        proxy: proxy()?,
    };
    let label = agent.label().clone();
    let shutdown = CancellationToken::new();
    let mut running = Box::pin(portlama_agent::run(agent, options, shutdown.clone()));
    tokio::select! {
        ended = &mut running => {
            ended.with_context(|| format!("agent {label} cannot run"))?;
            return Ok(ExitCode::SUCCESS);
        }
        asked = signals::asked_to_stop(arguments.stop_with_stdin) => asked?,
    }
    info!("stopping");
    shutdown.cancel();
    tokio::select! {
        ended = &mut running => ended?,
        _ = signals::asked_to_stop(false) => warn!("stopping at once"),
    }
    Ok(ExitCode::SUCCESS)
}
