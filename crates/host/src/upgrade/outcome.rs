//! What is said meanwhile, and what stays to be read at the end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use portlama_model::ReleaseVersion;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::install::file;

/// A part of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The release is copied to root's place and verified.
    Verify,
    /// The server is stopped, its state copied, its program replaced. Connections wait.
    Replace,
    /// The new version is watched.
    Check,
    /// State and program of before are brought back.
    Undo,
    /// The previous version is watched.
    CheckPrevious,
}

impl Step {
    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Verify => "Verify the release",
            Self::Replace => "Copy the state, replace the program",
            Self::Check => "Watch the new version",
            Self::Undo => "Bring the previous version and its state back",
            Self::CheckPrevious => "Watch the previous version",
        }
    }
}

/// Where the present upgrade says how far it is.
pub struct Progress(std::path::PathBuf);

impl Progress {
    /// A clean slate.
    pub(super) fn begin(place: &Place) -> Self {
        let _ = std::fs::remove_file(place.progress());
        Self::go_on(place)
    }

    pub(super) fn go_on(place: &Place) -> Self {
        Self(place.progress())
    }

    /// Says that a step begins. A disk that is full ends nothing.
    pub(super) fn say(&self, step: Step) {
        let line = serde_json::json!({ "event": "step", "step": step, "status": "running" });
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.0);
        let _ = opened.and_then(|mut file| writeln!(file, "{line}"));
    }
}

/// How an upgrade ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether the new version serves.
    pub upgraded: bool,
    /// The version before; absent when it was refused before it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ReleaseVersion>,
    /// The version that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<ReleaseVersion>,
    /// Why the new version does not serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the state of before lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

impl Outcome {
    /// Reads that of the last upgrade; `None` when there was none.
    #[must_use]
    pub fn read(place: &Place) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(place.outcome()).ok()?).ok()
    }

    pub(super) fn write(&self, place: &Place) -> Result<(), String> {
        let text = serde_json::to_string(self).map_err(|error| error.to_string())?;
        let path = place.outcome();
        file::put(&path, 0o644, format!("{text}\n").as_bytes())?;
        // Whatever the umask was when the folder was made: nothing in it that is root's alone can
        // be read for that.
        let folder = path.parent().unwrap_or(&place.work);
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
            .map_err(|error| format!("cannot open {}: {error}", folder.display()))
    }
}
