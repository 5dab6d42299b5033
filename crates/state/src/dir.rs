//! The state directory: where things are, and who may touch them.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use portlama_model::{Hostname, State};

use crate::document::{self, Document, read_bounded};
use crate::error::OnFile;
use crate::format::Format;
use crate::tunnel_log::TUNNEL_LOG;
use crate::{FilePath, StateError};

/// The permissions of every directory we make: nobody else has business in any of them.
pub const DIRECTORY_MODE: u32 = 0o700;

/// The path of the runtime database relative to the state directory.
pub const DATABASE: &str = "runtime.db";

/// How deep below the state directory our files lie (`certificates/<host>/privkey.pem`).
const MAX_DEPTH: usize = 3;

/// The place of a state: paths and permissions, without the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

/// What a directory holds, as far as can be seen without the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing of a state: it can be initialised.
    Nothing,
    /// A state, or one whose initialisation the next start completes.
    State,
    /// A file of the state's names that this version did not put there.
    Foreign(PathBuf),
}

impl StateDir {
    /// The state directory at `path`; nothing is touched.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file lies.
    #[must_use]
    pub fn file(&self, path: &FilePath) -> PathBuf {
        self.0.join(path.as_str())
    }

    /// Where a document lies.
    #[must_use]
    pub fn document(&self, document: Document) -> PathBuf {
        self.0.join(document.path())
    }

    /// What the directory holds.
    ///
    /// # Errors
    /// When the directory cannot be looked at.
    pub fn presence(&self) -> Result<Presence, StateError> {
        for path in [self.document(Document::Format), self.intent_path()] {
            if path.try_exists().on(&path)? {
                return Ok(Presence::State);
            }
        }
        let documents = Document::ALL
            .iter()
            .map(|document| self.document(*document));
        for path in documents.chain([self.file(&FilePath::CA_KEY), self.database_path()]) {
            if path.try_exists().on(&path)? {
                return Ok(Presence::Foreign(path));
            }
        }
        Ok(Presence::Nothing)
    }

    /// The content of a file as it is on the disk; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or is larger than [`crate::MAX_FILE_BYTES`].
    pub fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, StateError> {
        read_bounded(&self.file(path))
    }

    /// The documents as they lie there, without the lock and without touching anything. What a
    /// crash cut short ([`is_cut_short`](Self::is_cut_short)) is not in them.
    ///
    /// # Errors
    /// [`StateError::NotInitialised`], [`StateError::NewerFormat`], [`StateError::Corrupt`], and
    /// what the disk says.
    pub fn look(&self) -> Result<State, StateError> {
        if Format::read(self)?.is_none() {
            return Err(StateError::NotInitialised {
                dir: self.0.clone(),
            });
        }
        document::load(self)
    }

