//! The file in which the admin carries certificate and key to a browser.

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};
use portlama_model::Secret;
use rustls_pki_types::CertificateDer;

use crate::{IssueError, IssuedKeyPair};

/// Rounds of the PKCS#12 key derivation and MAC: what macOS writes itself. The file's strength
/// is its random password's.
pub const PKCS12_ITERATIONS: u32 = 2048;

/// Packs key, certificate and CA certificate, protected by `password`.
///
/// The encryption is 3DES with a SHA-1 MAC, because the macOS keychain imports nothing newer
/// in every version in use; so `password` must be random and long.
///
/// # Errors
/// [`IssueError::Pkcs12`] when the file cannot be made.
pub fn client_p12(
    pair: &IssuedKeyPair,
    ca: &CertificateDer<'_>,
    friendly_name: &str,
    password: &Secret,
) -> Result<Vec<u8>, IssueError> {
    let chain = [pair.certificate().der(), ca];
    pack(pair.pkcs8(), chain, friendly_name, password).map_err(IssueError::Pkcs12)
}

/// The same of a key that was made elsewhere: PKCS#8 octets, and its chain, leaf first.
pub(crate) fn pack(
    key: &[u8],
    chain: [&CertificateDer<'_>; 2],
    friendly_name: &str,
    password: &Secret,
) -> p12_keystore::Result<Vec<u8>> {
    let [certificate, ca] = chain;
    let chain = [
        Certificate::from_der(certificate)?,
        Certificate::from_der(ca)?,
    ];
    let key = PrivateKey::from_der(key)?;
    let mut store = KeyStore::new();
    store.add_entry(
        friendly_name,
        KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(friendly_name, key, chain)),
    );
    store
        .writer(password.expose())
        .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
        .encryption_iterations(PKCS12_ITERATIONS)
        .mac_algorithm(MacAlgorithm::HmacSha1)
        .mac_iterations(PKCS12_ITERATIONS)
        .write()
}
