//! `portlama agent tunnel`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use portlama_agent::{AgentDir, Target, TunnelServer, panel_of};
use portlama_api::client::PanelClient;
use portlama_api::{NewTunnel, Tunnel, TunnelStatus};
use portlama_model::{AccessMode, HostHeader, Hostname, OriginScheme, Subdomain, TunnelPort};
use serde_json::json;

use super::{Agents, proxy, reload, table};
use crate::output::Output;

const LIST_EXAMPLES: &str = "\
Examples:
  portlama agent tunnel list
      the URL of each tunnel, its agent and port, who may visit, and what is missing
  portlama agent tunnel list --json | jq -r '.tunnels[] | select(.status != \"serving\") | .fqdn'
      those that do not serve";

/// Tunnels of this agent's server.
#[derive(Debug, Subcommand)]
pub(super) enum TunnelCommand {
    /// Give a service at home a host name, and allow it here.
    Add(AddArguments),
    /// List the tunnels and how they fare.
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Take a tunnel away, and shut its port here.
    Remove(RemoveArguments),
}

/// Arguments of `portlama agent tunnel add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama agent tunnel add wiki 8400
      https://wiki.<domain> leads to localhost:8400, for signed-in visitors
  portlama agent tunnel add films 8401 --to nas.local:8096 --description 'Jellyfin'
      a service on another machine at home
  portlama agent tunnel add dev 5173 --host-header local
      for development servers that refuse other names than localhost")]
pub(super) struct AddArguments {
    /// The name below the server's domain.
    subdomain: Subdomain,
    /// The tunnel port, 1024 to 65535; without --to also the service's port on this machine.
    port: TunnelPort,
    /// The service, where it is not localhost:PORT.
    #[arg(long, value_name = "HOST:PORT")]
    to: Option<Target>,
    /// Who may visit [default: authenticated].
    #[arg(long, value_enum)]
    access: Option<Access>,
    /// A note.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How the service is spoken to.
    #[arg(long, value_enum, default_value_t = Scheme::Http)]
    origin_scheme: Scheme,
    /// Take any certificate of an https service.
    #[arg(long)]
    no_origin_tls_verify: bool,
    /// Which host name the service is asked for: the public one, or localhost:PORT.
    #[arg(long, value_enum, default_value_t = HostName::Public)]
    host_header: HostName,
    /// Let other websites make a signed-in visitor's browser change things there.
    #[arg(long)]
    allow_cross_site: bool,
}

/// Arguments of `portlama agent tunnel remove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama agent tunnel remove wiki
      https://wiki.<domain> is gone, and its port is shut here")]
pub(super) struct RemoveArguments {
    /// The tunnel's name below the domain, its whole host name or its id.
    name: String,
}

/// Who may visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Access {
    /// Signed-in users.
    Authenticated,
    /// Everybody; the admin alone may say so.
    Public,
}

/// How the service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// Which host name the service is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HostName {
    /// The name visitors use.
    Public,
    /// localhost:PORT.
    Local,
}

