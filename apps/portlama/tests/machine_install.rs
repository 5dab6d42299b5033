//! `portlama server install` on fresh machines: by the guide's commands to a serving server, again
//! without a change, and refused where the machine is not fit.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Machine, Packages, Said};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(400);
/// What all processes of our units may hold resident together when nobody comes.
const MOST_MEMORY_KIB: u64 = 64 * 1024;
/// How exposed `systemd-analyze security` may find the server, of 10.
const MOST_EXPOSED: f64 = 2.0;
const UNIT: &str = "portlama.service";
/// All steps, as `--json` names them.
const STEPS: [&str; 13] = [
    "packages", "user", "program", "state", "units", "helper", "kernel", "swap", "ssh", "firewall",
    "fail2ban", "bans", "start",
];
/// Those that must be cut short for the test to say anything: they change the most.
const MUST_BE_KILLED: [&str; 6] = [
    "packages", "state", "units", "firewall", "fail2ban", "start",
];
/// How often a step is tried that is over before it can be killed.
const TRIES: u32 = 3;
const MANIFEST: &str = "/var/lib/portlama/install.json";

#[test]
fn makes_a_serving_server_of_a_fresh_machine() -> Result<()> {
    Lab::enter("makes_a_serving_server_of_a_fresh_machine", LIMIT, |lab| {
        let mut machine = vps::boot(lab, "vps", Packages::Fresh)?;
        let said = installs(lab, &machine)?;
        shows_the_way_in(&machine, &said)?;
        serves_with_few_rights(lab, &machine)?;
        takes_little_memory(lab, &machine)?;
        is_hardened(&machine)?;
        changes_nothing_the_second_time(lab, &machine)?;
        completes_what_was_cut_short(&machine)?;
        takes_over_units_of_the_earlier_name(&machine)?;
        stops_and_starts_as_the_guide_says(&machine)?;
        keeps_the_ports_open_while_it_does_not_run(&machine)?;
        machine.reboot()?;
        let took = comes_up(&machine)?;
        lab.say(format_args!(
            "serves {took:.1?} after the machine is up again"
        ))?;
        is_hardened(&machine)
    })
}

#[test]
fn refuses_a_machine_that_is_not_fit_and_changes_nothing() -> Result<()> {
    Lab::enter(
        "refuses_a_machine_that_is_not_fit_and_changes_nothing",
        LIMIT,
        |lab| {
            let machine = vps::boot(lab, "unfit", Packages::Fresh)?;
            let before = everything(&machine)?;
            let with_ip = format!("/root/portlama server install --ip {}", machine.address());
            let plan = machine.shell(&format!("{with_ip} --dry-run"))?;
            ensure!(plan.contains("ufw allow 22/tcp"), "{plan}");
            ensure!(plan.contains("install ufw, fail2ban"), "{plan}");

            // As behind the address translation of a provider.
            machine.shell(
                "ip address add 10.0.0.5/32 dev lo
                 ip route add 192.0.2.1/32 dev lo src 10.0.0.5",
            )?;
            let command = "/root/portlama server install";
            refused(&machine, command, "sees itself as 10.0.0.5")?;
            machine.shell("cp /root/portlama /tmp/portlama")?;
            let user = "runuser -u nobody -- /tmp/portlama server install";
            refused(&machine, user, "root")?;
            machine.shell("rm /tmp/portlama")?;

            let holder = "import socket, time; s = socket.socket(); s.bind(('', 443)); s.listen(); time.sleep(300)";
            machine.shell(&format!(
                "systemd-run --quiet --unit=holder python3 -B -c \"{holder}\""
            ))?;
            let listens = || machine.shell("ss -Hltn sport = :443 | grep -q 443").ok();
            common::within(vps::ANSWER_LIMIT, listens).context("nobody has the port")?;
            let said = refused(&machine, &with_ip, "port 443 is taken by python3")?;
            ensure!(said.stderr.contains("nothing was changed"), "{said:?}");
            let json = machine.run(["sh", "-c", &format!("{with_ip} --json")])?;
            let last: Value = serde_json::from_str(json.stdout.trim())?;
            ensure!(last["event"] == "error", "{last}");
            machine.shell("systemctl stop holder")?;

            let release = machine.read("/etc/os-release")?;
            let other = release.replace("ID=debian", "ID=other");
            machine.write("/etc/os-release.test", other, 0o644)?;
            machine.shell("mount --bind /etc/os-release.test /etc/os-release")?;
            refused(&machine, &with_ip, "other 12")?;
            machine.shell("umount /etc/os-release && rm /etc/os-release.test")?;
            let after = everything(&machine)?;
            ensure!(before == after, "{}", difference(&before, &after));
            Ok(())
        },
    )
}

