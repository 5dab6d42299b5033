//! `portlama-test-authority` leaves nothing running, whatever ends it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::{Pebble, PebbleOptions};
use rustix::process::{Pid, Signal, kill_process};

/// Processes end within milliseconds, but for a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn ends_pebble_when_it_is_told_to_end_and_when_it_is_killed() -> Result<()> {
    if Pebble::start(PebbleOptions::default())?.is_none() {
        return Ok(());
    }
    for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
        let (mut authority, ready) = start()?;
        let programs = children_of(authority.id())?;
        assert_eq!(programs.len(), 2, "pebble and its DNS");

        let pid = Pid::from_child(&authority);
        kill_process(pid, signal)?;
        let status = authority.wait()?;

        assert_eq!(status.success(), signal != Signal::KILL, "{signal:?}");
        wait_until_gone(&programs).with_context(|| format!("after {signal:?}"))?;
        let file = ready["caFile"].as_str().context("no caFile")?;
        let folder = Path::new(file).parent().context("no folder")?;
        if signal == Signal::KILL {
            std::fs::remove_dir_all(folder)?;
        }
        assert!(!folder.exists(), "{signal:?} leaves {}", folder.display());
    }
    Ok(())
}

/// The program, and what it said when it was ready.
fn start() -> Result<(Child, serde_json::Value)> {
    let mut authority = Command::new(env!("CARGO_BIN_EXE_portlama-test-authority"))
        .args(["127.0.0.1", "9"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = authority.stdout.take().context("no standard output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((authority, serde_json::from_str(&line)?))
}

fn children_of(parent: u32) -> Result<Vec<u32>> {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let text = std::fs::read_to_string(file)?;
    let pids = text.split_whitespace().map(str::parse);
    Ok(pids.collect::<Result<_, _>>()?)
}

fn wait_until_gone(processes: &[u32]) -> Result<()> {
    let begun = Instant::now();
    while processes.iter().any(|pid| runs(*pid)) {
        ensure!(begun.elapsed() < LIMIT, "{processes:?} go on");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// One that nobody has buried yet has ended, too.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the state may hold any character.
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|rest| !rest.starts_with('Z'))
}
