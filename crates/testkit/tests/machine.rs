//! Machines do what the tests on them rely on.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Loss, MachineOptions, Packages, ROOTS};

const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn a_machine_keeps_its_disk_and_loses_its_link_as_told() -> Result<()> {
    Lab::enter(
        "a_machine_keeps_its_disk_and_loses_its_link_as_told",
        LIMIT,
        |lab| {
            let begun = Instant::now();
            let mut machine = lab.boot("disk", MachineOptions::default())?;
            lab.say(format_args!("up in {:.1?}", begun.elapsed()))?;
            let ssh = SocketAddr::from((machine.address(), 22));
            let ssh_v6 = SocketAddr::from((machine.address_v6(), 22));
            ensure!(answers(ssh) && answers(ssh_v6), "ssh is not there");
            machine.write("/etc/kept", "kept", 0o600)?;
            machine.write("/run/lost", "lost", 0o600)?;
            machine.shell("stat -c %a /etc/kept | grep -qx 600; test -e /run/lost")?;

            machine.unplug()?;
            ensure!(!answers(ssh), "there is no cable");
            machine.shell("grep -qx 0 /sys/class/net/eth0/carrier")?;
            machine.plug()?;
            came_back(ssh)?;
            for loss in [Loss::FromMachine, Loss::ToMachine, Loss::Both] {
                machine.lose(loss)?;
                ensure!(!answers(ssh), "packets pass: {loss:?}");
                machine.shell("grep -qx 1 /sys/class/net/eth0/carrier")?;
                machine.deliver()?;
                came_back(ssh)?;
            }

            let begun = Instant::now();
            machine.reboot()?;
            lab.say(format_args!("up again in {:.1?}", begun.elapsed()))?;
            assert_eq!(machine.read("/etc/kept")?, "kept");
            ensure!(!machine.path("/run/lost").exists(), "it was not restarted");
            let begun = Instant::now();
            machine.power_off()?;
            lab.say(format_args!("off in {:.1?}", begun.elapsed()))?;
            assert_eq!(machine.read("/etc/kept")?, "kept");
            machine.power_on()?;
            machine.pull_plug();
            machine.power_on()?;
            assert_eq!(machine.read("/etc/kept")?, "kept");
            Ok(())
        },
    )
}

#[test]
fn a_fresh_machine_installs_packages_without_a_network() -> Result<()> {
    Lab::enter(
        "a_fresh_machine_installs_packages_without_a_network",
        LIMIT,
        |lab| {
            let options = MachineOptions {
                packages: Packages::Fresh,
                ..MachineOptions::default()
            };
            let fresh = lab.boot("fresh", options)?;
            let other = lab.boot("other", options)?;
            fresh.shell("! command -v nft")?;
            let begun = Instant::now();
            fresh.shell(
                "apt-get update && apt-get install -y --no-install-recommends nftables ufw",
            )?;
            lab.say(format_args!("installed in {:.1?}", begun.elapsed()))?;
            fresh.shell("ufw --force enable && ufw allow from 198.51.100.9 && nft list ruleset | grep -q 198.51.100.9")?;
            let ssh = format!("exec 3<>/dev/tcp/{}/22", fresh.address());
            let attacker = std::net::Ipv4Addr::new(198, 51, 100, 9);
            lab.add_address(attacker)?;
            ensure!(
                other.run(["timeout", "1", "bash", "-c", &ssh])?.code != Some(0),
                "the firewall lets everybody in"
            );
            fresh.shell("ufw allow 22/tcp")?;
            other
                .shell(&format!("bash -c '{ssh}'"))
                .context("machines reach each other")?;
            fresh
                .shell("! curl --max-time 2 --silent http://192.0.2.1/")
                .map(drop)
        },
    )
}

#[test]
fn a_machine_at_home_gets_out_and_nobody_gets_in() -> Result<()> {
    Lab::enter(
        "a_machine_at_home_gets_out_and_nobody_gets_in",
        LIMIT,
        |lab| {
            let home = lab.boot_at_home("home", MachineOptions::default())?;
            let outside = std::net::TcpListener::bind((Lab::ADDRESS, 0))?;
            outside.set_nonblocking(true)?;
            let port = outside.local_addr()?.port();
            let call = format!(
                "timeout 2 bash -c 'exec 3<>/dev/tcp/{}/{port}'",
                Lab::ADDRESS
            );
            home.shell(&call)?;
            let (_, line) = outside.accept()?;
            ensure!(line.ip() != home.address(), "its own address is seen");
            for address in [line.ip(), home.address().into()] {
                ensure!(!answers((address, 22).into()), "{address} lets in");
            }
            home.change_line(std::net::Ipv4Addr::new(198, 51, 100, 77))?;
            home.shell(&call)?;
            let (_, line) = outside.accept()?;
            ensure!(line.ip().to_string() == "198.51.100.77", "{line}");
            home.unplug()?;
            ensure!(home.run(["sh", "-c", &call])?.code != Some(0));
            home.plug()?;
            home.shell(&call).map(drop)
        },
    )
}

#[test]
fn a_test_that_is_killed_leaves_nothing_running() -> Result<()> {
    const TEST: &str = "a_test_that_is_killed_leaves_nothing_running";
    const VICTIM: &str = "PORTLAMA_TEST_VICTIM";
    if let Some(booted) = std::env::var_os(VICTIM) {
        return Lab::enter(TEST, LIMIT, |lab| {
            let machine = lab.boot("victim", MachineOptions::default())?;
            std::fs::write(&booted, "")?;
            machine.shell("sleep 60").map(drop)
        });
    }
    if std::env::var_os(ROOTS).is_none() {
        return Lab::enter(TEST, LIMIT, |_| Ok(()));
    }
    let folder = tempfile::tempdir()?;
    let booted = folder.path().join("booted");
    let mut victim = Command::new(std::env::current_exe()?)
        .args(["--exact", TEST])
        .env(VICTIM, &booted)
        .stdout(Stdio::null())
        .spawn()?;
    let is_up = within(Duration::from_secs(60), || booted.exists());
    let runs = runs_a_victim();
    victim.kill()?;
    victim.wait()?;
    ensure!(is_up && runs, "it was not booted");
    ensure!(
        within(Duration::from_secs(10), || !runs_a_victim()),
        "the machine outlives its test"
    );
    Lab::sweep();
    Ok(())
}

#[test]
fn a_lab_that_runs_another_test_does_not_pass() -> Result<()> {
    let entered = Lab::enter("there_is_no_such_test", LIMIT, |_| Ok(()));
    ensure!(std::env::var_os(ROOTS).is_none() == entered.is_ok());
    Ok(())
}

fn runs_a_victim() -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .any(|line| line.contains("--machine=victim") || line == "sleep\u{0}60\u{0}")
}

fn within(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn answers(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok()
}

fn came_back(address: SocketAddr) -> Result<()> {
    ensure!(
        within(Duration::from_secs(15), || answers(address)),
        "{address} does not answer again"
    );
    Ok(())
}
