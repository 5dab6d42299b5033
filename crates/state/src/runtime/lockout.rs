//! Who has to wait after wrong passwords and codes.

use portlama_model::Timestamp;
use rusqlite::params;
use serde_json::Value;

use super::{Runtime, json, time};
use crate::StateError;

/// What `auth` remembers about one key. The content is opaque here.
#[derive(Debug, Clone, PartialEq)]
pub struct Lockout {
    /// Whom it is about, such as a user and an address.
    pub key: String,
    /// The counters.
    pub value: Value,
    /// From when on it may be forgotten.
    pub expires: Timestamp,
}

/// The lock-outs of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Lockouts<'a>(pub(super) &'a Runtime);

impl Lockouts<'_> {
    /// Stores a lock-out in place of the one of the same key.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put(&self, lockout: &Lockout) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO lockouts (key, value, expires) VALUES (?1, ?2, ?3)",
                params![
                    lockout.key,
                    lockout.value.to_string(),
                    lockout.expires.unix_millis()
                ],
            )?;
            Ok(())
        })
    }

    /// All lock-outs, as they are loaded at the start, in order of their keys.
    ///
    /// # Errors
    /// When the database fails.
    pub fn all(&self) -> Result<Vec<Lockout>, StateError> {
        self.0.read(|db| {
            db.prepare_cached("SELECT * FROM lockouts ORDER BY key")?
                .query_map([], |row| {
                    Ok(Lockout {
                        key: row.get("key")?,
                        value: json(row, "value")?,
                        expires: time(row, "expires")?,
                    })
                })?
                .collect()
        })
    }
}
