//! A server that is backed up while it works, and comes back: here or elsewhere, whole or not at all.

mod common;
#[path = "backup/lab.rs"]
mod lab;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use lab::{Lab, digests, new_key, portlama};
use portlama_testkit::{Server, fresh_totp_code};
use serde_json::json;

#[test]
fn everything_acknowledged_before_a_backup_is_there_on_another_machine() -> Result<()> {
    let lab = Lab::start()?;
    lab.fill()?;
    let uri = lab.user("mira")?;
    lab.agent("attic")?;
    lab.agent("lost")?;
    lab.revoke("lost")?;
    let used = fresh_totp_code(&uri, None)?;
    assert_eq!(lab.sign_in("mira", &used, "jar")?, 200);
    assert_eq!(lab.level("jar")?, 2);
    let before = digests(&lab.site_folder())?;

    let done = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        let writer = scope.spawn(|| lab.write_until(&done));
        let made = lab.back_up();
        done.store(true, Ordering::SeqCst);
        writer.join().expect("the writer does not panic")?;
        made
    })?;
    assert_eq!(made.metadata()?.permissions().mode() & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(lab.state().join("sites/.staging"))?.collect();
    assert!(left.is_empty(), "{left:?}");

    let lab = lab.restored_elsewhere(&made)?;
    for name in common::list(lab.server(), "tunnels", "subdomain")? {
        assert!(
            name.starts_with("before") || name.starts_with("during"),
            "{name}"
        );
    }
    let tunnels = common::list(lab.server(), "tunnels", "subdomain")?;
    for number in 0..lab::TUNNELS {
        assert!(tunnels.contains(&format!("before{number}")), "{tunnels:?}");
    }
    assert_eq!(common::list(lab.server(), "users", "username")?, ["mira"]);
    let after = digests(&lab.site_folder())?;
    for (path, digest) in &before {
        assert_eq!(after.get(path), Some(digest), "{path}");
    }
    assert_eq!(lab.as_agent("attic")?, 200);
    assert_eq!(lab.as_agent("lost")?, 403);
    // What was granted for a while is void, and no code works twice.
    assert_eq!(lab.level("jar")?, 0);
    assert_eq!(lab.sign_in("mira", &used, "again")?, 401);
    // Two steps on, whatever was shown before is over. A wrong try would count against mira.
    let steps = || -> Option<u64> {
        Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() / 30)
    };
    let restored = steps().context("a clock")?;
    let is_later = || steps().filter(|now| *now >= restored + 2);
    common::within(Duration::from_secs(100), is_later).context("the clock goes on")?;
    let code = fresh_totp_code(&uri, Some(&used))?;
    assert_eq!(lab.sign_in("mira", &code, "new")?, 200);
    let invitations = lab.get("invitations")?;
    assert_eq!(
        invitations["invitations"][0]["status"], "expired",
        "{invitations}"
    );
    assert!(!lab.log()?.contains("panicked"));
    Ok(())
}

#[test]
fn what_was_revoked_since_the_backup_stays_revoked() -> Result<()> {
    let lab = Lab::start()?;
    lab.agent("attic")?;
    lab.agent("cellar")?;
    let made = lab.back_up()?;
    lab.revoke("attic")?;
    let running = lab.restore(&made, &[])?;
    assert!(!running.status.success());
    let why = String::from_utf8_lossy(&running.stderr);
    assert!(why.contains("stop it first"), "{why}");

    let (lab, said) = lab.restored_in_place(&made)?;
    let revoked = said["revokedSince"].to_string();
    assert!(
        revoked.contains("attic") && !revoked.contains("cellar"),
        "{said}"
    );
    assert_eq!(
        (&said["knowsRevocations"], &said["epoch"]),
        (&json!(true), &json!(1))
    );
    let aside = said["setAside"].as_str().context("a name")?;
    assert!(fs::metadata(aside)?.is_dir());
    assert_eq!(lab.as_agent("attic")?, 403);
    assert_eq!(lab.as_agent("cellar")?, 200);
    Ok(())
}

