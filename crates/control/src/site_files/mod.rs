//! The files of static sites: `<state directory>/sites/<site id>/`.
//!
//! A file appears whole, by renaming what was written and synced in `sites/.staging/`, and a
//! folder goes away whole, by renaming it there. Nothing is opened through a symbolic link.
//! Whether a site exists is the state's to say; a crash between state and files is settled at the
//! next start by a mark ([`SiteFiles::doubt`]).
//!
//! Every call here blocks: from asynchronous code, use `spawn_blocking`.

mod beneath;
mod digests;
mod listing;
mod picture;
mod removal;
mod slots;
mod staged;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use portlama_model::{SitePath, State};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, fsync, openat, renameat, unlinkat};
use rustix::io::Errno;
use uuid::Uuid;

use beneath::{Owner, Way};
use digests::Digests;
pub use listing::{FileKind, ListedFile, Listing, MAX_LISTED_FILES};
pub(crate) use slots::Slot;
use slots::Slots;
pub use slots::{MAX_PARALLEL_UPLOADS, MAX_UPLOADS_PER_IDENTITY};
pub(crate) use staged::StagedFile;
pub use staged::{RESERVED_DISK_BYTES, RESERVED_DISK_INODES};
pub use tally::{MAX_SITE_FILES, MEASURE_INTERVAL};
use tally::{Tallies, Tally};

/// Nobody but the server reads the files; visitors get them through it.
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The folder of all sites in the state directory.
pub(crate) const SITES: &str = "sites";
/// Where files are before they appear and after they went away; no site has such an id.
pub(crate) const STAGING: &str = ".staging";
/// The end of the name of a mark that a site's folder may have to go.
const DOUBT: &str = ".doubt";

/// The folders of all sites.
pub struct SiteFiles {
    /// `sites/`.
    sites: OwnedFd,
    /// `sites/.staging/`.
    staging: OwnedFd,
    path: PathBuf,
    owner: Option<Owner>,
    /// Shared by what makes a file appear in a site that was seen to exist; held alone by what
    /// removes a site's folder.
    appearing: RwLock<()>,
    uploads: Arc<Slots>,
    tallies: Tallies,
    digests: Digests,
}

/// What lies at a path of a site.
#[derive(Debug)]
pub enum SiteEntry {
    /// A file, open for reading.
    File(SiteFile),
    /// A folder.
    Folder,
}

/// A file of a site, open for reading. It stays what it is when another takes its name.
#[derive(Debug)]
pub struct SiteFile {
    /// The file; a regular one.
    pub file: File,
    /// Its size and times.
    pub metadata: Metadata,
}

/// Why files of a site were not changed or listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteFileError {
    #[error("there is no such folder")]
    NoFolder,
    #[error("a file has the name of a folder, or a folder the name of a file")]
    Occupied,
    #[error("the site has as many files and folders as it may have")]
    TooManyFiles,
    #[error("the disk is full")]
    DiskFull,
    #[error(transparent)]
    Io(io::Error),
}

impl From<Errno> for SiteFileError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Self::DiskFull,
            Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::EXIST | Errno::NOTEMPTY => {
                Self::Occupied
            }
            other => Self::Io(other.into()),
        }
    }
}

impl From<io::Error> for SiteFileError {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => Self::Io(error),
        }
    }
}

impl SiteFiles {
    /// The folders of all sites, rid of what a crash left.
    ///
    /// # Errors
    /// When `sites/` cannot be made or opened.
    pub(crate) fn start(state_dir: &Path, state: &State) -> io::Result<Self> {
        let files = Self::open(state_dir)?;
        files.sweep(&state.sites.iter().map(|site| site.id).collect());
        Ok(files)
    }

    /// The folders of all sites below a state directory; makes what is missing.
    fn open(state_dir: &Path) -> io::Result<Self> {
        let owner = owner_of(state_dir)?;
        let state = File::open(state_dir)?;
        let sites = beneath::make_folder(state.as_fd(), &Way::folder(SITES), owner)?;
        let staging = match rustix::fs::mkdirat(&sites, STAGING, FOLDER_MODE) {
            Ok(()) | Err(Errno::EXIST) => openat(
                &sites,
                STAGING,
                OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            )?,
            Err(error) => return Err(error.into()),
        };
        beneath::set_owner_and_mode(staging.as_fd(), owner, FOLDER_MODE)?;
        fsync(&sites)?;
        Ok(Self {
            sites,
            staging,
            path: fs::canonicalize(state_dir)?.join(SITES),
            owner,
            appearing: RwLock::new(()),
            uploads: Arc::default(),
            tallies: Tallies::default(),
            digests: Digests::default(),
        })
    }

