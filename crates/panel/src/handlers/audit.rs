//! `/api/audit`.

use axum::response::Response;
use portlama_api::{AuditEntry, AuditPage, AuditQuery, DEFAULT_AUDIT_ROWS, Issue, MAX_AUDIT_ROWS};
use portlama_control::{AuditFilter, AuditRow};

use crate::call::{Call, ok};
use crate::refusal::Refusal;

pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    let query: AuditQuery = call.query()?;
    let limit = query.limit.unwrap_or(DEFAULT_AUDIT_ROWS);
    if !(1..=MAX_AUDIT_ROWS).contains(&limit) {
        let message = format!("must be 1 to {MAX_AUDIT_ROWS}");
        return Err(Refusal::Invalid(vec![Issue::of("limit", message)]));
    }
    let filter = AuditFilter {
        identity: query.identity,
        action: query.action,
        target: query.target,
    };
    let rows = call.control.audit(filter, query.before, limit).await?;
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
