//! The connection of a client below hyper: the gate's octet checks and the time limits.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::LazyTimer;
use crate::gate::{ChunkScanner, Framing, GateError, HeadCheck, REFUSED_METHOD};
use crate::limits::{
    HEAD_TIMEOUT, KEEP_ALIVE_IDLE, LINGER_MAX_BYTES, LINGER_TIMEOUT, LOOK_AGAIN,
    WRITE_STALL_TIMEOUT,
};
use crate::ongoing::Connection;

/// What the connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.0 or 1.1: every head passes the gate here.
    Http1,
    /// HTTP/2: the gate looks at parsed requests.
    Http2,
}

/// A client's connection as hyper sees it.
///
/// Octets pass unchanged and without a copy while whole heads arrive at once; a head in pieces
/// is held back until it is complete and checked. In place of a head that the gate refuses
/// hyper reads a request with [`REFUSED_METHOD`], so that the refusal is answered in order
/// behind everything that was asked before, and nothing after it is read.
pub(crate) struct VisitorIo<IO> {
    io: IO,
    connection: Arc<Connection>,
    follow: Follow,
    /// Octets of an unfinished head.
    held: Vec<u8>,
    /// Checked octets that did not fit the reader's buffer.
    release: Vec<u8>,
    released: usize,
    timer: LazyTimer,
    read_since: Instant,
    waits: Waits,
    write_since: Option<Instant>,
    linger: Linger,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one a connection, and a box would be allocated for each request"
)]
enum Follow {
    Head(HeadCheck),
    Length(u64),
    Chunked(ChunkScanner),
    /// A WebSocket was asked for: what follows is a head unless the edge agreed.
    Upgrade,
    /// HTTP/2, or agreed to be something else.
    Transparent,
    /// Refused: nothing more is read.
    Refused,
}

/// What the reader waited for last, to know when its patience began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// For the first request after the handshake.
    First,
    Head,
    Idle,
    /// For an answer: without limit here.
    Busy,
}

enum Linger {
    No,
    Reading { deadline: Instant, left: usize },
    Done,
}

enum Inspected {
    /// So many octets may pass; the rest is held or dropped.
    Pass(usize),
    /// So many octets may pass, then comes the refusal.
    Refuse(usize, GateError),
}

impl<IO> VisitorIo<IO> {
    pub(crate) fn new(io: IO, protocol: Protocol, connection: Arc<Connection>) -> Self {
        Self {
            io,
            connection,
            follow: match protocol {
                Protocol::Http1 => Follow::Head(HeadCheck::default()),
                Protocol::Http2 => Follow::Transparent,
            },
            held: Vec::new(),
            release: Vec::new(),
            released: 0,
            timer: LazyTimer::default(),
            read_since: Instant::now(),
            waits: Waits::First,
            write_since: None,
            linger: Linger::No,
        }
    }

