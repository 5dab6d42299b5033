//! Where a demo lives on disk.
//!
//! `server/` is a state directory, `agent/` an agent's home, `*.log` what the two processes
//! write, and `demo.json` (0600) what is needed to show the same demo again. It is written
//! last: a directory without it is half-finished.

use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::account::Account;

const KEPT: &str = "demo.json";

/// A demo's directory, taken by this process.
pub(crate) struct Place {
    root: PathBuf,
    kept: Option<Kept>,
    // Held while the demo runs, so that a second one is refused.
    _lock: std::fs::File,
    // Removes a temporary directory at the end.
    _temporary: Option<tempfile::TempDir>,
}

/// What a demo needs to come back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    pub(crate) https_port: u16,
    pub(crate) panel_port: u16,
    pub(crate) origin_port: u16,
    #[serde(flatten)]
    pub(crate) account: Account,
}

impl Place {
    /// Takes a directory, or a new temporary one.
    pub(crate) fn take(wanted: Option<PathBuf>) -> Result<Self> {
        let (root, temporary) = match wanted {
            Some(root) => (root, None),
            None => {
                let folder = tempfile::Builder::new().prefix("portlama-demo-").tempdir();
                let folder = folder.context("cannot make a temporary directory")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&root)
            .with_context(|| format!("cannot make {}", root.display()))?;
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot use {}", root.display()))?;
        let lock = lock(&root)?;
        let kept = read_kept(&root)?;
        Ok(Self {
            root,
            kept,
            _lock: lock,
            _temporary: temporary,
        })
    }

    /// What an earlier demo left to go on with.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// The whole directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The server's state directory.
    pub(crate) fn server(&self) -> PathBuf {
        self.root.join("server")
    }

    /// The agent's home.
    pub(crate) fn agent(&self) -> PathBuf {
        self.root.join("agent")
    }

    /// A file of the server's authority.
    pub(crate) fn pki(&self, name: &str) -> PathBuf {
        self.server().join("pki").join(name)
    }

    /// What a part writes about itself.
    pub(crate) fn log(&self, part: &str) -> PathBuf {
        self.root.join(format!("{part}.log"))
    }

    /// Writes down what is needed to come back.
    pub(crate) fn keep(
        &self,
        account: &Account,
        https_port: u16,
        panel_port: u16,
        origin_port: u16,
    ) -> Result<()> {
        let kept = Kept {
            https_port,
            panel_port,
            origin_port,
            account: account.clone(),
        };
        let text = serde_json::to_vec_pretty(&kept)?;
        let path = self.root.join(KEPT);
        let mut file = tempfile::NamedTempFile::new_in(&self.root)
            .with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(&text)
            .and_then(|()| file.as_file().sync_all())
            .with_context(|| format!("cannot write {}", path.display()))?;
        file.persist(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }
}

fn lock(root: &Path) -> Result<std::fs::File> {
    let path = root.join("demo.lock");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write in {}", root.display()))?;
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "another demo runs in {}: stop it, or choose another directory",
            root.display()
        );
    }
    Ok(file)
}

fn read_kept(root: &Path) -> Result<Option<Kept>> {
    let path = root.join(KEPT);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return if is_untouched(root)? {
                Ok(None)
            } else {
                bail!(
                    "{} holds something else or a half-finished demo: remove it, or choose another directory",
                    root.display()
                )
            };
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    serde_json::from_slice(&text).map(Some).with_context(|| {
        format!(
            "{} is broken: remove {}, or choose another directory",
            path.display(),
            root.display()
        )
    })
}

fn is_untouched(root: &Path) -> Result<bool> {
    let mut entries =
        std::fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))?;
    Ok(entries.all(|entry| entry.is_ok_and(|e| e.file_name() == "demo.lock")))
}

/// The loopback addresses this machine has.
pub(crate) fn loopback_addresses() -> Vec<IpAddr> {
    ["127.0.0.1", "::1"]
        .iter()
        .filter_map(|text| text.parse().ok())
        .filter(|address: &IpAddr| std::net::UdpSocket::bind((*address, 0)).is_ok())
        .collect()
}
