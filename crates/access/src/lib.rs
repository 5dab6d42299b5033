//! THE decision: may this identity do this on this host or route, and why not.
//!
//! Everybody asks here: the edge before a request goes to an app ([`may_visit`]), the panel
//! before a route runs ([`may_call`]), both before something changes on behalf of a browser
//! ([`may_change`]). No other crate decides. Nothing here does IO or reads the clock, and
//! no decision rests on a header that says who somebody is.
#![forbid(unsafe_code)]

mod api;
mod browser;
mod identity;
mod site;
mod visit;

pub use api::{Caller, Denied, Rule, SecondFactor, When, Who, may_call};
pub use browser::{CrossOrigin, FetchSite, Provenance, may_change};
pub use identity::{Admin, Agent, Identities, Identity, NotIdentified, Presented};
pub use site::{SiteDenied, entry_may_touch_site, may_touch_site};
pub use visit::{Refused, VisitFacts, Visitor, may_visit};
