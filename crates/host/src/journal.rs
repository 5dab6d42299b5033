//! The journal of a unit, through `journalctl` with arguments that stand here.

use std::process::Stdio;

use portlama_control::logs::{BACKFILL_LINES, LogFeed, LogLevel, LogLine, LogReader, log_pipe};
use portlama_control::{MachineError, Unit};
use portlama_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;
use tokio_util::task::AbortOnDropHandle;

use crate::systemd::unit_name;

/// The longest line that is read of the journal, octets; `journalctl` leaves out values above
/// 4 KiB by itself, and octets that are no text take four characters each.
pub const MAX_JOURNAL_LINE_BYTES: usize = 64 * 1024;
/// Lines of `journalctl`'s own complaints that are shown, such as missing rights.
pub const MAX_JOURNAL_COMPLAINTS: usize = 20;

const JOURNALCTL: &str = "journalctl";

/// What is asked for of each entry.
const FIELDS: &str =
    "--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,_HOSTNAME";

/// Follows the journal of a unit. The program ends when the reader is dropped.
pub(crate) fn follow(unit: Unit) -> Result<LogReader, MachineError> {
    let mut child = command(unit)
        .spawn()
        .map_err(|error| MachineError::Program {
            program: JOURNALCTL,
            reason: error.to_string(),
        })?;
    let (feed, reader) = log_pipe();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let task = tokio::spawn(async move {
        if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
            tokio::join!(copy_entries(stdout, &feed), copy_complaints(stderr, &feed));
        }
        // Killed when this task is dropped, and waited for when it ended by itself.
        let _ = child.wait().await;
    });
    Ok(reader.keeping(AbortOnDropHandle::new(task)))
}

fn command(unit: Unit) -> Command {
    let mut command = Command::new(JOURNALCTL);
    command
        .arg(format!("--unit={}", unit_name(unit)))
        .arg(format!("--lines={BACKFILL_LINES}"))
        .args(["--follow", "--no-pager", "--output=json", FIELDS])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if unit == Unit::Panel {
        // What it wrote under the name it had first. That is an alias today, and the journal knows
        // no aliases.
        command.arg("--unit=portlama-panel.service");
    }
    command
}

async fn copy_entries(from: impl AsyncRead + Unpin, feed: &LogFeed) {
    let mut from = BufReader::new(from);
    while let Some(line) = next_line(&mut from).await {
        let line = match &line {
            Line::Whole(octets) => JournalEntry::parse(octets).map(|entry| entry.with_origin()),
            Line::TooLong => Some(note("an entry was left out because it is too long")),
        };
        if let Some(line) = line
            && !feed.push(line)
        {
            return;
        }
    }
}

async fn copy_complaints(from: impl AsyncRead + Unpin, feed: &LogFeed) {
    let mut from = BufReader::new(from);
    let mut shown = 0;
    while let Some(line) = next_line(&mut from).await {
        // Read to the end, so that the program never waits for us.
        if let Line::Whole(octets) = line
            && shown < MAX_JOURNAL_COMPLAINTS
        {
            shown += 1;
            feed.push(note(&format!(
                "journalctl: {}",
                String::from_utf8_lossy(&octets)
            )));
        }
    }
}

fn note(message: &str) -> LogLine {
    LogLine::new(None, Some(LogLevel::Warn), message)
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line without its end, or `None` at the end of all. Never holds more than
/// [`MAX_JOURNAL_LINE_BYTES`].
async fn next_line(from: &mut (impl AsyncBufRead + Unpin)) -> Option<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let chunk = from.fill_buf().await.ok()?;
        if chunk.is_empty() {
            return (!line.is_empty()).then_some(Line::Whole(line));
        }
        let end = chunk.iter().position(|octet| *octet == b'\n');
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        too_long |= line.len() + part.len() > MAX_JOURNAL_LINE_BYTES;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            return Some(if too_long {
                Line::TooLong
            } else {
                Line::Whole(line)
            });
        }
    }
}

/// What a journal knows of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    at: Option<Timestamp>,
    level: Option<LogLevel>,
    /// `host process[pid]`, as far as they are known.
    origin: String,
    message: String,
}

/// An entry as `journalctl` writes it (systemd's *Journal JSON Format*): a text, or a list of
/// octets where it is no text, or `null` where it is too long; a list of those where a field
/// stands several times.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    micros: Value,
    #[serde(rename = "MESSAGE")]
    message: Value,
    #[serde(rename = "PRIORITY")]
    priority: Value,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Value,
    #[serde(rename = "_COMM")]
    command: Value,
    #[serde(rename = "_PID")]
    pid: Value,
    #[serde(rename = "SYSLOG_PID")]
    syslog_pid: Value,
    #[serde(rename = "_HOSTNAME")]
    host: Value,
}

