//! Files of a machine.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Machine;
use super::lab::resolv_conf;

impl Machine<'_> {
    /// A file of the machine under a name that the test and its programs can open. It holds
    /// until the machine goes down. Links inside that begin with `/` lead astray.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        let root = match self.leader() {
            Some(leader) => PathBuf::from(format!("/proc/{leader}/root")),
            None => self.disk(),
        };
        root.join(inside.trim_start_matches('/'))
    }

    /// Copies a file in, under a mode, in place of what was there.
    ///
    /// # Errors
    /// When one of both cannot be opened.
    pub fn copy_in(&self, from: &Path, to: &str, mode: u32) -> Result<()> {
        let bytes =
            std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.write(to, bytes, mode)
    }

    /// Writes a file and the folders above it, in place of what was there: a program that runs
    /// keeps its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, to: &str, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        let place = self.path(to);
        let cannot = || format!("cannot write {to} of {}", self.name());
        let new = place.with_extension("new");
        std::fs::create_dir_all(place.parent().with_context(cannot)?).with_context(cannot)?;
        std::fs::write(&new, bytes).with_context(cannot)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&new, &place).with_context(cannot)
    }

    /// Lets it look names up at this address; it has no name server otherwise.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn look_names_up(&self, at: Ipv4Addr) -> Result<()> {
        self.write("/etc/resolv.conf", resolv_conf(at), 0o644)
    }

    /// A file's text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, inside: &str) -> Result<String> {
        std::fs::read_to_string(self.path(inside))
            .with_context(|| format!("cannot read {inside} of {}", self.name()))
    }
}
