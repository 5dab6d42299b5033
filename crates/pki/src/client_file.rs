//! The file in which somebody carries certificate and key: PKCS#12, read with any encryption that
//! OpenSSL, browsers and earlier installations write.

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;
use portlama_model::{CaFingerprint, Secret};
use rustls_pki_types::CertificateDer;

use crate::pkcs12::pack;
use crate::{AgentKey, ClientTrust, IssueError, VerifiedClient, ca_fingerprint};

/// The largest PKCS#12 file that is read, bytes. One with an RSA-4096 key and a chain has 7 kB.
pub const MAX_CLIENT_FILE_BYTES: usize = 256 * 1024;
/// The most certificates in one that are looked at. A client's has two.
const MAX_CERTIFICATES: usize = 16;

/// What a PKCS#12 file of a client holds: a key, its certificate, and the authority that issued
/// it. They fit together; whether they hold today is not judged.
#[derive(Debug)]
pub struct ClientFile {
    key: AgentKey,
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    fingerprint: CaFingerprint,
    client: VerifiedClient,
}

/// Why a file brings no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientFileError {
    /// More than [`MAX_CLIENT_FILE_BYTES`].
    #[error(
        "the file is larger than {MAX_CLIENT_FILE_BYTES} bytes: it is no client's PKCS#12 file"
    )]
    TooLarge,
    /// The password does not open it.
    #[error("the password is wrong")]
    Password,
    /// It is damaged, or something else.
    #[error("the file is no PKCS#12 file that can be read: download it again")]
    Unreadable(#[source] Error),
    /// There is no key in it.
    #[error("the file holds no private key: download the one that the panel made for the agent")]
    NoKey,
    /// Its key is of a kind that is not used here.
    #[error("the key in the file cannot be used: it must be ECDSA P-256 or RSA")]
    Key(#[source] crate::KeyError),
    /// No certificate in it is the key's and issued by another one in it.
    #[error(
        "the file does not hold the key's certificate together with the authority that issued it: download it again from the panel, or use a token"
    )]
    NoChain,
}

