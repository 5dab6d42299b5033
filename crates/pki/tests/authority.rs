//! What the authority issues, and which stored authorities it loads.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{DAY, agent, authority, label, now, params, rogue_issuer};
use portlama_model::{Hostname, Secret};
use portlama_pki::{
    Authority, AuthorityError, BACKDATE, CLIENT_VALIDITY, IssueError, LeafName,
    MAX_SERVER_VALIDITY, ca_fingerprint, certificate_from_pem,
};
use rcgen::{BasicConstraints, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

fn host(name: &str) -> LeafName {
    LeafName::Host(name.parse::<Hostname>().unwrap())
}

#[test]
fn a_new_authority_signs_certificates_and_nothing_else() {
    let authority = authority();
    let (_, ca) = X509Certificate::from_der(authority.certificate_der()).unwrap();
    assert_eq!(ca.subject().to_string(), "CN=Portlama CA, O=Portlama");
    assert_eq!(ca.issuer(), ca.subject());
    let constraints = ca.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = ca.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    assert!(!usage.value.digital_signature());
    assert_eq!(authority.validity().not_before, now().minus(BACKDATE));
    let length = authority
        .validity()
        .not_after
        .since(authority.validity().not_before);
    assert_eq!(length, 3650 * DAY);
}

#[test]
fn an_authority_survives_its_files() {
    let (authority, files) = Authority::create(now()).unwrap();
    let loaded = Authority::load(&files.certificate_pem, &files.key_pem).unwrap();
    assert_eq!(loaded.fingerprint(), authority.fingerprint());
    assert_eq!(loaded.certificate_pem(), files.certificate_pem);
    assert_eq!(loaded.key_pem().expose(), files.key_pem.expose());
    let der = certificate_from_pem(&files.certificate_pem).unwrap();
    assert_eq!(ca_fingerprint(&der).unwrap(), authority.fingerprint());
    let (issued, _) = agent(&authority);
    assert!(
        loaded
            .client_trust()
            .verify(&[issued.der().clone()])
            .is_ok()
    );
}

#[test]
fn an_adopted_rsa_authority_is_loaded_and_signs() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let mut ca = params(&["Portlama CA"]);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = ca.self_signed(&key).unwrap();
    let key = key.serialize_pem();
    let authority = Authority::load(&certificate.pem(), &Secret::new(key)).unwrap();
    let (issued, _) = agent(&authority);
    let client = authority
        .client_trust()
        .verify(&[issued.der().clone()])
        .unwrap();
    assert!(client.is_current(now()));
}

#[test]
fn refuses_files_that_do_not_belong_together() {
    let (one, other) = (authority(), authority());
    let mixed = Authority::load(&one.certificate_pem(), other.key_pem());
    assert!(matches!(mixed, Err(AuthorityError::Mismatch)), "{mixed:?}");
}

#[test]
fn refuses_damaged_files_and_certificates_that_may_not_sign() {
    let authority = authority();
    let (pem, key) = (authority.certificate_pem(), authority.key_pem());
    let load = |pem: &str, key: &Secret| Authority::load(pem, key).map(drop).unwrap_err();
    assert!(matches!(load("", key), AuthorityError::Certificate(_)));
    assert!(matches!(
        load(&pem[..pem.len() / 2], key),
        AuthorityError::Certificate(_)
    ));
    assert!(matches!(
        load(&pem, &Secret::new("")),
        AuthorityError::Key(_)
    ));
    let admin = authority.issue_admin(now()).unwrap();
    let error = load(&admin.certificate().pem(), &admin.key_pem());
    assert!(matches!(error, AuthorityError::NotAnAuthority));
}

#[test]
fn debug_hides_private_keys() {
    let (authority, files) = Authority::create(now()).unwrap();
    let pair = authority.issue_admin(now()).unwrap();
    for text in [format!("{authority:?}"), format!("{files:?}")] {
        assert!(!text.contains(files.key_pem.expose()), "{text}");
    }
    let key = pair.key_pem();
    assert!(!format!("{pair:?}").contains(key.expose().lines().nth(1).unwrap()));
}

#[test]
fn an_admin_certificate_is_for_clients_for_730_days() {
    let authority = authority();
    let pair = authority.issue_admin(now()).unwrap();
    let (_, certificate) = X509Certificate::from_der(pair.certificate().der()).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=admin, O=Portlama");
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth);
    let validity = pair.certificate().validity();
    assert_eq!(validity.not_before, now().minus(BACKDATE));
    assert_eq!(
        validity.not_after,
        now().minus(BACKDATE).plus(CLIENT_VALIDITY)
    );
}

