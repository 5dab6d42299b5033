//! One order, from wherever it stands to a certificate that was checked.

use instant_acme::{Order, OrderStatus};
use portlama_model::{Secret, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::session::{Pauses, Session, insist};
use crate::validation::{refusal, validate};
use crate::{
    AcmeError, BoxError, CertificateName, Challenges, ErrorKind, Journal, Obtained, Step, chain,
    renewal,
};

/// What must be kept of an order that is under way, so that a crash at any moment neither makes
/// a second order nor loses the key of a certificate that was issued.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord {
    /// The authority's directory.
    pub directory: String,
    /// What the certificate is for.
    pub name: CertificateName,
    /// The order's address at the authority.
    pub url: String,
    /// The key that the certificate is for (P-256, PKCS#8), as PEM.
    pub key_pem: Secret,
}

/// What one order needs beside itself.
pub(crate) struct Task<'a> {
    pub(crate) session: &'a Session,
    pub(crate) name: &'a CertificateName,
    pub(crate) challenges: &'a dyn Challenges,
    pub(crate) journal: &'a dyn Journal,
    now: Timestamp,
    begun: Instant,
    pub(crate) deadline: Instant,
}

/// Carries the order in `resume` on, or a new one.
pub(crate) async fn issue(
    session: &Session,
    name: &CertificateName,
    resume: Option<&OrderRecord>,
    challenges: &dyn Challenges,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<Obtained, AcmeError> {
    let begun = Instant::now();
    let task = Task {
        session,
        name,
        challenges,
        journal,
        now,
        begun,
        deadline: begun + session.limits.issuance,
    };
    if let Some(record) = resume
        && let Some(obtained) = task.resume(record).await?
    {
        return Ok(obtained);
    }
    task.begin().await
}

impl Task<'_> {
    /// A new order, kept before anything else is asked for.
    async fn begin(&self) -> Result<Obtained, AcmeError> {
        let key =
            KeyPair::generate().map_err(|error| self.local("make a key for", error.into()))?;
        let order = self.session.new_order(self.name).await?;
        let record = OrderRecord {
            directory: self.session.directory.clone(),
            name: self.name.clone(),
            url: order.url().to_owned(),
            key_pem: key.serialize_pem().into(),
        };
        self.journal
            .order(&record)
            .await
            .map_err(|error| self.local("keep the order for", error))?;
        self.journal.step(self.name, Step::Ordered);
        self.carry_out(order, &key).await
    }

    /// The order that was kept; `None` when it leads nowhere.
    async fn resume(&self, record: &OrderRecord) -> Result<Option<Obtained>, AcmeError> {
        if record.directory != self.session.directory || record.name != *self.name {
            return Ok(None);
        }
        let Ok(key) = KeyPair::from_pem(record.key_pem.expose()) else {
            return Ok(None);
        };
        let Some(mut order) = self.session.order(&record.url).await? else {
            return Ok(None);
        };
        let found = order.state().status;
        if found == OrderStatus::Invalid {
            return Ok(None);
        }
        self.journal.step(self.name, Step::Ordered);
        match self.carry_out(order, &key).await {
            // A record that outlived its certificate: the next one needs an order of its own.
            Ok(old) if renewal::is_due(&old.validity, self.name, self.now()) => Ok(None),
            Ok(obtained) => Ok(Some(obtained)),
            Err(error) if leads_nowhere(found, &error) => {
                tracing::info!(name = %self.name, %error, "a kept order leads nowhere");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn carry_out(&self, mut order: Order, key: &KeyPair) -> Result<Obtained, AcmeError> {
        if order.state().status == OrderStatus::Pending {
            validate(self, &mut order).await?;
        }
        if order.state().status == OrderStatus::Ready {
            self.finalize(&mut order, key).await?;
        }
        self.wait_for_certificate(&mut order).await?;
        self.fetch(&mut order, key).await
    }

    async fn finalize(&self, order: &mut Order, key: &KeyPair) -> Result<(), AcmeError> {
        self.journal.step(self.name, Step::Finalizing);
        let request = self
            .signing_request(key)
            .map_err(|error| self.local("make a request for", error.into()))?;
        insist!(order.finalize_csr(&request))
            .map_err(|error| self.failed("ask for the certificate of", error))?;
        self.journal.step(self.name, Step::Issuing);
        Ok(())
    }

    fn signing_request(&self, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
        let mut params = CertificateParams::new(vec![self.name.to_string()])?;
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(key)?.der().to_vec())
    }

    async fn wait_for_certificate(&self, order: &mut Order) -> Result<(), AcmeError> {
        let doing = format!("the certificate of `{}` is not ready", self.name);
        let mut pauses = Pauses::until(self.deadline);
        loop {
            match order.state().status {
                OrderStatus::Valid => return Ok(()),
                OrderStatus::Invalid => return Err(refusal(self, order).await),
                OrderStatus::Pending | OrderStatus::Ready | OrderStatus::Processing => {}
            }
            pauses.wait(&doing, self.session.asked_to_wait()).await?;
            insist!(async { order.refresh().await.map(drop) })
                .map_err(|error| self.failed("look after the order for", error))?;
        }
    }

    async fn fetch(&self, order: &mut Order, key: &KeyPair) -> Result<Obtained, AcmeError> {
        self.journal.step(self.name, Step::Fetching);
        let doing = "fetch the certificate of";
        let pem = insist!(order.certificate())
            .map_err(|error| self.failed(doing, error))?
            .unwrap_or_default();
        chain::check(&pem, key, self.name, self.now()).map_err(|error| {
            let reason = format!("what the authority sent is not usable: {error}");
            AcmeError::new(ErrorKind::Malformed, self.doing(doing), reason)
        })
    }

    /// The time, without looking at a clock that may have been set meanwhile.
    fn now(&self) -> Timestamp {
        self.now.plus(self.begun.elapsed())
    }

    pub(crate) fn doing(&self, doing: &str) -> String {
        format!("cannot {doing} `{}`", self.name)
    }

    pub(crate) fn failed(&self, doing: &str, error: instant_acme::Error) -> AcmeError {
        self.session.error(self.doing(doing), error)
    }

    pub(crate) fn local(&self, doing: &str, error: BoxError) -> AcmeError {
        AcmeError::local(self.doing(doing), error)
    }
}

/// Whether asking again for the same order would bring the same: a certificate that is not ours,
/// or an order that the authority itself does not go on with.
fn leads_nowhere(found: OrderStatus, error: &AcmeError) -> bool {
    match error.kind() {
        ErrorKind::Malformed => found == OrderStatus::Valid,
        ErrorKind::Rejected => error.problem().is_some(),
        _ => false,
    }
}
