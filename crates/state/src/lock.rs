//! One process holds the state.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

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
    /// Takes the lock without waiting.
    pub(crate) fn take(dir: &StateDir) -> Result<Self, StateError> {
        let path = dir.lock_path();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .on(&path)?;
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

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
