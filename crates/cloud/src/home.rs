//! `~/.portlama`, as far as servers in the cloud are concerned.

use std::io;
use std::path::{Path, PathBuf};

use portlama_files::{self as files, FileError, FileLock};
use uuid::Uuid;

use crate::provision::Operations;
use crate::registry::Registry;

/// The directory that holds everything of one person's servers.
#[derive(Debug, Clone)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// The one at this path; it need not exist yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The list of servers.
    #[must_use]
    pub fn registry(&self) -> Registry {
        Registry::at(&self.path)
    }

    /// The journals of provisionings.
    #[must_use]
    pub fn operations(&self) -> Operations {
        Operations::at(&self.path)
    }

    /// Where the admin's file of a server lies.
    #[must_use]
    pub fn p12(&self, server: Uuid) -> PathBuf {
        self.server(server).join("client.p12")
    }

    /// The only turn at making or clearing away: it ends with the value, and with the process,
    /// however that ends.
    ///
    /// # Errors
    /// [`FileError::Locked`] when another process has it.
    pub fn take_turn(&self) -> Result<FileLock, FileError> {
        files::create_private_dir(&self.path)?;
        FileLock::take(&self.path.join(".provisioning.lock"))
    }

    /// Keeps the admin's file of a server.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn keep_p12(&self, server: Uuid, content: &[u8]) -> Result<PathBuf, FileError> {
        files::create_private_dir(&self.path.join("servers"))?;
        files::create_private_dir(&self.server(server))?;
        let path = self.p12(server);
        files::write_private(&path, content)?;
        Ok(path)
    }

    /// Removes everything of a server; links in it are removed, and what they lead to stays.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove_server(&self, server: Uuid) -> Result<(), FileError> {
        let path = self.server(server);
        match std::fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(FileError::Write { path, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn server(&self, id: Uuid) -> PathBuf {
        self.path.join("servers").join(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn the_admins_file_is_its_owners_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::at(&dir.path().join("home"));
        let id = Uuid::new_v4();
        let path = home.keep_p12(id, b"content").expect("written");
        assert_eq!(path, home.p12(id));
        let mode = |path: &Path| {
            let metadata = std::fs::metadata(path).expect("there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    }

    #[test]
    fn removing_a_server_follows_no_link() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::at(&dir.path().join("home"));
        let precious = dir.path().join("precious");
        std::fs::create_dir(&precious).expect("made");
        std::fs::write(precious.join("file"), "x").expect("written");
        let (inside, itself) = (Uuid::new_v4(), Uuid::new_v4());
        home.keep_p12(inside, b"content").expect("written");
        symlink(&precious, home.server(inside).join("link")).expect("linked");
        symlink(&precious, home.server(itself)).expect("linked");
        for server in [inside, itself, Uuid::new_v4()] {
            home.remove_server(server).expect("removed, or never there");
            assert!(!home.server(server).exists());
        }
        assert!(precious.join("file").exists());
    }

    #[test]
    fn one_turn_at_a_time_and_a_dead_holder_has_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::at(dir.path());
        // What a process that died long ago left there.
        std::fs::write(dir.path().join(".provisioning.lock"), "1\n").expect("written");
        let turn = home.take_turn().expect("nobody has it");
        assert!(matches!(home.take_turn(), Err(FileError::Locked { .. })));
        drop(turn);
        home.take_turn().expect("free again");
    }
}
