//! Who may do what.

use super::world::{Refusal, World};

/// A token as the guide has it made.
pub const FITTING_SCOPES: &[&str] = &[
    "account:read",
    "droplet:create",
    "droplet:read",
    "droplet:update",
    "droplet:delete",
    "droplet:admin",
    "regions:read",
    "ssh_key:create",
    "ssh_key:read",
    "ssh_key:update",
    "ssh_key:delete",
    "tag:create",
    "tag:read",
    "tag:delete",
    "sizes:read",
    "actions:read",
    "image:read",
    "snapshot:read",
    "vpc:read",
];

/// How the answer to `/v2/account` tells the scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeHeader {
    /// Not at all.
    Absent,
    /// Separated by commas.
    Commas,
    /// Separated by blanks, each twice.
    BlanksTwice,
}

/// A token and its owner.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    /// The text that is sent.
    pub secret: String,
    /// What it is called in the log.
    pub name: String,
    /// What it may.
    pub scopes: Vec<String>,
    /// Its owner.
    pub email: String,
    /// How the account is: `active`, `warning`, `locked`.
    pub status: String,
    /// How many droplets there may be.
    pub droplet_limit: usize,
    /// Seconds that it holds; `None` for ever; not positive when it has expired.
    pub expires_in: Option<i64>,
}

impl TokenSpec {
    /// A token that fits, called `fitting`.
    #[must_use]
    pub fn fitting(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            name: "fitting".to_owned(),
            scopes: FITTING_SCOPES
                .iter()
                .map(|scope| (*scope).to_owned())
                .collect(),
            email: "owner@example.org".to_owned(),
            status: "active".to_owned(),
            droplet_limit: 10,
            expires_in: Some(90 * 24 * 60 * 60),
        }
    }

    /// The same without a scope.
    #[must_use]
    pub fn without(mut self, scope: &str) -> Self {
        self.scopes.retain(|own| own != scope);
        self
    }

    /// The same with one more scope.
    #[must_use]
    pub fn with(mut self, scope: &str) -> Self {
        self.scopes.push(scope.to_owned());
        self
    }

    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

impl World {
    /// Whose request it is; 401 when nobody's.
    pub(super) fn authenticate(&self, authorization: Option<&str>) -> Result<TokenSpec, Refusal> {
        let secret = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let known = secret.and_then(|secret| self.tokens.iter().find(|t| t.secret == secret));
        match known {
            Some(token) if token.expires_in.is_none_or(|left| left > 0) => Ok(token.clone()),
            _ => Err(Refusal {
                status: 401,
                id: "Unauthorized",
                message: "Unable to authenticate you",
            }),
        }
    }
}

/// 403 when the token lacks one of the scopes.
pub(super) fn demand(token: &TokenSpec, scopes: &[&str]) -> Result<(), Refusal> {
    match scopes.iter().all(|scope| token.may(scope)) {
        true => Ok(()),
        false => Err(Refusal {
            status: 403,
            id: "Forbidden",
            message: "You are not authorized to perform this operation",
        }),
    }
}
