//! Power loss and disk faults at every step of the protocol.
//!
//! [`FaultyDisk`] counts the steps, fails those that a plan names, and at a crash forgets
//! names that no fsync made durable. After every fault the directory is opened again: it holds
//! the old state or the new one, never a mixture.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use portlama_model::State;
use serde_json::{Value, json};
use tempfile::TempDir;

mod disk;
mod log;

use self::disk::FaultyDisk;
use crate::commit::{Commit, Committed};
use crate::dir::{Presence, StateDir};
use crate::document::{Document, encode_panel};
use crate::journal::Journal;
use crate::store::{initialise, open};
use crate::{FilePath, StateError};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Which of the names that were not made durable a crash loses.
const LOSSES: [fn(usize) -> bool; 4] = [|_| false, |_| true, |i| i % 2 == 0, |i| i % 2 == 1];

#[test]
fn a_crash_at_any_step_leaves_the_old_state_or_the_new() {
    for (n, loss) in every_step(|world| drop(world.commit())) {
        let world = World::initialised(move |step| step >= n, EIO);
        let answer = world.commit();
        world.disk.crash(loss);
        world.judge(&answer, n);
    }
}

#[test]
fn two_faults_at_any_steps_leave_what_the_answer_says() {
    let steps = steps_of(|world| drop(world.commit()));
    for first in 1..=steps {
        for second in first + 1..=steps + 4 {
            let world = World::initialised(move |step| step == first || step == second, EIO);
            let answer = world.commit();
            world.disk.crash(LOSSES[second % LOSSES.len()]);
            world.judge(&answer, first);
        }
    }
}

#[test]
fn after_two_faults_the_next_commits_heal() {
    let steps = steps_of(|world| drop(world.commit()));
    for first in 1..=steps {
        for second in (first + 1..=steps + 4).step_by(3) {
            let world = World::initialised(move |step| step == first || step == second, EIO);
            let healed = (0..3).any(|_| matches!(world.commit(), Ok(Committed::Applied)));
            assert!(healed, "steps {first} and {second}");
            world.disk.crash(|_| true);
            assert_eq!(world.reopened(), Seen::New, "steps {first} and {second}");
        }
    }
}

#[test]
fn folders_of_an_attempt_that_failed_are_durable_after_the_next() {
    let file = path("certificates/first.example/privkey.pem");
    let commit = || Commit::new().write(&file, "key");
    let world = |plan: fn(usize, usize) -> bool, n: usize| {
        let world = World::empty(|_| false);
        initialise(&world.journal, &old(), &[]).expect("initialise");
        let disk = FaultyDisk::new(move |step| plan(step, n), EIO);
        (journal(&disk, &world.dir), disk, world)
    };
    let (counted, disk, _world) = world(|_, _| false, 0);
    assert!(matches!(counted.commit(commit()), Ok(Committed::Applied)));
    for n in 1..=disk.steps() {
        let (journal, disk, world) = world(|step, n| step == n, n);
        let _ = journal.commit(commit());
        assert!(
            matches!(journal.commit(commit()), Ok(Committed::Applied)),
            "step {n}"
        );
        disk.crash(|_| true);
        assert_eq!(
            world.dir.read(&file).expect("read"),
            Some(b"key".to_vec()),
            "step {n}"
        );
    }
}

#[test]
fn a_full_disk_at_any_step_is_said_and_healed_by_the_next_commit() {
    for n in 1..=steps_of(|world| drop(world.commit())) {
        let world = World::initialised(move |step| step == n, ENOSPC);
        let answer = world.commit();
        let fault = match &answer {
            Ok(Committed::Applied) => None,
            Ok(Committed::Recorded(error)) | Err(error) => Some(error),
        };
        assert!(
            fault.is_none_or(StateError::is_disk_full),
            "step {n}: {answer:?}"
        );
        let written = world.journal.read(&FilePath::CLIENT_KEY).expect("read");
        assert_eq!(
            written.is_some(),
            answer.is_ok(),
            "step {n}: what is read is what was answered"
        );
        assert!(matches!(world.commit(), Ok(Committed::Applied)), "step {n}");
        world.disk.crash(|_| true);
        assert_eq!(world.reopened(), Seen::New, "step {n}");
    }
}

#[test]
fn nothing_is_committed_while_an_earlier_commit_waits() {
    let record_steps = 3;
    let world = World::initialised(move |step| step > record_steps, EIO);
    assert!(matches!(world.commit(), Ok(Committed::Recorded(_))));
    assert!(matches!(world.commit(), Err(StateError::Unapplied { .. })));
    assert_eq!(world.reopened(), Seen::New);
}

#[test]
fn a_crash_at_any_step_of_the_recovery_loses_nothing() {
    let recover = |disk: &Arc<FaultyDisk>, dir: &StateDir| journal(disk, dir).recover();
    let interrupted = || {
        let world = World::initialised(|step| step > 3, EIO);
        assert!(matches!(world.commit(), Ok(Committed::Recorded(_))));
        world
    };
    let whole = interrupted();
    let counted = FaultyDisk::new(|_| false, EIO);
    recover(&counted, &whole.dir).expect("recover");
    for n in 1..=counted.steps() {
        for loss in LOSSES {
            let world = interrupted();
            let disk = FaultyDisk::new(move |step| step >= n, EIO);
            assert!(recover(&disk, &world.dir).is_err(), "step {n}");
            disk.crash(loss);
            assert_eq!(world.reopened(), Seen::New, "step {n}");
        }
    }
}

