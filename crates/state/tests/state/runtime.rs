//! The runtime database through its public face.

use std::sync::Barrier;
use std::time::Duration;

use crate::fixture::initialised;
use portlama_model::{Capability, Secret, Timestamp, Username};
use portlama_state::{
    AUDIT_MAX_AGENT_ROWS, AUDIT_MAX_AGENTS_ROWS, AUDIT_MAX_ROWS, AUDIT_PAGE_ROWS, AuditEntry,
    Consumption, Created, ENROLLMENT_KEPT, FirstSecrets, Grant, Level, Lockout, Runtime, Session,
    SessionKind, StateDir, Store, TokenHash,
};
use serde_json::json;
use tempfile::TempDir;

const THREADS: usize = 20;

#[test]
fn a_host_session_ends_with_its_parent() {
    let world = World::new();
    let sessions = world.runtime().sessions();
    create(world.runtime(), &sso("sso"));
    create(world.runtime(), &child("child", "sso"));
    create(world.runtime(), &sso("other"));
    let mut ended = sessions.remove(&hash("sso")).expect("remove");
    ended.sort();
    let mut both = [hash("sso"), hash("child")];
    both.sort();
    assert_eq!(ended, both);
    assert_eq!(sessions.all().expect("all"), [sso("other")]);
}

#[test]
fn no_host_session_begins_after_its_parent_ended() {
    let world = World::new();
    let sessions = world.runtime().sessions();
    create(world.runtime(), &sso("sso"));
    create(world.runtime(), &child("child", "sso"));
    assert_eq!(
        sessions
            .create(&child("grandchild", "child"))
            .expect("create"),
        Created::ParentEnded
    );
    sessions.remove(&hash("sso")).expect("remove");
    assert_eq!(
        sessions.create(&child("late", "sso")).expect("create"),
        Created::ParentEnded
    );
    assert_eq!(sessions.all().expect("all"), []);
}

#[test]
fn a_proof_more_replaces_the_session_once() {
    let world = World::new();
    let sessions = world.runtime().sessions();
    create(world.runtime(), &sso("first"));
    let second = Session {
        level: Level::PasswordAndCode,
        ..sso("second")
    };
    assert_eq!(
        sessions.replace(&hash("first"), &second).expect("replace"),
        Created::Stored
    );
    assert_eq!(
        sessions
            .replace(&hash("first"), &sso("third"))
            .expect("replace"),
        Created::ParentEnded
    );
    assert_eq!(sessions.all().expect("all"), [second]);
}

#[test]
fn touches_are_seen_at_once_and_written_when_the_store_closes() {
    let mut world = World::new();
    create(world.runtime(), &sso("sso"));
    world.runtime().sessions().touch(&hash("sso"), at(50));
    world.runtime().sessions().touch(&hash("sso"), at(20));
    let seen = |world: &World| {
        let found = world.runtime().sessions().all().expect("all");
        found.first().expect("session").last_seen
    };
    assert_eq!(seen(&world), at(50));
    world.reopen();
    assert_eq!(seen(&world), at(50));
    world.runtime().sessions().touch(&hash("sso"), at(40));
    world.runtime().sessions().flush_touches().expect("flush");
    assert_eq!(seen(&world), at(50));
}

#[test]
fn of_twenty_who_use_a_token_one_wins() {
    let world = World::new();
    world
        .runtime()
        .enrollments()
        .issue(&grant("token", "attic-nas"))
        .expect("issue");
    let answers = race(|| {
        world
            .runtime()
            .enrollments()
            .consume(&hash("token"), at(5))
            .expect("consume")
    });
    let won = answers
        .iter()
        .filter(|answer| **answer == Consumption::Consumed(grant("token", "attic-nas")));
    assert_eq!(won.count(), 1);
    let lost = answers
        .iter()
        .filter(|answer| **answer == Consumption::Used { at: at(5) });
    assert_eq!(lost.count(), THREADS - 1);
}

