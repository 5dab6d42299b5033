//! Lines for people: kept in rings for the parts of this process, read one after the other by
//! whoever watches.
//!
//! - [`LogLine`]: one line, made plain where it enters.
//! - [`PartLogs`]: the last lines of each part.
//! - [`log_pipe`], [`LogFeed`], [`LogReader`]: from a source to one watcher; a slow watcher
//!   loses the oldest lines and is told how many.

mod line;
mod pipe;
mod ring;

pub use line::{LogLevel, LogLine, MAX_LOG_LINE_BYTES, plain};
pub use pipe::{LogFeed, LogItem, LogReader, READER_BUFFER_BYTES, log_pipe};
pub use ring::{BACKFILL_LINES, PART_LOG_BYTES, PART_LOG_LINES, PartLogs};
