//! The server of the guide on a machine that systemd runs: it serves with few rights, shows and
//! steers the machine's units as far as it may, and is back by itself after whatever happens.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use portlama_testkit::VisitorSocket;
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

const UNIT: &str = "portlama.service";
const LIMIT: Duration = Duration::from_secs(240);
/// How long a line of a log may take to arrive, on a busy machine.
const LINE_LIMIT: Duration = Duration::from_secs(15);
/// How exposed `systemd-analyze security` may find the server, of 10.
const MOST_EXPOSED: f64 = 2.0;
/// The one capability the unit keeps: CAP_NET_BIND_SERVICE, bit 10 (capability.h).
const BIND_SERVICE_ALONE: &str = "0000000000000400";

#[test]
fn the_server_of_the_guide_lives_with_systemd() -> Result<()> {
    Lab::enter("the_server_of_the_guide_lives_with_systemd", LIMIT, |lab| {
        let begun = Instant::now();
        let fresh = MachineOptions {
            packages: Packages::Fresh,
            ..MachineOptions::default()
        };
        let mut machine = lab.boot("vps", fresh)?;
        lab.say(format_args!("booted in {:.1?}", begun.elapsed()))?;
        vps::install(&machine)?;
        steers_units_as_root(&machine)?;
        follows_the_guide(&machine)?;
        lab.say(format_args!("exposed {} of 10", has_few_rights(&machine)?))?;
        steers_no_unit_without_the_helper(&machine)?;
        machine.shell("apt-get install -y fail2ban python3-systemd")?;
        shows_what_systemd_says(&machine)?;
        vps::bring_the_helper(&machine)?;
        steers_the_known_units_with_it(&machine)?;
        shows_the_journal(&machine)?;
        comes_back(lab, &mut machine)?;
        lab.say(format_args!("all checks in {:.1?}", begun.elapsed()))
    })
}

fn steers_units_as_root(machine: &Machine<'_>) -> Result<()> {
    machine.shell("systemd-run --quiet --unit=by-hand portlama server run")?;
    vps::comes_up(machine)?;
    let own = vps::service(machine, "portlama-panel")?;
    ensure!(own.is_null(), "a unit that is not installed: {own}");
    restarts_ssh(machine)?;
    for unknown in ["by-hand", "dbus", "nginx", "ssh.service", "..%2Fssh"] {
        let answer = vps::act(machine, unknown, "restart")?;
        ensure!(answer.status == 400, "{unknown}: {}", answer.text());
    }
    let answer = vps::act(machine, "ssh", "stop")?;
    ensure!(answer.status == 400, "{}", answer.text());
    machine.shell("systemctl stop by-hand.service")?;
    Ok(())
}

fn follows_the_guide(machine: &Machine<'_>) -> Result<()> {
    let unit = format!("/etc/systemd/system/{UNIT}");
    machine.write(&unit, vps::guide("[Unit]\nDescription=Portlama\n")?, 0o644)?;
    machine.shell(&format!("systemd-analyze verify {UNIT}"))?;
    machine.shell(vps::guide("useradd ")?)?;
    vps::comes_up(machine).map(drop)
}

/// Returns how exposed systemd finds the server.
fn has_few_rights(machine: &Machine<'_>) -> Result<f64> {
    let pid = vps::main_pid(machine, UNIT)?;
    let status = machine.read(&format!("/proc/{pid}/status"))?;
    let value = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(known, _)| *known == name)
            .map(|(_, v)| v.trim())
    };
    for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        ensure!(value(set) == Some(BIND_SERVICE_ALONE), "{set} in {status}");
    }
    ensure!(value("NoNewPrivs") == Some("1"), "{status}");
    let user = machine.shell(&format!("ps -o user= -p {pid}"))?;
    ensure!(user.trim() == "portlama", "{user}");

    let score = vps::exposure(machine, UNIT)?;
    ensure!(score <= MOST_EXPOSED, "exposed {score} of 10");

    // What it shows of the machine it still can read.
    let stats = vps::admin(machine).send(&vps::api(machine, "system/stats"))?;
    ensure!(stats.status == 200, "{}", stats.text());
    Ok(score)
}

fn shows_what_systemd_says(machine: &Machine<'_>) -> Result<()> {
    for name in ["portlama-panel", "ssh", "fail2ban", "systemd-timesyncd"] {
        let said = machine.run(["systemctl", "is-active", name])?.stdout;
        let shown = vps::service(machine, name)?;
        ensure!(shown["status"] == said.trim(), "{said} is shown as {shown}");
        ensure!(
            (shown["status"] == "active") == shown["uptime"].is_string(),
            "{shown}"
        );
    }
    Ok(())
}

fn steers_no_unit_without_the_helper(machine: &Machine<'_>) -> Result<()> {
    let before = vps::main_pid(machine, "ssh.service")?;
    let answer = vps::act(machine, "ssh", "restart")?;
    ensure!(answer.status == 500, "{}", answer.text());
    let text = answer.text();
    ensure!(
        text.contains("portlama-helper.socket") && text.contains("the guide shows it"),
        "{text}"
    );
    ensure!(vps::main_pid(machine, "ssh.service")? == before);
    Ok(())
}

