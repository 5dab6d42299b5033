//! The account at an authority: a key and the address the authority gave it.

use portlama_model::Secret;
use rcgen::KeyPair;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use crate::{AcmeError, ErrorKind};

/// An account that the authority knows. Made by [`AcmeClient::account`](crate::AcmeClient::account).
#[derive(Clone)]
pub struct Account(Stored);

/// What is kept of an account. Its key is made and kept before the authority hears of it, so
/// that a crash never leaves an account behind whose key is lost.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    pub(crate) directory: String,
    /// The account's address; absent until the authority answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    key_pem: Secret,
}

impl Account {
    pub(crate) fn of(stored: Stored) -> Self {
        Self(stored)
    }

    pub(crate) fn stored(&self) -> &Stored {
        &self.0
    }

    /// The account's address at the authority (RFC 8555 §7.3).
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id.as_deref().unwrap_or_default()
    }
}

impl Stored {
    /// A new key for an account at `directory`.
    pub(crate) fn generate(directory: &str) -> Result<Self, AcmeError> {
        let key = KeyPair::generate().map_err(|error| {
            AcmeError::local("cannot make a key for the account", Box::new(error))
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            id: None,
            key_pem: key.serialize_pem().into(),
        })
    }

    /// Reads a kept account back; `None` when it is of another authority.
    pub(crate) fn read(text: &Secret, directory: &str) -> Result<Option<Self>, AcmeError> {
        let stored: Self =
            serde_json::from_str(text.expose()).map_err(|_| unreadable("is not understood"))?;
        Ok(Some(stored).filter(|stored| stored.directory == directory))
    }

    pub(crate) fn to_secret(&self) -> Result<Secret, AcmeError> {
        let text = serde_json::to_string(self)
            .map_err(|error| AcmeError::local("cannot keep the account", Box::new(error)))?;
        Ok(text.into())
    }

    pub(crate) fn key(&self) -> Result<PrivatePkcs8KeyDer<'static>, AcmeError> {
        PrivatePkcs8KeyDer::from_pem_slice(self.key_pem.expose().as_bytes())
            .map_err(|_| unreadable("has no usable key"))
    }
}

fn unreadable(why: &str) -> AcmeError {
    let reason = format!("the stored account {why}; remove it to register a new one");
    AcmeError::new(ErrorKind::Account, "cannot use the account", reason)
}