#[test]
fn a_crash_at_any_step_of_the_initialisation_leaves_nothing_or_all() {
    let counted = World::empty(|_| false);
    initialise(&counted.journal, &old(), &old_files()).expect("initialise");
    for n in 1..=counted.disk.steps() {
        for loss in LOSSES {
            let world = World::empty(move |step| step >= n);
            assert!(
                initialise(&world.journal, &old(), &old_files()).is_err(),
                "step {n}"
            );
            world.disk.crash(loss);
            let again = initialise(
                &journal(&FaultyDisk::sound(), &world.dir),
                &old(),
                &old_files(),
            );
            assert!(
                matches!(again, Ok(()) | Err(StateError::AlreadyInitialised { .. })),
                "step {n}: {again:?}"
            );
            assert_eq!(world.reopened(), Seen::Old, "step {n}");
        }
    }
}

#[test]
fn a_crash_at_any_step_of_a_migration_leaves_either_format() {
    let migrate: fn(&StateDir) -> Result<Commit, StateError> =
        |_| Commit::new().document(Document::Panel, encode_panel(&new().panel));
    let format = |dir: &StateDir| {
        let text = fs::read(dir.document(Document::Format)).expect("read");
        serde_json::from_slice::<Value>(&text).expect("JSON")["format"].clone()
    };
    for n in 1.. {
        let world = World::initialised(move |step| step >= n, EIO);
        let answer = open(&world.journal, &[migrate]);
        world.disk.crash(|_| true);
        let state = open(&journal(&FaultyDisk::sound(), &world.dir), &[]).expect("open");
        let moved = format(&world.dir) == json!(2);
        assert_eq!(state.panel.ip == new().panel.ip, moved, "step {n}");
        let state = open(&journal(&FaultyDisk::sound(), &world.dir), &[migrate]).expect("migrate");
        assert_eq!(
            (state.panel.ip, format(&world.dir)),
            (new().panel.ip, json!(2)),
            "step {n}"
        );
        if answer.is_ok() {
            assert!(moved);
            break;
        }
    }
}

#[test]
fn a_record_of_a_newer_version_is_not_carried_out() {
    let world = World::initialised(|_| false, EIO);
    let newer = br#"{"format": 9, "minReader": 9, "writtenBy": "portlama 9"}"#;
    let commit = new_commit()
        .document(Document::Format, Ok(newer.to_vec()))
        .expect("commit");
    fs::write(
        world.dir.intent_path(),
        crate::intent::encode(&commit.changes),
    )
    .expect("write");
    let refused = open(&journal(&FaultyDisk::sound(), &world.dir), &[]);
    assert!(
        matches!(refused, Err(StateError::NewerFormat { .. })),
        "{refused:?}"
    );
    fs::remove_file(world.dir.intent_path()).expect("remove");
    assert_eq!(world.reopened(), Seen::Old);
}

#[test]
fn a_record_with_a_flipped_bit_stops_the_start() {
    let world = World::initialised(|_| false, EIO);
    let good = crate::intent::encode(&new_commit().changes);
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(world.dir.intent_path(), &bad).expect("write");
        let refused = open(&journal(&FaultyDisk::sound(), &world.dir), &[]);
        let stopped = matches!(
            refused,
            Err(StateError::Corrupt { .. } | StateError::NewerFormat { .. })
        );
        assert!(stopped, "octet {at}: {refused:?}");
    }
    fs::remove_file(world.dir.intent_path()).expect("remove");
    assert_eq!(world.reopened(), Seen::Old);
}

/// A directory on a disk with faults.
struct World {
    _temp: TempDir,
    dir: StateDir,
    disk: Arc<FaultyDisk>,
    journal: Journal,
}

/// What is found after a restart.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Old,
    New,
}

impl World {
    fn empty(plan: impl Fn(usize) -> bool + Send + Sync + 'static) -> Self {
        let temp = TempDir::new().expect("temporary directory");
        let dir = StateDir::new(temp.path());
        let disk = FaultyDisk::new(plan, EIO);
        Self {
            journal: journal(&disk, &dir),
            disk,
            dir,
            _temp: temp,
        }
    }

    /// With the old state in it; the plan counts from there.
    fn initialised(plan: impl Fn(usize) -> bool + Send + Sync + 'static, errno: i32) -> Self {
        let mut world = Self::empty(|_| false);
        initialise(&world.journal, &old(), &old_files()).expect("initialise");
        world.disk = FaultyDisk::new(plan, errno);
        world.journal = journal(&world.disk, &world.dir);
        world
    }

    fn commit(&self) -> Result<Committed, StateError> {
        self.journal.commit(new_commit())
    }

