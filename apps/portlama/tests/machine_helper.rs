//! Root's helper on a machine that systemd runs: it does the few things that the server may order,
//! for nobody else, and nothing that is sent to it does more or holds it up.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};

const LIMIT: Duration = Duration::from_secs(180);
/// How exposed `systemd-analyze security` may find the helper, of 10.
const MOST_EXPOSED: f64 = 1.0;
const DONE: &str = "{\"outcome\":\"done\"}\n";
const RESTART_SSH: &[u8] = b"{\"do\":\"restart\",\"unit\":\"ssh\"}\n";
const UPGRADE: &[u8] = b"{\"do\":\"upgrade\"}\n";

#[test]
fn roots_helper_obeys_the_server_and_nobody_else() -> Result<()> {
    Lab::enter(
        "roots_helper_obeys_the_server_and_nobody_else",
        LIMIT,
        |lab| {
            let fresh = MachineOptions {
                packages: Packages::Fresh,
                ..MachineOptions::default()
            };
            let machine = lab.boot("vps", fresh)?;
            machine.copy_in(&common::binary(), "/usr/local/bin/portlama", 0o755)?;
            machine.shell("useradd --system --user-group portlama")?;
            vps::bring_the_helper(&machine)?;
            has_few_rights(lab, &machine)?;
            carries_out_what_the_server_may_order(lab, &machine)?;
            refuses_everybody_else(&machine)?;
            refuses_what_is_no_order(&machine)?;
            is_held_up_by_nobody(lab, &machine)?;
            starts_an_upgrade_and_does_not_wait(&machine)?;
            leaves_nothing_behind_but_its_journal(&machine)
        },
    )
}

fn has_few_rights(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    let score = vps::exposure(machine, "portlama-helper@1.service")?;
    lab.say(format_args!("exposed {score} of 10"))?;
    ensure!(score <= MOST_EXPOSED, "exposed {score} of 10");
    let silent = Silent::begin(machine, 1)?;
    let pid = || {
        let pids = machine.shell("pgrep -f 'portlama server [h]elper'").ok()?;
        pids.trim().parse::<u32>().ok()
    };
    let (pid, _) = common::within(vps::ANSWER_LIMIT, pid).context("no helper")?;
    let status = machine.shell(&format!("cat /proc/{pid}/status"))?;
    drop(silent);
    for line in [
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        ensure!(status.contains(line), "{line} in {status}");
    }
    Ok(())
}

fn carries_out_what_the_server_may_order(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    for user in ["portlama", "root"] {
        let before = vps::main_pid(machine, "ssh.service")?;
        let (answer, took) = ordered(machine, user, RESTART_SSH)?;
        ensure!(answer == DONE, "{user}: {answer}");
        ensure!(vps::main_pid(machine, "ssh.service")? != before, "{user}");
        lab.say(format_args!("{user} has ssh restarted in {took:.1?}"))?;
    }
    let (answer, _) = ordered(machine, "portlama", &line("start", "fail2ban"))?;
    ensure!(
        answer.starts_with("{\"outcome\":\"failed\"") && answer.contains("not found"),
        "{answer}"
    );
    for unit in ["ssh", "portlama-panel"] {
        let (answer, _) = ordered(machine, "portlama", &line("stop", unit))?;
        ensure!(is_refusal(&answer), "{unit}: {answer}");
    }
    machine.shell("systemctl is-active ssh")?;
    Ok(())
}

fn refuses_everybody_else(machine: &Machine<'_>) -> Result<()> {
    let before = vps::main_pid(machine, "ssh.service")?;
    ensure!(
        vps::order(machine, "nobody", RESTART_SSH)?.is_none(),
        "the socket is open to everybody"
    );
    // Who gets past the socket's mode is known by the kernel all the same.
    machine.shell("useradd --system --no-user-group --gid portlama stranger")?;
    let (answer, _) = ordered(machine, "stranger", RESTART_SSH)?;
    ensure!(
        is_refusal(&answer) && answer.contains("may order nothing"),
        "{answer}"
    );
    ensure!(vps::main_pid(machine, "ssh.service")? == before);
    Ok(())
}

