//! `tunnels.log`: changes of a long `tunnels.json` that are not in it yet.
//!
//! With thousands of tunnels the document has megabytes, and a change of one of them should not
//! cost writing all of them down. So it is appended here, and brought into the document later
//! ([`Store::fold`](crate::Store::fold)), at the latest by the next start.
//!
//! Each line is one commit: the SHA-256 of the edits in hexadecimal, a space, and the edits, a
//! list in JSON. A line that a crash cut off was never acknowledged and counts for nothing. Doing
//! the edits of a whole log twice is the same as doing them once, so that a crash between writing
//! the document and removing the log does no harm.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use portlama_model::Tunnel;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::dir::StateDir;
use crate::document::{Fault, MAX_FILE_BYTES, read_bounded, refuse_tunnel_twins};
use crate::{Place, StateError};

/// Its path relative to the state directory.
pub const TUNNEL_LOG: &str = "tunnels.log";

/// From how many tunnels on a change is logged: a quarter of a megabyte, which takes as long to
/// write as a page of it.
pub const LOGGED_FROM_TUNNELS: usize = 500;

/// How many tunnels one line changes at most. What changes more of them, such as the end of an
/// agent, is rare and writes the document.
const MAX_EDITS: usize = 16;

/// How large the log grows before the document is written, octets: as much as the document has
/// where logging begins.
pub const MAX_LOG_BYTES: usize = 256 * 1024;

/// What a person can do about a broken log.
const WAY_BACK: &str = "bring the directory back from a backup; or, to go on with `tunnels.json` as it is, move `tunnels.log` away";

/// What happens to one tunnel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Edit {
    /// It takes the place of the one with its id, or comes last.
    Put(Arc<Tunnel>),
    /// It goes.
    Remove(Uuid),
}

/// A change of the tunnels that can be logged.
#[derive(Clone)]
pub(crate) struct Amendment {
    line: Vec<u8>,
    /// All tunnels after it, for the case that the document is written instead.
    pub(crate) tunnels: Vec<Arc<Tunnel>>,
}

impl Amendment {
    /// From `old` to `new`, proven readable; `None` when it is better written whole.
    pub(crate) fn between(old: &[Arc<Tunnel>], new: &[Arc<Tunnel>]) -> Result<Option<Self>, Fault> {
        if old.len().min(new.len()) < LOGGED_FROM_TUNNELS {
            return Ok(None);
        }
        let Some(edits) = edits(old, new) else {
            return Ok(None);
        };
        refuse_new_twins(new, &edits)?;
        let line = encode(&edits)?;
        if decode(&line)? != edits {
            return Err(Fault::new("JSON cannot hold one of the tunnels"));
        }
        let tunnels = new.to_vec();
        Ok(Some(Self { line, tunnels }))
    }

    /// Its line in the log.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }
}

/// A log as it is found at a start.
#[derive(Debug, Default)]
pub(crate) struct Found {
    edits: Vec<Edit>,
    /// How many octets of the file count; what follows was cut off by a crash.
    pub(crate) bytes: usize,
    /// Whether there is a file at all.
    pub(crate) exists: bool,
}

impl Found {
    /// Reads the log of a directory.
    pub(crate) fn read(dir: &StateDir) -> Result<Self, StateError> {
        let file = dir.tunnel_log_path();
        let Some(bytes) = read_bounded(&file)? else {
            return Ok(Self::default());
        };
        Self::parse(&bytes).map_err(|fault| StateError::Corrupt {
            file,
            place: fault.place,
            problem: fault.problem,
            way_back: WAY_BACK,
        })
    }

    /// The lines of a log, without a last one that was cut off.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut found = Self {
            exists: true,
            ..Self::default()
        };
        let lines = bytes.split_inclusive(|b| *b == b'\n');
        for (number, line) in (1..).zip(lines) {
            let end = found.bytes + line.len();
            match decode(line) {
                Ok(edits) => found.edits.extend(edits),
                Err(_) if end == bytes.len() => break,
                Err(fault) => {
                    let place = Some(Place {
                        line: number,
                        column: 1,
                    });
                    return Err(Fault { place, ..fault });
                }
            }
            found.bytes = end;
        }
        Ok(found)
    }

    /// Does the edits.
    pub(crate) fn apply(self, tunnels: &mut Vec<Arc<Tunnel>>) -> Result<(), Fault> {
        for edit in self.edits {
            match edit {
                Edit::Remove(id) => tunnels.retain(|tunnel| tunnel.id != id),
                Edit::Put(new) => match tunnels.iter_mut().find(|tunnel| tunnel.id == new.id) {
                    Some(tunnel) => *tunnel = new,
                    None => tunnels.push(new),
                },
            }
        }
        refuse_tunnel_twins(tunnels)
    }
}

/// What leads from `old` to `new`; `None` when that is more than a line takes. Both have the order
/// of creation, so one walk through both finds it.
fn edits(old: &[Arc<Tunnel>], new: &[Arc<Tunnel>]) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    let mut rest = new.iter();
    let mut next = rest.next();
    for old in old {
        match next {
            Some(same) if Arc::ptr_eq(same, old) => next = rest.next(),
            Some(new) if new.id == old.id => {
                if new != old {
                    edits.push(Edit::Put(new.clone()));
                }
                next = rest.next();
            }
            _ => edits.push(Edit::Remove(old.id)),
        }
        if edits.len() > MAX_EDITS {
            return None;
        }
    }
    let added = next.into_iter().chain(rest).cloned().map(Edit::Put);
    edits.extend(added.take(MAX_EDITS + 1));
    (edits.len() <= MAX_EDITS).then_some(edits)
}

