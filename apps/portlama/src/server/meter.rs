//! How far a backup or a restore is.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use portlama_backup::Amount;
use serde_json::json;

use crate::output::Output;
use crate::signals;

/// Columns of the bar.
const WIDTH: u64 = 24;
/// A program hears of every tenth percent.
const JSON_STEP: u64 = 10;

/// A bar on a terminal, lines for a program, nothing elsewhere.
pub(super) struct Meter {
    all: Amount,
    percent: Option<u64>,
    stop: Arc<AtomicBool>,
    output: Output,
}

impl Meter {
    /// `stop` is asked at every step.
    pub(super) fn new(stop: Arc<AtomicBool>, output: Output) -> Self {
        Self {
            all: Amount::default(),
            percent: None,
            stop,
            output,
        }
    }

    /// So much there is to do.
    pub(super) fn expect(&mut self, all: Amount) {
        self.all = all;
    }

    /// So much is done; whether to go on.
    pub(super) fn step(&mut self, done: Amount) -> bool {
        // Empty files count, too.
        let weight = |amount: Amount| u128::from(amount.bytes) + u128::from(amount.files);
        let percent = 100 * weight(done) / weight(self.all).max(1);
        let percent = u64::try_from(percent).unwrap_or(100).min(100);
        if self.percent != Some(percent) {
            self.percent = Some(percent);
            self.show(done, percent);
        }
        !self.stop.load(Ordering::Relaxed)
    }

    fn show(&self, done: Amount, percent: u64) {
        if self.output.is_json() && percent.is_multiple_of(JSON_STEP) {
            self.output.document(&json!({
                "progress": percent, "files": done.files, "bytes": done.bytes,
            }));
        }
        if self.output.is_terminal() {
            let full = usize::try_from(WIDTH * percent / 100).unwrap_or_default();
            let rest = usize::try_from(WIDTH).unwrap_or_default() - full;
            let mut out = std::io::stderr().lock();
            let (full, rest) = ("█".repeat(full), "·".repeat(rest));
            let files = done.files;
            let _ = write!(out, "\r[{full}{rest}] {percent} %, {files} files\x1b[K");
            let _ = out.flush();
        }
    }
}

impl Drop for Meter {
    /// The next line begins at its beginning, also after an error.
    fn drop(&mut self) {
        if self.output.is_terminal() && self.percent.is_some() {
            let _ = writeln!(std::io::stderr().lock());
        }
    }
}

/// Runs long work on a thread of its own. Who is asked to stop (SIGINT, SIGTERM) stops it, and
/// waits until it has cleaned up.
pub(super) async fn until_stopped<T: Send + 'static>(
    work: impl FnOnce(Arc<AtomicBool>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let mut working = tokio::task::spawn_blocking(move || work(asked));
    tokio::select! {
        done = &mut working => return done?,
        _ = signals::asked_to_stop(false) => stop.store(true, Ordering::Relaxed),
    }
    working.await?
}
