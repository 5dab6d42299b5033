//! `portlama server upgrade` on machines with systemd: one version follows another without a
//! refused connection, and comes back by itself when the next one is broken, killed or cut off.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/upgrade.rs"]
mod upgrade;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::Lab;
use portlama_testkit::{Answer, localhost_pems, release};

use upgrade::{INSTALLED, JOURNAL, NEXT, Poll, Site, answers, boot};

const LIMIT: Duration = Duration::from_secs(580);
/// How long an upgrade that was cut short may take to come to its end by itself: two watches, and
/// what is between.
const END_LIMIT: Duration = Duration::from_secs(120);

#[test]
fn one_version_follows_another_and_no_connection_is_refused() -> Result<()> {
    Lab::enter(
        "one_version_follows_another_and_no_connection_is_refused",
        LIMIT,
        |lab| {
            let site = boot(lab, "vps")?;
            let before = site.documents()?;
            let opened = site.since("portlama.socket")?;
            let file = site.offer("release", NEXT, &site.next)?;
            let poll = Poll::begin(&site.machine);
            let begun = Instant::now();
            let said = site.upgrade(&file, "")?;
            let took = begun.elapsed();
            let polled = poll.end();
            ensure!(said.code == Some(0), "{said:?}");
            ensure!(said.stdout.contains(NEXT), "{said:?}");
            lab.say(format_args!(
                "upgraded in {took:.1?}; {} requests meanwhile, the longest took {:.2?}",
                polled.answers, polled.longest
            ))?;
            ensure!(polled.failures.is_empty(), "{:?}", polled.failures);
            ensure!(
                polled.versions == [INSTALLED, NEXT],
                "{:?}",
                polled.versions
            );
            ensure!(
                site.since("portlama.socket")? == opened,
                "the socket was opened anew"
            );
            ensure!(site.documents()? == before, "the state was changed");
            site.machine.shell(
                "test -x /var/lib/portlama/upgrade/previous && ls -d /var/lib/portlama/snapshots/*",
            )?;
            ensure!(!site.is_under_way()?, "the journal is still there");
            refuses_what_is_not_newer_or_not_ours(&site)?;
            // Back by hand, when it is asked for by name.
            let older = site.offer("older", INSTALLED, &site.program)?;
            let said = site.upgrade(&older, "--allow-downgrade --json")?;
            ensure!(said.code == Some(0), "{said:?}");
            let last = said.stdout.lines().last().context("an answer")?;
            let last: serde_json::Value = serde_json::from_str(last)?;
            ensure!(
                last["event"] == "complete" && last["to"] == INSTALLED,
                "{last}"
            );
            answers(&site.machine, INSTALLED)
        },
    )
}

#[test]
fn the_panel_and_the_command_fetch_a_version_themselves() -> Result<()> {
    Lab::enter(
        "the_panel_and_the_command_fetch_a_version_themselves",
        LIMIT,
        |lab| {
            let site = boot(lab, "fetches")?;
            let machine = &site.machine;
            let refused = update(&site, NEXT)?;
            ensure!(refused.status == 400, "{}", refused.text());
            ensure!(
                refused.text().contains("releases.url"),
                "{}",
                refused.text()
            );
            let url = serve_releases(&site)?;
            know_releases(&site, &url)?;
            answers(machine, INSTALLED)?;

            let same = update(&site, INSTALLED)?;
            ensure!(same.status == 400, "{}", same.text());
            ensure!(same.text().contains("installed already"), "{}", same.text());
            for (version, why) in [("0.3.0", "no release"), ("0.4.0", "does not hold")] {
                let refused = update(&site, version)?;
                ensure!(refused.status == 502, "{version}: {}", refused.text());
                ensure!(
                    refused.text().contains(why),
                    "{version}: {}",
                    refused.text()
                );
                machine.shell("test -z \"$(ls -A /etc/portlama/upgrade)\"")?;
            }

            let ordered = update(&site, NEXT)?;
            ensure!(ordered.status == 202, "{}", ordered.text());
            let upgraded = || {
                let state = vps::admin(machine).send(&vps::api(machine, "system/update"));
                let state = state.ok()?.json().ok()?;
                (state["version"] == NEXT && state["last"]["upgraded"] == true).then_some(())
            };
            common::within(END_LIMIT, upgraded).context("it does not say that it was upgraded")?;
            machine.shell("test -z \"$(ls -A /etc/portlama/upgrade)\"")?;
            let journal = machine.shell("journalctl -t portlama-helper --no-pager")?;
            ensure!(journal.contains("`upgrade`"), "{journal}");

            // Back by the command, which fetches as well.
            let back = format!("--to {INSTALLED} --from '{url}'");
            let said = machine.run(["sh", "-c", &format!("portlama server upgrade {back}")])?;
            ensure!(said.code == Some(1), "{said:?}");
            ensure!(said.stderr.contains("--allow-downgrade"), "{said:?}");
            machine.shell(&format!("portlama server upgrade {back} --allow-downgrade"))?;
            answers(machine, INSTALLED)?;
            machine.shell("test ! -e /var/lib/portlama/upgrade/fetched")?;
            Ok(())
        },
    )
}

