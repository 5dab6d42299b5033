//! `portlama agent list`.

use std::process::ExitCode;

use anyhow::Result;
use portlama_agent::{AgentDir, AgentReport, Ask, AskError, ask};
use serde_json::json;

use super::{Agents, table};

/// Lists the agents of this machine, the current one marked.
pub(super) async fn list(agents: &Agents) -> Result<ExitCode> {
    let registry = agents.home.registry()?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for agent in &registry.agents {
        let state = state(&agents.home.agent(&agent.label)).await;
        let current = registry.current_label.as_ref() == Some(&agent.label);
        documents.push(json!({
            "label": agent.label,
            "current": current,
            "panelUrl": agent.panel_url,
            "domain": agent.domain,
            "agentLabel": agent.agent_label,
            "status": state,
            "setupAt": agent.setup_at,
        }));
        let domain = agent
            .domain
            .as_ref()
            .map_or_else(|| "no domain yet".to_owned(), ToString::to_string);
        let mark = if current { "*" } else { " " };
        rows.push(vec![
            format!("{mark} {}", agent.label),
            agent.panel_url.clone(),
            domain,
            state.to_owned(),
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