#[test]
fn a_backup_that_cannot_be_believed_changes_nothing() -> Result<()> {
    let lab = Lab::start()?;
    lab.fill()?;
    let made = lab.back_up()?;
    let never = lab.back_up_to(&made)?;
    assert!(!never.status.success(), "a backup never replaces a file");
    let good = lab.verify(&made)?;
    assert!(
        good.status.success(),
        "{}",
        String::from_utf8_lossy(&good.stderr)
    );
    let bytes = fs::read(&made)?;
    for secret in [
        "pki/ca.key",
        "pki/.p12-password",
        "certificates/auth.lab.test/privkey.pem",
    ] {
        let text = fs::read_to_string(lab.state().join(secret))?;
        for line in text.lines().filter(|line| line.len() > 16) {
            let found = bytes
                .windows(line.len())
                .any(|part| part == line.as_bytes());
            assert!(!found, "{secret} stands in the backup");
        }
    }
    let lab = lab.stop()?;
    let before = digests(&lab.state())?;
    let middle = bytes.len() / 2;
    let mut flipped = bytes.clone();
    flipped[middle] ^= 1;
    for (name, content) in [
        ("cut", &bytes[..middle]),
        ("flipped", &flipped),
        ("foreign", b"PK\x03\x04 something else"),
    ] {
        let file = lab.file(name, content)?;
        for refused in [lab.restore(&file, &[])?, lab.verify(&file)?] {
            assert_eq!(refused.status.code(), Some(1), "{name}");
        }
    }
    let other = lab.path("other.key");
    new_key(&other)?;
    let wrong = portlama(&["restore"], &lab.state())
        .arg(&made)
        .arg("--identity")
        .arg(&other)
        .output()?;
    let why = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(why.contains("another key"), "{why}");
    assert_eq!(digests(&lab.state())?, before);
    assert_eq!(lab.beside()?, Vec::<String>::new());
    Ok(())
}

/// In script form: the words come from a file.
#[test]
fn a_passphrase_locks_and_opens_a_backup() -> Result<()> {
    let lab = Lab::start()?;
    let words = lab.file("words", b"correct horse battery staple\n")?;
    let out = lab.path("by-words.age");
    let made = portlama(&["backup", "--passphrase-file"], &lab.state())
        .arg(&words)
        .arg("--out")
        .arg(&out)
        .output()?;
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let opens = |words| -> Result<bool> {
        let mut command = Command::new(common::binary());
        command.args(["server", "backup", "--verify"]).arg(&out);
        let output = command.arg("--passphrase-file").arg(words).output()?;
        Ok(output.status.success())
    };
    assert!(opens(words)?);
    assert!(!opens(
        lab.file("wrong", b"correct horse battery stapler")?
    )?);
    Ok(())
}

/// Moments at which a restore is killed, spread over the time that a whole one takes.
const PARTS: u32 = 12;

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new() -> Result<()> {
    let lab = Lab::start()?;
    lab.fill()?;
    let made = lab.back_up()?;
    let lab = lab.stop()?;
    let panel = || -> Result<u64> {
        let text = fs::read_to_string(lab.state().join("panel.json"))?;
        let panel: serde_json::Value = serde_json::from_str(&text)?;
        Ok(panel["epoch"].as_u64().unwrap_or_default())
    };
    let restoring = || {
        let mut command = lab.restoring(&made);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let begun = Instant::now();
    assert!(restoring()?.wait()?.success());
    let whole = begun.elapsed();
    let mut kills = 0;
    for part in 1..=PARTS {
        let before = panel()?;
        let mut child = restoring()?;
        std::thread::sleep(whole * part / PARTS);
        kills += u32::from(child.try_wait()?.is_none());
        let _ = child.kill();
        child.wait()?;
        let after = panel()?;
        assert!(after == before || after == before + 1, "{before} → {after}");
        let status = portlama(&["status"], &lab.state()).output()?;
        assert_eq!(
            status.status.code(),
            Some(3),
            "{}",
            String::from_utf8_lossy(&status.stderr)
        );
    }
    assert!(kills > 0, "every restore had ended by then");
    let server = Server::start(&common::binary(), &lab.state(), &lab.path("log"))?;
    assert_eq!(
        common::list(&server, "tunnels", "subdomain")?.len(),
        lab::TUNNELS
    );
    Ok(())
}
