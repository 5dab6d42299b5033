//! An agent from its set-up to its end, where nothing but the agent itself runs.

mod common;

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::Demo;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);

/// Agents beside the demo's, in a home of their own.
struct Life {
    demo: Demo,
}

/// A running agent, ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Life {
    fn begin() -> Result<Self> {
        let demo = Demo::start(&common::binary())?;
        Ok(Self { demo })
    }

    fn home(&self) -> PathBuf {
        self.demo.file("home")
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(common::binary());
        command
            .arg("agent")
            .args(words.split(' '))
            .env("PORTLAMA_HOME", self.home())
            // Whoever runs the test may have a service of an agent of this name.
            .env("HOME", self.demo.file("person"))
            .stdin(Stdio::null());
        command
    }

    fn typed(&self, words: &str) -> Result<Output> {
        Ok(self.command(words).output()?)
    }

    fn json(&self, words: &str) -> Result<Value> {
        let output = self.typed(&format!("{words} --json"))?;
        let words = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).with_context(|| words.into_owned())
    }

    fn set_up(&self, label: &str) -> Result<()> {
        let wish = json!({"label": label, "capabilities": ["tunnels:read", "tunnels:write"]});
        let made = self.demo.admin().json("POST", &wish);
        let made = made.send(&self.demo.api("certs/agent/enroll"))?.json()?;
        let output = self
            .command("setup --no-service --panel-url")
            .arg(&self.demo.ready.panel_url)
            .env(
                "PORTLAMA_ENROLLMENT_TOKEN",
                made["setupToken"].as_str().context("a token")?,
            )
            .output()?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    }

    /// Runs an agent until it is connected.
    fn run(&self, label: &str) -> Result<Running> {
        let child = self
            .command(&format!("run --label {label}"))
            .stderr(Stdio::null())
            .spawn()?;
        let running = Running(child);
        let connected = || {
            let status = self.json(&format!("status --label {label}")).ok()?;
            (status["connection"]["connected"] == true).then_some(())
        };
        common::within(LIMIT, connected).context("it is not connected")?;
        Ok(running)
    }

    fn is_revoked(&self, label: &str) -> Result<bool> {
        let list = self
            .demo
            .admin()
            .send(&self.demo.api("certs/agent"))?
            .json()?;
        let agents = list["agents"].as_array().context("a list")?;
        let agent = agents.iter().find(|agent| agent["label"] == label);
        Ok(agent.context("known")?["revoked"] == true)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_agent_shows_its_log_follows_its_server_and_takes_its_certificate_along() -> Result<()> {
    let life = Life::begin()?;
    life.set_up("attic")?;
    let none = life.typed("logs")?;
    ensure!(
        none.status.code() == Some(1) && said(&none).contains("no log yet"),
        "{}",
        said(&none)
    );

    let running = life.run("attic")?;
    let log = String::from_utf8(life.typed("logs")?.stdout)?;
    ensure!(
        log.contains(" info ") && log.contains(" connected "),
        "{log}"
    );
    let line: Value = serde_json::from_slice(&life.typed("logs -n 1 --json")?.stdout)?;
    ensure!(line["level"] == "info" && line["at"].is_string(), "{line}");

    let before = life.json("status")?;
    ensure!(
        before["programReplaced"] == false && before["service"].is_null(),
        "{before}"
    );
    let wish = json!({"subdomain": "wiki", "port": 8400, "agentLabel": "attic"});
    let made = life
        .demo
        .admin()
        .json("POST", &wish)
        .send(&life.demo.api("tunnels"))?;
    ensure!(made.status == 201, "{}", made.text());
    let updated = life.json("update")?;
    ensure!(
        updated["error"].is_null() && updated["service"] == "none",
        "{updated}"
    );
    ensure!(
        life.json("status")?["pid"] == before["pid"],
        "it was started anew"
    );

    let refused = life.typed("uninstall --yes")?;
    ensure!(refused.status.code() == Some(1), "{}", said(&refused));
    ensure!(
        said(&refused).contains("stop it first"),
        "{}",
        said(&refused)
    );
    ensure!(!life.is_revoked("attic")?);
    drop(running);
    let gone = life.json("uninstall --yes")?;
    let steps: Vec<_> = gone["agents"][0]["steps"]
        .as_array()
        .context("steps")?
        .iter()
        .map(|step| (&step["step"], &step["status"]))
        .collect();
    let (skipped, complete) = (json!("skipped"), json!("complete"));
    ensure!(
        steps
            == [
                (&json!("remove_service"), &skipped),
                (&json!("revoke_certificate"), &complete),
                (&json!("remove_credential"), &complete),
                (&json!("remove_files"), &complete),
            ],
        "{gone}"
    );
    ensure!(life.is_revoked("attic")?);
    ensure!(!life.home().exists(), "something is left");
    Ok(())
}

#[test]
fn an_agent_without_its_server_goes_all_the_same_and_says_what_is_left() -> Result<()> {
    let mut life = Life::begin()?;
    life.set_up("attic")?;
    life.set_up("shed")?;
    let switched = life.typed("switch attic")?;
    ensure!(switched.status.success(), "{}", said(&switched));
    ensure!(life.json("list")?["currentLabel"] == "attic");
    let unknown = life.typed("switch loft")?;
    ensure!(unknown.status.code() == Some(1) && said(&unknown).contains("attic, shed"));
    // The current one is no answer to which should go.
    let which = life.typed("uninstall --yes")?;
    ensure!(which.status.code() == Some(1) && said(&which).contains("attic, shed"));
    let nobody = life.typed("uninstall --label shed")?;
    ensure!(nobody.status.code() == Some(1) && said(&nobody).contains("--yes"));

    life.demo.stop()?;
    let alone = life.typed("uninstall --label attic --yes")?;
    ensure!(alone.status.success(), "{}", said(&alone));
    ensure!(
        said(&alone).contains("revoke attic in the panel"),
        "{}",
        said(&alone)
    );
    ensure!(life.json("list")?["currentLabel"] == "shed");
    let all = life.typed("uninstall --all --keep-cert --yes")?;
    ensure!(all.status.success(), "{}", said(&all));
    ensure!(!life.home().exists(), "something is left");
    let none = life.typed("status")?;
    ensure!(none.status.code() == Some(1) && said(&none).contains("no agent is set up"));
    Ok(())
}
