//! What must hold after every whole-system case.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::Demo;

/// How much resident memory a case may leave behind, bytes.
const MEMORY_SLACK: u64 = 20 * 1024 * 1024;
/// How many descriptors a case may leave behind.
const DESCRIPTOR_SLACK: usize = 5;
/// How long closing what a case opened may take.
const SETTLE: Duration = Duration::from_secs(10);

/// The server before a case; compared with it afterwards.
#[derive(Debug)]
pub struct Oracle {
    pid: u32,
    descriptors: usize,
    memory: u64,
    canaries: Vec<String>,
}

impl Oracle {
    /// Looks at the server before a case. `canaries` are secrets that must appear nowhere,
    /// beside those of the demo itself.
    ///
    /// # Errors
    /// When the server's process cannot be looked at.
    pub fn before(demo: &Demo, canaries: &[&str]) -> Result<Self> {
        let pid = demo.ready.server_pid;
        let mut secrets: Vec<String> = canaries.iter().map(|c| (*c).to_owned()).collect();
        secrets.push(demo.ready.password.clone());
        secrets.push(demo.ready.admin_p12_password.clone());
        secrets.extend(
            demo.ready
                .totp_uri
                .split(['?', '&'])
                .filter_map(|p| p.strip_prefix("secret="))
                .map(str::to_owned),
        );
        Ok(Self {
            pid,
            descriptors: descriptors(pid)?,
            memory: resident_bytes(pid)?,
            canaries: secrets,
        })
    }

    /// Asserts that the case left the server as it was.
    ///
    /// # Errors
    /// Names what does not hold.
    pub fn after(&self, demo: &Demo) -> Result<()> {
        let log = demo.log();
        if log.contains("panicked") {
            bail!("something panicked:\n{log}");
        }
        let health = demo
            .visitor()
            .options(["--max-time", "1"])
            .send(&demo.api("health"));
        let health = health.context("the server's health does not answer in a second")?;
        if health.status != 200 {
            bail!("the server's health answers {}", health.status);
        }
        self.settles()?;
        self.keeps_secrets(demo, &log)?;
        every_file_parses(&demo.ready.state_dir)
    }

    fn settles(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let (open, memory) = (descriptors(self.pid)?, resident_bytes(self.pid)?);
            let settled =
                open <= self.descriptors + DESCRIPTOR_SLACK && memory <= self.memory + MEMORY_SLACK;
            if settled {
                return Ok(());
            }
            if begun.elapsed() > SETTLE {
                bail!(
                    "the server does not settle: {open} descriptors (were {}), {} KiB resident (were {})",
                    self.descriptors,
                    memory / 1024,
                    self.memory / 1024
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn keeps_secrets(&self, demo: &Demo, log: &str) -> Result<()> {
        for canary in &self.canaries {
            if log.contains(canary.as_str()) {
                bail!("a secret stands in the log");
            }
        }
        for pid in [demo.ready.server_pid, demo.ready.agent_pid] {
            // A process that was restarted meanwhile has no arguments any more.
            let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            if self
                .canaries
                .iter()
                .any(|canary| arguments.contains(canary.as_str()))
            {
                bail!("a secret stands in the arguments of process {pid}");
            }
        }
        Ok(())
    }
}

fn every_file_parses(folder: &Path) -> Result<()> {
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            every_file_parses(&path)?;
        } else if path.extension().is_some_and(|e| e == "json") {
            let text = std::fs::read(&path)?;
            serde_json::from_slice::<serde_json::Value>(&text)
                .with_context(|| format!("{} does not parse", path.display()))?;
        }
    }
    Ok(())
}

fn descriptors(pid: u32) -> Result<usize> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .with_context(|| format!("process {pid} is gone"))?;
    Ok(entries.count())
}

/// The resident memory of a process, bytes.
fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let line = status
        .lines()
        .find(|l| l.starts_with("VmRSS:"))
        .context("no VmRSS")?;
    let kib: u64 = line
        .split_whitespace()
        .nth(1)
        .context("no VmRSS")?
        .parse()?;
    Ok(kib * 1024)
}
