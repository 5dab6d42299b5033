//! Keys in the credential store of the system.

use portlama_credentials::{CredentialName, CredentialStore, SystemStore as Store};
use portlama_model::Secret;

use super::{KeySlot, KeyStore, KeyStoreError, SERVICE};
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

    fn name(&self, slot: KeySlot) -> CredentialName {
        let account = match slot {
            KeySlot::Present => self.account.clone(),
            KeySlot::Next => format!("{}.next", self.account),
        };
        CredentialName::new(SERVICE, account)
    }
}

impl KeyStore for SystemStore {
    fn read(&self, slot: KeySlot) -> Result<Option<Secret>, KeyStoreError> {
        Ok(Store.read(&self.name(slot))?)
    }

    fn write(&self, slot: KeySlot, key: &Secret) -> Result<(), KeyStoreError> {
        Ok(Store.write(&self.name(slot), key)?)
    }

    fn remove(&self, slot: KeySlot) -> Result<(), KeyStoreError> {
        Ok(Store.remove(&self.name(slot))?)
    }
}
