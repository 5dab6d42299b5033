//! Certificates that take their time: who asks for one, who waits, and what the authority said.
//!
//! A change never waits for an authority. It is served with the certificates that exist, and the
//! hosts without a good one are looked after here.

pub(crate) mod obtain;

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use portlama_model::{Hostname, Timestamp};
use tokio::sync::oneshot;

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

/// What is known of hosts without a good certificate.
#[derive(Default)]
pub(crate) struct Certifier {
    desk: Mutex<Desk>,
}

#[derive(Default)]
struct Desk {
    /// Those who wait for the end of the next attempt. Whoever stops waiting drops its end.
    waiting: BTreeMap<Hostname, Vec<oneshot::Sender<Verdict>>>,
    failures: BTreeMap<Hostname, CertificateFailure>,
}

impl Certifier {
    /// Why the last attempt at `host` failed.
    pub(crate) fn failure(&self, host: &Hostname) -> Option<CertificateFailure> {
        self.desk.lock().failures.get(host).cloned()
    }

    /// Waits for the end of the next attempt at `host`.
    fn ask(&self, host: &Hostname) -> oneshot::Receiver<Verdict> {
        let (send, receive) = oneshot::channel();
        let mut desk = self.desk.lock();
        desk.waiting
            .retain(|_, waiting| waiting.iter().any(|end| !end.is_closed()));
        desk.waiting.entry(host.clone()).or_default().push(send);
        receive
    }
}
