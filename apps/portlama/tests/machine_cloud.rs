//! `portlama cloud create` on machines that start as a provider's do: cloud-init brings the key
//! and what was planted, in a documentation network. The provider is the fake one.

mod common;
#[path = "cloud/provider.rs"]
mod provider;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::fake_digitalocean::Machine as Birth;
use portlama_testkit::machine::{Lab, Machine};
use provider::{Provider, TOKEN, Told, is_step};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(500);
/// How long making a server may take on a busy host.
const CREATE_LIMIT: Duration = Duration::from_secs(240);
/// Our own share of making a server, beside the machine's boot.
const GOAL: Duration = Duration::from_secs(20);
/// All steps in their order.
const STEPS: [&str; 11] = [
    "validate_token",
    "generate_ssh_key",
    "upload_ssh_key",
    "create_droplet",
    "wait_droplet",
    "wait_ssh",
    "install_portlama",
    "retrieve_credentials",
    "enroll_admin",
    "save_registry",
    "cleanup",
];

#[test]
fn makes_a_server_from_a_token_that_its_admin_opens_and_destroys() -> Result<()> {
    Lab::enter(
        "makes_a_server_from_a_token_that_its_admin_opens_and_destroys",
        LIMIT,
        |lab| {
            let provider = Provider::start(lab)?;
            let creation = provider.create()?;
            let (machine, birth) = provider.boot(lab, "vps")?;
            let told = creation.finish(CREATE_LIMIT)?;
            ensure!(provider.fake.droplets().len() == 1 && provider.fake.keys().is_empty());
            says_how_long_it_took(lab, &told)?;
            let (_, complete) = told.last().context("an end")?;
            let server = &complete["server"];
            ensure!(server["ip"] == machine.address().to_string(), "{server}");
            no_secret_is_told_or_kept(&provider, &told)?;

            let health = provider.says(&["health", "--json"])?;
            ensure!(health.contains("online"), "{health}");
            the_panel_opens_with_the_file(&provider, server)?;
            shows_a_host_key_that_only_it_knows(&machine, server, &birth)?;
            knows_the_key_for_the_installation_no_more(&machine)?;
            keeps_the_service_from_the_metadata(lab, &machine)?;

            provider.says(&["destroy", "home", "--yes"])?;
            ensure!(provider.fake.resources_left() == 0);
            let list = provider.says(&["list", "--json"])?;
            ensure!(!list.contains("home-"), "{list}");
            ensure!(std::fs::read_dir(provider.home.join("servers"))?.count() == 0);
            Ok(())
        },
    )
}

#[test]
fn finds_what_was_left_by_a_process_that_was_killed_in_any_step() -> Result<()> {
    Lab::enter(
        "finds_what_was_left_by_a_process_that_was_killed_in_any_step",
        LIMIT,
        |lab| {
            let provider = Provider::start(lab)?;
            // Up to here no machine is needed: one that never starts is enough.
            for step in &STEPS[..6] {
                let mut creation = provider.create()?;
                creation.wait_for(CREATE_LIMIT, |event| is_step(event, step, "running"))?;
                creation.kill()?;
                provider.boot_none();
                is_cleared_away(&provider, step)?;
            }
            for (number, step) in ["install_portlama", "enroll_admin"].iter().enumerate() {
                let mut creation = provider.create()?;
                let (_machine, _) = provider.boot(lab, &format!("killed{number}"))?;
                creation.wait_for(CREATE_LIMIT, |event| is_step(event, step, "running"))?;
                creation.kill()?;
                is_cleared_away(&provider, step)?;
            }
            Ok(())
        },
    )
}

/// A journal may stay for a while: when the process died before the answer to a creation, what was
/// asked for can still appear.
fn is_cleared_away(provider: &Provider, step: &str) -> Result<()> {
    let before = provider.fake.resources_left();
    provider.says(&["leftovers", "--yes"])?;
    ensure!(provider.fake.resources_left() == 0, "{step}: of {before}");
    let servers = std::fs::read_dir(provider.home.join("servers"));
    ensure!(servers.map_or(0, Iterator::count) == 0, "{step}");
    Ok(())
}

