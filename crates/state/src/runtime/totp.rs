//! One-time-code seeds, and the last code of each.

use portlama_model::{Secret, Username};
use rusqlite::{OptionalExtension, params};

use super::Runtime;
use crate::StateError;

/// A user's one-time-code seed.
#[derive(Debug, Clone)]
pub struct TotpSecret {
    /// The seed, base32.
    pub seed: Secret,
    /// The time step of the last code accepted, counted from 1970.
    pub last_step: Option<u64>,
}

/// The one-time-code seeds of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Totp<'a>(pub(super) &'a Runtime);

impl Totp<'_> {
    /// Gives a user a seed; codes of an earlier one stop working.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set(&self, username: &Username, seed: &Secret) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO totp (username, seed, last_step) VALUES (?1, ?2, NULL)",
                [username.as_str(), seed.expose()],
            )?;
            Ok(())
        })
    }

    /// The user's seed; `None` for one who has not set up one-time codes.
    ///
    /// # Errors
    /// When the database fails.
    pub fn get(&self, username: &Username) -> Result<Option<TotpSecret>, StateError> {
        self.0.read(|db| {
            db.prepare_cached("SELECT seed, last_step FROM totp WHERE username = ?1")?
                .query_row([username.as_str()], |row| {
                    Ok(TotpSecret {
                        seed: Secret::new(row.get::<_, String>(0)?),
                        last_step: row
                            .get::<_, Option<i64>>(1)?
                            .and_then(|step| step.try_into().ok()),
                    })
                })
                .optional()
        })
    }

    /// Takes the seed away; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove(&self, username: &Username) -> Result<bool, StateError> {
        self.0.write(|tx| {
            Ok(tx.execute("DELETE FROM totp WHERE username = ?1", [username.as_str()])? > 0)
        })
    }

    /// Accepts the code of a time step if it is later than every one before (RFC 6238 §5.2).
    /// Of any number of callers with one step at most one is told `true`; the mark survives a
    /// restart and a clock that goes back.
    ///
    /// # Errors
    /// When the database fails; the code is then not accepted.
    pub fn accept_step(&self, username: &Username, step: u64) -> Result<bool, StateError> {
        let Ok(step) = i64::try_from(step) else {
            return Ok(false);
        };
        self.0.write(|tx| {
            let accepted = tx.execute(
                "UPDATE totp SET last_step = ?2
                 WHERE username = ?1 AND (last_step IS NULL OR last_step < ?2)",
                params![username.as_str(), step],
            )?;
            Ok(accepted == 1)
        })
    }
}
