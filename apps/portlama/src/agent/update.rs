//! `portlama agent update`.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use portlama_agent::service::Services;
use portlama_agent::{
    AgentDir, AgentReport, Ask, AskError, ConfigChange, Home, Refreshed, ask, refresh_stopped,
};
use serde_json::json;

use super::{Agents, proxy, service};

pub(super) const EXAMPLES: &str = "\
A running agent follows its server by itself; this asks at once, and says what is different. Open
connections stay. The service is started anew only when its definition is another, or when the
program was replaced since it started.

Examples:
  portlama agent update
      after a change at the server, or a new version of the program
  portlama agent update --json
      the same for programs";

/// Brings agent and service up to date.
pub(super) async fn update(agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    let running = ask::<AgentReport>(&agent.socket_path(), Ask::Status).await;
    let refreshed = refresh(&running, &agents.home, &agent).await?;
    let restarted = match service::of(&agents.home, &agent) {
        Some(services) => bring_up_to_date(&services, running.ok(), &agents.home, &agent).await?,
        None => by_hand(running.ok().as_ref()),
    };
    let output = agents.output;
    if output.is_json() {
        output.document(&json!({
            "label": agent.label(),
            "changes": refreshed.changes,
            "error": refreshed.error,
            "service": restarted,
        }));
    } else {
        for change in &refreshed.changes {
            output.data(in_words(change));
        }
        if refreshed.changes.is_empty() && refreshed.error.is_none() {
            output.data("the agent has what the server has");
        }
        output.data(restarted.words());
    }
    if let Some(error) = refreshed.error {
        bail!("the panel did not tell what it has: {error}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn refresh(
    running: &Result<AgentReport, AskError>,
    home: &Home,
    agent: &AgentDir,
) -> Result<Refreshed> {
    match running {
        Ok(_) => {
            let refreshed = ask(&agent.socket_path(), Ask::Refresh).await;
            refreshed.context("the running agent could not be asked")
        }
        Err(AskError::NotRunning) => {
            let now = SystemTime::now().into();
            Ok(refresh_stopped(home, agent, proxy()?.as_ref(), now).await?)
        }
        Err(error) => bail!("{error}"),
    }
}

/// What became of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
enum Restarted {
    /// It runs as it should.
    Unchanged,
    /// Its definition was written anew.
    Rewritten,
    /// The program is another.
    NewProgram,
    /// It did not run.
    Started,
    /// There is none.
    None,
    /// There is none, and the running program was replaced.
    NoneAndOldProgram,
    /// Root's to do.
    NeedsRoot,
}

impl Restarted {
    fn words(self) -> &'static str {
        match self {
            Self::Unchanged => "the service is as it should be, and was left alone",
            Self::Rewritten => "the service was written and started anew",
            Self::NewProgram => "the program was replaced: the service was started anew",
            Self::Started => "the service did not run: it was started",
            Self::None => "there is no service: `portlama agent service install` makes one",
            Self::NoneAndOldProgram => {
                "the running agent is the program from before it was replaced: stop it and start it again"
            }
            Self::NeedsRoot => {
                "the service is the machine's and is not up to date: run `sudo portlama agent service install --system`"
            }
        }
    }
}

async fn bring_up_to_date(
    services: &Services,
    running: Option<AgentReport>,
    home: &Home,
    agent: &AgentDir,
) -> Result<Restarted> {
    let (wanted, _) = service::wanted(home, agent)?;
    let is_current = services.is_current(&wanted)?;
    let has_new_program = running.as_ref().is_some_and(|report| {
        report.program_replaced
            || wanted.program.canonicalize().ok() != Some(report.program.clone())
    });
    let what = match (is_current, &running) {
        (false, _) => Restarted::Rewritten,
        (true, Some(_)) if has_new_program => Restarted::NewProgram,
        (true, Some(_)) => return Ok(Restarted::Unchanged),
        (true, None) => Restarted::Started,
    };
    if services.are_machines() {
        return Ok(Restarted::NeedsRoot);
    }
    services.can_be_told()?;
    if what == Restarted::Rewritten {
        services.write(&wanted)?;
        services.load(agent.label()).await?;
    } else {
        services.restart(agent.label()).await?;
    }
    Ok(what)
}

fn by_hand(running: Option<&AgentReport>) -> Restarted {
    if running.is_some_and(|report| report.program_replaced) {
        Restarted::NoneAndOldProgram
    } else {
        Restarted::None
    }
}

fn in_words(change: &ConfigChange) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match change {
        ConfigChange::Domain { from: None, to } => write!(text, "the domain is {to}"),
        ConfigChange::Domain {
            from: Some(from),
            to,
        } => write!(text, "the domain is {to}, no longer {from}"),
        ConfigChange::TunnelServer { from: None, to } => write!(text, "the tunnel leads to {to}"),
        ConfigChange::TunnelServer {
            from: Some(from),
            to,
        } => write!(text, "the tunnel leads to {to}, no longer to {from}"),
        ConfigChange::TunnelAdded { port, fqdn } => write!(text, "new: {fqdn} on port {port}"),
        ConfigChange::TunnelRemoved { port, fqdn } => write!(text, "gone: {fqdn} on port {port}"),
    };
    text
}
