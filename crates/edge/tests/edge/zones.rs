//! The TLS zones: which certificate is shown, who may come in, and that no request leaves the
//! zone and name of its handshake.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Line, PATIENCE, ask};
use crate::house::{House, PANEL, PORTAL, PRIVATE, PUBLIC, TUNNEL};

fn alert(error: &std::io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

fn get(authority: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n")
}

#[tokio::test]
async fn unknown_names_get_an_alert_and_no_certificate() {
    let house = House::new().await;
    for name in [
        "nobody.lab.example.org",
        "lab.example.org",
        "example.com",
        "open.lab.example.org.evil.org",
    ] {
        for to in [house.https, house.panel] {
            let refused = Line::with(to, name, house.tls(None))
                .await
                .err()
                .expect("no handshake");
            assert_eq!(
                alert(&refused),
                Some(AlertDescription::UnrecognisedName),
                "{name}: {refused}"
            );
        }
    }
    // Tenants are not served on the panel's own port.
    let refused = Line::with(house.panel, PUBLIC, house.tls(None))
        .await
        .err()
        .expect("no handshake");
    assert_eq!(alert(&refused), Some(AlertDescription::UnrecognisedName));
}

#[tokio::test]
async fn requests_for_another_host_than_the_handshakes_are_misdirected() {
    let house = House::new().await;
    let port = house.https.port();
    for (handshake, host) in [
        (PUBLIC, PRIVATE),
        (PUBLIC, PORTAL),
        (PUBLIC, PANEL),
        (PUBLIC, TUNNEL),
        (PUBLIC, "127.0.0.1"),
        (PUBLIC, "example.com"),
        (PORTAL, PUBLIC),
        (PANEL, PUBLIC),
        (PANEL, "127.0.0.1"),
        (TUNNEL, PUBLIC),
        ("127.0.0.1", PANEL),
        ("127.0.0.1", PUBLIC),
        ("127.0.0.1", "192.0.2.1"),
        ("127.0.0.1", "localhost"),
    ] {
        let answer = ask(&house, handshake, &get(&format!("{host}:{port}"))).await;
        assert_eq!(answer.status, 421, "{handshake} {host}: {}", answer.text());
    }
    assert!(house.origin.seen().is_empty());
}

#[tokio::test]
async fn rooms_are_told_who_asks_as_a_value() {
    let house = House::new().await;
    let port = house.https.port();
    let forged =
        "x-ssl-client-verify: SUCCESS\r\nremote-user: admin\r\nx-forwarded-for: 6.6.6.6\r\n";
    let portal = ask(
        &house,
        PORTAL,
        &format!(
            "POST /a HTTP/1.1\r\nhost: {PORTAL}:{port}\r\ncontent-length: 2\r\n{forged}\r\nok"
        ),
    )
    .await;
    assert_eq!(
        portal.text(),
        format!(
            "room=portal path=/a origin=https://{PORTAL}:{port} host={PORTAL} presented=nothing body=2"
        )
    );
    let panel = ask(&house, PANEL, &get(&format!("{PANEL}:{port}"))).await;
    assert!(panel.text().contains(&format!(
        "room=panel path=/ origin=https://{PANEL}:{port} host={PANEL} presented=nothing"
    )));
    assert_eq!(
        panel.header("strict-transport-security"),
        Some("max-age=63072000")
    );

    let mut line = Line::panel(&house, Some(&house.admin_credentials)).await;
    let own = house.panel.port();
    line.send(get(&format!("127.0.0.1:{own}"))).await;
    let answer = line.answer().await;
    assert!(
        answer.text().contains(&format!(
            "origin=https://127.0.0.1:{own} host=127.0.0.1 presented=client"
        )),
        "{}",
        answer.text()
    );
    // The public port's number is another origin.
    line.send(get(&format!("127.0.0.1:{port}"))).await;
    assert_eq!(line.answer().await.status, 421);
}

#[tokio::test]
async fn a_bad_certificate_is_let_in_to_be_shown_the_help_page() {
    let house = House::new().await;
    let stranger = rcgen_stranger();
    let mut line = Line::panel(&house, Some(&stranger)).await;
    line.send(get(&format!("127.0.0.1:{}", house.panel.port())))
        .await;
    assert!(line.answer().await.text().contains("presented=untrusted"));
}

#[tokio::test]
async fn panel_and_tunnel_speak_tls_1_3_only_and_resume_nothing() {
    let house = House::new().await;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let old = |house: &House| {
        let mut config = house.tls(None);
        let verifier = portlama_pki::tls::PinnedVerifier::new(
            house.control.ca_fingerprint(),
            Some(house.authority.clone()),
            provider.clone(),
        );
        config = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS12])
            .map(|b| {
                b.dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
                    .with_no_client_auth()
            })
            .unwrap_or(config);
        config
    };
    let refused = Line::with(house.panel, "127.0.0.1", old(&house))
        .await
        .err()
        .expect("refused");
    assert_eq!(alert(&refused), Some(AlertDescription::ProtocolVersion));
    let refused = Line::with(house.https, PANEL, old(&house))
        .await
        .err()
        .expect("refused");
    assert_eq!(alert(&refused), Some(AlertDescription::ProtocolVersion));
    let public = Line::with(house.https, PUBLIC, old(&house))
        .await
        .expect("TLS 1.2 is enough here");
    assert_eq!(
        public.tls.get_ref().1.protocol_version(),
        Some(ProtocolVersion::TLSv1_2)
    );

    let config = Arc::new(house.tls(Some(&house.admin_credentials)));
    for _ in 0..2 {
        let tcp = TcpStream::connect(house.panel).await.expect("a connection");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let connecting = tokio_rustls::TlsConnector::from(config.clone()).connect(name, tcp);
        let mut tls = connecting.await.expect("a handshake");
        let request = get(&format!("127.0.0.1:{}", house.panel.port()));
        tls.write_all(request.as_bytes()).await.expect("sent");
        let mut first = [0; 64];
        tls.read_exact(&mut first).await.expect("an answer");
        assert_eq!(
            tls.get_ref().1.handshake_kind(),
            Some(rustls::HandshakeKind::Full)
        );
    }
}

