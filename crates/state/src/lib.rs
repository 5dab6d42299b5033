//! The state directory: JSON documents, `runtime.db`, commit, lock, migrations.
//!
//! [`Store::open`] takes the directory's lock, finishes a commit that a crash cut short, and
//! answers with the whole [`portlama_model::State`] or says which line of which file is wrong.
//! [`Store::commit`] writes several files so that a crash leaves all of them or none of them.
//! What changes with every request (sessions, tokens, codes, lock-outs, audit) lives in
//! [`Runtime`], an SQLite database.
//!
//! Every call here blocks: from asynchronous code, use `spawn_blocking`. Nothing here reads
//! the clock. Files, fields, modes and the protocol are described in `docs/state.md`.
#![forbid(unsafe_code)]

mod commit;
mod copy;
#[cfg(test)]
mod crash_tests;
mod dir;
mod disk;
mod document;
mod error;
mod format;
mod intent;
mod journal;
mod lock;
mod path;
mod runtime;
mod store;
mod swap;
mod tunnel_log;

pub use commit::{Commit, Committed};
pub use dir::{DATABASE, DIRECTORY_MODE, Presence, StateDir};
pub use document::{Document, MAX_FILE_BYTES, MAX_YAML_ALIASES, MAX_YAML_DEPTH, MAX_YAML_REPLAYED};
pub use error::{Place, StateError};
pub use format::FORMAT;
pub use path::{FilePath, MAX_PATH_BYTES, MAX_SEGMENT_BYTES};
pub use runtime::{
    AUDIT_MAX_AGENT_ROWS, AUDIT_MAX_AGENTS_ROWS, AUDIT_MAX_ROWS, AUDIT_PAGE_ROWS, Acme, Audit,
    AuditEntry, AuditFilter, AuditRow, BUSY_TIMEOUT, Consumption, Created, ENROLLMENT_KEPT,
    Enrollments, FailedAttempt, FirstAccount, FirstSecrets, Grant, Level, Lockout, Lockouts,
    PanelCodes, Runtime, Session, SessionKind, Sessions, Swept, TOUCH_FLUSH_INTERVAL, TokenHash,
    Totp, TotpSecret,
};
pub use store::Store;
pub use swap::{make_durable, swap};
pub use tunnel_log::{LOGGED_FROM_TUNNELS, MAX_LOG_BYTES, TUNNEL_LOG};
