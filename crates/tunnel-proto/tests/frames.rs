//! The wire format: what goes in comes out, and nothing that comes in does harm.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel_proto::{
    Budget, CloseCode, Config, Connection, Detail, Frame, GoAwayReason, HEADER_BYTES, Hello,
    InstanceId, MAX_CREDIT_BYTES, MAX_PAYLOAD_BYTES, OpenRequest, PortState, RefusalReason, Report,
    ResetCode, Route, SessionNumber, StreamId,
};
use proptest::prelude::*;

fn decode(bytes: &[u8]) -> Result<Option<Frame>, CloseCode> {
    Frame::decode(&mut BytesMut::from(bytes))
}

fn data_frame(length: usize) -> BytesMut {
    let mut bytes = BytesMut::new();
    let payload = Bytes::from(vec![7; length]);
    Frame::Data {
        stream: StreamId(1),
        fin: false,
        payload,
    }
    .encode(&mut bytes);
    bytes
}

#[test]
fn the_largest_frame_passes_and_one_more_octet_does_not() {
    assert!(matches!(
        decode(&data_frame(MAX_PAYLOAD_BYTES)),
        Ok(Some(Frame::Data { .. }))
    ));
    // Refused by its header, before anything else of it arrived.
    let header = data_frame(MAX_PAYLOAD_BYTES + 1).split_to(HEADER_BYTES);
    assert_eq!(decode(&header), Err(CloseCode::FrameTooLarge));
}

#[test]
fn a_claimed_length_allocates_nothing() {
    let mut input = BytesMut::with_capacity(64);
    input.extend_from_slice(&data_frame(MAX_PAYLOAD_BYTES)[..HEADER_BYTES]);
    let capacity = input.capacity();
    assert_eq!(Frame::decode(&mut input), Ok(None));
    assert_eq!(input.capacity(), capacity);
}

#[test]
fn an_unknown_type_is_skipped_if_it_says_so() {
    assert_eq!(
        decode(&[0x6e, 0x80, 0, 1, 0, 0, 0, 0, 9]),
        Ok(Some(Frame::Ignored))
    );
    assert_eq!(
        decode(&[0x6e, 0x00, 0, 1, 0, 0, 0, 0, 9]),
        Err(CloseCode::UnknownFrame)
    );
}