impl JournalEntry {
    /// Reads a line that `journalctl --output=json` wrote; `None` when it is no entry.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        // An array would count as the members in their order.
        if line.first() != Some(&b'{') {
            return None;
        }
        let fields: Fields = serde_json::from_slice(line).ok()?;
        let host = text(&fields.host).unwrap_or_default();
        let process = text(&fields.identifier)
            .or_else(|| text(&fields.command))
            .unwrap_or_default();
        let pid = text(&fields.pid).or_else(|| text(&fields.syslog_pid));
        let pid = pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
        let space = if host.is_empty() { "" } else { " " };
        Some(Self {
            at: text(&fields.micros).and_then(|micros| time_of(&micros)),
            level: text(&fields.priority).and_then(|priority| level_of(&priority)),
            origin: format!("{host}{space}{process}{pid}"),
            message: text(&fields.message).unwrap_or_else(|| "(too long to show)".to_owned()),
        })
    }

    /// The line alone, where it is known whose it is.
    #[must_use]
    pub fn alone(&self) -> LogLine {
        LogLine::new(self.at, self.level, &self.message)
    }

    /// The line as `host process[pid]: text`.
    #[must_use]
    pub fn with_origin(&self) -> LogLine {
        let Self {
            origin, message, ..
        } = self;
        LogLine::new(self.at, self.level, &format!("{origin}: {message}"))
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) if items.iter().all(Value::is_u64) => {
            let octet = |item: &Value| item.as_u64().and_then(|octet| u8::try_from(octet).ok());
            let octets: Option<Vec<u8>> = items.iter().map(octet).collect();
            octets.map(|octets| String::from_utf8_lossy(&octets).into_owned())
        }
        Value::Array(several) => several.iter().find_map(|one| match one {
            Value::Array(octets) if octets.iter().all(Value::is_u64) => text(one),
            Value::String(_) => text(one),
            _ => None,
        }),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

fn time_of(micros: &str) -> Option<Timestamp> {
    let micros: i64 = micros.parse().ok()?;
    Some(Timestamp::from_unix_millis(micros / 1000))
}

