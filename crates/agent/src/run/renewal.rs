//! Renewing the certificate: a new key, a request over the present identity, the first use of
//! the new certificate, and only then its place on the disk and in the tunnel.

use std::sync::Arc;
use std::time::Duration;

use portlama_api::CertificateRequest;
use portlama_api::client::ClientError;
use portlama_model::{Secret, Timestamp};
use portlama_pki::{AgentKey, KeyError};
use tokio::time::timeout;
use tracing::{info, warn};

use super::panel::REFRESH_TIMEOUT;
use super::{Running, wall_clock};
use crate::carrier_tls;
use crate::directory::{AgentDir, IdentityFiles};
use crate::identity::{Identity, IdentityError};
use crate::keys::{KeySlot, KeyStore, KeyStoreError};
use crate::panel::{self as panel_client, PanelError};
use crate::renewal::{Attempts, RENEWAL_CHECK_INTERVAL, Stage, renews_at};
use crate::setup::in_one_line;
use crate::socket::Renewed;
use portlama_files::FileError;

/// How long who asks for a renewal waits for it: two questions to the panel.
pub const RENEWAL_ANSWER_TIMEOUT: Duration = Duration::from_secs(45);
/// What is said when it takes longer.
const NOT_ENDED: &str = "the renewal has not ended yet; `portlama agent status` tells how it is";

/// How the renewal stands.
#[derive(Default)]
pub(super) struct Renewing {
    attempts: Attempts,
    /// Why the last attempt failed.
    pub(super) failure: Option<String>,
    /// A new certificate that the server may not have seen yet.
    next: Option<Arc<Identity>>,
    /// A request was sent, and what the server said to it was lost.
    unanswered: bool,
    /// What serves already and could not be written down.
    unsaved: Option<Arc<Identity>>,
    /// The owner asked for it.
    asked: bool,
}

impl Renewing {
    /// The renewal as an agent finds it when it begins.
    pub(super) fn with(next: Option<Identity>, asks_again: bool) -> Self {
        Self {
            next: next.map(Arc::new),
            unanswered: asks_again,
            ..Self::default()
        }
    }

    /// Goes by what became of a request. Only a server that says no has surely signed nothing,
    /// and what it signed is nobody's until it is kept. A request that never arrived says nothing
    /// about those before it.
    fn answered<T>(&mut self, answer: &Result<T, ClientError>) {
        self.unanswered = match answer {
            Err(ClientError::Api { .. } | ClientError::NotAuthorised { .. }) => false,
            Err(error) if !may_have_arrived(error) => self.unanswered,
            Ok(_) | Err(_) => true,
        };
    }

    /// A new certificate is kept.
    fn received(&mut self, next: Arc<Identity>) {
        self.next = Some(next);
        self.unanswered = false;
    }

