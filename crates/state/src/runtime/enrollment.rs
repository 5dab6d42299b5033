//! Tokens that let an agent in, once.

use std::time::Duration;

use portlama_model::{AgentLabel, CapabilitySet, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Runtime, TokenHash, json, parsed, time};
use crate::StateError;

/// How long after its making a token is remembered, so that a second use is told apart from a
/// wrong token.
pub const ENROLLMENT_KEPT: Duration = Duration::from_secs(60 * 60);

/// What the bearer of an enrolment token becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The hash of the token.
    pub hash: TokenHash,
    /// The agent's name.
    pub label: AgentLabel,
    /// What it may ask of the API.
    pub capabilities: CapabilitySet,
    /// Names of the sites it may touch.
    pub allowed_sites: Vec<String>,
    /// When the token was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// What became of an attempt to use a token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Consumption {
    /// It was good, and now it is used.
    Consumed(Grant),
    /// There is no such token, or a newer one for the same label took its place.
    Unknown,
    /// It was used before.
    Used {
        /// When.
        at: Timestamp,
    },
    /// Its time is over.
    Expired,
}

/// The enrolment tokens of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Enrollments<'a>(pub(super) &'a Runtime);

impl Enrollments<'_> {
    /// Stores a token; an unused one for the same label is void from here on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn issue(&self, grant: &Grant) -> Result<(), StateError> {
        let capabilities = Vec::from(grant.capabilities.clone());
        let capabilities = serde_json::Value::from(capabilities).to_string();
        let allowed_sites = serde_json::Value::from(grant.allowed_sites.clone()).to_string();
        self.0.write(|tx| {
            tx.execute(
                "DELETE FROM enrollments WHERE label = ?1 AND used_at IS NULL",
                [grant.label.as_str()],
            )?;
            tx.execute(
                "INSERT INTO enrollments (hash, label, capabilities, allowed_sites, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    grant.hash,
                    grant.label.as_str(),
                    capabilities,
                    allowed_sites,
                    grant.created.unix_millis(),
                    grant.expires.unix_millis(),
                ],
            )?;
            Ok(())
        })
    }

    /// Uses a token up. Of any number of callers at most one is told `Consumed`; a token seen
    /// expired stays so when the clock is set back.
    ///
    /// # Errors
    /// When the database fails; the token is then not used.
    pub fn consume(&self, hash: &TokenHash, now: Timestamp) -> Result<Consumption, StateError> {
        self.0.write(|tx| {
            let found = tx
                .prepare_cached("SELECT * FROM enrollments WHERE hash = ?1")?
                .query_row([hash], |row| {
                    Ok((grant(row)?, row.get::<_, Option<i64>>("used_at")?))
                })
                .optional()?;
            match found {
                None => Ok(Consumption::Unknown),
                Some((_, Some(at))) => Ok(Consumption::Used {
                    at: Timestamp::from_unix_millis(at),
                }),
                Some((grant, None)) if grant.expires <= now => {
                    expire(tx, hash)?;
                    Ok(Consumption::Expired)
                }
                Some((grant, None)) => {
                    tx.execute(
                        "UPDATE enrollments SET used_at = ?2 WHERE hash = ?1",
                        params![hash, now.unix_millis()],
                    )?;
                    Ok(Consumption::Consumed(grant))
                }
            }
        })
    }

    /// Gives a token back that was consumed for an enrolment that then failed, unless a newer
    /// one for the same label has taken its place.
    ///
    /// # Errors
    /// When the database fails; the token is then used up.
    pub fn release(&self, hash: &TokenHash) -> Result<(), StateError> {
        self.0.write(|tx| {
            tx.execute(
                "UPDATE enrollments SET used_at = NULL WHERE hash = ?1 AND NOT EXISTS (
                     SELECT 1 FROM enrollments AS newer
                     WHERE newer.label = enrollments.label AND newer.used_at IS NULL)",
                [hash],
            )?;
            Ok(())
        })
    }

    /// Voids the unused token for a label; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn withdraw(&self, label: &AgentLabel) -> Result<bool, StateError> {
        self.0.write(|tx| {
            let removed = tx.execute(
                "DELETE FROM enrollments WHERE label = ?1 AND used_at IS NULL",
                [label.as_str()],
            )?;
            Ok(removed > 0)
        })
    }
}

fn expire(tx: &Transaction<'_>, hash: &TokenHash) -> rusqlite::Result<usize> {
    tx.execute("UPDATE enrollments SET expires = 0 WHERE hash = ?1", [hash])
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        hash: row.get("hash")?,
        label: parsed(row, "label")?,
        capabilities: json::<Vec<String>>(row, "capabilities")?.into(),
        allowed_sites: json(row, "allowed_sites")?,
        created: time(row, "created")?,
        expires: time(row, "expires")?,
    })
}
