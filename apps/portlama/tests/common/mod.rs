//! What the whole-system tests share.

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The binary under test: the one built as users run it when `cargo xtask test` names it,
/// else the debug build beside these tests.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("PORTLAMA_BINARY").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_portlama")),
        PathBuf::from,
    )
}

/// Whether the binary is built for speed, so that large bodies make sense.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn is_release() -> bool {
    std::env::var_os("PORTLAMA_BINARY").is_some()
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
