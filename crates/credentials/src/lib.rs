//! Where passwords and tokens of a person lie: in the system's credential store, or in a file
//! that is encrypted with a passphrase.
//!
//! Either is a [`CredentialStore`]. There is no third place: a secret that neither takes is not
//! kept.
#![forbid(unsafe_code)]

mod encrypted_file;
mod error;
#[cfg_attr(
    all(feature = "system", target_os = "linux"),
    path = "system/secret_service.rs"
)]
#[cfg_attr(
    all(feature = "system", target_os = "macos"),
    path = "system/keychain.rs"
)]
#[cfg_attr(
    not(all(feature = "system", any(target_os = "linux", target_os = "macos"))),
    path = "system/none.rs"
)]
mod system;

use std::fmt;

use portlama_model::Secret;

pub use encrypted_file::{
    AskPassphrase, EncryptedFile, MAX_SCRYPT_LOG_N, MIN_PASSPHRASE_CHARACTERS, Occasion,
    SCRYPT_LOG_N,
};
pub use error::{Cause, CredentialError};
pub use system::SystemStore;

/// Whether this program speaks to the system's credential store.
pub const HAS_SYSTEM_STORE: bool = cfg!(all(
    feature = "system",
    any(target_os = "linux", target_os = "macos")
));

/// What a secret is kept under. Neither part is secret. Other programs find it by both: the
/// Keychain calls them service and account, the Secret Service has attributes of these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialName {
    /// What it is for, such as `com.portlama.cloud`.
    pub service: &'static str,
    /// Whose it is there.
    pub account: String,
}

impl CredentialName {
    /// The name of one secret.
    #[must_use]
    pub fn new(service: &'static str, account: impl Into<String>) -> Self {
        Self {
            service,
            account: account.into(),
        }
    }
}

impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of `{}`", self.account, self.service)
    }
}

/// Keeps secrets, as text.
///
/// A write replaces the whole secret or nothing of it. Calls may wait, for the disk or for a person
/// who is asked to open the store: not for a thread that others wait for.
pub trait CredentialStore: Send + Sync {
    /// The secret, or `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn read(&self, name: &CredentialName) -> Result<Option<Secret>, CredentialError>;

    /// Keeps a secret in place of the one before.
    ///
    /// # Errors
    /// When it could not be kept; the one before is still there.
    fn write(&self, name: &CredentialName, secret: &Secret) -> Result<(), CredentialError>;

    /// Forgets a secret; there need not be one.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn remove(&self, name: &CredentialName) -> Result<(), CredentialError>;
}
