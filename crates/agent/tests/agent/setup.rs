//! Enrolment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use portlama_agent::{
    AgentDir, Home, SetUp, SetupError, SetupRequest, SetupStep, StepStatus, Target, panel_of, setup,
};
use portlama_model::{CaFingerprint, TunnelPort};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::panel::{Mood, Panel, TOKEN, now};

pub(crate) fn home() -> (TempDir, Home) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let home = Home::at(dir.path().join("home"));
    (dir, home)
}

pub(crate) async fn set_up(home: &Home, request: SetupRequest) -> Result<SetUp, SetupError> {
    Box::pin(setup(home, request, now(), &mut |_, _| {})).await
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

pub(crate) fn port(number: u16) -> TunnelPort {
    number.try_into().expect("a tunnel port")
}

fn target_of(agent: &AgentDir, number: u16) -> Option<Target> {
    agent.allowed().read().expect("a list").target(port(number))
}

#[tokio::test]
async fn a_token_becomes_an_agent_that_the_panel_knows() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let done = set_up(&home, panel.request()).await.expect("set up");
    assert_eq!(done.hints, Vec::<String>::new());
    assert_eq!(done.config.label.as_str(), "attic");
    assert_eq!(
        done.config.tunnel_server.as_ref().map(|server| server.port),
        Some(panel.tunnel_port)
    );
    let chosen = home.choose(None).expect("current");
    assert_eq!(chosen.label().as_str(), "attic");
    let client = panel_of(&chosen, None).expect("a client");
    assert_eq!(client.health().await.expect("answered").status, "ok");
}

#[tokio::test]
async fn only_the_owner_can_read_what_setup_writes() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let agent = set_up(&home, panel.request()).await.expect("set up").agent;
    assert_eq!(mode(home.path()), 0o700);
    assert_eq!(mode(agent.path()), 0o700);
    for name in ["config.json", "client.key", "client.crt", "ca.crt"] {
        assert_eq!(mode(&agent.path().join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&home.path().join("agents.json")), 0o600);
    for name in ["config.json", "client.crt"] {
        let text = fs::read_to_string(agent.path().join(name)).expect("readable");
        assert!(!text.contains(TOKEN) && !text.contains("PRIVATE"), "{name}");
    }
}

#[tokio::test]
async fn the_private_key_never_leaves() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let agent = set_up(&home, panel.request()).await.expect("set up").agent;
    let key = fs::read_to_string(agent.path().join("client.key")).expect("readable");
    let secret = key.lines().nth(1).expect("a key").to_owned();
    for (path, body) in panel.seen.lock().iter() {
        assert!(!body.to_string().contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn a_server_of_another_authority_never_sees_the_token() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let other = CaFingerprint::from_digest([7; 32]);
    let error = set_up(&home, panel.request_with_pin(&other))
        .await
        .expect_err("refused");
    assert!(matches!(error, SetupError::Enroll { .. }), "{error}");
    assert!(panel.paths().is_empty());
    assert!(home.choose(None).is_err());
}

#[tokio::test]
async fn a_refused_token_leaves_no_agent() {
    let panel = Panel::start(Mood::Refuses).await;
    let (_dir, home) = home();
    let error = set_up(&home, panel.request()).await.expect_err("refused");
    assert!(matches!(error, SetupError::Enroll { .. }), "{error}");
    assert!(home.choose(None).is_err());
    assert_eq!(
        fs::read_dir(home.path().join("agents"))
            .expect("there")
            .count(),
        0
    );
}

#[tokio::test]
async fn a_certificate_for_another_key_is_not_kept() {
    let panel = Panel::start(Mood::AnotherKey).await;
    let (_dir, home) = home();
    let error = set_up(&home, panel.request()).await.expect_err("refused");
    assert!(matches!(error, SetupError::Certificate { .. }), "{error}");
    assert!(home.choose(None).is_err());
}

#[tokio::test]
async fn a_server_without_a_domain_is_a_hint_and_no_error() {
    let panel = Panel::start(Mood::NoDomain).await;
    let (_dir, home) = home();
    let done = set_up(&home, panel.request()).await.expect("set up");
    assert_eq!(done.config.tunnel_server, None);
    assert!(
        done.hints
            .iter()
            .any(|hint| hint.contains("Domain not configured")),
        "{:?}",
        done.hints
    );
    assert!(home.choose(None).is_ok());
}

#[tokio::test]
async fn what_fails_after_enrolment_does_not_waste_the_token() {
    let panel = Panel::start(Mood::BreaksLater).await;
    let (_dir, home) = home();
    let done = set_up(&home, panel.request()).await.expect("set up");
    assert!(!done.hints.is_empty());
    assert!(home.choose(None).is_ok());
}

#[tokio::test]
async fn a_taken_label_is_refused_before_the_token_is_spent() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    set_up(&home, panel.request()).await.expect("set up");
    let spent = panel.paths().len();
    let named = |replace| SetupRequest {
        label: Some("attic".parse().expect("a label")),
        replace,
        ..panel.request()
    };
    let error = set_up(&home, named(false)).await.expect_err("refused");
    assert!(matches!(error, SetupError::Exists { .. }), "{error}");
    assert_eq!(panel.paths().len(), spent);
    set_up(&home, named(true)).await.expect("replaced");
}

