//! The guide `docs/cloud.md`: each of its commands is run, in its order, as it stands there. The
//! droplet that it makes is one that DigitalOcean refuses; `machine_cloud` makes a real one.

mod common;
#[path = "common/owner.rs"]
mod owner;

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use anyhow::Result;
use common::binary;
use owner::{Owner, TOKEN, data, feed, noted};
use portlama_testkit::fake_digitalocean::{Deed, Fault};
use serde_json::json;

const GUIDE: &str = include_str!("../../../docs/cloud.md");
const ID: &str = "6f0c1b1e-6a6f-4b0a-9a43-0d7f4a1f2b3c";

/// The commands of the guide, without `portlama cloud`.
fn commands() -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut is_code = false;
    for line in GUIDE.lines() {
        match line {
            "```sh" => is_code = true,
            "```" => is_code = false,
            line if is_code => commands.push(
                line.strip_prefix("portlama cloud ")
                    .expect("every command is one of `portlama cloud`"),
            ),
            _ => {}
        }
    }
    commands
}

fn run(owner: &Owner, line: &str, further: &[&str], input: &str) -> Result<Output> {
    let mut command = owner.command(line.split_whitespace());
    command.args(further);
    feed(command, input)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_guide_does_what_the_guide_says() -> Result<()> {
    let owner = Owner::new().await?;
    let commands = commands();
    assert!(commands.len() > 12, "{commands:?}");
    for line in commands {
        let wanted = match line {
            "token set" => {
                let done = run(&owner, line, &[], TOKEN)?;
                assert!(
                    noted(&done).contains("the token is kept"),
                    "{}",
                    noted(&done)
                );
                done
            }
            "token check" => {
                let done = run(&owner, line, &[], "")?;
                assert!(
                    data(&done).contains("it holds 90 more days"),
                    "{}",
                    data(&done)
                );
                done
            }
            "create --region fra1 --label home --dry-run" => {
                let done = run(&owner, line, &[], "")?;
                assert!(data(&done).contains("4 USD a month"), "{}", data(&done));
                assert!(
                    !owner
                        .fake
                        .calls()
                        .iter()
                        .any(|call| call.starts_with("POST"))
                );
                done
            }
            "create --region fra1 --label home" => {
                a_refused_droplet(&owner, line)?;
                stand_a_server(&owner)?;
                continue;
            }
            "credentials home" => on_a_terminal(&owner, line)?,
            "open home" => with_a_browser(&owner, line)?,
            "health" => {
                let asked = run(&owner, line, &[], "")?;
                assert_eq!(asked.status.code(), Some(3), "nobody is at that address");
                assert!(data(&asked).contains("home  offline"), "{}", data(&asked));
                continue;
            }
            "add https://203.0.113.42:9292 --label shed" => {
                // A documentation network: nobody of ours is there, whoever answers for it.
                let asked = run(&owner, line, &["--yes"], "")?;
                assert_eq!(asked.status.code(), Some(1), "{}", data(&asked));
                assert!(
                    noted(&asked).contains("https://203.0.113.42:9292"),
                    "{}",
                    noted(&asked)
                );
                continue;
            }
            "destroy attic" => {
                let done = run(&owner, line, &["--yes"], "")?;
                assert_eq!(owner.fake.resources_left(), 0);
                assert_eq!(owner.list()?, json!([]));
                done
            }
            "leftovers" => {
                let done = run(&owner, line, &[], "")?;
                assert!(data(&done).contains("nothing was left behind"));
                done
            }
            "token set --credential-store file" => {
                let mut command = owner.command(line.split_whitespace());
                command.env("PORTLAMA_CREDENTIAL_PASSPHRASE", "correct horse battery");
                feed(command, TOKEN)?
            }
            "regions" | "list" | "use home" | "rename home attic" | "token forget" => {
                run(&owner, line, &[], "")?
            }
            other => panic!("the guide has a command that this test does not know: {other}"),
        };
        assert!(wanted.status.success(), "{line}: {}", noted(&wanted));
    }
    assert!(owner.home().join("credentials.age").exists());
    Ok(())
}

/// What the guide's table says of a full account.
fn a_refused_droplet(owner: &Owner, line: &str) -> Result<()> {
    let unasked = run(owner, line, &[], "")?;
    assert!(noted(&unasked).contains("add --yes"), "{}", noted(&unasked));
    let full = "creating this/these droplet(s) will exceed your droplet limit";
    let fault = Fault::new("POST", "/v2/droplets", Deed::Refuse(422, full));
    owner.fake.fail(fault);
    let refused = run(owner, line, &["--yes"], "")?;
    assert_eq!(refused.status.code(), Some(1));
    let said = noted(&refused);
    for words in [
        "✓ Uploading SSH key",
        "the account has as many droplets as it may",
    ] {
        assert!(said.contains(words), "{words}: {said}");
        let in_guide = words.trim_start_matches("✓ ");
        assert!(GUIDE.contains(in_guide), "{in_guide}");
    }
    assert_eq!(owner.fake.resources_left(), 0);
    Ok(())
}

/// A server as `create` leaves it, but for the machine.
fn stand_a_server(owner: &Owner) -> Result<()> {
    let droplet = owner
        .fake
        .foreign_droplet("portlama-home", &["portlama:managed"]);
    let path = owner.home().join("servers").join(ID).join("client.p12");
    std::fs::create_dir_all(path.parent().expect("a folder"))?;
    std::fs::write(&path, "a file")?;
    owner
        .desktop
        .store("com.portlama.server", ID, "hunter2hunter2")?;
    owner.write_list(&json!([{
        "id": ID, "label": "home", "panelUrl": "https://198.51.100.7:9292",
        "ip": "198.51.100.200", "provider": "digitalocean", "providerId": droplet.to_string(),
        "region": "fra1", "createdAt": "2026-04-01T10:00:00.000Z", "active": true,
        "authMethod": "p12", "p12Path": path, "caFingerprint": "ab".repeat(32),
    }]))
}

fn on_a_terminal(owner: &Owner, line: &str) -> Result<Output> {
    let line = format!("{} cloud {line}", binary().display());
    let plain = owner.command([""]);
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in plain.get_envs() {
        terminal.env(name, value.unwrap_or_default());
    }
    let shown = terminal.output()?;
    assert!(data(&shown).contains("hunter2hunter2"), "{}", data(&shown));
    Ok(shown)
}

fn with_a_browser(owner: &Owner, line: &str) -> Result<Output> {
    let tools = tempfile::tempdir()?;
    let opener = tools.path().join("xdg-open");
    std::fs::write(&opener, "#!/bin/sh\nexit 0\n")?;
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755))?;
    let mut command = owner.command(line.split_whitespace());
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.path().display()));
    let opened = command.output()?;
    assert_eq!(data(&opened), "https://198.51.100.7:9292\n");
    Ok(opened)
}
