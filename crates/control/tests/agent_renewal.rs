//! One certificate of an agent takes another's place: nobody is locked out on the way, and in
//! the end there is one.
#![allow(clippy::unwrap_used)]

mod world;

use std::time::Duration;

use portlama_access::{NotIdentified, Presented};
use portlama_control::{OperationError, RENEWAL_GRACE, Refusal, UNUSED_AGENT_LIFETIME};
use portlama_model::{AgentEntry, AgentLabel, Capability, EnrollmentMethod};
use portlama_pki::{AgentKey, CLIENT_VALIDITY, CsrError};
use world::{World, presented};

const SECOND: Duration = Duration::from_secs(1);

fn attic() -> AgentLabel {
    "attic".parse().unwrap()
}

fn request(key: &AgentKey) -> String {
    key.request(&"whoever".parse().unwrap()).unwrap()
}

fn key() -> AgentKey {
    AgentKey::generate().unwrap()
}

impl World {
    async fn p12_agent(&self) -> Presented {
        let rights = vec![Capability::TunnelsRead, Capability::SitesRead];
        let sites = vec!["handbook".to_owned()];
        let made = self
            .control
            .create_p12_agent(&self.admin, attic(), rights, sites);
        made.await.unwrap();
        let live = self.control.live();
        presented(live, &self.file("pki/agents/attic/client.crt"))
    }

    /// Asks for a certificate without using it.
    async fn renew(&self, by: &Presented) -> Result<Presented, OperationError> {
        self.renew_with(by, &key()).await
    }

    async fn renew_with(
        &self,
        by: &Presented,
        key: &AgentKey,
    ) -> Result<Presented, OperationError> {
        let by = self.identity(by);
        let signed = self.control.upgrade_agent(&by, &request(key)).await?;
        Ok(presented(self.control.live(), &signed.cert))
    }

    /// What became of a certificate; looking counts as a use.
    fn fate(&self, of: &Presented) -> Result<(), NotIdentified> {
        self.control.live().identify(of).map(drop)
    }

    async fn settle(&self) {
        self.control.settle_rotation().await;
    }

