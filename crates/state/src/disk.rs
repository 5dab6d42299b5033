//! The six things a commit asks of the file system, so that tests can cut them short.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The operations of the commit protocol. Each is one step between two of which a machine
/// may lose power.
pub(crate) trait Disk: Send + Sync {
    /// Makes a directory with exactly `mode`; an existing one is left alone, and a link is none.
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Makes a new file with exactly `mode` and these bytes, durable in content, not in name.
    fn write(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to `keep` octets and appends these, durable in content, and in name when it was
    /// there before; one that is missing is made, with mode 0600.
    fn append(&self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()>;
    /// Gives a file its final name, replacing what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; a missing one is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory if it is empty; otherwise, or when it is missing, nothing happens.
    fn remove_empty_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// The file system itself.
pub(crate) struct RealDisk {
    /// Who owns the state directory: what root writes there must stay theirs.
    owner: Option<(u32, u32)>,
}

impl RealDisk {
    /// For files that belong to `owner` (user and group) even when root writes them.
    pub(crate) fn new(owner: Option<(u32, u32)>) -> Self {
        Self { owner }
    }

    fn hand_over(&self, path: &Path) -> io::Result<()> {
        match self.owner {
            Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }
}

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(e)
                if e.kind() == io::ErrorKind::AlreadyExists
                    && fs::symlink_metadata(path)?.is_dir() =>
            {
                return Ok(());
            }
            Err(e) => return Err(e),
        }
        // The mode is set apart from the creation, which the umask of the process would narrow.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        self.hand_over(path)
    }

    fn write(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
        // A file of this name is a left-over of a failed attempt; `create_new` below then
        // also makes sure that we never write through somebody's link.
        self.remove(path)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        self.hand_over(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn append(&self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        if file.metadata()?.len() != keep {
            file.set_len(keep)?;
        }
        self.hand_over(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir(path) {
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
