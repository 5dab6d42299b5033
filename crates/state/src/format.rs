//! `format.json`: which program can read this state, and the way forward to ours.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::StateError;
use crate::commit::Commit;
use crate::dir::StateDir;
use crate::document::{Document, Fault, decode_json, encode_json, read_bounded};

/// Brings the state in a directory from one format to the next, as one commit.
pub(crate) type Migration = fn(&StateDir) -> Result<Commit, StateError>;

/// The way from each format to the next; the first entry leads from 1 to 2. Entries are
/// added at the end and never changed.
pub(crate) const MIGRATIONS: &[Migration] = &[];

/// The format this program writes.
pub const FORMAT: u32 = MIGRATIONS.len() as u32 + 1;

/// The oldest format a program must understand to read what this one writes.
const MIN_READER: u32 = 1;

/// `format.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Format {
    /// The format of the documents.
    pub(crate) format: u32,
    /// The format a reader must understand.
    pub(crate) min_reader: u32,
    /// The program that wrote last, for people.
    pub(crate) written_by: String,
    /// Members of other versions.
    #[serde(flatten)]
    pub(crate) extra: Map<String, Value>,
}

impl Format {
    /// What this program writes into a fresh directory.
    pub(crate) fn ours() -> Self {
        Self {
            format: FORMAT,
            min_reader: MIN_READER,
            written_by: concat!("portlama ", env!("CARGO_PKG_VERSION")).to_owned(),
            extra: Map::new(),
        }
    }

    /// Reads the file and refuses what only a newer program understands; `None` without file.
    pub(crate) fn read(dir: &StateDir) -> Result<Option<Self>, StateError> {
        let path = dir.document(Document::Format);
        let Some(bytes) = read_bounded(&path)? else {
            return Ok(None);
        };
        Self::decode(dir, &bytes).map(Some)
    }

    /// Parses the file and refuses what only a newer program understands.
    pub(crate) fn decode(dir: &StateDir, bytes: &[u8]) -> Result<Self, StateError> {
        let path = dir.document(Document::Format);
        let format: Self =
            decode_json(bytes).map_err(|fault| Document::Format.corrupt(dir, fault))?;
        if format.min_reader > FORMAT {
            return Err(StateError::NewerFormat {
                path,
                needs: format.min_reader,
                reads: FORMAT,
            });
        }
        if format.format == 0 {
            return Err(Document::Format.corrupt(dir, Fault::new("there is no format 0")));
        }
        Ok(format)
    }

    /// The same with our name on it; `None` when it is there already. A newer format that we
    /// may read keeps its number.
    pub(crate) fn restamped(&self) -> Option<Self> {
        let ours = Self::ours();
        (self.written_by != ours.written_by).then(|| Self {
            written_by: ours.written_by,
            ..self.clone()
        })
    }

    /// The same after a migration.
    pub(crate) fn forward(&self) -> Self {
        Self {
            format: self.format + 1,
            min_reader: MIN_READER,
            ..self.clone()
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Fault> {
        encode_json(self)
    }
}