#[test]
fn a_server_leaf_holds_its_names_for_at_most_397_days() {
    let authority = authority();
    let names = [
        host("panel.lab.example.org"),
        LeafName::Ip("203.0.113.7".parse().unwrap()),
        LeafName::Ip("2001:db8::7".parse().unwrap()),
    ];
    let pair = authority.issue_server(&names, now(), 3650 * DAY).unwrap();
    let (_, certificate) = X509Certificate::from_der(pair.certificate().der()).unwrap();
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth);
    let found = &certificate
        .subject_alternative_name()
        .unwrap()
        .unwrap()
        .value
        .general_names;
    assert!(matches!(
        &found[..],
        [
            GeneralName::DNSName("panel.lab.example.org"),
            GeneralName::IPAddress([203, 0, 113, 7]),
            GeneralName::IPAddress(_),
        ]
    ));
    let validity = pair.certificate().validity();
    assert_eq!(
        validity.not_after.since(validity.not_before),
        MAX_SERVER_VALIDITY
    );
}

#[test]
fn a_server_leaf_has_one_to_sixteen_names_of_any_length() {
    let authority = authority();
    let issue = |names: &[LeafName]| authority.issue_server(names, now(), DAY).map(drop);
    assert!(matches!(issue(&[]), Err(IssueError::Names { count: 0 })));
    let name = host("a.example.org");
    assert!(issue(&vec![name.clone(); 16]).is_ok());
    assert!(matches!(
        issue(&vec![name; 17]),
        Err(IssueError::Names { count: 17 })
    ));
    let longest = host(&format!(
        "{}.{}.{}.example.org",
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63)
    ));
    assert!(issue(&[longest]).is_ok());
}

#[test]
fn nothing_outlives_the_authority_or_begins_before_it() {
    let authority = authority();
    let end = authority.validity().not_after;
    let late = authority.issue_admin(end.minus(DAY)).unwrap();
    assert_eq!(late.certificate().validity().not_after, end);
    let early = authority.issue_admin(now().minus(1000 * DAY)).map(drop);
    let fresh = authority.issue_admin(now()).unwrap();
    assert_eq!(
        fresh.certificate().validity().not_before,
        authority.validity().not_before
    );
    assert!(matches!(
        authority.issue_admin(end),
        Err(IssueError::OutsideAuthority { .. })
    ));
    assert!(matches!(early, Err(IssueError::OutsideAuthority { .. })));
}

#[test]
fn serials_are_positive_unique_and_spelled_as_in_the_certificate() {
    let authority = authority();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let pair = authority.issue_agent(&label("attic"), now()).unwrap();
        let (_, certificate) = X509Certificate::from_der(pair.certificate().der()).unwrap();
        let raw = certificate.raw_serial();
        assert_eq!(raw.len(), 16);
        assert!(raw[0] & 0x80 == 0 && raw[0] != 0);
        let serial = pair.certificate().serial().as_str().to_owned();
        assert_eq!(
            serial,
            raw.iter()
                .map(|octet| format!("{octet:02X}"))
                .collect::<String>()
        );
        assert!(seen.insert(serial));
    }
}

#[test]
fn what_openssl_thinks_of_our_certificates() {
    let authority = authority();
    let directory =
        std::env::temp_dir().join(format!("portlama-pki-verify-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ca = write("ca.pem", &authority.certificate_pem());
    let admin = write(
        "admin.pem",
        &authority.issue_admin(now()).unwrap().certificate().pem(),
    );
    let leaf = authority
        .issue_server(
            &[host("panel.lab.example.org")],
            now(),
            Duration::from_secs(86400),
        )
        .unwrap();
    let leaf = write("leaf.pem", &leaf.certificate().pem());
    let at = now().unix_seconds().to_string();
    let verify = |purpose: &str, file: &std::path::Path| {
        std::process::Command::new("openssl")
            .args([
                "verify",
                "-x509_strict",
                "-purpose",
                purpose,
                "-attime",
                &at,
                "-CAfile",
            ])
            .args([&ca, file])
            .output()
    };
    let verdicts = [
        verify("sslclient", &admin),
        verify("sslserver", &leaf),
        verify("sslclient", &leaf),
        verify("sslserver", &admin),
    ];
    std::fs::remove_dir_all(&directory).unwrap();
    let Ok(verdicts) = verdicts.into_iter().collect::<Result<Vec<_>, _>>() else {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "skipped: openssl is not installed").unwrap();
        return;
    };
    let good: Vec<_> = verdicts
        .iter()
        .map(|verdict| verdict.status.success())
        .collect();
    assert_eq!(good, [true, true, false, false], "{verdicts:?}");
}

#[test]
fn the_rogue_issuer_of_these_tests_really_signs_for_the_authority() {
    let authority = authority();
    let mut leaf = params(&["admin"]);
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = leaf.signed_by(&key, &rogue_issuer(&authority)).unwrap();
    assert!(
        authority
            .client_trust()
            .verify(&[certificate.into()])
            .is_ok()
    );
}
