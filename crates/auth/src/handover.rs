//! Handing a sign-in over from the portal to a protected host.
//!
//! The host sends a visitor to the portal with a nonce that it left in a cookie; the portal
//! sends the visitor back with a one-time code; the host redeems the code with the nonce. A
//! code that leaks is then of no use in another browser or on another host.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use portlama_model::{Hostname, Timestamp};

use crate::{SessionToken, TokenHash};

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

/// What was issued together with a one-time code. It is kept under the code's hash.
#[derive(Debug)]
pub struct Handover {
    host: Hostname,
    nonce: TokenHash,
    parent: TokenHash,
    issued: Timestamp,
}

impl Handover {
    /// Issues a code for `host`, to the browser that holds `nonce` there, as a child of the
    /// portal session `parent`.
    #[must_use]
    pub fn issue(host: Hostname, nonce: TokenHash, parent: TokenHash, now: Timestamp) -> Self {
        Self {
            host,
            nonce,
            parent,
            issued: now,
        }
    }

    /// When this entry can be forgotten.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.issued.plus(HANDOVER_LIFETIME)
    }

    /// Redeems the code. It takes the entry by value, so the caller has removed it from its
    /// store whatever comes out: a code is good for one try.
    ///
    /// # Errors
    /// [`HandoverError`].
    pub fn redeem(
        self,
        host: &Hostname,
        nonce: &SessionToken,
        now: Timestamp,
    ) -> Result<RedeemedHandover, HandoverError> {
        if *host != self.host {
            return Err(HandoverError::Host);
        }
        if verify_slices_are_equal(nonce.hash().as_bytes(), self.nonce.as_bytes()).is_err() {
            return Err(HandoverError::Nonce);
        }
        let age = now.since(self.issued).max(self.issued.since(now));
        if age >= HANDOVER_LIFETIME {
            return Err(HandoverError::Expired);
        }
        Ok(RedeemedHandover {
            host: self.host,
            parent: self.parent,
        })
    }
}

/// A redeemed code; made by [`Handover::redeem`] only.
#[derive(Debug)]
pub struct RedeemedHandover {
    host: Hostname,
    parent: TokenHash,
}

impl RedeemedHandover {
    /// The host that gets a session.
    #[must_use]
    pub fn host(&self) -> &Hostname {
        &self.host
    }

    /// The portal session whose child it is, and with which it ends.
    #[must_use]
    pub fn parent(&self) -> TokenHash {
        self.parent
    }
}
