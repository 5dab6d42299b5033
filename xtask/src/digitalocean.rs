//! The suite `digitalocean`: the official Python client drives the fake that our tests drive
//! (`tests/digitalocean`).

use std::process::Command;

use anyhow::Result;

use crate::shell::{self, cargo, root};
use crate::{demo, python};

/// The fake as a program.
const FAKE: &str = "portlama-test-digitalocean";

/// Runs it, or says why it cannot be run here.
pub fn run() -> Result<()> {
    let folder = root().join("tests/digitalocean");
    let python = match python::environment("pydo", &folder) {
        Ok(python) => python,
        Err(error) => {
            println!("skipped: pydo cannot be installed: {error:#}");
            return Ok(());
        }
    };
    shell::run(cargo().args([
        "build",
        "--package",
        "portlama-testkit",
        "--bin",
        FAKE,
        "--locked",
        "--quiet",
    ]))?;
    let fake = demo::target_directory()?.join("debug").join(FAKE);
    let mut command = Command::new(python);
    command
        .current_dir(&folder)
        .args(["-B", "run.py"])
        .env("PORTLAMA_FAKE_DIGITALOCEAN", fake);
    shell::run(&mut command)
}
