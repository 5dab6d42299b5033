//! Writing a backup.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use tar::{Builder, EntryType, Header};

use crate::head::Head;
use crate::lock::Lock;
use crate::sums::{List, SUMS};
use crate::walk::{Found, walk};
use crate::{Amount, BackupError, Watch};

/// The head's name in a backup.
pub(crate) const HEAD: &str = "backup.json";

/// A state directory that stands still, or a copy of one.
#[derive(Debug, Clone)]
pub struct Source {
    folder: PathBuf,
    amount: Amount,
    /// Files that are in the folder and belong to no state, relative to it; the first few.
    pub left_out: Vec<String>,
    /// How many such files there are.
    pub left_out_count: u64,
}

/// How many names of files that are left out are remembered, for people.
const LEFT_OUT_SHOWN: usize = 10;

impl Source {
    /// Looks what is in the folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(folder: &Path) -> Result<Self, BackupError> {
        let mut source = Self {
            folder: folder.to_owned(),
            amount: Amount::default(),
            left_out: Vec::new(),
            left_out_count: 0,
        };
        walk(folder, &mut |found| {
            match found {
                Found::File(_, _, size) => {
                    source.amount.files += 1;
                    source.amount.bytes += size;
                }
                Found::Other(path) => {
                    source.left_out_count += 1;
                    if source.left_out.len() < LEFT_OUT_SHOWN {
                        source.left_out.push(path.to_owned());
                    }
                }
            }
            Ok(())
        })?;
        Ok(source)
    }

    /// How much there is.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }
}

/// Encrypts everything in `source` to `lock` and writes it to `out`, which the caller makes
/// durable. What is in the source must not change meanwhile.
///
/// # Errors
/// When something cannot be read or written, or changed its size, or the watcher stops it.
pub fn write<W: Write>(
    source: &Source,
    head: &Head,
    lock: &Lock,
    out: W,
    watch: Watch<'_>,
) -> Result<W, BackupError> {
    let mut archive = Builder::new(lock.encrypt(out)?);
    let (mut list, mut done) = (List::new(), Amount::default());
    let text = head.encode();
    append(&mut archive, HEAD, 0o600, text.len() as u64, &text[..])?;
    walk(&source.folder, &mut |found| {
        let Found::File(place, file, size) = found else {
            return Ok(());
        };
        let mut content = Content {
            file: file.take(size),
            context: Context::new(&SHA256),
            done: &mut done,
            watch: &mut *watch,
            is_stopped: false,
        };
        let appended = append(
            &mut archive,
            place.as_str(),
            place.mode(),
            size,
            &mut content,
        );
        let (left, is_stopped) = (content.file.limit(), content.is_stopped);
        let digest = content.context.finish();
        if is_stopped {
            return Err(BackupError::Stopped);
        }
        appended?;
        if left > 0 {
            return Err(BackupError::refused(format!(
                "`{}` became shorter while it was read",
                place.as_str()
            )));
        }
        done.files += 1;
        list.add(place.as_str(), &digest)
            .map_err(BackupError::Write)
    })?;
    let (length, content) = list.into_content().map_err(BackupError::Write)?;
    append(&mut archive, SUMS, 0o600, length, content)?;
    let encrypted = archive.into_inner().map_err(BackupError::Write)?;
    encrypted.finish().map_err(BackupError::Write)
}

/// A file on its way: hashed, counted, watched.
struct Content<'a, 'w> {
    file: io::Take<File>,
    context: Context,
    done: &'a mut Amount,
    watch: &'a mut (dyn FnMut(Amount) -> bool + 'w),
    is_stopped: bool,
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.context
            .update(buffer.get(..length).unwrap_or_default());
        self.done.bytes += length as u64;
        if (self.watch)(*self.done) {
            return Ok(length);
        }
        self.is_stopped = true;
        Err(io::Error::other("stopped"))
    }
}

fn append(
    archive: &mut Builder<impl Write>,
    path: &str,
    mode: u32,
    size: u64,
    content: impl Read,
) -> Result<(), BackupError> {
    let mut header = Header::new_ustar();
    if header.set_path(path).is_err() {
        // Longer than the header's fields (POSIX.1-2001, pax): the name in the header is for
        // programs that know no better.
        archive
            .append_pax_extensions([("path", path.as_bytes())])
            .map_err(BackupError::Write)?;
        header.set_path("long-name").map_err(BackupError::Write)?;
    }
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    archive.append(&header, content).map_err(BackupError::Write)
}
