//! `docs/protocol.md` says what the code does.
#![allow(clippy::unwrap_used)]

use std::fmt::Display;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use portlama_model::{OriginScheme, TunnelPort};
use portlama_tunnel_proto::{
    Budget, CloseCode, Config, Connection, GoAwayReason, InstanceId, MAX_PAYLOAD_BYTES, MAX_ROUTES,
    OpenRequest, Outbox, PortState, RefusalReason, ResetCode, SessionNumber,
};

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// The example's frames, each with the end that sends it.
fn example() -> Vec<(&'static str, Vec<u8>)> {
    let (_, rest) = DOCUMENT.split_once("```hex\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let mut frames: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in block.lines() {
        let (first, _) = line.split_once(' ').unwrap();
        if matches!(first, "agent" | "server") {
            frames.push((first, Vec::new()));
            continue;
        }
        let octets = line
            .split(' ')
            .map(|octet| u8::from_str_radix(octet, 16).unwrap());
        frames.last_mut().unwrap().1.extend(octets);
    }
    frames
}

fn transmit(connection: &mut Connection) -> Vec<u8> {
    let mut outbox = Outbox::default();
    connection.poll_transmit(&mut outbox);
    outbox.copy_to_bytes(outbox.remaining()).to_vec()
}

#[test]
fn the_example_is_what_two_ends_say() {
    let now = Instant::now();
    let instance = InstanceId(std::array::from_fn(|i| i as u8));
    let config = Config::agent("agent/1.0", instance, SessionNumber(1));
    let mut agent = Connection::new(config, Budget::for_process(), now);
    let server = Config::server("server/1.0");
    let mut server = Connection::new(server, Budget::for_process(), now);
    let mut frames = example().into_iter().map(|(_, octets)| octets);
    let mut next = || frames.next().unwrap();

    let greeting = transmit(&mut agent);
    assert_eq!(greeting, next());
    server.handle_input(&mut BytesMut::from(&greeting[..]), now);
    server.accept_hello(now);
    let (port, scheme) = (TunnelPort::try_from(8400).unwrap(), OriginScheme::Http);
    let id = server
        .open(OpenRequest {
            port,
            scheme,
            tls_verify: true,
        })
        .unwrap();
    server.write(id, &mut Bytes::from_static(b"GET /")).unwrap();
    let said = transmit(&mut server);
    assert_eq!(said, [next(), next(), next()].concat());

    agent.handle_input(&mut BytesMut::from(&said[..]), now);
    agent.accept(id).unwrap();
    agent.write(id, &mut Bytes::from_static(b"ok")).unwrap();
    agent.finish(id).unwrap();
    assert_eq!(transmit(&mut agent), [next(), next()].concat());
    assert_eq!(frames.next(), None);
}

#[test]
fn the_tables_name_every_code() {
    fn row(number: impl Display, text: impl Display) {
        let row = format!("| `{number}` | {text} |");
        assert!(
            DOCUMENT.contains(&row),
            "docs/protocol.md has no row `{row}`"
        );
    }
    CloseCode::ALL
        .iter()
        .for_each(|c| row(format!("{:#04x}", c.to_wire()), c));
    RefusalReason::ALL.iter().for_each(|c| row(c.to_wire(), c));
    ResetCode::ALL.iter().for_each(|c| row(c.to_wire(), c));
    GoAwayReason::ALL.iter().for_each(|c| row(c.to_wire(), c));
    PortState::ALL.iter().for_each(|c| row(c.to_wire(), c));
}

#[test]
fn the_limits_of_the_wire_are_written_down() {
    for (what, value) in [
        ("at most 16,376", MAX_PAYLOAD_BYTES),
        ("at most 2,048", MAX_ROUTES),
    ] {
        assert!(DOCUMENT.contains(what), "{what}");
        let digits: String = what.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, value.to_string());
    }
}
