//! `portlama server install` on machines that are otherwise than a fresh Debian: as Ubuntu makes
//! them, with a full disk, with an sshd that refuses, started by odd means.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portlama_pki::AgentKey;
use portlama_testkit::Curl;
use portlama_testkit::machine::{Lab, Machine, Packages, Said};
use serde_json::Value;
use vps::SSH;

const LIMIT: Duration = Duration::from_secs(300);
const INSTALL_LIMIT: Duration = Duration::from_secs(60);
const SSH_DROP_IN: &str = "/etc/ssh/sshd_config.d/00-portlama.conf";

#[test]
fn installs_on_a_machine_as_ubuntu_makes_it_for_an_admin_who_keeps_the_key() -> Result<()> {
    let name = "installs_on_a_machine_as_ubuntu_makes_it_for_an_admin_who_keeps_the_key";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "ubuntu", Packages::Fresh)?;
        be_like_ubuntu(&machine)?;
        let key = request(&machine, "admin")?;
        let end = waits_for_the_lock_of_apt(&machine)?;
        gets_in_by_the_own_key(&machine, &key, &end)?;
        is_as_hard_as_debian(&machine)?;
        keeps_what_was_asked_for(&machine)?;
        machine.shell("/root/portlama server uninstall --all --yes")?;
        leaves_no_file_that_no_package_has(&machine)
    })
}

#[test]
fn goes_on_where_a_full_disk_or_sshd_stopped_it_however_it_is_started() -> Result<()> {
    let name = "goes_on_where_a_full_disk_or_sshd_stopped_it_however_it_is_started";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "odd", Packages::Equipped)?;
        machine.shell("echo 'Port 2222' >> /etc/ssh/sshd_config; systemctl restart ssh")?;
        stops_when_the_disk_is_full(&machine)?;
        leaves_sshd_as_it_was_when_it_refuses(&machine)?;
        let install = format!("server install --ip {}", machine.address());
        let bare = format!("umask 000; exec env -i /root/portlama {install} --json");
        let said = machine.shell(&bare)?;
        let lines = json_lines(&said)?;
        ensure!(
            lines.last().context("a line")?["event"] == "complete",
            "{said}"
        );
        let open = machine.shell(
            "find /etc /usr/local /var/lib/portlama -xdev -perm /022 -not -type l \
               -not -path '/usr/local/share*' -not -path '/usr/local/lib*'",
        )?;
        ensure!(open.trim().is_empty(), "others may write {open}");
        let rules = machine.shell("ufw show added")?;
        ensure!(rules.contains("ufw allow 2222/tcp"), "{rules}");
        ensure!(!rules.contains("ufw allow 22/tcp"), "{rules}");
        let jail = machine.read("/etc/fail2ban/jail.d/portlama.local")?;
        ensure!(jail.contains("port = 2222"), "{jail}");
        machine.shell(&format!("{SSH} -p 2222 {} true", machine.address()))?;
        Ok(())
    })
}

#[test]
fn lets_in_to_the_port_on_which_systemd_listens_for_sshd() -> Result<()> {
    let name = "lets_in_to_the_port_on_which_systemd_listens_for_sshd";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "socket", Packages::Equipped)?;
        let drop_in = "/etc/systemd/system/ssh.socket.d";
        machine.shell(&format!(
            "mkdir -p {drop_in}
             printf '[Socket]\\nListenStream=\\nListenStream=2222\\n' > {drop_in}/port.conf
             systemctl disable --now ssh.service
             systemctl daemon-reload
             systemctl enable --now ssh.socket"
        ))?;
        // Its own settings don't know that port.
        let settings = machine.shell("mkdir -p /run/sshd; sshd -T")?;
        ensure!(settings.lines().any(|line| line == "port 22"), "{settings}");
        machine.shell(&install(&machine, ""))?;
        let rules = machine.shell("ufw status | grep -q 'Status: active' && ufw show added")?;
        ensure!(rules.contains("ufw allow 2222/tcp"), "{rules}");
        let jail = machine.read("/etc/fail2ban/jail.d/portlama.local")?;
        ensure!(jail.contains("2222"), "{jail}");
        machine.shell(&format!("{SSH} -p 2222 {} true", machine.address()))?;
        Ok(())
    })
}