    fn entry(&self) -> AgentEntry {
        let agents = self.control.agents();
        assert_eq!(agents.len(), 1, "the agent has one entry");
        agents[0].entry.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_certificate_lives_until_the_new_one_is_used_and_an_hour_longer() {
    let world = World::new().await;
    let old = world.p12_agent().await;
    let rights = world.entry().capabilities;
    world.clock.advance(CLIENT_VALIDITY - UNUSED_AGENT_LIFETIME);
    let new = world.renew(&old).await.unwrap();
    let unused = world.entry();
    world.settle().await;
    assert_eq!(world.entry(), unused, "nothing is due");
    assert_eq!(world.fate(&old), Ok(()));

    assert_eq!(world.fate(&new), Ok(()), "the first use");
    world.settle().await;
    let entry = world.entry();
    assert_eq!(entry.serial, *world.identity(&new).serial());
    assert!(entry.expires_at > unused.expires_at && entry.successor.is_none());
    assert_eq!(entry.enrollment_method, EnrollmentMethod::HardwareBound);
    assert_eq!(
        (entry.capabilities, entry.allowed_sites),
        (rights, vec!["handbook".to_owned()])
    );
    assert!(!world.state_dir().join("pki/agents/attic").exists());
    world.clock.advance(RENEWAL_GRACE - SECOND);
    world.settle().await;
    assert_eq!(world.fate(&old), Ok(()));

    world.clock.advance(SECOND);
    assert_eq!(
        world.fate(&old),
        Err(NotIdentified::Nobody),
        "whoever looks after it"
    );
    let mut denials = world.control.live().denials();
    denials.mark_unchanged();
    world.settle().await;
    assert!(denials.has_changed().unwrap(), "its connections are judged");
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    let revoked = world.file("pki/revoked.json");
    assert!(
        revoked.contains("agent:attic (upgraded to hardware-bound)"),
        "{revoked}"
    );
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!(world.fate(&new), Ok(()));
    assert!(world.entry().predecessor.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_again_at_any_step_goes_on_where_it_was() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    let new = world.renew(&old).await.unwrap();
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Ok(()), "signed, and the answer was lost");
    // Used, and the machine stops before that is written down.
    assert_eq!(world.fate(&new), Ok(()));
    let world = world.restart().await;
    assert_eq!((world.fate(&old), world.fate(&new)), (Ok(()), Ok(())));
    world.settle().await;
    assert!(world.entry().predecessor.is_some());
    // Off for the hour at whose end the old one dies.
    world.clock.advance(RENEWAL_GRACE);
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!(world.fate(&new), Ok(()));
    let revoked = world.file("pki/revoked.json");
    assert!(revoked.contains("agent:attic (renewed)"), "{revoked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_answer_asks_again_and_the_lost_certificate_is_nobodys() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    let key = key();
    let lost = world.renew_with(&old, &key).await.unwrap();
    let again = world.renew_with(&old, &key).await.unwrap();
    assert_eq!(world.fate(&lost), Err(NotIdentified::Nobody));
    assert_eq!((world.fate(&old), world.fate(&again)), (Ok(()), Ok(())));
    world.settle().await;
    assert_eq!(world.entry().serial, *world.identity(&again).serial());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_certificate_asks_for_no_other() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    let new = world.renew(&old).await.unwrap();
    let both = [world.identity(&old), world.identity(&new)];
    // Before and after the use is written down.
    for _ in 0..2 {
        let answer = world
            .control
            .upgrade_agent(&both[0], &request(&key()))
            .await;
        assert!(
            matches!(answer, Err(OperationError::Forbidden { .. })),
            "{answer:?}"
        );
        world.settle().await;
    }
    // The new one may, at once: then the oldest ends.
    let newest = world.renew(&new).await.unwrap();
    assert_eq!(world.fate(&newest), Ok(()));
    world.settle().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Revoked));
    assert_eq!((world.fate(&new), world.fate(&newest)), (Ok(()), Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_requests_at_once_one_certificate_remains() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    let agent = world.identity(&old);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (control, agent, csr) = (world.control.clone(), agent.clone(), request(&key()));
        tasks.spawn(async move { control.upgrade_agent(&agent, &csr).await.unwrap() });
    }
    let signed = tasks.join_all().await;
    let live = world.control.live();
    let alive = signed
        .iter()
        .filter(|signed| live.identify(&presented(live, &signed.cert)).is_ok());
    assert_eq!(alive.count(), 1);
    assert_eq!(world.fate(&old), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_uses_is_given_up_where_the_old_one_holds_for_long() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    let new = world.renew(&old).await.unwrap();
    world.clock.advance(UNUSED_AGENT_LIFETIME);
    world.settle().await;
    assert_eq!(world.fate(&new), Err(NotIdentified::Nobody));
    assert_eq!(world.fate(&old), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_used_is_the_way_in_when_the_old_one_has_ended() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    world.clock.advance(CLIENT_VALIDITY - UNUSED_AGENT_LIFETIME);
    let new = world.renew(&old).await.unwrap();
    world.clock.advance(UNUSED_AGENT_LIFETIME * 2);
    let world = world.restart().await;
    assert_eq!(world.fate(&old), Err(NotIdentified::Expired));
    assert_eq!(world.fate(&new), Ok(()), "after a month without the agent");
    assert!(world.entry().successor.is_none() && !world.control.agents()[0].expiring_soon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_agent_has_no_way_back_through_any_of_its_certificates() {
    let world = World::new().await;
    let old = world.agent("attic", &[]).await;
    let new = world.renew(&old).await.unwrap();
    assert_eq!(world.fate(&new), Ok(()));
    world.settle().await;
    let unused_key = key();
    let unused = world.renew_with(&new, &unused_key).await.unwrap();
    let agent = world.identity(&new);
    world
        .control
        .revoke_agent(&world.admin, &attic())
        .await
        .unwrap();
    for certificate in [&old, &new, &unused] {
        assert_eq!(world.fate(certificate), Err(NotIdentified::Revoked));
    }
    let late = world.control.upgrade_agent(&agent, &request(&key())).await;
    assert!(
        matches!(late, Err(OperationError::Forbidden { .. })),
        "{late:?}"
    );
    // Its keys are not certified again, under whatever name.
    let made =
        world
            .control
            .create_enrollment(&world.admin, "cellar".parse().unwrap(), vec![], vec![]);
    let token = made.await.unwrap().token;
    let back = world
        .control
        .enroll(token.expose(), &request(&unused_key))
        .await;
    assert!(matches!(
        back,
        Err(OperationError::Refused(Refusal::Csr(CsrError::RevokedKey)))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_needs_a_key_that_was_never_certified() {
    let world = World::new().await;
    let first = key();
    let enrolled = world.enroll("attic", &[], &first).await;
    let old = presented(world.control.live(), &enrolled.cert);
    let same = world.renew_with(&old, &first).await;
    assert!(
        matches!(same, Err(OperationError::Refused(Refusal::KeyInUse))),
        "{same:?}"
    );
    let new = world.renew(&old).await.unwrap();
    assert_eq!(world.fate(&new), Ok(()));
    world.settle().await;
    let back = world.renew_with(&new, &first).await;
    assert!(
        matches!(back, Err(OperationError::Refused(Refusal::KeyInUse))),
        "{back:?}"
    );
    world.clock.advance(RENEWAL_GRACE);
    world.settle().await;
    let back = world.renew_with(&new, &first).await;
    let Err(OperationError::Refused(Refusal::Csr(why))) = back else {
        panic!("{:?}", back.err());
    };
    assert_eq!(why, CsrError::RevokedKey);
}
