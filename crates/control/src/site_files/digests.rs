//! The SHA-256 of site files, so that whoever deploys a site sends what changed and nothing else.
//!
//! An upload is hashed as it is written. Whatever else lies in a site is hashed when somebody asks,
//! once: a digest is remembered by what tells one version of a file from every other.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd};

use aws_lc_rs::digest::{Context, Digest, SHA256};
use parking_lot::Mutex;
use rustix::fs::{Mode, OFlags, Stat, fstat, openat};

/// How much is read for the digests of one listing, octets: a second on a slow disk. What is left
/// out then is there when the same is asked again; one file is read always.
const MAX_DIGESTED_BYTES: u64 = 64 * 1024 * 1024;
/// How many digests are remembered, all sites together: about 4 MB. Whoever has more files than
/// that waits longer, as they are forgotten and computed anew.
const MAX_REMEMBERED_DIGESTS: usize = 50_000;

/// How much is read at once, octets.
const PIECE_BYTES: usize = 64 * 1024;

/// A SHA-256.
pub(crate) type Sha256 = [u8; 32];

/// The digest of what was written so far.
pub(super) struct Hashing(Context);

impl Hashing {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn add(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    pub(super) fn so_far(&self) -> Sha256 {
        sha256(&self.0.clone().finish())
    }
}

/// What was computed before.
#[derive(Default)]
pub(super) struct Digests {
    known: Mutex<HashMap<Version, Sha256>>,
    /// Held by the one listing that reads files: more at once would only wait for the same disk.
    reading: Mutex<()>,
}

/// Tells one version of a file from every other: device, inode, size and both times to the
/// nanosecond, hashed to save memory. A file that takes another's place differs in its inode, one
/// that is written in place in its times.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Version([u8; 16]);

impl Version {
    fn of(found: &Stat) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&found.st_dev.to_le_bytes());
        context.update(&found.st_ino.to_le_bytes());
        context.update(&found.st_size.to_le_bytes());
        context.update(&found.st_mtime.to_le_bytes());
        context.update(&found.st_mtime_nsec.to_le_bytes());
        context.update(&found.st_ctime.to_le_bytes());
        context.update(&found.st_ctime_nsec.to_le_bytes());
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(half)
    }
}

impl Digests {
    /// Remembers the digest of a file that has its name by now: giving it one changed its times.
    pub(super) fn remember(&self, file: BorrowedFd<'_>, digest: Sha256) {
        if let Ok(found) = fstat(file) {
            self.keep(Version::of(&found), digest);
        }
    }

    /// The digests of one listing's files.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            digests: self,
            read: 0,
        }
    }

    fn keep(&self, version: Version, digest: Sha256) {
        let mut known = self.known.lock();
        if known.len() >= MAX_REMEMBERED_DIGESTS {
            known.clear();
        }
        known.insert(version, digest);
    }
}

/// Looks up the digests of one listing, and reads so many files for it.
pub(super) struct Reader<'a> {
    digests: &'a Digests,
    /// Octets.
    read: u64,
}

impl Reader<'_> {
    /// The digest of the file of this name; `None` when it is unknown and would cost too much now,
    /// or the file cannot be read or changes meanwhile.
    pub(super) fn of(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &std::ffi::CStr,
        found: &Stat,
    ) -> Option<Sha256> {
        let version = Version::of(found);
        if let Some(digest) = self.digests.known.lock().get(&version) {
            return Some(*digest);
        }
        let size = u64::try_from(found.st_size).unwrap_or(u64::MAX);
        let reading = self.read.saturating_add(size);
        if self.read > 0 && reading > MAX_DIGESTED_BYTES {
            return None;
        }
        let _alone = self.digests.reading.try_lock()?;
        self.read = reading.max(1);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = File::from(openat(folder, name, flags, Mode::empty()).ok()?);
        let digest = read(&mut file, size)?;
        let after = Version::of(&fstat(file.as_fd()).ok()?);
        if after != version {
            return None;
        }
        self.digests.keep(version, digest);
        Some(digest)
    }
}

/// The digest of `size` octets; `None` when there are more or fewer.
fn read(file: &mut File, size: u64) -> Option<Sha256> {
    let mut hashing = Hashing::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut seen: u64 = 0;
    let mut rest = file.take(size.saturating_add(1));
    loop {
        let count = rest.read(&mut piece).ok()?;
        if count == 0 {
            return (seen == size).then(|| hashing.so_far());
        }
        hashing.add(piece.get(..count)?);
        seen += count as u64;
    }
}

fn sha256(digest: &Digest) -> Sha256 {
    let mut octets = [0; 32];
    for (to, from) in octets.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    octets
}
