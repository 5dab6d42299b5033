//! Server and agent die without a word, under traffic; everything is back by itself.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;

use std::time::Duration;

use anyhow::Result;
use portlama_testkit::{Demo, Origin};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take to be back.
const HEALED: Duration = Duration::from_secs(15);

/// The process that now runs `portlama <role> run` as a child of the demo.
fn child_with(demo: &Demo, role: &str) -> Option<u32> {
    let root = demo.ready.state_dir.to_string_lossy().into_owned();
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let arguments = std::fs::read(entry.path().join("cmdline")).ok()?;
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            let words: Vec<&str> = arguments.split('\0').collect();
            let matches = words.get(1) == Some(&role)
                && words.get(2) == Some(&"run")
                && arguments.contains(&root);
            matches.then_some(pid)
        })
}

fn serves(demo: &Demo) -> Option<()> {
    let answer = demo
        .visitor()
        .options(["--max-time", "5"])
        .send(&demo.url("probe", "/bytes/1000"))
        .ok()?;
    (answer.status == 200).then_some(())
}

#[test]
fn killed_processes_come_back_and_serve_within_15_seconds() -> Result<()> {
    let rounds = if std::env::var_os("PORTLAMA_TEST_LONG").is_some() {
        20
    } else {
        2
    };
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    for round in 0..rounds {
        for role in ["agent", "server"] {
            let file = demo.file("running");
            let mut running = demo
                .visitor()
                .start(&demo.url("probe", "/bytes/4000000000"), &file)?;
            common::within(HEALED, || {
                std::fs::metadata(&file).ok().filter(|m| m.len() > 100_000)
            })
            .expect("a download runs");
            common::kill_nine(child_with(&demo, role).expect("it runs"));
            let (status, after) =
                common::within(Duration::from_secs(5), || running.try_wait().ok().flatten())
                    .expect("the download ends");
            assert!(!status.success(), "a cut download must not look whole");
            let (_, healed) = common::within(HEALED, || serves(&demo)).unwrap_or_else(|| {
                panic!("round {round}: not back {HEALED:?} after the {role}'s death")
            });
            eprintln!(
                "round {round}: {role} killed; download cut after {after:?}, served again after {healed:?}"
            );
            let _ = std::fs::remove_file(&file);
        }
    }
    assert!(!demo.log().contains("panicked"));
    Ok(())
}

#[test]
fn a_stopped_agent_is_offline_and_back_when_it_goes_on() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    common::within(HEALED, || serves(&demo)).expect("serves");
    let agent = Pid::from_raw(i32::try_from(demo.ready.agent_pid)?).expect("a process id");
    kill_process(agent, Signal::STOP)?;
    let seen = common::within(Duration::from_secs(40), || {
        let answer = demo.admin().send(&demo.api("tunnels")).ok()?.json().ok()?;
        let tunnel = answer["tunnels"]
            .as_array()?
            .iter()
            .find(|t| t["subdomain"] == "probe")?
            .clone();
        (tunnel["status"] == "agent_offline").then_some(())
    });
    kill_process(agent, Signal::CONT)?;
    let (_, after) = seen.expect("a silent agent is seen as offline");
    let (_, healed) = common::within(HEALED, || serves(&demo)).expect("back after SIGCONT");
    eprintln!("silent agent seen after {after:?}; back {healed:?} after it went on");
    Ok(())
}

#[test]
fn a_kept_change_survives_the_servers_death() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    for n in 0..5 {
        let name = format!("kept-{n}");
        demo.tunnel(&name, 20_000 + n, "authenticated")?;
        common::kill_nine(child_with(&demo, "server").expect("it runs"));
        let (answer, _) = common::within(HEALED, || {
            demo.admin()
                .send(&demo.api("tunnels"))
                .ok()
                .filter(|a| a.status == 200)
        })
        .expect("the server is back");
        assert!(
            answer.text().contains(&name),
            "an acknowledged tunnel was lost"
        );
    }
    Ok(())
}
