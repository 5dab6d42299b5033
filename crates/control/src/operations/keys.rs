//! Keys and serials: what is revoked stays revoked, and its key is not certified again.

use std::collections::BTreeSet;

use portlama_model::{AgentEntry, Revocation, Secret, Serial, State, Timestamp};
use portlama_pki::{Authority, IssueError, IssuedCertificate, IssuedKeyPair, Sha256, client_p12};
use portlama_state::FilePath;
use serde_json::{Map, Value};

use crate::random::octets;
use crate::writer::Files;
use crate::{OperationError, Step};

/// Octets of the password of a P12 file that is handed over through the API: 128 random bits,
/// 32 hexadecimal digits.
pub const P12_PASSWORD_BYTES: usize = 16;

/// The member of a registry entry that holds the SHA-256 of the agent's public key.
const PUBLIC_KEY: &str = "publicKeySha256";

/// A certificate that was signed for its holder's own key.
#[derive(Debug, Clone)]
pub struct SignedClient {
    /// The certificate, PEM.
    pub cert: String,
    /// The authority's certificate, PEM.
    pub ca_cert: String,
    /// Its serial.
    pub serial: Serial,
    /// Until when.
    pub expires_at: Timestamp,
}

impl SignedClient {
    pub(crate) fn of(certificate: &IssuedCertificate, authority: &Authority) -> Self {
        Self {
            cert: certificate.pem(),
            ca_cert: authority.certificate_pem(),
            serial: certificate.serial().clone(),
            expires_at: certificate.validity().not_after,
        }
    }
}

/// A key pair with the file in which it is handed over.
pub(crate) struct Packed {
    pub(crate) pair: IssuedKeyPair,
    pub(crate) p12: Vec<u8>,
    pub(crate) password: Secret,
}

impl Packed {
    /// Packs a key pair under a new password.
    pub(crate) fn of(
        pair: IssuedKeyPair,
        authority: &Authority,
        friendly_name: &str,
    ) -> Result<Self, IssueError> {
        let password = Secret::new(hex::encode(octets::<P12_PASSWORD_BYTES>()));
        let ca = authority.certificate_der();
        let p12 = client_p12(&pair, ca, friendly_name, &password)?;
        Ok(Self {
            pair,
            p12,
            password,
        })
    }

    /// The files that an admin who is made here is given: key, certificate, P12 and its password.
    pub(crate) fn admin_files(&self) -> Files {
        let certificate = self.pair.certificate().pem();
        [
            (FilePath::CLIENT_KEY, self.pair.key_pem().expose().into()),
            (FilePath::CLIENT_CERT, certificate.into_bytes()),
            (FilePath::CLIENT_P12, self.p12.clone()),
            (FilePath::P12_PASSWORD, self.password.expose().into()),
        ]
        .map(|(path, content)| (path, Some(content)))
        .into()
    }
}

/// What a registry entry remembers of a certificate's key.
pub(crate) fn remembered(certificate: &IssuedCertificate) -> Map<String, Value> {
    remembered_text(certificate.key_digest().to_string())
}

/// The same of a key by its digest in hexadecimal.
pub(crate) fn remembered_text(digest: String) -> Map<String, Value> {
    [(PUBLIC_KEY.to_owned(), digest.into())]
        .into_iter()
        .collect()
}

/// The digest of the key of an entry's own certificate, where the entry remembers it.
pub(crate) fn remembered_of(entry: &AgentEntry) -> Option<String> {
    let stored = entry.extra.get(PUBLIC_KEY)?.as_str()?;
    Some(stored.to_owned())
}

/// Makes an entry remember the key that another one does, or none.
pub(crate) fn remember_as(entry: &mut AgentEntry, other: &AgentEntry) {
    match remembered_of(other) {
        Some(digest) => entry.extra.extend(remembered_text(digest)),
        None => drop(entry.extra.remove(PUBLIC_KEY)),
    }
}

/// The digests of keys whose certificate was revoked: none of them is certified again.
pub(crate) fn revoked(state: &State) -> BTreeSet<Sha256> {
    let agents = state.registry.agents.iter().filter(|agent| agent.revoked);
    let of_agents = agents.filter_map(|agent| agent.extra.get(PUBLIC_KEY)?.as_str());
    let of_serials = state
        .revoked
        .revoked
        .iter()
        .filter_map(|revoked| revoked.public_key.as_deref());
    of_agents.chain(of_serials).filter_map(digest).collect()
}

/// The digests of the admin's live keys, as far as they are known.
pub(crate) fn of_admin(state: &State) -> BTreeSet<Sha256> {
    let stored = state.panel.admin.public_keys.values();
    stored.filter_map(|stored| digest(stored)).collect()
}

/// Makes a serial nobody's, for ever. `key` is its public key where the entry that had it does
/// not remember it.
pub(crate) fn revoke(
    state: &mut State,
    serial: &Serial,
    label: String,
    key: Option<Sha256>,
    now: Timestamp,
) {
    revoke_stored(state, serial, label, key.map(|key| key.to_string()), now);
}

/// The same with the key's digest in hexadecimal.
pub(crate) fn revoke_stored(
    state: &mut State,
    serial: &Serial,
    label: String,
    key: Option<String>,
    now: Timestamp,
) {
    let admin = &mut state.panel.admin;
    admin.serials.retain(|known| known != serial);
    let stored = admin.public_keys.remove(serial);
    let revoked = &mut state.revoked.revoked;
    if revoked.iter().any(|known| known.serial == *serial) {
        return;
    }
    revoked.push(Revocation {
        serial: serial.clone(),
        label,
        revoked_at: now,
        public_key: key.or(stored),
    });
}

pub(crate) fn certificate_failed(error: IssueError) -> OperationError {
    OperationError::Failed {
        step: Step::Certificate,
        source: error.into(),
    }
}

fn digest(stored: &str) -> Option<Sha256> {
    let octets: [u8; 32] = hex::decode(stored).ok()?.try_into().ok()?;
    Some(Sha256::from_bytes(octets))
}
