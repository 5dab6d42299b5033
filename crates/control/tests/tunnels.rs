//! Tunnels: who may do what, and that nothing half-done stays.
#![allow(clippy::unwrap_used)]

mod world;

use std::sync::atomic::Ordering;

use portlama_control::{OperationError, Refusal, Step, TunnelChange, TunnelStatus};
use portlama_model::{AccessMode, Capability, CertificateAuthority, HostService, TunnelType};
use world::{World, new_tunnel};

const WRITE: &[Capability] = &[Capability::TunnelsWrite];

macro_rules! refused {
    ($answer:expr, $refusal:pat) => {
        match $answer {
            Err(OperationError::Refused($refusal)) => {}
            other => panic!("{other:?}"),
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tunnel_is_shut_served_and_stored() {
    let world = World::new().await;
    world.agent("attic", WRITE).await;
    let made = world.tunnel("wiki", 8400).await;
    assert_eq!(made.tunnel.access_mode, Some(AccessMode::Authenticated));
    assert_eq!(made.tunnel.agent_label.as_ref().unwrap().as_str(), "attic");
    assert_eq!(made.status, TunnelStatus::AgentOffline);
    assert!(world.plane.serves("wiki.lab.example.org"));
    let host = made.tunnel.fqdn.clone();
    assert!(world.plane.certificates().contains_key(&host));
    assert!(world.file("tunnels.json").contains("wiki.lab.example.org"));

    let world = world.restart().await;
    assert!(world.plane.serves("wiki.lab.example.org"));
    assert_eq!(world.control.tunnels().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_come_in_the_documented_order() {
    let world = World::new().await;
    let control = &world.control;
    let create = |new| control.create_tunnel(&world.admin, new);
    let mut long = new_tunnel("panel", 8400);
    long.description = Some("x".repeat(201));
    assert!(matches!(
        create(long).await,
        Err(OperationError::Invalid(_))
    ));
    refused!(
        create(new_tunnel("panel", 8400)).await,
        Refusal::ReservedSubdomain
    );
    refused!(
        create(new_tunnel("agent-x", 8400)).await,
        Refusal::AgentPrefix
    );
    let mut restricted = new_tunnel("wiki", 8400);
    restricted.access_mode = Some(AccessMode::Restricted);
    refused!(create(restricted).await, Refusal::RestrictedUnavailable);
    let mut panel = new_tunnel("agent-x", 8400);
    panel.kind = TunnelType::Panel;
    // A panel has the name of the agent that serves it, and no agent is called so.
    refused!(create(panel).await, Refusal::AgentPrefix);
    world.tunnel("wiki", 8400).await;
    refused!(
        create(new_tunnel("wiki", 8400)).await,
        Refusal::SubdomainTaken
    );
    refused!(create(new_tunnel("blog", 8400)).await, Refusal::PortTaken);
    let mut unknown = new_tunnel("blog", 8401);
    unknown.agent_label = Some("nobody".parse().unwrap());
    refused!(create(unknown).await, Refusal::UnknownAgent(_));
    assert_eq!(control.tunnels().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_agents_must_be_told_apart() {
    let world = World::new().await;
    world.agent("attic", WRITE).await;
    world.agent("shed", WRITE).await;
    let answer = world
        .control
        .create_tunnel(&world.admin, new_tunnel("wiki", 8400))
        .await;
    let Err(OperationError::Refused(refusal @ Refusal::AgentRequired(_))) = answer else {
        panic!("{answer:?}");
    };
    assert!(refusal.to_string().contains("attic, shed"));
    // A port may be used once by each agent.
    for (subdomain, agent) in [("wiki", "attic"), ("blog", "shed")] {
        let mut new = new_tunnel(subdomain, 8400);
        new.agent_label = Some(agent.parse().unwrap());
        world
            .control
            .create_tunnel(&world.admin, new)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_agent_gets_the_tunnels_without_one() {
    let world = World::new().await;
    let before = world.tunnel("wiki", 8400).await;
    assert_eq!(before.status, TunnelStatus::NoAgent);
    world.agent("attic", WRITE).await;
    let after = &world.control.tunnels()[0];
    assert_eq!(after.tunnel.agent_label.as_ref().unwrap().as_str(), "attic");
    let HostService::App(route) = &world.plane.desired().hosts[&after.tunnel.fqdn] else {
        panic!("not an app");
    };
    assert_eq!(route.target.as_ref().unwrap().agent.as_str(), "attic");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_touches_its_own_tunnels_only() {
    let world = World::new().await;
    let attic = world.identity(&world.agent("attic", WRITE).await);
    let shed = world.identity(&world.agent("shed", WRITE).await);
    let made = world
        .control
        .create_tunnel(&attic, new_tunnel("wiki", 8400))
        .await
        .unwrap();
    assert_eq!(
        made.tunnel.agent_label.as_ref(),
        Some(attic.agent().unwrap().label())
    );

    let off = TunnelChange {
        enabled: Some(false),
        ..TunnelChange::default()
    };
    let answer = world
        .control
        .change_tunnel(&shed, made.tunnel.id, off.clone())
        .await;
    assert!(
        matches!(answer, Err(OperationError::Forbidden { .. })),
        "{answer:?}"
    );
    let answer = world.control.delete_tunnel(&shed, made.tunnel.id).await;
    assert!(
        matches!(answer, Err(OperationError::Forbidden { .. })),
        "{answer:?}"
    );
    assert!(world.control.tunnels()[0].tunnel.enabled);
    assert_eq!(world.control.agent_config(&shed).unwrap().tunnels, []);
    assert_eq!(world.control.agent_config(&attic).unwrap().tunnels.len(), 1);

    world
        .control
        .change_tunnel(&attic, made.tunnel.id, off)
        .await
        .unwrap();
    assert_eq!(world.control.agent_config(&attic).unwrap().tunnels, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_never_opens_an_app_to_everybody() {
    let world = World::new().await;
    let attic = world.identity(&world.agent("attic", WRITE).await);
    let mut public = new_tunnel("wiki", 8400);
    public.access_mode = Some(AccessMode::Public);
    let answer = world.control.create_tunnel(&attic, public).await;
    assert!(
        matches!(answer, Err(OperationError::Forbidden { .. })),
        "{answer:?}"
    );

    let made = world
        .control
        .create_tunnel(&attic, new_tunnel("wiki", 8400))
        .await
        .unwrap();
    let open = TunnelChange {
        access_mode: Some(AccessMode::Public),
        ..TunnelChange::default()
    };
    let answer = world
        .control
        .change_tunnel(&attic, made.tunnel.id, open.clone())
        .await;
    assert!(
        matches!(answer, Err(OperationError::Forbidden { .. })),
        "{answer:?}"
    );
    let opened = world
        .control
        .change_tunnel(&world.admin, made.tunnel.id, open)
        .await
        .unwrap();
    assert_eq!(opened.tunnel.access_mode, Some(AccessMode::Public));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_taken_away_holds_for_requests_under_way() {
    let world = World::new().await;
    let attic = world.identity(&world.agent("attic", WRITE).await);
    let label = attic.agent().unwrap().label().clone();
    world
        .control
        .set_capabilities(&world.admin, &label, vec![])
        .await
        .unwrap();
    // The request was let pass with the rights of a moment ago.
    let answer = world
        .control
        .create_tunnel(&attic, new_tunnel("wiki", 8400))
        .await;
    assert!(
        matches!(answer, Err(OperationError::Forbidden { .. })),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_data_plane_leaves_nothing_behind() {
    let world = World::new().await;
    let before = (
        world.file("tunnels.json"),
        world.plane.activations.load(Ordering::SeqCst),
    );
    world.plane.fails.store(true, Ordering::SeqCst);
    let answer = world
        .control
        .create_tunnel(&world.admin, new_tunnel("wiki", 8400))
        .await;
    assert!(
        matches!(
            answer,
            Err(OperationError::Failed {
                step: Step::Route,
                ..
            })
        ),
        "{answer:?}"
    );
    assert!(world.control.tunnels().is_empty());
    assert!(
        !world
            .state_dir()
            .join("certificates/wiki.lab.example.org")
            .exists()
    );
    let after = (
        world.file("tunnels.json"),
        world.plane.activations.load(Ordering::SeqCst),
    );
    assert_eq!(before, after);

    world.plane.fails.store(false, Ordering::SeqCst);
    world.tunnel("wiki", 8400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_disk_leaves_nothing_behind() {
    let world = World::new().await;
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let answer = world
        .control
        .create_tunnel(&world.admin, new_tunnel("wiki", 8400))
        .await;
    assert!(
        matches!(
            answer,
            Err(OperationError::Failed {
                step: Step::State,
                ..
            })
        ),
        "{answer:?}"
    );
    assert!(!world.plane.serves("wiki.lab.example.org"));
    assert!(world.control.tunnels().is_empty());
    std::fs::remove_dir(&obstacle).unwrap();
    world.tunnel("wiki", 8400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_cannot_be_written_acts_all_the_same() {
    let world = World::new().await;
    let made = world.tunnel("wiki", 8400).await;
    let mut denials = world.control.live().denials();
    denials.mark_unchanged();
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();

    let answer = world
        .control
        .delete_tunnel(&world.admin, made.tunnel.id)
        .await;
    assert!(
        matches!(answer, Err(OperationError::NotDurable { .. })),
        "{answer:?}"
    );
    assert!(denials.has_changed().unwrap());
    assert!(!world.plane.serves("wiki.lab.example.org"));
    assert!(world.file("tunnels.json").contains("wiki"));
    assert!(!world.control.make_durable().await);

    std::fs::remove_dir(&obstacle).unwrap();
    assert!(world.control.make_durable().await);
    assert!(!world.file("tunnels.json").contains("wiki"));
    let world = world.restart().await;
    assert!(!world.plane.serves("wiki.lab.example.org"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_creates_of_one_name_one_wins() {
    let world = World::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for port in 0..50 {
        let (control, admin) = (world.control.clone(), world.admin.clone());
        tasks.spawn(async move {
            control
                .create_tunnel(&admin, new_tunnel("wiki", 8400 + port))
                .await
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        refused!(answer, Refusal::SubdomainTaken);
    }
    assert_eq!(world.control.tunnels().len(), 1);
    let world = world.restart().await;
    assert_eq!(world.control.tunnels().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_tunnel_leaves_no_key_and_frees_name_and_port() {
    let world = World::new().await;
    let made = world.tunnel("wiki", 8400).await;
    let files = world
        .state_dir()
        .join("certificates/wiki.lab.example.org/privkey.pem");
    assert!(files.exists());
    world
        .control
        .delete_tunnel(&world.admin, made.tunnel.id)
        .await
        .unwrap();
    assert!(!files.exists());
    let answer = world
        .control
        .delete_tunnel(&world.admin, made.tunnel.id)
        .await;
    assert!(
        matches!(answer, Err(OperationError::NotFound { .. })),
        "{answer:?}"
    );
    world.tunnel("wiki", 8400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_off_keeps_the_name_and_says_so() {
    let world = World::new().await;
    world.agent("attic", WRITE).await;
    let made = world.tunnel("wiki", 8400).await;
    world.clock.advance(std::time::Duration::from_secs(60));
    let off = TunnelChange {
        enabled: Some(false),
        ..TunnelChange::default()
    };
    let view = world
        .control
        .change_tunnel(&world.admin, made.tunnel.id, off)
        .await
        .unwrap();
    assert_eq!(view.status, TunnelStatus::Disabled);
    assert_eq!(view.status_since, world.control.live().now());
    let HostService::App(route) = &world.plane.desired().hosts[&view.tunnel.fqdn] else {
        panic!("not an app");
    };
    assert!(!route.enabled);
    // It stays so since then, however often it is looked at.
    world.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(world.control.tunnels()[0].status_since, view.status_since);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_issuer_a_host_waits_for_its_certificate() {
    let world = World::with(CertificateAuthority::Acme).await;
    let answer = world
        .control
        .create_tunnel(&world.admin, new_tunnel("wiki", 8400))
        .await;
    let view = answer.unwrap();
    assert!(world.plane.certificates().is_empty());
    assert_eq!(view.status, TunnelStatus::CertificatePending);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_in_time_and_stay_the_same_until_then() {
    let world = World::new().await;
    let made = world.tunnel("wiki", 8400).await;
    let leaf = |world: &World| world.plane.certificates()[&made.tunnel.fqdn].fingerprint;
    let own = |world: &World| world.control.panel_certificate().fingerprint;
    let (first, first_own) = (leaf(&world), own(&world));
    world.clock.advance(portlama_control::LEAF_VALIDITY / 2);
    world.control.renew_certificates().await;
    assert_eq!((leaf(&world), own(&world)), (first, first_own));

    world.clock.advance(portlama_control::LEAF_VALIDITY / 4);
    world.control.renew_certificates().await;
    let (second, second_own) = (leaf(&world), own(&world));
    assert_ne!(second, first);
    assert_ne!(second_own, first_own);
    let world = world.restart().await;
    assert_eq!((leaf(&world), own(&world)), (second, second_own));
}
