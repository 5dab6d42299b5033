//! What a restored state holds: nothing that was granted for a while, and nothing that was denied
//! since.
#![allow(clippy::unwrap_used)]

mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portlama_auth::{TOTP_PERIOD, TOTP_WINDOW_STEPS, TotpSeed};
use portlama_control::picture::way;
use portlama_control::restore::{Restored, Restoring, make_ready};
use portlama_control::{Clock as _, Control, OperationError, SignInError};
use portlama_model::{Secret, Timestamp};
use portlama_pki::AgentKey;
use world::{FixedClock, HERE, PASSWORD, World, new_user, start_in};

/// What a backup of the server would bring, unpacked.
async fn unpacked(world: &World) -> PathBuf {
    let picture = world.control.picture().await.unwrap();
    let unpacked = world.dir.path().join("unpacked");
    copy(&world.state_dir().join(way(picture.id())), &unpacked);
    unpacked
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Stops the server and restores the copy: what came of it, and the server that serves it.
async fn restored(world: World, copy: &Path) -> (Restored, Arc<Control>, FixedClock, World) {
    let world = world.restart().await;
    world.control.shutdown().await;
    let restored = ready(copy, &world.state_dir(), world.clock.now());
    let (control, _) = start_in(copy, &world.clock).await;
    let clock = world.clock.clone();
    (restored, control, clock, world)
}

fn ready(copy: &Path, place: &Path, now: Timestamp) -> Restored {
    let with = Restoring {
        place,
        ip: None,
        made_at: now,
        now,
    };
    make_ready(copy, with).unwrap()
}

async fn sign_in(control: &Control, seed: &TotpSeed, now: Timestamp) -> Result<(), SignInError> {
    let first = control
        .first_factor(None, "mira", Secret::new(PASSWORD), HERE)
        .await?;
    let code = seed.code_at(now).expose().expose().to_owned();
    let second = control.second_factor(first.sso_token.expose(), &code, HERE);
    second.await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_code_of_the_time_before_a_restore_opens_anything_and_the_first_one_after_does() {
    let world = World::new().await;
    let seed = world.user("mira").await;
    let copy = unpacked(&world).await;
    let (_, control, clock, world) = restored(world, &copy).await;

    // Nobody has used any of these: clocks of phones may be ahead by the window.
    for ahead in 0..=TOTP_WINDOW_STEPS {
        let shown = world
            .clock
            .now()
            .plus(TOTP_PERIOD * u32::try_from(ahead).unwrap());
        let early = sign_in(&control, &seed, shown).await;
        assert_eq!(early, Err(SignInError::Wrong), "{ahead}");
    }
    clock.advance(TOTP_PERIOD * u32::try_from(TOTP_WINDOW_STEPS + 1).unwrap());
    sign_in(&control, &seed, world.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_token_of_the_copy_is_unknown_after_a_restore() {
    let world = World::new().await;
    let label = "attic".parse().unwrap();
    let made = world
        .control
        .create_enrollment(&world.admin, label, vec![], vec![])
        .await
        .unwrap();
    let copy = unpacked(&world).await;
    let (_, control, _, _world) = restored(world, &copy).await;

    let key = AgentKey::generate().unwrap();
    let csr = key.request(&"attic".parse().unwrap()).unwrap();
    let known = control.enroll(made.token.expose(), &csr).await;
    assert!(
        matches!(known, Err(OperationError::InvalidToken)),
        "{known:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_disabled_since_stay_so_and_those_deleted_since_are_named() {
    let world = World::new().await;
    for name in ["mira", "otto", "lost", "gone"] {
        world
            .control
            .create_user(&world.admin, new_user(name))
            .await
            .unwrap();
    }
    let copy = unpacked(&world).await;
    let (control, admin) = (&world.control, &world.admin);
    let name = |text: &str| text.parse().unwrap();
    for deleted in ["lost", "gone"] {
        control.delete_user(admin, &name(deleted)).await.unwrap();
    }
    control.create_user(admin, new_user("newer")).await.unwrap();
    // Accounts are closed in the file, by whoever has the machine.
    let file = world.state_dir().join("users.yml");
    let users = fs::read_to_string(&file).unwrap();
    let closed = users.replace("\n  otto:\n", "\n  otto:\n    disabled: true\n");
    assert_ne!(closed, users);
    fs::write(&file, closed).unwrap();
    let (restored, control, _, _world) = restored(world, &copy).await;

    assert!(restored.knows_revocations);
    assert_eq!(restored.back_again, ["gone", "lost"]);
    assert_eq!(restored.revoked_since, ["user:otto (disabled)"]);
    let users = control.users();
    let users: Vec<_> = users
        .iter()
        .map(|user| (user.username.as_str(), user.disabled))
        .collect();
    let expected = [
        ("gone", false),
        ("lost", false),
        ("mira", false),
        ("otto", true),
    ];
    assert_eq!(users, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_server_says_nothing_of_who_is_denied() {
    let world = World::new().await;
    let user = world.control.create_user(&world.admin, new_user("mira"));
    user.await.unwrap();
    let copy = unpacked(&world).await;
    let other = World::new().await;
    let restored = ready(&copy, &other.state_dir(), world.clock.now());
    assert!(!restored.knows_revocations);
    assert!(restored.back_again.is_empty() && restored.revoked_since.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_at_the_place_is_looked_at_and_not_touched() {
    let world = World::new().await;
    let copy = unpacked(&world).await;
    let world = world.restart().await;
    world.control.shutdown().await;
    let place = world.state_dir();
    for name in ["lock", "runtime.db", "sites"] {
        let path = place.join(name);
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir_all(&path);
        std::os::unix::fs::symlink("/dev/null", path).unwrap();
    }
    // Reading a pipe that nobody writes to would wait for ever.
    let pipe = place.join("users.yml");
    fs::remove_file(&pipe).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let restored = ready(&copy, &place, world.clock.now());
    assert!(!restored.knows_revocations);
}
