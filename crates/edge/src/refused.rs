//! A visitor who may not pass: who said so, and what they get to see.

use bytes::Bytes;
use http::{Request, Response};
use portlama_access::{NotIdentified, PanelRefused, Refused};
use portlama_control::SignedIn;

use crate::cookies;
use crate::pages::{self, Notice, Reader};
use crate::service::Peer;
use crate::signin;
use crate::table::HostEntry;

/// What `access` said no with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    /// To a visitor of an app or a site.
    Visitor(Refused),
    /// To whoever wants to open an agent's panel.
    Panel(PanelRefused),
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        Self::Visitor(refused)
    }
}

impl From<PanelRefused> for Denied {
    fn from(refused: PanelRefused) -> Self {
        Self::Panel(refused)
    }
}

impl Denied {
    /// What is said of it where no way to the sign-in helps.
    pub(crate) fn notice(&self) -> Notice {
        match self {
            Self::Visitor(refused) => match refused {
                Refused::SignInFirst => pages::SIGN_IN_FIRST,
                Refused::SwitchedOff => pages::SWITCHED_OFF,
                Refused::NoGrants => pages::NO_GRANTS,
                Refused::NotListed => pages::NOT_LISTED,
                Refused::CrossSite => pages::CROSS_SITE,
            },
            Self::Panel(refused) => match refused {
                PanelRefused::NotIdentified(reason) => without_certificate(reason),
                PanelRefused::NotYours => pages::NOT_YOUR_PANEL,
                PanelRefused::SwitchedOff => pages::SWITCHED_OFF,
                PanelRefused::CrossSite => pages::CROSS_SITE,
            },
        }
    }
}

/// Whether another certificate or the right clock would help; else the certificate is good and
/// its holder is nobody. The panel's own host answers with the same statuses.
fn without_certificate(reason: &NotIdentified) -> Notice {
    match reason {
        NotIdentified::NoCertificate => pages::CERTIFICATE_MISSING,
        NotIdentified::Untrusted(_) => pages::CERTIFICATE_UNTRUSTED,
        NotIdentified::NotYetValid => pages::CERTIFICATE_EARLY,
        NotIdentified::Expired => pages::CERTIFICATE_EXPIRED,
        NotIdentified::Revoked | NotIdentified::Nobody => pages::CERTIFICATE_OF_NOBODY,
    }
}

/// The answer to a request that was refused: the way to the sign-in for a person on the way
/// to a page, else a page that says why.
pub(crate) fn refusal<B>(
    peer: &Peer,
    entry: &HostEntry,
    request: &Request<B>,
    denied: impl Into<Denied>,
) -> Response<Bytes> {
    let denied = denied.into();
    if denied == Denied::Visitor(Refused::SignInFirst) && signin::is_navigation(request) {
        let place = request.uri().path_and_query().map_or("/", |p| p.as_str());
        return signin::to_portal(&peer.edge.shared().table(), entry, request.headers(), place);
    }
    pages::answer(denied.notice(), Reader::of(request.headers()), None)
}

/// The visitor whom the request's cookie signs in on this host.
pub(crate) fn signed_in<B>(
    peer: &Peer,
    entry: &HostEntry,
    request: &Request<B>,
) -> Option<SignedIn> {
    let token = cookies::value_of(request.headers(), cookies::SESSION)?;
    peer.edge.live().sessions().visitor(&entry.host, token)
}

/// Eight octets that tie a page to a log line.
pub(crate) fn incident() -> String {
    let mut octets = [0; 8];
    // Without randomness the id is the same each time; the page is no worse for it.
    let _ = getrandom::fill(&mut octets);
    hex::encode(octets)
}
