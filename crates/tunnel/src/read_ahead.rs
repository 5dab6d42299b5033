//! Large reads below TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::scratch;

/// Reads from the connection in large pieces and hands them out in small ones.
///
/// rustls asks for 4 KiB at a time, which would be four system calls a record. The buffer is
/// held only while something is in it. Writes pass through.
#[derive(Debug)]
pub struct ReadAhead<IO> {
    io: IO,
    buffer: Option<BytesMut>,
}

impl<IO> ReadAhead<IO> {
    /// Wraps a connection, before TLS.
    pub fn new(io: IO) -> Self {
        Self { io, buffer: None }
    }

    /// The connection.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for ReadAhead<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut ahead = match this.buffer.take() {
            Some(ahead) => ahead,
            None => {
                let mut ahead = scratch::take();
                let read = poll_read_buf(Pin::new(&mut this.io), cx, &mut ahead);
                if !matches!(read, Poll::Ready(Ok(1..))) {
                    scratch::put(ahead);
                    ready!(read)?;
                    return Poll::Ready(Ok(()));
                }
                ahead
            }
        };
        let count = ahead.len().min(buf.remaining());
        buf.put_slice(ahead.get(..count).unwrap_or_default());
        ahead.advance(count);
        if ahead.is_empty() {
            scratch::put(ahead);
        } else {
            this.buffer = Some(ahead);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for ReadAhead<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
