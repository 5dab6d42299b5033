//! What a site holds.

use std::os::fd::AsFd as _;

use portlama_model::{SitePath, Timestamp};
use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;
use uuid::Uuid;

use super::beneath::{self, Way};
use super::{SiteFileError, SiteFiles};

/// The most entries of one folder that are listed: about 3 MB of JSON.
pub const MAX_LISTED_FILES: usize = 10_000;

/// The files and folders of one folder of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Folders first, then by name.
    pub files: Vec<ListedFile>,
    /// Whether there are more than [`MAX_LISTED_FILES`], so that some are not listed.
    pub truncated: bool,
}

/// A file or folder of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Where it is, from the site's root on.
    pub path: SitePath,
    /// What it is.
    pub kind: FileKind,
    /// Its size, octets; 0 for folders.
    pub size: u64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// The SHA-256 of a file in hexadecimal digits, when it was asked for and is known.
    pub sha256: Option<String>,
}

/// A file or a folder; nothing else is part of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A folder.
    Folder,
    /// A file.
    File,
}

impl SiteFiles {
    /// What lies in `folder` of a site, with the digests of its files if they are wanted; those
    /// that would take too long are left out. A site whose folder is missing has nothing in it.
    pub(crate) fn list(
        &self,
        site: Uuid,
        folder: &SitePath,
        with_digests: bool,
    ) -> Result<Listing, SiteFileError> {
        let opened = match beneath::open_folder(self.sites.as_fd(), &Way::to(site, folder)) {
            Ok(opened) => opened,
            Err(Errno::NOENT) if folder.is_root() => return Ok(Listing::of(vec![], false)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => {
                return Err(SiteFileError::NoFolder);
            }
            Err(error) => return Err(error.into()),
        };
        let mut files = Vec::new();
        let mut digests = with_digests.then(|| self.digests.reader());
        for entry in Dir::read_from(&opened)? {
            let entry = entry?;
            // What no upload could have put there is not part of the site.
            let Some(path) = entry
                .file_name()
                .to_str()
                .ok()
                .and_then(|n| folder.join(n).ok())
            else {
                continue;
            };
            if files.len() == MAX_LISTED_FILES {
                return Ok(Listing::of(files, true));
            }
            let found = match statat(&opened, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => found,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let kind = match FileType::from_raw_mode(found.st_mode) {
                FileType::Directory => FileKind::Folder,
                FileType::RegularFile => FileKind::File,
                _ => continue,
            };
            let sha256 = match (kind, &mut digests) {
                (FileKind::File, Some(digests)) => digests
                    .of(opened.as_fd(), entry.file_name(), &found)
                    .map(hex::encode),
                _ => None,
            };
            files.push(ListedFile {
                path,
                kind,
                sha256,
                size: match kind {
                    FileKind::File => found.st_size.try_into().unwrap_or(0),
                    FileKind::Folder => 0,
                },
                modified: Timestamp::from_unix_seconds(found.st_mtime),
            });
        }
        Ok(Listing::of(files, false))
    }
}

impl Listing {
    fn of(mut files: Vec<ListedFile>, truncated: bool) -> Self {
        files.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        Self { files, truncated }
    }
}
