//! `intent.json`: a commit written down before it is carried out.
//!
//! Two lines of JSON, then octets: a header with the length and SHA-256 of all that follows it,
//! the list of the changes, and their contents as they are, one after the other. The record gets
//! its name by a rename after its content is durable, so one that exists is whole; the checksum
//! finds a disk that lies.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::commit::Change;
use crate::dir::StateDir;
use crate::document::{Document, read_bounded};
use crate::tunnel_log::TUNNEL_LOG;
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
    /// Absent when the file goes.
    #[serde(flatten)]
    content: Option<Content>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    mode: u32,
    bytes: usize,
}

/// The record's bytes.
pub(crate) fn encode(changes: &BTreeMap<String, Change>) -> Vec<u8> {
    let entries: Vec<_> = changes
        .iter()
        .map(|(path, change)| entry(path, change))
        .collect();
    let mut list = serde_json::to_vec(&entries).expect("texts and numbers are JSON");
    list.push(b'\n');
    let contents = changes.values().filter_map(Change::content);
    let parts: Vec<&[u8]> = std::iter::once(list.as_slice()).chain(contents).collect();
    let header = Header {
        intent: INTENT_VERSION,
        bytes: parts.iter().map(|part| part.len()).sum(),
        sha256: checksum(&parts),
    };
    let mut record = serde_json::to_vec(&header).expect("texts and numbers are JSON");
    record.reserve_exact(1 + header.bytes);
    record.push(b'\n');
    for part in parts {
        record.extend_from_slice(part);
    }
    record
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
    let (header, rest) = line(bytes).ok_or(broken("it has no header"))?;
    let header: Header =
        serde_json::from_slice(header).map_err(|_| broken("its header cannot be read"))?;
    if header.intent > INTENT_VERSION {
        return Err(IntentFault::Newer(header.intent));
    }
    let whole = header.intent == INTENT_VERSION
        && rest.len() == header.bytes
        && checksum(&[rest]) == header.sha256;
    if !whole {
        return Err(broken("its checksum does not fit its content"));
    }
    let (list, mut contents) = line(rest).ok_or(broken("it has no list of changes"))?;
    let entries: Vec<Entry> =
        serde_json::from_slice(list).map_err(|_| broken("its changes cannot be read"))?;
    let mut changes = BTreeMap::new();
    for Entry { path, content } in entries {
        let known =
            path == TUNNEL_LOG || Document::ALL.iter().any(|document| document.path() == path);
        if !known && FilePath::new(path.as_str()).is_err() {
            return Err(broken("it names a file outside the state"));
        }
        let change = match content {
            None => Change::Remove,
            Some(Content { mode, bytes }) => {
                let (content, after) = contents
                    .split_at_checked(bytes)
                    .ok_or(broken("a content is missing"))?;
                contents = after;
                Change::Write {
                    mode: mode & 0o777,
                    bytes: content.to_vec(),
                }
            }
        };
        changes.insert(path, change);
    }
    Ok(changes)
}

/// The first line without its end, and what follows it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn entry(path: &str, change: &Change) -> Entry {
    let content = match change {
        Change::Remove => None,
        Change::Write { mode, bytes } => Some(Content {
            mode: *mode,
            bytes: bytes.len(),
        }),
    };
    Entry {
        path: path.to_owned(),
        content,
    }
}

fn checksum(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    hex::encode(context.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> BTreeMap<String, Change> {
        let write = |bytes: &[u8]| Change::Write {
            mode: 0o600,
            bytes: bytes.to_vec(),
        };
        [
            (
                "certificates/a.example/fullchain.pem",
                write(b"\0\n[]\n\xff"),
            ),
            ("certificates/a.example/privkey.pem", Change::Remove),
            ("sites.json", write(b"")),
            ("tunnels.json", write(b"[]\n")),
        ]
        .map(|(path, change)| (path.to_owned(), change))
        .into()
    }

    #[test]
    fn a_record_gives_back_every_octet() {
        let read = decode(&encode(&changes())).expect("decodes");
        assert!(read == changes());
    }

    #[test]
    fn a_record_that_was_cut_off_or_goes_on_is_broken() {
        let whole = encode(&changes());
        for end in 0..whole.len() {
            assert!(
                matches!(decode(&whole[..end]), Err(IntentFault::Broken(_))),
                "{end}"
            );
        }
        let longer = [whole.as_slice(), b"\n"].concat();
        assert!(matches!(decode(&longer), Err(IntentFault::Broken(_))));
    }
}
