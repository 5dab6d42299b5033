//! The place of the system's credential store in a build that does not speak to it.

use portlama_model::Secret;

use super::{KeySlot, KeyStore, KeyStoreError};
use crate::directory::AgentDir;

pub(super) struct SystemStore;

impl SystemStore {
    pub(super) fn of(_: &AgentDir) -> Self {
        Self
    }
}

impl KeyStore for SystemStore {
    fn read(&self, _: KeySlot) -> Result<Option<Secret>, KeyStoreError> {
        Err(KeyStoreError::NotBuilt)
    }

    fn write(&self, _: KeySlot, _: &Secret) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::NotBuilt)
    }

    fn remove(&self, _: KeySlot) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::NotBuilt)
    }
}
