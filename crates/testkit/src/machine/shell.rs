//! Commands inside a machine.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Machine;

/// How long a command may take unless more is asked for.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// What a command said.
#[derive(Debug, Clone)]
pub struct Said {
    /// How it ended; `None` by a signal, 124 when its time was over.
    pub code: Option<i32>,
    /// On its standard output.
    pub stdout: String,
    /// On its standard error.
    pub stderr: String,
}

impl Machine<'_> {
    /// A command inside as root, killed after `limit`, with nothing on its standard input.
    ///
    /// # Errors
    /// When the machine is off or not yet this far.
    pub fn command<I: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = I>,
        limit: Duration,
    ) -> Result<Command> {
        let leader = self.leader().context("the machine does not run")?;
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", &limit.as_secs_f64().to_string()])
            .args(["nsenter", "--all", "--target", &leader.to_string(), "--"])
            .args(["env", "-i", "HOME=/root", "USER=root", "LC_ALL=C"])
            .arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .args(words)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command as root, a minute at most, and says how it went.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn run<I: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = I>) -> Result<Said> {
        let output = self.command(words, COMMAND_LIMIT)?.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// Runs lines of shell as root, a minute at most, up to the first that fails; returns what
    /// they wrote to standard output.
    ///
    /// # Errors
    /// With what they said, when one fails.
    pub fn shell(&self, script: &str) -> Result<String> {
        let said = self.run(["sh", "-euc", script])?;
        if said.code != Some(0) {
            bail!(
                "in {}: {script}\nended with {:?}\n{}{}",
                self.name(),
                said.code,
                said.stdout,
                said.stderr
            );
        }
        Ok(said.stdout)
    }
}
