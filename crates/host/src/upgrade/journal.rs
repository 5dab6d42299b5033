//! What is under way, durable before it is done.

use std::io::ErrorKind;

use portlama_model::ReleaseVersion;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::install::file;

/// How far the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The previous program is kept. State and programs are the previous ones until this ends.
    Forward,
    /// The new program is in place, the state of before in the snapshot.
    Check,
    /// State and program of before are to be brought back.
    Backward,
    /// They are back, or were never gone.
    Returned,
}

/// The whole way of one upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// How far it is.
    pub phase: Phase,
    /// The version before.
    pub from: ReleaseVersion,
    /// The version that was asked for.
    pub to: ReleaseVersion,
    /// The snapshot's name.
    pub snapshot: String,
    /// Why it goes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Journal {
    /// Reads it; `None` when nothing is under way.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(place: &Place) -> Result<Option<Self>, String> {
        let path = place.journal();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| format!("{} is broken: {error}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Writes it, durably.
    pub(super) fn write(&self, place: &Place) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        file::put(&place.journal(), 0o600, format!("{text}\n").as_bytes())
    }

    pub(super) fn go_on(&mut self, phase: Phase, place: &Place) -> Result<(), String> {
        self.phase = phase;
        self.write(place)
    }

    /// Turns round.
    pub(super) fn go_back(
        &mut self,
        phase: Phase,
        reason: String,
        place: &Place,
    ) -> Result<(), String> {
        self.reason.get_or_insert(reason);
        self.go_on(phase, place)
    }

    /// Says that nothing is under way any more.
    pub(super) fn forget(place: &Place) -> Result<(), String> {
        let path = place.journal();
        std::fs::remove_file(&path)
            .and_then(|()| std::fs::File::open(&place.work)?.sync_all())
            .map_err(|error| format!("cannot remove {}: {error}", path.display()))
    }
}
