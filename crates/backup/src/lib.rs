//! The encrypted file that holds a whole server.
//!
//! It is a tar archive inside an age file, so that the programs `age` and `tar` open it where
//! there is no Portlama: `backup.json` ([`Head`]) first, then every file of a state directory in
//! the order of its path, then `SHA256SUMS` over all of them. [`write()`] makes one out of a copy
//! that stands still, [`check`] reads one without writing anything, [`unpack`] fills an empty
//! folder. All of them stream: memory does not grow with the backup.
//!
//! A backup is outside input: whoever knows a recipient can write one. [`Place`] is the list of
//! paths that may be in it, everything else is refused, and so are links, devices, paths that
//! come twice, and more octets than the head says.
#![forbid(unsafe_code)]

mod error;
mod head;
mod lock;
mod place;
mod read;
mod sums;
mod walk;
mod write;

pub use error::BackupError;
pub use head::{BACKUP_FORMAT, Head, MAX_HEAD_BYTES};
pub use lock::{
    Key, Lock, MAX_KEY_FILE_BYTES, MAX_SCRYPT_LOG_N, MIN_PASSPHRASE_CHARACTERS, SCRYPT_LOG_N,
};
pub use place::{MAX_DATABASE_BYTES, MAX_PLACE_BYTES, Place};
pub use read::{MAX_FILES, MAX_PADDING_BYTES, check, check_archive, unpack};
pub use write::{Source, write};

/// How far it is: files and octets of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Octets in them.
    pub bytes: u64,
}

/// Hears how far it is, after every file and every now and then within a large one. `false`
/// stops it.
pub type Watch<'a> = &'a mut dyn FnMut(Amount) -> bool;
