//! What a restore makes of the agents of a backup, beside the state that lies at its place.
#![allow(clippy::unwrap_used)]

mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use portlama_access::{NotIdentified, Presented};
use portlama_control::RENEWAL_GRACE;
use portlama_control::restore::{Restored, Restoring, make_ready};
use portlama_model::{AgentLabel, Capability};
use portlama_pki::AgentKey;
use tempfile::TempDir;
use world::{FixedClock, World, presented, start_in};

const RIGHTS: [Capability; 1] = [Capability::TunnelsRead];

fn attic() -> AgentLabel {
    "attic".parse().unwrap()
}

/// A server with an agent, and what a backup of then holds.
struct Story {
    world: World,
    old: Presented,
    backup: TempDir,
}

/// The state of today after the server has stopped.
struct Stopped {
    dir: TempDir,
    clock: FixedClock,
    backup: TempDir,
}

impl Story {
    async fn begin() -> Self {
        let mut world = World::new().await;
        let old = world.agent("attic", &RIGHTS).await;
        let backup = tempfile::tempdir().unwrap();
        world.control.shutdown().await;
        copy(&world.state_dir(), backup.path());
        world = world.restart().await;
        Self { world, old, backup }
    }

    /// The agent gets its next certificate and uses it.
    async fn renew(&self) -> Presented {
        let control = &self.world.control;
        let key = AgentKey::generate().unwrap();
        let csr = key.request(&attic()).unwrap();
        let by = self.world.identity(&self.old);
        let signed = control.upgrade_agent(&by, &csr).await.unwrap();
        let new = presented(control.live(), &signed.cert);
        self.world.identity(&new);
        control.settle_rotation().await;
        new
    }

    async fn stop(self) -> Stopped {
        let World {
            dir,
            clock,
            control,
            ..
        } = self.world;
        control.shutdown().await;
        Stopped {
            dir,
            clock,
            backup: self.backup,
        }
    }
}

impl Stopped {
    fn place(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn made_ready(&self, place: &Path) -> Restored {
        let now = portlama_control::Clock::now(&self.clock);
        let with = Restoring {
            place,
            ip: None,
            made_at: now,
            now,
        };
        make_ready(&self.backup.path().join("state"), with).unwrap()
    }

    /// What the restored server says of certificates.
    async fn fates<const N: usize>(&self, of: [&Presented; N]) -> [Result<(), NotIdentified>; N] {
        let (control, _plane) = start_in(&self.backup.path().join("state"), &self.clock).await;
        let fates = of.map(|of| control.live().identify(of).map(drop));
        let agents = control.agents();
        for agent in agents.iter().filter(|agent| !agent.entry.revoked) {
            let rights = agent.entry.capabilities.iter().collect::<Vec<_>>();
            assert_eq!(rights, RIGHTS, "rights are those of the backup");
        }
        control.shutdown().await;
        fates
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_renewed_since_keeps_its_new_certificate_and_gets_its_old_rights() {
    let story = Story::begin().await;
    let new = story.renew().await;
    let world = &story.world;
    let rights = vec![Capability::TunnelsRead, Capability::SitesRead];
    let control = &world.control;
    control
        .set_capabilities(&world.admin, &attic(), rights)
        .await
        .unwrap();
    world.clock.advance(RENEWAL_GRACE);
    world.control.settle_rotation().await;
    assert!(world.control.live().identify(&story.old).is_err());
    let old = story.old.clone();
    let stopped = story.stop().await;

    let restored = stopped.made_ready(&stopped.place());
    assert!(restored.knows_revocations);
    let fates = stopped.fates([&old, &new]).await;
    assert_eq!(fates, [Err(NotIdentified::Revoked), Ok(())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_in_the_middle_of_a_renewal_keeps_both_certificates() {
    let story = Story::begin().await;
    let new = story.renew().await;
    let old = story.old.clone();
    let stopped = story.stop().await;
    let restored = stopped.made_ready(&stopped.place());
    assert_eq!(restored.revoked_since, Vec::<String>::new());
    assert_eq!(stopped.fates([&old, &new]).await, [Ok(()), Ok(())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_renewed_and_was_revoked_since_stays_revoked() {
    let story = Story::begin().await;
    let new = story.renew().await;
    let world = &story.world;
    let control = &world.control;
    control.revoke_agent(&world.admin, &attic()).await.unwrap();
    let old = story.old.clone();
    let stopped = story.stop().await;
    stopped.made_ready(&stopped.place());
    let fates = stopped.fates([&old, &new]).await;
    assert!(fates.iter().all(Result::is_err), "{fates:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_the_same_name_that_was_enrolled_anew_is_another() {
    let story = Story::begin().await;
    let world = &story.world;
    let control = &world.control;
    control.revoke_agent(&world.admin, &attic()).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    let anew = world.agent("attic", &RIGHTS).await;
    let old = story.old.clone();
    let stopped = story.stop().await;
    stopped.made_ready(&stopped.place());
    let fates = stopped.fates([&old, &anew]).await;
    assert!(fates.iter().all(Result::is_err), "{fates:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_new_machine_an_agent_that_renewed_since_is_unknown() {
    let story = Story::begin().await;
    let new = story.renew().await;
    let old = story.old.clone();
    let stopped = story.stop().await;
    let nothing_there = stopped.dir.path().join("elsewhere");
    let restored = stopped.made_ready(&nothing_there);
    assert!(!restored.knows_revocations);
    let fates = stopped.fates([&old, &new]).await;
    assert_eq!(fates, [Ok(()), Err(NotIdentified::Nobody)]);
}