#[tokio::test]
async fn pinning_clients_see_our_own_authoritys_certificate() {
    let house = House::new().await;
    let own = house.control.panel_certificate().chain[0].clone();
    let shown = async |to, name: &str, alpn: Option<&[u8]>| {
        let mut config = house.tls(None);
        config.alpn_protocols = alpn.into_iter().map(Vec::from).collect();
        let line = Line::with(to, name, config).await.expect("a handshake");
        let (_, connection) = line.tls.get_ref();
        let leaf = connection.peer_certificates().expect("a certificate")[0].clone();
        (leaf == own, connection.alpn_protocol().map(<[u8]>::to_vec))
    };
    let api = b"portlama-api/1".to_vec();
    assert_eq!(shown(house.panel, "127.0.0.1", None).await, (true, None));
    assert_eq!(shown(house.https, PANEL, None).await, (false, None));
    assert_eq!(
        shown(house.https, PANEL, Some(&api)).await,
        (true, Some(api.clone()))
    );
    assert_eq!(
        shown(house.https, TUNNEL, Some(&api)).await,
        (true, Some(api.clone()))
    );
    assert_eq!(
        shown(house.https, PUBLIC, Some(b"h2")).await,
        (false, Some(b"h2".to_vec()))
    );
}

#[tokio::test]
async fn the_tunnel_zone_demands_an_agents_certificate() {
    let house = House::new().await;
    for credentials in [
        None,
        Some(rcgen_stranger()),
        Some(house.admin_credentials.clone()),
    ] {
        let admin = credentials
            .as_ref()
            .is_some_and(|c| c.chain == house.admin_credentials.chain);
        let mut config = house.tls(credentials.as_ref());
        config.alpn_protocols = vec![b"portlama-tunnel/1".to_vec()];
        let Ok(mut line) = Line::with(house.https, TUNNEL, config).await else {
            continue;
        };
        // TLS 1.3 clients learn of a refusal with the first read; the admin's certificate is
        // closed without a word. No octet of the tunnel's protocol is spoken to either.
        let (octets, _) = line.rest().await;
        assert!(octets.is_empty(), "admin: {admin}");
    }
    let mut config = house.tls(Some(&house.agent_credentials));
    config.alpn_protocols = vec![b"portlama-tunnel/1".to_vec()];
    let refused = Line::with(house.https, PUBLIC, config)
        .await
        .err()
        .expect("not under an app's name");
    assert_eq!(alert(&refused), Some(AlertDescription::UnrecognisedName));
}

#[tokio::test]
async fn the_tunnel_host_is_a_bare_404_but_for_the_carriers_websocket() {
    let house = House::new().await;
    let authority = house.authority_of(TUNNEL);
    for path in ["/", "/.portlama/tunnel", "/api/health"] {
        let answer = ask(
            &house,
            TUNNEL,
            &format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
        )
        .await;
        assert_eq!((answer.status, answer.text().as_str()), (404, ""), "{path}");
        assert_eq!(answer.header("server"), None);
    }
    let upgrade = |more: &str| {
        format!(
            "GET /.portlama/tunnel HTTP/1.1\r\nhost: {authority}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: portlama-tunnel.1\r\n{more}\r\n"
        )
    };
    for page in [
        &format!("https://{authority}"),
        "https://evil.example",
        "null",
    ] {
        let answer = ask(&house, TUNNEL, &upgrade(&format!("origin: {page}\r\n"))).await;
        assert_eq!((answer.status, answer.text().as_str()), (404, ""), "{page}");
    }
    let mut line = Line::open(&house, TUNNEL).await;
    line.send(upgrade("")).await;
    let answer = line.answer().await;
    assert_eq!(answer.status, 101);
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(line.exactly(7).await, b"carrier");
}

#[tokio::test]
async fn a_challenge_without_an_answer_is_refused() {
    let house = House::new().await;
    let mut config = house.tls(None);
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let refused = Line::with(house.https, PUBLIC, config)
        .await
        .err()
        .expect("no challenge is open");
    assert_eq!(alert(&refused), Some(AlertDescription::UnrecognisedName));
}

#[tokio::test]
async fn plaintext_is_closed_at_once() {
    let house = House::new().await;
    for noise in [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
    ] {
        let mut tcp = TcpStream::connect(house.https).await.expect("a connection");
        tcp.write_all(noise.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{noise}");
        assert!(!answer.starts_with(b"HTTP"), "{noise}");
    }
}

/// A certificate that looks like the admin's, of nobody's authority.
pub(crate) fn rcgen_stranger() -> crate::house::Credentials {
    let (authority, _) =
        portlama_pki::Authority::create(std::time::SystemTime::now().into()).expect("an authority");
    let admin = authority
        .issue_admin(std::time::SystemTime::now().into())
        .expect("a certificate");
    crate::house::Credentials {
        chain: vec![admin.certificate().der().clone()],
        key: Arc::new(admin.key_der()),
    }
}
