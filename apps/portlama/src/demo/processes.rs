//! The demo's two long-lived processes and its short-lived ones.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portlama_model::Secret;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::place::Place;

/// The pause before a process that ended is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// A process that ends so often within [`RESTART_WINDOW`] will not get better.
const MAX_RESTARTS: usize = 10;
const RESTART_WINDOW: Duration = Duration::from_secs(60);
/// How long a process may take to end after SIGTERM; the server drains for up to 30 s.
const STOP_LIMIT: Duration = Duration::from_secs(35);
/// How much of a log is shown when a process failed, octets.
const LOG_TAIL_BYTES: usize = 2000;

/// A process that is started again when it ends, as a service manager would.
pub(crate) struct Service {
    name: &'static str,
    arguments: Vec<OsString>,
    log: PathBuf,
    child: Child,
    // Open as long as the process shall live; waiting for it would close it.
    lifeline: Option<ChildStdin>,
    restarts: VecDeque<Instant>,
}

impl Service {
    /// Starts `portlama <arguments>`. The process ends with this one, because its standard
    /// input closes.
    pub(crate) fn start(
        name: &'static str,
        arguments: Vec<OsString>,
        log: PathBuf,
    ) -> Result<Self> {
        let mut child =
            spawn(&arguments, &log).with_context(|| format!("cannot start the {name}"))?;
        Ok(Self {
            name,
            arguments,
            log,
            lifeline: child.stdin.take(),
            child,
            restarts: VecDeque::new(),
        })
    }

    /// The arguments for the next start.
    pub(crate) fn restart_as(&mut self, arguments: Vec<OsString>) {
        self.arguments = arguments;
    }

    /// The process's id; 0 when it has ended.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// The line of JSON that the process writes when it is ready.
    pub(crate) async fn ready_line(&mut self, limit: Duration) -> Result<serde_json::Value> {
        let stdout = self
            .child
            .stdout
            .take()
            .context("the process has no standard output")?;
        let mut lines = BufReader::new(stdout);
        let mut line = String::new();
        match tokio::time::timeout(limit, lines.read_line(&mut line)).await {
            Ok(Ok(1..)) => {}
            Ok(_) => return Err(self.failure()),
            Err(_) => bail!(
                "the {} was not ready within {} s",
                self.name,
                limit.as_secs()
            ),
        }
        drain(lines);
        serde_json::from_str(&line)
            .with_context(|| format!("the {} wrote no JSON: {line}", self.name))
    }

    /// Passes a result on; when it is an error and the process has ended, that is the reason.
    pub(crate) fn or_its_end<T>(&mut self, result: Result<T>) -> Result<T> {
        match (result, self.child.try_wait()) {
            (Err(_), Ok(Some(_))) => Err(self.failure()),
            (result, _) => result,
        }
    }

    /// Starts the process again each time it ends; returns only when it ends too often.
    pub(crate) async fn supervise(&mut self) -> Result<()> {
        loop {
            let status = self.child.wait().await?;
            self.restarts.retain(|at| at.elapsed() < RESTART_WINDOW);
            if self.restarts.len() >= MAX_RESTARTS {
                bail!(
                    "the {} ended {MAX_RESTARTS} times within a minute ({status})\n{}",
                    self.name,
                    tail(&self.log)
                );
            }
            self.restarts.push_back(Instant::now());
            tokio::time::sleep(RESTART_PAUSE).await;
            self.child = spawn(&self.arguments, &self.log)
                .with_context(|| format!("cannot start the {} again", self.name))?;
            self.lifeline = self.child.stdin.take();
            if let Some(stdout) = self.child.stdout.take() {
                drain(BufReader::new(stdout));
            }
        }
    }

    /// Asks the process to end, and ends it after a while.
    pub(crate) async fn stop(&mut self) {
        if let Some(pid) = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
        {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(STOP_LIMIT, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }

    fn failure(&self) -> anyhow::Error {
        anyhow::anyhow!("the {} did not start: {}", self.name, tail(&self.log))
    }
}

fn drain(mut lines: BufReader<ChildStdout>) {
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut lines, &mut tokio::io::sink()).await;
    });
}

fn spawn(arguments: &[OsString], log: &Path) -> Result<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    let child = program()?
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// Runs `portlama <arguments>` to its end. `input` goes to its standard input.
pub(crate) async fn one_shot(
    place: &Place,
    arguments: &[&str],
    more: &[&OsStr],
    input: Option<&Secret>,
) -> Result<()> {
    let mut child = program()?
        .args(arguments)
        .args(more)
        .current_dir(place.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input.expose().as_bytes()).await?;
        stdin.write_all(b"\n").await?;
    }
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let text = text.trim();
        bail!("{}", text.strip_prefix("error: ").unwrap_or(text));
    }
    Ok(())
}

/// This very binary.
fn program() -> Result<Command> {
    let path = std::env::current_exe().context("cannot find this program's file")?;
    Ok(Command::new(path))
}

/// Why the process of this log ended: what it said last after `error:`, without the lines of
/// earlier runs; else its last lines.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let start = text.len().saturating_sub(LOG_TAIL_BYTES);
    let text = String::from_utf8_lossy(text.get(start..).unwrap_or_default()).into_owned();
    if let Some(error) = text.lines().rev().find_map(|l| l.strip_prefix("error: ")) {
        return error.to_owned();
    }
    let lines: Vec<&str> = text.trim().lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