#[tokio::test]
async fn an_agent_of_the_same_server_keeps_its_list_when_it_is_set_up_again() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let agent = set_up(&home, panel.request()).await.expect("set up").agent;
    agent
        .allowed()
        .change(|list| list.allow(port(8400), Target::localhost(8400)))
        .expect("changed");
    let agent = set_up(&home, panel.request())
        .await
        .expect("set up again")
        .agent;
    assert_eq!(agent.label().as_str(), "attic");
    assert_eq!(target_of(&agent, 8400), Some(Target::localhost(8400)));
    assert_eq!(home.registry().expect("a registry").agents.len(), 1);
}

#[tokio::test]
async fn another_server_gets_its_own_agent_and_none_of_the_first_ones_list() {
    let (first, second) = (
        Panel::start(Mood::Honest).await,
        Panel::start(Mood::Honest).await,
    );
    let (_dir, home) = home();
    let one = set_up(&home, first.request()).await.expect("set up").agent;
    one.allowed()
        .change(|list| list.allow(port(8400), Target::localhost(8400)))
        .expect("changed");
    let two = set_up(&home, second.request()).await.expect("set up").agent;
    assert_eq!(two.label().as_str(), "attic-2");
    assert_eq!(target_of(&two, 8400), None);
    let forced = SetupRequest {
        label: Some("attic".parse().expect("a label")),
        replace: true,
        ..second.request()
    };
    let replaced = set_up(&home, forced).await.expect("replaced").agent;
    assert_eq!(target_of(&replaced, 8400), None);
    assert_eq!(home.registry().expect("a registry").labels().len(), 2);
}

#[tokio::test]
async fn allow_loopback_opens_this_machine() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let request = SetupRequest {
        allow_loopback: true,
        ..panel.request()
    };
    let agent = set_up(&home, request).await.expect("set up").agent;
    assert_eq!(target_of(&agent, 5173), Some(Target::localhost(5173)));
}

#[tokio::test]
async fn unknown_members_of_the_registry_survive() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    set_up(&home, panel.request()).await.expect("set up");
    let path = home.path().join("agents.json");
    let mut registry: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
    registry["theme"] = json!("dark");
    registry["agents"][0]["p12Path"] = json!("~/old.p12");
    fs::write(&path, registry.to_string()).expect("written");
    set_up(&home, panel.request()).await.expect("set up again");
    let after: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
    assert_eq!(after["theme"], "dark");
    assert_eq!(after["agents"][0]["p12Path"], "~/old.p12");
    assert_eq!(after["version"], 1);
    assert_eq!(after["currentLabel"], "attic");
}

#[tokio::test]
async fn every_step_begins_and_ends_in_order() {
    let panel = Panel::start(Mood::Honest).await;
    let (_dir, home) = home();
    let mut steps = Vec::new();
    Box::pin(setup(&home, panel.request(), now(), &mut |step, status| {
        steps.push((step, status))
    }))
    .await
    .expect("set up");
    let begun: Vec<_> = steps
        .iter()
        .filter(|(_, status)| *status == StepStatus::Running)
        .map(|(step, _)| *step)
        .collect();
    assert_eq!(begun.first(), Some(&SetupStep::CreateDirectories));
    assert_eq!(begun.last(), Some(&SetupStep::FetchConfig));
    for pair in steps.chunks(2) {
        assert_eq!(
            (pair[0].0, pair[0].1, pair[1].1),
            (pair[1].0, StepStatus::Running, StepStatus::Complete)
        );
    }
    assert_eq!(
        serde_json::to_value(SetupStep::EnrollPanel).expect("JSON"),
        "enroll_panel"
    );
}
