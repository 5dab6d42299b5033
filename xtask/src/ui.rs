//! `cargo xtask ui`: the web panel's files, from `ui/` into `ui/dist`, where the server's build
//! takes them from.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::shell::{self, exists, root};

/// What the built files are made of; anything newer than they are makes them stale.
const SOURCES: &[&str] = &[
    "ui/src",
    "ui/build",
    "ui/public",
    "ui/index.html",
    "ui/package-lock.json",
    "ui/vite.config.ts",
    "docs/guide",
];
const BUILT: &str = "ui/dist/index.html";
/// Octets of compressed JavaScript that may stand between a click and the panel: a second on a
/// slow phone line of 2 Mbit/s.
const FIRST_LOAD_LIMIT: u64 = 250_000;
/// npm writes this at the end of an installation.
const INSTALLED: &str = "ui/node_modules/.package-lock.json";

/// Builds the files when they are stale. Without Node.js the server is built all the same and
/// says on its page what is missing.
pub fn build_if_stale() -> Result<()> {
    if !exists("node") {
        println!("no Node.js here: the server is built without its web panel");
        return Ok(());
    }
    if is_stale()? { build() } else { Ok(()) }
}

/// Builds the files.
pub fn build() -> Result<()> {
    install()?;
    shell::run(npm().args(["run", "--silent", "build", "--", "--logLevel", "warn"]))?;
    let octets = first_load()?;
    println!(
        "the web panel is built: {} kB of compressed JavaScript at first",
        octets / 1000
    );
    if octets > FIRST_LOAD_LIMIT {
        bail!("the first load is above its limit of {FIRST_LOAD_LIMIT} octets of JavaScript");
    }
    Ok(())
}

/// Types, lint and tests of the pages.
pub fn check() -> Result<()> {
    install()?;
    shell::run(npm().args(["run", "--silent", "check"]))
}

fn install() -> Result<()> {
    if !exists("node") {
        bail!("missing programs: install Node.js 20.19 or newer and run again");
    }
    let (lock, installed) = (root().join("ui/package-lock.json"), root().join(INSTALLED));
    if newest(&installed)? > newest(&lock)? {
        return Ok(());
    }
    shell::run(npm().args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]))
}

fn npm() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(root().join("ui"));
    command
}

fn is_stale() -> Result<bool> {
    let built = newest(&root().join(BUILT))?;
    for source in SOURCES {
        if newest(&root().join(source))? >= built {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When the newest file at or below `path` was written; the beginning of time when there is none.
fn newest(path: &Path) -> Result<SystemTime> {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Ok(SystemTime::UNIX_EPOCH);
    };
    if metadata.is_file() {
        return Ok(metadata.modified()?);
    }
    let mut newest_below = metadata.modified()?;
    for entry in files_in(path)? {
        newest_below = newest_below.max(newest(&entry)?);
    }
    Ok(newest_below)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Compressed JavaScript that the page names itself: what stands between a click and the panel.
fn first_load() -> Result<u64> {
    let page = std::fs::read_to_string(root().join(BUILT)).context("the build left no page")?;
    let mut octets = 0;
    for script in page
        .split('"')
        .filter(|part| part.starts_with("/assets/") && part.ends_with(".js"))
    {
        let plain = root().join(format!("ui/dist{script}"));
        let compressed = root().join(format!("ui/dist{script}.br"));
        // The smallest have no compressed copy.
        octets += std::fs::metadata(&compressed)
            .or_else(|_| std::fs::metadata(&plain))
            .with_context(|| format!("the build left no {}", plain.display()))?
            .len();
    }
    Ok(octets)
}
