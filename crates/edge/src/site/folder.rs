//! The folder of one site: files are opened below it, and nowhere else.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use aws_lc_rs::digest;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use uuid::Uuid;

/// An open folder. It stays the same one when its name comes to mean another.
pub(crate) struct Folder(OwnedFd);

/// What a name in a site means.
pub(crate) enum Entry {
    /// A regular file, open for reading.
    File(SiteFile),
    /// A folder.
    Folder,
}

/// An open file. It keeps its content when another file takes its name.
pub(crate) struct SiteFile {
    pub(crate) file: File,
    pub(crate) len: u64,
    /// Seconds since 1970; 0 for anything before.
    pub(crate) modified: u64,
    pub(crate) version: Fingerprint,
}

/// Tells one version of a file from every other: made of device, inode, size, and both times
/// to the nanosecond. A file that takes another's place differs in its inode, one that is
/// written in place in its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Hashed: inode numbers are nobody's business.
    fn of(metadata: &std::fs::Metadata) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&metadata.dev().to_le_bytes());
        context.update(&metadata.ino().to_le_bytes());
        context.update(&metadata.size().to_le_bytes());
        for time in [
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ] {
            context.update(&time.to_le_bytes());
        }
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(half)
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Folder {
    /// Opens the folder of a site; `None` while nothing was uploaded.
    ///
    /// # Errors
    /// When the system cannot open it although it is there.
    pub(crate) fn open(sites: &Path, site: Uuid) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = sites.join(site.hyphenated().to_string());
        match openat(CWD, &path, flags, Mode::empty()) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(errno) if is_absence(errno) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens what `path` means, below this folder and through no link; `None` when that is
    /// nothing, or neither file nor folder. `path` consists of plain names.
    ///
    /// # Errors
    /// When the system cannot open it although it is there.
    pub(crate) fn entry(&self, path: &str) -> io::Result<Option<Entry>> {
        match beneath(self.0.as_fd(), path) {
            Ok(opened) => Entry::of(File::from(opened)),
            Err(errno) if is_absence(errno) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Entry {
    fn of(file: File) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Ok(Some(Self::Folder));
        }
        if !metadata.is_file() {
            return Ok(None);
        }
        Ok(Some(Self::File(SiteFile {
            len: metadata.size(),
            modified: u64::try_from(metadata.mtime()).unwrap_or(0),
            version: Fingerprint::of(&metadata),
            file,
        })))
    }
}

/// There is nothing of that name, or nothing that visitors may see: a link, a name too long, a
/// file in the place of a folder, a file the server may not read.
fn is_absence(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::XDEV
            | Errno::NAMETOOLONG
            | Errno::ACCESS
            | Errno::NXIO
            | Errno::NODEV
            | Errno::INVAL
            | Errno::ILSEQ
    )
}

/// `NONBLOCK` so that a named pipe does not make a thread wait for somebody to write.
const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
fn beneath(folder: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(folder, place(path), FLAGS, Mode::empty(), resolve) {
        // Kernels before 5.6, and sandboxes that do not know the call.
        Err(Errno::NOSYS | Errno::PERM) => step_by_step(folder, path),
        opened => opened,
    }
}

#[cfg(not(target_os = "linux"))]
fn beneath(folder: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    step_by_step(folder, path)
}

/// The same by hand: one plain name after another, no link followed.
fn step_by_step(folder: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    let (folders, name) = match path.rsplit_once('/') {
        Some((folders, name)) => (folders, name),
        None => ("", path),
    };
    let mut inner: Option<OwnedFd> = None;
    for step in folders.split('/').filter(|step| !step.is_empty()) {
        let here = inner.as_ref().map_or(folder, AsFd::as_fd);
        inner = Some(openat(
            here,
            step,
            FLAGS | OFlags::DIRECTORY,
            Mode::empty(),
        )?);
    }
    let here = inner.as_ref().map_or(folder, AsFd::as_fd);
    openat(here, place(name), FLAGS, Mode::empty())
}

/// The folder itself is `.`.
fn place(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place {
        _dir: tempfile::TempDir,
        folder: Folder,
        root: std::path::PathBuf,
    }

    fn place_with_files() -> Place {
        let dir = tempfile::tempdir().expect("a directory");
        let site = Uuid::new_v4();
        let root = dir.path().join(site.to_string());
        std::fs::create_dir_all(root.join("docs")).expect("a folder");
        std::fs::write(dir.path().join("secret"), "secret").expect("a file");
        std::fs::write(root.join("a.txt"), "a").expect("a file");
        std::fs::write(root.join("docs/b.txt"), "b").expect("a file");
        symlink("../secret", root.join("out.txt")).expect("a link");
        symlink("..", root.join("up")).expect("a link");
        symlink("a.txt", root.join("in.txt")).expect("a link");
        symlink("/proc/self/root", root.join("magic")).expect("a link");
        rustix::fs::mkfifoat(CWD, root.join("pipe.txt"), Mode::RUSR).expect("a pipe");
        let folder = Folder::open(dir.path(), site)
            .expect("readable")
            .expect("there");
        Place {
            _dir: dir,
            folder,
            root,
        }
    }

    /// Both ways of opening, as a test of the one tells nothing of the other.
    fn ways() -> [fn(BorrowedFd<'_>, &str) -> rustix::io::Result<OwnedFd>; 2] {
        [beneath, step_by_step]
    }

    #[test]
    fn files_and_folders_of_the_site_open() {
        let place = place_with_files();
        for way in ways() {
            for path in ["a.txt", "docs/b.txt", "docs", ""] {
                assert!(way(place.folder.0.as_fd(), path).is_ok(), "{path}");
            }
        }
    }

    #[test]
    fn links_lead_nowhere_not_even_inside() {
        let place = place_with_files();
        for way in ways() {
            for path in [
                "out.txt",
                "up/secret",
                "up",
                "in.txt",
                "magic/etc/passwd",
                "magic",
            ] {
                let errno = way(place.folder.0.as_fd(), path).expect_err(path);
                assert!(is_absence(errno), "{path}: {errno}");
            }
        }
        assert!(matches!(place.folder.entry("pipe.txt"), Ok(None)));
        assert!(matches!(place.folder.entry("a.txt/x"), Ok(None)));
        let long = "x".repeat(300);
        assert!(matches!(place.folder.entry(&long), Ok(None)));
    }

    #[test]
    fn a_file_that_takes_anothers_place_has_another_version() {
        let place = place_with_files();
        let version = || match place.folder.entry("a.txt") {
            Ok(Some(Entry::File(file))) => file.version,
            _ => panic!("a file"),
        };
        let before = version();
        assert_eq!(before, version());
        std::fs::write(place.root.join("new"), "a").expect("a file");
        let times = std::fs::metadata(place.root.join("a.txt")).expect("times");
        let new = File::options()
            .write(true)
            .open(place.root.join("new"))
            .expect("a file");
        new.set_modified(times.modified().expect("a time"))
            .expect("set");
        std::fs::rename(place.root.join("new"), place.root.join("a.txt")).expect("renamed");
        assert_ne!(before, version());
    }
}
