//! The key that an agent keeps, and the request made with it.

use portlama_model::{AgentLabel, Secret};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData};
use rustls_pki_types::PrivateKeyDer;

use crate::Sha256;

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

    /// Takes a key of PKCS#8 octets: ECDSA P-256 or RSA.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        KeyPair::try_from(der)
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
        self.request_as(&label.common_name())
    }

    /// The same for an admin, whose key is of the same kind.
    ///
    /// # Errors
    /// When signing fails.
    pub fn admin_request(&self) -> Result<String, KeyError> {
        self.request_as("admin")
    }

    fn request_as(&self, common_name: &str) -> Result<String, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        Ok(params.serialize_request(&self.0)?.pem()?)
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        self.0.serialized_der()
    }
}
