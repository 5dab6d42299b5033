//! One carrier: the protocol core behind a lock, shared by the task that moves its octets and
//! by the streams that use it.

mod driver;

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use portlama_tunnel_proto::{
    CloseCode, Connection, Detail, Event, ReadOutcome, ResetCode, StreamFault, StreamId,
};

pub(crate) use driver::drive;

/// Shared by the driver and the streams.
#[derive(Debug)]
pub(crate) struct Carrier {
    state: Mutex<State>,
    driver: AtomicWaker,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    waiting: HashMap<StreamId, Waiting>,
    /// The driver was woken and has not looked yet.
    driver_woken: bool,
    load: Load,
}

/// Who waits for one stream.
#[derive(Debug, Default)]
struct Waiting {
    read: Option<Waker>,
    write: Option<Waker>,
}

impl Carrier {
    pub(crate) fn new(connection: Connection) -> Arc<Self> {
        let load = Load {
            octets: 0,
            at: now(),
        };
        Arc::new(Self {
            state: Mutex::new(State {
                connection,
                waiting: HashMap::new(),
                driver_woken: false,
                load,
            }),
            driver: AtomicWaker::new(),
        })
    }

    /// Does something with the connection and wakes the driver if there is something to send
    /// or to act on.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Connection) -> R) -> R {
        self.locked(|state| act(&mut state.connection))
    }

    fn locked<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = act(&mut state);
        let wake = !state.driver_woken && state.connection.has_output();
        state.driver_woken |= wake;
        drop(state);
        if wake {
            self.driver.wake();
        }
        result
    }

    /// Ends the carrier and all its streams.
    pub(crate) fn close(&self, code: CloseCode) {
        self.with(|connection| connection.close(code, Detail::default()));
        // Also a driver that was woken before and waits for its connection must hear of this.
        self.driver.wake();
    }

    /// How busy the carrier is: recent octets, waiting octets, and a little for each stream.
    pub(crate) fn score(&self) -> u64 {
        let state = self.state.lock();
        let waiting = state.connection.queued_bytes() as u64;
        let streams = state.connection.open_streams() as u64;
        state.load.at(now()) + waiting + streams * STREAM_SCORE
    }

    pub(crate) fn poll_opened(
        &self,
        id: StreamId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StreamFault>> {
        let mut state = self.state.lock();
        match state.connection.poll_opened(id) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => {
                register(&mut state.waiting.entry(id).or_default().read, cx);
                Poll::Pending
            }
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }

    /// The next octets; `None` at the end of the stream.
    pub(crate) fn poll_read(
        &self,
        id: StreamId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamFault>> {
        let now = now();
        self.locked(|state| match state.connection.read(id, usize::MAX, now) {
            Ok(ReadOutcome::Data(bytes)) => Poll::Ready(Ok(Some(bytes))),
            Ok(ReadOutcome::End) => Poll::Ready(Ok(None)),
            Ok(ReadOutcome::Blocked) => {
                register(&mut state.waiting.entry(id).or_default().read, cx);
                Poll::Pending
            }
            Err(fault) => Poll::Ready(Err(fault)),
        })
    }

    /// How many octets can be written, at least one.
    pub(crate) fn poll_capacity(
        &self,
        id: StreamId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, StreamFault>> {
        let mut state = self.state.lock();
        match state.connection.capacity(id) {
            Ok(0) => {
                register(&mut state.waiting.entry(id).or_default().write, cx);
                Poll::Pending
            }
            Ok(capacity) => Poll::Ready(Ok(capacity)),
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }

    pub(crate) fn write(&self, id: StreamId, bytes: &mut Bytes) -> Result<usize, StreamFault> {
        self.with(|connection| connection.write(id, bytes))
    }

    pub(crate) fn finish(&self, id: StreamId) -> Result<(), StreamFault> {
        self.with(|connection| connection.finish(id))
    }

    pub(crate) fn release(&self, id: StreamId, code: ResetCode) {
        self.locked(|state| {
            state.waiting.remove(&id);
            state.connection.release(id, code);
        });
    }
}

impl State {
    /// Sorts what happened: wakers to be woken and events for the owner, both after the lock
    /// was let go.
    fn drain_events(&mut self, wakers: &mut Vec<Waker>, events: &mut Vec<Event>) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Readable(id) => {
                    wakers.extend(self.waiting.get_mut(&id).and_then(|w| w.read.take()));
                }
                Event::Writable(id) => {
                    wakers.extend(self.waiting.get_mut(&id).and_then(|w| w.write.take()));
                }
                other => events.push(other),
            }
        }
    }
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

/// What an open stream counts in a score, octets: idle streams spread evenly, and a busy
/// carrier is left alone.
const STREAM_SCORE: u64 = 4096;

/// Octets moved lately, halved every [`LOAD_HALF_LIFE`].
#[derive(Debug, Clone, Copy)]
struct Load {
    octets: u64,
    at: Instant,
}

/// Long enough to see a download between two reads, short enough to forget it when it ends.
const LOAD_HALF_LIFE: Duration = Duration::from_millis(100);

impl Load {
    fn add(&mut self, octets: usize, now: Instant) {
        *self = Self {
            octets: self.at(now) + octets as u64,
            at: self.aged(now),
        };
    }

    fn at(&self, now: Instant) -> u64 {
        self.octets >> self.half_lives(now).min(63)
    }

    /// Advances by whole half-lives, so that many small steps age as much as a large one.
    fn aged(&self, now: Instant) -> Instant {
        self.at + LOAD_HALF_LIFE * self.half_lives(now)
    }

    fn half_lives(&self, now: Instant) -> u32 {
        let age = now.saturating_duration_since(self.at).as_millis() / LOAD_HALF_LIFE.as_millis();
        u32::try_from(age).unwrap_or(u32::MAX)
    }
}

/// The present, on the clock that tests can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
