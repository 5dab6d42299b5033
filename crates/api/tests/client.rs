//! The client against real TLS servers on loopback.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portlama_api::client::{ClientError, ClientIdentity, MAX_ANSWER_BYTES, PanelClient};
use portlama_api::{EnrollRequest, NewTunnel};
use portlama_dial::ProxyUrl;
use portlama_model::{CaFingerprint, Secret, Timestamp};
use portlama_pki::tls::{ClientCertificate, ClientVerifier};
use portlama_pki::{Authority, LeafName};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

const HEALTH: &str = r#"{"status":"ok","version":"9.9.9","newer":true}"#;

#[tokio::test]
async fn speaks_to_a_server_of_the_pinned_authority() {
    let server = Server::answering(200, HEALTH).await;
    let health = server.client().health().await.expect("answered");
    assert_eq!(health.version, "9.9.9");

    let seen = server.seen().await;
    assert_eq!(seen.alpn.as_deref(), Some("portlama-api/1"));
    assert!(
        seen.head.starts_with("GET /api/health HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    assert!(
        seen.head
            .contains(&format!("host: panel.lab.localhost:{}\r\n", server.port))
    );
    assert!(!seen.had_certificate);
}

#[tokio::test]
async fn presents_its_certificate() {
    let server = Server::answering(200, HEALTH).await;
    let admin = server.authority.issue_admin(now()).expect("issues");
    let identity = ClientIdentity {
        chain: vec![admin.certificate().der().clone()],
        key: admin.key_der(),
    };
    let client = client(server.port, server.authority.fingerprint(), Some(identity));
    client.health().await.expect("answered");
    assert!(server.seen().await.had_certificate);
}

#[tokio::test]
async fn refuses_a_server_of_another_authority() {
    let server = Server::answering(200, HEALTH).await;
    let other = CaFingerprint::from_digest([7; 32]);
    let error = client(server.port, other.clone(), None).health().await;
    match error {
        Err(ClientError::WrongAuthority { expected, .. }) => assert_eq!(expected, other),
        unexpected => panic!("{unexpected:?}"),
    }
}

#[tokio::test]
async fn refuses_a_leaf_for_another_name() {
    let server = Server::named("auth.lab.localhost", Reply::of(200, HEALTH)).await;
    let error = server.client().health().await;
    assert!(
        matches!(error, Err(ClientError::Certificate { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn sends_json_and_keeps_the_token_out_of_debug() {
    let enrolled = r#"{"ok":true,"cert":"C","caCert":"A","label":"attic","serial":"05",
        "expiresAt":"2027-02-03T08:15:00.000Z"}"#;
    let server = Server::answering(200, enrolled).await;
    let request = EnrollRequest {
        token: Secret::new("very-secret"),
        csr: "pem".to_owned(),
    };
    let answer = server.client().enroll(&request).await.expect("enrolled");
    assert_eq!(answer.label.as_str(), "attic");

    let seen = server.seen().await;
    assert!(seen.head.contains("content-type: application/json\r\n"));
    assert_eq!(seen.body, r#"{"token":"very-secret","csr":"pem"}"#);
    assert!(!format!("{request:?}").contains("very-secret"));
}

#[tokio::test]
async fn tells_a_refusal_with_its_issues() {
    let body = r#"{"error":"Validation failed",
        "details":{"issues":[{"path":["port"],"message":"must be a port"}]}}"#;
    let server = Server::answering(400, body).await;
    let new = NewTunnel::app(
        "wiki".parse().expect("valid"),
        8400.try_into().expect("valid"),
    );
    let error = server
        .client()
        .create_tunnel(&new)
        .await
        .expect_err("refused");
    assert_eq!(error.status(), Some(400));
    assert_eq!(error.to_string(), "Validation failed: port must be a port");
}

#[tokio::test]
async fn tells_when_the_certificate_is_refused() {
    let body = r#"{"error":"The client certificate was revoked",
        "details":{"certificate":"revoked","hint":"ask the admin"}}"#;
    let server = Server::answering(403, body).await;
    let error = server.client().tunnels().await;
    assert!(
        matches!(error, Err(ClientError::NotAuthorised { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn answers_that_are_no_json_are_not_understood() {
    for (status, body) in [(200, "<html>"), (502, "<html>"), (302, "")] {
        let server = Server::answering(status, body).await;
        let error = server.client().health().await;
        assert!(
            matches!(error, Err(ClientError::NotUnderstood { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let reply = Reply {
        head: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
        body: [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat(),
        repeat: MAX_ANSWER_BYTES / 0x10000 + 2,
    };
    let server = Server::named("panel.lab.localhost", reply).await;
    let error = server.client().health().await;
    assert!(
        matches!(error, Err(ClientError::Connection { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let client = client(port, CaFingerprint::from_digest([0; 32]), None)
        .with_timeout(Duration::from_millis(100));
    let error = client.health().await;
    assert!(
        matches!(error, Err(ClientError::TimedOut { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let error = client(port, CaFingerprint::from_digest([0; 32]), None)
        .health()
        .await;
    assert!(
        matches!(error, Err(ClientError::Unreachable { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn goes_through_a_proxy_that_agrees_and_reports_one_that_refuses() {
    let server = Server::named("panel.lab.example.org", Reply::of(200, HEALTH)).await;
    let url = "https://panel.lab.example.org:9292";
    let behind = |proxy: ProxyUrl| {
        PanelClient::new(
            url.parse().expect("a URL"),
            server.authority.fingerprint(),
            None,
            None,
        )
        .expect("no identity to be wrong")
        .with_proxy(Some(proxy))
    };
    let (proxy, asked) = proxy("HTTP/1.1 200 Connected\r\n\r\n", server.port).await;
    assert!(behind(proxy).health().await.is_ok());
    let asked = asked.await.expect("asked");
    assert!(
        asked.starts_with("CONNECT panel.lab.example.org:9292 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("Proxy-Authorization: Basic bWU6cHc=\r\n"),
        "{asked}"
    );

    let (proxy, _) = self::proxy("HTTP/1.1 407 No\r\n\r\n", server.port).await;
    let error = behind(proxy).health().await;
    assert!(matches!(error, Err(ClientError::Proxy { .. })), "{error:?}");
}

fn client(port: u16, pinned: CaFingerprint, identity: Option<ClientIdentity>) -> PanelClient {
    let url = format!("https://panel.lab.localhost:{port}");
    PanelClient::new(url.parse().expect("a URL"), pinned, None, identity).expect("a good identity")
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// What a server answers to its one request.
struct Reply {
    head: String,
    body: Vec<u8>,
    repeat: usize,
}

impl Reply {
    fn of(status: u16, body: &str) -> Self {
        Self {
            head: format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
                body.len()
            ),
            body: body.into(),
            repeat: 1,
        }
    }
}

/// What a server saw of its one request.
struct Seen {
    alpn: Option<String>,
    had_certificate: bool,
    head: String,
    body: String,
}

/// A TLS server that answers one request.
struct Server {
    authority: Authority,
    port: u16,
    seen: std::sync::Mutex<Option<oneshot::Receiver<Seen>>>,
}

impl Server {
    async fn answering(status: u16, body: &str) -> Self {
        Self::named("panel.lab.localhost", Reply::of(status, body)).await
    }

    async fn named(name: &str, reply: Reply) -> Self {
        let (authority, _) = Authority::create(now()).expect("an authority");
        let acceptor = acceptor(&authority, name);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let (tell, seen) = oneshot::channel();
        tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.expect("accepts");
            if let Some(request) = serve(acceptor, tcp, reply).await {
                let _ = tell.send(request);
            }
        });
        Self {
            authority,
            port,
            seen: std::sync::Mutex::new(Some(seen)),
        }
    }

    fn client(&self) -> PanelClient {
        client(self.port, self.authority.fingerprint(), None)
    }

    async fn seen(&self) -> Seen {
        let seen = self
            .seen
            .lock()
            .expect("no panic")
            .take()
            .expect("asked once");
        seen.await.expect("the server was asked")
    }
}

fn acceptor(authority: &Authority, name: &str) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let names = [LeafName::Host(name.parse().expect("a name"))];
    let leaf = authority
        .issue_server(&names, now(), Duration::from_secs(86_400))
        .expect("issues");
    let chain: Vec<CertificateDer<'static>> = vec![
        leaf.certificate().der().clone(),
        authority.certificate_der().clone(),
    ];
    let clients = ClientVerifier::new(
        authority.client_trust(),
        ClientCertificate::Optional,
        Arc::clone(&provider),
    );
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("supported")
        .with_client_cert_verifier(Arc::new(clients))
        .with_single_cert(chain, leaf.key_der())
        .expect("a good leaf");
    config.alpn_protocols = vec![b"portlama-api/1".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(acceptor: TlsAcceptor, tcp: TcpStream, reply: Reply) -> Option<Seen> {
    let mut tls = acceptor.accept(tcp).await.ok()?;
    let (_, session) = tls.get_ref();
    let alpn = session
        .alpn_protocol()
        .map(|name| String::from_utf8_lossy(name).into_owned());
    let had_certificate = session.peer_certificates().is_some();
    let (head, body) = read_request(&mut tls).await?;
    tls.write_all(reply.head.as_bytes()).await.ok()?;
    for _ in 0..reply.repeat {
        if tls.write_all(&reply.body).await.is_err() {
            break;
        }
    }
    let _ = tls.shutdown().await;
    Some(Seen {
        alpn,
        had_certificate,
        head,
        body,
    })
}

async fn read_request(io: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut bytes = vec![];
    loop {
        io.read_buf(&mut bytes).await.ok().filter(|n| *n > 0)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = format!("{head}\r\n");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a number"));
        if body.len() == length {
            return Some((head, body.to_owned()));
        }
    }
}

/// A proxy on loopback that gives one answer and then carries octets to `port`.
async fn proxy(answer: &'static str, port: u16) -> (ProxyUrl, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    let (tell, asked) = oneshot::channel();
    tokio::spawn(async move {
        let (mut inner, _) = listener.accept().await.expect("accepts");
        let (head, _) = read_request(&mut inner).await.expect("a request");
        let _ = tell.send(head);
        inner.write_all(answer.as_bytes()).await.expect("writes");
        if answer.contains("200") {
            let mut outer = TcpStream::connect(("127.0.0.1", port))
                .await
                .expect("connects");
            let _ = copy_bidirectional(&mut inner, &mut outer).await;
        }
    });
    (
        format!("http://me:pw@{address}").parse().expect("a proxy"),
        asked,
    )
}
