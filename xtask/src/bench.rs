//! `cargo xtask bench`: measurements live in `bench/`; this installs what they need and runs them.

use std::process::Command;

use anyhow::Result;

use crate::shell::{root, run as run_command};
use crate::{demo, tools};

/// Measures the shipped binary beside its peers in one interleaved run.
///
/// `only` is one part of the measurements, as `bench/run.py` names them.
pub fn run(seconds: u32, repetitions: u32, only: Option<&str>, write: bool) -> Result<()> {
    tools::ensure(tools::FOR_BENCH)?;
    let binary = demo::build_release()?;
    let mut command = Command::new("python3");
    command
        .arg(root().join("bench/run.py"))
        .args(["--seconds", &seconds.to_string()])
        .args(["--repetitions", &repetitions.to_string()])
        .args(only.map(|part| format!("--only={part}")))
        .args(write.then_some("--write"))
        .env("PORTLAMA_BINARY", binary);
    run_command(&mut command)
}
