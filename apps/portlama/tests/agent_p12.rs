//! Setting an agent up with the file that the panel made, or that somebody made of it.

mod common;
#[path = "common/household.rs"]
mod household;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use household::{Agent, Household};
use serde_json::{Value, json};

/// An agent whose key the server made: its file and password.
fn made(house: &Household, label: &str) -> Result<(PathBuf, String)> {
    let rights = json!({"label": label, "capabilities": ["tunnels:read", "tunnels:write"]});
    let made = house.admin("POST", "certs/agent", &rights)?;
    ensure!(made.status == 200, "{}", made.text());
    let password = made.json()?["p12Password"]
        .as_str()
        .context("a password")?
        .to_owned();
    let path = format!("certs/agent/{label}/download");
    let file = house.admin("GET", &path, &Value::Null)?;
    ensure!(file.status == 200, "{}", file.text());
    let path = house.path(&format!("{label}.p12"));
    std::fs::write(&path, &file.body)?;
    Ok((path, password))
}

fn set_up(
    house: &Household,
    agent: &Agent,
    file: &Path,
    password: &str,
    options: &[&str],
) -> Result<Output> {
    let (url, file) = (house.panel_url(), file.display().to_string());
    let mut words = vec!["setup", "--no-service", "--panel-url", &url, "--p12", &file];
    words.extend(options);
    Ok(agent
        .command(&words)
        .env("PORTLAMA_P12_PASSWORD", password)
        .output()?)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn openssl(arguments: &[&str]) -> Result<String> {
    let output = Command::new("openssl").args(arguments).output()?;
    ensure!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        said(&output)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_file_of_an_agent_makes_an_agent_by_the_name_in_its_certificate() -> Result<()> {
    let house = Household::start()?;
    let (file, password) = made(&house, "attic-nas")?;
    let mut agent = house.agent("attic-nas")?;
    let done = set_up(&house, &agent, &file, &password, &[])?;
    assert!(done.status.success(), "{}", said(&done));
    assert!(!said(&done).contains(&password));
    assert!(agent.file("client.key").exists() && agent.file("ca.crt").exists());
    assert!(!agent.read("config.json").contains(&password));
    // The file is not needed any more.
    std::fs::remove_file(&file)?;
    agent.run()?;
    agent.until_connected();
    Ok(())
}

#[test]
fn a_password_comes_from_a_pipe_too_and_a_name_of_ones_own_is_told() -> Result<()> {
    let house = Household::start()?;
    let (file, password) = made(&house, "attic")?;
    let agent = house.agent("attic")?;
    let url = house.panel_url();
    let mut child = agent
        .command(&["setup", "--no-service", "--panel-url", &url])
        .args(["--label", "cellar", "--p12"])
        .arg(&file)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    std::io::Write::write_all(&mut stdin, format!("{password}\n").as_bytes())?;
    drop(stdin);
    let done = child.wait_with_output()?;
    assert!(done.status.success(), "{}", said(&done));
    assert!(
        said(&done).contains("cellar here and attic at the server"),
        "{}",
        said(&done)
    );
    Ok(())
}

#[test]
fn what_is_no_living_agents_file_is_refused_with_the_way_out_and_leaves_nothing() -> Result<()> {
    let mut house = Household::start()?;
    let (file, password) = made(&house, "attic")?;
    let agent = house.agent("attic")?;
    let refused = |file: &Path, password: &str, words: &str| -> Result<()> {
        let done = set_up(&house, &agent, file, password, &[])?;
        let said = said(&done);
        assert!(
            !done.status.success() && said.contains(words),
            "{words}: {said}"
        );
        assert!(!agent.file("client.key").exists() && !agent.file("config.json").exists());
        Ok(())
    };
    refused(&file, "wrong", "the password is wrong")?;
    refused(&house.path("nothing.p12"), "x", "nothing.p12")?;
    refused(
        &house.state_dir().join("panel.json"),
        "x",
        "no PKCS#12 file",
    )?;

    let pki = house.state_dir().join("pki");
    let admin = pack(
        &house,
        &pki.join("client.crt"),
        &pki.join("client.key"),
        "admin",
        &[],
    )?;
    refused(&admin, "secret", "admin's certificate")?;

    // Of another server.
    let other = Household::start()?;
    let (foreign, its_password) = made(&other, "attic")?;
    refused(&foreign, &its_password, "pinned certificate authority")?;

    let revoked = house.admin("DELETE", "certs/agent/attic", &Value::Null)?;
    assert_eq!(revoked.status, 200);
    refused(&file, &password, "does not accept")?;

    house.kill();
    let (ended, key) = household::ended(&house, "attic")?;
    let ended = pack(&house, &ended, &key, "ended", &[])?;
    let done = set_up(&house, &agent, &ended, "secret", &[])?;
    assert!(said(&done).contains("holds from"), "{}", said(&done));
    Ok(())
}

/// A file that OpenSSL packs, with the password `secret`.
fn pack(
    house: &Household,
    certificate: &Path,
    key: &Path,
    name: &str,
    options: &[&str],
) -> Result<PathBuf> {
    let path = house.path(&format!("{name}.p12"));
    let text = |path: &Path| path.display().to_string();
    let (certificate, key, ca) = (
        text(certificate),
        text(key),
        text(&house.state_dir().join("pki/ca.crt")),
    );
    let out = text(&path);
    let mut words = vec![
        "pkcs12",
        "-export",
        "-passout",
        "pass:secret",
        "-name",
        name,
    ];
    words.extend([
        "-in",
        &certificate,
        "-inkey",
        &key,
        "-certfile",
        &ca,
        "-out",
        &out,
    ]);
    words.extend(options);
    openssl(&words)?;
    Ok(path)
}

#[test]
fn files_of_old_and_new_openssl_with_rsa_keys_make_agents_that_connect() -> Result<()> {
    let house = Household::start()?;
    let old = [
        "-certpbe",
        "PBE-SHA1-3DES",
        "-keypbe",
        "PBE-SHA1-3DES",
        "-macalg",
        "sha1",
    ];
    for (name, options) in [("old", &old[..]), ("new", &[])] {
        // An agent with a key of the kind that earlier installations made.
        let first = house.enrol(name, &[])?;
        let (key, csr) = (house.path("rsa.key"), house.path("rsa.csr"));
        let (key_text, csr_text) = (key.display().to_string(), csr.display().to_string());
        openssl(&[
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=whoever",
            "-keyout",
            &key_text,
            "-out",
            &csr_text,
        ])?;
        let body = json!({"csr": std::fs::read_to_string(&csr)?});
        let (certificate, own) = (first.file("client.crt"), first.file("client.key"));
        let signed = first
            .curl(&house, &certificate, &own)
            .json("POST", &body)
            .send(&house.server().api("certs/agent/upgrade-cert"))?;
        assert_eq!(signed.status, 200, "{}", signed.text());
        let certificate = house.path("rsa.crt");
        std::fs::write(
            &certificate,
            signed.json()?["cert"].as_str().context("a certificate")?,
        )?;
        let file = pack(&house, &certificate, &key, name, options)?;

        let mut agent = house.agent(&format!("{name}-rsa"))?;
        let done = set_up(&house, &agent, &file, "secret", &["--label", &agent.label])?;
        assert!(done.status.success(), "{name}: {}", said(&done));
        agent.run()?;
        agent.until_connected();
        // The renewal makes a key of today's kind.
        let renewal = agent.ask(&["key", "--renew"])?;
        assert!(renewal.status.success(), "{}", said(&renewal));
        let kind = openssl(&[
            "pkey",
            "-noout",
            "-text",
            "-in",
            &agent.file("client.key").display().to_string(),
        ])?;
        assert!(
            kind.contains("P-256") || kind.contains("prime256v1"),
            "{kind}"
        );
    }
    Ok(())
}