#[test]
fn a_new_token_for_a_label_voids_the_unused_one() {
    let world = World::new();
    let enrollments = world.runtime().enrollments();
    enrollments
        .issue(&grant("one", "attic-nas"))
        .expect("issue");
    enrollments.issue(&grant("other", "cellar")).expect("issue");
    enrollments
        .issue(&grant("two", "attic-nas"))
        .expect("issue");
    assert_eq!(
        enrollments.consume(&hash("one"), at(5)).expect("consume"),
        Consumption::Unknown
    );
    assert!(matches!(
        enrollments.consume(&hash("two"), at(5)).expect("consume"),
        Consumption::Consumed(_)
    ));
    assert!(matches!(
        enrollments.consume(&hash("other"), at(5)).expect("consume"),
        Consumption::Consumed(_)
    ));
}

#[test]
fn a_token_seen_expired_stays_so_when_the_clock_is_set_back() {
    let world = World::new();
    let enrollments = world.runtime().enrollments();
    enrollments
        .issue(&grant("token", "attic-nas"))
        .expect("issue");
    for now in [at(600), at(5)] {
        assert_eq!(
            enrollments.consume(&hash("token"), now).expect("consume"),
            Consumption::Expired
        );
    }
}

#[test]
fn a_released_token_can_be_used_unless_a_newer_one_waits() {
    let world = World::new();
    let enrollments = world.runtime().enrollments();
    enrollments
        .issue(&grant("one", "attic-nas"))
        .expect("issue");
    let consume = |token| enrollments.consume(&hash(token), at(5)).expect("consume");
    assert!(matches!(consume("one"), Consumption::Consumed(_)));
    enrollments.release(&hash("one")).expect("release");
    assert!(matches!(consume("one"), Consumption::Consumed(_)));
    enrollments
        .issue(&grant("two", "attic-nas"))
        .expect("issue");
    enrollments.release(&hash("one")).expect("release");
    assert!(matches!(consume("one"), Consumption::Used { .. }));
    assert!(
        enrollments
            .withdraw(&"attic-nas".parse().expect("label"))
            .expect("withdraw")
    );
    assert_eq!(consume("two"), Consumption::Unknown);
}

#[test]
fn of_twenty_with_one_code_one_is_accepted() {
    let mut world = World::new();
    let mira = user("mira");
    world
        .runtime()
        .totp()
        .set(&mira, &Secret::new("SEED"))
        .expect("set");
    let accepted = race(|| {
        world
            .runtime()
            .totp()
            .accept_step(&mira, 100)
            .expect("accept")
    });
    assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 1);
    world.reopen();
    for (step, accepted) in [
        (100, false),
        (99, false),
        (101, true),
        (u64::MAX, false),
        (102, true),
    ] {
        assert_eq!(
            world
                .runtime()
                .totp()
                .accept_step(&mira, step)
                .expect("accept"),
            accepted,
            "{step}"
        );
    }
}

#[test]
fn a_new_seed_starts_over_and_no_seed_accepts_nothing() {
    let world = World::new();
    let (totp, mira) = (world.runtime().totp(), user("mira"));
    assert!(!totp.accept_step(&mira, 1).expect("accept"));
    totp.set(&mira, &Secret::new("ONE")).expect("set");
    assert!(totp.accept_step(&mira, 7).expect("accept"));
    totp.set(&mira, &Secret::new("TWO")).expect("set");
    let secret = totp.get(&mira).expect("get").expect("seed");
    assert_eq!((secret.seed.expose(), secret.last_step), ("TWO", None));
    assert!(totp.remove(&mira).expect("remove"));
    assert!(totp.get(&mira).expect("get").is_none());
}

#[test]
fn a_step_of_the_panels_seed_is_accepted_once_and_a_new_seed_starts_over() {
    let mut world = World::new();
    let accept = |world: &World, seed: &str, step| {
        let codes = world.runtime().panel_codes();
        codes.accept_step(&hash(seed), step).expect("accept")
    };
    let won = race(|| accept(&world, "one", 100));
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    world.reopen();
    for (seed, step, accepted) in [
        ("one", 100, false),
        ("one", 99, false),
        ("one", 101, true),
        ("one", u64::MAX, false),
        ("two", 50, true),
        ("two", 50, false),
        ("two", 51, true),
    ] {
        assert_eq!(accept(&world, seed, step), accepted, "{seed} {step}");
    }
}

