//! One conversation with the authority: an account, a connection, and what was said last.

use std::time::Duration;

use instant_acme::{Account as Signer, Error, Identifier, Key, NewOrder, Order};
use portlama_model::{ChallengeType, Email};
use rustls_pki_types::PrivateKeyDer;
use tokio::time::Instant;

use crate::account::Stored;
use crate::client::{POLL_FIRST, POLL_LONGEST};
use crate::wire::AuthorityHttp;
use crate::{Account, AcmeClient, AcmeError, CertificateName, ErrorKind, Limits};

/// What the orders of one conversation need.
pub(crate) struct Session {
    signer: Signer,
    http: AuthorityHttp,
    pub(crate) directory: String,
    pub(crate) challenge: ChallengeType,
    pub(crate) limits: Limits,
}

impl Session {
    /// Finds the account of this key, or makes it: the same request does both (RFC 8555 §7.3.1).
    /// Gives back its address.
    pub(crate) async fn register(
        client: &AcmeClient,
        stored: &Stored,
        contact: Option<&Email>,
    ) -> Result<String, AcmeError> {
        let http = AuthorityHttp::new(client.tls(), client.limits().exchange);
        let doing = format!("cannot register at `{}`", stored.directory);
        let key = stored.key()?;
        let registered = insist!(async {
            let signer = Key::from_pkcs8_der(key.clone_key())?;
            Signer::builder_with_http(Box::new(http.clone()))
                .create_from_key(
                    (signer, PrivateKeyDer::Pkcs8(key.clone_key())),
                    stored.directory.clone(),
                )
                .await
        });
        let (signer, _) = registered.map_err(|error| AcmeError::of(&doing, error, http.last()))?;
        // A contact is a courtesy to the authority: without it there are certificates, too.
        if let (None, Some(email)) = (&stored.id, contact) {
            let contact = format!("mailto:{email}");
            if let Err(error) = insist!(signer.update_contacts(&[&contact])) {
                let error = AcmeError::of("the authority keeps no contact", error, http.last());
                tracing::warn!(%error, "registered without a contact");
            }
        }
        Ok(signer.id().to_owned())
    }

    /// Begins to talk in the name of an account.
    pub(crate) async fn open(client: &AcmeClient, account: &Account) -> Result<Self, AcmeError> {
        let directory = &client.settings().directory;
        let stored = account.stored();
        if stored.directory != *directory {
            return Err(AcmeError::new(
                ErrorKind::Account,
                format!("cannot ask `{directory}`"),
                "the account is of another authority",
            ));
        }
        let http = AuthorityHttp::new(client.tls(), client.limits().exchange);
        let signer = Signer::builder_with_http(Box::new(http.clone()))
            .from_parts(account.id().to_owned(), stored.key()?, directory.clone())
            .await
            .map_err(|error| {
                AcmeError::of(format!("cannot ask `{directory}`"), error, http.last())
            })?;
        Ok(Self {
            signer,
            http,
            directory: directory.clone(),
            challenge: client.settings().challenge,
            limits: client.limits(),
        })
    }

    /// A new order for one name.
    pub(crate) async fn new_order(&self, name: &CertificateName) -> Result<Order, AcmeError> {
        let names = [Identifier::Dns(name.to_string())];
        insist!(self.signer.new_order(&NewOrder::new(&names)))
            .map_err(|error| self.error(format!("cannot order a certificate for `{name}`"), error))
    }

    /// An order that was begun before; `None` when the authority does not know it any more.
    pub(crate) async fn order(&self, url: &str) -> Result<Option<Order>, AcmeError> {
        match insist!(self.signer.order(url.to_owned())) {
            Ok(order) => Ok(Some(order)),
            Err(error) => {
                let error = self.error("cannot go on with an order", error);
                match error.kind() {
                    // Gone, or of the account before this one.
                    ErrorKind::Rejected => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// An error of the library, with what the last answer said.
    pub(crate) fn error(&self, doing: impl Into<String>, error: Error) -> AcmeError {
        AcmeError::of(doing, error, self.http.last())
    }

    /// An error of the answer to "look now": an authority may judge at once, and then the
    /// problem stands in the challenge of a good answer.
    pub(crate) fn verdict(&self, doing: impl Into<String>, error: Error) -> AcmeError {
        let judged = self.http.last().status.is_some_and(|s| s.is_success());
        match error {
            Error::Api(problem) if judged => AcmeError::refused(doing, problem),
            error => self.error(doing, error),
        }
    }

    /// How long the last answer asked to wait.
    pub(crate) fn asked_to_wait(&self) -> Option<Duration> {
        self.http.last().retry_after
    }
}

/// Repeats a request while its nonce is bad: nothing was done then (RFC 8555 §6.5). A macro,
/// because the compiler cannot show that what a closure would borrow may cross threads.
macro_rules! insist {
    ($ask:expr) => {{
        let mut left = $crate::BAD_NONCE_RETRIES;
        loop {
            match $ask.await {
                Err(error) if left > 0 && $crate::session::is_bad_nonce(&error) => left -= 1,
                outcome => break outcome,
            }
        }
    }};
}
pub(crate) use insist;

pub(crate) fn is_bad_nonce(error: &Error) -> bool {
    matches!(error, Error::Api(problem)
        if problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:badNonce"))
}

/// Pauses between looks at an order, growing until the time is up.
pub(crate) struct Pauses {
    next: Duration,
    deadline: Instant,
}

impl Pauses {
    pub(crate) fn until(deadline: Instant) -> Self {
        Self {
            next: POLL_FIRST,
            deadline,
        }
    }

    /// Waits, at least as long as the authority asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when that would be past the deadline.
    pub(crate) async fn wait(
        &mut self,
        doing: &str,
        asked: Option<Duration>,
    ) -> Result<(), AcmeError> {
        let pause = self.next.max(asked.unwrap_or_default());
        if Instant::now() + pause > self.deadline {
            return Err(AcmeError::timeout(doing, asked));
        }
        tokio::time::sleep(pause).await;
        self.next = (self.next * 3 / 2).min(POLL_LONGEST);
        Ok(())
    }
}
