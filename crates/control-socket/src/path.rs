//! Sockets at paths of any length.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

/// The longest path that every system takes for a socket, octets (`sun_path` of macOS less the
/// final zero).
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// A way to a path that fits into a socket address, however long the path is.
pub(crate) struct ShortPath {
    path: PathBuf,
    // Keeps `/proc/self/fd/N` alive.
    _directory: Option<File>,
}

impl ShortPath {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
            return Ok(Self {
                path: path.to_owned(),
                _directory: None,
            });
        }
        if !cfg!(target_os = "linux") {
            let text = format!(
                "`{}` is longer than {MAX_SOCKET_PATH_BYTES} octets: choose a directory with a shorter path",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let directory = File::open(parent)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
        Ok(Self {
            path: short,
            _directory: Some(directory),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
