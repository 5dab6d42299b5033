//! Keys in OpenSSH's form.

use portlama_model::Secret;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey};

use super::SshError;

/// An ed25519 key pair. It lives in memory only.
#[derive(Debug, Clone)]
pub struct SshKeyPair(PrivateKey);

impl SshKeyPair {
    /// A new one.
    ///
    /// # Errors
    /// [`SshError::Key`].
    pub fn generate(comment: &str) -> Result<Self, SshError> {
        let mut rng = russh::keys::key::safe_rng();
        let mut key = PrivateKey::random(&mut rng, Algorithm::Ed25519).map_err(key_error)?;
        key.set_comment(comment);
        Ok(Self(key))
    }

    /// The private half in OpenSSH's form.
    ///
    /// # Errors
    /// [`SshError::Key`].
    pub fn private_openssh(&self) -> Result<Secret, SshError> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(key_error)?;
        Ok(Secret::new(text.as_str()))
    }

    /// The public half as a line of `authorized_keys`, its comment included.
    ///
    /// # Errors
    /// [`SshError::Key`].
    pub fn public_openssh(&self) -> Result<String, SshError> {
        self.0.public_key().to_openssh().map_err(key_error)
    }

    /// The public half as what a server is known by.
    #[must_use]
    pub fn host_key(&self) -> HostKey {
        HostKey(self.0.public_key().clone())
    }

    pub(super) fn private(&self) -> &PrivateKey {
        &self.0
    }
}

/// What a server is known by: its public key.
#[derive(Debug, Clone)]
pub struct HostKey(PublicKey);

impl HostKey {
    /// Reads a line as it stands in `/etc/ssh/ssh_host_ed25519_key.pub`.
    ///
    /// # Errors
    /// [`SshError::Key`], for keys of another kind, too.
    pub fn parse(line: &str) -> Result<Self, SshError> {
        let key = PublicKey::from_openssh(line.trim()).map_err(key_error)?;
        match key.algorithm() {
            Algorithm::Ed25519 => Ok(Self(key)),
            other => Err(SshError::Key(format!("{other} instead of ed25519"))),
        }
    }

    /// Kind and key, without a comment: as it stands in `known_hosts`.
    ///
    /// # Errors
    /// [`SshError::Key`].
    pub fn to_line(&self) -> Result<String, SshError> {
        PublicKey::new(self.0.key_data().clone(), "")
            .to_openssh()
            .map(|line| line.trim_end().to_owned())
            .map_err(key_error)
    }

    /// Whether this is that key; comments don't count.
    pub(super) fn is(&self, key: &PublicKey) -> bool {
        self.0.key_data() == key.key_data()
    }
}

impl PartialEq for HostKey {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for HostKey {}

fn key_error(error: impl std::fmt::Display) -> SshError {
    SshError::Key(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_openssh_form_and_its_private_half_does_not_print() {
        let key = SshKeyPair::generate("portlama-provisioning").expect("a key");
        let public = key.public_openssh().expect("text");
        assert!(public.starts_with("ssh-ed25519 ") && public.ends_with(" portlama-provisioning"));
        let private = key.private_openssh().expect("text");
        let begins = private
            .expose()
            .starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n");
        assert!(begins);
        let body = private.expose().lines().nth(1).expect("a line").to_owned();
        assert!(!format!("{key:?}").contains(&body));
    }

    #[test]
    fn a_host_key_is_the_same_under_another_comment() {
        let key = SshKeyPair::generate("one").expect("a key");
        let line = key.host_key().to_line().expect("text");
        let same = HostKey::parse(&format!("{line} root@vps\n")).expect("a key");
        assert_eq!(same, key.host_key());
        assert_eq!(same.to_line().expect("text"), line);
        let other = SshKeyPair::generate("one").expect("a key");
        assert_ne!(other.host_key(), key.host_key());
    }
}
