//! An agent renews its own certificate: by itself, without a failed request, and whatever is
//! killed on the way.

mod common;
#[path = "common/household.rs"]
mod household;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use common::within;
use household::{Agent, Household, PATIENCE};
use portlama_model::AgentLabel;
use portlama_pki::AgentKey;
use portlama_testkit::Origin;
use serde_json::{Value, json};

const UPGRADE: &str = "certs/agent/upgrade-cert";

/// A household with one agent that serves `probe.lab.test`, not running.
fn household() -> Result<(Household, Agent, Origin)> {
    let house = Household::start()?;
    let origin = Origin::start()?;
    let agent = house.enrol("attic", &[])?;
    let tunnel = json!({"subdomain": "probe", "port": origin.port(), "accessMode": "public"});
    let made = house.admin("POST", "tunnels", &tunnel)?;
    assert_eq!(made.status, 201, "{}", made.text());
    Ok((house, agent, origin))
}

fn serves(house: &Household) -> bool {
    let answer = house.visit("probe", "/bytes/1000");
    answer.is_ok_and(|answer| answer.status == 200 && answer.body.len() == 1000)
}

fn until_served(house: &Household, agent: &Agent) {
    let served = within(PATIENCE, || serves(house).then_some(()));
    assert!(served.is_some(), "{}\n{}", agent.log(), house.log());
}

/// Waits until the server has put the certificate that the agent uses in its place.
fn until_settled(house: &Household, agent: &Agent) -> Value {
    let settled = within(PATIENCE, || {
        let entry = house.entry("attic").ok()?;
        let none_under_way =
            entry["successor"].is_null() && !agent.file("client.next.crt").exists();
        let expires = agent.status()?["certificateExpiresAt"].clone();
        (none_under_way && entry["expiresAt"] == expires).then_some(entry)
    });
    let seen = || {
        format!(
            "{:?}\n{:?}\n{}",
            house.entry("attic"),
            agent.status(),
            agent.log()
        )
    };
    settled
        .unwrap_or_else(|| panic!("two certificates: {}", seen()))
        .0
}

#[test]
fn a_certificate_near_its_end_is_renewed_and_the_old_one_dies_an_hour_later() -> Result<()> {
    let (mut house, mut agent, _origin) = household()?;
    house.age(&agent, 700)?;
    let old = agent.keep_identity("old")?;
    let before = house.entry("attic")?;
    agent.run()?;
    agent.until("renewed", |status| {
        status["certificateExpiresAt"].as_str() > before["expiresAt"].as_str()
            && status["certificateWarning"].is_null()
    });
    let entry = until_settled(&house, &agent);
    assert_ne!(entry["serial"], before["serial"]);
    assert_eq!(entry["capabilities"], before["capabilities"]);
    assert_ne!(
        agent.read("client.key"),
        std::fs::read_to_string(&old.1)?,
        "a fresh key"
    );
    until_served(&house, &agent);
    assert_eq!(agent.fate(&house, &old.0, &old.1)?, 200, "within the hour");

    // The hour is over.
    house.edit("pki/agents/registry.json", |registry| {
        registry["agents"][0]["predecessor"]["until"] = json!("2026-01-01T00:00:00.000Z");
    })?;
    let dead = within(PATIENCE, || {
        (agent.fate(&house, &old.0, &old.1).ok()? == 403).then_some(())
    });
    assert!(dead.is_some(), "the old certificate lives");
    let retired = within(PATIENCE, || {
        house.entry("attic").ok()?["predecessor"]
            .is_null()
            .then_some(())
    });
    assert!(retired.is_some());
    assert!(
        house
            .state("pki/revoked.json")?
            .to_string()
            .contains("agent:attic (renewed)")
    );
    agent.until_connected();
    until_served(&house, &agent);
    let listed = house.admin("GET", "certs/agent", &Value::Null)?.json()?;
    assert_eq!(listed["agents"][0]["expiringSoon"], false, "{listed}");
    Ok(())
}

