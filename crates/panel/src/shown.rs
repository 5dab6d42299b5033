//! What the holder of an open WebSocket showed, and how long that counts.

use std::sync::Arc;

use portlama_access::{Presented, Rule, SecondFactor, When, Who, may_call};
use portlama_control::Live;
use portlama_model::Timestamp;
use tokio::time::sleep;

/// A certificate, perhaps a session, and when they were shown.
///
/// A browser hands a renewed cookie over with its next request, never to a WebSocket, so the
/// session is judged as of the moment it was shown: not being idle is no question here. Its key,
/// its certificate and its absolute end are.
pub(crate) struct Shown {
    presented: Arc<Presented>,
    cookie: Option<Box<str>>,
    who: Who,
    at: Timestamp,
}

impl Shown {
    pub(crate) fn new(
        presented: Arc<Presented>,
        cookie: Option<&str>,
        who: Who,
        live: &Live,
    ) -> Self {
        Self {
            presented,
            cookie: cookie.map(Into::into),
            who,
            at: live.now(),
        }
    }

    /// Returns when it opens the route no longer: a revocation, codes that are asked for from
    /// now on, the end of the session.
    pub(crate) async fn until_it_counts_no_more(self, live: Arc<Live>) {
        // Before the first judgement, so that nothing falls between the two.
        let mut denials = live.denials();
        loop {
            let Some(second_factor) = self.judge(&live) else {
                return;
            };
            let over = async {
                match &second_factor {
                    SecondFactor::Shown(session) => sleep(session.remaining(live.now())).await,
                    SecondFactor::NotAsked | SecondFactor::Missing => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                changed = denials.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The second factor, while what was shown suffices. A part of the server's life that is
    /// over is the frames' to tell.
    fn judge(&self, live: &Live) -> Option<SecondFactor> {
        let identity = live.identify(&self.presented).ok()?;
        let second_factor = live.second_factor_at(&identity, self.cookie.as_deref(), self.at);
        let rule = Rule {
            who: self.who,
            when: When::Always,
        };
        let onboarding = live.desired().onboarding;
        may_call(rule, Ok(identity), &second_factor, onboarding).ok()?;
        Some(second_factor)
    }
}
