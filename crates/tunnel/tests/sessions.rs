//! Sessions: who may connect, what is seen, what heals.
#![allow(clippy::unwrap_used)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use portlama_tunnel::limits::MAX_CARRIERS;
use portlama_tunnel::{CarrierEnd, CloseCode, Detail, OpenError, PortState, RefusalReason};
use portlama_tunnel_proto::{Frame, Hello, InstanceId, SessionNumber, StreamId};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;
use world::{
    AgentProcess, Link, Network, Service, connected, hub, label, open, port, route, until,
};

#[tokio::test(start_paused = true)]
async fn the_server_sees_who_is_connected() {
    let (hub, _network, _agent) = connected(&[]).await;
    let status = hub.status(&label("attic"));
    assert!(status.is_connected() && status.offline_since.is_none());
    assert_eq!(status.version.as_deref(), Some("agent/1.0"));
    assert!(!hub.status(&label("cellar")).is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_silent_network_is_noticed_in_12_seconds_and_heals_within_15() {
    let (hub, network, mut agent) = connected(&[(8400, Service::Echo)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    let silenced = Instant::now();
    network.set(Link::Silent);
    assert!(stream.read_u8().await.is_err());
    assert!(silenced.elapsed() <= Duration::from_secs(12));
    until(&hub, "offline", |status| !status.is_connected()).await;
    agent
        .until("offline", |status| status.connected_since.is_none())
        .await;

    tokio::time::sleep(Duration::from_secs(300)).await;
    let healed = Instant::now();
    network.set(Link::Flows);
    until(&hub, "online", |status| status.is_connected()).await;
    assert!(
        healed.elapsed() <= Duration::from_secs(15),
        "{:?}",
        healed.elapsed()
    );
    assert!(open(&hub, 8400).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_gone_finds_its_agents_back_within_15_seconds() {
    let (hub, network, mut agent) = connected(&[]).await;
    network.set(Link::Cut);
    until(&hub, "offline", |status| status.offline_since.is_some()).await;
    agent
        .until("an error", |status| status.last_error.is_some())
        .await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let back = Instant::now();
    network.set(Link::Flows);
    until(&hub, "online", |status| status.carriers == 2).await;
    assert!(back.elapsed() <= Duration::from_secs(15));
    agent
        .until("no error", |status| status.last_error.is_none())
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_second_process_is_refused_and_shown_and_gets_in_when_the_first_ends() {
    let (hub, network, first) = connected(&[(8400, Service::Echo)]).await;
    let mut second = AgentProcess::start(&network, &[(8400, Service::Send(6))]);
    second
        .until("a refusal", |status| status.last_error.is_some())
        .await;
    let reason = second.status.borrow().last_error.clone().unwrap();
    assert!(reason.contains("another process"), "{reason}");
    until(&hub, "the refusal", |status| {
        status.refused_second_instance.is_some()
    })
    .await;
    assert!(open(&hub, 8400).await.is_ok());

    first.stop().await;
    second
        .until("connected", |status| status.carriers == 2)
        .await;
    let mut stream = open(&hub, 8400).await.unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_replaced_while_the_network_was_silent_gives_way() {
    let (hub, network, first) = connected(&[(8400, Service::Echo)]).await;
    network.set(Link::Silent);
    drop(first);
    tokio::time::sleep(Duration::from_secs(8)).await;
    // The first one's connections stay silent; the second one's are new.
    let fresh = Network::new(&hub, "attic");
    let begun = Instant::now();
    let mut second = AgentProcess::start(&fresh, &[(8400, Service::Echo)]);
    second
        .until("connected", |status| status.carriers > 0)
        .await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(open(&hub, 8400).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn carriers_with_a_new_certificate_take_over_and_open_streams_go_on() {
    let (hub, _network, mut agent) = connected(&[(8400, Service::Echo)]).await;
    let since = hub.status(&label("attic")).connected_since;
    let mut before = open(&hub, 8400).await.unwrap();
    agent.renewal.redial();
    until(&hub, "the new ones beside the busy one", |status| {
        status.carriers == 3
    })
    .await;
    before.write_all(b"still").await.unwrap();
    let mut answer = [0; 5];
    before.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"still");
    let mut after = open(&hub, 8400).await.unwrap();
    after.write_all(b"x").await.unwrap();
    assert_eq!(after.read_u8().await.unwrap(), b'x');

    before.shutdown().await.unwrap();
    assert_eq!(before.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    drop(before);
    until(&hub, "the new ones alone", |status| status.carriers == 2).await;
    agent.until("two", |status| status.carriers == 2).await;
    assert_eq!(hub.status(&label("attic")).connected_since, since);
    after.write_all(b"y").await.unwrap();
    assert_eq!(after.read_u8().await.unwrap(), b'y');
}

#[tokio::test(start_paused = true)]
async fn the_old_carriers_serve_while_the_new_ones_cannot_be_had() {
    let (hub, network, mut agent) = connected(&[(8400, Service::Echo)]).await;
    let other = self::hub();
    other.shutdown(Duration::ZERO, Duration::ZERO).await;
    network.lead_to(&other);
    let busy = open(&hub, 8400).await.unwrap();
    agent.renewal.redial();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(agent.status.borrow().last_error.is_none());
    assert!(open(&hub, 8400).await.is_ok());
    network.lead_to(&hub);
    agent
        .until("the new ones beside the busy one", |status| {
            status.carriers == 3
        })
        .await;
    assert!(open(&hub, 8400).await.is_ok());
    drop(busy);
    agent
        .until("the new ones alone", |status| status.carriers == 2)
        .await;
    assert!(open(&hub, 8400).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_round_trip_is_measured_at_both_ends() {
    let (hub, _network, mut agent) = connected(&[]).await;
    agent
        .until("a round trip", |status| status.rtt.is_some())
        .await;
    assert!(hub.status(&label("attic")).rtt.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_short_silence_costs_nothing() {
    let (hub, network, _agent) = connected(&[(8400, Service::Echo)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    let since = hub.status(&label("attic")).connected_since;
    network.set(Link::Silent);
    tokio::time::sleep(Duration::from_secs(6)).await;
    network.set(Link::Flows);
    stream.write_all(b"x").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
    assert_eq!(hub.status(&label("attic")).connected_since, since);
}

#[tokio::test(start_paused = true)]
async fn a_newer_session_of_the_same_process_takes_over_and_an_older_one_is_refused() {
    let hub = hub();
    let network = Network::new(&hub, "attic");
    let mut first = greet(&network, 1, 1).await;
    let mut joined = greet(&network, 1, 1).await;
    until(&hub, "both", |status| status.carriers == 2).await;
    let mut newer = greet(&network, 1, 2).await;
    assert_eq!(close_code(&mut first).await, CloseCode::Superseded);
    assert_eq!(close_code(&mut joined).await, CloseCode::Superseded);
    let mut older = greet(&network, 1, 1).await;
    assert_eq!(close_code(&mut older).await, CloseCode::StaleSession);
    assert_eq!(hub.status(&label("attic")).carriers, 1);
    newer.write_all(&[0x6e, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(close_code(&mut newer).await, CloseCode::UnknownFrame);
    until(&hub, "offline", |status| !status.is_connected()).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_has_a_bounded_number_of_carriers() {
    let hub = hub();
    let network = Network::new(&hub, "attic");
    let mut carriers = Vec::new();
    for _ in 0..MAX_CARRIERS {
        carriers.push(greet(&network, 1, 1).await);
    }
    until(&hub, "all", |status| status.carriers == MAX_CARRIERS).await;
    let mut surplus = greet(&network, 1, 1).await;
    assert_eq!(close_code(&mut surplus).await, CloseCode::TooManyCarriers);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_overflows_a_window_loses_that_carrier_only() {
    let hub = hub();
    let network = Network::new(&hub, "attic");
    let mut carrier = greet(&network, 1, 1).await;
    until(&hub, "connected", |status| status.is_connected()).await;
    let mut stream = hub.open_early(&world::key(8400), world::origin()).unwrap();
    let mut frames = BytesMut::new();
    Frame::Opened {
        stream: StreamId(1),
    }
    .encode(&mut frames);
    for _ in 0..9 {
        let payload = vec![1; 8192].into();
        Frame::Data {
            stream: StreamId(1),
            fin: false,
            payload,
        }
        .encode(&mut frames);
    }
    carrier.write_all(&frames).await.unwrap();
    assert_eq!(close_code(&mut carrier).await, CloseCode::WindowOverflow);
    while stream
        .read(&mut [0; 65_536])
        .await
        .is_ok_and(|count| count > 0)
    {}
    assert!(stream.read_u8().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn streams_are_spread_over_the_carriers() {
    let hub = hub();
    let network = Network::new(&hub, "attic");
    let carriers = [greet(&network, 1, 1).await, greet(&network, 1, 1).await];
    until(&hub, "both", |status| status.carriers == 2).await;
    let early = || hub.open_early(&world::key(8400), world::origin()).unwrap();
    let streams: Vec<_> = (0..10).map(|_| early()).collect();
    for mut io in carriers {
        let mut input = BytesMut::new();
        let mut opened = 0;
        while opened < 5 {
            match Frame::decode(&mut input).unwrap() {
                Some(Frame::Open { .. }) => opened += 1,
                Some(_) => {}
                None => assert!(io.read_buf(&mut input).await.unwrap() > 0),
            }
        }
    }
    drop(streams);
}

/// An agent by hand: a connection on which the HELLO was sent.
async fn greet(network: &Arc<Network>, instance: u8, session: u64) -> DuplexStream {
    let mut io = network.connect();
    let mut bytes = BytesMut::new();
    Frame::Hello(Hello {
        min_version: 1,
        max_version: 1,
        features: 0,
        initial_window: 65_536,
        max_streams: 100,
        session: SessionNumber(session),
        instance: InstanceId([instance; 16]),
        software: Detail::new("by hand"),
    })
    .encode(&mut bytes);
    io.write_all(&bytes).await.unwrap();
    io
}

/// Reads up to the CLOSE frame.
async fn close_code(io: &mut DuplexStream) -> CloseCode {
    let mut input = BytesMut::new();
    loop {
        match Frame::decode(&mut input).unwrap() {
            Some(Frame::Close { code, .. }) => return code,
            Some(_) => {}
            None => assert!(io.read_buf(&mut input).await.unwrap() > 0, "no CLOSE"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn eviction_cuts_carriers_and_streams_at_once() {
    let (hub, network, mut agent) = connected(&[(8400, Service::Send(64 << 20))]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    stream.read_exact(&mut [0; 100]).await.unwrap();
    let evicted = Instant::now();
    hub.evict(&label("attic"), CloseCode::Revoked);
    assert!(!hub.status(&label("attic")).is_connected());
    assert_eq!(open(&hub, 8400).await.unwrap_err(), OpenError::AgentOffline);
    while stream
        .read(&mut [0; 100_000])
        .await
        .is_ok_and(|count| count > 0)
    {}
    assert!(stream.read_u8().await.is_err());
    assert!(evicted.elapsed() < Duration::from_secs(1));
    agent
        .until("the reason", |s| {
            s.last_error.as_ref().is_some_and(|e| e.contains("revoked"))
        })
        .await;
    assert!(
        network
            .ends
            .lock()
            .iter()
            .all(|end| *end == CarrierEnd::Closed(CloseCode::Revoked))
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_authorisation_cuts_the_carriers() {
    let (hub, network, _agent) = connected(&[(8400, Service::Mute)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    network.authorised.cancel();
    assert!(stream.read_u8().await.is_err());
    until(&hub, "offline", |status| !status.is_connected()).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_hub_shuts_down_at_once_and_says_when_to_come_back() {
    let (hub, network, mut agent) = connected(&[]).await;
    let begun = Instant::now();
    hub.shutdown(Duration::from_secs(4), Duration::from_secs(30))
        .await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(open(&hub, 8400).await.unwrap_err(), OpenError::AgentOffline);

    let next = world::hub();
    network.lead_to(&next);
    agent.until("offline", |status| status.carriers == 0).await;
    until(&next, "back", |status| status.carriers == 2).await;
    assert!(begun.elapsed() >= Duration::from_secs(4));
    assert!(begun.elapsed() <= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn streams_end_in_peace_while_the_agent_is_already_at_the_next_server() {
    let (hub, network, _agent) = connected(&[(8400, Service::Echo)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    let next = world::hub();
    network.lead_to(&next);
    let old = hub.clone();
    let shutdown = tokio::spawn(async move {
        old.shutdown(Duration::from_secs(1), Duration::from_secs(30))
            .await;
    });
    until(&next, "the next server", |status| status.is_connected()).await;
    stream.write_all(b"still here").await.unwrap();
    stream.read_exact(&mut [0; 10]).await.unwrap();
    assert_eq!(open(&hub, 8400).await.unwrap_err(), OpenError::AgentOffline);
    assert!(open(&next, 8400).await.is_ok());
    drop(stream);
    shutdown.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn grace_is_bounded() {
    let (hub, _network, _agent) = connected(&[(8400, Service::Mute)]).await;
    let mut stream = open(&hub, 8400).await.unwrap();
    let begun = Instant::now();
    hub.shutdown(Duration::from_secs(1), Duration::from_secs(30))
        .await;
    assert!(begun.elapsed() >= Duration::from_secs(30));
    assert!(begun.elapsed() <= Duration::from_secs(32));
    assert!(stream.read_u8().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn routes_reach_the_agent_and_reports_the_server() {
    let hub = hub();
    hub.set_routes(&label("attic"), vec![route(8400), route(8401)]);
    let network = Network::new(&hub, "attic");
    let services = [
        (8400, Service::Echo),
        (8401, Service::Refuses(RefusalReason::OriginRefused)),
    ];
    let mut agent = AgentProcess::start(&network, &services);
    until(&hub, "two reports", |status| status.reports.len() == 2).await;
    let state = |number| {
        hub.status(&label("attic"))
            .reports
            .get(&port(number))
            .map(|r| r.state)
    };
    assert_eq!(state(8400), Some(PortState::Ready));
    assert_eq!(state(8401), Some(PortState::OriginRefused));

    // Live: one more, that is not allowed at home until it is.
    hub.set_routes(&label("attic"), vec![route(8400), route(8402)]);
    agent
        .until("the new routes", |status| {
            status.routes.contains_key(&port(8402))
        })
        .await;
    until(&hub, "not allowed", |s| {
        s.reports
            .get(&port(8402))
            .is_some_and(|r| r.state == PortState::NotAllowed)
    })
    .await;
    assert_eq!(state(8401), None);
    agent.services.0.lock().insert(8402, Service::Echo);
    agent.recheck.now();
    until(&hub, "allowed", |s| {
        s.reports
            .get(&port(8402))
            .is_some_and(|r| r.state == PortState::Ready)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_corrects_the_report() {
    let (hub, _network, agent) = connected(&[(8400, Service::Echo)]).await;
    hub.set_routes(&label("attic"), vec![route(8400)]);
    until(&hub, "ready", |s| {
        s.reports.values().any(|r| r.state == PortState::Ready)
    })
    .await;
    agent
        .services
        .0
        .lock()
        .insert(8400, Service::Refuses(RefusalReason::OriginRefused));
    assert!(open(&hub, 8400).await.is_err());
    until(&hub, "refusing", |s| {
        s.reports
            .values()
            .any(|r| r.state == PortState::OriginRefused && r.detail == Detail::new("as told"))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_hundred_agents_come_back_spread_over_time() {
    let hub = hub();
    let networks: Vec<_> = (0..200)
        .map(|i| Network::new(&hub, &format!("agent-{i}")))
        .collect();
    let mut agents: Vec<_> = networks
        .iter()
        .map(|n| AgentProcess::start(n, &[]))
        .collect();
    for agent in &mut agents {
        agent
            .until("connected", |status| status.carriers == 2)
            .await;
    }
    networks.iter().for_each(|network| network.set(Link::Cut));
    for agent in &mut agents {
        agent.until("offline", |status| status.carriers == 0).await;
    }
    let begun = Instant::now();
    networks.iter().for_each(|network| network.set(Link::Flows));
    let mut first_second = 0;
    for agent in &mut agents {
        agent.until("back", |status| status.carriers == 2).await;
        first_second += usize::from(begun.elapsed() < Duration::from_millis(500));
    }
    assert!(begun.elapsed() <= Duration::from_secs(15));
    assert!(first_second < 190, "all came at once");
}
