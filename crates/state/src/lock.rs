//! One process holds the state.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::StateError;
use crate::dir::StateDir;
use crate::error::OnFile;

/// The advisory lock (`flock`) on the file `lock`. The kernel releases it when the process
/// ends, however it ends, so a left-over file means nothing.
#[derive(Debug)]
pub(crate) struct Lock {
    // Held for its lock, which closing releases.
    _file: File,
}

impl Lock {
    /// Takes the lock without waiting. A link in its place is refused: what it leads to would be
    /// emptied, and root may take the lock in a folder of somebody else.
    pub(crate) fn take(dir: &StateDir) -> Result<Self, StateError> {
        let path = dir.lock_path();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(|error| not_opened(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Locked {
                    dir: dir.path().to_owned(),
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(StateError::io(&path, source)),
        }
        file.set_permissions(Permissions::from_mode(0o600))
            .on(&path)?;
        // Who holds it is a courtesy to the next reader: a full disk is no reason to fail.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn not_opened(path: &Path, error: io::Error) -> StateError {
    // What open(2) answers to a link under O_NOFOLLOW.
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return StateError::Insecure {
            path: path.to_owned(),
            problem: "is a link, and its target would be written over: remove it",
        };
    }
    StateError::io(path, error)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