#[test]
fn lockouts_survive_a_restart() {
    let mut world = World::new();
    let lockout = |count: u32| Lockout {
        key: "mira 192.0.2.1".to_owned(),
        value: json!({ "wrong": count }),
        expires: at(300),
    };
    world.runtime().lockouts().put(&lockout(1)).expect("put");
    world.runtime().lockouts().put(&lockout(2)).expect("put");
    world.reopen();
    assert_eq!(world.runtime().lockouts().all().expect("all"), [lockout(2)]);
}

#[test]
fn audit_pages_go_from_the_newest_to_the_oldest() {
    let mut world = World::new();
    let entry = |n: i64| AuditEntry {
        at: at(n),
        identity: "admin".to_owned(),
        action: "tunnel.create".to_owned(),
        target: "wiki.lab.example.org".to_owned(),
        before: None,
        after: Some(json!({ "port": n })),
    };
    let ids: Vec<_> = (1..=5)
        .map(|n| world.runtime().audit().append(&entry(n)).expect("append"))
        .collect();
    world.reopen();
    let page = |before, limit| {
        let all = portlama_state::AuditFilter::default();
        world
            .runtime()
            .audit()
            .page(&all, before, limit)
            .expect("page")
    };
    let newest = page(None, 2);
    assert_eq!(
        newest.iter().map(|row| &row.entry).collect::<Vec<_>>(),
        [&entry(5), &entry(4)]
    );
    let older = page(Some(newest[1].id), AUDIT_PAGE_ROWS + 1);
    assert_eq!(
        older.iter().map(|row| row.id).collect::<Vec<_>>(),
        [ids[2], ids[1], ids[0]]
    );
}

#[test]
fn a_sweep_removes_what_is_over_and_nothing_else() {
    let world = World::new();
    let runtime = world.runtime();
    create(runtime, &sso("over"));
    create(
        runtime,
        &Session {
            expires: at(9999),
            ..sso("live")
        },
    );
    runtime
        .enrollments()
        .issue(&grant("old", "attic-nas"))
        .expect("issue");
    let lockout = Lockout {
        key: "k".to_owned(),
        value: json!(1),
        expires: at(10),
    };
    runtime.lockouts().put(&lockout).expect("put");

    let swept = runtime.sweep(at(1000)).expect("sweep");
    assert_eq!(
        (swept.sessions, swept.lockouts, swept.enrollments),
        (1, 1, 0)
    );
    let left: Vec<_> = runtime
        .sessions()
        .all()
        .expect("all")
        .into_iter()
        .map(|s| s.hash)
        .collect();
    assert_eq!(left, [hash("live")]);
    assert_eq!(
        runtime
            .sweep(at(0).plus(ENROLLMENT_KEPT))
            .expect("sweep")
            .enrollments,
        1
    );
}

#[test]
fn an_agent_pushes_no_rows_out_but_its_own() {
    let world = World::new();
    world.write_audit("admin", "agent.revoke", 3);
    world.write_audit("agent:busy", "agent.enroll", 2);
    world.write_audit("agent:quiet", "tunnel.create", 4);
    world.write_audit("agent:busy", "tunnel.create", 1);
    world.write_audit("agent:busy", "tunnel.delete", AUDIT_MAX_AGENT_ROWS);
    world.write_audit("user:mira", "invitation.accept", 1);

    assert_eq!(world.sweep_audit(), 1);
    assert_eq!(world.sweep_audit(), 0);
    let kept = |identity, action| world.count_audit(identity, action);
    assert_eq!(kept("admin", "agent.revoke"), 3);
    assert_eq!(kept("agent:busy", "agent.enroll"), 2);
    assert_eq!(kept("agent:quiet", "tunnel.create"), 4);
    assert_eq!(kept("agent:busy", "tunnel.create"), 0);
    assert_eq!(kept("agent:busy", "tunnel.delete"), AUDIT_MAX_AGENT_ROWS);
    assert_eq!(kept("user:mira", "invitation.accept"), 1);
}

