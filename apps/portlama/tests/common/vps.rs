//! A server on a machine of its own, and the guide's words by which it gets there.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use portlama_testkit::{Answer, Curl, PanelSocket, VisitorSocket};
use serde_json::Value;

use crate::common;

/// How long a server may take to answer after it was told to start, a restart of the machine
/// included, on a busy host.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// How long something may take of which no promise is made, on a busy host: who waits that long
/// waits for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// How the operator comes in, with the key of [`boot`].
pub(crate) const SSH: &str =
    "timeout 20 ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";

/// The chapter that says how a server is set up.
const SET_UP: &str = include_str!("../../../../docs/guide/12-server.md");

/// The one block of code in the chapter on setting up that begins with these words.
pub(crate) fn guide(beginning: &str) -> Result<&'static str> {
    let blocks = SET_UP.split("```\n").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.starts_with(beginning));
    let block = found.next();
    let block = block.with_context(|| format!("no block of the guide begins {beginning:?}"))?;
    match found.next() {
        None => Ok(block),
        Some(_) => bail!("two blocks of the guide begin {beginning:?}"),
    }
}

/// A machine with the program as it was copied there, and the key of an operator who comes by SSH.
pub(crate) fn boot<'lab>(lab: &'lab Lab, name: &str, packages: Packages) -> Result<Machine<'lab>> {
    let options = MachineOptions {
        packages,
        ..MachineOptions::default()
    };
    let machine = lab.boot(name, options)?;
    machine.copy_in(&common::binary(), "/root/portlama", 0o755)?;
    machine.shell(
        "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
         cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys",
    )?;
    Ok(machine)
}

/// Kills the unit `cut` in the moment in which it says that it is in a step and a word stands in
/// a file, unless it ends before.
const KILLS: &str = r#"import sys, time
step, file, word = sys.argv[1:]
begun = '"step":"%s","status":"running"' % step
ends = ['"event":"complete"', '"event":"error"']
def text(path):
    try:
        return open(path, errors='replace').read()
    except FileNotFoundError:
        return ''
print('ready', flush=True)
while True:
    said = text('/root/said')
    if begun in said and word in text(file) or any(end in said for end in ends):
        break
    time.sleep(0.001)
try:
    open('/sys/fs/cgroup/system.slice/cut.service/cgroup.kill', 'w').write('1')
except FileNotFoundError:
    pass
"#;

/// Runs a command with `--json` and kills it, and every program that it runs, as soon as it says
/// that it is in this step and `word` stands in `file`. Returns the step in which it died; `None`
/// when it had come to its end.
pub(crate) fn kill_in(
    machine: &Machine<'_>,
    command: &str,
    step: &str,
    (file, word): (&str, &str),
) -> Result<Option<String>> {
    machine.write("/root/kills.py", KILLS, 0o644)?;
    machine.shell("systemctl reset-failed 2>/dev/null || true; rm -f /root/said")?;
    let words = ["python3", "-B", "/root/kills.py", step, file, word];
    let mut killer = machine
        .command(words, PATIENCE)?
        .stdout(Stdio::piped())
        .spawn()?;
    let said = killer.stdout.take().context("its output")?;
    BufReader::new(said).read_line(&mut String::new())?;
    machine.shell(&format!(
        "systemd-run --quiet --unit=cut -p UMask=0077 -p StandardOutput=file:/root/said \
           {command} --json"
    ))?;
    ensure!(killer.wait()?.success(), "{step} is not begun");
    let ended = || {
        let state = machine.run(["systemctl", "is-active", "cut.service"]);
        (state.ok()?.stdout.trim() != "active").then_some(())
    };
    common::within(ANSWER_LIMIT, ended).context("it runs on")?;
    let result = machine.shell("systemctl show --property=Result --value cut.service")?;
    if result.trim() != "signal" {
        return Ok(None);
    }
    // The last line may be cut short as well.
    let said = machine.read("/root/said")?;
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut begun = lines.filter(|line| line["status"] == "running");
    let last = begun.next_back().context("no step")?;
    Ok(Some(last["step"].as_str().context("a name")?.to_owned()))
}

/// Puts the program on the machine and makes a complete server for `lab.test` of it, as its own
/// authority.
pub(crate) fn install(machine: &Machine<'_>) -> Result<()> {
    machine.copy_in(&common::binary(), "/usr/local/bin/portlama", 0o755)?;
    machine.shell(&format!(
        "portlama server init --certificates internal --domain lab.test --ip {}",
        machine.address()
    ))?;
    Ok(())
}

/// A request as the admin, who gives up after some seconds.
pub(crate) fn admin(machine: &Machine<'_>) -> Curl {
    let file = |name: &str| machine.path(&format!("/etc/portlama/pki/{name}"));
    Curl::new(&file("ca.crt"))
        .identity(&file("client.crt"), &file("client.key"))
        .options(["--connect-timeout", "1", "--max-time", "40"])
}

