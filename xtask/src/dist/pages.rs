//! Man pages and completions, written by a build of the program itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, run};

/// Writes them below a working folder: `man/*.1`, `completions/*`.
pub fn write(folder: &Path) -> Result<PathBuf> {
    let pages = folder.join("pages");
    let arguments = [
        "run",
        "--quiet",
        "--locked",
        "--package",
        "portlama",
        "--features",
        "pages",
    ];
    run(cargo().args(arguments).env("PORTLAMA_WRITE_PAGES", &pages))?;
    ensure!(
        pages.join("man/portlama.1").is_file(),
        "the program wrote no man page"
    );
    hides_what_is_hidden(&pages.join("completions"))?;
    Ok(pages)
}

/// `server helper` is for systemd.
fn hides_what_is_hidden(completions: &Path) -> Result<()> {
    for completion in std::fs::read_dir(completions)? {
        let path = completion?.path();
        let text = std::fs::read_to_string(&path)?;
        ensure!(text.contains("upgrade"), "{} is empty", path.display());
        ensure!(!text.contains("helper"), "{} offers it", path.display());
    }
    Ok(())
}

/// All man pages, by name.
pub fn man(pages: &Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(pages.join("man")).context("cannot list man pages")?;
    let mut found: Vec<PathBuf> = listing
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    found.sort();
    Ok(found)
}
