//! How documents are read and written.

use std::fs;

use portlama_state::{Commit, Committed, FORMAT, Place, StateError, Store};

use crate::fixture::{initialised, panel, state, users, values};

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
fn a_broken_document_is_named_with_line_and_way_back_and_kept() {
    let (_temp, dir) = initialised();
    for (file, text, line) in [
        ("panel.json", "{\n  \"ip\": 7,\n}", 2),
        ("panel.json", "", 1),
        ("tunnels.json", "[\n  {},\n]", 2),
        ("tunnels.json", "[] []", 1),
        ("users.yml", "users:\n  mira:\n    email: [\n", 3),
        ("users.yml", "users:\n  mira: 7\n", 2),
        ("users.yml", "", 1),
        ("users.yml", " \n\n", 1),
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

/// Thirty lines that would be 2^30 texts.
fn multiplying_aliases() -> String {
    let line = |n: usize| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1);
    format!(
        "a0: &a0 x\n{}users: {{}}\n",
        (1..30).map(line).collect::<String>()
    )
}
