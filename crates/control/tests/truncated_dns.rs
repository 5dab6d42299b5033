//! Answers that are too long for UDP.
#![allow(clippy::unwrap_used)]

mod world;

use std::net::IpAddr;

use portlama_testkit::{DnsMood, DnsServer};
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let server = DnsServer::start().unwrap();
    server.set("many.example.org", &["198.51.100.7", "2001:db8::7"]);
    server.behave(DnsMood::Truncates);
    let world = World::with_resolver(server.address()).await;
    let host = "many.example.org".parse().unwrap();
    let answers = world.control.dns().look(&host).await;
    let [answer] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(answer.error, None);
    let found: Vec<IpAddr> = answer
        .a
        .iter()
        .map(|ip| IpAddr::V4(*ip))
        .chain(answer.aaaa.iter().map(|ip| IpAddr::V6(*ip)))
        .collect();
    let expected: [IpAddr; 2] = [
        "198.51.100.7".parse().unwrap(),
        "2001:db8::7".parse().unwrap(),
    ];
    assert_eq!(found, expected);
    assert_eq!(server.questions(), 4, "two over UDP, two over TCP");
}
