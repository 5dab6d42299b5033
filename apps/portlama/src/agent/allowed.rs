//! `portlama agent allow`, `deny` and `allowed`.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use portlama_agent::Target;
use portlama_model::TunnelPort;
use serde_json::json;

use super::{Agents, reload, table};

pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  portlama agent allowed
      each tunnel port that is open, and where it leads
  portlama agent allowed --label attic --json
      the same of another agent, for programs";

/// Arguments of `portlama agent allow`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama agent allow 8400
      tunnel port 8400 leads to localhost:8400
  portlama agent allow nas.local:5000 --as 8401
      tunnel port 8401 leads to another machine at home
  portlama agent allow localhost:80 --as 8080
      a service below port 1024 under another number")]
pub(super) struct AllowArguments {
    /// The service: PORT on this machine, or HOST:PORT.
    #[arg(value_name = "PORT|HOST:PORT")]
    target: Target,
    /// The tunnel port, 1024 to 65535, that leads there [default: the service's own port].
    #[arg(long = "as", value_name = "N")]
    port: Option<TunnelPort>,
}

/// Arguments of `portlama agent deny`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama agent deny 8400
      tunnel port 8400 leads nowhere, also where --allow-loopback was given")]
pub(super) struct DenyArguments {
    /// The tunnel port.
    #[arg(value_name = "N")]
    port: TunnelPort,
}

/// Opens a tunnel port.
pub(super) async fn allow(arguments: AllowArguments, agents: &Agents) -> Result<ExitCode> {
    let AllowArguments { target, port } = arguments;
    let port = port.map_or_else(|| own_port(&target), Ok)?;
    let agent = agents.chosen()?;
    agent
        .allowed()
        .change(|list| list.allow(port, target.clone()))?;
    if agents.output.is_json() {
        agents
            .output
            .document(&json!({"port": port, "target": target.to_string()}));
    } else {
        agents.output.data(format_args!("{port} → {target}"));
    }
    reload(&agent, agents.output).await;
    Ok(ExitCode::SUCCESS)
}

fn own_port(target: &Target) -> Result<TunnelPort> {
    target.port().try_into().map_err(|_| {
        anyhow!("tunnel ports begin at 1024: give {target} another number, such as `portlama agent allow {target} --as 8080`")
    })
}

/// Shuts a tunnel port.
pub(super) async fn deny(arguments: DenyArguments, agents: &Agents) -> Result<ExitCode> {
    let port = arguments.port;
    let agent = agents.chosen()?;
    let was_open = agent.allowed().change(|list| list.deny(port))?;
    if agents.output.is_json() {
        agents
            .output
            .document(&json!({"port": port, "wasAllowed": was_open}));
    } else if was_open {
        agents.output.data(format_args!("{port} is shut"));
    } else {
        agents
            .output
            .data(format_args!("{port} was not allowed, and stays shut"));
    }
    reload(&agent, agents.output).await;
    Ok(ExitCode::SUCCESS)
}

/// Shows the list.
pub(super) fn list(agents: &Agents) -> Result<ExitCode> {
    let list = agents.chosen()?.allowed().read()?;
    let output = agents.output;
    if output.is_json() {
        let allowed: Vec<_> = list
            .entries()
            .map(|(port, target)| json!({"port": port, "target": target.to_string()}))
            .collect();
        let denied: Vec<_> = list.denied().collect();
        output.document(
            &json!({"allowLoopback": list.loopback(), "allowed": allowed, "denied": denied}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows: Vec<Vec<String>> = list
        .entries()
        .map(|(port, target)| vec![port.to_string(), "→".to_owned(), target.to_string()])
        .collect();
    if list.loopback() {
        rows.push(vec![
            "*".to_owned(),
            "→".to_owned(),
            "localhost, same port".to_owned(),
        ]);
        rows.extend(
            list.denied()
                .map(|port| vec![port.to_string(), "shut".to_owned()]),
        );
    }
    if rows.is_empty() {
        output.note("nothing is allowed: open a port with `portlama agent allow PORT`");
    }
    for line in table(&rows) {
        output.data(line);
    }
    Ok(ExitCode::SUCCESS)
}
