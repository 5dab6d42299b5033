//! `portlama agent logs`.

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_agent::service::Services;
use portlama_agent::{AgentDir, LogFiles};
use portlama_control::logs::{LogLevel, LogLine};
use portlama_host::JournalEntry;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::sleep;

use super::{Agents, service};
use crate::output::Output;

/// Lines that are shown unless more are asked for.
const DEFAULT_LINES: u32 = 50;
/// The most lines that can be asked for: what the files of a full log hold, and little memory.
const MAX_LINES: u32 = 200_000;
/// How often a file is looked at for new lines.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of `portlama agent logs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Where systemd keeps the agent running, the log is in its journal; everywhere else in files of the
agent's own directory, five of 5 MB.

Examples:
  portlama agent logs
      the last 50 lines
  portlama agent logs -f -n 200
      the last 200, and every new one until Ctrl-C
  portlama agent logs --json | jq -r 'select(.level == \"warn\") | .message'
      the same for programs, one document a line")]
pub(super) struct LogsArguments {
    /// Go on with every new line, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines.
    #[arg(short = 'n', long, value_name = "N", default_value_t = DEFAULT_LINES,
          value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_LINES)))]
    lines: u32,
}

/// Shows the log.
pub(super) async fn logs(arguments: LogsArguments, agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    let services = service::of(&agents.home, &agent);
    let journal = services
        .as_ref()
        .and_then(|services| services.journal(agent.label()));
    let found = match journal {
        Some(journal) => show_journal(&journal, &arguments, agents.output).await?,
        None => show_files(&agent.logs(), &arguments, agents.output).await?,
    };
    if !found {
        explain(services.as_ref(), &agent, agents.output);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(services: Option<&Services>, agent: &AgentDir, output: Output) {
    let unit = services.map(|services| services.unit(agent.label()));
    let label = agent.label();
    match unit {
        Some(unit) => output.note(format_args!(
            "the journal has no line of {unit} that you may read: if it runs (`portlama agent status`), being in the group systemd-journal helps"
        )),
        None => output.note(format_args!(
            "agent {label} has no log yet: it never ran, or writes elsewhere; its files would be {}",
            agent.logs().path().display()
        )),
    }
}

/// Says whether there was anything.
async fn show_journal(unit: &[String], arguments: &LogsArguments, output: Output) -> Result<bool> {
    let mut command = Command::new("journalctl");
    command
        .args(["--quiet", "--no-pager", "--output=json", "--lines"])
        .arg(arguments.lines.to_string())
        .args(unit);
    if arguments.follow {
        command.arg("--follow");
    }
    let mut reader = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run journalctl")?;
    let stdout = reader.stdout.take().context("its output")?;
    let mut entries = BufReader::new(stdout).lines();
    let mut found = false;
    while let Some(entry) = entries.next_line().await? {
        if let Some(entry) = JournalEntry::parse(entry.as_bytes()) {
            found = true;
            show(&entry.alone(), output);
        }
    }
    let status = reader.wait().await?;
    if !status.success() {
        bail!("journalctl ended with {status}");
    }
    Ok(found)
}

async fn show_files(files: &LogFiles, arguments: &LogsArguments, output: Output) -> Result<bool> {
    let mut follower = files.follow();
    let last = files.last(usize::try_from(arguments.lines).unwrap_or(usize::MAX));
    let cannot = || format!("cannot read {}", files.path().display());
    let Some(last) = last.with_context(cannot)? else {
        return Ok(false);
    };
    for line in &last {
        show(&of_file(line), output);
    }
    if !arguments.follow {
        return Ok(true);
    }
    loop {
        for line in follower.lines().with_context(cannot)? {
            show(&of_file(&line), output);
        }
        sleep(PAUSE).await;
    }
}

/// A line of the agent's own files, as `tracing` writes it: time, level, the rest.
fn of_file(line: &str) -> LogLine {
    let (at, rest) = line.split_once(' ').unwrap_or(("", line));
    let (level, message) = rest.trim_start().split_once(' ').unwrap_or(("", rest));
    let level = match level {
        "ERROR" => LogLevel::Error,
        "WARN" => LogLevel::Warn,
        "INFO" => LogLevel::Info,
        "DEBUG" | "TRACE" => LogLevel::Debug,
        // A line that was cut short.
        _ => return LogLine::new(None, None, line),
    };
    LogLine::new(at.parse().ok(), Some(level), message)
}

fn show(line: &LogLine, output: Output) {
    let level = match line.level() {
        Some(LogLevel::Error) => "error",
        Some(LogLevel::Warn) => "warn",
        Some(LogLevel::Debug) => "debug",
        Some(LogLevel::Info) | None => "info",
    };
    let (at, message) = (line.at(), line.message());
    if output.is_json() {
        output.document(&json!({"at": at, "level": level, "message": message}));
    } else {
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        output.data(format_args!("{at} {level:>5} {message}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_journal_and_files_read_alike() {
        let entry = r#"{"__REALTIME_TIMESTAMP":"1800000000123456","PRIORITY":"4","_PID":"7","MESSAGE":"a: b"}"#;
        let of_journal = JournalEntry::parse(entry.as_bytes()).expect("an entry");
        let of_file = of_file("2027-01-15T08:00:00.123Z  WARN a: b");
        assert_eq!(of_journal.alone(), of_file);
        assert_eq!(of_file.level(), Some(LogLevel::Warn));
        assert_eq!(of_file.message(), "a: b");
        assert_eq!(super::of_file("half a").message(), "half a");
    }

    #[test]
    fn a_line_of_a_file_steers_no_terminal() {
        let line = of_file("2027-01-15T08:00:00Z INFO a\u{1b}[2J\tb");
        assert_eq!(line.message(), "a b");
    }
}
