//! `/api/audit`.

use std::collections::BTreeMap;

use portlama_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::formats;

/// The rows of a page when nothing else is said.
pub const DEFAULT_AUDIT_ROWS: u32 = 50;
/// The most rows of one page.
pub const MAX_AUDIT_ROWS: u32 = 500;

/// The query of `GET /api/audit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
pub struct AuditQuery {
    /// Rows older than this one; the last `id` of the page before.
    #[param(minimum = 1)]
    pub before: Option<i64>,
    /// Rows of a page, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// Only rows of this identity, such as `admin` or `agent:attic-nas`.
    pub identity: Option<String>,
    /// Only this action, or all actions on a kind of thing: `tunnel` finds `tunnel.create`.
    pub action: Option<String>,
    /// Only rows about this target.
    pub target: Option<String>,
}

/// `GET /api/audit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// `before` of the next page; null when this is the last one.
    pub next: Option<i64>,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Grows with every change.
    pub id: i64,
    /// When.
    #[schema(value_type = formats::Time)]
    pub at: Timestamp,
    /// Who: `admin`, `agent:<label>`, `user:<name>`, `server` where the server acted by itself, and
    /// `local` for whoever worked on the state directory.
    #[schema(example = "admin")]
    pub identity: String,
    /// What was done.
    #[schema(example = "tunnel.create")]
    pub action: String,
    /// To what.
    #[schema(example = "wiki.lab.example.org")]
    pub target: String,
    /// The thing before, in the words of its time; null when it was made.
    #[schema(value_type = Option<AuditedThing>)]
    pub before: Option<Value>,
    /// The thing after; null when it was removed.
    #[schema(value_type = Option<AuditedThing>)]
    pub after: Option<Value>,
}

/// What the log keeps of a thing: the members that the change was about, under the names that
/// they had at the time. Never a secret.
#[derive(ToSchema)]
#[allow(dead_code, reason = "described, never made")]
pub(crate) struct AuditedThing(BTreeMap<String, formats::Json>);
