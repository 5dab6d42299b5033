//! Both ends in memory, over a link that splits and delays, on a clock that is moved by hand.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel_proto::{
    Budget, CloseCode, Config, Connection, Event, InstanceId, OpenRequest, Outbox, ReadOutcome,
    SessionNumber, StreamFault, StreamId,
};

pub const DELAY: Duration = Duration::from_millis(10);

/// One end with what it has not yet read.
pub struct End {
    pub connection: Connection,
    pub budget: Budget,
    input: BytesMut,
    pub events: Vec<Event>,
}

/// Octets under way with the time of their arrival.
type Link = VecDeque<(Instant, Bytes)>;

pub struct Pair {
    pub server: End,
    pub agent: End,
    to_agent: Link,
    to_server: Link,
    pub now: Instant,
    /// Sizes of the pieces in which octets travel; repeated.
    pub pieces: Vec<usize>,
    /// While set, nothing arrives, and nobody is told.
    pub silent: bool,
}

impl Pair {
    /// Two ends that have greeted each other.
    pub fn new() -> Self {
        Self::with(Config::server("server/1"), agent_config())
    }

    pub fn with(server: Config, agent: Config) -> Self {
        let now = Instant::now();
        let mut pair = Self {
            server: End::new(server, now),
            agent: End::new(agent, now),
            to_agent: Link::new(),
            to_server: Link::new(),
            now,
            pieces: vec![usize::MAX],
            silent: false,
        };
        pair.run();
        assert!(pair.server.took(|e| matches!(e, Event::Hello(_))));
        pair.server.connection.accept_hello(pair.now);
        pair.run();
        assert!(pair.agent.took(|e| matches!(e, Event::Hello(_))));
        pair
    }

    /// Opens a stream and lets the agent accept it.
    pub fn open(&mut self) -> StreamId {
        let id = self.server.connection.open(request()).unwrap();
        self.run();
        assert!(
            self.agent
                .took(|e| *e == Event::StreamRequested(id, request()))
        );
        self.agent.connection.accept(id).unwrap();
        self.run();
        id
    }

    /// Moves octets and time until nothing is under way.
    pub fn run(&mut self) {
        while self.step() {}
    }

    /// Lets everything that was sent arrive, once; whether anything was.
    pub fn step(&mut self) -> bool {
        let arrival = self.now + DELAY;
        send(&mut self.server, &mut self.to_agent, arrival, &self.pieces);
        send(&mut self.agent, &mut self.to_server, arrival, &self.pieces);
        let due = [self.to_agent.front(), self.to_server.front()];
        let Some(due) = due.into_iter().flatten().map(|(at, _)| *at).min() else {
            return false;
        };
        self.now = due;
        receive(&mut self.agent, &mut self.to_agent, self.now, self.silent);
        receive(&mut self.server, &mut self.to_server, self.now, self.silent);
        true
    }

    /// Lets time pass, with all timers.
    pub fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            self.run();
            let timers = [&self.server, &self.agent].map(|end| end.connection.poll_timeout());
            match timers
                .into_iter()
                .flatten()
                .min()
                .filter(|due| *due <= until)
            {
                Some(due) => self.now = self.now.max(due),
                None => break,
            }
            self.server.connection.handle_timeout(self.now);
            self.agent.connection.handle_timeout(self.now);
        }
        self.now = self.now.max(until);
    }

    /// Moves octets while both ends read all they can, until nothing is under way.
    pub fn transfer(&mut self, id: StreamId, to_agent: &mut Vec<u8>, to_server: &mut Vec<u8>) {
        loop {
            let moved = self.step();
            let read = self.agent.read_into(id, to_agent, self.now)
                | self.server.read_into(id, to_server, self.now);
            if !moved && !read {
                return;
            }
        }
    }
}

impl End {
    fn new(config: Config, now: Instant) -> Self {
        let budget = Budget::for_process();
        Self {
            connection: Connection::new(config, budget.clone(), now),
            budget,
            input: BytesMut::new(),
            events: Vec::new(),
        }
    }

    /// Feeds octets that no honest end would send.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) {
        self.input.extend_from_slice(bytes);
        self.connection.handle_input(&mut self.input, now);
        self.collect();
    }

    fn collect(&mut self) {
        self.events
            .extend(std::iter::from_fn(|| self.connection.poll_event()));
    }

    /// Whether such an event happened; it is taken out.
    pub fn took(&mut self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.collect();
        let before = self.events.len();
        self.events.retain(|event| !wanted(event));
        self.events.len() < before
    }

    pub fn write(&mut self, id: StreamId, data: &[u8]) -> Result<usize, StreamFault> {
        self.connection.write(id, &mut Bytes::copy_from_slice(data))
    }

    /// Reads all that is there; whether that was anything.
    pub fn read_into(&mut self, id: StreamId, target: &mut Vec<u8>, now: Instant) -> bool {
        let before = target.len();
        while let Ok(ReadOutcome::Data(bytes)) = self.connection.read(id, usize::MAX, now) {
            target.extend_from_slice(&bytes);
        }
        target.len() > before
    }

    pub fn code(&self) -> Option<CloseCode> {
        self.connection.ended().map(|ended| ended.code)
    }

    /// All that this end would send.
    pub fn sent(&mut self) -> Vec<u8> {
        let mut outbox = Outbox::default();
        self.connection.poll_transmit(&mut outbox);
        outbox.copy_to_bytes(outbox.remaining()).to_vec()
    }
}

fn send(end: &mut End, link: &mut Link, arrival: Instant, pieces: &[usize]) {
    let mut outbox = Outbox::default();
    end.connection.poll_transmit(&mut outbox);
    let mut pieces = pieces.iter().cycle();
    while outbox.has_remaining() {
        let size = pieces
            .next()
            .copied()
            .unwrap_or(usize::MAX)
            .clamp(1, outbox.remaining());
        link.push_back((arrival, outbox.copy_to_bytes(size)));
    }
}

fn receive(end: &mut End, link: &mut Link, now: Instant, silent: bool) {
    while link.front().is_some_and(|(at, _)| *at <= now) {
        let (_, bytes) = link.pop_front().unwrap();
        if !silent {
            end.feed(&bytes, now);
        }
    }
}

pub fn agent_config() -> Config {
    Config::agent("agent/1", InstanceId([7; 16]), SessionNumber(3))
}

pub fn request() -> OpenRequest {
    OpenRequest {
        port: TunnelPort::try_from(8400).unwrap(),
        scheme: OriginScheme::Https,
        tls_verify: true,
    }
}

/// Octets that tell where they belong.
pub fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|i| ((i * 31 + i / 251 + seed * 7) % 251) as u8)
        .collect()
}
