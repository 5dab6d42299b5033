//! Keys in the credential store of the system.

use std::sync::Arc;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use portlama_model::Secret;

use super::{Cause, KeySlot, KeyStore, KeyStoreError, SERVICE};
use crate::directory::AgentDir;
use crate::home::Home;

pub(super) struct SystemStore {
    account: String,
}

impl SystemStore {
    /// A label names one agent of a home. Of another home than the user's own the path is part
    /// of the account, so that no agent takes another's key.
    pub(super) fn of(agent: &AgentDir) -> Self {
        let label = agent.label();
        let own = Home::of_user().map(|home| home.agent(label));
        let is_own = own.is_some_and(|own| own.path() == agent.path());
        Self {
            account: if is_own {
                label.to_string()
            } else {
                format!("{label}@{}", agent.path().display())
            },
        }
    }

    fn account(&self, slot: KeySlot) -> String {
        match slot {
            KeySlot::Present => self.account.clone(),
            KeySlot::Next => format!("{}.next", self.account),
        }
    }

    /// Does something with an entry, on a thread of its own: some stores run an event loop to
    /// wait with, which a thread that has one already must not do. The store is opened anew
    /// each time: a session may begin or end while an agent runs.
    fn with_entry<T: Send>(
        &self,
        slot: KeySlot,
        act: impl FnOnce(&Entry) -> Result<T, Error> + Send,
    ) -> Result<T, KeyStoreError> {
        let account = self.account(slot);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let store = open().map_err(|error| KeyStoreError::Unavailable(cause(error)))?;
                let entry = store.build(SERVICE, &account, None);
                let done = entry.and_then(|entry| act(&entry));
                done.map_err(|error| reason(&account, error))
            });
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl KeyStore for SystemStore {
    fn read(&self, slot: KeySlot) -> Result<Option<Secret>, KeyStoreError> {
        self.with_entry(slot, |entry| match entry.get_password() {
            Ok(key) => Ok(Some(Secret::new(key))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn write(&self, slot: KeySlot, key: &Secret) -> Result<(), KeyStoreError> {
        self.with_entry(slot, |entry| entry.set_password(key.expose()))
    }

    fn remove(&self, slot: KeySlot) -> Result<(), KeyStoreError> {
        self.with_entry(slot, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

#[cfg(target_os = "linux")]
fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn open() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NoDefaultStore)
}

fn reason(account: &str, error: Error) -> KeyStoreError {
    match error {
        Error::NoStorageAccess(source) => KeyStoreError::Locked(source),
        other => KeyStoreError::Failed {
            account: account.to_owned(),
            source: cause(other),
        },
    }
}

/// What the system itself said, without what the store keeps.
fn cause(error: Error) -> Cause {
    match error {
        Error::PlatformFailure(source) | Error::NoStorageAccess(source) => source,
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it keeps there is no key".into(),
        other => other.into(),
    }
}