#[test]
fn all_agents_together_have_a_share_and_everybody_else_has_one() {
    let world = World::new();
    world.write_audit("admin", "tunnel.create", 5);
    world.write_audit("agent:first", "tunnel.create", 7);
    for n in 0..AUDIT_MAX_AGENTS_ROWS / AUDIT_MAX_AGENT_ROWS {
        let identity = format!("agent:more-{n}");
        world.write_audit(&identity, "tunnel.create", AUDIT_MAX_AGENT_ROWS);
    }
    assert_eq!(world.sweep_audit(), 7);
    assert_eq!(world.count_audit("agent:first", "tunnel.create"), 0);
    assert_eq!(world.count_audit("admin", "tunnel.create"), 5);

    world.write_audit("server", "certificate.renew", AUDIT_MAX_ROWS - 1);
    assert_eq!(world.sweep_audit(), 4);
    assert_eq!(world.count_audit("admin", "tunnel.create"), 1);
    assert_eq!(
        world.count_audit("agent:more-0", "tunnel.create"),
        AUDIT_MAX_AGENT_ROWS
    );
}

#[test]
fn tokens_are_not_in_the_database_file() {
    let mut world = World::new();
    create(world.runtime(), &sso("a-cookie-nobody-may-find"));
    world.reopen();
    let bytes = std::fs::read(world.dir.path().join("runtime.db")).expect("read");
    let contains = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(contains(b"mira"));
    assert!(!contains(b"a-cookie-nobody-may-find"));
}

#[test]
fn the_first_accounts_secrets_are_kept_until_they_are_forgotten_and_then_in_no_file() {
    let mut world = World::new();
    let kept = |world: &World| world.runtime().first_account().get().expect("get");
    assert!(kept(&world).is_none());
    let first = world.runtime().first_account();
    first.keep(&first_secrets("an-earlier-one")).expect("keep");
    first.keep(&first_secrets(PASSWORD)).expect("keep");
    world.reopen();
    let found = kept(&world).expect("after a restart");
    assert_eq!(found.password.expect("a password").expose(), PASSWORD);
    assert_eq!(found.until, at(600));
    assert!(world.files_hold(PASSWORD));
    world.runtime().first_account().forget().expect("forget");
    assert!(kept(&world).is_none());
    for gone in [PASSWORD, "an-earlier-one", "otpauth"] {
        assert!(!world.files_hold(gone), "{gone}");
    }
}

#[test]
fn the_first_accounts_secrets_go_when_their_time_is_over() {
    let world = World::new();
    let first = world.runtime().first_account();
    first.keep(&first_secrets(PASSWORD)).expect("keep");
    assert_eq!(
        world.runtime().sweep(at(599)).expect("sweep").first_account,
        0
    );
    assert!(world.files_hold(PASSWORD));
    assert_eq!(
        world.runtime().sweep(at(600)).expect("sweep").first_account,
        1
    );
    assert!(!world.files_hold(PASSWORD));
}

#[test]
fn a_log_that_somebody_reads_is_emptied_by_the_next_sweep_or_start() {
    let world = World::new();
    let first = world.runtime().first_account();
    first.keep(&first_secrets(PASSWORD)).expect("keep");
    let other = rusqlite::Connection::open(world.dir.path().join("runtime.db")).expect("open");
    other.execute_batch("BEGIN").expect("begin");
    let read: u32 = other
        .query_row("SELECT count(*) FROM first_account", [], |row| row.get(0))
        .expect("read");
    assert_eq!(read, 1);
    first.forget().expect("forget");
    assert!(first.get().expect("get").is_none());
    assert!(world.files_hold(PASSWORD), "the reader still sees it");

    // What a crash leaves at this moment.
    let temp = TempDir::new().expect("temporary directory");
    for name in ["runtime.db", "runtime.db-wal"] {
        std::fs::copy(world.dir.path().join(name), temp.path().join(name)).expect("copy");
    }
    other.execute_batch("COMMIT").expect("commit");
    world.runtime().sweep(at(0)).expect("sweep");
    assert!(!world.files_hold(PASSWORD));

    let mut crashed = World::new();
    crashed.store = None;
    for name in ["runtime.db", "runtime.db-wal"] {
        std::fs::copy(temp.path().join(name), crashed.dir.path().join(name)).expect("copy");
    }
    assert!(crashed.files_hold(PASSWORD));
    crashed.reopen();
    assert!(!crashed.files_hold(PASSWORD));
}

