//! A new admin certificate that nobody uses is given up, and never the last way in.
#![allow(clippy::unwrap_used)]

mod world;

use std::time::Duration;

use portlama_access::{NotIdentified, Presented};
use portlama_control::{Farewell, Rotation, UNUSED_ADMIN_LIFETIME};
use portlama_pki::CLIENT_VALIDITY;
use world::{World, presented};

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// Rotates; the new certificate.
    async fn rotate(&self) -> Presented {
        let farewell = Farewell::default();
        let made = self
            .control
            .rotate_admin(&self.admin, Rotation::AfterFirstUse, &farewell);
        made.await.unwrap();
        self.stored()
    }

    fn stored(&self) -> Presented {
        presented(self.control.live(), &self.file("pki/client.crt"))
    }

    /// What became of a certificate; looking counts as a use.
    fn fate(&self, of: &Presented) -> Result<(), NotIdentified> {
        self.control.live().identify(of).map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_one_is_given_up_after_a_month_and_the_old_files_come_back() {
    let world = World::new().await;
    let old = world.stored();
    let old_p12 = std::fs::read(world.state_dir().join("pki/client.p12")).unwrap();
    let new = world.rotate().await;
    world.clock.advance(UNUSED_ADMIN_LIFETIME - SECOND);
    world.control.settle_rotation().await;
    assert!(world.file("panel.json").contains("unusedUntil"));

    let world = world.restart().await;
    world.clock.advance(SECOND);
    world.control.settle_rotation().await;
    assert!(!world.file("panel.json").contains("unusedUntil"));
    assert_eq!(world.fate(&new), Err(NotIdentified::Revoked));
    assert_eq!(world.fate(&old), Ok(()));
    assert!(
        world
            .file("pki/revoked.json")
            .contains("admin (never used)")
    );
    assert_eq!(world.control.admin_p12().await.unwrap(), old_p12);
    assert_eq!(world.fate(&world.stored()), Ok(()));
    assert!(!world.state_dir().join("pki/client.p12.bak").exists());

    // The next rotation is one like any other.
    let next = world.rotate().await;
    assert_eq!(world.fate(&next), Ok(()));
    assert_eq!(world.fate(&old), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_used_is_not_given_up() {
    let world = World::new().await;
    let new = world.rotate().await;
    world.clock.advance(UNUSED_ADMIN_LIFETIME);
    assert_eq!(world.fate(&new), Ok(()), "at the last moment");
    world.control.settle_rotation().await;
    world.clock.advance(UNUSED_ADMIN_LIFETIME);
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&new), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_successor_of_one_that_ends_soon_is_kept() {
    let world = World::new().await;
    let old = world.stored();
    world
        .clock
        .advance(CLIENT_VALIDITY - 2 * UNUSED_ADMIN_LIFETIME + SECOND);
    let new = world.rotate().await;
    world.clock.advance(2 * UNUSED_ADMIN_LIFETIME);
    world.control.settle_rotation().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Expired));
    assert_eq!(world.fate(&new), Ok(()));
}