#[test]
fn an_ordinary_user_tries_a_server_of_their_own_beside_the_installed_one() -> Result<()> {
    let name = "an_ordinary_user_tries_a_server_of_their_own_beside_the_installed_one";
    Lab::enter(name, LIMIT, |lab| {
        let machine = vps::boot(lab, "trial", Packages::Equipped)?;
        machine.shell(&install(&machine, ""))?;
        machine.shell("install -d -o nobody /tmp/trial && test -S /run/portlama/control.sock")?;
        let portlama = |command: &str| {
            let user = "runuser -u nobody -- portlama server";
            machine.run(["sh", "-c", &format!("cd /tmp/trial && {user} {command}")])
        };
        for (command, code) in [
            ("init --ip 198.51.100.23 --state-dir own", 0),
            ("status --state-dir own", 3),
            ("reset-admin --state-dir own", 0),
            // The other one is not theirs to ask.
            ("status", 1),
            ("reset-admin", 1),
        ] {
            let said = portlama(command)?;
            ensure!(said.code == Some(code), "{command}: {said:?}");
        }
        Ok(())
    })
}

/// What Ubuntu 24.04 has otherwise: its name, sshd behind a socket, passwords switched on by
/// cloud-init, and here an owner who uses ufw already.
fn be_like_ubuntu(machine: &Machine<'_>) -> Result<()> {
    machine.shell(
        "rm /etc/os-release
         printf 'NAME=\"Ubuntu\"\\nVERSION_ID=\"24.04\"\\nID=ubuntu\\nID_LIKE=debian\\n' > /etc/os-release
         echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/50-cloud-init.conf
         systemctl disable --now ssh.service
         systemctl enable --now ssh.socket
         apt-get -q update && apt-get -q install -y --no-install-recommends ufw
         ufw limit 22/tcp && ufw allow 8080 && ufw --force enable",
    )?;
    machine.shell(&format!("{SSH} localhost true"))?;
    Ok(())
}

/// A key that the machine never sees, and its request in `/root/NAME.csr`.
fn request(machine: &Machine<'_>, name: &str) -> Result<AgentKey> {
    let key = AgentKey::generate()?;
    let request = key.request(&name.parse()?)?;
    machine.write(&format!("/root/{name}.csr"), request, 0o644)?;
    Ok(key)
}

fn install(machine: &Machine<'_>, more: &str) -> String {
    let address = machine.address();
    format!("/root/portlama server install --ip {address} --json {more}")
}

const ASKED: &str =
    "--domain lab.test --certificates internal --email me@lab.test --admin-csr /root/admin.csr";

