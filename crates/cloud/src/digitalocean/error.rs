//! Why DigitalOcean did not do what it was asked, and what helps.

use portlama_dial::HttpsError;

use super::wire::Refusal;
use crate::plain::plain;
use crate::token::NEW_TOKEN_PAGE;

/// The longest text of DigitalOcean's that is shown, characters.
pub const MAX_TEXT_CHARS: usize = 300;
/// Where an account's limit is raised.
const LIMIT_PAGE: &str = "https://cloud.digitalocean.com/account/team/droplet_limit_increase";

/// Why a call failed. The text names what was being done.
#[derive(Debug, thiserror::Error)]
pub enum DigitalOceanError {
    /// No answer.
    #[error("{doing}: {source}")]
    NoAnswer {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: HttpsError,
    },
    /// A refusal.
    #[error("{doing}: DigitalOcean says {status}{}", said(.text))]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The scope that it takes; empty when any token may.
        scope: &'static str,
        /// The status.
        status: u16,
        /// DigitalOcean's own words, made plain.
        text: String,
    },
    /// An answer that is none.
    #[error("{doing}: the answer of DigitalOcean is not understood: {reason}")]
    NotUnderstood {
        /// What was being done.
        doing: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

fn said(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl DigitalOceanError {
    pub(super) fn refused(
        doing: &'static str,
        scope: &'static str,
        status: u16,
        body: &[u8],
    ) -> Self {
        Self::Refused {
            doing,
            scope,
            status,
            text: plain_text(body),
        }
    }

    /// The status of a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::NoAnswer { .. } | Self::NotUnderstood { .. } => None,
        }
    }

    /// Whether the thing that was asked for does not exist.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether it may have been done all the same: then one has to look.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::NoAnswer { source, .. } => source.may_have_arrived(),
            Self::Refused { status, .. } => *status >= 500,
            Self::NotUnderstood { .. } => true,
        }
    }

    /// What the person can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::NoAnswer { .. } => {
                Some("check that this machine is online; nothing else is known".to_owned())
            }
            Self::NotUnderstood { .. } => None,
            Self::Refused { status: 401, .. } => Some(format!(
                "the token is wrong, expired or revoked: make a new one at {NEW_TOKEN_PAGE}"
            )),
            Self::Refused { status: 403, scope: "", .. } => {
                Some(format!("this token may not do that: make a new one at {NEW_TOKEN_PAGE}"))
            }
            Self::Refused { status: 403, scope, .. } => Some(format!(
                "the token lacks the scope {scope}, or the account may not do this: make a new token at {NEW_TOKEN_PAGE}"
            )),
            Self::Refused { status: 422, text, .. } => advice_on(text),
            Self::Refused { status: 429, .. } => {
                Some("this token has asked too often: wait an hour, then try again".to_owned())
            }
            Self::Refused { status: 500.., .. } => {
                Some("this is on DigitalOcean's side: see https://status.digitalocean.com, and try again later".to_owned())
            }
            Self::Refused { .. } => None,
        }
    }
}

/// What helps where DigitalOcean's words are known. Nothing is decided by them.
fn advice_on(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let advice = if text.contains("droplet limit") {
        format!(
            "the account has as many droplets as it may: delete one, or ask for more at {LIMIT_PAGE}"
        )
    } else if text.contains("not available in this region") || text.contains("region is not") {
        "choose another region".to_owned()
    } else if text.contains("invalid image") {
        "the token needs the scope image:read".to_owned()
    } else if text.contains("invalid ssh key") {
        "the token needs the scope ssh_key:read; if it has it, try again".to_owned()
    } else {
        return None;
    };
    Some(advice)
}

/// DigitalOcean's words as one line without anything that a terminal would obey.
fn plain_text(body: &[u8]) -> String {
    let refusal: Refusal = match serde_json::from_slice(body) {
        Ok(refusal) => refusal,
        Err(_) if body.is_empty() => return String::new(),
        Err(_) => return "a page that is no answer of the API".to_owned(),
    };
    let text = match refusal.request_id {
        Some(id) => format!("{} (request {id})", refusal.message),
        None => refusal.message,
    };
    plain(&text, MAX_TEXT_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_says_what_was_done_and_what_helps() {
        let body = br#"{"id":"Forbidden","message":"You are not authorized","request_id":"abc"}"#;
        let error = DigitalOceanError::refused("creating the droplet", "droplet:create", 403, body);
        assert_eq!(
            error.to_string(),
            "creating the droplet: DigitalOcean says 403: You are not authorized (request abc)"
        );
        assert!(error.advice().is_some_and(|a| a.contains("droplet:create")));
    }

    #[test]
    fn pages_and_empty_bodies_are_no_words() {
        let said = |body: &[u8]| DigitalOceanError::refused("x", "", 502, body).to_string();
        assert_eq!(said(b""), "x: DigitalOcean says 502");
        assert_eq!(
            said(b"<html><body>Bad Gateway"),
            "x: DigitalOcean says 502: a page that is no answer of the API"
        );
    }

    #[test]
    fn what_may_have_been_done_is_looked_for() {
        let refused = |status| DigitalOceanError::refused("x", "", status, b"");
        assert!(refused(502).may_have_been_done());
        assert!(!refused(422).may_have_been_done());
    }

    #[test]
    fn an_account_at_its_limit_is_told_where_to_raise_it() {
        let body =
            br#"{"message":"creating this/these droplet(s) will exceed your droplet limit"}"#;
        let error = DigitalOceanError::refused("x", "droplet:create", 422, body);
        assert!(error.advice().is_some_and(|a| a.contains(LIMIT_PAGE)));
    }

    proptest! {
        #[test]
        fn no_text_is_long_or_moves_a_cursor(message in ".{0,600}", raw in any::<Vec<u8>>()) {
            let body = serde_json::json!({ "message": message }).to_string();
            for body in [body.as_bytes(), &raw] {
                let text = plain_text(body);
                prop_assert!(text.chars().count() <= MAX_TEXT_CHARS + 1);
                prop_assert!(!text.chars().any(char::is_control));
            }
        }
    }
}
