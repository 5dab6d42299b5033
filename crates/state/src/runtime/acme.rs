//! What must survive a crash between this server and a public certificate authority.
//!
//! Accounts, orders and failures are kept as the texts that the client of the authority made
//! and reads back: this crate does not look into them.

use portlama_model::{Hostname, Secret, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Runtime, parsed, time};
use crate::StateError;

/// The last failed attempt at a host's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The host.
    pub host: Hostname,
    /// What went wrong, for the admin.
    pub message: String,
    /// Since when it has been failing.
    pub since: Timestamp,
    /// When the next attempt is made.
    pub next_try: Timestamp,
    /// What the client remembers of the failures in a row.
    pub failures: String,
}

/// Accounts, orders and failures of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Acme<'a>(pub(super) &'a Runtime);

impl Acme<'_> {
    /// The account at the authority of this directory.
    ///
    /// # Errors
    /// When the database fails.
    pub fn account(&self, directory: &str) -> Result<Option<Secret>, StateError> {
        self.0.read(|db| {
            db.prepare_cached("SELECT content FROM acme_accounts WHERE directory = ?1")?
                .query_row([directory], |row| row.get::<_, String>(0).map(Secret::new))
                .optional()
        })
    }

    /// Keeps the account at the authority of this directory, in place of the one before.
    ///
    /// # Errors
    /// When the database fails; the one before is then still there.
    pub fn keep_account(&self, directory: &str, account: &Secret) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO acme_accounts (directory, content) VALUES (?1, ?2)",
                [directory, account.expose()],
            )?;
            Ok(())
        })
    }

    /// The order for a host that is under way.
    ///
    /// # Errors
    /// When the database fails.
    pub fn order(&self, host: &Hostname) -> Result<Option<Secret>, StateError> {
        self.0.read(|db| {
            db.prepare_cached("SELECT content FROM acme_orders WHERE host = ?1")?
                .query_row([host.as_str()], |row| {
                    row.get::<_, String>(0).map(Secret::new)
                })
                .optional()
        })
    }

    /// Keeps the order for a host, in place of the one before.
    ///
    /// # Errors
    /// When the database fails; the one before is then still there.
    pub fn keep_order(&self, host: &Hostname, order: &Secret) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO acme_orders (host, content) VALUES (?1, ?2)",
                [host.as_str(), order.expose()],
            )?;
            Ok(())
        })
    }

    /// Every host whose last attempt failed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn failed(&self) -> Result<Vec<FailedAttempt>, StateError> {
        self.0.read(|db| {
            db.prepare_cached("SELECT * FROM acme_failures ORDER BY host")?
                .query_map([], |row| {
                    Ok(FailedAttempt {
                        host: parsed(row, "host")?,
                        message: row.get("message")?,
                        since: time(row, "since")?,
                        next_try: time(row, "next_try")?,
                        failures: row.get("failures")?,
                    })
                })?
                .collect()
        })
    }

    /// Keeps a failure in place of the one before.
    ///
    /// # Errors
    /// When the database fails; the one before is then still there.
    pub fn keep_failed(&self, failed: &FailedAttempt) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO acme_failures (host, message, since, next_try, failures)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    failed.host.as_str(),
                    failed.message,
                    failed.since.unix_millis(),
                    failed.next_try.unix_millis(),
                    failed.failures,
                ],
            )?;
            Ok(())
        })
    }

    /// Forgets the order and the failures of a host: its certificate is stored.
    ///
    /// # Errors
    /// When the database fails; they are then all still there.
    pub fn done(&self, host: &Hostname) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute("DELETE FROM acme_orders WHERE host = ?1", [host.as_str()])?;
            tx.execute("DELETE FROM acme_failures WHERE host = ?1", [host.as_str()])?;
            Ok(())
        })
    }
}
