//! `portlama agent status`.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Result;
use portlama_agent::{
    AgentDir, AgentReport, Ask, AskError, KeyStoreKind, TunnelReport, TunnelState, ask,
    certificate_of, certificate_warning,
};
use serde_json::{Value, json};

use super::{Agents, service, table};
use crate::output::Output;

/// Exit code of an agent that is not connected.
const NOT_CONNECTED: u8 = 3;

pub(super) const EXAMPLES: &str = "\
Exit code: 0 connected, 3 not connected or not running, 1 anything else.

Examples:
  portlama agent status
      the connection, and for each tunnel whether its service answers
  portlama agent status --json | jq .connection.rttMs
      the same for programs";

/// Asks the running agent how it is. Its services are measured for the answer.
pub(super) async fn status(agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    let socket = agent.socket_path();
    let (asked, service) = tokio::join!(
        ask::<AgentReport>(&socket, Ask::Status),
        service::describe(&agents.home, &agent)
    );
    let connected = match asked {
        Ok(report) => {
            show(&report, service.as_ref(), agents.output);
            report.connection.connected
        }
        Err(AskError::NotRunning) => {
            show_stopped(&agent, service.as_ref(), agents.output)?;
            false
        }
        Err(error) => return Err(error.into()),
    };
    Ok(if connected {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_CONNECTED)
    })
}

fn show(report: &AgentReport, service: Option<&Value>, output: Output) {
    if output.is_json() {
        let mut document = json!(report);
        document["running"] = Value::Bool(true);
        document["service"] = service.cloned().unwrap_or_default();
        output.document(&document);
        return;
    }
    let domain = report
        .domain
        .as_ref()
        .map_or_else(|| "no domain yet".to_owned(), ToString::to_string);
    output.data(format_args!(
        "agent        {} (process {})",
        report.label, report.pid
    ));
    show_service(service, output);
    if report.program_replaced {
        output.data("warning      the program was replaced since: run `portlama agent update`");
    }
    output.data(format_args!("server       {}, {domain}", report.panel_url));
    output.data(format_args!("connection   {}", connection(report)));
    if let Some(error) = &report.connection.last_error {
        output.data(format_args!("last error   {error}"));
    }
    output.data(format_args!(
        "certificate  ends at {}{}",
        report.certificate_expires_at,
        renewal(report)
    ));
    if let Some(failure) = &report.certificate_failure {
        output.data(format_args!("renewal      failed: {failure}"));
    }
    if report.key_store == KeyStoreKind::System.to_string() {
        output.data("key          in the system's credential store");
    }
    if let Some(warning) = &report.certificate_warning {
        output.data(format_args!("warning      {warning}"));
    }
    if let Some(error) = &report.allow_list_error {
        output.data(format_args!("warning      nothing is forwarded: {error}"));
    }
    show_tunnels(report, output);
}

fn renewal(report: &AgentReport) -> String {
    match (report.certificate_renewal_at, &report.certificate_failure) {
        (Some(at), None) => format!(", renewed by itself at {at}"),
        (Some(at), Some(_)) => format!(", renewal tried again at {at}"),
        (None, _) => String::new(),
    }
}

fn show_service(service: Option<&Value>, output: Output) {
    let Some(service) = service else {
        output.data("service      none: `portlama agent service install` makes one");
        return;
    };
    let text = |name: &str| service[name].as_str().unwrap_or("unknown").to_owned();
    let start = match service["enabled"].as_bool() {
        Some(true) => ", starts by itself",
        Some(false) => ", does not start by itself",
        None => "",
    };
    output.data(format_args!(
        "service      {} of {}: {}{start}",
        text("unit"),
        text("manager"),
        text("words")
    ));
}

fn connection(report: &AgentReport) -> String {
    let connection = &report.connection;
    let Some(since) = connection.connected_since else {
        return "not connected; trying".to_owned();
    };
    let transport = connection.transport.as_deref().unwrap_or("tls");
    let rtt = connection
        .rtt_ms
        .map(|rtt| format!(", round trip {rtt:.1} ms"))
        .unwrap_or_default();
    let server = connection
        .server_address
        .map(|address| format!(" to {address}"))
        .unwrap_or_default();
    format!("since {since} over {transport}{server}{rtt}")
}

fn show_tunnels(report: &AgentReport, output: Output) {
    if report.tunnels.is_empty() {
        // Without a connection it is not known which there are.
        if report.connection.connected {
            output.note(
                "no tunnel is switched on: `portlama agent tunnel list` shows all, \
                 `portlama agent tunnel add NAME PORT` makes one",
            );
        }
        return;
    }
    output.data("tunnels");
    let rows: Vec<_> = report.tunnels.iter().map(row).collect();
    for line in table(&rows) {
        output.data(format_args!("  {line}"));
    }
}

fn row(tunnel: &TunnelReport) -> Vec<String> {
    let unnamed = || "(name not known yet)".to_owned();
    let name = tunnel
        .fqdn
        .as_ref()
        .map_or_else(unnamed, ToString::to_string);
    let target = tunnel.target.as_deref().unwrap_or("nowhere");
    let mut state = match tunnel.state {
        TunnelState::Ready => "ready".to_owned(),
        TunnelState::NotAllowedAtHome => "not allowed here".to_owned(),
        TunnelState::OriginRefused => "the service does not answer".to_owned(),
        TunnelState::Unknown => "not measured yet".to_owned(),
    };
    if let Some(detail) = &tunnel.detail {
        state = format!("{state}: {detail}");
    }
    vec![name, format!("{} → {target}", tunnel.port), state]
}

fn show_stopped(agent: &AgentDir, service: Option<&Value>, output: Output) -> Result<()> {
    let config = agent.config()?;
    let label = &config.label;
    let error = match service {
        Some(service) => format!(
            "the agent is not running: `{}` starts it, `portlama agent logs --label {label}` may tell why",
            service::typed("service restart", label, service["system"] == true)
        ),
        None => "the agent is not running: start it with `portlama agent run`".to_owned(),
    };
    let end = certificate_of(agent).map(|certificate| certificate.expires_at);
    let now = SystemTime::now().into();
    let warning = match &end {
        Ok(end) => certificate_warning(label, *end, now),
        Err(error) => Some(error.to_string()),
    };
    if output.is_json() {
        output.document(&json!({
            "label": label,
            "agentLabel": config.agent_label,
            "panelUrl": config.panel_url,
            "domain": config.domain,
            "running": false,
            "service": service,
            "connection": {"connected": false, "lastError": error},
            "certificateExpiresAt": end.ok(),
            "certificateWarning": warning,
            "tunnels": [],
        }));
        return Ok(());
    }
    let domain = config.domain.as_ref();
    let domain = domain.map_or_else(|| "no domain yet".to_owned(), ToString::to_string);
    output.data(format_args!("agent        {label}"));
    show_service(service, output);
    output.data(format_args!("server       {}, {domain}", config.panel_url));
    output.data(format_args!("connection   {error}"));
    if let Ok(end) = end {
        output.data(format_args!("certificate  ends at {end}"));
    }
    if let Some(warning) = warning {
        output.data(format_args!("warning      {warning}"));
    }
    Ok(())
}