/// As cloud-init does on the first day, somebody holds the locks of apt. Returns the last line.
fn waits_for_the_lock_of_apt(machine: &Machine<'_>) -> Result<Value> {
    let holder = "import fcntl, os, time\n\
                  paths = ['/var/lib/apt/lists/lock', '/var/lib/dpkg/lock-frontend']\n\
                  files = [open(path, 'a') for path in paths]\n\
                  for file in files: fcntl.lockf(file, fcntl.LOCK_EX)\n";
    let wait =
        "open('/root/held', 'w')\nwhile not os.path.exists('/root/release'): time.sleep(0.05)\n";
    machine.write("/root/hold.py", format!("{holder}{wait}"), 0o644)?;
    machine.shell("systemd-run --quiet --unit=cloud python3 -B /root/hold.py")?;
    let held = || machine.shell("test -e /root/held").ok();
    common::within(vps::ANSWER_LIMIT, held).context("nobody holds the lock")?;
    machine.shell(&format!(
        "systemd-run --quiet --unit=day-one -p StandardOutput=file:/root/said {}",
        install(machine, ASKED)
    ))?;
    let waits = || {
        let said = machine.read("/root/said").ok()?;
        said.contains("waiting for python3 (process ").then_some(())
    };
    common::within(INSTALL_LIMIT, waits).context("it does not say that it waits")?;
    machine.write("/root/release", "", 0o644)?;
    let ends = || {
        let said = machine.read("/root/said").ok()?;
        let last: Value = serde_json::from_str(said.trim().lines().last()?).ok()?;
        ["complete", "error"]
            .contains(&last["event"].as_str()?)
            .then_some(last)
    };
    let (end, _) = common::within(INSTALL_LIMIT, ends).context("it does not end")?;
    ensure!(end["event"] == "complete", "{end}");
    let said = machine.read("/root/said")?;
    for kept in ["kept: ufw limit 22/tcp", "kept: ufw allow 8080"] {
        ensure!(said.contains(kept), "{kept}: {said}");
    }
    Ok(end)
}

/// The last line is all that a program needs: nothing else is fetched from the machine.
fn gets_in_by_the_own_key(machine: &Machine<'_>, key: &AgentKey, end: &Value) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = &end["server"];
    let file = |name: &str, text: &str| -> Result<std::path::PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let ca = file("ca.crt", server["caCertPem"].as_str().context("a CA")?)?;
    let cert = file(
        "admin.crt",
        server["adminCertPem"].as_str().context("a certificate")?,
    )?;
    let private = file("admin.key", key.to_pem().expose())?;
    ensure!(
        server["caFingerprint"].as_str().map(str::len) == Some(64),
        "{end}"
    );
    let url = format!(
        "{}/api/health",
        server["panelUrl"].as_str().context("a panel")?
    );
    let curl = Curl::new(&ca).options(["--max-time", "10"]);
    let answer = curl.identity(&cert, &private).send(&url)?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let url = vps::api(machine, "tunnels");
    let curl = Curl::new(&ca).options(["--max-time", "10"]);
    let answer = curl.identity(&cert, &private).send(&url)?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let keys = machine.shell("ls -A /etc/portlama/pki")?;
    for absent in ["client.key", "client.p12", ".p12-password"] {
        ensure!(!keys.lines().any(|name| name == absent), "{keys}");
    }
    Ok(())
}

fn is_as_hard_as_debian(machine: &Machine<'_>) -> Result<()> {
    let failed = machine.run(["systemctl", "is-failed", "ssh.service"])?;
    ensure!(failed.stdout.trim() != "failed", "{failed:?}");
    let settings = machine.shell("mkdir -p /run/sshd; sshd -T")?;
    let no_passwords = settings
        .lines()
        .any(|line| line == "passwordauthentication no");
    ensure!(no_passwords, "{settings}");
    machine.shell(&format!("{SSH} {} true", machine.address()))?;
    let rules = machine.shell("ufw show added")?;
    for rule in [
        "ufw limit 22/tcp",
        "ufw allow 8080",
        "ufw allow 443/tcp",
        "ufw allow 9292/tcp",
    ] {
        ensure!(rules.lines().any(|line| line == rule), "{rule}: {rules}");
    }
    Ok(())
}

/// The same words again change nothing; others are refused, with the way out.
fn keeps_what_was_asked_for(machine: &Machine<'_>) -> Result<()> {
    let said = machine.shell(&install(machine, ASKED))?;
    let lines = json_lines(&said)?;
    let changed = lines.iter().filter(|line| line["changed"] == true);
    ensure!(changed.count() == 0, "{said}");
    request(machine, "other")?;
    for (others, word) in [
        ("--admin-csr /root/other.csr", "reset-admin"),
        ("--domain other.test", "lab.test"),
        ("--certificates acme", "internal"),
    ] {
        let said = machine.run(["sh", "-c", &install(machine, others)])?;
        let lines = json_lines(&said.stdout)?;
        let last = lines.last().context("a line")?;
        let message = last["message"].as_str().unwrap_or_default();
        ensure!(said.code == Some(1) && last["event"] == "error", "{said:?}");
        ensure!(
            message.contains("nothing was changed") && message.contains(word),
            "{message}"
        );
    }
    Ok(())
}

