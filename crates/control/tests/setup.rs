//! Making a server, and making it twice.
#![allow(clippy::unwrap_used)]

mod world;

use std::os::unix::fs::PermissionsExt;

use portlama_control::setup::{Setup, SetupError, initialise, initialise_for_request};
use portlama_control::{Control, Settings, StartError};
use portlama_model::{AdminAuthMode, CertificateAuthority, OnboardingStatus};
use portlama_pki::{AgentKey, ParsedRequest};
use portlama_state::StateError;
use world::{FixedClock, HERE, World, presented};

fn plain(now: portlama_model::Timestamp) -> Setup {
    Setup {
        ip: HERE,
        domain: None,
        email: None,
        certificate_authority: CertificateAuthority::Acme,
        acme: Default::default(),
        dns: Default::default(),
        now,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_an_internal_authority_is_complete() {
    let world = World::new().await;
    assert_eq!(
        world.plane.desired().onboarding,
        OnboardingStatus::Completed
    );
    let hosts: Vec<_> = world
        .plane
        .certificates()
        .keys()
        .map(|host| host.to_string())
        .collect();
    assert_eq!(
        hosts,
        [
            "auth.lab.example.org",
            "panel.lab.example.org",
            "tunnel.lab.example.org"
        ]
    );
    assert!(world.admin.is_admin());
    assert_eq!(world.control.ca_fingerprint(), world.made.ca_fingerprint);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_domain_waits_for_its_first_set_up() {
    let dir = tempfile::tempdir().unwrap();
    let now = portlama_pki::build_date();
    initialise(dir.path(), plain(now)).unwrap();
    let clock = FixedClock::at(now);
    let (control, plane) = world::start_in(dir.path(), &clock).await;
    assert_eq!(plane.desired().onboarding, OnboardingStatus::Fresh);
    assert!(plane.desired().hosts.is_empty());
    assert!(!control.panel_certificate().chain.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_passwords_are_for_their_owner_alone() {
    let world = World::new().await;
    let mode = |name: &str| {
        std::fs::metadata(world.state_dir().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    for secret in [
        "pki/ca.key",
        "pki/client.key",
        "pki/client.p12",
        "pki/.p12-password",
        "pki/self-signed-key.pem",
        "panel.json",
        "runtime.db",
        "certificates/auth.lab.example.org/privkey.pem",
    ] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    assert_eq!(mode("pki/ca.crt"), 0o644);
    assert_eq!(world.file("pki/.p12-password").len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_keeps_the_key_gets_in_and_leaves_no_key_behind() {
    let dir = tempfile::tempdir().unwrap();
    let now = portlama_pki::build_date();
    let key = AgentKey::generate().unwrap();
    let pem = key.request(&"whoever".parse().unwrap()).unwrap();
    let request = ParsedRequest::parse(&pem).unwrap();
    let made = initialise_for_request(dir.path(), plain(now), request).unwrap();
    for absent in ["client.key", "client.p12", ".p12-password"] {
        assert!(!dir.path().join("pki").join(absent).exists(), "{absent}");
    }
    let (control, _plane) = world::start_in(dir.path(), &FixedClock::at(now)).await;
    assert_eq!(control.ca_fingerprint(), made.ca_fingerprint);
    assert_eq!(control.admin_auth_mode(), AdminAuthMode::HardwareBound);
    let certificate = std::fs::read_to_string(made.admin_cert_path).unwrap();
    let admin = control
        .live()
        .identify(&presented(control.live(), &certificate))
        .unwrap();
    assert!(admin.is_admin());
    assert_eq!(admin.key_digest(), key.digest());
}

#[test]
fn a_second_set_up_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let now = portlama_pki::build_date();
    initialise(dir.path(), plain(now)).unwrap();
    let ca = std::fs::read(dir.path().join("pki/ca.crt")).unwrap();
    let again = initialise(dir.path(), plain(now));
    assert!(
        matches!(
            again,
            Err(SetupError::State(StateError::AlreadyInitialised { .. }))
        ),
        "{again:?}"
    );
    assert_eq!(std::fs::read(dir.path().join("pki/ca.crt")).unwrap(), ca);
}

#[test]
fn a_directory_of_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("panel.json"), "{}").unwrap();
    let answer = initialise(dir.path(), plain(portlama_pki::build_date()));
    assert!(
        matches!(answer, Err(SetupError::State(StateError::Foreign { .. }))),
        "{answer:?}"
    );
    assert!(!dir.path().join("pki").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_serves_a_directory() {
    let world = World::new().await;
    let dir = world.state_dir();
    let second = Control::start(
        &dir,
        Settings::default(),
        std::sync::Arc::new(world.clock.clone()),
        |_| panic!("must not get that far"),
    );
    let answer = second.await.map(drop);
    assert!(
        matches!(answer, Err(StartError::State(StateError::Locked { .. }))),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_authority_is_named() {
    let world = World::new().await;
    let dir = world.state_dir();
    let World {
        dir: _kept,
        clock,
        control,
        ..
    } = world;
    control.shutdown().await;
    drop(control);
    std::fs::remove_file(dir.join("pki/ca.key")).unwrap();
    let answer = Control::start(
        &dir,
        Settings::default(),
        std::sync::Arc::new(clock),
        |_| panic!("must not get that far"),
    );
    let error = answer.await.map(drop).unwrap_err();
    assert!(error.to_string().contains("pki/ca.key"), "{error}");
}
