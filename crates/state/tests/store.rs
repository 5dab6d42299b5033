//! The directory through its public face.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{files, initialised, panel, state, users, values};
use portlama_state::{
    Commit, Committed, FORMAT, FilePath, Place, Presence, StateDir, StateError, Store,
};
use tempfile::TempDir;

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
fn json_has_two_spaces_and_a_final_newline() {
    let (_temp, dir) = initialised();
    let text = fs::read_to_string(dir.path().join("tunnels.json")).expect("read");
    assert!(text.starts_with("[\n  {\n    \"id\": "), "{text}");
    assert!(text.ends_with("]\n"));
}

#[test]
fn users_are_quoted_so_that_no_reader_takes_a_text_for_a_number() {
    let (_temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    for password in [
        "0x1F",
        "123456",
        "1e10",
        "yes",
        "null",
        "~",
        "$2b$12$a: #b",
        " '\"\\ ",
        "é\u{1F511}",
    ] {
        let commit = Commit::new().users(&users(password)).expect("encode");
        assert!(matches!(store.commit(commit), Ok(Committed::Applied)));
        let text = fs::read_to_string(dir.path().join("users.yml")).expect("read");
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("password: "))
            .expect("line");
        assert!(line.starts_with(['"', '\'']), "{line}");
    }
    drop(store);
    let (_store, read) = Store::open(&dir).expect("open");
    let mira = read.users.users.values().next().expect("mira");
    assert_eq!(mira.password.expose(), "é\u{1F511}");
    assert_eq!(mira.extra["phone"], "0x1F");
}

#[test]
fn users_written_by_hand_are_read() {
    let (_temp, dir) = initialised();
    let text = "# people\nusers:\n  mira:\n    displayname: Mira\n    email: mira@example.net\n    \
                password: $2b$12$x\n    groups: []\n  '007':\n    displayname: 12345\n    disabled: true\n    \
                email: b@example.net\n    password: '1e10'\n    groups: &g\n      - admins\n      - dev\nextra: *g\n";
    fs::write(dir.path().join("users.yml"), text).expect("write");
    let (_store, read) = Store::open(&dir).expect("open");
    let names: Vec<_> = read.users.users.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["007", "mira"]);
    let bond = &read.users.users["007"];
    assert_eq!(
        (
            bond.displayname.as_str(),
            bond.password.expose(),
            bond.disabled
        ),
        ("12345", "1e10", true)
    );
}

