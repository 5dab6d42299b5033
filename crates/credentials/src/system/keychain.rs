//! The Keychain of macOS: generic passwords in the login keychain.
//!
//! Not compiled by the project's tests, which run on Linux; `tests/contract.rs` is what it keeps to.

use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use portlama_model::Secret;

use crate::{Cause, CredentialError, CredentialName, CredentialStore};

/// The Keychain.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemStore;

impl SystemStore {
    fn with_entry<T>(
        name: &CredentialName,
        act: impl FnOnce(&Entry) -> Result<T, Error>,
    ) -> Result<T, CredentialError> {
        let store = Store::new().map_err(|error| CredentialError::Unavailable(cause(error)))?;
        let entry = store.build(name.service, &name.account, None);
        let done = entry.and_then(|entry| act(&entry));
        done.map_err(|error| match error {
            Error::NoStorageAccess(source) => CredentialError::Locked(source),
            other => CredentialError::Failed {
                name: name.clone(),
                source: cause(other),
            },
        })
    }
}

impl CredentialStore for SystemStore {
    fn read(&self, name: &CredentialName) -> Result<Option<Secret>, CredentialError> {
        Self::with_entry(name, |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn write(&self, name: &CredentialName, secret: &Secret) -> Result<(), CredentialError> {
        Self::with_entry(name, |entry| entry.set_password(secret.expose()))
    }

    fn remove(&self, name: &CredentialName) -> Result<(), CredentialError> {
        Self::with_entry(name, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

/// What the system itself said, without what the store keeps.
fn cause(error: Error) -> Cause {
    match error {
        Error::PlatformFailure(source) | Error::NoStorageAccess(source) => source,
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it keeps there is no text".into(),
        other => other.into(),
    }
}
