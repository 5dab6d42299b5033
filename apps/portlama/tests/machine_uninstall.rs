//! `portlama server uninstall` by the guide's commands: what was added goes, what is documented
//! stays, and whoever came by SSH still does.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Machine, Packages};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(300);
const GUIDE: &str = include_str!("../../../docs/guide/36-uninstall.md");
const MANIFEST: &str = "/var/lib/portlama/install.json";
const SSH_DROP_IN: &str = "/etc/ssh/sshd_config.d/00-portlama.conf";
/// All steps where no package was installed and swap was impossible, as `--json` names them.
const STEPS: [&str; 8] = [
    "units", "fail2ban", "firewall", "kernel", "state", "user", "program", "record",
];

/// Those that must be cut short for the test to say anything: they take the most back.
const MUST_BE_KILLED: [&str; 4] = ["units", "fail2ban", "firewall", "state"];
/// How often a step is tried that is over before it can be killed.
const TRIES: u32 = 3;

#[test]
fn takes_back_what_was_added_and_leaves_what_is_documented() -> Result<()> {
    let name = "takes_back_what_was_added_and_leaves_what_is_documented";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "leaving", Packages::Equipped)?;
        let before = everything(&machine)?;
        install(&machine)?;
        asks_first(&machine)?;
        uninstall(&machine, "portlama server uninstall\n", " --yes")?;
        let rest = difference(&before, &everything(&machine)?);
        ensure!(rest == [SSH_DROP_IN, MANIFEST], "{rest:?}");
        nothing_runs(&machine)?;
        lets_the_operator_in(&machine)?;
        // Again, though everything is gone: as after a power cut in the moment before each step
        // was written down.
        let manifest = machine.read("/root/manifest")?;
        machine.write(MANIFEST, manifest, 0o600)?;
        uninstall(&machine, "portlama server uninstall\n", " --yes")?;
        let rest = difference(&before, &everything(&machine)?);
        ensure!(rest == [SSH_DROP_IN, MANIFEST], "{rest:?}");

        keeps_the_data(&machine)?;
        uninstall(&machine, "portlama server uninstall --all --yes\n", "")?;
        let rest = difference(&before, &everything(&machine)?);
        ensure!(rest.is_empty(), "{rest:?}");
        lets_the_operator_in(&machine)?;
        let said = machine.shell("/root/portlama server uninstall --yes --json")?;
        let end: Value = serde_json::from_str(&said)?;
        ensure!(end["event"] == "complete", "{end}");
        Ok(())
    })
}

#[test]
fn goes_on_with_a_removal_that_was_killed_in_any_step() -> Result<()> {
    let name = "goes_on_with_a_removal_that_was_killed_in_any_step";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "killed", Packages::Equipped)?;
        let before = everything(&machine)?;
        install(&machine)?;
        let killed = kill_in_each_step(&machine)?;
        lab.say(format_args!("killed in {killed:?}"))?;
        for step in MUST_BE_KILLED {
            ensure!(killed.contains(step), "{step} was not cut short");
        }
        machine.shell("systemctl reset-failed cut.service || true; rm -f /root/said")?;
        machine.shell("/root/portlama server uninstall --all --yes")?;
        let rest = difference(&before, &everything(&machine)?);
        ensure!(rest.is_empty(), "{rest:?}");
        nothing_runs(&machine)
    })
}

#[test]
fn a_firewall_that_its_owner_switched_on_stays_on() -> Result<()> {
    let name = "a_firewall_that_its_owner_switched_on_stays_on";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "guarded", Packages::Equipped)?;
        machine
            .shell("ufw allow from 203.0.113.0/24 to any port 5432 proto tcp; ufw allow 8080")?;
        machine.shell("ufw --force enable")?;
        let before = machine.shell("ufw show added")?;
        let said = install(&machine)?;
        for kept in before.lines().filter(|line| line.starts_with("ufw")) {
            ensure!(said.contains(&format!("kept: {kept}")), "{kept}: {said}");
        }
        let said = machine.run(["/root/portlama", "server", "uninstall", "--all", "--yes"])?;
        ensure!(said.code == Some(0), "{said:?}");
        ensure!(said.stderr.contains("so that SSH stays open"), "{said:?}");
        let after = machine.shell("ufw show added")?;
        ensure!(after == format!("{before}ufw allow 22/tcp\n"), "{after}");
        let status = machine.shell("ufw status")?;
        ensure!(status.contains("Status: active"), "{status}");
        lets_the_operator_in(&machine)
    })
}

/// Installs, and keeps the manifest as it is then.
fn install(machine: &Machine<'_>) -> Result<String> {
    let command = format!("/root/portlama server install --ip {}", machine.address());
    let said = machine.run(["sh", "-c", &command])?;
    ensure!(said.code == Some(0), "{said:?}");
    machine.shell(&format!("cp {MANIFEST} /root/manifest"))?;
    Ok(said.stderr)
}

