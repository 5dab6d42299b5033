//! A server on a machine of its own, and the guide's words by which it gets there.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use portlama_testkit::machine::Machine;
use portlama_testkit::{Answer, Curl, PanelSocket, VisitorSocket};
use serde_json::Value;

use crate::common;

/// How long a server may take to answer after it was told to start, a restart of the machine
/// included, on a busy host.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(15);

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
