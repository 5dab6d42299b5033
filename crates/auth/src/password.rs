//! Passwords as they come from people, and the check of one.

use portlama_model::{Secret, Username};

use crate::PasswordHash;
use crate::password_hash::work_as_if;

/// The fewest characters of a new password (NIST SP 800-63B §5.1.1.1).
pub const MIN_PASSWORD_CHARACTERS: usize = 8;
/// The most octets of a password: bcrypt reads no more, and we never truncate.
pub const MAX_PASSWORD_BYTES: usize = 72;

/// Why a text is no new password. The message is what the API shows at the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_PASSWORD_CHARACTERS`].
    #[error("must have at least {MIN_PASSWORD_CHARACTERS} characters")]
    TooShort,
    /// More than [`MAX_PASSWORD_BYTES`].
    #[error("must have at most {MAX_PASSWORD_BYTES} bytes (letters beyond ASCII count 2 to 4)")]
    TooLong,
    /// Contains the NUL character, at which some bcrypt implementations stop reading.
    #[error("must not contain the NUL character")]
    Nul,
}

/// A password that may be hashed.
#[derive(Debug, Clone)]
pub struct Password(Secret);

impl Password {
    /// Takes a new password as typed.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn parse(text: &Secret) -> Result<Self, PasswordError> {
        let typed = text.expose();
        if typed.chars().count() < MIN_PASSWORD_CHARACTERS {
            return Err(PasswordError::TooShort);
        }
        if typed.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        if typed.contains('\0') {
            return Err(PasswordError::Nul);
        }
        Ok(Self(text.clone()))
    }

    /// The password, for the one line that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Whether bcrypt compares all of this text: other texts can have the hash of another one.
pub(crate) fn fits_bcrypt(candidate: &str) -> bool {
    candidate.len() <= MAX_PASSWORD_BYTES && !candidate.contains('\0')
}

/// The password was wrong, or there is no such user: nobody learns which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("user name or password is wrong")]
pub struct WrongPassword;

/// The right password of a user; made by [`verify_password`] only.
#[derive(Debug)]
pub struct VerifiedPassword {
    username: Username,
    upgrade: Option<Password>,
}

impl VerifiedPassword {
    /// Whose password it was.
    #[must_use]
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// The password, when its stored hash is of an older kind and should be replaced by
    /// [`PasswordHash::of`].
    #[must_use]
    pub fn upgrade(&self) -> Option<&Password> {
        self.upgrade.as_ref()
    }
}

/// Checks what was typed against a user's hash. It is slow on purpose (about a quarter of a
/// second): run it in a bounded pool.
///
/// For an unknown or disabled user pass `None`: the same work is done and the same error comes
/// back. A text that is too long for bcrypt, or holds a NUL, costs the same work, too, and is
/// wrong: it is never compared in part.
///
/// # Errors
/// [`WrongPassword`], and nothing more.
pub fn verify_password(
    account: Option<(&Username, &PasswordHash)>,
    typed: &Secret,
) -> Result<VerifiedPassword, WrongPassword> {
    let Some((username, hash)) = account else {
        work_as_if(typed.expose());
        return Err(WrongPassword);
    };
    if !hash.matches(typed.expose()) {
        return Err(WrongPassword);
    }
    let upgrade =
        (hash.is_outdated() && fits_bcrypt(typed.expose())).then(|| Password(typed.clone()));
    Ok(VerifiedPassword {
        username: username.clone(),
        upgrade,
    })
}
