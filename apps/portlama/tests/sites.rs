//! A static site from the upload to its visitors, and the end of what somebody may read.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;
#[path = "sites/deploy.rs"]
mod deploy;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portlama_testkit::{Answer, Demo, Oracle, Server};
use serde_json::{Value, json};

/// More than the sockets between a server and a slow client hold.
const LARGE_BYTES: usize = 40 << 20;

/// A demo and one site of it.
struct Lab {
    demo: Demo,
    id: String,
}

impl Lab {
    fn start() -> Result<Self> {
        let demo = Demo::start(&common::binary())?;
        let body = json!({ "name": "handbook", "type": "managed" });
        let made = demo.admin().json("POST", &body).send(&demo.api("sites"))?;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()?["site"]["id"]
            .as_str()
            .context("id")?
            .to_owned();
        Ok(Self { demo, id })
    }

    fn upload(&self, name: &str, content: &[u8]) -> Result<()> {
        let file = self.demo.file(name);
        std::fs::write(&file, content)?;
        let path = format!("sites/{}/files?path=.", self.id);
        let sent = self
            .demo
            .admin()
            .upload(&file)
            .send(&self.demo.api(&path))?;
        assert_eq!(sent.status, 200, "{}", sent.text());
        assert_eq!(sent.json()?["files"], json!([name]));
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        self.demo.url("handbook", path)
    }

    fn ask(&self, method: &str, body: &Value) -> Result<Answer> {
        let url = self.demo.api(&format!("sites/{}", self.id));
        let answer = self.demo.admin().json(method, body).send(&url)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Ok(answer)
    }

    /// Begins a download that would take minutes, and waits until it runs.
    fn download(&self, jar: Option<&str>, to: &Path) -> Result<Child> {
        let visitor = match jar {
            Some(jar) => self.demo.visitor_with_jar(jar),
            None => self.demo.visitor(),
        };
        let slowly = visitor.options(["--limit-rate", "1M"]);
        let running = slowly.start(&self.url("/large.pdf"), to)?;
        common::within(Duration::from_secs(15), || {
            std::fs::metadata(to)
                .ok()
                .filter(|file| file.len() > 10_000)
        })
        .context("no download runs")?;
        Ok(running)
    }

    /// Asserts that a download ends soon, and does not look whole.
    fn is_cut(&self, mut running: Child, file: &Path) -> Result<()> {
        // What its sockets hold already is the client's.
        let ended = common::within(Duration::from_secs(60), || {
            running.try_wait().ok().flatten()
        });
        if ended.is_none() {
            running.kill()?;
            running.wait()?;
        }
        let (status, after) = ended.context("the download outlived the permission")?;
        assert!(!status.success(), "a cut download must not look whole");
        let got = std::fs::metadata(file)?.len();
        assert!(got < LARGE_BYTES as u64);
        eprintln!("the running download was cut after {after:?} and {got} octets");
        std::fs::remove_file(file)?;
        Ok(())
    }
}

#[test]
fn what_is_uploaded_is_what_visitors_get_until_it_is_replaced() -> Result<()> {
    let lab = Lab::start()?;
    let oracle = Oracle::before(&lab.demo, &[])?;
    lab.upload("page.html", b"<p>first</p>")?;
    let visit = |etag: &str| {
        let known = format!("if-none-match: {etag}");
        let visitor = lab.demo.visitor().options(["--header", &known]);
        visitor.send(&lab.url("/page.html"))
    };
    let first = visit("\"none\"")?;
    assert_eq!((first.status, first.text()), (200, "<p>first</p>".into()));
    assert!(first.header("content-type").starts_with("text/html"));
    let etag = first.header("etag").to_owned();
    assert!(etag.len() > 4, "{etag}");
    let again = visit(&etag)?;
    assert_eq!((again.status, again.body.len()), (304, 0));

    lab.upload("page.html", b"<p>other</p>")?;
    let replaced = visit(&etag)?;
    assert_eq!(
        (replaced.status, replaced.text()),
        (200, "<p>other</p>".into())
    );
    assert_ne!(replaced.header("etag"), etag);
    oracle.after(&lab.demo)
}

