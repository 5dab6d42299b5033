//! What the installation added to the machine, written down before it is done.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file;

/// Where the manifest stands. Root's, because root takes back what it says.
pub const MANIFEST: &str = "/var/lib/portlama/install.json";

/// What was added, and the step that is not finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manifest {
    /// The version of the program that wrote last.
    pub written_by: String,
    /// Files that were not there before.
    pub files: BTreeSet<String>,
    /// Packages that were not there before.
    pub packages: BTreeSet<String>,
    /// Rules of the firewall, as the commands that made them.
    pub firewall_rules: BTreeSet<String>,
    /// Whether the firewall was switched on.
    pub firewall_enabled: bool,
    /// Whether the user `portlama` was made.
    pub user: bool,
    /// The step that was begun last and has not ended: the next run does all of it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<String>,
}

impl Manifest {
    /// Reads it; an absent one says that nothing was added.
    pub(super) fn read() -> Result<Self, String> {
        match std::fs::read(MANIFEST) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("{MANIFEST} is broken: {error}; remove it if nothing was installed, or restore it from a backup")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("cannot read {MANIFEST}: {error}")),
        }
    }

    /// Writes it, durably.
    pub(super) fn write(&self) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        file::put(Path::new(MANIFEST), 0o600, format!("{text}\n").as_bytes())
    }
}
