//! What a server acknowledged while it could die at any moment, to be compared with what it
//! says after its next start.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common;

/// What is known of a thing from the answers so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Its creation was acknowledged.
    There,
    /// Its deletion was acknowledged.
    Gone,
    /// The answer to the last change never came.
    Either,
}

/// Tunnels, invitations and files of one site, by name.
#[derive(Debug)]
pub(crate) struct Ledger {
    site: String,
    known: Mutex<BTreeMap<(Kind, String), Known>>,
    /// Where files lie that are sent.
    folder: TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tunnel,
    Invitation,
    File,
}

impl Ledger {
    /// An empty one, with a site for its files.
    pub(crate) fn new(server: &Server) -> Result<Self> {
        let body = json!({ "name": "files", "type": "managed" });
        let made = ask(server, "POST", "sites", &body).context("no site")?;
        Ok(Self {
            site: text(&made["site"]["id"]),
            known: Mutex::default(),
            folder: tempfile::tempdir()?,
        })
    }

    /// Makes and deletes things until the server is gone, `first` being told after the first
    /// change; the number of acknowledged changes. Names begin with `prefix`, ports at `port`.
    pub(crate) fn write(
        &self,
        server: &Server,
        prefix: &str,
        port: u16,
        first: &Sender<()>,
    ) -> u64 {
        let mut acknowledged = 0;
        for n in 0.. {
            let name = format!("{prefix}n{n}");
            if self
                .one_of_each(server, &name, port + n, first, &mut acknowledged)
                .is_none()
            {
                break;
            }
        }
        acknowledged
    }

    /// `None` when the server did not answer.
    fn one_of_each(
        &self,
        server: &Server,
        name: &str,
        port: u16,
        first: &Sender<()>,
        acknowledged: &mut u64,
    ) -> Option<()> {
        let mut note = |kind, outcome| {
            *acknowledged += 1;
            self.note(kind, name, outcome);
            // Only the first is waited for.
            let _ = first.send(());
        };
        self.note(Kind::Tunnel, name, Known::Either);
        let tunnel = json!({ "subdomain": name, "port": port });
        let made = ask(server, "POST", "tunnels", &tunnel)?;
        note(Kind::Tunnel, Known::There);

        self.note(Kind::File, name, Known::Either);
        let file = self.folder.path().join(format!("{name}.txt"));
        std::fs::write(&file, content(name)).expect("written");
        let path = format!("sites/{}/files?path=pages", self.site);
        let upload = server.admin().upload(&file).options(["--max-time", "20"]);
        let sent = upload.send(&server.api(&path)).ok()?;
        assert_eq!(sent.status, 200, "upload: {}", sent.text());
        note(Kind::File, Known::There);

        self.note(Kind::Invitation, name, Known::Either);
        let invitation = json!({ "username": name, "email": "g@example.net" });
        ask(server, "POST", "invitations", &invitation)?;
        note(Kind::Invitation, Known::There);

        if port % 2 == 1 {
            self.note(Kind::Tunnel, name, Known::Either);
            let path = format!("tunnels/{}", text(&made["tunnel"]["id"]));
            ask(server, "DELETE", &path, &json!({}))?;
            note(Kind::Tunnel, Known::Gone);
        }
        Some(())
    }

    fn note(&self, kind: Kind, name: &str, known: Known) {
        let mut all = self.known.lock().expect("no panic");
        all.insert((kind, name.to_owned()), known);
    }

    /// Compares what the server says, and what lies in the site, with what is known.
    pub(crate) fn check(&self, server: &Server) -> Result<()> {
        let tunnels = common::list(server, "tunnels", "subdomain")?;
        let invitations = common::list(server, "invitations", "username")?;
        let files = self.files(server.state_dir())?;
        for ((kind, name), known) in self.known.lock().expect("no panic").iter() {
            let there = match kind {
                Kind::Tunnel => tunnels.contains(name),
                Kind::Invitation => invitations.contains(name),
                Kind::File => files.contains(name),
            };
            let right = match known {
                Known::There => there,
                Known::Gone => !there,
                Known::Either => true,
            };
            ensure!(right, "{kind:?} {name}: {known:?}, and there: {there}");
        }
        // Written in the same moment as the changes, and not with the documents.
        ensure!(server.admin().send(&server.api("audit"))?.status == 200);
        Ok(())
    }

    /// The names of the site's files, each of which is whole.
    fn files(&self, state_dir: &Path) -> Result<Vec<String>> {
        let folder = state_dir.join("sites").join(&self.site).join("pages");
        let mut names = Vec::new();
        if !folder.exists() {
            return Ok(names);
        }
        for entry in std::fs::read_dir(&folder)? {
            let file = entry?.file_name().to_string_lossy().into_owned();
            let name = file.strip_suffix(".txt").context("a foreign file")?;
            let found = std::fs::read(folder.join(&file))?;
            ensure!(found == content(name), "{file} is not what was sent");
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

/// Several pages of the disk, of no other file.
fn content(name: &str) -> Vec<u8> {
    format!("{name} ").repeat(4000).into_bytes()
}

/// The answer to a change; `None` when the server went away.
fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Option<Value> {
    let request = server
        .admin()
        .json(method, body)
        .options(["--max-time", "20"]);
    let answer = request.send(&server.api(path)).ok()?;
    assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    answer.json().ok()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
