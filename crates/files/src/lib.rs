//! Small private files: read whole, written whole or not at all, and a lock between processes.
//! What stands in the home directory of a person who runs an agent or looks after servers.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest file of ours that is read, bytes. The largest real one, an allow-list with
/// every port, stays below; more is not ours and would only fill memory.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading failed.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Writing failed; what was there before is still there.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The content is not what it should be. It is left as it is.
    #[error("`{}` is broken at line {line}, column {column}: {reason}; correct it, or put a copy of it back", .path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Line of the first mistake, from 1.
        line: usize,
        /// Column of the first mistake, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A newer Portlama wrote it. It is left as it is.
    #[error("`{}` has format {found}, and this program reads up to {known}: use a newer portlama", .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The format it has.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// Another process holds the lock.
    #[error("`{}` is in use by another process{}", .path.display(), holder(.pid))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that wrote itself into it.
        pid: Option<u32>,
    },
}

fn holder(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

/// Makes a directory and its parents. What is made is 0700, and so is the directory itself
/// afterwards.
///
/// # Errors
/// [`FileError`].
pub fn create_private_dir(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Write {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// The whole text of a file; `None` when there is none.
///
/// # Errors
/// [`FileError`].
pub fn read_text(path: &Path) -> Result<Option<String>, FileError> {
    let text = |octets| String::from_utf8(octets).map_err(|_| io::ErrorKind::InvalidData.into());
    read_octets(path)?
        .map(text)
        .transpose()
        .map_err(|source| FileError::Read {
            path: path.to_owned(),
            source,
        })
}

/// All octets of a file; `None` when there is none.
///
/// # Errors
/// [`FileError`].
pub fn read_octets(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read_limited(path) {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!(
            "is larger than {MAX_FILE_BYTES} bytes"
        )));
    }
    Ok(octets)
}

/// Removes a file that may be there.
///
/// # Errors
/// [`FileError`].
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FileError::Write {
            path: path.to_owned(),
            source,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A JSON document; `None` when there is no file.
///
/// # Errors
/// [`FileError`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    read_text(path)?
        .map(|text| parse_json(path, &text))
        .transpose()
}

/// The JSON document in a text that was read from `path`.
///
/// # Errors
/// [`FileError::Broken`], with the line.
pub fn parse_json<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    serde_json::from_str(text).map_err(|error| FileError::Broken {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        reason: plain_reason(&error),
    })
}

/// serde's words without its own copy of line and column.
fn plain_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// Writes a JSON document, readable by its owner only.
///
/// # Errors
/// [`FileError`].
pub fn write_json<T: Serialize>(path: &Path, document: &T) -> Result<(), FileError> {
    let mut text = serde_json::to_string_pretty(document).map_err(|error| FileError::Write {
        path: path.to_owned(),
        source: error.into(),
    })?;
    text.push('\n');
    write_private(path, text.as_bytes())
}

/// Puts `content` at `path` with mode 0600: a reader, and a machine that loses its power,
/// finds the old content or the new, never a part.
///
/// # Errors
/// [`FileError`].
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    replace(path, content).map_err(|source| FileError::Write {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path
        .parent()
        .ok_or_else(|| io::Error::other("has no directory"))?;
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("has no name"))?;
    let temporary = directory.join(format!(
        ".{}.{}.tmp",
        name.to_string_lossy(),
        random_suffix()?
    ));
    let written = write_new(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error is the one to tell; a leftover is harmless.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn random_suffix() -> io::Result<String> {
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    Ok(hex::encode(octets))
}

/// An exclusive lock between processes, held until dropped; the system drops it when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn take(path: &Path) -> Result<Self, FileError> {
        Self::lock(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Takes the lock when its holder, who needs it for moments only, has let go of it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        Self::lock(path, FlockOperation::LockExclusive)
    }

    fn lock(path: &Path, operation: FlockOperation) -> Result<Self, FileError> {
        let failed = |source| FileError::Write {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match rustix::fs::flock(&file, operation) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let _ = (&mut file).take(32).read_to_string(&mut text);
                return Err(FileError::Locked {
                    path: path.to_owned(),
                    pid: text.trim().parse().ok(),
                });
            }
            Err(error) => return Err(failed(error.into())),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_private_and_replaced_whole() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("client.key");
        fs::write(&path, "old").expect("writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permitted");
        write_private(&path, b"new").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(dir.path()).expect("listable").count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("taken");
        fs::create_dir(&path).expect("made");
        fs::write(path.join("inside"), "").expect("written");
        assert!(write_private(&path, b"new").is_err());
        assert_eq!(fs::read_dir(dir.path()).expect("listable").count(), 1);
    }

    #[test]
    fn a_broken_document_names_file_and_line() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("config.json");
        fs::write(&path, "{\n  \"label\": }\n").expect("written");
        let error = read_json::<serde_json::Value>(&path)
            .expect_err("broken")
            .to_string();
        assert!(
            error.contains("config.json") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn a_lock_is_held_once_and_names_its_holder() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("agent.lock");
        let first = FileLock::take(&path).expect("free");
        let error = FileLock::take(&path).expect_err("taken").to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        FileLock::take(&path).expect("free again");
    }

    #[test]
    fn a_file_too_large_to_be_ours_is_refused() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("big");
        File::create(&path)
            .and_then(|f| f.set_len(MAX_FILE_BYTES + 1))
            .expect("made");
        assert!(matches!(read_text(&path), Err(FileError::Read { .. })));
    }
}
