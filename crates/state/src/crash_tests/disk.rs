//! A disk with faults.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::EIO;
use crate::disk::Disk;

/// A disk that fails by plan and forgets what was not made durable.
pub(super) struct FaultyDisk {
    plan: Box<dyn Fn(usize) -> bool + Send + Sync>,
    errno: i32,
    inner: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    steps: usize,
    /// How to forget each change of names that is not durable, with the folder of the names.
    volatile: Vec<(PathBuf, Vec<Undo>)>,
}

enum Undo {
    /// The name had this content, or there was no such file.
    File(PathBuf, Option<Vec<u8>>),
    /// There was no such folder.
    NoFolder(PathBuf),
    /// There was such a folder.
    Folder(PathBuf),
}

impl FaultyDisk {
    pub(super) fn new(
        plan: impl Fn(usize) -> bool + Send + Sync + 'static,
        errno: i32,
    ) -> Arc<Self> {
        Arc::new(Self {
            plan: Box::new(plan),
            errno,
            inner: Mutex::default(),
        })
    }

    pub(super) fn sound() -> Arc<Self> {
        Self::new(|_| false, EIO)
    }

    pub(super) fn steps(&self) -> usize {
        self.inner.lock().steps
    }

    fn step(&self) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.steps += 1;
        if (self.plan)(inner.steps) {
            Err(io::Error::from_raw_os_error(self.errno))
        } else {
            Ok(())
        }
    }

    fn note(&self, path: &Path, undo: Vec<Undo>) {
        let folder = path.parent().expect("a folder").to_owned();
        self.inner.lock().volatile.push((folder, undo));
    }

    /// Power loss: of the names that are not durable, those that `loses` picks are forgotten.
    pub(super) fn crash(&self, loses: impl Fn(usize) -> bool) {
        let volatile = std::mem::take(&mut self.inner.lock().volatile);
        for (index, (_, undo)) in volatile.into_iter().enumerate().rev() {
            for undo in undo.into_iter().filter(|_| loses(index)) {
                // A folder that was forgotten before takes its files along.
                let _ = match undo {
                    Undo::File(path, Some(bytes)) => fs::write(path, bytes),
                    Undo::File(path, None) => fs::remove_file(path),
                    Undo::NoFolder(path) => fs::remove_dir_all(path),
                    Undo::Folder(path) => fs::create_dir(path),
                };
            }
        }
    }
}

impl Disk for Arc<FaultyDisk> {
    fn create_dir(&self, path: &Path, _mode: u32) -> io::Result<()> {
        self.step()?;
        fs::create_dir(path)?;
        self.note(path, vec![Undo::NoFolder(path.to_owned())]);
        Ok(())
    }

    fn write(&self, path: &Path, _mode: u32, bytes: &[u8]) -> io::Result<()> {
        let before = Undo::File(path.to_owned(), fs::read(path).ok());
        self.note(path, vec![before]);
        if let Err(error) = self.step() {
            // A torn write: the name is there, half of the content is.
            let _ = fs::write(path, &bytes[..bytes.len() / 2]);
            return Err(error);
        }
        fs::write(path, bytes)
    }

    fn append(&self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()> {
        let before = fs::read(path).ok();
        let mut content = before.clone().unwrap_or_default();
        content.truncate(usize::try_from(keep).expect("a small file"));
        let made = self.step();
        // A failed append leaves nothing, a part, or all of the octets: fsync says no, and the
        // disk has them all the same.
        let arrived = match made {
            Ok(()) => bytes.len(),
            Err(_) => bytes.len() * (self.steps() % 3) / 2,
        };
        content.extend_from_slice(&bytes[..arrived]);
        fs::write(path, content)?;
        if before.is_none() {
            self.note(path, vec![Undo::File(path.to_owned(), None)]);
        }
        made
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        let before = [from, to].map(|path| Undo::File(path.to_owned(), fs::read(path).ok()));
        fs::rename(from, to)?;
        self.note(to, before.into());
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        if let Ok(bytes) = fs::read(path) {
            fs::remove_file(path)?;
            self.note(path, vec![Undo::File(path.to_owned(), Some(bytes))]);
        }
        Ok(())
    }

    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        if fs::remove_dir(path).is_ok() {
            self.note(path, vec![Undo::Folder(path.to_owned())]);
        }
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.inner
            .lock()
            .volatile
            .retain(|(folder, _)| folder != path);
        Ok(())
    }
}
