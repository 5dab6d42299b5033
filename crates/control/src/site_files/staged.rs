//! A file on its way into a site.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use portlama_model::SitePath;
use rustix::fs::{AtFlags, OFlags, fstatvfs, fsync, openat, renameat, unlinkat};
use uuid::Uuid;

use super::beneath::{self, Way};
use super::digests::Hashing;
use super::tally::{MAX_SITE_FILES, Tally};
use super::{FILE_MODE, SiteFileError, SiteFiles};

/// How much of the disk uploads leave free, bytes: enough for the state, its journal and the
/// audit to be written, so that a server full of files still signs people in and revokes agents.
pub const RESERVED_DISK_BYTES: u64 = 16 * 1024 * 1024;

/// How many inodes uploads leave free, for the same. The state's own files are a few hundred.
pub const RESERVED_DISK_INODES: u64 = 1_000;

/// A file that nobody sees yet. Dropped before it is published, it leaves nothing.
pub(crate) struct StagedFile {
    files: Arc<SiteFiles>,
    file: File,
    name: String,
    size: u64,
    hashing: Hashing,
    published: bool,
}

impl StagedFile {
    /// An empty one.
    pub(crate) fn new(files: &Arc<SiteFiles>) -> Result<Self, SiteFileError> {
        require_inodes(files.staging.as_fd(), 1)?;
        let name = Uuid::new_v4().to_string();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let opened = openat(&files.staging, &name, flags, FILE_MODE)?;
        let staged = Self {
            files: files.clone(),
            file: File::from(opened),
            name,
            size: 0,
            hashing: Hashing::new(),
            published: false,
        };
        beneath::set_owner_and_mode(staged.file.as_fd(), files.owner, FILE_MODE)?;
        Ok(staged)
    }

    /// Adds to it.
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), SiteFileError> {
        let disk = fstatvfs(&self.file)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < RESERVED_DISK_BYTES.saturating_add(octets.len() as u64) {
            return Err(SiteFileError::DiskFull);
        }
        self.file.write_all(octets)?;
        self.hashing.add(octets);
        self.size = self.size.saturating_add(octets.len() as u64);
        Ok(())
    }

    /// How much was written, octets.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Makes its content durable. It has no name yet.
    pub(crate) fn sync(&self) -> Result<(), SiteFileError> {
        Ok(fsync(&self.file)?)
    }

    /// Gives it its name in a site, in place of a file that has it; durable when the call
    /// returns. Missing folders are made. A site with [`MAX_SITE_FILES`] gets no new names. What
    /// is refused makes no folder, and the site needs not be measured again.
    pub(crate) fn publish(mut self, site: Uuid, path: &SitePath) -> Result<(), SiteFileError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(SiteFileError::Occupied);
        };
        let files = &self.files;
        let way = Way::to(site, &folder);
        let counted = files.tallies.of(site);
        let counting = counted.change(&files.root_path(site))?;
        let missing = beneath::missing_folders(files.sites.as_fd(), &way)?;
        let replaced = match missing {
            0 => {
                let folder = beneath::open_folder(files.sites.as_fd(), &way)?;
                beneath::stat(folder.as_fd(), name)?
            }
            _ => None,
        };
        if replaced.as_ref().is_some_and(|it| it.is_folder) {
            return Err(SiteFileError::Occupied);
        }
        let gone = replaced.map_or_else(Tally::default, |it| it.tally());
        // The site's own folder counts for nothing.
        let made = missing.min(folder.segments().count()) as u64;
        let come = Tally::of(self.size).and(Tally::of_folders(made));
        let added = come.names() - gone.names();
        if added > 0 && counting.before().names().saturating_add(added) > MAX_SITE_FILES {
            return Err(SiteFileError::TooManyFiles);
        }
        if missing > 0 {
            require_inodes(files.sites.as_fd(), missing as u64)?;
        }
        counting.settle(|| {
            let folder = beneath::make_folder(files.sites.as_fd(), &way, files.owner)?;
            renameat(&files.staging, &self.name, &folder, name)?;
            self.published = true;
            let digest = self.hashing.so_far();
            files.digests.remember(self.file.as_fd(), digest);
            fsync(&folder)?;
            Ok((gone, come))
        })
    }
}

/// Whether the file system has room for so many new names. One that makes inodes as they are
/// needed says that it has none at all, and is bounded by its blocks.
fn require_inodes(place: BorrowedFd<'_>, wanted: u64) -> Result<(), SiteFileError> {
    let disk = fstatvfs(place)?;
    if disk.f_files > 0 && disk.f_favail < RESERVED_DISK_INODES.saturating_add(wanted) {
        return Err(SiteFileError::DiskFull);
    }
    Ok(())
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = unlinkat(&self.files.staging, &self.name, AtFlags::empty())
        {
            tracing::warn!(%error, "half an upload takes up space until the next start");
        }
    }
}
