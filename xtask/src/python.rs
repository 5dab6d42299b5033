//! Environments with Python packages, in the cache beside our own builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::demo;
use crate::shell::{self, exists};

/// The Python of an environment called `name`, with the packages of the folder's
/// `requirements.txt`. Made once.
pub fn environment(name: &str, folder: &Path) -> Result<PathBuf> {
    let wanted = folder.join("requirements.txt");
    let packages = std::fs::read_to_string(&wanted)
        .with_context(|| format!("cannot read {}", wanted.display()))?;
    let home = demo::target_directory()?.join("tools").join(name);
    let python = home.join("bin/python");
    // Written last, so that what was interrupted is made again.
    let installed = home.join("requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|have| have == packages) {
        return Ok(python);
    }
    anyhow::ensure!(exists("python3"), "Python 3.10 or newer is missing");
    println!("installing {name}");
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
