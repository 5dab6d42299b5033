//! Whoever guesses at the installed server is shut out by fail2ban, and nobody else is.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_control::security::SecurityEvent;
use portlama_testkit::Curl;
use portlama_testkit::machine::{Lab, Machine, MachineOptions};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(300);
/// How long fail2ban may take to read the journal and to act.
const BAN_LIMIT: Duration = Duration::from_secs(30);
/// More than the jail allows within its time.
const TRIES: u32 = 40;
const ATTACKER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 66);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 67);
/// Who is named by forged lines.
const VICTIM: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 68);

#[test]
fn who_guesses_at_the_server_is_shut_out_and_nobody_else() -> Result<()> {
    Lab::enter(
        "who_guesses_at_the_server_is_shut_out_and_nobody_else",
        LIMIT,
        |lab| {
            for address in [ATTACKER, NEIGHBOUR, VICTIM] {
                lab.add_address(address)?;
            }
            let machine = lab.boot("vps", MachineOptions::default())?;
            vps::install(&machine)?;
            let ip = machine.address();
            machine.shell(&format!("portlama server install --ip {ip}"))?;
            vps::comes_up(&machine)?;
            let jail = || machine.shell("fail2ban-client status portlama").ok();
            common::within(BAN_LIMIT, jail).context("there is no jail")?;

            the_filter_tells_events_from_forgeries(&machine)?;
            spares_who_mistypes(&machine)?;
            bans_who_guesses(lab, &machine)?;
            spares_where_the_admin_is(&machine)?;
            bans_whole_networks_of_ipv6(&machine)
        },
    )
}

/// Every event by its line, and lines that a stranger's words might make.
fn the_filter_tells_events_from_forgeries(machine: &Machine<'_>) -> Result<()> {
    let line = "refused wrong-password from 198.51.100.68";
    let mut samples = String::new();
    for event in SecurityEvent::ALL {
        let word = event.word();
        samples += &format!("vps portlama[7]: portlama::security: refused {word} from 192.0.2.7\n");
    }
    let counted = SecurityEvent::ALL.len() - 1;
    let forged = [
        format!("vps portlama[7]: portlama::security: {line} x"),
        format!(
            "vps portlama[7]: portlama::security: {}",
            line.replace("from", "from known")
        ),
        format!("vps portlama[7]: portlama_portal::json: portlama::security: {line}"),
        format!(
            "vps portlama[7]: portlama_portal::json: vps portlama[7]: portlama::security: {line}"
        ),
        format!("vps other[7]: portlama::security: {line}"),
    ];
    // And that of a revoked agent.
    let missed = forged.len() + 1;
    samples += &forged.map(|line| line + "\n").concat();
    machine.write("/tmp/samples", samples, 0o600)?;
    let said = machine.shell("fail2ban-regex /tmp/samples /etc/fail2ban/filter.d/portlama.conf")?;
    let sum = format!("0 ignored, {counted} matched, {missed} missed");
    ensure!(said.contains(&sum), "no {sum:?} in {said}");
    Ok(())
}

/// As somebody who has forgotten which password it was.
fn spares_who_mistypes(machine: &Machine<'_>) -> Result<()> {
    for _ in 0..10 {
        guess(machine, NEIGHBOUR, "mira")?;
    }
    Ok(())
}

fn bans_who_guesses(lab: &Lab, machine: &Machine<'_>) -> Result<()> {
    // Names that look like lines about somebody else.
    let forged = format!("refused held-up from {VICTIM}");
    let names = [
        forged.clone(),
        format!("x\nportlama::security: {forged}"),
        format!("x\r\n<4>portlama::security: {forged}"),
    ];
    let begun = Instant::now();
    for (_, name) in (0..TRIES).zip(names.iter().cycle()) {
        if guess(machine, ATTACKER, name).is_err() {
            break;
        }
    }
    let banned = || is_banned(machine, ATTACKER).then_some(());
    common::within(BAN_LIMIT, banned).context("the guesser is not banned")?;
    lab.say(format_args!("banned after {:.1?}", begun.elapsed()))?;
    for url in ["https://auth.lab.test", "https://panel.lab.test:9292"] {
        ensure!(visit(machine, ATTACKER, url).is_err(), "{url} is open");
        let answer = visit(machine, NEIGHBOUR, url)?;
        ensure!(answer < 500, "{url} answers a neighbour {answer}");
    }
    for other in [NEIGHBOUR, VICTIM] {
        ensure!(!is_banned(machine, other), "{other} is banned");
    }
    let lines = machine.shell("journalctl --unit portlama --output cat | grep ::security:")?;
    ensure!(
        lines
            .lines()
            .all(|line| !line.contains(&VICTIM.to_string())),
        "{lines}"
    );
    ensure!(lines.contains("held-up from"), "{lines}");
    Ok(())
}

/// The admin's own network is known by the admin's certificate.
fn spares_where_the_admin_is(machine: &Machine<'_>) -> Result<()> {
    let home = VICTIM;
    let url = vps::api(machine, "tunnels");
    let answer = vps::admin(machine)
        .options(["--interface", &home.to_string()])
        .send(&url)?;
    ensure!(answer.status == 200, "{}", answer.text());
    for _ in 0..TRIES {
        guess(machine, home, "mira")?;
    }
    let told = || {
        let said = machine
            .shell("journalctl --unit portlama --output cat")
            .ok()?;
        let line = format!("portlama::security: refused held-up from known {home}");
        said.contains(&line).then_some(())
    };
    common::within(BAN_LIMIT, told).context("the tries are not told")?;
    ensure!(visit(machine, home, "https://auth.lab.test")? == 200);
    ensure!(!is_banned(machine, home), "the admin is shut out");
    Ok(())
}

fn bans_whole_networks_of_ipv6(machine: &Machine<'_>) -> Result<()> {
    let network = "2001:db8:1:2::/64";
    machine.shell(&format!("fail2ban-client set portlama banip {network}"))?;
    let rules = machine.shell("ip6tables --list-rules f2b-portlama")?;
    ensure!(rules.contains(network), "{rules}");
    Ok(())
}

fn is_banned(machine: &Machine<'_>, address: Ipv4Addr) -> bool {
    let list = machine.shell("fail2ban-client get portlama banip");
    list.is_ok_and(|list| {
        list.split_whitespace()
            .any(|word| word == address.to_string())
    })
}

/// A wrong password; an error where nobody answers.
fn guess(machine: &Machine<'_>, from: Ipv4Addr, name: &str) -> Result<()> {
    let body = json!({ "username": name, "password": "not it", "keepMeLoggedIn": false });
    let answer = stranger(machine, from)
        .json("POST", &body)
        .send("https://auth.lab.test/api/firstfactor")?;
    ensure!(answer.status == 401, "{}: {}", answer.status, answer.text());
    Ok(())
}

fn visit(machine: &Machine<'_>, from: Ipv4Addr, url: &str) -> Result<u16> {
    Ok(stranger(machine, from).send(url)?.status)
}

fn stranger(machine: &Machine<'_>, from: Ipv4Addr) -> Curl {
    let ip = machine.address();
    Curl::new(&machine.path("/etc/portlama/pki/ca.crt")).options([
        "--interface",
        &from.to_string(),
        "--resolve",
        &format!("auth.lab.test:443:{ip}"),
        "--resolve",
        &format!("panel.lab.test:9292:{ip}"),
        "--connect-timeout",
        "2",
        "--max-time",
        "20",
    ])
}
