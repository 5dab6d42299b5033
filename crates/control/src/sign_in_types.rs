//! What the sign-in hands around.

use portlama_model::{DisplayName, Hostname, Secret, Username};

/// A session token as the browser keeps it. Only its hash is kept here.
#[derive(Debug, Clone)]
pub struct SessionToken(Secret);

impl SessionToken {
    pub(crate) fn new(text: Secret) -> Self {
        Self(text)
    }

    /// The text, for the one line that sets the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A code that carries a sign-in from the portal to one host, once, within 30 seconds.
#[derive(Debug, Clone)]
pub struct HandoverCode(Secret);

impl HandoverCode {
    pub(crate) fn new(text: Secret) -> Self {
        Self(text)
    }

    /// The text, for the one line that builds the redirect.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The answer to a right password.
#[derive(Debug, Clone)]
pub struct FirstFactor {
    /// The token of the session that now waits for the code; new each time.
    pub sso_token: SessionToken,
}

/// How far a browser's sign-in has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SsoState {
    /// Nobody.
    Anonymous,
    /// The password was right.
    FirstFactor {
        /// Who.
        username: Username,
    },
    /// Password and code were right.
    TwoFactor {
        /// Who.
        username: Username,
        /// The name shown.
        displayname: DisplayName,
    },
}

/// A place on one of our hosts to which a visitor may be sent after the sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTarget {
    pub(crate) host: Hostname,
    pub(crate) origin: String,
    pub(crate) path_and_query: String,
}

impl ReturnTarget {
    /// The host.
    #[must_use]
    pub fn host(&self) -> &Hostname {
        &self.host
    }

    /// `https://<host>[:port]`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path and query, beginning with one `/`.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The whole address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.path_and_query)
    }
}
