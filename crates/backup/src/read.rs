//! Reading a backup: everything in it is outside input until the last list was compared.

use std::cell::Cell;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::rc::Rc;

use portlama_state::DIRECTORY_MODE;
use tar::{Archive, Entries, Entry, EntryType, PaxExtensions};

use crate::head::{Head, MAX_HEAD_BYTES};
use crate::lock::Key;
use crate::sums::{SUMS, Sums, digest_of};
use crate::write::HEAD;
use crate::{Amount, BackupError, MAX_PLACE_BYTES, Place, Watch};

/// The most files of a backup: five hundred sites with all the files that a site may have.
pub const MAX_FILES: u64 = 10_000_000;

/// How many zeros may follow the archive, octets: programs that write tar fill up to 10 KiB.
pub const MAX_PADDING_BYTES: u64 = 64 * 1024;

/// The largest header with a long path, octets: the path, its name and its length.
const MAX_LONG_PATH_BYTES: u64 = MAX_PLACE_BYTES as u64 + 64;

/// Hears what a backup says of itself, before its files come; an error refuses it.
type Admit<'a> = &'a mut dyn FnMut(&Head) -> Result<(), BackupError>;

/// Reads all of a backup and writes nothing.
///
/// # Errors
/// When the key does not open it, it is damaged, or something is in it that must not be.
pub fn check(
    input: impl Read,
    key: &Key,
    admit: Admit<'_>,
    watch: Watch<'_>,
) -> Result<Head, BackupError> {
    read(key.decrypt(input)?, None, admit, watch)
}

/// Reads all of a backup and writes its files into `folder`, which is empty. When this fails,
/// what is in the folder means nothing.
///
/// # Errors
/// As [`check`], and when a file cannot be written.
pub fn unpack(
    input: impl Read,
    key: &Key,
    folder: &Path,
    admit: Admit<'_>,
    watch: Watch<'_>,
) -> Result<Head, BackupError> {
    read(key.decrypt(input)?, Some(folder), admit, watch)
}

/// What [`check`] does with the archive once it is open.
///
/// # Errors
/// When something is in it that must not be.
pub fn check_archive(archive: impl Read) -> Result<Head, BackupError> {
    read(archive, None, &mut |_| Ok(()), &mut |_| true)
}

fn read(
    input: impl Read,
    folder: Option<&Path>,
    admit: Admit<'_>,
    watch: Watch<'_>,
) -> Result<Head, BackupError> {
    let failure = Failure::default();
    let mut archive = Archive::new(Watched {
        input,
        failure: failure.clone(),
    });
    let entries = archive.entries().map_err(|e| failure.explain(e))?.raw(true);
    let reading = Reading {
        entries,
        failure: failure.clone(),
        sums: Sums::new(),
        last: None,
        done: Amount::default(),
    };
    let head = reading.read(folder, admit, watch)?;
    padding(archive.into_inner(), &failure)?;
    Ok(head)
}

struct Reading<'a, R: Read> {
    entries: Entries<'a, R>,
    failure: Failure,
    sums: Sums,
    last: Option<Place>,
    done: Amount,
}

impl<'a, R: Read> Reading<'a, R> {
    fn read(
        mut self,
        folder: Option<&Path>,
        admit: Admit<'_>,
        watch: Watch<'_>,
    ) -> Result<Head, BackupError> {
        let head = self.head()?;
        if head.files > MAX_FILES {
            return Err(BackupError::refused("it holds too many files"));
        }
        admit(&head)?;
        loop {
            let (path, mut entry) = self.next()?;
            let size = entry.size();
            if path == SUMS {
                if self.done != head.amount() {
                    return Err(BackupError::refused("files of it are missing"));
                }
                return self.end(entry).map(|()| head);
            }
            let place = self.admitted(&path, size, &head)?;
            let mut file = match folder {
                Some(folder) => Some(create(folder, &place)?),
                None => None,
            };
            let mut done = self.done;
            let mut is_stopped = false;
            let digest = digest_of(&mut entry, &mut |piece| {
                done.bytes += piece.len() as u64;
                if !watch(done) {
                    is_stopped = true;
                    return Err(io::Error::other("stopped"));
                }
                match &mut file {
                    Some(file) => file.write_all(piece),
                    None => Ok(()),
                }
            });
            if is_stopped {
                return Err(BackupError::Stopped);
            }
            let digest =
                digest.map_err(|error| self.failure.explain_file(folder, &place, error))?;
            if done.bytes != self.done.bytes + size {
                return Err(BackupError::refused(format!("`{path}` is cut off")));
            }
            self.sums.add(&path, &digest);
            self.done = Amount {
                files: done.files + 1,
                bytes: done.bytes,
            };
            self.last = Some(place);
        }
    }

    fn head(&mut self) -> Result<Head, BackupError> {
        let failure = self.failure.clone();
        let (path, entry) = self.next()?;
        if path != HEAD || entry.size() > MAX_HEAD_BYTES {
            return Err(BackupError::refused("it does not begin with `backup.json`"));
        }
        let mut text = Vec::new();
        let mut bounded = entry.take(MAX_HEAD_BYTES);
        bounded
            .read_to_end(&mut text)
            .map_err(|error| failure.explain(error))?;
        Head::decode(&text)
    }

