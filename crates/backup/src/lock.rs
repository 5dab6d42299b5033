//! Who can open a backup.

use std::io::{Read, Write};

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, scrypt, x25519};
use portlama_model::Secret;

use crate::BackupError;

/// The fewest characters of a passphrase: whoever has the file may try for ever. Five words of a
/// list, or what a password manager makes, are longer.
pub const MIN_PASSPHRASE_CHARACTERS: usize = 12;

/// What trying a passphrase costs: 2^17 blocks of 1 KiB, which is the least that OWASP names for
/// scrypt, and 128 MiB that a server of 512 MB has.
pub const SCRYPT_LOG_N: u8 = 17;

/// The most that is spent on a passphrase of a backup that somebody else wrote: 1 GiB. The
/// program `age` takes 2^18.
pub const MAX_SCRYPT_LOG_N: u8 = 20;

/// The largest file with keys that is read, octets; a key has 74.
pub const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// What a backup is encrypted to.
pub enum Lock {
    /// Whoever has the key of one of these recipients.
    Recipients(Vec<Box<dyn Recipient + Send>>),
    /// Whoever knows the passphrase.
    Passphrase(Secret),
}

/// What opens a backup.
pub enum Key {
    /// Keys of recipients.
    Identities(Vec<x25519::Identity>),
    /// The passphrase.
    Passphrase(Secret),
}

impl Lock {
    /// The recipients with these names, `age1…`.
    ///
    /// # Errors
    /// When one is none.
    pub fn recipients<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, BackupError> {
        let recipient = |name: &str| -> Result<Box<dyn Recipient + Send>, BackupError> {
            let parsed = name.trim().parse::<x25519::Recipient>();
            let parsed = parsed.map_err(|why| {
                BackupError::BadKey(format!(
                    "`{name}` is no recipient ({why}): make one with `age-keygen`, it begins `age1`"
                ))
            })?;
            Ok(Box::new(parsed))
        };
        let all: Result<Vec<_>, _> = names.into_iter().map(recipient).collect();
        Ok(Self::Recipients(all?))
    }

    /// A new passphrase.
    ///
    /// # Errors
    /// When it is shorter than [`MIN_PASSPHRASE_CHARACTERS`].
    pub fn passphrase(passphrase: Secret) -> Result<Self, BackupError> {
        if passphrase.expose().chars().count() < MIN_PASSPHRASE_CHARACTERS {
            return Err(BackupError::BadKey(format!(
                "the passphrase must have {MIN_PASSPHRASE_CHARACTERS} characters at least: whoever has the file can try as often as they like"
            )));
        }
        Ok(Self::Passphrase(passphrase))
    }

    /// Encrypts what is written into it. It must be finished.
    pub(crate) fn encrypt<W: Write>(&self, out: W) -> Result<StreamWriter<W>, BackupError> {
        let encryptor = match self {
            Self::Recipients(all) => {
                Encryptor::with_recipients(all.iter().map(|one| &**one as &dyn Recipient))
            }
            Self::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(exposed(passphrase));
                recipient.set_work_factor(SCRYPT_LOG_N);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient))
            }
        };
        let encryptor = encryptor.map_err(|error| BackupError::BadKey(error.to_string()))?;
        encryptor.wrap_output(out).map_err(BackupError::Write)
    }
}

impl Key {
    /// The keys in a file that `age-keygen` made.
    ///
    /// # Errors
    /// When there is something else in it.
    pub fn from_file(content: impl Read) -> Result<Self, BackupError> {
        let bad = |why: String| BackupError::BadKey(format!("the key file cannot be used: {why}"));
        let text = std::io::read_to_string(content.take(MAX_KEY_FILE_BYTES));
        let text = Secret::new(text.map_err(|error| bad(error.to_string()))?);
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(text.expose().lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself stands in no message: it may be a key of another kind.
            let key = line.parse::<x25519::Identity>();
            keys.push(key.map_err(|_| bad(format!("line {number} is no key of age")))?);
        }
        if keys.is_empty() {
            return Err(bad("it holds no key".to_owned()));
        }
        Ok(Self::Identities(keys))
    }

    /// Decrypts what is read from it.
    pub(crate) fn decrypt<R: Read>(&self, input: R) -> Result<StreamReader<R>, BackupError> {
        let decryptor = Decryptor::new(input).map_err(explained)?;
        match self {
            Self::Passphrase(_) if !decryptor.is_scrypt() => Err(BackupError::OtherKind(
                "the backup was made for a key, not for a passphrase: give the file with `--identity`",
            )),
            Self::Identities(_) if decryptor.is_scrypt() => Err(BackupError::OtherKind(
                "the backup was made with a passphrase: leave `--identity` out",
            )),
            Self::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(exposed(passphrase));
                identity.set_max_work_factor(MAX_SCRYPT_LOG_N);
                decryptor.decrypt(std::iter::once(&identity as &dyn Identity))
            }
            .map_err(explained),
            Self::Identities(keys) => decryptor
                .decrypt(keys.iter().map(|key| key as &dyn Identity))
                .map_err(explained),
        }
    }
}

fn exposed(passphrase: &Secret) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

fn explained(error: DecryptError) -> BackupError {
    match error {
        DecryptError::NoMatchingKeys
        | DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed => BackupError::WrongKey,
        DecryptError::ExcessiveWork { .. } => BackupError::TooExpensive,
        DecryptError::InvalidMac => BackupError::Damaged(std::io::Error::other(error)),
        DecryptError::Io(source) if source.kind() != std::io::ErrorKind::InvalidData => {
            BackupError::Damaged(source)
        }
        _ => BackupError::NotEncrypted,
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_file_of_keys_is_read_as_age_keygen_writes_it() {
        let key = x25519::Identity::generate().to_string();
        let text = format!(
            "# created: today\n# public key: age1\n{}\n\n",
            key.expose_secret()
        );
        let read = Key::from_file(text.as_bytes());
        assert!(matches!(read, Ok(Key::Identities(keys)) if keys.len() == 1));
    }

    #[test]
    fn a_line_that_is_no_key_is_numbered_and_not_repeated() {
        let refused = Key::from_file(&b"# a comment\nhunter2\n"[..]);
        let Err(BackupError::BadKey(why)) = refused else {
            panic!("it was taken");
        };
        assert!(why.contains("line 2") && !why.contains("hunter2"), "{why}");
        let empty = Key::from_file(&b"# nothing\n"[..]);
        assert!(matches!(empty, Err(BackupError::BadKey(_))));
    }
}
