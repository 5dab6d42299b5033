//! What a dishonest or broken end gets: a defined code, and that carrier only.
#![allow(clippy::unwrap_used)]

mod pair;

use bytes::{Bytes, BytesMut};
use pair::{Pair, request};
use portlama_tunnel_proto::{
    Budget, CONTROL_QUEUE_BYTES, CloseCode, Config, Connection, Detail, Frame, Hello,
    INITIAL_WINDOW_BYTES, InstanceId, MAX_CREDIT_BYTES, ResetCode, SessionNumber, StreamId,
};

fn wire(frames: &[Frame]) -> BytesMut {
    let mut bytes = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode(&mut bytes));
    bytes
}

fn data(stream: StreamId, length: usize) -> Frame {
    Frame::Data {
        stream,
        fin: false,
        payload: Bytes::from(vec![0; length]),
    }
}

/// A server with one open stream, fed with these frames.
fn server_after(frames: impl Fn(StreamId) -> Vec<Frame>) -> Option<CloseCode> {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.server.feed(&wire(&frames(id)), pair.now);
    pair.server.code()
}

fn agent_after(frames: impl Fn(StreamId) -> Vec<Frame>) -> Option<CloseCode> {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.agent.feed(&wire(&frames(id)), pair.now);
    pair.agent.code()
}

fn open(stream: u32) -> Frame {
    Frame::Open {
        stream: StreamId(stream),
        request: request(),
        window: 1,
    }
}

#[test]
fn data_on_a_stream_that_never_was_closes_the_carrier() {
    assert_eq!(
        server_after(|_| vec![data(StreamId(99), 1)]),
        Some(CloseCode::UnknownStream)
    );
    assert_eq!(
        agent_after(|_| vec![data(StreamId(99), 1)]),
        Some(CloseCode::UnknownStream)
    );
    let opened = Frame::Opened {
        stream: StreamId(99),
    };
    assert_eq!(
        server_after(|_| vec![opened.clone()]),
        Some(CloseCode::UnknownStream)
    );
}

#[test]
fn opening_twice_closes_the_carrier() {
    assert_eq!(
        agent_after(|id| vec![open(id.0)]),
        Some(CloseCode::StreamReopened)
    );
    assert_eq!(
        agent_after(|id| vec![open(id.0 + 5), open(id.0 + 4)]),
        Some(CloseCode::StreamReopened)
    );
    let twice = |stream| vec![Frame::Opened { stream }];
    assert_eq!(server_after(twice), Some(CloseCode::StreamReopened));
}

#[test]
fn more_than_the_window_closes_the_carrier() {
    let window = INITIAL_WINDOW_BYTES as usize;
    let full = |id| vec![data(id, window / 8); 8];
    assert_eq!(server_after(full), None);
    let over = |id| [full(id), vec![data(id, 1)]].concat();
    assert_eq!(server_after(over), Some(CloseCode::WindowOverflow));
    assert_eq!(agent_after(over), Some(CloseCode::WindowOverflow));
}

#[test]
fn credit_above_the_limit_closes_the_carrier() {
    let credit = |credit| move |stream| vec![Frame::Window { stream, credit }];
    assert_eq!(
        server_after(credit(MAX_CREDIT_BYTES - INITIAL_WINDOW_BYTES)),
        None
    );
    let above = credit(MAX_CREDIT_BYTES - INITIAL_WINDOW_BYTES + 1);
    assert_eq!(server_after(above), Some(CloseCode::CreditOverflow));
    assert_eq!(
        agent_after(credit(u32::MAX)),
        Some(CloseCode::CreditOverflow)
    );
}

#[test]
fn data_after_the_end_closes_the_carrier() {
    let ended = |stream| {
        vec![
            Frame::Data {
                stream,
                fin: true,
                payload: Bytes::new(),
            },
            data(stream, 1),
        ]
    };
    assert_eq!(server_after(ended), Some(CloseCode::UnexpectedFrame));
}

