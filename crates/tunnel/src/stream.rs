//! A byte stream through the tunnel.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A byte stream through the tunnel. `poll_shutdown` ends the sending half; dropping it before both
/// halves ended resets it.
#[derive(Debug)]
pub struct TunnelStream;

impl TunnelStream {
    /// The next received bytes without copying; `None` at the end.
    pub fn poll_read_bytes(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        todo!()
    }
    /// Waits until bytes can be sent; how many.
    pub fn poll_send_capacity(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        todo!()
    }
    /// Sends bytes without copying; at most the capacity told before, the rest stays in `bytes`.
    pub fn send_bytes(&mut self, _bytes: &mut Bytes) -> io::Result<()> {
        todo!()
    }
}

impl AsyncRead for TunnelStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!()
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        todo!()
    }
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}
