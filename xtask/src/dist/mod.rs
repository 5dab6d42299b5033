//! `cargo xtask dist`: what is given to people, in `dist` below the target folder.
//!
//! | file | what |
//! |---|---|
//! | `portlama-<version>-<target>` | the program, also what `portlama server upgrade` takes |
//! | `….minisig` | its signature, with `--sign` |
//! | `portlama-<version>-<target>.tar.gz` | program, install script, man pages, completions, notices |
//! | `portlama_<version>_<architecture>.deb` | the same for apt |
//! | `licences.txt` | notices of everything that is in the program |
//! | `SHA256SUMS`, `SHA256SUMS.minisig` | of all of them |

mod archive;
mod deb;
mod keys;
mod licences;
mod pages;
mod reproducible;
mod size;
mod test;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::shell::{output, root, run as run_program};
use crate::{demo, tools};

pub use keys::Signer;
pub use reproducible::environment;
pub use size::link_arguments;
pub use test::test;

/// What the stripped program is to have at most, octets: it is copied to small machines and
/// fetched by slow ones.
const GOAL_PROGRAM_BYTES: u64 = 25 * 1000 * 1000;
/// The most that it may have, octets: a tenth above what it has, so that it does not grow unseen
/// on its way down to the goal.
const MAX_PROGRAM_BYTES: u64 = 30 * 1000 * 1000;

/// What to make.
#[derive(clap::Args)]
pub struct Options {
    /// Make the two key pairs by which releases are known, and nothing else.
    #[arg(long)]
    new_keys: bool,
    /// Sign the program and the checksums; asks for the key's passphrase.
    #[arg(long)]
    sign: bool,
    /// The secret key, if it is not where `--new-keys` put it.
    #[arg(long, value_name = "FILE", requires = "sign")]
    key: Option<PathBuf>,
}

/// What is made, and by which commit.
pub struct Release {
    version: String,
    program: PathBuf,
    folder: PathBuf,
}

/// Makes everything that is given to people.
pub fn run(options: &Options) -> Result<()> {
    if options.new_keys {
        return keys::make();
    }
    // Asked for before a build that takes minutes.
    let signer = match options.sign {
        true => Some(Signer::ask(options.key.as_deref())?),
        false => None,
    };
    let release = make(signer.as_ref())?;
    let list = output(Command::new("ls").arg("-l").arg(&release.folder))?;
    println!("{}\n{}", release.folder.display(), list.trim_end());
    if signer.is_none() {
        println!("not signed: nobody's `portlama server upgrade` takes it (--sign)");
    }
    Ok(())
}

/// Builds and packs; `signer` signs.
fn make(signer: Option<&Signer>) -> Result<Release> {
    tools::ensure(tools::FOR_DIST)?;
    // Said before a build that takes minutes.
    reproducible::epoch()?;
    let release = Release::build(demo::build_release()?)?;
    let pages = pages::write(&release.folder)?;
    let notices = licences::write(&release.folder)?;
    if let Some(signer) = signer {
        signer.sign(&release.program, &release.claim()?)?;
    }
    let archive = archive::pack(&release, &pages, &notices, signer)?;
    let package = deb::pack(&release, &pages, &notices)?;
    fs::remove_dir_all(&pages).context("cannot remove a working folder")?;
    release.sum(&[&release.program, &archive, &package, &notices], signer)?;
    Ok(release)
}

impl Release {
    /// An empty folder with the program under its name.
    fn build(binary: PathBuf) -> Result<Self> {
        let folder = demo::target_directory()?.join("dist");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let said = output(Command::new(&binary).arg("--version"))?;
        let version = said.trim().strip_prefix("portlama ");
        let version = version.with_context(|| format!("{said:?} is no version"))?;
        let program = folder.join(format!("portlama-{version}-{}", target()));
        fs::copy(&binary, &program).context("cannot copy the program")?;
        let size = fs::metadata(&program)?.len();
        let goal = match size <= GOAL_PROGRAM_BYTES {
            true => "met",
            false => "not met",
        };
        println!(
            "the program has {:.1} MB (goal: at most {}, {goal})",
            size as f64 / 1e6,
            GOAL_PROGRAM_BYTES / 1_000_000
        );
        ensure!(
            size <= MAX_PROGRAM_BYTES,
            "the program has {size} octets, more than {MAX_PROGRAM_BYTES}"
        );
        Ok(Self {
            version: version.to_owned(),
            program,
            folder,
        })
    }

    fn name(&self) -> String {
        format!("portlama-{}-{}", self.version, target())
    }

    /// What is signed with the program; `portlama server upgrade` reads it.
    fn claim(&self) -> Result<String> {
        let sha256 = sha256(&self.program)?;
        let (version, target) = (&self.version, target());
        Ok(format!(
            "portlama version={version} target={target} sha256={sha256}"
        ))
    }

    fn sum(&self, files: &[&Path], signer: Option<&Signer>) -> Result<()> {
        let sums = self.folder.join("SHA256SUMS");
        write_sums(&sums, files)?;
        match signer {
            // Not the form of a program's comment: it is no program.
            Some(signer) => signer.sign(
                &sums,
                &format!("portlama-checksums version={}", self.version),
            ),
            None => Ok(()),
        }
    }
}

/// What this machine builds for, as releases name it (`portlama_host::release::TARGET`).
fn target() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// As sha256sum(1) writes and checks it.
fn write_sums(sums: &Path, files: &[&Path]) -> Result<()> {
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().context("a file has a name")?;
        lines += &format!("{}  {}\n", sha256(file)?, name.to_string_lossy());
    }
    fs::write(sums, lines).with_context(|| format!("cannot write {}", sums.display()))
}

fn sha256(file: &Path) -> Result<String> {
    let said = output(Command::new("sha256sum").arg("--").arg(file))?;
    match said.split_whitespace().next() {
        Some(digest) if digest.len() == 64 => Ok(digest.to_owned()),
        _ => bail!("sha256sum says {said:?}"),
    }
}

/// A file of `packaging`.
fn packaging(name: &str) -> PathBuf {
    root().join("packaging").join(name)
}

/// Copies a file to a place below `tree`, with a mode.
fn place(from: &Path, tree: &Path, to: &str, mode: u32) -> Result<PathBuf> {
    let to = tree.join(to);
    run_program(
        Command::new("install")
            .args(["-D", "-m", &format!("{mode:o}"), "--"])
            .args([from, &to]),
    )?;
    Ok(to)
}
