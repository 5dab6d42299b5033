//! What an authority finds when it looks whether a name is ours.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use portlama_acme::{BoxError, BoxFuture, ChallengeAnswer, Challenges};
use portlama_model::Hostname;

use crate::{ChallengeCertificate, ChallengeStore};

/// The challenges that are open at this moment: those of TLS-ALPN-01, which the data plane
/// answers, and the way to the records of DNS-01, where there is one.
pub(crate) struct OpenChallenges {
    /// The last answer for a host is the one that is shown.
    certificates: RwLock<HashMap<Hostname, Vec<Arc<ChallengeCertificate>>>>,
    dns: Option<Arc<dyn Challenges>>,
}

impl OpenChallenges {
    pub(crate) fn new(dns: Option<Arc<dyn Challenges>>) -> Self {
        Self {
            certificates: RwLock::default(),
            dns,
        }
    }
}

impl ChallengeStore for OpenChallenges {
    fn tls_alpn(&self, name: &Hostname) -> Option<Arc<ChallengeCertificate>> {
        self.certificates.read().get(name)?.last().cloned()
    }
}

impl Challenges for OpenChallenges {
    fn present<'a>(
        &'a self,
        host: &'a Hostname,
        answer: &'a ChallengeAnswer,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        match (answer, &self.dns) {
            (ChallengeAnswer::TlsAlpn01 { certificate, key }, _) => {
                let shown = Arc::new(ChallengeCertificate {
                    certificate: certificate.clone(),
                    key: key.clone_key(),
                });
                let mut open = self.certificates.write();
                open.entry(host.clone()).or_default().push(shown);
                Box::pin(async { Ok(()) })
            }
            (ChallengeAnswer::Dns01 { .. }, Some(dns)) => dns.present(host, answer),
            (ChallengeAnswer::Dns01 { .. }, None) => {
                Box::pin(async { Err(BoxError::from("no DNS provider can set the record")) })
            }
        }
    }

    fn withdraw<'a>(
        &'a self,
        host: &'a Hostname,
        answer: &'a ChallengeAnswer,
    ) -> BoxFuture<'a, ()> {
        match (answer, &self.dns) {
            (ChallengeAnswer::TlsAlpn01 { certificate, .. }, _) => {
                let mut open = self.certificates.write();
                if let Some(answers) = open.get_mut(host) {
                    answers.retain(|shown| shown.certificate != *certificate);
                    if answers.is_empty() {
                        open.remove(host);
                    }
                }
                Box::pin(async {})
            }
            (ChallengeAnswer::Dns01 { .. }, Some(dns)) => dns.withdraw(host, answer),
            (ChallengeAnswer::Dns01 { .. }, None) => Box::pin(async {}),
        }
    }
}
