//! The task that moves a carrier's octets: both directions, so that they share one core's
//! caches, one lock and one timer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use portlama_tunnel_proto::{Event, Outbox};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::io::{poll_read_buf, poll_write_buf};
use tokio_util::sync::CancellationToken;

use super::{Carrier, now};
use crate::limits::{LAST_WORDS_TIMEOUT, READ_BYTES};
use crate::{CarrierEnd, CloseCode, scratch};

/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 8;

/// Moves octets between `io` and `carrier` until either ends, or `closed` is cancelled, which
/// closes the carrier with `code`.
/// `owner` acts on what concerns the carrier as a whole.
pub(crate) async fn drive<IO, F>(
    io: IO,
    carrier: Arc<Carrier>,
    owner: F,
    closed: CancellationToken,
    code: CloseCode,
) -> CarrierEnd
where
    IO: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(&Arc<Carrier>, Event) + Unpin,
{
    let mut driver = Driver::new(io, carrier, owner);
    let end = tokio::select! {
        biased;
        () = closed.cancelled() => {
            driver.carrier.close(code);
            driver.wake_all();
            CarrierEnd::Cancelled
        }
        end = std::future::poll_fn(|cx| driver.poll(cx)) => end,
    };
    driver.say_last_words().await;
    end
}

/// What broke the connection, in a few words: TLS libraries explain a missing farewell at
/// length, and people read this in one line of a status.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the other end hung up".to_owned(),
        _ => error.to_string(),
    }
}

struct Driver<IO, F> {
    io: IO,
    carrier: Arc<Carrier>,
    owner: F,
    /// The beginning of a frame whose rest has not arrived.
    input: Option<BytesMut>,
    outbox: Outbox,
    unflushed: bool,
    timer: Pin<Box<Sleep>>,
    wakers: Vec<Waker>,
    events: Vec<Event>,
}

impl<IO, F> Driver<IO, F>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(&Arc<Carrier>, Event) + Unpin,
{
    fn new(io: IO, carrier: Arc<Carrier>, owner: F) -> Self {
        Self {
            io,
            carrier,
            owner,
            input: None,
            outbox: Outbox::default(),
            unflushed: false,
            timer: Box::pin(sleep_until(Instant::now())),
            wakers: Vec::new(),
            events: Vec::new(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<CarrierEnd> {
        self.carrier.driver.register(cx.waker());
        for _ in 0..ROUNDS {
            // Reading comes first, also before the timer: what arrived while the process was
            // asleep proves that the other end lives.
            let read = self.poll_input(cx);
            let wrote = self.poll_output(cx);
            self.poll_timer(cx);
            if let Some(end) = self.end_of(&read, &wrote) {
                return Poll::Ready(end);
            }
            if read.is_pending() && wrote.is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads until nothing more is there or a buffer is full; ready when octets came.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = self.input.take().unwrap_or_else(scratch::take);
        let mut count = 0;
        let result = loop {
            scratch::make_room(&mut buffer);
            match poll_read_buf(Pin::new(&mut self.io), cx, &mut buffer) {
                Poll::Ready(Ok(0)) => {
                    break Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Ready(Ok(n)) => count += n,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending if count == 0 => break Poll::Pending,
                Poll::Pending => break Poll::Ready(Ok(())),
            }
            if count >= READ_BYTES {
                break Poll::Ready(Ok(()));
            }
        };
        if count > 0 {
            self.handle_input(&mut buffer, count);
        }
        if buffer.is_empty() {
            scratch::put(buffer);
        } else {
            self.input = Some(buffer);
        }
        result
    }

    fn handle_input(&mut self, buffer: &mut BytesMut, count: usize) {
        let now = now();
        loop {
            let mut state = self.carrier.state.lock();
            state.load.add(count, now);
            state.connection.handle_input(buffer, now);
            state.drain_events(&mut self.wakers, &mut self.events);
            drop(state);
            // After a greeting the owner decides, and what came behind it is still unread.
            let greeted = matches!(self.events.last(), Some(Event::Hello(_)));
            self.act_on_events();
            if !greeted {
                return;
            }
        }
    }

    /// Writes until nothing more is there or the connection is full; ready when octets went.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut count = 0;
        loop {
            if !self.outbox.has_remaining() && !self.fill_outbox() {
                break;
            }
            match poll_write_buf(Pin::new(&mut self.io), cx, &mut self.outbox) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => count += n,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
            self.unflushed = true;
            if count >= 2 * READ_BYTES {
                return Poll::Ready(Ok(()));
            }
        }
        if self.unflushed && !self.outbox.has_remaining() {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        if count > 0 {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn fill_outbox(&mut self) -> bool {
        let now = now();
        let mut state = self.carrier.state.lock();
        state.driver_woken = false;
        state.connection.poll_transmit(&mut self.outbox);
        let count = self.outbox.remaining();
        if count > 0 {
            state.load.add(count, now);
        }
        state.drain_events(&mut self.wakers, &mut self.events);
        drop(state);
        self.act_on_events();
        count > 0
    }

    /// The armed time is never later than the due one: what arrives only puts it off, and the
    /// timer finds that out when it fires.
    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = now();
            let mut state = self.carrier.state.lock();
            state.connection.handle_timeout(now);
            let due = state.connection.poll_timeout();
            state.drain_events(&mut self.wakers, &mut self.events);
            let output = state.connection.has_output();
            drop(state);
            self.act_on_events();
            if output {
                cx.waker().wake_by_ref();
            }
            match due {
                Some(due) => self.timer.as_mut().reset(due.max(now).into()),
                None => return,
            }
        }
    }

    fn act_on_events(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            (self.owner)(&self.carrier, event);
        }
        self.events = events;
    }

    fn end_of(
        &mut self,
        read: &Poll<io::Result<()>>,
        wrote: &Poll<io::Result<()>>,
    ) -> Option<CarrierEnd> {
        let ended = self.carrier.state.lock().connection.ended().cloned();
        if let Some(ended) = ended {
            self.wake_all();
            return Some(if ended.by_peer {
                CarrierEnd::ClosedByPeer {
                    code: ended.code,
                    detail: ended.detail,
                }
            } else {
                CarrierEnd::Closed(ended.code)
            });
        }
        let ((Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error)))) = (read, wrote) else {
            return None;
        };
        let end = CarrierEnd::Lost(reason(error));
        self.lose();
        Some(end)
    }

    fn lose(&mut self) {
        self.carrier.state.lock().connection.lose();
        self.wake_all();
    }

    /// Tells the streams that the carrier ended.
    fn wake_all(&mut self) {
        let mut state = self.carrier.state.lock();
        state.drain_events(&mut self.wakers, &mut self.events);
        drop(state);
        self.act_on_events();
    }

    /// Delivers the CLOSE frame, if there is one and the connection still takes it, and waits
    /// for the other end to hang up: closing at once could destroy what is under way.
    async fn say_last_words(&mut self) {
        self.fill_outbox();
        if !self.outbox.has_remaining() {
            return;
        }
        let _ = timeout(LAST_WORDS_TIMEOUT, async {
            self.io.write_all_buf(&mut self.outbox).await?;
            self.io.shutdown().await?;
            let mut rest = [0; 1024];
            while self.io.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
    }
}

impl<IO, F> Drop for Driver<IO, F> {
    /// Also when the task is dropped in the middle, no stream waits for ever.
    fn drop(&mut self) {
        let mut state = self.carrier.state.lock();
        state.connection.lose();
        state.drain_events(&mut self.wakers, &mut self.events);
        drop(state);
        self.wakers.drain(..).for_each(Waker::wake);
    }
}
