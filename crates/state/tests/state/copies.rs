//! Copies at one moment, and what an epoch ends.

use std::path::Path;

use portlama_model::{Secret, State, Timestamp, Username};
use portlama_state::{
    Commit, Committed, Created, FilePath, Level, Session, SessionKind, StateDir, Store, TokenHash,
};

use crate::fixture::{files, initialised, state, values};

fn mira() -> Username {
    "mira".parse().expect("a name")
}

/// Somebody signed in, and has one-time codes.
fn signs_in(store: &Store) {
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    let session = Session {
        hash: TokenHash::of(b"cookie"),
        kind: SessionKind::Sso,
        username: mira(),
        level: Level::PasswordAndCode,
        created: now,
        last_seen: now,
        expires: now,
    };
    let created = store.runtime().sessions().create(&session);
    assert_eq!(created.expect("created"), Created::Stored);
    let totp = store.runtime().totp();
    totp.set(&mira(), &Secret::new("JBSWY3DPEHPK3PXP"))
        .expect("set");
    assert!(totp.accept_step(&mira(), 7).expect("accepted"));
}

fn sessions(store: &Store) -> usize {
    store.runtime().sessions().all().expect("all").len()
}

fn with_epoch(state: &State, epoch: u64) -> State {
    let mut next = State::clone(state);
    next.panel.epoch = epoch;
    next
}

#[test]
fn a_copy_is_a_state_of_its_own() {
    let (temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    signs_in(&store);
    let copy = temp.path().join("copy");
    store.copy_to(&copy).expect("copied");
    // What happens afterwards is not in it.
    let later = Commit::new().write(&FilePath::CA_KEY, "another");
    assert!(matches!(store.commit(later), Ok(Committed::Applied)));
    store.runtime().totp().remove(&mira()).expect("removed");

    let (copied, read) = Store::open(&StateDir::new(&copy)).expect("open");
    assert_eq!(values(&read), values(&state()));
    for (path, bytes) in files() {
        assert_eq!(copied.read(&path).expect("read"), Some(bytes));
    }
    assert_eq!(sessions(&copied), 1);
    let seed = copied.runtime().totp().get(&mira()).expect("read");
    assert_eq!(seed.expect("a seed").last_step, Some(7));
    copied.runtime().check().expect("whole");
    store
        .copy_to(&copy)
        .expect_err("nothing is copied over something");
}

#[test]
fn another_epoch_ends_sessions_and_keeps_replay_marks() {
    let (_temp, dir) = initialised();
    {
        let (store, before) = Store::open(&dir).expect("open");
        signs_in(&store);
        let commit = Commit::between(&before, &with_epoch(&before, 1)).expect("a commit");
        assert!(matches!(store.commit(commit), Ok(Committed::Applied)));
    }
    let (store, read) = Store::open(&dir).expect("open");
    assert_eq!((read.panel.epoch, sessions(&store)), (1, 0));
    assert!(
        !store
            .runtime()
            .totp()
            .accept_step(&mira(), 7)
            .expect("asked")
    );
    signs_in_again_and_stays(&dir, store);
}

/// The epoch ends things once.
fn signs_in_again_and_stays(dir: &StateDir, store: Store) {
    store.runtime().totp().remove(&mira()).expect("removed");
    signs_in(&store);
    drop(store);
    let (store, _) = Store::open(dir).expect("open");
    assert_eq!(sessions(&store), 1);
}

#[test]
fn codes_that_are_used_up_are_refused() {
    let (_temp, dir) = initialised();
    let (store, _) = Store::open(&dir).expect("open");
    signs_in(&store);
    store.runtime().use_up_codes(20).expect("used up");
    let totp = store.runtime().totp();
    assert!(!totp.accept_step(&mira(), 20).expect("asked"));
    assert!(totp.accept_step(&mira(), 21).expect("asked"));
    store.runtime().use_up_codes(5).expect("used up");
    assert!(!totp.accept_step(&mira(), 21).expect("asked"));
}

#[test]
fn a_state_is_looked_at_without_being_touched() {
    let (_temp, dir) = initialised();
    let (_held, _) = Store::open(&dir).expect("open");
    assert_eq!(values(&dir.look().expect("looked at")), values(&state()));
    assert!(!dir.is_cut_short());
    StateDir::new(Path::new("/nowhere"))
        .look()
        .expect_err("nothing");
}
