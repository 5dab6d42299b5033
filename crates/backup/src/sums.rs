//! `SHA256SUMS`: a line for every file, as the program `sha256sum` writes and checks it.

use std::io::{self, Read, Seek as _, SeekFrom, Write as _};

use aws_lc_rs::digest::{Context, Digest, SHA256};
use tempfile::SpooledTempFile;

/// The list's name in a backup.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// How much of the list is held in memory before it goes to a file without a name, octets: ten
/// thousand files.
const SPOOLED_BYTES: usize = 1024 * 1024;

/// The list as it grows, of which only the digest is kept.
pub(crate) struct Sums {
    context: Context,
    /// How long it is.
    pub(crate) bytes: u64,
}

impl Sums {
    pub(crate) fn new() -> Self {
        Self {
            context: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// Adds a file and says its line.
    pub(crate) fn add(&mut self, path: &str, digest: &Digest) -> String {
        let line = format!("{}  {path}\n", hex::encode(digest));
        self.context.update(line.as_bytes());
        self.bytes += line.len() as u64;
        line
    }

    /// Whether this list, written by somebody else, is the same.
    pub(crate) fn is(self, list: impl Read) -> io::Result<bool> {
        let found = digest_of(list, &mut |_| Ok(()))?;
        Ok(found.as_ref() == self.context.finish().as_ref())
    }
}

/// The list itself, for who writes it.
pub(crate) struct List {
    sums: Sums,
    spool: SpooledTempFile,
}

impl List {
    pub(crate) fn new() -> Self {
        Self {
            sums: Sums::new(),
            spool: SpooledTempFile::new(SPOOLED_BYTES),
        }
    }

    pub(crate) fn add(&mut self, path: &str, digest: &Digest) -> io::Result<()> {
        let line = self.sums.add(path, digest);
        self.spool.write_all(line.as_bytes())
    }

    /// How long it is, and its content.
    pub(crate) fn into_content(mut self) -> io::Result<(u64, SpooledTempFile)> {
        self.spool.seek(SeekFrom::Start(0))?;
        Ok((self.sums.bytes, self.spool))
    }
}

/// The digest of all that can be read; every piece is shown on the way.
pub(crate) fn digest_of(
    mut content: impl Read,
    piece: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Digest> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match content.read(&mut buffer) {
            Ok(0) => return Ok(context.finish()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let read = buffer.get(..length).unwrap_or_default();
        context.update(read);
        piece(read)?;
    }
}
