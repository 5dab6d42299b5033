//! The admin's certificate: rotation and its end, files, the move to hardware.
#![allow(clippy::unwrap_used)]

mod world;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use portlama_access::{NotIdentified, Presented};
use portlama_control::{
    CertificateKind, CertificateView, Control, Farewell, OperationError, ROTATION_GRACE, Refusal,
    RotatedAdmin, Rotation,
};
use portlama_model::{AdminAuthMode, CertificateAuthority};
use portlama_pki::{AgentKey, CsrError};
use world::{World, presented, start_in};

const SECOND: Duration = Duration::from_secs(1);

impl World {
    async fn rotate(&self, old: Rotation) -> (RotatedAdmin, Presented) {
        let farewell = Farewell::default();
        let made = self.control.rotate_admin(&self.admin, old, &farewell);
        let made = made.await.unwrap();
        assert_eq!(farewell.is_granted(), old == Rotation::AtOnce);
        (made, self.stored())
    }

    /// The certificate of `client.crt`.
    fn stored(&self) -> Presented {
        presented(self.control.live(), &self.file("pki/client.crt"))
    }

    /// What became of a certificate; looking counts as a use.
    fn fate(&self, of: &Presented) -> Result<(), NotIdentified> {
        self.control.live().identify(of).map(drop)
    }

    fn live_serials(&self) -> usize {
        let panel: serde_json::Value = serde_json::from_str(&self.file("panel.json")).unwrap();
        panel["admin"]["serials"].as_array().unwrap().len()
    }

    fn has(&self, name: &str) -> bool {
        self.state_dir().join(name).exists()
    }
}