impl ClientFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`ClientFileError`].
    pub fn open(bytes: &[u8], password: &Secret) -> Result<Self, ClientFileError> {
        if bytes.len() > MAX_CLIENT_FILE_BYTES {
            return Err(ClientFileError::TooLarge);
        }
        let archive =
            Pkcs12Archive::from_pkcs12(bytes, password.expose()).map_err(|error| match error {
                Error::MacError(_) => ClientFileError::Password,
                other => ClientFileError::Unreadable(other),
            })?;
        let key = archive.keys.first().ok_or(ClientFileError::NoKey)?;
        let key = AgentKey::from_pkcs8(key.key.as_der()).map_err(ClientFileError::Key)?;
        let certificates: Vec<CertificateDer<'static>> = archive
            .certs
            .iter()
            .take(MAX_CERTIFICATES)
            .map(|bag| CertificateDer::from(bag.cert.as_der().to_vec()))
            .collect();
        Self::assemble(key, &certificates).ok_or(ClientFileError::NoChain)
    }

    /// Joins a key that was made here with what the authority answered to its request.
    ///
    /// # Errors
    /// [`ClientFileError::NoChain`] when they do not belong together.
    pub fn join(
        key: AgentKey,
        certificate: CertificateDer<'static>,
        authority: CertificateDer<'static>,
    ) -> Result<Self, ClientFileError> {
        Self::assemble(key, &[certificate, authority]).ok_or(ClientFileError::NoChain)
    }

    /// Packs it as the server packs one, protected by `password`, which must be random and long:
    /// see [`client_p12`](crate::client_p12).
    ///
    /// # Errors
    /// [`IssueError::Pkcs12`].
    pub fn pack(&self, friendly_name: &str, password: &Secret) -> Result<Vec<u8>, IssueError> {
        let chain = [&self.certificate, &self.authority];
        pack(self.key.pkcs8(), chain, friendly_name, password).map_err(IssueError::Pkcs12)
    }

    /// Finds the authority and the certificate that it issued for the key.
    fn assemble(key: AgentKey, certificates: &[CertificateDer<'static>]) -> Option<Self> {
        for authority in certificates {
            let (Ok(trust), Ok(fingerprint)) =
                (ClientTrust::new(authority), ca_fingerprint(authority))
            else {
                continue;
            };
            for certificate in certificates.iter().filter(|other| *other != authority) {
                let Ok(client) = trust.verify(std::slice::from_ref(certificate)) else {
                    continue;
                };
                if client.key_digest() == key.digest() {
                    return Some(Self {
                        key,
                        certificate: certificate.clone(),
                        authority: authority.clone(),
                        fingerprint,
                        client,
                    });
                }
            }
        }
        None
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &AgentKey {
        &self.key
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The authority that issued it.
    #[must_use]
    pub fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// The authority's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> &CaFingerprint {
        &self.fingerprint
    }

    /// Whom the certificate names, and until when.
    #[must_use]
    pub fn client(&self) -> &VerifiedClient {
        &self.client
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portlama_model::Timestamp;

    use super::*;
    use crate::{Authority, ParsedRequest, Subject, client_p12};

    fn packed(password: &str) -> (Authority, Vec<u8>) {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let (authority, _) = Authority::create(now).expect("an authority");
        let label = "attic".parse().expect("a label");
        let pair = authority.issue_agent(&label, now).expect("issued");
        let file = client_p12(
            &pair,
            authority.certificate_der(),
            "attic",
            &Secret::new(password),
        );
        let file = file.expect("packed");
        (authority, file)
    }

    #[test]
    fn a_file_that_the_server_packed_is_an_agent_of_its_authority() {
        let (authority, file) = packed("a password");
        let opened = ClientFile::open(&file, &Secret::new("a password")).expect("opened");
        assert_eq!(
            *opened.client().subject(),
            Subject::Agent("attic".parse().expect("a label"))
        );
        assert_eq!(*opened.fingerprint(), authority.fingerprint());
        assert_eq!(opened.key().digest(), opened.client().key_digest());
    }

    #[test]
    fn a_key_and_the_answer_to_its_request_make_a_file_that_opens() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let (authority, _) = Authority::create(now).expect("an authority");
        let key = AgentKey::generate().expect("a key");
        let request = ParsedRequest::parse(&key.admin_request().expect("text")).expect("fits");
        let admitted = request.admit(&authority, &BTreeSet::new()).expect("fits");
        let signed = authority.sign_admin(&admitted, now).expect("signed");
        let ca = authority.certificate_der().clone();
        let file = ClientFile::join(key, signed.der().clone(), ca.clone()).expect("they fit");
        let password = Secret::new("a password");
        let packed = file.pack("Portlama admin", &password).expect("packed");
        let opened = ClientFile::open(&packed, &password).expect("opened");
        assert_eq!(*opened.client().subject(), Subject::Admin);
        assert_eq!(opened.key().digest(), file.key().digest());
        let other = AgentKey::generate().expect("a key");
        let joined = ClientFile::join(other, signed.der().clone(), ca);
        assert!(matches!(joined, Err(ClientFileError::NoChain)));
    }

    #[test]
    fn a_wrong_password_is_told_apart_from_a_damaged_file() {
        let (_, mut file) = packed("a password");
        for wrong in ["", "another"] {
            let refused = ClientFile::open(&file, &Secret::new(wrong));
            assert!(
                matches!(refused, Err(ClientFileError::Password)),
                "{refused:?}"
            );
        }
        file.truncate(file.len() / 2);
        let refused = ClientFile::open(&file, &Secret::new("a password"));
        assert!(matches!(refused, Err(ClientFileError::Unreadable(_))));
        let refused = ClientFile::open(&vec![0; MAX_CLIENT_FILE_BYTES + 1], &Secret::new(""));
        assert!(matches!(refused, Err(ClientFileError::TooLarge)));
    }
}
