//! Why a store did not do what it should.

use std::path::PathBuf;

use portlama_files::FileError;

use crate::CredentialName;
use crate::encrypted_file::MIN_PASSPHRASE_CHARACTERS;

/// What a store said. No secret stands in it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is no credential store to ask.
    #[error(
        "no credential store of the system can be reached (on Linux it belongs to a desktop session): sign in there, or keep secrets in a file"
    )]
    Unavailable(#[source] Cause),
    /// The credential store is locked.
    #[error("the system's credential store is locked: sign in to the desktop or unlock it there")]
    Locked(#[source] Cause),
    /// The credential store failed.
    #[error("the system's credential store failed for {name}")]
    Failed {
        /// The entry.
        name: CredentialName,
        /// What it said.
        #[source]
        source: Cause,
    },
    /// This program was built without it.
    #[error(
        "this build does not speak to the system's credential store: use a released portlama, or keep secrets in a file"
    )]
    NotBuilt,
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nobody could be asked for the passphrase.
    #[error("the passphrase of `{}` is needed", .path.display())]
    NoPassphrase {
        /// The file.
        path: PathBuf,
        /// Why nobody could be asked.
        #[source]
        source: Cause,
    },
    /// A passphrase that would be found by trying.
    #[error(
        "the passphrase must have {MIN_PASSPHRASE_CHARACTERS} characters at least: whoever has the file can try as often as they like"
    )]
    WeakPassphrase,
    /// The passphrase is another one.
    #[error("this is not the passphrase of `{}`: try again; without it, delete the file and store the secrets anew", .path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// Something else lies there.
    #[error("`{}` is not the encrypted file that Portlama writes: {reason}", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl CredentialError {
    /// Whether it may be otherwise in a moment, without anybody changing a setting.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Locked(_) | Self::Failed { .. }
        )
    }
}