/// The address of an API route, `tunnels` for `/api/tunnels`.
pub(crate) fn api(machine: &Machine<'_>, path: &str) -> String {
    format!("https://{}:9292/api/{path}", machine.address())
}

/// Waits until the panel shows its services to the admin; returns how long it took.
pub(crate) fn comes_up(machine: &Machine<'_>) -> Result<Duration> {
    let answers = || services(machine).ok().map(drop);
    let (_, took) = common::within(ANSWER_LIMIT, answers).context("the panel does not answer")?;
    Ok(took)
}

/// All services as the panel shows them.
pub(crate) fn services(machine: &Machine<'_>) -> Result<Vec<Value>> {
    let answer = admin(machine).send(&api(machine, "services"))?;
    if answer.status != 200 {
        bail!("{}: {}", answer.status, answer.text());
    }
    let list = answer.json()?;
    Ok(list["services"].as_array().context("a list")?.clone())
}

/// One of them; `null` when it is not shown.
pub(crate) fn service(machine: &Machine<'_>, name: &str) -> Result<Value> {
    let mut all = services(machine)?.into_iter();
    let found = all.find(|service| service["name"] == name);
    Ok(found.unwrap_or_default())
}

/// Tells a service what to do.
pub(crate) fn act(machine: &Machine<'_>, name: &str, action: &str) -> Result<Answer> {
    let path = format!("services/{name}/{action}");
    admin(machine)
        .options(["--request", "POST"])
        .send(&api(machine, &path))
}

/// Opens the log of a service.
pub(crate) async fn log(machine: &Machine<'_>, name: &str) -> Result<VisitorSocket> {
    let file = |name: &str| machine.path(&format!("/etc/portlama/pki/{name}"));
    let (certificate, key) = (file("client.crt"), file("client.key"));
    let socket = PanelSocket {
        identity: Some((&certificate, &key)),
        ..PanelSocket::default()
    };
    let url = api(machine, &format!("services/{name}/logs"));
    socket.open_at(&url, &file("ca.crt")).await
}

/// The main process of a unit, as the machine numbers it; 0 when there is none.
pub(crate) fn main_pid(machine: &Machine<'_>, unit: &str) -> Result<u32> {
    let said = machine.shell(&format!("systemctl show -p MainPID --value {unit}"))?;
    said.trim().parse().context("a number")
}

/// How exposed systemd calls a unit: from 0, shut in, to 10.
pub(crate) fn exposure(machine: &Machine<'_>, unit: &str) -> Result<f64> {
    let said = machine.shell(&format!("systemd-analyze security --no-pager {unit}"))?;
    let sum = said.lines().find(|line| line.contains("Overall exposure"));
    let sum = sum.and_then(|line| line.split_once(": "));
    let score = sum.and_then(|(_, words)| words.split(' ').next());
    let score = score.with_context(|| format!("no sum in {said}"))?;
    Ok(score.parse()?)
}

/// Makes root's helper of what the guide shows.
pub(crate) fn bring_the_helper(machine: &Machine<'_>) -> Result<()> {
    for (name, beginning) in [
        (
            "portlama-helper.socket",
            "[Unit]\nDescription=Orders of Portlama",
        ),
        (
            "portlama-helper@.service",
            "[Unit]\nDescription=An order of Portlama",
        ),
    ] {
        let path = format!("/etc/systemd/system/{name}");
        machine.write(&path, guide(beginning)?, 0o644)?;
    }
    machine.shell("systemd-analyze verify portlama-helper.socket portlama-helper@1.service")?;
    machine.shell(guide("systemctl enable --now portlama-helper.socket")?)?;
    Ok(())
}

/// What the helper answers to these octets, or nothing, and how long that took; `None` when it
/// does not let the user come near.
pub(crate) fn order(
    machine: &Machine<'_>,
    user: &str,
    octets: &[u8],
) -> Result<Option<(String, Duration)>> {
    const ASKS: &str = "\
import socket, sys
helper = socket.socket(socket.AF_UNIX)
helper.settimeout(40)
try:
    helper.connect('/run/portlama-helper.sock')
except PermissionError:
    sys.exit(13)
answer = b''
try:
    helper.sendall(sys.stdin.buffer.read())
except BrokenPipeError:
    pass
try:
    while more := helper.recv(4096):
        answer += more
except ConnectionResetError:
    pass
print(answer.decode(), end='')
";
    machine.write("/tmp/asks.py", ASKS, 0o644)?;
    machine.write("/tmp/octets", octets, 0o644)?;
    let begun = std::time::Instant::now();
    let ask = format!("runuser -u {user} -- python3 -B /tmp/asks.py < /tmp/octets");
    let said = machine.run(["sh", "-c", &ask])?;
    match said.code {
        Some(0) => Ok(Some((said.stdout, begun.elapsed()))),
        Some(13) => Ok(None),
        _ => bail!("{said:?}"),
    }
}
