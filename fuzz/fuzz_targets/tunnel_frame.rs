//! The octets of a carrier, from an agent to the server and from a server to the agent.
//!
//! The first octet chooses the end, whether it was greeted, and into what pieces the rest is
//! cut. The connection must neither panic nor keep more than its windows allow.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel_proto::{
    Budget, Config, Connection, Detail, Event, Frame, Hello, INITIAL_WINDOW_BYTES, InstanceId,
    OpenRequest, Outbox, RefusalReason, ResetCode, SessionNumber,
};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fuzz_target!(|octets: &[u8]| {
    let Some((choice, octets)) = octets.split_first() else { return };
    let (is_server, greeted, piece) = (choice & 1 != 0, choice & 2 != 0, usize::from(choice >> 2) + 1);
    let budget = Budget::for_process();
    let mut now = *BEGAN;
    let mut connection = connect(is_server, greeted, budget.clone(), now);
    let mut input = BytesMut::new();
    let mut outbox = Outbox::default();
    for (round, piece) in octets.chunks(piece).enumerate() {
        input.extend_from_slice(piece);
        now += Duration::from_millis(7);
        connection.handle_input(&mut input, now);
        while let Some(event) = connection.poll_event() {
            act(&mut connection, event, round, now);
        }
        connection.handle_timeout(now);
        connection.poll_transmit(&mut outbox);
        outbox.advance(outbox.remaining());
        let most = connection.open_streams() * INITIAL_WINDOW_BYTES as usize;
        assert!(budget.unread() <= most + budget.grown());
    }
    drop(connection);
    assert_eq!((budget.unread(), budget.grown()), (0, 0));
});

fn connect(is_server: bool, greeted: bool, budget: Budget, now: Instant) -> Connection {
    let agent = Config::agent("fuzz", InstanceId([1; 16]), SessionNumber(1));
    let config = if is_server { Config::server("fuzz") } else { agent };
    let mut connection = Connection::new(config, budget, now);
    if greeted {
        let mut hello = BytesMut::new();
        Frame::Hello(Hello {
            min_version: 1,
            max_version: 1,
            features: 0,
            initial_window: INITIAL_WINDOW_BYTES,
            max_streams: 100,
            session: SessionNumber(1),
            instance: InstanceId([1; 16]),
            software: Detail::default(),
        })
        .encode(&mut hello);
        connection.handle_input(&mut hello, now);
        connection.accept_hello(now);
    }
    if is_server && greeted {
        let port = TunnelPort::try_from(8400).expect("a port");
        for _ in 0..3 {
            let request = OpenRequest { port, scheme: OriginScheme::Http, tls_verify: false };
            let id = connection.open(request).expect("room for three");
            let _ = connection.write(id, &mut Bytes::from_static(b"early"));
            let _ = connection.poll_opened(id);
        }
    }
    connection
}

/// What a shell might do, varied by the round.
fn act(connection: &mut Connection, event: Event, round: usize, now: Instant) {
    match event {
        Event::Hello(_) => connection.accept_hello(now),
        Event::StreamRequested(id, _) if round % 3 == 0 => {
            connection.refuse(id, RefusalReason::NotAllowed, Detail::default());
        }
        Event::StreamRequested(id, _) => {
            let _ = connection.accept(id);
            let _ = connection.write(id, &mut Bytes::from_static(&[7; 5000]));
            let _ = connection.read(id, 1, now);
        }
        Event::Readable(id) if round % 5 == 0 => connection.release(id, ResetCode::Cancelled),
        Event::Readable(id) => {
            let _ = connection.read(id, 1000, now);
            let _ = connection.finish(id);
        }
        Event::Writable(id) => {
            let _ = connection.write(id, &mut Bytes::from_static(&[7; 5000]));
        }
        Event::Routes(_) | Event::Report(_) | Event::GoAway { .. } => {}
    }
}
