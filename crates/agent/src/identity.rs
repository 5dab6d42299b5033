//! Who the agent is to the server: a key, a certificate for it, and the authority behind both.

use portlama_api::client::{ClientError, ClientIdentity, PanelClient, PanelUrl};
use portlama_dial::ProxyUrl;
use portlama_model::{AgentLabel, CaFingerprint, Timestamp};
use portlama_pki::{
    AgentKey, ChainError, ClientTrust, KeyError, Subject, VerifiedClient, ca_fingerprint,
    certificate_from_pem,
};
use rustls::pki_types::CertificateDer;

use crate::directory::{AgentDir, IdentityFiles};
use portlama_files::FileError;

/// An identity that fits together: the authority is the pinned one, it issued the certificate,
/// and the key is the certificate's. Made only by [`Identity::check`].
#[derive(Debug)]
pub(crate) struct Identity {
    key: AgentKey,
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    fingerprint: CaFingerprint,
    client: VerifiedClient,
}

/// Why key, certificate and authority are no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A certificate cannot be read.
    #[error("{what} cannot be read")]
    Certificate {
        /// Which certificate.
        what: &'static str,
        /// Why.
        #[source]
        source: portlama_pki::CertificateError,
    },
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The authority is another than the pinned one.
    #[error("the certificate authority is {found}, and the pinned one is {pinned}")]
    AnotherAuthority {
        /// The fingerprint of what came.
        found: CaFingerprint,
        /// The pinned fingerprint.
        pinned: CaFingerprint,
    },
    /// The authority did not issue the certificate.
    #[error("the certificate was not issued by the pinned authority")]
    Chain(#[from] ChainError),
    /// The certificate is for another key.
    #[error("the certificate does not belong to this agent's key")]
    AnotherKey,
    /// The certificate is another's.
    #[error("the certificate is for `{found}`, not for `agent:{expected}`")]
    AnotherName {
        /// The common name in the certificate.
        found: String,
        /// The agent's name at the server.
        expected: AgentLabel,
    },
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Identity {
    /// The identity of an agent that was set up.
    pub(crate) fn load(agent: &AgentDir) -> Result<Self, IdentityError> {
        let config = agent.config()?;
        Self::check(
            &agent.identity()?,
            &config.ca_fingerprint,
            &config.agent_label,
        )
    }

    /// Checks that the parts fit together and are the ones expected.
    pub(crate) fn check(
        files: &IdentityFiles,
        pinned: &CaFingerprint,
        label: &AgentLabel,
    ) -> Result<Self, IdentityError> {
        let read = |text, what| {
            certificate_from_pem(text).map_err(|source| IdentityError::Certificate { what, source })
        };
        let authority = read(&files.authority, "the authority's certificate")?;
        let certificate = read(&files.certificate, "the agent's certificate")?;
        let unreadable = |source| IdentityError::Certificate {
            what: "the authority's certificate",
            source,
        };
        let found = ca_fingerprint(&authority).map_err(unreadable)?;
        if found != *pinned {
            return Err(IdentityError::AnotherAuthority {
                found,
                pinned: pinned.clone(),
            });
        }
        let trust = ClientTrust::new(&authority).map_err(unreadable)?;
        let client = trust.verify(std::slice::from_ref(&certificate))?;
        let key = AgentKey::from_pem(&files.key)?;
        if client.key_digest() != key.digest() {
            return Err(IdentityError::AnotherKey);
        }
        if *client.subject() != Subject::Agent(label.clone()) {
            let found = client.common_name().to_owned();
            return Err(IdentityError::AnotherName {
                found,
                expected: label.clone(),
            });
        }
        Ok(Self {
            key,
            certificate,
            authority,
            fingerprint: found,
            client,
        })
    }

    pub(crate) fn key(&self) -> &AgentKey {
        &self.key
    }

    /// What is presented: the leaf alone, as the server has the authority.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub(crate) fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    pub(crate) fn fingerprint(&self) -> &CaFingerprint {
        &self.fingerprint
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        self.client.validity().not_after
    }

    /// A client of the panel that authenticates as this agent.
    pub(crate) fn panel(
        &self,
        url: PanelUrl,
        proxy: Option<ProxyUrl>,
    ) -> Result<PanelClient, ClientError> {
        let identity = ClientIdentity {
            chain: self.chain(),
            key: self.key.to_der(),
        };
        let client = PanelClient::new(
            url,
            self.fingerprint.clone(),
            Some(self.authority.clone()),
            Some(identity),
        )?;
        Ok(client.with_proxy(proxy))
    }
}
