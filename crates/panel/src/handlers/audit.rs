//! `/api/audit`.

use axum::response::Response;
use portlama_api::{AuditEntry, AuditPage, DEFAULT_AUDIT_ROWS, MAX_AUDIT_ROWS};
use portlama_control::{AuditFilter, AuditRow};

use crate::call::{Call, ok};
use crate::refusal::Refusal;

pub(crate) async fn list(mut call: Call) -> Result<Response, Refusal> {
    let limit = call.query_number("limit", Some(MAX_AUDIT_ROWS.into()))?;
    let limit = limit.and_then(|limit| limit.try_into().ok());
    let limit = limit.unwrap_or(DEFAULT_AUDIT_ROWS);
    let before = call.query_number("before", None)?;
    let filter = AuditFilter {
        identity: call.query_member("identity")?,
        action: call.query_member("action")?,
        target: call.query_member("target")?,
    };
    let rows = call.control.audit(filter, before, limit).await?;
    let is_full = rows.len() == limit as usize;
    ok(AuditPage {
        next: rows.last().map(|row| row.id).filter(|_| is_full),
        entries: rows.into_iter().map(entry).collect(),
    })
}

fn entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: row.entry.at,
        identity: row.entry.identity,
        action: row.entry.action,
        target: row.entry.target,
        before: row.entry.before,
        after: row.entry.after,
    }
}
