//! The whole way, as the guide tells it: a server from one command, an agent at home, a visitor
//! who signs in, a new version and a broken one, a machine that is lost and another in its place.

mod common;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/home.rs"]
mod home;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/outside.rs"]
mod outside;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/upgrade.rs"]
mod upgrade;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "common/vps.rs"]
mod vps;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use outside::{Account, Admin, DOMAIN, Outside, Visitor};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use serde_json::json;
use upgrade::{NEXT, Site};

const LIMIT: Duration = Duration::from_secs(500);
/// How long the first set-up may take: an authority, three names, a busy machine.
const SET_UP_LIMIT: Duration = Duration::from_secs(120);
/// How long a restored server may refuse codes that were shown before.
const CODE_LIMIT: Duration = Duration::from_secs(90);
/// How long an agent may take to find a server that moved.
const FIND_LIMIT: Duration = Duration::from_secs(60);
/// How long a page may take while all is well.
const PAGE_LIMIT: Duration = Duration::from_secs(20);
/// Of the backup.
const PASSPHRASE: &str = "a passphrase of the test";
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

        let (program, next) = upgrade::programs()?;
        let admin = is_installed(&vps, &program, &outside)?;
        diary.note("installed")?;
        let mut account = is_set_up(&vps, &admin)?;
        diary.note("set up, certified")?;
        enrols(&at_home, &vps, &admin)?;
        diary.note("an agent at home serves")?;
        let visitor = outside.visitor("visitor")?;
        visits(&visitor, &mut account)?;
        diary.note("visited with password and one-time code")?;

        let site = Site {
            machine: vps,
            program,
            next,
        };
        is_upgraded(&site)?;
        is_served(&visitor, &account)?;
        diary.note("upgraded")?;
        undoes_a_broken_version(&site)?;
        is_served(&visitor, &account)?;
        diary.note("a broken version undone")?;

        let backup = is_backed_up(&site.machine)?;
        let Site { machine, next, .. } = site;
        drop(machine);
        diary.note("backed up, and lost")?;
        let second = lab.boot("second", FRESH)?;
        is_restored(&second, &next, &backup, &admin)?;
        diary.note("restored on another machine")?;
        outside.lead_to(second.address())?;
        agent_comes_back(&second, &admin)?;
        diary.note("the same agent is back")?;
        signs_in_anew(&visitor, &mut account)?;
        diary.note("visited again")?;
        is_uninstalled(&second)?;
        diary.note("uninstalled")
    })
}

/// By the guide's one command. The admin takes the shown file and password home.
fn is_installed(vps: &Machine<'_>, program: &[u8], outside: &Outside) -> Result<Admin> {
    vps.write("/root/portlama", program, 0o755)?;
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

/// Sessions and tunnel outlive it.
fn is_upgraded(site: &Site<'_>) -> Result<()> {
    let release = site.offer("release", NEXT, &site.next)?;
    let said = site.upgrade(&release, "")?;
    ensure!(said.code == Some(0), "{said:?}");
    upgrade::answers(&site.machine, NEXT)
}

/// It says the right version and does not serve.
fn undoes_a_broken_version(site: &Site<'_>) -> Result<()> {
    const VERSION: &str = "0.3.0";
    let program = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 'portlama {VERSION}'\n");
    let release = site.offer("broken", VERSION, program.as_bytes())?;
    let said = site.upgrade(&release, "")?;
    ensure!(said.code == Some(1), "{said:?}");
    ensure!(said.stderr.contains("is back, with its state"), "{said:?}");
    upgrade::answers(&site.machine, NEXT)
}

/// The backup leaves the machine.
fn is_backed_up(vps: &Machine<'_>) -> Result<Vec<u8>> {
    vps.write("/root/passphrase", PASSPHRASE, 0o600)?;
    vps.shell("portlama server backup --out /root/backup.age --passphrase-file /root/passphrase")?;
    Ok(fs::read(vps.path("/root/backup.age"))?)
}

/// As the chapter on disasters says, on a machine with another address.
fn is_restored(second: &Machine<'_>, program: &[u8], backup: &[u8], admin: &Admin) -> Result<()> {
    let at = second.address();
    second.look_names_up(Lab::ADDRESS)?;
    second.write("/root/portlama", program, 0o755)?;
    second.write("/root/passphrase", PASSPHRASE, 0o600)?;
    second.write("/root/backup.age", backup, 0o600)?;
    second.shell(&format!("/root/portlama server install --ip {at}"))?;
    second.shell(&format!(
        "systemctl stop 'portlama.*'
         portlama server restore /root/backup.age --passphrase-file /root/passphrase --ip {at}
         systemctl start portlama.socket portlama.service"
    ))?;
    let there = || admin.get(at, "tunnels").ok();
    let (tunnels, _) = common::within(vps::ANSWER_LIMIT, there).context("it does not answer")?;
    ensure!(tunnels["tunnels"][0]["subdomain"] == "app", "{tunnels}");
    Ok(())
}

/// Nobody touches it: it follows the names.
fn agent_comes_back(second: &Machine<'_>, admin: &Admin) -> Result<()> {
    let serves = || {
        let tunnels = admin.get(second.address(), "tunnels").ok()?;
        (tunnels["tunnels"][0]["status"] == "serving").then_some(())
    };
    common::within(FIND_LIMIT, serves).context("the agent does not come back")?;
    Ok(())
}

/// Sessions don't outlive a restore, and codes that were shown before open nothing.
fn signs_in_anew(visitor: &Visitor, account: &mut Account) -> Result<()> {
    let page = visitor.open("app", PAGE_LIMIT)?;
    ensure!(page.url.starts_with("https://auth."), "{}", page.url);
    let mut last = None;
    let signs_in = || {
        visitor
            .sign_in(account)
            .map_err(|error| last = Some(error))
            .ok()
    };
    common::within(CODE_LIMIT, signs_in).with_context(|| format!("no sign-in: {last:?}"))?;
    is_served(visitor, account)
}

/// Nothing of it runs or lies there.
fn is_uninstalled(vps: &Machine<'_>) -> Result<()> {
    let said = vps.shell("/root/portlama server uninstall --yes")?;
    vps.shell(
        "if getent passwd portlama; then exit 1; fi
         test ! -e /etc/portlama -a ! -e /usr/local/bin/portlama
         test -z \"$(systemctl list-unit-files 'portlama*' --no-legend)\"
         if ss -Hltn | grep -E ':(443|9292) '; then exit 1; fi",
    )?;
    // The state of the installation, which the restore set aside: it has keys, and an owner.
    let aside = vps.shell("ls -d /etc/portlama.before-*")?;
    ensure!(said.contains(aside.trim()), "{aside} is not named: {said}");
    let others = vps.shell("find /etc/portlama.before-* ! '(' -user root -group root ')'")?;
    ensure!(others.is_empty(), "not root's: {others}");
    let open = vps.shell("find /etc/portlama.before-* -maxdepth 0 -perm /077")?;
    ensure!(open.is_empty(), "open to others: {open}");
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
