//! Stored passwords: bcrypt of ours, and argon2id that earlier installations left.

use std::hint::black_box;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash as PhcString;
use portlama_model::Secret;

use crate::Password;
use crate::password::fits_bcrypt;

/// The cost of new hashes: 2^12 rounds, about a quarter of a second on the smallest server
/// (OWASP asks for 10 or more).
pub const BCRYPT_COST: BcryptCost = BcryptCost(12);
/// The highest cost that a stored hash may ask for: 2^16 rounds, about four seconds.
pub const MAX_BCRYPT_COST: u32 = 16;
/// The most memory that a stored argon2id hash may ask for, KiB. Authelia's default is 64 MiB;
/// the whole server has 512.
pub const MAX_ARGON2_MEMORY_KIB: u32 = 128 * 1024;
/// The most passes over the memory that a stored argon2id hash may ask for. Authelia's default
/// is 3.
pub const MAX_ARGON2_PASSES: u32 = 16;
/// The longest stored hash, characters. One of argon2id has about 100.
pub const MAX_HASH_CHARACTERS: usize = 512;
/// The longest text checked against an argon2id hash, octets: more is no password.
const MAX_ARGON2_CANDIDATE_BYTES: usize = 1024;

/// The logarithm of bcrypt's rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BcryptCost(u32);

impl BcryptCost {
    /// The lowest that bcrypt knows. No protection: for tests and throw-away users.
    pub const MIN: Self = Self(4);

    /// A cost of 4 to [`MAX_BCRYPT_COST`].
    #[must_use]
    pub fn new(cost: u32) -> Option<Self> {
        (Self::MIN.0..=MAX_BCRYPT_COST)
            .contains(&cost)
            .then_some(Self(cost))
    }
}

/// Why a stored text is not a hash that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// Neither bcrypt nor argon2id.
    #[error(
        "the password hash is neither bcrypt ($2a$, $2b$, $2y$) nor argon2id: reset this user's password"
    )]
    Unknown,
    /// The text is damaged.
    #[error("the password hash is damaged: reset this user's password")]
    Malformed,
    /// Checking it would cost too much.
    #[error(
        "checking the password hash would cost more than this server allows: reset this user's password"
    )]
    TooCostly,
}

/// A stored password hash that can be checked within bounds.
#[derive(Clone)]
pub struct PasswordHash {
    text: Secret,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bcrypt(BcryptCost),
    Argon2id,
}

impl PasswordHash {
    /// Hashes a password with bcrypt (`$2b$`). `salt` is 16 random octets. As slow as
    /// [`verify_password`](crate::verify_password).
    #[must_use]
    pub fn of(password: &Password, cost: BcryptCost, salt: [u8; 16]) -> Self {
        let parts = bcrypt::hash_with_salt(password.expose(), cost.0, salt)
            .expect("the type allows the costs that bcrypt knows");
        Self {
            text: Secret::new(parts.format_for_version(bcrypt::Version::TwoB)),
            kind: Kind::Bcrypt(cost),
        }
    }

    /// Reads a stored hash. Cheap; nothing is computed.
    ///
    /// # Errors
    /// [`PasswordHashError`].
    pub fn parse(text: &Secret) -> Result<Self, PasswordHashError> {
        let kind = match text.expose().get(..4) {
            Some("$2a$" | "$2b$" | "$2y$") => parse_bcrypt(text.expose())?,
            Some("$arg") => parse_argon2id(text.expose())?,
            Some(_) | None => return Err(PasswordHashError::Unknown),
        };
        Ok(Self {
            text: text.clone(),
            kind,
        })
    }

    /// The text to store.
    #[must_use]
    pub fn expose(&self) -> &Secret {
        &self.text
    }

    /// Whether a new hash should replace this one: argon2id, or bcrypt below [`BCRYPT_COST`].
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        match self.kind {
            Kind::Bcrypt(cost) => cost < BCRYPT_COST,
            Kind::Argon2id => true,
        }
    }

    /// Whether checking needs the memory of argon2id: one at a time.
    #[must_use]
    pub fn needs_memory(&self) -> bool {
        self.kind == Kind::Argon2id
    }

    pub(crate) fn matches(&self, candidate: &str) -> bool {
        match self.kind {
            Kind::Bcrypt(_) => {
                let equal = bcrypt::verify(candidate, self.text.expose()).unwrap_or(false);
                fits_bcrypt(candidate) & equal
            }
            Kind::Argon2id => {
                candidate.len() <= MAX_ARGON2_CANDIDATE_BYTES
                    && PhcString::new(self.text.expose()).is_ok_and(|hash| {
                        Argon2::default()
                            .verify_password(candidate.as_bytes(), &hash)
                            .is_ok()
                    })
            }
        }
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PasswordHash({:?}, …)", self.kind)
    }
}

/// Does the work of checking a new hash, for users that do not exist.
pub(crate) fn work_as_if(candidate: &str) {
    let _ = black_box(bcrypt::hash_with_salt(candidate, BCRYPT_COST.0, [0; 16]));
}

fn parse_bcrypt(text: &str) -> Result<Kind, PasswordHashError> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| PasswordHashError::Malformed)?;
    BcryptCost::new(parts.get_cost())
        .map(Kind::Bcrypt)
        .ok_or(PasswordHashError::TooCostly)
}

fn parse_argon2id(text: &str) -> Result<Kind, PasswordHashError> {
    if !text.starts_with("$argon2id$") {
        return Err(PasswordHashError::Unknown);
    }
    if text.len() > MAX_HASH_CHARACTERS {
        return Err(PasswordHashError::Malformed);
    }
    let hash = PhcString::new(text).map_err(|_| PasswordHashError::Malformed)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(PasswordHashError::Malformed);
    }
    let params = argon2::Params::try_from(&hash).map_err(|_| PasswordHashError::Malformed)?;
    if params.m_cost() > MAX_ARGON2_MEMORY_KIB || params.t_cost() > MAX_ARGON2_PASSES {
        return Err(PasswordHashError::TooCostly);
    }
    Ok(Kind::Argon2id)
}