#[test]
fn frames_of_the_wrong_form_are_malformed() {
    for (what, bytes) in [
        ("DATA without octets", &[0x05, 0, 0, 0, 0, 0, 0, 1][..]),
        ("DATA on the carrier", &[0x05, 0, 0, 1, 0, 0, 0, 0, 1]),
        (
            "PING on a stream",
            &[0x08, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "a short PING",
            &[0x08, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "WINDOW of nothing",
            &[0x07, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0],
        ),
        (
            "OPEN of a privileged port",
            &[0x02, 0, 0, 8, 0, 0, 0, 1, 0, 80, 0, 0, 0, 1, 0, 0],
        ),
        (
            "OPEN with an unknown flag",
            &[0x02, 0, 0, 8, 0, 0, 0, 1, 32, 80, 4, 0, 0, 1, 0, 0],
        ),
        (
            "FIN on a PING",
            &[0x08, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("half a route", &[0x0b, 0, 0, 2, 0, 0, 0, 0, 32, 80]),
    ] {
        assert_eq!(decode(bytes), Err(CloseCode::Malformed), "{what}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(frame in frames()) {
        let mut bytes = BytesMut::new();
        frame.encode(&mut bytes);
        prop_assert!(bytes.len() <= HEADER_BYTES + MAX_PAYLOAD_BYTES);
        for cut in [0, 1, HEADER_BYTES, bytes.len() - 1] {
            if cut < bytes.len() {
                prop_assert_eq!(decode(&bytes[..cut]), Ok(None));
            }
        }
        prop_assert_eq!(Frame::decode(&mut bytes), Ok(Some(frame)));
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn arbitrary_octets_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut input = BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = Frame::decode(&mut input) {}
    }

    /// A dishonest end that knows the format.
    #[test]
    fn arbitrary_frames_never_panic_a_connection(
        server in any::<bool>(),
        frames in proptest::collection::vec(frames(), 0..40),
    ) {
        let now = Instant::now();
        let mut input = BytesMut::new();
        let mut connection = greeted(server, now, &mut input);
        for frame in frames {
            frame.encode(&mut input);
        }
        connection.handle_input(&mut input, now);
        prop_assert!(connection.open_streams() <= 40);
    }
}

/// A connection whose other end has greeted, with a stream open at the server.
fn greeted(server: bool, now: Instant, input: &mut BytesMut) -> Connection {
    let agent = Config::agent("a", InstanceId([1; 16]), SessionNumber(1));
    let config = if server { Config::server("s") } else { agent };
    let mut connection = Connection::new(config, Budget::for_process(), now);
    Frame::Hello(hello("x")).encode(input);
    connection.handle_input(input, now);
    if server {
        connection.accept_hello(now);
        connection
            .open(OpenRequest {
                port: TunnelPort::try_from(8400).unwrap(),
                scheme: OriginScheme::Http,
                tls_verify: false,
            })
            .unwrap();
    }
    connection
}

fn hello(software: &str) -> Hello {
    Hello {
        min_version: 1,
        max_version: 1,
        features: 0,
        initial_window: 65_536,
        max_streams: 10,
        session: SessionNumber(1),
        instance: InstanceId([1; 16]),
        software: Detail::new(software),
    }
}

fn frames() -> impl Strategy<Value = Frame> {
    let stream = || (1..20u32).prop_map(StreamId);
    let detail = || "[ -~]{0,60}".prop_map(|text| Detail::new(&text));
    let port = || (1024..=u16::MAX).prop_map(|port| TunnelPort::try_from(port).unwrap());
    let scheme = || prop_oneof![Just(OriginScheme::Http), Just(OriginScheme::Https)];
    let route = || (port(), scheme()).prop_map(|(port, scheme)| Route { port, scheme });
    prop_oneof![
        "[!-~]{0,60}".prop_map(|software| Frame::Hello(hello(&software))),
        (
            stream(),
            port(),
            scheme(),
            any::<bool>(),
            0..=MAX_CREDIT_BYTES
        )
            .prop_map(|(stream, port, scheme, tls_verify, window)| Frame::Open {
                stream,
                request: OpenRequest {
                    port,
                    scheme,
                    tls_verify
                },
                window,
            }),
        stream().prop_map(|stream| Frame::Opened { stream }),
        (stream(), select(RefusalReason::ALL), detail()).prop_map(|(stream, reason, detail)| {
            Frame::Refused {
                stream,
                reason,
                detail,
            }
        }),
        (
            stream(),
            any::<bool>(),
            proptest::collection::vec(any::<u8>(), 1..20_000)
        )
            .prop_map(|(stream, fin, mut payload)| {
                payload.truncate(MAX_PAYLOAD_BYTES);
                Frame::Data {
                    stream,
                    fin,
                    payload: payload.into(),
                }
            }),
        (stream(), select(ResetCode::ALL)).prop_map(|(stream, code)| Frame::Reset { stream, code }),
        (stream(), 1..=u32::MAX).prop_map(|(stream, credit)| Frame::Window { stream, credit }),
        any::<u64>().prop_map(Frame::Ping),
        any::<u64>().prop_map(Frame::Pong),
        (select(GoAwayReason::ALL), any::<u32>()).prop_map(|(reason, millis)| Frame::GoAway {
            reason,
            retry_after: Duration::from_millis(millis.into()),
        }),
        proptest::collection::vec(route(), 0..50).prop_map(Frame::Routes),
        (port(), select(PortState::ALL), detail()).prop_map(|(port, state, detail)| Frame::Report(
            Report {
                port,
                state,
                detail
            }
        )),
        (select(CloseCode::ALL), detail()).prop_map(|(code, detail)| Frame::Close { code, detail }),
    ]
}

fn select<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}
