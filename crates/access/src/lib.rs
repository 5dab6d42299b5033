//! THE decision: may this identity do this on this host or route, and why not.
//!
//! Everybody asks here: the edge before a request goes to an app ([`may_visit`]), to the files of
//! a site ([`may_read_site`]) or to an agent's own panel ([`may_open_agent_panel`]), the panel
//! before a route runs ([`may_call`]), both before something changes on behalf of a browser
//! ([`may_change`]) or is shown to it ([`may_ask`]). No other crate decides. Nothing here does IO or reads the clock, and
//! no decision rests on a header that says who somebody is.
#![forbid(unsafe_code)]

mod agent_panel;
mod api;
mod browser;
mod identity;
mod request;
mod site;
mod site_reader;
mod visit;

pub use agent_panel::{PanelRefused, may_open_agent_panel};
pub use api::{Caller, Denied, Rule, SecondFactor, When, Who, may_call};
pub use browser::{CrossOrigin, FetchSite, Provenance, may_change, may_look};
pub use identity::{Admin, Agent, Identities, Identity, NotIdentified, Presented};
pub use request::{is_frame_of_sibling, may_ask};
pub use site::{SiteDenied, entry_may_touch_site, may_touch_site};
pub use site_reader::{ADMINS_GROUP, may_read_site};
pub use visit::{Refused, VisitFacts, Visitor, may_visit};
