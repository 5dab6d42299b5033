//! Secrets in one file, encrypted with a passphrase: for machines without a desktop.
//!
//! The file is one of the program `age`, so that its owner can open it without us
//! (`age --decrypt credentials.age`). Inside is a JSON object: services, and in each its accounts.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, scrypt};
use portlama_files::{self as files, FileError, FileLock};
use portlama_model::Secret;
use zeroize::Zeroizing;

use crate::{Cause, CredentialError, CredentialName, CredentialStore};

/// The fewest characters of a passphrase: whoever has the file may try for ever.
pub const MIN_PASSPHRASE_CHARACTERS: usize = 12;
/// What trying a passphrase costs: 2^17 blocks of 1 KiB, the least that OWASP names for scrypt.
pub const SCRYPT_LOG_N: u8 = 17;
/// The most that is spent on a file that another program wrote: 1 GiB.
pub const MAX_SCRYPT_LOG_N: u8 = 20;

/// Which passphrase is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The one of a file that is going to be made: a person repeats it.
    New,
    /// The one of the file that is there.
    Existing,
}

/// Asks for a passphrase.
pub type AskPassphrase = dyn Fn(Occasion, &Path) -> Result<Secret, Cause> + Send + Sync;

/// The file. Its passphrase is asked for when it is needed first, and once.
pub struct EncryptedFile {
    path: PathBuf,
    ask: Box<AskPassphrase>,
    /// Held while the file is used, so that a person is asked once.
    passphrase: Mutex<Option<Secret>>,
}

type Content = BTreeMap<String, BTreeMap<String, Secret>>;

impl EncryptedFile {
    /// Opens and makes nothing yet.
    #[must_use]
    pub fn at(path: PathBuf, ask: Box<AskPassphrase>) -> Self {
        Self {
            path,
            ask,
            passphrase: Mutex::new(None),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Content) -> bool) -> Result<(), CredentialError> {
        let mut passphrase = self.passphrase();
        let folder = self.folder()?;
        files::create_private_dir(folder)?;
        let _turn = FileLock::wait(&folder.join(".credentials.lock"))?;
        let mut content = self.content(&mut passphrase)?;
        if !change(&mut content) {
            return Ok(());
        }
        let known = self.known(&mut passphrase, Occasion::New)?;
        let sealed = self.sealed(&content, &known)?;
        Ok(files::write_private(&self.path, &sealed)?)
    }

    fn content(&self, passphrase: &mut Option<Secret>) -> Result<Content, CredentialError> {
        let Some(sealed) = files::read_octets(&self.path)? else {
            return Ok(Content::new());
        };
        let known = self.known(passphrase, Occasion::Existing)?;
        let opened = self.opened(&sealed, &known);
        if matches!(opened, Err(CredentialError::WrongPassphrase { .. })) {
            *passphrase = None;
        }
        opened
    }

    fn known(
        &self,
        passphrase: &mut Option<Secret>,
        occasion: Occasion,
    ) -> Result<Secret, CredentialError> {
        if let Some(known) = passphrase {
            return Ok(known.clone());
        }
        let asked = (self.ask)(occasion, &self.path);
        let asked = asked.map_err(|source| CredentialError::NoPassphrase {
            path: self.path.clone(),
            source,
        })?;
        let length = asked.expose().chars().count();
        if occasion == Occasion::New && length < MIN_PASSPHRASE_CHARACTERS {
            return Err(CredentialError::WeakPassphrase);
        }
        *passphrase = Some(asked.clone());
        Ok(asked)
    }

    fn opened(&self, sealed: &[u8], passphrase: &Secret) -> Result<Content, CredentialError> {
        let mut identity = scrypt::Identity::new(exposed(passphrase));
        identity.set_max_work_factor(MAX_SCRYPT_LOG_N);
        let decryptor = Decryptor::new(sealed).map_err(|error| self.explained(error))?;
        let mut plain = decryptor
            .decrypt(std::iter::once(&identity as &dyn Identity))
            .map_err(|error| self.explained(error))?;
        let mut text = Zeroizing::new(String::new());
        plain
            .read_to_string(&mut text)
            .map_err(|error| self.not_ours(error))?;
        serde_json::from_str(&text).map_err(|error| {
            self.not_ours(format!("line {}, column {}", error.line(), error.column()))
        })
    }

    fn sealed(&self, content: &Content, passphrase: &Secret) -> Result<Vec<u8>, CredentialError> {
        let failed = |source: std::io::Error| FileError::Write {
            path: self.path.clone(),
            source,
        };
        let other = |error: Cause| failed(std::io::Error::other(error));
        let text = serde_json::to_vec(content).map_err(|error| other(error.into()))?;
        let text = Zeroizing::new(text);
        let mut recipient = scrypt::Recipient::new(exposed(passphrase));
        recipient.set_work_factor(SCRYPT_LOG_N);
        let to = std::iter::once(&recipient as &dyn Recipient);
        let encryptor = Encryptor::with_recipients(to).map_err(|error| other(error.into()))?;
        let mut sealed = Vec::new();
        let mut into = encryptor.wrap_output(&mut sealed).map_err(failed)?;
        into.write_all(&text).map_err(failed)?;
        into.finish().map_err(failed)?;
        Ok(sealed)
    }