fn update(site: &Site<'_>, version: &str) -> Result<Answer> {
    vps::admin(&site.machine)
        .json("POST", &serde_json::json!({ "version": version }))
        .send(&vps::api(&site.machine, "system/update"))
}

/// Puts releases behind a server of somebody else's, on the machine itself; returns the address.
/// 0.4.0 has a signature that is not its own, and 0.3.0 is not there.
fn serve_releases(site: &Site<'_>) -> Result<String> {
    let machine = &site.machine;
    let pems = localhost_pems("Authority of releases");
    machine.write(
        "/srv/tls.pem",
        format!("{}{}", pems.certificate, pems.key),
        0o600,
    )?;
    machine.write("/etc/portlama/releases-ca.pem", pems.authority, 0o644)?;
    let good = [(INSTALLED, &site.program), (NEXT, &site.next)];
    for (version, program) in good.into_iter().chain([("0.4.0", &site.next)]) {
        let path = format!(
            "/srv/releases/v{version}/portlama-{version}-{}-linux",
            std::env::consts::ARCH
        );
        machine.write(&path, program, 0o644)?;
        let signed = if version == "0.4.0" {
            &site.program
        } else {
            program
        };
        let comment = release::comment(program, version);
        let signature = release::sign_saying(signed, &comment)?;
        machine.write(&format!("{path}.minisig"), signature, 0o644)?;
    }
    machine.shell(
        "systemd-run --quiet --unit=releases -p WorkingDirectory=/srv/releases \
         openssl s_server -quiet -WWW -accept 127.0.0.1:8443 -cert /srv/tls.pem -key /srv/tls.pem",
    )?;
    Ok("https://localhost:8443/v{version}".to_owned())
}

/// Says in panel.json where releases are, as the guide does.
fn know_releases(site: &Site<'_>, url: &str) -> Result<()> {
    let machine = &site.machine;
    let path = "/etc/portlama/panel.json";
    let mut panel: serde_json::Value = serde_json::from_str(&machine.read(path)?)?;
    panel["releases"] = serde_json::json!({
        "url": url,
        "caFile": "/etc/portlama/releases-ca.pem",
    });
    machine.shell("systemctl stop portlama.socket portlama.service")?;
    machine.write(path, serde_json::to_string_pretty(&panel)?, 0o600)?;
    machine.shell(
        "chown portlama: /etc/portlama/panel.json /etc/portlama/releases-ca.pem
         systemctl start portlama.socket portlama.service",
    )?;
    Ok(())
}

fn refuses_what_is_not_newer_or_not_ours(site: &Site<'_>) -> Result<()> {
    let older = site.offer("older", INSTALLED, &site.program)?;
    site.refuses(&older, "older than")?;
    let same = site.offer("same", NEXT, &site.next)?;
    site.refuses(&same, "installed already")?;
    // A program that would leave a trace if it were run.
    let trap = b"#!/bin/sh\ntouch /run/executed\n".to_vec();
    let file = site.offer("changed", "9.9.9", &trap)?;
    let mut changed = trap.clone();
    changed[10] ^= 1;
    site.machine.write(&file, &changed, 0o755)?;
    site.refuses(&file, "does not hold")?;
    let other_target = release::comment(&trap, "9.9.9").replace(std::env::consts::ARCH, "sparc");
    let file = site.offer_saying("target", "9.9.9", &trap, &other_target)?;
    site.refuses(&file, "this machine needs")?;
    site.machine.shell("rm /root/target/*.minisig")?;
    site.refuses(&file, "cannot be read")?;
    site.machine.shell("test ! -e /run/executed")?;
    // What is signed and cannot run here is refused before the server is stopped.
    let pid = vps::main_pid(&site.machine, "portlama.service")?;
    let cannot = site.offer("cannot", "9.9.9", b"\x7fELF, and nothing that runs")?;
    site.refuses(&cannot, "cannot run the new program")?;
    let now = vps::main_pid(&site.machine, "portlama.service")?;
    ensure!(now == pid, "the server was restarted");
    answers(&site.machine, NEXT)
}

/// Whether the long run was asked for; says which case is left to it.
#[allow(clippy::print_stdout, reason = "who reads the test's output is told")]
fn is_long(case: &str) -> bool {
    let is_long = std::env::var_os("PORTLAMA_TEST_LONG").is_some();
    if !is_long {
        println!("skipped: {case}: minutes of waiting, left to `cargo xtask test --long`");
    }
    is_long
}

