//! Random tokens that browsers hold, and the hashes of them that we hold.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portlama_model::Secret;
use zeroize::Zeroizing;

/// Octets of a token: 256 random bits.
const TOKEN_BYTES: usize = 32;
/// Characters of a token as text: base64url without padding.
const TOKEN_CHARACTERS: usize = 43;

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of {TOKEN_CHARACTERS} base64url characters")]
pub struct TokenError;

/// A bearer token: a session cookie, a nonce cookie, a one-time code, an invitation.
#[derive(Clone)]
pub struct SessionToken(Zeroizing<[u8; TOKEN_BYTES]>);

impl SessionToken {
    /// A new token of random octets.
    #[must_use]
    pub fn from_random(octets: [u8; TOKEN_BYTES]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The token as text, for the one line that sends it.
    #[must_use]
    pub fn expose(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// What is stored and looked up.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&*self.0)
    }
}

impl std::str::FromStr for SessionToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.len() != TOKEN_CHARACTERS {
            return Err(TokenError);
        }
        let mut octets = Zeroizing::new([0; TOKEN_BYTES]);
        match URL_SAFE_NO_PAD.decode_slice(text, &mut *octets) {
            Ok(TOKEN_BYTES) => Ok(Self(octets)),
            Ok(_) | Err(_) => Err(TokenError),
        }
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// The SHA-256 of a token. Whoever reads it in the database cannot present the token.
///
/// Looking a hash up needs no constant-time comparison: a caller cannot steer the hash of what
/// it presents towards a stored one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token's octets or text.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token);
        let mut octets = [0; 32];
        octets.copy_from_slice(digest.as_ref());
        Self(octets)
    }

    /// A hash that was stored.
    #[must_use]
    pub fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The 32 octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Reads the base64url text in which the hash of a nonce travels through an address.
impl std::str::FromStr for TokenHash {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let octets = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
        octets.try_into().map(Self).map_err(|_| TokenError)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}
