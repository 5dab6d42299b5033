//! A machine at home with an app and an agent.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Machine};
use serde_json::json;

use crate::common;
use crate::outside::Admin;

/// The agent's name at the server.
pub(crate) const LABEL: &str = "attic";
/// The unit that set-up makes to keep it running.
pub(crate) const UNIT: &str = "portlama-agent-attic.service";

/// The app, which says who visits it and counts the requests.
const APP: &str = r#"
import http.server
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = ("at home for " + str(self.headers.get("Remote-User"))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", 8400), App).serve_forever()
"#;

/// Where the app listens.
pub(crate) const APP_PORT: u16 = 8400;

/// How long a command of the agent may take that asks the server.
const COMMAND_LIMIT: Duration = Duration::from_secs(90);

/// Starts the app, which starts again with the machine, and puts the program there.
pub(crate) fn furnish(machine: &Machine<'_>) -> Result<()> {
    machine.copy_in(&common::binary(), "/usr/local/bin/portlama", 0o755)?;
    machine.write("/srv/app.py", APP, 0o644)?;
    let unit =
        "[Service]\nExecStart=python3 -B /srv/app.py\n[Install]\nWantedBy=multi-user.target\n";
    machine.write("/etc/systemd/system/app.service", unit, 0o644)?;
    machine.shell("useradd --create-home owner && systemctl enable --now app.service")?;
    Ok(())
}

/// Sets the agent up with a token of the server at an address, as a service of the machine.
pub(crate) fn enrol(machine: &Machine<'_>, admin: &Admin, server: Ipv4Addr) -> Result<()> {
    machine.look_names_up(Lab::ADDRESS)?;
    let wish = json!({ "label": LABEL, "capabilities": ["tunnels:read", "tunnels:write"] });
    let token = admin.post(server, "certs/agent/enroll", &wish)?;
    let token = token["setupToken"].as_str().context("a token")?;
    let command =
        format!("SUDO_USER=owner portlama agent setup --system --panel-url https://{server}:9292");
    answered(machine, &command, token)?;
    Ok(())
}

/// A command of the agent, as its owner types it.
pub(crate) fn agent(machine: &Machine<'_>, words: &str) -> Result<String> {
    let script = format!("runuser --login owner --command 'portlama agent {words}'");
    answered(machine, &script, "")
}

/// A command of root's, and what is typed when it asks.
fn answered(machine: &Machine<'_>, script: &str, answer: &str) -> Result<String> {
    let mut child = machine
        .command(["sh", "-c", script], COMMAND_LIMIT)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut asked = child.stdin.take().context("its standard input")?;
    asked.write_all(answer.as_bytes())?;
    drop(asked);
    let output = child.wait_with_output()?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(
        output.status.success(),
        "{script}: {}\n{stdout}{stderr}",
        output.status
    );
    Ok(stdout.into_owned())
}
