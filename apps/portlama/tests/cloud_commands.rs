//! `portlama cloud` as a person uses it, without making a server: token, regions, list.

mod common;
#[path = "common/owner.rs"]
mod owner;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};
use common::binary;
use owner::{Owner, TOKEN, data, document, feed, noted};
use portlama_testkit::fake_digitalocean::{ScopeHeader, TokenSpec};
use serde_json::json;

const ID: &str = "6f0c1b1e-6a6f-4b0a-9a43-0d7f4a1f2b3c";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_kept_only_when_it_fits_and_where_the_desktop_keeps_its_secrets() -> Result<()> {
    let kept = |owner: &Owner| owner.desktop.lookup("com.portlama.cloud", "digitalocean");

    let unfit = TokenSpec::fitting(TOKEN)
        .without("droplet:delete")
        .with("database:create");
    let owner = Owner::with(unfit).await?;
    let refused = owner.run_with_input(["token", "set"], TOKEN)?;
    assert_eq!(refused.status.code(), Some(1), "{}", noted(&refused));
    let said = data(&refused);
    assert!(
        said.contains("missing: droplet:delete, for removing the server"),
        "{said}"
    );
    assert!(said.contains("too much: database:create"), "{said}");
    assert_eq!(kept(&owner)?, "");

    let owner = Owner::new().await?;
    let set = owner.run_with_input(["token", "set", "--json"], &format!("{TOKEN}\n"))?;
    assert!(set.status.success(), "{}", noted(&set));
    let verdict = document(&set)?;
    assert_eq!(verdict["valid"], true);
    assert_eq!(verdict["email"], "owner@example.org");
    assert_eq!(verdict["missingScopes"], json!([]));
    assert_eq!(verdict["daysLeft"], 90);
    assert_eq!(kept(&owner)?, TOKEN);

    let checked = owner.run(["token", "check"])?;
    assert!(checked.status.success(), "{}", noted(&checked));
    assert!(data(&checked).contains("the token fits: owner@example.org"));
    let forgotten = owner.run(["token", "forget"])?;
    assert!(forgotten.status.success(), "{}", noted(&forgotten));
    assert_eq!(kept(&owner)?, "");
    let missing = owner.run(["token", "check"])?;
    assert_eq!(missing.status.code(), Some(1));
    assert!(noted(&missing).contains("portlama cloud token set"));
    for output in [&set, &checked, &forgotten, &missing] {
        let said = data(output) + &noted(output);
        assert!(!said.contains(TOKEN), "{said}");
    }
    assert_eq!(owner.files_with(TOKEN), Vec::<std::path::PathBuf>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_in_excess_is_taken_upon_oneself_by_name_alone() -> Result<()> {
    let owner = Owner::with(TokenSpec::fitting(TOKEN).with("database:create")).await?;
    owner.keep_token()?;
    let refused = owner.run(["token", "check"])?;
    assert_eq!(refused.status.code(), Some(1));
    let other = owner.run(["token", "check", "--accept-scope", "database:delete"])?;
    assert_eq!(other.status.code(), Some(1));
    let accepted = owner.run(["token", "check", "--accept-scope", "database:create"])?;
    assert!(accepted.status.success(), "{}", noted(&accepted));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_nobody_can_judge_is_kept_after_a_yes_alone() -> Result<()> {
    let owner = Owner::new().await?;
    owner.fake.tell_scopes(false, ScopeHeader::Absent);
    let refused = owner.run_with_input(["token", "set"], TOKEN)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(noted(&refused).contains("add --yes"), "{}", noted(&refused));
    let kept = owner.run_with_input(["token", "set", "--yes"], TOKEN)?;
    assert!(kept.status.success(), "{}", noted(&kept));
    assert!(noted(&kept).contains("not known"), "{}", noted(&kept));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_environment_wins_and_that_of_another_program_is_taken() -> Result<()> {
    let owner = Owner::new().await?;
    owner.keep_token()?;
    let stored = owner.run(["token", "check"])?;
    assert!(stored.status.success(), "{}", noted(&stored));
    let mut wrong = owner.command(["token", "check"]);
    wrong.env("PORTLAMA_CLOUD_TOKEN", "dop_v1_beef");
    let wrong = wrong.output()?;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        noted(&wrong).contains("make a new one"),
        "{}",
        noted(&wrong)
    );
    let mut none = owner.command(["token", "check"]);
    none.env("PORTLAMA_CLOUD_TOKEN", "hunter2");
    let none = noted(&none.output()?);
    assert!(none.contains("does not look like a token"), "{none}");
    assert!(!none.contains("hunter2"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_credential_store_nothing_is_kept_unless_a_passphrase_encrypts_it() -> Result<()>
{
    let mut owner = Owner::new().await?;
    owner.desktop.sign_out();
    let refused = owner.run_with_input(["token", "set"], TOKEN)?;
    assert_eq!(refused.status.code(), Some(1));
    let said = noted(&refused);
    assert!(said.contains("--credential-store file"), "{said}");
    assert!(!owner.home().join("credentials.age").exists());

    let with_passphrase = |words: &[&str], passphrase: &str, input: &str| {
        let mut command = owner.command(words);
        command.env("PORTLAMA_CREDENTIAL_PASSPHRASE", passphrase);
        feed(command, input)
    };
    let set = ["token", "set", "--credential-store", "file"];
    let nobody = owner.run_with_input(set, TOKEN)?;
    assert!(noted(&nobody).contains("PORTLAMA_CREDENTIAL_PASSPHRASE"));
    let weak = with_passphrase(&set, "short", TOKEN)?;
    assert!(noted(&weak).contains("12 characters"), "{}", noted(&weak));
    let kept = with_passphrase(&set, "correct horse battery", TOKEN)?;
    assert!(kept.status.success(), "{}", noted(&kept));
    // The file is there, so it is meant from here on.
    let checked = with_passphrase(&["token", "check"], "correct horse battery", "")?;
    assert!(checked.status.success(), "{}", noted(&checked));
    let other = with_passphrase(&["token", "check"], "another long passphrase", "")?;
    assert!(
        noted(&other).contains("not the passphrase"),
        "{}",
        noted(&other)
    );
    assert_eq!(owner.files_with(TOKEN), Vec::<std::path::PathBuf>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_are_listed_nearest_first_and_by_name_where_none_can_be_measured() -> Result<()> {
    let owner = Owner::new().await?;
    owner.keep_token()?;
    let listed = owner.run(["regions", "--json"])?;
    assert!(listed.status.success(), "{}", noted(&listed));
    let regions = document(&listed)?;
    let regions = regions.as_array().context("a list")?;
    assert!(regions.len() > 1);
    let unmeasured = regions.iter().all(|region| region["latencyMs"].is_null());
    let said = noted(&listed).contains("sorted by name");
    assert_eq!(unmeasured, said, "{}", noted(&listed));
    let place = |region: &serde_json::Value| {
        let latency = region["latencyMs"].as_u64();
        (latency.is_none(), latency, region["name"].to_string())
    };
    assert!(regions.is_sorted_by_key(place), "{regions:?}");
    Ok(())
}

/// Two servers, one of them as an older program wrote it.
fn two_servers(owner: &Owner) -> Result<()> {
    let folder = owner.home().join("servers").join(ID);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("client.p12"), "a file")?;
    owner.write_list(&json!([
        {
            "id": ID, "label": "home", "panelUrl": "https://198.51.100.7:9292",
            "ip": "198.51.100.7", "provider": "digitalocean", "providerId": "4711000001",
            "region": "fra1", "createdAt": "2026-04-01T10:00:00.000Z", "active": true,
            "authMethod": "p12", "p12Path": folder.join("client.p12"),
            "p12Password": "hunter2hunter2", "activeMode": "admin",
        },
        {
            "id": "7f0c1b1e-6a6f-4b0a-9a43-0d7f4a1f2b3c", "label": "shed",
            "panelUrl": "https://panel.example.org", "ip": "",
            "createdAt": "2026-04-01T10:00:00.000Z", "active": false, "authMethod": "p12",
        },
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_listed_chosen_renamed_and_removed() -> Result<()> {
    let owner = Owner::new().await?;
    let none = owner.run(["list"])?;
    assert!(none.status.success() && noted(&none).contains("portlama cloud create"));
    two_servers(&owner)?;

    // What stood there in plain text goes where passwords belong.
    let listed = owner.run(["list", "--json"])?;
    assert!(listed.status.success(), "{}", noted(&listed));
    assert!(!data(&listed).contains("hunter2"));
    assert_eq!(
        owner.desktop.lookup("com.portlama.server", ID)?,
        "hunter2hunter2"
    );
    assert_eq!(
        owner.files_with("hunter2"),
        Vec::<std::path::PathBuf>::new()
    );
    assert_eq!(owner.list()?[0]["activeMode"], "admin");

    let shown = data(&owner.run(["list"])?);
    assert!(
        shown.contains("* home") && shown.contains("  shed"),
        "{shown}"
    );
    assert!(owner.run(["switch", "shed"])?.status.success());
    let shown = data(&owner.run(["list"])?);
    assert!(
        shown.contains("  home") && shown.contains("* shed"),
        "{shown}"
    );
    let unknown = owner.run(["use", "attic"])?;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        noted(&unknown).contains("there are home, shed"),
        "{}",
        noted(&unknown)
    );

    assert!(owner.run(["rename", "home", "attic"])?.status.success());
    let taken = owner.run(["rename", "attic", "shed"])?;
    assert!(
        noted(&taken).contains("choose another label"),
        "{}",
        noted(&taken)
    );
    let bad = owner.run(["rename", "attic", "Attic!"])?;
    assert_eq!(bad.status.code(), Some(2));

    let unasked = owner.run(["remove", "attic"])?;
    assert!(noted(&unasked).contains("add --yes"), "{}", noted(&unasked));
    let removed = owner.run(["remove", "attic", "--yes"])?;
    assert!(removed.status.success(), "{}", noted(&removed));
    assert_eq!(owner.list()?.as_array().context("a list")?.len(), 1);
    assert_eq!(owner.desktop.lookup("com.portlama.server", ID)?, "");
    assert!(!owner.home().join("servers").join(ID).exists());
    assert_eq!(
        owner.fake.calls(),
        Vec::<String>::new(),
        "DigitalOcean hears nothing of it"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_broken_is_told_and_left_as_it_is() -> Result<()> {
    let owner = Owner::new().await?;
    std::fs::create_dir_all(owner.home())?;
    let path = owner.home().join("servers.json");
    std::fs::write(&path, "[{")?;
    for words in [["list", "--json"], ["use", "home"], ["open", "home"]] {
        let refused = owner.run(words)?;
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            noted(&refused).contains("broken at line 1"),
            "{}",
            noted(&refused)
        );
    }
    assert_eq!(std::fs::read_to_string(&path)?, "[{");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_is_opened_in_the_browser() -> Result<()> {
    let owner = Owner::new().await?;
    two_servers(&owner)?;
    let tools = tempfile::tempdir()?;
    let opener = tools.path().join("xdg-open");
    let opened = tools.path().join("opened");
    std::fs::write(
        &opener,
        format!("#!/bin/sh\necho \"$@\" >> {}\n", opened.display()),
    )?;
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755))?;
    let open = |words: &[&str]| {
        let path = format!("{}:/usr/bin:/bin", tools.path().display());
        owner.command(words).env("PATH", path).output()
    };
    let active = open(&["open"])?;
    assert!(active.status.success(), "{}", noted(&active));
    assert!(open(&["open", "shed"])?.status.success());
    assert_eq!(
        std::fs::read_to_string(&opened)?,
        "https://198.51.100.7:9292\nhttps://panel.example.org\n"
    );
    let mut list = owner.list()?;
    list[1]["panelUrl"] = json!("file:///etc/passwd");
    owner.write_list(&list)?;
    let refused = open(&["open", "shed"])?;
    assert!(
        noted(&refused).contains("must begin with https://"),
        "{}",
        noted(&refused)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_shown_on_a_terminal_alone() -> Result<()> {
    let owner = Owner::new().await?;
    two_servers(&owner)?;
    for words in [
        vec!["credentials", "home"],
        vec!["credentials", "home", "--json"],
    ] {
        let refused = owner.command(words).output()?;
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            noted(&refused).contains("terminal only"),
            "{}",
            noted(&refused)
        );
        assert!(!data(&refused).contains("hunter2"));
    }
    // `script` gives the program a terminal, and us what it shows there.
    let plain = owner.command(["credentials"]);
    let line = format!("{} cloud credentials home", binary().display());
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in plain.get_envs() {
        terminal.env(name, value.unwrap_or_default());
    }
    let shown = data(&terminal.output()?);
    assert!(
        shown.contains("client.p12") && shown.contains("hunter2hunter2"),
        "{shown}"
    );
    Ok(())
}