fn request() -> String {
    let key = AgentKey::generate().unwrap();
    key.request(&"whoever".parse().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_certificate_dies_five_minutes_after_the_new_ones_first_use() {
    let world = World::new().await;
    let old = world.stored();
    let (made, new) = world.rotate(Rotation::AfterFirstUse).await;
    assert_eq!(made.p12_password.expose().len(), 32);

    // Unused, it changes nothing, however long that takes.
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&old), Ok(()));

    assert_eq!(world.fate(&new), Ok(()));
    world.control.settle_rotation().await;
    world.clock.advance(ROTATION_GRACE - SECOND);
    world.control.settle_rotation().await;
    assert_eq!((world.fate(&old), world.live_serials()), (Ok(()), 2));

    let mut denials = world.control.live().denials();
    denials.mark_unchanged();
    world.clock.advance(SECOND);
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!((world.fate(&new), world.live_serials()), (Ok(()), 1));
    assert!(
        denials.has_changed().unwrap(),
        "open connections are judged"
    );
    assert!(world.file("pki/revoked.json").contains("admin (rotated)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_use_is_written_down_without_being_asked() {
    let world = World::new().await;
    let (_, new) = world.rotate(Rotation::AfterFirstUse).await;
    assert!(!world.file("panel.json").contains("firstUsedAt"));
    assert_eq!(world.fate(&new), Ok(()));
    let written = async {
        while !world.file("panel.json").contains("firstUsedAt") {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, written).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_at_any_step_carries_the_rotation_on() {
    let world = World::new().await;
    let old = world.stored();
    let (_, new) = world.rotate(Rotation::AfterFirstUse).await;

    let world = world.restart().await;
    world.clock.advance(2 * ROTATION_GRACE);
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&old), Ok(()), "nobody has used the new one");

    assert_eq!(world.fate(&new), Ok(()));
    world.control.settle_rotation().await;
    let world = world.restart().await;
    assert_eq!((world.fate(&old), world.fate(&new)), (Ok(()), Ok(())));

    // Its time passes while no server runs.
    world.clock.advance(ROTATION_GRACE);
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!((world.fate(&new), world.live_serials()), (Ok(()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_that_was_lost_in_a_crash_is_noticed_at_the_next() {
    let world = World::new().await;
    let old = world.stored();
    let (_, new) = world.rotate(Rotation::AfterFirstUse).await;
    // The disk as it was before the first use: the process dies before it is written down.
    let image = tempfile::tempdir().unwrap();
    copy(&world.state_dir(), image.path());
    assert_eq!(world.fate(&new), Ok(()));

    let (control, _) = start_in(image.path(), &world.clock).await;
    world.clock.advance(ROTATION_GRACE);
    control.settle_rotation().await;
    assert!(control.live().identify(&old).is_ok());
    assert!(control.live().identify(&new).is_ok());
    control.settle_rotation().await;
    world.clock.advance(ROTATION_GRACE);
    control.settle_rotation().await;
    assert!(control.live().identify(&old).is_err());
    assert!(control.live().identify(&new).is_ok());
}

/// Every file in turn cannot be written, and the process dies there.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_inside_the_rotation_leaves_the_old_credential_or_both() {
    for (obstacle, done) in [
        ("intent.json.tmp", false),
        ("panel.json.tmp", true),
        ("pki/client.crt.tmp", true),
        ("pki/client.key.bak.tmp", true),
        ("pki/.p12-password.tmp", true),
    ] {
        let world = World::new().await;
        let old = world.stored();
        let obstacle_path = world.state_dir().join(obstacle);
        std::fs::create_dir(&obstacle_path).unwrap();
        let farewell = Farewell::default();
        let answer = world
            .control
            .rotate_admin(&world.admin, Rotation::AfterFirstUse, &farewell)
            .await;
        assert_eq!(answer.is_ok(), done, "{obstacle}: {answer:?}");

        let image = tempfile::tempdir().unwrap();
        copy(&world.state_dir(), image.path());
        std::fs::remove_dir(image.path().join(obstacle)).unwrap();
        let (control, _) = start_in(image.path(), &world.clock).await;
        let cert = std::fs::read_to_string(image.path().join("pki/client.crt")).unwrap();
        let stored = presented(control.live(), &cert);
        assert!(control.live().identify(&old).is_ok(), "{obstacle}");
        assert!(control.live().identify(&stored).is_ok(), "{obstacle}");
        if let Ok(made) = answer {
            assert_eq!(
                control.live().identify(&stored).unwrap().serial(),
                &made.serial,
                "{obstacle}: what was answered is what is there"
            );
            let password = std::fs::read_to_string(image.path().join("pki/.p12-password"));
            assert_eq!(password.unwrap(), made.p12_password.expose(), "{obstacle}");
        }
        control.settle_rotation().await;
        world.clock.advance(ROTATION_GRACE);
        control.settle_rotation().await;
        assert_eq!(control.live().identify(&old).is_ok(), !done, "{obstacle}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_before_the_first_use_replaces_the_unused_certificate() {
    let world = World::new().await;
    let old = world.stored();
    let old_files = world.file("pki/client.crt");
    let (_, unused) = world.rotate(Rotation::AfterFirstUse).await;
    let (_, new) = world.rotate(Rotation::AfterFirstUse).await;
    assert_eq!(world.fate(&unused), Err(NotIdentified::Revoked));
    assert_eq!((world.fate(&old), world.fate(&new)), (Ok(()), Ok(())));
    assert_eq!(world.live_serials(), 2);
    // The backup is of the one that works, not of the one that nobody had.
    assert_eq!(world.file("pki/client.crt.bak"), old_files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_by_the_new_certificate_ends_the_oldest() {
    let mut world = World::new().await;
    let first = world.stored();
    let (_, second) = world.rotate(Rotation::AfterFirstUse).await;
    world.admin = world.identity(&second);
    let (_, third) = world.rotate(Rotation::AfterFirstUse).await;
    assert_eq!(world.fate(&first), Err(NotIdentified::Revoked));
    assert_eq!((world.fate(&second), world.fate(&third)), (Ok(()), Ok(())));
    assert_eq!(world.live_serials(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_certificate_is_replaced_at_once() {
    let world = World::new().await;
    let old = world.stored();
    let (_, new) = world.rotate(Rotation::AtOnce).await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!((world.fate(&new), world.live_serials()), (Ok(()), 1));
    let again = world
        .control
        .rotate_admin(&world.admin, Rotation::AtOnce, &Farewell::default())
        .await;
    assert!(
        matches!(again, Err(OperationError::Forbidden { .. })),
        "{again:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_rotations_at_once_by_a_stolen_certificate_one_wins() {
    let world = World::new().await;
    let rotate = || {
        let (control, admin) = (world.control.clone(), world.admin.clone());
        tokio::spawn(async move {
            let farewell = Farewell::default();
            control
                .rotate_admin(&admin, Rotation::AtOnce, &farewell)
                .await
        })
    };
    let (a, b) = (rotate(), rotate());
    let answers = [a.await.unwrap(), b.await.unwrap()];
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(world.live_serials(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_files_belong_together_and_are_nobody_elses() {
    let world = World::new().await;
    let before: Vec<String> = ["client.key", "client.crt", ".p12-password"]
        .map(|name| world.file(&format!("pki/{name}")))
        .into();
    let (made, _) = world.rotate(Rotation::AfterFirstUse).await;
    let after: Vec<String> = ["client.key.bak", "client.crt.bak", ".p12-password.bak"]
        .map(|name| world.file(&format!("pki/{name}")))
        .into();
    assert_eq!(before, after);
    assert_eq!(world.control.admin_p12().await.unwrap(), made.p12);
    assert_eq!(world.file("pki/.p12-password"), made.p12_password.expose());
    for name in ["client.key", "client.p12", ".p12-password"] {
        for name in [name.to_owned(), format!("{name}.bak")] {
            let path = world.state_dir().join("pki").join(&name);
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_cannot_be_written_changes_nothing() {
    let world = World::new().await;
    let (old, file) = (world.stored(), world.file("pki/client.crt"));
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let farewell = Farewell::default();
    let answer = world
        .control
        .rotate_admin(&world.admin, Rotation::AtOnce, &farewell)
        .await;
    assert!(answer.is_err() && !farewell.is_granted(), "{answer:?}");
    assert_eq!(world.fate(&old), Ok(()));
    assert_eq!(world.file("pki/client.crt"), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_certificate_dies_in_time_on_a_full_disk_too() {
    let world = World::new().await;
    let old = world.stored();
    let (_, new) = world.rotate(Rotation::AfterFirstUse).await;
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    assert_eq!(world.fate(&new), Ok(()));
    world.control.settle_rotation().await;
    world.clock.advance(ROTATION_GRACE);
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    std::fs::remove_dir(&obstacle).unwrap();
    assert!(world.control.make_durable().await);
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!(world.fate(&new), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_does_not_keep_the_old_certificate_alive() {
    let world = World::new().await;
    let old = world.stored();
    let (_, new) = world.rotate(Rotation::AfterFirstUse).await;
    let ahead = Duration::from_secs(300 * 24 * 60 * 60);
    world.clock.advance(ahead);
    assert_eq!(world.fate(&new), Ok(()));
    world.control.settle_rotation().await;
    world.clock.set_back(ahead);
    world.control.settle_rotation().await;
    world.clock.advance(ROTATION_GRACE);
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_admins_own_ends_everything_that_was_made_here() {
    let world = World::new().await;
    let old = world.stored();
    let (_, unused) = world.rotate(Rotation::AfterFirstUse).await;
    let farewell = Farewell::default();
    let upgrade = |csr: String, farewell: Farewell| {
        let (control, admin) = (world.control.clone(), world.admin.clone());
        async move { control.upgrade_admin(&admin, &csr, &farewell).await }
    };
    let refused = upgrade("x".to_owned(), farewell.clone()).await;
    assert!(
        matches!(refused, Err(OperationError::Refused(Refusal::Csr(_)))),
        "{refused:?}"
    );
    assert!(!farewell.is_granted());

    let signed = upgrade(request(), farewell.clone()).await.unwrap();
    assert!(farewell.is_granted());
    let new = presented(world.control.live(), &signed.cert);
    assert_eq!(world.identity(&new).audit_name(), "admin");
    for dead in [&old, &unused] {
        assert_eq!(world.fate(dead), Err(NotIdentified::Revoked));
    }
    assert_eq!(world.file("pki/client.crt"), signed.cert);
    for name in ["client.key", "client.p12", ".p12-password", "client.crt"] {
        assert!(!world.has(&format!("pki/{name}.bak")), "{name}");
        assert_eq!(world.has(&format!("pki/{name}")), name == "client.crt");
    }
    let revoked = world.file("pki/revoked.json");
    assert_eq!(
        revoked
            .matches("admin (upgraded to hardware-bound)")
            .count(),
        2
    );

    let mut world = world.restart().await;
    assert_eq!(
        world.control.admin_auth_mode(),
        AdminAuthMode::HardwareBound
    );
    world.admin = world.identity(&new);
    let again = world
        .control
        .upgrade_admin(&world.admin, &request(), &farewell)
        .await;
    assert!(
        matches!(again, Err(OperationError::Conflict { .. })),
        "{again:?}"
    );
    let rotated = world
        .control
        .rotate_admin(&world.admin, Rotation::AfterFirstUse, &farewell)
        .await;
    assert!(matches!(rotated, Err(OperationError::Gone { .. })));
    let file = world.control.admin_p12().await;
    assert!(matches!(file, Err(OperationError::Gone { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_that_was_the_admins_is_certified_again() {
    let mut world = World::new().await;
    let first_key = world.file("pki/client.key");
    let (_, second) = world.rotate(Rotation::AtOnce).await;
    let second_key = world.file("pki/client.key");
    world.admin = world.identity(&second);
    let (_, unused) = world.rotate(Rotation::AfterFirstUse).await;
    let unused_key = world.file("pki/client.key");
    let world = world.restart().await;
    let upgrade = |key: &str| {
        let key = rcgen::KeyPair::from_pem(key).unwrap();
        let params = rcgen::CertificateParams::default();
        let csr = params.serialize_request(&key).unwrap().pem().unwrap();
        let (control, admin) = (world.control.clone(), world.admin.clone());
        async move {
            let farewell = Farewell::default();
            control.upgrade_admin(&admin, &csr, &farewell).await
        }
    };
    for (key, why) in [
        (&first_key, Refusal::Csr(CsrError::RevokedKey)),
        (&second_key, Refusal::KeyInUse),
        (&unused_key, Refusal::KeyInUse),
        (
            &world.file("pki/ca.key"),
            Refusal::Csr(CsrError::KeyOfAuthority),
        ),
    ] {
        match upgrade(key).await {
            Err(OperationError::Refused(refusal)) => assert_eq!(refusal, why),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.fate(&unused), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_rotation_stands_in_the_audit() {
    let world = World::new().await;
    let (made, new) = world.rotate(Rotation::AfterFirstUse).await;
    assert_eq!(world.fate(&new), Ok(()));
    world.control.settle_rotation().await;
    world.clock.advance(ROTATION_GRACE);
    world.control.settle_rotation().await;
    let name = world.state_dir();
    world.control.shutdown().await;
    let bytes = ["runtime.db", "runtime.db-wal"]
        .map(|file| std::fs::read(name.join(file)).unwrap_or_default())
        .concat();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    for action in ["rotate", "first-use", "retire"] {
        assert!(holds(&format!("admin.certificate.{action}")), "{action}");
    }
    assert!(!holds(made.p12_password.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_every_certificate_the_first_to_end_first() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    let (views, found) = listed(&world.control).await;
    let mut expected = vec![CertificateKind::Internal; 4];
    expected.extend([CertificateKind::Admin, CertificateKind::Authority]);
    assert_eq!(found, expected);
    assert!(views.is_sorted_by_key(|view| view.expires_at));
    assert_eq!(
        views[4].days_left,
        Some(729),
        "730 days, less the five minutes that it begins early"
    );
    assert!(views.iter().all(|view| view.path.is_file()));

    let left = |by: Duration| {
        world.clock.advance(by);
        world.control.certificates()
    };
    let day = Duration::from_secs(24 * 60 * 60);
    let soon = left(58 * day).await;
    assert_eq!(
        (soon[0].days_left, soon[0].expiring_soon),
        (Some(31), false)
    );
    let soon = left(day).await;
    assert_eq!((soon[0].days_left, soon[0].expiring_soon), (Some(30), true));

    std::fs::write(world.state_dir().join("pki/client.crt"), "broken").unwrap();
    let (views, _) = listed(&world.control).await;
    let broken = views
        .iter()
        .find(|view| view.kind == CertificateKind::Admin);
    assert_eq!(broken.unwrap().expires_at, None);
    std::fs::remove_file(world.state_dir().join("pki/client.crt")).unwrap();
    let (_, found) = listed(&world.control).await;
    assert!(!found.contains(&CertificateKind::Admin) && found.len() == 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_a_public_authority_are_told_apart() {
    let world = World::with(CertificateAuthority::Acme).await;
    let kinds: Vec<_> = world.control.certificates().await;
    assert!(
        kinds
            .iter()
            .all(|view| view.kind != CertificateKind::Internal)
    );
}

async fn listed(control: &Control) -> (Vec<CertificateView>, Vec<CertificateKind>) {
    let views = control.certificates().await;
    let kinds = views.iter().map(|view| view.kind).collect();
    (views, kinds)
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
