//! One carrier's end: the state machine between octets and streams.

mod input;
mod output;
mod streams;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::hello::{MIN_VERSION, VERSION};
use crate::limits::{
    DEAD_AFTER, HELLO_TIMEOUT, INITIAL_WINDOW_BYTES, MAX_STREAMS, PING_INTERVAL, RETIRE_AT_STREAM,
};
use crate::schedule::Schedule;
use crate::stream::{Stream, StreamFault};
use crate::{
    Budget, CloseCode, Detail, Frame, GoAwayReason, Hello, InstanceId, OpenRequest, Report, Route,
    SessionNumber, StreamId,
};

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Opens streams.
    Server,
    /// Greets first and reaches the services.
    Agent,
}

/// What one end brings to the greeting, and its limits.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which end.
    pub role: Role,
    /// Software version, for people.
    pub software: Detail,
    /// The agent's session; the server repeats what it heard.
    pub session: SessionNumber,
    /// The agent's process; the server repeats what it heard.
    pub instance: InstanceId,
    /// Streams this end is ready to keep.
    pub max_streams: u32,
    /// The stream id at which the carrier retires.
    pub retire_at: u32,
}

impl Config {
    /// The server's end with the usual limits.
    #[must_use]
    pub fn server(software: &str) -> Self {
        Self {
            role: Role::Server,
            software: Detail::new(software),
            session: SessionNumber(0),
            instance: InstanceId([0; 16]),
            max_streams: MAX_STREAMS,
            retire_at: RETIRE_AT_STREAM,
        }
    }

    /// The agent's end with the usual limits.
    #[must_use]
    pub fn agent(software: &str, instance: InstanceId, session: SessionNumber) -> Self {
        Self {
            role: Role::Agent,
            session,
            instance,
            ..Self::server(software)
        }
    }
}

/// What happened, for the shell to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The other end's greeting. At the server nothing goes on until
    /// [`Connection::accept_hello`] or [`Connection::close`].
    Hello(Hello),
    /// The server asks for a stream: [`Connection::accept`] or [`Connection::refuse`].
    StreamRequested(StreamId, OpenRequest),
    /// A read or an opening that was blocked can go on.
    Readable(StreamId),
    /// A write that was blocked can go on.
    Writable(StreamId),
    /// The ports the server wants.
    Routes(Vec<Route>),
    /// The state of one port at the agent.
    Report(Report),
    /// The other end will not use this carrier for new streams.
    GoAway {
        /// Why.
        reason: GoAwayReason,
        /// How long to wait before connecting anew.
        retry_after: Duration,
    },
}

/// How a carrier ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether the other end said so.
    pub by_peer: bool,
    /// Why.
    pub code: CloseCode,
    /// A short explanation.
    pub detail: Detail,
}

/// Why no stream can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The carrier is not greeted yet, retires, or ended.
    #[error("the carrier takes no new streams")]
    Unavailable,
    /// As many streams are open as may be.
    #[error("too many open streams")]
    Limit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The other end's HELLO is awaited.
    Greeting,
    /// The server's shell decides about the agent's HELLO.
    Deciding,
    Open,
    Ended(Ended),
}

/// One end of one carrier.
///
/// The shell feeds octets with [`handle_input`](Self::handle_input), time with
/// [`handle_timeout`](Self::handle_timeout), writes what
/// [`poll_transmit`](Self::poll_transmit) gives and acts on
/// [`poll_event`](Self::poll_event). Stream operations are in between.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    phase: Phase,
    budget: Budget,
    streams: Streams,
    schedule: Schedule,
    /// Encoded frames that go before all data.
    control: BytesMut,
    events: VecDeque<Event>,
    pong_due: Option<u64>,
    /// Octets queued by all streams.
    queued: usize,
    /// The next id (server), or the one after the highest seen (agent).
    next_stream: u32,
    pending_opens: usize,
    /// Octets that may still arrive for streams this end gave up.
    late_credit: u64,
    peer_window: u32,
    peer_max_streams: u32,
    went_away: bool,
    peer_went_away: bool,
    greeted_by: Instant,
    last_received: Instant,
    next_ping: Instant,
    ping: Option<(u64, Instant)>,
    ping_number: u64,
    rtt: Option<Rtt>,
}

type Streams = HashMap<StreamId, Stream, BuildHasherDefault<IdHasher>>;

#[derive(Debug, Clone, Copy)]
struct Rtt {
    smoothed: Duration,
    least: Duration,
}

impl Connection {
    /// A new end. The agent's HELLO is queued at once.
    #[must_use]
    pub fn new(config: Config, budget: Budget, now: Instant) -> Self {
        let mut connection = Self {
            phase: Phase::Greeting,
            budget,
            streams: Streams::default(),
            schedule: Schedule::default(),
            control: BytesMut::new(),
            events: VecDeque::new(),
            pong_due: None,
            queued: 0,
            next_stream: 1,
            pending_opens: 0,
            late_credit: 0,
            peer_window: 0,
            peer_max_streams: 0,
            went_away: false,
            peer_went_away: false,
            greeted_by: now + HELLO_TIMEOUT,
            last_received: now,
            next_ping: now,
            ping: None,
            ping_number: 0,
            rtt: None,
            config,
        };
        if connection.config.role == Role::Agent {
            connection.send_hello();
        }
        connection
    }

    /// Lets the agent in (server, after [`Event::Hello`]).
    pub fn accept_hello(&mut self, now: Instant) {
        if self.phase == Phase::Deciding {
            self.send_hello();
            self.open_for_streams(now);
        }
    }

