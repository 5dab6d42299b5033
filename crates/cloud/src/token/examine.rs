//! Asking DigitalOcean what a token may.

use std::time::Duration;

use super::verdict::{Scopes, Verdict, judge};
use crate::digitalocean::{Account, DigitalOcean, DigitalOceanError};

/// A token that ends sooner than this is worth a word, days: a server lives longer.
pub const SOON_DAYS: u64 = 7;

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Whose it is; `None` when the token may not say so.
    pub account: Option<Account>,
    /// Whether it fits.
    pub verdict: Verdict,
    /// How long it holds; `None` for ever, or when nobody says so.
    pub holds: Option<Duration>,
}

impl Examined {
    /// Whole days that are left.
    #[must_use]
    pub fn days_left(&self) -> Option<u64> {
        self.holds.map(|left| left.as_secs() / (24 * 60 * 60))
    }

    /// What the owner should know before anything is made.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.verdict.verified {
            warnings.push(
                "DigitalOcean does not say what this token may: whether it could harm what else is in the account is not known"
                    .to_owned(),
            );
        }
        if let Some(days) = self.days_left().filter(|days| *days < SOON_DAYS) {
            warnings.push(format!(
                "the token ends in {days} days: later it can neither look after the server nor remove it"
            ));
        }
        if let Some(account) = &self.account {
            if account.status != "active" {
                let why = match account.status_message.as_str() {
                    "" => String::new(),
                    text => format!(" ({text})"),
                };
                warnings.push(format!("the account is `{}`{why}", account.status));
            }
            if !account.email_verified {
                warnings.push("the account's e-mail address is not confirmed".to_owned());
            }
        }
        warnings
    }
}

/// Learns what a token may: from the look-up of tokens, else from the head of the account's
/// answer, else by trying out what can be tried without changing anything. `accepted` are scopes
/// that the owner takes upon themselves.
///
/// # Errors
/// [`DigitalOceanError`]; 401 when it is no token any more.
pub async fn examine(
    digitalocean: &DigitalOcean,
    accepted: &[String],
) -> Result<Examined, DigitalOceanError> {
    let (info, account) = tokio::join!(digitalocean.token_info(), digitalocean.account());
    let info = match info {
        Ok(info) => Some(info),
        Err(error) if error.status() == Some(401) => return Err(error),
        // The look-up stands in no description of the API: it may go.
        Err(_) => None,
    };
    let (account, header) = match account {
        Ok((account, header)) => (Some(account), header),
        Err(error) if error.status() == Some(403) => (None, None),
        Err(error) => return Err(error),
    };
    let holds = info.as_ref().and_then(|info| info.expires_in_seconds);
    let listed = info.map(|info| info.scopes.join(" "));
    let scopes = match listed.and_then(|text| Scopes::of_header(&text)).or(header) {
        Some(scopes) => scopes,
        None => probe(digitalocean).await?,
    };
    Ok(Examined {
        account,
        verdict: judge(&scopes, accepted),
        holds: holds.map(|seconds| Duration::from_secs(seconds.max(0).unsigned_abs())),
    })
}

/// The lists that tell whether a scope is there.
const PROBES: [(&str, &str); 4] = [
    ("droplets", "droplet:read"),
    ("account/keys", "ssh_key:read"),
    ("regions", "regions:read"),
    ("tags", "tag:read"),
];

async fn probe(digitalocean: &DigitalOcean) -> Result<Scopes, DigitalOceanError> {
    let mut missing = Vec::new();
    for (list, scope) in PROBES {
        if !digitalocean.may_list(list, scope).await? {
            missing.push(scope);
        }
    }
    Ok(Scopes::Probed { missing })
}
