//! The one task that asks for certificates by itself.

use std::sync::{Arc, Weak};

use portlama_acme::CertificateName;
use portlama_acme::renewal::{Urgency, is_due};
use portlama_model::{CertificateAuthority, Hostname, Timestamp};
use portlama_pki::Validity;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::health::{Seen, health};
use super::schedule::{Candidate, Plan, plan};
use super::{CertificateFailure, Certifier};
use crate::background::RENEWAL_INTERVAL;
use crate::certificates::is_of;
use crate::control::Core;
use crate::{HostCertificate, Part};

/// Orders under way at once: enough that one slow validation delays nobody, and no crowd for
/// the authority.
pub const MAX_PARALLEL_ORDERS: usize = 4;

/// Looks after hosts until `stop` fires or the control is gone. Orders that are under way then
/// go on at the next start.
pub(crate) async fn run(core: Weak<Core>, stop: CancellationToken) {
    let Some(wake) = core.upgrade().map(|core| core.certifier.wake.clone()) else {
        return;
    };
    let mut orders = JoinSet::new();
    loop {
        let Some(core) = core.upgrade() else { return };
        let now = core.live.now();
        core.show_certifier(now);
        let Plan {
            due,
            held_back,
            next,
        } = core.whose_turn(now);
        for (host, until) in held_back {
            core.certifier.hold_back(&host, until, now);
        }
        let room = MAX_PARALLEL_ORDERS.saturating_sub(orders.len());
        for host in due.into_iter().take(room) {
            orders.spawn(Turn::begin(&core, host).take());
        }
        let pause = next.map_or(RENEWAL_INTERVAL, |next| next.since(now));
        let pause = pause.min(RENEWAL_INTERVAL);
        core.certifier.looked(now, now.plus(pause));
        drop(core);
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.notified() => {}
            Some(_) = orders.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Core {
    /// Says how the part is. Asked at every look and whenever somebody wants to know, because
    /// time alone makes a failing renewal urgent.
    pub(crate) fn show_certifier(&self, now: Timestamp) {
        let (desired, certificates) = (self.live.desired(), self.certificates.load());
        let failures = self.certifier.failures();
        let seen = desired.hosts.keys().map(|host| Seen {
            host,
            present: certificates.get(host).and_then(|leaf| self.public(leaf)),
            failure: failures.get(host),
        });
        let (status, detail) = health(seen, now);
        let parts = &self.services.parts;
        parts.set(Part::Acme, status, detail, std::time::Instant::now());
    }

    /// The hosts whose renewal is due, and those whose last attempt failed.
    pub(super) fn in_need(&self) -> Vec<Hostname> {
        let now = self.live.now();
        let (desired, certificates) = (self.live.desired(), self.certificates.load());
        let failures = self.certifier.failures();
        let needs = |host: &&Hostname| {
            let present = certificates.get(*host).and_then(|leaf| self.public(leaf));
            let name = CertificateName::from((*host).clone());
            failures.contains_key(*host)
                || present.is_none_or(|validity| is_due(&validity, &name, now))
        };
        desired.hosts.keys().filter(needs).cloned().collect()
    }

    /// Whose turn it is. Nobody's, where our own authority certifies hosts within the change.
    fn whose_turn(&self, now: Timestamp) -> Plan {
        if self.state.load().panel.certificate_authority == CertificateAuthority::Internal {
            return Plan::default();
        }
        let (desired, certificates) = (self.live.desired(), self.certificates.load());
        let mut desk = self.certifier.desk.lock();
        desk.forget_leavers();
        let desk = &*desk;
        let scheduled = desired
            .hosts
            .keys()
            .filter(|host| !desk.waiting.contains_key(*host));
        let asked = desk.waiting.keys().map(|host| (host, Urgency::Asked));
        let candidates = asked
            .chain(scheduled.map(|host| (host, Urgency::Scheduled)))
            .filter(|(host, _)| !desk.under_way.contains(*host))
            .map(|(host, urgency)| Candidate {
                present: certificates.get(host).and_then(|leaf| self.public(leaf)),
                history: desk
                    .troubles
                    .get(host)
                    .map(|known| known.history.clone())
                    .unwrap_or_default(),
                host: host.clone(),
                urgency,
            });
        plan(candidates, now)
    }

    /// The validity of a certificate of a public authority; one of our own is good for nobody
    /// but our own programs.
    fn public(&self, leaf: &HostCertificate) -> Option<Validity> {
        (!is_of(leaf, &self.authority)).then_some(Validity {
            not_before: leaf.not_before,
            not_after: leaf.not_after,
        })
    }
}

impl Certifier {
    fn looked(&self, now: Timestamp, next: Timestamp) {
        let mut desk = self.desk.lock();
        desk.last_look = Some(now);
        desk.next_look = Some(next);
    }

    /// Tells those who wait for `host` that the authority wants to be left alone until then.
    fn hold_back(&self, host: &Hostname, until: Timestamp, now: Timestamp) {
        let known = self.failure(host);
        let verdict = Err(CertificateFailure {
            message: known.as_ref().map_or_else(
                || "the authority asked to wait".to_owned(),
                |known| known.message.clone(),
            ),
            since: known.map_or(now, |known| known.since),
            next_try: until,
        });
        self.settle(host, &verdict);
    }
}

/// One host's turn, from the moment it is chosen until it is over or cut off.
struct Turn {
    core: Arc<Core>,
    host: Hostname,
}

impl Turn {
    fn begin(core: &Arc<Core>, host: Hostname) -> Self {
        let mut desk = core.certifier.desk.lock();
        desk.under_way.insert(host.clone());
        drop(desk);
        Self {
            core: core.clone(),
            host,
        }
    }

    /// Makes one attempt, and tells those who wait how it ended.
    async fn take(self) {
        let verdict = self.core.certify(&self.host).await;
        self.core.certifier.settle(&self.host, &verdict);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.core.certifier.desk.lock().under_way.remove(&self.host);
    }
}
