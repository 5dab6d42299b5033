//! Why there is no backup, or why it is not believed.

use std::io;
use std::path::PathBuf;

/// Why a backup was not written or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Not an age file, or a version of it that we do not know.
    #[error("this is no backup: it is not a file that `portlama server backup` or age wrote")]
    NotEncrypted,
    /// The passphrase or the key is another one.
    #[error("this does not open the backup: it is another passphrase or another key")]
    WrongKey,
    /// It was locked with the other kind of key.
    #[error("{0}")]
    OtherKind(&'static str),
    /// The passphrase was made so expensive to try that this machine would stand still.
    #[error("the backup's passphrase takes more memory to try than Portlama gives it")]
    TooExpensive,
    /// A recipient, key or passphrase that cannot be used.
    #[error("{0}")]
    BadKey(String),
    /// It ends before its end, or octets in it were changed.
    #[error("the backup is damaged: it was cut off or changed after it was written")]
    Damaged(#[source] io::Error),
    /// It opens, and what is in it is no backup of ours.
    #[error("what is in the file is no backup of a server: {0}")]
    Refused(String),
    /// A newer version made it.
    #[error("a newer version made this backup ({made_by}): use that version")]
    Newer {
        /// The program that made it.
        made_by: String,
    },
    /// The copy that was read did not stand still.
    #[error("{0}: did the server stop? There is no backup; make it again")]
    Changed(String),
    /// A file cannot be read or written.
    #[error("cannot use `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The backup itself cannot be written.
    #[error("the backup cannot be written")]
    Write(#[source] io::Error),
    /// Whoever was asked to admit it said no.
    #[error("{0}")]
    Declined(String),
    /// The watcher said so.
    #[error("stopped")]
    Stopped,
}

impl BackupError {
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}
