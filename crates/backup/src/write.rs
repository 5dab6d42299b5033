//! Writing a backup.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use tar::{Builder, EntryType, Header};

use crate::head::Head;
use crate::lock::Lock;
use crate::sums::{List, SUMS};
use crate::walk::{Found, Visit, open_below, walk};
use crate::{Amount, BackupError, Watch};

/// The head's name in a backup.
pub(crate) const HEAD: &str = "backup.json";

/// A state directory that stands still, or a copy of one.
#[derive(Debug)]
pub struct Source {
    folder: OwnedFd,
    path: PathBuf,
    amount: Amount,
    /// Files that are in the folder and belong to no state, relative to it; the first few.
    pub left_out: Vec<String>,
    /// How many such files there are.
    pub left_out_count: u64,
}

/// How many names of files that are left out are remembered, for people.
const LEFT_OUT_SHOWN: usize = 10;

impl Source {
    /// Looks what is in the folder at the end of `way` below `state_dir`. No link on that way is
    /// followed: the folders are another user's.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(state_dir: &Path, way: &Path) -> Result<Self, BackupError> {
        let source = Self {
            folder: open_below(state_dir, way)?,
            path: state_dir.join(way),
            amount: Amount::default(),
            left_out: Vec::new(),
            left_out_count: 0,
        };
        let (mut amount, mut left_out, mut left_out_count) = (Amount::default(), Vec::new(), 0);
        source.walk(&mut |found| {
            match found {
                Found::File(_, _, size) => {
                    amount.files += 1;
                    amount.bytes += size;
                }
                Found::Other(path) => {
                    left_out_count += 1;
                    if left_out.len() < LEFT_OUT_SHOWN {
                        left_out.push(path.to_owned());
                    }
                }
            }
            Ok(())
        })?;
        Ok(Self {
            amount,
            left_out,
            left_out_count,
            ..source
        })
    }

    fn walk(&self, visit: Visit<'_>) -> Result<(), BackupError> {
        walk(&self.folder, &self.path, visit)
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
/// [`BackupError::Changed`] when it is not what the head says by now, as when its owner took the
/// copy back; when something cannot be read or written, or the watcher stops it.
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
    source.walk(&mut |found| {
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
            return Err(BackupError::Changed(format!(
                "`{}` became shorter while it was read",
                place.as_str()
            )));
        }
        done.files += 1;
        list.add(place.as_str(), &digest)
            .map_err(BackupError::Write)
    })?;
    // A file that is gone looks like one that never was.
    if done != head.amount() {
        let gone = "files of the copy went away while it was read";
        return Err(BackupError::Changed(gone.to_owned()));
    }
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
