//! How many files and folders a site has, and how large they are together.
//!
//! A site is measured once, by walking through it; after that the differences are counted. What
//! people do in the folder by hand is found when the site is measured again.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use super::SiteFileError;

/// The most files and folders of a site together. Sites of this size are built from sources that are kept elsewhere;
/// more would let one caller use up the disk's inodes, and the time to walk through them.
pub const MAX_SITE_FILES: u64 = 20_000;

/// After this long a site is walked through again, in case somebody worked in its folder by hand.
pub const MEASURE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// What a site holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) files: u64,
    /// Below the site's own.
    pub(crate) folders: u64,
    /// Octets.
    pub(crate) size: u64,
}

impl Tally {
    /// Of one file.
    pub(super) fn of(size: u64) -> Self {
        Self {
            files: 1,
            size,
            ..Self::default()
        }
    }

    /// Of folders without what is in them.
    pub(super) fn of_folders(folders: u64) -> Self {
        Self {
            folders,
            ..Self::default()
        }
    }

    /// How many names there are, each of which takes an inode.
    pub(super) fn names(self) -> u64 {
        self.files.saturating_add(self.folders)
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    fn add(&mut self, other: Self) {
        self.files = self.files.saturating_add(other.files);
        self.folders = self.folders.saturating_add(other.folders);
        self.size = self.size.saturating_add(other.size);
    }

    fn subtract(&mut self, other: Self) {
        self.files = self.files.saturating_sub(other.files);
        self.folders = self.folders.saturating_sub(other.folders);
        self.size = self.size.saturating_sub(other.size);
    }

    /// Of what lies in a folder and below it, without itself, which may change meanwhile.
    pub(super) fn measure(folder: &Path) -> io::Result<Self> {
        let mut tally = Self::default();
        let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(error) if is_gone(&error) => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                // Of a link this is the link itself.
                let metadata = match entry.metadata() {
                    Err(error) if is_gone(&error) => continue,
                    metadata => metadata?,
                };
                if metadata.is_dir() {
                    tally.add(Self::of_folders(1));
                    folders.push(entry.path());
                } else if metadata.is_file() {
                    tally.add(Self::of(metadata.size()));
                }
            }
        }
        Ok(tally)
    }
}

/// Somebody removed it while we looked.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The tallies of all sites whose files somebody asked about.
#[derive(Default)]
pub(super) struct Tallies(Mutex<HashMap<Uuid, Arc<Counted>>>);

/// One site's.
#[derive(Default)]
pub(super) struct Counted {
    /// Held by whoever changes files of the site: what is counted is then what lies there.
    changing: Mutex<()>,
    /// Held for a moment only. `None` until the site was measured, and after a change that failed
    /// half-way.
    tally: Mutex<Option<(Tally, Instant)>>,
}

impl Tallies {
    pub(super) fn of(&self, site: Uuid) -> Arc<Counted> {
        self.0.lock().entry(site).or_default().clone()
    }

    pub(super) fn forget(&self, site: Uuid) {
        self.0.lock().remove(&site);
    }
}

impl Counted {
    /// The right to change the files of the site; what lies in `folder` is measured if need be.
    pub(super) fn change(&self, folder: &Path) -> io::Result<Counting<'_>> {
        let turn = self.changing.lock();
        let known = *self.tally.lock();
        let tally = match known {
            Some((tally, at)) if at.elapsed() < MEASURE_INTERVAL => tally,
            _ => {
                let measured = Tally::measure(folder)?;
                *self.tally.lock() = Some((measured, Instant::now()));
                measured
            }
        };
        Ok(Counting {
            counted: self,
            tally,
            _turn: turn,
        })
    }

    /// What the site holds, unless nobody knows.
    pub(super) fn present(&self) -> Option<Tally> {
        self.tally.lock().map(|(tally, _)| tally)
    }
}

/// A change of a site's files. One that is dropped unsettled may have happened or not.
pub(super) struct Counting<'a> {
    counted: &'a Counted,
    tally: Tally,
    _turn: MutexGuard<'a, ()>,
}

impl Counting<'_> {
    /// What the site held before.
    pub(super) fn before(&self) -> Tally {
        self.tally
    }

    /// Runs the change, which answers what went away and what came. Whatever fails in it, the site
    /// is measured again.
    pub(super) fn settle(
        self,
        change: impl FnOnce() -> Result<(Tally, Tally), SiteFileError>,
    ) -> Result<(), SiteFileError> {
        let known = self.counted.tally.lock().take();
        let (gone, new) = change()?;
        if let Some((mut tally, at)) = known {
            tally.subtract(gone);
            tally.add(new);
            *self.counted.tally.lock() = Some((tally, at));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_what_lies_there_also_after_a_failure() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, size: usize| {
            fs::write(dir.path().join(name), vec![b'x'; size]).expect("write");
        };
        write("a.txt", 10);
        let counted = Counted::default();
        assert_eq!(counted.present(), None);
        let change = counted.change(dir.path()).expect("measured");
        assert_eq!(change.before(), Tally::of(10));
        let done = change.settle(|| {
            write("b.txt", 5);
            Ok((Tally::default(), Tally::of(5)))
        });
        assert!(done.is_ok());
        assert_eq!(counted.present(), Some(Tally::of(10).and(Tally::of(5))));

        let change = counted.change(dir.path()).expect("known");
        let failed = change.settle(|| {
            fs::create_dir(dir.path().join("inner")).expect("a folder");
            write("inner/c.txt", 1);
            Err(SiteFileError::DiskFull)
        });
        assert!(failed.is_err());
        assert_eq!(counted.present(), None);
        let change = counted.change(dir.path()).expect("measured again");
        let all = Tally {
            files: 3,
            folders: 1,
            size: 16,
        };
        assert_eq!(change.before(), all);
    }
}
