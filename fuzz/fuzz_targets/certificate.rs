//! A certificate in DER, as each end of a TLS handshake presents it to the other.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portlama_model::Timestamp;
use portlama_pki::{ClientTrust, ca_fingerprint, certificate_from_pem, verify_server};
use rustls_pki_types::{CertificateDer, ServerName};

/// The authority of the corpus's leaves.
static CA: LazyLock<CertificateDer<'static>> = LazyLock::new(|| {
    certificate_from_pem(include_str!("../data/ca.crt")).expect("a committed certificate")
});
static CLIENTS: LazyLock<ClientTrust> =
    LazyLock::new(|| ClientTrust::new(&CA).expect("a committed certificate"));

fuzz_target!(|der: &[u8]| {
    let leaf = CertificateDer::from(der);
    let chain = [leaf.clone()];
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    if let Ok(client) = CLIENTS.verify(&chain) {
        let _ = client.is_current(now);
    }
    let name = ServerName::try_from("panel.example.com").expect("a name");
    let pinned = ca_fingerprint(&CA).expect("a committed certificate");
    let _ = verify_server(&chain, &name, Some(&CA), &pinned, now);
    // The same octets as an authority: a client that knows a fingerprint alone reads them so.
    if let Ok(trust) = ClientTrust::new(&leaf) {
        let _ = trust.verify(&chain);
    }
    if let Ok(pinned) = ca_fingerprint(&leaf) {
        let _ = verify_server(&[leaf.clone(), leaf], &name, None, &pinned, now);
    }
});
