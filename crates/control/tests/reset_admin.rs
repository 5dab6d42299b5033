//! The way back in for whoever holds the machine.
#![allow(clippy::unwrap_used)]

mod world;

use portlama_access::NotIdentified;
use portlama_control::reset_admin::{ResetError, reset_admin};
use portlama_control::{AuditFilter, Farewell, Rotation};
use portlama_state::StateError;
use world::{World, presented, start_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_makes_the_only_admin_and_turns_codes_off() {
    let world = World::new().await;
    let old = presented(world.control.live(), &world.file("pki/client.crt"));
    let authority = world.control.ca_fingerprint();
    let old_p12 = std::fs::read(world.state_dir().join("pki/client.p12")).unwrap();

    let now = world.control.live().now();
    let dir = world.state_dir();
    let running = reset_admin(&dir, now);
    assert!(
        matches!(running, Err(ResetError::State(StateError::Locked { .. }))),
        "{running:?}"
    );

    let World {
        dir: _dir,
        control,
        clock,
        ..
    } = world;
    control.shutdown().await;
    drop(control);
    let in_dir = |name: &str| dir.join(name);
    let mut panel: serde_json::Value =
        serde_json::from_slice(&std::fs::read(in_dir("panel.json")).unwrap()).unwrap();
    panel["panel2fa"] =
        serde_json::json!({ "enabled": true, "secret": null, "setupComplete": true });
    panel["adminAuthMode"] = serde_json::json!("hardware-bound");
    std::fs::write(in_dir("panel.json"), panel.to_string()).unwrap();

    let made = reset_admin(&dir, now).unwrap();
    assert!(made.not_audited.is_none());
    assert_eq!(made.ca_fingerprint, authority);
    assert_ne!(std::fs::read(&made.p12_path).unwrap(), old_p12);
    assert!(std::fs::read(&made.p12_password_path).unwrap().len() >= 32);

    let (control, _plane) = start_in(&dir, &clock).await;
    let live = control.live();
    let new = std::fs::read_to_string(&made.admin_cert_path).unwrap();
    let admin = live.identify(&presented(live, &new)).unwrap();
    assert!(admin.is_admin());
    assert_eq!(admin.serial(), &made.admin_serial);
    assert_eq!(live.identify(&old), Err(NotIdentified::Revoked));
    assert!(!control.two_factor().enabled);
    let rows = control
        .audit(AuditFilter::default(), None, 1)
        .await
        .unwrap();
    assert_eq!(rows[0].entry.action, "admin.reset");
    assert_eq!(rows[0].entry.identity, "local");
    // The way by P12 files is open again.
    let farewell = Farewell::default();
    let rotated = control.rotate_admin(&admin, Rotation::AtOnce, &farewell);
    assert!(rotated.await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_the_audit_refuses_is_done_and_says_so() {
    let world = World::new().await;
    let old = presented(world.control.live(), &world.file("pki/client.crt"));
    let (dir, now) = (world.state_dir(), world.control.live().now());
    let World {
        dir: _dir,
        control,
        clock,
        ..
    } = world;
    control.shutdown().await;
    drop(control);
    let audit = |sql| {
        let db = rusqlite::Connection::open(dir.join("runtime.db")).unwrap();
        db.execute_batch(sql).unwrap();
    };
    audit(
        "CREATE TRIGGER refusing BEFORE INSERT ON audit
         BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let made = reset_admin(&dir, now).unwrap();
    assert!(made.not_audited.is_some());
    audit("DROP TRIGGER refusing");

    let (control, _plane) = start_in(&dir, &clock).await;
    let live = control.live();
    let new = std::fs::read_to_string(&made.admin_cert_path).unwrap();
    let admin = live.identify(&presented(live, &new)).unwrap();
    assert_eq!(admin.serial(), &made.admin_serial);
    assert_eq!(live.identify(&old), Err(NotIdentified::Revoked));
}
