//! The archive for every Linux: unpack, `./install.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Release, Signer, packaging, pages, place, reproducible, target, write_sums};
use crate::shell::{root, run};

/// Packs it.
pub fn pack(
    release: &Release,
    made: &Path,
    notices: &Path,
    signer: Option<&Signer>,
) -> Result<PathBuf> {
    let name = release.name();
    let work = made.join("archive");
    let tree = work.join(&name);
    let program = place(&release.program, &tree, &name, 0o755)?;
    if signer.is_some() {
        let signature = format!("{name}.minisig");
        let from = release.folder.join(&signature);
        place(&from, &tree, &signature, 0o644)?;
    }
    write_sums(&tree.join("SHA256SUMS"), &[&program])?;
    script(release, signer, &tree)?;
    for page in pages::man(made)? {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        place(&page, &tree, &format!("man/{name}"), 0o644)?;
    }
    for name in ["portlama.bash", "portlama.fish", "_portlama"] {
        let name = format!("completions/{name}");
        place(&made.join(&name), &tree, &name, 0o644)?;
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md"] {
        place(&root().join(name), &tree, name, 0o644)?;
    }
    place(notices, &tree, "licences.txt", 0o644)?;

    let archive = release.folder.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("--create")
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mode=u+rwX,go+rX,go-w", "--format=gnu"])
        .arg(format!("--mtime=@{}", reproducible::epoch()?))
        .args(["--use-compress-program", "gzip -9n"])
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(&work)
        .arg(&name);
    run(&mut tar)?;
    Ok(archive)
}

/// The install script, with this release's words in it.
fn script(release: &Release, signer: Option<&Signer>, tree: &Path) -> Result<()> {
    let text = fs::read_to_string(packaging("install.sh")).context("cannot read install.sh")?;
    let keys = signer.map(Signer::public_keys).transpose()?;
    let text = text
        .replace("@VERSION@", &release.version)
        .replace("@TARGET@", &target())
        .replace("@KEYS@", &keys.unwrap_or_default().join(" "));
    let made = tree.join("install.sh.made");
    fs::write(&made, text).context("cannot write install.sh")?;
    place(&made, tree, "install.sh", 0o755)?;
    fs::remove_file(made).context("cannot remove a working file")
}
