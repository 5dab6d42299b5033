//! Servers against the pinned authority, and whole handshakes with both verifiers.
#![allow(clippy::unwrap_used)]

mod common;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{DAY, agent, authority, now, params, rogue_issuer};
use portlama_model::{CaFingerprint, Hostname, Timestamp};
use portlama_pki::tls::{ClientCertificate, ClientVerifier, PinnedVerifier};
use portlama_pki::{
    Authority, IssuedKeyPair, LeafName, ServerChainError, build_date, verify_server,
};
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

const PANEL: &str = "panel.lab.example.org";

fn leaf(authority: &Authority) -> IssuedKeyPair {
    let names = [
        LeafName::Host(PANEL.parse::<Hostname>().unwrap()),
        IpAddr::from([203, 0, 113, 7]).into(),
    ];
    authority.issue_server(&names, now(), 90 * DAY).unwrap()
}

fn chain(authority: &Authority) -> Vec<CertificateDer<'static>> {
    vec![
        leaf(authority).certificate().der().clone(),
        authority.certificate_der().clone(),
    ]
}

fn judge(
    chain: &[CertificateDer<'_>],
    name: &str,
    known_ca: Option<&CertificateDer<'_>>,
    pinned: &CaFingerprint,
    at: Timestamp,
) -> Result<(), ServerChainError> {
    verify_server(
        chain,
        &ServerName::try_from(name).unwrap(),
        known_ca,
        pinned,
        at,
    )
}

#[test]
fn the_fingerprint_alone_is_enough_when_the_server_sends_its_authority() {
    let authority = authority();
    let (chain, pin) = (chain(&authority), authority.fingerprint());
    for name in [PANEL, "203.0.113.7"] {
        assert_eq!(judge(&chain, name, None, &pin, now()), Ok(()));
    }
    let alone = &chain[..1];
    assert_eq!(
        judge(alone, PANEL, Some(authority.certificate_der()), &pin, now()),
        Ok(())
    );
    let verdict = judge(alone, PANEL, None, &pin, now());
    assert!(
        matches!(verdict, Err(ServerChainError::AnotherAuthority { .. })),
        "{verdict:?}"
    );
}

#[test]
fn refuses_the_servers_of_another_authority() {
    let (ours, theirs) = (authority(), authority());
    let verdict = judge(&chain(&theirs), PANEL, None, &ours.fingerprint(), now());
    assert!(
        matches!(verdict, Err(ServerChainError::AnotherAuthority { .. })),
        "{verdict:?}"
    );
    // Our authority's certificate is public: sending it along proves nothing.
    let borrowed = [
        leaf(&theirs).certificate().der().clone(),
        ours.certificate_der().clone(),
    ];
    let verdict = judge(&borrowed, PANEL, None, &ours.fingerprint(), now());
    assert!(
        matches!(verdict, Err(ServerChainError::Issuer(_))),
        "{verdict:?}"
    );
}

#[test]
fn refuses_other_names() {
    let authority = authority();
    let (chain, pin) = (chain(&authority), authority.fingerprint());
    for name in [
        "tunnel.lab.example.org",
        "lab.example.org",
        "x.panel.lab.example.org",
        "203.0.113.8",
        "2001:db8::1",
    ] {
        let verdict = judge(&chain, name, None, &pin, now());
        assert_eq!(
            verdict,
            Err(ServerChainError::Name {
                name: name.to_owned()
            })
        );
    }
}

#[test]
fn refuses_an_agent_that_plays_the_server() {
    let authority = authority();
    let (issued, _) = agent(&authority);
    let chain = [issued.der().clone(), authority.certificate_der().clone()];
    let verdict = judge(&chain, PANEL, None, &authority.fingerprint(), now());
    assert!(
        matches!(verdict, Err(ServerChainError::Issuer(_))),
        "{verdict:?}"
    );
    for purposes in [
        vec![],
        vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ],
    ] {
        let mut both = params(&["agent:attic"]);
        both.subject_alt_names = vec![SanType::DnsName(PANEL.try_into().unwrap())];
        both.extended_key_usages = purposes;
        let both = both
            .signed_by(&KeyPair::generate().unwrap(), &rogue_issuer(&authority))
            .unwrap();
        let chain = [both.into(), authority.certificate_der().clone()];
        let verdict = judge(&chain, PANEL, None, &authority.fingerprint(), now());
        assert_eq!(verdict, Err(ServerChainError::Purpose));
    }
}

#[test]
fn the_clock_counts_as_at_least_the_build_date() {
    let authority = Authority::create(build_date()).unwrap().0;
    let names = [LeafName::Host(PANEL.parse::<Hostname>().unwrap())];
    let pair = authority
        .issue_server(&names, build_date(), 90 * DAY)
        .unwrap();
    let chain = [
        pair.certificate().der().clone(),
        authority.certificate_der().clone(),
    ];
    let pin = authority.fingerprint();
    let judge = |at| judge(&chain, PANEL, None, &pin, at);
    assert_eq!(judge(Timestamp::UNIX_EPOCH), Ok(()));
    let end = pair.certificate().validity().not_after;
    assert_eq!(judge(end), Ok(()));
    let late = end.plus(Duration::from_secs(1));
    assert_eq!(judge(late), Err(ServerChainError::NotCurrent { now: late }));
}

#[test]
fn a_handshake_succeeds_with_the_fingerprint_and_without_a_certificate() {
    let authority = authority();
    let server = server(&authority, ClientCertificate::Optional);
    let done = handshake(client(&authority.fingerprint(), None), server).unwrap();
    assert!(done.peer_certificates().is_none());
}

