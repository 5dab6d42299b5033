//! Programs of the machine, with arguments that stand in this crate.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// How long a program may take that only says something or changes a setting.
pub const PROGRAM_LIMIT: Duration = Duration::from_secs(60);
/// How long apt may take, a wait for another apt included: cloud-init holds its lock for minutes.
pub const PACKAGES_LIMIT: Duration = Duration::from_secs(900);

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The words, the program's name first.
    pub words: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
}

impl Program {
    /// A command line without quotes: words that blanks part.
    pub(crate) fn new(line: &str) -> Self {
        Self {
            words: line.split_whitespace().map(str::to_owned).collect(),
            limit: PROGRAM_LIMIT,
        }
    }

    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The words as one line.
    #[must_use]
    pub fn line(&self) -> String {
        self.words.join(" ")
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// With its last words, when it fails, and when it is not there.
    pub(crate) fn run(&self) -> Result<String, String> {
        let output = self.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let (said, complaint) = (text(&output.stdout), text(&output.stderr));
        match (output.status.code(), complaint.is_empty()) {
            (Some(0), _) => Ok(said),
            // timeout(1)
            (Some(124 | 137), _) => Err(format!(
                "`{}` did not end within {:?}",
                self.line(),
                self.limit
            )),
            (_, true) => Err(format!("`{}` failed: {said}", self.line())),
            (_, false) => Err(format!("`{}` failed: {complaint}", self.line())),
        }
    }

    fn output(&self) -> Result<Output, String> {
        Command::new("timeout")
            .args(["--kill-after=5", &self.limit.as_secs().to_string()])
            .args(&self.words)
            // Whoever became root without its PATH has no system programs in it.
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("NEEDRESTART_MODE", "l")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run `{}`: {error}", self.line()))
    }
}

/// What a program says, if it runs and succeeds.
pub(crate) fn said(line: &str) -> Option<String> {
    Program::new(line).run().ok()
}
