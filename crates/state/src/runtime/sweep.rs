//! What is over is removed.

use portlama_model::Timestamp;

use super::{ENROLLMENT_KEPT, Runtime, audit};
use crate::StateError;

/// How many rows a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Portal and host sessions, without the children that went with their parents.
    pub sessions: usize,
    /// Enrolment tokens, used or not.
    pub enrollments: usize,
    /// Lock-outs.
    pub lockouts: usize,
    /// The first account's secrets, which nobody acknowledged.
    pub first_account: usize,
    /// Audit rows beyond the shares of [`AUDIT_MAX_ROWS`](super::AUDIT_MAX_ROWS) and
    /// [`AUDIT_MAX_AGENT_ROWS`](super::AUDIT_MAX_AGENT_ROWS).
    pub audit: usize,
}

impl Runtime {
    /// Removes everything whose time is over at `now` and writes down when sessions were last
    /// seen. Call it every few minutes; being late is harmless, as nothing expired is ever
    /// accepted.
    ///
    /// # Errors
    /// When the database fails; everything is then as before.
    pub fn sweep(&self, now: Timestamp) -> Result<Swept, StateError> {
        self.sessions().flush_touches()?;
        let at = now.unix_millis();
        let swept = self.write(|tx| {
            let expired =
                |table: &str| tx.execute(&format!("DELETE FROM {table} WHERE expires <= ?1"), [at]);
            Ok(Swept {
                lockouts: expired("lockouts")?,
                sessions: expired("sessions")?,
                first_account: expired("first_account")?,
                enrollments: tx.execute(
                    "DELETE FROM enrollments WHERE created <= ?1",
                    [now.minus(ENROLLMENT_KEPT).unix_millis()],
                )?,
                audit: audit::sweep(tx)?,
            })
        })?;
        self.wipe_after(swept.first_account)?;
        Ok(swept)
    }
}
