//! A byte stream through the tunnel.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use portlama_tunnel_proto::{ResetCode, StreamFault, StreamId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::OpenError;
use crate::carrier::Carrier;

/// A byte stream between the server and a service behind an agent.
///
/// The two directions end separately: `shutdown` ends the sending half, a read of nothing
/// says that the other end did. Dropping the stream before both ended resets it, except that
/// what was written before a `shutdown` is still delivered.
#[derive(Debug)]
pub struct TunnelStream {
    carrier: Arc<Carrier>,
    id: StreamId,
    /// The rest of what was taken from the carrier.
    received: Bytes,
    reset: ResetCode,
}

impl TunnelStream {
    pub(crate) fn new(carrier: Arc<Carrier>, id: StreamId) -> Self {
        Self {
            carrier,
            id,
            received: Bytes::new(),
            reset: ResetCode::Cancelled,
        }
    }

    /// Waits until the agent reached the service. Streams of [`Hub::open`](crate::Hub::open)
    /// have; those of [`Hub::open_early`](crate::Hub::open_early) may be used before.
    ///
    /// # Errors
    /// Why there is no stream.
    pub async fn opened(&mut self) -> Result<(), OpenError> {
        std::future::poll_fn(|cx| self.carrier.poll_opened(self.id, cx))
            .await
            .map_err(OpenError::from_fault)
    }

    /// The next received bytes where they lie; `None` at the end.
    ///
    /// # Errors
    /// When the stream was reset, refused or lost. The inner error of a refused one is an
    /// [`OpenError`].
    pub fn poll_read_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if !self.received.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.received))));
        }
        self.carrier.poll_read(self.id, cx).map_err(into_io)
    }

    /// How many bytes [`send_bytes`](Self::send_bytes) would take; waits until it is one.
    ///
    /// # Errors
    /// When the sending half ended.
    pub fn poll_send_capacity(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.carrier.poll_capacity(self.id, cx).map_err(into_io)
    }

    /// Sends bytes from where they lie. What is above the capacity stays in `bytes`.
    ///
    /// # Errors
    /// When the sending half ended.
    pub fn send_bytes(&mut self, bytes: &mut Bytes) -> io::Result<usize> {
        self.carrier.write(self.id, bytes).map_err(into_io)
    }

    /// Gives the stream up and tells the other end that the connection behind it broke.
    pub fn abort(mut self) {
        self.reset = ResetCode::Aborted;
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
        if wanted == 0 {
            return Poll::Ready(Ok(0));
        }
        let capacity = ready!(self.poll_send_capacity(cx))?.min(wanted);
        let mut gathered = BytesMut::with_capacity(capacity);
        for slice in slices {
            let room = capacity - gathered.len();
            gathered.extend_from_slice(slice.get(..room).unwrap_or(slice));
        }
        Poll::Ready(self.send_bytes(&mut gathered.freeze()))
    }
}

impl AsyncRead for TunnelStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut any = false;
        while buf.remaining() > 0 {
            let mut bytes = match self.poll_read_bytes(cx) {
                Poll::Ready(Ok(Some(bytes))) => bytes,
                Poll::Ready(Ok(None)) => break,
                // What was already copied goes out; the error or the wait comes next time.
                _ if any => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let count = bytes.len().min(buf.remaining());
            buf.put_slice(bytes.get(..count).unwrap_or_default());
            bytes.advance(count);
            self.received = bytes;
            any = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Written bytes are on their way without being asked.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.carrier.finish(self.id).map_err(into_io))
    }
}

impl Drop for TunnelStream {
    fn drop(&mut self) {
        self.carrier.release(self.id, self.reset);
    }
}

impl OpenError {
    pub(crate) fn from_fault(fault: StreamFault) -> Self {
        match fault {
            StreamFault::Refused(reason, detail) => Self::from_refusal(reason, detail),
            StreamFault::Reset(_)
            | StreamFault::Finished
            | StreamFault::CarrierEnded(_)
            | StreamFault::Gone => Self::Lost,
        }
    }
}

fn into_io(fault: StreamFault) -> io::Error {
    match fault {
        StreamFault::Refused(..) => io::Error::new(
            io::ErrorKind::ConnectionRefused,
            OpenError::from_fault(fault),
        ),
        StreamFault::Reset(_) => io::Error::new(io::ErrorKind::ConnectionReset, fault),
        StreamFault::CarrierEnded(_) => io::Error::new(io::ErrorKind::ConnectionAborted, fault),
        StreamFault::Finished => io::Error::new(io::ErrorKind::BrokenPipe, fault),
        StreamFault::Gone => io::Error::new(io::ErrorKind::NotConnected, fault),
    }
}
