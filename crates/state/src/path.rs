//! Names of the files that a commit may write.

use std::borrow::Cow;

use portlama_model::{AgentLabel, Hostname};

use crate::StateError;

/// The longest path below the state directory, octets. Names of hosts are at most 253 octets
/// (RFC 1035 §2.3.4), so the longest of ours, `certificates/<host>/fullchain.pem`, fits.
pub const MAX_PATH_BYTES: usize = 320;

/// The longest part between two slashes, octets: what common file systems store (NAME_MAX),
/// less the four of `.tmp`.
pub const MAX_SEGMENT_BYTES: usize = 251;

/// The folders below which files may be written next to the documents.
const FOLDERS: [&str; 2] = ["pki", "certificates"];

/// The path of a key, a certificate or a similar file, relative to the state directory.
///
/// It lies below `pki/` or `certificates/`, its parts are of `A-Z a-z 0-9 . _ -`, and it is
/// neither a document of the state nor a temporary file. The mode follows from the path, so
/// that no caller can write a key that others read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Cow<'static, str>);

impl FilePath {
    /// The CA's private key.
    pub const CA_KEY: Self = Self(Cow::Borrowed("pki/ca.key"));
    /// The CA's certificate.
    pub const CA_CERT: Self = Self(Cow::Borrowed("pki/ca.crt"));
    /// The admin's private key.
    pub const CLIENT_KEY: Self = Self(Cow::Borrowed("pki/client.key"));
    /// The admin's certificate.
    pub const CLIENT_CERT: Self = Self(Cow::Borrowed("pki/client.crt"));
    /// The admin's key and certificate for a browser.
    pub const CLIENT_P12: Self = Self(Cow::Borrowed("pki/client.p12"));
    /// The password of [`CLIENT_P12`](Self::CLIENT_P12).
    pub const P12_PASSWORD: Self = Self(Cow::Borrowed("pki/.p12-password"));
    /// The private key of the admin's certificate before the present one.
    pub const CLIENT_KEY_BACKUP: Self = Self(Cow::Borrowed("pki/client.key.bak"));
    /// The admin's certificate before the present one.
    pub const CLIENT_CERT_BACKUP: Self = Self(Cow::Borrowed("pki/client.crt.bak"));
    /// Both for a browser.
    pub const CLIENT_P12_BACKUP: Self = Self(Cow::Borrowed("pki/client.p12.bak"));
    /// The password of [`CLIENT_P12_BACKUP`](Self::CLIENT_P12_BACKUP).
    pub const P12_PASSWORD_BACKUP: Self = Self(Cow::Borrowed("pki/.p12-password.bak"));
    /// The certificate that browsers see on the bare address.
    pub const SELF_SIGNED_CERT: Self = Self(Cow::Borrowed("pki/self-signed.pem"));
    /// The key of [`SELF_SIGNED_CERT`](Self::SELF_SIGNED_CERT).
    pub const SELF_SIGNED_KEY: Self = Self(Cow::Borrowed("pki/self-signed-key.pem"));

    /// Checks a path given as text.
    ///
    /// # Errors
    /// [`StateError::BadPath`] with the rule it breaks.
    pub fn new(path: impl Into<String>) -> Result<Self, StateError> {
        let path = path.into();
        match broken_rule(&path) {
            None => Ok(Self(Cow::Owned(path))),
            Some(problem) => Err(StateError::BadPath { path, problem }),
        }
    }

    /// The certificate chain visitors of `host` see.
    #[must_use]
    pub fn host_chain(host: &Hostname) -> Self {
        Self(Cow::Owned(format!("certificates/{host}/fullchain.pem")))
    }

    /// The private key of [`host_chain`](Self::host_chain).
    #[must_use]
    pub fn host_key(host: &Hostname) -> Self {
        Self(Cow::Owned(format!("certificates/{host}/privkey.pem")))
    }

    /// The private key that was made for an agent.
    #[must_use]
    pub fn agent_key(label: &AgentLabel) -> Self {
        Self(Cow::Owned(format!("pki/agents/{label}/client.key")))
    }

    /// The certificate of [`agent_key`](Self::agent_key).
    #[must_use]
    pub fn agent_cert(label: &AgentLabel) -> Self {
        Self(Cow::Owned(format!("pki/agents/{label}/client.crt")))
    }

    /// Both in the file that is carried to the agent.
    #[must_use]
    pub fn agent_p12(label: &AgentLabel) -> Self {
        Self(Cow::Owned(format!("pki/agents/{label}/client.p12")))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The permissions of the file: 0644 for certificates, 0600 for everything else.
    #[must_use]
    pub fn mode(&self) -> u32 {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        let public = name.ends_with(".crt") || name == "self-signed.pem" || name == "fullchain.pem";
        if public { 0o644 } else { 0o600 }
    }
}

impl std::fmt::Display for FilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rule that `path` breaks, if any.
fn broken_rule(path: &str) -> Option<&'static str> {
    let mut segments = path.split('/');
    let folder = segments.next().unwrap_or_default();
    if path.len() > MAX_PATH_BYTES {
        return Some("it is too long");
    }
    if !FOLDERS.contains(&folder) || segments.clone().next().is_none() {
        return Some("files lie below `pki/` or `certificates/`");
    }
    if segments.clone().count() > 3 {
        return Some("folders are at most three deep");
    }
    if !segments.all(is_plain_segment) {
        return Some("its parts must be of A-Z, a-z, 0-9, dot, underscore and hyphen");
    }
    if path.ends_with(".tmp") {
        return Some("temporary files are not kept");
    }
    if crate::Document::ALL
        .iter()
        .any(|document| document.path() == path)
    {
        return Some("it is a document and is written as one");
    }
    None
}

fn is_plain_segment(segment: &str) -> bool {
    (1..=MAX_SEGMENT_BYTES).contains(&segment.len())
        && segment != "."
        && segment != ".."
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_its_folders() {
        for bad in [
            "",
            "pki",
            "pki/",
            "/pki/a",
            "pki/../panel.json",
            "pki//a",
            "certificates/./a",
            "panel.json",
            "lock",
            "runtime.db",
            "pki/a b",
            "pki/a.tmp",
            "pki/a/b/c/d",
            "pki/revoked.json",
            "pki/agents/registry.json",
            "pki/a\0b",
            &format!("pki/{}", "a".repeat(252)),
        ] {
            assert!(FilePath::new(bad).is_err(), "{bad}");
        }
        for good in [
            "pki/client.p12.bak",
            "pki/agents/attic-nas/client.key",
            "certificates/a.example/privkey.pem",
        ] {
            assert!(FilePath::new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn only_certificates_are_readable_by_others() {
        for (path, mode) in [
            (FilePath::CA_KEY, 0o600),
            (FilePath::CA_CERT, 0o644),
            (FilePath::CLIENT_P12, 0o600),
            (FilePath::P12_PASSWORD, 0o600),
            (FilePath::SELF_SIGNED_CERT, 0o644),
            (FilePath::SELF_SIGNED_KEY, 0o600),
        ] {
            assert_eq!(path.mode(), mode, "{path}");
        }
    }
}
