//! `portlama server status`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use portlama_control::at_rest::look;
use portlama_model::{OnboardingStatus, Timestamp};

use super::local::{Ask, Expiry, Report, ask};
use crate::output::Output;

/// Exit code of a server that does not run, or does not do its work.
const NOT_WELL: u8 = 3;

/// Says how the server is.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 it runs and is well, 3 it does not run or is not well, 1 anything else.

Examples:
  portlama server status
      the server in /etc/portlama
  portlama server status --json | jq .nextExpiry
      the same for programs")]
pub(crate) struct StatusArguments {
    /// The directory made by `portlama server init`.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
}

/// Asks the running server, or looks at the files of one that does not run.
pub(crate) async fn run(arguments: &StatusArguments, output: Output) -> Result<ExitCode> {
    let dir = &arguments.state_dir;
    let report = match ask(dir, Ask::Status).await? {
        Some(report) => report,
        None => from_files(dir)?,
    };
    show(&report, output);
    Ok(match report.running && report.healthy {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NOT_WELL),
    })
}

fn from_files(dir: &Path) -> Result<Report> {
    let found = look(dir).with_context(|| format!("cannot look at {}", dir.display()))?;
    let mut warnings = vec!["the server does not run".to_owned()];
    if found.is_cut_short {
        warnings.push("a change was cut short: the next start completes it".to_owned());
    }
    Ok(Report {
        running: false,
        healthy: false,
        version: None,
        pid: None,
        since: None,
        state_dir: dir.canonicalize()?,
        address: found.ip,
        domain: found.domain,
        set_up: found.set_up,
        listening: Vec::new(),
        agents: super::local::Agents {
            connected: 0,
            enrolled: found.agents,
        },
        next_expiry: found
            .next_end
            .map(|(name, expires_at)| Expiry { name, expires_at }),
        warnings,
    })
}

fn show(report: &Report, output: Output) {
    if output.is_json() {
        output.document(report);
        return;
    }
    let is = match (report.running, report.healthy) {
        (true, true) => "running",
        (true, false) => "running, but not well",
        (false, _) => "not running",
    };
    let mut rows = vec![("server", is.to_owned())];
    if let (Some(version), Some(pid), Some(since)) = (&report.version, report.pid, report.since) {
        rows.push(("version", format!("{version} (process {pid})")));
        rows.push(("since", since.to_string()));
    }
    rows.push(("state", report.state_dir.display().to_string()));
    rows.push(("address", report.address.to_string()));
    let domain = report.domain.as_ref().map(ToString::to_string);
    rows.push(("domain", domain.unwrap_or_else(|| "none yet".to_owned())));
    rows.push(("set-up", set_up(report.set_up).to_owned()));
    if !report.listening.is_empty() {
        let listening: Vec<_> = report.listening.iter().map(ToString::to_string).collect();
        rows.push(("listens on", listening.join(", ")));
    }
    let agents = report.agents;
    let connected = format!("{} of {} connected", agents.connected, agents.enrolled);
    rows.push(("agents", connected));
    if let Some(expiry) = &report.next_expiry {
        rows.push((
            "next to end",
            format!("{}, {}", expiry.name, day(expiry.expires_at)),
        ));
    }
    for (name, value) in rows {
        output.data(format_args!("{name:<13}{value}"));
    }
    for warning in &report.warnings {
        output.data(format_args!("{:<13}{warning}", "warning"));
    }
}

fn set_up(status: OnboardingStatus) -> &'static str {
    match status {
        OnboardingStatus::Completed => "complete",
        OnboardingStatus::Provisioning => "under way",
        OnboardingStatus::Fresh | OnboardingStatus::DomainSet | OnboardingStatus::DnsReady => {
            "not complete: open the panel and go on there"
        }
    }
}

fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}