#[test]
fn a_version_that_does_not_serve_is_undone_with_its_state() -> Result<()> {
    Lab::enter(
        "a_version_that_does_not_serve_is_undone_with_its_state",
        LIMIT,
        |lab| {
            let site = boot(lab, "broken")?;
            site.machine
                .shell("cp /usr/local/bin/portlama /usr/local/bin/older")?;
            let before = site.documents()?;
            for (name, does, why) in [
                (
                    "crashes",
                    "echo '{' > /etc/portlama/panel.json; mv /etc/portlama/pki /etc/portlama/gone; exit 1",
                    "does not run",
                ),
                (
                    "hangs",
                    "trap '' TERM; while :; do sleep 1; done",
                    "does not answer within",
                ),
                (
                    "is_another",
                    "exec /usr/local/bin/older \"$@\"",
                    "answers and not",
                ),
            ] {
                if name != "crashes" && !is_long(name) {
                    continue;
                }
                let file = site.offer(name, NEXT, broken(does).as_bytes())?;
                let begun = Instant::now();
                let said = site.upgrade(&file, "")?;
                lab.say(format_args!("{name}: undone in {:.1?}", begun.elapsed()))?;
                ensure!(said.code == Some(1), "{name}: {said:?}");
                ensure!(said.stderr.contains(why), "{name}: {said:?}");
                ensure!(
                    said.stderr.contains("is back, with its state"),
                    "{name}: {said:?}"
                );
                answers(&site.machine, INSTALLED)?;
                let after = site.documents()?;
                ensure!(after == before, "{name}: {before}\n{after}");
                ensure!(!site.is_under_way()?, "{name}: the journal is still there");
            }
            // What the first of them did to the state can be looked at.
            site.machine
                .shell("ls /var/lib/portlama/snapshots/*-left/gone/ca.key")?;
            Ok(())
        },
    )
}

#[test]
fn an_upgrade_that_is_killed_at_any_step_comes_to_its_end() -> Result<()> {
    if !is_long("an_upgrade_that_is_killed_at_any_step_comes_to_its_end") {
        return Ok(());
    }
    Lab::enter(
        "an_upgrade_that_is_killed_at_any_step_comes_to_its_end",
        LIMIT,
        |lab| {
            let site = boot(lab, "killed")?;
            let before = site.documents()?;
            let bad = site.offer("bad", NEXT, broken("exit 1").as_bytes())?;
            for step in ["undo", "checkPrevious"] {
                site.kill_at(&bad, step)?;
                let took = ends(&site, INSTALLED)?;
                lab.say(format_args!("killed at {step}: undone {took:.1?} later"))?;
                ensure!(site.documents()? == before, "{step}");
            }
            let good = site.offer("good", NEXT, &site.next)?;
            for step in ["verify", "replace", "check"] {
                site.kill_at(&good, step)?;
                let took = ends_somehow(&site)?;
                let version = upgrade::version(&site.machine)?;
                lab.say(format_args!(
                    "killed at {step}: {version} serves, {took:.1?} later"
                ))?;
                ensure!(site.documents()? == before, "{step}");
                if version == NEXT {
                    let older = site.offer("older", INSTALLED, &site.program)?;
                    let said = site.upgrade(&older, "--allow-downgrade")?;
                    ensure!(said.code == Some(0), "{said:?}");
                }
            }
            Ok(())
        },
    )
}

#[test]
fn a_power_cut_in_an_upgrade_leaves_a_server_that_serves() -> Result<()> {
    if !is_long("a_power_cut_in_an_upgrade_leaves_a_server_that_serves") {
        return Ok(());
    }
    Lab::enter(
        "a_power_cut_in_an_upgrade_leaves_a_server_that_serves",
        LIMIT,
        |lab| {
            let mut site = boot(lab, "cut")?;
            let before = site.documents()?;
            let bad = site.offer("bad", NEXT, broken("exit 1").as_bytes())?;
            for step in ["check", "undo"] {
                site.begin(&bad)?;
                site.wait_for(step)?;
                site.machine.pull_plug();
                site.machine.power_on()?;
                let took = ends(&site, INSTALLED)?;
                lab.say(format_args!(
                    "cut at {step}: back {took:.1?} after the boot"
                ))?;
                ensure!(site.documents()? == before, "{step}");
            }
            let good = site.offer("good", NEXT, &site.next)?;
            site.begin(&good)?;
            site.wait_for("check")?;
            site.machine.pull_plug();
            site.machine.power_on()?;
            let took = ends(&site, NEXT)?;
            lab.say(format_args!(
                "cut at check: {NEXT} is kept, {took:.1?} after the boot"
            ))
        },
    )
}

/// A program that says its version as it should, and then does this.
fn broken(does: &str) -> String {
    format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'portlama {NEXT}'; exit; fi\n{does}\n")
}

/// Waits until nothing is under way; says how long it took.
fn ends_somehow(site: &Site<'_>) -> Result<Duration> {
    let ended = || matches!(site.is_under_way(), Ok(false)).then_some(());
    let (_, took) = common::within(END_LIMIT, ended).with_context(|| format!("{JOURNAL} stays"))?;
    Ok(took)
}

fn ends(site: &Site<'_>, version: &str) -> Result<Duration> {
    let took = ends_somehow(site)?;
    answers(&site.machine, version)?;
    Ok(took)
}
