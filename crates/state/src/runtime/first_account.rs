//! What the admin is shown once at the end of the first set-up, until they say that they have it.

use std::sync::atomic::Ordering;

use portlama_model::{Secret, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Runtime, time};
use crate::StateError;

/// The first account's secrets. They are the one secret kept as it is, because nothing else can
/// be shown again after a crash; they go when they are acknowledged or their time is over.
#[derive(Debug, Clone)]
pub struct FirstSecrets {
    /// The password.
    pub password: Option<Secret>,
    /// What an authenticator app takes.
    pub totp_uri: Option<Secret>,
    /// When they go, read or not.
    pub until: Timestamp,
}

/// The first account's secrets in a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct FirstAccount<'a>(pub(super) &'a Runtime);

impl FirstAccount<'_> {
    /// Keeps the secrets, in the place of those that were kept before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep(&self, secrets: &FirstSecrets) -> Result<(), StateError> {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
        self.0.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO first_account (id, password, totp_uri, expires)
                 VALUES (1, ?1, ?2, ?3)",
                params![
                    text(&secrets.password),
                    text(&secrets.totp_uri),
                    secrets.until.unix_millis()
                ],
            )?;
            Ok(())
        })
    }

    /// What is kept, also when its time is over.
    ///
    /// # Errors
    /// When the database fails.
    pub fn get(&self) -> Result<Option<FirstSecrets>, StateError> {
        self.0.read(|db| {
            db.prepare_cached("SELECT password, totp_uri, expires FROM first_account")?
                .query_row([], |row| {
                    let secret = |column: &str| {
                        let text = row.get::<_, Option<String>>(column)?;
                        Ok::<_, rusqlite::Error>(text.map(Secret::new))
                    };
                    Ok(FirstSecrets {
                        password: secret("password")?,
                        totp_uri: secret("totp_uri")?,
                        until: time(row, "expires")?,
                    })
                })
                .optional()
        })
    }

    /// Removes the secrets, from the files as well.
    ///
    /// # Errors
    /// When the database fails; they are then still there.
    pub fn forget(&self) -> Result<(), StateError> {
        let removed = self
            .0
            .write(|tx| tx.execute("DELETE FROM first_account", []))?;
        self.0.wipe_after(removed)
    }
}

impl Runtime {
    /// Empties the write-ahead log when secrets were `removed`: their page is overwritten with
    /// zeros (`secure_delete`), but the log still holds the page as it was. Where another
    /// program is reading the log stays, and the next sweep or start empties it.
    pub(super) fn wipe_after(&self, removed: usize) -> Result<(), StateError> {
        if removed > 0 {
            self.log_holds_secrets.store(true, Ordering::Relaxed);
        }
        if !self.log_holds_secrets.load(Ordering::Relaxed) {
            return Ok(());
        }
        let reader = self.reader.lock();
        let emptied = super::schema::empty_log(&self.writer.lock());
        drop(reader);
        if emptied.map_err(|error| super::database_error(&self.path, error))? {
            self.log_holds_secrets.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}
