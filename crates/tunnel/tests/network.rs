//! The connector over real sockets and real TLS: names, proxies, middleboxes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portlama_tunnel::{
    ALPN, CarrierKind, Connector, ConnectorConfig, ConnectorStatus, Hub, ReadAhead, Transport,
    tune_carrier, ws,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use world::pki::{Pki, SERVER};
use world::{Service, Services, hub, identity, open, pattern, until};

/// A server on loopback; where a middlebox stands before it, that one's certificate is shown.
async fn serve(hub: &Arc<Hub>, pki: Arc<Pki>, middlebox: Option<Arc<Pki>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = match &middlebox {
        Some(middlebox) => middlebox.server_tls(false, &[b"http/1.1"]),
        None => pki.server_tls(true, &[ALPN]),
    };
    let (acceptor, hub) = (TlsAcceptor::from(tls), hub.clone());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(serve_one(
                hub.clone(),
                pki.clone(),
                acceptor.clone(),
                socket,
            ));
        }
    });
    address
}

async fn serve_one(hub: Arc<Hub>, pki: Arc<Pki>, acceptor: TlsAcceptor, socket: TcpStream) {
    tune_carrier(&socket).unwrap();
    let Ok(io) = acceptor.accept(ReadAhead::new(socket)).await else {
        return;
    };
    if io.get_ref().1.alpn_protocol() == Some(ALPN) {
        hub.serve_carrier(io, identity("attic"), CancellationToken::new())
            .await;
        return;
    }
    let Ok(upgraded) = tokio_tungstenite::accept_hdr_async(io, echo_subprotocol).await else {
        return;
    };
    let authenticate = |_: &[_]| Some((identity("attic"), CancellationToken::new()));
    ws::serve_carrier(
        &hub,
        upgraded.into_inner(),
        &pki.server_proof(),
        authenticate,
    )
    .await;
}

#[allow(clippy::result_large_err, clippy::unnecessary_wraps)]
fn echo_subprotocol(
    request: &tokio_tungstenite::tungstenite::handshake::server::Request,
    mut response: tokio_tungstenite::tungstenite::handshake::server::Response,
) -> Result<
    tokio_tungstenite::tungstenite::handshake::server::Response,
    tokio_tungstenite::tungstenite::handshake::server::ErrorResponse,
> {
    assert_eq!(request.uri().path(), ws::PATH);
    let protocol = ws::SUBPROTOCOL.parse().unwrap();
    response
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    Ok(response)
}

fn config(pki: &Pki, address: SocketAddr) -> ConnectorConfig {
    ConnectorConfig {
        addresses: vec![(SERVER.to_owned(), address.port())],
        last_good: None,
        server_name: SERVER.try_into().unwrap(),
        tls: pki.agent_tls(),
        websocket: None,
        transport: Transport::Auto,
        proxy: None,
        carriers: 2,
        software: "agent/1.0".to_owned(),
    }
}

struct Running {
    status: watch::Receiver<ConnectorStatus>,
    _stop: DropGuard,
}

fn start(config: ConnectorConfig) -> Running {
    let services = Services(Mutex::new([(8400, Service::Echo)].into()));
    let connector = Connector::new(config, Arc::new(services));
    let (status, stop) = (connector.status(), CancellationToken::new());
    tokio::spawn(connector.run(stop.clone()));
    Running {
        status,
        _stop: stop.drop_guard(),
    }
}

impl Running {
    async fn until(&mut self, holds: impl FnMut(&ConnectorStatus) -> bool) -> ConnectorStatus {
        let waited = timeout(Duration::from_secs(30), self.status.wait_for(holds)).await;
        waited.expect("the connector gets there").unwrap().clone()
    }
}