#[test]
fn a_renewal_under_load_fails_no_request_and_cuts_no_download() -> Result<()> {
    let (house, mut agent, _origin) = household()?;
    agent.run()?;
    agent.until_connected();
    until_served(&house, &agent);
    let before = house.entry("attic")?["serial"].clone();

    let (visitor, url) = house.visitor("probe", "/bytes/6000000");
    let slow = house.path("slow");
    let slowly = ["--limit-rate", "1M", "--max-time", "60"];
    let mut download = visitor.options(slowly).start(&url, &slow)?;
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failures: Vec<String> = std::thread::scope(|scope| {
        let visitors: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut failures = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        match house.visit("probe", "/bytes/20000") {
                            Ok(answer) if answer.status == 200 && answer.body.len() == 20_000 => {
                                served.fetch_add(1, Ordering::Relaxed);
                            }
                            Ok(answer) => {
                                failures.push(format!("{}: {}", answer.status, answer.text()))
                            }
                            Err(error) => failures.push(format!("{error:#}")),
                        }
                    }
                    failures
                })
            })
            .collect();
        let renewals = (0..3).map(|_| {
            std::thread::sleep(Duration::from_millis(500));
            agent.ask(&["key", "--renew", "--json"])
        });
        let renewals: Vec<_> = renewals.collect();
        std::thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
        for renewal in renewals {
            let renewal = renewal.expect("it ran");
            assert!(
                renewal.status.success(),
                "{}",
                String::from_utf8_lossy(&renewal.stderr)
            );
        }
        visitors
            .into_iter()
            .flat_map(|v| v.join().expect("no panic"))
            .collect()
    });
    assert_eq!(failures, Vec::<String>::new());
    assert!(served.load(Ordering::Relaxed) > 20);
    assert!(download.wait()?.success(), "the download was cut");
    assert_eq!(std::fs::metadata(&slow)?.len(), 6_000_000);
    let after = until_settled(&house, &agent);
    assert_ne!(after["serial"], before);
    Ok(())
}

/// What a crash may leave at home, beside what it left at the server.
struct Left<'a> {
    house: &'a Household,
    agent: &'a Agent,
}

impl Left<'_> {
    /// A certificate that the server signed for the agent, and its key.
    fn signed(&self) -> Result<(String, String)> {
        let key = AgentKey::generate()?;
        let label: AgentLabel = "somebody-else".parse()?;
        let body = json!({"csr": key.request(&label)?});
        let (certificate, own) = (self.agent.file("client.crt"), self.agent.file("client.key"));
        let ask = self
            .agent
            .curl(self.house, &certificate, &own)
            .json("POST", &body);
        let answer = ask.send(&self.house.server().api(UPGRADE))?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cert = answer.json()?["cert"]
            .as_str()
            .context("a certificate")?
            .to_owned();
        Ok((cert, key.to_pem().expose().to_owned()))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.agent.file(name), text)?)
    }

    fn next(&self) -> Result<(String, String)> {
        let (certificate, key) = self.signed()?;
        self.write("client.next.key", &key)?;
        self.write("client.next.crt", &certificate)?;
        Ok((certificate, key))
    }

    fn use_next(&self) -> Result<()> {
        let (certificate, key) = (
            self.agent.file("client.next.crt"),
            self.agent.file("client.next.key"),
        );
        assert_eq!(self.agent.fate(self.house, &certificate, &key)?, 200);
        Ok(())
    }
}

