//! `portlama agent site deploy`: from a folder to its visitors, and what goes over the wire.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use portlama_testkit::{Demo, Oracle};
use serde_json::{Value, json};

use super::{Lab, common};

/// With the page that the server made.
const FILES: usize = 1000;
const FOLDERS: usize = 20;
/// How many deploys may be over before they are killed.
const VERSIONS: u32 = 5;

/// An agent that may change one site, and the folder that it deploys.
struct Desk {
    lab: Lab,
    folder: tempfile::TempDir,
}

impl Desk {
    /// 1,000 files in 20 folders.
    fn start() -> Result<Self> {
        let (lab, folder) = (Lab::start()?, tempfile::tempdir()?);
        let desk = Self { lab, folder };
        desk.write_all(1)?;
        Ok(desk)
    }

    fn write_all(&self, version: u32) -> Result<()> {
        self.write("index.html", &format!("<p>version {version}</p>"))?;
        for n in 1..FILES {
            self.write(&name(n), &format!("file {n}, version {version}"))?;
        }
        Ok(())
    }

    fn demo(&self) -> &Demo {
        &self.lab.demo
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("public")
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().context("a parent")?)?;
        Ok(std::fs::write(path, content)?)
    }

    fn grant(&self, rights: &[&str], sites: &[&str]) -> Result<()> {
        let agent = format!("certs/agent/{}", self.demo().ready.agent_label);
        for (path, body) in [
            ("capabilities", json!({ "capabilities": rights })),
            ("allowed-sites", json!({ "allowedSites": sites })),
        ] {
            let url = self.demo().api(&format!("{agent}/{path}"));
            let answer = self.demo().admin().json("PATCH", &body).send(&url)?;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        Ok(())
    }

    fn site(&self, words: &[&str]) -> Command {
        let mut command = Command::new(common::binary());
        command.args(["agent", "site"]).args(words).arg("--home");
        command.arg(self.demo().ready.state_dir.join("agent"));
        command.stdin(Stdio::null());
        command
    }

    fn deploy(&self, words: &[&str]) -> Result<Output> {
        let mut command = self.site(&["deploy"]);
        command.arg(self.root()).args(words);
        command.output().context("the binary starts")
    }

    /// What a deploy says that it did.
    fn deployed(&self, words: &[&str]) -> Result<Value> {
        let output = self.deploy(&[words, &["--json"]].concat())?;
        assert!(output.status.success(), "{}", stderr(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Why a deploy was refused.
    fn refused(&self, words: &[&str]) -> Result<String> {
        let output = self.deploy(words)?;
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        Ok(stderr(&output))
    }

    /// How many files the server has taken, by its own audit.
    fn uploaded(&self) -> Result<u64> {
        let url = self.demo().api("audit?action=site.files.upload&limit=500");
        let page = self.demo().admin().send(&url)?.json()?;
        assert_eq!(page["next"], Value::Null);
        let rows = page["entries"].as_array().context("rows")?.iter();
        Ok(rows.filter_map(|row| row["after"]["count"].as_u64()).sum())
    }

    fn visit(&self, name: &str) -> Result<(u16, String)> {
        let url = self.demo().url("handbook", &format!("/{name}"));
        let answer = self.demo().visitor().send(&url)?;
        Ok((answer.status, answer.text()))
    }
}

fn name(n: usize) -> String {
    let end = ["css", "html", "txt"][n % 3];
    format!("part-{}/{n}.{end}", n % FOLDERS)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn count(document: &Value, member: &str) -> usize {
    document[member].as_array().map_or(usize::MAX, Vec::len)
}

#[test]
fn of_a_thousand_files_the_ten_that_changed_are_sent() -> Result<()> {
    let desk = Desk::start()?;
    let oracle = Oracle::before(desk.demo(), &[])?;
    desk.grant(&["sites:read", "sites:write"], &["handbook"])?;
    let listed = desk.site(&["list"]).output()?;
    let line = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(line.starts_with("handbook  https://handbook."), "{line}");
    assert!(line.contains("live"), "{line}");

    let begun = Instant::now();
    let first = desk.deployed(&[])?;
    eprintln!("{FILES} new files: {:?}", begun.elapsed());
    assert_eq!(count(&first, "sent"), FILES);
    assert_eq!(desk.uploaded()?, FILES as u64);

    let changed: Vec<usize> = (0..9).map(|n| 1 + n * 111).collect();
    for n in &changed {
        desk.write(&name(*n), &format!("file {n}, version 2"))?;
    }
    desk.write("index.html", "<p>version 2</p>")?;
    // The same again, with another time.
    desk.write(&name(2), "file 2, version 1")?;
    let would = desk.deployed(&["--dry-run"])?;
    assert_eq!(
        (count(&would, "sent"), &would["dryRun"]),
        (10, &json!(true))
    );
    assert_eq!(desk.uploaded()?, FILES as u64, "a dry run sends nothing");

    let begun = Instant::now();
    let second = desk.deployed(&["--site", "handbook"])?;
    eprintln!("10 changed of {FILES}: {:?}", begun.elapsed());
    assert_eq!(count(&second, "sent"), 10);
    assert_eq!(second["unchanged"], FILES - 10);
    assert_eq!(desk.uploaded()?, FILES as u64 + 10);
    for n in &changed {
        assert_eq!(
            desk.visit(&name(*n))?,
            (200, format!("file {n}, version 2"))
        );
    }
    assert_eq!(desk.visit("")?, (200, "<p>version 2</p>".to_owned()));
    assert_eq!(desk.visit(&name(2))?, (200, "file 2, version 1".to_owned()));

    let third = desk.deployed(&[])?;
    assert_eq!(count(&third, "sent"), 0);
    assert_eq!(desk.uploaded()?, FILES as u64 + 10);
    oracle.after(desk.demo())
}

#[test]
fn what_is_gone_stays_until_it_is_asked_for_and_refusals_name_the_way_out() -> Result<()> {
    let desk = Desk::start()?;
    std::fs::remove_dir_all(desk.root())?;
    desk.write("index.html", "first")?;
    desk.write("old/a.css", "a")?;
    desk.write("old/b.css", "b")?;
    desk.write("notes.txt", "notes")?;

    desk.grant(&["tunnels:read"], &[])?;
    assert!(desk.refused(&[])?.contains("`sites:read`"));
    desk.grant(&["sites:read"], &[])?;
    assert!(desk.refused(&[])?.contains("this agent has no site"));
    desk.grant(&["sites:read"], &["handbook"])?;
    let unknown = desk.refused(&["--site", "other"])?;
    assert!(unknown.contains("`other`; it has: handbook"), "{unknown}");
    let read_only = desk.refused(&[])?;
    assert!(read_only.contains("`sites:write`"), "{read_only}");
    assert_eq!(desk.uploaded()?, 0);
    desk.grant(&["sites:read", "sites:write"], &["handbook"])?;
    desk.write("tool.exe", "x")?;
    assert!(desk.refused(&[])?.contains("`tool.exe`"));
    assert_eq!(
        desk.uploaded()?,
        0,
        "nothing is sent of a folder that is refused"
    );
    std::fs::remove_file(desk.root().join("tool.exe"))?;
    assert_eq!(count(&desk.deployed(&[])?, "sent"), 4);

    std::fs::remove_dir_all(desk.root().join("old"))?;
    std::fs::remove_file(desk.root().join("notes.txt"))?;
    let kept = desk.deploy(&[])?;
    assert!(kept.status.success() && stderr(&kept).contains("--delete"));
    assert_eq!(desk.visit("old/a.css")?.0, 200);
    let removed = desk.deployed(&["--delete"])?;
    assert_eq!(removed["removed"], json!(["notes.txt", "old"]));
    for gone in ["old/a.css", "old/b.css", "notes.txt"] {
        assert_eq!(desk.visit(gone)?.0, 404, "{gone}");
    }

    // A folder takes a file's name.
    desk.write("a.css", "file")?;
    desk.deployed(&[])?;
    std::fs::remove_file(desk.root().join("a.css"))?;
    desk.write("a.css/b.css", "inside")?;
    let in_the_way = desk.refused(&[])?;
    assert!(
        in_the_way.contains("`a.css` of the site is in the way"),
        "{in_the_way}"
    );
    desk.deployed(&["--delete"])?;
    assert_eq!(desk.visit("a.css/b.css")?, (200, "inside".to_owned()));
    Ok(())
}

#[test]
fn names_and_sizes_of_any_kind_arrive_as_they_are() -> Result<()> {
    let desk = Desk::start()?;
    std::fs::remove_dir_all(desk.root())?;
    desk.grant(&["sites:read", "sites:write"], &["handbook"])?;
    // Name here, address there (RFC 3986 §2.1).
    let names = [
        ("plain.txt", "plain.txt"),
        ("a b&c=d/e#f?.txt", "a%20b%26c%3Dd/e%23f%3F.txt"),
        ("semi;colon='1'.txt", "semi%3Bcolon%3D%271%27.txt"),
        ("ü/日本.txt", "%C3%BC/%E6%97%A5%E6%9C%AC.txt"),
        ("100%.txt", "100%25.txt"),
    ];
    for (name, _) in names {
        desk.write(name, name)?;
    }
    desk.write("empty.txt", "")?;
    // Larger than what goes in one request otherwise.
    let large = "x".repeat(9 << 20);
    desk.write("large.txt", &large)?;
    desk.write("--boundary.txt", "--\r\n\r\n----\r\n")?;
    let sent = desk.deployed(&[])?;
    assert_eq!(count(&sent, "sent"), names.len() + 3);
    for (name, address) in names {
        assert_eq!(desk.visit(address)?, (200, name.to_owned()));
    }
    assert_eq!(desk.visit("empty.txt")?, (200, String::new()));
    assert!(desk.visit("large.txt")?.1 == large);
    assert_eq!(desk.visit("--boundary.txt")?.1, "--\r\n\r\n----\r\n");
    let again = desk.deployed(&[])?;
    assert_eq!(count(&again, "sent"), 0);
    assert_eq!(again["stays"], json!(["index.html"]), "the server's page");
    Ok(())
}

#[test]
fn a_deploy_that_was_killed_goes_on_from_where_it_was() -> Result<()> {
    let desk = Desk::start()?;
    desk.grant(&["sites:read", "sites:write"], &["handbook"])?;
    let site = desk.demo().ready.state_dir.join("server/sites");
    let site = site.join(&desk.lab.id);
    let (version, there) = killed_on_its_way(&desk, &site)?;
    let page = desk.visit("")?.1;
    let version = format!("version {version}");
    assert!(!page.contains(&version), "the first page comes last");

    let rest = desk.deployed(&[])?;
    let sent = count(&rest, "sent");
    eprintln!("killed with {there} files there, {sent} were sent by the next run");
    assert!(sent <= FILES - there, "{sent} of {}", FILES - there);
    assert_eq!(rest["unchanged"], FILES - sent);
    for n in [1, 500, FILES - 1] {
        assert_eq!(desk.visit(&name(n))?, (200, format!("file {n}, {version}")));
    }
    assert_eq!(desk.visit("")?.1, format!("<p>{version}</p>"));
    assert_eq!(count(&desk.deployed(&[])?, "sent"), 0);
    Ok(())
}

/// Kills a deploy after its first files arrived. One that was over by then is followed by one of
/// the next version. Returns the version, and how many files of it were there.
fn killed_on_its_way(desk: &Desk, site: &Path) -> Result<(u32, usize)> {
    for version in 1..=VERSIONS {
        if version > 1 {
            desk.write_all(version)?;
        }
        let mut command = desk.site(&["deploy"]);
        let mut running = command
            .arg(desk.root())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let begins = || (arrived(site, version) > 0).then_some(());
        let begun = common::within(Duration::from_secs(60), begins);
        running.kill()?;
        running.wait()?;
        begun.context("nothing arrives")?;
        let there = arrived(site, version);
        if there < FILES {
            return Ok((version, there));
        }
    }
    anyhow::bail!("{VERSIONS} deploys were over before they were killed")
}

/// How many files of a version lie in a folder and below it.
fn arrived(folder: &Path, version: u32) -> usize {
    let of_this = format!("version {version}");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => arrived(&entry.path(), version),
            _ => std::fs::read_to_string(entry.path())
                .is_ok_and(|text| text.contains(&of_this))
                .into(),
        })
        .sum()
}
