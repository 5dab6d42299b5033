//! What was acknowledged stays, whenever the server dies; what could not be written down was
//! not done, and the server goes on.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;
#[path = "common/ledger.rs"]
mod ledger;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use common::list;
use ledger::Ledger;
use portlama_testkit::{Answer, Server};
use serde_json::json;

#[test]
fn no_acknowledged_change_is_lost_when_the_server_is_killed_at_any_moment() -> Result<()> {
    killed_at_any_moment(if is_long() { 200 } else { 20 }, 0)
}

/// So many that changes of tunnels go into their log, and only later into the document.
#[test]
fn no_acknowledged_change_is_lost_among_many_tunnels_either() -> Result<()> {
    killed_at_any_moment(if is_long() { 50 } else { 8 }, 600)
}

fn is_long() -> bool {
    std::env::var_os("PORTLAMA_TEST_LONG").is_some()
}

fn killed_at_any_moment(rounds: u16, present: usize) -> Result<()> {
    let binary = common::binary();
    let folder = tempfile::tempdir()?;
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    Server::init(&binary, &state)?;
    std::fs::write(state.join("tunnels.json"), unserved(present).to_string())?;
    let ledger = Ledger::new(&Server::start(&binary, &state, &log)?)?;
    let mut changes = 0;
    for round in 0..rounds {
        let server = Server::start(&binary, &state, &log)?;
        ledger
            .check(&server)
            .with_context(|| format!("round {round}"))?;
        // After the first change, a different moment each time, without any pattern of the
        // server's own.
        let moment = Duration::from_millis((u64::from(round) * 67) % 480);
        let (first, begun) = std::sync::mpsc::channel();
        changes += std::thread::scope(|scope| {
            let (prefix, port) = (format!("r{round}"), 2000 + round * 200);
            let ledger = &ledger;
            let server = &server;
            let writer = scope.spawn(move || ledger.write(server, &prefix, port, &first));
            begun
                .recv_timeout(Duration::from_secs(30))
                .expect("a change");
            std::thread::sleep(moment);
            common::kill_nine(server.pid());
            writer.join().expect("the writer does not panic")
        });
        server.kill()?;
    }
    let server = Server::start(&binary, &state, &log)?;
    ledger.check(&server)?;
    let log = std::fs::read_to_string(&log)?;
    assert!(!log.contains("panicked"), "{log}");
    assert!(
        changes >= u64::from(rounds),
        "{changes} changes in {rounds} rounds"
    );
    eprintln!("{rounds} kills, {changes} acknowledged changes, none lost");
    Ok(())
}

/// Tunnels of a kind that is kept and never served, so that they need no certificates.
fn unserved(count: usize) -> serde_json::Value {
    let tunnel = |number: usize| {
        json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"), "type": "plugin", "port": 1024 + number,
            "subdomain": format!("kept-{number}"), "fqdn": format!("kept-{number}.lab.test"),
            "description": null, "createdAt": "2026-01-01T00:00:00.000Z",
        })
    };
    (0..count).map(tunnel).collect()
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
