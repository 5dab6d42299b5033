//! A copy of the state as it is between two changes, for backups.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::dir::{DATABASE, DIRECTORY_MODE};
use crate::document::{Document, read_bounded};
use crate::error::OnFile;
use crate::tunnel_log::TUNNEL_LOG;
use crate::{StateError, Store};

/// The folders beside the documents that belong to the state.
const FOLDERS: [&str; 2] = ["pki", "certificates"];

impl Store {
    /// Copies documents, keys, certificates and the database into the new folder `into`: all of
    /// them as they were at one moment between two commits. The files of sites are not the
    /// state's and are left to whoever keeps them.
    ///
    /// Commits wait until it is done. The copy is not made durable.
    ///
    /// # Errors
    /// When `into` exists, an earlier commit cannot be applied, or the disk says so.
    pub fn copy_to(&self, into: &Path) -> Result<(), StateError> {
        self.while_nothing_changes(|| {
            make_folder(into)?;
            let from = self.dir().path();
            let documents = Document::ALL.iter().map(|document| document.path());
            // Those in folders come with their folder.
            for name in documents
                .chain([TUNNEL_LOG])
                .filter(|name| !name.contains('/'))
            {
                copy_file(&from.join(name), &into.join(name))?;
            }
            for name in FOLDERS {
                copy_folder(&from.join(name), &into.join(name))?;
            }
            self.runtime().copy_to(&into.join(DATABASE))
        })
    }
}

/// One that is missing is not copied. Temporary files of a crash are nobody's.
fn copy_folder(from: &Path, to: &Path) -> Result<(), StateError> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.on(from)?,
    };
    make_folder(to)?;
    for entry in entries {
        let entry = entry.on(from)?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().on(&path)?;
        if kind.is_dir() {
            copy_folder(&path, &copy)?;
        } else if kind.is_file() && path.extension().is_none_or(|end| end != "tmp") {
            copy_file(&path, &copy)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StateError> {
    let Some(bytes) = read_bounded(from)? else {
        return Ok(());
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .on(to)?;
    file.write_all(&bytes).on(to)
}

fn make_folder(path: &Path) -> Result<(), StateError> {
    let mut folder = DirBuilder::new();
    folder.mode(DIRECTORY_MODE).create(path).on(path)
}
