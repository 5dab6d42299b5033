//! What locks and opens a backup, as the operator gives it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use portlama_backup::{Key, Lock};
use portlama_model::Secret;

/// The longest file with a passphrase, octets.
const MAX_PASSPHRASE_FILE_BYTES: u64 = 4096;

/// The lock of a new backup: recipients, else the passphrase in a file, else one that is asked
/// for twice.
pub(super) fn lock(recipients: &[String], passphrase_file: Option<&Path>) -> Result<Lock> {
    if !recipients.is_empty() {
        return Ok(Lock::recipients(recipients.iter().map(String::as_str))?);
    }
    let passphrase = match passphrase_file {
        Some(file) => read(file)?,
        None => {
            let first = ask("Passphrase of the backup: ")?;
            let second = ask("The same again: ")?;
            ensure!(
                first.expose() == second.expose(),
                "the two passphrases differ: nothing was written"
            );
            first
        }
    };
    Ok(Lock::passphrase(passphrase)?)
}

/// What opens a backup: a file with keys, else the passphrase.
pub(super) fn key(identity: Option<&Path>, passphrase_file: Option<&Path>) -> Result<Key> {
    if let Some(path) = identity {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Ok(Key::from_file(file)?);
    }
    Ok(Key::Passphrase(match passphrase_file {
        Some(file) => read(file)?,
        None => ask("Passphrase of the backup: ")?,
    }))
}

fn ask(prompt: &str) -> Result<Secret> {
    let typed = rpassword::prompt_password(prompt).context(
        "there is no terminal to ask for the passphrase on: give it with `--passphrase-file`",
    )?;
    Ok(Secret::new(typed))
}

fn read(path: &Path) -> Result<Secret> {
    let show = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let file = File::open(path).with_context(show)?;
    let mut bounded = file.take(MAX_PASSPHRASE_FILE_BYTES);
    bounded.read_to_string(&mut text).with_context(show)?;
    let passphrase = Secret::new(text.trim_end_matches(['\r', '\n']));
    ensure!(
        !passphrase.expose().is_empty(),
        "{} is empty",
        path.display()
    );
    Ok(passphrase)
}

/// How a backup is opened.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    /// The file with the key of a recipient, as `age-keygen` made it.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub(super) identity: Option<PathBuf>,
    /// A file with the passphrase, for scripts; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
}
