//! Enrolment, rights and revocation.
#![allow(clippy::unwrap_used)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use portlama_access::{NotIdentified, Presented};
use portlama_control::{Control, ENROLLMENT_LIFETIME, OperationError, Refusal, TunnelStatus};
use portlama_model::{AgentLabel, Capability, EnrollmentMethod, OriginScheme, TunnelPort};
use portlama_pki::{AgentKey, CsrError};
use portlama_tunnel::{
    AgentIdentity, BoxFuture, CarrierKind, Connector, Detail, Dial, DialError, Dialed,
    OriginDialer, OriginIo, OriginSpec, PortState, Refusal as HomeRefusal, RefusalReason,
    Transport,
};
use tokio_util::sync::CancellationToken;
use world::{World, presented};

fn label(text: &str) -> AgentLabel {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_agent_is_who_the_admin_named() {
    let world = World::new().await;
    let certificate = world.agent("attic", &[Capability::SystemRead]).await;
    let identity = world.identity(&certificate);
    assert_eq!(identity.audit_name(), "agent:attic");
    let rights: Vec<_> = identity.agent().unwrap().capabilities().iter().collect();
    assert_eq!(rights, [Capability::TunnelsRead, Capability::SystemRead]);
    let entry = &world.control.agents()[0].entry;
    assert_eq!(entry.enrollment_method, EnrollmentMethod::HardwareBound);
    assert_eq!(&entry.serial, identity.serial());
    let world = world.restart().await;
    assert!(world.control.live().identify(&certificate).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_used_once_and_for_ten_minutes() {
    let world = World::new().await;
    let csr = AgentKey::generate()
        .unwrap()
        .request(&label("attic"))
        .unwrap();
    let ask = |name: &str| {
        world
            .control
            .create_enrollment(&world.admin, label(name), vec![], vec![])
    };
    let late = ask("late").await.unwrap();
    world.clock.advance(ENROLLMENT_LIFETIME);
    let replaced = ask("attic").await.unwrap();
    let good = ask("attic").await.unwrap();
    for bad in [
        late.token.expose(),
        replaced.token.expose(),
        &"0".repeat(64),
        "",
        "x",
    ] {
        let answer = world.control.enroll(bad, &csr).await;
        assert!(
            matches!(answer, Err(OperationError::InvalidToken)),
            "{answer:?}"
        );
    }
    let enrolled = world
        .control
        .enroll(good.token.expose(), &csr)
        .await
        .unwrap();
    assert_eq!(enrolled.label, label("attic"));
    let answer = world.control.enroll(good.token.expose(), &csr).await;
    assert!(
        matches!(answer, Err(OperationError::InvalidToken)),
        "{answer:?}"
    );
    let answer = ask("attic").await;
    assert!(
        matches!(answer, Err(OperationError::Conflict { .. })),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_does_not_cost_the_token() {
    let world = World::new().await;
    let made = world
        .control
        .create_enrollment(&world.admin, label("attic"), vec![], vec![])
        .await
        .unwrap();
    for bad in [
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    ] {
        let answer = world.control.enroll(made.token.expose(), bad).await;
        assert!(
            matches!(answer, Err(OperationError::Refused(Refusal::Csr(_)))),
            "{answer:?}"
        );
    }
    let csr = AgentKey::generate()
        .unwrap()
        .request(&label("other"))
        .unwrap();
    let enrolled = world
        .control
        .enroll(made.token.expose(), &csr)
        .await
        .unwrap();
    // What the request calls itself does not matter.
    assert_eq!(enrolled.label, label("attic"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_enrolment_gives_the_token_back() {
    let world = World::new().await;
    let made = world
        .control
        .create_enrollment(&world.admin, label("attic"), vec![], vec![])
        .await
        .unwrap();
    let csr = AgentKey::generate()
        .unwrap()
        .request(&label("attic"))
        .unwrap();
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let answer = world.control.enroll(made.token.expose(), &csr).await;
    assert!(
        matches!(answer, Err(OperationError::Failed { .. })),
        "{answer:?}"
    );
    assert!(world.control.agents().is_empty());
    std::fs::remove_dir(&obstacle).unwrap();
    world
        .control
        .enroll(made.token.expose(), &csr)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_uses_of_a_token_one_wins() {
    let world = World::new().await;
    let made = world
        .control
        .create_enrollment(&world.admin, label("attic"), vec![], vec![])
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (control, token) = (world.control.clone(), made.token.clone());
        let csr = AgentKey::generate()
            .unwrap()
            .request(&label("attic"))
            .unwrap();
        tasks.spawn(async move { control.enroll(token.expose(), &csr).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let world = world.restart().await;
    assert_eq!(world.control.agents().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_token_is_dead() {
    let world = World::new().await;
    let made = world
        .control
        .create_enrollment(&world.admin, label("attic"), vec![], vec![])
        .await
        .unwrap();
    assert!(
        world
            .control
            .cancel_enrollment(&world.admin, &label("attic"))
            .await
            .unwrap()
    );
    assert!(
        !world
            .control
            .cancel_enrollment(&world.admin, &label("attic"))
            .await
            .unwrap()
    );
    let csr = AgentKey::generate()
        .unwrap()
        .request(&label("attic"))
        .unwrap();
    let answer = world.control.enroll(made.token.expose(), &csr).await;
    assert!(
        matches!(answer, Err(OperationError::InvalidToken)),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_agent_is_nobody_at_once_and_for_ever() {
    let world = World::new().await;
    let certificate = world.agent("attic", &[]).await;
    let mut denials = world.control.live().denials();
    denials.mark_unchanged();
    world
        .control
        .revoke_agent(&world.admin, &label("attic"))
        .await
        .unwrap();
    let identify = |world: &World| world.control.live().identify(&certificate).unwrap_err();
    assert_eq!(identify(&world), NotIdentified::Revoked);
    assert!(denials.has_changed().unwrap());
    let again = world
        .control
        .revoke_agent(&world.admin, &label("attic"))
        .await;
    assert!(
        matches!(again, Err(OperationError::NotFound { .. })),
        "{again:?}"
    );

    // The label is free, and the old certificate stays dead.
    let second = world.agent("attic", &[]).await;
    assert_eq!(identify(&world), NotIdentified::Revoked);
    assert_eq!(world.control.agents().len(), 2);
    let world = world.restart().await;
    assert_eq!(identify(&world), NotIdentified::Revoked);
    assert!(world.control.live().identify(&second).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_holds_when_it_cannot_be_written() {
    let world = World::new().await;
    let certificate = world.agent("attic", &[]).await;
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let answer = world
        .control
        .revoke_agent(&world.admin, &label("attic"))
        .await;
    assert!(
        matches!(answer, Err(OperationError::NotDurable { .. })),
        "{answer:?}"
    );
    let identify = |world: &World| world.control.live().identify(&certificate).unwrap_err();
    assert_eq!(identify(&world), NotIdentified::Revoked);
    std::fs::remove_dir(&obstacle).unwrap();
    // The next change of anything takes it along.
    world.tunnel("wiki", 8400).await;
    assert_eq!(identify(&world), NotIdentified::Revoked);
    let world = world.restart().await;
    assert_eq!(identify(&world), NotIdentified::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_not_certified_again() {
    let world = World::new().await;
    let key = AgentKey::generate().unwrap();
    world.enroll("attic", &[], &key).await;
    world
        .control
        .revoke_agent(&world.admin, &label("attic"))
        .await
        .unwrap();
    let made = world
        .control
        .create_enrollment(&world.admin, label("attic"), vec![], vec![])
        .await
        .unwrap();
    let answer = world
        .control
        .enroll(made.token.expose(), &key.request(&label("attic")).unwrap())
        .await;
    let Err(OperationError::Refused(Refusal::Csr(why))) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(why, CsrError::RevokedKey);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_change_on_the_next_request() {
    let world = World::new().await;
    let certificate = world.agent("attic", &[Capability::TunnelsWrite]).await;
    let rights = vec![Capability::SitesRead];
    let now = world
        .control
        .set_capabilities(&world.admin, &label("attic"), rights)
        .await
        .unwrap();
    assert_eq!(Vec::from(now), ["tunnels:read", "sites:read"]);
    let rights = world
        .identity(&certificate)
        .agent()
        .unwrap()
        .capabilities()
        .clone();
    assert!(!rights.contains(Capability::TunnelsWrite));
    let answer = world
        .control
        .set_capabilities(&world.admin, &label("nobody"), vec![])
        .await;
    assert!(
        matches!(answer, Err(OperationError::NotFound { .. })),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_shows_what_happens_to_it_and_revocation_cuts_it() {
    let world = World::new().await;
    let certificate = world.agent("attic", &[]).await;
    world.tunnel("wiki", 8400).await;
    let mut changes = world.control.hub().subscribe();
    let stop = CancellationToken::new();
    let home = Arc::new(Home(parking_lot::Mutex::new(PortState::NotAllowed)));
    let dial = Arc::new(Door {
        control: world.control.clone(),
        certificate: certificate.clone(),
    });
    let agent = Connector::with_dial(dial, Transport::Tls, 1, "agent/1.0", home.clone());
    let recheck = agent.recheck();
    let running = tokio::spawn(agent.run(stop.clone()));
    let mut until = async |status| {
        let seen = async {
            while world.control.tunnels()[0].status != status {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen)
            .await
            .unwrap_or_else(|_| panic!("never {status:?}"));
    };
    until(TunnelStatus::NotAllowedAtHome).await;
    let detail = world.control.tunnels()[0].status_detail.clone().unwrap();
    assert!(detail.contains("portlama agent allow 8400"), "{detail}");
    assert!(world.control.agents()[0].connected);
    *home.0.lock() = PortState::OriginRefused;
    recheck.now();
    until(TunnelStatus::OriginRefused).await;
    *home.0.lock() = PortState::Ready;
    recheck.now();
    until(TunnelStatus::Serving).await;

    world
        .control
        .revoke_agent(&world.admin, &label("attic"))
        .await
        .unwrap();
    assert!(!world.control.hub().status(&label("attic")).is_connected());
    assert_eq!(world.control.tunnels()[0].status, TunnelStatus::NoAgent);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_another_server_open_nothing() {
    let (world, other) = (World::new().await, World::new().await);
    let foreign = other
        .enroll("attic", &[], &AgentKey::generate().unwrap())
        .await;
    let der = portlama_pki::certificate_from_pem(&foreign.cert).unwrap();
    assert!(world.control.live().client_trust().verify(&[der]).is_err());
    assert!(
        other
            .control
            .live()
            .identify(&presented(other.control.live(), &foreign.cert))
            .is_ok()
    );
}

/// The server's door for carriers: whoever is not identified does not get in.
struct Door {
    control: Arc<Control>,
    certificate: Presented,
}

impl Dial for Door {
    fn dial(&self, kind: CarrierKind) -> BoxFuture<'_, Result<Dialed, DialError>> {
        Box::pin(async move {
            let refused = |_| DialError::Timeout("server");
            let identity = self
                .control
                .live()
                .identify(&self.certificate)
                .map_err(refused)?;
            let agent = AgentIdentity {
                label: identity.agent().unwrap().label().clone(),
                serial: identity.serial().clone(),
            };
            let (near, far) = tokio::io::duplex(64 * 1024);
            let hub = self.control.hub().clone();
            tokio::spawn(async move {
                hub.serve_carrier(far, agent, CancellationToken::new())
                    .await
            });
            Ok(Dialed {
                io: Box::new(near),
                kind,
                address: None,
            })
        })
    }
}

/// A home whose one service is as it is told.
struct Home(parking_lot::Mutex<PortState>);

impl OriginDialer for Home {
    fn open(
        &self,
        _: TunnelPort,
        _: OriginSpec,
    ) -> BoxFuture<'_, Result<Box<dyn OriginIo>, HomeRefusal>> {
        Box::pin(async { Err(HomeRefusal::new(RefusalReason::OriginRefused, "")) })
    }

    fn probe(&self, _: TunnelPort, _: OriginScheme) -> BoxFuture<'_, (PortState, Detail)> {
        let state = *self.0.lock();
        Box::pin(async move { (state, Detail::default()) })
    }
}
