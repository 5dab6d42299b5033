//! The last lines of every part of this process, and who watches them.

use std::collections::VecDeque;

use parking_lot::Mutex;
use portlama_model::Timestamp;

use super::{LogFeed, LogLevel, LogLine, LogReader, log_pipe};
use crate::Part;

/// Lines of the past that a new watcher gets, as the reference has it.
pub const BACKFILL_LINES: usize = 100;
/// Lines that are kept of each part: what a bad night writes.
pub const PART_LOG_LINES: usize = 500;
/// Octets that the kept lines of each part cost: all rings together half a MiB.
pub const PART_LOG_BYTES: usize = 128 * 1024;

/// The last lines of every part. They are lost with the process; a journal keeps what must
/// survive it.
#[derive(Debug)]
pub struct PartLogs([Mutex<Ring>; Part::ALL.len()]);

impl PartLogs {
    /// Logs that say when they began, so that none is ever empty.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let logs = Self(std::array::from_fn(|_| Mutex::default()));
        for part in Part::ALL {
            let begins = format!(
                "portlama {}: the log of `{}` begins",
                env!("CARGO_PKG_VERSION"),
                part.as_str()
            );
            logs.record(part, LogLine::new(Some(now), Some(LogLevel::Info), &begins));
        }
        logs
    }

    /// Adds a line. Waits for nobody and writes no log itself.
    pub fn record(&self, part: Part, line: LogLine) {
        self.0[part.index()].lock().push(line);
    }

    /// The last [`BACKFILL_LINES`] lines of a part and all that follow.
    #[must_use]
    pub fn follow(&self, part: Part) -> LogReader {
        let (feed, reader) = log_pipe();
        let mut ring = self.0[part.index()].lock();
        let skipped = ring.lines.len().saturating_sub(BACKFILL_LINES);
        for line in ring.lines.iter().skip(skipped) {
            feed.push(line.clone());
        }
        ring.watchers.retain(LogFeed::is_watched);
        ring.watchers.push(feed);
        reader
    }
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<LogLine>,
    bytes: usize,
    watchers: Vec<LogFeed>,
}

impl Ring {
    fn push(&mut self, line: LogLine) {
        self.watchers.retain(|watcher| watcher.push(line.clone()));
        self.bytes += line.cost();
        self.lines.push_back(line);
        while self.bytes > PART_LOG_BYTES || self.lines.len() > PART_LOG_LINES {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.cost();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::LogItem;

    fn line(text: &str) -> LogLine {
        LogLine::new(None, None, text)
    }

    async fn next(reader: &mut LogReader) -> String {
        match reader.next().await {
            Some(LogItem::Line(line)) => line.message().to_owned(),
            other => panic!("no line: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_log_is_never_empty_and_parts_are_apart() {
        let logs = PartLogs::new(Timestamp::UNIX_EPOCH);
        logs.record(Part::Edge, line("of the edge"));
        for part in Part::ALL {
            let mut reader = logs.follow(part);
            let first = next(&mut reader).await;
            assert!(first.ends_with(&format!("the log of `{}` begins", part.as_str())));
            logs.record(part, line("live"));
            let second = next(&mut reader).await;
            assert_eq!(
                second,
                if part == Part::Edge {
                    "of the edge"
                } else {
                    "live"
                }
            );
        }
    }

    #[tokio::test]
    async fn a_new_watcher_gets_the_last_hundred_lines_and_then_the_live_ones() {
        let logs = PartLogs::new(Timestamp::UNIX_EPOCH);
        for number in 0..250 {
            logs.record(Part::Portal, line(&number.to_string()));
        }
        let mut reader = logs.follow(Part::Portal);
        logs.record(Part::Portal, line("live"));
        for number in 150..250 {
            assert_eq!(next(&mut reader).await, number.to_string());
        }
        assert_eq!(next(&mut reader).await, "live");
    }

    #[test]
    fn what_is_kept_is_bounded_in_lines_and_octets() {
        let logs = PartLogs::new(Timestamp::UNIX_EPOCH);
        for _ in 0..2000 {
            logs.record(Part::Tunnel, line("short"));
            logs.record(Part::Acme, line(&"long".repeat(1000)));
        }
        let (short, long) = (
            logs.0[Part::Tunnel.index()].lock(),
            logs.0[Part::Acme.index()].lock(),
        );
        assert_eq!(short.lines.len(), PART_LOG_LINES);
        assert!(long.bytes <= PART_LOG_BYTES && long.lines.len() > 20);
    }

    #[test]
    fn watchers_that_left_are_forgotten() {
        let logs = PartLogs::new(Timestamp::UNIX_EPOCH);
        for _ in 0..100 {
            drop(logs.follow(Part::Edge));
        }
        assert!(logs.0[Part::Edge.index()].lock().watchers.len() <= 1);
        let _watches = logs.follow(Part::Edge);
        logs.record(Part::Edge, line("news"));
        assert_eq!(logs.0[Part::Edge.index()].lock().watchers.len(), 1);
    }
}
