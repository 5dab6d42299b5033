//! From an app that listens at home to its URL: `portlama agent discover` and `expose`.

mod common;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use portlama_testkit::{Demo, Oracle, Origin};
use serde_json::{Value, json};

/// The demo's agent, which may reach nothing but what it was allowed.
struct Home(Demo);

impl Home {
    fn start() -> Result<Self> {
        let home = Self(Demo::start(&common::binary())?);
        let folder = home.0.ready.state_dir.join("agent/agents");
        let list = folder.join(&home.0.ready.agent_label).join("allowed.json");
        std::fs::write(list, r#"{"version":1}"#)?;
        Ok(home)
    }

    fn agent(&self, words: &[&str]) -> Result<Output> {
        let mut command = Command::new(common::binary());
        command.arg("agent").args(words);
        command
            .arg("--home")
            .arg(self.0.ready.state_dir.join("agent"));
        // Whatever runs on this machine in containers is none of the test's business.
        command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.output().context("the binary starts")
    }

    /// The one service at a port, as programs read it.
    fn discovered(&self, port: u16) -> Result<Value> {
        let output = self.agent(&["discover", "--json", "--port", &port.to_string()])?;
        assert!(output.status.success(), "{}", stderr(&output));
        let document: Value = serde_json::from_slice(&output.stdout)?;
        let services = document["services"].as_array().context("a list")?;
        assert_eq!(services.len(), 1, "{document}");
        Ok(services[0].clone())
    }

    fn allowed_ports(&self) -> Result<Vec<Value>> {
        let output = self.agent(&["allowed", "--json"])?;
        let document: Value = serde_json::from_slice(&output.stdout)?;
        let entries = document["allowed"].as_array().context("a list")?.iter();
        Ok(entries.map(|entry| entry["port"].clone()).collect())
    }

    fn tunnels(&self) -> Result<usize> {
        let answer = self.0.admin().send(&self.0.api("tunnels"))?;
        Ok(answer.json()?["tunnels"]
            .as_array()
            .context("a list")?
            .len())
    }

    fn grant(&self, rights: &[&str]) -> Result<()> {
        let path = format!("certs/agent/{}/capabilities", self.0.ready.agent_label);
        let body = json!({ "capabilities": rights });
        let answer = self
            .0
            .admin()
            .json("PATCH", &body)
            .send(&self.0.api(&path))?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Ok(())
    }

    /// What a signed-in visitor gets.
    fn visit(&self, url: &str) -> Result<String> {
        let answer = self.0.visitor_with_jar("jar").follow().send(url)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Ok(answer.text())
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_app_gets_its_url_by_one_line_and_by_the_same_line_again() -> Result<()> {
    let home = Home::start()?;
    let app = Origin::start()?;
    let oracle = Oracle::before(&home.0, &[])?;
    let port = app.port().to_string();
    let found = home.discovered(app.port())?;
    assert_eq!(found["speaks"], "http", "{found}");
    assert_eq!(found["exposable"], true);
    assert_eq!(found["exposed"], Value::Null);
    assert_eq!(found["process"]["pid"], std::process::id());

    let first = home.agent(&["expose", &port, "--as", "wiki"])?;
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let url = home.0.url("wiki", "");
    assert_eq!(stdout(&first).trim_end(), url, "the URL and nothing else");
    assert_eq!(home.allowed_ports()?, [json!(app.port())]);
    home.0.sign_in("jar")?;
    assert!(
        home.visit(&format!("{url}/headers"))?
            .contains("remote-user")
    );

    let tunnels = home.tunnels()?;
    let second = home.agent(&["expose", &port])?;
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    assert_eq!(stdout(&second), stdout(&first));
    assert_eq!(home.tunnels()?, tunnels, "nothing more was made");
    let found = home.discovered(app.port())?;
    assert_eq!(found["exposed"], json!({"url": url, "status": "serving"}));
    let listed = home.agent(&["discover", "--port", &port])?;
    assert!(stdout(&listed).contains(&url), "{}", stdout(&listed));

    let other_name = home.agent(&["expose", &port, "--as", "notes"])?;
    assert_eq!(other_name.status.code(), Some(1));
    assert!(stderr(&other_name).contains("tunnel remove wiki"));
    oracle.after(&home.0)
}

#[test]
fn without_the_right_the_port_stays_allowed_and_the_admins_part_is_named() -> Result<()> {
    let home = Home::start()?;
    let app = Origin::start()?;
    let words = ["expose", &app.port().to_string(), "--as", "wiki"];
    home.grant(&["tunnels:read"])?;
    let refused = home.agent(&words)?;
    assert_eq!(refused.status.code(), Some(1));
    let message = stderr(&refused);
    assert!(
        message.contains("tunnels:write") && message.contains(&home.0.ready.agent_label),
        "{message}"
    );
    assert_eq!(home.allowed_ports()?, [json!(app.port())]);

    home.grant(&["tunnels:read", "tunnels:write"])?;
    let granted = home.agent(&words)?;
    assert_eq!(granted.status.code(), Some(0), "{}", stderr(&granted));
    home.0.sign_in("jar")?;
    home.visit(&home.0.url("wiki", "/bytes/7"))?;
    Ok(())
}

#[test]
fn what_the_server_refuses_leaves_the_list_as_it_was() -> Result<()> {
    let home = Home::start()?;
    let app = Origin::start()?;
    let refused = home.agent(&["expose", &app.port().to_string(), "--as", "panel"])?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--as"), "{}", stderr(&refused));
    assert!(home.allowed_ports()?.is_empty());
    Ok(())
}

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process called `n8n` that speaks https with a certificate that nobody certified: openssl
/// under another name.
fn https_app_called_n8n(folder: &Path) -> Result<(Running, u16)> {
    let path = std::env::var_os("PATH").context("a search path")?;
    let openssl = std::env::split_paths(&path)
        .map(|place| place.join("openssl"))
        .find(|file| file.is_file())
        .context("openssl is there")?;
    let program = folder.join("n8n");
    std::fs::copy(openssl, &program)?;
    let (key, certificate) = (folder.join("key.pem"), folder.join("cert.pem"));
    let made = Command::new(&program)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-subj", "/CN=localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()?;
    assert!(made.status.success(), "{}", stderr(&made));
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let app = Command::new(&program)
        .args([
            "s_server",
            "-www",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
        ])
        .arg(&key)
        .arg("-cert")
        .arg(&certificate)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn()?;
    Ok((Running(app), port))
}

#[test]
fn a_known_service_is_exposed_by_its_name_wherever_it_listens() -> Result<()> {
    let home = Home::start()?;
    let folder = tempfile::tempdir()?;
    let (_app, port) = https_app_called_n8n(folder.path())?;
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
    common::within(Duration::from_secs(10), listens).context("it listens")?;
    let exposed = home.agent(&["expose", "n8n"])?;
    assert_eq!(exposed.status.code(), Some(0), "{}", stderr(&exposed));
    let url = home.0.url("n8n", "");
    assert_eq!(stdout(&exposed).trim_end(), url);
    let found = home.discovered(port)?;
    assert_eq!(
        (&found["id"], &found["speaks"]),
        (&json!("n8n"), &json!("https"))
    );
    home.0.sign_in("jar")?;
    assert!(home.visit(&format!("{url}/"))?.contains("s_server"));
    Ok(())
}

#[test]
fn what_is_no_app_is_refused_and_what_does_not_answer_is_told_as_it_is() -> Result<()> {
    let home = Home::start()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n");
        }
    });
    let refused = home.agent(&["expose", &port.to_string()])?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("not meant to be exposed"),
        "{}",
        stderr(&refused)
    );
    assert!(home.allowed_ports()?.is_empty());

    let unused = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let made = home.agent(&["expose", &unused.to_string(), "--as", "later"])?;
    assert_eq!(made.status.code(), Some(3), "{}", stderr(&made));
    assert_eq!(stdout(&made).trim_end(), home.0.url("later", ""));
    assert!(
        stderr(&made).contains("does not answer"),
        "{}",
        stderr(&made)
    );
    Ok(())
}
