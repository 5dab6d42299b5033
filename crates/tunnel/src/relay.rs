//! Copies between a stream and a service until both directions ended.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes};
use tokio::io::AsyncWrite;
use tokio_util::io::{poll_read_buf, poll_write_buf};

use crate::limits::ORIGIN_READ_BYTES;
use crate::{OriginIo, TunnelStream, scratch};

/// Rounds of one direction before other tasks get their turn.
const ROUNDS: usize = 8;

/// Frames written to the service at a time.
const PARTS: usize = 4;

/// Copies both ways with half-close. Between octets it holds no buffer.
///
/// # Errors
/// When either side broke; the caller then gives the other one up.
pub(crate) async fn relay(
    stream: &mut TunnelStream,
    origin: &mut Box<dyn OriginIo>,
) -> io::Result<()> {
    let mut to_origin = ToOrigin {
        parts: Parts::default(),
        unflushed: false,
        phase: Phase::Open,
    };
    let mut from_origin = Phase::Open;
    std::future::poll_fn(|cx| {
        let down = to_origin.poll(stream, origin, cx)?;
        let up = poll_from_origin(&mut from_origin, stream, origin, cx)?;
        if down.is_ready() && up.is_ready() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The source ended; the target must hear of it.
    Ending,
    Done,
}

struct ToOrigin {
    parts: Parts,
    unflushed: bool,
    phase: Phase,
}

impl ToOrigin {
    fn poll(
        &mut self,
        stream: &mut TunnelStream,
        origin: &mut Box<dyn OriginIo>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..ROUNDS {
            if self.phase == Phase::Done {
                return Poll::Ready(Ok(()));
            }
            let blocked = self.poll_fill(stream, cx)?.is_pending();
            if !self.parts.0.is_empty() {
                ready!(poll_write_buf(Pin::new(&mut *origin), cx, &mut self.parts))?;
                self.unflushed = true;
                continue;
            }
            if blocked {
                if self.unflushed {
                    ready!(Pin::new(&mut *origin).poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
            if self.phase == Phase::Ending {
                // A service that closed first does not mind not being told.
                let _ = ready!(Pin::new(&mut *origin).poll_shutdown(cx));
                self.phase = Phase::Done;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes a few received parts; pending when the stream has no more for the moment.
    fn poll_fill(
        &mut self,
        stream: &mut TunnelStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.phase == Phase::Open && self.parts.0.len() < PARTS {
            match ready!(stream.poll_read_bytes(cx))? {
                Some(bytes) => self.parts.0.push_back(bytes),
                None => self.phase = Phase::Ending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn poll_from_origin(
    phase: &mut Phase,
    stream: &mut TunnelStream,
    origin: &mut Box<dyn OriginIo>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if *phase == Phase::Done {
        return Poll::Ready(Ok(()));
    }
    for _ in 0..ROUNDS {
        let capacity = ready!(stream.poll_send_capacity(cx))?.min(ORIGIN_READ_BYTES);
        let mut buffer = scratch::take();
        let mut target = (&mut buffer).limit(capacity);
        let read = poll_read_buf(Pin::new(&mut *origin), cx, &mut target);
        if !matches!(read, Poll::Ready(Ok(1..))) {
            scratch::put(buffer);
            ready!(read)?;
            *phase = Phase::Done;
            return Pin::new(stream).poll_shutdown(cx);
        }
        let mut bytes = scratch::carve(&mut buffer);
        scratch::put(buffer);
        stream.send_bytes(&mut bytes)?;
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Received parts on their way to the service, written together.
#[derive(Debug, Default)]
struct Parts(VecDeque<Bytes>);

impl Buf for Parts {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |part| part)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pairs = slices.iter_mut().zip(&self.0);
        pairs
            .map(|(slice, part)| *slice = IoSlice::new(part))
            .count()
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(part) = self.0.front_mut() {
            if count < part.len() {
                return part.advance(count);
            }
            count -= part.len();
            self.0.pop_front();
        }
    }
}
