//! What the client asks of its caller.

use std::pin::Pin;

use portlama_model::{Hostname, Secret};

use crate::{CertificateName, ChallengeAnswer, OrderRecord};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Any error of the caller's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes what must survive a crash durable. The authority is asked for the next thing only
/// after the call returned `Ok`.
pub trait Journal: Send + Sync {
    /// Keeps the account, in place of the one before.
    fn account<'a>(&'a self, account: &'a Secret) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Keeps the order under its name, in place of the one before. It is given back to
    /// [`AcmeClient::obtain`](crate::AcmeClient::obtain) until that returned `Ok`, and then
    /// forgotten together with storing the certificate.
    fn order<'a>(&'a self, order: &'a OrderRecord) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Hears how far an order has come, to show it.
    fn step(&self, name: &CertificateName, step: Step) {
        let _ = (name, step);
    }
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// There is an order, and it is durable.
    Ordered,
    /// The answer to the challenge is served, and the authority is about to be told.
    Presented,
    /// The authority was told and looks for the answer.
    Validating,
    /// The name is shown to be ours; the certificate is about to be asked for.
    Finalizing,
    /// The authority was asked and makes the certificate.
    Issuing,
    /// The certificate is about to be fetched.
    Fetching,
}

/// Serves the answers to challenges while the authority looks for them.
///
/// An answer may be presented again after a crash. When the future of
/// [`AcmeClient::obtain`](crate::AcmeClient::obtain) is dropped, what it had presented was not
/// withdrawn: its owner then withdraws it.
pub trait Challenges: Send + Sync {
    /// Serves the answer for `host` and returns when the authority would find it.
    fn present<'a>(
        &'a self,
        host: &'a Hostname,
        answer: &'a ChallengeAnswer,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Ends serving this answer. Another answer for the same host stays.
    fn withdraw<'a>(&'a self, host: &'a Hostname, answer: &'a ChallengeAnswer)
    -> BoxFuture<'a, ()>;
}
