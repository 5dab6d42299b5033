//! A fresh server comes into service with certificates of a real authority, over the API alone.

mod common;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use portlama_testkit::{Answer, Curl, PanelSocket, Pebble, PebbleOptions, VisitorSocket};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const DOMAIN: &str = "lab.portlama.test";
/// How long a run may take: an authority, three names, a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A server's directory and what is needed to start it.
struct Site {
    folder: tempfile::TempDir,
    pebble: Pebble,
}

/// A running server; killed when dropped.
struct Server {
    child: Child,
    https: u16,
    panel: u16,
    pki: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Site {
    /// A fresh server whose authority looks for answers at `tls_port`; `None` without Pebble.
    fn new(tls_port: u16) -> Result<Option<Self>> {
        let options = PebbleOptions {
            tls_port,
            ..PebbleOptions::default()
        };
        let Some(pebble) = Pebble::start(options)? else {
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let made = Command::new(common::binary())
            .args(["server", "init", "--ip", "127.0.0.1", "--state-dir"])
            .arg(folder.path().join("state"))
            .args(["--acme-directory", &pebble.directory(), "--acme-ca-file"])
            .arg(pebble.ca_file())
            .args(["--resolver", &format!("127.0.0.1:{}", pebble.dns_port())])
            .output()?;
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        ensure!(made.status.success(), "init: {said}");
        Ok(Some(Self { folder, pebble }))
    }

    fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn serve(&self, https_port: u16) -> Result<Server> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))?;
        let mut child = Command::new(common::binary())
            .args(["server", "run", "--json", "--listen", "127.0.0.1"])
            .args(["--https-port", &https_port.to_string(), "--panel-port", "0"])
            .arg("--state-dir")
            .arg(self.state_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line)
            .with_context(|| format!("not ready: {line:?}\n{}", self.log()))?;
        let port = |name: &str| {
            ready[name]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
        };
        Ok(Server {
            child,
            https: port("httpsPort").context("no port")?,
            panel: port("panelPort").context("no port")?,
            pki: self.state_dir().join("pki"),
        })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A file with the root of what the authority issues.
    fn root(&self) -> Result<PathBuf> {
        let file = self.folder.path().join("root.pem");
        std::fs::write(&file, self.pebble.root_pem()?)?;
        Ok(file)
    }
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/api/onboarding/{path}", self.panel)
    }

    fn identity(&self) -> (PathBuf, PathBuf) {
        (self.pki.join("client.crt"), self.pki.join("client.key"))
    }

    fn curl(&self) -> Curl {
        let (certificate, key) = self.identity();
        Curl::new(&self.pki.join("ca.crt")).identity(&certificate, &key)
    }

    fn get(&self, path: &str) -> Result<Answer> {
        self.curl().send(&self.url(path))
    }

    fn post(&self, path: &str) -> Result<Answer> {
        self.curl()
            .options(["--request", "POST"])
            .send(&self.url(path))
    }

    fn status(&self) -> Result<String> {
        let status = self.get("status")?.json()?;
        Ok(status["status"].as_str().unwrap_or_default().to_owned())
    }

    async fn watch(&self) -> Result<VisitorSocket> {
        let (certificate, key) = self.identity();
        let socket = PanelSocket {
            identity: Some((&certificate, &key)),
            ..PanelSocket::default()
        };
        let ca = self.pki.join("ca.crt");
        socket.open_at(&self.url("provision/stream"), &ca).await
    }

    /// What a visitor of a host gets who trusts `root` alone.
    fn visit(&self, root: &Path, host: &str, path: &str) -> Result<Answer> {
        let at = format!("{host}:{}:127.0.0.1", self.https);
        Curl::new(root)
            .options(["--resolve", &at])
            .send(&format!("https://{host}:{}{path}", self.https))
    }
}

