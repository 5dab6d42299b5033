//! The client and its settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portlama_dial::TrustError;
use portlama_model::{AcmeSettings, Email, Secret, Timestamp};
use rustls::ClientConfig;

use crate::account::Stored;
use crate::issue::issue;
use crate::session::Session;
use crate::wire::EXCHANGE_TIMEOUT;
use crate::{
    Account, AcmeError, CertificateName, Challenges, ErrorKind, Journal, Obtained, OrderRecord,
};

/// How long one order may take from its begin to the certificate: authorities that queue work
/// take minutes. An order that is not ready by then goes on at the next attempt.
pub const ISSUANCE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long presenting the answer to a challenge may take: a record must reach every name server.
pub const PRESENT_TIMEOUT: Duration = Duration::from_secs(2 * 60);
/// The pause before an order is looked at for the first time. It grows by half each time.
pub const POLL_FIRST: Duration = Duration::from_millis(250);
/// The longest pause between two looks at an order, unless the authority asks for more.
pub const POLL_LONGEST: Duration = Duration::from_secs(10);
/// How often a request is sent again whose nonce was bad three times. Authorities refuse good
/// nonces after a restart, and Pebble at random so that clients learn it (RFC 8555 §6.5).
pub const BAD_NONCE_RETRIES: u32 = 6;

/// How long the client waits. The default are the constants of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// [`EXCHANGE_TIMEOUT`].
    pub exchange: Duration,
    /// [`ISSUANCE_TIMEOUT`].
    pub issuance: Duration,
    /// [`PRESENT_TIMEOUT`].
    pub present: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exchange: EXCHANGE_TIMEOUT,
            issuance: ISSUANCE_TIMEOUT,
            present: PRESENT_TIMEOUT,
        }
    }
}

/// Asks one authority for certificates.
pub struct AcmeClient {
    settings: AcmeSettings,
    contact: Option<Email>,
    tls: Arc<ClientConfig>,
    limits: Limits,
}

impl AcmeClient {
    /// Reads the authorities that certify the directory's own address, from `caFile` or from the
    /// system. Reads files, so it blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the directory is not an `https` address or no authority can
    /// be read.
    pub fn new(settings: AcmeSettings, contact: Option<Email>) -> Result<Self, AcmeError> {
        if !settings.directory.starts_with("https://") {
            return Err(unusable(format!(
                "the directory `{}` is not an https address",
                settings.directory
            )));
        }
        let ca_file = settings.ca_file.as_deref().map(Path::new);
        let tls = portlama_dial::public_tls(ca_file).map_err(|error| match error {
            TrustError::NoAuthorities(_) => unusable(format!("{error}; or set `caFile`")),
            _ => unusable(error.to_string()),
        })?;
        Ok(Self {
            settings,
            contact,
            tls,
            limits: Limits::default(),
        })
    }

    /// Waits otherwise than by default.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The settings it was made from.
    #[must_use]
    pub fn settings(&self) -> &AcmeSettings {
        &self.settings
    }

    /// The account of `stored`, registered if the authority does not know it (any more); a new
    /// one when `stored` is absent or of another authority. Whatever crashes, asking again with
    /// what was kept yields the same account, because its key is kept before it is shown to
    /// the authority. Registering agrees to the authority's terms of service.
    ///
    /// Ask when the process starts and after an [`ErrorKind::Account`]; the account then serves
    /// every order.
    ///
    /// # Errors
    /// [`AcmeError`] with the authority's words.
    pub async fn account(
        &self,
        stored: Option<&Secret>,
        journal: &dyn Journal,
    ) -> Result<Account, AcmeError> {
        let directory = &self.settings.directory;
        let known = match stored {
            Some(text) => Stored::read(text, directory)?,
            None => None,
        };
        let mut account = match known {
            Some(account) => account,
            None => {
                let new = Stored::generate(directory)?;
                keep(journal, &new).await?;
                new
            }
        };
        let id = Session::register(self, &account, self.contact.as_ref()).await?;
        if account.id.as_deref() != Some(&id) {
            account.id = Some(id);
            keep(journal, &account).await?;
        }
        Ok(Account::of(account))
    }

    /// Gets one certificate for one name: takes the order in `resume` from wherever it stands,
    /// or begins one, which is durable ([`Journal::order`]) before anything else is asked for.
    /// An order that is gone, failed, or whose certificate is not worth having gives way to a
    /// new one. `now` is the time at the call.
    ///
    /// It ends within [`Limits::issuance`] and a few answers.
    ///
    /// # Errors
    /// [`AcmeError`] with the authority's words. The order that was kept is then given again at
    /// the next attempt, which [`renewal`](crate::renewal) places.
    pub async fn obtain(
        &self,
        account: &Account,
        name: &CertificateName,
        resume: Option<&OrderRecord>,
        challenges: &dyn Challenges,
        journal: &dyn Journal,
        now: Timestamp,
    ) -> Result<Obtained, AcmeError> {
        let session = Session::open(self, account).await?;
        Box::pin(issue(&session, name, resume, challenges, journal, now)).await
    }

    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
}

impl std::fmt::Debug for AcmeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcmeClient")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

async fn keep(journal: &dyn Journal, account: &Stored) -> Result<(), AcmeError> {
    journal
        .account(&account.to_secret()?)
        .await
        .map_err(|error| AcmeError::local("cannot keep the account", error))
}

fn unusable(reason: impl AsRef<str>) -> AcmeError {
    AcmeError::new(
        ErrorKind::Settings,
        "the settings of `acme` cannot be used",
        reason,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compiles only if an order may be carried out by any task.
    #[allow(
        dead_code,
        clippy::too_many_arguments,
        reason = "the compiler is the test"
    )]
    fn orders_may_cross_threads(
        client: &AcmeClient,
        account: &Account,
        name: &CertificateName,
        challenges: &dyn Challenges,
        journal: &dyn Journal,
        now: Timestamp,
    ) -> impl Send {
        let obtaining = client.obtain(account, name, None, challenges, journal, now);
        let registering = client.account(None, journal);
        (obtaining, registering)
    }
}
