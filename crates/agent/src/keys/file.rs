//! Keys in files of the agent's directory, mode 0600.

use std::path::{Path, PathBuf};

use portlama_model::Secret;

use super::{KeySlot, KeyStore, KeyStoreError};
use portlama_files as files;

pub(super) struct FileStore {
    directory: PathBuf,
}

impl FileStore {
    pub(super) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    fn path(&self, slot: KeySlot) -> PathBuf {
        self.directory.join(match slot {
            KeySlot::Present => "client.key",
            KeySlot::Next => "client.next.key",
        })
    }
}

impl KeyStore for FileStore {
    fn read(&self, slot: KeySlot) -> Result<Option<Secret>, KeyStoreError> {
        Ok(files::read_text(&self.path(slot))?.map(Secret::new))
    }

    fn write(&self, slot: KeySlot, key: &Secret) -> Result<(), KeyStoreError> {
        Ok(files::write_private(
            &self.path(slot),
            key.expose().as_bytes(),
        )?)
    }

    fn remove(&self, slot: KeySlot) -> Result<(), KeyStoreError> {
        Ok(files::remove(&self.path(slot))?)
    }
}
