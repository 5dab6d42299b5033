//! The files of all sites as they are at one moment.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use uuid::Uuid;

use super::{SiteFiles, names};

impl SiteFiles {
    /// Links the files of all sites into `into`. A file of a site is never changed, only replaced,
    /// so a link holds what it held when it was made. No site comes or goes meanwhile.
    pub(crate) fn link_all(&self, into: &Path) -> io::Result<()> {
        let _alone = self.appearing.write();
        make_folder(into)?;
        for name in names(&self.path) {
            // What has another name is no site's.
            if name.parse::<Uuid>().is_ok() {
                link_folder(&self.path.join(&name), &into.join(&name))?;
            }
        }
        Ok(())
    }
}

fn link_folder(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(from)?.is_dir() {
        return Ok(());
    }
    make_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, link) = (entry.path(), to.join(entry.file_name()));
        let kind = match entry.file_type() {
            // Removed between two looks.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            kind => kind?,
        };
        let linked = if kind.is_dir() {
            link_folder(&path, &link)
        } else if kind.is_file() {
            fs::hard_link(&path, &link)
        } else {
            Ok(())
        };
        match linked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}
