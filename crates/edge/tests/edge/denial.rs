//! What becomes forbidden ends at once, also what is under way.

use portlama_control::{NewTunnel, TunnelChange};
use portlama_pki::AgentKey;
use tokio::time::timeout;

use crate::client::{Line, PATIENCE, get};
use crate::house::{House, PRIVATE, PUBLIC};
use crate::websocket::FIELDS;

/// Opens `/events` and a WebSocket under a session.
async fn two_visits(house: &House, host: &str, fields: &str) -> (Line, Line) {
    let authority = house.authority_of(host);
    let mut events = Line::open(house, host).await;
    events
        .send(format!(
            "GET /events HTTP/1.1\r\nhost: {authority}\r\n{fields}\r\n"
        ))
        .await;
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        received.extend(events.exactly(1).await);
    }
    assert!(received.starts_with(b"HTTP/1.1 200"));
    let mut socket = Line::open(house, host).await;
    socket
        .send(format!(
            "GET /ws HTTP/1.1\r\nhost: {authority}\r\n{fields}{FIELDS}\r\n"
        ))
        .await;
    assert_eq!(socket.answer().await.status, 101);
    assert_eq!(socket.exactly(5).await, b"hello");
    (events, socket)
}

async fn both_end((mut events, mut socket): (Line, Line)) {
    let (octets, _) = events.rest().await;
    // An aborted message: the last chunk never came.
    assert!(!octets.ends_with(b"0\r\n\r\n"), "{}", octets.escape_ascii());
    let (octets, _) = socket.rest().await;
    assert!(octets.is_empty());
}

#[tokio::test]
async fn signing_out_ends_open_visits() {
    let house = House::new().await;
    house.add_user("Mira").await;
    let session = crate::access::session(&house).await;
    let fields = format!("cookie: {session}\r\n");
    let visits = two_visits(&house, PRIVATE, &fields).await;
    let token = session.split_once('=').expect("a cookie").1;
    house
        .control
        .sign_out_host(&PRIVATE.parse().expect("a host"), token)
        .await;
    both_end(visits).await;
    assert_eq!(get(&house, PRIVATE, "/", &fields).await.status, 302);
}

#[tokio::test]
async fn switching_a_tunnel_off_ends_its_visits_and_no_others() {
    let house = House::new().await;
    house.add_user("Mira").await;
    let session = crate::access::session(&house).await;
    let mut others = two_visits(&house, PRIVATE, &format!("cookie: {session}\r\n")).await;
    let visits = two_visits(&house, PUBLIC, "").await;
    let off = TunnelChange {
        enabled: Some(false),
        ..TunnelChange::default()
    };
    house.change(PUBLIC, off).await;
    both_end(visits).await;
    others.1.send("still here").await;
    assert_eq!(others.1.exactly(10).await, b"still here");
    house.origin.step();
    assert!(!others.0.exactly(8).await.is_empty());
}

#[tokio::test]
async fn a_revoked_agents_open_connections_end() {
    let house = House::new().await;
    let mut panel = Line::panel(&house, Some(&house.agent_credentials)).await;
    let request = format!(
        "GET / HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n",
        house.panel.port()
    );
    panel.send(&request).await;
    assert!(panel.answer().await.text().contains("presented=client"));
    let mut socket = Line::panel(&house, Some(&house.agent_credentials)).await;
    let own = house.panel.port();
    socket
        .send(format!(
            "GET /socket HTTP/1.1\r\nhost: 127.0.0.1:{own}\r\n{FIELDS}\r\n"
        ))
        .await;
    assert_eq!(socket.answer().await.status, 101);
    socket.send("echo").await;
    assert_eq!(socket.exactly(4).await, b"echo");
    let mut admin = Line::panel(&house, Some(&house.admin_credentials)).await;
    admin.send(&request).await;
    assert_eq!(admin.answer().await.status, 200);
    let visits = two_visits(&house, PUBLIC, "").await;
    house
        .control
        .revoke_agent(&house.admin, &house.agent)
        .await
        .expect("revoked");
    // Its WebSocket in a room, its kept-alive connection to the panel, and what went through its tunnel.
    assert!(socket.rest().await.0.is_empty());
    let (octets, _) = panel.rest().await;
    assert!(octets.is_empty());
    both_end(visits).await;
    assert_eq!(get(&house, PUBLIC, "/", "").await.status, 503);
    // The admin's goes on.
    admin.send(&request).await;
    assert_eq!(admin.answer().await.status, 200);
}

#[tokio::test]
async fn the_only_copy_of_a_new_certificate_is_delivered_and_then_the_old_one_ends() {
    let house = House::new().await;
    let host = format!("host: 127.0.0.1:{}\r\n", house.panel.port());
    let request = format!("GET / HTTP/1.1\r\n{host}\r\n");
    let mut other = Line::panel(&house, Some(&house.admin_credentials)).await;
    other.send(&request).await;
    assert_eq!(other.answer().await.status, 200);
    let mut denials = house.control.live().denials();
    denials.mark_unchanged();

    let key = AgentKey::generate().expect("a key");
    let csr = key.request(&house.agent).expect("a request");
    let mut line = Line::panel(&house, Some(&house.admin_credentials)).await;
    line.send(format!(
        "POST /upgrade HTTP/1.1\r\n{host}content-length: {}\r\n\r\n{csr}",
        csr.len()
    ))
    .await;
    let answer = line.answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("END CERTIFICATE"));
    assert!(denials.has_changed().expect("the control runs"));
    // Nothing more on this connection, and nothing on any other of the old certificate.
    assert!(line.rest().await.0.is_empty());
    assert!(other.rest().await.0.is_empty());
}

#[tokio::test]
async fn a_changed_route_is_served_at_once_and_cuts_nothing() {
    let house = House::new().await;
    let mut visits = two_visits(&house, PUBLIC, "").await;
    for (label, port) in [("one", 9001), ("two", 9002), ("three", 9003)] {
        let port = u16::try_into(port).expect("a port");
        let new = NewTunnel::new(label.parse().expect("a label"), port);
        let made = house.control.create_tunnel(&house.admin, new).await;
        made.expect("a tunnel");
    }
    visits.1.send("still here").await;
    assert_eq!(visits.1.exactly(10).await, b"still here");
    assert_eq!(
        get(
            &house,
            "one.lab.example.org",
            "/",
            "accept: application/json\r\n"
        )
        .await
        .status,
        401
    );
}

#[tokio::test]
async fn an_upload_under_way_ends_with_the_permission() {
    let house = House::new().await;
    let authority = house.authority_of(PUBLIC);
    let mut line = Line::open(&house, PUBLIC).await;
    line.send(format!(
        "POST /upload HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 1000\r\n\r\nsome"
    ))
    .await;
    while house.origin.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let off = TunnelChange {
        enabled: Some(false),
        ..TunnelChange::default()
    };
    house.change(PUBLIC, off).await;
    assert_eq!(line.answer().await.status, 503);
    timeout(PATIENCE, house.origin.quiet())
        .await
        .expect("the service is let go");
}