/// Reads frames until the run has ended; the last one.
async fn end_of_run(socket: &mut VisitorSocket) -> Result<Value> {
    let read = async {
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message? {
                let frame: Value = serde_json::from_str(&text)?;
                if frame["task"] == "complete" || frame["status"] == "error" {
                    return Ok(frame);
                }
            }
        }
        bail!("the socket ended before the run")
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .context("the run does not end")?
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Chooses the domain and lets the server see that it leads there.
fn come_to_provisioning(server: &Server) -> Result<()> {
    let body = json!({ "domain": DOMAIN, "email": "ops@portlama.test" });
    let chosen = server
        .curl()
        .json("POST", &body)
        .send(&server.url("domain"))?;
    ensure!(chosen.status == 200, "{}", chosen.text());
    let check = server.post("verify-dns")?.json()?;
    ensure!(check["ok"] == true, "{check}");
    Ok(())
}

#[test]
fn a_fresh_server_gets_certificates_from_a_real_authority() -> Result<()> {
    let tls_port = free_port()?;
    let Some(site) = Site::new(tls_port)? else {
        return Ok(());
    };
    let names = ["panel", "auth", "tunnel"].map(|label| format!("{label}.{DOMAIN}"));

    // The authority looks at a port where nobody answers.
    let server = site.serve(0)?;
    assert_eq!(server.status()?, "FRESH");
    come_to_provisioning(&server)?;
    let cause = block_on(async {
        let mut socket = server.watch().await?;
        assert_eq!(server.post("provision")?.status, 202);
        let frame = end_of_run(&mut socket).await?;
        assert_eq!(frame["task"], "issue-certs", "{frame}");
        Ok(frame["error"].as_str().unwrap_or_default().to_owned())
    })?;
    assert!(
        cause.contains("Failed to connect"),
        "the authority's own words: {cause}"
    );
    let status = server.get("status")?.json()?;
    assert_eq!(status["status"], "PROVISIONING");
    assert_eq!(status["error"]["message"], json!(cause));
    let root = site.root()?;
    assert!(
        server.visit(&root, &names[1], "/").is_err(),
        "half a server is none"
    );
    drop(server);

    // It answers there now, after a restart in the middle of the set-up.
    let server = site.serve(tls_port)?;
    assert_eq!(server.status()?, "PROVISIONING");
    let result = block_on(async {
        let mut socket = server.watch().await?;
        assert_eq!(server.post("provision")?.status, 202);
        let frame = end_of_run(&mut socket).await?;
        ensure!(frame["task"] == "complete", "{frame}\n{}", site.log());
        Ok(frame["result"].clone())
    })?;
    assert_eq!(server.status()?, "COMPLETED");
    let signed_in = server.visit(&root, &names[1], "/")?;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let at = format!("{}:{}:127.0.0.1", names[1], server.https);
    let body = json!({ "username": "admin", "password": result["adminPassword"] });
    let first_factor = Curl::new(&root)
        .options(["--resolve", &at])
        .json("POST", &body)
        .send(&format!(
            "https://{}:{}/api/firstfactor",
            names[1], server.https
        ))?;
    assert_eq!(first_factor.status, 200, "{}", first_factor.text());
    assert_eq!(
        server.get("result")?.json()?,
        result,
        "a reload loses nothing"
    );
    assert_eq!(server.post("acknowledge")?.status, 200);
    assert_eq!(server.get("result")?.status, 410);
    assert_eq!(site.pebble.accounts(), 1, "one account over both lives");
    let password = result["adminPassword"].as_str().context("a password")?;
    assert!(!site.log().contains(password), "no secret in the log");
    Ok(())
}

#[test]
fn a_server_killed_anywhere_in_its_set_up_takes_it_up() -> Result<()> {
    let tls_port = free_port()?;
    let Some(site) = Site::new(tls_port)? else {
        return Ok(());
    };
    let server = site.serve(tls_port)?;
    come_to_provisioning(&server)?;
    drop(server);
    for delay in [0, 20, 60, 150, 300, 600, 1200].map(Duration::from_millis) {
        let server = site.serve(tls_port)?;
        match server.status()?.as_str() {
            "DNS_READY" | "PROVISIONING" => assert_eq!(server.post("provision")?.status, 202),
            "COMPLETED" => break,
            other => bail!("{other}"),
        }
        std::thread::sleep(delay);
        // Dropped, it is killed.
    }
    let server = site.serve(tls_port)?;
    if server.status()? != "COMPLETED" {
        block_on(async {
            let mut socket = server.watch().await?;
            assert_eq!(server.post("provision")?.status, 202);
            let frame = end_of_run(&mut socket).await?;
            ensure!(frame["task"] == "complete", "{frame}\n{}", site.log());
            Ok(())
        })?;
    }
    assert_eq!(
        server
            .visit(&site.root()?, &format!("auth.{DOMAIN}"), "/")?
            .status,
        200
    );
    let users = server
        .curl()
        .send(&format!("https://127.0.0.1:{}/api/users", server.panel))?
        .json()?;
    let names: Vec<_> = users["users"]
        .as_array()
        .context("users")?
        .iter()
        .map(|u| &u["username"])
        .collect();
    assert_eq!(names, ["admin"], "one first account, whatever was cut");
    assert_eq!(site.pebble.accounts(), 1, "one account at the authority");
    Ok(())
}
