//! The epoch of what was granted for a while, and copies of the database.

use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use super::{Runtime, connect, database_error};
use crate::StateError;

impl Runtime {
    /// Makes the database one of this epoch. When it was of another, sessions, enrolment tokens
    /// and the first account's secrets in it are void: it, or the rest of the state, was brought
    /// back from elsewhere. Whether it was.
    pub(crate) fn enter_epoch(&self, epoch: u64) -> Result<bool, StateError> {
        // SQLite counts with a sign; no state is restored that often.
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        let present = self.read(|db| {
            db.query_row("SELECT epoch FROM epoch", [], |row| row.get::<_, i64>(0))
                .optional()
        })?;
        if present.unwrap_or_default() == epoch {
            return Ok(false);
        }
        let removed = self.write(|tx| {
            tx.execute("DELETE FROM sessions", [])?;
            tx.execute("DELETE FROM enrollments", [])?;
            tx.execute(
                "INSERT INTO epoch (id, epoch) VALUES (1, ?1)
                 ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch",
                [epoch],
            )?;
            tx.execute("DELETE FROM first_account", [])
        })?;
        self.wipe_after(removed)?;
        Ok(true)
    }

    /// Marks every one-time code up to this step as used: what was shown before a restore opens
    /// nothing after it, whichever codes the copy knows of.
    ///
    /// # Errors
    /// When the database fails.
    pub fn use_up_codes(&self, step: u64) -> Result<(), StateError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.write(|tx| {
            tx.execute(
                "UPDATE totp SET last_step = max(coalesce(last_step, ?1), ?1)",
                params![step],
            )?;
            tx.execute(
                "UPDATE panel_code SET last_step = max(last_step, ?1)",
                params![step],
            )?;
            Ok(())
        })
    }

    /// Reads every page and every index, and says whether all is as it should be.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] with what SQLite found.
    pub fn check(&self) -> Result<(), StateError> {
        let found = self.read(|db| {
            db.query_row("PRAGMA integrity_check(1)", [], |row| {
                row.get::<_, String>(0)
            })
        })?;
        if found == "ok" {
            return Ok(());
        }
        Err(StateError::Corrupt {
            file: self.path.clone(),
            place: None,
            problem: found,
            way_back: super::WAY_BACK,
        })
    }

    /// Writes a copy of the committed data to a new file. Writers go on meanwhile; pages that
    /// hold nothing are left out.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), StateError> {
        self.sessions().flush_touches()?;
        super::make_file(path, None)?;
        let copy = || {
            let connection = connect(&self.path)?;
            connection.execute("VACUUM INTO ?1", params![path.to_string_lossy()])
        };
        let copied = copy().map_err(|error| database_error(path, error));
        copied.map(drop)
    }
}