#[test]
fn data_before_the_answer_closes_the_carrier() {
    let mut pair = Pair::new();
    let id = pair.server.connection.open(request()).unwrap();
    pair.server.feed(&wire(&[data(id, 1)]), pair.now);
    assert_eq!(pair.server.code(), Some(CloseCode::UnexpectedFrame));

    let mut pair = Pair::new();
    let id = pair.server.connection.open(request()).unwrap();
    let opened = Frame::Opened { stream: id };
    pair.server.feed(&wire(&[opened, data(id, 1)]), pair.now);
    assert_eq!(pair.server.code(), None);
}

#[test]
fn frames_in_the_wrong_direction_close_the_carrier() {
    assert_eq!(
        server_after(|_| vec![open(1)]),
        Some(CloseCode::UnexpectedFrame)
    );
    assert_eq!(
        server_after(|_| vec![Frame::Routes(vec![])]),
        Some(CloseCode::UnexpectedFrame)
    );
    let opened = |stream| vec![Frame::Opened { stream }];
    assert_eq!(agent_after(opened), Some(CloseCode::UnexpectedFrame));
}

#[test]
fn data_for_a_closed_stream_is_bounded_by_its_window() {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.server.connection.release(id, ResetCode::Cancelled);
    let eighth = wire(&[data(id, INITIAL_WINDOW_BYTES as usize / 8)]);
    for _ in 0..8 {
        pair.server.feed(&eighth, pair.now);
        assert_eq!(pair.server.code(), None);
    }
    pair.server.feed(&wire(&[data(id, 1)]), pair.now);
    assert_eq!(pair.server.code(), Some(CloseCode::WindowOverflow));
}

#[test]
fn provoking_answers_without_reading_them_closes_the_carrier() {
    let mut pair = Pair::new();
    let pings: Vec<Frame> = (0..100_000).map(Frame::Ping).collect();
    pair.agent.feed(&wire(&pings), pair.now);
    assert_eq!(pair.agent.code(), None, "only the latest PING is answered");

    let agent = Config {
        max_streams: 0,
        ..pair::agent_config()
    };
    let mut pair = Pair::with(Config::server("s"), agent);
    let opens: Vec<Frame> = (1..CONTROL_QUEUE_BYTES as u32 / 8).map(open).collect();
    pair.agent.feed(&wire(&opens), pair.now);
    assert_eq!(pair.agent.code(), Some(CloseCode::Flood));
}

#[test]
fn strangers_are_told_at_once() {
    let now = std::time::Instant::now();
    let greet = |bytes: &[u8]| {
        let mut server = Connection::new(Config::server("s"), Budget::for_process(), now);
        server.handle_input(&mut BytesMut::from(bytes), now);
        server.ended().map(|ended| ended.code)
    };
    assert_eq!(
        greet(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        Some(CloseCode::BadMagic)
    );
    assert_eq!(
        greet(&wire(&[Frame::Ping(1)])),
        Some(CloseCode::HelloExpected)
    );
    let hello = Hello {
        min_version: 7,
        max_version: 9,
        features: 0,
        initial_window: 1,
        max_streams: 1,
        session: SessionNumber(1),
        instance: InstanceId([0; 16]),
        software: Detail::default(),
    };
    let mut newer = wire(&[Frame::Hello(hello)]);
    assert_eq!(greet(&newer), Some(CloseCode::VersionUnsupported));
    newer.iter_mut().skip(8).take(4).for_each(|b| *b = 0);
    assert_eq!(greet(&newer), Some(CloseCode::BadMagic));
}

#[test]
fn the_peer_learns_the_code() {
    let mut pair = Pair::new();
    let id = pair.open();
    pair.server
        .feed(&wire(&[data(StreamId(id.0 + 1), 1)]), pair.now);
    pair.run();
    let ended = pair.agent.connection.ended().unwrap();
    assert_eq!(
        (ended.by_peer, ended.code),
        (true, CloseCode::UnknownStream)
    );
}