    fn explained(&self, error: DecryptError) -> CredentialError {
        match error {
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                CredentialError::WrongPassphrase {
                    path: self.path.clone(),
                }
            }
            other => self.not_ours(other),
        }
    }

    fn not_ours(&self, reason: impl std::fmt::Display) -> CredentialError {
        CredentialError::NotOurs {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }

    fn folder(&self) -> Result<&Path, CredentialError> {
        let folder = self.path.parent();
        folder.ok_or_else(|| self.not_ours("it has no folder"))
    }

    fn passphrase(&self) -> std::sync::MutexGuard<'_, Option<Secret>> {
        self.passphrase
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialStore for EncryptedFile {
    fn read(&self, name: &CredentialName) -> Result<Option<Secret>, CredentialError> {
        let mut content = self.content(&mut self.passphrase())?;
        let service = content.remove(name.service);
        Ok(service.and_then(|mut accounts| accounts.remove(&name.account)))
    }

    fn write(&self, name: &CredentialName, secret: &Secret) -> Result<(), CredentialError> {
        self.change(|content| {
            let accounts = content.entry(name.service.to_owned()).or_default();
            accounts.insert(name.account.clone(), secret.clone());
            true
        })
    }

    fn remove(&self, name: &CredentialName) -> Result<(), CredentialError> {
        self.change(|content| {
            let accounts = content.get_mut(name.service);
            let removed = accounts.and_then(|accounts| accounts.remove(&name.account));
            content.retain(|_, accounts| !accounts.is_empty());
            removed.is_some()
        })
    }
}

fn exposed(passphrase: &Secret) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PASSPHRASE: &str = "correct horse battery";

    fn name(account: &str) -> CredentialName {
        CredentialName::new("com.portlama.test", account)
    }

    fn store(folder: &Path, passphrase: &'static str) -> (EncryptedFile, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let ask = move |_: Occasion, _: &Path| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Secret::new(passphrase))
        };
        let store = EncryptedFile::at(folder.join("credentials.age"), Box::new(ask));
        (store, asked)
    }

    #[test]
    fn a_passphrase_is_asked_for_once_and_not_before_there_is_something_to_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, asked) = store(folder.path(), PASSPHRASE);
        assert!(store.read(&name("one")).expect("asked").is_none());
        store.remove(&name("one")).expect("nothing to remove");
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        store.write(&name("one"), &Secret::new("1")).expect("kept");
        assert!(store.read(&name("one")).expect("read") == Some(Secret::new("1")));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_file_is_private_and_shows_nothing_of_what_it_keeps() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (store, _) = store(folder.path(), PASSPHRASE);
        store
            .write(&name("one"), &Secret::new("hunter2"))
            .expect("kept");
        let path = folder.path().join("credentials.age");
        let mode = std::fs::metadata(&path).expect("there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let octets = std::fs::read(&path).expect("read");
        let text = String::from_utf8_lossy(&octets);
        assert!(
            text.starts_with("age-encryption.org/v1\n-> scrypt"),
            "{text}"
        );
        assert!(!text.contains("hunter2") && !text.contains("com.portlama"));
    }

    #[test]
    fn another_passphrase_opens_nothing_and_is_asked_for_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (kept, _) = store(folder.path(), PASSPHRASE);
        kept.write(&name("one"), &Secret::new("1")).expect("kept");
        let (other, asked) = store(folder.path(), "another long passphrase");
        for _ in 0..2 {
            let refused = other.read(&name("one"));
            assert!(matches!(
                refused,
                Err(CredentialError::WrongPassphrase { .. })
            ));
        }
        let refused = other.write(&name("one"), &Secret::new("2"));
        assert!(matches!(
            refused,
            Err(CredentialError::WrongPassphrase { .. })
        ));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        assert!(kept.read(&name("one")).expect("read") == Some(Secret::new("1")));
    }

    #[test]
    fn a_short_passphrase_is_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, _) = store(folder.path(), "short");
        let refused = store.write(&name("one"), &Secret::new("1"));
        assert!(matches!(refused, Err(CredentialError::WeakPassphrase)));
        assert!(!folder.path().join("credentials.age").exists());
    }

    #[test]
    fn what_is_no_file_of_ours_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials.age");
        std::fs::write(&path, "something else").expect("written");
        let (store, _) = store(folder.path(), PASSPHRASE);
        let refused = store.write(&name("one"), &Secret::new("1"));
        assert!(matches!(refused, Err(CredentialError::NotOurs { .. })));
        let kept = std::fs::read_to_string(&path).expect("read");
        assert_eq!(kept, "something else");
    }
}
