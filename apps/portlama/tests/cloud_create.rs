//! `portlama cloud create` where no server comes of it, and `destroy`: whatever happens, nothing
//! is left that costs money, and no secret stands where others look.

mod common;
#[path = "common/owner.rs"]
mod owner;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use common::{kill_nine, within};
use owner::{Owner, TOKEN, data, document, noted};
use portlama_testkit::fake_digitalocean::{Deed, Fault, Life};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const CREATE: [&str; 7] = [
    "create", "--region", "fra1", "--label", "home", "--yes", "--json",
];

/// The beginning of the event after which there is a droplet.
const WAITS: &str = r#"{"event":"step","step":"wait_droplet""#;

/// The lines of JSON that a program wrote.
fn events(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A set-up under way whose droplet never starts.
fn never_started(owner: &Owner) -> Result<Child> {
    owner.keep_token()?;
    owner.fake.live(Life {
        never_active: true,
        ..Life::default()
    });
    let mut child = owner
        .command(CREATE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().context("its events")?;
    let mut lines = BufReader::new(stdout);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 && !line.contains(WAITS) {
        line.clear();
    }
    assert!(line.contains(WAITS), "it ended before");
    child.stdout = Some(lines.into_inner());
    Ok(child)
}

fn operations(owner: &Owner) -> usize {
    let files = std::fs::read_dir(owner.home().join("operations"));
    files.into_iter().flatten().flatten().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_in_one_error_and_leaves_nothing() -> Result<()> {
    let owner = Owner::new().await?;
    owner.keep_token()?;
    let refused = Deed::Refuse(422, "Size is not available in this region.");
    owner.fake.fail(Fault::new("POST", "/v2/droplets", refused));
    let done = owner.command(CREATE).output()?;
    assert_eq!(done.status.code(), Some(1), "{}", noted(&done));
    let events = events(&data(&done));
    assert_eq!(events[0]["event"], "plan");
    assert_eq!(
        events[1],
        json!({"event": "step", "step": "validate_token", "status": "running"})
    );
    let last = events.last().context("an end")?;
    assert_eq!(last["event"], "error");
    assert_eq!(last["step"], "create_droplet");
    assert_eq!(last["recoverable"], true);
    let message = last["message"].as_str().context("words")?;
    assert!(message.contains("choose another region"), "{message}");
    let said: Value = serde_json::from_str(noted(&done).lines().last().context("a line")?)?;
    assert_eq!(said["error"], *message);
    assert_eq!(owner.fake.resources_left(), 0);
    assert_eq!(operations(&owner), 0);
    let all = data(&done) + &noted(&done);
    assert!(!all.contains(TOKEN));
    assert_eq!(owner.files_with(TOKEN), Vec::<std::path::PathBuf>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_set_up_left_is_found_and_removed_after_a_question() -> Result<()> {
    let owner = Owner::new().await?;
    let mut child = never_started(&owner)?;
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id()))?;
    assert!(!String::from_utf8_lossy(&arguments).contains(TOKEN));
    kill_nine(child.id());
    child.wait()?;
    assert_eq!(owner.fake.droplets().len(), 1);
    assert_eq!(operations(&owner), 1);
    assert_eq!(owner.files_with(TOKEN), Vec::<std::path::PathBuf>::new());

    let unasked = owner.run(["leftovers"])?;
    assert_eq!(unasked.status.code(), Some(1));
    assert!(
        noted(&unasked).contains("the droplet `portlama-home`"),
        "{}",
        noted(&unasked)
    );
    assert_eq!(owner.fake.droplets().len(), 1);
    let removed = owner.run(["leftovers", "--yes", "--json"])?;
    assert!(removed.status.success(), "{}", noted(&removed));
    assert_eq!(
        document(&removed)?["removed"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(owner.fake.resources_left(), 0);
    assert_eq!(operations(&owner), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_set_up_removes_what_a_killed_one_left_first() -> Result<()> {
    let owner = Owner::new().await?;
    let mut child = never_started(&owner)?;
    kill_nine(child.id());
    child.wait()?;
    let refused = Deed::Refuse(422, "Region is not available");
    owner.fake.fail(Fault::new("POST", "/v2/droplets", refused));
    let next = owner.command(CREATE).output()?;
    assert_eq!(next.status.code(), Some(1), "{}", noted(&next));
    assert_eq!(owner.fake.resources_left(), 0);
    assert_eq!(operations(&owner), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_removes_what_was_made_and_nobody_else_makes_one_meanwhile() -> Result<()> {
    let owner = Owner::new().await?;
    let mut child = never_started(&owner)?;
    let other = owner.command(CREATE).output()?;
    assert_eq!(other.status.code(), Some(1));
    assert!(
        noted(&other).contains("another server is being made"),
        "{}",
        noted(&other)
    );
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT)?;
    let ended = within(PATIENCE, || child.try_wait().ok().flatten());
    let (status, _) = ended.context("it did not stop")?;
    assert_eq!(status.code(), Some(1));
    let mut told = String::new();
    let mut stdout = child.stdout.take().context("its events")?;
    stdout.read_to_string(&mut told)?;
    let events = events(told.trim_start_matches(|c| c != '{'));
    assert_eq!(events.last().context("an end")?["event"], "error");
    assert_eq!(owner.fake.resources_left(), 0);
    assert_eq!(operations(&owner), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_where_the_password_could_not_be_kept() -> Result<()> {
    let mut owner = Owner::new().await?;
    owner.desktop.sign_out();
    let mut command = owner.command(CREATE);
    command.env("PORTLAMA_CLOUD_TOKEN", TOKEN);
    let refused = command.output()?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        noted(&refused).contains("--credential-store file"),
        "{}",
        noted(&refused)
    );
    assert!(
        !owner
            .fake
            .calls()
            .iter()
            .any(|call| call.starts_with("POST"))
    );
    Ok(())
}

/// A line in the list that leads to a droplet.
fn listed(owner: &Owner, droplet: u64, label: &str) -> Result<()> {
    owner.keep_token()?;
    owner.write_list(&json!([{
        "id": "6f0c1b1e-6a6f-4b0a-9a43-0d7f4a1f2b3c", "label": label,
        "panelUrl": "https://198.51.100.250:9292", "ip": "198.51.100.250",
        "provider": "digitalocean", "providerId": droplet.to_string(), "region": "fra1",
        "createdAt": "2026-04-01T10:00:00.000Z", "active": true, "authMethod": "p12",
    }]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_droplet_without_our_tag_is_never_deleted() -> Result<()> {
    let owner = Owner::new().await?;
    let droplet = owner.fake.foreign_droplet("portlama-home", &["production"]);
    listed(&owner, droplet, "home")?;
    let refused = owner.run(["destroy", "home", "--yes"])?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        noted(&refused).contains("portlama:managed"),
        "{}",
        noted(&refused)
    );
    assert_eq!(owner.fake.droplets(), [droplet]);
    assert_eq!(owner.list()?.as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_droplet_of_ours_is_deleted_by_its_label_typed_again_alone() -> Result<()> {
    let owner = Owner::new().await?;
    let droplet = owner
        .fake
        .foreign_droplet("portlama-shed", &["portlama:managed"]);
    listed(&owner, droplet, "home")?;
    let refused = owner.run(["destroy", "home", "--yes"])?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        noted(&refused).contains("--although-another home"),
        "{}",
        noted(&refused)
    );
    assert_eq!(owner.fake.droplets(), [droplet]);
    let meant = owner.run(["destroy", "home", "--although-another", "home"])?;
    assert!(meant.status.success(), "{}", noted(&meant));
    assert_eq!(owner.fake.resources_left(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_droplet_that_is_gone_already_is_no_failure() -> Result<()> {
    let owner = Owner::new().await?;
    listed(&owner, 4_711_999_999, "home")?;
    let done = owner.run(["destroy", "home", "--yes", "--json"])?;
    assert!(done.status.success(), "{}", noted(&done));
    let done = document(&done)?;
    assert_eq!(
        (&done["wasGone"], &done["wasActive"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(owner.list()?, json!([]));
    Ok(())
}