#[test]
fn a_handshake_with_another_authority_fails_at_the_client() {
    let (ours, theirs) = (authority(), authority());
    let server = server(&theirs, ClientCertificate::Optional);
    let error = handshake(client(&ours.fingerprint(), None), server)
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("AnotherAuthority"), "{error}");
}

#[test]
fn the_lenient_listener_lets_any_certificate_through_to_be_judged_later() {
    let (ours, theirs) = (authority(), authority());
    for (authority, good) in [(&ours, true), (&theirs, false)] {
        let (issued, key) = agent(authority);
        let client = client(
            &ours.fingerprint(),
            Some((issued.der().clone(), key.to_der())),
        );
        let done = handshake(client, server(&ours, ClientCertificate::Optional)).unwrap();
        let presented = done.peer_certificates().unwrap();
        assert_eq!(ours.client_trust().verify(presented).is_ok(), good);
    }
}

#[test]
fn the_lenient_listener_lets_even_a_certificate_of_version_1_through() {
    // Made by `openssl x509 -req`, which knows version 1 alone unless it is given extensions.
    let pem = include_bytes!("fixtures/version-1.pem");
    let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    // `with_client_auth_cert` would refuse the version; other libraries do not.
    let certified = rustls::sign::CertifiedKey::new(chain, key);
    let ours = authority();
    let mut client = client(&ours.fingerprint(), None);
    client.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
    let done = handshake(client, server(&ours, ClientCertificate::Optional)).unwrap();
    let presented = done.peer_certificates().unwrap();
    assert!(ours.client_trust().verify(presented).is_err());
}

#[test]
fn the_strict_listener_wants_a_certificate_of_ours_that_holds() {
    let (ours, theirs) = (authority(), authority());
    let pin = ours.fingerprint();
    let strict = || server(&ours, ClientCertificate::Required);
    assert!(handshake(client(&pin, None), strict()).is_err());
    let (issued, key) = agent(&theirs);
    assert!(
        handshake(
            client(&pin, Some((issued.der().clone(), key.to_der()))),
            strict()
        )
        .is_err()
    );
    let (issued, key) = agent(&ours);
    let identity = (issued.der().clone(), key.to_der());
    let done = handshake(client(&pin, Some(identity)), strict()).unwrap();
    assert_eq!(
        done.peer_certificates().map(<[_]>::first),
        Some(Some(issued.der()))
    );

    let mut past = params(&["agent:attic"]);
    past.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    past.not_after = now().minus(Duration::from_secs(1)).to_offset_date_time();
    let key = KeyPair::generate().unwrap();
    let past = past.signed_by(&key, &rogue_issuer(&ours)).unwrap().into();
    assert!(handshake(client(&pin, Some((past, key.into()))), strict()).is_err());
}

#[test]
fn a_certificate_without_its_key_does_not_pass_even_the_lenient_listener() {
    let authority = authority();
    let (stolen, _) = agent(&authority);
    let (_, own_key) = agent(&authority);
    let provider = provider();
    let key = provider
        .key_provider
        .load_private_key(own_key.to_der())
        .unwrap();
    // `with_client_auth_cert` would notice; a thief's program would not.
    let certified = rustls::sign::CertifiedKey::new(vec![stolen.der().clone()], key);
    let mut config = client(&authority.fingerprint(), None);
    config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
    let error = handshake(config, server(&authority, ClientCertificate::Optional)).map(drop);
    assert_eq!(error, Err(rustls::CertificateError::BadSignature.into()));
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The tests' present for rustls.
#[derive(Debug)]
struct Present;

impl TimeProvider for Present {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(now().unix_seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn client(
    pinned: &CaFingerprint,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> ClientConfig {
    let verifier = PinnedVerifier::new(pinned.clone(), None, provider());
    let config = ClientConfig::builder_with_details(provider(), Arc::new(Present))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match identity {
        Some((certificate, key)) => config
            .with_client_auth_cert(vec![certificate], key)
            .unwrap(),
        None => config.with_no_client_auth(),
    }
}

fn server(authority: &Authority, demand: ClientCertificate) -> ServerConfig {
    let pair = leaf(authority);
    let chain = vec![
        pair.certificate().der().clone(),
        authority.certificate_der().clone(),
    ];
    ServerConfig::builder_with_details(provider(), Arc::new(Present))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(ClientVerifier::new(
            authority.client_trust(),
            demand,
            provider(),
        )))
        .with_single_cert(chain, pair.key_der())
        .unwrap()
}

/// Runs a handshake in memory until both sides are content or one refuses.
fn handshake(
    client: ClientConfig,
    server: ServerConfig,
) -> Result<ServerConnection, rustls::Error> {
    let name = ServerName::try_from(PANEL).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking()
        || server.is_handshaking()
        || client.wants_write()
        || server.wants_write()
    {
        move_bytes(|out| client.write_tls(out), |input| server.read_tls(input));
        server.process_new_packets()?;
        move_bytes(|out| server.write_tls(out), |input| client.read_tls(input));
        client.process_new_packets()?;
    }
    Ok(server)
}

fn move_bytes(
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<usize>,
    mut read: impl FnMut(&mut dyn io::Read) -> io::Result<usize>,
) {
    let mut octets = Vec::new();
    write(&mut octets).unwrap();
    let mut rest = octets.as_slice();
    while !rest.is_empty() {
        read(&mut rest).unwrap();
    }
}
