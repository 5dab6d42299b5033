//! The directory: modes, lock, formats, what is in the way.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use portlama_state::{Commit, Committed, FORMAT, FilePath, Presence, StateDir, StateError, Store};
use tempfile::TempDir;

use crate::fixture::{files, initialised, state, values};

#[test]
fn what_was_initialised_is_opened() {
    let (_temp, dir) = initialised();
    let (store, read) = Store::open(&dir).expect("open");
    assert_eq!(values(&read), values(&state()));
    for (path, bytes) in files() {
        assert_eq!(store.read(&path).expect("read"), Some(bytes));
    }
    assert_eq!(dir.presence().expect("presence"), Presence::State);
}

#[test]
fn files_have_the_modes_of_the_inventory() {
    let (_temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    let host = "wiki.lab.example.org".parse().expect("host");
    let commit = Commit::new()
        .write(&FilePath::host_chain(&host), "chain")
        .write(&FilePath::host_key(&host), "key");
    assert!(matches!(store.commit(commit), Ok(Committed::Applied)));
    for (path, mode) in [
        ("", 0o700),
        ("panel.json", 0o600),
        ("tunnels.json", 0o600),
        ("users.yml", 0o600),
        ("format.json", 0o600),
        ("runtime.db", 0o600),
        ("runtime.db-wal", 0o600),
        ("lock", 0o600),
        ("pki", 0o700),
        ("pki/ca.key", 0o600),
        ("pki/ca.crt", 0o644),
        ("pki/client.p12", 0o600),
        ("pki/.p12-password", 0o600),
        ("pki/agents", 0o700),
        ("pki/agents/registry.json", 0o600),
        ("pki/revoked.json", 0o600),
        ("certificates", 0o700),
        ("certificates/wiki.lab.example.org", 0o700),
        ("certificates/wiki.lab.example.org/fullchain.pem", 0o644),
        ("certificates/wiki.lab.example.org/privkey.pem", 0o600),
    ] {
        assert_eq!(mode_of(&dir.path().join(path)), mode, "{path}");
    }
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    let tests = std::env::current_exe().expect("path");
    for umask in ["000", "077"] {
        let script = format!(
            "umask {umask} && exec \"$0\" --exact directory::files_have_the_modes_of_the_inventory"
        );
        let output = Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg(&tests)
            .output()
            .expect("sh");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "umask {umask}: {text}"
        );
    }
}

#[test]
fn permissions_that_others_should_not_have_are_taken_back() {
    let (_temp, dir) = initialised();
    let key = dir.file(&FilePath::CA_KEY);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    Store::open(&dir).expect("open");
    assert_eq!(mode_of(&key), 0o600);
    assert_eq!(mode_of(&dir.file(&FilePath::CA_CERT)), 0o644);
}

#[test]
fn a_directory_that_everybody_can_write_is_refused() {
    let (_temp, dir) = initialised();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("chmod");
    assert!(matches!(
        Store::open(&dir),
        Err(StateError::Insecure { .. })
    ));
}

#[test]
fn nothing_is_written_through_a_link_in_the_place_of_the_lock_or_a_folder() {
    let elsewhere = tempfile::tempdir().expect("temporary directory");
    let target = elsewhere.path().join("shadow.tmp");
    for name in ["lock", "pki", "certificates"] {
        let (_temp, dir) = initialised();
        fs::write(&target, "theirs").expect("written");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).expect("chmod");
        let place = dir.path().join(name);
        if name == "pki" {
            fs::rename(&place, dir.path().join("pki-before")).expect("moved");
        }
        let _ = fs::remove_file(&place);
        let leads = if name == "lock" {
            &target
        } else {
            elsewhere.path()
        };
        symlink(leads, &place).expect("linked");
        let before = contents(dir.path());
        let Err(StateError::Insecure { path, .. }) = Store::open(&dir) else {
            panic!("{name} is not refused")
        };
        assert_eq!(path, place);
        assert_eq!(contents(dir.path()), before);
        assert_eq!(contents(elsewhere.path()).len(), 1);
        assert_eq!(fs::read_to_string(&target).expect("there"), "theirs");
        assert_eq!(mode_of(&target), 0o644);
    }
}

