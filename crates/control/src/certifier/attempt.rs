//! One attempt at one host's certificate: ask, check, store, show, and remember how it ended.

use std::sync::Arc;

use portlama_acme::renewal::{Urgency, next_attempt};
use portlama_acme::{
    Account, AcmeClient, AcmeError, BoxError, BoxFuture, CertificateName, ErrorKind, Journal,
    OrderRecord,
};
use portlama_model::{AcmeSettings, Email, Hostname, Secret};
use portlama_state::{FailedAttempt, StateError};

use super::{CertificateFailure, Trouble, Verdict};
use crate::OperationError;
use crate::certificates::NewCertificate;
use crate::change::blocking;
use crate::control::Core;

/// The authority that is asked, and our account there.
pub(crate) struct Authority {
    settings: (AcmeSettings, Option<Email>),
    client: Arc<AcmeClient>,
    account: Option<Account>,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Acme(#[from] AcmeError),
    #[error("{0}: it is not used, and what was there stays")]
    Unusable(String),
    #[error("the certificate is there, but cannot be stored: {0}")]
    Store(StateError),
    #[error("the certificate is there, but cannot be served: {0}")]
    Serve(OperationError),
}

impl Core {
    /// Gets, stores and shows the certificate of `host`.
    pub(super) async fn certify(self: &Arc<Self>, host: &Hostname) -> Verdict {
        let mut ended = self.order(host).await;
        if let Err(AttemptError::Acme(error)) = &ended
            && error.kind() == ErrorKind::Account
        {
            // The authority has forgotten us: the same key makes the same account again.
            self.certifier.forget_account().await;
            ended = self.order(host).await;
        }
        match ended {
            Ok(()) => {
                tracing::info!("a host has a new certificate");
                tracing::debug!(%host, "has a new certificate");
                self.forget(host).await;
                Ok(())
            }
            Err(error) => Err(self.remember(host, &error).await),
        }
    }

    async fn order(self: &Arc<Self>, host: &Hostname) -> Result<(), AttemptError> {
        let (client, account) = self.account().await?;
        let kept = self.kept_order(host).await.map_err(AttemptError::Store)?;
        let obtained = client
            .obtain(
                &account,
                &CertificateName::from(host.clone()),
                kept.as_ref(),
                &*self.certifier.challenges,
                &Ledger::of(self, &client),
                self.live.now(),
            )
            .await?;
        let new = NewCertificate::from_pem(obtained.chain_pem, obtained.key_pem)
            .map_err(|problem| AttemptError::Unusable(problem.to_owned()))?;
        self.install(host.clone(), new)
            .await
            .map_err(AttemptError::Serve)
    }

    /// The client, made again when the settings are others, and the account.
    async fn account(self: &Arc<Self>) -> Result<(Arc<AcmeClient>, Account), AttemptError> {
        let mut held = self.certifier.authority.lock().await;
        let settings = {
            let panel = &self.state.load().panel;
            (panel.acme.clone(), panel.email.clone())
        };
        let known = held.take().filter(|known| known.settings == settings);
        let mut authority = match known {
            Some(known) => known,
            None => Authority::of(settings).await?,
        };
        let client = authority.client.clone();
        let account = match authority.account.clone() {
            Some(account) => account,
            None => {
                let stored = self
                    .kept_account(&client)
                    .await
                    .map_err(AttemptError::Store)?;
                let ledger = Ledger::of(self, &client);
                client.account(stored.as_ref(), &ledger).await?
            }
        };
        authority.account = Some(account.clone());
        *held = Some(authority);
        Ok((client, account))
    }

    async fn kept_account(
        self: &Arc<Self>,
        client: &Arc<AcmeClient>,
    ) -> Result<Option<Secret>, StateError> {
        let (core, directory) = (self.clone(), client.settings().directory.clone());
        blocking(move || core.store.runtime().acme().account(&directory)).await
    }

