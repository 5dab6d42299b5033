//! The first account's password and one-time-code seed: made once, shown to the admin until
//! they say that they have them, and then gone from memory and disk. Until then a restart shows
//! them again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portlama_model::{Secret, Timestamp, Username};
use portlama_state::FirstSecrets;

use crate::random::octets;

/// How long the first account's password and one-time-code address stay readable when nobody
/// acknowledges them: a reload, a broken connection and a search for the phone, and no longer.
pub const RESULT_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Octets of the first account's password: 128 random bits.
pub const ADMIN_PASSWORD_BYTES: usize = 16;

/// What the admin is told when the set-up is complete.
#[derive(Debug, Clone)]
pub struct ProvisionResult {
    /// The account for the sign-in portal.
    pub admin_username: Username,
    /// Its password; `None` once acknowledged or expired, or when the account was there before.
    pub admin_password: Option<Secret>,
    /// What an authenticator app takes; `None` likewise.
    pub admin_totp_uri: Option<Secret>,
    /// Where the panel is.
    pub panel_url: String,
    /// Where visitors sign in.
    pub auth_url: String,
}

pub(super) fn random_password() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(octets::<ADMIN_PASSWORD_BYTES>()))
}

/// A result, and until when its secrets are shown.
#[derive(Clone)]
pub(super) struct Shown {
    result: ProvisionResult,
    until: Timestamp,
}

impl Shown {
    /// A result whose secrets were made at `now`.
    pub(super) fn new(result: ProvisionResult, now: Timestamp) -> Self {
        Self {
            result,
            until: now.plus(RESULT_LIFETIME),
        }
    }

    /// A result of which `kept` was written down; `None` when its time is over at `now`.
    pub(super) fn recalled(
        result: ProvisionResult,
        kept: FirstSecrets,
        now: Timestamp,
    ) -> Option<Self> {
        let result = ProvisionResult {
            admin_password: kept.password,
            admin_totp_uri: kept.totp_uri,
            ..result
        };
        let mut shown = Self {
            result,
            // A clock that was set back makes no secret stay for longer.
            until: kept.until.min(now.plus(RESULT_LIFETIME)),
        };
        shown.is_readable(now).then_some(shown)
    }

    /// What to write down, so that it is shown after a crash as well; `None` without secrets.
    pub(super) fn to_keep(&self) -> Option<FirstSecrets> {
        let ProvisionResult {
            admin_password: password,
            admin_totp_uri: totp_uri,
            ..
        } = self.result.clone();
        (password.is_some() || totp_uri.is_some()).then_some(FirstSecrets {
            password,
            totp_uri,
            until: self.until,
        })
    }

    /// Whether there are secrets to read at `now`. Forgets them when their time is over.
    pub(super) fn is_readable(&mut self, now: Timestamp) -> bool {
        if now >= self.until {
            self.forget();
        }
        self.result.admin_password.is_some() || self.result.admin_totp_uri.is_some()
    }

    pub(super) fn until(&self) -> Timestamp {
        self.until
    }

    pub(super) fn forget(&mut self) {
        self.result.admin_password = None;
        self.result.admin_totp_uri = None;
    }

    pub(super) fn result(&mut self, now: Timestamp) -> ProvisionResult {
        self.is_readable(now);
        self.result.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(now: Timestamp) -> Shown {
        let result = ProvisionResult {
            admin_username: "admin".parse().expect("a name"),
            admin_password: Some(random_password()),
            admin_totp_uri: Some(Secret::new("otpauth://totp/Portlama:admin")),
            panel_url: "https://panel.lab.example.org".to_owned(),
            auth_url: "https://auth.lab.example.org".to_owned(),
        };
        Shown::new(result, now)
    }

    #[test]
    fn secrets_are_gone_after_ten_minutes() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let mut shown = shown(now);
        let last = now.plus(RESULT_LIFETIME).minus(Duration::from_millis(1));
        assert!(shown.result(last).admin_password.is_some());
        let after = shown.result(now.plus(RESULT_LIFETIME));
        assert!(after.admin_password.is_none() && after.admin_totp_uri.is_none());
        assert!(
            !shown.is_readable(now),
            "a clock that goes back brings nothing back"
        );
    }

    #[test]
    fn what_is_written_down_is_shown_again_for_the_rest_of_its_time() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let first = shown(now);
        let kept = || first.to_keep().expect("secrets");
        let plain = || ProvisionResult {
            admin_password: None,
            admin_totp_uri: None,
            ..first.result.clone()
        };
        let minute = Duration::from_secs(60);
        let again = Shown::recalled(plain(), kept(), now.plus(minute));
        let mut again = again.expect("nine minutes are left");
        assert_eq!(again.until(), first.until());
        let password = again.result(now.plus(minute)).admin_password;
        assert!(password.is_some_and(|p| p.expose() == kept().password.expect("one").expose()));
        let over = now.plus(RESULT_LIFETIME);
        assert!(Shown::recalled(plain(), kept(), over).is_none());
        let past = now.minus(RESULT_LIFETIME * 100);
        let again = Shown::recalled(plain(), kept(), past).expect("readable");
        assert_eq!(again.until(), past.plus(RESULT_LIFETIME));
    }

    #[test]
    fn the_password_has_128_random_bits() {
        let (one, other) = (random_password(), random_password());
        assert_eq!(one.expose().len(), 22);
        assert_ne!(one.expose(), other.expose());
        assert!(URL_SAFE_NO_PAD.decode(one.expose()).is_ok());
    }
}
