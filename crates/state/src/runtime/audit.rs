//! Who changed what.

use portlama_model::Timestamp;
use rusqlite::{Row, Transaction, params};
use serde_json::Value;

use super::{Runtime, time};
use crate::StateError;

/// How many rows are kept of the admin, the server, people and enrolments: about 50 MB, years of
/// an admin's work on a 10 GB disk. What agents do takes none of this room.
pub const AUDIT_MAX_ROWS: u32 = 100_000;

/// How many rows are kept of what one agent does, beside its enrolments: a month of a deployment
/// every five minutes. An agent that writes more pushes out its own rows and nobody else's.
pub const AUDIT_MAX_AGENT_ROWS: u32 = 10_000;

/// How many rows are kept of all agents together: about 50 MB.
pub const AUDIT_MAX_AGENTS_ROWS: u32 = 100_000;

/// Which rows are what agents do, as SQL. An enrolment stands under the agent's name, but the
/// admin allowed it by a token, so it is kept with the admin's rows.
const OF_AGENTS: &str = "identity >= 'agent:' AND identity < 'agent;' AND action <> 'agent.enroll'";

/// The most rows of one page.
pub const AUDIT_PAGE_ROWS: u32 = 500;

/// A change to be written down. It holds no secrets: callers leave them out.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: `admin`, `agent:<label>`, `user:<name>`, `server` where the server acts by itself, and
    /// `local` for whoever works on the state directory.
    pub identity: String,
    /// What was done, such as `tunnel.create`.
    pub action: String,
    /// To what, such as the tunnel's host name.
    pub target: String,
    /// The thing before; absent when it was made.
    pub before: Option<Value>,
    /// The thing after; absent when it was removed.
    pub after: Option<Value>,
}

/// A change that was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Grows with every row and is never used twice.
    pub id: i64,
    /// The change.
    pub entry: AuditEntry,
}

/// Which rows are wanted; an absent member wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Rows of this identity.
    pub identity: Option<String>,
    /// Rows of this action, or of all actions of this thing: `tunnel` finds `tunnel.create`.
    pub action: Option<String>,
    /// Rows about this target.
    pub target: Option<String>,
}

/// The audit of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a>(pub(super) &'a Runtime);

impl Audit<'_> {
    /// Writes a change down; durable when this returns. The answer is the row's id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn append(&self, entry: &AuditEntry) -> Result<i64, StateError> {
        self.0.write(|tx| {
            tx.execute(
                "INSERT INTO audit (at, identity, action, target, before, after)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    entry.at.unix_millis(),
                    entry.identity,
                    entry.action,
                    entry.target,
                    entry.before.as_ref().map(Value::to_string),
                    entry.after.as_ref().map(Value::to_string),
                ],
            )?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// The newest rows that `filter` lets through, or those older than the row `before`; at
    /// most `limit` and [`AUDIT_PAGE_ROWS`], newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn page(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StateError> {
        self.0.read(|db| {
            db.prepare_cached(
                "SELECT * FROM audit
                 WHERE id < ?1
                   AND (?3 IS NULL OR identity = ?3)
                   AND (?4 IS NULL OR action = ?4 OR substr(action, 1, length(?4) + 1) = ?4 || '.')
                   AND (?5 IS NULL OR target = ?5)
                 ORDER BY id DESC LIMIT ?2",
            )?
            .query_map(
                params![
                    before.unwrap_or(i64::MAX),
                    limit.min(AUDIT_PAGE_ROWS),
                    filter.identity,
                    filter.action,
                    filter.target,
                ],
                audit_row,
            )?
            .collect()
        })
    }
}

/// Removes the oldest rows beyond each share. The answer is how many. Where nothing is beyond, as
/// nearly always, only the index is read.
pub(super) fn sweep(tx: &Transaction<'_>) -> rusqlite::Result<usize> {
    let mut removed = 0;
    for (agent, rows) in rows_by_agent(tx)? {
        let beyond = rows.saturating_sub(AUDIT_MAX_AGENT_ROWS);
        removed += remove_oldest(tx, OF_AGENTS, Some(&agent), beyond)?;
    }
    let others = format!("NOT ({OF_AGENTS})");
    for (share, most) in [
        (OF_AGENTS, AUDIT_MAX_AGENTS_ROWS),
        (&*others, AUDIT_MAX_ROWS),
    ] {
        let count = format!("SELECT count(*) FROM audit WHERE {share}");
        let rows: u32 = tx.query_row(&count, [], |row| row.get(0))?;
        removed += remove_oldest(tx, share, None, rows.saturating_sub(most))?;
    }
    Ok(removed)
}

fn rows_by_agent(tx: &Transaction<'_>) -> rusqlite::Result<Vec<(String, u32)>> {
    tx.prepare(&format!(
        "SELECT identity, count(*) FROM audit WHERE {OF_AGENTS} GROUP BY identity"
    ))?
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// Removes the oldest rows of `share`, or of one identity in it.
fn remove_oldest(
    tx: &Transaction<'_>,
    share: &str,
    identity: Option<&str>,
    rows: u32,
) -> rusqlite::Result<usize> {
    if rows == 0 {
        return Ok(0);
    }
    tx.execute(
        &format!(
            "DELETE FROM audit WHERE id IN (
                 SELECT id FROM audit WHERE {share} AND (?1 IS NULL OR identity = ?1)
                 ORDER BY id LIMIT ?2)"
        ),
        params![identity, rows],
    )
}

fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let value = |column: &str| match row.get::<_, Option<String>>(column)? {
        None => Ok(None),
        Some(_) => super::json(row, column).map(Some),
    };
    Ok(AuditRow {
        id: row.get("id")?,
        entry: AuditEntry {
            at: time(row, "at")?,
            identity: row.get("identity")?,
            action: row.get("action")?,
            target: row.get("target")?,
            before: value("before")?,
            after: value("after")?,
        },
    })
}
