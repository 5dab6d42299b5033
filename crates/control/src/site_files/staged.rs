//! A file on its way into a site.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use portlama_model::SitePath;
use rustix::fs::{AtFlags, OFlags, fstatvfs, fsync, openat, renameat, unlinkat};
use uuid::Uuid;

use super::beneath::{self, Way};
use super::tally::{MAX_SITE_FILES, Tally};
use super::{FILE_MODE, SiteFileError, SiteFiles};

/// How much of the disk uploads leave free, bytes: enough for the state, its journal and the
/// audit to be written, so that a server full of files still signs people in and revokes agents.
pub const RESERVED_DISK_BYTES: u64 = 16 * 1024 * 1024;

/// A file that nobody sees yet. Dropped before it is published, it leaves nothing.
pub(crate) struct StagedFile {
    files: Arc<SiteFiles>,
    file: File,
    name: String,
    size: u64,
    published: bool,
}

impl StagedFile {
    /// An empty one.
    pub(crate) fn new(files: &Arc<SiteFiles>) -> Result<Self, SiteFileError> {
        let name = Uuid::new_v4().to_string();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let opened = openat(&files.staging, &name, flags, FILE_MODE)?;
        let staged = Self {
            files: files.clone(),
            file: File::from(opened),
            name,
            size: 0,
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
    /// returns. Missing folders are made. A site with [`MAX_SITE_FILES`] gets no new names.
    pub(crate) fn publish(mut self, site: Uuid, path: &SitePath) -> Result<(), SiteFileError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(SiteFileError::Occupied);
        };
        let files = &self.files;
        let way = Way::to(site, &folder);
        let folder = beneath::make_folder(files.sites.as_fd(), &way, files.owner)?;
        let counted = files.tallies.of(site);
        let counting = counted.change(&files.root_path(site))?;
        let replaced =
            beneath::stat(folder.as_fd(), name)?.map_or_else(Tally::default, |it| it.tally());
        if replaced.files == 0 && counting.before().files >= MAX_SITE_FILES {
            return Err(SiteFileError::TooManyFiles);
        }
        counting.settle(|| {
            renameat(&files.staging, &self.name, &folder, name)?;
            self.published = true;
            fsync(&folder)?;
            Ok((replaced, Tally::of(self.size)))
        })
    }
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
