//! The dialer against real services on this machine.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use portlama_agent::{AllowList, Dialer, Gate, LanName, Resolve, Target};
use portlama_model::{OriginScheme, Timestamp, TunnelPort};
use portlama_pki::{Authority, LeafName};
use portlama_tunnel::{
    BoxFuture, OriginDialer, OriginIo, OriginSpec, PortState, Refusal, RefusalReason,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

const HTTP: OriginSpec = OriginSpec {
    scheme: OriginScheme::Http,
    tls_verify: true,
};
const PATIENCE: Duration = Duration::from_secs(10);

fn port(number: u16) -> TunnelPort {
    number.try_into().expect("a tunnel port")
}

fn list(entries: &[(u16, Target)]) -> AllowList {
    let mut list = AllowList::default();
    for (number, target) in entries {
        list.allow(port(*number), target.clone());
    }
    list
}

fn dialer(entries: &[(u16, Target)]) -> (Arc<Gate>, Dialer) {
    let gate = Arc::new(Gate::new(list(entries)));
    (gate.clone(), Dialer::new(gate))
}

fn refused(result: Result<Box<dyn OriginIo>, Refusal>) -> Refusal {
    match result {
        Ok(_) => panic!("a stream was opened"),
        Err(refusal) => refusal,
    }
}

/// A service that sends back what it gets.
pub(crate) async fn echo(address: impl Into<IpAddr>) -> SocketAddr {
    let listener = TcpListener::bind((address.into(), 0)).await.expect("bound");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    at
}

/// A port on which nothing listens.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    listener.local_addr().expect("bound").port()
}

async fn says_back(stream: &mut Box<dyn OriginIo>, text: &[u8]) {
    stream.write_all(text).await.expect("sent");
    let mut back = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .expect("in time")
        .expect("received");
    assert_eq!(back, text);
}

#[tokio::test]
async fn an_allowed_port_leads_to_its_service() {
    let service = echo([127, 0, 0, 1]).await;
    let (gate, dialer) = dialer(&[(8400, Target::localhost(service.port()))]);
    let mut stream = dialer.open(port(8400), HTTP).await.expect("opened");
    says_back(&mut stream, b"hello").await;
    assert_eq!(gate.streams(port(8400)), 1);
    drop(stream);
    assert_eq!(gate.streams(port(8400)), 0);
}

#[tokio::test]
async fn a_port_outside_the_list_is_refused_with_the_way_out() {
    let service = echo([127, 0, 0, 1]).await;
    let (_, dialer) = dialer(&[]);
    let refusal = refused(dialer.open(port(service.port()), HTTP).await);
    assert_eq!(refusal.reason, RefusalReason::NotAllowed);
    let command = format!("portlama agent allow {}", service.port());
    assert!(refusal.detail.as_str().contains(&command), "{refusal}");
    let (state, _) = dialer.probe(port(service.port()), OriginScheme::Http).await;
    assert_eq!(state, PortState::NotAllowed);
}

#[tokio::test]
async fn a_service_that_does_not_listen_is_named() {
    let nobody = closed_port().await;
    let (_, dialer) = dialer(&[(8400, Target::localhost(nobody))]);
    let refusal = refused(dialer.open(port(8400), HTTP).await);
    assert_eq!(refusal.reason, RefusalReason::OriginRefused);
    assert!(
        refusal
            .detail
            .as_str()
            .contains(&format!("localhost:{nobody}")),
        "{refusal}"
    );
    let (state, detail) = dialer.probe(port(8400), OriginScheme::Http).await;
    assert_eq!(state, PortState::OriginRefused);
    assert!(!detail.as_str().is_empty());
}

#[tokio::test]
async fn a_service_that_listens_is_ready() {
    let service = echo([127, 0, 0, 1]).await;
    let (_, dialer) = dialer(&[(8400, Target::localhost(service.port()))]);
    let (state, _) = dialer.probe(port(8400), OriginScheme::Http).await;
    assert_eq!(state, PortState::Ready);
}

#[tokio::test]
async fn a_service_on_ipv6_loopback_alone_is_found() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err() {
        let note = "skipped: this machine has no IPv6 loopback\n";
        let _ = io::Write::write_all(&mut io::stderr(), note.as_bytes());
        return;
    }
    let service = echo(Ipv6Addr::LOCALHOST).await;
    let (_, dialer) = dialer(&[(8400, Target::localhost(service.port()))]);
    let mut stream = dialer.open(port(8400), HTTP).await.expect("opened");
    says_back(&mut stream, b"six").await;
}

/// A resolver that gives every name the same addresses.
struct Fixed(Vec<IpAddr>);

impl Resolve for Fixed {
    fn resolve<'a>(&'a self, _name: &'a LanName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

#[tokio::test]
async fn a_name_that_comes_out_at_a_forbidden_address_is_refused() {
    let service = echo([127, 0, 0, 1]).await;
    let target: Target = format!("nas.local:{}", service.port())
        .parse()
        .expect("a target");
    for forbidden in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        let gate = Arc::new(Gate::new(list(&[(8400, target.clone())])));
        let dialer =
            Dialer::with_resolver(gate, Fixed(vec![forbidden.parse().expect("an address")]));
        let refusal = refused(dialer.open(port(8400), HTTP).await);
        assert_eq!(
            refusal.reason,
            RefusalReason::NotAllowed,
            "{forbidden}: {refusal}"
        );
        let (state, _) = dialer.probe(port(8400), OriginScheme::Http).await;
        assert_eq!(state, PortState::NotAllowed, "{forbidden}");
    }
}

