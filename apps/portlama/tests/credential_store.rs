//! An agent's key in the credential store of a desktop: a real one, on a message bus of its own.

mod common;
#[path = "common/household.rs"]
mod household;

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::Result;
use household::{Agent, Household};
use portlama_agent::{CREDENTIAL_SERVICE, Home, KeySlot, KeyStore, KeyStoreKind, key_store};
use portlama_model::Secret;
use portlama_testkit::Desktop;

/// What the desktop's own tool finds for an account.
fn lookup(desktop: &Desktop, account: &str) -> Result<String> {
    desktop.lookup(CREDENTIAL_SERVICE, account)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// No key lies in a file of the agent.
fn has_no_key_file(agent: &Agent) -> bool {
    let folder = agent.file("");
    let files = std::fs::read_dir(folder).expect("a folder").flatten();
    !files
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .any(|text| text.contains("PRIVATE KEY"))
}

#[test]
fn a_key_is_kept_where_the_desktop_keeps_its_secrets_and_moves_both_ways() -> Result<()> {
    let house = Household::start()?;
    let mut desktop = Desktop::start()?;
    desktop.sign_in()?;
    let mut agent = house.agent("attic")?;
    agent.environment = desktop.environment();
    let done = agent.set_up_by_token(&house, &["--key-store", "system"])?;
    assert!(done.status.success(), "{}", said(&done));
    assert!(has_no_key_file(&agent));
    let key = lookup(&desktop, "attic")?;
    assert!(key.contains("PRIVATE KEY"), "`{key}`");
    agent.run()?;
    let status = agent.until_connected();
    assert_eq!(status["keyStore"], "system");
    // A renewal never lets the key touch the disk.
    let renewal = agent.ask(&["key", "--renew"])?;
    assert!(renewal.status.success(), "{}", said(&renewal));
    let renewed = lookup(&desktop, "attic")?;
    assert!(renewed.contains("PRIVATE KEY") && renewed != key);
    assert_eq!(lookup(&desktop, "attic.next")?, "");
    assert!(has_no_key_file(&agent));
    agent.kill();

    let moved = agent.ask(&["key", "--store", "file"])?;
    assert!(moved.status.success(), "{}", said(&moved));
    assert_eq!(agent.read("client.key"), renewed);
    assert_eq!(lookup(&desktop, "attic")?, "");
    let moved = agent.ask(&["key", "--store", "system"])?;
    assert!(moved.status.success(), "{}", said(&moved));
    assert!(has_no_key_file(&agent));
    assert_eq!(lookup(&desktop, "attic")?, renewed);

    // And what the desktop's tool writes, the agent reads.
    let list = agent.ask(&["tunnel", "list"])?;
    assert!(list.status.success(), "{}", said(&list));
    let gone =
        desktop.secret_tool(&["clear", "service", CREDENTIAL_SERVICE, "account", "attic"])?;
    assert!(gone.status.success());
    let list = agent.ask(&["tunnel", "list"])?;
    assert!(
        !list.status.success() && said(&list).contains("key"),
        "{}",
        said(&list)
    );
    Ok(())
}

#[test]
fn an_agent_waits_for_a_store_that_is_locked_or_not_there_and_says_so() -> Result<()> {
    let house = Household::start()?;
    let mut desktop = Desktop::start()?;
    let mut agent = house.agent("attic")?;
    agent.environment = desktop.environment();
    let refused = agent.set_up_by_token(&house, &["--key-store", "system"])?;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("credential store"),
        "{}",
        said(&refused)
    );
    let revoked = house.admin("DELETE", "certs/agent/attic", &serde_json::Value::Null)?;
    assert!(matches!(revoked.status, 200 | 404), "{}", revoked.text());

    desktop.sign_in()?;
    let done = agent.set_up_by_token(&house, &["--key-store", "system"])?;
    assert!(done.status.success(), "{}", said(&done));
    desktop.sign_out();
    agent.run()?;
    let says = |status: &serde_json::Value, word: &str| {
        let error = status["connection"]["lastError"].as_str();
        error.is_some_and(|text| text.contains(word))
    };
    agent.until("there is none", |status| says(status, "credential store"));
    desktop.sign_in_without_password()?;
    agent.until("it is locked", |status| says(status, "locked"));
    let moved = agent.ask(&["key", "--store", "file"])?;
    assert!(
        !moved.status.success() && said(&moved).contains("locked"),
        "{}",
        said(&moved)
    );
    desktop.sign_in()?;
    agent.until_connected();
    Ok(())
}

/// What every store keeps to.
fn contract(store: &dyn KeyStore) {
    let (one, two) = (Secret::new("one\nof two lines\n"), Secret::new("two"));
    let read = |slot| store.read(slot).expect("asked");
    for slot in [KeySlot::Present, KeySlot::Next] {
        assert!(read(slot).is_none(), "it begins empty");
        store.remove(slot).expect("nothing to remove is no error");
    }
    store.write(KeySlot::Present, &one).expect("kept");
    assert!(read(KeySlot::Present) == Some(one));
    assert!(read(KeySlot::Next).is_none(), "one key is not the other");
    store.write(KeySlot::Next, &two).expect("kept");
    store.write(KeySlot::Present, &two).expect("replaced");
    assert!(read(KeySlot::Present) == Some(two.clone()));
    store.remove(KeySlot::Present).expect("removed");
    assert!(read(KeySlot::Present).is_none() && read(KeySlot::Next) == Some(two));
    store.remove(KeySlot::Next).expect("removed");
    assert!(read(KeySlot::Next).is_none());
}

/// Names the folder of the agent whose system store is tried; this program runs itself with it.
const CONTRACT_AT: &str = "PORTLAMA_TEST_CONTRACT_AT";

#[test]
fn every_store_keeps_the_same_contract() -> Result<()> {
    let label = "attic".parse()?;
    if let Some(home) = std::env::var_os(CONTRACT_AT) {
        let agent = Home::at(PathBuf::from(home)).agent(&label);
        contract(&*key_store(KeyStoreKind::System, &agent));
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let agent = Home::at(folder.path()).agent(&label);
    std::fs::create_dir_all(agent.path())?;
    contract(&*key_store(KeyStoreKind::File, &agent));
    let mut desktop = Desktop::start()?;
    desktop.sign_in()?;
    let again = Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "every_store_keeps_the_same_contract",
            "--nocapture",
        ])
        .envs(desktop.environment())
        .env(CONTRACT_AT, folder.path())
        .output()?;
    assert!(again.status.success(), "{}", said(&again));
    Ok(())
}
