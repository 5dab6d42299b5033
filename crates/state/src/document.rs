//! The documents of the state: their files, how they are read, and how they are written.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::hash::Hash;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use portlama_model::{Invitation, PanelConfig, Registry, Revocations, Site, State, Tunnel, Users};
use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dir::StateDir;
use crate::error::OnFile;
use crate::{Place, StateError};

/// The largest file of the state that is read or written, octets: three times what ten
/// thousand tunnels need, and little enough to hold in memory twice on a small server.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// How deep a YAML document may nest; `users.yml` needs four.
pub const MAX_YAML_DEPTH: usize = 32;

/// How many anchors and how many aliases a YAML document may have: a person who writes
/// `users.yml` may share a list of groups.
pub const MAX_YAML_ALIASES: usize = 64;

/// How many parser events aliases may repeat in all, so that aliases of aliases cannot
/// multiply a small file into a full memory.
pub const MAX_YAML_REPLAYED: usize = 10_000;

/// A document of the state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Document {
    /// `panel.json`: the server itself. The only one that must exist.
    Panel,
    /// `tunnels.json`.
    Tunnels,
    /// `users.yml`.
    Users,
    /// `pki/agents/registry.json`.
    Registry,
    /// `pki/revoked.json`.
    Revoked,
    /// `sites.json`.
    Sites,
    /// `invitations.json`.
    Invitations,
    /// `format.json`: who can read this state.
    Format,
}

impl Document {
    /// Every document.
    pub const ALL: &[Self] = &[
        Self::Panel,
        Self::Tunnels,
        Self::Users,
        Self::Registry,
        Self::Revoked,
        Self::Sites,
        Self::Invitations,
        Self::Format,
    ];

    /// The path relative to the state directory.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Panel => "panel.json",
            Self::Tunnels => "tunnels.json",
            Self::Users => "users.yml",
            Self::Registry => "pki/agents/registry.json",
            Self::Revoked => "pki/revoked.json",
            Self::Sites => "sites.json",
            Self::Invitations => "invitations.json",
            Self::Format => "format.json",
        }
    }

    /// What a person can do about a broken file.
    fn way_back(self) -> &'static str {
        match self {
            Self::Panel => "correct it, or bring it back from a backup",
            Self::Tunnels => {
                "correct it or bring it back from a backup; without the file Portlama starts with no tunnels"
            }
            Self::Users => {
                "correct it or bring it back from a backup; without the file Portlama starts with no users"
            }
            Self::Registry => {
                "correct it or bring it back from a backup; without the file every agent must be enrolled again"
            }
            Self::Revoked => {
                "correct it or bring it back from a backup; without the file certificates revoked so far may come back"
            }
            Self::Sites => {
                "correct it or bring it back from a backup; without the file Portlama starts with no sites, and their files stay"
            }
            Self::Invitations => {
                "correct it or bring it back from a backup; without the file every open invitation is void"
            }
            Self::Format => "bring it back from a backup made by this version",
        }
    }

    /// A broken document in `dir`.
    pub(crate) fn corrupt(self, dir: &StateDir, fault: Fault) -> StateError {
        StateError::Corrupt {
            file: dir.document(self),
            place: fault.place,
            problem: fault.problem,
            way_back: self.way_back(),
        }
    }
}

/// What is wrong with a text, without any value from it: it may hold secrets.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) place: Option<Place>,
    pub(crate) problem: String,
}

impl Fault {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self {
            place: None,
            problem: problem.into(),
        }
    }
}

/// Reads all documents; list files that are missing are empty.
pub(crate) fn load(dir: &StateDir) -> Result<State, StateError> {
    let read = |document: Document| -> Result<Option<Vec<u8>>, StateError> {
        let bytes = read_bounded(&dir.document(document))?;
        if bytes.is_none() && document != Document::Panel {
            tracing::warn!(
                file = document.path(),
                "the file is missing and read as empty"
            );
        }
        Ok(bytes)
    };
    let fault = |document: Document| move |fault| document.corrupt(dir, fault);

    let Some(panel) = read(Document::Panel)? else {
        return Err(Document::Panel.corrupt(dir, Fault::new("the file is missing")));
    };
    let tunnels = read(Document::Tunnels)?
        .map(|bytes| decode_tunnels(&bytes))
        .transpose();
    let users = read(Document::Users)?
        .map(|bytes| decode_users(&bytes))
        .transpose();
    let registry = read(Document::Registry)?
        .map(|bytes| decode_registry(&bytes))
        .transpose();
    let revoked = read(Document::Revoked)?
        .map(|bytes| decode_json::<Revocations>(&bytes))
        .transpose();
    let sites = read(Document::Sites)?
        .map(|bytes| decode_sites(&bytes))
        .transpose();
    let invitations = read(Document::Invitations)?
        .map(|bytes| decode_invitations(&bytes))
        .transpose();
    Ok(State {
        panel: decode_json(&panel).map_err(fault(Document::Panel))?,
        tunnels: tunnels
            .map_err(fault(Document::Tunnels))?
            .unwrap_or_default(),
        users: users.map_err(fault(Document::Users))?.unwrap_or_default(),
        registry: registry
            .map_err(fault(Document::Registry))?
            .unwrap_or_default(),
        revoked: revoked
            .map_err(fault(Document::Revoked))?
            .unwrap_or_default(),
        sites: sites.map_err(fault(Document::Sites))?.unwrap_or_default(),
        invitations: invitations
            .map_err(fault(Document::Invitations))?
            .unwrap_or_default(),
    })
}

