//! The agent that is set up once and forgotten: one command by an ordinary user makes it a service,
//! which is back by itself after a crash and a restart, and leaves nothing when it is taken away.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages, Said};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(400);
/// How long the tunnel may take to be back once the cause of its end is gone.
const BACK_LIMIT: Duration = Duration::from_secs(15);
/// How long a log is followed at most.
const FOLLOW_LIMIT: Duration = Duration::from_secs(60);
/// The most memory an idle agent may hold, KiB, as users run it.
const IDLE_KIB: u64 = 20 * 1024;
/// A debug build carries its symbols' pages and slower code along.
const IDLE_DEBUG_KIB: u64 = 2 * IDLE_KIB;
/// How exposed `systemd-analyze security` may find the machine's unit, of 10.
const MOST_EXPOSED: f64 = 2.0;
const UNIT: &str = "portlama-agent-attic.service";
const CHAPTER: &str = include_str!("../../../docs/guide/13-home.md");

#[test]
fn an_agent_of_one_command_is_there_for_good() -> Result<()> {
    Lab::enter("an_agent_of_one_command_is_there_for_good", LIMIT, |lab| {
        let vps = server(lab)?;
        let mut home = home(lab)?;
        sets_up_by_one_command(lab, &vps, &home)?;
        tells_how_it_is(&home)?;
        holds_little_memory(lab, &home)?;
        comes_back_from_a_crash(lab, &vps, &home)?;
        follows_a_new_program(&home)?;
        lives_beside_another_with_an_odd_home(&vps, &home)?;
        keeps_its_unit_from_another_home(&vps, &home)?;
        comes_back_with_the_machine(lab, &vps, &mut home)?;
        shows_its_log(&home)?;
        leaves_nothing(&vps, &home)
    })
}

#[test]
fn an_agent_as_a_service_of_the_machine_is_its_persons() -> Result<()> {
    Lab::enter(
        "an_agent_as_a_service_of_the_machine_is_its_persons",
        LIMIT,
        |lab| {
            let vps = server(lab)?;
            let mut home = home(lab)?;
            without_a_session_the_way_out_is_told(&vps, &home)?;
            a_service_that_cannot_be_told_anything_stays(&vps, &home)?;
            let words = format!(
                "export SUDO_USER=mira; printf %s {} | portlama agent setup --system --json --panel-url https://{}:9292",
                token(&vps, "attic")?,
                vps.address()
            );
            let events = lines(&home.shell(&words)?)?;
            ends_with_a_service(&events, UNIT)?;
            is_connected(&vps, "attic", BACK_LIMIT)?;
            let pid = vps::main_pid(&home, UNIT)?;
            let owner = home.shell(&format!("ps -o user= -p {pid}"))?;
            ensure!(owner.trim() == "mira", "it runs as {owner}");
            let strangers = home.shell("find /home/mira/.portlama -not -user mira")?;
            ensure!(strangers.is_empty(), "not mira's: {strangers}");
            let score = vps::exposure(&home, UNIT)?;
            lab.say(format_args!("the machine's unit: exposed {score} of 10"))?;
            ensure!(score <= MOST_EXPOSED, "exposed {score} of 10");

            let status: Value =
                serde_json::from_str(&mira(&home, "portlama agent status --json")?)?;
            ensure!(status["service"]["manager"] == "systemd", "{status}");
            ensure!(mira(&home, "portlama agent logs")?.contains(" connected"));
            let refused = mira_says(&home, "portlama agent uninstall --yes")?;
            ensure!(
                refused.code == Some(1) && refused.stderr.contains("sudo portlama agent uninstall"),
                "{refused:?}"
            );
            has_one_service(&vps, &home)?;
            home.reboot()?;
            let took = is_connected(&vps, "attic", BACK_LIMIT)?;
            lab.say(format_args!(
                "{took:.1?} after the machine is up, the tunnel is back"
            ))?;
            home.shell("SUDO_USER=mira portlama agent uninstall --system --yes")?;
            ensure!(is_revoked(&vps, "attic")?);
            let left = home.shell(&format!(
                "ls -d /home/mira/.portlama /etc/systemd/system/{UNIT} 2>/dev/null || true"
            ))?;
            ensure!(left.is_empty(), "left: {left}");
            Ok(())
        },
    )
}

