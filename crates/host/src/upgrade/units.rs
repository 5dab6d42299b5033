//! The units of an upgrade, and the server's own as they are seen from them.

use std::time::{Duration, Instant};

use super::DRAIN_LIMIT;
use super::decide::Seen;
use crate::install::Program;

/// Sees an upgrade through.
pub const UPGRADE_UNIT: &str = "portlama-upgrade.service";
/// Ends one that was cut short.
pub const RESUME_UNIT: &str = "portlama-upgrade-resume.service";
/// Does the files' part while no server runs.
pub const SWAP_UNIT: &str = "portlama-swap.service";

const SERVICE: &str = "portlama.service";

/// How long the files' part may take, the drain of the server included: a slow disk copies
/// 10 MiB of state a second. The unit's own limit is shorter, so that nobody judges what it does
/// before it has ended.
const SWAP_LIMIT: Duration = Duration::from_secs(11 * 60);
/// How long a server may take to end after the second signal.
const STOP_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// Runs the files' part to its end. How it went stands in the journal.
pub(super) fn run_swap() -> Result<(), String> {
    let start = Program::new(&format!("systemctl start {SWAP_UNIT}"));
    start.within(SWAP_LIMIT).run().map(drop)
}

/// Waits until no files' part is under way that somebody else began.
pub(super) fn wait_for_swap() -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < SWAP_LIMIT {
        let state = show(SWAP_UNIT, "ActiveState").unwrap_or_default();
        if !matches!(state.as_str(), "activating" | "deactivating") {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    Err(format!("{SWAP_UNIT} does not end"))
}

/// Starts the server, if it does not run. Whether it serves is to be seen.
pub(super) fn start_service() {
    let _ = Program::new(&format!("systemctl start --no-block {SERVICE}")).run();
}

/// Stops the server: open answers may end, for a while. A connection that arrives meanwhile lets
/// systemd order a start, which waits for the unit that this runs in.
pub(super) fn stop_service() -> Result<(), String> {
    // The server ends its drain at a second signal; what hangs has to be ended.
    let mut urges = [(DRAIN_LIMIT, "TERM"), (DRAIN_LIMIT + STOP_LIMIT, "KILL")].into_iter();
    let mut urge = urges.next();
    let begun = Instant::now();
    Program::new(&format!("systemctl stop --no-block {SERVICE}")).run()?;
    while begun.elapsed() < DRAIN_LIMIT + STOP_LIMIT * 2 {
        let state = show(SERVICE, "ActiveState").unwrap_or_default();
        if main_pid() == 0 && matches!(state.as_str(), "inactive" | "failed") {
            return Ok(());
        }
        if let Some((after, signal)) = urge
            && begun.elapsed() > after
        {
            let kill = format!("systemctl kill --signal={signal} {SERVICE}");
            let _ = Program::new(&kill).run();
            urge = urges.next();
        }
        std::thread::sleep(PAUSE);
    }
    Err("the server does not stop".to_owned())
}

/// One look at the server. `ask` is a request from outside.
pub(super) fn look(ask: &dyn Fn() -> Result<String, String>) -> Seen {
    let pid = main_pid();
    if pid == 0 {
        return Seen::Trouble(match show(SERVICE, "Result").as_deref() {
            Some("success") | None => "it does not run".to_owned(),
            Some(result) => format!("it does not run ({result})"),
        });
    }
    match ask() {
        Ok(version) => Seen::Answer { pid, version },
        Err(why) => Seen::Trouble(why),
    }
}

fn main_pid() -> u32 {
    show(SERVICE, "MainPID")
        .and_then(|pid| pid.parse().ok())
        .unwrap_or(0)
}

pub(super) fn show(unit: &str, property: &str) -> Option<String> {
    let show = format!("systemctl show --property={property} --value {unit}");
    Program::new(&show).run().ok()
}