#[test]
fn only_the_documents_that_differ_are_written() {
    let old = state();
    let mut new = state();
    assert!(Commit::between(&old, &new).expect("encode").is_empty());
    new.panel = panel("203.0.113.9");
    let commit = Commit::between(&old, &new).expect("encode");
    assert_eq!(format!("{commit:?}"), r#"{"panel.json"}"#);
}

#[test]
fn members_nobody_knows_survive_a_rewrite() {
    let (_temp, dir) = initialised();
    let format = dir.path().join("format.json");
    let text = format!(
        r#"{{"format": {FORMAT}, "minReader": 1, "writtenBy": "someone", "colour": "blue"}}"#
    );
    fs::write(&format, text).expect("write");
    let (store, mut read) = Store::open(&dir).expect("open");
    read.panel.ip = "203.0.113.9".parse().expect("address");
    assert!(matches!(
        store.commit(Commit::of(&read).expect("encode")),
        Ok(Committed::Applied)
    ));
    drop(store);
    let (_store, again) = Store::open(&dir).expect("open");
    assert_eq!(values(&again), values(&read));
    assert_eq!(
        again.panel.extra["staticDir"],
        "/opt/portlama/panel-client/dist"
    );
    let format = fs::read_to_string(&format).expect("read");
    assert!(
        format.contains(r#""colour": "blue""#) && format.contains("portlama "),
        "{format}"
    );
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
fn a_broken_document_is_named_with_line_and_way_back_and_kept() {
    let (_temp, dir) = initialised();
    for (file, text, line) in [
        ("panel.json", "{\n  \"ip\": 7,\n}", 2),
        ("panel.json", "", 1),
        ("tunnels.json", "[\n  {},\n]", 2),
        ("tunnels.json", "[] []", 1),
        ("users.yml", "users:\n  mira:\n    email: [\n", 3),
        ("users.yml", "users:\n  mira: 7\n", 2),
        ("pki/agents/registry.json", "{ \"agents\":\n\n ! }", 3),
        ("pki/revoked.json", "[\"x\"]\n", 1),
        ("format.json", "{\"format\": 1,\n \"minReader\": \"x\"}", 2),
    ] {
        let path = dir.path().join(file);
        let good = fs::read(&path).expect("read");
        fs::write(&path, text).expect("write");
        let error = Store::open(&dir).expect_err(file);
        let shown = error.to_string();
        let StateError::Corrupt {
            file: named, place, ..
        } = error
        else {
            panic!("{file}: {error:?}")
        };
        assert_eq!(
            (named, place.map(|at: Place| at.line)),
            (path.clone(), Some(line)),
            "{file}: {shown}"
        );
        assert!(shown.contains("backup"), "{shown}");
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
        fs::write(&path, good).expect("write");
    }
    Store::open(&dir).expect("open");
}

#[test]
fn an_error_never_shows_a_value_of_the_file() {
    let (_temp, dir) = initialised();
    for (file, text) in [
        ("panel.json", r#"{"panel2fa": "hunter2"}"#),
        ("panel.json", r#"{"onboarding": {"status": "hunter2"}}"#),
        ("users.yml", "users:\n  mira:\n    groups: hunter2\n"),
        ("users.yml", "users:\n  mira:\n    disabled: hunter2\n"),
        ("users.yml", "users: hunter2\n"),
        ("users.yml", "users:\n  mira:\n    password: &hunter2 x\n"),
        ("users.yml", "users:\n  mira:\n    password: *hunter2\n"),
        ("users.yml", "users:\n  mira:\n    password: \"hunter2\n"),
        (
            "users.yml",
            "users:\n  mira:\n    password: !hunter2 x\n    disabled: !!bool hunter2\n",
        ),
        ("users.yml", "hunter2"),
    ] {
        let path = dir.path().join(file);
        let good = fs::read(&path).expect("read");
        fs::write(&path, text).expect("write");
        let error = Store::open(&dir).expect_err(text);
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{text}: {error}"
        );
        fs::write(&path, good).expect("write");
    }
}

#[test]
fn duplicate_and_multiplying_users_are_refused() {
    let (_temp, dir) = initialised();
    let user = "{displayname: M, email: m@example.net, password: x}";
    for text in [
        format!("users:\n  mira: {user}\n  mira: {user}\n"),
        format!("users: {{}}\nusers:\n  mira: {user}\n"),
        multiplying_aliases(),
        format!("{}x", "[".repeat(100_000)),
        format!("extra: {}{}\n", "{a: ".repeat(100), "}".repeat(100)),
        "users: {}\n---\nusers: {}\n".to_owned(),
    ] {
        fs::write(dir.path().join("users.yml"), &text).expect("write");
        let refused = Store::open(&dir);
        assert!(
            matches!(refused, Err(StateError::Corrupt { .. })),
            "{text:.80}: {refused:?}"
        );
    }
}

#[test]
fn two_of_one_name_are_refused_when_read_and_when_written() {
    let (_temp, dir) = initialised();
    let (store, mut read) = Store::open(&dir).expect("open");
    let twin = read.registry.agents[0].clone();
    read.registry.agents.push(twin);
    assert!(matches!(
        Commit::of(&read),
        Err(StateError::Rejected { .. })
    ));
    read.registry.agents[0].revoked = true;
    assert!(Commit::of(&read).is_ok());
    let twin = read.tunnels[0].clone();
    read.tunnels.push(twin);
    assert!(matches!(
        Commit::of(&read),
        Err(StateError::Rejected { .. })
    ));
    drop(store);
    let text = serde_json::to_string(&read.tunnels).expect("JSON");
    fs::write(dir.path().join("tunnels.json"), text).expect("write");
    assert!(matches!(Store::open(&dir), Err(StateError::Corrupt { .. })));
}

#[test]
fn missing_lists_are_empty_and_a_missing_panel_is_not() {
    let (_temp, dir) = initialised();
    for file in [
        "tunnels.json",
        "users.yml",
        "pki/revoked.json",
        "pki/agents/registry.json",
    ] {
        fs::remove_file(dir.path().join(file)).expect("remove");
    }
    let (_, read) = Store::open(&dir).expect("open");
    assert!(read.tunnels.is_empty() && read.users.users.is_empty());
    assert!(read.registry.agents.is_empty() && read.revoked.revoked.is_empty());
    fs::remove_file(dir.path().join("panel.json")).expect("remove");
    assert!(matches!(Store::open(&dir), Err(StateError::Corrupt { .. })));
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

/// Thirty lines that would be 2^30 texts.
fn multiplying_aliases() -> String {
    let line = |n: usize| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1);
    format!(
        "a0: &a0 x\n{}users: {{}}\n",
        (1..30).map(line).collect::<String>()
    )
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
