//! The chapter on backup and disaster, as it is written: a server is lost, and comes back elsewhere.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use age::secrecy::ExposeSecret as _;
use age::x25519;
use anyhow::{Context as _, Result, ensure};
use portlama_testkit::Curl;
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(400);
const EQUIPPED: MachineOptions = MachineOptions {
    packages: Packages::Equipped,
    disk_mib: 2048,
};

/// The one block of code in the chapter that begins with these words.
fn guide(beginning: &str) -> Result<&'static str> {
    const CHAPTER: &str = include_str!("../../../docs/guide/34-backup.md");
    let blocks = CHAPTER.split("```\n").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.starts_with(beginning));
    let block = found
        .next()
        .with_context(|| format!("no block begins {beginning:?}"))?;
    ensure!(found.next().is_none(), "two blocks begin {beginning:?}");
    Ok(block)
}

/// In root's folder, with the names that the chapter uses.
fn does(machine: &Machine<'_>, recipient: &str, block: &str) -> Result<String> {
    let address = machine.address();
    machine.shell(&format!(
        "cd /root && ADDRESS={address} RECIPIENT={recipient}\nset -e\n{block}"
    ))
}

/// The files that an admin has at home: a browser's.
struct Kept {
    _folder: tempfile::TempDir,
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Kept {
    fn of(machine: &Machine<'_>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let keep = |name: &str| -> Result<PathBuf> {
            let kept = folder.path().join(name);
            fs::copy(machine.path(&format!("/etc/portlama/pki/{name}")), &kept)?;
            Ok(kept)
        };
        let (ca, certificate, key) = (keep("ca.crt")?, keep("client.crt")?, keep("client.key")?);
        Ok(Self {
            _folder: folder,
            ca,
            certificate,
            key,
        })
    }

    fn admin(&self) -> Curl {
        Curl::new(&self.ca)
            .identity(&self.certificate, &self.key)
            .options(["--connect-timeout", "1", "--max-time", "40"])
    }

    fn status(&self, machine: &Machine<'_>, path: &str) -> Option<(u16, Value)> {
        let answer = self.admin().send(&vps::api(machine, path)).ok()?;
        Some((answer.status, answer.json().unwrap_or_default()))
    }
}

#[test]
fn a_lost_server_comes_back_on_another_machine() -> Result<()> {
    let name = "a_lost_server_comes_back_on_another_machine";
    Lab::enter(name, LIMIT, |lab| {
        let mut first = lab.boot("first", EQUIPPED)?;
        let second = lab.boot("second", EQUIPPED)?;
        for machine in [&first, &second] {
            machine.copy_in(&common::binary(), "/root/portlama", 0o755)?;
        }
        first.shell(&format!(
            "/root/portlama server install --ip {} --certificates internal --domain lab.test",
            first.address()
        ))?;
        let kept = Kept::of(&first)?;
        comes_up(&first, &kept)?;
        let made = kept
            .admin()
            .json("POST", &json!({ "subdomain": "app", "port": 3000 }))
            .send(&vps::api(&first, "tunnels"))?;
        ensure!(made.status == 201, "{}", made.text());

        let identity = x25519::Identity::generate();
        let recipient = identity.to_public().to_string();
        does(&first, &recipient, guide("portlama server status")?)?;
        does(&first, &recipient, guide("portlama server backup --out")?)?;
        for machine in [&first, &second] {
            let key = identity.to_string();
            machine.write("/root/key.txt", key.expose_secret(), 0o600)?;
        }
        does(
            &first,
            &recipient,
            guide("portlama server backup --verify")?,
        )?;
        in_place(&first, &kept, &recipient)?;

        fs::copy(
            first.path("/root/backup.age"),
            second.path("/root/backup.age"),
        )?;
        first.power_off()?;
        does(&second, &recipient, guide("./portlama server install")?)?;
        comes_up(&second, &kept)?;
        let (_, tunnels) = kept.status(&second, "tunnels").context("an answer")?;
        ensure!(tunnels["tunnels"][0]["subdomain"] == "app", "{tunnels}");
        let owners =
            second.shell("find /etc/portlama ! -user portlama; stat -c %a /etc/portlama")?;
        ensure!(owners.trim() == "700", "{owners}");
        does(&second, &recipient, guide("portlama server status")?)?;

        does(&second, &recipient, guide("portlama server reset-admin")?)?;
        let (status, _) = kept.status(&second, "tunnels").context("an answer")?;
        ensure!(status == 403, "the lost certificate is dead: {status}");
        let new = vps::admin(&second).send(&vps::api(&second, "tunnels"))?;
        ensure!(new.status == 200, "{}", new.text());
        // The socket is there again after a restart, for root and the server's user alone.
        second.shell("systemctl restart portlama.service")?;
        vps::comes_up(&second)?;
        does(&second, &recipient, guide("portlama server status")?)?;
        let mode = second.shell("stat -c '%a %U' /run/portlama /run/portlama/control.sock")?;
        ensure!(mode == "700 portlama\n600 portlama\n", "{mode}");
        Ok(())
    })
}

