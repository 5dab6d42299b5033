//! A backup written, checked and unpacked; and everything that must not be believed.

use std::fs;
use std::io::{Cursor, Read as _};
use std::path::Path;

use age::secrecy::ExposeSecret as _;
use age::x25519;
use portlama_backup::{
    Amount, BACKUP_FORMAT, BackupError, Head, Key, Lock, Source, check, check_archive, unpack,
    write,
};
use portlama_model::{Secret, Timestamp};
use tempfile::TempDir;

const SITE: &str = "sites/5b1f3a52-3f0e-4a53-9a0a-1d4c1f0c7b11";
const CANARY: &str = "canary-of-a-private-key";

/// A folder with files of a state, one of them with the longest kind of path.
fn state() -> TempDir {
    let temp = tempfile::tempdir().expect("temporary directory");
    let long = format!(
        "{SITE}/{}/index.html",
        ["a long name of a folder"; 15].join("/")
    );
    for (path, content) in [
        ("panel.json", "{}"),
        ("pki/ca.key", CANARY),
        ("pki/ca.crt", "a certificate"),
        ("runtime.db", &"rows ".repeat(50_000)),
        (&format!("{SITE}/a.css"), "a"),
        (&format!("{SITE}/a/b.css"), ""),
        (&long, "deep"),
        ("lock", "4711"),
        (&format!("{SITE}/.hidden"), "not served"),
        ("sites/.staging/half", "half"),
    ] {
        let path = temp.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }
    std::os::unix::fs::symlink("/etc/passwd", temp.path().join(format!("{SITE}/link.txt")))
        .expect("linked");
    temp
}

fn head(amount: Amount) -> Head {
    Head {
        format: BACKUP_FORMAT,
        state_format: portlama_state::FORMAT,
        written_by: "portlama 0.1.0".to_owned(),
        created_at: Timestamp::from_unix_seconds(1_800_000_000),
        server_id: "5b1f3a52-3f0e-4a53-9a0a-1d4c1f0c7b11"
            .parse()
            .expect("an id"),
        address: [203, 0, 113, 10].into(),
        domain: None,
        files: amount.files,
        bytes: amount.bytes,
    }
}

/// A key and a lock that go together.
fn pair() -> (Key, Lock) {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let text = identity.to_string();
    let key = Key::from_file(text.expose_secret().as_bytes()).expect("a key");
    (
        key,
        Lock::recipients([recipient.as_str()]).expect("a recipient"),
    )
}

fn look(folder: &Path) -> Result<Source, BackupError> {
    Source::look(folder, Path::new(""))
}

fn backup(folder: &Path, lock: &Lock) -> Vec<u8> {
    let source = look(folder).expect("a folder");
    let head = head(source.amount());
    write(&source, &head, lock, Vec::new(), &mut |_| true).expect("written")
}

fn checked(bytes: &[u8], key: &Key) -> Result<Head, BackupError> {
    check(bytes, key, &mut |_| Ok(()), &mut |_| true)
}

#[test]
fn what_is_unpacked_is_what_was_put_in() {
    let (state, (key, lock)) = (state(), pair());
    let source = look(state.path()).expect("a folder");
    assert_eq!(source.amount().files, 7);
    assert_eq!(source.left_out_count, 4, "{:?}", source.left_out);
    let bytes = backup(state.path(), &lock);
    let into = tempfile::tempdir().expect("temporary directory");
    let mut done = Amount::default();
    let unpacked = unpack(&bytes[..], &key, into.path(), &mut |_| Ok(()), &mut |now| {
        done = now;
        true
    });
    assert_eq!(unpacked.expect("unpacked"), head(source.amount()));
    assert_eq!(done.bytes, source.amount().bytes);
    let again = look(into.path()).expect("a folder");
    assert_eq!((again.amount(), again.left_out_count), (source.amount(), 0));
    let content = |path: &str| fs::read_to_string(into.path().join(path)).expect("there");
    assert_eq!(content("pki/ca.key"), CANARY);
    assert_eq!(content(&format!("{SITE}/a.css")), "a");
    assert_eq!(checked(&bytes, &key).expect("good"), head(source.amount()));
}

#[test]
fn programs_that_everybody_has_can_read_one() {
    let (state, (_, lock)) = (state(), pair());
    let key = x25519::Identity::generate();
    let lock_of_key = Lock::recipients([key.to_public().to_string().as_str()]).expect("a lock");
    drop(lock);
    let bytes = backup(state.path(), &lock_of_key);
    let plain = age::decrypt(&key, &bytes).expect("decrypted");
    let mut archive = tar::Archive::new(Cursor::new(plain));
    let mut names = Vec::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        names.push(entry.path().expect("a path").display().to_string());
        if names.last().is_some_and(|name| name == "SHA256SUMS") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            // What `sha256sum` prints of one `a`.
            let line = format!(
                "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  {SITE}/a.css\n"
            );
            assert!(text.contains(&line), "{text}");
        }
    }
    assert_eq!(names.first().map(String::as_str), Some("backup.json"));
    assert!(names.iter().any(|name| name.len() > 300), "{names:?}");
}

