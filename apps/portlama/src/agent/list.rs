//! `portlama agent list` and `switch`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use portlama_agent::{AgentDir, AgentReport, Ask, AskError, ask};
use portlama_model::AgentLabel;
use serde_json::json;

use super::{Agents, service, table};

pub(super) const EXAMPLES: &str = "\
Examples:
  portlama agent list
      each agent with its server, its service and whether it is connected
  portlama agent list --json | jq -r .currentLabel
      the one that is meant without --label";

/// Arguments of `portlama agent switch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama agent switch attic
      from here on `portlama agent status` and all others speak of attic")]
pub(super) struct SwitchArguments {
    /// The agent; `portlama agent list` shows those there are.
    label: AgentLabel,
}

/// Makes an agent the current one.
pub(super) fn switch(arguments: &SwitchArguments, agents: &Agents) -> Result<ExitCode> {
    let label = &arguments.label;
    agents.home.switch(label)?;
    if agents.output.is_json() {
        agents.output.document(&json!({"currentLabel": label}));
    } else {
        agents
            .output
            .data(format_args!("{label} is the current agent"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the agents of this machine, the current one marked.
pub(super) async fn list(agents: &Agents) -> Result<ExitCode> {
    let registry = agents.home.registry()?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for agent in &registry.agents {
        let directory = agents.home.agent(&agent.label);
        let (state, service) = tokio::join!(
            state(&directory),
            service::describe(&agents.home, &directory)
        );
        // A running agent learns of a domain without the registry.
        let domain = directory.config().ok().and_then(|config| config.domain);
        let domain = domain.or_else(|| agent.domain.clone());
        let current = registry.current_label.as_ref() == Some(&agent.label);
        documents.push(json!({
            "label": agent.label,
            "current": current,
            "panelUrl": agent.panel_url,
            "domain": domain,
            "agentLabel": agent.agent_label,
            "status": state,
            "service": service,
            "setupAt": agent.setup_at,
        }));
        let domain = domain.map_or_else(|| "no domain yet".to_owned(), |domain| domain.to_string());
        let kept = match &service {
            Some(service) => service["words"].as_str().unwrap_or("unknown").to_owned(),
            None => "no service".to_owned(),
        };
        let mark = if current { "*" } else { " " };
        rows.push(vec![
            format!("{mark} {}", agent.label),
            agent.panel_url.clone(),
            domain,
            state.to_owned(),
            kept,
        ]);
    }
    if agents.output.is_json() {
        agents
            .output
            .document(&json!({"currentLabel": registry.current_label, "agents": documents}));
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        agents.output.note(
            "no agent is set up: run `portlama agent setup --panel-url https://<server>:9292`",
        );
    }
    for line in table(&rows) {
        agents.output.data(line);
    }
    Ok(ExitCode::SUCCESS)
}

async fn state(agent: &AgentDir) -> &'static str {
    match ask::<AgentReport>(&agent.socket_path(), Ask::Status).await {
        Ok(report) if report.connection.connected => "connected",
        Ok(_) => "not connected",
        Err(AskError::NotRunning) => "stopped",
        Err(AskError::NoAnswer { .. }) => "unknown",
    }
}
