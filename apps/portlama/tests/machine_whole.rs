//! The whole way, as the guide tells it: a server from one command, an agent at home, a visitor
//! who signs in.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/home.rs"]
mod home;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/outside.rs"]
mod outside;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use outside::{Account, Admin, DOMAIN, Outside, Visitor};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(400);
/// How long the first set-up may take: an authority, three names, a busy machine.
const SET_UP_LIMIT: Duration = Duration::from_secs(120);
/// How long a page may take while all is well.
const PAGE_LIMIT: Duration = Duration::from_secs(20);
const FRESH: MachineOptions = MachineOptions {
    packages: Packages::Fresh,
    disk_mib: 2048,
};

#[test]
fn a_server_goes_the_whole_way() -> Result<()> {
    Lab::enter("a_server_goes_the_whole_way", LIMIT, |lab| {
        let outside = Outside::open(lab)?;
        let vps = lab.boot("vps", FRESH)?;
        let at_home = lab.boot_at_home("home", MachineOptions::default())?;
        outside.lead_to(vps.address())?;
        let mut diary = Diary::new(lab);

        let admin = is_installed(&vps, &outside)?;
        diary.note("installed")?;
        let mut account = is_set_up(&vps, &admin)?;
        diary.note("set up, certified")?;
        enrols(&at_home, &vps, &admin)?;
        diary.note("an agent at home serves")?;
        let visitor = outside.visitor("visitor")?;
        visits(&visitor, &mut account)?;
        diary.note("visited with password and one-time code")
    })
}

/// By the guide's one command. The admin takes the shown file and password home.
fn is_installed(vps: &Machine<'_>, outside: &Outside) -> Result<Admin> {
    vps.copy_in(&common::binary(), "/root/portlama", 0o755)?;
    let command = vps::guide("./portlama server install")?;
    let command = command.replace("198.51.100.23", &vps.address().to_string());
    let authority = outside.options_for(vps)?;
    let said = vps.shell(&format!("cd /root && {} {authority}", command.trim()))?;
    let shown = |what: &str| {
        let mut lines = said.lines();
        let line = lines.find_map(|line| line.strip_prefix(what));
        let value = line.with_context(|| format!("no {what:?} in {said}"));
        value.map(str::trim)
    };
    let p12 = vps.path(shown("admin")?);
    Admin::new("admin", &p12, shown("its password")?)
}

/// As the panel's pages do it, up to the first account.
fn is_set_up(vps: &Machine<'_>, admin: &Admin) -> Result<Account> {
    let at = vps.address();
    let domain = json!({ "domain": DOMAIN, "email": "owner@lab.test" });
    admin.post(at, "onboarding/domain", &domain)?;
    let check = admin.post(at, "onboarding/verify-dns", &json!({}))?;
    ensure!(check["ok"] == true, "{check}");
    admin.post(at, "onboarding/provision", &json!({}))?;
    let mut last = None;
    let ended = || {
        let status = admin.get(at, "onboarding/status").ok()?;
        let has_ended = status["status"] == "COMPLETED" || !status["error"].is_null();
        last = Some(status);
        has_ended.then_some(())
    };
    common::within(SET_UP_LIMIT, ended);
    let result = admin.get(at, "onboarding/result");
    let result = result.with_context(|| format!("the set-up ended as {last:?}"))?;
    admin.post(at, "onboarding/acknowledge", &json!({}))?;
    let text = |member: &str| {
        let value = result[member].as_str();
        value.map(str::to_owned).context(member.to_owned())
    };
    Ok(Account {
        username: "admin".to_owned(),
        password: text("adminPassword")?,
        totp_uri: text("adminTotpUri")?,
        last_code: None,
    })
}

/// With a token, and one line to a URL.
fn enrols(at_home: &Machine<'_>, vps: &Machine<'_>, admin: &Admin) -> Result<()> {
    home::furnish(at_home)?;
    home::enrol(at_home, admin, vps.address())?;
    let url = home::agent(at_home, &format!("expose {} --as app", home::APP_PORT))?;
    ensure!(url.trim() == format!("https://app.{DOMAIN}"), "{url}");
    Ok(())
}

/// Nobody gets in without a sign-in, and the app learns who came.
fn visits(visitor: &Visitor, account: &mut Account) -> Result<()> {
    let page = visitor.open("app", PAGE_LIMIT)?;
    ensure!(page.url.starts_with("https://auth."), "{}", page.url);
    visitor.sign_in(account)?;
    is_served(visitor, account)
}

/// Somebody who is signed in sees the app.
fn is_served(visitor: &Visitor, account: &Account) -> Result<()> {
    let page = visitor.open("app", PAGE_LIMIT)?;
    let expected = format!("at home for {}", account.username);
    ensure!(page.text() == expected, "{} {}", page.status, page.text());
    Ok(())
}

/// Says how long each part took.
struct Diary<'lab> {
    lab: &'lab Lab,
    since: Instant,
}

impl<'lab> Diary<'lab> {
    fn new(lab: &'lab Lab) -> Self {
        Self {
            lab,
            since: Instant::now(),
        }
    }

    fn note(&mut self, what: &str) -> Result<()> {
        let took = self.since.elapsed();
        self.since = Instant::now();
        self.lab.say(format_args!("{took:>8.1?}  {what}"))
    }
}
