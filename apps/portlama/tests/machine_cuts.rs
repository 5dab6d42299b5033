//! The network is cut, processes are killed, machines restart, the disk fills: traffic is back by
//! itself soon after the cause is gone. Several servers, each with an agent behind a router, meet
//! different causes at the same time.

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

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use outside::{Admin, Outside};
use portlama_testkit::Curl;
use portlama_testkit::machine::{Lab, Loss, Machine, MachineOptions, Packages};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(500);
/// How long traffic may take to be back once the cause is gone: a promise to users.
const BACK_LIMIT: Duration = Duration::from_secs(15);
/// How long a visitor waits for what is late.
const GIVE_UP: Duration = Duration::from_secs(60);
/// How long a line is cut: a moment, in which nobody gives up, and long enough that both ends have
/// given up and the agent has tried again more than once.
const MOMENT: Duration = Duration::from_secs(8);
const LONG: Duration = Duration::from_secs(30);
/// Pages in a row that make traffic: one more than an agent has connections to the server.
const IN_A_ROW: u32 = 3;
/// How long a page may take.
const PAGE_LIMIT: &str = "2";
/// Pairs of a server and a home.
const PAIRS: usize = 4;
/// How long the servers may take to be installed, all at once.
const INSTALL_LIMIT: Duration = Duration::from_secs(90);
const SERVER: &str = "portlama.service";
const OPTIONS: MachineOptions = MachineOptions {
    packages: Packages::Equipped,
    // One of them is filled.
    disk_mib: 1024,
};

#[test]
fn traffic_is_back_by_itself_within_15_seconds() -> Result<()> {
    Lab::enter(
        "traffic_is_back_by_itself_within_15_seconds",
        LIMIT,
        |lab| {
            let begun = Instant::now();
            let outside = Outside::open(lab)?;
            let mut pairs = make_pairs(lab, &outside)?;
            lab.say(format_args!("made in {:.1?}", begun.elapsed()))?;
            let mut table = Table(Vec::new());
            cut_lines(&pairs, &mut table)?;
            kill(&pairs, &mut table)?;
            fill_the_disk(&pairs[0], &mut table)?;
            restart(lab, &mut pairs, &mut table)?;
            for pair in &pairs {
                // An outage is no reason to go a slower way ever after.
                let status = home::agent(&pair.home, "status --json")?;
                let status: Value = serde_json::from_str(&status)?;
                ensure!(status["connection"]["transport"] == "tls", "{status}");
            }
            table.show(lab)?;
            lab.say(format_args!("all checks in {:.1?}", begun.elapsed()))
        },
    )
}

/// A server, and a home whose agent leads to an app that everybody may visit.
struct Pair<'lab> {
    server: Machine<'lab>,
    home: Machine<'lab>,
    admin: Admin,
    visitor: Visitor,
}

/// Somebody who opens the app again and again.
#[derive(Clone)]
struct Visitor {
    authority: PathBuf,
    host: String,
    server: Ipv4Addr,
}

fn make_pairs<'lab>(lab: &'lab Lab, outside: &Outside) -> Result<Vec<Pair<'lab>>> {
    let mut machines = Vec::new();
    for number in 0..PAIRS {
        let server = lab.boot(&format!("vps{number}"), OPTIONS)?;
        let home = lab.boot_at_home(&format!("home{number}"), OPTIONS)?;
        machines.push((domain(number), server, home));
    }
    let installing = machines.iter().map(|(domain, server, _)| {
        server.copy_in(&common::binary(), "/root/portlama", 0o755)?;
        let install = format!(
            "/root/portlama server install --certificates internal --domain {domain} --ip {}",
            server.address()
        );
        let mut command = server.command(install.split(' '), INSTALL_LIMIT)?;
        Ok(command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?)
    });
    for install in installing.collect::<Result<Vec<_>>>()? {
        let output = install.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
    }
    machines
        .into_iter()
        .map(|(domain, server, home)| pair(outside, &domain, server, home))
        .collect()
}

fn domain(number: usize) -> String {
    format!("lab{number}.test")
}

