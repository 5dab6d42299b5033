//! `intent.json`: a commit written down before it is carried out.
//!
//! Two lines of JSON: a header with the length and SHA-256 of the second line, and the
//! changes with their whole contents. The record gets its name by a rename after its content
//! is durable, so one that exists is whole; the checksum finds a disk that lies.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::commit::Change;
use crate::dir::StateDir;
use crate::document::{Document, read_bounded};
use crate::{FORMAT, FilePath, StateError};

/// The version of the record itself.
const INTENT_VERSION: u32 = 1;

/// What a person can do about a broken record.
const WAY_BACK: &str = "bring the directory back from a backup; or, to go on with the other files as they are, move `intent.json` away";

#[derive(Serialize, Deserialize)]
struct Header {
    intent: u32,
    bytes: usize,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: String,
    #[serde(flatten)]
    content: Option<Content>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    mode: u32,
    base64: String,
}

/// The record's bytes.
pub(crate) fn encode(changes: &BTreeMap<String, Change>) -> Vec<u8> {
    let entries: Vec<_> = changes
        .iter()
        .map(|(path, change)| entry(path, change))
        .collect();
    let body = serde_json::to_string(&entries).expect("texts and numbers are JSON");
    let header = Header {
        intent: INTENT_VERSION,
        bytes: body.len(),
        sha256: checksum(body.as_bytes()),
    };
    let header = serde_json::to_string(&header).expect("texts and numbers are JSON");
    format!("{header}\n{body}\n").into_bytes()
}

/// Reads the record of a directory; `None` when no commit was cut short.
pub(crate) fn read(dir: &StateDir) -> Result<Option<BTreeMap<String, Change>>, StateError> {
    let path = dir.intent_path();
    let Some(bytes) = read_bounded(&path)? else {
        return Ok(None);
    };
    decode(&bytes).map(Some).map_err(|fault| match fault {
        IntentFault::Newer(needs) => StateError::NewerFormat {
            path,
            needs,
            reads: FORMAT,
        },
        IntentFault::Broken(problem) => StateError::Corrupt {
            file: path,
            place: None,
            problem: problem.to_owned(),
            way_back: WAY_BACK,
        },
    })
}

#[derive(Debug)]
pub(crate) enum IntentFault {
    Newer(u32),
    Broken(&'static str),
}

/// The changes of a record.
pub(crate) fn decode(bytes: &[u8]) -> Result<BTreeMap<String, Change>, IntentFault> {
    let broken = IntentFault::Broken;
    let end = bytes
        .iter()
        .position(|b| *b == b'\n')
        .ok_or(broken("it has no header"))?;
    let (header, body) = bytes.split_at(end);
    let header: Header =
        serde_json::from_slice(header).map_err(|_| broken("its header cannot be read"))?;
    if header.intent > INTENT_VERSION {
        return Err(IntentFault::Newer(header.intent));
    }
    let body = body
        .strip_prefix(b"\n")
        .and_then(|body| body.strip_suffix(b"\n"))
        .unwrap_or_default();
    if body.len() != header.bytes || checksum(body) != header.sha256 {
        return Err(broken("its checksum does not fit its content"));
    }
    let entries: Vec<Entry> =
        serde_json::from_slice(body).map_err(|_| broken("its changes cannot be read"))?;
    entries
        .into_iter()
        .map(|entry| {
            let known = Document::ALL
                .iter()
                .any(|document| document.path() == entry.path);
            if !known && FilePath::new(entry.path.as_str()).is_err() {
                return Err(broken("it names a file outside the state"));
            }
            let change = match entry.content {
                None => Change::Remove,
                Some(Content { mode, base64 }) => Change::Write {
                    mode: mode & 0o777,
                    bytes: BASE64
                        .decode(base64)
                        .map_err(|_| broken("a content cannot be read"))?,
                },
            };
            Ok((entry.path, change))
        })
        .collect()
}

fn entry(path: &str, change: &Change) -> Entry {
    let content = match change {
        Change::Remove => None,
        Change::Write { mode, bytes } => Some(Content {
            mode: *mode,
            base64: BASE64.encode(bytes),
        }),
    };
    Entry {
        path: path.to_owned(),
        content,
    }
}

fn checksum(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
