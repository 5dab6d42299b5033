//! A release: the program, and a signature by which it is known to be ours.
//!
//! The file `portlama-<version>-<target>` is the plain program, and beside it lies its signature
//! in minisign's format, `….minisig`. Version and target stand in the signed comment
//! ([`Claim`]); nothing is learnt from the program itself, and nothing of it is run, before the
//! signature holds.

mod claim;
mod fetch;
mod keys;
mod verify;

use std::path::{Path, PathBuf};

use portlama_model::ReleaseVersion;

pub use claim::Claim;
pub use fetch::{FETCH_LIMIT, FETCH_SILENCE, FetchError, fetch};
pub use keys::ReleaseKeys;
pub use verify::{MAX_RELEASE_BYTES, MAX_SIGNATURE_BYTES, verify};

/// What this program runs on, in the form in which releases name it.
pub const TARGET: &str = match (cfg!(target_arch = "x86_64"), cfg!(target_os = "linux")) {
    (true, true) => "x86_64-linux",
    (false, true) => "aarch64-linux",
    (true, false) => "x86_64-macos",
    (false, false) => "aarch64-macos",
};

/// The name of a release's program. Its signature's name ends in `.minisig` as well.
#[must_use]
pub fn file_name(version: &ReleaseVersion) -> String {
    format!("portlama-{version}-{TARGET}")
}

/// The name of the signature beside a release.
pub(crate) fn signature_of(release: &Path) -> PathBuf {
    let mut name = release.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

/// Why a file is not taken for a release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// Nobody has given this build a key.
    #[error(
        "this program was built without release keys and trusts no release: install the new one \
         by hand (`portlama server install` of the new program replaces this one)"
    )]
    NoKeys,
    /// The signature's text is not one.
    #[error("the signature is not one of minisign's: {0}")]
    Malformed(&'static str),
    /// Made in the way that does not sign a digest.
    #[error("the signature is of minisign's old kind: sign anew with minisign 0.8 or later")]
    Legacy,
    /// By somebody else.
    #[error("the signature is by a key that this program does not know")]
    UnknownKey,
    /// It is not of these octets, or its comment was changed.
    #[error("the signature does not hold: the file or its signature was changed")]
    Forged,
    /// The signature holds, but does not say what a release says.
    #[error("the signed comment is not that of a release: {0}")]
    Claim(&'static str),
    /// The signed digest is another one.
    #[error("the file is not the one whose digest was signed")]
    Digest,
    /// For another kind of machine.
    #[error("the release is for {found}, and this machine needs {TARGET}")]
    Target {
        /// What it is for.
        found: String,
    },
    /// Larger than any release.
    #[error("the file is larger than {} MiB, and no release is", MAX_RELEASE_BYTES / 1024 / 1024)]
    TooLarge,
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
}