/// Nothing else in a state directory looks like it.
const PASSWORD: &str = "fvCNRZYbQ0S6kPzq8d2bXw";

fn first_secrets(password: &str) -> FirstSecrets {
    FirstSecrets {
        password: Some(Secret::new(password)),
        totp_uri: Some(Secret::new("otpauth://totp/Portlama:admin?secret=JBSWY3DP")),
        until: at(600),
    }
}

/// A store that can be closed and opened again.
struct World {
    _temp: TempDir,
    dir: StateDir,
    store: Option<Store>,
}

impl World {
    fn new() -> Self {
        let (temp, dir) = initialised();
        let (store, _) = Store::open(&dir).expect("open");
        Self {
            _temp: temp,
            dir,
            store: Some(store),
        }
    }

    fn runtime(&self) -> &Runtime {
        self.store.as_ref().expect("open").runtime()
    }

    /// Writes rows as the server would, in one transaction, for the sake of the test's time.
    fn write_audit(&self, identity: &str, action: &str, rows: u32) {
        let db = rusqlite::Connection::open(self.dir.path().join("runtime.db")).expect("open");
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
             INSERT INTO audit (at, identity, action, target) SELECT i, ?1, ?2, 'it' FROM n",
            rusqlite::params![identity, action, rows],
        )
        .expect("insert");
    }

    fn sweep_audit(&self) -> usize {
        self.runtime().sweep(at(1000)).expect("sweep").audit
    }

    fn count_audit(&self, identity: &str, action: &str) -> u32 {
        let db = rusqlite::Connection::open(self.dir.path().join("runtime.db")).expect("open");
        db.query_row(
            "SELECT count(*) FROM audit WHERE identity = ?1 AND action = ?2",
            [identity, action],
            |row| row.get(0),
        )
        .expect("count")
    }

    /// Whether the text stands in a file of the database, whatever part of it is in use.
    fn files_hold(&self, text: &str) -> bool {
        ["runtime.db", "runtime.db-wal"].iter().any(|name| {
            let octets = std::fs::read(self.dir.path().join(name)).unwrap_or_default();
            octets.windows(text.len()).any(|w| w == text.as_bytes())
        })
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(Store::open(&self.dir).expect("open").0);
    }
}

/// What twenty threads are told that ask at the same moment.
fn race<T: Send>(ask: impl Fn() -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let ask = || {
            start.wait();
            ask()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("thread"))
            .collect()
    })
}

/// So many seconds after 1970.
fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.plus(Duration::from_secs(seconds.unsigned_abs()))
}

fn hash(token: &str) -> TokenHash {
    TokenHash::of(token.as_bytes())
}

fn user(name: &str) -> Username {
    name.parse().expect("user name")
}

fn create(runtime: &Runtime, session: &Session) {
    assert_eq!(
        runtime.sessions().create(session).expect("create"),
        Created::Stored
    );
}

fn sso(token: &str) -> Session {
    Session {
        hash: hash(token),
        kind: SessionKind::Sso,
        username: user("mira"),
        level: Level::Password,
        created: at(0),
        last_seen: at(0),
        expires: at(1000),
    }
}

fn child(token: &str, parent: &str) -> Session {
    let host = "wiki.lab.example.org".parse().expect("host");
    Session {
        kind: SessionKind::Host {
            host,
            parent: hash(parent),
        },
        ..sso(token)
    }
}

fn grant(token: &str, label: &str) -> Grant {
    Grant {
        hash: hash(token),
        label: label.parse().expect("label"),
        capabilities: [Capability::SitesWrite].into_iter().collect(),
        allowed_sites: vec!["handbook".to_owned()],
        created: at(0),
        expires: at(600),
    }
}
