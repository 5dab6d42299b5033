//! Whether a file system can be mounted here, which the test of power cuts does.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::demo;

/// As large as ext4 with a journal needs.
const IMAGE_BYTES: u64 = 4 << 20;

/// Why not, found out by doing it in a mount namespace that ends with the program; `None` where
/// it works.
pub fn cannot_mount() -> Result<Option<String>> {
    let folder = demo::target_directory()?.join("mounts");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let why = try_to_mount(&folder);
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    why
}

fn try_to_mount(folder: &Path) -> Result<Option<String>> {
    let image = folder.join("image");
    fs::File::create(&image)
        .and_then(|file| file.set_len(IMAGE_BYTES))
        .with_context(|| format!("cannot write {}", image.display()))?;
    let mut make = Command::new("mkfs.ext4");
    make.args(["-q", "-F"]).arg(&image);
    let mut mount = Command::new("unshare");
    mount.args(["--mount", "--propagation", "private", "--"]);
    mount.args(["mount", "-o", "loop"]).arg(&image).arg(folder);
    Ok(complaint(&mut make).or_else(|| complaint(&mut mount)))
}

/// What a program says when it fails, or why it cannot be started.
fn complaint(command: &mut Command) -> Option<String> {
    match command.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("{}: {error}", command.get_program().display())),
    }
}
