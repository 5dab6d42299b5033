//! What was acknowledged stays, whenever the server dies; what could not be written down was
//! not done, and the server goes on.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portlama_testkit::{Answer, Server};
use serde_json::{Value, json};

/// What is known of a thing from the answers so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Its creation was acknowledged.
    There,
    /// Its deletion was acknowledged.
    Gone,
    /// The answer to the last change never came.
    Either,
}

/// Every tunnel and invitation by name, and the ids of those that are there.
#[derive(Debug, Default)]
struct Ledger {
    tunnels: BTreeMap<String, (Known, String)>,
    invitations: BTreeMap<String, Known>,
}

#[test]
fn no_acknowledged_change_is_lost_when_the_server_is_killed_at_any_moment() -> Result<()> {
    let rounds = if std::env::var_os("PORTLAMA_TEST_LONG").is_some() {
        200
    } else {
        20
    };
    let binary = common::binary();
    let folder = tempfile::tempdir()?;
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    Server::init(&binary, &state)?;
    let ledger = Mutex::new(Ledger::default());
    let mut changes = 0;
    for round in 0..rounds {
        let server = Server::start(&binary, &state, &log)?;
        check(&server, &ledger.lock().expect("no panic"))
            .with_context(|| format!("round {round}"))?;
        // After the first change, a different moment each time, without any pattern of the
        // server's own.
        let moment = Duration::from_millis((round * 67) % 480);
        let (first, begun) = std::sync::mpsc::channel();
        changes += std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&server, &ledger, round, first));
            begun
                .recv_timeout(Duration::from_secs(30))
                .expect("a change");
            std::thread::sleep(moment);
            kill_nine(server.pid());
            writer.join().expect("the writer does not panic")
        });
        server.kill()?;
    }
    let server = Server::start(&binary, &state, &log)?;
    check(&server, &ledger.lock().expect("no panic"))?;
    let log = std::fs::read_to_string(&log)?;
    assert!(!log.contains("panicked"), "{log}");
    assert!(changes >= rounds, "{changes} changes in {rounds} rounds");
    eprintln!("{rounds} kills, {changes} acknowledged changes, none lost");
    Ok(())
}

/// Makes and deletes things until the server is gone; the number of acknowledged changes.
fn write(server: &Server, ledger: &Mutex<Ledger>, round: u64, first: Sender<()>) -> u64 {
    let mut acknowledged = 0;
    for n in 0.. {
        let name = format!("r{round}n{n}");
        // An answer that never comes leaves it open whether the change was made.
        ledger
            .lock()
            .expect("no panic")
            .tunnels
            .insert(name.clone(), (Known::Either, String::new()));
        let body = json!({ "subdomain": name, "port": 2000 + round * 200 + n });
        let Some(made) = ask(server, "POST", "tunnels", &body) else {
            return acknowledged;
        };
        let id = made["tunnel"]["id"].as_str().unwrap_or_default().to_owned();
        let entry = (Known::There, id.clone());
        ledger
            .lock()
            .expect("no panic")
            .tunnels
            .insert(name.clone(), entry);
        acknowledged += 1;
        // Only the first is waited for.
        let _ = first.send(());

        let invitation = (
            "invitations",
            json!({ "username": name, "email": "g@example.net" }),
        );
        let set = |known| {
            let mut ledger = ledger.lock().expect("no panic");
            ledger.invitations.insert(name.clone(), known);
        };
        set(Known::Either);
        if ask(server, "POST", invitation.0, &invitation.1).is_none() {
            return acknowledged;
        }
        set(Known::There);
        acknowledged += 1;

        if n % 2 == 1 {
            let entry = (Known::Either, id.clone());
            ledger
                .lock()
                .expect("no panic")
                .tunnels
                .insert(name.clone(), entry);
            if ask(server, "DELETE", &format!("tunnels/{id}"), &json!({})).is_none() {
                return acknowledged;
            }
            let entry = (Known::Gone, id);
            ledger.lock().expect("no panic").tunnels.insert(name, entry);
            acknowledged += 1;
        }
    }
    acknowledged
}

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Option<Value> {
    let request = server
        .admin()
        .json(method, body)
        .options(["--max-time", "20"]);
    let answer = request.send(&server.api(path)).ok()?;
    assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    answer.json().ok()
}