/// Reads a file of at most [`MAX_FILE_BYTES`]; `None` when there is none.
pub(crate) fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    // Root looks at states of others: what is no file must not make it wait.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path);
    let file = match opened {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.on(path)?,
    };
    if !file.metadata().on(path)?.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidData, "it is no regular file");
        return Err(StateError::io(path, source));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .on(path)?;
    if bytes.len() > MAX_FILE_BYTES {
        let source = io::Error::new(
            io::ErrorKind::InvalidData,
            format!("larger than {MAX_FILE_BYTES} octets"),
        );
        return Err(StateError::Io {
            path: path.to_owned(),
            source,
        });
    }
    Ok(Some(bytes))
}

pub(crate) fn encode_panel(panel: &PanelConfig) -> Result<Vec<u8>, Fault> {
    proven(encode_json(panel)?, decode_json::<PanelConfig>)
}

pub(crate) fn encode_tunnels(tunnels: &[Arc<Tunnel>]) -> Result<Vec<u8>, Fault> {
    proven(encode_json(tunnels)?, decode_tunnels)
}

pub(crate) fn encode_registry(registry: &Registry) -> Result<Vec<u8>, Fault> {
    proven(encode_json(registry)?, decode_registry)
}

pub(crate) fn encode_revoked(revoked: &Revocations) -> Result<Vec<u8>, Fault> {
    proven(encode_json(revoked)?, decode_json::<Revocations>)
}

pub(crate) fn encode_sites(sites: &[Site]) -> Result<Vec<u8>, Fault> {
    proven(encode_json(sites)?, decode_sites)
}

pub(crate) fn encode_invitations(invitations: &[Invitation]) -> Result<Vec<u8>, Fault> {
    proven(encode_json(invitations)?, decode_invitations)
}

pub(crate) fn encode_users(users: &Users) -> Result<Vec<u8>, Fault> {
    // Every text is quoted: a hash or a name that looks like a number or a `yes` stays a text
    // for every reader, whichever YAML version it speaks.
    let options = serde_saphyr::ser_options! { quote_all: true };
    let text = serde_saphyr::to_string_with_options(users, options)
        .map_err(|e| Fault::new(format!("cannot be written as YAML: {e}")))?;
    let bytes = text.into_bytes();
    let back = decode_users(&bytes)?;
    // YAML has many spellings, so the proof goes further here: the same values come back.
    if as_value(&back)? == as_value(users)? {
        Ok(bytes)
    } else {
        Err(Fault::new("YAML cannot hold one of the texts"))
    }
}

/// JSON in the style of all our files: two spaces, final newline.
pub(crate) fn encode_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| Fault::new(e.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What is larger could not be read back.
pub(crate) fn refuse_size(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Fault::new(format!(
            "it would be larger than {MAX_FILE_BYTES} octets"
        )));
    }
    Ok(())
}

/// JSON of a known shape.
pub(crate) fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    refuse_size(bytes)?;
    serde_json::from_slice(bytes).map_err(|e| {
        let suffix = format!(" at line {} column {}", e.line(), e.column());
        // Line 0 is serde_json's way to say that it does not know.
        let place = (e.line() > 0).then(|| Place {
            line: e.line() as u64,
            column: e.column() as u64,
        });
        located(&e.to_string(), place, &suffix)
    })
}

pub(crate) fn decode_tunnels(bytes: &[u8]) -> Result<Vec<Arc<Tunnel>>, Fault> {
    let tunnels: Vec<Arc<Tunnel>> = decode_json(bytes)?;
    refuse_tunnel_twins(&tunnels)?;
    Ok(tunnels)
}