    /// What a start on a sound disk finds; panics when it is neither state.
    fn reopened(&self) -> Seen {
        assert_eq!(self.dir.presence().expect("presence"), Presence::State);
        let state = open(&journal(&FaultyDisk::sound(), &self.dir), &[]).expect("open");
        let found = (values(&state), files_below(self.dir.path()));
        if found == *OLD {
            Seen::Old
        } else if found == *NEW {
            Seen::New
        } else {
            panic!("a mixture: {:?}", found.1.keys());
        }
    }

    /// Holds the answer of a commit against what a restart finds.
    fn judge(&self, answer: &Result<Committed, StateError>, n: usize) {
        let seen = self.reopened();
        match answer {
            Ok(_) => assert_eq!(seen, Seen::New, "step {n}: an acknowledged change is lost"),
            Err(StateError::Undecided { .. }) => {}
            Err(error) => assert_eq!(
                seen,
                Seen::Old,
                "step {n}: a refused change came back: {error:?}"
            ),
        }
    }
}

fn journal(disk: &Arc<FaultyDisk>, dir: &StateDir) -> Journal {
    Journal::new(dir, Box::new(disk.clone()))
}

fn steps_of(run: impl Fn(&World)) -> usize {
    let world = World::initialised(|_| false, EIO);
    run(&world);
    world.disk.steps()
}

fn every_step(run: impl Fn(&World)) -> impl Iterator<Item = (usize, fn(usize) -> bool)> {
    let steps = steps_of(run);
    assert!(steps > 10, "the commit is larger than {steps} steps");
    (1..=steps).flat_map(|n| LOSSES.map(|loss| (n, loss)))
}

fn old() -> State {
    state("198.51.100.23", &["mira"])
}

fn new() -> State {
    state("203.0.113.9", &["mira", "noor"])
}

fn state(ip: &str, users: &[&str]) -> State {
    let user = |name: &&str| {
        let user = json!({ "displayname": name, "email": "a@example.net", "password": "$2b$12$x" });
        ((*name).to_owned(), user)
    };
    let users: serde_json::Map<_, _> = users.iter().map(user).collect();
    State {
        panel: serde_json::from_value(json!({
            "ip": ip, "domain": null, "email": null, "dataDir": "/etc/portlama",
            "serverId": "5b1f3a52-3f0e-4a53-9a0a-1d4c1f0c7b11", "onboarding": { "status": "FRESH" }
        }))
        .expect("panel"),
        tunnels: Vec::new(),
        users: serde_json::from_value(json!({ "users": users })).expect("users"),
        registry: serde_json::from_value(json!({ "agents": [] })).expect("registry"),
        revoked: serde_json::from_value(json!({ "revoked": [] })).expect("revocations"),
        sites: vec![],
        invitations: vec![],
    }
}

fn path(text: &str) -> FilePath {
    FilePath::new(text).expect("path")
}

/// The old files: one stays, one changes, two go and take their folder along.
fn old_files() -> Vec<(FilePath, Vec<u8>)> {
    vec![
        (FilePath::CA_KEY, b"key".to_vec()),
        (FilePath::CLIENT_CERT, b"old certificate".to_vec()),
        (
            path("certificates/old.example/fullchain.pem"),
            b"chain".to_vec(),
        ),
        (
            path("certificates/old.example/privkey.pem"),
            b"key".to_vec(),
        ),
    ]
}

fn new_files() -> Vec<(FilePath, Vec<u8>)> {
    vec![
        (FilePath::CA_KEY, b"key".to_vec()),
        (FilePath::CLIENT_CERT, b"new certificate".to_vec()),
        (FilePath::CLIENT_KEY, b"new key".to_vec()),
        (
            path("certificates/new.example/privkey.pem"),
            b"key".to_vec(),
        ),
    ]
}

/// The way from the old state to the new.
fn new_commit() -> Commit {
    let mut commit = Commit::between(&old(), &new()).expect("encode");
    for (path, bytes) in new_files() {
        commit = commit.write(&path, bytes);
    }
    for gone in [
        "certificates/old.example/fullchain.pem",
        "certificates/old.example/privkey.pem",
    ] {
        commit = commit.remove(&path(gone));
    }
    commit
}

fn values(state: &State) -> Value {
    json!([
        state.panel,
        state.tunnels,
        state.users,
        state.registry,
        state.revoked
    ])
}

/// What a start reads and what lies in the directory; empty folders count.
type Found = (Value, BTreeMap<PathBuf, Vec<u8>>);

static OLD: LazyLock<Found> = LazyLock::new(|| expected(&old(), &old_files()));
static NEW: LazyLock<Found> = LazyLock::new(|| expected(&new(), &new_files()));

fn expected(state: &State, files: &[(FilePath, Vec<u8>)]) -> Found {
    let world = World::empty(|_| false);
    initialise(&world.journal, state, files).expect("initialise");
    (values(state), files_below(world.dir.path()))
}

fn files_below(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("list") {
            let path = entry.expect("entry").path();
            let name = path.strip_prefix(root).expect("below the root").to_owned();
            if path.is_dir() {
                found.insert(name, Vec::new());
                folders.push(path);
            } else {
                found.insert(name, fs::read(&path).expect("read"));
            }
        }
    }
    found
}
