//! The suite `api`: schemathesis against a whole server (`tests/api`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{self, exists, root};
use crate::{demo, tools};

/// Runs it, or says why it cannot be run here.
pub fn run() -> Result<()> {
    tools::ensure(tools::FOR_TESTS)?;
    let folder = root().join("tests/api");
    let python = match environment(&folder) {
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

/// The Python of an environment with the packages of `requirements.txt`, made once, into the
/// cache beside our own builds.
fn environment(folder: &Path) -> Result<PathBuf> {
    let wanted = folder.join("requirements.txt");
    let packages = std::fs::read_to_string(&wanted)
        .with_context(|| format!("cannot read {}", wanted.display()))?;
    let home = demo::target_directory()?.join("tools/schemathesis");
    let python = home.join("bin/python");
    // Written last, so that what was interrupted is made again.
    let installed = home.join("requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|have| have == packages) {
        return Ok(python);
    }
    anyhow::ensure!(exists("python3"), "Python 3.10 or newer is missing");
    println!("installing schemathesis");
    shell::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&home),
    )?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&wanted);
    shell::run(&mut install)?;
    std::fs::write(&installed, packages)
        .with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}
