//! The same commit makes the same octets, wherever it is built: no path of the machine and no time
//! of the build is in them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::demo;
use crate::shell::{output, root};

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// Sets what a release build needs to be the same everywhere. Where nobody knows of when the source
/// is, as in an unpacked archive without git, the program is built all the same; what is given to
/// people is not (see `make`).
pub fn environment(command: &mut Command) -> Result<()> {
    if let Ok(seconds) = epoch() {
        command.env("SOURCE_DATE_EPOCH", seconds.to_string());
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags()?);
    Ok(())
}

/// The time that stands for the build, seconds since 1970: the day of the commit. A build after
/// another commit of that day has nothing to make anew for it.
pub fn epoch() -> Result<u64> {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return given
            .parse()
            .context("SOURCE_DATE_EPOCH is no number of seconds");
    }
    let mut git = Command::new("git");
    git.current_dir(root()).args(["log", "-1", "--format=%ct"]);
    let said = output(&mut git).context(
        "without git nobody knows of when the source is: set SOURCE_DATE_EPOCH to its seconds",
    )?;
    let committed: u64 = said.trim().parse().context("git says no number")?;
    Ok(committed / DAY * DAY)
}

/// Folders of this machine, and what stands for them in messages of the program.
pub fn folders() -> Result<Vec<(PathBuf, &'static str)>> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(home?.join(".cargo")));
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    Ok(vec![
        (
            cargo.context("neither CARGO_HOME nor HOME is set")?,
            "/cargo",
        ),
        (sysroot.trim().into(), "/rust"),
        (root(), "/portlama"),
        // Last, because the last that fits counts, and it may lie in the source's folder.
        (demo::target_directory()?, "/target"),
    ])
}

/// rustc's flags as cargo reads them, after those that somebody set.
fn flags() -> Result<String> {
    let mut flags: Vec<String> = match std::env::var("CARGO_ENCODED_RUSTFLAGS") {
        Ok(given) if !given.is_empty() => given.split('\x1f').map(str::to_owned).collect(),
        _ => std::env::var("RUSTFLAGS")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    };
    // Cargo names the source's own files from its root on, so the root needs no other name: with
    // one, every checkout would compile everything anew.
    let own = root();
    for (folder, name) in folders()?.into_iter().filter(|(folder, _)| *folder != own) {
        flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
    }
    Ok(flags.join("\x1f"))
}
