//! Renewal of hosts' certificates: by hand, and what the scheduler is up to.

use std::time::Duration;

use portlama_access::Identity;
use portlama_acme::renewal::Urgency;
use portlama_model::{CertificateAuthority, Hostname, Timestamp};

use crate::certifier::CREATE_WAIT;
use crate::change::{audit_row, blocking, not_done};
use crate::operations::still_may;
use crate::{Control, OperationError};

/// What the scheduler is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoRenewal {
    /// When it will look through the hosts next.
    pub next_run: Option<Timestamp>,
    /// When it did so last.
    pub last_run: Option<Timestamp>,
}

impl Control {
    /// Gets `host` a new certificate, due or not, and answers when it ends. Waits for the
    /// authority for [`CREATE_WAIT`] at most.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] for a host that is not served,
    /// [`OperationError::RateLimited`] while the authority wants to be left alone,
    /// [`OperationError::Authority`] with its words when it refuses.
    pub async fn renew_certificate(
        &self,
        by: &Identity,
        host: &Hostname,
    ) -> Result<Timestamp, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        if !core.live.desired().hosts.contains_key(host) {
            return Err(OperationError::NotFound {
                what: "Certificate",
            });
        }
        let now = core.live.now();
        let row = audit_row(now, by.audit_name(), "certificate.renew", host, None, None);
        let (keeper, written) = (core.clone(), row.clone());
        blocking(move || keeper.store.runtime().audit().append(&written))
            .await
            .map_err(not_done)?;
        drop(writer);
        let renewed = match state.panel.certificate_authority {
            CertificateAuthority::Internal => core.issue(host).await,
            CertificateAuthority::Acme => self.ask_authority(host, now).await,
        };
        if let Err(error) = renewed {
            core.write_failure(row).await;
            return Err(error);
        }
        let certificates = core.certificates.load();
        let renewed = certificates.get(host).map(|leaf| leaf.not_after);
        renewed.ok_or(OperationError::NotFound {
            what: "Certificate",
        })
    }

    async fn ask_authority(&self, host: &Hostname, now: Timestamp) -> Result<(), OperationError> {
        let certifier = &self.core.certifier;
        let allowed = certifier.history(host).allowed_at(Urgency::Asked, now);
        if allowed > now {
            let words = certifier.failure(host).map(|failure| failure.message);
            return Err(OperationError::RateLimited {
                retry_after: allowed.since(now),
                message: words.unwrap_or_else(|| "the authority asked to wait".to_owned()),
            });
        }
        match tokio::time::timeout(CREATE_WAIT, certifier.ask(host)).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(failure))) => Err(OperationError::Authority(failure.message)),
            Ok(Err(_)) | Err(_) => Err(OperationError::Authority(unanswered(CREATE_WAIT))),
        }
    }

    /// What the scheduler is up to.
    #[must_use]
    pub fn auto_renewal(&self) -> AutoRenewal {
        let (last_run, next_run) = self.core.certifier.looks();
        AutoRenewal { next_run, last_run }
    }
}

/// What is said of an authority that takes longer than the caller waits.
pub(super) fn unanswered(limit: Duration) -> String {
    format!(
        "the authority has not answered within {} seconds; the order goes on",
        limit.as_secs()
    )
}