/// Packages that came along with ours have theirs.
fn leaves_no_file_that_no_package_has(machine: &Machine<'_>) -> Result<()> {
    let left = machine
        .shell("find / -xdev -iname '*portlama*' -not -path '/root/*' -not -path '/proc/*'")?;
    ensure!(left.trim().is_empty(), "{left}");
    let known =
        machine.shell("dpkg-query --show --showformat='${db:Status-Status} ${Package}\\n'")?;
    ensure!(
        known.lines().any(|line| line == "installed ufw"),
        "ufw was there before"
    );
    ensure!(!known.contains("fail2ban"), "{known}");
    let status = machine.shell("ufw status")?;
    ensure!(status.contains("Status: active"), "{status}");
    machine.shell(&format!("{SSH} {} true", machine.address()))?;
    Ok(())
}

fn stops_when_the_disk_is_full(machine: &Machine<'_>) -> Result<()> {
    for (folder, step) in [("/usr/local/bin", "program"), ("/etc/portlama", "state")] {
        machine.shell(&format!(
            "mkdir -p {folder}; mount -t tmpfs -o size=16k,mode=755 full {folder}"
        ))?;
        let said = fails_in(machine, step)?;
        ensure!(said.stdout.contains("No space left"), "{said:?}");
        machine.shell(&format!("umount {folder}"))?;
    }
    Ok(())
}

/// As an sshd before OpenSSH 8.7 does, which does not know an option of ours.
fn leaves_sshd_as_it_was_when_it_refuses(machine: &Machine<'_>) -> Result<()> {
    let strict = format!(
        "#!/bin/sh\nif grep -qs Kbd {SSH_DROP_IN}; then\n  \
         echo '{SSH_DROP_IN}: line 7: Bad configuration option: KbdInteractiveAuthentication' >&2\n  \
         exit 255\nfi\nexec /root/sshd \"$@\"\n"
    );
    machine.write("/root/strict", strict, 0o755)?;
    machine.shell("cp /usr/sbin/sshd /root/sshd; mount --bind /root/strict /usr/sbin/sshd")?;
    let said = fails_in(machine, "ssh")?;
    ensure!(said.stdout.contains("is as it was"), "{said:?}");
    machine.shell(&format!("umount /usr/sbin/sshd; test ! -e {SSH_DROP_IN}"))?;
    machine.shell(&format!("{SSH} -p 2222 {} true", machine.address()))?;
    let firewall = machine.shell("ufw status")?;
    ensure!(firewall.contains("inactive"), "{firewall}");
    Ok(())
}

/// Installs, and holds what is said to the form that programs read: the step is named, and the
/// last line is the one end.
fn fails_in(machine: &Machine<'_>, step: &str) -> Result<Said> {
    let said = machine.run(["sh", "-c", &install(machine, "")])?;
    ensure!(said.code == Some(1), "{said:?}");
    let lines = json_lines(&said.stdout)?;
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line["status"] == "failed")
        .collect();
    ensure!(failed.len() == 1 && failed[0]["step"] == step, "{failed:?}");
    ensure!(
        lines.last().context("a line")?["event"] == "error",
        "{said:?}"
    );
    let ends = lines
        .iter()
        .filter(|line| line["event"] == "error" || line["event"] == "complete");
    ensure!(ends.count() == 1, "{said:?}");
    Ok(said)
}

fn json_lines(text: &str) -> Result<Vec<Value>> {
    Ok(text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}
