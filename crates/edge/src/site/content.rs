//! A file on its way to a visitor: read piece by piece, as fast as they take it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use crate::limits::SITE_CHUNK_BYTES;

/// The content of an answer: octets that are there, and parts of a file that is open.
///
/// At most one piece of [`SITE_CHUNK_BYTES`] is read ahead, on a thread that may wait for the
/// disk. The file is the one that was opened: when another takes its name meanwhile, the
/// visitor still gets all of the one, and none of the other.
pub(crate) struct Content {
    pieces: VecDeque<Piece>,
    left: u64,
    file: Option<OpenFile>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

/// A file that is held open for a visitor, and the right to do so.
pub(crate) struct OpenFile {
    pub(crate) file: Arc<File>,
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// A piece of an answer.
pub(crate) enum Piece {
    /// Octets in memory.
    Octets(Bytes),
    /// So many octets of the file from here on.
    Span { at: u64, len: u64 },
}

impl Piece {
    /// Octets.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Octets(octets) => octets.len() as u64,
            Self::Span { len, .. } => *len,
        }
    }
}

impl Content {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self::new(VecDeque::new(), None)
    }

    /// Octets in memory, handed over in pieces, so that a denial finds a place to cut.
    pub(crate) fn octets(octets: Bytes) -> Self {
        Self::new([Piece::Octets(octets)].into(), None)
    }

    /// Pieces of a file, and octets between them.
    pub(crate) fn of_file(pieces: VecDeque<Piece>, file: OpenFile) -> Self {
        Self::new(pieces, Some(file))
    }

    fn new(pieces: VecDeque<Piece>, file: Option<OpenFile>) -> Self {
        Self {
            left: pieces.iter().map(Piece::len).sum(),
            pieces,
            file,
            reading: None,
        }
    }

    /// Octets that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece. An error ends the answer before its end: the file became shorter, or
    /// cannot be read.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let read = match &mut self.reading {
            Some(reading) => {
                let read = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                read.unwrap_or_else(|_| Err(io::Error::other("the reading thread ended")))
            }
            None => match self.next() {
                None => return Poll::Ready(None),
                Some(Next::Octets(octets)) => Ok(octets),
                Some(Next::Read(reading)) => {
                    self.reading = Some(reading);
                    return self.poll_piece(cx);
                }
            },
        };
        if let Ok(octets) = &read {
            self.left = self.left.saturating_sub(octets.len() as u64);
            if self.left == 0 {
                // A slow visitor still takes what was read; nobody needs the file any more.
                self.file = None;
            }
        }
        Poll::Ready(Some(read))
    }

    fn next(&mut self) -> Option<Next> {
        loop {
            match self.pieces.front_mut()? {
                Piece::Octets(octets) if octets.is_empty() => {}
                Piece::Octets(octets) => {
                    let len = octets.len().min(SITE_CHUNK_BYTES);
                    return Some(Next::Octets(octets.split_to(len)));
                }
                Piece::Span { len: 0, .. } => {}
                Piece::Span { at, len } => {
                    let wanted = usize::try_from(*len)
                        .map_or(SITE_CHUNK_BYTES, |len| len.min(SITE_CHUNK_BYTES));
                    let (from, file) = (*at, self.file.as_ref()?.file.clone());
                    *at += wanted as u64;
                    *len -= wanted as u64;
                    return Some(Next::Read(tokio::task::spawn_blocking(move || {
                        read(&file, from, wanted)
                    })));
                }
            }
            self.pieces.pop_front();
        }
    }
}

enum Next {
    Octets(Bytes),
    Read(JoinHandle<io::Result<Bytes>>),
}

/// Reads exactly so many octets. Waits for the disk.
pub(crate) fn read(file: &File, at: u64, len: usize) -> io::Result<Bytes> {
    let mut octets = vec![0; len];
    file.read_exact_at(&mut octets, at)?;
    Ok(octets.into())
}
