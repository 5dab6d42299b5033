//! Whatever stands in a file, opening answers.

use std::fs;

use crate::fixture::{initialised, state, users, values};
use portlama_state::{Commit, Document, FilePath, StateDir, StateError, Store};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_in_a_document_never_panic(which in 0..6usize, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        opens_or_says_why(Document::ALL[which].path(), &bytes);
    }

    #[test]
    fn a_document_cut_or_changed_anywhere_never_panics(
        which in 0..6usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let (_temp, dir) = initialised();
        let path = dir.path().join(Document::ALL[which].path());
        let mut bytes = fs::read(&path).expect("read");
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        fs::write(&path, &bytes).expect("write");
        judge(&dir, Document::ALL[which].path(), &bytes);
    }

    #[test]
    fn yaml_made_of_its_own_signs_never_panics(text in "[-:{}\\[\\]&*!|>'\"%@`# \n\tusera0~,?]{0,120}") {
        opens_or_says_why("users.yml", text.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_in_the_record_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        opens_or_says_why("intent.json", &bytes);
    }

    #[test]
    fn arbitrary_bytes_in_the_database_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 1..5000), magic in any::<bool>()) {
        if magic {
            bytes.splice(0..0, *b"SQLite format 3\0");
        }
        opens_or_says_why("runtime.db", &bytes);
    }

    #[test]
    fn any_text_of_a_user_comes_back_from_yaml(password in any::<String>(), note in any::<String>(), key in any::<String>()) {
        let (_temp, dir) = initialised();
        let mut wanted = state();
        wanted.users = users(&password);
        wanted.users.extra.insert(format!("x{key}"), note.clone().into());
        // A text that YAML cannot hold is refused; what is accepted comes back.
        if let Ok(commit) = Commit::of(&wanted) {
            let (store, _) = Store::open(&dir).expect("open");
            assert!(store.commit(commit).is_ok());
            drop(store);
            let (_store, read) = Store::open(&dir).expect("open");
            assert_eq!(values(&read), values(&wanted));
        } else {
            let odd = format!("{password}{note}{key}").chars().any(|c| c.is_control() || c >= '\u{feff}');
            assert!(odd, "refused: {password:?} {note:?} {key:?}");
        }
    }

    #[test]
    fn a_path_that_is_accepted_stays_inside(text in "[a-z./~ \\\\]{0,12}", prefix in "(pki/|certificates/|)") {
        if let Ok(path) = FilePath::new(format!("{prefix}{text}")) {
            let inside = path.as_str().split('/').all(|part| !part.is_empty() && part != "." && part != "..");
            assert!(inside && !path.as_str().contains(['\\', '~', ' ']), "{path}");
        }
    }
}

fn opens_or_says_why(file: &str, bytes: &[u8]) {
    let (_temp, dir) = initialised();
    fs::write(dir.path().join(file), bytes).expect("write");
    judge(&dir, file, bytes);
}

/// Opening a directory with an odd file works or names that file, which stays as it is.
fn judge(dir: &StateDir, file: &str, bytes: &[u8]) {
    match Store::open(dir) {
        Ok(_) => {}
        Err(
            StateError::Corrupt { file: named, .. } | StateError::NewerFormat { path: named, .. },
        ) => {
            assert_eq!(named, dir.path().join(file));
            assert_eq!(fs::read(&named).expect("read"), bytes);
        }
        Err(StateError::Database { path, .. } | StateError::NotWritable { path, .. }) => {
            assert_eq!(path, dir.path().join(file));
        }
        Err(error) => panic!("{error:?}"),
    }
}
