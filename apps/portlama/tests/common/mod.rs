//! What the whole-system tests share.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use portlama_testkit::Server;

/// The binary under test: the one built as users run it when `cargo xtask test` names it,
/// else the debug build beside these tests.
pub(crate) fn binary() -> PathBuf {
    named_binary().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_portlama")))
}

/// Tests that upgrade take the build beside them: no other believes releases of the tests' key.
fn named_binary() -> Option<PathBuf> {
    let upgrades = matches!(
        env!("CARGO_CRATE_NAME"),
        "machine_upgrade" | "machine_whole"
    );
    let named = std::env::var_os("PORTLAMA_BINARY").filter(|_| !upgrades);
    named.map(PathBuf::from)
}

/// Whether the binary is built for speed, so that large bodies make sense.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn is_release() -> bool {
    named_binary().is_some()
}

/// Asks until `condition` holds; `None` when it does not within the limit.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn within<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<(T, Duration)> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(value) = condition() {
            return Some((value, begun.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// Ends a process as a crash does.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn kill_nine(pid: u32) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}

/// A member of everything in a list of the API.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn list(server: &Server, path: &str, member: &str) -> Result<Vec<String>> {
    let answer = server.admin().send(&server.api(path))?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json()?;
    let items = list[path].as_array().context("a list")?.iter();
    Ok(items
        .filter_map(|item| item[member].as_str().map(str::to_owned))
        .collect())
}