#[test]
fn nothing_stands_in_it_in_plain() {
    let (state, (_, lock)) = (state(), pair());
    let bytes = backup(state.path(), &lock);
    for plain in [CANARY, "panel.json", "a long name", "203.0.113.10"] {
        let found = bytes.windows(plain.len()).any(|at| at == plain.as_bytes());
        assert!(!found, "{plain}");
    }
}

#[test]
fn a_passphrase_opens_what_it_locked_and_no_other_does() {
    let state = state();
    let lock = Lock::passphrase(Secret::new("correct horse battery")).expect("long enough");
    let bytes = backup(state.path(), &lock);
    let key = |text: &str| Key::Passphrase(Secret::new(text));
    checked(&bytes, &key("correct horse battery")).expect("opens");
    let wrong = checked(&bytes, &key("correct horse batters")).expect_err("refused");
    assert!(matches!(wrong, BackupError::WrongKey), "{wrong}");
    let other = checked(&bytes, &pair().0).expect_err("refused");
    assert!(matches!(other, BackupError::OtherKind(_)), "{other}");
    Lock::passphrase(Secret::new("short"))
        .err()
        .expect("too short");
}

#[test]
fn another_key_opens_nothing() {
    let (state, (_, lock)) = (state(), pair());
    let bytes = backup(state.path(), &lock);
    let wrong = checked(&bytes, &pair().0).expect_err("refused");
    assert!(matches!(wrong, BackupError::WrongKey), "{wrong}");
}

#[test]
fn a_backup_that_was_cut_off_or_changed_anywhere_is_refused() {
    let (state, (key, lock)) = (state(), pair());
    let bytes = backup(state.path(), &lock);
    for length in (0..bytes.len()).step_by(bytes.len() / 60) {
        checked(&bytes[..length], &key).expect_err("cut off");
    }
    checked(&bytes[..bytes.len() - 1], &key).expect_err("cut off by one");
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        checked(&changed, &key).expect_err("changed");
    }
    let mut longer = bytes;
    longer.push(0);
    checked(&longer, &key).expect_err("something was added");
}

#[test]
fn a_foreign_file_is_no_backup() {
    let key = pair().0;
    for foreign in [
        &b""[..],
        b"PK\x03\x04 a zip",
        &[0; 5000],
        b"age-encryption.org/v1\n",
    ] {
        checked(foreign, &key).expect_err("foreign");
    }
}

/// Archives of somebody who knows the recipient.
#[test]
fn an_archive_with_something_else_in_it_is_refused() {
    let refused = |what: &str, archive: Vec<u8>| {
        let refused = check_archive(&archive[..]).expect_err(what);
        assert!(
            matches!(refused, BackupError::Refused(_)),
            "{what}: {refused}"
        );
    };
    let amount = Amount { files: 1, bytes: 5 };
    let good = |b: &mut tar::Builder<Vec<u8>>| {
        file(
            b,
            "backup.json",
            &serde_json::to_vec(&head(amount)).expect("JSON"),
        );
        file(b, "panel.json", b"12345");
    };
    let sums = "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5  panel.json\n";
    let whole = archive(|b| {
        good(b);
        file(b, "SHA256SUMS", sums.as_bytes());
    });
    check_archive(&whole[..]).expect("a good one");

    refused("no head", archive(|b| file(b, "panel.json", b"12345")));
    refused("no list", archive(good));
    refused(
        "a list of another file",
        archive(|b| {
            good(b);
            file(b, "SHA256SUMS", sums.replace("5994", "4994").as_bytes());
        }),
    );
    refused(
        "a file after the end",
        archive(|b| {
            good(b);
            file(b, "SHA256SUMS", sums.as_bytes());
            file(b, "users.yml", b"");
        }),
    );
    refused("octets after the end", [whole.clone(), vec![1]].concat());
    refused("too many zeros", [whole, vec![0; 100_000]].concat());
    for path in ["lock", "intent.json", "pki/a/b/c/d", "sites/x/index.html"] {
        refused(
            path,
            archive(|b| {
                file(
                    b,
                    "backup.json",
                    &serde_json::to_vec(&head(amount)).expect("JSON"),
                );
                file(b, path, b"12345");
            }),
        );
    }
    refused(
        "the same file twice",
        archive(|b| {
            let two = Amount {
                files: 2,
                bytes: 10,
            };
            file(
                b,
                "backup.json",
                &serde_json::to_vec(&head(two)).expect("JSON"),
            );
            file(b, "panel.json", b"12345");
            file(b, "panel.json", b"12345");
        }),
    );
    refused(
        "more than it says",
        archive(|b| {
            file(
                b,
                "backup.json",
                &serde_json::to_vec(&head(amount)).expect("JSON"),
            );
            file(b, "panel.json", b"123456");
        }),
    );
    refused(
        "less than it says",
        archive(|b| {
            file(
                b,
                "backup.json",
                &serde_json::to_vec(&head(amount)).expect("JSON"),
            );
            file(b, "SHA256SUMS", b"");
        }),
    );
    use tar::EntryType as Type;
    for kind in [
        Type::Symlink,
        Type::Link,
        Type::Char,
        Type::Block,
        Type::Fifo,
        Type::Directory,
        Type::GNULongName,
    ] {
        refused(
            "no plain file",
            archive(|b| {
                file(
                    b,
                    "backup.json",
                    &serde_json::to_vec(&head(amount)).expect("JSON"),
                );
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(kind);
                header.set_path("panel.json").expect("fits");
                header.set_link_name("/etc/passwd").expect("fits");
                header.set_size(0);
                header.set_cksum();
                b.append(&header, &b""[..]).expect("appended");
            }),
        );
    }
    let newer = archive(|b| {
        let head = Head {
            format: BACKUP_FORMAT + 1,
            ..head(amount)
        };
        file(b, "backup.json", &serde_json::to_vec(&head).expect("JSON"));
    });
    let newer = check_archive(&newer[..]).expect_err("newer");
    assert!(matches!(newer, BackupError::Newer { .. }), "{newer}");
}

