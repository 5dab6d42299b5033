//! Reading the audit.

pub use portlama_state::{AuditFilter, AuditRow};

use crate::change::{blocking, not_done};
use crate::{Control, OperationError};

impl Control {
    /// The newest rows that `filter` lets through, or those older than the row `before`; at
    /// most `limit`, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, OperationError> {
        let runtime = self.core.store.runtime().clone();
        blocking(move || runtime.audit().page(&filter, before, limit))
            .await
            .map_err(not_done)
    }
}
