//! The files of a state directory, which people edit and backups bring back: the first octet
//! chooses the file, the rest is its content.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portlama_model::{PanelConfig, State};
use portlama_state::{Commit, Document, StateDir, StateError, Store};
use tempfile::TempDir;

/// A valid state. One for the whole search; what a run writes, the run takes back.
static PLACE: LazyLock<TempDir> = LazyLock::new(|| make_state().expect("a writable directory"));

fuzz_target!(|octets: &[u8]| {
    let Some((choice, content)) = octets.split_first() else {
        return;
    };
    let document = Document::ALL[usize::from(*choice) % Document::ALL.len()];
    let dir = StateDir::new(PLACE.path());
    let path = dir.document(document);
    let before = std::fs::read(&path).expect("the file of a valid state");
    std::fs::write(&path, content).expect("a writable directory");
    match Store::open(&dir) {
        // What can be read can be written, or no change would ever be possible again.
        Ok((_store, state)) => drop(Commit::of(&state).expect("a state that was read")),
        Err(StateError::Corrupt { .. } | StateError::NewerFormat { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    std::fs::write(&path, before).expect("a writable directory");
});

fn make_state() -> Result<TempDir, Box<dyn std::error::Error>> {
    // In memory where there is such a place: each run opens the directory anew.
    let parent = Path::new("/dev/shm");
    let parent = if parent.is_dir() {
        parent.to_owned()
    } else {
        std::env::temp_dir()
    };
    let place = TempDir::new_in(parent)?;
    let panel: PanelConfig = serde_json::from_str(include_str!("../data/panel.json"))?;
    let state = State {
        panel,
        tunnels: vec![],
        users: Default::default(),
        registry: Default::default(),
        revoked: Default::default(),
        sites: vec![],
        invitations: vec![],
    };
    let dir = StateDir::new(place.path());
    Store::initialise(&dir, &state, &[])?;
    for document in Document::ALL {
        assert!(dir.document(*document).exists(), "{document:?}");
    }
    Ok(place)
}
