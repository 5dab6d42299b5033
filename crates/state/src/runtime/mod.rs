//! `runtime.db`: what changes with use and must survive a restart.
//!
//! Sessions, tokens and codes are stored as hashes, times as milliseconds since 1970. One
//! connection writes, one reads, so that reading never waits for a write to reach the disk.

mod acme;
mod audit;
mod enrollment;
mod epoch;
mod first_account;
mod hash;
mod lockout;
mod panel_code;
mod schema;
mod session;
mod sweep;
mod totp;

use std::collections::HashMap;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use portlama_model::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, TransactionBehavior};

pub use acme::{Acme, FailedAttempt};
pub use audit::{
    AUDIT_MAX_AGENT_ROWS, AUDIT_MAX_AGENTS_ROWS, AUDIT_MAX_ROWS, AUDIT_PAGE_ROWS, Audit,
    AuditEntry, AuditFilter, AuditRow,
};
pub use enrollment::{Consumption, ENROLLMENT_KEPT, Enrollments, Grant};
pub use first_account::{FirstAccount, FirstSecrets};
pub use hash::TokenHash;
pub use lockout::{Lockout, Lockouts};
pub use panel_code::PanelCodes;
pub use session::{Created, Level, Session, SessionKind, Sessions, TOUCH_FLUSH_INTERVAL};
pub use sweep::Swept;
pub use totp::{Totp, TotpSecret};

use crate::StateError;
use crate::dir::StateDir;
use crate::error::OnFile;

/// How long a statement waits for another process that reads the database (a person with
/// `sqlite3`, a backup) before it fails.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a person can do about a broken database.
const WAY_BACK: &str = "bring it back from a backup; without `runtime.db` Portlama starts with nobody signed in, and users need a new one-time-code set-up";

/// The runtime database.
///
/// A write is durable when its call returns (WAL with `synchronous=FULL`), except
/// [`Sessions::touch`]. Calls block for as long as the disk takes: use `spawn_blocking`.
pub struct Runtime {
    path: PathBuf,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// When sessions were last seen, until they are written together.
    touched: Mutex<HashMap<TokenHash, Timestamp>>,
    /// Secrets were removed, and the write-ahead log may still hold them.
    log_holds_secrets: AtomicBool,
}

impl Runtime {
    /// Opens the database of `dir`, made if it is missing, and brings its schema forward.
    pub(crate) fn open(dir: &StateDir) -> Result<Self, StateError> {
        let path = dir.database_path();
        make_file(&path, dir.foreign_owner()?)?;
        let fault = |error| database_error(&path, error);
        let mut writer = connect(&path).map_err(fault)?;
        schema::check(&writer, &path)?;
        schema::configure_writer(&writer).map_err(fault)?;
        schema::migrate(&mut writer).map_err(fault)?;
        // A crash can leave a log that still holds what was removed.
        let log_is_empty = schema::empty_log(&writer).map_err(fault)?;
        let reader = connect(&path).map_err(fault)?;
        schema::configure_reader(&reader).map_err(fault)?;
        Ok(Self {
            path,
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            touched: Mutex::default(),
            log_holds_secrets: AtomicBool::new(!log_is_empty),
        })
    }

    /// Signed-in people.
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Tokens that let an agent in, once.
    #[must_use]
    pub fn enrollments(&self) -> Enrollments<'_> {
        Enrollments(self)
    }

    /// One-time-code seeds and the last code of each.
    #[must_use]
    pub fn totp(&self) -> Totp<'_> {
        Totp(self)
    }

    /// The last one-time code of the admin.
    #[must_use]
    pub fn panel_codes(&self) -> PanelCodes<'_> {
        PanelCodes(self)
    }

    /// The first account's password and one-time-code address.
    #[must_use]
    pub fn first_account(&self) -> FirstAccount<'_> {
        FirstAccount(self)
    }

    /// Who has to wait after wrong passwords.
    #[must_use]
    pub fn lockouts(&self) -> Lockouts<'_> {
        Lockouts(self)
    }

    /// What is under way at a public certificate authority.
    #[must_use]
    pub fn acme(&self) -> Acme<'_> {
        Acme(self)
    }

    /// Who changed what.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    /// A look at the committed data.
    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        query(&self.reader.lock()).map_err(|error| database_error(&self.path, error))
    }

    /// A change, durable when this returns `Ok` and undone otherwise.
    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let mut writer = self.writer.lock();
        let run = || {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error| database_error(&self.path, error))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // A session last seen a minute ago instead of now is all that can be lost here.
        if let Err(error) = self.sessions().flush_touches() {
            tracing::warn!(%error, "could not write when sessions were last seen");
        }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Runtime").field(&self.path).finish()
    }
}

/// SQLite would make the file with the permissions the umask leaves; its companions
/// (`-wal`, `-shm`) take over the permissions found here.
fn make_file(path: &Path, owner: Option<(u32, u32)>) -> Result<(), StateError> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(0o600))
                .on(path)?;
            if let Some((user, group)) = owner {
                std::os::unix::fs::fchown(&file, Some(user), Some(group)).on(path)?;
            }
            file.sync_all().on(path)
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => crate::dir::tighten(path, 0o600),
        Err(e) => Err(StateError::io(path, e)),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// The variant that fits what SQLite said.
fn database_error(path: &Path, error: rusqlite::Error) -> StateError {
    let path = path.to_owned();
    let io = |kind: std::io::ErrorKind| std::io::Error::new(kind, error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StateError::DiskFull {
            source: io(std::io::ErrorKind::StorageFull),
            path,
        },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            StateError::NotWritable {
                source: io(std::io::ErrorKind::PermissionDenied),
                path,
            }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StateError::Corrupt {
            problem: error.to_string(),
            file: path,
            place: None,
            way_back: WAY_BACK,
        },
        _ => StateError::Database {
            path,
            source: error,
        },
    }
}

/// A column that holds a time.
fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_unix_millis)
}

/// A column that holds the text of a checked type.
fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| unreadable(row, column, error))
}

/// A column that holds JSON.
fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(row, column, error))
}

fn unreadable(
    row: &Row<'_>,
    column: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_and_loses_nothing() {
        let temp = tempfile::TempDir::new().expect("temporary directory");
        let runtime = Runtime::open(&StateDir::new(temp.path())).expect("open");
        let entry = AuditEntry {
            at: Timestamp::UNIX_EPOCH,
            identity: "admin".to_owned(),
            action: "user.create".to_owned(),
            target: "mira".to_owned(),
            before: None,
            after: Some("x".repeat(5000).into()),
        };
        let limit = |pages: u32| {
            let writer = runtime.writer.lock();
            writer
                .pragma_update(None, "max_page_count", pages)
                .expect("pragma");
        };
        runtime.audit().append(&entry).expect("append");
        limit(1);
        let refused = (0..10)
            .find_map(|_| runtime.audit().append(&entry).err())
            .expect("full");
        assert!(refused.is_disk_full(), "{refused:?}");
        let kept = runtime
            .audit()
            .page(&AuditFilter::default(), None, 100)
            .expect("page")
            .len();
        limit(1000);
        runtime.audit().append(&entry).expect("append");
        assert_eq!(
            runtime
                .audit()
                .page(&AuditFilter::default(), None, 100)
                .expect("page")
                .len(),
            kept + 1
        );
    }
}