fn pair<'lab>(
    outside: &Outside,
    domain: &str,
    server: Machine<'lab>,
    home: Machine<'lab>,
) -> Result<Pair<'lab>> {
    let at = server.address();
    outside.lead(
        &["tunnel", "panel", "app"].map(|name| format!("{name}.{domain}")),
        at,
    )?;
    let p12 = server.path("/etc/portlama/pki/client.p12");
    let password = server.read("/etc/portlama/pki/.p12-password")?;
    let admin = Admin::new(domain, &p12, password.trim())?;
    home::furnish(&home)?;
    home::enrol(&home, &admin, at)?;
    home::agent(&home, &format!("allow {}", home::APP_PORT))?;
    let tunnel = json!({
        "subdomain": "app", "port": home::APP_PORT, "agentLabel": home::LABEL, "accessMode": "public",
    });
    admin.post(at, "tunnels", &tunnel)?;
    let visitor = Visitor {
        authority: admin.authority(),
        host: format!("app.{domain}"),
        server: at,
    };
    visitor.is_served_since(Instant::now())?;
    Ok(Pair {
        server,
        home,
        admin,
        visitor,
    })
}

/// Each kind of cut, at the line of the home and at that of the server.
fn cut_lines(pairs: &[Pair<'_>], table: &mut Table) -> Result<()> {
    const CUTS: [(&str, Option<Loss>); PAIRS] = [
        ("no link", None),
        ("packets vanish both ways", Some(Loss::Both)),
        ("packets vanish on the way out", Some(Loss::FromMachine)),
        ("packets vanish on the way in", Some(Loss::ToMachine)),
    ];
    type End<'p, 'lab> = fn(&'p Pair<'lab>) -> &'p Machine<'lab>;
    let rounds: [(&str, Duration, End<'_, '_>); 3] = [
        ("home's line", LONG, |pair| &pair.home),
        ("home's line", MOMENT, |pair| &pair.home),
        ("server's line", LONG, |pair| &pair.server),
    ];
    for (whose, cut, end) in rounds {
        for (pair, (_, loss)) in pairs.iter().zip(CUTS) {
            match loss {
                None => end(pair).unplug()?,
                Some(loss) => end(pair).lose(loss)?,
            }
        }
        let begun = Instant::now();
        for (is_served, (what, _)) in see_the_app(pairs).into_iter().zip(CUTS) {
            ensure!(!is_served, "{whose}, {what}: served all along");
        }
        std::thread::sleep(cut.saturating_sub(begun.elapsed()));
        let mut watches = Watches::default();
        for (pair, (what, loss)) in pairs.iter().zip(CUTS) {
            match loss {
                None => end(pair).plug()?,
                Some(_) => end(pair).deliver()?,
            }
            watches.begin(format!("{whose}, {cut:?}: {what}"), pair);
        }
        table.add(watches)?;
    }
    Ok(())
}

/// Whether the visitor of each pair sees the app, asked at the same time.
fn see_the_app(pairs: &[Pair<'_>]) -> Vec<bool> {
    std::thread::scope(|scope| {
        let visitors = pairs.iter().map(|pair| &pair.visitor);
        let asked: Vec<_> = visitors
            .map(|visitor| scope.spawn(|| visitor.sees_the_app()))
            .collect();
        let seen = asked.into_iter().map(|seen| seen.join());
        seen.map(|seen| seen.expect("a visitor does not panic"))
            .collect()
    })
}

/// Processes die without a word, and a home gets another address.
fn kill(pairs: &[Pair<'_>], table: &mut Table) -> Result<()> {
    let kill = |machine: &Machine<'_>, unit: &str| {
        machine.shell(&format!("systemctl kill --signal=KILL {unit}"))
    };
    let [first, second, third, fourth] = pairs else {
        bail!("not {PAIRS} pairs");
    };
    let mut watches = Watches::default();
    kill(&first.server, SERVER)?;
    watches.begin("server killed".to_owned(), first);
    kill(&second.home, home::UNIT)?;
    watches.begin("agent killed".to_owned(), second);
    kill(&third.server, SERVER)?;
    kill(&third.home, home::UNIT)?;
    watches.begin("both killed".to_owned(), third);
    fourth.home.change_line(Ipv4Addr::new(198, 51, 100, 200))?;
    watches.begin("home gets another address".to_owned(), fourth);
    table.add(watches)
}

/// Machines restart, in order and without. How long a start of theirs takes is the host's doing as
/// well: where a round is late, another one is judged.
fn restart(lab: &Lab, pairs: &mut [Pair<'_>], table: &mut Table) -> Result<()> {
    let round = restarted(pairs)?.end()?;
    if !round.iter().any(is_late) {
        table.0.extend(round);
        return Ok(());
    }
    for (cause, back) in round.iter().filter(|row| is_late(row)) {
        lab.say(format_args!("{back:>8.1?}  {cause}: late, so once more"))?;
    }
    table.add(restarted(pairs)?)
}

fn restarted(pairs: &mut [Pair<'_>]) -> Result<Watches> {
    let [first, second, third, fourth] = pairs else {
        bail!("not {PAIRS} pairs");
    };
    let mut watches = Watches::default();
    third.server.pull_plug();
    fourth.home.pull_plug();
    first.server.reboot()?;
    watches.begin("server restarted".to_owned(), first);
    second.home.reboot()?;
    watches.begin("home restarted".to_owned(), second);
    third.server.power_on()?;
    watches.begin("server had no power".to_owned(), third);
    fourth.home.power_on()?;
    watches.begin("home had no power".to_owned(), fourth);
    Ok(watches)
}

/// Traffic goes on, changes are refused with the reason, and are made again when there is room.
fn fill_the_disk(pair: &Pair<'_>, table: &mut Table) -> Result<()> {
    let Pair { server, admin, .. } = pair;
    let tunnel = json!({ "subdomain": "other", "port": 9000 });
    server.shell("cat /dev/zero > /var/full || true")?;
    for _ in 0..IN_A_ROW {
        ensure!(pair.visitor.sees_the_app(), "a full disk stops traffic");
    }
    let refused = admin.tell(server.address(), "tunnels", &tunnel)?;
    let said = (refused.status, refused.text());
    ensure!(said.0 == 507 && said.1.contains("disk is full"), "{said:?}");
    server.shell(&format!("systemctl kill --signal=KILL {SERVER}"))?;
    let mut watches = Watches::default();
    watches.begin("server killed, its disk full".to_owned(), pair);
    table.add(watches)?;
    server.shell("rm /var/full")?;
    admin.post(server.address(), "tunnels", &tunnel)?;
    Ok(())
}

impl Visitor {
    fn sees_the_app(&self) -> bool {
        let to = format!("{}:443:{}", self.host, self.server);
        let page = Curl::new(&self.authority)
            .options(["--resolve", &to, "--max-time", PAGE_LIMIT])
            .send(&format!("https://{}/", self.host));
        page.is_ok_and(|page| page.status == 200 && page.text().starts_with("at home for"))
    }

    /// When the app was seen again, for good.
    fn is_served_since(&self, since: Instant) -> Result<Duration> {
        let mut back = None;
        let mut in_a_row = 0;
        while since.elapsed() < GIVE_UP {
            if self.sees_the_app() {
                in_a_row += 1;
                let back = *back.get_or_insert_with(|| since.elapsed());
                if in_a_row == IN_A_ROW {
                    return Ok(back);
                }
            } else {
                (back, in_a_row) = (None, 0);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        bail!("{} is not served again", self.host)
    }
}

/// Visitors who wait for traffic at the same time, each for another cause to be over.
#[derive(Default)]
struct Watches(Vec<(String, JoinHandle<Result<Duration>>)>);

impl Watches {
    /// A cause is over.
    fn begin(&mut self, cause: String, pair: &Pair<'_>) {
        let (since, visitor) = (Instant::now(), pair.visitor.clone());
        let watch = std::thread::spawn(move || visitor.is_served_since(since));
        self.0.push((cause, watch));
    }

    /// How long traffic took to be back after each.
    fn end(self) -> Result<Vec<Row>> {
        let ended = self.0.into_iter().map(|(cause, watch)| {
            let back = watch.join().map_err(|_| anyhow!("a visitor panicked"))?;
            Ok((cause.clone(), back.context(cause)?))
        });
        ended.collect()
    }
}

/// A cause, and how long after its end traffic was back.
type Row = (String, Duration);

fn is_late((_, back): &Row) -> bool {
    *back > BACK_LIMIT
}

/// How long traffic took to be back.
struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, watches: Watches) -> Result<()> {
        self.0.extend(watches.end()?);
        Ok(())
    }

    fn show(&self, lab: &Lab) -> Result<()> {
        for (cause, back) in &self.0 {
            lab.say(format_args!("{back:>8.1?}  {cause}"))?;
        }
        let late: Vec<_> = self.0.iter().filter(|row| is_late(row)).collect();
        ensure!(late.is_empty(), "not back within {BACK_LIMIT:?}: {late:?}");
        Ok(())
    }
}
