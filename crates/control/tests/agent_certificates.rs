//! Agents whose key the server makes, and the sites of agents.
#![allow(clippy::unwrap_used)]

mod world;

use portlama_access::NotIdentified;
use portlama_control::{Farewell, OperationError};
use portlama_model::{AgentLabel, Capability, EnrollmentMethod, SiteName};
use world::{World, presented};

fn attic() -> AgentLabel {
    "attic".parse().unwrap()
}

impl World {
    async fn p12_agent(&self) -> portlama_access::Presented {
        let rights = vec![Capability::TunnelsRead, Capability::SitesRead];
        let sites = vec!["handbook".to_owned()];
        self.control
            .create_p12_agent(&self.admin, attic(), rights, sites)
            .await
            .unwrap();
        presented(
            self.control.live(),
            &self.file("pki/agents/attic/client.crt"),
        )
    }

    fn fate(&self, of: &portlama_access::Presented) -> Result<(), NotIdentified> {
        self.control.live().identify(of).map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_a_p12_file_is_who_the_admin_named_until_it_is_revoked() {
    let world = World::new().await;
    world.tunnel("wiki", 8400).await;
    let certificate = world.p12_agent().await;
    assert_eq!(world.identity(&certificate).audit_name(), "agent:attic");
    let agents = world.control.agents();
    assert_eq!(agents[0].entry.enrollment_method, EnrollmentMethod::P12);
    assert_eq!(agents[0].entry.allowed_sites, ["handbook"]);
    let tunnels = world.control.tunnels();
    assert_eq!(tunnels[0].tunnel.agent_label, Some(attic()));
    assert!(!world.control.agent_p12(&attic()).await.unwrap().is_empty());
    let again = world
        .control
        .create_p12_agent(&world.admin, attic(), vec![], vec![])
        .await;
    assert!(
        matches!(again, Err(OperationError::Conflict { .. })),
        "{again:?}"
    );

    world
        .control
        .revoke_agent(&world.admin, &attic())
        .await
        .unwrap();
    assert_eq!(world.fate(&certificate), Err(NotIdentified::Revoked));
    assert!(!world.state_dir().join("pki/agents/attic").exists());
    let file = world.control.agent_p12(&attic()).await;
    assert!(
        matches!(file, Err(OperationError::NotFound { .. })),
        "{file:?}"
    );
    // The label is free; the old certificate stays dead.
    let second = world.p12_agent().await;
    assert_eq!(world.fate(&certificate), Err(NotIdentified::Revoked));
    assert_eq!(world.fate(&second), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_be_written_down_leaves_nothing() {
    let world = World::new().await;
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let answer = world
        .control
        .create_p12_agent(&world.admin, attic(), vec![], vec![])
        .await;
    assert!(answer.is_err());
    assert!(world.control.agents().is_empty());
    assert!(!world.state_dir().join("pki/agents/attic").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_revoked_agent_go_when_the_disk_is_free_again() {
    let world = World::new().await;
    world.p12_agent().await;
    let obstacle = world.state_dir().join("intent.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let answer = world.control.revoke_agent(&world.admin, &attic()).await;
    assert!(matches!(answer, Err(OperationError::NotDurable { .. })));
    assert!(world.control.agent_p12(&attic()).await.is_err());
    std::fs::remove_dir(&obstacle).unwrap();
    assert!(world.control.make_durable().await);
    assert!(!world.state_dir().join("pki/agents/attic").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_an_agents_file_is_stored_nowhere() {
    let world = World::new().await;
    let made = world
        .control
        .create_p12_agent(&world.admin, attic(), vec![], vec![])
        .await
        .unwrap();
    let password = made.p12_password.expose().as_bytes();
    assert_eq!(password.len(), 32);
    world.control.shutdown().await;
    let mut folders = vec![world.state_dir()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes.windows(password.len()).any(|part| part == password);
            assert!(!found, "{}", entry.path().display());
        }
    }
    assert!(files > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_change_on_the_next_request() {
    let world = World::new().await;
    let certificate = world.p12_agent().await;
    let site = |name: &str| name.parse::<SiteName>().unwrap();
    let label = attic();
    let set = |sites: Vec<SiteName>| world.control.set_allowed_sites(&world.admin, &label, sites);
    let now = set(vec![site("garden"), site("garden")]).await.unwrap();
    assert_eq!(now, ["garden"]);
    let identity = world.identity(&certificate);
    assert_eq!(identity.agent().unwrap().allowed_sites(), ["garden"]);
    set(vec![]).await.unwrap();
    let identity = world.identity(&certificate);
    assert!(identity.agent().unwrap().allowed_sites().is_empty());
    let answer = world
        .control
        .set_allowed_sites(&world.admin, &"nobody".parse().unwrap(), vec![])
        .await;
    assert!(matches!(answer, Err(OperationError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_ends_itself_and_no_other() {
    let world = World::new().await;
    let (own, other) = (
        world.agent("attic", &[]).await,
        world.agent("shed", &[]).await,
    );
    let agent = world.identity(&own);
    let farewell = Farewell::default();
    let shed = "shed".parse().unwrap();
    let answer = world.control.revoke_self(&agent, &shed, &farewell).await;
    assert!(
        matches!(answer, Err(OperationError::Invalid(_))),
        "{answer:?}"
    );
    let answer = world
        .control
        .revoke_self(&world.admin, &attic(), &farewell)
        .await;
    assert!(answer.is_err() && !farewell.is_granted());
    assert_eq!((world.fate(&own), world.fate(&other)), (Ok(()), Ok(())));

    world
        .control
        .revoke_self(&agent, &attic(), &farewell)
        .await
        .unwrap();
    assert!(farewell.is_granted(), "the answer is delivered");
    assert_eq!(world.fate(&own), Err(NotIdentified::Revoked));
    let again = world.control.revoke_self(&agent, &attic(), &farewell).await;
    assert!(
        matches!(again, Err(OperationError::Forbidden { .. })),
        "{again:?}"
    );
    let world = world.restart().await;
    assert_eq!(world.fate(&own), Err(NotIdentified::Revoked));
    assert_eq!(world.fate(&other), Ok(()));
}
