//! From a source of lines to one watcher, never waiting for the watcher.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::LogLine;

/// Octets of lines that wait for a slow watcher; beyond it the oldest are dropped.
pub const READER_BUFFER_BYTES: usize = 64 * 1024;

/// What a watcher sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// So many lines were dropped here, because the watcher was slow.
    Dropped(u64),
}

/// Makes a way for lines from a source to a watcher.
#[must_use]
pub fn log_pipe() -> (LogFeed, LogReader) {
    let pipe = Arc::new(Pipe::default());
    let reader = LogReader {
        pipe: pipe.clone(),
        closes: CancellationToken::new(),
        keeps: Vec::new(),
    };
    (LogFeed(Arc::downgrade(&pipe)), reader)
}

/// The source's end. Dropping it ends the reader after the lines that wait.
#[derive(Debug)]
pub struct LogFeed(Weak<Pipe>);

impl LogFeed {
    /// Hands a line over; `false` when nobody watches any more.
    pub fn push(&self, line: LogLine) -> bool {
        let Some(pipe) = self.0.upgrade() else {
            return false;
        };
        pipe.lines.lock().push(line);
        pipe.news.notify_one();
        true
    }

    /// Whether somebody watches.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Drop for LogFeed {
    fn drop(&mut self) {
        if let Some(pipe) = self.0.upgrade() {
            pipe.lines.lock().ended = true;
            pipe.news.notify_one();
        }
    }
}

/// The watcher's end.
pub struct LogReader {
    pipe: Arc<Pipe>,
    /// Fires when the reader shall end before its source.
    closes: CancellationToken,
    /// What ends with the watcher: the source's task, its place among the watchers.
    keeps: Vec<Box<dyn Send + Sync>>,
}

impl LogReader {
    /// Holds on to `kept` until the reader is dropped.
    #[must_use]
    pub fn keeping(mut self, kept: impl Send + Sync + 'static) -> Self {
        self.keeps.push(Box::new(kept));
        self
    }

    /// Ends when `closes` fires, after the lines that wait.
    #[must_use]
    pub fn until(self, closes: CancellationToken) -> Self {
        Self { closes, ..self }
    }

    /// The next line, or how many are missing before it; `None` when the source has ended.
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<LogItem> {
        loop {
            {
                let mut lines = self.pipe.lines.lock();
                if let Some(item) = lines.pop() {
                    return Some(item);
                }
                if lines.ended || self.closes.is_cancelled() {
                    return None;
                }
            }
            tokio::select! {
                () = self.pipe.news.notified() => {}
                () = self.closes.cancelled() => {}
            }
        }
    }
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Pipe {
    lines: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<LogLine>,
    bytes: usize,
    dropped: u64,
    ended: bool,
}

impl Waiting {
    fn push(&mut self, line: LogLine) {
        self.bytes += line.cost();
        self.lines.push_back(line);
        while self.bytes > READER_BUFFER_BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.cost();
            self.dropped += 1;
        }
    }

    fn pop(&mut self) -> Option<LogItem> {
        if self.dropped > 0 {
            return Some(LogItem::Dropped(std::mem::take(&mut self.dropped)));
        }
        let line = self.lines.pop_front()?;
        self.bytes -= line.cost();
        Some(LogItem::Line(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> LogLine {
        LogLine::new(None, None, text)
    }

    fn drain(reader: &LogReader) -> Vec<LogItem> {
        let mut lines = reader.pipe.lines.lock();
        std::iter::from_fn(|| lines.pop()).collect()
    }

    #[tokio::test]
    async fn lines_arrive_in_order_and_end_with_their_source() {
        let (feed, mut reader) = log_pipe();
        assert!(feed.push(line("one")) && feed.push(line("two")));
        drop(feed);
        assert_eq!(reader.next().await, Some(LogItem::Line(line("one"))));
        assert_eq!(reader.next().await, Some(LogItem::Line(line("two"))));
        assert_eq!(reader.next().await, None);
        assert_eq!(reader.next().await, None);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_a_line_and_by_the_end() {
        let (feed, mut reader) = log_pipe();
        let watch = tokio::spawn(async move { (reader.next().await, reader.next().await) });
        tokio::task::yield_now().await;
        feed.push(line("late"));
        tokio::task::yield_now().await;
        drop(feed);
        let seen = watch.await.expect("no panic");
        assert_eq!(seen, (Some(LogItem::Line(line("late"))), None));
    }

    #[tokio::test]
    async fn a_reader_ends_when_it_is_closed_though_its_source_lives() {
        let (feed, reader) = log_pipe();
        let closes = CancellationToken::new();
        let mut reader = reader.until(closes.clone());
        feed.push(line("before"));
        closes.cancel();
        assert_eq!(reader.next().await, Some(LogItem::Line(line("before"))));
        assert_eq!(reader.next().await, None);
        assert!(feed.is_watched());
    }

    #[test]
    fn a_feed_learns_that_nobody_watches() {
        let (feed, reader) = log_pipe();
        drop(reader);
        assert!(!feed.push(line("unheard")));
    }

    #[test]
    fn a_reader_that_stops_loses_the_oldest_and_learns_how_many() {
        let (feed, reader) = log_pipe();
        for number in 0..5000 {
            feed.push(line(&format!("{number:0>100}")));
        }
        let seen = drain(&reader);
        let [LogItem::Dropped(dropped), LogItem::Line(first), ..] = seen.as_slice() else {
            panic!("no mark: {:?}", seen.first());
        };
        assert_eq!(first.message(), format!("{dropped:0>100}"));
        let kept = u64::try_from(seen.len() - 1).expect("few");
        assert_eq!(dropped + kept, 5000);
        assert!(
            matches!(seen.last(), Some(LogItem::Line(last)) if last.message().ends_with("4999"))
        );
    }

    proptest! {
        #[test]
        fn every_line_is_seen_or_counted(
            steps in proptest::collection::vec((0_usize..6000, any::<bool>()), 0..80)
        ) {
            let (feed, reader) = log_pipe();
            let (mut pushed, mut seen) = (0, 0);
            for (length, reads) in steps {
                feed.push(line(&"x".repeat(length)));
                pushed += 1;
                prop_assert!(reader.pipe.lines.lock().bytes <= READER_BUFFER_BYTES);
                if reads {
                    seen += count(drain(&reader));
                }
            }
            prop_assert_eq!(seen + count(drain(&reader)), pushed);
            prop_assert_eq!(reader.pipe.lines.lock().bytes, 0);
        }
    }

    fn count(items: Vec<LogItem>) -> u64 {
        let worth = |item: &LogItem| match item {
            LogItem::Line(_) => 1,
            LogItem::Dropped(number) => *number,
        };
        items.iter().map(worth).sum()
    }
}