#[test]
fn completes_what_was_killed_in_any_step() -> Result<()> {
    Lab::enter("completes_what_was_killed_in_any_step", LIMIT, |lab| {
        let machine = vps::boot(lab, "killed", Packages::Fresh)?;
        let killed = kill_in_each_step(&machine)?;
        lab.say(format_args!("killed in {killed:?}"))?;
        for step in MUST_BE_KILLED {
            ensure!(killed.contains(step), "{step} was not cut short");
        }
        machine.shell("systemctl reset-failed cut.service || true")?;
        installs(lab, &machine)?;
        is_hardened(&machine)?;
        // Whatever the mask of who installed.
        let modes = machine.shell(
            "stat --format=%a /usr/local/bin/portlama /etc/sysctl.d /etc/systemd/system/portlama.service /usr/sbin/ufw",
        )?;
        ensure!(modes == "755\n755\n644\n755\n", "{modes}");
        let stranger = vps::boot(lab, "stranger", Packages::Fresh)?;
        bans_who_guesses(&machine, &stranger)
    })
}

/// Kills installations, each in another step, and goes on with the next. A step that is over too
/// soon is tried again. Returns where they died.
fn kill_in_each_step(machine: &Machine<'_>) -> Result<BTreeSet<String>> {
    let install = format!("/root/portlama server install --ip {}", machine.address());
    let mut killed = BTreeSet::new();
    for step in STEPS {
        // apt asks for lists first; it is the middle of a package that hurts.
        let moment = match step {
            "packages" => ("/var/log/dpkg.log", " unpacked ufw"),
            _ => ("/root/said", step),
        };
        for _ in 0..TRIES {
            let died_in = vps::kill_in(machine, &install, step, moment)?;
            let is_hit = died_in.as_deref() == Some(step);
            killed.extend(died_in);
            if is_hit {
                break;
            }
        }
    }
    Ok(killed)
}

fn bans_who_guesses(machine: &Machine<'_>, stranger: &Machine<'_>) -> Result<()> {
    let options = "-o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";
    let guess = format!("ssh {options} guess@{} true", machine.address());
    let reaches = format!(
        "timeout 2 python3 -c \"import socket; socket.create_connection(('{}', 22), 1)\"",
        machine.address()
    );
    stranger.shell(&reaches)?;
    let banned = || {
        stranger.run(["sh", "-c", &guess]).ok()?;
        let status = machine.shell("fail2ban-client status sshd").ok()?;
        status
            .contains(&stranger.address().to_string())
            .then_some(())
    };
    common::within(vps::PATIENCE, banned).context("nobody is banned")?;
    let kept_out = || (stranger.run(["sh", "-c", &reaches]).ok()?.code != Some(0)).then_some(());
    common::within(vps::ANSWER_LIMIT, kept_out).context("the ban has no effect")?;
    Ok(())
}

/// Waits until the panel tells the admin how far the set-up is; returns how long it took.
fn comes_up(machine: &Machine<'_>) -> Result<Duration> {
    let answers = || comes_up_now(machine);
    let (status, took) =
        common::within(vps::ANSWER_LIMIT, answers).context("the panel does not answer")?;
    ensure!(status == "FRESH", "{status}");
    Ok(took)
}