#[test]
fn a_copy_that_goes_away_while_it_is_read_makes_no_backup() {
    let (_, lock) = pair();
    type Spoil = fn(&Path);
    let spoils: [Spoil; 4] = [
        |folder| fs::remove_dir_all(folder).expect("removed"),
        |folder| fs::remove_dir_all(folder.join("sites")).expect("removed"),
        |folder| fs::write(folder.join("panel.json"), "{ }").expect("longer"),
        |folder| fs::write(folder.join("runtime.db"), "rows").expect("shorter"),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let state = state();
        let source = look(state.path()).expect("a folder");
        let head = head(source.amount());
        // Before the first file, and between two.
        spoil(state.path());
        let error = write(&source, &head, &lock, Vec::new(), &mut |_| true).expect_err("changed");
        assert!(
            matches!(error, BackupError::Changed(_)),
            "{number}: {error:?}"
        );
        if number < 2 {
            fs::create_dir_all(state.path()).expect("there again, for its owner");
        }
    }
    let state = state();
    let source = look(state.path()).expect("a folder");
    let head = head(source.amount());
    let mut steps = 0;
    let error = write(&source, &head, &lock, Vec::new(), &mut |_| {
        steps += 1;
        let _ = fs::remove_dir_all(state.path().join("sites"));
        true
    });
    assert!(matches!(error, Err(BackupError::Changed(_))), "{error:?}");
    assert!(steps > 0);
    fs::create_dir_all(state.path()).expect("there");
}

#[test]
fn no_link_on_the_way_to_the_copy_is_followed() {
    let state = state();
    let elsewhere = tempfile::tempdir().expect("temporary directory");
    fs::create_dir_all(elsewhere.path().join("copy")).expect("made");
    fs::write(elsewhere.path().join("copy/panel.json"), "theirs").expect("written");
    let way = Path::new("sites/.staging/copy");
    let staging = state.path().join("sites/.staging");
    fs::create_dir(staging.join("copy")).expect("made");
    Source::look(state.path(), way).expect("a folder");
    fs::remove_dir_all(&staging).expect("removed");
    std::os::unix::fs::symlink(elsewhere.path(), &staging).expect("linked");
    let refused = Source::look(state.path(), way).expect_err("a link");
    assert!(matches!(refused, BackupError::File { .. }), "{refused:?}");
}

#[test]
fn who_watches_can_stop_it() {
    let (state, (key, lock)) = (state(), pair());
    let source = look(state.path()).expect("a folder");
    let head = head(source.amount());
    let stopped = write(&source, &head, &lock, Vec::new(), &mut |_| false).expect_err("stopped");
    assert!(matches!(stopped, BackupError::Stopped), "{stopped}");
    let bytes = backup(state.path(), &lock);
    let stopped = check(&bytes[..], &key, &mut |_| Ok(()), &mut |_| false).expect_err("stopped");
    assert!(matches!(stopped, BackupError::Stopped), "{stopped}");
}

fn archive(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    fill(&mut builder);
    builder.into_inner().expect("finished")
}

fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_path(path).expect("fits");
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content).expect("appended");
}