    fn stage(&self) -> Stage {
        if self.next.is_some() || self.unsaved.is_some() {
            Stage::Received
        } else if self.unanswered {
            Stage::Unanswered
        } else {
            Stage::Resting
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum RenewalError {
    #[error("the new key could not be made")]
    Key(#[from] KeyError),
    #[error("the new key could not be kept")]
    Keep(#[source] KeyStoreError),
    #[error("the new certificate could not be kept")]
    Save(#[source] FileError),
    #[error(transparent)]
    Panel(#[from] PanelError),
    #[error("the server gave no new certificate")]
    Refused(#[source] ClientError),
    #[error("the server sent a new certificate that is no good; it is not used")]
    NoGood(#[source] IdentityError),
    #[error("the server sent a new certificate that ends earlier; it is not used")]
    EndsEarlier,
    #[error("the new certificate could not be used yet")]
    Unconfirmed(#[source] ClientError),
    #[error("the server does not know the new certificate; it is given up")]
    Unknown(#[source] ClientError),
    #[error(
        "the new certificate is in use and could not be saved: the old one is of no use after a restart that comes later than an hour from its renewal"
    )]
    Unsaved(#[source] KeyStoreError),
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl Running {
    /// Renews the certificate whenever it is due, and at once when its owner asks.
    pub(super) async fn keep_certificate(self: Arc<Self>) {
        loop {
            let now = wall_clock();
            let due = self.next_attempt(now);
            if due.is_some_and(|due| due <= now) {
                self.attempt().await;
                continue;
            }
            let pause = due.map_or(RENEWAL_CHECK_INTERVAL, |due| due.since(now));
            let pause = pause.clamp(Duration::from_millis(100), RENEWAL_CHECK_INTERVAL);
            let _ = timeout(pause, self.renew.notified()).await;
        }
    }

    /// When the certificate is renewed or the renewal tried again; `None` when it has ended.
    pub(super) fn next_attempt(&self, now: Timestamp) -> Option<Timestamp> {
        let present = self.now.lock();
        let renewing = &present.renewing;
        if renewing.asked {
            return Some(now);
        }
        let validity = present.identity.validity();
        renewing.attempts.next_at(validity, renewing.stage(), now)
    }

    /// Asks for a renewal and waits for what becomes of it, but no longer than
    /// [`RENEWAL_ANSWER_TIMEOUT`].
    pub(super) async fn renew_now(&self) -> Renewed {
        let mut finished = self.renewed.subscribe();
        self.now.lock().renewing.asked = true;
        self.renew.notify_one();
        let ended = timeout(RENEWAL_ANSWER_TIMEOUT, finished.changed()).await;
        let now = self.now.lock();
        Renewed {
            expires_at: now.identity.expires_at(),
            renews_at: renews_at(now.identity.validity()),
            failure: match ended {
                Ok(_) => now.renewing.failure.clone(),
                Err(_) => Some(NOT_ENDED.to_owned()),
            },
        }
    }

    async fn attempt(&self) {
        let result = self.try_to_renew().await;
        let now = wall_clock();
        let mut present = self.now.lock();
        present.renewing.asked = false;
        match result {
            Ok(()) => {
                present.renewing = Renewing::default();
                info!(ends = %present.identity.expires_at(), "the certificate was renewed");
            }
            Err(error) => {
                let error = in_one_line(&error);
                warn!(%error, "the certificate could not be renewed");
                present.renewing.failure = Some(error);
                let validity = present.identity.validity();
                let chance = getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX));
                present.renewing.attempts.failed(validity, now, chance);
            }
        }
        drop(present);
        self.renewed.send_modify(|count| *count += 1);
    }

    async fn try_to_renew(&self) -> Result<(), RenewalError> {
        let (next, unsaved) = {
            let present = self.now.lock();
            let renewing = &present.renewing;
            (renewing.next.clone(), renewing.unsaved.clone())
        };
        if let Some(unsaved) = unsaved {
            return self.save(unsaved).await;
        }
        let next = match next {
            Some(next) => next,
            None => self.request().await?,
        };
        self.use_first(&next).await?;
        self.show(&next)?;
        self.save(next).await
    }

    /// Gets a certificate for a key that is kept before anybody is asked: whatever is lost on
    /// the way, what arrives has its key.
    async fn request(&self) -> Result<Arc<Identity>, RenewalError> {
        let agent = self.agent.clone();
        let key = blocking(move || next_key(&agent)).await?;
        let (config, identity) = {
            let present = self.now.lock();
            (present.config.clone(), present.identity.clone())
        };
        let request = CertificateRequest {
            csr: key.request(&config.agent_label)?,
        };
        let panel = panel_client::client(&self.agent, &identity, self.proxy.as_ref())?;
        let panel = panel.with_timeout(REFRESH_TIMEOUT);
        let answer = panel.upgrade_certificate(&request).await;
        self.now.lock().renewing.answered(&answer);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                // What was refused may be the key: the next attempt makes another.
                if matches!(error, ClientError::Api { .. }) {
                    self.discard().await;
                }
                return Err(RenewalError::Refused(error));
            }
        };
        let files = IdentityFiles {
            key: key.to_pem(),
            certificate: answer.cert,
            ..identity.to_files()
        };
        let next = Identity::check(&files, &config.ca_fingerprint, &config.agent_label);
        let next = next.map_err(RenewalError::NoGood)?;
        if next.expires_at() < identity.expires_at() {
            return Err(RenewalError::EndsEarlier);
        }
        let agent = self.agent.clone();
        blocking(move || agent.save_next_certificate(&files.certificate))
            .await
            .map_err(RenewalError::Save)?;
        let next = Arc::new(next);
        self.now.lock().renewing.received(next.clone());
        Ok(next)
    }

    /// The first use: from here on the server waits for the old certificate to run out.
    async fn use_first(&self, next: &Arc<Identity>) -> Result<(), RenewalError> {
        let panel = panel_client::client(&self.agent, next, self.proxy.as_ref())?;
        let used = panel.with_timeout(REFRESH_TIMEOUT).agent_config().await;
        match used {
            Ok(_) => Ok(()),
            // It knew who asked before it said no to what was asked.
            Err(ClientError::Api { status, .. }) if (400..500).contains(&status) => Ok(()),
            Err(error @ ClientError::NotAuthorised { .. }) => {
                self.now.lock().renewing.next = None;
                self.discard().await;
                Err(RenewalError::Unknown(error))
            }
            Err(error) => Err(RenewalError::Unconfirmed(error)),
        }
    }

    /// Goes on as `next`: new carriers first, then the old ones run out.
    fn show(&self, next: &Arc<Identity>) -> Result<(), RenewalError> {
        let panel = panel_client::client(&self.agent, next, self.proxy.as_ref())?;
        let (tls, websocket) = (carrier_tls::carrier(next)?, self.websocket(next)?);
        let mut present = self.now.lock();
        present.panel = Arc::new(panel.with_timeout(REFRESH_TIMEOUT));
        present.identity = next.clone();
        present.renewing.next = None;
        if let Some(link) = &present.link {
            link.renewal.show(&tls, websocket.as_ref());
        }
        Ok(())
    }

    async fn save(&self, next: Arc<Identity>) -> Result<(), RenewalError> {
        let (agent, files) = (self.agent.clone(), next.to_files());
        let saved = blocking(move || agent.promote_next(&*agent.key_store()?, &files)).await;
        self.now.lock().renewing.unsaved = saved.is_err().then_some(next);
        saved.map_err(RenewalError::Unsaved)
    }

    async fn discard(&self) {
        let agent = self.agent.clone();
        let discarded = blocking(move || agent.discard_next(&*agent.key_store()?)).await;
        if let Err(error) = discarded {
            warn!(
                error = in_one_line(&error),
                "a key of no use could not be removed"
            );
        }
    }
}

/// Whether the server may have done what was asked although nobody heard it.
fn may_have_arrived(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::TimedOut { .. }
            | ClientError::Connection { .. }
            | ClientError::NotUnderstood { .. }
    )
}

/// The key that was kept for a request without an answer, or a new one, kept.
fn next_key(agent: &AgentDir) -> Result<AgentKey, RenewalError> {
    let store: Box<dyn KeyStore> = agent.key_store().map_err(RenewalError::Keep)?;
    let kept: Option<Secret> = store.read(KeySlot::Next).map_err(RenewalError::Keep)?;
    if let Some(key) = kept.and_then(|kept| AgentKey::from_pem(&kept).ok()) {
        return Ok(key);
    }
    let key = AgentKey::generate()?;
    store
        .write(KeySlot::Next, &key.to_pem())
        .map_err(RenewalError::Keep)?;
    Ok(key)
}

/// Disk and credential store may wait; the tunnel must not.
async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(act)
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> String {
        "panel.example.org:9292".to_owned()
    }

    fn timed_out() -> Result<(), ClientError> {
        let (address, seconds) = (address(), 20);
        Err(ClientError::TimedOut { address, seconds })
    }

    fn never_sent() -> Result<(), ClientError> {
        let (address, reason) = (address(), "403".to_owned());
        Err(ClientError::Proxy { address, reason })
    }

    fn refused() -> Result<(), ClientError> {
        let reason = "it is revoked".to_owned();
        Err(ClientError::NotAuthorised { reason })
    }

    #[test]
    fn a_request_that_never_arrived_leaves_an_earlier_one_unanswered() {
        let mut renewing = Renewing::default();
        renewing.answered(&never_sent());
        assert_eq!(renewing.stage(), Stage::Resting);
        renewing.answered(&timed_out());
        renewing.answered(&never_sent());
        assert_eq!(renewing.stage(), Stage::Unanswered);
        // So does one from before a restart.
        let mut renewing = Renewing::with(None, true);
        renewing.answered(&never_sent());
        assert_eq!(renewing.stage(), Stage::Unanswered);
    }

    #[test]
    fn an_answer_that_could_not_be_kept_is_asked_for_again() {
        let mut renewing = Renewing::default();
        renewing.answered(&Ok(()));
        assert_eq!(renewing.stage(), Stage::Unanswered);
    }

    #[test]
    fn a_refusal_ends_a_request_without_an_answer() {
        let mut renewing = Renewing::with(None, true);
        renewing.answered(&refused());
        assert_eq!(renewing.stage(), Stage::Resting);
    }
}
