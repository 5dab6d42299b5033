//! The agent's own list of what it may forward: `allowed.json`.
//!
//! The server can ask for a port and nothing else, so this list is what stands between a
//! taken server and the network at home. It starts empty, and a list that cannot be read
//! allows nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use portlama_model::TunnelPort;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::target::Target;
use portlama_files::{self as files, FileError, FileLock};

/// The newest format of `allowed.json` that this program reads.
pub const ALLOW_LIST_FORMAT: u64 = 1;

/// Which tunnel ports lead where. Pure: no file, no socket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllowList {
    loopback: bool,
    entries: BTreeMap<TunnelPort, Entry>,
    denied: BTreeSet<TunnelPort>,
    extra: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    target: Target,
    extra: Map<String, Value>,
}

impl AllowList {
    /// Lets tunnel port `port` lead to `target`. What it led to before is forgotten.
    pub fn allow(&mut self, port: TunnelPort, target: Target) {
        self.denied.remove(&port);
        match self.entries.get_mut(&port) {
            Some(entry) => entry.target = target,
            None => {
                self.entries.insert(
                    port,
                    Entry {
                        target,
                        extra: Map::new(),
                    },
                );
            }
        }
    }

    /// Shuts `port`, also against [`set_loopback`](Self::set_loopback), until it is allowed
    /// again. Returns whether it was open.
    pub fn deny(&mut self, port: TunnelPort) -> bool {
        let open = self.target(port).is_some();
        self.entries.remove(&port);
        self.denied.insert(port);
        open
    }

    /// Takes the entry of `port` away without shutting the port by name.
    pub fn forget(&mut self, port: TunnelPort) {
        self.entries.remove(&port);
    }

    /// Whether every port without an entry leads to the same port of this machine.
    pub fn set_loopback(&mut self, on: bool) {
        self.loopback = on;
    }

    /// Whether every port of this machine is allowed.
    #[must_use]
    pub fn loopback(&self) -> bool {
        self.loopback
    }

    /// THE rule: where `port` leads, or `None` when it is shut.
    #[must_use]
    pub fn target(&self, port: TunnelPort) -> Option<Target> {
        if self.denied.contains(&port) {
            return None;
        }
        match self.entries.get(&port) {
            Some(entry) => Some(entry.target.clone()),
            None => self.loopback.then(|| Target::localhost(port.get())),
        }
    }

    /// The entries by port.
    pub fn entries(&self) -> impl Iterator<Item = (TunnelPort, &Target)> {
        self.entries
            .iter()
            .map(|(port, entry)| (*port, &entry.target))
    }

    /// The ports that were shut by name.
    pub fn denied(&self) -> impl Iterator<Item = TunnelPort> + '_ {
        self.denied.iter().copied()
    }

    /// The list in a document's text; `path` is named in errors.
    ///
    /// # Errors
    /// When the text is no list of a known format, or names a port twice.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let Format { version } = files::parse_json(path, text)?;
        if version > ALLOW_LIST_FORMAT {
            return Err(FileError::Newer {
                path: path.to_owned(),
                found: version,
                known: ALLOW_LIST_FORMAT,
            });
        }
        let document: Document = files::parse_json(path, text)?;
        let mut list = Self {
            loopback: document.allow_loopback,
            denied: document.denied,
            extra: document.extra,
            entries: BTreeMap::new(),
        };
        for DocumentEntry {
            port,
            target,
            extra,
        } in document.allowed
        {
            let target = target
                .parse()
                .map_err(|error: crate::TargetError| broken(path, error.to_string()))?;
            if list.entries.insert(port, Entry { target, extra }).is_some() {
                return Err(broken(path, format!("port {port} is there twice")));
            }
        }
        Ok(list)
    }

    fn document(&self) -> Document {
        let allowed = self.entries.iter().map(|(port, entry)| DocumentEntry {
            port: *port,
            target: entry.target.to_string(),
            extra: entry.extra.clone(),
        });
        Document {
            version: ALLOW_LIST_FORMAT,
            allow_loopback: self.loopback,
            allowed: allowed.collect(),
            denied: self.denied.clone(),
            extra: self.extra.clone(),
        }
    }
}

fn broken(path: &Path, reason: String) -> FileError {
    FileError::Broken {
        path: path.to_owned(),
        line: 1,
        column: 1,
        reason,
    }
}