    /// What lies at `path` of a site: `None` when there is nothing that visitors may see. A
    /// symbolic link, a pipe or a device counts as nothing.
    ///
    /// # Errors
    /// When the disk or the process's limits say so.
    pub fn entry(&self, site: Uuid, path: &SitePath) -> io::Result<Option<SiteEntry>> {
        let opened = match beneath::open(self.sites.as_fd(), &Way::to(site, path)) {
            Ok(opened) => opened,
            Err(
                Errno::NOENT
                | Errno::NOTDIR
                | Errno::LOOP
                | Errno::XDEV
                | Errno::NAMETOOLONG
                | Errno::NXIO,
            ) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let file = File::from(opened);
        let metadata = file.metadata()?;
        Ok(if metadata.is_dir() {
            Some(SiteEntry::Folder)
        } else if metadata.is_file() {
            Some(SiteEntry::File(SiteFile { file, metadata }))
        } else {
            None
        })
    }

    /// The folder of a site as the API shows it.
    pub(crate) fn root_path(&self, site: Uuid) -> PathBuf {
        self.path.join(site.to_string())
    }

    /// The right to one more upload; `None` while as many run as may.
    pub(crate) fn upload_slot(&self, identity: String) -> Option<Slot> {
        self.uploads.take(identity)
    }

    /// How many files and folders a site has, and how large they are.
    pub(crate) fn tally(&self, site: Uuid) -> Result<Tally, SiteFileError> {
        let counted = self.tallies.of(site);
        let counting = counted.change(&self.root_path(site))?;
        Ok(counting.before())
    }

    /// The same, without waiting for whoever changes files of the site; `None` while somebody does.
    pub(crate) fn tally_now(&self, site: Uuid) -> Option<Tally> {
        self.tallies.of(site).present()
    }

    /// Makes the folder of a new site with its first page.
    pub(crate) fn create(self: &Arc<Self>, site: Uuid, page: &[u8]) -> Result<(), SiteFileError> {
        let index = "index.html".parse().expect("our own name is a path");
        let mut staged = StagedFile::new(self)?;
        staged.write(page)?;
        staged.sync()?;
        staged.publish(site, &index)
    }

    /// Runs `change` while no site's folder can go away. It asks the state whether its site is
    /// still there.
    pub(crate) fn while_sites_stay<T>(&self, change: impl FnOnce() -> T) -> T {
        let _shared = self.appearing.read();
        change()
    }

    /// Removes the folder of a site that the state does not hold any more.
    pub(crate) fn remove_site(&self, site: Uuid) -> Result<(), SiteFileError> {
        let alone = self.appearing.write();
        self.tallies.forget(site);
        let away = match self.take_away(self.sites.as_fd(), &site.to_string()) {
            Ok(away) => away,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        drop(alone);
        self.clear_away(&away);
        Ok(fsync(&self.sites)?)
    }

    /// Notes that the folder of a site goes if the state does not hold the site: before a site is
    /// made or deleted. [`Self::settle`] takes the note back, and so does the next start.
    pub(crate) fn doubt(&self, site: Uuid) -> Result<(), SiteFileError> {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.staging, mark(site), flags, FILE_MODE)?;
        Ok(fsync(&self.staging)?)
    }

    /// Takes the note back. One that stays says nothing wrong: the next start asks the state.
    pub(crate) fn settle(&self, site: Uuid) {
        if let Err(error) = unlinkat(&self.staging, mark(site), AtFlags::empty()) {
            tracing::debug!(%site, %error, "a mark of the staging folder stays");
        }
    }

    /// Removes what a crash left: half uploads, and folders in doubt whose site is not `known`.
    /// Folders of no site without a mark stay: the list of sites may have been put away by a
    /// person. What cannot be removed is logged and waits for the next start.
    fn sweep(&self, known: &HashSet<Uuid>) {
        let staging = self.path.join(STAGING);
        for name in names(&staging) {
            let doubted = name.strip_suffix(DOUBT).and_then(|id| id.parse().ok());
            if let Some(site) = doubted
                && !known.contains(&site)
                && let Err(error) = self.remove_site(site)
            {
                tracing::warn!(%site, %error, "the folder of a deleted site could not be removed");
                continue;
            }
            let path = staging.join(&name);
            let removed = match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
                _ => fs::remove_file(&path),
            };
            if let Err(error) = removed
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "a left-over could not be removed");
            }
        }
        for name in names(&self.path) {
            if name.parse().is_ok_and(|site| !known.contains(&site)) {
                tracing::warn!(
                    site = name,
                    "a folder below `sites/` belongs to no site; it stays"
                );
            }
        }
    }

    /// Renames a folder out of sight.
    fn take_away(&self, folder: BorrowedFd<'_>, name: &str) -> rustix::io::Result<String> {
        let away = Uuid::new_v4().to_string();
        renameat(folder, name, &self.staging, &away)?;
        Ok(away)
    }

    /// Removes what is out of sight. What cannot be removed waits for the next start.
    fn clear_away(&self, away: &str) {
        if let Err(error) = fs::remove_dir_all(self.path.join(STAGING).join(away)) {
            tracing::warn!(%error, "removed files take up space until the next start");
        }
    }
}

impl std::fmt::Debug for SiteFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SiteFiles").field(&self.path).finish()
    }
}

fn mark(site: Uuid) -> String {
    format!("{site}{DOUBT}")
}

/// User and group that files must be given to, because root writes into another user's state.
fn owner_of(state_dir: &Path) -> io::Result<Option<Owner>> {
    let metadata = fs::metadata(state_dir)?;
    let foreign = rustix::process::geteuid().is_root() && metadata.uid() != 0;
    Ok(foreign.then(|| (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()))))
}

/// The names in a folder that are text; none when it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