    fn send_hello(&mut self) {
        let hello = Hello {
            min_version: MIN_VERSION,
            max_version: VERSION,
            features: 0,
            initial_window: INITIAL_WINDOW_BYTES,
            max_streams: self.config.max_streams,
            session: self.config.session,
            instance: self.config.instance,
            software: self.config.software.clone(),
        };
        Frame::Hello(hello).encode(&mut self.control);
    }

    fn open_for_streams(&mut self, now: Instant) {
        self.phase = Phase::Open;
        self.next_ping = now;
    }

    /// Says which ports are wanted (server).
    pub fn announce_routes(&mut self, routes: Vec<Route>) {
        self.send_control(&Frame::Routes(routes));
    }

    /// Says how a port fares (agent).
    pub fn report(&mut self, report: Report) {
        self.send_control(&Frame::Report(report));
    }

    /// Takes no new streams on this carrier and tells the other end; the carrier closes when
    /// its last stream ends.
    pub fn go_away(&mut self, reason: GoAwayReason, retry_after: Duration) {
        if self.phase == Phase::Open && !self.went_away {
            self.send_control(&Frame::GoAway {
                reason,
                retry_after,
            });
            self.went_away = true;
            self.close_when_drained();
        }
    }

    /// Ends the carrier: tells the other end, fails all streams.
    pub fn close(&mut self, code: CloseCode, detail: Detail) {
        if self.ended().is_none() {
            self.control.clear();
            Frame::Close {
                code,
                detail: detail.clone(),
            }
            .encode(&mut self.control);
            self.end(Ended {
                by_peer: false,
                code,
                detail,
            });
        }
    }

    /// Ends the carrier without a word, because the connection below is gone.
    pub fn lose(&mut self) {
        if self.ended().is_none() {
            self.end(Ended {
                by_peer: false,
                code: CloseCode::Dead,
                detail: Detail::default(),
            });
        }
        self.control.clear();
    }

    fn end(&mut self, ended: Ended) {
        let fault = StreamFault::CarrierEnded(ended.code);
        self.phase = Phase::Ended(ended);
        self.schedule.clear();
        self.pong_due = None;
        self.queued = 0;
        for (id, stream) in &mut self.streams {
            stream.send.clear();
            stream.fault.get_or_insert_with(|| fault.clone());
            notify(&mut self.events, *id, stream);
        }
        self.streams.retain(|_, stream| !stream.detached);
    }

    /// How the carrier ended; `None` while it lives.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        match &self.phase {
            Phase::Ended(ended) => Some(ended),
            Phase::Greeting | Phase::Deciding | Phase::Open => None,
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` once the carrier ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Greeting | Phase::Deciding => Some(self.greeted_by),
            Phase::Open => Some(self.next_ping.min(self.last_received + DEAD_AFTER)),
            Phase::Ended(_) => None,
        }
    }

    /// Acts on time: pings, declares the carrier dead. The shell must have read what had
    /// arrived before, so that a process that was asleep does not take its own silence for
    /// the other's.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Greeting | Phase::Deciding if now >= self.greeted_by => {
                self.close(CloseCode::HelloTimeout, Detail::default());
            }
            Phase::Open if now >= self.last_received + DEAD_AFTER => {
                self.close(CloseCode::Dead, Detail::default());
            }
            Phase::Open if now >= self.next_ping => self.send_ping(now),
            Phase::Greeting | Phase::Deciding | Phase::Open | Phase::Ended(_) => {}
        }
    }

    fn send_ping(&mut self, now: Instant) {
        self.next_ping = now + PING_INTERVAL;
        // One measurement at a time: behind a jam a later ping would only measure the queue.
        if self.ping.is_none() {
            self.ping_number += 1;
            self.ping = Some((self.ping_number, now));
        }
        self.send_control(&Frame::Ping(self.ping_number));
    }

    fn send_control(&mut self, frame: &Frame) {
        if self.ended().is_none() {
            frame.encode(&mut self.control);
        }
    }

    fn close_when_drained(&mut self) {
        if (self.went_away || self.peer_went_away)
            && self.config.role == Role::Server
            && self.streams.is_empty()
            && self.ended().is_none()
        {
            // The control queue holds the GOAWAY, which must arrive before the end.
            let pending = std::mem::take(&mut self.control);
            self.close(CloseCode::Normal, Detail::default());
            let close = std::mem::replace(&mut self.control, pending);
            self.control.extend_from_slice(&close);
        }
    }

    /// Whether new streams may be opened here (server).
    #[must_use]
    pub fn takes_streams(&self) -> bool {
        self.phase == Phase::Open && !self.went_away && !self.peer_went_away
    }

    /// Streams that are not over yet.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Octets that wait to be sent.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued
    }

    /// The smoothed round trip, once measured.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt.map(|rtt| rtt.smoothed)
    }

    /// When something last arrived.
    #[must_use]
    pub fn last_received(&self) -> Instant {
        self.last_received
    }
}

/// Wakes whoever waits for this stream.
fn notify(events: &mut VecDeque<Event>, id: StreamId, stream: &mut Stream) {
    if std::mem::take(&mut stream.recv.wanted) {
        events.push_back(Event::Readable(id));
    }
    if std::mem::take(&mut stream.send.wanted) {
        events.push_back(Event::Writable(id));
    }
}

/// Spreads stream ids, which count up and are chosen by the server, not by strangers.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }
    fn write_u32(&mut self, value: u32) {
        // Fibonacci hashing; the constant is 2^64 divided by the golden ratio.
        self.0 = (self.0 ^ u64::from(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
