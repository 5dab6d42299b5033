//! Answers to challenges.

use portlama_model::Hostname;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// What shows that a name is ours.
#[derive(Debug)]
pub enum ChallengeAnswer {
    /// Served in the handshake by which the authority asks for `acme-tls/1` (RFC 8737 §3).
    TlsAlpn01 {
        /// Self-signed, for the host alone, with the critical `acmeIdentifier` extension.
        certificate: CertificateDer<'static>,
        /// The certificate's key.
        key: PrivateKeyDer<'static>,
    },
    /// A TXT record (RFC 8555 §8.4). A name and its wildcard may have one each at the same place.
    Dns01 {
        /// `_acme-challenge.` and the host, without a trailing dot.
        record: String,
        /// The text of the record.
        value: String,
    },
}

impl ChallengeAnswer {
    /// The certificate that carries the digest of the key authorisation.
    pub(crate) fn tls_alpn_01(host: &Hostname, digest: &[u8]) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(vec![host.to_string()])?;
        params.distinguished_name = DistinguishedName::new();
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self::TlsAlpn01 {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }

    /// The record that carries the digest of the key authorisation.
    pub(crate) fn dns_01(host: &Hostname, value: String) -> Self {
        Self::Dns01 {
            record: format!("_acme-challenge.{host}"),
            value,
        }
    }
}