fn refuses_what_is_no_order(machine: &Machine<'_>) -> Result<()> {
    let before = vps::main_pid(machine, "ssh.service")?;
    let two = [RESTART_SSH, RESTART_SSH].concat();
    let large = vec![b'{'; 1024 * 1024];
    for octets in [
        &b"restart ssh\n"[..],
        b"\xff\xfe\x00\n",
        b"{\"do\":\"restart\",\"unit\":\"../ssh\"}\n",
        b"{\"do\":\"restart\",\"unit\":\"dbus\"}\n",
        b"{\"do\":\"upgrade\",\"file\":\"/tmp/portlama\"}\n",
        &two,
        &large,
    ] {
        let (answer, took) = ordered(machine, "portlama", octets)?;
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(60)]);
        ensure!(is_refusal(&answer), "{shown}: {answer}");
        ensure!(took < Duration::from_secs(10), "{shown}: {took:?}");
    }
    ensure!(vps::main_pid(machine, "ssh.service")? == before);
    Ok(())
}

/// As many who say nothing as there is room for: they are cut off, and the next is served.
fn is_held_up_by_nobody(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    let _silent = Silent::begin(machine, 50)?;
    let served = || {
        let (answer, _) = ordered(machine, "portlama", RESTART_SSH).ok()?;
        (answer == DONE).then_some(())
    };
    let (_, took) = common::within(vps::ANSWER_LIMIT, served).context("it is held up")?;
    lab.say(format_args!(
        "serves {took:.1?} after 50 connections that say nothing"
    ))
}

fn starts_an_upgrade_and_does_not_wait(machine: &Machine<'_>) -> Result<()> {
    let (answer, _) = ordered(machine, "portlama", UPGRADE)?;
    ensure!(
        answer.contains("portlama-upgrade.service not found"),
        "{answer}"
    );
    let unit = "[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n";
    machine.write("/etc/systemd/system/portlama-upgrade.service", unit, 0o644)?;
    machine.shell("systemctl daemon-reload")?;
    let (answer, _) = ordered(machine, "portlama", UPGRADE)?;
    ensure!(answer == DONE, "{answer}");
    let state = machine.run(["systemctl", "is-active", "portlama-upgrade.service"])?;
    ensure!(state.stdout.trim() == "activating", "{state:?}");
    machine.shell("systemctl stop portlama-upgrade.service")?;
    Ok(())
}

fn leaves_nothing_behind_but_its_journal(machine: &Machine<'_>) -> Result<()> {
    let gone = || {
        let units = "systemctl list-units --all --plain --no-legend 'portlama-helper@*'";
        machine.shell(units).ok()?.trim().is_empty().then_some(())
    };
    common::within(vps::ANSWER_LIMIT, gone).context("helpers are left")?;
    machine.shell("systemctl is-active portlama-helper.socket")?;
    let uid = machine.shell("id --user portlama")?;
    let log = machine.shell("journalctl --no-pager -t portlama-helper -o cat")?;
    for line in [
        format!("`restart ssh` of user {}: done", uid.trim()),
        "`restart ssh` of user 0: done".to_owned(),
        "may order nothing".to_owned(),
    ] {
        ensure!(log.contains(&line), "no {line:?} in {log}");
    }
    Ok(())
}

fn line(action: &str, unit: &str) -> Vec<u8> {
    format!("{{\"do\":\"{action}\",\"unit\":\"{unit}\"}}\n").into_bytes()
}

fn ordered(machine: &Machine<'_>, user: &str, octets: &[u8]) -> Result<(String, Duration)> {
    let answer = vps::order(machine, user, octets)?;
    answer.with_context(|| format!("{user} is not let near the helper"))
}

fn is_refusal(answer: &str) -> bool {
    answer.starts_with("{\"outcome\":\"refused\",\"reason\":\"") && answer.ends_with("\"}\n")
}

/// Connections of the server's user that send nothing, until this is dropped.
struct Silent<'lab>(&'lab Machine<'lab>);

impl<'lab> Silent<'lab> {
    fn begin(machine: &'lab Machine<'lab>, count: usize) -> Result<Self> {
        let holds = format!(
            "import socket, time
all = [socket.socket(socket.AF_UNIX) for _ in range({count})]
for one in all: one.connect('/run/portlama-helper.sock')
open('/tmp/silent', 'w')
time.sleep(60)"
        );
        machine.write("/tmp/silent.py", holds, 0o644)?;
        machine.shell(
            "rm -f /tmp/silent
             systemd-run --quiet --unit=silent --uid=portlama python3 -B /tmp/silent.py",
        )?;
        let connected = || machine.path("/tmp/silent").exists().then_some(());
        common::within(vps::ANSWER_LIMIT, connected).context("nobody connects")?;
        Ok(Self(machine))
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        let _ = self.0.run(["systemctl", "stop", "silent.service"]);
    }
}
