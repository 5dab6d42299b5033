//! Codes that carry a sign-in from the portal to a host.

use portlama_model::{Hostname, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::session::lives;
use super::{Created, Runtime, TokenHash, parsed, time};
use crate::StateError;

/// A one-time code for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The hash of the code.
    pub hash: TokenHash,
    /// The only host it is for.
    pub host: Hostname,
    /// The hash of the nonce in the visitor's cookie at that host.
    pub nonce: TokenHash,
    /// The portal's session it stands for; the code ends with it.
    pub session: TokenHash,
    /// When it ends.
    pub expires: Timestamp,
}

/// The handover codes of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Handovers<'a>(pub(super) &'a Runtime);

impl Handovers<'_> {
    /// Stores a code, unless the portal's session has ended.
    ///
    /// # Errors
    /// When the database fails, or has this code.
    pub fn issue(&self, handover: &Handover) -> Result<Created, StateError> {
        self.0.write(|tx| {
            if !lives(tx, &handover.session)? {
                return Ok(Created::ParentEnded);
            }
            tx.execute(
                "INSERT INTO handovers (hash, host, nonce, session, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    handover.hash,
                    handover.host.as_str(),
                    handover.nonce,
                    handover.session,
                    handover.expires.unix_millis(),
                ],
            )?;
            Ok(Created::Stored)
        })
    }

    /// Takes a code out: whatever the caller finds about its host and nonce, there is no
    /// second try. `None` when it is unknown, used or expired.
    ///
    /// # Errors
    /// When the database fails.
    pub fn redeem(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Handover>, StateError> {
        let taken = self.0.write(|tx| {
            tx.prepare_cached("DELETE FROM handovers WHERE hash = ?1 RETURNING *")?
                .query_row([hash], |row| {
                    Ok(Handover {
                        hash: row.get("hash")?,
                        host: parsed(row, "host")?,
                        nonce: row.get("nonce")?,
                        session: row.get("session")?,
                        expires: time(row, "expires")?,
                    })
                })
                .optional()
        })?;
        Ok(taken.filter(|handover| now < handover.expires))
    }
}
