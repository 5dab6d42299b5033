//! What is given to people, installed by them on a machine: the package by dpkg, the archive by its
//! script. `cargo xtask test --only dist` makes it first and says where it is.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portlama_host::release::{MAX_SIGNATURE_BYTES, ReleaseKeys, TARGET, verify};
use portlama_testkit::machine::{Lab, Machine, MachineOptions};

const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn a_release_is_believed_by_its_signature_and_not_with_another_octet() -> Result<()> {
    let Some(dist) = dist() else { return Ok(()) };
    let program = program(&dist)?;
    let signature = fs::read_to_string(format!("{}.minisig", program.display()))?;
    ensure!(signature.len() as u64 <= MAX_SIGNATURE_BYTES);
    let keys = ReleaseKeys::compiled_in();
    let claim = verify(File::open(&program)?, &signature, &keys)?;
    ensure!(claim.version.as_str() == env!("CARGO_PKG_VERSION"));
    let mut octets = fs::read(&program)?;
    let last = octets.len() - 1;
    octets[last] ^= 1;
    ensure!(verify(&octets[..], &signature, &keys).is_err());
    // The checksums are signed by the same key, and are no program.
    let sums = dist.join("SHA256SUMS");
    let signature = fs::read_to_string(dist.join("SHA256SUMS.minisig"))?;
    ensure!(verify(File::open(sums)?, &signature, &keys).is_err());
    Ok(())
}

#[test]
fn dpkg_installs_the_package_and_a_server_runs_by_it() -> Result<()> {
    let Some(dist) = dist() else { return Ok(()) };
    Lab::enter(
        "dpkg_installs_the_package_and_a_server_runs_by_it",
        LIMIT,
        |lab| {
            let machine = lab.boot("packaged", MachineOptions::default())?;
            let package = file_ending(&dist, ".deb")?;
            machine.copy_in(&package, "/root/portlama.deb", 0o644)?;
            machine.shell("dpkg --install /root/portlama.deb")?;
            is_at_hand(&machine)?;

            let ip = machine.address();
            machine.shell(&format!("portlama server install --ip {ip}"))?;
            answers(&machine)?;
            let pid = vps::main_pid(&machine, "portlama.service")?;
            let runs = machine.shell(&format!("readlink /proc/{pid}/exe"))?;
            ensure!(runs.trim() == "/usr/bin/portlama", "{runs}");
            machine.shell("test ! -e /usr/local/bin/portlama")?;

            let release = program(&dist)?;
            machine.copy_in(&release, "/root/next", 0o644)?;
            let signature = PathBuf::from(format!("{}.minisig", release.display()));
            machine.copy_in(&signature, "/root/next.minisig", 0o644)?;
            let upgrade = "portlama server upgrade --allow-downgrade --file /root/next";
            let refused = machine.run(["sh", "-c", upgrade])?;
            ensure!(refused.code != Some(0), "a package's file was replaced");
            ensure!(refused.stderr.contains("apt install"), "{refused:?}");

            // Another package of it: the server goes on by the new program.
            machine.shell("dpkg --install /root/portlama.deb")?;
            answers(&machine)?;
            let after = vps::main_pid(&machine, "portlama.service")?;
            ensure!(
                after != 0 && after != pid,
                "{pid} goes on by the old program"
            );

            let removed = machine.run(["dpkg", "--remove", "portlama"])?;
            ensure!(removed.code != Some(0), "the server's program is gone");
            let said = format!("{}{}", removed.stdout, removed.stderr);
            ensure!(said.contains("portlama server uninstall"), "{said}");
            answers(&machine)
        },
    )
}

#[test]
fn the_archives_script_installs_what_is_whole_and_nothing_else() -> Result<()> {
    let Some(dist) = dist() else { return Ok(()) };
    Lab::enter(
        "the_archives_script_installs_what_is_whole_and_nothing_else",
        LIMIT,
        |lab| {
            let machine = lab.boot("unpacked", MachineOptions::default())?;
            machine.copy_in(&file_ending(&dist, ".tar.gz")?, "/root/a.tar.gz", 0o644)?;
            let name = format!("portlama-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
            let unpack = format!("rm -rf /root/{name} && tar -xzf /root/a.tar.gz -C /root");
            let install = format!("/root/{name}/install.sh --ip {}", machine.address());
            let refuses = |spoil: &str, why: &str| -> Result<()> {
                machine.shell(&format!("{unpack} && cd /root/{name} && {spoil}"))?;
                let said = machine.run(["sh", "-c", &install])?;
                ensure!(said.code != Some(0), "{spoil}: installed");
                ensure!(said.stderr.contains(why), "{spoil}: {}", said.stderr);
                machine.shell("test ! -e /usr/local/bin/portlama")?;
                Ok(())
            };
            let sums = format!("sha256sum {name} > SHA256SUMS");
            refuses(&format!("printf x >> {name}"), "damaged")?;
            refuses(&format!("printf x >> {name} && {sums}"), "does not hold")?;
            refuses("echo > SHA256SUMS", "does not name")?;
            refuses(&format!("rm {name}.minisig"), "is missing")?;
            let older = format!("sed -i 's/version=[0-9.]*/version=9.9.9/' {name}.minisig");
            refuses(&older, "does not hold")?;
            let other = format!("sed -i '2s/.\\{{8\\}}$/AAAAAAA=/' {name}.minisig");
            refuses(&other, "does not hold")?;

            machine.shell(&unpack)?;
            let said = machine.run(["sh", "-c", &install])?;
            ensure!(said.code == Some(0), "{}{}", said.stdout, said.stderr);
            ensure!(said.stderr.contains("signature"), "{}", said.stderr);
            answers(&machine)
        },
    )
}

/// Program, man page and completions.
fn is_at_hand(machine: &Machine<'_>) -> Result<()> {
    let version = machine.shell("portlama --version")?;
    let expected = format!("portlama {}", env!("CARGO_PKG_VERSION"));
    ensure!(version.trim() == expected, "{version}");
    let page = machine.shell("zcat /usr/share/man/man1/portlama.1.gz")?;
    ensure!(page.contains(".TH portlama 1"), "{page}");
    machine.shell("zcat /usr/share/man/man1/portlama-agent-expose.1.gz | grep -q NAME")?;
    let complete = "source /usr/share/bash-completion/completions/portlama; complete -p portlama";
    let said = machine.run(["bash", "-c", complete])?;
    ensure!(said.stdout.contains("_portlama"), "{said:?}");
    Ok(())
}

fn answers(machine: &Machine<'_>) -> Result<()> {
    let url = vps::api(machine, "onboarding/status");
    let answer = || vps::admin(machine).send(&url).ok();
    let (answer, _) =
        common::within(vps::ANSWER_LIMIT, answer).context("the panel does not answer")?;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

/// Where the suite has put it.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn dist() -> Option<PathBuf> {
    let dist = std::env::var_os("PORTLAMA_DIST").map(PathBuf::from);
    if dist.is_none() {
        println!("skipped: `cargo xtask test --only dist` makes what is tested here");
    }
    dist
}

fn program(dist: &Path) -> Result<PathBuf> {
    file_ending(dist, TARGET)
}

fn file_ending(dist: &Path, ending: &str) -> Result<PathBuf> {
    let mut files = fs::read_dir(dist)?.filter_map(|entry| Some(entry.ok()?.path()));
    let found = files.find(|path| path.to_string_lossy().ends_with(ending));
    found.with_context(|| format!("there is no {ending}"))
}
