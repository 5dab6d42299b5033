//! How far a deploy is, for the person who watches.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use portlama_agent::site::Progress;

use super::size;
use crate::output::Output;

/// Columns of the bar itself.
const WIDTH: usize = 24;

/// A bar on a terminal; nothing elsewhere.
pub(super) struct Bar {
    all: Progress,
    done: Mutex<Progress>,
    is_shown: bool,
}

impl Bar {
    /// Nothing of `all` is done.
    pub(super) fn new(all: Progress, output: Output) -> Self {
        let bar = Self {
            all,
            done: Mutex::new(Progress {
                files: 0,
                octets: 0,
            }),
            is_shown: output.is_terminal(),
        };
        bar.step(Progress {
            files: 0,
            octets: 0,
        });
        bar
    }

    /// More is done.
    pub(super) fn step(&self, step: Progress) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.files += step.files;
        done.octets += step.octets;
        if self.is_shown {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r{}\x1b[K", line(*done, self.all));
            let _ = out.flush();
        }
    }
}

impl Drop for Bar {
    /// The next line begins at its beginning, also after an error.
    fn drop(&mut self) {
        if self.is_shown {
            let _ = writeln!(std::io::stderr().lock());
        }
    }
}

fn line(done: Progress, all: Progress) -> String {
    // Empty files count, too.
    let part = |width: u64| width * (done.octets + done.files as u64) / weight(all);
    let full = usize::try_from(part(WIDTH as u64))
        .unwrap_or(WIDTH)
        .min(WIDTH);
    format!(
        "[{}{}] {}/{} files, {}",
        "█".repeat(full),
        "·".repeat(WIDTH - full),
        done.files,
        all.files,
        size(done.octets)
    )
}

fn weight(all: Progress) -> u64 {
    (all.octets + all.files as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_empty_at_the_beginning_and_full_at_the_end() {
        let all = Progress {
            files: 10,
            octets: 2048,
        };
        let none = Progress {
            files: 0,
            octets: 0,
        };
        assert_eq!(
            line(none, all),
            format!("[{}] 0/10 files, 0 B", "·".repeat(WIDTH))
        );
        assert_eq!(
            line(all, all),
            format!("[{}] 10/10 files, 2.0 KiB", "█".repeat(WIDTH))
        );
        assert!(line(none, none).contains("0/0"));
    }
}