    /// Whether a change is recorded that the next start completes.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.intent_path().exists()
    }

    /// The hosts that have a folder below `certificates/`, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn hosts_with_certificates(&self) -> Result<Vec<Hostname>, StateError> {
        let folder = self.0.join("certificates");
        let entries = match fs::read_dir(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.on(&folder)?,
        };
        let mut hosts = Vec::new();
        for entry in entries {
            let name = entry.on(&folder)?.file_name();
            hosts.extend(name.to_str().and_then(|name| name.parse::<Hostname>().ok()));
        }
        hosts.sort();
        Ok(hosts)
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn intent_path(&self) -> PathBuf {
        self.0.join("intent.json")
    }

    pub(crate) fn tunnel_log_path(&self) -> PathBuf {
        self.0.join(TUNNEL_LOG)
    }

    pub(crate) fn database_path(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    /// Makes the directory, with its parents, if it is not there.
    pub(crate) fn create(&self) -> Result<(), StateError> {
        if self.0.is_dir() {
            return Ok(());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(&self.0)
            .on(&self.0)?;
        fs::set_permissions(&self.0, Permissions::from_mode(DIRECTORY_MODE)).on(&self.0)?;
        // What becomes durable inside must be found after a crash.
        let parent = self.0.join("..");
        fs::File::open(&parent)
            .and_then(|folder| folder.sync_all())
            .on(&parent)
    }

    /// Whether this folder of the state is there. The directory itself may be a link of whoever
    /// named it; below it a link is no folder of ours, wherever it leads.
    pub(crate) fn has_folder(&self, folder: &Path) -> bool {
        if folder == self.0 {
            return folder.is_dir();
        }
        fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir())
    }

    /// Refuses a directory in which others could replace files.
    pub(crate) fn check_permissions(&self) -> Result<(), StateError> {
        let us = rustix::process::geteuid().as_raw();
        let folders = ["pki", "certificates"].map(|name| self.0.join(name));
        let found = folders.map(|path| (fs::symlink_metadata(&path), path));
        for (metadata, path) in [(fs::metadata(&self.0), self.0.clone())]
            .into_iter()
            .chain(found)
        {
            let metadata = match metadata {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                found => found.on(&path)?,
            };
            let problem = if metadata.is_symlink() {
                Some("is a link, and its target would be written to: put a directory there")
            } else if !metadata.is_dir() {
                Some("is not a directory: choose another path")
            } else if metadata.mode() & 0o002 != 0 {
                Some("can be written by everybody: take that away with `chmod o-w`")
            } else if us != 0 && metadata.uid() != us && metadata.uid() != 0 {
                Some(
                    "belongs to another user, who could change the state: run as that user or use `chown`",
                )
            } else {
                None
            };
            if let Some(problem) = problem {
                return Err(StateError::Insecure { path, problem });
            }
        }
        Ok(())
    }

    /// User and group of the directory, when this process is root's and the directory is not.
    ///
    /// # Errors
    /// When the directory cannot be looked at.
    pub fn foreign_owner(&self) -> Result<Option<(u32, u32)>, StateError> {
        let metadata = fs::metadata(&self.0).on(&self.0)?;
        let root = rustix::process::geteuid().is_root();
        Ok((root && metadata.uid() != 0).then(|| (metadata.uid(), metadata.gid())))
    }

    /// Removes temporary files that a crash left, and takes permissions back that a file
    /// should not give.
    pub(crate) fn tidy(&self) -> Result<(), StateError> {
        for document in Document::ALL {
            tighten(&self.document(*document), 0o600)?;
        }
        tighten(&self.tunnel_log_path(), 0o600)?;
        self.tidy_folder(&self.0, "", 0)?;
        for folder in ["pki", "certificates"] {
            self.tidy_folder(&self.0.join(folder), folder, 1)?;
        }
        Ok(())
    }

    fn tidy_folder(&self, folder: &Path, name: &str, depth: usize) -> Result<(), StateError> {
        let entries = match fs::read_dir(folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries.on(folder)?,
        };
        if depth > 0 {
            tighten(folder, DIRECTORY_MODE)?;
        }
        for entry in entries {
            let entry = entry.on(folder)?;
            let path = entry.path();
            let kind = entry.file_type().on(&path)?;
            let file_name = entry.file_name();
            let relative = format!("{name}/{}", file_name.to_string_lossy());
            if kind.is_file() && relative.ends_with(".tmp") {
                tracing::warn!(file = %path.display(), "removed a temporary file that a crash left");
                fs::remove_file(&path).on(&path)?;
            } else if kind.is_file() && depth > 0 {
                tighten(
                    &path,
                    FilePath::new(relative).map_or(0o600, |path| path.mode()),
                )?;
            } else if kind.is_dir() && (1..MAX_DEPTH).contains(&depth) {
                self.tidy_folder(&path, &relative, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Takes away permissions beyond `mode`.
pub(crate) fn tighten(path: &Path, mode: u32) -> Result<(), StateError> {
    let found = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.on(path)?,
    };
    let found_mode = found.mode() & 0o7777;
    if found.is_symlink() || found_mode & !mode == 0 {
        return Ok(());
    }
    tracing::warn!(
        file = %path.display(),
        found = format!("{found_mode:o}"),
        "took away permissions that others had"
    );
    fs::set_permissions(path, Permissions::from_mode(found_mode & mode)).on(path)
}
