//! `cargo xtask demo`: build, then let `portlama demo` do the rest.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{self, cargo, root};
use crate::{dist, ui};

/// The features of the program that users run; everyday builds go without, since they are much to
/// compile.
pub const RELEASE_FEATURES: &str = "credential-store";

/// Builds the binary as users run it and returns its path.
pub fn build_release() -> Result<PathBuf> {
    ui::build_if_stale()?;
    let mut build = cargo();
    build.args(["rustc", "--release", "--locked", "--package", "portlama"]);
    build.args(["--bin", "portlama", "--features", RELEASE_FEATURES]);
    dist::environment(&mut build)?;
    build.arg("--").args(dist::link_arguments());
    shell::run(&mut build)?;
    let binary = target_directory()?.join("release/portlama");
    if !binary.is_file() {
        bail!("the build left no {}", binary.display());
    }
    Ok(binary)
}

/// Where cargo builds, as configured.
pub fn target_directory() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("cannot ask cargo for the target directory")?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Builds and shows the main job until it is interrupted.
pub fn run(arguments: &[String]) -> Result<()> {
    let binary = build_release()?;
    let mut command = Command::new(binary);
    command.arg("demo").args(arguments);
    hand_over(command)
}

/// Becomes the other program, so that signals and the exit code are its own.
#[cfg(unix)]
fn hand_over(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("cannot start the demo")
}
