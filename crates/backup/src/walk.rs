//! The files below a folder, in order, without ever following a link: root may read what another
//! user owns.

use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::{BackupError, Place};

const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// What is told of each file.
pub(crate) enum Found<'a> {
    /// One that belongs into a backup.
    File(&'a Place, File, u64),
    /// One that does not.
    Other(&'a str),
}

pub(crate) type Visit<'a> = &'a mut dyn FnMut(Found<'_>) -> Result<(), BackupError>;

/// Opens the folder at the end of `way` below `base`, which may itself be a link.
pub(crate) fn open_below(base: &Path, way: &Path) -> Result<OwnedFd, BackupError> {
    let follow = (OPEN | OFlags::DIRECTORY).difference(OFlags::NOFOLLOW);
    let opened = openat(CWD, base, follow, Mode::empty());
    let mut folder = opened.map_err(|error| failed(base, error))?;
    for name in way {
        let opened = openat(&folder, name, OPEN | OFlags::DIRECTORY, Mode::empty());
        folder = opened.map_err(|error| failed(&base.join(way), error))?;
    }
    Ok(folder)
}

/// Shows every file below `folder`, which errors call `root`.
pub(crate) fn walk(folder: &OwnedFd, root: &Path, visit: Visit<'_>) -> Result<(), BackupError> {
    below(folder, "", root, visit)
}

fn below(folder: &OwnedFd, prefix: &str, root: &Path, visit: Visit<'_>) -> Result<(), BackupError> {
    for name in names(folder.as_fd()).map_err(|error| failed(&root.join(prefix), error))? {
        let path = match prefix {
            "" => name.clone(),
            _ => format!("{prefix}/{name}"),
        };
        let opened = match openat(folder, &name, OPEN, Mode::empty()) {
            Ok(opened) => opened,
            // A link, a socket, or gone.
            Err(Errno::LOOP | Errno::MLINK | Errno::NXIO | Errno::NOENT) => {
                visit(Found::Other(&path))?;
                continue;
            }
            Err(error) => return Err(failed(&root.join(&path), error)),
        };
        let found = fstat(&opened).map_err(|error| failed(&root.join(&path), error))?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory if Place::may_lie_below(&path) => {
                below(&opened, &path, root, visit)?;
            }
            FileType::RegularFile => match Place::parse(&path) {
                Some(place)
                    if u64::try_from(found.st_size).is_ok_and(|s| s <= place.max_bytes()) =>
                {
                    let size = u64::try_from(found.st_size).unwrap_or_default();
                    visit(Found::File(&place, File::from(opened), size))?;
                }
                _ => visit(Found::Other(&path))?,
            },
            _ => visit(Found::Other(&path))?,
        }
    }
    Ok(())
}

/// In the order of their octets. Names that are no text belong to nothing of ours.
fn names(folder: BorrowedFd<'_>) -> rustix::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn failed(path: &Path, error: Errno) -> BackupError {
    BackupError::File {
        path: path.to_owned(),
        source: error.into(),
    }
}