fn steers_the_known_units_with_it(machine: &Machine<'_>) -> Result<()> {
    // As often as one likes: systemd would leave ssh down after five times.
    for _ in 0..8 {
        restarts_ssh(machine)?;
    }
    // As installed it finds no log on Debian 12, and fails.
    ensure!(vps::service(machine, "fail2ban")?["status"] == "failed");
    let journal = "[DEFAULT]\nbackend = systemd\n";
    machine.write("/etc/fail2ban/jail.d/journal.conf", journal, 0o644)?;
    for (action, after) in [
        ("start", "active"),
        ("stop", "inactive"),
        ("restart", "active"),
    ] {
        let answer = vps::act(machine, "fail2ban", action)?;
        ensure!(answer.status == 200, "{action}: {}", answer.text());
        shows_what_systemd_says(machine)?;
        let shown = vps::service(machine, "fail2ban")?;
        ensure!(shown["status"] == after, "after {action}: {shown}");
    }

    // By itself the server still may do nothing.
    for refused in [
        "restart ssh",
        "restart portlama-helper.socket",
        "kill ssh",
        "mask ssh",
        "daemon-reload",
        "reboot",
    ] {
        let words = format!("runuser -u portlama -- systemctl --no-ask-password {refused}");
        let said = machine.run(["sh", "-c", &words])?;
        ensure!(said.code != Some(0), "portlama may {refused}: {said:?}");
    }

    let before = vps::main_pid(machine, UNIT)?;
    let answer = vps::act(machine, "portlama-panel", "restart")?;
    ensure!(answer.status == 200, "{}", answer.text());
    let another = || {
        vps::main_pid(machine, UNIT)
            .ok()
            .filter(|pid| ![0, before].contains(pid))
    };
    common::within(vps::ANSWER_LIMIT, another).context("it did not restart itself")?;
    vps::comes_up(machine).map(drop)
}

fn restarts_ssh(machine: &Machine<'_>) -> Result<()> {
    let before = vps::main_pid(machine, "ssh.service")?;
    let answer = vps::act(machine, "ssh", "restart")?;
    ensure!(answer.status == 200, "{}", answer.text());
    let after = vps::main_pid(machine, "ssh.service")?;
    ensure!(after != before && after != 0, "still process {before}");
    Ok(())
}

fn shows_the_journal(machine: &Machine<'_>) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut log = vps::log(machine, "ssh").await?;
        let started = line_with(&mut log, "Server listening on 0.0.0.0 port 22").await?;
        ensure!(started["level"] == "info", "{started}");
        let mut stranger = TcpStream::connect((machine.address(), 22))?;
        stranger.write_all(b"no greeting of ssh\r\n")?;
        line_with(&mut log, &format!("from {}", Lab::ADDRESS)).await?;

        let mut log = vps::log(machine, "portlama-panel").await?;
        line_with(&mut log, "Started portlama.service").await?;
        Ok(())
    })
}

/// After a restart of the machine, a pulled cable, a crash.
fn comes_back(lab: &Lab, machine: &mut Machine<'_>) -> Result<()> {
    let begun = Instant::now();
    machine.reboot()?;
    vps::comes_up(machine)?;
    let took = begun.elapsed();
    lab.say(format_args!("serves {took:.1?} after the order to restart"))?;
    shows_what_systemd_says(machine)?;
    restarts_ssh(machine)?;

    machine.unplug()?;
    ensure!(vps::services(machine).is_err(), "there is no cable");
    machine.plug()?;
    let took = vps::comes_up(machine)?;
    lab.say(format_args!("serves {took:.1?} after the cable is back"))?;

    let before = vps::main_pid(machine, UNIT)?;
    machine.shell(&format!("systemctl kill --signal=KILL {UNIT}"))?;
    let took = vps::comes_up(machine)?;
    ensure!(vps::main_pid(machine, UNIT)? != before, "it did not crash");
    lab.say(format_args!("serves {took:.1?} after a crash"))?;
    shows_what_systemd_says(machine)
}

/// Reads up to a line that has these words.
async fn line_with(log: &mut VisitorSocket, words: &str) -> Result<Value> {
    let begun = Instant::now();
    let mut seen = String::new();
    loop {
        let left = LINE_LIMIT.saturating_sub(begun.elapsed());
        let message = tokio::time::timeout(left, log.next()).await;
        let message = message.with_context(|| format!("no line with {words:?} in\n{seen}"))?;
        match message.context("the log ended")?? {
            Message::Text(text) => {
                let line: Value = serde_json::from_str(&text)?;
                let message = line["message"].as_str().context("a message")?;
                // What the reader of the journal says itself tells of missing rights.
                ensure!(!message.starts_with("journalctl: "), "{line}");
                seen += &format!("{text}\n");
                if message.contains(words) {
                    return Ok(line);
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => bail!("not a line: {other:?}"),
        }
    }
}
