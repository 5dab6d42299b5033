//! Who the agent is to the server: a key, a certificate for it, and the authority behind both.

use portlama_api::client::{ClientError, ClientIdentity, PanelClient, PanelUrl};
use portlama_dial::ProxyUrl;
use portlama_model::{AgentLabel, CaFingerprint, Secret, Serial, Timestamp};
use portlama_pki::{
    AgentKey, ChainError, ClientTrust, KeyError, Subject, Validity, VerifiedClient, ca_fingerprint,
    certificate_from_pem, certificate_to_pem,
};
use rustls::pki_types::CertificateDer;

use crate::directory::{AgentDir, IdentityFiles};
use crate::keys::{KeySlot, KeyStoreError};
use crate::renewal::renews_at;
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
    /// The store has no key for this agent.
    #[error("the agent's key is gone from where it is kept")]
    NoKey,
    /// The key could not be read.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl IdentityError {
    /// Whether it may be otherwise in a moment, without anybody touching the agent.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::KeyStore(error) if error.may_pass())
    }
}

/// What can be told of an agent's certificate without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInUse {
    /// Its serial.
    pub serial: Serial,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When a running agent renews it.
    pub renews_at: Timestamp,
}

/// The certificate that an agent uses.
///
/// # Errors
/// When its files cannot be read.
pub fn certificate_of(agent: &AgentDir) -> Result<CertificateInUse, IdentityError> {
    let (authority, certificate) = (agent.authority()?, agent.certificate()?);
    let authority = read(&authority, "the authority's certificate")?;
    let certificate = read(&certificate, "the agent's certificate")?;
    let trust = ClientTrust::new(&authority).map_err(|source| IdentityError::Certificate {
        what: "the authority's certificate",
        source,
    })?;
    let client = trust.verify(&[certificate])?;
    Ok(CertificateInUse {
        serial: client.serial().clone(),
        expires_at: client.validity().not_after,
        renews_at: renews_at(client.validity()),
    })
}

fn read(pem: &str, what: &'static str) -> Result<CertificateDer<'static>, IdentityError> {
    certificate_from_pem(pem).map_err(|source| IdentityError::Certificate { what, source })
}

/// What an agent holds: its identity, and one that is to take its place. Each certificate is
/// held with whichever key is its own, so that it does not matter which step of a renewal was
/// the last one that became durable.
pub(crate) struct Held {
    present: Result<Identity, IdentityError>,
    next: Option<Identity>,
    leftover: Leftover,
}

/// What is left of a renewal that was cut short, beside a certificate to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leftover {
    Nothing,
    /// A key, for which a certificate was or was to be asked.
    Key,
    /// A certificate that is the present one or none at all.
    Certificate,
}

/// With what an agent begins.
pub(crate) struct Beginning {
    /// Who it is.
    pub(crate) identity: Identity,
    /// What is to take its place.
    pub(crate) next: Option<Identity>,
    /// A renewal was begun whose answer never came.
    pub(crate) asks_again: bool,
}

impl Held {
    /// Reads what an agent holds.
    ///
    /// # Errors
    /// When files or keys cannot be read.
    pub(crate) fn read(agent: &AgentDir) -> Result<Self, IdentityError> {
        let config = agent.config()?;
        let store = agent.key_store()?;
        let authority = agent.authority()?;
        let next_certificate = agent.next_certificate()?;
        let next_key = store.read(KeySlot::Next)?;
        let has_next = (next_certificate.is_some(), next_key.is_some());
        let keys: Vec<Secret> = store
            .read(KeySlot::Present)?
            .into_iter()
            .chain(next_key)
            .collect();
        let with_its_key = |certificate: String| {
            let mut files = IdentityFiles {
                key: Secret::new(""),
                certificate,
                authority: authority.clone(),
            };
            let mut result = Err(IdentityError::NoKey);
            for key in &keys {
                files.key = key.clone();
                result = Identity::check(&files, &config.ca_fingerprint, &config.agent_label);
                if !matches!(result, Err(IdentityError::AnotherKey)) {
                    break;
                }
            }
            result
        };
        let present = agent
            .certificate()
            .map_err(IdentityError::from)
            .and_then(with_its_key);
        // One that is none is no renewal; the next attempt begins anew.
        let next = next_certificate.and_then(|next| with_its_key(next).ok());
        let serial = present.as_ref().ok().map(|present| present.client.serial());
        let next = next.filter(|next| Some(next.client.serial()) != serial);
        let leftover = match has_next {
            (false, true) => Leftover::Key,
            (true, _) if next.is_none() => Leftover::Certificate,
            (true | false, _) => Leftover::Nothing,
        };
        Ok(Self {
            present,
            next,
            leftover,
        })
    }

    /// What an agent holds, with what a crash left half done put right.
    ///
    /// # Errors
    /// When there is no identity.
    pub(crate) fn settle(agent: &AgentDir) -> Result<Beginning, IdentityError> {
        let held = Self::read(agent)?;
        let (is_half_done, leftover) = (held.present.is_err(), held.leftover);
        let (identity, next) = held.split()?;
        let store = agent.key_store()?;
        if is_half_done {
            agent.promote_next(&*store, &identity.to_files())?;
        } else if leftover == Leftover::Certificate {
            agent.discard_next(&*store)?;
        }
        Ok(Beginning {
            identity,
            next,
            asks_again: !is_half_done && leftover == Leftover::Key,
        })
    }

    /// The identity to begin with, and one that is to take its place.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn split(self) -> Result<(Identity, Option<Identity>), IdentityError> {
        match (self.present, self.next) {
            (Ok(present), next) => Ok((present, next)),
            // The new key had taken the old one's place, and its certificate had not.
            (Err(_), Some(next)) => Ok((next, None)),
            (Err(error), None) => Err(error),
        }
    }
}

impl Identity {
    /// The identity of an agent that was set up.
    pub(crate) fn load(agent: &AgentDir) -> Result<Self, IdentityError> {
        Ok(Held::read(agent)?.split()?.0)
    }

    /// Checks that the parts fit together and are the ones expected.
    pub(crate) fn check(
        files: &IdentityFiles,
        pinned: &CaFingerprint,
        label: &AgentLabel,
    ) -> Result<Self, IdentityError> {
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

    pub(crate) fn validity(&self) -> Validity {
        self.client.validity()
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        self.client.validity().not_after
    }

    /// As it is kept.
    pub(crate) fn to_files(&self) -> IdentityFiles {
        IdentityFiles {
            key: self.key.to_pem(),
            certificate: certificate_to_pem(&self.certificate),
            authority: certificate_to_pem(&self.authority),
        }
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