pub(crate) fn refuse_tunnel_twins(tunnels: &[Arc<Tunnel>]) -> Result<(), Fault> {
    refuse_twins("tunnels", "id", tunnels.iter().map(|t| t.id))?;
    refuse_twins("tunnels", "fqdn", tunnels.iter().map(|t| t.fqdn.as_str()))
}

pub(crate) fn decode_sites(bytes: &[u8]) -> Result<Vec<Site>, Fault> {
    let sites: Vec<Site> = decode_json(bytes)?;
    refuse_twins("sites", "id", sites.iter().map(|s| s.id))?;
    refuse_twins("sites", "name", sites.iter().map(|s| s.name.as_str()))?;
    refuse_twins("sites", "fqdn", sites.iter().map(|s| s.fqdn.as_str()))?;
    Ok(sites)
}

pub(crate) fn decode_invitations(bytes: &[u8]) -> Result<Vec<Invitation>, Fault> {
    let invitations: Vec<Invitation> = decode_json(bytes)?;
    refuse_twins("invitations", "id", invitations.iter().map(|i| i.id))?;
    let hashes = invitations.iter().map(|i| i.token_hash.as_str());
    refuse_twins("invitations", "tokenHash", hashes)?;
    Ok(invitations)
}

pub(crate) fn decode_registry(bytes: &[u8]) -> Result<Registry, Fault> {
    let registry: Registry = decode_json(bytes)?;
    let live = || registry.agents.iter().filter(|agent| !agent.revoked);
    refuse_twins(
        "unrevoked agents",
        "label",
        live().map(|a| a.label.as_str()),
    )?;
    refuse_twins(
        "unrevoked agents",
        "serial",
        live().map(|a| a.serial.as_str()),
    )?;
    Ok(registry)
}

pub(crate) fn decode_users(bytes: &[u8]) -> Result<Users, Fault> {
    refuse_size(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|e| Fault {
        place: Some(place_of(bytes, e.valid_up_to())),
        problem: "is not UTF-8".into(),
    })?;
    // A file that was cut to nothing would read as nobody, and the next change would make that
    // durable. Who wants nobody writes `users: {}` or removes the file.
    if text.trim().is_empty() {
        return Err(Fault {
            place: Some(place_of(bytes, 0)),
            problem: "is empty; a list of nobody is written `users: {}`".into(),
        });
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_YAML_DEPTH,
            max_documents: 1,
            max_nodes: MAX_FILE_BYTES,
            max_events: MAX_FILE_BYTES,
            max_anchors: MAX_YAML_ALIASES,
            max_aliases: MAX_YAML_ALIASES,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_YAML_REPLAYED },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let place = e.location().map(|at| Place {
            line: at.line(),
            column: at.column(),
        });
        let suffix = place.map(|at| format!(" at line {}, column {}", at.line, at.column));
        located(&e.to_string(), place, &suffix.unwrap_or_default())
    })
}

/// Shows that what was written can be read at the next start.
fn proven<T>(bytes: Vec<u8>, decode: impl Fn(&[u8]) -> Result<T, Fault>) -> Result<Vec<u8>, Fault> {
    decode(&bytes)?;
    Ok(bytes)
}

fn as_value(users: &Users) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(users).map_err(|e| Fault::new(e.to_string()))
}

/// Two entries of one name would leave open which of them counts.
fn refuse_twins<K: Eq + Hash>(
    what: &str,
    member: &str,
    keys: impl Iterator<Item = K>,
) -> Result<(), Fault> {
    let mut first = HashSet::new();
    for (index, key) in keys.enumerate() {
        if !first.insert(key) {
            let nth = index + 1;
            return Err(Fault::new(format!(
                "number {nth} of the {what} has the same `{member}` as one before"
            )));
        }
    }
    Ok(())
}

/// A fault with its place apart from the words, and without values.
fn located(words: &str, place: Option<Place>, suffix: &str) -> Fault {
    Fault {
        place,
        problem: without_values(words.strip_suffix(suffix).unwrap_or(words)),
    }
}

fn place_of(bytes: &[u8], offset: usize) -> Place {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line_start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    Place {
        line: before.iter().filter(|b| **b == b'\n').count() as u64 + 1,
        column: (before.len() - line_start) as u64 + 1,
    }
}

/// Takes the offending value out of serde's words: it may be a password in the wrong place.
fn without_values(problem: &str) -> String {
    for kind in [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ] {
        if let Some(rest) = problem.strip_prefix(kind) {
            let expected = rest
                .find(", expected")
                .map_or("", |at| rest.get(at..).unwrap_or_default());
            return format!("{kind}{expected}");
        }
    }
    problem.to_owned()
}