#[derive(Deserialize)]
struct Format {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    version: u64,
    #[serde(default)]
    allow_loopback: bool,
    #[serde(default)]
    allowed: Vec<DocumentEntry>,
    #[serde(default)]
    denied: BTreeSet<TunnelPort>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct DocumentEntry {
    port: TunnelPort,
    target: String,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// `allowed.json` of one agent.
#[derive(Debug, Clone)]
pub struct AllowFile {
    path: PathBuf,
}

impl AllowFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The list; without a file the empty one.
    ///
    /// # Errors
    /// When the file cannot be read or is not a list.
    pub fn read(&self) -> Result<AllowList, FileError> {
        match files::read_text(&self.path)? {
            Some(text) => AllowList::parse(&self.path, &text),
            None => Ok(AllowList::default()),
        }
    }

    /// Changes the list. Changes of several processes follow one another.
    ///
    /// # Errors
    /// When the file cannot be read, is not a list, or cannot be written.
    pub fn change<T>(&self, change: impl FnOnce(&mut AllowList) -> T) -> Result<T, FileError> {
        let _turn = FileLock::wait(&self.path.with_extension("lock"))?;
        let mut list = self.read()?;
        let result = change(&mut list);
        files::write_json(&self.path, &list.document())?;
        Ok(result)
    }

    /// Empties the list, whatever it was.
    pub(crate) fn clear(&self) -> Result<(), FileError> {
        let _turn = FileLock::wait(&self.path.with_extension("lock"))?;
        files::write_json(&self.path, &AllowList::default().document())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn port(number: u16) -> TunnelPort {
        number.try_into().expect("a tunnel port")
    }

    fn target(text: &str) -> Target {
        text.parse().expect(text)
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert_eq!(AllowList::default().target(port(8400)), None);
    }

    #[test]
    fn an_entry_opens_its_port_and_no_other() {
        let mut list = AllowList::default();
        list.allow(port(8400), target("nas.local:5000"));
        assert_eq!(list.target(port(8400)), Some(target("nas.local:5000")));
        assert_eq!(list.target(port(5000)), None);
        assert_eq!(list.target(port(8401)), None);
    }

    #[test]
    fn loopback_opens_every_port_of_this_machine_but_the_denied() {
        let mut list = AllowList::default();
        list.set_loopback(true);
        list.allow(port(9000), target("nas:80"));
        assert!(list.deny(port(5432)));
        assert_eq!(list.target(port(8400)), Some(Target::localhost(8400)));
        assert_eq!(list.target(port(9000)), Some(target("nas:80")));
        assert_eq!(list.target(port(5432)), None);
        list.allow(port(5432), Target::localhost(5432));
        assert_eq!(list.target(port(5432)), Some(Target::localhost(5432)));
    }

    #[test]
    fn denying_says_whether_the_port_was_open() {
        let mut list = AllowList::default();
        assert!(!list.deny(port(8400)));
        list.allow(port(8400), Target::localhost(8400));
        assert!(list.deny(port(8400)));
        assert_eq!(list.target(port(8400)), None);
    }

    #[test]
    fn members_of_other_versions_survive_a_change() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = AllowFile::at(dir.path().join("allowed.json"));
        let text = r#"{"version":1,"note":"mine","allowed":[{"port":8400,"target":"localhost:8400","since":2027}]}"#;
        fs::write(file.path(), text).expect("written");
        file.change(|list| list.allow(port(8400), target("nas:80")))
            .expect("changed");
        let after: Value =
            serde_json::from_str(&fs::read_to_string(file.path()).expect("readable"))
                .expect("JSON");
        assert_eq!(after["note"], "mine");
        assert_eq!(after["allowed"][0]["since"], 2027);
        assert_eq!(after["allowed"][0]["target"], "nas:80");
    }

    #[test]
    fn a_list_that_cannot_be_believed_is_an_error_and_stays() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = AllowFile::at(dir.path().join("allowed.json"));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"version":2,"allowed":7}"#,
            r#"{"version":1,"allowed":[{"port":80,"target":"localhost:80"}]}"#,
            r#"{"version":1,"allowed":[{"port":8400,"target":"169.254.169.254:80"}]}"#,
            r#"{"version":1,"allowed":[{"port":8400,"target":"a:1"},{"port":8400,"target":"b:1"}]}"#,
        ] {
            fs::write(file.path(), bad).expect("written");
            assert!(file.read().is_err(), "{bad}");
            assert!(
                file.change(|list| list.set_loopback(true)).is_err(),
                "{bad}"
            );
            assert_eq!(fs::read_to_string(file.path()).expect("readable"), bad);
        }
    }

    #[test]
    fn changes_of_many_processes_are_all_kept() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = AllowFile::at(dir.path().join("allowed.json"));
        std::thread::scope(|scope| {
            for number in 8400..8416 {
                let file = &file;
                scope.spawn(move || {
                    file.change(|list| list.allow(port(number), Target::localhost(number)))
                        .expect("changed")
                });
            }
        });
        assert_eq!(file.read().expect("readable").entries().count(), 16);
    }

    proptest! {
        #[test]
        fn a_list_round_trips(steps in proptest::collection::vec((1024u16..1032, 0u8..3), 0..20), loopback: bool) {
            let mut list = AllowList::default();
            list.set_loopback(loopback);
            for (number, step) in steps {
                match step {
                    0 => list.allow(port(number), Target::localhost(number)),
                    1 => list.allow(port(number), target("nas.local:80")),
                    _ => { list.deny(port(number)); }
                }
            }
            let text = serde_json::to_string(&list.document()).expect("JSON");
            prop_assert_eq!(AllowList::parse(Path::new("allowed.json"), &text).expect("a list"), list);
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,200}") {
            let _ = AllowList::parse(Path::new("allowed.json"), &text);
        }
    }
}
