//! Where an upgrade finds and leaves its files.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::install::{PROGRAM, STATE_DIR};

/// Where states lie as they were before upgrades.
pub(crate) const SNAPSHOTS: &str = "/var/lib/portlama/snapshots";

/// Paths of one machine.
#[derive(Debug, Clone)]
pub struct Place {
    /// The installed program.
    pub program: PathBuf,
    /// The state directory, which is the server's.
    pub state: PathBuf,
    /// What is under way. Root's alone.
    pub work: PathBuf,
    /// States as they were before upgrades. Root's alone.
    pub snapshots: PathBuf,
}

impl Place {
    /// Where the installation puts everything.
    #[must_use]
    pub fn installed() -> Self {
        Self {
            program: PROGRAM.into(),
            state: STATE_DIR.into(),
            work: "/var/lib/portlama/upgrade".into(),
            snapshots: SNAPSHOTS.into(),
        }
    }

    /// Makes the folders that are root's alone.
    pub(super) fn make(&self) -> Result<(), String> {
        for folder in [&self.work, &self.snapshots] {
            closed_folder(folder)?;
        }
        Ok(())
    }

    /// The release that root has taken.
    pub(super) fn release(&self) -> PathBuf {
        self.work.join("release")
    }

    /// The folder where the server leaves a release that it has fetched. Nothing there is
    /// believed, and the folder itself may be another, or a link.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.state.join("upgrade")
    }

    /// The folder where a release is fetched by root.
    #[must_use]
    pub fn fetched(&self) -> PathBuf {
        self.work.join("fetched")
    }

    pub(super) fn request(&self) -> PathBuf {
        self.work.join("request.json")
    }

    /// The program as it was, by which an upgrade that was cut short is ended.
    pub(super) fn previous(&self) -> PathBuf {
        self.work.join("previous")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.work.join("journal.json")
    }

    /// How the last upgrade ended. The server may read it, because the panel shows it.
    #[must_use]
    pub fn outcome(&self) -> PathBuf {
        self.work.with_file_name("last-upgrade.json")
    }

    /// What the present one says, a JSON document a line.
    #[must_use]
    pub fn progress(&self) -> PathBuf {
        self.work.join("progress")
    }
}

/// Makes a folder that nobody else may look into.
pub(super) fn closed_folder(path: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    let closed = made.and_then(|()| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
    });
    closed.map_err(|error| format!("cannot make {}: {error}", path.display()))
}