async fn echo(hub: &Arc<Hub>, length: usize) {
    let sent = pattern(length);
    let (mut read, mut write) = split(open(hub, 8400).await.unwrap());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_passes_through_real_tls() {
    let (hub, pki) = (hub(), Arc::new(Pki::new()));
    let address = serve(&hub, pki.clone(), None).await;
    let mut agent = start(config(&pki, address));
    let status = agent.until(|status| status.carriers == 2).await;
    assert_eq!(status.transport, Some(CarrierKind::Tls));
    assert_eq!(status.last_good, Some(address));
    echo(&hub, 8 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_tls_is_opened_on_the_way_websocket_takes_over() {
    let (hub, pki, middlebox) = (hub(), Arc::new(Pki::new()), Arc::new(Pki::new()));
    let address = serve(&hub, pki.clone(), Some(middlebox.clone())).await;
    let websocket = Some(pki.websocket(&middlebox));
    let mut agent = start(ConnectorConfig {
        websocket,
        ..config(&pki, address)
    });
    let status = agent.until(|status| status.carriers == 2).await;
    assert_eq!(status.transport, Some(CarrierKind::WebSocket));
    echo(&hub, 4 << 20).await;
}

#[tokio::test]
async fn a_middlebox_that_plays_the_server_is_refused_inside_the_websocket() {
    let (hub, pki, middlebox) = (hub(), Arc::new(Pki::new()), Arc::new(Pki::new()));
    // It shows its own certificate in the proof, too.
    let address = serve(&hub, middlebox.clone(), Some(middlebox.clone())).await;
    let websocket = Some(pki.websocket(&middlebox));
    let transport = Transport::WebSocket;
    let mut agent = start(ConnectorConfig {
        websocket,
        transport,
        ..config(&pki, address)
    });
    let status = agent.until(|status| status.last_error.is_some()).await;
    let error = status.last_error.unwrap();
    assert!(
        error.contains("is not the one this agent was enrolled at"),
        "{error}"
    );
    assert!(!hub.status(&world::label("attic")).is_connected());
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (hub, pki, other) = (hub(), Arc::new(Pki::new()), Arc::new(Pki::new()));
    let address = serve(&hub, other, None).await;
    let transport = Transport::Tls;
    let mut agent = start(ConnectorConfig {
        transport,
        ..config(&pki, address)
    });
    let error = agent
        .until(|status| status.last_error.is_some())
        .await
        .last_error
        .unwrap();
    assert!(error.contains("pinned certificate authority"), "{error}");
}

#[tokio::test]
async fn the_last_good_address_serves_when_the_name_does_not_resolve() {
    let (hub, pki) = (hub(), Arc::new(Pki::new()));
    let address = serve(&hub, pki.clone(), None).await;
    let mut agent = start(ConnectorConfig {
        addresses: vec![("tunnel.portlama.invalid".to_owned(), address.port())],
        last_good: Some(address),
        ..config(&pki, address)
    });
    agent.until(|status| status.carriers == 2).await;
}

#[tokio::test]
async fn a_proxy_connects_with_the_right_credentials_only() {
    let (hub, pki) = (hub(), Arc::new(Pki::new()));
    let address = serve(&hub, pki.clone(), None).await;
    let proxy = run_proxy(address).await;
    let with = |credentials: &str| ConnectorConfig {
        proxy: Some(format!("http://{credentials}@{proxy}").parse().unwrap()),
        ..config(&pki, address)
    };
    let mut refused = start(with("ann:wrong"));
    let error = refused
        .until(|status| status.last_error.is_some())
        .await
        .last_error
        .unwrap();
    assert!(error.contains("407"), "{error}");
    let mut agent = start(with("ann:secret"));
    agent.until(|status| status.carriers == 2).await;
    until(&hub, "the agent", |status| status.is_connected()).await;
    echo(&hub, 100_000).await;
}

/// A proxy that resolves every name to one address.
async fn run_proxy(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                assert!(head.starts_with(&format!("CONNECT {SERVER}:{} HTTP/1.1", target.port())));
                // "ann:secret"
                if !head.contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==") {
                    near.write_all(b"HTTP/1.1 407 No\r\n\r\n").await.unwrap();
                    return;
                }
                near.write_all(b"HTTP/1.1 200 Connected\r\nX: y\r\n\r\n")
                    .await
                    .unwrap();
                let mut far = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}