fn comes_up_now(machine: &Machine<'_>) -> Option<String> {
    let url = vps::api(machine, "onboarding/status");
    let answer = vps::admin(machine).send(&url).ok()?;
    let status = answer.json().ok()?["status"].as_str()?.to_owned();
    (answer.status == 200).then_some(status)
}

/// The guide's command, with this machine's address.
fn command(machine: &Machine<'_>) -> Result<String> {
    let block = vps::guide("./portlama server install")?;
    let address = machine.address().to_string();
    Ok(format!(
        "cd /root && {}",
        block.trim().replace("198.51.100.23", &address)
    ))
}

fn installs(lab: &Lab, machine: &Machine<'_>) -> Result<Said> {
    let begun = Instant::now();
    let said = machine.run(["sh", "-euc", &command(machine)?])?;
    let took = begun.elapsed();
    ensure!(said.code == Some(0), "{}\n{}", said.stdout, said.stderr);
    lab.say(format_args!("{}", said.stderr.trim()))?;
    lab.say(format_args!("installed in {took:.1?}"))?;
    ensure!(
        said.stderr
            .contains("Swap: skipped, this machine is a container")
    );
    comes_up(machine)?;
    Ok(said)
}

fn shows_the_way_in(machine: &Machine<'_>, said: &Said) -> Result<()> {
    let panel = format!("https://{}:9292", machine.address());
    let password = machine.read("/etc/portlama/pki/.p12-password")?;
    for word in [
        panel.as_str(),
        "/etc/portlama/pki/client.p12",
        password.trim(),
    ] {
        ensure!(said.stdout.contains(word), "no {word:?} in {}", said.stdout);
    }
    Ok(())
}

fn serves_with_few_rights(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    let pid = vps::main_pid(machine, UNIT)?;
    let status = machine.read(&format!("/proc/{pid}/status"))?;
    for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let none = format!("{set}:\t0000000000000000");
        ensure!(status.contains(&none), "{set} in {status}");
    }
    let user = machine.shell(&format!("ps -o user= -p {pid}"))?;
    ensure!(user.trim() == "portlama", "{user}");
    let score = vps::exposure(machine, UNIT)?;
    ensure!(score <= MOST_EXPOSED, "exposed {score} of 10");
    lab.say(format_args!("exposed {score} of 10"))?;
    for (path, mode) in [
        ("/etc/portlama", "700 portlama portlama"),
        ("/etc/portlama/panel.json", "600 portlama portlama"),
        ("/etc/portlama/pki/ca.key", "600 portlama portlama"),
        ("/usr/local/bin/portlama", "755 root root"),
        (MANIFEST, "600 root root"),
    ] {
        let found = machine.shell(&format!("stat --format='%a %U %G' {path}"))?;
        ensure!(found.trim() == mode, "{path} is {found}");
    }
    // systemd does what the helper knows, and nothing for the server itself.
    let (answer, _) = vps::order(
        machine,
        "portlama",
        b"{\"do\":\"restart\",\"unit\":\"ssh\"}\n",
    )?
    .context("it may not come near")?;
    ensure!(answer == "{\"outcome\":\"done\"}\n", "{answer}");
    let restart = "runuser -u portlama -- systemctl --no-ask-password restart ssh.service";
    let itself = machine.run(["sh", "-c", restart])?;
    ensure!(itself.code != Some(0), "{itself:?}");
    Ok(())
}

/// Of all processes in units of ours, as the kernel counts them.
fn takes_little_memory(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    let rollups = machine.shell(
        "for process in /proc/[0-9]*; do
             grep -q /portlama $process/cgroup 2>/dev/null || continue
             echo Process: 1
             cat $process/smaps_rollup
         done",
    )?;
    let sum = |name: &str| -> u64 {
        let lines = rollups.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .filter_map(|value| value.split_whitespace().next()?.parse::<u64>().ok())
            .sum()
    };
    let (processes, rss, pss) = (sum("Process:"), sum("Rss:"), sum("Pss:"));
    lab.say(format_args!(
        "{processes} process at rest: PSS {pss} KiB, RSS {rss} KiB"
    ))?;
    ensure!(processes > 0 && pss > 0, "no process: {rollups}");
    ensure!(rss <= MOST_MEMORY_KIB, "{rss} KiB resident");
    Ok(())
}