#[test]
fn what_the_servers_user_planted_leads_root_nowhere() -> Result<()> {
    let name = "what_the_servers_user_planted_leads_root_nowhere";
    Lab::enter(name, LIMIT, |lab| {
        let machine = lab.boot("planted", EQUIPPED)?;
        machine.copy_in(&common::binary(), "/root/portlama", 0o755)?;
        machine.shell(&format!(
            "/root/portlama server install --ip {} --certificates internal --domain lab.test",
            machine.address()
        ))?;
        machine.write("/root/words", "a few words of my own", 0o600)?;
        // The lock is made anew by whoever takes it.
        machine.shell(
            "systemctl stop 'portlama.*' && rm -f /etc/portlama/lock && mkdir /root/folder && \
             cp /etc/hosts /root/canary && cd /root && \
             portlama server backup --out good.age --passphrase-file words",
        )?;
        let owner =
            machine.shell("stat -c %U /etc/portlama/lock; find /etc/portlama -user root")?;
        ensure!(owner == "portlama\n", "{owner}");
        let mine =
            || machine.shell("find /root ! -name good.age -printf '%p %u %m %s %T@\n' | sort");
        let before = mine()?;
        for (place, target) in [
            ("lock", "/root/canary"),
            ("runtime.db", "/root/new.db"),
            ("pki", "/root/folder"),
            ("sites/.staging", "/root/folder"),
        ] {
            let planted = format!("/etc/portlama/{place}");
            machine.shell(&format!(
                "runuser -u portlama -- sh -c 'test -e {planted} || mkdir -p {planted}; mv {planted} {planted}.kept; ln -s {target} {planted}'"
            ))?;
            let backup = "portlama server backup --out bad.age --passphrase-file words";
            machine.shell(&format!("cd /root && ! {backup}"))?;
            // The state alone is needed for a new admin, not the folder of the sites.
            let refuses = if place == "sites/.staging" { "" } else { "! " };
            machine.shell(&format!("{refuses}portlama server reset-admin"))?;
            machine
                .shell("cd /root && portlama server restore good.age --passphrase-file words")?;
            let after = mine()?;
            ensure!(after == before, "{place}: {before} → {after}");
            let owners = machine.shell("find /etc/portlama ! -user portlama")?;
            ensure!(owners.is_empty(), "{place}: {owners}");
            // The name of what is set aside has its second.
            machine.shell("rm -r /etc/portlama.before-*")?;
        }
        Ok(())
    })
}

/// Back to what it was: a tunnel that was made since is gone.
fn in_place(machine: &Machine<'_>, kept: &Kept, recipient: &str) -> Result<()> {
    let since = json!({ "subdomain": "since", "port": 3001 });
    let made = kept
        .admin()
        .json("POST", &since)
        .send(&vps::api(machine, "tunnels"))?;
    ensure!(made.status == 201, "{}", made.text());
    does(machine, recipient, guide("systemctl stop 'portlama.*'")?)?;
    comes_up(machine, kept)?;
    let (_, tunnels) = kept.status(machine, "tunnels").context("an answer")?;
    ensure!(
        tunnels["tunnels"]
            .as_array()
            .is_some_and(|all| all.len() == 1),
        "{tunnels}"
    );
    machine.shell("ls -d /etc/portlama.before-*")?;
    Ok(())
}

fn comes_up(machine: &Machine<'_>, kept: &Kept) -> Result<()> {
    let answers = || {
        kept.status(machine, "tunnels")
            .filter(|(status, _)| *status == 200)
    };
    common::within(vps::ANSWER_LIMIT, answers).context("the panel does not answer")?;
    Ok(())
}