#[tokio::test]
async fn the_server_itself_is_refused() {
    let server: IpAddr = "192.0.2.7".parse().expect("an address");
    let gate = Arc::new(Gate::new(list(&[(
        8400,
        "192.0.2.7:443".parse().expect("a target"),
    )])));
    gate.set_server(vec![server]);
    let refusal = refused(Dialer::new(gate).open(port(8400), HTTP).await);
    assert_eq!(refusal.reason, RefusalReason::NotAllowed);
}

#[tokio::test]
async fn denying_a_port_cuts_its_streams_at_once_and_no_others() {
    let service = echo([127, 0, 0, 1]).await;
    let target = Target::localhost(service.port());
    let (gate, dialer) = dialer(&[(8400, target.clone()), (8401, target.clone())]);
    let mut denied = dialer.open(port(8400), HTTP).await.expect("opened");
    let mut other = dialer.open(port(8401), HTTP).await.expect("opened");
    says_back(&mut denied, b"before").await;
    let waiting = tokio::spawn(async move {
        let mut buffer = [0; 16];
        denied.read(&mut buffer).await.map_err(|error| error.kind())
    });
    assert_eq!(gate.replace(list(&[(8401, target)])), 1);
    let end = timeout(PATIENCE, waiting)
        .await
        .expect("in time")
        .expect("joined");
    assert_eq!(end, Err(io::ErrorKind::PermissionDenied));
    says_back(&mut other, b"untouched").await;
    assert_eq!(
        refused(dialer.open(port(8400), HTTP).await).reason,
        RefusalReason::NotAllowed
    );
}

#[tokio::test]
async fn a_port_that_leads_elsewhere_loses_its_old_streams() {
    let (old, new) = (echo([127, 0, 0, 1]).await, echo([127, 0, 0, 1]).await);
    let (gate, dialer) = dialer(&[(8400, Target::localhost(old.port()))]);
    let mut stream = dialer.open(port(8400), HTTP).await.expect("opened");
    gate.replace(list(&[(8400, Target::localhost(new.port()))]));
    assert!(stream.write_all(b"x").await.is_err());
    let mut stream = dialer.open(port(8400), HTTP).await.expect("opened");
    says_back(&mut stream, b"new").await;
}

#[tokio::test]
async fn the_same_list_again_cuts_nothing() {
    let service = echo([127, 0, 0, 1]).await;
    let entries = [(8400, Target::localhost(service.port()))];
    let (gate, dialer) = dialer(&entries);
    let mut stream = dialer.open(port(8400), HTTP).await.expect("opened");
    assert_eq!(gate.replace(list(&entries)), 0);
    says_back(&mut stream, b"still here").await;
}

#[tokio::test]
async fn a_list_that_cannot_be_believed_shuts_everything_and_says_why() {
    let service = echo([127, 0, 0, 1]).await;
    let (gate, dialer) = dialer(&[(8400, Target::localhost(service.port()))]);
    let mut stream = dialer.open(port(8400), HTTP).await.expect("opened");
    gate.shut("allowed.json is broken".to_owned());
    assert!(stream.write_all(b"x").await.is_err());
    let refusal = refused(dialer.open(port(8400), HTTP).await);
    assert!(
        refusal.detail.as_str().contains("allowed.json is broken"),
        "{refusal}"
    );
}

/// A service behind TLS whose certificate no platform knows.
async fn tls_service() -> SocketAddr {
    let now = Timestamp::from(std::time::SystemTime::now());
    let (authority, _) = Authority::create(now).expect("an authority");
    let names = [LeafName::Ip([127, 0, 0, 1].into())];
    let leaf = authority
        .issue_server(&names, now, Duration::from_secs(86_400))
        .expect("a leaf");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate().der().clone()], leaf.key_der())
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                let (mut read, mut write) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut read, &mut write).await;
            }
        }
    });
    at
}

#[tokio::test]
async fn a_services_certificate_is_checked_unless_its_owner_said_otherwise() {
    let service = tls_service().await;
    let (_, dialer) = dialer(&[(8400, Target::localhost(service.port()))]);
    let checked = OriginSpec {
        scheme: OriginScheme::Https,
        tls_verify: true,
    };
    let refusal = refused(dialer.open(port(8400), checked).await);
    assert_eq!(refusal.reason, RefusalReason::TlsFailed, "{refusal}");
    let unchecked = OriginSpec {
        scheme: OriginScheme::Https,
        tls_verify: false,
    };
    let mut stream = dialer.open(port(8400), unchecked).await.expect("opened");
    says_back(&mut stream, b"secret").await;
}

#[tokio::test]
async fn plain_text_where_tls_is_asked_for_fails_and_does_not_hang() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let (_, dialer) = dialer(&[(8400, Target::localhost(at.port()))]);
    let unchecked = OriginSpec {
        scheme: OriginScheme::Https,
        tls_verify: false,
    };
    let refusal = refused(dialer.open(port(8400), unchecked).await);
    assert_eq!(refusal.reason, RefusalReason::TlsFailed, "{refusal}");
}
