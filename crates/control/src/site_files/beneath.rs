//! Opening what lies below a folder, never through a symbolic link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use portlama_model::SitePath;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Uid, fchmod, fchown, fsync, mkdirat, openat, statat,
};
use rustix::io::{Errno, Result};
use uuid::Uuid;

use super::tally::Tally;

/// What every open here asks for: descriptors that no child inherits, no link followed, and no
/// waiting for the other end of a pipe that somebody put there.
const ALWAYS: OFlags = OFlags::CLOEXEC
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

/// A way down from the folder of all sites. It is made of checked names only.
pub(super) struct Way(String);

impl Way {
    /// To a file or folder of a site.
    pub(super) fn to(site: Uuid, path: &SitePath) -> Self {
        if path.is_root() {
            Self(site.to_string())
        } else {
            Self(format!("{site}/{path}"))
        }
    }

    /// To a folder of our own making.
    pub(super) fn folder(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    fn names(&self) -> std::str::Split<'_, char> {
        self.0.split('/')
    }
}

/// Opens what lies at the end of `way`, for reading.
pub(super) fn open(root: BorrowedFd<'_>, way: &Way) -> Result<OwnedFd> {
    resolve(root, way, OFlags::RDONLY)
}

/// Opens the folder at the end of `way`.
pub(super) fn open_folder(root: BorrowedFd<'_>, way: &Way) -> Result<OwnedFd> {
    resolve(root, way, FOLDER)
}

/// How many of the folders on `way` [`make_folder`] would make.
pub(super) fn missing_folders(root: BorrowedFd<'_>, way: &Way) -> Result<usize> {
    let mut names = way.names();
    let mut folder = step(root, ".", FOLDER)?;
    while let Some(name) = names.next() {
        folder = match step(folder.as_fd(), name, FOLDER) {
            Ok(inner) => inner,
            Err(Errno::NOENT) => return Ok(1 + names.count()),
            Err(error) => return Err(error),
        };
    }
    Ok(0)
}

/// Opens the folder at the end of `way`, and makes it with its parents where it is missing. What
/// is made is durable when the call returns.
pub(super) fn make_folder(
    root: BorrowedFd<'_>,
    way: &Way,
    owner: Option<Owner>,
) -> Result<OwnedFd> {
    let mut folder = step(root, ".", FOLDER)?;
    for name in way.names() {
        let made = match mkdirat(&folder, name, super::FOLDER_MODE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error),
        };
        let inner = step(folder.as_fd(), name, FOLDER)?;
        if made {
            set_owner_and_mode(inner.as_fd(), owner, super::FOLDER_MODE)?;
            fsync(&folder)?;
        }
        folder = inner;
    }
    Ok(folder)
}

/// What a name in a folder stands for, a link for itself; `None` for nothing.
pub(super) fn stat(folder: BorrowedFd<'_>, name: &str) -> Result<Option<Found>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => {
            let kind = FileType::from_raw_mode(found.st_mode);
            Ok(Some(Found {
                is_folder: kind == FileType::Directory,
                size: match kind {
                    FileType::RegularFile => Some(found.st_size.try_into().unwrap_or(0)),
                    _ => None,
                },
            }))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A folder, a file or something else.
pub(super) struct Found {
    pub(super) is_folder: bool,
    /// Of a file, octets.
    size: Option<u64>,
}

impl Found {
    /// What it counts for by itself.
    pub(super) fn tally(&self) -> Tally {
        self.size.map_or_else(Tally::default, Tally::of)
    }
}

/// User and group that what is made must belong to.
pub(super) type Owner = (Uid, Gid);

/// Sets the mode apart from the creation, which the umask of the process would narrow.
pub(super) fn set_owner_and_mode(
    made: BorrowedFd<'_>,
    owner: Option<Owner>,
    mode: Mode,
) -> Result<()> {
    if let Some((user, group)) = owner {
        fchown(made, Some(user), Some(group))?;
    }
    fchmod(made, mode)
}

/// One call where the kernel knows how, else name by name.
fn resolve(root: BorrowedFd<'_>, way: &Way, flags: OFlags) -> Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    match in_one_call(root, way, flags) {
        // No such call (before Linux 5.6), a sandbox that forbids it, or a race it gave up on.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
        done => return done,
    }
    walk(root, way, flags)
}

#[cfg(target_os = "linux")]
fn in_one_call(root: BorrowedFd<'_>, way: &Way, flags: OFlags) -> Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(root, way.0.as_str(), flags | ALWAYS, Mode::empty(), resolve)
}

fn walk(root: BorrowedFd<'_>, way: &Way, flags: OFlags) -> Result<OwnedFd> {
    let mut names = way.names().peekable();
    let mut folder = step(root, ".", FOLDER)?;
    while let Some(name) = names.next() {
        let last = names.peek().is_none();
        folder = step(folder.as_fd(), name, if last { flags } else { FOLDER })?;
    }
    Ok(folder)
}

fn step(folder: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<OwnedFd> {
    openat(folder, name, flags | ALWAYS, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    use super::*;

    type Open = fn(BorrowedFd<'_>, &Way, OFlags) -> Result<OwnedFd>;

    #[test]
    fn both_ways_to_open_find_the_same_and_follow_no_link() {
        let dir = tempfile::tempdir().expect("a directory");
        let site = Uuid::new_v4();
        let root = dir.path().join("sites").join(site.to_string());
        fs::create_dir_all(root.join("a/b")).expect("folders");
        fs::write(root.join("a/b/file.txt"), "inside").expect("a file");
        fs::write(dir.path().join("sites/secret.txt"), "outside").expect("a file");
        symlink("../../../secret.txt", root.join("a/b/link.txt")).expect("a link");
        symlink("../..", root.join("a/up")).expect("a link");
        symlink("b", root.join("a/same")).expect("a link");
        symlink("/proc/self/root", root.join("magic")).expect("a link");
        let handle = File::open(dir.path().join("sites")).expect("opens");
        let ways: [Open; 2] = [resolve, walk];
        for open in ways {
            let ask = |path: &str, flags| {
                open(
                    handle.as_fd(),
                    &Way::to(site, &path.parse().expect("a path")),
                    flags,
                )
                .map(drop)
            };
            for good in ["a/b/file.txt", "a/b", "a", "."] {
                assert_eq!(ask(good, OFlags::RDONLY), Ok(()), "{good}");
            }
            assert_eq!(ask("a/b", FOLDER), Ok(()));
            for bad in [
                "a/b/link.txt",
                "a/up/secret.txt",
                "a/up",
                "a/same/file.txt",
                "magic/etc/passwd",
                "a/b/file.txt/more",
                "nothing.txt",
            ] {
                assert!(ask(bad, OFlags::RDONLY).is_err(), "{bad}");
                assert!(ask(bad, FOLDER).is_err(), "{bad}");
            }
        }
    }
}
