//! The file this process was started from.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The program as it was at the start.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// Tells one file from another at the same place.
type Stamp = (u64, u64, i64, i64);

impl Program {
    pub(super) fn of_this_process() -> Self {
        Self::at(std::env::current_exe().unwrap_or_default())
    }

    fn at(path: PathBuf) -> Self {
        let stamp = stamp(&path);
        Self { path, stamp }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether another file lies there since. One that is gone is not replaced: there is nothing
    /// to start in its place.
    pub(super) fn is_replaced(&self) -> bool {
        stamp(&self.path).is_some_and(|now| Some(now) != self.stamp)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.dev(), data.ino(), data.mtime(), data.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_replaced_when_another_file_lies_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("portlama");
        std::fs::write(&path, "one").expect("written");
        let program = Program::at(path.clone());
        assert!(!program.is_replaced());
        std::fs::write(folder.path().join("new"), "two").expect("written");
        std::fs::rename(folder.path().join("new"), &path).expect("renamed");
        assert!(program.is_replaced());
        std::fs::remove_file(&path).expect("removed");
        assert!(!program.is_replaced());
    }
}
