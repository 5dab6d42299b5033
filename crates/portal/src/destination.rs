//! Where the visitor wanted to go before the sign-in.

use portlama_control::{Control, HandoverCode, ReturnTarget};

use crate::fields::{Doubled, Fields, query};

/// Length of a nonce: the base64url form of a SHA-256.
const NONCE_CHARS: usize = 43;

/// A place on one of our apps, and the nonce of the browser that came from there.
pub(crate) struct Destination {
    target: ReturnTarget,
    nonce: Option<String>,
}

/// What a request says about where to go on to.
pub(crate) enum Wish {
    /// Nothing.
    None,
    /// To this app.
    To(Destination),
    /// To a place that is none of ours. It is dropped, and the visitor is told.
    Refused,
}

impl Wish {
    /// Reads `rd` and `nonce` of a query or form. Only an enabled host of this server, by
    /// https and on its own port, is a destination.
    pub(crate) fn of(fields: &Fields, control: &Control) -> Self {
        let rd = match fields.one("rd") {
            Ok(Some(rd)) => rd,
            Ok(None) => return Self::None,
            Err(Doubled) => return Self::Refused,
        };
        match control.return_target(rd) {
            Some(target) => Self::To(Destination {
                target,
                nonce: fields.one("nonce").ok().flatten().and_then(nonce),
            }),
            None => Self::Refused,
        }
    }

    /// The destination, if there is one.
    pub(crate) fn destination(&self) -> Option<&Destination> {
        match self {
            Self::To(destination) => Some(destination),
            Self::None | Self::Refused => None,
        }
    }
}

impl Destination {
    /// The app's host name.
    pub(crate) fn host(&self) -> &str {
        self.target.host().as_str()
    }

    /// The whole address at the app.
    pub(crate) fn url(&self) -> String {
        self.target.url()
    }

    /// What `control` knows the place as.
    pub(crate) fn target(&self) -> &ReturnTarget {
        &self.target
    }

    /// The nonce, when the browser came from the app itself.
    pub(crate) fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The pairs that carry the wish through forms and links.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let nonce = self.nonce.clone().map(|nonce| ("nonce", nonce));
        [("rd", self.url())].into_iter().chain(nonce).collect()
    }

    /// The address at the app that takes the sign-in over.
    pub(crate) fn handover_url(&self, code: &HandoverCode) -> String {
        let query = query(&[
            ("code", code.expose()),
            ("rd", self.target.path_and_query()),
        ]);
        format!("{}/.portlama/session?{query}", self.target.origin())
    }
}

/// `path` on this host, carrying the wish along.
pub(crate) fn path_with(path: &str, destination: Option<&Destination>) -> String {
    let Some(destination) = destination else {
        return path.to_owned();
    };
    let pairs = destination.pairs();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
    format!("{path}?{}", query(&pairs))
}

fn nonce(text: &str) -> Option<String> {
    let shaped = text.len() == NONCE_CHARS
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    shaped.then(|| text.to_owned())
}
