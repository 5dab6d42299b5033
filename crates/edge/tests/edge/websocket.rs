//! WebSockets: open only after the service agreed, transparent from then on.

use crate::client::{Line, get};
use crate::house::{House, PUBLIC};

pub(crate) const FIELDS: &str = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: chat\r\n";

#[tokio::test]
async fn octets_pass_both_ways_after_the_services_agreement() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "GET /ws HTTP/1.1\r\nhost: {authority}\r\n{FIELDS}origin: https://elsewhere.example\r\n\r\n"
    ))
    .await;
    let answer = line.answer().await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(answer.header("sec-websocket-protocol"), Some("chat"));
    // What the service sent together with its agreement is not lost.
    assert_eq!(line.exactly(5).await, b"hello");
    // Octets that are a request to a parser are octets here.
    let text = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    line.send(text).await;
    assert_eq!(line.exactly(text.len()).await, text.as_bytes());
    let big: Vec<u8> = (0..3_000_000_usize).map(crate::origin::pattern).collect();
    let (mut reader, mut writer) = tokio::io::split(line.tls);
    let sending = {
        let big = big.clone();
        tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            writer.write_all(&big).await.expect("echoed");
            // Half-close: the service still has something to say.
            writer.shutdown().await.expect("shut");
        })
    };
    let mut echoed = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut echoed);
    tokio::time::timeout(crate::client::PATIENCE, reading)
        .await
        .expect("in time")
        .expect("clean");
    sending.await.expect("sent");
    assert_eq!(echoed.len(), big.len() + 3);
    assert!(echoed.starts_with(&big) && echoed.ends_with(b"bye"));
    assert_eq!(house.origin.count("/smuggled"), 0);
    let seen = &house.origin.seen()[0];
    assert_eq!(seen.values("connection"), ["Upgrade"]);
    assert_eq!(
        seen.values("sec-websocket-key"),
        ["dGhlIHNhbXBsZSBub25jZQ=="]
    );
}

#[tokio::test]
async fn a_wrong_agreement_is_no_agreement() {
    let house = House::new().await;
    // The example key has that accept value, so another one is asked with.
    let fields = FIELDS.replace("dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==");
    let answer = get(&house, PUBLIC, "/ws-wrong", &fields).await;
    assert_eq!(answer.status, 502);
}

#[tokio::test]
async fn a_refusal_of_the_service_is_the_answer() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "GET /no-socket HTTP/1.1\r\nhost: {authority}\r\n{FIELDS}\r\n"
    ))
    .await;
    let answer = line.answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("GET /no-socket "));
    // The connection goes on as HTTP: the gate still stands.
    line.send("GET / HTTP/1.2\r\n\r\n").await;
    assert_eq!(line.answer().await.status, 505);
    assert!(line.rest().await.0.is_empty());
}

#[tokio::test]
async fn octets_sent_before_the_agreement_are_not_taken_for_frames() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "GET /hold HTTP/1.1\r\nhost: {authority}\r\n{FIELDS}\r\nGET /smuggled HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    house.origin.step();
    assert!(line.answer().await.text().starts_with("GET /hold "));
    // Not agreed: it is an ordinary request after all, and answered as one.
    assert!(line.answer().await.text().starts_with("GET /smuggled "));
}
