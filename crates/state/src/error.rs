//! Why the state could not be read or changed.

use std::io;
use std::path::{Path, PathBuf};

/// Why the state could not be read or changed.
///
/// The variants differ by what the caller can do; [`is_disk_full`](Self::is_disk_full) is the
/// one that an API answers with 507.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another process holds the directory.
    #[error("`{}` is in use by another Portlama process{}: stop that process first", .dir.display(), shown_pid(*.pid))]
    Locked {
        /// The state directory.
        dir: PathBuf,
        /// The holder, when it wrote itself down.
        pid: Option<u32>,
    },
    /// There is no state here yet.
    #[error("`{0}` holds no Portlama state: run `portlama server init --state-dir {0}` first", .dir.display())]
    NotInitialised {
        /// The state directory.
        dir: PathBuf,
    },
    /// There is a state here already, and it stays as it is.
    #[error("`{}` already holds a Portlama state: run it, or choose another directory", .dir.display())]
    AlreadyInitialised {
        /// The state directory.
        dir: PathBuf,
    },
    /// A file is in the way that this version of Portlama did not make.
    #[error("`{}` exists, but its directory has no `format.json`: it belongs to something else; move it away or choose another directory", .path.display())]
    Foreign {
        /// The file in the way.
        path: PathBuf,
    },
    /// A newer Portlama wrote this, and nothing was touched.
    #[error("`{}` needs a Portlama that reads format {needs}, and this one reads format {reads}: use the newer version; nothing was changed", .path.display())]
    NewerFormat {
        /// The file that says so.
        path: PathBuf,
        /// The format a reader must understand.
        needs: u32,
        /// The format this program understands.
        reads: u32,
    },
    /// A file is broken; it was left as it is.
    #[error("`{}`{} is broken: {problem}. Nothing was changed; {way_back}", .file.display(), shown_place(*.place))]
    Corrupt {
        /// The broken file.
        file: PathBuf,
        /// Where in it, when that is known.
        place: Option<Place>,
        /// What is wrong, without values from the file.
        problem: String,
        /// How to get on.
        way_back: &'static str,
    },
    /// The disk or the quota is full.
    #[error("no space left to write `{}`: free some space and try again", .path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The file system or a file's permissions do not let us write.
    #[error("`{}` cannot be written: check its owner and mode, and that the file system is not read-only", .path.display())]
    NotWritable {
        /// What was being written.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("cannot use `{}`", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// Others could change the state behind our back.
    #[error("`{}` {problem}", .path.display())]
    Insecure {
        /// The directory.
        path: PathBuf,
        /// What is wrong and how to mend it.
        problem: &'static str,
    },
    /// A path that no file of the state may have.
    #[error("`{path}` is no path of the state directory: {problem}")]
    BadPath {
        /// The text that was given.
        path: String,
        /// The rule it breaks.
        problem: &'static str,
    },
    /// A commit that the next start could not read; nothing was changed.
    #[error("the new `{file}` could not be read back: {problem}")]
    Rejected {
        /// The document, relative to the state directory.
        file: String,
        /// What is wrong, without values from the file.
        problem: String,
    },
    /// An earlier commit is durable but still not applied, so this one was not begun.
    #[error("an earlier change is recorded but could not be applied yet, so no other can begin")]
    Unapplied {
        /// Why it still cannot be applied.
        #[source]
        source: Box<StateError>,
    },
    /// The disk failed in such a way that only the next start can tell whether this commit happened.
    #[error(
        "the disk failed while the change was recorded; whether it happened is decided at the next start"
    )]
    Undecided {
        /// What the disk said.
        #[source]
        source: Box<StateError>,
    },
    /// The runtime database failed.
    #[error("the database `{}` failed", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
}

/// A place in a text file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl StateError {
    /// Whether the cause is a full disk or quota, so that freeing space helps.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull { .. } => true,
            Self::Unapplied { source } | Self::Undecided { source } => source.is_disk_full(),
            _ => false,
        }
    }

    /// The variant that fits what the system said about `path`.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            // EFBIG is what a limit on file sizes answers: for the caller it is a full disk.
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull { path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            _ => Self::Io { path, source },
        }
    }
}

/// Adds the file to a failure of the file system.
pub(crate) trait OnFile<T> {
    fn on(self, path: &Path) -> Result<T, StateError>;
}

impl<T> OnFile<T> for io::Result<T> {
    fn on(self, path: &Path) -> Result<T, StateError> {
        self.map_err(|source| StateError::io(path, source))
    }
}

fn shown_pid(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

fn shown_place(place: Option<Place>) -> String {
    place
        .map(|at| format!(", line {}, column {},", at.line, at.column))
        .unwrap_or_default()
}
