//! The running server, asked from its own machine.

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result};
use portlama_testkit::{Curl, Server, fresh_totp_code};
use serde_json::{Value, json};

fn portlama(state: &Path, command: &str) -> Result<Output> {
    let mut program = Command::new(common::binary());
    program.args(["server", command, "--json", "--state-dir"]);
    Ok(program.arg(state).output()?)
}

fn document(output: &Output) -> Result<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())
}

#[test]
fn status_says_how_the_server_is_whether_it_runs_or_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    Server::init(&common::binary(), &state)?;
    let stopped = portlama(&state, "status")?;
    assert_eq!(stopped.status.code(), Some(3));
    let said = document(&stopped)?;
    assert_eq!(
        (&said["running"], &said["domain"]),
        (&json!(false), &json!("lab.test"))
    );
    assert!(said["nextExpiry"]["expiresAt"].is_string(), "{said}");

    let server = Server::start(&common::binary(), &state, &log)?;
    let running = portlama(&state, "status")?;
    let said = document(&running)?;
    assert_eq!(running.status.code(), Some(0), "{said}");
    assert_eq!(said["healthy"], true, "{said}");
    assert_eq!(said["pid"], server.pid());
    assert_eq!(said["setUp"], "COMPLETED");
    assert_eq!(said["warnings"], json!([]), "{said}");
    let at = |port: u16| json!(format!("127.0.0.1:{port}"));
    let ports = [at(server.https_port()), at(server.panel_port())];
    assert_eq!(said["listening"], json!(ports));
    let socket = state.join("control.sock");
    assert_eq!(socket.metadata()?.permissions().mode() & 0o777, 0o600);

    server.kill()?;
    assert_eq!(portlama(&state, "status")?.status.code(), Some(3));
    let nothing = portlama(&folder.path().join("none"), "status")?;
    assert_eq!(nothing.status.code(), Some(1));
    Ok(())
}

/// Every way in is lost: the file and the codes.
#[test]
fn the_admin_is_reset_while_the_server_runs_and_codes_are_asked_for() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    Server::init(&common::binary(), &state)?;
    let server = Server::start(&common::binary(), &state, &log)?;
    turn_codes_on(&server)?;
    let lost = (
        folder.path().join("lost.crt"),
        folder.path().join("lost.key"),
    );
    let (certificate, key) = server.admin_identity();
    std::fs::copy(&certificate, &lost.0)?;
    std::fs::copy(&key, &lost.1)?;
    let old = || Curl::new(&server.ca_file()).identity(&lost.0, &lost.1);
    assert_eq!(old().send(&server.api("tunnels"))?.status, 401);

    let reset = portlama(&state, "reset-admin")?;
    let said = document(&reset)?;
    assert!(reset.status.success(), "{said}");
    let p12 = said["adminP12"].as_str().context("a path")?;
    assert!(Path::new(p12).is_file());

    let refused = old().send(&server.api("tunnels"))?;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let answer = server.admin().send(&server.api("tunnels"))?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let codes = server.admin().send(&server.api("settings/2fa"))?.json()?;
    assert_eq!(codes["enabled"], false);
    let audit = server.admin().send(&server.api("audit"))?.json()?;
    let row = &audit["entries"][0];
    assert_eq!(
        (&row["action"], &row["identity"]),
        (&json!("admin.reset"), &json!("local"))
    );
    Ok(())
}

fn turn_codes_on(server: &Server) -> Result<()> {
    let post = |path: &str, body: Value| {
        let asking = server.admin().json("POST", &body);
        asking.send(&server.api(path))
    };
    let seed = post("settings/2fa/setup", json!({}))?.json()?;
    let uri = seed["uri"].as_str().context("an address")?;
    let code = fresh_totp_code(uri, None)?;
    let on = post("settings/2fa/confirm", json!({ "code": code }))?;
    assert_eq!(on.status, 200, "{}", on.text());
    Ok(())
}