/// A complete server, its own authority.
fn server(lab: &Lab) -> Result<Machine<'_>> {
    let vps = lab.boot("vps", MachineOptions::default())?;
    vps::install(&vps)?;
    vps.shell("systemd-run --quiet --unit=server portlama server run")?;
    vps::comes_up(&vps)?;
    Ok(vps)
}

/// A machine with an app and an ordinary user, who signs in by SSH.
fn home(lab: &Lab) -> Result<Machine<'_>> {
    let equipped = MachineOptions {
        // Sessions of users are a package of their own, which polkit brings.
        packages: Packages::Equipped,
        ..MachineOptions::default()
    };
    let home = lab.boot_at_home("home", equipped)?;
    home.copy_in(&common::binary(), "/usr/local/bin/portlama", 0o755)?;
    home.shell(
        "useradd --create-home --shell /bin/bash mira
         ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
         install -d -m 700 -o mira -g mira /home/mira/.ssh
         install -m 600 -o mira -g mira /root/.ssh/id_ed25519.pub /home/mira/.ssh/authorized_keys
         systemd-run --quiet --unit=app python3 -m http.server --bind 127.0.0.1 8400",
    )?;
    Ok(home)
}

/// What mira types, in a session of her own.
fn mira_says(home: &Machine<'_>, words: &str) -> Result<Said> {
    home.run(ssh(words))
}

fn ssh(words: &str) -> [&str; 7] {
    [
        "ssh",
        "-oBatchMode=yes",
        "-oLogLevel=ERROR",
        "-oStrictHostKeyChecking=no",
        "-oUserKnownHostsFile=/dev/null",
        "mira@localhost",
        words,
    ]
}

fn mira(home: &Machine<'_>, words: &str) -> Result<String> {
    let said = mira_says(home, words)?;
    ensure!(said.code == Some(0), "{words}: {said:?}");
    Ok(said.stdout)
}

fn token(vps: &Machine<'_>, label: &str) -> Result<String> {
    let wish = json!({"label": label, "capabilities": ["tunnels:read", "tunnels:write"]});
    let made = vps::admin(vps)
        .json("POST", &wish)
        .send(&vps::api(vps, "certs/agent/enroll"))?;
    ensure!(made.status == 200, "{}", made.text());
    Ok(made.json()?["setupToken"]
        .as_str()
        .context("a token")?
        .to_owned())
}