/// Refuses two tunnels with one id or name, of which at least one comes with these edits.
fn refuse_new_twins(tunnels: &[Arc<Tunnel>], edits: &[Edit]) -> Result<(), Fault> {
    let has_twin = |new: &Tunnel| {
        let same = |other: &&Arc<Tunnel>| other.id == new.id || other.fqdn == new.fqdn;
        tunnels.iter().filter(same).count() > 1
    };
    let twin = edits.iter().any(|edit| match edit {
        Edit::Put(new) => has_twin(new),
        Edit::Remove(_) => false,
    });
    if twin {
        refuse_tunnel_twins(tunnels)
    } else {
        Ok(())
    }
}

fn encode(edits: &[Edit]) -> Result<Vec<u8>, Fault> {
    let edits = serde_json::to_vec(edits).map_err(|e| Fault::new(e.to_string()))?;
    let mut line = checksum(&edits).into_bytes();
    line.push(b' ');
    line.extend_from_slice(&edits);
    line.push(b'\n');
    Ok(line)
}

fn decode(line: &[u8]) -> Result<Vec<Edit>, Fault> {
    let parts = line.strip_suffix(b"\n").and_then(|line| {
        let end = line.iter().position(|b| *b == b' ')?;
        Some((line.get(..end)?, line.get(end + 1..)?))
    });
    let (sum, edits) = parts.ok_or_else(|| Fault::new("the line has no checksum"))?;
    if checksum(edits).as_bytes() != sum {
        return Err(Fault::new("its checksum does not fit its content"));
    }
    serde_json::from_slice(edits).map_err(|_| Fault::new("its changes cannot be read"))
}

fn checksum(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

const _: () = assert!(MAX_LOG_BYTES < MAX_FILE_BYTES / 2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{decode_json, encode_json};

    fn tunnel(number: u32) -> Arc<Tunnel> {
        let text = format!(
            r#"{{ "id": "00000000-0000-4000-8000-{number:012}", "subdomain": "app-{number}",
                "fqdn": "app-{number}.lab.example.org", "port": 8000, "description": "{number}\n[",
                "createdAt": "2027-02-03T08:15:00.000Z", "unknown": [{{ "a": [] }}] }}"#,
        );
        decode_json(text.as_bytes()).expect("a tunnel")
    }

    fn tunnels(numbers: impl IntoIterator<Item = u32>) -> Vec<Arc<Tunnel>> {
        numbers.into_iter().map(tunnel).collect()
    }

    /// Lists that differ in a few tunnels from the first, one after the other.
    fn history() -> Vec<Vec<Arc<Tunnel>>> {
        let mut changed = tunnels((0..600).chain([900]));
        let mut off = Tunnel::clone(&changed[7]);
        off.enabled = false;
        changed[7] = off.into();
        vec![
            tunnels(0..600),
            tunnels((0..600).chain([900])),
            changed,
            tunnels((0..3).chain(9..600).chain([901, 902])),
            tunnels((0..3).chain(9..598).chain([902, 3])),
        ]
    }

    #[test]
    fn a_log_leads_from_the_document_before_it_to_the_last_list_also_when_it_is_done_twice() {
        let history = history();
        let mut log = Vec::new();
        for pair in history.windows(2) {
            let amendment = Amendment::between(&pair[0], &pair[1]).expect("fits");
            log.extend_from_slice(amendment.expect("few edits").line());
        }
        let last = encode_json(history.last().expect("a list")).expect("encodes");
        for mut list in history {
            Found::parse(&log)
                .expect("reads")
                .apply(&mut list)
                .expect("applies");
            assert_eq!(encode_json(&list).expect("encodes"), last);
        }
    }

    #[test]
    fn a_line_that_was_cut_off_counts_for_nothing_and_one_that_was_changed_is_broken() {
        let [first, second] = [600, 601].map(|more| {
            let amendment = Amendment::between(&tunnels(0..600), &tunnels((0..600).chain([more])));
            amendment.expect("fits").expect("one edit").line().to_vec()
        });
        let whole = [first.as_slice(), &second].concat();
        for end in first.len()..whole.len() {
            let found = Found::parse(&whole[..end]).expect("reads");
            assert_eq!((found.bytes, found.edits.len()), (first.len(), 1), "{end}");
        }
        assert_eq!(Found::parse(&whole).expect("reads").bytes, whole.len());
        for at in 0..first.len() - 1 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            let fault = Found::parse(&flipped).expect_err("is broken");
            assert_eq!(fault.place.map(|place| place.line), Some(1), "{at}");
        }
    }

    #[test]
    fn short_lists_large_changes_and_another_order_are_written_whole() {
        let logged = |old: &[u32], new: &[u32]| {
            let lists = [old, new].map(|numbers| tunnels(numbers.iter().copied()));
            let amendment = Amendment::between(&lists[0], &lists[1]);
            amendment.expect("no twins").is_some()
        };
        let numbers = Vec::from_iter(0..617);
        let backwards = Vec::from_iter((0..600).rev());
        let many = &numbers[..600];
        assert!(logged(many, &numbers[..616]));
        assert!(!logged(many, &numbers));
        assert!(!logged(many, &backwards));
        assert!(!logged(many, &numbers[..490]));
        assert!(!logged(&numbers[..499], &numbers[..500]));
    }

    #[test]
    fn twins_are_refused() {
        let many = tunnels(0..600);
        for twin in [0, 599] {
            let new = tunnels((0..600).chain([twin]));
            assert!(Amendment::between(&many, &new).is_err(), "{twin}");
        }
        let log = encode(&[Edit::Put(tunnel(1))]).expect("encodes");
        let mut same_name = Tunnel::clone(&tunnel(1));
        same_name.id = Uuid::nil();
        let found = Found::parse(&log).expect("reads");
        assert!(found.apply(&mut vec![same_name.into()]).is_err());
    }
}