/// Levels of RFC 5424 §6.2.1.
fn level_of(priority: &str) -> Option<LogLevel> {
    match priority {
        "0" | "1" | "2" | "3" => Some(LogLevel::Error),
        "4" => Some(LogLevel::Warn),
        "5" | "6" => Some(LogLevel::Info),
        "7" => Some(LogLevel::Debug),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use portlama_control::logs::LogItem;
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> (String, Option<String>, Option<LogLevel>) {
        let line = JournalEntry::parse(line.as_bytes()).expect("an entry");
        let line = line.with_origin();
        (
            line.message().to_owned(),
            line.at().map(|at| at.to_string()),
            line.level(),
        )
    }

    #[test]
    fn an_entry_is_read_with_its_time_level_and_process() {
        let entry = r#"{"_PID":"812","PRIORITY":"4","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Failed password","_HOSTNAME":"vps","__REALTIME_TIMESTAMP":"1790000000123456","__CURSOR":"s=1"}"#;
        assert_eq!(
            read(entry),
            (
                "vps sshd[812]: Failed password".to_owned(),
                Some("2026-09-21T14:13:20.123Z".to_owned()),
                Some(LogLevel::Warn)
            )
        );
    }

    #[test]
    fn what_is_no_text_or_too_long_or_doubled_is_shown_all_the_same() {
        let message = |json: &str| read(&format!("{{\"MESSAGE\":{json}}}")).0;
        assert_eq!(message("[104,105,27,91,49,109]"), ": hi");
        assert_eq!(message("[255,104]"), ": \u{fffd}h");
        assert_eq!(message("null"), ": (too long to show)");
        assert_eq!(message(r#"["first","second"]"#), ": first");
        assert_eq!(message("[[104,105],null]"), ": hi");
        assert_eq!(message("[]"), ":");
        assert_eq!(message("[256]"), ": (too long to show)");
        assert_eq!(message(r#"{"a":1}"#), ": (too long to show)");
    }

    #[test]
    fn a_message_cannot_forge_a_second_entry() {
        let entry =
            r#"{"SYSLOG_IDENTIFIER":"app","MESSAGE":"x\n2026 vps sshd[1]: \u001b[2Jroot came in"}"#;
        assert_eq!(read(entry).0, "app: x 2026 vps sshd[1]: root came in");
    }

    #[test]
    fn a_time_that_is_none_is_left_out() {
        for time in [
            r#""x""#,
            r#""""#,
            "null",
            r#""99999999999999999999999""#,
            "true",
        ] {
            assert_eq!(
                read(&format!("{{\"__REALTIME_TIMESTAMP\":{time}}}")).1,
                None,
                "{time}"
            );
        }
    }

    #[tokio::test]
    async fn entries_and_complaints_become_lines_until_the_program_ends() {
        let long = format!(
            "{{\"MESSAGE\":\"{}\"}}\n",
            "x".repeat(MAX_JOURNAL_LINE_BYTES)
        );
        let out = [
            "{\"MESSAGE\":\"one\"}\n",
            "-- No entries --\n",
            &long,
            "[1,2]\n\n",
            "{\"MESSAGE\":\"two\"}",
        ]
        .concat();
        let (feed, mut reader) = log_pipe();
        copy_entries(out.as_bytes(), &feed).await;
        copy_complaints("No rights.\n".repeat(100).as_bytes(), &feed).await;
        drop(feed);
        let mut seen = vec![];
        while let Some(LogItem::Line(line)) = reader.next().await {
            seen.push(line.message().to_owned());
        }
        assert_eq!(
            seen[..4],
            [
                ": one",
                "an entry was left out because it is too long",
                ": two",
                "journalctl: No rights."
            ]
        );
        assert_eq!(seen.len(), 3 + MAX_JOURNAL_COMPLAINTS);
    }

    #[tokio::test]
    async fn reading_stops_when_nobody_watches() {
        let (feed, reader) = log_pipe();
        drop(reader);
        // An endless journal: this ends only because the feed says that nobody watches.
        let endless = tokio::io::repeat(b'\n');
        let entries = "{\"MESSAGE\":\"one\"}\n".as_bytes();
        copy_entries(tokio::io::AsyncReadExt::chain(entries, endless), &feed).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_program_runs_as_long_as_somebody_watches_and_no_longer() {
        let reader = match follow(Unit::Panel) {
            Ok(reader) => reader,
            Err(error) => {
                skipped(&error.to_string());
                return;
            }
        };
        until("the program runs", || !journal_readers().is_empty()).await;
        let arguments = journal_readers().concat();
        assert!(arguments.contains("--unit=portlama.service"), "{arguments}");
        drop(reader);
        until("the program is gone", || journal_readers().is_empty()).await;
    }

    #[allow(clippy::print_stderr, reason = "a skipped test says so")]
    fn skipped(why: &str) {
        eprintln!("skipped: {why}");
    }

    /// The command lines of the children of this process that follow a journal.
    #[cfg(target_os = "linux")]
    fn journal_readers() -> Vec<String> {
        let read = |pid: &str, file: &str| {
            std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
        };
        let parent = format!("PPid:\t{}\n", std::process::id());
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        processes
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|pid| read(pid, "status").contains(&parent))
            .map(|pid| read(&pid, "cmdline"))
            .filter(|line| line.starts_with(JOURNALCTL))
            .collect()
    }

    #[cfg(target_os = "linux")]
    async fn until(what: &str, condition: impl Fn() -> bool) {
        let begun = std::time::Instant::now();
        while !condition() {
            assert!(begun.elapsed().as_secs() < 30, "not in time: {what}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    proptest! {
        #[test]
        fn no_line_breaks_the_reading(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = JournalEntry::parse(&line);
        }

        #[test]
        fn no_value_breaks_the_reading(
            field in "MESSAGE|PRIORITY|_PID|__REALTIME_TIMESTAMP|_HOSTNAME",
            value in "[\\[\\]{}0-9,\"a-z\\\\-]{0,30}",
        ) {
            if let Some(entry) = JournalEntry::parse(format!("{{\"{field}\":{value}}}").as_bytes()) {
                for line in [entry.alone(), entry.with_origin()] {
                    prop_assert!(!line.message().chars().any(char::is_control));
                }
            }
        }

        #[test]
        fn lines_are_bounded_however_they_arrive(
            octets in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..2000),
            buffer in 1_usize..100,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let lines = runtime.block_on(async {
                let mut from = BufReader::with_capacity(buffer, octets.as_slice());
                let mut lines = vec![];
                while let Some(Line::Whole(line)) = next_line(&mut from).await {
                    lines.push(line);
                }
                lines
            });
            let mut expected: Vec<_> = octets.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
            if expected.last().is_some_and(Vec::is_empty) {
                expected.pop();
            }
            prop_assert_eq!(lines, expected);
        }
    }
}
