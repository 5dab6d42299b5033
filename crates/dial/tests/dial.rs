//! Reaching servers over real sockets on loopback.

use std::net::SocketAddr;

use portlama_dial::{ConnectError, ProxyUrl, connect, connect_through};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const SERVER: &str = "panel.lab.example.org";

#[tokio::test]
async fn the_next_host_is_tried_and_at_last_the_address_that_was_good() {
    let (listener, address) = listener().await;
    let closed = closed_port().await;
    let hosts = [
        ("127.0.0.1".to_owned(), closed.port()),
        ("app.localhost".to_owned(), address.port()),
    ];
    let (_, reached) = connect(&hosts, None).await.expect("the second host");
    assert_eq!(reached, address);
    let (_, reached) = connect(&hosts[..1], Some(address))
        .await
        .expect("the last good address");
    assert_eq!(reached, address);
    drop(listener);
    let error = connect(&hosts[..1], None).await.expect_err("closed");
    assert!(matches!(error, ConnectError::Connect { address, .. } if address == closed));
    let error = connect(&[], None).await.expect_err("nothing to try");
    assert!(matches!(error, ConnectError::NoAddress));
}

#[tokio::test]
async fn a_proxy_hears_decoded_credentials_and_any_2xx_opens() {
    let (address, asked) = proxy("HTTP/1.1 201 Fine\r\nx: y\r\n\r\nhello").await;
    let url = format!("http://ann:p%40ss@{address}");
    let mut socket = connect_through(&url.parse().expect("a proxy"), &hosts())
        .await
        .expect("opened");
    let mut first = [0; 5];
    socket.read_exact(&mut first).await.expect("what follows");
    assert_eq!(&first, b"hello", "nothing after the head is swallowed");
    let asked = asked.await.expect("asked");
    assert!(asked.starts_with("CONNECT panel.lab.example.org:443 HTTP/1.1\r\nHost: "));
    // base64 of `ann:p@ss`
    assert!(
        asked.contains("Proxy-Authorization: Basic YW5uOnBAc3M=\r\n"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_named() {
    let (address, _) = proxy("HTTP/1.1 407 No\r\n\r\n").await;
    assert!(refusal(address).await.contains("(407)"));
    let (address, _) = proxy("HTTP/1.1 502 Bad\r\n\r\n").await;
    assert!(refusal(address).await.contains("502"));
    let (address, _) = proxy("SSH-2.0-OpenSSH\r\n\r\n").await;
    assert!(refusal(address).await.contains("does not speak HTTP"));
    assert!(refusal(closed_port().await).await.contains("not reached"));
}

async fn refusal(address: SocketAddr) -> String {
    let url: ProxyUrl = address.to_string().parse().expect("a proxy");
    let error = connect_through(&url, &hosts()).await.expect_err("refused");
    match error {
        ConnectError::Proxy { host, reason } if host == url.host => reason,
        other => panic!("{other}"),
    }
}

fn hosts() -> [(String, u16); 1] {
    [(SERVER.to_owned(), 443)]
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

async fn closed_port() -> SocketAddr {
    listener().await.1
}

/// A proxy for one question, which it hands out.
async fn proxy(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let (listener, address) = listener().await;
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a client");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.expect("a head"));
        }
        socket.write_all(answer.as_bytes()).await.expect("writes");
        String::from_utf8(head).expect("text")
    });
    (address, asked)
}
