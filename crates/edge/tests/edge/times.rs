//! Who is silent, slow or stuck is let go in the documented time. Time is paused and moves on
//! when nothing else can, so these take no time of ours.

use std::future::Future;
use std::time::Duration;

use portlama_edge::limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::client::Line;
use crate::house::{House, PUBLIC};

/// Runs `client` and says how long it took, by the clock of the limits.
async fn timed<T>(client: impl Future<Output = T>) -> (T, Duration) {
    tokio::time::pause();
    let began = Instant::now();
    let result = client.await;
    let took = began.elapsed();
    tokio::time::resume();
    (result, took)
}

fn assert_about(took: Duration, limit: Duration) {
    // Lingering after the last answer, or the look at a busy connection, comes on top.
    let slack = Duration::from_secs(6);
    assert!(
        took + slack >= limit && took <= limit + slack,
        "{took:?} is not about {limit:?}"
    );
}

async fn read_all(line: &mut Line) -> String {
    let mut octets = Vec::new();
    // How the connection ends is not the question here.
    let _ = line.tls.read_to_end(&mut octets).await;
    String::from_utf8_lossy(&octets).into_owned()
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let house = House::new().await;
    for start in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01"] {
        let mut tcp = TcpStream::connect(house.https).await.expect("a connection");
        tcp.write_all(start).await.expect("sent");
        let (_, took) = timed(tcp.read_to_end(&mut Vec::new())).await;
        assert_about(took, limits::HANDSHAKE_TIMEOUT);
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let house = House::new().await;
    let mut silent = Line::open(&house, PUBLIC).await;
    let (_, took) = timed(read_all(&mut silent)).await;
    assert_about(took, limits::HEAD_TIMEOUT);

    let mut half = Line::open(&house, PUBLIC).await;
    half.send("GET / HTTP/1.1\r\nho").await;
    let (_, took) = timed(read_all(&mut half)).await;
    assert_about(took, limits::HEAD_TIMEOUT);

    // One field a second keeps nobody busy for longer.
    let slow = Line::open(&house, PUBLIC).await;
    let (mut reader, mut writer) = tokio::io::split(slow.tls);
    let dripping = async {
        writer.write_all(b"GET / HTTP/1.1\r\n").await?;
        loop {
            sleep(Duration::from_secs(1)).await;
            writer.write_all(b"a: b\r\n").await?;
            writer.flush().await?;
        }
        #[expect(unreachable_code, reason = "says the type")]
        std::io::Result::Ok(())
    };
    let mut octets = Vec::new();
    let (_, took) = timed(async {
        tokio::select! {
            _ = reader.read_to_end(&mut octets) => {}
            _ = dripping => {}
        }
    })
    .await;
    assert_about(took, limits::HEAD_TIMEOUT);
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert_eq!(line.answer().await.status, 200);
    let (rest, took) = timed(read_all(&mut line)).await;
    assert_eq!(rest, "");
    assert_about(took, limits::KEEP_ALIVE_IDLE);
}

#[tokio::test]
async fn a_body_that_stops_is_not_waited_for() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "POST /upload HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 10\r\n\r\nhi"
    ))
    .await;
    let (answer, took) = timed(read_all(&mut line)).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_about(took, limits::BODY_IDLE_TIMEOUT);
}

#[tokio::test]
async fn a_reader_that_stops_is_not_waited_for() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "GET /download/1000000000 HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    let (_, took) = timed(house.origin.quiet_after(1)).await;
    assert_about(took, limits::WRITE_STALL_TIMEOUT);
    drop(line);
}

#[tokio::test]
async fn a_silent_service_is_waited_for_as_long_as_documented() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let request = format!("GET /hold HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(&request).await;
    let (answer, took) = timed(async {
        sleep(Duration::from_secs(55)).await;
        house.origin.step();
        line.exactly(12).await
    })
    .await;
    assert_eq!(answer, b"HTTP/1.1 200");
    assert_about(took, Duration::from_secs(55));

    let mut line = Line::open(&house, PUBLIC).await;
    line.send(&request).await;
    let (answer, took) = timed(async {
        let mut first = [0; 12];
        line.tls.read_exact(&mut first).await.map(|_| first)
    })
    .await;
    assert_eq!(&answer.expect("an answer"), b"HTTP/1.1 504");
    assert_about(took, limits::RESPONSE_HEAD_TIMEOUT);
}
