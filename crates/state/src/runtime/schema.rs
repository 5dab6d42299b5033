//! The tables and how they come to be.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::database_error;
use crate::StateError;

/// The way from each schema to the next; `PRAGMA user_version` counts the steps taken.
/// Steps are added at the end and never changed.
const STEPS: &[&str] = &[
    "
CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,
    parent     BLOB REFERENCES sessions (hash) ON DELETE CASCADE,
    host       TEXT,
    username   TEXT NOT NULL,
    level      INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    CHECK ((parent IS NULL) = (host IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_parent ON sessions (parent);
CREATE INDEX sessions_by_username ON sessions (username);

CREATE TABLE enrollments (
    hash          BLOB PRIMARY KEY,
    label         TEXT NOT NULL,
    capabilities  TEXT NOT NULL,
    allowed_sites TEXT NOT NULL,
    created       INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    used_at       INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE totp (
    username   TEXT PRIMARY KEY,
    seed       TEXT NOT NULL,
    last_step  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE lockouts (
    key      TEXT PRIMARY KEY,
    value    TEXT NOT NULL,
    expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    identity  TEXT NOT NULL,
    action    TEXT NOT NULL,
    target    TEXT NOT NULL,
    before    TEXT,
    after     TEXT
) STRICT;
",
    "
CREATE TABLE acme_accounts (
    directory  TEXT PRIMARY KEY,
    content    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE acme_orders (
    host     TEXT PRIMARY KEY,
    content  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE acme_failures (
    host      TEXT PRIMARY KEY,
    message   TEXT NOT NULL,
    since     INTEGER NOT NULL,
    next_try  INTEGER NOT NULL,
    failures  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
",
    "
CREATE TABLE panel_code (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    seed_hash  BLOB NOT NULL,
    last_step  INTEGER NOT NULL
) STRICT;
",
    // The shares of the audit are counted per identity every few minutes; this is all they read.
    "
CREATE INDEX audit_by_identity ON audit (identity, action, id);
",
    "
CREATE TABLE first_account (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    password  TEXT,
    totp_uri  TEXT,
    expires   INTEGER NOT NULL
) STRICT;
",
    "
CREATE TABLE epoch (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    epoch  INTEGER NOT NULL
) STRICT;
",
];

/// Refuses a database of a newer version before anything is written to it.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StateError> {
    let found = version(connection).map_err(|error| database_error(path, error))?;
    if found > STEPS.len() {
        let (needs, reads) = (found as u32, STEPS.len() as u32);
        return Err(StateError::NewerFormat {
            path: path.to_owned(),
            needs,
            reads,
        });
    }
    Ok(())
}

/// Makes every commit durable before it returns.
pub(super) fn configure_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On a Mac, fsync alone leaves the data in the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A seed that was replaced does not stay readable in free pages.
    connection.pragma_update(None, "secure_delete", true)
}

/// Brings everything in the write-ahead log into the database and cuts the log to nothing; false
/// when somebody else reads from it for longer than `BUSY_TIMEOUT`.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        Ok(row.get::<_, i64>(0)? == 0)
    })
}

pub(super) fn configure_reader(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", true)
}

/// Takes the steps that are missing, each in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let done = version(connection)?;
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative number is nobody's version: too new to touch.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}