    /// The order that was under way when the process ended. One that cannot be read is as good
    /// as none.
    async fn kept_order(
        self: &Arc<Self>,
        host: &Hostname,
    ) -> Result<Option<OrderRecord>, StateError> {
        let (core, host) = (self.clone(), host.clone());
        let kept = blocking(move || core.store.runtime().acme().order(&host)).await?;
        Ok(kept.and_then(|text| serde_json::from_str(text.expose()).ok()))
    }

    /// All is well: neither order nor failures are needed any more. If that cannot be written
    /// down, the next start finds a finished order and its certificate in place.
    async fn forget(self: &Arc<Self>, host: &Hostname) {
        self.certifier.forget(host);
        let (core, done) = (self.clone(), host.clone());
        if let Err(error) = blocking(move || core.store.runtime().acme().done(&done)).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%host, error, "a finished order could not be forgotten");
        }
    }

    /// Says when the next attempt is made, and writes it down before that.
    async fn remember(
        self: &Arc<Self>,
        host: &Hostname,
        error: &AttemptError,
    ) -> CertificateFailure {
        tracing::warn!(%error, "a host has no new certificate");
        tracing::debug!(%host, "has no new certificate");
        let now = self.live.now();
        let name = CertificateName::from(host.clone());
        let history = self.certifier.history(host);
        let history = match error {
            AttemptError::Acme(error) => history.and(error, &name, now),
            _ => history.and_one(ErrorKind::Local, None, &name, now),
        };
        let failure = CertificateFailure {
            message: error.to_string(),
            since: self
                .certifier
                .failure(host)
                .map_or(now, |known| known.since),
            next_try: next_attempt(None, &history, &name, Urgency::Scheduled, now),
        };
        let row = FailedAttempt {
            host: host.clone(),
            message: failure.message.clone(),
            since: failure.since,
            next_try: failure.next_try,
            failures: serde_json::to_string(&history).unwrap_or_default(),
        };
        let trouble = Trouble {
            failure: failure.clone(),
            history,
        };
        self.certifier.keep(host, trouble);
        let core = self.clone();
        if let Err(error) = blocking(move || core.store.runtime().acme().keep_failed(&row)).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%host, error, "a failure could not be written down");
        }
        failure
    }
}

impl super::Certifier {
    async fn forget_account(&self) {
        if let Some(authority) = self.authority.lock().await.as_mut() {
            authority.account = None;
        }
    }
}

impl Authority {
    async fn of(settings: (AcmeSettings, Option<Email>)) -> Result<Self, AcmeError> {
        let (acme, email) = settings.clone();
        let client = blocking(move || AcmeClient::new(acme, email)).await?;
        Ok(Self {
            settings,
            client: Arc::new(client),
            account: None,
        })
    }
}

/// Writes accounts and orders down before the authority hears more of them.
struct Ledger {
    core: Arc<Core>,
    directory: String,
}

impl Ledger {
    fn of(core: &Arc<Core>, client: &AcmeClient) -> Self {
        Self {
            core: core.clone(),
            directory: client.settings().directory.clone(),
        }
    }
}

impl Journal for Ledger {
    fn account<'a>(&'a self, account: &'a Secret) -> BoxFuture<'a, Result<(), BoxError>> {
        let (core, directory) = (self.core.clone(), self.directory.clone());
        let account = account.clone();
        Box::pin(async move {
            let keep = move || {
                core.store
                    .runtime()
                    .acme()
                    .keep_account(&directory, &account)
            };
            blocking(keep).await.map_err(BoxError::from)
        })
    }

    fn order<'a>(&'a self, order: &'a OrderRecord) -> BoxFuture<'a, Result<(), BoxError>> {
        let (core, host) = (self.core.clone(), order.name.host().clone());
        Box::pin(async move {
            let text = Secret::new(serde_json::to_string(order)?);
            let keep = move || core.store.runtime().acme().keep_order(&host, &text);
            blocking(keep).await.map_err(BoxError::from)
        })
    }
}
