//! The stream to a service below hyper: the octet check of the heads of its answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::gate::{ResponseCheck, ResponseError};
use crate::limits::MAX_INTERIM_RESPONSES;

/// Tells the stream that a request is about to be sent, so that the next octets are the head
/// of its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct ArmedHead(Arc<AtomicBool>);

impl ArmedHead {
    /// To be called before each request.
    pub(crate) fn arm(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A stream to a service as hyper sees it: the head of each answer is held back until it is
/// complete and checked; bodies pass untouched.
pub(crate) struct OriginIo<IO> {
    io: IO,
    armed: ArmedHead,
    /// The head being awaited; `None` while a body passes.
    check: Option<ResponseCheck>,
    interim: usize,
    held: Vec<u8>,
    release: Vec<u8>,
    released: usize,
}

impl<IO> OriginIo<IO> {
    pub(crate) fn new(io: IO) -> (Self, ArmedHead) {
        let armed = ArmedHead::default();
        let stream = Self {
            io,
            armed: armed.clone(),
            check: None,
            interim: 0,
            held: Vec::new(),
            release: Vec::new(),
            released: 0,
        };
        (stream, armed)
    }

    /// Says how many octets may pass: all of them once the final head is complete.
    fn inspect(&mut self, data: &[u8]) -> Result<usize, ResponseError> {
        let mut at = 0;
        loop {
            let Some(check) = &mut self.check else {
                return Ok(data.len());
            };
            let rest = data.get(at..).unwrap_or_default();
            match check.advance(rest)? {
                None => return Ok(at),
                Some((len, 100..=199)) if !is_switch(rest) => {
                    at += len;
                    self.interim += 1;
                    if self.interim > MAX_INTERIM_RESPONSES {
                        return Err(ResponseError::Interim);
                    }
                    self.check = Some(ResponseCheck::default());
                }
                Some(_) => self.check = None,
            }
        }
    }

    fn take(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> Result<(), ResponseError> {
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if self.held.is_empty() {
            let pass = self.inspect(fresh)?;
            self.held
                .extend_from_slice(fresh.get(pass..).unwrap_or_default());
            buf.set_filled(before + pass);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(fresh);
        buf.set_filled(before);
        let pass = self.inspect(&whole)?;
        self.held
            .extend_from_slice(whole.get(pass..).unwrap_or_default());
        whole.truncate(pass);
        self.release = whole;
        self.released = 0;
        Ok(())
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = self.release.get(self.released..).unwrap_or_default();
        let len = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..len).unwrap_or_default());
        self.released += len;
        if self.released == self.release.len() {
            self.release = Vec::new();
            self.released = 0;
        }
        len > 0
    }
}

/// `101` ends HTTP: it is a final head for this check.
fn is_switch(head: &[u8]) -> bool {
    head.get(9..12) == Some(b"101")
}

impl<IO: AsyncRead + Unpin> AsyncRead for OriginIo<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.armed.0.swap(false, Ordering::AcqRel) {
            this.check = Some(ResponseCheck::default());
            this.interim = 0;
        }
        loop {
            if this.hand_out(buf) {
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            match Pin::new(&mut this.io).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > before => {}
                other => return other,
            }
            this.take(buf, before)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for OriginIo<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