fn is_hardened(machine: &Machine<'_>) -> Result<()> {
    let firewall = machine.shell("ufw status")?;
    ensure!(firewall.contains("Status: active"), "{firewall}");
    let rules = firewall
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rules: Vec<_> = rules
        .filter(|words| words.len() == 3 && words[0].contains("/tcp"))
        .collect();
    let expected = [
        ("22/tcp", "ALLOW"),
        ("443/tcp", "ALLOW"),
        ("9292/tcp", "ALLOW"),
        ("80/tcp", "REJECT"),
    ];
    ensure!(rules.len() == expected.len(), "{firewall}");
    for (port, verdict) in expected {
        ensure!(
            rules.contains(&vec![port, verdict, "Anywhere"]),
            "{firewall}"
        );
    }
    let settings = machine.shell("sshd -T")?;
    for line in [
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "x11forwarding no",
    ] {
        ensure!(
            settings.lines().any(|known| known == line),
            "{line}: {settings}"
        );
    }
    // Not locked out: the operator's key opens a session.
    machine.shell(&format!("{} localhost true", vps::SSH))?;
    let jail = || machine.shell("fail2ban-client status sshd").ok();
    common::within(vps::ANSWER_LIMIT, jail).context("fail2ban has no jail for SSH")?;
    let failed = machine.shell("systemctl list-units --failed --plain --no-legend")?;
    ensure!(
        !failed.contains("fail2ban") && !failed.contains("portlama"),
        "{failed}"
    );
    Ok(())
}

fn changes_nothing_the_second_time(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    let before = (everything(machine)?, vps::main_pid(machine, UNIT)?);
    let begun = Instant::now();
    let said = machine.shell(&format!("{} --json", command(machine)?))?;
    lab.say(format_args!("a second run took {:.1?}", begun.elapsed()))?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let done = lines.iter().filter(|line| line["status"] == "complete");
    let changed: Vec<_> = done.filter(|line| line["changed"] == true).collect();
    ensure!(changed.is_empty(), "{changed:?}");
    let last = lines.last().context("a line")?;
    ensure!(last["event"] == "complete", "{last}");
    let password = machine.read("/etc/portlama/pki/.p12-password")?;
    ensure!(!said.contains(password.trim()), "the password is shown");
    let after = (everything(machine)?, vps::main_pid(machine, UNIT)?);
    ensure!(before.1 == after.1, "it was restarted");
    ensure!(before.0 == after.0, "{}", difference(&before.0, &after.0));
    Ok(())
}

/// As after a power cut between the lines of a step: its files are there, what reads them is not.
fn completes_what_was_cut_short(machine: &Machine<'_>) -> Result<()> {
    let mut manifest: Value = serde_json::from_str(&machine.read(MANIFEST)?)?;
    manifest["underWay"] = "start".into();
    machine.write(MANIFEST, manifest.to_string(), 0o600)?;
    machine
        .shell("systemctl stop fail2ban; rm /etc/sysctl.d/60-portlama.conf; ufw --force disable")?;
    let said = machine.shell(&format!("{} --json", command(machine)?))?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let changed = lines.iter().filter(|line| line["changed"] == true);
    let changed: Vec<_> = changed.filter_map(|line| line["step"].as_str()).collect();
    ensure!(
        changed == ["kernel", "firewall", "fail2ban", "bans", "start"],
        "{changed:?}"
    );
    let manifest: Value = serde_json::from_str(&machine.read(MANIFEST)?)?;
    ensure!(manifest["underWay"].is_null(), "{manifest}");
    is_hardened(machine)
}

