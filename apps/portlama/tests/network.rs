//! The network falls silent: packets vanish, nobody says goodbye. In a network namespace of
//! its own, so that nothing else on the machine notices.

#![expect(clippy::print_stdout, reason = "tests say what they measured")]

mod common;

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use portlama_testkit::{Demo, Origin};

/// Set for the copy of this test that runs inside the namespace.
const INSIDE: &str = "PORTLAMA_TEST_INSIDE_NAMESPACE";
/// How long a connection may look alive after its network died, and how long anything may take
/// to be back afterwards.
const SEEN: Duration = Duration::from_secs(40);
const HEALED: Duration = Duration::from_secs(15);

#[test]
fn a_silent_network_is_noticed_and_healed_within_15_seconds() -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return silence_and_heal();
    }
    let namespaces = Command::new("unshare").args(["--net", "true"]).output();
    if !namespaces.is_ok_and(|output| output.status.success()) {
        // Past the test harness, which would keep it to itself.
        writeln!(
            std::io::stderr(),
            "skipped: this user may not make network namespaces"
        )?;
        return Ok(());
    }
    let inside = Command::new("unshare")
        .args(["--net", "--"])
        .arg(std::env::current_exe()?)
        .args([
            "--exact",
            "a_silent_network_is_noticed_and_healed_within_15_seconds",
            "--nocapture",
        ])
        .env(INSIDE, "1")
        .output()?;
    let said = String::from_utf8_lossy(&inside.stdout).into_owned();
    println!("{said}");
    if !inside.status.success() {
        bail!("{said}\n{}", String::from_utf8_lossy(&inside.stderr));
    }
    Ok(())
}

fn silence_and_heal() -> Result<()> {
    run("ip", &["link", "set", "lo", "up"])?;
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    common::within(HEALED, || serves(&demo)).context("serves at first")?;
    let port = demo.ready.https_port.to_string();
    for (what, directions) in [
        ("both ways", &["sport", "dport"][..]),
        ("towards the server", &["dport"]),
        ("towards the agent", &["sport"]),
    ] {
        run("nft", &["add", "table", "inet", "silence"])?;
        run(
            "nft",
            &[
                "add",
                "chain",
                "inet",
                "silence",
                "in",
                "{ type filter hook input priority 0; }",
            ],
        )?;
        for direction in directions {
            run(
                "nft",
                &[
                    "add", "rule", "inet", "silence", "in", "tcp", direction, &port, "drop",
                ],
            )?;
        }
        let (_, seen) = common::within(SEEN, || (status(&demo)? == "agent_offline").then_some(()))
            .with_context(|| {
                format!("packets vanish {what}: the panel still says that the agent is there")
            })?;
        run("nft", &["delete", "table", "inet", "silence"])?;
        let (_, healed) = common::within(HEALED, || serves(&demo)).with_context(|| {
            format!("packets vanished {what}: not back in time\n{}", demo.log())
        })?;
        println!(
            "packets vanish {what}: seen after {seen:.1?}, served again {healed:.1?} after they pass"
        );
    }
    Ok(())
}

fn serves(demo: &Demo) -> Option<()> {
    let answer = demo
        .visitor()
        .options(["--max-time", "2"])
        .send(&demo.url("probe", "/bytes/1000"))
        .ok()?;
    (answer.status == 200).then_some(())
}

/// The panel answers on a port of its own, which stays open all along.
fn status(demo: &Demo) -> Option<String> {
    let tunnels = demo.admin().send(&demo.api("tunnels")).ok()?.json().ok()?;
    let all = tunnels["tunnels"].as_array()?.clone();
    let probe = all
        .into_iter()
        .find(|tunnel| tunnel["subdomain"] == "probe")?;
    Some(probe["status"].as_str()?.to_owned())
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
