//! The place of the system's credential store in a build that does not speak to it.

use portlama_model::Secret;

use crate::{CredentialError, CredentialName, CredentialStore};

/// The credential store of the system, which this build does not speak to.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemStore;

impl CredentialStore for SystemStore {
    fn read(&self, _: &CredentialName) -> Result<Option<Secret>, CredentialError> {
        Err(CredentialError::NotBuilt)
    }

    fn write(&self, _: &CredentialName, _: &Secret) -> Result<(), CredentialError> {
        Err(CredentialError::NotBuilt)
    }

    fn remove(&self, _: &CredentialName) -> Result<(), CredentialError> {
        Err(CredentialError::NotBuilt)
    }
}
