//! Certificates of hosts: who issues them at once, where they are kept, which one a host shows.
//!
//! [`leaf`]: leaves of our own authority. [`stored`]: what lies in the state directory.
//! [`provision`]: the certificates that a change serves. Public authorities take their time and
//! are asked by the [certifier](crate::certifier), never by a change.

mod leaf;
mod provision;
mod stored;

pub use leaf::LEAF_VALIDITY;
pub(crate) use leaf::{
    HostIssuer, NewCertificate, is_of, issue_leaf, issuer_for, needs_renewal, own_leaf_serves,
    own_names,
};
pub(crate) use provision::{Provide, Provision, Sources};
pub(crate) use stored::{end_of, load_host, load_pair};
