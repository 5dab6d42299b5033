//! One-time codes that carry a sign-in from the portal to one host.
//!
//! They live in memory alone: a restart within their half minute sends the visitor through
//! the portal once more, which their sign-in answers by itself.

use std::collections::HashMap;

use parking_lot::Mutex;
use portlama_auth::{Handover, SessionToken as Token, TokenHash};
use portlama_model::{Hostname, Timestamp};

use crate::random::octets;
use crate::{HandoverCode, SessionId};

/// The most codes that wait at once; more than this many people do not sign in within half a
/// minute on a server of this size.
pub const MAX_PENDING_HANDOVERS: usize = 10_000;

/// The codes that wait to be redeemed, by their hash.
#[derive(Default)]
pub(crate) struct Handovers(Mutex<HashMap<TokenHash, Handover<SessionId>>>);

impl Handovers {
    /// Makes a code. `nonce` is the base64url SHA-256 of the cookie's value at the host; `None`
    /// when it is not one, or too many codes wait.
    pub(crate) fn issue(
        &self,
        host: Hostname,
        nonce: &str,
        session: SessionId,
        now: Timestamp,
    ) -> Option<HandoverCode> {
        let handover = Handover::issue(host, nonce.parse().ok()?, session, now);
        let mut pending = self.0.lock();
        if pending.len() >= MAX_PENDING_HANDOVERS {
            pending.retain(|_, waiting| waiting.lives(now));
        }
        if pending.len() >= MAX_PENDING_HANDOVERS {
            return None;
        }
        let code = Token::from_random(octets());
        pending.insert(code.hash(), handover);
        Some(HandoverCode::new(code.expose()))
    }

    /// Takes a code out, whatever comes of it: there is no second try. `nonce` is the value
    /// of the cookie. The answer is the sign-in it stands for.
    pub(crate) fn redeem(
        &self,
        code: &str,
        host: &Hostname,
        nonce: &str,
        now: Timestamp,
    ) -> Option<SessionId> {
        let code: Token = code.parse().ok()?;
        let waiting = self.0.lock().remove(&code.hash())?;
        let redeemed = waiting.redeem(host, TokenHash::of(nonce.as_bytes()), now);
        redeemed.ok()
    }

    /// Forgets codes whose time is over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.0.lock().retain(|_, waiting| waiting.lives(now));
    }
}