/// Compares what the server says with what is known.
fn check(server: &Server, ledger: &Ledger) -> Result<()> {
    let tunnels = list(server, "tunnels", "subdomain")?;
    for (name, (known, _)) in &ledger.tunnels {
        let there = tunnels.contains(name);
        assert!(
            match known {
                Known::There => there,
                Known::Gone => !there,
                Known::Either => true,
            },
            "tunnel {name}: {known:?}, and there: {there}"
        );
    }
    let invitations = list(server, "invitations", "username")?;
    for (name, known) in &ledger.invitations {
        let there = invitations.contains(name);
        assert!(
            *known == Known::Either || there,
            "invitation {name} was lost"
        );
    }
    Ok(())
}

fn list(server: &Server, path: &str, member: &str) -> Result<Vec<String>> {
    let answer = server.admin().send(&server.api(path))?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json()?;
    let items = list[path].as_array().context("a list")?.iter();
    Ok(items
        .filter_map(|item| item[member].as_str().map(str::to_owned))
        .collect())
}

fn kill_nine(pid: u32) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}

/// A file system of a few megabytes, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this machine does not let us mount.
    fn mount(at: &Path, bytes: u64) -> Result<Option<Self>> {
        std::fs::create_dir_all(at)?;
        let output = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={bytes},mode=0700"),
                "tmpfs",
            ])
            .arg(at)
            .output()?;
        Ok(output.status.success().then(|| Self(at.to_owned())))
    }

    /// Fills it to the last octet; removing the file frees it again.
    fn fill(&self) -> Result<PathBuf> {
        use std::io::Write as _;
        let path = self.0.join("ballast");
        let mut file = std::fs::File::create(&path)?;
        for block in [64 * 1024, 4096, 512, 1] {
            while file.write_all(&vec![0x5a; block]).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_changes_and_leaves_everything_else_working() -> Result<()> {
    let binary = common::binary();
    let folder = tempfile::tempdir()?;
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 8 << 20)? else {
        eprintln!("skipped: this machine does not let a test mount a small file system");
        return Ok(());
    };
    let (state, log) = (disk.0.join("state"), folder.path().join("log"));
    Server::init(&binary, &state)?;
    let server = Server::start(&binary, &state, &log)?;
    let change = |name: &str, port: u16| -> Result<Answer> {
        let body = json!({ "subdomain": name, "port": port });
        server
            .admin()
            .json("POST", &body)
            .send(&server.api("tunnels"))
    };
    assert_eq!(change("before", 8400)?.status, 201);
    let before = std::fs::read(state.join("tunnels.json"))?;

    let ballast = disk.fill()?;
    for n in 0..10 {
        let refused = change(&format!("full-{n}"), 8500 + n)?;
        assert_eq!(refused.status, 507, "{}", refused.text());
        assert!(refused.text().contains("disk"), "{}", refused.text());
    }
    let invited = json!({ "username": "mira", "email": "mira@example.net" });
    let refused = server
        .admin()
        .json("POST", &invited)
        .send(&server.api("invitations"))?;
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert_eq!(list(&server, "tunnels", "subdomain")?, ["before"]);
    assert_eq!(std::fs::read(state.join("tunnels.json"))?, before);
    assert_eq!(server.admin().send(&server.api("health"))?.status, 200);

    std::fs::remove_file(ballast)?;
    assert_eq!(change("after", 8401)?.status, 201);
    drop(server);
    let again = Server::start(&binary, &state, &log)?;
    assert_eq!(list(&again, "tunnels", "subdomain")?.len(), 2);
    assert!(!std::fs::read_to_string(&log)?.contains("panicked"));
    Ok(())
}
