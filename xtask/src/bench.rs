//! `cargo xtask bench`: measurements live in `bench/`; this installs what they need and runs them.

use std::process::Command;

use anyhow::Result;

use crate::shell::{root, run as run_command};
use crate::{demo, machine, tools};

/// The part that boots machines, as `bench/run.py` names it, and where it finds their figures.
const MACHINES: &str = "machines";
const FIGURES: &str = "PORTLAMA_FIGURES";

/// Measures the shipped binary beside its peers in one interleaved run.
///
/// `only` is one part of the measurements, as `bench/run.py` names them.
pub fn run(seconds: u32, repetitions: u32, only: Option<&str>, write: bool) -> Result<()> {
    tools::ensure(tools::FOR_BENCH)?;
    let binary = demo::build_release()?;
    let figures = demo::target_directory()?.join("figures.json");
    let mut command = Command::new("python3");
    if only.is_none_or(|part| part == MACHINES) && machine::measure(FIGURES, &figures)? {
        command.env(FIGURES, &figures);
    }
    command
        .arg(root().join("bench/run.py"))
        .args(["--seconds", &seconds.to_string()])
        .args(["--repetitions", &repetitions.to_string()])
        .args(only.map(|part| format!("--only={part}")))
        .args(write.then_some("--write"))
        .env("PORTLAMA_BINARY", binary);
    run_command(&mut command)
}
