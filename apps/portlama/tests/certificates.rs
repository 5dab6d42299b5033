//! The certificates that are handed out, as openssl sees them.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use portlama_testkit::{Demo, Oracle};
use serde_json::json;

fn openssl(arguments: &[&str]) -> Result<String> {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .context("cannot start openssl")?;
    if !output.status.success() {
        bail!(
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn the_admins_files_are_what_openssl_and_browsers_want() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let ready = &demo.ready;
    let password = format!("pass:{}", ready.admin_p12_password);
    let info = openssl(&[
        "pkcs12",
        "-in",
        &text(&ready.admin_p12),
        "-passin",
        &password,
        "-nokeys",
    ])?;
    assert_eq!(
        info.matches("BEGIN CERTIFICATE").count(),
        2,
        "the admin's and the authority's"
    );
    let ca = text(&ready.client_ca);
    openssl(&[
        "verify",
        "-purpose",
        "sslclient",
        "-CAfile",
        &ca,
        &text(&ready.admin_cert),
    ])?;
    assert!(
        openssl(&[
            "verify",
            "-purpose",
            "sslserver",
            "-CAfile",
            &ca,
            &text(&ready.admin_cert)
        ])
        .is_err(),
        "a client's certificate is no server's"
    );
    let subject = openssl(&[
        "x509",
        "-noout",
        "-subject",
        "-nameopt",
        "RFC2253",
        "-in",
        &text(&ready.admin_cert),
    ])?;
    assert!(
        subject.contains("CN=admin") && subject.contains("O=Portlama"),
        "{subject}"
    );
    let pki = ready.state_dir.join("server/pki");
    for (name, mode) in [
        ("ca.key", 0o600),
        ("ca.crt", 0o644),
        ("client.key", 0o600),
        ("client.p12", 0o600),
        (".p12-password", 0o600),
    ] {
        let found = std::fs::metadata(pki.join(name))?.permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
    assert_eq!(std::fs::metadata(&pki)?.permissions().mode() & 0o777, 0o700);
    Ok(())
}

#[test]
fn enrolment_believes_the_key_and_nothing_else() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let oracle = Oracle::before(&demo, &[])?;
    let enrolment = demo
        .admin()
        .json("POST", &json!({"label": "attic-nas"}))
        .send(&demo.api("certs/agent/enroll"))?;
    assert_eq!(enrolment.status, 200, "{}", enrolment.text());
    let token = enrolment.json()?["token"]
        .as_str()
        .context("a token")?
        .to_owned();
    let setup = enrolment.json()?["setupToken"]
        .as_str()
        .context("a set-up token")?
        .to_owned();
    assert!(setup.starts_with(&format!("ptl1.{token}.")));

    let request = request_for(
        &demo,
        "/CN=admin/O=Somebody",
        &[
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "extendedKeyUsage=serverAuth",
        ],
    )?;
    let enrol = |token: &str, csr: &str| {
        demo.visitor()
            .json("POST", &json!({"token": token, "csr": csr}))
            .send(&demo.api("enroll"))
    };
    assert_eq!(
        enrol(&"0".repeat(64), &request)?.status,
        401,
        "a foreign token"
    );
    let mut broken = request.clone();
    let at = broken.len() / 2;
    let swapped = if broken.as_bytes().get(at) == Some(&b'A') {
        "B"
    } else {
        "A"
    };
    broken.replace_range(at..=at, swapped);
    assert_eq!(
        enrol(&token, &broken)?.status,
        400,
        "a request whose signature is wrong"
    );

    let enrolled = enrol(&token, &request)?;
    assert_eq!(
        enrolled.status,
        200,
        "the token survived bad requests: {}",
        enrolled.text()
    );
    let certificate = demo.file("attic-nas.crt");
    std::fs::write(
        &certificate,
        enrolled.json()?["cert"].as_str().context("a certificate")?,
    )?;
    let seen = openssl(&["x509", "-noout", "-text", "-in", &text(&certificate)])?;
    assert!(
        seen.contains("CN = agent:attic-nas") || seen.contains("CN=agent:attic-nas"),
        "{seen}"
    );
    assert!(
        !seen.contains("CA:TRUE") && !seen.contains("TLS Web Server"),
        "{seen}"
    );
    assert_eq!(enrol(&token, &request)?.status, 401, "a used token");
    let again = demo
        .admin()
        .json("POST", &json!({"label": "attic-nas"}))
        .send(&demo.api("certs/agent/enroll"))?;
    assert_eq!(again.status, 409, "a live label");
    oracle.after(&demo)
}

/// A request made by openssl for a new P-256 key.
fn request_for(demo: &Demo, subject: &str, more: &[&str]) -> Result<String> {
    let key = text(&demo.file("request.key"));
    let mut arguments = vec![
        "req",
        "-new",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-keyout",
        &key,
        "-subj",
        subject,
    ];
    arguments.extend(more);
    openssl(&arguments)
}

#[test]
fn a_certificate_of_another_authority_gets_the_help_page() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let (key, certificate) = (demo.file("other.key"), demo.file("other.crt"));
    openssl(&[
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-days",
        "30",
        "-subj",
        "/CN=admin/O=Portlama",
        "-keyout",
        &text(&key),
        "-out",
        &text(&certificate),
    ])?;
    for panel in [demo.ready.panel_url.clone(), demo.url("panel", "")] {
        let forged = [
            "-H",
            "x-ssl-client-verify: SUCCESS",
            "-H",
            "x-ssl-client-dn: CN=admin",
            "-H",
            "accept: text/html",
        ];
        let url = format!("{}/api/users", panel.trim_end_matches('/'));
        for curl in [demo.visitor(), demo.visitor().identity(&certificate, &key)] {
            let answer = curl.options(forged).send(&url)?;
            assert_eq!(answer.status, 400, "{}", answer.text());
            assert!(answer.text().contains("certificate"), "{}", answer.text());
        }
        let health = demo
            .visitor()
            .send(&format!("{}/api/health", panel.trim_end_matches('/')))?;
        assert_eq!(health.status, 200);
    }
    Ok(())
}