    /// The next file. Long paths come in a header of their own.
    fn next(&mut self) -> Result<(String, Entry<'a, R>), BackupError> {
        let mut long = None;
        loop {
            let Some(entry) = self.entries.next() else {
                return Err(BackupError::refused("it ends before its list of files"));
            };
            let mut entry = entry.map_err(|error| self.failure.explain(error))?;
            match entry.header().entry_type() {
                EntryType::XHeader if long.is_none() && entry.size() <= MAX_LONG_PATH_BYTES => {
                    let mut text = Vec::new();
                    entry
                        .read_to_end(&mut text)
                        .map_err(|error| self.failure.explain(error))?;
                    long = Some(long_path(&text)?);
                }
                EntryType::Regular => {
                    let short = || String::from_utf8(entry.path_bytes().into_owned()).ok();
                    let path = long.or_else(short);
                    let path = path.ok_or_else(|| BackupError::refused("a path is no text"))?;
                    return Ok((path, entry));
                }
                other => {
                    return Err(BackupError::refused(format!(
                        "there is something in it that is no plain file (type {:?})",
                        char::from(other.as_byte())
                    )));
                }
            }
        }
    }

    fn admitted(&self, path: &str, size: u64, head: &Head) -> Result<Place, BackupError> {
        let place = Place::parse(path).ok_or_else(|| {
            BackupError::refused(format!(
                "`{}` does not belong into a backup",
                path.escape_debug()
            ))
        })?;
        if size > place.max_bytes() {
            return Err(BackupError::refused(format!("`{path}` is too large")));
        }
        if self
            .last
            .as_ref()
            .is_some_and(|last| !last.is_before(&place))
        {
            return Err(BackupError::refused(format!(
                "`{path}` is at the wrong place"
            )));
        }
        if self.done.files >= head.files || size > head.bytes - self.done.bytes.min(head.bytes) {
            return Err(BackupError::refused("it holds more than it says"));
        }
        Ok(place)
    }

    /// The list at the end is the one that was counted along, and nothing comes after it.
    fn end(mut self, list: Entry<'a, R>) -> Result<(), BackupError> {
        let is_long_enough = list.size() == self.sums.bytes;
        let is_same = self
            .sums
            .is(list)
            .map_err(|error| self.failure.explain(error))?;
        if !is_long_enough || !is_same {
            return Err(BackupError::refused(
                "a file in it is not the one that was put into it",
            ));
        }
        match self.entries.next() {
            None => Ok(()),
            Some(Err(error)) => Err(self.failure.explain(error)),
            Some(Ok(_)) => Err(BackupError::refused("something comes after its end")),
        }
    }
}

fn long_path(header: &[u8]) -> Result<String, BackupError> {
    let mut path = None;
    for member in PaxExtensions::new(header) {
        let member = member.ok().filter(|member| member.key() == Ok("path"));
        let text = member.and_then(|member| member.value().ok().map(str::to_owned));
        if text.is_none() || path.is_some() {
            return Err(BackupError::refused(
                "a long path is written in a strange way",
            ));
        }
        path = text;
    }
    path.ok_or_else(|| BackupError::refused("a header with nothing in it"))
}

fn create(folder: &Path, place: &Place) -> Result<File, BackupError> {
    let path = folder.join(place.as_str());
    let make = || {
        if let Some(parent) = path.parent() {
            let mut maker = DirBuilder::new();
            maker.recursive(true).mode(DIRECTORY_MODE).create(parent)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        // Whatever the umask is.
        file.set_permissions(Permissions::from_mode(place.mode()))?;
        Ok(file)
    };
    make().map_err(|source| BackupError::File {
        path: path.clone(),
        source,
    })
}

/// Reads to the very end, where the encryption says whether anything was cut off.
fn padding(mut rest: Watched<impl Read>, failure: &Failure) -> Result<(), BackupError> {
    let mut buffer = vec![0; 4096];
    let mut left = MAX_PADDING_BYTES;
    loop {
        let length = rest
            .read(&mut buffer)
            .map_err(|error| failure.explain(error))?;
        let read = buffer.get(..length).unwrap_or_default();
        if length == 0 {
            return Ok(());
        }
        left = left.saturating_sub(length as u64);
        if left == 0 || read.iter().any(|byte| *byte != 0) {
            return Err(BackupError::refused("something comes after its end"));
        }
    }
}

/// Whether it was the encrypted file that failed, and not what is in it.
#[derive(Debug, Clone, Default)]
struct Failure(Rc<Cell<bool>>);

impl Failure {
    fn explain(&self, error: io::Error) -> BackupError {
        match self.0.get() {
            true => BackupError::Damaged(error),
            false => BackupError::refused(error.to_string()),
        }
    }

    fn explain_file(&self, folder: Option<&Path>, place: &Place, error: io::Error) -> BackupError {
        match folder {
            Some(folder) if !self.0.get() => BackupError::File {
                path: folder.join(place.as_str()),
                source: error,
            },
            _ => self.explain(error),
        }
    }
}

/// Input that remembers whether it failed.
struct Watched<R> {
    input: R,
    failure: Failure,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer);
        if let Err(error) = &read
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failure.0.set(true);
        }
        read
    }
}
