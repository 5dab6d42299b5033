//! How long an installation takes, and what server and agent weigh while nobody visits: figures of
//! `cargo xtask bench`, from fresh machines with a real systemd.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/home.rs"]
mod home;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/outside.rs"]
mod outside;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use outside::{Admin, Outside};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(240);
const INSTALL_LIMIT: Duration = Duration::from_secs(120);
/// How long the work of start-up may go on.
const SETTLE: Duration = Duration::from_secs(5);
/// The file that takes the figures, as JSON; without it nothing is measured.
const FIGURES: &str = "PORTLAMA_FIGURES";

#[test]
fn a_machine_is_measured() -> Result<()> {
    let Some(file) = std::env::var_os(FIGURES) else {
        return Ok(());
    };
    Lab::enter("a_machine_is_measured", LIMIT, |lab| {
        let outside = Outside::open(lab)?;
        let fresh = MachineOptions {
            packages: Packages::Fresh,
            ..MachineOptions::default()
        };
        let server = lab.boot("vps", fresh)?;
        let at_home = lab.boot_at_home("home", MachineOptions::default())?;
        outside.lead_to(server.address())?;
        let mut figures = install(&server)?;
        let admin = Admin::new(
            "admin",
            &server.path("/etc/portlama/pki/client.p12"),
            server.read("/etc/portlama/pki/.p12-password")?.trim(),
        )?;
        home::furnish(&at_home)?;
        home::enrol(&at_home, &admin, server.address())?;
        home::agent(&at_home, &format!("expose {} --as app", home::APP_PORT))?;
        std::thread::sleep(SETTLE);
        figures["server"] = weigh(&server)?;
        figures["agent"] = weigh(&at_home)?;
        std::fs::write(&file, figures.to_string())?;
        Ok(())
    })
}

/// Seconds from the command to the serving server, and those of them for packages.
fn install(server: &Machine<'_>) -> Result<Value> {
    server.copy_in(&common::binary(), "/root/portlama", 0o755)?;
    let command = format!(
        "/root/portlama server install --json --certificates internal --domain {} --ip {}",
        outside::DOMAIN,
        server.address()
    );
    let begun = Instant::now();
    let mut installing = server
        .command(command.split(' '), INSTALL_LIMIT)?
        .stdout(Stdio::piped())
        .spawn()?;
    let (mut since, mut packages) = (begun, None);
    for line in BufReader::new(installing.stdout.take().context("its output")?).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        match (line["step"].as_str(), line["status"].as_str()) {
            (Some("packages"), Some("running")) => since = Instant::now(),
            (Some("packages"), Some("complete")) => packages = Some(since.elapsed()),
            _ => {}
        }
    }
    ensure!(installing.wait()?.success(), "not installed");
    let seconds = begun.elapsed().as_secs_f64();
    let packages = packages.context("no step of packages")?;
    Ok(json!({ "seconds": seconds, "packages": packages.as_secs_f64() }))
}

/// MiB of all processes in Portlama's units.
fn weigh(machine: &Machine<'_>) -> Result<Value> {
    let processes = machine.shell("grep -ls 'portlama[^/]*\\.service' /proc/[0-9]*/cgroup")?;
    let (mut names, mut rss, mut pss) = (Vec::new(), 0.0, 0.0);
    for process in processes.lines().filter_map(|path| path.split('/').nth(2)) {
        let rollup = machine.read(&format!("/proc/{process}/smaps_rollup"))?;
        let mib = |key: &str| -> Result<f64> {
            let mut lines = rollup.lines().filter_map(|line| line.strip_prefix(key));
            let kib = lines.next().and_then(|line| line.split_whitespace().next());
            Ok(kib.context("no figure")?.parse::<f64>()? / 1024.0)
        };
        rss += mib("Rss:")?;
        pss += mib("Pss:")?;
        names.push(
            machine
                .read(&format!("/proc/{process}/comm"))?
                .trim()
                .to_owned(),
        );
    }
    ensure!(!names.is_empty(), "no process in {processes:?}");
    Ok(json!({ "processes": names, "rss": rss, "pss": pss }))
}
