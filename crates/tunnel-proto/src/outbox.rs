//! Frames on their way to the connection, payloads where they lie.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Payloads up to this size are copied beside their header: one slice less to write is
/// cheaper than the copy.
const COPY_BYTES: usize = 1024;

/// A queue of octets that is written with vectored writes. Large payloads are referred to,
/// headers and small payloads are gathered.
#[derive(Debug, Default)]
pub struct Outbox {
    parts: VecDeque<Bytes>,
    gathered: BytesMut,
    length: usize,
}

impl Outbox {
    /// Appends by copying.
    pub(crate) fn put_slice(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Appends, by reference when that pays.
    pub(crate) fn put_bytes(&mut self, bytes: Bytes) {
        if bytes.len() <= COPY_BYTES {
            return self.put_slice(&bytes);
        }
        self.seal();
        self.length += bytes.len();
        self.parts.push_back(bytes);
    }

    /// Makes everything appended so far readable.
    pub(crate) fn seal(&mut self) {
        if !self.gathered.is_empty() {
            self.parts.push_back(self.gathered.split().freeze());
        }
    }

    /// Lets go of spare memory after a burst.
    pub fn shrink(&mut self) {
        if self.length == 0 {
            *self = Self::default();
        }
    }
}

impl Buf for Outbox {
    fn remaining(&self) -> usize {
        self.length
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| part)
    }

    fn advance(&mut self, mut count: usize) {
        self.length = self.length.saturating_sub(count);
        while let Some(part) = self.parts.front_mut() {
            if count < part.len() {
                return part.advance(count);
            }
            count -= part.len();
            self.parts.pop_front();
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pairs = slices.iter_mut().zip(&self.parts);
        pairs
            .map(|(slice, part)| *slice = IoSlice::new(part))
            .count()
    }
}
