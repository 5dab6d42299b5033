//! `portlama agent discover`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use portlama_agent::discover::{
    Discovery, Docker, Found, KnownBy, Patience, SystemSockets, Wanted,
};
use portlama_agent::{AgentDir, AllowList, Target, TargetHost, panel_of};
use portlama_api::{Tunnel, TunnelStatus};
use portlama_model::{AgentLabel, TunnelType};
use serde_json::{Value, json};

use super::tunnel::{status, url};
use super::{Agents, proxy, table};
use crate::output::Output;

/// How long the server may take to say which tunnels there are: the list of what runs here is
/// worth something without it.
const TUNNELS_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest title in the table, characters, so that a line fits a terminal.
const TITLE_CHARACTERS: usize = 36;

/// Arguments of `portlama agent discover`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each service on loopback is asked for its page once; databases and the like are left alone.
Redirects are not followed, and nothing outside this machine is asked.

Examples:
  portlama agent discover
      what runs here, and what of it has a host name already
  portlama agent discover --port 8400 --port 3000
      these ports only
  portlama agent discover --json | jq '.services[] | select(.exposable)'
      the same for programs")]
pub(super) struct DiscoverArguments {
    /// Look at this port only; may be given several times.
    #[arg(long = "port", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    ports: Vec<u16>,
    /// Wait some seconds for services that are slow to answer, and for Docker.
    #[arg(long)]
    thorough: bool,
}

