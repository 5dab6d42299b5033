//! Certificate requests: nothing but a good public key is believed.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{agent, authority, label, now};
use portlama_pki::{AgentKey, CsrError, MAX_CSR_CHARACTERS, ParsedRequest, UnacceptableKey};
use proptest::prelude::*;
use x509_parser::prelude::{FromDer, X509Certificate};

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/requests/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn refusal(name: &str) -> CsrError {
    ParsedRequest::parse(&fixture(name))
        .map(drop)
        .expect_err(name)
}

#[test]
fn accepts_p256_p384_and_rsa_of_2048_to_4096_bits() {
    for name in [
        "good-p256",
        "good-p384",
        "good-p384-sha256",
        "good-rsa-2048",
        "good-rsa-2048-sha512",
        "good-rsa-4096",
    ] {
        assert!(ParsedRequest::parse(&fixture(name)).is_ok(), "{name}");
    }
}

#[test]
fn refuses_keys_of_other_kinds() {
    for name in [
        "secp256k1",
        "prime192v1",
        "secp521r1",
        "ed25519",
        "dsa",
        "rsa-pss-key",
        "explicit-curve",
    ] {
        assert_eq!(
            refusal(name),
            CsrError::Key(UnacceptableKey::Algorithm),
            "{name}"
        );
    }
    assert_eq!(
        refusal("compressed-point"),
        CsrError::Key(UnacceptableKey::Malformed)
    );
}

#[test]
fn refuses_rsa_keys_outside_the_bounds() {
    let bits = |bits| CsrError::Key(UnacceptableKey::RsaBits { bits });
    assert_eq!(refusal("rsa-1024"), bits(1024));
    assert_eq!(refusal("rsa-5120"), bits(5120));
    assert_eq!(
        refusal("rsa-exponent-3"),
        CsrError::Key(UnacceptableKey::RsaExponent)
    );
}

#[test]
fn refuses_md5_and_sha1_signatures() {
    for name in ["md5-signature", "sha1-signature", "sha1-p256"] {
        assert_eq!(refusal(name), CsrError::SignatureAlgorithm, "{name}");
    }
}

#[test]
fn refuses_a_signature_of_another_key() {
    let one = AgentKey::generate().unwrap().request(&label("a")).unwrap();
    let other = AgentKey::generate().unwrap().request(&label("a")).unwrap();
    let (one, other) = (der(&one), der(&other));
    // The last octets are the signature; both have the same algorithm and nearly the same length.
    let spliced = [&one[..one.len() - 20], &other[other.len() - 20..]].concat();
    assert_eq!(
        ParsedRequest::parse(&pem(&spliced)).map(drop),
        Err(CsrError::Signature)
    );
}

#[test]
fn refuses_bytes_after_the_request() {
    let mut request = der(&AgentKey::generate().unwrap().request(&label("a")).unwrap());
    request.extend([5, 0]);
    assert_eq!(
        ParsedRequest::parse(&pem(&request)).map(drop),
        Err(CsrError::Malformed)
    );
}

#[test]
fn refuses_no_block_several_blocks_and_other_blocks() {
    let good = fixture("good-p256");
    assert_eq!(
        ParsedRequest::parse("").map(drop),
        Err(CsrError::NoPemBlock)
    );
    assert_eq!(
        ParsedRequest::parse("hello").map(drop),
        Err(CsrError::NoPemBlock)
    );
    let twice = format!("{good}{good}");
    assert_eq!(
        ParsedRequest::parse(&twice).map(drop),
        Err(CsrError::SeveralPemBlocks)
    );
    let with_certificate = format!("{}{good}", authority().certificate_pem());
    assert_eq!(
        ParsedRequest::parse(&with_certificate).map(drop),
        Err(CsrError::SeveralPemBlocks)
    );
    assert_eq!(
        ParsedRequest::parse(&authority().certificate_pem()).map(drop),
        Err(CsrError::NoPemBlock)
    );
}

#[test]
fn refuses_more_than_8192_characters_and_accepts_exactly_that_many() {
    let good = fixture("good-p256");
    let filled = |total: usize| format!("{}{good}", "#".repeat(total - good.len() - 1) + "\n");
    assert!(ParsedRequest::parse(&filled(MAX_CSR_CHARACTERS)).is_ok());
    let longer = filled(MAX_CSR_CHARACTERS + 1);
    assert_eq!(
        ParsedRequest::parse(&longer).map(drop),
        Err(CsrError::TooLong)
    );
}

#[test]
fn grants_nothing_that_a_request_asks_for() {
    let authority = authority();
    let request = ParsedRequest::parse(&fixture("good-asks-for-everything")).unwrap();
    let key = request.admit(&authority, &BTreeSet::new()).unwrap();
    let issued = authority.sign_agent(&label("attic"), &key, now()).unwrap();

    let (_, certificate) = X509Certificate::from_der(issued.der()).unwrap();
    assert_eq!(
        certificate.subject().to_string(),
        "CN=agent:attic, O=Portlama"
    );
    assert!(!certificate.is_ca());
    assert!(certificate.subject_alternative_name().unwrap().is_none());
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert!(
        !certificate
            .key_usage()
            .unwrap()
            .unwrap()
            .value
            .key_cert_sign()
    );
    let mut extensions: Vec<_> = certificate
        .extensions()
        .iter()
        .map(common::oid_text)
        .collect();
    extensions.sort();
    // Subject key id, key usage, basic constraints, authority key id, extended key usage.
    assert_eq!(
        extensions,
        [
            "2.5.29.14",
            "2.5.29.15",
            "2.5.29.19",
            "2.5.29.35",
            "2.5.29.37"
        ]
    );
}

#[test]
fn refuses_the_key_of_the_authority() {
    let authority = authority();
    let own = AgentKey::from_pem(authority.key_pem()).unwrap();
    let request = ParsedRequest::parse(&own.request(&label("a")).unwrap()).unwrap();
    assert_eq!(
        request.admit(&authority, &BTreeSet::new()).map(drop),
        Err(CsrError::KeyOfAuthority)
    );
}

#[test]
fn refuses_the_key_of_a_revoked_certificate() {
    let authority = authority();
    let (issued, key) = agent(&authority);
    let request = ParsedRequest::parse(&key.request(&label("a")).unwrap()).unwrap();
    assert_eq!(request.key_digest(), issued.key_digest());
    let revoked = BTreeSet::from([issued.key_digest()]);
    assert_eq!(
        request.admit(&authority, &revoked).map(drop),
        Err(CsrError::RevokedKey)
    );
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_panic(text in "(?s).{0,400}") {
        let _ = ParsedRequest::parse(&text);
    }

    #[test]
    fn any_octets_in_a_block_are_parsed_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(ParsedRequest::parse(&pem(&octets)).is_err());
    }

    #[test]
    fn a_changed_request_is_never_accepted_with_another_key(
        which in 0..4_usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let names = ["good-p256", "good-p384", "good-rsa-2048", "good-asks-for-everything"];
        let original = fixture(names[which]);
        let digest = ParsedRequest::parse(&original).unwrap().key_digest();
        let mut octets = der(&original);
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if let Some(cut) = cut {
            octets.truncate(cut.index(octets.len()));
        }
        if let Ok(request) = ParsedRequest::parse(&pem(&octets)) {
            prop_assert_eq!(request.key_digest(), digest);
        }
    }
}

fn der(pem: &str) -> Vec<u8> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let digits = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{digits}\n-----END CERTIFICATE REQUEST-----\n")
}
