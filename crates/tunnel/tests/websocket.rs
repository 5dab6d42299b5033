//! The WebSocket carrier's proof, with an agent written by hand from `docs/protocol.md`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use portlama_tunnel::{CarrierEnd, CloseCode, Hub, ws};
use portlama_tunnel_proto::{Budget, Config, Connection, InstanceId, Outbox, SessionNumber};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use rustls_pki_types::CertificateDer;
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use world::pki::{Pki, signing_key};
use world::{hub, identity, label, until};

const AGENT_CONTEXT: &[u8] = b"portlama-tunnel/1 websocket agent proof\0";

struct Exchange {
    hub: Arc<Hub>,
    socket: WebSocketStream<DuplexStream>,
    server: JoinHandle<CarrierEnd>,
}

/// A server that takes any agent, or none, and a WebSocket to it.
async fn exchange(pki: &Pki, admits: bool) -> Exchange {
    let (near, far) = duplex(64 * 1024);
    let (hub, proof) = (hub(), pki.server_proof());
    let serving = hub.clone();
    let server = tokio::spawn(async move {
        let authenticate = |chain: &[CertificateDer<'static>]| {
            assert!(!chain.is_empty());
            admits.then(|| (identity("attic"), CancellationToken::new()))
        };
        ws::serve_carrier(&serving, far, &proof, authenticate).await
    });
    let socket = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
    Exchange {
        hub,
        socket,
        server,
    }
}

impl Exchange {
    /// Greets with a nonce and a chain; the server's answer.
    async fn open(&mut self, nonce: [u8; 32], chain: &[CertificateDer<'static>]) -> Bytes {
        let mut message = BytesMut::from(&[1][..]);
        message.put_slice(&nonce);
        put_chain(&mut message, chain);
        self.send(message.freeze()).await;
        match self.socket.next().await.unwrap().unwrap() {
            Message::Binary(answer) => answer,
            other => panic!("no proof but {other:?}"),
        }
    }

    async fn send(&mut self, message: Bytes) {
        self.socket.send(Message::Binary(message)).await.unwrap();
    }

    async fn refusal(self) -> CarrierEnd {
        self.server.await.unwrap()
    }
}

fn put_chain(message: &mut BytesMut, chain: &[CertificateDer<'static>]) {
    message.put_u8(chain.len() as u8);
    for certificate in chain {
        message.put_u16(certificate.len() as u16);
        message.put_slice(certificate);
    }
}

/// The agent's last message.
fn closing(
    key: &dyn SigningKey,
    context: &[u8],
    nonce: [u8; 32],
    answer: &Bytes,
    pki: &Pki,
) -> Bytes {
    let mut chains = BytesMut::new();
    put_chain(&mut chains, &pki.chain(&pki.agent));
    put_chain(&mut chains, &pki.chain(&pki.server));
    let signed = [
        context,
        &nonce,
        &answer[1..33],
        digest(&SHA256, &chains).as_ref(),
    ]
    .concat();
    let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
    let signature = key.choose_scheme(&[scheme]).unwrap().sign(&signed).unwrap();
    let mut message = BytesMut::from(&[1][..]);
    message.put_u16(scheme.into());
    message.put_u16(signature.len() as u16);
    message.put_slice(&signature);
    message.freeze()
}

#[tokio::test]
async fn an_agent_that_proves_itself_is_connected() {
    let pki = Pki::new();
    let mut exchange = exchange(&pki, true).await;
    let answer = exchange.open([3; 32], &pki.chain(&pki.agent)).await;
    let key = signing_key(&pki.agent);
    exchange
        .send(closing(&*key, AGENT_CONTEXT, [3; 32], &answer, &pki))
        .await;
    let config = Config::agent("by hand", InstanceId([1; 16]), SessionNumber(1));
    let now = std::time::Instant::now();
    let mut connection = Connection::new(config, Budget::for_process(), now);
    let mut outbox = Outbox::default();
    connection.poll_transmit(&mut outbox);
    let hello = outbox.copy_to_bytes(outbox.remaining());
    exchange.send(hello).await;
    until(&exchange.hub, "the agent", |status| status.is_connected()).await;
    assert_eq!(
        exchange.hub.status(&label("attic")).version.as_deref(),
        Some("by hand")
    );
}

#[tokio::test]
async fn an_agent_without_its_key_is_refused() {
    let pki = Pki::new();
    let mut exchange = exchange(&pki, true).await;
    let answer = exchange.open([3; 32], &pki.chain(&pki.agent)).await;
    let other_key = signing_key(&Pki::new().agent);
    exchange
        .send(closing(&*other_key, AGENT_CONTEXT, [3; 32], &answer, &pki))
        .await;
    assert_not_connected(exchange).await;
}

#[tokio::test]
async fn a_replayed_proof_is_refused() {
    let pki = Pki::new();
    let chain = pki.chain(&pki.agent);
    let mut first = exchange(&pki, true).await;
    let answer = first.open([3; 32], &chain).await;
    let recorded = closing(
        &*signing_key(&pki.agent),
        AGENT_CONTEXT,
        [3; 32],
        &answer,
        &pki,
    );

    let mut second = exchange(&pki, true).await;
    second.open([3; 32], &chain).await;
    second.send(recorded).await;
    assert_not_connected(second).await;
}

#[tokio::test]
async fn a_signature_made_for_another_purpose_is_refused() {
    let pki = Pki::new();
    let mut exchange = exchange(&pki, true).await;
    let answer = exchange.open([3; 32], &pki.chain(&pki.agent)).await;
    let context = b"portlama-tunnel/1 websocket server proof\0";
    let message = closing(&*signing_key(&pki.agent), context, [3; 32], &answer, &pki);
    exchange.send(message).await;
    assert_not_connected(exchange).await;
}

#[tokio::test]
async fn an_agent_that_is_not_authorised_is_refused_before_any_frame() {
    let pki = Pki::new();
    let mut exchange = exchange(&pki, false).await;
    let answer = exchange.open([3; 32], &pki.chain(&pki.agent)).await;
    let key = signing_key(&pki.agent);
    exchange
        .send(closing(&*key, AGENT_CONTEXT, [3; 32], &answer, &pki))
        .await;
    assert_eq!(
        exchange.refusal().await,
        CarrierEnd::Closed(CloseCode::Revoked)
    );
}

#[tokio::test]
async fn malformed_proofs_are_refused() {
    let pki = Pki::new();
    let chain = pki.chain(&pki.agent);
    let mut no_certificates = BytesMut::from(&[1][..]);
    no_certificates.put_bytes(3, 32);
    no_certificates.put_u8(0);
    let mut cut = BytesMut::from(&[1][..]);
    cut.put_bytes(3, 32);
    put_chain(&mut cut, &chain);
    cut.truncate(100);
    for message in [
        &b""[..],
        &[2; 40],
        &[1; 10],
        &no_certificates,
        &cut,
        &vec![1; 20_000],
    ] {
        let mut exchange = exchange(&pki, true).await;
        exchange.send(Bytes::copy_from_slice(message)).await;
        assert_not_connected(exchange).await;
    }
}

async fn assert_not_connected(exchange: Exchange) {
    let hub = exchange.hub.clone();
    assert!(matches!(exchange.refusal().await, CarrierEnd::Lost(_)));
    assert!(!hub.status(&label("attic")).is_connected());
}