/// As if a version had installed it that called its units `portlama-panel`.
fn takes_over_units_of_the_earlier_name(machine: &Machine<'_>) -> Result<()> {
    machine.shell(
        "cd /etc/systemd/system
         systemctl disable --now portlama.socket portlama.service
         for kind in socket service; do
             sed -e s/portlama.socket/portlama-panel.socket/ -e /^Alias=/d portlama.$kind > portlama-panel.$kind
             rm portlama.$kind
         done
         systemctl daemon-reload
         systemctl enable --now portlama-panel.socket portlama-panel.service",
    )?;
    let manifest = machine.read(MANIFEST)?;
    let mut earlier: Value =
        serde_json::from_str(&manifest.replace("system/portlama.s", "system/portlama-panel.s"))?;
    // It let the server give its orders itself.
    let rule = "/etc/polkit-1/rules.d/50-portlama.rules";
    machine.write(rule, "polkit.addRule(function () {});", 0o644)?;
    earlier["files"]
        .as_array_mut()
        .context("a list")?
        .push(rule.into());
    machine.write(MANIFEST, earlier.to_string(), 0o600)?;
    comes_up(machine)?;

    machine.shell(&command(machine)?)?;
    comes_up(machine)?;
    ensure!(machine.read(MANIFEST)? == manifest);
    ensure!(!machine.path(rule).exists(), "the rule is still there");
    let names = "systemctl show --property=Id --value portlama-panel.service portlama-panel.socket";
    let names = machine.shell(names)?;
    ensure!(
        names == "portlama.service\n\nportlama-panel.socket\n",
        "{names}"
    );
    let left =
        machine.shell("find /etc/systemd/system -name 'portlama-panel.*' -printf '%p %l\\n'")?;
    ensure!(
        left == "/etc/systemd/system/portlama-panel.service /etc/systemd/system/portlama.service\n",
        "{left}"
    );
    Ok(())
}

fn stops_and_starts_as_the_guide_says(machine: &Machine<'_>) -> Result<()> {
    machine.shell("systemctl stop 'portlama.*'")?;
    ensure!(comes_up_now(machine).is_none(), "it is there");
    std::thread::sleep(Duration::from_millis(300));
    let state = machine.run(["systemctl", "is-active", UNIT])?.stdout;
    ensure!(state.trim() == "inactive", "the knock woke it: {state}");
    machine.shell("systemctl start portlama")?;
    comes_up(machine).map(drop)
}

/// Whoever comes while it does not run waits in the kernel and is then served.
fn keeps_the_ports_open_while_it_does_not_run(machine: &Machine<'_>) -> Result<()> {
    let before = vps::main_pid(machine, UNIT)?;
    machine.shell(&format!("systemctl stop {UNIT}"))?;
    let status = comes_up_now(machine).context("refused while it does not run")?;
    ensure!(status == "FRESH", "{status}");
    ensure!(vps::main_pid(machine, UNIT)? != before, "it ran on");
    Ok(())
}

fn refused(machine: &Machine<'_>, command: &str, why: &str) -> Result<Said> {
    let said = machine.run(["sh", "-c", command])?;
    ensure!(said.code == Some(1), "{command}: {said:?}");
    ensure!(said.stderr.contains(why), "{command}: {said:?}");
    Ok(said)
}

/// Every file of the system with its size, times and rights, and every account; not what runs.
fn everything(machine: &Machine<'_>) -> Result<String> {
    machine.shell(
        "find /etc /usr /var/lib /opt /root /home -xdev -type f \
           -not -path '/etc/portlama/*' -not -path '/var/lib/systemd/*' \
           -not -path '/var/lib/fail2ban/*' -not -path '/root/.ssh/*' \
           -not -path '/var/lib/apt/*' -not -name '*.pyc' \
           -printf '%p %s %T@ %m %u\\n' | sort; getent passwd",
    )
}

fn difference(before: &str, after: &str) -> String {
    let new = after
        .lines()
        .filter(|line| !before.lines().any(|old| old == *line));
    new.collect::<Vec<_>>().join("\n")
}
