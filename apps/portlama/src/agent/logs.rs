//! `portlama agent logs`.

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_agent::{AgentDir, LogFiles};
use portlama_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
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
    let services = service::of(&agent);
    let journal = services.and_then(|services| services.journal(agent.label()));
    let found = match journal {
        Some(journal) => show_journal(&journal, &arguments, agents.output).await?,
        None => show_files(&agent.logs(), &arguments, agents.output).await?,
    };
    if !found {
        explain(&agent, agents.output);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(agent: &AgentDir, output: Output) {
    let unit = service::of(agent).map(|services| services.unit(agent.label()));
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
        if let Some(line) = Line::of_journal(&entry) {
            found = true;
            line.show(output);
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
        Line::of_file(line).show(output);
    }
    if !arguments.follow {
        return Ok(true);
    }
    loop {
        for line in follower.lines().with_context(cannot)? {
            Line::of_file(&line).show(output);
        }
        sleep(PAUSE).await;
    }
}

/// A line of the log, wherever it is kept.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    at: String,
    level: &'static str,
    message: String,
}

/// What is read of an entry of a journal (systemd.journal-fields(7)).
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    at: String,
    #[serde(rename = "PRIORITY", default)]
    priority: Option<String>,
    #[serde(rename = "MESSAGE", default)]
    message: Value,
}

impl Line {
    fn of_journal(entry: &str) -> Option<Self> {
        let entry: Entry = serde_json::from_str(entry).ok()?;
        let micros: u64 = entry.at.parse().ok()?;
        let at = Timestamp::from_unix_seconds(0).plus(Duration::from_micros(micros));
        let level = match entry.priority.as_deref() {
            Some("0" | "1" | "2" | "3") => "error",
            Some("4") => "warn",
            Some("7") => "debug",
            _ => "info",
        };
        let message = match entry.message {
            Value::String(text) => text,
            // As the journal writes what is no text.
            Value::Array(octets) => {
                let octets = octets.iter().filter_map(Value::as_u64);
                let octets: Vec<u8> = octets.filter_map(|o| u8::try_from(o).ok()).collect();
                String::from_utf8_lossy(&octets).into_owned()
            }
            _ => return None,
        };
        Some(Self {
            at: at.to_string(),
            level,
            message,
        })
    }

    /// As `tracing` writes it: time, level, the rest.
    fn of_file(line: &str) -> Self {
        let (at, rest) = line.split_once(' ').unwrap_or(("", line));
        let (level, message) = rest.trim_start().split_once(' ').unwrap_or(("", rest));
        let level = match level {
            "ERROR" => "error",
            "WARN" => "warn",
            "INFO" => "info",
            "DEBUG" => "debug",
            "TRACE" => "trace",
            // A line that was cut short.
            _ => {
                return Self {
                    at: String::new(),
                    level: "info",
                    message: line.to_owned(),
                };
            }
        };
        Self {
            at: at.to_owned(),
            level,
            message: message.to_owned(),
        }
    }

    fn show(&self, output: Output) {
        let Self { at, level, message } = self;
        if output.is_json() {
            output.document(&json!({"at": at, "level": level, "message": message}));
        } else {
            output.data(format_args!("{at} {level:>5} {}", plain(message)));
        }
    }
}

/// A line of the journal may come from any program that the service ever ran.
fn plain(message: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    message.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_journal_and_files_read_alike() {
        let entry =
            r#"{"__REALTIME_TIMESTAMP":"1800000000123456","PRIORITY":"4","MESSAGE":"a: b"}"#;
        let line = Line::of_journal(entry).expect("a line");
        assert_eq!((line.level, line.message.as_str()), ("warn", "a: b"));
        assert!(
            line.at.starts_with("2027-01-15T08:00:00.123"),
            "{}",
            line.at
        );
        let octets = r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[104,105,255]}"#;
        let line = Line::of_journal(octets).expect("a line");
        assert_eq!(line.message, "hi\u{fffd}");
        for nonsense in ["", "{}", r#"{"__REALTIME_TIMESTAMP":"x","MESSAGE":"m"}"#] {
            assert_eq!(Line::of_journal(nonsense), None, "{nonsense}");
        }
        let line = Line::of_file("2027-01-15T08:00:00.123456Z  WARN a: b");
        assert_eq!((line.level, line.message.as_str()), ("warn", "a: b"));
        let cut = Line::of_file("half a");
        assert_eq!((cut.at.as_str(), cut.message.as_str()), ("", "half a"));
    }
}
