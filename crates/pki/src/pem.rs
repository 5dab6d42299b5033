//! The text form of certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::CertificateError;
use crate::certificate::Parsed;

/// Characters of base64 on a line of PEM (RFC 7468 §2).
const LINE: usize = 64;

/// The first certificate of a PEM text.
///
/// # Errors
/// When there is none, or it is not a certificate.
pub fn certificate_from_pem(text: &str) -> Result<CertificateDer<'static>, CertificateError> {
    let der = CertificateDer::from_pem_slice(text.as_bytes())
        .map_err(|_| CertificateError::NoPemBlock)?;
    Parsed::of(&der)?;
    Ok(der)
}

/// A certificate as PEM text.
#[must_use]
pub fn certificate_to_pem(der: &CertificateDer<'_>) -> String {
    let digits = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}