/// The guide's command. The installed program takes itself away, and a copy goes on.
fn uninstall(machine: &Machine<'_>, block: &str, more: &str) -> Result<()> {
    ensure!(GUIDE.contains(&format!("```\n{block}```\n")), "{block}");
    let command = format!("{}{more} --json", block.trim());
    let is_there = machine.shell("command -v portlama || true")?;
    let command = match is_there.trim() {
        "" => format!("/root/{command}"),
        _ => command,
    };
    let said = machine.shell(&command)?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(
        lines.last().is_some_and(|last| last["event"] == "complete"),
        "{said}"
    );
    let ends = lines.iter().filter(|line| line["event"] == "complete");
    ensure!(ends.count() == 1, "{said}");
    Ok(())
}

/// Without a terminal nobody can be asked, and nothing goes.
fn asks_first(machine: &Machine<'_>) -> Result<()> {
    let before = everything(machine)?;
    let said = machine.run(["portlama", "server", "uninstall"])?;
    ensure!(
        said.code == Some(1) && said.stderr.contains("--yes"),
        "{said:?}"
    );
    let plan = machine.shell("portlama server uninstall --dry-run")?;
    for word in [
        "remove /etc/portlama with all",
        "ufw delete allow 443/tcp",
        SSH_DROP_IN,
    ] {
        ensure!(plan.contains(word), "{word}: {plan}");
    }
    let stranger = machine.run([
        "runuser",
        "-u",
        "nobody",
        "--",
        "portlama",
        "server",
        "uninstall",
        "--yes",
    ])?;
    ensure!(
        stranger.code == Some(1) && stranger.stderr.contains("root"),
        "{stranger:?}"
    );
    let changed = difference(&before, &everything(machine)?);
    ensure!(changed.is_empty(), "{changed:?}");
    Ok(())
}

fn keeps_the_data(machine: &Machine<'_>) -> Result<()> {
    install(machine)?;
    let authority = machine.read("/etc/portlama/pki/ca.crt")?;
    uninstall(machine, "portlama server uninstall --keep-data --yes\n", "")?;
    nothing_runs(machine)?;
    let owner = machine.shell("stat --format=%U /etc/portlama/panel.json")?;
    ensure!(owner.trim() == "portlama", "{owner}");
    install(machine)?;
    ensure!(authority == machine.read("/etc/portlama/pki/ca.crt")?);
    let answers = || {
        let url = vps::api(machine, "onboarding/status");
        let answer = vps::admin(machine).send(&url).ok()?;
        (answer.status == 200).then_some(())
    };
    common::within(vps::ANSWER_LIMIT, answers).context("the panel does not answer")?;
    Ok(())
}

fn nothing_runs(machine: &Machine<'_>) -> Result<()> {
    let ports = machine.shell("ss -Hltn '( sport = :443 or sport = :9292 )'")?;
    ensure!(ports.trim().is_empty(), "{ports}");
    let units = machine.shell("systemctl list-units --all --plain --no-legend")?;
    ensure!(!units.contains("portlama"), "{units}");
    let firewall = machine.shell("ufw status")?;
    ensure!(firewall.contains("Status: inactive"), "{firewall}");
    let rules = machine.shell("ufw show added")?;
    ensure!(!rules.contains("/tcp"), "{rules}");
    Ok(())
}

fn lets_the_operator_in(machine: &Machine<'_>) -> Result<()> {
    machine.shell(&format!("{} {} true", vps::SSH, machine.address()))?;
    Ok(())
}

/// Kills removals, each in another step, and goes on with the next. For a step that was over too
/// soon the server is installed anew. Returns where they died.
fn kill_in_each_step(machine: &Machine<'_>) -> Result<BTreeSet<String>> {
    let uninstall = "/root/portlama server uninstall --all --yes";
    let mut killed = BTreeSet::new();
    for step in STEPS {
        for _ in 0..TRIES {
            let died_in = vps::kill_in(machine, uninstall, step, ("/root/said", step))?;
            lets_the_operator_in(machine)?;
            let is_hit = died_in.as_deref() == Some(step);
            killed.extend(died_in);
            if is_hit {
                break;
            }
            install(machine)?;
        }
    }
    Ok(killed)
}

/// Every file and link of the system with its content, and every account. ufw writes its two
/// lists of rules in its own way, without a rule as well; they are asked for by themselves.
fn everything(machine: &Machine<'_>) -> Result<String> {
    machine.shell(
        "where='/etc /usr/local /var/lib /opt'
         not='( -path /var/lib/systemd -o -path /var/lib/fail2ban -o -path /var/lib/dpkg
                -o -path /opt/packages -o -path /etc/ufw/user*.rules -o -path /etc/*- ) -prune'
         set -f
         find $where -xdev $not -o '(' -type f -o -type l ')' -printf '%p %m %u %l\\n' | sort
         find $where -xdev $not -o -type f -print0 | xargs -0 md5sum | sort |
           awk '{ print $2, $1 }'
         ls /swapfile /run/portlama 2>/dev/null || true
         getent passwd; getent group",
    )
}

/// The paths, or accounts, that are new, gone or otherwise.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let one_sided = |these: &[&str], others: &[&str]| -> Vec<String> {
        let only = these.iter().filter(|line| !others.contains(line));
        only.map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    };
    let mut all = one_sided(&before, &after);
    all.extend(one_sided(&after, &before));
    all.sort();
    all.dedup();
    all
}
