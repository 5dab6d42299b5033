//! The agent's own log, where no journal keeps it: a few files, turned over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use portlama_files as files;

/// Files that are kept, the one that is written included.
pub const LOG_FILES: usize = 5;
/// How long one may become, bytes. Together they hold months of an agent that is well, and a day
/// of one that complains every second.
pub const LOG_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// `agents/<label>/logs`.
#[derive(Debug, Clone)]
pub struct LogFiles {
    folder: PathBuf,
}

impl LogFiles {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file that is written; the older ones have a number behind the name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.older(0)
    }

    /// Goes on with the log. One process does so at a time.
    ///
    /// # Errors
    /// When folder or file cannot be made.
    pub fn write(&self) -> io::Result<LogWriter> {
        files::create_private_dir(&self.folder).map_err(io::Error::other)?;
        let file = open(&self.path())?;
        let bytes = file.metadata()?.len();
        Ok(LogWriter {
            files: self.clone(),
            file,
            bytes,
        })
    }

    /// The last lines, oldest first; `None` when nothing was ever written.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn last(&self, lines: usize) -> io::Result<Option<Vec<String>>> {
        if !self.path().exists() {
            return Ok(None);
        }
        let mut kept: Vec<String> = Vec::new();
        for number in 0..LOG_FILES {
            if kept.len() >= lines {
                break;
            }
            let mut octets = Vec::new();
            match File::open(self.older(number)) {
                // More than was ever written is somebody else's.
                Ok(file) => file.take(LOG_FILE_BYTES * 2).read_to_end(&mut octets)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            let text = String::from_utf8_lossy(&octets);
            let missing = lines - kept.len();
            let all: Vec<&str> = text.lines().collect();
            let last = all.iter().skip(all.len().saturating_sub(missing));
            let last: Vec<String> = last.map(|line| (*line).to_owned()).collect();
            kept.splice(0..0, last);
        }
        Ok(Some(kept))
    }

    /// Reads what will be written from here on.
    #[must_use]
    pub fn follow(&self) -> LogFollower {
        let mut follower = LogFollower {
            path: self.path(),
            file: None,
            inode: 0,
            unfinished: Vec::new(),
        };
        if let Some((mut file, inode)) = follower.newest() {
            let _ = file.seek(SeekFrom::End(0));
            follower.file = Some(file);
            follower.inode = inode;
        }
        follower
    }

    fn older(&self, number: usize) -> PathBuf {
        match number {
            0 => self.folder.join("agent.log"),
            number => self.folder.join(format!("agent.log.{number}")),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// Writes whole lines, and begins a new file when one is full.
#[derive(Debug)]
pub struct LogWriter {
    files: LogFiles,
    file: File,
    bytes: u64,
}

impl LogWriter {
    fn turn_over(&mut self) -> io::Result<()> {
        for number in (1..LOG_FILES).rev() {
            let (from, to) = (self.files.older(number - 1), self.files.older(number));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.file = open(&self.files.path())?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > LOG_FILE_BYTES {
            self.turn_over()?;
        }
        self.file.write_all(line)?;
        self.bytes += length;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a log as it grows, across files.
#[derive(Debug)]
pub struct LogFollower {
    path: PathBuf,
    file: Option<File>,
    inode: u64,
    unfinished: Vec<u8>,
}

impl LogFollower {
    /// The lines since the last time. Called a few times a second, it misses none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lines(&mut self) -> io::Result<Vec<String>> {
        self.read_rest()?;
        if let Some((file, inode)) = self.newest()
            && (self.file.is_none() || inode != self.inode)
        {
            // What was written to the old one between the reading and the look at the new one.
            self.read_rest()?;
            self.file = Some(file);
            self.inode = inode;
            self.read_rest()?;
        }
        let whole = self.unfinished.iter().rposition(|octet| *octet == b'\n');
        let Some(end) = whole else {
            return Ok(Vec::new());
        };
        let rest = self.unfinished.split_off(end + 1);
        let whole = std::mem::replace(&mut self.unfinished, rest);
        let text = String::from_utf8_lossy(&whole);
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn read_rest(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.read_to_end(&mut self.unfinished)?;
        }
        Ok(())
    }

    fn newest(&self) -> Option<(File, u64)> {
        let file = File::open(&self.path).ok()?;
        let inode = file.metadata().ok()?.ino();
        Some((file, inode))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn logs() -> (tempfile::TempDir, LogFiles) {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = LogFiles::at(folder.path().join("logs"));
        (folder, logs)
    }

    fn line(number: usize) -> String {
        format!("{number:07} {}\n", "x".repeat(9_991))
    }

    #[test]
    fn a_log_is_turned_over_and_keeps_its_newest_lines() {
        let (_folder, logs) = logs();
        let mut writer = logs.write().expect("written");
        let lines = 4_000; // 40 MB
        for number in 0..lines {
            writer.write_all(line(number).as_bytes()).expect("written");
        }
        let sizes: Vec<u64> = fs::read_dir(&logs.folder)
            .expect("there")
            .map(|entry| entry.expect("an entry").metadata().expect("there").len())
            .collect();
        assert_eq!(sizes.len(), LOG_FILES);
        assert!(
            sizes.iter().all(|bytes| *bytes <= LOG_FILE_BYTES),
            "{sizes:?}"
        );
        // Across two files.
        let last = logs.last(600).expect("read").expect("lines");
        let numbers: Vec<usize> = last
            .iter()
            .map(|l| l[..7].parse().expect("a number"))
            .collect();
        assert_eq!(numbers, (lines - 600..lines).collect::<Vec<_>>());
    }

    #[test]
    fn the_next_start_goes_on_with_the_file() {
        let (_folder, logs) = logs();
        assert_eq!(logs.last(10).expect("read"), None);
        logs.write()
            .expect("made")
            .write_all(b"one\n")
            .expect("written");
        logs.write()
            .expect("made")
            .write_all(b"two\n")
            .expect("written");
        let last = logs.last(10).expect("read").expect("lines");
        assert_eq!(last, ["one", "two"]);
        assert_eq!(logs.last(1).expect("read").expect("lines"), ["two"]);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&logs.folder), mode(&logs.path())), (0o700, 0o600));
    }

    #[test]
    fn who_follows_gets_every_line_once_whatever_is_turned_over() {
        let (_folder, logs) = logs();
        let mut before = logs.follow();
        let mut writer = logs.write().expect("written");
        writer.write_all(b"early\n").expect("written");
        assert_eq!(before.lines().expect("read"), ["early"]);
        let mut follower = logs.follow();
        let mut seen = Vec::new();
        for number in 0..1_200 {
            writer.write_all(line(number).as_bytes()).expect("written");
            if number % 100 == 0 {
                seen.extend(follower.lines().expect("read"));
            }
        }
        writer.write_all(b"half").expect("written");
        seen.extend(follower.lines().expect("read"));
        let numbers: Vec<usize> = seen
            .iter()
            .map(|l| l[..7].parse().expect("a number"))
            .collect();
        assert_eq!(numbers, (0..1_200).collect::<Vec<_>>());
        writer.write_all(b" a line\n").expect("written");
        assert_eq!(follower.lines().expect("read"), ["half a line"]);
    }
}