fn lines(text: &str) -> Result<Vec<Value>> {
    Ok(text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}

/// The guide's command, with this server's address.
fn setup_command(vps: &Machine<'_>) -> Result<String> {
    let command = "portlama agent setup --panel-url https://panel.example.com";
    ensure!(
        CHAPTER.contains(&format!("\n{command}\n")),
        "another command in the guide"
    );
    Ok(command.replace("panel.example.com", &format!("{}:9292", vps.address())))
}

fn sets_up_by_one_command(lab: &Lab, vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    let begun = Instant::now();
    let typed = format!(
        "printf %s {} | {} --json",
        token(vps, "attic")?,
        setup_command(vps)?
    );
    let events = lines(&mira(home, &typed)?)?;
    lab.say(format_args!("set up in {:.1?}", begun.elapsed()))?;
    ends_with_a_service(&events, UNIT)?;
    // So that it starts with the machine.
    home.shell("test -e /var/lib/systemd/linger/mira")?;
    is_connected(vps, "attic", BACK_LIMIT)?;
    // Again changes nothing.
    let before = pid(home, "attic")?;
    mira(home, "portlama agent update")?;
    ensure!(
        pid(home, "attic")? == before,
        "it was started anew for nothing"
    );
    Ok(())
}

fn ends_with_a_service(events: &[Value], unit: &str) -> Result<()> {
    for step in ["write_service", "load_service", "verify_running"] {
        let done = json!({"event": "step", "step": step, "status": "complete"});
        ensure!(events.contains(&done), "{step}: {events:?}");
    }
    let complete = events.iter().filter(|event| event["event"] == "complete");
    ensure!(complete.count() == 1, "{events:?}");
    let last = events.last().context("a last line")?;
    ensure!(last["service"]["unit"] == unit, "{last}");
    Ok(())
}

fn status(home: &Machine<'_>, label: &str) -> Result<Value> {
    let said = mira_says(
        home,
        &format!("portlama agent status --json --label {label}"),
    )?;
    serde_json::from_str(&said.stdout).with_context(|| format!("{said:?}"))
}

fn pid(home: &Machine<'_>, label: &str) -> Result<u64> {
    let status = status(home, label)?;
    status["pid"]
        .as_u64()
        .with_context(|| format!("no process in {status}"))
}

fn tells_how_it_is(home: &Machine<'_>) -> Result<()> {
    mira(home, "portlama agent expose 8400 --as app")?;
    // The round trip is known when the first ping has come back.
    let measured = || {
        let now = status(home, "attic").ok()?;
        now["connection"]["rttMs"].is_number().then_some(now)
    };
    let (now, _) = common::within(2 * BACK_LIMIT, measured).context("no round trip")?;
    ensure!(now["connection"]["connected"] == true, "{now}");
    let service = &now["service"];
    ensure!(
        service["unit"] == UNIT && service["enabled"] == true,
        "{now}"
    );
    ensure!(
        service["running"] == true && service["pid"] == now["pid"],
        "{now}"
    );
    ensure!(now["tunnels"][0]["state"] == "ready", "{now}");
    home.shell("systemctl stop app")?;
    // Looked at now, not remembered.
    let now = status(home, "attic")?;
    ensure!(now["tunnels"][0]["state"] == "origin_refused", "{now}");

    mira(home, "systemctl --user stop portlama-agent-attic")?;
    let stopped = mira_says(home, "portlama agent status --json")?;
    ensure!(stopped.code == Some(3), "{stopped:?}");
    let stopped: Value = serde_json::from_str(&stopped.stdout)?;
    ensure!(stopped["service"]["running"] == false, "{stopped}");
    ensure!(stopped["certificateExpiresAt"].is_string(), "{stopped}");
    let said = mira(home, "portlama agent update --json")?;
    let said: Value = serde_json::from_str(&said)?;
    ensure!(said["service"] == "started", "{said}");
    mira(home, "portlama agent service restart")?;
    Ok(())
}

fn holds_little_memory(lab: &Lab, home: &Machine<'_>) -> Result<()> {
    let connected = || {
        status(home, "attic").ok()?["connection"]["connected"]
            .as_bool()?
            .then_some(())
    };
    common::within(BACK_LIMIT, connected).context("it is not connected")?;
    let rollup = home.shell(&format!("cat /proc/{}/smaps_rollup", pid(home, "attic")?))?;
    let kib = |name: &str| -> Result<u64> {
        let line = rollup.lines().find(|line| line.starts_with(name));
        let words = line.with_context(|| format!("no {name} in {rollup}"))?;
        Ok(words
            .split_whitespace()
            .nth(1)
            .context("a number")?
            .parse()?)
    };
    let (pss, rss) = (kib("Pss:")?, kib("Rss:")?);
    let build = if common::is_release() {
        "release"
    } else {
        "debug"
    };
    lab.say(format_args!(
        "idle ({build} build): PSS {pss} KiB, RSS {rss} KiB"
    ))?;
    let most = if common::is_release() {
        IDLE_KIB
    } else {
        IDLE_DEBUG_KIB
    };
    ensure!(pss <= most, "{pss} KiB");
    Ok(())
}

fn comes_back_from_a_crash(lab: &Lab, vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    let before = pid(home, "attic")?;
    home.shell(&format!("kill -9 {before}"))?;
    let another = || pid(home, "attic").ok().filter(|now| *now != before);
    let (_, took) = common::within(BACK_LIMIT, another).context("it is not back")?;
    is_connected(vps, "attic", BACK_LIMIT)?;
    lab.say(format_args!("back {took:.1?} after kill -9"))
}

fn follows_a_new_program(home: &Machine<'_>) -> Result<()> {
    let before = pid(home, "attic")?;
    home.copy_in(&common::binary(), "/usr/local/bin/portlama", 0o755)?;
    let warned = mira(home, "portlama agent status")?;
    ensure!(warned.contains("portlama agent update"), "{warned}");
    let said: Value = serde_json::from_str(&mira(home, "portlama agent update --json")?)?;
    ensure!(said["service"] == "newProgram", "{said}");
    let another = || pid(home, "attic").ok().filter(|now| *now != before);
    common::within(BACK_LIMIT, another).context("it was not started anew")?;
    Ok(())
}

/// What means something to systemd, to shells and to people's eyes.
const ODD_HOME: &str = "/home/mira/a b 100% %h $HOME ${USER} \"q\" \\x41 é";

fn lives_beside_another_with_an_odd_home(vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    let typed = format!(
        "printf %s {} | PORTLAMA_HOME='{ODD_HOME}' {} --json",
        token(vps, "shed")?,
        setup_command(vps)?
    );
    let events = lines(&mira(home, &typed)?)?;
    ends_with_a_service(&events, "portlama-agent-shed.service")?;
    is_connected(vps, "shed", BACK_LIMIT)?;
    is_connected(vps, "attic", BACK_LIMIT)?;
    mira(
        home,
        &format!("PORTLAMA_HOME='{ODD_HOME}' portlama agent uninstall --yes"),
    )?;
    ensure!(is_revoked(vps, "shed")?);
    home.shell(&format!("! test -e '{ODD_HOME}'"))?;

    // And one in the same home.
    let typed = format!(
        "printf %s {} | {}",
        token(vps, "loft")?,
        setup_command(vps)?
    );
    mira(home, &typed)?;
    mira(home, "portlama agent switch attic")?;
    let list: Value = serde_json::from_str(&mira(home, "portlama agent list --json")?)?;
    ensure!(list["currentLabel"] == "attic", "{list}");
    for agent in list["agents"].as_array().context("a list")? {
        ensure!(agent["status"] == "connected", "{list}");
        ensure!(agent["service"]["running"] == true, "{list}");
    }
    let which = mira_says(home, "portlama agent uninstall --yes")?;
    ensure!(
        which.code == Some(1) && which.stderr.contains("attic, loft"),
        "{which:?}"
    );
    let nobody = mira_says(home, "portlama agent uninstall --label loft")?;
    ensure!(
        nobody.code == Some(1) && nobody.stderr.contains("--yes"),
        "{nobody:?}"
    );
    mira(
        home,
        "portlama agent uninstall --label loft --keep-cert --yes",
    )?;
    ensure!(!is_revoked(vps, "loft")?);
    is_connected(vps, "attic", BACK_LIMIT).map(drop)
}

/// Two agents of one name, each in a home of its own: the unit of that name is the first's.
fn keeps_its_unit_from_another_home(vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    let other = "--home /home/mira/other --label attic";
    let typed = format!(
        "printf %s {} | {} {other}",
        token(vps, "twin")?,
        setup_command(vps)?
    );
    let refused = mira_says(home, &typed)?;
    ensure!(
        refused.code == Some(1) && refused.stderr.contains("another home"),
        "{refused:?}"
    );
    let gone = mira(
        home,
        &format!("portlama agent uninstall --yes --json {other}"),
    )?;
    let gone: Value = serde_json::from_str(&gone)?;
    ensure!(
        gone["agents"][0]["steps"][0]["status"] == "skipped",
        "{gone}"
    );
    ensure!(is_revoked(vps, "twin")? && !is_revoked(vps, "attic")?);
    mira(home, &format!("systemctl --user is-active {UNIT}"))?;
    is_connected(vps, "attic", BACK_LIMIT).map(drop)
}

fn comes_back_with_the_machine(lab: &Lab, vps: &Machine<'_>, home: &mut Machine<'_>) -> Result<()> {
    home.reboot()?;
    // Nobody signs in.
    let took = is_connected(vps, "attic", BACK_LIMIT)?;
    lab.say(format_args!(
        "{took:.1?} after the machine is up, the tunnel is back"
    ))
}

fn shows_its_log(home: &Machine<'_>) -> Result<()> {
    let shown = mira(home, "portlama agent logs -n 400")?;
    ensure!(shown.contains(" connected transport="), "{shown}");
    let entries = lines(&mira(home, "portlama agent logs --json -n 20")?)?;
    ensure!(!entries.is_empty() && entries.len() <= 20, "{entries:?}");
    ensure!(
        entries
            .iter()
            .all(|line| line["at"].is_string() && line["message"].is_string()),
        "{entries:?}"
    );
    follows_its_log(home)
}

/// A line from before, and one that is written while somebody reads.
fn follows_its_log(home: &Machine<'_>) -> Result<()> {
    let words = "timeout 60 portlama agent logs -f -n 400";
    let mut follower = home
        .command(ssh(words), FOLLOW_LIMIT)?
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(follower.stdout.take().context("a pipe")?).lines();
    // The follower's end at its limit is the end of the lines.
    let mut next = |what: &str| -> Result<String> {
        loop {
            let line = lines
                .next()
                .with_context(|| format!("not followed: {what}"))??;
            if line.contains(what) {
                return Ok(line);
            }
        }
    };
    next(" connected transport=")?;
    let before = pid(home, "attic")?;
    mira(home, "portlama agent service restart")?;
    ensure!(pid(home, "attic")? != before);
    next(" stopping")?;
    next(" connected transport=")?;
    let follower_id = rustix::process::Pid::from_child(&follower);
    rustix::process::kill_process(follower_id, rustix::process::Signal::TERM)?;
    follower.wait()?;
    Ok(())
}

fn leaves_nothing(vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    home.shell("install -o mira -g mira -m 600 /dev/null /home/mira/.portlama/servers.json")?;
    let said: Value = serde_json::from_str(&mira(home, "portlama agent uninstall --yes --json")?)?;
    for step in said["agents"][0]["steps"].as_array().context("steps")? {
        ensure!(step["status"] == "complete", "{said}");
    }
    ensure!(is_revoked(vps, "attic")?);
    let left = home.shell(
        "find /home/mira -newer /root/.ssh/id_ed25519 -not -type d -path '*ortlama*'
         pgrep -u mira -f 'agent run' || true",
    )?;
    ensure!(
        left.trim() == "/home/mira/.portlama/servers.json",
        "left: {left}"
    );
    let units = mira(
        home,
        "systemctl --user list-units --all --no-legend 'portlama*'",
    )?;
    ensure!(units.trim().is_empty(), "{units}");
    Ok(())
}

/// As from a job of cron, where no systemd of the user's own runs.
fn without_a_session_the_way_out_is_told(vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    home.shell("useradd --create-home guest")?;
    let typed = format!(
        "printf %s {} | runuser -u guest -- env HOME=/home/guest {} --json",
        token(vps, "guest")?,
        setup_command(vps)?
    );
    let events = lines(&home.shell(&typed)?)?;
    let last = events.last().context("a last line")?;
    ensure!(
        last["event"] == "complete" && last["service"].is_null(),
        "{last}"
    );
    ensure!(
        last["hints"].to_string().contains("portlama agent run"),
        "{last}"
    );
    Ok(())
}

const GUEST: &str = "runuser -u guest -- env HOME=/home/guest portlama agent";

/// A service that was made in a session, and a session that has ended.
fn a_service_that_cannot_be_told_anything_stays(
    vps: &Machine<'_>,
    home: &Machine<'_>,
) -> Result<()> {
    home.shell("loginctl enable-linger guest")?;
    let install = format!("{GUEST} service install");
    let installed = || home.shell(&install).ok();
    common::within(BACK_LIMIT, installed).context("guest's systemd does not come up")?;
    is_connected(vps, "guest", BACK_LIMIT)?;
    home.shell("loginctl disable-linger guest; loginctl terminate-user guest || true")?;
    let gone = || {
        home.shell("! test -e /run/user/$(id -u guest)/systemd/private")
            .ok()
    };
    common::within(2 * BACK_LIMIT, gone).context("guest's systemd stays")?;

    let guest = |words: &str| home.run(["sh", "-c", &format!("{GUEST} {words}")]);
    let status = guest("status --json")?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    let words = status["service"]["words"].as_str().unwrap_or_default();
    ensure!(words.contains("no systemd of its own"), "{status}");
    let refused = guest("uninstall --yes")?;
    ensure!(
        refused.code == Some(1) && refused.stderr.contains("no systemd of its own"),
        "{refused:?}"
    );
    home.shell(
        "cd /home/guest && test -f .portlama/agents/guest/client.key
         test -f .config/systemd/user/portlama-agent-guest.service",
    )?;
    ensure!(!is_revoked(vps, "guest")?);
    Ok(())
}

/// What a person types about an agent whose service is the machine's.
fn has_one_service(vps: &Machine<'_>, home: &Machine<'_>) -> Result<()> {
    for words in ["service install", "service restart", "service remove"] {
        let refused = mira_says(home, &format!("portlama agent {words}"))?;
        let way_out = format!("sudo portlama agent {words} --system --label attic");
        ensure!(
            refused.code == Some(1) && refused.stderr.contains(&way_out),
            "{refused:?}"
        );
    }
    let typed = format!(
        "printf %s {} | {} --label attic --force",
        token(vps, "spare")?,
        setup_command(vps)?
    );
    let refused = mira_says(home, &typed)?;
    ensure!(
        refused.code == Some(1)
            && refused.stderr.contains("sudo portlama agent setup")
            && !refused.stderr.contains("Enrolling"),
        "{refused:?}"
    );
    home.shell(&format!("systemctl stop {UNIT}"))?;
    let stopped = mira_says(home, "portlama agent status")?;
    let way_out = "sudo portlama agent service restart --system --label attic";
    ensure!(stopped.stdout.contains(way_out), "{stopped:?}");
    home.shell(&way_out.replace("sudo", "SUDO_USER=mira"))?;
    is_connected(vps, "attic", BACK_LIMIT)?;
    // And the other way round.
    let own = format!("/home/mira/.config/systemd/user/{UNIT}");
    home.shell(&format!(
        "install -D -o mira -g mira /etc/systemd/system/{UNIT} {own}"
    ))?;
    let refused = home.run([
        "sh",
        "-c",
        "SUDO_USER=mira portlama agent service install --system",
    ])?;
    ensure!(
        refused.code == Some(1) && refused.stderr.contains("`portlama agent service remove"),
        "{refused:?}"
    );
    home.shell(&format!("rm {own}"))?;
    Ok(())
}

fn agents(vps: &Machine<'_>, label: &str) -> Result<Vec<Value>> {
    let answer = vps::admin(vps).send(&vps::api(vps, "certs/agent"))?;
    let list = answer.json()?;
    let all = list["agents"].as_array().context("a list")?.iter();
    Ok(all
        .filter(|agent| agent["label"] == label)
        .cloned()
        .collect())
}

/// Waits until the server says so; returns how long it took.
fn is_connected(vps: &Machine<'_>, label: &str, limit: Duration) -> Result<Duration> {
    let connected = || {
        let agents = agents(vps, label).ok()?;
        agents
            .iter()
            .any(|agent| agent["connected"] == true)
            .then_some(())
    };
    let (_, took) =
        common::within(limit, connected).with_context(|| format!("{label} is not connected"))?;
    Ok(took)
}

fn is_revoked(vps: &Machine<'_>, label: &str) -> Result<bool> {
    Ok(agents(vps, label)?
        .iter()
        .all(|agent| agent["revoked"] == true))
}
