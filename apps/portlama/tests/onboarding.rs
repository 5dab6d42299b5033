//! A fresh server comes into service with certificates of a real authority, over the API alone.

mod common;

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use portlama_testkit::{
    Answer, DnsServer, PanelSocket, Pebble, PebbleOptions, Server, VisitorSocket,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const DOMAIN: &str = "lab.portlama.test";
/// How long a run may take: an authority, three names, a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A server's directory, and the authority and the DNS that it asks.
struct Site {
    folder: tempfile::TempDir,
    pebble: Pebble,
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
        let site = Self {
            folder: tempfile::tempdir()?,
            pebble,
        };
        let (directory, ca_file) = (site.pebble.directory(), site.pebble.ca_file());
        let resolver = format!("127.0.0.1:{}", site.pebble.dns_port());
        let options = [
            OsStr::new("--acme-directory"),
            OsStr::new(&directory),
            OsStr::new("--acme-ca-file"),
            ca_file.as_os_str(),
            OsStr::new("--resolver"),
            OsStr::new(&resolver),
        ];
        Server::init_with(&common::binary(), &site.state_dir(), options)?;
        Ok(Some(site))
    }

    fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn serve(&self, https_port: u16) -> Result<Server> {
        let log = self.folder.path().join("log");
        Server::start_at(&common::binary(), &self.state_dir(), &log, https_port)
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

fn get(server: &Server, path: &str) -> Result<Answer> {
    server
        .admin()
        .send(&server.api(&format!("onboarding/{path}")))
}

fn post(server: &Server, path: &str) -> Result<Answer> {
    server
        .admin()
        .options(["--request", "POST"])
        .send(&server.api(&format!("onboarding/{path}")))
}

fn status(server: &Server) -> Result<String> {
    let status = get(server, "status")?.json()?;
    Ok(status["status"].as_str().unwrap_or_default().to_owned())
}

async fn watch(server: &Server) -> Result<VisitorSocket> {
    let (certificate, key) = server.admin_identity();
    let socket = PanelSocket {
        identity: Some((&certificate, &key)),
        ..PanelSocket::default()
    };
    let stream = server.api("onboarding/provision/stream");
    socket.open_at(&stream, &server.ca_file()).await
}

/// What a visitor of a host gets who trusts `root` alone.
fn visit(server: &Server, root: &Path, host: &str) -> Result<Answer> {
    let (visitor, url) = server.visitor(root, host, "/");
    visitor.send(&url)
}

/// Whether the first account's password is right, as the portal says.
fn first_factor(server: &Server, root: &Path, password: &Value) -> Result<Answer> {
    let host = format!("auth.{DOMAIN}");
    let (visitor, url) = server.visitor(root, &host, "/api/firstfactor");
    let body = json!({ "username": "admin", "password": password });
    visitor.json("POST", &body).send(&url)
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
        .admin()
        .json("POST", &body)
        .send(&server.api("onboarding/domain"))?;
    ensure!(chosen.status == 200, "{}", chosen.text());
    let check = post(server, "verify-dns")?.json()?;
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
    assert_eq!(status(&server)?, "FRESH");
    come_to_provisioning(&server)?;
    let cause = block_on(async {
        let mut socket = watch(&server).await?;
        assert_eq!(post(&server, "provision")?.status, 202);
        let frame = end_of_run(&mut socket).await?;
        assert_eq!(frame["task"], "issue-certs", "{frame}");
        Ok(frame["error"].as_str().unwrap_or_default().to_owned())
    })?;
    assert!(
        cause.contains("Failed to connect"),
        "the authority's own words: {cause}"
    );
    let stands = get(&server, "status")?.json()?;
    assert_eq!(stands["status"], "PROVISIONING");
    assert_eq!(stands["error"]["message"], json!(cause));
    let root = site.root()?;
    assert!(
        visit(&server, &root, &names[1]).is_err(),
        "half a server is none"
    );
    drop(server);

    // It answers there now, after a restart in the middle of the set-up.
    let server = site.serve(tls_port)?;
    assert_eq!(status(&server)?, "PROVISIONING");
    let result = block_on(async {
        let mut socket = watch(&server).await?;
        assert_eq!(post(&server, "provision")?.status, 202);
        let frame = end_of_run(&mut socket).await?;
        ensure!(frame["task"] == "complete", "{frame}\n{}", site.log());
        Ok(frame["result"].clone())
    })?;
    assert_eq!(status(&server)?, "COMPLETED");
    let signed_in = visit(&server, &root, &names[1])?;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let first_factor = first_factor(&server, &root, &result["adminPassword"])?;
    assert_eq!(first_factor.status, 200, "{}", first_factor.text());
    assert_eq!(
        get(&server, "result")?.json()?,
        result,
        "a reload loses nothing"
    );
    assert_eq!(post(&server, "acknowledge")?.status, 200);
    assert_eq!(get(&server, "result")?.status, 410);
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
        match status(&server)?.as_str() {
            "DNS_READY" | "PROVISIONING" => assert_eq!(post(&server, "provision")?.status, 202),
            "COMPLETED" => break,
            other => bail!("{other}"),
        }
        std::thread::sleep(delay);
        // Dropped, it is killed.
    }
    let server = site.serve(tls_port)?;
    if status(&server)? != "COMPLETED" {
        block_on(async {
            let mut socket = watch(&server).await?;
            assert_eq!(post(&server, "provision")?.status, 202);
            let frame = end_of_run(&mut socket).await?;
            ensure!(frame["task"] == "complete", "{frame}\n{}", site.log());
            Ok(())
        })?;
    }
    let portal = visit(&server, &site.root()?, &format!("auth.{DOMAIN}"))?;
    assert_eq!(portal.status, 200);
    let users = server.admin().send(&server.api("users"))?.json()?;
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

#[test]
fn the_first_password_outlives_a_kill_and_nothing_outlives_its_acknowledgement() -> Result<()> {
    let dns = DnsServer::start()?;
    for name in [DOMAIN, &format!("*.{DOMAIN}")] {
        dns.set(name, &["127.0.0.1"]);
    }
    let folder = tempfile::tempdir()?;
    let (state_dir, log) = (folder.path().join("state"), folder.path().join("log"));
    let resolver = dns.address().to_string();
    let options = ["--certificates", "internal", "--resolver", &resolver];
    Server::init_with(&common::binary(), &state_dir, options)?;
    let serve = || Server::start(&common::binary(), &state_dir, &log);

    // Killed as soon as the commit is on the disk, before anybody can have read the result.
    let server = serve()?;
    come_to_provisioning(&server)?;
    assert_eq!(post(&server, "provision")?.status, 202);
    let panel = state_dir.join("panel.json");
    let completed = || std::fs::read_to_string(&panel).is_ok_and(|p| p.contains("COMPLETED"));
    let done = common::within(PATIENCE, || completed().then_some(()));
    done.context("the run does not end")?;
    server.kill()?;

    let server = serve()?;
    let result = get(&server, "result")?;
    assert_eq!(result.status, 200, "{}", result.text());
    let result = result.json()?;
    assert_eq!(result["authUrl"], auth_url(&server));
    let until = get(&server, "status")?.json()?;
    assert!(until["resultUntil"].is_string(), "{until}");
    let password = result["adminPassword"].as_str().context("a password")?;
    let signed_in = first_factor(&server, &server.ca_file(), &result["adminPassword"])?;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    server.kill()?;

    let server = serve()?;
    let again = get(&server, "result")?.json()?;
    assert_eq!(again["adminPassword"], result["adminPassword"]);
    assert_eq!(again["adminTotpUri"], result["adminTotpUri"]);
    assert!(stands_in_a_file(&state_dir, password)?, "the search finds");
    assert_eq!(post(&server, "acknowledge")?.status, 200);
    for secret in [password, "otpauth://"] {
        assert!(!stands_in_a_file(&state_dir, secret)?, "{secret}");
    }
    assert_eq!(get(&server, "result")?.status, 410);
    server.kill()?;
    let server = serve()?;
    assert_eq!(get(&server, "result")?.status, 410);
    assert!(!stands_in_a_file(folder.path(), password)?);
    Ok(())
}

fn auth_url(server: &Server) -> String {
    format!("https://auth.{DOMAIN}:{}", server.https_port())
}

/// Whether a text stands in any file below a folder, the database's log included.
fn stands_in_a_file(folder: &Path, text: &str) -> Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            stands_in_a_file(&path, text)?
        } else if !path.is_file() {
            // The control socket keeps nothing.
            false
        } else {
            let octets = std::fs::read(&path)?;
            octets.windows(text.len()).any(|w| w == text.as_bytes())
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
