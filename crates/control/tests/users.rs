//! Users: the reference's order of checks, and that what they lose they lose at once.
#![allow(clippy::unwrap_used)]

mod world;

use portlama_control::{OperationError, Refusal, UserChange};
use portlama_model::{Secret, Username};
use world::{World, new_user};

fn name(text: &str) -> Username {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_password_is_told_before_a_taken_name() {
    let world = World::new().await;
    world
        .control
        .create_user(&world.admin, new_user("mira"))
        .await
        .unwrap();
    let mut short = new_user("mira");
    short.password = Secret::new("short");
    let answer = world.control.create_user(&world.admin, short).await;
    assert!(
        matches!(answer, Err(OperationError::Invalid(_))),
        "{answer:?}"
    );
    let answer = world
        .control
        .create_user(&world.admin, new_user("mira"))
        .await;
    assert!(
        matches!(answer, Err(OperationError::Conflict { .. })),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_user_stays() {
    let world = World::new().await;
    world
        .control
        .create_user(&world.admin, new_user("mira"))
        .await
        .unwrap();
    let answer = world.control.delete_user(&world.admin, &name("mira")).await;
    assert!(
        matches!(answer, Err(OperationError::Refused(Refusal::LastUser))),
        "{answer:?}"
    );
    let answer = world
        .control
        .delete_user(&world.admin, &name("nobody"))
        .await;
    assert!(
        matches!(answer, Err(OperationError::NotFound { .. })),
        "{answer:?}"
    );
    world
        .control
        .create_user(&world.admin, new_user("otto"))
        .await
        .unwrap();
    world
        .control
        .delete_user(&world.admin, &name("mira"))
        .await
        .unwrap();
    assert_eq!(world.control.users().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_must_change_something() {
    let world = World::new().await;
    world
        .control
        .create_user(&world.admin, new_user("mira"))
        .await
        .unwrap();
    let answer = world
        .control
        .update_user(&world.admin, &name("mira"), UserChange::default())
        .await;
    assert!(
        matches!(answer, Err(OperationError::Invalid(_))),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_the_audit_or_a_view() {
    let world = World::new().await;
    let seed = world.user("mira").await;
    let change = UserChange {
        password: Some(Secret::new("another secret")),
        ..UserChange::default()
    };
    world
        .control
        .update_user(&world.admin, &name("mira"), change)
        .await
        .unwrap();
    let seed = seed.to_base32();
    let dir = world.state_dir();
    world.control.shutdown().await;
    drop(world.control);
    let (store, _) = portlama_state::Store::open(&portlama_state::StateDir::new(dir)).unwrap();
    let rows = store
        .runtime()
        .audit()
        .page(&portlama_control::AuditFilter::default(), None, 100)
        .unwrap();
    let actions: Vec<_> = rows.iter().map(|row| row.entry.action.as_str()).collect();
    assert_eq!(actions, ["user.update", "user.reset_totp", "user.create"]);
    let text = format!("{rows:?}");
    for secret in ["another secret", world::PASSWORD, seed.expose(), "$2b$"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_group_acts_on_the_next_request() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let (host, token) = world::open_host(&world, &sso, "wiki").await;
    let sessions = world.control.live().sessions();
    assert_eq!(
        sessions
            .visitor(&host, &token)
            .unwrap()
            .visitor
            .groups
            .len(),
        1
    );
    let change = UserChange {
        groups: Some(vec![]),
        ..UserChange::default()
    };
    world
        .control
        .update_user(&world.admin, &name("mira"), change)
        .await
        .unwrap();
    assert_eq!(sessions.visitor(&host, &token).unwrap().visitor.groups, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_and_a_deletion_end_all_sessions() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    world.user("otto").await;
    let seed = world.user("mira").await;
    let sso = world.sign_in("mira", &seed).await;
    let (host, token) = world::open_host(&world, &sso, "wiki").await;
    let sessions = world.control.live().sessions();
    let open = sessions.visitor(&host, &token).unwrap().session;
    let change = UserChange {
        password: Some(Secret::new(world::PASSWORD)),
        ..UserChange::default()
    };
    world
        .control
        .update_user(&world.admin, &name("mira"), change)
        .await
        .unwrap();
    assert!(sessions.visitor(&host, &token).is_none());
    assert!(!sessions.is_live(&open));

    world.clock.advance(std::time::Duration::from_secs(30));
    let sso = world.sign_in("mira", &seed).await;
    let (_, token) = world::open_host(&world, &sso, "wiki").await;
    world
        .control
        .delete_user(&world.admin, &name("mira"))
        .await
        .unwrap();
    assert!(sessions.visitor(&host, &token).is_none());
    // Whoever gets the name next gets neither the sessions nor the one-time codes.
    world
        .control
        .create_user(&world.admin, new_user("mira"))
        .await
        .unwrap();
    assert!(sessions.visitor(&host, &token).is_none());
    let world = world.restart().await;
    assert!(
        world
            .control
            .live()
            .sessions()
            .visitor(&host, &token)
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sign_in_under_way_outlives_a_password_change() {
    let world = World::new().await;
    world.user("mira").await;
    let mut tasks = tokio::task::JoinSet::new();
    for host in 1..=4 {
        let (control, password) = (world.control.clone(), Secret::new(world::PASSWORD));
        let from = std::net::Ipv4Addr::new(203, 0, 113, host).into();
        tasks.spawn(async move { control.first_factor(None, "mira", password, from).await });
    }
    let change = UserChange {
        password: Some(Secret::new("another secret")),
        ..UserChange::default()
    };
    world
        .control
        .update_user(&world.admin, &name("mira"), change)
        .await
        .unwrap();
    for first in tasks.join_all().await.into_iter().flatten() {
        let state = world.control.sso_state(Some(first.sso_token.expose()));
        assert_eq!(state, portlama_control::SsoState::Anonymous);
    }
}
