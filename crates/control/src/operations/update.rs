//! The program by which this server is replaced: fetched, verified, ordered.

use portlama_access::Identity;
use portlama_model::ReleaseVersion;

use crate::change::{audit_row, blocking, not_done};
use crate::operations::still_may;
use crate::{Control, LastUpdate, OperationError, Refusal, UpdateError};

/// What is asked of the machine's parts in the audit.
const ACTION: &str = "server.update";

impl Control {
    /// Has this server replaced by another version, from where its settings say that releases
    /// are. Done when that is ordered; whether the new version stays is seen by
    /// [`last_update`](Self::last_update) and by the version that answers.
    ///
    /// # Errors
    /// When nothing was ordered.
    pub async fn update(
        &self,
        by: &Identity,
        version: &ReleaseVersion,
    ) -> Result<(), OperationError> {
        let services = &self.core.services;
        let source = self.core.state.load().panel.releases.clone();
        let source = source.ok_or(Refusal::NoReleases)?;
        let machine = services.machine().ok_or_else(no_machine)?;
        let _place = services.update()?;
        self.note_update(by, version, ACTION).await?;
        let ordered = machine.update(&source, version).await;
        if let Err(error) = &ordered {
            tracing::warn!(%error, %version, "the server is not updated");
            self.note_update(by, version, "server.update.failed")
                .await?;
        }
        ordered.map_err(|error| match error {
            UpdateError::Refused(why) => Refusal::NoUpdate(why).into(),
            UpdateError::NotFetched(why) => OperationError::NotFetched(why),
            UpdateError::Machine(error) => OperationError::ServiceFailed {
                what: "the update".to_owned(),
                details: error.to_string(),
            },
        })
    }

    /// Whether this server knows where releases are.
    #[must_use]
    pub fn knows_releases(&self) -> bool {
        self.core.state.load().panel.releases.is_some()
    }

    /// How the last change of the version ended; `None` when there was none.
    pub async fn last_update(&self) -> Option<LastUpdate> {
        match self.core.services.machine() {
            Some(machine) => machine.last_update().await,
            None => None,
        }
    }

    /// Asks for the right and writes the row as one step.
    async fn note_update(
        &self,
        by: &Identity,
        version: &ReleaseVersion,
        action: &str,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let _writer = core.writer().await;
        still_may(&core.state.load(), by, None)?;
        let now = core.live.now();
        let row = audit_row(now, by.audit_name(), action, version.as_str(), None, None);
        let store = core.store.clone();
        let written = blocking(move || store.runtime().audit().append(&row)).await;
        written.map(drop).map_err(not_done)
    }
}

fn no_machine() -> Refusal {
    Refusal::NoUpdate(
        "this server cannot replace itself: a newer program is started by hand".into(),
    )
}
