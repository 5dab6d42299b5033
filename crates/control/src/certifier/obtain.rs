//! Asking for certificates and waiting for them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use portlama_model::{Hostname, Timestamp};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::{CREATE_WAIT, CertificateFailure, Standing, Verdict};
use crate::certificates::{is_of, issue_leaf, load_host, needs_renewal};
use crate::change::blocking;
use crate::control::Core;
use crate::{HostCertificate, HostCertificates, OperationError, Step};

/// How asking for certificates ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Obtained {
    /// Every host has a good certificate, stored and served where the host is.
    All,
    /// These hosts have none yet, with what the authority said if it said something.
    Pending(Vec<(Hostname, Option<CertificateFailure>)>),
}

/// Why nobody can be asked for certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ObtainError {
    /// Our own authority failed, or what it issued could not be stored.
    #[error(transparent)]
    Operation(#[from] OperationError),
}

/// Waits for the ends of attempts; answers with the hosts whose attempt failed or goes on.
async fn await_verdicts(
    asked: Vec<(Hostname, oneshot::Receiver<Verdict>)>,
    limit: Duration,
    mut progress: impl FnMut(&Hostname, &Verdict) + Send,
) -> Vec<(Hostname, Option<CertificateFailure>)> {
    let deadline = Instant::now() + limit;
    let mut pending: Vec<_> = asked.iter().map(|(host, _)| (host.clone(), None)).collect();
    let waiting = asked.into_iter();
    let mut waiting: FuturesUnordered<_> = waiting
        .map(|(host, verdict)| async { (host, verdict.await) })
        .collect();
    while let Ok(Some((host, verdict))) = timeout_at(deadline, waiting.next()).await {
        // The certifier is gone: the server stops.
        let Ok(verdict) = verdict else { break };
        progress(&host, &verdict);
        match verdict {
            Ok(()) => pending.retain(|(name, _)| *name != host),
            Err(failure) => {
                for (_, known) in pending.iter_mut().filter(|(name, _)| *name == host) {
                    *known = Some(failure.clone());
                }
            }
        }
    }
    pending
}

impl Core {
    /// Gets certificates for `hosts`, which need not be served yet, and waits for them for at
    /// most `limit`. `progress` hears of each host once, when it is settled. What was begun goes
    /// on when the wait is over, and asking again takes up where it stands.
    pub(crate) async fn obtain(
        self: &Arc<Self>,
        hosts: &[Hostname],
        limit: Duration,
        mut progress: impl FnMut(&Hostname, &Verdict) + Send,
    ) -> Result<Obtained, ObtainError> {
        let mut asked = Vec::new();
        for host in hosts {
            if self.issue_at_once(host).await? {
                progress(host, &Ok(()));
            } else {
                asked.push((host.clone(), self.certifier.ask(host)));
            }
        }
        let pending = await_verdicts(asked, limit, progress).await;
        Ok(match pending.is_empty() {
            true => Obtained::All,
            false => Obtained::Pending(pending),
        })
    }

    /// Asks for the certificates whose renewal is due or failed before, and waits for at most
    /// `limit`. Answers with the hosts that have no new one, and why, where that is known.
    pub(crate) async fn renew_due(
        &self,
        limit: Duration,
    ) -> Vec<(Hostname, Option<CertificateFailure>)> {
        let hosts = self.in_need().into_iter();
        let asked = hosts.map(|host| {
            let verdict = self.certifier.ask(&host);
            (host, verdict)
        });
        await_verdicts(asked.collect(), limit, |_, _| {}).await
    }

    /// Waits for the certificate of a host that was just made. It exists in any case: what is
    /// missing is observed and shown.
    pub(crate) async fn await_certificate(self: &Arc<Self>, host: &Hostname) {
        if !self.live.desired().hosts.contains_key(host) {
            return;
        }
        let asked = self.obtain(std::slice::from_ref(host), CREATE_WAIT, |_, _| {});
        if let Err(error) = asked.await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(%host, error, "the certificate has to wait");
        }
    }

    /// What visitors of `host` see.
    pub(crate) fn standing(&self, host: &Hostname, now: Timestamp) -> Standing {
        self.standing_among(&self.certificates.load(), host, now)
    }

    /// The same, with the certificates that were served a moment ago.
    pub(crate) fn standing_among(
        &self,
        certificates: &HostCertificates,
        host: &Hostname,
        now: Timestamp,
    ) -> Standing {
        match certificates.get(host) {
            Some(leaf) if now <= leaf.not_after => Standing::Good,
            _ => Standing::None(self.certifier.failure(host)),
        }
    }

    /// Whether `host` has a good certificate, after it was issued if that can be done at once.
    async fn issue_at_once(self: &Arc<Self>, host: &Hostname) -> Result<bool, OperationError> {
        let (core, wanted) = (self.clone(), host.clone());
        if blocking(move || core.has_good_certificate(&wanted)).await {
            return Ok(true);
        }
        if self.issuer(&self.state.load()).is_none() {
            return Ok(false);
        }
        self.issue(host).await.map(|()| true)
    }

    /// Lets our own authority certify `host` anew.
    pub(crate) async fn issue(self: &Arc<Self>, host: &Hostname) -> Result<(), OperationError> {
        let (core, wanted) = (self.clone(), host.clone());
        let issued = blocking(move || {
            let names = [wanted.into()];
            issue_leaf(&core.authority, &names, core.live.now())
        });
        let new = issued.await.map_err(|error| OperationError::Failed {
            step: Step::Certificate,
            source: error.into(),
        })?;
        self.install(host.clone(), new).await
    }

    /// Whether `host` has a certificate that serves for now: one of our own authority with more
    /// than a third of its life left, or one of a public authority that holds, whose renewal is
    /// the scheduler's. Served or stored. Blocks on the disk.
    pub(crate) fn has_good_certificate(&self, host: &Hostname) -> bool {
        let now = self.live.now();
        let internal = self.issuer(&self.state.load()).is_some();
        let good = |leaf: &HostCertificate| {
            if internal {
                !needs_renewal(leaf, now)
            } else {
                now <= leaf.not_after && !is_of(leaf, &self.authority)
            }
        };
        match self.certificates.load().get(host) {
            Some(leaf) => good(leaf),
            None => {
                load_host(self.store.dir(), host).is_ok_and(|leaf| leaf.is_some_and(|l| good(&l)))
            }
        }
    }
}
