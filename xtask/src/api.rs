//! The suite `api`: schemathesis against a whole server (`tests/api`).

use std::process::Command;

use anyhow::Result;

use crate::shell::{self, root};
use crate::{demo, python, tools};

/// Runs it, or says why it cannot be run here.
pub fn run() -> Result<()> {
    tools::ensure(tools::FOR_TESTS)?;
    let folder = root().join("tests/api");
    let python = match python::environment("schemathesis", &folder) {
        Ok(python) => python,
        Err(error) => {
            println!("skipped: schemathesis cannot be installed: {error:#}");
            return Ok(());
        }
    };
    let mut command = Command::new(python);
    command
        .current_dir(&folder)
        .args(["-B", "run.py"])
        .env("PORTLAMA_BINARY", demo::build_release()?);
    shell::run(&mut command)
}