/// Shows what runs on this machine.
pub(super) async fn discover(arguments: DiscoverArguments, agents: &Agents) -> Result<ExitCode> {
    let wanted = match arguments.ports {
        ports if ports.is_empty() => Wanted::All,
        ports => Wanted::Ports(ports),
    };
    let patience = if arguments.thorough {
        Patience::THOROUGH
    } else {
        Patience::QUICK
    };
    let (discovery, exposed) = tokio::join!(look(&wanted, patience), exposed(agents));
    let mut discovery = discovery?;
    let exposed = exposed.unwrap_or_else(|error| {
        let hint = format!("which of them have a host name is not known: {error:#}");
        discovery.hints.push(hint);
        Vec::new()
    });
    if agents.output.is_json() {
        agents.output.document(&document(&discovery, &exposed));
    } else {
        show(&discovery, &exposed, agents.output);
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks for services of this machine.
pub(super) async fn look(wanted: &Wanted, patience: Patience) -> Result<Discovery> {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let docker = Docker::from_environment(
        std::env::var("DOCKER_HOST").ok().as_deref(),
        path("XDG_RUNTIME_DIR").as_deref().map(Path::new),
        path("HOME").as_deref().map(Path::new),
    );
    portlama_agent::discover::discover(SystemSockets::default(), &docker, wanted, patience)
        .await
        .context("the system does not tell which sockets listen")
}

/// A service that has a host name.
struct Exposed {
    target: Target,
    url: String,
    tunnel: Tunnel,
}

async fn exposed(agents: &Agents) -> Result<Vec<Exposed>> {
    let agent = agents.chosen()?;
    let panel = panel_of(&agent, proxy()?.as_ref())?.with_timeout(TUNNELS_TIMEOUT);
    let tunnels = panel.tunnels().await.map_err(|error| anyhow!(error))?;
    let own = agent.config()?.agent_label;
    let allowed = agent.allowed().read()?;
    tunnels
        .into_iter()
        .filter(|tunnel| is_own_app(tunnel, &own))
        .map(|tunnel| described(tunnel, &allowed, &agent))
        .collect()
}

fn described(tunnel: Tunnel, allowed: &AllowList, agent: &AgentDir) -> Result<Exposed> {
    Ok(Exposed {
        target: leads_to(&tunnel, allowed),
        url: url(&tunnel, agent)?,
        tunnel,
    })
}

/// Whether this agent serves the tunnel, as an app.
pub(super) fn is_own_app(tunnel: &Tunnel, own: &AgentLabel) -> bool {
    tunnel.kind == TunnelType::App && tunnel.agent_label.as_ref() == Some(own)
}

/// Where a tunnel of this agent leads, or would lead if its port were allowed.
pub(super) fn leads_to(tunnel: &Tunnel, allowed: &AllowList) -> Target {
    let target = allowed.target(tunnel.port);
    target.unwrap_or_else(|| Target::localhost(tunnel.port.get()))
}

fn show(discovery: &Discovery, exposed: &[Exposed], output: Output) {
    if discovery.found.is_empty() {
        output.note("nothing that could be exposed listens on this machine");
    } else {
        let head = ["SERVICE", "PORT", "PROCESS", "TITLE", "EXPOSED"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(discovery.found.iter().map(|found| row(found, exposed)));
        for line in table(&rows) {
            output.data(line);
        }
        output.note("give one a host name with `portlama agent expose NAME` or `… PORT`");
    }
    for hint in &discovery.hints {
        output.note(format_args!("hint: {hint}"));
    }
}

fn row(found: &Found, exposed: &[Exposed]) -> Vec<String> {
    let port = match found.target.host() {
        TargetHost::Localhost => found.port().to_string(),
        TargetHost::Address(_) | TargetHost::Name(_) => found.target.to_string(),
    };
    vec![
        service_name(found),
        port,
        owner(found),
        short_title(found),
        state(found, exposed),
    ]
}

/// What people call it, and how sure that is.
pub(super) fn service_name(found: &Found) -> String {
    let name = found.name();
    match (name, found.service.map(|(_, by)| by)) {
        (Some(name), Some(KnownBy::Port)) => format!("probably {name}"),
        (Some(name), _) => name,
        (None, _) if found.speaks.is_web() => "web app".to_owned(),
        (None, _) => "?".to_owned(),
    }
}

fn owner(found: &Found) -> String {
    match (&found.container, &found.process) {
        (Some(container), _) => format!("container {}", container.name),
        (None, Some(process)) => process.shown_name(),
        (None, None) => "–".to_owned(),
    }
}

fn short_title(found: &Found) -> String {
    let title = found.title.as_deref().unwrap_or_default();
    if title.chars().count() <= TITLE_CHARACTERS {
        return title.to_owned();
    }
    let begin: String = title.chars().take(TITLE_CHARACTERS - 1).collect();
    format!("{}…", begin.trim_end())
}

fn state(found: &Found, exposed: &[Exposed]) -> String {
    let tunnel = exposed
        .iter()
        .find(|exposed| exposed.target == found.target);
    match (tunnel, found.unfit()) {
        (Some(exposed), _) if exposed.tunnel.status == TunnelStatus::Serving => exposed.url.clone(),
        (Some(exposed), _) => format!("{} ({})", exposed.url, status(&exposed.tunnel)),
        (None, Some(why)) => format!("not meant to be: {why}"),
        (None, None) => "–".to_owned(),
    }
}

fn document(discovery: &Discovery, exposed: &[Exposed]) -> Value {
    let services: Vec<_> = discovery
        .found
        .iter()
        .map(|found| described_for_programs(found, exposed))
        .collect();
    json!({"services": services, "hints": discovery.hints})
}

fn described_for_programs(found: &Found, exposed: &[Exposed]) -> Value {
    let service = found.service.map(|(service, _)| service);
    let process = found.process.as_ref();
    let tunnel = exposed
        .iter()
        .find(|exposed| exposed.target == found.target);
    json!({
        "id": service.map(|service| service.id),
        "name": found.name(),
        "category": service.map(|service| service.category),
        "knownBy": found.service.map(|(_, by)| by),
        "port": found.port(),
        "target": found.target.to_string(),
        "process": process.map(|process| json!({
            "pid": process.pid,
            "name": process.shown_name(),
        })),
        "container": found.container,
        "speaks": found.speaks,
        "title": found.title,
        "exposable": found.unfit().is_none(),
        "notMeantToBeExposed": found.unfit(),
        "exposed": tunnel.map(|exposed| json!({
            "url": exposed.url,
            "status": exposed.tunnel.status,
        })),
    })
}