    /// Follows checked octets and says how many of `data` may pass.
    fn inspect(&mut self, data: &[u8]) -> Result<Inspected, GateError> {
        let mut at = 0;
        while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
            at += match &mut self.follow {
                Follow::Transparent => rest.len(),
                Follow::Refused => return Ok(Inspected::Pass(at)),
                Follow::Upgrade => {
                    self.follow = if self.connection.is_upgraded() {
                        Follow::Transparent
                    } else {
                        Follow::Head(HeadCheck::default())
                    };
                    0
                }
                Follow::Length(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= take as u64;
                    if *left == 0 {
                        self.follow = Follow::Head(HeadCheck::default());
                    }
                    take
                }
                Follow::Chunked(scanner) => {
                    let take = scanner.feed(rest)?;
                    if scanner.is_done() {
                        self.follow = Follow::Head(HeadCheck::default());
                    }
                    take
                }
                Follow::Head(check) => match check.advance(rest) {
                    Ok(None) => return Ok(Inspected::Pass(at)),
                    Err(error) => {
                        self.follow = Follow::Refused;
                        return Ok(Inspected::Refuse(at, error));
                    }
                    Ok(Some((len, facts))) => {
                        self.follow = match facts.framing {
                            _ if facts.websocket => Follow::Upgrade,
                            Framing::None => Follow::Head(HeadCheck::default()),
                            Framing::Length(length) => Follow::Length(length),
                            Framing::Chunked => Follow::Chunked(ChunkScanner::default()),
                        };
                        len
                    }
                },
            };
        }
        Ok(Inspected::Pass(at))
    }

    /// Judges what was just read into `buf` behind `before`; what must not pass yet leaves it.
    fn take(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if self.held.is_empty() {
            let fresh_len = fresh.len();
            // The borrow of `buf` ends before it is cut.
            let inspected = self.inspect(fresh).map_err(invalid)?;
            let (Inspected::Pass(pass) | Inspected::Refuse(pass, _)) = inspected;
            if pass < fresh_len && matches!(inspected, Inspected::Pass(_)) && !self.is_refused() {
                self.held
                    .extend_from_slice(fresh.get(pass..).unwrap_or_default());
            }
            buf.set_filled(before + pass);
            self.refuse_if(&inspected);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(fresh);
        buf.set_filled(before);
        let inspected = self.inspect(&whole).map_err(invalid)?;
        let (Inspected::Pass(pass) | Inspected::Refuse(pass, _)) = inspected;
        if matches!(inspected, Inspected::Pass(_)) && !self.is_refused() {
            self.held
                .extend_from_slice(whole.get(pass..).unwrap_or_default());
        }
        whole.truncate(pass);
        self.release = whole;
        self.released = 0;
        self.refuse_if(&inspected);
        Ok(())
    }

    fn refuse_if(&mut self, inspected: &Inspected) {
        if let Inspected::Refuse(_, error) = inspected {
            self.connection.refuse(*error);
            let stand_in = format!(
                "{REFUSED_METHOD} / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n"
            );
            self.release.extend_from_slice(stand_in.as_bytes());
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self.follow, Follow::Refused)
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = self.release.get(self.released..).unwrap_or_default();
        let len = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..len).unwrap_or_default());
        self.released += len;
        if self.released == self.release.len() {
            self.release.clear();
            self.released = 0;
        }
        len > 0
    }

    /// Ready when the client was waited for long enough.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let now = Instant::now();
            let write = self.write_since.map(|since| since + WRITE_STALL_TIMEOUT);
            let limits = [self.read_limit(now), write, self.connection.stalled_until()];
            let limit = limits.into_iter().flatten().min();
            if limit.is_some_and(|limit| limit <= now) {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            // While an answer is under way, its end and a stalled HTTP/2 client are noticed by
            // looking again: nobody polls this connection for them.
            let look = limit.map_or(now + LOOK_AGAIN, |limit| limit.min(now + LOOK_AGAIN));
            let looks = self.waits == Waits::Busy && !self.connection.is_upgraded();
            let at = if looks { Some(look) } else { limit };
            let Some(at) = at else {
                return Poll::Pending;
            };
            ready!(self.timer.poll_at(cx, at));
        }
    }

    /// Until when the next octets are waited for.
    fn read_limit(&mut self, now: Instant) -> Option<Instant> {
        let between = !matches!(
            self.follow,
            Follow::Length(_) | Follow::Chunked(_) | Follow::Refused
        );
        let waits = if !self.held.is_empty() {
            Waits::Head
        } else if self.connection.is_upgraded() || !between || self.connection.in_flight() > 0 {
            Waits::Busy
        } else if self.waits == Waits::First {
            Waits::First
        } else {
            Waits::Idle
        };
        if waits != self.waits {
            self.waits = waits;
            self.read_since = now;
        }
        match waits {
            Waits::First | Waits::Head => Some(self.read_since + HEAD_TIMEOUT),
            Waits::Idle => Some(self.connection.idle_since() + KEEP_ALIVE_IDLE),
            Waits::Busy => None,
        }
    }

    fn note_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_since = None;
            return result;
        }
        self.write_since.get_or_insert_with(Instant::now);
        self.poll_patience(cx).map(Err)
    }
}

fn invalid(error: GateError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<IO: AsyncRead + Unpin> AsyncRead for VisitorIo<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.hand_out(buf) {
                return Poll::Ready(Ok(()));
            }
            if this.connection.is_cut(cx) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            if this.is_refused() {
                return this.poll_patience(cx).map(Err);
            }
            let before = buf.filled().len();
            match Pin::new(&mut this.io).poll_read(cx, buf) {
                Poll::Pending => return this.poll_patience(cx).map(Err),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if buf.filled().len() == before => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {}
            }
            if this.waits != Waits::Head {
                this.waits = Waits::Busy;
            }
            this.take(buf, before)?;
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for VisitorIo<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, buf);
        this.note_write(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.note_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_flush(cx);
        this.note_write(cx, result)
    }

    /// Says goodbye, then reads on for a moment if the client is still sending: closing with
    /// unread octets makes the system reset the connection, and the answer would be lost on
    /// the way (RFC 9112 §9.6).
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.linger {
                Linger::Done => return Poll::Ready(Ok(())),
                Linger::No => {
                    let result = Pin::new(&mut this.io).poll_shutdown(cx);
                    ready!(this.note_write(cx, result))?;
                    let mid_message = matches!(
                        this.follow,
                        Follow::Refused | Follow::Length(_) | Follow::Chunked(_)
                    );
                    this.linger = if mid_message {
                        let deadline = Instant::now() + LINGER_TIMEOUT;
                        Linger::Reading {
                            deadline,
                            left: LINGER_MAX_BYTES,
                        }
                    } else {
                        Linger::Done
                    };
                }
                Linger::Reading { deadline, left } => {
                    let mut scratch = [0; 4096];
                    let mut buf = ReadBuf::new(&mut scratch);
                    match Pin::new(&mut this.io).poll_read(cx, &mut buf) {
                        Poll::Pending => {
                            let mut over = LazyTimer::default();
                            std::mem::swap(&mut over, &mut this.timer);
                            let patience = over.poll_at(cx, *deadline);
                            this.timer = over;
                            ready!(patience);
                            this.linger = Linger::Done;
                        }
                        Poll::Ready(Ok(()))
                            if !buf.filled().is_empty() && *left > buf.filled().len() =>
                        {
                            *left -= buf.filled().len();
                        }
                        Poll::Ready(_) => this.linger = Linger::Done,
                    }
                }
            }
        }
    }
}
