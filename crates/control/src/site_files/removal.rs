//! Removing files and folders of a site.

use std::os::fd::AsFd as _;

use portlama_model::SitePath;
use rustix::fs::{AtFlags, fsync, unlinkat};
use rustix::io::Errno;
use uuid::Uuid;

use super::beneath::{self, Way};
use super::tally::Tally;
use super::{STAGING, SiteFileError, SiteFiles};

impl SiteFiles {
    /// Removes what lies at `path`, a folder with all that is in it; whether there was anything.
    /// It is gone at once for whoever asks, and for ever when the call returns. Folders that it
    /// leaves empty go with it: an upload made them, and nobody else would remove them.
    pub(crate) fn remove(&self, site: Uuid, path: &SitePath) -> Result<bool, SiteFileError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(SiteFileError::Occupied);
        };
        // Before anything is looked at: somebody else may be removing the same.
        let counted = self.tallies.of(site);
        let counting = counted.change(&self.root_path(site))?;
        let folder = match beneath::open_folder(self.sites.as_fd(), &Way::to(site, &parent)) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let Some(found) = beneath::stat(folder.as_fd(), name)? else {
            return Ok(false);
        };
        counting.settle(|| {
            let gone = if found.is_folder {
                let away = self.take_away(folder.as_fd(), name)?;
                let inside = Tally::measure(&self.path.join(STAGING).join(&away))?;
                self.clear_away(&away);
                inside.and(Tally::of_folders(1))
            } else {
                unlinkat(&folder, name, AtFlags::empty())?;
                found.tally()
            };
            fsync(&folder)?;
            let emptied = self.remove_emptied(site, parent)?;
            Ok((gone.and(Tally::of_folders(emptied)), Tally::default()))
        })?;
        Ok(true)
    }

    /// Removes `folder` and those above it, up to the first that holds something or is the site's
    /// own; how many.
    fn remove_emptied(&self, site: Uuid, mut folder: SitePath) -> Result<u64, SiteFileError> {
        let mut removed = 0;
        while let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) {
            let above = beneath::open_folder(self.sites.as_fd(), &Way::to(site, &parent))?;
            match unlinkat(&above, name, AtFlags::REMOVEDIR) {
                Ok(()) => fsync(&above)?,
                Err(Errno::NOTEMPTY | Errno::EXIST) => break,
                Err(error) => return Err(error.into()),
            }
            removed += 1;
            folder = parent;
        }
        Ok(removed)
    }
}