#[test]
fn who_may_not_read_a_site_any_more_is_cut_off_at_once() -> Result<()> {
    let lab = Lab::start()?;
    let content: Vec<u8> = (0..LARGE_BYTES).map(|n| (n % 251) as u8).collect();
    lab.upload("large.pdf", &content)?;
    let file = lab.demo.file("running");
    let status = |jar: &str| -> Result<u16> {
        let visitor = lab.demo.visitor_with_jar(jar).options(["--head"]);
        Ok(visitor.send(&lab.url("/large.pdf"))?.status)
    };

    // Protected: strangers go.
    let running = lab.download(None, &file)?;
    lab.ask("PATCH", &json!({ "autheliaProtected": true }))?;
    assert_eq!(status("nobody")?, 302);
    lab.is_cut(running, &file)?;

    // Signed in: until the list leaves them out.
    lab.demo.sign_in("jar")?;
    let page = lab.demo.visitor_with_jar("jar").follow();
    assert_eq!(page.send(&lab.url("/"))?.status, 200);
    assert_eq!(status("jar")?, 200);
    let running = lab.download(Some("jar"), &file)?;
    lab.ask("PATCH", &json!({ "allowedUsers": ["somebody-else"] }))?;
    assert_eq!(status("jar")?, 403);
    lab.is_cut(running, &file)?;

    // Deleted: everybody goes.
    lab.ask("PATCH", &json!({ "allowedUsers": [] }))?;
    assert_eq!(status("jar")?, 200);
    let running = lab.download(Some("jar"), &file)?;
    lab.ask("DELETE", &json!({}))?;
    assert!(status("jar").is_err(), "refused in the handshake");
    lab.is_cut(running, &file)
}

/// A server that will be killed, with a site.
struct Mortal {
    folder: tempfile::TempDir,
    server: Server,
    id: String,
}

impl Mortal {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let state = folder.path().join("state");
        Server::init(&common::binary(), &state)?;
        let server = Server::start(&common::binary(), &state, &folder.path().join("log"))?;
        let body = json!({ "name": "handbook", "type": "managed" });
        let made = server.admin().json("POST", &body);
        let made = made.send(&server.api("sites"))?.json()?;
        let id = made["site"]["id"].as_str().context("id")?.to_owned();
        Ok(Self { folder, server, id })
    }

    fn kill_and_restart(self) -> Result<Self> {
        let Self { folder, server, id } = self;
        let (state, log) = (server.state_dir().to_owned(), folder.path().join("log"));
        server.kill()?;
        let server = Server::start(&common::binary(), &state, &log)?;
        Ok(Self { folder, server, id })
    }

    fn url(&self) -> String {
        self.server.api(&format!("sites/{}/files?path=.", self.id))
    }

    fn names(&self) -> Result<Vec<String>> {
        let listed = self.server.admin().send(&self.url())?.json()?;
        let files = listed["files"].as_array().context("a list")?.iter();
        Ok(files
            .filter_map(|file| file["name"].as_str().map(str::to_owned))
            .collect())
    }

    fn staging(&self) -> PathBuf {
        self.server.state_dir().join("sites/.staging")
    }
}

#[test]
fn an_acknowledged_upload_is_whole_when_the_server_is_killed_with_the_answer() -> Result<()> {
    let mut lab = Mortal::start()?;
    for round in 0..5_u8 {
        // The same name each time: the new content is there, not the one before.
        let content = vec![b'a' + round; (3 << 20) + usize::from(round)];
        let file = lab.folder.path().join("kept.txt");
        std::fs::write(&file, &content)?;
        let sent = lab.server.admin().upload(&file).send(&lab.url())?;
        assert_eq!(sent.status, 200, "{}", sent.text());
        lab = lab.kill_and_restart()?;
        let folder = lab.server.state_dir().join("sites").join(&lab.id);
        assert_eq!(lab.names()?, ["index.html", "kept.txt"]);
        let kept = std::fs::read(folder.join("kept.txt"))?;
        assert!(kept == content, "round {round}: {} octets", kept.len());
    }
    Ok(())
}

#[test]
fn an_upload_cut_by_its_sender_or_by_a_crash_leaves_nothing() -> Result<()> {
    let lab = Mortal::start()?;
    let file = lab.folder.path().join("cut.txt");
    std::fs::write(&file, vec![b'x'; 20 << 20])?;
    let begin = |lab: &Mortal| -> Result<Child> {
        let sending = lab.server.admin().upload(&file);
        let slowly = sending.options(["--limit-rate", "2M"]);
        let running = slowly.start(&lab.url(), &lab.folder.path().join("answer"))?;
        common::within(Duration::from_secs(15), || staged_octets(&lab.staging()))
            .context("nothing arrives")?;
        Ok(running)
    };
    let mut running = begin(&lab)?;
    running.kill()?;
    running.wait()?;
    common::within(Duration::from_secs(10), || {
        is_empty(&lab.staging()).then_some(())
    })
    .context("the sender left, and a part of the file stays")?;
    assert_eq!(lab.names()?, ["index.html"]);

    let mut running = begin(&lab)?;
    let lab = lab.kill_and_restart()?;
    assert!(!running.wait()?.success());
    assert!(is_empty(&lab.staging()));
    assert_eq!(lab.names()?, ["index.html"]);
    Ok(())
}

/// Octets of a file under way, if there are some.
fn staged_octets(staging: &Path) -> Option<u64> {
    let entries = std::fs::read_dir(staging).ok()?.flatten();
    let sizes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    Some(sizes.sum()).filter(|sum| *sum > 0)
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}