/// Our share is everything but the machine's own start.
fn says_how_long_it_took(lab: &Lab, told: &[Told]) -> Result<()> {
    let moment = |step: &str, status: &str| -> Result<Instant> {
        let mut told = told.iter();
        let found = told.find(|(_, event)| is_step(event, step, status));
        Ok(found.with_context(|| format!("{step} {status}"))?.0)
    };
    let asked = moment("create_droplet", "done")?;
    let inside = moment("wait_ssh", "done")?;
    let before = asked - moment("validate_token", "running")?;
    let share = before + (moment("cleanup", "done")? - inside);
    lab.say(format_args!(
        "our share of making a server: {share:.1?} (goal: {GOAL:.0?}), beside {:.1?} until it let us in",
        inside - asked
    ))?;
    for step in STEPS {
        let took = moment(step, "done")? - moment(step, "running")?;
        lab.say(format_args!("  {step}: {took:.2?}"))?;
    }
    Ok(())
}

fn no_secret_is_told_or_kept(provider: &Provider, told: &[Told]) -> Result<()> {
    let secret = TOKEN.trim_start_matches("dop_v1_");
    let events: String = told.iter().map(|(_, event)| event.to_string()).collect();
    ensure!(!events.contains(secret) && !events.contains("PRIVATE KEY"));
    let found = Command::new("grep")
        .args(["-r", "-l", "-a", "-e", secret, "-e", "PRIVATE KEY"])
        .arg(&provider.home)
        .output()?;
    ensure!(found.stdout.is_empty(), "{found:?}");
    Ok(())
}

/// curl opens the panel with the file and the password in the store.
fn the_panel_opens_with_the_file(provider: &Provider, server: &Value) -> Result<()> {
    let password = provider.password(server["id"].as_str().context("an id")?)?;
    let file = server["p12Path"].as_str().context("a path")?;
    let pem = Command::new("openssl")
        .args(["pkcs12", "-legacy", "-nodes", "-passin", "env:PASSWORD"])
        .args(["-in", file])
        .env("PASSWORD", password.expose())
        .output()?;
    ensure!(pem.status.success(), "{pem:?}");
    let files = tempfile::tempdir()?;
    let identity = files.path().join("admin.pem");
    std::fs::write(&identity, &pem.stdout)?;
    let panel = server["panelUrl"].as_str().context("an address")?;
    let status = Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--max-time", "20"])
        .arg("--cert")
        .arg(&identity)
        .arg(format!("{panel}/api/onboarding/status"))
        .output()?;
    let said = String::from_utf8_lossy(&status.stdout);
    ensure!(said.contains(r#""status":"FRESH""#), "{status:?}");
    Ok(())
}

fn shows_a_host_key_that_only_it_knows(
    machine: &Machine<'_>,
    server: &Value,
    birth: &Birth,
) -> Result<()> {
    let keys = machine.shell("cat /etc/ssh/ssh_host_*_key.pub")?;
    let pinned = server["sshHostKey"].as_str().context("a pinned key")?;
    ensure!(keys.trim() == pinned, "{keys}");
    let is_planted = birth.user_data.contains(pinned);
    ensure!(!is_planted, "the planted key is still there");
    let shown = Command::new("ssh-keyscan")
        .args(["-T", "5", &machine.address().to_string()])
        .output()?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let lines: Vec<_> = shown
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    ensure!(!lines.is_empty(), "nobody answers");
    ensure!(lines.iter().all(|line| line.ends_with(pinned)), "{shown}");
    Ok(())
}

fn knows_the_key_for_the_installation_no_more(machine: &Machine<'_>) -> Result<()> {
    let known = machine.read("/root/.ssh/authorized_keys")?;
    ensure!(!known.contains("portlama-provisioning"), "{known}");
    let left = machine.shell("ls -A /root")?;
    ensure!(!left.contains("portlama"), "{left}");
    Ok(())
}

/// Somebody who answers at the metadata service's address is reached by others, and not by a
/// unit with the service's rule, where the kernel lets containers have such rules.
fn keeps_the_service_from_the_metadata(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    let denied = machine.shell("systemctl show -p IPAddressDeny --value portlama.service")?;
    ensure!(denied.contains("169.254.169.254"), "{denied}");
    machine.shell(
        "ip address add 169.254.169.254/32 dev lo
         systemd-run --quiet --unit=metadata python3 -m http.server -b 169.254.169.254 8080",
    )?;
    let ask = "/usr/bin/curl -s -o /dev/null -m 3 http://169.254.169.254:8080/";
    let answers = || machine.shell(ask).ok();
    common::within(Duration::from_secs(15), answers).context("nobody answers there")?;
    let denying = format!("systemd-run --quiet --wait -p IPAddressDeny=169.254.169.254 {ask}");
    match machine.shell(&denying).is_err() {
        true => lab.say("units are kept from the metadata service"),
        false => lab.say("skipped: this kernel keeps no unit of a container from an address"),
    }
}
