//! The files' part, while no server runs and none can start.

use super::units::stop_service;
use super::{Journal, Phase, Place, UpgradeError, snapshot};
use crate::install::file;

/// Does what the journal says: there, or back. What goes wrong on the way there leads back.
///
/// # Errors
/// When the way back cannot be gone; the journal stays, and the next try goes on.
pub fn swap(place: &Place) -> Result<(), UpgradeError> {
    let journal = Journal::read(place).map_err(UpgradeError::File)?;
    let Some(mut journal) = journal else {
        return Ok(());
    };
    match journal.phase {
        Phase::Forward => there(place, &mut journal).map_err(UpgradeError::File),
        Phase::Backward => back(place, &mut journal).map_err(UpgradeError::NotBack),
        Phase::Check | Phase::Returned => Ok(()),
    }
}

fn there(place: &Place, journal: &mut Journal) -> Result<(), String> {
    let replaced = stop_service()
        .and_then(|()| snapshot::make_room(place))
        .and_then(|()| {
            snapshot::make(place, &journal.snapshot)
                .map_err(|error| format!("the state cannot be copied: {error}"))
        })
        .and_then(|()| file::copy(&place.release(), &place.program, 0o755));
    match replaced {
        Ok(()) => journal.go_on(Phase::Check, place),
        // The program is replaced in one step, the last: nothing is to be brought back.
        Err(reason) => journal.go_back(Phase::Returned, reason, place),
    }
}

fn back(place: &Place, journal: &mut Journal) -> Result<(), String> {
    stop_service()?;
    snapshot::bring_back(place, &journal.snapshot)
        .map_err(|error| format!("the state cannot be brought back: {error}"))?;
    file::copy(&place.previous(), &place.program, 0o755)?;
    journal.go_on(Phase::Returned, place)
}
