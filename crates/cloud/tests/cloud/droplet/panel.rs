//! The panel of a machine: it answers the admin of its own authority.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portlama_pki::Authority;
use portlama_pki::tls::{ClientCertificate, ClientVerifier};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Mood, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn serve(listener: TcpListener, world: Arc<Mutex<World>>) {
    let authority = Arc::clone(&world.lock().expect("unpoisoned").authority);
    let acceptor = acceptor(&authority);
    while let Ok((socket, _)) = listener.accept().await {
        let serves = {
            let world = world.lock().expect("unpoisoned");
            world.serves && world.mood != Mood::NoPanel
        };
        if !serves {
            continue;
        }
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(socket).await else {
                return;
            };
            let is_admin = tls.get_ref().1.peer_certificates().is_some();
            let answer = service_fn(|request: http::Request<_>| {
                let path = request.uri().path().to_owned();
                async move { Ok::<_, Infallible>(answer(&path, is_admin)) }
            });
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tls), answer);
            let _ = serving.await;
        });
    }
}

fn answer(path: &str, is_admin: bool) -> Response<Full<Bytes>> {
    let (status, body) = match (path, is_admin) {
        ("/api/health", _) => (200, json!({"status": "ok", "version": "0.1.0"})),
        ("/api/onboarding/status", true) => (
            200,
            json!({"status": "FRESH", "domain": null, "ip": "127.0.0.1", "httpsPort": 443, "panelPort": 9292}),
        ),
        _ => (400, json!({"error": "a certificate is needed"})),
    };
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    answer
}

fn acceptor(authority: &Authority) -> TlsAcceptor {
    let provider = Arc::new(default_provider());
    let name = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
    let leaf = authority.issue_server(&[name], crate::provisioning::now(), DAY);
    let leaf = leaf.expect("a leaf");
    let chain = vec![
        leaf.certificate().der().clone(),
        authority.certificate_der().clone(),
    ];
    let optional = ClientCertificate::Optional;
    let verifier = ClientVerifier::new(authority.client_trust(), optional, Arc::clone(&provider));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, leaf.key_der())
        .expect("a certificate");
    config.alpn_protocols = vec![b"portlama-api/1".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