/// Carries the command out.
pub(super) async fn run(command: TunnelCommand, agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    let panel = panel_of(&agent, proxy()?.as_ref())?;
    match command {
        TunnelCommand::Add(arguments) => add(arguments, &agent, &panel, agents.output).await?,
        TunnelCommand::List => list(&agent, &panel, agents.output).await?,
        TunnelCommand::Remove(arguments) => {
            remove(&arguments.name, &agent, &panel, agents.output).await?
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(
    arguments: AddArguments,
    agent: &AgentDir,
    panel: &PanelClient,
    output: Output,
) -> Result<()> {
    let port = arguments.port;
    let to = arguments.to.clone();
    let tunnel = panel.create_tunnel(&NewTunnel::from(arguments)).await?;
    open_at_home(agent, port, to).with_context(|| {
        format!(
            "{} was made, but its port is shut here: run `portlama agent allow {port}`",
            tunnel.fqdn
        )
    })?;
    if output.is_json() {
        output.document(&tunnel);
    } else {
        let target = agent.allowed().read()?.target(port);
        let target = target.map_or_else(|| "nowhere".to_owned(), |target| target.to_string());
        output.data(format_args!("{} → {target}", url(&tunnel, agent)?));
    }
    reload(agent, output).await;
    Ok(())
}

/// An entry that is there already stays, unless another service was named.
fn open_at_home(agent: &AgentDir, port: TunnelPort, to: Option<Target>) -> Result<()> {
    agent.allowed().change(|list| match to {
        Some(target) => list.allow(port, target),
        None if list.target(port).is_none() => list.allow(port, Target::localhost(port.get())),
        None => {}
    })?;
    Ok(())
}

/// Where visitors go. Apps and agents are served on one port.
pub(super) fn url(tunnel: &Tunnel, agent: &AgentDir) -> Result<String> {
    address(&tunnel.fqdn, agent)
}

/// Where visitors of a host go.
pub(super) fn address(host: &Hostname, agent: &AgentDir) -> Result<String> {
    Ok(match agent.config()?.tunnel_server {
        Some(TunnelServer { port, .. }) if port != 443 => format!("https://{host}:{port}"),
        Some(_) | None => format!("https://{host}"),
    })
}

async fn list(agent: &AgentDir, panel: &PanelClient, output: Output) -> Result<()> {
    let tunnels = panel.tunnels().await?;
    if output.is_json() {
        output.document(&json!({"tunnels": tunnels}));
        return Ok(());
    }
    if tunnels.is_empty() {
        output.note("no tunnels: make one with `portlama agent tunnel add NAME PORT`");
    }
    let rows = tunnels
        .iter()
        .map(|tunnel| Ok(row(tunnel, url(tunnel, agent)?)));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    for line in table(&rows) {
        output.data(line);
    }
    Ok(())
}

fn row(tunnel: &Tunnel, url: String) -> Vec<String> {
    let agent = tunnel
        .agent_label
        .as_ref()
        .map_or_else(|| "no agent".to_owned(), ToString::to_string);
    vec![
        url,
        format!("{agent}:{}", tunnel.port),
        access(tunnel.access_mode).to_owned(),
        status(tunnel),
    ]
}

fn access(mode: Option<AccessMode>) -> &'static str {
    match mode {
        Some(AccessMode::Public) => "public",
        Some(AccessMode::Authenticated) => "authenticated",
        Some(AccessMode::Restricted) => "restricted",
        None => "certificate",
    }
}

/// How it fares, for people.
pub(super) fn status(tunnel: &Tunnel) -> String {
    let text = match tunnel.status {
        TunnelStatus::Serving => "serving".to_owned(),
        TunnelStatus::AgentOffline => "the agent is offline".to_owned(),
        TunnelStatus::OriginRefused => "the service does not answer".to_owned(),
        TunnelStatus::CertificatePending => "waiting for its certificate".to_owned(),
        TunnelStatus::NoAgent => "no agent is assigned".to_owned(),
        TunnelStatus::NotAllowedAtHome => {
            format!("confirm at home: portlama agent allow {}", tunnel.port)
        }
        TunnelStatus::Disabled => "switched off".to_owned(),
        TunnelStatus::Unknown => "unknown to this version".to_owned(),
    };
    match &tunnel.status_detail {
        Some(detail) if tunnel.status != TunnelStatus::NotAllowedAtHome => {
            format!("{text}: {detail}")
        }
        _ => text,
    }
}

async fn remove(name: &str, agent: &AgentDir, panel: &PanelClient, output: Output) -> Result<()> {
    let tunnels = panel.tunnels().await?;
    let wanted = |tunnel: &&Tunnel| {
        tunnel.subdomain.as_str() == name
            || tunnel.fqdn.as_str() == name
            || tunnel.id.to_string() == name
    };
    let Some(tunnel) = tunnels.iter().find(wanted) else {
        bail!(
            "there is no tunnel called `{name}`: `portlama agent tunnel list` shows those there are"
        );
    };
    panel.delete_tunnel(tunnel.id).await?;
    let own = tunnel.agent_label.as_ref() == Some(&agent.config()?.agent_label);
    if own {
        agent.allowed().change(|list| list.forget(tunnel.port))?;
    }
    if output.is_json() {
        output.document(&json!({"removed": tunnel.fqdn, "port": tunnel.port}));
    } else {
        output.data(format_args!("{} is gone", url(tunnel, agent)?));
    }
    if own {
        reload(agent, output).await;
    }
    Ok(())
}

impl From<AddArguments> for NewTunnel {
    fn from(arguments: AddArguments) -> Self {
        Self {
            description: arguments.description,
            access_mode: arguments.access.map(AccessMode::from),
            origin_scheme: arguments.origin_scheme.into(),
            host_header: match arguments.host_header {
                HostName::Public => HostHeader::Public,
                HostName::Local => HostHeader::Local,
            },
            origin_tls_verify: !arguments.no_origin_tls_verify,
            allow_cross_site: arguments.allow_cross_site,
            ..Self::app(arguments.subdomain, arguments.port)
        }
    }
}

impl From<Access> for AccessMode {
    fn from(access: Access) -> Self {
        match access {
            Access::Authenticated => Self::Authenticated,
            Access::Public => Self::Public,
        }
    }
}

impl From<Scheme> for OriginScheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Http => Self::Http,
            Scheme::Https => Self::Https,
        }
    }
}
