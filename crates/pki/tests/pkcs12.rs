//! The file that carries the admin's key to a browser.
#![allow(clippy::unwrap_used)]

mod common;

use common::{authority, now};
use portlama_pki::client_p12;

#[test]
fn a_p12_file_opens_with_its_password_only() {
    let authority = authority();
    let pair = authority.issue_admin(now()).unwrap();
    let password = portlama_model::Secret::new("correct horse");
    let file = client_p12(
        &pair,
        authority.certificate_der(),
        "Portlama admin",
        &password,
    )
    .unwrap();

    let open = |password| {
        p12_keystore::KeyStore::from_pkcs12(
            &file,
            password,
            p12_keystore::Pkcs12ImportPolicy::Strict,
        )
    };
    assert!(open("wrong").is_err());
    let store = open("correct horse").unwrap();
    let (name, chain) = store.private_key_chain().unwrap();
    assert_eq!(name, "Portlama admin");
    assert_eq!(chain.key().as_der(), pair.key_der().secret_der());
    let certificates: Vec<_> = chain
        .certs()
        .iter()
        .map(|cert| cert.as_der().to_vec())
        .collect();
    assert_eq!(
        certificates,
        [
            pair.certificate().der().to_vec(),
            authority.certificate_der().to_vec()
        ]
    );
}

#[test]
fn openssl_reads_the_p12_file_and_finds_what_macos_wants() {
    let authority = authority();
    let pair = authority.issue_admin(now()).unwrap();
    let password = portlama_model::Secret::new("correct-horse");
    let file = client_p12(
        &pair,
        authority.certificate_der(),
        "Portlama admin",
        &password,
    )
    .unwrap();
    let path = std::env::temp_dir().join(format!("portlama-pki-{}.p12", std::process::id()));
    std::fs::write(&path, file).unwrap();
    let output = std::process::Command::new("openssl")
        .args([
            "pkcs12",
            "-info",
            "-nodes",
            "-passin",
            "pass:correct-horse",
            "-in",
        ])
        .arg(&path)
        .output();
    std::fs::remove_file(&path).unwrap();
    let Ok(output) = output else {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "skipped: openssl is not installed").unwrap();
        return;
    };
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{text}");
    assert!(text.contains("MAC: sha1, Iteration 2048"), "{text}");
    assert!(text.contains("pbeWithSHA1And3-KeyTripleDES-CBC"), "{text}");
    assert!(text.contains("friendlyName: Portlama admin"), "{text}");
    assert_eq!(
        text.matches("-----BEGIN CERTIFICATE-----").count(),
        2,
        "{text}"
    );
}
