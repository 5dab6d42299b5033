//! Certificates that take their time: who asks for one, who waits, what the authority said.
//!
//! A change never waits for an authority. It is served with the certificates that exist, and the
//! hosts without a good one are looked after here, by one task ([`task`]): it finds out whose
//! turn it is ([`schedule`]), carries single orders out ([`attempt`]), and tells those who wait
//! ([`obtain`]). What of it concerns the operator is shown as a service ([`health`]). What a crash must not lose lies in `runtime.db`; [`challenges`] is what the
//! authority sees of us meanwhile.

mod attempt;
mod challenges;
mod health;
pub(crate) mod obtain;
mod schedule;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portlama_acme::Challenges;
use portlama_acme::renewal::Failures;
use portlama_model::{Hostname, Timestamp};
use portlama_state::{Runtime, StateError};
use tokio::sync::{Notify, oneshot};

pub(crate) use attempt::Authority;
pub(crate) use challenges::OpenChallenges;
pub use task::MAX_PARALLEL_ORDERS;
pub(crate) use task::run;

/// How long a request that makes a host waits for its certificate before it answers that the
/// certificate is pending (design decision 16).
pub const CREATE_WAIT: Duration = Duration::from_secs(60);

/// Why a host has no good certificate, and when that is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFailure {
    /// What went wrong: the authority's own words where it spoke.
    pub message: String,
    /// Since when it has been failing.
    pub since: Timestamp,
    /// When the next attempt is made.
    pub next_try: Timestamp,
}

/// Whether visitors of a host see a certificate that holds.
pub(crate) enum Standing {
    /// They do.
    Good,
    /// There is none, or it has expired; and why, when that is known.
    None(Option<CertificateFailure>),
}

/// How an attempt at a host's certificate ended.
pub(crate) type Verdict = Result<(), CertificateFailure>;

/// What is known of hosts whose certificates come from a public authority.
pub(crate) struct Certifier {
    desk: Mutex<Desk>,
    /// Wakes the task: somebody asks, or a host came without a certificate.
    wake: Arc<Notify>,
    pub(crate) challenges: Arc<OpenChallenges>,
    /// Who is asked, and the account there. Held while the account is made, so that there is
    /// one whatever number of orders begin together.
    authority: tokio::sync::Mutex<Option<Authority>>,
}

#[derive(Default)]
struct Desk {
    /// Those who wait for the end of the next attempt. Whoever stops waiting drops its end.
    waiting: BTreeMap<Hostname, Vec<oneshot::Sender<Verdict>>>,
    under_way: BTreeSet<Hostname>,
    troubles: BTreeMap<Hostname, Trouble>,
    last_look: Option<Timestamp>,
    next_look: Option<Timestamp>,
}

/// A failure, and what follows from it for the next attempt.
#[derive(Debug, Clone)]
struct Trouble {
    failure: CertificateFailure,
    history: Failures,
}

impl Certifier {
    /// With the failures of earlier lives.
    pub(crate) fn load(
        runtime: &Runtime,
        dns: Option<Arc<dyn Challenges>>,
    ) -> Result<Self, StateError> {
        let failed = runtime.acme().failed()?.into_iter().map(|failed| {
            let failure = CertificateFailure {
                message: failed.message,
                since: failed.since,
                next_try: failed.next_try,
            };
            // What another version wrote costs no more than the waits it asked for.
            let history = serde_json::from_str(&failed.failures).unwrap_or_default();
            (failed.host, Trouble { failure, history })
        });
        Ok(Self {
            desk: Mutex::new(Desk {
                troubles: failed.collect(),
                ..Desk::default()
            }),
            wake: Arc::default(),
            challenges: Arc::new(OpenChallenges::new(dns)),
            authority: tokio::sync::Mutex::default(),
        })
    }

    /// Why the last attempt at `host` failed.
    pub(crate) fn failure(&self, host: &Hostname) -> Option<CertificateFailure> {
        let desk = self.desk.lock();
        desk.troubles.get(host).map(|known| known.failure.clone())
    }

    /// What is remembered of failed attempts at `host`.
    pub(crate) fn history(&self, host: &Hostname) -> Failures {
        let desk = self.desk.lock();
        let known = desk.troubles.get(host);
        known.map(|known| known.history.clone()).unwrap_or_default()
    }

    fn keep(&self, host: &Hostname, trouble: Trouble) {
        self.desk.lock().troubles.insert(host.clone(), trouble);
    }

    fn forget(&self, host: &Hostname) {
        self.desk.lock().troubles.remove(host);
    }

    /// Hosts whose last attempt failed.
    fn failures(&self) -> BTreeMap<Hostname, CertificateFailure> {
        let desk = self.desk.lock();
        let failures = desk.troubles.iter();
        failures
            .map(|(host, known)| (host.clone(), known.failure.clone()))
            .collect()
    }

    /// When hosts were looked through last, and when the next one is expected to be due.
    pub(crate) fn looks(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let desk = self.desk.lock();
        (desk.last_look, desk.next_look)
    }

    /// Looks through the hosts now.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Notes that what is stored for `host` cannot be used.
    pub(crate) fn note_broken(&self, host: &Hostname, problem: &str, now: Timestamp) {
        let trouble = Trouble {
            failure: CertificateFailure {
                message: format!("the stored certificate cannot be used: {problem}"),
                since: now,
                next_try: now,
            },
            history: Failures::default(),
        };
        self.desk
            .lock()
            .troubles
            .entry(host.clone())
            .or_insert(trouble);
        self.wake();
    }

    /// Asks for an attempt at `host` and waits for its end.
    pub(crate) fn ask(&self, host: &Hostname) -> oneshot::Receiver<Verdict> {
        let (send, receive) = oneshot::channel();
        let mut desk = self.desk.lock();
        desk.forget_leavers();
        desk.waiting.entry(host.clone()).or_default().push(send);
        drop(desk);
        self.wake();
        receive
    }

    /// Tells those who wait for `host`.
    fn settle(&self, host: &Hostname, verdict: &Verdict) {
        let waiting = self.desk.lock().waiting.remove(host);
        for end in waiting.into_iter().flatten() {
            // Whoever stopped waiting need not hear.
            let _ = end.send(verdict.clone());
        }
    }
}

impl Desk {
    fn forget_leavers(&mut self) {
        self.waiting.retain(|_, waiting| {
            waiting.retain(|end| !end.is_closed());
            !waiting.is_empty()
        });
    }
}