#[test]
fn a_change_neither_writes_nor_removes_through_a_link_deeper_down() {
    let elsewhere = tempfile::tempdir().expect("temporary directory");
    let target = elsewhere.path().join("fullchain.pem");
    fs::write(&target, "theirs").expect("written");
    let (_temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    let host = "wiki.lab.example.org".parse().expect("host");
    let chain = FilePath::host_chain(&host);
    let folder = dir.path().join("certificates");
    fs::create_dir_all(&folder).expect("made");
    symlink(elsewhere.path(), folder.join(host.as_str())).expect("linked");
    let removed = store.commit(Commit::new().remove(&chain));
    assert!(matches!(removed, Ok(Committed::Applied)));
    let written = store.commit(Commit::new().write(&chain, "ours"));
    assert!(matches!(written, Ok(Committed::Recorded(_))));
    assert_eq!(fs::read_to_string(&target).expect("there"), "theirs");
    assert_eq!(contents(elsewhere.path()).len(), 1);
}

#[test]
fn a_removed_file_takes_its_empty_folder_along() {
    let (_temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    let host = "wiki.lab.example.org".parse().expect("host");
    let (chain, key) = (FilePath::host_chain(&host), FilePath::host_key(&host));
    assert!(
        store
            .commit(Commit::new().write(&chain, "chain").write(&key, "key"))
            .is_ok()
    );
    assert_eq!(store.hosts_with_certificates().expect("list"), [host]);
    assert!(
        store
            .commit(Commit::new().remove(&chain).remove(&key))
            .is_ok()
    );
    assert_eq!(store.read(&key).expect("read"), None);
    assert!(store.hosts_with_certificates().expect("list").is_empty());
    assert!(store.commit(Commit::new().remove(&chain)).is_ok());
}

#[test]
fn a_second_store_is_refused_with_the_first_ones_process() {
    let (_temp, dir) = initialised();
    let first = Store::open(&dir).expect("open");
    let Err(StateError::Locked { pid, .. }) = Store::open(&dir) else {
        panic!("not locked")
    };
    assert_eq!(pid, Some(std::process::id()));
    drop(first);
    Store::open(&dir).expect("open");
}

#[test]
fn initialising_twice_leaves_the_first_as_it_is() {
    let (_temp, dir) = initialised();
    let before = contents(dir.path());
    let again = Store::initialise(&dir, &state(), &[]);
    assert!(
        matches!(again, Err(StateError::AlreadyInitialised { .. })),
        "{again:?}"
    );
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn a_foreign_file_in_the_way_is_named_and_kept() {
    let temp = TempDir::new().expect("temporary directory");
    let file = temp.path().join("tunnels.json");
    fs::write(&file, "[]").expect("write");
    let dir = StateDir::new(temp.path());
    for refused in [
        Store::initialise(&dir, &state(), &files()),
        Store::open(&dir).map(drop),
    ] {
        let Err(StateError::Foreign { path }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(path, file);
    }
    assert_eq!(fs::read_to_string(&file).expect("read"), "[]");
}

#[test]
fn an_empty_directory_is_not_a_state() {
    let temp = TempDir::new().expect("temporary directory");
    let dir = StateDir::new(temp.path());
    assert!(matches!(
        Store::open(&dir),
        Err(StateError::NotInitialised { .. })
    ));
    assert_eq!(fs::read_dir(temp.path()).expect("list").count(), 0);
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let (_temp, dir) = initialised();
    let newer = r#"{"format": 9, "minReader": 9, "writtenBy": "portlama 9"}"#;
    fs::write(dir.path().join("format.json"), newer).expect("write");
    fs::write(dir.path().join("left.tmp"), "x").expect("write");
    let before = contents(dir.path());
    let refused = Store::open(&dir);
    assert!(
        matches!(
            refused,
            Err(StateError::NewerFormat {
                needs: 9,
                reads: FORMAT,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(matches!(
        Store::initialise(&dir, &state(), &[]),
        Err(StateError::NewerFormat { .. })
    ));
    assert_eq!(contents_but_lock(dir.path()), without_lock(before));
}

#[test]
fn a_newer_format_that_we_may_read_keeps_its_number() {
    let (_temp, dir) = initialised();
    let newer = r#"{"format": 9, "minReader": 1, "writtenBy": "portlama 9"}"#;
    fs::write(dir.path().join("format.json"), newer).expect("write");
    let (store, read) = Store::open(&dir).expect("open");
    assert!(store.commit(Commit::of(&read).expect("encode")).is_ok());
    let format = fs::read_to_string(dir.path().join("format.json")).expect("read");
    assert!(format.contains("\"format\": 9"), "{format}");
}

#[test]
fn a_newer_database_is_refused() {
    let (_temp, dir) = initialised();
    let db = rusqlite::Connection::open(dir.path().join("runtime.db")).expect("open");
    db.pragma_update(None, "user_version", 77).expect("update");
    drop(db);
    assert!(matches!(
        Store::open(&dir),
        Err(StateError::NewerFormat { needs: 77, .. })
    ));
}

#[test]
fn temporary_files_of_a_crash_are_swept() {
    let (_temp, dir) = initialised();
    let left = [
        "users.yml.tmp",
        "pki/ca.key.tmp",
        "pki/agents/registry.json.tmp",
        "intent.json.tmp",
    ];
    for file in left {
        fs::write(dir.path().join(file), "half").expect("write");
    }
    Store::open(&dir).expect("open");
    for file in left {
        assert!(!dir.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_change_too_large_to_record_is_refused() {
    let (_temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    let path = FilePath::new("pki/large").expect("path");
    let refused = store.commit(Commit::new().write(&path, vec![0; portlama_state::MAX_FILE_BYTES]));
    assert!(
        matches!(refused, Err(StateError::Rejected { .. })),
        "{refused:?}"
    );
    assert_eq!(store.read(&path).expect("read"), None);
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

/// Every file below `folder` with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("list") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).expect("read"));
        }
    }
    found
}

fn contents_but_lock(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    without_lock(contents(folder))
}

fn without_lock(mut contents: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    contents.retain(|path, _| !path.ends_with("lock"));
    contents
}
