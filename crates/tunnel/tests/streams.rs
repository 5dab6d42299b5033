//! Streams through hub and connector.
#![allow(clippy::unwrap_used)]

mod world;

use std::io::ErrorKind;
use std::time::Duration;

use portlama_tunnel::limits::MAX_STREAMS_PER_AGENT;
use portlama_tunnel::{Detail, OpenError, RefusalReason, TunnelStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use world::{Link, Service, connected, key, open, origin, pattern, until};

async fn read_all(mut stream: TunnelStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    all
}

#[tokio::test(start_paused = true)]
async fn bulk_arrives_whole_in_both_directions_at_once() {
    let (hub, _network, _agent) = connected(&[(8400, Service::Echo)]).await;
    let sent = pattern(16 << 20);
    let (mut read, mut write) = split(open(&hub, 8400).await.unwrap());
    let expected = sent.clone();
    let writer = tokio::spawn(async move {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
        write
    });
    let mut received = Vec::new();
    read.read_to_end(&mut received).await.unwrap();
    assert!(received == expected);
    writer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_visitor_may_end_first_and_still_gets_the_answer() {
    let (hub, _network, _agent) = connected(&[(8400, Service::Count)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    stream.write_all(&pattern(100_000)).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_all(stream).await, b"100000");
    until(&hub, "no streams", |status| status.streams == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_visitor_stalls_nobody_else() {
    let services = [
        (8400, Service::Send(64 << 20)),
        (8401, Service::Send(500_000)),
    ];
    let (hub, _network, _agent) = connected(&services).await;
    // One stalled stream on each carrier.
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = open(&hub, 8400).await.unwrap();
        stream.read_exact(&mut [0; 1000]).await.unwrap();
        slow.push(stream);
    }
    let mut fast = JoinSet::new();
    for _ in 0..50 {
        let hub = hub.clone();
        fast.spawn(async move { read_all(open(&hub, 8401).await.unwrap()).await });
    }
    let expected = pattern(500_000);
    let all = timeout(Duration::from_secs(5), fast.join_all())
        .await
        .expect("nobody waits");
    assert!(all.len() == 50 && all.iter().all(|received| *received == expected));
}

#[tokio::test(start_paused = true)]
async fn refusals_say_what_is_wrong() {
    let (hub, _network, _agent) = connected(&[
        (8401, Service::Refuses(RefusalReason::OriginRefused)),
        (8402, Service::Refuses(RefusalReason::TlsFailed)),
        (8403, Service::Late(Duration::from_secs(600))),
    ])
    .await;
    let told = Detail::new("as told");
    let refused = |port| open(&hub, port);
    assert_eq!(
        refused(8400).await.unwrap_err(),
        OpenError::NotAllowed(Detail::new("not on the list"))
    );
    assert_eq!(
        refused(8401).await.unwrap_err(),
        OpenError::OriginRefused(told.clone())
    );
    assert_eq!(refused(8402).await.unwrap_err(), OpenError::TlsFailed(told));
    assert_eq!(refused(8403).await.unwrap_err(), OpenError::OriginTimeout);
    until(&hub, "no streams", |status| status.streams == 0).await;
}

#[tokio::test(start_paused = true)]
async fn an_early_stream_sends_before_the_answer_and_shows_a_refusal_as_error() {
    let (hub, _network, _agent) = connected(&[(8400, Service::Echo)]).await;
    let mut stream = hub.open_early(&key(8400), origin()).unwrap();
    stream.write_all(b"early").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_all(stream).await, b"early");

    let mut refused = hub.open_early(&key(8401), origin()).unwrap();
    refused.write_all(b"early").await.unwrap();
    let error = refused.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<OpenError>());
    assert_eq!(
        inner,
        Some(&OpenError::NotAllowed(Detail::new("not on the list")))
    );
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_leaves_frees_the_service() {
    let (hub, _network, _agent) = connected(&[(8400, Service::Send(64 << 20))]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    drop(stream);
    until(&hub, "no streams", |status| status.streams == 0).await;
    // The carrier is unharmed.
    let again = open(&hub, 8400).await.unwrap();
    drop(again);
}

#[tokio::test(start_paused = true)]
async fn a_crashed_agent_breaks_its_streams_at_once() {
    let (hub, network, _agent) = connected(&[(8400, Service::Echo)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.read_exact(&mut [0; 5]).await.unwrap();
    let crashed = Instant::now();
    network.set(Link::Cut);
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert!(crashed.elapsed() < Duration::from_secs(1));
    until(&hub, "offline", |status| status.connected_since.is_none()).await;
    assert_eq!(open(&hub, 8400).await.unwrap_err(), OpenError::AgentOffline);
}

#[tokio::test(start_paused = true)]
async fn streams_beyond_the_limit_are_refused_at_once_and_slots_are_reused() {
    let (hub, _network, _agent) = connected(&[(8400, Service::Mute)]).await;
    let mut streams = Vec::new();
    for _ in 0..MAX_STREAMS_PER_AGENT {
        streams.push(open(&hub, 8400).await.unwrap());
    }
    let begun = Instant::now();
    assert_eq!(open(&hub, 8400).await.unwrap_err(), OpenError::Limit);
    assert!(begun.elapsed() < Duration::from_secs(1));
    streams.pop();
    assert!(open(&hub, 8400).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_far_end_hears_of_a_service_that_breaks() {
    let (hub, _network, agent) = connected(&[(8400, Service::Mute)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    agent.stop().await;
    assert!(stream.read_u8().await.is_err());
}
