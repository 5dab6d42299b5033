//! The key that an agent keeps: its request, and proofs that the agent holds it.

use portlama_model::{AgentLabel, Secret};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData, SigningKey};
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;

use crate::{Sha256, VerifiedClient};

/// Octets of the nonce in a proof of possession: unguessable, so no proof can be made ahead.
pub const POSSESSION_NONCE_BYTES: usize = 32;

/// Separates these signatures from every other use of the key.
const POSSESSION_CONTEXT: &[u8] = b"portlama possession v1\0";

/// Why an agent's key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not an unencrypted private key in PEM form.
    #[error("the agent's private key cannot be read: run `portlama agent setup` again")]
    Unreadable(#[source] rcgen::Error),
    /// The cryptographic library failed.
    #[error("using the agent's private key failed")]
    Crypto(#[from] rcgen::Error),
}

/// An agent's private key.
#[derive(Debug)]
pub struct AgentKey(KeyPair);

impl AgentKey {
    /// Makes a new ECDSA P-256 key.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self(KeyPair::generate()?))
    }

    /// Reads a key from PEM text.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn from_pem(pem: &Secret) -> Result<Self, KeyError> {
        KeyPair::from_pem(pem.expose())
            .map(Self)
            .map_err(KeyError::Unreadable)
    }

    /// The key as PEM text, for a file of mode 0600.
    #[must_use]
    pub fn to_pem(&self) -> Secret {
        Secret::new(self.0.serialize_pem())
    }

    /// The key as rustls takes it.
    #[must_use]
    pub fn to_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.0.serialize_der()).expect("the library parsed this key")
    }

    /// The SHA-256 of the public key.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.0.subject_public_key_info())
    }

    /// A certificate request as PEM text. The label is for people: servers take the public key
    /// alone.
    ///
    /// # Errors
    /// When signing fails.
    pub fn request(&self, label: &AgentLabel) -> Result<String, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, label.common_name());
        Ok(params.serialize_request(&self.0)?.pem()?)
    }

    /// Signs a server's nonce, where TLS itself cannot prove the key (a middlebox ends it).
    /// `binding` names the connection's purpose and peer, so that a proof for one server is
    /// none for another.
    ///
    /// # Errors
    /// When signing fails.
    pub fn prove(
        &self,
        nonce: &[u8; POSSESSION_NONCE_BYTES],
        binding: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        Ok(self.0.sign(&possession_message(nonce, binding))?)
    }
}

impl VerifiedClient {
    /// Whether `signature` proves that the peer holds this certificate's key, as
    /// [`AgentKey::prove`] does over the same nonce and binding.
    #[must_use]
    pub fn is_proven_by(
        &self,
        nonce: &[u8; POSSESSION_NONCE_BYTES],
        binding: &[u8],
        signature: &[u8],
    ) -> bool {
        let Some(key) = self.key() else {
            return false;
        };
        let info: SubjectPublicKeyInfoDer<'_> = key.info();
        RawPublicKeyEntity::try_from(&info)
            .and_then(|entity| {
                let message = possession_message(nonce, binding);
                entity.verify_signature(key.own_verification(), &message, signature)
            })
            .is_ok()
    }
}

fn possession_message(nonce: &[u8; POSSESSION_NONCE_BYTES], binding: &[u8]) -> Vec<u8> {
    [POSSESSION_CONTEXT, nonce, binding].concat()
}
