//! Where an agent's private key lies: in a private file, or in the credential store of the
//! system.
//!
//! Either is a [`KeyStore`]. A store keeps two keys of an agent: the present one, and while the
//! certificate is renewed the next one.

mod file;
mod system;
mod transfer;

use std::fmt;
use std::str::FromStr;

use portlama_credentials::{CredentialError, HAS_SYSTEM_STORE};
use portlama_model::{AgentLabel, Secret};
use serde::{Deserialize, Serialize};

use crate::directory::AgentDir;
use portlama_files::FileError;

pub use transfer::move_key;

/// The service under which credential stores know the keys of agents. The account is the
/// agent's label on this machine, with `.next` behind it for the key of a renewal.
pub const SERVICE: &str = "com.portlama.agent";

/// Which store keeps an agent's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStoreKind {
    /// A file that its owner alone can read.
    File,
    /// The system's credential store: the Keychain on macOS, the Secret Service (GNOME Keyring,
    /// KWallet, KeePassXC) on Linux.
    System,
}

impl Default for KeyStoreKind {
    /// A file on Linux, where an agent starts with the machine and the credential store opens
    /// when somebody signs in; the Keychain on macOS, where both happen at the same moment.
    fn default() -> Self {
        if cfg!(target_os = "macos") && HAS_SYSTEM_STORE {
            Self::System
        } else {
            Self::File
        }
    }
}

impl fmt::Display for KeyStoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::System => "system",
        })
    }
}

impl FromStr for KeyStoreKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "file" => Ok(Self::File),
            "system" => Ok(Self::System),
            other => Err(format!("`{other}` is no key store: use `file` or `system`")),
        }
    }
}

/// One of the two keys of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySlot {
    /// The key of the certificate in use.
    Present,
    /// The key of the certificate that is to take its place.
    Next,
}

/// Keeps the private keys of one agent, as PEM text.
///
/// A write replaces the whole key or nothing of it. Calls may wait, for the disk or for a person
/// who is asked to open the store.
pub trait KeyStore: Send + Sync {
    /// The key, or `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn read(&self, slot: KeySlot) -> Result<Option<Secret>, KeyStoreError>;

    /// Keeps a key in place of the one before.
    ///
    /// # Errors
    /// When it could not be kept; the one before is still there.
    fn write(&self, slot: KeySlot, key: &Secret) -> Result<(), KeyStoreError>;

    /// Forgets a key; there need not be one.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn remove(&self, slot: KeySlot) -> Result<(), KeyStoreError>;
}

/// Why a key store did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system's credential store.
    #[error(transparent)]
    System(#[from] CredentialError),
    /// This program does not know where the key is.
    #[error(
        "the key of {label} is kept in `{found}`, which this program does not know: use a newer portlama, or set the agent up again with a new token"
    )]
    UnknownKind {
        /// The agent.
        label: AgentLabel,
        /// `authMethod` of its configuration.
        found: String,
    },
}

impl KeyStoreError {
    /// Whether it may be otherwise in a moment, without anybody touching the agent.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::System(error) if error.may_pass())
    }
}

/// The store of this kind for an agent.
#[must_use]
pub fn key_store(kind: KeyStoreKind, agent: &AgentDir) -> Box<dyn KeyStore> {
    match kind {
        KeyStoreKind::File => Box::new(file::FileStore::at(agent.path())),
        KeyStoreKind::System => Box::new(system::SystemStore::of(agent)),
    }
}
