//! Handing a sign-in over from the portal to a protected host.
//!
//! The host sends a visitor to the portal with a nonce that it left in a cookie; the portal
//! sends the visitor back with a one-time code; the host redeems the code with the nonce. A
//! code that leaks is then of no use in another browser or on another host.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use portlama_model::{Hostname, Timestamp};

use crate::TokenHash;

/// How long a one-time code holds: one redirect.
pub const HANDOVER_LIFETIME: Duration = Duration::from_secs(30);

/// Why a code is not redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// Issued for another host.
    #[error("the sign-in code is for another host")]
    Host,
    /// Issued to another browser.
    #[error("the sign-in code was issued to another browser")]
    Nonce,
    /// Older than [`HANDOVER_LIFETIME`], or from a future that the clock has left.
    #[error("the sign-in code expired")]
    Expired,
}

/// What was issued together with a one-time code. It is kept under the code's hash, and names
/// the sign-in at the portal by `S`.
#[derive(Debug)]
pub struct Handover<S> {
    host: Hostname,
    nonce: TokenHash,
    sign_in: S,
    issued: Timestamp,
}

impl<S> Handover<S> {
    /// Issues a code for `host`, to the browser that holds the nonce with this hash there, on
    /// behalf of a sign-in.
    #[must_use]
    pub fn issue(host: Hostname, nonce: TokenHash, sign_in: S, now: Timestamp) -> Self {
        Self {
            host,
            nonce,
            sign_in,
            issued: now,
        }
    }

    /// Whether it still counts. A clock that was set back does not prolong it.
    #[must_use]
    pub fn lives(&self, now: Timestamp) -> bool {
        now.since(self.issued).max(self.issued.since(now)) < HANDOVER_LIFETIME
    }

    /// Redeems the code for the browser whose nonce has this hash; the answer is the sign-in.
    /// It takes the entry by value, so the caller has removed it from its store whatever comes
    /// out: a code is good for one try.
    ///
    /// # Errors
    /// [`HandoverError`].
    pub fn redeem(
        self,
        host: &Hostname,
        nonce: TokenHash,
        now: Timestamp,
    ) -> Result<S, HandoverError> {
        if *host != self.host {
            return Err(HandoverError::Host);
        }
        if verify_slices_are_equal(nonce.as_bytes(), self.nonce.as_bytes()).is_err() {
            return Err(HandoverError::Nonce);
        }
        if !self.lives(now) {
            return Err(HandoverError::Expired);
        }
        Ok(self.sign_in)
    }
}
