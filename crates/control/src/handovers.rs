//! One-time codes that carry a sign-in from the portal to one host.
//!
//! They live in memory alone: a restart within their half minute sends the visitor through
//! the portal once more, which their sign-in answers by itself.

use std::collections::HashMap;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use portlama_auth::HANDOVER_LIFETIME;
use portlama_model::{Hostname, Secret, Timestamp};

use crate::random::octets;
use crate::{HandoverCode, SessionId};

/// The most codes that wait at once; more than this many people do not sign in within half a
/// minute on a server of this size.
pub const MAX_PENDING_HANDOVERS: usize = 10_000;

/// The codes that wait to be redeemed, by their hash.
#[derive(Default)]
pub(crate) struct Handovers(Mutex<HashMap<[u8; 32], Pending>>);

struct Pending {
    host: Hostname,
    /// The SHA-256 of the nonce cookie at the host.
    nonce: [u8; 32],
    session: SessionId,
    issued: Timestamp,
}

impl Pending {
    /// Whether it still counts; a clock that was set back does not prolong it.
    fn lives(&self, now: Timestamp) -> bool {
        now.since(self.issued).max(self.issued.since(now)) < HANDOVER_LIFETIME
    }
}

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
        let nonce: [u8; 32] = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        let mut pending = self.0.lock();
        if pending.len() >= MAX_PENDING_HANDOVERS {
            pending.retain(|_, waiting| waiting.lives(now));
        }
        if pending.len() >= MAX_PENDING_HANDOVERS {
            return None;
        }
        let code = Secret::new(URL_SAFE_NO_PAD.encode(octets::<32>()));
        let waiting = Pending {
            host,
            nonce,
            session,
            issued: now,
        };
        pending.insert(sha256(code.expose()), waiting);
        Some(HandoverCode::new(code))
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
        let waiting = self.0.lock().remove(&sha256(code))?;
        let same_browser = verify_slices_are_equal(&sha256(nonce), &waiting.nonce).is_ok();
        (waiting.host == *host && same_browser && waiting.lives(now)).then_some(waiting.session)
    }

    /// Forgets codes whose time is over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.0.lock().retain(|_, waiting| waiting.lives(now));
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    octets
}
