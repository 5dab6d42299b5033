//! The last one-time code with which the admin signed in to the panel.

use rusqlite::params;

use super::{Runtime, TokenHash};
use crate::StateError;

/// The replay mark of the panel's one-time codes. The seed itself stands in `panel.json`.
#[derive(Debug, Clone, Copy)]
pub struct PanelCodes<'a>(pub(super) &'a Runtime);

impl PanelCodes<'_> {
    /// Accepts the code of a time step if it is later than every one before of the same seed
    /// (RFC 6238 §5.2). Of any number of callers with one step at most one is told `true`; the
    /// mark survives a restart and a clock that goes back.
    ///
    /// # Errors
    /// When the database fails; the code is then not accepted.
    pub fn accept_step(&self, seed: &TokenHash, step: u64) -> Result<bool, StateError> {
        let Ok(step) = i64::try_from(step) else {
            return Ok(false);
        };
        self.0.write(|tx| {
            let accepted = tx.execute(
                "INSERT INTO panel_code (id, seed_hash, last_step) VALUES (1, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE
                 SET seed_hash = excluded.seed_hash, last_step = excluded.last_step
                 WHERE seed_hash <> excluded.seed_hash OR last_step < excluded.last_step",
                params![seed, step],
            )?;
            Ok(accepted == 1)
        })
    }
}