#[test]
fn whatever_step_a_crash_came_after_the_agent_comes_back_and_one_certificate_remains() -> Result<()>
{
    type Crash = fn(&Left<'_>) -> Result<()>;
    let crashes: [(&str, Crash); 7] = [
        ("the new key was kept and nothing asked", |left| {
            left.write("client.next.key", AgentKey::generate()?.to_pem().expose())
        }),
        ("the server signed and the answer was lost", |left| {
            left.signed().map(drop)
        }),
        ("the new certificate was saved", |left| {
            left.next().map(drop)
        }),
        ("the new certificate was used", |left| {
            left.next()?;
            left.use_next()
        }),
        ("the new key had taken its place", |left| {
            let (_, key) = left.next()?;
            left.use_next()?;
            left.write("client.key", &key)
        }),
        ("key and certificate had taken their places", |left| {
            let (certificate, key) = left.next()?;
            left.use_next()?;
            left.write("client.key", &key)?;
            left.write("client.crt", &certificate)
        }),
        (
            "the server forgot the new certificate, as a restored one does",
            |left| {
                left.next()?;
                // The next one takes its place there.
                left.signed().map(drop)
            },
        ),
    ];
    let (mut house, mut agent, _origin) = household()?;
    for (what, crash) in crashes {
        house.age(&agent, 700)?;
        crash(&Left {
            house: &house,
            agent: &agent,
        })?;
        house.kill();
        house.run()?;
        agent.run()?;
        agent.until(what, |status| {
            status["connection"]["connected"] == true && status["certificateWarning"].is_null()
        });
        until_settled(&house, &agent);
        until_served(&house, &agent);
        assert!(!agent.file("client.next.key").exists(), "{what}");
        let (certificate, key) = (agent.file("client.crt"), agent.file("client.key"));
        assert_eq!(agent.fate(&house, &certificate, &key)?, 200, "{what}");
        agent.kill();
        house.edit("pki/agents/registry.json", |registry| {
            let entry = registry["agents"][0].as_object_mut().expect("an entry");
            entry.remove("predecessor");
        })?;
    }
    Ok(())
}

#[test]
fn killing_either_side_at_any_moment_of_a_renewal_locks_nobody_out() -> Result<()> {
    let (mut house, mut agent, _origin) = household()?;
    agent.run()?;
    agent.until_connected();
    for round in 0..8u64 {
        let mut renewal = agent
            .command(&["key", "--renew"])
            .stderr(std::process::Stdio::null())
            .spawn()?;
        std::thread::sleep(Duration::from_millis(15 * round));
        if round % 2 == 0 {
            agent.kill();
        } else {
            house.kill();
        }
        let _ = renewal.kill();
        renewal.wait()?;
        if round % 2 == 0 {
            agent.run()?;
        } else {
            house.run()?;
        }
        agent.until_connected();
        until_settled(&house, &agent);
        until_served(&house, &agent);
    }
    Ok(())
}

#[test]
fn a_revoked_agent_renews_nothing_and_a_name_in_a_request_means_nothing() -> Result<()> {
    let (house, mut agent, _origin) = household()?;
    // The request names another; the certificate names who asked.
    let (certificate, key) = Left {
        house: &house,
        agent: &agent,
    }
    .signed()?;
    let path = house.path("renamed.crt");
    std::fs::write(&path, certificate)?;
    std::fs::write(house.path("renamed.key"), key)?;
    let subject = openssl(&["x509", "-noout", "-subject", "-in"], &path)?;
    assert!(
        subject.contains("agent:attic") && !subject.contains("else"),
        "{subject}"
    );

    agent.run()?;
    agent.until_connected();
    let before = (agent.read("client.crt"), agent.read("client.key"));
    let revoked = house.admin("DELETE", "certs/agent/attic", &Value::Null)?;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    assert_eq!(agent.fate(&house, &path, &house.path("renamed.key"))?, 403);
    let renewal = agent.ask(&["key", "--renew"])?;
    let said = String::from_utf8_lossy(&renewal.stderr).into_owned();
    assert!(
        !renewal.status.success() && said.contains("certificate"),
        "{said}"
    );
    assert_eq!((agent.read("client.crt"), agent.read("client.key")), before);
    agent.until("the failure", |status| {
        status["certificateFailure"]
            .as_str()
            .is_some_and(|text| text.contains("revoked"))
    });
    Ok(())
}

#[test]
fn an_agent_that_was_away_past_the_end_is_told_the_way_back() -> Result<()> {
    let (mut house, mut agent, _origin) = household()?;
    // The two years passed while the machine was off.
    house.age(&agent, 740)?;
    agent.run()?;
    let status = agent.until("the way back", |status| {
        status["certificateWarning"]
            .as_str()
            .is_some_and(|text| text.contains("portlama agent setup"))
    });
    assert_eq!(status["certificateRenewalAt"], Value::Null);
    agent.kill();
    let revoked = house.admin("DELETE", "certs/agent/attic", &Value::Null)?;
    assert_eq!(revoked.status, 200);
    let again = agent.set_up_by_token(&house, &["--force"])?;
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    agent.run()?;
    agent.until_connected();
    Ok(())
}

fn openssl(arguments: &[&str], file: &Path) -> Result<String> {
    let output = std::process::Command::new("openssl")
        .args(arguments)
        .arg(file)
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
