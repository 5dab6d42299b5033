//! May this visitor pass to this app?

use portlama_model::{AccessMode, AppRoute, DisplayName, Email, Group, Username};

use crate::FetchSite;

/// A visitor with a live two-factor session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Who signed in.
    pub username: Username,
    /// The name shown.
    pub displayname: DisplayName,
    /// Their address.
    pub email: Email,
    /// Their groups.
    pub groups: Vec<Group>,
}

/// What of a request bears on the decision.
#[derive(Debug, Clone, Copy)]
pub struct VisitFacts {
    /// The method is GET, HEAD or OPTIONS (RFC 9110 §9.2.1; TRACE never gets here).
    pub safe_method: bool,
    /// The request asks to become a WebSocket.
    pub upgrade: bool,
    /// Where the browser says the request began.
    pub fetch_site: FetchSite,
}

/// Why a visitor may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The tunnel is disabled.
    #[error("this address is switched off")]
    SwitchedOff,
    /// Only signed-in users may pass, and nobody is.
    #[error("sign in first")]
    SignInFirst,
    /// The host is restricted, and no grant exists.
    #[error("nobody has been granted access to this address")]
    NoGrants,
    /// The site lists who may read it, and this visitor is not among them.
    #[error("this address is for other visitors")]
    NotListed,
    /// Another website made the browser send this.
    #[error("another website may not make changes here")]
    CrossSite,
}

/// Decides whether a request may go to the app behind `route`.
///
/// # Errors
/// Says why not.
pub fn may_visit(
    route: &AppRoute,
    visitor: Option<&Visitor>,
    facts: VisitFacts,
) -> Result<(), Refused> {
    if !route.enabled {
        return Err(Refused::SwitchedOff);
    }
    match route.access {
        AccessMode::Public => Ok(()),
        AccessMode::Restricted => Err(Refused::NoGrants),
        AccessMode::Authenticated if visitor.is_none() => Err(Refused::SignInFirst),
        AccessMode::Authenticated if rides_on_the_session(route, facts) => Err(Refused::CrossSite),
        AccessMode::Authenticated => Ok(()),
    }
}

/// Whether another site uses the visitor's session to change something: sibling hosts are
/// same-site, so a `SameSite` cookie does not keep them apart.
fn rides_on_the_session(route: &AppRoute, facts: VisitFacts) -> bool {
    let changes = facts.upgrade || !facts.safe_method;
    let foreign = matches!(facts.fetch_site, FetchSite::SameSite | FetchSite::CrossSite);
    changes && foreign && !route.allow_cross_site
}

#[cfg(test)]
mod tests {
    use super::*;
    use portlama_model::{HostHeader, Origin, OriginScheme};

    fn route(access: AccessMode) -> AppRoute {
        AppRoute {
            tunnel: "0c7f3f6e-2d0b-4a3e-8a55-6b5b6a0e9f01"
                .parse()
                .expect("valid"),
            host: "wiki.lab.example.org".parse().expect("valid"),
            access,
            enabled: true,
            allow_cross_site: false,
            target: None,
            origin: Origin {
                scheme: OriginScheme::Http,
                host_header: HostHeader::Public,
                tls_verify: true,
            },
        }
    }

    fn mira() -> Visitor {
        Visitor {
            username: "mira".parse().expect("valid"),
            displayname: "Mira".parse().expect("valid"),
            email: "mira@example.net".parse().expect("valid"),
            groups: vec![],
        }
    }

    const READ: VisitFacts = VisitFacts {
        safe_method: true,
        upgrade: false,
        fetch_site: FetchSite::CrossSite,
    };

    #[test]
    fn authenticated_hosts_pass_signed_in_visitors_only() {
        let route = route(AccessMode::Authenticated);
        assert_eq!(may_visit(&route, None, READ), Err(Refused::SignInFirst));
        assert_eq!(may_visit(&route, Some(&mira()), READ), Ok(()));
    }

    #[test]
    fn public_hosts_pass_everybody() {
        assert_eq!(may_visit(&route(AccessMode::Public), None, READ), Ok(()));
    }

    #[test]
    fn restricted_hosts_pass_nobody_without_grants() {
        let route = route(AccessMode::Restricted);
        assert_eq!(
            may_visit(&route, Some(&mira()), READ),
            Err(Refused::NoGrants)
        );
    }

    #[test]
    fn disabled_hosts_pass_nobody() {
        let mut route = route(AccessMode::Public);
        route.enabled = false;
        assert_eq!(
            may_visit(&route, Some(&mira()), READ),
            Err(Refused::SwitchedOff)
        );
    }

    #[test]
    fn other_sites_may_read_but_not_change_with_a_visitors_session() {
        let mut route = route(AccessMode::Authenticated);
        let facts = |safe_method, upgrade, fetch_site| VisitFacts {
            safe_method,
            upgrade,
            fetch_site,
        };
        for site in [FetchSite::SameSite, FetchSite::CrossSite] {
            assert_eq!(
                may_visit(&route, Some(&mira()), facts(true, false, site)),
                Ok(())
            );
            for (safe, upgrade) in [(false, false), (true, true)] {
                let refused = may_visit(&route, Some(&mira()), facts(safe, upgrade, site));
                assert_eq!(refused, Err(Refused::CrossSite));
            }
        }
        for site in [FetchSite::SameOrigin, FetchSite::None, FetchSite::Absent] {
            assert_eq!(
                may_visit(&route, Some(&mira()), facts(false, false, site)),
                Ok(())
            );
        }
        route.allow_cross_site = true;
        let allowed = may_visit(
            &route,
            Some(&mira()),
            facts(false, false, FetchSite::CrossSite),
        );
        assert_eq!(allowed, Ok(()));
    }
}
