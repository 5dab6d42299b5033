//! Read buffers that nobody holds while nothing arrives.

use std::cell::Cell;

use bytes::{Bytes, BytesMut};

use crate::limits::READ_BYTES;

/// Below this a payload is copied out, so that the buffer stays whole for the next reader.
const COPY_BYTES: usize = 8 * 1024;

/// A read with less room than this is not worth its system call.
const MIN_ROOM_BYTES: usize = 16 * 1024;

thread_local! {
    /// One spare buffer a thread: polls on a thread come one after another.
    static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// An empty buffer with room, the thread's spare one if it is there.
pub(crate) fn take() -> BytesMut {
    let mut buffer = SPARE.take().unwrap_or_default();
    make_room(&mut buffer);
    buffer
}

/// Makes the next read worth its system call.
pub(crate) fn make_room(buffer: &mut BytesMut) {
    if buffer.capacity() - buffer.len() < MIN_ROOM_BYTES {
        buffer.reserve(READ_BYTES);
    }
}

/// Gives a buffer back; what it holds is forgotten.
pub(crate) fn put(mut buffer: BytesMut) {
    buffer.clear();
    SPARE.set(Some(buffer));
}

/// Takes the content: large ones where they lie, small ones as a copy.
pub(crate) fn carve(buffer: &mut BytesMut) -> Bytes {
    if buffer.len() >= COPY_BYTES {
        return buffer.split().freeze();
    }
    let bytes = Bytes::copy_from_slice(buffer);
    buffer.clear();
    bytes
}
